/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Pages through a pipeline with any number of threads: the same blocks in the same order, and an end when one fails. */
#include "elf_file.h"
#include "world.h"

#include <pthread.h>
#include <sched.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "base/host.h"
#include "base/workers.h"
#include "format/kdump_header.h"
#include "output/page_pipeline.h"

#define PAGES 3000

static struct err e;
static struct fake_memory mem;

/* Takes blocks and remembers their pages; one at a time, or it notices. */
struct taker {
	uint8_t room[1 << 17];
	struct {
		pfn_t pfn;
		uint32_t len, flags, kind, sum;
	} seen[PAGES];
	size_t n_seen, n_blocks, longest, fail_at; /* fail_at 0: never */
	size_t n_odd; /* blocks that are no multiple of 16 pages */
	atomic_int inside;
	bool met, after_failure, room_asked;
};

static enum status make_room(void *user, size_t room, uint8_t **to, struct err *err)
{
	struct taker *t = user;

	t->room_asked = true;
	*to = t->room;
	return room <= sizeof(t->room) ? OK : err_set(err, E_NOMEM, "so much room");
}

static enum status take(void *user, const struct packed_block *b, struct err *err)
{
	struct taker *t = user;
	const uint8_t *data = b->data;

	t->met |= atomic_fetch_add(&t->inside, 1);
	t->after_failure |= t->fail_at && t->n_blocks >= t->fail_at;
	assert_true(b->n && t->n_seen + b->n <= PAGES);
	for (size_t i = 0; i < b->n; i++, t->n_seen++) {
		t->seen[t->n_seen].pfn = b->first + i;
		t->seen[t->n_seen].len = b->pages[i].len;
		t->seen[t->n_seen].flags = b->pages[i].flags;
		t->seen[t->n_seen].kind = b->pages[i].kind;
		t->seen[t->n_seen].sum = 0;
		for (size_t j = 0; j < b->pages[i].len; j++)
			t->seen[t->n_seen].sum = t->seen[t->n_seen].sum * 31 + *data++;
		assert_true(b->pages[i].kind != PACKED_LOST || b->lost_why[0]);
	}
	assert_ptr_equal(data, b->data + b->len);
	t->longest = max_u64(t->longest, b->n);
	t->n_odd += b->n % 16 != 0;
	t->n_blocks++;
	atomic_fetch_sub(&t->inside, 1);
	return t->n_blocks == t->fail_at ? err_set(err, E_NOSPACE, "block %zu", t->n_blocks) : OK;
}

/* Pages of all kinds: zero, of noise, repetitive, unreadable.  Up to `zero` they are zero. */
static void fill_memory(size_t zero)
{
	uint32_t noise = 1;

	fake_memory_open(&mem, PAGES);
	for (size_t i = zero * 4096; i < PAGES * 4096; i++) {
		noise = noise * 1664525 + 1013904223;
		mem.bytes[i] = i / 4096 % 5 == 0 ? 0 : i / 4096 % 5 == 4 ? (uint8_t)(i / 64) : noise >> 24;
	}
	for (size_t page = zero + 7; page < PAGES; page += 50)
		mem.unreadable[page] = 1;
}

/* Runs of the length `n` and then of other ones, with gaps; or all of the length `n`, with a page between them. */
static enum status run_by(struct taker *t, unsigned threads, uint32_t codec, pfn_t n, bool same)
{
	struct packer_options opt = { .codec = codec ? codec_by_flag(codec) : NULL, .find_zero = true, .page_shift = 12 };
	struct pipeline_user user = { take, make_room, t };
	AUTO(page_pipeline) *p = NULL;

	assert_ok(page_pipeline_open(&p, mem.src, &opt, threads, &user, &e));
	for (pfn_t at = 0; at < PAGES; at += same ? n + 1 : n + n % 3, n = same ? n : n * 7 % 1009)
		if (page_pipeline_add(p, at, at + n < PAGES ? at + n : PAGES, &e))
			return e.status;
	return page_pipeline_drain(p, &e);
}

