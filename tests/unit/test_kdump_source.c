/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The kdump source over small made files, against the arrays that they were made from. */
#include "unit.h"

#include <sys/mman.h>
#include <unistd.h>

#include "base/bitmap.h"
#include "format/kdump_header.h"
#include "format/page_desc.h"
#include "input/input_file.h"
#include "input/mem_source.h"

static struct err e;

#define BS 4096u

/* A dump whose pages are told by their pfn; raw, so that nothing but places is tested. */
struct image {
	enum kdump_layout layout;
	bool big;
	pfn_t base; /* the page that is number 0 in all of the below */
	struct kdump_header h;
	struct kdump_sub_header s;
	uint8_t *present, *held, *missing; /* bitmaps */
	pfn_t pages;
	int fd;
	char path[32];
	uint64_t descs_at, end;
};

static void image_open(struct image *m, pfn_t pages)
{
	uint64_t one = (pages + BS * 8 - 1) / (BS * 8);

	*m = (struct image){ .pages = pages };
	m->present = calloc(1, pages / 8 + 1);
	m->held = calloc(1, pages / 8 + 1);
	m->missing = calloc(1, pages / 8 + 1);
	m->h = (struct kdump_header){ .version = 6,
				      .block_size = BS,
				      .sub_header_blocks = 1,
				      .bitmap_blocks = (uint32_t)(2 * one),
				      .nr_cpus = 3,
				      .max_mapnr = pages };
	memcpy(m->h.utsname + 260, "x86_64", 6);
	m->s = (struct kdump_sub_header){ .dump_level = 17, .max_mapnr = pages, .phys_base = -0x5000 };
	m->descs_at = BS * (2 + 2 * one);
}

static void image_close(struct image *m)
{
	free(m->present);
	free(m->held);
	free(m->missing);
	if (m->fd > 0)
		close(m->fd);
}

static void put(const struct image *m, uint64_t at, const void *from, size_t len)
{
	assert_int_equal(pwrite(m->fd, from, len, (off_t)at), len);
}

static void fill_page(uint8_t *page, pfn_t pfn)
{
	for (size_t i = 0; i < BS; i += 8)
		put_u64(page + i, pfn * 0x10001 + i, false);
}

/* Writes the pages [start, end) of it; bitmaps are put where they have bits, the rest are holes. */
static void image_write(struct image *m, pfn_t start, pfn_t end)
{
	uint64_t total = bitmap_count(m->held, 0, m->pages), desc = m->descs_at, data = m->descs_at + 24 * total;
	uint64_t map_len = m->h.bitmap_blocks / 2 * (uint64_t)BS;
	uint8_t raw[512], page[BS];
	size_t first, stop, at = 0;

	m->fd = memfd_create("dump", 0);
	assert_true(m->fd > 0);
	snprintf(m->path, sizeof(m->path), "/proc/self/fd/%d", m->fd);
	kdump_header_encode(raw, &m->h, m->layout, m->big);
	put(m, 0, raw, kdump_header_len(m->layout));
	kdump_sub_header_encode(raw, &m->s, m->layout, m->big);
	put(m, BS, raw, kdump_sub_header_len(m->layout));
	for (uint64_t i = 0; i < m->pages / 8 + 1; i++) {
		if (m->present[i])
			put(m, 2 * BS + i, m->present + i, 1);
		if (m->held[i])
			put(m, 2 * BS + map_len + i, m->held + i, 1);
	}
	for (; bitmap_next_run(m->held, at, m->pages, &first, &stop); at = stop)
		for (pfn_t pfn = max_u64(first, start); pfn < min_u64(stop, end); pfn++, desc += 24) {
			page_desc_encode(raw, &(struct page_desc){ data, BS, 0 }, m->big);
			if (bitmap_test(m->missing, pfn))
				memset(raw, 0, 24);
			put(m, desc, raw, 24);
			fill_page(page, pfn);
			put(m, data, page, BS);
			data += BS;
		}
	m->end = data;
	assert_int_equal(ftruncate(m->fd, (off_t)m->end), 0);
}

