/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The ELF memory source: PT_LOAD map and notes of a core file, of either class and byte order. */
#include "elf_info.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/host.h"
#include "format/elf_core.h"
#include "input/input_file.h"
#include "input/kcore.h"
#include "input/mem_reader.h"
#include "input/late_memory.h"
#include "input/notes.h"
#include "print_info.h"

/* More program headers than any writer makes: the limit bounds memory, not format. */
#define MAX_PHDRS (1u << 20)
/*
 * Physical addresses end here: 52 bits are the most that any 64-bit machine of today wires up.  The kernel's
 * own limit, where it is known, is applied later.
 */
#define PADDR_LIMIT (UINT64_C(1) << 52)
/* Writers make one PT_NOTE, sometimes one for each CPU; all of them together are part of the file. */
#define MAX_NOTE_RANGES 16384
/*
 * RAM that headers may claim beyond the bytes of the file: filtered dumps hold a small part of their machine, but
 * every page that is claimed costs bits in the dump.
 */
#define UNHELD_LIMIT_BASE (UINT64_C(1) << 36)
#define UNHELD_LIMIT_FACTOR 16384
/* Data of a flattened file that is gaps: all of it is looked at, page by page. */
#define GAPS_LIMIT_BASE (UINT64_C(1) << 30)
#define GAPS_LIMIT_FACTOR 1024

/*
 * The address map: extents rise and do not overlap.  Of segments that overlap, the first in the file's order
 * counts, but data counts before the empty rest of another segment.
 */
struct extent {
	paddr_t start, end;
	uint64_t pos; /* in the file; EXTENT_EMPTY: nothing there, reads as zero */
};
#define EXTENT_EMPTY UINT64_MAX

struct note_range {
	uint64_t pos, len; /* in the file */
};

struct elf_impl {
	struct elf_header header;
	struct mem_segment *segments;
	uint64_t *segment_pos; /* file offsets, beside segments[] */
	size_t n_segments;
	struct extent *extents;
	size_t n_extents;
	struct note_range *notes;
	size_t n_notes;
};

static bool elf_probe(const uint8_t *head, size_t len)
{
	return elf_has_magic(head, len);
}

static void impl_free(struct elf_impl *elf)
{
	free(elf->segments);
	free(elf->segment_pos);
	free(elf->extents);
	free(elf->notes);
	free(elf);
}

/* --- the address map ------------------------------------------------------------------------------ */

/* A candidate range for the map; `rank` says who wins where two overlap: the smaller one. */
struct piece {
	paddr_t start, end;
	uint64_t pos;
	uint32_t rank;
};

static int by_start(const void *a, const void *b)
{
	const struct piece *x = a, *y = b;

	if (x->start != y->start)
		return x->start < y->start ? -1 : 1;
	return x->rank < y->rank ? -1 : x->rank > y->rank;
}

/* A binary heap of pieces, smallest rank on top. */
struct piece_heap {
	const struct piece **at;
	size_t n;
};

static void heap_push(struct piece_heap *h, const struct piece *p)
{
	size_t i = h->n++;

	for (; i && h->at[(i - 1) / 2]->rank > p->rank; i = (i - 1) / 2)
		h->at[i] = h->at[(i - 1) / 2];
	h->at[i] = p;
}

static void heap_pop(struct piece_heap *h)
{
	const struct piece *last = h->at[--h->n];
	size_t i = 0, child;

	while ((child = 2 * i + 1) < h->n) {
		if (child + 1 < h->n && h->at[child + 1]->rank < h->at[child]->rank)
			child++;
		if (h->at[child]->rank >= last->rank)
			break;
		h->at[i] = h->at[child];
		i = child;
	}
	h->at[i] = last;
}

static void add_extent(struct elf_impl *elf, const struct piece *p, paddr_t start, paddr_t end)
{
	struct extent *last = elf->n_extents ? &elf->extents[elf->n_extents - 1] : NULL;
	uint64_t pos = p->pos == EXTENT_EMPTY ? EXTENT_EMPTY : p->pos + (start - p->start);
	bool continues = last && last->end == start &&
			 (pos == EXTENT_EMPTY ? last->pos == EXTENT_EMPTY :
						last->pos != EXTENT_EMPTY && last->pos + (start - last->start) == pos);

	if (continues)
		last->end = end;
	else
		elf->extents[elf->n_extents++] = (struct extent){ start, end, pos };
}

