/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What can be asked of a kernel that was opened, whatever it is like: all answers have to keep their promises. */
#ifndef TESTS_FUZZ_EXPLORE_H
#define TESTS_FUZZ_EXPLORE_H

#include "kernel/kernel.h"
#include "kernel/kmem.h"

/* One address: walked, translated, read in every way. */
void explore_address(struct kmem *km, vaddr_t vaddr);

/* All chunks of struct pages follow one another, and lead back from the struct page to its page frame. */
void explore_chunks(const struct kernel *k, struct kmem *km);

/* Nodes, and the free lists of kernels that need them. */
void explore_nodes(const struct kernel *k, struct kmem *km);

/* Pages of 1 << shift bytes that may be viewed, bit by page; bits NULL: all. */
struct allowed_pages {
	const uint8_t *bits;
	size_t n;
	unsigned shift;
};

/* For sources: may these bytes be viewed? */
void require_allowed(const struct allowed_pages *a, paddr_t at, size_t len);

/*
 * Filters the kernel in windows and chunks of several sizes, of `small` pages and more, with equal results, and packs
 * what is kept, as `choices` say; meanwhile the source goes by `allowed`.
 */
struct filter_trial {
	unsigned level;
	pfn_t small;
	uint8_t choices;
	struct allowed_pages *allowed;
};
void explore_filter(const struct kernel *k, const struct filter_trial *trial);

#endif
