/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Free pages of kernels whose struct pages do not tell them: the lists of the page allocator. */
#include "filter/free_list.h"

#include "base/bytes.h"
#include "kernel/nodes.h"

#define ZONES_MAX 16
#define ORDERS_MAX 32
#define MIGRATE_TYPES_MAX 16

enum fact_id free_list_missing(const struct kernel *k)
{
	static const enum fact_id needed[] = { F_zone_size,	 F_zone_free_area, F_zone_spanned, F_pgdat_zones,
					       F_pgdat_nr_zones, F_free_area_size, F_free_list,	   F_list_head_size,
					       F_list_next,	 F_list_prev,	   F_page_lru,	   F_max_orders };

	if (!fact_known(&k->facts, F_node_data) && !fact_known(&k->facts, F_contig_page_data))
		return F_node_data;
	for (size_t i = 0; i < ARRAY_SIZE(needed); i++)
		if (!fact_known(&k->facts, needed[i]))
			return needed[i];
	return N_FACTS;
}

struct walk {
	struct kmem *km;
	const struct kernel *k;
	const struct facts *f;
	free_block_fn *block;
	void *data;
	uint64_t *budget; /* reads and look-ups that are left */
};

static bool spend(struct walk *w)
{
	if (!*w->budget)
		return false;
	(*w->budget)--;
	return true;
}

/* One circular list of free blocks of the same order; false when it is broken. */
static bool walk_list(struct walk *w, vaddr_t head, unsigned order)
{
	vaddr_t prev = head, at;
	struct err e;

	if (!spend(w) || kmem_read_ulong(w->km, head + fact(w->f, F_list_next), &at, &e))
		return false;
	while (at != head) {
		uint64_t back;
		pfn_t pfn;

		if (!spend(w) || kmem_read_ulong(w->km, at + fact(w->f, F_list_prev), &back, &e) || back != prev ||
		    !mem_map_pfn_of(&w->k->mem_map, w->km, at - fact(w->f, F_page_lru), w->budget, &pfn) ||
		    pfn & ((UINT64_C(1) << order) - 1))
			return false;
		w->block(w->data, pfn, UINT64_C(1) << order);
		prev = at;
		if (kmem_read_ulong(w->km, at + fact(w->f, F_list_next), &at, &e))
			return false;
	}
	return true;
}

static unsigned walk_zone(struct walk *w, vaddr_t zone)
{
	uint64_t orders = min_u64(fact(w->f, F_max_orders), ORDERS_MAX);
	uint64_t types = min_u64(fact_or(w->f, F_migrate_types, 1), MIGRATE_TYPES_MAX), spanned;
	unsigned broken = 0;
	struct err e;

	if (kmem_read_ulong(w->km, zone + fact(w->f, F_zone_spanned), &spanned, &e))
		return 1;
	for (uint64_t order = 0; spanned && order < orders; order++)
		for (uint64_t type = 0; type < types; type++)
			broken += !walk_list(w,
					     zone + fact(w->f, F_zone_free_area) + fact(w->f, F_free_area_size) * order +
						     fact(w->f, F_free_list) + fact(w->f, F_list_head_size) * type,
					     (unsigned)order);
	return broken;
}

void free_list_walk(struct kmem *km, free_block_fn *block, void *data, uint64_t *budget, unsigned *broken)
{
	const struct kernel *k = kmem_kernel(km);
	struct walk w = { km, k, &k->facts, block, data, budget };
	uint64_t node = 0;
	vaddr_t pgdat;

	*broken = 0;
	while (node_next(km, &node, &pgdat)) {
		uint32_t zones;
		struct err e;

		if (kmem_read_u32(km, pgdat + fact(w.f, F_pgdat_nr_zones), &zones, &e) || zones > ZONES_MAX) {
			(*broken)++;
			continue;
		}
		for (uint32_t z = 0; z < zones; z++)
			*broken += walk_zone(&w, pgdat + fact(w.f, F_pgdat_zones) + fact(w.f, F_zone_size) * z);
	}
}
