/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Writing dumps in ELF format: of either class and byte order, with memory that cannot be read or must not be, to a disk
 * that gets full at any block.  Whatever happens, the file says that it is incomplete and promises only what is there.
 */
#include "world.h"

#include "format/elf_core.h"
#include "output/elf_writer.h"
#include "print_info.h"

#define PAGE 4096u
#define DISK_MAX ((size_t)24 << 20)

static struct err e;
static struct fake_memory mem;

/* --- a disk ------------------------------------------------------------------------------------------------------- */

struct disk {
	struct sink base;
	uint8_t *bytes;
	uint8_t taken[DISK_MAX / PAGE];
	size_t len, blocks_left;
	unsigned writes, fail_sync, syncs, finishes, amends;
	bool dirty, early_mark;
	bool check; /* that the file is true after each write */
};

static struct disk disk;

static void check_file(bool complete);

static bool marked(void)
{
	bool big = disk.bytes[5] == 2, is64 = disk.bytes[4] == 2;

	return get_u32(disk.bytes + (is64 ? 48 : 36), big) & 1;
}

static enum status disk_write_at(struct sink *s, uint64_t pos, const void *buf, size_t len, size_t *written,
				 struct err *err)
{
	size_t n = 0;

	(void)s;
	assert_true(pos + len <= DISK_MAX);
	/* blocks of 4 KiB are taken whole or not at all */
	while (n < len) {
		size_t some = PAGE - (pos + n) % PAGE < len - n ? PAGE - (pos + n) % PAGE : len - n;

		if (!disk.taken[(pos + n) / PAGE]) {
			if (!disk.blocks_left)
				break;
			disk.blocks_left--;
			disk.taken[(pos + n) / PAGE] = 1;
		}
		memcpy(disk.bytes + pos + n, (const uint8_t *)buf + n, some);
		n += some;
	}
	*written = n;
	disk.writes++;
	disk.len = pos + n > disk.len ? pos + n : disk.len;
	disk.early_mark |= pos == 0 && !marked() && disk.dirty;
	disk.dirty = true;
	/* what is written after the first sync clears the mark */
	if (disk.check)
		check_file(disk.syncs);
	return n < len ? err_set(err, E_NOSPACE, "no room") : OK;
}

static enum status disk_set_length(struct sink *s, uint64_t len, struct err *err)
{
	(void)s, (void)err;
	assert_true(len <= DISK_MAX);
	if (len < disk.len)
		memset(disk.bytes + len, 0, disk.len - len);
	for (size_t b = (len + PAGE - 1) / PAGE; b < DISK_MAX / PAGE; b++) {
		disk.blocks_left += disk.taken[b];
		disk.taken[b] = 0;
	}
	disk.len = len;
	return OK;
}

static enum status disk_sync(struct sink *s, struct err *err)
{
	(void)s;
	disk.dirty = false;
	return ++disk.syncs == disk.fail_sync ? err_set(err, E_IO, "sync fails") : OK;
}

static enum status disk_finish(struct sink *s, struct err *err)
{
	(void)s, (void)err;
	disk.finishes++;
	return OK;
}

static enum status disk_amend(struct sink *s, uint64_t pos, const void *buf, size_t len, struct err *err)
{
	(void)s, (void)err;
	disk.amends++;
	memcpy(disk.bytes + pos, buf, len);
	return OK;
}

static const struct sink_ops disk_ops = {
	.write_at = disk_write_at,
	.set_length = disk_set_length,
	.sync = disk_sync,
	.finish = disk_finish,
	.amend = disk_amend,
};

static void disk_format(size_t blocks)
{
	uint8_t *bytes = disk.bytes ? disk.bytes : malloc(DISK_MAX);

	assert_non_null(bytes);
	memset(bytes, 0, DISK_MAX);
	disk = (struct disk){ .base = { &disk_ops, "disk", true, 0 }, .bytes = bytes, .blocks_left = blocks };
}

/* --- what is in the file ------------------------------------------------------------------------------------------ */

static struct elf_header header;
static struct elf_phdr loads[1024], note;
static size_t n_loads;

