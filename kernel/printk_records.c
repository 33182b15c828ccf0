/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The kernel's log from 3.5 to 5.9: records one behind the other in a ring; one of length 0 says "go on at 0". */
#include "base/bytes.h"
#include "kernel/printk_logs.h"
#include "print_info.h"

/* Every machine aligns records to 4 or 8 bytes: lengths are multiples of this, and less than 8 bytes are padding. */
#define ALIGNMENT 4
#define PADDING_MAX 7
/* No more than this is searched for a record: where log_buf_len is wrong there may be all of memory. */
#define SEARCH_BYTES_MAX (UINT64_C(16) << 20)

struct record {
	uint64_t len, text_len;
	uint64_t want; /* length that its parts ask for, 0: not known */
};

/* Part of the ring, walked from `from` up to `to`. */
struct stretch {
	uint64_t from, to;
	bool may_end; /* a record of length 0 ends it */
	bool doubt;   /* where it starts there may be no record */
};

/* What a walk does with the records that it finds. */
struct visit {
	uint64_t clear;	  /* position of the first record after the log was cleared */
	bool only_search; /* find it, put nothing */
	bool found, putting;
	uint64_t searched; /* bytes in which there may be no record */
};

static enum status records_find(struct printk *p, struct err *e)
{
	struct record_log *log = &p->records;

	if (printk_read_long(p, printk_symbol(p, F_log_buf), &log->buf, e) ||
	    printk_read(p, printk_symbol(p, F_log_buf_len), 4, &log->len, e) ||
	    printk_read(p, printk_symbol(p, F_log_first), 4, &log->first, e) ||
	    printk_read(p, printk_symbol(p, F_log_next), 4, &log->next, e))
		return e->status;
	log->header = fact(&p->k->facts, F_record_size);
	if (!log->header || log->header > LOG_STRUCT_MAX)
		return err_set(e, E_FORMAT, "records have a header of %llu bytes", (unsigned long long)log->header);
	if (log->len < log->header || log->len > LOG_BYTES_MAX)
		return err_set(e, E_FORMAT, "log_buf_len is %llu", (unsigned long long)log->len);
	return OK;
}

/* Reads lengths only; false: there cannot be a record that ends at or before `to`. */
static bool look(struct printk *p, uint64_t pos, uint64_t to, struct record *r, struct err *why)
{
	const struct record_log *log = &p->records;
	uint64_t dict_len;

	if (to - pos < log->header)
		return err_set(why, E_FORMAT, "%llu bytes are too few for a record", (unsigned long long)(to - pos)),
		       false;
	if (printk_read(p, printk_field(p, log->buf + pos, F_record_len), 2, &r->len, why) ||
	    printk_read(p, printk_field(p, log->buf + pos, F_record_text_len), 2, &r->text_len, why))
		return false;
	r->want = 0;
	if (fact_known(&p->k->facts, F_record_dict_len)) {
		if (printk_read(p, printk_field(p, log->buf + pos, F_record_dict_len), 2, &dict_len, why))
			return false;
		r->want = round_up_u64(log->header + r->text_len + dict_len, ALIGNMENT);
	}
	if (r->len >= log->header && r->len <= to - pos)
		return true;
	return err_set(why, E_FORMAT, "a record at %#llx has a length of %llu bytes", (unsigned long long)pos,
		       (unsigned long long)r->len),
	       false;
}

/* Lengths that agree with one another: by these a record is told from whatever else may lie there. */
static bool agrees(const struct printk *p, const struct record *r)
{
	return r->len % ALIGNMENT == 0 && p->records.header + r->text_len <= r->len &&
	       (!r->want || r->len - r->want <= PADDING_MAX);
}

/*
 * Does the record of length 0 at `pos` say "go on at 0"?  It is put where the next record, the one that is at 0 then,
 * and a header do not fit before the end of the ring.
 */
static bool ends(struct printk *p, uint64_t pos, const struct stretch *s)
{
	struct record at, first;
	struct err why;

	if (!s->may_end || look(p, pos, s->to, &at, &why) || why.status != E_FORMAT || s->to - pos < p->records.header)
		return false;
	return !at.len && look(p, 0, s->to, &first, &why) && pos + first.len + p->records.header > p->records.len;
}

/* Is there a record at `pos` with another one, or the end, behind it? */
static bool chains(struct printk *p, uint64_t pos, const struct stretch *s)
{
	struct record r, next;
	struct err why;

	if (!look(p, pos, s->to, &r, &why) || !agrees(p, &r))
		return false;
	if (pos + r.len == s->to)
		return true;
	if (look(p, pos + r.len, s->to, &next, &why))
		return agrees(p, &next);
	return ends(p, pos + r.len, s);
}

/* Puts the record; text that runs over its end is cut. */
static enum status put_record(struct printk *p, uint64_t pos, const struct record *r, struct err *e)
{
	const struct record_log *log = &p->records;
	struct printk_line line = { .has_caller = fact_known(&p->k->facts, F_record_caller) };
	uint64_t caller = 0;
	struct err why;

	line.text = log->buf + pos + log->header;
	line.text_len = min_u64(r->text_len, r->len - log->header);
	if (printk_read(p, printk_field(p, log->buf + pos, F_record_ts), 8, &line.ts_nsec, &why) ||
	    (line.has_caller && printk_read(p, printk_field(p, log->buf + pos, F_record_caller), 4, &caller, &why))) {
		printk_damage(p, "%s", why.text);
		return OK;
	}
	line.caller = (uint32_t)caller;
	return printk_put_line(p, &line, e);
}

