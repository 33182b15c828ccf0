/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Options are rows: getopt's tables, the help text and the checks all come from them. */
#include "command/options.h"

#include <ctype.h>
#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

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
		int64_t level;

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

/* A number with an optional suffix K, M, G, T, P or E of 1024s; more than 0. */
static bool parse_size(const char *text, uint64_t *bytes)
{
	static const char suffixes[] = "KMGTPE";
	size_t len = strlen(text);
	const char *suffix = len && text[len - 1] ? strchr(suffixes, toupper((unsigned char)text[len - 1])) : NULL;
	unsigned shift = 0;
	char digits[32];

	/* in a hexadecimal number the last E is a digit */
	if (suffix && *suffix == 'E' && !strncasecmp(text, "0x", 2))
		suffix = NULL;
	if (suffix) {
		shift = 10 * (unsigned)(suffix - suffixes + 1);
		len--;
	}
	if (len >= sizeof(digits))
		return false;
	memcpy(digits, text, len);
	digits[len] = '\0';
	if (!text_to_u64_any(digits, bytes) || !*bytes || *bytes > UINT64_MAX >> shift)
		return false;
	*bytes <<= shift;
	return true;
}

/* What a parsed option does not keep in struct options until the end. */
struct parse {
	struct options *opt;
	bool debug, stats;
	uint64_t seen; /* bits of enum option_id, and LEVEL */
};

#define BIT(id) (UINT64_C(1) << O_##id)
#define LEVEL (UINT64_C(1) << 63) /* a first level that is not 0 */
#define COMPRESSED (BIT(compress_zlib) | BIT(compress_lzo) | BIT(compress_snappy) | BIT(compress_zstd))

static enum status take(struct parse *p, enum option_id id, const char *arg, struct err *e)
{
	struct options *opt = p->opt;
	const struct option_row *row = &rows[id];
	char name[64];
	uint64_t wide;
	int64_t n;

	if (row->state == LATER)
		return err_set(e, E_UNSUPPORTED, "%s is not available in this build.",
			       row_name(row, name, sizeof(name)));
	p->seen |= UINT64_C(1) << id;
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
	case O_elf:
		opt->elf = true;
		break;
	case O_vmemmap:
		opt->drop_vmemmap = true;
		break;
	case O_flatten:
		opt->flatten = true;
		break;
	case O_split:
		opt->split = true;
		break;
	case O_splitblock_size:
		if (!text_to_int(arg, 0, INT64_C(1) << 40, &n))
			return bad_number(row, arg, "a size in KiB", e);
		opt->splitblock_size = (uint64_t)n << 10;
		break;
	case O_size_limit:
		if (!parse_size(arg, &opt->size_limit))
			return err_set(e, E_USAGE, "Limit size(%s) is invalid.", arg);
		break;
	case O_num_threads:
		if (!text_to_int(arg, INT_MIN, INT_MAX, &n))
			return bad_number(row, arg, "a number of threads", e);
		opt->threads = n < 0 ? 0 : (int)n;
		break;
	case O_vmlinux:
		opt->vmlinux = arg;
		break;
	case O_vmcoreinfo:
		opt->vmcoreinfo = arg;
		break;
	case O_make_vmcoreinfo:
		opt->make_vmcoreinfo = arg;
		break;
	case O_partial_dmesg:
		opt->partial_dmesg = true;
		break;
	case O_diskset:
		if (opt->n_diskset == DISKSET_MAX)
			return err_set(e, E_USAGE, "--diskset: more than %d files", DISKSET_MAX);
		opt->diskset[opt->n_diskset++] = arg;
		break;
	case O_rearrange:
	case O_reassemble:
	case O_dump_dmesg:
	case O_mem_usage:
		break; /* one of them becomes the command */
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
		if (!text_to_int(arg, 0, INT64_C(1) << 30, &n))
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

/* --- rules about options and files together -------------------------------------------------------- */

static const struct {
	uint64_t option; /* one bit: selects the command */
	enum command command;
} commands[] = {
	{ BIT(make_vmcoreinfo), COMMAND_MAKE_VMCOREINFO },
	{ BIT(rearrange), COMMAND_REARRANGE },
	{ BIT(reassemble), COMMAND_REASSEMBLE },
	{ BIT(dump_dmesg), COMMAND_DUMP_DMESG },
	{ BIT(mem_usage), COMMAND_MEM_USAGE },
};

/* What asks about pages of a kernel or shapes a dump has no place where files are only turned into others. */
#define NOT_A_DUMP                                                                                            \
	(COMPRESSED | LEVEL | BIT(elf) | BIT(vmcoreinfo) | BIT(xen_vmcoreinfo) | BIT(flatten) | BIT(xen_only))

/* An option of each side: the command line is refused. */
static const struct clash {
	uint64_t one, other;
} clashes[] = {
	{ BIT(make_vmcoreinfo), NOT_A_DUMP | BIT(rearrange) | BIT(dry_run) },
	{ BIT(rearrange), NOT_A_DUMP | BIT(vmlinux) | BIT(xen_syms) },
	{ BIT(reassemble), NOT_A_DUMP | BIT(vmlinux) | BIT(xen_syms) | BIT(split) | BIT(dry_run) },
	{ BIT(elf), COMPRESSED | BIT(split) },
	{ BIT(vmcoreinfo) | BIT(xen_vmcoreinfo), BIT(vmlinux) | BIT(xen_syms) },
	{ BIT(dump_dmesg), BIT(dry_run) | BIT(split) },
	{ BIT(flatten), BIT(split) },
};

/* An option that means nothing without one of others. */
static const struct need {
	uint64_t option, one_of;
} needs[] = {
	{ BIT(make_vmcoreinfo), BIT(vmlinux) | BIT(xen_syms) },
	{ BIT(config), BIT(vmlinux) },
	{ BIT(partial_dmesg), BIT(dump_dmesg) },
};

/* The first option of a set, as people write it. */
static const char *set_name(uint64_t set, char *buf, size_t len)
{
	if (set == LEVEL)
		return "-d";
	return row_name(&rows[__builtin_ctzll(set)], buf, len);
}

static enum status check_combinations(uint64_t seen, struct err *e)
{
	char a[64], b[64];

