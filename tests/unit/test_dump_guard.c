/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Dumps that come in any pieces and any order: at every moment the file claims no more than it has. */
#include "unit.h"

#include "base/cleanup.h"
#include "output/dump_guard.h"

static struct err e;

/* --- a file in memory that can fail ---------------------------------------------------------------------- */

#define FILE_MAX (1 << 20)

struct memory {
	struct sink sink;
	uint8_t bytes[FILE_MAX];
	uint64_t length, highest;
	unsigned syncs, fail_sync; /* the number of the call that fails; 0: none */
	bool fail_finish, fail_amend, finished;
	size_t full_at; /* 0: never */
};

static struct memory *of(struct sink *s)
{
	return (struct memory *)s;
}

static enum status memory_write_at(struct sink *s, uint64_t pos, const void *buf, size_t len, size_t *written,
				   struct err *err)
{
	struct memory *m = of(s);

	*written = 0;
	assert_true(pos + len <= FILE_MAX);
	if (m->full_at && pos + len > m->full_at) {
		/* as file systems do it: whole blocks, or nothing of them */
		size_t fits = pos < m->full_at ? (size_t)(m->full_at - pos) : 0;

		memcpy(m->bytes + pos, buf, fits);
		return err_set(err, E_NOSPACE, "full");
	}
	memcpy(m->bytes + pos, buf, len);
	*written = len;
	m->highest = pos + len > m->highest ? pos + len : m->highest;
	return OK;
}

static enum status memory_set_length(struct sink *s, uint64_t len, struct err *err)
{
	(void)err;
	of(s)->length = len;
	return OK;
}

static enum status memory_sync(struct sink *s, struct err *err)
{
	return ++of(s)->syncs == of(s)->fail_sync ? err_set(err, E_IO, "sync") : OK;
}

static enum status memory_finish(struct sink *s, struct err *err)
{
	of(s)->finished = true;
	return of(s)->fail_finish ? err_set(err, E_IO, "finish") : OK;
}

static enum status memory_amend(struct sink *s, uint64_t pos, const void *buf, size_t len, struct err *err)
{
	if (of(s)->fail_amend)
		return err_set(err, E_IO, "amend");
	memcpy(of(s)->bytes + pos, buf, len);
	return OK;
}

static const struct sink_ops memory_ops = {
	.write_at = memory_write_at,
	.set_length = memory_set_length,
	.sync = memory_sync,
	.finish = memory_finish,
	.amend = memory_amend,
};

/* A device holds something old; a file reads as zero where nothing was written. */
static void memory_open(struct memory *m, bool device)
{
	memset(m, 0, sizeof(*m));
	m->sink = (struct sink){ .ops = &memory_ops, .name = "memory", .holes_are_zero = !device };
	if (device)
		memset(m->bytes, 0xaa, sizeof(m->bytes));
}

/* --- a small dump, made by hand ---------------------------------------------------------------------------- */

enum {
	BLOCK = 4096,
	PAGES = 600, /* all of them in both bitmaps */
	TABLE = BLOCK * 4,
	DESC = 24,
	DATA = TABLE + PAGES * DESC,
	STATUS = 424,
	INCOMPLETE = 8,
	ROOM = DATA + BLOCK + PAGES * 300,
};

struct image {
	uint8_t bytes[ROOM];
	size_t len;
};

static void make_image(struct image *d, uint32_t status)
{
	size_t at = DATA + BLOCK;

	memset(d, 0, sizeof(*d));
	memcpy(d->bytes, "KDUMP   ", 8);
	put_u32(d->bytes + 8, 6, false);
	memcpy(d->bytes + 12 + 4 * 65, "x86_64", 6);
	put_u32(d->bytes + STATUS, status, false);
	put_u32(d->bytes + 428, BLOCK, false);
	put_u32(d->bytes + 432, 1, false);
	put_u32(d->bytes + 436, 2, false);
	put_u32(d->bytes + 440, PAGES, false);
	put_u64(d->bytes + BLOCK + 96, PAGES, false);
	memset(d->bytes + BLOCK * 2, 0xff, PAGES / 8);
	memset(d->bytes + BLOCK * 3, 0xff, PAGES / 8);
	for (size_t i = 0; i < PAGES; i++) {
		uint8_t *raw = d->bytes + TABLE + i * DESC;
		size_t len = i % 5 ? 100 + i % 200 : BLOCK;

		/* some are pages of zeros, which share one, and some are missing */
		put_u64(raw, i % 50 == 7 ? 0 : i % 5 ? at : DATA, false);
		put_u32(raw + 8, (uint32_t)len, false);
		put_u32(raw + 12, i % 5 ? 1 : 0, false);
		if (i % 5 && i % 50 != 7) {
			memset(d->bytes + at, (int)(i % 250) + 1, len);
			at += len;
		}
	}
	d->len = at;
}

