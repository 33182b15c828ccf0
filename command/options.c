/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Options are rows: getopt's tables, the help text and the checks all come from them. */
#include "command/options.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "filter/page_layout.h"
#include "format/codec.h"
#include "format/kdump_header.h"
#include "makedumpfile.h"
#include "print_info.h"

#ifndef VERSION
#error "VERSION and RELEASE_DATE come from VERSION.mk through the Makefile"
#endif

enum option_id {
#define OPTION(id, letter, name, arg, state, help) O_##id,
#include "command/options.def"
#undef OPTION
	N_OPTIONS
};

enum option_state {
	WORKS,
	LATER, /* known, refused by this build */
};

static const struct option_row {
	char letter;	  /* 0: none */
	const char *name; /* NULL: no long form */
	const char *arg;  /* NULL: takes none */
	enum option_state state;
	const char *help;
} rows[] = {
#define OPTION(id, letter, name, arg, state, help) { letter, name, arg, state, help },
#include "command/options.def"
#undef OPTION
};

#define LONG_BASE 1000 /* getopt values of options without a letter */

/* How people write a row: "--name", or "-x" where it has no long form. */
static const char *row_name(const struct option_row *row, char *buf, size_t len)
{
	if (row->name)
		snprintf(buf, len, "--%s", row->name);
	else
		snprintf(buf, len, "-%c", row->letter);
	return buf;
}

static enum status bad_number(const struct option_row *row, const char *text, const char *wanted, struct err *e)
{
	char name[64];

	return err_set(e, E_USAGE, "%s: \"%s\" is not %s", row_name(row, name, sizeof(name)), text, wanted);
}

/* "31", "1,31": items between commas, empty ones are skipped; no item at all is level 0. */
static enum status parse_levels(struct options *opt, const char *list, struct err *e)
{
	unsigned n = 0;

	while (*list) {
		size_t len = strcspn(list, ",");
		char item[32];
		long level;

		if (len) {
			snprintf(item, sizeof(item), "%.*s", (int)len, list);
			if (len >= sizeof(item) || !text_to_int(item, 0, DL_MAX, &level))
				return err_set(e, E_USAGE, "Dump_level(%.*s) is invalid.", (int)len, list);
			if (n == DUMP_LEVELS_MAX)
				return err_set(e, E_USAGE, "Dump_level is invalid: more than %d levels.", DUMP_LEVELS_MAX);
			opt->dump_levels[n++] = (unsigned)level;
		}
		list += len + (list[len] == ',');
	}
	if (!n)
		opt->dump_levels[n++] = 0;
	opt->n_dump_levels = n;
	return OK;
}

/* What a parsed option does not keep in struct options until the end. */
struct parse {
	struct options *opt;
	bool debug, stats;
};

static enum status take(struct parse *p, enum option_id id, const char *arg, struct err *e)
{
	struct options *opt = p->opt;
	const struct option_row *row = &rows[id];
	char name[64];
	uint64_t wide;
	long n;

	if (row->state == LATER) {
		/* nothing but "no threads" is what this build does anyway */
		if (id == O_num_threads && text_to_int(arg, -1000000, 0, &n))
			return OK;
		return err_set(e, E_UNSUPPORTED, "%s is not available in this build.",
			       row_name(row, name, sizeof(name)));
	}
	switch (id) {
	case O_compress_zlib:
		opt->codec = KDUMP_ZLIB;
		break;
	case O_compress_lzo:
		opt->codec = KDUMP_LZO;
		break;
	case O_compress_snappy:
		opt->codec = KDUMP_SNAPPY;
		break;
	case O_compress_zstd:
		opt->codec = KDUMP_ZSTD;
		break;
	case O_dump_level:
		return parse_levels(opt, arg, e);
	case O_overwrite:
		opt->overwrite = true;
		break;
	case O_debug:
		p->debug = true;
		break;
	case O_show_stats:
		p->stats = true;
		break;
	case O_help:
		opt->help = true;
		break;
	case O_version:
		opt->version = true;
		break;
	case O_message_level:
		if (!text_to_int(arg, 0, MSG_LEVEL_MAX, &n)) {
			opt->message_level = MSG_LEVEL_DEFAULT;
			return err_set(e, E_USAGE, "Message_level(%s) is invalid.", arg);
		}
		opt->message_level = (unsigned)n;
		break;
	case O_check_params:
		opt->check_params = true;
		break;
	case O_dry_run:
		opt->dry_run = true;
		break;
	case O_non_mmap:
		opt->no_mmap = true;
		break;
	case O_block_order:
		if (!text_to_int(arg, 0, 20, &n))
			return bad_number(row, arg, "an order from 0 to 20", e);
		opt->block_order = (int)n;
		break;
	case O_cyclic_buffer:
		/* more than any machine needs is cut later; garbage is refused */
		if (!text_to_int(arg, 0, 1L << 30, &n))
			return bad_number(row, arg, "a size in KiB", e);
		opt->window_bytes = (uint64_t)n << 10;
		break;
	case O_work_dir:
		opt->work_dir = arg;
		break;
	case O_vtop:
		if (!text_to_u64_any(arg, &wide))
			return bad_number(row, arg, "an address", e);
		opt->vtop = wide;
		opt->has_vtop = true;
		break;
	default:
		return err_set(e, E_UNSUPPORTED, "%s is not available in this build.",
			       row_name(row, name, sizeof(name)));
	}
	return OK;
}

