/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is known of the dumped kernel: symbols, sizes, offsets, lengths and numbers, and who said so. */
#ifndef KERNEL_FACTS_H
#define KERNEL_FACTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum fact_kind {
	FACT_SYMBOL,
	FACT_SIZE,
	FACT_OFFSET,
	FACT_LENGTH,
	FACT_NUMBER,
	FACT_LINE, /* only in VMCOREINFO: KEY=hexadecimal digits */
	FACT_FLAG, /* only in VMCOREINFO: KEY=y; 1 */
};

enum fact_id {
#define FACT(id, kind, name, since) F_##id,
#define SAME(id, kind, name, since)
#include "kernel/facts.def"
#undef FACT
#undef SAME
	N_FACTS
};

struct fact {
	bool known;
	uint64_t value;	  /* negative numbers in two's complement */
	const char *name; /* the name under which it was found, e.g. "page.flags" */
	const char *from; /* the source that answered, NULL when unknown */
};

struct facts {
	struct fact of[N_FACTS];
};

/* Somebody who may know facts: VMCOREINFO text, debug information. */
struct fact_source {
	const char *name;
	void *data;
	/* Finds one row's value; false when this source does not know it. */
	bool (*find)(const struct fact_source *s, enum fact_kind kind, const char *name, uint64_t *value);
};

/* Asks the sources in turn for every fact that is not known yet. */
void facts_fill(struct facts *f, const struct fact_source *sources, size_t n);

/* Takes over what `from` knows and `to` does not. */
void facts_add(struct facts *to, const struct facts *from);

static inline bool fact_known(const struct facts *f, enum fact_id id)
{
	return f->of[id].known;
}

static inline uint64_t fact(const struct facts *f, enum fact_id id)
{
	return f->of[id].value;
}

static inline uint64_t fact_or(const struct facts *f, enum fact_id id, uint64_t otherwise)
{
	return f->of[id].known ? f->of[id].value : otherwise;
}

/* The i-th row of facts.def: a fact may have several, one for each name it has had.  False after the last. */
bool facts_row(size_t i, enum fact_id *id, enum fact_kind *kind, const char **name);

enum fact_kind fact_kind_of(enum fact_id id);
const char *fact_first_name(enum fact_id id);

/* As VMCOREINFO writes it, "OFFSET(page.flags)": the name it was found by, else the first it has had. */
const char *fact_label(const struct facts *f, enum fact_id id, char *buf, size_t len);

/* Lists all rows with value and source as debug messages. */
void facts_list(const struct facts *f);

#endif
