/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The sink of a dry run: counts and keeps nothing. */
#include "output/sink.h"

static enum status null_write_at(struct sink *s, uint64_t pos, const void *buf, size_t len, size_t *written,
				 struct err *e)
{
	(void)s, (void)pos, (void)buf, (void)e;
	*written = len;
	return OK;
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
