/* SPDX-License-Identifier: GPL-2.0-or-later */
/* mips64: segments that show all memory for the kernel and its data, page tables for modules and vmalloc only. */
#include "arch/arch.h"
#include "arch/virtual_tables.h"
#include "format/elf_core.h"
#include "kernel/kernel.h"
#include "kernel/kmem.h"

/* XKPHYS: two bits choose it, three how memory is cached, the rest is the physical address. */
#define XKPHYS_START UINT64_C(0x8000000000000000)
#define XKPHYS_END UINT64_C(0xc000000000000000)
#define XKPHYS_LEN (UINT64_C(1) << 59)
/* CKSEG0 and CKSEG1: the first 512 MiB, cached and not. */
#define CKSEG_START UINT64_C(0xffffffff80000000)
#define CKSEG_END UINT64_C(0xffffffffc0000000)
#define CKSEG_LEN (UINT64_C(1) << 29)

#define IMAGE_LEN_MAX (UINT64_C(256) << 20) /* how far RANDOMIZE_BASE moves it, in most builds less */
#define IMAGE_ALIGN (UINT64_C(64) << 10)

#define PTE_PRESENT 1
#define LEAVES_MAX 64

/* The root of some has two pages. */
static const struct paging wide_root[] = {
	{ "3 levels, 40 bits", 8, { 12, 9, 9, 10 }, { "PTE", "PMD", "PGD" } },
	{ "3 levels, 48 bits", 8, { 14, 11, 11, 12 }, { "PTE", "PMD", "PGD" } },
};

/* By page size, what kernels are built with unless they have MIPS_VA_BITS_48. */
static const struct paging *paging_of(unsigned page_shift, unsigned levels)
{
	if (!levels)
		levels = page_shift == 16 ? 2 : 3;
	if (page_shift == 12 && levels == 3)
		return &wide_root[0];
	return virtual_tables_form(page_shift, levels);
}

/* Kernels before 5.13 do not export the size of sections, and with pages of 64 KiB it depends on the build. */
static const uint8_t section_tries[] = { 28, 29, 0 };

static void mips64_setup(const struct kernel *k, struct arch_state *a)
{
	uint64_t left;

	a->paging = paging_of(k->target.page_shift, 0);
	a->section_bits = section_tries[0];
	a->physmem_bits = 48;
	a->section_tries = section_tries;
	a->kernel_start = XKPHYS_START;
	a->tables_first = XKPHYS_END;
	arch_add_linear(a, (struct linear_range){
				   .start = CKSEG_START,
				   .end = CKSEG_END,
				   .trust = RANGE_FIXED,
				   .period = CKSEG_LEN,
			   });
	arch_add_linear(a, (struct linear_range){
				   .start = XKPHYS_START,
				   .end = XKPHYS_END,
				   .trust = RANGE_FIXED,
				   .period = XKPHYS_LEN,
			   });
	a->has_root = fact_known(&k->facts, F_root_table) &&
		      arch_linear(a, fact(&k->facts, F_root_table), RANGE_FIXED, &a->root, &left);
}

/*
 * Where the page frame begins in an entry depends on the build, and nothing exports it.  But entries of the kernel's own data
 * are written and read, so their low bits are, from bit 0 on:
 *
 *     present 1, not readable 0 (or readable 1, or neither), written accessed modified 1,
 *     huge, special, soft dirty 0, no execute 0 or 1, no read 0 (any of them may not be), global valid dirty 1, caching
 *
 * Caching has 3 bits, and the page frame follows.  Returns the first of the three before, 0: this is no such entry.
 */
#define GLOBAL_BIT_MAX 10
static unsigned global_bit(uint64_t pte)
{
	unsigned bit = pte & 2 ? 1 : 2, ones = 0;

	if (!(pte & PTE_PRESENT))
		return 0;
	while (ones < 6 && pte >> (bit + ones) & 1)
		ones++;
	/* nothing between: the ones go on, perhaps into those of caching */
	if (ones >= 6)
		return (pte >> 5 & 7) == 7 ? 5 : 0;
	if (ones != 3 && (ones != 4 || bit != 1))
		return 0;
	for (bit += ones; bit <= GLOBAL_BIT_MAX; bit++)
		if ((pte >> bit & 7) == 7)
			return bit;
	return 0;
}

struct pfn_votes {
	const struct kernel *k;
	unsigned seen;
	unsigned votes[GLOBAL_BIT_MAX + 1];
};

/* The global bit is followed by two more and three of caching, and pages larger than 4 KiB move the page frame. */
static unsigned pfn_bit(const struct kernel *k, unsigned global)
{
	return global + 6 + k->target.page_shift - 12;
}

static bool vote(void *data, unsigned level, uint64_t entry, const struct pte *leaf)
{
	struct pfn_votes *v = data;
	unsigned global = level ? 0 : global_bit(entry);

	(void)leaf;
	if (global && arch_has_memory(v->k, entry >> pfn_bit(v->k, global) << v->k->target.page_shift))
		v->votes[global]++;
	return ++v->seen < LEAVES_MAX;
}

/* Tables of a root of two pages have the same empty entries in both. */
static bool has_wide_root(struct kmem *km, const struct arch_state *a)
{
	uint64_t first = 0, second = 0;

	return virtual_tables_find_empty(km, a, a->root, &first) &&
	       virtual_tables_find_empty(km, a, a->root + kmem_kernel(km)->target.page_size, &second) &&
	       first == second;
}

static enum status mips64_learn(struct kmem *km, struct arch_state *a, struct err *e)
{
	const struct kernel *k = kmem_kernel(km);
	struct pfn_votes v = { .k = k };
	unsigned best = 0;

	(void)e;
	if (!a->has_root)
		return OK;
	a->paging = paging_of(k->target.page_shift, virtual_tables_levels(km, a));
	if (k->target.page_shift == 14 && has_wide_root(km, a))
		a->paging = &wide_root[1];
	paging_visit(km, PAGING_TABLES, vote, &v);
	for (unsigned i = 1; i <= GLOBAL_BIT_MAX; i++)
		if (v.votes[i] > v.votes[best])
			best = i;
	/* without an entry that tells, no walk: a wrong address is worse than none, and struct pages need no tables */
	a->has_root = best > 0;
	a->pte_form = pfn_bit(k, best);
	return OK;
}

static enum pte_kind mips64_decode_pte(const struct arch_state *a, uint64_t pte, unsigned level, struct pte *out)
{
	/* tables are aligned: an odd entry is a huge page */
	if (level && !(pte & PTE_PRESENT))
		return virtual_table_at(a, pte, &out->target) ? PTE_TABLE : PTE_ABSENT;
	out->target = pte >> a->pte_form << a->paging->bits[0];
	return pte & PTE_PRESENT && level <= 1 ? PTE_LEAF : PTE_ABSENT;
}

const struct arch_ops arch_mips64 = {
	.name = "mips64",
	.elf_machine = ELF_EM_MIPS,
	.elf_classes = CLASS_ELF64,
	.orders = ORDER_LITTLE | ORDER_BIG,
	.long_bytes = 8,
	.compound_shift_max = 30,
	.image_start = XKPHYS_START,
	.image_len_max = IMAGE_LEN_MAX,
	.image_align = IMAGE_ALIGN,
	.setup = mips64_setup,
	.learn = mips64_learn,
	.decode_pte = mips64_decode_pte,
};
