/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ELF core records, with every field at an offset written out as a number. */
#include "unit.h"

#include "format/elf_core.h"

static struct err e;

/* As /proc/vmcore of an x86_64 machine starts: header, then a PT_NOTE. */
static const uint8_t le64[] = {
	0x7f, 0x45, 0x4c, 0x46, 0x02, 0x01, 0x01, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
	0x04, 0x00, 0x3e, 0x00, 0x01, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
	0x40, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
	0x00, 0x00, 0x00, 0x00, 0x40, 0x00, 0x38, 0x00, 0x03, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
	0x04, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x10, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
	0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
	0x70, 0x0f, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x70, 0x0f, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
	0x04, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
};

/* As a 32-bit big-endian PowerPC machine: header, PT_NOTE, PT_LOAD. */
static const uint8_t be32[] = {
	0x7f, 0x45, 0x4c, 0x46, 0x01, 0x02, 0x01, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
	0x00, 0x04, 0x00, 0x14, 0x00, 0x00, 0x00, 0x01, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x34,
	0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x34, 0x00, 0x20, 0x00, 0x02, 0x00, 0x00,
	0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x04, 0x00, 0x00, 0x10, 0x00, 0x00, 0x00, 0x00, 0x00,
	0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x07, 0x08, 0x00, 0x00, 0x07, 0x08, 0x00, 0x00, 0x00, 0x00,
	0x00, 0x00, 0x00, 0x04, 0x00, 0x00, 0x00, 0x01, 0x00, 0x00, 0x20, 0x00, 0xc0, 0x00, 0x00, 0x00,
	0x00, 0x00, 0x00, 0x00, 0x10, 0x00, 0x00, 0x00, 0x10, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x07,
	0x00, 0x00, 0x00, 0x00,
};

TEST(worked_example_of_a_64_bit_little_endian_core_is_decoded)
{
	struct elf_header h;
	struct elf_phdr p;

	assert_ok(elf_header_decode(&h, le64, sizeof(le64), &e));
	assert_true(h.is64);
	assert_false(h.big_endian);
	assert_int_equal(h.type, 4);
	assert_int_equal(h.machine, ELF_EM_X86_64);
	assert_int_equal(h.phoff, 64);
	assert_int_equal(h.shoff, 0);
	assert_int_equal(h.phentsize, 56);
	assert_int_equal(h.phnum, 3);
	assert_int_equal(elf_phdr_len(&h), 56);
	assert_int_equal(elf_shdr_len(&h), 64);
	elf_phdr_decode(&p, le64 + 64, &h);
	assert_int_equal(p.type, ELF_PT_NOTE);
	assert_int_equal(p.flags, 0);
	assert_int_equal(p.offset, 0x1000);
	assert_int_equal(p.filesz, 3952);
	assert_int_equal(p.memsz, 3952);
}

TEST(worked_example_of_a_32_bit_big_endian_core_is_decoded)
{
	struct elf_header h;
	struct elf_phdr p;

	assert_ok(elf_header_decode(&h, be32, sizeof(be32), &e));
	assert_false(h.is64);
	assert_true(h.big_endian);
	assert_int_equal(h.type, 4);
	assert_int_equal(h.machine, 20);
	assert_int_equal(h.phoff, 52);
	assert_int_equal(h.phentsize, 32);
	assert_int_equal(h.phnum, 2);
	assert_int_equal(elf_phdr_len(&h), 32);
	assert_int_equal(elf_shdr_len(&h), 40);
	elf_phdr_decode(&p, be32 + 52, &h);
	assert_int_equal(p.type, ELF_PT_NOTE);
	assert_int_equal(p.offset, 0x1000);
	assert_int_equal(p.filesz, 1800);
	elf_phdr_decode(&p, be32 + 84, &h);
	assert_int_equal(p.type, ELF_PT_LOAD);
	assert_int_equal(p.offset, 0x2000);
	assert_int_equal(p.vaddr, 0xc0000000);
	assert_int_equal(p.paddr, 0);
	assert_int_equal(p.filesz, 0x10000000);
	assert_int_equal(p.memsz, 0x10000000);
	assert_int_equal(p.flags, 7);
}

