/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where a dump is cut into parts: at block boundaries, with about as many pages in each part. */
#ifndef COMMAND_SPLIT_H
#define COMMAND_SPLIT_H

#include "base/cleanup.h"
#include "base/err.h"
#include "makedumpfile.h"

/* Counts of the pages to dump, block by block. */
struct split_table;

/*
 * Blocks from page frame `pfn_base` on, below which there are none, of `block_bytes`, a multiple of the page size; 0: small ones.  They are made larger where there would be too
 * many of them, or where a reader that takes words of bitmap 2 would trip.
 */
enum status split_table_open(struct split_table **t, pfn_t pfn_base, pfn_t max_mapnr, uint64_t block_bytes,
			     uint64_t page_size, struct err *e) MUST_CHECK;
void split_table_close(struct split_table *t);
DEFINE_AUTO(split_table);

/* Bits of the pages [start, end), the first of them for page frame `start`, a multiple of 8. */
void split_table_count(struct split_table *t, const uint8_t *bits, pfn_t start, pfn_t end);

struct split_range {
	pfn_t start, end;
	uint64_t pages; /* to dump */
};

/* Cuts all page frames into `n` ranges, the later ones of which may be empty. */
void split_table_cut(const struct split_table *t, struct split_range *ranges, unsigned n);

#endif
