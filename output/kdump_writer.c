/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Writes a kdump-compressed dump: headers, bitmaps, descriptors and data, each at its place. */
#include "output/kdump_writer.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/bitmap.h"
#include "base/bytes.h"
#include "format/page_desc.h"
#include "output/desc_table.h"
#include "output/note_copy.h"
#include "output/page_pipeline.h"
#include "print_info.h"

/*
 * Measured: larger writes gain nothing, and while one thread writes the others go on only as far as the ring of blocks
 * reaches.  The file system wants them aligned.
 */
#define DATA_BUFFER_DEFAULT ((size_t)256 << 10)
#define DATA_BUFFER_MAX ((size_t)4 << 20)
#define DATA_ALIGN 4096u
/* Descriptors wait for the disk to have their data, so they are written after so many buffers of it. */
#define DESC_STEP 16
#define DESC_BUFFER 4096 /* descriptors */
/* On a full disk so much data at a time is given up, until the descriptors of the rest fit. */
#define SALVAGE_STEP ((uint64_t)16 << 10)
/* Bitmaps are written where they have bits, in pieces of this size; the rest are holes. */
#define BITMAP_PIECE ((size_t)4 << 10)

struct kdump_writer {
	struct sink *sink;
	const struct mem_source *src;
	struct page_pipeline *pipeline;
	bool finds_zero;
	enum kdump_layout layout;
	bool big_endian, notes_lost;
	bool keep_mark;
	size_t page_size;
	pfn_t pfn_base;
	struct kdump_header header;
	struct kdump_sub_header sub;
	uint64_t bitmap_at[2], bitmap_len;
	/* where pfn_base is no multiple of 8: what the last stretch of a bitmap had for the first byte of the next one */
	struct {
		pfn_t pfn;
		uint8_t bits;
	} carry[2];
	uint64_t desc_table; /* where the descriptors begin */
	uint64_t desc_at;    /* of the next one to write */
	uint64_t zero_at; /* of the shared page of zeros */
	uint64_t described_end; /* end of the data that written descriptors promise */
	uint64_t step_at;	/* data up to here was there when descriptors were last written */

	/* page data: buf holds the bytes from file offset data_at on, of pages that are counted, then of others */
	uint64_t data_at;
	uint8_t *buf;
	size_t used, uncounted, limit;
	/* descriptors whose turn has not come: their data is not in the file yet */
	struct page_desc *descs;
	size_t n_descs;

	uint64_t promised; /* pages that have room for their descriptors */
	uint64_t added;	   /* pages handed in, of which the pipeline may still hold some */
	struct writer_counts counts;
};

static const uint8_t zeros[PAGE_SIZE_MAX];

/* On a device what is not written is whatever was there before. */
static enum status fill_gap(struct kdump_writer *w, uint64_t from, uint64_t to, struct err *e)
{
	return w->sink->holes_are_zero ? OK : sink_write_zeros(w->sink, from, to, e);
}

static enum status write_header(struct kdump_writer *w, struct err *e)
{
	uint8_t raw[KDUMP_HEADER_MAX];

	kdump_header_encode(raw, &w->header, w->layout, w->big_endian);
	return sink_write(w->sink, 0, raw, kdump_header_len(w->layout), e);
}

static enum status write_front(struct kdump_writer *w, const struct dump_about *about, struct err *e)
{
	size_t bs = w->page_size, sub_len = kdump_sub_header_len(w->layout);
	uint64_t notes_at = bs + sub_len, notes_len = w->src->notes_len;
	uint64_t blocks_before = 1 + (sub_len + notes_len + bs - 1) / bs;
	pfn_t max_mapnr = about->max_mapnr - min_u64(about->max_mapnr, about->pfn_base);
	uint8_t raw[KDUMP_SUB_HEADER_MAX];
	struct kdump_sub_header *sub = &w->sub;

