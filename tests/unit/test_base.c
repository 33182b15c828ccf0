/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Errors, numbers in text, bytes, ranges of bits, whole writes. */
#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/bitmap.h"
#include "base/fdio.h"
#include "base/host.h"
#include "base/text.h"

/* --- err ------------------------------------------------------------------------------------------- */

TEST(err_text_grows_from_cause_to_context)
{
	struct err e;

	assert_int_equal(err_set(&e, E_FORMAT, "bad %d", 7), E_FORMAT);
	assert_string_equal(e.text, "bad 7");
	assert_int_equal(e.sys_errno, 0);
	assert_int_equal(err_add(&e, "in %s", "file"), E_FORMAT);
	assert_string_equal(e.text, "in file: bad 7");
	assert_int_equal(err_add(&e, "outer"), E_FORMAT);
	assert_string_equal(e.text, "outer: in file: bad 7");
}

TEST(err_sys_says_errno_and_keeps_it)
{
	struct err e;

	errno = ENOENT;
	assert_int_equal(err_sys(&e, E_IO, "open %s", "x"), E_IO);
	assert_string_equal(e.text, "open x: No such file or directory");
	assert_int_equal(e.sys_errno, ENOENT);
	assert_int_equal(errno, ENOENT);
}

TEST(err_sys_knows_that_there_is_no_room)
{
	static const int no_room[] = { ENOSPC, EDQUOT, EFBIG };
	struct err e;

	for (size_t i = 0; i < ARRAY_SIZE(no_room); i++) {
		errno = no_room[i];
		assert_int_equal(err_sys(&e, E_IO, "write"), E_NOSPACE);
		errno = no_room[i];
		assert_int_equal(err_sys(&e, E_UNREADABLE, "read"), E_UNREADABLE);
	}
	errno = EIO;
	assert_int_equal(err_sys(&e, E_IO, "write"), E_IO);
}

TEST(err_text_that_is_full_is_cut_and_stays_text)
{
	struct err e;
	char longer[1000];

	memset(longer, 'a', sizeof(longer) - 1);
	longer[sizeof(longer) - 1] = '\0';
	err_set(&e, E_IO, "%s", longer);
	assert_int_equal(strlen(e.text), sizeof(e.text) - 1);
	/* a context in front cuts the end of the cause */
	err_add(&e, "context");
	assert_int_equal(strlen(e.text), sizeof(e.text) - 1);
	assert_memory_equal(e.text, "context: aaa", 12);
	/* a context that leaves no room for the cause is not worth losing it */
	err_set(&e, E_IO, "cause");
	err_add(&e, "%s", longer);
	assert_string_equal(e.text, "cause");
	/* every length around the border */
	for (size_t len = sizeof(e.text) - 12; len < sizeof(e.text) + 3; len++) {
		err_set(&e, E_IO, "cause");
		err_add(&e, "%.*s", (int)len, longer);
		assert_true(strlen(e.text) < sizeof(e.text));
		errno = EIO;
		err_sys(&e, E_IO, "%.*s", (int)len, longer);
		assert_true(strlen(e.text) < sizeof(e.text));
	}
}

TEST(err_nomem_names_the_amount)
{
	struct err e;

	assert_int_equal(err_nomem(&e, 4711), E_NOMEM);
	assert_contains(e.text, "4711");
}

/* --- text ------------------------------------------------------------------------------------------ */

