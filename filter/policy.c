/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which pages a dump level leaves out, and for what reason: a table of rules. */
#include "filter/policy.h"

#include "makedumpfile.h"

/* clang-format off */
static const struct rule {
	uint8_t level;		/* applies when any of these bits is asked for; 0: always */
	uint16_t all, none;	/* traits that must be there, that must not */
	enum reason reason;
} rules[] = {			/* the first match decides */
	/* bad memory: reading it may bring the machine down once more, so it goes at every level, tails too */
	{ 0,			T_TAIL | T_POISON,	0,			REASON_HWPOISON },
	/* what belongs to a compound page goes or stays with its head */
	{ 0,			T_TAIL,			0,			REASON_KEEP },
	{ DL_FREE,		T_BUDDY,		0,			REASON_FREE },
	/* memory that the guest has not accepted has no content, and touching it is fatal */
	{ 0,			T_UNACCEPTED,		0,			REASON_UNACCEPTED },
	{ DL_CACHE,		T_CACHE,		T_PRIVATE | T_ANON,	REASON_CACHE },
	{ DL_CACHE_PRIVATE,	T_CACHE | T_PRIVATE,	T_ANON,			REASON_CACHE_PRIVATE },
	{ DL_CACHE_PRIVATE,	T_CACHE,		T_ANON,			REASON_CACHE },
	{ DL_USER,		T_ANON,			0,			REASON_USER },
	{ DL_USER,		T_HUGETLB,		0,			REASON_USER },
	{ 0,			T_POISON,		0,			REASON_HWPOISON },
	/* memory that a balloon or the hypervisor took away */
	{ 0,			T_OFFLINE,		0,			REASON_OFFLINE },
};
/* clang-format on */

static enum reason decide(unsigned level, unsigned traits)
{
	for (size_t i = 0; i < ARRAY_SIZE(rules); i++) {
		const struct rule *r = &rules[i];

		if ((!r->level || level & r->level) && (traits & r->all) == r->all && !(traits & r->none))
			return r->reason;
	}
	return REASON_KEEP;
}

void policy_fold(struct policy *p, const struct page_layout *l, unsigned level)
{
	for (unsigned traits = 0; traits < N_TRAIT_SETS; traits++)
		p->reason[traits] = (uint8_t)decide(level, traits);
	p->drops_nothing = !(level & (DL_CACHE | DL_CACHE_PRIVATE | DL_USER)) && !(level & DL_FREE && l->free_by_page) &&
			   !l->poison_flag && !l->offline.mask && !l->unaccepted.mask;
}
