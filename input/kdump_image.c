/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The memory source of kdump-compressed dumps: headers, notes, and what belongs together in a split set. */
#include "input/kdump_image.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "format/codec.h"
#include "format/elf_core.h"
#include "input/kdump_parts.h"
#include "input/notes.h"
#include "print_info.h"

/* Physical addresses end here, as in the ELF source. */
#define PADDR_LIMIT_SHIFT 52

static bool kdump_probe(const uint8_t *head, size_t len)
{
	return kdump_has_magic(head, len);
}

static void impl_free(struct kdump_impl *k)
{
	free(k->rank);
	free(k->parts);
	free(k);
}

static void kdump_close(struct mem_source *src)
{
	impl_free(src->impl);
}

/* --- what the headers say --------------------------------------------------------------------------------- */

static void say_headers(const struct kdump_header *h, const struct kdump_sub_header *s)
{
	/* the form is parsed by programs: a name in 17 columns, a colon, a number */
	const struct {
		const char *name;
		bool hex;
		uint64_t value;
		int32_t since;
	} rows[] = {
		{ "status", false, h->status, 0 },
		{ "block_size", false, h->block_size, 0 },
		{ "sub_hdr_size", false, h->sub_header_blocks, 0 },
		{ "bitmap_blocks", false, h->bitmap_blocks, 0 },
		{ "max_mapnr", true, h->max_mapnr, 0 },
		{ "total_ram_blocks", false, h->total_ram_blocks, 0 },
		{ "device_blocks", false, h->device_blocks, 0 },
		{ "written_blocks", false, h->written_blocks, 0 },
		{ "current_cpu", false, h->current_cpu, 0 },
		{ "nr_cpus", false, h->nr_cpus, 0 },
		{ "phys_base", true, (uint64_t)s->phys_base, 0 },
		{ "dump_level", false, (uint32_t)s->dump_level, 1 },
		{ "split", false, (uint32_t)s->split, 2 },
		{ "start_pfn", true, min_u64(s->start_pfn, UINT32_MAX), 2 },
		{ "end_pfn", true, min_u64(s->end_pfn, UINT32_MAX), 2 },
		{ "start_pfn_64", true, s->start_pfn, 6 },
		{ "end_pfn_64", true, s->end_pfn, 6 },
		{ "max_mapnr_64", true, s->max_mapnr, 6 },
		{ "offset_vmcoreinfo", true, s->offset_vmcoreinfo, 3 },
		{ "size_vmcoreinfo", false, s->size_vmcoreinfo, 3 },
		{ "offset_note", true, s->offset_note, 4 },
		{ "size_note", false, s->size_note, 4 },
		{ "offset_eraseinfo", true, s->offset_eraseinfo, 5 },
		{ "size_eraseinfo", false, s->size_eraseinfo, 5 },
	};

	message(MSG_DEBUG, "  %-17s: %s\n", "signature", "KDUMP");
	message(MSG_DEBUG, "  %-17s: %d\n", "header_version", (int)h->version);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (h->version >= rows[i].since)
			message(MSG_DEBUG, rows[i].hex ? "  %-17s: 0x%" PRIx64 "\n" : "  %-17s: %" PRIu64 "\n",
				rows[i].name, rows[i].value);
}

#define LITTLE 1u
#define BIG 2u

/* Word size and byte order do not tell the machine, its name does; dumps made without one still have registers. */
static const struct known_machine {
	const char *name; /* '*' at the end: any rest */
	uint16_t elf_machine;
	bool is64;
	uint8_t orders;		/* byte orders that its kernels have */
	uint16_t other;		/* the machine of the same family with the other word size; 0: there is none */
	uint32_t registers_len; /* of the note of one CPU; of two machines that agree in it the first one is taken */
} machines[] = {
	{ "x86_64", ELF_EM_X86_64, true, LITTLE, ELF_EM_386, 336 },
	{ "i?86", ELF_EM_386, false, LITTLE, ELF_EM_X86_64, 144 },
	{ "aarch64*", ELF_EM_AARCH64, true, LITTLE | BIG, ELF_EM_ARM, 392 },
	{ "arm64*", ELF_EM_AARCH64, true, LITTLE | BIG, ELF_EM_ARM, 392 },
	{ "arm*", ELF_EM_ARM, false, LITTLE | BIG, ELF_EM_AARCH64, 148 },
	{ "ppc64*", ELF_EM_PPC64, true, LITTLE | BIG, ELF_EM_PPC, 504 },
	{ "ppc*", ELF_EM_PPC, false, BIG, ELF_EM_PPC64, 268 },
	{ "s390x", ELF_EM_S390, true, BIG, 0, 336 },
	{ "riscv64", ELF_EM_RISCV, true, LITTLE, 0, 376 },
	{ "loongarch64", ELF_EM_LOONGARCH, true, LITTLE, 0, 480 },
	{ "mips*", ELF_EM_MIPS, true, LITTLE | BIG, ELF_EM_MIPS, 480 },
	{ "ia64", ELF_EM_IA_64, true, LITTLE, 0, 1144 },
	{ "sparc64", ELF_EM_SPARCV9, true, BIG, 0, 408 },
};

