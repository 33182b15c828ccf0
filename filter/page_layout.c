/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which kernel keeps what where in struct page. */
#include "filter/page_layout.h"

#include <string.h>

#include "base/bytes.h"
#include "kernel/kernel.h"
#include "print_info.h"

/* Never read as a member: stands for "unknown" until the end of page_layout_resolve(). */
#define NOWHERE UINT16_MAX

struct resolver {
	struct page_layout *l;
	const struct kernel *k;
	unsigned level; /* bits that are still possible */
};

/* --- class by class: what is missing costs only the pages that need it -------------------------------- */

static const struct class_name {
	unsigned level;
	const char *name;
} class_names[] = {
	{ DL_CACHE | DL_CACHE_PRIVATE, "cache pages" },
	{ DL_USER, "user process data pages" },
	{ DL_FREE, "free pages" },
};

/* Takes `bits` out of the level, and says so when the user asked for any of them. */
static void give_up(struct resolver *r, unsigned bits, enum fact_id missing, const char *what)
{
	char label[64];

	for (size_t i = 0; i < ARRAY_SIZE(class_names); i++)
		if (r->level & bits & class_names[i].level)
			message(MSG_COMMON, "%s is %s: %s stay in the dump.\n",
				fact_label(&r->k->facts, missing, label, sizeof(label)), what, class_names[i].name);
	r->level &= ~bits;
}

static const struct facts *facts_of(const struct resolver *r)
{
	return &r->k->facts;
}

/* Offset of a member of `width` bytes; NOWHERE when unknown or outside struct page. */
static uint16_t member(const struct resolver *r, enum fact_id id, unsigned width)
{
	uint64_t at = fact_or(facts_of(r), id, UINT64_MAX);

	return at <= r->l->size - width ? (uint16_t)at : NOWHERE;
}

static uint64_t raw_mask(const struct page_layout *l, uint64_t mask)
{
	uint8_t bytes[8] = { 0 };
	uint64_t raw = 0;
	uint32_t raw32;

	if (l->long64) {
		put_u64(bytes, mask, l->big_endian);
		memcpy(&raw, bytes, sizeof(raw));
		return raw;
	}
	put_u32(bytes, (uint32_t)mask, l->big_endian);
	memcpy(&raw32, bytes, sizeof(raw32));
	return raw32;
}

/* Mask of the flag whose bit number is fact `id`; 0 when it is unknown or no bit number. */
static uint64_t flag(const struct resolver *r, enum fact_id id)
{
	uint64_t bit = fact_or(facts_of(r), id, UINT64_MAX);

	return bit < (r->l->long64 ? 64 : 32) ? raw_mask(r->l, UINT64_C(1) << bit) : 0;
}

static uint32_t raw32(const struct page_layout *l, uint32_t v)
{
	uint8_t bytes[4];
	uint32_t raw;

	put_u32(bytes, v, l->big_endian);
	memcpy(&raw, bytes, sizeof(raw));
	return raw;
}

/*
 * Up to 6.11 a type is one exact value of the word.  Since 6.12, 4ffca5a96678 ("mm: support only one page_type per
 * page"), it is the top byte, and the owner may use the rest: such values end in 24 zero bits.
 */
static struct page_type_test type_test(const struct resolver *r, enum fact_id id)
{
	uint64_t v = fact(facts_of(r), id);
	uint32_t value = (uint32_t)v, mask = value & 0xffffff ? UINT32_MAX : 0xff000000;

	/* the sign extension of a negative int, or the int itself; 0 and -1 are what untyped pages have */
	if (!fact_known(facts_of(r), id) || r->l->type_at == NOWHERE ||
	    (v >> 32 != 0 && v >> 32 != UINT32_MAX) || value == 0 || value == UINT32_MAX)
		return PAGE_TYPE_NEVER;
	return (struct page_type_test){ raw32(r->l, mask), raw32(r->l, value) };
}

/*
 * The type of offline pages is exported with HUGETLB_PAGE only, which many 32-bit machines do not have.  From 5.1,
 * ca215086b14b ("mm: convert PG_balloon to PG_offline"), to 6.10 types were bits of a word: 7 for free pages, 8 for these.
 */
