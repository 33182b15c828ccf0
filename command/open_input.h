/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The input of a command line: a dump, and what it and the files beside it tell about its kernel. */
#ifndef COMMAND_OPEN_INPUT_H
#define COMMAND_OPEN_INPUT_H

#include "command/options.h"
#include "input/mem_source.h"
#include "kernel/kernel.h"

/*
 * Opens VMCORE (or the members of --diskset) with -x and -i.  A text about the kernel that was found in its memory becomes
 * a note of the source.  The caller closes *k and then *src, where they are not NULL, on failure too.
 */
enum status open_input(struct mem_source **src, struct kernel **k, const struct options *opt, struct err *e) MUST_CHECK;

#endif
