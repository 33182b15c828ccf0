/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ppc, 32 bits: what is needed lies in the linear map; the tables, of which there are many kinds, are not walked. */
#include "arch/arch.h"
#include "base/bytes.h"
#include "format/elf_core.h"
#include "input/mem_source.h"
#include "kernel/kernel.h"

#define PAGE_OFFSET UINT64_C(0xc0000000)
#define PAGE_OFFSET_MIN UINT64_C(0x40000000)
#define PAGE_OFFSET_ALIGN UINT64_C(0x10000000)

static const struct paging no_tables = { "no page tables", 4, { 12 }, { NULL } };

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

	a->paging = &no_tables;
	a->section_bits = 24;
	a->physmem_bits = 44;
	if (!find_linear(k, &r))
		r = (struct linear_range){ .start = start, .end = start + k->src->end };
	r.end = min_u64(r.end, UINT32_MAX);
	r.trust = RANGE_FIXED;
	a->kernel_start = r.start;
	arch_add_linear(a, r);
}

static enum pte_kind ppc_decode_pte(const struct arch_state *a, uint64_t pte, unsigned level, struct pte *out)
{
	(void)a, (void)pte, (void)level, (void)out;
	return PTE_ABSENT;
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