static void name_machine(struct image *m, const char *name)
{
	memset(m->h.utsname + 260, 0, 65);
	memcpy(m->h.utsname + 260, name, strlen(name));
}

static struct mem_source *open_source(const struct image *const *m, unsigned n)
{
	struct mem_source *src = NULL;
	const char *paths[8];

	for (unsigned i = 0; i < n; i++)
		paths[i] = m[i]->path;
	assert_ok(mem_source_open(&src, paths, n, &(struct mem_source_options){ .no_mmap = false }, &e));
	return src;
}

static enum status try_open(const struct image *m)
{
	struct mem_source *src = NULL;
	enum status st = mem_source_open(&src, (const char *const[]){ m->path }, 1, &(struct mem_source_options){ .no_mmap = false }, &e);

	if (!st)
		mem_source_close(src);
	return st;
}

/* Kind of each page by runs, and each page's bytes in the given order; pages are numbered as in the file. */
static void check_pages(const struct mem_source *src, const struct image *m, const uint8_t *lost, uint64_t seed)
{
	struct mem_reader *bulk, *small;
	struct pfn_run run;
	pfn_t at = 0, expected = 0;
	uint8_t page[BS];

	for (; mem_source_next_run(src, at, 12, &run); at = run.end) {
		assert_true(run.start >= at && run.end > run.start);
		assert_true(run.start >= m->base && run.end <= m->base + m->pages);
		run.start -= m->base;
		for (; expected < run.start; expected++)
			assert_false(bitmap_test(m->present, expected) || bitmap_test(m->held, expected));
		for (; expected < run.end - m->base; expected++) {
			assert_true(bitmap_test(m->present, expected) || bitmap_test(m->held, expected));
			if (!bitmap_test(m->held, expected))
				assert_int_equal(run.kind, RUN_EMPTY);
			else
				assert_int_equal(run.kind, bitmap_test(lost, expected) ? RUN_LOST : RUN_DATA);
		}
	}
	for (; expected < m->pages; expected++)
		assert_false(bitmap_test(m->present, expected) || bitmap_test(m->held, expected));
	src->file->mappable = seed % 2; /* as a file of procfs would be */
	assert_ok(mem_reader_open(&bulk, src, READER_BULK, &e));
	assert_ok(mem_reader_open(&small, src, READER_SMALL, &e));
	for (unsigned i = 0; i < 4000; i++) {
		pfn_t pfn = i < 2000 ? i % m->pages : random_below(&seed, m->pages);
		struct mem_reader *r = i % 3 ? bulk : small;
		size_t in = (size_t)random_below(&seed, BS);
		struct span s;

		fill_page(page, pfn);
		if (!bitmap_test(m->held, pfn) || bitmap_test(lost, pfn)) {
			assert_int_equal(mem_view(r, (m->base + pfn) << 12, BS, &s, &e), E_UNREADABLE);
			continue;
		}
		assert_ok(mem_view(r, ((m->base + pfn) << 12) + in, 2 * BS, &s, &e));
		assert_int_equal(s.len, BS - in);
		assert_memory_equal(s.data, page + in, s.len);
	}
	assert_int_equal(mem_view(bulk, (m->base + m->pages) << 12, 1, &(struct span){ 0 }, &e), E_UNREADABLE);
	if (m->base)
		assert_int_equal(mem_view(bulk, (m->base << 12) - 1, 1, &(struct span){ 0 }, &e), E_UNREADABLE);
	mem_reader_close(small);
	mem_reader_close(bulk);
}

