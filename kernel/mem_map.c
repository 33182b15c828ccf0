/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Choosing the memory model, and finding struct pages and page frames through it. */
#include "kernel/mem_map.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/bytes.h"
#include "input/mem_source.h"
#include "kernel/kernel.h"
#include "kernel/kmem.h"
#include "kernel/mem_map_models.h"

/* Larger than any build of struct page: 64 bytes is usual, debug options add a few longs. */
#define PAGE_STRUCT_MAX 512
/* A table that claims more empty sections than this above the last one is no reason to search on. */
#define END_STEPS_MAX (1u << 20)

const char *mem_model_name(enum mem_model model)
{
	static const char *const names[] = {
		[MEM_MODEL_NONE] = "none",	       [MEM_MODEL_FLAT] = "flat",
		[MEM_MODEL_DISCONTIG] = "discontiguous", [MEM_MODEL_SPARSE] = "sparse",
		[MEM_MODEL_SPARSE_EXTREME] = "sparse, extreme",
	};

	return names[model];
}

bool mem_map_plausible(struct kmem *km, vaddr_t mem_map)
{
	const struct kernel *k = kmem_kernel(km);
	paddr_t at;
	struct err e;

	return kernel_is_address(k, mem_map) && mem_map % k->target.long_bytes == 0 &&
	       !kmem_translate(km, mem_map, &at, NULL, &e);
}

/* Is there a usable pointer to the struct page of page `first`?  Only those of memory need to be there. */
static bool read_map_pointer(struct kmem *km, enum fact_id symbol, pfn_t first, uint64_t page_struct_size, vaddr_t *map)
{
	const struct kernel *k = kmem_kernel(km);
	struct pfn_run run;
	struct err e;

	if (!fact_known(&k->facts, symbol) || kmem_read_ulong(km, fact(&k->facts, symbol), map, &e) ||
	    !mem_source_next_run(k->src, first, k->target.page_shift, &run))
		return false;
	return mem_map_plausible(km, *map + (run.start - first) * page_struct_size);
}

static bool set_flat(struct mem_map *mm, struct mem_map_chunk all, struct err *e)
{
	mm->chunks = malloc(sizeof(*mm->chunks));
	if (!mm->chunks) {
		err_nomem(e, sizeof(*mm->chunks));
		return false;
	}
	mm->chunks[0] = all;
	mm->n_chunks = 1;
	mm->model = MEM_MODEL_FLAT;
	return true;
}

/*
 * On ia64 all nodes' struct pages may be one virtual array, in which those of memory that is not there have no page.
 * Nodes, which may have their memory in turns, are then of no interest.
 */
static bool try_virtual(struct mem_map *mm, struct kmem *km, struct err *e)
{
	const struct kernel *k = kmem_kernel(km);
	vaddr_t map;

	return read_map_pointer(km, F_vmem_map, 0, mm->page_struct_size, &map) &&
	       set_flat(mm, (struct mem_map_chunk){ 0, k->max_mapnr, map, CHUNK_MAP }, e);
}

static bool try_flat(struct mem_map *mm, struct kmem *km, struct err *e)
{
	const struct kernel *k = kmem_kernel(km);
	vaddr_t map;

	if (!fact_known(&k->facts, F_mem_map))
		return false;
	if (!read_map_pointer(km, F_mem_map, k->arch_state.flat_start, mm->page_struct_size, &map)) {
		snprintf(mm->why_none, sizeof(mm->why_none), "the pointer mem_map cannot be used");
		return false;
	}
	return set_flat(mm, (struct mem_map_chunk){ k->arch_state.flat_start, k->max_mapnr, map, CHUNK_MAP }, e);
}

enum status mem_map_open(struct mem_map *mm, struct kmem *km, struct err *e)
{
	const struct kernel *k = kmem_kernel(km);
	const struct facts *f = &k->facts;
	char label[64];

