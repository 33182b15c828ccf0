/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which file completes a stripped one. */
#include "unit.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "kernel/debug_file.h"

static struct err e;
static char root[64];

/* A linked ELF64 file with a build id note, or a .gnu_debuglink, or nothing of both; `mark` is at its end. */
static void write_elf(const char *path, const char *build_id, const char *link, uint32_t crc, char mark)
{
	static const char names[] = "\0.note\0.gnu_debuglink\0.shstrtab";
	uint8_t b[1024] = { 0x7f, 'E', 'L', 'F', 2, 1, 1 };
	size_t section = 512, link_len = link ? (strlen(link) + 4) / 4 * 4 + 4 : 0;
	FILE *f = fopen(path, "w");

	put_u16(b + 16, 2, false);
	put_u16(b + 18, 62, false);
	put_u32(b + 20, 1, false);
	put_u64(b + 40, section, false);
	put_u16(b + 52, 64, false);
	put_u16(b + 58, 64, false);
	put_u16(b + 60, 4, false);
	put_u16(b + 62, 3, false);
	if (build_id) {
		put_u32(b + 64, 4, false);
		put_u32(b + 68, 8, false);
		put_u32(b + 72, 3, false);
		memcpy(b + 76, "GNU", 4);
		memcpy(b + 80, build_id, 8);
		put_u32(b + section + 64, 1, false);
		put_u32(b + section + 64 + 4, 7, false); /* SHT_NOTE */
		put_u64(b + section + 64 + 24, 64, false);
		put_u64(b + section + 64 + 32, 24, false);
		put_u64(b + section + 64 + 48, 4, false);
	}
	if (link) {
		strcpy((char *)b + 128, link);
		put_u32(b + 128 + link_len - 4, crc, false);
		put_u32(b + section + 128, 7, false);
		put_u32(b + section + 128 + 4, 1, false); /* SHT_PROGBITS */
		put_u64(b + section + 128 + 24, 128, false);
		put_u64(b + section + 128 + 32, link_len, false);
	}
	memcpy(b + 256, names, sizeof(names));
	put_u32(b + section + 192, 22, false);
	put_u32(b + section + 192 + 4, 3, false); /* SHT_STRTAB */
	put_u64(b + section + 192 + 24, 256, false);
	put_u64(b + section + 192 + 32, sizeof(names), false);
	b[1023] = (uint8_t)mark;
	assert_true(f && fwrite(b, sizeof(b), 1, f) == 1 && !fclose(f));
}

static uint32_t crc_of(const char *path)
{
	uint8_t b[1024];
	FILE *f = fopen(path, "r");

	assert_true(f && fread(b, sizeof(b), 1, f) == 1 && !fclose(f));
	return debug_link_crc(0, b, sizeof(b));
}

static const char *in_root(const char *name)
{
	static char paths[4][600];
	static unsigned n;
	char *path = paths[n++ % 4];

	snprintf(path, sizeof(paths[0]), "%s/%s", root, name);
	return path;
}

static int make_root(void **state)
{
	(void)state;
	strcpy(root, "/tmp/test_debug_file.XXXXXX");
	assert_non_null(mkdtemp(root));
	return 0;
}

static int remove_root(void **state)
{
	char command[128];

	(void)state;
	snprintf(command, sizeof(command), "rm -r %s", root);
	return system(command);
}

/* Is something found for `path`, and is it the file with this mark? */
static void check(const char *path, char mark)
{
	AUTO(elf_file) *f = NULL;
	AUTO(elf_file) *found = NULL;
	char last = 0;

	assert_ok(elf_file_open(&f, path, &e));
	found = debug_file_find(f, path, root);
	if (found)
		assert_int_equal(pread(found->fd, &last, 1, 1023), 1);
	assert_int_equal(last, mark);
}

TEST(checksum_is_the_usual_one)
{
	assert_int_equal(debug_link_crc(0, (const uint8_t *)"123456789", 9), 0xcbf43926);
	assert_int_equal(debug_link_crc(debug_link_crc(0, (const uint8_t *)"1234", 4), (const uint8_t *)"56789", 5), 0xcbf43926);
}

