/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Fuzzes what is believed of a kernel: a spoiled one is learnt about, filtered in large and small windows, packed. */
#include "tests/fuzz/explore.h"
#include "tests/fuzz/invented.h"

static struct invented machine;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bytes b = { data, size };
	struct mem_source *src;
	struct kernel *k;
	struct err e = { OK, 0, "" };
	enum status st;

	invented_make(&machine, &b);
	src = invented_source(&machine);
	st = kernel_open(&k, src, &(struct kernel_files){ .vmlinux = NULL }, &e);
	if (st) {
		REQUIRE(st == e.status && e.text[0]);
	} else {
		REQUIRE(k->max_mapnr <= src->end >> 12);
		if (k->max_mapnr)
			explore_filter(k, &(struct filter_trial){
						  .level = machine.level,
						  .small = 8u << (machine.choices >> 5),
						  .choices = machine.choices,
						  .allowed = &machine.allowed,
					  });
		kernel_close(k);
	}
	mem_source_close(src);
	return 0;
}
