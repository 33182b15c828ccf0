/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The main job: VMCORE in, filtered dump out. */
#include "command/dump.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/bitmap.h"
#include "base/bytes.h"
#include "base/host.h"
#include "filter/page_filter.h"
#include "input/input_file.h"
#include "input/mem_source.h"
#include "kernel/kernel.h"
#include "output/bitmap_store.h"
#include "output/kdump_writer.h"
#include "output/sink.h"
#include "print_info.h"

/* A bitmap of 1 MiB covers 32 GiB of pages of 4 KiB; larger machines are done window by window. */
#define WINDOW_BYTES_DEFAULT ((uint64_t)1 << 20)
#define WINDOWS_MAX 65536
/* The copy reports its progress this often. */
#define COPY_PAGES 1024

/* One run of the program: everything between the two files. */
struct dump {
	const struct options *opt;
	struct mem_source *src;
	struct kernel *kernel;
	struct page_filter *filter;
	struct sink *sink;
	struct kdump_writer *writer;
	struct bitmap_store *store; /* only with --work-dir */
	pfn_t window;		    /* page frames, a multiple of 8 */
	uint8_t *bits;		    /* of one window */
	uint64_t kept;		    /* pages to dump */
	struct pfn_run copied;	    /* the run that copy_run() is in */
};

static void dump_close(struct dump *d)
{
	if (d->writer)
		kdump_writer_close(d->writer);
	if (d->store)
		bitmap_store_close(d->store);
	if (d->sink)
		sink_close(d->sink);
	if (d->filter)
		page_filter_close(d->filter);
	if (d->kernel)
		kernel_close(d->kernel);
	if (d->src)
		mem_source_close(d->src);
	free(d->bits);
}

/* --- preparation ----------------------------------------------------------------------------------- */

static enum status open_input(struct dump *d, struct err *e)
{
	struct mem_source_options how = { .no_mmap = d->opt->no_mmap };

	if (mem_source_open(&d->src, d->opt->inputs[0], &how, e))
		return e->status;
	if (d->src->is_xen)
		return err_set(e, E_UNSUPPORTED, "%s is a dump of a Xen host: not available in this build",
			       d->opt->inputs[0]);
	if (kernel_open(&d->kernel, d->src, e))
		return err_add(e, "%s", d->opt->inputs[0]);
	if (!d->kernel->max_mapnr)
		return err_set(e, E_FORMAT, "%s holds no memory", d->opt->inputs[0]);
	if (d->kernel->has_vmcoreinfo || d->opt->dump_levels[0] <= DL_ZERO)
		return OK;
	return err_set(e, E_USAGE,
		       "%s doesn't contain vmcoreinfo.\n"
		       "Dump levels above 1 need to know the kernel: '-x' or '-i' can tell, where they are built in.",
		       d->opt->inputs[0]);
}

static const struct codec *choose_codec(const struct options *opt)
{
	const struct codec *c = opt->codec ? codec_by_flag(opt->codec) : NULL;

	if (!c || c->built_in)
		return c;
	/* a kdump that gets larger than its disk is worse than one that is packed in another way */
	message(MSG_COMMON, "%s compression is not built in (%s=on): zlib is used.\n", c->name, c->make_switch);
	return codec_by_flag(KDUMP_ZLIB);
}

static enum status make_window(struct dump *d, struct err *e)
{
	uint64_t whole = round_up_u64((d->kernel->max_mapnr + 7) / 8, 8);
	uint64_t bytes = d->opt->window_bytes ? d->opt->window_bytes : WINDOW_BYTES_DEFAULT;
	uint64_t available = host_available_memory(), limit = available ? available / 10 * 6 : WINDOW_BYTES_DEFAULT;

