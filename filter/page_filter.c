/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Deciding about every page: walks the struct pages of a window and clears the bits of what is left out. */
#include "filter/page_filter.h"

#include <inttypes.h>

#include "base/bitmap.h"
#include "base/bytes.h"
#include "filter/free_list.h"
#include "input/mem_source.h"
#include "print_info.h"

/* So much of the struct pages is asked for at once: large enough to amortize the look-up of its address. */
#define VIEW_BYTES ((size_t)256 << 10)
/* The largest free block of most machines is of order 10; taken where the kernel does not tell. */
#define MAX_ORDERS_DEFAULT 11
#define LIST_BUDGET_BASE (UINT64_C(1) << 24)
#define LIST_BUDGET_PER_PAGE 512

struct page_filter {
	const struct kernel *k;
	struct kmem *km;
	struct page_layout layout;
	struct policy policy;
	bool walks_pages, walks_free_lists;
	unsigned broken_lists;
	bool said_order;
	/* reads that all walks of free lists together may cost, and what is left of them */
	uint64_t whole_list_budget, list_budget;
	struct filter_counts counts;

	/* the window of the current scan */
	pfn_t start, end;
	uint8_t *kept;
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

enum status page_filter_open(struct page_filter **out, const struct kernel *k, unsigned level, struct err *e)
{
	AUTO(page_filter) *f = calloc(1, sizeof(*f));
	char label[64];

