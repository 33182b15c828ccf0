/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Page tables that point at each other by virtual addresses, and at a table of empty entries where nothing is. */
#ifndef ARCH_VIRTUAL_TABLES_H
#define ARCH_VIRTUAL_TABLES_H

#include "arch/arch.h"

/* Tables of `levels` levels, each a page of 8-byte entries; NULL: there are none such. */
const struct paging *virtual_tables_form(unsigned page_shift, unsigned levels);

/* The table that an entry leads to: an aligned address in a range that needs no page tables. */
bool virtual_table_at(const struct arch_state *a, uint64_t entry, paddr_t *at);

/* What the empty entries of a table of one page are: the value that two neighbours have, as no table is entered twice. */
bool virtual_tables_find_empty(struct kmem *km, const struct arch_state *a, paddr_t table, uint64_t *empty);

/*
 * How many levels the tables below a->root have.  Empty entries show it: that of each level repeats the address of a table
 * that is empty itself, down to one that has no addresses.  0: they do not.
 */
unsigned virtual_tables_levels(struct kmem *km, const struct arch_state *a);

#endif
