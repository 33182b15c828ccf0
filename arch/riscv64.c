/* SPDX-License-Identifier: GPL-2.0-or-later */
/* riscv64: three to five levels of page tables, chosen when the kernel starts; an image apart from the linear map. */
#include "arch/arch.h"
#include "base/bytes.h"
#include "format/elf_core.h"
#include "input/mem_source.h"
#include "kernel/kernel.h"
#include "kernel/kmem.h"

/* Since 5.13, 2bfc6cd81bd1 ("riscv: Move kernel mapping outside of linear mapping"). */
#define IMAGE_START UINT64_C(0xffffffff80000000)
#define MODULES_LEN (UINT64_C(2) << 30) /* below the image's end; behind the linear map */

#define PTE_VALID 1
#define PTE_RWX 0xe
#define PTE_PPN_SHIFT 10
#define PTE_PPN_MASK (((UINT64_C(1) << 44) - 1) << PTE_PPN_SHIFT)
#define PTE_NAPOT (UINT64_C(1) << 63)
#define NAPOT_64K 8 /* low bits of the page number of all 16 pages of one translation */
#define NAPOT_SHIFT 16

static const struct mode {
	unsigned va_bits;
	struct paging paging;
} modes[] = {
	{ 39, { "sv39", 8, { 12, 9, 9, 9 }, { "PTE", "PMD", "PGD" } } },
	{ 48, { "sv48", 8, { 12, 9, 9, 9, 9 }, { "PTE", "PMD", "PUD", "PGD" } } },
	{ 57, { "sv57", 8, { 12, 9, 9, 9, 9, 9 }, { "PTE", "PMD", "PUD", "P4D", "PGD" } } },
};

/* The kernels of 6.2 and 6.3 tell the physical address of the image instead of how far it is from the virtual one. */
static bool image_offset(const struct kernel *k, uint64_t image, uint64_t *offset)
{
	struct mem_segment s;

	if (fact_known(&k->facts, F_va_pa_offset)) {
		*offset = fact(&k->facts, F_va_pa_offset);
		return true;
	}
	if (fact_known(&k->facts, F_phys_ram_base)) {
		*offset = image - fact(&k->facts, F_phys_ram_base);
		return true;
	}
	for (size_t i = 0; mem_source_segment(k->src, i, &s); i++)
		if (s.vaddr != s.paddr && s.vaddr >= image && s.paddr != PADDR_NONE) {
			*offset = s.vaddr - s.paddr;
			return true;
		}
	return false;
}

static void add_linear_map(const struct kernel *k, struct arch_state *a, uint64_t image)
{
	struct linear_range r = { .start = fact(&k->facts, F_page_offset), .paddr = a->phys_base };
	struct mem_segment s;

	if (!fact_known(&k->facts, F_page_offset)) {
		for (size_t i = 0; mem_source_segment(k->src, i, &s) && !r.start; i++)
			if (s.vaddr != s.paddr && s.vaddr >> 63 && s.vaddr < image && s.paddr != PADDR_NONE)
				r = (struct linear_range){ .start = s.vaddr, .paddr = s.paddr };
		if (!r.start)
			return;
	}
	r.end = r.start + min_u64(k->src->end > r.paddr ? k->src->end - r.paddr : 0, image - MODULES_LEN - r.start);
	arch_add_linear(a, r);
}

static void riscv64_setup(const struct kernel *k, struct arch_state *a)
{
	uint64_t image = fact_or(&k->facts, F_kernel_link_addr, IMAGE_START), offset;
	uint64_t va_bits = fact_or(&k->facts, F_va_bits, 0);

	a->paging = &modes[0].paging;
	for (size_t i = 0; i < ARRAY_SIZE(modes); i++)
		if (modes[i].va_bits == va_bits)
			a->paging = &modes[i].paging;
	a->sign_extended = true;
	a->section_bits = 27;
	a->physmem_bits = 56;
	/* vmemmap is the lowest of what is there */
	a->kernel_start = fact_or(&k->facts, F_vmemmap_start, UINT64_C(0xff00000000000000));
	a->phys_base = fact_known(&k->facts, F_phys_ram_base) ? fact(&k->facts, F_phys_ram_base) :
		       k->src->has_phys_base		      ? k->src->phys_base :
								arch_first_ram(k);
	if (a->phys_base == PADDR_NONE)
		a->phys_base = 0;
	a->flat_start = a->phys_base >> k->target.page_shift;
	add_linear_map(k, a, image);
	if (!image_offset(k, image, &offset))
		return;
	a->root = fact(&k->facts, F_root_table) - offset;
	a->has_root = fact_known(&k->facts, F_root_table);
	arch_add_linear(a, (struct linear_range){ .start = image,
						  .end = UINT64_MAX,
						  .paddr = image - offset,
						  .sample = fact(&k->facts, F_stext) });
}

/* Kernels before 6.2 do not tell the mode: the one in which the image is where it has to be. */
static enum status riscv64_learn(struct kmem *km, struct arch_state *a, struct err *e)
{
	const struct kernel *k = kmem_kernel(km);
	vaddr_t stext = fact(&k->facts, F_stext);
	const struct paging *before = a->paging;
	uint64_t left;
	paddr_t at;

	(void)e;
	if (fact_known(&k->facts, F_va_bits) || !a->has_root || !arch_linear(a, stext, RANGE_GUESS, &at, &left))
		return OK;
	for (size_t i = 0; i < ARRAY_SIZE(modes); i++) {
		a->paging = &modes[i].paging;
		if (arch_walks_to(km, stext, at))
			return OK;
	}
	a->paging = before;
	return OK;
}

static enum pte_kind riscv64_decode_pte(const struct arch_state *a, uint64_t pte, unsigned level, struct pte *out)
{
	uint64_t page = (pte & PTE_PPN_MASK) >> PTE_PPN_SHIFT;

	(void)a;
	if (!(pte & PTE_VALID))
		return PTE_ABSENT;
	out->target = page << 12;
	if (!(pte & PTE_RWX))
		return PTE_TABLE;
	if (pte & PTE_NAPOT) {
		if (level || (page & 0xf) != NAPOT_64K)
			return PTE_ABSENT;
		out->shift = NAPOT_SHIFT;
		return PTE_LEAF;
	}
	/* a large page that is not aligned makes the machine stop: it is nobody's mapping */
	return out->target & ((UINT64_C(1) << out->shift) - 1) ? PTE_ABSENT : PTE_LEAF;
}

const struct arch_ops arch_riscv64 = {
	.name = "riscv64",
	.elf_machine = ELF_EM_RISCV,
	.elf_classes = CLASS_ELF64,
	.orders = ORDER_LITTLE,
	.long_bytes = 8,
	.default_page_shift = 12,
	.compound_shift_max = 30,
	.setup = riscv64_setup,
	.learn = riscv64_learn,
	.decode_pte = riscv64_decode_pte,
};