	/* each window costs a few system calls: with too many of them they would be all the work */
	bytes = round_up_u64(max_u64(bytes, whole / WINDOWS_MAX), 8);
	bytes = min_u64(bytes, whole);
	if (bytes > limit) {
		bytes = max_u64(limit & ~UINT64_C(4095), 4096);
		if (d->opt->window_bytes)
			message(MSG_COMMON,
				"Specified buffer size is larger than free memory.\n"
				"The buffer size for the cyclic mode will be truncated to %" PRIu64 " byte.\n",
				bytes);
	}
	message(MSG_DEBUG, "Buffer size for the cyclic mode: %" PRIu64 "\n", bytes);
	d->bits = malloc(bytes);
	if (!d->bits)
		return err_nomem(e, bytes);
	d->window = bytes * 8;
	return OK;
}

static enum status open_output(struct dump *d, struct err *e)
{
	const struct options *opt = d->opt;
	const struct kernel *k = d->kernel;
	struct dump_about about = {
		.target = k->target,
		.timestamp = k->crash_time,
		.phys_base = k->arch_state.phys_base,
		.max_mapnr = k->max_mapnr,
		.dump_level = opt->dump_levels[0],
		.codec = choose_codec(opt),
		.data_buffer = opt->block_order < 0 ? 0 : (size_t)k->target.page_size << opt->block_order,
	};

	memcpy(about.utsname, k->utsname, sizeof(about.utsname));
	if (opt->work_dir && bitmap_store_open(&d->store, opt->work_dir, e))
		return err_add(e, "--work-dir");
	if (opt->dry_run ? sink_null_open(&d->sink, opt->outputs[0], e) :
			   sink_file_open(&d->sink, opt->outputs[0], opt->overwrite, d->src->file->fd, e))
		return e->status;
	return kdump_writer_open(&d->writer, d->sink, d->src, &about, e);
}

/* --- windows --------------------------------------------------------------------------------------- */

struct window {
	pfn_t start, end;
	size_t bytes;
};

/* The next window at or after `from` in which the machine had memory. */
static bool next_window(const struct dump *d, pfn_t from, struct window *w)
{
	struct pfn_run run;

	if (!mem_source_next_run(d->src, from, d->kernel->target.page_shift, &run) ||
	    run.start >= d->kernel->max_mapnr)
		return false;
	w->start = max_u64(run.start, from) / d->window * d->window;
	w->end = min_u64(w->start + d->window, d->kernel->max_mapnr);
	w->bytes = (size_t)((w->end - w->start + 7) / 8);
	return true;
}

static void fill_present(const struct dump *d, const struct window *w)
{
	struct pfn_run run;

	memset(d->bits, 0, w->bytes);
	for (pfn_t at = w->start; mem_source_next_run(d->src, at, d->kernel->target.page_shift, &run) && run.start < w->end;
	     at = run.end)
		bitmap_set_range(d->bits, (size_t)(max_u64(run.start, w->start) - w->start),
				 (size_t)(min_u64(run.end, w->end) - w->start));
}

static enum status find_holes(struct dump *d, struct err *e)
{
	struct progress p;
	struct window w;

	progress_start(&p, "Checking for memory holes", d->kernel->max_mapnr, false);
	for (pfn_t at = 0; next_window(d, at, &w); at = w.end) {
		fill_present(d, &w);
		if (kdump_writer_put_bitmap(d->writer, 1, w.start, d->bits, w.bytes, e))
			return e->status;
		progress_at(&p, w.end);
	}
	progress_end(&p);
	return OK;
}

static enum status decide(struct dump *d, struct err *e)
{
	struct progress p;
	struct window w;

	progress_start(&p, "Excluding unnecessary pages", d->kernel->max_mapnr, false);
	for (pfn_t at = 0; next_window(d, at, &w); at = w.end) {
		page_filter_scan(d->filter, w.start, w.end, d->bits);
		d->kept += bitmap_count(d->bits, 0, (size_t)(w.end - w.start));
		if (kdump_writer_put_bitmap(d->writer, 2, w.start, d->bits, w.bytes, e) ||
		    (d->store && bitmap_store_put(d->store, w.start, d->bits, w.bytes, e)))
			return e->status;
		progress_at(&p, w.end);
	}
	progress_end(&p);
	page_filter_say_doubts(d->filter);
	if (!d->kept)
		return err_set(e, E_FORMAT, "no page is left to dump");
	return kdump_writer_begin_pages(d->writer, d->kept, e);
}

