/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The ELF memory source: a vmcore of a crash kernel, of QEMU, or a copy of one. */
#ifndef ELF_INFO_H
#define ELF_INFO_H

#include "input/mem_source.h"

extern const struct mem_source_ops elf_source;

#endif
