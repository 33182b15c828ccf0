/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Memory nodes: the addresses of their struct pglist_data. */
#ifndef KERNEL_NODES_H
#define KERNEL_NODES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "makedumpfile.h"

struct kmem;

/*
 * Steps through the nodes: start with *node = 0, each call finds the next one at or after *node, sets its
 * pglist_data address and steps *node past it.  Returns false after the last.
 */
bool node_next(struct kmem *km, uint64_t *node, vaddr_t *pgdat);

#endif
