/* SPDX-License-Identifier: GPL-2.0-or-later */
/* sparc64: image and direct map from segments or from memory, tables of sun4v and sun4u, the old table of struct pages. */
#include "tables.h"

static struct world w;
static struct tables t;
static struct err e;

#define IMAGE UINT64_C(0x400000)
#define MODULES UINT64_C(0x10000000)
#define VMALLOC UINT64_C(0x100000000)
#define OLD_VMEMMAP UINT64_C(0x10000000000)
#define PAGE_OFFSET_V UINT64_C(0xfffff80000000000)
#define PAGES 2048
#define ROOT 0x80000
#define VALID UINT64_C(0x8000000000000000)
#define HUGE_BIT UINT64_C(0x0100000000000000)
/* the kernel's data: accessed, modified, read and write, cached, privileged, writable, executable, present */
#define SUN4V UINT64_C(0xbc000000000007d0)
#define SUN4V_HUGE (VALID | HUGE_BIT | 0x743)
/* the same, and a bit above 42 that is no address there */
#define SUN4U UINT64_C(0x8001800000001fb6)
#define SUN4U_HUGE (VALID | HUGE_BIT | UINT64_C(0x6000000000000036))

static int close_world(void **state)
{
	(void)state;
	world_close(&w);
	return 0;
}

static const uint8_t three[] = { 13, 10, 10, 10, 0 }, four[] = { 13, 10, 10, 10, 10, 0 };

/* The image lies at 0, the direct map where most machines have it. */
static void open_tables(bool old)
{
	world_open_machine(&w, &arch_sparc64, 13, true, PAGES);
	w.mem.segments[0] = (struct mem_segment){ 0, IMAGE, 0x100000, 0x100000, 7 };
	w.mem.segments[1] = (struct mem_segment){ 0x2000, PAGE_OFFSET_V + 0x2000, 0x700000, 0x700000, 7 };
	w.mem.n_segments = 2;
	w.k.version = old ? KVERSION(3, 8) + 12 : KVERSION(3, 8) + 13;
	world_facts(&w, "SYMBOL(swapper_pg_dir)=480000\n");
	tables_open(&t, &w, old ? three : four, ROOT, 0, false);
}

TEST(tables_of_both_machines_and_generations_are_walked)
{
	for (unsigned i = 0; i < 4; i++) {
		uint64_t flags = i & 1 ? SUN4U : SUN4V, huge = i & 1 ? SUN4U_HUGE : SUN4V_HUGE;
		/* the widest address; other bits of an entry of sun4u are flags */
		paddr_t far = i & 1 ? UINT64_C(0x7fffff80000) : UINT64_C(0xfffffffff80000);

		open_tables(i & 2);
		tables_put(&t, MODULES, 0, 0x600000 | flags);
		tables_put(&t, VMALLOC + 0x2000, 0, far | flags);
		tables_put(&t, VMALLOC + 0x4000, 0, 0x600000 | (flags & ~UINT64_C(0x90))); /* present in neither */
		tables_put(&t, VMALLOC + 0x800000, 1, 0x4800000 | huge);
		tables_put(&t, VMALLOC + 0x1000000, 1, 0x4800000 | (huge & ~VALID));
		world_setup(&w);
		tables_check(&t, MODULES + 0x123, 0x600123, 8192);
		tables_check(&t, VMALLOC + 0x2abc, far + 0xabc, 8192);
		tables_check(&t, VMALLOC + 0x4000, 0, 0);
		/* in the hole between low and high addresses */
		tables_check(&t, VMALLOC + 0x2000 + (UINT64_C(1) << (i & 2 ? 43 : 53)), 0, 0);
		tables_check(&t, VMALLOC + 0x812345, 0x4812345, 8 << 20);
		tables_check(&t, VMALLOC + 0x1000000, 0, 0);
		for (unsigned level = 1, shift = 13; level < t.levels; level++) {
			shift += 10;
			tables_check(&t, VMALLOC + 0x4000000000 + (UINT64_C(1) << shift), 0, 0);
		}
		world_close(&w);
	}
}