static void randomize(struct image *m, uint64_t seed, unsigned missing)
{
	for (pfn_t pfn = 0; pfn < m->pages; pfn++) {
		uint64_t r = random_next(&seed) >> 8;

		if ((pfn >> 7 & 3) == 1 ? r % 8 : r % 3 == 0)
			bitmap_set_range(m->present, pfn, pfn + 1);
		if (bitmap_test(m->present, pfn) && r % 5)
			bitmap_set_range(m->held, pfn, pfn + 1);
		if (missing && r % missing == 0)
			bitmap_set_range(m->missing, pfn, pfn + 1);
	}
	bitmap_set_range(m->held, m->pages - 1, m->pages);
	bitmap_clear_range(m->missing, m->pages - 1, m->pages);
}

TEST(runs_bitmaps_and_pages_are_those_of_the_file)
{
	static const pfn_t sizes[] = { 1, 7, 8, 1000, 32768, 33001, 70000 };

	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		const struct image *parts[1];
		struct mem_source *src;
		struct image m;
		uint8_t *bits;
		pfn_t from = sizes[i] > 200 ? 104 : 0;

		image_open(&m, sizes[i]);
		randomize(&m, i + 1, 0);
		image_write(&m, 0, m.pages);
		parts[0] = &m;
		src = open_source(parts, 1);
		assert_int_equal(src->end, m.pages << 12);
		assert_int_equal(src->page_shift, 12);
		assert_int_equal(src->dump_level, 17);
		assert_int_equal(src->nr_cpus, 3);
		assert_int_equal(src->phys_base, -0x5000);
		assert_int_equal(src->machine, 62);
		assert_false(src->incomplete || src->has_segments || src->excluded_vmemmap);
		check_pages(src, &m, m.missing, i);
		bits = malloc(m.pages / 8 + 1);
		mem_source_fill(src, PAGES_HELD, from, m.pages, 12, bits);
		for (pfn_t pfn = from; pfn < m.pages; pfn++)
			assert_int_equal(bitmap_test(bits, pfn - from), bitmap_test(m.held, pfn));
		mem_source_fill(src, PAGES_PRESENT, from, m.pages, 12, bits);
		for (pfn_t pfn = from; pfn < m.pages; pfn++)
			assert_int_equal(bitmap_test(bits, pfn - from), bitmap_test(m.present, pfn) || bitmap_test(m.held, pfn));
		free(bits);
		mem_source_close(src);
		image_close(&m);
	}
}

/* Word size and byte order in front; the names are those that kernels have, and some that do not fit. */
static const struct shape {
	const char *name;
	enum kdump_layout layout;
	bool big;
	unsigned machine; /* e_machine, as a number */
} shapes[] = {
	{ "x86_64", KDUMP_64, false, 62 },	{ "i386", KDUMP_32_PACKED, false, 3 },
	{ "i586", KDUMP_32_PACKED, false, 3 },	{ "i686", KDUMP_32_PACKED, false, 3 },
	{ "i686", KDUMP_32_PADDED, false, 3 },	{ "armv7l", KDUMP_32_PADDED, false, 40 },
	{ "armv7l", KDUMP_32_PACKED, false, 40 }, { "armv7b", KDUMP_32_PADDED, true, 40 },
	{ "arm", KDUMP_32_PADDED, false, 40 },	{ "aarch64", KDUMP_64, false, 183 },
	{ "aarch64_be", KDUMP_64, true, 183 },	{ "arm64", KDUMP_64, false, 183 },
	{ "ppc", KDUMP_32_PADDED, true, 20 },	{ "ppc", KDUMP_32_PACKED, true, 20 },
	{ "ppc64", KDUMP_64, true, 21 },	{ "ppc64le", KDUMP_64, false, 21 },
	{ "ppc64le", KDUMP_64, true, 21 },	{ "s390x", KDUMP_64, true, 22 },
	{ "ia64", KDUMP_64, false, 50 },	{ "sparc64", KDUMP_64, true, 43 },
	{ "mips64", KDUMP_64, false, 8 },	{ "mips64", KDUMP_64, true, 8 },
	{ "loongarch64", KDUMP_64, false, 258 }, { "riscv64", KDUMP_64, false, 243 },
	/* the header is right */
	{ "x86_64", KDUMP_32_PACKED, false, 3 }, { "i686", KDUMP_64, false, 62 },
	{ "armv8l", KDUMP_64, false, 183 },	{ "aarch64", KDUMP_32_PADDED, false, 40 },
	{ "ppc64", KDUMP_32_PADDED, true, 20 }, { "ppc", KDUMP_64, true, 21 },
	{ "", KDUMP_64, false, 62 },
};

