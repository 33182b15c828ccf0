/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The table of page descriptors in a file that somebody may have to read half way. */
#ifndef OUTPUT_DESC_TABLE_H
#define OUTPUT_DESC_TABLE_H

#include <stddef.h>
#include <stdint.h>

#include "output/sink.h"

/* So many descriptors may be written at once. */
#define DESC_TABLE_BATCH 512

/*
 * Writes the encoded descriptors `raw`, `len` bytes of them, to `pos` in the table that begins at `table_at`, a multiple
 * of 4 KiB; `raw` is changed meanwhile.  Whatever stops it, no reader takes one that is there by half for a page.
 * *written is how many bytes are there on failure: those behind them are taken back, if the sink lets us.
 */
enum status desc_table_write(struct sink *s, uint64_t table_at, uint64_t pos, uint8_t *raw, size_t len, size_t *written,
			     struct err *e) MUST_CHECK;

#endif
