/* SPDX-License-Identifier: GPL-2.0-or-later */
/* C types from DWARF, through libdw: names at the top level of units only, and each of them once. */
#include "dwarf_info.h"

#include <dwarf.h>
#include <elfutils/libdw.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "makedumpfile.h"
#include "print_info.h"

#define BIT(ask) (1u << (ask))
#define ASKS_OF_STRUCT (BIT(ASK_SIZE) | BIT(ASK_OFFSET) | BIT(ASK_MEMBER_LENGTH))

/* A kernel needs a tenth of it: so many members are compared, however types are nested. */
#define STEPS_MAX 1000000

struct search {
	struct type_questions *qs;
	uint32_t steps;
};

/*
 * Who knows the memory management, the log and what VMCOREINFO has knows nearly all: a kernel has thousands of units,
 * and these few answer most questions.
 */
static const char *const likely_units[] = {
	"mm/page_alloc.c",
	"mm/mm_init.c",
	"kernel/vmcore_info.c",
	"kernel/crash_core.c",
	"kernel/kexec_core.c",
	"kernel/kexec.c",
	"mm/sparse.c",
	"kernel/printk/printk.c",
	"kernel/printk.c",
	"arch/x86/mm/numa.c",
	"mm/numa.c",
	"mm/hugetlb.c",
	"mm/vmalloc.c",
	"init/version.c",
	"arch/powerpc/kexec/core.c",
	"arch/powerpc/kernel/machine_kexec.c",
};

static const char *die_name(Dwarf_Die *die)
{
	Dwarf_Attribute attr;

	return dwarf_formstring(dwarf_attr(die, DW_AT_name, &attr));
}

static bool die_number(Dwarf_Die *die, unsigned name, uint64_t *value)
{
	Dwarf_Attribute attr;
	Dwarf_Word word;
	Dwarf_Sword sword;

	if (!dwarf_attr(die, name, &attr))
		return false;
	/* constants of one byte have no sign in their form: -1 is written in one that has */
	if (dwarf_whatform(&attr) == DW_FORM_sdata || dwarf_whatform(&attr) == DW_FORM_implicit_const) {
		if (dwarf_formsdata(&attr, &sword))
			return false;
		*value = (uint64_t)sword;
		return true;
	}
	if (dwarf_formudata(&attr, &word))
		return false;
	*value = word;
	return true;
}

static bool die_type(Dwarf_Die *die, Dwarf_Die *type)
{
	Dwarf_Attribute attr;

	return dwarf_attr(die, DW_AT_type, &attr) && dwarf_formref_die(&attr, type);
}

/* What typedefs and qualifiers stand for. */
static bool die_real_type(Dwarf_Die *die, Dwarf_Die *type)
{
	Dwarf_Die of = *die;

	for (unsigned depth = 0; depth < TYPE_DEPTH_MAX; depth++) {
		if (!die_type(&of, type))
			return false;
		switch (dwarf_tag(type)) {
		case DW_TAG_typedef:
		case DW_TAG_const_type:
		case DW_TAG_volatile_type:
		case DW_TAG_restrict_type:
		case DW_TAG_atomic_type:
			of = *type;
			break;
		default:
			return true;
		}
	}
	return false;
}

/* The next die of a list, none of which lies before another: pointers that lead back would never end. */
static bool next_sibling(Dwarf_Die *die)
{
	Dwarf_Off at = dwarf_dieoffset(die);

	return !dwarf_siblingof(die, die) && dwarf_dieoffset(die) > at;
}

static bool array_length(Dwarf_Die *of, uint64_t *length)
{
	Dwarf_Die type, range;

	if (!die_real_type(of, &type) || dwarf_tag(&type) != DW_TAG_array_type || dwarf_child(&type, &range))
		return false;
	/* of several dimensions the first counts */
	if (dwarf_tag(&range) != DW_TAG_subrange_type)
		return false;
	if (die_number(&range, DW_AT_count, length))
		return true;
	if (!die_number(&range, DW_AT_upper_bound, length) || *length == UINT64_MAX)
		return false;
	*length += 1;
	return true;
}