TEST(every_machine_is_known_by_its_name_and_read_in_its_word_size_and_byte_order)
{
	for (size_t i = 0; i < ARRAY_SIZE(shapes); i++) {
		struct mem_source *src;
		struct image m;
		const struct image *parts[] = { &m };

		image_open(&m, 3000);
		m.layout = shapes[i].layout;
		m.big = shapes[i].big;
		m.s.phys_base = 0;
		m.s.offset_note = m.s.offset_vmcoreinfo = BS + kdump_sub_header_len(m.layout);
		m.s.size_note = m.s.size_vmcoreinfo = 64;
		name_machine(&m, shapes[i].name);
		randomize(&m, i + 1, 0);
		image_write(&m, 0, m.pages);
		src = open_source(parts, 1);
		if (src->machine != shapes[i].machine)
			fail_msg("%s is machine %u", shapes[i].name, src->machine);
		assert_int_equal(src->is64, m.layout == KDUMP_64);
		assert_int_equal(src->big_endian, m.big);
		assert_int_equal(src->notes_len, 64);
		assert_int_equal(src->dump_level, 17);
		assert_int_equal(src->end, 3000 << 12);
		check_pages(src, &m, m.missing, i);
		mem_source_close(src);
		image_close(&m);
	}
}

/* One note with the registers of a CPU, `len` bytes of them. */
static void put_registers(const struct image *m, uint32_t len)
{
	uint8_t note[20] = { 0 };

	put_u32(note, 5, m->big);
	put_u32(note + 4, len, m->big);
	put_u32(note + 8, 1, m->big);
	memcpy(note + 12, "CORE", 5);
	put(m, m->s.offset_note, note, sizeof(note));
}

TEST(a_machine_without_a_name_is_known_by_its_registers)
{
	static const struct {
		enum kdump_layout layout;
		bool big;
		uint32_t registers;
		unsigned machine;
	} cases[] = {
		{ KDUMP_64, false, 336, 62 },	    { KDUMP_32_PACKED, false, 144, 3 }, { KDUMP_64, false, 392, 183 },
		{ KDUMP_64, true, 392, 183 },	    { KDUMP_32_PADDED, false, 148, 40 }, { KDUMP_64, true, 504, 21 },
		{ KDUMP_64, false, 504, 21 },	    { KDUMP_32_PADDED, true, 268, 20 },	 { KDUMP_64, true, 336, 22 },
		{ KDUMP_64, false, 376, 243 },	    { KDUMP_64, false, 480, 258 },	 { KDUMP_32_PADDED, true, 99, 0 },
		{ KDUMP_64, true, 480, 8 },	    { KDUMP_64, false, 1144, 50 },	 { KDUMP_64, true, 408, 43 },
	};

	for (size_t i = 0; i < 2 * ARRAY_SIZE(cases); i++) {
		size_t c = i / 2;
		struct mem_source *src;
		struct image m;
		const struct image *parts[] = { &m };

		image_open(&m, 1000);
		m.layout = cases[c].layout;
		m.big = cases[c].big;
		m.s.phys_base = 0;
		m.s.offset_note = BS + kdump_sub_header_len(m.layout);
		m.s.size_note = 20 + cases[c].registers;
		name_machine(&m, i % 2 ? "Unknown" : "");
		bitmap_set_range(m.held, 0, 1000);
		image_write(&m, 0, m.pages);
		put_registers(&m, cases[c].registers);
		src = open_source(parts, 1);
		assert_int_equal(src->machine, cases[c].machine);
		mem_source_close(src);
		image_close(&m);
	}
}

