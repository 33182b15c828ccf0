/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The command line: every row of options.def, numbers, lists, mixed order, what is refused and how. */
#include "unit.h"

#include <getopt.h>

#include "command/options.h"
#include "format/codec.h"
#include "format/kdump_header.h"

static struct err e;
static struct options opt;

enum { WORKS, LATER };
static const struct row {
	char letter;
	const char *name, *arg;
	int state;
	const char *help;
} rows[] = {
#define OPTION(id, letter, name, arg, state, help) { letter, name, arg, state, help },
#include "command/options.def"
#undef OPTION
};

/* Splits at blanks; getopt's own diagnostics are caught. */
static enum status parse(const char *line)
{
	static char copy[1000];
	static char *argv[80], empty[1];
	struct capture c;
	int argc = 0;
	enum status st;

	snprintf(copy, sizeof(copy), "makedumpfile %s", line);
	for (char *word = strtok(copy, " "); word; word = strtok(NULL, " "))
		argv[argc++] = strcmp(word, "''") ? word : empty;
	argv[argc] = NULL;
	optind = 0;
	e.text[0] = '\0';
	capture_start(&c, 2);
	st = options_parse(&opt, argc, argv, &e);
	free(captured(&c));
	return st;
}

static void check_ok(const char *line)
{
	if (parse(line))
		fail_msg("%s: %s", line, e.text);
}

TEST(defaults_are_those_of_the_manual)
{
	check_ok("vmcore dumpfile");
	assert_string_equal(opt.inputs[0], "vmcore");
	assert_string_equal(opt.outputs[0], "dumpfile");
	assert_int_equal(opt.codec, 0);
	assert_int_equal(opt.n_dump_levels, 1);
	assert_int_equal(opt.dump_levels[0], 0);
	assert_int_equal(opt.message_level, 7);
	assert_int_equal(opt.block_order, -1);
	assert_int_equal(opt.window_bytes, 0);
	assert_null(opt.work_dir);
	assert_false(opt.overwrite || opt.dry_run || opt.no_mmap || opt.help || opt.version || opt.check_params ||
		     opt.has_vtop);
}

/* The command line in which an option makes sense. */
static const char *company(const char *name)
{
	static const struct {
		const char *name, *rest;
	} others[] = {
		{ "-F", "--dump-dmesg vmcore" },   { "-R", "dump" },
		{ "-g", "-x vmlinux" },	    { "split", "vmcore dump1 dump2" },
		{ "diskset", "dump" },	    { "mem-usage", "kcore" },
		{ "config", "-x vmlinux vmcore dump" }, { "partial-dmesg", "--dump-dmesg vmcore log" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(others); i++)
		if (!strcmp(name, others[i].name))
			return others[i].rest;
	return "vmcore dump";
}

TEST(every_row_is_parsed_or_refused_as_its_state_says)
{
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct row *r = &rows[i];
		const char letter[] = { '-', r->letter, '\0' }, *name = r->name ? r->name : letter;
		const char *files = r->state == WORKS ? company(name) : "vmcore dump";

		for (unsigned how = 0; how < 5; how++) {
			char line[200];
			enum status st;

			if (how < 2 ? !r->letter : !r->name)
				continue;
			/* -x A, -xA; --name A, --name=A; behind the files */
			if (how == 0)
				snprintf(line, sizeof(line), "-%c %s %s", r->letter, r->arg ? "1" : "", files);
			else if (how == 1)
				snprintf(line, sizeof(line), "-%c%s %s", r->letter, r->arg ? "1" : "", files);
			else if (how == 2)
				snprintf(line, sizeof(line), "--%s %s %s", r->name, r->arg ? "1" : "", files);
			else if (how == 3)
				snprintf(line, sizeof(line), "--%s%s %s", r->name, r->arg ? "=1" : "", files);
			else
				snprintf(line, sizeof(line), "%s --%s%s", files, r->name, r->arg ? "=1" : "");
			st = parse(line);
			if (r->state == WORKS) {
				if (st)
					fail_msg("%s: %s", line, e.text);
			} else {
				if (st != E_UNSUPPORTED || !strstr(e.text, "is not available in this build"))
					fail_msg("%s: status %d, \"%s\"", line, st, e.text);
				if (!strstr(e.text, name))
					fail_msg("%s: \"%s\" does not name it", line, e.text);
			}
		}
	}
}

