/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Compound pages and free blocks: the parts of classification that few pages need. */
#include "filter/page_traits.h"

#include "base/bytes.h"

static uint64_t tail_value(const struct page_layout *l, const uint8_t *tail, struct tail_field f)
{
	switch (f.width) {
	case 1:
		return tail[f.at];
	case 2:
		return get_u16(tail + f.at, l->big_endian);
	case 4:
		return get_u32(tail + f.at, l->big_endian);
	case 8:
		return get_u64(tail + f.at, l->big_endian);
	default:
		return 0;
	}
}

struct page_head_info page_head_info(const struct page_layout *l, const uint8_t *head, const uint8_t *tail)
{
	struct page_head_info info = { 0, false };
	uint64_t order, flags;
	uint32_t type;

	/* a head has tails: what does not look like one is stale, or a copy that hugetlb's vmemmap sharing shows */
	if (l->tails_are_marked && !(raw_long(tail + l->head_at, l->long64) & l->tail_bit))
		return info;
	if (l->order_in_flags) {
		flags = get_ulong(tail + l->flags_at, l->long64 ? 8 : 4, l->big_endian);
		order = flags & 0xff;
		memcpy(&type, head + l->type_at, sizeof(type));
		info.hugetlb = type_is(type, l->hugetlb) || (flags & l->hugetlb_tail_flag);
	} else {
		uint64_t dtor = tail_value(l, tail, l->dtor);

		order = tail_value(l, tail, l->order);
		info.hugetlb = l->dtor.width &&
			       ((l->has_hugetlb_dtor && dtor == l->hugetlb_dtor) ||
				(l->free_huge_page && dtor == l->free_huge_page));
	}
	info.order = order < 64 ? (unsigned)order : 0;
	return info;
}

uint64_t page_buddy_order(const struct page_layout *l, const uint8_t *page)
{
	return get_ulong(page + l->private_at, l->long64 ? 8 : 4, l->big_endian);
}
