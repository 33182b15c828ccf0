/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ia64: regions, an image of 64 MiB, and page tables of three and four levels for the rest of region 5. */
#include "tables.h"

static struct world w;
static struct tables t;
static struct err e;

#define REGION_5 UINT64_C(0xa000000000000000)
#define IMAGE UINT64_C(0xa000000100000000)
#define VMALLOC UINT64_C(0xa000000200000000)
#define PRESENT 1
/* deferred exceptions, dirty, accessed, all access rights */
#define NOISE UINT64_C(0x0010000000000661)
#define ROOT 0x80000
#define PAGES 1024

static int close_world(void **state)
{
	(void)state;
	world_close(&w);
	return 0;
}

static const uint8_t forms[][6] = {
	{ 12, 9, 9, 9 },    { 12, 9, 9, 9, 9 },	    { 13, 10, 10, 10 }, { 13, 10, 10, 10, 10 },
	{ 14, 11, 11, 11 }, { 14, 11, 11, 11, 11 }, { 16, 13, 13, 13 },
};

static void open_tables(const uint8_t *bits)
{
	world_open_machine(&w, &arch_ia64, bits[0], false, PAGES);
	/* linked to lie at 64 MiB, loaded to 0 */
	w.mem.segments[0] = (struct mem_segment){ 0, IMAGE, 0x100000, 0x100000, 7 };
	w.mem.n_segments = 1;
	world_facts(&w, bits[4] ? "SYMBOL(swapper_pg_dir)=a000000100080000\nCONFIG_PGTABLE_4=y\n" :
				  "SYMBOL(swapper_pg_dir)=a000000100080000\nCONFIG_PGTABLE_3=y\n");
	tables_open(&t, &w, bits, ROOT, 0, false);
	world_setup(&w);
}

TEST(tables_of_every_page_size_are_walked)
{
	for (size_t i = 0; i < ARRAY_SIZE(forms); i++) {
		uint64_t size = UINT64_C(1) << forms[i][0];
		unsigned top = 0;

		open_tables(forms[i]);
		assert_int_equal(w.k.arch_state.root, ROOT);
		for (unsigned b = 0; b <= t.levels; b++)
			top += forms[i][b];
		tables_put(&t, VMALLOC + size, 0, UINT64_C(0x123456000) << 4 | NOISE);
		tables_put(&t, REGION_5 + (UINT64_C(1) << top) - size, 0, UINT64_C(0x2aaaaaaa10000) | NOISE);
		tables_check(&t, VMALLOC + size + 0x123, (UINT64_C(0x123456000) << 4) + 0x123, size);
		tables_check(&t, REGION_5 + (UINT64_C(1) << top) - 1, UINT64_C(0x2aaaaaaa10000) + size - 1, size);
		tables_check(&t, VMALLOC, 0, 0);
		for (unsigned level = 1, shift = forms[i][0]; level < t.levels; level++) {
			shift += forms[i][level];
			tables_check(&t, VMALLOC + (UINT64_C(1) << shift), 0, 0);
		}
		/* the index of the root has no more bits: what is above is not mapped, nor are other regions */
		if (top < 61)
			tables_check(&t, VMALLOC + size + (UINT64_C(1) << top), 0, 0);
		tables_check(&t, VMALLOC + size - (UINT64_C(1) << 61), 0, 0);
		world_close(&w);
	}
}

TEST(four_levels_that_nothing_tells_are_those_that_lead_to_memory)
{
	for (size_t i = 0; i < ARRAY_SIZE(forms); i++) {
		uint64_t size = UINT64_C(1) << forms[i][0];

		open_tables(forms[i]);
		for (unsigned page = 0; page < 8; page++)
			tables_put(&t, VMALLOC + page * size, 0, (0x300000 + page * size) | NOISE);
		w.k.facts.of[F_pgtable_4].known = false;
		world_setup(&w);
		tables_check(&t, VMALLOC + 7 * size + 5, 0x300000 + 7 * size + 5, size);
		world_close(&w);
	}
}

TEST(entry_without_its_present_bit_is_missing)
{
	open_tables(forms[4]);
	tables_put(&t, VMALLOC, 0, UINT64_C(0x8000000000240660)); /* no access, the page frame stays */
	tables_check(&t, VMALLOC, 0, 0);
}

