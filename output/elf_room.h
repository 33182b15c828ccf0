/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How many program headers a dump in ELF format may need, from its bitmap alone: they come before the data in the file,
 * and which pages are full of zeros is known only when their data is written.
 */
#ifndef OUTPUT_ELF_ROOM_H
#define OUTPUT_ELF_ROOM_H

#include "makedumpfile.h"

/* Runs of so many pages that are left out, and longer ones, are cut out of the file; shorter ones stay in it. */
#define ELF_HOLE_PAGES 256

struct elf_room {
	bool find_zero;	  /* pages of zeros will be left out, too */
	uint64_t headers; /* of PT_LOADs: with `find_zero` at most, else exactly so many */
	uint64_t pages;	  /* whose bytes are in the file, at most */
	uint64_t run;	  /* pages left out, up to here */
	uint64_t stretch; /* pages since the last hole */
	bool lost;	  /* the last pages cannot be read */
};

/* For each segment: begin, its pages run by run, end. */
void elf_room_begin(struct elf_room *r);
void elf_room_kept(struct elf_room *r, uint64_t pages);
void elf_room_left_out(struct elf_room *r, uint64_t pages);
void elf_room_lost(struct elf_room *r);
void elf_room_end(struct elf_room *r);

#endif
