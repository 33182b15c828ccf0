/* SPDX-License-Identifier: GPL-2.0-or-later */
/* s390x: virtual is physical up to 6.9; since 6.10 the image and the identity mapping have places of their own. */
#include <limits.h>

#include "arch/arch.h"
#include "base/bytes.h"
#include "format/elf_core.h"
#include "kernel/kernel.h"
#include "kernel/kmem.h"

#define LOWCORE_LEN 0x2000
#define LOWCORE_OS_INFO 0xe18 /* where the address of struct os_info is */
#define OS_INFO_LEN 4096
#define OS_INFO_MAGIC UINT64_C(0x4f53494e464f535a) /* "OSINFOSZ" */
#define OS_INFO_CHECKED 12			   /* its checksum is over the bytes from there on */
#define OS_INFO_ENTRIES 32
#define OS_INFO_ENTRY_LEN 20
#define IMAGE_LEN_MAX (UINT64_C(512) << 20) /* KERNEL_IMAGE_SIZE */
#define ADDRESS_LIMIT_SHIFT 52

/* Entries of region and segment tables, and of page tables. */
#define ADDRESS_BITS (~UINT64_C(0xfff))
#define PAGE_TABLE_BITS (~UINT64_C(0x7ff))
#define ENTRY_INVALID 0x20
#define ENTRY_TYPE(e) ((unsigned)(e) >> 2 & 3) /* of the table that has the entry: 0 segments, 3 the highest regions */
#define ENTRY_LARGE 0x400
#define ENTRY_FIRST(e) ((unsigned)(e) >> 6 & 3) /* of the next table, in quarters of it */
#define ENTRY_LAST(e) ((unsigned)(e)&3)
#define PTE_INVALID 0x400
#define PTE_ZERO 0x800
#define REGION_ENTRIES 2048
#define QUARTER (REGION_ENTRIES / 4)

/* Which of them a kernel has, the entries of its highest table say. */
static const struct paging of_levels[] = {
	{ "2 levels", 8, { 12, 8, 11 }, { "PTE", "PMD" } },
	{ "3 levels", 8, { 12, 8, 11, 11 }, { "PTE", "PMD", "PUD" } },
	{ "4 levels", 8, { 12, 8, 11, 11, 11 }, { "PTE", "PMD", "PUD", "P4D" } },
	{ "5 levels", 8, { 12, 8, 11, 11, 11, 11 }, { "PTE", "PMD", "PUD", "P4D", "PGD" } },
};

/* 46 up to 4.19, 42 before 3.3; then configurable.  Falling, as the length is that of an array of roots. */
static const uint8_t physmem_tries[] = { 53, 52, 51, 50, 49, 48, 47, 46, 45, 44, 43, 42, 0 };

/* The places of a kernel that does not have virtual addresses equal to physical ones. */
struct places {
	vaddr_t image, image_end, identity;
	vaddr_t vmemmap; /* 0: unknown */
	vaddr_t amode31, amode31_end;
	paddr_t image_paddr;
};

static void add_places(const struct kernel *k, struct arch_state *a, const struct places *p)
{
	vaddr_t identity_end = k->src->end < UINT64_MAX - p->identity ? p->identity + k->src->end : UINT64_MAX;

	if (p->vmemmap > p->identity && p->vmemmap < identity_end)
		identity_end = p->vmemmap;
	a->n_linear = 0;
	arch_add_linear(a, (struct linear_range){ .end = LOWCORE_LEN, .trust = RANGE_FIXED });
	arch_add_linear(
		a, (struct linear_range){
			   .start = p->amode31, .end = p->amode31_end, .paddr = p->amode31, .trust = RANGE_FIXED });
	arch_add_linear(a, (struct linear_range){ .start = p->image,
						  .end = p->image_end,
						  .paddr = p->image_paddr,
						  .sample = fact_or(&k->facts, F_stext, fact(&k->facts, F_uts_ns)) });
	/* the array of roots of sections was allocated at boot: it has no other address */
	arch_add_linear(a, (struct linear_range){ .start = p->identity,
						  .end = identity_end,
						  .sample = fact(&k->facts, F_mem_section) });
}

/* Virtual is physical up to `end`; above are struct pages, vmalloc and modules. */
static void add_identity(struct arch_state *a, vaddr_t end)
{
	a->n_linear = 0;
	arch_add_linear(a, (struct linear_range){ .end = end, .trust = RANGE_FIXED });
}

static void find_root(const struct kernel *k, struct arch_state *a)
{
	uint64_t left;

	a->has_root = fact_known(&k->facts, F_root_table) &&
		      arch_linear(a, fact(&k->facts, F_root_table), RANGE_GUESS, &a->root, &left) &&
		      !(a->root & (PAGE_SIZE_MIN - 1));
}

static void s390x_setup(const struct kernel *k, struct arch_state *a)
{
	const struct facts *f = &k->facts;

	a->paging = &of_levels[1];
	a->section_bits = 28;
	a->physmem_bits = 46;
	a->physmem_tries = physmem_tries;
	a->pte_mask = ADDRESS_BITS;
	/* only kernels whose image has an address of its own tell its physical one */
	if (fact_known(f, F_kernel_paddr) && fact_or(f, F_kernel_offset, 0))
		add_places(k, a,
			   &(struct places){ .image = fact(f, F_kernel_offset),
					     .image_end = fact(f, F_kernel_offset) + IMAGE_LEN_MAX,
					     .identity = fact_or(f, F_identity_base, 0),
					     .vmemmap = fact_or(f, F_vmemmap, 0),
					     .amode31 = fact_or(f, F_amode31_start, 0),
					     .amode31_end = fact_or(f, F_amode31_end, 0),
					     .image_paddr = fact(f, F_kernel_paddr) });
	else
		add_identity(a, k->src->end);
	find_root(k, a);
}

