/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Deciding about every page of invented machines: against a naive model, in windows of any size, and with pages that
 * nobody may ever read.
 */
#include "world.h"

#include "base/bitmap.h"
#include "filter/page_filter.h"
#include "format/kdump_header.h"
#include "output/page_packer.h"

static struct err e;
static struct world w;
/* how the filter works: nothing may depend on it */
static unsigned threads;
static pfn_t chunk_pages;

#define PAGES 512
#define LRU (1u << 5)
#define PRIVATE (1u << 14)
#define SWAPCACHE (1u << 10)
#define SWAPBACKED (1u << 17)
#define POISON (1u << 20)
#define HEAD 64u
#define UNTYPED 0xffffffffu
#define BUDDY 0xf0000000u
#define OFFLINE 0xf1000000u
#define HUGETLB 0xf4000000u
#define SLAB 0xf5000000u
#define UNACCEPTED 0xf7000000u

static const unsigned shapes[][2] = { { 8, false }, { 8, true }, { 4, false }, { 4, true } };

struct fields {
	uint32_t flags, mapping, mapcount, head, private;
};
static struct fields pages[PAGES + 1]; /* one more: nothing follows the last page */

static void put_page(pfn_t pfn, struct fields f)
{
	paddr_t at = world_page(&w, pfn);

	pages[pfn] = f;
	world_put_long(&w, at, f.flags);
	world_put_long(&w, at + 8, f.head);
	world_put_long(&w, at + 24, f.mapping);
	world_put_long(&w, at + 40, f.private);
	world_put_u32(&w, at + 48, f.mapcount);
}

static const struct fields of_kernel = { .mapcount = UNTYPED };
static const struct fields of_user = { .flags = LRU | SWAPBACKED, .mapping = 0x1001 };
static const struct fields of_cache = { .flags = LRU, .mapping = 0x1000 };
static const struct fields of_cache_private = { .flags = LRU | PRIVATE, .mapping = 0x1000 };

static struct fields free_block(unsigned order)
{
	return (struct fields){ .mapcount = BUDDY, .private = order };
}

/* A head and its tails. */
static void put_compound(pfn_t pfn, unsigned order, struct fields head)
{
	head.flags |= HEAD;
	put_page(pfn, head);
	for (pfn_t i = 1; i < UINT64_C(1) << order; i++)
		put_page(pfn + i, (struct fields){ .flags = i == 1 ? order : 0,
						   .mapping = 0xdead0001,
						   .mapcount = UNTYPED,
						   .head = 0x2001 });
}

static void open_world(const unsigned *shape, const char *more)
{
	world_open(&w, shape[0], shape[1], PAGES);
	if (more)
		world_facts(&w, more); /* what is told first counts */
	world_facts(&w, kernel_6_12);
	world_flat_mem_map(&w);
	for (pfn_t pfn = 0; pfn < PAGES; pfn++)
		put_page(pfn, of_kernel);
	pages[PAGES] = of_kernel;
}

static struct page_filter *open_filter(unsigned level)
{
	struct filter_options how = { level, threads, chunk_pages };
	struct page_filter *f = NULL;

	assert_ok(page_filter_open(&f, &w.k, &how, &e));
	return f;
}

/* Scans all of memory in windows; returns the counts. */
static struct filter_counts scan(unsigned level, pfn_t window, uint8_t kept[PAGES / 8])
{
	AUTO(page_filter) *f = open_filter(level);

	memset(kept, 0xee, PAGES / 8);
	for (pfn_t at = 0; at < PAGES; at += window)
		assert_ok(page_filter_scan(f, at, min_u64(at + window, PAGES), kept + at / 8, &e));
	return *page_filter_counts(f);
}

static void check_kept(const uint8_t *kept, pfn_t first, pfn_t end, bool want)
{
	for (pfn_t pfn = first; pfn < end; pfn++)
		if (bitmap_test(kept, pfn) != want)
			fail_msg("page %" PRIu64 " is %s", pfn, want ? "left out" : "kept");
}

/* --- single rules ------------------------------------------------------------------------------------------------ */

