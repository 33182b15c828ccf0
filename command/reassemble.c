/* SPDX-License-Identifier: GPL-2.0-or-later */
/* --reassemble: the parts of a split dump become one dump again. */
#include "command/reassemble.h"

#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "base/bitmap.h"
#include "base/bytes.h"
#include "base/fdio.h"
#include "format/kdump_header.h"
#include "format/page_desc.h"
#include "input/input_file.h"
#include "output/kdump_writer.h"
#include "print_info.h"

#define PIECE ((size_t)64 << 10)
#define BITS_PIECE 4096 /* bytes of bitmap 2 that are looked at together */
#define DESC_BATCH 512
/* Text about erased data: more than any rules give. */
#define ERASEINFO_MAX ((uint64_t)1 << 20)
#define CODECS (KDUMP_ZLIB | KDUMP_LZO | KDUMP_SNAPPY | KDUMP_ZSTD)

struct part {
	struct input_file *file;
	enum kdump_layout layout;
	bool big_endian;
	uint8_t raw[KDUMP_HEADER_MAX];
	struct kdump_header header;
	struct kdump_sub_header sub;
	pfn_t start, end;
	uint64_t max_mapnr, bitmap_at, bitmap_len, table_at;
	uint64_t desc_at; /* of the next descriptor */
};

struct reassembly {
	struct part *parts;
	unsigned n;
	uint64_t kept, data_at; /* of all parts: pages, and where their data begins */
	struct mem_source *src;
	struct sink *sink;
	struct kdump_writer *writer;
	struct packed_page *pages;
	uint8_t *buf;
	size_t block_pages;
};

static void reassembly_close(struct reassembly *r)
{
	if (r->writer)
		kdump_writer_close(r->writer);
	if (r->sink)
		sink_close(r->sink);
	if (r->src)
		mem_source_close(r->src);
	for (unsigned i = 0; i < r->n; i++)
		if (r->parts[i].file)
			input_file_close(r->parts[i].file);
	free(r->parts);
	free(r->pages);
	free(r->buf);
}

/* --- parts --------------------------------------------------------------------------------------------- */

static enum status read_headers(struct part *p, struct err *e)
{
	uint8_t raw[KDUMP_SUB_HEADER_MAX] = { 0 };
	size_t len = (size_t)min_u64(p->file->size, sizeof(p->raw));
	const struct kdump_header *h = &p->header;

	if (input_file_read(p->file, 0, p->raw, len, e))
		return e->status;
	if (!kdump_has_magic(p->raw, len))
		return err_set(e, E_FORMAT, "it is no kdump-compressed dump");
	if (kdump_header_decode(&p->header, &p->layout, &p->big_endian, p->raw, len, e))
		return e->status;
	if (h->block_size < PAGE_SIZE_MIN || h->block_size > PAGE_SIZE_MAX || h->block_size & (h->block_size - 1))
		return err_set(e, E_FORMAT, "blocks of %u bytes", h->block_size);
	if (p->file->size <= h->block_size)
		return err_set(e, E_FORMAT, "it ends before its sub header");
	len = (size_t)min_u64(p->file->size - h->block_size, sizeof(raw));
	if (input_file_read(p->file, h->block_size, raw, len, e))
		return e->status;
	if (p->layout != KDUMP_64)
		p->layout = kdump_sub_header_layout(raw, h, p->big_endian);
	kdump_sub_header_decode(&p->sub, raw, h, p->layout, p->big_endian);
	return OK;
}

static enum status open_part(struct part *p, const char *path, struct err *e)
{
	const struct kdump_header *h = &p->header;
	uint64_t bs;

	if (input_file_open(&p->file, path, true, e))
		return e->status;
	if (read_headers(p, e))
		return err_add(e, "%s", path);
	bs = h->block_size;
	p->max_mapnr = h->version >= 6 ? p->sub.max_mapnr : h->max_mapnr;
	p->bitmap_at = bs * (UINT64_C(1) + h->sub_header_blocks);
	p->bitmap_len = h->bitmap_blocks / 2 * bs;
	p->table_at = p->desc_at = p->bitmap_at + h->bitmap_blocks * bs;
	/* a dump that is not split is all of it */
	p->start = p->sub.split ? p->sub.start_pfn : 0;
	p->end = p->sub.split ? p->sub.end_pfn : p->max_mapnr;
	if (p->start > p->end || p->end > p->max_mapnr || p->bitmap_len < (p->max_mapnr + 7) / 8 || !p->max_mapnr)
		return err_set(e, E_FORMAT, "%s: its headers make no sense", path);
	if (p->file->size < p->table_at)
		return err_set(e, E_FORMAT, "%s ends before its bitmaps do", path);
	if (h->status & KDUMP_INCOMPLETE)
		message(MSG_COMMON, "%s is marked incomplete: so will be the dump.\n", path);
	return OK;
}

