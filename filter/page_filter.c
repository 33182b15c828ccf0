/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Deciding about every page: walks the struct pages of a window and clears the bits of what is left out. */
#include "filter/page_filter.h"

#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>

#include "base/bitmap.h"
#include "base/bytes.h"
#include "base/workers.h"
#include "filter/free_list.h"
#include "input/mem_source.h"
#include "print_info.h"

/*
 * So many struct pages are asked for at once.  Behind a large block only the next head is sure to be of use, and where
 * that is another large block reading it alone costs a fifth.  Large blocks begin at multiples of their size: other views
 * end a few heads behind such a place, so that what begins there is known without another read, and if it is a large
 * block nothing is read in vain.
 */
#define VIEW_MAX ((pfn_t)4096)
#define VIEW_HEADS ((pfn_t)16)
#define VIEW_ALIGN ((pfn_t)1024)
#define LEAP_BYTES ((uint64_t)16 << 10)
/* The largest free block of most machines is of order 10; taken where the kernel does not tell. */
#define MAX_ORDERS_DEFAULT 11
#define LIST_BUDGET_BASE (UINT64_C(1) << 24)
#define LIST_BUDGET_PER_PAGE 512

/*
 * Page frames are decided in chunks that threads share among them.  No block of pages but the largest huge pages
 * reaches from one chunk into the next: where one does, the chunks that it reaches into are decided once more.
 */
#define CHUNK_PAGES ((pfn_t)32768)

/* What became of one chunk. */
struct chunk_result {
	struct filter_counts counts;
	pfn_t pending_end; /* end of a block that goes on behind the chunk; 0: there is none */
	enum reason pending_reason;
};

/* One thread's means, and the part of the window that it decides about now. */
struct lane {
	const struct page_filter *f;
	struct kmem *km;
	pfn_t start, end;
	uint8_t *kept; /* bit 0 is `start` */
	struct chunk_result result; /* of this part, kept apart from what other threads write */
	pfn_t view_pages; /* to ask for the struct pages of next */
	/* what it cannot say while others are talking: the first of each kind, and its page frame */
	pfn_t bad_order_at, unread_at;
	char bad_order[128], unread[256];
};

struct page_filter {
	const struct kernel *k;
	struct page_layout layout;
	struct policy policy;
	bool walks_pages, walks_free_lists;
	unsigned threads;
	pfn_t chunk_pages;
	unsigned broken_lists;
	bool said_order, said_unread;
	/* reads that all walks of free lists together may cost, and what is left of them */
	uint64_t whole_list_budget, list_budget;
	struct filter_counts counts;
	struct lane lane; /* of the caller's thread */

	/* the window of the current scan */
	pfn_t start, end;
	uint8_t *kept;
	struct chunk_result *results;
	size_t n_results, room; /* chunks of the window, and room for */
	atomic_size_t next_chunk;
	uint8_t *bad; /* NULL: nobody asks */
	/* pages of a block that goes on after the window */
	pfn_t pending_end;
	enum reason pending_reason;
};

/* Lists are walked once for each window; sound ones are far shorter than this, whatever the windows. */
static uint64_t free_list_budget(const struct kernel *k)
{
	uint64_t pages = 0;
	struct pfn_run run;

	for (pfn_t at = 0; mem_source_next_run(k->src, at, k->target.page_shift, &run); at = run.end)
		pages += run.kind == RUN_DATA ? run.end - run.start : 0;
	return LIST_BUDGET_BASE + pages * LIST_BUDGET_PER_PAGE;
}

enum status page_filter_open(struct page_filter **out, const struct kernel *k, const struct filter_options *opt,
			     struct err *e)
{
	AUTO(page_filter) *f = calloc(1, sizeof(*f));
	char label[64];