TEST(each_level_leaves_out_its_pages)
{
	for (size_t shape = 0; shape < ARRAY_SIZE(shapes); shape++) {
		for (unsigned level = 0; level <= DL_MAX; level++) {
			uint8_t kept[PAGES / 8];
			struct filter_counts c;

			open_world(shapes[shape], NULL);
			put_page(100, of_cache);
			put_page(101, of_cache_private);
			put_page(102, of_user);
			put_page(104, free_block(3));
			c = scan(level, PAGES, kept);
			check_kept(kept, 0, 100, true);
			check_kept(kept, 100, 101, !(level & (DL_CACHE | DL_CACHE_PRIVATE)));
			check_kept(kept, 101, 102, !(level & DL_CACHE_PRIVATE));
			check_kept(kept, 102, 103, !(level & DL_USER));
			check_kept(kept, 103, 104, true);
			check_kept(kept, 104, 112, !(level & DL_FREE));
			check_kept(kept, 112, PAGES, true);
			assert_int_equal(c.excluded[REASON_CACHE], !!(level & (DL_CACHE | DL_CACHE_PRIVATE)));
			assert_int_equal(c.excluded[REASON_CACHE_PRIVATE], !!(level & DL_CACHE_PRIVATE));
			assert_int_equal(c.excluded[REASON_USER], !!(level & DL_USER));
			assert_int_equal(c.excluded[REASON_FREE], level & DL_FREE ? 8 : 0);
			assert_int_equal(c.present, PAGES);
			world_close(&w);
		}
	}
}

TEST(compound_page_goes_or_stays_as_a_whole)
{
	uint8_t kept[PAGES / 8];
	struct filter_counts c;

	open_world(shapes[0], NULL);
	put_compound(64, 4, of_user);
	put_compound(96, 5, (struct fields){ .mapcount = HUGETLB });
	put_compound(128, 3, of_cache);
	put_compound(136, 3, (struct fields){ .mapcount = SLAB, .mapping = 0x1001 });
	c = scan(DL_USER, PAGES, kept);
	check_kept(kept, 64, 80, false);
	check_kept(kept, 80, 96, true);
	check_kept(kept, 96, 128, false);
	check_kept(kept, 128, PAGES, true);
	assert_int_equal(c.excluded[REASON_USER], 16 + 32);
	c = scan(DL_MAX, PAGES, kept);
	check_kept(kept, 128, 136, false);
	check_kept(kept, 136, PAGES, true);
	assert_int_equal(c.excluded[REASON_CACHE], 8);
	world_close(&w);
}

TEST(head_that_is_not_aligned_or_impossibly_large_stands_for_itself)
{
	uint8_t kept[PAGES / 8];

	open_world(shapes[0], NULL);
	put_compound(72, 4, of_user);
	scan(DL_USER, PAGES, kept);
	check_kept(kept, 72, 73, false);
	check_kept(kept, 73, PAGES, true);
	/* 32 GiB: larger than any page that there is */
	put_page(0, (struct fields){ .flags = LRU | HEAD, .mapping = 0x1001 });
	put_page(1, (struct fields){ .flags = 23, .head = 0x2001, .mapcount = UNTYPED });
	scan(DL_USER, PAGES, kept);
	check_kept(kept, 0, 1, false);
	check_kept(kept, 1, 72, true);
	world_close(&w);
}

TEST(head_at_the_end_of_its_map_has_no_tail_to_ask)
{
	uint8_t kept[PAGES / 8];

	open_world(shapes[0], NULL);
	/* with a tail it would be a huge page; what lies behind the map looks like one */
	put_page(PAGES - 1, (struct fields){ .flags = HEAD, .mapcount = HUGETLB });
	world_put_long(&w, world_page(&w, PAGES), 9);
	world_put_long(&w, world_page(&w, PAGES) + 8, 0x2001);
	scan(DL_USER, PAGES, kept);
	check_kept(kept, 0, PAGES, true);
	world_close(&w);
}

TEST(tail_of_a_head_is_found_where_the_map_goes_on_elsewhere)
{
	struct arch_state *a = &w.k.arch_state;
	const paddr_t elsewhere = 0x100000;
	uint8_t kept[PAGES / 8];

	open_world(shapes[0], NULL);
	/* the second page of the map, with the struct pages from 64 on, is not the next one in memory */
	a->linear[1] = a->linear[0];
	a->linear[0].end = world_va(&w, MEM_MAP_AT + 4096);
	a->linear[1].start = a->linear[0].end;
	a->linear[1].paddr = elsewhere;
	a->n_linear = 2;
	memcpy(w.mem.bytes + elsewhere, w.mem.bytes + MEM_MAP_AT + 4096, PAGES * 64 - 4096);
	put_page(63, (struct fields){ .flags = HEAD, .mapcount = HUGETLB });
	world_put_long(&w, elsewhere, 1);
	world_put_long(&w, elsewhere + 8, 0x2001);
	w.mem.view_max = 4096;
	scan(DL_USER, PAGES, kept);
	check_kept(kept, 0, 63, true);
	check_kept(kept, 63, 64, false);
	check_kept(kept, 64, PAGES, true);
	world_close(&w);
}

