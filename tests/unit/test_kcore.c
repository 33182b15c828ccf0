/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Files shaped as /proc/kcore: ranges that are no RAM, text twice, physical addresses that were left out. */
#include "elf_file.h"

#include <unistd.h>

#include "input/kcore.h"
#include "input/mem_source.h"

static struct err e;

#define EM_X86_64 62
#define EM_S390 22
#define TEXT UINT64_C(0xffffffff81000000)
#define VMALLOC_LEN UINT64_C(0x1fffffffffff)

/* In the order of 3.10: no physical address anywhere. */
static const struct mem_segment unplaced[] = {
	{ 0, TEXT, 0x2000000, 0x2000000, 7 },
	{ 0, UINT64_C(0xffffc90000000000), VMALLOC_LEN, VMALLOC_LEN, 7 },
	{ 0, UINT64_C(0xffffffffa0000000), 0x5f000000, 0x5f000000, 7 },
	{ 0, UINT64_C(0xffff880000001000), 0x9e000, 0x9e000, 7 },
	{ 0, UINT64_C(0xffffea0000000000), 0x3000, 0x3000, 7 },
	{ 0, UINT64_C(0xffff880000100000), 0x3fe00000, 0x3fe00000, 7 },
};

TEST(x86_64_ranges_without_addresses_get_those_of_the_direct_map)
{
	struct mem_segment s[6];

	memcpy(s, unplaced, sizeof(s));
	assert_true(kcore_segments(s, 6));
	kcore_place_segments(s, 6, EM_X86_64);
	assert_int_equal(s[0].paddr, PADDR_NONE);
	assert_int_equal(s[1].paddr, PADDR_NONE);
	assert_int_equal(s[2].paddr, PADDR_NONE);
	assert_int_equal(s[3].paddr, 0x1000);
	assert_int_equal(s[4].paddr, PADDR_NONE);
	assert_int_equal(s[5].paddr, 0x100000);
}

TEST(randomized_direct_map_ends_where_vmalloc_begins)
{
	struct mem_segment s[6];

	memcpy(s, unplaced, sizeof(s));
	s[1].vaddr = UINT64_C(0xffff9a0040000000);
	s[3].vaddr = UINT64_C(0xffff8d5c80001000);
	s[5].vaddr = UINT64_C(0xffff8d5c80100000);
	s[4].vaddr = UINT64_C(0xffffbb0000000000);
	kcore_place_segments(s, 6, EM_X86_64);
	assert_int_equal(s[3].paddr, 0x1000);
	assert_int_equal(s[4].paddr, PADDR_NONE);
	assert_int_equal(s[5].paddr, 0x100000);
}

TEST(ranges_of_other_machines_without_addresses_are_no_memory)
{
	struct mem_segment s[6];

	memcpy(s, unplaced, sizeof(s));
	kcore_place_segments(s, 6, EM_S390);
	for (size_t i = 0; i < 6; i++)
		assert_int_equal(s[i].paddr, PADDR_NONE);
}

TEST(segments_of_dumps_keep_their_addresses)
{
	struct mem_segment one = { 0, UINT64_C(0xffff880000000000), 0x1000, 0x1000, 7 };
	struct mem_segment two[] = { { 0, UINT64_C(0xffff880000000000), 0x1000, 0x1000, 7 },
				     { 0x100000, UINT64_C(0xffff880000100000), 0x1000, 0x1000, 7 } };
	/* QEMU tells no virtual addresses */
	struct mem_segment qemu[] = { { 0, 0, 0x1000, 0x1000, 7 }, { 0, 0, 0, 0x1000, 7 } };

	assert_false(kcore_segments(&one, 1));
	assert_false(kcore_segments(two, 2));
	assert_false(kcore_segments(qemu, 2));
	kcore_place_segments(&one, 1, EM_X86_64);
	kcore_place_segments(two, 2, EM_X86_64);
	assert_int_equal(one.paddr, 0);
	assert_int_equal(two[1].paddr, 0x100000);
}

TEST(copy_of_kcore_has_its_ram_once)
{
	static uint8_t bytes[256 << 10];
	/* text is the RAM at 0x8000 too; vmalloc is far behind the end of the file */
	struct elf_file f = {
		.is64 = true,
		.n = 4,
		.ph = {
			{ PT_LOAD, 0x20000, 0x8000, 0x4000, 0x4000, TEXT },
			{ PT_LOAD, UINT64_C(0x490000001000), PADDR_NONE, VMALLOC_LEN, VMALLOC_LEN,
			  UINT64_C(0xffffc90000000000) },
			{ PT_LOAD, 0x2000, 0x1000, 0x10000, 0x10000, UINT64_C(0xffff880000001000) },
			{ PT_LOAD, UINT64_C(0x6a0000001000), PADDR_NONE, 0x3000, 0x3000,
			  UINT64_C(0xffffea0000000000) },
		},
	};
	struct mem_source_options how = { .no_mmap = false };
	struct mem_source *src = NULL;
	struct pfn_run run;
	char path[32];
	pfn_t pages = 0;
	int fd;

	elf_file_build(&f, bytes, sizeof(bytes));
	fd = file_of(bytes, sizeof(bytes), path);
	assert_ok(mem_source_open(&src, (const char *const[]){ path }, 1, &how, &e));
	assert_false(src->live); /* a copy does not change */
	assert_int_equal(src->end, 0x11000);
	for (pfn_t at = 0; mem_source_next_run(src, at, 12, &run); at = run.end) {
		assert_int_equal(run.kind, RUN_DATA);
		pages += run.end - run.start;
	}
	assert_int_equal(pages, 16);
	mem_source_close(src);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(x86_64_ranges_without_addresses_get_those_of_the_direct_map),
		cmocka_unit_test(randomized_direct_map_ends_where_vmalloc_begins),
		cmocka_unit_test(ranges_of_other_machines_without_addresses_are_no_memory),
		cmocka_unit_test(segments_of_dumps_keep_their_addresses),
		cmocka_unit_test(copy_of_kcore_has_its_ram_once),
	};

	message_set_level(0);
	return cmocka_run_group_tests_name("kcore", tests, NULL, NULL);
}
