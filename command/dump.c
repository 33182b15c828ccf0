/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The main job: VMCORE in, filtered dump out. */
#include "command/dump.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/bitmap.h"
#include "base/bytes.h"
#include "base/fdio.h"
#include "command/page_plan.h"
#include "command/threads.h"
#include "input/input_file.h"
#include "output/kdump_writer.h"
#include "output/sink.h"
#include "print_info.h"

/* The copy reports its progress this often. */
#define COPY_PAGES 1024

/* One run of the program: everything between the two files. */
struct dump {
	const struct options *opt;
	struct page_plan plan;
	struct sink *sink;
	struct kdump_writer *writer;
	struct pfn_run copied; /* the run that copy_run() is in */
	uint64_t n_copied;     /* pages */
};

static void dump_close(struct dump *d)
{
	if (d->writer)
		kdump_writer_close(d->writer);
	if (d->sink)
		sink_close(d->sink);
	page_plan_close(&d->plan);
}

/* --- the output ----------------------------------------------------------------------------------- */

static const struct codec *choose_codec(const struct options *opt)
{
	const struct codec *c = opt->codec ? codec_by_flag(opt->codec) : NULL;

	if (!c || c->built_in)
		return c;
	/* a kdump that gets larger than its disk is worse than one that is packed in another way */
	message(MSG_COMMON, "%s compression is not built in (%s=on): zlib is used.\n", c->name, c->make_switch);
	return codec_by_flag(KDUMP_ZLIB);
}

static enum status read_back(void *writer, pfn_t first, uint8_t *bits, size_t bytes, struct err *e)
{
	return kdump_writer_get_bitmap2(writer, first, bits, bytes, e);
}

/* All parts of a split dump are read until the end: none of them may be written to. */
static enum status refuse_inputs(const struct dump *d, struct err *e)
{
	const struct mem_source *src = d->plan.src;
	const char *path = d->opt->outputs[0];
	int fd = src->n_files > 1 ? open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK) : -1;
	bool same = false;

	if (fd < 0)
		return OK;
	for (unsigned i = 0; i < src->n_files; i++)
		same |= fd_same_file(fd, src->files[i]->fd);
	close(fd);
	return same ? err_set(e, E_USAGE, "%s is a part of the dump that is read", path) : OK;
}

static enum status open_output(struct dump *d, struct err *e)
{
	const struct options *opt = d->opt;
	const struct mem_source *src = d->plan.src;
	const struct kernel *k = d->plan.kernel;
	const struct codec *codec = choose_codec(opt);
	struct dump_about about = {
		.target = k->target,
		.timestamp = k->crash_time ? k->crash_time : src->timestamp,
		.timestamp_us = src->timestamp_us,
		.phys_base = k->arch_state.phys_base,
		.max_mapnr = k->max_mapnr,
		.dump_level = d->plan.level,
		.excluded_vmemmap = src->excluded_vmemmap || d->plan.drops_vmemmap,
		.codec = codec,
		.threads = threads_choose(opt, k, codec),
		.data_buffer = opt->block_order < 0 ? 0 : (size_t)k->target.page_size << opt->block_order,
	};

	/* the kernel's memory names it best, but the header of an earlier dump may be all there is */
	memcpy(about.utsname, *k->utsname ? k->utsname : src->utsname, sizeof(about.utsname));
	if (refuse_inputs(d, e))
		return e->status;
	if (opt->dry_run ? sink_null_open(&d->sink, opt->outputs[0], e) :
			   sink_file_open(&d->sink, opt->outputs[0], opt->overwrite, d->plan.src->file->fd, e))
		return e->status;
	if (kdump_writer_open(&d->writer, d->sink, d->plan.src, &about, e))
		return e->status;
	if (kdump_writer_can_read(d->writer)) {
		d->plan.read_back = read_back;
		d->plan.read_back_data = d->writer;
	}
	return OK;
}

static enum status find_holes(struct dump *d, struct err *e)
{
	struct progress p;
	struct plan_window w;