TEST(bad_page_of_a_compound_page_that_stays_goes_alone_unless_it_is_huge)
{
	uint8_t kept[PAGES / 8];
	struct filter_counts c;

	open_world(shapes[0], NULL);
	put_compound(64, 3, (struct fields){ .flags = POISON, .mapcount = SLAB });
	put_compound(128, 5, (struct fields){ .flags = POISON, .mapcount = HUGETLB });
	c = scan(0, PAGES, kept);
	check_kept(kept, 64, 65, false);
	check_kept(kept, 65, 128, true);
	/* which of its pages is bad, the kernel keeps to itself */
	check_kept(kept, 128, 160, false);
	check_kept(kept, 160, PAGES, true);
	assert_int_equal(c.excluded[REASON_HWPOISON], 33);
	world_close(&w);
}

TEST(free_block_of_an_impossible_order_is_kept_and_counted)
{
	uint8_t kept[PAGES / 8];
	struct filter_counts c;
	struct capture cap;
	char *text;

	open_world(shapes[0], NULL);
	put_page(64, free_block(11));
	put_page(128, free_block(0x7fffffff));
	put_page(192, free_block(2));
	capture_start(&cap, 1);
	message_set_level(MSG_COMMON);
	c = scan(DL_FREE, PAGES, kept);
	message_set_level(0);
	text = captured(&cap);
	assert_contains(text, "pfn=40");
	assert_contains(text, "order=11");
	free(text);
	check_kept(kept, 0, 192, true);
	check_kept(kept, 192, 196, false);
	check_kept(kept, 196, PAGES, true);
	assert_int_equal(c.bad_orders, 2);
	assert_int_equal(c.excluded[REASON_FREE], 4);
	world_close(&w);
}

TEST(pages_counted_once_though_blocks_overlap_holes)
{
	uint8_t kept[PAGES / 8];
	struct filter_counts c;

	open_world(shapes[0], NULL);
	fake_memory_runs(&w.mem, (struct pfn_run[]){ { 0, 130, RUN_DATA }, { 140, PAGES, RUN_DATA } }, 2);
	put_page(128, free_block(5));
	c = scan(DL_FREE, PAGES, kept);
	check_kept(kept, 0, 128, true);
	check_kept(kept, 128, 160, false);
	check_kept(kept, 160, PAGES, true);
	assert_int_equal(c.excluded[REASON_FREE], 32 - 10);
	assert_int_equal(c.present, PAGES - 10);
	world_close(&w);
}

TEST(kinds_of_runs_are_treated_as_what_they_are)
{
	uint8_t kept[PAGES / 8];
	struct filter_counts c;

	open_world(shapes[0], NULL);
	fake_memory_runs(&w.mem,
			 (struct pfn_run[]){ { 0, 100, RUN_DATA },
					     { 100, 101, RUN_LATE },
					     { 101, 200, RUN_DATA },
					     { 200, 300, RUN_EMPTY },
					     { 300, 400, RUN_LOST } },
			 5);
	for (pfn_t pfn = 96; pfn < PAGES; pfn++)
		put_page(pfn, of_user);
	c = scan(DL_USER, PAGES, kept);
	check_kept(kept, 0, 96, true);
	check_kept(kept, 96, 100, false);
	/* the struct page of a page whose beginning is unknown decides nothing */
	check_kept(kept, 100, 101, true);
	check_kept(kept, 101, 200, false);
	check_kept(kept, 200, PAGES, false);
	assert_int_equal(c.present, 400);
	assert_int_equal(c.empty, 100);
	assert_int_equal(c.excluded[REASON_USER], 4 + 99 + 100);
	world_close(&w);
}

TEST(pages_whose_struct_pages_cannot_be_read_are_kept_and_counted)
{
	uint8_t kept[PAGES / 8];
	struct filter_counts c;

	open_world(shapes[0], NULL);
	for (pfn_t pfn = 0; pfn < PAGES; pfn++)
		put_page(pfn, of_user);
	w.mem.unreadable[MEM_MAP_AT / 4096 + 2] = 1; /* struct pages 128 to 191 */
	c = scan(DL_USER, PAGES, kept);
	check_kept(kept, 0, 128, false);
	check_kept(kept, 128, 192, true);
	check_kept(kept, 192, PAGES, false);
	assert_int_equal(c.unread_structs, 64);
	world_close(&w);
}