	*sub = (struct kdump_sub_header){
		.phys_base = (int64_t)about->phys_base,
		.dump_level = (int32_t)about->dump_level,
		.max_mapnr = max_mapnr,
	};
	w->bitmap_len = round_up_u64((max_mapnr + 7) / 8, bs);
	if (blocks_before > INT32_MAX || 2 * w->bitmap_len / bs > UINT32_MAX)
		return err_set(e, E_FORMAT, "notes of %" PRIu64 " bytes and %" PRIu64 " pages do not fit the format",
			       notes_len, max_mapnr);
	w->header = (struct kdump_header){
		.version = KDUMP_VERSION,
		.timestamp = about->timestamp,
		.timestamp_us = about->timestamp_us,
		.status = KDUMP_INCOMPLETE | about->status | (about->codec ? about->codec->flag : 0),
		.block_size = (uint32_t)bs,
		.sub_header_blocks = (uint32_t)(blocks_before - 1),
		.bitmap_blocks = (uint32_t)(2 * w->bitmap_len / bs),
		.nr_cpus = w->src->nr_cpus,
		.max_mapnr = max_mapnr,
	};
	memcpy(w->header.utsname, about->utsname, sizeof(w->header.utsname));
	w->bitmap_at[0] = blocks_before * bs;
	w->bitmap_at[1] = w->bitmap_at[0] + w->bitmap_len;
	w->desc_table = w->desc_at = w->bitmap_at[1] + w->bitmap_len;
	if (notes_len) {
		sub->offset_note = notes_at;
		sub->size_note = notes_len;
	}
	if (w->src->vmcoreinfo_len) {
		sub->offset_vmcoreinfo = notes_at + w->src->vmcoreinfo_at;
		sub->size_vmcoreinfo = w->src->vmcoreinfo_len;
	}
	kdump_sub_header_encode(raw, sub, w->layout, w->big_endian);
	/* a device may hold an old dump: it gets its header when that one's descriptors are gone */
	if ((w->sink->holes_are_zero ? write_header(w, e) : fill_gap(w, 0, bs, e)) ||
	    sink_write(w->sink, bs, raw, sub_len, e) || note_copy(w->sink, w->src, notes_at, w->big_endian, &w->notes_lost, e))
		return e->status;
	return fill_gap(w, notes_at + notes_len, w->desc_at, e);
}

void kdump_writer_close(struct kdump_writer *w)
{
	if (w->pipeline)
		page_pipeline_close(w->pipeline);
	free(w->buf);
	free(w->descs);
	free(w);
}

const struct writer_counts *kdump_writer_counts(const struct kdump_writer *w)
{
	return &w->counts;
}

static enum status put_bits(struct kdump_writer *w, uint64_t at, const uint8_t *bits, size_t bytes, struct err *e)
{
	for (size_t done = 0, n; done < bytes; done += n) {
		size_t start;

		/* one write for each stretch of pieces that have bits */
		for (start = done; done < bytes; done += n) {
			n = (size_t)min_u64(bytes - done, BITMAP_PIECE);
			if (!memcmp(bits + done, zeros, n))
				break;
		}
		n = (size_t)min_u64(bytes - done, BITMAP_PIECE);
		if (done > start && sink_write(w->sink, at + start, bits + start, done - start, e))
			return e->status;
	}
	return OK;
}

/* As put_bits() for a file that counts from a page within a byte: every byte has bits of two. */
static enum status put_shifted(struct kdump_writer *w, int which, pfn_t first, uint64_t at, const uint8_t *bits,
			       size_t bytes, struct err *e)
{
	unsigned shift = (unsigned)(-w->pfn_base & 7);
	uint8_t piece[BITMAP_PIECE], before = w->carry[which - 1].pfn == first ? w->carry[which - 1].bits : 0;

	for (size_t done = 0, n; done < bytes; done += n) {
		n = (size_t)min_u64(bytes - done, sizeof(piece));
		bitmap_shift_up(piece, bits + done, n, shift, before);
		before = bits[done + n - 1];
		if (put_bits(w, at + done, piece, n, e))
			return e->status;
	}
	w->carry[which - 1].pfn = first + bytes * 8;
	w->carry[which - 1].bits = before;
	/* if there is a next stretch it writes this byte again */
	bitmap_shift_up(piece, zeros, 1, shift, before);
	return put_bits(w, at + bytes, piece, 1, e);
}

/* Which byte of a bitmap begins with page `first`, or with one of the 7 before it; *skip: bytes in front of the bitmap. */
static uint64_t bitmap_byte(const struct kdump_writer *w, pfn_t first, size_t bytes, size_t *skip)
{
	uint64_t base = (w->pfn_base + 7) / 8;

	*skip = first / 8 < base ? (size_t)min_u64(base - first / 8, bytes) : 0;
	return first / 8 + *skip - base;
}

