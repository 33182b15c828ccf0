/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From facts to a usable address map: what the machine's ops find out, proven against the dump's memory. */
#include "kernel/address_map.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "print_info.h"

#define UTS_MACHINE 4 /* number of the name in struct new_utsname */

/* --- the map --------------------------------------------------------------------------------------------- */

/* The page tables decide whether a linear range is a shortcut or a last resort. */
static void prove_linear_ranges(struct kernel *k, struct kmem *km)
{
	struct arch_state *a = &k->arch_state;

	for (size_t i = 0; i < a->n_linear; i++) {
		struct linear_range *r = &a->linear[i];
		struct mapping m;
		struct err e;

		if (r->trust != RANGE_GUESS || r->sample < r->start || r->sample >= r->end ||
		    paging_walk(km, r->sample, &m, NULL, NULL, &e))
			continue;
		if (r->sample - m.vaddr + m.paddr == r->sample - r->start + r->paddr)
			r->trust = RANGE_PROVEN;
		else
			r->end = r->start; /* disproven: not even a last resort */
		message(MSG_DEBUG, "linear range %#" PRIx64 " at %#" PRIx64 ": %s\n", r->start, r->paddr,
			r->trust == RANGE_PROVEN ? "proven" : "wrong");
	}
}

void address_map_close(struct arch_state *a)
{
	free(a->pieces);
	a->pieces = NULL;
	a->n_pieces = 0;
}

enum status address_map_find(struct kernel *k, struct kmem *km, struct err *e)
{
	struct arch_state *a = &k->arch_state;

	address_map_close(a);
	kmem_forget(km);
	*a = arch_state_unset(k->target.big_endian);
	k->arch->setup(k, a);
	if (k->arch->learn && k->arch->learn(km, a, e))
		return e->status;
	kmem_forget(km);
	prove_linear_ranges(k, km);
	return OK;
}

bool address_map_is_sure(const struct kernel *k, struct kmem *km, vaddr_t vaddr, paddr_t *at)
{
	struct mapping m;
	uint64_t left;
	struct err e;

	if (arch_linear(&k->arch_state, vaddr, RANGE_FIXED, at, &left))
		return true;
	if (paging_walk(km, vaddr, &m, NULL, NULL, &e))
		return false;
	*at = vaddr - m.vaddr + m.paddr;
	return true;
}

/* --- names and byte order -------------------------------------------------------------------------------- */

enum status address_map_read_names(const struct kernel *k, struct kmem *km, uint8_t uts[UTS_LEN], struct err *e)
{
	if (kmem_read(km, kernel_names_address(&k->facts), uts, UTS_LEN, e))
		return e->status;
	return kernel_names_make_sense(uts) ? OK : err_set(e, E_FORMAT, "the names make no sense");
}

bool address_map_name_tells_order(const char *machine, bool *big_endian)
{
	static const struct {
		const char *name;
		bool big_endian;
	} names[] = { { "ppc64le", false }, { "ppc64", true },	    { "ppcle", false }, { "ppc", true },
		      { "aarch64", false }, { "aarch64_be", true }, { "arm64", false } };
	size_t len = strlen(machine);

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (!strcmp(machine, names[i].name)) {
			*big_endian = names[i].big_endian;
			return true;
		}
	/* armv7l, armv5tejl, armv7b */
	if (strncmp(machine, "armv", 4) || (machine[len - 1] != 'l' && machine[len - 1] != 'b'))
		return false;
	*big_endian = machine[len - 1] == 'b';
	return true;
}

/* Variables that are pointers, or arrays that begin with one, in every kernel that exports them. */
static const enum fact_id pointers[] = { F_mem_map, F_log_buf, F_prb, F_node_data };

static bool is_pointer(const struct kernel *k, const uint8_t *raw, bool big_endian, struct kmem *km)
{
	uint64_t v = get_ulong(raw, k->target.long_bytes, big_endian);
	paddr_t at;
	struct err e;

	return v && kernel_is_address(k, v) && !kmem_translate(km, v, &at, NULL, &e);
}

bool address_map_tells_order(const struct kernel *k, struct kmem *km, const uint8_t *uts, bool *big_endian)
{
	unsigned votes[2] = { 0 };

	if (uts && address_map_name_tells_order((const char *)uts + UTS_MACHINE * UTS_FIELD_LEN, big_endian))
		return true;
	for (size_t i = 0; i < ARRAY_SIZE(pointers); i++) {
		uint8_t raw[8];
		struct err e;

		if (!fact_known(&k->facts, pointers[i]) ||
		    kmem_read(km, fact(&k->facts, pointers[i]), raw, k->target.long_bytes, &e))
			continue;
		votes[0] += is_pointer(k, raw, false, km);
		votes[1] += is_pointer(k, raw, true, km);
	}
	*big_endian = votes[1] > votes[0];
	return votes[0] != votes[1];
}

/* --- limits ---------------------------------------------------------------------------------------------- */

/* The length of the kernel's array of sections, or of its roots: is it the one that these numbers would give? */
static bool length_fits(const struct kernel *k, unsigned section_bits, unsigned physmem_bits)
{
	uint64_t size = fact_or(&k->facts, F_mem_section_size, 0), length = fact_or(&k->facts, F_mem_section_len, 0);
	uint64_t sections, per_root;

	if (!size || !length || physmem_bits <= section_bits)
		return false;
	sections = UINT64_C(1) << (physmem_bits - section_bits);
	per_root = k->target.page_size / size;
	return length == sections || (per_root && length == (sections + per_root - 1) / per_root);
}

void address_map_limits(struct kernel *k)
{
	struct arch_state *a = &k->arch_state;
	uint64_t section = fact_or(&k->facts, F_section_bits, 0), physmem = fact_or(&k->facts, F_physmem_bits, 0);
	bool section_told = section > k->target.page_shift && section < PHYSMEM_BITS_MAX;
	bool physmem_told = physmem >= PHYSMEM_BITS_MIN && physmem <= PHYSMEM_BITS_MAX;
	const uint8_t *try;

	if (section_told)
		a->section_bits = (unsigned)section;
	if (physmem_told)
		a->physmem_bits = (unsigned)physmem;
	/* a kernel that does not export a number shows it by the length of its array */
	for (try = a->physmem_tries; !physmem_told && try && *try; try++)
		if (length_fits(k, a->section_bits, *try)) {
			a->physmem_bits = *try;
			break;
		}
	for (try = a->section_tries; !section_told && try && *try; try++)
		if (length_fits(k, *try, a->physmem_bits)) {
			a->section_bits = *try;
			break;
		}
}
