/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Mapping or reading a file: a short trial of both tells which is faster here. */
#ifndef INPUT_MAP_TRIAL_H
#define INPUT_MAP_TRIAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "input/input_file.h"

/* at most; a file with little in it has no room for as many, but for fewer than the least it is not tried */
#define MAP_TRIALS 8
#define MAP_TRIALS_MIN 4
/* bytes of one measurement */
#define MAP_TRIAL_PIECE ((size_t)256 << 10)

/* What MAP_TRIAL_PIECE bytes took in each trial, in ns. */
struct map_times {
	uint64_t map_first[MAP_TRIALS]; /* in a new window: mapping, fault, unmapping */
	uint64_t map_more[MAP_TRIALS];	/* behind the first, in the same window */
	uint64_t read[MAP_TRIALS];
};

/*
 * Makes the file `mappable`, with the `map_min` that fits, if that is faster than reading it.  Tried only where the file is
 * large enough for the answer to matter and where all that is tried is in memory already: no trial waits for a disk.  About
 * a millisecond, less where the first places already settle it.  Before the file is used by anybody else.  Returns whether
 * it was tried; where not, the file is read.
 */
bool map_trial(struct input_file *f);

/*
 * The judgement: how many bytes of a unit of the file must be wanted for its mapping to pay, UINT64_MAX if it never does.
 * In doubt it does not.  Sorts the `n` times of each kind.
 */
uint64_t map_trial_judge(struct map_times *t, size_t n);

/*
 * Would map_trial_judge() say UINT64_MAX, whatever the times of the trials behind the first `n` may be?  MAP_TRIALS are made
 * at most.  Sorts the `n` times of each kind.
 */
bool map_trial_settled(struct map_times *t, size_t n);

#endif