static bool name_matches(const char *pattern, const char *name)
{
	for (; *pattern && *pattern != '*'; pattern++, name++)
		if (!*name || (*pattern != '?' && *pattern != *name))
			return false;
	return *pattern == '*' || !*name;
}

static void find_machine(struct mem_source *src, const struct kdump_impl *k, uint32_t registers_len)
{
	char name[KDUMP_UTS_FIELD_LEN + 1] = "";

	memcpy(name, k->header.utsname + 4 * KDUMP_UTS_FIELD_LEN, KDUMP_UTS_FIELD_LEN);
	/* what QEMU 11 writes for all machines; 7.2 wrote their names */
	if (!strcmp(name, "Unknown"))
		name[0] = '\0';
	src->is64 = k->layout == KDUMP_64;
	src->big_endian = k->big_endian;
	for (size_t i = 0; i < ARRAY_SIZE(machines); i++) {
		const struct known_machine *m = &machines[i];
		bool fits = m->is64 == src->is64 && m->orders & (src->big_endian ? BIG : LITTLE);

		if (*name ? !name_matches(m->name, name) :
			    !fits || m->registers_len != registers_len)
			continue;
		/* how the headers are laid out is sure, a name is what somebody wrote there */
		src->machine = m->is64 == src->is64 || !m->other ? m->elf_machine : m->other;
		return;
	}
	if (src->is64 && !src->big_endian && !*name) {
		message(MSG_COMMON, "The dump does not name its machine: x86_64 is taken.\n");
		src->machine = ELF_EM_X86_64;
	}
}

/* --- opening one file ------------------------------------------------------------------------------------- */

static enum status place_bitmaps(struct kdump_impl *k, const struct kdump_sub_header *sub, uint64_t file_size,
				 struct err *e)
{
	const struct kdump_header *h = &k->header;
	uint64_t bs = h->block_size, one = (sub->max_mapnr + bs * 8 - 1) / (bs * 8);
	bool two = h->bitmap_blocks / 2 >= one;

	if (!sub->max_mapnr || sub->max_mapnr > UINT64_C(1) << (PADDR_LIMIT_SHIFT - k->shift))
		return err_set(e, E_FORMAT, "it claims %" PRIu64 " pages", sub->max_mapnr);
	if (h->bitmap_blocks < one)
		return err_set(e, E_FORMAT, "bitmaps of %u blocks do not hold %" PRIu64 " pages", h->bitmap_blocks,
			       sub->max_mapnr);
	k->max_mapnr = sub->max_mapnr;
	k->bitmap_at[0] = bs * (1 + (uint64_t)h->sub_header_blocks);
	k->bitmap_at[1] = k->bitmap_at[0] + (two ? h->bitmap_blocks / 2 * bs : 0);
	k->desc_at = k->bitmap_at[0] + h->bitmap_blocks * bs;
	if (k->bitmap_at[1] + (k->max_mapnr + 7) / 8 > file_size)
		return err_set(e, E_FORMAT, "the file ends at %#" PRIx64 ", within its bitmaps: it holds no page", file_size);
	return OK;
}

static enum status check_codec(const struct kdump_header *h, struct err *e)
{
	static const uint32_t flags[] = { KDUMP_ZLIB, KDUMP_LZO, KDUMP_SNAPPY, KDUMP_ZSTD };

