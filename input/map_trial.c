/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Mapping or reading a file: a short trial of both tells which is faster here.
 *
 * No rule does, because it is a race of two halves of the machine: faults, one for every 64 KiB, which virtual machines
 * make dear and files that came into memory in small pieces dearer, against the processor's way to copy.  Measured with
 * whole runs of -l -d 1: mapping took from 0.8 to 2 times as long as reading, on different machines and files.
 */
#include "input/map_trial.h"

#include <inttypes.h>
#include <linux/magic.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/host.h"
#include "print_info.h"

/* a piece has to stay in the CPU's second cache, so that both ways leave it at the same place */
#define PIECE_BYTES MAP_TRIAL_PIECE
/* one is read, two are mapped; all lie in one unit, so that the second of these shows what is left when it is mapped */
#define PIECES 3
#define PLACE_BYTES (PIECES * PIECE_BYTES)
#define PLACE_PAGES_MAX (PLACE_BYTES / 4096)
/* one multiplication for this much: about 8 GB/s, faster than any codec */
#define STEP_BYTES 16
/* a smaller file is done before a better way pays for the trial */
#define FILE_MIN ((uint64_t)64 << 20)
/* a file may be nothing but holes and small pieces between them */
#define LOOKS_MAX 256
/* the kernel may have taken pages back; where more than this part of what is looked at is missing, the disk is what counts */
#define MISSING_SHARE 8
/*
 * To read is never far from the best.  To map may take twice as long, where the page cache has part of the file in small pieces,
 * or the machine is busy.  So mapping is judged by its long times, but for one in seven, and reading by its short ones.
 */
#define LONG_TIME(n) ((n) - 1 - (n) / 7)
#define SHORT_TIME(n) ((n) / 4)

/* How many host pages of [pos, pos + len) are not in memory. */
static size_t pages_missing(const struct input_file *f, uint64_t pos, size_t len)
{
	size_t host_page = (size_t)sysconf(_SC_PAGESIZE), n = len / host_page, missing = 0;
	unsigned char there[PLACE_PAGES_MAX] = { 0 };
	void *map = mmap(NULL, len, PROT_READ, MAP_SHARED, f->fd, (off_t)pos);

	if (map == MAP_FAILED)
		return n;
	if (mincore(map, len, there))
		missing = n;
	else
		for (size_t i = 0; i < n; i++)
			missing += !(there[i] & 1);
	munmap(map, len);
	return missing;
}

/*
 * Goes through a piece, and tells what it took; 0 when it cannot be had.  Each step needs the one before it, as in a
 * codec: while it works on one line the processor fetches the next ones.  That hides much of what mapped memory costs
 * when it is not in a cache yet, and nothing of a copy.  Without it, both came out the same where mapping won by 5 %.
 */
static uint64_t time_piece(struct input_window *w, uint64_t pos)
{
	uint64_t end = pos + PIECE_BYTES;
	int64_t start_ns = host_now_ns();
	volatile uint64_t sink;
	uint64_t work = 1;
	struct err e = { 0 };
	struct span s;

	for (; pos < end; pos += s.len) {
		size_t left = (size_t)(end - pos);

		if (input_window_view(w, &(struct window_want){ pos, left, 1, 0 }, &s, &e))
			return 0;
		for (size_t i = 0; i + STEP_BYTES <= s.len; i += STEP_BYTES)
			work = (work ^ get_u64(s.data + i, false)) * UINT64_C(0x9e3779b97f4a7c15);
	}
	sink = work;
	(void)sink;
	return input_window_faulted(w) ? 0 : (uint64_t)(host_now_ns() - start_ns);
}

