/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where a dump is cut into parts: at block boundaries, with about as many pages in each part. */
#include "command/split.h"

#include <inttypes.h>

#include "base/bitmap.h"
#include "base/bytes.h"

/* So many counts cost 512 KiB, whatever the size of the machine. */
#define BLOCKS_MAX 65536
/* crash goes through bitmap 2 of a part in words of 64 bits, from its first page frame on */
#define BLOCK_ALIGN 64

struct split_table {
	pfn_t base, max_mapnr, block; /* page frames; block 0 begins at `base` */
	uint64_t n;
	uint64_t pages[]; /* to dump in each block */
};

enum status split_table_open(struct split_table **out, pfn_t pfn_base, pfn_t max_mapnr, uint64_t block_bytes,
			     uint64_t page_size, struct err *e)
{
	pfn_t pages = max_mapnr - min_u64(max_mapnr, pfn_base);
	pfn_t block = max_u64(block_bytes / page_size, BLOCK_ALIGN);
	struct split_table *t;
	uint64_t n;

	if (block_bytes % page_size)
		return err_set(e, E_USAGE, "--splitblock-size: %" PRIu64 " KiB are no multiple of the page size, %" PRIu64,
			       block_bytes >> 10, page_size);
	if (!block_bytes || pages / block >= BLOCKS_MAX)
		block = max_u64(block, pages / (BLOCKS_MAX - 1) + 1);
	block = round_up_u64(block, BLOCK_ALIGN);
	n = pages / block + 1;
	t = calloc(1, sizeof(*t) + n * sizeof(t->pages[0]));
	if (!t)
		return err_nomem(e, n * sizeof(t->pages[0]));
	t->base = pfn_base;
	t->max_mapnr = max_mapnr;
	t->block = block;
	t->n = n;
	*out = t;
	return OK;
}

void split_table_close(struct split_table *t)
{
	free(t);
}

void split_table_count(struct split_table *t, const uint8_t *bits, pfn_t start, pfn_t end)
{
	for (pfn_t at = max_u64(start, t->base), to; at < end; at = to) {
		uint64_t b = (at - t->base) / t->block;

		to = min_u64(end, t->base + (b + 1) * t->block);
		t->pages[b] += bitmap_count(bits, (size_t)(at - start), (size_t)(to - start));
	}
}

void split_table_cut(const struct split_table *t, struct split_range *ranges, unsigned n)
{
	uint64_t total = 0, before = 0, b = 0;

	for (uint64_t i = 0; i < t->n; i++)
		total += t->pages[i];
	for (unsigned i = 0; i < n; i++) {
		struct split_range *r = &ranges[i];
		/* counts of all parts so far, so that what one has too many the next has less */
		uint64_t wanted = total / n * (i + 1) + total % n * (i + 1) / n;

		*r = (struct split_range){ .start = min_u64(t->base + b * t->block, t->max_mapnr) };
		while (b < t->n && (before + r->pages < wanted || i == n - 1))
			r->pages += t->pages[b++];
		r->end = min_u64(t->base + b * t->block, t->max_mapnr);
		before += r->pages;
	}
}
