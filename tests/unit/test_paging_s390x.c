/* SPDX-License-Identifier: GPL-2.0-or-later */
/* s390x: region, segment and page tables, where virtual is physical and where it is not, and damage to what tells so. */
#include "world.h"

static struct world w;
static struct err e;

#define PAGES 0x200
#define ROOT 0x10000
#define K (UINT64_C(1) << 10)
#define M (UINT64_C(1) << 20)
#define G (UINT64_C(1) << 30)

static int close_world(void **state)
{
	(void)state;
	world_close(&w);
	return 0;
}

static void open_world(const char *facts)
{
	world_open_machine(&w, &arch_s390x, 12, true, PAGES);
	world_facts(&w, facts);
}

static void put(paddr_t at, uint64_t value)
{
	world_put_long(&w, at, value);
}

/* After tables were walked: what is remembered of them is gone. */
static void change(paddr_t at, uint64_t value)
{
	put(at, value);
	world_setup(&w);
}

/* An empty table of regions or segments: its entries have the table's type all the same. */
static void empty_table(paddr_t at, unsigned type, unsigned entries)
{
	for (unsigned i = 0; i < entries; i++)
		put(at + i * 8, 0x20 | type << 2);
}

static void empty_page_table(paddr_t at)
{
	for (unsigned i = 0; i < 256; i++)
		put(at + i * 8, 0x400);
}

static void check_leaf(vaddr_t vaddr, paddr_t paddr, uint64_t len)
{
	struct mapping m = { 0 };

	assert_ok(paging_walk(w.km, vaddr, &m, NULL, NULL, &e));
	assert_int_equal(m.len, len);
	assert_int_equal(m.paddr + (vaddr - m.vaddr), paddr);
}

static enum status walk(vaddr_t vaddr)
{
	struct mapping m;

	return paging_walk(w.km, vaddr, &m, NULL, NULL, &e);
}

static paddr_t translated(vaddr_t vaddr)
{
	paddr_t at = PADDR_NONE;

	return kmem_translate(w.km, vaddr, &at, NULL, &e) ? PADDR_NONE : at;
}

static const char legacy[] = "SYMBOL(swapper_pg_dir)=10000\nSYMBOL(_stext)=100000\nSYMBOL(high_memory)=e000\n";

/*
 * Three levels: 000003d0 80312abc: region third entry 1953 of 2048 (at 0x13d08), segment 3, page 18; read only, with
 * bits for "young" and "no execute".
 */
static void three_levels(void)
{
	empty_table(ROOT, 1, 2048);
	empty_table(0x20000, 0, 2048);
	empty_page_table(0x30800);
	put(ROOT + 1953 * 8, 0x20000 | 4 | 3);
	put(0x20000 + 3 * 8, 0x30800 | 0x200 | 1);
	put(0x30800 + 18 * 8, UINT64_C(0x123456000) | 0x33f);
	/* a segment of 1 MiB, read only, and a region of 2 GiB; their low bits are no address */
	put(0x20000 + 5 * 8, UINT64_C(0x70000000) | 0x7e43);
	put(ROOT + 1954 * 8, UINT64_C(0x480000000) | 0x7ff0000 | 0x604);
}

TEST(tables_of_three_levels_have_pages_of_three_sizes)
{
	open_world(legacy);
	three_levels();
	world_setup(&w);
	assert_string_equal(w.k.arch_state.paging->name, "3 levels");
	check_leaf(UINT64_C(0x3d080312abc), UINT64_C(0x123456abc), 4 * K);
	check_leaf(UINT64_C(0x3d080512345), UINT64_C(0x70012345), M);
	check_leaf(UINT64_C(0x3d155667788), UINT64_C(0x4d5667788), 2 * G);
	/* above what three levels can name, as when only the low bits counted */
	assert_int_equal(walk(UINT64_C(0x7d080312abc)), E_MISSING);
	assert_int_equal(walk(UINT64_C(0xfffffbd080312abc)), E_MISSING);
}

