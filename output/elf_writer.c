/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Writes a dump in ELF format: headers, notes, and the segments of the input without what is left out. */
#include "output/elf_writer.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/bytes.h"
#include "format/elf_core.h"
#include "output/note_copy.h"
#include "print_info.h"

/* Measured: larger writes gain nothing, and the file system wants them aligned. */
#define DATA_PIECE_DEFAULT ((size_t)1 << 20)
#define DATA_PIECE_MAX ((size_t)4 << 20)
#define DATA_ALIGN 4096u
/* Pages of one piece at most. */
#define BATCH_PAGES 1024u
#define MARK_NOTE_MAX (ELF_NHDR_LEN + 12) /* "INCOMPLETE" and its padding */
/* Program headers that are gathered; those of a machine with little memory are written once. */
#define PHDR_BUFFER 512u
/*
 * When there is a fourth more the headers in the file are brought up to it: a killed program leaves the rest behind, and
 * headers have to wait until the disk has what they promise.
 */
#define CHECKPOINT_SHARE 4
#define CHECKPOINT_MIN ((uint64_t)4 << 20)
#define CHECKPOINT_MAX ((uint64_t)32 << 20)
/* Segments that may be cut by pages that turn out to be unreadable; beyond that more than those pages is lost. */
#define SPARE_HEADERS 32u
/* Earlier segments that are looked at to count a page of zeros once. */
#define EARLIER_MAX 64u

struct elf_writer {
	struct sink *sink;
	const struct mem_source *src;
	struct mem_reader *reader; /* memory that is kept, in rising order */
	struct mem_reader *back;   /* what lies before it, and single pages */
	struct elf_header header;
	unsigned page_shift, long_bytes;
	size_t page_size, piece;
	bool find_zero, notes_lost, rewound;
	uint8_t *page;
	uint64_t zero[BATCH_PAGES / 64]; /* bits: pages of the piece at hand that are all zero */

	/* front of the file */
	uint64_t room;	/* program headers that there is room for */
	uint64_t spare; /* of them: those that nobody has asked for yet */
	struct elf_phdr note;
	uint64_t mark_len; /* bytes of the note that is the mark; 0: the mark is a flag */

	/* program headers: the first `headers_written` are in the file, the buffer has the next ones */
	uint8_t *phdrs;
	uint64_t headers_written;
	size_t n_phdrs;

	/* the segment of the input */
	struct mem_segment segment;
	bool overlaps; /* with an earlier one, maybe */
	/* the segment of the output: [start, filed) is its data, up to `at` it has none */
	paddr_t start, filed, at;
	uint64_t data_at;  /* where in the file the data of `start` is */
	uint64_t data_end; /* end of all data that is written */
	uint64_t checked;  /* data_end when the headers were last brought up to it */
	uint64_t run;	   /* pages that are left out, from `filed` to `at` */
	uint8_t run_bad[ELF_HOLE_PAGES]; /* which of the first of them must not be read */
	bool skipping;	   /* no room for more headers: nothing is written up to the next hole */

	struct {
		pfn_t first, end;
	} earlier[EARLIER_MAX];
	size_t n_earlier;
	pfn_t highest_end;
	struct elf_counts counts;
};

static const uint8_t zeros[PAGE_SIZE_MAX];

/* --- the front -------------------------------------------------------------------------------------- */

/* Headers: `phnum` of them are there.  On a device this also clears what was there before. */
static enum status write_header(struct elf_writer *w, uint64_t phnum, bool incomplete, struct err *e)
{
	uint8_t raw[ELF_HEADER_MAX], section[ELF_SHDR_MAX];

