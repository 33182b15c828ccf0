/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What can be asked of a kernel that was opened: addresses, struct pages and back, nodes, free lists, a whole filter. */
#include "tests/fuzz/explore.h"

#include <string.h>

#include "base/bitmap.h"
#include "base/bytes.h"
#include "filter/free_list.h"
#include "filter/page_filter.h"
#include "kernel/nodes.h"
#include "output/page_packer.h"
#include "tests/fuzz/fuzz.h"

#define CHUNKS_MAX 3000
#define BUDGET 100000
#define WINDOWS_MAX 24

/* --- addresses and lists -------------------------------------------------------------------------------- */

static void count_step(void *data, const char *level, paddr_t entry_at, uint64_t entry)
{
	unsigned *steps = data;

	(void)entry_at, (void)entry;
	REQUIRE(level && ++*steps <= PAGING_LEVELS_MAX);
}

void explore_address(struct kmem *km, vaddr_t vaddr)
{
	struct mapping found = { 0, 0, 0 };
	struct err e = { OK, 0, "" };
	uint64_t left = 0, word;
	paddr_t paddr;
	unsigned steps = 0;
	uint8_t *buf;
	struct span s;

	if (paging_walk(km, vaddr, &found, count_step, &steps, &e))
		REQUIRE(e.text[0] && (e.status == E_MISSING || e.status == E_UNREADABLE));
	else
		REQUIRE(found.len >= 4096 && vaddr - found.vaddr < found.len && !(found.paddr & (found.len - 1)));
	if (!kmem_translate(km, vaddr, &paddr, &left, &e))
		REQUIRE(left);
	if (!kmem_view(km, vaddr, 9000, &s, &e)) {
		REQUIRE(s.len && s.len <= 9000);
		buf = malloc(s.len);
		REQUIRE(buf);
		memcpy(buf, s.data, s.len);
		free(buf);
	}
	if (kmem_read_ulong(km, vaddr, &word, &e))
		REQUIRE(e.text[0]);
	buf = malloc(5000);
	REQUIRE(buf);
	if (kmem_read(km, vaddr, buf, 5000, &e))
		REQUIRE(e.text[0]);
	free(buf);
}

void explore_chunks(const struct kernel *k, struct kmem *km)
{
	const struct mem_map *mm = &k->mem_map;
	uint64_t budget = UINT64_MAX;
	pfn_t at = 0, back;

	if (mm->model == MEM_MODEL_NONE)
		return;
	for (unsigned n = 0; n < CHUNKS_MAX && at < k->max_mapnr; n++) {
		struct mem_map_chunk c = mem_map_find(mm, km, at);

		REQUIRE(c.start <= at && at < c.end);
		REQUIRE(c.end <= max_u64(k->max_mapnr, at + 1));
		if (c.kind == CHUNK_MAP && n < 16) {
			vaddr_t page = c.mem_map + (at - c.start) * mm->page_struct_size;

			/* another chunk may claim the same struct page, and come first */
			if (page >= c.mem_map)
				REQUIRE(mem_map_pfn_of(mm, km, page, &budget, &back) && back < k->max_mapnr);
			explore_address(km, page);
			mem_map_pfn_of(mm, km, page + 8, &budget, &back);
		}
		at = c.end;
	}
	REQUIRE(mem_map_end(mm, km) <= k->max_mapnr);
}

struct blocks {
	uint64_t count, max, most;
};

static void count_block(void *data, pfn_t first, uint64_t count)
{
	struct blocks *blocks = data;

	REQUIRE(count && !(count & (count - 1)) && first < blocks->max && !(first & (count - 1)));
	/* no walk is longer than it may be */
	REQUIRE(++blocks->count <= blocks->most);
}