	progress_start(&p, "Checking for memory holes", d->plan.kernel->max_mapnr, false);
	for (pfn_t at = 0; page_plan_next(&d->plan, at, &w); at = w.end) {
		page_plan_present(&d->plan, &w);
		if (kdump_writer_put_bitmap(d->writer, 1, w.start, d->plan.bits, w.bytes, e))
			return e->status;
		progress_at(&p, w.end);
	}
	progress_end(&p);
	return OK;
}

static enum status put_bitmap2(struct dump *d, const struct plan_window *w, struct err *e)
{
	return kdump_writer_put_bitmap(d->writer, 2, w->start, d->plan.bits, w->bytes, e);
}

/* -e changes decisions about pages after all others were made, so their bitmap is written only now. */
static enum status drop_vmemmap(struct dump *d, struct err *e)
{
	struct plan_window w;

	if (page_plan_drop_vmemmap(&d->plan, e))
		return e->status;
	for (pfn_t at = 0; page_plan_next(&d->plan, at, &w); at = w.end)
		if (page_plan_load(&d->plan, &w, e) || put_bitmap2(d, &w, e))
			return e->status;
	return OK;
}

static enum status decide(struct dump *d, struct err *e)
{
	struct progress p;
	struct plan_window w;

	progress_start(&p, "Excluding unnecessary pages", d->plan.kernel->max_mapnr, false);
	for (pfn_t at = 0; page_plan_next(&d->plan, at, &w); at = w.end) {
		if (page_plan_decide(&d->plan, &w, e) || (!d->plan.drops_vmemmap && put_bitmap2(d, &w, e)))
			return e->status;
		progress_at(&p, w.end);
	}
	progress_end(&p);
	page_filter_say_doubts(d->plan.filter);
	if (d->plan.drops_vmemmap && drop_vmemmap(d, e))
		return e->status;
	if (!d->plan.kept)
		return err_set(e, E_FORMAT, "no page is left to dump");
	return kdump_writer_begin_pages(d->writer, d->plan.kept, e);
}

/* Dumps the kept pages [first, end); what the file ends before goes without being looked at. */
static enum status copy_run(struct dump *d, struct progress *p, pfn_t first, pfn_t end, struct err *e)
{
	struct pfn_run *run = &d->copied;

	while (first < end) {
		pfn_t to;

		if (run->end <= first && !mem_source_next_run(d->plan.src, first, d->plan.kernel->target.page_shift, run))
			*run = (struct pfn_run){ first, end, RUN_DATA };
		to = min_u64(end, run->end);
		if (run->kind == RUN_LOST) {
			if (kdump_writer_add_lost(d->writer, first, to, e))
				return e->status;
		} else {
			to = min_u64(to, first + COPY_PAGES);
			if (kdump_writer_add(d->writer, first, to, e))
				return e->status;
		}
		d->n_copied += to - first;
		first = to;
		progress_at(p, d->n_copied);
	}
	return OK;
}

static enum status copy_pages(struct dump *d, struct err *e)
{
	struct progress p;
	struct plan_window w;

	progress_start(&p, "Copying data", d->plan.kept, true);
	page_plan_rewind(&d->plan);
	for (pfn_t at = 0; page_plan_next(&d->plan, at, &w); at = w.end) {
		size_t from = 0, first, end;

		if (page_plan_load(&d->plan, &w, e))
			return e->status;
		for (; bitmap_next_run(d->plan.bits, from, (size_t)(w.end - w.start), &first, &end); from = end)
			if (copy_run(d, &p, w.start + first, w.start + end, e))
				return e->status;
	}
	progress_end(&p);
	return OK;
}

/* --- the end --------------------------------------------------------------------------------------- */

