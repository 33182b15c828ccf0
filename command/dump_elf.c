/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The main job with -E: ELF in, filtered ELF out. */
#include "command/dump_elf.h"

#include <inttypes.h>
#include <string.h>

#include "base/bitmap.h"
#include "base/bytes.h"
#include "command/dump_output.h"
#include "command/dump_report.h"
#include "command/page_plan.h"
#include "command/page_seek.h"
#include "format/elf_core.h"
#include "input/input_file.h"
#include "output/elf_writer.h"
#include "output/sink.h"
#include "print_info.h"

/* The copy reports its progress this often. */
#define COPY_PAGES 4096

struct dump_elf {
	const struct options *opt;
	const char *name; /* of the output */
	unsigned level;
	struct page_plan plan;
	struct page_seek seek;
	struct filter_counts decided; /* windows that are scanned again count again */
	struct sink *sink;
	struct elf_writer *writer;
};

/* What belongs to one level; the output stays. */
static void end_level(struct dump_elf *d)
{
	if (d->writer)
		elf_writer_close(d->writer);
	d->writer = NULL;
	page_seek_close(&d->seek);
	d->seek = (struct page_seek){ 0 };
	page_plan_close(&d->plan);
	d->plan = (struct page_plan){ 0 };
}

/* Segments may share memory; a file where they share far more than writers make would fill any disk. */
static enum status check_input(const struct dump_elf *d, struct err *e)
{
	const struct mem_source *src = d->plan.src;
	struct mem_segment s;
	uint64_t bytes = 0;

	for (size_t i = 0; mem_source_segment(src, i, &s); i++)
		if (s.paddr != PADDR_NONE && bytes / 4 <= src->file->size)
			bytes += min_u64(s.filesz, src->file->size);
	if (bytes / 4 > src->file->size)
		return err_set(e, E_FORMAT, "the segments of %s share too much memory to be written one by one",
			       d->opt->inputs[0]);
	return OK;
}

static enum status decide(struct dump_elf *d, struct err *e)
{
	struct progress p;
	struct plan_window w;

	progress_start(&p, "Excluding unnecessary pages", d->plan.kernel->max_mapnr, false);
	for (pfn_t at = 0; page_plan_next(&d->plan, at, &w); at = w.end) {
		if (page_seek_decide(&d->seek, &w, e))
			return e->status;
		progress_at(&p, w.end);
	}
	progress_end(&p);
	page_filter_say_doubts(d->plan.filter);
	d->decided = *page_filter_counts(d->plan.filter);
	if (d->plan.drops_vmemmap) {
		if (page_plan_drop_vmemmap(&d->plan, e))
			return e->status;
		d->seek.loaded = (struct plan_window){ 0 };
	}
	return d->plan.kept ? OK : err_set(e, E_FORMAT, "no page is left to dump");
}

/* --- segments, piece by piece ------------------------------------------------------------------------ */

/* One way through a segment of the input; `take` gets its memory up to `end`, piece by piece. */
struct walk {
	struct dump_elf *d;
	enum status (*take)(struct walk *walk, enum elf_piece kind, paddr_t from, paddr_t end, struct err *e);
	paddr_t at;	     /* where the next piece begins */
	paddr_t end;	     /* of the segment */
	unsigned shift;
	struct pfn_run run;  /* of the input: the one that was looked at last */
	struct elf_room *room; /* of those who count */
	struct progress *progress;
	uint64_t pages_before; /* pages of segments that are done */
	paddr_t start;
};

static enum status give(struct walk *k, enum elf_piece kind, paddr_t end, struct err *e)
{
	paddr_t from = k->at;

	end = min_u64(end, k->end);
	if (end <= from)
		return OK;
	k->at = end;
	return k->take(k, kind, from, end, e);
}

/* What the input has of `pfn`, and up to which page. */
static enum run_kind kind_of(struct walk *k, pfn_t pfn, pfn_t *until)
{
	if ((pfn < k->run.start || pfn >= k->run.end) &&
	    !mem_source_next_run(k->d->plan.src, pfn, k->shift, &k->run))
		k->run = (struct pfn_run){ pfn, pfn + 1, RUN_EMPTY };
	*until = pfn < k->run.start ? k->run.start : k->run.end;
	return pfn < k->run.start ? RUN_EMPTY : k->run.kind;
}

