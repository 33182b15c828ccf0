/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How many threads a run uses. */
#include "command/threads.h"

#include <inttypes.h>

#include "base/bytes.h"
#include "base/host.h"
#include "print_info.h"

#define THREADS_MAX 64
/* Blocks in work and waiting, buffers for reading, the stack: with pages of 4 KiB this much beside the codec's state. */
#define THREAD_BYTES ((uint64_t)192 << 10)
/* What a run takes without threads, besides bitmaps, of which it has a window of at most WINDOW_BYTES each. */
#define BASE_BYTES ((uint64_t)1300 << 10)
#define WINDOW_BYTES ((uint64_t)1 << 20)

static uint64_t thread_bytes(const struct thread_work *w)
{
	return max_u64(THREAD_BYTES, 3 * w->page_size) + (w->codec ? encoder_memory(w->codec, w->page_size) : 0);
}

static uint64_t base_bytes(const struct thread_work *w)
{
	uint64_t window = w->window_bytes ? w->window_bytes : WINDOW_BYTES;

	return BASE_BYTES + (w->bad_pages ? 2 : 1) * min_u64(window, w->max_mapnr / 8);
}

/*
 * The memory for a crash kernel is reserved before it is known what will run in it.  Distributions reckon with one
 * thread's buffers of 128 KiB, a few pages, two bitmaps and 96 bytes for each 128 MiB of memory.
 */
static uint64_t reserved_bytes(const struct thread_work *w)
{
	uint64_t memory = w->max_mapnr * w->page_size;

	return ((uint64_t)133 << 10) + 3 * w->page_size + 2 * (w->max_mapnr / 8) + 96 * (memory >> 27);
}

unsigned threads_for(const struct thread_work *w, const struct thread_host *host, int wanted)
{
	uint64_t each = thread_bytes(w), n = wanted >= 0 ? (uint64_t)wanted : host->cpus;

	if (wanted < 0 && host->crash_kernel) {
		uint64_t budget = min_u64(host->available / 5, reserved_bytes(w)), base = base_bytes(w);

		n = min_u64(n, budget > base ? 1 + (budget - base) / each : 1);
	}
	n = min_u64(n, THREADS_MAX);
	if (host->available && n > 1 && n * each > host->available / 2)
		n = host->available / 2 / each;
	return (unsigned)max_u64(n, 1);
}

unsigned threads_choose(const struct options *opt, const struct kernel *k, const struct codec *codec)
{
	const struct thread_host host = { host_usable_cpus(), host_available_memory(), host_is_crash_kernel() };
	const struct thread_work work = { .max_mapnr = k->max_mapnr,
					  .page_size = (size_t)k->target.page_size,
					  .window_bytes = opt->window_bytes,
					  .bad_pages = opt->elf,
					  .codec = codec };
	unsigned n = threads_for(&work, &host, opt->threads);

	if (opt->threads > 1 && n < min_u64((uint64_t)opt->threads, THREADS_MAX))
		message(MSG_COMMON, "There is not enough memory for so many threads: %u are used.\n", n);
	message(MSG_DEBUG, "Threads: %u, %" PRIu64 " KiB each\n", n, thread_bytes(&work) >> 10);
	return n - 1;
}
