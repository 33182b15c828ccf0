/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ppc64, server processors: hash and radix tables, pages of 4 and 64 KiB, both byte orders, a list of struct pages. */
#include <inttypes.h>
#include <stdlib.h>

#include "arch/arch.h"
#include "base/bytes.h"
#include "format/elf_core.h"
#include "input/mem_source.h"
#include "kernel/kernel.h"
#include "kernel/kmem.h"
#include "print_info.h"

#define LINEAR UINT64_C(0xc000000000000000)
#define LINEAR_LEN_MAX (UINT64_C(1) << 51) /* c008..., where vmalloc begins at the latest */

/* --- forms of tables ------------------------------------------------------------------------------------- */

/*
 * With hash tables the hardware looks into others than those that are walked here: Linux's own, which have neither the
 * linear map nor the struct pages.
 */
static const struct paging radix_64k = { "radix, 64 KiB", 8, { 16, 5, 9, 9, 13 }, { "PTE", "PMD", "PUD", "PGD" } };
static const struct paging radix_4k = { "radix, 4 KiB", 8, { 12, 9, 9, 9, 13 }, { "PTE", "PMD", "PUD", "PGD" } };

struct geometry {
	uint32_t before; /* the kernel that has the next one */
	struct paging paging;
};
static const struct geometry hash_64k[] = {
	{ KVERSION(3, 10), { "hash, 64 KiB, 12+12+4", 8, { 16, 12, 12, 4 }, { "PTE", "PMD", "PGD" } } },
	{ KVERSION(4, 6), { "hash, 64 KiB, 8+10+12", 8, { 16, 8, 10, 12 }, { "PTE", "PMD", "PGD" } } },
	{ KVERSION(4, 12), { "hash, 64 KiB, 8+5+5+12", 8, { 16, 8, 5, 5, 12 }, { "PTE", "PMD", "PUD", "PGD" } } },
	{ KVERSION(4, 17), { "hash, 64 KiB, 8+10+7+8", 8, { 16, 8, 10, 7, 8 }, { "PTE", "PMD", "PUD", "PGD" } } },
	{ UINT32_MAX, { "hash, 64 KiB, 8+10+10+8", 8, { 16, 8, 10, 10, 8 }, { "PTE", "PMD", "PUD", "PGD" } } },
};
static const struct geometry hash_4k[] = {
	{ KVERSION(3, 7), { "hash, 4 KiB, 9+7+7+9", 8, { 12, 9, 7, 7, 9 }, { "PTE", "PMD", "PUD", "PGD" } } },
	{ UINT32_MAX, { "hash, 4 KiB, 9+7+9+9", 8, { 12, 9, 7, 9, 9 }, { "PTE", "PMD", "PUD", "PGD" } } },
};

/*
 * What entries look like.  Up to 4.5 they hold page frame numbers and virtual addresses of tables; since 4.6 physical
 * addresses, and large pages.
 */
struct form {
	uint32_t before;
	uint64_t present, table_present; /* table_present 0: whatever is not zero leads to a table */
	unsigned pfn_shift;		 /* 0: the address is in its place */
	uint64_t pte_bits;		 /* which is this */
	uint64_t pmd_low, up_low; /* what lies below the address of a table in entries of level 1, and above it */
};

#define BIT_63 (UINT64_C(1) << 63)
#define LEAF (UINT64_C(1) << 62)

