/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the fuzz entries share: the entry itself, a hard assertion, files in memory, bytes taken one by one. */
#include "tests/fuzz/fuzz.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/bytes.h"
#include "makedumpfile.h"
#include "print_info.h"

/* What one input may write into its file: enough for every sound dump of these small machines. */
#define FILE_BYTES_MAX ((rlim_t)96 << 20)

/* As main() does; what is said to standard output goes nowhere, errors would drown the fuzzer's own lines. */
int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	struct rlimit limit = { FILE_BYTES_MAX, FILE_BYTES_MAX };

	(void)argc, (void)argv;
	signal(SIGXFSZ, SIG_IGN);
	signal(SIGPIPE, SIG_IGN);
	REQUIRE(!setrlimit(RLIMIT_FSIZE, &limit));
	message_set_level(0);
	return 0;
}

uint8_t take_u8(struct bytes *b)
{
	uint8_t v = 0;

	if (b->left) {
		v = *b->at++;
		b->left--;
	}
	return v;
}

uint16_t take_u16(struct bytes *b)
{
	uint16_t low = take_u8(b);

	return (uint16_t)(low | take_u8(b) << 8);
}

uint32_t take_u32(struct bytes *b)
{
	uint32_t low = take_u16(b);

	return low | (uint32_t)take_u16(b) << 16;
}

uint64_t take_u64(struct bytes *b)
{
	uint64_t low = take_u32(b);

	return low | (uint64_t)take_u32(b) << 32;
}

size_t take_some(struct bytes *b, size_t most, const uint8_t **some)
{
	size_t n = b->left < most ? b->left : most;

	*some = b->at;
	b->at += n;
	b->left -= n;
	return n;
}

uint64_t hard_number(uint8_t which)
{
	static const uint64_t numbers[] = {
		0, 1, 2, 3, 4, 5, 7, 8, 9, 11, 12, 13, 15, 16, 24, 31, 32, 33, 46, 52, 55, 56, 57, 63, 64, 65, 72, 127,
		128, 255, 256, 257, 504, 511, 512, 513, 1023, 1024, 1025, 4088, 4095, 4096, 4097, 8192, 32767, 32768,
		65535, 65536, 0xffffff, 0x1000000, 0x7fffffff, 0x80000000, 0x80000001, 0xfffffffe, 0xffffffff,
		0x100000000, 0xf0000000, 0xffffff7f, 0xfffffeff, 0x7fffffffffffffff, 0x8000000000000000,
		0xffffffffffffff7f, 0xfffffffffffff000, 0xfffffffffffffff8, 0xfffffffffffffffe, 0xffffffffffffffff,
		0x10000000000, 0xffffffffff, 0x3fffffffffff, 0x400000000000, 0xffffffffffff, 0xfffffffffffff,
		0x10000000000000, 0xffffffff80000000, 0xffffffff80001000, 0xffffffff8000c000, 0xffffffff8000c100,
		0xffffffff8000d000, 0xffffffff8000d100, 0xffff800000000000, 0xffff888000000000, 0xffff888000001000,
		0xffff88800000c000, 0xffff88800000c100, 0xffff88800000d100, 0xffff88800000d150, 0xffffea0000000000,
		0xffffea0000000001, 0xffffea0000000003, 0xffffea0000000008, 0xffffea0000000020, 0xffffea0000000040,
		0xffffea0000001000, 0xffffea00001fffc0, 0xffffea0000200000, 0xffffffff00000000, 0xffffffffc0000000,
		0xff11000000000000, 0xffd4000000000000, 0xff00000000000000, 0xdead000000000400,
	};

	return numbers[which % ARRAY_SIZE(numbers)];
}

int memory_file(const void *data, size_t len, char path[FUZZ_PATH_LEN])
{
	const uint8_t *from = data;
	int fd = memfd_create("fuzz", MFD_CLOEXEC);

	REQUIRE(fd >= 0);
	while (len) {
		ssize_t n = write(fd, from, len);

		REQUIRE(n > 0);
		from += n;
		len -= (size_t)n;
	}
	snprintf(path, FUZZ_PATH_LEN, "/proc/self/fd/%d", fd);
	return fd;
}
