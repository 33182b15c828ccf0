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

/* Compilers know these for any machine, and make words of them where there are no vectors. */
typedef uint64_t page_vector __attribute__((vector_size(PAGE_PART_BYTES)));

struct page_part_test {
	size_t at;
	page_vector bits, first;
};

static inline __attribute__((always_inline)) struct page_part_test page_part_test(const struct page_part *part,
										  const uint8_t *page)
{
	struct page_part_test t = { .at = part->at };

	memcpy(&t.bits, part->bits, sizeof(t.bits));
	memcpy(&t.first, page + t.at, sizeof(t.first));
	return t;
}

/* Adds to `differs` the bits in which a part of this struct page is another. */
static inline __attribute__((always_inline)) void page_part_compare(const struct page_part_test *t, const uint8_t *page,
								    page_vector *differs)
{
	page_vector here;

	memcpy(&here, page + t->at, sizeof(here));
	*differs |= (here ^ t->first) & t->bits;
}

/* Each by itself, not in an array: that way they stay in registers. */
struct page_tests {
	struct page_part_test t0, t1, t2, t3;
	size_t size;
};

/*
 * The first struct page of [i, n), counted from `page`, that differs; n: none does.  `four` and `ahead` are constants: are
 * there more than three parts, and is there memory of the view PAGE_PREFETCH_BYTES ahead?
 */
static inline __attribute__((always_inline)) uint64_t page_next_unlike(const struct page_tests *t, const uint8_t *page,
								       uint64_t i, uint64_t n, const bool four, const bool ahead)
{
	for (page += i * t->size; i < n; i++, page += t->size) {
		page_vector differs = { 0, 0 };

		if (ahead)
			__builtin_prefetch(page + PAGE_PREFETCH_BYTES);
		page_part_compare(&t->t0, page, &differs);
		page_part_compare(&t->t1, page, &differs);
		page_part_compare(&t->t2, page, &differs);
		if (four)
			page_part_compare(&t->t3, page, &differs);
		if (differs[0] | differs[1])
			break;
	}
	return i;
}

static inline __attribute__((always_inline)) uint64_t page_count_alike_parts(const struct page_layout *l, const uint8_t *page,
									     uint64_t n, const bool four)
{
	const struct page_tests t = {
		page_part_test(&l->deciding[0], page), page_part_test(&l->deciding[1], page),
		page_part_test(&l->deciding[2], page), page_part_test(&l->deciding[3], page), l->size,
	};
	/* not beyond the struct pages: what lies there may be a page that must not be touched */
	uint64_t n_ahead = n > l->prefetch_pages ? n - l->prefetch_pages : 1;
	uint64_t i = page_next_unlike(&t, page, 1, n_ahead, four, true);

	return i < n_ahead ? i : page_next_unlike(&t, page, i, n, four, false);
}

/*
 * How many of `n` struct pages from `page` on have the traits of the first; at least 1.  Neighbours mostly do, and to
 * see that costs less than to find out which traits they are.
 */
static inline __attribute__((always_inline)) uint64_t page_count_alike(const struct page_layout *l, const uint8_t *page,
								       uint64_t n)
{
	return l->n_deciding < PAGE_PARTS_MAX ? page_count_alike_parts(l, page, n, false) :
						page_count_alike_parts(l, page, n, true);
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
