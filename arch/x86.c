/* SPDX-License-Identifier: GPL-2.0-or-later */
/* x86, 32 bits: with and without PAE; ELF files of either class. */
#include "arch/arch.h"
#include "base/bytes.h"
#include "format/elf_core.h"
#include "input/mem_source.h"
#include "kernel/kernel.h"
#include "kernel/kmem.h"

#define PTE_PRESENT 1
#define PTE_HUGE 0x80
#define PAE_ADDRESS_BITS UINT64_C(0x000ffffffffff000)
#define LOWMEM_MAX 0x38000000u /* 896 MiB, where vmalloc= does not make it less */

static const struct paging pae[] = {
	{ "PAE", 8, { 12, 9, 9, 2 }, { "PTE", "PMD", "PGD" } },
	{ "no PAE", 4, { 12, 10, 10 }, { "PTE", "PGD" } },
};

/* CONFIG_VMSPLIT_*: where the kernel's part of the addresses begins. */
static const uint32_t splits[] = { 0xc0000000, 0xb0000000, 0x80000000, 0x78000000, 0x40000000 };

/* The direct map as the segments show it; QEMU writes physical addresses as virtual ones, kexec -1 for high memory. */
static uint32_t page_offset_of_segments(const struct kernel *k)
{
	struct mem_segment s;

	for (size_t i = 0; mem_source_segment(k->src, i, &s); i++)
		for (size_t j = 0; j < ARRAY_SIZE(splits); j++)
			if (s.memsz && s.paddr < LOWMEM_MAX && s.vaddr - s.paddr == splits[j])
				return splits[j];
	return 0;
}

static void set_page_offset(const struct kernel *k, struct arch_state *a, uint32_t page_offset)
{
	a->kernel_start = page_offset;
	a->n_linear = 0;
	a->root = fact(&k->facts, F_root_table) - page_offset;
	arch_add_linear(a, (struct linear_range){ .start = page_offset,
						  .end = page_offset + min_u64(k->src->end, LOWMEM_MAX) });
}

static void set_form(struct arch_state *a, bool has_pae)
{
	a->paging = &pae[!has_pae];
	a->section_bits = has_pae ? 29 : 26;
	a->physmem_bits = has_pae ? 36 : 32;
	a->pte_form = has_pae;
}

static void x86_setup(const struct kernel *k, struct arch_state *a)
{
	uint32_t split = page_offset_of_segments(k);

	set_form(a, fact_known(&k->facts, F_pae));
	a->tables_last = UINT32_MAX;
	a->has_root = fact_known(&k->facts, F_root_table);
	set_page_offset(k, a, split ? split : splits[0]);
}

/*
 * Segments of QEMU do not tell the split, a vmlinux file not the form of tables, on which the size of sections depends:
 * those with which the image is where it has to be.
 */
static enum status x86_learn(struct kmem *km, struct arch_state *a, struct err *e)
{
	const struct kernel *k = kmem_kernel(km);
	const struct arch_state before = *a;
	vaddr_t stext = fact(&k->facts, F_stext);

	(void)e;
	if (!a->has_root || !fact_known(&k->facts, F_stext))
		return OK;
	for (unsigned turn = 0; turn < 2; turn++) {
		set_form(a, before.pte_form ^ turn);
		for (size_t i = 0; i < ARRAY_SIZE(splits); i++) {
			set_page_offset(k, a, i ? splits[i] : (uint32_t)before.kernel_start);
			if (stext >= a->kernel_start && arch_walks_to(km, stext, stext - a->kernel_start))
				return OK;
		}
	}
	*a = before;
	return OK;
}

static enum pte_kind x86_decode_pte(const struct arch_state *a, uint64_t pte, unsigned level, struct pte *out)
{
	if (!(pte & PTE_PRESENT))
		return PTE_ABSENT;
	if (a->pte_form) {
		out->target = pte & PAE_ADDRESS_BITS;
		return level == 0 || (level == 1 && pte & PTE_HUGE) ? PTE_LEAF : PTE_TABLE;
	}
	if (level == 1 && pte & PTE_HUGE) {
		/* PSE-36: bits 20 to 13 are those from 32 on */
		out->target = (pte & 0xffc00000) | (pte >> 13 & 0xff) << 32;
		return PTE_LEAF;
	}
	out->target = pte & 0xfffff000;
	return level == 0 ? PTE_LEAF : PTE_TABLE;
}

const struct arch_ops arch_x86 = {
	.name = "x86",
	.elf_machine = ELF_EM_386,
	.elf_classes = CLASS_ELF32 | CLASS_ELF64,
	.orders = ORDER_LITTLE,
	.long_bytes = 4,
	.default_page_shift = 12,
	.compound_shift_max = 22,
	.setup = x86_setup,
	.learn = x86_learn,
	.decode_pte = x86_decode_pte,
};
