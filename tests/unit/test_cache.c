/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The cache of physical pages: hits, order of eviction, bytes that cannot be read. */
#include "world.h"

#include "cache.h"

static struct err e;
static struct fake_memory mem;

static int open_memory(void **state)
{
	(void)state;
	fake_memory_open(&mem, 64);
	for (size_t i = 0; i < 64 * 4096; i++)
		mem.bytes[i] = (uint8_t)(i * 7 + i / 4096);
	return 0;
}

static int close_memory(void **state)
{
	(void)state;
	fake_memory_close(&mem);
	return 0;
}

static void open_cache(struct page_cache **c, struct mem_reader **r)
{
	assert_ok(mem_reader_open(r, mem.src, READER_SMALL, &e));
	assert_ok(page_cache_open(c, *r, &e));
}

TEST(second_read_of_a_page_does_not_reach_the_source)
{
	AUTO(mem_reader) *r = NULL;
	AUTO(page_cache) *c = NULL;
	uint8_t buf[16];

	open_cache(&c, &r);
	assert_ok(page_cache_read(c, 0x2010, buf, 16, &e));
	assert_memory_equal(buf, mem.bytes + 0x2010, 16);
	assert_int_equal(mem.views, 1);
	assert_ok(page_cache_read(c, 0x2ff0, buf, 16, &e));
	assert_memory_equal(buf, mem.bytes + 0x2ff0, 16);
	assert_int_equal(mem.views, 1);
	assert_int_equal(page_cache_counts(c).hits, 1);
	assert_int_equal(page_cache_counts(c).misses, 1);
}

TEST(read_across_pages_takes_both)
{
	AUTO(mem_reader) *r = NULL;
	AUTO(page_cache) *c = NULL;
	uint8_t buf[3 * 4096];

	open_cache(&c, &r);
	assert_ok(page_cache_read(c, 0x1ffc, buf, 8, &e));
	assert_memory_equal(buf, mem.bytes + 0x1ffc, 8);
	assert_int_equal(page_cache_counts(c).misses, 2);
	assert_ok(page_cache_read(c, 0x1800, buf, sizeof(buf), &e));
	assert_memory_equal(buf, mem.bytes + 0x1800, sizeof(buf));
}

TEST(page_used_least_recently_goes_first)
{
	AUTO(mem_reader) *r = NULL;
	AUTO(page_cache) *c = NULL;
	uint8_t byte;

	open_cache(&c, &r);
	/* page 0 is used between all others: it stays, whatever the size of the cache */
	for (paddr_t page = 1; page < 64; page++) {
		assert_ok(page_cache_read(c, page * 4096, &byte, 1, &e));
		assert_ok(page_cache_read(c, 0, &byte, 1, &e));
	}
	assert_int_equal(page_cache_counts(c).misses, 64);
	assert_int_equal(page_cache_counts(c).hits, 62);
	/* page 1 was used once, long ago: it is gone; the last one is there */
	assert_ok(page_cache_read(c, 63 * 4096, &byte, 1, &e));
	assert_int_equal(page_cache_counts(c).misses, 64);
	assert_ok(page_cache_read(c, 4096, &byte, 1, &e));
	assert_int_equal(page_cache_counts(c).misses, 65);
}

TEST(page_that_cannot_be_read_is_an_error_every_time_and_hurts_no_other)
{
	AUTO(mem_reader) *r = NULL;
	AUTO(page_cache) *c = NULL;
	uint8_t buf[16];

	open_cache(&c, &r);
	mem.unreadable[5] = 1;
	assert_ok(page_cache_read(c, 0x4000, buf, 16, &e));
	for (unsigned i = 0; i < 40; i++)
		assert_int_equal(page_cache_read(c, 0x5000, buf, 16, &e), E_UNREADABLE);
	assert_int_equal(page_cache_read(c, 0x4ff8, buf, 16, &e), E_UNREADABLE);
	assert_ok(page_cache_read(c, 0x4000, buf, 16, &e));
	assert_memory_equal(buf, mem.bytes + 0x4000, 16);
	/* readable later: it was not remembered as bad, nor as anything else */
	mem.unreadable[5] = 0;
	assert_ok(page_cache_read(c, 0x5000, buf, 16, &e));
	assert_memory_equal(buf, mem.bytes + 0x5000, 16);
}

TEST(random_reads_give_the_bytes_of_the_memory)
{
	AUTO(mem_reader) *r = NULL;
	AUTO(page_cache) *c = NULL;
	uint64_t seed = 5;
	uint8_t buf[9000];

	open_cache(&c, &r);
	for (unsigned round = 0; round < 3000; round++) {
		size_t len = random_below(&seed, round % 8 ? 64 : sizeof(buf));
		paddr_t at = random_below(&seed, 64 * 4096 - len + 1);

		assert_ok(page_cache_read(c, at, buf, len, &e));
		assert_memory_equal(buf, mem.bytes + at, len);
	}
}

TEST(addresses_outside_memory_are_errors)
{
	AUTO(mem_reader) *r = NULL;
	AUTO(page_cache) *c = NULL;
	uint8_t buf[16];

	open_cache(&c, &r);
	assert_int_equal(page_cache_read(c, 64 * 4096, buf, 1, &e), E_UNREADABLE);
	assert_int_equal(page_cache_read(c, 64 * 4096 - 8, buf, 16, &e), E_UNREADABLE);
	assert_int_equal(page_cache_read(c, UINT64_MAX - 7, buf, 8, &e), E_UNREADABLE);
	assert_int_equal(page_cache_read(c, PADDR_NONE, buf, 1, &e), E_UNREADABLE);
}

#define WITH_MEMORY(test) cmocka_unit_test_setup_teardown(test, open_memory, close_memory)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_MEMORY(second_read_of_a_page_does_not_reach_the_source),
		WITH_MEMORY(read_across_pages_takes_both),
		WITH_MEMORY(page_used_least_recently_goes_first),
		WITH_MEMORY(page_that_cannot_be_read_is_an_error_every_time_and_hurts_no_other),
		WITH_MEMORY(random_reads_give_the_bytes_of_the_memory),
		WITH_MEMORY(addresses_outside_memory_are_errors),
	};

	return cmocka_run_group_tests_name("cache", tests, NULL, NULL);
}
