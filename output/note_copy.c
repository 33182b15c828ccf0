/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The notes of a source into a dump, whatever its format. */
#include "output/note_copy.h"

#include <string.h>

#include "base/bytes.h"
#include "print_info.h"

#define NOTE_PIECE ((size_t)64 << 10)

enum status note_copy(struct sink *s, const struct mem_source *src, uint64_t at, bool *lost, struct err *e)
{
	AUTO_FREE uint8_t *piece = malloc(NOTE_PIECE);

	if (!piece)
		return err_nomem(e, NOTE_PIECE);
	for (uint64_t pos = 0; pos < src->notes_len; pos += NOTE_PIECE) {
		size_t n = (size_t)min_u64(src->notes_len - pos, NOTE_PIECE);

		if (mem_source_read_notes(src, pos, piece, n, e)) {
			message(MSG_ERROR, "%s: the notes are cut.\n", e->text);
			*lost = true;
			memset(piece, 0, n);
		}
		if (sink_write(s, at + pos, piece, n, e))
			return e->status;
	}
	return OK;
}
