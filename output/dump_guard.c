/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Between a sink and a dump whose bytes come from elsewhere, in any order and in any pieces: whatever stops it half
 * way, what is in the file does not claim more than is there.
 */
#include "output/dump_guard.h"

#include <string.h>

#include "base/bytes.h"
#include "base/extents.h"
#include "format/elf_core.h"
#include "format/kdump_header.h"
#include "format/page_desc.h"
#include "output/desc_table.h"
#include "print_info.h"

/* Holds the main header of every format. */
#define HEAD_LEN KDUMP_HEADER_MAX
#define ZERO_BLOCK 4096u /* what becomes a hole */
/* Known writers let few descriptors run ahead of their data: those of one buffer, 64 KiB where nobody said otherwise. */
#define HELD_MAX 32768
/* Descriptors wait for the disk to have their data.  So those that were held are looked at when there is a fourth more. */
#define FRESH_SHARE 4
#define FRESH_MIN ((uint64_t)4 << 10)
#define FRESH_MAX ((uint64_t)4 << 20)

/* A descriptor whose data is not there yet. */
struct held {
	uint64_t pos;
	uint8_t raw[PAGE_DESC_LEN];
};

enum kind {
	KIND_UNKNOWN, /* the header is not complete, or of no use: nothing of it is in the file */
	KIND_KDUMP,
	KIND_ELF,
	KIND_OTHER, /* no dump: passes as it is */
};

/* What readers make of the header. */
struct form {
	enum kind kind;
	bool big_endian;
	uint64_t mark_at;  /* of the word with the mark */
	uint32_t mark;	   /* its bit; 0: there is none */
	uint64_t table_at; /* of the page descriptors; 0: there are none */
};

struct dump_guard {
	struct sink *sink;
	struct form form;
	uint8_t head[HEAD_LEN];
	bool known[HEAD_LEN]; /* bytes that came */
	bool withdrawn; /* the order of the bytes is beyond us: until the end the file must not look like a dump */
	bool scattered; /* `written` is not all of it */
	struct extents written;
	uint64_t length; /* end of the highest byte */

	/* page descriptors */
	uint64_t data_at;	     /* where data begins, as soon as that is known */
	uint64_t next;		     /* where the next bytes of the table are expected */
	uint8_t part[PAGE_DESC_LEN]; /* of a descriptor that is not whole yet */
	size_t part_len;
	struct held *held;
	size_t n_held, held_room;
	uint64_t came, fresh; /* bytes of data, of all and since they were last looked at */
};

static const uint8_t zeros[ZERO_BLOCK];

/* --- bytes ------------------------------------------------------------------------------------------ */

static enum status write_out(struct dump_guard *g, uint64_t pos, const uint8_t *buf, size_t len, struct err *e)
{
	return len ? sink_write(g->sink, pos, buf, len, e) : OK;
}

/* A piece that need not be written: it reads as zero already. */
static bool may_be_hole(const struct dump_guard *g, uint64_t pos, const uint8_t *buf, size_t len)
{
	bool inside;

	return g->sink->holes_are_zero && !g->scattered && !memcmp(buf, zeros, len) &&
	       extents_part(&g->written, pos, pos + len, &inside) == pos + len && !inside;
}

/* Writes stretches of blocks that are not zero. */
static enum status write_sparse(struct dump_guard *g, uint64_t pos, const uint8_t *buf, size_t len, struct err *e)
{
	size_t start = 0, at = 0;

	while (at < len) {
		size_t n = (size_t)min_u64(len - at, ZERO_BLOCK - (pos + at) % ZERO_BLOCK);

		if (may_be_hole(g, pos + at, buf + at, n)) {
			if (write_out(g, pos + start, buf + start, at - start, e))
				return e->status;
			start = at + n;
		}
		at += n;
	}
	return write_out(g, pos + start, buf + start, len - start, e);
}

static enum status withdraw(struct dump_guard *g, struct err *e);

/* These bytes are in the file now. */
static enum status remember(struct dump_guard *g, uint64_t start, uint64_t end, struct err *e)
{
	g->length = max_u64(g->length, end);
	if (g->scattered || !extents_add(&g->written, start, end, e))
		return OK;
	/* without holes it must be known in the end what nobody wrote */
	if (!g->sink->holes_are_zero)
		return err_add(e, "what was written is too scattered");
	g->scattered = true;
	return g->form.kind == KIND_KDUMP && !g->withdrawn ? withdraw(g, e) : OK;
}

