/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The sink of a descriptor that somebody else has opened, such as standard output: bytes in order, no way back. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include "base/fdio.h"
#include "output/sink.h"

struct stream_sink {
	struct sink base;
	int fd;
	uint64_t pos;
};

static struct stream_sink *of(struct sink *s)
{
	return (struct stream_sink *)s;
}

/* A reader that is slow is waited for, also where it has made the descriptor one that does not wait. */
static bool try_again(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLOUT };

	if (errno == EAGAIN)
		poll(&p, 1, -1);
	return errno == EINTR || errno == EAGAIN;
}

static enum status stream_write_at(struct sink *s, uint64_t pos, const void *buf, size_t len, size_t *written,
				   struct err *e)
{
	*written = 0;
	if (pos != of(s)->pos)
		return err_set(e, E_UNSUPPORTED, "a stream cannot be written at any offset");
	while (*written < len) {
		ssize_t n = write(of(s)->fd, (const char *)buf + *written, len - *written);

		if (n < 0 && try_again(of(s)->fd))
			continue;
		if (n < 0)
			return err_sys(e, E_IO, "write of %zu bytes", len - *written);
		*written += (size_t)n;
		of(s)->pos += (uint64_t)n;
	}
	return OK;
}

static enum status stream_set_length(struct sink *s, uint64_t len, struct err *e)
{
	(void)len;
	return err_set(e, E_UNSUPPORTED, "%s is a stream and has no length", s->name);
}

static enum status stream_sync(struct sink *s, struct err *e)
{
	if (fd_sync(of(s)->fd) < 0)
		return err_sys(e, E_IO, "%s: fsync", s->name);
	return OK;
}

static enum status stream_finish(struct sink *s, struct err *e)
{
	int fd = of(s)->fd;

	of(s)->fd = -1;
	if (close(fd) < 0 && errno != EINTR)
		return err_sys(e, E_IO, "%s: close", s->name);
	return OK;
}

static enum status stream_amend(struct sink *s, uint64_t pos, const void *buf, size_t len, struct err *e)
{
	(void)pos, (void)buf, (void)len;
	return err_set(e, E_UNSUPPORTED, "%s is a stream and cannot be amended", s->name);
}

static void stream_close(struct sink *s)
{
	if (of(s)->fd >= 0)
		close(of(s)->fd);
	free(s);
}

static enum status stream_restart(struct sink *s, struct err *e)
{
	return err_set(e, E_UNSUPPORTED, "%s is a stream: what is out is out", s->name);
}

static const struct sink_ops stream_ops = {
	.write_at = stream_write_at,
	.set_length = stream_set_length,
	.sync = stream_sync,
	.finish = stream_finish,
	.amend = stream_amend,
	.restart = stream_restart,
	.close = stream_close,
};

enum status sink_stream_open(struct sink **out, int fd, const char *name, int input_fd, struct err *e)
{
	struct stream_sink *s;

	if (fd_same_file(fd, input_fd))
		return err_set(e, E_USAGE, "%s is the dump that is read", name);
	s = calloc(1, sizeof(*s));
	if (!s)
		return err_nomem(e, sizeof(*s));
	s->base.ops = &stream_ops;
	s->base.name = name;
	/* one of our own: closing it can fail, and says then what closing the caller's would have said */
	s->fd = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	if (s->fd < 0) {
		err_sys(e, E_IO, "%s", name);
		free(s);
		return e->status;
	}
	*out = &s->base;
	return OK;
}
