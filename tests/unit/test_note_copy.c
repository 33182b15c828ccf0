/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Notes on their way into a dump of the other byte order: what has one is turned round, the rest stays. */
#include "world.h"

#include "output/note_copy.h"
#include "output/sink.h"

#define BLOB_MAX ((size_t)256 << 10)

static struct err e;

/* --- a file -------------------------------------------------------------------------------------------------------- */

static uint8_t written[BLOB_MAX];

static enum status keep(struct sink *s, uint64_t pos, const void *buf, size_t len, size_t *n, struct err *err)
{
	(void)s, (void)err;
	assert_true(pos + len <= BLOB_MAX);
	memcpy(written + pos, buf, len);
	*n = len;
	return OK;
}

static const struct sink_ops ops = { .write_at = keep };

/* --- notes --------------------------------------------------------------------------------------------------------- */

struct blob {
	uint8_t bytes[BLOB_MAX];
	size_t len;
	bool big;
};

static void put_number(struct blob *b, unsigned bytes, uint64_t v)
{
	if (bytes == 2)
		put_u16(b->bytes + b->len, (uint16_t)v, b->big);
	else if (bytes == 4)
		put_u32(b->bytes + b->len, (uint32_t)v, b->big);
	else
		put_u64(b->bytes + b->len, v, b->big);
	b->len += bytes;
}

static void put_head(struct blob *b, const char *name, uint32_t type, uint32_t descsz)
{
	size_t namesz = strlen(name) + 1;

	put_number(b, 4, namesz);
	put_number(b, 4, descsz);
	put_number(b, 4, type);
	memcpy(b->bytes + b->len, name, namesz);
	b->len += (namesz + 3) & ~(size_t)3;
}

static void put_text(struct blob *b, const char *name, uint32_t type, size_t len)
{
	put_head(b, name, type, (uint32_t)len);
	for (size_t i = 0; i < len; i++)
		b->bytes[b->len + i] = (uint8_t)('a' + i % 26);
	b->len += (len + 3) & ~(size_t)3;
}

/* struct elf_prstatus of ppc64, field by field. */
static void put_prstatus(struct blob *b, uint64_t seed)
{
	size_t start;

	put_head(b, "CORE", 1, 504);
	start = b->len;
	for (unsigned i = 0; i < 3; i++)
		put_number(b, 4, random_next(&seed));
	put_number(b, 2, random_next(&seed));
	b->len += 2;
	put_number(b, 8, random_next(&seed));
	put_number(b, 8, random_next(&seed));
	for (unsigned i = 0; i < 4; i++)
		put_number(b, 4, random_next(&seed));
	for (unsigned i = 0; i < 8; i++)
		put_number(b, 8, random_next(&seed));
	assert_int_equal(b->len - start, 112);
	for (unsigned i = 0; i < 48; i++)
		put_number(b, 8, random_next(&seed));
	assert_int_equal(b->len - start, 496);
	put_number(b, 4, random_next(&seed));
	b->len += 4;
}

static struct blob from, to;

static void fill(struct blob *b, bool big, size_t first_len)
{
	memset(b, 0, sizeof(*b));
	b->big = big;
	put_text(b, "LINUX", 0x700, first_len);
	for (unsigned i = 0; i < 3; i++)
		put_prstatus(b, i);
	put_text(b, "QEMU", 0, 77);
	put_text(b, "CORE", 2, 504);
	put_text(b, "CORE", 1, 500);
	put_text(b, "VMCOREINFO", 0, 2001);
}

static struct fake_memory mem;

static void copy(bool big, unsigned machine)
{
	struct sink s = { .ops = &ops, .name = "file", .holes_are_zero = true };
	bool lost = false;

	memset(written, 0, sizeof(written));
	mem.notes = (const char *)from.bytes;
	mem.src->machine = machine;
	mem.src->notes_big_endian = from.big;
	mem.src->notes_len = from.len + mem.src->added_note_len;
	assert_ok(note_copy(&s, mem.src, 0, big, &lost, &e));
	assert_false(lost);
}

