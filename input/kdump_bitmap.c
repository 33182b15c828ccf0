/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Bitmaps of a kdump-compressed dump: runs of pages, and which descriptor is whose. */
#include <stdlib.h>
#include <string.h>

#include "base/bitmap.h"
#include "base/bytes.h"
#include "input/kdump_parts.h"

/*
 * The descriptor of a page is found by counting bits below it.  A count for each piece of the bitmap would grow with
 * the machine; so there are at most so many counts, and the rest is counted when needed.  512 KiB; with 16 TiB of
 * memory and pages of 4 KiB a count stands for 8 KiB of bitmap.
 */
#define RANKS_MAX 65536u

/* Descriptors that are looked at together. */
#define DESC_BATCH 170u

static uint64_t bitmap_bytes(const struct kdump_impl *k)
{
	return (k->max_mapnr + 7) / 8;
}

bool kdump_read_piece(const struct kdump_impl *k, unsigned which, uint64_t piece, uint8_t bits[PIECE_BYTES])
{
	uint64_t at = piece * PIECE_BYTES, bytes = bitmap_bytes(k);
	size_t n = at < bytes ? (size_t)min_u64(PIECE_BYTES, bytes - at) : 0;
	struct err e;
	bool ok = true;

	memset(bits + n, 0, PIECE_BYTES - n);
	if (n && input_file_read(k->parts[0].file, k->bitmap_at[which] + at, bits, n, &e)) {
		memset(bits, 0xff, n);
		ok = false;
	}
	if (n && at + n == bytes && k->max_mapnr % 8)
		bits[n - 1] &= (uint8_t)((1u << k->max_mapnr % 8) - 1);
	return ok;
}

/* The first piece at or after `piece` that may have bits, as far as the holes of the file tell. */
static uint64_t skip_hole(const struct kdump_impl *k, unsigned which, uint64_t piece)
{
	uint64_t at = k->bitmap_at[which] + piece * PIECE_BYTES;

	if (at >= k->bitmap_at[which] + bitmap_bytes(k))
		return piece;
	return piece + (input_file_next_data(k->parts[0].file, at) - at) / PIECE_BYTES;
}

enum status kdump_ranks_build(struct kdump_impl *k, struct err *e)
{
	uint64_t pieces = shift_up(k->max_mapnr, PIECE_SHIFT), count = 0, entries;
	uint8_t bits[PIECE_BYTES];
	size_t filled = 0;

	k->rank_shift = PIECE_SHIFT;
	while (shift_up(k->max_mapnr, k->rank_shift) > RANKS_MAX)
		k->rank_shift++;
	entries = shift_up(k->max_mapnr, k->rank_shift) + 1;
	k->rank = malloc((size_t)entries * sizeof(*k->rank));
	if (!k->rank)
		return err_nomem(e, (size_t)entries * sizeof(*k->rank));
	for (uint64_t piece = 0; piece < pieces; piece++) {
		uint64_t entry;

		piece = skip_hole(k, 1, piece);
		if (piece >= pieces)
			break;
		entry = piece >> (k->rank_shift - PIECE_SHIFT);
		while (filled <= entry)
			k->rank[filled++] = count;
		if (!kdump_read_piece(k, 1, piece, bits))
			return err_set(e, E_UNREADABLE, "bitmap 2 cannot be read");
		count += bitmap_count(bits, 0, PIECE_PAGES);
	}
	while (filled < entries)
		k->rank[filled++] = count;
	return OK;
}

bool kdump_rank(const struct kdump_impl *k, pfn_t pfn, uint64_t *rank)
{
	uint64_t entry = pfn >> k->rank_shift, piece = entry << (k->rank_shift - PIECE_SHIFT);
	uint8_t bits[PIECE_BYTES];

	*rank = k->rank[entry];
	for (; piece << PIECE_SHIFT < pfn; piece++) {
		if (!kdump_read_piece(k, 1, piece, bits))
			return false;
		*rank += bitmap_count(bits, 0, (size_t)min_u64(PIECE_PAGES, pfn - (piece << PIECE_SHIFT)));
	}
	return true;
}

const struct kdump_part *kdump_find_part(const struct kdump_impl *k, pfn_t pfn, pfn_t *until)
{
	*until = k->max_mapnr;
	for (unsigned i = 0; i < k->n_parts; i++) {
		const struct kdump_part *p = &k->parts[i];

		if (pfn >= p->end)
			continue;
		*until = pfn < p->start ? p->start : p->end;
		return pfn < p->start ? NULL : p;
	}
	return NULL;
}

bool kdump_desc_usable(const struct kdump_impl *k, const struct kdump_part *p, const struct page_desc *d,
		       const char **why)
{
	if (!d->offset || !d->size)
		*why = "it is marked as missing";
	else if (d->offset < k->desc_at || d->size > k->block_size)
		*why = "its descriptor makes no sense";
	else if (d->offset > p->file->size || d->size > p->file->size - d->offset)
		*why = "the file ends before its data";
	else
		return true;
	return false;
}