static enum status put(struct dump_guard *g, uint64_t pos, const uint8_t *buf, size_t len, struct err *e)
{
	if (write_sparse(g, pos, buf, len, e))
		return e->status;
	/* a hole at the end must be in the file before anything claims it */
	if (len && !buf[len - 1] && pos + len > g->length && g->sink->holes_are_zero &&
	    g->sink->ops->set_length(g->sink, pos + len, e))
		return e->status;
	return remember(g, pos, pos + len, e);
}

/* On a device the places that nobody wrote hold something old. */
static enum status fill_gaps(struct dump_guard *g, uint64_t from, uint64_t to, struct err *e)
{
	while (!g->sink->holes_are_zero && from < to) {
		bool inside;
		uint64_t end = extents_part(&g->written, from, to, &inside);

		while (!inside && from < end) {
			size_t n = (size_t)min_u64(end - from, sizeof(zeros));

			if (write_out(g, from, zeros, n, e))
				return e->status;
			from += n;
		}
		from = end;
	}
	return OK;
}

/* --- the header ------------------------------------------------------------------------------------- */

static bool all_known(const struct dump_guard *g, size_t from, size_t end)
{
	for (size_t i = from; i < end; i++)
		if (!g->known[i])
			return false;
	return true;
}

static void find_kdump(struct dump_guard *g)
{
	struct kdump_header h;
	enum kdump_layout layout;
	size_t len = 0;
	struct err e;
	bool big;

	while (len < HEAD_LEN && g->known[len])
		len++;
	/* as readers tell it */
	if (kdump_header_decode(&h, &layout, &big, g->head, len, &e))
		return;
	g->form = (struct form){
		.kind = KIND_KDUMP,
		.big_endian = big,
		.mark_at = kdump_status_offset(layout),
		.mark = KDUMP_INCOMPLETE,
		.table_at = h.block_size * (UINT64_C(1) + h.sub_header_blocks + h.bitmap_blocks),
	};
}

static void find_elf(struct dump_guard *g)
{
	bool is64 = g->head[4] == 2, big = g->head[5] == 2;
	size_t flags_at = is64 ? 48 : 36;

	if (!all_known(g, 0, is64 ? 64 : 52))
		return;
	/* the bit has a meaning of its own there, and nothing else says it: the header comes last */
	if (get_u16(g->head + 18, big) != ELF_EM_RISCV)
		g->form = (struct form){ .kind = KIND_ELF, .big_endian = big, .mark_at = flags_at, .mark = 1 };
	else if (g->form.kind != KIND_UNKNOWN)
		g->form = (struct form){ .kind = KIND_ELF, .big_endian = big };
}

static void identify(struct dump_guard *g)
{
	if (!all_known(g, 0, 8))
		return;
	if (!memcmp(g->head, "KDUMP   ", 8))
		find_kdump(g);
	else if (!memcmp(g->head, "\177ELF", 4))
		find_elf(g);
	else if (g->form.kind == KIND_UNKNOWN)
		g->form.kind = KIND_OTHER;
}

/* The header as it may be in the file while the rest is not. */
static void cautious_head(const struct dump_guard *g, uint8_t head[HEAD_LEN])
{
	memcpy(head, g->head, HEAD_LEN);
	if (g->form.mark) {
		uint8_t *word = head + g->form.mark_at;

		put_u32(word, get_u32(word, g->form.big_endian) | g->form.mark, g->form.big_endian);
	}
	/* on a device there are descriptors from before until it is known which place to clear */
	if (g->withdrawn || (g->form.kind == KIND_KDUMP && !g->sink->holes_are_zero && g->data_at == UINT64_MAX))
		memset(head, 0, 8);
}

/* Writes those bytes of a header that came. */
static enum status write_head(struct dump_guard *g, const uint8_t head[HEAD_LEN], size_t from, size_t end, struct err *e)
{
	for (size_t start; from < end; from = start) {
		for (start = from; start < end && g->known[start] == g->known[from]; start++)
			;
		if (g->known[from] &&
		    (write_out(g, from, head + from, start - from, e) || remember(g, from, start, e)))
			return e->status;
	}
	return OK;
}

/*
 * The mark may change more than it says: a header that no reader took for one, or for that of another word size, may
 * become one by this bit, and then its status is elsewhere, unmarked.
 */
