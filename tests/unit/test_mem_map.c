/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Flat, discontiguous and sparse memory in invented kernels of every word size and byte order. */
#include "world.h"

#include "kernel/mem_map.h"
#include "kernel/nodes.h"

static struct err e;
static struct world w;

static const struct shape {
	unsigned long_bytes;
	bool big;
} shapes[] = { { 8, false }, { 8, true }, { 4, false }, { 4, true } };

static void line(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
static void line(const char *fmt, ...)
{
	char text[200];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	world_facts(&w, text);
}

static void open_map(enum mem_model want)
{
	assert_ok(mem_map_open(&w.k.mem_map, w.km, &e));
	if (w.k.mem_map.model != want)
		fail_msg("model is %s (%s), not %s", mem_model_name(w.k.mem_map.model), w.k.mem_map.why_none,
			 mem_model_name(want));
}

static void check_chunk(pfn_t pfn, pfn_t start, pfn_t end, enum chunk_kind kind, vaddr_t mem_map)
{
	struct mem_map_chunk c = mem_map_find(&w.k.mem_map, w.km, pfn);

	if (c.start != start || c.end != end || c.kind != kind || (kind == CHUNK_MAP && c.mem_map != mem_map))
		fail_msg("pfn %" PRIu64 ": [%" PRIu64 ", %" PRIu64 ") kind %d at %#" PRIx64, pfn, c.start, c.end, c.kind,
			 c.mem_map);
}

static bool pfn_of(vaddr_t page, pfn_t *pfn)
{
	uint64_t budget = 1000000;

	return mem_map_pfn_of(&w.k.mem_map, w.km, page, &budget, pfn);
}

/* --- flat ------------------------------------------------------------------------------------------------- */

TEST(flat_memory_is_one_chunk)
{
	for (size_t i = 0; i < ARRAY_SIZE(shapes); i++) {
		pfn_t pfn;

		world_open(&w, shapes[i].long_bytes, shapes[i].big, 256);
		line("SIZE(page)=%d\n", shapes[i].long_bytes * 8);
		line("SYMBOL(mem_map)=%" PRIx64 "\n", world_va(&w, 0x3000));
		world_put_long(&w, 0x3000, world_va(&w, 0x10000));
		open_map(MEM_MODEL_FLAT);
		check_chunk(0, 0, 256, CHUNK_MAP, world_va(&w, 0x10000));
		check_chunk(255, 0, 256, CHUNK_MAP, world_va(&w, 0x10000));
		check_chunk(256, 256, 257, CHUNK_HOLE, 0);
		assert_int_equal(mem_map_end(&w.k.mem_map, w.km), 256);
		assert_true(pfn_of(world_va(&w, 0x10000 + 7 * shapes[i].long_bytes * 8), &pfn));
		assert_int_equal(pfn, 7);
		assert_false(pfn_of(world_va(&w, 0x10000 + 4), &pfn));
		assert_false(pfn_of(world_va(&w, 0x10000 - 64), &pfn));
		assert_false(pfn_of(world_va(&w, 0x10000 + 256 * shapes[i].long_bytes * 8), &pfn));
		world_close(&w);
	}
}

TEST(flat_memory_with_an_impossible_pointer_is_none)
{
	static const uint64_t bad[] = { 0, 8, LINEAR_64 + 1, LINEAR_64 - 64, LINEAR_64 + 256 * 4096, UINT64_MAX };

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		world_open(&w, 8, false, 256);
		line("SIZE(page)=64\nSYMBOL(mem_map)=%" PRIx64 "\n", world_va(&w, 0x3000));
		world_put_long(&w, 0x3000, bad[i]);
		open_map(MEM_MODEL_NONE);
		assert_contains(w.k.mem_map.why_none, "mem_map");
		world_close(&w);
	}
	world_open(&w, 8, false, 256);
	line("SIZE(page)=64\nSYMBOL(mem_map)=%" PRIx64 "\n", world_va(&w, 256 * 4096));
	open_map(MEM_MODEL_NONE);
	world_close(&w);
}

