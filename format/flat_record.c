/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The flattened format: a stream of records, each of which says where in a file its bytes belong. */
#include "format/flat_record.h"

#include <inttypes.h>
#include <string.h>

#include "base/bytes.h"

static const char signature[16] = "makedumpfile";
enum { TYPE_AT = 16, VERSION_AT = 24, FIELDS_END = 32 };
enum { TYPE_FLAT_HEADER = 1, VERSION_FLAT_HEADER = 1 };

bool flat_has_magic(const uint8_t *head, size_t len)
{
	return len >= sizeof(signature) && !memcmp(head, signature, sizeof(signature));
}

enum status flat_header_check(const uint8_t *head, size_t len, struct err *e)
{
	uint64_t type, version;

	if (len < FIELDS_END || !flat_has_magic(head, len))
		return err_set(e, E_FORMAT, "no header of the flattened format");
	type = get_u64(head + TYPE_AT, true);
	version = get_u64(head + VERSION_AT, true);
	if (type != TYPE_FLAT_HEADER || version != VERSION_FLAT_HEADER)
		return err_set(e, E_UNSUPPORTED, "a flattened file of type %" PRIu64 ", version %" PRIu64 " is not known",
			       type, version);
	return OK;
}

enum flat_kind flat_record_decode(struct flat_record *r, const uint8_t raw[FLAT_RECORD_LEN])
{
	r->offset = get_u64(raw, true);
	r->size = get_u64(raw + 8, true);
	if (r->offset == UINT64_MAX && r->size == UINT64_MAX)
		return FLAT_END;
	if (!r->size || r->offset > INT64_MAX || r->size > INT64_MAX - r->offset)
		return FLAT_BAD;
	return FLAT_DATA;
}

void flat_header_encode(uint8_t raw[FLAT_HEADER_LEN])
{
	memset(raw, 0, FLAT_HEADER_LEN);
	memcpy(raw, signature, sizeof(signature));
	put_u64(raw + TYPE_AT, TYPE_FLAT_HEADER, true);
	put_u64(raw + VERSION_AT, VERSION_FLAT_HEADER, true);
}

void flat_record_encode(uint8_t raw[FLAT_RECORD_LEN], const struct flat_record *r)
{
	put_u64(raw, r->offset, true);
	put_u64(raw + 8, r->size, true);
}

void flat_end_encode(uint8_t raw[FLAT_RECORD_LEN])
{
	memset(raw, 0xff, FLAT_RECORD_LEN);
}