	for (size_t i = 0; i < ARRAY_SIZE(flags); i++) {
		const struct codec *c = codec_by_flag(flags[i]);

		if (h->status & flags[i] && !c->built_in)
			return err_set(e, E_UNSUPPORTED, "its pages are packed with %s, which is not built in (%s=on)",
				       c->name, c->make_switch);
	}
	return OK;
}

static enum status read_headers(struct kdump_header *h, struct kdump_sub_header *sub, enum kdump_layout *layout,
				bool *big_endian, const struct input_file *f, struct err *e)
{
	uint8_t raw[KDUMP_HEADER_MAX] = { 0 };
	size_t len = (size_t)min_u64(sizeof(raw), f->size);

	if (input_file_read(f, 0, raw, len, e) || kdump_header_decode(h, layout, big_endian, raw, len, e))
		return e->status;
	if (input_file_read(f, h->block_size, raw, KDUMP_SUB_HEADER_MAX, e))
		return err_add(e, "sub header");
	if (*layout != KDUMP_64)
		*layout = kdump_sub_header_layout(raw, h, *big_endian);
	kdump_sub_header_decode(sub, raw, h, *layout, *big_endian);
	say_headers(h, sub);
	return OK;
}

/* The range of pages that the file has descriptors for, and its text about what was erased. */
static enum status take_part(struct kdump_impl *k, struct kdump_part *p, struct err *e)
{
	const struct kdump_sub_header *s = &p->sub;

	p->start = s->split ? s->start_pfn : 0;
	p->end = s->split ? s->end_pfn : k->max_mapnr;
	if (p->start > p->end || p->end > k->max_mapnr)
		return err_set(e, E_FORMAT, "%s has pages %#" PRIx64 " to %#" PRIx64 " of %#" PRIx64, p->file->path,
			       p->start, p->end, k->max_mapnr);
	if (!s->size_eraseinfo)
		return OK;
	if (s->offset_eraseinfo < k->desc_at || s->offset_eraseinfo > p->file->size ||
	    s->size_eraseinfo > min_u64(p->file->size - s->offset_eraseinfo, p->file->stored)) {
		message(MSG_COMMON, "%s: the text about erased data is not in the file.\n", p->file->path);
		return OK;
	}
	p->eraseinfo_at = s->offset_eraseinfo;
	p->eraseinfo_len = s->size_eraseinfo;
	return OK;
}

/* --- parts that belong together ---------------------------------------------------------------------------- */

static bool same_dump(const struct kdump_impl *k, const struct kdump_header *h, const struct kdump_sub_header *s)
{
	const struct kdump_header *a = &k->header;
	const struct kdump_sub_header *b = &k->parts[0].sub;

	/* the status is not compared: parts are marked incomplete one by one */
	return h->version == a->version && !memcmp(h->utsname, a->utsname, sizeof(h->utsname)) &&
	       h->timestamp == a->timestamp && h->block_size == a->block_size &&
	       h->sub_header_blocks == a->sub_header_blocks && h->bitmap_blocks == a->bitmap_blocks &&
	       h->nr_cpus == a->nr_cpus && s->max_mapnr == b->max_mapnr && s->dump_level == b->dump_level &&
	       s->phys_base == b->phys_base && s->offset_note == b->offset_note && s->size_note == b->size_note;
}

static int by_start(const void *a, const void *b)
{
	const struct kdump_part *x = a, *y = b;

	if (x->start != y->start)
		return x->start < y->start ? -1 : 1;
	return x->end < y->end ? -1 : x->end > y->end;
}

/* Every part has all of the bitmaps: they say whether the parts were made by the same run. */
static enum status compare_bitmaps(const struct kdump_impl *k, struct err *e)
{
	struct kdump_impl other = *k;
	uint64_t pieces = shift_up(k->max_mapnr, PIECE_SHIFT);

