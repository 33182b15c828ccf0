/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Page tables that point at each other by virtual addresses, and at a table of empty entries where nothing is. */
#include "arch/virtual_tables.h"

#include "base/bytes.h"
#include "kernel/kernel.h"
#include "kernel/kmem.h"

#define LEVELS_MIN 2
#define LEVELS_MAX 4

/* clang-format off */
#define FORMS(p) \
	{ { "2 levels", 8, { p, p - 3, p - 3 }, { "PTE", "PGD" } }, \
	  { "3 levels", 8, { p, p - 3, p - 3, p - 3 }, { "PTE", "PMD", "PGD" } }, \
	  { "4 levels", 8, { p, p - 3, p - 3, p - 3, p - 3 }, { "PTE", "PMD", "PUD", "PGD" } } }
static const struct paging forms[][LEVELS_MAX - LEVELS_MIN + 1] = {
	FORMS(12), FORMS(13), FORMS(14), FORMS(15), FORMS(16),
};
/* clang-format on */

const struct paging *virtual_tables_form(unsigned page_shift, unsigned levels)
{
	if (levels < LEVELS_MIN || levels > LEVELS_MAX || page_shift < 12 || page_shift - 12 >= ARRAY_SIZE(forms))
		return NULL;
	return &forms[page_shift - 12][levels - LEVELS_MIN];
}

bool virtual_table_at(const struct arch_state *a, uint64_t entry, paddr_t *at)
{
	uint64_t left;

	return !(entry & (PAGE_SIZE_MIN - 1)) && arch_linear(a, entry, RANGE_FIXED, at, &left);
}

bool virtual_tables_find_empty(struct kmem *km, const struct arch_state *a, paddr_t table, uint64_t *empty)
{
	size_t n = kmem_kernel(km)->target.page_size / 8;

	for (size_t i = 0; i < n; i++) {
		uint8_t raw[8];
		uint64_t entry;
		struct err e;

		if (kmem_read_phys(km, table + i * 8, raw, sizeof(raw), &e))
			return false;
		entry = get_u64(raw, a->pte_big_endian);
		if (i && entry == *empty)
			return true;
		*empty = entry;
	}
	return false;
}

unsigned virtual_tables_levels(struct kmem *km, const struct arch_state *a)
{
	paddr_t table = a->root;
	uint64_t empty;

	for (unsigned levels = 1; levels <= LEVELS_MAX && virtual_tables_find_empty(km, a, table, &empty); levels++)
		if (!virtual_table_at(a, empty, &table))
			return levels >= LEVELS_MIN ? levels : 0;
	return 0;
}