enum status kdump_writer_put_bitmap(struct kdump_writer *w, int which, pfn_t first, const uint8_t *bits, size_t bytes,
				    struct err *e)
{
	size_t skip;
	uint64_t at = bitmap_byte(w, first, bytes, &skip) + w->bitmap_at[which - 1];

	if (w->pfn_base % 8 == 0)
		return skip < bytes ? put_bits(w, at, bits + skip, bytes - skip, e) : OK;
	if (skip == 0)
		return put_shifted(w, which, first, at, bits, bytes, e);
	/* the first byte of the bitmap has bits of the last one that is skipped */
	w->carry[which - 1].pfn = first + skip * 8;
	w->carry[which - 1].bits = bits[skip - 1];
	if (first / 8 + skip < (w->pfn_base + 7) / 8)
		return OK;
	return put_shifted(w, which, first + skip * 8, at, bits + skip, bytes - skip, e);
}

bool kdump_writer_can_read(const struct kdump_writer *w)
{
	return w->sink->ops->read_at;
}

enum status kdump_writer_get_bitmap2(struct kdump_writer *w, pfn_t first, uint8_t *bits, size_t bytes, struct err *e)
{
	unsigned shift = (unsigned)(-w->pfn_base & 7);
	uint64_t len = (w->sub.max_mapnr + 7) / 8, byte;
	size_t skip, n;
	uint8_t next = 0;

	byte = bitmap_byte(w, first, bytes, &skip);
	memset(bits, 0, bytes);
	n = byte < len ? (size_t)min_u64(bytes - skip, len - byte) : 0;
	if (n && w->sink->ops->read_at(w->sink, w->bitmap_at[1] + byte, bits + skip, n, e))
		return e->status;
	if (!shift)
		return OK;
	if (byte + n < len && first / 8 + bytes >= (w->pfn_base + 7) / 8 &&
	    w->sink->ops->read_at(w->sink, w->bitmap_at[1] + byte + n, &next, 1, e))
		return e->status;
	bitmap_shift_down(bits, bits, bytes, shift, next);
	return OK;
}

/* --- data and descriptors ------------------------------------------------------------------------- */

/* How many of the waiting descriptors promise only what lies before `safe` in the file. */
static size_t descs_covered(const struct kdump_writer *w, uint64_t safe)
{
	size_t n = 0;

	while (n < w->n_descs && w->descs[n].offset + w->descs[n].size <= safe)
		n++;
	return n;
}

/* Writes some descriptors. */
static enum status write_desc_batch(struct kdump_writer *w, const struct page_desc *d, size_t n, struct err *e)
{
	uint8_t raw[DESC_TABLE_BATCH * PAGE_DESC_LEN];
	size_t written;
	enum status st;

	for (size_t i = 0; i < n; i++)
		page_desc_encode(raw + i * PAGE_DESC_LEN, &d[i], w->big_endian);
	st = desc_table_write(w->sink, w->desc_table, w->desc_at, raw, n * PAGE_DESC_LEN, &written, e);
	for (size_t i = 0; i * PAGE_DESC_LEN < written; i++)
		w->described_end = max_u64(w->described_end, d[i].offset + d[i].size);
	if (st)
		return err_add(e, "%s", w->sink->name);
	w->desc_at += n * PAGE_DESC_LEN;
	return OK;
}

/* Writes the waiting descriptors whose data lies before `safe` in the file. */
static enum status write_descs(struct kdump_writer *w, uint64_t safe, struct err *e)
{
	size_t n = descs_covered(w, safe), done = 0;
	enum status st = OK;

	while (done < n) {
		size_t some = n - done < DESC_TABLE_BATCH ? n - done : DESC_TABLE_BATCH;

		st = write_desc_batch(w, w->descs + done, some, e);
		if (st)
			break;
		done += some;
	}
	memmove(w->descs, w->descs + done, (w->n_descs - done) * sizeof(*w->descs));
	w->n_descs -= done;
	return st;
}

/* Writes page data, all of it or up to the last aligned offset, then the descriptors that it fulfils. */
static enum status flush(struct kdump_writer *w, bool all, struct err *e)
{
	uint64_t end = w->data_at + w->used;
	size_t len = all ? w->used : (size_t)(end - end % DATA_ALIGN - w->data_at), written = 0;
	enum status st = OK;