/* Sweeps the pieces, sorted by start, into elf->extents, which has room for 2 * n. */
static void sweep(struct elf_impl *elf, const struct piece *pieces, size_t n, struct piece_heap *heap)
{
	size_t next = 0;
	paddr_t at = 0;

	while (next < n || heap->n) {
		const struct piece *top;
		paddr_t until;

		while (heap->n && heap->at[0]->end <= at)
			heap_pop(heap);
		if (!heap->n) {
			if (next >= n)
				break;
			at = max_u64(at, pieces[next].start);
		}
		while (next < n && pieces[next].start <= at)
			heap_push(heap, &pieces[next++]);
		if (!heap->n)
			continue;
		top = heap->at[0];
		if (top->end <= at)
			continue;
		until = next < n ? min_u64(top->end, pieces[next].start) : top->end;
		add_extent(elf, top, at, until);
		at = until;
	}
}

static enum status build_map(struct elf_impl *elf, uint64_t file_size, struct err *e)
{
	size_t n = 0, max = elf->n_segments * 2;
	AUTO_FREE struct piece *pieces = malloc((max + 1) * sizeof(*pieces));
	AUTO_FREE const struct piece **heap_mem = malloc((max + 1) * sizeof(*heap_mem));
	struct piece_heap heap = { heap_mem, 0 };
	struct extent *shrunk;
	uint64_t cut = 0, unheld_left = UNHELD_LIMIT_BASE + min_u64(file_size, UINT32_MAX) * UNHELD_LIMIT_FACTOR;

	elf->extents = malloc((2 * max + 1) * sizeof(*elf->extents));
	if (!pieces || !heap_mem || !elf->extents)
		return err_nomem(e, 2 * max * sizeof(*elf->extents));
	for (size_t i = 0; i < elf->n_segments; i++) {
		struct mem_segment *s = &elf->segments[i];
		uint64_t memsz = s->memsz, filesz = min_u64(s->filesz, s->memsz), held;

		if (s->paddr == PADDR_NONE || !memsz)
			continue;
		if (s->paddr >= PADDR_LIMIT) {
			cut++;
			continue;
		}
		if (memsz > PADDR_LIMIT - s->paddr) {
			cut++;
			memsz = PADDR_LIMIT - s->paddr;
			filesz = min_u64(filesz, memsz);
		}
		held = elf->segment_pos[i] < file_size ? min_u64(filesz, file_size - elf->segment_pos[i]) : 0;
		if (memsz - held > unheld_left) {
			cut++;
			memsz = held + unheld_left;
			filesz = min_u64(filesz, memsz);
		}
		unheld_left -= memsz - held;
		s->memsz = memsz;
		s->filesz = filesz;
		if (filesz)
			pieces[n++] = (struct piece){ s->paddr, s->paddr + filesz, elf->segment_pos[i], (uint32_t)i };
		if (memsz > filesz)
			pieces[n++] = (struct piece){ s->paddr + filesz, s->paddr + memsz, EXTENT_EMPTY,
						      (uint32_t)(elf->n_segments + i) };
	}
	if (cut)
		message(MSG_COMMON, "%" PRIu64 " memory ranges claim more than can be: cut.\n", cut);
	qsort(pieces, n, sizeof(*pieces), by_start);
	sweep(elf, pieces, n, &heap);
	shrunk = realloc(elf->extents, (elf->n_extents + 1) * sizeof(*elf->extents));
	if (shrunk)
		elf->extents = shrunk;
	return OK;
}

/*
 * A file whose ranges share their bytes claims more memory than it has, and would keep us busy far longer
 * than its size allows.  The factor leaves room for the overlaps that writers make.
 */
static enum status check_claims(const struct elf_impl *elf, const struct input_file *f, struct err *e)
{
	uint64_t claimed = 0;

	for (size_t i = 0; i < elf->n_extents; i++) {
		const struct extent *x = &elf->extents[i];

		if (x->pos != EXTENT_EMPTY && x->pos < f->size)
			claimed += min_u64(x->end - x->start, f->size - x->pos);
	}
	/* gaps of a flattened file are zeros that it did not pay for */
	if (claimed / 4 > f->size || (f->stored < f->size && claimed > GAPS_LIMIT_BASE + f->stored * GAPS_LIMIT_FACTOR))
		return err_set(e, E_FORMAT, "program headers claim %" PRIu64 " bytes of memory, the file has %" PRIu64,
			       claimed, min_u64(f->size, f->stored));
	return OK;
}