TEST(kernel_without_struct_pages_keeps_all)
{
	uint8_t kept[PAGES / 8];
	struct capture cap;
	char *text;

	world_open(&w, 8, false, PAGES);
	assert_ok(mem_map_open(&w.k.mem_map, w.km, &e));
	capture_start(&cap, 1);
	message_set_level(MSG_COMMON);
	scan(DL_MAX, 64, kept);
	message_set_level(0);
	text = captured(&cap);
	assert_contains(text, "SIZE(page) is unknown");
	free(text);
	check_kept(kept, 0, PAGES, true);
	world_close(&w);
}

TEST(bits_behind_the_end_of_a_window_are_zero)
{
	AUTO(page_filter) *f = NULL;
	uint8_t kept[2];

	open_world(shapes[0], NULL);
	f = open_filter(0);
	assert_ok(page_filter_scan(f, 0, 11, kept, &e));
	assert_int_equal(kept[0], 0xff);
	assert_int_equal(kept[1], 0x07);
	page_filter_close(f);
	f = NULL;
	world_close(&w);
}

TEST(restart_forgets_what_was_counted_and_what_was_pending)
{
	uint8_t kept[PAGES / 8], again[PAGES / 8];
	struct filter_counts first;
	AUTO(page_filter) *f = NULL;

	open_world(shapes[0], NULL);
	put_page(32, free_block(5));
	f = open_filter(DL_FREE);
	assert_ok(page_filter_scan(f, 0, 40, kept, &e));
	page_filter_restart(f);
	assert_ok(page_filter_scan(f, 0, 40, again, &e));
	first = *page_filter_counts(f);
	assert_memory_equal(kept, again, 5);
	assert_int_equal(first.present, 40);
	assert_int_equal(first.excluded[REASON_FREE], 8);
	assert_ok(page_filter_scan(f, 40, PAGES, kept, &e));
	assert_int_equal(page_filter_counts(f)->excluded[REASON_FREE], 32);
	page_filter_close(f);
	f = NULL;
	world_close(&w);
}

TEST(block_whose_head_was_left_out_of_the_input_goes_all_the_same)
{
	uint8_t kept[PAGES / 8];

	for (pfn_t window = 8; window <= PAGES; window *= 8) {
		open_world(shapes[0], NULL);
		fake_memory_runs(&w.mem,
				 (struct pfn_run[]){ { 0, 64, RUN_DATA }, { 64, 72, RUN_EMPTY }, { 72, PAGES, RUN_DATA } }, 3);
		put_page(64, free_block(4));
		scan(DL_FREE, window, kept);
		check_kept(kept, 0, 64, true);
		check_kept(kept, 64, 80, false);
		check_kept(kept, 80, PAGES, true);
		world_close(&w);
	}
}

TEST(pages_that_must_not_be_read_are_told_even_within_blocks_that_go)
{
	struct fields bad_tail = { .flags = POISON, .mapcount = UNTYPED, .head = 0x2001 };
	uint8_t kept[PAGES / 8], bad[PAGES / 8] = { 0 };

	for (size_t shape = 0; shape < 2 * ARRAY_SIZE(shapes); shape++) {
		AUTO(page_filter) *f = NULL;

		open_world(shapes[shape / 2], NULL);
		threads = shape % 2 ? 2 : 0;
		chunk_pages = shape % 2 ? 8 : 0;
		put_compound(64, 3, of_user);
		put_page(67, bad_tail);
		put_page(100, (struct fields){ .flags = POISON, .mapcount = UNTYPED });
		for (pfn_t pfn = 120; pfn < 130; pfn++)
			put_page(pfn, (struct fields){ .mapcount = OFFLINE });
		put_page(140, of_user);
		f = open_filter(DL_USER);
		page_filter_note_bad(f, bad);
		assert_ok(page_filter_scan(f, 0, PAGES, kept, &e));
		check_kept(kept, 64, 72, false);
		for (pfn_t pfn = 0; pfn < PAGES; pfn++)
			assert_int_equal(bitmap_test(bad, pfn), pfn == 67 || pfn == 100 || (pfn >= 120 && pfn < 130));
		page_filter_close(f);
		f = NULL;
		world_close(&w);
	}
	threads = 0;
	chunk_pages = 0;
}

