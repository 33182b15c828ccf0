/* SPDX-License-Identifier: GPL-2.0-or-later */
/* QEMU's dumps of arm64 guests with SVE, whose memory begins later than their headers tell. */
#ifndef INPUT_LATE_MEMORY_H
#define INPUT_LATE_MEMORY_H

#include <stdint.h>

#include "format/elf_core.h"
#include "input/input_file.h"

/* Where the headers of an ELF file place its notes, and the memory that follows them. */
struct notes_and_memory {
	uint64_t notes_at, notes_len; /* the only range of notes */
	uint64_t memory_at, memory_len; /* of all ranges, which follow one another */
};

/*
 * QEMU takes all CPUs' notes to be as large as the first one's, but those of SVE registers (type 0x405) depend on the
 * vector length that each CPU was set to.  Where others are larger the memory, and the section of strings behind it, come
 * later than told.  Returns by how many bytes, if the chain of notes ends exactly where the size of the file says that
 * memory begins; 0: the headers are right, or nothing tells.
 */
uint64_t late_memory_shift(const struct input_file *f, const struct elf_header *h, const struct notes_and_memory *told);

#endif
