/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The ELF memory source over small files: its map against a naive model, notes, damaged files. */
#include "elf_file.h"

#include <sys/stat.h>
#include <unistd.h>

#include "input/input_file.h"
#include "input/mem_source.h"

static struct err e;

#define FILE_LEN ((size_t)512 << 10)
static uint8_t bytes[FILE_LEN];

static struct mem_source *open_fd(int fd, bool no_mmap)
{
	struct mem_source *src = NULL;
	static char path[32]; /* the source borrows it */

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	assert_ok(mem_source_open(&src, (const char *const[]){ path }, 1, &(struct mem_source_options){ .no_mmap = no_mmap }, &e));
	return src;
}

static struct mem_source *open_elf(const struct elf_file *f, size_t len, int *fd)
{
	elf_file_build(f, bytes, FILE_LEN);
	*fd = file_of(bytes, len, NULL);
	return open_fd(*fd, false);
}

static enum status try_open(const void *data, size_t len)
{
	struct mem_source *src = NULL;
	char path[32];
	int fd = file_of(data, len, path);
	enum status st = mem_source_open(&src, (const char *const[]){ path }, 1, &(struct mem_source_options){ .no_mmap = false }, &e);

	if (!st)
		mem_source_close(src);
	close(fd);
	return st;
}

/* --- a naive model of what the segments say ---------------------------------------------------------- */

#define MODEL_PAGES 80
#define MODEL_LEN (MODEL_PAGES * 4096)

enum what { NOTHING, EMPTY, DATA, LOST };
static struct {
	uint8_t what, value;
} model[MODEL_LEN];

/* Byte by byte: the first segment with data wins, then the first that names the byte. */
static void build_model(const struct elf_file *f, size_t file_len)
{
	memset(model, 0, sizeof(model));
	for (size_t i = 0; i < f->n; i++) {
		const struct elf_file_phdr *p = &f->ph[i];

		if (p->type != PT_LOAD || p->paddr == PADDR_NONE)
			continue;
		for (uint64_t at = 0; at < p->memsz && p->paddr + at < MODEL_LEN; at++) {
			uint64_t pos = p->offset + at;

			if (at >= p->filesz) {
				if (model[p->paddr + at].what == NOTHING)
					model[p->paddr + at].what = EMPTY;
			} else if (model[p->paddr + at].what <= EMPTY) {
				model[p->paddr + at].what = pos < file_len ? DATA : LOST;
				model[p->paddr + at].value = pos < file_len ? bytes[pos] : 0;
			}
		}
	}
}

static int model_kind(pfn_t pfn)
{
	bool empty = false, data = false, lost = false;

	if (pfn >= MODEL_PAGES)
		return -1;
	for (size_t i = pfn * 4096; i < (pfn + 1) * 4096; i++) {
		empty |= model[i].what == EMPTY;
		data |= model[i].what >= DATA;
		lost |= model[i].what == LOST;
	}
	if (lost)
		return RUN_LOST;
	if (data)
		return model[pfn * 4096].what == DATA ? RUN_DATA : RUN_LATE;
	return empty ? RUN_EMPTY : -1;
}

static void check_runs(const struct mem_source *src)
{
	int kinds[MODEL_PAGES + 1];

	for (pfn_t pfn = 0; pfn <= MODEL_PAGES; pfn++)
		kinds[pfn] = model_kind(pfn);
	for (pfn_t from = 0; from <= MODEL_PAGES; from++) {
		struct pfn_run run;
		pfn_t start = from, end;
		bool found = mem_source_next_run(src, from, 12, &run);

		while (start < MODEL_PAGES && kinds[start] < 0)
			start++;
		if (start == MODEL_PAGES) {
			assert_false(found);
			continue;
		}
		for (end = start; kinds[end] == kinds[start];)
			end++;
		if (!found || run.start != start || run.end != end || (int)run.kind != kinds[start])
			fail_msg("from %" PRIu64 ": run %" PRIu64 "-%" PRIu64 " kind %d, not %" PRIu64 "-%" PRIu64
				 " kind %d",
				 from, run.start, run.end, run.kind, start, end, kinds[start]);
	}
}

