/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A ring of blocks.  The caller queues them, every thread takes the oldest that nobody works on, and whoever finishes the
 * oldest of all hands it and what is ready behind it to the user.  So nobody has a fixed role that others wait for:
 * with one CPU the threads simply follow each other.
 *
 * Handing a block over costs as much as packing some pages of zeros, so a block gets more pages than surely fit where
 * the last ones became very small.  If they do not fit after all it is handed out in parts: once the first part is taken,
 * the rest of its pages is the oldest work that there is.
 */
#include "output/page_pipeline.h"

#include <pthread.h>

#include "base/bytes.h"
#include "base/workers.h"

/*
 * Measured: a block should become this long, if that takes more pages than fit in any case.  Longer ones save nothing
 * more, and their packing takes so long that other threads have to wait for them.
 */
#define BLOCK_AIM ((size_t)4 << 10)

/*
 * Blocks in the ring: each thread has one in work, and some wait for their turn.  Two threads need three of these, as
 * one of them writes at times; for more threads memory sets the limit.
 */
static unsigned ring_blocks(unsigned threads)
{
	unsigned all = threads + 1;

	return 3 + all + all / 5;
}

enum block_state { BLOCK_FREE, BLOCK_QUEUED, BLOCK_IN_WORK, BLOCK_PACKED };

struct ring_block {
	enum block_state state;
	pfn_t first;
	size_t n; /* pages that are to be packed */
	size_t n_packed, len;
	pfn_t expect_end; /* end of the run that it belongs to */
	uint8_t *data;
	struct packed_page *pages;
	struct err why;
};

struct page_pipeline {
	struct pipeline_user user;
	struct page_packer **packers; /* the caller's first */
	unsigned n_packers;
	unsigned threads; /* to be started with the first pages; 0: none, or they could not be had */
	struct workers *workers;
	uint8_t *memory; /* of all blocks */

	struct packed_page *pages; /* without threads: of the one block */

	pthread_mutex_t lock;
	pthread_cond_t work, progress; /* for workers: there is a queued block; for the caller: blocks are free */
	unsigned idle;		       /* workers that wait */
	bool caller_waits;
	/* all below belongs to the lock */
	struct ring_block *ring;
	unsigned n_ring;
	uint64_t oldest, next, end; /* numbers of blocks: to be taken, to be worked on, to be queued */
	size_t block_pages;	    /* of the next block */
	bool taking;		    /* somebody hands out the oldest */
	bool stop;
	struct err failure;
};

/* --- without threads -------------------------------------------------------------------------------- */

static enum status add_alone(struct page_pipeline *p, pfn_t first, size_t n, struct err *e)
{
	struct packed_block b = { .first = first, .pages = p->pages };
	struct err why = { OK, 0, "" };
	uint8_t *to;

	if (p->user.make_room(p->user.user, page_pipeline_block_room(p), &to, e))
		return e->status;
	b.n = page_packer_pack(p->packers[0], first, n, to, &b.len, p->pages, &why);
	b.data = to;
	b.lost_why = why.text;
	return p->user.take(p->user.user, &b, e);
}

/* --- the ring --------------------------------------------------------------------------------------- */

static struct ring_block *block(struct page_pipeline *p, uint64_t number)
{
	return &p->ring[number % p->n_ring];
}

/* The first part of the oldest block is taken, and nobody works on the others. */
static bool has_rest(struct page_pipeline *p)
{
	return p->oldest < p->next && block(p, p->oldest)->state == BLOCK_QUEUED;
}

static bool can_work(struct page_pipeline *p)
{
	return (p->next < p->end || has_rest(p)) && !p->failure.status;
}

/* Waking somebody for one block costs about as much as packing it: wait until there are a few. */
static void wake_for_work(struct page_pipeline *p)
{
	if (p->idle && (p->end - p->next >= p->n_ring / 2 || has_rest(p)))
		pthread_cond_signal(&p->work);
}

/* It is the same with blocks that are free. */
static void wake_caller(struct page_pipeline *p)
{
	if (p->caller_waits && (p->end - p->oldest <= p->n_ring / 2 || p->failure.status || has_rest(p)))
		pthread_cond_signal(&p->progress);
}

