/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Page tables of invented machines, walked as x86_64 does: four and five levels, every size of page, damage. */
#include "world.h"

static struct err e;

#define IMAGE UINT64_C(0xffffffff80000000)
#define ROOT 0x1000
#define PRESENT 1
#define HUGE_BIT 0x80

static struct world w;
static paddr_t next_table;

static void open_tables(const char *facts, size_t pages)
{
	world_open_x86_64(&w, pages);
	world_facts(&w, facts);
	world_setup(&w);
	next_table = ROOT + 0x1000;
}

static int close_tables(void **state)
{
	(void)state;
	world_close(&w);
	return 0;
}

/* Address of the entry of `vaddr` in the table of `level` (0 is the lowest), with tables made on the way. */
static paddr_t entry_of(vaddr_t vaddr, unsigned level, unsigned levels, uint64_t extra)
{
	paddr_t table = ROOT;

	for (unsigned l = levels - 1;; l--) {
		paddr_t at = table + (vaddr >> (12 + 9 * l) & 511) * 8;
		uint64_t entry = get_u64(w.mem.bytes + at, false);

		if (l == level)
			return at;
		if (!(entry & PRESENT)) {
			entry = next_table | PRESENT | extra;
			next_table += 0x1000;
			assert_true(next_table <= w.mem.pages * 4096);
			world_put_long(&w, at, entry);
		}
		table = entry & UINT64_C(0x00007ffffffff000);
	}
}

static void put_entry(vaddr_t vaddr, unsigned level, unsigned levels, uint64_t entry)
{
	world_put_long(&w, entry_of(vaddr, level, levels, 0x63), entry);
}

static void check_leaf(vaddr_t vaddr, paddr_t paddr, uint64_t len)
{
	struct mapping m = { 0 };

	assert_ok(paging_walk(w.km, vaddr, &m, NULL, NULL, &e));
	assert_int_equal(m.len, len);
	assert_int_equal(m.vaddr, vaddr & ~(len - 1));
	assert_int_equal(m.paddr + (vaddr - m.vaddr), paddr);
}

static const char four[] = "SYMBOL(init_top_pgt)=ffffffff80001000\nNUMBER(phys_base)=0\n";
static const char five[] = "SYMBOL(init_top_pgt)=ffffffff80001000\nNUMBER(phys_base)=0\nNUMBER(pgtable_l5_enabled)=1\n";

TEST(every_size_of_page_is_found_with_four_and_five_levels)
{
	for (unsigned levels = 4; levels <= 5; levels++) {
		vaddr_t base = levels == 4 ? UINT64_C(0xffffea0000000000) : UINT64_C(0xffd4000000000000);
		/* bits that are no address: accessed, dirty, global, PAT of huge pages, software bits, no-execute */
		uint64_t noise = UINT64_C(0xfff0000000000e63);

		open_tables(levels == 4 ? four : five, 64);
		put_entry(base + 0x201000, 0, levels, UINT64_C(0x123456000) | PRESENT | noise);
		/* at the lowest level the bit of huge pages means PAT */
		put_entry(base + 0x202000, 0, levels, UINT64_C(0x123457000) | PRESENT | HUGE_BIT);
		put_entry(base + 0x400000, 1, levels, UINT64_C(0x200000) | PRESENT | HUGE_BIT | 0x1000 | noise);
		put_entry(base + (UINT64_C(3) << 30), 2, levels,
			  (UINT64_C(5) << 30) | PRESENT | HUGE_BIT | 0x1000 | noise);
		check_leaf(base + 0x201abc, UINT64_C(0x123456abc), 4096);
		check_leaf(base + 0x202fff, UINT64_C(0x123457fff), 4096);
		check_leaf(base + 0x512345, UINT64_C(0x312345), 2 << 20);
		check_leaf(base + (UINT64_C(3) << 30) + 0x3fffffff, (UINT64_C(5) << 30) + 0x3fffffff, 1 << 30);
		/* only the tables know: without five levels the same bits mean something else */
		assert_int_equal(w.k.arch_state.kernel_start,
				 levels == 4 ? UINT64_C(0xffff800000000000) : UINT64_C(0xff00000000000000));
		world_close(&w);
	}
}

