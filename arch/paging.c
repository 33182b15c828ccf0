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

enum status paging_walk(struct kmem *km, vaddr_t vaddr, struct mapping *found, paging_step_fn *step, void *data,
			struct err *e)
{
	const struct kernel *k = kmem_kernel(km);
	const struct arch_state *a = &k->arch_state;
	const struct paging *p = a->paging;
	unsigned levels = 0, shift = p->bits[0], first = 0, last = UINT_MAX;
	paddr_t table = a->root;

	if (!a->has_root)
		return err_set(e, E_MISSING, "the root of the page tables is unknown");
	if (vaddr < a->tables_first || vaddr > a->tables_last)
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
			found->len = UINT64_C(1) << to.shift;
			found->vaddr = vaddr & ~(found->len - 1);
			found->paddr = to.target & ~(found->len - 1);
			return OK;
		}
	}
	/* the lowest level has no tables below it */
	return err_set(e, E_MISSING, "virtual address %#" PRIx64 " has no page", vaddr);
}