static bool marked_in_vain(const struct dump_guard *g)
{
	uint8_t head[HEAD_LEN];
	struct kdump_header h;
	enum kdump_layout layout;
	struct err e;
	bool big;

	cautious_head(g, head);
	return g->form.kind == KIND_KDUMP && !g->withdrawn && kdump_has_magic(head, HEAD_LEN) &&
	       !kdump_header_decode(&h, &layout, &big, head, HEAD_LEN, &e) && !(h.status & KDUMP_INCOMPLETE);
}

static bool same_form(const struct form *a, const struct form *b)
{
	return a->kind == b->kind && a->big_endian == b->big_endian && a->mark_at == b->mark_at && a->mark == b->mark &&
	       a->table_at == b->table_at;
}

static enum status put_head(struct dump_guard *g, size_t pos, const uint8_t *buf, size_t len, struct err *e)
{
	uint8_t head[HEAD_LEN];
	struct form before = g->form;

	memcpy(g->head + pos, buf, len);
	memset(g->known + pos, true, len);
	identify(g);
	if (g->form.kind == KIND_UNKNOWN)
		return OK;
	if (before.kind == KIND_UNKNOWN && g->form.kind == KIND_KDUMP) {
		bool inside;

		g->next = g->form.table_at;
		/* descriptors that came before the header may promise anything */
		g->withdrawn = g->scattered ||
			       extents_part(&g->written, g->form.table_at, UINT64_MAX, &inside) < UINT64_MAX || inside;
	}
	/* it turns into another dump: what was cautious for the first one may say anything about this one */
	if (before.kind != KIND_UNKNOWN && !same_form(&before, &g->form) && !g->withdrawn && withdraw(g, e))
		return e->status;
	if (marked_in_vain(g) && withdraw(g, e))
		return e->status;
	cautious_head(g, head);
	if (same_form(&before, &g->form))
		return write_head(g, head, pos, pos + len, e);
	return write_head(g, head, 0, HEAD_LEN, e) ? e->status : fill_gaps(g, HEAD_LEN, g->form.table_at, e);
}

/* --- descriptors ------------------------------------------------------------------------------------- */

static bool is_fulfilled(const struct dump_guard *g, const uint8_t *raw)
{
	uint64_t offset = get_u64(raw, g->form.big_endian);
	uint32_t size = get_u32(raw + 8, g->form.big_endian);

	return !offset || (offset <= UINT64_MAX - size && extents_cover(&g->written, offset, offset + size));
}

static enum status write_table(struct dump_guard *g, uint64_t pos, uint8_t *raw, size_t len, struct err *e)
{
	size_t written;

	if (desc_table_write(g->sink, g->form.table_at, pos, raw, len, &written, e))
		return err_add(e, "%s", g->sink->name);
	return remember(g, pos, pos + len, e);
}

static enum status hold(struct dump_guard *g, uint64_t pos, const uint8_t *raw, struct err *e)
{
	if (g->n_held == g->held_room) {
		size_t room = g->held_room ? 2 * g->held_room : 1024;
		struct held *held = realloc(g->held, room * sizeof(*held));

		if (!held)
			return err_nomem(e, room * sizeof(*held));
		g->held = held;
		g->held_room = room;
	}
	g->held[g->n_held].pos = pos;
	memcpy(g->held[g->n_held++].raw, raw, PAGE_DESC_LEN);
	return OK;
}

/* Writes descriptors that were held, in their order: up to the first one whose data is not there, or all of them. */
static enum status release(struct dump_guard *g, bool all, struct err *e)
{
	uint8_t raw[DESC_TABLE_BATCH * PAGE_DESC_LEN];
	size_t done = 0;

	g->fresh = 0;
	while (done < g->n_held) {
		const struct held *h = g->held + done;
		size_t n = 0;

		for (; n < DESC_TABLE_BATCH && done + n < g->n_held && h[n].pos == h->pos + n * PAGE_DESC_LEN; n++) {
			if (!all && !is_fulfilled(g, h[n].raw))
				break;
			memcpy(raw + n * PAGE_DESC_LEN, h[n].raw, PAGE_DESC_LEN);
		}
		if (!n)
			break;
		if (write_table(g, h->pos, raw, n * PAGE_DESC_LEN, e))
			return e->status;
		done += n;
	}
	if (done)
		memmove(g->held, g->held + done, (g->n_held - done) * sizeof(*g->held));
	g->n_held -= done;
	return OK;
}