static enum status not_one_dump(const struct part *a, const struct part *b, const char *what, struct err *e)
{
	return err_set(e, E_FORMAT, "%s and %s are no parts of one dump: their %s differ", a->file->path, b->file->path, what);
}

/* Notes and bitmaps, byte by byte. */
static enum status compare_fronts(const struct part *a, const struct part *b, struct err *e)
{
	AUTO_FREE uint8_t *x = malloc(2 * PIECE);
	uint64_t from = a->header.block_size + kdump_sub_header_len(a->layout);
	uint8_t *y = x + PIECE;

	if (!x)
		return err_nomem(e, 2 * PIECE);
	if (a->header.version < KDUMP_VERSION)
		from = a->bitmap_at;
	for (uint64_t at = from; at < a->table_at; at += PIECE) {
		size_t n = (size_t)min_u64(a->table_at - at, PIECE);

		if (input_file_read(a->file, at, x, n, e))
			return err_add(e, "%s", a->file->path);
		if (input_file_read(b->file, at, y, n, e))
			return err_add(e, "%s", b->file->path);
		if (memcmp(x, y, n))
			return not_one_dump(a, b, "notes or bitmaps", e);
	}
	return OK;
}

/* Only the mark may differ, and what a part says of its own pages. */
static enum status compare_parts(const struct part *a, const struct part *b, struct err *e)
{
	uint8_t x[KDUMP_HEADER_MAX], y[KDUMP_HEADER_MAX];
	size_t len = kdump_header_len(a->layout), status_at = kdump_status_offset(a->layout);

	if (a->layout != b->layout || a->big_endian != b->big_endian)
		return not_one_dump(a, b, "machines", e);
	memcpy(x, a->raw, len);
	memcpy(y, b->raw, len);
	memset(x + status_at, 0, 4);
	memset(y + status_at, 0, 4);
	if (memcmp(x, y, len) || (a->header.status ^ b->header.status) & ~(uint32_t)KDUMP_INCOMPLETE)
		return not_one_dump(a, b, "headers", e);
	if (a->sub.phys_base != b->sub.phys_base || a->sub.dump_level != b->sub.dump_level || a->max_mapnr != b->max_mapnr)
		return not_one_dump(a, b, "sub headers", e);
	return compare_fronts(a, b, e);
}

static int by_range(const void *x, const void *y)
{
	const struct part *a = x, *b = y;

	if (a->start != b->start)
		return a->start < b->start ? -1 : 1;
	return a->end < b->end ? -1 : a->end > b->end;
}

static enum status check_ranges(const struct reassembly *r, struct err *e)
{
	pfn_t at = 0;

	for (unsigned i = 0; i < r->n; i++) {
		const struct part *p = &r->parts[i];

		if (p->start < at)
			return err_set(e, E_FORMAT, "%s has page frames that %s has, too: %#" PRIx64 " to %#" PRIx64,
				       p->file->path, r->parts[i - 1].file->path, p->start, min_u64(at, p->end) - 1);
		if (p->start > at)
			return err_set(e, E_FORMAT, "there is no dumpfile for the page frames %#" PRIx64 " to %#" PRIx64, at,
				       p->start - 1);
		at = p->end;
	}
	if (at < r->parts[0].max_mapnr)
		return err_set(e, E_FORMAT, "there is no dumpfile for the page frames %#" PRIx64 " to %#" PRIx64, at,
			       r->parts[0].max_mapnr - 1);
	return OK;
}

