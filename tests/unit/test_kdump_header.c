/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Headers and descriptors of the kdump-compressed format: offsets are written out as numbers, examples as bytes. */
#include "unit.h"

#include "format/kdump_header.h"
#include "format/page_desc.h"

static const enum kdump_layout layouts[] = { KDUMP_64, KDUMP_32_PADDED, KDUMP_32_PACKED };

/* field, width in the 64-bit layout and in the 32-bit ones, offsets: 64, padded, packed */
struct row {
	const char *name;
	unsigned width64, width32, at[3];
	uint64_t value;	  /* for the encoder */
	uint64_t value32; /* what a field of 4 bytes shows of it */
};

static uint64_t get(const uint8_t *p, unsigned width, bool big)
{
	return width == 8 ? get_u64(p, big) : get_u32(p, big);
}

/* Compares all fields; then zeroes them, so that what remains must be zero. */
static void check_rows(uint8_t *raw, size_t len, const struct row *rows, size_t n, enum kdump_layout layout, bool big)
{
	for (size_t i = 0; i < n; i++) {
		unsigned width = layout == KDUMP_64 ? rows[i].width64 : rows[i].width32;
		uint8_t *at = raw + rows[i].at[layout];
		uint64_t want = width == 8 ? rows[i].value : rows[i].value32;

		if (get(at, width, big) != want)
			fail_msg("%s is %#" PRIx64 ", not %#" PRIx64 " (layout %d, big %d)", rows[i].name,
				 get(at, width, big), want, layout, big);
		memset(at, 0, width);
	}
	for (size_t i = 0; i < len; i++)
		if (raw[i])
			fail_msg("byte %zu is %#x, not 0", i, raw[i]);
}

TEST(headers_are_as_long_as_the_format_says)
{
	assert_int_equal(kdump_header_len(KDUMP_64), 464);
	assert_int_equal(kdump_header_len(KDUMP_32_PADDED), 452);
	assert_int_equal(kdump_header_len(KDUMP_32_PACKED), 452);
	assert_int_equal(kdump_sub_header_len(KDUMP_64), 104);
	assert_int_equal(kdump_sub_header_len(KDUMP_32_PADDED), 96);
	assert_int_equal(kdump_sub_header_len(KDUMP_32_PACKED), 80);
	assert_int_equal(kdump_status_offset(KDUMP_64), 424);
	assert_int_equal(kdump_status_offset(KDUMP_32_PADDED), 412);
	assert_int_equal(kdump_status_offset(KDUMP_32_PACKED), 412);
	assert_true(KDUMP_HEADER_MAX >= 464 && KDUMP_SUB_HEADER_MAX >= 104);
	assert_int_equal(PAGE_DESC_LEN, 24);
}

TEST(status_bits_are_those_of_the_format)
{
	assert_int_equal(KDUMP_ZLIB, 0x1);
	assert_int_equal(KDUMP_LZO, 0x2);
	assert_int_equal(KDUMP_SNAPPY, 0x4);
	assert_int_equal(KDUMP_INCOMPLETE, 0x8);
	assert_int_equal(KDUMP_EXCLUDED_VMEMMAP, 0x10);
	assert_int_equal(KDUMP_ZSTD, 0x20);
}

