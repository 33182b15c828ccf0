/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ELF core records of either class and byte order: pure decoding of bytes, no I/O. */
#include "format/elf_core.h"

#include <string.h>

#include "base/bytes.h"
#include "makedumpfile.h"

enum { EI_CLASS_AT = 4, EI_DATA_AT = 5, EI_OSABI_AT = 7, CLASS_32 = 1, CLASS_64 = 2, DATA_LSB = 1, DATA_MSB = 2, TYPE_CORE = 4 };
enum { SECTION_STRINGS = 3 };

bool elf_has_magic(const uint8_t *head, size_t len)
{
	return len >= 4 && !memcmp(head, "\177ELF", 4);
}

bool elf_marks_by_flag(unsigned machine)
{
	/* there bit 0 says that compressed instructions are used */
	return machine != ELF_EM_RISCV;
}

size_t elf_header_len(const struct elf_header *h)
{
	return h->is64 ? 64 : 52;
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
	if (len < elf_header_len(h))
		return err_set(e, E_FORMAT, "file ends within the ELF header");
	h->osabi = raw[EI_OSABI_AT];
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
	if (p->vaddr == UINT32_MAX)
		p->vaddr = VADDR_NONE;
}

uint32_t elf_shdr_info(const uint8_t *raw, const struct elf_header *h)
{
	return get_u32(raw + (h->is64 ? 44 : 28), h->big_endian);
}

uint64_t elf_shdr_strings_len(const uint8_t *raw, const struct elf_header *h)
{
	if (get_u32(raw + 4, h->big_endian) != SECTION_STRINGS)
		return 0;
	return h->is64 ? get_u64(raw + 32, h->big_endian) : get_u32(raw + 20, h->big_endian);
}

void elf_header_encode(uint8_t raw[ELF_HEADER_MAX], const struct elf_header *h)
{
	bool big = h->big_endian, extended = h->shoff && h->phnum >= ELF_PN_XNUM;
	uint8_t *tail = raw + (h->is64 ? 48 : 36);

	memset(raw, 0, ELF_HEADER_MAX);
	memcpy(raw, "\177ELF", 4);
	raw[EI_CLASS_AT] = h->is64 ? CLASS_64 : CLASS_32;
	raw[EI_DATA_AT] = big ? DATA_MSB : DATA_LSB;
	raw[6] = 1; /* EI_VERSION */
	raw[EI_OSABI_AT] = h->osabi;
	put_u16(raw + 16, TYPE_CORE, big);
	put_u16(raw + 18, h->machine, big);
	put_u32(raw + 20, 1, big); /* e_version */
	if (h->is64) {
		put_u64(raw + 32, h->phoff, big);
		put_u64(raw + 40, extended ? h->shoff : 0, big);
	} else {
		put_u32(raw + 28, (uint32_t)h->phoff, big);
		put_u32(raw + 32, extended ? (uint32_t)h->shoff : 0, big);
	}
	put_u32(tail, h->flags, big);
	put_u16(tail + 4, (uint16_t)elf_header_len(h), big);
	put_u16(tail + 6, (uint16_t)elf_phdr_len(h), big);
	put_u16(tail + 8, (uint16_t)(extended ? ELF_PN_XNUM : h->phnum), big);
	put_u16(tail + 10, extended ? (uint16_t)elf_shdr_len(h) : 0, big);
	put_u16(tail + 12, extended, big);
}

void elf_phdr_encode(uint8_t raw[ELF_PHDR_MAX], const struct elf_phdr *p, const struct elf_header *h)
{
	bool big = h->big_endian;

	memset(raw, 0, ELF_PHDR_MAX);
	put_u32(raw, p->type, big);
	if (h->is64) {
		put_u32(raw + 4, p->flags, big);
		put_u64(raw + 8, p->offset, big);
		put_u64(raw + 16, p->vaddr, big);
		put_u64(raw + 24, p->paddr, big);
		put_u64(raw + 32, p->filesz, big);
		put_u64(raw + 40, p->memsz, big);
		return;
	}
	put_u32(raw + 4, (uint32_t)p->offset, big);
	put_u32(raw + 8, (uint32_t)p->vaddr, big);
	put_u32(raw + 12, (uint32_t)p->paddr, big);
	put_u32(raw + 16, (uint32_t)p->filesz, big);
	put_u32(raw + 20, (uint32_t)p->memsz, big);
	put_u32(raw + 24, p->flags, big);
}

void elf_shdr_encode(uint8_t raw[ELF_SHDR_MAX], uint32_t phnum, const struct elf_header *h)
{
	memset(raw, 0, ELF_SHDR_MAX);
	/* sh_size is the number of sections, sh_info that of program headers */
	if (h->is64)
		put_u64(raw + 32, 1, h->big_endian);
	else
		put_u32(raw + 20, 1, h->big_endian);
	put_u32(raw + (h->is64 ? 44 : 28), phnum, h->big_endian);
}

void elf_note_encode(uint8_t raw[ELF_NHDR_LEN], const struct elf_note *n, bool big_endian)
{
	put_u32(raw, n->namesz, big_endian);
	put_u32(raw + 4, n->descsz, big_endian);
	put_u32(raw + 8, n->type, big_endian);
}

void elf_note_decode(struct elf_note *n, const uint8_t raw[ELF_NHDR_LEN], bool big_endian)
{
	n->namesz = get_u32(raw, big_endian);
	n->descsz = get_u32(raw + 4, big_endian);
	n->type = get_u32(raw + 8, big_endian);
}
