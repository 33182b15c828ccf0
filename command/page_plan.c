/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which pages go into the dump: input, kernel and filter, and their decisions one window of page frames at a time. */
#include "command/page_plan.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/bitmap.h"
#include "base/bytes.h"
#include "base/host.h"
#include "command/open_input.h"
#include "command/threads.h"
#include "filter/unused_vmemmap.h"
#include "print_info.h"

/* A bitmap of 1 MiB covers 32 GiB of pages of 4 KiB; larger machines are done window by window. */
#define WINDOW_BYTES_DEFAULT ((uint64_t)1 << 20)
#define WINDOWS_MAX 65536

static enum status open_dump(struct page_plan *p, unsigned level, struct err *e)
{
	unsigned highest = level;

	if (open_input(&p->src, &p->kernel, p->opt, e))
		return e->status;
	if (p->opt->elf && !p->src->has_segments)
		return err_set(e, E_USAGE, "'-E' option is disabled, because %s is %s format.", p->opt->inputs[0],
			       p->src->ops->name);
	if (!p->kernel->max_mapnr)
		return err_set(e, E_FORMAT, "%s holds no memory", p->opt->inputs[0]);
	for (unsigned i = 0; i < p->opt->n_dump_levels; i++)
		highest = p->opt->dump_levels[i] > highest ? p->opt->dump_levels[i] : highest;
	if (p->kernel->has_vmcoreinfo || highest <= DL_ZERO)
		return OK;
	return err_set(e, E_USAGE,
		       "%s doesn't contain vmcoreinfo.\n"
		       "Dump levels above 1 need to know the kernel: '-x' or '-i' can tell.",
		       p->opt->inputs[0]);
}

static enum status make_window(struct page_plan *p, struct err *e)
{
	uint64_t whole = round_up_u64((p->kernel->max_mapnr + 7) / 8, 8);
	uint64_t bytes = p->opt->window_bytes ? p->opt->window_bytes : WINDOW_BYTES_DEFAULT;
	uint64_t available = host_available_memory(), limit = available ? available / 10 * 6 : WINDOW_BYTES_DEFAULT;

	/* each window costs a few system calls: with too many of them they would be all the work */
	bytes = round_up_u64(max_u64(bytes, whole / WINDOWS_MAX), UNUSED_VMEMMAP_ALIGN / 8);
	/* a live machine changes: what was decided once must not be decided again, and here memory is not scarce */
	if (p->src->live)
		bytes = whole;
	bytes = min_u64(bytes, whole);
	/* parts that are written at the same time have a window each */
	if (p->opt->split && bytes < whole)
		bytes = max_u64(bytes / (p->opt->n_outputs + 1), 4096) & ~UINT64_C(7);
	if (bytes > limit && !p->src->live) {
		bytes = max_u64(limit & ~UINT64_C(4095), 4096);
		if (p->opt->window_bytes)
			message(MSG_COMMON,
				"Specified buffer size is larger than free memory.\n"
				"The buffer size for the cyclic mode will be truncated to %" PRIu64 " byte.\n",
				bytes);
	}
	message(MSG_DEBUG, "Buffer size for the cyclic mode: %" PRIu64 "\n", bytes);
	p->bits = malloc(bytes);
	if (!p->bits)
		return err_nomem(e, bytes);
	p->window = bytes * 8;
	return OK;
}

/* -e needs the decisions about all pages before the last one is made: in memory, or in a file. */
static void check_vmemmap(struct page_plan *p)
{
	char why[200] = "";

	if (!p->opt->drop_vmemmap)
		return;
	p->drops_vmemmap = unused_vmemmap_possible(p->kernel, why, sizeof(why));
	if (p->drops_vmemmap && !p->store) {
		p->drops_vmemmap = p->window >= p->kernel->max_mapnr;
		snprintf(why, sizeof(why), "without --work-dir %s",
			 p->drops_vmemmap ? "all decisions are kept in memory" :
					    "the decisions about all pages of this machine are too many to be kept");
	}
	if (why[0])
		message(MSG_COMMON, "-e: %s%s.\n", why, p->drops_vmemmap ? "" : ": unused struct pages stay in the dump");
}

enum status page_plan_open(struct page_plan *p, const struct options *opt, unsigned level, struct err *e)
{
	struct filter_options how = { .level = level };