static enum status give_kept(struct walk *k, pfn_t first, pfn_t end, struct err *e)
{
	while (first < end) {
		pfn_t until;
		bool lost = kind_of(k, first, &until) == RUN_LOST;

		until = min_u64(until, lost ? end : min_u64(end, first + COPY_PAGES));
		if (give(k, lost ? PIECE_LOST : PIECE_KEPT, until << k->shift, e))
			return e->status;
		first = until;
	}
	return OK;
}

static enum status give_left_out(struct walk *k, pfn_t first, pfn_t end, struct err *e)
{
	const struct plan_window *w = &k->d->seek.loaded;
	size_t from = (size_t)(first - w->start), to = (size_t)(end - w->start), bad, bad_end;

	while (from < to) {
		if (!bitmap_next_run(k->d->seek.bad, from, to, &bad, &bad_end))
			bad = bad_end = to;
		if (give(k, PIECE_LEFT_OUT, (w->start + bad) << k->shift, e) ||
		    give(k, PIECE_BAD, (w->start + bad_end) << k->shift, e))
			return e->status;
		from = bad_end;
	}
	return OK;
}

/* The first page of a segment that begins within it stays whatever it is, as far as the segment has it. */
static enum status give_head(struct walk *k, pfn_t pfn, struct err *e)
{
	const struct page_seek *s = &k->d->seek;
	enum elf_piece kind = PIECE_HEAD;
	pfn_t until;

	if (pfn >= k->d->plan.kernel->max_mapnr)
		return OK;
	if (page_seek_to(&k->d->seek, pfn, e))
		return e->status;
	switch (kind_of(k, pfn, &until)) {
	case RUN_LOST:
		kind = PIECE_LOST;
		break;
	case RUN_EMPTY:
		kind = PIECE_LEFT_OUT;
		break;
	default:
		if (pfn >= s->loaded.start && bitmap_test(s->bad, (size_t)(pfn - s->loaded.start)))
			kind = PIECE_BAD;
	}
	return give(k, kind, (pfn + 1) << k->shift, e);
}

/* Goes through one segment. */
static enum status walk_segment(struct walk *k, const struct mem_segment *segment, struct err *e)
{
	struct page_seek *s = &k->d->seek;
	const uint8_t *bits = k->d->plan.bits;
	pfn_t pfn = segment->paddr >> k->shift, end;

	k->at = k->start = segment->paddr;
	k->end = segment->paddr + min_u64(segment->memsz, UINT64_MAX - segment->paddr);
	end = min_u64(shift_up(k->end, k->shift), k->d->plan.kernel->max_mapnr);
	if (segment->memsz && segment->paddr & ((UINT64_C(1) << k->shift) - 1) && give_head(k, pfn++, e))
		return e->status;
	while (pfn < end) {
		size_t first, last, from;
		pfn_t to;

		if (page_seek_to(s, pfn, e))
			return e->status;
		if (s->loaded.start > pfn) { /* the machine had no memory up to there */
			pfn = min_u64(s->loaded.start, end);
			if (give(k, PIECE_LEFT_OUT, pfn << k->shift, e))
				return e->status;
			continue;
		}
		to = min_u64(s->loaded.end, end);
		from = (size_t)(pfn - s->loaded.start);
		if (!bitmap_next_run(bits, from, (size_t)(to - s->loaded.start), &first, &last))
			first = last = (size_t)(to - s->loaded.start);
		if (give_left_out(k, pfn, s->loaded.start + first, e) ||
		    give_kept(k, s->loaded.start + first, s->loaded.start + last, e))
			return e->status;
		pfn = s->loaded.start + last;
	}
	/* what the kernel does not use */
	return give(k, PIECE_LEFT_OUT, k->end, e);
}