TEST(window_is_decided_again_as_the_first_time)
{
	struct page_filter_state before[PAGES / 40 + 1];
	uint8_t kept[PAGES / 8], again[5];
	AUTO(page_filter) *f = NULL;

	open_world(shapes[0], NULL);
	put_page(32, free_block(5));
	put_page(128, free_block(7));
	f = open_filter(DL_FREE);
	for (pfn_t at = 0; at < PAGES; at += 40) {
		before[at / 40] = page_filter_state(f);
		assert_ok(page_filter_scan(f, at, min_u64(at + 40, PAGES), kept + at / 8, &e));
	}
	for (pfn_t at = 440; at < PAGES; at -= 40) {
		page_filter_resume(f, &before[at / 40]);
		assert_ok(page_filter_scan(f, at, at + 40, again, &e));
		assert_memory_equal(again, kept + at / 8, 5);
	}
	page_filter_close(f);
	f = NULL;
	world_close(&w);
}

/* --- pages that nobody may read ---------------------------------------------------------------------------------- */

static void forbid(pfn_t first, pfn_t end)
{
	memset(w.mem.forbidden + first, 1, end - first);
}

/* The whole way of a page: filter, then reading, testing for zero and packing all that is kept. */
static void dump_everything(unsigned level, pfn_t window, uint32_t codec)
{
	struct packer_options opt = { .codec = codec ? codec_by_flag(codec) : NULL, .find_zero = true, .page_shift = 12 };
	AUTO(page_filter) *f = open_filter(level);
	AUTO(page_packer) *p = NULL;
	AUTO_FREE struct packed_page *packed = NULL;
	AUTO_FREE uint8_t *out = NULL;
	size_t room;

	assert_ok(page_packer_open(&p, w.mem.src, &opt, &e));
	room = page_packer_block_pages_max(p);
	packed = calloc(room, sizeof(*packed));
	out = malloc(page_packer_block_room(p));
	assert_true(packed && out);
	for (pfn_t at = 0; at < PAGES; at += window) {
		uint8_t kept[PAGES / 8];
		pfn_t end = min_u64(at + window, PAGES);
		size_t from = 0, first, last;

		assert_ok(page_filter_scan(f, at, end, kept, &e));
		for (; bitmap_next_run(kept, from, end - at, &first, &last); from = last) {
			for (size_t i = first, n, len; i < last; i += n) {
				struct err why = { OK, 0, "" };

				n = page_packer_pack(p, at + i, min_u64(room, last - i), out, &len, packed, &why);
			}
		}
	}
}

TEST(bad_offline_and_unaccepted_memory_is_never_read_at_any_level)
{
	static const pfn_t windows[] = { PAGES, 8, 64, 200 };

	for (unsigned level = 0; level <= DL_MAX; level++) {
		for (size_t i = 0; i < ARRAY_SIZE(windows); i++) {
			open_world(shapes[level % 4], "LENGTH(zone.free_area)=6\n");
			put_page(100, (struct fields){ .flags = POISON, .mapcount = UNTYPED });
			forbid(100, 101);
			put_page(107, (struct fields){ .flags = POISON | LRU | SWAPBACKED, .mapping = 0x1001 });
			forbid(107, 108);
			put_page(120, (struct fields){ .mapcount = OFFLINE });
			forbid(120, 121);
			/* one struct page stands for a block of the largest order */
			put_page(128, (struct fields){ .mapcount = UNACCEPTED });
			forbid(128, 160);
			/* a bad tail of a slab that stays, of a cache page that goes, of a huge page */
			put_compound(192, 3, (struct fields){ .mapcount = SLAB });
			put_page(197, (struct fields){ .flags = POISON, .head = 0x2001, .mapcount = UNTYPED });
			forbid(197, 198);
			put_compound(200, 3, of_cache);
			put_page(203, (struct fields){ .flags = POISON, .head = 0x2001, .mapcount = UNTYPED });
			forbid(203, 204);
			/* of a bad huge page nothing is read: the kernel marks its head only */
			put_compound(256, 6, (struct fields){ .flags = POISON, .mapcount = HUGETLB });
			forbid(256, 320);
			/* a bad page in the middle of free ones */
			put_page(336, free_block(2));
			put_page(340, (struct fields){ .flags = POISON, .mapcount = UNTYPED });
			forbid(340, 341);
			/* last page of memory */
			put_page(PAGES - 1, (struct fields){ .mapcount = OFFLINE });
			forbid(PAGES - 1, PAGES);
			dump_everything(level, windows[i], i % 2 ? KDUMP_ZLIB : 0);
			world_close(&w); /* fails when a forbidden page was read */
		}
	}
}