static bool is_marked(const struct memory *m)
{
	return get_u32(m->bytes + STATUS, false) & INCOMPLETE;
}

/* What readers of a dump may not find: pages that are not there under a header. */
static size_t check_claims(const struct memory *m, const struct image *whole)
{
	size_t claimed = 0;

	if (memcmp(m->bytes, "KDUMP   ", 8) || !get_u32(m->bytes + 428, false))
		return 0;
	assert_true(is_marked(m));
	for (size_t i = 0; i < PAGES; i++) {
		const uint8_t *raw = m->bytes + TABLE + i * DESC;
		uint64_t at = get_u64(raw, false);
		uint32_t len = get_u32(raw + 8, false);

		if (!at)
			continue;
		assert_memory_equal(raw, whole->bytes + TABLE + i * DESC, DESC);
		assert_true(at + len <= whole->len);
		assert_memory_equal(m->bytes + at, whole->bytes + at, len);
		claimed++;
	}
	return claimed;
}

struct piece {
	size_t at, len;
};

/* Cuts [from, to) into pieces of up to `max` bytes. */
static size_t cut(struct piece *p, size_t from, size_t to, size_t max, uint64_t *seed)
{
	size_t n = 0;

	while (from < to) {
		p[n].at = from;
		p[n].len = 1 + (size_t)random_below(seed, max);
		p[n].len = p[n].len < to - from ? p[n].len : to - from;
		from += p[n++].len;
	}
	return n;
}

static void shuffle(struct piece *p, size_t n, uint64_t *seed)
{
	for (size_t i = n; i > 1; i--) {
		size_t other = (size_t)random_below(seed, i);
		struct piece one = p[i - 1];

		p[i - 1] = p[other];
		p[other] = one;
	}
}

static struct image whole;
static struct memory mem;
static struct piece pieces[ROOM];

/* Looks at what is claimed after each piece, or some 300 times.  Returns the most pages ever claimed. */
static size_t send_all(struct dump_guard *g, const struct piece *p, size_t n)
{
	static uint64_t seed = 1;
	size_t most = 0;

	for (size_t i = 0; i < n; i++) {
		size_t claimed;

		assert_ok(dump_guard_write(g, p[i].at, whole.bytes + p[i].at, p[i].len, &e));
		if (random_below(&seed, n / 300 + 1))
			continue;
		claimed = check_claims(&mem, &whole);
		most = claimed > most ? claimed : most;
	}
	return most;
}

static void finish_and_compare(struct dump_guard *g)
{
	assert_ok(dump_guard_finish(g, &e));
	assert_true(mem.finished);
	assert_true(mem.syncs >= 2);
	assert_int_equal(mem.length, whole.len);
	assert_memory_equal(mem.bytes, whole.bytes, whole.len);
}

/* --- tests ------------------------------------------------------------------------------------------------- */

TEST(pieces_in_order_show_pages_as_they_come)
{
	uint64_t seed = 3;

	for (unsigned device = 0; device < 2; device++)
		for (size_t max = 7; max < 100000; max *= 6) {
			AUTO(dump_guard) *g = NULL;
			size_t n, most;

			make_image(&whole, 1);
			memory_open(&mem, device);
			assert_ok(dump_guard_open(&g, &mem.sink, &e));
			n = cut(pieces, 0, whole.len, max, &seed);
			most = send_all(g, pieces, n);
			assert_false(dump_guard_is_marked(g));
			/* nearly all of them are there before the end */
			assert_true(max > 20000 || most > PAGES / 2);
			finish_and_compare(g);
		}
}

