/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Headers of the kdump-compressed format: explicit offsets for every word size, never a C struct. */
#include "format/kdump_header.h"

#include <string.h>

#include "base/bytes.h"

/*
 * Main header.  The names are followed by a time of two longs, aligned to the size of a long, and by
 * 32-bit fields without gaps.  A 32-bit program built with a 64-bit time_t would shift them: the classic
 * layout is what every reader expects.
 */
enum { SIGNATURE_AT = 0, VERSION_AT = 8, UTSNAME_AT = 12 };

static size_t timestamp_offset(enum kdump_layout layout)
{
	return layout == KDUMP_64 ? 408 : 404;
}

static unsigned long_len(enum kdump_layout layout)
{
	return layout == KDUMP_64 ? 8 : 4;
}

size_t kdump_status_offset(enum kdump_layout layout)
{
	return timestamp_offset(layout) + 2 * long_len(layout);
}

size_t kdump_header_len(enum kdump_layout layout)
{
	return kdump_status_offset(layout) + 10 * 4;
}

/* clang-format off */
enum sub_field {
	SUB_PHYS_BASE, SUB_DUMP_LEVEL, SUB_SPLIT, SUB_START_PFN, SUB_END_PFN, SUB_OFFSET_VMCOREINFO,
	SUB_SIZE_VMCOREINFO, SUB_OFFSET_NOTE, SUB_SIZE_NOTE, SUB_OFFSET_ERASEINFO, SUB_SIZE_ERASEINFO,
	SUB_START_PFN_64, SUB_END_PFN_64, SUB_MAX_MAPNR_64, SUB_FIELDS
};

enum width { W_S32, W_LONG, W_64 };

static const struct sub_row {
	enum width width;
	uint8_t at[3];		/* by enum kdump_layout */
} sub_rows[SUB_FIELDS] = {	/*             64  padded  packed */
	[SUB_PHYS_BASE]		= { W_LONG, {   0,   0,   0 } },
	[SUB_DUMP_LEVEL]	= { W_S32,  {   8,   4,   4 } },	/* version 1 */
	[SUB_SPLIT]		= { W_S32,  {  12,   8,   8 } },	/* version 2 */
	[SUB_START_PFN]		= { W_LONG, {  16,  12,  12 } },
	[SUB_END_PFN]		= { W_LONG, {  24,  16,  16 } },
	[SUB_OFFSET_VMCOREINFO]	= { W_64,   {  32,  24,  20 } },	/* version 3 */
	[SUB_SIZE_VMCOREINFO]	= { W_LONG, {  40,  32,  28 } },
	[SUB_OFFSET_NOTE]	= { W_64,   {  48,  40,  32 } },	/* version 4 */
	[SUB_SIZE_NOTE]		= { W_LONG, {  56,  48,  40 } },
	[SUB_OFFSET_ERASEINFO]	= { W_64,   {  64,  56,  44 } },	/* version 5 */
	[SUB_SIZE_ERASEINFO]	= { W_LONG, {  72,  64,  52 } },
	[SUB_START_PFN_64]	= { W_64,   {  80,  72,  56 } },	/* version 6 */
	[SUB_END_PFN_64]	= { W_64,   {  88,  80,  64 } },
	[SUB_MAX_MAPNR_64]	= { W_64,   {  96,  88,  72 } },
};
/* clang-format on */

size_t kdump_sub_header_len(enum kdump_layout layout)
{
	return sub_rows[SUB_MAX_MAPNR_64].at[layout] + 8u;
}

static uint32_t clamp_u32(uint64_t v)
{
	return v > UINT32_MAX ? UINT32_MAX : (uint32_t)v;
}

void kdump_header_encode(uint8_t *raw, const struct kdump_header *h, enum kdump_layout layout, bool big_endian)
{
	size_t at = timestamp_offset(layout);

	memset(raw, 0, kdump_header_len(layout));
	memcpy(raw + SIGNATURE_AT, "KDUMP   ", 8);
	put_u32(raw + VERSION_AT, (uint32_t)h->version, big_endian);
	memcpy(raw + UTSNAME_AT, h->utsname, KDUMP_UTSNAME_LEN);
	if (layout == KDUMP_64)
		put_u64(raw + at, (uint64_t)h->timestamp, big_endian);
	else
		put_u32(raw + at, (uint32_t)h->timestamp, big_endian);
	raw += kdump_status_offset(layout);
	put_u32(raw, h->status, big_endian);
	put_u32(raw + 4, h->block_size, big_endian);
	put_u32(raw + 8, h->sub_header_blocks, big_endian);
	put_u32(raw + 12, h->bitmap_blocks, big_endian);
	put_u32(raw + 16, clamp_u32(h->max_mapnr), big_endian);
	/* total_ram_blocks, device_blocks, written_blocks and current_cpu stay 0 */
	put_u32(raw + 36, h->nr_cpus, big_endian);
}

void kdump_sub_header_encode(uint8_t *raw, const struct kdump_sub_header *s, enum kdump_layout layout,
			     bool big_endian)
{
	const uint64_t values[SUB_FIELDS] = {
		[SUB_PHYS_BASE] = (uint64_t)s->phys_base,
		[SUB_DUMP_LEVEL] = (uint32_t)s->dump_level,
		[SUB_SPLIT] = (uint32_t)s->split,
		[SUB_START_PFN] = clamp_u32(s->start_pfn),
		[SUB_END_PFN] = clamp_u32(s->end_pfn),
		[SUB_OFFSET_VMCOREINFO] = s->offset_vmcoreinfo,
		[SUB_SIZE_VMCOREINFO] = s->size_vmcoreinfo,
		[SUB_OFFSET_NOTE] = s->offset_note,
		[SUB_SIZE_NOTE] = s->size_note,
		[SUB_OFFSET_ERASEINFO] = s->offset_eraseinfo,
		[SUB_SIZE_ERASEINFO] = s->size_eraseinfo,
		[SUB_START_PFN_64] = s->start_pfn,
		[SUB_END_PFN_64] = s->end_pfn,
		[SUB_MAX_MAPNR_64] = s->max_mapnr,
	};

	memset(raw, 0, kdump_sub_header_len(layout));
	for (size_t i = 0; i < SUB_FIELDS; i++) {
		uint8_t *to = raw + sub_rows[i].at[layout];

		if (sub_rows[i].width == W_64 || (sub_rows[i].width == W_LONG && layout == KDUMP_64))
			put_u64(to, values[i], big_endian);
		else
			put_u32(to, (uint32_t)values[i], big_endian);
	}
}