static int compare_u64(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

static uint64_t time_of_rank(uint64_t *ns, size_t n, size_t rank)
{
	qsort(ns, n, sizeof(ns[0]), compare_u64);
	return ns[rank];
}

uint64_t map_trial_judge(struct map_times *t, size_t n)
{
	uint64_t first = time_of_rank(t->map_first, n, LONG_TIME(n)), more = time_of_rank(t->map_more, n, LONG_TIME(n));
	uint64_t read = time_of_rank(t->read, n, SHORT_TIME(n)), once = first > more ? first - more : 0;

	message(MSG_DEBUG, "%zu KiB are mapped in %" PRIu64 " us, then in %" PRIu64 " us, read in %" PRIu64 " us\n",
		PIECE_BYTES >> 10, first / 1000, more / 1000, read / 1000);
	return more < read ? once * PIECE_BYTES / (read - more) : UINT64_MAX;
}

bool map_trial_settled(struct map_times *t, size_t n)
{
	size_t longer = MAP_TRIALS - 1 - LONG_TIME(MAP_TRIALS), shorter = SHORT_TIME(MAP_TRIALS);

	/* more trials only add to the long and the short times, and fewer of these are left out where fewer trials are made */
	if (n <= longer || n <= shorter)
		return false;
	return time_of_rank(t->map_more, n, n - 1 - longer) >= time_of_rank(t->read, n, shorter);
}

/* Goes on to where the pieces fit into one unit and into no hole; false: there is no such place, or it takes long to find. */
static bool find_place(const struct input_file *f, uint64_t *pos, unsigned *looks)
{
	while ((*looks)++ < LOOKS_MAX) {
		off_t hole;

		*pos = round_up_u64(input_file_next_data(f, *pos), PIECE_BYTES);
		if (*pos % INPUT_WINDOW_ALIGN > INPUT_WINDOW_ALIGN - PLACE_BYTES)
			*pos = round_up_u64(*pos, INPUT_WINDOW_ALIGN);
		hole = lseek(f->fd, (off_t)*pos, SEEK_HOLE);
		if (hole < 0)
			return false;
		if ((uint64_t)hole - *pos >= PLACE_BYTES)
			return true;
		*pos = (uint64_t)hole;
	}
	return false;
}

static bool much_missing(uint64_t pages)
{
	return pages * (uint64_t)sysconf(_SC_PAGESIZE) > MAP_TRIALS * PLACE_BYTES / MISSING_SHARE;
}

/* The same, but where all of the pieces is in memory, which a trial of mapping must not bring there. */
static bool find_place_in_memory(const struct input_file *f, uint64_t *pos, unsigned *looks, uint64_t *missing)
{
	size_t here;

	while (find_place(f, pos, looks)) {
		here = pages_missing(f, *pos, PLACE_BYTES);
		if (!here)
			return true;
		*missing += here;
		if (much_missing(*missing))
			return false;
		*pos += PLACE_BYTES;
	}
	return false;
}

/* Maps the first of two pieces, and goes on to the second; with the first counts all that is done once for a window. */
static bool time_mapping(const struct input_file *f, uint64_t pos, uint64_t *first_ns, uint64_t *more_ns)
{
	struct input_window w;
	int64_t start_ns;
	bool mapped;

	input_window_init(&w, f, true);
	*first_ns = time_piece(&w, pos);
	*more_ns = time_piece(&w, pos + PIECE_BYTES);
	mapped = w.map != NULL;
	start_ns = host_now_ns();
	input_window_fini(&w);
	if (!*first_ns || !*more_ns)
		return false;
	*first_ns += (uint64_t)(host_now_ns() - start_ns);
	return mapped;
}

/*
 * The places are spread over the file; those that would fall into a hole follow on the others, while there is room.
 * False: it cannot be tried.
 */
static bool try_both(struct input_file *f, struct input_window *read)
{
	uint64_t step = f->stored / MAP_TRIALS, done = 0, missing = 0;
	struct map_times t;
	unsigned looks = 0;
	size_t n;

	for (n = 0; n < MAP_TRIALS && (n < MAP_TRIALS_MIN || !map_trial_settled(&t, n)); n++) {
		uint64_t pos = max_u64(n * step, done);
		bool map_first = n % 2, mapped = true;

		if (!find_place_in_memory(f, &pos, &looks, &missing)) {
			pos = done;
			if (!find_place_in_memory(f, &pos, &looks, &missing))
				break;
		}
		done = pos + PLACE_BYTES;
		if (map_first)
			mapped = time_mapping(f, pos, &t.map_first[n], &t.map_more[n]);
		t.read[n] = time_piece(read, map_first ? done - PIECE_BYTES : pos);
		if (!map_first)
			mapped = time_mapping(f, pos + PIECE_BYTES, &t.map_first[n], &t.map_more[n]);
		if (!mapped || !t.read[n])
			return false;
	}
	if (n < MAP_TRIALS_MIN || much_missing(missing))
		return false;
	f->map_min = map_trial_judge(&t, n);
	f->mappable = f->map_min <= INPUT_WINDOW_ALIGN;
	return true;
}

/* On tmpfs a hole that is looked at through a mapping becomes memory, which nobody gets back. */
static bool holes_fill(const struct input_file *f, const struct stat *st)
{
	struct statfs fs;

	return (uint64_t)st->st_blocks * 512 < f->stored && !fstatfs(f->fd, &fs) && fs.f_type == TMPFS_MAGIC;
}

bool map_trial(struct input_file *f)
{
	struct input_window read;
	struct stat st;
	bool tried;

	/* to map a character device may do anything */
	if (f->is_procfs || f->stored < FILE_MIN || fstat(f->fd, &st) || S_ISCHR(st.st_mode) || holes_fill(f, &st))
		return false;
	/* windows are mapped only where this is set before */
	f->mappable = true;
	input_window_init(&read, f, false);
	tried = try_both(f, &read);
	if (!tried)
		f->mappable = false;
	input_window_fini(&read);
	return tried;
}
