/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where --split cuts: ranges without gaps, at places that readers can take, with about as many pages in each. */
#include "unit.h"

#include "base/cleanup.h"
#include "command/split.h"

#define PAGE 4096
#define PFNS 100000
#define PARTS_MAX 40

static struct err e;
static uint8_t bits[PFNS / 8 + 1];

static uint64_t count_bits(pfn_t start, pfn_t end)
{
	uint64_t n = 0;

	for (pfn_t pfn = start; pfn < end; pfn++)
		n += bits[pfn / 8] >> pfn % 8 & 1;
	return n;
}

/* Pages here and there, in some places many, in some none. */
static void fill_bits(uint64_t seed)
{
	memset(bits, 0, sizeof(bits));
	for (size_t i = 0; i < PFNS / 8; i++)
		switch (i / 500 % 4) {
		case 0:
			bits[i] = (uint8_t)random_next(&seed);
			break;
		case 1:
			bits[i] = 0xff;
			break;
		case 2:
			bits[i] = random_below(&seed, 50) ? 0 : 1;
			break;
		}
}

static struct split_table *table_of(pfn_t max_mapnr, uint64_t block_bytes)
{
	struct split_table *t = NULL;

	assert_ok(split_table_open(&t, 0, max_mapnr, block_bytes, PAGE, &e));
	return t;
}

TEST(ranges_follow_each_other_and_have_all_page_frames)
{
	static const pfn_t sizes[] = { 1, 63, 64, 65, 4000, 65535, 99999, PFNS };
	static const uint64_t blocks[] = { 0, PAGE, 64 * PAGE, 100 * PAGE, 5000 * PAGE, UINT64_C(1) << 40 };

	fill_bits(3);
	for (size_t s = 0; s < ARRAY_SIZE(sizes); s++)
		for (size_t b = 0; b < ARRAY_SIZE(blocks); b++)
			for (unsigned n = 1; n <= PARTS_MAX; n += n < 8 ? 1 : 11) {
				AUTO(split_table) *t = table_of(sizes[s], blocks[b]);
				struct split_range r[PARTS_MAX];

				split_table_count(t, bits, 0, sizes[s]);
				split_table_cut(t, r, n);
				assert_int_equal(r[0].start, 0);
				assert_int_equal(r[n - 1].end, sizes[s]);
				for (unsigned i = 0; i < n; i++) {
					assert_true(r[i].start <= r[i].end);
					assert_int_equal(r[i].pages, count_bits(r[i].start, r[i].end));
					if (i)
						assert_int_equal(r[i].start, r[i - 1].end);
					/* words of bitmap 2, and blocks of whoever asked for some */
					assert_true(r[i].start % 64 == 0 || r[i].start == sizes[s]);
					if (blocks[b] == 5000 * PAGE && r[i].start != sizes[s])
						assert_int_equal(r[i].start % 5056, 0);
				}
			}
}

TEST(ranges_have_as_many_pages_but_for_a_block)
{
	AUTO(split_table) *t = table_of(PFNS, 0);
	struct split_range r[PARTS_MAX];
	uint64_t total;

	fill_bits(5);
	total = count_bits(0, PFNS);
	split_table_count(t, bits, 0, PFNS);
	for (unsigned n = 1; n <= PARTS_MAX; n++) {
		split_table_cut(t, r, n);
		for (unsigned i = 0; i < n; i++) {
			assert_true(r[i].pages + 64 >= total / n);
			assert_true(r[i].pages <= total / n + 1 + 64);
		}
	}
}

TEST(counts_of_windows_add_up)
{
	struct split_range whole[7], pieces[7];
	AUTO(split_table) *once = table_of(PFNS, 0);

	fill_bits(11);
	split_table_count(once, bits, 0, PFNS);
	split_table_cut(once, whole, 7);
	for (pfn_t window = 8; window < PFNS; window = window * 5 / 8 * 8) {
		AUTO(split_table) *t = table_of(PFNS, 0);

		for (pfn_t at = 0; at < PFNS; at += window)
			split_table_count(t, bits + at / 8, at, at + window < PFNS ? at + window : PFNS);
		split_table_cut(t, pieces, 7);
		assert_memory_equal(whole, pieces, sizeof(whole));
	}
}