	if (!f)
		return err_nomem(e, sizeof(*f));
	f->k = k;
	if (kmem_open(&f->km, k, e))
		return e->status;
	if (k->mem_map.model != MEM_MODEL_NONE) {
		unsigned possible = page_layout_resolve(&f->layout, k, level);

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
	} else if (k->has_vmcoreinfo && level & ~(unsigned)DL_ZERO) {
		message(MSG_COMMON,
			"The kernel's struct pages cannot be found: %s.\n"
			"All pages stay in the dump%s.\n",
			k->mem_map.why_none, level & DL_ZERO ? ", but those filled with zero" : "");
	}
	page_filter_restart(f);
	*out = f;
	f = NULL;
	return OK;
}

void page_filter_close(struct page_filter *f)
{
	if (f->km)
		kmem_close(f->km);
	free(f);
}

void page_filter_restart(struct page_filter *f)
{
	f->counts = (struct filter_counts){ 0 };
	f->pending_end = 0;
	f->broken_lists = 0;
	f->list_budget = f->whole_list_budget;
}

const struct filter_counts *page_filter_counts(const struct page_filter *f)
{
	return &f->counts;
}

struct cache_counts page_filter_cache_counts(const struct page_filter *f)
{
	return kmem_cache_counts(f->km);
}

/* Leaves out [first, first + count), as far as it lies in the window. */
static void exclude(struct page_filter *f, pfn_t first, uint64_t count, enum reason reason)
{
	pfn_t end = first + count;

	if (count == 1) {
		f->counts.excluded[reason] += bitmap_clear(f->kept, (size_t)(first - f->start));
		return;
	}
	if (end > f->end) {
		f->pending_end = end;
		f->pending_reason = reason;
		end = f->end;
	}
	if (first < f->start)
		first = f->start;
	if (first < end)
		f->counts.excluded[reason] +=
			bitmap_clear_range(f->kept, (size_t)(first - f->start), (size_t)(end - f->start));
}

/* Is the free block of that order possible at `pfn`?  Blocks are aligned to their size. */
static bool free_block_possible(struct page_filter *f, pfn_t pfn, uint64_t order)
{
	unsigned max_orders = f->layout.max_orders ? f->layout.max_orders : MAX_ORDERS_DEFAULT;

	if (order < max_orders && !(pfn & ((UINT64_C(1) << order) - 1)))
		return true;
	f->counts.bad_orders++;
	if (f->said_order)
		return false;
	f->said_order = true;
	message(MSG_COMMON, "WARNING: Invalid free page order: pfn=%" PRIx64 ", order=%" PRIu64 ", max order=%u\n", pfn,
		order, max_orders - 1);
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
static const uint8_t *fetch_tail(struct page_filter *f, const struct mem_map_chunk *c, pfn_t pfn, uint8_t *copy)
{
	struct err e;

	if (pfn + 1 >= c->end ||
	    kmem_read(f->km, c->mem_map + (pfn + 1 - c->start) * f->layout.size, copy, f->layout.size, &e))
		return NULL;
	return copy;
}

#define PAGE_STRUCT_COPY_MAX 512

/*
 * Decides about `n` pages from `pfn` on, whose struct pages are at `structs`; returns how many page frames it is
 * done with, which may be more.
 */
static inline __attribute__((always_inline)) uint64_t decide_batch(struct page_filter *f, const struct mem_map_chunk *c,
								   pfn_t pfn, const uint8_t *structs, uint64_t n,
								   const bool long64)
{
	const struct page_layout *l = &f->layout;
	const uint32_t size = l->size;
	uint64_t i = 0;

	while (i < n) {
		const uint8_t *page = structs + i * size, *tail;
		unsigned traits = page_traits(l, page, long64), order = 0;
		uint8_t copy[PAGE_STRUCT_COPY_MAX];
		enum reason reason;
		uint64_t count;

		if (traits & T_HEAD && !(traits & (T_TAIL | T_BUDDY))) {
			traits &= ~(unsigned)T_HEAD;
			tail = i + 1 < n ? page + size : fetch_tail(f, c, pfn + i, copy);
			if (tail) {
				struct page_head_info info = page_head_info(l, page, tail);

				traits |= info.hugetlb ? T_HUGETLB : 0;
				order = info.order;
			}
		}
		reason = f->policy.reason[traits & (N_TRAIT_SETS - 1)];
		/* what cannot be a free block is judged by its other traits */
		if (reason == REASON_FREE && !free_block_possible(f, pfn + i, page_buddy_order(l, page)))
			reason = f->policy.reason[traits & (N_TRAIT_SETS - 1) & ~(unsigned)T_BUDDY];
		if (reason == REASON_KEEP) {
			i++;
			continue;
		}
		/* of other compound pages only the bad pages themselves are marked */
		if (reason == REASON_HWPOISON && !(traits & T_HUGETLB))
			order = 0;
		if (order && ((pfn + i) & ((UINT64_C(1) << order) - 1) ||
			      order + f->k->target.page_shift > f->k->arch->compound_shift_max))
			order = 0;
		count = pages_of_block(f, page, order, reason);
		exclude(f, pfn + i, count, reason);
		i += count;
	}
	return i;
}

static uint64_t decide_batch_64(struct page_filter *f, const struct mem_map_chunk *c, pfn_t pfn, const uint8_t *structs,
				uint64_t n)
{
	return decide_batch(f, c, pfn, structs, n, true);
}

static uint64_t decide_batch_32(struct page_filter *f, const struct mem_map_chunk *c, pfn_t pfn, const uint8_t *structs,
				uint64_t n)
{
	return decide_batch(f, c, pfn, structs, n, false);
}

/* Page frames whose struct pages share the unreadable page of memory with that of `pfn`: they are kept. */
static uint64_t skip_unreadable(const struct page_filter *f, vaddr_t at)
{
	uint64_t to_page_end = PAGE_SIZE_MIN - (at & (PAGE_SIZE_MIN - 1));

	return (to_page_end + f->layout.size - 1) / f->layout.size;
}

/* Decides about [pfn, end), which lie in one chunk; returns where it stopped, which may be after `end`. */
static pfn_t scan_chunk(struct page_filter *f, const struct mem_map_chunk *c, pfn_t pfn, pfn_t end)
{
	const uint32_t size = f->layout.size;
	uint8_t copy[PAGE_STRUCT_COPY_MAX];

	while (pfn < end) {
		vaddr_t at = c->mem_map + (pfn - c->start) * size;
		struct span s;
		struct err e;
		uint64_t n;

		if (kmem_view(f->km, at, (size_t)min_u64((end - pfn) * size, VIEW_BYTES), &s, &e)) {
			n = min_u64(skip_unreadable(f, at), end - pfn);
			if (!f->counts.unread_structs)
				message(MSG_DEBUG, "struct page of %#" PRIx64 ": %s\n", pfn, e.text);
			f->counts.unread_structs += n;
			pfn += n;
			continue;
		}
		n = s.len / size;
		if (!n) { /* it lies across two pages that are not neighbours in physical memory */
			if (kmem_read(f->km, at, copy, size, &e)) {
				f->counts.unread_structs++;
				pfn++;
				continue;
			}
			s.data = copy;
			n = 1;
		}
		pfn += f->layout.long64 ? decide_batch_64(f, c, pfn, s.data, n) : decide_batch_32(f, c, pfn, s.data, n);
		/* what could not be read came as zeros, which decide nothing */
		f->counts.unread_structs += kmem_view_intact(f->km) ? 0 : n;
	}
	return pfn;
}

/* Struct pages of one run of pages that the file has; returns where it stopped, which may be after `end`. */
static pfn_t scan_run(struct page_filter *f, pfn_t pfn, pfn_t end)
{
	while (pfn < end) {
		struct mem_map_chunk c = mem_map_find(&f->k->mem_map, f->km, pfn);

		if (c.kind == CHUNK_MAP) {
			pfn = scan_chunk(f, &c, pfn, min_u64(c.end, end));
		} else {
			f->counts.bad_chunks += c.kind == CHUNK_BAD;
			pfn = c.end;
		}
	}
	return pfn;
}

static void exclude_free_block(void *data, pfn_t first, uint64_t count)
{
	struct page_filter *f = data;
	pfn_t from = max_u64(first, f->start), to = min_u64(first + count, f->end);

	if (from < to)
		f->counts.excluded[REASON_FREE] +=
			bitmap_clear_range(f->kept, (size_t)(from - f->start), (size_t)(to - f->start));
}

void page_filter_scan(struct page_filter *f, pfn_t start, pfn_t end, uint8_t *kept)
{
	unsigned shift = f->k->target.page_shift;
	pfn_t next = start;
	struct pfn_run run;

	f->start = start;
	f->end = end;
	f->kept = kept;
	memset(kept, 0, (size_t)((end - start + 7) / 8));
	for (pfn_t at = start; mem_source_next_run(f->k->src, at, shift, &run) && run.start < end; at = run.end) {
		pfn_t from = max_u64(run.start, start), to = min_u64(run.end, end);

		f->counts.present += to - from;
		if (run.kind == RUN_EMPTY)
			f->counts.empty += to - from;
		else
			bitmap_set_range(kept, (size_t)(from - start), (size_t)(to - start));
	}
	if (f->pending_end > start) { /* a block that began in the window before */
		pfn_t to = f->pending_end;

		f->pending_end = 0;
		exclude(f, start, to - start, f->pending_reason);
		next = to;
	}
	for (pfn_t at = next; f->walks_pages && mem_source_next_run(f->k->src, at, shift, &run) && run.start < end;
	     at = run.end) {
		/* the struct page of a page whose beginning is unknown decides nothing */
		if (run.kind == RUN_DATA || run.kind == RUN_LOST)
			next = scan_run(f, max_u64(max_u64(run.start, start), next), min_u64(run.end, end));
	}
	if (f->walks_free_lists)
		free_list_walk(f->km, exclude_free_block, f, &f->list_budget, &f->broken_lists);
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
