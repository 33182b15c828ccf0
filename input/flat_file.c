/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A flattened file seen as the file that it stands for: which of its bytes are where. */
#include "input/flat_file.h"

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <string.h>

#include "base/bytes.h"
#include "base/fdio.h"
#include "format/flat_record.h"

/*
 * A dump of 10 TB has 160 million records: an entry for each of them is out of the question.  Writers have a few
 * streams that rise (data, descriptors), so what a stretch of neighbouring records covers is a few extents.  Those are
 * in memory, and the place where the stretch begins; its record headers are read again when it is needed.  Stretches
 * are single records as long as that fits, and get twice as long whenever it does not.
 */
struct extent {
	uint64_t start, end; /* in the file that is stood for */
	uint32_t stretch;
};

/* Where a file's records are in no order, extents do not join: then there may be more of them, up to a limit. */
#define GROWTH 8
/*
 * A stretch is so many records at most, as a power of two: 6 MiB for each reader.  10 TB in records of 4 KiB take half of
 * it; in disorder that just fits, stretches get longer with every few records.
 */
#define SHIFT_MAX 18

struct flat_place {
	uint64_t start, end; /* of a record's bytes, in the file that is stood for */
	uint64_t raw;
};

struct flat_file {
	int fd;
	const char *name;
	uint64_t raw_size, size;
	const char *cut;

	struct extent *extents;
	size_t n_extents, room, room_max;
	uint64_t *stretch_at; /* where its first record header is; as many as there may be extents */
	size_t n_stretches;
	unsigned shift; /* a stretch is so many records, as a power of two */
	uint64_t records;

	struct flat_cursor shared;
	pthread_mutex_t lock; /* of `shared` */
};

/* --- record headers ----------------------------------------------------------------------------------- */

/* Walks from header to header; small records are read many at once, large ones are stepped over. */
struct walker {
	const struct flat_file *f;
	uint64_t next; /* position of the next header */
	size_t ahead;
	uint64_t buf_at;
	size_t buf_len;
	uint8_t buf[4096];
};

enum walk { WALK_RECORD, WALK_END, WALK_CUT, WALK_BAD };

static enum walk walk_next(struct walker *w, struct flat_place *p)
{
	const struct flat_file *f = w->f;
	struct flat_record r;
	int sys_errno;

	if (f->raw_size < w->next || f->raw_size - w->next < FLAT_RECORD_LEN)
		return WALK_CUT;
	if (w->next < w->buf_at || w->next + FLAT_RECORD_LEN > w->buf_at + w->buf_len) {
		w->buf_at = w->next;
		w->buf_len = fd_pread(f->fd, (off_t)w->next, w->buf, w->ahead, &sys_errno);
		if (w->buf_len < FLAT_RECORD_LEN)
			return WALK_CUT;
	}
	switch (flat_record_decode(&r, w->buf + (w->next - w->buf_at))) {
	case FLAT_END:
		return WALK_END;
	case FLAT_BAD:
		return WALK_BAD;
	case FLAT_DATA:
		break;
	}
	p->raw = w->next + FLAT_RECORD_LEN;
	/* the stream may end within a record: what is there counts */
	p->start = r.offset;
	p->end = r.offset + min_u64(r.size, f->raw_size - p->raw);
	w->ahead = r.size < sizeof(w->buf) / 2 ? sizeof(w->buf) : FLAT_RECORD_LEN;
	w->next = r.size > UINT64_MAX / 2 - p->raw ? UINT64_MAX / 2 : p->raw + r.size;
	return WALK_RECORD;
}

/* --- the index -------------------------------------------------------------------------------------------- */

static int by_start(const void *a, const void *b)
{
	const struct extent *x = a, *y = b;

	return x->start != y->start ? (x->start < y->start ? -1 : 1) : x->stretch < y->stretch ? -1 : x->stretch > y->stretch;
}