	if (!f)
		return err_nomem(e, sizeof(*f));
	f->k = k;
	f->threads = opt->threads;
	f->chunk_pages = opt->chunk_pages ? opt->chunk_pages : CHUNK_PAGES;
	f->lane.f = f;
	f->lane.view_pages = VIEW_ALIGN;
	if (kmem_open(&f->lane.km, k, e))
		return e->status;
	if (k->mem_map.model != MEM_MODEL_NONE) {
		unsigned possible = page_layout_resolve(&f->layout, k, opt->level);

		if (possible & DL_FREE && !f->layout.free_by_page) {
			enum fact_id missing = free_list_missing(k);

			f->walks_free_lists = missing == N_FACTS;
			f->whole_list_budget = free_list_budget(k);
			if (!f->walks_free_lists)
				message(MSG_COMMON, "%s is unknown: free pages stay in the dump.\n",
					fact_label(&k->facts, missing, label, sizeof(label)));
		}
		policy_fold(&f->policy, &f->layout, possible);
		f->walks_pages = !f->policy.drops_nothing;
	} else if (k->has_vmcoreinfo && opt->level & ~(unsigned)DL_ZERO) {
		message(MSG_COMMON,
			"The kernel's struct pages cannot be found: %s.\n"
			"All pages stay in the dump%s.\n",
			k->mem_map.why_none, opt->level & DL_ZERO ? ", but those filled with zero" : "");
	}
	page_filter_restart(f);
	*out = f;
	f = NULL;
	return OK;
}

void page_filter_close(struct page_filter *f)
{
	if (f->lane.km)
		kmem_close(f->lane.km);
	free(f->results);
	free(f);
}

void page_filter_restart(struct page_filter *f)
{
	f->counts = (struct filter_counts){ 0 };
	f->pending_end = 0;
	f->broken_lists = 0;
	f->list_budget = f->whole_list_budget;
}

void page_filter_note_bad(struct page_filter *f, uint8_t *bad)
{
	f->bad = bad;
}

struct page_filter_state page_filter_state(const struct page_filter *f)
{
	return (struct page_filter_state){ f->pending_end, f->pending_reason, f->list_budget };
}

void page_filter_resume(struct page_filter *f, const struct page_filter_state *s)
{
	f->pending_end = s->pending_end;
	f->pending_reason = s->pending_reason;
	f->list_budget = s->list_budget;
}

const struct filter_counts *page_filter_counts(const struct page_filter *f)
{
	return &f->counts;
}

struct cache_counts page_filter_cache_counts(const struct page_filter *f)
{
	return kmem_cache_counts(f->lane.km);
}

/* Pages of the chunk whose memory may be broken, or gone. */
static void note_bad(const struct lane *lane, pfn_t first, pfn_t end, enum reason reason)
{
	const struct page_filter *f = lane->f;

	first = max_u64(first, lane->start);
	end = min_u64(end, lane->end);
	if (first < end && (reason == REASON_HWPOISON || reason == REASON_OFFLINE || reason == REASON_UNACCEPTED))
		bitmap_set_range(f->bad, (size_t)(first - f->start), (size_t)(end - f->start));
}

/* Leaves out [first, first + count), as far as it lies in the chunk. */
static void exclude(struct lane *lane, pfn_t first, uint64_t count, enum reason reason)
{
	pfn_t end = first + count;
	uint64_t *excluded = &lane->result.counts.excluded[reason];

	if (lane->f->bad)
		note_bad(lane, first, end, reason);
	if (count == 1) {
		*excluded += bitmap_clear(lane->kept, (size_t)(first - lane->start));
		return;
	}
	if (end > lane->end) {
		lane->result.pending_end = end;
		lane->result.pending_reason = reason;
		end = lane->end;
	}
	if (first < lane->start)
		first = lane->start;
	if (first < end)
		*excluded += bitmap_clear_range(lane->kept, (size_t)(first - lane->start), (size_t)(end - lane->start));
}

/* Is the free block of that order possible at `pfn`?  Blocks are aligned to their size. */
static bool free_block_possible(struct lane *lane, pfn_t pfn, uint64_t order)
{
	const struct page_layout *l = &lane->f->layout;
	unsigned max_orders = l->max_orders ? l->max_orders : MAX_ORDERS_DEFAULT;

	if (order < max_orders && !(pfn & ((UINT64_C(1) << order) - 1)))
		return true;
	lane->result.counts.bad_orders++;
	if (!lane->bad_order[0]) {
		lane->bad_order_at = pfn;
		snprintf(lane->bad_order, sizeof(lane->bad_order), "pfn=%" PRIx64 ", order=%" PRIu64 ", max order=%u",
			 pfn, order, max_orders - 1);
	}
	return false;
}