void explore_nodes(const struct kernel *k, struct kmem *km)
{
	uint64_t node = 0, last = 0;
	struct blocks blocks = { 0, k->max_mapnr, BUDGET };
	uint64_t budget = BUDGET;
	unsigned broken;
	vaddr_t pgdat;

	for (unsigned n = 0; node_next(km, &node, &pgdat); n++) {
		REQUIRE(node > last && node <= MEM_NODES_MAX);
		last = node;
		if (n < 4)
			explore_address(km, pgdat);
	}
	if (k->mem_map.model != MEM_MODEL_NONE && free_list_missing(k) == N_FACTS)
		free_list_walk(km, count_block, &blocks, &budget, &broken);
}

void require_allowed(const struct allowed_pages *a, paddr_t at, size_t len)
{
	for (pfn_t pfn = at >> a->shift; a->bits && pfn <= (at + len - 1) >> a->shift; pfn++)
		REQUIRE(pfn < a->n && bitmap_test(a->bits, (size_t)pfn));
}

/* --- the filter ----------------------------------------------------------------------------------------- */

/* Pages [start, end) that the machine has and the file has something of. */
static void mark_present(const struct kernel *k, uint8_t *present, uint64_t *all, uint64_t *empty)
{
	struct pfn_run run;

	*all = *empty = 0;
	for (pfn_t at = 0; mem_source_next_run(k->src, at, k->target.page_shift, &run) && run.start < k->max_mapnr;
	     at = run.end) {
		pfn_t end = min_u64(run.end, k->max_mapnr);

		*all += end - run.start;
		if (run.kind == RUN_EMPTY)
			*empty += end - run.start;
		else
			bitmap_set_range(present, (size_t)run.start, (size_t)end);
	}
}

/* Decides window by window, as the program does; windows without memory are left out. */
static struct filter_counts scan(struct page_filter *f, const struct kernel *k, pfn_t window, uint8_t *kept)
{
	struct pfn_run run;
	struct err e;
	pfn_t at = 0;

	page_filter_restart(f);
	while (mem_source_next_run(k->src, at, k->target.page_shift, &run) && run.start < k->max_mapnr) {
		pfn_t start = max_u64(run.start, at) / window * window, end = min_u64(start + window, k->max_mapnr);
		size_t bytes = (size_t)((end - start + 7) / 8);
		uint8_t *bits = malloc(bytes);

		REQUIRE(bits);
		memset(bits, 0xa5, bytes);
		REQUIRE(!page_filter_scan(f, start, end, bits, &e));
		memcpy(kept + start / 8, bits, bytes);
		free(bits);
		at = end;
	}
	page_filter_say_doubts(f);
	return *page_filter_counts(f);
}

/* No page whose struct page says that its memory is bad may be read. */
static void check_poison(const struct kernel *k, const uint8_t *kept)
{
	struct kmem *km;
	struct err e;
	uint64_t bit = fact_or(&k->facts, F_PG_hwpoison, 64);
	struct mem_map_chunk c = { 0, 0, 0, CHUNK_HOLE };
	struct pfn_run run;

	if (bit >= 64 || k->mem_map.model == MEM_MODEL_NONE || !fact_known(&k->facts, F_page_flags) ||
	    fact(&k->facts, F_page_flags) > k->mem_map.page_struct_size - k->target.long_bytes)
		return;
	REQUIRE(!kmem_open(&km, k, &e));
	for (pfn_t at = 0; mem_source_next_run(k->src, at, k->target.page_shift, &run) && run.start < k->max_mapnr;
	     at = run.end) {
		if (run.kind != RUN_DATA && run.kind != RUN_LOST)
			continue;
		for (pfn_t pfn = run.start; pfn < min_u64(run.end, k->max_mapnr); pfn++) {
			uint64_t flags;
			uint8_t page[512];

			if (!bitmap_test(kept, (size_t)pfn))
				continue;
			if (pfn >= c.end)
				c = mem_map_find(&k->mem_map, km, pfn);
			if (c.kind != CHUNK_MAP ||
			    kmem_read(km, c.mem_map + (pfn - c.start) * k->mem_map.page_struct_size, page,
				      (size_t)k->mem_map.page_struct_size, &e))
				continue;
			flags = get_ulong(page + fact(&k->facts, F_page_flags), k->target.long_bytes,
					  k->target.big_endian);
			REQUIRE(!(flags >> bit & 1));
		}
	}
	kmem_close(km);
}

