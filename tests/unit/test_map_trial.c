/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which files are tried, what the trial leaves behind, and how its times are judged. */
#include "elf_file.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "input/map_trial.h"

#define LARGE ((off_t)64 << 20)

static struct err e;

/* A file in memory; its first `filled` bytes are there, the others are a hole. */
static struct input_file *file_in_memory(off_t len, off_t filled, int *fd)
{
	static char path[32]; /* the file borrows it */
	static uint8_t piece[1 << 20];
	struct input_file *f = NULL;

	*fd = file_of("", 0, path);
	for (off_t at = 0; at < filled; at += (off_t)sizeof(piece)) {
		memset(piece, (int)(at >> 20) + 1, sizeof(piece));
		assert_int_equal(pwrite(*fd, piece, sizeof(piece), at), sizeof(piece));
	}
	assert_int_equal(ftruncate(*fd, len), 0);
	assert_ok(input_file_open(&f, path, false, &e));
	return f;
}

static off_t bytes_there(int fd)
{
	struct stat st;

	assert_int_equal(fstat(fd, &st), 0);
	return st.st_blocks * 512;
}

TEST(small_files_are_read)
{
	int fd;
	AUTO(input_file) *f = file_in_memory(LARGE - 1, LARGE, &fd);

	assert_false(map_trial(f));
	assert_false(f->mappable);
	close(fd);
}

TEST(what_is_not_in_memory_is_neither_tried_nor_brought_there)
{
	int fd;
	AUTO(input_file) *f = file_in_memory(LARGE, LARGE / 2, &fd);
	off_t before = bytes_there(fd);

	assert_false(map_trial(f));
	assert_false(f->mappable);
	assert_int_equal(bytes_there(fd), before);
	close(fd);
}

/* A little at the beginning, the last `end` bytes; false: this file system keeps no holes. */
static bool make_sparse(int fd, off_t len, off_t end)
{
	static uint8_t piece[1 << 20];
	struct stat st;

	memset(piece, 1, sizeof(piece));
	assert_int_equal(pwrite(fd, piece, 4096, 0), 4096);
	for (off_t at = len - end; at < len; at += (off_t)sizeof(piece))
		assert_int_equal(pwrite(fd, piece, sizeof(piece), at), sizeof(piece));
	assert_int_equal(fstat(fd, &st), 0);
	return st.st_blocks * 512 < len;
}

TEST(holes_of_tmpfs_are_not_filled_by_mapping)
{
	int fd;
	AUTO(input_file) *f = file_in_memory(LARGE * 4, 0, &fd);

	assert_true(make_sparse(fd, LARGE * 4, LARGE / 4));
	assert_false(map_trial(f));
	assert_false(f->mappable);
	close(fd);
}

static void try_behind_holes(off_t end, bool wanted)
{
	char path[] = "map-trial.XXXXXX";
	int fd = mkstemp(path);
	AUTO(input_file) *f = NULL;
	struct statfs fs;
	bool sparse;

	assert_true(fd >= 0);
	sparse = make_sparse(fd, LARGE * 4, end);
	assert_int_equal(fstatfs(fd, &fs), 0);
	assert_ok(input_file_open(&f, path, false, &e));
	unlink(path);
	assert_int_equal(map_trial(f), !sparse || (wanted && fs.f_type != TMPFS_MAGIC));
	close(fd);
}

TEST(what_lies_behind_holes_is_tried)
{
	try_behind_holes(LARGE / 4, true);
}

TEST(file_with_little_in_it_is_tried_in_fewer_places)
{
	try_behind_holes(4 << 20, true);
	try_behind_holes(2 << 20, false);
}

/* Takes `len` bytes out of memory at every `step`, and opens the file; false: this file system keeps all there. */
static bool open_with_missing(struct input_file **f, int *fd, off_t len, off_t step)
{
	char path[] = "map-trial.XXXXXX";
	static uint8_t piece[64 << 10]; /* small, or it would be a large folio, which goes as a whole or not at all */
	unsigned char there = 1;
	struct statfs fs;
	void *map;

	*fd = mkstemp(path);
	assert_true(*fd >= 0);
	memset(piece, 1, sizeof(piece));
	for (off_t at = 0; at < LARGE; at += (off_t)sizeof(piece))
		assert_int_equal(pwrite(*fd, piece, sizeof(piece), at), sizeof(piece));
	assert_ok(input_file_open(f, path, false, &e));
	unlink(path);
	assert_int_equal(fstatfs(*fd, &fs), 0);
	if (fs.f_type == TMPFS_MAGIC)
		return false;
	assert_int_equal(fdatasync(*fd), 0);
	for (off_t at = 0; at < LARGE; at += step)
		assert_int_equal(posix_fadvise(*fd, at, len, POSIX_FADV_DONTNEED), 0);
	map = mmap(NULL, 4096, PROT_READ, MAP_SHARED, *fd, 0);
	assert_true(map != MAP_FAILED);
	assert_int_equal(mincore(map, 4096, &there), 0);
	munmap(map, 4096);
	return !(there & 1);
}