TEST(proof_of_pages_never_read_fails_when_one_is_read)
{
	AUTO(mem_reader) *r = NULL;
	uint8_t byte;

	open_world(shapes[0], NULL);
	forbid(100, 101);
	assert_ok(mem_reader_open(&r, w.mem.src, READER_SMALL, &e));
	assert_ok(mem_read(r, 100 * 4096 + 17, &byte, 1, &e));
	assert_int_equal(w.mem.forbidden_reads, 1);
	w.mem.forbidden_reads = 0;
	mem_reader_close(r);
	r = NULL;
	world_close(&w);
}

/* --- against a naive model ---------------------------------------------------------------------------------------- */

static bool run_looks(pfn_t pfn)
{
	for (size_t i = 0; i < w.mem.n_runs; i++)
		if (pfn >= w.mem.runs[i].start && pfn < w.mem.runs[i].end)
			return w.mem.runs[i].kind != RUN_LATE;
	return false;
}

static bool run_keeps(pfn_t pfn)
{
	for (size_t i = 0; i < w.mem.n_runs; i++)
		if (pfn >= w.mem.runs[i].start && pfn < w.mem.runs[i].end)
			return w.mem.runs[i].kind != RUN_EMPTY;
	return false;
}

/* One page after the other, each question in its own words. */
static void model(unsigned level, unsigned max_orders, bool kept[PAGES], uint64_t excluded[N_REASONS])
{
	memset(excluded, 0, N_REASONS * sizeof(*excluded));
	for (pfn_t pfn = 0; pfn < PAGES; pfn++)
		kept[pfn] = run_keeps(pfn);
	for (pfn_t pfn = 0, n; pfn < PAGES; pfn += n) {
		const struct fields *p = &pages[pfn], *next = &pages[pfn + 1];
		uint32_t type = p->mapcount & 0xff000000;
		bool slab = type == SLAB, anon = !slab && p->mapping & 1, poison = p->flags & POISON;
		bool swapcache = (p->flags & SWAPCACHE) && (p->flags & SWAPBACKED);
		bool cache = ((p->flags & LRU) || swapcache) && !anon, private = p->flags & PRIVATE;
		bool hugetlb = false;
		uint64_t order = 0;
		enum reason reason = REASON_KEEP;

		n = 1;
		if (!run_looks(pfn))
			continue;
		if (p->head & 1) {
			reason = poison ? REASON_HWPOISON : REASON_KEEP;
			goto decided;
		}
		if (p->flags & HEAD && type != BUDDY && pfn + 1 < PAGES && next->head & 1) {
			order = next->flags & 0xff;
			hugetlb = type == HUGETLB;
			if (order >= 23 || pfn % (UINT64_C(1) << order))
				order = 0;
		}
		n = UINT64_C(1) << order;
		if (level & DL_FREE && type == BUDDY && p->private < max_orders &&
		    pfn % (UINT64_C(1) << p->private) == 0) {
			reason = REASON_FREE;
			n = UINT64_C(1) << p->private;
		} else if (type == UNACCEPTED) {
			reason = REASON_UNACCEPTED;
			n = UINT64_C(1) << (max_orders - 1);
		} else if (level & DL_CACHE && cache && !private) {
			reason = REASON_CACHE;
		} else if (level & DL_CACHE_PRIVATE && cache) {
			reason = private ? REASON_CACHE_PRIVATE : REASON_CACHE;
		} else if (level & DL_USER && (anon || hugetlb)) {
			reason = REASON_USER;
		} else if (poison) {
			reason = REASON_HWPOISON;
			n = hugetlb ? n : 1;
		} else if (type == OFFLINE) {
			reason = REASON_OFFLINE;
		}
		if (reason == REASON_KEEP)
			n = 1;
decided:
		for (pfn_t i = pfn; reason != REASON_KEEP && i < pfn + n && i < PAGES; i++) {
			excluded[reason] += kept[i];
			kept[i] = false;
		}
	}
}

