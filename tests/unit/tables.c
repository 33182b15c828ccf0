/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Page tables in an invented machine's memory, as a kernel would write them. */
#include "tables.h"

static paddr_t new_table(struct tables *t, unsigned level)
{
	uint64_t entries = UINT64_C(1) << t->bits[level + 1];
	paddr_t at = t->next;

	for (uint64_t i = 0; i < entries; i++)
		world_put_long(t->w, at + i * 8, t->empty[level]);
	t->next += entries * 8;
	return at;
}

void tables_open(struct tables *t, struct world *w, const uint8_t *bits, paddr_t first, uint64_t pointer,
		 bool empty_tables)
{
	*t = (struct tables){ .w = w, .next = first, .pointer = pointer };
	for (t->bits[0] = bits[0]; bits[t->levels + 1]; t->levels++)
		t->bits[t->levels + 1] = bits[t->levels + 1];
	for (unsigned level = 0; empty_tables && level + 1 < t->levels; level++)
		t->empty[level + 1] = new_table(t, level) + pointer;
	t->root = new_table(t, t->levels - 1);
}

paddr_t tables_entry(struct tables *t, vaddr_t vaddr, unsigned level)
{
	unsigned shift = t->bits[0];
	paddr_t table = t->root;

	for (unsigned l = 0; l < t->levels; l++)
		shift += t->bits[l + 1];
	for (unsigned l = t->levels - 1;; l--) {
		paddr_t at;
		uint64_t entry;

		shift -= t->bits[l + 1];
		at = table + (vaddr >> shift & ((1u << t->bits[l + 1]) - 1)) * 8;
		if (l == level)
			return at;
		entry = get_u64(t->w->mem.bytes + at, t->w->k.target.big_endian);
		if (entry == t->empty[l]) {
			entry = new_table(t, l - 1) + t->pointer;
			world_put_long(t->w, at, entry);
		}
		table = entry - t->pointer;
	}
}

void tables_put(struct tables *t, vaddr_t vaddr, unsigned level, uint64_t entry)
{
	struct err e;

	world_put_long(t->w, tables_entry(t, vaddr, level), entry);
	if (!t->w->km)
		return;
	/* nobody may remember what was there */
	kmem_close(t->w->km);
	assert_int_equal(kmem_open(&t->w->km, &t->w->k, &e), OK);
}

void tables_check(const struct tables *t, vaddr_t vaddr, paddr_t paddr, uint64_t len)
{
	struct mapping m = { 0 };
	struct err e;
	enum status status = paging_walk(t->w->km, vaddr, &m, NULL, NULL, &e);

	if (!len) {
		assert_int_equal(status, E_MISSING);
		return;
	}
	assert_int_equal(status, OK);
	assert_int_equal(m.len, len);
	assert_int_equal(m.paddr + (vaddr - m.vaddr), paddr);
}
