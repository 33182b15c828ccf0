/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Ranges of bits, a 64-bit word at a time. */
#include "base/bitmap.h"

#include <string.h>

#include "base/bytes.h"

static uint8_t mask_from(size_t bit)
{
	return (uint8_t)(0xffu << (bit & 7));
}

static uint8_t mask_below(size_t bit)
{
	return (uint8_t)~mask_from(bit);
}

void bitmap_set_range(uint8_t *map, size_t first, size_t end)
{
	size_t a = first >> 3, b = end >> 3;

	if (first >= end)
		return;
	if (a == b) {
		map[a] |= mask_from(first) & mask_below(end);
		return;
	}
	map[a] |= mask_from(first);
	memset(map + a + 1, 0xff, b - a - 1);
	if (end & 7)
		map[b] |= mask_below(end);
}

size_t bitmap_count(const uint8_t *map, size_t first, size_t end)
{
	size_t a = first >> 3, b = end >> 3, n = 0;

	if (first >= end)
		return 0;
	if (a == b)
		return (size_t)__builtin_popcount(map[a] & mask_from(first) & mask_below(end));
	n += (size_t)__builtin_popcount(map[a] & mask_from(first));
	for (a++; a + 8 <= b; a += 8)
		n += (size_t)__builtin_popcountll(get_u64(map + a, false));
	for (; a < b; a++)
		n += (size_t)__builtin_popcount(map[a]);
	if (end & 7)
		n += (size_t)__builtin_popcount(map[b] & mask_below(end));
	return n;
}

size_t bitmap_clear_range(uint8_t *map, size_t first, size_t end)
{
	size_t a = first >> 3, b = end >> 3, were_set = bitmap_count(map, first, end);

	if (!were_set)
		return 0;
	if (a == b) {
		map[a] &= (uint8_t)~(mask_from(first) & mask_below(end));
		return were_set;
	}
	map[a] &= mask_below(first);
	memset(map + a + 1, 0, b - a - 1);
	if (end & 7)
		map[b] &= mask_from(end);
	return were_set;
}

/* First bit at or after `from` (< end) whose value is `value`; `end` if there is none. */
static size_t find_bit(const uint8_t *map, size_t from, size_t end, bool value)
{
	uint64_t flip = value ? 0 : UINT64_MAX;
	size_t byte = from >> 3;

	if (from >= end)
		return end;
	if (from & 7) {
		unsigned bits = (unsigned)((map[byte] ^ (uint8_t)flip) & mask_from(from));

		if (bits) {
			size_t bit = byte * 8 + (size_t)__builtin_ctz(bits);
			return bit < end ? bit : end;
		}
		byte++;
	}
	for (; byte * 8 < end; byte += 8) {
		size_t left = (end + 7) / 8 - byte;
		uint64_t w = 0;

		if (left >= 8) {
			w = get_u64(map + byte, false) ^ flip;
		} else {
			for (size_t i = 0; i < left; i++)
				w |= (uint64_t)(uint8_t)(map[byte + i] ^ (uint8_t)flip) << (8 * i);
		}
		if (w) {
			size_t bit = byte * 8 + (size_t)__builtin_ctzll(w);
			return bit < end ? bit : end;
		}
	}
	return end;
}

bool bitmap_next_run(const uint8_t *map, size_t from, size_t end, size_t *run_first, size_t *run_end)
{
	size_t first = find_bit(map, from, end, true);

	if (first >= end)
		return false;
	*run_first = first;
	*run_end = find_bit(map, first, end, false);
	return true;
}

void bitmap_shift_down(uint8_t *to, const uint8_t *from, size_t bytes, unsigned shift, uint8_t beside)
{
	for (size_t i = 0; i < bytes; i++) {
		unsigned next = i + 1 < bytes ? from[i + 1] : beside;

		to[i] = (uint8_t)((from[i] | next << 8) >> shift);
	}
}

void bitmap_shift_up(uint8_t *to, const uint8_t *from, size_t bytes, unsigned shift, uint8_t beside)
{
	for (size_t i = bytes; i-- > 0;) {
		unsigned before = i ? from[i - 1] : beside;

		to[i] = (uint8_t)((from[i] << 8 | before) << shift >> 8);
	}
}
