/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ELF cores of either class and byte order, put together in memory. */
#ifndef TESTS_UNIT_ELF_FILE_H
#define TESTS_UNIT_ELF_FILE_H

#include "unit.h"

struct elf_file_phdr {
	uint32_t type;
	uint64_t offset, paddr, filesz, memsz, vaddr;
};

struct elf_file {
	bool is64, big;
	bool xnum;	    /* the number of program headers is in section header 0 */
	unsigned phentsize; /* 0: as the class has it */
	unsigned phdr_gap;  /* bytes between the file header and the program headers */
	uint16_t machine;   /* 0: x86_64 */
	size_t n;
	struct elf_file_phdr ph[64];
};

#define PT_LOAD 1
#define PT_NOTE 4

/* Bytes that tell where in the file they stand. */
uint8_t elf_file_byte(uint64_t pos);

/* Writes headers to the start of `to` and, behind them, the pattern of elf_file_byte(). */
void elf_file_build(const struct elf_file *f, uint8_t *to, size_t len);

/* Appends a note to `to`; returns its length with padding. */
size_t elf_file_note(uint8_t *to, bool big, const char *name, uint32_t type, const void *desc, uint32_t len);

#endif
