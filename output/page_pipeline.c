/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A queue of runs of pages, and a ring of blocks.  The caller queues runs, every thread cuts the next block from the oldest
 * run, and whoever finishes the oldest block of all hands it and what is ready behind it to the user.  So nobody has a fixed
 * role that others wait for: with one CPU the threads simply follow each other.
 *
 * Handing a block over costs as much as packing some pages of zeros, so a block gets more pages than surely fit where
 * the last ones became very small.  If they do not fit after all it is handed out in parts: once the first part is taken,
 * the rest of its pages is the oldest work that there is.
 */
#include "output/page_pipeline.h"

#include <pthread.h>
#include <sched.h>
#include <sys/resource.h>

#include "base/bytes.h"
#include "base/workers.h"

/*
 * Measured: a block should become this long, if that takes more pages than fit in any case.  Longer ones save nothing
 * more, and their packing takes so long that other threads have to wait for them.
 */
#define BLOCK_AIM ((size_t)4 << 10)

/* Workers that are on their way at the same time: where the first waits for its processor, another one may be free. */
#define CALLS_MAX 2

/*
 * A worker that comes on a processor where another thread is at work can only take turns with that, at two switches for
 * a few blocks: it goes again.  As long as more workers only do this, so many chances to call one go by at most.  It is
 * something else where threads sleep while they work, because files are slow: once for so many blocks or more often, and
 * more than a few times in all, which may have any reason.
 */
#define CHANCES_MAX 256
#define BLOCKS_PER_SLEEP 16
#define SLEEPS_MIN 4

/*
 * Runs that wait: much work in little memory.  While the caller is busy with one block, others must not run out of it,
 * however short the runs are.  But of long ones few wait, so that the caller knows how far the work is.
 */
#define RUNS_MAX 64
#define WAITING_BLOCKS 16 /* of the largest, in all runs */

/*
 * Blocks in the ring: each thread has one in work, and some wait for their turn.  Two threads need three of these, as
 * one of them writes at times; for more threads memory sets the limit.
 */
static unsigned ring_blocks(unsigned threads)
{
	unsigned all = threads + 1;

	return 3 + all + all / 5;
}

/* BLOCK_REST: its first part is taken, and nobody works on the others */
enum block_state { BLOCK_FREE, BLOCK_IN_WORK, BLOCK_PACKED, BLOCK_REST };

/* Where a block is packed.  What was used last is still in the processor's caches, so it is used next. */
struct place {
	uint8_t *data;
	struct packed_page *pages;
};

struct ring_block {
	enum block_state state;
	pfn_t first;
	size_t n; /* pages that are to be packed */
	size_t n_packed, len;
	pfn_t expect_end;   /* end of the run that it belongs to */
	struct place place; /* while it is in work or packed */
	struct err why;
};

/* A run in the queue: what no block is cut from yet. */
struct waiting_run {
	pfn_t first, end;
};

struct waiter {
	pthread_cond_t wake;
	bool called;
	int cpu; /* where it works; -1 when it does not, or nobody can tell */
};

struct page_pipeline {
	struct pipeline_user user;
	struct page_packer **packers; /* the caller's first */
	unsigned n_packers;
	unsigned threads; /* that may be started; 0: no ring */
	struct workers *workers;
	uint8_t *memory; /* of all blocks */

	struct packed_page *pages; /* without threads: of the one block */

