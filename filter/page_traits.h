/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a struct page says of its page: bytes in, traits out.  No I/O, no counters, no options. */
#ifndef FILTER_PAGE_TRAITS_H
#define FILTER_PAGE_TRAITS_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "filter/page_layout.h"

enum page_trait {
	T_TAIL = 1 << 0,
	T_BUDDY = 1 << 1,
	T_UNACCEPTED = 1 << 2,
	T_CACHE = 1 << 3,
	T_PRIVATE = 1 << 4,
	T_ANON = 1 << 5,
	T_POISON = 1 << 6,
	T_OFFLINE = 1 << 7,
	T_HUGETLB = 1 << 8,
	N_TRAIT_SETS = 1 << 9,
	T_HEAD = 1 << 9, /* not looked up by rules: it asks for page_head_info() */
	T_STARTS_BLOCK = T_HEAD | T_BUDDY | T_UNACCEPTED, /* more pages may go along with this one */
};

/* A long of the dump in the dump's byte order, widened: compared only with constants stored the same way. */
static inline __attribute__((always_inline)) uint64_t raw_long(const uint8_t *p, const bool long64)
{
	uint64_t wide;
	uint32_t narrow;

	if (long64) {
		memcpy(&wide, p, sizeof(wide));
		return wide;
	}
	memcpy(&narrow, p, sizeof(narrow));
	return narrow;
}

static inline __attribute__((always_inline)) bool type_is(uint32_t raw, struct page_type_test t)
{
	return (raw & t.mask) == t.value;
}

/*
 * Traits of one struct page of l->size bytes, without T_HUGETLB.  `long64` is l->long64, given as a constant so
 * that the compiler makes one loop for each.
 */
static inline __attribute__((always_inline)) unsigned page_traits(const struct page_layout *l, const uint8_t *page,
								  const bool long64)
{
	uint64_t flags = raw_long(page + l->flags_at, long64);
	uint64_t mapping = raw_long(page + l->mapping_at, long64);
	uint64_t head = raw_long(page + l->head_at, long64);
	uint32_t type;
	bool slab, cache;
	unsigned t;

	memcpy(&type, page + l->type_at, sizeof(type));
	slab = (flags & l->slab_flag) || type_is(type, l->slab);
	cache = (flags & l->lru_flag) ||
		((flags & l->swapcache_flag) && (flags & l->swapbacked_flag) == l->swapbacked_flag);
	t = (head & l->tail_bit) ? T_TAIL : 0;
	t |= cache ? T_CACHE : 0;
	t |= (flags & l->private_flag) ? T_PRIVATE : 0;
	t |= (flags & l->poison_flag) ? T_POISON : 0;
	t |= (flags & l->head_mask) ? T_HEAD : 0;
	t |= (flags & l->buddy_flag) ? T_BUDDY : 0;
	if (!slab) {
		t |= (mapping & l->anon_bit) ? T_ANON : 0;
		t |= type_is(type, l->buddy) ? T_BUDDY : 0;
		t |= type_is(type, l->offline) ? T_OFFLINE : 0;
		t |= type_is(type, l->unaccepted) ? T_UNACCEPTED : 0;
	}
	return t;
}

/*
 * How many of `n` struct pages from `page` on have the traits of the first; at least 1.  Neighbours mostly do, and to
 * see that costs less than to find out which traits they are.
 */
static inline __attribute__((always_inline)) uint64_t page_count_alike(const struct page_layout *l, const uint8_t *page,
								       uint64_t n, const bool long64)
{
	const uint64_t flags = raw_long(page + l->flags_at, long64), mapping = raw_long(page + l->mapping_at, long64),
		       head = raw_long(page + l->head_at, long64);
	uint32_t type, other;
	uint64_t i;

	memcpy(&type, page + l->type_at, sizeof(type));
	for (i = 1; i < n; i++) {
		page += l->size;
		memcpy(&other, page + l->type_at, sizeof(other));
		if (((raw_long(page + l->flags_at, long64) ^ flags) & l->deciding_flags) |
		    ((raw_long(page + l->mapping_at, long64) ^ mapping) & l->anon_bit) |
		    ((raw_long(page + l->head_at, long64) ^ head) & l->tail_bit) | ((other ^ type) & l->deciding_type))
			break;
	}
	return i;
}

struct page_head_info {
	unsigned order;
	bool hugetlb;
};

/* Order and kind of the compound page that starts at `head`; `tail` is the struct page after it. */
struct page_head_info page_head_info(const struct page_layout *l, const uint8_t *head, const uint8_t *tail);

/* Order of the free block that starts at `page`, which has T_BUDDY. */
uint64_t page_buddy_order(const struct page_layout *l, const uint8_t *page);

#endif
