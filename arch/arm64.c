/* SPDX-License-Identifier: GPL-2.0-or-later */
/* arm64: pages of 4, 16 and 64 KiB, 36 to 52 bits of virtual addresses, an image apart from the linear map. */
#include "arch/arch.h"
#include "base/bytes.h"
#include "format/elf_core.h"
#include "input/mem_source.h"
#include "kernel/kernel.h"

#define DESC_VALID 1
#define DESC_TABLE 2			/* above the lowest level; there it marks a page */
#define TAG_MASK (UINT64_C(0xff) << 56) /* what KASAN and MTE keep in pointers */

/* Where a descriptor has the address bits from 48 on. */
enum form {
	PA_48,
	PA_52_LPA, /* 64 KiB pages: bits 15 to 12, which are 0 without the extension */
	PA_52_LPA2, /* 4 and 16 KiB pages, with 52 bits of virtual addresses: 49 and 48 in their places, 51 and 50 in 9 and 8 */
};

static const struct geometry {
	unsigned page_shift, va_bits;
	struct paging paging;
} geometries[] = {
	{ 12, 39, { "4 KiB, 39 bits", 8, { 12, 9, 9, 9 }, { "PTE", "PMD", "PGD" } } },
	{ 12, 48, { "4 KiB, 48 bits", 8, { 12, 9, 9, 9, 9 }, { "PTE", "PMD", "PUD", "PGD" } } },
	{ 12, 52, { "4 KiB, 52 bits", 8, { 12, 9, 9, 9, 9, 4 }, { "PTE", "PMD", "PUD", "P4D", "PGD" } } },
	{ 14, 36, { "16 KiB, 36 bits", 8, { 14, 11, 11 }, { "PTE", "PGD" } } },
	{ 14, 47, { "16 KiB, 47 bits", 8, { 14, 11, 11, 11 }, { "PTE", "PMD", "PGD" } } },
	{ 14, 48, { "16 KiB, 48 bits", 8, { 14, 11, 11, 11, 1 }, { "PTE", "PMD", "PUD", "PGD" } } },
	{ 14, 52, { "16 KiB, 52 bits", 8, { 14, 11, 11, 11, 5 }, { "PTE", "PMD", "PUD", "PGD" } } },
	{ 16, 42, { "64 KiB, 42 bits", 8, { 16, 13, 13 }, { "PTE", "PGD" } } },
	{ 16, 48, { "64 KiB, 48 bits", 8, { 16, 13, 13, 6 }, { "PTE", "PMD", "PGD" } } },
	{ 16, 52, { "64 KiB, 52 bits", 8, { 16, 13, 13, 10 }, { "PTE", "PMD", "PGD" } } },
};

static const struct paging *find_paging(unsigned page_shift, unsigned va_bits)
{
	for (size_t i = 0; i < ARRAY_SIZE(geometries); i++)
		if (geometries[i].page_shift == page_shift && geometries[i].va_bits == va_bits)
			return &geometries[i].paging;
	return NULL;
}

/* The bits for which the kernel was built; kernels before 4.12 do not tell, but all their addresses have them. */
static unsigned built_va_bits(const struct kernel *k)
{
	static const uint8_t builds[] = { 52, 48, 47, 42, 39, 36 };
	uint64_t told = fact_or(&k->facts, F_va_bits, 0), stext = fact_or(&k->facts, F_stext, UINT64_MAX);

	if (told >= 36 && told <= 52)
		return (unsigned)told;
	for (size_t i = ARRAY_SIZE(builds); i-- > 1;)
		if (find_paging(k->target.page_shift, builds[i]) && stext >> builds[i] == UINT64_MAX >> builds[i])
			return builds[i];
	return 48;
}

/* The bits that the machine made possible. */
static unsigned actual_va_bits(const struct kernel *k, unsigned built)
{
	uint64_t t1sz = fact_or(&k->facts, F_t1sz, 0);

	if (t1sz >= 12 && t1sz <= 28)
		return 64 - (unsigned)t1sz;
	/* not told before 5.9: the sections' table is in the linear map, which begins with the lowest address there is */
	if (built == 52 && fact_known(&k->facts, F_mem_section))
		return fact(&k->facts, F_mem_section) >> 51 & 1 ? 48 : 52;
	return built;
}

/* Since 5.4, 14c127c957c1 ("arm64: mm: Flip kernel VA space"), the linear map is the lower half, before it the upper. */
static bool is_flipped(const struct kernel *k, unsigned built)
{
	unsigned least = built < 48 ? built : 48;

	return fact_or(&k->facts, F_stext, UINT64_MAX) >= -(UINT64_C(1) << (least - 1));
}

