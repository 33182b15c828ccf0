/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where a dump goes, and what happens when there is no room: the same for every format. */
#ifndef COMMAND_DUMP_OUTPUT_H
#define COMMAND_DUMP_OUTPUT_H

#include "command/options.h"
#include "input/mem_source.h"
#include "output/sink.h"

/*
 * Opens what the command line asks for: a file `name`, a stream, or nothing but counting, with the limit of -L.  None of
 * the input's files is ever written to.  What is open already stays: a later level begins anew in it.
 */
enum status dump_output_open(struct sink **s, const char *name, const struct options *opt, const struct mem_source *src,
			     struct err *e) MUST_CHECK;

/*
 * Tries the dump levels one after another for as long as there is no room for the one before.  `restart` empties the
 * outputs in place: nothing is removed, and nobody gets in between.
 */
enum status dump_try_levels(const struct options *opt,
			    enum status (*try_level)(void *data, unsigned level, bool last, struct err *e),
			    enum status (*restart)(void *data, struct err *e), void *data, struct err *e) MUST_CHECK;

#endif
