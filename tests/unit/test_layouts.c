/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Dumps of every word size and byte order: what the writers write is what the sources read, plain, flattened, put in
 * order again and in parts.
 */
#include "world.h"

#include <sys/mman.h>
#include <unistd.h>

#include "base/bitmap.h"
#include "format/flat_record.h"
#include "output/dump_guard.h"
#include "output/elf_writer.h"
#include "output/kdump_writer.h"

#define PAGE 4096u
#define PAGES 700u

static struct err e;
static struct fake_memory mem;

/* --- a file -------------------------------------------------------------------------------------------------------- */

struct file {
	struct sink base;
	int fd;
	char path[32];
};

static struct file *of(struct sink *s)
{
	return (struct file *)s;
}

static enum status file_write_at(struct sink *s, uint64_t pos, const void *buf, size_t len, size_t *written, struct err *err)
{
	(void)err;
	assert_int_equal(pwrite(of(s)->fd, buf, len, (off_t)pos), len);
	*written = len;
	return OK;
}

static enum status file_read_at(struct sink *s, uint64_t pos, void *buf, size_t len, struct err *err)
{
	(void)err;
	/* whoever reads behind the end fails */
	assert_int_equal(pread(of(s)->fd, buf, len, (off_t)pos), len);
	return OK;
}

static enum status file_set_length(struct sink *s, uint64_t len, struct err *err)
{
	(void)err;
	assert_int_equal(ftruncate(of(s)->fd, (off_t)len), 0);
	return OK;
}

static enum status file_done(struct sink *s, struct err *err)
{
	(void)s, (void)err;
	return OK;
}

static enum status file_amend(struct sink *s, uint64_t pos, const void *buf, size_t len, struct err *err)
{
	size_t written;

	return file_write_at(s, pos, buf, len, &written, err);
}

static const struct sink_ops file_ops = {
	.write_at = file_write_at,
	.read_at = file_read_at,
	.set_length = file_set_length,
	.sync = file_done,
	.finish = file_done,
	.amend = file_amend,
};

static void file_open(struct file *f)
{
	*f = (struct file){ .base = { .ops = &file_ops, .name = "file", .holes_are_zero = true } };
	f->fd = memfd_create("dump", 0);
	assert_true(f->fd > 0);
	snprintf(f->path, sizeof(f->path), "/proc/self/fd/%d", f->fd);
}

static void file_close(struct file *f)
{
	close(f->fd);
}

/* --- machines ------------------------------------------------------------------------------------------------------ */

/* e_machine and sizes as numbers; `base` is the first page of RAM, and on arm the one that files call number 0. */
static const struct shape {
	const char *name;
	unsigned machine, long_bytes;
	bool big;
	pfn_t base;
	/* of the dump's headers */
	unsigned status_at, sub_len, max_mapnr_at;
} shapes[] = {
	{ "x86_64", 62, 8, false, 0, 424, 104, 96 },	{ "s390x", 22, 8, true, 0, 424, 104, 96 },
	{ "ppc64le", 21, 8, false, 0, 424, 104, 96 },	{ "aarch64", 183, 8, false, 64, 424, 104, 96 },
	{ "i686", 3, 4, false, 0, 412, 80, 72 },	{ "ppc", 20, 4, true, 0, 412, 96, 88 },
	{ "armv7l", 40, 4, false, 64, 412, 96, 88 },	{ "armv7b", 40, 4, true, 64, 412, 96, 88 },
	{ "armv7l", 40, 4, false, 65, 412, 96, 88 },	{ "armv7b", 40, 4, true, 7, 412, 96, 88 },
	{ "armv7l", 40, 4, false, 68, 412, 96, 88 },	{ "armv7l", 40, 4, false, 1, 412, 96, 88 },
};

#define NOTE_LEN 32
static uint8_t notes[NOTE_LEN];
static uint8_t held[PAGES / 8 + 1], present[PAGES / 8 + 1];
static size_t n_held;

