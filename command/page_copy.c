/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The kept pages of a plan into the writers of a dump: one after another, or each writer in a thread of its own. */
#include "command/page_copy.h"

#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

#include "base/bitmap.h"
#include "base/bytes.h"
#include "print_info.h"

/* Progress is reported this often. */
#define COPY_PAGES 1024

/* All that is copied at the same time. */
struct copying {
	struct page_plan *plan;
	struct copier *list;
	unsigned n;
	pthread_mutex_t lock;
	pthread_cond_t ended; /* one more of the threads is through */
	unsigned n_ended;
};

/* One writer's state. */
struct copier {
	const struct page_copy *copy;
	struct copying *all;
	struct pfn_run run;	   /* the one that copy_run() is in */
	struct progress *progress; /* NULL: another thread shows it */
	uint64_t *n_shown;	   /* pages that it was told of */
	_Atomic uint64_t done;	   /* pages, where another thread shows them */
	pthread_t thread;
	struct err err;
	enum status st;
};

/* Hands in the kept pages [first, end); what the file ends before goes without being looked at. */
static enum status copy_run(struct copier *c, const struct page_plan *plan, pfn_t first, pfn_t end, struct err *e)
{
	struct kdump_writer *writer = c->copy->writer;

	while (first < end) {
		pfn_t to, n;

		if (c->run.end <= first &&
		    !mem_source_next_run(plan->src, first, plan->kernel->target.page_shift, &c->run))
			c->run = (struct pfn_run){ first, end, RUN_DATA };
		to = min_u64(end, c->run.end);
		if (c->run.kind == RUN_LOST) {
			if (kdump_writer_add_lost(writer, first, to, e))
				return e->status;
		} else {
			to = min_u64(to, first + COPY_PAGES);
			if (kdump_writer_add(writer, first, to, e))
				return e->status;
		}
		n = to - first;
		first = to;
		if (c->progress)
			progress_at(c->progress, *c->n_shown += n);
		else
			c->done += n;
	}
	return OK;
}

/* Hands in what of a window, whose bits are loaded, belongs to the writer. */
static enum status copy_window(struct copier *c, const struct page_plan *plan, const struct plan_window *w, struct err *e)
{
	const struct split_range *range = &c->copy->range;
	pfn_t to = min_u64(w->end, range->end);
	size_t from = range->start > w->start ? (size_t)(range->start - w->start) : 0, first, end;

	for (; w->start + from < to && bitmap_next_run(plan->bits, from, (size_t)(to - w->start), &first, &end); from = end)
		if (copy_run(c, plan, w->start + first, w->start + end, e))
			return e->status;
	return OK;
}

/* All writers in one go, in this thread. */
static enum status copy_in_turn(struct copying *all, struct progress *p, struct err *e)
{
	struct plan_window w;
	uint64_t n_shown = 0;

	page_plan_rewind(all->plan);
	for (pfn_t at = 0; page_plan_next(all->plan, at, &w); at = w.end) {
		if (page_plan_load(all->plan, &w, e))
			return e->status;
		for (unsigned i = 0; i < all->n; i++) {
			struct copier *c = &all->list[i];

			c->progress = p;
			c->n_shown = &n_shown;
			if (c->copy->range.start < w.end && c->copy->range.end > w.start &&
			    copy_window(c, all->plan, &w, e))
				return e->status;
		}
	}
	return OK;
}

static enum status copy_one(struct copier *c, struct page_plan *plan, struct err *e)
{
	const struct split_range *range = &c->copy->range;
	struct plan_window w;

	plan->read_back_data = c->copy->writer;
	for (pfn_t at = range->start; page_plan_next(plan, at, &w) && w.start < range->end; at = w.end)
		if (page_plan_load(plan, &w, e) || copy_window(c, plan, &w, e))
			return e->status;
	return kdump_writer_settle(c->copy->writer, e);
}

static void *copier_thread(void *arg)
{
	struct copier *c = arg;
	struct copying *all = c->all;
	struct page_plan plan = { 0 };

	c->st = page_plan_share(&plan, all->plan, &c->err);
	if (!c->st) {
		c->st = copy_one(c, &plan, &c->err);
		page_plan_unshare(&plan, all->plan);
	}
	pthread_mutex_lock(&all->lock);
	all->n_ended++;
	pthread_cond_signal(&all->ended);
	pthread_mutex_unlock(&all->lock);
	return NULL;
}

/* Shows progress until `n` threads are through. */
static void wait_for(struct copying *all, unsigned n, struct progress *p)
{
	pthread_mutex_lock(&all->lock);
	while (all->n_ended < n) {
		struct timespec until;
		uint64_t done = 0;

		clock_gettime(CLOCK_REALTIME, &until);
		until.tv_sec++;
		pthread_cond_timedwait(&all->ended, &all->lock, &until);
		for (unsigned i = 0; i < all->n; i++)
			done += all->list[i].done;
		progress_at(p, done);
	}
	pthread_mutex_unlock(&all->lock);
}

static enum status copy_together(struct copying *all, struct progress *p, struct err *e)
{
	unsigned n = 0;

	for (; n < all->n; n++)
		if (pthread_create(&all->list[n].thread, NULL, copier_thread, &all->list[n]))
			break;
	wait_for(all, n, p);
	for (unsigned i = 0; i < n; i++)
		pthread_join(all->list[i].thread, NULL);
	/* where no more threads can be had this one does the rest */
	for (unsigned i = n; i < all->n; i++)
		copier_thread(&all->list[i]);
	for (unsigned i = 0; i < all->n; i++)
		if (all->list[i].st) {
			*e = all->list[i].err;
			return e->status;
		}
	return OK;
}

enum status page_copy_all(const struct page_copy *copies, unsigned n, struct page_plan *plan, struct err *e)
{
	AUTO_FREE struct copier *list = calloc(n, sizeof(*list));
	struct copying all = { .plan = plan, .list = list, .n = n, .lock = PTHREAD_MUTEX_INITIALIZER,
			       .ended = PTHREAD_COND_INITIALIZER };
	struct progress p;

	if (!list)
		return err_nomem(e, n * sizeof(*list));
	for (unsigned i = 0; i < n; i++)
		list[i] = (struct copier){ .copy = &copies[i], .all = &all };
	progress_start(&p, "Copying data", plan->kept, true);
	if (n > 1 && !page_plan_decides_again(plan) ? copy_together(&all, &p, e) : copy_in_turn(&all, &p, e))
		return e->status;
	progress_end(&p);
	return OK;
}