static void random_pages(uint64_t *seed)
{
	static const uint32_t types[] = { 0, UNTYPED, BUDDY, OFFLINE, HUGETLB, SLAB, UNACCEPTED, 0xf2000000, 5 };

	for (pfn_t pfn = 0, n; pfn < PAGES; pfn += n) {
		unsigned order = (unsigned)random_below(seed, 7);
		bool aligned = pfn % (UINT64_C(1) << order) == 0 && pfn + (UINT64_C(1) << order) <= PAGES;

		n = 1;
		switch (random_below(seed, 10)) {
		case 0:
			put_page(pfn, of_kernel);
			break;
		case 1:
			put_page(pfn, of_user);
			break;
		case 2:
			put_page(pfn, of_cache);
			break;
		case 3:
			put_page(pfn, of_cache_private);
			break;
		case 4:
		case 5:
			if (aligned) {
				put_compound(pfn, order, order % 2 ? of_user : of_cache);
				n = UINT64_C(1) << order;
			} else {
				put_page(pfn, of_kernel);
			}
			break;
		case 6:
			if (aligned) {
				put_compound(pfn, order, (struct fields){ .mapcount = HUGETLB });
				n = UINT64_C(1) << order;
			} else {
				put_page(pfn, free_block(order));
			}
			break;
		case 7:
			put_page(pfn, free_block(order));
			break;
		case 8:
			put_page(pfn, (struct fields){ .flags = POISON, .mapcount = UNTYPED });
			break;
		default: /* anything at all */
			put_page(pfn, (struct fields){
					      .flags = (uint32_t)random_next(seed) & 0xfffff,
					      .mapping = (uint32_t)random_next(seed) & 3,
					      .mapcount = types[random_below(seed, ARRAY_SIZE(types))],
					      .head = (uint32_t)random_next(seed) & 1,
					      .private = (uint32_t)random_below(seed, 12),
				      });
		}
	}
}

TEST(random_memory_is_decided_as_the_naive_model_does_in_windows_of_any_size)
{
	static const pfn_t windows[] = { PAGES, 8, 16, 40, 104, 256 };
	static const char *const variants[] = { NULL, "LENGTH(zone.free_area)=6\n", "SIZE(page)=72\n" };
	uint64_t seed = 11;

	for (unsigned round = 0; round < 240; round++) {
		unsigned level = (unsigned)random_below(&seed, 32), variant = round / 4 % 3;
		struct filter_counts first = { 0 };
		uint64_t excluded[N_REASONS];
		bool want[PAGES];

		open_world(shapes[round % 4], variants[variant]);
		random_pages(&seed);
		if (random_below(&seed, 2)) {
			pfn_t a = random_below(&seed, 150) + 80, b = a + random_below(&seed, 50);
			pfn_t c = b + random_below(&seed, 50), d = c + random_below(&seed, 50);

			fake_memory_runs(&w.mem,
					 (struct pfn_run[]){ { 0, a, RUN_DATA },
							     { b, c, random_below(&seed, 2) ? RUN_LOST : RUN_EMPTY },
							     { c, d, RUN_LATE },
							     { d, PAGES, RUN_DATA } },
					 4);
		}
		w.mem.view_max = random_below(&seed, 2) ? 4096 : 0;
		model(level, variant == 1 ? 6 : 11, want, excluded);
		for (size_t i = 0; i < ARRAY_SIZE(windows); i++) {
			uint8_t kept[PAGES / 8];
			struct filter_counts c = scan(level, windows[i], kept);

			for (pfn_t pfn = 0; pfn < PAGES; pfn++)
				if (bitmap_test(kept, pfn) != want[pfn])
					fail_msg("round %u level %u window %" PRIu64 ": page %" PRIu64 " is %s", round,
						 level, windows[i], pfn, want[pfn] ? "left out" : "kept");
			for (size_t r = 0; r < N_REASONS; r++)
				if (c.excluded[r] != excluded[r])
					fail_msg("round %u level %u window %" PRIu64 ": reason %zu has %" PRIu64
						 " pages, not %" PRIu64,
						 round, level, windows[i], r, c.excluded[r], excluded[r]);
			if (!i)
				first = c;
			assert_int_equal(c.present, first.present);
			assert_int_equal(c.empty, first.empty);
			assert_int_equal(c.bad_orders, first.bad_orders);
			assert_int_equal(c.unread_structs, 0);
		}
		world_close(&w);
	}
}

/* --- free lists --------------------------------------------------------------------------------------------------- */