TEST(damaged_entry_is_missing_or_unreadable)
{
	struct mapping m;

	for (unsigned level = 1; level < 4; level++) {
		open_tables(forms[1]);
		tables_put(&t, VMALLOC, level, UINT64_C(1) << 40);
		assert_int_equal(paging_walk(w.km, VMALLOC, &m, NULL, NULL, &e), E_UNREADABLE);
		tables_put(&t, VMALLOC, level, 0x50000);
		w.mem.unreadable[0x50] = 1;
		assert_int_equal(paging_walk(w.km, VMALLOC, &m, NULL, NULL, &e), E_UNREADABLE);
		/* the root itself, again and again: its entry is even, and so no page */
		tables_put(&t, VMALLOC, 3, ROOT);
		assert_int_equal(paging_walk(w.km, REGION_5, &m, NULL, NULL, &e), E_MISSING);
		world_close(&w);
	}
}

static void check_at(vaddr_t v, paddr_t p)
{
	paddr_t at;

	assert_ok(kmem_translate(w.km, v, &at, NULL, &e));
	assert_int_equal(at, p);
}

TEST(regions_need_no_tables)
{
	paddr_t at;

	world_open_machine(&w, &arch_ia64, 14, false, 16);
	world_setup(&w);
	check_at(UINT64_C(0xe000000012345678), 0x12345678);
	check_at(UINT64_C(0xc000000412345678), 0x412345678);
	/* other regions are no memory: they are not taken for address 0 */
	assert_int_equal(kmem_translate(w.km, UINT64_C(0x8000000000001000), &at, NULL, &e), E_MISSING);
	assert_int_equal(kmem_translate(w.km, 0x1000, &at, NULL, &e), E_MISSING);
	/* data of each CPU, at the end of region 7 */
	assert_int_equal(kmem_translate(w.km, UINT64_C(0xffffffffffff1000), &at, NULL, &e), E_MISSING);
}

TEST(image_is_where_it_was_loaded)
{
	world_open_machine(&w, &arch_ia64, 14, false, 16);
	world_setup(&w);
	assert_int_equal(w.k.arch_state.phys_base, 0x4000000);
	check_at(IMAGE + 0x12345, 0x4012345);
	/* a dump that was filtered has no segments, but the number */
	w.mem.src->has_phys_base = true;
	w.mem.src->phys_base = 0x8004000;
	world_setup(&w);
	assert_int_equal(w.k.arch_state.phys_base, 0x8004000);
	check_at(IMAGE + 0x12345, 0x8012345);
	w.mem.segments[0] = (struct mem_segment){ 0, UINT64_C(0xe000000000000000), 0x100000, 0x100000, 7 };
	w.mem.segments[1] = (struct mem_segment){ 0x10000000, IMAGE, 0x1000000, 0x1000000, 7 };
	w.mem.n_segments = 2;
	world_setup(&w);
	assert_int_equal(w.k.arch_state.phys_base, 0x10000000);
	check_at(IMAGE + 0x12345, 0x10012345);
}

TEST(size_of_sections_is_seen_in_the_length_of_their_array)
{
	world_open_machine(&w, &arch_ia64, 16, false, 16);
	/* 64 KiB pages and blocks of up to 2^16 of them: sections of 4 GiB, 4096 in each page of roots */
	world_facts(&w, "SIZE(mem_section)=16\nLENGTH(mem_section)=64\n");
	world_setup(&w);
	address_map_limits(&w.k);
	assert_int_equal(w.k.arch_state.section_bits, 32);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tables_of_every_page_size_are_walked),
		cmocka_unit_test(four_levels_that_nothing_tells_are_those_that_lead_to_memory),
		cmocka_unit_test_teardown(entry_without_its_present_bit_is_missing, close_world),
		cmocka_unit_test(damaged_entry_is_missing_or_unreadable),
		cmocka_unit_test_teardown(regions_need_no_tables, close_world),
		cmocka_unit_test_teardown(image_is_where_it_was_loaded, close_world),
		cmocka_unit_test_teardown(size_of_sections_is_seen_in_the_length_of_their_array, close_world),
	};

	message_set_level(0);
	return cmocka_run_group_tests_name("paging_ia64", tests, NULL, NULL);
}