static struct page_type_test untold_offline_type(const struct resolver *r)
{
	struct page_type_test free_by_bit = { raw32(r->l, UINT32_MAX), raw32(r->l, ~(UINT32_C(1) << 7)) };
	uint32_t version = r->k->version;

	if (r->l->buddy.mask != free_by_bit.mask || r->l->buddy.value != free_by_bit.value ||
	    version < KVERSION(5, 1) || version >= KVERSION(6, 11))
		return PAGE_TYPE_NEVER;
	return (struct page_type_test){ raw32(r->l, UINT32_MAX), raw32(r->l, ~(UINT32_C(1) << 8)) };
}

static bool type_known(struct page_type_test t)
{
	return t.mask != 0;
}

static void resolve_members(struct resolver *r)
{
	struct page_layout *l = r->l;
	unsigned long_bytes = l->long64 ? 8 : 4;

	l->flags_at = member(r, F_page_flags, long_bytes);
	l->mapping_at = member(r, F_page_mapping, long_bytes);
	l->type_at = member(r, F_page_mapcount, 4);
	l->private_at = member(r, F_page_private, long_bytes);
	l->head_at = member(r, F_page_head, long_bytes);
	/*
	 * Since 4.4, 1d798ca3f164 ("mm: make compound_head() robust"), bit 0 of the word that also holds lru.next
	 * marks a tail; before it this bit was never set, so looking at it harms nobody.
	 */
	if (l->head_at == NOWHERE)
		l->head_at = member(r, F_page_lru, long_bytes);
	if (l->head_at != NOWHERE)
		l->tail_bit = raw_mask(l, 1);
	l->tails_are_marked = l->tail_bit && (fact_known(facts_of(r), F_page_head) || r->k->version >= KVERSION(4, 4));
	if (l->mapping_at != NOWHERE)
		l->anon_bit = raw_mask(l, 1);
}

static void resolve_types(struct resolver *r)
{
	struct page_layout *l = r->l;

	l->buddy = type_test(r, F_buddy_type);
	l->offline = fact_known(facts_of(r), F_offline_type) ? type_test(r, F_offline_type) : untold_offline_type(r);
	l->hugetlb = type_test(r, F_hugetlb_type);
	l->unaccepted = type_test(r, F_unaccepted_type);
	l->slab = type_test(r, F_slab_type);
	/* since 6.10 slab is a type, and the bit that was PG_slab may mean anything */
	if (!type_known(l->slab) && l->flags_at != NOWHERE)
		l->slab_flag = flag(r, F_PG_slab);
	/* up to 3.8 nothing was exported: the flag was bit 7 from 2.6.0 on */
	if (!type_known(l->slab) && !l->slab_flag && !fact_known(facts_of(r), F_buddy_type) &&
	    r->k->version && r->k->version < KVERSION(3, 9))
		l->slab_flag = raw_mask(l, 1 << 7);
}

static void resolve_flags(struct resolver *r)
{
	struct page_layout *l = r->l;
	const struct facts *f = facts_of(r);

	if (l->flags_at == NOWHERE) {
		give_up(r, DL_CACHE | DL_CACHE_PRIVATE | DL_USER | DL_FREE, F_page_flags, "unknown");
		return;
	}
	l->lru_flag = flag(r, F_PG_lru);
	l->private_flag = flag(r, F_PG_private);
	l->swapcache_flag = flag(r, F_PG_swapcache);
	l->swapbacked_flag = flag(r, F_PG_swapbacked);
	l->poison_flag = flag(r, F_PG_hwpoison);
	/*
	 * Since 4.10, 6326fec1122c ("mm: Use owner_priv bit for PageSwapCache, valid when PageSwapBacked"), the flag
	 * means swap cache only together with PG_swapbacked, which is exported since 4.17: between them it stood 6
	 * bits above PG_private.
	 */
	if (!l->swapbacked_flag && fact_or(f, F_PG_swapcache, 64) < fact_or(f, F_PG_private, 0))
		l->swapbacked_flag = raw_mask(l, UINT64_C(1) << ((fact(f, F_PG_private) + 6) & 63));
	l->head_mask = raw_mask(l, fact_or(f, F_PG_head_mask, 0));
	/* up to 3.16 the mask was not exported: PG_head, and PG_compound of 32-bit machines, was bit 14 */
	if (!fact_known(f, F_PG_head_mask) && r->k->version && r->k->version < KVERSION(3, 17))
		l->head_mask = raw_mask(l, 1 << 14);
	if (fact_known(f, F_PG_hwpoison) && !l->poison_flag)
		message(MSG_COMMON, "NUMBER(PG_hwpoison) is impossible: poisoned pages cannot be told.\n");
}