/* What there is of a descriptor that never became whole. */
static enum status put_rest(struct dump_guard *g, struct err *e)
{
	size_t len = g->part_len;

	g->part_len = 0;
	return len ? put(g, g->next - len, g->part, len, e) : OK;
}

/*
 * From now on descriptors are written as they come.  What was written so far is honest; so nothing is lost but that a
 * stream which is cut leaves no dump.
 */
static enum status withdraw(struct dump_guard *g, struct err *e)
{
	uint8_t head[HEAD_LEN];

	message(MSG_DEBUG, "The order of this stream is unknown: the dump gets its header last.\n");
	g->withdrawn = true;
	cautious_head(g, head);
	return write_head(g, head, 0, 8, e) || release(g, true, e) ? e->status : put_rest(g, e);
}

/* Where data begins is known from the first descriptor that points to some, or from data that comes before it. */
static enum status learn_data_at(struct dump_guard *g, uint64_t at, struct err *e)
{
	uint8_t head[HEAD_LEN];

	if (at < g->next || at >= g->data_at)
		return OK;
	g->data_at = at;
	if (fill_gaps(g, g->form.table_at, at, e))
		return e->status;
	cautious_head(g, head);
	return g->sink->holes_are_zero ? OK : write_head(g, head, 0, 8, e);
}

/* Whole descriptors: those that promise what is not there are missing pages until it is. */
static enum status put_batch(struct dump_guard *g, uint64_t pos, const uint8_t *raw, size_t n, struct err *e)
{
	uint8_t cautious[DESC_TABLE_BATCH * PAGE_DESC_LEN];

	memcpy(cautious, raw, n * PAGE_DESC_LEN);
	for (size_t i = 0; i < n; i++) {
		const uint8_t *d = raw + i * PAGE_DESC_LEN;

		if (is_fulfilled(g, d))
			continue;
		memset(cautious + i * PAGE_DESC_LEN, 0, PAGE_DESC_LEN);
		if (hold(g, pos + i * PAGE_DESC_LEN, d, e))
			return e->status;
	}
	return write_table(g, pos, cautious, n * PAGE_DESC_LEN, e);
}

/* The next bytes of the table. */
static enum status put_next(struct dump_guard *g, const uint8_t *buf, size_t len, struct err *e)
{
	while (len) {
		const uint8_t *raw = buf;
		size_t n = g->part_len ? 0 : (size_t)min_u64(len / PAGE_DESC_LEN, DESC_TABLE_BATCH), taken = n * PAGE_DESC_LEN;

		if (!n) {
			taken = (size_t)min_u64(len, PAGE_DESC_LEN - g->part_len);
			memcpy(g->part + g->part_len, buf, taken);
			g->part_len += taken;
			raw = g->part;
			n = g->part_len == PAGE_DESC_LEN;
		}
		g->next += taken;
		buf += taken;
		len -= taken;
		if (!n)
			break;
		g->part_len = 0;
		for (size_t i = 0; i < n && g->data_at == UINT64_MAX; i++) {
			uint64_t offset = get_u64(raw + i * PAGE_DESC_LEN, g->form.big_endian);

			if (offset && learn_data_at(g, offset, e))
				return e->status;
		}
		if (put_batch(g, g->next - n * PAGE_DESC_LEN, raw, n, e))
			return e->status;
	}
	return OK;
}

/* Bytes of the table: the next ones, or the order is none that we know. */
static enum status put_descs(struct dump_guard *g, uint64_t pos, const uint8_t *buf, size_t len, struct err *e)
{
	if (pos == g->next && g->n_held + len / PAGE_DESC_LEN < HELD_MAX)
		return put_next(g, buf, len, e);
	return withdraw(g, e) ? e->status : put(g, pos, buf, len, e);
}

/* --- the dump ----------------------------------------------------------------------------------------- */

/* How many of the bytes at `pos` are of one kind; *descs says whether they are descriptors. */
static size_t classify(struct dump_guard *g, uint64_t pos, size_t len, bool *descs)
{
	*descs = false;
	if (g->form.kind != KIND_KDUMP || g->withdrawn || pos >= g->data_at)
		return len;
	if (pos < g->form.table_at)
		return (size_t)min_u64(len, g->form.table_at - pos);
	/* descriptors come one behind the other: what is further up is data */
	if (pos > g->next)
		return len;
	*descs = true;
	/* one by one, until they tell where the data begins */
	return (size_t)min_u64(len, g->data_at == UINT64_MAX ? PAGE_DESC_LEN : g->data_at - pos);
}

