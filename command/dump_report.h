/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The report at the end of a dump, and what is said of pages that are missing in it. */
#ifndef COMMAND_DUMP_REPORT_H
#define COMMAND_DUMP_REPORT_H

#include <stdbool.h>

#include "filter/page_filter.h"
#include "output/writer_counts.h"

struct dump_figures {
	const struct filter_counts *filter;
	struct cache_counts cache;
	uint64_t max_mapnr;
	uint64_t zero_pages;
	bool drops_vmemmap;
	uint64_t vmemmap_pages;
	bool elf;	       /* the dump is in ELF format: */
	uint64_t pages_in_elf; /* it has the bytes of so many pages */
	uint64_t bytes_written;
};

void dump_report(const struct dump_figures *d);
void dump_say_lost(const struct writer_counts *c);

#endif
