/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ppc, 32 bits: what a dump needs lies in the linear map; of the many kinds of tables the plain one is walked. */
#include "arch/arch.h"
#include "base/bytes.h"
#include "format/elf_core.h"
#include "input/mem_source.h"
#include "kernel/kernel.h"

#define PAGE_OFFSET UINT64_C(0xc0000000)
#define PAGE_OFFSET_MIN UINT64_C(0x40000000)
#define PAGE_OFFSET_ALIGN UINT64_C(0x10000000)

#define ADDRESS_BITS UINT64_C(0xfffff000)
#define PTE_PRESENT 1

/* Entries of 32 bits and pages of 4 KiB.  Processors with 36 bits of addresses have others, which nothing tells apart. */
static const struct paging two_levels = { "2 levels", 4, { 12, 10, 10 }, { "PTE", "PGD" } };

/* Segments of /proc/vmcore have the map's addresses, memory beyond the map has none; QEMU's are all physical. */
static bool find_linear(const struct kernel *k, struct linear_range *r)
{
	struct mem_segment s;
	bool found = false;

	for (size_t i = 0; mem_source_segment(k->src, i, &s); i++) {
		uint64_t start = s.vaddr - s.paddr, end = s.vaddr + s.memsz;

		if (s.paddr == PADDR_NONE || !s.memsz || s.vaddr >= UINT32_MAX || s.vaddr < PAGE_OFFSET_MIN ||
		    s.vaddr <= s.paddr || end < s.vaddr)
			continue;
		if (!found || s.vaddr < r->start)
			*r = (struct linear_range){ .start = start, .end = found ? r->end : 0 };
		r->end = max_u64(r->end, end);
		found = true;
	}
	return found;
}

static void ppc_setup(const struct kernel *k, struct arch_state *a)
{
	vaddr_t start = fact_or(&k->facts, F_stext, PAGE_OFFSET) & ~(PAGE_OFFSET_ALIGN - 1);
	struct linear_range r;
	uint64_t left;

	a->paging = &two_levels;
	a->section_bits = 24;
	a->physmem_bits = 44;
	if (!find_linear(k, &r))
		r = (struct linear_range){ .start = start, .end = start + k->src->end };
	r.end = min_u64(r.end, UINT32_MAX);
	r.trust = RANGE_FIXED;
	a->kernel_start = r.start;
	arch_add_linear(a, r);
	a->has_root = fact_known(&k->facts, F_root_table) && k->target.page_shift == 12 &&
		      arch_linear(a, fact(&k->facts, F_root_table), RANGE_FIXED, &a->root, &left);
	a->tables_last = UINT32_MAX;
}

static enum pte_kind ppc_decode_pte(const struct arch_state *a, uint64_t pte, unsigned level, struct pte *out)
{
	uint64_t left;

	out->target = pte & ADDRESS_BITS;
	if (level == 0)
		return pte & PTE_PRESENT ? PTE_LEAF : PTE_ABSENT;
	/* the tables' addresses are physical ones, but virtual on some processors */
	if (out->target >= a->kernel_start && !arch_linear(a, out->target, RANGE_FIXED, &out->target, &left))
		return PTE_ABSENT;
	return out->target ? PTE_TABLE : PTE_ABSENT;
}

const struct arch_ops arch_ppc = {
	.name = "ppc",
	.elf_machine = ELF_EM_PPC,
	.elf_classes = CLASS_ELF32 | CLASS_ELF64,
	.orders = ORDER_BIG,
	.long_bytes = 4,
	.compound_shift_max = 30,
	.setup = ppc_setup,
	.decode_pte = ppc_decode_pte,
};