/* Joins what touches in extents[from, to), which belong to one stretch; returns how many are left. */
static size_t join(struct extent *x, size_t n)
{
	size_t kept = 0;

	qsort(x, n, sizeof(*x), by_start);
	for (size_t i = 1; i < n; i++) {
		if (x[i].start <= x[kept].end)
			x[kept].end = max_u64(x[kept].end, x[i].end);
		else
			x[++kept] = x[i];
	}
	return n ? kept + 1 : 0;
}

/* Makes stretches twice as long. */
static void lengthen_stretches(struct flat_file *f)
{
	size_t to = 0, from = 0;

	for (size_t i = 0; i < f->n_extents; i++)
		f->extents[i].stretch /= 2;
	while (from < f->n_extents) {
		size_t end = from, n;

		while (end < f->n_extents && f->extents[end].stretch == f->extents[from].stretch)
			end++;
		n = join(f->extents + from, end - from);
		memmove(f->extents + to, f->extents + from, n * sizeof(*f->extents));
		to += n;
		from = end;
	}
	f->n_extents = to;
	for (size_t i = 0; 2 * i < f->n_stretches; i++)
		f->stretch_at[i] = f->stretch_at[2 * i];
	f->n_stretches = (f->n_stretches + 1) / 2;
	f->shift++;
}

static enum status make_room(struct flat_file *f, struct err *e)
{
	size_t room = 2 * f->room;
	void *p;

	if (f->shift < SHIFT_MAX) {
		lengthen_stretches(f);
		if (f->n_extents <= f->room / 2 || (room > f->room_max && f->n_extents <= f->room / 8 * 7))
			return OK;
	}
	if (room > f->room_max)
		return err_set(e, E_UNSUPPORTED, "the flattened file is in too much disorder: put it in order with -R");
	p = realloc(f->extents, room * sizeof(*f->extents));
	if (p)
		f->extents = p;
	p = p ? realloc(f->stretch_at, room * sizeof(*f->stretch_at)) : NULL;
	if (!p)
		return err_nomem(e, room * sizeof(*f->extents));
	f->stretch_at = p;
	f->room = room;
	return OK;
}

static enum status add_record(struct flat_file *f, const struct flat_place *p, struct err *e)
{
	uint64_t number = f->records >> f->shift;

	if (f->n_extents == f->room || number == f->room) {
		if (make_room(f, e))
			return e->status;
		number = f->records >> f->shift;
	}
	if (number == f->n_stretches)
		f->stretch_at[f->n_stretches++] = p->raw - FLAT_RECORD_LEN;
	f->records++;
	if (p->start == p->end) /* cut right behind its header */
		return OK;
	f->size = max_u64(f->size, p->end);
	/* a stream goes on where one of the last records ended */
	for (size_t i = f->n_extents, back = 0; i-- && back < 4 && f->extents[i].stretch == number; back++) {
		if (f->extents[i].end != p->start)
			continue;
		f->extents[i].end = p->end;
		return OK;
	}
	f->extents[f->n_extents++] = (struct extent){ p->start, p->end, (uint32_t)number };
	return OK;
}

/* A heap of extents, the latest stretch on top. */
struct heap {
	const struct extent **at;
	size_t n;
};

static void heap_push(struct heap *h, const struct extent *x)
{
	size_t i = h->n++;

	for (; i && h->at[(i - 1) / 2]->stretch < x->stretch; i = (i - 1) / 2)
		h->at[i] = h->at[(i - 1) / 2];
	h->at[i] = x;
}

static void heap_pop(struct heap *h)
{
	const struct extent *last = h->at[--h->n];
	size_t i = 0, child;

	while ((child = 2 * i + 1) < h->n) {
		if (child + 1 < h->n && h->at[child + 1]->stretch > h->at[child]->stretch)
			child++;
		if (h->at[child]->stretch <= last->stretch)
			break;
		h->at[i] = h->at[child];
		i = child;
	}
	h->at[i] = last;
}

