/* SPDX-License-Identifier: GPL-2.0-or-later */
/* --mem-usage: what memory is used for, as a table that says how large a dump would be. */
#ifndef COMMAND_MEM_USAGE_H
#define COMMAND_MEM_USAGE_H

#include "base/err.h"
#include "command/options.h"

/* Prints the table and nothing before it: programs read it. */
enum status command_mem_usage(const struct options *opt, struct err *e) MUST_CHECK;

#endif
