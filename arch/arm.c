/* SPDX-License-Identifier: GPL-2.0-or-later */
/* arm, 32 bits: short descriptors and LPAE; page frames of kdump files count from the first page of RAM. */
#include "arch/arch.h"
#include "base/bytes.h"
#include "format/elf_core.h"
#include "input/mem_source.h"
#include "kernel/kernel.h"
#include "kernel/kmem.h"

/* CONFIG_VMSPLIT_*: all splits are multiples of this, and an image begins within so many bytes of one. */
#define SPLIT_MASK 0xf0000000u
#define LOWMEM_MAX 0x3f800000u

static const struct paging forms[] = {
	{ "short descriptors", 4, { 12, 8, 12 }, { "PTE", "PGD" } },
	{ "LPAE", 8, { 12, 9, 9, 2 }, { "PTE", "PMD", "PGD" } },
};

static void set_form(struct arch_state *a, bool lpae)
{
	a->paging = &forms[lpae];
	a->pte_form = lpae;
	a->physmem_bits = lpae ? 40 : 32;
}

static void arm_setup(const struct kernel *k, struct arch_state *a)
{
	uint64_t page_offset = fact_or(&k->facts, F_stext, 0xc0000000) & SPLIT_MASK;
	paddr_t first = arch_first_ram(k);

	set_form(a, fact_known(&k->facts, F_lpae));
	a->tables_last = UINT32_MAX;
	a->section_bits = 28;
	a->kernel_start = page_offset;
	/* kdump files have no segments, but tell */
	a->phys_base = k->src->has_phys_base ? k->src->phys_base : first == PADDR_NONE ? 0 : first;
	a->pfn_base = a->flat_start = a->phys_base >> k->target.page_shift;
	a->has_root = fact_known(&k->facts, F_root_table);
	a->root = fact(&k->facts, F_root_table) - page_offset + a->phys_base;
	arch_add_linear(a, (struct linear_range){
				   .start = page_offset,
				   .end = page_offset + min_u64(k->src->end - min_u64(k->src->end, a->phys_base),
								min_u64(LOWMEM_MAX, UINT32_MAX - page_offset)),
				   .paddr = a->phys_base,
			   });
}

/* Told since 4.11 only: the form in which the image is where it has to be. */
static enum status arm_learn(struct kmem *km, struct arch_state *a, struct err *e)
{
	const struct kernel *k = kmem_kernel(km);
	vaddr_t stext = fact(&k->facts, F_stext);
	bool lpae = a->pte_form;

	(void)e;
	if (!a->has_root || !fact_known(&k->facts, F_stext))
		return OK;
	for (unsigned turn = 0; turn < 2; turn++, set_form(a, !a->pte_form))
		if (arch_walks_to(km, stext, stext - a->kernel_start + a->phys_base))
			return OK;
	set_form(a, lpae);
	return OK;
}

static enum pte_kind decode_lpae(uint64_t pte, unsigned level, struct pte *out)
{
	if (!(pte & 1) || (level == 0 && !(pte & 2)))
		return PTE_ABSENT;
	out->target = pte & UINT64_C(0xfffffff000);
	return level == 0 || !(pte & 2) ? PTE_LEAF : PTE_TABLE;
}

static enum pte_kind arm_decode_pte(const struct arch_state *a, uint64_t pte, unsigned level, struct pte *out)
{
	unsigned type = pte & 3;

	if (a->pte_form)
		return decode_lpae(pte, level, out);
	if (!type)
		return PTE_ABSENT;
	if (level == 0) {
		/* 64 KiB pages stand in 16 entries, each the same */
		if (type == 1)
			out->shift = 16;
		out->target = pte & 0xfffff000;
		return PTE_LEAF;
	}
	/* the hardware's tables, of 1 KiB: Linux has its own beside them, at another place before and after 2.6.38 */
	if (type == 1) {
		out->target = pte & 0xfffffc00;
		return PTE_TABLE;
	}
	out->target = pte & 0xfff00000;
	if (pte & 1 << 18) {
		/* a supersection of 16 MiB, in 16 entries, may be above 4 GiB */
		out->shift = 24;
		out->target = (pte & 0xff000000) | (pte >> 20 & 0xf) << 32 | (pte >> 5 & 0xf) << 36;
	}
	return PTE_LEAF;
}

const struct arch_ops arch_arm = {
	.name = "arm",
	.elf_machine = ELF_EM_ARM,
	.elf_classes = CLASS_ELF32 | CLASS_ELF64,
	.orders = ORDER_LITTLE | ORDER_BIG,
	.long_bytes = 4,
	.default_page_shift = 12,
	.compound_shift_max = 24,
	.setup = arm_setup,
	.learn = arm_learn,
	.decode_pte = arm_decode_pte,
};
