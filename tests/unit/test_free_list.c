/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Lists of free blocks, sound and broken. */
#include "world.h"

#include "filter/free_list.h"

#define PAGES 256
#define PGDAT 0x8000
#define ZONE_SIZE 0x400
#define LRU_AT 8

static struct world w;
static const unsigned shapes[][2] = { { 8, false }, { 8, true }, { 4, false }, { 4, true } };

static const char keys[] = "SIZE(page)=64\nOFFSET(page.flags)=0\nOFFSET(page.lru)=8\nOFFSET(list_head.next)=0\n"
			   "SIZE(zone)=1024\nOFFSET(zone.free_area)=128\nOFFSET(zone.spanned_pages)=16\n"
			   "OFFSET(pglist_data.node_zones)=256\nOFFSET(pglist_data.nr_zones)=32\n"
			   "LENGTH(zone.free_area)=4\nLENGTH(free_area.free_list)=2\nSIZE(free_area)=64\n"
			   "OFFSET(free_area.free_list)=0\n";

static unsigned wide;

static paddr_t list_head(unsigned zone, unsigned order, unsigned type)
{
	return PGDAT + 256 + zone * ZONE_SIZE + 128 + order * 64 + type * 2 * wide;
}

static paddr_t lru(pfn_t pfn)
{
	return world_page(&w, pfn) + LRU_AT;
}

/* Makes a sound list of these blocks; n may be 0. */
static void make_list(paddr_t head, const pfn_t *pfns, size_t n)
{
	paddr_t prev = head;

	for (size_t i = 0; i <= n; i++) {
		paddr_t at = i < n ? lru(pfns[i]) : head;

		world_put_long(&w, prev, world_va(&w, at));
		world_put_long(&w, at + wide, world_va(&w, prev));
		prev = at;
	}
}

static void open_lists(const unsigned *shape, unsigned zones)
{
	char line[200];

	wide = shape[0];
	world_open(&w, shape[0], shape[1], PAGES);
	world_facts(&w, keys);
	snprintf(line, sizeof(line), "OFFSET(list_head.prev)=%u\nSIZE(list_head)=%u\nSYMBOL(contig_page_data)=%" PRIx64 "\n",
		 wide, 2 * wide, world_va(&w, PGDAT));
	world_facts(&w, line);
	world_flat_mem_map(&w);
	world_put_u32(&w, PGDAT + 32, zones);
	for (unsigned z = 0; z < zones; z++) {
		world_put_long(&w, PGDAT + 256 + z * ZONE_SIZE + 16, 1000);
		for (unsigned order = 0; order < 4; order++)
			for (unsigned type = 0; type < 2; type++)
				make_list(list_head(z, order, type), NULL, 0);
	}
}

struct seen {
	unsigned blocks;
	bool page[PAGES];
};

static void see(void *data, pfn_t first, uint64_t count)
{
	struct seen *s = data;

	s->blocks++;
	for (pfn_t pfn = first; pfn < first + count; pfn++) {
		assert_true(pfn < PAGES);
		s->page[pfn] = true;
	}
}

static void walk(struct seen *s, unsigned *broken)
{
	uint64_t budget = 1000000;

	free_list_walk(w.km, see, s, &budget, broken);
}

static unsigned count(const struct seen *s)
{
	unsigned n = 0;

	for (size_t i = 0; i < PAGES; i++)
		n += s->page[i];
	return n;
}

TEST(all_lists_of_all_zones_are_walked)
{
	static const pfn_t a[] = { 8, 3, 200 }, b[] = { 16, 64 }, c[] = { 120 };

	for (size_t i = 0; i < ARRAY_SIZE(shapes); i++) {
		struct seen s = { 0 };
		unsigned broken = 99;

		open_lists(shapes[i], 2);
		make_list(list_head(0, 0, 0), a, 3);
		make_list(list_head(0, 3, 1), b, 2);
		make_list(list_head(1, 2, 0), c, 1);
		assert_int_equal(free_list_missing(&w.k), N_FACTS);
		walk(&s, &broken);
		assert_int_equal(broken, 0);
		assert_int_equal(s.blocks, 6);
		assert_int_equal(count(&s), 3 + 16 + 4);
		assert_true(s.page[3] && s.page[8] && s.page[200] && s.page[16] && s.page[23] && s.page[71]);
		assert_true(s.page[123] && !s.page[124] && !s.page[24]);
		world_close(&w);
	}
}

TEST(zone_without_pages_is_left_alone)
{
	static const pfn_t a[] = { 8 };
	struct seen s = { 0 };
	unsigned broken;

	open_lists(shapes[0], 2);
	make_list(list_head(1, 0, 0), a, 1);
	world_put_long(&w, PGDAT + 256 + ZONE_SIZE + 16, 0);
	/* its lists were never initialised */
	world_put_long(&w, list_head(1, 1, 0), 0);
	walk(&s, &broken);
	assert_int_equal(broken, 0);
	assert_int_equal(s.blocks, 0);
	world_close(&w);
}

