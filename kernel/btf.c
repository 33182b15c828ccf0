/* SPDX-License-Identifier: GPL-2.0-or-later */
/* C types from BTF: one pass over all types, then those whose names are asked for. */
#include "kernel/btf.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/cleanup.h"

#define BTF_MAGIC 0xeb9f
#define HEADER_LEN 24
#define TYPE_LEN 12
/* A kernel needs a tenth of it: so many members and constants are compared, however types are nested. */
#define STEPS_MAX 4000000
#define ASKS_OF_STRUCT (1u << ASK_SIZE | 1u << ASK_OFFSET | 1u << ASK_MEMBER_LENGTH)
#define ASKS_OF_TYPES (ASKS_OF_STRUCT | 1u << ASK_ENUMERATOR)

enum kind {
	KIND_INT = 1,
	KIND_PTR = 2,
	KIND_ARRAY = 3,
	KIND_STRUCT = 4,
	KIND_UNION = 5,
	KIND_ENUM = 6,
	KIND_TYPEDEF = 8,
	KIND_VOLATILE = 9,
	KIND_CONST = 10,
	KIND_RESTRICT = 11,
	KIND_FLOAT = 16,
	KIND_TYPE_TAG = 18,
	KIND_ENUM64 = 19,
};

/* What follows the three words of a type: so many bytes, and so many for each of vlen. */
static const struct kind_shape {
	bool exists;
	uint8_t fixed, each;
} shapes[] = {
	[1] = { true, 4, 0 },	/* INT */
	[2] = { true, 0, 0 },	/* PTR */
	[3] = { true, 12, 0 },	/* ARRAY */
	[4] = { true, 0, 12 },	/* STRUCT */
	[5] = { true, 0, 12 },	/* UNION */
	[6] = { true, 0, 8 },	/* ENUM */
	[7] = { true, 0, 0 },	/* FWD */
	[8] = { true, 0, 0 },	/* TYPEDEF */
	[9] = { true, 0, 0 },	/* VOLATILE */
	[10] = { true, 0, 0 },	/* CONST */
	[11] = { true, 0, 0 },	/* RESTRICT */
	[12] = { true, 0, 0 },	/* FUNC */
	[13] = { true, 0, 8 },	/* FUNC_PROTO */
	[14] = { true, 4, 0 },	/* VAR */
	[15] = { true, 0, 12 }, /* DATASEC */
	[16] = { true, 0, 0 },	/* FLOAT */
	[17] = { true, 4, 0 },	/* DECL_TAG */
	[18] = { true, 0, 0 },	/* TYPE_TAG */
	[19] = { true, 0, 12 }, /* ENUM64 */
};

struct btf {
	const uint8_t *types;
	size_t types_len;
	const char *strings; /* the last byte is NUL */
	size_t strings_len;
	bool big_endian;
	uint32_t *at; /* offset of each type; number 0 is void */
	size_t n;     /* numbers are below */
	uint32_t steps;
};

/* One decoded type, within bounds. */
struct type {
	enum kind kind;
	bool kind_flag;
	uint32_t name, vlen, size_or_type;
	const uint8_t *rest;
};

static const char *string_at(const struct btf *b, uint32_t at)
{
	return at < b->strings_len ? b->strings + at : "";
}

static struct type type_at(const struct btf *b, size_t at)
{
	const uint8_t *p = b->types + at;
	uint32_t info = get_u32(p + 4, b->big_endian);

	return (struct type){
		.name = get_u32(p, b->big_endian),
		.kind = info >> 24 & 0x1f,
		.kind_flag = info >> 31,
		.vlen = info & 0xffff,
		.size_or_type = get_u32(p + 8, b->big_endian),
		.rest = p + TYPE_LEN,
	};
}

