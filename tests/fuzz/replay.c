/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Runs a fuzz entry over files and folders of files, one TAP line each: for builds without libFuzzer. */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <unistd.h>

#include "tests/fuzz/fuzz.h"

/* Of the processor, as the machine may be busy; and by the clock, as an input could also wait for ever. */
#define INPUT_SECONDS 10
#define INPUT_SECONDS_MAX 120

static unsigned count;
static FILE *tap; /* entries may send standard output elsewhere */

/* Ends the process if nobody calls it again within so many seconds; 0: no end. */
static void set_limit(unsigned processor, unsigned clock)
{
	struct itimerval limit = { .it_value = { .tv_sec = (time_t)processor } };

	REQUIRE(setitimer(ITIMER_PROF, &limit, NULL) == 0);
	alarm(clock);
}

static void replay_file(const char *path)
{
	FILE *f = fopen(path, "rb");
	struct stat st;
	uint8_t *data;
	size_t len;

	if (!f || fstat(fileno(f), &st) < 0) {
		fprintf(tap, "not ok %u - %s: %s\n", ++count, path, strerror(errno));
		exit(EXIT_FAILURE);
	}
	/* an allocation of its own, exactly as large as the input: so that reading past it shows */
	data = malloc(st.st_size ? (size_t)st.st_size : 1);
	REQUIRE(data);
	len = fread(data, 1, (size_t)st.st_size, f);
	fclose(f);
	fprintf(tap, "# %s\n", path);
	fflush(tap);
	set_limit(INPUT_SECONDS, INPUT_SECONDS_MAX);
	LLVMFuzzerTestOneInput(data, len);
	set_limit(0, 0);
	free(data);
	fprintf(tap, "ok %u - %s\n", ++count, path);
}

static int is_visible(const struct dirent *d)
{
	return d->d_name[0] != '.';
}

static void replay(const char *path)
{
	struct dirent **names;
	int n = scandir(path, &names, is_visible, alphasort);

	if (n < 0) {
		replay_file(path);
		return;
	}
	for (int i = 0; i < n; i++) {
		char name[4096];

		snprintf(name, sizeof(name), "%s/%s", path, names[i]->d_name);
		replay_file(name);
		free(names[i]);
	}
	free(names);
}

int main(int argc, char **argv)
{
	tap = fdopen(dup(STDOUT_FILENO), "w");
	REQUIRE(tap);
	LLVMFuzzerInitialize(&argc, &argv);
	for (int i = 1; i < argc; i++)
		replay(argv[i]);
	fprintf(tap, "1..%u\n", count);
	return fclose(tap) ? EXIT_FAILURE : EXIT_SUCCESS;
}
