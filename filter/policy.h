/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which pages a dump level leaves out, and for what reason: a table of rules. */
#ifndef FILTER_POLICY_H
#define FILTER_POLICY_H

#include <stdint.h>

#include "filter/page_traits.h"

/* Why a page is left out; the report has a row for each. */
enum reason {
	REASON_KEEP,
	REASON_CACHE,
	REASON_CACHE_PRIVATE,
	REASON_USER,
	REASON_FREE,
	REASON_UNACCEPTED, /* reported with the free pages */
	REASON_HWPOISON,
	REASON_OFFLINE,
	N_REASONS
};

struct policy {
	uint8_t reason[N_TRAIT_SETS]; /* enum reason, by set of traits */
	bool drops_nothing;	      /* no set of traits that the layout can show is left out */
};

/* Folds the rules for one level into a table. */
void policy_fold(struct policy *p, const struct page_layout *l, unsigned level);

#endif