static enum status run(struct taker *t, unsigned threads, uint32_t codec)
{
	return run_by(t, threads, codec, 1, false);
}

static void expect_the_same(size_t zero, uint32_t codec)
{
	static struct taker alone, together;

	fill_memory(zero);
	memset(&alone, 0, sizeof(alone));
	assert_ok(run(&alone, 0, codec));
	assert_true(alone.room_asked && alone.n_seen > PAGES - 100);
	for (unsigned threads = 1; threads <= 16; threads = threads * 2 + 1) {
		memset(&together, 0, sizeof(together));
		assert_ok(run(&together, threads, codec));
		assert_false(together.met || together.room_asked);
		assert_int_equal(together.n_seen, alone.n_seen);
		assert_memory_equal(together.seen, alone.seen, sizeof(alone.seen));
	}
	fake_memory_close(&mem);
}

TEST(pages_are_the_same_with_any_number_of_threads)
{
	expect_the_same(0, 0);
	expect_the_same(0, KDUMP_ZLIB);
	expect_the_same(PAGES / 2, KDUMP_ZLIB);
	expect_the_same(PAGES, KDUMP_ZLIB);
}

TEST(blocks_grow_where_pages_are_zero_and_come_in_parts_where_they_were_not)
{
	struct packer_options opt = { .find_zero = true, .page_shift = 12 };
	static struct taker t;
	struct pipeline_user user = { take, make_room, &t };
	struct page_pipeline *p = NULL;
	size_t least, most, zero = PAGES - 300;

	fill_memory(zero);
	memset(&t, 0, sizeof(t));
	assert_ok(page_pipeline_open(&p, mem.src, &opt, 1, &user, &e));
	least = page_pipeline_block_pages(p);
	most = page_pipeline_block_pages_max(p);
	assert_true(least < most);
	/* the five blocks of the ring may be in work before the next size is known, so each size comes that often */
	assert_true(zero > 5 * 2 * most);
	assert_ok(page_pipeline_add(p, 0, zero - 1, &e));
	assert_ok(page_pipeline_drain(p, &e));
	assert_int_equal(t.longest, most);
	/* pages of noise and the page before them in one block: it does not fit */
	t.n_blocks = t.longest = 0;
	assert_ok(page_pipeline_add(p, zero - 1, zero - 1 + most, &e));
	assert_ok(page_pipeline_drain(p, &e));
	assert_int_equal(t.n_seen, zero - 1 + most);
	assert_true(t.n_blocks >= most * 3 / 5 / least && t.longest < most);
	for (size_t i = 0; i < t.n_seen; i++)
		assert_int_equal(t.seen[i].pfn, i);
	page_pipeline_close(p);
	fake_memory_close(&mem);
}

/* Else the last pages of each block take a read of their own. */
TEST(blocks_are_as_long_as_buffers_of_readers_or_some_of_these)
{
	static struct taker t;

	fake_memory_open(&mem, PAGES);
	for (size_t i = 0; i < PAGES * 4096; i++)
		mem.bytes[i] = (uint8_t)(i / 128 * 7);
	memset(&t, 0, sizeof(t));
	assert_ok(run_by(&t, 1, KDUMP_ZLIB, PAGES, true));
	assert_int_equal(t.n_seen, PAGES);
	assert_true(t.longest >= 32);
	assert_true(t.n_odd <= 1); /* the last one */
	fake_memory_close(&mem);
}

TEST(after_a_failure_nothing_is_taken_and_everybody_comes_home)
{
	static struct taker t;

	fill_memory(0);
	for (size_t fail_at = 1; fail_at < 60; fail_at = fail_at * 2 + 1) {
		for (unsigned threads = 0; threads <= 5; threads++) {
			memset(&t, 0, sizeof(t));
			t.fail_at = fail_at;
			assert_int_equal(run(&t, threads, KDUMP_ZLIB), E_NOSPACE);
			assert_contains(e.text, "block ");
			assert_false(t.met || t.after_failure);
			assert_int_equal(t.n_blocks, fail_at);
		}
	}
	fake_memory_close(&mem);
}

