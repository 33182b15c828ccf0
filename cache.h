/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A few pages of physical memory, least recently used out first: in front of single reads of kernel structures. */
#ifndef CACHE_H
#define CACHE_H

#include <stddef.h>
#include <stdint.h>

#include "input/mem_source.h"

struct page_cache;

/* Opens a cache over `reader`, which stays the caller's and must outlive it. */
enum status page_cache_open(struct page_cache **c, struct mem_reader *reader, struct err *e) MUST_CHECK;
void page_cache_close(struct page_cache *c);
DEFINE_AUTO(page_cache);

/* Copies `len` bytes at `at`; E_UNREADABLE when any of them cannot be read. */
enum status page_cache_read(struct page_cache *c, paddr_t at, void *buf, size_t len, struct err *e) MUST_CHECK;

struct cache_counts {
	uint64_t hits, misses;
};
struct cache_counts page_cache_counts(const struct page_cache *c);

#endif
