/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How many threads a run uses. */
#ifndef COMMAND_THREADS_H
#define COMMAND_THREADS_H

#include "command/options.h"
#include "format/codec.h"
#include "kernel/kernel.h"

/*
 * Threads beside the main one that read and pack pages of `k` with `codec` (NULL: none).  --num-threads decides; without
 * it each usable CPU has one, but in a crash kernel no more than its little memory allows.
 */
unsigned threads_choose(const struct options *opt, const struct kernel *k, const struct codec *codec);

/* What there is to do: it decides how much memory a thread takes, and the rest of the run. */
struct thread_work {
	uint64_t max_mapnr;
	size_t page_size;
	uint64_t window_bytes; /* of a bitmap; 0: the usual size */
	bool bad_pages;	       /* has a second bitmap, as -E does */
	const struct codec *codec;
};

struct thread_host {
	unsigned cpus;
	uint64_t available; /* memory, 0: unknown */
	bool crash_kernel;
};

/* Threads with the main one, at least 1; `wanted` is below 0 when nobody asked for a number. */
unsigned threads_for(const struct thread_work *w, const struct thread_host *host, int wanted);

#endif
