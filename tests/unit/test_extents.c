/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A set of byte ranges against a map that has a byte for each. */
#include "unit.h"

#include "base/extents.h"

#define BYTES 600

static struct err e;

static void add(struct extents *x, uint64_t start, uint64_t end)
{
	assert_ok(extents_add(x, start, end, &e));
}

/* { start, end, start, end, ... } */
static void assert_ranges(const struct extents *x, const uint64_t *want, size_t n)
{
	assert_int_equal(x->n, n / 2);
	for (size_t i = 0; i < n / 2; i++) {
		assert_int_equal(x->at[i].start, want[2 * i]);
		assert_int_equal(x->at[i].end, want[2 * i + 1]);
	}
}
#define RANGES(x, ...)                                      \
	assert_ranges(x, (const uint64_t[]){ __VA_ARGS__ }, \
		      sizeof((const uint64_t[]){ __VA_ARGS__ }) / sizeof(uint64_t))

TEST(ranges_that_touch_or_overlap_become_one)
{
	struct extents x = { 0 };

	add(&x, 100, 200);
	add(&x, 300, 400);
	RANGES(&x, 100, 200, 300, 400);
	add(&x, 200, 201);
	RANGES(&x, 100, 201, 300, 400);
	add(&x, 299, 300);
	RANGES(&x, 100, 201, 299, 400);
	add(&x, 150, 160);
	RANGES(&x, 100, 201, 299, 400);
	add(&x, 201, 299);
	RANGES(&x, 100, 400);
	add(&x, 500, 600);
	add(&x, 700, 800);
	add(&x, 0, 1);
	RANGES(&x, 0, 1, 100, 400, 500, 600, 700, 800);
	add(&x, 50, 750);
	RANGES(&x, 0, 1, 50, 800);
	add(&x, 0, UINT64_MAX);
	RANGES(&x, 0, UINT64_MAX);
	extents_free(&x);
	assert_int_equal(x.n, 0);
}

TEST(nothing_is_no_range_and_is_everywhere)
{
	struct extents x = { 0 };

	assert_true(extents_cover(&x, 5, 5));
	assert_false(extents_cover(&x, 5, 6));
	add(&x, 5, 5);
	add(&x, 9, 2);
	assert_int_equal(x.n, 0);
	add(&x, 10, 20);
	add(&x, 15, 15);
	add(&x, 25, 25);
	RANGES(&x, 10, 20);
	assert_true(extents_cover(&x, 30, 30));
	extents_free(&x);
}

TEST(parts_end_where_the_set_begins_or_ends)
{
	struct extents x = { 0 };
	bool inside;

	assert_int_equal(extents_part(&x, 0, UINT64_MAX, &inside), UINT64_MAX);
	assert_false(inside);
	add(&x, 100, 200);
	add(&x, 300, UINT64_MAX);
	assert_int_equal(extents_part(&x, 0, 1000, &inside), 100);
	assert_false(inside);
	assert_int_equal(extents_part(&x, 100, 1000, &inside), 200);
	assert_true(inside);
	assert_int_equal(extents_part(&x, 150, 160, &inside), 160);
	assert_true(inside);
	assert_int_equal(extents_part(&x, 200, 1000, &inside), 300);
	assert_false(inside);
	assert_int_equal(extents_part(&x, 200, 250, &inside), 250);
	assert_false(inside);
	assert_int_equal(extents_part(&x, 300, UINT64_MAX, &inside), UINT64_MAX);
	assert_true(inside);
	extents_free(&x);
}

TEST(set_is_what_a_map_of_bytes_says)
{
	uint64_t seed = 7;

	for (unsigned round = 0; round < 40; round++) {
		struct extents x = { 0 };
		bool map[BYTES + 1] = { false };

		for (unsigned step = 0; step < 60; step++) {
			uint64_t start = random_below(&seed, BYTES), end = start + random_below(&seed, 30);
			uint64_t to;
			bool inside;

			end = end < BYTES ? end : BYTES;
			add(&x, start, end);
			memset(map + start, true, end - start);
			for (size_t i = 0; i < x.n; i++) {
				assert_true(x.at[i].start < x.at[i].end);
				/* a gap of one byte at least */
				assert_true(!i || x.at[i - 1].end < x.at[i].start);
			}
			/* from one end to the other by parts, none of which could be longer */
			for (uint64_t at = 0; at < BYTES; at = to) {
				to = extents_part(&x, at, BYTES, &inside);
				assert_true(to > at && to <= BYTES);
				for (uint64_t byte = at; byte < to; byte++)
					assert_int_equal(map[byte], inside);
				assert_true(to == BYTES || map[to] != inside);
				assert_int_equal(extents_cover(&x, at, to), inside);
				assert_false(to < BYTES && extents_cover(&x, at, to + 1));
			}
		}
		extents_free(&x);
	}
}

TEST(too_many_ranges_fail_and_leave_the_set_as_it_was)
{
	struct extents x = { 0 };

	for (uint64_t i = 0; i < EXTENTS_MAX; i++)
		add(&x, 10 * i, 10 * i + 5);
	assert_int_equal(x.n, EXTENTS_MAX);
	assert_int_equal(extents_add(&x, 7, 8, &e), E_NOMEM);
	assert_int_equal(extents_add(&x, 10 * EXTENTS_MAX, 10 * EXTENTS_MAX + 1, &e), E_NOMEM);
	assert_int_equal(x.n, EXTENTS_MAX);
	assert_false(extents_cover(&x, 7, 8));
	assert_true(extents_cover(&x, 10, 15));
	/* what joins others still fits, and makes room */
	add(&x, 3, 6);
	add(&x, 5, 10);
	assert_int_equal(x.n, EXTENTS_MAX - 1);
	add(&x, 27, 28);
	assert_int_equal(x.n, EXTENTS_MAX);
	extents_free(&x);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ranges_that_touch_or_overlap_become_one),
		cmocka_unit_test(nothing_is_no_range_and_is_everywhere),
		cmocka_unit_test(parts_end_where_the_set_begins_or_ends),
		cmocka_unit_test(set_is_what_a_map_of_bytes_says),
		cmocka_unit_test(too_many_ranges_fail_and_leave_the_set_as_it_was),
	};

	message_set_level(0);
	return cmocka_run_group_tests_name("extents", tests, NULL, NULL);
}
