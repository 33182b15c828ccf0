/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What all sinks share. */
#include "output/sink.h"

void sink_close(struct sink *s)
{
	s->ops->close(s);
}

enum status sink_write(struct sink *s, uint64_t pos, const void *buf, size_t len, struct err *e)
{
	size_t written;
	enum status st = s->ops->write_at(s, pos, buf, len, &written, e);

	s->bytes_written += written;
	return st ? err_add(e, "%s", s->name) : OK;
}
