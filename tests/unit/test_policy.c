/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a struct page says, and what the dump levels make of it: every rule, every word size, every byte order. */
#include "world.h"

#include "filter/policy.h"

#define LRU (1u << 5)
#define PRIVATE (1u << 14)
#define SWAPCACHE (1u << 10)
#define SWAPBACKED (1u << 17)
#define POISON (1u << 20)
#define HEAD 64u

#define BUDDY 0xf0000000u
#define OFFLINE 0xf1000000u
#define HUGETLB 0xf4000000u
#define SLAB 0xf5000000u
#define UNACCEPTED 0xf7000000u
#define UNTYPED 0xffffffffu

/* As the keys of kernel_6_12 say. */
enum { FLAGS_AT = 0, HEAD_AT = 8, MAPPING_AT = 24, PRIVATE_AT = 40, MAPCOUNT_AT = 48 };

static struct world w;
static struct page_layout l;

static void open_layout(unsigned shape, const char *keys, uint32_t version)
{
	message_set_level(0);
	world_open(&w, shape & 1 ? 8 : 4, shape & 2, 4);
	world_facts(&w, keys);
	w.k.version = version;
	w.k.mem_map.page_struct_size = fact_or(&w.k.facts, F_page_size, 0);
	page_layout_resolve(&l, &w.k, DL_MAX);
	world_close(&w);
}

static void put(uint8_t *page, unsigned at, uint64_t v)
{
	if (l.long64)
		put_u64(page + at, v, l.big_endian);
	else
		put_u32(page + at, (uint32_t)v, l.big_endian);
}

static void make(uint8_t page[64], uint64_t flags, uint64_t mapping, uint32_t mapcount, uint64_t head)
{
	memset(page, 0, 64);
	put(page, FLAGS_AT, flags);
	put(page, MAPPING_AT, mapping);
	put(page, HEAD_AT, head);
	put_u32(page + MAPCOUNT_AT, mapcount, l.big_endian);
}

static unsigned traits_of(const uint8_t *page)
{
	return l.long64 ? page_traits(&l, page, true) : page_traits(&l, page, false);
}

TEST(struct_page_shows_its_traits_in_every_word_size_and_byte_order)
{
	static const struct {
		const char *what;
		uint32_t flags, mapping, mapcount, head;
		unsigned traits;
	} rows[] = {
		{ "page of the kernel", 0, 0, UNTYPED, 0, 0 },
		{ "all zero", 0, 0, 0, 0, 0 },
		{ "cache", LRU, 0x1000, 0, 0, T_CACHE },
		{ "cache with buffers", LRU | PRIVATE, 0x1000, 0, 0, T_CACHE | T_PRIVATE },
		{ "anonymous", LRU | SWAPBACKED, 0x1001, 0, 0, T_CACHE | T_ANON },
		{ "anonymous, on no list", SWAPBACKED, 0x1001, 0, 0, T_ANON },
		{ "KSM", LRU, 0x1003, 5, 0, T_CACHE | T_ANON },
		{ "movable", 0, 0x1002, UNTYPED, 0, 0 },
		{ "swap cache", SWAPCACHE | SWAPBACKED, 0x1000, UNTYPED, 0, T_CACHE },
		{ "owner's private flag", SWAPCACHE, 0x1000, UNTYPED, 0, 0 },
		{ "free block", 0, 0, BUDDY, 0, T_BUDDY },
		{ "free block whose owner uses the low bits", 0, 0, BUDDY | 0x123, 0, T_BUDDY },
		{ "offline", 0, 0, OFFLINE, 0, T_OFFLINE },
		{ "unaccepted", 0, 0, UNACCEPTED, 0, T_UNACCEPTED },
		{ "page table", 0, 0, 0xf2000000, 0, 0 },
		{ "guard", 0, 0, 0xf3000000, 0, 0 },
		{ "slab with an odd word where mapping is", 0, 0x1001, SLAB, 0, 0 },
		{ "hugetlb head", HEAD, 0, HUGETLB, 0, T_HEAD },
		{ "poisoned", POISON, 0, UNTYPED, 0, T_POISON },
		{ "poisoned tail", POISON, 0, UNTYPED, 0x2001, T_POISON | T_TAIL },
		{ "poisoned slab", POISON, 0, SLAB, 0, T_POISON },
		{ "tail whose mapping is odd", 0, 0x1001, UNTYPED, 0x2001, T_TAIL | T_ANON },
		{ "tail with a mask instead of a pointer", 0, 0, UNTYPED, 0xffffff81, T_TAIL },
		{ "list pointer in the word of the head", LRU, 0x1000, 0, 0xffffff80, T_CACHE },
		{ "head", LRU | HEAD, 0x1001, 0, 0, T_CACHE | T_ANON | T_HEAD },
		{ "types combined as bits are none", 0, 0, 0xfffffe7f, 0, 0 },
		{ "all flags", UINT32_MAX, 0, UNTYPED, 0, T_CACHE | T_PRIVATE | T_POISON | T_HEAD },
	};

	for (unsigned shape = 0; shape < 4; shape++) {
		open_layout(shape, kernel_6_12, KVERSION(6, 12));
		for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
			uint8_t page[64];

			make(page, rows[i].flags, rows[i].mapping, rows[i].mapcount, rows[i].head);
			if (traits_of(page) != rows[i].traits)
				fail_msg("%s (shape %u): traits %#x, not %#x", rows[i].what, shape, traits_of(page),
					 rows[i].traits);
		}
	}
}

