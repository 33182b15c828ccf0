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
	uint8_t entry_bytes; /* of a table entry: 4 or 8 */
	uint8_t bits[PAGING_LEVELS_MAX + 2];
	const char *level_names[PAGING_LEVELS_MAX]; /* lowest first, as --vtop prints them */
};

/* A mapping found by a walk: [vaddr, vaddr + len) lies at paddr.  After a walk that failed: what it holds for. */
struct mapping {
	vaddr_t vaddr;
	uint64_t len;
	paddr_t paddr;
};

/* How far a linear range can be relied on. */
enum range_trust {
	RANGE_GUESS,  /* only where the page tables fail */
	RANGE_PROVEN, /* the page tables say the same: good as a shortcut */
	RANGE_FIXED,  /* the machine, or the kernel's build, leaves no other way: page tables may not have it */
};

/* A stretch of virtual addresses whose physical addresses are just shifted. */
struct linear_range {
	vaddr_t start, end; /* UINT64_MAX as `end`: up to the last address, which is never asked for */
	paddr_t paddr;	    /* of `start` */
	enum range_trust trust;
	vaddr_t sample;	 /* of RANGE_GUESS: an address in it that page tables should have; 0: none is known */
	uint64_t period; /* the range shows the same memory again after so many bytes, a power of two; 0: it does not */
};
#define LINEAR_RANGES_MAX 6

/* What arch_ops.setup() and learn() find out; fixed afterwards. */
struct arch_state {
	const struct paging *paging; /* never NULL after setup() */
	bool has_root;
	paddr_t root;			   /* physical address of the top page table */
	vaddr_t tables_first, tables_last; /* the addresses that the tables are for; 0 and UINT64_MAX unless set */
	bool sign_extended;   /* bits of an address above those of the tables have to be like the highest of these */
	vaddr_t tables_zero;  /* bits that no address of the tables has */
	bool pte_big_endian;  /* byte order of table entries; that of the kernel unless set */
	uint64_t pte_mask;    /* the address bits of a table entry */
	unsigned pte_form;    /* of a machine whose kernels have used several: its own number of it */
	uint64_t phys_base;   /* as the dump's sub header wants it; may be "negative" */
	pfn_t pfn_base;	      /* the page that kdump-compressed files call number 0; 0 but on arm */
	pfn_t flat_start;     /* the page whose struct page mem_map points at, where memory is flat */
	vaddr_t tag_mask;     /* bits of pointers that are no part of an address, where bit 55 is set; else 0 */
	vaddr_t kernel_start; /* no kernel data lies below */
	unsigned section_bits, physmem_bits;
	/* values of MAX_PHYSMEM_BITS that kernels of this machine have had, which LENGTH(mem_section) decides; 0 ends */
	const uint8_t *physmem_tries;
	const uint8_t *section_tries; /* likewise of SECTION_SIZE_BITS, where MAX_PHYSMEM_BITS never was another */
	struct linear_range linear[LINEAR_RANGES_MAX];
	size_t n_linear;
	struct mapping *pieces; /* mappings that the kernel keeps in a list of its own; sorted, apart; owned */
	size_t n_pieces;
};

enum pte_kind { PTE_ABSENT, PTE_TABLE, PTE_LEAF };

/* What a table entry leads to. */
struct pte {
	paddr_t target;
	unsigned shift;	      /* log2 of the bytes that one entry of this level maps; a leaf may change it */
	unsigned first, last; /* of a table: the entries that it has; 0 and UINT_MAX unless set */
};

#define ORDER_LITTLE 1u
#define ORDER_BIG 2u
#define CLASS_ELF32 1u
#define CLASS_ELF64 2u

