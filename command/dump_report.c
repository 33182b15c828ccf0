/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The report at the end of a dump, and what is said of pages that are missing in it. */
#include "command/dump_report.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/bytes.h"
#include "print_info.h"

void dump_report(const struct dump_figures *d)
{
	const struct filter_counts *f = d->filter;
	uint64_t free_pages = f->excluded[REASON_FREE] + f->excluded[REASON_UNACCEPTED];
	uint64_t excluded = d->zero_pages + f->empty + d->vmemmap_pages, remaining;
	uint64_t looked_up = d->cache.hits + d->cache.misses;

	for (size_t i = 0; i < N_REASONS; i++)
		excluded += f->excluded[i];
	remaining = f->present - excluded;
	message(MSG_REPORT, "\n");
	report_rows((const struct report_row[]){ { "Original pages  ", f->present },
						 { "  Excluded pages   ", excluded } },
		    2);
	/* what two segments name is twice in the file, so there may be more than the machine had */
	if (d->elf)
		report_rows(&(struct report_row){ "     in ELF format ",
						  f->present - min_u64(f->present, d->pages_in_elf) },
			    1);
	report_rows((const struct report_row[]){ { "    Pages filled with zero  ", d->zero_pages },
						 { "    Non-private cache pages ", f->excluded[REASON_CACHE] },
						 { "    Private cache pages     ", f->excluded[REASON_CACHE_PRIVATE] },
						 { "    User process data pages ", f->excluded[REASON_USER] },
						 { "    Free pages              ", free_pages },
						 { "    Hwpoison pages          ", f->excluded[REASON_HWPOISON] },
						 { "    Offline pages           ", f->excluded[REASON_OFFLINE] } },
		    7);
	if (d->drops_vmemmap)
		report_rows(&(struct report_row){ "    Unused vmemmap pages    ", d->vmemmap_pages }, 1);
	/* only files that were filtered before have any */
	if (f->empty)
		report_rows(&(struct report_row){ "    Pages not in the input  ", f->empty }, 1);
	report_rows(&(struct report_row){ "  Remaining pages  ", remaining }, 1);
	if (d->elf) {
		report_rows(&(struct report_row){ "     in ELF format ", d->pages_in_elf }, 1);
		remaining = d->pages_in_elf;
	}
	if (f->present)
		message(MSG_REPORT, "  (The number of pages is reduced to %" PRIu64 "%%.)\n",
			remaining * 100 / f->present);
	report_rows(&(struct report_row){ "Memory Hole     ", d->max_mapnr - f->present }, 1);
	message(MSG_REPORT, "--------------------------------------------------\n");
	report_rows(&(struct report_row){ "Total pages     ", d->max_mapnr }, 1);
	message(MSG_REPORT, "Write bytes     : %" PRIu64 "\n\n", d->bytes_written);
	message(MSG_REPORT, "Cache hit: %" PRIu64 ", miss: %" PRIu64, d->cache.hits, d->cache.misses);
	if (looked_up)
		message(MSG_REPORT, ", hit rate: %.1f%%", 100.0 * (double)d->cache.hits / (double)looked_up);
	message(MSG_REPORT, "\n\n");
}

void dump_say_lost(const struct writer_counts *c)
{
	char list[128] = "";
	size_t n = c->lost_pages < ARRAY_SIZE(c->lost_first) ? (size_t)c->lost_pages : ARRAY_SIZE(c->lost_first);

	for (size_t i = 0; i < n; i++)
		snprintf(list + strlen(list), sizeof(list) - strlen(list), "%s%#" PRIx64, i ? ", " : "",
			 c->lost_first[i]);
	if (c->lost_pages)
		message(MSG_ERROR, "%" PRIu64 " pages cannot be read and are missing in the dump: pfn %s%s (%s).\n",
			c->lost_pages, list, c->lost_pages > n ? ", ..." : "", c->lost_why);
}