TEST(exact_types_of_older_kernels_are_exact)
{
	static const char keys[] =
		"SIZE(page)=64\nOFFSET(page.flags)=0\nOFFSET(page.mapping)=24\nOFFSET(page.lru)=8\n"
		"OFFSET(page._mapcount)=48\nOFFSET(page.private)=40\nOFFSET(page.compound_head)=8\nNUMBER(PG_lru)=4\n"
		"NUMBER(PG_private)=13\nNUMBER(PG_swapcache)=10\nNUMBER(PG_swapbacked)=19\nNUMBER(PG_slab)=9\n"
		"NUMBER(PG_head_mask)=65536\nNUMBER(PAGE_BUDDY_MAPCOUNT_VALUE)=-129\n"
		"NUMBER(PAGE_OFFLINE_MAPCOUNT_VALUE)=-257\n";

	for (unsigned shape = 0; shape < 4; shape++) {
		uint8_t page[64];

		open_layout(shape, keys, KVERSION(5, 10));
		make(page, 0, 0, (uint32_t)-129, 0);
		assert_int_equal(traits_of(page), T_BUDDY);
		make(page, 0, 0, (uint32_t)-257, 0);
		assert_int_equal(traits_of(page), T_OFFLINE);
		/* both at once, a page table, an untyped page, small counts below it */
		make(page, 0, 0, (uint32_t)-129 & (uint32_t)-257, 0);
		assert_int_equal(traits_of(page), 0);
		make(page, 0, 0, (uint32_t)-513, 0);
		assert_int_equal(traits_of(page), 0);
		make(page, 0, 0, (uint32_t)-2, 0);
		assert_int_equal(traits_of(page), 0);
		/* PG_slab is a flag here, and slab pages say nothing else */
		make(page, 1 << 9, 0x1001, (uint32_t)-129, 0);
		assert_int_equal(traits_of(page), 0);
	}
}

TEST(unknown_members_never_show_a_trait)
{
	/* only what every kernel exports; all other words of the page are all ones */
	open_layout(1, "SIZE(page)=64\nOFFSET(page.flags)=8\nNUMBER(PG_lru)=5\n", KVERSION(6, 12));
	uint8_t page[64];

	memset(page, 0xff, sizeof(page));
	assert_int_equal(traits_of(page), T_CACHE);
	put(page, 8, 0);
	assert_int_equal(traits_of(page), 0);
}

/* --- compound pages and free blocks --------------------------------------------------------------------------- */

TEST(order_and_hugetlb_of_6_9_and_later_stand_in_the_head_and_the_flags_of_its_tail)
{
	for (unsigned shape = 0; shape < 4; shape++) {
		uint8_t head[64], tail[64];
		struct page_head_info info;

		open_layout(shape, kernel_6_12, KVERSION(6, 12));
		make(head, HEAD, 0, HUGETLB, 0);
		make(tail, 0xabcd09, 0, UNTYPED, 0x2001);
		info = page_head_info(&l, head, tail);
		assert_int_equal(info.order, 9);
		assert_true(info.hugetlb);
		make(head, HEAD | LRU, 0x1001, 3, 0);
		info = page_head_info(&l, head, tail);
		assert_int_equal(info.order, 9);
		assert_false(info.hugetlb);
		/* an order that cannot be is none */
		make(tail, 64, 0, UNTYPED, 0x2001);
		assert_int_equal(page_head_info(&l, head, tail).order, 0);
		/* what follows is no tail: a stale head, or a copy of the head shown by shared struct pages */
		make(tail, 9, 0, UNTYPED, 0x2000);
		info = page_head_info(&l, head, tail);
		assert_int_equal(info.order, 0);
		assert_false(info.hugetlb);
	}
}

