/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A very small invented machine with a kernel in sixteen pages, which an input then spoils: as a source in memory
 * or as the bytes of a core file.
 */
#ifndef TESTS_FUZZ_INVENTED_H
#define TESTS_FUZZ_INVENTED_H

#include "input/mem_source.h"
#include "tests/fuzz/explore.h"
#include "tests/fuzz/fuzz.h"

#define FRAMES 16 /* pages with contents of their own, from physical address 0 on */
#define STRUCT_FRAME 8
#define STRUCT_FRAMES 4
#define TEXT_MAX 8192
#define AREAS_MAX 10

/* Pages [start, end) of one kind; behind the frames data pages repeat them. */
struct area {
	pfn_t start, end;
	enum run_kind kind;
};

struct invented {
	uint8_t frames[FRAMES * PAGE_SIZE_MIN];
	char text[TEXT_MAX + 1]; /* VMCOREINFO, and a 0 behind it */
	size_t text_len;
	struct area areas[AREAS_MAX]; /* rising */
	size_t n_areas;
	unsigned level;	  /* dump level */
	uint8_t choices;  /* left to the entry */
	bool five_levels;

	struct allowed_pages allowed; /* what the source lets be viewed */
};

/* Builds the machine that the first bytes choose and applies the rest as edits. */
void invented_make(struct invented *m, struct bytes *b);

/* The machine as a source in memory, which checks how it is used; closing it leaves `m` alone. */
struct mem_source *invented_source(struct invented *m);

/* The machine as a core file; the caller frees it. */
uint8_t *invented_core(const struct invented *m, size_t *len);

#endif