TEST(strict_numbers_take_all_of_the_text_or_nothing)
{
	static const struct {
		const char *text;
		unsigned base;
		bool good;
		uint64_t value;
	} rows[] = {
		{ "0", 10, true, 0 },
		{ "18446744073709551615", 10, true, UINT64_MAX },
		{ "18446744073709551616", 10, false, 0 },
		{ "99999999999999999999999", 10, false, 0 },
		{ "ffffffffffffffff", 16, true, UINT64_MAX },
		{ "FfA0", 16, true, 0xffa0 },
		{ "10000000000000000", 16, false, 0 },
		{ "000000000000000000000001", 16, true, 1 },
		{ "", 10, false, 0 },
		{ " 1", 10, false, 0 },
		{ "1 ", 10, false, 0 },
		{ "-1", 10, false, 0 },
		{ "+1", 10, false, 0 },
		{ "1f", 10, false, 0 },
		{ "0x1", 16, false, 0 },
		{ "g", 16, false, 0 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		uint64_t v = 77;

		assert_int_equal(text_to_u64(rows[i].text, strlen(rows[i].text), rows[i].base, &v), rows[i].good);
		assert_int_equal(v, rows[i].good ? rows[i].value : 77);
	}
}

TEST(strict_number_ends_at_its_length_not_at_a_terminator)
{
	uint64_t v;

	assert_true(text_to_u64("1234", 2, 10, &v));
	assert_int_equal(v, 12);
	assert_false(text_to_u64("1\0002", 3, 10, &v));
}

TEST(number_of_any_base_follows_its_prefix)
{
	uint64_t v;

	assert_true(text_to_u64_any("0x10", &v) && v == 16);
	assert_true(text_to_u64_any("010", &v) && v == 8);
	assert_true(text_to_u64_any("10", &v) && v == 10);
	assert_true(text_to_u64_any("0xffffffffffffffff", &v) && v == UINT64_MAX);
	assert_false(text_to_u64_any("", &v));
	assert_false(text_to_u64_any("0x", &v));
	assert_false(text_to_u64_any("-1", &v));
	assert_false(text_to_u64_any(" 1", &v));
	assert_false(text_to_u64_any("1z", &v));
	assert_false(text_to_u64_any("08", &v));
	assert_false(text_to_u64_any("0x10000000000000000", &v));
}

TEST(signed_number_stays_within_its_limits)
{
	int64_t v;

	assert_true(text_to_int("31", 0, 31, &v) && v == 31);
	assert_true(text_to_int("-5", -5, 5, &v) && v == -5);
	assert_true(text_to_int("+5", -5, 5, &v) && v == 5);
	/* more than a long of a 32-bit host holds */
	assert_true(text_to_int("1099511627776", 0, INT64_C(1) << 40, &v) && v == INT64_C(1) << 40);
	assert_false(text_to_int("32", 0, 31, &v));
	assert_false(text_to_int("-1", 0, 31, &v));
	assert_false(text_to_int("", 0, 31, &v));
	assert_false(text_to_int("x", 0, 31, &v));
	assert_false(text_to_int("1x", 0, 31, &v));
	assert_false(text_to_int("-", 0, 31, &v));
	assert_false(text_to_int("0x1", 0, 31, &v));
	assert_false(text_to_int("99999999999999999999", 0, INT64_MAX, &v));
}

/* --- bytes ----------------------------------------------------------------------------------------- */

TEST(integers_are_read_and_written_in_either_byte_order_at_any_address)
{
	uint8_t raw[9] = { 0, 1, 2, 3, 4, 5, 6, 7, 8 };

	assert_int_equal(get_u16(raw + 1, false), 0x0201);
	assert_int_equal(get_u16(raw + 1, true), 0x0102);
	assert_int_equal(get_u32(raw + 1, false), 0x04030201);
	assert_int_equal(get_u32(raw + 1, true), 0x01020304);
	assert_int_equal(get_u64(raw + 1, false), UINT64_C(0x0807060504030201));
	assert_int_equal(get_u64(raw + 1, true), UINT64_C(0x0102030405060708));
	assert_int_equal(get_ulong(raw + 1, 4, true), 0x01020304);
	assert_int_equal(get_ulong(raw + 1, 8, false), UINT64_C(0x0807060504030201));
	put_u16(raw + 1, 0xa1b2, true);
	assert_memory_equal(raw + 1, "\xa1\xb2\x03", 3);
	put_u32(raw + 1, 0xa1b2c3d4, false);
	assert_memory_equal(raw + 1, "\xd4\xc3\xb2\xa1\x05", 5);
	put_u64(raw + 1, UINT64_C(0x1122334455667788), true);
	assert_memory_equal(raw + 1, "\x11\x22\x33\x44\x55\x66\x77\x88", 8);
}

TEST(rounding_up_does_not_overflow)
{
	assert_int_equal(shift_up(0, 12), 0);
	assert_int_equal(shift_up(1, 12), 1);
	assert_int_equal(shift_up(4096, 12), 1);
	assert_int_equal(shift_up(4097, 12), 2);
	assert_int_equal(shift_up(UINT64_MAX, 12), UINT64_C(1) << 52);
	assert_int_equal(round_up_u64(0, 8), 0);
	assert_int_equal(round_up_u64(9, 8), 16);
}

/* --- bitmap ---------------------------------------------------------------------------------------- */

#define BITS 300

static bool model[BITS];
static uint8_t map[BITS / 8 + 9];

static void check_model(void)
{
	for (size_t i = 0; i < BITS; i++)
		if (bitmap_test(map, i) != model[i])
			fail_msg("bit %zu differs", i);
	/* nothing was written behind the last byte */
	for (size_t i = (BITS + 7) / 8; i < sizeof(map); i++)
		assert_int_equal(map[i], 0x5a);
}

static void reset_model(void)
{
	memset(map, 0, sizeof(map));
	memset(map + (BITS + 7) / 8, 0x5a, sizeof(map) - (BITS + 7) / 8);
	memset(model, 0, sizeof(model));
}

TEST(bit_n_is_bit_n_mod_8_of_byte_n_div_8)
{
	uint8_t m[4] = { 0 };

	bitmap_set_range(m, 9, 10);
	assert_memory_equal(m, "\0\2\0\0", 4);
	bitmap_set_range(m, 23, 25);
	assert_memory_equal(m, "\0\2\x80\1", 4);
	assert_true(bitmap_test(m, 9));
	assert_true(bitmap_clear(m, 9));
	assert_false(bitmap_clear(m, 9));
	assert_false(bitmap_test(m, 9));
}

TEST(ranges_of_bits_agree_with_a_naive_model_for_every_start_and_length)
{
	for (size_t first = 0; first < 70; first++) {
		for (size_t end = first; end <= 150; end++) {
			reset_model();
			bitmap_set_range(map, first, end);
			for (size_t i = first; i < end; i++)
				model[i] = true;
			check_model();
			assert_int_equal(bitmap_count(map, 0, BITS), end - first);
			assert_int_equal(bitmap_count(map, first, end), end - first);
			assert_int_equal(bitmap_clear_range(map, first, end), end - first);
			memset(model, 0, sizeof(model));
			check_model();
		}
	}
}

TEST(random_ranges_of_bits_agree_with_a_naive_model)
{
	uint64_t seed = 1;

	reset_model();
	for (int round = 0; round < 20000; round++) {
		size_t a = random_below(&seed, BITS + 1), b = random_below(&seed, BITS + 1), want = 0, got = 0;
		size_t first = a < b ? a : b, end = a < b ? b : a, run_first, run_end;

		if (random_below(&seed, 4) == 0)
			end = first + min_u64(random_below(&seed, 9), BITS - first);
		switch (random_below(&seed, 4)) {
		case 0:
			bitmap_set_range(map, first, end);
			for (size_t i = first; i < end; i++)
				model[i] = true;
			break;
		case 1:
			for (size_t i = first; i < end; i++) {
				want += model[i];
				model[i] = false;
			}
			got = bitmap_clear_range(map, first, end);
			assert_int_equal(got, want);
			break;
		case 2:
			for (size_t i = first; i < end; i++)
				want += model[i];
			assert_int_equal(bitmap_count(map, first, end), want);
			break;
		default: {
			size_t x = first, y;

			while (x < end && !model[x])
				x++;
			for (y = x; y < end && model[y];)
				y++;
			assert_int_equal(bitmap_next_run(map, first, end, &run_first, &run_end), x < end);
			if (x < end) {
				assert_int_equal(run_first, x);
				assert_int_equal(run_end, y);
			}
		}
		}
		check_model();
	}
}

TEST(empty_and_reversed_ranges_do_nothing)
{
	size_t a, b;

	reset_model();
	bitmap_set_range(map, 17, 17);
	bitmap_set_range(map, 20, 3);
	check_model();
	bitmap_set_range(map, 0, BITS);
	assert_int_equal(bitmap_clear_range(map, 20, 3), 0);
	assert_int_equal(bitmap_count(map, 9, 9), 0);
	assert_false(bitmap_next_run(map, 30, 30, &a, &b));
	assert_false(bitmap_next_run(map, 31, 30, &a, &b));
}

/* --- files ----------------------------------------------------------------------------------------- */

TEST(read_stops_at_the_end_of_the_file_without_an_error)
{
	char buf[16];
	int sys_errno = 99, fd = file_of("hello", 5, NULL);

	assert_int_equal(fd_pread(fd, 2, buf, sizeof(buf), &sys_errno), 3);
	assert_int_equal(sys_errno, 0);
	assert_memory_equal(buf, "llo", 3);
	close(fd);
	assert_int_equal(fd_pread(fd, 0, buf, sizeof(buf), &sys_errno), 0);
	assert_int_equal(sys_errno, EBADF);
}

TEST(write_to_a_full_device_is_no_space)
{
	struct err e;
	size_t written = 99;
	int fd = open("/dev/full", O_WRONLY | O_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(fd_pwrite_all(fd, 0, "x", 1, &written, &e), E_NOSPACE);
	assert_int_equal(written, 0);
	assert_int_equal(e.sys_errno, ENOSPC);
	close(fd);
}

TEST(write_says_how_much_arrived_before_the_limit)
{
	struct rlimit old, small;
	struct err e;
	size_t written = 0;
	enum status st;
	int fd = file_of("", 0, NULL);

	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
	small = old;
	small.rlim_cur = 100;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
	st = fd_pwrite_all(fd, 90, "0123456789abcdef", 16, &written, &e);
	setrlimit(RLIMIT_FSIZE, &old);
	assert_int_equal(st, E_NOSPACE);
	assert_int_equal(written, 10);
	assert_int_equal(e.sys_errno, EFBIG);
	close(fd);
}

TEST(same_file_is_seen_through_other_descriptors)
{
	char path[32];
	int a = file_of("a", 1, path), b = open(path, O_RDONLY | O_CLOEXEC), c = file_of("a", 1, NULL);
	int null1 = open("/dev/null", O_RDWR | O_CLOEXEC), null2 = open("/dev/null", O_RDWR | O_CLOEXEC);

	assert_true(fd_same_file(a, b));
	assert_false(fd_same_file(a, c));
	assert_false(fd_same_file(a, null1));
	assert_true(fd_same_file(null1, null2));
	assert_false(fd_same_file(a, -1));
	close(a), close(b), close(c), close(null1), close(null2);
}

TEST(closed_standard_descriptors_are_filled)
{
	int saved = dup(0), fd;

	assert_true(saved > 2);
	close(0);
	fd_fill_standard();
	assert_true(fcntl(0, F_GETFD) >= 0);
	fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	assert_true(fd > 2);
	close(fd);
	dup2(saved, 0);
	close(saved);
}

TEST(host_has_some_memory)
{
	assert_true(host_available_memory() > 1 << 20);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(err_text_grows_from_cause_to_context),
		cmocka_unit_test(err_sys_says_errno_and_keeps_it),
		cmocka_unit_test(err_sys_knows_that_there_is_no_room),
		cmocka_unit_test(err_text_that_is_full_is_cut_and_stays_text),
		cmocka_unit_test(err_nomem_names_the_amount),
		cmocka_unit_test(strict_numbers_take_all_of_the_text_or_nothing),
		cmocka_unit_test(strict_number_ends_at_its_length_not_at_a_terminator),
		cmocka_unit_test(number_of_any_base_follows_its_prefix),
		cmocka_unit_test(signed_number_stays_within_its_limits),
		cmocka_unit_test(integers_are_read_and_written_in_either_byte_order_at_any_address),
		cmocka_unit_test(rounding_up_does_not_overflow),
		cmocka_unit_test(bit_n_is_bit_n_mod_8_of_byte_n_div_8),
		cmocka_unit_test(ranges_of_bits_agree_with_a_naive_model_for_every_start_and_length),
		cmocka_unit_test(random_ranges_of_bits_agree_with_a_naive_model),
		cmocka_unit_test(empty_and_reversed_ranges_do_nothing),
		cmocka_unit_test(read_stops_at_the_end_of_the_file_without_an_error),
		cmocka_unit_test(write_to_a_full_device_is_no_space),
		cmocka_unit_test(write_says_how_much_arrived_before_the_limit),
		cmocka_unit_test(same_file_is_seen_through_other_descriptors),
		cmocka_unit_test(closed_standard_descriptors_are_filled),
		cmocka_unit_test(host_has_some_memory),
	};

	return cmocka_run_group_tests_name("base", tests, NULL, NULL);
}
