/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The one page table walk, driven by the machine's table of levels. */
#include <inttypes.h>
#include <limits.h>

#include "arch/arch.h"
#include "base/bytes.h"
#include "kernel/kernel.h"
#include "kernel/kmem.h"

static enum status not_mapped(vaddr_t vaddr, struct err *e)
{
	return err_set(e, E_MISSING, "virtual address %#" PRIx64 " is not mapped", vaddr);
}

/* The stretch of 2^shift bytes around an address; its place in memory is left alone. */
static void set_extent(struct mapping *m, vaddr_t vaddr, unsigned shift)
{
	m->len = UINT64_C(1) << shift;
	m->vaddr = vaddr & ~(m->len - 1);
}

enum status paging_walk(struct kmem *km, vaddr_t vaddr, struct mapping *found, paging_step_fn *step, void *data,
			struct err *e)
{
	const struct kernel *k = kmem_kernel(km);
	const struct arch_state *a = &k->arch_state;
	const struct paging *p = a->paging;
	unsigned levels = 0, shift = p->bits[0], first = 0, last = UINT_MAX;
	paddr_t table = a->root;

	*found = (struct mapping){ .len = UINT64_MAX };
	if (!a->has_root)
		return err_set(e, E_MISSING, "the root of the page tables is unknown");
	set_extent(found, vaddr, p->bits[0]);
	if (vaddr < a->tables_first || vaddr > a->tables_last || vaddr & a->tables_zero)
		return not_mapped(vaddr, e);
	for (; p->bits[levels + 1]; levels++)
		shift += p->bits[levels + 1];
	if (a->sign_extended && vaddr >> (shift - 1) != 0 && vaddr >> (shift - 1) != UINT64_MAX >> (shift - 1))
		return not_mapped(vaddr, e);
	for (unsigned level = levels; level-- > 0;) {
		unsigned index_bits = p->bits[level + 1];
		uint8_t raw[8];
		uint64_t pte, index;
		struct pte to = { .last = UINT_MAX };
		paddr_t at;

		shift -= index_bits;
		set_extent(found, vaddr, shift);
		index = vaddr >> shift & ((UINT64_C(1) << index_bits) - 1);
		if (index < first || index > last)
			return not_mapped(vaddr, e);
		at = table + index * p->entry_bytes;
		if (kmem_read_phys(km, at, raw, p->entry_bytes, e))
			return err_add(e, "page table of %#" PRIx64, vaddr);
		pte = get_ulong(raw, p->entry_bytes, a->pte_big_endian);
		if (step)
			step(data, p->level_names[level], at, pte);
		to.shift = shift;
		switch (k->arch->decode_pte(a, pte, level, &to)) {
		case PTE_ABSENT:
			return not_mapped(vaddr, e);
		case PTE_TABLE:
			table = to.target;
			first = to.first;
			last = to.last;
			continue;
		case PTE_LEAF:
			/* where several entries stand for one page, each speaks for its own part: the next may be broken */
			set_extent(found, vaddr, to.shift < shift ? to.shift : shift);
			found->paddr = (to.target & -(UINT64_C(1) << to.shift)) +
				       (found->vaddr & ((UINT64_C(1) << to.shift) - 1));
			return OK;
		}
	}
	/* the lowest level has no tables below it */
	return err_set(e, E_MISSING, "virtual address %#" PRIx64 " has no page", vaddr);
}

struct visit {
	struct kmem *km;
	unsigned tables_left;
	paging_leaf_fn *fn;
	void *data;
};

/* False: enough.  The depth is that of the levels, whatever tables point at. */
static bool visit_table(struct visit *v, paddr_t table, unsigned level, unsigned shift)
{
	const struct kernel *k = kmem_kernel(v->km);
	const struct arch_state *a = &k->arch_state;
	const struct paging *p = a->paging;
	uint64_t before = 0;

	if (!v->tables_left--)
		return false;
	for (uint64_t i = 0; !(i >> p->bits[level + 1]); i++) {
		struct pte to = { .shift = shift, .last = UINT_MAX };
		enum pte_kind kind;
		uint8_t raw[8];
		uint64_t pte;
		struct err e;

		if (kmem_read_phys(v->km, table + i * p->entry_bytes, raw, p->entry_bytes, &e))
			return true;
		pte = get_ulong(raw, p->entry_bytes, a->pte_big_endian);
		/* no table is entered twice, but for one that stands for all that are empty */
		if (pte == before)
			continue;
		before = pte;
		kind = k->arch->decode_pte(a, pte, level, &to);
		if (kind == PTE_LEAF && !v->fn(v->data, level, pte, &to))
			return false;
		if (kind == PTE_TABLE && level && !visit_table(v, to.target, level - 1, shift - p->bits[level]))
			return false;
	}
	return true;
}

void paging_visit(struct kmem *km, unsigned tables_max, paging_leaf_fn *fn, void *data)
{
	const struct arch_state *a = &kmem_kernel(km)->arch_state;
	struct visit v = { .km = km, .tables_left = tables_max, .fn = fn, .data = data };
	unsigned levels = 1, shift = a->paging->bits[0];

	for (; a->paging->bits[levels + 1]; levels++)
		shift += a->paging->bits[levels];
	if (a->has_root)
		(void)visit_table(&v, a->root, levels - 1, shift);
}

#define LEAVES_MAX 64

struct count {
	const struct kernel *k;
	unsigned seen;
	int good;
};

static bool count_leaf(void *data, unsigned level, uint64_t entry, const struct pte *leaf)
{
	struct count *c = data;

	(void)level, (void)entry;
	c->good += arch_has_memory(c->k, leaf->target) ? 1 : -1;
	return ++c->seen < LEAVES_MAX;
}

int paging_score(struct kmem *km)
{
	struct count c = { .k = kmem_kernel(km) };

	paging_visit(km, PAGING_TABLES, count_leaf, &c);
	return c.good;
}