static void read_file(void)
{
	uint32_t n;

	assert_int_equal(elf_header_decode(&header, disk.bytes, disk.len, &e), OK);
	n = header.phnum == ELF_PN_XNUM ? elf_shdr_info(disk.bytes + header.shoff, &header) : header.phnum;
	n_loads = 0;
	for (uint32_t i = 0; i < n; i++) {
		struct elf_phdr p;

		elf_phdr_decode(&p, disk.bytes + header.phoff + i * elf_phdr_len(&header), &header);
		assert_int_equal(p.type, i ? ELF_PT_LOAD : ELF_PT_NOTE);
		if (!i)
			note = p;
		else if (n_loads < ARRAY_SIZE(loads))
			loads[n_loads++] = p;
	}
}

static bool has_incomplete_note(void)
{
	return note.filesz >= 24 && !memcmp(disk.bytes + note.offset + note.filesz - 12, "INCOMPLETE\0", 12);
}

/*
 * What a header promises is the memory's; `complete`: else the mark is there, and nothing reads as zero that is not.  The
 * tests below leave out no pages but those of zeros, and those that must not be read.
 */
static void check_file(bool complete)
{
	read_file();
	if (n_loads)
		assert_int_equal(header.machine == ELF_EM_RISCV ? has_incomplete_note() : marked(), !complete);
	for (size_t i = 0; i < n_loads; i++) {
		const struct elf_phdr *p = &loads[i];

		assert_true(p->filesz <= p->memsz && p->offset && p->offset + p->filesz <= disk.len);
		for (paddr_t at = p->paddr; at < p->paddr + p->memsz; at += PAGE - at % PAGE) {
			size_t n = min_u64(PAGE - at % PAGE, p->paddr + p->memsz - at), in = at - p->paddr;
			static const uint8_t zeros[PAGE];

			assert_false(mem.unreadable[at / PAGE]);
			assert_memory_equal(in < p->filesz ? disk.bytes + p->offset + in : zeros,
					    mem.forbidden[at / PAGE] ? zeros : mem.bytes + at, n);
		}
	}
}

/* --- writing it --------------------------------------------------------------------------------------------------- */

static void fill(size_t pages)
{
	fake_memory_open(&mem, pages);
	for (size_t i = 0; i < pages * PAGE; i++)
		mem.bytes[i] = (uint8_t)(1 + i % 251 + i / PAGE % 3);
}

static void zero(pfn_t first, pfn_t end)
{
	memset(mem.bytes + first * PAGE, 0, (end - first) * PAGE);
}

static bool bad_page(pfn_t pfn)
{
	return pfn < mem.pages && mem.forbidden[pfn];
}

static enum status write_segment(struct elf_writer *w, struct elf_room *room, const struct mem_segment *s)
{
	paddr_t end = s->paddr + s->memsz;

	if (room)
		elf_room_begin(room);
	else
		elf_writer_begin(w, s);
	for (paddr_t at = s->paddr; at < end;) {
		bool bad = bad_page(at / PAGE);
		paddr_t to = (at / PAGE + 1) * PAGE;

		while (to < end && bad_page(to / PAGE) == bad)
			to += PAGE;
		to = min_u64(to, end);
		if (!room) {
			if (elf_writer_add(w, bad ? PIECE_BAD : PIECE_KEPT, to, &e))
				return e.status;
		} else if (bad) {
			elf_room_left_out(room, (to + PAGE - 1) / PAGE - at / PAGE);
		} else {
			elf_room_kept(room, (to + PAGE - 1) / PAGE - at / PAGE);
		}
		at = to;
	}
	if (!room)
		return elf_writer_end(w, &e);
	elf_room_end(room);
	return OK;
}

static struct elf_room room;
static unsigned long_bytes = 8; /* of the kernel */

/* The whole way; `segments` end with one at PADDR_NONE. */
static enum status dump(const struct mem_segment *segments, size_t piece)
{
	struct elf_about about = { .target = { mem.src->big_endian, long_bytes, 12, PAGE },
				   .is64 = mem.src->is64,
				   .find_zero = true,
				   .data_piece = piece };
	struct elf_writer *w;
	enum status st = OK;

