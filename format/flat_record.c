/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The flattened format: a file as records that each say where their bytes belong, for what cannot seek. */
#include "format/flat_record.h"

#include <string.h>

#include "base/bytes.h"

/* Numbers of the format itself are big endian on every machine. */
#define SIGNATURE "makedumpfile" /* with its NUL; 16 bytes are its place */
enum { TYPE_AT = 16, VERSION_AT = 24 };

void flat_start_encode(uint8_t raw[FLAT_START_LEN])
{
	memset(raw, 0, FLAT_START_LEN);
	memcpy(raw, SIGNATURE, sizeof(SIGNATURE));
	put_u64(raw + TYPE_AT, 1, true);
	put_u64(raw + VERSION_AT, 1, true);
}

bool flat_start_valid(const uint8_t raw[FLAT_START_LEN])
{
	return !memcmp(raw, SIGNATURE, sizeof(SIGNATURE)) && get_u64(raw + TYPE_AT, true) == 1;
}

void flat_record_encode(uint8_t raw[FLAT_RECORD_LEN], struct flat_record r)
{
	put_u64(raw, (uint64_t)r.offset, true);
	put_u64(raw + 8, (uint64_t)r.len, true);
}

struct flat_record flat_record_decode(const uint8_t raw[FLAT_RECORD_LEN])
{
	return (struct flat_record){ (int64_t)get_u64(raw, true), (int64_t)get_u64(raw + 8, true) };
}
