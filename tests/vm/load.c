/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Guest helper: fill memory with every kind of page a dump filter must tell apart, load a crash kernel, crash. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/perf_event.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <termios.h>
#include <unistd.h>

#define HUGE_PAGE (2UL << 20)

/* Younger than the C library this may be built with. */
#ifndef MADV_PAGEOUT
#define MADV_PAGEOUT 21
#endif
#ifndef MADV_HWPOISON
#define MADV_HWPOISON 100
#endif

static size_t page_size;

static void fill_noise(char *at, size_t len)
{
	static uint64_t x = 88172645463325252;

	for (size_t i = 0; i + 8 <= len; i += 8) {
		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
		memcpy(at + i, &x, 8);
	}
}

static void fill_text(char *at, size_t len)
{
	char line[64];

	for (size_t i = 0; i + sizeof(line) <= len; i += sizeof(line)) {
		memset(line, '.', sizeof(line));
		snprintf(line, sizeof(line), "text of process %d, offset %zu", (int)getpid(), i);
		memcpy(at + i, line, sizeof(line));
	}
}

/* Anonymous memory, aligned so that a huge page can back it, with small or huge pages asked for. */
static char *anon(size_t len, int advice)
{
	char *at = mmap(NULL, len + HUGE_PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (at == MAP_FAILED)
		return NULL;
	at = (char *)(((uintptr_t)at + HUGE_PAGE - 1) & ~(HUGE_PAGE - 1));
	madvise(at, len, advice);
	return at;
}

static int make_small(size_t len)
{
	char *at = anon(len, MADV_NOHUGEPAGE);

	if (!at)
		return -1;
	fill_noise(at, len / 2);
	fill_text(at + len / 2, len / 2);
	return 0;
}

static int make_zero(size_t len)
{
	char *at = anon(len / 4, MADV_NOHUGEPAGE);

	if (!at)
		return -1;
	memset(at, 1, len / 4);
	memset(at, 0, len / 4);
	return 0;
}

static int make_huge(size_t len)
{
	char *at = anon(len + 2 * HUGE_PAGE, MADV_HUGEPAGE);

	if (!at)
		return -1;
	fill_text(at, len + 2 * HUGE_PAGE);
	/* a huge page that is mapped in part only, and one that is mapped by small entries */
	munmap(at, HUGE_PAGE / 2);
	return mprotect(at + HUGE_PAGE, HUGE_PAGE / 4, PROT_READ);
}

static int make_hugetlb(size_t len)
{
	char *at = mmap(NULL, 3 * HUGE_PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB, -1, 0);

	(void)len;
	if (at == MAP_FAILED)
		return -1;
	fill_text(at, HUGE_PAGE);
	fill_noise(at + HUGE_PAGE, HUGE_PAGE);
	fill_text(at + 2 * HUGE_PAGE, HUGE_PAGE);
	/* one poisoned page inside of a hugetlb page */
	if (madvise(at + 2 * HUGE_PAGE + 5 * page_size, page_size, MADV_HWPOISON))
		printf("KIND hugetlb_poison: %s\n", strerror(errno));
	return 0;
}

static int make_shared(size_t len)
{
	int fd = memfd_create("load", 0);
	char *at;

	if (fd < 0 || ftruncate(fd, len / 2))
		return -1;
	at = mmap(NULL, len / 2, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (at == MAP_FAILED)
		return -1;
	fill_text(at, len / 2);
	return 0;
}

static int make_mergeable(size_t len)
{
	char *at = anon(1 << 20, MADV_NOHUGEPAGE);

	(void)len;
	if (!at)
		return -1;
	memset(at, 0x5a, 1 << 20);
	return madvise(at, 1 << 20, MADV_MERGEABLE);
}

static int make_copied_on_write(size_t len)
{
	char *at = anon(len / 2, MADV_NOHUGEPAGE);

	if (!at)
		return -1;
	fill_noise(at, len / 2);
	switch (fork()) {
	case -1:
		return -1;
	case 0:
		fill_noise(at, len / 4);
		pause();
		_exit(0);
	}
	return 0;
}

static int make_locked(size_t len)
{
	char *at = anon(256 * page_size, MADV_NOHUGEPAGE);

	(void)len;
	return at ? mlock(at, 256 * page_size) : -1;
}

/* Pages pushed out to swap; those read back sit in the swap cache. */
static int make_swapped(size_t len)
{
	char *at = anon(len / 4, MADV_NOHUGEPAGE);
	volatile char c;

	if (!at)
		return -1;
	fill_text(at, len / 4);
	if (madvise(at, len / 4, MADV_PAGEOUT))
		return -1;
	for (size_t i = 0; i < len / 8; i += page_size)
		c = at[i];
	(void)c;
	return 0;
}

static int make_poisoned(size_t len)
{
	char *at = anon(8 * page_size, MADV_NOHUGEPAGE);

	(void)len;
	if (!at)
		return -1;
	memset(at, 7, 8 * page_size);
	return madvise(at + 2 * page_size, page_size, MADV_HWPOISON);
}

/* Kernel pages with user data: pipe buffers, and the ring of a perf event, which on older kernels has a mapping. */
static int make_kernel_buffers(size_t len)
{
	struct perf_event_attr attr = {
		.type = PERF_TYPE_SOFTWARE, .size = sizeof(attr), .config = PERF_COUNT_SW_CPU_CLOCK, .disabled = 1
	};
	char *ring, text[4096];
	int fd[2];

	(void)len;
	fill_text(text, sizeof(text));
	for (int i = 0; i < 8; i++) {
		if (pipe2(fd, O_NONBLOCK))
			return -1;
		while (write(fd[1], text, sizeof(text)) > 0)
			;
	}
	fd[0] = (int)syscall(SYS_perf_event_open, &attr, 0, -1, -1, 0);
	if (fd[0] < 0)
		return -1;
	ring = mmap(NULL, 17 * page_size, PROT_READ | PROT_WRITE, MAP_SHARED, fd[0], 0);
	return ring == MAP_FAILED ? -1 : 0;
}

static int make_slab(size_t len)
{
	char name[32];

	(void)len;
	for (int i = 0; i < 3000; i++) {
		snprintf(name, sizeof(name), "/tmp/file-%d", i);
		close(open(name, O_CREAT | O_WRONLY, 0600));
	}
	return 0;
}

static int make_freed(size_t len)
{
	char *at = anon(len, MADV_NOHUGEPAGE);

	if (!at)
		return -1;
	fill_noise(at, len);
	return munmap(at, len);
}

static const struct kind {
	const char *name;
	int (*make)(size_t len);
} kinds[] = {
	{ "small", make_small },
	{ "zero", make_zero },
	{ "huge", make_huge },
	{ "hugetlb", make_hugetlb },
	{ "shared", make_shared },
	{ "mergeable", make_mergeable },
	{ "copied_on_write", make_copied_on_write },
	{ "locked", make_locked },
	{ "swapped", make_swapped },
	{ "poisoned", make_poisoned },
	{ "kernel_buffers", make_kernel_buffers },
	{ "slab", make_slab },
	{ "freed", make_freed },
};

/* Poisoning a mapped page warns its owner, who dies without a handler. Nobody touches the page again. */
static void note_poison(int sig)
{
	(void)sig;
}

static int load_pages(size_t len)
{
	signal(SIGBUS, note_poison);
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		printf("KIND %s: %s\n", kinds[i].name, kinds[i].make(len) ? strerror(errno) : "made");
	fflush(stdout);
	close(open("/tmp/loaded", O_CREAT | O_WRONLY, 0600));
	pause();
	return 0;
}

/* Machines without the call have the program kexec for it. */
static int load_crash_kernel(const char *kernel, const char *initrd, const char *command_line)
{
#ifdef SYS_kexec_file_load
	int kernel_fd = open(kernel, O_RDONLY), initrd_fd = open(initrd, O_RDONLY);

	if (syscall(SYS_kexec_file_load, kernel_fd, initrd_fd, strlen(command_line) + 1, command_line,
		    2UL /* on crash */)) {
		perror("kexec_file_load");
		return 1;
	}
	return 0;
#else
	printf("cannot load %s, %s, %s\n", kernel, initrd, command_line);
	return 1;
#endif
}

/*
 * Save /proc/kpageflags (8 bytes a page) to a block device, then crash: by one process with memory taken before and
 * past the page cache, so that next to nothing changes between the snapshot and the crash.
 */
static int snapshot(const char *device, int crash)
{
	static const size_t step = 1 << 20;
	int from = open("/proc/kpageflags", O_RDONLY), to = open(device, O_WRONLY | O_DIRECT);
	int trigger = open("/proc/sysrq-trigger", O_WRONLY);
	size_t room = 256UL << 20, used = 0;
	char *buf = mmap(NULL, room, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ssize_t n;

	if (from < 0 || to < 0 || trigger < 0 || buf == MAP_FAILED) {
		perror("snapshot");
		return 1;
	}
	/* the first pass only takes the memory, the second one is the snapshot */
	for (int pass = 0; pass < 2; pass++) {
		for (used = 0; used + step <= room; used += (size_t)n) {
			n = pread(from, buf + used, step, (off_t)used);
			if (n <= 0)
				break;
		}
	}
	used = (used + page_size - 1) & ~(page_size - 1);
	for (size_t at = 0; at < used; at += step)
		if (pwrite(to, buf + at, used - at < step ? used - at : step, (off_t)at) < 0) {
			perror("snapshot");
			return 1;
		}
	fsync(to);
	printf("@SNAPSHOT_SIZE %zu\n@READY\n", used);
	fflush(stdout);
	tcdrain(STDOUT_FILENO); /* or the kernel's last words may fall into ours */
	if (crash && write(trigger, "c", 1) < 0)
		perror("sysrq-trigger");
	pause();
	return 1;
}

int main(int argc, char **argv)
{
	page_size = (size_t)sysconf(_SC_PAGESIZE);
	if (argc == 3 && !strcmp(argv[1], "pages"))
		return load_pages(strtoul(argv[2], NULL, 0) << 20);
	if (argc == 5 && !strcmp(argv[1], "crash-kernel"))
		return load_crash_kernel(argv[2], argv[3], argv[4]);
	if (argc == 3 && !strcmp(argv[1], "snapshot"))
		return snapshot(argv[2], 0);
	if (argc == 3 && !strcmp(argv[1], "snapshot-and-crash"))
		return snapshot(argv[2], 1);
	fprintf(stderr, "load pages MIB | crash-kernel KERNEL INITRD CMDLINE | snapshot[-and-crash] DEVICE\n");
	return 2;
}
