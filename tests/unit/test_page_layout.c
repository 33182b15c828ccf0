/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which key of VMCOREINFO means what, for the sets of keys that kernels have had. */
#include "world.h"

#include "filter/page_layout.h"

static struct world w;
static struct page_layout l;
static char *said;

/* Resolves level 31 for a kernel with these keys; what is said is kept. */
static unsigned resolve(const char *keys, uint32_t version, unsigned long_bytes, bool big)
{
	struct capture c;
	unsigned level;

	world_open(&w, long_bytes, big, 4);
	world_facts(&w, keys);
	w.k.version = version;
	w.k.mem_map.page_struct_size = fact_or(&w.k.facts, F_page_size, 0);
	free(said);
	capture_start(&c, 1);
	message_set_level(MSG_COMMON);
	level = page_layout_resolve(&l, &w.k, DL_MAX);
	message_set_level(0);
	said = captured(&c);
	world_close(&w);
	return level;
}

static unsigned resolve_le64(const char *keys, uint32_t version)
{
	return resolve(keys, version, 8, false);
}

/* The keys without the one line that starts with `key`, and with another in its place. */
static const char *change(const char *keys, const char *key, const char *instead)
{
	static char text[4096];
	char *at;

	snprintf(text, sizeof(text), "%s", keys);
	at = strstr(text, key);
	assert_non_null(at);
	memmove(at, strchr(at, '\n') + 1, strlen(strchr(at, '\n')));
	strcat(text, instead);
	return text;
}

/* x86_64 kernels, as they export it */
#define MEMBERS_4_7                                                            \
	"SIZE(page)=64\nOFFSET(page.flags)=0\nOFFSET(page._refcount)=52\nOFFSET(page.mapping)=24\n" \
	"OFFSET(page.lru)=8\nOFFSET(page._mapcount)=48\nOFFSET(page.private)=40\n"                  \
	"OFFSET(page.compound_head)=8\nOFFSET(list_head.next)=0\nOFFSET(list_head.prev)=8\n"        \
	"LENGTH(zone.free_area)=11\n"
static const char keys_5_10[] = MEMBERS_4_7
	"OFFSET(page.compound_dtor)=16\nOFFSET(page.compound_order)=17\nNUMBER(PG_lru)=4\nNUMBER(PG_private)=13\n"
	"NUMBER(PG_swapcache)=10\nNUMBER(PG_swapbacked)=19\nNUMBER(PG_slab)=9\nNUMBER(PG_head_mask)=65536\n"
	"NUMBER(PAGE_BUDDY_MAPCOUNT_VALUE)=-129\nNUMBER(PAGE_OFFLINE_MAPCOUNT_VALUE)=-257\nNUMBER(HUGETLB_PAGE_DTOR)=2\n";
static const char keys_6_3[] = MEMBERS_4_7
	"OFFSET(folio._folio_dtor)=80\nOFFSET(folio._folio_order)=81\nNUMBER(PG_lru)=4\nNUMBER(PG_private)=13\n"
	"NUMBER(PG_swapcache)=10\nNUMBER(PG_swapbacked)=19\nNUMBER(PG_slab)=9\nNUMBER(PG_head_mask)=65536\n"
	"NUMBER(PAGE_BUDDY_MAPCOUNT_VALUE)=-129\nNUMBER(PAGE_OFFLINE_MAPCOUNT_VALUE)=-257\nNUMBER(HUGETLB_PAGE_DTOR)=2\n";
static const char keys_6_6[] = MEMBERS_4_7
	"NUMBER(PG_lru)=5\nNUMBER(PG_private)=14\nNUMBER(PG_swapcache)=11\nNUMBER(PG_swapbacked)=18\nNUMBER(PG_slab)=9\n"
	"NUMBER(PG_head_mask)=64\nNUMBER(PG_hugetlb)=8\nNUMBER(PG_hwpoison)=22\n"
	"NUMBER(PAGE_BUDDY_MAPCOUNT_VALUE)=-129\nNUMBER(PAGE_OFFLINE_MAPCOUNT_VALUE)=-257\n";
