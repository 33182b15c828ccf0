/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The stream of -F: which records come in which order, when they come, and what a failure leaves. */
#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include "output/sink.h"

#define START 4096 /* the block in front of the first record */
#define RECORD_MIN 65536
#define FILE_MAX (1 << 21)
#define RECORDS_MAX 400

static struct err e;

struct record {
	uint64_t pos, len;
};

/* A stream taken apart: its records, and the file that they make. */
struct parsed {
	uint8_t *stream, *file;
	size_t len, n;
	uint64_t file_len;
	struct record at[RECORDS_MAX];
	bool ended;
};

static void parse(struct parsed *p, int fd, off_t from)
{
	off_t end = lseek(fd, 0, SEEK_END);
	size_t at = START;

	memset(p, 0, sizeof(*p));
	p->len = (size_t)(end - from);
	p->stream = malloc(p->len + 1);
	p->file = calloc(1, FILE_MAX);
	assert_int_equal(pread(fd, p->stream, p->len, from), p->len);
	assert_true(p->len >= START);
	assert_memory_equal(p->stream, "makedumpfile\0\0\0\0\0\0\0\0\0\0\0\1\0\0\0\0\0\0\0\1", 32);
	for (size_t i = 32; i < START; i++)
		assert_int_equal(p->stream[i], 0);
	while (at + 16 <= p->len) {
		struct record r = { get_u64(p->stream + at, true), get_u64(p->stream + at + 8, true) };

		at += 16;
		p->ended = r.pos == UINT64_MAX && r.len == UINT64_MAX;
		if (p->ended)
			break;
		assert_true(r.len && r.pos + r.len <= FILE_MAX && p->n < RECORDS_MAX);
		if (at + r.len > p->len)
			break;
		memcpy(p->file + r.pos, p->stream + at, r.len);
		p->file_len = r.pos + r.len > p->file_len ? r.pos + r.len : p->file_len;
		p->at[p->n++] = r;
		at += r.len;
	}
	assert_true(!p->ended || at == p->len);
}

static void forget(struct parsed *p)
{
	free(p->stream);
	free(p->file);
}

struct out {
	char path[32];
	int fd;
	struct sink *s;
};

static void out_open(struct out *o, uint64_t limit)
{
	o->fd = file_of("", 0, o->path);
	assert_ok(sink_flat_open(&o->s, o->fd, -1, limit, &e));
}

static void out_close(struct out *o)
{
	sink_close(o->s);
	close(o->fd);
}

static void put(struct out *o, uint64_t pos, const void *buf, size_t len)
{
	assert_ok(sink_write(o->s, pos, buf, len, &e));
}

static void assert_record(const struct parsed *p, size_t i, uint64_t pos, uint64_t len)
{
	assert_true(i < p->n);
	assert_int_equal(p->at[i].pos, pos);
	assert_int_equal(p->at[i].len, len);
}

static uint8_t noise[FILE_MAX];

TEST(what_comes_before_the_data_is_a_record_each_time)
{
	struct parsed p;
	struct out o;

	out_open(&o, 0);
	put(&o, 0, "header", 6);
	put(&o, 4096, "sub", 3);
	put(&o, 0, "HEADER", 6);
	/* before the end, too: nothing is held back */
	parse(&p, o.fd, 0);
	assert_int_equal(p.n, 3);
	assert_false(p.ended);
	forget(&p);
	assert_ok(o.s->ops->finish(o.s, &e));
	parse(&p, o.fd, 0);
	assert_int_equal(p.n, 3);
	assert_true(p.ended);
	assert_record(&p, 0, 0, 6);
	assert_record(&p, 1, 4096, 3);
	assert_record(&p, 2, 0, 6);
	assert_memory_equal(p.file, "HEADER", 7);
	assert_int_equal(p.len, START + 3 * 16 + 15 + 16);
	forget(&p);
	out_close(&o);
}