/* Page by page and in odd pieces. */
static void check_bytes(struct mem_reader *r, uint64_t *seed, unsigned rounds)
{
	for (unsigned round = 0; round < rounds; round++) {
		size_t at = random_below(seed, MODEL_LEN), len = 1 + random_below(seed, 4096 - at % 4096);
		uint8_t buf[4096];
		enum status st;
		bool readable = model_kind(at / 4096) >= 0, lost = false;

		if (round < MODEL_PAGES) {
			at = round * 4096;
			len = 4096;
			readable = model_kind(round) >= 0;
		}
		for (size_t i = 0; i < len; i++)
			lost |= model[at + i].what == LOST;
		st = mem_read(r, at, buf, len, &e);
		if (!readable || lost) {
			assert_int_equal(st, E_UNREADABLE);
			continue;
		}
		if (st)
			fail_msg("%#zx+%zu: %s", at, len, e.text);
		for (size_t i = 0; i < len; i++)
			if (buf[i] != model[at + i].value)
				fail_msg("byte %#zx is %#x, not %#x", at + i, buf[i], model[at + i].value);
	}
}

static void check_all(const struct elf_file *f, size_t file_len, uint64_t seed)
{
	int fd;

	elf_file_build(f, bytes, FILE_LEN);
	build_model(f, file_len);
	fd = file_of(bytes, file_len, NULL);
	for (unsigned how = 0; how < 3; how++) {
		AUTO(mem_source) *src = open_fd(fd, how == 2);
		AUTO(mem_reader) *r = NULL;

		src->file->mappable = how == 1; /* as a file of procfs would be */
		assert_ok(mem_reader_open(&r, src, how ? READER_BULK : READER_SMALL, &e));
		if (how == 0)
			check_runs(src);
		check_bytes(r, &seed, MODEL_PAGES + 60);
	}
	close(fd);
}

TEST(segments_become_runs_and_bytes)
{
	const struct elf_file f = { .is64 = true,
				    .n = 3,
				    .ph = { { PT_LOAD, 0x2000, 0x1000, 0x3000, 0x3000, 0 },
					    { PT_LOAD, 0x8000, 0x8000, 0x2000, 0x2000, 0 },
					    { PT_LOAD, 0xa000, 0xa000, 0x1000, 0x1000, 0 } } };

	check_all(&f, FILE_LEN, 1);
}

TEST(part_of_a_segment_that_the_file_lacks_is_empty)
{
	const struct elf_file f = { .is64 = true,
				    .n = 3,
				    .ph = { { PT_LOAD, 0x2000, 0x1000, 0x1800, 0x5000, 0 },
					    /* no bytes at all: QEMU leaves all ones as the offset */
					    { PT_LOAD, UINT64_MAX, 0x10000, 0, 0x4000, 0 },
					    /* another segment has data for a page of the empty one */
					    { PT_LOAD, 0x6000, 0x11000, 0x1000, 0x1000, 0 } } };

	check_all(&f, FILE_LEN, 2);
}

TEST(unaligned_starts_and_ends_belong_to_their_pages)
{
	const struct elf_file f = { .is64 = true,
				    .n = 5,
				    .ph = { { PT_LOAD, 0x2123, 0x1123, 0x2000, 0x2000, 0 },
					    { PT_LOAD, 0x9001, 0x8ffe, 0x4, 0x4, 0 },
					    { PT_LOAD, 0xa000, 0x10010, 0x20, 0x20, 0 },
					    { PT_LOAD, 0xb000, 0x10100, 0x20, 0x20, 0 },
					    { PT_LOAD, 0xc000, 0x12fff, 0x1, 0x2, 0 } } };

	check_all(&f, FILE_LEN, 3);
}