TEST(every_field_of_the_main_header_is_in_its_place_in_all_layouts_and_byte_orders)
{
	static const struct row rows[] = {
		{ "header_version", 4, 4, { 8, 8, 8 }, 6, 6 },
		{ "tv_sec", 8, 4, { 408, 404, 404 }, UINT64_C(0x166f2c5a0), 0x66f2c5a0 },
		{ "status", 4, 4, { 424, 412, 412 }, 0, 0x29 },
		{ "block_size", 4, 4, { 428, 416, 416 }, 0, 0x10000 },
		{ "sub_hdr_size", 4, 4, { 432, 420, 420 }, 0, 0x1234567 },
		{ "bitmap_blocks", 4, 4, { 436, 424, 424 }, 0, 0x89abcdef },
		{ "max_mapnr", 4, 4, { 440, 428, 428 }, 0, 0xffffffff },
		{ "nr_cpus", 4, 4, { 460, 448, 448 }, 0, 4096 },
	};
	struct kdump_header h = {
		.version = 6,
		.timestamp = INT64_C(0x166f2c5a0),
		.status = 0x29,
		.block_size = 0x10000,
		.sub_header_blocks = 0x1234567,
		.bitmap_blocks = 0x89abcdef,
		.nr_cpus = 4096,
		.max_mapnr = UINT64_C(0x123456789a),
	};

	for (size_t i = 0; i < KDUMP_UTSNAME_LEN; i++)
		h.utsname[i] = (uint8_t)(i + 1);
	for (unsigned l = 0; l < 3; l++) {
		for (unsigned big = 0; big < 2; big++) {
			uint8_t raw[512];

			memset(raw, 0xee, sizeof(raw));
			kdump_header_encode(raw, &h, layouts[l], big);
			assert_memory_equal(raw, "KDUMP   ", 8);
			for (size_t i = 0; i < 390; i++)
				assert_int_equal(raw[12 + i], (uint8_t)(i + 1));
			memset(raw, 0, 8);
			memset(raw + 12, 0, 390);
			assert_int_equal(raw[kdump_header_len(layouts[l])], 0xee);
			check_rows(raw, kdump_header_len(layouts[l]), rows, ARRAY_SIZE(rows), layouts[l], big);
		}
	}
}

TEST(every_field_of_the_sub_header_is_in_its_place_in_all_layouts_and_byte_orders)
{
	static const struct row rows[] = {
		{ "phys_base", 8, 4, { 0, 0, 0 }, UINT64_C(0xffffffff8d000001), 0x8d000001 },
		{ "dump_level", 4, 4, { 8, 4, 4 }, 0, 31 },
		{ "split", 4, 4, { 12, 8, 8 }, 0, 1 },
		{ "start_pfn", 8, 4, { 16, 12, 12 }, 0xffffffff, 0xffffffff },
		{ "end_pfn", 8, 4, { 24, 16, 16 }, 0x345678, 0x345678 },
		{ "offset_vmcoreinfo", 8, 8, { 32, 24, 20 }, UINT64_C(0x1100000002), 0 },
		{ "size_vmcoreinfo", 8, 4, { 40, 32, 28 }, 0x1103, 0x1103 },
		{ "offset_note", 8, 8, { 48, 40, 32 }, UINT64_C(0x1100000004), 0 },
		{ "size_note", 8, 4, { 56, 48, 40 }, 0x1105, 0x1105 },
		{ "offset_eraseinfo", 8, 8, { 64, 56, 44 }, UINT64_C(0x1100000006), 0 },
		{ "size_eraseinfo", 8, 4, { 72, 64, 52 }, 0x1107, 0x1107 },
		{ "start_pfn_64", 8, 8, { 80, 72, 56 }, UINT64_C(0x1200000008), 0 },
		{ "end_pfn_64", 8, 8, { 88, 80, 64 }, 0x345678, 0 },
		{ "max_mapnr_64", 8, 8, { 96, 88, 72 }, UINT64_C(0x120000000a), 0 },
	};
	const struct kdump_sub_header s = {
		.phys_base = (int64_t)UINT64_C(0xffffffff8d000001),
		.dump_level = 31,
		.split = 1,
		.start_pfn = UINT64_C(0x1200000008),
		.end_pfn = 0x345678,
		.offset_vmcoreinfo = UINT64_C(0x1100000002),
		.size_vmcoreinfo = 0x1103,
		.offset_note = UINT64_C(0x1100000004),
		.size_note = 0x1105,
		.offset_eraseinfo = UINT64_C(0x1100000006),
		.size_eraseinfo = 0x1107,
		.max_mapnr = UINT64_C(0x120000000a),
	};

	for (unsigned l = 0; l < 3; l++) {
		for (unsigned big = 0; big < 2; big++) {
			uint8_t raw[128];

			memset(raw, 0xee, sizeof(raw));
			kdump_sub_header_encode(raw, &s, layouts[l], big);
			assert_int_equal(raw[kdump_sub_header_len(layouts[l])], 0xee);
			check_rows(raw, kdump_sub_header_len(layouts[l]), rows, ARRAY_SIZE(rows), layouts[l], big);
		}
	}
}