static const char keys_6_9[] = MEMBERS_4_7
	"NUMBER(PG_lru)=5\nNUMBER(PG_private)=14\nNUMBER(PG_swapcache)=11\nNUMBER(PG_swapbacked)=18\nNUMBER(PG_slab)=9\n"
	"NUMBER(PG_head_mask)=64\nNUMBER(PAGE_BUDDY_MAPCOUNT_VALUE)=-129\nNUMBER(PAGE_OFFLINE_MAPCOUNT_VALUE)=-257\n"
	"NUMBER(PAGE_HUGETLB_MAPCOUNT_VALUE)=-2049\n";
/* up to 3.8: no buddy value, no head mask, no slab */
static const char keys_2_6_32[] =
	"SIZE(page)=56\nOFFSET(page.flags)=0\nOFFSET(page._count)=8\nOFFSET(page.mapping)=24\nOFFSET(page.lru)=40\n"
	"OFFSET(list_head.next)=0\nOFFSET(list_head.prev)=8\nLENGTH(zone.free_area)=11\nNUMBER(PG_lru)=5\n"
	"NUMBER(PG_private)=11\nNUMBER(PG_swapcache)=16\n";
static const char keys_3_10[] =
	"SIZE(page)=64\nOFFSET(page.flags)=0\nOFFSET(page._count)=28\nOFFSET(page.mapping)=8\nOFFSET(page.lru)=32\n"
	"OFFSET(page._mapcount)=24\nOFFSET(page.private)=48\nOFFSET(list_head.next)=0\nOFFSET(list_head.prev)=8\n"
	"LENGTH(zone.free_area)=11\nNUMBER(PG_lru)=5\nNUMBER(PG_private)=11\nNUMBER(PG_swapcache)=15\nNUMBER(PG_slab)=7\n"
	"NUMBER(PG_hwpoison)=23\nNUMBER(PAGE_BUDDY_MAPCOUNT_VALUE)=-128\nSYMBOL(free_huge_page)=ffffffff81150000\n";
static const char keys_4_14[] = MEMBERS_4_7
	"OFFSET(page.compound_dtor)=16\nOFFSET(page.compound_order)=20\nNUMBER(PG_lru)=5\nNUMBER(PG_private)=12\n"
	"NUMBER(PG_swapcache)=9\nNUMBER(PG_slab)=8\nNUMBER(PG_head_mask)=32768\n"
	"NUMBER(PAGE_BUDDY_MAPCOUNT_VALUE)=-128\nNUMBER(HUGETLB_PAGE_DTOR)=2\n";

/* Masks are kept as they stand in memory, so that nothing is swapped when a page is judged: as numbers, for any host. */
static uint64_t number64(uint64_t stored)
{
	uint8_t raw[8];

	memcpy(raw, &stored, sizeof(raw));
	return get_u64(raw, l.big_endian);
}

static void check_type(struct page_type_test t, uint32_t mask, uint32_t value)
{
	uint8_t raw[2][4];

	memcpy(raw[0], &t.mask, sizeof(raw[0]));
	memcpy(raw[1], &t.value, sizeof(raw[1]));
	if (get_u32(raw[0], l.big_endian) != mask || get_u32(raw[1], l.big_endian) != value)
		fail_msg("type test is %#x/%#x, not %#x/%#x", get_u32(raw[0], l.big_endian), get_u32(raw[1], l.big_endian),
			 mask, value);
}

/* A test that is never true. */
static void check_no_type(struct page_type_test t)
{
	assert_int_equal(t.mask, 0);
	assert_int_not_equal(t.value, 0);
}

TEST(every_set_of_keys_serves_every_level_without_a_word)
{
	static const struct {
		const char *keys;
		uint32_t version;
	} rows[] = {
		{ keys_2_6_32, KVERSION(2, 6) + 32 }, { keys_3_10, KVERSION(3, 10) }, { keys_4_14, KVERSION(4, 14) },
		{ keys_5_10, KVERSION(5, 10) },	      { keys_6_3, KVERSION(6, 3) },   { keys_6_6, KVERSION(6, 6) },
		{ keys_6_9, KVERSION(6, 9) },	      { kernel_6_12, KVERSION(6, 12) },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		unsigned level = resolve_le64(rows[i].keys, rows[i].version);

		if (level != DL_MAX || said[0])
			fail_msg("row %zu: level %u, said \"%s\"", i, level, said);
	}
}