/* Index of the extent that holds `at`, or of the first one above it; n_extents when there is none. */
static size_t find_extent(const struct elf_impl *elf, paddr_t at)
{
	size_t lo = 0, hi = elf->n_extents;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (elf->extents[mid].end <= at)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

/* --- opening -------------------------------------------------------------------------------------- */

static enum status read_phdr_count(const struct input_file *f, const struct elf_header *h, uint32_t *n, struct err *e)
{
	uint8_t raw[ELF_SHDR_MAX];

	*n = h->phnum;
	if (h->phnum != ELF_PN_XNUM || !h->shoff)
		return OK;
	if (input_file_read(f, h->shoff, raw, elf_shdr_len(h), e))
		return err_add(e, "section header 0, which holds the number of program headers");
	*n = elf_shdr_info(raw, h);
	return OK;
}

/* Keeps what one program header says; room for it is there. */
static void keep_phdr(struct elf_impl *elf, const struct elf_phdr *p)
{
	if (p->type == ELF_PT_LOAD) {
		elf->segments[elf->n_segments] =
			(struct mem_segment){ p->paddr, p->vaddr, p->filesz, p->memsz, p->flags };
		elf->segment_pos[elf->n_segments++] = p->offset;
	} else if (p->type == ELF_PT_NOTE && p->filesz && p->offset && elf->n_notes < MAX_NOTE_RANGES) {
		elf->notes[elf->n_notes++] = (struct note_range){ p->offset, p->filesz };
	}
}

/* Reads the program headers twice: to count by type, then to keep; so memory holds only what is used. */
static enum status read_phdrs(struct elf_impl *elf, const struct input_file *f, struct err *e)
{
	const struct elf_header *h = &elf->header;
	struct input_window w;
	uint32_t n;
	enum status st = OK;
	size_t loads = 0, notes = 0;

	if (read_phdr_count(f, h, &n, e))
		return e->status;
	if (!n)
		return err_set(e, E_FORMAT, "no program headers");
	if (n > MAX_PHDRS || (uint64_t)n * h->phentsize > f->size)
		return err_set(e, E_FORMAT, "%u program headers do not fit into the file", n);
	input_window_init(&w, f, false);
	for (int pass = 0; pass < 2 && !st; pass++) {
		for (uint32_t i = 0; i < n && !st;) {
			struct span s;

			struct window_want want = { h->phoff + (uint64_t)i * h->phentsize,
						    (size_t)(n - i) * h->phentsize, elf_phdr_len(h), 0 };

			st = input_window_view(&w, &want, &s, e);
			if (st) {
				err_add(e, "program header %u", i);
				break;
			}
			for (size_t at = 0; i < n && at + elf_phdr_len(h) <= s.len; at += h->phentsize, i++) {
				struct elf_phdr p;

				elf_phdr_decode(&p, s.data + at, h);
				if (pass) {
					keep_phdr(elf, &p);
				} else {
					loads += p.type == ELF_PT_LOAD;
					notes += p.type == ELF_PT_NOTE;
				}
			}
		}
		if (!pass && !st) {
			elf->segments = malloc((loads + 1) * sizeof(*elf->segments));
			elf->segment_pos = malloc((loads + 1) * sizeof(*elf->segment_pos));
			elf->notes = malloc((size_t)(min_u64(notes, MAX_NOTE_RANGES) + 1) * sizeof(*elf->notes));
			if (!elf->segments || !elf->segment_pos || !elf->notes)
				st = err_nomem(e, loads * sizeof(*elf->segments));
		}
	}
	input_window_fini(&w);
	if (!st && !elf->n_segments)
		return err_set(e, E_FORMAT, "no PT_LOAD program header: it holds no memory");
	return st;
}

/*
 * /proc/kcore before 4.19 has no VMCOREINFO among its notes: the kernel tells where in its memory the note lies.  It is
 * taken as if it were one of the file's, so the dump has it too.
 */
static void add_live_vmcoreinfo(struct mem_source *src, struct elf_impl *elf, struct note_survey *found)
{
	static const uint8_t name[] = "VMCOREINFO";
	uint8_t raw[ELF_NHDR_LEN + sizeof(name)];
	const struct extent *x;
	struct note_range r;
	struct elf_note n;
	uint64_t at, room;
	struct err e;
	size_t i;

	if (!src->live || found->vmcoreinfo_len || !host_vmcoreinfo(&at, &room))
		return;
	i = find_extent(elf, at);
	if (i == elf->n_extents || at < elf->extents[i].start || elf->extents[i].pos == EXTENT_EMPTY)
		return;
	x = &elf->extents[i];
	r = (struct note_range){ x->pos + (at - x->start), min_u64(room, x->end - at) };
	if (r.len < sizeof(raw) || input_file_read(src->file, r.pos, raw, sizeof(raw), &e))
		return;
	elf_note_decode(&n, raw, src->big_endian);
	if (n.type || n.namesz != sizeof(name) || memcmp(raw + ELF_NHDR_LEN, name, sizeof(name)))
		return;
	/* behind the note its room is empty */
	r.len = min_u64(r.len, ELF_NHDR_LEN + note_pad(n.namesz) + note_pad(n.descsz));
	src->notes_len = note_pad(src->notes_len);
	notes_survey(found, src->file, r.pos, r.len, src->notes_len, src->big_endian);
	src->notes_len += r.len;
	elf->notes[elf->n_notes++] = r; /* read_phdrs() leaves room for one more */
}

static void survey_notes(struct mem_source *src, struct elf_impl *elf)
{
	struct note_survey found = { 0 };

	for (size_t i = 0; i < elf->n_notes; i++) {
		struct note_range *r = &elf->notes[i];
		uint64_t before = note_pad(src->notes_len);

		/* neither beyond the file, nor more than the file in all */
		if (r->pos >= src->file->size || before >= src->file->stored)
			r->len = 0;
		else
			r->len = min_u64(r->len, min_u64(src->file->size - r->pos, src->file->stored - before));
		src->notes_len = before;
		notes_survey(&found, src->file, r->pos, r->len, src->notes_len, src->big_endian);
		src->notes_len += r->len;
	}
	add_live_vmcoreinfo(src, elf, &found);
	src->notes_big_endian = src->big_endian != found.swapped;
	src->nr_cpus = found.nr_cpus;
	src->is_xen = found.is_xen;
	src->incomplete |= found.incomplete;
	src->vmcoreinfo_at = found.vmcoreinfo_at;
	src->vmcoreinfo_len = found.vmcoreinfo_len;
}

static void elf_close(struct mem_source *src)
{
	impl_free(src->impl);
}

static void list_segments(const struct elf_impl *elf)
{
	if (!message_shows(MSG_DEBUG))
		return;
	message(MSG_DEBUG, "%-8s%17s%17s%17s%17s\n", "", "phys_start", "phys_end", "virt_start", "virt_end");
	for (size_t i = 0; i < elf->n_segments; i++) {
		const struct mem_segment *s = &elf->segments[i];

		message(MSG_DEBUG, "LOAD[%2zu] %16" PRIx64 " %16" PRIx64 " %16" PRIx64 " %16" PRIx64 "\n", i, s->paddr,
			s->paddr + s->memsz, s->vaddr, s->vaddr + s->memsz);
	}
}

/* End of the highest range; one without a byte counts with its address, as it does in every known reader. */
static paddr_t highest_address(const struct elf_impl *elf)
{
	paddr_t end = elf->n_extents ? elf->extents[elf->n_extents - 1].end : 0;

	for (size_t i = 0; i < elf->n_segments; i++)
		if (elf->segments[i].paddr <= PADDR_LIMIT && !elf->segments[i].memsz)
			end = max_u64(end, elf->segments[i].paddr);
	return end;
}

/* Memory may begin later than the headers tell; the one who opens the file decides what to believe. */
static void look_for_late_memory(struct mem_source *src, struct elf_impl *elf)
{
	struct notes_and_memory told = { 0 };

	if (elf->n_notes != 1 || !elf->n_segments)
		return;
	told.notes_at = elf->notes[0].pos;
	told.notes_len = elf->notes[0].len;
	told.memory_at = elf->segment_pos[0];
	for (size_t i = 0; i < elf->n_segments; i++) {
		if (elf->segment_pos[i] != told.memory_at + told.memory_len)
			return;
		told.memory_len += elf->segments[i].filesz;
	}
	src->late_by = late_memory_shift(src->file, &elf->header, &told);
	if (!src->take_late)
		return;
	elf->notes[0].len += src->late_by;
	for (size_t i = 0; i < elf->n_segments; i++)
		elf->segment_pos[i] += src->late_by;
}

static enum status elf_open(struct mem_source *src, struct err *e)
{
	uint8_t raw[ELF_HEADER_MAX] = { 0 };
	struct elf_impl *elf = calloc(1, sizeof(*elf));
	size_t len = (size_t)min_u64(sizeof(raw), src->file->size);

	if (!elf)
		return err_nomem(e, sizeof(*elf));
	if (input_file_read(src->file, 0, raw, len, e) || elf_header_decode(&elf->header, raw, len, e) ||
	    read_phdrs(elf, src->file, e)) {
		impl_free(elf);
		return e->status;
	}
	/* /proc/vmcore is a file of the kernel too, but all of its ranges are RAM */
	src->live = src->file->is_procfs && kcore_segments(elf->segments, elf->n_segments);
	kcore_place_segments(elf->segments, elf->n_segments, elf->header.machine);
	look_for_late_memory(src, elf);
	if (build_map(elf, src->file->size, e) || check_claims(elf, src->file, e)) {
		impl_free(elf);
		return e->status;
	}
	src->impl = elf;
	src->machine = elf->header.machine;
	src->elf_flags = elf->header.flags;
	src->elf_osabi = elf->header.osabi;
	src->incomplete = elf_marks_by_flag(src->machine) && elf->header.flags & ELF_FLAG_INCOMPLETE;
	src->is64 = elf->header.is64;
	src->big_endian = elf->header.big_endian;
	src->end = highest_address(elf);
	src->has_segments = true;
	survey_notes(src, elf);
	list_segments(elf);
	return OK;
}

/* --- reading -------------------------------------------------------------------------------------- */

static bool elf_segment(const struct mem_source *src, size_t i, struct mem_segment *seg)
{
	const struct elf_impl *elf = src->impl;

	if (i >= elf->n_segments)
		return false;
	*seg = elf->segments[i];
	return true;
}

/* End of the bytes of a data extent that the file really has, as a physical address. */
static paddr_t data_end(const struct mem_source *src, const struct extent *x)
{
	if (x->pos >= src->file->size)
		return x->start;
	return x->start + min_u64(x->end - x->start, src->file->size - x->pos);
}

/* What the file holds of the page at `page`, and until which page that stays so when looked at from extent i. */
static enum run_kind page_kind(const struct mem_source *src, size_t i, pfn_t pfn, unsigned shift, pfn_t *until)
{
	const struct elf_impl *elf = src->impl;
	const struct extent *x = &elf->extents[i];
	paddr_t page = pfn << shift, end = page + (UINT64_C(1) << shift);
	bool data = false, lost = false;

	*until = pfn + 1;
	/* a page that lies whole in one extent: all whole pages of that extent are alike */
	if (x->start <= page && end <= x->end) {
		paddr_t have;

		if (x->pos == EXTENT_EMPTY) {
			*until = x->end >> shift;
			return RUN_EMPTY;
		}
		have = data_end(src, x);
		if (have >= end) {
			*until = have >> shift;
			return RUN_DATA;
		}
		if (have <= page)
			*until = x->end >> shift;
		return RUN_LOST;
	}
	for (size_t j = i; j < elf->n_extents && elf->extents[j].start < end; j++) {
		if (elf->extents[j].pos == EXTENT_EMPTY)
			continue;
		data = true;
		lost |= data_end(src, &elf->extents[j]) < min_u64(elf->extents[j].end, end);
	}
	if (lost)
		return RUN_LOST;
	if (!data)
		return RUN_EMPTY;
	return x->start <= page && x->pos != EXTENT_EMPTY ? RUN_DATA : RUN_LATE;
}

/* A run is joined from so many extents at most, so that asking for one costs little however cut up the file is. */
#define RUN_EXTENTS_MAX 16

static bool elf_next_run(const struct mem_source *src, pfn_t from, unsigned shift, struct pfn_run *run)
{
	const struct elf_impl *elf = src->impl;
	pfn_t until, pfn = from;
	size_t i, joined;

	if (from > PADDR_LIMIT >> shift)
		return false;
	i = find_extent(elf, pfn << shift);
	if (i == elf->n_extents)
		return false;
	pfn = max_u64(pfn, elf->extents[i].start >> shift);
	run->start = pfn;
	run->kind = page_kind(src, i, pfn, shift, &until);
	run->end = until;
	for (joined = 0; joined < RUN_EXTENTS_MAX; joined++) {
		while (i < elf->n_extents && elf->extents[i].end <= until << shift)
			i++;
		/* the next page follows without a gap, and is of the same kind */
		if (i == elf->n_extents || elf->extents[i].start >> shift > until ||
		    page_kind(src, i, until, shift, &until) != run->kind)
			break;
		run->end = until;
	}
	return true;
}

/* Puts the bytes [at, at + len) together in the reader's page; they lie in one page of 4 KiB. */
static enum status view_parts(struct mem_reader *r, size_t i, paddr_t at, size_t len, struct span *out, struct err *e)
{
	const struct elf_impl *elf = r->src->impl;
	paddr_t page_end = (at | (PAGE_SIZE_MIN - 1)) + 1, page = page_end - PAGE_SIZE_MIN;
	bool touched = i < elf->n_extents && elf->extents[i].start < page_end;

	/* the page may be touched by an extent that ends before `at` */
	touched |= i > 0 && elf->extents[i - 1].end > page;
	if (!touched)
		return err_set(e, E_UNREADABLE, "no memory at physical address %#" PRIx64, at);
	if (!r->page) {
		r->page = malloc(PAGE_SIZE_MIN);
		if (!r->page)
			return err_nomem(e, PAGE_SIZE_MIN);
	}
	memset(r->page, 0, len);
	for (; i < elf->n_extents && elf->extents[i].start < at + len; i++) {
		const struct extent *x = &elf->extents[i];
		paddr_t from = max_u64(x->start, at), to = min_u64(x->end, at + len);

		while (x->pos != EXTENT_EMPTY && from < to) {
			struct window_want want = { x->pos + (from - x->start), (size_t)(to - from),
						    (size_t)(to - from), 0 };
			struct span s;

			if (input_window_view(&r->window, &want, &s, e))
				return err_add(e, "physical address %#" PRIx64, from);
			memcpy(r->page + (from - at), s.data, s.len);
			from += s.len;
		}
	}
	*out = (struct span){ r->page, len };
	return OK;
}

static enum status elf_view(struct mem_reader *r, paddr_t at, size_t len, struct span *out, struct err *e)
{
	const struct elf_impl *elf = r->src->impl;
	size_t to_page_end = PAGE_SIZE_MIN - (at & (PAGE_SIZE_MIN - 1));
	size_t must = len < to_page_end ? len : to_page_end;
	struct window_want want;
	const struct extent *x;
	size_t i = r->hint;

	if (i >= elf->n_extents || at < elf->extents[i].start || at >= elf->extents[i].end)
		i = find_extent(elf, at);
	if (i == elf->n_extents || at < elf->extents[i].start || elf->extents[i].end - at < must ||
	    elf->extents[i].pos == EXTENT_EMPTY)
		return view_parts(r, i, at, must, out, e);
	r->hint = i;
	x = &elf->extents[i];
	want = (struct window_want){ x->pos + (at - x->start), (size_t)min_u64(len, x->end - at), must, 0 };
	if (r->expect_end > at)
		want.ahead = min_u64(r->expect_end, x->end) - at;
	if (input_window_view(&r->window, &want, out, e))
		return err_add(e, "physical address %#" PRIx64, at);
	return OK;
}

static enum status elf_read_notes(const struct mem_source *src, uint64_t pos, void *buf, size_t len, struct err *e)
{
	const struct elf_impl *elf = src->impl;
	uint64_t start = 0;
	uint8_t *to = buf;

	memset(buf, 0, len); /* the padding between two PT_NOTEs */
	for (size_t i = 0; i < elf->n_notes; i++) {
		const struct note_range *n = &elf->notes[i];
		uint64_t from, until;

		start = note_pad(start);
		from = max_u64(pos, start);
		until = min_u64(pos + len, start + n->len);
		if (from < until &&
		    input_file_read(src->file, n->pos + (from - start), to + (from - pos), (size_t)(until - from), e))
			return err_add(e, "notes");
		start += n->len;
	}
	return OK;
}

const struct mem_source_ops elf_source = {
	.name = "ELF core",
	.probe = elf_probe,
	.open = elf_open,
	.close = elf_close,
	.next_run = elf_next_run,
	.view = elf_view,
	.segment = elf_segment,
	.read_notes = elf_read_notes,
};
