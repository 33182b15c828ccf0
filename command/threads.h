/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How many threads a run uses. */
#ifndef COMMAND_THREADS_H
#define COMMAND_THREADS_H

#include "command/options.h"
#include "format/codec.h"
#include "kernel/kernel.h"

/*
 * Threads beside the main one that read and pack pages of `k` with `codec` (NULL: none).  --num-threads decides; without
 * it each usable CPU has one, but in a crash kernel no more than its little memory allows.
 */
unsigned threads_choose(const struct options *opt, const struct kernel *k, const struct codec *codec);

#endif
