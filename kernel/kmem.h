/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One user's way into the kernel's memory: a reader, a few cached pages, a few remembered translations. */
#ifndef KERNEL_KMEM_H
#define KERNEL_KMEM_H

#include <stdbool.h>

#include "arch/arch.h"
#include "cache.h"
#include "input/mem_source.h"

struct kernel;
struct kmem;

/* Opens a way into `k`, which must outlive it.  One per thread. */
enum status kmem_open(struct kmem **km, const struct kernel *k, struct err *e) MUST_CHECK;
void kmem_close(struct kmem *km);
DEFINE_AUTO(kmem);

const struct kernel *kmem_kernel(const struct kmem *km);

/* Lets go of all translations that were remembered: the address map has changed. */
void kmem_forget(struct kmem *km);

/*
 * Where `vaddr` lies in physical memory, and how many bytes from there on are mapped in one piece (may be
 * NULL).  E_MISSING: not mapped; E_UNREADABLE: a page table cannot be read.
 */
enum status kmem_translate(struct kmem *km, vaddr_t vaddr, paddr_t *paddr, uint64_t *left, struct err *e) MUST_CHECK;

/* The same by what needs no page tables: ranges that are fixed, and lists that the kernel keeps. */
bool kmem_translate_fixed(const struct kmem *km, vaddr_t vaddr, paddr_t *paddr);

/* Copies `len` bytes; fails as kmem_translate() and mem_read() do. */
enum status kmem_read(struct kmem *km, vaddr_t vaddr, void *buf, size_t len, struct err *e) MUST_CHECK;
enum status kmem_read_phys(struct kmem *km, paddr_t at, void *buf, size_t len, struct err *e) MUST_CHECK;

/* An unsigned long or pointer, and an unsigned int, of the dumped machine. */
enum status kmem_read_ulong(struct kmem *km, vaddr_t vaddr, uint64_t *value, struct err *e) MUST_CHECK;
enum status kmem_read_u32(struct kmem *km, vaddr_t vaddr, uint32_t *value, struct err *e) MUST_CHECK;

/*
 * Lends bytes at `vaddr` without copying them where the source is mapped: between 1 and `len`, see mem_view();
 * kmem_view_intact() tells afterwards whether they were good.
 */
enum status kmem_view(struct kmem *km, vaddr_t vaddr, size_t len, struct span *out, struct err *e) MUST_CHECK;
bool kmem_view_intact(const struct kmem *km);

struct cache_counts kmem_cache_counts(const struct kmem *km);

#endif
