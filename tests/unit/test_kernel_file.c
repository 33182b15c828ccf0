/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A file beside the dump tells about the kernel, or the dump's memory does where its notes do not. */
#include "world.h"

#include <unistd.h>

#include "kernel/kernel_file.h"

static struct err e;
static struct fake_memory mem;
static struct kernel *k;
static char path[64];

#define IMAGE UINT64_C(0xffffffff80000000)
/* the image was moved by this, and lies in memory 2 MiB above where it would be without phys_base */
#define MOVED UINT64_C(0x400000)
#define PHYS UINT64_C(0x600000)
#define PGD (PHYS + 0x1000)
#define UTS (PHYS + 0x8000)

/* As the image was linked. */
#define BASE                                                                              \
	"OSRELEASE=6.1.0-13-amd64\nPAGESIZE=4096\nSYMBOL(init_uts_ns)=ffffffff80008000\n" \
	"OFFSET(uts_namespace.name)=0\nSYMBOL(swapper_pg_dir)=ffffffff80001000\n"         \
	"SYMBOL(_stext)=ffffffff80000000\n"
/* As the kernel's note has it. */
#define NOTE                                                                              \
	"OSRELEASE=6.1.0-13-amd64\nPAGESIZE=4096\nSYMBOL(init_uts_ns)=ffffffff80408000\n" \
	"OFFSET(uts_namespace.name)=0\nSYMBOL(swapper_pg_dir)=ffffffff80401000\n"         \
	"SYMBOL(_stext)=ffffffff80400000\nNUMBER(phys_base)=2097152\nKERNELOFFSET=400000\n"

static int open_memory(void **state)
{
	static const char *const names[] = { "Linux", "demo", "6.1.0-13-amd64", "#1 SMP", "x86_64", "(none)" };

	(void)state;
	fake_memory_open(&mem, 0x800);
	for (size_t i = 0; i < 6; i++)
		strcpy((char *)mem.bytes + UTS + i * 65, names[i]);
	/* the image, as pages of 2 MiB */
	put_u64(mem.bytes + PGD + 511 * 8, (PHYS + 0x2000) | 0x63, false);
	put_u64(mem.bytes + PHYS + 0x2000 + 510 * 8, (PHYS + 0x3000) | 0x63, false);
	put_u64(mem.bytes + PHYS + 0x3000 + 2 * 8, PHYS | 0xe3, false);
	k = NULL;
	strcpy(path, "/tmp/test_kernel_file.XXXXXX");
	assert_true(close(mkstemp(path)) == 0);
	return 0;
}

static int close_memory(void **state)
{
	(void)state;
	if (k)
		kernel_close(k);
	fake_memory_close(&mem);
	unlink(path);
	return 0;
}

/* Opens the kernel with a note (NULL: none) and a file (NULL: none); what is said is the caller's to free. */
static char *open_with(const char *note, const char *text, bool force, enum status expect)
{
	struct kernel_files files = { .vmcoreinfo = text ? path : NULL, .force = force };
	struct capture c;
	FILE *f;

	if (text) {
		f = fopen(path, "w");
		assert_true(f && fputs(text, f) >= 0 && !fclose(f));
	}
	mem.notes = note;
	mem.src->notes_len = mem.src->vmcoreinfo_len = note ? strlen(note) : 0;
	capture_start(&c, 1);
	message_set_level(MSG_COMMON);
	assert_int_equal(kernel_open(&k, mem.src, &files, &e), expect);
	message_set_level(0);
	return captured(&c);
}

TEST(note_comes_first_and_the_file_fills_what_it_lacks)
{
	free(open_with(NOTE "SIZE(page)=64\n",
		       BASE "SIZE(page)=72\nSYMBOL(mem_map)=ffffffff80009000\nLENGTH(mem_section)=7\n", false, OK));
	assert_int_equal(fact(&k->facts, F_page_size), 64);
	assert_int_equal(fact(&k->facts, F_mem_section_len), 7);
	assert_int_equal(fact(&k->facts, F_mem_map), IMAGE + MOVED + 0x9000);
	assert_int_equal(fact(&k->facts, F_uts_ns), IMAGE + MOVED + 0x8000);
	assert_int_equal(k->arch_state.phys_base, 0x200000);
	assert_string_equal(k->release, "6.1.0-13-amd64");
}

