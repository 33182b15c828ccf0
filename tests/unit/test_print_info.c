/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Messages by class, lines of progress, rows of the report. */
#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <pty.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <time.h>
#include <unistd.h>

/* What a call writes to both streams. */
struct said {
	char *out, *err;
};

static struct capture out_capture, err_capture;

static void listen_to_both(void)
{
	capture_start(&out_capture, 1);
	capture_start(&err_capture, 2);
}

static struct said heard(void)
{
	struct said s;

	s.err = captured(&err_capture);
	s.out = captured(&out_capture);
	return s;
}

static void forget(struct said *s)
{
	free(s->out);
	free(s->err);
}

TEST(each_class_has_its_stream_and_its_bit)
{
	static const struct {
		enum message_class class;
		bool to_stderr;
	} rows[] = { { MSG_PROGRESS, true }, { MSG_COMMON, false }, { MSG_ERROR, true }, { MSG_DEBUG, false },
		     { MSG_REPORT, false } };

	assert_int_equal(MSG_PROGRESS, 1);
	assert_int_equal(MSG_COMMON, 2);
	assert_int_equal(MSG_ERROR, 4);
	assert_int_equal(MSG_DEBUG, 8);
	assert_int_equal(MSG_REPORT, 16);
	assert_int_equal(MSG_LEVEL_DEFAULT, 7);
	for (unsigned level = 0; level <= MSG_LEVEL_MAX; level++) {
		for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
			bool shown = level & rows[i].class;
			struct said s;

			message_set_level(level);
			assert_int_equal(message_level(), level);
			assert_int_equal(message_shows(rows[i].class), shown);
			listen_to_both();
			message(rows[i].class, "one %d\n", 1);
			s = heard();
			assert_string_equal(s.out, shown && !rows[i].to_stderr ? "one 1\n" : "");
			assert_string_equal(s.err, shown && rows[i].to_stderr ? "one 1\n" : "");
			forget(&s);
		}
	}
}

TEST(both_streams_in_one_file_keep_their_order)
{
	struct capture c;
	char *text;
	int saved = dup(2);

	message_set_level(MSG_LEVEL_DEFAULT);
	capture_start(&c, 1);
	dup2(1, 2);
	message(MSG_COMMON, "first\n");
	message(MSG_ERROR, "second\n");
	message(MSG_COMMON, "third\n");
	dup2(saved, 2);
	close(saved);
	text = captured(&c);
	assert_string_equal(text, "first\nsecond\nthird\n");
	free(text);
}

TEST(line_of_progress_has_its_columns_and_ends_as_a_line_where_nobody_watches)
{
	struct progress p;
	struct said s;

	message_set_level(MSG_PROGRESS);
	listen_to_both();
	progress_start(&p, "Copying data", 1000, true);
	for (unsigned i = 0; i <= 1000; i++)
		progress_at(&p, i);
	progress_end(&p);
	s = heard();
	/* name in 50 columns, percentage with 3 digits before the point, spinner, estimate in 16 columns */
	assert_int_equal(strlen(s.err), 50 + strlen(": [100.0 %] /  ") + 16 + 1);
	assert_memory_equal(s.err, "Copying data                                      : [100.0 %] ", 62);
	assert_non_null(strchr("/|\\-", s.err[62]));
	assert_string_equal(s.err + 63, "           eta: 0s\n");
	assert_string_equal(s.out, "");
	forget(&s);
}

TEST(phase_without_an_estimate_leaves_its_column_blank)
{
	struct progress p;
	struct said s;

	message_set_level(MSG_PROGRESS);
	listen_to_both();
	progress_start(&p, "Checking for memory holes", 10, false);
	progress_end(&p);
	s = heard();
	assert_memory_equal(s.err, "Checking for memory holes                         : [100.0 %] ", 62);
	assert_string_equal(s.err + 63, "                  \n");
	forget(&s);
}

TEST(spinner_turns_with_every_line_of_all_phases)
{
	char seen[9] = "";

	message_set_level(MSG_PROGRESS);
	for (unsigned i = 0; i < 8; i++) {
		struct progress p;
		struct said s;

		listen_to_both();
		progress_start(&p, i % 2 ? "one" : "other", 1, false);
		progress_end(&p);
		s = heard();
		seen[i] = s.err[62];
		forget(&s);
	}
	assert_memory_equal(seen, seen + 4, 4);
	assert_non_null(strstr("/|\\-/|\\-", (char[]){ seen[0], seen[1], seen[2], seen[3], '\0' }));
}

