/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The decisions of a page plan at any place: its windows in any order, as often as they are asked for. */
#ifndef COMMAND_PAGE_SEEK_H
#define COMMAND_PAGE_SEEK_H

#include "command/page_plan.h"

struct page_seek {
	struct page_plan *plan;
	uint8_t *bad;		      /* beside plan->bits: pages left out that must not be read */
	struct bitmap_store *bad_store; /* only with --work-dir */
	/* where windows are decided again: what the filter knew before each of them */
	struct page_filter_state *states;
	struct plan_window loaded;
};

/* `plan` must be open, and outlive it.  Valid, and page_seek_close() must be called, on failure too. */
enum status page_seek_open(struct page_seek *s, struct page_plan *plan, struct err *e) MUST_CHECK;
void page_seek_close(struct page_seek *s);

/* In place of page_plan_decide(): once for each window, in rising order, before the first look. */
enum status page_seek_decide(struct page_seek *s, const struct plan_window *w, struct err *e) MUST_CHECK;

/*
 * Loads the first window that ends after `pfn` and has memory: s->loaded, plan->bits and s->bad are of it.  Without such
 * a window s->loaded begins and ends at max_mapnr.
 */
enum status page_seek_to(struct page_seek *s, pfn_t pfn, struct err *e) MUST_CHECK;

#endif