TEST(hugetlb_of_6_6_is_a_flag_of_the_tail)
{
	static const char keys[] = "SIZE(page)=64\nOFFSET(page.flags)=0\nOFFSET(page.mapping)=24\nOFFSET(page.lru)=8\n"
				   "OFFSET(page._mapcount)=48\nOFFSET(page.private)=40\nOFFSET(page.compound_head)=8\n"
				   "NUMBER(PG_lru)=5\nNUMBER(PG_head_mask)=64\nNUMBER(PG_hugetlb)=8\n";

	for (unsigned shape = 0; shape < 4; shape++) {
		uint8_t head[64], tail[64];

		open_layout(shape, keys, KVERSION(6, 6));
		make(head, HEAD, 0, UNTYPED, 0);
		make(tail, 1 << 8 | 18, 0, UNTYPED, 0x2001);
		assert_int_equal(page_head_info(&l, head, tail).order, 18);
		assert_true(page_head_info(&l, head, tail).hugetlb);
		make(tail, 18, 0, UNTYPED, 0x2001);
		assert_false(page_head_info(&l, head, tail).hugetlb);
	}
}

TEST(order_and_destructor_of_5_10_are_bytes_of_the_tail)
{
	static const char keys[] =
		"SIZE(page)=64\nOFFSET(page.flags)=0\nOFFSET(page.mapping)=24\nOFFSET(page.lru)=8\n"
		"OFFSET(page._mapcount)=48\nOFFSET(page.private)=40\nOFFSET(page.compound_head)=8\nNUMBER(PG_lru)=4\n"
		"NUMBER(PG_head_mask)=65536\nOFFSET(page.compound_dtor)=16\nOFFSET(page.compound_order)=17\n"
		"NUMBER(HUGETLB_PAGE_DTOR)=2\n";

	for (unsigned shape = 0; shape < 4; shape++) {
		uint8_t head[64], tail[64];

		open_layout(shape, keys, KVERSION(5, 10));
		make(head, 65536, 0, UNTYPED, 0);
		make(tail, 0, 0, UNTYPED, 0x2001);
		tail[16] = 2;
		tail[17] = 9;
		assert_int_equal(page_head_info(&l, head, tail).order, 9);
		assert_true(page_head_info(&l, head, tail).hugetlb);
		tail[16] = 1;
		assert_false(page_head_info(&l, head, tail).hugetlb);
		tail[17] = 200;
		assert_int_equal(page_head_info(&l, head, tail).order, 0);
	}
}

TEST(order_and_destructor_of_3_10_are_longs_of_the_tail)
{
	static const char keys[] =
		"SIZE(page)=64\nOFFSET(page.flags)=0\nOFFSET(page.mapping)=8\nOFFSET(page.lru)=32\n"
		"OFFSET(list_head.next)=0\nOFFSET(list_head.prev)=8\nNUMBER(PG_lru)=5\nNUMBER(PG_slab)=7\n"
		"NUMBER(PAGE_BUDDY_MAPCOUNT_VALUE)=-128\nSYMBOL(free_huge_page)=81150000\n";

	for (unsigned shape = 0; shape < 4; shape++) {
		uint8_t head[64] = { 0 }, tail[64] = { 0 };

		open_layout(shape, keys, KVERSION(3, 10));
		put(tail, 40, 9);
		put(tail, 32, 0x81150000);
		assert_int_equal(page_head_info(&l, head, tail).order, 9);
		assert_true(page_head_info(&l, head, tail).hugetlb);
		put(tail, 32, 0x81150008);
		assert_false(page_head_info(&l, head, tail).hugetlb);
		put(tail, 40, 0x80000009);
		assert_int_equal(page_head_info(&l, head, tail).order, 0);
	}
}