static pfn_t pfn_base(const struct shape *m)
{
	return m->machine == 40 ? m->base : 0;
}

/* From the first page of RAM on: a hole, pages of zeros, pages that are left out. */
static void open_machine(const struct shape *m)
{
	pfn_t from = m->base;

	fake_memory_open(&mem, PAGES);
	fake_memory_runs(&mem, (struct pfn_run[]){ { from, from + 100, RUN_DATA }, { from + 131, PAGES, RUN_DATA } }, 2);
	memset(held, 0, sizeof(held));
	memset(present, 0, sizeof(present));
	bitmap_set_range(present, from, from + 100);
	bitmap_set_range(present, from + 131, PAGES);
	for (pfn_t pfn = 0; pfn < PAGES; pfn++) {
		uint64_t seed = pfn;

		if (bitmap_test(present, pfn) && pfn % 7 != 3)
			bitmap_set_range(held, pfn, pfn + 1);
		for (size_t i = 0; i < PAGE && pfn % 5; i++)
			mem.bytes[pfn * PAGE + i] = pfn % 3 ? (uint8_t)(pfn + i / 64) : (uint8_t)random_next(&seed);
	}
	n_held = bitmap_count(held, 0, PAGES);
	put_u32(notes, 11, m->big);
	put_u32(notes + 4, 8, m->big);
	put_u32(notes + 8, 0, m->big);
	memcpy(notes + 12, "VMCOREINFO\0", 12);
	memcpy(notes + 24, "KEY=val\n", 8);
	mem.notes = (const char *)notes;
	mem.src->notes_big_endian = m->big;
	mem.src->notes_len = NOTE_LEN;
	mem.src->vmcoreinfo_at = 24;
	mem.src->vmcoreinfo_len = 8;
	mem.src->nr_cpus = 3;
}

/* Writes the pages [start, end) of the dump, or all of it; bitmaps go out in windows of so many pages. */
static void dump(struct sink *s, const struct shape *m, pfn_t window, pfn_t start, pfn_t end)
{
	struct dump_about about = {
		.target = { m->big, m->long_bytes, 12, PAGE },
		.layout = kdump_layout_of(m->machine, m->long_bytes),
		.pfn_base = pfn_base(m),
		.timestamp = 1727186336,
		.phys_base = m->base << 12,
		.max_mapnr = PAGES,
		.dump_level = 1,
		.codec = codec_by_flag(KDUMP_ZLIB),
	};
	bool split = start > m->base || end < PAGES;
	struct kdump_writer *w;
	size_t from = start, first, last;

	strcpy((char *)about.utsname, "Linux");
	strcpy((char *)about.utsname + 260, m->name);
	assert_ok(kdump_writer_open(&w, s, mem.src, &about, &e));
	for (int which = 1; which <= 2; which++)
		for (pfn_t at = 0; at < PAGES; at += window)
			assert_ok(kdump_writer_put_bitmap(w, which, at, (which == 1 ? present : held) + at / 8,
							  (min_u64(window, PAGES - at) + 7) / 8, &e));
	assert_ok(kdump_writer_begin_pages(w, n_held, &e));
	if (split)
		assert_ok(kdump_writer_set_range(w, start, end, bitmap_count(held, start, end), &e));
	for (pfn_t at = 0; at < PAGES && kdump_writer_can_read(w); at += window) {
		size_t bytes = (min_u64(window, PAGES - at) + 7) / 8;
		uint8_t bits[PAGES / 8 + 1];

		memset(bits, 0xa5, sizeof(bits));
		assert_ok(kdump_writer_get_bitmap2(w, at, bits, bytes, &e));
		assert_memory_equal(bits, held + at / 8, bytes);
		assert_true(bytes == sizeof(bits) || bits[bytes] == 0xa5);
	}
	for (; bitmap_next_run(held, from, end, &first, &last); from = last)
		assert_ok(kdump_writer_add(w, first, last, &e));
	assert_ok(kdump_writer_finish(w, &e));
	kdump_writer_close(w);
}

