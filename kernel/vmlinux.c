/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The kernel's ELF file: symbols first, then BTF, and DWARF only for what is still open. */
#include "kernel/vmlinux.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "dwarf_info.h"
#include "kernel/btf.h"
#include "kernel/debug_file.h"
#include "kernel/kernel.h"
#include "kernel/types.h"
#include "makedumpfile.h"
#include "print_info.h"

#define SYMBOLS_MAX 200
#define SYMBOL_BUCKETS 1024 /* a power of two */

struct symbol {
	const char *name; /* borrowed: from the lists of questions */
	bool known, global;
	uint64_t value, size;
};

struct vmlinux {
	struct elf_file *file, *debug; /* debug: its separate debug file, or NULL */
	struct symbol symbols[SYMBOLS_MAX];
	size_t n_symbols;
	uint16_t first[SYMBOL_BUCKETS], next[SYMBOLS_MAX]; /* index + 1; 0 ends a chain */
	struct type_questions types;
	char release[RELEASE_MAX], build_id[BUILD_ID_TEXT_MAX];
	uint32_t version;
};

/* --- what is asked ---------------------------------------------------------------------------------------------- */

/*
 * Numbers are constants of these enums.  The name of the enum matters: in 6.10 and 6.11 types of pages were called
 * PG_buddy and PG_slab, too, and are no bit numbers.
 */
static const struct constant {
	const char *number; /* "PG_": all that begin so */
	const char *enumeration;
} constants[] = {
	{ "NR_FREE_PAGES", "zone_stat_item" },
	{ "N_ONLINE", "node_states" },
	{ "HUGETLB_PAGE_DTOR", "compound_dtor_id" },
	{ "PG_", "pageflags" },
};

/*
 * The types of pages, which VMCOREINFO gives as the whole word.  Since 6.12 the enum has the top byte, in 6.10 and 6.11
 * the bit that is clear; before, they were macros, and no debug information has them.
 */
static const struct page_type {
	const char *number, *byte_name, *bit_name;
	struct {
		uint32_t from, before; /* versions; 0 ends the list */
		int32_t value;
	} macros[3];
} page_types[] = {
	/* 4.18 split the types out of _mapcount: 6e292b9be7f4 ("mm: split page_type out from _mapcount") */
	{ "PAGE_BUDDY_MAPCOUNT_VALUE",
	  "PGTY_buddy",
	  "PG_buddy",
	  { { KVERSION(2, 6) + 39, KVERSION(4, 18), -128 }, { KVERSION(4, 18), KVERSION(6, 10), ~0x80 } } },
	{ "PAGE_OFFLINE_MAPCOUNT_VALUE", "PGTY_offline", "PG_offline", { { KVERSION(5, 1), KVERSION(6, 10), ~0x100 } } },
	{ "PAGE_HUGETLB_MAPCOUNT_VALUE", "PGTY_hugetlb", "PG_hugetlb", { { KVERSION(6, 9), KVERSION(6, 10), ~0x800 } } },
	{ "PAGE_SLAB_MAPCOUNT_VALUE", "PGTY_slab", "PG_slab", { { 0, 0, 0 } } },
	{ "PAGE_UNACCEPTED_MAPCOUNT_VALUE", "PGTY_unaccepted", "PG_unaccepted", { { 0, 0, 0 } } },
};
#define TYPE_ENUM "pagetype"

static const struct page_type *page_type_of(const char *number)
{
	for (size_t i = 0; i < ARRAY_SIZE(page_types); i++)
		if (!strcmp(number, page_types[i].number))
			return &page_types[i];
	return NULL;
}

static const char *enum_of(const char *number)
{
	for (size_t i = 0; i < ARRAY_SIZE(constants); i++) {
		size_t n = strlen(constants[i].number);

		if (!strncmp(number, constants[i].number, n) && (!number[n] || constants[i].number[n - 1] == '_'))
			return constants[i].enumeration;
	}
	return NULL;
}

/* Of the first letters only: a file has hundreds of thousands of names, nearly all of which end here. */
static unsigned symbol_bucket(const char *name)
{
	unsigned h = 0;

	for (unsigned i = 0; i < 4 && name[i]; i++)
		h = h * 37 + (unsigned char)name[i];
	return (h ^ h >> 10) & (SYMBOL_BUCKETS - 1);
}