static const struct form forms_64k[] = {
	/* pages of 64 KiB may be made of 4 KiB ones for the hardware, which takes two bits more */
	{ KVERSION(3, 11), 1, 0, 30, 0, 0x1ff, 0x1ff },
	{ KVERSION(4, 5), 1, 0, 30, 0, 0xfff, 0x1ff },
	{ KVERSION(4, 6), 2, 0, 30, 0, 0xfff, 0x1ff },
	{ KVERSION(4, 7), BIT_63, 0, 0, UINT64_C(0x01ffffffffff0000), 0xff, 0xff },
	{ KVERSION(4, 11), BIT_63, BIT_63, 0, UINT64_C(0x01ffffffffff0000), 0xff, 0xff },
	{ UINT32_MAX, BIT_63, BIT_63, 0, UINT64_C(0x001fffffffff0000), 0xff, 0xff },
};
static const struct form forms_4k[] = {
	{ KVERSION(4, 5), 1, 0, 17, 0, 0, 0 },
	{ KVERSION(4, 6), 2, 0, 18, 0, 0, 0 },
	{ KVERSION(4, 7), BIT_63, 0, 0, UINT64_C(0x01fffffffffff000), 0, 0 },
	{ KVERSION(4, 11), BIT_63, BIT_63, 0, UINT64_C(0x01fffffffffff000), 0xff, 0xff },
	{ UINT32_MAX, BIT_63, BIT_63, 0, UINT64_C(0x001ffffffffff000), 0xff, 0xff },
};
#define FORMS_4K_AT 16	       /* pte_form of the first of these */
#define ADDRESS_LIMIT_SHIFT 52 /* as much as a dump may have */

static const struct form *form_of(const struct arch_state *a)
{
	return a->pte_form < FORMS_4K_AT ? &forms_64k[a->pte_form] : &forms_4k[a->pte_form - FORMS_4K_AT];
}

static unsigned find_form(bool pages_64k, uint32_t version)
{
	const struct form *first = pages_64k ? forms_64k : forms_4k, *f = first;

	while (version >= f->before)
		f++;
	return (unsigned)(f - first) + (pages_64k ? 0 : FORMS_4K_AT);
}

static const struct paging *find_hash_paging(bool pages_64k, uint32_t version)
{
	const struct geometry *g = pages_64k ? hash_64k : hash_4k;

	while (version >= g->before)
		g++;
	return &g->paging;
}

static enum pte_kind ppc64_decode_pte(const struct arch_state *a, uint64_t pte, unsigned level, struct pte *out)
{
	const struct form *f = form_of(a);
	bool is_table = level && (f->pfn_shift || !(pte & LEAF));

	if (is_table) {
		out->target = pte & ~(level == 1 ? f->pmd_low : f->up_low);
		if (f->pfn_shift)
			out->target -= LINEAR;
		else
			out->target &= ~(BIT_63 | LEAF);
		/* what lacks the highest bit is a directory of huge pages, which the kernel itself does not use */
		if (!pte || (pte & f->table_present) != f->table_present)
			return PTE_ABSENT;
	} else {
		out->target = f->pfn_shift ? (pte >> f->pfn_shift) << a->paging->bits[0] : pte & f->pte_bits;
		if (!(pte & f->present))
			return PTE_ABSENT;
	}
	if (out->target >> ADDRESS_LIMIT_SHIFT)
		return PTE_ABSENT;
	return is_table ? PTE_TABLE : PTE_LEAF;
}

/* --- from facts ------------------------------------------------------------------------------------------ */

/* A kernel whose version nobody tells is taken for a new one. */
static uint32_t version_of(const struct kernel *k)
{
	return k->version ? k->version : UINT32_MAX - 1;
}

static bool has_64k_pages(const struct kernel *k)
{
	return k->target.page_shift == 16;
}

static const struct paging *radix_paging(const struct kernel *k)
{
	return has_64k_pages(k) ? &radix_64k : &radix_4k;
}

