/* SPDX-License-Identifier: GPL-2.0-or-later */
/* An invented machine in memory: physical pages behind a mem_source of its own, and a kernel to look at them. */
#ifndef TESTS_UNIT_WORLD_H
#define TESTS_UNIT_WORLD_H

#include "unit.h"

#include <stdatomic.h>

#include "input/mem_source.h"
#include "kernel/address_map.h"
#include "kernel/kernel.h"
#include "kernel/kmem.h"

#define WORLD_RUNS_MAX 16

/*
 * Physical memory from 0 on.  Runs say which pages the machine had; pages outside all runs, of RUN_EMPTY and of
 * RUN_LOST cannot be read.  A forbidden page is one whose touch may bring a machine down: asking for any of its bytes
 * is counted, and a test that ends with such a count fails.
 */
struct fake_memory {
	uint8_t *bytes;
	size_t pages;
	struct pfn_run runs[WORLD_RUNS_MAX];
	size_t n_runs;
	struct mem_segment segments[4];
	size_t n_segments;
	uint8_t *forbidden, *unreadable; /* a byte per page */
	atomic_uint forbidden_reads;
	atomic_ulong views;
	size_t view_max; /* lends no more than this at once; 0: as much as is asked for */
	unsigned view_us; /* so long each view sleeps */
	void (*viewing)(pfn_t pfn); /* called for each view */
	const char *notes;
	struct mem_source *src;
};

void fake_memory_open(struct fake_memory *m, size_t pages);
void fake_memory_close(struct fake_memory *m);
/* Replaces the runs: { first, end, kind }, ... */
void fake_memory_runs(struct fake_memory *m, const struct pfn_run *runs, size_t n);

/* A machine without page tables: the kernel sees all memory at LINEAR_64 or LINEAR_32. */
#define LINEAR_64 UINT64_C(0xffff888000000000)
#define LINEAR_32 UINT64_C(0xc0000000)

struct world {
	struct fake_memory mem;
	struct kernel k;
	struct arch_ops arch;
	struct kmem *km;
};

void world_open(struct world *w, unsigned long_bytes, bool big_endian, size_t pages);
/*
 * As world_open() with a real machine's ops, to which facts and segments are still to be told: world_setup(), which may be
 * called again when they have changed.  `pages` are of 4 KiB whatever the machine's are.
 */
void world_open_machine(struct world *w, const struct arch_ops *arch, unsigned page_shift, bool big_endian, size_t pages);
void world_open_x86_64(struct world *w, size_t pages);
void world_setup(struct world *w);
void world_close(struct world *w);

/* Lines of VMCOREINFO, added to those that are known. */
void world_facts(struct world *w, const char *text);

vaddr_t world_va(const struct world *w, paddr_t at);
void world_put_long(struct world *w, paddr_t at, uint64_t value);
void world_put_u32(struct world *w, paddr_t at, uint32_t value);

/* --- struct pages, flat at this address ------------------------------------------------------------------ */

#define MEM_MAP_AT 0x4000
#define MEM_MAP_POINTER_AT 0x3000

/* Facts of a 6.12 kernel, with numbers as such kernels have them. */
extern const char kernel_6_12[];
/* Opens a flat mem_map of `struct_size` bytes a page; facts must be there. */
void world_flat_mem_map(struct world *w);

/* Where the struct page of `pfn` is in physical memory. */
paddr_t world_page(const struct world *w, pfn_t pfn);

#endif
