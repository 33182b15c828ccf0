/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The command line as values; parsing opens no file. */
#ifndef COMMAND_OPTIONS_H
#define COMMAND_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

#define DUMP_LEVELS_MAX 32
#define DISKSET_MAX 64

/* What the program is to do; when several are asked for, the first of this list wins. */
enum command {
	COMMAND_MAKE_VMCOREINFO, /* -g */
	COMMAND_REARRANGE,	 /* -R */
	COMMAND_REASSEMBLE,	 /* --reassemble */
	COMMAND_DUMP_DMESG,	 /* --dump-dmesg */
	COMMAND_MEM_USAGE,	 /* --mem-usage */
	COMMAND_DUMP,
};

struct options {
	bool help, version;
	bool check_params;
	unsigned message_level; /* with the bits that -D and --show-stats add */

	enum command command;
	/*
	 * The files, borrowed from argv.  Inputs: VMCORE, or the members of --diskset, or the parts to reassemble.
	 * Outputs: one, several with --split, none where standard output is it.
	 */
	const char *const *inputs;
	unsigned n_inputs;
	const char *const *outputs;
	unsigned n_outputs;
	const char *diskset[DISKSET_MAX];
	unsigned n_diskset;

	uint32_t codec; /* KDUMP_* flag, 0: pages stay raw */
	bool elf;	/* -E */
	bool flatten;	/* -F */
	bool split;
	unsigned dump_levels[DUMP_LEVELS_MAX];
	unsigned n_dump_levels; /* at least 1 */
	bool drop_vmemmap;	/* -e */
	bool overwrite;		/* -f */
	bool dry_run;
	bool no_mmap;
	bool partial_dmesg;
	int threads;		  /* -1: not given; 0: none */
	int block_order;	  /* -b; -1: not given */
	uint64_t window_bytes;	  /* --cyclic-buffer, per bitmap; 0: automatic */
	uint64_t splitblock_size; /* bytes; 0: not given */
	uint64_t size_limit;	  /* -L, bytes; 0: none */
	const char *work_dir;
	const char *vmlinux;	     /* -x */
	const char *vmcoreinfo;	     /* -i */
	const char *make_vmcoreinfo; /* -g */
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
