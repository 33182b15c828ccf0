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

/* Of a clock that only goes forward. */
int64_t host_now_ns(void);

/* Does this kernel run to save the memory of another one that crashed? */
bool host_is_crash_kernel(void);

/* Where the running kernel keeps its VMCOREINFO note: physical address and room for it.  False: it does not say. */
bool host_vmcoreinfo(uint64_t *paddr, uint64_t *len);

/* Does the running system keep memory for a crash kernel?  False too where that is not for us to know. */
bool host_has_crash_memory(void);

#endif