/* Cuts extents that rise by their start into ones that do not overlap; returns their number. */
static size_t sweep(const struct extent *in, size_t n, struct heap *heap, struct extent *out)
{
	uint64_t at = 0, until;
	size_t i = 0, made = 0;

	while (i < n || heap->n) {
		if (!heap->n)
			at = max_u64(at, in[i].start);
		while (i < n && in[i].start <= at)
			heap_push(heap, &in[i++]);
		while (heap->n && heap->at[0]->end <= at)
			heap_pop(heap);
		if (!heap->n)
			continue;
		until = heap->at[0]->end;
		if (i < n)
			until = min_u64(until, in[i].start);
		if (made && out[made - 1].end == at && out[made - 1].stretch == heap->at[0]->stretch)
			out[made - 1].end = until;
		else
			out[made++] = (struct extent){ at, until, heap->at[0]->stretch };
		at = until;
	}
	return made;
}

/* Sorts the extents; where they overlap, later stretches win. */
static enum status resolve(struct flat_file *f, struct err *e)
{
	AUTO_FREE const struct extent **heap_room = NULL;
	struct extent *out;
	bool overlap = false;

	qsort(f->extents, f->n_extents, sizeof(*f->extents), by_start);
	for (size_t i = 1; i < f->n_extents; i++)
		overlap |= f->extents[i].start < f->extents[i - 1].end;
	if (!overlap)
		return OK;
	heap_room = malloc((f->n_extents + 1) * sizeof(*heap_room));
	out = malloc(2 * f->n_extents * sizeof(*out));
	if (!heap_room || !out) {
		free(out);
		return err_nomem(e, 2 * f->n_extents * sizeof(*out));
	}
	f->n_extents = sweep(f->extents, f->n_extents, &(struct heap){ heap_room, 0 }, out);
	free(f->extents);
	f->extents = out;
	return OK;
}

static enum status index_records(struct flat_file *f, struct err *e)
{
	struct walker w = { .f = f, .next = FLAT_HEADER_LEN, .ahead = sizeof(w.buf) };
	struct flat_place p;
	enum walk kind;

	while ((kind = walk_next(&w, &p)) == WALK_RECORD)
		if (add_record(f, &p, e))
			return e->status;
	if (kind == WALK_CUT)
		f->cut = "it ends without its end mark";
	else if (kind == WALK_BAD)
		f->cut = "it has a record that makes no sense, and ends there";
	if (!f->size)
		return err_set(e, E_FORMAT, "the flattened file holds nothing");
	return resolve(f, e);
}

enum status flat_file_open(struct flat_file **out, int fd, const char *name, uint64_t raw_size, size_t extents,
			   struct err *e)
{
	AUTO(flat_file) *f = calloc(1, sizeof(*f));
	uint8_t head[32];
	int sys_errno;

	if (!f)
		return err_nomem(e, sizeof(*f));
	pthread_mutex_init(&f->lock, NULL);
	f->fd = fd;
	f->name = name;
	f->raw_size = min_u64(raw_size, INT64_MAX);
	f->room = extents;
	f->room_max = GROWTH * extents;
	f->extents = malloc(f->room * sizeof(*f->extents));
	f->stretch_at = malloc(f->room * sizeof(*f->stretch_at));
	if (!f->extents || !f->stretch_at)
		return err_nomem(e, f->room * sizeof(*f->extents));
	if (flat_header_check(head, fd_pread(fd, 0, head, sizeof(head), &sys_errno), e) || index_records(f, e))
		return e->status;
	*out = f;
	f = NULL;
	return OK;
}

void flat_file_close(struct flat_file *f)
{
	flat_cursor_fini(&f->shared);
	pthread_mutex_destroy(&f->lock);
	free(f->extents);
	free(f->stretch_at);
	free(f);
}

uint64_t flat_file_size(const struct flat_file *f)
{
	return f->size;
}

const char *flat_file_cut(const struct flat_file *f)
{
	return f->cut;
}

