/* SPDX-License-Identifier: GPL-2.0-or-later */
/* -R: a flattened stream on standard input becomes the file that it describes. */
#include "command/rearrange.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "base/bytes.h"
#include "format/flat_record.h"
#include "output/dump_guard.h"
#include "print_info.h"

#define PIECE ((size_t)256 << 10)

struct stream {
	int fd;
	uint64_t pos; /* bytes that were read */
};

/* Reads `len` bytes; *got are there, fewer only with an error. */
static enum status stream_read(struct stream *s, uint8_t *buf, size_t len, size_t *got, struct err *e)
{
	*got = 0;
	while (*got < len) {
		ssize_t n = read(s->fd, buf + *got, len - *got);

		if (n < 0 && errno == EAGAIN) {
			struct pollfd p = { .fd = s->fd, .events = POLLIN };

			poll(&p, 1, -1);
			continue;
		}
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_sys(e, E_IO, "standard input");
		if (n == 0)
			return err_set(e, E_FORMAT, "the stream on standard input is cut off after %" PRIu64 " bytes", s->pos);
		*got += (size_t)n;
		s->pos += (uint64_t)n;
	}
	return OK;
}

/* The bytes of a record, and what stands in front of the next one: that much is there for sure, and not a byte more. */
static enum status copy_record(struct stream *s, const struct flat_record *r, uint8_t *buf, struct dump_guard *g,
			       uint8_t next[FLAT_RECORD_LEN], struct err *e)
{
	uint64_t pos = r->offset, left = r->size;

	while (left) {
		size_t n = (size_t)min_u64(left, PIECE), got;
		struct err cut;
		enum status st = stream_read(s, buf, n + (n == left ? FLAT_RECORD_LEN : 0), &got, &cut);

		if (dump_guard_write(g, pos, buf, got < n ? got : n, e))
			return e->status;
		if (st) {
			*e = cut;
			return st;
		}
		pos += n;
		left -= n;
		if (!left)
			memcpy(next, buf + n, FLAT_RECORD_LEN);
	}
	return OK;
}

static enum status copy_stream(struct stream *s, struct dump_guard *g, struct err *e)
{
	AUTO_FREE uint8_t *buf = malloc(PIECE + FLAT_RECORD_LEN);
	uint8_t raw[FLAT_RECORD_LEN];
	struct flat_record r;
	enum flat_kind kind;
	size_t got;

	if (!buf)
		return err_nomem(e, PIECE);
	if (stream_read(s, raw, sizeof(raw), &got, e))
		return e->status;
	while ((kind = flat_record_decode(&r, raw)) == FLAT_DATA)
		if (copy_record(s, &r, buf, g, raw, e))
			return e->status;
	if (kind == FLAT_BAD)
		return err_set(e, E_FORMAT,
			       "the stream on standard input is broken: %" PRId64 " bytes for offset %" PRId64
			       " in front of byte %" PRIu64,
			       (int64_t)r.size, (int64_t)r.offset, s->pos);
	return OK;
}

static enum status read_start(struct stream *s, struct err *e)
{
	uint8_t start[FLAT_HEADER_LEN];
	size_t got;

	if (stream_read(s, start, sizeof(start), &got, e))
		return e->status;
	if (!flat_has_magic(start, sizeof(start)))
		return err_set(e, E_FORMAT, "standard input is no flattened dump");
	return flat_header_check(start, sizeof(start), e);
}

enum status rearrange(int fd, const struct options *opt, struct err *e)
{
	const char *name = opt->outputs[0];
	struct stream s = { .fd = fd };
	AUTO(sink) *sink = NULL;
	AUTO(dump_guard) *guard = NULL;

	if (sink_file_check(name, opt->overwrite, e) || read_start(&s, e))
		return e->status;
	if (opt->dry_run ? sink_null_open(&sink, name, e) : sink_file_open(&sink, name, opt->overwrite, fd, e))
		return e->status;
	sink->limit = opt->size_limit;
	if (dump_guard_open(&guard, sink, e))
		return e->status;
	if (copy_stream(&s, guard, e)) {
		dump_guard_abandon(guard);
		return e->status;
	}
	if (dump_guard_finish(guard, e))
		return e->status;
	if (dump_guard_is_marked(guard))
		message(MSG_COMMON, "The dump is all here, but marked incomplete by who wrote it.\n");
	message(MSG_REPORT, "\nWrite bytes     : %" PRIu64 "\n", sink->bytes_written);
	message(MSG_COMMON, "\nThe dumpfile is saved to %s.\n", name);
	return OK;
}

enum status command_rearrange(const struct options *opt, struct err *e)
{
	return rearrange(STDIN_FILENO, opt, e);
}
