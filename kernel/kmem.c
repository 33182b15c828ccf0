/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One user's way into the kernel's memory: a reader, a few cached pages, a few remembered translations. */
#include "kernel/kmem.h"

#include <inttypes.h>
#include <string.h>

#include "base/bytes.h"
#include "kernel/kernel.h"

/* Struct pages are read in rising order, mostly from 2 MiB mappings; a few entries keep other reads apart. */
#define TLB_ENTRIES 16
#define TLB_SHIFT 21

/* What follows is likely to be asked for too: a mapping that is filled at once may be so large as a chunk of struct pages. */
#define VIEW_AHEAD ((uint64_t)2 << 20)

struct kmem {
	const struct kernel *k;
	struct mem_reader *small, *bulk;
	struct page_cache *cache;
	struct mapping tlb[TLB_ENTRIES]; /* len 0: empty */
};

enum status kmem_open(struct kmem **out, const struct kernel *k, struct err *e)
{
	AUTO(kmem) *km = calloc(1, sizeof(*km));

	if (!km)
		return err_nomem(e, sizeof(*km));
	km->k = k;
	if (mem_reader_open(&km->small, k->src, READER_SMALL, e) ||
	    mem_reader_open(&km->bulk, k->src, READER_STRUCTS, e) || page_cache_open(&km->cache, km->small, e))
		return e->status;
	*out = km;
	km = NULL;
	return OK;
}

void kmem_close(struct kmem *km)
{
	if (km->cache)
		page_cache_close(km->cache);
	if (km->bulk)
		mem_reader_close(km->bulk);
	if (km->small)
		mem_reader_close(km->small);
	free(km);
}

const struct kernel *kmem_kernel(const struct kmem *km)
{
	return km->k;
}

void kmem_forget(struct kmem *km)
{
	memset(km->tlb, 0, sizeof(km->tlb));
}

/* How many mappings that the kernel keeps in a list of its own begin at or below an address. */
static size_t count_pieces(const struct arch_state *a, vaddr_t vaddr)
{
	size_t low = 0, high = a->n_pieces;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (vaddr < a->pieces[middle].vaddr)
			high = middle;
		else
			low = middle + 1;
	}
	return low;
}

static const struct mapping *find_piece(const struct arch_state *a, vaddr_t vaddr)
{
	size_t n = count_pieces(a, vaddr);

	return n && vaddr - a->pieces[n - 1].vaddr < a->pieces[n - 1].len ? &a->pieces[n - 1] : NULL;
}

/* Shortens `m`, which `vaddr` is in, to where a stretch that `vaddr` is not in has no part of it. */
static void leave_out(struct mapping *m, vaddr_t vaddr, vaddr_t start, uint64_t len)
{
	uint64_t overlap;

	if (start > vaddr) {
		m->len = min_u64(m->len, start - m->vaddr);
	} else if (start + len > m->vaddr) {
		overlap = start + len - m->vaddr;
		m->vaddr += overlap;
		m->paddr += overlap;
		m->len -= overlap;
	}
}

/*
 * What holds for an address holds for its neighbours only where nothing else is asked before: an address leads to one place,
 * whatever was looked up before it.
 */
static void leave_out_linear(const struct arch_state *a, vaddr_t vaddr, struct mapping *m)
{
	for (size_t i = 0; i < a->n_linear; i++)
		if (a->linear[i].trust >= RANGE_PROVEN)
			leave_out(m, vaddr, a->linear[i].start, a->linear[i].end - a->linear[i].start);
}

static void leave_out_pieces(const struct arch_state *a, vaddr_t vaddr, struct mapping *m)
{
	size_t n = count_pieces(a, vaddr);

	if (n)
		leave_out(m, vaddr, a->pieces[n - 1].vaddr, a->pieces[n - 1].len);
	if (n < a->n_pieces)
		leave_out(m, vaddr, a->pieces[n].vaddr, a->pieces[n].len);
}

/* Asks the page tables, and where they are broken takes a guess that nothing contradicts: better than nothing. */
static enum status walk_or_guess(struct kmem *km, vaddr_t vaddr, struct mapping *found, struct err *e)
{
	const struct arch_state *a = &km->k->arch_state;
	enum status st = paging_walk(km, vaddr, found, NULL, NULL, e);
	struct mapping guess = { .vaddr = vaddr };