/* The index of a symbol that is asked for; n_symbols when it is not. */
static size_t find_symbol(const struct vmlinux *v, const char *name)
{
	size_t i = v->first[symbol_bucket(name)];

	while (i && strcmp(v->symbols[i - 1].name, name) != 0)
		i = v->next[i - 1];
	return i ? i - 1 : v->n_symbols;
}

static void want_symbol(struct vmlinux *v, const char *name)
{
	uint16_t *first = &v->first[symbol_bucket(name)];

	if (v->n_symbols == SYMBOLS_MAX || find_symbol(v, name) < v->n_symbols)
		return;
	v->symbols[v->n_symbols] = (struct symbol){ .name = name };
	v->next[v->n_symbols] = *first;
	*first = (uint16_t)++v->n_symbols;
}

static void want_number(struct vmlinux *v, const char *name)
{
	const struct page_type *type = page_type_of(name);
	const char *enumeration = enum_of(name);

	if (type) {
		type_questions_add(&v->types, ASK_ENUMERATOR, TYPE_ENUM, strlen(TYPE_ENUM), type->byte_name);
		type_questions_add(&v->types, ASK_ENUMERATOR, TYPE_ENUM, strlen(TYPE_ENUM), type->bit_name);
	} else if (!strcmp(name, "PG_head_mask")) {
		want_number(v, "PG_head");
		want_number(v, "PG_compound");
	} else if (enumeration) {
		type_questions_add(&v->types, ASK_ENUMERATOR, enumeration, strlen(enumeration), name);
	}
}

/* A page of zeros that every kernel of a machine with several page sizes has: its symbol is as large as a page. */
#define ZERO_PAGE "empty_zero_page"

static void want(struct vmlinux *v, enum fact_kind kind, const char *name)
{
	const char *dot = strchr(name, '.');

	switch (kind) {
	case FACT_SYMBOL:
		want_symbol(v, name);
		break;
	case FACT_SIZE:
		type_questions_add(&v->types, ASK_SIZE, name, strlen(name), "");
		break;
	case FACT_OFFSET:
		if (dot)
			type_questions_add(&v->types, ASK_OFFSET, name, (size_t)(dot - name), dot + 1);
		break;
	case FACT_LENGTH:
		if (dot)
			type_questions_add(&v->types, ASK_MEMBER_LENGTH, name, (size_t)(dot - name), dot + 1);
		else
			want_symbol(v, name);
		break;
	case FACT_NUMBER:
		want_number(v, name);
		break;
	case FACT_LINE:
	case FACT_FLAG:
		break;
	}
}

/* --- what is answered ------------------------------------------------------------------------------------------- */

static void take_symbol(void *data, const char *name, uint64_t value, uint64_t size, bool global)
{
	struct vmlinux *v = data;
	size_t i = find_symbol(v, name);

	/* a file may have a static variable of the same name */
	if (i == v->n_symbols || (v->symbols[i].known && !(global && !v->symbols[i].global)))
		return;
	v->symbols[i].known = true;
	v->symbols[i].global = global;
	v->symbols[i].value = value;
	v->symbols[i].size = size;
}

/*
 * The length of an array, by the size of its symbol where its elements are known: pointers.  A symbol as large as a
 * pointer is one, and no array.
 */
static bool length_of_symbol(const struct vmlinux *v, const char *name, bool *told, uint64_t *length)
{
	static const char *const of_pointers[] = { "node_data", "pgdat_list" };
	unsigned long_bytes = v->file->is64 ? 8 : 4;
	size_t i = find_symbol(v, name);

	*told = true;
	if (i == v->n_symbols || !v->symbols[i].known)
		return false;
	for (size_t j = 0; j < ARRAY_SIZE(of_pointers); j++)
		if (!strcmp(name, of_pointers[j])) {
			*length = v->symbols[i].size / long_bytes;
			return *length != 0;
		}
	*told = v->symbols[i].size == long_bytes;
	return false;
}