TEST(page_of_8_gib_is_an_entry_of_the_third_of_four_levels)
{
	open_tables(false);
	tables_put(&t, UINT64_C(3) << 33, 2, UINT64_C(5) << 33 | SUN4V_HUGE);
	tables_put(&t, UINT64_C(1) << 50, 3, UINT64_C(5) << 33 | SUN4V_HUGE);
	world_setup(&w);
	tables_check(&t, (UINT64_C(3) << 33) + 0x123456789, (UINT64_C(5) << 33) + 0x123456789, UINT64_C(1) << 33);
	tables_check(&t, UINT64_C(1) << 50, 0, 0);
	world_close(&w);
	open_tables(true);
	tables_put(&t, UINT64_C(3) << 33, 2, UINT64_C(5) << 33 | SUN4V_HUGE);
	world_setup(&w);
	tables_check(&t, UINT64_C(3) << 33, 0, 0);
}

TEST(damaged_entry_is_missing_or_unreadable)
{
	struct mapping m;

	for (unsigned level = 1; level < 4; level++) {
		open_tables(false);
		world_setup(&w);
		tables_put(&t, VMALLOC, level, UINT64_C(1) << 40);
		assert_int_equal(paging_walk(w.km, VMALLOC, &m, NULL, NULL, &e), E_UNREADABLE);
		tables_put(&t, VMALLOC, level, 0x82008); /* no table begins there */
		assert_int_equal(paging_walk(w.km, VMALLOC, &m, NULL, NULL, &e), E_MISSING);
		tables_put(&t, VMALLOC, level, 0x600000);
		w.mem.unreadable[0x600] = w.mem.unreadable[0x601] = 1;
		assert_int_equal(paging_walk(w.km, VMALLOC, &m, NULL, NULL, &e), E_UNREADABLE);
		/* round and round */
		for (unsigned i = 0; i < 1024; i++)
			world_put_long(&w, ROOT + i * 8, ROOT);
		tables_put(&t, VMALLOC, 3, ROOT);
		assert_int_equal(paging_walk(w.km, VMALLOC, &m, NULL, NULL, &e), E_MISSING);
		world_close(&w);
	}
}

static void check_at(vaddr_t v, paddr_t p)
{
	paddr_t at;

	assert_ok(kmem_translate(w.km, v, &at, NULL, &e));
	assert_int_equal(at, p);
}

TEST(segments_show_image_and_direct_map)
{
	paddr_t at;

	world_open_machine(&w, &arch_sparc64, 13, true, PAGES);
	w.mem.segments[0] = (struct mem_segment){ 0x30400000, 0x404000, 0x100000, 0x100000, 7 };
	w.mem.segments[1] = (struct mem_segment){ 0x2000, UINT64_C(0xfff8000000002000), 0x700000, 0x700000, 7 };
	w.mem.n_segments = 2;
	world_setup(&w);
	check_at(0x404123, 0x30400123);
	check_at(UINT64_C(0xfff8000000123456), 0x123456);
	assert_int_equal(w.k.arch_state.phys_base, 0x30400000);
	/* where all virtual addresses are physical ones, or missing, they show nothing */
	w.mem.segments[0] = (struct mem_segment){ 0x400000, 0x400000, 0x100000, 0x100000, 7 };
	w.mem.segments[1] = (struct mem_segment){ 0x2000, 0, 0x700000, 0x700000, 7 };
	world_setup(&w);
	assert_int_equal(w.k.arch_state.n_linear, 0);
	assert_int_equal(kmem_translate(w.km, 0x404123, &at, NULL, &e), E_MISSING);
}

