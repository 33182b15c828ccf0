/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Memory nodes: the addresses of their struct pglist_data. */
#include "kernel/nodes.h"

#include "base/bytes.h"
#include "kernel/kernel.h"
#include "kernel/kmem.h"

/* Is the node in the kernel's online map?  Without a readable map every node that has data counts. */
static bool node_is_online(struct kmem *km, uint64_t node)
{
	const struct kernel *k = kmem_kernel(km);
	unsigned bits = k->target.long_bytes * 8;
	uint64_t word;
	struct err e;

	if (!fact_known(&k->facts, F_node_online_map) || node / 8 >= fact_or(&k->facts, F_nodemask_size, 0))
		return true;
	if (kmem_read_ulong(km, fact(&k->facts, F_node_online_map) + node / bits * k->target.long_bytes, &word, &e))
		return true;
	return word >> node % bits & 1;
}

bool node_next(struct kmem *km, uint64_t *node, vaddr_t *pgdat)
{
	const struct kernel *k = kmem_kernel(km);
	const struct facts *f = &k->facts;
	struct err e;

	if (!fact_known(f, F_node_data)) {
		/* one node, whose data is a variable */
		if (*node || !fact_known(f, F_contig_page_data))
			return false;
		*node = 1;
		*pgdat = fact(f, F_contig_page_data);
		return true;
	}
	for (; *node < min_u64(fact_or(f, F_node_data_len, 1), MEM_NODES_MAX); (*node)++) {
		if (!node_is_online(km, *node) ||
		    kmem_read_ulong(km, fact(f, F_node_data) + *node * k->target.long_bytes, pgdat, &e) ||
		    !kernel_is_address(k, *pgdat))
			continue;
		(*node)++;
		return true;
	}
	return false;
}
