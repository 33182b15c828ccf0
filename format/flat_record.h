/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The flattened format: a stream of records, each of which says where in a file its bytes belong. */
#ifndef FORMAT_FLAT_RECORD_H
#define FORMAT_FLAT_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

#define FLAT_HEADER_LEN 4096 /* the first record stands behind it */
#define FLAT_RECORD_LEN 16

struct flat_record {
	uint64_t offset, size; /* bytes, in the file that the stream stands for */
};

enum flat_kind {
	FLAT_DATA,
	FLAT_END, /* the mark behind the last record */
	FLAT_BAD, /* no record of any writer */
};

bool flat_has_magic(const uint8_t *head, size_t len);

/* Checks type and version in the file header, of which `len` bytes are there. */
enum status flat_header_check(const uint8_t *head, size_t len, struct err *e) MUST_CHECK;

/* Integers are big endian whatever machine was dumped.  A record of FLAT_DATA has a size, and ends below 2^63. */
enum flat_kind flat_record_decode(struct flat_record *r, const uint8_t raw[FLAT_RECORD_LEN]);

void flat_header_encode(uint8_t raw[FLAT_HEADER_LEN]);
void flat_record_encode(uint8_t raw[FLAT_RECORD_LEN], const struct flat_record *r);
/* The mark behind the last record. */
void flat_end_encode(uint8_t raw[FLAT_RECORD_LEN]);

#endif
