/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The main job: VMCORE in, filtered dump out. */
#ifndef COMMAND_DUMP_H
#define COMMAND_DUMP_H

#include "base/err.h"
#include "command/options.h"

/* E_INCOMPLETE: the dump is there, marked incomplete, because some of its pages cannot be read. */
enum status command_dump(const struct options *opt, struct err *e) MUST_CHECK;

#endif
