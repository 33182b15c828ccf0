/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Fuzzes the ways into a kernel's memory: page tables, struct pages by page frame and back, nodes, free lists. */
#include <string.h>

#include "base/bytes.h"
#include "filter/free_list.h"
#include "kernel/kernel.h"
#include "kernel/kmem.h"
#include "kernel/nodes.h"
#include "tests/fuzz/invented.h"

#define CHUNKS_MAX 3000
#define BUDGET 100000

static struct invented machine;

static void count_step(void *data, const char *level, paddr_t entry_at, uint64_t entry)
{
	unsigned *steps = data;

	(void)entry;
	REQUIRE(level && entry_at < UINT64_C(1) << 52 && ++*steps <= PAGING_LEVELS_MAX);
}

static void translate(struct kmem *km, vaddr_t vaddr)
{
	struct mapping found = { 0, 0, 0 };
	struct err e = { OK, 0, "" };
	uint64_t left = 0, word;
	paddr_t paddr;
	unsigned steps = 0;
	uint8_t *buf;
	struct span s;

	if (paging_walk(km, vaddr, &found, count_step, &steps, &e))
		REQUIRE(e.text[0] && (e.status == E_MISSING || e.status == E_UNREADABLE));
	else
		REQUIRE(found.len >= 4096 && vaddr - found.vaddr < found.len && !(found.paddr & (found.len - 1)));
	if (!kmem_translate(km, vaddr, &paddr, &left, &e))
		REQUIRE(left);
	if (!kmem_view(km, vaddr, 9000, &s, &e)) {
		REQUIRE(s.len && s.len <= 9000);
		buf = malloc(s.len);
		REQUIRE(buf);
		memcpy(buf, s.data, s.len);
		free(buf);
	}
	if (kmem_read_ulong(km, vaddr, &word, &e))
		REQUIRE(e.text[0]);
	buf = malloc(5000);
	REQUIRE(buf);
	if (kmem_read(km, vaddr, buf, 5000, &e))
		REQUIRE(e.text[0]);
	free(buf);
}

/* Chunks follow one another, and lead back from the struct page to its page frame. */
static void walk_chunks(const struct kernel *k, struct kmem *km)
{
	const struct mem_map *mm = &k->mem_map;
	uint64_t budget = UINT64_MAX;
	pfn_t at = 0, back;

	if (mm->model == MEM_MODEL_NONE)
		return;
	for (unsigned n = 0; n < CHUNKS_MAX && at < k->max_mapnr; n++) {
		struct mem_map_chunk c = mem_map_find(mm, km, at);

		REQUIRE(c.start <= at && at < c.end);
		REQUIRE(c.end <= max_u64(k->max_mapnr, at + 1));
		if (c.kind == CHUNK_MAP && n < 16) {
			vaddr_t page = c.mem_map + (at - c.start) * mm->page_struct_size;

			/* another chunk may claim the same struct page, and come first */
			if (page >= c.mem_map)
				REQUIRE(mem_map_pfn_of(mm, km, page, &budget, &back) && back < k->max_mapnr);
			translate(km, page);
			mem_map_pfn_of(mm, km, page + 8, &budget, &back);
		}
		at = c.end;
	}
	REQUIRE(mem_map_end(mm, km) <= k->max_mapnr);
}

struct blocks {
	uint64_t count, max, most;
};

static void count_block(void *data, pfn_t first, uint64_t count)
{
	struct blocks *blocks = data;

	REQUIRE(count && !(count & (count - 1)) && first < blocks->max && !(first & (count - 1)));
	/* no walk is longer than it may be */
	REQUIRE(++blocks->count <= blocks->most);
}

static void walk_nodes(const struct kernel *k, struct kmem *km)
{
	uint64_t node = 0, last = 0;
	struct blocks blocks = { 0, k->max_mapnr, BUDGET };
	uint64_t budget = BUDGET;
	unsigned broken;
	vaddr_t pgdat;

	for (unsigned n = 0; node_next(km, &node, &pgdat); n++) {
		REQUIRE(node > last && node <= MEM_NODES_MAX);
		last = node;
		if (n < 4)
			translate(km, pgdat);
	}
	if (k->mem_map.model != MEM_MODEL_NONE && free_list_missing(k) == N_FACTS)
		free_list_walk(km, count_block, &blocks, &budget, &broken);
}

static void explore(const struct kernel *k)
{
	struct kmem *km;
	struct err e;

	REQUIRE(!kmem_open(&km, k, &e));
	for (unsigned i = 0; i < 100; i++)
		translate(km, hard_number((uint8_t)i) + (i & 1 ? machine.choices : 0));
	walk_chunks(k, km);
	walk_nodes(k, km);
	kmem_close(km);
	REQUIRE(!kernel_print_translation(k, hard_number(machine.choices), &e));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bytes b = { data, size };
	struct mem_source *src;
	struct kernel *k;
	struct err e = { OK, 0, "" };

	invented_make(&machine, &b);
	src = invented_source(&machine);
	if (kernel_open(&k, src, &(struct kernel_files){ .vmlinux = NULL }, &e)) {
		REQUIRE(e.status && e.text[0]);
	} else {
		explore(k);
		kernel_close(k);
	}
	mem_source_close(src);
	return 0;
}