static void ppc64_setup(const struct kernel *k, struct arch_state *a)
{
	static const uint8_t tries[] = { 44, 46, 47, 51, 0 };
	bool pages_64k = has_64k_pages(k), told_radix = fact_or(&k->facts, F_radix_mmu, 0) == 1;
	vaddr_t root = fact(&k->facts, F_root_table), vmalloc = fact_or(&k->facts, F_vmalloc_start, 0);
	vaddr_t end = LINEAR + min_u64(k->src->end, LINEAR_LEN_MAX);

	a->paging = told_radix ? radix_paging(k) : find_hash_paging(pages_64k, version_of(k));
	a->pte_form = find_form(pages_64k, version_of(k));
	/* since 5dc1ef858c12 ("powerpc/mm: Use big endian Linux page tables for book3s 64") (v4.7) as the hardware has them */
	if (version_of(k) >= KVERSION(4, 7))
		a->pte_big_endian = true;
	a->has_root = fact_known(&k->facts, F_root_table) && root >= LINEAR && root < end;
	a->root = root - LINEAR;
	/* the highest four bits are the region's: c, d, f */
	a->tables_first = LINEAR;
	a->tables_zero = UINT64_C(0x0ff0000000000000);
	a->section_bits = 24;
	a->physmem_bits = 46;
	a->physmem_tries = tries;
	a->kernel_start = LINEAR;
	arch_add_linear(a, (struct linear_range){ .start = LINEAR,
						  .end = vmalloc > LINEAR ? min_u64(end, vmalloc) : end,
						  .trust = RANGE_FIXED });
}

/* --- from memory: which tables ----------------------------------------------------------------------------- */

/* Only radix tables have the linear map, so only when read as such the tables lead to themselves. */
static void find_tables(struct kmem *km, struct arch_state *a)
{
	const struct kernel *k = kmem_kernel(km);
	const struct paging *by_facts = a->paging;

	if (!a->has_root || version_of(k) < KVERSION(4, 7))
		return;
	a->paging = radix_paging(k);
	if (!arch_walks_to(km, LINEAR + a->root, a->root))
		a->paging = by_facts;
}

/* --- from memory: the list of what lies behind struct pages ------------------------------------------------ */

/* However long a hostile list is: so many entries are read, and so many kept of those that do not continue others. */
#define ENTRIES_MAX (1u << 23)
#define PIECES_MIN 64
#define PIECES_MAX (1u << 18) /* 6 MiB; of 16 MiB each they describe 4 PiB of memory */
#define CHUNK_SHIFT_MIN 12
#define CHUNK_SHIFT_MAX 34
#define PAGE_SIZES_MAX 64 /* in mmu_psize_defs; kernels have 16 at most */

static int by_address(const void *a, const void *b)
{
	const struct mapping *x = a, *y = b;

	return x->vaddr < y->vaddr ? -1 : x->vaddr > y->vaddr;
}

/* Sorts the pieces and joins those that continue one another; of two that overlap the second is cut. */
static void tidy_pieces(struct arch_state *a)
{
	size_t n = 0;

	if (a->n_pieces)
		qsort(a->pieces, a->n_pieces, sizeof(*a->pieces), by_address);
	for (size_t i = 0; i < a->n_pieces; i++) {
		struct mapping *last = n ? &a->pieces[n - 1] : NULL, p = a->pieces[i];
		uint64_t shared = last && p.vaddr - last->vaddr < last->len ? last->vaddr + last->len - p.vaddr : 0;

		if (shared >= p.len)
			continue;
		p.vaddr += shared;
		p.paddr += shared;
		p.len -= shared;
		if (last && last->vaddr + last->len == p.vaddr && last->paddr + last->len == p.paddr)
			last->len += p.len;
		else
			a->pieces[n++] = p;
	}
	a->n_pieces = n;
}

/* Room for one more; *has says whether there is.  Fails with E_NOMEM. */
static enum status make_room(struct arch_state *a, size_t *room, bool *has, struct err *e)
{
	size_t wanted = max_u64(*room * 2, PIECES_MIN);
	struct mapping *more;

	*has = true;
	if (a->n_pieces < *room)
		return OK;
	tidy_pieces(a);
	if (a->n_pieces < *room / 2)
		return OK;
	*has = a->n_pieces < *room;
	if (wanted > PIECES_MAX)
		return OK;
	more = realloc(a->pieces, wanted * sizeof(*more));
	if (!more)
		return err_nomem(e, wanted * sizeof(*more));
	a->pieces = more;
	*room = wanted;
	*has = true;
	return OK;
}