TEST(text_copied_from_a_note_is_moved_back_first)
{
	/* the same kernel in another run: moved by 0x1000000 */
	free(open_with(NOTE,
		       "OSRELEASE=6.1.0-13-amd64\nPAGESIZE=4096\nSYMBOL(init_uts_ns)=ffffffff81008000\n"
		       "SYMBOL(mem_map)=ffffffff81009000\nKERNELOFFSET=1000000\n",
		       false, OK));
	assert_int_equal(fact(&k->facts, F_mem_map), IMAGE + MOVED + 0x9000);
	kernel_close(k);
	k = NULL;
	/* no symbol in common: what both say of their move */
	free(open_with(
		NOTE,
		"OSRELEASE=6.1.0-13-amd64\nPAGESIZE=4096\nSYMBOL(mem_map)=ffffffff81009000\nKERNELOFFSET=1000000\n",
		false, OK));
	assert_int_equal(fact(&k->facts, F_mem_map), IMAGE + MOVED + 0x9000);
}

TEST(file_of_another_release_is_refused_with_both)
{
	free(open_with(NOTE, "OSRELEASE=6.1.0-14-amd64\nPAGESIZE=4096\nSYMBOL(init_uts_ns)=ffffffff80008000\n", false,
		       E_MISMATCH));
	assert_contains(e.text, path);
	assert_contains(e.text, "6.1.0-14-amd64");
	assert_contains(e.text, "6.1.0-13-amd64");
}

TEST(release_in_memory_counts_not_the_one_in_the_note)
{
	strcpy((char *)mem.bytes + UTS + 2 * 65, "6.1.0-12-amd64");
	free(open_with(NOTE, BASE, false, E_MISMATCH));
	assert_contains(e.text, "6.1.0-12-amd64");
	assert_contains(e.text, "6.1.0-13-amd64");
}

TEST(file_of_another_build_is_refused_with_both)
{
	free(open_with(NOTE "BUILD-ID=00ff11\n", BASE "BUILD-ID=00ff12\n", false, E_MISMATCH));
	assert_contains(e.text, "00ff11");
	assert_contains(e.text, "00ff12");
}

TEST(build_id_on_one_side_only_and_its_case_do_not_matter)
{
	free(open_with(NOTE "BUILD-ID=00ff11\n", BASE, false, OK));
	kernel_close(k);
	free(open_with(NOTE, BASE "BUILD-ID=00ff11\n", false, OK));
	kernel_close(k);
	free(open_with(NOTE "BUILD-ID=00ff11\n", BASE "BUILD-ID=00FF11\n", false, OK));
}

TEST(force_makes_a_warning_of_it)
{
	char *said = open_with(NOTE "BUILD-ID=00ff11\n",
			       "OSRELEASE=5.0\nPAGESIZE=4096\nBUILD-ID=00ff12\nSYMBOL(init_uts_ns)=ffffffff80008000\n"
			       "SIZE(page)=56\n",
			       true, OK);

	assert_contains(said, "00ff11");
	assert_contains(said, "00ff12");
	assert_contains(said, "6.1.0-13-amd64");
	assert_contains(said, "is 5.0");
	assert_int_equal(fact(&k->facts, F_page_size), 56);
	free(said);
}

TEST(file_that_is_no_vmcoreinfo_is_refused)
{
	free(open_with(NOTE, "PAGESIZE=4096\n", false, E_FORMAT));
	assert_contains(e.text, "OSRELEASE");
	free(open_with(NOTE, "OSRELEASE=6.1.0-13-amd64\n", false, E_FORMAT));
	assert_contains(e.text, "PAGESIZE");
	free(open_with(NOTE, "", false, E_FORMAT));
	unlink(path);
	assert_int_equal(kernel_open(&k, mem.src, &(struct kernel_files){ .vmcoreinfo = path }, &e), E_IO);
	assert_contains(e.text, "No such file");
	assert_int_equal(kernel_open(&k, mem.src, &(struct kernel_files){ .vmcoreinfo = "/dev/zero" }, &e),
			 E_FORMAT);
}

TEST(without_a_note_the_kernel_is_found_in_memory)
{
	char *said = open_with(NULL, BASE "SYMBOL(mem_map)=ffffffff80009000\nNUMBER(phys_base)=4096\n", false, OK);

	assert_string_equal(said, "");
	free(said);
	assert_true(k->has_vmcoreinfo);
	assert_int_equal(fact(&k->facts, F_mem_map), IMAGE + MOVED + 0x9000);
	assert_int_equal(k->arch_state.phys_base, 0x200000);
	assert_memory_equal(k->utsname, mem.bytes + UTS, 390);
	kernel_close(k);
	k = NULL;
	/* the text of another run: its own phys_base and move are not this run's */
	free(open_with(NULL,
		       "OSRELEASE=6.1.0-13-amd64\nPAGESIZE=4096\nSYMBOL(init_uts_ns)=ffffffff81008000\n"
		       "OFFSET(uts_namespace.name)=0\nSYMBOL(swapper_pg_dir)=ffffffff81001000\n"
		       "NUMBER(phys_base)=4096\nNUMBER(pgtable_l5_enabled)=1\nKERNELOFFSET=1000000\n",
		       false, OK));
	assert_int_equal(k->arch_state.phys_base, 0x200000);
	assert_int_equal(fact(&k->facts, F_uts_ns), IMAGE + MOVED + 0x8000);
	assert_int_equal(fact(&k->facts, F_l5_enabled), 0);
}