/* On ia64 there need not be memory behind the struct pages of what is not there, page 0 among them. */
TEST(virtual_array_needs_struct_pages_of_memory_only)
{
	for (unsigned i = 0; i < 2; i++) {
		vaddr_t map = LINEAR_64 + 0x400 - 32 * 64;

		world_open(&w, 8, false, 256);
		fake_memory_runs(&w.mem, &(struct pfn_run){ 32, 256, RUN_DATA }, 1);
		line("SIZE(page)=64\nSYMBOL(%s)=%" PRIx64 "\n", i ? "mem_map" : "vmem_map", world_va(&w, 0x23000));
		world_put_long(&w, 0x23000, map);
		open_map(MEM_MODEL_FLAT);
		check_chunk(32, 0, 256, CHUNK_MAP, map);
		/* no memory at all behind it */
		mem_map_close(&w.k.mem_map);
		world_put_long(&w, 0x23000, map - 0x800);
		kmem_close(w.km);
		assert_ok(kmem_open(&w.km, &w.k, &e));
		open_map(MEM_MODEL_NONE);
		world_close(&w);
	}
}

TEST(size_of_struct_page_must_be_known_and_possible)
{
	static const struct {
		const char *text, *why;
	} rows[] = {
		{ "", "SIZE(page) is unknown" },
		{ "SIZE(page)=0\n", "0 bytes cannot be" },
		{ "SIZE(page)=24\n", "24 bytes" },
		{ "SIZE(page)=60\n", "60 bytes" },
		{ "SIZE(page)=520\n", "520 bytes" },
		{ "SIZE(page)=-64\n", "-64 bytes" },
		{ "SIZE(page)=64\n", "memory model" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		world_open(&w, 8, false, 16);
		world_facts(&w, rows[i].text);
		open_map(MEM_MODEL_NONE);
		assert_contains(w.k.mem_map.why_none, rows[i].why);
		world_close(&w);
	}
}

/* --- discontiguous ---------------------------------------------------------------------------------------- */

static void node(unsigned n, pfn_t start, uint64_t pages, vaddr_t mem_map)
{
	paddr_t pgdat = 0x5000 + n * 0x100;

	world_put_long(&w, 0x4000 + n * w.k.target.long_bytes, world_va(&w, pgdat));
	world_put_long(&w, pgdat + 16, mem_map);
	world_put_long(&w, pgdat + 24, start);
	world_put_long(&w, pgdat + 32, pages);
}

static void open_nodes(const struct shape *s, unsigned n)
{
	world_open(&w, s->long_bytes, s->big, 256);
	line("SIZE(page)=64\nSYMBOL(node_data)=%" PRIx64 "\nLENGTH(node_data)=%u\nSIZE(pglist_data)=256\n",
	     world_va(&w, 0x4000), n);
	line("OFFSET(pglist_data.node_mem_map)=16\nOFFSET(pglist_data.node_start_pfn)=24\n");
	line("OFFSET(pglist_data.node_spanned_pages)=32\n");
}

TEST(virtual_array_comes_before_nodes)
{
	open_nodes(&shapes[0], 2);
	node(0, 0, 101, world_va(&w, 0x10000));
	node(1, 100, 100, world_va(&w, 0x20000));
	line("SYMBOL(vmem_map)=%" PRIx64 "\n", world_va(&w, 0x3000));
	world_put_long(&w, 0x3000, world_va(&w, 0x30000));
	open_map(MEM_MODEL_FLAT);
	check_chunk(100, 0, 256, CHUNK_MAP, world_va(&w, 0x30000));
	world_close(&w);
}

TEST(nodes_become_sorted_chunks_with_holes_between)
{
	for (size_t i = 0; i < ARRAY_SIZE(shapes); i++) {
		pfn_t pfn;

		open_nodes(&shapes[i], 4);
		node(0, 100, 50, world_va(&w, 0x10000));
		node(1, 10, 40, world_va(&w, 0x20000));
		world_put_long(&w, 0x4000 + 2 * w.k.target.long_bytes, 0); /* a node that does not exist */
		node(3, 200, 1000, world_va(&w, 0x30000));		   /* reaches past the end of memory */
		open_map(MEM_MODEL_DISCONTIG);
		check_chunk(0, 0, 10, CHUNK_HOLE, 0);
		check_chunk(10, 10, 50, CHUNK_MAP, world_va(&w, 0x20000));
		check_chunk(49, 10, 50, CHUNK_MAP, world_va(&w, 0x20000));
		check_chunk(50, 50, 100, CHUNK_HOLE, 0);
		check_chunk(120, 100, 150, CHUNK_MAP, world_va(&w, 0x10000));
		check_chunk(199, 150, 200, CHUNK_HOLE, 0);
		check_chunk(255, 200, 256, CHUNK_MAP, world_va(&w, 0x30000));
		assert_int_equal(mem_map_end(&w.k.mem_map, w.km), 256);
		assert_true(pfn_of(world_va(&w, 0x10000 + 5 * 64), &pfn));
		assert_int_equal(pfn, 105);
		assert_false(pfn_of(world_va(&w, 0x10000 + 50 * 64), &pfn));
		world_close(&w);
	}
}

TEST(memory_behind_the_last_node_has_no_struct_pages)
{
	open_nodes(&shapes[0], 1);
	node(0, 0, 100, world_va(&w, 0x10000));
	open_map(MEM_MODEL_DISCONTIG);
	check_chunk(100, 100, 256, CHUNK_HOLE, 0);
	assert_int_equal(mem_map_end(&w.k.mem_map, w.km), 100);
	world_close(&w);
}

TEST(node_with_an_impossible_map_is_bad_and_the_others_stay)
{
	open_nodes(&shapes[0], 2);
	node(0, 0, 100, world_va(&w, 0x10000));
	node(1, 100, 100, 0x1234);
	open_map(MEM_MODEL_DISCONTIG);
	check_chunk(5, 0, 100, CHUNK_MAP, world_va(&w, 0x10000));
	check_chunk(150, 100, 200, CHUNK_BAD, 0);
	world_close(&w);
}

TEST(nodes_that_overlap_make_no_sense)
{
	open_nodes(&shapes[0], 2);
	node(0, 0, 101, world_va(&w, 0x10000));
	node(1, 100, 100, world_va(&w, 0x20000));
	open_map(MEM_MODEL_NONE);
	assert_contains(w.k.mem_map.why_none, "node");
	world_close(&w);
}

TEST(nodes_that_take_turns_are_one_chunk_of_one_array)
{
	vaddr_t array;

	open_nodes(&shapes[1], 4);
	array = world_va(&w, 0x10000);
	node(0, 20, 100, array + 20 * 64);
	node(1, 50, 20, array + 50 * 64);
	node(2, 100, 100, array + 100 * 64);
	node(3, 200, 20, world_va(&w, 0x20000));
	open_map(MEM_MODEL_DISCONTIG);
	check_chunk(60, 20, 200, CHUNK_MAP, array + 20 * 64);
	check_chunk(199, 20, 200, CHUNK_MAP, array + 20 * 64);
	check_chunk(200, 200, 220, CHUNK_MAP, world_va(&w, 0x20000));
	check_chunk(19, 0, 20, CHUNK_HOLE, 0);
	world_close(&w);
}

TEST(only_online_nodes_count)
{
	for (size_t i = 0; i < ARRAY_SIZE(shapes); i++) {
		uint64_t n = 0;
		vaddr_t pgdat;

		open_nodes(&shapes[i], 70);
		line("SYMBOL(node_online_map)=%" PRIx64 "\nSIZE(nodemask_t)=16\n", world_va(&w, 0x3000));
		for (unsigned k = 0; k < 70; k++)
			node(k, k * 2, 2, world_va(&w, 0x10000));
		/* nodes 1, 40 and 66 */
		world_put_long(&w, 0x3000, 2);
		if (w.k.target.long_bytes == 8)
			world_put_long(&w, 0x3000, 2 | UINT64_C(1) << 40);
		else
			world_put_long(&w, 0x3004, 1 << 8);
		world_put_long(&w, 0x3000 + 64 / (w.k.target.long_bytes * 8) * w.k.target.long_bytes, 4);
		assert_true(node_next(w.km, &n, &pgdat));
		assert_int_equal(pgdat, world_va(&w, 0x5100));
		assert_true(node_next(w.km, &n, &pgdat));
		assert_int_equal(pgdat, world_va(&w, 0x5000 + 40 * 0x100));
		assert_true(node_next(w.km, &n, &pgdat));
		assert_int_equal(pgdat, world_va(&w, 0x5000 + 66 * 0x100));
		assert_false(node_next(w.km, &n, &pgdat));
		assert_false(node_next(w.km, &n, &pgdat));
		world_close(&w);
	}
}

TEST(single_node_is_a_variable)
{
	uint64_t n = 0;
	vaddr_t pgdat;

	world_open(&w, 8, false, 16);
	assert_false(node_next(w.km, &n, &pgdat));
	line("SYMBOL(contig_page_data)=%" PRIx64 "\n", world_va(&w, 0x5000));
	assert_true(node_next(w.km, &n, &pgdat));
	assert_int_equal(pgdat, world_va(&w, 0x5000));
	assert_false(node_next(w.km, &n, &pgdat));
	world_close(&w);
}

TEST(absurd_number_of_nodes_ends)
{
	uint64_t n = 0;
	vaddr_t pgdat;

	world_open(&w, 8, false, 16);
	line("SYMBOL(node_data)=%" PRIx64 "\nLENGTH(node_data)=9223372036854775807\n", world_va(&w, 0x4000));
	assert_false(node_next(w.km, &n, &pgdat));
	assert_true(n <= MEM_NODES_MAX);
	world_close(&w);
}

/* --- sparse ----------------------------------------------------------------------------------------------- */

/* Sections of 64 pages in 24 bits of addresses: 64 sections of 16 bytes each, 256 to a root. */
#define SECTION_PAGES 64
#define PAGES 1024
#define ROOTS_AT 0x4000
#define SECTIONS_AT 0x6000
#define POINTER_AT 0x7000
#define MAPS_AT 0x20000

static unsigned section_len(void)
{
	return w.k.target.long_bytes * 2;
}

/* What a kernel stores: the address of the section's first struct page minus its number, flags below. */
static void section(unsigned nr, vaddr_t mem_map, unsigned flags)
{
	uint64_t coded = mem_map - (uint64_t)nr * SECTION_PAGES * 64;

	world_put_long(&w, SECTIONS_AT + nr * section_len(), coded | flags);
}

static vaddr_t map_of(unsigned nr)
{
	return world_va(&w, MAPS_AT + (nr * SECTION_PAGES * 64));
}

static void open_sections(const struct shape *s, unsigned address_bits)
{
	world_open(&w, s->long_bytes, s->big, PAGES);
	w.k.arch_state.section_bits = 18;
	w.k.arch_state.physmem_bits = address_bits;
	line("SIZE(page)=64\nSIZE(mem_section)=%u\nOFFSET(mem_section.section_mem_map)=0\n", section_len());
	for (unsigned nr = 0; nr < PAGES / SECTION_PAGES; nr++)
		section(nr, map_of(nr), 3);
}

static void open_static(const struct shape *s)
{
	open_sections(s, 24);
	line("SYMBOL(mem_section)=%" PRIx64 "\nLENGTH(mem_section)=64\n", world_va(&w, SECTIONS_AT));
}

static void open_extreme(const struct shape *s)
{
	open_sections(s, 31); /* 8192 sections: 32 roots of 256 or 16 of 512 */
	line("SYMBOL(mem_section)=%" PRIx64 "\nLENGTH(mem_section)=%u\n", world_va(&w, ROOTS_AT),
	     8192 / (4096 / section_len()));
	world_put_long(&w, ROOTS_AT, world_va(&w, SECTIONS_AT));
}

TEST(sparse_sections_are_found_in_a_static_table)
{
	for (size_t i = 0; i < ARRAY_SIZE(shapes); i++) {
		pfn_t pfn;

		open_static(&shapes[i]);
		section(3, 0, 0);
		open_map(MEM_MODEL_SPARSE);
		for (unsigned nr = 0; nr < 16; nr++)
			check_chunk(nr * 64 + 63, nr * 64, nr * 64 + 64, nr == 3 ? CHUNK_HOLE : CHUNK_MAP, map_of(nr));
		assert_true(pfn_of(map_of(7) + 5 * 64, &pfn));
		assert_int_equal(pfn, 7 * 64 + 5);
		assert_false(pfn_of(map_of(3) + 5 * 64, &pfn));
		world_close(&w);
	}
}

TEST(sparse_sections_are_found_through_roots)
{
	for (size_t i = 0; i < ARRAY_SIZE(shapes); i++) {
		unsigned per_root;

		open_extreme(&shapes[i]);
		per_root = 4096 / section_len();
		open_map(MEM_MODEL_SPARSE_EXTREME);
		for (unsigned nr = 0; nr < 16; nr++)
			check_chunk(nr * 64, nr * 64, nr * 64 + 64, CHUNK_MAP, map_of(nr));
		/* a root that is not there is one hole */
		w.k.max_mapnr = (pfn_t)3 * per_root * 64;
		check_chunk((pfn_t)per_root * 64 + 77, (pfn_t)per_root * 64, (pfn_t)2 * per_root * 64, CHUNK_HOLE, 0);
		world_close(&w);
	}
}

TEST(roots_that_are_behind_a_pointer_are_found_too)
{
	for (size_t i = 0; i < ARRAY_SIZE(shapes); i++) {
		open_sections(&shapes[i], 31);
		line("SYMBOL(mem_section)=%" PRIx64 "\nLENGTH(mem_section)=%u\n", world_va(&w, POINTER_AT),
		     8192 / (4096 / section_len()));
		world_put_long(&w, POINTER_AT, world_va(&w, ROOTS_AT));
		world_put_long(&w, ROOTS_AT, world_va(&w, SECTIONS_AT));
		open_map(MEM_MODEL_SPARSE_EXTREME);
		check_chunk(70, 64, 128, CHUNK_MAP, map_of(1));
		world_close(&w);
	}
}

TEST(unknown_length_means_roots)
{
	open_sections(&shapes[0], 31);
	line("SYMBOL(mem_section)=%" PRIx64 "\n", world_va(&w, ROOTS_AT));
	world_put_long(&w, ROOTS_AT, world_va(&w, SECTIONS_AT));
	open_map(MEM_MODEL_SPARSE_EXTREME);
	world_close(&w);
}

TEST(flags_of_a_section_are_no_part_of_its_address)
{
	/* bits 1 to 5 in every combination, bit 0 says that the section is there */
	for (unsigned flags = 0; flags < 64; flags++) {
		open_static(&shapes[0]);
		section(2, map_of(2), flags);
		open_map(MEM_MODEL_SPARSE);
		check_chunk(2 * 64, 2 * 64, 3 * 64, flags & 1 ? CHUNK_MAP : CHUNK_HOLE, map_of(2));
		world_close(&w);
	}
}

TEST(bad_sections_are_bad_and_cost_no_other)
{
	static const struct {
		const char *what;
		uint64_t coded;
		enum chunk_kind kind;
	} rows[] = {
		{ "not a kernel address", 0x1003, CHUNK_BAD },
		{ "address that is not mapped", UINT64_C(0xffffc90000000003), CHUNK_BAD },
		{ "left behind by a section that was removed", UINT64_C(0xffffc9000000000e), CHUNK_HOLE },
		{ "nothing", 0, CHUNK_HOLE },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		open_static(&shapes[0]);
		world_put_long(&w, SECTIONS_AT + 5 * 16, rows[i].coded);
		open_map(MEM_MODEL_SPARSE);
		check_chunk(5 * 64 + 9, 5 * 64, 6 * 64, rows[i].kind, 0);
		check_chunk(6 * 64, 6 * 64, 7 * 64, CHUNK_MAP, map_of(6));
		world_close(&w);
	}
}

TEST(bad_and_unreadable_roots_cost_their_sections_only)
{
	open_extreme(&shapes[0]);
	world_put_long(&w, ROOTS_AT + 8, 0x1234);
	world_put_long(&w, ROOTS_AT + 16, world_va(&w, PAGES * 4096));
	open_map(MEM_MODEL_SPARSE_EXTREME);
	w.k.max_mapnr = (pfn_t)8192 * 64;
	check_chunk(256 * 64, 256 * 64, 257 * 64, CHUNK_BAD, 0);
	check_chunk(512 * 64 + 1, 512 * 64, 513 * 64, CHUNK_BAD, 0);
	check_chunk(70, 64, 128, CHUNK_MAP, map_of(1));
	world_close(&w);
}

TEST(table_without_one_good_section_makes_no_sense)
{
	open_static(&shapes[0]);
	memset(w.mem.bytes + SECTIONS_AT, 0, 0x800);
	open_map(MEM_MODEL_NONE);
	assert_contains(w.k.mem_map.why_none, "mem_section");
	world_close(&w);
	open_static(&shapes[0]);
	memset(w.mem.bytes + SECTIONS_AT, 0xff, 0x800);
	open_map(MEM_MODEL_NONE);
	world_close(&w);
}

TEST(impossible_sizes_of_sections_are_refused)
{
	static const char *const rows[] = {
		"SIZE(mem_section)=0\nOFFSET(mem_section.section_mem_map)=0\n",
		"SIZE(mem_section)=4\nOFFSET(mem_section.section_mem_map)=0\n",
		"SIZE(mem_section)=1000\nOFFSET(mem_section.section_mem_map)=0\n",
		"SIZE(mem_section)=16\nOFFSET(mem_section.section_mem_map)=12\n",
		"SIZE(mem_section)=-16\nOFFSET(mem_section.section_mem_map)=0\n",
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		world_open(&w, 8, false, 64);
		world_facts(&w, rows[i]);
		line("SIZE(page)=64\nSYMBOL(mem_section)=%" PRIx64 "\n", world_va(&w, 0x4000));
		open_map(MEM_MODEL_NONE);
		assert_contains(w.k.mem_map.why_none, "cannot be");
		world_close(&w);
	}
	open_static(&shapes[0]);
	w.k.arch_state.section_bits = 12;
	open_map(MEM_MODEL_NONE);
	w.k.arch_state.section_bits = 31;
	open_map(MEM_MODEL_NONE);
	world_close(&w);
}

TEST(search_for_a_page_frame_is_no_longer_than_its_budget)
{
	uint64_t budget = 3;
	pfn_t pfn;

	open_static(&shapes[0]);
	/* no two maps follow one another: nothing shortens the search */
	for (unsigned nr = 0; nr < 16; nr++)
		section(nr, world_va(&w, 0x200000 - nr * 0x10000), 3);
	open_map(MEM_MODEL_SPARSE);
	assert_false(mem_map_pfn_of(&w.k.mem_map, w.km, world_va(&w, 0x200000 - 15 * 0x10000), &budget, &pfn));
	assert_int_equal(budget, 0);
	assert_true(pfn_of(world_va(&w, 0x200000 - 15 * 0x10000), &pfn));
	assert_int_equal(pfn, 15 * 64);
	world_close(&w);
}

TEST(memory_beyond_the_last_section_is_a_hole)
{
	open_static(&shapes[0]);
	open_map(MEM_MODEL_SPARSE);
	w.k.max_mapnr = 10000;
	check_chunk(5000, 4096, 10000, CHUNK_HOLE, 0);
	check_chunk(20000, 4096, 20001, CHUNK_HOLE, 0);
	assert_int_equal(mem_map_end(&w.k.mem_map, w.km), 1024);
	world_close(&w);
}

TEST(sparse_kernels_that_have_mem_map_too_are_sparse)
{
	open_static(&shapes[0]);
	line("SYMBOL(mem_map)=%" PRIx64 "\n", world_va(&w, 0x3000));
	world_put_long(&w, 0x3000, world_va(&w, 0x10000));
	open_map(MEM_MODEL_SPARSE);
	world_close(&w);
}

TEST(last_chunk_ends_with_the_memory)
{
	open_static(&shapes[0]);
	open_map(MEM_MODEL_SPARSE);
	w.k.max_mapnr = 1000;
	check_chunk(990, 960, 1000, CHUNK_MAP, map_of(15));
	assert_int_equal(mem_map_end(&w.k.mem_map, w.km), 1000);
	section(15, 0, 0);
	mem_map_close(&w.k.mem_map);
	kmem_close(w.km);
	assert_ok(kmem_open(&w.km, &w.k, &e));
	open_map(MEM_MODEL_SPARSE);
	assert_int_equal(mem_map_end(&w.k.mem_map, w.km), 960);
	world_close(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(flat_memory_is_one_chunk),
		cmocka_unit_test(flat_memory_with_an_impossible_pointer_is_none),
		cmocka_unit_test(virtual_array_needs_struct_pages_of_memory_only),
		cmocka_unit_test(virtual_array_comes_before_nodes),
		cmocka_unit_test(size_of_struct_page_must_be_known_and_possible),
		cmocka_unit_test(nodes_become_sorted_chunks_with_holes_between),
		cmocka_unit_test(memory_behind_the_last_node_has_no_struct_pages),
		cmocka_unit_test(node_with_an_impossible_map_is_bad_and_the_others_stay),
		cmocka_unit_test(nodes_that_overlap_make_no_sense),
		cmocka_unit_test(nodes_that_take_turns_are_one_chunk_of_one_array),
		cmocka_unit_test(only_online_nodes_count),
		cmocka_unit_test(single_node_is_a_variable),
		cmocka_unit_test(absurd_number_of_nodes_ends),
		cmocka_unit_test(sparse_sections_are_found_in_a_static_table),
		cmocka_unit_test(sparse_sections_are_found_through_roots),
		cmocka_unit_test(roots_that_are_behind_a_pointer_are_found_too),
		cmocka_unit_test(unknown_length_means_roots),
		cmocka_unit_test(flags_of_a_section_are_no_part_of_its_address),
		cmocka_unit_test(bad_sections_are_bad_and_cost_no_other),
		cmocka_unit_test(bad_and_unreadable_roots_cost_their_sections_only),
		cmocka_unit_test(table_without_one_good_section_makes_no_sense),
		cmocka_unit_test(impossible_sizes_of_sections_are_refused),
		cmocka_unit_test(search_for_a_page_frame_is_no_longer_than_its_budget),
		cmocka_unit_test(memory_beyond_the_last_section_is_a_hole),
		cmocka_unit_test(sparse_kernels_that_have_mem_map_too_are_sparse),
		cmocka_unit_test(last_chunk_ends_with_the_memory),
	};

	message_set_level(0);
	return cmocka_run_group_tests_name("mem_map", tests, NULL, NULL);
}
