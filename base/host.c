/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the machine that we run on has to offer. */
#include "base/host.h"

#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/text.h"

static bool hex_number(const char **s, uint64_t *value)
{
	size_t len;

	*s += strspn(*s, " \t");
	*s += (*s)[0] == '0' && (*s)[1] == 'x' ? 2 : 0;
	len = strspn(*s, "0123456789abcdefABCDEF");
	if (!text_to_u64(*s, len, 16, value))
		return false;
	*s += len;
	return true;
}

bool host_vmcoreinfo(uint64_t *paddr, uint64_t *len)
{
	char line[128];
	const char *s = line;
	FILE *f = fopen("/sys/kernel/vmcoreinfo", "re");
	bool found;

	if (!f)
		return false;
	found = fgets(line, sizeof(line), f) && hex_number(&s, paddr) && hex_number(&s, len) && *len;
	fclose(f);
	return found;
}

bool host_has_crash_memory(void)
{
	char line[256];
	bool found = false;
	FILE *f = fopen("/proc/iomem", "re");

	if (!f)
		return false;
	while (!found && fgets(line, sizeof(line), f)) {
		const char *s = line;
		uint64_t start, last;

		/* addresses that are not for us to see are all zero */
		found = strstr(line, " : Crash kernel\n") && hex_number(&s, &start) && *s++ == '-' &&
			hex_number(&s, &last) && last > start;
	}
	fclose(f);
	return found;
}

/* MemAvailable counts the page cache that can go; kernels before 3.14 tell only MemFree. */
uint64_t host_available_memory(void)
{
	static const char *const keys[] = { "MemAvailable:", "MemFree:" };
	uint64_t found[2] = { 0, 0 };
	char line[128];
	FILE *f = fopen("/proc/meminfo", "re");

	if (!f)
		return 0;
	while (fgets(line, sizeof(line), f))
		for (size_t i = 0; i < 2; i++) {
			const char *s = line + strlen(keys[i]);

			if (strncmp(line, keys[i], strlen(keys[i])))
				continue;
			s += strspn(s, " \t");
			if (!text_to_u64(s, strspn(s, "0123456789"), 10, &found[i]))
				found[i] = 0;
		}
	fclose(f);
	return (found[0] ? found[0] : found[1]) << 10;
}

/* The first line of DIR/NAME; false when there is none. */
static bool read_line(const char *dir, const char *name, char *line, int len)
{
	char path[4200];
	FILE *f;
	bool ok;

	if (snprintf(path, sizeof(path), "%s/%s", dir, name) >= (int)sizeof(path))
		return false;
	f = fopen(path, "re");
	if (!f)
		return false;
	ok = fgets(line, len, f);
	fclose(f);
	return ok;
}

/* "max 100000" or "150000 100000": microseconds of CPU time in a period, rounded to whole CPUs; 0: no limit. */
static unsigned quota_v2(const char *dir)
{
	unsigned long long quota, period;
	char line[64];

	if (!read_line(dir, "cpu.max", line, sizeof(line)) || sscanf(line, "%llu %llu", &quota, &period) != 2 || !period)
		return 0;
	return (unsigned)min_u64((quota + period - 1) / period, UINT32_MAX);
}

static unsigned quota_v1(const char *dir)
{
	long long quota, period;
	char line[64];

	if (!read_line(dir, "cpu.cfs_quota_us", line, sizeof(line)) || sscanf(line, "%lld", &quota) != 1 || quota <= 0)
		return 0;
	if (!read_line(dir, "cpu.cfs_period_us", line, sizeof(line)) || sscanf(line, "%lld", &period) != 1 || period <= 0)
		return 0;
	return (unsigned)min_u64((uint64_t)((quota - 1) / period + 1), UINT32_MAX);
}

/* The smallest limit of a control group and all that it lies in; `path` is cut on the way. */
static unsigned smallest_quota(const char *root, char *path, unsigned (*quota)(const char *dir))
{
	unsigned least = 0;

	for (;;) {
		char dir[4200], *slash = strrchr(path, '/');
		unsigned n;

		snprintf(dir, sizeof(dir), "%s%s", root, path);
		n = quota(dir);
		if (n && (!least || n < least))
			least = n;
		if (!slash)
			return least;
		*slash = '\0';
	}
}

/* Lines of /proc/self/cgroup: "0::/path" of version 2, "4:cpu,cpuacct:/path" of version 1. */
static unsigned cgroup_cpus(void)
{
	FILE *f = fopen("/proc/self/cgroup", "re");
	unsigned least = 0;
	char line[4096];

	if (!f)
		return 0;
	while (fgets(line, sizeof(line), f)) {
		char *names = strchr(line, ':'), *path = names ? strchr(names + 1, ':') : NULL;
		unsigned n = 0;

		if (!path)
			continue;
		*path++ = '\0';
		path[strcspn(path, "\n")] = '\0';
		if (!names[1])
			n = smallest_quota("/sys/fs/cgroup", path, quota_v2);
		else if (!strcmp(names + 1, "cpu") || !strncmp(names + 1, "cpu,", 4))
			n = smallest_quota("/sys/fs/cgroup/cpu", path, quota_v1);
		if (n && (!least || n < least))
			least = n;
	}
	fclose(f);
	return least;
}

unsigned host_usable_cpus(void)
{
	cpu_set_t sets[8]; /* 8192 CPUs, the most that Linux can have */
	unsigned cpus = 1, quota = cgroup_cpus();

	if (!sched_getaffinity(0, sizeof(sets), sets))
		cpus = (unsigned)CPU_COUNT_S(sizeof(sets), sets);
	if (quota && quota < cpus)
		cpus = quota;
	return cpus ? cpus : 1;
}

bool host_is_crash_kernel(void)
{
	return !access("/proc/vmcore", F_OK);
}

int64_t host_now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}