TEST(entries_of_the_highest_table_tell_the_levels)
{
	static const struct {
		const char *name;
		vaddr_t vaddr;
	} rows[] = { { "2 levels", 0x7ff12abc },
		     { "3 levels", UINT64_C(0x3ffffff12abc) & ((UINT64_C(1) << 42) - 1) },
		     { "4 levels", UINT64_C(0x1fffffffff12abc) & ((UINT64_C(1) << 53) - 1) },
		     { "5 levels", UINT64_C(0xffffffffff12abc0) } };

	for (unsigned type = 0; type < 4; type++) {
		vaddr_t v = rows[type].vaddr;
		paddr_t table = ROOT;

		open_world(legacy);
		for (unsigned t = type;; t--) {
			paddr_t at = table + (v >> (20 + 11 * t) & 2047) * 8, next = table + 0x10000;

			empty_table(table, t, 2048);
			if (!t) {
				put(at, next);
				put(next + (v >> 12 & 255) * 8, 0x77000);
				break;
			}
			put(at, next | t << 2 | 3);
			table = next;
		}
		world_setup(&w);
		assert_string_equal(w.k.arch_state.paging->name, rows[type].name);
		check_leaf(v, 0x77000 | (v & 0xfff), 4 * K);
		if (type < 3)
			assert_int_equal(walk(v | UINT64_C(1) << (31 + 11 * type)), E_MISSING);
		world_close(&w);
	}
	/* nothing but empty entries, or nothing at all: three levels are as good as any */
	open_world(legacy);
	empty_table(ROOT, 2, 2048);
	world_setup(&w);
	assert_int_equal(walk(0x12345), E_MISSING);
	world_close(&w);
	open_world("SYMBOL(swapper_pg_dir)=7ffffff000\n");
	world_setup(&w);
	assert_false(w.k.arch_state.has_root);
}

TEST(entry_that_is_invalid_or_of_another_table_is_missing)
{
	vaddr_t v = UINT64_C(0x3d080312abc);

	open_world(legacy);
	three_levels();
	world_setup(&w);
	check_leaf(v, UINT64_C(0x123456abc), 4 * K);
	change(0x30800 + 18 * 8, UINT64_C(0x123456000) | 0x400);
	assert_int_equal(walk(v), E_MISSING);
	assert_contains(e.text, "0x3d080312abc");
	change(0x30800 + 18 * 8, UINT64_C(0x123456000) | 0x800);
	assert_int_equal(walk(v), E_MISSING);
	change(0x20000 + 3 * 8, 0x30800 | 0x20);
	assert_int_equal(walk(v), E_MISSING);
	change(0x20000 + 3 * 8, 0x30800 | 4);
	assert_int_equal(walk(v), E_MISSING);
	change(0x20000 + 3 * 8, 0);
	assert_int_equal(walk(v), E_MISSING);
	change(ROOT + 1953 * 8, 0x20000 | 4 | 3 | 0x20);
	assert_int_equal(walk(v), E_MISSING);
	change(ROOT + 1953 * 8, 0x20000 | 8 | 3);
	assert_int_equal(walk(v), E_MISSING);
}

TEST(table_that_is_not_whole_has_the_entries_between_offset_and_length)
{
	/* entries 512 to 1535 only: offset 1, length 2 */
	open_world(legacy);
	three_levels();
	put(ROOT + 1953 * 8, 0x20000 | 4 | 0x40 | 2);
	for (unsigned i = 0; i < 2048; i++)
		put(0x20000 + i * 8, UINT64_C(0x70000000) | 0x400);
	world_setup(&w);
	assert_int_equal(walk(UINT64_C(0x3d080000000) + 511 * M), E_MISSING);
	check_leaf(UINT64_C(0x3d080000000) + 512 * M, 0x70000000, M);
	check_leaf(UINT64_C(0x3d080000000) + 1535 * M, 0x70000000, M);
	assert_int_equal(walk(UINT64_C(0x3d080000000) + 1536 * M), E_MISSING);
}

TEST(tables_outside_the_dump_and_tables_that_point_at_themselves_end)
{
	vaddr_t v = UINT64_C(0x3d080312abc);

	open_world(legacy);
	three_levels();
	put(0x20000 + 3 * 8, UINT64_C(0x7000000000));
	world_setup(&w);
	assert_int_equal(walk(v), E_UNREADABLE);
	change(ROOT + 1953 * 8, UINT64_C(0x7000000000) | 4 | 3);
	assert_int_equal(walk(v), E_UNREADABLE);
	/* no memory is there, and sums of it would wrap */
	change(ROOT + 1953 * 8, UINT64_C(0xfffffffffffff000) | 4 | 3);
	assert_int_equal(walk(v), E_MISSING);
	for (unsigned i = 0; i < 2048; i++)
		put(ROOT + i * 8, ROOT | 4 | 3);
	world_setup(&w);
	assert_int_equal(walk(v), E_MISSING);
	w.mem.unreadable[ROOT >> 12] = 1;
	world_setup(&w);
	assert_int_equal(walk(0x12345), E_UNREADABLE);
}