/* Whether the data of pages from `pfn` on, which have their bit up to `end`, is there, and until where it stays so. */
static bool data_is_there(const struct kdump_impl *k, pfn_t pfn, pfn_t end, pfn_t *until)
{
	const struct kdump_part *p = kdump_find_part(k, pfn, until);
	uint8_t raw[DESC_BATCH * PAGE_DESC_LEN];
	bool first = false;
	const char *why;
	uint64_t rank, at;
	struct err e;
	size_t n;

	*until = min_u64(*until, end);
	if (!p || !kdump_rank(k, pfn, &rank))
		return false;
	n = (size_t)min_u64(*until - pfn, DESC_BATCH);
	at = k->desc_at + (rank - p->first_rank) * PAGE_DESC_LEN;
	/* where even the descriptors are not there, all that follow are not there either */
	if (at >= p->file->size)
		return false;
	n = (size_t)min_u64(n, (p->file->size - at) / PAGE_DESC_LEN);
	*until = pfn + (n ? n : 1);
	if (!n || input_file_read(p->file, at, raw, n * PAGE_DESC_LEN, &e))
		return false;
	for (size_t i = 0; i < n; i++) {
		struct page_desc d;
		bool usable;

		page_desc_decode(&d, raw + i * PAGE_DESC_LEN, k->big_endian);
		usable = kdump_desc_usable(k, p, &d, &why);
		if (!i)
			first = usable;
		if (usable != first) {
			*until = pfn + i;
			break;
		}
	}
	return first;
}

/* Finds a run within one piece; `kinds`: pages with and without data are told apart. */
static bool find_run(const struct kdump_impl *k, pfn_t from, bool kinds, struct pfn_run *run)
{
	uint64_t pieces = shift_up(k->max_mapnr, PIECE_SHIFT);
	uint8_t present[PIECE_BYTES], held[PIECE_BYTES];

	for (uint64_t piece = from >> PIECE_SHIFT; piece < pieces; piece++) {
		pfn_t base = piece << PIECE_SHIFT, until;
		size_t first, end, f2, e2, at = from > base ? (size_t)(from - base) : 0;
		bool ok = kdump_read_piece(k, 1, piece, held);

		ok &= kdump_read_piece(k, 0, piece, present);
		for (size_t i = 0; i < PIECE_BYTES; i++)
			present[i] |= held[i];
		if (!bitmap_next_run(present, at, PIECE_PAGES, &first, &end)) {
			/* the loop adds one */
			piece = min_u64(skip_hole(k, 0, piece + 1), skip_hole(k, 1, piece + 1)) - 1;
			continue;
		}
		*run = (struct pfn_run){ base + first, base + end, RUN_DATA };
		if (!kinds)
			return true;
		if (!ok) {
			run->kind = RUN_LOST;
			return true;
		}
		if (!bitmap_next_run(held, first, end, &f2, &e2) || f2 > first) {
			run->kind = RUN_EMPTY;
			run->end = f2 > first && f2 < end ? base + f2 : base + end;
			return true;
		}
		run->end = base + e2;
		if (k->look_at_descs) {
			run->kind = data_is_there(k, run->start, run->end, &until) ? RUN_DATA : RUN_LOST;
			run->end = until;
		}
		return true;
	}
	return false;
}

bool kdump_first_present(const struct kdump_impl *k, pfn_t *first)
{
	struct pfn_run run;

	if (!find_run(k, 0, false, &run))
		return false;
	*first = run.start;
	return true;
}

static bool next_run(const struct mem_source *src, pfn_t from, unsigned page_shift, bool kinds, struct pfn_run *run)
{
	const struct kdump_impl *k = src->impl;

	if (page_shift != k->shift || !find_run(k, from > k->pfn_base ? from - k->pfn_base : 0, kinds, run))
		return false;
	run->start += k->pfn_base;
	run->end += k->pfn_base;
	return true;
}

bool kdump_next_run(const struct mem_source *src, pfn_t from, unsigned page_shift, struct pfn_run *run)
{
	return next_run(src, from, page_shift, true, run);
}

bool kdump_next_present(const struct mem_source *src, pfn_t from, unsigned page_shift, struct pfn_run *run)
{
	return next_run(src, from, page_shift, false, run);
}

/* Bytes of a bitmap from byte `at` of the file's on. */
static void read_bits(const struct kdump_impl *k, enum page_set set, uint64_t at, uint8_t *bits, size_t bytes)
{
	uint8_t one[PIECE_BYTES], other[PIECE_BYTES];
	size_t n;

	for (size_t done = 0; done < bytes; done += n, at += n) {
		size_t in = at % PIECE_BYTES;

		n = (size_t)min_u64(bytes - done, PIECE_BYTES - in);
		kdump_read_piece(k, 1, at / PIECE_BYTES, one);
		if (set == PAGES_PRESENT) {
			kdump_read_piece(k, 0, at / PIECE_BYTES, other);
			for (size_t i = 0; i < PIECE_BYTES; i++)
				one[i] |= other[i];
		}
		memcpy(bits + done, one + in, n);
	}
}

void kdump_fill(const struct mem_source *src, enum page_set set, pfn_t start, pfn_t end, uint8_t *bits)
{
	const struct kdump_impl *k = src->impl;
	size_t bytes = (size_t)((end - start + 7) / 8), before;
	/* bytes begin at other pages where the file does not count from a multiple of 8 */
	uint64_t base = (k->pfn_base + 7) / 8, byte = start / 8;
	unsigned shift = (unsigned)(8 * base - k->pfn_base);

	before = byte < base ? (size_t)min_u64(base - byte, bytes) : 0;
	memset(bits, 0, before);
	read_bits(k, set, byte + before - base, bits + before, bytes - before);
	if (shift) {
		uint8_t next = 0;

		if (byte + bytes >= base)
			read_bits(k, set, byte + bytes - base, &next, 1);
		bitmap_shift_down(bits, bits, bytes, shift, next);
	}
	if ((end - start) % 8)
		bits[bytes - 1] &= (uint8_t)((1u << (end - start) % 8) - 1);
}