	leave_out_pieces(a, vaddr, found);
	if (!st)
		return OK;
	if (!arch_linear(a, vaddr, RANGE_GUESS, &guess.paddr, &guess.len))
		return st;
	guess.len = min_u64(guess.len, found->len - (vaddr - found->vaddr));
	*found = guess;
	return OK;
}

enum status kmem_translate(struct kmem *km, vaddr_t vaddr, paddr_t *paddr, uint64_t *left, struct err *e)
{
	const struct arch_state *a = &km->k->arch_state;
	struct mapping *m = &km->tlb[vaddr >> TLB_SHIFT & (TLB_ENTRIES - 1)];
	uint64_t ignored;

	if (!left)
		left = &ignored;
	if (vaddr >> 55 & 1)
		vaddr |= a->tag_mask;
	if (vaddr - m->vaddr >= m->len) {
		const struct mapping *piece;
		struct mapping found;

		if (arch_linear(a, vaddr, RANGE_PROVEN, paddr, left))
			return OK;
		piece = find_piece(a, vaddr);
		if (piece)
			found = *piece;
		else if (walk_or_guess(km, vaddr, &found, e))
			return e->status;
		leave_out_linear(a, vaddr, &found);
		*m = found;
	}
	*paddr = m->paddr + (vaddr - m->vaddr);
	*left = m->len - (vaddr - m->vaddr);
	return OK;
}

bool kmem_translate_fixed(const struct kmem *km, vaddr_t vaddr, paddr_t *paddr)
{
	const struct arch_state *a = &km->k->arch_state;
	const struct mapping *piece = find_piece(a, vaddr);
	uint64_t left;

	if (arch_linear(a, vaddr, RANGE_FIXED, paddr, &left))
		return true;
	if (piece)
		*paddr = piece->paddr + (vaddr - piece->vaddr);
	return piece != NULL;
}

enum status kmem_read_phys(struct kmem *km, paddr_t at, void *buf, size_t len, struct err *e)
{
	return page_cache_read(km->cache, at, buf, len, e);
}

enum status kmem_read(struct kmem *km, vaddr_t vaddr, void *buf, size_t len, struct err *e)
{
	uint8_t *to = buf;

	while (len) {
		paddr_t at;
		uint64_t left;
		size_t n;

		if (kmem_translate(km, vaddr, &at, &left, e))
			return e->status;
		n = (size_t)min_u64(len, left);
		if (kmem_read_phys(km, at, to, n, e))
			return err_add(e, "virtual address %#" PRIx64, vaddr);
		vaddr += n;
		to += n;
		len -= n;
	}
	return OK;
}

enum status kmem_read_ulong(struct kmem *km, vaddr_t vaddr, uint64_t *value, struct err *e)
{
	const struct target *t = &km->k->target;
	uint8_t raw[8];

	if (kmem_read(km, vaddr, raw, t->long_bytes, e))
		return e->status;
	*value = get_ulong(raw, t->long_bytes, t->big_endian);
	return OK;
}

enum status kmem_read_u32(struct kmem *km, vaddr_t vaddr, uint32_t *value, struct err *e)
{
	uint8_t raw[4];

	if (kmem_read(km, vaddr, raw, sizeof(raw), e))
		return e->status;
	*value = get_u32(raw, km->k->target.big_endian);
	return OK;
}

enum status kmem_view(struct kmem *km, vaddr_t vaddr, size_t len, struct span *out, struct err *e)
{
	paddr_t at;
	uint64_t left;

	if (kmem_translate(km, vaddr, &at, &left, e))
		return e->status;
	mem_reader_expect(km->bulk, at + min_u64(left, VIEW_AHEAD));
	return mem_view(km->bulk, at, (size_t)min_u64(len, left), out, e);
}

bool kmem_view_intact(const struct kmem *km)
{
	return mem_view_intact(km->bulk);
}

struct cache_counts kmem_cache_counts(const struct kmem *km)
{
	return page_cache_counts(km->cache);
}
