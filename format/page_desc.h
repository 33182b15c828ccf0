/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The page descriptor of the kdump-compressed format: 24 bytes on every machine. */
#ifndef FORMAT_PAGE_DESC_H
#define FORMAT_PAGE_DESC_H

#include <stdbool.h>
#include <stdint.h>

#define PAGE_DESC_LEN 24

struct page_desc {
	uint64_t offset; /* of the data in the file; 0 marks a missing page */
	uint32_t size;	 /* bytes of the data */
	uint32_t flags;	 /* how it is packed: KDUMP_ZLIB, ..., 0 raw */
};

void page_desc_encode(uint8_t raw[PAGE_DESC_LEN], const struct page_desc *d, bool big_endian);
void page_desc_decode(struct page_desc *d, const uint8_t raw[PAGE_DESC_LEN], bool big_endian);

#endif
