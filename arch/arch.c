/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The list of machines, and what their address maps have in common. */
#include "arch/arch.h"

#include "base/bytes.h"
#include "input/mem_source.h"
#include "kernel/kernel.h"
#include "kernel/kmem.h"

/* Larger than any kernel image. */
#define IMAGE_MAX (UINT64_C(256) << 20)

/* clang-format off */
static const struct arch_ops *const machines[] = {
	&arch_arm,
	&arch_arm64,
	&arch_ia64,
	&arch_loongarch64,
	&arch_mips64,
	&arch_ppc,
	&arch_ppc64,
	&arch_riscv64,
	&arch_s390x,
	&arch_sparc64,
	&arch_x86,
	&arch_x86_64,
};
/* clang-format on */

const struct arch_ops *arch_find(unsigned elf_machine, bool elf64)
{
	for (size_t i = 0; i < ARRAY_SIZE(machines); i++)
		if (machines[i]->elf_machine == elf_machine &&
		    machines[i]->elf_classes & (elf64 ? CLASS_ELF64 : CLASS_ELF32))
			return machines[i];
	return NULL;
}

bool arch_order(const struct arch_ops *arch, bool file_is_big_endian)
{
	if (arch->orders == (ORDER_LITTLE | ORDER_BIG))
		return file_is_big_endian;
	return arch->orders == ORDER_BIG;
}

struct arch_state arch_state_unset(bool big_endian)
{
	return (struct arch_state){ .pte_big_endian = big_endian, .tables_last = UINT64_MAX };
}

void arch_add_linear(struct arch_state *a, struct linear_range r)
{
	if (r.start < r.end && a->n_linear < LINEAR_RANGES_MAX)
		a->linear[a->n_linear++] = r;
}

bool arch_linear(const struct arch_state *a, vaddr_t vaddr, enum range_trust least, paddr_t *paddr, uint64_t *left)
{
	uint64_t before = UINT64_MAX;

	for (size_t i = 0; i < a->n_linear; i++) {
		const struct linear_range *r = &a->linear[i];
		uint64_t offset = vaddr - r->start;

		if (r->trust < least || vaddr >= r->end)
			continue;
		if (vaddr < r->start) {
			/* it goes before those that are looked at after it */
			before = min_u64(before, r->start - vaddr);
			continue;
		}
		*left = min_u64(before, r->end - vaddr);
		if (r->period) {
			offset &= r->period - 1;
			*left = min_u64(*left, r->period - offset);
		}
		*paddr = r->paddr + offset;
		return true;
	}
	return false;
}

paddr_t arch_first_ram(const struct kernel *k)
{
	paddr_t first = PADDR_NONE;
	struct mem_segment s;

	for (size_t i = 0; mem_source_segment(k->src, i, &s); i++)
		if (s.memsz && s.paddr < first)
			first = s.paddr;
	return first;
}

struct linear_range arch_image_range(const struct kernel *k, uint64_t offset)
{
	vaddr_t start = fact(&k->facts, F_stext) & -(uint64_t)PAGE_SIZE_MAX, last = start;

	if (!fact_known(&k->facts, F_stext))
		return (struct linear_range){ .start = 0 };
	for (size_t i = 0; i < N_FACTS; i++)
		if (fact_known(&k->facts, (enum fact_id)i) && fact_kind_of((enum fact_id)i) == FACT_SYMBOL &&
		    fact(&k->facts, (enum fact_id)i) - start < IMAGE_MAX)
			last = max_u64(last, fact(&k->facts, (enum fact_id)i));
	return (struct linear_range){ .start = start, .end = last + PAGE_SIZE_MIN, .paddr = start - offset };
}

bool arch_walks_to(struct kmem *km, vaddr_t vaddr, paddr_t paddr)
{
	struct mapping m;
	struct err e;

	return !paging_walk(km, vaddr, &m, NULL, NULL, &e) && vaddr - m.vaddr + m.paddr == paddr;
}

bool arch_has_memory(const struct kernel *k, paddr_t at)
{
	pfn_t pfn = at >> k->target.page_shift;
	struct pfn_run run;

	return mem_source_next_run(k->src, pfn, k->target.page_shift, &run) && run.start <= pfn;
}