TEST(data_before_and_behind_its_descriptors_is_never_claimed_too_early)
{
	uint64_t seed = 17;

	for (unsigned round = 0; round < 12; round++) {
		AUTO(dump_guard) *g = NULL;
		size_t n, half;

		make_image(&whole, 1);
		memory_open(&mem, round & 1);
		assert_ok(dump_guard_open(&g, &mem.sink, &e));
		/* header and bitmaps; then descriptors and data from two streams that rise */
		n = cut(pieces, 0, TABLE, 3000, &seed);
		half = n + cut(pieces + n, TABLE, DATA, 500, &seed);
		cut(pieces + half, DATA, whole.len, 4000, &seed);
		send_all(g, pieces, n);
		for (size_t table = TABLE, data = DATA; table < DATA || data < whole.len;) {
			size_t len = 1 + (size_t)random_below(&seed, 600);

			if (data >= whole.len || (table < DATA && random_below(&seed, 3))) {
				len = len < DATA - table ? len : DATA - table;
				send_all(g, &(struct piece){ table, len }, 1);
				table += len;
			} else {
				len = 10 * len < whole.len - data ? 10 * len : whole.len - data;
				send_all(g, &(struct piece){ data, len }, 1);
				data += len;
			}
		}
		finish_and_compare(g);
	}
}

TEST(no_order_at_all_still_gives_the_dump)
{
	uint64_t seed = 5;

	for (unsigned round = 0; round < 16; round++) {
		AUTO(dump_guard) *g = NULL;
		size_t n;

		make_image(&whole, 1);
		memory_open(&mem, round & 1);
		assert_ok(dump_guard_open(&g, &mem.sink, &e));
		n = cut(pieces, 0, whole.len, 200 + round * 300, &seed);
		shuffle(pieces, n, &seed);
		send_all(g, pieces, n);
		finish_and_compare(g);
	}
}

TEST(later_bytes_win)
{
	AUTO(dump_guard) *g = NULL;

	make_image(&whole, 1);
	memory_open(&mem, false);
	assert_ok(dump_guard_open(&g, &mem.sink, &e));
	assert_ok(dump_guard_write(g, 0, whole.bytes, whole.len, &e));
	/* the header once more, with other values, as writers end */
	put_u32(whole.bytes + 448, 4711, false);
	assert_ok(dump_guard_write(g, 0, whole.bytes, 464, &e));
	check_claims(&mem, &whole);
	memset(whole.bytes + DATA + BLOCK, 0x33, 50);
	assert_ok(dump_guard_write(g, DATA + BLOCK, whole.bytes + DATA + BLOCK, 50, &e));
	finish_and_compare(g);
}

TEST(mark_of_the_dump_itself_stays)
{
	AUTO(dump_guard) *g = NULL;

	make_image(&whole, 1 | INCOMPLETE);
	memory_open(&mem, false);
	assert_ok(dump_guard_open(&g, &mem.sink, &e));
	assert_ok(dump_guard_write(g, 0, whole.bytes, whole.len, &e));
	assert_true(dump_guard_is_marked(g));
	finish_and_compare(g);
	assert_true(is_marked(&mem));
}

TEST(big_endian_word_is_marked_where_it_is)
{
	AUTO(dump_guard) *g = NULL;

	make_image(&whole, 0);
	for (size_t at = 8; at < 464; at += at == 8 ? STATUS - 8 : 4) {
		if (at >= STATUS || at == 8)
			put_u32(whole.bytes + at, get_u32(whole.bytes + at, false), true);
	}
	put_u32(whole.bytes + STATUS, 2, true);
	memory_open(&mem, false);
	assert_ok(dump_guard_open(&g, &mem.sink, &e));
	assert_ok(dump_guard_write(g, 0, whole.bytes, TABLE, &e));
	assert_int_equal(get_u32(mem.bytes + STATUS, true), 2 | INCOMPLETE);
	assert_ok(dump_guard_finish(g, &e));
	assert_int_equal(get_u32(mem.bytes + STATUS, true), 2);
}

TEST(full_disk_at_any_byte_leaves_a_dump_that_is_true)
{
	for (size_t at = 1; at < DATA + 60000; at += at < 1000 ? 37 : 1777) {
		AUTO(dump_guard) *g = NULL;
		enum status st = OK;

		make_image(&whole, 1);
		memory_open(&mem, false);
		mem.full_at = at / 4096 * 4096 + 1;
		assert_ok(dump_guard_open(&g, &mem.sink, &e));
		for (size_t pos = 0; pos < whole.len && !st; pos += 1000)
			st = dump_guard_write(g, pos, whole.bytes + pos,
					      pos + 1000 < whole.len ? 1000 : whole.len - pos, &e);
		assert_int_equal(st, E_NOSPACE);
		dump_guard_abandon(g);
		check_claims(&mem, &whole);
	}
}

