/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Leaving out struct pages that nobody needs: pages of the vmemmap that only describe pages left out. */
#include "filter/unused_vmemmap.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bitmap.h"
#include "base/bytes.h"
#include "base/cleanup.h"
#include "format/elf_core.h"
#include "input/mem_source.h"
#include "kernel/kmem.h"
#include "print_info.h"

/*
 * A page of struct pages describes 64 pages, which hold the struct pages of 4096, and so on: machines need a handful
 * of rounds.  The limit is for page tables that were made to need more; the rest then stays.
 */
#define ROUNDS_MAX 16
/*
 * Translations, and KiB of bits loaded, that all of it may cost: many times what the page tables of any kernel need.
 * Tables and segments can be made so that it would take forever; then what is left to look at stays.
 */
#define BUDGET_BASE (UINT64_C(1) << 24)

/* One way over the mapped pages of the vmemmap. */
struct scan {
	const struct kernel *k;
	struct kmem *km;
	vaddr_t base; /* struct page of page frame 0 */
	uint64_t size;
	const struct kept_bits *kept;
	pfn_t window, n_windows;
	uint64_t budget;
	struct pfn_run run; /* that the last page asked about was in */
	/*
	 * By window of struct pages: in which windows their page frames are.  A bit stands for one or, on machines with
	 * more than 64 windows, for several that follow one another.
	 */
	uint64_t *reach;

	/* the window of page frames that is being decided: frames that may go, frames that must stay */
	pfn_t frames_start, frames_end;
	uint8_t *may_go, *must_stay;
	/* the window of the pages that are described, and their bits */
	pfn_t start, end;
	const uint8_t *bits;
};

/* Told about each mapped page of the vmemmap: the pages that it describes, [first, end), and its page frame. */
typedef void vmemmap_page_fn(struct scan *s, pfn_t first, pfn_t end, pfn_t frame);

/* The virtual array that all sections have their struct pages in; false when they are apart. */
static bool find_base(const struct kernel *k, struct kmem *km, vaddr_t *base)
{
	struct pfn_run run;
	bool found = false;

	for (pfn_t at = 0; mem_source_next_run(k->src, at, k->target.page_shift, &run) && run.start < k->max_mapnr;) {
		struct mem_map_chunk c = mem_map_find(&k->mem_map, km, run.start);
		vaddr_t here = c.mem_map - c.start * k->mem_map.page_struct_size;

		if (c.kind == CHUNK_MAP && found && here != *base)
			return false;
		if (c.kind == CHUNK_MAP)
			*base = here;
		found |= c.kind == CHUNK_MAP;
		at = c.end;
	}
	return found && *base % PAGE_SIZE_MIN == 0;
}

bool unused_vmemmap_possible(const struct kernel *k, char *why, size_t len)
{
	AUTO(kmem) *km = NULL;
	vaddr_t base;
	struct err e;

	if (k->arch->elf_machine != ELF_EM_X86_64)
		snprintf(why, len, "only for x86_64, this is %s", k->arch->name);
	else if (k->mem_map.model != MEM_MODEL_SPARSE && k->mem_map.model != MEM_MODEL_SPARSE_EXTREME)
		snprintf(why, len, "the kernel has no vmemmap");
	else if (kmem_open(&km, k, &e))
		snprintf(why, len, "%s", e.text);
	else if (!find_base(k, km, &base))
		snprintf(why, len, "the kernel has no vmemmap");
	else
		return true;
	return false;
}

/* All mapped vmemmap pages that describe any page of [from, to), which are whole sections or whole windows. */
static void walk_range(struct scan *s, pfn_t from, pfn_t to, vmemmap_page_fn *fn)
{
	vaddr_t v = (s->base + from * s->size) & ~(uint64_t)(PAGE_SIZE_MIN - 1);
	vaddr_t end = s->base + to * s->size;

	for (; v < end && s->budget; s->budget--) {
		paddr_t at;
		uint64_t left;
		struct err e;

		if (kmem_translate(s->km, v, &at, &left, &e)) {
			v += PAGE_SIZE_MIN;
			continue;
		}
		for (uint64_t pages = max_u64(left / PAGE_SIZE_MIN, 1); pages && v < end; pages--) {
			pfn_t first = (v - s->base) / s->size;
			pfn_t behind = (v + PAGE_SIZE_MIN - s->base + s->size - 1) / s->size;

			fn(s, first, behind, at >> s->k->target.page_shift);
			v += PAGE_SIZE_MIN;
			at += PAGE_SIZE_MIN;
		}
	}
}

/*
 * The sections of a window that have memory, each as a whole: what describes a hole in them may share its page frame
 * with what does not.
 */
static void walk_window(struct scan *s, pfn_t start, pfn_t end, vmemmap_page_fn *fn)
{
	struct pfn_run run;

	for (pfn_t at = start; mem_source_next_run(s->k->src, at, s->k->target.page_shift, &run) && run.start < end;) {
		struct mem_map_chunk c = mem_map_find(&s->k->mem_map, s->km, max_u64(run.start, at));

		at = min_u64(c.end, end);
		if (c.kind != CHUNK_HOLE)
			walk_range(s, max_u64(c.start, start), at, fn);
	}
}

/* Did the machine have all of these pages? */
static bool all_present(struct scan *s, pfn_t first, pfn_t end)
{
	while (first < end) {
		if (first < s->run.start || first >= s->run.end)
			if (!mem_source_next_run(s->k->src, first, s->k->target.page_shift, &s->run) ||
			    s->run.start > first) {
				s->run.end = s->run.start; /* it may begin behind a gap */
				return false;
			}
		first = s->run.end;
	}
	return true;
}

