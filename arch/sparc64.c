/* SPDX-License-Identifier: GPL-2.0-or-later */
/* sparc64: image and direct map as the segments, or memory, show them; page tables of two generations and two machines. */
#include <stdlib.h>
#include <string.h>

#include "arch/arch.h"
#include "base/bytes.h"
#include "format/elf_core.h"
#include "input/mem_source.h"
#include "kernel/kernel.h"
#include "kernel/kmem.h"

#define IMAGE_START UINT64_C(0x400000)
#define IMAGE_ALIGN UINT64_C(0x400000) /* of its place in memory */
#define PLACES_MAX (1u << 16)	       /* that are looked at, whatever a file claims */
#define IMAGE_END UINT64_C(0x10000000)
#define MODULES_START IMAGE_END
#define KERNEL_HALF UINT64_C(0x8000000000000000)
#define PHYS_BASE_MASK ~UINT64_C(0xffff)

/* Of page table entries.  sun4v is what hypervisors define, sun4u the machines before. */
#define PTE_VALID UINT64_C(0x8000000000000000)
#define PTE_HUGE UINT64_C(0x0100000000000000)
#define SUN4V_ADDRESS UINT64_C(0x00ffffffffffe000)
#define SUN4V_PRESENT 0x10
#define SUN4U_ADDRESS UINT64_C(0x000007ffffffe000)
#define SUN4U_PRESENT 0x80
#define SUN4U_CACHED 0x20     /* never set on sun4v */
#define SUN4U_PRIVILEGED 0x04 /* on sun4v: a page of 2 GiB or more */
enum { SUN4V, SUN4U };

#define LEAVES_MAX 64

/* Kernels before 3.8.13 kept struct pages, at a fixed address, in a table of their own, 4 MiB in each entry. */
#define OLD_VMEMMAP_START UINT64_C(0x10000000000)
#define OLD_VMEMMAP_SHIFT 22
#define OLD_VMEMMAP_CHUNKS_MAX (UINT64_C(1) << 20)
#define OLD_SECOND_BITS 12 /* of the index, where there are two tables */

static const struct paging forms[] = {
	{ "3 levels", 8, { 13, 10, 10, 10 }, { "PTE", "PMD", "PGD" } },
	{ "4 levels", 8, { 13, 10, 10, 10, 10 }, { "PTE", "PMD", "PUD", "PGD" } },
};

static const uint8_t physmem_tries[] = { 53, 49, 47, 42, 0 };

/* PAGE_OFFSET is a variable of the kernel, one of these by what addresses the processor has. */
static const vaddr_t page_offsets[] = {
	UINT64_C(0xfffff80000000000),
	UINT64_C(0xffff800000000000),
	UINT64_C(0xfff8000000000000),
	UINT64_C(0xfff0000000000000),
};

static void add_range(struct arch_state *a, vaddr_t start, vaddr_t end, paddr_t at)
{
	arch_add_linear(a, (struct linear_range){ start, end, at, .trust = RANGE_FIXED });
}

static void add_direct_map(const struct kernel *k, struct arch_state *a, vaddr_t page_offset)
{
	uint64_t len = min_u64(k->src->end, UINT64_MAX - page_offset);

	add_range(a, page_offset, page_offset + len, 0);
}

/*
 * What segments show of image and direct map.  Files in which all virtual addresses are physical ones, as QEMU writes them
 * without page tables, show nothing.
 */
static void take_segments(const struct kernel *k, struct arch_state *a)
{
	bool image = false, direct = false, virtual = false;
	struct mem_segment s;

	for (size_t i = 0; mem_source_segment(k->src, i, &s); i++)
		virtual |= s.vaddr && s.vaddr != s.paddr;
	for (size_t i = 0; virtual && mem_source_segment(k->src, i, &s); i++) {
		if (s.paddr == PADDR_NONE || !s.memsz)
			continue;
		if (!image && s.vaddr >= IMAGE_START && s.vaddr < IMAGE_END) {
			add_range(a, IMAGE_START, IMAGE_END, s.paddr - (s.vaddr - IMAGE_START));
			image = true;
		} else if (!direct && s.vaddr >= KERNEL_HALF && s.vaddr >= s.paddr) {
			add_direct_map(k, a, s.vaddr - s.paddr);
			direct = true;
		}
	}
}

/* The kernel's own number is not exported: the first segment, which is the image where there is one. */
static uint64_t find_phys_base(const struct kernel *k)
{
	struct mem_segment s;

	if (fact_known(&k->facts, F_phys_base))
		return fact(&k->facts, F_phys_base);
	if (k->src->has_phys_base)
		return k->src->phys_base;
	return mem_source_segment(k->src, 0, &s) && s.paddr != PADDR_NONE ? s.paddr & PHYS_BASE_MASK : 0;
}