TEST(pipeline_closes_with_blocks_under_way)
{
	struct packer_options opt = { .codec = codec_by_flag(KDUMP_ZLIB), .page_shift = 12 };
	static struct taker t;

	fill_memory(0);
	for (unsigned round = 0; round < 50; round++) {
		struct pipeline_user user = { take, make_room, &t };
		struct page_pipeline *p = NULL;

		memset(&t, 0, sizeof(t));
		assert_ok(page_pipeline_open(&p, mem.src, &opt, round % 7, &user, &e));
		assert_ok(page_pipeline_add(p, 0, round * 3, &e));
		page_pipeline_close(p);
		for (size_t i = 1; i < t.n_seen; i++)
			assert_int_equal(t.seen[i].pfn, i);
	}
	fake_memory_close(&mem);
}

static long sleeps(void)
{
	struct rusage u;

	getrusage(RUSAGE_SELF, &u);
	return u.ru_nvcsw;
}

static void stay_on_one_processor(cpu_set_t *before)
{
	cpu_set_t one;

	assert_int_equal(sched_getaffinity(0, sizeof(*before), before), 0);
	CPU_ZERO(&one);
	CPU_SET(sched_getcpu(), &one);
	assert_int_equal(sched_setaffinity(0, sizeof(one), &one), 0);
}

/*
 * The caller is held in some blocks until the worker has begun all others that the ring has room for.  It can always do so,
 * on any machine, if it need not wait for the caller to queue them.
 */
#define OTHERS_IN_RING 4 /* with one worker */
#define HELD_MAX_NS (INT64_C(10) * 1000 * 1000 * 1000)

static struct {
	pthread_t caller;
	atomic_uint by_worker; /* the highest page that it has begun */
	unsigned seen, held;   /* blocks of the caller, and in which it was held */
	bool in_vain;
} hold;

static void sleep_us(long us)
{
	(void)nanosleep(&(struct timespec){ .tv_nsec = us * 1000 }, NULL);
}

/* Files are slow: a worker is of use then wherever it runs. */
static void hold_caller(pfn_t pfn)
{
	int64_t from_ns = host_now_ns();

	for (unsigned i = 0; i < 5; i++)
		sleep_us(20);
	if (!pthread_equal(pthread_self(), hold.caller)) {
		hold.by_worker = (unsigned)pfn;
		return;
	}
	/* first they find out that files are slow, and at the end there is not so much left */
	if (pfn < PAGES / 4 || pfn > PAGES * 3 / 4 || hold.in_vain || hold.seen++ % 8)
		return;
	hold.held++;
	while (hold.by_worker < pfn + 2 * OTHERS_IN_RING && !hold.in_vain) {
		sleep_us(200);
		hold.in_vain = host_now_ns() - from_ns > HELD_MAX_NS;
	}
}

/* Else who is through with its own block waits for the caller, which is busy with another one, at a switch for each run. */
TEST(threads_find_work_however_short_the_runs_are)
{
	static struct taker t;

	fill_memory(0);
	memset(mem.unreadable, 0, PAGES);
	mem.viewing = hold_caller;
	memset(&hold, 0, sizeof(hold));
	hold.caller = pthread_self();
	memset(&t, 0, sizeof(t));
	assert_ok(run_by(&t, 1, KDUMP_ZLIB, 1, true)); /* a run is a block, and every other page one */
	assert_true(hold.held > 5);
	assert_false(hold.in_vain);
	fake_memory_close(&mem);
}

TEST(on_one_processor_threads_do_not_take_turns)
{
	static struct taker t;
	long blocks = 0, from = sleeps();
	cpu_set_t before;

	stay_on_one_processor(&before);
	fill_memory(0);
	for (unsigned round = 0; round < 10; round++) {
		memset(&t, 0, sizeof(t));
		assert_ok(run(&t, 1, KDUMP_ZLIB));
		blocks += (long)t.n_blocks;
	}
	assert_true(sleeps() - from < blocks / 8);
	fake_memory_close(&mem);
	assert_int_equal(sched_setaffinity(0, sizeof(before), &before), 0);
}

