/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The separate file that holds what was stripped from another one. */
#ifndef KERNEL_DEBUG_FILE_H
#define KERNEL_DEBUG_FILE_H

#include "kernel/elf_file.h"

/* Where distributions install such files. */
#define DEBUG_ROOT "/usr/lib/debug"

/*
 * Looks for the debug file of `f`, which was opened as `path`: by its build id below `root`, then by the name in its
 * .gnu_debuglink beside it, in .debug there, and below `root`.  A file counts only if its build id is the same, or,
 * where one of them has none, if its bytes have the checksum of the link.  NULL: there is none.
 */
struct elf_file *debug_file_find(const struct elf_file *f, const char *path, const char *root);

/* The checksum of .gnu_debuglink, CRC-32 as zlib has it; starts from 0 and goes on with what it returned. */
uint32_t debug_link_crc(uint32_t crc, const uint8_t *data, size_t len);

#endif