TEST(broken_list_is_left_where_it_breaks_and_the_others_are_walked)
{
	static const pfn_t a[] = { 8, 10, 12, 14 }, b[] = { 16, 64 };

	for (unsigned how = 0; how < 6; how++) {
		struct seen s = { 0 };
		unsigned broken;

		open_lists(shapes[how % 4], 1);
		make_list(list_head(0, 0, 0), a, 4);
		make_list(list_head(0, 3, 0), b, 2);
		switch (how) {
		case 0: /* prev does not lead back */
			world_put_long(&w, lru(12) + wide, world_va(&w, lru(8)));
			break;
		case 1: /* next leads out of memory */
			world_put_long(&w, lru(10), world_va(&w, (paddr_t)PAGES * 4096));
			break;
		case 2: /* next is nothing */
			world_put_long(&w, lru(10), 0);
			break;
		case 3: /* next leads to no struct page */
			world_put_long(&w, lru(10), world_va(&w, 0x1000));
			world_put_long(&w, 0x1000 + wide, world_va(&w, lru(10)));
			break;
		case 4: /* next leads into the middle of a struct page */
			world_put_long(&w, lru(10), world_va(&w, lru(12) + 16));
			world_put_long(&w, lru(12) + 16 + wide, world_va(&w, lru(10)));
			break;
		default: /* it goes round without coming home */
			world_put_long(&w, lru(10), world_va(&w, lru(8)));
		}
		walk(&s, &broken);
		assert_int_equal(broken, 1);
		assert_true(s.page[8] && s.page[10] && !s.page[12] && !s.page[14]);
		assert_int_equal(count(&s), 2 + 16);
		world_close(&w);
	}
}

TEST(block_that_is_not_aligned_to_its_order_breaks_its_list)
{
	static const pfn_t a[] = { 16, 20, 32 };
	struct seen s = { 0 };
	unsigned broken;

	open_lists(shapes[0], 1);
	make_list(list_head(0, 3, 0), a, 3);
	walk(&s, &broken);
	assert_int_equal(broken, 1);
	assert_int_equal(count(&s), 8);
	world_close(&w);
}

TEST(unreadable_parts_are_broken_lists)
{
	static const pfn_t a[] = { 8 };
	struct seen s = { 0 };
	unsigned broken;

	open_lists(shapes[0], 1);
	make_list(list_head(0, 0, 0), a, 1);
	w.mem.unreadable[PGDAT / 4096] = 1;
	walk(&s, &broken);
	assert_int_equal(broken, 1);
	assert_int_equal(s.blocks, 0);
	world_close(&w);
	/* the struct pages cannot be read: one list breaks */
	open_lists(shapes[0], 1);
	make_list(list_head(0, 0, 0), a, 1);
	w.mem.unreadable[lru(8) / 4096] = 1;
	walk(&s, &broken);
	assert_int_equal(broken, 1);
	world_close(&w);
}

TEST(absurd_number_of_zones_is_one_broken_node)
{
	struct seen s = { 0 };
	unsigned broken;

	open_lists(shapes[0], 1);
	world_put_u32(&w, PGDAT + 32, 0x10000);
	walk(&s, &broken);
	assert_int_equal(broken, 1);
	world_close(&w);
}

/* Sizes of 0 make every list the same one: walking it again and again must come to an end. */
TEST(walk_is_no_longer_than_its_budget)
{
	pfn_t most[PAGES / 2];
	uint64_t budget = 1000;
	struct seen s = { 0 };
	unsigned broken;

	for (size_t i = 0; i < ARRAY_SIZE(most); i++)
		most[i] = 2 * i;
	open_lists(shapes[0], 16);
	w.k.facts.of[F_list_head_size].value = 0;
	w.k.facts.of[F_free_area_size].value = 0;
	w.k.facts.of[F_zone_size].value = 0;
	w.k.facts.of[F_migrate_types].value = 16;
	make_list(list_head(0, 0, 0), most, ARRAY_SIZE(most));
	free_list_walk(w.km, see, &s, &budget, &broken);
	assert_int_equal(budget, 0);
	assert_in_range(s.blocks, ARRAY_SIZE(most), 1000);
	assert_true(broken > 0);
	world_close(&w);
}

TEST(first_fact_that_a_walk_lacks_is_told)
{
	static const enum fact_id needed[] = { F_zone_size,   F_zone_free_area, F_zone_spanned,	  F_pgdat_zones,
					       F_pgdat_nr_zones, F_free_area_size, F_free_list,	  F_list_head_size,
					       F_list_next,   F_list_prev,	F_page_lru,	  F_max_orders };

	open_lists(shapes[0], 1);
	for (size_t i = 0; i < ARRAY_SIZE(needed); i++) {
		w.k.facts.of[needed[i]].known = false;
		assert_int_equal(free_list_missing(&w.k), needed[i]);
		w.k.facts.of[needed[i]].known = true;
	}
	assert_int_equal(free_list_missing(&w.k), N_FACTS);
	w.k.facts.of[F_contig_page_data].known = false;
	assert_int_equal(free_list_missing(&w.k), F_node_data);
	world_close(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_lists_of_all_zones_are_walked),
		cmocka_unit_test(zone_without_pages_is_left_alone),
		cmocka_unit_test(broken_list_is_left_where_it_breaks_and_the_others_are_walked),
		cmocka_unit_test(block_that_is_not_aligned_to_its_order_breaks_its_list),
		cmocka_unit_test(unreadable_parts_are_broken_lists),
		cmocka_unit_test(absurd_number_of_zones_is_one_broken_node),
		cmocka_unit_test(walk_is_no_longer_than_its_budget),
		cmocka_unit_test(first_fact_that_a_walk_lacks_is_told),
	};

	message_set_level(0);
	return cmocka_run_group_tests_name("free_list", tests, NULL, NULL);
}
