/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Dumps without a VMCOREINFO note: where the kernel is in their memory. */
#include "kernel/find_kernel.h"

#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "input/mem_source.h"
#include "kernel/address_map.h"
#include "kernel/kmem.h"
#include "print_info.h"

/* Both searches end after so many steps, whatever the file claims: 2 TiB of places, 64 GiB of text. */
#define PLACES_MAX (UINT64_C(1) << 20)
#define PAGES_MAX (UINT64_C(1) << 24)
/* So many of them are looked at closely: memory that is full of them is no kernel's. */
#define CANDIDATES_MAX 64
#define TEXT_MAX 4096 /* what the kernel itself reserves for it */

/* What is tried: facts of a candidate for the kernel of `target`. */
struct candidate {
	struct facts facts;
	struct target target;
	char release[UTS_FIELD_LEN];
};

static bool names_are_at(const struct kernel *trial, struct kmem *km, const char *release, paddr_t *at)
{
	uint8_t uts[UTS_LEN];
	bool named_order;
	struct err e;

	return address_map_is_sure(trial, km, kernel_names_address(&trial->facts), at) &&
	       !kmem_read_phys(km, *at, uts, sizeof(uts), &e) && kernel_names_make_sense(uts) &&
	       !strcmp((const char *)uts + 2 * UTS_FIELD_LEN, release) &&
	       (!address_map_tells_order(trial, km, uts, &named_order) || named_order == trial->target.big_endian);
}

static struct kernel kernel_of(const struct kernel *k, const struct candidate *c)
{
	return (struct kernel){
		.src = k->src,
		.arch = k->arch,
		.target = c->target,
		.facts = c->facts,
		.version = kernel_version(c->release),
	};
}

/* Does the machine itself say, without page tables, that the names are not at `at`?  This is quick. */
static bool names_are_elsewhere(const struct kernel *k, const struct candidate *c, paddr_t at)
{
	struct arch_state a = arch_state_unset(c->target.big_endian);
	struct kernel trial = kernel_of(k, c);
	paddr_t there;
	uint64_t left;

	k->arch->setup(&trial, &a);
	return arch_linear(&a, kernel_names_address(&c->facts), RANGE_FIXED, &there, &left) && there != at;
}

/*
 * Do the page tables lead from the address of the names to names with the candidate's release?  *at is where they are.
 * Tries the byte orders that the machine has, the file's first; the one that was right stays in c->target.
 */
static bool names_are_there(const struct kernel *k, struct candidate *c, paddr_t *at)
{
	if (!fact_known(&c->facts, F_uts_ns))
		return false;
	for (unsigned turn = 0; turn < 2; turn++, c->target.big_endian = !c->target.big_endian) {
		AUTO(kmem) *km = NULL;
		struct kernel trial = kernel_of(k, c);
		bool found;
		struct err e;

		if (!(k->arch->orders & (c->target.big_endian ? ORDER_BIG : ORDER_LITTLE)))
			continue;
		if (kmem_open(&km, &trial, &e))
			return false;
		found = !address_map_find(&trial, km, &e) && names_are_at(&trial, km, c->release, at);
		address_map_close(&trial.arch_state);
		if (found)
			return true;
	}
	return false;
}

/* --- a file tells the kernel, the memory where it is -------------------------------------------------------- */

static void set_fact(struct facts *f, enum fact_id id, uint64_t value)
{
	f->of[id] = (struct fact){ true, value, fact_first_name(id), "memory" };
}

/* The names are at `at`: tries every place that the image can have been moved to, with each depth of page tables. */
static bool try_place(const struct kernel *k, const struct kernel_file *f, paddr_t at, uint64_t *shift,
		      struct facts *boot)
{
	vaddr_t linked = kernel_names_address(&f->facts) - f->moved;
	paddr_t seen;

	for (uint64_t moved = 0; moved < k->arch->image_len_max; moved += k->arch->image_align) {
		for (uint64_t five = 0; five < 2; five++) {
			struct candidate c = { .target = k->target };

			*boot = (struct facts){ 0 };
			set_fact(boot, F_phys_base, at - (linked + moved - k->arch->image_start));
			set_fact(boot, F_l5_enabled, five);
			c.facts = *boot;
			memcpy(c.release, f->release, sizeof(c.release));
			kernel_file_add_facts(f, moved - f->moved, &c.facts);
			if (names_are_elsewhere(k, &c, at) || !names_are_there(k, &c, &seen) || seen != at)
				continue;
			*shift = moved - f->moved;
			return true;
		}
	}
	return false;
}

bool find_kernel_place(const struct kernel *k, const struct kernel_file *f, uint64_t *shift, struct facts *boot,
		       struct err *e)
{
	AUTO(mem_reader) *r = NULL;
	uint64_t align = k->arch->image_align, below, places = 0;
	unsigned candidates = 0;
	uint8_t uts[UTS_LEN];
	struct pfn_run run;
	vaddr_t names;