/* `n` bytes of data came. */
static enum status release_some(struct dump_guard *g, size_t n, struct err *e)
{
	g->came += n;
	g->fresh += n;
	if (g->fresh < min_u64(max_u64(g->came / FRESH_SHARE, FRESH_MIN), FRESH_MAX) && g->n_held < HELD_MAX / 2)
		return OK;
	return release(g, false, e);
}

static enum status put_body(struct dump_guard *g, uint64_t pos, const uint8_t *buf, size_t len, struct err *e)
{
	while (len) {
		bool descs;
		size_t n = classify(g, pos, len, &descs);

		if (descs) {
			if (put_descs(g, pos, buf, n, e))
				return e->status;
		} else {
			if (g->form.kind == KIND_KDUMP && pos >= g->form.table_at && learn_data_at(g, pos, e))
				return e->status;
			if (put(g, pos, buf, n, e) || release_some(g, n, e))
				return e->status;
		}
		pos += n;
		buf += n;
		len -= n;
	}
	return OK;
}

enum status dump_guard_open(struct dump_guard **out, struct sink *sink, struct err *e)
{
	AUTO(dump_guard) *g = calloc(1, sizeof(*g));

	if (!g)
		return err_nomem(e, sizeof(*g));
	g->sink = sink;
	g->data_at = UINT64_MAX;
	/* a header that is there from before would speak for what is written now */
	if (!sink->holes_are_zero && write_out(g, 0, zeros, sizeof(zeros), e))
		return e->status;
	*out = g;
	g = NULL;
	return OK;
}

void dump_guard_close(struct dump_guard *g)
{
	extents_free(&g->written);
	free(g->held);
	free(g);
}

bool dump_guard_is_marked(const struct dump_guard *g)
{
	return g->form.mark && get_u32(g->head + g->form.mark_at, g->form.big_endian) & g->form.mark;
}

enum status dump_guard_write(struct dump_guard *g, uint64_t pos, const uint8_t *buf, size_t len, struct err *e)
{
	if (pos < HEAD_LEN) {
		size_t n = (size_t)min_u64(len, HEAD_LEN - pos);

		if (put_head(g, (size_t)pos, buf, n, e))
			return e->status;
		pos += n;
		buf += n;
		len -= n;
	}
	return len ? put_body(g, pos, buf, len, e) : OK;
}

static enum status finish_all(struct dump_guard *g, struct err *e)
{
	const struct sink_ops *ops = g->sink->ops;

	for (size_t i = 0; i < HEAD_LEN; i++)
		if (g->known[i])
			g->length = max_u64(g->length, i + 1);
	if (release(g, true, e) || put_rest(g, e) || fill_gaps(g, HEAD_LEN, g->length, e) ||
	    ops->set_length(g->sink, g->length, e) || ops->sync(g->sink, e) || write_head(g, g->head, 0, HEAD_LEN, e) ||
	    ops->sync(g->sink, e))
		return e->status;
	return ops->finish(g->sink, e);
}

enum status dump_guard_finish(struct dump_guard *g, struct err *e)
{
	uint8_t head[HEAD_LEN];
	struct err again;
	size_t from = 0, len = 8;

	if (!finish_all(g, e))
		return OK;
	if (g->form.kind == KIND_OTHER)
		return e->status;
	/* nobody can say which header is on the disk */
	if (g->form.kind == KIND_UNKNOWN)
		g->withdrawn = true;
	cautious_head(g, head);
	if (!g->withdrawn) {
		from = (size_t)g->form.mark_at;
		len = sizeof(uint32_t);
	}
	if (all_known(g, from, from + len) && g->sink->ops->amend(g->sink, from, head + from, len, &again))
		err_add(e, "cannot mark it incomplete (%s)", again.text);
	return e->status;
}

void dump_guard_abandon(struct dump_guard *g)
{
	struct err e;

	if (release(g, false, &e))
		message(MSG_DEBUG, "%s\n", e.text);
	if (g->sink->ops->sync(g->sink, &e))
		message(MSG_DEBUG, "%s\n", e.text);
}
