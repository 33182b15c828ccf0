/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Opening a source by what its first bytes say, and the calls that every source shares. */
#include "input/mem_source.h"

#include <string.h>

#include "base/bytes.h"
#include "base/fdio.h"
#include "elf_info.h"
#include "format/elf_core.h"
#include "input/input_file.h"
#include "input/mem_reader.h"

/* Strictest signature first. */
static const struct mem_source_ops *const sources[] = { &elf_source };

/* Formats that are known and not read: naming them is kinder than "not an ELF file". */
static const struct foreign_format {
	const char *magic;
	const char *name;
} foreign[] = {
	{ "KDUMP   ", "a kdump-compressed dump (re-filtering is not available in this build)" },
	{ "DISKDUMP", "an old diskdump dump" },
	{ "makedumpfile\0\0\0", "a flattened dump (reading it is not available in this build)" },
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

enum status mem_source_open(struct mem_source **out, const char *path, const struct mem_source_options *opt,
			    struct err *e)
{
	AUTO(input_file) *file = NULL;
	struct mem_source *src;
	uint8_t head[4096];
	size_t len;
	int sys_errno;

	if (input_file_open(&file, path, opt->no_mmap, e))
		return e->status;
	len = fd_pread(file->fd, 0, head, sizeof(head), &sys_errno);
	for (size_t i = 0; i < ARRAY_SIZE(sources); i++) {
		if (!sources[i]->probe(head, len))
			continue;
		src = calloc(1, sizeof(*src));
		if (!src)
			return err_nomem(e, sizeof(*src));
		src->ops = sources[i];
		src->file = file;
		if (src->ops->open(src, e)) {
			free(src);
			return err_add(e, "%s", path);
		}
		file = NULL;
		*out = src;
		return OK;
	}
	return refuse(file, head, len, e);
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
	if (src->file)
		input_file_close(src->file);
	free(src->added_note);
	free(src);
}

bool mem_source_next_run(const struct mem_source *src, pfn_t from, unsigned page_shift, struct pfn_run *run)
{
	return src->ops->next_run(src, from, page_shift, run);
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
	put_u32(note + gap, sizeof(name), src->big_endian);
	put_u32(note + gap + 4, (uint32_t)len, src->big_endian);
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
	if (src->file) {
		input_window_init(&r->window, src->file, use == READER_BULK);
		r->has_window = true;
	}
	*out = r;
	return OK;
}

void mem_reader_close(struct mem_reader *r)
{
	if (r->has_window)
		input_window_fini(&r->window);
	free(r->page);
	free(r);
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
	return !r->window.faulted;
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