	if (!all && end - end % DATA_ALIGN <= w->data_at)
		return OK;
	if (len)
		st = w->sink->ops->write_at(w->sink, w->data_at, w->buf, len, &written, e);
	w->sink->bytes_written += written;
	memmove(w->buf, w->buf + written, w->used + w->uncounted - written);
	w->data_at += written;
	w->used -= written;
	if (st)
		return err_add(e, "%s", w->sink->name);
	if (!all && w->data_at - w->step_at < DESC_STEP * w->limit)
		return OK;
	w->step_at = w->data_at;
	return write_descs(w, w->data_at, e);
}

enum status kdump_writer_begin_pages(struct kdump_writer *w, uint64_t n_pages, struct err *e)
{
	uint64_t data = w->desc_at + n_pages * PAGE_DESC_LEN;

	if (w->sink->ops->set_length(w->sink, data, e) || fill_gap(w, w->desc_at, data, e) ||
	    (!w->sink->holes_are_zero && write_header(w, e)))
		return e->status;
	w->data_at = w->zero_at = w->step_at = data;
	w->promised = n_pages;
	/* the shared page of zeros: first in the data area, there even if no page needs it */
	if (w->finds_zero) {
		memset(w->buf, 0, w->page_size);
		w->used = w->page_size;
	}
	return OK;
}

enum status kdump_writer_set_range(struct kdump_writer *w, pfn_t start, pfn_t end, uint64_t n_pages, struct err *e)
{
	uint8_t raw[KDUMP_SUB_HEADER_MAX];

	w->sub.split = 1;
	w->sub.start_pfn = start - w->pfn_base;
	w->sub.end_pfn = end - w->pfn_base;
	w->promised = n_pages;
	kdump_sub_header_encode(raw, &w->sub, w->layout, w->big_endian);
	return sink_write(w->sink, w->page_size, raw, kdump_sub_header_len(w->layout), e);
}

static void count_lost(struct kdump_writer *w, pfn_t pfn, uint64_t n, const char *why)
{
	for (uint64_t i = 0; i < n && w->counts.lost_pages + i < ARRAY_SIZE(w->counts.lost_first); i++)
		w->counts.lost_first[w->counts.lost_pages + i] = pfn + i;
	if (!w->counts.lost_pages)
		snprintf(w->counts.lost_why, sizeof(w->counts.lost_why), "%s", why);
	w->counts.lost_pages += n;
}

/* Room for the next block behind the data that waits. */
static enum status make_room(void *writer, size_t room, uint8_t **to, struct err *e)
{
	struct kdump_writer *w = writer;

	(void)room, (void)e; /* the buffer has that much beyond its limit */
	*to = w->buf + w->used;
	return OK;
}

/*
 * When to write is decided page by page: what goes out in one piece, and so a stream of -F, does not depend on how pages
 * came to be in blocks, which with threads is a matter of time.
 */
static enum status take_block(void *writer, const struct packed_block *b, struct err *e)
{
	struct kdump_writer *w = writer;

	if (b->data != w->buf + w->used)
		memcpy(w->buf + w->used, b->data, b->len);
	w->uncounted = b->len;
	for (size_t i = 0; i < b->n; i++) {
		const struct packed_page *p = &b->pages[i];
		struct page_desc d = { w->data_at + w->used, p->len, p->flags };

		if (p->kind == PACKED_ZERO) {
			d = (struct page_desc){ w->zero_at, (uint32_t)w->page_size, 0 };
			w->counts.zero_pages++;
		} else if (p->kind == PACKED_LOST) {
			d = (struct page_desc){ 0, 0, 0 };
			count_lost(w, b->first + i, 1, b->lost_why);
		}
		w->descs[w->n_descs++] = d;
		w->counts.pages++;
		w->used += p->len;
		w->uncounted -= p->len;
		if ((w->used >= w->limit && flush(w, false, e)) || (w->n_descs == DESC_BUFFER && flush(w, true, e))) {
			w->uncounted = 0;
			return e->status;
		}
	}
	return OK;
}

