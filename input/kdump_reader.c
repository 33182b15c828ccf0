/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Pages of a kdump-compressed dump: from page frame to descriptor to unpacked bytes. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/bitmap.h"
#include "base/bytes.h"
#include "format/codec.h"
#include "input/kdump_parts.h"

#define DESC_BATCH 170u
/* Users come back for pages beside or behind the one that they had; those who need more have caches of their own. */
#define PAGES_KEPT 4

struct kept_page {
	pfn_t pfn;
	uint64_t used; /* 0: empty */
	uint8_t *data;
};

struct kdump_reader {
	const struct kdump_impl *k;
	struct decoder *decoder;

	/* a piece of bitmap 2, and the bits below `counted` of it */
	uint64_t piece; /* UINT64_MAX: none */
	uint64_t piece_rank;
	size_t counted, counted_bits;
	uint8_t bits[PIECE_BYTES];

	/* some descriptors of one part */
	const struct kdump_part *part;
	uint64_t first_desc;
	size_t n_descs;
	uint8_t descs[DESC_BATCH * PAGE_DESC_LEN];

	/* packed bytes that the window has lent: `packed.len` of them from packed_at on; 0: none */
	struct span packed;
	uint64_t packed_at;

	uint64_t clock;
	struct kept_page pages[PAGES_KEPT];
};

static const uint8_t zeros[PAGE_SIZE_MAX];

enum status kdump_reader_open(struct mem_reader *r, struct err *e)
{
	struct kdump_reader *kr = calloc(1, sizeof(*kr));

	if (!kr)
		return err_nomem(e, sizeof(*kr));
	kr->k = r->src->impl;
	kr->piece = UINT64_MAX;
	if (decoder_open(&kr->decoder, kr->k->block_size, e)) {
		free(kr);
		return e->status;
	}
	r->impl = kr;
	return OK;
}

void kdump_reader_close(struct mem_reader *r)
{
	struct kdump_reader *kr = r->impl;

	for (size_t i = 0; i < PAGES_KEPT; i++)
		free(kr->pages[i].data);
	decoder_close(kr->decoder);
	free(kr);
}

/* Bits of bitmap 2 below `pfn`, which has to have its bit. */
static enum status rank_of(struct kdump_reader *kr, pfn_t pfn, uint64_t *rank, struct err *e)
{
	uint64_t piece = pfn >> PIECE_SHIFT;
	size_t bit = (size_t)(pfn & (PIECE_PAGES - 1));

	if (kr->piece != piece) {
		bool follows = kr->piece + 1 == piece && kr->piece != UINT64_MAX;
		uint64_t before = kr->piece_rank;

		if (follows)
			before += kr->counted_bits + bitmap_count(kr->bits, kr->counted, PIECE_PAGES);
		else if (!kdump_rank(kr->k, piece << PIECE_SHIFT, &before))
			return err_set(e, E_UNREADABLE, "bitmap 2 cannot be read");
		kr->piece = UINT64_MAX;
		if (!kdump_read_piece(kr->k, 1, piece, kr->bits))
			return err_set(e, E_UNREADABLE, "bitmap 2 cannot be read");
		kr->piece = piece;
		kr->piece_rank = before;
		kr->counted = kr->counted_bits = 0;
	}
	if (!bitmap_test(kr->bits, bit))
		return err_set(e, E_UNREADABLE, "it was left out of the dump");
	if (bit < kr->counted)
		kr->counted = kr->counted_bits = 0;
	kr->counted_bits += bitmap_count(kr->bits, kr->counted, bit);
	kr->counted = bit;
	*rank = kr->piece_rank + kr->counted_bits;
	return OK;
}

/* Fills *d, and *rank, its place among those of its part. */
static enum status read_desc(struct kdump_reader *kr, pfn_t pfn, struct page_desc *d, uint64_t *rank_out,
			     struct err *e)
{
	const struct kdump_impl *k = kr->k;
	const struct kdump_part *p;
	const char *why = NULL;
	uint64_t rank = 0, at;
	pfn_t until;

	if (rank_of(kr, pfn, &rank, e))
		return e->status;
	p = kdump_find_part(k, pfn, &until);
	if (!p)
		return err_set(e, E_UNREADABLE, "it is in a part of the dump that is not here");
	rank -= p->first_rank;
	if (kr->part != p || rank < kr->first_desc || rank >= kr->first_desc + kr->n_descs) {
		at = k->desc_at + rank * PAGE_DESC_LEN;
		kr->n_descs = 0;
		if (at > p->file->size || p->file->size - at < PAGE_DESC_LEN)
			return err_set(e, E_UNREADABLE, "the file ends before its descriptor");
		kr->part = p;
		kr->first_desc = rank;
		kr->n_descs = (size_t)min_u64(DESC_BATCH, (p->file->size - at) / PAGE_DESC_LEN);
		if (input_file_read(p->file, at, kr->descs, kr->n_descs * PAGE_DESC_LEN, e)) {
			/* a bad place on the disk must not take the neighbours along */
			kr->n_descs = 1;
			if (input_file_read(p->file, at, kr->descs, PAGE_DESC_LEN, e)) {
				kr->n_descs = 0;
				return err_add(e, "its descriptor");
			}
		}
	}
	page_desc_decode(d, kr->descs + (rank - kr->first_desc) * PAGE_DESC_LEN, k->big_endian);
	if (!kdump_desc_usable(k, p, d, &why))
		return err_set(e, E_UNREADABLE, "%s", why);
	*rank_out = rank;
	return OK;
}

