/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Pages through a pipeline with any number of threads: the same blocks in the same order, and an end when one fails. */
#include "world.h"

#include "base/workers.h"
#include "format/kdump_header.h"
#include "output/page_pipeline.h"

#define PAGES 600

static struct err e;
static struct fake_memory mem;

/* Takes blocks and remembers them; one at a time, or it notices. */
struct taker {
	uint8_t room[1 << 17];
	struct {
		pfn_t first;
		size_t n, len, lost;
		uint64_t sum;
	} seen[2000];
	size_t n_seen, fail_at; /* 0: never */
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

	t->met |= atomic_fetch_add(&t->inside, 1);
	t->after_failure |= t->fail_at && t->n_seen >= t->fail_at;
	assert_true(t->n_seen < ARRAY_SIZE(t->seen));
	t->seen[t->n_seen].first = b->first;
	t->seen[t->n_seen].n = b->n;
	t->seen[t->n_seen].len = b->len;
	t->seen[t->n_seen].sum = t->seen[t->n_seen].lost = 0;
	for (size_t i = 0; i < b->len; i++)
		t->seen[t->n_seen].sum = t->seen[t->n_seen].sum * 31 + b->data[i];
	for (size_t i = 0; i < b->n; i++) {
		t->seen[t->n_seen].sum = t->seen[t->n_seen].sum * 31 + b->pages[i].len * 4 + b->pages[i].kind;
		t->seen[t->n_seen].lost += b->pages[i].kind == PACKED_LOST;
	}
	if (t->seen[t->n_seen].lost)
		assert_true(b->lost_why[0]);
	t->n_seen++;
	atomic_fetch_sub(&t->inside, 1);
	return t->n_seen == t->fail_at ? err_set(err, E_NOSPACE, "block %zu", t->n_seen) : OK;
}

/* Pages of all kinds: zero, of noise, repetitive, unreadable. */
static void fill_memory(void)
{
	uint32_t noise = 1;

	fake_memory_open(&mem, PAGES);
	for (size_t i = 0; i < PAGES * 4096; i++) {
		noise = noise * 1664525 + 1013904223;
		mem.bytes[i] = i / 4096 % 5 == 0 ? 0 : i / 4096 % 5 == 1 ? noise >> 24 : (uint8_t)(i / 64);
	}
	for (size_t page = 7; page < PAGES; page += 50)
		mem.unreadable[page] = 1;
}

static enum status run(struct taker *t, unsigned threads, uint32_t codec)
{
	struct packer_options opt = { .codec = codec ? codec_by_flag(codec) : NULL, .find_zero = true, .page_shift = 12 };
	struct pipeline_user user = { take, make_room, t };
	AUTO(page_pipeline) *p = NULL;

	assert_ok(page_pipeline_open(&p, mem.src, &opt, threads, &user, &e));
	/* runs of every length, with gaps */
	for (pfn_t at = 0, n = 1; at < PAGES; at += n + n % 3, n = n * 7 % 101)
		if (page_pipeline_add(p, at, at + n < PAGES ? at + n : PAGES, &e))
			return e.status;
	return page_pipeline_drain(p, &e);
}

TEST(blocks_are_the_same_with_any_number_of_threads)
{
	static const uint32_t codecs[] = { 0, KDUMP_ZLIB };
	static struct taker alone, together;

	fill_memory();
	for (size_t c = 0; c < ARRAY_SIZE(codecs); c++) {
		memset(&alone, 0, sizeof(alone));
		assert_ok(run(&alone, 0, codecs[c]));
		assert_true(alone.room_asked && alone.n_seen > 40);
		for (unsigned threads = 1; threads <= 16; threads = threads * 2 + 1) {
			memset(&together, 0, sizeof(together));
			assert_ok(run(&together, threads, codecs[c]));
			assert_false(together.met || together.room_asked);
			assert_int_equal(together.n_seen, alone.n_seen);
			assert_memory_equal(together.seen, alone.seen, sizeof(alone.seen));
		}
	}
	fake_memory_close(&mem);
}

TEST(after_a_failure_nothing_is_taken_and_everybody_comes_home)
{
	static struct taker t;

	fill_memory();
	for (size_t fail_at = 1; fail_at < 60; fail_at = fail_at * 2 + 1) {
		for (unsigned threads = 0; threads <= 5; threads++) {
			memset(&t, 0, sizeof(t));
			t.fail_at = fail_at;
			assert_int_equal(run(&t, threads, KDUMP_ZLIB), E_NOSPACE);
			assert_contains(e.text, "block ");
			assert_false(t.met || t.after_failure);
			assert_int_equal(t.n_seen, fail_at);
		}
	}
	fake_memory_close(&mem);
}

TEST(pipeline_closes_with_blocks_under_way)
{
	struct packer_options opt = { .codec = codec_by_flag(KDUMP_ZLIB), .page_shift = 12 };
	static struct taker t;

	fill_memory();
	for (unsigned round = 0; round < 50; round++) {
		struct pipeline_user user = { take, make_room, &t };
		struct page_pipeline *p = NULL;

		memset(&t, 0, sizeof(t));
		assert_ok(page_pipeline_open(&p, mem.src, &opt, round % 7, &user, &e));
		assert_ok(page_pipeline_add(p, 0, round * 3, &e));
		page_pipeline_close(p);
		for (size_t i = 1; i < t.n_seen; i++)
			assert_int_equal(t.seen[i].first, t.seen[i - 1].first + t.seen[i - 1].n);
	}
	fake_memory_close(&mem);
}

static void count(void *data, unsigned i)
{
	atomic_fetch_add((atomic_uint *)data, 1u << (4 * i));
}

TEST(workers_each_run_once_with_a_number_of_their_own)
{
	atomic_uint sum = 0;
	struct workers *w = workers_start(5, count, &sum);

	assert_non_null(w);
	workers_close(w);
	assert_int_equal(sum, 0x11111);
	assert_null(workers_start(0, count, &sum));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(blocks_are_the_same_with_any_number_of_threads),
		cmocka_unit_test(after_a_failure_nothing_is_taken_and_everybody_comes_home),
		cmocka_unit_test(pipeline_closes_with_blocks_under_way),
		cmocka_unit_test(workers_each_run_once_with_a_number_of_their_own),
	};

	message_set_level(0);
	return cmocka_run_group_tests_name("page_pipeline", tests, NULL, NULL);
}