/* The type with this number after typedefs and qualifiers; false for void and for nonsense. */
static bool real_type(const struct btf *b, uint32_t id, struct type *t)
{
	for (unsigned depth = 0; depth < TYPE_DEPTH_MAX; depth++) {
		if (!id || id >= b->n)
			return false;
		*t = type_at(b, b->at[id]);
		switch (t->kind) {
		case KIND_TYPEDEF:
		case KIND_VOLATILE:
		case KIND_CONST:
		case KIND_RESTRICT:
		case KIND_TYPE_TAG:
			id = t->size_or_type;
			break;
		default:
			return true;
		}
	}
	return false;
}

/* Finds a member by name, in unnamed members too; *id is its type. */
static bool find_member(struct btf *b, const struct type *t, const char *name, uint64_t *offset, uint32_t *id,
			unsigned depth)
{
	if (depth > TYPE_DEPTH_MAX)
		return false;
	for (uint32_t i = 0; i < t->vlen && b->steps < STEPS_MAX; i++, b->steps++) {
		const uint8_t *m = t->rest + (size_t)i * 12;
		const char *its_name = string_at(b, get_u32(m, b->big_endian));
		uint32_t bits = get_u32(m + 8, b->big_endian);
		struct type inner;

		*id = get_u32(m + 4, b->big_endian);
		if (t->kind_flag)
			bits &= 0xffffff; /* above it, the width of a bit field */
		if (its_name[0]) {
			if (strcmp(its_name, name) != 0)
				continue;
			*offset = bits / 8;
			return true;
		}
		if (!real_type(b, *id, &inner) || (inner.kind != KIND_STRUCT && inner.kind != KIND_UNION))
			continue;
		if (find_member(b, &inner, name, offset, id, depth + 1)) {
			*offset += bits / 8;
			return true;
		}
	}
	return false;
}

static bool ask_struct(struct btf *b, const struct type *t, const struct type_question *q, uint64_t *value)
{
	struct type array;
	uint32_t id;

	if (q->ask == ASK_SIZE) {
		*value = t->size_or_type;
		return true;
	}
	if (!find_member(b, t, q->member, value, &id, 0))
		return false;
	if (q->ask == ASK_OFFSET)
		return true;
	if (!real_type(b, id, &array) || array.kind != KIND_ARRAY)
		return false;
	*value = get_u32(array.rest + 8, b->big_endian);
	return true;
}

static bool ask_enum(struct btf *b, const struct type *t, const struct type_question *q, uint64_t *value)
{
	size_t each = shapes[t->kind].each;

	for (uint32_t i = 0; i < t->vlen && b->steps < STEPS_MAX; i++, b->steps++) {
		const uint8_t *c = t->rest + i * each;
		uint32_t low = get_u32(c + 4, b->big_endian);

		if (strcmp(string_at(b, get_u32(c, b->big_endian)), q->member) != 0)
			continue;
		if (t->kind == KIND_ENUM64)
			*value = (uint64_t)get_u32(c + 8, b->big_endian) << 32 | low;
		else
			/* kernels before 6.0 do not say whether it has a sign: what looks negative is */
			*value = (uint64_t)(int64_t)(int32_t)low;
		return true;
	}
	return false;
}

/* What a type with an asked-for name answers; the type with the most answers counts. */
static void answer_type(struct btf *b, const struct type *named, struct type_questions *qs, uint8_t *best)
{
	const char *name = string_at(b, named->name);
	struct type t = *named;
	struct type_question *q;
	unsigned asks, answers = 0;
	uint64_t value;

	if (t.kind == KIND_TYPEDEF && !real_type(b, t.size_or_type, &t))
		return;
	if (t.kind == KIND_STRUCT || t.kind == KIND_UNION)
		asks = ASKS_OF_STRUCT;
	else if (named->kind == KIND_ENUM || named->kind == KIND_ENUM64)
		asks = 1u << ASK_ENUMERATOR;
	else
		return;
	for (q = NULL; (q = type_questions_next(qs, q, name, asks));)
		answers += asks == ASKS_OF_STRUCT ? ask_struct(b, &t, q, &value) : ask_enum(b, &t, q, &value);
	q = type_questions_next(qs, NULL, name, asks);
	if (!q || answers <= best[q - qs->of])
		return;
	best[q - qs->of] = (uint8_t)(answers < UINT8_MAX ? answers : UINT8_MAX);
	for (; q; q = type_questions_next(qs, q, name, asks))
		q->known = asks == ASKS_OF_STRUCT ? ask_struct(b, &t, q, &q->value) : ask_enum(b, &t, q, &q->value);
}

