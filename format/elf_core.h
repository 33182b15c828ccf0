/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ELF core records of either class and byte order: pure decoding of bytes, no I/O. */
#ifndef FORMAT_ELF_CORE_H
#define FORMAT_ELF_CORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

#define ELF_HEADER_MAX 64 /* bytes of the larger file header */
#define ELF_PHDR_MAX 56
#define ELF_SHDR_MAX 64
#define ELF_NHDR_LEN 12

enum { ELF_PT_LOAD = 1, ELF_PT_NOTE = 4 };
/* e_machine of everything that Linux dumps come from. */
enum {
	ELF_EM_386 = 3,
	ELF_EM_MIPS = 8,
	ELF_EM_PPC = 20,
	ELF_EM_PPC64 = 21,
	ELF_EM_S390 = 22,
	ELF_EM_ARM = 40,
	ELF_EM_SPARCV9 = 43,
	ELF_EM_IA_64 = 50,
	ELF_EM_X86_64 = 62,
	ELF_EM_AARCH64 = 183,
	ELF_EM_RISCV = 243,
	ELF_EM_LOONGARCH = 258,
};
#define ELF_PN_XNUM 0xffffu /* e_phnum when the real count is sh_info of section 0 */

struct elf_header {
	bool is64, big_endian;
	uint8_t osabi;
	uint16_t type, machine;
	uint64_t phoff, shoff;
	uint32_t flags;
	uint16_t phentsize, shentsize;
	uint32_t phnum; /* as in the file: may be ELF_PN_XNUM */
	uint16_t shnum;
};

struct elf_phdr {
	uint32_t type, flags;
	uint64_t offset, vaddr, paddr, filesz, memsz;
};

struct elf_note {
	uint32_t namesz, descsz, type;
};

/*
 * How dumps in ELF format say that they are incomplete: a bit of e_flags, or, where the machine has a meaning for that
 * bit, a note of this name without text.
 */
#define ELF_FLAG_INCOMPLETE 1u
#define ELF_NOTE_INCOMPLETE "INCOMPLETE"
bool elf_marks_by_flag(unsigned machine);

/* Is this the start of an ELF file of any kind?  `len` bytes are there. */
bool elf_has_magic(const uint8_t *head, size_t len);

/*
 * Decodes and checks the file header: class, byte order, that it is a core file and that the entry sizes
 * can hold the fields.  E_FORMAT names what is wrong.  e_ehsize is not looked at: QEMU writes 8 there.
 */
enum status elf_header_decode(struct elf_header *h, const uint8_t *raw, size_t len, struct err *e) MUST_CHECK;

/*
 * Decodes one program header.  In ELF32 all-ones addresses are widened to PADDR_NONE and VADDR_NONE, which is how both
 * classes say that there is none.
 */
void elf_phdr_decode(struct elf_phdr *p, const uint8_t *raw, const struct elf_header *h);

/* sh_info of a section header: with section 0, the real number of program headers. */
uint32_t elf_shdr_info(const uint8_t *raw, const struct elf_header *h);

/* Bytes of the contents of a section of strings; 0: it is another kind of section. */
uint64_t elf_shdr_strings_len(const uint8_t *raw, const struct elf_header *h);

size_t elf_phdr_len(const struct elf_header *h);
size_t elf_shdr_len(const struct elf_header *h);

/*
 * Encodes the file header of a core file; from ELF_PN_XNUM program headers on, and with h->shoff set, the count is left
 * to section header 0.  Sizes of headers are those of the class.
 */
void elf_header_encode(uint8_t raw[ELF_HEADER_MAX], const struct elf_header *h);
/* Encodes one program header, without alignment; ELF32 takes the low 32 bits of each value. */
void elf_phdr_encode(uint8_t raw[ELF_PHDR_MAX], const struct elf_phdr *p, const struct elf_header *h);
/* Section header 0 with the real number of program headers. */
void elf_shdr_encode(uint8_t raw[ELF_SHDR_MAX], uint32_t phnum, const struct elf_header *h);
size_t elf_header_len(const struct elf_header *h);

void elf_note_encode(uint8_t raw[ELF_NHDR_LEN], const struct elf_note *n, bool big_endian);
void elf_note_decode(struct elf_note *n, const uint8_t raw[ELF_NHDR_LEN], bool big_endian);

#endif