/* What a source says of the dump in these files, against the machine. */
static void check(const char *const *paths, unsigned n, const struct shape *m)
{
	struct mem_source *src = NULL;
	struct mem_reader *r;
	struct pfn_run run;
	uint8_t found[NOTE_LEN], bits[PAGES / 8 + 1];
	pfn_t at = 0, expected = 0;

	assert_ok(mem_source_open(&src, paths, n, &(struct mem_source_options){ .no_mmap = false }, &e));
	assert_int_equal(src->machine, m->machine);
	assert_int_equal(src->is64, m->long_bytes == 8);
	assert_int_equal(src->big_endian, m->big);
	assert_int_equal(src->end, PAGES * PAGE);
	assert_int_equal(src->page_shift, 12);
	assert_int_equal(src->nr_cpus, 3);
	assert_int_equal(src->dump_level, 1);
	assert_int_equal(src->timestamp, 1727186336);
	assert_int_equal(src->phys_base, m->base << 12);
	assert_int_equal(src->vmcoreinfo_at, 24);
	assert_int_equal(src->vmcoreinfo_len, 8);
	assert_int_equal(src->notes_len, NOTE_LEN);
	assert_false(src->incomplete);
	assert_ok(mem_source_read_notes(src, 0, found, NOTE_LEN, &e));
	assert_memory_equal(found, notes, NOTE_LEN);
	for (; mem_source_next_run(src, at, 12, &run); at = run.end) {
		for (; expected < run.start; expected++)
			assert_false(bitmap_test(present, expected));
		for (; expected < run.end; expected++) {
			assert_true(bitmap_test(present, expected));
			assert_int_equal(run.kind, bitmap_test(held, expected) ? RUN_DATA : RUN_EMPTY);
		}
	}
	assert_int_equal(expected, PAGES);
	mem_source_fill(src, PAGES_HELD, 0, PAGES, 12, bits);
	assert_memory_equal(bits, held, (PAGES + 7) / 8);
	mem_source_fill(src, PAGES_PRESENT, 0, PAGES, 12, bits);
	assert_memory_equal(bits, present, (PAGES + 7) / 8);
	assert_ok(mem_reader_open(&r, src, READER_BULK, &e));
	for (pfn_t pfn = 0; pfn < PAGES; pfn++) {
		uint8_t page[PAGE];

		if (bitmap_test(held, pfn)) {
			assert_ok(mem_read(r, pfn << 12, page, PAGE, &e));
			assert_memory_equal(page, mem.bytes + pfn * PAGE, PAGE);
		} else {
			assert_int_equal(mem_read(r, pfn << 12, page, PAGE, &e), E_UNREADABLE);
		}
	}
	mem_reader_close(r);
	mem_source_close(src);
}

/* Fields of the headers at the places that the format has for them. */
static void check_headers(const struct file *f, const struct shape *m)
{
	uint8_t raw[2 * PAGE];
	pfn_t pages = PAGES - pfn_base(m);

	assert_int_equal(pread(f->fd, raw, sizeof(raw), 0), sizeof(raw));
	assert_int_equal(get_u32(raw + 8, m->big), 6);
	assert_int_equal(get_u32(raw + m->status_at, m->big), KDUMP_ZLIB);
	assert_int_equal(get_u32(raw + m->status_at + 4, m->big), PAGE);
	assert_int_equal(get_u32(raw + m->status_at + 16, m->big), pages);
	assert_int_equal(get_u32(raw + m->status_at + 36, m->big), 3);
	assert_int_equal(get_u64(raw + PAGE + m->max_mapnr_at, m->big), pages);
	assert_int_equal(get_ulong(raw + PAGE, m->long_bytes, m->big), m->base << 12);
	assert_memory_equal(raw + PAGE + m->sub_len, notes, NOTE_LEN);
}

/* --- tests --------------------------------------------------------------------------------------------------------- */

