/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a writer has done so far, whatever the format. */
#ifndef OUTPUT_WRITER_COUNTS_H
#define OUTPUT_WRITER_COUNTS_H

#include "makedumpfile.h"

struct writer_counts {
	uint64_t pages;	     /* dumped, zero and lost ones too */
	uint64_t zero_pages; /* stored as the one page of zeros */
	uint64_t lost_pages;
	pfn_t lost_first[4]; /* the first of them */
	char lost_why[200];
};

#endif
