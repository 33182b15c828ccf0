/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The notes of a source into a dump, whatever its format, in the byte order of the dump. */
#include "output/note_copy.h"

#include <string.h>

#include "base/bytes.h"
#include "format/elf_core.h"
#include "input/notes.h"
#include "print_info.h"

#define NOTE_PIECE ((size_t)64 << 10)
#define NOTE_PRSTATUS 1

/* struct elf_prstatus of ppc64: so many numbers of so many bytes, one after another. */
static const struct {
	uint8_t bytes, n;
} ppc64_prstatus[] = {
	{ 4, 3 },  /* pr_info */
	{ 2, 2 },  /* pr_cursig, and a gap */
	{ 8, 2 },  /* pr_sigpend, pr_sighold */
	{ 4, 4 },  /* pr_pid, pr_ppid, pr_pgrp, pr_sid */
	{ 8, 8 },  /* four times of two longs */
	{ 8, 48 }, /* pr_reg */
	{ 4, 2 },  /* pr_fpvalid, and a gap */
};
#define PPC64_PRSTATUS_LEN 504

/* Turns the notes round while they go by in pieces. */
struct turner {
	const struct mem_source *src;
	uint64_t at, end; /* the note at hand, and the end of the chain that it is in */
	/* the piece at hand */
	uint8_t *piece;
	uint64_t pos;
	size_t len;
};

/* Bytes of the source, as they are there. */
static bool get_bytes(const struct turner *t, uint64_t at, uint8_t *to, size_t len)
{
	struct err e;

	return at < t->end && len <= t->end - at && !mem_source_read_notes(t->src, at, to, len, &e);
}

/* Turns round one number of at most 8 bytes, as far as the piece has it. */
static void turn(struct turner *t, uint64_t at, size_t bytes)
{
	uint8_t raw[8];

	if (at + bytes <= t->pos || at >= t->pos + t->len)
		return;
	if (at >= t->pos && at + bytes <= t->pos + t->len)
		memcpy(raw, t->piece + (at - t->pos), bytes);
	else if (!get_bytes(t, at, raw, bytes))
		return;
	for (size_t i = 0; i < bytes; i++)
		if (at + i >= t->pos && at + i < t->pos + t->len)
			t->piece[at + i - t->pos] = raw[bytes - 1 - i];
}

static void turn_registers(struct turner *t, uint64_t at)
{
	for (size_t i = 0; i < ARRAY_SIZE(ppc64_prstatus); i++)
		for (size_t n = 0; n < ppc64_prstatus[i].n; n++, at += ppc64_prstatus[i].bytes)
			turn(t, at, ppc64_prstatus[i].bytes);
}

static void turn_piece(struct turner *t)
{
	uint64_t chains_end = t->src->notes_len, own = chains_end - t->src->added_note_len;

	while (t->at < t->pos + t->len) {
		uint8_t raw[ELF_NHDR_LEN + 8];
		struct elf_note n;
		uint64_t desc_at, next;

		/* behind the notes of the file comes the one that was added, if there is one */
		if (t->at + ELF_NHDR_LEN > t->end && t->end == own && own < chains_end) {
			t->at = note_pad(own);
			t->end = chains_end;
			continue;
		}
		if (!get_bytes(t, t->at, raw, ELF_NHDR_LEN))
			break;
		elf_note_decode(&n, raw, t->src->notes_big_endian);
		desc_at = t->at + ELF_NHDR_LEN + note_pad(n.namesz);
		/* where a chain breaks nobody finds more notes */
		next = min_u64(desc_at + note_pad(n.descsz), t->end);
		for (size_t i = 0; i < ELF_NHDR_LEN; i += 4)
			turn(t, t->at + i, 4);
		if (t->src->machine == ELF_EM_PPC64 && n.type == NOTE_PRSTATUS && n.namesz == sizeof("CORE") &&
		    n.descsz == PPC64_PRSTATUS_LEN && get_bytes(t, t->at, raw, sizeof(raw)) &&
		    !memcmp(raw + ELF_NHDR_LEN, "CORE", sizeof("CORE")))
			turn_registers(t, desc_at);
		if (next > t->pos + t->len)
			break;
		t->at = next;
	}
}

enum status note_copy(struct sink *s, const struct mem_source *src, uint64_t at, bool big_endian, bool *lost,
		      struct err *e)
{
	AUTO_FREE uint8_t *piece = malloc(NOTE_PIECE);
	struct turner t = { .src = src, .end = src->notes_len - src->added_note_len, .piece = piece };

	if (!piece)
		return err_nomem(e, NOTE_PIECE);
	for (uint64_t pos = 0; pos < src->notes_len; pos += NOTE_PIECE) {
		size_t n = (size_t)min_u64(src->notes_len - pos, NOTE_PIECE);

		if (mem_source_read_notes(src, pos, piece, n, e)) {
			message(MSG_ERROR, "%s: the notes are cut.\n", e->text);
			*lost = true;
			memset(piece, 0, n);
		} else if (src->notes_big_endian != big_endian) {
			t.pos = pos;
			t.len = n;
			turn_piece(&t);
		}
		if (sink_write(s, at + pos, piece, n, e))
			return e->status;
	}
	return OK;
}
