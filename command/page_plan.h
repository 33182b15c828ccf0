/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which pages go into the dump: input, kernel and filter, and their decisions one window of page frames at a time. */
#ifndef COMMAND_PAGE_PLAN_H
#define COMMAND_PAGE_PLAN_H

#include "base/err.h"
#include "command/options.h"
#include "filter/page_filter.h"
#include "input/mem_source.h"
#include "kernel/kernel.h"
#include "output/bitmap_store.h"

struct page_plan {
	const struct options *opt;
	struct mem_source *src;
	struct kernel *kernel;
	struct page_filter *filter;
	struct bitmap_store *store; /* only with --work-dir */
	pfn_t window;		    /* page frames, a multiple of 8 */
	uint8_t *bits;		    /* of one window */
	uint64_t kept;		    /* pages to dump */
	unsigned level;		    /* what is left out, by an earlier run on the input too */
	bool drops_vmemmap;	    /* -e is asked for and possible */
	uint64_t vmemmap_dropped;   /* pages */
	/* Reads bitmap 2 from the output; NULL: it cannot be read there. */
	enum status (*read_back)(void *data, pfn_t first, uint8_t *bits, size_t bytes, struct err *e);
	void *read_back_data;
};

/*
 * Opens the input of the command line and what it takes to decide about its pages at `level`.  The plan is valid,
 * and page_plan_close() must be called, on failure too.
 */
enum status page_plan_open(struct page_plan *p, const struct options *opt, unsigned level, struct err *e) MUST_CHECK;
void page_plan_close(struct page_plan *p);

/* Page frames [start, end), and the bytes of a bitmap of them. */
struct plan_window {
	pfn_t start, end;
	size_t bytes;
};

/* The next window at or after `from` in which the machine had memory. */
bool page_plan_next(const struct page_plan *p, pfn_t from, struct plan_window *w);

/* Fills p->bits: pages that the machine had. */
void page_plan_present(struct page_plan *p, const struct plan_window *w);

/* Fills p->bits: pages to dump; adds them to p->kept.  Windows rise from call to call, each comes once. */
enum status page_plan_decide(struct page_plan *p, const struct plan_window *w, struct err *e) MUST_CHECK;

/* After all windows were decided, where p->drops_vmemmap: changes the decisions about pages of struct pages. */
enum status page_plan_drop_vmemmap(struct page_plan *p, struct err *e) MUST_CHECK;

/*
 * Fills p->bits again after all windows were decided: from memory, --work-dir or the output, or by deciding anew.
 * Windows rise from call to call; page_plan_rewind() begins anew.
 */
enum status page_plan_load(struct page_plan *p, const struct plan_window *w, struct err *e) MUST_CHECK;
void page_plan_rewind(struct page_plan *p);

/* The bitmap does not fit into memory and cannot be read back: page_plan_load() decides anew, in rising order only. */
bool page_plan_decides_again(const struct page_plan *p);

/*
 * Another user of a plan that is decided, in a thread of its own: only for page_plan_next() and page_plan_load(), with
 * a window of its own where there are several.  Not for plans that decide again.
 */
enum status page_plan_share(struct page_plan *mine, const struct page_plan *p, struct err *e) MUST_CHECK;
void page_plan_unshare(struct page_plan *mine, const struct page_plan *p);

#endif
