/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The main job with -E: ELF in, filtered ELF out. */
#ifndef COMMAND_DUMP_ELF_H
#define COMMAND_DUMP_ELF_H

#include "base/err.h"
#include "command/options.h"

enum status command_dump_elf(const struct options *opt, struct err *e) MUST_CHECK;

#endif