	for (unsigned i = 1; i < k->n_parts; i++) {
		other.parts = &k->parts[i];
		for (uint64_t piece = 0; piece < pieces; piece++) {
			uint8_t a[PIECE_BYTES], b[PIECE_BYTES];
			uint64_t at = k->bitmap_at[1] + piece * PIECE_BYTES;
			uint64_t next = min_u64(input_file_next_data(k->parts[0].file, at),
						input_file_next_data(k->parts[i].file, at));

			piece += (next - at) / PIECE_BYTES;
			if (piece >= pieces)
				break;
			if (!kdump_read_piece(k, 1, piece, a) || !kdump_read_piece(&other, 1, piece, b) ||
			    memcmp(a, b, sizeof(a)))
				return err_set(e, E_FORMAT, "%s and %s are not parts of the same dump",
					       k->parts[0].file->path, k->parts[i].file->path);
		}
	}
	return OK;
}

/* Sorts the parts; what no part has is missing. */
static enum status join_parts(struct mem_source *src, struct kdump_impl *k, struct err *e)
{
	pfn_t at = 0;

	qsort(k->parts, k->n_parts, sizeof(*k->parts), by_start);
	for (unsigned i = 0; i < k->n_parts; i++) {
		struct kdump_part *p = &k->parts[i];

		if (p->start < at)
			return err_set(e, E_FORMAT, "%s and another part both have page %#" PRIx64, p->file->path, p->start);
		if (p->start > at)
			message(MSG_COMMON, "No part of the dump has pages %#" PRIx64 " to %#" PRIx64 ".\n", at, p->start);
		src->incomplete |= p->start > at;
		at = p->end;
	}
	if (at < k->max_mapnr) {
		message(MSG_COMMON, "No part of the dump has pages %#" PRIx64 " to %#" PRIx64 ".\n", at, k->max_mapnr);
		src->incomplete = true;
	}
	return compare_bitmaps(k, e);
}

static enum status open_parts(struct mem_source *src, struct kdump_impl *k, struct err *e)
{
	k->parts = calloc(src->n_files, sizeof(*k->parts));
	if (!k->parts)
		return err_nomem(e, src->n_files * sizeof(*k->parts));
	for (unsigned i = 0; i < src->n_files; i++) {
		const struct input_file *f = src->files[i];
		struct kdump_part *p = &k->parts[i];
		struct kdump_header h;
		enum kdump_layout layout;
		bool big_endian;

		p->file = f;
		if (read_headers(&h, &p->sub, &layout, &big_endian, f, e) || check_codec(&h, e))
			return src->n_files > 1 ? err_add(e, "%s", f->path) : e->status;
		if (src->n_files > 1 && !p->sub.split)
			return err_set(e, E_FORMAT, "%s is no part of a split dump", f->path);
		if (!i) {
			k->header = h;
			k->layout = layout;
			k->big_endian = big_endian;
			k->block_size = h.block_size;
			k->shift = (unsigned)__builtin_ctz(h.block_size);
			if (place_bitmaps(k, &p->sub, f->size, e))
				return e->status;
		} else if (layout != k->layout || big_endian != k->big_endian || !same_dump(k, &h, &p->sub)) {
			return err_set(e, E_FORMAT, "%s and %s are not parts of the same dump", src->files[0]->path, f->path);
		}
		src->incomplete |= h.status & KDUMP_INCOMPLETE;
		src->excluded_vmemmap |= h.status & KDUMP_EXCLUDED_VMEMMAP;
		k->n_parts = i + 1;
		if (take_part(k, p, e))
			return e->status;
		src->eraseinfo_len += p->eraseinfo_len;
	}
	return join_parts(src, k, e);
}

/* --- notes ------------------------------------------------------------------------------------------------- */

/* A text that is in no note gets one around it: the header and the padded name. */
#define TEXT_HEAD_LEN (ELF_NHDR_LEN + 12)

