/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Checks that a finished dump is sound in itself. */
#include "tests/fuzz/kdump_check.h"

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/bitmap.h"
#include "base/bytes.h"
#include "format/kdump_header.h"
#include "format/page_desc.h"
#include "tests/fuzz/fuzz.h"

#define PIECE 4096
#define CODECS (KDUMP_ZLIB | KDUMP_LZO | KDUMP_SNAPPY | KDUMP_ZSTD)

/* Reads what is there; the rest is zero. */
static void read_at(int fd, uint64_t at, void *buf, size_t len)
{
	ssize_t n = pread(fd, buf, len, (off_t)at);

	memset((uint8_t *)buf + (n > 0 ? n : 0), 0, len - (size_t)(n > 0 ? n : 0));
}

/* The next offset in [at, end) that is no hole. */
static uint64_t next_data(int fd, uint64_t at, uint64_t end)
{
	off_t data = at < end ? lseek(fd, (off_t)at, SEEK_DATA) : -1;

	return data < 0 || (uint64_t)data > end ? end : max_u64(at, (uint64_t)data);
}

static void check_desc(const uint8_t *raw, uint64_t data_at, uint64_t size, uint32_t block, uint32_t status)
{
	uint64_t offset = get_u64(raw, false);
	uint32_t len = get_u32(raw + 8, false), flags = get_u32(raw + 12, false);

	if (!offset && !len && !flags) {
		REQUIRE(status & KDUMP_INCOMPLETE);
		return;
	}
	REQUIRE(offset >= data_at && len && len <= block && offset <= size - len);
	REQUIRE(flags ? flags == (status & CODECS) && len < block : len == block);
}

void kdump_check(int fd, bool incomplete)
{
	uint8_t head[KDUMP_HEADER_MAX], sub[KDUMP_SUB_HEADER_MAX], one[PIECE], two[PIECE], raw[64 * PAGE_DESC_LEN];
	uint64_t max, bitmap_at, bitmap_len, desc_at, data_at, kept = 0, n = 0;
	uint32_t status, block, sub_blocks, bitmap_blocks;
	struct stat st;

	REQUIRE(!fstat(fd, &st));
	read_at(fd, 0, head, sizeof(head));
	REQUIRE(!memcmp(head, "KDUMP   ", 8) && get_u32(head + 8, false) == KDUMP_VERSION);
	status = get_u32(head + 424, false);
	block = get_u32(head + 428, false);
	sub_blocks = get_u32(head + 432, false);
	bitmap_blocks = get_u32(head + 436, false);
	REQUIRE(block == 4096 && sub_blocks && !(status & KDUMP_INCOMPLETE) == !incomplete);
	read_at(fd, block, sub, sizeof(sub));
	max = get_u64(sub + 96, false);
	REQUIRE(max && get_u32(head + 440, false) == min_u64(max, UINT32_MAX));
	bitmap_at = (uint64_t)block * (1 + sub_blocks);
	bitmap_len = (uint64_t)bitmap_blocks / 2 * block;
	REQUIRE(bitmap_blocks % 2 == 0 && bitmap_len >= (max + 7) / 8 && bitmap_len - block < (max + 7) / 8);
	if (get_u64(sub + 56, false))
		REQUIRE(get_u64(sub + 48, false) > block && get_u64(sub + 48, false) + get_u64(sub + 56, false) <= bitmap_at);
	if (get_u64(sub + 40, false))
		REQUIRE(get_u64(sub + 32, false) >= get_u64(sub + 48, false) &&
			get_u64(sub + 32, false) + get_u64(sub + 40, false) <=
				get_u64(sub + 48, false) + get_u64(sub + 56, false));
	for (uint64_t at = bitmap_at + bitmap_len; (at = next_data(fd, at, bitmap_at + 2 * bitmap_len)) <
						   bitmap_at + 2 * bitmap_len;) {
		at -= at % PIECE;
		read_at(fd, at, two, PIECE);
		read_at(fd, at - bitmap_len, one, PIECE);
		for (size_t i = 0; i < PIECE; i++)
			REQUIRE(!(two[i] & ~one[i]));
		if (max < (at - bitmap_at - bitmap_len + PIECE) * 8)
			REQUIRE(!bitmap_count(one, (size_t)(max - (at - bitmap_at - bitmap_len) * 8), PIECE * 8));
		kept += bitmap_count(two, 0, PIECE * 8);
		at += PIECE;
	}
	desc_at = bitmap_at + 2 * bitmap_len;
	data_at = desc_at + kept * PAGE_DESC_LEN;
	REQUIRE((uint64_t)st.st_size >= data_at);
	for (; n < kept && n < 1 << 16; n++) {
		if (n % 64 == 0)
			read_at(fd, desc_at + n * PAGE_DESC_LEN, raw, sizeof(raw));
		check_desc(raw + n % 64 * PAGE_DESC_LEN, data_at, (uint64_t)st.st_size, block, status);
	}
}