static enum status open_parts(struct reassembly *r, const struct options *opt, struct err *e)
{
	for (unsigned i = 0; i < r->n; i++)
		if (open_part(&r->parts[i], opt->inputs[i], e) || (i && compare_parts(&r->parts[0], &r->parts[i], e)))
			return e->status;
	qsort(r->parts, r->n, sizeof(*r->parts), by_range);
	return check_ranges(r, e);
}

/* --- what all parts have ------------------------------------------------------------------------------- */

static enum status part_notes(const struct mem_source *src, uint64_t pos, void *buf, size_t len, struct err *e)
{
	const struct part *p = src->impl;

	return input_file_read(p->file, p->sub.offset_note + pos, buf, len, e);
}

static void part_nothing(struct mem_source *src)
{
	(void)src;
}

/* To the writer a part is a source that has notes and no memory. */
static const struct mem_source_ops part_ops = { .name = "part of a dump", .read_notes = part_notes, .close = part_nothing };

static enum status open_source(struct reassembly *r, struct err *e)
{
	struct part *p = &r->parts[0];
	const struct kdump_sub_header *s = &p->sub;

	if (mem_source_wrap(&r->src, &part_ops, p, e))
		return e->status;
	r->src->big_endian = r->src->notes_big_endian = p->big_endian; /* notes are copied as they are */
	r->src->nr_cpus = p->header.nr_cpus;
	if (s->size_note && s->offset_note <= p->bitmap_at && s->size_note <= p->bitmap_at - s->offset_note)
		r->src->notes_len = s->size_note;
	if (s->size_vmcoreinfo && s->offset_vmcoreinfo >= s->offset_note && s->size_vmcoreinfo <= r->src->notes_len &&
	    s->offset_vmcoreinfo - s->offset_note <= r->src->notes_len - s->size_vmcoreinfo) {
		r->src->vmcoreinfo_at = s->offset_vmcoreinfo - s->offset_note;
		r->src->vmcoreinfo_len = (size_t)s->size_vmcoreinfo;
	}
	return OK;
}

static unsigned log2_of(uint32_t n)
{
	return (unsigned)__builtin_ctz(n);
}

/* Nothing is cut before it is known to be none of the parts. */
static enum status open_output(struct reassembly *r, const struct options *opt, struct err *e)
{
	const struct part *p = &r->parts[0];
	const char *path = opt->outputs[0];
	int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	struct dump_about about = {
		.target = { p->big_endian, p->layout == KDUMP_64 ? 8 : 4, log2_of(p->header.block_size),
			    p->header.block_size },
		.layout = p->layout,
		.timestamp = p->header.timestamp,
		.timestamp_us = p->header.timestamp_us,
		.phys_base = (uint64_t)p->sub.phys_base,
		.max_mapnr = p->max_mapnr,
		.dump_level = (unsigned)p->sub.dump_level,
		.status = p->header.status & ~(uint32_t)KDUMP_INCOMPLETE,
		.data_buffer = opt->block_order < 0 ? 0 : (size_t)p->header.block_size << opt->block_order,
	};

	memcpy(about.utsname, p->header.utsname, sizeof(about.utsname));
	for (unsigned i = 0; fd >= 0 && i < r->n; i++)
		if (fd_same_file(fd, r->parts[i].file->fd)) {
			close(fd);
			return err_set(e, E_USAGE, "%s is one of the parts", path);
		}
	if (fd >= 0)
		close(fd);
	if (sink_file_open(&r->sink, path, opt->overwrite, p->file->fd, e))
		return e->status;
	r->sink->limit = opt->size_limit;
	if (kdump_writer_open(&r->writer, r->sink, r->src, &about, e))
		return e->status;
	r->block_pages = kdump_writer_block_pages(r->writer);
	r->pages = malloc(r->block_pages * sizeof(*r->pages));
	r->buf = malloc(r->block_pages * p->header.block_size);
	return r->pages && r->buf ? OK : err_nomem(e, r->block_pages * p->header.block_size);
}

static enum status copy_bitmaps(struct reassembly *r, struct err *e)
{
	const struct part *p = &r->parts[0];
	uint64_t len = (p->max_mapnr + 7) / 8;
	uint8_t piece[BITS_PIECE];

