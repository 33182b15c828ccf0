/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Headers of the kdump-compressed format: explicit offsets for every word size, never a C struct. */
#include "format/kdump_header.h"

#include <string.h>

#include "base/bytes.h"
#include "format/elf_core.h"

/*
 * Main header.  The names are followed by a time of two longs, aligned to the size of a long, and by
 * 32-bit fields without gaps.  A 32-bit program built with a 64-bit time_t would shift them: the classic
 * layout is what every reader expects.
 */
enum { SIGNATURE_AT = 0, VERSION_AT = 8, UTSNAME_AT = 12 };
static const uint8_t signature[8] = { 'K', 'D', 'U', 'M', 'P', ' ', ' ', ' ' };

/* Block sizes are page sizes. */
enum { BLOCK_MIN = 4096, BLOCK_MAX = 65536 };

enum kdump_layout kdump_layout_of(unsigned elf_machine, unsigned long_bytes)
{
	if (long_bytes == 8)
		return KDUMP_64;
	return elf_machine == ELF_EM_386 ? KDUMP_32_PACKED : KDUMP_32_PADDED;
}

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
	uint8_t since;		/* header version that brought it */
} sub_rows[SUB_FIELDS] = {	/*             64  padded  packed    since */
	[SUB_PHYS_BASE]		= { W_LONG, {   0,   0,   0 },  0 },
	[SUB_DUMP_LEVEL]	= { W_S32,  {   8,   4,   4 },  1 },
	[SUB_SPLIT]		= { W_S32,  {  12,   8,   8 },  2 },
	[SUB_START_PFN]		= { W_LONG, {  16,  12,  12 },  2 },
	[SUB_END_PFN]		= { W_LONG, {  24,  16,  16 },  2 },
	[SUB_OFFSET_VMCOREINFO]	= { W_64,   {  32,  24,  20 },  3 },
	[SUB_SIZE_VMCOREINFO]	= { W_LONG, {  40,  32,  28 },  3 },
	[SUB_OFFSET_NOTE]	= { W_64,   {  48,  40,  32 },  4 },
	[SUB_SIZE_NOTE]		= { W_LONG, {  56,  48,  40 },  4 },
	[SUB_OFFSET_ERASEINFO]	= { W_64,   {  64,  56,  44 },  5 },
	[SUB_SIZE_ERASEINFO]	= { W_LONG, {  72,  64,  52 },  5 },
	[SUB_START_PFN_64]	= { W_64,   {  80,  72,  56 },  6 },
	[SUB_END_PFN_64]	= { W_64,   {  88,  80,  64 },  6 },
	[SUB_MAX_MAPNR_64]	= { W_64,   {  96,  88,  72 },  6 },
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
	memcpy(raw + SIGNATURE_AT, signature, sizeof(signature));
	put_u32(raw + VERSION_AT, (uint32_t)h->version, big_endian);
	memcpy(raw + UTSNAME_AT, h->utsname, KDUMP_UTSNAME_LEN);
	if (layout == KDUMP_64) {
		put_u64(raw + at, (uint64_t)h->timestamp, big_endian);
		put_u64(raw + at + 8, (uint64_t)h->timestamp_us, big_endian);
	} else {
		put_u32(raw + at, (uint32_t)h->timestamp, big_endian);
		put_u32(raw + at + 4, (uint32_t)h->timestamp_us, big_endian);
	}
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

bool kdump_has_magic(const uint8_t *head, size_t len)
{
	return len >= sizeof(signature) && !memcmp(head, signature, sizeof(signature));
}

static void decode_as(struct kdump_header *h, const uint8_t *raw, enum kdump_layout layout, bool big)
{
	const uint8_t *time = raw + timestamp_offset(layout);

	h->version = (int32_t)get_u32(raw + VERSION_AT, big);
	memcpy(h->utsname, raw + UTSNAME_AT, KDUMP_UTSNAME_LEN);
	if (layout == KDUMP_64) {
		h->timestamp = (int64_t)get_u64(time, big);
		h->timestamp_us = (int64_t)get_u64(time + 8, big);
	} else {
		/* unsigned: the time of a crash is never before 1970, but may be after 2038 */
		h->timestamp = get_u32(time, big);
		h->timestamp_us = get_u32(time + 4, big);
	}
	raw += kdump_status_offset(layout);
	h->status = get_u32(raw, big);
	h->block_size = get_u32(raw + 4, big);
	h->sub_header_blocks = get_u32(raw + 8, big);
	h->bitmap_blocks = get_u32(raw + 12, big);
	h->max_mapnr = get_u32(raw + 16, big);
	h->total_ram_blocks = get_u32(raw + 20, big);
	h->device_blocks = get_u32(raw + 24, big);
	h->written_blocks = get_u32(raw + 28, big);
	h->current_cpu = get_u32(raw + 32, big);
	h->nr_cpus = get_u32(raw + 36, big);
}

/* Read at a wrong width these fields are parts of others, or zeros: they hardly ever look like this. */
static bool makes_sense(const struct kdump_header *h)
{
	return h->block_size >= BLOCK_MIN && h->block_size <= BLOCK_MAX && !(h->block_size & (h->block_size - 1)) &&
	       h->sub_header_blocks && h->sub_header_blocks <= INT32_MAX && h->bitmap_blocks &&
	       (uint64_t)h->bitmap_blocks * h->block_size * 8 >= h->max_mapnr;
}

/*
 * In a 32-bit header the numbers in the place of the microseconds are the block size and the blocks of the sub header.
 * So where a header makes sense in both word sizes, this tells.
 */
static bool time_makes_sense(const struct kdump_header *h)
{
	return h->timestamp_us >= 0 && h->timestamp_us < 1000000;
}

enum status kdump_header_decode(struct kdump_header *h, enum kdump_layout *layout, bool *big_endian, const uint8_t *raw,
				size_t len, struct err *e)
{
	static const struct {
		enum kdump_layout layout;
		bool big;
	} tries[] = { { KDUMP_64, false }, { KDUMP_64, true }, { KDUMP_32_PADDED, false }, { KDUMP_32_PADDED, true } };
	bool strange = false, found = false;
	int32_t version = 0;

	for (size_t i = 0; i < sizeof(tries) / sizeof(tries[0]); i++) {
		struct kdump_header tried;

		if (len < kdump_header_len(tries[i].layout))
			continue;
		decode_as(&tried, raw, tries[i].layout, tries[i].big);
		if (!makes_sense(&tried) || (found && !time_makes_sense(&tried)))
			continue;
		if (tried.version < 1 || tried.version > KDUMP_VERSION) {
			version = tried.version;
			strange = true;
			continue;
		}
		*h = tried;
		*layout = tries[i].layout;
		*big_endian = tries[i].big;
		if (time_makes_sense(h))
			return OK;
		found = true;
	}
	if (found)
		return OK;
	if (strange)
		return err_set(e, E_UNSUPPORTED, "a kdump-compressed header of version %d is not known", (int)version);
	return err_set(e, E_FORMAT, "the kdump-compressed header makes no sense in any word size and byte order%s",
		       len < kdump_header_len(KDUMP_32_PADDED) ? ": the file ends within it" : "");
}

/* 1: VMCOREINFO or notes are where they can be; 0: there are none; -1: they are where they cannot be. */
static int places_make_sense(const uint8_t *raw, const struct kdump_header *h, enum kdump_layout layout, bool big)
{
	static const struct {
		enum sub_field offset, size;
	} places[] = { { SUB_OFFSET_VMCOREINFO, SUB_SIZE_VMCOREINFO }, { SUB_OFFSET_NOTE, SUB_SIZE_NOTE } };
	uint64_t bs = h->block_size, end = bs * (1 + (uint64_t)h->sub_header_blocks);
	int found = 0;

	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		const struct sub_row *row = &sub_rows[places[i].offset];
		uint64_t offset = get_u64(raw + row->at[layout], big);
		uint32_t size = get_u32(raw + sub_rows[places[i].size].at[layout], big);

		if (h->version < row->since || (!offset && !size))
			continue;
		if (offset <= bs || offset >= end || size > end - offset)
			return -1;
		found = 1;
	}
	return found;
}

