/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How many threads a run has: in a crash kernel never more than the memory that was reserved for one. */
#include "unit.h"

#include "command/threads.h"
#include "format/kdump_header.h"

#define KIB UINT64_C(1024)
#define MIB (KIB << 10)
#define GIB (MIB << 10)

static const uint32_t codecs[] = { 0, KDUMP_ZLIB, KDUMP_LZO, KDUMP_SNAPPY, KDUMP_ZSTD };

/* What those who size the memory of crash kernels expect of a run with one thread, for a machine of that much memory. */
static uint64_t expected_of_one(uint64_t memory)
{
	return 3 * 4096 + 128 * KIB + 5 * KIB + 2 * (memory / 4096 / 8) + 96 * (memory / (128 * MIB));
}

TEST(threads_of_a_crash_kernel_fit_into_what_is_reserved_for_one)
{
	unsigned most = 0, runs = 0;

	for (uint64_t memory = GIB; memory <= 16384 * GIB; memory += memory / 4)
		for (uint64_t available = 20 * MIB; available <= GIB; available += available / 5)
			for (unsigned cpus = 1; cpus <= 256; cpus *= 2)
				for (size_t i = 0; i < 2 * ARRAY_SIZE(codecs); i++) {
					const struct codec *codec = codec_by_flag(codecs[i / 2]);
					const struct thread_work work = { memory / 4096, 4096, 0, i & 1, codec };
					const struct thread_host host = { cpus, available, true };
					uint64_t bitmaps = (1 + (i & 1)) * (memory / 4096 / 8 < MIB ? memory / 4096 / 8 : MIB);
					uint64_t each = 192 * KIB + (codec ? encoder_memory(codec, 4096) : 0);
					unsigned n = threads_for(&work, &host, -1);
					uint64_t total = 1300 * KIB + bitmaps + (n - 1) * each;

					assert_true(n >= 1 && n <= cpus);
					if (n > 1 && (total > expected_of_one(memory) || total > available / 5))
						fail_msg("%" PRIu64 " GiB, %" PRIu64 " MiB available: %u threads",
							 memory / GIB, available / MIB, n);
					most = n > most ? n : most;
					runs++;
				}
	/* and where there is room they are used */
	assert_int_equal(most, 64);
	assert_true(runs > 10000);
}

TEST(small_machines_and_little_memory_have_one_thread_in_a_crash_kernel)
{
	const struct thread_work small = { GIB / 4096, 4096, 0, false, NULL };
	const struct thread_work large = { 1024 * GIB / 4096, 4096, 0, false, NULL };

	assert_int_equal(threads_for(&small, &(struct thread_host){ 8, GIB, true }, -1), 1);
	assert_int_equal(threads_for(&large, &(struct thread_host){ 8, 10 * MIB, true }, -1), 1);
	assert_int_equal(threads_for(&large, &(struct thread_host){ 8, 0, true }, -1), 1);
	assert_int_equal(threads_for(&large, &(struct thread_host){ 8, GIB, true }, -1), 8);
	/* who asks gets them all the same */
	assert_int_equal(threads_for(&small, &(struct thread_host){ 8, GIB, true }, 4), 4);
}

TEST(elsewhere_each_cpu_has_a_thread_as_far_as_memory_goes)
{
	const struct thread_work work = { GIB / 4096, 4096, 0, false, NULL };

	assert_int_equal(threads_for(&work, &(struct thread_host){ 8, GIB, false }, -1), 8);
	assert_int_equal(threads_for(&work, &(struct thread_host){ 8, 0, false }, -1), 8);
	assert_int_equal(threads_for(&work, &(struct thread_host){ 8, GIB, false }, 0), 1);
	assert_int_equal(threads_for(&work, &(struct thread_host){ 1, GIB, false }, 16), 16);
	assert_int_equal(threads_for(&work, &(struct thread_host){ 1, GIB, false }, 1000), 64);
	/* at most half of the memory */
	assert_int_equal(threads_for(&work, &(struct thread_host){ 8, 3 * MIB, false }, 16), 8);
	assert_int_equal(threads_for(&work, &(struct thread_host){ 8, 200 * KIB, false }, 16), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(threads_of_a_crash_kernel_fit_into_what_is_reserved_for_one),
		cmocka_unit_test(small_machines_and_little_memory_have_one_thread_in_a_crash_kernel),
		cmocka_unit_test(elsewhere_each_cpu_has_a_thread_as_far_as_memory_goes),
	};

	return cmocka_run_group_tests_name("threads", tests, NULL, NULL);
}