TEST(absent_entry_at_any_level_is_missing)
{
	for (unsigned levels = 4; levels <= 5; levels++) {
		for (unsigned level = 0; level < levels; level++) {
			vaddr_t v = UINT64_C(0xffffea0012345000);
			struct mapping m;

			open_tables(levels == 4 ? four : five, 64);
			/* an entry that only lacks its present bit, as swapped pages have */
			put_entry(v, level, levels, UINT64_C(0x7777777777777000) | HUGE_BIT | 0x62);
			assert_int_equal(paging_walk(w.km, v, &m, NULL, NULL, &e), E_MISSING);
			assert_contains(e.text, "0xffffea0012345000");
			world_close(&w);
		}
	}
}

TEST(table_outside_the_dump_is_unreadable_at_any_level)
{
	for (unsigned level = 1; level < 4; level++) {
		vaddr_t v = UINT64_C(0xffffea0012345000);
		struct mapping m;

		open_tables(four, 64);
		put_entry(v, level, 4, (UINT64_C(1) << 40) | PRESENT);
		assert_int_equal(paging_walk(w.km, v, &m, NULL, NULL, &e), E_UNREADABLE);
		put_entry(v, level, 4, 0x20000 | PRESENT);
		w.mem.unreadable[0x20] = 1;
		assert_int_equal(paging_walk(w.km, v, &m, NULL, NULL, &e), E_UNREADABLE);
		world_close(&w);
	}
	open_tables("SYMBOL(init_top_pgt)=ffffffff90001000\nNUMBER(phys_base)=0\n", 64);
	struct mapping m;
	assert_int_equal(paging_walk(w.km, IMAGE, &m, NULL, NULL, &e), E_UNREADABLE);
	world_close(&w);
}

TEST(tables_that_point_at_themselves_end_after_their_levels)
{
	struct mapping m;

	for (unsigned levels = 4; levels <= 5; levels++) {
		open_tables(levels == 4 ? four : five, 64);
		for (unsigned i = 0; i < 512; i++)
			world_put_long(&w, ROOT + i * 8, ROOT | PRESENT);
		assert_ok(paging_walk(w.km, UINT64_C(0xffffabcd12345678), &m, NULL, NULL, &e));
		assert_int_equal(m.paddr, ROOT);
		assert_int_equal(m.len, 4096);
		world_close(&w);
	}
}

TEST(encryption_bit_is_no_part_of_an_address)
{
	const uint64_t c_bit = UINT64_C(1) << 47;
	vaddr_t v = UINT64_C(0xffffea0000201000);

	open_tables("SYMBOL(init_top_pgt)=ffffffff80001000\nNUMBER(phys_base)=0\nNUMBER(sme_mask)=140737488355328\n", 64);
	world_put_long(&w, entry_of(v, 0, 4, c_bit), UINT64_C(0x123456000) | PRESENT | c_bit);
	world_put_long(&w, entry_of(v + 0x400000, 1, 4, c_bit), UINT64_C(0x600000) | PRESENT | HUGE_BIT | c_bit);
	check_leaf(v, UINT64_C(0x123456000), 4096);
	check_leaf(v + 0x400000, UINT64_C(0x601000), 2 << 20);
	world_close(&w);
	/* without the mask the bit is an address like any other */
	open_tables(four, 64);
	put_entry(v, 0, 4, UINT64_C(0x123456000) | PRESENT | c_bit);
	check_leaf(v, UINT64_C(0x123456000) | c_bit, 4096);
	world_close(&w);
}

struct steps {
	unsigned n;
	const char *level[8];
	paddr_t at[8];
	uint64_t entry[8];
};

static void note_step(void *data, const char *level, paddr_t at, uint64_t entry)
{
	struct steps *s = data;

	assert_true(s->n < 8);
	s->level[s->n] = level;
	s->at[s->n] = at;
	s->entry[s->n++] = entry;
}

TEST(steps_of_a_walk_are_told_from_the_top_down)
{
	static const char *const names[] = { "PGD", "P4D", "PUD", "PMD", "PTE" };

	for (unsigned levels = 4; levels <= 5; levels++) {
		vaddr_t v = levels == 4 ? UINT64_C(0xffffea0000201000) : UINT64_C(0xffd4000000201000);
		struct steps s = { 0 };
		struct mapping m;

		open_tables(levels == 4 ? four : five, 64);
		put_entry(v, 0, levels, 0x7000 | PRESENT);
		assert_ok(paging_walk(w.km, v, &m, note_step, &s, &e));
		assert_int_equal(s.n, levels);
		assert_string_equal(s.level[0], "PGD");
		for (unsigned i = 1; i < levels; i++)
			assert_string_equal(s.level[i], names[i + 5 - levels]);
		for (unsigned i = 0; i < levels; i++) {
			assert_int_equal(s.at[i], entry_of(v, levels - 1 - i, levels, 0));
			assert_int_equal(s.entry[i], get_u64(w.mem.bytes + s.at[i], false));
		}
		world_close(&w);
	}
}

