/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A linked ELF file, through libelf: sections, symbols, bytes at an address, what identifies it. */
#ifndef KERNEL_ELF_FILE_H
#define KERNEL_ELF_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/err.h"

#define BUILD_ID_MAX 64 /* bytes; 20 are usual */

struct Elf; /* libelf's */

struct elf_file {
	int fd;
	struct Elf *elf;
	unsigned machine;
	bool is64, big_endian;
	uint8_t build_id[BUILD_ID_MAX];
	size_t build_id_len; /* 0: it has none */
};

/* E_FORMAT: no linked ELF file.  Errors name the file. */
enum status elf_file_open(struct elf_file **f, const char *path, struct err *e) MUST_CHECK;
void elf_file_close(struct elf_file *f);
DEFINE_AUTO(elf_file);

bool elf_file_has_section(const struct elf_file *f, const char *name);

/* The bytes of a section, as long as `f` is open; false when it has none with bytes of its own. */
bool elf_file_section(const struct elf_file *f, const char *name, const uint8_t **data, size_t *len);

/* Calls `tell` for each symbol with a name and a value that is defined in the file; false when there is no table. */
typedef void elf_symbol_fn(void *data, const char *name, uint64_t value, uint64_t size, bool global);
bool elf_file_symbols(const struct elf_file *f, elf_symbol_fn *tell, void *data);

/* Copies what the file has for `len` bytes of memory at `address`; false when it does not have all of them. */
bool elf_file_bytes(const struct elf_file *f, uint64_t address, void *buf, size_t len);

#endif