TEST(missing_and_unwanted_arguments_are_invalid)
{
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		char line[200];

		if (rows[i].name && rows[i].arg)
			snprintf(line, sizeof(line), "vmcore dump --%s", rows[i].name);
		else if (rows[i].name)
			snprintf(line, sizeof(line), "vmcore dump --%s=1", rows[i].name);
		else if (rows[i].arg)
			snprintf(line, sizeof(line), "vmcore dump -%c", rows[i].letter);
		else
			continue;
		if (parse(line) != E_USAGE)
			fail_msg("%s: is taken", line);
		assert_string_equal(e.text, ""); /* getopt has said it */
	}
}

TEST(rows_have_no_letter_or_name_twice_and_help_that_ends)
{
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		assert_true(rows[i].letter || rows[i].name);
		assert_int_equal(rows[i].help[strlen(rows[i].help) - 1], '.');
		for (size_t k = 0; k < i; k++) {
			assert_false(rows[i].letter && rows[i].letter == rows[k].letter);
			assert_false(rows[i].name && rows[k].name && !strcmp(rows[i].name, rows[k].name));
		}
	}
}

TEST(letters_may_be_bundled)
{
	check_ok("-cd31 vmcore dump");
	assert_int_equal(opt.codec, KDUMP_ZLIB);
	assert_int_equal(opt.dump_levels[0], 31);
	check_ok("-cfd 17 vmcore dump");
	assert_true(opt.overwrite);
	assert_int_equal(opt.dump_levels[0], 17);
}

TEST(options_and_files_come_in_any_order)
{
	check_ok("vmcore -c dump -d 31");
	assert_string_equal(opt.inputs[0], "vmcore");
	assert_string_equal(opt.outputs[0], "dump");
	assert_int_equal(opt.dump_levels[0], 31);
	check_ok("-d 31 -- vmcore -c");
	assert_string_equal(opt.outputs[0], "-c");
	assert_int_equal(opt.codec, 0);
}

TEST(long_names_may_be_cut_as_long_as_they_are_clear)
{
	check_ok("--mess 1 vmcore dump");
	assert_int_equal(opt.message_level, 1);
	check_ok("--cyc=4 vmcore dump");
	assert_int_equal(opt.window_bytes, 4096);
	check_ok("--dry vmcore dump");
	assert_true(opt.dry_run);
	assert_int_equal(parse("--sp vmcore dump"), E_USAGE);
	assert_int_equal(parse("--d vmcore dump"), E_USAGE);
	assert_int_equal(parse("--nothing vmcore dump"), E_USAGE);
	assert_int_equal(parse("--Mess 1 vmcore dump"), E_USAGE);
	assert_int_equal(parse("-Q vmcore dump"), E_USAGE);
	assert_int_equal(parse("--version vmcore dump"), E_USAGE);
}

TEST(last_of_several_compressors_counts)
{
	check_ok("-c -l -p -z vmcore dump");
	assert_int_equal(opt.codec, KDUMP_ZSTD);
	check_ok("-zplc vmcore dump");
	assert_int_equal(opt.codec, KDUMP_ZLIB);
	check_ok("-l vmcore dump");
	assert_int_equal(opt.codec, KDUMP_LZO);
	check_ok("-p vmcore dump");
	assert_int_equal(opt.codec, KDUMP_SNAPPY);
}

TEST(levels_are_0_to_31_and_may_be_a_list)
{
	static const struct {
		const char *list;
		unsigned level;
	} good[] = { { "0", 0 }, { "1", 1 }, { "31", 31 }, { "''", 0 }, { ",,5,", 5 }, { "007", 7 }, { ",", 0 } };
	static const char *const bad[] = { "32", "-1", "x", "31x", "1,32", "1,x", "99999999999999999999", "0x1f", "1.5",
					   "1,2,,-3" };

	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		char line[100];

		snprintf(line, sizeof(line), "-d %s vmcore dump", good[i].list);
		check_ok(line);
		assert_int_equal(opt.n_dump_levels, 1);
		assert_int_equal(opt.dump_levels[0], good[i].level);
	}
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		char line[100];

		snprintf(line, sizeof(line), "-d %s vmcore dump", bad[i]);
		assert_int_equal(parse(line), E_USAGE);
		assert_contains(e.text, "ump_level");
		assert_contains(e.text, "is invalid");
	}
	assert_int_equal(parse("-d 1,77 vmcore dump"), E_USAGE);
	assert_contains(e.text, "77");
	/* a later option replaces all of an earlier one */
	check_ok("-d 1,2 -d 3 vmcore dump");
	assert_int_equal(opt.dump_levels[0], 3);
}