static enum status read_header(struct btf *b, const uint8_t *data, size_t len, struct err *e)
{
	uint32_t header, type_off, str_off;

	if (len < HEADER_LEN)
		return err_set(e, E_FORMAT, "BTF of %zu bytes is cut", len);
	b->big_endian = get_u16(data, true) == BTF_MAGIC;
	if (get_u16(data, b->big_endian) != BTF_MAGIC || data[2] != 1)
		return err_set(e, E_FORMAT, "not BTF of version 1");
	header = get_u32(data + 4, b->big_endian);
	type_off = get_u32(data + 8, b->big_endian);
	b->types_len = get_u32(data + 12, b->big_endian);
	str_off = get_u32(data + 16, b->big_endian);
	b->strings_len = get_u32(data + 20, b->big_endian);
	if (header < HEADER_LEN || header > len || type_off > len - header || b->types_len > len - header - type_off ||
	    str_off > len - header || b->strings_len > len - header - str_off)
		return err_set(e, E_FORMAT, "BTF promises more than its %zu bytes", len);
	b->types = data + header + type_off;
	b->strings = (const char *)data + header + str_off;
	if (!b->strings_len || b->strings[b->strings_len - 1])
		return err_set(e, E_FORMAT, "the names of BTF have no end");
	return OK;
}

/* Where each type begins: they refer to each other by number. */
static enum status index_types(struct btf *b, struct err *e)
{
	size_t most = b->types_len / TYPE_LEN + 1;

	/* a page that is never touched costs nothing: room for the smallest types */
	b->at = malloc(most * sizeof(*b->at));
	if (!b->at)
		return err_nomem(e, most * sizeof(*b->at));
	b->n = 1;
	for (size_t at = 0, whole; at < b->types_len; at += whole) {
		struct type t;

		if (b->types_len - at < TYPE_LEN)
			return err_set(e, E_FORMAT, "BTF type %zu is cut", b->n);
		t = type_at(b, at);
		if (t.kind >= sizeof(shapes) / sizeof(shapes[0]) || !shapes[t.kind].exists)
			return err_set(e, E_FORMAT, "BTF type %zu is of unknown kind %u", b->n, t.kind);
		whole = TYPE_LEN + shapes[t.kind].fixed + (size_t)shapes[t.kind].each * t.vlen;
		if (b->types_len - at < whole)
			return err_set(e, E_FORMAT, "BTF type %zu is cut", b->n);
		b->at[b->n++] = (uint32_t)at;
	}
	return OK;
}

enum status btf_answer(const uint8_t *data, size_t len, struct type_questions *qs, struct err *e)
{
	AUTO_FREE uint8_t *best = calloc(1, TYPE_QUESTIONS_MAX);
	struct btf b = { .at = NULL };

	if (!best)
		return err_nomem(e, TYPE_QUESTIONS_MAX);
	if (read_header(&b, data, len, e) || index_types(&b, e)) {
		free(b.at);
		return e->status;
	}
	for (size_t i = 1; i < b.n; i++) {
		struct type t = type_at(&b, b.at[i]);

		if (t.kind == KIND_STRUCT || t.kind == KIND_UNION || t.kind == KIND_ENUM || t.kind == KIND_ENUM64 ||
		    t.kind == KIND_TYPEDEF)
			answer_type(&b, &t, qs, best);
	}
	for (size_t i = 0; i < qs->n; i++)
		qs->of[i].settled |= qs->of[i].known || ASKS_OF_TYPES >> qs->of[i].ask & 1;
	free(b.at);
	return OK;
}
