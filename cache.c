/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A few pages of physical memory, least recently used out first: in front of single reads of kernel structures. */
#include "cache.h"

#include <string.h>

#include "base/bytes.h"

/* Page tables of one address take up to five pages, sections and their roots two more. */
#define ENTRIES 16

struct entry {
	paddr_t page; /* PADDR_NONE: empty */
	uint64_t used;
	uint8_t *data;
};

struct page_cache {
	struct mem_reader *reader;
	uint64_t clock;
	struct cache_counts counts;
	struct entry entries[ENTRIES];
	uint8_t data[ENTRIES][PAGE_SIZE_MIN];
};

enum status page_cache_open(struct page_cache **out, struct mem_reader *reader, struct err *e)
{
	struct page_cache *c = malloc(sizeof(*c));

	if (!c)
		return err_nomem(e, sizeof(*c));
	c->reader = reader;
	c->clock = 0;
	c->counts = (struct cache_counts){ 0, 0 };
	for (size_t i = 0; i < ENTRIES; i++)
		c->entries[i] = (struct entry){ PADDR_NONE, 0, c->data[i] };
	*out = c;
	return OK;
}

void page_cache_close(struct page_cache *c)
{
	free(c);
}

static enum status get_page(struct page_cache *c, paddr_t page, struct entry **out, struct err *e)
{
	struct entry *oldest = &c->entries[0];

	for (size_t i = 0; i < ENTRIES; i++) {
		struct entry *x = &c->entries[i];

		if (x->page == page) {
			c->counts.hits++;
			x->used = ++c->clock;
			*out = x;
			return OK;
		}
		if (x->used < oldest->used)
			oldest = x;
	}
	c->counts.misses++;
	oldest->page = PADDR_NONE;
	oldest->used = 0;
	if (mem_read(c->reader, page, oldest->data, PAGE_SIZE_MIN, e))
		return e->status;
	oldest->page = page;
	oldest->used = ++c->clock;
	*out = oldest;
	return OK;
}

enum status page_cache_read(struct page_cache *c, paddr_t at, void *buf, size_t len, struct err *e)
{
	uint8_t *to = buf;

	while (len) {
		size_t in = at & (PAGE_SIZE_MIN - 1), n = (size_t)min_u64(len, PAGE_SIZE_MIN - in);
		struct entry *x = NULL;

		if (get_page(c, at - in, &x, e))
			return e->status;
		memcpy(to, x->data + in, n);
		at += n;
		to += n;
		len -= n;
	}
	return OK;
}

struct cache_counts page_cache_counts(const struct page_cache *c)
{
	return c->counts;
}