	*mm = (struct mem_map){ .model = MEM_MODEL_NONE };
	mm->page_struct_size = fact_or(f, F_page_size, 0);
	if (!fact_known(f, F_page_size)) {
		snprintf(mm->why_none, sizeof(mm->why_none), "%s is unknown",
			 fact_label(f, F_page_size, label, sizeof(label)));
		return OK;
	}
	if (mm->page_struct_size < 4 * k->target.long_bytes || mm->page_struct_size > PAGE_STRUCT_MAX ||
	    mm->page_struct_size % k->target.long_bytes) {
		snprintf(mm->why_none, sizeof(mm->why_none), "a struct page of %lld bytes cannot be",
			 (long long)mm->page_struct_size);
		return OK;
	}
	snprintf(mm->why_none, sizeof(mm->why_none), "it says nothing of a memory model");
	e->status = OK;
	/* sparse kernels without NUMA export mem_map too: sparse first */
	if (!mem_map_try_sparse(mm, km) && !try_virtual(mm, km, e) && e->status != E_NOMEM &&
	    mem_map_try_discontig(mm, km, e) && e->status != E_NOMEM)
		(void)try_flat(mm, km, e);
	if (mm->model != MEM_MODEL_NONE)
		mm->why_none[0] = '\0';
	return mm->model == MEM_MODEL_NONE && e->status == E_NOMEM ? E_NOMEM : OK;
}

void mem_map_close(struct mem_map *mm)
{
	free(mm->chunks);
	mm->chunks = NULL;
}

/* Flat and discontiguous: the chunk of a sorted list, or the gap before, between or after them. */
static struct mem_map_chunk find_in_list(const struct mem_map *mm, pfn_t pfn, pfn_t max)
{
	pfn_t gap_start = 0;

	for (size_t i = 0; i < mm->n_chunks; i++) {
		if (pfn < mm->chunks[i].start)
			return (struct mem_map_chunk){ gap_start, mm->chunks[i].start, 0, CHUNK_HOLE };
		if (pfn < mm->chunks[i].end)
			return mm->chunks[i];
		gap_start = mm->chunks[i].end;
	}
	return (struct mem_map_chunk){ gap_start, max_u64(max, pfn + 1), 0, CHUNK_HOLE };
}

struct mem_map_chunk mem_map_find(const struct mem_map *mm, struct kmem *km, pfn_t pfn)
{
	const struct kernel *k = kmem_kernel(km);

	switch (mm->model) {
	case MEM_MODEL_SPARSE:
	case MEM_MODEL_SPARSE_EXTREME:
		return mem_map_sparse_find(mm, km, pfn);
	default:
		return find_in_list(mm, pfn, k->max_mapnr);
	}
}

pfn_t mem_map_end(const struct mem_map *mm, struct kmem *km)
{
	pfn_t max = kmem_kernel(km)->max_mapnr, pfn = max;

	for (unsigned steps = 0; pfn; steps++) {
		struct mem_map_chunk c = mem_map_find(mm, km, pfn - 1);

		if (c.kind != CHUNK_HOLE)
			return pfn;
		if (steps > END_STEPS_MAX)
			return max;
		pfn = c.start;
	}
	return 0;
}

static bool pfn_in_chunk(const struct mem_map *mm, const struct mem_map_chunk *c, vaddr_t page, pfn_t *pfn)
{
	uint64_t offset = page - c->mem_map;

	if (c->kind != CHUNK_MAP || page < c->mem_map || offset / mm->page_struct_size >= c->end - c->start ||
	    offset % mm->page_struct_size)
		return false;
	*pfn = c->start + offset / mm->page_struct_size;
	return true;
}

bool mem_map_pfn_of(const struct mem_map *mm, struct kmem *km, vaddr_t page, uint64_t *budget, pfn_t *pfn)
{
	pfn_t max = kmem_kernel(km)->max_mapnr;
	bool first = true;

	for (pfn_t at = 0; at < max && *budget; (*budget)--) {
		struct mem_map_chunk c = mem_map_find(mm, km, at);

		if (pfn_in_chunk(mm, &c, page, pfn))
			return true;
		if (first && c.kind == CHUNK_MAP) {
			/* where struct pages are one virtual array, the first chunk leads to all others */
			pfn_t guess = c.start + (page - c.mem_map) / mm->page_struct_size;
			struct mem_map_chunk g = mem_map_find(mm, km, guess < max ? guess : at);

			if (pfn_in_chunk(mm, &g, page, pfn))
				return true;
			first = false;
		}
		at = c.end;
	}
	return false;
}