	room = (struct elf_room){ .find_zero = true };
	for (size_t i = 0; segments[i].paddr != PADDR_NONE; i++)
		assert_int_equal(write_segment(NULL, &room, &segments[i]), OK);
	about.headers = room.headers;
	if (elf_writer_open(&w, &disk.base, mem.src, &about, &e))
		return e.status;
	for (size_t i = 0; segments[i].paddr != PADDR_NONE && !st; i++)
		st = write_segment(w, NULL, &segments[i]);
	if (st)
		elf_writer_salvage(w);
	else
		st = elf_writer_finish(w, &e);
	elf_writer_close(w);
	return st;
}

#define END { .paddr = PADDR_NONE }

static void every_class_and_byte_order_is_written_with_right_headers(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 8; i++) {
		bool is64 = i & 1, big = i & 2, riscv = i & 4;
		const struct mem_segment segments[] = { { 0x1234, 0xc0001234, 0x5678, 0x5678, 5 },
							{ 0x2000, 0, 0, 0, 7 },
							{ 0x10000, VADDR_NONE, 0x300000, 0x300000, 6 },
							END };

		fill(1024);
		zero(100, 400);
		mem.notes = "12345678";
		mem.src->notes_len = 8;
		mem.src->is64 = is64;
		mem.src->big_endian = big;
		mem.src->machine = riscv ? ELF_EM_RISCV : 8;
		mem.src->elf_flags = riscv;
		mem.src->elf_osabi = 3;
		disk_format(DISK_MAX / PAGE);
		disk.check = true;
		assert_int_equal(dump(segments, 0), OK);
		check_file(true);
		assert_false(disk.early_mark);
		assert_int_equal(disk.finishes, 1);
		assert_memory_equal(disk.bytes, is64 ? "\177ELF\2" : "\177ELF\1", 5);
		assert_int_equal(disk.bytes[5], big ? 2 : 1);
		assert_int_equal(disk.bytes[7], 3);
		assert_int_equal(header.is64, is64);
		assert_int_equal(header.phoff, is64 ? 64 : 52);
		assert_int_equal(header.phentsize, is64 ? 56 : 32);
		assert_int_equal(get_u16(disk.bytes + (is64 ? 52 : 40), big), is64 ? 64 : 52);
		assert_int_equal(header.shoff | header.shnum | header.shentsize, 0);
		assert_int_equal(header.flags, riscv);
		assert_int_equal(note.filesz, 8);
		assert_memory_equal(disk.bytes + note.offset, "12345678", 8);
		assert_int_equal(n_loads, 4);
		assert_int_equal(loads[0].vaddr, 0xc0001234);
		assert_int_equal(loads[0].flags, 5);
		assert_int_equal(loads[1].memsz, 0);
		/* not an address, so it does not go up */
		assert_int_equal(loads[3].vaddr, VADDR_NONE);
		assert_int_equal(loads[3].paddr, 400 * PAGE);
		assert_int_equal(loads[2].filesz, (100 - 16) * PAGE);
		assert_int_equal(loads[2].memsz, (400 - 16) * PAGE);
		fake_memory_close(&mem);
	}
}

static void addresses_that_a_32_bit_kernel_cannot_have_are_none(void **state)
{
	/* the kernel's view of a segment ends with its addresses; QEMU repeats the physical ones */
	const struct mem_segment segments[] = { { 0x10000, 0xfffe0000, 0x300000, 0x300000, 7 },
						{ 0x10000, 0x10000, 0x300000, 0x300000, 7 },
						END };

	(void)state;
	for (unsigned i = 0; i < 4; i++) {
		fill(1024);
		zero(100, 400);
		mem.src->is64 = i & 1;
		mem.src->machine = 3;
		long_bytes = i & 2 ? 8 : 4;
		disk_format(DISK_MAX / PAGE);
		assert_int_equal(dump(segments, 0), OK);
		check_file(true);
		assert_int_equal(n_loads, 4);
		assert_int_equal(loads[0].vaddr, 0xfffe0000);
		if (long_bytes == 4)
			assert_int_equal(loads[1].vaddr, VADDR_NONE);
		else if (i & 1)
			assert_int_equal(loads[1].vaddr, UINT64_C(0xfffe0000) + 384 * PAGE);
		assert_int_equal(loads[3].vaddr, 400 * PAGE);
		fake_memory_close(&mem);
	}
	long_bytes = 8;
}