TEST(of_segments_that_overlap_the_first_with_data_counts)
{
	const struct elf_file f = { .is64 = true,
				    .n = 4,
				    .ph = { { PT_LOAD, 0x20000, 0x4000, 0x2000, 0x6000, 0 },
					    { PT_LOAD, 0x30000, 0x3800, 0x4000, 0x4000, 0 },
					    { PT_LOAD, 0x40000, 0x0, 0x20000, 0x20000, 0 },
					    { PT_LOAD, 0x1000, 0x4000, 0x1000, 0x1000, 0 } } };

	check_all(&f, FILE_LEN, 4);
}

TEST(segment_without_address_or_length_is_no_memory)
{
	const struct elf_file f = { .is64 = true,
				    .n = 4,
				    .ph = { { PT_LOAD, 0x2000, PADDR_NONE, 0x1000, 0x1000, UINT64_C(0xffffc90000000000) },
					    { PT_LOAD, 0x2000, 0x5000, 0, 0, 0 },
					    { PT_LOAD, 0x2000, 0x1000, 0x1000, 0x1000, 0 },
					    { 0x70000001, 0x2000, 0x9000, 0x1000, 0x1000, 0 } } };
	int fd;
	AUTO(mem_source) *src = open_elf(&f, FILE_LEN, &fd);
	struct mem_segment s;

	check_all(&f, FILE_LEN, 5);
	/* an empty segment holds nothing, but the address that it names counts for the end, as everywhere */
	assert_int_equal(src->end, 0x5000);
	/* segments are told as they stand in the file, without types that are no memory */
	assert_true(mem_source_segment(src, 0, &s));
	assert_true(s.paddr == PADDR_NONE && s.vaddr == UINT64_C(0xffffc90000000000));
	assert_true(mem_source_segment(src, 2, &s));
	assert_int_equal(s.paddr, 0x1000);
	assert_false(mem_source_segment(src, 3, &s));
	close(fd);
}

TEST(pages_that_the_file_ends_before_are_lost)
{
	const struct elf_file f = { .is64 = true,
				    .n = 3,
				    .ph = { { PT_LOAD, 0x1000, 0x0, 0x8000, 0x8000, 0 },
					    { PT_LOAD, 0x9000, 0x9000, 0x4000, 0x6000, 0 },
					    { PT_LOAD, 0x3000, 0x20000, 0x4000, 0x4000, 0 } } };

	for (size_t len = 0x1000; len < 0xe000; len += 0x7c1)
		check_all(&f, len, len);
}

TEST(random_segments_agree_with_the_naive_model_in_every_class_and_byte_order)
{
	uint64_t seed = 42;

	for (unsigned round = 0; round < 60; round++) {
		struct elf_file f = { .is64 = round & 1, .big = round & 2, .n = 1 + random_below(&seed, 12) };
		size_t file_len = FILE_LEN;

		for (size_t i = 0; i < f.n; i++) {
			struct elf_file_phdr *p = &f.ph[i];
			uint64_t unit = random_below(&seed, 3) ? 4096 : 1;

			*p = (struct elf_file_phdr){ PT_LOAD, 4096 + random_below(&seed, FILE_LEN / 2),
						     random_below(&seed, MODEL_LEN) / unit * unit, 0, 0, 0 };
			p->memsz = min_u64(random_below(&seed, 20 * 4096) / unit * unit, MODEL_LEN - p->paddr);
			p->filesz = random_below(&seed, 3) ? p->memsz : random_below(&seed, p->memsz + 1);
		}
		if (random_below(&seed, 3) == 0)
			file_len = 8192 + random_below(&seed, FILE_LEN - 8192);
		check_all(&f, file_len, seed);
	}
}