TEST(notes_of_ppc64_are_those_that_the_other_byte_order_has)
{
	/* so long that a header, a name or a register of what follows lies across two pieces of 64 KiB */
	static const size_t lens[] = { 0, 100, 65536 - 1700, 65536 - 1000, 65536 - 700, 65536 - 64, 131072 - 540 };

	fake_memory_open(&mem, 1);
	for (unsigned big = 0; big < 2; big++)
		for (size_t i = 0; i < ARRAY_SIZE(lens); i++)
			for (size_t more = 0; more < 64; more += i < 2 ? 64 : 4) {
				fill(&from, !big, lens[i] + more);
				fill(&to, big, lens[i] + more);
				copy(big, 21);
				assert_int_equal(from.len, to.len);
				assert_memory_equal(written, to.bytes, to.len);
				/* in the right order nothing changes */
				copy(!big, 21);
				assert_memory_equal(written, from.bytes, from.len);
			}
	fake_memory_close(&mem);
}

TEST(registers_of_other_machines_stay_as_they_are)
{
	fake_memory_open(&mem, 1);
	fill(&from, true, 40);
	copy(false, 22);
	fill(&to, false, 40);
	/* the first note takes 60 bytes, the head of each note of registers 20 */
	assert_memory_equal(written, to.bytes, 80);
	assert_memory_equal(written + 80, from.bytes + 80, 504);
	assert_memory_equal(written + 80 + 504, to.bytes + 80 + 504, 20);
	fake_memory_close(&mem);
}

TEST(a_note_that_was_added_is_turned_round_behind_notes_that_are_whole_or_broken)
{
	for (unsigned broken = 0; broken < 2; broken++) {
		uint8_t *added;
		size_t at;

		fake_memory_open(&mem, 1);
		fill(&from, true, 40);
		fill(&to, false, 40);
		if (broken) {
			put_u32(from.bytes + 4, UINT32_MAX, true);
			memcpy(to.bytes, from.bytes, from.len);
			put_u32(to.bytes, 6, false);
			put_u32(to.bytes + 4, UINT32_MAX, false);
			put_u32(to.bytes + 8, 0x700, false);
		}
		from.len -= 3; /* what is added has a gap in front */
		mem.src->notes_big_endian = true;
		mem.src->notes_len = from.len;
		assert_ok(mem_source_add_vmcoreinfo(mem.src, "X=1\n", 4, &e));
		added = mem.src->added_note;
		copy(false, 21);
		assert_memory_equal(written, to.bytes, from.len);
		at = (from.len + 3) & ~(size_t)3;
		assert_int_equal(get_u32(added + at - from.len, true), 11);
		assert_int_equal(get_u32(written + at, false), 11);
		assert_int_equal(get_u32(written + at + 4, false), 4);
		assert_int_equal(get_u32(written + at + 8, false), 0);
		assert_memory_equal(written + at + 12, "VMCOREINFO\0\0X=1\n", 16);
		fake_memory_close(&mem);
	}
}

TEST(bytes_that_are_no_notes_are_copied)
{
	uint64_t seed = 5;

	fake_memory_open(&mem, 1);
	for (unsigned i = 0; i < 200; i++) {
		from.big = i % 2;
		from.len = (size_t)random_below(&seed, 200);
		for (size_t j = 0; j < from.len; j++)
			from.bytes[j] = (uint8_t)random_below(&seed, 256) & (uint8_t)(i % 3 ? 0xff : 7);
		copy(!from.big, 21);
	}
	fake_memory_close(&mem);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(notes_of_ppc64_are_those_that_the_other_byte_order_has),
		cmocka_unit_test(registers_of_other_machines_stay_as_they_are),
		cmocka_unit_test(a_note_that_was_added_is_turned_round_behind_notes_that_are_whole_or_broken),
		cmocka_unit_test(bytes_that_are_no_notes_are_copied),
	};

	message_set_level(0);
	return cmocka_run_group_tests_name("note_copy", tests, NULL, NULL);
}