static void place_notes(struct mem_source *src, struct kdump_impl *k)
{
	const struct kdump_sub_header *s = &k->parts[0].sub;
	const struct input_file *f = k->parts[0].file;
	struct note_survey found = { 0 };

	if (s->size_note && s->offset_note >= k->block_size && s->offset_note < f->size) {
		k->note_at = s->offset_note;
		k->note_len = min_u64(s->size_note, min_u64(f->size - s->offset_note, f->stored));
	}
	notes_survey(&found, f, k->note_at, k->note_len, 0, k->big_endian);
	src->notes_big_endian = k->big_endian != found.swapped;
	src->notes_len = k->note_len;
	src->is_xen = found.is_xen;
	src->incomplete |= found.incomplete;
	src->vmcoreinfo_at = found.vmcoreinfo_at;
	src->vmcoreinfo_len = found.vmcoreinfo_len;
	if (s->size_vmcoreinfo && s->offset_vmcoreinfo >= k->block_size && s->offset_vmcoreinfo < f->size) {
		uint64_t len = min_u64(min_u64(s->size_vmcoreinfo, VMCOREINFO_MAX), f->size - s->offset_vmcoreinfo);
		uint64_t in = s->offset_vmcoreinfo - k->note_at;

		if (s->offset_vmcoreinfo >= k->note_at && in < k->note_len && len <= k->note_len - in) {
			src->vmcoreinfo_at = in;
			src->vmcoreinfo_len = (size_t)len;
		} else if (!found.vmcoreinfo_len) {
			/* version 3 has no notes, only the text */
			k->text_at = s->offset_vmcoreinfo;
			k->text_len = len;
			src->vmcoreinfo_at = note_pad(k->note_len) + TEXT_HEAD_LEN;
			src->vmcoreinfo_len = (size_t)len;
			src->notes_len = src->vmcoreinfo_at + note_pad(len);
		}
	}
	src->nr_cpus = k->header.nr_cpus > INT32_MAX || !k->header.nr_cpus ? found.nr_cpus : k->header.nr_cpus;
	find_machine(src, k, found.registers_len);
}

/* Copies what [pos, pos + len) of the blob and a stretch of it have in common, given where the stretch's bytes are. */
static enum status copy_stretch(const struct input_file *f, uint64_t at, uint64_t stretch, uint64_t stretch_len,
				uint64_t pos, uint8_t *to, size_t len, struct err *e)
{
	uint64_t from = max_u64(pos, stretch), until = min_u64(pos + len, stretch + stretch_len);

	return from < until ? input_file_read(f, at + (from - stretch), to + (from - pos), (size_t)(until - from), e) : OK;
}

static enum status kdump_read_notes(const struct mem_source *src, uint64_t pos, void *buf, size_t len, struct err *e)
{
	const struct kdump_impl *k = src->impl;
	const struct input_file *f = k->parts[0].file;
	uint64_t head_at = note_pad(k->note_len), from, until;
	uint8_t head[TEXT_HEAD_LEN] = { 0 }, *to = buf;

	memset(buf, 0, len);
	if (copy_stretch(f, k->note_at, 0, k->note_len, pos, to, len, e) ||
	    (k->text_len &&
	     copy_stretch(f, k->text_at, head_at + TEXT_HEAD_LEN, k->text_len, pos, to, len, e)))
		return err_add(e, "notes");
	if (!k->text_len)
		return OK;
	put_u32(head, sizeof(NOTE_VMCOREINFO_NAME), src->notes_big_endian);
	put_u32(head + 4, (uint32_t)k->text_len, src->notes_big_endian);
	memcpy(head + ELF_NHDR_LEN, NOTE_VMCOREINFO_NAME, sizeof(NOTE_VMCOREINFO_NAME));
	from = max_u64(pos, head_at);
	until = min_u64(pos + len, head_at + TEXT_HEAD_LEN);
	if (from < until)
		memcpy(to + (from - pos), head + (from - head_at), (size_t)(until - from));
	return OK;
}

static enum status kdump_read_eraseinfo(const struct mem_source *src, uint64_t pos, void *buf, size_t len,
					struct err *e)
{
	const struct kdump_impl *k = src->impl;
	uint64_t at = 0;

	for (unsigned i = 0; i < k->n_parts; i++) {
		const struct kdump_part *p = &k->parts[i];

		if (copy_stretch(p->file, p->eraseinfo_at, at, p->eraseinfo_len, pos, buf, len, e))
			return err_add(e, "the text about erased data");
		at += p->eraseinfo_len;
	}
	return OK;
}

/*
 * Dumps of arm count pages from the first one of RAM, which is where phys_base is.  QEMU, which makes such files too, has
 * the same phys_base and counts from 0; then the machine's first page is number phys_base, not number 0.
 */
static void find_pfn_base(struct kdump_impl *k, unsigned machine)
{
	pfn_t base = (uint64_t)k->parts[0].sub.phys_base >> k->shift, first;
	pfn_t limit = UINT64_C(1) << (PADDR_LIMIT_SHIFT - k->shift);

	if (machine == ELF_EM_ARM && k->layout != KDUMP_64 && kdump_first_present(k, &first) && first < base &&
	    k->max_mapnr <= limit - base)
		k->pfn_base = base;
}

