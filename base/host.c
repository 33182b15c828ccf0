/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the machine that we run on has to offer. */
#include "base/host.h"

#include <stdio.h>
#include <string.h>

#include "base/text.h"

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
