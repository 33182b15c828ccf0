/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A few threads that run one function until it returns. */
#include "base/workers.h"

#include <pthread.h>
#include <signal.h>

/* Room for the deepest chain of calls many times over; what is not touched costs nothing. */
#define STACK_BYTES ((size_t)256 << 10)

struct worker {
	pthread_t thread;
	void (*fn)(void *data, unsigned i);
	void *data;
	unsigned i;
};

struct workers {
	unsigned n;
	struct worker list[];
};

static void *run(void *arg)
{
	const struct worker *w = arg;

	w->fn(w->data, w->i);
	return NULL;
}

struct workers *workers_start(unsigned n, void (*fn)(void *data, unsigned i), void *data)
{
	struct workers *w = n ? malloc(sizeof(*w) + n * sizeof(w->list[0])) : NULL;
	sigset_t blocked, before;
	pthread_attr_t attr;

	if (!w)
		return NULL;
	w->n = 0;
	sigfillset(&blocked);
	sigdelset(&blocked, SIGBUS); /* raised by the thread's own reading */
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, STACK_BYTES);
	pthread_sigmask(SIG_SETMASK, &blocked, &before);
	for (; w->n < n; w->n++) {
		struct worker *one = &w->list[w->n];

		*one = (struct worker){ .fn = fn, .data = data, .i = w->n };
		if (pthread_create(&one->thread, &attr, run, one))
			break;
	}
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	pthread_attr_destroy(&attr);
	if (!w->n) {
		free(w);
		return NULL;
	}
	return w;
}

void workers_close(struct workers *w)
{
	for (unsigned i = 0; i < w->n; i++)
		pthread_join(w->list[i].thread, NULL);
	free(w);
}
