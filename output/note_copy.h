/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The notes of a source into a dump, whatever its format. */
#ifndef OUTPUT_NOTE_COPY_H
#define OUTPUT_NOTE_COPY_H

#include "input/mem_source.h"
#include "output/sink.h"

/*
 * Writes all notes at `at`, piece by piece.  What cannot be read is said, becomes zeros and sets *lost.
 *
 * Where they are in another byte order than the kernel, whose is `big_endian`, their headers are turned round.  Texts
 * have no order.  Registers have that of the note which they are in; those of ppc64, the only machine that is dumped in
 * the wrong order, are turned round too.  Whatever else a note holds stays as it is.
 */
enum status note_copy(struct sink *s, const struct mem_source *src, uint64_t at, bool big_endian, bool *lost,
		      struct err *e) MUST_CHECK;

#endif
