/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The command line as values; parsing opens no file. */
#ifndef COMMAND_OPTIONS_H
#define COMMAND_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

#define DUMP_LEVELS_MAX 32

struct options {
	bool help, version;
	bool check_params;
	unsigned message_level; /* with the bits that -D and --show-stats add */

	const char *input, *output;
	uint32_t codec; /* KDUMP_* flag, 0: pages stay raw */
	unsigned dump_levels[DUMP_LEVELS_MAX];
	unsigned n_dump_levels; /* at least 1 */
	bool overwrite;		/* -f */
	bool dry_run;
	bool no_mmap;
	int block_order;	/* -b; -1: not given */
	uint64_t window_bytes;	/* --cyclic-buffer, per bitmap; 0: automatic */
	const char *work_dir;
	bool has_vtop;
	uint64_t vtop;
};

/*
 * Parses the command line.  E_USAGE and E_UNSUPPORTED: e->text says what is wrong (may be empty: getopt has said
 * it already).  `opt` is valid in any case, as far as it was read.
 */
enum status options_parse(struct options *opt, int argc, char **argv, struct err *e) MUST_CHECK;

/* The text of --help. */
void options_print_help(void);
/* The text of -v. */
void options_print_version(void);

#endif