TEST(data_becomes_records_of_64_kib_and_its_index_follows_it)
{
	enum { TABLE = 8192, DATA = 300000, PAGES = 6000, PAGE_BYTES = 100, DESC = 24 };
	struct parsed p;
	struct out o;
	uint64_t data_end = DATA, index_end = TABLE;

	out_open(&o, 0);
	put(&o, 0, "mark", 4);
	assert_ok(o.s->ops->set_length(o.s, DATA, &e));
	for (unsigned i = 0; i < PAGES; i += 10) {
		/* first the promise, then what it promises */
		put(&o, TABLE + i * DESC, noise + i, 10 * DESC);
		put(&o, DATA + i * PAGE_BYTES, noise + 7 * i, 10 * PAGE_BYTES);
	}
	assert_ok(o.s->ops->sync(o.s, &e));
	put(&o, 0, "done", 4);
	assert_ok(o.s->ops->finish(o.s, &e));
	parse(&p, o.fd, 0);
	assert_true(p.ended);
	assert_int_equal(p.file_len, DATA + PAGES * PAGE_BYTES);
	for (unsigned i = 0; i < PAGES; i += 10) {
		assert_memory_equal(p.file + TABLE + i * DESC, noise + i, 10 * DESC);
		assert_memory_equal(p.file + DATA + i * PAGE_BYTES, noise + 7 * i, 10 * PAGE_BYTES);
	}
	assert_record(&p, 0, 0, 4);
	assert_record(&p, p.n - 1, 0, 4);
	for (size_t i = 1; i < p.n - 1; i++) {
		bool last_of_kind = true;

		for (size_t later = i + 1; later < p.n - 1; later++)
			last_of_kind &= (p.at[later].pos >= DATA) != (p.at[i].pos >= DATA);
		assert_true(p.at[i].len >= RECORD_MIN || last_of_kind);
		if (p.at[i].pos >= DATA) {
			assert_int_equal(p.at[i].pos, data_end);
			data_end += p.at[i].len;
			continue;
		}
		assert_int_equal(p.at[i].pos, index_end);
		index_end += p.at[i].len;
		/* each descriptor that is out by now has its data out */
		assert_true((index_end - TABLE) / DESC * PAGE_BYTES <= data_end - DATA);
	}
	forget(&p);
	out_close(&o);
}

TEST(index_waits_for_slow_data_only_so_long)
{
	enum { TABLE = 4096, DATA = 1 << 20 };
	struct parsed p;
	struct out o;

	out_open(&o, 0);
	assert_ok(o.s->ops->set_length(o.s, DATA, &e));
	put(&o, DATA, "x", 1);
	for (unsigned i = 0; i < 300 * 1024; i += 1024)
		put(&o, TABLE + i, noise, 1024);
	parse(&p, o.fd, 0);
	assert_int_equal(p.n, 2);
	assert_record(&p, 0, DATA, 1);
	assert_record(&p, 1, TABLE, 256 * 1024);
	forget(&p);
	out_close(&o);
}

TEST(small_gaps_of_the_index_are_filled_with_zeros)
{
	struct parsed p;
	struct out o;

	out_open(&o, 0);
	assert_ok(o.s->ops->set_length(o.s, FILE_MAX - 10, &e));
	put(&o, 5000, "abc", 3);
	put(&o, 6000, "def", 3);
	put(&o, 500000, "far", 3);
	put(&o, 400000, "back", 4);
	assert_ok(o.s->ops->finish(o.s, &e));
	parse(&p, o.fd, 0);
	assert_record(&p, 0, 5000, 1003);
	assert_record(&p, 1, 500000, 3);
	assert_record(&p, 2, 400000, 4);
	/* the file has its length, whatever was written at its end */
	assert_record(&p, 3, FILE_MAX - 11, 1);
	assert_int_equal(p.n, 4);
	assert_int_equal(p.file_len, FILE_MAX - 10);
	assert_memory_equal(p.file + 5000, "abc\0\0", 5);
	assert_memory_equal(p.file + 5999, "\0def", 4);
	forget(&p);
	out_close(&o);
}

TEST(any_writes_make_the_file_that_they_would_make_without_a_stream)
{
	enum { DATA = 1 << 19 };
	static uint8_t want[FILE_MAX];
	uint64_t seed = 99;

	for (unsigned round = 0; round < 15; round++) {
		struct parsed p;
		struct out o;
		uint64_t high = DATA;

		memset(want, 0, sizeof(want));
		out_open(&o, 0);
		for (unsigned step = 0; step < 120; step++) {
			uint64_t len = 1 + random_below(&seed, random_below(&seed, 4) ? 300 : 100000);
			uint64_t pos = random_below(&seed, FILE_MAX - len);

			/* nothing is half index and half data */
			if (pos < DATA && pos + len > DATA)
				pos = DATA;
			if (step == 20)
				assert_ok(o.s->ops->set_length(o.s, DATA, &e));
			put(&o, pos, noise + step, len);
			memcpy(want + pos, noise + step, len);
			high = pos + len > high ? pos + len : high;
			/* by chance the next bytes */
			if (step % 3 == 0 && high < FILE_MAX - 20) {
				put(&o, high, "follows", 7);
				memcpy(want + high, "follows", 7);
				high += 7;
			}
			if (step % 50 == 49)
				assert_ok(o.s->ops->sync(o.s, &e));
		}
		assert_ok(o.s->ops->finish(o.s, &e));
		parse(&p, o.fd, 0);
		assert_true(p.ended);
		assert_int_equal(p.file_len, high);
		assert_memory_equal(p.file, want, high);
		forget(&p);
		out_close(&o);
	}
}

TEST(limit_is_kept_to_the_byte_and_leaves_no_end)
{
	for (uint64_t limit = START + 1; limit < START + 300; limit += 13) {
		struct parsed p;
		struct out o;
		enum status st = OK;

		out_open(&o, limit);
		for (unsigned i = 0; i < 10 && !st; i++)
			st = sink_write(o.s, i * 50, noise, 50, &e);
		assert_int_equal(st, E_NOSPACE);
		assert_int_not_equal(o.s->ops->finish(o.s, &e), OK);
		parse(&p, o.fd, 0);
		assert_int_equal(p.len, limit);
		assert_false(p.ended);
		forget(&p);
		out_close(&o);
	}
}

