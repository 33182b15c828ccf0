/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Fuzzes the ways into a kernel's memory: page tables, struct pages by page frame and back, nodes, free lists. */
#include "tests/fuzz/explore.h"
#include "tests/fuzz/invented.h"

static struct invented machine;

static void explore(const struct kernel *k)
{
	struct kmem *km;
	struct err e;

	REQUIRE(!kmem_open(&km, k, &e));
	for (unsigned i = 0; i < 100; i++)
		explore_address(km, hard_number((uint8_t)i) + (i & 1 ? machine.choices : 0));
	explore_chunks(k, km);
	explore_nodes(k, km);
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