/* --- descriptors -------------------------------------------------------------------------------------------- */

/* Writers put one page of zeros behind the descriptors, for all pages that are zero. */
static void find_zero_page(struct kdump_impl *k)
{
	uint64_t at = k->desc_at + k->rank[shift_up(k->max_mapnr, k->rank_shift)] * PAGE_DESC_LEN;
	uint8_t piece[4096];
	struct err e;

	for (unsigned i = 0; i < k->n_parts; i++)
		for (size_t done = 0; done < k->block_size; done += sizeof(piece)) {
			if (at > k->parts[i].file->size || k->parts[i].file->size - at < k->block_size ||
			    input_file_read(k->parts[i].file, at + done, piece, sizeof(piece), &e))
				return;
			for (size_t j = 0; j < sizeof(piece); j++)
				if (piece[j])
					return;
		}
	k->zero_at = at;
}

/* A file that was cut, or whose writer ran out of space, lacks the end: the last descriptor shows it. */
static enum status check_ends(struct mem_source *src, struct kdump_impl *k, struct err *e)
{
	for (unsigned i = 0; i < k->n_parts; i++) {
		struct kdump_part *p = &k->parts[i];
		uint8_t raw[PAGE_DESC_LEN];
		struct page_desc d;
		const char *why;
		uint64_t end_rank;
		struct err unread;

		if (!kdump_rank(k, p->start, &p->first_rank) || !kdump_rank(k, p->end, &end_rank))
			return err_set(e, E_UNREADABLE, "bitmap 2 cannot be read");
		if (p->first_rank == end_rank)
			continue;
		if (!input_file_read(p->file, k->desc_at + (end_rank - p->first_rank - 1) * PAGE_DESC_LEN, raw, sizeof(raw),
				     &unread)) {
			page_desc_decode(&d, raw, k->big_endian);
			if (kdump_desc_usable(k, p, &d, &why))
				continue;
		}
		if (!src->incomplete)
			message(MSG_COMMON, "%s ends before its last page, or lacks it.\n", p->file->path);
		src->incomplete = true;
	}
	for (unsigned i = 0; i < k->n_parts; i++)
		k->look_at_descs |= k->parts[i].file->flat && flat_file_cut(k->parts[i].file->flat);
	k->look_at_descs |= src->incomplete;
	return OK;
}

static enum status kdump_open(struct mem_source *src, struct err *e)
{
	struct kdump_impl *k = calloc(1, sizeof(*k));

	if (!k)
		return err_nomem(e, sizeof(*k));
	if (open_parts(src, k, e) || kdump_ranks_build(k, e) || check_ends(src, k, e)) {
		impl_free(k);
		return e->status;
	}
	find_zero_page(k);
	src->impl = k;
	place_notes(src, k);
	find_pfn_base(k, src->machine);
	src->end = (k->pfn_base + k->max_mapnr) << k->shift;
	src->page_shift = k->shift;
	src->dump_level = (unsigned)k->parts[0].sub.dump_level & 31;
	src->has_phys_base = true;
	src->phys_base = (uint64_t)k->parts[0].sub.phys_base;
	src->timestamp = k->header.timestamp;
	src->timestamp_us = k->header.timestamp_us;
	memcpy(src->utsname, k->header.utsname, sizeof(src->utsname));
	return OK;
}

static bool kdump_segment(const struct mem_source *src, size_t i, struct mem_segment *seg)
{
	(void)src, (void)i, (void)seg; /* the format knows physical pages only */
	return false;
}

const struct mem_source_ops kdump_source = {
	.name = "kdump-compressed",
	.reads_sets = true,
	.probe = kdump_probe,
	.open = kdump_open,
	.close = kdump_close,
	.next_run = kdump_next_run,
	.view = kdump_view,
	.segment = kdump_segment,
	.read_notes = kdump_read_notes,
	.reader_open = kdump_reader_open,
	.reader_close = kdump_reader_close,
	.next_present = kdump_next_present,
	.fill = kdump_fill,
	.read_eraseinfo = kdump_read_eraseinfo,
};