/* The length to go on by: the record's own unless only what its parts ask for leads to a record. */
static uint64_t step_of(struct printk *p, uint64_t pos, const struct record *r, const struct stretch *s)
{
	if (!r->want || agrees(p, r) || r->want == r->len || r->want > s->to - pos)
		return r->len;
	return pos + r->want == s->to || chains(p, pos + r->want, s) ? r->want : r->len;
}

static enum status visit_at(struct printk *p, uint64_t pos, const struct record *r, struct visit *v, struct err *e)
{
	if (pos == v->clear)
		v->found = v->putting = true;
	return r && v->putting && !v->only_search ? put_record(p, pos, r, e) : OK;
}

/*
 * Positions only rise, and never pass the end: a walk is over after as many steps as the ring has words.  Behind a
 * record that cannot be right the next one is looked for, for a while.
 */
static enum status walk_stretch(struct printk *p, const struct stretch *s, struct visit *v, struct err *e)
{
	bool doubt = s->doubt;
	uint64_t pos = s->from;

	while (pos < s->to) {
		struct record r = { 0, 0, 0 };
		struct err why = { OK, 0, "" };
		bool good = look(p, pos, s->to, &r, &why);

		if (good && (!doubt || chains(p, pos, s))) {
			if (!agrees(p, &r))
				printk_damage(p, "a record at %#llx of %llu bytes does not fit its parts",
					      (unsigned long long)pos, (unsigned long long)r.len);
			if (visit_at(p, pos, &r, v, e))
				return e->status;
			doubt = false;
			pos += step_of(p, pos, &r, s);
			continue;
		}
		if (!good && !doubt && ends(p, pos, s))
			return visit_at(p, pos, NULL, v, e);
		if (!doubt)
			printk_damage(p, "%s", why.text);
		doubt = true;
		/* nothing of a page can be read when a word of it cannot */
		if (why.status == E_FORMAT || good) {
			pos += ALIGNMENT;
			v->searched += ALIGNMENT;
		} else {
			pos += PAGE_SIZE_MIN - (p->records.buf + pos) % PAGE_SIZE_MIN;
		}
		if (v->searched >= SEARCH_BYTES_MAX || printk_is_lost(p))
			return OK;
	}
	return OK;
}

/* The ring as one or two stretches, oldest record first. */
static size_t cut(struct printk *p, struct stretch s[2])
{
	const struct record_log *log = &p->records;
	bool first_good = log->first < log->len, next_good = log->next <= log->len;

	if (!first_good)
		printk_damage(p, "log_first_idx is %#llx", (unsigned long long)log->first);
	if (!next_good)
		printk_damage(p, "log_next_idx is %#llx", (unsigned long long)log->next);
	if (first_good && next_good && log->first <= log->next) {
		s[0] = (struct stretch){ log->first, log->next, false, false };
		return 1;
	}
	/* without one of the two: once around from the other */
	s[0] = (struct stretch){ first_good ? log->first : next_good ? log->next : 0, log->len, true, !first_good };
	s[1] = (struct stretch){ 0, next_good ? log->next : first_good ? log->first : 0, false, false };
	return 2;
}

static enum status walk_all(struct printk *p, struct visit *v, struct err *e)
{
	struct stretch s[2];
	size_t n = cut(p, s);

	for (size_t i = 0; i < n; i++)
		if (walk_stretch(p, &s[i], v, e))
			return e->status;
	return OK;
}

/*
 * The kernel notices only when it reads them that what clear_idx and clear_seq meant was overwritten: everything that
 * is left is new then.  Where the numbers of messages are not known, it is no record's position any more, if not by
 * chance; and 0 is where it is before anybody clears.
 */
static enum status is_overwritten(struct printk *p, struct visit *v, bool *overwritten, struct err *e)
{
	const struct facts *f = &p->k->facts;
	uint64_t clear_seq, first_seq;
	struct err why;

	if (fact_known(f, F_clear_seq) && fact_known(f, F_log_first_seq) &&
	    !printk_read(p, printk_symbol(p, F_clear_seq), 8, &clear_seq, &why) &&
	    !printk_read(p, printk_symbol(p, F_log_first_seq), 8, &first_seq, &why)) {
		*overwritten = clear_seq < first_seq;
		return OK;
	}
	v->only_search = true;
	if (walk_all(p, v, e))
		return e->status;
	v->only_search = false;
	v->searched = 0;
	p->damages = 0;
	*overwritten = v->clear == 0 || (!v->found && v->clear != p->records.next);
	return OK;
}

static enum status find_clear(struct printk *p, struct visit *v, struct err *e)
{
	bool overwritten = false;
	struct err why;

	if (!fact_known(&p->k->facts, F_log_clear)) {
		message(MSG_COMMON, "SYMBOL(clear_idx) is unknown: all of the log is written.\n");
		return OK;
	}
	if (printk_read(p, printk_symbol(p, F_log_clear), 4, &v->clear, &why)) {
		printk_damage(p, "%s", why.text);
		return OK;
	}
	if (is_overwritten(p, v, &overwritten, e))
		return e->status;
	v->putting = overwritten;
	return OK;
}

static enum status records_walk(struct printk *p, bool since_clear, struct err *e)
{
	struct visit v = { .clear = UINT64_MAX, .putting = true };

	if (since_clear && find_clear(p, &v, e))
		return e->status;
	return walk_all(p, &v, e);
}

const struct printk_form printk_records = {
	.name = "records",
	.sign = F_log_first,
	.needs = { F_log_buf, F_log_buf_len, F_log_next, F_record_size, F_record_ts, F_record_len, F_record_text_len },
	.n_needs = 7,
	.find = records_find,
	.walk = records_walk,
};