/* The number of pages is in the main header, too. */
static bool pages_agree(const uint8_t *raw, const struct kdump_header *h, enum kdump_layout layout, bool big)
{
	return clamp_u32(get_u64(raw + sub_rows[SUB_MAX_MAPNR_64].at[layout], big)) == h->max_mapnr;
}

enum kdump_layout kdump_sub_header_layout(const uint8_t *raw, const struct kdump_header *h, bool big_endian)
{
	int packed = places_make_sense(raw, h, KDUMP_32_PACKED, big_endian);
	int padded = places_make_sense(raw, h, KDUMP_32_PADDED, big_endian);

	if (packed == padded && h->version >= sub_rows[SUB_MAX_MAPNR_64].since) {
		packed = pages_agree(raw, h, KDUMP_32_PACKED, big_endian);
		padded = pages_agree(raw, h, KDUMP_32_PADDED, big_endian);
	}
	/* before version 3 both are the same */
	return packed >= padded ? KDUMP_32_PACKED : KDUMP_32_PADDED;
}

void kdump_sub_header_decode(struct kdump_sub_header *s, const uint8_t *raw, const struct kdump_header *h,
			     enum kdump_layout layout, bool big_endian)
{
	uint64_t v[SUB_FIELDS] = { 0 };

	/* what a version does not have yet is where the notes begin */
	for (size_t i = 0; i < SUB_FIELDS; i++) {
		const struct sub_row *row = &sub_rows[i];
		const uint8_t *from = raw + row->at[layout];

		if (h->version >= row->since)
			v[i] = row->width == W_64 || (row->width == W_LONG && layout == KDUMP_64) ?
				       get_u64(from, big_endian) :
				       get_u32(from, big_endian);
	}
	*s = (struct kdump_sub_header){
		.phys_base = (int64_t)v[SUB_PHYS_BASE],
		.dump_level = (int32_t)v[SUB_DUMP_LEVEL],
		.split = (int32_t)v[SUB_SPLIT],
		.start_pfn = v[h->version >= 6 ? SUB_START_PFN_64 : SUB_START_PFN],
		.end_pfn = v[h->version >= 6 ? SUB_END_PFN_64 : SUB_END_PFN],
		.offset_vmcoreinfo = v[SUB_OFFSET_VMCOREINFO],
		.size_vmcoreinfo = v[SUB_SIZE_VMCOREINFO],
		.offset_note = v[SUB_OFFSET_NOTE],
		.size_note = v[SUB_SIZE_NOTE],
		.offset_eraseinfo = v[SUB_OFFSET_ERASEINFO],
		.size_eraseinfo = v[SUB_SIZE_ERASEINFO],
		.max_mapnr = h->version >= 6 && v[SUB_MAX_MAPNR_64] ? v[SUB_MAX_MAPNR_64] : h->max_mapnr,
	};
}