TEST(a_dump_of_every_layout_is_read_as_it_was_written)
{
	static const pfn_t windows[] = { PAGES, 8, 72, 128 };

	for (size_t i = 0; i < ARRAY_SIZE(shapes); i++)
		for (size_t j = 0; j < ARRAY_SIZE(windows); j++) {
			struct file f;

			open_machine(&shapes[i]);
			file_open(&f);
			dump(&f.base, &shapes[i], windows[j], shapes[i].base, PAGES);
			check_headers(&f, &shapes[i]);
			check((const char *const[]){ f.path }, 1, &shapes[i]);
			file_close(&f);
			fake_memory_close(&mem);
		}
}

TEST(parts_of_every_layout_are_one_dump)
{
	for (size_t i = 0; i < ARRAY_SIZE(shapes); i++) {
		const struct shape *m = &shapes[i];
		pfn_t cut = m->base + 320;
		struct file f[2];

		open_machine(m);
		for (unsigned p = 0; p < 2; p++) {
			uint8_t raw[16];
			size_t start_at = m->max_mapnr_at - 16;

			file_open(&f[p]);
			dump(&f[p].base, m, 128, p ? cut : m->base, p ? PAGES : cut);
			assert_int_equal(pread(f[p].fd, raw, 16, (off_t)(PAGE + start_at)), 16);
			assert_int_equal(get_u64(raw, m->big), p ? cut - pfn_base(m) : m->base - pfn_base(m));
			assert_int_equal(get_u64(raw + 8, m->big), (p ? PAGES : cut) - pfn_base(m));
		}
		/* where pages below the first one of RAM have numbers, no part has them, but they are no memory */
		if (m->base == pfn_base(m))
			check((const char *const[]){ f[1].path, f[0].path }, 2, m);
		file_close(&f[0]);
		file_close(&f[1]);
		fake_memory_close(&mem);
	}
}

/* Whatever is in the file by now: if it is a dump it says that it is incomplete. */
static void check_marked(const struct file *f, const struct shape *m)
{
	uint8_t raw[464] = { 0 };

	assert_true(pread(f->fd, raw, sizeof(raw), 0) >= 0);
	if (!memcmp(raw, "KDUMP   ", 8))
		assert_true(get_u32(raw + m->status_at, m->big) & KDUMP_INCOMPLETE);
}

/* The records of a stream through the guard, in pieces. */
static void rearrange(const struct file *stream, const struct shape *m, struct file *to, size_t piece)
{
	struct dump_guard *g;
	uint64_t at = FLAT_HEADER_LEN;
	uint8_t raw[FLAT_RECORD_LEN];
	struct flat_record r;

	assert_ok(dump_guard_open(&g, &to->base, &e));
	for (;;) {
		assert_int_equal(pread(stream->fd, raw, sizeof(raw), (off_t)at), sizeof(raw));
		at += sizeof(raw);
		if (flat_record_decode(&r, raw) != FLAT_DATA)
			break;
		for (uint64_t done = 0, n; done < r.size; done += n) {
			uint8_t buf[8192];

			n = min_u64(r.size - done, piece);
			assert_int_equal(pread(stream->fd, buf, n, (off_t)(at + done)), n);
			assert_ok(dump_guard_write(g, r.offset + done, buf, n, &e));
			check_marked(to, m);
		}
		at += r.size;
	}
	assert_ok(dump_guard_finish(g, &e));
	assert_false(dump_guard_is_marked(g));
	dump_guard_close(g);
}