	if (!align || !fact_known(&f->facts, F_uts_ns) || !f->release[0])
		return false;
	names = kernel_names_address(&f->facts) - f->moved;
	if (names < k->arch->image_start || mem_reader_open(&r, k->src, READER_SMALL, e))
		return false;
	below = (names - k->arch->image_start) % align;
	for (pfn_t pfn = 0; mem_source_next_run(k->src, pfn, k->target.page_shift, &run); pfn = run.end) {
		paddr_t at = run.start << k->target.page_shift, end = run.end << k->target.page_shift;

		at = at - at % align + below + (at % align > below ? align : 0);
		for (; at < end && run.kind != RUN_LOST && run.kind != RUN_EMPTY; at += align) {
			struct err unread;

			if (places++ > PLACES_MAX || candidates > CANDIDATES_MAX)
				return false;
			if (mem_read(r, at, uts, sizeof(uts), &unread) || !kernel_names_make_sense(uts) ||
			    strcmp((const char *)uts + 2 * UTS_FIELD_LEN, f->release))
				continue;
			candidates++;
			if (try_place(k, f, at, shift, boot))
				return true;
		}
	}
	return false;
}

/* --- the text is in memory ----------------------------------------------------------------------------------- */

static const char first_key[] = "OSRELEASE=";

/* Text of a kernel goes on to the first byte that cannot be in it. */
static size_t text_len(const uint8_t *s, size_t len)
{
	size_t n = 0;

	while (n < len && (s[n] == '\n' || (s[n] >= 0x20 && s[n] < 0x7f)))
		n++;
	return n;
}

/* On success *target is the kernel's: the text says how large pages are, the proof in which order bytes are. */
static bool text_is_believable(const struct kernel *k, const struct vmcoreinfo *v, struct target *target)
{
	struct candidate c = { .target = k->target };
	struct fact_source source = vmcoreinfo_facts(v);
	const char *value;
	uint64_t size;
	paddr_t at;
	size_t len;

	if (!vmcoreinfo_find(v, "OSRELEASE", &value, &len) || len >= sizeof(c.release) ||
	    !vmcoreinfo_decimal(v, "PAGESIZE", &size) || !kernel_page_size_fits(k, size))
		return false;
	memcpy(c.release, value, len);
	c.target.page_size = size;
	c.target.page_shift = (unsigned)__builtin_ctzll(size);
	facts_fill(&c.facts, &source, 1);
	if (!names_are_there(k, &c, &at))
		return false;
	*target = c.target;
	return true;
}

/* A page of memory in which a text may begin; `candidates` counts those that were looked at. */
static bool search_page(const struct kernel *k, struct mem_reader *small, paddr_t page, const struct span *s,
			char *text, size_t *len, struct target *target, unsigned *candidates)
{
	const uint8_t *from = s->data, *end = s->data + s->len, *hit;

	while (*candidates < CANDIDATES_MAX &&
	       (hit = memmem(from, (size_t)(end - from), first_key, sizeof(first_key) - 1))) {
		paddr_t at = page + (paddr_t)(hit - s->data);
		struct vmcoreinfo v;
		struct err e;

		from = hit + 1;
		/* it may go on in the next page, or end with this one */
		*len = TEXT_MAX;
		if (mem_read(small, at, text, *len, &e)) {
			*len = (size_t)(end - hit);
			if (mem_read(small, at, text, *len, &e))
				continue;
		}
		*len = text_len((uint8_t *)text, *len);
		v = vmcoreinfo_over(text, *len);
		/* a mere mention of the key, as in kernel code, is no candidate */
		if (!vmcoreinfo_find(&v, "SYMBOL(init_uts_ns)", &(const char *){ NULL }, &(size_t){ 0 }))
			continue;
		(*candidates)++;
		if (text_is_believable(k, &v, target))
			return true;
	}
	return false;
}

bool find_kernel_text(const struct kernel *k, char **text, size_t *len, struct target *target, struct err *e)
{
	AUTO(mem_reader) *bulk = NULL;
	AUTO(mem_reader) *small = NULL;
	AUTO_FREE char *found = malloc(TEXT_MAX);
	uint64_t page_size = k->target.page_size, pages = 0;
	unsigned candidates = 0;
	struct pfn_run run;

	if (!found || mem_reader_open(&bulk, k->src, READER_BULK, e) ||
	    mem_reader_open(&small, k->src, READER_SMALL, e))
		return false;
	for (pfn_t pfn = 0; mem_source_next_run(k->src, pfn, k->target.page_shift, &run); pfn = run.end) {
		if (run.kind == RUN_LOST || run.kind == RUN_EMPTY)
			continue;
		mem_reader_expect(bulk, run.end << k->target.page_shift);
		for (pfn_t at = run.start; at < run.end; at++) {
			struct err unread;
			struct span s;

			if (++pages > PAGES_MAX || candidates >= CANDIDATES_MAX) {
				message(MSG_COMMON, "The search for VMCOREINFO text ended early.\n");
				return false;
			}
			if (mem_view(bulk, at << k->target.page_shift, (size_t)page_size, &s, &unread) ||
			    !search_page(k, small, at << k->target.page_shift, &s, found, len, target, &candidates))
				continue;
			*text = found;
			found = NULL;
			return true;
		}
	}
	return false;
}
