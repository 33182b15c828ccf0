/* SPDX-License-Identifier: GPL-2.0-or-later */
/* -R: a flattened stream on standard input becomes the file that it describes. */
#ifndef COMMAND_REARRANGE_H
#define COMMAND_REARRANGE_H

#include "base/err.h"
#include "command/options.h"

enum status command_rearrange(const struct options *opt, struct err *e) MUST_CHECK;

/* The stream of `fd`, of which nothing is read behind its end, becomes the file of the command line. */
enum status rearrange(int fd, const struct options *opt, struct err *e) MUST_CHECK;

#endif
