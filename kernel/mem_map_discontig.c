/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Discontiguous memory (removed in 5.14): each node has its own array of struct pages. */
#include <stdio.h>
#include <stdlib.h>

#include "base/bytes.h"
#include "kernel/kernel.h"
#include "kernel/kmem.h"
#include "kernel/mem_map_models.h"
#include "kernel/nodes.h"

static int by_start(const void *a, const void *b)
{
	const struct mem_map_chunk *x = a, *y = b;

	return x->start < y->start ? -1 : x->start > y->start;
}

static bool read_node(struct kmem *km, vaddr_t pgdat, struct mem_map_chunk *c)
{
	const struct kernel *k = kmem_kernel(km);
	const struct facts *f = &k->facts;
	uint64_t start, spanned, map;
	struct err e;

	if (kmem_read_ulong(km, pgdat + fact(f, F_pgdat_start_pfn), &start, &e) ||
	    kmem_read_ulong(km, pgdat + fact(f, F_pgdat_spanned), &spanned, &e) ||
	    kmem_read_ulong(km, pgdat + fact(f, F_pgdat_mem_map), &map, &e) || start >= k->max_mapnr || !spanned)
		return false;
	*c = (struct mem_map_chunk){ start, start + min_u64(spanned, k->max_mapnr - start), map, CHUNK_MAP };
	if (!mem_map_plausible(km, map))
		c->kind = CHUNK_BAD;
	return true;
}

/*
 * Nodes whose ranges overlap have their memory in turns.  That makes sense only where their struct pages are one virtual
 * array, as on ia64: then they are one chunk.
 */
static bool join_overlapping(struct mem_map *mm, struct mem_map_chunk *chunks, size_t n)
{
	size_t last = 0;

	for (size_t i = 1; i < n; i++) {
		struct mem_map_chunk *before = &chunks[last], *c = &chunks[i];

		if (c->start >= before->end) {
			chunks[++last] = *c;
			continue;
		}
		if (c->mem_map - before->mem_map != (c->start - before->start) * mm->page_struct_size)
			return false;
		before->end = max_u64(before->end, c->end);
		if (c->kind == CHUNK_MAP)
			before->kind = CHUNK_MAP;
	}
	mm->n_chunks = n ? last + 1 : 0;
	return true;
}

enum status mem_map_try_discontig(struct mem_map *mm, struct kmem *km, struct err *e)
{
	const struct facts *f = &kmem_kernel(km)->facts;
	uint64_t node = 0;
	vaddr_t pgdat;
	struct mem_map_chunk *chunks;

	if (!fact_known(f, F_node_data) || !fact_known(f, F_pgdat_mem_map) || !fact_known(f, F_pgdat_start_pfn) ||
	    !fact_known(f, F_pgdat_spanned))
		return err_set(e, E_MISSING, "not discontiguous");
	chunks = malloc(MEM_NODES_MAX * sizeof(*chunks));
	if (!chunks)
		return err_nomem(e, MEM_NODES_MAX * sizeof(*chunks));
	while (mm->n_chunks < MEM_NODES_MAX && node_next(km, &node, &pgdat))
		mm->n_chunks += read_node(km, pgdat, &chunks[mm->n_chunks]);
	qsort(chunks, mm->n_chunks, sizeof(*chunks), by_start);
	if (!join_overlapping(mm, chunks, mm->n_chunks) || !mm->n_chunks) {
		mm->n_chunks = 0;
		free(chunks);
		snprintf(mm->why_none, sizeof(mm->why_none), "no memory node makes sense");
		return err_set(e, E_MISSING, "%s", mm->why_none);
	}
	mm->chunks = chunks;
	mm->model = MEM_MODEL_DISCONTIG;
	return OK;
}