/* How many pages go along with `pfn`, which is left out for `reason`. */
static uint64_t pages_of_block(const struct page_filter *f, const uint8_t *page, unsigned order, enum reason reason)
{
	const struct page_layout *l = &f->layout;

	switch (reason) {
	case REASON_FREE:
		return UINT64_C(1) << page_buddy_order(l, page);
	case REASON_UNACCEPTED:
		/* the list of unaccepted memory holds blocks of the largest order only */
		return l->max_orders ? UINT64_C(1) << (l->max_orders - 1) : 1;
	default:
		return UINT64_C(1) << order;
	}
}

/* The struct page after `pfn`, which is not in the batch any more: copied, NULL when there is none. */
static const uint8_t *fetch_tail(const struct lane *lane, const struct mem_map_chunk *c, pfn_t pfn, uint8_t *copy)
{
	const uint32_t size = lane->f->layout.size;
	struct err e;

	if (pfn + 1 >= c->end || kmem_read(lane->km, c->mem_map + (pfn + 1 - c->start) * size, copy, size, &e))
		return NULL;
	return copy;
}

#define PAGE_STRUCT_COPY_MAX 512

/*
 * Decides about the page `pfn`, which has T_STARTS_BLOCK; returns how many go along with it for *reason, 1 if it stays.
 * Of `n` struct pages its own is the first.
 */
static uint64_t decide_block(struct lane *lane, const struct mem_map_chunk *c, pfn_t pfn, const uint8_t *page, uint64_t n,
			     unsigned traits, enum reason *reason)
{
	const struct page_filter *f = lane->f;
	const struct page_layout *l = &f->layout;
	uint8_t copy[PAGE_STRUCT_COPY_MAX];
	unsigned order = 0;

	if (traits & T_HEAD && !(traits & (T_TAIL | T_BUDDY))) {
		const uint8_t *tail = n > 1 ? page + l->size : fetch_tail(lane, c, pfn, copy);

		if (tail) {
			struct page_head_info info = page_head_info(l, page, tail);

			traits |= info.hugetlb ? T_HUGETLB : 0;
			order = info.order;
		}
	}
	traits &= N_TRAIT_SETS - 1;
	*reason = f->policy.reason[traits];
	/* what cannot be a free block is judged by its other traits */
	if (*reason == REASON_FREE && !free_block_possible(lane, pfn, page_buddy_order(l, page)))
		*reason = f->policy.reason[traits & ~(unsigned)T_BUDDY];
	if (*reason == REASON_KEEP)
		return 1;
	/* of other compound pages only the bad pages themselves are marked */
	if (*reason == REASON_HWPOISON && !(traits & T_HUGETLB))
		order = 0;
	if (order && (pfn & ((UINT64_C(1) << order) - 1) ||
		      order + f->k->target.page_shift > f->k->arch->compound_shift_max))
		order = 0;
	return pages_of_block(f, page, order, *reason);
}

/*
 * Decides about `n` pages from `pfn` on, whose struct pages are at `structs`; returns how many page frames it is
 * done with, which may be more.
 */
static inline __attribute__((always_inline)) uint64_t decide_batch(struct lane *lane, const struct mem_map_chunk *c,
								   pfn_t pfn, const uint8_t *structs, uint64_t n,
								   const bool long64)
{
	const struct page_layout *l = &lane->f->layout;
	uint64_t i = 0, count = 0;
	bool block = false;

	for (; i < n; i += count) {
		const uint8_t *page = structs + i * l->size;
		unsigned traits = page_traits(l, page, long64);
		enum reason reason;

		block = traits & T_STARTS_BLOCK;
		if (block) {
			count = decide_block(lane, c, pfn + i, page, n - i, traits, &reason);
		} else {
			count = page_count_alike(l, page, n - i);
			reason = lane->f->policy.reason[traits];
		}
		if (reason != REASON_KEEP)
			exclude(lane, pfn + i, count, reason);
	}
	if (block && count * l->size >= LEAP_BYTES)
		lane->view_pages = VIEW_HEADS;
	else
		lane->view_pages = min_u64(max_u64(2 * lane->view_pages, VIEW_ALIGN), VIEW_MAX);
	return i;
}

static uint64_t decide_batch_64(struct lane *lane, const struct mem_map_chunk *c, pfn_t pfn, const uint8_t *structs,
				uint64_t n)
{
	return decide_batch(lane, c, pfn, structs, n, true);
}

static uint64_t decide_batch_32(struct lane *lane, const struct mem_map_chunk *c, pfn_t pfn, const uint8_t *structs,
				uint64_t n)
{
	return decide_batch(lane, c, pfn, structs, n, false);
}

