/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Headers of the kdump-compressed format: explicit offsets for every word size, never a C struct. */
#ifndef FORMAT_KDUMP_HEADER_H
#define FORMAT_KDUMP_HEADER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

#define KDUMP_VERSION 6		/* the version written: 64-bit page frame numbers */
#define KDUMP_HEADER_MAX 464	/* bytes of the larger main header */
#define KDUMP_SUB_HEADER_MAX 104
#define KDUMP_UTSNAME_LEN 390	/* six names of 65 bytes, as the kernel's struct utsname */
#define KDUMP_UTS_FIELD_LEN 65

/* The status word of the main header. */
enum kdump_status {
	KDUMP_ZLIB = 0x1,
	KDUMP_LZO = 0x2,
	KDUMP_SNAPPY = 0x4,
	KDUMP_INCOMPLETE = 0x8, /* pages that bitmap 2 promises may be missing (1.5.8) */
	KDUMP_EXCLUDED_VMEMMAP = 0x10, /* struct pages that only describe pages left out are left out too (1.6.0) */
	KDUMP_ZSTD = 0x20,
};

/*
 * Where the fields stand.  All 64-bit machines share one layout; of the 32-bit ones i386 packs 64-bit
 * fields at multiples of 4, the others align them to 8.
 */
enum kdump_layout { KDUMP_64, KDUMP_32_PADDED, KDUMP_32_PACKED };

/* The layout of dumps of a machine, by ELF's e_machine and the size of its kernel's longs. */
enum kdump_layout kdump_layout_of(unsigned elf_machine, unsigned long_bytes);

struct kdump_header {
	int32_t version;
	uint8_t utsname[KDUMP_UTSNAME_LEN];
	int64_t timestamp, timestamp_us; /* seconds, microseconds */
	uint32_t status;
	uint32_t block_size;
	uint32_t sub_header_blocks;
	uint32_t bitmap_blocks; /* both bitmaps together */
	/* written as 0, some writers tell more */
	uint32_t total_ram_blocks, device_blocks, written_blocks, current_cpu;
	uint32_t nr_cpus;
	uint64_t max_mapnr; /* 32 bits of it; the sub header has all */
};

struct kdump_sub_header {
	int64_t phys_base; /* may be negative; 32 bits are an address */
	int32_t dump_level;
	int32_t split;
	uint64_t start_pfn, end_pfn; /* of a split part */
	uint64_t offset_vmcoreinfo, size_vmcoreinfo;
	uint64_t offset_note, size_note;
	uint64_t offset_eraseinfo, size_eraseinfo;
	uint64_t max_mapnr;
};

size_t kdump_header_len(enum kdump_layout layout);
size_t kdump_sub_header_len(enum kdump_layout layout);

/* Offset of the status word in the main header: what marks a dump incomplete, or clears the mark. */
size_t kdump_status_offset(enum kdump_layout layout);

/* Writes kdump_header_len() bytes. */
void kdump_header_encode(uint8_t *raw, const struct kdump_header *h, enum kdump_layout layout, bool big_endian);

/* Writes kdump_sub_header_len() bytes. */
void kdump_sub_header_encode(uint8_t *raw, const struct kdump_sub_header *s, enum kdump_layout layout,
			     bool big_endian);

/* Are these the first bytes of a kdump-compressed file? */
bool kdump_has_magic(const uint8_t *head, size_t len);

/*
 * Finds word size and byte order, of which the format says nothing, by what makes sense, and decodes.  For a 32-bit
 * dump *layout is KDUMP_32_PADDED until kdump_sub_header_layout() has looked.  `len` bytes are there.  E_FORMAT: no
 * word size and byte order makes sense; E_UNSUPPORTED: a version that is not 1 to KDUMP_VERSION.
 */
enum status kdump_header_decode(struct kdump_header *h, enum kdump_layout *layout, bool *big_endian, const uint8_t *raw,
				size_t len, struct err *e) MUST_CHECK;

/* Which of the two 32-bit layouts a sub header has; `raw` holds KDUMP_SUB_HEADER_MAX bytes. */
enum kdump_layout kdump_sub_header_layout(const uint8_t *raw, const struct kdump_header *h, bool big_endian);

/* Decodes the fields that the version of `h` has, from KDUMP_SUB_HEADER_MAX bytes; the others are 0. */
void kdump_sub_header_decode(struct kdump_sub_header *s, const uint8_t *raw, const struct kdump_header *h,
			     enum kdump_layout layout, bool big_endian);

#endif
