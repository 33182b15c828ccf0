/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A few threads that run one function until it returns. */
#ifndef BASE_WORKERS_H
#define BASE_WORKERS_H

#include "base/cleanup.h"

struct workers;

/*
 * Starts up to `n` threads, each of which runs fn(data, i) with its own i below n.  The small stacks are meant for
 * code that keeps its buffers elsewhere; all signals but SIGBUS stay with the caller's thread.  NULL when not even one
 * can be started; fewer than asked for are no error, because whoever starts workers also does their work itself.
 */
struct workers *workers_start(unsigned n, void (*fn)(void *data, unsigned i), void *data);

/* Waits for all of them and frees `w`. */
void workers_close(struct workers *w);
DEFINE_AUTO(workers);

#endif