static bool member_offset(Dwarf_Die *member, uint64_t *offset)
{
	Dwarf_Attribute attr;
	Dwarf_Op *ops;
	size_t n;

	*offset = 0; /* as in a union */
	if (!dwarf_attr(member, DW_AT_data_member_location, &attr)) {
		if (die_number(member, DW_AT_data_bit_offset, offset))
			*offset /= 8;
		return true;
	}
	if (!dwarf_formudata(&attr, offset))
		return true;
	/* up to DWARF 2 it is an expression: add so much to the address of the whole */
	if (dwarf_getlocation(&attr, &ops, &n) || n != 1 || ops[0].atom != DW_OP_plus_uconst)
		return false;
	*offset = ops[0].number;
	return true;
}

/* Finds a member by name, in unnamed members too. */
static bool find_member(struct search *s, Dwarf_Die *type, const char *name, Dwarf_Die *member, uint64_t *offset,
			unsigned depth)
{
	Dwarf_Die die, inner;

	if (depth > TYPE_DEPTH_MAX || dwarf_child(type, &die))
		return false;
	do {
		const char *its_name;
		uint64_t at;

		if (dwarf_tag(&die) != DW_TAG_member)
			continue;
		its_name = die_name(&die);
		if (its_name ? strcmp(its_name, name) != 0 : !die_real_type(&die, &inner))
			continue;
		if (!member_offset(&die, &at))
			continue;
		if (its_name) {
			*member = die;
			*offset = at;
			return true;
		}
		if (dwarf_tag(&inner) != DW_TAG_structure_type && dwarf_tag(&inner) != DW_TAG_union_type)
			continue;
		if (find_member(s, &inner, name, member, offset, depth + 1)) {
			*offset += at;
			return true;
		}
	} while (s->steps++ < STEPS_MAX && next_sibling(&die));
	return false;
}

/* `type` is the definition of the struct or union that is known as `name`. */
static void answer_struct(struct search *s, const char *name, Dwarf_Die *type)
{
	struct type_question *q = NULL;
	uint64_t size, offset;
	Dwarf_Die member;

	if (!die_number(type, DW_AT_byte_size, &size) || !size)
		return; /* a declaration */
	while ((q = type_questions_next(s->qs, q, name, ASKS_OF_STRUCT))) {
		q->settled = true;
		q->value = size;
		q->known = q->ask == ASK_SIZE;
		if (q->ask == ASK_SIZE || !find_member(s, type, q->member, &member, &offset, 0))
			continue;
		q->value = offset;
		q->known = q->ask == ASK_OFFSET || array_length(&member, &q->value);
	}
}

static void answer_enum(struct search *s, const char *name, Dwarf_Die *type)
{
	struct type_question *q = NULL;
	Dwarf_Die first, die;

	if (dwarf_child(type, &first))
		return;
	while ((q = type_questions_next(s->qs, q, name, BIT(ASK_ENUMERATOR)))) {
		q->settled = true;
		die = first;
		do {
			const char *its_name = die_name(&die);

			if (dwarf_tag(&die) == DW_TAG_enumerator && its_name && !strcmp(its_name, q->member))
				q->known = die_number(&die, DW_AT_const_value, &q->value);
		} while (!q->known && s->steps++ < STEPS_MAX && next_sibling(&die));
	}
}

static void answer_variable(struct search *s, const char *name, Dwarf_Die *die)
{
	struct type_question *q = NULL;
	Dwarf_Attribute attr;
	Dwarf_Die type;

	/* a declaration may leave out the length */
	if (dwarf_attr(die, DW_AT_declaration, &attr) || !die_real_type(die, &type))
		return;
	while ((q = type_questions_next(s->qs, q, name, BIT(ASK_VARIABLE_LENGTH)))) {
		q->settled = true;
		q->known = array_length(die, &q->value);
	}
}

/* A variable whose definition refers to its declaration has its name and type there. */
static const char *variable_name(Dwarf_Die *die, Dwarf_Die *typed)
{
	const char *name = die_name(die);
	Dwarf_Attribute attr;
	Dwarf_Die declared;

	*typed = *die;
	if (name || !dwarf_attr(die, DW_AT_specification, &attr) || !dwarf_formref_die(&attr, &declared))
		return name;
	/* the definition may complete the type */
	if (!dwarf_attr(die, DW_AT_type, &attr))
		*typed = declared;
	return die_name(&declared);
}