	w->header.phnum = (uint32_t)phnum;
	w->header.flags &= ~ELF_FLAG_INCOMPLETE;
	w->header.flags |= w->mark_len ? w->src->elf_flags & ELF_FLAG_INCOMPLETE : incomplete ? ELF_FLAG_INCOMPLETE : 0;
	if (phnum >= ELF_PN_XNUM) {
		elf_shdr_encode(section, (uint32_t)phnum, &w->header);
		if (sink_write(w->sink, w->header.shoff, section, elf_shdr_len(&w->header), e))
			return e->status;
	}
	elf_header_encode(raw, &w->header);
	return sink_write(w->sink, 0, raw, elf_header_len(&w->header), e);
}

/* The program header of the notes; the note that is the mark, where there is one, comes last of them. */
static void encode_note_phdr(const struct elf_writer *w, bool incomplete, uint8_t raw[ELF_PHDR_MAX])
{
	struct elf_phdr p = w->note;

	if (incomplete && w->mark_len)
		p.filesz = round_up_u64(p.filesz, 4) + w->mark_len;
	p.memsz = p.filesz;
	elf_phdr_encode(raw, &p, &w->header);
}

static enum status write_notes(struct elf_writer *w, struct err *e)
{
	uint64_t len = w->src->notes_len, mark_at = w->note.offset + round_up_u64(len, 4);
	struct elf_note mark = { sizeof(ELF_NOTE_INCOMPLETE), 0, 0 };
	uint8_t raw[MARK_NOTE_MAX] = { 0 };

	if (note_copy(w->sink, w->src, w->note.offset, w->header.big_endian, &w->notes_lost, e) ||
	    (!w->sink->holes_are_zero && sink_write_zeros(w->sink, w->note.offset + len, w->data_end, e)))
		return e->status;
	if (!w->mark_len)
		return OK;
	elf_note_encode(raw, &mark, w->header.big_endian);
	memcpy(raw + ELF_NHDR_LEN, ELF_NOTE_INCOMPLETE, sizeof(ELF_NOTE_INCOMPLETE));
	return sink_write(w->sink, mark_at, raw, w->mark_len, e);
}

/* Places everything before the data, and writes it.  The room of all headers is taken now, before data takes it. */
static enum status write_front(struct elf_writer *w, struct err *e)
{
	size_t header_len = elf_header_len(&w->header), phdr_len = elf_phdr_len(&w->header);
	uint64_t end = header_len + w->room * phdr_len;
	uint8_t raw[ELF_HEADER_MAX + ELF_PHDR_MAX];

	w->header.phoff = header_len;
	if (w->room >= ELF_PN_XNUM) {
		end = round_up_u64(end, 8);
		w->header.shoff = end;
		end += elf_shdr_len(&w->header);
	}
	if (!elf_marks_by_flag(w->header.machine))
		w->mark_len = ELF_NHDR_LEN + round_up_u64(sizeof(ELF_NOTE_INCOMPLETE), 4);
	w->note = (struct elf_phdr){ .type = ELF_PT_NOTE, .offset = round_up_u64(end, 4), .filesz = w->src->notes_len };
	w->data_end = round_up_u64(w->note.offset + round_up_u64(w->src->notes_len, 4) + w->mark_len, DATA_ALIGN);
	if (w->room > UINT32_MAX || (!w->header.is64 && w->data_end > UINT32_MAX))
		return err_set(e, E_FORMAT, "notes of %" PRIu64 " bytes and %" PRIu64 " segments do not fit the format",
			       w->src->notes_len, w->room);
	w->checked = w->data_end;
	/* in one go: a header whose program headers are not there is no ELF file */
	w->header.phnum = 1;
	w->header.flags |= w->mark_len ? 0 : ELF_FLAG_INCOMPLETE;
	elf_header_encode(raw, &w->header);
	encode_note_phdr(w, true, raw + header_len);
	if (sink_write(w->sink, 0, raw, header_len + phdr_len, e) ||
	    sink_write_zeros(w->sink, header_len + phdr_len, w->note.offset, e) || write_notes(w, e))
		return e->status;
	w->headers_written = 1;
	return w->sink->ops->set_length(w->sink, w->data_end, e);
}

