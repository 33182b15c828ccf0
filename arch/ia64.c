/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ia64: regions 6 and 7 show all memory; in region 5 are the kernel image, and page tables for the rest. */
#include "arch/arch.h"
#include "base/bytes.h"
#include "format/elf_core.h"
#include "input/mem_source.h"
#include "kernel/kernel.h"
#include "kernel/kmem.h"

#define REGION_5 UINT64_C(0xa000000000000000)
#define REGION_6 UINT64_C(0xc000000000000000) /* not cached */
#define REGION_7 UINT64_C(0xe000000000000000)
#define PHYS_BITS 50 /* architected */

/* One entry of 64 MiB maps the whole image; it is linked to lie 64 MiB up in memory. */
#define IMAGE_START (REGION_5 + (UINT64_C(1) << 32))
#define IMAGE_LEN (UINT64_C(64) << 20)
#define PHYS_BASE_USUAL UINT64_C(0x4000000)

#define ADDRESS_BITS UINT64_C(0x3fffffffff000)
#define PTE_PRESENT 1

/* clang-format off */
#define FORMS(p) \
	{ { "3 levels", 8, { p, p - 3, p - 3, p - 3 }, { "PTE", "PMD", "PGD" } }, \
	  { "4 levels", 8, { p, p - 3, p - 3, p - 3, p - 3 }, { "PTE", "PMD", "PUD", "PGD" } } }
/* 32 KiB is no page size of this machine */
static const struct paging forms[][2] = { FORMS(12), FORMS(13), FORMS(14), FORMS(15), FORMS(16) };
/* clang-format on */

/* Kernels before 5.13 do not export the size of sections; where blocks of free pages may be larger, they are too. */
static const uint8_t section_tries[] = { 30, 31, 32, 0 };

/* Where the image was loaded: its segment, the only one of region 5. */
static uint64_t find_phys_base(const struct kernel *k)
{
	struct mem_segment s;

	if (fact_known(&k->facts, F_phys_base))
		return fact(&k->facts, F_phys_base);
	for (size_t i = 0; mem_source_segment(k->src, i, &s); i++)
		if (s.vaddr >= REGION_5 && s.vaddr < REGION_6 && s.paddr != PADDR_NONE && s.memsz)
			return s.paddr;
	return k->src->has_phys_base ? k->src->phys_base : PHYS_BASE_USUAL;
}

static void add_range(struct arch_state *a, vaddr_t start, uint64_t len, paddr_t at)
{
	arch_add_linear(a, (struct linear_range){ start, start + len, at, .trust = RANGE_FIXED });
}

/* The tables are for region 5 alone; they do not reach to its end. */
static void set_levels(const struct kernel *k, struct arch_state *a, unsigned levels)
{
	unsigned bits = k->target.page_shift + levels * (k->target.page_shift - 3);

	a->paging = &forms[k->target.page_shift - 12][levels - 3];
	a->tables_first = REGION_5;
	a->tables_last = REGION_5 + (UINT64_C(1) << min_u64(bits, 61)) - 1;
}

static void ia64_setup(const struct kernel *k, struct arch_state *a)
{
	uint64_t left;

	set_levels(k, a, 3 + fact_known(&k->facts, F_pgtable_4));
	a->section_bits = section_tries[0];
	a->physmem_bits = PHYS_BITS;
	a->section_tries = section_tries;
	a->kernel_start = REGION_5;
	a->phys_base = find_phys_base(k);
	a->pte_mask = ADDRESS_BITS;
	add_range(a, REGION_7, UINT64_C(1) << PHYS_BITS, 0);
	add_range(a, IMAGE_START, IMAGE_LEN, a->phys_base & ~(IMAGE_LEN - 1));
	add_range(a, REGION_6, UINT64_C(1) << PHYS_BITS, 0);
	a->has_root = fact_known(&k->facts, F_root_table) &&
		      arch_linear(a, fact(&k->facts, F_root_table), RANGE_FIXED, &a->root, &left);
}

/* VMCOREINFO tells of four levels, but a vmlinux file does not. */
static enum status ia64_learn(struct kmem *km, struct arch_state *a, struct err *e)
{
	const struct kernel *k = kmem_kernel(km);
	int three;

	(void)e;
	if (fact_known(&k->facts, F_pgtable_4))
		return OK;
	three = paging_score(km);
	set_levels(k, a, 4);
	if (paging_score(km) <= three)
		set_levels(k, a, 3);
	return OK;
}

static enum pte_kind ia64_decode_pte(const struct arch_state *a, uint64_t pte, unsigned level, struct pte *out)
{
	out->target = pte & a->pte_mask;
	if (level)
		return pte ? PTE_TABLE : PTE_ABSENT;
	return pte & PTE_PRESENT ? PTE_LEAF : PTE_ABSENT;
}

const struct arch_ops arch_ia64 = {
	.name = "ia64",
	.elf_machine = ELF_EM_IA_64,
	.elf_classes = CLASS_ELF64,
	.orders = ORDER_LITTLE,
	.long_bytes = 8,
	.compound_shift_max = 32,
	.image_start = IMAGE_START,
	.image_len_max = IMAGE_LEN,
	.image_align = IMAGE_LEN,
	.setup = ia64_setup,
	.learn = ia64_learn,
	.decode_pte = ia64_decode_pte,
};
