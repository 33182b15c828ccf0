/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sparse memory: sections of struct pages, listed in an array, or in an array of roots (SPARSEMEM_EXTREME). */
#include <stdio.h>

#include "base/bytes.h"
#include "kernel/kernel.h"
#include "kernel/kmem.h"
#include "kernel/mem_map_models.h"

/*
 * Bit 0 of section_mem_map says that the section is there.  Only this bit counts: kernels 5.3 to 5.5 leave the
 * address behind when a section is removed.
 */
#define SECTION_PRESENT 1
/* So many sections are looked at to tell whether the table makes sense. */
#define SAMPLE_SECTIONS 64
#define SECTION_STRUCT_MAX 256
/* Far below any machine (ppc64: 256 pages): sections of a page or two would only cost time. */
#define SECTION_SHIFT_MIN 4

/* Address of the pfn's struct mem_section; 0: none.  *next is the first section that may differ. */
static vaddr_t section_address(const struct mem_map *mm, struct kmem *km, uint64_t nr, uint64_t *next)
{
	const struct kernel *k = kmem_kernel(km);
	uint64_t size = fact(&k->facts, F_mem_section_size), root_nr = nr / mm->per_root;
	vaddr_t root;
	struct err e;

	*next = nr + 1;
	if (mm->model == MEM_MODEL_SPARSE)
		return mm->sections + nr * size;
	if (kmem_read_ulong(km, mm->sections + root_nr * k->target.long_bytes, &root, &e))
		return UINT64_MAX;
	if (!root)
		*next = (root_nr + 1) * mm->per_root;
	return root ? root + nr % mm->per_root * size : 0;
}

struct mem_map_chunk mem_map_sparse_find(const struct mem_map *mm, struct kmem *km, pfn_t pfn)
{
	const struct kernel *k = kmem_kernel(km);
	uint64_t nr = pfn >> mm->section_shift, next, map;
	struct mem_map_chunk c = { .start = nr << mm->section_shift, .kind = CHUNK_HOLE };
	vaddr_t section;
	struct err e;

	if (nr >= mm->n_sections) {
		c.start = mm->n_sections << mm->section_shift;
		c.end = max_u64(k->max_mapnr, pfn + 1);
		return c;
	}
	section = section_address(mm, km, nr, &next);
	if (mm->model == MEM_MODEL_SPARSE_EXTREME && !section)
		c.start = nr / mm->per_root * mm->per_root << mm->section_shift;
	c.end = max_u64(min_u64(next << mm->section_shift, k->max_mapnr), pfn + 1);
	if (!section)
		return c;
	if (!kernel_is_address(k, section) ||
	    kmem_read_ulong(km, section + fact(&k->facts, F_section_map), &map, &e)) {
		c.kind = CHUNK_BAD;
		return c;
	}
	if (!(map & SECTION_PRESENT))
		return c;
	c.mem_map = (map & mm->map_mask) + (c.start * mm->page_struct_size);
	if (k->target.long_bytes == 4)
		c.mem_map &= UINT32_MAX;
	c.kind = mem_map_plausible(km, c.mem_map) ? CHUNK_MAP : CHUNK_BAD;
	return c;
}

/* Do the sections make sense when their table is at mm->sections?  At least one has to be there. */
static bool table_makes_sense(const struct mem_map *mm, struct kmem *km)
{
	const struct kernel *k = kmem_kernel(km);
	unsigned good = 0, bad = 0;
	struct pfn_run run;

	for (pfn_t pfn = 0; good + bad < SAMPLE_SECTIONS;) {
		struct mem_map_chunk c;

		if (!mem_source_next_run(k->src, pfn, k->target.page_shift, &run) || run.start >= k->max_mapnr)
			break;
		c = mem_map_sparse_find(mm, km, run.start);
		good += c.kind == CHUNK_MAP;
		bad += c.kind == CHUNK_BAD;
		pfn = c.end;
	}
	return good > bad;
}

/* SPARSEMEM_EXTREME exports the number of its roots as the length of mem_section, plain sparse that of sections. */
static bool is_extreme(const struct facts *f, uint64_t n_sections, uint64_t per_root)
{
	if (!fact_known(f, F_mem_section_len))
		return true;
	return per_root && fact(f, F_mem_section_len) == (n_sections + per_root - 1) / per_root;
}

bool mem_map_try_sparse(struct mem_map *mm, struct kmem *km)
{
	const struct kernel *k = kmem_kernel(km);
	const struct facts *f = &k->facts;
	const struct arch_state *a = &k->arch_state;
	unsigned page_shift = k->target.page_shift, flag_bits;
	uint64_t size = fact_or(f, F_mem_section_size, 0);
	vaddr_t symbol = fact(f, F_mem_section);
	struct err e;

	if (!fact_known(f, F_mem_section) || !fact_known(f, F_mem_section_size) || !fact_known(f, F_section_map))
		return false;
	if (size < k->target.long_bytes || size > SECTION_STRUCT_MAX || fact(f, F_section_map) > size - k->target.long_bytes ||
	    a->section_bits < page_shift + SECTION_SHIFT_MIN || a->section_bits > a->physmem_bits || a->physmem_bits > 60) {
		snprintf(mm->why_none, sizeof(mm->why_none),
			 "sections of %u of %u address bits, described in %lld bytes, cannot be", a->section_bits,
			 a->physmem_bits, (long long)size);
		return false;
	}
	mm->section_shift = a->section_bits - page_shift;
	mm->n_sections = UINT64_C(1) << (a->physmem_bits - a->section_bits);
	mm->per_root = k->target.page_size / size;
	/* flags stand below the address: six bits on every machine, more where the alignment leaves them */
	flag_bits = mm->section_shift < page_shift ? mm->section_shift : page_shift;
	mm->map_mask = ~((UINT64_C(1) << flag_bits) - 1);
	mm->model = is_extreme(f, mm->n_sections, mm->per_root) ? MEM_MODEL_SPARSE_EXTREME : MEM_MODEL_SPARSE;
	mm->sections = symbol;
	if (table_makes_sense(mm, km))
		return true;
	/* 4.14 and 4.15 export the address of the pointer, later kernels what it points at */
	if (mm->model == MEM_MODEL_SPARSE_EXTREME && !kmem_read_ulong(km, symbol, &mm->sections, &e) &&
	    kernel_is_address(k, mm->sections) && table_makes_sense(mm, km))
		return true;
	snprintf(mm->why_none, sizeof(mm->why_none), "mem_section makes no sense");
	mm->model = MEM_MODEL_NONE;
	return false;
}
