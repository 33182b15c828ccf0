/* SPDX-License-Identifier: GPL-2.0-or-later */
/* QEMU's dumps of arm64 guests with SVE, whose memory begins later than their headers tell. */
#include "input/late_memory.h"

#include "base/err.h"
#include "input/notes.h"

/* 16 KiB of registers for each of some CPUs: more is another mistake. */
#define SHIFT_MAX (UINT64_C(16) << 20)
#define NAME_MAX 16
#define NOTES_MAX 65536

/* Bytes of the section of strings, which QEMU puts at the end; 0: there is none. */
static uint64_t strings_len(const struct input_file *f, const struct elf_header *h)
{
	uint8_t raw[ELF_SHDR_MAX];
	struct err e;

	if (h->shnum < 2 || h->shentsize < elf_shdr_len(h) ||
	    input_file_read(f, h->shoff + (uint64_t)(h->shnum - 1) * h->shentsize, raw, elf_shdr_len(h), &e))
		return 0;
	return elf_shdr_strings_len(raw, h);
}

/* Do sound notes fill [at, end) exactly? */
static bool notes_fill(const struct input_file *f, uint64_t at, uint64_t end, bool big_endian)
{
	for (unsigned i = 0; i < NOTES_MAX && at < end; i++) {
		uint8_t raw[ELF_NHDR_LEN];
		struct elf_note n;
		struct err e;

		if (end - at < sizeof(raw) || input_file_read(f, at, raw, sizeof(raw), &e))
			return false;
		elf_note_decode(&n, raw, big_endian);
		if (!n.namesz || n.namesz > NAME_MAX)
			return false;
		at += sizeof(raw) + note_pad(n.namesz) + note_pad(n.descsz);
	}
	return at == end;
}

uint64_t late_memory_shift(const struct input_file *f, const struct elf_header *h, const struct notes_and_memory *told)
{
	uint64_t tail = strings_len(f, h), begin;

	if (h->machine != ELF_EM_AARCH64 || !tail || !told->memory_len ||
	    told->memory_at != told->notes_at + told->notes_len || tail >= f->size || told->memory_len > f->size - tail)
		return 0;
	begin = f->size - tail - told->memory_len;
	if (begin <= told->memory_at || begin - told->memory_at > SHIFT_MAX ||
	    !notes_fill(f, told->notes_at, begin, h->big_endian))
		return 0;
	return begin - told->memory_at;
}