struct arch_ops {
	const char *name;
	unsigned elf_machine;
	unsigned elf_classes; /* of dumps of this machine: the class is no proof of the size of a long */
	unsigned orders;      /* byte orders that its kernels have */
	unsigned long_bytes;
	unsigned default_page_shift; /* 0: VMCOREINFO must tell */
	unsigned compound_shift_max; /* log2 of the bytes of the largest compound page */
	/* where the kernel image is linked to, and the alignment that it keeps when it is moved; 0: it is not */
	vaddr_t image_start;
	uint64_t image_len_max, image_align;
	/* From VMCOREINFO and the file's segments to the address map; never fails: what is unknown stays unset. */
	void (*setup)(const struct kernel *k, struct arch_state *a);
	/*
	 * From memory, once addresses that need no page tables can be translated: what VMCOREINFO does not tell.  May be
	 * NULL.  `a` is the state that `km` works with.  Fails with E_NOMEM only.
	 */
	enum status (*learn)(struct kmem *km, struct arch_state *a, struct err *e);
	/* What one entry of the table of level `level` (0 is the lowest) says; `out` is filled with the defaults. */
	enum pte_kind (*decode_pte)(const struct arch_state *a, uint64_t pte, unsigned level, struct pte *out);
};

/* The machine of an ELF file; NULL when this build does not know it. */
const struct arch_ops *arch_find(unsigned elf_machine, bool elf64);

/* The byte order of a kernel whose file has this one: the other, where the machine has no choice. */
bool arch_order(const struct arch_ops *arch, bool file_is_big_endian);

/* The state before setup(). */
struct arch_state arch_state_unset(bool big_endian);

/* Adds a range; one that is empty, or too many, is left out. */
void arch_add_linear(struct arch_state *a, struct linear_range r);
/* Where `vaddr` lies by the ranges of at least that trust, and how many bytes from there on; false: in none of them. */
bool arch_linear(const struct arch_state *a, vaddr_t vaddr, enum range_trust least, paddr_t *paddr, uint64_t *left);

/* The smallest physical address of the file's segments; PADDR_NONE: it has none. */
paddr_t arch_first_ram(const struct kernel *k);

/*
 * The part of the kernel image in which VMCOREINFO's symbols are, `offset` below its virtual addresses: a last resort, as
 * other mappings follow it.  Empty without symbols.
 */
struct linear_range arch_image_range(const struct kernel *k, uint64_t offset);

/* Do the page tables, as the state is now, lead from `vaddr` to `paddr`? */
bool arch_walks_to(struct kmem *km, vaddr_t vaddr, paddr_t paddr);

/* Has the dumped machine memory at `at`? */
bool arch_has_memory(const struct kernel *k, paddr_t at);

/* Told about each table entry that a walk reads: its address and its value. */
typedef void paging_step_fn(void *data, const char *level, paddr_t entry_at, uint64_t entry);

/*
 * Walks the page tables for `vaddr`.  E_UNREADABLE: a table cannot be read; E_MISSING: not mapped, or the root
 * is unknown.  Either way every address of `found` leads through the same entries to the same end.  `step` may be NULL.
 */
enum status paging_walk(struct kmem *km, vaddr_t vaddr, struct mapping *found, paging_step_fn *step, void *data,
			struct err *e) MUST_CHECK;

/* Told about an entry that maps memory, at which level, and what it says; false: that was enough. */
typedef bool paging_leaf_fn(void *data, unsigned level, uint64_t entry, const struct pte *leaf);

/*
 * Shows entries that map memory, in the order of their addresses, until `fn` has enough.  Looks at so many tables at most, and
 * passes over those that cannot be read.
 */
#define PAGING_TABLES 64 /* that show all that is to be seen */
void paging_visit(struct kmem *km, unsigned tables_max, paging_leaf_fn *fn, void *data);

/* How well the form of tables that the state has fits them: of some entries, how many lead to memory, less those that do not. */
int paging_score(struct kmem *km);

extern const struct arch_ops arch_arm;
extern const struct arch_ops arch_arm64;
extern const struct arch_ops arch_ia64;
extern const struct arch_ops arch_loongarch64;
extern const struct arch_ops arch_mips64;
extern const struct arch_ops arch_ppc64;
extern const struct arch_ops arch_ppc;
extern const struct arch_ops arch_riscv64;
extern const struct arch_ops arch_s390x;
extern const struct arch_ops arch_sparc64;
extern const struct arch_ops arch_x86;
extern const struct arch_ops arch_x86_64;

#endif
