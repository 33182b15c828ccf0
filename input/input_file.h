/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The input as bytes at an offset: mapped windows where that pays, reads into a buffer elsewhere. */
#ifndef INPUT_INPUT_FILE_H
#define INPUT_INPUT_FILE_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "input/flat_file.h"
#include "input/mem_source.h"

/*
 * The unit of mapping.  File systems keep files in pieces of up to 2 MiB of memory (ext4 since Linux 6.16, xfs before),
 * which are mapped by one fault instead of 32, if the window has all of the piece.
 */
#define INPUT_WINDOW_ALIGN ((uint64_t)2 << 20)

struct guard;

/*
 * All positions are those of the file that is looked at: of the file itself, or, when it is flattened, of the file
 * that it stands for.
 */
struct input_file {
	int fd;
	uint64_t size;	      /* bytes */
	uint64_t stored;      /* bytes that are really there: less than `size` when a flattened file has gaps */
	struct flat_file *flat; /* NULL: the bytes are those of the file */
	bool is_procfs;
	/*
	 * Files of procfs are: their page tables are filled when the mapping is made, and /proc/vmcore maps each page that
	 * is read by itself.  Of others map_trial() finds it out.
	 */
	bool mappable;
	uint64_t map_min; /* bytes that must be wanted of a unit for its mapping to pay; 0: always */
	/*
	 * NULL: several threads may read at once.  Files of procfs may have one buffer for all reads of an open file, as
	 * /proc/kcore has: two at once would get each other's bytes.
	 */
	pthread_mutex_t *one_reader;
	const char *path; /* borrowed from the command line */
};

/* Opens for reading.  E_IO names the path; a file that cannot be read at any offset (a pipe) is E_UNSUPPORTED. */
enum status input_file_open(struct input_file **f, const char *path, bool no_mmap, struct err *e) MUST_CHECK;
void input_file_close(struct input_file *f);
DEFINE_AUTO(input_file);

/* From now on the file is looked at as the file that it stands for, if its first bytes say that it is flattened. */
enum status input_file_unflatten(struct input_file *f, struct err *e) MUST_CHECK;

/* Where bytes that are not a hole may begin at or after `pos`; the size when there are none. */
uint64_t input_file_next_data(const struct input_file *f, uint64_t pos);

/* Exactly `len` bytes at `pos`, or E_UNREADABLE. */
enum status input_file_read(const struct input_file *f, uint64_t pos, void *buf, size_t len, struct err *e) MUST_CHECK;

/* One user's window or buffer on the file. */
struct input_window {
	const struct input_file *file;
	uint8_t *map;		 /* NULL: nothing is mapped */
	uint64_t map_pos;	 /* file offset of map[0] */
	size_t map_len;
	struct guard *guard; /* its entry in the table of guarded windows; NULL: none, so never mapped */
	uint8_t *buf; /* for reads; NULL until it is needed, or taken before */
	size_t buf_len;
	struct flat_cursor cursor;
	/* where the last view began, bytes that were lent of that unit, and how many before it in a row gave `map_min` or more */
	uint64_t unit, unit_bytes, dense_units;
};

/* `bulk` windows are mapped where the file is `mappable` and much of it is wanted; others read just what is asked for. */
void input_window_init(struct input_window *w, const struct input_file *f, bool bulk);
void input_window_fini(struct input_window *w);

/* Takes the memory of reads now, not with the first of them; nothing where the window may be mapped. */
enum status input_window_take_memory(struct input_window *w, struct err *e) MUST_CHECK;

/* Did a part of the window that is lent turn out to be unreadable? */
bool input_window_faulted(const struct input_window *w);

/* Before a new view: a window that faulted holds pages of zeros and must not be lent again. */
void input_window_drop_faulted(struct input_window *w);

/* What is wanted of the file: `len` bytes at `pos`, of them `must` in one piece; `ahead` more are likely to follow. */
struct window_want {
	uint64_t pos;
	size_t len, must;
	uint64_t ahead;
};

/*
 * Lends bytes at want->pos: at most `len`, at least `must` of them, which are no more than 64 KiB; E_UNREADABLE when
 * these cannot be had.  Of a file that is not flattened at least min(len, 64 KiB), unless it ends or cannot be read.
 */
enum status input_window_view(struct input_window *w, const struct window_want *want, struct span *out,
			      struct err *e) MUST_CHECK;

#endif