/* The bits of a window of page frames from `start` on. */
static void check_window(const struct mem_source *src, const struct image *m, enum page_set set, pfn_t start, pfn_t end)
{
	uint8_t bits[1024];

	memset(bits, 0xa5, sizeof(bits));
	mem_source_fill(src, set, start, end, 12, bits);
	assert_int_equal(bits[(end - start + 7) / 8], 0xa5);
	for (pfn_t pfn = start; pfn < (end + 7) / 8 * 8; pfn++) {
		pfn_t in = pfn - m->base;
		bool there = pfn < end && pfn >= m->base && in < m->pages &&
			     (bitmap_test(m->held, in) || (set == PAGES_PRESENT && bitmap_test(m->present, in)));

		if (bitmap_test(bits, pfn - start) != there)
			fail_msg("page %#" PRIx64 " of a window from %#" PRIx64 ", base %#" PRIx64, pfn, start, m->base);
	}
}

TEST(pages_of_arm_are_counted_from_the_first_one_of_ram)
{
	static const pfn_t bases[] = { 0x10000, 0x80000, 0xc0000, 0x10001, 0x80003, 5, 0x20007, 0 };

	for (size_t i = 0; i < ARRAY_SIZE(bases); i++) {
		pfn_t down = bases[i] & ~UINT64_C(7);
		struct mem_source *src;
		struct image m;
		const struct image *parts[] = { &m };

		image_open(&m, 5003);
		m.layout = KDUMP_32_PADDED;
		m.big = i % 2;
		m.base = bases[i];
		m.s.phys_base = (int64_t)(bases[i] << 12);
		name_machine(&m, "armv7l");
		randomize(&m, i + 77, 0);
		bitmap_set_range(m.present, 0, 1);
		image_write(&m, 0, m.pages);
		src = open_source(parts, 1);
		assert_int_equal(src->end, (m.base + m.pages) << 12);
		assert_int_equal(src->phys_base, m.base << 12);
		check_pages(src, &m, m.missing, i);
		for (enum page_set set = PAGES_PRESENT; set <= PAGES_HELD; set++) {
			check_window(src, &m, set, down, down + 8);
			check_window(src, &m, set, down, down + 5003);
			check_window(src, &m, set, down + 8, down + 16);
			check_window(src, &m, set, down + 4096, down + 5020);
			if (down < 4096)
				continue;
			check_window(src, &m, set, 0, 512);
			check_window(src, &m, set, down - 8, down);
			check_window(src, &m, set, down - 64, down + 3);
			check_window(src, &m, set, down - 4096, down + 2048);
		}
		mem_source_close(src);
		image_close(&m);
	}
}

TEST(pages_of_arm_that_qemu_counted_from_0_stay_where_they_are)
{
	struct mem_source *src;
	struct image m;
	const struct image *parts[] = { &m };
	struct pfn_run run;

	image_open(&m, 5000);
	m.layout = KDUMP_32_PACKED;
	m.s.phys_base = 3000 << 12;
	name_machine(&m, "Unknown");
	m.s.offset_note = BS + kdump_sub_header_len(m.layout);
	m.s.size_note = 20 + 148;
	bitmap_set_range(m.present, 3000, 5000);
	bitmap_set_range(m.held, 3000, 5000);
	image_write(&m, 0, m.pages);
	put_registers(&m, 148);
	src = open_source(parts, 1);
	assert_int_equal(src->machine, 40);
	assert_int_equal(src->end, 5000 << 12);
	assert_true(mem_source_next_run(src, 0, 12, &run));
	assert_int_equal(run.start, 3000);
	check_pages(src, &m, m.missing, 1);
	mem_source_close(src);
	image_close(&m);
}