static bool answer_number(const struct vmlinux *v, const char *name, uint64_t *value)
{
	const struct page_type *type = page_type_of(name);
	const char *enumeration = enum_of(name);
	uint64_t n;

	if (type) {
		if (type_questions_answer(&v->types, ASK_ENUMERATOR, TYPE_ENUM, strlen(TYPE_ENUM), type->byte_name,
					  &n)) {
			*value = (uint64_t)(int64_t)(int32_t)(uint32_t)(n << 24);
			return true;
		}
		if (type_questions_answer(&v->types, ASK_ENUMERATOR, TYPE_ENUM, strlen(TYPE_ENUM), type->bit_name,
					  &n)) {
			*value = (uint64_t)(int64_t)(int32_t) ~(uint32_t)n;
			return true;
		}
		for (size_t i = 0; i < ARRAY_SIZE(type->macros); i++)
			if (v->version >= type->macros[i].from && v->version < type->macros[i].before) {
				*value = (uint64_t)(int64_t)type->macros[i].value;
				return true;
			}
		return false;
	}
	if (!strcmp(name, "PG_head_mask")) {
		if ((!answer_number(v, "PG_head", &n) && !answer_number(v, "PG_compound", &n)) || n > 63)
			return false;
		*value = UINT64_C(1) << n;
		return true;
	}
	return enumeration &&
	       type_questions_answer(&v->types, ASK_ENUMERATOR, enumeration, strlen(enumeration), name, value);
}

static bool find_fact(const struct fact_source *source, enum fact_kind kind, const char *name, uint64_t *value)
{
	const struct vmlinux *v = source->data;
	const char *dot = strchr(name, '.');
	bool told;
	size_t i;

	switch (kind) {
	case FACT_SYMBOL:
		i = find_symbol(v, name);
		if (i == v->n_symbols || !v->symbols[i].known)
			return false;
		*value = v->symbols[i].value;
		return true;
	case FACT_SIZE:
		return type_questions_answer(&v->types, ASK_SIZE, name, strlen(name), "", value);
	case FACT_OFFSET:
		return dot && type_questions_answer(&v->types, ASK_OFFSET, name, (size_t)(dot - name), dot + 1, value);
	case FACT_LENGTH:
		if (dot)
			return type_questions_answer(&v->types, ASK_MEMBER_LENGTH, name, (size_t)(dot - name), dot + 1,
						     value);
		return length_of_symbol(v, name, &told, value) ||
		       (!told && type_questions_answer(&v->types, ASK_VARIABLE_LENGTH, name, strlen(name), "", value));
	case FACT_NUMBER:
		return answer_number(v, name, value);
	case FACT_LINE:
	case FACT_FLAG:
		break;
	}
	return false;
}

struct fact_source vmlinux_facts(const struct vmlinux *v)
{
	return (struct fact_source){ .name = "vmlinux", .data = (void *)(uintptr_t)v, .find = find_fact };
}

/* --- opening ---------------------------------------------------------------------------------------------------- */

static void read_release(struct vmlinux *v)
{
	uint64_t at, offset = 4;
	uint8_t uts[UTS_LEN];
	size_t i = find_symbol(v, "system_utsname");

	if (i < v->n_symbols && v->symbols[i].known) {
		at = v->symbols[i].value;
	} else {
		i = find_symbol(v, "init_uts_ns");
		if (i == v->n_symbols || !v->symbols[i].known)
			return;
		(void)type_questions_answer(&v->types, ASK_OFFSET, "uts_namespace", 13, "name", &offset);
		at = v->symbols[i].value + offset;
	}
	if (!elf_file_bytes(v->file, at, uts, sizeof(uts)) || !kernel_names_make_sense(uts))
		return;
	memcpy(v->release, uts + 2 * UTS_FIELD_LEN, UTS_FIELD_LEN);
	v->version = kernel_version(v->release);
}

/* The file itself or its debug file, whichever has the section; NULL: neither. */
static const struct elf_file *who_has(const struct vmlinux *v, const char *section)
{
	if (elf_file_has_section(v->file, section))
		return v->file;
	return v->debug && elf_file_has_section(v->debug, section) ? v->debug : NULL;
}

static void ask_btf(struct vmlinux *v)
{
	const struct elf_file *f = who_has(v, ".BTF");
	const uint8_t *data;
	size_t len;
	struct err e;

	if (f && elf_file_section(f, ".BTF", &data, &len) && btf_answer(data, len, &v->types, &e))
		message(MSG_DEBUG, "%s\n", e.text);
}

static void ask_dwarf(struct vmlinux *v, bool everywhere)
{
	const struct elf_file *f = who_has(v, ".debug_info");
	struct err e;

	if (!f)
		f = who_has(v, ".zdebug_info");
	if (f && type_questions_open(&v->types) && dwarf_answer(f->elf, &v->types, everywhere, &e))
		message(MSG_DEBUG, "%s\n", e.text);
}

