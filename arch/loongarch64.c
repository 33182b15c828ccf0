/* SPDX-License-Identifier: GPL-2.0-or-later */
/* loongarch64: windows on all memory for the kernel and its data, page tables for struct pages, modules and vmalloc. */
#include "arch/arch.h"
#include "arch/virtual_tables.h"
#include "format/elf_core.h"
#include "kernel/kernel.h"
#include "kernel/kmem.h"

/* Direct mapped windows: the upper four bits choose one, and with it how memory is cached. */
#define WINDOWS_START UINT64_C(0x8000000000000000)
#define WINDOWS_END UINT64_C(0xc000000000000000)
#define WINDOW_LEN (UINT64_C(1) << 48)
#define IMAGE_START UINT64_C(0x9000000000000000)
#define IMAGE_LEN_MAX (UINT64_C(256) << 20) /* how far RANDOMIZE_BASE moves it at most */
#define IMAGE_ALIGN (UINT64_C(64) << 10)

#define ADDRESS_BITS UINT64_C(0x0000fffffffff000)
#define PTE_PRESENT 0x80
#define PTE_HUGE 0x40 /* above the lowest level */
#define PTE_HUGE_GLOBAL UINT64_C(0x1000)

#define LEVELS_USUAL 3
#define LEVELS_MAX 4

static void loongarch64_setup(const struct kernel *k, struct arch_state *a)
{
	uint64_t left;

	a->paging = virtual_tables_form(k->target.page_shift, LEVELS_USUAL);
	a->section_bits = 29;
	a->physmem_bits = 48;
	a->pte_mask = ADDRESS_BITS;
	a->kernel_start = WINDOWS_START;
	a->tables_first = WINDOWS_END;
	arch_add_linear(a, (struct linear_range){
				   .start = WINDOWS_START,
				   .end = WINDOWS_END,
				   .trust = RANGE_FIXED,
				   .period = WINDOW_LEN,
			   });
	a->has_root = fact_known(&k->facts, F_root_table) &&
		      arch_linear(a, fact(&k->facts, F_root_table), RANGE_FIXED, &a->root, &left);
}

/* Kernels are built with two to four levels, and do not say so. */
static enum status loongarch64_learn(struct kmem *km, struct arch_state *a, struct err *e)
{
	const struct kernel *k = kmem_kernel(km);
	unsigned levels = a->has_root ? virtual_tables_levels(km, a) : LEVELS_USUAL;
	int best = 0;

	(void)e;
	/* tables without a sign of it: those that lead to most of the machine's memory */
	for (unsigned try = LEVELS_MAX; !levels && (a->paging = virtual_tables_form(k->target.page_shift, try));
	     try--) {
		int score = paging_score(km);

		if (score <= best)
			continue;
		best = score;
		levels = try;
	}
	a->paging = virtual_tables_form(k->target.page_shift, levels ? levels : LEVELS_USUAL);
	return OK;
}

static enum pte_kind loongarch64_decode_pte(const struct arch_state *a, uint64_t pte, unsigned level, struct pte *out)
{
	if (level && !(pte & PTE_HUGE))
		return virtual_table_at(a, pte, &out->target) ? PTE_TABLE : PTE_ABSENT;
	/* bits from 48 on are flags, with which the address would be wrong */
	out->target = pte & a->pte_mask;
	if (!(pte & PTE_PRESENT))
		return PTE_ABSENT;
	if (!level)
		return PTE_LEAF;
	out->target &= ~PTE_HUGE_GLOBAL;
	return level == 1 && !(out->target & ((UINT64_C(1) << out->shift) - 1)) ? PTE_LEAF : PTE_ABSENT;
}

const struct arch_ops arch_loongarch64 = {
	.name = "loongarch64",
	.elf_machine = ELF_EM_LOONGARCH,
	.elf_classes = CLASS_ELF64,
	.orders = ORDER_LITTLE,
	.long_bytes = 8,
	.compound_shift_max = 30,
	.image_start = IMAGE_START,
	.image_len_max = IMAGE_LEN_MAX,
	.image_align = IMAGE_ALIGN,
	.setup = loongarch64_setup,
	.learn = loongarch64_learn,
	.decode_pte = loongarch64_decode_pte,
};
