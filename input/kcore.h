/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is odd about /proc/kcore, and about copies of it: ranges without physical addresses, or none with any. */
#ifndef INPUT_KCORE_H
#define INPUT_KCORE_H

#include <stdbool.h>
#include <stddef.h>

#include "input/mem_source.h"

/* Are these the ranges of /proc/kcore, and not of a dump?  Some are not RAM, or the addresses of all are left out. */
bool kcore_segments(const struct mem_segment *segments, size_t n);

/*
 * Kernels before 4.11 leave all physical addresses out.  Puts those of x86_64 back that follow from where the direct
 * map is; other ranges become PADDR_NONE.  Changes nothing where any range has a physical address.
 */
void kcore_place_segments(struct mem_segment *segments, size_t n, unsigned machine);

#endif