/* Every field of header, program header and section header has a value of its own, in all four shapes. */
TEST(every_field_stands_where_its_class_puts_it)
{
	for (unsigned shape = 0; shape < 4; shape++) {
		bool is64 = shape & 1, big = shape & 2;
		uint8_t raw[64] = { 0x7f, 'E', 'L', 'F', is64 ? 2 : 1, big ? 2 : 1, 1 };
		uint8_t ph[56] = { 0 }, sh[64] = { 0 };
		struct elf_header h;
		struct elf_phdr p;

		put_u16(raw + 16, 4, big);
		put_u16(raw + 18, 0x1234, big);
		if (is64) {
			put_u64(raw + 32, UINT64_C(0x1122334455667788), big);
			put_u64(raw + 40, UINT64_C(0x99aabbccddeeff00), big);
			put_u32(raw + 48, 0xf1a65eed, big);
			put_u16(raw + 52, 8, big); /* e_ehsize as QEMU writes it: nobody looks */
			put_u16(raw + 54, 0x40, big);
			put_u16(raw + 56, 0xffff, big);
			put_u16(raw + 58, 0x55, big);
			put_u16(raw + 60, 0x66, big);
			put_u32(ph, 1, big);
			put_u32(ph + 4, 2, big);
			for (unsigned i = 0; i < 5; i++)
				put_u64(ph + 8 + 8 * i, UINT64_C(0x0102030405060700) + i, big);
			put_u32(sh + 44, 0x10001, big);
		} else {
			put_u32(raw + 28, 0x11223344, big);
			put_u32(raw + 32, 0x99aabbcc, big);
			put_u32(raw + 36, 0xf1a65eed, big);
			put_u16(raw + 40, 8, big);
			put_u16(raw + 42, 0x40, big);
			put_u16(raw + 44, 0xffff, big);
			put_u16(raw + 46, 0x55, big);
			put_u16(raw + 48, 0x66, big);
			put_u32(ph, 1, big);
			for (unsigned i = 0; i < 5; i++)
				put_u32(ph + 4 + 4 * i, 0x81020300 + i, big);
			put_u32(ph + 24, 2, big);
			put_u32(sh + 28, 0x10001, big);
		}
		assert_ok(elf_header_decode(&h, raw, sizeof(raw), &e));
		assert_int_equal(h.is64, is64);
		assert_int_equal(h.big_endian, big);
		assert_int_equal(h.machine, 0x1234);
		assert_int_equal(h.phoff, is64 ? UINT64_C(0x1122334455667788) : 0x11223344);
		assert_int_equal(h.shoff, is64 ? UINT64_C(0x99aabbccddeeff00) : 0x99aabbcc);
		assert_int_equal(h.flags, 0xf1a65eed);
		assert_int_equal(h.phentsize, 0x40);
		assert_int_equal(h.phnum, ELF_PN_XNUM);
		assert_int_equal(h.shentsize, 0x55);
		assert_int_equal(h.shnum, 0x66);
		elf_phdr_decode(&p, ph, &h);
		assert_int_equal(p.type, 1);
		assert_int_equal(p.flags, 2);
		assert_int_equal(p.offset, is64 ? UINT64_C(0x0102030405060700) : 0x81020300);
		assert_int_equal(p.vaddr, is64 ? UINT64_C(0x0102030405060701) : 0x81020301);
		assert_int_equal(p.paddr, is64 ? UINT64_C(0x0102030405060702) : 0x81020302);
		assert_int_equal(p.filesz, is64 ? UINT64_C(0x0102030405060703) : 0x81020303);
		assert_int_equal(p.memsz, is64 ? UINT64_C(0x0102030405060704) : 0x81020304);
		assert_int_equal(elf_shdr_info(sh, &h), 0x10001);
	}
}

TEST(address_of_all_ones_is_no_address_in_both_classes)
{
	struct elf_header h32 = { .is64 = false }, h64 = { .is64 = true };
	uint8_t raw[56];
	struct elf_phdr p;

	memset(raw, 0xff, sizeof(raw));
	elf_phdr_decode(&p, raw, &h32);
	assert_true(p.paddr == PADDR_NONE);
	assert_int_equal(p.vaddr, VADDR_NONE);
	elf_phdr_decode(&p, raw, &h64);
	assert_true(p.paddr == PADDR_NONE);
}

TEST(bad_headers_are_refused_with_a_reason)
{
	static const struct {
		size_t at;
		uint8_t value;
		const char *why;
	} rows[] = {
		{ 0, 0x7e, "not an ELF file" }, { 3, 'G', "not an ELF file" },	 { 4, 0, "class 0" },
		{ 4, 3, "class 3" },		{ 5, 0, "byte order 0" },	 { 5, 3, "byte order 3" },
		{ 16, 2, "type 2" },		{ 54, 55, "55 bytes are too short" },
	};
	struct elf_header h;
	uint8_t raw[64];

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		memcpy(raw, le64, sizeof(raw));
		raw[rows[i].at] = rows[i].value;
		assert_int_equal(elf_header_decode(&h, raw, sizeof(raw), &e), E_FORMAT);
		assert_contains(e.text, rows[i].why);
	}
	for (size_t len = 0; len < 64; len++)
		assert_int_equal(elf_header_decode(&h, le64, len, &e), E_FORMAT);
	for (size_t len = 0; len < 52; len++)
		assert_int_equal(elf_header_decode(&h, be32, len, &e), E_FORMAT);
	assert_ok(elf_header_decode(&h, be32, 52, &e));
}

TEST(entry_size_does_not_matter_when_there_are_no_entries)
{
	struct elf_header h;
	uint8_t raw[64];

	memcpy(raw, le64, sizeof(raw));
	raw[54] = raw[56] = 0;
	assert_ok(elf_header_decode(&h, raw, sizeof(raw), &e));
	assert_int_equal(h.phnum, 0);
}

TEST(note_header_is_decoded_in_both_byte_orders)
{
	static const uint8_t raw[12] = { 0, 0, 0, 5, 0, 0, 1, 0x50, 1, 0, 0, 1 };
	struct elf_note n;

	elf_note_decode(&n, raw, true);
	assert_int_equal(n.namesz, 5);
	assert_int_equal(n.descsz, 0x150);
	assert_int_equal(n.type, 0x1000001);
	elf_note_decode(&n, raw, false);
	assert_int_equal(n.namesz, 0x05000000);
	assert_int_equal(n.descsz, 0x50010000);
	assert_int_equal(n.type, 0x1000001);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(worked_example_of_a_64_bit_little_endian_core_is_decoded),
		cmocka_unit_test(worked_example_of_a_32_bit_big_endian_core_is_decoded),
		cmocka_unit_test(every_field_stands_where_its_class_puts_it),
		cmocka_unit_test(address_of_all_ones_is_no_address_in_both_classes),
		cmocka_unit_test(bad_headers_are_refused_with_a_reason),
		cmocka_unit_test(entry_size_does_not_matter_when_there_are_no_entries),
		cmocka_unit_test(note_header_is_decoded_in_both_byte_orders),
	};

	return cmocka_run_group_tests_name("elf_core", tests, NULL, NULL);
}
