/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ELF cores of either class and byte order, put together in memory. */
#include "elf_file.h"

uint8_t elf_file_byte(uint64_t pos)
{
	return (uint8_t)(pos * 37 + (pos >> 8) * 11 + (pos >> 16) + 1);
}

static void put_word(uint8_t *to, uint64_t v, const struct elf_file *f)
{
	if (f->is64)
		put_u64(to, v, f->big);
	else
		put_u32(to, (uint32_t)v, f->big);
}

void elf_file_build(const struct elf_file *f, uint8_t *to, size_t len)
{
	unsigned word = f->is64 ? 8 : 4, ehsize = f->is64 ? 64 : 52, entry = f->phentsize;
	unsigned shsize = f->is64 ? 64 : 40;
	uint64_t phoff = ehsize + f->phdr_gap, shoff;
	uint8_t *tail = to + 24 + 3 * word;

	if (!entry)
		entry = f->is64 ? 56 : 32;
	shoff = phoff + f->n * entry;
	for (size_t i = 0; i < len; i++)
		to[i] = elf_file_byte(i);
	assert_true(shoff + shsize <= len);
	memset(to, 0, ehsize);
	memcpy(to, "\177ELF", 4);
	to[4] = f->is64 ? 2 : 1;
	to[5] = f->big ? 2 : 1;
	to[6] = 1;
	put_u16(to + 16, 4, f->big);
	put_u16(to + 18, f->machine ? f->machine : 62, f->big);
	put_u32(to + 20, 1, f->big);
	put_word(to + 24 + word, phoff, f);
	put_word(to + 24 + 2 * word, f->xnum ? shoff : 0, f);
	put_u16(tail + 4, (uint16_t)ehsize, f->big);
	put_u16(tail + 6, (uint16_t)entry, f->big);
	put_u16(tail + 8, f->xnum ? 0xffff : (uint16_t)f->n, f->big);
	put_u16(tail + 10, (uint16_t)shsize, f->big);
	put_u16(tail + 12, f->xnum ? 1 : 0, f->big);
	for (size_t i = 0; i < f->n; i++) {
		const struct elf_file_phdr *p = &f->ph[i];
		uint8_t *at = to + phoff + i * entry, *words = at + (f->is64 ? 8 : 4);

		memset(at, 0, entry);
		put_u32(at, p->type, f->big);
		put_word(words, p->offset, f);
		put_word(words + word, p->vaddr, f);
		put_word(words + 2 * word, p->paddr, f);
		put_word(words + 3 * word, p->filesz, f);
		put_word(words + 4 * word, p->memsz, f);
	}
	if (f->xnum) {
		memset(to + shoff, 0, shsize);
		put_u32(to + shoff + (f->is64 ? 44 : 28), (uint32_t)f->n, f->big);
	}
}

size_t elf_file_note(uint8_t *to, bool big, const char *name, uint32_t type, const void *desc, uint32_t len)
{
	uint32_t namesz = (uint32_t)strlen(name) + 1, padded = (namesz + 3) & ~3u, desc_padded = (len + 3) & ~3u;

	memset(to, 0, 12 + padded + desc_padded);
	put_u32(to, namesz, big);
	put_u32(to + 4, len, big);
	put_u32(to + 8, type, big);
	memcpy(to + 12, name, namesz);
	memcpy(to + 12 + padded, desc, len);
	return 12 + padded + desc_padded;
}
