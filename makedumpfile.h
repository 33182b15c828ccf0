/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Vocabulary shared by every layer: kinds of addresses and the properties of the dumped machine.  No state. */
#ifndef MAKEDUMPFILE_H
#define MAKEDUMPFILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef uint64_t pfn_t;	  /* page frame number: physical address / page size */
typedef uint64_t paddr_t; /* physical address in the dumped machine */
typedef uint64_t vaddr_t; /* virtual address in the dumped machine */

#define PADDR_NONE UINT64_MAX /* "no physical address", as /proc/kcore marks vmalloc segments */
#define VADDR_NONE UINT64_MAX /* "no virtual address", as kexec marks highmem */

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

/*
 * What the dumped machine is.  Values of the dump, never of the host: every integer that comes out
 * of dump memory is read through these.
 */
struct target {
	bool big_endian;
	unsigned long_bytes; /* size of the kernel's `unsigned long` and of its pointers: 4 or 8 */
	unsigned page_shift;
	uint64_t page_size; /* bytes, 1 << page_shift */
};

#define PAGE_SIZE_MIN 4096u
#define PAGE_SIZE_MAX 65536u /* largest page any Linux machine has used: 64 KiB */

#endif
