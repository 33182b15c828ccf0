/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The memory models behind mem_map.c. */
#ifndef KERNEL_MEM_MAP_MODELS_H
#define KERNEL_MEM_MAP_MODELS_H

#include "kernel/mem_map.h"

/* Each fills mm when the kernel is of that model.  False: it is not, or its tables are not usable (why_none says). */
bool mem_map_try_sparse(struct mem_map *mm, struct kmem *km);
/* Allocates mm->chunks; E_MISSING when the kernel is not of that model. */
enum status mem_map_try_discontig(struct mem_map *mm, struct kmem *km, struct err *e) MUST_CHECK;

struct mem_map_chunk mem_map_sparse_find(const struct mem_map *mm, struct kmem *km, pfn_t pfn);

/* Could struct pages start at `mem_map`?  A kernel address, aligned as a structure of longs is, and mapped. */
bool mem_map_plausible(struct kmem *km, vaddr_t mem_map);

#endif
