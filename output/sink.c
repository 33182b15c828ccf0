/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What all sinks share. */
#include "output/sink.h"

#include "base/bytes.h"

void sink_close(struct sink *s)
{
	s->ops->close(s);
}

size_t sink_allowed(const struct sink *s, uint64_t pos, size_t len, enum status *st, struct err *e)
{
	size_t room;

	if (!s->limit || (pos <= s->limit && len <= s->limit - pos))
		return len;
	room = pos < s->limit ? (size_t)(s->limit - pos) : 0;
	*st = err_set(e, E_NOSPACE, "the limit of %llu bytes is reached", (unsigned long long)s->limit);
	return room;
}

enum status sink_write(struct sink *s, uint64_t pos, const void *buf, size_t len, struct err *e)
{
	size_t written;
	enum status st = s->ops->write_at(s, pos, buf, len, &written, e);

	s->bytes_written += written;
	return st ? err_add(e, "%s", s->name) : OK;
}

enum status sink_write_zeros(struct sink *s, uint64_t from, uint64_t to, struct err *e)
{
	static const uint8_t zeros[65536];

	while (from < to) {
		size_t n = (size_t)min_u64(to - from, sizeof(zeros));

		if (sink_write(s, from, zeros, n, e))
			return e->status;
		from += n;
	}
	return OK;
}