/* Where the first tail keeps the order and the destructor of a compound page. */
static void resolve_compound(struct resolver *r)
{
	struct page_layout *l = r->l;
	const struct facts *f = facts_of(r);
	uint32_t version = r->k->version;
	unsigned narrow = l->big_endian && version < KVERSION(4, 16) ? 2 : 1;
	uint64_t at;

	if (!l->head_mask)
		return;
	/*
	 * Since 6.6, ebc1baf5c9b4 ("mm: free up a word in the first tail page"), the order is the low byte of the
	 * first tail's flags.
	 */
	if (type_known(l->hugetlb) || fact_known(f, F_PG_hugetlb) ||
	    (version >= KVERSION(6, 6) && l->tails_are_marked)) {
		l->order_in_flags = true;
		if (!type_known(l->hugetlb) && fact_or(f, F_PG_hugetlb, 64) < 64)
			l->hugetlb_tail_flag = UINT64_C(1) << fact(f, F_PG_hugetlb);
		return;
	}
	l->has_hugetlb_dtor = fact_known(f, F_hugetlb_dtor);
	l->hugetlb_dtor = fact(f, F_hugetlb_dtor);
	l->free_huge_page = fact(f, F_free_huge_page);
	at = fact_known(f, F_folio_order) ? fact(f, F_folio_order) - l->size : fact_or(f, F_page_order, 0);
	if (at && at < l->size - narrow) {
		l->order = (struct tail_field){ (uint16_t)at, (uint8_t)narrow };
		at = fact_known(f, F_folio_dtor) ? fact(f, F_folio_dtor) - l->size : fact_or(f, F_page_dtor, 0);
		if (at && at < l->size - narrow)
			l->dtor = (struct tail_field){ (uint16_t)at, (uint8_t)narrow };
		return;
	}
	/* before 4.4 they were the two pointers of lru, the order as a long */
	if (version && version < KVERSION(4, 4) && fact_known(f, F_page_lru) && fact_known(f, F_list_prev)) {
		unsigned width = l->long64 ? 8 : 4;
		uint64_t order_at = fact(f, F_page_lru) + fact(f, F_list_prev);
		uint64_t dtor_at = fact(f, F_page_lru) + fact_or(f, F_list_next, 0);

		if (order_at <= l->size - width && dtor_at <= l->size - width) {
			l->order = (struct tail_field){ (uint16_t)order_at, (uint8_t)width };
			l->dtor = (struct tail_field){ (uint16_t)dtor_at, (uint8_t)width };
		}
	}
}

static void resolve_cache(struct resolver *r)
{
	static const enum fact_id needed[] = { F_PG_lru, F_PG_swapcache, F_PG_private };
	const uint64_t masks[] = { r->l->lru_flag, r->l->swapcache_flag, r->l->private_flag };

	for (size_t i = 0; i < ARRAY_SIZE(needed); i++)
		if (!masks[i])
			give_up(r, DL_CACHE | DL_CACHE_PRIVATE, needed[i],
				fact_known(facts_of(r), needed[i]) ? "impossible" : "unknown");
	/* without it anonymous pages look like cache */
	if (r->l->mapping_at == NOWHERE)
		give_up(r, DL_CACHE | DL_CACHE_PRIVATE | DL_USER, F_page_mapping, "unknown");
}

