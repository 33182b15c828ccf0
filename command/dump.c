/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The main job: VMCORE in, filtered dump out. */
#include "command/dump.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/bytes.h"
#include "command/dump_elf.h"
#include "command/dump_output.h"
#include "command/dump_report.h"
#include "command/page_copy.h"
#include "command/page_plan.h"
#include "command/split.h"
#include "command/threads.h"
#include "input/input_file.h"
#include "output/kdump_writer.h"
#include "output/sink.h"
#include "print_info.h"

/* The data buffers of all parts of a dump together. */
#define SPLIT_BUFFERS ((uint64_t)1 << 20)

/* A file that is written: all of the dump, or one part of several. */
struct dump_part {
	const char *name;
	struct sink *sink;
	struct kdump_writer *writer;
	struct split_range range;
};

/* One run of the program: everything between the input and the outputs. */
struct dump {
	const struct options *opt;
	unsigned level;
	struct page_plan plan;
	struct split_table *split;
	struct dump_part *parts;
	unsigned n_parts;
};

/* What belongs to one level; the outputs stay. */
static void end_level(struct dump *d)
{
	for (unsigned i = 0; i < d->n_parts; i++) {
		if (d->parts[i].writer)
			kdump_writer_close(d->parts[i].writer);
		d->parts[i].writer = NULL;
	}
	if (d->split)
		split_table_close(d->split);
	d->split = NULL;
	page_plan_close(&d->plan);
	d->plan = (struct page_plan){ 0 };
}

