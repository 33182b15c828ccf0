/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Writes a dump in ELF format: the segments of the input, cut where many pages are left out.  The file says
 * "incomplete" from the first byte on and until all of the rest is safe; a program header is written only after the data
 * that it promises.
 */
#ifndef OUTPUT_ELF_WRITER_H
#define OUTPUT_ELF_WRITER_H

#include "base/cleanup.h"
#include "input/mem_source.h"
#include "makedumpfile.h"
#include "output/elf_room.h"
#include "output/sink.h"
#include "output/writer_counts.h"

struct elf_about {
	struct target target;
	bool is64;	   /* the class */
	bool find_zero;	   /* leave out pages full of zeros */
	uint64_t headers;  /* of PT_LOADs at most, by struct elf_room */
	size_t data_piece; /* bytes of memory handled in one go; 0: the best size */
};

struct elf_writer;

/* Writes headers and notes; the caller owns and closes `sink` and `src`, after the writer. */
enum status elf_writer_open(struct elf_writer **w, struct sink *sink, const struct mem_source *src,
			    const struct elf_about *about, struct err *e) MUST_CHECK;
void elf_writer_close(struct elf_writer *w);
DEFINE_AUTO(elf_writer);

enum elf_piece {
	PIECE_KEPT,	/* goes into the file unless it is all zero */
	PIECE_HEAD,	/* goes into the file */
	PIECE_LEFT_OUT, /* goes into the file only if it is a short run between pages that do */
	PIECE_BAD,	/* as PIECE_LEFT_OUT, but must not be read: zeros stand for it */
	PIECE_LOST,	/* should go into the file, but the input ends before it */
};

/* A segment of the input, in their order there: begin, its memory piece by piece without a gap, end. */
void elf_writer_begin(struct elf_writer *w, const struct mem_segment *segment);
/* The memory up to `end`, which is at a page or at the end of the segment. */
enum status elf_writer_add(struct elf_writer *w, enum elf_piece kind, paddr_t end, struct err *e) MUST_CHECK;
enum status elf_writer_end(struct elf_writer *w, struct err *e) MUST_CHECK;

struct elf_counts {
	struct writer_counts pages;
	uint64_t in_file; /* pages whose bytes are in the file; those of two segments count twice */
};
const struct elf_counts *elf_writer_counts(const struct elf_writer *w);

/*
 * Makes the dump safe and, if nothing is missing, complete: syncs, takes the mark away, syncs, closes the sink.  If that
 * fails the mark is set again.  E_INCOMPLETE: all is written, pages are missing.
 */
enum status elf_writer_finish(struct elf_writer *w, struct err *e) MUST_CHECK;

/* After a failure before elf_writer_finish(): makes what is in the file readable.  The mark stays. */
void elf_writer_salvage(struct elf_writer *w);

#endif