TEST(runs_are_found_for_larger_pages_too)
{
	const struct elf_file f = { .is64 = true,
				    .n = 2,
				    .ph = { { PT_LOAD, 0x2000, 0x11000, 0x2f000, 0x2f000, 0 },
					    { PT_LOAD, 0x2000, 0x60000, 0x1000, 0x1000, 0 } } };
	struct pfn_run run;
	int fd;
	AUTO(mem_source) *src = open_elf(&f, FILE_LEN, &fd);

	assert_true(mem_source_next_run(src, 0, 16, &run));
	assert_int_equal(run.start, 1);
	assert_int_equal(run.end, 2);
	assert_int_equal(run.kind, RUN_LATE);
	assert_true(mem_source_next_run(src, 2, 16, &run));
	assert_int_equal(run.start, 2);
	assert_int_equal(run.end, 4);
	assert_int_equal(run.kind, RUN_DATA);
	assert_true(mem_source_next_run(src, 4, 16, &run));
	assert_int_equal(run.start, 6);
	assert_int_equal(run.end, 7);
	assert_false(mem_source_next_run(src, 7, 16, &run));
	close(fd);
}

TEST(view_asks_for_nothing_beyond_the_page_or_the_request)
{
	const struct elf_file f = { .is64 = true, .n = 1, .ph = { { PT_LOAD, 0x2000, 0, 0x20000, 0x20000, 0 } } };
	int fd;
	AUTO(mem_source) *src = open_elf(&f, FILE_LEN, &fd);

	for (unsigned use = 0; use < 2; use++) {
		AUTO(mem_reader) *r = NULL;
		struct span s;

		assert_ok(mem_reader_open(&r, src, use ? READER_SMALL : READER_BULK, &e));
		assert_ok(mem_view(r, 0x1ff0, 0x4000, &s, &e));
		assert_in_range(s.len, 0x10, 0x4000);
		assert_memory_equal(s.data, bytes + 0x3ff0, s.len);
		assert_ok(mem_view(r, 0x1ff0, 3, &s, &e));
		assert_int_equal(s.len, 3);
		assert_ok(mem_view(r, 0x1ffff, 0x4000, &s, &e));
		assert_int_equal(s.len, 1);
		assert_int_equal(mem_view(r, 0x20000, 1, &s, &e), E_UNREADABLE);
		assert_int_equal(mem_view(r, UINT64_MAX, 1, &s, &e), E_UNREADABLE);
	}
	close(fd);
}

TEST(program_headers_may_be_longer_and_stand_elsewhere)
{
	const struct elf_file f = { .is64 = true,
				    .phentsize = 72,
				    .phdr_gap = 136,
				    .n = 2,
				    .ph = { { PT_LOAD, 0x2000, 0x1000, 0x3000, 0x3000, 0 },
					    { PT_LOAD, 0x8000, 0x8000, 0x2000, 0x2000, 0 } } };

	check_all(&f, FILE_LEN, 6);
}

TEST(number_of_program_headers_comes_from_section_0_when_it_does_not_fit)
{
	for (unsigned shape = 0; shape < 4; shape++) {
		struct elf_file f = { .is64 = shape & 1, .big = shape & 2, .xnum = true, .n = 50 };

		for (size_t i = 0; i < f.n; i++)
			f.ph[i] = (struct elf_file_phdr){ PT_LOAD, 0x2000 + i * 0x1000, i * 0x1000, 0x1000, 0x1000, 0 };
		check_all(&f, FILE_LEN, 7);
	}
}

TEST(section_0_that_is_missing_or_lies_is_an_error)
{
	struct elf_file f = { .is64 = true, .xnum = true, .n = 1, .ph = { { PT_LOAD, 0x2000, 0, 0x1000, 0x1000, 0 } } };

	elf_file_build(&f, bytes, FILE_LEN);
	put_u64(bytes + 40, FILE_LEN - 10, false);
	assert_int_not_equal(try_open(bytes, FILE_LEN), OK);
	elf_file_build(&f, bytes, FILE_LEN);
	put_u32(bytes + 64 + 56 + 44, 0x7fffffff, false);
	assert_int_equal(try_open(bytes, FILE_LEN), E_FORMAT);
	assert_contains(e.text, "2147483647");
}

