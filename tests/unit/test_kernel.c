/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Learning about a kernel from an invented dump of it. */
#include "world.h"

#include <time.h>

static struct err e;
static const struct kernel_files no_files;
static struct fake_memory mem;
static struct kernel *k;

#define IMAGE UINT64_C(0xffffffff80000000)
#define DIRECT UINT64_C(0xffff888000000000)
#define UTS 0x8000

/* Opens a kernel over `text`; what is said to people is the result, for the caller to free. */
static char *open_kernel(const char *text)
{
	struct capture c;

	mem.notes = text;
	mem.src->notes_len = strlen(text);
	mem.src->vmcoreinfo_len = strlen(text);
	k = NULL;
	capture_start(&c, 1);
	message_set_level(MSG_COMMON);
	assert_ok(kernel_open(&k, mem.src, &no_files, &e));
	message_set_level(0);
	return captured(&c);
}

static void check_quiet(char *said)
{
	assert_string_equal(said, "");
	free(said);
}

static int open_memory(void **state)
{
	static const char *const names[] = { "Linux", "demo", "6.1.0-13-amd64", "#1 SMP", "x86_64", "(none)" };

	(void)state;
	fake_memory_open(&mem, 1024);
	for (size_t i = 0; i < 6; i++)
		strcpy((char *)mem.bytes + UTS + i * 65, names[i]);
	/* page tables: the image and the direct map, as pages of 1 GiB */
	put_u64(mem.bytes + 0x1000 + 511 * 8, 0x2063, false);
	put_u64(mem.bytes + 0x2000 + 510 * 8, 0xe3, false);
	put_u64(mem.bytes + 0x1000 + 273 * 8, 0x3063, false);
	put_u64(mem.bytes + 0x3000, 0xe3, false);
	mem.segments[0] = (struct mem_segment){ 0x1000, DIRECT + 0x1000, 1, 0x100000, 7 };
	mem.n_segments = 1;
	k = NULL;
	return 0;
}

static int close_memory(void **state)
{
	(void)state;
	if (k)
		kernel_close(k);
	fake_memory_close(&mem);
	return 0;
}

#define BASE                                                                             \
	"OSRELEASE=6.1.0-13-amd64\nPAGESIZE=4096\nSYMBOL(init_uts_ns)=ffffffff80008000\n" \
	"OFFSET(uts_namespace.name)=0\nSYMBOL(swapper_pg_dir)=ffffffff80001000\n"         \
	"SYMBOL(_stext)=ffffffff80000000\nNUMBER(phys_base)=0\n"

TEST(names_release_and_time_are_found)
{
	check_quiet(open_kernel(BASE "CRASHTIME=1727186336\n"));
	assert_string_equal(k->release, "6.1.0-13-amd64");
	assert_memory_equal(k->utsname, mem.bytes + UTS, 390);
	assert_int_equal(k->version, KVERSION(6, 1));
	assert_int_equal(k->crash_time, 1727186336);
	assert_int_equal(k->target.page_size, 4096);
	assert_int_equal(k->target.page_shift, 12);
	assert_int_equal(k->target.long_bytes, 8);
	assert_true(k->has_vmcoreinfo);
	assert_int_equal(k->max_mapnr, 1024);
}

TEST(linear_ranges_that_the_tables_confirm_are_proven)
{
	check_quiet(open_kernel(BASE));
	assert_int_equal(k->arch_state.n_linear, 2);
	assert_int_equal(k->arch_state.linear[0].trust, RANGE_PROVEN);
	assert_int_equal(k->arch_state.linear[1].trust, RANGE_PROVEN);
}

TEST(linear_range_that_the_tables_contradict_is_given_up)
{
	AUTO(kmem) *km = NULL;
	paddr_t at;

	/* the first 2 MiB lie elsewhere, the others are not mapped */
	put_u64(mem.bytes + 0x3000, 0x4063, false);
	put_u64(mem.bytes + 0x4000, 0x4000e3, false);
	check_quiet(open_kernel(BASE));
	assert_int_equal(k->arch_state.linear[0].trust, RANGE_PROVEN);
	assert_int_equal(k->arch_state.linear[1].trust, RANGE_GUESS);
	assert_ok(kmem_open(&km, k, &e));
	/* the tables are believed, also where they say that nothing is there */
	assert_ok(kmem_translate(km, DIRECT + 0x1000, &at, NULL, &e));
	assert_int_equal(at, 0x401000);
	assert_int_equal(kmem_translate(km, DIRECT + 0x201000, &at, NULL, &e), E_MISSING);
}