TEST(root_that_is_unknown_or_no_kernel_address_is_missing)
{
	struct mapping m;

	open_tables("NUMBER(phys_base)=0\n", 16);
	assert_int_equal(paging_walk(w.km, IMAGE, &m, NULL, NULL, &e), E_MISSING);
	assert_contains(e.text, "root");
	world_close(&w);
	open_tables("SYMBOL(init_top_pgt)=1000\nNUMBER(phys_base)=0\n", 16);
	assert_int_equal(paging_walk(w.km, IMAGE, &m, NULL, NULL, &e), E_MISSING);
	world_close(&w);
}

TEST(names_of_the_root_table_have_an_order)
{
	world_open_x86_64(&w, 16);
	world_facts(&w, "SYMBOL(swapper_pg_dir)=ffffffff80003000\nSYMBOL(init_level4_pgt)=ffffffff80002000\n");
	world_setup(&w);
	assert_int_equal(w.k.arch_state.root, 0x2000);
}

TEST(root_lies_where_phys_base_puts_it_even_a_negative_one)
{
	world_open_x86_64(&w, 16);
	world_facts(&w, "SYMBOL(swapper_pg_dir)=ffffffffa4c10000\nNUMBER(phys_base)=-268435456\n");
	world_setup(&w);
	assert_int_equal(w.k.arch_state.root, 0x24c10000 - 268435456);
	assert_int_equal(w.k.arch_state.phys_base, (uint64_t)-268435456);
}

TEST(phys_base_is_taken_from_the_image_segment_when_the_kernel_does_not_tell)
{
	world_open_x86_64(&w, 16);
	/* QEMU writes physical addresses as virtual ones: no image */
	w.mem.segments[0] = (struct mem_segment){ .paddr = 0x100000, .vaddr = 0x100000, .filesz = 1, .memsz = 1 };
	w.mem.segments[1] = (struct mem_segment){ PADDR_NONE, IMAGE + 0x1000000, 1, 1, 7 };
	w.mem.segments[2] = (struct mem_segment){ 0x3c000000, IMAGE + 0x1000000, 0x2000000, 0x2000000, 7 };
	w.mem.n_segments = 3;
	world_setup(&w);
	assert_int_equal(w.k.arch_state.phys_base, 0x3b000000);
}

TEST(direct_map_is_seen_in_the_segments_and_not_imagined)
{
	struct linear_range *r = &w.k.arch_state.linear[1];

	world_open_x86_64(&w, 1024);
	w.mem.segments[0] = (struct mem_segment){ 0x1000000, IMAGE + 0x1000000, 1, 0x2000000, 7 };
	w.mem.segments[1] = (struct mem_segment){ 0x1000, UINT64_C(0xffff9d0300001000), 0x9e000, 0x9e000, 7 };
	w.mem.segments[2] = (struct mem_segment){ 0x100000, UINT64_C(0xffff9d0300100000), 1, 0x300000, 7 };
	w.mem.n_segments = 3;
	world_setup(&w);
	assert_int_equal(w.k.arch_state.n_linear, 2);
	assert_int_equal(r->start, UINT64_C(0xffff9d0300000000));
	assert_int_equal(r->paddr, 0);
	assert_int_equal(r->end, UINT64_C(0xffff9d0300000000) + 1024 * 4096);
	assert_int_equal(r->trust, RANGE_GUESS);
	world_close(&w);
	world_open_x86_64(&w, 1024);
	w.mem.segments[0] = (struct mem_segment){ 0x100000, 0x100000, 1, 0x300000, 7 };
	w.mem.segments[1] = (struct mem_segment){ 0x500000, 0, 1, 0x300000, 7 };
	w.mem.n_segments = 2;
	world_setup(&w);
	assert_int_equal(w.k.arch_state.n_linear, 1);
}

