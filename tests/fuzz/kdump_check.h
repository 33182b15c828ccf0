/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Checks that a finished dump is sound in itself. */
#ifndef TESTS_FUZZ_KDUMP_CHECK_H
#define TESTS_FUZZ_KDUMP_CHECK_H

#include <stdbool.h>

/*
 * Ends the process when a little-endian 64-bit dump in `fd` is not sound: bitmap 2 within bitmap 1 and both within
 * max_mapnr, the notes in front of the bitmaps, and every page of bitmap 2 described by bytes that are in the file,
 * or lost in a dump that is marked incomplete.
 */
void kdump_check(int fd, bool incomplete);

#endif