enum status elf_writer_open(struct elf_writer **out, struct sink *sink, const struct mem_source *src,
			    const struct elf_about *about, struct err *e)
{
	AUTO(elf_writer) *w = calloc(1, sizeof(*w));
	size_t most;

	if (!w)
		return err_nomem(e, sizeof(*w));
	w->sink = sink;
	w->src = src;
	w->page_shift = about->target.page_shift;
	w->page_size = (size_t)1 << w->page_shift;
	w->long_bytes = about->target.long_bytes;
	w->find_zero = about->find_zero;
	w->header = (struct elf_header){ .is64 = about->is64,
					 .big_endian = about->target.big_endian,
					 .osabi = src->elf_osabi,
					 .machine = (uint16_t)src->machine,
					 .flags = src->elf_flags };
	w->spare = SPARE_HEADERS;
	w->room = 1 + about->headers + w->spare;
	most = (size_t)min_u64(DATA_PIECE_MAX, (uint64_t)BATCH_PAGES << w->page_shift);
	w->piece = about->data_piece ? about->data_piece : DATA_PIECE_DEFAULT;
	/* a record of a stream shows what was written at once: as much as a file that is read lends, also of one that is mapped */
	if (sink->is_stream)
		most = PAGE_SIZE_MAX;
	w->piece = (size_t)max_u64(w->page_size, min_u64(w->piece, most));
	w->page = malloc(w->page_size);
	/* one more than are gathered: the header of the segment that is not finished */
	w->phdrs = malloc((PHDR_BUFFER + 1) * (size_t)ELF_PHDR_MAX);
	if (!w->page || !w->phdrs)
		return err_nomem(e, (PHDR_BUFFER + 1) * (size_t)ELF_PHDR_MAX);
	if (mem_reader_open(&w->reader, src, READER_BULK, e) || mem_reader_open(&w->back, src, READER_BULK, e) ||
	    write_front(w, e))
		return e->status;
	*out = w;
	w = NULL;
	return OK;
}

void elf_writer_close(struct elf_writer *w)
{
	if (w->reader)
		mem_reader_close(w->reader);
	if (w->back)
		mem_reader_close(w->back);
	free(w->page);
	free(w->phdrs);
	free(w);
}

const struct elf_counts *elf_writer_counts(const struct elf_writer *w)
{
	return &w->counts;
}

/* --- program headers -------------------------------------------------------------------------------- */

/*
 * A segment of physical addresses only has no virtual ones to be cut.  Of one that reaches beyond a 32-bit kernel's
 * addresses that part has none; QEMU has physical ones in their place, which may be larger.
 */
static vaddr_t vaddr_of(const struct elf_writer *w, paddr_t at)
{
	const struct mem_segment *s = &w->segment;
	vaddr_t vaddr = s->vaddr + (at - s->paddr);

	if (s->vaddr == VADDR_NONE || (!s->vaddr && s->paddr))
		return s->vaddr;
	return w->long_bytes == 4 && vaddr > UINT32_MAX && s->vaddr != s->paddr ? VADDR_NONE : vaddr;
}

static void encode_load(const struct elf_writer *w, size_t i, paddr_t filed, paddr_t end)
{
	struct elf_phdr p = {
		.type = ELF_PT_LOAD,
		.flags = w->segment.flags,
		.offset = w->data_at,
		.vaddr = vaddr_of(w, w->start),
		.paddr = w->start,
		.filesz = filed - w->start,
		.memsz = end - w->start,
	};

	elf_phdr_encode(w->phdrs + i * elf_phdr_len(&w->header), &p, &w->header);
}

/* The end of what is in the file of the segment that is not finished: whole pages. */
static paddr_t written_end(const struct elf_writer *w)
{
	paddr_t end = w->start + (w->data_end - w->data_at);

	if (end == w->segment.paddr + w->segment.memsz)
		return end;
	return max_u64(end & ~((paddr_t)w->page_size - 1), w->start);
}