TEST(broken_pipe_takes_nothing_more)
{
	struct sink *s;
	int ends[2];

	assert_int_equal(pipe(ends), 0);
	assert_int_equal(fcntl(ends[1], F_SETPIPE_SZ, 4096) > 0, 1);
	signal(SIGPIPE, SIG_IGN);
	assert_ok(sink_flat_open(&s, ends[1], -1, 0, &e));
	close(ends[0]);
	assert_int_equal(sink_write(s, 0, "header", 6, &e), E_IO);
	assert_int_equal(sink_write(s, 0, "header", 6, &e), E_IO);
	assert_contains(e.text, "the stream is broken");
	assert_int_equal(s->ops->finish(s, &e), E_IO);
	assert_int_equal(s->ops->restart(s, &e), E_UNSUPPORTED);
	assert_contains(e.text, "cannot begin anew: what is out is out");
	sink_close(s);
	close(ends[1]);
}

TEST(file_begins_anew_behind_what_it_held)
{
	for (unsigned append = 0; append < 2; append++) {
		char path[32], held[5];
		struct parsed p;
		struct sink *s;
		int fd, own = file_of("held", 4, path);

		fd = append ? open(path, O_RDWR | O_APPEND) : dup(own);
		assert_true(fd >= 0);
		lseek(fd, append ? 0 : 4, SEEK_SET);
		assert_ok(sink_flat_open(&s, fd, -1, START + 100, &e));
		assert_int_equal(sink_write(s, 0, noise, 200, &e), E_NOSPACE);
		assert_ok(s->ops->restart(s, &e));
		assert_ok(sink_write(s, 10, "second try", 10, &e));
		assert_int_equal(s->bytes_written, 10);
		assert_ok(s->ops->finish(s, &e));
		parse(&p, own, 4);
		assert_true(p.ended);
		assert_int_equal(p.n, 1);
		assert_record(&p, 0, 10, 10);
		assert_int_equal(pread(own, held, 4, 0), 4);
		assert_memory_equal(held, "held", 4);
		/* what fails behind the end takes the end back */
		assert_ok(s->ops->amend(s, 0, "", 0, &e));
		forget(&p);
		parse(&p, own, 4);
		assert_false(p.ended);
		assert_int_equal(p.n, 1);
		forget(&p);
		sink_close(s);
		close(fd);
		close(own);
	}
}

TEST(end_is_not_taken_back_where_others_wrote_behind_it)
{
	struct parsed p;
	struct out o;

	out_open(&o, 0);
	put(&o, 0, "all", 3);
	/* without an end there is nothing to take back */
	assert_ok(o.s->ops->amend(o.s, 0, "", 0, &e));
	assert_ok(o.s->ops->finish(o.s, &e));
	parse(&p, o.fd, 0);
	assert_true(p.ended);
	forget(&p);
	assert_int_equal(pwrite(o.fd, "behind", 6, lseek(o.fd, 0, SEEK_END)), 6);
	assert_ok(o.s->ops->amend(o.s, 0, "", 0, &e));
	assert_int_equal(lseek(o.fd, 0, SEEK_END), START + 16 + 3 + 16 + 6);
	out_close(&o);
}

TEST(stream_into_the_dump_that_is_read_is_refused)
{
	char path[32];
	struct sink *s = NULL;
	int fd = file_of("dump", 4, path), other = open(path, O_RDONLY);

	assert_int_equal(sink_flat_open(&s, fd, other, 0, &e), E_USAGE);
	assert_null(s);
	assert_contains(e.text, "standard output is the dump that is read");
	assert_int_equal(lseek(fd, 0, SEEK_END), 4);
	close(other);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_comes_before_the_data_is_a_record_each_time),
		cmocka_unit_test(data_becomes_records_of_64_kib_and_its_index_follows_it),
		cmocka_unit_test(index_waits_for_slow_data_only_so_long),
		cmocka_unit_test(small_gaps_of_the_index_are_filled_with_zeros),
		cmocka_unit_test(any_writes_make_the_file_that_they_would_make_without_a_stream),
		cmocka_unit_test(limit_is_kept_to_the_byte_and_leaves_no_end),
		cmocka_unit_test(broken_pipe_takes_nothing_more),
		cmocka_unit_test(file_begins_anew_behind_what_it_held),
		cmocka_unit_test(end_is_not_taken_back_where_others_wrote_behind_it),
		cmocka_unit_test(stream_into_the_dump_that_is_read_is_refused),
	};
	uint64_t seed = 1;

	message_set_level(0);
	for (size_t i = 0; i < sizeof(noise); i++)
		noise[i] = (uint8_t)(random_next(&seed) | 1);
	return cmocka_run_group_tests_name("sink_flat", tests, NULL, NULL);
}
