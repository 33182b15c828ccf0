/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One loop that fills the table of facts. */
#include "kernel/facts.h"

#include <inttypes.h>
#include <stdio.h>

#include "makedumpfile.h"
#include "print_info.h"

#define SYMBOL FACT_SYMBOL
#define SIZE FACT_SIZE
#define OFFSET FACT_OFFSET
#define LENGTH FACT_LENGTH
#define NUMBER FACT_NUMBER
#define LINE FACT_LINE
#define FLAG FACT_FLAG

static const struct fact_row {
	enum fact_id id;
	enum fact_kind kind;
	const char *name;
	const char *since;
} rows[] = {
#define FACT(id, kind, name, since) { F_##id, kind, name, since },
#define SAME(id, kind, name, since) { F_##id, kind, name, since },
#include "kernel/facts.def"
#undef FACT
#undef SAME
};

static const char *const kind_names[] = {
	[FACT_SYMBOL] = "SYMBOL", [FACT_SIZE] = "SIZE",	    [FACT_OFFSET] = "OFFSET",
	[FACT_LENGTH] = "LENGTH", [FACT_NUMBER] = "NUMBER",
};

void facts_fill(struct facts *f, const struct fact_source *sources, size_t n)
{
	for (size_t s = 0; s < n; s++)
		for (size_t r = 0; r < ARRAY_SIZE(rows); r++) {
			struct fact *to = &f->of[rows[r].id];
			uint64_t value;

			if (to->known || !sources[s].find(&sources[s], rows[r].kind, rows[r].name, &value))
				continue;
			*to = (struct fact){ true, value, rows[r].name, sources[s].name };
		}
}

void facts_add(struct facts *to, const struct facts *from)
{
	for (size_t i = 0; i < N_FACTS; i++)
		if (!to->of[i].known)
			to->of[i] = from->of[i];
}

static const struct fact_row *row_of(const struct facts *f, enum fact_id id)
{
	const struct fact_row *row = rows;

	/* every fact has a row, and a known one was found by one of its rows */
	while (row->id != id || (f->of[id].known && f->of[id].name != row->name))
		row++;
	return row;
}

bool facts_row(size_t i, enum fact_id *id, enum fact_kind *kind, const char **name)
{
	if (i >= ARRAY_SIZE(rows))
		return false;
	*id = rows[i].id;
	*kind = rows[i].kind;
	*name = rows[i].name;
	return true;
}

enum fact_kind fact_kind_of(enum fact_id id)
{
	static const struct facts none;

	return row_of(&none, id)->kind;
}

const char *fact_first_name(enum fact_id id)
{
	static const struct facts none;

	return row_of(&none, id)->name;
}

static const char *row_label(const struct fact_row *row, char *buf, size_t len)
{
	/* the others are whole keys by themselves */
	if (row->kind < ARRAY_SIZE(kind_names))
		snprintf(buf, len, "%s(%s)", kind_names[row->kind], row->name);
	else
		snprintf(buf, len, "%s", row->name);
	return buf;
}

const char *fact_label(const struct facts *f, enum fact_id id, char *buf, size_t len)
{
	return row_label(row_of(f, id), buf, len);
}

void facts_list(const struct facts *f)
{
	if (!message_shows(MSG_DEBUG))
		return;
	for (size_t i = 0; i < N_FACTS; i++) {
		const struct fact_row *row = row_of(f, (enum fact_id)i);
		char label[64];

		row_label(row, label, sizeof(label));
		if (!f->of[i].known)
			message(MSG_DEBUG, "%s is unknown (%s)\n", label, row->since);
		else if (row->kind == FACT_SYMBOL || row->kind == FACT_LINE)
			message(MSG_DEBUG, "%s = %" PRIx64 " (%s)\n", label, f->of[i].value, f->of[i].from);
		else
			message(MSG_DEBUG, "%s = %" PRId64 " (%s)\n", label, (int64_t)f->of[i].value, f->of[i].from);
	}
}