TEST(no_page_lies_above_the_limit_of_addresses_whatever_phys_base_is)
{
	static const pfn_t pages = (UINT64_C(1) << 40) - 0x80000; /* with phys_base they end exactly there */

	for (unsigned over = 0; over < 2; over++) {
		struct mem_source *src;
		struct image m;
		const struct image *parts[] = { &m };
		uint64_t len = pages / 8 + BS;
		uint8_t raw[512], one = 1;

		image_open(&m, 1);
		m.layout = KDUMP_32_PADDED;
		m.h.bitmap_blocks = (uint32_t)(2 * len / BS);
		m.h.max_mapnr = UINT32_MAX;
		m.s.max_mapnr = pages + over;
		m.s.phys_base = INT64_C(0x80000000);
		name_machine(&m, "armv7l");
		m.fd = memfd_create("dump", 0);
		snprintf(m.path, sizeof(m.path), "/proc/self/fd/%d", m.fd);
		kdump_header_encode(raw, &m.h, m.layout, false);
		put(&m, 0, raw, kdump_header_len(m.layout));
		kdump_sub_header_encode(raw, &m.s, m.layout, false);
		put(&m, BS, raw, kdump_sub_header_len(m.layout));
		put(&m, 2 * BS, &one, 1);
		assert_int_equal(ftruncate(m.fd, (off_t)(2 * BS + 2 * len)), 0);
		src = open_source(parts, 1);
		assert_int_equal(src->end, over ? (pages + 1) << 12 : UINT64_C(1) << 52);
		mem_source_close(src);
		image_close(&m);
	}
}

TEST(missing_pages_are_lost_where_the_dump_says_that_it_is_incomplete)
{
	const struct image *parts[1];
	struct mem_source *src;
	struct image m;

	image_open(&m, 3000);
	randomize(&m, 9, 7);
	m.h.status = KDUMP_INCOMPLETE | KDUMP_EXCLUDED_VMEMMAP;
	image_write(&m, 0, m.pages);
	parts[0] = &m;
	src = open_source(parts, 1);
	assert_true(src->incomplete && src->excluded_vmemmap);
	check_pages(src, &m, m.missing, 3);
	mem_source_close(src);
	image_close(&m);
}

TEST(a_dump_that_was_cut_shows_it_without_a_mark)
{
	static const unsigned tenths[] = { 9, 5, 2 };

	for (size_t i = 0; i < ARRAY_SIZE(tenths); i++) {
		const struct image *parts[1];
		struct mem_source *src;
		struct image m;
		uint64_t total, data, rank = 0;

		image_open(&m, 2000);
		randomize(&m, 9, 0);
		image_write(&m, 0, m.pages);
		total = bitmap_count(m.held, 0, m.pages);
		data = m.descs_at + 24 * total;
		m.end = data + (m.end - data) * tenths[i] / 10;
		assert_int_equal(ftruncate(m.fd, (off_t)m.end), 0);
		for (pfn_t pfn = 0; pfn < m.pages; pfn++)
			if (bitmap_test(m.held, pfn) && data + ++rank * BS > m.end)
				bitmap_set_range(m.missing, pfn, pfn + 1);
		parts[0] = &m;
		src = open_source(parts, 1);
		assert_true(src->incomplete);
		check_pages(src, &m, m.missing, 3);
		mem_source_close(src);
		image_close(&m);
	}
}

TEST(parts_in_any_order_are_one_dump_and_absent_ones_are_lost)
{
	static const pfn_t cuts[] = { 0, 640, 640, 1001, 3000 };
	static const unsigned orders[][4] = { { 0, 1, 2, 3 }, { 3, 2, 1, 0 }, { 2, 0, 3, 1 } };
	struct image m[4];

	for (unsigned i = 0; i < 4; i++) {
		image_open(&m[i], 3000);
		randomize(&m[i], 21, 0);
		m[i].s.split = 1;
		m[i].s.start_pfn = cuts[i];
		m[i].s.end_pfn = cuts[i + 1];
		image_write(&m[i], cuts[i], cuts[i + 1]);
	}
	for (unsigned o = 0; o < 3; o++)
		for (unsigned n = 1; n <= 4; n++) {
			const struct image *parts[4];
			uint8_t *lost = malloc(3000 / 8 + 1);
			struct mem_source *src;
			bool whole = true;

			memset(lost, 0xff, 3000 / 8 + 1);
			for (unsigned i = 0; i < n; i++) {
				parts[i] = &m[orders[o][i]];
				bitmap_clear_range(lost, parts[i]->s.start_pfn, parts[i]->s.end_pfn);
			}
			whole = !bitmap_count(lost, 0, 3000);
			src = open_source(parts, n);
			assert_int_equal(src->incomplete, !whole);
			check_pages(src, &m[0], lost, n);
			mem_source_close(src);
			free(lost);
		}
	for (unsigned i = 0; i < 4; i++)
		image_close(&m[i]);
}

