/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How many program headers a dump in ELF format may need, from its bitmap alone. */
#include "output/elf_room.h"

/*
 * A header more is needed for each hole with a page behind it.  A hole of pages of zeros and of short runs lies in one
 * stretch between two holes that are known, with the page behind it; holes do not share pages.  So a stretch has no
 * more of them than fit into it.
 */
static void end_stretch(struct elf_room *r)
{
	if (r->find_zero)
		r->headers += r->stretch / (ELF_HOLE_PAGES + 1);
	r->stretch = r->run = 0;
}

void elf_room_begin(struct elf_room *r)
{
	r->headers++;
	r->lost = false;
}

void elf_room_kept(struct elf_room *r, uint64_t pages)
{
	uint64_t run = r->run;

	if (run >= ELF_HOLE_PAGES) {
		end_stretch(r);
		r->headers++;
		run = 0;
	}
	r->stretch += run + pages;
	r->pages += run + pages;
	r->run = 0;
	r->lost = false;
}

void elf_room_left_out(struct elf_room *r, uint64_t pages)
{
	r->run += pages;
	r->lost = false;
}

/* What cannot be read is in no segment; however many pieces it comes in, one segment more begins behind it. */
void elf_room_lost(struct elf_room *r)
{
	end_stretch(r);
	r->headers += !r->lost;
	r->lost = true;
}

void elf_room_end(struct elf_room *r)
{
	end_stretch(r);
}
