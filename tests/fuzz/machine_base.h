/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Sound dumps of all machines, whose memory inputs spoil: a core file each, and what a program has to read of it to find
 * its way: page tables, sections, lists.
 */
#ifndef TESTS_FUZZ_MACHINE_BASE_H
#define TESTS_FUZZ_MACHINE_BASE_H

#include "kernel/kernel.h"
#include "tests/fuzz/explore.h"

#define BASE_TEXT_MAX 8192

/* Things of a base are chosen by numbers of their own, so that an input means the same when others are added. */
struct choice {
	uint64_t value;
	uint16_t key;
};
struct choices {
	struct choice *of; /* keys rise */
	size_t n;
};
/* The value whose key is the first at or after `key`, around the end; 0 when there is none. */
uint64_t choices_pick(const struct choices *c, uint16_t key);

/* A page of a base, from physical address 0 on; without `data` it is zero, or cannot be read. */
struct base_page {
	uint8_t *data;
	bool unreadable;
};
struct base_area {
	pfn_t start, end; /* of PAGE_SIZE_MIN bytes */
	struct base_page *pages;
};

struct base {
	char name[64]; /* of its description: MACHINE-FORM */
	char path[4096];
	uint16_t key;
	struct mem_source *src; /* NULL until it is used */
	struct base_area *areas;
	size_t n_areas;
	char text[BASE_TEXT_MAX + 1]; /* VMCOREINFO */
	size_t text_len;
	unsigned entry_bytes, long_bytes; /* of table entries, and of pointers */
	bool entry_big_endian, big_endian;
	struct choices pages;	/* physical addresses of pages that are read to find the way */
	struct choices entries; /* physical addresses of table entries */
	struct choices vaddrs;	/* addresses that lead somewhere */
};

/* All bases of the folder cores/ beside the program; at least one. */
struct base *bases_find(size_t *n);
/* The base whose key is the first at or after `key`, around the end. */
struct base *bases_pick(struct base *bases, size_t n, uint16_t key);
/* Is it of that machine, by its name? */
bool base_is_of(const struct base *b, const char *machine);

/* A page of a base; NULL: it has none there. */
const struct base_page *base_page(const struct base *b, pfn_t pfn);

/* One spoiled base: copies of pages in front of its own, another text. */
#define SPOILED_PAGES_MAX 64
struct spoiled {
	struct base *base;
	struct spoiled_page {
		pfn_t pfn;
		bool lost;
		uint8_t data[PAGE_SIZE_MIN];
	} * pages[SPOILED_PAGES_MAX];
	size_t n_pages;
	char text[BASE_TEXT_MAX + 1];
	size_t text_len;
	struct allowed_pages allowed;
	bool without_segments; /* as kdump-compressed files are */
	struct choices *seen;  /* NULL, or where pages go that are read one by one */
};

/* Reads the base when it is used for the first time: it has to be sound. */
void spoiled_init(struct spoiled *s, struct base *b);
void spoiled_fini(struct spoiled *s);
/* The copy of a page, made when it is first asked for; NULL: there is none, or too many are spoiled. */
struct spoiled_page *spoiled_page(struct spoiled *s, pfn_t pfn);
/* A source in memory, which checks how it is used; without the note the kernel has to be found in memory. */
struct mem_source *spoiled_source(struct spoiled *s, bool with_note);

#endif