TEST(failure_of_the_last_steps_sets_the_mark_again)
{
	for (unsigned which = 0; which < 3; which++) {
		AUTO(dump_guard) *g = NULL;

		make_image(&whole, 1);
		memory_open(&mem, false);
		mem.fail_sync = which < 2 ? which + 1 : 0;
		mem.fail_finish = which == 2;
		assert_ok(dump_guard_open(&g, &mem.sink, &e));
		assert_ok(dump_guard_write(g, 0, whole.bytes, whole.len, &e));
		assert_int_equal(dump_guard_finish(g, &e), E_IO);
		assert_true(is_marked(&mem));
		check_claims(&mem, &whole);
	}
	/* and where even that fails it is said */
	AUTO(dump_guard) *g = NULL;

	memory_open(&mem, false);
	mem.fail_finish = mem.fail_amend = true;
	assert_ok(dump_guard_open(&g, &mem.sink, &e));
	assert_ok(dump_guard_write(g, 0, whole.bytes, whole.len, &e));
	assert_int_equal(dump_guard_finish(g, &e), E_IO);
	assert_contains(e.text, "cannot mark it incomplete (amend)");
}

TEST(blocks_of_zeros_become_holes_where_there_are_holes)
{
	static uint8_t zeros[5 * BLOCK];

	for (unsigned device = 0; device < 2; device++) {
		AUTO(dump_guard) *g = NULL;

		memory_open(&mem, device);
		assert_ok(dump_guard_open(&g, &mem.sink, &e));
		assert_ok(dump_guard_write(g, 0, (const uint8_t *)"no dump of any kind", 19, &e));
		assert_ok(dump_guard_write(g, BLOCK, zeros, sizeof(zeros), &e));
		/* what comes next may claim them, so the file has them */
		assert_int_equal(mem.length, device ? 0 : 6 * BLOCK);
		assert_ok(dump_guard_write(g, 9 * BLOCK, (const uint8_t *)"end", 3, &e));
		assert_int_equal(mem.sink.bytes_written > 2 * BLOCK, device);
		/* zeros over other bytes are written */
		assert_ok(dump_guard_write(g, 9 * BLOCK, zeros, 2, &e));
		assert_ok(dump_guard_finish(g, &e));
		assert_int_equal(mem.length, 9 * BLOCK + 3);
		assert_memory_equal(mem.bytes + 9 * BLOCK, "\0\0d", 3);
		for (size_t i = 19; i < 9 * BLOCK; i++)
			assert_int_equal(mem.bytes[i], 0);
	}
}

/* --- ELF ---------------------------------------------------------------------------------------------------- */

static void make_elf(uint8_t head[64], bool is64, bool big, unsigned machine)
{
	memset(head, 0, 64);
	memcpy(head, "\177ELF", 4);
	head[4] = is64 ? 2 : 1;
	head[5] = big ? 2 : 1;
	put_u16(head + 18, (uint16_t)machine, big);
	put_u32(head + (is64 ? 48 : 36), 0x40, big);
}

TEST(elf_header_is_marked_as_soon_as_it_is_whole)
{
	for (unsigned shape = 0; shape < 4; shape++) {
		bool is64 = shape & 1, big = shape & 2;
		size_t len = is64 ? 64 : 52, flags = is64 ? 48 : 36;
		AUTO(dump_guard) *g = NULL;
		uint8_t head[64];

		make_elf(head, is64, big, 22);
		memory_open(&mem, false);
		assert_ok(dump_guard_open(&g, &mem.sink, &e));
		for (size_t i = 0; i < len; i++) {
			/* a half header claims nothing */
			assert_int_equal(mem.bytes[0], 0);
			assert_ok(dump_guard_write(g, i, head + i, 1, &e));
		}
		assert_int_equal(get_u32(mem.bytes + flags, big), 0x41);
		assert_ok(dump_guard_finish(g, &e));
		assert_memory_equal(mem.bytes, head, len);
	}
}