TEST(a_flattened_dump_of_every_layout_is_read_and_put_in_order)
{
	for (size_t i = 0; i < ARRAY_SIZE(shapes); i++) {
		struct file plain, stream, again;
		struct sink *s = NULL;
		uint8_t a[PAGE], b[PAGE];
		ssize_t n, at = 0;

		open_machine(&shapes[i]);
		file_open(&plain);
		file_open(&stream);
		file_open(&again);
		dump(&plain.base, &shapes[i], 128, shapes[i].base, PAGES);
		assert_ok(sink_flat_open(&s, stream.fd, -1, 0, &e));
		dump(s, &shapes[i], 128, shapes[i].base, PAGES);
		sink_close(s);
		check((const char *const[]){ stream.path }, 1, &shapes[i]);
		rearrange(&stream, &shapes[i], &again, i % 2 ? 8192 : 100);
		check_headers(&again, &shapes[i]);
		do {
			n = pread(plain.fd, a, PAGE, at);
			assert_int_equal(pread(again.fd, b, PAGE, at), n);
			assert_memory_equal(a, b, (size_t)n);
			at += n;
		} while (n);
		file_close(&plain);
		file_close(&stream);
		file_close(&again);
		fake_memory_close(&mem);
	}
}

/* --- ELF ------------------------------------------------------------------------------------------------------------ */

/* The whole of RAM, without pages of zeros; the input's file has the byte order `from_big`. */
static void dump_elf(struct sink *s, const struct shape *m, bool is64, bool from_big)
{
	const struct mem_segment segments[] = {
		{ m->base << 12, (m->base << 12) + 0xc0000000, 100 * PAGE, 100 * PAGE, 7 },
		{ (m->base + 131) << 12, VADDR_NONE, (PAGES - m->base - 131) * PAGE, (PAGES - m->base - 131) * PAGE, 7 },
	};
	struct elf_about about = {
		.target = { m->big, m->long_bytes, 12, PAGE }, .is64 = is64, .find_zero = true, .headers = 400,
	};
	struct elf_writer *w;

	mem.src->machine = m->machine;
	mem.src->big_endian = mem.src->notes_big_endian = from_big;
	for (size_t i = 0; i < 12; i += 4)
		put_u32(notes + i, get_u32(notes + i, m->big), from_big);
	assert_ok(elf_writer_open(&w, s, mem.src, &about, &e));
	for (size_t i = 0; i < ARRAY_SIZE(segments); i++) {
		elf_writer_begin(w, &segments[i]);
		assert_ok(elf_writer_add(w, PIECE_KEPT, segments[i].paddr + segments[i].memsz, &e));
		assert_ok(elf_writer_end(w, &e));
	}
	assert_ok(elf_writer_finish(w, &e));
	elf_writer_close(w);
	for (size_t i = 0; i < 12; i += 4)
		put_u32(notes + i, get_u32(notes + i, from_big), m->big);
}

static void check_elf(const char *path, const struct shape *m, bool is64)
{
	struct mem_source *src = NULL;
	struct mem_segment seg;
	struct mem_reader *r;
	uint8_t found[NOTE_LEN];

	assert_ok(mem_source_open(&src, &path, 1, &(struct mem_source_options){ .no_mmap = false }, &e));
	assert_int_equal(src->machine, m->machine);
	assert_int_equal(src->is64, is64);
	assert_int_equal(src->big_endian, m->big);
	assert_int_equal(src->notes_big_endian, m->big);
	assert_int_equal(src->end, PAGES * PAGE);
	assert_false(src->incomplete);
	assert_int_equal(src->notes_len, NOTE_LEN);
	assert_ok(mem_source_read_notes(src, 0, found, NOTE_LEN, &e));
	assert_memory_equal(found, notes, NOTE_LEN);
	assert_true(mem_source_segment(src, 0, &seg));
	assert_int_equal(seg.paddr, m->base << 12);
	assert_int_equal(seg.vaddr, (m->base << 12) + 0xc0000000);
	assert_true(mem_source_segment(src, 1, &seg));
	assert_int_equal(seg.vaddr, VADDR_NONE);
	assert_ok(mem_reader_open(&r, src, READER_BULK, &e));
	for (pfn_t pfn = 0; pfn < PAGES; pfn++) {
		uint8_t page[PAGE];

		if (!bitmap_test(present, pfn)) {
			assert_int_equal(mem_read(r, pfn << 12, page, PAGE, &e), E_UNREADABLE);
			continue;
		}
		assert_ok(mem_read(r, pfn << 12, page, PAGE, &e));
		assert_memory_equal(page, mem.bytes + pfn * PAGE, PAGE);
	}
	mem_reader_close(r);
	mem_source_close(src);
}