static void so_many_headers_that_section_0_has_their_number(void **state)
{
	static struct mem_segment segments[70001];

	(void)state;
	for (unsigned i = 0; i < 4; i++) {
		fill(16);
		for (size_t s = 0; s < 70000; s++)
			segments[s] = (struct mem_segment){ .paddr = s % 4 * PAGE, .memsz = s % 1000 ? 0 : 16 };
		segments[70000].paddr = PADDR_NONE;
		mem.src->is64 = i & 1;
		mem.src->big_endian = i & 2;
		disk_format(DISK_MAX / PAGE);
		assert_int_equal(dump(segments, 0), OK);
		check_file(true);
		assert_int_equal(header.phnum, ELF_PN_XNUM);
		assert_int_equal(header.shnum, 1);
		assert_int_equal(header.shentsize, i & 1 ? 64 : 40);
		assert_int_equal(elf_shdr_info(disk.bytes + header.shoff, &header), 70001);
		fake_memory_close(&mem);
	}
}

static void pages_that_must_not_be_read_are_zeros_in_short_runs(void **state)
{
	const struct mem_segment segments[] = { { 0, 0, 0x100000, 0x100000, 7 }, END };

	(void)state;
	for (size_t piece = PAGE; piece <= 1 << 20; piece *= 4) {
		fill(256);
		for (pfn_t p = 10; p < 200; p += 3)
			mem.forbidden[p] = 1;
		zero(60, 62);
		zero(64, 65);
		disk_format(DISK_MAX / PAGE);
		assert_int_equal(dump(segments, piece), OK);
		check_file(true);
		assert_int_equal(n_loads, 1);
		assert_int_equal(loads[0].filesz, 0x100000);
		fake_memory_close(&mem);
	}
}

static void pages_that_cannot_be_read_are_in_no_segment(void **state)
{
	const struct mem_segment segments[] = { { 0, 0, 0x400000, 0x400000, 7 }, END };

	(void)state;
	fill(1024);
	mem.unreadable[0] = mem.unreadable[7] = mem.unreadable[8] = mem.unreadable[1023] = 1;
	zero(9, 300);
	disk_format(DISK_MAX / PAGE);
	disk.check = true;
	assert_int_equal(dump(segments, 0), E_INCOMPLETE);
	check_file(false);
	assert_int_equal(n_loads, 3);
	assert_int_equal(loads[1].paddr, 9 * PAGE);
	assert_int_equal(loads[1].filesz, 0);
	assert_int_equal(loads[2].filesz, (1023 - 300) * PAGE);
	fake_memory_close(&mem);
}

static void more_unreadable_pages_than_there_are_headers_lose_more_and_lie_about_nothing(void **state)
{
	const struct mem_segment segments[] = { { 0, 0, 0x400000, 0x400000, 7 }, END };
	uint64_t there = 0;

	(void)state;
	fill(1024);
	for (pfn_t p = 1; p < 600; p += 4)
		mem.unreadable[p] = 1;
	zero(600, 900);
	disk_format(DISK_MAX / PAGE);
	disk.check = true;
	assert_int_equal(dump(segments, 0), E_INCOMPLETE);
	check_file(false);
	for (size_t i = 0; i < n_loads; i++)
		there += loads[i].filesz / PAGE;
	/* what lies behind the next hole is there again */
	assert_int_equal(loads[n_loads - 1].paddr, 900 * PAGE);
	assert_int_equal(loads[n_loads - 1].filesz, 124 * PAGE);
	assert_true(there > 124 + 32 * 3);
	fake_memory_close(&mem);
}

static void full_disk_at_any_block_leaves_what_is_true(void **state)
{
	const struct mem_segment segments[] = { { 0x800, 0, 0x100000, 0x100000, 7 },
						{ 0x10000, 0, 0x1f0000, 0x1f0000, 7 },
						END };
	uint64_t before = 0;

	(void)state;
	fill(512);
	zero(100, 400);
	zero(410, 412);
	for (size_t blocks = 2;; blocks += blocks < 20 ? 1 : 37) {
		uint64_t there = 0;
		enum status st;

		disk_format(blocks);
		disk.check = true;
		st = dump(segments, blocks % 2 ? 0 : PAGE);
		check_file(!st);
		for (size_t i = 0; i < n_loads; i++)
			there += loads[i].filesz;
		assert_true(there >= before);
		/* all but the front, and a page that does not begin at a block */
		assert_true(there + 4 * PAGE >= min_u64(blocks * PAGE, there + 4 * PAGE));
		assert_true(st || there + 3 * PAGE >= disk.len);
		assert_true(!st || there + 5 * PAGE >= blocks * PAGE);
		before = there;
		if (!st)
			break;
		assert_int_equal(st, E_NOSPACE);
	}
	fake_memory_close(&mem);
}

