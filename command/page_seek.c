/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The decisions of a page plan at any place: its windows in any order, as often as they are asked for. */
#include "command/page_seek.h"

static bool one_window(const struct page_plan *p)
{
	return p->window >= p->kernel->max_mapnr;
}

enum status page_seek_open(struct page_seek *s, struct page_plan *plan, struct err *e)
{
	size_t bytes = (size_t)(plan->window / 8), windows = (size_t)(plan->kernel->max_mapnr / plan->window) + 1;

	*s = (struct page_seek){ .plan = plan };
	s->bad = calloc(1, bytes);
	if (!s->bad)
		return err_nomem(e, bytes);
	page_filter_note_bad(plan->filter, s->bad);
	if (plan->store)
		return bitmap_store_open(&s->bad_store, plan->opt->work_dir, e);
	if (one_window(plan))
		return OK;
	s->states = calloc(windows, sizeof(*s->states));
	return s->states ? OK : err_nomem(e, windows * sizeof(*s->states));
}

void page_seek_close(struct page_seek *s)
{
	if (s->bad_store)
		bitmap_store_close(s->bad_store);
	free(s->bad);
	free(s->states);
}

enum status page_seek_decide(struct page_seek *s, const struct plan_window *w, struct err *e)
{
	if (s->states)
		s->states[w->start / s->plan->window] = page_filter_state(s->plan->filter);
	if (page_plan_decide(s->plan, w, e))
		return e->status;
	s->loaded = *w;
	return s->bad_store ? bitmap_store_put(s->bad_store, w->start, s->bad, w->bytes, e) : OK;
}

enum status page_seek_to(struct page_seek *s, pfn_t pfn, struct err *e)
{
	struct page_plan *p = s->plan;
	struct plan_window w;

	if (pfn >= s->loaded.start && pfn < s->loaded.end)
		return OK;
	if (!page_plan_next(p, pfn, &w)) {
		s->loaded = (struct plan_window){ p->kernel->max_mapnr, p->kernel->max_mapnr, 0 };
		return OK;
	}
	if (w.start == s->loaded.start && w.end == s->loaded.end)
		return OK;
	s->loaded = w;
	if (p->store) {
		if (bitmap_store_get(p->store, w.start, p->bits, w.bytes, e))
			return e->status;
		return bitmap_store_get(s->bad_store, w.start, s->bad, w.bytes, e);
	}
	if (s->states) {
		page_filter_resume(p->filter, &s->states[w.start / p->window]);
		return page_filter_scan(p->filter, w.start, w.end, p->bits, e);
	}
	return OK;
}