static void report(const struct dump *d)
{
	const struct filter_counts *f = page_filter_counts(d->plan.filter);
	const struct writer_counts *w = kdump_writer_counts(d->writer);
	struct cache_counts cache = page_filter_cache_counts(d->plan.filter);
	uint64_t free_pages = f->excluded[REASON_FREE] + f->excluded[REASON_UNACCEPTED];
	uint64_t excluded = w->zero_pages + f->empty + d->plan.vmemmap_dropped, looked_up = cache.hits + cache.misses;

	for (size_t i = 0; i < N_REASONS; i++)
		excluded += f->excluded[i];
	message(MSG_REPORT, "\n");
	report_rows((const struct report_row[]){ { "Original pages  ", f->present },
						 { "  Excluded pages   ", excluded },
						 { "    Pages filled with zero  ", w->zero_pages },
						 { "    Non-private cache pages ", f->excluded[REASON_CACHE] },
						 { "    Private cache pages     ", f->excluded[REASON_CACHE_PRIVATE] },
						 { "    User process data pages ", f->excluded[REASON_USER] },
						 { "    Free pages              ", free_pages },
						 { "    Hwpoison pages          ", f->excluded[REASON_HWPOISON] },
						 { "    Offline pages           ", f->excluded[REASON_OFFLINE] } },
		    9);
	if (d->plan.drops_vmemmap)
		report_rows(&(struct report_row){ "    Unused vmemmap pages    ", d->plan.vmemmap_dropped }, 1);
	/* only files that were filtered before have any */
	if (f->empty)
		report_rows(&(struct report_row){ "    Pages not in the input  ", f->empty }, 1);
	report_rows(&(struct report_row){ "  Remaining pages  ", f->present - excluded }, 1);
	if (f->present)
		message(MSG_REPORT, "  (The number of pages is reduced to %" PRIu64 "%%.)\n",
			(f->present - excluded) * 100 / f->present);
	report_rows(&(struct report_row){ "Memory Hole     ", d->plan.kernel->max_mapnr - f->present }, 1);
	message(MSG_REPORT, "--------------------------------------------------\n");
	report_rows(&(struct report_row){ "Total pages     ", d->plan.kernel->max_mapnr }, 1);
	message(MSG_REPORT, "Write bytes     : %" PRIu64 "\n\n", d->sink->bytes_written);
	message(MSG_REPORT, "Cache hit: %" PRIu64 ", miss: %" PRIu64, cache.hits, cache.misses);
	if (looked_up)
		message(MSG_REPORT, ", hit rate: %.1f%%", 100.0 * (double)cache.hits / (double)looked_up);
	message(MSG_REPORT, "\n\n");
}

static void say_lost(const struct dump *d)
{
	const struct writer_counts *c = kdump_writer_counts(d->writer);
	char list[128] = "";
	size_t n = c->lost_pages < ARRAY_SIZE(c->lost_first) ? (size_t)c->lost_pages : ARRAY_SIZE(c->lost_first);

	for (size_t i = 0; i < n; i++)
		snprintf(list + strlen(list), sizeof(list) - strlen(list), "%s%#" PRIx64, i ? ", " : "",
			 c->lost_first[i]);
	if (c->lost_pages)
		message(MSG_ERROR, "%" PRIu64 " pages cannot be read and are missing in the dump: pfn %s%s (%s).\n",
			c->lost_pages, list, c->lost_pages > n ? ", ..." : "", c->lost_why);
}

static enum status run(struct dump *d, struct err *e)
{
	enum status st;

	if (sink_file_check(d->opt->outputs[0], d->opt->overwrite, e) ||
	    page_plan_open(&d->plan, d->opt, d->opt->dump_levels[0], e) || open_output(d, e))
		return e->status;
	st = find_holes(d, e);
	if (!st)
		st = decide(d, e);
	if (!st)
		st = copy_pages(d, e);
	if (st)
		kdump_writer_salvage(d->writer);
	else
		st = kdump_writer_finish(d->writer, e);
	if (st == E_INCOMPLETE)
		say_lost(d);
	if (st && !d->opt->dry_run && kdump_writer_counts(d->writer)->pages)
		message(MSG_COMMON, "This is an incomplete dumpfile, but might analyzable.\n");
	if (!st) {
		report(d);
		message(MSG_COMMON, "\nThe dumpfile is saved to %s.\n", d->opt->outputs[0]);
	}
	return st;
}

enum status command_dump(const struct options *opt, struct err *e)
{
	struct dump d = { .opt = opt };
	enum status st = run(&d, e);

	dump_close(&d);
	return st;
}
