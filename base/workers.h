/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A few threads that run one function until it returns. */
#ifndef BASE_WORKERS_H
#define BASE_WORKERS_H

#include <stdbool.h>

#include "base/cleanup.h"

struct workers;

/*
 * Prepares up to `max` threads, each of which will run fn(data, i) with its own i below max.  NULL without memory.
 */
struct workers *workers_open(unsigned max, void (*fn)(void *data, unsigned i), void *data);

/*
 * Starts the thread with the next number; false if that cannot be had, or all are started.  The one that opened them
 * and the threads themselves may start more, but one at a time.  The small stacks are meant for code that keeps its
 * buffers elsewhere; all signals but SIGBUS stay with the caller's thread.  A thread that cannot be had is no error,
 * because whoever starts workers also does their work itself.
 */
bool workers_start_next(struct workers *w);

/* Waits for all of them and frees `w`. */
void workers_close(struct workers *w);
DEFINE_AUTO(workers);

#endif
