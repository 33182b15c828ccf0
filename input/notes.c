/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the notes of a core file say, whichever format carries them. */
#include "input/notes.h"

#include <string.h>

#include "base/bytes.h"
#include "format/elf_core.h"

enum note_type { NOTE_PRSTATUS = 1, NOTE_VMCOREINFO = 0, NOTE_XEN_CRASH_INFO = 0x1000001, NOTE_ANY_TYPE = -1 };
#define NAME_MAX_KNOWN 16

/* Looks at one note, whose text is at `desc_at` of the blob. */
static void meet_note(struct note_survey *s, const struct elf_note *n, const uint8_t *name, size_t name_len,
		      uint64_t desc_at)
{
	static const struct {
		const char *name;
		int64_t type;
	} known[] = { { "CORE", NOTE_PRSTATUS },
		      { NOTE_VMCOREINFO_NAME, NOTE_VMCOREINFO },
		      { "Xen", NOTE_XEN_CRASH_INFO },
		      { "INCOMPLETE", NOTE_ANY_TYPE } };

	for (size_t i = 0; i < ARRAY_SIZE(known); i++) {
		size_t len = strlen(known[i].name);

		if ((known[i].type != NOTE_ANY_TYPE && n->type != known[i].type) || name_len < len ||
		    memcmp(name, known[i].name, len) || (name_len > len && name[len]))
			continue;
		switch (i) {
		case 0:
			s->nr_cpus++;
			s->registers_len = n->descsz;
			break;
		case 1:
			s->vmcoreinfo_at = desc_at;
			s->vmcoreinfo_len = n->descsz < VMCOREINFO_MAX ? n->descsz : VMCOREINFO_MAX;
			break;
		case 2:
			s->is_xen = true;
			break;
		default:
			s->incomplete = true;
		}
	}
}

/* Does a note begin with these bytes, of which the blob has `len`? */
static bool begins_note(const uint8_t *raw, uint64_t len, bool big_endian)
{
	struct elf_note n;

	elf_note_decode(&n, raw, big_endian);
	return n.namesz && n.namesz <= 256 && note_pad(n.namesz) + n.descsz <= len - ELF_NHDR_LEN;
}

void notes_survey(struct note_survey *s, const struct input_file *f, uint64_t pos, uint64_t len, uint64_t blob_at,
		  bool big_endian)
{
	struct window_want want;
	struct input_window w;
	struct span first;
	uint64_t at = 0;
	struct err e;

	input_window_init(&w, f, false);
	want = (struct window_want){ pos, ELF_NHDR_LEN, ELF_NHDR_LEN, 0 };
	if (len >= ELF_NHDR_LEN && !input_window_view(&w, &want, &first, &e) && !begins_note(first.data, len, big_endian) &&
	    begins_note(first.data, len, !big_endian)) {
		big_endian = !big_endian;
		s->swapped = true;
	}
	while (at + ELF_NHDR_LEN <= len) {
		struct elf_note n;
		struct span view;
		uint64_t name_at = at + ELF_NHDR_LEN, desc_at, next;
		size_t name_len;

		want = (struct window_want){ pos + at, (size_t)min_u64(len - at, 4096),
					     (size_t)min_u64(len - at, ELF_NHDR_LEN + NAME_MAX_KNOWN), 0 };
		if (input_window_view(&w, &want, &view, &e))
			break;
		/* as many notes as these bytes hold whole headers and names of; long texts are stepped over */
		for (size_t in = 0;; in = (size_t)(next - at)) {
			elf_note_decode(&n, view.data + in, big_endian);
			name_at = at + in + ELF_NHDR_LEN;
			desc_at = name_at + note_pad(n.namesz);
			next = desc_at + note_pad(n.descsz);
			name_len = (size_t)min_u64(min_u64(n.namesz, NAME_MAX_KNOWN), view.len - in - ELF_NHDR_LEN);
			if (n.namesz && desc_at + n.descsz <= len)
				meet_note(s, &n, view.data + in + ELF_NHDR_LEN, name_len, blob_at + desc_at);
			if (next - at + ELF_NHDR_LEN + NAME_MAX_KNOWN > view.len)
				break;
		}
		at = next;
	}
	input_window_fini(&w);
}
