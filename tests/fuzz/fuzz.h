/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the fuzz entries share: the entry itself, a hard assertion, files in memory, bytes taken one by one. */
#ifndef TESTS_FUZZ_FUZZ_H
#define TESTS_FUZZ_FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

/* libFuzzer's names. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerInitialize(int *argc, char ***argv);

/* A broken promise ends the process: libFuzzer and the replayer then keep or name the input. */
#define REQUIRE(what)                                                                          \
	do {                                                                                   \
		if (!(what)) {                                                                 \
			fprintf(stderr, "%s:%d: not true: %s\n", __FILE__, __LINE__, #what); \
			abort();                                                               \
		}                                                                              \
	} while (0)

/* An input is a string of bytes; past its end it reads as zeros. */
struct bytes {
	const uint8_t *at;
	size_t left;
};

uint8_t take_u8(struct bytes *b);
uint16_t take_u16(struct bytes *b);
uint32_t take_u32(struct bytes *b);
uint64_t take_u64(struct bytes *b);
/* Up to `most` bytes, in place; the number of them is returned. */
size_t take_some(struct bytes *b, size_t most, const uint8_t **some);

/* A number that breaks things more often than others do, picked by `which`. */
uint64_t hard_number(uint8_t which);

/* A file without a name that holds `len` bytes; `path` gets the name under which this process can open it. */
#define FUZZ_PATH_LEN 32
int memory_file(const void *data, size_t len, char path[FUZZ_PATH_LEN]);

#endif