TEST(progress_in_the_middle_is_shown_when_its_time_has_come)
{
	struct progress p;
	struct said s;

	message_set_level(MSG_PROGRESS);
	listen_to_both();
	progress_start(&p, "Copying data", 1000000, true);
	/* as if the phase had begun 100 seconds ago */
	p.start_ns -= INT64_C(100) * 1000000000;
	p.shown_ns -= INT64_C(100) * 1000000000;
	progress_at(&p, 250000);
	progress_at(&p, 250001);
	progress_at(&p, 300000);
	s = heard();
	assert_memory_equal(s.err, "Copying data                                      : [ 25.0 %] ", 62);
	assert_string_equal(s.err + 63, "         eta: 5m0s\n");
	forget(&s);
}

TEST(estimates_have_a_form_for_every_length)
{
	static const struct {
		int64_t elapsed;
		uint64_t done; /* of 1000 */
		const char *eta;
	} rows[] = {
		{ 11, 100, "eta: 99s" },	  { 12, 100, "eta: 1m48s" },	      { 600, 100, "eta: 90m0s" },
		{ 666, 100, "eta: 99m54s" },	  { 700, 100, "eta: 1h45m" },	      { 19000, 100, "eta: 47h30m" },
		{ 86400, 100, "eta: 9d0h" },	  { 86400 * 12, 100, "eta: >100day" }, { 10, 999, "eta: 0s" },
	};

	message_set_level(MSG_PROGRESS);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct progress p;
		struct said s;

		listen_to_both();
		progress_start(&p, "x", 1000, true);
		p.start_ns -= rows[i].elapsed * 1000000000;
		p.shown_ns -= rows[i].elapsed * 1000000000;
		progress_at(&p, rows[i].done);
		s = heard();
		assert_contains(s.err, rows[i].eta);
		assert_contains(s.err, "\n");
		forget(&s);
	}
}

TEST(progress_of_nothing_is_complete)
{
	struct progress p;
	struct said s;

	message_set_level(MSG_PROGRESS);
	listen_to_both();
	progress_start(&p, "x", 0, true);
	progress_at(&p, 0);
	progress_end(&p);
	s = heard();
	assert_contains(s.err, "[100.0 %]");
	forget(&s);
}

TEST(progress_is_silent_when_not_asked_for)
{
	struct progress p;
	struct said s;

	message_set_level(MSG_COMMON | MSG_ERROR | MSG_DEBUG);
	listen_to_both();
	progress_start(&p, "x", 100, true);
	p.shown_ns -= INT64_C(100) * 1000000000;
	progress_at(&p, 50);
	progress_end(&p);
	s = heard();
	assert_string_equal(s.err, "");
	assert_string_equal(s.out, "");
	forget(&s);
}

TEST(report_says_how_long_a_phase_took)
{
	struct progress p;
	struct said s;

	message_set_level(MSG_REPORT);
	listen_to_both();
	progress_start(&p, "Copying data", 100, true);
	p.start_ns -= INT64_C(2000000) * 1000;
	progress_end(&p);
	s = heard();
	/* name in 27 columns, microseconds in 6 digits */
	assert_memory_equal(s.out, "STEP [Copying data               ] : 2.", 39);
	assert_int_equal(strspn(s.out + 39, "0123456789"), 6);
	assert_string_equal(s.out + 45, " seconds\n");
	assert_string_equal(s.err, "");
	forget(&s);
}

/* A bare chroot has no terminals: it mounts some for itself, which takes root. */
static void open_terminal(int *master, int *slave)
{
	char folder[] = "/tmp/terminalXXXXXX", path[64];
	int number, unlock = 0;

	if (!openpty(master, slave, NULL, NULL, NULL))
		return;
	assert_non_null(mkdtemp(folder));
	assert_int_equal(mount("devpts", folder, "devpts", 0, "newinstance,ptmxmode=0666"), 0);
	snprintf(path, sizeof(path), "%s/ptmx", folder);
	*master = open(path, O_RDWR | O_NOCTTY);
	assert_int_equal(ioctl(*master, TIOCGPTN, &number), 0);
	assert_int_equal(ioctl(*master, TIOCSPTLCK, &unlock), 0);
	snprintf(path, sizeof(path), "%s/%d", folder, number);
	*slave = open(path, O_RDWR | O_NOCTTY);
	assert_true(*slave >= 0);
	umount2(folder, MNT_DETACH);
	rmdir(folder);
}

