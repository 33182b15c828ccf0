/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The VMCOREINFO text that a kernel leaves about itself: lines of KEY=VALUE. */
#ifndef KERNEL_VMCOREINFO_H
#define KERNEL_VMCOREINFO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kernel/facts.h"

struct vmcoreinfo {
	const char *text; /* borrowed; not NUL-terminated */
	size_t len;
};

/* The text ends at the first NUL: Xen pads with them. */
struct vmcoreinfo vmcoreinfo_over(const char *text, size_t len);

/* Finds the value of the first line that starts with `key` and "=" and has one; it is not NUL-terminated. */
bool vmcoreinfo_find(const struct vmcoreinfo *v, const char *key, const char **value, size_t *len);

/* A decimal number such as PAGESIZE, for which the last line that parses counts. */
bool vmcoreinfo_decimal(const struct vmcoreinfo *v, const char *key, uint64_t *value);

/*
 * A source of facts over the text; `v` must outlive it.  A value that does not parse, and a symbol of 0 or of
 * all ones, count as unknown: one bad line must not cost the dump.
 */
struct fact_source vmcoreinfo_facts(const struct vmcoreinfo *v);

/* Prints the text as debug messages, each line after two blanks: callers parse these lines. */
void vmcoreinfo_list(const struct vmcoreinfo *v);

#endif