TEST(list_has_up_to_32_levels)
{
	char line[200] = "-d ";

	check_ok("-d 1,,31, vmcore dump");
	assert_int_equal(opt.n_dump_levels, 2);
	assert_int_equal(opt.dump_levels[0], 1);
	assert_int_equal(opt.dump_levels[1], 31);
	for (unsigned i = 0; i < 33; i++)
		strcat(line, "1,");
	strcat(line, " vmcore dump");
	assert_int_equal(parse(line), E_USAGE);
	assert_contains(e.text, "32");
}

TEST(message_level_is_0_to_31_and_d_and_show_stats_add_to_it_in_any_order)
{
	static const char *const bad[] = { "32", "-1", "abc", "1x", "''" };

	check_ok("--message-level 31 vmcore dump");
	assert_int_equal(opt.message_level, 31);
	check_ok("-D --message-level 1 vmcore dump");
	assert_int_equal(opt.message_level, 9);
	check_ok("--message-level 0 vmcore dump --show-stats");
	assert_int_equal(opt.message_level, 16);
	check_ok("-D --show-stats vmcore dump");
	assert_int_equal(opt.message_level, 31);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		char line[100];

		snprintf(line, sizeof(line), "--message-level 1 --message-level %s vmcore dump", bad[i]);
		assert_int_equal(parse(line), E_USAGE);
		assert_contains(e.text, "essage_level");
		assert_contains(e.text, "is invalid");
		assert_int_equal(opt.message_level, 7);
	}
}

TEST(checking_parameters_is_done_at_the_default_message_level)
{
	check_ok("--check-params --message-level 31 -D vmcore dump");
	assert_true(opt.check_params);
	assert_int_equal(opt.message_level, 7);
	/* known although the option after it is bad */
	assert_int_equal(parse("--check-params -d 99 vmcore dump"), E_USAGE);
	assert_true(opt.check_params);
	assert_int_equal(parse("-d 99 --check-params vmcore dump"), E_USAGE);
	assert_false(opt.check_params);
}

TEST(numbers_have_limits_and_no_rests)
{
	static const struct {
		const char *line;
		bool good;
	} cases[] = {
		{ "-b 0", true },		 { "-b 20", true },
		{ "-b 21", false },		 { "-b -1", false },
		{ "-b x", false },		 { "-b 4k", false },
		{ "--cyclic-buffer 0", true },	 { "--cyclic-buffer 1048576", true },
		{ "--cyclic-buffer -1", false }, { "--cyclic-buffer many", false },
		{ "--cyclic-buffer 1k", false }, { "--cyclic-buffer 99999999999999999999", false },
		{ "--vtop 0xffffffff81000000", true }, { "--vtop 0", true },
		{ "--vtop 18446744073709551615", true }, { "--vtop 0x10000000000000000", false },
		{ "--vtop -1", false },		 { "--vtop ffffffff81000000", false },
		{ "--vtop 0x", false },		 { "--num-threads 0", true },
		{ "--num-threads -3", true },	 { "--num-threads 16", true },
		{ "--num-threads x", false },	 { "--num-threads 3000000000", false },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char line[100];
		enum status st;

		snprintf(line, sizeof(line), "%s vmcore dump", cases[i].line);
		st = parse(line);
		if (st != (cases[i].good ? OK : E_USAGE))
			fail_msg("%s: status %d %s", line, st, e.text);
		if (st)
			assert_contains(e.text, " is not ");
	}
	check_ok("-b 5 --cyclic-buffer 3 --vtop 0x1f vmcore dump");
	assert_int_equal(opt.block_order, 5);
	assert_int_equal(opt.window_bytes, 3072);
	assert_true(opt.has_vtop);
	assert_int_equal(opt.vtop, 0x1f);
	check_ok("vmcore dump");
	assert_int_equal(opt.threads, -1);
	check_ok("--num-threads 16 vmcore dump");
	assert_int_equal(opt.threads, 16);
	check_ok("--num-threads -16 vmcore dump");
	assert_int_equal(opt.threads, 0);
}