/* Hands out the oldest blocks as long as they are ready.  Called and returns with the lock held. */
static void take_ready(struct page_pipeline *p)
{
	struct ring_block *b = block(p, p->oldest);

	if (p->taking)
		return;
	p->taking = true;
	for (; p->oldest < p->next && b->state == BLOCK_PACKED && !p->failure.status; b = block(p, p->oldest)) {
		struct packed_block out = { b->first, b->n_packed, b->pages, b->data, b->len, b->why.text };
		struct err e = { OK, 0, "" };
		enum status st;

		pthread_mutex_unlock(&p->lock);
		st = p->user.take(p->user.user, &out, &e);
		pthread_mutex_lock(&p->lock);
		if (st)
			p->failure = e;
		b->first += b->n_packed;
		b->n -= b->n_packed;
		b->state = b->n ? BLOCK_QUEUED : BLOCK_FREE;
		if (!b->n)
			p->oldest++;
		wake_caller(p);
	}
	p->taking = false;
	wake_caller(p);
	wake_for_work(p);
}

/* What was packed last tells how many pages become a block; a wrong guess must not last. */
static void choose_block_pages(struct page_pipeline *p, size_t n, size_t len)
{
	size_t fit = len ? n * BLOCK_AIM / len : SIZE_MAX, least = page_pipeline_block_pages(p);

	p->block_pages = min_u64(fit, 2 * p->block_pages);
	p->block_pages = min_u64(max_u64(p->block_pages, least), page_packer_block_pages_max(p->packers[0]));
}

/* Works on the oldest block that can be worked on.  Called and returns with the lock held. */
static void work_on_next(struct page_pipeline *p, struct page_packer *packer)
{
	struct ring_block *b = block(p, has_rest(p) ? p->oldest : p->next++);

	b->state = BLOCK_IN_WORK;
	wake_for_work(p);
	pthread_mutex_unlock(&p->lock);
	page_packer_expect(packer, b->expect_end);
	b->why = (struct err){ OK, 0, "" };
	b->n_packed = page_packer_pack(packer, b->first, b->n, b->data, &b->len, b->pages, &b->why);
	pthread_mutex_lock(&p->lock);
	b->state = BLOCK_PACKED;
	choose_block_pages(p, b->n_packed, b->len);
	take_ready(p);
}

static void work(void *data, unsigned i)
{
	struct page_pipeline *p = data;

	pthread_mutex_lock(&p->lock);
	while (!p->stop) {
		if (can_work(p)) {
			work_on_next(p, p->packers[i + 1]);
			continue;
		}
		p->idle++;
		pthread_cond_wait(&p->work, &p->lock);
		p->idle--;
	}
	pthread_mutex_unlock(&p->lock);
}

/* The caller helps, or waits where there is nothing to help with, until less than `limit` blocks are under way. */
static void wait_for_room(struct page_pipeline *p, unsigned limit)
{
	while (p->end - p->oldest >= limit && !p->failure.status) {
		if (can_work(p)) {
			work_on_next(p, p->packers[0]);
			continue;
		}
		p->caller_waits = true;
		pthread_cond_wait(&p->progress, &p->lock);
		p->caller_waits = false;
	}
}

/* Queues pages from `first` on; returns how many, 0 on failure. */
static size_t add_to_ring(struct page_pipeline *p, pfn_t first, pfn_t end, struct err *e)
{
	struct ring_block *b;
	size_t n = 0;

	pthread_mutex_lock(&p->lock);
	wait_for_room(p, p->n_ring);
	if (p->failure.status) {
		*e = p->failure;
	} else {
		n = (size_t)min_u64(end - first, p->block_pages);
		b = block(p, p->end++);
		b->state = BLOCK_QUEUED;
		b->first = first;
		b->n = n;
		b->expect_end = end;
		wake_for_work(p);
	}
	pthread_mutex_unlock(&p->lock);
	return n;
}

/* --- for users -------------------------------------------------------------------------------------- */