TEST(ranks_of_a_huge_machine_take_little_memory_and_holes_no_time)
{
	/* 16 TiB in a file of a few pages: a bit here and there */
	const pfn_t pages = UINT64_C(1) << 32;
	const pfn_t held[] = { 0, 5, 32767, 32768, UINT64_C(1) << 31, (UINT64_C(1) << 31) + 100000, pages - 1 };
	uint64_t one = pages / 8, desc, data;
	struct mem_source *src = NULL;
	struct mem_reader *r;
	struct pfn_run run;
	uint8_t raw[512], page[BS];
	struct image m;
	pfn_t at = 0;

	image_open(&m, 1);
	m.h.bitmap_blocks = (uint32_t)(2 * one / BS);
	m.h.max_mapnr = UINT32_MAX;
	m.s.max_mapnr = pages;
	m.fd = memfd_create("dump", 0);
	snprintf(m.path, sizeof(m.path), "/proc/self/fd/%d", m.fd);
	kdump_header_encode(raw, &m.h, KDUMP_64, false);
	put(&m, 0, raw, kdump_header_len(KDUMP_64));
	kdump_sub_header_encode(raw, &m.s, KDUMP_64, false);
	put(&m, BS, raw, kdump_sub_header_len(KDUMP_64));
	desc = 2 * BS + 2 * one;
	data = desc + 24 * ARRAY_SIZE(held);
	for (size_t i = 0; i < ARRAY_SIZE(held); i++) {
		uint8_t byte = 0;

		for (size_t j = 0; j < ARRAY_SIZE(held); j++)
			byte |= held[j] / 8 == held[i] / 8 ? (uint8_t)(1u << held[j] % 8) : 0;
		put(&m, 2 * BS + one + held[i] / 8, &byte, 1);
		page_desc_encode(raw, &(struct page_desc){ data + i * BS, BS, 0 }, false);
		put(&m, desc + 24 * i, raw, 24);
		fill_page(page, held[i]);
		put(&m, data + i * BS, page, BS);
	}
	assert_ok(mem_source_open(&src, (const char *const[]){ m.path }, 1, &(struct mem_source_options){ .no_mmap = false }, &e));
	assert_ok(mem_reader_open(&r, src, READER_BULK, &e));
	for (size_t i = 0; i < ARRAY_SIZE(held); i++) {
		struct span s;

		fill_page(page, held[i]);
		assert_ok(mem_view(r, held[i] << 12, BS, &s, &e));
		assert_memory_equal(s.data, page, BS);
	}
	for (size_t i = 0; mem_source_next_run(src, at, 12, &run); i++, at = run.end) {
		assert_true(i < ARRAY_SIZE(held));
		assert_int_equal(run.start, held[i]);
	}
	assert_int_equal(at, pages);
	mem_reader_close(r);
	mem_source_close(src);
	image_close(&m);
}