enum status kdump_writer_open(struct kdump_writer **out, struct sink *sink, const struct mem_source *src,
			      const struct dump_about *about, struct err *e)
{
	struct packer_options opt = {
		.codec = about->codec,
		.find_zero = about->dump_level & 1,
		.page_shift = about->target.page_shift,
	};
	AUTO(kdump_writer) *w = calloc(1, sizeof(*w));
	struct pipeline_user user = { take_block, make_room, w };
	size_t room;

	if (!w)
		return err_nomem(e, sizeof(*w));
	w->sink = sink;
	w->src = src;
	w->layout = about->layout;
	w->pfn_base = about->pfn_base;
	w->big_endian = about->target.big_endian;
	w->page_size = (size_t)about->target.page_size;
	w->finds_zero = opt.find_zero;
	if (page_pipeline_open(&w->pipeline, src, &opt, about->threads, &user, e))
		return e->status;
	w->limit = about->data_buffer ? about->data_buffer : DATA_BUFFER_DEFAULT;
	w->limit = (size_t)max_u64(w->page_size, min_u64(w->limit, DATA_BUFFER_MAX));
	/* beyond the limit a block fits in any case, and what alignment leaves behind */
	room = w->limit + page_pipeline_block_room(w->pipeline) + DATA_ALIGN;
	w->buf = malloc(room);
	w->descs = malloc(DESC_BUFFER * sizeof(*w->descs));
	if (!w->buf || !w->descs)
		return err_nomem(e, room);
	if (write_front(w, about, e))
		return e->status;
	*out = w;
	w = NULL;
	return OK;
}

/* A bitmap that is decided twice could differ, if the input changes under us: descriptors must not meet the data. */
static enum status check_promise(const struct kdump_writer *w, uint64_t n, struct err *e)
{
	if (n <= w->promised - w->added)
		return OK;
	return err_set(e, E_FORMAT, "%s: more pages than were counted", w->sink->name);
}

enum status kdump_writer_add(struct kdump_writer *w, pfn_t first, pfn_t end, struct err *e)
{
	if (check_promise(w, end - first, e))
		return e->status;
	w->added += end - first;
	return page_pipeline_add(w->pipeline, first, end, e);
}

enum status kdump_writer_add_packed(struct kdump_writer *w, const struct packed_block *b, struct err *e)
{
	if (check_promise(w, b->n, e))
		return e->status;
	w->added += b->n;
	return take_block(w, b, e);
}

size_t kdump_writer_block_pages(const struct kdump_writer *w)
{
	return page_pipeline_block_pages(w->pipeline);
}

enum status kdump_writer_add_eraseinfo(struct kdump_writer *w, const void *text, size_t len, struct err *e)
{
	uint8_t raw[KDUMP_SUB_HEADER_MAX];

	if (page_pipeline_drain(w->pipeline, e) || flush(w, true, e) || sink_write(w->sink, w->data_at, text, len, e))
		return e->status;
	w->sub.offset_eraseinfo = w->data_at;
	w->sub.size_eraseinfo = len;
	kdump_sub_header_encode(raw, &w->sub, w->layout, w->big_endian);
	return sink_write(w->sink, w->page_size, raw, kdump_sub_header_len(w->layout), e);
}

enum status kdump_writer_add_lost(struct kdump_writer *w, pfn_t first, pfn_t end, struct err *e)
{
	/* their descriptors stay zero: nothing to write, however many they are */
	if (check_promise(w, end - first, e) || page_pipeline_drain(w->pipeline, e) || flush(w, true, e))
		return e->status;
	w->added += end - first;
	w->desc_at += (end - first) * PAGE_DESC_LEN;
	w->counts.pages += end - first;
	count_lost(w, first, end - first, "the input does not have them");
	return OK;
}

static enum status mark(struct kdump_writer *w, bool incomplete, struct err *e)
{
	w->header.status &= ~(uint32_t)KDUMP_INCOMPLETE;
	if (incomplete)
		w->header.status |= KDUMP_INCOMPLETE;
	return write_header(w, e);
}

/* What the input says about data that was erased in it stays true: its text goes behind the page data. */
static enum status copy_eraseinfo(struct kdump_writer *w, struct err *e)
{
	uint8_t raw[KDUMP_SUB_HEADER_MAX], piece[4096];
	uint64_t len = w->src->eraseinfo_len;