/*
 * Writes the gathered headers, and then their number.  The one of the segment that is not finished, if it has data
 * already, is written too, without promising anything behind that data; it is written again when the rest is known.
 */
static enum status write_headers(struct elf_writer *w, struct err *e)
{
	size_t len = elf_phdr_len(&w->header), n = w->n_phdrs;
	paddr_t end = written_end(w);

	if (end > w->start) {
		encode_load(w, n, end, end);
		n++;
	}
	if (w->headers_written + n > w->room)
		return err_set(e, E_FORMAT, "%s: more segments than were counted", w->sink->name);
	if (sink_write(w->sink, w->header.phoff + w->headers_written * len, w->phdrs, n * len, e) ||
	    write_header(w, w->headers_written + n, true, e))
		return e->status;
	w->headers_written += w->n_phdrs;
	w->n_phdrs = 0;
	w->checked = w->data_end;
	return OK;
}

/* The next segment of the output begins at `at`. */
static void start_segment(struct elf_writer *w, paddr_t at)
{
	w->start = w->filed = w->at = at;
	w->data_at = w->data_end;
	w->run = 0;
}

/* Ends the segment of the output before `end`; memory from its data on reads as zero there. */
static enum status end_segment(struct elf_writer *w, paddr_t end, struct err *e)
{
	bool full = w->n_phdrs == PHDR_BUFFER;

	/* what is written is described by headers in the buffer, and by one for the segment itself */
	if (full && write_headers(w, e))
		return e->status;
	if (end > w->start) {
		encode_load(w, w->n_phdrs++, w->filed, end);
		w->counts.in_file += shift_up(w->filed, w->page_shift) - (w->start >> w->page_shift);
	}
	start_segment(w, end);
	return OK;
}

/* --- data ------------------------------------------------------------------------------------------- */

static enum status put(struct elf_writer *w, const void *buf, size_t len, struct err *e)
{
	size_t written = 0;
	enum status st;

	if (!w->header.is64 && w->data_end + len > UINT32_MAX)
		return err_set(e, E_FORMAT, "%s: a 32-bit ELF file ends at 4 GiB", w->sink->name);
	st = w->sink->ops->write_at(w->sink, w->data_end, buf, len, &written, e);
	w->sink->bytes_written += written;
	w->data_end += written;
	if (st)
		return err_add(e, "%s", w->sink->name);
	if (w->data_end - w->checked < min_u64(max_u64(w->data_end / CHECKPOINT_SHARE, CHECKPOINT_MIN), CHECKPOINT_MAX))
		return OK;
	return write_headers(w, e);
}

static void count_lost(struct elf_writer *w, paddr_t from, paddr_t to, const char *why)
{
	struct writer_counts *c = &w->counts.pages;
	pfn_t first = from >> w->page_shift;
	uint64_t n = shift_up(to, w->page_shift) - first;

	for (uint64_t i = 0; i < n && c->lost_pages + i < ARRAY_SIZE(c->lost_first); i++)
		c->lost_first[c->lost_pages + i] = first + i;
	if (!c->lost_pages)
		snprintf(c->lost_why, sizeof(c->lost_why), "%s", why);
	c->lost_pages += n;
}

/*
 * The page up to `end`, behind what is filed, cannot be read: no segment may have it, or it would read as zero.  If no
 * header is left for what follows, that goes the same way.
 */
static enum status lose(struct elf_writer *w, paddr_t from, paddr_t end, const char *why, struct err *e)
{
	count_lost(w, from, end, why);
	if (end_segment(w, from, e))
		return e->status;
	start_segment(w, end);
	if (w->spare)
		w->spare--;
	else
		w->skipping = true;
	return OK;
}

/* Writes [from, to), which is filed, page by page, each by reading it. */
static enum status put_pages(struct elf_writer *w, paddr_t from, paddr_t to, struct err *e)
{
	paddr_t filed = w->filed, at = w->at;
	uint64_t run = w->run;

