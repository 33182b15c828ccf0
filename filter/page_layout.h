/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which kernel keeps what where in struct page: resolved once from the facts, so that the loop over struct pages
 * has no test of versions.  Constants are stored in the dump's byte order: data is never swapped for a test.
 */
#ifndef FILTER_PAGE_LAYOUT_H
#define FILTER_PAGE_LAYOUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct kernel;

/* A page type is there when (_mapcount & mask) == value, both in the dump's byte order. */
struct page_type_test {
	uint32_t mask, value;
};
#define PAGE_TYPE_NEVER ((struct page_type_test){ 0, 1 })

/* Some bytes of a struct page, next to each other and within it, and which of their bits are meant. */
#define PAGE_PART_BYTES 16
#define PAGE_PARTS_MAX 4
struct page_part {
	uint16_t at;
	uint8_t bits[PAGE_PART_BYTES];
};

/*
 * The processor's own prefetching stops at the end of each page of memory, and starts anew in the next.  Measured where the
 * struct pages are mapped or in plain memory: 1.3 to 1.5 times as fast; nothing where they have just been read.
 */
#define PAGE_PREFETCH_BYTES 4096u

/* A number in the second struct page of a compound page; width 0: unknown. */
struct tail_field {
	uint16_t at;
	uint8_t width;
};

struct page_layout {
	uint32_t size; /* of struct page, bytes */
	bool long64, big_endian;
	/* members; one that is unknown points at 0 and its masks are 0, its tests never true */
	uint16_t flags_at, mapping_at, head_at, type_at, private_at;
	/* masks of flags */
	uint64_t lru_flag, private_flag, swapcache_flag, swapbacked_flag, slab_flag, poison_flag, buddy_flag, head_mask;
	uint64_t anon_bit; /* of mapping */
	uint64_t tail_bit; /* of compound_head, compound_info or lru */
	struct page_type_test buddy, offline, slab, hugetlb, unaccepted;
	/* all that page_traits() looks at; parts that are not needed have no bits */
	struct page_part deciding[PAGE_PARTS_MAX];
	unsigned n_deciding;
	uint32_t prefetch_pages; /* struct pages in PAGE_PREFETCH_BYTES, rounded up */
	/* compound pages */
	bool tails_are_marked;	    /* tail_bit is set in every tail */
	bool order_in_flags;	    /* 6.6+: low byte of the first tail's flags */
	uint64_t hugetlb_tail_flag; /* 6.6 to 6.8, in host order */
	struct tail_field order, dtor;
	bool has_hugetlb_dtor;
	uint64_t hugetlb_dtor, free_huge_page;
	unsigned max_orders; /* free blocks are smaller than 1 << max_orders pages; 0: unknown */
	bool free_by_page;   /* free blocks can be told from their struct page */
};

/* Dump level bits, as -d takes them. */
enum dump_level {
	DL_ZERO = 1,
	DL_CACHE = 2,
	DL_CACHE_PRIVATE = 4,
	DL_USER = 8,
	DL_FREE = 16,
	DL_MAX = 31,
};

/*
 * Resolves the layout of `k`, whose mem_map is usable.  Returns the bits of `level` whose pages can be told for
 * sure; each bit that has to go is said in one line with the fact that is missing.
 */
unsigned page_layout_resolve(struct page_layout *l, const struct kernel *k, unsigned level);

#endif