TEST(translation_tells_how_far_it_reaches)
{
	vaddr_t v = UINT64_C(0xffffea0000000000);
	uint64_t left;
	paddr_t at;

	open_tables(four, 64);
	put_entry(v, 1, 4, 0x200000 | PRESENT | HUGE_BIT);
	put_entry(v + 0x200000, 0, 4, 0x5000 | PRESENT);
	put_entry(v + 0x201000, 0, 4, 0x9000 | PRESENT);
	for (unsigned round = 0; round < 3; round++) { /* later rounds come from what is remembered */
		assert_ok(kmem_translate(w.km, v + 0x1234, &at, &left, &e));
		assert_int_equal(at, 0x201234);
		assert_int_equal(left, 0x200000 - 0x1234);
		assert_ok(kmem_translate(w.km, v + 0x200ffe, &at, &left, &e));
		assert_int_equal(at, 0x5ffe);
		assert_int_equal(left, 2);
		assert_ok(kmem_translate(w.km, v + 0x201000, &at, NULL, &e));
		assert_int_equal(at, 0x9000);
		/* the same slot of the memory for translations, another address */
		assert_int_equal(kmem_translate(w.km, v + 0x202000, &at, &left, &e), E_MISSING);
		assert_int_equal(kmem_translate(w.km, v + 0x2000000, &at, &left, &e), E_MISSING);
	}
}

TEST(read_across_mappings_takes_the_bytes_of_both)
{
	vaddr_t v = UINT64_C(0xffffea0000000000);
	uint8_t buf[8], want[8] = { 1, 2, 3, 4, 5, 6, 7, 8 };
	uint64_t wide;
	uint32_t narrow;

	open_tables(four, 64);
	put_entry(v, 0, 4, 0x20000 | PRESENT);
	put_entry(v + 0x1000, 0, 4, 0x10000 | PRESENT);
	memcpy(w.mem.bytes + 0x20ffc, want, 4);
	memcpy(w.mem.bytes + 0x10000, want + 4, 4);
	assert_ok(kmem_read(w.km, v + 0xffc, buf, 8, &e));
	assert_memory_equal(buf, want, 8);
	assert_ok(kmem_read_ulong(w.km, v + 0xffc, &wide, &e));
	assert_int_equal(wide, UINT64_C(0x0807060504030201));
	assert_ok(kmem_read_u32(w.km, v + 0xffc, &narrow, &e));
	assert_int_equal(narrow, 0x04030201);
	assert_int_equal(kmem_read(w.km, v + 0x1ffc, buf, 8, &e), E_MISSING);
	w.mem.unreadable[0x10] = 1;
	assert_ok(kmem_read(w.km, v + 0xff0, buf, 8, &e));
}

TEST(view_ends_where_the_mapping_ends)
{
	vaddr_t v = UINT64_C(0xffffea0000000000);
	struct span s;

	open_tables(four, 64);
	put_entry(v, 0, 4, 0x20000 | PRESENT);
	put_entry(v + 0x1000, 0, 4, 0x10000 | PRESENT);
	assert_ok(kmem_view(w.km, v + 0x800, 0x4000, &s, &e));
	assert_int_equal(s.len, 0x800);
	assert_ptr_equal(s.data, w.mem.bytes + 0x20800);
	assert_true(kmem_view_intact(w.km));
}

#define WITH_TABLES(test) cmocka_unit_test_teardown(test, close_tables)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_size_of_page_is_found_with_four_and_five_levels),
		cmocka_unit_test(absent_entry_at_any_level_is_missing),
		cmocka_unit_test(table_outside_the_dump_is_unreadable_at_any_level),
		cmocka_unit_test(tables_that_point_at_themselves_end_after_their_levels),
		cmocka_unit_test(encryption_bit_is_no_part_of_an_address),
		cmocka_unit_test(steps_of_a_walk_are_told_from_the_top_down),
		cmocka_unit_test(root_that_is_unknown_or_no_kernel_address_is_missing),
		WITH_TABLES(names_of_the_root_table_have_an_order),
		WITH_TABLES(root_lies_where_phys_base_puts_it_even_a_negative_one),
		WITH_TABLES(phys_base_is_taken_from_the_image_segment_when_the_kernel_does_not_tell),
		WITH_TABLES(direct_map_is_seen_in_the_segments_and_not_imagined),
		WITH_TABLES(translation_tells_how_far_it_reaches),
		WITH_TABLES(read_across_mappings_takes_the_bytes_of_both),
		WITH_TABLES(view_ends_where_the_mapping_ends),
	};

	message_set_level(0);
	return cmocka_run_group_tests_name("paging", tests, NULL, NULL);
}