TEST(few_pages_missing_in_memory_do_not_prevent_the_trial)
{
	AUTO(input_file) *f = NULL;
	int fd;

	open_with_missing(&f, &fd, 128 << 10, LARGE);
	assert_true(map_trial(f));
	close(fd);
}

TEST(file_that_is_half_in_memory_is_read)
{
	AUTO(input_file) *f = NULL;
	int fd;
	bool missing = open_with_missing(&f, &fd, 2 << 20, 4 << 20);

	assert_int_equal(map_trial(f), !missing);
	assert_true(!missing || !f->mappable);
	close(fd);
}

TEST(file_that_shrinks_before_it_is_tried_is_read)
{
	int fd;
	AUTO(input_file) *f = file_in_memory(LARGE, LARGE, &fd);

	assert_int_equal(ftruncate(fd, LARGE / 2), 0);
	assert_false(map_trial(f));
	assert_false(f->mappable);
	close(fd);
}

/* Views `len` bytes at `at`; true: through a mapping. */
static bool view_is_mapped(struct input_window *w, uint64_t at, size_t len)
{
	struct span s;

	assert_ok(input_window_view(w, &(struct window_want){ at, len, 1, LARGE }, &s, &e));
	assert_int_equal(s.data[0], (uint8_t)(at / (1 << 20) + 1));
	return w->map != NULL;
}

/* Is the unit behind `n` others mapped, of each of which `bytes` were wanted? */
static bool is_mapped_behind(struct input_file *f, unsigned n, size_t bytes)
{
	struct input_window w;
	uint64_t at = 0;
	bool mapped;

	input_window_init(&w, f, true);
	for (unsigned i = 0; i < n; i++, at += INPUT_WINDOW_ALIGN)
		for (size_t done = 0; done < bytes; done += 4096)
			assert_false(view_is_mapped(&w, at + done, 4096));
	mapped = view_is_mapped(&w, at, 4096);
	input_window_fini(&w);
	return mapped;
}

TEST(file_is_mapped_where_that_won_and_is_wanted_as_a_whole)
{
	int fd;
	AUTO(input_file) *f = file_in_memory(2 * LARGE, 2 * LARGE, &fd);

	assert_true(map_trial(f));
	assert_int_equal(f->mappable, f->map_min <= INPUT_WINDOW_ALIGN);
	f->mappable = true;
	/* pays from 64 KiB of a unit on; 8 MiB of such units are enough */
	f->map_min = 64 << 10;
	assert_true(is_mapped_behind(f, 4, 64 << 10));
	assert_false(is_mapped_behind(f, 3, INPUT_WINDOW_ALIGN));
	assert_false(is_mapped_behind(f, 60, 60 << 10));
	f->map_min = 0;
	assert_true(is_mapped_behind(f, 0, 0));
	f->mappable = false;
	assert_false(is_mapped_behind(f, 60, INPUT_WINDOW_ALIGN));
	close(fd);
}

TEST(window_ends_with_what_is_wanted_as_a_whole)
{
	const uint64_t unit = INPUT_WINDOW_ALIGN;
	int fd;
	AUTO(input_file) *f = file_in_memory(2 * LARGE, 2 * LARGE, &fd);
	struct input_window w;

	f->mappable = true;
	f->map_min = 32 << 10;
	input_window_init(&w, f, true);
	assert_false(view_is_mapped(&w, 0, 32 << 10));
	assert_false(view_is_mapped(&w, unit, 32 << 10));
	/* one window, in which all that it holds is mapped */
	assert_true(view_is_mapped(&w, 2 * unit, 32 << 10));
	assert_true(view_is_mapped(&w, 3 * unit, 100));
	assert_true(view_is_mapped(&w, 9 * unit, 32 << 10));
	assert_false(view_is_mapped(&w, 10 * unit, 32 << 10));
	input_window_fini(&w);
	close(fd);
}

TEST(files_of_procfs_are_mapped_untried)
{
	AUTO(input_file) *f = NULL;

	assert_ok(input_file_open(&f, "/proc/self/limits", false, &e));
	map_trial(f);
	assert_true(f->mappable);
}

/* `disturbed` of the trials are much longer, each kind of them in other places. */
static uint64_t judged(uint64_t first_ns, uint64_t more_ns, uint64_t read_ns, unsigned disturbed)
{
	struct map_times t;

	for (unsigned i = 0; i < MAP_TRIALS; i++) {
		bool early = i < disturbed, late = MAP_TRIALS - i <= disturbed;

		t.map_first[i] = early ? 50 * first_ns + i : first_ns;
		t.map_more[i] = late ? 40 * more_ns : more_ns;
		t.read[i] = late ? 50 * read_ns + i : read_ns;
	}
	return map_trial_judge(&t, MAP_TRIALS);
}

