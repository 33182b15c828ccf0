/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Free pages of kernels whose struct pages do not tell them: the lists of the page allocator. */
#ifndef FILTER_FREE_LIST_H
#define FILTER_FREE_LIST_H

#include "kernel/kernel.h"
#include "kernel/kmem.h"

/* The first fact that a walk would miss; N_FACTS when it has all. */
enum fact_id free_list_missing(const struct kernel *k);

/* Told about each free block: page frames [first, first + count). */
typedef void free_block_fn(void *data, pfn_t first, uint64_t count);

/*
 * Walks all free lists.  A list that is broken is left where it breaks: the pages behind it stay in the dump;
 * *broken counts such lists.  *budget counts the reads down; without any left, all lists count as broken.
 */
void free_list_walk(struct kmem *km, free_block_fn *block, void *data, uint64_t *budget, unsigned *broken);

#endif