	for (size_t i = 0; i < ARRAY_SIZE(clashes); i++)
		if (seen & clashes[i].one && seen & clashes[i].other)
			return err_set(e, E_USAGE, "%s cannot be used with %s.",
				       set_name(seen & clashes[i].other, a, sizeof(a)),
				       set_name(seen & clashes[i].one, b, sizeof(b)));
	for (size_t i = 0; i < ARRAY_SIZE(needs); i++)
		if (seen & needs[i].option && !(seen & needs[i].one_of))
			return err_set(e, E_USAGE, "%s needs %s.", set_name(needs[i].option, a, sizeof(a)),
				       set_name(needs[i].one_of, b, sizeof(b)));
	return OK;
}

/* How many files a command line may name: of them inputs come first. */
struct file_form {
	unsigned least, most, inputs;
};

static struct file_form file_form(const struct options *opt, unsigned n_files)
{
	unsigned in = opt->n_diskset ? 0 : 1;

	switch (opt->command) {
	case COMMAND_MAKE_VMCOREINFO:
		return (struct file_form){ 0, 0, 0 };
	case COMMAND_REARRANGE:
		return (struct file_form){ 1, 1, 0 };
	case COMMAND_REASSEMBLE:
		return (struct file_form){ 2, UINT_MAX, n_files - 1 };
	case COMMAND_MEM_USAGE:
		/* a second name has always been taken and ignored */
		return (struct file_form){ 1, 2, 1 };
	case COMMAND_DUMP_DMESG:
	case COMMAND_DUMP:
		break;
	}
	if (opt->split)
		return (struct file_form){ in + 2, UINT_MAX, in };
	/* with --diskset a name for the output that goes to standard output was needed once */
	if (opt->flatten)
		return (struct file_form){ in, 1, in };
	return (struct file_form){ in + 1, in + 1, in };
}

static enum status place_files(struct options *opt, const char *const *files, unsigned n_files, struct err *e)
{
	struct file_form form = file_form(opt, n_files);

	if (n_files < form.least || n_files > form.most)
		return err_set(e, E_USAGE, "%s", "");
	opt->inputs = form.inputs ? files : opt->diskset;
	opt->n_inputs = form.inputs ? form.inputs : opt->n_diskset;
	opt->outputs = files + form.inputs;
	opt->n_outputs = opt->flatten || opt->command == COMMAND_MEM_USAGE ? 0 : n_files - form.inputs;
	return OK;
}

static enum status check_rules(struct parse *p, const char *const *files, unsigned n_files, struct err *e)
{
	struct options *opt = p->opt;

	if (opt->dump_levels[0])
		p->seen |= LEVEL;
	for (size_t i = ARRAY_SIZE(commands); i--;)
		if (p->seen & commands[i].option)
			opt->command = commands[i].command;
	if (check_combinations(p->seen, e))
		return e->status;
	return place_files(opt, files, n_files, e);
}

enum status options_parse(struct options *opt, int argc, char **argv, struct err *e)
{
	struct option longs[N_OPTIONS + 1];
	char shorts[2 * N_OPTIONS + 1], *s = shorts;
	struct parse p = { .opt = opt };
	enum status st = OK;
	int n_longs = 0, c;

	_Static_assert(N_OPTIONS < 63, "sets of options are 64 bits");
	*opt = (struct options){
		.message_level = MSG_LEVEL_DEFAULT,
		.command = COMMAND_DUMP,
		.n_dump_levels = 1,
		.threads = -1,
		.block_order = -1,
	};
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
		st = check_rules(&p, (const char *const *)argv + optind, (unsigned)(argc - optind), e);
	opt->message_level |= (p.debug ? MSG_DEBUG : 0u) | (p.stats ? MSG_REPORT : 0u);
	if (opt->check_params)
		opt->message_level = MSG_LEVEL_DEFAULT;
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
