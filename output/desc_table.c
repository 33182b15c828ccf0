/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * File systems take a block of 4 KiB or nothing of it, and a process that is killed stops between two blocks.  Of every
 * 512 descriptors, which are three blocks, one has its offset in the second block and its size in the third.  (Another
 * one has only zeros in its next block.)  Readers differ in what they make of a half: crash takes an offset without a
 * size for a page, libkdumpfile a size without an offset.  Both refuse an impossible size.
 */
#include "output/desc_table.h"

#include <string.h>

#include "format/page_desc.h"
#include "print_info.h"

#define CYCLE ((size_t)DESC_TABLE_BATCH * PAGE_DESC_LEN)
#define CUT ((size_t)8192)
#define BEHIND ((size_t)16) /* bytes of the split descriptor in its second block */

static enum status put(struct sink *s, uint64_t pos, const uint8_t *buf, size_t len, size_t *written, struct err *e)
{
	enum status st = s->ops->write_at(s, pos, buf, len, written, e);

	s->bytes_written += *written;
	return st;
}

static void take_back(struct sink *s, uint64_t pos, size_t len)
{
	static const uint8_t zeros[CYCLE];
	size_t written;
	struct err e;

	if (len && put(s, pos, zeros, len, &written, &e))
		message(MSG_DEBUG, "%s\n", e.text);
}

/* What is behind the cut comes first, so that the split descriptor has room for all of it before it points anywhere. */
enum status desc_table_write(struct sink *s, uint64_t table_at, uint64_t pos, uint8_t *raw, size_t len, size_t *written,
			     struct err *e)
{
	static const uint8_t impossible[BEHIND] = { 0xff, 0xff, 0xff, 0xff };
	size_t cut = (CUT + CYCLE - (size_t)((pos - table_at) % CYCLE)) % CYCLE, done;
	uint8_t behind[BEHIND];
	enum status st;

	if (s->is_stream || !cut || cut + BEHIND > len)
		return put(s, pos, raw, len, written, e);
	memcpy(behind, raw + cut, BEHIND);
	memcpy(raw + cut, impossible, BEHIND);
	*written = 0;
	st = put(s, pos + cut, raw + cut, len - cut, &done, e);
	memcpy(raw + cut, behind, BEHIND);
	if (!st)
		st = put(s, pos, raw, cut, written, e);
	if (st) {
		take_back(s, pos + cut, done);
		return st;
	}
	/* counted already */
	st = s->ops->write_at(s, pos + cut, behind, BEHIND, &done, e);
	if (st) {
		/* it has an offset now, so the impossible size stays */
		take_back(s, pos + cut + BEHIND, len - cut - BEHIND);
		*written = cut - (PAGE_DESC_LEN - BEHIND);
		return st;
	}
	*written = len;
	return OK;
}