static bool image_offset(const struct kernel *k, uint64_t *offset)
{
	uint64_t stext = fact(&k->facts, F_stext);
	struct mem_segment s;

	if (fact_known(&k->facts, F_kimage_voffset)) {
		*offset = fact(&k->facts, F_kimage_voffset);
		return true;
	}
	for (size_t i = 0; fact_known(&k->facts, F_stext) && mem_source_segment(k->src, i, &s); i++)
		if (s.vaddr != s.paddr && stext >= s.vaddr && stext - s.vaddr < s.memsz) {
			*offset = s.vaddr - s.paddr;
			return true;
		}
	return false;
}

/* PHYS_OFFSET; it may be "negative", where the kernel was built for more bits than the machine has. */
static bool linear_start(const struct kernel *k, const struct linear_range *linear, uint64_t *phys)
{
	struct mem_segment s;

	if (fact_known(&k->facts, F_phys_offset)) {
		*phys = fact(&k->facts, F_phys_offset);
		return true;
	}
	for (size_t i = 0; mem_source_segment(k->src, i, &s); i++)
		if (s.vaddr != s.paddr && s.paddr != PADDR_NONE && s.vaddr >= linear->start && s.vaddr < linear->end) {
			*phys = s.paddr - (s.vaddr - linear->start);
			return true;
		}
	*phys = k->src->phys_base;
	return k->src->has_phys_base;
}

static unsigned default_section_bits(const struct kernel *k)
{
	/* 5.12, f0b13ee23241 ("arm64/sparsemem: reduce SECTION_SIZE_BITS"), which is told since 5.13 only */
	if (k->version && k->version < KVERSION(5, 12))
		return 30;
	return k->target.page_shift == 16 ? 29 : 27;
}

static void arm64_setup(const struct kernel *k, struct arch_state *a)
{
	unsigned page_shift = k->target.page_shift, built = built_va_bits(k), actual = actual_va_bits(k, built);
	/* tables for 64 KiB pages are laid out for all bits of the build; with smaller pages levels are left out */
	unsigned table_bits = page_shift == 16 ? built : actual;
	struct linear_range linear = { .trust = RANGE_GUESS };
	uint64_t offset;

	a->paging = find_paging(page_shift, table_bits);
	a->section_bits = default_section_bits(k);
	a->physmem_bits = built == 52 ? 52 : 48;
	a->pte_mask = ((UINT64_C(1) << 48) - 1) & ~(k->target.page_size - 1);
	a->pte_form = page_shift == 16 ? PA_52_LPA : actual == 52 ? PA_52_LPA2 : PA_48;
	a->tag_mask = TAG_MASK;
	a->tables_first = UINT64_MAX << table_bits;
	if (is_flipped(k, built)) {
		unsigned least = built < 48 ? built : page_shift == 14 && built == 52 ? 47 : 48;

		linear.start = UINT64_MAX << built;
		linear.end = UINT64_MAX << (least - 1);
		a->kernel_start = linear.start;
	} else {
		linear.start = UINT64_MAX << (built - 1);
		linear.end = UINT64_MAX;
		a->kernel_start = UINT64_MAX << built;
	}
	if (linear_start(k, &linear, &linear.paddr)) {
		a->phys_base = linear.paddr;
		arch_add_linear(a, linear);
	}
	if (image_offset(k, &offset)) {
		a->has_root = a->paging && fact_known(&k->facts, F_root_table);
		a->root = fact(&k->facts, F_root_table) - offset;
		arch_add_linear(a, arch_image_range(k, offset));
	}
	if (!a->paging)
		a->paging = &geometries[0].paging;
}

static enum pte_kind arm64_decode_pte(const struct arch_state *a, uint64_t pte, unsigned level, struct pte *out)
{
	if (!(pte & DESC_VALID) || (level == 0 && !(pte & DESC_TABLE)))
		return PTE_ABSENT;
	out->target = pte & a->pte_mask;
	if (a->pte_form == PA_52_LPA)
		out->target |= (pte >> 12 & 0xf) << 48;
	else if (a->pte_form == PA_52_LPA2)
		out->target |= (pte & UINT64_C(3) << 48) | (pte >> 8 & 3) << 50;
	return level == 0 || !(pte & DESC_TABLE) ? PTE_LEAF : PTE_TABLE;
}

const struct arch_ops arch_arm64 = {
	.name = "arm64",
	.elf_machine = ELF_EM_AARCH64,
	.elf_classes = CLASS_ELF64,
	.orders = ORDER_LITTLE | ORDER_BIG,
	.long_bytes = 8,
	.compound_shift_max = 34, /* 16 GiB: 64 KiB pages and contiguous blocks of 512 MiB */
	.setup = arm64_setup,
	.decode_pte = arm64_decode_pte,
};
