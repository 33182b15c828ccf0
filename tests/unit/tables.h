/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Page tables in an invented machine's memory, as a kernel would write them. */
#ifndef TESTS_UNIT_TABLES_H
#define TESTS_UNIT_TABLES_H

#include "world.h"

#define TABLES_LEVELS_MAX 4

struct tables {
	struct world *w;
	unsigned levels;
	uint8_t bits[TABLES_LEVELS_MAX + 1]; /* of the page offset, then of the index from the lowest level up */
	paddr_t root, next;
	uint64_t pointer;		   /* what is added to a table's address to get the entry that leads to it */
	uint64_t empty[TABLES_LEVELS_MAX]; /* the entry of each level that leads nowhere */
};

/*
 * Starts tables at `first`, a root without entries.  `bits` ends with 0.  With `empty_tables` empty entries lead to tables of
 * empty entries, else they are 0.
 */
void tables_open(struct tables *t, struct world *w, const uint8_t *bits, paddr_t first, uint64_t pointer,
		 bool empty_tables);

/* Address of the entry of `vaddr` in its table of `level` (0 is the lowest), with tables made on the way. */
paddr_t tables_entry(struct tables *t, vaddr_t vaddr, unsigned level);
/* May be called when the world was looked at already. */
void tables_put(struct tables *t, vaddr_t vaddr, unsigned level, uint64_t entry);

/* Is `vaddr` mapped to `paddr`, in a page of `len` bytes?  len 0: it is not mapped. */
void tables_check(const struct tables *t, vaddr_t vaddr, paddr_t paddr, uint64_t len);

#endif
