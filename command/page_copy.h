/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The kept pages of a plan into the writers of a dump: one after another, or each writer in a thread of its own. */
#ifndef COMMAND_PAGE_COPY_H
#define COMMAND_PAGE_COPY_H

#include "command/page_plan.h"
#include "command/split.h"
#include "output/kdump_writer.h"

/* One writer, and the page frames whose pages it gets. */
struct page_copy {
	struct kdump_writer *writer;
	struct split_range range;
};

/*
 * Hands the pages of a decided plan to `n` writers, which have begun their pages; shows the progress.  Several writers work
 * at the same time where the plan allows it; one that fails does not stop the others, as their pages are worth having.
 * Fails with what the first one failed with.
 */
enum status page_copy_all(const struct page_copy *copies, unsigned n, struct page_plan *plan, struct err *e) MUST_CHECK;

#endif
