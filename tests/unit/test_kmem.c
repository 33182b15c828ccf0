/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where an address lies depends on nothing that was looked up before it, however broken the tables are. */
#include "world.h"

#include <stdlib.h>

#include "arch/arch.h"
#include "base/bytes.h"

/* arm, short descriptors; the kernel's memory from FIRST on is asked for page by page */
#define FIRST UINT64_C(0xc0100000)
#define LAST UINT64_C(0xc4000000)
#define PAGE_4K UINT64_C(4096)

static struct world w;
static struct err e;

struct place {
	bool there;
	paddr_t paddr;
	uint64_t left;
};

static struct place look_up(vaddr_t vaddr)
{
	struct place p = { false, 0, 0 };

	p.there = !kmem_translate(w.km, vaddr, &p.paddr, &p.left, &e);
	return p;
}

/* As somebody finds it who has looked up nothing before. */
static struct place first_look(vaddr_t vaddr)
{
	kmem_forget(w.km);
	return look_up(vaddr);
}

static void put_entry(paddr_t at, uint32_t value)
{
	put_u32(w.mem.bytes + at, value, false);
}

static void open_broken_tables(void)
{
	world_open_machine(&w, &arch_arm, 12, false, 96);
	world_facts(&w, "SYMBOL(swapper_pg_dir)=c0004000\nSYMBOL(_stext)=c0008000\n");
	w.mem.segments[w.mem.n_segments++] = (struct mem_segment){ 0, 0, 96 * PAGE_4K, 96 * PAGE_4K, 7 };
	put_entry(0x7000, 0x0000941e); /* the first MiB, which tells the form of the tables */
	put_entry(0x7004, 0x3401);
	for (unsigned i = 0; i < 16; i++)
		put_entry(0x3440 + i * 4, 0x00d00001); /* a page of 64 KiB in 16 entries: */
	put_entry(0x3440 + 5 * 4, 0); /* one is lost, */
	put_entry(0x3440 + 8 * 4, 0x12345002); /* one is another page */
	for (unsigned i = 0; i < 16; i++)
		put_entry(0x7040 + i * 4, 0x02040002); /* 16 MiB in 16 entries: */
	put_entry(0x7040 + 3 * 4, 0);
	put_entry(0x7040 + 9 * 4, 0x7f801); /* the table for that is outside the dump */
	put_entry(0x7080, 0x0300041e); /* one MiB by itself, then 13 that are not there */
	put_entry(0x70b8, 0x0e00041e);
	world_setup(&w);
	/* what is guessed where the tables fail */
	arch_add_linear(&w.k.arch_state, (struct linear_range){ .start = FIRST, .end = LAST, .paddr = 0x100000 });
}

static void check_all(void)
{
	static struct place first[(LAST - FIRST) / PAGE_4K];
	uint64_t seed = 11;

	for (size_t i = 0; i < ARRAY_SIZE(first); i++)
		first[i] = first_look(FIRST + i * PAGE_4K);
	/* what holds for the pages that follow is what they hold themselves */
	for (size_t i = 0; i < ARRAY_SIZE(first); i++)
		for (uint64_t at = PAGE_4K; first[i].there && at < first[i].left && i + at / PAGE_4K < ARRAY_SIZE(first); at += PAGE_4K)
			if (!first[i + at / PAGE_4K].there || first[i + at / PAGE_4K].paddr != first[i].paddr + at)
				fail_msg("%#" PRIx64 " speaks for %#" PRIx64, FIRST + i * PAGE_4K, FIRST + i * PAGE_4K + at);
	/* nor do other look-ups change anything, in any order */
	for (unsigned n = 0; n < 200000; n++) {
		size_t i = random_below(&seed, ARRAY_SIZE(first));
		struct place p = look_up(FIRST + i * PAGE_4K);

		if (p.there != first[i].there || p.paddr != first[i].paddr)
			fail_msg("%#" PRIx64 " moved from %#" PRIx64 " to %#" PRIx64, FIRST + i * PAGE_4K, first[i].paddr, p.paddr);
	}
}

