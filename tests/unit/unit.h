/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What every unit test needs: cmocka in the order it wants, files without names, captured output. */
#ifndef TESTS_UNIT_H
#define TESTS_UNIT_H

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/bytes.h"
#include "base/err.h"
#include "makedumpfile.h"
#include "print_info.h"

#define TEST(name) static void name(void **state __attribute__((unused)))

/* The status as its own failure message: shows the text of the error, too. */
#define assert_ok(call)                                                       \
	do {                                                                  \
		e.text[0] = '\0';                                             \
		if (call) {                                                   \
			print_error("%s: %s\n", #call, e.text);               \
			fail();                                               \
		}                                                             \
	} while (0)
#define assert_contains(text, part)                                           \
	do {                                                                  \
		if (!strstr(text, part)) {                                    \
			print_error("\"%s\" is not in:\n%s\n", part, text);   \
			fail();                                               \
		}                                                             \
	} while (0)
#define assert_lacks(text, part)                                              \
	do {                                                                  \
		if (strstr(text, part)) {                                     \
			print_error("\"%s\" must not be in:\n%s\n", part, text); \
			fail();                                               \
		}                                                             \
	} while (0)

/* A regular file in memory with these bytes; *path opens it again while the descriptor is open. */
int file_of(const void *bytes, size_t len, char path[32]);

/* Bytes that malloc() has given and that are not freed. */
size_t memory_in_use(void);

/* A small generator that gives the same numbers on every run and machine. */
uint64_t random_next(uint64_t *seed);
static inline uint64_t random_below(uint64_t *seed, uint64_t n)
{
	return random_next(seed) % n;
}

/* Redirects standard output or error until captured() gives back what was written, for the caller to free. */
struct capture {
	int fd, saved, file;
};
void capture_start(struct capture *c, int fd);
char *captured(struct capture *c);

#endif
