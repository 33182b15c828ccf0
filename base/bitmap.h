/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Bits as the dump formats lay them out: bit n is bit n % 8 of byte n / 8, on every host. */
#ifndef BASE_BITMAP_H
#define BASE_BITMAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

static inline bool bitmap_test(const uint8_t *map, size_t bit)
{
	return map[bit >> 3] >> (bit & 7) & 1;
}

/* Clears one bit; returns whether it was set. */
static inline bool bitmap_clear(uint8_t *map, size_t bit)
{
	uint8_t mask = (uint8_t)(1u << (bit & 7));
	bool was = map[bit >> 3] & mask;

	map[bit >> 3] &= (uint8_t)~mask;
	return was;
}

/* Sets [first, end). */
void bitmap_set_range(uint8_t *map, size_t first, size_t end);

/* Clears [first, end); returns how many of these bits were set. */
size_t bitmap_clear_range(uint8_t *map, size_t first, size_t end);

/* Number of set bits in [first, end). */
size_t bitmap_count(const uint8_t *map, size_t first, size_t end);

/*
 * Finds the next run of set bits at or after `from` and below `end`.  Returns false if there is none;
 * else [*run_first, *run_end) is the run, cut at `end`.
 */
bool bitmap_next_run(const uint8_t *map, size_t from, size_t end, size_t *run_first, size_t *run_end);

/*
 * Bits move by `shift`, below 8, towards bit 0, or away from it: `to` and `from` have `bytes` bytes and may be the same.
 * `beside` is the byte that follows `from`, or that precedes it.
 */
void bitmap_shift_down(uint8_t *to, const uint8_t *from, size_t bytes, unsigned shift, uint8_t beside);
void bitmap_shift_up(uint8_t *to, const uint8_t *from, size_t bytes, unsigned shift, uint8_t beside);

#endif
