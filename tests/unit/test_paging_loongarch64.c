/* SPDX-License-Identifier: GPL-2.0-or-later */
/* loongarch64: its windows, and page tables of two to four levels with pages of 4, 16 and 64 KiB. */
#include "tables.h"

static struct world w;
static struct tables t;
static struct err e;

#define WINDOW UINT64_C(0x9000000000000000)
#define VMALLOC UINT64_C(0xffff800000000000)
#define PRESENT UINT64_C(0x80)
#define GLOBAL UINT64_C(0x40)
#define HUGE_BITS (GLOBAL | UINT64_C(0x1000)) /* the bit of huge pages is that of global ones, which moves to bit 12 */
/* valid, dirty, cached, written, modified; not executable, not readable, only for one level of privilege */
#define NOISE UINT64_C(0xe000000000000313)
#define PAGES 1024
#define ROOT_FACT "SYMBOL(swapper_pg_dir)=9000000000040000\n"

static int close_world(void **state)
{
	(void)state;
	world_close(&w);
	return 0;
}

static const uint8_t forms[][6] = {
	{ 12, 9, 9, 9 }, { 12, 9, 9, 9, 9 }, { 14, 11, 11 }, { 14, 11, 11, 11 }, { 16, 13, 13 }, { 16, 13, 13, 13 },
};

/* Tables whose root is where ROOT_FACT says. */
static void open_tables(const uint8_t *bits, bool empty_tables)
{
	uint64_t table = UINT64_C(1) << bits[0];
	unsigned levels = 1;

	while (bits[levels + 1])
		levels++;
	world_open_machine(&w, &arch_loongarch64, bits[0], false, PAGES);
	world_facts(&w, ROOT_FACT);
	tables_open(&t, &w, bits, 0x40000 - (empty_tables ? (levels - 1) * table : 0), WINDOW, empty_tables);
	assert_int_equal(t.root, 0x40000);
}

static uint64_t page(paddr_t at)
{
	return at | PRESENT | GLOBAL | NOISE;
}

TEST(number_of_levels_is_seen_in_empty_entries)
{
	for (size_t i = 0; i < ARRAY_SIZE(forms); i++) {
		uint64_t size = UINT64_C(1) << forms[i][0];
		vaddr_t v = VMALLOC + (UINT64_C(3) << forms[i][0]);

		open_tables(forms[i], true);
		tables_put(&t, v, 0, page(0x120000));
		tables_put(&t, v + size, 0, page(UINT64_C(0x7654321f0000)));
		world_setup(&w);
		assert_true(w.k.arch_state.has_root);
		tables_check(&t, v + 0x123, 0x120123, size);
		tables_check(&t, v + size + 0x10, UINT64_C(0x7654321f0010), size);
		tables_check(&t, v + 2 * size, 0, 0);
		/* nothing at each level */
		for (unsigned level = 1, shift = forms[i][0]; level < t.levels; level++) {
			shift += forms[i][level];
			tables_check(&t, v + (UINT64_C(1) << shift), 0, 0);
		}
		world_close(&w);
	}
}

TEST(number_of_levels_is_that_with_which_tables_lead_to_memory)
{
	for (size_t i = 0; i < ARRAY_SIZE(forms); i++) {
		vaddr_t v = VMALLOC + (UINT64_C(3) << forms[i][0]);

		open_tables(forms[i], false);
		tables_put(&t, v, 0, page(0x150000));
		world_setup(&w);
		tables_check(&t, v + 0x123, 0x150123, UINT64_C(1) << forms[i][0]);
		world_close(&w);
	}
}

TEST(huge_page_is_an_entry_of_the_second_level)
{
	for (size_t i = 0; i < ARRAY_SIZE(forms); i++) {
		unsigned shift = forms[i][0] + forms[i][1];
		uint64_t len = UINT64_C(1) << shift;
		vaddr_t v = VMALLOC + 2 * len;

		if (!forms[i][3])
			continue; /* two levels have none */
		open_tables(forms[i], true);
		tables_put(&t, v, 1, 3 * len | PRESENT | HUGE_BITS | NOISE);
		tables_put(&t, v + len, 1, 4 * len | HUGE_BITS | NOISE);		   /* no access */
		tables_put(&t, v + 2 * len, 1, (4 * len + len / 2) | PRESENT | HUGE_BITS); /* lies askew */
		world_setup(&w);
		tables_check(&t, v + 0x23456, 3 * len + 0x23456, len);
		tables_check(&t, v + len, 0, 0);
		tables_check(&t, v + 2 * len, 0, 0);
		world_close(&w);
	}
}

TEST(page_without_access_is_missing)
{
	open_tables(forms[0], true);
	/* as NUMA balancing leaves it: the page frame stays */
	tables_put(&t, VMALLOC, 0, 0x5000 | 0x400 | NOISE);
	world_setup(&w);
	tables_check(&t, VMALLOC, 0, 0);
}