	while (from < to) {
		paddr_t end = min_u64((from | (w->page_size - 1)) + 1, to);
		struct err why;

		if (w->skipping) {
			count_lost(w, from, to, "");
			start_segment(w, to);
			break;
		}
		if (mem_read(w->back, from, w->page, (size_t)(end - from), &why)) {
			w->filed = from;
			if (lose(w, from, end, why.text, e))
				return e->status;
		} else if (put(w, w->page, (size_t)(end - from), e)) {
			return e->status;
		}
		from = end;
	}
	w->filed = filed;
	w->at = at;
	w->run = run;
	return OK;
}

/*
 * Writes what is filed and not written yet, from the bytes `data` of the address `data_from`.  They are lent by the
 * reader and may vanish while they are written: the kernel then refuses to take them, or zeros have taken their place.
 */
static enum status put_lent(struct elf_writer *w, const uint8_t *data, paddr_t data_from, struct err *e)
{
	uint64_t before = w->data_end;
	paddr_t from = w->start + (before - w->data_at), to = w->filed;
	enum status st;

	if (from == to)
		return OK;
	st = put(w, data + (from - data_from), (size_t)(to - from), e);
	if (mem_view_intact(w->reader) && !(st == E_IO && e->sys_errno == EFAULT))
		return st;
	w->data_end = before;
	w->rewound = true;
	return put_pages(w, from, to, e);
}

/* The run that is left out stays in the file, because it is short. */
static enum status put_run(struct elf_writer *w, struct err *e)
{
	paddr_t from = w->filed, to = w->at;
	pfn_t first = from >> w->page_shift;

	mem_reader_expect(w->back, to);
	while (from < to) {
		paddr_t end = min_u64((from | (w->page_size - 1)) + 1, to);
		struct span s = { zeros, (size_t)(end - from) };
		bool bad = w->run_bad[(from >> w->page_shift) - first];
		struct err why;
		uint64_t before = w->data_end;
		enum status st;

		if (!bad) {
			/* up to the next page that must not be touched */
			while (end < to && !w->run_bad[(end >> w->page_shift) - first])
				end = min_u64(end + w->page_size, to);
			if (mem_view(w->back, from, (size_t)min_u64(end - from, w->piece), &s, &why))
				s = (struct span){ zeros, (size_t)min_u64(w->page_size - (from & (w->page_size - 1)),
									 end - from) };
		}
		st = put(w, s.data, s.len, e);
		if (s.data != zeros && (!mem_view_intact(w->back) || (st == E_IO && e->sys_errno == EFAULT))) {
			/* nobody needs these pages: zeros do for all of them */
			w->data_end = before;
			w->rewound = true;
			s.len = (size_t)min_u64(s.len, sizeof(zeros));
			st = put(w, zeros, s.len, e);
		}
		if (st)
			return st;
		from += s.len;
	}
	w->filed = to;
	w->run = 0;
	return OK;
}

/* --- pages ------------------------------------------------------------------------------------------ */

static void leave_out(struct elf_writer *w, paddr_t end, bool bad)
{
	uint64_t n = shift_up(end, w->page_shift) - (w->at >> w->page_shift);

	for (uint64_t i = w->run; i < w->run + n && i < ELF_HOLE_PAGES; i++)
		w->run_bad[i] = bad;
	w->run += n;
	w->at = end;
}

/* A page may be in several segments; it is counted in the first one. */
static void count_zero(struct elf_writer *w, pfn_t pfn)
{
	for (size_t i = 0; w->overlaps && i < w->n_earlier; i++)
		if (pfn >= w->earlier[i].first && pfn < w->earlier[i].end)
			return;
	w->counts.pages.zero_pages++;
}

/*
 * Files the memory up to `end`, which is in the bytes `data` of the address `data_from`; before it the run that was
 * left out, if it is short.
 */