/* The least recently used of the kept pages, emptied. */
static enum status take_page(struct kdump_reader *kr, struct kept_page **out, struct err *e)
{
	struct kept_page *p = &kr->pages[0];

	for (size_t i = 1; i < PAGES_KEPT; i++)
		if (kr->pages[i].used < p->used)
			p = &kr->pages[i];
	if (!p->data)
		p->data = malloc(kr->k->block_size);
	if (!p->data)
		return err_nomem(e, kr->k->block_size);
	p->used = 0;
	*out = p;
	return OK;
}

/* The packed bytes of the page with descriptor `d` and of those that follow, as far as they lie in a row. */
static size_t packed_ahead(const struct kdump_reader *kr, const struct page_desc *d, uint64_t rank, size_t pages)
{
	uint64_t end = d->offset + d->size;

	for (rank -= kr->first_desc; pages-- > 1 && ++rank < kr->n_descs;) {
		struct page_desc next;

		page_desc_decode(&next, kr->descs + rank * PAGE_DESC_LEN, kr->k->big_endian);
		if (next.offset == end && next.size <= kr->k->block_size)
			end += next.size;
		else if (next.offset != kr->k->zero_at)
			break;
	}
	return (size_t)(end - d->offset);
}

/* Lends the packed bytes of a page; `ahead` counts those of pages that are going to be asked for next, too. */
static enum status view_packed(struct mem_reader *r, const struct page_desc *d, size_t ahead, const uint8_t **out,
			       struct err *e)
{
	struct kdump_reader *kr = r->impl;
	uint64_t skip = d->offset - kr->packed_at;

	if (r->window.file != kr->part->file) {
		input_window_fini(&r->window);
		input_window_init(&r->window, kr->part->file, r->bulk);
		kr->packed.len = 0;
	}
	if (d->offset < kr->packed_at || skip > kr->packed.len || kr->packed.len - skip < d->size) {
		skip = kr->packed.len = 0;
		if (input_window_view(&r->window, &(struct window_want){ d->offset, ahead, d->size, 0 }, &kr->packed, e)) {
			kr->packed.len = 0;
			return e->status;
		}
		kr->packed_at = d->offset;
	}
	*out = kr->packed.data + skip;
	/* a window may be gone when the next page is asked for */
	if (r->window.map)
		kr->packed.len = 0;
	return OK;
}

/* The first one of `pages` that are wanted. */
static enum status load_page(struct mem_reader *r, pfn_t pfn, size_t pages, const uint8_t **data, struct err *e)
{
	struct kdump_reader *kr = r->impl;
	const struct kdump_impl *k = kr->k;
	struct kept_page *page = NULL;
	const uint8_t *packed = NULL;
	struct page_desc d;
	uint64_t rank = 0;

	if (read_desc(kr, pfn, &d, &rank, e))
		return e->status;
	if (d.offset == k->zero_at && !d.flags && d.size == k->block_size) {
		*data = zeros;
		return OK;
	}
	if (!d.flags && d.size != k->block_size)
		return err_set(e, E_UNREADABLE, "it is stored in %u bytes, a page has %zu", d.size, k->block_size);
	if (view_packed(r, &d, packed_ahead(kr, &d, rank, pages), &packed, e))
		return e->status;
	if (!d.flags) {
		*data = packed;
		return OK;
	}
	if (take_page(kr, &page, e) || decoder_unpack(kr->decoder, d.flags, packed, d.size, page->data, e))
		return e->status;
	if (input_window_faulted(&r->window))
		return err_set(e, E_UNREADABLE, "the file cannot be read at %#" PRIx64, d.offset);
	page->pfn = pfn;
	page->used = ++kr->clock;
	*data = page->data;
	return OK;
}

enum status kdump_view(struct mem_reader *r, paddr_t at, size_t len, struct span *out, struct err *e)
{
	struct kdump_reader *kr = r->impl;
	const struct kdump_impl *k = kr->k;
	size_t in = (size_t)(at & (k->block_size - 1));
	const uint8_t *data = NULL;
	pfn_t pfn = (at >> k->shift) - k->pfn_base;

	if (at >> k->shift < k->pfn_base || pfn >= k->max_mapnr)
		return err_set(e, E_UNREADABLE, "no memory at physical address %#" PRIx64, at);
	for (size_t i = 0; i < PAGES_KEPT; i++)
		if (kr->pages[i].used && kr->pages[i].pfn == pfn) {
			kr->pages[i].used = ++kr->clock;
			data = kr->pages[i].data;
		}
	if (!data && load_page(r, pfn, r->bulk ? (in + len) / k->block_size : 1, &data, e)) {
		/* whatever is wrong with it costs this page, unless memory is gone */
		if (e->status != E_NOMEM)
			e->status = E_UNREADABLE;
		return err_add(e, "page %#" PRIx64, pfn + k->pfn_base);
	}
	*out = (struct span){ data + in, (size_t)min_u64(len, k->block_size - in) };
	return OK;
}
