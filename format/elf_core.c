/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ELF core records of either class and byte order: pure decoding of bytes, no I/O. */
#include "format/elf_core.h"

#include <string.h>

#include "base/bytes.h"
#include "makedumpfile.h"

enum { EI_CLASS_AT = 4, EI_DATA_AT = 5, CLASS_32 = 1, CLASS_64 = 2, DATA_LSB = 1, DATA_MSB = 2, TYPE_CORE = 4 };

bool elf_has_magic(const uint8_t *head, size_t len)
{
	return len >= 4 && !memcmp(head, "\177ELF", 4);
}

size_t elf_phdr_len(const struct elf_header *h)
{
	return h->is64 ? 56 : 32;
}

size_t elf_shdr_len(const struct elf_header *h)
{
	return h->is64 ? 64 : 40;
}

enum status elf_header_decode(struct elf_header *h, const uint8_t *raw, size_t len, struct err *e)
{
	bool big;

	if (!elf_has_magic(raw, len))
		return err_set(e, E_FORMAT, "not an ELF file");
	if (len < EI_DATA_AT + 1 || (raw[EI_CLASS_AT] != CLASS_32 && raw[EI_CLASS_AT] != CLASS_64))
		return err_set(e, E_FORMAT, "ELF class %u is neither 32 nor 64 bit", len > 4 ? raw[EI_CLASS_AT] : 0);
	if (raw[EI_DATA_AT] != DATA_LSB && raw[EI_DATA_AT] != DATA_MSB)
		return err_set(e, E_FORMAT, "ELF byte order %u is unknown", raw[EI_DATA_AT]);
	memset(h, 0, sizeof(*h));
	h->is64 = raw[EI_CLASS_AT] == CLASS_64;
	h->big_endian = big = raw[EI_DATA_AT] == DATA_MSB;
	if (len < (h->is64 ? 64u : 52u))
		return err_set(e, E_FORMAT, "file ends within the ELF header");
	h->type = get_u16(raw + 16, big);
	h->machine = get_u16(raw + 18, big);
	if (h->is64) {
		h->phoff = get_u64(raw + 32, big);
		h->shoff = get_u64(raw + 40, big);
	} else {
		h->phoff = get_u32(raw + 28, big);
		h->shoff = get_u32(raw + 32, big);
	}
	raw += h->is64 ? 48 : 36;
	h->flags = get_u32(raw, big);
	h->phentsize = get_u16(raw + 6, big);
	h->phnum = get_u16(raw + 8, big);
	h->shentsize = get_u16(raw + 10, big);
	h->shnum = get_u16(raw + 12, big);
	if (h->type != TYPE_CORE)
		return err_set(e, E_FORMAT, "ELF type %u is not a core file", h->type);
	if (h->phnum && h->phentsize < elf_phdr_len(h))
		return err_set(e, E_FORMAT, "program headers of %u bytes are too short", h->phentsize);
	return OK;
}

void elf_phdr_decode(struct elf_phdr *p, const uint8_t *raw, const struct elf_header *h)
{
	bool big = h->big_endian;

	p->type = get_u32(raw, big);
	if (h->is64) {
		p->flags = get_u32(raw + 4, big);
		p->offset = get_u64(raw + 8, big);
		p->vaddr = get_u64(raw + 16, big);
		p->paddr = get_u64(raw + 24, big);
		p->filesz = get_u64(raw + 32, big);
		p->memsz = get_u64(raw + 40, big);
		return;
	}
	p->offset = get_u32(raw + 4, big);
	p->vaddr = get_u32(raw + 8, big);
	p->paddr = get_u32(raw + 12, big);
	p->filesz = get_u32(raw + 16, big);
	p->memsz = get_u32(raw + 20, big);
	p->flags = get_u32(raw + 24, big);
	if (p->paddr == UINT32_MAX)
		p->paddr = PADDR_NONE;
}

uint32_t elf_shdr_info(const uint8_t *raw, const struct elf_header *h)
{
	return get_u32(raw + (h->is64 ? 44 : 28), h->big_endian);
}

void elf_note_decode(struct elf_note *n, const uint8_t raw[ELF_NHDR_LEN], bool big_endian)
{
	n->namesz = get_u32(raw, big_endian);
	n->descsz = get_u32(raw + 4, big_endian);
	n->type = get_u32(raw + 8, big_endian);
}