/* Machines with one class of their own, and 32-bit kernels in 64-bit files. */
TEST(an_elf_dump_has_the_byte_order_of_the_kernel_whatever_the_input_had)
{
	for (size_t i = 0; i < 4 * ARRAY_SIZE(shapes); i++) {
		const struct shape *m = &shapes[i / 4];
		bool is64 = m->long_bytes == 8 || i & 1, from_big = m->big != (bool)(i & 2);
		struct file plain, stream;
		struct sink *s = NULL;

		open_machine(m);
		file_open(&plain);
		file_open(&stream);
		dump_elf(&plain.base, m, is64, from_big);
		check_elf(plain.path, m, is64);
		assert_ok(sink_flat_open(&s, stream.fd, -1, 0, &e));
		dump_elf(s, m, is64, from_big);
		sink_close(s);
		check_elf(stream.path, m, is64);
		file_close(&plain);
		file_close(&stream);
		fake_memory_close(&mem);
	}
}

/* The word with the mark, by class and byte order: in the file it is set until all is there, then as it came. */
TEST(an_elf_stream_of_every_class_and_byte_order_is_marked_until_it_is_whole)
{
	for (unsigned i = 0; i < 4; i++) {
		bool is64 = i & 1, big = i & 2;
		const struct shape m = { "", is64 ? 22 : 20, is64 ? 8 : 4, big, 0, is64 ? 48 : 36, 0, 0 };
		struct file stream, again;
		struct sink *s = NULL;
		struct dump_guard *g;
		uint8_t raw[FLAT_RECORD_LEN], head[64];
		uint64_t at = FLAT_HEADER_LEN;
		struct flat_record r;

		open_machine(&m);
		file_open(&stream);
		file_open(&again);
		assert_ok(sink_flat_open(&s, stream.fd, -1, 0, &e));
		dump_elf(s, &m, is64, big);
		sink_close(s);
		assert_ok(dump_guard_open(&g, &again.base, &e));
		while (pread(stream.fd, raw, sizeof(raw), (off_t)at) == sizeof(raw) &&
		       flat_record_decode(&r, raw) == FLAT_DATA) {
			AUTO_FREE uint8_t *buf = malloc(r.size);

			assert_int_equal(pread(stream.fd, buf, r.size, (off_t)(at + sizeof(raw))), r.size);
			assert_ok(dump_guard_write(g, r.offset, buf, r.size, &e));
			if (pread(again.fd, head, sizeof(head), 0) == sizeof(head) && !memcmp(head, "\177ELF", 4))
				assert_int_equal(get_u32(head + m.status_at, big), 1);
			at += sizeof(raw) + r.size;
		}
		assert_ok(dump_guard_finish(g, &e));
		dump_guard_close(g);
		assert_int_equal(pread(again.fd, head, sizeof(head), 0), sizeof(head));
		assert_int_equal(get_u32(head + m.status_at, big), 0);
		check_elf(again.path, &m, is64);
		file_close(&stream);
		file_close(&again);
		fake_memory_close(&mem);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_dump_of_every_layout_is_read_as_it_was_written),
		cmocka_unit_test(parts_of_every_layout_are_one_dump),
		cmocka_unit_test(a_flattened_dump_of_every_layout_is_read_and_put_in_order),
		cmocka_unit_test(an_elf_dump_has_the_byte_order_of_the_kernel_whatever_the_input_had),
		cmocka_unit_test(an_elf_stream_of_every_class_and_byte_order_is_marked_until_it_is_whole),
	};

	message_set_level(0);
	return cmocka_run_group_tests_name("layouts", tests, NULL, NULL);
}