TEST(linear_ranges_are_the_last_resort_of_broken_tables)
{
	AUTO(kmem) *km = NULL;
	paddr_t at;

	/* the root lies outside the dump */
	free(open_kernel("PAGESIZE=4096\nSYMBOL(swapper_pg_dir)=ffffffff90000000\nNUMBER(phys_base)=0\n"
			 "SYMBOL(init_uts_ns)=ffffffff80008000\nOFFSET(uts_namespace.name)=0\n"));
	assert_string_equal(k->release, "6.1.0-13-amd64");
	assert_ok(kmem_open(&km, k, &e));
	assert_ok(kmem_translate(km, DIRECT + 0x5000, &at, NULL, &e));
	assert_int_equal(at, 0x5000);
	assert_int_equal(kmem_translate(km, UINT64_C(0xffffc90000000000), &at, NULL, &e), E_UNREADABLE);
}

TEST(names_that_make_no_sense_are_left_out_with_a_word)
{
	for (unsigned how = 0; how < 4; how++) {
		char *said;

		if (how == 0)
			mem.bytes[UTS + 130] = 0; /* no release */
		if (how == 1)
			memset(mem.bytes + UTS, 'x', 65); /* a name without an end */
		if (how == 2)
			mem.bytes[UTS + 67] = 7; /* not text */
		if (how == 3)
			mem.unreadable[UTS / 4096] = 1;
		said = open_kernel(BASE);
		assert_contains(said, "name");
		free(said);
		for (size_t i = 0; i < UTS_LEN; i++)
			assert_int_equal(k->utsname[i], 0);
		/* the text still tells the release */
		assert_string_equal(k->release, "6.1.0-13-amd64");
		kernel_close(k);
		k = NULL;
		close_memory(NULL);
		open_memory(NULL);
	}
}

TEST(names_of_kernels_before_5_11_follow_four_bytes)
{
	memmove(mem.bytes + UTS + 4, mem.bytes + UTS, 390);
	check_quiet(open_kernel("OSRELEASE=5.10.0\nPAGESIZE=4096\nSYMBOL(init_uts_ns)=ffffffff80008000\n"
				"SYMBOL(swapper_pg_dir)=ffffffff80001000\nNUMBER(phys_base)=0\n"));
	assert_memory_equal(k->utsname, mem.bytes + UTS + 4, 390);
}

TEST(release_without_names_comes_from_the_text_and_is_cut)
{
	char text[300] = "PAGESIZE=4096\nOSRELEASE=5.10.";

	memset(text + strlen(text), '9', 200);
	free(open_kernel(text));
	assert_int_equal(strlen(k->release), 64);
	assert_int_equal(k->version >> 16, 5 << 8 | 10);
}

TEST(versions_are_understood_as_far_as_they_go)
{
	static const struct {
		const char *release;
		uint32_t version;
	} rows[] = {
		{ "6.12.0", KVERSION(6, 12) },	     { "4.4.302-x", KVERSION(4, 4) + 302 }, { "7.1", KVERSION(7, 1) },
		{ "2.6.32-754.el6", KVERSION(2, 6) + 32 }, { "6", KVERSION(6, 0) },	    { "unknown", 0 },
		{ "", 0 },			     { "6.1-rc3", KVERSION(6, 1) },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		char text[100];

		snprintf(text, sizeof(text), "PAGESIZE=4096\nOSRELEASE=%s\n", rows[i].release);
		free(open_kernel(text));
		if (k->version != rows[i].version)
			fail_msg("%s is %#x, not %#x", rows[i].release, k->version, rows[i].version);
		kernel_close(k);
		k = NULL;
	}
}

TEST(page_size_that_is_missing_or_impossible_is_said)
{
	static const char *const bad[] = { "", "PAGESIZE=0\n", "PAGESIZE=4095\n", "PAGESIZE=65536\n", "PAGESIZE=x\n",
					   "PAGESIZE=2048\n", "PAGESIZE=131072\n", "PAGESIZE=18446744073709551616\n" };

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		char text[100], *said;

		snprintf(text, sizeof(text), "OSRELEASE=6.1.0\n%s", bad[i]);
		said = open_kernel(text);
		assert_contains(said, "PAGESIZE");
		assert_contains(said, "4096 is taken");
		free(said);
		assert_int_equal(k->target.page_size, 4096);
		kernel_close(k);
		k = NULL;
	}
}

TEST(dump_without_vmcoreinfo_is_a_kernel_without_facts)
{
	mem.src->vmcoreinfo_len = 0;
	assert_ok(kernel_open(&k, mem.src, &no_files, &e));
	assert_false(k->has_vmcoreinfo);
	assert_int_equal(k->mem_map.model, MEM_MODEL_NONE);
	assert_int_equal(k->max_mapnr, 1024);
	assert_int_equal(k->target.page_size, 4096);
}

TEST(machine_that_is_unknown_is_named)
{
	static const struct {
		unsigned machine;
		bool is64, big;
	} rows[] = { { 9026, true, true }, { 62, false, false }, { 22, false, true }, { 0, true, false } };

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		char number[32];

		mem.src->machine = rows[i].machine;
		mem.src->is64 = rows[i].is64;
		mem.src->big_endian = rows[i].big;
		assert_int_equal(kernel_open(&k, mem.src, &no_files, &e), E_UNSUPPORTED);
		snprintf(number, sizeof(number), "machine %u", rows[i].machine);
		assert_contains(e.text, number);
		assert_contains(e.text, rows[i].is64 ? "ELF64" : "ELF32");
	}
}