/* Where the image is known, so are its page tables. */
static void set_root(const struct kernel *k, struct arch_state *a)
{
	uint64_t left;

	a->has_root = fact_known(&k->facts, F_root_table) &&
		      arch_linear(a, fact(&k->facts, F_root_table), RANGE_FIXED, &a->root, &left);
}

static void sparc64_setup(const struct kernel *k, struct arch_state *a)
{
	/* the tables got a fourth level together with the rest of 3.8.13 */
	bool old = k->version && k->version < KVERSION(3, 8) + 13;

	a->paging = &forms[!old];
	a->section_bits = 30;
	a->physmem_bits = old ? 49 : 53;
	a->physmem_tries = physmem_tries;
	a->kernel_start = IMAGE_START;
	a->phys_base = find_phys_base(k);
	a->pte_mask = SUN4V_ADDRESS;
	a->pte_form = SUN4V;
	/* modules, and above 4 GiB the rest */
	a->tables_first = MODULES_START;
	a->sign_extended = true;
	if (fact_known(&k->facts, F_phys_base))
		add_range(a, IMAGE_START, IMAGE_END, a->phys_base);
	take_segments(k, a);
	set_root(k, a);
}

/* --- what memory tells -------------------------------------------------------------------------------------- */

/* Variables that are, or point at, memory of the direct map. */
static const enum fact_id pointers[] = { F_mem_section, F_node_data, F_mem_map, F_log_buf };

/* Are these the names of the system that VMCOREINFO is about? */
static bool names_are_at(struct kmem *km, paddr_t at)
{
	const struct kernel *k = kmem_kernel(km);
	uint8_t uts[UTS_LEN];
	struct err e;

	return !kmem_read_phys(km, at, uts, sizeof(uts), &e) && kernel_names_make_sense(uts) &&
	       (!k->release[0] || !strcmp((const char *)uts + 2 * UTS_FIELD_LEN, k->release));
}

/* Looks for names that are `offset` behind the start of the image. */
static bool search_image(struct kmem *km, uint64_t offset, paddr_t *image)
{
	const struct kernel *k = kmem_kernel(km);
	unsigned shift = k->target.page_shift, places = 0;
	struct pfn_run run;

	for (pfn_t pfn = 0; mem_source_next_run(k->src, pfn, shift, &run); pfn = run.end) {
		paddr_t at = (run.start << shift & ~(IMAGE_ALIGN - 1)) + offset % IMAGE_ALIGN;

		if (at < run.start << shift)
			at += IMAGE_ALIGN;
		for (; at < run.end << shift && run.kind != RUN_LOST && run.kind != RUN_EMPTY; at += IMAGE_ALIGN) {
			if (++places > PLACES_MAX)
				return false;
			*image = at - offset;
			if (at >= offset && names_are_at(km, at))
				return true;
		}
	}
	return false;
}

/*
 * A kdump-compressed file has no segments.  What its header has was made of the first one, mostly that of the image; where
 * it was not, the image is searched.
 */
static void find_image(struct kmem *km, struct arch_state *a)
{
	const struct kernel *k = kmem_kernel(km);
	uint64_t offset = kernel_names_address(&k->facts) - IMAGE_START, left;
	paddr_t image = a->phys_base & ~(IMAGE_ALIGN - 1);

	if (arch_linear(a, IMAGE_START, RANGE_FIXED, &(paddr_t){ 0 }, &left) || offset > IMAGE_END - IMAGE_START ||
	    (!names_are_at(km, image + offset) && !search_image(km, offset, &image)))
		return;
	add_range(a, IMAGE_START, IMAGE_END, image);
	set_root(k, a);
}

/* Where segments do not show the direct map. */
static void find_direct_map(struct kmem *km, struct arch_state *a)
{
	const struct kernel *k = kmem_kernel(km);

	for (size_t i = 0; i < a->n_linear; i++)
		if (a->linear[i].start >= KERNEL_HALF)
			return;
	for (size_t i = 0; i < ARRAY_SIZE(pointers); i++) {
		vaddr_t v = fact_or(&k->facts, pointers[i], 0);
		struct err e;

		if (!v || (v < KERNEL_HALF && kmem_read_ulong(km, v, &v, &e)))
			continue;
		for (size_t j = 0; j < ARRAY_SIZE(page_offsets); j++)
			if (v >= page_offsets[j] && arch_has_memory(k, v - page_offsets[j])) {
				add_direct_map(k, a, page_offsets[j]);
				return;
			}
	}
}

struct form_votes {
	unsigned seen, sun4u;
};

static bool vote(void *data, unsigned level, uint64_t entry, const struct pte *leaf)
{
	struct form_votes *v = data;

	(void)level, (void)leaf;
	v->sun4u += entry & SUN4U_CACHED && entry & SUN4U_PRIVILEGED;
	return ++v->seen < LEAVES_MAX;
}

