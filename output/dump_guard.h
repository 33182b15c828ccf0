/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Between a sink and a dump whose bytes come from elsewhere, in any order and in any pieces: whatever stops it half
 * way, what is in the file does not claim more than is there.
 */
#ifndef OUTPUT_DUMP_GUARD_H
#define OUTPUT_DUMP_GUARD_H

#include "base/cleanup.h"
#include "base/err.h"
#include "output/sink.h"

/*
 * A kdump-compressed header gets the incomplete mark as it passes, an ELF header likewise; page descriptors wait until
 * the data that they promise is in the file.  Blocks of zeros become holes where the sink has any.
 */
struct dump_guard;

/* The caller owns and closes `sink`, after the guard. */
enum status dump_guard_open(struct dump_guard **g, struct sink *sink, struct err *e) MUST_CHECK;
void dump_guard_close(struct dump_guard *g);
DEFINE_AUTO(dump_guard);

/* `len` bytes of the dump at `pos`; later ones win over earlier ones. */
enum status dump_guard_write(struct dump_guard *g, uint64_t pos, const uint8_t *buf, size_t len,
			     struct err *e) MUST_CHECK;

/* All is there: gives the header its own value back, syncs, closes the sink.  When that fails the mark is set again. */
enum status dump_guard_finish(struct dump_guard *g, struct err *e) MUST_CHECK;

/* Nothing more will come: makes safe what is there.  The mark stays. */
void dump_guard_abandon(struct dump_guard *g);

/* Does the dump say of itself that it is incomplete? */
bool dump_guard_is_marked(const struct dump_guard *g);

#endif
