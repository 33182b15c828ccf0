/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From pages of memory to packed bytes: read, test for zero, compress. */
#ifndef OUTPUT_PAGE_PACKER_H
#define OUTPUT_PAGE_PACKER_H

#include "base/cleanup.h"
#include "format/codec.h"
#include "input/mem_source.h"

/* Packed pages that are handed on in one go: measured; with more the work no longer fits the CPU's second cache. */
#define BLOCK_BYTES ((size_t)64 << 10)
/*
 * So much memory may become one block, if it packs well.  Measured: a larger block saves nothing that could be seen, and
 * where pages no longer are as small as those before them one thread is busy with it while the others wait.
 */
#define BLOCK_MEMORY_MAX ((size_t)256 << 10)

enum packed_kind {
	PACKED_DATA,
	PACKED_ZERO, /* all bytes are zero, and the caller wants to know: no bytes */
	PACKED_LOST, /* the page cannot be read: no bytes */
};

struct packed_page {
	uint32_t len;	/* of its bytes in the block */
	uint32_t flags; /* KDUMP_* of the codec, 0 raw */
	enum packed_kind kind;
};

/* One worker's means: a reader, an encoder, a page of its own. */
struct page_packer;

struct packer_options {
	const struct codec *codec; /* NULL: pages stay raw */
	bool find_zero;
	unsigned page_shift;
};

/* `src` must outlive the packer. */
enum status page_packer_open(struct page_packer **p, const struct mem_source *src, const struct packer_options *opt,
			     struct err *e) MUST_CHECK;
void page_packer_close(struct page_packer *p);
DEFINE_AUTO(page_packer);

/* Pages that fit into a block whatever they hold, those that it can have at most, and the room that it takes. */
size_t page_packer_block_pages(const struct page_packer *p);
size_t page_packer_block_pages_max(const struct page_packer *p);
size_t page_packer_block_room(const struct page_packer *p);

/* The pages up to `end` are going to be packed next. */
void page_packer_expect(struct page_packer *p, pfn_t end);

/*
 * Packs `n` pages from `first` on into `out`, one after another, as far as a block has room: all of them if they are no
 * more than page_packer_block_pages(), at least one in any case.  Returns how many; fills pages[0 .. that) and *len, the
 * bytes used.  Pages that cannot be read are marked lost; *why is the text of the first such error.
 */
size_t page_packer_pack(struct page_packer *p, pfn_t first, size_t n, uint8_t *out, size_t *len,
			struct packed_page *pages, struct err *why);

#endif
