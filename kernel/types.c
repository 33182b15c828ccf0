/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Questions about C types, in a table by name. */
#include "kernel/types.h"

#include <string.h>

static unsigned bucket_of(const char *name, size_t len)
{
	uint32_t h = 2166136261u;

	for (size_t i = 0; i < len; i++)
		h = (h ^ (unsigned char)name[i]) * 16777619u;
	return (h ^ h >> 16) & (TYPE_BUCKETS - 1);
}

static const struct type_question *find(const struct type_questions *qs, enum type_ask ask, const char *type,
					size_t type_len, const char *member)
{
	for (size_t i = qs->first[bucket_of(type, type_len)]; i; i = qs->next[i - 1]) {
		const struct type_question *q = &qs->of[i - 1];

		if (q->ask == ask && strlen(q->type) == type_len && !memcmp(q->type, type, type_len) &&
		    !strcmp(q->member, member))
			return q;
	}
	return NULL;
}

void type_questions_add(struct type_questions *qs, enum type_ask ask, const char *type, size_t type_len,
			const char *member)
{
	struct type_question *q = &qs->of[qs->n];
	uint16_t *first = &qs->first[bucket_of(type, type_len)];

	if (qs->n == TYPE_QUESTIONS_MAX || type_len >= TYPE_NAME_MAX || strlen(member) >= TYPE_NAME_MAX ||
	    find(qs, ask, type, type_len, member))
		return;
	*q = (struct type_question){ .ask = ask };
	memcpy(q->type, type, type_len);
	strcpy(q->member, member);
	qs->next[qs->n] = *first;
	*first = (uint16_t)++qs->n;
}

bool type_questions_answer(const struct type_questions *qs, enum type_ask ask, const char *type, size_t type_len,
			   const char *member, uint64_t *value)
{
	const struct type_question *q = find(qs, ask, type, type_len, member);

	if (!q || !q->known)
		return false;
	*value = q->value;
	return true;
}

struct type_question *type_questions_next(struct type_questions *qs, const struct type_question *q, const char *name,
					  unsigned asks)
{
	size_t i = q ? qs->next[q - qs->of] : qs->first[bucket_of(name, strlen(name))];

	for (; i; i = qs->next[i - 1])
		if (!qs->of[i - 1].settled && asks >> qs->of[i - 1].ask & 1 && !strcmp(qs->of[i - 1].type, name))
			return &qs->of[i - 1];
	return NULL;
}

size_t type_questions_open(const struct type_questions *qs)
{
	size_t n = 0;

	for (size_t i = 0; i < qs->n; i++)
		n += !qs->of[i].settled;
	return n;
}
