/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where the struct page of each page frame is: flat, discontiguous and sparse memory. */
#ifndef KERNEL_MEM_MAP_H
#define KERNEL_MEM_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "makedumpfile.h"

struct kernel;
struct kmem;

enum chunk_kind {
	CHUNK_HOLE, /* the kernel has no struct pages here */
	CHUNK_MAP,
	CHUNK_BAD, /* it should have, but what it says about them cannot be right */
};

/* Page frames [start, end) whose struct pages follow one another from `mem_map` on. */
struct mem_map_chunk {
	pfn_t start, end;
	vaddr_t mem_map;
	enum chunk_kind kind;
};

enum mem_model { MEM_MODEL_NONE, MEM_MODEL_FLAT, MEM_MODEL_DISCONTIG, MEM_MODEL_SPARSE, MEM_MODEL_SPARSE_EXTREME };

#define MEM_NODES_MAX 1024 /* the largest MAX_NUMNODES that Linux allows */

struct mem_map {
	enum mem_model model;
	uint64_t page_struct_size; /* bytes */
	char why_none[200];	   /* for MEM_MODEL_NONE: what is missing, for people */

	/* flat: one chunk; discontiguous: a chunk per node, sorted */
	struct mem_map_chunk *chunks;
	size_t n_chunks;

	/* sparse */
	unsigned section_shift; /* log2 of page frames per section */
	vaddr_t sections;	/* extreme: array of pointers to roots; else array of struct mem_section */
	uint64_t n_sections, per_root;
	uint64_t map_mask; /* address bits of section_mem_map; the low ones are flags */
};

/* Finds the model and checks it against memory.  Never fails but for lack of memory: without a usable mem_map
 * the model is MEM_MODEL_NONE and why_none says why. */
enum status mem_map_open(struct mem_map *mm, struct kmem *km, struct err *e) MUST_CHECK;
void mem_map_close(struct mem_map *mm);

const char *mem_model_name(enum mem_model model);

/* The chunk that holds `pfn`; every pfn has one, if only a hole.  Chunks do not reach past max_mapnr. */
struct mem_map_chunk mem_map_find(const struct mem_map *mm, struct kmem *km, pfn_t pfn);

/* The highest page frame + 1 that has a struct page; 0 when none has. */
pfn_t mem_map_end(const struct mem_map *mm, struct kmem *km);

/*
 * The page frame of a struct page at `page`: the reverse of mem_map_find().  False when it is none, or when the
 * search would look at more chunks than *budget, which it counts down.
 */
bool mem_map_pfn_of(const struct mem_map *mm, struct kmem *km, vaddr_t page, uint64_t *budget, pfn_t *pfn);

#endif