TEST(two_files_are_needed_no_more_no_less)
{
	assert_int_equal(parse(""), E_USAGE);
	assert_int_equal(parse("vmcore"), E_USAGE);
	assert_int_equal(parse("vmcore dump more"), E_USAGE);
	assert_int_equal(parse("-c"), E_USAGE);
}

TEST(help_and_version_need_no_files_but_a_valid_line)
{
	check_ok("-h");
	assert_true(opt.help);
	check_ok("--help whatever else there is");
	check_ok("-v");
	assert_true(opt.version);
	check_ok("-hv");
	assert_true(opt.help);
	assert_int_equal(parse("-h -d 99"), E_USAGE);
	assert_int_equal(parse("-v --message-level 99"), E_USAGE);
	assert_int_equal(parse("-h --nothing"), E_USAGE);
}

static char *text_of(void (*print)(void))
{
	struct capture c;

	message_set_level(MSG_COMMON);
	capture_start(&c, 1);
	print();
	return captured(&c);
}

TEST(help_begins_with_the_compressors_and_names_every_option)
{
	static const struct {
		uint32_t flag;
		const char *title;
	} codecs[] = { { KDUMP_LZO, "LZO support:\n" }, { KDUMP_SNAPPY, "snappy support:\n" }, { KDUMP_ZSTD, "zstd support:\n" } };
	char *text = text_of(options_print_help), *at = text;

	assert_memory_equal(text, "\nLZO support:\n  ", 16);
	for (size_t i = 0; i < ARRAY_SIZE(codecs); i++) {
		const struct codec *c = codec_by_flag(codecs[i].flag);

		at = strstr(at, codecs[i].title);
		assert_non_null(at);
		at += strlen(codecs[i].title);
		assert_memory_equal(at, c->built_in ? "  enabled\n" : "  disabled (", c->built_in ? 10 : 12);
	}
	assert_contains(at, "\nUsage:\n");
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		char name[64];

		if (rows[i].letter) {
			snprintf(name, sizeof(name), "\n  -%c", rows[i].letter);
			assert_contains(text, name);
		}
		if (rows[i].name) {
			snprintf(name, sizeof(name), "--%s", rows[i].name);
			assert_contains(text, name);
		}
	}
	for (char *line = text; *line; line += strcspn(line, "\n") + 1)
		assert_true(strcspn(line, "\n") <= 80);
	free(text);
}

TEST(version_has_one_line_and_one_for_each_compressor)
{
	char *text = text_of(options_print_version), want[300];

	snprintf(want, sizeof(want),
		 "makedumpfile: version %s (released on %s)\nlzo\t%s\nsnappy\t%s\nzstd\t%s\n\n", VERSION, RELEASE_DATE,
		 codec_by_flag(KDUMP_LZO)->built_in ? "enabled" : "disabled",
		 codec_by_flag(KDUMP_SNAPPY)->built_in ? "enabled" : "disabled",
		 codec_by_flag(KDUMP_ZSTD)->built_in ? "enabled" : "disabled");
	assert_string_equal(text, want);
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(defaults_are_those_of_the_manual),
		cmocka_unit_test(every_row_is_parsed_or_refused_as_its_state_says),
		cmocka_unit_test(missing_and_unwanted_arguments_are_invalid),
		cmocka_unit_test(rows_have_no_letter_or_name_twice_and_help_that_ends),
		cmocka_unit_test(letters_may_be_bundled),
		cmocka_unit_test(options_and_files_come_in_any_order),
		cmocka_unit_test(long_names_may_be_cut_as_long_as_they_are_clear),
		cmocka_unit_test(last_of_several_compressors_counts),
		cmocka_unit_test(levels_are_0_to_31_and_may_be_a_list),
		cmocka_unit_test(list_has_up_to_32_levels),
		cmocka_unit_test(message_level_is_0_to_31_and_d_and_show_stats_add_to_it_in_any_order),
		cmocka_unit_test(checking_parameters_is_done_at_the_default_message_level),
		cmocka_unit_test(numbers_have_limits_and_no_rests),
		cmocka_unit_test(two_files_are_needed_no_more_no_less),
		cmocka_unit_test(help_and_version_need_no_files_but_a_valid_line),
		cmocka_unit_test(help_begins_with_the_compressors_and_names_every_option),
		cmocka_unit_test(version_has_one_line_and_one_for_each_compressor),
	};

	return cmocka_run_group_tests_name("options", tests, NULL, NULL);
}
