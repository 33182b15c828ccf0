/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Opening a source by what its first bytes say, and the calls that every source shares. */
#include "input/mem_source.h"

#include <string.h>

#include "base/bitmap.h"
#include "base/bytes.h"
#include "elf_info.h"
#include "format/elf_core.h"
#include "input/input_file.h"
#include "input/kdump_image.h"
#include "input/map_trial.h"
#include "input/mem_reader.h"
#include "print_info.h"

/*
 * Of struct pages more is read in one go than of pages, as nobody works on them for long: measured where a system call
 * costs 1.2 us, 64 KiB at a time take 1.15 times as long.
 */
#define STRUCTS_BUFFER_BYTES ((size_t)128 << 10)

/* Strictest signature first. */
static const struct mem_source_ops *const sources[] = { &kdump_source, &elf_source };

/* Formats that are known and not read: naming them is kinder than "not an ELF file". */
static const struct foreign_format {
	const char *magic;
	const char *name;
} foreign[] = {
	{ "DISKDUMP", "an old diskdump dump" },
	{ "makedumpfile\0\0\0", "a flattened dump within a flattened one" },
	{ "LibvirtQemudSave", "a libvirt save image" },
	{ "PAGEDU64", "a Windows dump" },
	{ "LinuxGuestRecord", "a Xen save image" },
};

static enum status refuse(const struct input_file *f, const uint8_t *head, size_t len, struct err *e)
{
	for (size_t i = 0; i < ARRAY_SIZE(foreign); i++) {
		size_t n = strlen(foreign[i].magic);

		if (len >= n && !memcmp(head, foreign[i].magic, n))
			return err_set(e, E_UNSUPPORTED, "%s is %s", f->path, foreign[i].name);
	}
	return err_set(e, E_FORMAT, "%s is not a dump of a known format: no ELF file", f->path);
}

static void close_files(struct input_file **files, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		if (files[i])
			input_file_close(files[i]);
	free(files);
}

/* Which source reads this file; a file that is flattened is looked at as what it stands for from now on. */
static enum status find_source(struct input_file *f, const struct mem_source_ops **ops, struct err *e)
{
	uint8_t head[512] = { 0 };
	size_t len;

	if (input_file_unflatten(f, e))
		return err_add(e, "%s", f->path);
	len = (size_t)min_u64(sizeof(head), f->size);
	if (input_file_read(f, 0, head, len, e))
		return e->status;
	for (size_t i = 0; i < ARRAY_SIZE(sources); i++) {
		*ops = sources[i];
		if (sources[i]->probe(head, len))
			return OK;
	}
	return refuse(f, head, len, e);
}

static enum status open_files(struct mem_source *src, const char *const *paths, unsigned n,
			      const struct mem_source_options *opt, struct err *e)
{
	for (unsigned i = 0; i < n; i++) {
		const struct mem_source_ops *ops;

		if (input_file_open(&src->files[i], paths[i], opt->no_mmap, e))
			return e->status;
		if (!opt->no_mmap)
			(void)map_trial(src->files[i]);
		if (find_source(src->files[i], &ops, e))
			return e->status;
		if (n > 1 && !ops->reads_sets)
			return err_set(e, E_FORMAT, "%s: %s, and no part of a split dump", paths[i], ops->name);
		src->ops = ops;
	}
	src->file = src->files[0];
	if (src->ops->open(src, e))
		return err_add(e, "%s", n > 1 ? "the parts of the dump" : paths[0]);
	for (unsigned i = 0; i < n; i++)
		if (src->files[i]->flat && flat_file_cut(src->files[i]->flat)) {
			message(MSG_COMMON, "%s is cut: %s.\n", paths[i], flat_file_cut(src->files[i]->flat));
			src->incomplete = true;
		}
	return OK;
}

enum status mem_source_open(struct mem_source **out, const char *const *paths, unsigned n_paths,
			    const struct mem_source_options *opt, struct err *e)
{
	struct mem_source *src = calloc(1, sizeof(*src));

	if (!src)
		return err_nomem(e, sizeof(*src));
	src->n_files = n_paths;
	src->take_late = opt->take_late;
	src->files = calloc(n_paths, sizeof(*src->files));
	if (!src->files) {
		free(src);
		return err_nomem(e, n_paths * sizeof(*src->files));
	}
	if (open_files(src, paths, n_paths, opt, e)) {
		close_files(src->files, n_paths);
		free(src);
		return e->status;
	}
	*out = src;
	return OK;
}

enum status mem_source_wrap(struct mem_source **out, const struct mem_source_ops *ops, void *impl, struct err *e)
{
	struct mem_source *src = calloc(1, sizeof(*src));

	if (!src)
		return err_nomem(e, sizeof(*src));
	src->ops = ops;
	src->impl = impl;
	*out = src;
	return OK;
}

void mem_source_close(struct mem_source *src)
{
	src->ops->close(src);
	close_files(src->files, src->n_files);
	free(src->added_note);
	free(src);
}

bool mem_source_next_run(const struct mem_source *src, pfn_t from, unsigned page_shift, struct pfn_run *run)
{
	return src->ops->next_run(src, from, page_shift, run);
}

bool mem_source_next_present(const struct mem_source *src, pfn_t from, unsigned page_shift, struct pfn_run *run)
{
	return src->ops->next_present ? src->ops->next_present(src, from, page_shift, run) :
					mem_source_next_run(src, from, page_shift, run);
}

