/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The page descriptor of the kdump-compressed format: 24 bytes on every machine. */
#include "format/page_desc.h"

#include "base/bytes.h"

void page_desc_encode(uint8_t raw[PAGE_DESC_LEN], const struct page_desc *d, bool big_endian)
{
	put_u64(raw, d->offset, big_endian);
	put_u32(raw + 8, d->size, big_endian);
	put_u32(raw + 12, d->flags, big_endian);
	put_u64(raw + 16, 0, big_endian); /* page_flags: nothing uses them yet */
}

void page_desc_decode(struct page_desc *d, const uint8_t raw[PAGE_DESC_LEN], bool big_endian)
{
	d->offset = get_u64(raw, big_endian);
	d->size = get_u32(raw + 8, big_endian);
	d->flags = get_u32(raw + 12, big_endian);
}
