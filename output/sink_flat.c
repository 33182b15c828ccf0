/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The sink of a flattened stream: records to a descriptor that need not seek. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/fdio.h"
#include "format/flat_record.h"
#include "output/sink.h"

/* Who puts the stream in order has a call or two for each record: they are not made smaller than this. */
#define RECORD_MIN ((size_t)64 << 10)
/* The index waits for its data, which may come slowly when it packs well; so long, then it goes with a short record. */
#define INDEX_MAX ((size_t)256 << 10)

/* Bytes that wait for more of their kind: buf[0 .. used) belong at `pos`. */
struct lane {
	uint8_t *buf;
	uint64_t pos;
	size_t used, room;
};

struct flat_sink {
	struct sink base;
	int fd;
	int given; /* whose copy fd is */
	bool regular;
	bool ended;	    /* the end mark is out */
	bool broken;	    /* a record is out by half: more bytes would be taken for its rest */
	off_t begin;	    /* where in a regular file the stream begins */
	uint64_t emitted;   /* bytes of the stream that are out */
	uint64_t settled;   /* of a regular file: bytes that are on the disk, too */
	uint64_t length;    /* of the file that the stream describes, as far as set_length() said */
	uint64_t high;	    /* end of the highest byte in the stream */
	uint64_t data_at;   /* where data begins; 0: nothing was said */
	struct lane data, index;
	uint64_t index_high; /* end of the highest byte of the index */
};

static struct flat_sink *of(struct sink *s)
{
	return (struct flat_sink *)s;
}

static enum status emit_all(struct flat_sink *f, const void *buf, size_t len, struct err *e)
{
	const uint8_t *from = buf;
	enum status full = OK;
	struct err why;

	if (f->broken)
		return err_set(e, E_IO, "the stream is broken");
	len = sink_allowed(&f->base, f->emitted, len, &full, &why);
	while (len) {
		ssize_t n = write(f->fd, from, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_sys(e, E_IO, "write of %zu bytes", len);
		if (n == 0)
			return err_set(e, E_NOSPACE, "write of %zu bytes: no progress", len);
		f->emitted += (uint64_t)n;
		from += n;
		len -= (size_t)n;
	}
	if (full)
		*e = why;
	return full;
}

static enum status emit(struct flat_sink *f, const void *buf, size_t len, struct err *e)
{
	if (!emit_all(f, buf, len, e))
		return OK;
	f->broken = true;
	return e->status;
}

/* One record: what a lane holds and, behind it, some bytes more. */
static enum status emit_record(struct flat_sink *f, struct lane *l, const void *more, size_t more_len, struct err *e)
{
	uint8_t raw[FLAT_RECORD_LEN];
	size_t used = l->used;

	if (!used && !more_len)
		return OK;
	l->used = 0; /* a record that fails is not tried again: the stream is broken */
	flat_record_encode(raw, &(struct flat_record){ l->pos, used + more_len });
	f->high = max_u64(f->high, l->pos + used + more_len);
	if (emit(f, raw, sizeof(raw), e) || emit(f, l->buf, used, e))
		return e->status;
	return emit(f, more, more_len, e);
}

/* The disk did not take what was written last: the stream ends before that. */
static enum status cut(struct flat_sink *f, const char *call, struct err *e)
{
	err_sys(e, E_IO, "%s: %s", f->base.name, call);
	f->broken = true;
	if (f->regular && (ftruncate(f->fd, f->begin + (off_t)f->settled) < 0 || fsync(f->fd) < 0))
		return err_add(e, "and what it has of the last bytes stays");
	return e->status;
}

/* See sink_file.c: what promises something has to wait until that is on the disk. */
static enum status settle(struct flat_sink *f, struct err *e)
{
	const unsigned all = SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WRITE | SYNC_FILE_RANGE_WAIT_AFTER;

	if (f->regular && sync_file_range(f->fd, 0, 0, all) < 0 && errno != ENOSYS)
		return cut(f, "writing to the disk", e);
	f->settled = f->emitted;
	return OK;
}

static enum status emit_index(struct flat_sink *f, struct err *e)
{
	/* never before what it promises */
	if (f->index.used && (emit_record(f, &f->data, NULL, 0, e) || settle(f, e)))
		return e->status;
	return emit_record(f, &f->index, NULL, 0, e);
}

static enum status put_data(struct flat_sink *f, uint64_t pos, const uint8_t *buf, size_t len, struct err *e)
{
	struct lane *l = &f->data;