TEST(ranges_without_pages_are_empty_or_have_none)
{
	AUTO(split_table) *none = table_of(PFNS, 0), *few = table_of(PFNS, 0);
	struct split_range r[5];
	uint64_t pages = 0;

	memset(bits, 0, sizeof(bits));
	split_table_count(none, bits, 0, PFNS);
	split_table_cut(none, r, 5);
	assert_int_equal(r[4].end, PFNS);
	for (unsigned i = 0; i < 5; i++)
		assert_int_equal(r[i].pages, 0);

	/* two blocks with pages cannot be five */
	memset(bits, 0xff, 16);
	split_table_count(few, bits, 0, PFNS);
	split_table_cut(few, r, 5);
	for (unsigned i = 0; i < 5; i++)
		pages += r[i].pages;
	assert_int_equal(pages, 128);
	assert_int_equal(r[4].end, PFNS);
}

TEST(machine_of_any_size_has_a_bounded_table)
{
	static uint8_t ones[8192];

	memset(ones, 0xff, sizeof(ones));
	for (unsigned shift = 20; shift <= 52; shift += 4)
		for (unsigned asked = 0; asked < 2; asked++) {
			pfn_t max_mapnr = UINT64_C(1) << shift;
			AUTO(split_table) *t = table_of(max_mapnr, asked ? PAGE : 0);
			struct split_range r[3];

			/* pages at both ends */
			split_table_count(t, ones, 0, 65536);
			split_table_count(t, ones, max_mapnr - 65536, max_mapnr);
			split_table_cut(t, r, 3);
			assert_int_equal(r[0].pages + r[1].pages + r[2].pages, 131072);
			assert_int_equal(r[2].end, max_mapnr);
			assert_true(r[0].pages >= 131072 / 3);
			assert_int_equal(r[1].start % 64, 0);
		}
}

TEST(ranges_begin_at_multiples_of_64_as_readers_count)
{
	static const pfn_t bases[] = { 64, 67, 5000, 99999 };

	fill_bits(5);
	for (size_t i = 0; i < ARRAY_SIZE(bases); i++) {
		struct split_table *t = NULL;
		struct split_range r[4];
		uint64_t sum = 0;

		assert_ok(split_table_open(&t, bases[i], PFNS, 64 * PAGE, PAGE, &e));
		for (pfn_t at = 0; at < PFNS; at += 4096)
			split_table_count(t, bits + at / 8, at, at + 4096 < PFNS ? at + 4096 : PFNS);
		split_table_cut(t, r, 4);
		assert_int_equal(r[0].start, bases[i]);
		assert_int_equal(r[3].end, PFNS);
		for (unsigned n = 0; n < 4; n++) {
			assert_true(r[n].start == PFNS || (r[n].start - bases[i]) % 64 == 0);
			assert_int_equal(r[n].pages, count_bits(r[n].start, r[n].end));
			assert_true(!n || r[n].start == r[n - 1].end);
			sum += r[n].pages;
		}
		assert_int_equal(sum, count_bits(bases[i], PFNS));
		split_table_close(t);
	}
}

TEST(block_that_is_no_multiple_of_the_page_size_is_refused)
{
	struct split_table *t = NULL;

	assert_int_equal(split_table_open(&t, 0, PFNS, 6144, PAGE, &e), E_USAGE);
	assert_null(t);
	assert_contains(e.text, "--splitblock-size: 6 KiB are no multiple of the page size, 4096");
	assert_int_equal(split_table_open(&t, 0, PFNS, 4096, 65536, &e), E_USAGE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ranges_follow_each_other_and_have_all_page_frames),
		cmocka_unit_test(ranges_have_as_many_pages_but_for_a_block),
		cmocka_unit_test(counts_of_windows_add_up),
		cmocka_unit_test(ranges_without_pages_are_empty_or_have_none),
		cmocka_unit_test(machine_of_any_size_has_a_bounded_table),
		cmocka_unit_test(ranges_begin_at_multiples_of_64_as_readers_count),
		cmocka_unit_test(block_that_is_no_multiple_of_the_page_size_is_refused),
	};

	message_set_level(0);
	return cmocka_run_group_tests_name("split", tests, NULL, NULL);
}