TEST(keys_of_5_10_are_understood)
{
	assert_int_equal(resolve_le64(keys_5_10, KVERSION(5, 10)), DL_MAX);
	assert_int_equal(l.size, 64);
	assert_true(l.long64);
	assert_false(l.big_endian);
	assert_int_equal(l.flags_at, 0);
	assert_int_equal(l.mapping_at, 24);
	assert_int_equal(l.head_at, 8);
	assert_int_equal(l.type_at, 48);
	assert_int_equal(l.private_at, 40);
	assert_int_equal(number64(l.lru_flag), 1 << 4);
	assert_int_equal(number64(l.private_flag), 1 << 13);
	assert_int_equal(number64(l.swapcache_flag), 1 << 10);
	assert_int_equal(number64(l.swapbacked_flag), 1 << 19);
	assert_int_equal(number64(l.slab_flag), 1 << 9);
	assert_int_equal(l.poison_flag, 0);
	assert_int_equal(number64(l.head_mask), 65536);
	assert_int_equal(number64(l.anon_bit), 1);
	assert_int_equal(number64(l.tail_bit), 1);
	assert_true(l.tails_are_marked);
	check_type(l.buddy, UINT32_MAX, 0xffffff7f);
	check_type(l.offline, UINT32_MAX, 0xfffffeff);
	assert_int_equal(l.slab.mask, 0);
	assert_int_equal(l.hugetlb.mask, 0);
	assert_int_equal(l.unaccepted.mask, 0);
	assert_false(l.order_in_flags);
	assert_int_equal(l.order.at, 17);
	assert_int_equal(l.order.width, 1);
	assert_int_equal(l.dtor.at, 16);
	assert_int_equal(l.dtor.width, 1);
	assert_true(l.has_hugetlb_dtor);
	assert_int_equal(l.hugetlb_dtor, 2);
	assert_int_equal(l.max_orders, 11);
	assert_true(l.free_by_page);
}

TEST(keys_of_6_3_count_from_the_first_tail)
{
	resolve_le64(keys_6_3, KVERSION(6, 3));
	assert_int_equal(l.order.at, 81 - 64);
	assert_int_equal(l.dtor.at, 80 - 64);
	assert_true(l.has_hugetlb_dtor);
}

TEST(keys_of_6_6_have_the_order_in_the_flags_and_a_flag_for_hugetlb)
{
	resolve_le64(keys_6_6, KVERSION(6, 6));
	assert_true(l.order_in_flags);
	assert_int_equal(l.hugetlb_tail_flag, 1 << 8);
	assert_int_equal(number64(l.poison_flag), 1 << 22);
	assert_int_equal(number64(l.slab_flag), 1 << 9);
	/* without the key of hugetlb pages the release tells where the order is */
	resolve_le64(change(keys_6_6, "NUMBER(PG_hugetlb)", ""), KVERSION(6, 6));
	assert_true(l.order_in_flags);
	assert_int_equal(l.hugetlb_tail_flag, 0);
}

TEST(keys_of_6_9_have_a_type_for_hugetlb)
{
	resolve_le64(keys_6_9, KVERSION(6, 9));
	assert_true(l.order_in_flags);
	check_type(l.hugetlb, UINT32_MAX, 0xfffff7ff);
	assert_int_equal(l.hugetlb_tail_flag, 0);
	assert_int_equal(number64(l.slab_flag), 1 << 9);
}

TEST(keys_of_6_12_have_types_in_the_top_byte)
{
	resolve_le64(kernel_6_12, KVERSION(6, 12));
	check_type(l.buddy, 0xff000000, 0xf0000000);
	check_type(l.offline, 0xff000000, 0xf1000000);
	check_type(l.hugetlb, 0xff000000, 0xf4000000);
	check_type(l.slab, 0xff000000, 0xf5000000);
	check_type(l.unaccepted, 0xff000000, 0xf7000000);
	/* what was PG_slab may mean anything now, even where debug information still knows it */
	resolve_le64(change(kernel_6_12, "LENGTH", "LENGTH(zone.free_area)=11\nNUMBER(PG_slab)=3\n"), KVERSION(6, 12));
	assert_int_equal(l.slab_flag, 0);
	assert_true(l.order_in_flags);
}

TEST(types_may_be_exported_as_unsigned_numbers)
{
	resolve_le64(change(kernel_6_12, "NUMBER(PAGE_BUDDY", "NUMBER(PAGE_BUDDY_MAPCOUNT_VALUE)=4026531840\n"),
		     KVERSION(6, 12));
	check_type(l.buddy, 0xff000000, 0xf0000000);
}

