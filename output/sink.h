/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where a dump goes: transport only, no knowledge of formats. */
#ifndef OUTPUT_SINK_H
#define OUTPUT_SINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/err.h"

struct sink;

struct sink_ops {
	/*
	 * *written (never NULL) is set on success and on failure.  Where there is a disk, bytes are written below
	 * others only when these are on it.
	 */
	enum status (*write_at)(struct sink *s, uint64_t pos, const void *buf, size_t len, size_t *written,
				struct err *e);
	/* Reads back what was written; NULL: cannot. */
	enum status (*read_at)(struct sink *s, uint64_t pos, void *buf, size_t len, struct err *e);
	/* Makes the file `len` bytes long, new bytes read as zero. */
	enum status (*set_length)(struct sink *s, uint64_t len, struct err *e);
	/* Returns when all that was written is safe. */
	enum status (*sync)(struct sink *s, struct err *e);
	/* Closes with all errors; the sink can do nothing afterwards but be closed. */
	enum status (*finish)(struct sink *s, struct err *e);
	/* Writes a few bytes after finish() has failed or could not be believed: through a new open. */
	enum status (*amend)(struct sink *s, uint64_t pos, const void *buf, size_t len, struct err *e);
	/* Forgets all that was written, to begin anew in the same place; E_UNSUPPORTED: what is out is out. */
	enum status (*restart)(struct sink *s, struct err *e);
	/* Gives up what is open: never fails, never reports. */
	void (*close)(struct sink *s);
};

struct sink {
	const struct sink_ops *ops;
	const char *name;	/* for messages; borrowed */
	bool holes_are_zero;	/* what is not written reads as zero */
	bool is_stream;		/* what was written cannot be seen before finish(): no moment in between counts */
	uint64_t limit;		/* bytes that it may take; 0: no limit.  Set by who opened it */
	uint64_t bytes_written; /* sum of all writes, the header that is written again too */
};

/*
 * How many of `len` bytes the limit allows from `pos` on.  If they are fewer *st becomes E_NOSPACE: the allowed
 * bytes are written and then it is returned.
 */
size_t sink_allowed(const struct sink *s, uint64_t pos, size_t len, enum status *st, struct err *e);

/*
 * Refuses an output that exists (unless `overwrite`), or that cannot be written: early, before any work is done.
 */
enum status sink_file_check(const char *path, bool overwrite, struct err *e) MUST_CHECK;

/*
 * Opens a file (mode 0600) or device for writing.  Without `overwrite` the file must not exist; with it, it is cut
 * to nothing only after it is known not to be the file behind `input_fd`.
 */
enum status sink_file_open(struct sink **s, const char *path, bool overwrite, int input_fd, struct err *e) MUST_CHECK;

/*
 * A sink over a descriptor that the caller has opened and keeps, which must not be the file behind `input_fd`: what is
 * written has to follow what was written before.
 */
enum status sink_stream_open(struct sink **s, int fd, const char *name, int input_fd, struct err *e) MUST_CHECK;

/*
 * A stream in the flattened format to the descriptor `fd`, which stays open; it may be a pipe.  It holds back small
 * writes, so that records have 64 KiB or more.  set_length() before the data of a dump tells it where data begins:
 * what is written below from then on is an index that follows its data.  The stream's end mark is written by
 * finish() only.  `limit` as in struct sink: the first bytes are written here.
 */
enum status sink_flat_open(struct sink **s, int fd, int input_fd, uint64_t limit, struct err *e) MUST_CHECK;

/* A sink that counts and keeps nothing, for --dry-run. */
enum status sink_null_open(struct sink **s, const char *name, struct err *e) MUST_CHECK;

/*
 * Frees `s`.  A regular file or device that was written to and never finished is synced first, and what the disk did not
 * take is cut off: no older contents of its blocks may show in a file of a run that failed.
 */
void sink_close(struct sink *s);
DEFINE_AUTO(sink);

enum status sink_write(struct sink *s, uint64_t pos, const void *buf, size_t len, struct err *e) MUST_CHECK;

/* Bytes of zero in [from, to), whatever was there before. */
enum status sink_write_zeros(struct sink *s, uint64_t from, uint64_t to, struct err *e) MUST_CHECK;

#endif