TEST(broken_entries_speak_for_themselves_only)
{
	open_broken_tables();
	assert_int_equal(first_look(0xc0114000).paddr, 0xd04000);
	assert_int_equal(first_look(0xc0115000).paddr, 0x115000); /* guessed */
	assert_int_equal(first_look(0xc0118000).paddr, 0x12345000);
	assert_int_equal(first_look(0xc1200000).paddr, 0x02200000);
	assert_int_equal(first_look(0xc2e00000).paddr, 0x0e000000);
	check_all();
	world_close(&w);
}

TEST(ranges_that_are_sure_cut_what_the_tables_say)
{
	static const struct linear_range sure[] = {
		{ .start = 0xc0112000, .end = 0xc0113000, .paddr = 0x5000, .trust = RANGE_FIXED },
		{ .start = 0xc1000000 + 0x480000, .end = 0xc1000000 + 0x500000, .paddr = 0x9000, .trust = RANGE_PROVEN },
		{ .start = 0xc2100000, .end = 0xc2180000, .paddr = 0x77000000, .trust = RANGE_PROVEN },
	};
	struct mapping *pieces;

	open_broken_tables();
	for (size_t i = 0; i < ARRAY_SIZE(sure); i++)
		arch_add_linear(&w.k.arch_state, sure[i]);
	pieces = calloc(2, sizeof(*pieces));
	assert_non_null(pieces);
	pieces[0] = (struct mapping){ 0xc1000000 + 0x4f0000, 0x20000, 0xa00000 }; /* its beginning is in a range */
	pieces[1] = (struct mapping){ 0xc2200000, 0x300000, 0xb00000 };
	w.k.arch_state.pieces = pieces;
	w.k.arch_state.n_pieces = 2;
	assert_int_equal(first_look(0xc0112000).paddr, 0x5000);
	assert_int_equal(first_look(0xc14ff000).paddr, 0x88000);
	assert_int_equal(first_look(0xc1500000).paddr, 0xa10000);
	assert_int_equal(first_look(0xc1510000).paddr, 0x02510000);
	assert_int_equal(first_look(0xc2200000).paddr, 0xb00000);
	check_all();
	world_close(&w);
}

TEST(range_before_another_begins_where_it_says)
{
	paddr_t at;
	uint64_t left;

	open_broken_tables();
	w.k.arch_state.n_linear = 0;
	arch_add_linear(&w.k.arch_state, (struct linear_range){ .start = 0xd0000000, .end = 0xd0001000, .paddr = 1 << 20 });
	arch_add_linear(&w.k.arch_state, (struct linear_range){ .start = 0xcff00000, .end = 0xd0100000, .paddr = 1 << 24 });
	assert_true(arch_linear(&w.k.arch_state, 0xcff00010, RANGE_GUESS, &at, &left));
	assert_int_equal(at, (1 << 24) + 0x10);
	assert_int_equal(left, 0x100000 - 0x10);
	assert_true(arch_linear(&w.k.arch_state, 0xd0000ff0, RANGE_GUESS, &at, &left));
	assert_int_equal(at, (1 << 20) + 0xff0);
	assert_int_equal(left, 0x10);
	assert_true(arch_linear(&w.k.arch_state, 0xd0001000, RANGE_GUESS, &at, &left));
	assert_int_equal(at, (1 << 24) + 0x101000);
	assert_int_equal(left, 0xff000);
	world_close(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(broken_entries_speak_for_themselves_only),
		cmocka_unit_test(ranges_that_are_sure_cut_what_the_tables_say),
		cmocka_unit_test(range_before_another_begins_where_it_says),
	};

	message_set_level(0);
	return cmocka_run_group_tests_name("kmem", tests, NULL, NULL);
}