static enum status check_rules(struct options *opt, int n_positionals, struct err *e)
{
	if (opt->n_dump_levels > 1)
		return err_set(e, E_UNSUPPORTED, "a list of dump levels is not available in this build.");
	if (n_positionals != 2)
		return err_set(e, E_USAGE, "%s", "");
	return OK;
}

enum status options_parse(struct options *opt, int argc, char **argv, struct err *e)
{
	struct option longs[N_OPTIONS + 1];
	char shorts[2 * N_OPTIONS + 1], *s = shorts;
	struct parse p = { .opt = opt };
	enum status st = OK;
	int n_longs = 0, c;

	*opt = (struct options){ .message_level = MSG_LEVEL_DEFAULT, .n_dump_levels = 1, .block_order = -1 };
	for (size_t i = 0; i < N_OPTIONS; i++) {
		if (rows[i].letter) {
			*s++ = rows[i].letter;
			if (rows[i].arg)
				*s++ = ':';
		}
		if (rows[i].name)
			longs[n_longs++] = (struct option){ rows[i].name, rows[i].arg ? required_argument : no_argument,
							    NULL, LONG_BASE + (int)i };
	}
	*s = '\0';
	longs[n_longs] = (struct option){ 0 };
	while (!st && (c = getopt_long(argc, argv, shorts, longs, NULL)) != -1) {
		size_t id = 0;

		if (c == '?') {
			st = err_set(e, E_USAGE, "%s", "");
			break;
		}
		if (c >= LONG_BASE)
			id = (size_t)(c - LONG_BASE);
		else
			while (id < N_OPTIONS && rows[id].letter != c)
				id++;
		st = take(&p, (enum option_id)id, optarg, e);
	}
	if (!st && !opt->help && !opt->version)
		st = check_rules(opt, argc - optind, e);
	opt->message_level |= (p.debug ? MSG_DEBUG : 0u) | (p.stats ? MSG_REPORT : 0u);
	if (opt->check_params)
		opt->message_level = MSG_LEVEL_DEFAULT;
	if (!st && argc - optind == 2) {
		opt->input = argv[optind];
		opt->output = argv[optind + 1];
	}
	return st;
}

/* --- help ------------------------------------------------------------------------------------------ */

static const uint32_t compressors[] = { KDUMP_LZO, KDUMP_SNAPPY, KDUMP_ZSTD };

void options_print_version(void)
{
	message(MSG_COMMON, "makedumpfile: version " VERSION " (released on " RELEASE_DATE ")\n");
	for (size_t i = 0; i < ARRAY_SIZE(compressors); i++) {
		const struct codec *c = codec_by_flag(compressors[i]);

		message(MSG_COMMON, "%s\t%s\n", c->name, c->built_in ? "enabled" : "disabled");
	}
	message(MSG_COMMON, "\n");
}

/* Wraps a help text at blanks, behind a margin. */
static void print_wrapped(const char *text)
{
	enum { MARGIN = 6, WIDTH = 76 };

	while (*text) {
		size_t len = strlen(text), cut = len;

		if (len > WIDTH - MARGIN) {
			for (cut = WIDTH - MARGIN; cut && text[cut] != ' '; cut--)
				;
			if (!cut)
				cut = len;
		}
		message(MSG_COMMON, "%*s%.*s\n", MARGIN, "", (int)cut, text);
		text += cut;
		while (*text == ' ')
			text++;
	}
}

void options_print_help(void)
{
	message(MSG_COMMON, "\n");
	for (size_t i = 0; i < ARRAY_SIZE(compressors); i++) {
		const struct codec *c = codec_by_flag(compressors[i]);

		message(MSG_COMMON, "%s support:\n  %s%s%s\n", c->title, c->built_in ? "enabled" : "disabled (build with ",
			c->built_in ? "" : c->make_switch, c->built_in ? "" : "=on)");
	}
	message(MSG_COMMON, "\nUsage:\n  makedumpfile [OPTION]... VMCORE DUMPFILE\n\nOptions:\n");
	for (size_t i = 0; i < N_OPTIONS; i++) {
		const struct option_row *r = &rows[i];
		char letter[3] = { '-', r->letter, '\0' };

		message(MSG_COMMON, "  %s%s%s%s%s%s%s\n", r->letter ? letter : "", r->letter && r->name ? ", " : "",
			r->name ? "--" : "", r->name ? r->name : "", r->arg ? " " : "", r->arg ? r->arg : "",
			r->state == LATER ? "   (not available in this build)" : "");
		print_wrapped(r->help);
	}
	message(MSG_COMMON, "\n");
}