static void answer_die(struct search *s, Dwarf_Die *die)
{
	const char *name;
	Dwarf_Die type;

	switch (dwarf_tag(die)) {
	case DW_TAG_structure_type:
	case DW_TAG_union_type:
		name = die_name(die);
		if (name && type_questions_next(s->qs, NULL, name, ASKS_OF_STRUCT))
			answer_struct(s, name, die);
		break;
	case DW_TAG_typedef:
		name = die_name(die);
		if (name && type_questions_next(s->qs, NULL, name, ASKS_OF_STRUCT) && die_real_type(die, &type))
			answer_struct(s, name, &type);
		break;
	case DW_TAG_enumeration_type:
		name = die_name(die);
		if (name)
			answer_enum(s, name, die);
		break;
	case DW_TAG_variable:
		name = variable_name(die, &type);
		if (name && type_questions_next(s->qs, NULL, name, BIT(ASK_VARIABLE_LENGTH)))
			answer_variable(s, name, &type);
		break;
	default:
		break;
	}
}

static void answer_unit(struct search *s, Dwarf_Die *unit)
{
	Dwarf_Die die;

	if (dwarf_child(unit, &die))
		return;
	do {
		answer_die(s, &die);
	} while (next_sibling(&die));
}

/* Which of likely_units this is; their number when it is none. */
static size_t likeliness(Dwarf_Die *unit)
{
	const char *name = die_name(unit);
	size_t len = name ? strlen(name) : 0, i;

	for (i = 0; i < ARRAY_SIZE(likely_units); i++) {
		size_t n = strlen(likely_units[i]);

		if (len >= n && !strcmp(name + len - n, likely_units[i]) && (len == n || name[len - n - 1] == '/'))
			break;
	}
	return i;
}

/* Steps to the next unit of types; dwarf_next_unit()'s own words are 0, 1 at the end, -1. */
static int next_unit(Dwarf *dwarf, Dwarf_CU **cu, Dwarf_Die *unit)
{
	uint8_t type;

	return dwarf_get_units(dwarf, *cu, cu, NULL, &type, unit, NULL);
}

enum status dwarf_answer(struct Elf *elf, struct type_questions *qs, bool everywhere, struct err *e)
{
	Dwarf *dwarf = dwarf_begin_elf(elf, DWARF_C_READ, NULL);
	Dwarf_Die unit, likely[ARRAY_SIZE(likely_units)];
	bool found[ARRAY_SIZE(likely_units)] = { false };
	Dwarf_CU *cu = NULL;
	struct search s = { qs, 0 };
	size_t n_units = 0;
	int step;

	if (!dwarf)
		return err_set(e, E_FORMAT, "no debug information: %s", dwarf_errmsg(-1));
	while ((step = next_unit(dwarf, &cu, &unit)) == 0) {
		size_t i = likeliness(&unit);

		n_units++;
		if (i == ARRAY_SIZE(likely_units) || found[i])
			continue;
		found[i] = true;
		likely[i] = unit;
	}
	if (step < 0 && !n_units) {
		err_set(e, E_FORMAT, "debug information is broken: %s", dwarf_errmsg(-1));
		dwarf_end(dwarf);
		return e->status;
	}
	for (size_t i = 0; i < ARRAY_SIZE(likely_units) && type_questions_open(qs); i++)
		if (found[i])
			answer_unit(&s, &likely[i]);
	/* a name that exists nowhere would cost a look at every unit; the first of the likely ones uses all types of pages */
	for (size_t i = 0; i < qs->n && found[0] && !everywhere; i++)
		qs->of[i].settled |= qs->of[i].ask != ASK_VARIABLE_LENGTH;
	message(MSG_DEBUG, "DWARF: %zu units, %zu questions are open after the likely ones\n", n_units,
		type_questions_open(qs));
	for (cu = NULL; type_questions_open(qs) && !next_unit(dwarf, &cu, &unit);)
		if (likeliness(&unit) == ARRAY_SIZE(likely_units))
			answer_unit(&s, &unit);
	dwarf_end(dwarf);
	return OK;
}