TEST(on_a_terminal_the_line_is_redrawn_and_ended_before_a_message)
{
	struct progress p;
	int master, slave, saved = dup(2);
	char text[1000];
	size_t len = 0;
	ssize_t n;

	open_terminal(&master, &slave);
	fflush(NULL);
	dup2(slave, 2);
	message_set_level(MSG_LEVEL_DEFAULT);
	progress_start(&p, "Copying data", 1000, true);
	for (unsigned i = 1; i < 3; i++) {
		p.shown_ns -= INT64_C(2) * 1000000000;
		progress_at(&p, 100 * i);
	}
	message(MSG_ERROR, "oops\n");
	progress_end(&p);
	fflush(NULL);
	dup2(saved, 2);
	close(saved);
	close(slave);
	while (len < sizeof(text) - 1 && (n = read(master, text + len, sizeof(text) - 1 - len)) > 0)
		len += (size_t)n;
	close(master);
	text[len] = '\0';
	/* the terminal turns \n into \r\n */
	assert_memory_equal(text, "\rCopying data", 13);
	assert_contains(text, "[ 10.0 %]");
	assert_contains(text, "\rCopying data                                      : [ 20.0 %]");
	assert_contains(text, "\r\noops\r\n");
	assert_string_equal(text + len - 2, "\r\n");
	assert_null(strstr(text, "%] oops"));
	assert_int_equal(strspn(strstr(text, "oops") + 6, "\r"), 1);
}

TEST(rows_of_the_report_are_label_and_16_digits)
{
	const struct report_row rows[] = { { "Original pages  ", 0x1234 }, { "  Excluded pages   ", UINT64_MAX } };
	struct said s;

	message_set_level(MSG_REPORT);
	listen_to_both();
	report_rows(rows, 2);
	message_set_level(MSG_LEVEL_DEFAULT);
	report_rows(rows, 2);
	s = heard();
	assert_string_equal(s.out, "Original pages  : 0x0000000000001234\n"
				   "  Excluded pages   : 0xffffffffffffffff\n");
	forget(&s);
}

TEST(flush_tells_of_a_full_disk)
{
	int saved, full = open("/dev/full", O_WRONLY | O_CLOEXEC), failed;

	assert_true(full >= 0);
	message_set_level(MSG_COMMON);
	fflush(NULL);
	assert_int_equal(message_flush(), 0);
	saved = dup(1);
	dup2(full, 1);
	message(MSG_COMMON, "text\n");
	failed = message_flush();
	dup2(saved, 1);
	close(saved);
	close(full);
	clearerr(stdout);
	assert_int_equal(failed, ENOSPC);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_class_has_its_stream_and_its_bit),
		cmocka_unit_test(both_streams_in_one_file_keep_their_order),
		cmocka_unit_test(line_of_progress_has_its_columns_and_ends_as_a_line_where_nobody_watches),
		cmocka_unit_test(phase_without_an_estimate_leaves_its_column_blank),
		cmocka_unit_test(spinner_turns_with_every_line_of_all_phases),
		cmocka_unit_test(progress_in_the_middle_is_shown_when_its_time_has_come),
		cmocka_unit_test(estimates_have_a_form_for_every_length),
		cmocka_unit_test(progress_of_nothing_is_complete),
		cmocka_unit_test(progress_is_silent_when_not_asked_for),
		cmocka_unit_test(report_says_how_long_a_phase_took),
		cmocka_unit_test(on_a_terminal_the_line_is_redrawn_and_ended_before_a_message),
		cmocka_unit_test(rows_of_the_report_are_label_and_16_digits),
		cmocka_unit_test(flush_tells_of_a_full_disk),
	};

	return cmocka_run_group_tests_name("print_info", tests, NULL, NULL);
}