	*p = (struct page_plan){ .opt = opt };
	if (open_dump(p, level, e))
		return e->status;
	p->level = level | p->src->dump_level;
	if (p->level != level)
		message(MSG_COMMON, "dump_level is changed to %u, because %s was created by dump_level(%u).\n", p->level,
			opt->inputs[0], p->src->dump_level);
	/* without facts about the kernel nothing more can be left out than was asked for and could be checked */
	if (p->kernel->has_vmcoreinfo)
		level = p->level;
	if (opt->has_vtop && kernel_print_translation(p->kernel, opt->vtop, e))
		return e->status;
	how.threads = threads_choose(opt, p->kernel, NULL);
	if (page_filter_open(&p->filter, p->kernel, &how, e) || make_window(p, e))
		return e->status;
	if (opt->work_dir && bitmap_store_open(&p->store, opt->work_dir, e))
		return err_add(e, "--work-dir");
	check_vmemmap(p);
	return OK;
}

void page_plan_close(struct page_plan *p)
{
	if (p->store)
		bitmap_store_close(p->store);
	if (p->filter)
		page_filter_close(p->filter);
	if (p->kernel)
		kernel_close(p->kernel);
	if (p->src)
		mem_source_close(p->src);
	free(p->bits);
}

/* The next window at or after `from` in which the machine had memory. */
bool page_plan_next(const struct page_plan *p, pfn_t from, struct plan_window *w)
{
	struct pfn_run run;

	if (!mem_source_next_present(p->src, from, p->kernel->target.page_shift, &run) ||
	    run.start >= p->kernel->max_mapnr)
		return false;
	w->start = max_u64(run.start, from) / p->window * p->window;
	w->end = min_u64(w->start + p->window, p->kernel->max_mapnr);
	w->bytes = (size_t)((w->end - w->start + 7) / 8);
	return true;
}

void page_plan_present(struct page_plan *p, const struct plan_window *w)
{
	mem_source_fill(p->src, PAGES_PRESENT, w->start, w->end, p->kernel->target.page_shift, p->bits);
}

enum status page_plan_decide(struct page_plan *p, const struct plan_window *w, struct err *e)
{
	if (page_filter_scan(p->filter, w->start, w->end, p->bits, e))
		return e->status;
	p->kept += bitmap_count(p->bits, 0, (size_t)(w->end - w->start));
	return p->store ? bitmap_store_put(p->store, w->start, p->bits, w->bytes, e) : OK;
}

bool page_plan_decides_again(const struct page_plan *p)
{
	return !p->store && p->window < p->kernel->max_mapnr && !p->read_back;
}

void page_plan_rewind(struct page_plan *p)
{
	if (page_plan_decides_again(p))
		page_filter_restart(p->filter);
}

enum status page_plan_share(struct page_plan *mine, const struct page_plan *p, struct err *e)
{
	*mine = *p;
	if (p->window >= p->kernel->max_mapnr)
		return OK;
	mine->bits = malloc(p->window / 8);
	return mine->bits ? OK : err_nomem(e, p->window / 8);
}

void page_plan_unshare(struct page_plan *mine, const struct page_plan *p)
{
	if (mine->bits != p->bits)
		free(mine->bits);
}

enum status page_plan_load(struct page_plan *p, const struct plan_window *w, struct err *e)
{
	if (p->store)
		return bitmap_store_get(p->store, w->start, p->bits, w->bytes, e);
	if (p->window >= p->kernel->max_mapnr)
		return OK;
	if (!page_plan_decides_again(p))
		return p->read_back(p->read_back_data, w->start, p->bits, w->bytes, e);
	return page_filter_scan(p->filter, w->start, w->end, p->bits, e);
}

static enum status lend_bits(void *data, pfn_t start, pfn_t end, uint8_t **bits, struct err *e)
{
	struct page_plan *p = data;
	struct plan_window w = { start, end, (size_t)((end - start + 7) / 8) };

	*bits = p->bits;
	return page_plan_load(p, &w, e);
}

static enum status keep_bits(void *data, pfn_t start, pfn_t end, const uint8_t *bits, struct err *e)
{
	struct page_plan *p = data;

	return p->store ? bitmap_store_put(p->store, start, bits, (size_t)((end - start + 7) / 8), e) : OK;
}

enum status page_plan_drop_vmemmap(struct page_plan *p, struct err *e)
{
	struct kept_bits kept = { p->window, p, lend_bits, keep_bits };

	if (unused_vmemmap_drop(p->kernel, &kept, &p->vmemmap_dropped, e))
		return e->status;
	p->kept -= p->vmemmap_dropped;
	message(MSG_PROGRESS, "Excluded %" PRIu64 " unused vmemmap pages\n", p->vmemmap_dropped);
	return OK;
}