TEST(windows_need_no_tables)
{
	uint64_t left;
	paddr_t at;

	world_open_machine(&w, &arch_loongarch64, 14, false, 16);
	world_setup(&w);
	assert_false(w.k.arch_state.has_root);
	assert_ok(kmem_translate(w.km, UINT64_C(0x9000000000003456), &at, NULL, &e));
	assert_int_equal(at, 0x3456);
	assert_ok(kmem_translate(w.km, UINT64_C(0x8000001200003456), &at, &left, &e));
	assert_int_equal(at, UINT64_C(0x1200003456));
	assert_int_equal(left, (UINT64_C(1) << 48) - UINT64_C(0x1200003456));
	assert_int_equal(kmem_translate(w.km, UINT64_C(0x7fffffffffffffff), &at, NULL, &e), E_MISSING);
	assert_int_equal(kmem_translate(w.km, UINT64_C(0xc000000000000000), &at, NULL, &e), E_MISSING);
}

/* Tables do not have it, and would say that it is not mapped. */
TEST(translation_in_a_window_is_printed_without_tables)
{
	struct capture c;
	char *text;

	open_tables(forms[0], true);
	world_setup(&w);
	capture_start(&c, 1);
	message_set_level(MSG_COMMON);
	assert_ok(kernel_print_translation(&w.k, WINDOW + 0x12345, &e));
	message_set_level(0);
	text = captured(&c);
	assert_string_equal(text, "\nTranslating virtual address 9000000000012345 to physical address.\n"
				  "VIRTUAL           PHYSICAL\n9000000000012345  12345\n\n");
	free(text);
}

TEST(tables_are_not_for_addresses_of_users)
{
	open_tables(forms[0], true);
	tables_put(&t, VMALLOC, 0, page(0x5000));
	world_setup(&w);
	tables_check(&t, VMALLOC, 0x5000, 4096);
	tables_check(&t, 0, 0, 0);
}

TEST(tables_that_point_at_themselves_end_after_their_levels)
{
	struct mapping m;

	open_tables(forms[1], false);
	for (unsigned i = 0; i < 512; i++)
		world_put_long(&w, t.root + i * 8, t.root + WINDOW);
	world_setup(&w);
	/* the lowest level has no page in it */
	assert_int_equal(paging_walk(w.km, VMALLOC + 0x123456789000, &m, NULL, NULL, &e), E_MISSING);
}

TEST(damaged_entry_is_missing_or_unreadable)
{
	struct mapping m;

	for (unsigned level = 1; level < 4; level++) {
		open_tables(forms[1], true);
		tables_put(&t, VMALLOC, 0, page(0x5000));
		tables_put(&t, VMALLOC, level, UINT64_C(0x9000100000000000)); /* behind the dump's end */
		world_setup(&w);
		assert_int_equal(paging_walk(w.km, VMALLOC, &m, NULL, NULL, &e), E_UNREADABLE);
		tables_put(&t, VMALLOC, level, 0x41000); /* in no window */
		assert_int_equal(paging_walk(w.km, VMALLOC, &m, NULL, NULL, &e), E_MISSING);
		tables_put(&t, VMALLOC, level, WINDOW + 0x41008); /* no table begins there */
		assert_int_equal(paging_walk(w.km, VMALLOC, &m, NULL, NULL, &e), E_MISSING);
		tables_put(&t, VMALLOC, level, WINDOW + 0x50000);
		w.mem.unreadable[0x50] = 1;
		assert_int_equal(paging_walk(w.km, VMALLOC, &m, NULL, NULL, &e), E_UNREADABLE);
		world_close(&w);
	}
}

TEST(root_outside_the_dump_leaves_the_usual_levels)
{
	struct mapping m;

	world_open_machine(&w, &arch_loongarch64, 14, false, 16);
	world_facts(&w, "SYMBOL(swapper_pg_dir)=9000000001000000\n");
	world_setup(&w);
	assert_string_equal(w.k.arch_state.paging->name, "3 levels");
	assert_int_equal(paging_walk(w.km, VMALLOC, &m, NULL, NULL, &e), E_UNREADABLE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(number_of_levels_is_seen_in_empty_entries),
		cmocka_unit_test(number_of_levels_is_that_with_which_tables_lead_to_memory),
		cmocka_unit_test(huge_page_is_an_entry_of_the_second_level),
		cmocka_unit_test_teardown(page_without_access_is_missing, close_world),
		cmocka_unit_test_teardown(windows_need_no_tables, close_world),
		cmocka_unit_test_teardown(translation_in_a_window_is_printed_without_tables, close_world),
		cmocka_unit_test_teardown(tables_are_not_for_addresses_of_users, close_world),
		cmocka_unit_test_teardown(tables_that_point_at_themselves_end_after_their_levels, close_world),
		cmocka_unit_test(damaged_entry_is_missing_or_unreadable),
		cmocka_unit_test_teardown(root_outside_the_dump_leaves_the_usual_levels, close_world),
	};

	message_set_level(0);
	return cmocka_run_group_tests_name("paging_loongarch64", tests, NULL, NULL);
}