/* Only where the symbol does not tell its length itself. */
static void want_length(struct vmlinux *v, const char *name)
{
	uint64_t length;
	bool told;

	if (strchr(name, '.') || length_of_symbol(v, name, &told, &length) || told)
		return;
	type_questions_add(&v->types, ASK_VARIABLE_LENGTH, name, strlen(name), "");
}

static enum status open_files(struct vmlinux *v, const char *path, struct err *e)
{
	if (elf_file_open(&v->file, path, e))
		return e->status;
	for (size_t i = 0; i < v->file->build_id_len; i++)
		snprintf(v->build_id + 2 * i, 3, "%02x", v->file->build_id[i]);
	if (!who_has(v, ".symtab") ||
	    (!who_has(v, ".BTF") && !who_has(v, ".debug_info") && !who_has(v, ".zdebug_info")))
		v->debug = debug_file_find(v->file, path, DEBUG_ROOT);
	return OK;
}

enum status vmlinux_open(struct vmlinux **out, const char *path, const struct facts *known,
			 const struct fact_name *more, size_t n_more, struct err *e)
{
	AUTO(vmlinux) *v = calloc(1, sizeof(*v));
	const struct elf_file *symbols;
	enum fact_kind kind;
	const char *name;
	enum fact_id id;

	if (!v)
		return err_nomem(e, sizeof(*v));
	if (open_files(v, path, e))
		return e->status;
	symbols = who_has(v, ".symtab");
	want_symbol(v, "init_uts_ns");
	want_symbol(v, ZERO_PAGE);
	want_symbol(v, "system_utsname");
	want(v, FACT_OFFSET, "uts_namespace.name");
	for (size_t i = 0; facts_row(i, &id, &kind, &name); i++)
		if (kind == FACT_SYMBOL || kind == FACT_LENGTH || !known || !fact_known(known, id))
			want(v, kind, name);
	for (size_t i = 0; i < n_more; i++)
		want(v, more[i].kind, more[i].name);
	if (!symbols || !elf_file_symbols(symbols, take_symbol, v))
		return err_set(e, E_FORMAT, "%s has no symbols, nor a debug file that has them", path);
	for (size_t i = 0; facts_row(i, &id, &kind, &name); i++)
		if (kind == FACT_LENGTH && (!known || !fact_known(known, id)))
			want_length(v, name);
	for (size_t i = 0; i < n_more; i++)
		if (more[i].kind == FACT_LENGTH)
			want_length(v, more[i].name);
	if (!who_has(v, ".BTF") && !who_has(v, ".debug_info") && !who_has(v, ".zdebug_info"))
		return err_set(e, E_FORMAT,
			       "%s has no debug information, neither BTF nor DWARF, nor a debug file that has it",
			       path);
	ask_btf(v);
	ask_dwarf(v, n_more > 0);
	read_release(v);
	*out = v;
	v = NULL;
	return OK;
}

void vmlinux_close(struct vmlinux *v)
{
	if (v->debug)
		elf_file_close(v->debug);
	if (v->file)
		elf_file_close(v->file);
	free(v);
}

const char *vmlinux_release(const struct vmlinux *v)
{
	return v->release;
}

const char *vmlinux_build_id(const struct vmlinux *v)
{
	return v->build_id;
}

unsigned vmlinux_machine(const struct vmlinux *v, bool *is64, bool *big_endian)
{
	*is64 = v->file->is64;
	*big_endian = v->file->big_endian;
	return v->file->machine;
}

uint64_t vmlinux_page_size(const struct vmlinux *v)
{
	size_t i = find_symbol(v, ZERO_PAGE);
	uint64_t size = i < v->n_symbols && v->symbols[i].known ? v->symbols[i].size : 0;

	return size >= PAGE_SIZE_MIN && size <= PAGE_SIZE_MAX && !(size & (size - 1)) ? size : 0;
}

enum status kernel_file_read_vmlinux(struct kernel_file *f, const char *path, const struct facts *known, struct err *e)
{
	AUTO(vmlinux) *v = NULL;
	struct fact_source source;

	*f = (struct kernel_file){ .path = path };
	if (vmlinux_open(&v, path, known, NULL, 0, e))
		return e->status;
	snprintf(f->release, sizeof(f->release), "%s", v->release);
	snprintf(f->build_id, sizeof(f->build_id), "%s", v->build_id);
	f->page_size = vmlinux_page_size(v);
	source = vmlinux_facts(v);
	facts_fill(&f->facts, &source, 1);
	return OK;
}