/* Where the bitmap does not fit into memory and cannot be read back, it is decided anew. */
static bool decides_again(const struct dump *d)
{
	return !d->store && d->window < d->kernel->max_mapnr && !kdump_writer_can_read(d->writer);
}

/* Bitmap 2 of a window again. */
static enum status load_window(struct dump *d, const struct window *w, struct err *e)
{
	if (d->store)
		return bitmap_store_get(d->store, w->start, d->bits, w->bytes, e);
	if (d->window >= d->kernel->max_mapnr)
		return OK;
	if (!decides_again(d))
		return kdump_writer_get_bitmap2(d->writer, w->start, d->bits, w->bytes, e);
	page_filter_scan(d->filter, w->start, w->end, d->bits);
	return OK;
}

/* Dumps the kept pages [first, end); what the file ends before goes without being looked at. */
static enum status copy_run(struct dump *d, struct progress *p, pfn_t first, pfn_t end, struct err *e)
{
	struct pfn_run *run = &d->copied;

	while (first < end) {
		pfn_t to;

		if (run->end <= first && !mem_source_next_run(d->src, first, d->kernel->target.page_shift, run))
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
		first = to;
		progress_at(p, kdump_writer_counts(d->writer)->pages);
	}
	return OK;
}

static enum status copy_pages(struct dump *d, struct err *e)
{
	struct progress p;
	struct window w;

	progress_start(&p, "Copying data", d->kept, true);
	if (decides_again(d))
		page_filter_restart(d->filter);
	for (pfn_t at = 0; next_window(d, at, &w); at = w.end) {
		size_t from = 0, first, end;

		if (load_window(d, &w, e))
			return e->status;
		for (; bitmap_next_run(d->bits, from, (size_t)(w.end - w.start), &first, &end); from = end)
			if (copy_run(d, &p, w.start + first, w.start + end, e))
				return e->status;
	}
	progress_end(&p);
	return OK;
}

/* --- the end --------------------------------------------------------------------------------------- */

static void report(const struct dump *d)
{
	const struct filter_counts *f = page_filter_counts(d->filter);
	const struct writer_counts *w = kdump_writer_counts(d->writer);
	struct cache_counts cache = page_filter_cache_counts(d->filter);
	uint64_t free_pages = f->excluded[REASON_FREE] + f->excluded[REASON_UNACCEPTED];
	uint64_t excluded = w->zero_pages + f->empty, looked_up = cache.hits + cache.misses;

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
	/* only files that were filtered before have any */
	if (f->empty)
		report_rows(&(struct report_row){ "    Pages not in the input  ", f->empty }, 1);
	report_rows(&(struct report_row){ "  Remaining pages  ", f->present - excluded }, 1);
	if (f->present)
		message(MSG_REPORT, "  (The number of pages is reduced to %" PRIu64 "%%.)\n",
			(f->present - excluded) * 100 / f->present);
	report_rows(&(struct report_row){ "Memory Hole     ", d->kernel->max_mapnr - f->present }, 1);
	message(MSG_REPORT, "--------------------------------------------------\n");
	report_rows(&(struct report_row){ "Total pages     ", d->kernel->max_mapnr }, 1);
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

	if (sink_file_check(d->opt->outputs[0], d->opt->overwrite, e) || open_input(d, e))
		return e->status;
	if (d->opt->has_vtop && kernel_print_translation(d->kernel, d->opt->vtop, e))
		return e->status;
	if (page_filter_open(&d->filter, d->kernel, d->opt->dump_levels[0], e) || make_window(d, e) ||
	    open_output(d, e))
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