TEST(order_of_a_free_block_is_a_long)
{
	for (unsigned shape = 0; shape < 4; shape++) {
		uint8_t page[64] = { 0 };

		open_layout(shape, kernel_6_12, KVERSION(6, 12));
		put(page, PRIVATE_AT, 10);
		assert_int_equal(page_buddy_order(&l, page), 10);
		put(page, PRIVATE_AT, l.long64 ? UINT64_C(1) << 40 : 0x80000001);
		assert_int_equal(page_buddy_order(&l, page), l.long64 ? UINT64_C(1) << 40 : 0x80000001);
	}
}

/* --- rules ------------------------------------------------------------------------------------------------------ */

/* The decision as a chain of questions, in the order in which they count. */
static enum reason expected(unsigned level, unsigned t)
{
	if (t & T_TAIL)
		return t & T_POISON ? REASON_HWPOISON : REASON_KEEP;
	if (level & DL_FREE && t & T_BUDDY)
		return REASON_FREE;
	if (t & T_UNACCEPTED)
		return REASON_UNACCEPTED;
	if (t & T_CACHE && !(t & T_ANON)) {
		if (level & DL_CACHE && !(t & T_PRIVATE))
			return REASON_CACHE;
		if (level & DL_CACHE_PRIVATE)
			return t & T_PRIVATE ? REASON_CACHE_PRIVATE : REASON_CACHE;
	}
	if (level & DL_USER && t & (T_ANON | T_HUGETLB))
		return REASON_USER;
	if (t & T_POISON)
		return REASON_HWPOISON;
	if (t & T_OFFLINE)
		return REASON_OFFLINE;
	return REASON_KEEP;
}

TEST(struct_pages_that_count_as_alike_have_the_same_traits)
{
	static const uint32_t types[] = { 0, UNTYPED, BUDDY, BUDDY | 5, OFFLINE, SLAB, HUGETLB, UNACCEPTED };
	uint64_t seed = 7, alike = 0, unlike = 0;
	uint8_t pages[16 * 64];

	for (unsigned round = 0; round < 8000; round++) {
		uint64_t n = 1 + random_below(&seed, 16), count;

		if (!(round % 2000))
			open_layout(round / 2000, kernel_6_12, KVERSION(6, 12));
		for (size_t i = 0; i < n; i++)
			make(pages + i * 64, random_below(&seed, 8) ? LRU | SWAPBACKED : (uint32_t)random_next(&seed),
			     random_below(&seed, 8) ? 0x1001 : 0x1000,
			     types[random_below(&seed, 8) ? 0 : random_below(&seed, ARRAY_SIZE(types))],
			     random_below(&seed, 16) ? 0x2000 : 0x2001);
		count = page_count_alike(&l, pages, n);
		assert_true(count >= 1 && count <= n);
		for (size_t i = 1; i < count; i++, alike++)
			assert_int_equal(traits_of(pages + i * 64), traits_of(pages));
		unlike += count < n;
	}
	assert_true(alike > 1000 && unlike > 1000);
}

TEST(what_decides_nothing_makes_struct_pages_no_less_alike)
{
	uint8_t pages[4 * 64];

	for (unsigned shape = 0; shape < 4; shape++) {
		open_layout(shape, kernel_6_12, KVERSION(6, 12));
		make(pages, LRU | SWAPBACKED, 0x1001, 0, 0x2000);
		make(pages + 64, LRU | SWAPBACKED | 1 << 3 | 1 << 30, 0x5551, 7, 0xfff0); /* PG_uptodate, the zone */
		put(pages + 64, PRIVATE_AT, 0x77);
		make(pages + 128, LRU, 0x1001, 0, 0x2000);
		make(pages + 192, LRU | SWAPBACKED, 0x1001, 0, 0x2000);
		assert_int_equal(page_count_alike(&l, pages, 4), 2);
		assert_int_equal(page_count_alike(&l, pages, 1), 1);
		assert_int_equal(page_count_alike(&l, pages + 64, 1), 1);
	}
}

TEST(every_level_decides_about_every_set_of_traits_as_the_rules_say)
{
	open_layout(1, kernel_6_12, KVERSION(6, 12));
	for (unsigned level = 0; level <= DL_MAX; level++) {
		struct policy p;

		policy_fold(&p, &l, level);
		for (unsigned t = 0; t < N_TRAIT_SETS; t++)
			if (p.reason[t] != expected(level, t))
				fail_msg("level %u, traits %#x: reason %d, not %d", level, t, p.reason[t],
					 expected(level, t));
	}
}