static void mark_is_set_again_when_nobody_knows_whether_it_was_cleared(void **state)
{
	const struct mem_segment segments[] = { { 0, 0, 0x10000, 0x10000, 7 }, END };

	(void)state;
	for (unsigned i = 0; i < 4; i++) {
		fill(16);
		mem.src->machine = i & 1 ? ELF_EM_RISCV : 62;
		disk_format(DISK_MAX / PAGE);
		disk.fail_sync = i < 2 ? 1 : 2;
		assert_int_equal(dump(segments, 0), E_IO);
		check_file(false);
		assert_int_equal(disk.amends, i < 2 ? 0 : 1);
		fake_memory_close(&mem);
	}
}

static void mark_of_the_input_stays(void **state)
{
	const struct mem_segment segments[] = { { 0, 0, 0x10000, 0x10000, 7 }, END };

	(void)state;
	fill(16);
	mem.src->incomplete = true;
	disk_format(DISK_MAX / PAGE);
	assert_int_equal(dump(segments, 0), E_INCOMPLETE);
	check_file(false);
	fake_memory_close(&mem);
}

/* Pages of zeros and forbidden ones in every mixture: the room that was counted is enough, whatever is zero. */
static void counted_room_is_enough_for_any_pages_of_zeros(void **state)
{
	const struct mem_segment segments[] = { { 0x800, 0, 0xfff800, 0xfff800, 7 }, END };
	uint32_t seed = 1;

	(void)state;
	for (unsigned round = 0; round < 12; round++) {
		bool zeros = round % 3;

		fill(4096);
		for (pfn_t at = 0; at < 4096;) {
			seed = seed * 1103515245 + 12345;
			unsigned n = seed >> 16, kind = n % 3;
			pfn_t end = min_u64(4096, at + (n % 5 ? 250 + n % 11 : 1 + n % 7));

			if (kind == 1 && zeros)
				zero(at, end);
			else if (kind == 2 || (kind == 1 && !zeros))
				memset(mem.forbidden + at, 1, end - at);
			at = end;
		}
		/* read as a head, whatever it is */
		mem.forbidden[0] = 0;
		disk_format(DISK_MAX / PAGE);
		assert_int_equal(dump(segments, 0), OK);
		check_file(true);
		assert_true(n_loads <= room.headers);
		if (!zeros) {
			room.find_zero = false;
			room.headers = 0;
			assert_int_equal(write_segment(NULL, &room, &segments[0]), OK);
			assert_int_equal(n_loads, room.headers);
		}
		fake_memory_close(&mem);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_class_and_byte_order_is_written_with_right_headers),
		cmocka_unit_test(addresses_that_a_32_bit_kernel_cannot_have_are_none),
		cmocka_unit_test(so_many_headers_that_section_0_has_their_number),
		cmocka_unit_test(pages_that_must_not_be_read_are_zeros_in_short_runs),
		cmocka_unit_test(pages_that_cannot_be_read_are_in_no_segment),
		cmocka_unit_test(more_unreadable_pages_than_there_are_headers_lose_more_and_lie_about_nothing),
		cmocka_unit_test(full_disk_at_any_block_leaves_what_is_true),
		cmocka_unit_test(mark_is_set_again_when_nobody_knows_whether_it_was_cleared),
		cmocka_unit_test(mark_of_the_input_stays),
		cmocka_unit_test(counted_room_is_enough_for_any_pages_of_zeros),
	};
	int failed;

	message_set_level(0);
	failed = cmocka_run_group_tests_name("elf_writer", tests, NULL, NULL);

	free(disk.bytes);
	return failed;
}
