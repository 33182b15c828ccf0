/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Deciding about every page, one window of page frames at a time. */
#ifndef FILTER_PAGE_FILTER_H
#define FILTER_PAGE_FILTER_H

#include "base/cleanup.h"
#include "filter/policy.h"
#include "kernel/kernel.h"
#include "kernel/kmem.h"

struct page_filter;

struct filter_options {
	unsigned level;	    /* bits that the kernel's facts cannot serve are said and dropped */
	unsigned threads;   /* that work beside the caller's */
	pfn_t chunk_pages;  /* what a thread takes at once, a multiple of 8; 0: the best size.  Decisions do not depend on it */
};

/* `k` must outlive the filter. */
enum status page_filter_open(struct page_filter **f, const struct kernel *k, const struct filter_options *opt,
			     struct err *e) MUST_CHECK;
void page_filter_close(struct page_filter *f);
DEFINE_AUTO(page_filter);

/*
 * Decides about page frames [start, end): sets the bits of those to dump in `kept` (bit 0 is `start`, the rest of
 * the last byte is 0).  `start` is a multiple of 8.  Windows rise from call to call; page_filter_restart() begins anew.
 * Fails only when memory is gone.
 */
enum status page_filter_scan(struct page_filter *f, pfn_t start, pfn_t end, uint8_t *kept, struct err *e) MUST_CHECK;
void page_filter_restart(struct page_filter *f);

/*
 * From now on a scan also fills `bad`, a bitmap of the same pages: of those left out, the ones that must not be read
 * (broken memory, memory that the machine does not have any more) have their bits set there.
 */
void page_filter_note_bad(struct page_filter *f, uint8_t *bad);

/* What a scan needs to know of the windows before its own: so a window can be scanned again, with the same result. */
struct page_filter_state {
	pfn_t pending_end;
	enum reason pending_reason;
	uint64_t list_budget;
};
struct page_filter_state page_filter_state(const struct page_filter *f);
void page_filter_resume(struct page_filter *f, const struct page_filter_state *s);

struct filter_counts {
	uint64_t excluded[N_REASONS]; /* pages, each counted once */
	uint64_t present;	      /* pages that the machine had */
	uint64_t empty;		      /* of them: those that the file has nothing of */
	uint64_t unread_structs;      /* pages kept because their struct page cannot be read */
	uint64_t bad_chunks;	      /* ranges of memory kept because their struct pages cannot be found */
	uint64_t bad_orders;	      /* pages kept because their block is impossibly large */
};
/* What has been decided since the last restart. */
const struct filter_counts *page_filter_counts(const struct page_filter *f);

/* One summary line for each kind of doubt that kept pages in the dump. */
void page_filter_say_doubts(const struct page_filter *f);

struct cache_counts page_filter_cache_counts(const struct page_filter *f);

#endif