TEST(file_that_claims_far_more_memory_than_it_has_is_refused)
{
	struct elf_file f = { .is64 = true, .n = 50 };

	for (size_t i = 0; i < f.n; i++)
		f.ph[i] = (struct elf_file_phdr){ PT_LOAD, 0x1000, i * FILE_LEN, FILE_LEN - 0x1000, FILE_LEN - 0x1000, 0 };
	elf_file_build(&f, bytes, FILE_LEN);
	assert_int_equal(try_open(bytes, FILE_LEN), E_FORMAT);
	assert_contains(e.text, "claim");
	/* what overlaps in memory claims nothing more */
	for (size_t i = 0; i < f.n; i++)
		f.ph[i].paddr = 0;
	elf_file_build(&f, bytes, FILE_LEN);
	assert_int_equal(try_open(bytes, FILE_LEN), OK);
}

TEST(addresses_beyond_any_machine_are_cut_not_wrapped)
{
	const struct elf_file f = { .is64 = true,
				    .n = 3,
				    .ph = { { PT_LOAD, 0x2000, UINT64_MAX - 0xfff, 0x2000, 0x2000, 0 },
					    { PT_LOAD, 0x2000, UINT64_C(1) << 51, 0x1000, UINT64_MAX, 0 },
					    { PT_LOAD, 0x2000, 0x1000, 0x1000, 0x1000, 0 } } };
	int fd;
	AUTO(mem_source) *src = open_elf(&f, FILE_LEN, &fd);
	struct pfn_run run;

	assert_true(src->end <= UINT64_C(1) << 52);
	assert_true(mem_source_next_run(src, 0, 12, &run));
	assert_int_equal(run.start, 1);
	assert_int_equal(run.end, 2);
	close(fd);
}

TEST(files_without_memory_are_refused_with_a_reason)
{
	struct elf_file f = { .is64 = true, .n = 1, .ph = { { PT_NOTE, 0x1000, 0, 0x100, 0x100, 0 } } };

	elf_file_build(&f, bytes, FILE_LEN);
	assert_int_equal(try_open(bytes, FILE_LEN), E_FORMAT);
	assert_contains(e.text, "PT_LOAD");
	f.n = 0;
	elf_file_build(&f, bytes, FILE_LEN);
	assert_int_equal(try_open(bytes, FILE_LEN), E_FORMAT);
	assert_contains(e.text, "no program headers");
	assert_int_equal(try_open("", 0), E_FORMAT);
	assert_int_equal(try_open("hello", 5), E_FORMAT);
	assert_contains(e.text, "/proc/self/fd/");
}

TEST(headers_cut_at_any_length_are_an_error_or_lost_memory_never_more)
{
	const struct elf_file f = { .is64 = true,
				    .n = 2,
				    .ph = { { PT_NOTE, 0x100, 0, 0x80, 0x80, 0 },
					    { PT_LOAD, 0x200, 0, 0x1000, 0x1000, 0 } } };

	elf_file_build(&f, bytes, FILE_LEN);
	for (size_t len = 0; len < 64 + 2 * 56; len++)
		assert_int_not_equal(try_open(bytes, len), OK);
	for (size_t len = 64 + 2 * 56; len < 0x300; len += 13)
		assert_int_equal(try_open(bytes, len), OK);
}

