/* SPDX-License-Identifier: GPL-2.0-or-later */
/* --mem-usage: what memory is used for, as a table that says how large a dump would be. */
#include "command/mem_usage.h"

#include <inttypes.h>
#include <string.h>
#include <sys/utsname.h>

#include "base/bitmap.h"
#include "base/host.h"
#include "command/page_plan.h"
#include "filter/page_layout.h"
#include "print_info.h"

/* Before, /proc/kcore names no physical addresses. */
#define KCORE_SINCE KVERSION(4, 11)

static enum status check_live(const struct page_plan *p, struct err *e)
{
	struct utsname uts;

	if (!p->src->live)
		return OK;
	if (!p->opt->overwrite && !uname(&uts) && kernel_version(uts.release) < KCORE_SINCE)
		return err_set(e, E_UNSUPPORTED, "mem-usage works from kernel version 4.11 on, this is %s: -f tries it",
			       uts.release);
	if (!host_has_crash_memory())
		return err_set(e, E_MISSING, "No memory is reserved for a crash kernel: crashkernel= reserves it");
	return OK;
}

static bool is_zero(const uint8_t *bytes, size_t len)
{
	return !bytes[0] && !memcmp(bytes, bytes + 1, len - 1);
}

/* Reads the page in as many pieces as its source lends; one that cannot be read is not known to be zero. */
static bool page_is_zero(struct mem_reader *r, paddr_t at, size_t len)
{
	while (len) {
		struct span s;
		struct err e;

		if (mem_view(r, at, len, &s, &e) || !is_zero(s.data, s.len) || !mem_view_intact(r))
			return false;
		at += s.len;
		len -= s.len;
	}
	return true;
}

static uint64_t count_zero(const struct page_plan *p, const struct plan_window *w, struct mem_reader *r)
{
	unsigned shift = p->kernel->target.page_shift;
	size_t from = 0, first, end;
	uint64_t zero = 0;

	for (; bitmap_next_run(p->bits, from, (size_t)(w->end - w->start), &first, &end); from = end)
		for (pfn_t pfn = w->start + first; pfn < w->start + end; pfn++)
			zero += page_is_zero(r, pfn << shift, (size_t)1 << shift);
	return zero;
}

static void print_table(const struct page_plan *p, uint64_t zero)
{
	const struct filter_counts *c = page_filter_counts(p->filter);
	const struct row {
		const char *name;
		uint64_t pages;
		const char *excludable, *what;
	} rows[] = {
		{ "ZERO\t", zero, "yes", "Pages filled with zero" },
		{ "NON_PRI_CACHE", c->excluded[REASON_CACHE], "yes", "Cache pages without private flag" },
		{ "PRI_CACHE", c->excluded[REASON_CACHE_PRIVATE], "yes", "Cache pages with private flag" },
		{ "USER\t", c->excluded[REASON_USER], "yes", "User process pages" },
		{ "FREE\t", c->excluded[REASON_FREE] + c->excluded[REASON_UNACCEPTED], "yes", "Free pages" },
		{ "KERN_DATA", p->kept - zero, "no", "Dumpable kernel data " },
	};

	message(MSG_COMMON, "\nTYPE\t\tPAGES\t\t\tEXCLUDABLE\tDESCRIPTION\n"
			    "----------------------------------------------------------------------\n");
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		message(MSG_COMMON, "%s\t%-16" PRIu64 "\t%s\t\t%s\n", rows[i].name, rows[i].pages, rows[i].excludable,
			rows[i].what);
	message(MSG_COMMON, "\npage size:\t\t%-16" PRIu64 "\n", p->kernel->target.page_size);
	message(MSG_COMMON, "Total pages on system:\t%-16" PRIu64 "\n", c->present);
	message(MSG_COMMON, "Total size on system:\t%-16" PRIu64 " Byte\n\n", c->present << p->kernel->target.page_shift);
}

static enum status count(struct page_plan *p, uint64_t *zero, struct err *e)
{
	AUTO(mem_reader) *r = NULL;
	struct plan_window w;

	if (page_plan_open(p, p->opt, DL_MAX, e) || check_live(p, e) ||
	    mem_reader_open(&r, p->src, READER_BULK, e))
		return e->status;
	if (p->kernel->mem_map.model == MEM_MODEL_NONE)
		return err_set(e, E_MISSING, "the kernel's struct pages are not found: %s", p->kernel->mem_map.why_none);
	for (pfn_t at = 0; page_plan_next(p, at, &w); at = w.end) {
		if (page_plan_decide(p, &w, e))
			return e->status;
		*zero += count_zero(p, &w, r);
	}
	return OK;
}

enum status command_mem_usage(const struct options *opt, struct err *e)
{
	struct page_plan p = { .opt = opt };
	unsigned level = message_level();
	uint64_t zero = 0;
	enum status st;

	/* who reads the table takes the first line for its head, wherever that line was said */
	if (!(level & MSG_DEBUG))
		message_set_level(0);
	st = count(&p, &zero, e);
	message_set_level(level);
	if (!st)
		print_table(&p, zero);
	page_plan_close(&p);
	return st;
}
