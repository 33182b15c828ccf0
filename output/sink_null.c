/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The sink of a dry run: counts and keeps nothing. */
#include "output/sink.h"

static enum status null_write_at(struct sink *s, uint64_t pos, const void *buf, size_t len, size_t *written,
				 struct err *e)
{
	enum status full = OK;

	(void)pos, (void)buf;
	/* there are no offsets here: all that would be written counts */
	*written = sink_allowed(s, s->bytes_written, len, &full, e);
	return full;
}

static enum status null_set_length(struct sink *s, uint64_t len, struct err *e)
{
	(void)s, (void)len, (void)e;
	return OK;
}

static enum status null_done(struct sink *s, struct err *e)
{
	(void)s, (void)e;
	return OK;
}

static enum status null_amend(struct sink *s, uint64_t pos, const void *buf, size_t len, struct err *e)
{
	(void)s, (void)pos, (void)buf, (void)len, (void)e;
	return OK;
}

static enum status null_restart(struct sink *s, struct err *e)
{
	(void)e;
	s->bytes_written = 0;
	return OK;
}

static void null_close(struct sink *s)
{
	free(s);
}

static const struct sink_ops null_ops = {
	.write_at = null_write_at,
	.set_length = null_set_length,
	.sync = null_done,
	.finish = null_done,
	.amend = null_amend,
	.restart = null_restart,
	.close = null_close,
};

enum status sink_null_open(struct sink **out, const char *name, struct err *e)
{
	struct sink *s = calloc(1, sizeof(*s));

	if (!s)
		return err_nomem(e, sizeof(*s));
	s->ops = &null_ops;
	s->name = name;
	s->holes_are_zero = true;
	*out = s;
	return OK;
}