/* Are the virtual addresses of the next segment what the writer gives to the rest of one that it cuts? */
static bool goes_on(const struct mem_segment *s, const struct mem_segment *next)
{
	if (s->vaddr == VADDR_NONE || (!s->vaddr && s->paddr))
		return next->vaddr == s->vaddr;
	return next->vaddr == s->vaddr + s->memsz;
}

/*
 * The next segment of the input from the i-th on, of those that are memory; *i becomes the index behind it.  A dump in
 * ELF format has cut segments where pages were left out: put together they are what the machine's dump had, and what
 * is made of them does not depend on how often a dump was filtered.
 */
static bool next_segment(const struct dump_elf *d, size_t *i, struct mem_segment *s)
{
	uint64_t hole = (uint64_t)ELF_HOLE_PAGES << d->plan.kernel->target.page_shift;
	struct mem_segment next;

	do
		if (!mem_source_segment(d->plan.src, (*i)++, s))
			return false;
	while (s->paddr == PADDR_NONE);
	while (s->memsz - s->filesz >= hole && mem_source_segment(d->plan.src, *i, &next) && next.memsz &&
	       next.paddr == s->paddr + s->memsz && goes_on(s, &next) && next.flags == s->flags) {
		s->filesz = s->memsz + next.filesz;
		s->memsz += next.memsz;
		(*i)++;
	}
	return true;
}

static enum status take_to_count(struct walk *k, enum elf_piece kind, paddr_t from, paddr_t end, struct err *e)
{
	uint64_t pages = shift_up(end, k->shift) - (from >> k->shift);

	(void)e;
	switch (kind) {
	case PIECE_KEPT:
	case PIECE_HEAD:
		elf_room_kept(k->room, pages);
		break;
	case PIECE_LEFT_OUT:
	case PIECE_BAD:
		elf_room_left_out(k->room, pages);
		break;
	case PIECE_LOST:
		elf_room_lost(k->room);
		break;
	}
	return OK;
}

static enum status take_to_write(struct walk *k, enum elf_piece kind, paddr_t from, paddr_t end, struct err *e)
{
	(void)from;
	if (elf_writer_add(k->d->writer, kind, end, e))
		return e->status;
	progress_at(k->progress, k->pages_before + ((end - k->start) >> k->shift));
	return OK;
}

/* Counts program headers and pages of all segments. */
static enum status count_segments(struct dump_elf *d, struct elf_room *room, uint64_t *pages, struct err *e)
{
	struct walk k = { .d = d, .take = take_to_count, .shift = d->plan.kernel->target.page_shift, .room = room };
	struct mem_segment s;

	*pages = 0;
	for (size_t i = 0; next_segment(d, &i, &s);) {
		elf_room_begin(room);
		if (walk_segment(&k, &s, e))
			return e->status;
		elf_room_end(room);
		*pages += s.memsz >> k.shift;
	}
	return OK;
}

static enum status copy_segments(struct dump_elf *d, uint64_t pages, struct err *e)
{
	struct progress p;
	struct walk k = { .d = d, .take = take_to_write, .shift = d->plan.kernel->target.page_shift, .progress = &p };
	struct mem_segment s;

	progress_start(&p, "Copying data", pages, true);
	for (size_t i = 0; next_segment(d, &i, &s);) {
		elf_writer_begin(d->writer, &s);
		if (walk_segment(&k, &s, e) || elf_writer_end(d->writer, e))
			return e->status;
		k.pages_before += s.memsz >> k.shift;
	}
	progress_end(&p);
	return OK;
}

/* --- all of it --------------------------------------------------------------------------------------- */