TEST(free_pages_come_from_the_lists_where_struct_pages_do_not_tell)
{
	static const char old[] = "SIZE(page)=64\nOFFSET(page.flags)=0\nOFFSET(page.mapping)=24\nOFFSET(page.lru)=8\n"
				  "OFFSET(list_head.next)=0\nOFFSET(list_head.prev)=8\nLENGTH(zone.free_area)=4\n"
				  "NUMBER(PG_lru)=5\nNUMBER(PG_private)=11\nNUMBER(PG_swapcache)=16\nSIZE(zone)=512\n"
				  "OFFSET(zone.free_area)=64\nOFFSET(zone.spanned_pages)=0\nSIZE(free_area)=32\n"
				  "OFFSET(pglist_data.node_zones)=64\nOFFSET(pglist_data.nr_zones)=0\n"
				  "OFFSET(free_area.free_list)=0\nSIZE(list_head)=16\n";
	const paddr_t pgdat = 0x1000, zone = pgdat + 64, list = zone + 64 + 3 * 32, lru = 8;
	uint8_t kept[PAGES / 8];
	char line[80];
	struct filter_counts c;

	for (size_t i = 0; i < 2; i++) {
		world_open(&w, 8, false, PAGES);
		world_facts(&w, old);
		snprintf(line, sizeof(line), "SYMBOL(contig_page_data)=%" PRIx64 "\n", world_va(&w, pgdat));
		if (i == 0)
			world_facts(&w, line);
		world_flat_mem_map(&w);
		w.k.version = KVERSION(2, 6) + 32;
		world_put_u32(&w, pgdat, 1);
		world_put_long(&w, zone, PAGES);
		for (unsigned order = 0; order < 4; order++) {
			paddr_t head = zone + 64 + order * 32;

			world_put_long(&w, head, world_va(&w, head));
			world_put_long(&w, head + 8, world_va(&w, head));
		}
		world_put_long(&w, list, world_va(&w, world_page(&w, 64) + lru));
		world_put_long(&w, world_page(&w, 64) + lru, world_va(&w, list));
		world_put_long(&w, world_page(&w, 64) + lru + 8, world_va(&w, list));
		world_put_long(&w, list + 8, world_va(&w, world_page(&w, 64) + lru));
		/* a window border in the middle of the block */
		c = scan(DL_FREE, i == 0 ? 8 : PAGES, kept);
		assert_int_equal(c.excluded[REASON_FREE], i == 0 ? 8 : 0);
		check_kept(kept, 64, 72, i != 0);
		check_kept(kept, 0, 64, true);
		check_kept(kept, 72, PAGES, true);
		world_close(&w);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_level_leaves_out_its_pages),
		cmocka_unit_test(compound_page_goes_or_stays_as_a_whole),
		cmocka_unit_test(head_that_is_not_aligned_or_impossibly_large_stands_for_itself),
		cmocka_unit_test(head_at_the_end_of_its_map_has_no_tail_to_ask),
		cmocka_unit_test(tail_of_a_head_is_found_where_the_map_goes_on_elsewhere),
		cmocka_unit_test(bad_page_of_a_compound_page_that_stays_goes_alone_unless_it_is_huge),
		cmocka_unit_test(free_block_of_an_impossible_order_is_kept_and_counted),
		cmocka_unit_test(pages_counted_once_though_blocks_overlap_holes),
		cmocka_unit_test(kinds_of_runs_are_treated_as_what_they_are),
		cmocka_unit_test(pages_whose_struct_pages_cannot_be_read_are_kept_and_counted),
		cmocka_unit_test(kernel_without_struct_pages_keeps_all),
		cmocka_unit_test(bits_behind_the_end_of_a_window_are_zero),
		cmocka_unit_test(restart_forgets_what_was_counted_and_what_was_pending),
		cmocka_unit_test(block_whose_head_was_left_out_of_the_input_goes_all_the_same),
		cmocka_unit_test(pages_that_must_not_be_read_are_told_even_within_blocks_that_go),
		cmocka_unit_test(window_is_decided_again_as_the_first_time),
		cmocka_unit_test(bad_offline_and_unaccepted_memory_is_never_read_at_any_level),
		cmocka_unit_test(proof_of_pages_never_read_fails_when_one_is_read),
		cmocka_unit_test(random_memory_is_decided_as_the_naive_model_does_in_windows_of_any_size),
		cmocka_unit_test(free_pages_come_from_the_lists_where_struct_pages_do_not_tell),
	};

	static const struct {
		const char *name;
		unsigned threads;
		pfn_t chunk_pages;
	} ways[] = { { "page_filter", 0, 0 },
		     { "page_filter in small chunks", 0, 8 },
		     { "page_filter with threads", 1, 64 },
		     { "page_filter with many threads", 7, 8 } };
	int failed = 0;

	message_set_level(0);
	for (size_t i = 0; i < ARRAY_SIZE(ways); i++) {
		threads = ways[i].threads;
		chunk_pages = ways[i].chunk_pages;
		failed += cmocka_run_group_tests_name(ways[i].name, tests, NULL, NULL);
	}
	return failed;
}
