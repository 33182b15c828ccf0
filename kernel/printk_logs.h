/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The three forms of the kernel's log behind printk.c. */
#ifndef KERNEL_PRINTK_LOGS_H
#define KERNEL_PRINTK_LOGS_H

#include <stdint.h>

#include "kernel/kernel.h"
#include "kernel/kmem.h"
#include "kernel/printk.h"

#define LOG_BYTES_MAX (UINT64_C(1) << 31) /* no kernel takes a larger log_buf_len */
#define OUT_BYTES 16384
#define UNREADABLE_MAX 65536
/* A header larger than this is none: kernels have 16 to 112 bytes. */
#define LOG_STRUCT_MAX 4096

struct printk_form {
	const char *name;
	enum fact_id sign; /* kernels that have this have a log of this form */
	enum fact_id needs[20];
	size_t n_needs;
	/* Reads what describes the log. */
	enum status (*find)(struct printk *p, struct err *e);
	enum status (*walk)(struct printk *p, bool since_clear, struct err *e);
};
extern const struct printk_form printk_text, printk_records, printk_ring;

struct text_log {
	vaddr_t buf;
	uint64_t len, written; /* size of the buffer; all bytes ever logged */
};

struct record_log {
	vaddr_t buf;
	uint64_t len, first, next; /* size of the buffer; positions of the oldest record and behind the newest */
	uint64_t header;	   /* bytes of a record before its text */
};

struct ring_log {
	vaddr_t descs, infos, data;
	unsigned count_bits, size_bits;
	bool bits_guessed;	     /* one of them cannot be right and was derived from the other */
	uint64_t head, tail;	     /* ids of the newest and the oldest descriptor */
	uint64_t long_mask, id_mask; /* bits of a long, and of an id: the two highest bits are the state */
};

struct printk {
	const struct kernel *k;
	struct kmem *km;
	const struct printk_form *form;
	union {
		struct text_log text;
		struct record_log records;
		struct ring_log ring;
	};
	/* during printk_write() */
	printk_put_fn *put;
	void *data;
	uint64_t unreadable; /* reads that failed; walks skip what is left of the page */
	uint64_t damages;
	char damage[200]; /* the first one */
	char out[OUT_BYTES];
	size_t out_len;
};

/* What is wrong with the log; it goes on, and the first of all these is the error at its end. */
void printk_damage(struct printk *p, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* Bytes of the log's memory as they are; what cannot be read is left out, and damage. */
enum status printk_put_raw(struct printk *p, vaddr_t at, uint64_t len, struct err *e) MUST_CHECK;

struct printk_line {
	uint64_t ts_nsec;
	bool has_caller;
	uint32_t caller; /* bit 31: a processor, else a thread */
	vaddr_t text;
	uint64_t text_len;
};
/* One message with its prefix; further lines of it are indented. */
enum status printk_put_line(struct printk *p, const struct printk_line *line, struct err *e) MUST_CHECK;

/* A number of 2, 4 or 8 bytes, or a long, of the dump. */
enum status printk_read(struct printk *p, vaddr_t at, unsigned bytes, uint64_t *value, struct err *e) MUST_CHECK;
enum status printk_read_long(struct printk *p, vaddr_t at, uint64_t *value, struct err *e) MUST_CHECK;

/* No log has so many bad pages: what seems to be one lies where no memory is, and has no end worth waiting for. */
static inline bool printk_is_lost(const struct printk *p)
{
	return p->unreadable > UNREADABLE_MAX;
}

/* A symbol, or an offset within what lies at `base`. */
static inline vaddr_t printk_symbol(const struct printk *p, enum fact_id symbol)
{
	return fact(&p->k->facts, symbol);
}

static inline vaddr_t printk_field(const struct printk *p, vaddr_t base, enum fact_id offset)
{
	return base + fact(&p->k->facts, offset);
}

#endif
