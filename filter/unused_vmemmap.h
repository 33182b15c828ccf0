/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Leaving out struct pages that nobody needs: pages of the vmemmap that only describe pages left out. */
#ifndef FILTER_UNUSED_VMEMMAP_H
#define FILTER_UNUSED_VMEMMAP_H

#include "base/err.h"
#include "kernel/kernel.h"

/*
 * The decisions about all pages, in windows of page frames that start at multiples of `window`, which is a multiple
 * of UNUSED_VMEMMAP_ALIGN or covers the whole machine.
 */
struct kept_bits {
	pfn_t window;
	void *data;
	/* Lends the bits of the pages to dump in [start, end), until the next call. */
	enum status (*load)(void *data, pfn_t start, pfn_t end, uint8_t **bits, struct err *e);
	/* Keeps what was changed in the bits lent last. */
	enum status (*save)(void *data, pfn_t start, pfn_t end, const uint8_t *bits, struct err *e);
};

/* Struct pages of so many page frames fill whole pages, whatever their size. */
#define UNUSED_VMEMMAP_ALIGN PAGE_SIZE_MIN

/* Can it be done for this kernel?  If not, `why` says so for people. */
bool unused_vmemmap_possible(const struct kernel *k, char *why, size_t len);

/*
 * Clears the bits of vmemmap pages all of whose struct pages describe pages that the machine had and that are left
 * out; these may be vmemmap pages again.  A page that is mapped at several places goes only if this holds for each of
 * them.  Adds to *dropped.  The result does not depend on the window.
 */
enum status unused_vmemmap_drop(const struct kernel *k, const struct kept_bits *kept, uint64_t *dropped,
				struct err *e) MUST_CHECK;

#endif