TEST(types_that_untyped_pages_have_are_no_types)
{
	static const char *const bad[] = { "0", "-1", "4294967295", "0x100000000", "-4294967297" };

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		char lines[80];

		snprintf(lines, sizeof(lines), "NUMBER(PAGE_OFFLINE_MAPCOUNT_VALUE)=%s\n", bad[i]);
		resolve_le64(change(kernel_6_12, "NUMBER(PAGE_OFFLINE", lines), KVERSION(6, 12));
		check_no_type(l.offline);
	}
}

TEST(offline_type_that_is_not_exported_stands_beside_that_of_free_pages)
{
	/* kernels without HUGETLB_PAGE; before 5.1 the bit was that of ballooned pages, and since 6.11 types are numbers */
	static const struct {
		uint32_t version;
		const char *free;
		bool told;
	} rows[] = {
		{ KVERSION(5, 10), "-129", true },   { KVERSION(6, 1), "-129", true },	 { KVERSION(5, 0), "-129", false },
		{ KVERSION(4, 14), "-128", false },  { KVERSION(6, 1), "-128", false }, { KVERSION(6, 11), "-129", false },
		{ KVERSION(6, 1), "-257", false },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		char keys[8192], line[80];

		snprintf(line, sizeof(line), "NUMBER(PAGE_BUDDY_MAPCOUNT_VALUE)=%s\n", rows[i].free);
		snprintf(keys, sizeof(keys), "%s", change(keys_5_10, "NUMBER(PAGE_OFFLINE", ""));
		resolve_le64(change(keys, "NUMBER(PAGE_BUDDY", line), rows[i].version);
		if (rows[i].told)
			check_type(l.offline, UINT32_MAX, 0xfffffeff);
		else
			check_no_type(l.offline);
	}
}

TEST(compound_info_is_as_good_as_compound_head)
{
	assert_int_equal(resolve_le64(change(kernel_6_12, "OFFSET(page.compound_head)", "OFFSET(page.compound_info)=16\n"),
				      KVERSION(7, 1)),
			 DL_MAX);
	assert_int_equal(l.head_at, 16);
	assert_true(l.tails_are_marked);
}

TEST(keys_of_2_6_32_are_filled_up_with_what_that_kernel_had)
{
	resolve_le64(keys_2_6_32, KVERSION(2, 6) + 32);
	assert_int_equal(number64(l.head_mask), 1 << 14);
	assert_int_equal(number64(l.slab_flag), 1 << 7);
	assert_int_equal(l.swapbacked_flag, 0);
	assert_false(l.tails_are_marked);
	assert_int_equal(l.head_at, 40);
	assert_int_equal(l.order.at, 48);
	assert_int_equal(l.order.width, 8);
	assert_int_equal(l.dtor.at, 40);
	assert_int_equal(l.dtor.width, 8);
	/* free pages are on lists only */
	assert_false(l.free_by_page);
	/* with debug information: a flag */
	resolve_le64(change(keys_2_6_32, "LENGTH", "LENGTH(zone.free_area)=11\nOFFSET(page.private)=16\nNUMBER(PG_buddy)=19\n"),
		     KVERSION(2, 6) + 32);
	assert_int_equal(number64(l.buddy_flag), 1 << 19);
	assert_true(l.free_by_page);
}

TEST(keys_of_3_10_tell_hugetlb_by_the_address_of_its_destructor)
{
	resolve_le64(keys_3_10, KVERSION(3, 10));
	check_type(l.buddy, UINT32_MAX, 0xffffff80);
	assert_int_equal(l.free_huge_page, UINT64_C(0xffffffff81150000));
	assert_int_equal(l.order.at, 40);
	assert_int_equal(l.dtor.at, 32);
	assert_int_equal(number64(l.poison_flag), 1 << 23);
	assert_int_equal(number64(l.head_mask), 1 << 14);
}

TEST(swap_cache_of_4_10_to_4_16_needs_the_bit_above_private)
{
	resolve_le64(keys_4_14, KVERSION(4, 14));
	assert_int_equal(number64(l.swapcache_flag), 1 << 9);
	assert_int_equal(number64(l.swapbacked_flag), 1 << 18);
	assert_int_equal(l.order.at, 20);
}

