/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Integers at any address, in either byte order: the only way bytes of a file or of dump memory become numbers. */
#ifndef BASE_BYTES_H
#define BASE_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
#define HOST_BIG_ENDIAN true
#else
#define HOST_BIG_ENDIAN false
#endif

static inline uint16_t get_u16(const void *p, bool big)
{
	uint16_t v;

	memcpy(&v, p, sizeof(v));
	return big == HOST_BIG_ENDIAN ? v : __builtin_bswap16(v);
}

static inline uint32_t get_u32(const void *p, bool big)
{
	uint32_t v;

	memcpy(&v, p, sizeof(v));
	return big == HOST_BIG_ENDIAN ? v : __builtin_bswap32(v);
}

static inline uint64_t get_u64(const void *p, bool big)
{
	uint64_t v;

	memcpy(&v, p, sizeof(v));
	return big == HOST_BIG_ENDIAN ? v : __builtin_bswap64(v);
}

/* An unsigned long of the dumped machine, zero-extended. */
static inline uint64_t get_ulong(const void *p, unsigned long_bytes, bool big)
{
	return long_bytes == 8 ? get_u64(p, big) : get_u32(p, big);
}

static inline void put_u16(void *p, uint16_t v, bool big)
{
	if (big != HOST_BIG_ENDIAN)
		v = __builtin_bswap16(v);
	memcpy(p, &v, sizeof(v));
}

static inline void put_u32(void *p, uint32_t v, bool big)
{
	if (big != HOST_BIG_ENDIAN)
		v = __builtin_bswap32(v);
	memcpy(p, &v, sizeof(v));
}

static inline void put_u64(void *p, uint64_t v, bool big)
{
	if (big != HOST_BIG_ENDIAN)
		v = __builtin_bswap64(v);
	memcpy(p, &v, sizeof(v));
}

/* Smallest multiple of 2^shift that is >= v, in units of 2^shift; does not overflow. */
static inline uint64_t shift_up(uint64_t v, unsigned shift)
{
	return (v >> shift) + ((v & ((UINT64_C(1) << shift) - 1)) != 0);
}

static inline uint64_t round_up_u64(uint64_t v, uint64_t unit)
{
	return (v + unit - 1) / unit * unit;
}

/* Are `len` bytes, at least 8, all zero?  Most that are not show it in the first word; the rest must equal what lies before. */
static inline bool bytes_are_zero(const uint8_t *p, size_t len)
{
	uint64_t first;

	memcpy(&first, p, sizeof(first));
	return !first && !memcmp(p, p + sizeof(first), len - sizeof(first));
}

static inline uint64_t min_u64(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static inline uint64_t max_u64(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

#endif