TEST(memory_ends_where_the_kernel_has_struct_pages)
{
	/* booted with less memory than there is: the pointer mem_map at 0x9000, struct pages of a flat map */
	static const char flat[] = BASE "SIZE(page)=64\nSYMBOL(mem_section)=ffffffff80009000\nSIZE(mem_section)=16\n"
					"OFFSET(mem_section.section_mem_map)=0\nNUMBER(SECTION_SIZE_BITS)=21\n"
					"NUMBER(MAX_PHYSMEM_BITS)=32\nLENGTH(mem_section)=2048\n";

	put_u64(mem.bytes + 0x9000, (DIRECT + 0x10000) | 3, false);
	check_quiet(open_kernel(flat));
	assert_int_equal(k->mem_map.model, MEM_MODEL_SPARSE);
	assert_int_equal(k->max_mapnr, 512);
}

TEST(address_bits_of_the_kernel_cut_memory)
{
	char *said = NULL;

	mem.src->end = UINT64_C(1) << 45;
	said = open_kernel(BASE "NUMBER(MAX_PHYSMEM_BITS)=40\n");
	assert_contains(said, "40 address bits");
	free(said);
	assert_int_equal(k->max_mapnr, UINT64_C(1) << 28);
	assert_int_equal(k->arch_state.physmem_bits, 40);
}

TEST(absurd_numbers_of_bits_are_ignored)
{
	check_quiet(open_kernel(BASE "NUMBER(MAX_PHYSMEM_BITS)=200\nNUMBER(SECTION_SIZE_BITS)=-1\n"));
	assert_int_equal(k->arch_state.physmem_bits, 46);
	assert_int_equal(k->arch_state.section_bits, 27);
}

TEST(translation_is_printed_table_by_table)
{
	struct capture c;
	char *text;

	check_quiet(open_kernel(BASE));
	capture_start(&c, 1);
	message_set_level(MSG_COMMON);
	assert_ok(kernel_print_translation(k, DIRECT + 0x12345, &e));
	message_set_level(0);
	text = captured(&c);
	assert_string_equal(text, "\nTranslating virtual address ffff888000012345 to physical address.\n"
				  "  PGD :             1888 =>             3063\n"
				  "  PUD :             3000 =>               e3\n"
				  "VIRTUAL           PHYSICAL\n"
				  "ffff888000012345  12345\n\n");
	free(text);
}

TEST(address_that_has_no_translation_is_all_ones_and_an_error_line)
{
	struct capture out, err;
	char *text, *said;

	check_quiet(open_kernel(BASE));
	capture_start(&out, 1);
	capture_start(&err, 2);
	message_set_level(MSG_COMMON | MSG_ERROR);
	assert_ok(kernel_print_translation(k, UINT64_C(0xffffc90000000000), &e));
	message_set_level(0);
	said = captured(&err);
	text = captured(&out);
	assert_contains(text, "VIRTUAL           PHYSICAL\nffffc90000000000  ffffffffffffffff\n\n");
	assert_contains(said, "0xffffc90000000000");
	free(text);
	free(said);
}

#define WITH_MEMORY(test) cmocka_unit_test_setup_teardown(test, open_memory, close_memory)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_MEMORY(names_release_and_time_are_found),
		WITH_MEMORY(linear_ranges_that_the_tables_confirm_are_proven),
		WITH_MEMORY(linear_range_that_the_tables_contradict_is_given_up),
		WITH_MEMORY(linear_ranges_are_the_last_resort_of_broken_tables),
		WITH_MEMORY(names_that_make_no_sense_are_left_out_with_a_word),
		WITH_MEMORY(names_of_kernels_before_5_11_follow_four_bytes),
		WITH_MEMORY(release_without_names_comes_from_the_text_and_is_cut),
		WITH_MEMORY(versions_are_understood_as_far_as_they_go),
		WITH_MEMORY(page_size_that_is_missing_or_impossible_is_said),
		WITH_MEMORY(dump_without_vmcoreinfo_is_a_kernel_without_facts),
		WITH_MEMORY(machine_that_is_unknown_is_named),
		WITH_MEMORY(memory_ends_where_the_kernel_has_struct_pages),
		WITH_MEMORY(address_bits_of_the_kernel_cut_memory),
		WITH_MEMORY(absurd_numbers_of_bits_are_ignored),
		WITH_MEMORY(translation_is_printed_table_by_table),
		WITH_MEMORY(address_that_has_no_translation_is_all_ones_and_an_error_line),
	};

	message_set_level(0);
	return cmocka_run_group_tests_name("kernel", tests, NULL, NULL);
}