	/* of several parts the first has it for all */
	if (!len || w->sub.start_pfn)
		return OK;
	for (uint64_t pos = 0; pos < len; pos += sizeof(piece)) {
		size_t n = (size_t)min_u64(len - pos, sizeof(piece));
		struct err unread;

		if (mem_source_read_eraseinfo(w->src, pos, piece, n, &unread)) {
			message(MSG_ERROR, "%s: it is cut.\n", unread.text);
			memset(piece, ' ', n);
			w->notes_lost = true;
		}
		if (sink_write(w->sink, w->data_at + pos, piece, n, e))
			return e->status;
	}
	w->sub.offset_eraseinfo = w->data_at;
	w->sub.size_eraseinfo = len;
	kdump_sub_header_encode(raw, &w->sub, w->layout, w->big_endian);
	return sink_write(w->sink, w->page_size, raw, kdump_sub_header_len(w->layout), e);
}

void kdump_writer_keep_mark(struct kdump_writer *w)
{
	w->keep_mark = true;
}

bool kdump_writer_is_incomplete(const struct kdump_writer *w)
{
	return w->counts.lost_pages || w->notes_lost || w->keep_mark || w->src->incomplete ||
	       w->counts.pages != w->promised;
}

enum status kdump_writer_settle(struct kdump_writer *w, struct err *e)
{
	if (page_pipeline_drain(w->pipeline, e) || flush(w, true, e)) {
		kdump_writer_salvage(w);
		return e->status;
	}
	if (copy_eraseinfo(w, e))
		return e->status;
	return w->sink->ops->sync(w->sink, e);
}

static enum status amend_mark(struct kdump_writer *w, struct err *e)
{
	uint8_t status_word[4];

	put_u32(status_word, w->header.status | KDUMP_INCOMPLETE, w->big_endian);
	return w->sink->ops->amend(w->sink, kdump_status_offset(w->layout), status_word, sizeof(status_word), e);
}

enum status kdump_writer_finish(struct kdump_writer *w, struct err *e)
{
	const struct sink_ops *ops = w->sink->ops;
	struct err again;

	if (kdump_writer_settle(w, e))
		return e->status;
	if (kdump_writer_is_incomplete(w)) {
		if (ops->finish(w->sink, e))
			return e->status;
		return err_set(e, E_INCOMPLETE, w->src->incomplete && !w->counts.lost_pages ?
			       "the input is incomplete, so is %s" : "pages are missing in %s", w->sink->name);
	}
	if (!mark(w, false, e) && !ops->sync(w->sink, e) && !ops->finish(w->sink, e))
		return OK;
	/* nobody can say whether the cleared mark is on the disk: set it again, by a way of its own */
	if (amend_mark(w, &again))
		err_add(e, "cannot mark it incomplete (%s)", again.text);
	return e->status;
}

void kdump_writer_mark_again(struct kdump_writer *w)
{
	struct err e;

	if (amend_mark(w, &e))
		message(MSG_ERROR, "%s: cannot mark it incomplete (%s).\n", w->sink->name, e.text);
}

void kdump_writer_salvage(struct kdump_writer *w)
{
	uint64_t safe, useful;
	enum status st;
	struct err e;

	if (!w->data_at)
		return;
	/* what is under way arrives, or the failure that brought us here has stopped it */
	if (page_pipeline_drain(w->pipeline, &e))
		message(MSG_DEBUG, "%s\n", e.text);
	if (w->sink->is_stream) {
		/* nothing of it can be taken back or mended */
		if (w->sink->ops->sync(w->sink, &e))
			message(MSG_DEBUG, "%s\n", e.text);
		return;
	}
	safe = w->data_at;
	do {
		/* bytes behind the last whole page are of no use, and their room may be what descriptors need */
		useful = max_u64(w->described_end, w->zero_at);
		for (size_t i = 0; i < descs_covered(w, safe); i++)
			useful = max_u64(useful, w->descs[i].offset + w->descs[i].size);
		if (w->sink->ops->set_length(w->sink, useful, &e))
			message(MSG_DEBUG, "%s\n", e.text);
		st = write_descs(w, useful, &e);
		safe = useful - w->described_end > SALVAGE_STEP ? useful - SALVAGE_STEP : w->described_end;
	} while (st == E_NOSPACE && useful > w->described_end && useful > w->zero_at);
	/* what was given up must not come back when this is called again, and there is more room */
	w->data_at = useful;
	w->used = w->uncounted = 0;
	if (st)
		message(MSG_DEBUG, "%s\n", e.text);
	if (w->sink->ops->sync(w->sink, &e))
		message(MSG_DEBUG, "%s\n", e.text);
}