/* Compares with lines of 16 bytes at given offsets; lines that are not given are zero. */
struct line {
	size_t at;
	uint8_t bytes[16];
};

static void check_lines(const uint8_t *raw, size_t len, const struct line *lines, size_t n)
{
	for (size_t at = 0; at < len; at += 16) {
		uint8_t want[16] = { 0 };
		size_t left = len - at < 16 ? len - at : 16;

		for (size_t i = 0; i < n; i++)
			if (lines[i].at == at)
				memcpy(want, lines[i].bytes, 16);
		if (memcmp(raw + at, want, left))
			fail_msg("the line at %#zx differs", at);
	}
}

TEST(worked_example_of_a_64_bit_little_endian_dump_comes_out_byte_by_byte)
{
	static const struct line main_lines[] = {
		{ 0x00, { 0x4b, 0x44, 0x55, 0x4d, 0x50, 0x20, 0x20, 0x20, 6, 0, 0, 0, 0x4c, 0x69, 0x6e, 0x75 } },
		{ 0x10, { 0x78 } },
		{ 0x40, { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x64, 0x65, 0x6d } },
		{ 0x50, { 0x6f } },
		{ 0x80, { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x36, 0x2e } },
		{ 0x90, { 0x31 } },
		{ 0x110, { 0x78, 0x38, 0x36, 0x5f, 0x36, 0x34 } },
		{ 0x190, { 0, 0, 0, 0, 0, 0, 0, 0, 0xa0, 0xc5, 0xf2, 0x66 } },
		{ 0x1a0, { 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0x10 } },
		{ 0x1b0, { 1, 0, 0, 0, 0x40, 0, 0, 0, 0, 0, 0x10 } },
		{ 0x1c0, { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4 } },
	};
	static const struct line sub_lines[] = {
		{ 0x00, { 0, 0, 0, 0x3c, 0, 0, 0, 0, 0x1f } },
		{ 0x20, { 0x10, 0x16, 0, 0, 0, 0, 0, 0, 0xc5, 0x09 } },
		{ 0x30, { 0x68, 0x10, 0, 0, 0, 0, 0, 0, 0x70, 0x0f } },
		{ 0x60, { 0, 0, 0x10 } },
	};
	struct kdump_header h = {
		.version = KDUMP_VERSION,
		.timestamp = 0x66f2c5a0,
		.status = KDUMP_ZLIB,
		.block_size = 4096,
		.sub_header_blocks = 1,
		.bitmap_blocks = 64,
		.nr_cpus = 4,
		.max_mapnr = 0x100000,
	};
	const struct kdump_sub_header s = {
		.phys_base = 0x3c000000,
		.dump_level = 31,
		.offset_vmcoreinfo = 0x1610,
		.size_vmcoreinfo = 2501,
		.offset_note = 0x1068,
		.size_note = 3952,
		.max_mapnr = 0x100000,
	};
	uint8_t raw[464];

	strcpy((char *)h.utsname, "Linux");
	strcpy((char *)h.utsname + 65, "demo");
	strcpy((char *)h.utsname + 130, "6.1");
	strcpy((char *)h.utsname + 260, "x86_64");
	kdump_header_encode(raw, &h, KDUMP_64, false);
	check_lines(raw, 464, main_lines, ARRAY_SIZE(main_lines));
	kdump_sub_header_encode(raw, &s, KDUMP_64, false);
	check_lines(raw, 104, sub_lines, ARRAY_SIZE(sub_lines));
}

