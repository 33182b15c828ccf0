/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the notes of a core file say, whichever format carries them. */
#ifndef INPUT_NOTES_H
#define INPUT_NOTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "input/input_file.h"

#define VMCOREINFO_MAX ((size_t)64 << 10)
#define NOTE_VMCOREINFO_NAME "VMCOREINFO"

static inline uint64_t note_pad(uint64_t n)
{
	return n + (-n & 3);
}

/* Sums up: one call of notes_survey() adds to what others found. */
struct note_survey {
	unsigned nr_cpus;	/* register notes */
	uint32_t registers_len; /* bytes of one of them: tells machines apart */
	bool is_xen;
	bool incomplete;	/* the dump says so of itself */
	bool swapped;		/* they are in the other byte order than was thought */
	uint64_t vmcoreinfo_at; /* in the blob of all notes */
	size_t vmcoreinfo_len;	/* 0: there is none */
};

/*
 * Walks the notes in `len` bytes at `pos` of the file, which stand at `blob_at` of the blob of all notes; stops where
 * the chain breaks.  They may be in another byte order than the headers that led to them: makedumpfile has copied what
 * QEMU wrote.
 */
void notes_survey(struct note_survey *s, const struct input_file *f, uint64_t pos, uint64_t len, uint64_t blob_at,
		  bool big_endian);

#endif