TEST(riscv_elf_header_comes_last)
{
	AUTO(dump_guard) *g = NULL;
	uint8_t head[64];

	make_elf(head, true, false, 243);
	memory_open(&mem, false);
	assert_ok(dump_guard_open(&g, &mem.sink, &e));
	assert_ok(dump_guard_write(g, 0, head, 64, &e));
	assert_ok(dump_guard_write(g, 5000, (const uint8_t *)"memory", 6, &e));
	assert_int_equal(mem.bytes[0], 0);
	assert_memory_equal(mem.bytes + 5000, "memory", 6);
	assert_ok(dump_guard_finish(g, &e));
	assert_memory_equal(mem.bytes, head, 64);
}

/* No writer does that; what was held back for the first dump must not come to lie over the second one. */
TEST(header_that_turns_into_another_comes_last)
{
	for (int how = 0; how < 4; how++) {
		AUTO(dump_guard) *g = NULL;

		make_image(&whole, 1);
		memory_open(&mem, how == 3);
		assert_ok(dump_guard_open(&g, &mem.sink, &e));
		assert_ok(dump_guard_write(g, 0, whole.bytes, TABLE + DESC, &e));
		if (how == 0) { /* the table is elsewhere */
			put_u32(whole.bytes + 436, 4, false);
			assert_ok(dump_guard_write(g, 436, whole.bytes + 436, 4, &e));
		} else { /* how 2: a machine without a mark */
			make_elf(whole.bytes, true, false, how == 2 ? 243 : 62);
			assert_ok(dump_guard_write(g, 0, whole.bytes, 64, &e));
		}
		for (size_t i = 0; i < 8; i++)
			assert_int_equal(mem.bytes[i], 0);
		memset(whole.bytes + TABLE, 0x11, DESC);
		assert_ok(dump_guard_write(g, TABLE, whole.bytes + TABLE, whole.len - TABLE, &e));
		assert_int_equal(mem.bytes[0], 0);
		finish_and_compare(g);
	}
}

/* The bit of the mark is where a header of 32 bits has the number of its bitmap blocks, which is all that lacks. */
TEST(header_that_its_mark_turns_into_another_comes_last)
{
	static const uint32_t of_32_bits[] = { 1, 4096, 1, 0, 0 };
	AUTO(dump_guard) *g = NULL;

	make_image(&whole, 1);
	memory_open(&mem, false);
	assert_ok(dump_guard_open(&g, &mem.sink, &e));
	assert_ok(dump_guard_write(g, 0, whole.bytes, TABLE + DESC, &e));
	assert_true(is_marked(&mem));
	for (size_t i = 0; i < 5; i++)
		put_u32(whole.bytes + 412 + 4 * i, of_32_bits[i], false);
	assert_ok(dump_guard_write(g, 412, whole.bytes + 412, sizeof(of_32_bits), &e));
	for (size_t i = 0; i < 8; i++)
		assert_int_equal(mem.bytes[i], 0);
	assert_ok(dump_guard_write(g, TABLE + DESC, whole.bytes + TABLE + DESC, whole.len - TABLE - DESC, &e));
	assert_int_equal(mem.bytes[0], 0);
	finish_and_compare(g);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pieces_in_order_show_pages_as_they_come),
		cmocka_unit_test(data_before_and_behind_its_descriptors_is_never_claimed_too_early),
		cmocka_unit_test(no_order_at_all_still_gives_the_dump),
		cmocka_unit_test(later_bytes_win),
		cmocka_unit_test(mark_of_the_dump_itself_stays),
		cmocka_unit_test(big_endian_word_is_marked_where_it_is),
		cmocka_unit_test(full_disk_at_any_byte_leaves_a_dump_that_is_true),
		cmocka_unit_test(failure_of_the_last_steps_sets_the_mark_again),
		cmocka_unit_test(blocks_of_zeros_become_holes_where_there_are_holes),
		cmocka_unit_test(elf_header_is_marked_as_soon_as_it_is_whole),
		cmocka_unit_test(riscv_elf_header_comes_last),
		cmocka_unit_test(header_that_turns_into_another_comes_last),
		cmocka_unit_test(header_that_its_mark_turns_into_another_comes_last),
	};

	message_set_level(0);
	return cmocka_run_group_tests_name("dump_guard", tests, NULL, NULL);
}