static void decide_frame(struct scan *s, pfn_t first, pfn_t end, pfn_t frame)
{
	bool unused;
	size_t bit;

	if (frame < s->frames_start || frame >= s->frames_end)
		return;
	unused = first >= s->start && end <= s->end &&
		 !bitmap_count(s->bits, (size_t)(first - s->start), (size_t)(end - s->start)) && all_present(s, first, end);
	bit = (size_t)(frame - s->frames_start);
	bitmap_set_range(unused ? s->may_go : s->must_stay, bit, bit + 1);
}

static unsigned reach_bit(const struct scan *s, pfn_t frame)
{
	return (unsigned)(frame / s->window * 64 / max_u64(s->n_windows, 64));
}

static void note_reach(struct scan *s, pfn_t first, pfn_t end, pfn_t frame)
{
	(void)end;
	if (frame < s->k->max_mapnr)
		s->reach[first / s->window] |= UINT64_C(1) << reach_bit(s, frame);
}

/* The next window at or after `at` that has memory; false after the last. */
static bool next_window(const struct scan *s, pfn_t at, pfn_t *start, pfn_t *end)
{
	struct pfn_run run;

	if (!mem_source_next_run(s->k->src, at, s->k->target.page_shift, &run) || run.start >= s->k->max_mapnr)
		return false;
	*start = max_u64(run.start, at) / s->window * s->window;
	*end = min_u64(*start + s->window, s->k->max_mapnr);
	return true;
}

/* Clears the frames of the window that may go and need not stay. */
static enum status apply(struct scan *s, uint64_t *dropped, struct err *e)
{
	size_t bytes = (size_t)((s->frames_end - s->frames_start + 7) / 8);
	uint64_t n = 0;
	uint8_t *bits;

	if (s->kept->load(s->kept->data, s->frames_start, s->frames_end, &bits, e))
		return e->status;
	for (size_t i = 0; i < bytes; i++) {
		uint8_t go = bits[i] & s->may_go[i] & (uint8_t)~s->must_stay[i];

		n += (unsigned)__builtin_popcount(go);
		bits[i] &= (uint8_t)~go;
	}
	*dropped += n;
	return n ? s->kept->save(s->kept->data, s->frames_start, s->frames_end, bits, e) : OK;
}

static enum status decide_window(struct scan *s, uint64_t *dropped, struct err *e)
{
	size_t bytes = (size_t)((s->frames_end - s->frames_start + 7) / 8);
	uint64_t wanted = UINT64_C(1) << reach_bit(s, s->frames_start), load_cost = s->window / 8 / 1024 + 1;

	memset(s->may_go, 0, bytes);
	memset(s->must_stay, 0, bytes);
	for (pfn_t at = 0; next_window(s, at, &s->start, &s->end); at = s->end) {
		uint8_t *bits;

		if (!(s->reach[s->start / s->window] & wanted))
			continue;
		if (s->kept->load(s->kept->data, s->start, s->end, &bits, e))
			return e->status;
		s->bits = bits;
		s->budget -= min_u64(s->budget, load_cost);
		walk_window(s, s->start, s->end, decide_frame);
	}
	/* what was not looked at might be a reason to stay */
	return s->budget ? apply(s, dropped, e) : OK;
}

static uint64_t present_pages(const struct kernel *k)
{
	uint64_t pages = 0;
	struct pfn_run run;

	for (pfn_t at = 0; mem_source_next_run(k->src, at, k->target.page_shift, &run); at = run.end)
		pages += run.end - run.start;
	return pages;
}

enum status unused_vmemmap_drop(const struct kernel *k, const struct kept_bits *kept, uint64_t *dropped, struct err *e)
{
	struct scan s = { .k = k, .size = k->mem_map.page_struct_size, .kept = kept };
	AUTO_FREE uint8_t *marks = NULL;
	AUTO_FREE uint64_t *reach = NULL;
	AUTO(kmem) *km = NULL;
	pfn_t start, end;
	size_t bytes;

	s.window = min_u64(kept->window, round_up_u64(k->max_mapnr, UNUSED_VMEMMAP_ALIGN));
	s.n_windows = (k->max_mapnr + s.window - 1) / s.window;
	bytes = (size_t)((s.window + 7) / 8);
	marks = malloc(2 * bytes);
	reach = calloc((size_t)s.n_windows, sizeof(*reach));
	if (!marks || !reach)
		return err_nomem(e, 2 * bytes);
	if (kmem_open(&km, k, e))
		return e->status;
	if (!find_base(k, km, &s.base))
		return OK;
	s.km = km;
	s.budget = BUDGET_BASE + present_pages(k) / 2;
	s.may_go = marks;
	s.must_stay = marks + bytes;
	s.reach = reach;
	for (pfn_t at = 0; next_window(&s, at, &start, &end); at = end)
		walk_window(&s, start, end, note_reach);
	for (unsigned round = 0; round < ROUNDS_MAX && s.budget; round++) {
		uint64_t before = *dropped;

		for (pfn_t at = 0; s.budget && next_window(&s, at, &s.frames_start, &s.frames_end); at = s.frames_end)
			if (decide_window(&s, dropped, e))
				return e->status;
		if (*dropped == before)
			break;
	}
	if (!s.budget)
		message(MSG_COMMON, "-e: the page tables of the vmemmap lead too far: some unused struct pages stay.\n");
	return OK;
}
