/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The main job: VMCORE in, filtered dump out. */
#include "command/dump.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/bitmap.h"
#include "base/bytes.h"
#include "command/dump_elf.h"
#include "command/dump_report.h"
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

static enum status open_output(struct dump *d, struct err *e)
{
	const struct options *opt = d->opt;
	const struct kernel *k = d->plan.kernel;
	const struct codec *codec = choose_codec(opt);
	struct dump_about about = {
		.target = k->target,
		.timestamp = k->crash_time,
		.phys_base = k->arch_state.phys_base,
		.max_mapnr = k->max_mapnr,
		.dump_level = opt->dump_levels[0],
		.codec = codec,
		.threads = threads_choose(opt, k, codec),
		.data_buffer = opt->block_order < 0 ? 0 : (size_t)k->target.page_size << opt->block_order,
	};

	memcpy(about.utsname, k->utsname, sizeof(about.utsname));
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

static enum status decide(struct dump *d, struct err *e)
{
	struct progress p;
	struct plan_window w;

	progress_start(&p, "Excluding unnecessary pages", d->plan.kernel->max_mapnr, false);
	for (pfn_t at = 0; page_plan_next(&d->plan, at, &w); at = w.end) {
		if (page_plan_decide(&d->plan, &w, e) ||
		    kdump_writer_put_bitmap(d->writer, 2, w.start, d->plan.bits, w.bytes, e))
			return e->status;
		progress_at(&p, w.end);
	}
	progress_end(&p);
	page_filter_say_doubts(d->plan.filter);
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
	struct dump_figures figures = {
		.filter = page_filter_counts(d->plan.filter),
		.cache = page_filter_cache_counts(d->plan.filter),
		.max_mapnr = d->plan.kernel->max_mapnr,
		.zero_pages = kdump_writer_counts(d->writer)->zero_pages,
		.bytes_written = d->sink->bytes_written,
	};

	dump_report(&figures);
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
		dump_say_lost(kdump_writer_counts(d->writer));
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
	enum status st;

	if (opt->elf)
		return command_dump_elf(opt, e);
	st = run(&d, e);
	dump_close(&d);
	return st;
}
