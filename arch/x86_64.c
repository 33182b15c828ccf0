/* SPDX-License-Identifier: GPL-2.0-or-later */
/* x86_64: four and five levels of page tables, a relocated kernel image, a randomized direct map. */
#include "arch/arch.h"
#include "base/bytes.h"
#include "format/elf_core.h"
#include "input/mem_source.h"
#include "kernel/kernel.h"

#define IMAGE_START UINT64_C(0xffffffff80000000) /* __START_KERNEL_map, in every version */
#define IMAGE_LEN_DEFAULT (UINT64_C(1) << 30)
#define IMAGE_ALIGN (UINT64_C(2) << 20)
#define ADDRESS_BITS UINT64_C(0x000ffffffffff000)
#define PTE_PRESENT 1
#define PTE_HUGE 0x80

static const struct paging four_levels = {
	"4 levels",
	8,
	{ 12, 9, 9, 9, 9 },
	{ "PTE", "PMD", "PUD", "PGD" },
};
static const struct paging five_levels = {
	"5 levels",
	8,
	{ 12, 9, 9, 9, 9, 9 },
	{ "PTE", "PMD", "PUD", "P4D", "PGD" },
};

/* The image segment tells phys_base where VMCOREINFO does not: kernels before 4.10. */
static uint64_t find_phys_base(const struct kernel *k)
{
	struct mem_segment s;

	if (fact_known(&k->facts, F_phys_base))
		return fact(&k->facts, F_phys_base);
	/* only then: QEMU takes the kernel's decimal number for a hexadecimal one */
	if (k->src->has_phys_base)
		return k->src->phys_base;
	for (size_t i = 0; mem_source_segment(k->src, i, &s); i++)
		if (s.vaddr >= IMAGE_START && s.vaddr != s.paddr && s.paddr != PADDR_NONE)
			return s.paddr - (s.vaddr - IMAGE_START);
	return 0;
}

/*
 * The direct map as the segments show it.  QEMU writes physical addresses as virtual ones: these are no
 * mapping.  The last segment counts: /proc/kcore of 4.19 has other ones before.
 */
static bool find_direct_map(const struct kernel *k, struct linear_range *r)
{
	struct mem_segment s;
	bool found = false;

	for (size_t i = 0; mem_source_segment(k->src, i, &s); i++) {
		if (!s.vaddr || s.vaddr >= IMAGE_START || s.paddr == PADDR_NONE || s.vaddr <= s.paddr || !s.memsz)
			continue;
		*r = (struct linear_range){ .start = s.vaddr - s.paddr, .sample = s.vaddr };
		found = true;
	}
	if (found && r->start >> 47 != 0x1ffff && r->start >> 56 != 0xff)
		return false;
	if (found)
		r->end = k->src->end < IMAGE_START - r->start ? r->start + k->src->end : IMAGE_START;
	return found;
}

static void x86_64_setup(const struct kernel *k, struct arch_state *a)
{
	bool five = fact_known(&k->facts, F_l5_enabled) && fact(&k->facts, F_l5_enabled);
	uint64_t image_len = fact_or(&k->facts, F_image_size, IMAGE_LEN_DEFAULT);
	struct linear_range direct;

	if (!image_len || image_len > IMAGE_LEN_DEFAULT * 2)
		image_len = IMAGE_LEN_DEFAULT;
	a->paging = five ? &five_levels : &four_levels;
	a->sign_extended = true;
	/* since 2.6.31; the kernel's own number, where it tells one, is taken instead */
	a->physmem_bits = five ? 52 : 46;
	a->section_bits = 27;
	a->phys_base = find_phys_base(k);
	a->pte_mask = ADDRESS_BITS & ~fact_or(&k->facts, F_sme_mask, 0);
	a->has_root = fact_known(&k->facts, F_root_table) && fact(&k->facts, F_root_table) >= IMAGE_START;
	a->root = (fact(&k->facts, F_root_table) - IMAGE_START + a->phys_base) & a->pte_mask;
	a->kernel_start = five ? UINT64_C(0xff00000000000000) : UINT64_C(0xffff800000000000);
	arch_add_linear(a, (struct linear_range){
				   .start = IMAGE_START,
				   .end = image_len > -IMAGE_START - 1 ? UINT64_MAX : IMAGE_START + image_len,
				   .paddr = a->phys_base,
				   .sample = fact_or(&k->facts, F_stext, fact(&k->facts, F_uts_ns)),
			   });
	if (find_direct_map(k, &direct))
		arch_add_linear(a, direct);
}

static enum pte_kind x86_64_decode_pte(const struct arch_state *a, uint64_t pte, unsigned level, struct pte *out)
{
	if (!(pte & PTE_PRESENT))
		return PTE_ABSENT;
	out->target = pte & a->pte_mask;
	/* 2 MiB and 1 GiB pages; the levels above have none */
	return level == 0 || (level <= 2 && pte & PTE_HUGE) ? PTE_LEAF : PTE_TABLE;
}

const struct arch_ops arch_x86_64 = {
	.name = "x86_64",
	.elf_machine = ELF_EM_X86_64,
	.elf_classes = CLASS_ELF64,
	.orders = ORDER_LITTLE,
	.long_bytes = 8,
	.default_page_shift = 12,
	.compound_shift_max = 30,
	.image_start = IMAGE_START,
	.image_len_max = IMAGE_LEN_DEFAULT,
	.image_align = IMAGE_ALIGN,
	.setup = x86_64_setup,
	.decode_pte = x86_64_decode_pte,
};
