/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The sink of a file or a device. */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fdio.h"
#include "output/sink.h"

struct file_sink {
	struct sink base;
	int fd;
	bool regular;
};

static struct file_sink *of(struct sink *s)
{
	return (struct file_sink *)s;
}

static enum status file_write_at(struct sink *s, uint64_t pos, const void *buf, size_t len, size_t *written,
				 struct err *e)
{
	enum status full = OK;
	struct err why;

	*written = 0;
	if (pos > INT64_MAX - len)
		return err_set(e, E_NOSPACE, "offset %#llx is out of range", (unsigned long long)pos);
	len = sink_allowed(s, pos, len, &full, &why);
	if (fd_pwrite_all(of(s)->fd, (off_t)pos, buf, len, written, e))
		return e->status;
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
	/* pipes and some devices have nothing to sync, and say so in this way */
	if (fsync(of(s)->fd) < 0 && errno != EINVAL && errno != EROFS && errno != ENOTSUP)
		return err_sys(e, E_IO, "%s: fsync", s->name);
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
	if (!st && fsync(fd) < 0 && errno != EINVAL && errno != EROFS && errno != ENOTSUP)
		st = err_sys(e, E_IO, "fsync");
	if (close(fd) < 0 && !st)
		st = err_sys(e, E_IO, "close");
	return st;
}

static enum status file_restart(struct sink *s, struct err *e)
{
	s->bytes_written = 0;
	if (of(s)->fd < 0)
		return err_set(e, E_UNSUPPORTED, "%s is closed already", s->name);
	if (of(s)->regular && ftruncate(of(s)->fd, 0) < 0)
		return err_sys(e, E_IO, "%s", s->name);
	return OK;
}

static void file_close(struct sink *s)
{
	if (of(s)->fd >= 0)
		close(of(s)->fd);
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
	f->base.holes_are_zero = f->regular || S_ISCHR(st.st_mode);
	f->base.ops = f->regular || S_ISBLK(st.st_mode) ? &file_ops : &write_only_ops;
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
	*out = &f->base;
	return OK;
}