TEST(virtual_is_physical_up_to_high_memory)
{
	open_world(legacy);
	three_levels();
	put(0xe000, 0x80000);
	world_setup(&w);
	assert_int_equal(w.k.arch_state.root, ROOT);
	assert_int_equal(translated(0), 0);
	assert_int_equal(translated(0x7ffff), 0x7ffff);
	/* above, tables decide */
	assert_int_equal(translated(0x80000), PADDR_NONE);
	assert_int_equal(translated(UINT64_C(0x3d080312abc)), UINT64_C(0x123456abc));
	/* values that no such variable has: what the machine has as memory is the border */
	for (unsigned i = 0; i < 3; i++) {
		put(0xe000, i == 0 ? 0 : i == 1 ? 0x80123 : UINT64_C(0x7fffffffff000));
		world_setup(&w);
		assert_int_equal(translated(PAGES * 4096 - 1), PAGES * 4096 - 1);
		assert_int_equal(translated(PAGES * 4096), PADDR_NONE);
	}
}

/* --- an image of its own place ----------------------------------------------------------------------------- */

#define IMAGE UINT64_C(0x3fffe3a8000)
#define OS_INFO 0x90000

static void put_os_info(void)
{
	uint64_t sum = 0;

	put(0xe18, OS_INFO);
	memcpy(w.mem.bytes + OS_INFO, "OSINFOSZ", 8);
	put_u32(w.mem.bytes + OS_INFO + 12, 0x10001, true);
	put(OS_INFO + 32 + 20 * 4, 0x40000000000);
	put(OS_INFO + 32 + 20 * 5, IMAGE);
	put(OS_INFO + 32 + 20 * 6, 0x8000);
	put(OS_INFO + 32 + 20 * 7, 0x37200000000);
	put(OS_INFO + 32 + 20 * 8, 0xa0000);
	put(OS_INFO + 32 + 20 * 9, 0xa3000);
	put(OS_INFO + 32 + 20 * 10, IMAGE + 0x10000);
	put(OS_INFO + 32 + 20 * 11, IMAGE + 0x70000);
	put(OS_INFO + 32 + 20 * 12, 0x18000);
	for (unsigned i = 12; i < 4096; i += 4) {
		sum += get_u32(w.mem.bytes + OS_INFO + i, true);
		sum = (sum & UINT32_MAX) + (sum >> 32);
	}
	put_u32(w.mem.bytes + OS_INFO + 8, (uint32_t)sum, true);
}

static const char lines[] = "SYMBOL(swapper_pg_dir)=3fffe3c0000\nSYMBOL(_stext)=3fffe3b8000\n"
			    "SYMBOL(vmemmap)=37200000000\nSAMODE31=b0000\nEAMODE31=b3000\nIDENTITYBASE=50000000000\n"
			    "KERNELOFFSET=3fffe3a8000\nKERNELOFFPHYS=18000\n";
static const char moved[] = "SYMBOL(swapper_pg_dir)=3fffe3c0000\nSYMBOL(_stext)=3fffe3b8000\n";

TEST(os_info_places_the_image_and_the_identity_mapping)
{
	open_world(lines);
	put_os_info();
	world_setup(&w);
	/* 3fffe3c0000 - 3fffe3a8000 + 8000 */
	assert_int_equal(w.k.arch_state.root, 0x20000);
	assert_int_equal(translated(IMAGE + 0x12345), 0x1a345);
	assert_int_equal(translated(IMAGE + 0x70000), PADDR_NONE);
	assert_int_equal(translated(0x1fff), 0x1fff);
	assert_int_equal(translated(0x2000), PADDR_NONE);
	assert_int_equal(translated(0xa0000), 0xa0000);
	assert_int_equal(translated(0xa3000), PADDR_NONE);
	assert_int_equal(translated(0x40000001234), 0x1234);
	assert_int_equal(translated(0x40000000000 + PAGES * 4096), PADDR_NONE);
}

