/* SPDX-License-Identifier: GPL-2.0-or-later */
/* --dump-dmesg: the dumped kernel's own log as a text file. */
#ifndef COMMAND_DUMP_DMESG_H
#define COMMAND_DUMP_DMESG_H

#include "base/err.h"
#include "command/options.h"

/*
 * Writes the log to the file of the command line, or to standard output with -F.  The file is made when the log has
 * been found; what can be read of a damaged log is in it although the command fails (E_FORMAT).
 */
enum status command_dump_dmesg(const struct options *opt, struct err *e) MUST_CHECK;

#endif
