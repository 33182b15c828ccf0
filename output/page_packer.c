/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From pages of memory to packed bytes: read, test for zero, compress. */
#include "output/page_packer.h"

#include <inttypes.h>
#include <string.h>

#include "base/bytes.h"

struct page_packer {
	struct mem_reader *reader;
	struct encoder *encoder; /* NULL: raw */
	uint32_t codec_flag;
	bool find_zero;
	unsigned page_shift;
	size_t page_size;
	uint8_t *page; /* for pages that are not lent in one piece */
};

enum status page_packer_open(struct page_packer **out, const struct mem_source *src, const struct packer_options *opt,
			     struct err *e)
{
	AUTO(page_packer) *p = calloc(1, sizeof(*p));

	if (!p)
		return err_nomem(e, sizeof(*p));
	p->page_shift = opt->page_shift;
	p->page_size = (size_t)1 << opt->page_shift;
	p->find_zero = opt->find_zero;
	p->page = malloc(p->page_size);
	if (!p->page)
		return err_nomem(e, p->page_size);
	if (mem_reader_open(&p->reader, src, READER_BULK, e) || mem_reader_take_memory(p->reader, e))
		return e->status;
	if (opt->codec) {
		if (encoder_open(&p->encoder, opt->codec, p->page_size, e))
			return e->status;
		p->codec_flag = opt->codec->flag;
	}
	*out = p;
	p = NULL;
	return OK;
}

void page_packer_close(struct page_packer *p)
{
	if (p->encoder)
		encoder_close(p->encoder);
	if (p->reader)
		mem_reader_close(p->reader);
	free(p->page);
	free(p);
}

size_t page_packer_block_pages(const struct page_packer *p)
{
	return p->page_size < BLOCK_BYTES ? BLOCK_BYTES / p->page_size : 1;
}

size_t page_packer_block_pages_max(const struct page_packer *p)
{
	size_t most = BLOCK_MEMORY_MAX >> p->page_shift, least = page_packer_block_pages(p);

	return most > least ? most : least;
}

size_t page_packer_block_room(const struct page_packer *p)
{
	size_t bound = p->encoder ? encoder_bound(p->encoder) : p->page_size;

	/* the last page may need its whole bound before it turns out not to shrink */
	return (page_packer_block_pages(p) - 1) * p->page_size + (bound > p->page_size ? bound : p->page_size);
}

/* Measured: how much of the next page to fetch while this one is being worked on. */
#define AHEAD_BYTES 512

/* `next` is the page to be packed after this one; `page` itself when it may not be touched yet. */
static size_t pack_one(struct page_packer *p, const uint8_t *page, const uint8_t *next, uint8_t *out,
		       struct packed_page *to)
{
	size_t len = 0;

	for (size_t i = 0; i < AHEAD_BYTES; i += 64)
		__builtin_prefetch(next + i);
	if (p->find_zero && bytes_are_zero(page, p->page_size)) {
		*to = (struct packed_page){ 0, 0, PACKED_ZERO };
		return 0;
	}
	if (p->encoder)
		len = encoder_pack(p->encoder, page, out);
	if (len) {
		*to = (struct packed_page){ (uint32_t)len, p->codec_flag, PACKED_DATA };
		return len;
	}
	memcpy(out, page, p->page_size);
	*to = (struct packed_page){ (uint32_t)p->page_size, 0, PACKED_DATA };
	return p->page_size;
}

/* The slow way, which tells exactly which page is bad. */
static size_t pack_copied(struct page_packer *p, pfn_t pfn, uint8_t *out, struct packed_page *to, struct err *why)
{
	struct err e;

	if (mem_read(p->reader, pfn << p->page_shift, p->page, p->page_size, &e)) {
		if (!why->status)
			*why = e;
		*to = (struct packed_page){ 0, 0, PACKED_LOST };
		return 0;
	}
	return pack_one(p, p->page, p->page, out, to);
}

void page_packer_expect(struct page_packer *p, pfn_t end)
{
	mem_reader_expect(p->reader, end << p->page_shift);
}

size_t page_packer_pack(struct page_packer *p, pfn_t first, size_t n, uint8_t *out, size_t *len,
			struct packed_page *pages, struct err *why)
{
	/* with more than this in the block one more page may not fit */
	size_t full = (page_packer_block_pages(p) - 1) << p->page_shift, used = 0, done = 0;

	while (done < n && used <= full) {
		struct span s;
		struct err e;
		size_t batch, i, before = used;

		if (mem_view(p->reader, (first + done) << p->page_shift, (n - done) << p->page_shift, &s, &e) ||
		    s.len < p->page_size) {
			used += pack_copied(p, first + done, out + used, &pages[done], why);
			done++;
			continue;
		}
		batch = s.len >> p->page_shift;
		for (i = 0; i < batch && used <= full; i++) {
			const uint8_t *page = s.data + (i << p->page_shift);

			used += pack_one(p, page, i + 1 < batch ? page + p->page_size : page, out + used,
					 &pages[done + i]);
		}
		if (!mem_view_intact(p->reader)) {
			used = before;
			for (i = 0; i < batch && used <= full; i++)
				used += pack_copied(p, first + done + i, out + used, &pages[done + i], why);
		}
		done += i;
	}
	*len = used;
	return done;
}
