/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Pages in rising order in, packed pages in the same order out; between them as many threads as there are.  What comes
 * out does not depend on their number.
 */
#ifndef OUTPUT_PAGE_PIPELINE_H
#define OUTPUT_PAGE_PIPELINE_H

#include "output/page_packer.h"

struct page_pipeline;

/* A block of pages: `len` bytes of data, and what they are made of. */
struct packed_block {
	pfn_t first;
	size_t n;
	const struct packed_page *pages;
	const uint8_t *data;
	size_t len;
	const char *lost_why; /* the first reason why a page is lost; "" when none is */
};

struct pipeline_user {
	/*
	 * Takes the next block.  It is called by any of the threads, by one at a time, and in the order of the pages.
	 * After a failure no more blocks come.
	 */
	enum status (*take)(void *user, const struct packed_block *b, struct err *e);
	/*
	 * Room for `room` bytes that the next block may be packed into, which is then taken without being copied; asked
	 * only when no threads are used.
	 */
	enum status (*make_room)(void *user, size_t room, uint8_t **to, struct err *e);
	void *user;
};

/*
 * Opens a pipeline with `threads` threads besides the caller's, which works too.  Threads that cannot be had are done
 * without.  `src` must outlive it.
 */
enum status page_pipeline_open(struct page_pipeline **p, const struct mem_source *src, const struct packer_options *opt,
			       unsigned threads, const struct pipeline_user *user, struct err *e) MUST_CHECK;

/* Stops the threads; blocks that nobody has taken are forgotten. */
void page_pipeline_close(struct page_pipeline *p);
DEFINE_AUTO(page_pipeline);

/* Pages that fit into a block whatever they hold, those that it can have at most, and the room that it takes. */
size_t page_pipeline_block_pages(const struct page_pipeline *p);
size_t page_pipeline_block_pages_max(const struct page_pipeline *p);
size_t page_pipeline_block_room(const struct page_pipeline *p);

/* Hands in the pages [first, end), which rise from call to call.  Fails with what `take` failed with, maybe later. */
enum status page_pipeline_add(struct page_pipeline *p, pfn_t first, pfn_t end, struct err *e) MUST_CHECK;

/* Returns when all blocks are taken. */
enum status page_pipeline_drain(struct page_pipeline *p, struct err *e) MUST_CHECK;

#endif
