/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From facts to a usable address map: what the machine's ops find out, proven against the dump's memory. */
#ifndef KERNEL_ADDRESS_MAP_H
#define KERNEL_ADDRESS_MAP_H

#include <stdbool.h>

#include "kernel/kernel.h"
#include "kernel/kmem.h"

/*
 * Fills k->arch_state from k's machine, target and facts, and then, through `km`, which works on `k`, from memory.
 * Whatever the state held before is let go.  Fails with E_NOMEM only.
 */
enum status address_map_find(struct kernel *k, struct kmem *km, struct err *e) MUST_CHECK;
void address_map_close(struct arch_state *a);

/* Is [vaddr, +1) where the tables, or ranges that need none, say?  A guess is no proof. */
bool address_map_is_sure(const struct kernel *k, struct kmem *km, vaddr_t vaddr, paddr_t *at);

/* Reads the kernel's six names by the map; E_UNREADABLE, E_MISSING, and E_FORMAT when they make no sense. */
enum status address_map_read_names(const struct kernel *k, struct kmem *km, uint8_t uts[UTS_LEN], struct err *e)
	MUST_CHECK;

/*
 * What the names and the pointers of a kernel that is mapped say about its byte order; false when they say nothing.
 * Names are text, and so are symbols in VMCOREINFO: both can be read without knowing the order.
 */
bool address_map_tells_order(const struct kernel *k, struct kmem *km, const uint8_t *uts, bool *big_endian);

/* Only by the name of the machine: "ppc64le", "aarch64_be". */
bool address_map_name_tells_order(const char *machine, bool *big_endian);

/* What VMCOREINFO, and the length of its array of sections, say about the limits of physical addresses. */
void address_map_limits(struct kernel *k);

#endif