/* Page frames whose struct pages share the unreadable page of memory with that of `pfn`: they are kept. */
static uint64_t skip_unreadable(const struct page_filter *f, vaddr_t at)
{
	uint64_t to_page_end = PAGE_SIZE_MIN - (at & (PAGE_SIZE_MIN - 1));

	return (to_page_end + f->layout.size - 1) / f->layout.size;
}

/* Where the view that begins with the struct page of `pfn` is to end. */
static pfn_t view_end(const struct lane *lane, pfn_t pfn, pfn_t end)
{
	pfn_t to = pfn + lane->view_pages;

	if (lane->view_pages >= VIEW_ALIGN)
		to = to / VIEW_ALIGN * VIEW_ALIGN + VIEW_HEADS;
	return min_u64(to, end);
}

/* Decides about [pfn, end), which lie in one piece of the mem_map; returns where it stopped, which may be after `end`. */
static pfn_t scan_map(struct lane *lane, const struct mem_map_chunk *c, pfn_t pfn, pfn_t end)
{
	const struct page_filter *f = lane->f;
	struct filter_counts *counts = &lane->result.counts;
	const uint32_t size = f->layout.size;
	uint8_t copy[PAGE_STRUCT_COPY_MAX];

	while (pfn < end) {
		vaddr_t at = c->mem_map + (pfn - c->start) * size;
		struct span s;
		struct err e;
		uint64_t n;

		if (kmem_view(lane->km, at, (size_t)(view_end(lane, pfn, end) - pfn) * size, &s, &e)) {
			n = min_u64(skip_unreadable(f, at), end - pfn);
			if (!lane->unread[0]) {
				lane->unread_at = pfn;
				snprintf(lane->unread, sizeof(lane->unread), "struct page of %#" PRIx64 ": %.200s", pfn,
					 e.text);
			}
			counts->unread_structs += n;
			pfn += n;
			continue;
		}
		n = s.len / size;
		if (!n) { /* it lies across two pages that are not neighbours in physical memory */
			if (kmem_read(lane->km, at, copy, size, &e)) {
				counts->unread_structs++;
				pfn++;
				continue;
			}
			s.data = copy;
			n = 1;
		}
		pfn += f->layout.long64 ? decide_batch_64(lane, c, pfn, s.data, n) : decide_batch_32(lane, c, pfn, s.data, n);
		/* what could not be read came as zeros, which decide nothing */
		counts->unread_structs += kmem_view_intact(lane->km) ? 0 : n;
	}
	return pfn;
}

/* Struct pages of one run of pages that the file has; returns where it stopped, which may be after `end`. */
static pfn_t scan_run(struct lane *lane, pfn_t pfn, pfn_t end)
{
	while (pfn < end) {
		struct mem_map_chunk c = mem_map_find(&lane->f->k->mem_map, lane->km, pfn);

		if (c.kind == CHUNK_MAP) {
			pfn = scan_map(lane, &c, pfn, min_u64(c.end, end));
		} else {
			lane->result.counts.bad_chunks += c.kind == CHUNK_BAD;
			pfn = c.end;
		}
	}
	return pfn;
}

/* Decides about a chunk; `next` is the first page frame whose struct page is looked at. */
static void decide_chunk(struct lane *lane, struct chunk_result *results, size_t number, pfn_t next)
{
	const struct page_filter *f = lane->f;
	struct filter_counts *counts = &lane->result.counts;
	unsigned shift = f->k->target.page_shift;
	struct pfn_run run;

	lane->start = f->start + number * f->chunk_pages;
	lane->end = min_u64(lane->start + f->chunk_pages, f->end);
	lane->kept = f->kept + (lane->start - f->start) / 8;
	lane->result = (struct chunk_result){ .pending_end = 0 };
	mem_source_fill(f->k->src, PAGES_PRESENT, lane->start, lane->end, shift, lane->kept);
	counts->present = bitmap_count(lane->kept, 0, (size_t)(lane->end - lane->start));
	mem_source_fill(f->k->src, PAGES_HELD, lane->start, lane->end, shift, lane->kept);
	counts->empty = counts->present - bitmap_count(lane->kept, 0, (size_t)(lane->end - lane->start));
	if (f->bad)
		memset(f->bad + (lane->start - f->start) / 8, 0, (size_t)((lane->end - lane->start + 7) / 8));
	if (next > lane->start)
		exclude(lane, lane->start, next - lane->start, f->pending_reason);
	next = max_u64(next, lane->start);
	for (pfn_t at = next; f->walks_pages && mem_source_next_present(f->k->src, at, shift, &run) && run.start < lane->end;
	     at = run.end) {
		/*
		 * The struct page of a page whose beginning is unknown decides nothing; that of one which the file does
		 * not hold may be the head of a block of pages that it holds.
		 */
		if (run.kind != RUN_LATE)
			next = scan_run(lane, max_u64(run.start, next), min_u64(run.end, lane->end));
	}
	results[number] = lane->result;
}

