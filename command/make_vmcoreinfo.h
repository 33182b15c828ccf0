/* SPDX-License-Identifier: GPL-2.0-or-later */
/* -g: what a kernel's ELF file tells, as the text that -i reads. */
#ifndef COMMAND_MAKE_VMCOREINFO_H
#define COMMAND_MAKE_VMCOREINFO_H

#include "base/err.h"
#include "command/options.h"

/*
 * Writes the text about opt->vmlinux into opt->make_vmcoreinfo, which is overwritten.  E_MISSING: the file does not tell
 * what every reader needs, and nothing is written.
 */
enum status command_make_vmcoreinfo(const struct options *opt, struct err *e) MUST_CHECK;

#endif
