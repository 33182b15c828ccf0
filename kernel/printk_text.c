/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The kernel's log before 3.5: a ring of text, and the number of bytes that were ever written into it. */
#include "base/bytes.h"
#include "kernel/printk_logs.h"
#include "print_info.h"

static enum status text_find(struct printk *p, struct err *e)
{
	struct text_log *log = &p->text;
	enum status st;

	if (printk_read_long(p, printk_symbol(p, F_log_buf), &log->buf, e) ||
	    printk_read(p, printk_symbol(p, F_log_buf_len), 4, &log->len, e))
		return e->status;
	if (!log->len || log->len > LOG_BYTES_MAX)
		return err_set(e, E_FORMAT, "log_buf_len is %llu", (unsigned long long)log->len);
	/* an unsigned long until 2.6.24 */
	st = p->k->version && p->k->version < KVERSION(2, 6) + 25 ?
		     printk_read_long(p, printk_symbol(p, F_log_end), &log->written, e) :
		     printk_read(p, printk_symbol(p, F_log_end), 4, &log->written, e);
	return st;
}

/* How many of the last bytes are new since the log was cleared. */
static uint64_t count_since_clear(struct printk *p, uint64_t have)
{
	uint64_t chars;
	struct err why;

	if (!fact_known(&p->k->facts, F_logged_chars)) {
		message(MSG_COMMON, "SYMBOL(logged_chars) is unknown: all of the log is written.\n");
		return have;
	}
	if (printk_read(p, printk_symbol(p, F_logged_chars), 4, &chars, &why)) {
		printk_damage(p, "%s", why.text);
		return have;
	}
	return min_u64(chars, have);
}

static enum status text_walk(struct printk *p, bool since_clear, struct err *e)
{
	const struct text_log *log = &p->text;
	uint64_t have = min_u64(log->written, log->len), start, n;

	if (since_clear)
		have = count_since_clear(p, have);
	start = (log->written - have) & (log->len - 1);
	if (log->len & (log->len - 1)) {
		/* where the text begins is not to be told: as it lies in memory */
		printk_damage(p, "log_buf_len is %llu, no power of two", (unsigned long long)log->len);
		start = 0;
	}
	n = min_u64(have, log->len - start);
	if (printk_put_raw(p, log->buf + start, n, e))
		return e->status;
	return printk_put_raw(p, log->buf, have - n, e);
}

const struct printk_form printk_text = {
	.name = "text",
	.sign = F_log_end,
	.needs = { F_log_buf, F_log_buf_len },
	.n_needs = 2,
	.find = text_find,
	.walk = text_walk,
};