/* --- what memory tells ------------------------------------------------------------------------------------- */

static uint32_t checksum(const uint8_t *words, size_t len)
{
	uint64_t sum = 0;

	for (size_t i = 0; i + 4 <= len; i += 4) {
		sum += get_u32(words + i, true);
		sum = (sum & UINT32_MAX) + (sum >> 32);
	}
	return (uint32_t)sum;
}

static uint64_t os_info_value(const uint8_t *info, unsigned entry)
{
	return get_u64(info + OS_INFO_ENTRIES + entry * OS_INFO_ENTRY_LEN, true);
}

/* The kernel leaves its places for tools like this one at a fixed address; false: it is older, or they are damaged. */
static bool read_os_info(struct kmem *km, struct places *p)
{
	uint8_t info[OS_INFO_LEN], pointer[8];
	struct err e;
	paddr_t at;

	if (kmem_read_phys(km, LOWCORE_OS_INFO, pointer, sizeof(pointer), &e))
		return false;
	at = get_u64(pointer, true);
	if (!at || at & (PAGE_SIZE_MIN - 1) || kmem_read_phys(km, at, info, sizeof(info), &e) ||
	    get_u64(info, true) != OS_INFO_MAGIC ||
	    get_u32(info + 8, true) != checksum(info + OS_INFO_CHECKED, OS_INFO_LEN - OS_INFO_CHECKED))
		return false;
	*p = (struct places){ .identity = os_info_value(info, 4),
			      .image = os_info_value(info, 5),
			      .image_paddr = os_info_value(info, 6),
			      .vmemmap = os_info_value(info, 7),
			      .amode31 = os_info_value(info, 8),
			      .amode31_end = os_info_value(info, 9),
			      .image_end = os_info_value(info, 11) };
	if (p->image_end < p->image || p->image_end - p->image > IMAGE_LEN_MAX)
		p->image_end = p->image + IMAGE_LEN_MAX;
	return p->image != 0;
}

/* Where memory ends that has virtual addresses equal to physical ones. */
static void limit_identity(const struct kernel *k, struct kmem *km, struct arch_state *a)
{
	vaddr_t end = k->src->end;
	uint64_t high;
	struct err e;

	if (fact_known(&k->facts, F_high_memory) && !kmem_read_ulong(km, fact(&k->facts, F_high_memory), &high, &e) &&
	    high && high < end && !(high & (PAGE_SIZE_MIN - 1)))
		end = high;
	add_identity(a, end);
}

static void find_levels(struct kmem *km, struct arch_state *a)
{
	unsigned type = 1;

	for (unsigned i = 0; a->has_root && i < REGION_ENTRIES; i++) {
		uint8_t raw[8];
		uint64_t entry;
		struct err e;

		if (kmem_read_phys(km, a->root + i * sizeof(raw), raw, sizeof(raw), &e))
			break;
		entry = get_u64(raw, true);
		if (entry & ENTRY_INVALID || !(entry & ADDRESS_BITS))
			continue;
		type = ENTRY_TYPE(entry);
		break;
	}
	a->paging = &of_levels[type];
	/* the highest regions are those that 64 bits can name */
	a->tables_last = type == 3 ? UINT64_MAX : (UINT64_C(1) << (31 + 11 * type)) - 1;
}

static enum status s390x_learn(struct kmem *km, struct arch_state *a, struct err *e)
{
	const struct kernel *k = kmem_kernel(km);
	struct places p;

	(void)e;
	if (read_os_info(km, &p))
		add_places(k, a, &p);
	else if (a->n_linear == 1)
		limit_identity(k, km, a);
	find_root(k, a);
	find_levels(km, a);
	return OK;
}

/* --- tables -------------------------------------------------------------------------------------------------- */

static enum pte_kind s390x_decode_pte(const struct arch_state *a, uint64_t pte, unsigned level, struct pte *out)
{
	enum pte_kind kind = PTE_LEAF;

	out->target = pte & a->pte_mask;
	if (level == 0) {
		if (pte & (PTE_INVALID | PTE_ZERO))
			return PTE_ABSENT;
	} else if (pte & ENTRY_INVALID || ENTRY_TYPE(pte) != level - 1) {
		return PTE_ABSENT;
	} else if (level > 2 || !(pte & ENTRY_LARGE)) {
		kind = PTE_TABLE;
		if (level == 1) {
			out->target = pte & PAGE_TABLE_BITS;
		} else {
			out->first = ENTRY_FIRST(pte) * QUARTER;
			out->last = ENTRY_LAST(pte) * QUARTER + QUARTER - 1;
		}
		/* the beginning of memory is the machine's own */
		if (!out->target)
			return PTE_ABSENT;
	}
	return out->target >> ADDRESS_LIMIT_SHIFT ? PTE_ABSENT : kind;
}

const struct arch_ops arch_s390x = {
	.name = "s390x",
	.elf_machine = ELF_EM_S390,
	.elf_classes = CLASS_ELF64, /* the other one is 31-bit s390 */
	.orders = ORDER_BIG,
	.long_bytes = 8,
	.default_page_shift = 12,
	.compound_shift_max = 31,
	.setup = s390x_setup,
	.learn = s390x_learn,
	.decode_pte = s390x_decode_pte,
};
