/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the machine that we run on has to offer. */
#ifndef BASE_HOST_H
#define BASE_HOST_H

#include <stdbool.h>
#include <stdint.h>

/* Bytes of memory that can be had without swapping; 0 when the system does not say. */
uint64_t host_available_memory(void);

/* CPUs that this process may use at the same time: its affinity, and what quotas of its control groups leave; at least 1. */
unsigned host_usable_cpus(void);

/* Does this kernel run to save the memory of another one that crashed? */
bool host_is_crash_kernel(void);

#endif