	for (int which = 1; which <= 2; which++)
		for (uint64_t at = 0; at < len; at += sizeof(piece)) {
			size_t n = (size_t)min_u64(len - at, sizeof(piece));

			if (input_file_read(p->file, p->bitmap_at + (uint64_t)(which - 1) * p->bitmap_len + at, piece, n, e))
				return err_add(e, "%s", p->file->path);
			if (which == 2)
				r->kept += bitmap_count(piece, 0, (size_t)min_u64(n * 8, p->max_mapnr - at * 8));
			if (kdump_writer_put_bitmap(r->writer, which, at * 8, piece, n, e))
				return e->status;
		}
	r->data_at = p->table_at + r->kept * PAGE_DESC_LEN;
	return kdump_writer_begin_pages(r->writer, r->kept, e);
}

/* --- pages ---------------------------------------------------------------------------------------------- */

/* What a descriptor says: a page that it does not have, or cannot have, is lost. */
static struct packed_page describe(const struct reassembly *r, const struct part *p, const struct page_desc *d)
{
	uint32_t bs = p->header.block_size;

	if (p->sub.dump_level & 1 && d->offset == r->data_at && d->size == bs && !d->flags)
		return (struct packed_page){ .kind = PACKED_ZERO };
	if (d->offset < r->data_at || !d->size || d->size > bs || (!d->flags && d->size != bs) || d->flags & ~(uint32_t)CODECS ||
	    d->offset > p->file->size || d->size > p->file->size - d->offset)
		return (struct packed_page){ .kind = PACKED_LOST };
	return (struct packed_page){ .kind = PACKED_DATA, .len = d->size, .flags = d->flags };
}

/* Packed bytes of pages that follow each other in a part. */
struct stretch {
	uint64_t from;
	size_t len, first; /* bytes; the first of its pages */
};

/* Reads a stretch behind what is in the block; if that fails its pages, up to `end`, are lost. */
static void read_stretch(struct reassembly *r, const struct part *p, struct packed_block *b, const struct stretch *s,
			 size_t end)
{
	struct err e;

	if (!s->len)
		return;
	if (!input_file_read(p->file, s->from, r->buf + b->len, s->len, &e)) {
		b->len += s->len;
		return;
	}
	message(MSG_ERROR, "%s: %s.\n", p->file->path, e.text);
	for (size_t i = s->first; i < end; i++)
		if (r->pages[i].kind == PACKED_DATA)
			r->pages[i] = (struct packed_page){ .kind = PACKED_LOST };
	b->lost_why = "its part cannot be read";
}

/* Up to a block of pages, whose packed bytes are taken as they are. */
static enum status copy_block(struct reassembly *r, const struct part *p, const struct page_desc *d, pfn_t first, size_t n,
			      struct err *e)
{
	struct packed_block b = { .first = first, .n = n, .pages = r->pages, .data = r->buf, .lost_why = "" };
	struct stretch s = { 0 };

	for (size_t i = 0; i < n; i++) {
		r->pages[i] = describe(r, p, &d[i]);
		if (r->pages[i].kind == PACKED_LOST)
			b.lost_why = "its part does not have it";
		if (r->pages[i].kind != PACKED_DATA)
			continue;
		if (d[i].offset != s.from + s.len) {
			read_stretch(r, p, &b, &s, i);
			s = (struct stretch){ d[i].offset, 0, i };
		}
		s.len += r->pages[i].len;
	}
	read_stretch(r, p, &b, &s, n);
	return kdump_writer_add_packed(r->writer, &b, e);
}

/* The pages of a run of bits. */
static enum status copy_run(struct reassembly *r, struct part *p, pfn_t first, pfn_t end, struct err *e)
{
	uint8_t raw[DESC_BATCH * PAGE_DESC_LEN];
	struct page_desc descs[DESC_BATCH];

	while (first < end) {
		size_t n = (size_t)min_u64(min_u64(end - first, DESC_BATCH), r->block_pages);
		uint64_t there = p->file->size > p->desc_at ? p->file->size - p->desc_at : 0;
		size_t len = (size_t)min_u64(n * PAGE_DESC_LEN, there);

		/* a part that was cut lacks descriptors, too */
		memset(raw, 0, sizeof(raw));
		if (len && input_file_read(p->file, p->desc_at, raw, len, e))
			return err_add(e, "%s", p->file->path);
		memset(raw + len / PAGE_DESC_LEN * PAGE_DESC_LEN, 0, len % PAGE_DESC_LEN);
		for (size_t i = 0; i < n; i++)
			page_desc_decode(&descs[i], raw + i * PAGE_DESC_LEN, p->big_endian);
		if (copy_block(r, p, descs, first, n, e))
			return e->status;
		p->desc_at += n * PAGE_DESC_LEN;
		first += n;
	}
	return OK;
}