/* --- looking up ------------------------------------------------------------------------------------------- */

void flat_cursor_fini(struct flat_cursor *c)
{
	free(c->places);
	*c = (struct flat_cursor){ 0 };
}

/* Index of the extent that holds `pos`, or of the first one above it. */
static size_t find_extent(const struct flat_file *f, uint64_t pos)
{
	size_t lo = 0, hi = f->n_extents;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (f->extents[mid].end <= pos)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

uint64_t flat_file_next_data(const struct flat_file *f, uint64_t pos)
{
	size_t i = find_extent(f, pos);

	return i == f->n_extents ? f->size : max_u64(pos, f->extents[i].start);
}

static enum status load_stretch(const struct flat_file *f, struct flat_cursor *c, uint32_t stretch, struct err *e)
{
	struct walker w = { .f = f, .next = f->stretch_at[stretch], .ahead = FLAT_RECORD_LEN };
	size_t most = (size_t)min_u64(UINT64_C(1) << f->shift, f->records);

	if (c->stretch == stretch + UINT64_C(1))
		return OK;
	c->stretch = 0;
	if (c->room < most) {
		struct flat_place *places = realloc(c->places, most * sizeof(*places));

		if (!places)
			return err_nomem(e, most * sizeof(*places));
		c->places = places;
		c->room = most;
	}
	for (c->n = 0; c->n < most && walk_next(&w, &c->places[c->n]) == WALK_RECORD; c->n++)
		;
	c->stretch = stretch + UINT64_C(1);
	return OK;
}

enum status flat_file_find(const struct flat_file *f, struct flat_cursor *c, uint64_t pos, struct flat_piece *piece,
			   struct err *e)
{
	size_t i = find_extent(f, pos), n;
	const struct extent *x = &f->extents[i];
	uint64_t end;

	if (i == f->n_extents || x->start > pos) {
		end = i == f->n_extents ? f->size : x->start;
		*piece = (struct flat_piece){ .len = end - pos, .gap = true };
		return OK;
	}
	if (load_stretch(f, c, x->stretch, e))
		return e->status;
	end = x->end;
	/* the last record that has it counts, as far as no later one has what follows */
	for (n = c->n; n--;) {
		const struct flat_place *p = &c->places[n];

		if (p->start <= pos && pos < p->end) {
			*piece = (struct flat_piece){ .raw = p->raw + (pos - p->start), .len = min_u64(end, p->end) - pos };
			return OK;
		}
		if (p->start > pos)
			end = min_u64(end, p->start);
	}
	return err_set(e, E_UNREADABLE, "%s changed while it is read: no record for %#" PRIx64, f->name, pos);
}

static enum status read_pieces(struct flat_file *f, uint64_t pos, uint8_t *buf, size_t len, struct err *e)
{
	while (len) {
		struct flat_piece p;
		size_t n, got;
		int sys_errno;

		if (pos >= f->size)
			return err_set(e, E_UNREADABLE, "%s stands for a file that ends at %#" PRIx64, f->name, f->size);
		if (flat_file_find(f, &f->shared, pos, &p, e))
			return e->status;
		n = (size_t)min_u64(len, p.len);
		if (p.gap) {
			memset(buf, 0, n);
		} else {
			got = fd_pread(f->fd, (off_t)p.raw, buf, n, &sys_errno);
			if (got < n) {
				errno = sys_errno ? sys_errno : EIO;
				return err_sys(e, E_UNREADABLE, "%s: read at %#" PRIx64, f->name, p.raw + got);
			}
		}
		pos += n;
		buf += n;
		len -= n;
	}
	return OK;
}

enum status flat_file_read(struct flat_file *f, uint64_t pos, void *buf, size_t len, struct err *e)
{
	enum status st;

	pthread_mutex_lock(&f->lock);
	st = read_pieces(f, pos, buf, len, e);
	pthread_mutex_unlock(&f->lock);
	return st;
}
