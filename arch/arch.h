/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What differs between machines: one table and a few small functions each; chosen by the dump, never by the host. */
#ifndef ARCH_ARCH_H
#define ARCH_ARCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "makedumpfile.h"

struct facts;
struct kernel;
struct kmem;

/* Page-offset bits, then index bits of each table from the lowest level up; 0 ends the list. */
#define PAGING_LEVELS_MAX 5
struct paging {
	const char *name;
	uint8_t bits[PAGING_LEVELS_MAX + 2];
	const char *level_names[PAGING_LEVELS_MAX]; /* lowest first, as --vtop prints them */
};

/* A stretch of virtual addresses whose physical addresses are just shifted. */
struct linear_range {
	vaddr_t start, end;
	paddr_t paddr; /* of `start` */
	bool proven;   /* the page tables say the same: good as a shortcut; else only where the tables fail */
};
#define LINEAR_RANGES_MAX 2

/* What arch_ops.setup() finds out; fixed afterwards. */
struct arch_state {
	const struct paging *paging;
	bool has_root;
	paddr_t root;	      /* physical address of the top page table */
	uint64_t pte_mask;    /* the address bits of a table entry */
	uint64_t phys_base;   /* as the dump's sub header wants it; may be "negative" */
	vaddr_t kernel_start; /* no kernel data lies below */
	unsigned section_bits, physmem_bits;
	struct linear_range linear[LINEAR_RANGES_MAX];
	size_t n_linear;
};

enum pte_kind { PTE_ABSENT, PTE_TABLE, PTE_LEAF };

struct arch_ops {
	const char *name;
	unsigned elf_machine;
	bool elf64, big_endian;
	unsigned long_bytes;
	unsigned default_page_shift; /* 0: VMCOREINFO must tell */
	unsigned pte_bytes;
	unsigned compound_shift_max; /* log2 of the bytes of the largest compound page */
	/* where the kernel image is linked to, and the alignment that it keeps when it is moved; 0: it is not */
	vaddr_t image_start;
	uint64_t image_len_max, image_align;
	/* From VMCOREINFO and the file's segments to the address map; never fails: what is unknown stays unset. */
	void (*setup)(const struct kernel *k, struct arch_state *a);
	/* What one entry of the table of level `level` (0 is the lowest) says. */
	enum pte_kind (*decode_pte)(const struct arch_state *a, uint64_t pte, unsigned level, paddr_t *target);
};

/* The machine of an ELF file; NULL when this build does not know it. */
const struct arch_ops *arch_find(unsigned elf_machine, bool elf64, bool big_endian);

/* A mapping found by a walk: [vaddr, vaddr + len) lies at paddr. */
struct mapping {
	vaddr_t vaddr;
	uint64_t len;
	paddr_t paddr;
};

/* Told about each table entry that a walk reads: its address and its value. */
typedef void paging_step_fn(void *data, const char *level, paddr_t entry_at, uint64_t entry);

/*
 * Walks the page tables for `vaddr`.  E_UNREADABLE: a table cannot be read; E_MISSING: not mapped, or the root
 * is unknown.  `step` may be NULL.
 */
enum status paging_walk(struct kmem *km, vaddr_t vaddr, struct mapping *found, paging_step_fn *step, void *data,
			struct err *e) MUST_CHECK;

extern const struct arch_ops arch_x86_64;

#endif
