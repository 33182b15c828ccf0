/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The flattened format: a file as records that each say where their bytes belong, for what cannot seek. */
#ifndef FORMAT_FLAT_RECORD_H
#define FORMAT_FLAT_RECORD_H

#include <stdbool.h>
#include <stdint.h>

#define FLAT_START_LEN 4096 /* the block that a stream begins with */
#define FLAT_RECORD_LEN 16  /* what stands in front of the bytes of a record */

/* Signed in the format: both are -1 in the record that ends a stream. */
struct flat_record {
	int64_t offset; /* of the bytes in the file */
	int64_t len;	/* bytes that follow; 0 is never valid */
};

void flat_start_encode(uint8_t raw[FLAT_START_LEN]);
/* Is this the beginning of a stream? */
bool flat_start_valid(const uint8_t raw[FLAT_START_LEN]);

void flat_record_encode(uint8_t raw[FLAT_RECORD_LEN], struct flat_record r);
struct flat_record flat_record_decode(const uint8_t raw[FLAT_RECORD_LEN]);

static inline bool flat_record_is_end(struct flat_record r)
{
	return r.offset == -1 && r.len == -1;
}

/* Does it name bytes that a file can have? */
static inline bool flat_record_valid(struct flat_record r)
{
	return r.offset >= 0 && r.len > 0 && r.offset <= INT64_MAX - r.len;
}

#endif