static void decide_chunks(struct lane *lane, struct page_filter *f)
{
	size_t number;

	while ((number = atomic_fetch_add(&f->next_chunk, 1)) < f->n_results)
		decide_chunk(lane, f->results, number, 0);
}

/* More threads, for as long as the window is decided. */
struct lanes {
	struct page_filter *f;
	struct lane *list;
	struct workers *workers;
};

/* Each starts the next one, as long as there is work: with fewer processors than threads most are never needed. */
static void run_lane(void *data, unsigned i)
{
	struct lanes *lanes = data;
	struct lane *lane = &lanes->list[i];
	struct err e;

	if (atomic_load(&lanes->f->next_chunk) < lanes->f->n_results)
		workers_start_next(lanes->workers);
	lane->f = lanes->f;
	lane->view_pages = VIEW_ALIGN;
	if (kmem_open(&lane->km, lane->f->k, &e))
		return; /* the others do without it */
	decide_chunks(lane, lanes->f);
	kmem_close(lane->km);
}

/* Of what two lanes have to say, `lane` keeps what comes first in memory. */
static void keep_first(struct lane *lane, const struct lane *other)
{
	if (other->bad_order[0] && (!lane->bad_order[0] || other->bad_order_at < lane->bad_order_at)) {
		memcpy(lane->bad_order, other->bad_order, sizeof(lane->bad_order));
		lane->bad_order_at = other->bad_order_at;
	}
	if (other->unread[0] && (!lane->unread[0] || other->unread_at < lane->unread_at)) {
		memcpy(lane->unread, other->unread, sizeof(lane->unread));
		lane->unread_at = other->unread_at;
	}
}

static void say_once(struct page_filter *f, const struct lane *lane)
{
	if (lane->unread[0] && !f->said_unread)
		message(MSG_DEBUG, "%s\n", lane->unread);
	if (lane->bad_order[0] && !f->said_order)
		message(MSG_COMMON, "WARNING: Invalid free page order: %s\n", lane->bad_order);
	f->said_unread |= lane->unread[0];
	f->said_order |= lane->bad_order[0];
}

/* Decides about all chunks, with what help can be had. */
static void decide_together(struct page_filter *f)
{
	unsigned n = f->walks_pages ? (unsigned)min_u64(f->threads, f->n_results - 1) : 0;
	struct lanes lanes = { f, calloc(n ? n : 1, sizeof(*lanes.list)), NULL };

	atomic_store(&f->next_chunk, 0);
	if (n && lanes.list)
		lanes.workers = workers_open(n, run_lane, &lanes);
	if (lanes.workers)
		workers_start_next(lanes.workers);
	decide_chunks(&f->lane, f);
	if (lanes.workers) {
		workers_close(lanes.workers);
		for (unsigned i = 0; i < n; i++)
			keep_first(&f->lane, &lanes.list[i]);
	}
	say_once(f, &f->lane);
	free(lanes.list);
}

static void add_counts(struct filter_counts *to, const struct filter_counts *c)
{
	for (size_t i = 0; i < N_REASONS; i++)
		to->excluded[i] += c->excluded[i];
	to->present += c->present;
	to->empty += c->empty;
	to->unread_structs += c->unread_structs;
	to->bad_chunks += c->bad_chunks;
	to->bad_orders += c->bad_orders;
}

