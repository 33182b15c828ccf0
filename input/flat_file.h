/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A flattened file seen as the file that it stands for: which of its bytes are where.  Later records win over
 * earlier ones, and what no record has reads as zero.
 */
#ifndef INPUT_FLAT_FILE_H
#define INPUT_FLAT_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/err.h"

struct flat_file;

/*
 * Reads the headers of all records of `fd`, which has `raw_size` bytes, and keeps an index of about `extents` entries
 * of 32 bytes, however many records there are: stretches of records are kept together, and looked up again in the
 * file when needed.  A file in such disorder that 8 times as many do not do is E_UNSUPPORTED.  `name` and `fd` are
 * borrowed.
 */
#define FLAT_EXTENTS ((size_t)1 << 15)
enum status flat_file_open(struct flat_file **f, int fd, const char *name, uint64_t raw_size, size_t extents,
			   struct err *e) MUST_CHECK;
void flat_file_close(struct flat_file *f);
DEFINE_AUTO(flat_file);

/* Bytes of the file that it stands for. */
uint64_t flat_file_size(const struct flat_file *f);

/* Why the stream is not whole: it has no end mark, or a record that makes no sense; NULL: it is. */
const char *flat_file_cut(const struct flat_file *f);

/* One user's way through the index: the records that were looked up last. */
struct flat_cursor {
	struct flat_place *places;
	size_t n, room;
	uint64_t stretch; /* which they are, counted from 1; 0: none */
};
void flat_cursor_fini(struct flat_cursor *c);

/* Bytes that lie together: `len` of them at `raw` of the flattened file, or a gap that reads as zero. */
struct flat_piece {
	uint64_t raw, len;
	bool gap;
};

/* What is at `pos`, which is below the size.  E_UNREADABLE when the file is not what it was when it was opened. */
enum status flat_file_find(const struct flat_file *f, struct flat_cursor *c, uint64_t pos, struct flat_piece *piece,
			   struct err *e) MUST_CHECK;

/* Start of the first record's bytes at or after `pos`; the size when there are none. */
uint64_t flat_file_next_data(const struct flat_file *f, uint64_t pos);

/* Reads exactly `len` bytes at `pos` with a cursor that all callers share, one after another. */
enum status flat_file_read(struct flat_file *f, uint64_t pos, void *buf, size_t len, struct err *e) MUST_CHECK;

#endif
