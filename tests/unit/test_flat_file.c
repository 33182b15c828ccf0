/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Flattened files against a plain array into which their records were copied in order. */
#include "unit.h"

#include <unistd.h>

#include "format/flat_record.h"
#include "input/flat_file.h"
#include "input/input_file.h"

static struct err e;

#define STREAM_MAX ((size_t)1 << 20)
#define TARGET_MAX ((size_t)1 << 20)

struct stream {
	uint8_t *bytes, *target;
	size_t len;	    /* of the stream */
	uint64_t target_len;
	uint64_t seed;
};

static void stream_open(struct stream *s)
{
	*s = (struct stream){ .bytes = calloc(1, STREAM_MAX), .target = calloc(1, TARGET_MAX), .seed = 5 };
	memcpy(s->bytes, "makedumpfile", 12);
	put_u64(s->bytes + 16, 1, true);
	put_u64(s->bytes + 24, 1, true);
	s->len = FLAT_HEADER_LEN;
}

static void stream_close(struct stream *s)
{
	free(s->bytes);
	free(s->target);
}

static void add_header(struct stream *s, uint64_t offset, uint64_t size)
{
	put_u64(s->bytes + s->len, offset, true);
	put_u64(s->bytes + s->len + 8, size, true);
	s->len += FLAT_RECORD_LEN;
}

static void add(struct stream *s, uint64_t offset, size_t size)
{
	add_header(s, offset, size);
	for (size_t i = 0; i < size; i++)
		s->bytes[s->len + i] = (uint8_t)random_next(&s->seed);
	memcpy(s->target + offset, s->bytes + s->len, size);
	s->len += size;
	s->target_len = max_u64(s->target_len, offset + size);
}

static void add_end(struct stream *s)
{
	add_header(s, UINT64_MAX, UINT64_MAX);
}

/* Every byte by itself, through the index alone. */
static void check_index(const struct stream *s, size_t extents)
{
	struct flat_cursor c = { 0 };
	struct flat_file *f;
	char path[32];
	int fd = file_of(s->bytes, s->len, path);
	uint64_t pos = 0;

	assert_ok(flat_file_open(&f, fd, path, s->len, extents, &e));
	assert_int_equal(flat_file_size(f), s->target_len);
	assert_null(flat_file_cut(f));
	while (pos < s->target_len) {
		struct flat_piece p;

		assert_ok(flat_file_find(f, &c, pos, &p, &e));
		assert_true(p.len && p.len <= s->target_len - pos);
		if (!p.gap)
			assert_memory_equal(s->bytes + p.raw, s->target + pos, p.len);
		else
			for (uint64_t i = 0; i < p.len; i++)
				assert_int_equal(s->target[pos + i], 0);
		assert_true(p.gap ? flat_file_next_data(f, pos) == pos + p.len : flat_file_next_data(f, pos) == pos);
		pos += p.len;
	}
	flat_cursor_fini(&c);
	flat_file_close(f);
	close(fd);
}

static struct input_file *open_input(const struct stream *s, size_t len, bool no_mmap, int *fd)
{
	static char path[32]; /* the file borrows it */
	struct input_file *f = NULL;

	*fd = file_of(s->bytes, len, path);
	assert_ok(input_file_open(&f, path, no_mmap, &e));
	assert_ok(input_file_unflatten(f, &e));
	return f;
}

/* Reads and views of every kind, at places of all kinds. */
static void check_views(struct stream *s)
{
	for (unsigned how = 0; how < 3; how++) {
		struct input_window w;
		int fd;
		struct input_file *f = open_input(s, s->len, how == 1, &fd);

		assert_int_equal(f->size, s->target_len);
		f->mappable = how == 0; /* as a file of procfs would be */
		input_window_init(&w, f, how != 2);
		for (unsigned i = 0; i < 2000; i++) {
			uint64_t pos = random_below(&s->seed, s->target_len);
			size_t left = (size_t)(s->target_len - pos), must = 1 + (size_t)random_below(&s->seed, 9000);
			struct window_want want = { pos, must + (size_t)random_below(&s->seed, 70000), must, 0 };
			struct span v;
			uint8_t copy[9001];

			if (must > left) {
				assert_int_equal(input_window_view(&w, &want, &v, &e), E_UNREADABLE);
				assert_int_equal(input_file_read(f, pos, copy, must, &e), E_UNREADABLE);
				continue;
			}
			assert_ok(input_window_view(&w, &want, &v, &e));
			assert_true(v.len >= must && v.len <= want.len && v.len <= left);
			assert_memory_equal(v.data, s->target + pos, v.len);
			assert_ok(input_file_read(f, pos, copy, must, &e));
			assert_memory_equal(copy, s->target + pos, must);
		}
		assert_int_equal(input_window_view(&w, &(struct window_want){ s->target_len, 1, 1, 0 },
						   &(struct span){ 0 }, &e), E_UNREADABLE);
		input_window_fini(&w);
		input_file_close(f);
		close(fd);
	}
}

TEST(a_stream_reads_as_the_file_it_stands_for)
{
	struct stream s;

	/* two streams that rise, as dumps have them, with a header that is written again at the end */
	stream_open(&s);
	add(&s, 0, 464);
	for (size_t i = 0; i < 100; i++) {
		add(&s, 0x40000 + i * 3000, 3000);
		add(&s, 0x1000 + i * 24, 24);
	}
	add(&s, 0, 464);
	add_end(&s);
	for (size_t extents = 4; extents <= 1024; extents *= 4)
		check_index(&s, extents);
	check_views(&s);
	stream_close(&s);
}

