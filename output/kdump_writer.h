/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Writes a kdump-compressed dump.  The header says "incomplete" from the first byte on and until all of the rest is
 * safe; data is always written before the descriptors that promise it.
 */
#ifndef OUTPUT_KDUMP_WRITER_H
#define OUTPUT_KDUMP_WRITER_H

#include "base/cleanup.h"
#include "format/codec.h"
#include "format/kdump_header.h"
#include "input/mem_source.h"
#include "makedumpfile.h"
#include "output/page_pipeline.h"
#include "output/sink.h"
#include "output/writer_counts.h"

/* What the headers say of the dump. */
struct dump_about {
	struct target target;
	enum kdump_layout layout;
	pfn_t pfn_base; /* the page that is number 0 in the file: bitmaps and ranges have none below it */
	uint8_t utsname[KDUMP_UTSNAME_LEN];
	int64_t timestamp, timestamp_us; /* seconds, microseconds */
	uint64_t phys_base;
	pfn_t max_mapnr;
	unsigned dump_level;
	const struct codec *codec;     /* NULL: pages are stored raw */
	uint32_t status;	       /* what the status word says beside the codec */
	unsigned threads;	       /* that work beside the caller's */
	size_t data_buffer;	       /* bytes that are written in one go; 0: the best size */
};

struct kdump_writer;

/*
 * Writes headers and notes; the caller owns and closes `sink` and `src`, after the writer.  Next come the bitmaps,
 * then kdump_writer_begin_pages(), then the pages, all in rising order.
 */
enum status kdump_writer_open(struct kdump_writer **w, struct sink *sink, const struct mem_source *src,
			      const struct dump_about *about, struct err *e) MUST_CHECK;
void kdump_writer_close(struct kdump_writer *w);
DEFINE_AUTO(kdump_writer);

/*
 * A stretch of a bitmap (1: pages that the machine had; 2: pages that are dumped) from page frame `first`, a
 * multiple of 8, on.  Stretches that are not written are zero.
 */
enum status kdump_writer_put_bitmap(struct kdump_writer *w, int which, pfn_t first, const uint8_t *bits, size_t bytes,
				    struct err *e) MUST_CHECK;
/* Reads bitmap 2 back; not every sink can (kdump_writer_can_read). */
enum status kdump_writer_get_bitmap2(struct kdump_writer *w, pfn_t first, uint8_t *bits, size_t bytes,
				     struct err *e) MUST_CHECK;
bool kdump_writer_can_read(const struct kdump_writer *w);

/* The number of bits in bitmap 2 places the page data. */
enum status kdump_writer_begin_pages(struct kdump_writer *w, uint64_t n_pages, struct err *e) MUST_CHECK;

/* Dumps the pages [first, end), all of which have their bit in bitmap 2. */
enum status kdump_writer_add(struct kdump_writer *w, pfn_t first, pfn_t end, struct err *e) MUST_CHECK;

/* The pages [first, end) have their bit, but the file ends before them: they are marked missing. */
enum status kdump_writer_add_lost(struct kdump_writer *w, pfn_t first, pfn_t end, struct err *e) MUST_CHECK;

/*
 * The dump is one of several parts, which has the pages of the page frames [start, end): `n_pages` of those that
 * kdump_writer_begin_pages() was told of; that number still places the data.  To be called before the first page.
 */
enum status kdump_writer_set_range(struct kdump_writer *w, pfn_t start, pfn_t end, uint64_t n_pages,
				   struct err *e) MUST_CHECK;

/* Instead of kdump_writer_add(): pages that are packed already, a block at most. */
enum status kdump_writer_add_packed(struct kdump_writer *w, const struct packed_block *b, struct err *e) MUST_CHECK;
/* Pages in a block. */
size_t kdump_writer_block_pages(const struct kdump_writer *w);

/* Text that says what was erased in the pages; after the last page, once. */
enum status kdump_writer_add_eraseinfo(struct kdump_writer *w, const void *text, size_t len, struct err *e) MUST_CHECK;

/* Of what is written: while pages are being added it changes at any time. */
const struct writer_counts *kdump_writer_counts(const struct kdump_writer *w);

/* After kdump_writer_settle(): what finishing it is going to say; are pages or notes missing? */
bool kdump_writer_is_incomplete(const struct kdump_writer *w);

/* After kdump_writer_finish(), when another part of the dump failed after all: sets the mark through a new open. */
void kdump_writer_mark_again(struct kdump_writer *w);

/* The mark is to stay whatever else happens: another part of the dump is incomplete. */
void kdump_writer_keep_mark(struct kdump_writer *w);

/* Writes and syncs all that is still in memory: what kdump_writer_finish() begins with, for who has more to wait for. */
enum status kdump_writer_settle(struct kdump_writer *w, struct err *e) MUST_CHECK;

/*
 * Makes the dump safe and, if no page is lost and the source is not incomplete itself, complete: syncs, takes the incomplete mark away, syncs, closes the
 * sink.  When one of the last steps fails the mark is set again.  E_INCOMPLETE: all is written, pages are missing.
 */
enum status kdump_writer_finish(struct kdump_writer *w, struct err *e) MUST_CHECK;

/*
 * After a failure before kdump_writer_finish(): writes what is still in memory and makes it readable, as far as the
 * sink allows.  The mark stays.
 */
void kdump_writer_salvage(struct kdump_writer *w);

#endif
