/* SPDX-License-Identifier: GPL-2.0-or-later */
/* mips64: segments that need no tables, and tables whose entries have the page frame at a bit that is to be found out. */
#include "tables.h"

static struct world w;
static struct tables t;
static struct err e;

#define CKSEG0 UINT64_C(0xffffffff80000000)
#define CACHED UINT64_C(0x9800000000000000)
#define VMALLOC UINT64_C(0xc000000000000000)
#define MODULES UINT64_C(0xffffffffc0000000)
#define PAGES 1024
#define ROOT 0x80000
#define ROOT_FACT "SYMBOL(swapper_pg_dir)=ffffffff80080000\n"

static int close_world(void **state)
{
	(void)state;
	world_close(&w);
	return 0;
}

static void open_tables(const uint8_t *bits, bool big_endian)
{
	uint64_t table = UINT64_C(1) << bits[0];
	unsigned levels = 1;

	while (bits[levels + 1])
		levels++;
	world_open_machine(&w, &arch_mips64, bits[0], big_endian, PAGES);
	world_facts(&w, ROOT_FACT);
	tables_open(&t, &w, bits, ROOT - (levels - 1) * table, CKSEG0, true);
	assert_int_equal(t.root, ROOT);
}

/* The flags of the kernel's data, as builds have them; the page frame begins behind three bits of caching. */
static const struct layout {
	unsigned flags;
	unsigned caching; /* number of its first bit */
} layouts[] = {
	/* up to the global bit: present, not readable, written, accessed, modified */
	{ 0x0fd, 8 },  /* nothing between */
	{ 0x1dd, 9 },  /* huge */
	{ 0x39d, 10 }, /* huge, special */
	{ 0x71d, 11 }, /* huge, special, soft dirty */
	{ 0x1df, 9 },  /* as until 4.7, with a readable bit: huge or split */
	{ 0x0ff, 8 },  /* likewise, nothing between */
	/* present, written, accessed, modified, ... no execute, no read */
	{ 0x1cf, 9 },  /* nothing between */
	{ 0x38f, 10 }, /* huge */
	{ 0x70f, 11 }, /* huge, special */
	{ 0xe0f, 12 }, /* huge, special, soft dirty */
	{ 0x74f, 11 }, /* huge, special; not to be executed */
};

static uint64_t entry_of(const struct layout *l, unsigned page_shift, unsigned caching, paddr_t at)
{
	return l->flags | (uint64_t)caching << l->caching | at >> page_shift << (page_shift - 12 + l->caching + 3);
}

TEST(place_of_the_page_frame_is_seen_in_entries_of_every_build)
{
	static const uint8_t bits[] = { 14, 11, 11, 11, 0 };

	for (size_t i = 0; i < ARRAY_SIZE(layouts); i++)
		for (unsigned caching = 0; caching < 8; caching++) {
			open_tables(bits, i & 1);
			/* the lowest bits of page frames may look like flags */
			for (unsigned page = 0; page < 8; page++)
				tables_put(&t, VMALLOC + 0x8000 + page * 0x4000, 0,
					   entry_of(&layouts[i], 14, caching, 0x200000 + page * 0x4000));
			world_setup(&w);
			for (unsigned page = 0; page < 8; page++)
				tables_check(&t, VMALLOC + 0x8123 + page * 0x4000, 0x200123 + page * 0x4000, 0x4000);
			world_close(&w);
		}
}

static const uint8_t forms[][6] = {
	{ 12, 9, 9, 10 },   { 12, 9, 9, 9, 9 }, { 13, 10, 10, 10 }, { 14, 11, 11, 11 },
	{ 14, 11, 11, 12 }, { 15, 12, 12, 12 }, { 16, 13, 13 },	    { 16, 13, 13, 13 },
};

TEST(tables_of_every_page_size_are_walked)
{
	const struct layout *l = &layouts[8];

	for (size_t i = 0; i < ARRAY_SIZE(forms) * 2; i++) {
		const uint8_t *bits = forms[i / 2];
		uint64_t size = UINT64_C(1) << bits[0];
		unsigned top = 0;

		open_tables(bits, i & 1);
		for (unsigned b = 0; b < t.levels + 1; b++)
			top += bits[b];
		tables_put(&t, VMALLOC + size, 0, entry_of(l, bits[0], 3, 0x240000));
		tables_put(&t, MODULES, 0, entry_of(l, bits[0], 3, 0x300000));
		/* an address with all bits of the index of the root */
		tables_put(&t, VMALLOC + (UINT64_C(1) << top) - size, 0, entry_of(l, bits[0], 3, 0x310000));
		world_setup(&w);
		tables_check(&t, VMALLOC + size + 0x123, 0x240123, size);
		tables_check(&t, MODULES + 0x123, 0x300123, size);
		tables_check(&t, VMALLOC + (UINT64_C(1) << top) - 1, 0x310000 + size - 1, size);
		tables_check(&t, VMALLOC, 0, 0);
		for (unsigned level = 1, shift = bits[0]; level < t.levels; level++) {
			shift += bits[level];
			tables_check(&t, VMALLOC + (UINT64_C(1) << shift), 0, 0);
		}
		world_close(&w);
	}
}