	if (l->used && pos != l->pos + l->used && emit_record(f, l, NULL, 0, e))
		return e->status;
	if (!l->used)
		l->pos = pos;
	if (l->used + len >= RECORD_MIN)
		return emit_record(f, l, buf, len, e);
	memcpy(l->buf + l->used, buf, len);
	l->used += len;
	return OK;
}

/* The index rises; what it leaves out is zero, and filled in where that is little and nothing was written before. */
static enum status put_index(struct flat_sink *f, uint64_t pos, const uint8_t *buf, size_t len, struct err *e)
{
	struct lane *l = &f->index;
	uint64_t end = l->pos + l->used;

	if (l->used && (pos < end || pos - end > RECORD_MIN || (pos > end && end < f->index_high)) && emit_index(f, e))
		return e->status;
	f->index_high = max_u64(f->index_high, pos + len);
	if (!l->used)
		l->pos = end = pos;
	while (end < pos || len) {
		size_t n;

		if ((l->used >= RECORD_MIN && !f->data.used) || l->used == l->room) {
			if (emit_index(f, e))
				return e->status;
			l->pos = end;
		}
		n = (size_t)min_u64(l->room - l->used, end < pos ? pos - end : len);
		if (end < pos) {
			memset(l->buf + l->used, 0, n);
		} else {
			memcpy(l->buf + l->used, buf, n);
			buf += n;
			len -= n;
			pos += n;
		}
		l->used += n;
		end += n;
	}
	return OK;
}

static enum status flat_write_at(struct sink *s, uint64_t pos, const void *buf, size_t len, size_t *written,
				 struct err *e)
{
	struct flat_sink *f = of(s);
	enum status st;

	*written = 0;
	if (pos > (uint64_t)INT64_MAX - len)
		return err_set(e, E_NOSPACE, "offset %#llx is out of range", (unsigned long long)pos);
	if (f->data_at && pos >= f->data_at) {
		st = put_data(f, pos, buf, len, e);
	} else if (f->data_at && pos) {
		st = put_index(f, pos, buf, len, e);
	} else {
		/* the parts in front of the data, and the header that comes last: each a record of its own */
		st = emit_index(f, e);
		if (!st)
			st = emit_record(f, &f->data, NULL, 0, e);
		if (!st) {
			f->data.pos = pos;
			st = emit_record(f, &f->data, buf, len, e);
		}
	}
	if (!st)
		*written = len;
	return st;
}

static enum status flat_set_length(struct sink *s, uint64_t len, struct err *e)
{
	(void)e;
	of(s)->length = len;
	if (!of(s)->data_at)
		of(s)->data_at = len;
	return OK;
}

static enum status flush_file(struct flat_sink *f, struct err *e)
{
	if (fd_sync(f->fd) < 0)
		return cut(f, "fsync", e);
	f->settled = f->emitted;
	return OK;
}

static enum status flat_sync(struct sink *s, struct err *e)
{
	struct flat_sink *f = of(s);

	if (emit_record(f, &f->data, NULL, 0, e) || emit_index(f, e))
		return err_add(e, "%s", s->name);
	return flush_file(f, e);
}

/* The file is as long as it was made, also where its last bytes were never written. */
static enum status put_last_byte(struct flat_sink *f, struct err *e)
{
	static const uint8_t zero;

	if (f->length <= f->high)
		return OK;
	f->data.pos = f->length - 1;
	return emit_record(f, &f->data, &zero, 1, e);
}

static enum status flat_finish(struct sink *s, struct err *e)
{
	struct flat_sink *f = of(s);
	uint8_t raw[FLAT_RECORD_LEN];
	int fd;