/* Reads what is kept, and nothing else. */
static void pack(const struct kernel *k, const struct filter_trial *trial, const uint8_t *kept, size_t max)
{
	struct packer_options opt = { .find_zero = trial->choices & 1, .page_shift = k->target.page_shift };
	struct packed_page pages[256];
	struct page_packer *p;
	struct err e = { OK, 0, "" };
	uint8_t *out;
	size_t first, end, from = 0;

	if (trial->choices & 2)
		opt.codec = codec_by_flag(1);
	REQUIRE(!page_packer_open(&p, k->src, &opt, &e));
	REQUIRE(page_packer_block_pages_max(p) <= ARRAY_SIZE(pages));
	*trial->allowed = (struct allowed_pages){ kept, max, k->target.page_shift };
	for (unsigned n = 0; n < 40 && bitmap_next_run(kept, from, max, &first, &end); n++) {
		size_t some = min_u64(end - first, page_packer_block_pages_max(p)), len, sum = 0;

		out = malloc(page_packer_block_room(p));
		REQUIRE(out);
		some = page_packer_pack(p, first, some, out, &len, pages, &e);
		REQUIRE(some);
		for (size_t i = 0; i < some; i++)
			sum += pages[i].len;
		REQUIRE(sum == len && len <= page_packer_block_room(p));
		free(out);
		from = first + some;
	}
	trial->allowed->bits = NULL;
	page_packer_close(p);
}

static void check_counts(const struct filter_counts *c, const uint8_t *kept, const uint8_t *present, size_t max)
{
	uint64_t excluded = 0;

	for (size_t i = 0; i < N_REASONS; i++)
		excluded += c->excluded[i];
	REQUIRE(!c->excluded[REASON_KEEP]);
	REQUIRE(c->present - c->empty - excluded == bitmap_count(kept, 0, max));
	for (size_t i = 0; i < (max + 7) / 8; i++)
		REQUIRE(!(kept[i] & ~present[i]));
}

void explore_filter(const struct kernel *k, const struct filter_trial *trial)
{
	size_t max = (size_t)k->max_mapnr, bytes = (max + 63) / 8;
	uint8_t *present = calloc(1, bytes), *large = calloc(1, bytes), *small = calloc(1, bytes);
	struct filter_options how = { .level = trial->level };
	struct filter_counts by_large, by_small, by_chunks;
	struct page_filter *f;
	uint64_t all, empty;
	pfn_t window;
	struct err e;

	REQUIRE(present && large && small);
	mark_present(k, present, &all, &empty);
	window = max_u64(trial->small, round_up_u64(all / WINDOWS_MAX + 1, 8));
	REQUIRE(!page_filter_open(&f, k, &how, &e));
	by_large = scan(f, k, round_up_u64(max, 8), large);
	REQUIRE(by_large.present == all && by_large.empty == empty);
	check_counts(&by_large, large, present, max);
	by_small = scan(f, k, window, small);
	check_counts(&by_small, small, present, max);
	/* the windows are nobody's business */
	REQUIRE(by_small.present == all && !memcmp(large, small, (max + 7) / 8));
	for (size_t i = 0; i < N_REASONS; i++)
		REQUIRE(by_small.excluded[i] == by_large.excluded[i]);
	/* nor is it whether the windows are seen for the first time */
	scan(f, k, window, small);
	REQUIRE(!memcmp(large, small, (max + 7) / 8));
	page_filter_close(f);
	/* nor in which chunks the windows are decided */
	how.chunk_pages = window;
	REQUIRE(!page_filter_open(&f, k, &how, &e));
	by_chunks = scan(f, k, round_up_u64(max, 8), small);
	REQUIRE(!memcmp(large, small, (max + 7) / 8));
	for (size_t i = 0; i < N_REASONS; i++)
		REQUIRE(by_chunks.excluded[i] == by_large.excluded[i]);
	page_filter_close(f);
	check_poison(k, large);
	pack(k, trial, large, max);
	free(present);
	free(large);
	free(small);
}
