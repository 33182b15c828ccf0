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
#include "makedumpfile.h"
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

static void check_desc(const uint8_t *raw, bool big, uint64_t data_at, uint64_t size, uint32_t block, uint32_t status)
{
	uint64_t offset = get_u64(raw, big);
	uint32_t len = get_u32(raw + 8, big), flags = get_u32(raw + 12, big);

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
	uint64_t max, bitmap_at, bitmap_len, desc_at, data_at, kept = 0, n = 0, block;
	enum kdump_layout layout;
	struct kdump_sub_header s;
	struct kdump_header h;
	struct stat st;
	struct err e;
	bool big;

	REQUIRE(!fstat(fd, &st));
	read_at(fd, 0, head, sizeof(head));
	REQUIRE(kdump_has_magic(head, sizeof(head)) && !kdump_header_decode(&h, &layout, &big, head, sizeof(head), &e));
	block = h.block_size;
	REQUIRE(h.version == KDUMP_VERSION && block >= PAGE_SIZE_MIN && block <= PAGE_SIZE_MAX &&
		!(block & (block - 1)));
	REQUIRE(h.sub_header_blocks && !(h.status & KDUMP_INCOMPLETE) == !incomplete);
	read_at(fd, block, sub, sizeof(sub));
	if (layout != KDUMP_64)
		layout = kdump_sub_header_layout(sub, &h, big);
	kdump_sub_header_decode(&s, sub, &h, layout, big);
	max = s.max_mapnr;
	REQUIRE(max && h.max_mapnr == min_u64(max, UINT32_MAX));
	bitmap_at = block * (1 + (uint64_t)h.sub_header_blocks);
	bitmap_len = (uint64_t)h.bitmap_blocks / 2 * block;
	REQUIRE(h.bitmap_blocks % 2 == 0 && bitmap_len >= (max + 7) / 8 && bitmap_len - block < (max + 7) / 8);
	if (s.size_note)
		REQUIRE(s.offset_note > block && s.offset_note + s.size_note <= bitmap_at);
	if (s.size_vmcoreinfo)
		REQUIRE(s.offset_vmcoreinfo >= s.offset_note &&
			s.offset_vmcoreinfo + s.size_vmcoreinfo <= s.offset_note + s.size_note);
	for (uint64_t at = bitmap_at + bitmap_len;
	     (at = next_data(fd, at, bitmap_at + 2 * bitmap_len)) < bitmap_at + 2 * bitmap_len;) {
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
		check_desc(raw + n % 64 * PAGE_DESC_LEN, big, data_at, (uint64_t)st.st_size, (uint32_t)block, h.status);
	}
}
