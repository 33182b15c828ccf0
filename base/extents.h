/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A set of byte ranges, kept in order and joined where they touch; of bounded size. */
#ifndef BASE_EXTENTS_H
#define BASE_EXTENTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

/* 1 MiB, if ever so many are needed; a file that is written in a few rising streams has a few. */
#define EXTENTS_MAX 65536

struct extent {
	uint64_t start, end;
};

/* All zero is an empty set. */
struct extents {
	struct extent *at;
	size_t n, room;
};

void extents_free(struct extents *x);

/* Adds [start, end).  E_NOMEM, also when the ranges become too many. */
enum status extents_add(struct extents *x, uint64_t start, uint64_t end, struct err *e) MUST_CHECK;

/* Is all of [start, end) in the set?  Of an empty range it always is. */
bool extents_cover(const struct extents *x, uint64_t start, uint64_t end);

/*
 * The first part of [start, end) that is all inside or all outside of the set: [start, returned end), *inside says
 * which.
 */
uint64_t extents_part(const struct extents *x, uint64_t start, uint64_t end, bool *inside);

#endif
