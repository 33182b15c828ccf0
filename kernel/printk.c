/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The kernel's log: which form it has, and how its messages become lines. */
#include "kernel/printk.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/bytes.h"
#include "kernel/printk_logs.h"
#include "print_info.h"

#define PIECE 4096

/* Newest first: what a kernel exports tells which one it has. */
static const struct printk_form *const forms[] = { &printk_ring, &printk_records, &printk_text };

static enum status choose(struct printk *p, struct err *e)
{
	const struct facts *f = &p->k->facts;
	char label[80];

	for (size_t i = 0; i < ARRAY_SIZE(forms) && !p->form; i++)
		if (fact_known(f, forms[i]->sign))
			p->form = forms[i];
	if (!p->form)
		return err_set(e, E_MISSING,
			       "where the kernel's log is remains unknown: no SYMBOL of prb, log_first_idx "
			       "or log_end");
	for (size_t i = 0; i < p->form->n_needs; i++)
		if (!fact_known(f, p->form->needs[i]))
			return err_set(e, E_MISSING, "the kernel's log cannot be read: %s is unknown",
				       fact_label(f, p->form->needs[i], label, sizeof(label)));
	message(MSG_DEBUG, "kernel log   : %s\n", p->form->name);
	return OK;
}

enum status printk_open(struct printk **out, const struct kernel *k, struct err *e)
{
	AUTO(printk) *p = calloc(1, sizeof(*p));

	if (!p)
		return err_nomem(e, sizeof(*p));
	p->k = k;
	if (kmem_open(&p->km, k, e) || choose(p, e))
		return e->status;
	if (p->form->find(p, e))
		return err_add(e, "the kernel's log");
	*out = p;
	p = NULL;
	return OK;
}

void printk_close(struct printk *p)
{
	if (p->km)
		kmem_close(p->km);
	free(p);
}

/* --- numbers ---------------------------------------------------------------------------------------------- */

enum status printk_read(struct printk *p, vaddr_t at, unsigned bytes, uint64_t *value, struct err *e)
{
	bool big = p->k->target.big_endian;
	uint8_t raw[8];

	if (kmem_read(p->km, at, raw, bytes, e)) {
		p->unreadable++;
		return e->status;
	}
	*value = bytes == 2 ? get_u16(raw, big) : bytes == 4 ? get_u32(raw, big) : get_u64(raw, big);
	return OK;
}

enum status printk_read_long(struct printk *p, vaddr_t at, uint64_t *value, struct err *e)
{
	return printk_read(p, at, p->k->target.long_bytes, value, e);
}

/* --- text ------------------------------------------------------------------------------------------------- */

static enum status flush(struct printk *p, struct err *e)
{
	size_t len = p->out_len;

	p->out_len = 0;
	return len ? p->put(p->data, p->out, len, e) : OK;
}

static enum status put(struct printk *p, const char *text, size_t len, struct err *e)
{
	while (len) {
		size_t n = (size_t)min_u64(len, OUT_BYTES - p->out_len);

		memcpy(p->out + p->out_len, text, n);
		p->out_len += n;
		text += n;
		len -= n;
		if (p->out_len == OUT_BYTES && flush(p, e))
			return e->status;
	}
	return OK;
}

/* As it is where it is text, in hexadecimal where a terminal could take offence; further lines are indented. */
static enum status put_escaped(struct printk *p, const uint8_t *text, size_t len, unsigned indent, struct err *e)
{
	for (size_t i = 0; i < len; i++) {
		uint8_t c = text[i];
		char hex[8];

		if (c == '\n') {
			char blanks[64];

			memset(blanks, ' ', sizeof(blanks));
			blanks[0] = '\n';
			if (put(p, blanks, 1 + min_u64(indent, sizeof(blanks) - 1), e))
				return e->status;
		} else if ((c >= ' ' && c <= '~') || (c >= '\t' && c <= '\r')) {
			if (put(p, (const char *)&c, 1, e))
				return e->status;
		} else {
			snprintf(hex, sizeof(hex), "\\x%02x", c);
			if (put(p, hex, 4, e))
				return e->status;
		}
	}
	return OK;
}

/* indent < 0: raw */
static enum status put_memory(struct printk *p, vaddr_t at, uint64_t len, int indent, struct err *e)
{
	while (len && !printk_is_lost(p)) {
		size_t n = (size_t)min_u64(len, PIECE - at % PIECE);
		uint8_t piece[PIECE];
		enum status st;
		struct err why;

		if (kmem_read(p->km, at, piece, n, &why)) {
			p->unreadable++;
			printk_damage(p, "%s", why.text);
		} else if ((st = indent < 0 ? put(p, (const char *)piece, n, e) :
					      put_escaped(p, piece, n, (unsigned)indent, e))) {
			return st;
		}
		at += n;
		len -= n;
	}
	return OK;
}

enum status printk_put_raw(struct printk *p, vaddr_t at, uint64_t len, struct err *e)
{
	return put_memory(p, at, len, -1, e);
}

enum status printk_put_line(struct printk *p, const struct printk_line *line, struct err *e)
{
	char prefix[64], caller[16];
	int len;

	len = snprintf(prefix, sizeof(prefix), "[%5" PRIu64 ".%06" PRIu64 "] ", line->ts_nsec / 1000000000,
		       line->ts_nsec % 1000000000 / 1000);
	if (line->has_caller) {
		snprintf(caller, sizeof(caller), "%c%" PRIu32, line->caller >> 31 ? 'C' : 'T',
			 line->caller & 0x7fffffff);
		len += snprintf(prefix + len, sizeof(prefix) - (size_t)len, "[%8s] ", caller);
	}
	if (put(p, prefix, (size_t)len, e) || put_memory(p, line->text, line->text_len, len, e))
		return e->status;
	return put(p, "\n", 1, e);
}

void printk_damage(struct printk *p, const char *fmt, ...)
{
	va_list ap;

	if (p->damages++)
		return;
	va_start(ap, fmt);
	vsnprintf(p->damage, sizeof(p->damage), fmt, ap);
	va_end(ap);
}

enum status printk_write(struct printk *p, bool since_clear, printk_put_fn *put_fn, void *data, struct err *e)
{
	p->put = put_fn;
	p->data = data;
	p->out_len = 0;
	p->damages = 0;
	p->unreadable = 0;
	if (p->form->walk(p, since_clear, e) || flush(p, e))
		return e->status;
	if (p->damages)
		return err_set(e, E_FORMAT,
			       "the kernel's log is damaged in %" PRIu64 " %s, what can be read is written: %s",
			       p->damages, p->damages == 1 ? "place" : "places", p->damage);
	return OK;
}