TEST(kernel_with_five_levels_is_found_in_memory)
{
	put_u64(mem.bytes + PHYS + 0x4000 + 511 * 8, PGD | 0x63, false);
	/* the level above, where the root symbol points */
	free(open_with(NULL,
		       "OSRELEASE=6.1.0-13-amd64\nPAGESIZE=4096\nSYMBOL(init_uts_ns)=ffffffff80008000\n"
		       "OFFSET(uts_namespace.name)=0\nSYMBOL(init_top_pgt)=ffffffff80004000\n",
		       false, OK));
	assert_true(k->has_vmcoreinfo);
	assert_int_equal(fact(&k->facts, F_l5_enabled), 1);
	assert_int_equal(k->arch_state.phys_base, 0x200000);
}

/* Addresses of the image need no page tables there.  The first three move it, the others load it where there is room. */
TEST(kernels_of_machines_with_fixed_ranges_are_found_in_memory)
{
	static const struct {
		unsigned machine, page_size;
		vaddr_t linked, moved;
	} rows[] = {
		{ 258, 4096, UINT64_C(0x9000000000208000), 0x400000 }, { 8, 4096, UINT64_C(0xffffffff80108000), 0x500000 },
		{ 8, 4096, UINT64_C(0x9800000000108000), 0x500000 },   { 50, 4096, UINT64_C(0xa000000100608000), 0 },
		{ 43, 8192, 0x608000, 0 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		char text[200];

		mem.src->machine = rows[i].machine;
		mem.src->big_endian = rows[i].machine == 43;
		snprintf(text, sizeof(text),
			 "OSRELEASE=6.1.0-13-amd64\nPAGESIZE=%u\nSYMBOL(init_uts_ns)=%" PRIx64
			 "\nOFFSET(uts_namespace.name)=0\nSYMBOL(mem_map)=%" PRIx64 "\n",
			 rows[i].page_size, rows[i].linked, rows[i].linked + 0x1000);
		free(open_with(NULL, text, false, OK));
		assert_true(k->has_vmcoreinfo);
		assert_int_equal(fact(&k->facts, F_mem_map), rows[i].linked + rows[i].moved + 0x1000);
		assert_memory_equal(k->utsname, mem.bytes + UTS, 390);
		kernel_close(k);
		k = NULL;
	}
}

TEST(names_without_page_tables_that_lead_there_are_no_kernel)
{
	char *said;

	put_u64(mem.bytes + PHYS + 0x3000 + 2 * 8, 0, false);
	said = open_with(NULL, BASE, false, OK);
	assert_contains(said, "not found in the dump");
	free(said);
	assert_false(k->has_vmcoreinfo);
}

static void put_text(size_t at, const char *text)
{
	memcpy(mem.bytes + at, text, strlen(text));
}

TEST(text_for_the_note_is_found_in_memory)
{
	char *said, *copy;

	/* mentioned in code; of another kernel; without the names; with page tables that lead nowhere */
	put_text(0x1100, "OSRELEASE=%s\n");
	put_text(0x2000,
		 "OSRELEASE=6.1.0-12-amd64\nPAGESIZE=4096\nSYMBOL(init_uts_ns)=ffffffff80408000\n"
		 "OFFSET(uts_namespace.name)=0\nSYMBOL(swapper_pg_dir)=ffffffff80401000\nNUMBER(phys_base)=2097152\n");
	put_text(0x3000, "OSRELEASE=6.1.0-13-amd64\nPAGESIZE=4096\nSYMBOL(swapper_pg_dir)=ffffffff80401000\n");
	put_text(0x4000,
		 "OSRELEASE=6.1.0-13-amd64\nPAGESIZE=4096\nSYMBOL(init_uts_ns)=ffffffff80408000\n"
		 "OFFSET(uts_namespace.name)=0\nSYMBOL(swapper_pg_dir)=ffffffff80402000\nNUMBER(phys_base)=2097152\n");
	put_text(0x5f40, NOTE "SIZE(page)=64\n"); /* over the border of a page */
	said = open_with(NULL, NULL, false, OK);
	assert_contains(said, "found in the dumped memory");
	free(said);
	assert_true(k->has_vmcoreinfo && k->text_was_found);
	assert_int_equal(fact(&k->facts, F_page_size), 64);
	assert_string_equal(k->release, "6.1.0-13-amd64");
	assert_int_equal(k->text.len, strlen(NOTE "SIZE(page)=64\n"));
	copy = malloc(k->text.len);
	assert_ok(mem_source_add_vmcoreinfo(mem.src, k->text.text, k->text.len, &e));
	assert_int_equal(mem.src->vmcoreinfo_len, k->text.len);
	assert_ok(mem_source_read_notes(mem.src, mem.src->vmcoreinfo_at, copy, k->text.len, &e));
	assert_memory_equal(copy, NOTE, strlen(NOTE));
	free(copy);
}

TEST(text_at_the_end_of_memory_is_found)
{
	put_text(0x800 * 4096 - strlen(NOTE), NOTE);
	free(open_with(NULL, NULL, false, OK));
	assert_true(k->text_was_found);
}

TEST(memory_full_of_texts_of_nobody_ends_the_search)
{
	char *said;

	for (size_t at = 0; at < 0x400000; at += 4096)
		put_text(at, "OSRELEASE=6.1.0-12-amd64\nPAGESIZE=4096\nSYMBOL(init_uts_ns)=ffffffff80408000\n");
	mem.views = 0;
	said = open_with(NULL, NULL, false, OK);
	assert_contains(said, "ended early");
	free(said);
	assert_false(k->has_vmcoreinfo);
	assert_true(mem.views < 2000);
}

TEST(added_note_follows_those_of_the_file)
{
	uint8_t blob[64];

	mem.notes = "01234567890";
	mem.src->notes_len = 10;
	assert_ok(mem_source_add_vmcoreinfo(mem.src, "hello", 5, &e));
	/* padded to 12, a record of 12 bytes, its name of 12, its text of 8 */
	assert_int_equal(mem.src->notes_len, 44);
	assert_int_equal(mem.src->vmcoreinfo_at, 36);
	assert_int_equal(mem.src->vmcoreinfo_len, 5);
	assert_ok(mem_source_read_notes(mem.src, 0, blob, 44, &e));
	assert_memory_equal(blob, "0123456789\0\0\x0b\0\0\0\5\0\0\0\0\0\0\0VMCOREINFO\0\0hello\0\0\0", 44);
	/* any piece of it */
	for (size_t from = 0; from <= 44; from++)
		for (size_t len = 0; len <= 44 - from; len++) {
			uint8_t piece[44];

			assert_ok(mem_source_read_notes(mem.src, from, piece, len, &e));
			assert_memory_equal(piece, blob + from, len);
		}
	assert_int_equal(mem_source_read_notes(mem.src, 40, blob, 5, &e), E_UNREADABLE);
}

#define WITH_MEMORY(test) cmocka_unit_test_setup_teardown(test, open_memory, close_memory)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_MEMORY(note_comes_first_and_the_file_fills_what_it_lacks),
		WITH_MEMORY(text_copied_from_a_note_is_moved_back_first),
		WITH_MEMORY(file_of_another_release_is_refused_with_both),
		WITH_MEMORY(release_in_memory_counts_not_the_one_in_the_note),
		WITH_MEMORY(file_of_another_build_is_refused_with_both),
		WITH_MEMORY(build_id_on_one_side_only_and_its_case_do_not_matter),
		WITH_MEMORY(force_makes_a_warning_of_it),
		WITH_MEMORY(file_that_is_no_vmcoreinfo_is_refused),
		WITH_MEMORY(without_a_note_the_kernel_is_found_in_memory),
		WITH_MEMORY(kernel_with_five_levels_is_found_in_memory),
		WITH_MEMORY(kernels_of_machines_with_fixed_ranges_are_found_in_memory),
		WITH_MEMORY(names_without_page_tables_that_lead_there_are_no_kernel),
		WITH_MEMORY(text_for_the_note_is_found_in_memory),
		WITH_MEMORY(text_at_the_end_of_memory_is_found),
		WITH_MEMORY(memory_full_of_texts_of_nobody_ends_the_search),
		WITH_MEMORY(added_note_follows_those_of_the_file),
	};

	message_set_level(0);
	return cmocka_run_group_tests_name("kernel_file", tests, NULL, NULL);
}
