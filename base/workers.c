/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A few threads that run one function until it returns. */
#include "base/workers.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>

/* Room for the deepest chain of calls many times over; what is not touched costs nothing. */
#define STACK_BYTES ((size_t)256 << 10)

struct worker {
	pthread_t thread;
	void (*fn)(void *data, unsigned i);
	void *data;
	unsigned i;
};

struct workers {
	unsigned max;
	atomic_uint n; /* started */
	struct worker list[];
};

static void *run(void *arg)
{
	const struct worker *w = arg;

	w->fn(w->data, w->i);
	return NULL;
}

struct workers *workers_open(unsigned max, void (*fn)(void *data, unsigned i), void *data)
{
	struct workers *w = malloc(sizeof(*w) + max * sizeof(w->list[0]));

	if (!w)
		return NULL;
	w->max = max;
	w->n = 0;
	for (unsigned i = 0; i < max; i++)
		w->list[i] = (struct worker){ .fn = fn, .data = data, .i = i };
	return w;
}

bool workers_start_next(struct workers *w)
{
	unsigned i = w->n;
	sigset_t blocked, before;
	pthread_attr_t attr;
	bool started;

	if (i == w->max)
		return false;
	sigfillset(&blocked);
	sigdelset(&blocked, SIGBUS); /* raised by the thread's own reading */
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, STACK_BYTES);
	pthread_sigmask(SIG_SETMASK, &blocked, &before);
	w->n = i + 1; /* before: the new thread may start the next one at once */
	started = !pthread_create(&w->list[i].thread, &attr, run, &w->list[i]);
	if (!started)
		w->n = i;
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	pthread_attr_destroy(&attr);
	return started;
}

void workers_close(struct workers *w)
{
	/* whoever starts a thread has a lower number: once it has ended, `n` counts the one that it started */
	for (unsigned i = 0; i < w->n; i++)
		pthread_join(w->list[i].thread, NULL);
	free(w);
}
