/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How many threads a run uses. */
#include "command/threads.h"

#include "base/bytes.h"
#include "base/host.h"
#include "print_info.h"

#define THREADS_MAX 64
/* Blocks in work and waiting, buffers for reading, the stack: with pages of 4 KiB this much beside the codec's state. */
#define THREAD_BYTES ((uint64_t)192 << 10)
/* What a run takes without threads. */
#define BASE_BYTES ((uint64_t)1300 << 10)

static uint64_t thread_bytes(const struct kernel *k, const struct codec *codec)
{
	size_t page_size = (size_t)k->target.page_size;

	return max_u64(THREAD_BYTES, 3 * page_size) + (codec ? encoder_memory(codec, page_size) : 0);
}

/*
 * The memory for a crash kernel is reserved before it is known what will run in it.  Distributions reckon with one
 * thread's buffers of 128 KiB, a few pages, two bitmaps and 96 bytes for each 128 MiB of memory.
 */
static uint64_t reserved_bytes(const struct kernel *k)
{
	uint64_t memory = k->max_mapnr << k->target.page_shift;

	return ((uint64_t)133 << 10) + 3 * k->target.page_size + 2 * (k->max_mapnr / 8) + 96 * (memory >> 27);
}

unsigned threads_choose(const struct options *opt, const struct kernel *k, const struct codec *codec)
{
	uint64_t available = host_available_memory(), each = thread_bytes(k, codec);
	uint64_t n = opt->threads >= 0 ? (uint64_t)opt->threads : host_usable_cpus(), budget;

	if (opt->threads < 0 && host_is_crash_kernel()) {
		budget = min_u64(available / 5, reserved_bytes(k));
		n = min_u64(n, budget > BASE_BYTES ? (budget - BASE_BYTES) / each : 0);
	}
	n = min_u64(n, THREADS_MAX);
	if (available && n > 1 && n * each > available / 2) {
		n = available / 2 / each;
		message(MSG_COMMON, "There is not enough memory for so many threads: %u are used.\n", (unsigned)max_u64(n, 1));
	}
	message(MSG_DEBUG, "Threads: %u\n", (unsigned)max_u64(n, 1));
	return n > 1 ? (unsigned)n - 1 : 0;
}