TEST(worked_example_of_a_32_bit_big_endian_dump_comes_out_byte_by_byte)
{
	static const struct line main_lines[] = {
		{ 0x00, { 0x4b, 0x44, 0x55, 0x4d, 0x50, 0x20, 0x20, 0x20, 0, 0, 0, 6, 0x4c, 0x69, 0x6e, 0x75 } },
		{ 0x10, { 0x78 } },
		{ 0x110, { 0x70, 0x70, 0x63 } },
		{ 0x190, { 0, 0, 0, 0, 0x66, 0xf2, 0xc5, 0xa0, 0, 0, 0, 0, 0, 0, 0, 2 } },
		{ 0x1a0, { 0, 0, 0x10, 0, 0, 0, 0, 1, 0, 0, 0, 4, 0, 1 } },
		{ 0x1c0, { 0, 0, 0, 2 } },
	};
	static const struct line sub_lines[] = {
		{ 0x00, { 0, 0, 0, 0, 0, 0, 0, 1 } },
		{ 0x10, { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x12, 0xb8 } },
		{ 0x20, { 0, 0, 0x04, 0xb0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10, 0x60 } },
		{ 0x30, { 0, 0, 0x07, 0x08 } },
		{ 0x50, { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1 } },
	};
	struct kdump_header h = {
		.version = KDUMP_VERSION,
		.timestamp = 0x66f2c5a0,
		.status = KDUMP_LZO,
		.block_size = 4096,
		.sub_header_blocks = 1,
		.bitmap_blocks = 4,
		.nr_cpus = 2,
		.max_mapnr = 0x10000,
	};
	const struct kdump_sub_header s = {
		.dump_level = 1,
		.offset_vmcoreinfo = 0x12b8,
		.size_vmcoreinfo = 1200,
		.offset_note = 0x1060,
		.size_note = 1800,
		.max_mapnr = 0x10000,
	};
	uint8_t raw[452];

	strcpy((char *)h.utsname, "Linux");
	strcpy((char *)h.utsname + 260, "ppc");
	kdump_header_encode(raw, &h, KDUMP_32_PADDED, true);
	check_lines(raw, 452, main_lines, ARRAY_SIZE(main_lines));
	kdump_sub_header_encode(raw, &s, KDUMP_32_PADDED, true);
	check_lines(raw, 96, sub_lines, ARRAY_SIZE(sub_lines));
}

TEST(descriptors_of_the_worked_examples_come_out_byte_by_byte)
{
	static const uint8_t le_zero[24] = { 0, 0xa0, 5, 0, 0, 0, 0, 0, 0, 0x10 };
	static const uint8_t le_data[24] = { 0, 0xb0, 5, 0, 0, 0, 0, 0, 0x2a, 0, 0, 0, 1 };
	static const uint8_t be_zero[24] = { 0, 0, 0, 0, 0, 1, 0xe0, 0, 0, 0, 0x10 };
	static const uint8_t be_data[24] = { 0, 0, 0, 0, 0, 1, 0xf0, 0, 0, 0, 1, 0xc3, 0, 0, 0, 2 };
	uint8_t raw[24];

	memset(raw, 0xee, sizeof(raw));
	page_desc_encode(raw, &(struct page_desc){ 0x5a000, 0x1000, 0 }, false);
	assert_memory_equal(raw, le_zero, 24);
	page_desc_encode(raw, &(struct page_desc){ 0x5b000, 42, KDUMP_ZLIB }, false);
	assert_memory_equal(raw, le_data, 24);
	memset(raw, 0xee, sizeof(raw));
	page_desc_encode(raw, &(struct page_desc){ 0x1e000, 0x1000, 0 }, true);
	assert_memory_equal(raw, be_zero, 24);
	page_desc_encode(raw, &(struct page_desc){ 0x1f000, 451, KDUMP_LZO }, true);
	assert_memory_equal(raw, be_data, 24);
}