TEST(build_id_leads_to_the_file_with_the_same_one)
{
	assert_false(mkdir(in_root(".build-id"), 0700) || mkdir(in_root(".build-id/41"), 0700));
	write_elf(in_root("vmlinux"), "ABCDEFGH", NULL, 0, 'v');
	check(in_root("vmlinux"), 0);
	write_elf(in_root(".build-id/41/42434445464748.debug"), "ABCDEFGX", NULL, 0, 'x');
	check(in_root("vmlinux"), 0);
	write_elf(in_root(".build-id/41/42434445464748.debug"), "ABCDEFGH", NULL, 0, 'd');
	check(in_root("vmlinux"), 'd');
}

TEST(link_leads_beside_then_to_dot_debug_then_below_the_root)
{
	char below[200];

	assert_false(mkdir(in_root("bin"), 0700) || mkdir(in_root("bin/.debug"), 0700) || mkdir(in_root("tmp"), 0700));
	snprintf(below, sizeof(below), "tmp/%s", root + 5);
	assert_false(mkdir(in_root(below), 0700));
	snprintf(below, sizeof(below), "tmp/%s/bin", root + 5);
	assert_false(mkdir(in_root(below), 0700));
	snprintf(below, sizeof(below), "tmp/%s/bin/v.debug", root + 5);
	write_elf(in_root(below), NULL, NULL, 0, 'd');
	write_elf(in_root("bin/v"), NULL, "v.debug", crc_of(in_root(below)), 'v');
	check(in_root("bin/v"), 'd');
	assert_false(rename(in_root(below), in_root("bin/.debug/v.debug")));
	check(in_root("bin/v"), 'd');
	assert_false(rename(in_root("bin/.debug/v.debug"), in_root("bin/v.debug")));
	check(in_root("bin/v"), 'd');
	/* not the file that the link was made for, unless the build id says so */
	write_elf(in_root("bin/v.debug"), NULL, NULL, 0, 'x');
	check(in_root("bin/v"), 0);
	write_elf(in_root("bin/v"), "ABCDEFGH", "v.debug", 1, 'v');
	write_elf(in_root("bin/v.debug"), "ABCDEFGH", NULL, 0, 'y');
	check(in_root("bin/v"), 'y');
}

TEST(links_that_leave_the_folder_or_have_no_end_lead_nowhere)
{
	assert_false(mkdir(in_root("bin"), 0700));
	write_elf(in_root("v.debug"), NULL, NULL, 0, 'd');
	write_elf(in_root("bin/v"), NULL, "../v.debug", crc_of(in_root("v.debug")), 'v');
	check(in_root("bin/v"), 0);
	write_elf(in_root("bin/v"), NULL, "", 0, 'v');
	check(in_root("bin/v"), 0);
}

TEST(folders_pipes_and_devices_are_no_elf_files)
{
	struct elf_file *f;

	assert_false(mkfifo(in_root("pipe"), 0700));
	assert_int_equal(elf_file_open(&f, in_root("pipe"), &e), E_FORMAT);
	assert_int_equal(elf_file_open(&f, root, &e), E_FORMAT);
	assert_int_equal(elf_file_open(&f, "/dev/zero", &e), E_FORMAT);
	assert_int_equal(elf_file_open(&f, in_root("nowhere"), &e), E_IO);
}

#define IN_ROOT(test) cmocka_unit_test_setup_teardown(test, make_root, remove_root)

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_ROOT(checksum_is_the_usual_one),
		IN_ROOT(build_id_leads_to_the_file_with_the_same_one),
		IN_ROOT(link_leads_beside_then_to_dot_debug_then_below_the_root),
		IN_ROOT(links_that_leave_the_folder_or_have_no_end_lead_nowhere),
		IN_ROOT(folders_pipes_and_devices_are_no_elf_files),
	};

	message_set_level(0);
	return cmocka_run_group_tests_name("debug_file", tests, NULL, NULL);
}
