/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Fuzzes what is believed of a kernel: a spoiled one is learnt about, filtered in large and small windows, packed. */
#include <string.h>

#include "base/bitmap.h"
#include "base/bytes.h"
#include "filter/page_filter.h"
#include "output/page_packer.h"
#include "tests/fuzz/invented.h"

#define WINDOWS_MAX 24

static struct invented machine;

/* Pages [start, end) that the machine has and the file has something of. */
static void mark_present(const struct mem_source *src, pfn_t max, uint8_t *present, uint64_t *all, uint64_t *empty)
{
	struct pfn_run run;

	*all = *empty = 0;
	for (pfn_t at = 0; mem_source_next_run(src, at, 12, &run) && run.start < max; at = run.end) {
		pfn_t end = min_u64(run.end, max);

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
	while (mem_source_next_run(k->src, at, 12, &run) && run.start < k->max_mapnr) {
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
	    fact(&k->facts, F_page_flags) > k->mem_map.page_struct_size - 8)
		return;
	REQUIRE(!kmem_open(&km, k, &e));
	for (pfn_t at = 0; mem_source_next_run(k->src, at, 12, &run) && run.start < k->max_mapnr; at = run.end) {
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
			flags = get_u64(page + fact(&k->facts, F_page_flags), false);
			REQUIRE(!(flags >> bit & 1));
		}
	}
	kmem_close(km);
}

/* Reads what is kept, and nothing else. */
static void pack(const struct mem_source *src, const uint8_t *kept, size_t max)
{
	struct packer_options opt = { .find_zero = machine.choices & 1, .page_shift = 12 };
	struct packed_page pages[256];
	struct page_packer *p;
	struct err e = { OK, 0, "" };
	uint8_t *out;
	size_t first, end, from = 0;

	if (machine.choices & 2)
		opt.codec = codec_by_flag(1);
	REQUIRE(!page_packer_open(&p, src, &opt, &e));
	REQUIRE(page_packer_block_pages_max(p) <= ARRAY_SIZE(pages));
	machine.allowed = kept;
	machine.n_allowed = max;
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
	machine.allowed = NULL;
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

static void filter(const struct kernel *k)
{
	size_t max = (size_t)k->max_mapnr, bytes = (max + 63) / 8;
	uint8_t *present = calloc(1, bytes), *large = calloc(1, bytes), *small = calloc(1, bytes);
	pfn_t window = max_u64(8u << (machine.choices >> 5), round_up_u64(max / WINDOWS_MAX + 1, 8));
	struct filter_options how = { .level = machine.level };
	struct filter_counts by_large, by_small, by_chunks;
	struct page_filter *f;
	uint64_t all, empty;
	struct err e;

	REQUIRE(present && large && small);
	mark_present(k->src, max, present, &all, &empty);
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
	pack(k->src, large, max);
	free(present);
	free(large);
	free(small);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bytes b = { data, size };
	struct mem_source *src;
	struct kernel *k;
	struct err e = { OK, 0, "" };
	enum status st;

	invented_make(&machine, &b);
	src = invented_source(&machine);
	st = kernel_open(&k, src, &(struct kernel_files){ .vmlinux = NULL }, &e);
	if (st) {
		REQUIRE(st == e.status && e.text[0]);
	} else {
		REQUIRE(k->max_mapnr <= src->end >> 12);
		if (k->max_mapnr)
			filter(k);
		kernel_close(k);
	}
	mem_source_close(src);
	return 0;
}