TEST(on_one_processor_threads_work_while_others_wait_for_slow_files)
{
	static struct taker t;
	cpu_set_t before;
	int64_t alone_ns, together_ns;

	stay_on_one_processor(&before);
	fill_memory(0);
	mem.view_us = 2000;
	for (unsigned threads = 0; threads <= 4; threads += 4) {
		int64_t from_ns = host_now_ns();

		memset(&t, 0, sizeof(t));
		assert_ok(run(&t, threads, 0));
		*(threads ? &together_ns : &alone_ns) = host_now_ns() - from_ns;
	}
	assert_true(together_ns < alone_ns * 6 / 10);
	fake_memory_close(&mem);
	assert_int_equal(sched_setaffinity(0, sizeof(before), &before), 0);
}

/* Threads that took memory while they begin would be slower to the end. */
TEST(a_packer_has_all_its_memory_before_the_first_page)
{
	static uint8_t bytes[64 * 4096], out[20 * 4096];
	static struct packed_page pages[16];
	const struct elf_file f = { .is64 = true, .n = 1, .ph = { { PT_LOAD, 4096, 0, 63 * 4096, 63 * 4096, 0 } } };
	struct packer_options opt = { .codec = codec_by_flag(KDUMP_ZLIB), .find_zero = true, .page_shift = 12 };
	AUTO(mem_source) *src = NULL;
	AUTO(page_packer) *p = NULL;
	struct err why = { OK, 0, "" };
	size_t before, len;
	char path[32];
	int fd;

	for (size_t i = 4096; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)(i / 128 * 7);
	elf_file_build(&f, bytes, sizeof(bytes));
	fd = file_of(bytes, sizeof(bytes), path);
	assert_ok(mem_source_open(&src, (const char *const[]){ path }, 1, &(struct mem_source_options){ 0 }, &e));
	assert_ok(page_packer_open(&p, src, &opt, &e));
	before = memory_in_use();
	assert_int_equal(page_packer_pack(p, 0, 16, out, &len, pages, &why), 16);
	assert_int_equal(why.status, OK);
	assert_true(len);
	assert_int_equal(memory_in_use(), before);
	close(fd);
}

struct counted {
	struct workers *workers;
	atomic_uint sum;
};

/* The first starts the second, and so on. */
static void count(void *data, unsigned i)
{
	struct counted *c = data;

	atomic_fetch_add(&c->sum, 1u << (4 * i));
	if (i != 2)
		workers_start_next(c->workers);
}

TEST(workers_each_run_once_with_a_number_of_their_own)
{
	struct counted c = { workers_open(5, count, &c), 0 };

	assert_non_null(c.workers);
	assert_true(workers_start_next(c.workers));
	workers_close(c.workers);
	assert_int_equal(c.sum, 0x111);

	c = (struct counted){ workers_open(1, count, &c), 0 };
	assert_true(workers_start_next(c.workers));
	assert_false(workers_start_next(c.workers));
	workers_close(c.workers);
	assert_int_equal(c.sum, 0x1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pages_are_the_same_with_any_number_of_threads),
		cmocka_unit_test(blocks_grow_where_pages_are_zero_and_come_in_parts_where_they_were_not),
		cmocka_unit_test(blocks_are_as_long_as_buffers_of_readers_or_some_of_these),
		cmocka_unit_test(after_a_failure_nothing_is_taken_and_everybody_comes_home),
		cmocka_unit_test(pipeline_closes_with_blocks_under_way),
		cmocka_unit_test(threads_find_work_however_short_the_runs_are),
		cmocka_unit_test(on_one_processor_threads_do_not_take_turns),
		cmocka_unit_test(on_one_processor_threads_work_while_others_wait_for_slow_files),
		cmocka_unit_test(a_packer_has_all_its_memory_before_the_first_page),
		cmocka_unit_test(workers_each_run_once_with_a_number_of_their_own),
	};

	message_set_level(0);
	return cmocka_run_group_tests_name("page_pipeline", tests, NULL, NULL);
}