	pthread_mutex_t lock;
	pthread_cond_t progress; /* the caller is called */
	/* all below belongs to the lock */
	struct waiter *waiters; /* one for each worker */
	unsigned *idle;		/* those that wait and are not called yet, the last one first */
	unsigned n_idle, n_started;
	unsigned n_called; /* workers that are called and have not come yet */
	unsigned useful;   /* workers that have a processor of their own, as far as is known */
	unsigned chances, chances_left; /* to call more than these: that go by in all, and still */
	int caller_cpu;
	int64_t waits, sleeps_seen; /* for others; while at work, as of the last look */
	uint64_t blocks_seen;
	bool caller_waits; /* and is not called yet */
	struct waiting_run *runs;
	uint64_t run_next, run_end; /* numbers of runs: the oldest, to be queued */
	uint64_t pages_waiting;	    /* in all of them */
	struct ring_block *ring;
	unsigned n_ring;
	struct place *places; /* those that are free, the last one first */
	unsigned n_places;
	uint64_t oldest, next; /* numbers of blocks: to be taken, to be worked on */
	size_t block_pages;    /* of the next block */
	bool taking;	       /* somebody hands out the oldest */
	bool draining;	       /* no more runs are queued */
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

static struct ring_block *block(const struct page_pipeline *p, uint64_t number)
{
	return &p->ring[number % p->n_ring];
}

static bool has_rest(const struct page_pipeline *p)
{
	return p->oldest < p->next && block(p, p->oldest)->state == BLOCK_REST;
}

static unsigned runs_waiting(const struct page_pipeline *p)
{
	return (unsigned)(p->run_end - p->run_next);
}

/* Has the queue one part in `part` of what it takes? */
static bool is_filled(const struct page_pipeline *p, unsigned part)
{
	size_t pages = WAITING_BLOCKS * page_pipeline_block_pages_max(p);

	return runs_waiting(p) >= RUNS_MAX / part || p->pages_waiting >= pages / part;
}

/* How many more blocks the ring has room for. */
static unsigned ring_room(const struct page_pipeline *p)
{
	return p->n_ring - (unsigned)(p->next - p->oldest);
}

static bool can_work(const struct page_pipeline *p)
{
	return (has_rest(p) || (p->run_next < p->run_end && ring_room(p))) && !p->failure.status;
}

/*
 * Waking somebody for one block costs about as much as packing it: wait until there are a few, and room for them.  A rest
 * is done at once, because all that is packed waits for it.
 */
static bool has_work_for_more(const struct page_pipeline *p)
{
	uint64_t blocks = min_u64(ring_room(p), runs_waiting(p) + p->pages_waiting / p->block_pages);

	return has_rest(p) || blocks >= min_u64(p->n_ring, WAITING_BLOCKS) / 2;
}

/* Those that come call the next ones if there is more: who would find nothing left, or no processor, sleeps on. */
static bool wants_worker(const struct page_pipeline *p)
{
	if (p->n_called == CALLS_MAX || p->failure.status)
		return false;
	return has_work_for_more(p) || (p->draining && can_work(p));
}

static bool is_done(const struct page_pipeline *p)
{
	return p->run_next == p->run_end && p->oldest == p->next;
}

/* To help, to queue more, or to go. */
static bool wants_caller(const struct page_pipeline *p)
{
	return (p->draining ? is_done(p) : !is_filled(p, 2)) || has_work_for_more(p) || p->failure.status;
}

static unsigned n_working(const struct page_pipeline *p)
{
	return p->n_started - p->n_idle;
}

/* Does somebody get called now?  Seldom, where no processor is left for it. */
static bool calls_worker(struct page_pipeline *p)
{
	if (!wants_worker(p))
		return false;
	if (n_working(p) < p->useful || !p->chances_left)
		return true;
	p->chances_left--;
	return false;
}

static bool is_taken(const struct page_pipeline *p, int cpu)
{
	bool taken = cpu == p->caller_cpu;

	for (unsigned i = 0; i < p->n_started; i++)
		taken |= cpu == p->waiters[i].cpu;
	return taken && cpu >= 0;
}

/*
 * Did threads sleep while they worked, since this was asked last?  Sleep of other pipelines counts too: then workers are
 * called as if there were processors.
 */
static bool slept_at_work(struct page_pipeline *p)
{
	int64_t before = p->sleeps_seen, blocks = (int64_t)(p->next - p->blocks_seen);
	struct rusage u;

	getrusage(RUSAGE_SELF, &u);
	p->sleeps_seen = u.ru_nvcsw - p->waits;
	p->blocks_seen = p->next;
	return p->sleeps_seen - before >= SLEEPS_MIN && (p->sleeps_seen - before) * BLOCKS_PER_SLEEP > blocks;
}

/* A worker that was called has come; is it of use? */
static bool come(struct page_pipeline *p)
{
	bool in_vain = is_taken(p, sched_getcpu()) && !slept_at_work(p);
	unsigned working = n_working(p);

	p->n_called--;
	if (in_vain) {
		p->useful = working - 1;
		p->chances = (unsigned)min_u64(2 * p->chances + 1, CHANCES_MAX);
	} else if (working > p->useful) {
		p->useful = working;
		p->chances = 0;
	}
	p->chances_left = p->chances;
	return !in_vain;
}

static void wait_for(struct page_pipeline *p, pthread_cond_t *what)
{
	p->waits++;
	pthread_cond_wait(what, &p->lock);
}

static void start_worker(struct page_pipeline *p)
{
	if (workers_start_next(p->workers))
		return;
	pthread_mutex_lock(&p->lock);
	p->n_called--;
	p->n_started = p->threads; /* no more of them */
	pthread_mutex_unlock(&p->lock);
}

/*
 * Whoever goes on without the lock first calls those that wait for what it leaves.  The signals come after the lock is
 * free: on one CPU the woken thread would else run at once, only to wait for the lock, at two switches for each call.
 */
static void unlock(struct page_pipeline *p)
{
	bool caller = p->caller_waits && wants_caller(p), start = false;
	struct waiter *w = NULL;

	if (calls_worker(p)) {
		if (p->n_idle)
			w = &p->waiters[p->idle[--p->n_idle]];
		else if (p->n_started < p->threads && !p->n_called)
			start = true;
		p->n_started += start;
		p->n_called += w || start;
	}
	if (w)
		w->called = true;
	if (caller)
		p->caller_waits = false;
	pthread_mutex_unlock(&p->lock);
	if (w)
		pthread_cond_signal(&w->wake);
	if (caller)
		pthread_cond_signal(&p->progress);
	if (start)
		start_worker(p);
}

/* Hands out the oldest blocks as long as they are ready.  Called and returns with the lock held. */
static void take_ready(struct page_pipeline *p)
{
	struct ring_block *b = block(p, p->oldest);

	if (p->taking)
		return;
	p->taking = true;
	for (; p->oldest < p->next && b->state == BLOCK_PACKED && !p->failure.status; b = block(p, p->oldest)) {
		struct packed_block out = {
			b->first, b->n_packed, b->place.pages, b->place.data, b->len, b->why.text
		};
		struct err e = { OK, 0, "" };
		enum status st;

		unlock(p);
		st = p->user.take(p->user.user, &out, &e);
		pthread_mutex_lock(&p->lock);
		if (st)
			p->failure = e;
		p->places[p->n_places++] = b->place;
		b->first += b->n_packed;
		b->n -= b->n_packed;
		b->state = b->n ? BLOCK_REST : BLOCK_FREE;
		if (!b->n)
			p->oldest++;
	}
	p->taking = false;
}

/* What was packed last tells how many pages become a block; a wrong guess must not last. */
static void choose_block_pages(struct page_pipeline *p, size_t n, size_t len)
{
	size_t fit = len ? n * BLOCK_AIM / len : SIZE_MAX, least = page_pipeline_block_pages(p);

	p->block_pages = min_u64(fit, 2 * p->block_pages);
	p->block_pages -= p->block_pages % least; /* a reader's buffer holds as many: what is over takes another call */
	p->block_pages = min_u64(max_u64(p->block_pages, least), page_packer_block_pages_max(p->packers[0]));
}

/* What is left of the oldest block, or a new one from the oldest run. */
static struct ring_block *next_block(struct page_pipeline *p)
{
	struct waiting_run *run = &p->runs[p->run_next % RUNS_MAX];
	struct ring_block *b;