TEST(descriptors_that_lead_anywhere_cost_their_page)
{
	static const struct page_desc bad[] = {
		{ 0, BS, 0 },	  { UINT64_MAX, BS, 0 }, { INT64_MAX, BS, 0 }, { 4096, BS, 0 },
		{ 0x8000, 0, 0 }, { 0x8000, BS + 1, 1 }, { 0x8000, 100, 0 },   { 0x8000, 100, 8 },
		{ 0x8000, 100, 3 }, { 0x8000, 100, 1 },	 { 0x8000, 4000, 2 },  { 0x8000, 10, UINT32_MAX },
	};
	struct mem_source *src;
	struct mem_reader *r;
	struct image m;
	const struct image *parts[] = { &m };
	struct span s;
	uint8_t raw[24];

	image_open(&m, 40);
	bitmap_set_range(m.held, 0, 40);
	image_write(&m, 0, 40);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		page_desc_encode(raw, &bad[i], false);
		put(&m, m.descs_at + 24 * (2 * i), raw, 24);
	}
	src = open_source(parts, 1);
	assert_ok(mem_reader_open(&r, src, READER_BULK, &e));
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		uint8_t page[BS];

		assert_int_equal(mem_view(r, (2 * i) << 12, BS, &s, &e), E_UNREADABLE);
		fill_page(page, 2 * i + 1);
		assert_ok(mem_view(r, (2 * i + 1) << 12, BS, &s, &e));
		assert_memory_equal(s.data, page, BS);
	}
	mem_reader_close(r);
	mem_source_close(src);
	image_close(&m);
}

TEST(sizes_that_do_not_fit_are_refused)
{
	struct image m;

	for (unsigned i = 0; i < 6; i++) {
		image_open(&m, 100);
		bitmap_set_range(m.held, 0, 100);
		if (i == 0)
			m.s.max_mapnr = (UINT64_C(1) << 40) + 1;
		else if (i == 1)
			m.s.max_mapnr = 2 * BS * 8 + 1; /* bitmaps too short */
		else if (i == 2)
			m.h.sub_header_blocks = 1000; /* they would be behind the file */
		else if (i == 3)
			m.h.bitmap_blocks = UINT32_MAX, m.s.max_mapnr = UINT64_C(1) << 38;
		else if (i == 4)
			m.s.split = 1, m.s.start_pfn = 50, m.s.end_pfn = 40;
		else
			m.s.split = 1, m.s.end_pfn = 101;
		image_write(&m, 0, 100);
		assert_int_equal(try_open(&m), E_FORMAT);
		image_close(&m);
	}
}

TEST(an_input_without_segments_has_none)
{
	struct mem_source *src;
	struct mem_segment seg;
	struct image m;
	const struct image *parts[] = { &m };

	image_open(&m, 10);
	bitmap_set_range(m.held, 0, 10);
	image_write(&m, 0, 10);
	src = open_source(parts, 1);
	assert_false(mem_source_segment(src, 0, &seg));
	assert_false(mem_source_next_run(src, 0, 13, &(struct pfn_run){ 0 })); /* pages of another size */
	mem_source_close(src);
	image_close(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(runs_bitmaps_and_pages_are_those_of_the_file),
		cmocka_unit_test(every_machine_is_known_by_its_name_and_read_in_its_word_size_and_byte_order),
		cmocka_unit_test(a_machine_without_a_name_is_known_by_its_registers),
		cmocka_unit_test(pages_of_arm_are_counted_from_the_first_one_of_ram),
		cmocka_unit_test(pages_of_arm_that_qemu_counted_from_0_stay_where_they_are),
		cmocka_unit_test(no_page_lies_above_the_limit_of_addresses_whatever_phys_base_is),
		cmocka_unit_test(missing_pages_are_lost_where_the_dump_says_that_it_is_incomplete),
		cmocka_unit_test(a_dump_that_was_cut_shows_it_without_a_mark),
		cmocka_unit_test(parts_in_any_order_are_one_dump_and_absent_ones_are_lost),
		cmocka_unit_test(ranks_of_a_huge_machine_take_little_memory_and_holes_no_time),
		cmocka_unit_test(descriptors_that_lead_anywhere_cost_their_page),
		cmocka_unit_test(sizes_that_do_not_fit_are_refused),
		cmocka_unit_test(an_input_without_segments_has_none),
	};

	message_set_level(0);
	return cmocka_run_group_tests_name("kdump_source", tests, NULL, NULL);
}
