/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the machine that we run on has to offer. */
#ifndef BASE_HOST_H
#define BASE_HOST_H

#include <stdint.h>

/* Bytes of memory that can be had without swapping; 0 when the system does not say. */
uint64_t host_available_memory(void);

#endif