TEST(headers_of_every_version_layout_and_byte_order_decode_to_what_was_encoded)
{
	for (unsigned l = 0; l < 3; l++) {
		for (unsigned big = 0; big < 2; big++) {
			for (int version = 1; version <= 6; version++) {
				bool wide = layouts[l] == KDUMP_64, found_big;
				size_t sub_len = kdump_sub_header_len(layouts[l]);
				const struct kdump_header h = {
					.version = version,
					.utsname = "Linux",
					.timestamp = wide ? INT64_C(0x166f2c5a0) : 0xf6f2c5a0,
					.timestamp_us = 77,
					.status = 0x29,
					.block_size = 0x10000,
					.sub_header_blocks = 2,
					.bitmap_blocks = 64,
					.nr_cpus = 4096,
					.max_mapnr = 0x1000000,
				};
				const struct kdump_sub_header s = {
					.phys_base = -0x1000,
					.dump_level = 31,
					.split = 1,
					.start_pfn = 0x40,
					.end_pfn = 0x80,
					.offset_vmcoreinfo = 0x10000 + sub_len + 0x20,
					.size_vmcoreinfo = 0x100,
					.offset_note = 0x10000 + sub_len,
					.size_note = 0x200,
					.offset_eraseinfo = 0x30,
					.size_eraseinfo = 0x40,
					.max_mapnr = UINT64_C(0x1000000),
				};
				struct kdump_header h2 = { 0 };
				struct kdump_sub_header s2 = { 0 }, expected = s;
				enum kdump_layout found;
				uint8_t raw[512] = { 0 };
				struct err e;

				kdump_header_encode(raw, &h, layouts[l], big);
				assert_ok(kdump_header_decode(&h2, &found, &found_big, raw, sizeof(raw), &e));
				assert_int_equal(found == KDUMP_64, wide);
				assert_int_equal(found_big, big);
				assert_int_equal(h2.version, version);
				assert_memory_equal(h2.utsname, h.utsname, sizeof(h.utsname));
				assert_int_equal(h2.timestamp, h.timestamp);
				assert_int_equal(h2.timestamp_us, 77);
				assert_int_equal(h2.status, 0x29);
				assert_int_equal(h2.block_size, 0x10000);
				assert_int_equal(h2.sub_header_blocks, 2);
				assert_int_equal(h2.bitmap_blocks, 64);
				assert_int_equal(h2.nr_cpus, 4096);
				assert_int_equal(h2.max_mapnr, 0x1000000);

				memset(raw, 0xee, sizeof(raw));
				kdump_sub_header_encode(raw, &s, layouts[l], big);
				if (!wide && version >= 3)
					assert_int_equal(kdump_sub_header_layout(raw, &h, big), layouts[l]);
				kdump_sub_header_decode(&s2, raw, &h, layouts[l], big);
				/* RAM of 32-bit machines may begin in the upper half of 4 GiB */
				if (!wide)
					expected.phys_base = 0xfffff000;
				/* what the version does not have reads as nothing, whatever stands there */
				if (version < 2)
					expected.split = 0;
				if (version < 3)
					expected.offset_vmcoreinfo = expected.size_vmcoreinfo = 0;
				if (version < 4)
					expected.offset_note = expected.size_note = 0;
				if (version < 5)
					expected.offset_eraseinfo = expected.size_eraseinfo = 0;
				if (version < 2)
					expected.start_pfn = expected.end_pfn = 0;
				if (version == 6) /* written as 0: parts are somebody else's */
					expected.start_pfn = s2.start_pfn, expected.end_pfn = s2.end_pfn;
				assert_memory_equal(&expected, &s2, sizeof(s2));
			}
		}
	}
}

