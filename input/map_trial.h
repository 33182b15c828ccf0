/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Mapping or reading a file: a short trial of both tells which is faster here. */
#ifndef INPUT_MAP_TRIAL_H
#define INPUT_MAP_TRIAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "input/input_file.h"

/* at most; a file with little in it has no room for as many, but for fewer than the least it is not tried */
#define MAP_TRIALS 15
#define MAP_TRIALS_MIN 5

/*
 * Makes the file `mappable` if that is faster than reading it.  Tried only where the file is large enough for
 * the answer to matter and where all that is tried is in memory already: no trial waits for a disk.  About a
 * millisecond.  Before the file is used by anybody else.  Returns whether it was tried; where not, the file is read.
 */
bool map_trial(struct input_file *f);

/* The judgement: by the lower quartiles of what the same number of bytes took, in ns, in `n` trials.  Sorts both. */
bool map_trial_says_map(uint64_t *map_ns, uint64_t *read_ns, size_t n);

#endif