/* Entries of memory are cached and privileged on sun4u, with bits that have other meanings on sun4v. */
static void find_form(struct kmem *km, struct arch_state *a)
{
	struct form_votes v = { 0 };

	paging_visit(km, PAGING_TABLES, vote, &v);
	if (v.sun4u * 2 > v.seen) {
		a->pte_form = SUN4U;
		a->pte_mask = SUN4U_ADDRESS;
	}
}

/* The entry of the old table for a chunk; 0: none. */
static uint64_t old_vmemmap_entry(struct kmem *km, uint64_t chunk, bool two_tables)
{
	vaddr_t table = fact(&kmem_kernel(km)->facts, F_vmemmap_table);
	uint64_t entry, first;
	uint8_t raw[8];
	struct err e;

	if (!two_tables)
		return kmem_read_ulong(km, table + chunk * 8, &entry, &e) ? 0 : entry;
	if (kmem_read_ulong(km, table + (chunk >> OLD_SECOND_BITS) * 8, &first, &e) || !first ||
	    kmem_read_phys(km, first + (chunk & ((1u << OLD_SECOND_BITS) - 1)) * 8, raw, sizeof(raw), &e))
		return 0;
	return get_u64(raw, true);
}

/* There are kernels with one table, whose entries say that they are valid, and with one of addresses of such tables. */
static bool old_vmemmap_has_two_tables(struct kmem *km, uint64_t chunks)
{
	for (uint64_t i = 0; i < chunks; i++) {
		uint64_t entry = old_vmemmap_entry(km, i, false);

		if (entry)
			return !(entry & PTE_VALID);
	}
	return false;
}

static enum status find_old_vmemmap(struct kmem *km, struct arch_state *a, struct err *e)
{
	const struct kernel *k = kmem_kernel(km);
	uint64_t bytes = (k->src->end >> k->target.page_shift) * fact_or(&k->facts, F_page_size, 0);
	uint64_t chunks = min_u64(shift_up(bytes, OLD_VMEMMAP_SHIFT), OLD_VMEMMAP_CHUNKS_MAX);
	bool two_tables = old_vmemmap_has_two_tables(km, chunks);
	size_t room = 0;

	for (uint64_t i = 0; i < chunks; i++) {
		uint64_t entry = old_vmemmap_entry(km, i, two_tables), len = UINT64_C(1) << OLD_VMEMMAP_SHIFT;

		if (!entry)
			continue;
		if (a->n_pieces == room) {
			struct mapping *more;

			room = room ? room * 2 : 64;
			more = realloc(a->pieces, room * sizeof(*more));
			if (!more)
				return err_nomem(e, room * sizeof(*more));
			a->pieces = more;
		}
		a->pieces[a->n_pieces++] =
			(struct mapping){ OLD_VMEMMAP_START + i * len, len, entry & a->pte_mask & ~(len - 1) };
	}
	return OK;
}

static enum status sparc64_learn(struct kmem *km, struct arch_state *a, struct err *e)
{
	const struct kernel *k = kmem_kernel(km);

	find_image(km, a);
	find_form(km, a);
	find_direct_map(km, a);
	return a->paging == &forms[0] && fact_known(&k->facts, F_vmemmap_table) ? find_old_vmemmap(km, a, e) : OK;
}

static enum pte_kind sparc64_decode_pte(const struct arch_state *a, uint64_t pte, unsigned level, struct pte *out)
{
	out->target = pte & a->pte_mask;
	if (!level)
		return pte & (a->pte_form == SUN4U ? SUN4U_PRESENT : SUN4V_PRESENT) ? PTE_LEAF : PTE_ABSENT;
	/* 8 MiB and 8 GiB; the root has no such entries */
	if (pte & PTE_HUGE)
		return pte & PTE_VALID && a->paging->bits[level + 2] ? PTE_LEAF : PTE_ABSENT;
	/* addresses of tables, which have no flags */
	out->target = pte;
	return pte && !(pte & (UINT64_C(8192) - 1)) ? PTE_TABLE : PTE_ABSENT;
}

const struct arch_ops arch_sparc64 = {
	.name = "sparc64",
	.elf_machine = ELF_EM_SPARCV9,
	.elf_classes = CLASS_ELF64,
	.orders = ORDER_BIG,
	.long_bytes = 8,
	.default_page_shift = 13,
	.compound_shift_max = 34,
	.image_start = IMAGE_START,
	.image_len_max = IMAGE_ALIGN,
	.image_align = IMAGE_ALIGN,
	.setup = sparc64_setup,
	.learn = sparc64_learn,
	.decode_pte = sparc64_decode_pte,
};