TEST(buddy_flag_of_debug_information_does_not_outrank_the_type)
{
	resolve_le64(change(kernel_6_12, "LENGTH", "LENGTH(zone.free_area)=11\nNUMBER(PG_buddy)=7\n"), KVERSION(6, 12));
	assert_int_equal(l.buddy_flag, 0);
	check_type(l.buddy, 0xff000000, 0xf0000000);
}

/* What is missing costs the pages that need it, each said in one line; nothing else. */
TEST(missing_key_costs_its_class_of_pages_and_is_named)
{
	static const struct {
		const char *keys, *key;
		uint32_t version;
		unsigned left;
		const char *named;
	} rows[] = {
		{ kernel_6_12, "OFFSET(page.flags)", KVERSION(6, 12), DL_ZERO, "OFFSET(page.flags)" },
		{ kernel_6_12, "OFFSET(page.mapping)", KVERSION(6, 12), DL_ZERO | DL_FREE, "OFFSET(page.mapping)" },
		{ kernel_6_12, "NUMBER(PG_lru)", KVERSION(6, 12), DL_ZERO | DL_USER | DL_FREE, "NUMBER(PG_lru)" },
		{ kernel_6_12, "NUMBER(PG_private)", KVERSION(6, 12), DL_ZERO | DL_USER | DL_FREE, "NUMBER(PG_private)" },
		{ kernel_6_12, "NUMBER(PG_swapcache)", KVERSION(6, 12), DL_ZERO | DL_USER | DL_FREE, "NUMBER(PG_swapcache)" },
		{ kernel_6_12, "NUMBER(PAGE_SLAB_MAPCOUNT_VALUE)", KVERSION(6, 12), DL_MAX & ~DL_USER,
		  "NUMBER(PAGE_SLAB_MAPCOUNT_VALUE)" },
		{ keys_5_10, "NUMBER(PG_slab)", KVERSION(5, 10), DL_MAX & ~DL_USER, "NUMBER(PG_slab)" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		unsigned level = resolve_le64(change(rows[i].keys, rows[i].key, ""), rows[i].version);

		if (level != rows[i].left)
			fail_msg("without %s: level %u, not %u", rows[i].key, level, rows[i].left);
		assert_contains(said, rows[i].named);
		assert_contains(said, "stay in the dump");
	}
}

TEST(impossible_flag_numbers_are_no_flags)
{
	assert_int_equal(resolve_le64(change(kernel_6_12, "NUMBER(PG_lru)", "NUMBER(PG_lru)=64\n"), KVERSION(6, 12)),
			 DL_ZERO | DL_USER | DL_FREE);
	assert_contains(said, "NUMBER(PG_lru) is impossible");
	/* a 32-bit machine has 32 flags */
	resolve(change(kernel_6_12, "NUMBER(PG_hwpoison)", "NUMBER(PG_hwpoison)=32\n"), KVERSION(6, 12), 4, false);
	assert_int_equal(l.poison_flag, 0);
	assert_contains(said, "PG_hwpoison");
	/* and flags above 31 are flags where there are 64 */
	resolve_le64(change(kernel_6_12, "NUMBER(PG_hwpoison)", "NUMBER(PG_hwpoison)=40\n"), KVERSION(6, 12));
	assert_true(number64(l.poison_flag) == UINT64_C(1) << 40);
}

TEST(member_outside_struct_page_is_unknown)
{
	static const char *const at[] = { "57", "64", "-8", "65535", "4294967296" };

	for (size_t i = 0; i < ARRAY_SIZE(at); i++) {
		char lines[64];

		snprintf(lines, sizeof(lines), "OFFSET(page.mapping)=%s\n", at[i]);
		assert_int_equal(resolve_le64(change(kernel_6_12, "OFFSET(page.mapping)", lines), KVERSION(6, 12)),
				 DL_ZERO | DL_FREE);
		assert_int_equal(l.anon_bit, 0);
		assert_in_range(l.mapping_at, 0, 56);
	}
	assert_int_equal(resolve_le64(change(kernel_6_12, "OFFSET(page.mapping)", "OFFSET(page.mapping)=56\n"), KVERSION(6, 12)),
			 DL_MAX);
}

TEST(free_blocks_without_private_are_not_told_by_page)
{
	resolve_le64(change(kernel_6_12, "OFFSET(page.private)", ""), KVERSION(6, 12));
	assert_false(l.free_by_page);
	resolve_le64(change(kernel_6_12, "OFFSET(page._mapcount)", ""), KVERSION(6, 12));
	assert_false(l.free_by_page);
}

TEST(constants_are_stored_as_the_dump_stores_them)
{
	for (unsigned shape = 0; shape < 4; shape++) {
		unsigned long_bytes = shape & 1 ? 8 : 4;
		bool big = shape & 2;
		uint8_t raw[8] = { 0 };

		resolve(kernel_6_12, KVERSION(6, 12), long_bytes, big);
		assert_int_equal(l.long64, long_bytes == 8);
		assert_int_equal(l.big_endian, big);
		if (long_bytes == 8) {
			put_u64(raw, 1 << 5, big);
			assert_memory_equal(&l.lru_flag, raw, 8);
			put_u64(raw, 1, big);
			assert_memory_equal(&l.anon_bit, raw, 8);
			assert_memory_equal(&l.tail_bit, raw, 8);
		} else {
			uint32_t low = (uint32_t)l.lru_flag;

			put_u32(raw, 1 << 5, big);
			assert_memory_equal(&low, raw, 4);
			low = (uint32_t)l.anon_bit;
			put_u32(raw, 1, big);
			assert_memory_equal(&low, raw, 4);
		}
		put_u32(raw, 0xf0000000, big);
		assert_memory_equal(&l.buddy.value, raw, 4);
		put_u32(raw, 0xff000000, big);
		assert_memory_equal(&l.buddy.mask, raw, 4);
	}
}

TEST(big_endian_kernels_before_4_16_keep_the_order_in_16_bits)
{
	resolve(keys_4_14, KVERSION(4, 14), 8, true);
	assert_int_equal(l.order.width, 2);
	resolve(keys_5_10, KVERSION(5, 10), 8, true);
	assert_int_equal(l.order.width, 1);
}

TEST(classes_that_nobody_asked_for_are_not_talked_about)
{
	struct capture c;
	char *text;

	world_open(&w, 8, false, 4);
	world_facts(&w, "SIZE(page)=64\n");
	w.k.mem_map.page_struct_size = 64;
	capture_start(&c, 1);
	message_set_level(MSG_COMMON);
	assert_int_equal(page_layout_resolve(&l, &w.k, DL_ZERO), DL_ZERO);
	message_set_level(0);
	text = captured(&c);
	assert_string_equal(text, "");
	free(text);
	world_close(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_set_of_keys_serves_every_level_without_a_word),
		cmocka_unit_test(keys_of_5_10_are_understood),
		cmocka_unit_test(keys_of_6_3_count_from_the_first_tail),
		cmocka_unit_test(keys_of_6_6_have_the_order_in_the_flags_and_a_flag_for_hugetlb),
		cmocka_unit_test(keys_of_6_9_have_a_type_for_hugetlb),
		cmocka_unit_test(keys_of_6_12_have_types_in_the_top_byte),
		cmocka_unit_test(types_may_be_exported_as_unsigned_numbers),
		cmocka_unit_test(types_that_untyped_pages_have_are_no_types),
		cmocka_unit_test(offline_type_that_is_not_exported_stands_beside_that_of_free_pages),
		cmocka_unit_test(compound_info_is_as_good_as_compound_head),
		cmocka_unit_test(keys_of_2_6_32_are_filled_up_with_what_that_kernel_had),
		cmocka_unit_test(keys_of_3_10_tell_hugetlb_by_the_address_of_its_destructor),
		cmocka_unit_test(swap_cache_of_4_10_to_4_16_needs_the_bit_above_private),
		cmocka_unit_test(buddy_flag_of_debug_information_does_not_outrank_the_type),
		cmocka_unit_test(missing_key_costs_its_class_of_pages_and_is_named),
		cmocka_unit_test(impossible_flag_numbers_are_no_flags),
		cmocka_unit_test(member_outside_struct_page_is_unknown),
		cmocka_unit_test(free_blocks_without_private_are_not_told_by_page),
		cmocka_unit_test(constants_are_stored_as_the_dump_stores_them),
		cmocka_unit_test(big_endian_kernels_before_4_16_keep_the_order_in_16_bits),
		cmocka_unit_test(classes_that_nobody_asked_for_are_not_talked_about),
	};
	int failed;

	message_set_level(0);
	failed = cmocka_run_group_tests_name("page_layout", tests, NULL, NULL);
	free(said);
	return failed;
}
