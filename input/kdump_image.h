/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The memory source of kdump-compressed dumps: one file, or the parts of a split set. */
#ifndef INPUT_KDUMP_IMAGE_H
#define INPUT_KDUMP_IMAGE_H

#include "input/mem_source.h"

extern const struct mem_source_ops kdump_source;

#endif