TEST(formats_that_are_known_and_not_read_are_named)
{
	static const struct {
		const char *magic, *name;
		enum status st;
	} rows[] = {
		{ "KDUMP   ", "kdump-compressed", E_FORMAT },
		{ "DISKDUMP", "diskdump", E_UNSUPPORTED },
		{ "makedumpfile\0\0\0\0", "flattened", E_UNSUPPORTED },
		{ "LibvirtQemudSave", "libvirt", E_UNSUPPORTED },
		{ "PAGEDU64", "Windows", E_UNSUPPORTED },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		uint8_t head[512] = { 0 };

		memcpy(head, rows[i].magic, strlen(rows[i].magic));
		assert_int_equal(try_open(head, sizeof(head)), rows[i].st);
		assert_contains(e.text, rows[i].name);
	}
}

/* --- notes ------------------------------------------------------------------------------------------- */

static const char text[] = "OSRELEASE=6.1.0\nPAGESIZE=4096\n";

/* Opens a file whose PT_NOTEs are the given pieces of `notes`, and reads all of the note blob. */
static struct mem_source *open_notes(const uint8_t *notes, size_t len, const size_t *cuts, size_t n_cuts, bool big,
				     int *fd)
{
	struct elf_file f = { .is64 = true, .big = big, .n = n_cuts + 1 };
	uint64_t at = 0x1000;

	for (size_t i = 0, from = 0; i < n_cuts; from = cuts[i++]) {
		f.ph[i] = (struct elf_file_phdr){ PT_NOTE, at, 0, cuts[i] - from, cuts[i] - from, 0 };
		at += 0x10000;
	}
	f.ph[n_cuts] = (struct elf_file_phdr){ PT_LOAD, 0x200, 0, 0x1000, 0x1000, 0 };
	elf_file_build(&f, bytes, FILE_LEN);
	for (size_t i = 0, from = 0; i < n_cuts; from = cuts[i++])
		memcpy(bytes + f.ph[i].offset, notes + from, cuts[i] - from);
	(void)len;
	*fd = file_of(bytes, FILE_LEN, NULL);
	return open_fd(*fd, false);
}

static void check_text(const struct mem_source *src)
{
	char buf[sizeof(text)] = "";

	assert_int_equal(src->vmcoreinfo_len, strlen(text));
	assert_ok(mem_source_read_notes(src, src->vmcoreinfo_at, buf, strlen(text), &e));
	assert_string_equal(buf, text);
}

TEST(notes_tell_cpus_and_vmcoreinfo_in_both_byte_orders)
{
	for (unsigned big = 0; big < 2; big++) {
		uint8_t notes[4096], blob[4096];
		size_t len = 0;
		int fd;

		for (unsigned cpu = 0; cpu < 3; cpu++)
			len += elf_file_note(notes + len, big, "CORE", 1, "registers", 9);
		len += elf_file_note(notes + len, big, "CORE", 3, "psinfo", 6);
		len += elf_file_note(notes + len, big, "QEMU", 0, "qemu cpu", 8);
		len += elf_file_note(notes + len, big, "VMCOREINFO", 0, text, (uint32_t)strlen(text));
		len += elf_file_note(notes + len, big, "VMCOREINFO_XEN", 0, "xen", 3);
		AUTO(mem_source) *src = open_notes(notes, len, &len, 1, big, &fd);
		assert_int_equal(src->nr_cpus, 3);
		assert_false(src->is_xen);
		assert_int_equal(src->notes_len, len);
		assert_int_equal(src->notes_big_endian, big);
		assert_ok(mem_source_read_notes(src, 0, blob, len, &e));
		assert_memory_equal(blob, notes, len);
		check_text(src);
		close(fd);
	}
}

TEST(notes_in_another_byte_order_than_the_headers_are_understood)
{
	for (unsigned big = 0; big < 2; big++) {
		uint8_t notes[4096];
		size_t len = 0;
		int fd;

		len += elf_file_note(notes + len, !big, "CORE", 1, "registers", 9);
		len += elf_file_note(notes + len, !big, "VMCOREINFO", 0, text, (uint32_t)strlen(text));
		AUTO(mem_source) *src = open_notes(notes, len, &len, 1, big, &fd);

		assert_int_equal(src->big_endian, big);
		assert_int_equal(src->notes_big_endian, !big);
		assert_int_equal(src->nr_cpus, 1);
		check_text(src);
		close(fd);
	}
}