static enum status file(struct elf_writer *w, paddr_t end, const uint8_t *data, paddr_t data_from, struct err *e)
{
	if (w->run >= ELF_HOLE_PAGES) {
		if (put_lent(w, data, data_from, e) || (!w->skipping && end_segment(w, w->at, e)))
			return e->status;
		start_segment(w, w->at);
		w->skipping = false;
	} else if (w->skipping) {
		count_lost(w, w->at, end, "");
		start_segment(w, end);
		return OK;
	} else if (w->run && w->filed < data_from && put_run(w, e)) {
		return e->status;
	}
	w->filed = w->at = end;
	w->run = 0;
	return OK;
}

/* One page or a part of it, up to `end`, by reading it. */
static enum status add_page(struct elf_writer *w, paddr_t end, bool find_zero, struct err *e)
{
	paddr_t page = w->at & ~((paddr_t)w->page_size - 1), from = w->at;
	struct err why;

	w->counts.pages.pages++;
	if (mem_read(w->reader, page, w->page, w->page_size, &why))
		return lose(w, from, end, why.text, e);
	if (find_zero && bytes_are_zero(w->page, w->page_size)) {
		count_zero(w, page >> w->page_shift);
		leave_out(w, end, false);
		return OK;
	}
	if (file(w, end, w->page + (from - page), from, e) || w->skipping)
		return e->status;
	return put(w, w->page + (from - page), (size_t)(end - from), e);
}

/* `n` pages, whose bytes are lent by the reader. */
static enum status add_lent(struct elf_writer *w, const uint8_t *data, size_t n, struct err *e)
{
	paddr_t first = w->at;
	size_t i = 0, end;

	memset(w->zero, 0, sizeof(w->zero));
	for (size_t z = 0; w->find_zero && z < n; z++)
		if (bytes_are_zero(data + (z << w->page_shift), w->page_size))
			w->zero[z / 64] |= UINT64_C(1) << z % 64;
	if (!mem_view_intact(w->reader)) {
		for (i = 0; i < n; i++)
			if (add_page(w, w->at + w->page_size, w->find_zero, e))
				return e->status;
		return OK;
	}
	w->counts.pages.pages += n;
	for (; i < n; i = end) {
		bool zero = w->zero[i / 64] >> i % 64 & 1;

		for (end = i; end < n && (w->zero[end / 64] >> end % 64 & 1) == zero; end++)
			if (zero)
				count_zero(w, (first >> w->page_shift) + end);
		if (zero)
			leave_out(w, first + ((paddr_t)end << w->page_shift), false);
		else if (file(w, first + ((paddr_t)end << w->page_shift), data, first, e))
			return e->status;
	}
	return put_lent(w, data, first, e);
}

static enum status add_kept(struct elf_writer *w, paddr_t end, struct err *e)
{
	mem_reader_expect(w->reader, end);
	while (w->at < end) {
		paddr_t page_end = (w->at | (w->page_size - 1)) + 1;
		struct span s;
		struct err why;
		enum status st;

		if (w->at & (w->page_size - 1) || page_end > end ||
		    mem_view(w->reader, w->at, (size_t)min_u64((end - w->at) & ~((paddr_t)w->page_size - 1), w->piece),
			     &s, &why) ||
		    s.len < w->page_size)
			st = add_page(w, min_u64(page_end, end), w->find_zero, e);
		else
			st = add_lent(w, s.data, s.len >> w->page_shift, e);
		if (st)
			return st;
	}
	return OK;
}

void elf_writer_begin(struct elf_writer *w, const struct mem_segment *segment)
{
	pfn_t first = segment->paddr >> w->page_shift;

	w->segment = *segment;
	w->overlaps = first < w->highest_end;
	w->skipping = false;
	start_segment(w, segment->paddr);
}