static void resolve_user(struct resolver *r)
{
	struct page_layout *l = r->l;

	/* since 6.2 slab keeps odd values in the word that is `mapping` elsewhere */
	if (!type_known(l->slab) && !l->slab_flag)
		give_up(r, DL_USER, r->k->version >= KVERSION(6, 10) ? F_slab_type : F_PG_slab, "unknown");
	/* tails have odd values there too; none of them may be taken for a page of its own */
	if (!l->tail_bit && (!r->k->version || r->k->version >= KVERSION(4, 4)))
		give_up(r, DL_CACHE | DL_CACHE_PRIVATE | DL_USER, F_page_head, "unknown");
}

static void resolve_free(struct resolver *r)
{
	struct page_layout *l = r->l;
	uint64_t orders = fact_or(facts_of(r), F_max_orders, 0);

	l->max_orders = orders <= 32 ? (unsigned)orders : 0;
	if (l->private_at == NOWHERE)
		l->buddy = PAGE_TYPE_NEVER;
	else if (!fact_known(facts_of(r), F_buddy_type) && l->flags_at != NOWHERE)
		/* 2.6.17 to 2.6.37; in 6.10 and later the name means a type */
		l->buddy_flag = flag(r, F_PG_buddy);
	l->free_by_page = type_known(l->buddy) || l->buddy_flag;
}

/* Adds bits of the member at `at`, which has `len` bytes, to the parts that decide. */
static void add_deciding(struct page_layout *l, uint16_t at, const void *bits, size_t len)
{
	struct page_part *part = l->deciding;
	const uint8_t *from = bits;

	/* members come in any order: a part that this one is not wholly in is of no use to it */
	while (part < l->deciding + l->n_deciding && (at < part->at || at + len > part->at + (size_t)PAGE_PART_BYTES))
		part++;
	if (part == l->deciding + l->n_deciding) {
		l->n_deciding++;
		part->at = (uint16_t)min_u64(at, l->size - PAGE_PART_BYTES);
	}
	for (size_t i = 0; i < len; i++)
		part->bits[at - part->at + i] |= from[i];
}

static void add_deciding_long(struct page_layout *l, uint16_t at, uint64_t bits)
{
	uint32_t narrow = (uint32_t)bits;

	if (bits && l->long64)
		add_deciding(l, at, &bits, sizeof(bits));
	else if (bits)
		add_deciding(l, at, &narrow, sizeof(narrow));
}

static void resolve_deciding(struct page_layout *l)
{
	uint32_t type = l->buddy.mask | l->offline.mask | l->slab.mask | l->unaccepted.mask;

	add_deciding_long(l, l->flags_at, l->lru_flag | l->private_flag | l->swapcache_flag | l->swapbacked_flag |
						  l->slab_flag | l->poison_flag | l->buddy_flag | l->head_mask);
	add_deciding_long(l, l->head_at, l->tail_bit);
	add_deciding_long(l, l->mapping_at, l->anon_bit);
	if (type)
		add_deciding(l, l->type_at, &type, sizeof(type));
}

static void settle(uint16_t *at)
{
	if (*at == NOWHERE)
		*at = 0;
}

unsigned page_layout_resolve(struct page_layout *l, const struct kernel *k, unsigned level)
{
	struct resolver r = { .l = l, .k = k, .level = level };

	*l = (struct page_layout){
		.size = (uint32_t)k->mem_map.page_struct_size,
		.long64 = k->target.long_bytes == 8,
		.big_endian = k->target.big_endian,
	};
	resolve_members(&r);
	resolve_types(&r);
	resolve_flags(&r);
	resolve_compound(&r);
	resolve_cache(&r);
	resolve_user(&r);
	resolve_free(&r);
	settle(&l->flags_at);
	settle(&l->mapping_at);
	settle(&l->head_at);
	settle(&l->type_at);
	settle(&l->private_at);
	resolve_deciding(l);
	l->prefetch_pages = (PAGE_PREFETCH_BYTES + l->size - 1) / l->size;
	return r.level;
}