	if (has_rest(p))
		return block(p, p->oldest);
	b = block(p, p->next++);
	b->first = run->first;
	b->n = (size_t)min_u64(run->end - run->first, p->block_pages);
	b->expect_end = run->end;
	run->first += b->n;
	p->pages_waiting -= b->n;
	if (run->first == run->end)
		p->run_next++;
	return b;
}

/* Works on the oldest block that can be worked on.  Called and returns with the lock held. */
static void work_on_next(struct page_pipeline *p, struct page_packer *packer, int *cpu)
{
	struct ring_block *b = next_block(p);

	b->state = BLOCK_IN_WORK;
	b->place = p->places[--p->n_places];
	*cpu = sched_getcpu();
	unlock(p);
	page_packer_expect(packer, b->expect_end);
	b->why = (struct err){ OK, 0, "" };
	b->n_packed = page_packer_pack(packer, b->first, b->n, b->place.data, &b->len, b->place.pages, &b->why);
	pthread_mutex_lock(&p->lock);
	b->state = BLOCK_PACKED;
	choose_block_pages(p, b->n_packed, b->len);
	take_ready(p);
}

static void wait_for_call(struct page_pipeline *p, unsigned i)
{
	struct waiter *w = &p->waiters[i];

	if (p->caller_waits && wants_caller(p)) {
		p->caller_waits = false;
		pthread_cond_signal(&p->progress);
	}
	w->cpu = -1;
	do {
		p->idle[p->n_idle++] = i;
		while (!w->called && !p->stop)
			wait_for(p, &w->wake);
		if (p->stop)
			return;
		w->called = false;
	} while (!come(p));
}

static void work(void *data, unsigned i)
{
	struct page_pipeline *p = data;

	pthread_mutex_lock(&p->lock);
	if (!come(p))
		wait_for_call(p, i);
	while (!p->stop) {
		if (can_work(p))
			work_on_next(p, p->packers[i + 1], &p->waiters[i].cpu);
		else
			wait_for_call(p, i);
	}
	pthread_mutex_unlock(&p->lock);
}

/* The caller helps, or waits where there is nothing to help with. */
static void help(struct page_pipeline *p)
{
	if (can_work(p)) {
		work_on_next(p, p->packers[0], &p->caller_cpu);
		return;
	}
	p->caller_waits = true;
	p->caller_cpu = -1;
	while (p->caller_waits)
		wait_for(p, &p->progress);
}

static enum status add_to_queue(struct page_pipeline *p, pfn_t first, pfn_t end, struct err *e)
{
	pthread_mutex_lock(&p->lock);
	while (is_filled(p, 1) && !p->failure.status)
		help(p);
	*e = p->failure;
	if (!e->status) {
		p->runs[p->run_end++ % RUNS_MAX] = (struct waiting_run){ first, end };
		p->pages_waiting += end - first;
	}
	p->caller_cpu = sched_getcpu();
	unlock(p);
	return e->status;
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
	p->runs = calloc(RUNS_MAX, sizeof(*p->runs));
	p->places = calloc(p->n_ring, sizeof(*p->places));
	p->idle = calloc(threads, sizeof(*p->idle));
	p->waiters = calloc(threads, sizeof(*p->waiters));
	p->workers = workers_open(threads, work, p);
	p->memory = malloc(p->n_ring * each);
	if (!p->ring || !p->runs || !p->places || !p->idle || !p->waiters || !p->workers || !p->memory)
		return err_nomem(e, p->n_ring * each);
	for (; p->n_places < p->n_ring; p->n_places++) {
		struct place *to = &p->places[p->n_places];

		to->data = p->memory + p->n_places * each;
		to->pages = (struct packed_page *)(to->data + round_up_u64(room, 64));
	}
	for (unsigned i = 0; i < threads; i++) {
		pthread_cond_init(&p->waiters[i].wake, NULL);
		p->waiters[i].cpu = -1;
	}
	p->block_pages = page_pipeline_block_pages(p);
	(void)slept_at_work(p); /* what was slept before does not count */
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
	pthread_mutex_lock(&p->lock);
	p->stop = true;
	for (unsigned i = 0; i < p->threads; i++)
		pthread_cond_signal(&p->waiters[i].wake);
	pthread_mutex_unlock(&p->lock);
	if (p->workers)
		workers_close(p->workers);
	for (unsigned i = 0; i < p->threads; i++)
		pthread_cond_destroy(&p->waiters[i].wake);
	for (unsigned i = 0; i < p->n_packers; i++)
		page_packer_close(p->packers[i]);
	pthread_cond_destroy(&p->progress);
	pthread_mutex_destroy(&p->lock);
	free(p->packers);
	free(p->pages);
	free(p->ring);
	free(p->runs);
	free(p->places);
	free(p->idle);
	free(p->waiters);
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

	if (first == end)
		return OK;
	if (p->threads)
		return add_to_queue(p, first, end, e);
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
	if (!p->threads)
		return OK;
	pthread_mutex_lock(&p->lock);
	p->draining = true;
	while (!is_done(p) && !p->failure.status)
		help(p);
	p->draining = false;
	*e = p->failure;
	pthread_mutex_unlock(&p->lock);
	return e->status;
}