TEST(without_segments_memory_shows_image_and_direct_map)
{
	static const vaddr_t page_offsets[] = { UINT64_C(0xfffff80000000000), UINT64_C(0xffff800000000000),
						UINT64_C(0xfff8000000000000), UINT64_C(0xfff0000000000000) };
	paddr_t at;

	for (size_t i = 0; i < ARRAY_SIZE(page_offsets) * 3; i++) {
		vaddr_t page_offset = page_offsets[i / 3];

		world_open_machine(&w, &arch_sparc64, 13, true, 3 * 1024);
		/* the image lies at 8 MiB; the header says so, or that it is elsewhere, or nothing */
		w.mem.src->has_phys_base = i % 3 < 2;
		w.mem.src->phys_base = i % 3 == 1 ? 0x410000 : 0x810000;
		world_facts(&w,
			    "SYMBOL(init_uts_ns)=401000\nSYMBOL(mem_section)=402000\nSYMBOL(swapper_pg_dir)=404000\n");
		world_put_long(&w, 0x802000, page_offset + 0x234000);
		world_setup(&w);
		/* no names */
		assert_false(w.k.arch_state.has_root);
		assert_int_equal(w.k.arch_state.n_linear, 0);
		memcpy(w.mem.bytes + 0x801004 + 2 * 65, "4.14.35", 8);
		/* and another kernel's */
		memcpy(w.mem.bytes + 0x401004 + 2 * 65, "4.14.36", 8);
		strcpy(w.k.release, "4.14.35");
		world_setup(&w);
		assert_true(w.k.arch_state.has_root);
		assert_int_equal(w.k.arch_state.root, 0x804000);
		check_at(0x401234, 0x801234);
		check_at(page_offset + 0x345678, 0x345678);
		/* names that end behind the memory there is */
		fake_memory_runs(&w.mem, &(struct pfn_run){ 0, 0x400, RUN_DATA }, 1);
		world_setup(&w);
		assert_int_equal(kmem_translate(w.km, 0x401234, &at, NULL, &e), E_MISSING);
		world_close(&w);
	}
	/* the symbol may be an address of the direct map itself, and lead to no memory */
	world_open_machine(&w, &arch_sparc64, 13, true, PAGES);
	world_facts(&w, "SYMBOL(mem_section)=fff8000000234000\n");
	world_setup(&w);
	check_at(UINT64_C(0xfff8000000345678), 0x345678);
	w.k.facts.of[F_mem_section].value = UINT64_C(0xfff8000900234000);
	world_setup(&w);
	assert_int_equal(w.k.arch_state.n_linear, 0);
}

TEST(old_table_of_struct_pages_is_of_one_kind_or_the_other)
{
	for (unsigned two_tables = 0; two_tables < 2; two_tables++) {
		paddr_t at;

		open_tables(true);
		/* struct pages of 4 KiB each would be 4 chunks for these 8 MiB of memory */
		world_facts(&w, "SYMBOL(vmemmap_table)=490000\nSIZE(page)=16384\n");
		if (two_tables)
			world_put_long(&w, 0x90000, 0xa0000);
		world_put_long(&w, two_tables ? 0xa0000 : 0x90000, SUN4V_HUGE | 0x400000);
		world_put_long(&w, two_tables ? 0xa0010 : 0x90010, SUN4V_HUGE | 0x7fffffc00000);
		world_setup(&w);
		assert_int_equal(w.k.arch_state.n_pieces, 2);
		check_at(OLD_VMEMMAP + 0x123456, 0x523456);
		check_at(OLD_VMEMMAP + 0x812345, UINT64_C(0x7fffffc12345));
		assert_int_equal(kmem_translate(w.km, OLD_VMEMMAP + 0x400000, &at, NULL, &e), E_MISSING);
		/* later kernels have it in their page tables */
		w.k.version = KVERSION(3, 18);
		address_map_close(&w.k.arch_state);
		world_setup(&w);
		assert_int_equal(w.k.arch_state.n_pieces, 0);
		world_close(&w);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tables_of_both_machines_and_generations_are_walked),
		cmocka_unit_test_teardown(page_of_8_gib_is_an_entry_of_the_third_of_four_levels, close_world),
		cmocka_unit_test(damaged_entry_is_missing_or_unreadable),
		cmocka_unit_test_teardown(segments_show_image_and_direct_map, close_world),
		cmocka_unit_test_teardown(without_segments_memory_shows_image_and_direct_map, close_world),
		cmocka_unit_test(old_table_of_struct_pages_is_of_one_kind_or_the_other),
	};

	message_set_level(0);
	return cmocka_run_group_tests_name("paging_sparc64", tests, NULL, NULL);
}