TEST(a_padded_sub_header_without_vmcoreinfo_is_told_by_its_notes)
{
	const struct kdump_header h = { .version = 4, .block_size = 4096, .sub_header_blocks = 1 };
	const struct kdump_sub_header s = { .offset_note = 4096 + 96, .size_note = 0x100 };
	uint8_t raw[KDUMP_SUB_HEADER_MAX] = { 0 };

	for (unsigned big = 0; big < 2; big++) {
		kdump_sub_header_encode(raw, &s, KDUMP_32_PADDED, big);
		assert_int_equal(kdump_sub_header_layout(raw, &h, big), KDUMP_32_PADDED);
		kdump_sub_header_encode(raw, &s, KDUMP_32_PACKED, big);
		assert_int_equal(kdump_sub_header_layout(raw, &h, big), KDUMP_32_PACKED);
	}
}

TEST(a_sub_header_without_notes_is_told_by_its_number_of_pages)
{
	static const uint64_t pages[] = { 0x8000, 0x12345, UINT32_MAX, UINT64_C(0x123456789) };

	for (size_t i = 0; i < 4 * ARRAY_SIZE(pages); i++) {
		uint64_t n = pages[i / 4];
		enum kdump_layout layout = i & 1 ? KDUMP_32_PADDED : KDUMP_32_PACKED;
		bool big = i & 2;
		const struct kdump_header h = {
			.version = 6, .block_size = 4096, .sub_header_blocks = 1, .max_mapnr = n < UINT32_MAX ? n : UINT32_MAX,
		};
		const struct kdump_sub_header s = { .split = 1, .start_pfn = 0x40, .end_pfn = 0x80, .max_mapnr = n };
		uint8_t raw[KDUMP_SUB_HEADER_MAX] = { 0 };

		kdump_sub_header_encode(raw, &s, layout, big);
		assert_int_equal(kdump_sub_header_layout(raw, &h, big), layout);
	}
}

TEST(layout_follows_from_the_size_of_a_long_and_the_machine)
{
	/* e_machine: i386, mips, ppc, arm, x86_64, s390, ppc64 */
	assert_int_equal(kdump_layout_of(3, 4), KDUMP_32_PACKED);
	assert_int_equal(kdump_layout_of(8, 4), KDUMP_32_PADDED);
	assert_int_equal(kdump_layout_of(20, 4), KDUMP_32_PADDED);
	assert_int_equal(kdump_layout_of(40, 4), KDUMP_32_PADDED);
	assert_int_equal(kdump_layout_of(62, 8), KDUMP_64);
	assert_int_equal(kdump_layout_of(22, 8), KDUMP_64);
	assert_int_equal(kdump_layout_of(21, 8), KDUMP_64);
}

TEST(a_32_bit_header_that_makes_sense_as_a_64_bit_one_is_taken_for_what_it_is)
{
	/* read as 64 bits: pages of 64 KiB, a sub header of one block, bitmaps of one block; the time tells */
	static const struct kdump_header h = {
		.version = 6, .timestamp = 1727186336, .block_size = 4096, .sub_header_blocks = 1, .bitmap_blocks = 4,
		.max_mapnr = 0x10000,
	};

	for (unsigned big = 0; big < 2; big++) {
		uint8_t raw[464] = { 0 };
		enum kdump_layout layout;
		struct kdump_header found;
		struct err e;
		bool found_big;

		kdump_header_encode(raw, &h, KDUMP_32_PADDED, big);
		put_u32(raw + 432, 1, big); /* total_ram_blocks */
		put_u32(raw + 436, 1, big); /* device_blocks */
		put_u32(raw + 440, 1, big); /* written_blocks */
		assert_ok(kdump_header_decode(&found, &layout, &found_big, raw, sizeof(raw), &e));
		assert_int_equal(layout, KDUMP_32_PADDED);
		assert_int_equal(found_big, big);
		assert_int_equal(found.block_size, 4096);
	}
}

TEST(a_strange_time_alone_does_not_make_a_header_strange)
{
	static const struct kdump_header h = {
		.version = 6, .timestamp_us = INT64_C(77) << 32, .block_size = 4096, .sub_header_blocks = 1,
		.bitmap_blocks = 4, .max_mapnr = 0x10000,
	};
	enum kdump_layout layout;
	struct kdump_header found;
	uint8_t raw[464];
	struct err e;
	bool big;

	kdump_header_encode(raw, &h, KDUMP_64, true);
	assert_ok(kdump_header_decode(&found, &layout, &big, raw, sizeof(raw), &e));
	assert_int_equal(layout, KDUMP_64);
	assert_true(big);
}

