/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Dumps without a VMCOREINFO note: where the kernel is in their memory. */
#ifndef KERNEL_FIND_KERNEL_H
#define KERNEL_FIND_KERNEL_H

#include "kernel/kernel.h"
#include "kernel/kernel_file.h"

/*
 * Finds the running kernel that `f` describes by its names: they are in memory where the linked address says, but
 * for how far the image was moved.  That is believed only if the page tables, found the same way, lead there too.
 * On success *shift is how far symbols are from the file's, and `boot` holds what differs from boot to boot:
 * F_phys_base, F_l5_enabled.  False: not found.  `k` needs its machine, page size and source.
 */
bool find_kernel_place(const struct kernel *k, const struct kernel_file *f, uint64_t *shift, struct facts *boot,
		       struct err *e);

/*
 * Searches the dump's memory for the text that the kernel wrote for its VMCOREINFO note.  It is believed only if it
 * has OSRELEASE, PAGESIZE and SYMBOL(init_uts_ns), and the page tables that it tells lead to names with the same
 * release there.  On success *text is allocated and the caller's, and *target is what the kernel is, of which
 * k->target is a first guess; false: not found.
 */
bool find_kernel_text(const struct kernel *k, char **text, size_t *len, struct target *target, struct err *e);

#endif