/* How many bytes an entry of the list stands for, as a power of two; 0: that cannot be known. */
static unsigned find_chunk_shift(const struct kernel *k, struct kmem *km)
{
	const struct facts *f = &k->facts;
	uint32_t number, shift;
	struct err e;

	if (!fact_known(f, F_mmu_psize_defs) || !fact_known(f, F_mmu_vmemmap_psize) ||
	    !fact_known(f, F_psize_def_size) || !fact_known(f, F_psize_def_shift) ||
	    kmem_read_u32(km, fact(f, F_mmu_vmemmap_psize), &number, &e) || number >= PAGE_SIZES_MAX)
		return 0;
	if (kmem_read_u32(km,
			  fact(f, F_mmu_psize_defs) + number * fact(f, F_psize_def_size) + fact(f, F_psize_def_shift),
			  &shift, &e))
		return 0;
	return shift < CHUNK_SHIFT_MIN || shift > CHUNK_SHIFT_MAX ? 0 : shift;
}

/* Hash tables always have it, radix ones up to 6.5; the newest entry is the first. */
static enum status read_vmemmap_list(struct kmem *km, struct arch_state *a, struct err *e)
{
	const struct kernel *k = kmem_kernel(km);
	const struct facts *f = &k->facts;
	unsigned shift = find_chunk_shift(k, km), n = 0, mark_next = 1;
	vaddr_t at, next, mark = 0;
	struct err unread;
	size_t room = 0;
	bool has = true;

	if (!shift || !fact_known(f, F_vmemmap_list) || !fact_known(f, F_backing_phys) ||
	    !fact_known(f, F_backing_virt) || !fact_known(f, F_backing_list) ||
	    kmem_read_ulong(km, fact(f, F_vmemmap_list), &at, &unread))
		return OK;
	/* a list that comes back to where it was goes round for ever */
	for (; at && at != mark && n < ENTRIES_MAX; n++, at = next) {
		struct mapping p = { .len = UINT64_C(1) << shift };

		if (n == mark_next) {
			mark = at;
			mark_next *= 2;
		}
		if (kmem_read_ulong(km, at + fact(f, F_backing_phys), &p.paddr, &unread) ||
		    kmem_read_ulong(km, at + fact(f, F_backing_virt), &p.vaddr, &unread) ||
		    kmem_read_ulong(km, at + fact(f, F_backing_list), &next, &unread))
			break;
		if (p.vaddr < LINEAR || p.vaddr > UINT64_MAX - p.len || p.paddr >= k->src->end)
			continue;
		/* both are multiples of the size; one page must not lead to two places */
		if ((p.vaddr | p.paddr) & (PAGE_SIZE_MIN - 1))
			continue;
		if (make_room(a, &room, &has, e))
			return e->status;
		if (!has)
			break;
		a->pieces[a->n_pieces++] = p;
	}
	tidy_pieces(a);
	message(MSG_DEBUG, "vmemmap_list : %u entries of %" PRIu64 " bytes, %zu pieces%s\n", n, UINT64_C(1) << shift,
		a->n_pieces, at ? "; the rest is damaged" : "");
	return OK;
}

static enum status ppc64_learn(struct kmem *km, struct arch_state *a, struct err *e)
{
	find_tables(km, a);
	return read_vmemmap_list(km, a, e);
}

const struct arch_ops arch_ppc64 = {
	.name = "ppc64",
	.elf_machine = ELF_EM_PPC64,
	.elf_classes = CLASS_ELF64,
	.orders = ORDER_LITTLE | ORDER_BIG,
	.long_bytes = 8,
	.compound_shift_max = 34,
	.setup = ppc64_setup,
	.learn = ppc64_learn,
	.decode_pte = ppc64_decode_pte,
};