TEST(damaged_os_info_is_not_believed)
{
	/* magic, checksum, an entry, its address, a page that cannot be read */
	for (unsigned i = 0; i < 6; i++) {
		open_world(lines);
		put_os_info();
		if (i == 0)
			w.mem.bytes[OS_INFO] ^= 1;
		if (i == 1)
			w.mem.bytes[OS_INFO + 8] ^= 1;
		if (i == 2)
			w.mem.bytes[OS_INFO + 32 + 20 * 6 + 5] ^= 1;
		if (i == 3)
			put(0xe18, OS_INFO + 8);
		if (i == 4)
			put(0xe18, UINT64_C(0xfffffffffffff000));
		if (i == 5)
			w.mem.unreadable[OS_INFO >> 12] = 1;
		world_setup(&w);
		/* what the text says counts then */
		assert_int_equal(w.k.arch_state.root, 0x30000);
		assert_int_equal(translated(IMAGE + 0x12345), 0x2a345);
		assert_int_equal(translated(0x50000001234), 0x1234);
		assert_int_equal(translated(0xb0000), 0xb0000);
		world_close(&w);
	}
	/* and without it the kernel is taken for one whose virtual addresses are physical: the root is nowhere */
	open_world(moved);
	world_setup(&w);
	assert_false(w.k.arch_state.has_root);
	assert_int_equal(translated(0x12345), 0x12345);
}

TEST(os_info_of_older_kernels_has_no_places)
{
	uint64_t sum = 0x10001;

	open_world(legacy);
	three_levels();
	put(0xe000, 0x80000);
	put(0xe18, OS_INFO);
	memcpy(w.mem.bytes + OS_INFO, "OSINFOSZ", 8);
	put_u32(w.mem.bytes + OS_INFO + 12, 0x10001, true);
	put_u32(w.mem.bytes + OS_INFO + 8, (uint32_t)sum, true);
	world_setup(&w);
	assert_int_equal(translated(0x12345), 0x12345);
	assert_int_equal(translated(0x80000), PADDR_NONE);
}

TEST(tables_prove_or_drop_what_was_told)
{
	struct err none;

	open_world(lines);
	put_os_info();
	/* the root is at 0x20000; the image's first segment, at ...e3, is where os_info says */
	empty_table(0x20000, 1, 2048);
	empty_table(0x30000, 0, 2048);
	empty_page_table(0x40000);
	put(0x20000 + 2047 * 8, 0x30000 | 4 | 3);
	put(0x30000 + 0x7e3 * 8, 0x40000);
	put(0x40000 + 0xb8 * 8, 0x18000);
	world_setup(&w);
	assert_int_equal(address_map_find(&w.k, w.km, &none), OK);
	assert_int_equal(w.k.arch_state.linear[2].start, IMAGE);
	assert_int_equal(w.k.arch_state.linear[2].trust, RANGE_PROVEN);
	change(0x40000 + 0xb8 * 8, 0x19000);
	assert_int_equal(address_map_find(&w.k, w.km, &none), OK);
	assert_int_equal(translated(IMAGE + 0x10010), 0x19010);
	assert_int_equal(translated(IMAGE + 0x11000), PADDR_NONE);
}

TEST(machine_is_s390_with_64_bits)
{
	assert_ptr_equal(arch_find(22, true), &arch_s390x);
	assert_null(arch_find(22, false));
	assert_true(arch_order(&arch_s390x, false));
}

TEST(length_of_mem_section_tells_the_address_bits)
{
	static const struct {
		unsigned length, bits;
	} rows[] = { { 128, 42 }, { 2048, 46 }, { 32768, 50 }, { 262144, 53 }, { 777, 46 } };

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		char text[96];

		snprintf(text, sizeof(text), "SIZE(mem_section)=32\nLENGTH(mem_section)=%u\n", rows[i].length);
		open_world(text);
		world_setup(&w);
		address_map_limits(&w.k);
		assert_int_equal(w.k.arch_state.section_bits, 28);
		assert_int_equal(w.k.arch_state.physmem_bits, rows[i].bits);
		world_close(&w);
	}
}

#define IN_WORLD(test) cmocka_unit_test_teardown(test, close_world)

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_WORLD(tables_of_three_levels_have_pages_of_three_sizes),
		IN_WORLD(entries_of_the_highest_table_tell_the_levels),
		IN_WORLD(entry_that_is_invalid_or_of_another_table_is_missing),
		IN_WORLD(table_that_is_not_whole_has_the_entries_between_offset_and_length),
		IN_WORLD(tables_outside_the_dump_and_tables_that_point_at_themselves_end),
		IN_WORLD(virtual_is_physical_up_to_high_memory),
		IN_WORLD(os_info_places_the_image_and_the_identity_mapping),
		IN_WORLD(damaged_os_info_is_not_believed),
		IN_WORLD(os_info_of_older_kernels_has_no_places),
		IN_WORLD(tables_prove_or_drop_what_was_told),
		cmocka_unit_test(machine_is_s390_with_64_bits),
		cmocka_unit_test(length_of_mem_section_tells_the_address_bits),
	};

	message_set_level(0);
	return cmocka_run_group_tests_name("paging of s390x", tests, NULL, NULL);
}