enum status elf_writer_add(struct elf_writer *w, enum elf_piece kind, paddr_t end, struct err *e)
{
	switch (kind) {
	case PIECE_KEPT:
		return add_kept(w, end, e);
	case PIECE_HEAD:
		return add_page(w, end, false, e);
	case PIECE_LOST:
		w->counts.pages.pages += shift_up(end, w->page_shift) - (w->at >> w->page_shift);
		count_lost(w, w->at, end, "the file ends before them");
		if (!w->skipping && end_segment(w, w->at, e))
			return e->status;
		start_segment(w, end);
		w->skipping = false;
		return OK;
	case PIECE_LEFT_OUT:
	case PIECE_BAD:
		leave_out(w, end, kind == PIECE_BAD);
		return OK;
	}
	return OK;
}

enum status elf_writer_end(struct elf_writer *w, struct err *e)
{
	pfn_t end = shift_up(w->segment.paddr + w->segment.memsz, w->page_shift);

	if (w->n_earlier < EARLIER_MAX) {
		w->earlier[w->n_earlier].first = w->segment.paddr >> w->page_shift;
		w->earlier[w->n_earlier++].end = end;
	}
	w->highest_end = max_u64(w->highest_end, end);
	if (w->skipping)
		start_segment(w, w->at);
	if (end_segment(w, w->at, e))
		return e->status;
	if (!w->segment.memsz)
		encode_load(w, w->n_phdrs++, w->start, w->start);
	return OK;
}

/* --- the end ---------------------------------------------------------------------------------------- */

/* Says that the dump is complete, or, to `again`, takes that back. */
static enum status clear_mark(struct elf_writer *w, struct err *e)
{
	uint8_t raw[ELF_PHDR_MAX];

	if (!w->mark_len)
		return write_header(w, w->headers_written, false, e);
	encode_note_phdr(w, false, raw);
	return sink_write(w->sink, w->header.phoff, raw, elf_phdr_len(&w->header), e);
}

static enum status set_mark_again(struct elf_writer *w, struct err *e)
{
	uint8_t raw[ELF_HEADER_MAX];

	if (w->mark_len) {
		encode_note_phdr(w, true, raw);
		return w->sink->ops->amend(w->sink, w->header.phoff, raw, elf_phdr_len(&w->header), e);
	}
	w->header.flags |= ELF_FLAG_INCOMPLETE;
	elf_header_encode(raw, &w->header);
	return w->sink->ops->amend(w->sink, 0, raw, elf_header_len(&w->header), e);
}

enum status elf_writer_finish(struct elf_writer *w, struct err *e)
{
	const struct sink_ops *ops = w->sink->ops;
	struct err again;

	start_segment(w, 0);
	w->segment = (struct mem_segment){ 0 };
	if (write_headers(w, e) || (w->rewound && ops->set_length(w->sink, w->data_end, e))) {
		elf_writer_salvage(w);
		return e->status;
	}
	if (ops->sync(w->sink, e))
		return e->status;
	if (w->counts.pages.lost_pages || w->notes_lost || w->src->incomplete) {
		if (ops->finish(w->sink, e))
			return e->status;
		return err_set(e, E_INCOMPLETE, "pages are missing in %s", w->sink->name);
	}
	if (!clear_mark(w, e) && !ops->sync(w->sink, e) && !ops->finish(w->sink, e))
		return OK;
	/* nobody can say whether the cleared mark is on the disk: set it again, by a way of its own */
	if (set_mark_again(w, &again))
		err_add(e, "cannot mark it incomplete (%s)", again.text);
	return e->status;
}

void elf_writer_salvage(struct elf_writer *w)
{
	struct err e;

	/* what no header will promise is of no use, and its room may be needed */
	if (w->sink->ops->set_length(w->sink, w->data_at + (written_end(w) - w->start), &e) || write_headers(w, &e))
		message(MSG_DEBUG, "%s\n", e.text);
	if (w->sink->ops->sync(w->sink, &e))
		message(MSG_DEBUG, "%s\n", e.text);
}