/* Blocks that reach from one chunk into others, and sums. */
static void join_chunks(struct page_filter *f)
{
	for (size_t i = 0; i < f->n_results; i++) {
		pfn_t start = f->start + i * f->chunk_pages;
		struct chunk_result *r = &f->results[i];

		if (f->pending_end > start) {
			decide_chunk(&f->lane, f->results, i, f->pending_end);
			say_once(f, &f->lane);
		}
		/* decide_chunk() passes on what is left of a block that ends later still */
		f->pending_end = r->pending_end;
		f->pending_reason = r->pending_reason;
		add_counts(&f->counts, &r->counts);
	}
}

/* Runs of pages left out that are shorter may stay in the dump. */
#define BAD_RUN_MAX 256

/*
 * A page that is left out along with the head of its block may be broken all by itself: looked up where somebody may
 * still want to read it.
 */
static void note_bad_tails(struct page_filter *f, pfn_t pfn, pfn_t end)
{
	const struct page_layout *l = &f->layout;

	while (pfn < end) {
		struct mem_map_chunk c = mem_map_find(&f->k->mem_map, f->lane.km, pfn);
		vaddr_t at = c.mem_map + (pfn - c.start) * l->size;
		uint8_t copy[PAGE_STRUCT_COPY_MAX];
		pfn_t to = min_u64(end, c.end);
		struct span s;
		struct err e;

		if (c.kind != CHUNK_MAP) {
			pfn = to;
			continue;
		}
		if (kmem_view(f->lane.km, at, (size_t)(to - pfn) * l->size, &s, &e) || s.len < l->size) {
			s = (struct span){ copy, l->size };
			if (kmem_read(f->lane.km, at, copy, l->size, &e))
				memset(copy, 0, l->size);
		}
		for (size_t i = 0; i < s.len / l->size; i++, pfn++) {
			const uint8_t *page = s.data + i * l->size;
			unsigned traits = l->long64 ? page_traits(l, page, true) : page_traits(l, page, false);

			if (traits & (T_POISON | T_OFFLINE))
				bitmap_set_range(f->bad, (size_t)(pfn - f->start), (size_t)(pfn - f->start) + 1);
		}
	}
}

static void note_bad_in_short_runs(struct page_filter *f)
{
	size_t n = (size_t)(f->end - f->start), from = 0, first, end;

	for (;; from = end) {
		bool more = bitmap_next_run(f->kept, from, n, &first, &end);

		if (!more)
			first = n;
		if (first - from < BAD_RUN_MAX)
			note_bad_tails(f, f->start + from, f->start + first);
		if (!more)
			return;
	}
}

static void exclude_free_block(void *data, pfn_t first, uint64_t count)
{
	struct page_filter *f = data;
	pfn_t from = max_u64(first, f->start), to = min_u64(first + count, f->end);

	if (from < to)
		f->counts.excluded[REASON_FREE] +=
			bitmap_clear_range(f->kept, (size_t)(from - f->start), (size_t)(to - f->start));
}

enum status page_filter_scan(struct page_filter *f, pfn_t start, pfn_t end, uint8_t *kept, struct err *e)
{
	size_t chunks = (size_t)((end - start + f->chunk_pages - 1) / f->chunk_pages);

	if (chunks > f->room) {
		free(f->results);
		f->room = 0;
		f->results = malloc(chunks * sizeof(*f->results));
		if (!f->results)
			return err_nomem(e, chunks * sizeof(*f->results));
		f->room = chunks;
	}
	f->n_results = chunks;
	f->start = start;
	f->end = end;
	f->kept = kept;
	decide_together(f);
	join_chunks(f);
	if (f->walks_free_lists)
		free_list_walk(f->lane.km, exclude_free_block, f, &f->list_budget, &f->broken_lists);
	if (f->bad && f->walks_pages)
		note_bad_in_short_runs(f);
	return OK;
}

void page_filter_say_doubts(const struct page_filter *f)
{
	const struct filter_counts *c = &f->counts;

	if (c->bad_chunks)
		message(MSG_COMMON, "%" PRIu64 " ranges of memory have no usable struct pages: kept.\n", c->bad_chunks);
	if (c->unread_structs)
		message(MSG_COMMON, "The struct pages of %" PRIu64 " pages cannot be read: kept.\n", c->unread_structs);
	if (c->bad_orders)
		message(MSG_COMMON, "%" PRIu64 " free blocks have impossible orders: kept.\n", c->bad_orders);
	if (f->broken_lists)
		message(MSG_COMMON, "%u lists of free pages are broken: the pages behind the break are kept.\n",
			f->broken_lists);
}