TEST(mapping_pays_from_as_many_bytes_as_save_what_it_costs_once)
{
	/* nothing once; half of a piece; four of them; nine, which is more than a unit */
	assert_int_equal(judged(25000, 25000, 33000, 0), 0);
	assert_int_equal(judged(24000, 25000, 33000, 0), 0);
	assert_int_equal(judged(29000, 25000, 33000, 0), MAP_TRIAL_PIECE / 2);
	assert_int_equal(judged(57000, 25000, 33000, 0), 4 * MAP_TRIAL_PIECE);
	assert_true(judged(97000, 25000, 33000, 0) > INPUT_WINDOW_ALIGN);
	/* however little it costs once */
	assert_true(judged(33000, 33000, 33000, 0) == UINT64_MAX);
	assert_true(judged(66000, 66000, 33000, 0) == UINT64_MAX);
	/* another process has the CPU for one of them */
	assert_int_equal(judged(29000, 25000, 33000, MAP_TRIALS / 7), MAP_TRIAL_PIECE / 2);
	assert_true(judged(66000, 66000, 33000, MAP_TRIALS / 7) == UINT64_MAX);
	/* for more of them, or the page cache has as much of the file in small pieces */
	assert_true(judged(29000, 25000, 33000, MAP_TRIALS / 7 + 1) == UINT64_MAX);
	assert_true(judged(29000, 25000, 33000, MAP_TRIALS / 2 + 1) == UINT64_MAX);
}

/* The times of `n` trials; all others are as good for mapping as times can be, if `hopeful`, or as bad. */
static void fill_times(struct map_times *t, const uint64_t *map_more, const uint64_t *read, size_t n, bool hopeful)
{
	for (size_t i = 0; i < MAP_TRIALS; i++) {
		t->map_first[i] = 1;
		t->map_more[i] = i < n ? map_more[i] : hopeful ? 1 : 1000;
		t->read[i] = i < n ? read[i] : hopeful ? 1000 : 1;
	}
}

static void assert_settled(const uint64_t *map_more, const uint64_t *read, size_t n, bool settled)
{
	struct map_times t;

	fill_times(&t, map_more, read, n, true);
	assert_int_equal(map_trial_settled(&t, n), settled);
	fill_times(&t, map_more, read, n, true);
	assert_int_equal(map_trial_judge(&t, MAP_TRIALS) == UINT64_MAX, settled);
}

TEST(trial_ends_where_nothing_can_make_mapping_pay_any_more)
{
	static const uint64_t thirty[] = { 30, 30, 30, 30 };

	/* too few */
	assert_settled((uint64_t[]){ 60, 60 }, thirty, 2, false);
	/* one short time of mapping of three does no harm; two do, until there are as many long ones; equal times are long */
	assert_settled((uint64_t[]){ 60, 60, 60 }, thirty, 3, true);
	assert_settled((uint64_t[]){ 60, 20, 60 }, thirty, 3, true);
	assert_settled((uint64_t[]){ 20, 20, 60 }, thirty, 3, false);
	assert_settled((uint64_t[]){ 20, 20, 60, 60 }, thirty, 4, true);
	assert_settled((uint64_t[]){ 30, 30, 30 }, thirty, 3, true);
	assert_settled((uint64_t[]){ 29, 29, 29 }, thirty, 3, false);
	/* a long time of reading hides what the short ones say */
	assert_settled((uint64_t[]){ 60, 60, 60 }, (uint64_t[]){ 30, 90, 30 }, 3, false);
	assert_settled((uint64_t[]){ 60, 60, 60, 60 }, (uint64_t[]){ 30, 90, 30, 30 }, 4, true);
}

TEST(what_is_settled_stays_so_however_few_trials_follow)
{
	static const uint64_t more[] = { 60, 20, 60 }, read[] = { 30, 10, 30 };
	struct map_times t;

	for (size_t n = 3; n <= MAP_TRIALS; n++) {
		fill_times(&t, more, read, 3, true);
		assert_true(map_trial_judge(&t, n) == UINT64_MAX);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(small_files_are_read),
		cmocka_unit_test(what_is_not_in_memory_is_neither_tried_nor_brought_there),
		cmocka_unit_test(holes_of_tmpfs_are_not_filled_by_mapping),
		cmocka_unit_test(what_lies_behind_holes_is_tried),
		cmocka_unit_test(file_with_little_in_it_is_tried_in_fewer_places),
		cmocka_unit_test(few_pages_missing_in_memory_do_not_prevent_the_trial),
		cmocka_unit_test(file_that_is_half_in_memory_is_read),
		cmocka_unit_test(file_that_shrinks_before_it_is_tried_is_read),
		cmocka_unit_test(file_is_mapped_where_that_won_and_is_wanted_as_a_whole),
		cmocka_unit_test(window_ends_with_what_is_wanted_as_a_whole),
		cmocka_unit_test(files_of_procfs_are_mapped_untried),
		cmocka_unit_test(mapping_pays_from_as_many_bytes_as_save_what_it_costs_once),
		cmocka_unit_test(trial_ends_where_nothing_can_make_mapping_pay_any_more),
		cmocka_unit_test(what_is_settled_stays_so_however_few_trials_follow),
	};

	message_set_level(0);
	return cmocka_run_group_tests_name("map_trial", tests, NULL, NULL);
}