static enum status copy_part(struct reassembly *r, struct part *p, struct progress *progress, struct err *e)
{
	uint8_t bits[BITS_PIECE];

	for (pfn_t base = p->start & ~UINT64_C(7), next; base < p->end; base = next) {
		size_t from = p->start > base ? (size_t)(p->start - base) : 0, first, end, n;

		next = min_u64((base / (8 * BITS_PIECE) + 1) * (8 * BITS_PIECE), p->end);
		n = (size_t)(next - base);
		if (input_file_read(p->file, p->bitmap_at + p->bitmap_len + base / 8, bits, (n + 7) / 8, e))
			return err_add(e, "%s", p->file->path);
		for (; bitmap_next_run(bits, from, n, &first, &end); from = end)
			if (copy_run(r, p, base + first, base + end, e))
				return e->status;
		progress_at(progress, kdump_writer_counts(r->writer)->pages);
	}
	return OK;
}

/* What was erased in the pages of each part. */
static enum status copy_eraseinfo(struct reassembly *r, struct err *e)
{
	AUTO_FREE uint8_t *text = NULL;
	uint64_t len = 0;

	for (unsigned i = 0; i < r->n; i++) {
		const struct part *p = &r->parts[i];
		uint64_t size = p->sub.size_eraseinfo;
		uint8_t *more;

		if (!size)
			continue;
		if (size > ERASEINFO_MAX - len)
			return err_set(e, E_FORMAT, "%s: %" PRIu64 " bytes of text about erased data", p->file->path, size);
		more = realloc(text, len + size);
		if (!more)
			return err_nomem(e, len + size);
		text = more;
		if (input_file_read(p->file, p->sub.offset_eraseinfo, text + len, size, e))
			return err_add(e, "%s", p->file->path);
		len += size;
	}
	return len ? kdump_writer_add_eraseinfo(r->writer, text, len, e) : OK;
}

static enum status copy_all(struct reassembly *r, struct err *e)
{
	struct progress progress;

	if (copy_bitmaps(r, e))
		return e->status;
	progress_start(&progress, "Copying data", r->kept, true);
	for (unsigned i = 0; i < r->n; i++) {
		if (r->parts[i].header.status & KDUMP_INCOMPLETE)
			kdump_writer_keep_mark(r->writer);
		if (copy_part(r, &r->parts[i], &progress, e))
			return e->status;
	}
	progress_end(&progress);
	return copy_eraseinfo(r, e);
}

static enum status reassemble(struct reassembly *r, const struct options *opt, struct err *e)
{
	const struct writer_counts *c;
	enum status st;

	if (sink_file_check(opt->outputs[0], opt->overwrite, e) || open_parts(r, opt, e) || open_source(r, e) ||
	    open_output(r, opt, e))
		return e->status;
	st = copy_all(r, e);
	if (st)
		kdump_writer_salvage(r->writer);
	else
		st = kdump_writer_finish(r->writer, e);
	c = kdump_writer_counts(r->writer);
	if (c->lost_pages)
		message(MSG_ERROR, "%" PRIu64 " pages are missing in the parts and in the dump, pfn %#" PRIx64 " first.\n",
			c->lost_pages, c->lost_first[0]);
	if (st && c->pages)
		message(MSG_COMMON, "This is an incomplete dumpfile, but might analyzable.\n");
	if (!st)
		message(MSG_COMMON, "\nThe dumpfile is saved to %s.\n", opt->outputs[0]);
	return st;
}

enum status command_reassemble(const struct options *opt, struct err *e)
{
	struct reassembly r = { .n = opt->n_inputs };
	enum status st;

	r.parts = calloc(r.n, sizeof(*r.parts));
	if (!r.parts)
		return err_nomem(e, r.n * sizeof(*r.parts));
	st = reassemble(&r, opt, e);
	reassembly_close(&r);
	return st;
}