TEST(huge_page_has_its_frame_at_the_same_bit)
{
	const struct layout *l = &layouts[8];

	open_tables(forms[3], false);
	tables_put(&t, VMALLOC, 0, entry_of(l, 14, 3, 0x240000));
	tables_put(&t, VMALLOC + (3 << 25), 1, entry_of(l, 14, 3, UINT64_C(7) << 25) | 0x10);
	world_setup(&w);
	tables_check(&t, VMALLOC + (3 << 25) + 0x123456, (UINT64_C(7) << 25) + 0x123456, 1 << 25);
	/* there are none above */
	tables_put(&t, VMALLOC, 2, entry_of(l, 14, 3, 0) | 0x10);
	tables_check(&t, VMALLOC, 0, 0);
}

TEST(without_an_entry_that_tells_there_is_no_walk)
{
	struct mapping m;

	/* no entries at all; of memory that the machine does not have; of what only users would map; nothing but ones */
	for (unsigned i = 0; i < 4; i++) {
		open_tables(forms[3], false);
		if (i == 1)
			tables_put(&t, VMALLOC, 0, entry_of(&layouts[8], 14, 2, UINT64_C(0x1fe00000000)));
		if (i == 2)
			tables_put(&t, VMALLOC, 0, 0x241 | 0x240000 << 2);
		if (i == 3)
			tables_put(&t, VMALLOC, 0, UINT64_MAX);
		world_setup(&w);
		assert_false(w.k.arch_state.has_root);
		assert_int_equal(paging_walk(w.km, VMALLOC, &m, NULL, NULL, &e), E_MISSING);
		world_close(&w);
	}
}

TEST(segments_need_no_tables)
{
	static const struct {
		vaddr_t v;
		paddr_t p;
	} known[] = {
		{ UINT64_C(0xffffffff80012345), 0x12345 },	 { UINT64_C(0xffffffffbfffffff), 0x1fffffff },
		{ UINT64_C(0x9800000000012345), 0x12345 },	 { UINT64_C(0x8000000012345678), 0x12345678 },
		{ UINT64_C(0x90000efdfb000000), 0xefdfb000000 }, { UINT64_C(0xa800000400000000), 0x400000000 },
	};
	paddr_t at;

	world_open_machine(&w, &arch_mips64, 14, true, 16);
	world_setup(&w);
	for (size_t i = 0; i < ARRAY_SIZE(known); i++) {
		assert_ok(kmem_translate(w.km, known[i].v, &at, NULL, &e));
		assert_int_equal(at, known[i].p);
	}
	assert_int_equal(kmem_translate(w.km, MODULES, &at, NULL, &e), E_MISSING);
	assert_int_equal(kmem_translate(w.km, 0x12345, &at, NULL, &e), E_MISSING);
}

TEST(damaged_entry_is_missing_or_unreadable)
{
	struct mapping m;

	for (unsigned level = 1; level < 4; level++) {
		open_tables(forms[1], true);
		tables_put(&t, VMALLOC + 0x40000000, 0, entry_of(&layouts[8], 12, 3, 0x240000));
		tables_put(&t, VMALLOC + (UINT64_C(1) << 40), 0, entry_of(&layouts[8], 12, 3, 0x240000));
		world_setup(&w);
		assert_true(w.k.arch_state.has_root);
		tables_put(&t, VMALLOC, level, CACHED + (UINT64_C(1) << 40));
		assert_int_equal(paging_walk(w.km, VMALLOC, &m, NULL, NULL, &e), E_UNREADABLE);
		tables_put(&t, VMALLOC, level, 0x41000);
		assert_int_equal(paging_walk(w.km, VMALLOC, &m, NULL, NULL, &e), E_MISSING);
		tables_put(&t, VMALLOC, level, t.root + CACHED);
		/* goes round, and ends at the lowest level with an entry that is a table */
		assert_int_equal(paging_walk(w.km, VMALLOC, &m, NULL, NULL, &e), E_MISSING);
		world_close(&w);
	}
}

TEST(size_of_sections_is_seen_in_the_length_of_their_array)
{
	for (unsigned bits = 28; bits <= 29; bits++) {
		char line[80];

		world_open_machine(&w, &arch_mips64, 16, false, 16);
		snprintf(line, sizeof(line), "SIZE(mem_section)=16\nLENGTH(mem_section)=%u\n", 1u << (48 - bits - 12));
		world_facts(&w, line);
		world_setup(&w);
		address_map_limits(&w.k);
		assert_int_equal(w.k.arch_state.section_bits, bits);
		assert_int_equal(w.k.arch_state.physmem_bits, 48);
		/* what the kernel says itself counts */
		world_facts(&w, "NUMBER(SECTION_SIZE_BITS)=30\n");
		address_map_limits(&w.k);
		assert_int_equal(w.k.arch_state.section_bits, 30);
		world_close(&w);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(place_of_the_page_frame_is_seen_in_entries_of_every_build),
		cmocka_unit_test(tables_of_every_page_size_are_walked),
		cmocka_unit_test_teardown(huge_page_has_its_frame_at_the_same_bit, close_world),
		cmocka_unit_test(without_an_entry_that_tells_there_is_no_walk),
		cmocka_unit_test_teardown(segments_need_no_tables, close_world),
		cmocka_unit_test(damaged_entry_is_missing_or_unreadable),
		cmocka_unit_test(size_of_sections_is_seen_in_the_length_of_their_array),
	};

	message_set_level(0);
	return cmocka_run_group_tests_name("paging_mips64", tests, NULL, NULL);
}