/* The class is that of the input, unless what is written needs the larger one. */
static bool is_64(const struct dump_elf *d, const struct elf_room *room)
{
	const struct mem_source *src = d->plan.src;
	unsigned shift = d->plan.kernel->target.page_shift;
	uint64_t front = (room->headers + 64) * ELF_PHDR_MAX + src->notes_len + 3 * (uint64_t)PAGE_SIZE_MAX;
	const char *what = NULL;
	struct mem_segment s;

	if (src->is64)
		return true;
	for (size_t i = 0; mem_source_segment(src, i, &s); i++)
		if (s.paddr != PADDR_NONE && s.paddr + s.memsz > UINT64_C(1) << 32)
			what = "has memory above 4 GiB";
	if (room->pages > (UINT32_MAX - min_u64(front, UINT32_MAX)) >> shift)
		what = "may be larger than 4 GiB";
	if (what)
		message(MSG_COMMON, "%s %s: it is written as ELF64.\n", d->name, what);
	return what;
}

static enum status open_output(struct dump_elf *d, const struct elf_room *room, struct err *e)
{
	const struct options *opt = d->opt;
	const struct target *t = &d->plan.kernel->target;
	struct elf_about about = {
		.target = *t,
		.is64 = is_64(d, room),
		.find_zero = d->level & DL_ZERO,
		.headers = room->headers,
		.data_piece = opt->block_order < 0 ? 0 : (size_t)t->page_size << opt->block_order,
	};

	if (dump_output_open(&d->sink, d->name, opt, d->plan.src, e))
		return e->status;
	return elf_writer_open(&d->writer, d->sink, d->plan.src, &about, e);
}

static void report(const struct dump_elf *d)
{
	const struct elf_counts *c = elf_writer_counts(d->writer);
	struct dump_figures figures = {
		.filter = &d->decided,
		.cache = page_filter_cache_counts(d->plan.filter),
		.max_mapnr = d->plan.kernel->max_mapnr - d->plan.kernel->arch_state.pfn_base,
		.zero_pages = c->pages.zero_pages,
		.drops_vmemmap = d->plan.drops_vmemmap,
		.vmemmap_pages = d->plan.vmemmap_dropped,
		.elf = true,
		.pages_in_elf = c->in_file,
		.bytes_written = d->sink->bytes_written,
	};

	dump_report(&figures);
}

static enum status run_level(struct dump_elf *d, bool last, struct err *e)
{
	struct elf_room room = { .find_zero = d->level & DL_ZERO };
	uint64_t pages;
	enum status st;

	if (page_plan_open(&d->plan, d->opt, d->level, e) || check_input(d, e) ||
	    page_seek_open(&d->seek, &d->plan, e) || decide(d, e) || count_segments(d, &room, &pages, e) ||
	    open_output(d, &room, e))
		return e->status;
	st = copy_segments(d, pages, e);
	if (!st)
		st = elf_writer_finish(d->writer, e);
	else if (st != E_NOSPACE || last)
		elf_writer_salvage(d->writer);
	return st;
}

static enum status try_level(void *data, unsigned level, bool last, struct err *e)
{
	struct dump_elf *d = data;
	enum status st;

	d->level = level;
	st = run_level(d, last, e);
	if (st == E_NOSPACE && !last)
		end_level(d);
	return st;
}

static enum status restart(void *data, struct err *e)
{
	struct dump_elf *d = data;

	return d->sink ? d->sink->ops->restart(d->sink, e) : OK;
}

static enum status run(struct dump_elf *d, struct err *e)
{
	const struct options *opt = d->opt;
	enum status st;

	if (!opt->flatten && sink_file_check(d->name, opt->overwrite, e))
		return e->status;
	st = dump_try_levels(opt, try_level, restart, d, e);
	if (st == E_INCOMPLETE)
		dump_say_lost(&elf_writer_counts(d->writer)->pages);
	if (st && !opt->dry_run && d->writer && elf_writer_counts(d->writer)->pages.pages)
		message(MSG_COMMON, "This is an incomplete dumpfile, but might analyzable.\n");
	if (!st) {
		report(d);
		message(MSG_COMMON, "\nThe dumpfile is saved to %s.\n", d->name);
	}
	return st;
}

enum status command_dump_elf(const struct options *opt, struct err *e)
{
	struct dump_elf d = { .opt = opt, .name = opt->flatten ? "STDOUT" : opt->outputs[0] };
	enum status st = run(&d, e);

	end_level(&d);
	if (d.sink)
		sink_close(d.sink);
	return st;
}