TEST(notes_of_several_headers_become_one_blob_padded_to_4)
{
	uint8_t notes[4096], blob[4096], want[4096];
	size_t cuts[3], len = 0, first;
	int fd;

	len += elf_file_note(notes, false, "CORE", 1, "registers", 9);
	cuts[0] = first = len - 3; /* without the padding of its last note */
	memmove(notes + first, notes + len, 0);
	cuts[1] = first + elf_file_note(notes + first, false, "VMCOREINFO", 0, text, (uint32_t)strlen(text));
	cuts[2] = cuts[1] + elf_file_note(notes + cuts[1], false, "CORE", 1, "registers", 9);
	AUTO(mem_source) *src = open_notes(notes, cuts[2], cuts, 3, false, &fd);
	assert_int_equal(src->nr_cpus, 2);
	assert_int_equal(src->notes_len, cuts[2] + 3);
	memset(want, 0, sizeof(want));
	memcpy(want, notes, first);
	memcpy(want + first + 3, notes + first, cuts[2] - first);
	assert_ok(mem_source_read_notes(src, 0, blob, src->notes_len, &e));
	assert_memory_equal(blob, want, src->notes_len);
	check_text(src);
	/* any part of the blob, across the seams */
	for (size_t at = 0; at < src->notes_len; at += 5) {
		size_t n = min_u64(17, src->notes_len - at);

		assert_ok(mem_source_read_notes(src, at, blob, n, &e));
		assert_memory_equal(blob, want + at, n);
	}
	assert_int_equal(mem_source_read_notes(src, src->notes_len, blob, 1, &e), E_UNREADABLE);
	assert_int_equal(mem_source_read_notes(src, UINT64_MAX, blob, 1, &e), E_UNREADABLE);
	close(fd);
}

TEST(device_dump_notes_are_stepped_over)
{
	static uint8_t notes[0x10000], device[0x6000];
	size_t len = 0;
	int fd;

	memset(device, 0x77, sizeof(device));
	len += elf_file_note(notes + len, false, "LINUX", 0x700, device, sizeof(device));
	len += elf_file_note(notes + len, false, "LINUX", 0x700, device, 44);
	len += elf_file_note(notes + len, false, "CORE", 1, "registers", 9);
	len += elf_file_note(notes + len, false, "VMCOREINFO", 0, text, (uint32_t)strlen(text));
	AUTO(mem_source) *src = open_notes(notes, len, &len, 1, false, &fd);
	assert_int_equal(src->nr_cpus, 1);
	check_text(src);
	close(fd);
}

/* The header that stands at the end of what is read at once, for every place around that end. */
TEST(many_notes_are_all_seen)
{
	static uint8_t notes[0x10000];
	static uint8_t filler[8192];

	for (uint32_t first = 3900; first < 4140; first += 4) {
		size_t len = elf_file_note(notes, false, "FILL", 9, filler, first);
		int fd;

		for (unsigned cpu = 0; cpu < 300; cpu++)
			len += elf_file_note(notes + len, false, "CORE", 1, "registers", 9);
		AUTO(mem_source) *src = open_notes(notes, len, &len, 1, false, &fd);
		assert_int_equal(src->nr_cpus, 300);
		close(fd);
	}
}

TEST(xen_note_marks_a_xen_dump)
{
	uint8_t notes[512], desc[80] = { 0 };
	size_t len = elf_file_note(notes, false, "Xen", 0x1000001, desc, sizeof(desc));
	int fd;
	AUTO(mem_source) *src = open_notes(notes, len, &len, 1, false, &fd);

	assert_true(src->is_xen);
	close(fd);
}