static enum status make_ring(struct page_pipeline *p, const struct mem_source *src, const struct packer_options *opt,
			     unsigned threads, struct err *e)
{
	size_t room = page_pipeline_block_room(p),
	       pages = page_pipeline_block_pages_max(p) * sizeof(struct packed_page);
	size_t each = round_up_u64(room, 64) + round_up_u64(pages, 64);

	p->n_ring = ring_blocks(threads);
	p->ring = calloc(p->n_ring, sizeof(*p->ring));
	p->memory = malloc(p->n_ring * each);
	if (!p->ring || !p->memory)
		return err_nomem(e, p->n_ring * each);
	for (unsigned i = 0; i < p->n_ring; i++) {
		p->ring[i].data = p->memory + i * each;
		p->ring[i].pages = (struct packed_page *)(p->ring[i].data + round_up_u64(room, 64));
	}
	p->block_pages = page_pipeline_block_pages(p);
	for (; p->n_packers <= threads; p->n_packers++)
		if (page_packer_open(&p->packers[p->n_packers], src, opt, e))
			return e->status;
	return OK;
}

enum status page_pipeline_open(struct page_pipeline **out, const struct mem_source *src,
			       const struct packer_options *opt, unsigned threads, const struct pipeline_user *user,
			       struct err *e)
{
	struct page_pipeline *p = calloc(1, sizeof(*p));

	if (!p)
		return err_nomem(e, sizeof(*p));
	p->user = *user;
	pthread_mutex_init(&p->lock, NULL);
	pthread_cond_init(&p->work, NULL);
	pthread_cond_init(&p->progress, NULL);
	p->packers = calloc(threads + 1, sizeof(*p->packers));
	if (!p->packers)
		err_nomem(e, (threads + 1) * sizeof(*p->packers));
	else if (!page_packer_open(&p->packers[0], src, opt, e))
		p->n_packers = 1;
	if (p->n_packers) {
		p->pages = malloc(page_pipeline_block_pages(p) * sizeof(*p->pages));
		if (!p->pages)
			err_nomem(e, page_pipeline_block_pages(p) * sizeof(*p->pages));
	}
	if (!p->n_packers || !p->pages) {
		page_pipeline_close(p);
		return e->status;
	}
	if (threads) {
		struct err why;

		/* what is missing for threads is not missing for the work */
		if (!make_ring(p, src, opt, threads, &why))
			p->threads = threads;
	}
	*out = p;
	return OK;
}

void page_pipeline_close(struct page_pipeline *p)
{
	if (p->workers) {
		pthread_mutex_lock(&p->lock);
		p->stop = true;
		pthread_cond_broadcast(&p->work);
		pthread_mutex_unlock(&p->lock);
		workers_close(p->workers);
	}
	for (unsigned i = 0; i < p->n_packers; i++)
		page_packer_close(p->packers[i]);
	pthread_cond_destroy(&p->progress);
	pthread_cond_destroy(&p->work);
	pthread_mutex_destroy(&p->lock);
	free(p->packers);
	free(p->pages);
	free(p->ring);
	free(p->memory);
	free(p);
}

size_t page_pipeline_block_pages(const struct page_pipeline *p)
{
	return page_packer_block_pages(p->packers[0]);
}

size_t page_pipeline_block_pages_max(const struct page_pipeline *p)
{
	return page_packer_block_pages_max(p->packers[0]);
}

size_t page_pipeline_block_room(const struct page_pipeline *p)
{
	return page_packer_block_room(p->packers[0]);
}

enum status page_pipeline_add(struct page_pipeline *p, pfn_t first, pfn_t end, struct err *e)
{
	size_t most = page_pipeline_block_pages(p);

	/* only now: those that decided about pages are gone, and what they had is used again */
	if (p->threads && !p->workers) {
		p->workers = workers_start(p->threads, work, p);
		p->threads = p->workers ? p->threads : 0;
	}
	if (p->workers) {
		for (size_t n; first < end; first += n) {
			n = add_to_ring(p, first, end, e);
			if (!n)
				return e->status;
		}
		return OK;
	}
	page_packer_expect(p->packers[0], end);
	for (size_t n; first < end; first += n) {
		n = (size_t)min_u64(end - first, most);
		if (add_alone(p, first, n, e))
			return e->status;
	}
	return OK;
}

enum status page_pipeline_drain(struct page_pipeline *p, struct err *e)
{
	if (!p->workers)
		return OK;
	pthread_mutex_lock(&p->lock);
	pthread_cond_broadcast(&p->work);
	wait_for_room(p, 1);
	*e = p->failure;
	pthread_mutex_unlock(&p->lock);
	return e->status;
}
