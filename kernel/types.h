/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Questions about C types, as BTF and DWARF can answer them. */
#ifndef KERNEL_TYPES_H
#define KERNEL_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum type_ask {
	ASK_SIZE,	     /* bytes of a struct, a union, or what a typedef stands for */
	ASK_OFFSET,	     /* of a member; members of unnamed members belong to the type, too */
	ASK_MEMBER_LENGTH,   /* elements of a member that is an array */
	ASK_ENUMERATOR,	     /* the value of a constant of an enum with a name */
	ASK_VARIABLE_LENGTH, /* elements of a variable that is an array: only DWARF knows */
};
#define ASK_KINDS 5

#define TYPE_NAME_MAX 32
/* Deeper nesting of unnamed members, and longer chains of typedefs and qualifiers, are nonsense. */
#define TYPE_DEPTH_MAX 16

struct type_question {
	enum type_ask ask;
	char type[TYPE_NAME_MAX];   /* or the variable */
	char member[TYPE_NAME_MAX]; /* or the constant; empty where nothing is asked of a part */
	bool settled;		    /* needs not be asked any more: known, or the type is, and lacks it */
	bool known;
	uint64_t value;
};

/* Questions, found by the names of their types. */
#define TYPE_QUESTIONS_MAX 400
#define TYPE_BUCKETS 256 /* a power of two */
struct type_questions {
	struct type_question of[TYPE_QUESTIONS_MAX];
	size_t n;
	uint16_t first[TYPE_BUCKETS], next[TYPE_QUESTIONS_MAX]; /* index + 1; 0 ends a chain */
};

/*
 * Adds a question if it is not there yet; `type` has `type_len` bytes.  Names that are too long, and questions beyond
 * the last place, are never answered.
 */
void type_questions_add(struct type_questions *qs, enum type_ask ask, const char *type, size_t type_len,
			const char *member);

/* The answer to a question that was added; false when there is none. */
bool type_questions_answer(const struct type_questions *qs, enum type_ask ask, const char *type, size_t type_len,
			   const char *member, uint64_t *value);

/*
 * The next open question about the name, after `q` (NULL: the first).  `asks` are bits of enum type_ask.  Open is
 * what is not settled.
 */
struct type_question *type_questions_next(struct type_questions *qs, const struct type_question *q, const char *name,
					  unsigned asks);

/* How many are not settled. */
size_t type_questions_open(const struct type_questions *qs);

#endif