static void dump_close(struct dump *d)
{
	end_level(d);
	for (unsigned i = 0; i < d->n_parts; i++)
		if (d->parts[i].sink)
			sink_close(d->parts[i].sink);
	free(d->parts);
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

/* Two parts in one file would destroy each other. */
static enum status check_names(const struct dump *d, struct err *e)
{
	for (unsigned i = 0; i < d->n_parts; i++) {
		struct stat a, b;

		if (!d->opt->flatten && sink_file_check(d->parts[i].name, d->opt->overwrite, e))
			return e->status;
		for (unsigned j = 0; j < i; j++) {
			bool known = !stat(d->parts[i].name, &a) && !stat(d->parts[j].name, &b);

			if (known ? a.st_dev == b.st_dev && a.st_ino == b.st_ino && !S_ISCHR(a.st_mode) :
				    !strcmp(d->parts[i].name, d->parts[j].name))
				return err_set(e, E_USAGE, "%s and %s are the same file", d->parts[j].name,
					       d->parts[i].name);
		}
	}
	return OK;
}

/* Parts share what one dump would take for its buffer. */
static size_t data_buffer(const struct dump *d)
{
	uint64_t page_size = d->plan.kernel->target.page_size;

	if (d->opt->block_order >= 0)
		return (size_t)page_size << d->opt->block_order;
	return d->n_parts <= 4 ? 0 : (size_t)max_u64(SPLIT_BUFFERS / d->n_parts & ~(page_size - 1), page_size);
}

static enum status open_output(struct dump *d, struct err *e)
{
	const struct mem_source *src = d->plan.src;
	const struct kernel *k = d->plan.kernel;
	const struct codec *codec = choose_codec(d->opt);
	struct dump_about about = {
		.target = k->target,
		.layout = kdump_layout_of(k->arch->elf_machine, k->target.long_bytes),
		.pfn_base = k->arch_state.pfn_base,
		.timestamp = k->crash_time ? k->crash_time : src->timestamp,
		.timestamp_us = src->timestamp_us,
		.phys_base = k->arch_state.phys_base,
		.max_mapnr = k->max_mapnr,
		.dump_level = d->plan.level,
		.status = src->excluded_vmemmap || d->plan.drops_vmemmap ? KDUMP_EXCLUDED_VMEMMAP : 0,
		.codec = codec,
		.data_buffer = data_buffer(d),
	};

	/* each part has a thread already */
	about.threads = threads_choose(d->opt, k, codec);
	if (d->n_parts > 1)
		about.threads = (about.threads + 1) / d->n_parts ? (about.threads + 1) / d->n_parts - 1 : 0;
	/* the kernel's memory names it best, but the header of an earlier dump may be all there is */
	memcpy(about.utsname, *k->utsname ? k->utsname : src->utsname, sizeof(about.utsname));
	for (unsigned i = 0; i < d->n_parts; i++) {
		struct dump_part *part = &d->parts[i];

		if (dump_output_open(&part->sink, part->name, d->opt, src, e) ||
		    kdump_writer_open(&part->writer, part->sink, d->plan.src, &about, e))
			return e->status;
	}
	if (kdump_writer_can_read(d->parts[0].writer)) {
		d->plan.read_back = read_back;
		d->plan.read_back_data = d->parts[0].writer;
	}
	if (d->opt->split)
		return split_table_open(&d->split, k->arch_state.pfn_base, k->max_mapnr, d->opt->splitblock_size,
					k->target.page_size, e);
	return OK;
}

/* Every part has both bitmaps in full. */
static enum status put_bitmap(struct dump *d, int which, const struct plan_window *w, struct err *e)
{
	for (unsigned i = 0; i < d->n_parts; i++)
		if (kdump_writer_put_bitmap(d->parts[i].writer, which, w->start, d->plan.bits, w->bytes, e))
			return e->status;
	return OK;
}

static enum status find_holes(struct dump *d, struct err *e)
{
	struct progress p;
	struct plan_window w;

	progress_start(&p, "Checking for memory holes", d->plan.kernel->max_mapnr, false);
	for (pfn_t at = 0; page_plan_next(&d->plan, at, &w); at = w.end) {
		page_plan_present(&d->plan, &w);
		if (put_bitmap(d, 1, &w, e))
			return e->status;
		progress_at(&p, w.end);
	}
	progress_end(&p);
	return OK;
}

static enum status begin_pages(struct dump *d, struct err *e)
{
	AUTO_FREE struct split_range *ranges = calloc(d->n_parts, sizeof(*ranges));

	if (!ranges)
		return err_nomem(e, d->n_parts * sizeof(*ranges));
	ranges[0] = (struct split_range){ 0, d->plan.kernel->max_mapnr, d->plan.kept };
	if (d->split)
		split_table_cut(d->split, ranges, d->n_parts);
	for (unsigned i = 0; i < d->n_parts; i++) {
		struct dump_part *part = &d->parts[i];

		part->range = ranges[i];
		if (kdump_writer_begin_pages(part->writer, d->plan.kept, e))
			return e->status;
		if (d->split && kdump_writer_set_range(part->writer, part->range.start, part->range.end,
						       part->range.pages, e))
			return e->status;
	}
	return OK;
}

/* Nothing changes the decisions about this window any more. */
static enum status settle_window(struct dump *d, const struct plan_window *w, struct err *e)
{
	if (d->split)
		split_table_count(d->split, d->plan.bits, w->start, w->end);
	return put_bitmap(d, 2, w, e);
}

/* -e changes decisions about pages after all others were made, so their bitmap is written only now. */
static enum status drop_vmemmap(struct dump *d, struct err *e)
{
	struct plan_window w;

	if (page_plan_drop_vmemmap(&d->plan, e))
		return e->status;
	for (pfn_t at = 0; page_plan_next(&d->plan, at, &w); at = w.end)
		if (page_plan_load(&d->plan, &w, e) || settle_window(d, &w, e))
			return e->status;
	return OK;
}

static enum status decide(struct dump *d, struct err *e)
{
	struct progress p;
	struct plan_window w;

	progress_start(&p, "Excluding unnecessary pages", d->plan.kernel->max_mapnr, false);
	for (pfn_t at = 0; page_plan_next(&d->plan, at, &w); at = w.end) {
		if (page_plan_decide(&d->plan, &w, e) || (!d->plan.drops_vmemmap && settle_window(d, &w, e)))
			return e->status;
		progress_at(&p, w.end);
	}
	progress_end(&p);
	page_filter_say_doubts(d->plan.filter);
	if (d->plan.drops_vmemmap && drop_vmemmap(d, e))
		return e->status;
	if (!d->plan.kept)
		return err_set(e, E_FORMAT, "no page is left to dump");
	return begin_pages(d, e);
}

static enum status copy_pages(struct dump *d, struct err *e)
{
	AUTO_FREE struct page_copy *copies = calloc(d->n_parts, sizeof(*copies));

	if (!copies)
		return err_nomem(e, d->n_parts * sizeof(*copies));
	for (unsigned i = 0; i < d->n_parts; i++)
		copies[i] = (struct page_copy){ .writer = d->parts[i].writer, .range = d->parts[i].range };
	return page_copy_all(copies, d->n_parts, &d->plan, e);
}

/* --- the end --------------------------------------------------------------------------------------- */

static void report(const struct dump *d)
{
	struct dump_figures figures = {
		.filter = page_filter_counts(d->plan.filter),
		.cache = page_filter_cache_counts(d->plan.filter),
		.max_mapnr = d->plan.kernel->max_mapnr - d->plan.kernel->arch_state.pfn_base,
		.drops_vmemmap = d->plan.drops_vmemmap,
		.vmemmap_pages = d->plan.vmemmap_dropped,
	};

	for (unsigned i = 0; i < d->n_parts; i++) {
		figures.zero_pages += kdump_writer_counts(d->parts[i].writer)->zero_pages;
		figures.bytes_written += d->parts[i].sink->bytes_written;
	}
	dump_report(&figures);
}

static void say_saved(const struct dump *d)
{
	if (d->n_parts == 1) {
		message(MSG_COMMON, "\nThe dumpfile is saved to %s.\n", d->parts[0].name);
		return;
	}
	message(MSG_COMMON, "\nThe dumpfiles are saved to ");
	for (unsigned i = 0; i < d->n_parts - 1; i++)
		message(MSG_COMMON, "%s, ", d->parts[i].name);
	message(MSG_COMMON, "and %s.\n", d->parts[d->n_parts - 1].name);
}

/* All parts are safe before the first one says that it is complete; if one cannot say so, no other may. */
static enum status finish(struct dump *d, struct err *e)
{
	enum status st = OK;
	bool incomplete = false;

	for (unsigned i = 0; i < d->n_parts; i++) {
		if (kdump_writer_settle(d->parts[i].writer, e))
			return e->status;
		incomplete |= kdump_writer_is_incomplete(d->parts[i].writer);
	}
	for (unsigned i = 0; i < d->n_parts; i++) {
		struct err other;
		enum status one;

		if (incomplete || st)
			kdump_writer_keep_mark(d->parts[i].writer);
		one = kdump_writer_finish(d->parts[i].writer, st ? &other : e);
		if (one == E_INCOMPLETE)
			dump_say_lost(kdump_writer_counts(d->parts[i].writer));
		if (one && !st)
			for (unsigned j = 0; j < i && one != E_INCOMPLETE; j++)
				kdump_writer_mark_again(d->parts[j].writer);
		st = st ? st : one;
	}
	return st;
}

static enum status run_level(struct dump *d, bool last, struct err *e)
{
	enum status st;

	if (page_plan_open(&d->plan, d->opt, d->level, e) || open_output(d, e))
		return e->status;
	st = find_holes(d, e);
	if (!st)
		st = decide(d, e);
	if (!st)
		st = copy_pages(d, e);
	if (!st)
		return finish(d, e);
	for (unsigned i = 0; i < d->n_parts && (st != E_NOSPACE || last); i++)
		kdump_writer_salvage(d->parts[i].writer);
	return st;
}

/* The outputs stay for the next level. */
static enum status try_level(void *data, unsigned level, bool last, struct err *e)
{
	struct dump *d = data;
	enum status st;

	d->level = level;
	st = run_level(d, last, e);
	if (st == E_NOSPACE && !last)
		end_level(d);
	return st;
}

static enum status restart(void *data, struct err *e)
{
	struct dump *d = data;

	for (unsigned i = 0; i < d->n_parts; i++)
		if (d->parts[i].sink && d->parts[i].sink->ops->restart(d->parts[i].sink, e))
			return e->status;
	return OK;
}

static enum status run(struct dump *d, struct err *e)
{
	const struct options *opt = d->opt;
	enum status st = check_names(d, e);
	uint64_t pages = 0;

	if (!st)
		st = dump_try_levels(opt, try_level, restart, d, e);
	for (unsigned i = 0; i < d->n_parts; i++)
		pages += d->parts[i].writer ? kdump_writer_counts(d->parts[i].writer)->pages : 0;
	if (st && !opt->dry_run && pages)
		message(MSG_COMMON, "This is an incomplete dumpfile, but might analyzable.\n");
	if (!st) {
		report(d);
		say_saved(d);
	}
	return st;
}

enum status command_dump(const struct options *opt, struct err *e)
{
	struct dump d = { .opt = opt, .n_parts = opt->flatten ? 1 : opt->n_outputs };
	enum status st;

	if (opt->splitblock_size && !opt->split)
		message(MSG_COMMON, "--splitblock-size means nothing without --split.\n");
	if (opt->elf)
		return command_dump_elf(opt, e);

	d.parts = calloc(d.n_parts, sizeof(*d.parts));
	if (!d.parts)
		return err_nomem(e, d.n_parts * sizeof(*d.parts));
	for (unsigned i = 0; i < d.n_parts; i++)
		d.parts[i].name = opt->flatten ? "STDOUT" : opt->outputs[i];
	st = run(&d, e);
	dump_close(&d);
	return st;
}