TEST(broken_chain_of_notes_ends_the_search_without_harm)
{
	uint8_t notes[4096];
	size_t len = 0, broken;
	int fd;

	len += elf_file_note(notes + len, false, "CORE", 1, "registers", 9);
	broken = len;
	len += elf_file_note(notes + len, false, "CORE", 1, "registers", 9);
	len += elf_file_note(notes + len, false, "VMCOREINFO", 0, text, (uint32_t)strlen(text));
	for (unsigned how = 0; how < 3; how++) {
		put_u32(notes + broken, how ? 5 : UINT32_MAX, false);
		put_u32(notes + broken + 4, how == 1 ? UINT32_MAX : how == 2 ? 4096 : 9, false);
		AUTO(mem_source) *src = open_notes(notes, len, &len, 1, false, &fd);
		assert_int_equal(src->nr_cpus, 1);
		assert_int_equal(src->vmcoreinfo_len, 0);
		assert_int_equal(src->notes_len, len);
		close(fd);
	}
}

TEST(notes_without_a_place_in_the_file_are_left_out)
{
	struct elf_file f = { .is64 = true,
			      .n = 4,
			      .ph = { { PT_NOTE, FILE_LEN + 4096, 0, 0x100, 0x100, 0 },
				      { PT_NOTE, 0, 0, 0x100, 0x100, 0 },
				      { PT_NOTE, 0x1000, 0, 0, 0, 0 },
				      { PT_LOAD, 0x200, 0, 0x1000, 0x1000, 0 } } };
	int fd;
	AUTO(mem_source) *src = open_elf(&f, FILE_LEN, &fd);

	assert_int_equal(src->notes_len, 0);
	assert_int_equal(src->nr_cpus, 0);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(segments_become_runs_and_bytes),
		cmocka_unit_test(part_of_a_segment_that_the_file_lacks_is_empty),
		cmocka_unit_test(unaligned_starts_and_ends_belong_to_their_pages),
		cmocka_unit_test(of_segments_that_overlap_the_first_with_data_counts),
		cmocka_unit_test(segment_without_address_or_length_is_no_memory),
		cmocka_unit_test(pages_that_the_file_ends_before_are_lost),
		cmocka_unit_test(random_segments_agree_with_the_naive_model_in_every_class_and_byte_order),
		cmocka_unit_test(runs_are_found_for_larger_pages_too),
		cmocka_unit_test(view_asks_for_nothing_beyond_the_page_or_the_request),
		cmocka_unit_test(program_headers_may_be_longer_and_stand_elsewhere),
		cmocka_unit_test(number_of_program_headers_comes_from_section_0_when_it_does_not_fit),
		cmocka_unit_test(section_0_that_is_missing_or_lies_is_an_error),
		cmocka_unit_test(file_that_claims_far_more_memory_than_it_has_is_refused),
		cmocka_unit_test(addresses_beyond_any_machine_are_cut_not_wrapped),
		cmocka_unit_test(files_without_memory_are_refused_with_a_reason),
		cmocka_unit_test(headers_cut_at_any_length_are_an_error_or_lost_memory_never_more),
		cmocka_unit_test(formats_that_are_known_and_not_read_are_named),
		cmocka_unit_test(notes_tell_cpus_and_vmcoreinfo_in_both_byte_orders),
		cmocka_unit_test(notes_in_another_byte_order_than_the_headers_are_understood),
		cmocka_unit_test(notes_of_several_headers_become_one_blob_padded_to_4),
		cmocka_unit_test(device_dump_notes_are_stepped_over),
		cmocka_unit_test(many_notes_are_all_seen),
		cmocka_unit_test(xen_note_marks_a_xen_dump),
		cmocka_unit_test(broken_chain_of_notes_ends_the_search_without_harm),
		cmocka_unit_test(notes_without_a_place_in_the_file_are_left_out),
	};

	message_set_level(0);
	return cmocka_run_group_tests_name("elf_source", tests, NULL, NULL);
}