	flat_end_encode(raw);
	if (emit_record(f, &f->data, NULL, 0, e) || emit_index(f, e) || put_last_byte(f, e) ||
	    emit(f, raw, sizeof(raw), e))
		return err_add(e, "%s", s->name);
	f->ended = true;
	if (flush_file(f, e))
		return e->status;
	fd = f->fd;
	f->fd = -1;
	if (close(fd) < 0 && errno != EINTR)
		return err_sys(e, E_IO, "%s: close", s->name);
	return OK;
}

/*
 * A stream without its end says that it is incomplete.  Where the end is out and then something fails, only a regular
 * file lets us take it back.
 */
static enum status flat_amend(struct sink *s, uint64_t pos, const void *buf, size_t len, struct err *e)
{
	struct flat_sink *f = of(s);
	struct stat st;
	off_t end;

	(void)pos, (void)buf, (void)len;
	end = f->begin + (off_t)f->emitted;
	if (!f->ended || !f->regular || fstat(f->given, &st) < 0 || st.st_size != end)
		return OK;
	if (ftruncate(f->given, end - 1) < 0 || fsync(f->given) < 0)
		return err_sys(e, E_IO, "taking the end mark back");
	return OK;
}

static enum status flat_restart(struct sink *s, struct err *e)
{
	struct flat_sink *f = of(s);
	uint8_t start[FLAT_HEADER_LEN];

	if (!f->regular)
		return err_set(e, E_UNSUPPORTED, "%s cannot begin anew: what is out is out", s->name);
	if (ftruncate(f->fd, f->begin) < 0 || lseek(f->fd, f->begin, SEEK_SET) < 0)
		return err_sys(e, E_IO, "%s", s->name);
	s->bytes_written = 0;
	f->broken = f->ended = false;
	f->emitted = f->settled = f->length = f->high = f->data_at = f->index_high = 0;
	f->data.used = f->index.used = 0;
	flat_header_encode(start);
	return emit(f, start, sizeof(start), e) ? err_add(e, "%s", s->name) : OK;
}

static void flat_close(struct sink *s)
{
	struct flat_sink *f = of(s);

	if (f->fd >= 0)
		close(f->fd);
	free(f->data.buf);
	free(f->index.buf);
	free(f);
}

static const struct sink_ops flat_ops = {
	.write_at = flat_write_at,
	.set_length = flat_set_length,
	.sync = flat_sync,
	.finish = flat_finish,
	.amend = flat_amend,
	.restart = flat_restart,
	.close = flat_close,
};

/* A regular file may hold something already, and the stream then follows it. */
static enum status find_begin(struct flat_sink *f, struct err *e)
{
	struct stat st;
	int flags = fcntl(f->fd, F_GETFL);

	if (flags < 0 || fstat(f->fd, &st) < 0)
		return err_sys(e, E_IO, "%s", f->base.name);
	f->regular = S_ISREG(st.st_mode);
	if (f->regular)
		f->begin = flags & O_APPEND ? st.st_size : lseek(f->fd, 0, SEEK_CUR);
	return OK;
}

enum status sink_flat_open(struct sink **out, int fd, int input_fd, uint64_t limit, struct err *e)
{
	uint8_t start[FLAT_HEADER_LEN];
	AUTO(sink) *guard = NULL;
	struct flat_sink *f = calloc(1, sizeof(*f));

	if (!f)
		return err_nomem(e, sizeof(*f));
	guard = &f->base;
	f->base = (struct sink){ .ops = &flat_ops, .name = "STDOUT", .holes_are_zero = true, .is_stream = true };
	f->base.limit = limit;
	f->given = fd;
	/* of our own: whether closing succeeds can be told, and standard output stays what it is */
	f->fd = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	if (f->fd < 0)
		return err_sys(e, E_IO, "%s", f->base.name);
	if (fd_same_file(f->fd, input_fd))
		return err_set(e, E_USAGE, "standard output is the dump that is read");
	f->data.room = RECORD_MIN;
	f->index.room = INDEX_MAX;
	f->data.buf = malloc(f->data.room);
	f->index.buf = malloc(f->index.room);
	if (!f->data.buf || !f->index.buf)
		return err_nomem(e, RECORD_MIN + INDEX_MAX);
	flat_header_encode(start);
	if (find_begin(f, e) || emit(f, start, sizeof(start), e))
		return err_add(e, "%s", f->base.name);
	*out = guard;
	guard = NULL;
	return OK;
}
