/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A set of byte ranges, kept in order and joined where they touch; of bounded size. */
#include "base/extents.h"

#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"

void extents_free(struct extents *x)
{
	free(x->at);
	*x = (struct extents){ 0 };
}

/* The first range that ends at `pos` or behind it. */
static size_t find(const struct extents *x, uint64_t pos)
{
	size_t low = 0, high = x->n;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (x->at[mid].end < pos)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

static enum status make_room(struct extents *x, struct err *e)
{
	size_t room = x->room ? 2 * x->room : 64;
	struct extent *at;

	if (x->n < x->room)
		return OK;
	at = room > EXTENTS_MAX ? NULL : realloc(x->at, room * sizeof(*at));
	if (!at)
		return err_nomem(e, room * sizeof(*at));
	x->at = at;
	x->room = room;
	return OK;
}

enum status extents_add(struct extents *x, uint64_t start, uint64_t end, struct err *e)
{
	size_t first = find(x, start), behind = first;

	if (start >= end)
		return OK;
	for (; behind < x->n && x->at[behind].start <= end; behind++) {
		start = min_u64(start, x->at[behind].start);
		end = max_u64(end, x->at[behind].end);
	}
	if (behind == first && make_room(x, e))
		return e->status;
	memmove(x->at + first + 1, x->at + behind, (x->n - behind) * sizeof(*x->at));
	x->n = x->n + 1 - (behind - first);
	x->at[first] = (struct extent){ start, end };
	return OK;
}

uint64_t extents_part(const struct extents *x, uint64_t start, uint64_t end, bool *inside)
{
	size_t i = find(x, start);

	if (i < x->n && x->at[i].end == start)
		i++;
	*inside = i < x->n && x->at[i].start <= start;
	if (*inside)
		return min_u64(end, x->at[i].end);
	return i < x->n ? min_u64(end, x->at[i].start) : end;
}

bool extents_cover(const struct extents *x, uint64_t start, uint64_t end)
{
	bool inside = true;

	return start >= end || (extents_part(x, start, end, &inside) == end && inside);
}
