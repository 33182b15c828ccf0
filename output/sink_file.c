/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The sink of a file or a device.
 *
 * The kernel takes all that is written and brings it to the disk later, in any order.  If it fails then, something that
 * promises data may be on the disk, and the data not.  So before bytes are written below others, as an index is below
 * its data, the others have to be there; and after a failure nothing more is written, and what is not sure is taken
 * back.  File systems may have given blocks to a file whose writing failed: they hold what was on the disk before.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/fdio.h"
#include "output/sink.h"
#include "print_info.h"

/* The disk has something to do while more is packed: after so many bytes it gets them. */
#define START_BYTES ((uint64_t)1 << 20)
#define DISK_BLOCK 4096u

struct file_sink {
	struct sink base;
	int fd;
	bool regular, device;
	uint64_t high;		 /* end of the highest byte that was written */
	uint64_t started;	 /* the disk was told to begin with what is in front of that */
	bool unsettled;		 /* that was not the end when all was on the disk */
	bool settled;		 /* all was on the disk once */
	uint64_t hole, hole_end; /* what was left out on the way up: it is filled from below */
	uint64_t filled, filled_safe; /* how far it was, and is so on the disk */
	struct err lost;	 /* why nothing more is written; status OK: nothing is lost */
};

static struct file_sink *of(struct sink *s)
{
	return (struct file_sink *)s;
}

/* Pipes and some devices have no ranges to sync, and say so in this way. */
static bool has_no_ranges(void)
{
	return errno == EINVAL || errno == ENOTSUP || errno == ESPIPE || errno == ENOSYS;
}

/*
 * Takes back what may not be on the disk, as far as the disk lets us: all, or what was filled since it was known to be
 * there.  Of that a block that was there before gets zeros, and blocks that are new are given back.
 */
static void take_back(struct file_sink *f)
{
	static const uint8_t zeros[DISK_BLOCK];
	uint64_t from = max_u64(f->hole, f->filled_safe), fresh = round_up_u64(from, DISK_BLOCK);
	uint64_t end = min_u64(round_up_u64(f->filled, DISK_BLOCK), f->hole_end & ~(uint64_t)(DISK_BLOCK - 1));
	bool failed = false;

	if (!f->settled && f->regular) {
		failed = ftruncate(f->fd, 0) < 0;
	} else if (!f->settled && f->device) {
		failed = pwrite(f->fd, zeros, sizeof(zeros), 0) < 0;
	} else if (f->regular && from < f->filled) {
		failed = pwrite(f->fd, zeros, min_u64(fresh, f->filled) - from, (off_t)from) < 0;
		if (fresh < end)
			failed |= fallocate(f->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t)fresh,
					    (off_t)(end - fresh)) < 0;
	}
	if (fsync(f->fd) < 0 || failed)
		return; /* what brought us here is reported */
}

static enum status lose(struct file_sink *f, const char *call, struct err *e)
{
	err_sys(e, E_IO, "%s: %s", f->base.name, call);
	f->lost = *e;
	take_back(f);
	return e->status;
}

static enum status check_lost(const struct file_sink *f, struct err *e)
{
	if (f->lost.status)
		*e = f->lost;
	return f->lost.status;
}

/* All that was written is on the disk. */
static void set_settled(struct file_sink *f)
{
	f->unsettled = false;
	f->settled = true;
	f->filled_safe = f->filled;
}

static enum status settle(struct file_sink *f, struct err *e)
{
	const unsigned all = SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WRITE | SYNC_FILE_RANGE_WAIT_AFTER;

	if (sync_file_range(f->fd, 0, 0, all) < 0 && !has_no_ranges())
		return lose(f, "writing to the disk", e);
	set_settled(f);
	return OK;
}

static enum status has_written(struct file_sink *f, uint64_t pos, size_t len, struct err *e)
{
	uint64_t end = pos + len;

	if (!len)
		return OK;
	if (pos < f->high && pos >= f->hole && pos < f->hole_end)
		f->filled = max_u64(f->filled, min_u64(end, f->hole_end));
	if (end <= f->high)
		return OK;
	if (pos > f->high && f->filled <= f->hole) {
		f->hole = f->filled = f->filled_safe = f->high;
		f->hole_end = pos;
	}
	f->high = end;
	f->unsettled = true;
	if (end - f->started < START_BYTES)
		return OK;
	if (sync_file_range(f->fd, (off_t)f->started, (off_t)(end - f->started), SYNC_FILE_RANGE_WRITE) < 0 &&
	    !has_no_ranges())
		return lose(f, "writing to the disk", e);
	f->started = end;
	return OK;
}

static enum status file_write_at(struct sink *s, uint64_t pos, const void *buf, size_t len, size_t *written,
				 struct err *e)
{
	struct file_sink *f = of(s);
	enum status full = OK, st;
	struct err why;

	*written = 0;
	if (check_lost(f, e) || (f->unsettled && pos < f->high && settle(f, e)))
		return e->status;
	if (pos > (uint64_t)INT64_MAX - len)
		return err_set(e, E_NOSPACE, "offset %#llx is out of range", (unsigned long long)pos);
	len = sink_allowed(s, pos, len, &full, &why);
	st = fd_pwrite_all(f->fd, (off_t)pos, buf, len, written, e);
	if (has_written(f, pos, *written, st ? &why : e) || st)
		return st ? st : e->status;
	if (full)
		*e = why;
	return full;
}

static enum status file_read_at(struct sink *s, uint64_t pos, void *buf, size_t len, struct err *e)
{
	int sys_errno;

