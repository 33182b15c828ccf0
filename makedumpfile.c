/* SPDX-License-Identifier: GPL-2.0-or-later */
/* main(): options to one command, one error line, one exit status. */
#include <malloc.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/fdio.h"
#include "command/dump.h"
#include "command/dump_dmesg.h"
#include "command/make_vmcoreinfo.h"
#include "command/mem_usage.h"
#include "command/options.h"
#include "command/rearrange.h"
#include "command/reassemble.h"
#include "print_info.h"

/* What is wrong with the command line is a common message, what goes wrong with the work an error. */
static void say_failure(const struct err *e, bool parsed)
{
	bool common = !parsed || e->status == E_USAGE;

	if (!common)
		message(MSG_ERROR, "makedumpfile: %s.\n", e->text);
	else if (e->text[0])
		message(MSG_COMMON, "%s\n", e->text);
	if (e->status == E_USAGE)
		message(MSG_COMMON, "Commandline parameter is invalid.\n"
				    "Try `makedumpfile --help' for more information.\n");
}

/* The text of -h or -v is all there is to do: not being able to write it is a failure. */
static int finish_text(void)
{
	return message_flush() ? EXIT_FAILURE : EXIT_SUCCESS;
}

static void say_command_line(int argc, char **argv)
{
	message(MSG_DEBUG, "makedumpfile: version " VERSION " (released on " RELEASE_DATE ")\n\ncommand line:");
	for (int i = 0; i < argc; i++)
		message(MSG_DEBUG, " %s", argv[i]);
	message(MSG_DEBUG, "\n\n");
}

/* Callers can tell a file of another kernel from all other failures. */
static int exit_status(enum status st)
{
	return st == OK ? EXIT_SUCCESS : st == E_MISMATCH ? 2 : EXIT_FAILURE;
}

static enum status (*const commands[])(const struct options *opt, struct err *e) = {
	[COMMAND_DUMP_DMESG] = command_dump_dmesg,
	[COMMAND_DUMP] = command_dump,
	[COMMAND_MEM_USAGE] = command_mem_usage,
	[COMMAND_MAKE_VMCOREINFO] = command_make_vmcoreinfo,
	[COMMAND_REARRANGE] = command_rearrange,
	[COMMAND_REASSEMBLE] = command_reassemble,
};

int main(int argc, char **argv)
{
	struct err e = { OK, 0, "" };
	struct options opt;
	enum status st;
	bool parsed;

	fd_fill_standard();
#ifdef M_ARENA_MAX
	/* threads allocate next to nothing: heaps of their own would only take memory */
	mallopt(M_ARENA_MAX, 1);
#endif
#ifdef M_MMAP_THRESHOLD
	/* buffers of deciding are gone before those of copying are there, not kept for others of their size */
	mallopt(M_MMAP_THRESHOLD, 64 << 10);
#endif
	/* a file that grows too large, or a reader that goes away, is an error to report, not a reason to die */
	signal(SIGXFSZ, SIG_IGN);
	signal(SIGPIPE, SIG_IGN);

	st = options_parse(&opt, argc, argv, &e);
	message_set_level(opt.message_level);
	if (opt.flatten)
		message_keep_stdout();
	if (!st && opt.help) {
		options_print_help();
		return finish_text();
	}
	if (!st && opt.version) {
		options_print_version();
		return finish_text();
	}
	if (!st && opt.check_params)
		return EXIT_SUCCESS;
	parsed = !st;
	if (!st) {
		say_command_line(argc, argv);
		st = commands[opt.command](&opt, &e);
	}
	if (st)
		say_failure(&e, parsed);
	/* the table of --mem-usage is all that its readers expect */
	if (!opt.check_params && (st || opt.command != COMMAND_MEM_USAGE))
		message(MSG_COMMON, "\nmakedumpfile %s.\n", st ? "Failed" : "Completed");
	message_flush();
	return exit_status(st);
}
