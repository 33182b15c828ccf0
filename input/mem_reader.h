/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The inside of a reader, for the sources that serve it; everybody else knows mem_source.h. */
#ifndef INPUT_MEM_READER_H
#define INPUT_MEM_READER_H

#include "input/input_file.h"
#include "input/mem_source.h"

struct mem_reader {
	const struct mem_source *src;
	struct input_window window;
	bool has_window, bulk;
	uint8_t *page; /* PAGE_SIZE_MIN bytes for a page put together from parts; allocated when first needed */
	size_t hint;   /* where the source found the last address */
	paddr_t expect_end;
	void *impl; /* owned by the source's ops */
};

#endif
