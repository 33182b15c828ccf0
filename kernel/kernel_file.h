/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a file beside the dump tells of a kernel: facts at the addresses it was linked to, its release, its build id. */
#ifndef KERNEL_KERNEL_FILE_H
#define KERNEL_KERNEL_FILE_H

#include <stdbool.h>

#include "base/err.h"
#include "kernel/facts.h"
#include "kernel/vmcoreinfo.h"

#define RELEASE_MAX 65	      /* with its NUL, as in struct new_utsname */
#define BUILD_ID_TEXT_MAX 129 /* hexadecimal digits of up to 64 bytes, with a NUL */

struct kernel_file {
	const char *path; /* borrowed */
	struct facts facts;
	char release[RELEASE_MAX];	  /* empty: not told */
	char build_id[BUILD_ID_TEXT_MAX]; /* empty: not told */
	uint64_t page_size;		  /* 0: not told */
	uint64_t moved; /* the symbols are this far from where they were linked: a text that a running kernel left */
};

/* Reads VMCOREINFO text.  E_FORMAT: it lacks OSRELEASE or PAGESIZE, or is far too long.  Errors name the file. */
enum status kernel_file_read_text(struct kernel_file *f, const char *path, struct err *e) MUST_CHECK;

/* The build id that a text tells in a line BUILD-ID=; empty when it does not. */
void kernel_file_build_id(const struct vmcoreinfo *text, char id[BUILD_ID_TEXT_MAX]);

/*
 * How far the running kernel was moved from the addresses of the file, as a symbol that both know tells, or else
 * `text`'s KERNELOFFSET.  False when nothing tells.
 */
bool kernel_file_shift(const struct kernel_file *f, const struct facts *running, const struct vmcoreinfo *text,
		       uint64_t *shift);

/* Adds to `to` what it does not know, symbols moved by `shift`. */
void kernel_file_add_facts(const struct kernel_file *f, uint64_t shift, struct facts *to);

#endif