TEST(named_cases_at_named_levels)
{
	static const struct {
		unsigned level, traits;
		enum reason reason;
	} rows[] = {
		{ 0, 0, REASON_KEEP },
		{ 0, T_BUDDY, REASON_KEEP },
		{ 16, T_BUDDY, REASON_FREE },
		{ 15, T_BUDDY, REASON_KEEP },
		{ 2, T_CACHE, REASON_CACHE },
		{ 2, T_CACHE | T_PRIVATE, REASON_KEEP },
		{ 2, T_CACHE | T_ANON, REASON_KEEP },
		{ 4, T_CACHE, REASON_CACHE },
		{ 4, T_CACHE | T_PRIVATE, REASON_CACHE_PRIVATE },
		{ 6, T_CACHE | T_PRIVATE, REASON_CACHE_PRIVATE },
		{ 8, T_CACHE | T_ANON, REASON_USER },
		{ 8, T_HUGETLB, REASON_USER },
		{ 23, T_HUGETLB, REASON_KEEP },
		{ 31, T_TAIL | T_CACHE | T_ANON | T_BUDDY, REASON_KEEP },
		{ 0, T_POISON, REASON_HWPOISON },
		{ 0, T_OFFLINE, REASON_OFFLINE },
		{ 0, T_UNACCEPTED, REASON_UNACCEPTED },
		{ 31, T_UNACCEPTED, REASON_UNACCEPTED },
		{ 0, T_TAIL | T_POISON, REASON_HWPOISON },
		{ 8, T_POISON | T_ANON, REASON_USER },
		{ 1, T_CACHE | T_PRIVATE | T_ANON | T_HUGETLB, REASON_KEEP },
	};

	open_layout(1, kernel_6_12, KVERSION(6, 12));
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct policy p;

		policy_fold(&p, &l, rows[i].level);
		if (p.reason[rows[i].traits] != rows[i].reason)
			fail_msg("row %zu: %d", i, p.reason[rows[i].traits]);
	}
}

TEST(policy_that_drops_nothing_says_so_and_no_other_does)
{
	static const char plain[] = "SIZE(page)=64\nOFFSET(page.flags)=0\nOFFSET(page.mapping)=24\nNUMBER(PG_lru)=5\n";
	struct policy p;

	open_layout(1, plain, KVERSION(5, 10));
	for (unsigned level = 0; level <= DL_MAX; level++) {
		policy_fold(&p, &l, level);
		assert_int_equal(p.drops_nothing, !(level & (DL_CACHE | DL_CACHE_PRIVATE | DL_USER)));
	}
	/* bad, offline and unaccepted memory is looked for at every level */
	open_layout(1, kernel_6_12, KVERSION(6, 12));
	for (unsigned level = 0; level <= DL_MAX; level++) {
		policy_fold(&p, &l, level);
		assert_false(p.drops_nothing);
	}
	for (unsigned i = 0; i < 3; i++) {
		open_layout(1, plain, KVERSION(5, 10));
		if (i == 0)
			l.poison_flag = 1;
		else if (i == 1)
			l.offline.mask = 1;
		else
			l.unaccepted.mask = 1;
		policy_fold(&p, &l, 0);
		assert_false(p.drops_nothing);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(struct_page_shows_its_traits_in_every_word_size_and_byte_order),
		cmocka_unit_test(exact_types_of_older_kernels_are_exact),
		cmocka_unit_test(unknown_members_never_show_a_trait),
		cmocka_unit_test(order_and_hugetlb_of_6_9_and_later_stand_in_the_head_and_the_flags_of_its_tail),
		cmocka_unit_test(hugetlb_of_6_6_is_a_flag_of_the_tail),
		cmocka_unit_test(order_and_destructor_of_5_10_are_bytes_of_the_tail),
		cmocka_unit_test(order_and_destructor_of_3_10_are_longs_of_the_tail),
		cmocka_unit_test(order_of_a_free_block_is_a_long),
		cmocka_unit_test(struct_pages_that_count_as_alike_have_the_same_traits),
		cmocka_unit_test(what_decides_nothing_makes_struct_pages_no_less_alike),
		cmocka_unit_test(every_level_decides_about_every_set_of_traits_as_the_rules_say),
		cmocka_unit_test(named_cases_at_named_levels),
		cmocka_unit_test(policy_that_drops_nothing_says_so_and_no_other_does),
	};

	return cmocka_run_group_tests_name("policy", tests, NULL, NULL);
}