TEST(later_records_win_and_gaps_read_as_zero_in_any_disorder)
{
	for (uint64_t seed = 1; seed <= 30; seed++) {
		struct stream s;
		size_t records = 1 + (size_t)(seed * 7 % 120), spread = seed % 3 ? 50000 : 500000;

		stream_open(&s);
		s.seed = seed;
		for (size_t i = 0; i < records; i++)
			add(&s, random_below(&s.seed, spread), 1 + (size_t)random_below(&s.seed, seed % 2 ? 200 : 6000));
		add_end(&s);
		/* single records, and stretches of many */
		check_index(&s, 1024);
		check_index(&s, 40);
		if (seed % 7 == 0)
			check_views(&s);
		stream_close(&s);
	}
}

TEST(stretches_get_longer_when_records_are_many)
{
	struct stream s;

	stream_open(&s);
	for (size_t i = 0; i < 20000; i++)
		add(&s, i % 2 ? 500000 + i * 8 : i * 8, 16);
	add(&s, 77, 5);
	add_end(&s);
	check_index(&s, 16);
	check_index(&s, 1 << 15);
	stream_close(&s);
}

TEST(a_stream_in_hopeless_disorder_is_refused)
{
	struct stream s;
	struct flat_file *f;
	char path[32];
	int fd;

	stream_open(&s);
	for (size_t i = 0; i < 2000; i++)
		add(&s, i * 7919 % 2003 * 10, 3);
	add_end(&s);
	fd = file_of(s.bytes, s.len, path);
	assert_int_equal(flat_file_open(&f, fd, path, s.len, 16, &e), E_UNSUPPORTED);
	assert_contains(e.text, "-R");
	close(fd);
	stream_close(&s);
}

TEST(a_stream_that_is_cut_says_so_and_keeps_what_it_has)
{
	struct stream s;

	stream_open(&s);
	add(&s, 0, 1000);
	add(&s, 5000, 1000);
	add_end(&s);
	for (size_t len = FLAT_HEADER_LEN + FLAT_RECORD_LEN + 1; len <= s.len; len++) {
		int fd;
		struct input_file *f = open_input(&s, len, false, &fd);
		size_t second = FLAT_HEADER_LEN + 2 * FLAT_RECORD_LEN + 1000;
		uint64_t size = len <= second ? min_u64(1000, len - FLAT_HEADER_LEN - FLAT_RECORD_LEN) :
				min_u64(6000, 5000 + len - second);
		uint8_t last;

		assert_int_equal(f->size, size);
		assert_int_equal(!flat_file_cut(f->flat), len == s.len);
		assert_ok(input_file_read(f, size - 1, &last, 1, &e));
		assert_int_equal(last, s.target[size - 1]);
		input_file_close(f);
		close(fd);
	}
	stream_close(&s);
}

TEST(records_that_make_no_sense_end_a_stream)
{
	static const struct {
		uint64_t offset, size;
	} bad[] = { { 100, 0 },
		    { UINT64_MAX, 5 },
		    { 100, UINT64_MAX },
		    { INT64_MAX, 1 },
		    { 1, INT64_MAX },
		    { UINT64_MAX - 4, UINT64_MAX } };

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct stream s;
		struct input_file *f;
		int fd;

		stream_open(&s);
		add(&s, 0, 1000);
		add_header(&s, bad[i].offset, bad[i].size);
		add_end(&s);
		f = open_input(&s, s.len, false, &fd);
		assert_int_equal(f->size, 1000);
		assert_contains(flat_file_cut(f->flat), "no sense");
		input_file_close(f);
		close(fd);
		stream_close(&s);
	}
}

TEST(headers_of_other_types_and_empty_streams_are_refused)
{
	struct stream s;
	struct flat_file *f;
	char path[32];
	int fd;

	stream_open(&s);
	add_end(&s);
	fd = file_of(s.bytes, s.len, path);
	assert_int_equal(flat_file_open(&f, fd, path, s.len, 16, &e), E_FORMAT);
	close(fd);
	stream_close(&s);
	for (unsigned i = 0; i < 2; i++) {
		stream_open(&s);
		put_u64(s.bytes + 16 + 8 * i, 2, true);
		add(&s, 0, 10);
		add_end(&s);
		fd = file_of(s.bytes, s.len, path);
		assert_int_equal(flat_file_open(&f, fd, path, s.len, 16, &e), E_UNSUPPORTED);
		close(fd);
		stream_close(&s);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_stream_reads_as_the_file_it_stands_for),
		cmocka_unit_test(later_records_win_and_gaps_read_as_zero_in_any_disorder),
		cmocka_unit_test(stretches_get_longer_when_records_are_many),
		cmocka_unit_test(a_stream_in_hopeless_disorder_is_refused),
		cmocka_unit_test(a_stream_that_is_cut_says_so_and_keeps_what_it_has),
		cmocka_unit_test(records_that_make_no_sense_end_a_stream),
		cmocka_unit_test(headers_of_other_types_and_empty_streams_are_refused),
	};

	return cmocka_run_group_tests_name("flat_file", tests, NULL, NULL);
}
