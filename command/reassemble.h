/* SPDX-License-Identifier: GPL-2.0-or-later */
/* --reassemble: the parts of a split dump become one dump again. */
#ifndef COMMAND_REASSEMBLE_H
#define COMMAND_REASSEMBLE_H

#include "base/err.h"
#include "command/options.h"

/* E_INCOMPLETE: the dump is there, marked incomplete, because a part of it is or pages of it cannot be read. */
enum status command_reassemble(const struct options *opt, struct err *e) MUST_CHECK;

#endif