void mem_source_fill(const struct mem_source *src, enum page_set set, pfn_t start, pfn_t end, unsigned page_shift,
		     uint8_t *bits)
{
	struct pfn_run run;

	if (src->ops->fill) {
		src->ops->fill(src, set, start, end, bits);
		return;
	}
	memset(bits, 0, (size_t)((end - start + 7) / 8));
	for (pfn_t at = start; mem_source_next_run(src, at, page_shift, &run) && run.start < end; at = run.end)
		if (set == PAGES_PRESENT || run.kind != RUN_EMPTY)
			bitmap_set_range(bits, (size_t)(max_u64(run.start, start) - start),
					 (size_t)(min_u64(run.end, end) - start));
}

enum status mem_source_read_eraseinfo(const struct mem_source *src, uint64_t pos, void *buf, size_t len, struct err *e)
{
	if (pos > src->eraseinfo_len || len > src->eraseinfo_len - pos)
		return err_set(e, E_UNREADABLE, "the text about erased data ends at %llu",
			       (unsigned long long)src->eraseinfo_len);
	return src->ops->read_eraseinfo(src, pos, buf, len, e);
}

bool mem_source_segment(const struct mem_source *src, size_t i, struct mem_segment *seg)
{
	return src->ops->segment(src, i, seg);
}

enum status mem_source_read_notes(const struct mem_source *src, uint64_t pos, void *buf, size_t len, struct err *e)
{
	uint64_t own = src->notes_len - src->added_note_len;
	size_t in_file;

	if (pos > src->notes_len || len > src->notes_len - pos)
		return err_set(e, E_UNREADABLE, "notes end at %llu", (unsigned long long)src->notes_len);
	in_file = pos < own ? min_u64(len, own - pos) : 0;
	if (in_file && src->ops->read_notes(src, pos, buf, in_file, e))
		return e->status;
	if (in_file < len)
		memcpy((uint8_t *)buf + in_file, src->added_note + (pos + in_file - own), len - in_file);
	return OK;
}

enum status mem_source_add_vmcoreinfo(struct mem_source *src, const char *text, size_t len, struct err *e)
{
	static const char name[] = "VMCOREINFO";
	/* records begin at multiples of 4; a blob that ends elsewhere is padded first */
	size_t gap = (size_t)(round_up_u64(src->notes_len, 4) - src->notes_len);
	size_t desc = gap + ELF_NHDR_LEN + (size_t)round_up_u64(sizeof(name), 4), whole = desc + (size_t)round_up_u64(len, 4);
	uint8_t *note = calloc(1, whole);

	if (!note)
		return err_nomem(e, whole);
	put_u32(note + gap, sizeof(name), src->notes_big_endian);
	put_u32(note + gap + 4, (uint32_t)len, src->notes_big_endian);
	memcpy(note + gap + ELF_NHDR_LEN, name, sizeof(name));
	memcpy(note + desc, text, len);
	src->added_note = note;
	src->added_note_len = whole;
	src->vmcoreinfo_at = src->notes_len + desc;
	src->vmcoreinfo_len = len;
	src->notes_len += whole;
	return OK;
}

enum status mem_reader_open(struct mem_reader **out, const struct mem_source *src, enum mem_reader_use use,
			    struct err *e)
{
	struct mem_reader *r = calloc(1, sizeof(*r));

	if (!r)
		return err_nomem(e, sizeof(*r));
	r->src = src;
	r->bulk = use != READER_SMALL;
	if (src->ops->reader_open && src->ops->reader_open(r, e)) {
		free(r);
		return e->status;
	}
	if (src->file) {
		input_window_init(&r->window, src->file, r->bulk);
		if (use == READER_STRUCTS)
			r->window.buf_len = STRUCTS_BUFFER_BYTES;
		r->has_window = true;
	}
	*out = r;
	return OK;
}

void mem_reader_close(struct mem_reader *r)
{
	if (r->src->ops->reader_close)
		r->src->ops->reader_close(r);
	if (r->has_window)
		input_window_fini(&r->window);
	free(r->page);
	free(r);
}

enum status mem_reader_take_memory(struct mem_reader *r, struct err *e)
{
	return r->has_window ? input_window_take_memory(&r->window, e) : OK;
}

void mem_reader_expect(struct mem_reader *r, paddr_t end)
{
	r->expect_end = end;
}

enum status mem_view(struct mem_reader *r, paddr_t at, size_t len, struct span *out, struct err *e)
{
	input_window_drop_faulted(&r->window);
	return r->src->ops->view(r, at, len, out, e);
}

bool mem_view_intact(const struct mem_reader *r)
{
	return !input_window_faulted(&r->window);
}

enum status mem_read(struct mem_reader *r, paddr_t at, void *buf, size_t len, struct err *e)
{
	uint8_t *to = buf;

	while (len) {
		struct span s;

		if (mem_view(r, at, len, &s, e))
			return e->status;
		memcpy(to, s.data, s.len);
		if (!mem_view_intact(r))
			return err_set(e, E_UNREADABLE, "bad memory at physical address %#llx",
				       (unsigned long long)at);
		at += s.len;
		to += s.len;
		len -= s.len;
	}
	return OK;
}