	if (fd_pread(of(s)->fd, (off_t)pos, buf, len, &sys_errno) == len)
		return OK;
	errno = sys_errno ? sys_errno : EIO;
	return err_sys(e, E_IO, "%s: reading back %zu bytes at %#llx", s->name, len, (unsigned long long)pos);
}

static enum status file_set_length(struct sink *s, uint64_t len, struct err *e)
{
	if (check_lost(of(s), e))
		return e->status;
	if (!of(s)->regular)
		return OK; /* a device has the length it has */
	if (s->limit && len > s->limit)
		return err_set(e, E_NOSPACE, "%s: %llu bytes are more than the limit of %llu", s->name,
			       (unsigned long long)len, (unsigned long long)s->limit);
	if (len > INT64_MAX || ftruncate(of(s)->fd, (off_t)len) < 0)
		return err_sys(e, E_IO, "%s: extending it to %llu bytes", s->name, (unsigned long long)len);
	return OK;
}

static enum status file_sync(struct sink *s, struct err *e)
{
	struct file_sink *f = of(s);

	if (check_lost(f, e))
		return e->status;
	if (fd_sync(f->fd) < 0)
		return lose(f, "fsync", e);
	set_settled(f);
	return OK;
}

static enum status file_finish(struct sink *s, struct err *e)
{
	int fd = of(s)->fd;

	of(s)->fd = -1;
	if (close(fd) < 0 && errno != EINTR)
		return err_sys(e, E_IO, "%s: close", s->name);
	return OK;
}

static enum status file_amend(struct sink *s, uint64_t pos, const void *buf, size_t len, struct err *e)
{
	int fd = open(s->name, O_WRONLY | O_CLOEXEC);
	enum status st;

	if (fd < 0)
		return err_sys(e, E_IO, "cannot open %s again", s->name);
	st = fd_pwrite_all(fd, (off_t)pos, buf, len, NULL, e);
	if (!st && fd_sync(fd) < 0)
		st = err_sys(e, E_IO, "fsync");
	if (close(fd) < 0 && !st)
		st = err_sys(e, E_IO, "close");
	return st;
}

static enum status file_restart(struct sink *s, struct err *e)
{
	struct file_sink *f = of(s);

	s->bytes_written = 0;
	if (f->fd < 0)
		return err_set(e, E_UNSUPPORTED, "%s is closed already", s->name);
	if (f->regular && ftruncate(f->fd, 0) < 0)
		return err_sys(e, E_IO, "%s", s->name);
	f->high = f->started = f->hole = f->hole_end = f->filled = f->filled_safe = 0;
	f->unsettled = f->settled = false;
	f->lost.status = OK;
	return OK;
}

static void file_close(struct sink *s)
{
	struct file_sink *f = of(s);
	struct err e;

	/* given up for another reason, such as a failure of another part: does the disk take what it has got? */
	if (f->fd >= 0 && f->high && file_sync(s, &e))
		message(MSG_DEBUG, "%s\n", e.text);
	if (f->fd >= 0)
		close(f->fd);
	free(s);
}

static const struct sink_ops file_ops = {
	.write_at = file_write_at,
	.read_at = file_read_at,
	.set_length = file_set_length,
	.sync = file_sync,
	.finish = file_finish,
	.amend = file_amend,
	.restart = file_restart,
	.close = file_close,
};
/* What cannot be read at an offset, such as /dev/null or a tape, is still written. */
static const struct sink_ops write_only_ops = {
	.write_at = file_write_at,
	.set_length = file_set_length,
	.sync = file_sync,
	.finish = file_finish,
	.amend = file_amend,
	.restart = file_restart,
	.close = file_close,
};

enum status sink_file_check(const char *path, bool overwrite, struct err *e)
{
	if (access(path, F_OK) < 0)
		return OK; /* whatever is wrong with the folder shows when the file is made */
	if (!overwrite) {
		errno = EEXIST;
		return err_sys(e, E_IO, "%s", path);
	}
	if (access(path, W_OK) < 0)
		return err_sys(e, E_IO, "%s", path);
	return OK;
}

static enum status take_over(struct file_sink *f, int input_fd, struct err *e)
{
	struct stat st;

	if (fd_same_file(f->fd, input_fd))
		return err_set(e, E_USAGE, "%s is the dump that is read", f->base.name);
	if (fstat(f->fd, &st) < 0)
		return err_sys(e, E_IO, "%s", f->base.name);
	f->regular = S_ISREG(st.st_mode);
	f->device = S_ISBLK(st.st_mode);
	f->base.holes_are_zero = f->regular || S_ISCHR(st.st_mode);
	f->base.ops = f->regular || f->device ? &file_ops : &write_only_ops;
	if (lseek(f->fd, 0, SEEK_CUR) < 0)
		return err_sys(e, E_IO, "%s cannot be written at any offset", f->base.name);
	if (f->regular && ftruncate(f->fd, 0) < 0)
		return err_sys(e, E_IO, "%s", f->base.name);
	return OK;
}

enum status sink_file_open(struct sink **out, const char *path, bool overwrite, int input_fd, struct err *e)
{
	struct file_sink *f = calloc(1, sizeof(*f));

	if (!f)
		return err_nomem(e, sizeof(*f));
	f->base.name = path;
	f->base.ops = &file_ops;
	f->fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | (overwrite ? 0 : O_EXCL), 0600);
	/* not O_NONBLOCK: opening a FIFO for reading and writing does not wait, and it is refused below */
	if (f->fd < 0) {
		err_sys(e, E_IO, "cannot create %s", path);
		free(f);
		return e->status;
	}
	if (take_over(f, input_fd, e)) {
		file_close(&f->base);
		return e->status;
	}
	fd_no_read_ahead(f->fd);
	*out = &f->base;
	return OK;
}