TEST(headers_that_make_no_sense_are_refused)
{
	static const struct kdump_header sound = {
		.version = 6, .block_size = 4096, .sub_header_blocks = 1, .bitmap_blocks = 2, .max_mapnr = 0x8000,
	};
	struct kdump_header h;
	enum kdump_layout layout;
	uint8_t raw[464];
	struct err e;
	bool big;

	kdump_header_encode(raw, &sound, KDUMP_64, false);
	assert_ok(kdump_header_decode(&h, &layout, &big, raw, sizeof(raw), &e));
	assert_int_equal(kdump_header_decode(&h, &layout, &big, raw, 463, &e), E_FORMAT);
	assert_int_equal(kdump_header_decode(&h, &layout, &big, raw, 0, &e), E_FORMAT);
	for (unsigned i = 0; i < 8; i++) {
		h = sound;
		h.version = i == 0 ? 0 : i == 1 ? 7 : 6;
		h.block_size = i == 2 ? 0 : i == 3 ? 4097 : i == 4 ? 1 << 18 : 4096;
		h.sub_header_blocks = i == 5 ? 0 : i == 6 ? 0x80000000 : 1;
		h.max_mapnr = i == 7 ? 0x10001 : 0x8000;
		kdump_header_encode(raw, &h, KDUMP_64, false);
		assert_int_equal(kdump_header_decode(&h, &layout, &big, raw, sizeof(raw), &e),
				 i < 2 ? E_UNSUPPORTED : E_FORMAT);
	}
}

TEST(descriptors_decode_to_what_was_encoded)
{
	const struct page_desc d = { UINT64_C(0x123456789abcdef0), 0xfedcba98, 0x20 };
	struct page_desc found;
	uint8_t raw[24];

	for (unsigned big = 0; big < 2; big++) {
		page_desc_encode(raw, &d, big);
		page_desc_decode(&found, raw, big);
		assert_int_equal(found.offset, d.offset);
		assert_int_equal(found.size, d.size);
		assert_int_equal(found.flags, d.flags);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(headers_are_as_long_as_the_format_says),
		cmocka_unit_test(status_bits_are_those_of_the_format),
		cmocka_unit_test(every_field_of_the_main_header_is_in_its_place_in_all_layouts_and_byte_orders),
		cmocka_unit_test(every_field_of_the_sub_header_is_in_its_place_in_all_layouts_and_byte_orders),
		cmocka_unit_test(worked_example_of_a_64_bit_little_endian_dump_comes_out_byte_by_byte),
		cmocka_unit_test(worked_example_of_a_32_bit_big_endian_dump_comes_out_byte_by_byte),
		cmocka_unit_test(descriptors_of_the_worked_examples_come_out_byte_by_byte),
		cmocka_unit_test(headers_of_every_version_layout_and_byte_order_decode_to_what_was_encoded),
		cmocka_unit_test(a_padded_sub_header_without_vmcoreinfo_is_told_by_its_notes),
		cmocka_unit_test(a_sub_header_without_notes_is_told_by_its_number_of_pages),
		cmocka_unit_test(layout_follows_from_the_size_of_a_long_and_the_machine),
		cmocka_unit_test(a_32_bit_header_that_makes_sense_as_a_64_bit_one_is_taken_for_what_it_is),
		cmocka_unit_test(a_strange_time_alone_does_not_make_a_header_strange),
		cmocka_unit_test(headers_that_make_no_sense_are_refused),
		cmocka_unit_test(descriptors_decode_to_what_was_encoded),
	};

	return cmocka_run_group_tests_name("kdump_header", tests, NULL, NULL);
}
