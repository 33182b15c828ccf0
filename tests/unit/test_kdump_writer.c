/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Writing kdump-compressed dumps to a sink that fails in every way a disk can: whatever happens, the file says that it
 * is incomplete, and what its descriptors promise is there.
 */
#include "world.h"

#include <zlib.h>

#include "base/bitmap.h"
#include "format/kdump_header.h"
#include "output/kdump_writer.h"
#include "output/page_packer.h"

static struct err e;
static struct fake_memory mem;
static unsigned threads; /* nothing may depend on them */
static unsigned stride = 1; /* of all points where something fails */

/* --- a disk -------------------------------------------------------------------------------------------------------- */

#define BLOCK 4096
#define DISK_MAX ((size_t)2560 << 10)

struct disk {
	struct sink base;
	uint8_t bytes[DISK_MAX];
	uint8_t taken[DISK_MAX / BLOCK]; /* blocks that have room */
	uint8_t written[DISK_MAX];	 /* bytes that somebody wrote */
	size_t len, blocks_left;
	unsigned writes, syncs, finishes, amends, closes;
	unsigned fail_write, fail_sync, fail_finish; /* the n-th call fails; 0: none */
	bool fail_amend, stays_broken, cannot_read;
	bool dirty;	   /* written since the last sync */
	bool dead;	   /* nothing more is taken */
	bool clean_mark;   /* the last header that was written says "complete" */
	bool early_mark;   /* it said so while something was not synced */
	void (*check)(const struct disk *d);
};

static struct disk *of(struct sink *s)
{
	return (struct disk *)s;
}

/* Writes block by block; what finds no room ends the write, after what came before. */
static enum status disk_write_at(struct sink *s, uint64_t pos, const void *buf, size_t len, size_t *written, struct err *err)
{
	struct disk *d = of(s);
	const uint8_t *from = buf;
	size_t room = len;
	bool fails = d->dead || ++d->writes == d->fail_write;

	*written = 0;
	assert_true(pos + len <= DISK_MAX);
	if (d->check && d->writes >= d->fail_write)
		d->check(d);
	if (pos == 0 && len > 424) {
		d->clean_mark = !(get_u32(from + 424, false) & KDUMP_INCOMPLETE);
		d->early_mark |= d->clean_mark && d->dirty;
	}
	if (fails) {
		/* file systems take whole blocks or nothing of them */
		d->dead |= d->stays_broken;
		room = (pos + len / 2) / BLOCK * BLOCK > pos ? (pos + len / 2) / BLOCK * BLOCK - pos : 0;
		room = d->dead ? 0 : room;
	}
	for (size_t i = 0; i < room; i++) {
		/* whoever is killed stops between two blocks */
		if (d->check && i && !((pos + i) % BLOCK) && d->writes >= d->fail_write)
			d->check(d);
		if (!d->taken[(pos + i) / BLOCK]) {
			if (!d->blocks_left) {
				room = i;
				fails = true;
				break;
			}
			d->blocks_left--;
			d->taken[(pos + i) / BLOCK] = 1;
		}
		d->bytes[pos + i] = from[i];
		d->written[pos + i] = 1;
	}
	d->dirty = true;
	*written = room;
	if (pos + room > d->len)
		d->len = pos + room;
	return fails ? err_set(err, E_NOSPACE, "no room") : OK;
}

static enum status disk_read_at(struct sink *s, uint64_t pos, void *buf, size_t len, struct err *err)
{
	(void)err;
	memcpy(buf, of(s)->bytes + pos, len);
	return OK;
}

static enum status disk_set_length(struct sink *s, uint64_t len, struct err *err)
{
	struct disk *d = of(s);

	assert_true(len <= DISK_MAX);
	if (d->dead)
		return err_set(err, E_IO, "broken");
	if (len < d->len) {
		memset(d->bytes + len, 0, d->len - len);
		memset(d->written + len, 0, d->len - len);
	}
	for (size_t b = (len + BLOCK - 1) / BLOCK; b < DISK_MAX / BLOCK; b++) {
		d->blocks_left += d->taken[b];
		d->taken[b] = 0;
	}
	d->len = len;
	return OK;
}

static enum status disk_sync(struct sink *s, struct err *err)
{
	struct disk *d = of(s);

	if (++d->syncs == d->fail_sync || d->dead)
		return err_set(err, E_IO, "sync fails");
	d->dirty = false;
	return OK;
}

static enum status disk_finish(struct sink *s, struct err *err)
{
	struct disk *d = of(s);

	return ++d->finishes == d->fail_finish ? err_set(err, E_NOSPACE, "close fails") : OK;
}

static enum status disk_amend(struct sink *s, uint64_t pos, const void *buf, size_t len, struct err *err)
{
	struct disk *d = of(s);

	d->amends++;
	if (d->fail_amend)
		return err_set(err, E_IO, "amend fails");
	assert_true(pos + len <= DISK_MAX);
	memcpy(d->bytes + pos, buf, len);
	return OK;
}

static void disk_close(struct sink *s)
{
	of(s)->closes++;
}

static enum status disk_restart(struct sink *s, struct err *err)
{
	(void)s;
	return err_set(err, E_UNSUPPORTED, "nothing is begun anew here");
}

static const struct sink_ops disk_ops = { disk_write_at, disk_read_at, disk_set_length, disk_sync,
					  disk_finish,	 disk_amend,   disk_restart,	disk_close };
static const struct sink_ops write_only_ops = { disk_write_at, NULL,	   disk_set_length, disk_sync,
						disk_finish,   disk_amend, disk_restart,    disk_close };

static struct disk disk;

static void new_disk(void)
{
	memset(&disk, 0, sizeof(disk));
	disk.base = (struct sink){ .ops = &disk_ops, .name = "disk", .holes_are_zero = true };
	disk.blocks_left = DISK_MAX / BLOCK;
}

/* --- a machine ----------------------------------------------------------------------------------------------------- */

#define PAGES 600
#define BITMAP_LEN 4096

static const char notes[] = "notes of the invented machine";
static uint8_t bitmap[BITMAP_LEN];
static size_t n_pages;

/* Every fifth page is zero, others differ; some do not get smaller; 100 to 119 are no memory. */
static int open_memory(void **state)
{
	(void)state;
	fake_memory_open(&mem, PAGES);
	fake_memory_runs(&mem, (struct pfn_run[]){ { 0, 100, RUN_DATA }, { 120, PAGES, RUN_DATA } }, 2);
	for (pfn_t pfn = 0; pfn < PAGES; pfn++) {
		uint64_t seed = pfn;

		if (pfn % 5 == 0)
			continue;
		for (size_t i = 0; i < 4096; i++)
			mem.bytes[pfn * 4096 + i] = pfn % 7 ? (uint8_t)(pfn + i / 64) : (uint8_t)random_next(&seed);
	}
	mem.notes = notes;
	mem.src->notes_len = sizeof(notes);
	mem.src->vmcoreinfo_at = 9;
	mem.src->vmcoreinfo_len = 8;
	mem.src->nr_cpus = 3;
	memset(bitmap, 0, sizeof(bitmap));
	bitmap_set_range(bitmap, 0, 100);
	bitmap_set_range(bitmap, 120, PAGES);
	n_pages = PAGES - 20;
	return 0;
}

static int close_memory(void **state)
{
	(void)state;
	fake_memory_close(&mem);
	return 0;
}

struct how {
	uint32_t codec;
	unsigned level;
	size_t data_buffer;
	size_t lost_first, lost_n; /* told to be lost, not tried */
};

static const struct how plain = { .data_buffer = 16384 };
static const struct how zeros = { .data_buffer = 16384, .level = 1 };
static const struct how packed = { .data_buffer = 16384, .level = 1, .codec = KDUMP_ZLIB };

static struct writer_counts counts;
static bool salvaged;

/* The steps of a dump in their order; after a failure before the end, what can be saved is saved. */
static enum status dump(const struct how *how)
{
	struct dump_about about = {
		.target = { false, 8, 12, 4096 },
		.timestamp = 1727186336,
		.threads = threads,
		.phys_base = 0x1000000,
		.max_mapnr = PAGES,
		.dump_level = how->level,
		.codec = how->codec ? codec_by_flag(how->codec) : NULL,
		.data_buffer = how->data_buffer,
	};
	AUTO(kdump_writer) *w = NULL;
	enum status st;
	size_t from = 0, first, end;

	salvaged = false;
	memcpy(about.utsname, "Linux", 6);
	st = kdump_writer_open(&w, &disk.base, mem.src, &about, &e);
	if (st)
		return st;
	st = kdump_writer_put_bitmap(w, 1, 0, bitmap, (PAGES + 7) / 8, &e);
	if (!st)
		st = kdump_writer_put_bitmap(w, 2, 0, bitmap, (PAGES + 7) / 8, &e);
	if (!st)
		st = kdump_writer_begin_pages(w, n_pages, &e);
	for (; !st && bitmap_next_run(bitmap, from, PAGES, &first, &end); from = end) {
		if (how->lost_n && how->lost_first >= first && how->lost_first < end) {
			st = kdump_writer_add(w, first, how->lost_first, &e);
			if (!st)
				st = kdump_writer_add_lost(w, how->lost_first, how->lost_first + how->lost_n, &e);
			first = how->lost_first + how->lost_n;
		}
		if (!st)
			st = kdump_writer_add(w, first, end, &e);
	}
	salvaged = st;
	if (st)
		kdump_writer_salvage(w);
	else
		st = kdump_writer_finish(w, &e);
	counts = *kdump_writer_counts(w);
	return st;
}

/* --- what is on the disk ---------------------------------------------------------------------------------------------- */

#define BITMAP_1 8192
#define BITMAP_2 (BITMAP_1 + BITMAP_LEN)
#define DESCS (BITMAP_2 + BITMAP_LEN)

static bool marked_incomplete(const struct disk *d)
{
	return get_u32(d->bytes + 424, false) & KDUMP_INCOMPLETE;
}

/*
 * Looks at every descriptor: one that is not all zero promises data that was written in full and is the page.  Of the
 * one in 512 whose offset and size are in two blocks the size may be impossible, which readers refuse.
 * Returns how many pages can be read.
 */
static size_t readable_pages(const struct disk *d)
{
	size_t readable = 0, rank = 0;

	for (pfn_t pfn = 0; pfn < PAGES; pfn++) {
		const uint8_t *desc = d->bytes + DESCS + rank * 24;
		uint64_t offset = get_u64(desc, false);
		uint32_t size = get_u32(desc + 8, false), flags = get_u32(desc + 12, false);
		static const uint8_t nothing[24];
		uint8_t page[4096];
		uLongf len = 4096;

		if (!bitmap_test(bitmap, pfn))
			continue;
		rank++;
		if (!memcmp(desc, nothing, 24) || (size == UINT32_MAX && !flags && rank % 512 == 342))
			continue;
		if (!offset || !size || size > 4096 || offset + size > d->len || offset < DESCS + n_pages * 24)
			fail_msg("page %" PRIu64 ": descriptor %#" PRIx64 "+%u, the file has %#zx", pfn, offset, size, d->len);
		for (size_t i = 0; i < size; i++)
			if (!d->written[offset + i])
				fail_msg("page %" PRIu64 ": byte %zu of its data was never written", pfn, i);
		if (flags == KDUMP_ZLIB) {
			assert_int_equal(uncompress(page, &len, d->bytes + offset, size), Z_OK);
			assert_int_equal(len, 4096);
			assert_true(size < 4096);
		} else {
			assert_int_equal(flags, 0);
			assert_int_equal(size, 4096);
			memcpy(page, d->bytes + offset, 4096);
		}
		if (memcmp(page, mem.bytes + pfn * 4096, 4096))
			fail_msg("page %" PRIu64 " is another one", pfn);
		readable++;
	}
	return readable;
}

/* While a dump is written: at any moment the machine may go down. */
static void check_in_between(const struct disk *d)
{
	if (d->len < 428)
		return;
	if (!d->clean_mark)
		assert_true(marked_incomplete(d));
	readable_pages(d);
}

/* --- dumps that succeed ------------------------------------------------------------------------------------------------- */

TEST(dump_has_all_its_parts_in_their_places)
{
	static const struct how *const ways[] = { &plain, &zeros, &packed };

	for (size_t i = 0; i < ARRAY_SIZE(ways); i++) {
		const uint8_t *d = disk.bytes;

		new_disk();
		disk.check = check_in_between;
		assert_ok(dump(ways[i]));
		assert_memory_equal(d, "KDUMP   ", 8);
		assert_int_equal(get_u32(d + 8, false), 6);
		assert_string_equal((const char *)d + 12, "Linux");
		assert_int_equal(get_u64(d + 408, false), 1727186336);
		assert_int_equal(get_u32(d + 424, false), ways[i]->codec);
		assert_int_equal(get_u32(d + 428, false), 4096);
		assert_int_equal(get_u32(d + 432, false), 1);
		assert_int_equal(get_u32(d + 436, false), 2);
		assert_int_equal(get_u32(d + 440, false), PAGES);
		assert_int_equal(get_u32(d + 460, false), 3);
		assert_int_equal(get_u64(d + 4096, false), 0x1000000);
		assert_int_equal(get_u32(d + 4096 + 8, false), ways[i]->level);
		assert_int_equal(get_u64(d + 4096 + 32, false), 4096 + 104 + 9);
		assert_int_equal(get_u64(d + 4096 + 40, false), 8);
		assert_int_equal(get_u64(d + 4096 + 48, false), 4096 + 104);
		assert_int_equal(get_u64(d + 4096 + 56, false), sizeof(notes));
		assert_int_equal(get_u64(d + 4096 + 96, false), PAGES);
		assert_memory_equal(d + 4096 + 104, notes, sizeof(notes));
		assert_memory_equal(d + BITMAP_1, bitmap, BITMAP_LEN);
		assert_memory_equal(d + BITMAP_2, bitmap, BITMAP_LEN);
		assert_int_equal(readable_pages(&disk), n_pages);
		assert_int_equal(counts.pages, n_pages);
		assert_int_equal(counts.lost_pages, 0);
		assert_int_equal(disk.finishes, 1);
		assert_int_equal(disk.amends, 0);
	}
}

TEST(pages_of_zeros_share_one_page_at_the_start_of_the_data)
{
	static const struct how *const ways[] = { &zeros, &packed };
	uint64_t data = DESCS + n_pages * 24;

	for (size_t i = 0; i < ARRAY_SIZE(ways); i++) {
		size_t rank = 0;

		new_disk();
		assert_ok(dump(ways[i]));
		for (pfn_t pfn = 0; pfn < PAGES; pfn++) {
			const uint8_t *desc = disk.bytes + DESCS + rank * 24;

			if (!bitmap_test(bitmap, pfn))
				continue;
			rank++;
			if (pfn % 5 == 0) {
				assert_int_equal(get_u64(desc, false), data);
				assert_int_equal(get_u32(desc + 8, false), 4096);
				assert_int_equal(get_u32(desc + 12, false), 0);
			} else {
				assert_true(get_u64(desc, false) >= data + 4096);
			}
		}
		assert_int_equal(counts.zero_pages, n_pages - (80 + 384));
	}
}

TEST(page_of_zeros_is_there_even_if_no_page_needs_it)
{
	uint64_t data = DESCS + n_pages * 24;

	memset(mem.bytes, 0x77, PAGES * 4096);
	new_disk();
	assert_ok(dump(&zeros));
	assert_int_equal(counts.zero_pages, 0);
	for (size_t i = 0; i < 4096; i++)
		assert_true(disk.written[data + i] && !disk.bytes[data + i]);
	assert_int_equal(disk.len, data + 4096 + n_pages * 4096);
}

TEST(without_the_level_pages_of_zeros_are_pages_like_others)
{
	new_disk();
	assert_ok(dump(&plain));
	assert_int_equal(counts.zero_pages, 0);
	assert_int_equal(disk.len, DESCS + n_pages * 24 + n_pages * 4096);
	/* data follows without a gap, in rising order */
	for (size_t rank = 0; rank < n_pages; rank++)
		assert_int_equal(get_u64(disk.bytes + DESCS + rank * 24, false), DESCS + n_pages * 24 + rank * 4096);
}

TEST(page_that_does_not_get_smaller_is_raw)
{
	size_t raw = 0, rank = 0;

	new_disk();
	assert_ok(dump(&packed));
	for (pfn_t pfn = 0; pfn < PAGES; pfn++) {
		const uint8_t *desc = disk.bytes + DESCS + rank * 24;

		if (!bitmap_test(bitmap, pfn))
			continue;
		rank++;
		if (pfn % 7 || pfn % 5 == 0)
			continue;
		raw++;
		assert_int_equal(get_u32(desc + 12, false), 0);
		assert_int_equal(get_u32(desc + 8, false), 4096);
	}
	assert_true(raw > 50);
}

TEST(size_of_the_buffer_does_not_change_the_dump)
{
	static struct disk first;
	static const size_t sizes[] = { 0, 1, 4096, 8192, 12288, 65536, (size_t)4096 << 20 };

	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		struct how how = packed;

		new_disk();
		how.data_buffer = sizes[i];
		assert_ok(dump(&how));
		if (!i)
			first = disk;
		assert_int_equal(disk.len, first.len);
		assert_memory_equal(disk.bytes, first.bytes, DISK_MAX);
	}
}

TEST(device_that_is_not_empty_is_overwritten_where_a_file_would_have_holes)
{
	static struct disk first;

	new_disk();
	assert_ok(dump(&packed));
	first = disk;
	new_disk();
	disk.base.holes_are_zero = false;
	memset(disk.bytes, 0xdd, DISK_MAX);
	assert_ok(dump(&packed));
	assert_memory_equal(disk.bytes, first.bytes, first.len);
}

/* As readers do: without a header there are no pages. */
static void check_behind_old_dump(const struct disk *d)
{
	if (d->writes == 1 || memcmp(d->bytes, "KDUMP   ", 8))
		return;
	if (!d->clean_mark)
		assert_true(marked_incomplete(d));
	readable_pages(d);
}

TEST(device_with_an_old_dump_never_claims_its_pages)
{
	static uint8_t old[DISK_MAX];

	new_disk();
	assert_ok(dump(&plain));
	memcpy(old, disk.bytes, DISK_MAX);
	for (unsigned i = 0; i < 2; i++) {
		new_disk();
		disk.base.holes_are_zero = false;
		disk.len = DISK_MAX;
		memcpy(disk.bytes, old, DISK_MAX);
		disk.check = check_behind_old_dump;
		assert_ok(dump(i ? &packed : &plain));
		assert_int_equal(readable_pages(&disk), n_pages);
	}
}

TEST(mark_is_cleared_only_after_all_the_rest_is_safe)
{
	new_disk();
	assert_ok(dump(&packed));
	assert_true(disk.clean_mark);
	assert_false(disk.early_mark);
	/* and made safe itself */
	assert_false(disk.dirty);
	assert_false(marked_incomplete(&disk));
	assert_true(disk.syncs >= 2);
}

TEST(bitmap_is_read_back_where_the_sink_can)
{
	struct dump_about about = { .target = { false, 8, 12, 4096 }, .max_mapnr = PAGES, .threads = threads };
	uint8_t back[75];

	for (unsigned i = 0; i < 2; i++) {
		AUTO(kdump_writer) *w = NULL;

		new_disk();
		if (i)
			disk.base.ops = &write_only_ops;
		assert_ok(kdump_writer_open(&w, &disk.base, mem.src, &about, &e));
		assert_int_equal(kdump_writer_can_read(w), !i);
		assert_ok(kdump_writer_put_bitmap(w, 2, 0, bitmap, 75, &e));
		if (i)
			continue;
		assert_ok(kdump_writer_get_bitmap2(w, 8, back, 74, &e));
		assert_memory_equal(back, bitmap + 1, 74);
	}
}

TEST(bitmaps_come_in_pieces_and_zero_pieces_are_holes)
{
	struct dump_about about = { .target = { false, 8, 12, 4096 }, .max_mapnr = 8 * 40960 };
	static uint8_t big[40960];
	AUTO(kdump_writer) *w = NULL;

	memset(big, 0, sizeof(big));
	memset(big + 8192, 0xff, 4096);
	big[5 * 4096 + 4095] = 1;
	new_disk();
	assert_ok(kdump_writer_open(&w, &disk.base, mem.src, &about, &e));
	for (size_t at = 0; at < sizeof(big); at += 12288)
		assert_ok(kdump_writer_put_bitmap(w, 1, at * 8, big + at, min_u64(12288, sizeof(big) - at), &e));
	assert_memory_equal(disk.bytes + 8192, big, sizeof(big));
	assert_false(disk.taken[2]);
	assert_true(disk.taken[4]);
	assert_false(disk.taken[5]);
	assert_true(disk.taken[7]);
}

/* --- pages that cannot be read ------------------------------------------------------------------------------------------- */

TEST(lost_pages_have_empty_descriptors_and_leave_the_dump_incomplete)
{
	static const struct how *const ways[] = { &plain, &zeros, &packed };
	static const pfn_t bad[] = { 3, 99, 120, 300, 301, 599 };

	for (size_t i = 0; i < ARRAY_SIZE(ways); i++) {
		new_disk();
		disk.check = check_in_between;
		for (size_t k = 0; k < ARRAY_SIZE(bad); k++)
			mem.unreadable[bad[k]] = 1;
		assert_int_equal(dump(ways[i]), E_INCOMPLETE);
		assert_true(marked_incomplete(&disk));
		assert_false(disk.clean_mark);
		assert_int_equal(readable_pages(&disk), n_pages - ARRAY_SIZE(bad));
		assert_int_equal(counts.lost_pages, ARRAY_SIZE(bad));
		for (size_t k = 0; k < 4; k++)
			assert_int_equal(counts.lost_first[k], bad[k]);
		assert_contains(counts.lost_why, "0x3000");
		assert_int_equal(counts.pages, n_pages);
		assert_int_equal(disk.finishes, 1);
		assert_false(disk.dirty);
	}
}

TEST(pages_known_to_be_lost_are_not_tried)
{
	struct how how = packed;

	new_disk();
	disk.check = check_in_between;
	how.lost_first = 200;
	how.lost_n = 150;
	memset(mem.forbidden + 200, 1, 150);
	assert_int_equal(dump(&how), E_INCOMPLETE);
	assert_int_equal(counts.lost_pages, 150);
	assert_int_equal(counts.lost_first[0], 200);
	assert_int_equal(counts.lost_first[3], 203);
	assert_int_equal(counts.pages, n_pages);
	assert_int_equal(readable_pages(&disk), n_pages - 150);
	assert_true(marked_incomplete(&disk));
}

/* --- disks that fail ------------------------------------------------------------------------------------------------------- */

/* What must hold of any file that a failed dump left behind. */
static size_t check_remains(void)
{
	if (disk.len >= 428 && disk.written[424])
		assert_true(marked_incomplete(&disk));
	return readable_pages(&disk);
}

TEST(any_write_may_fail_once_or_for_good)
{
	static const struct how *const ways[] = { &plain, &zeros, &packed };
	unsigned failed = 0;

	for (size_t i = 0; i < ARRAY_SIZE(ways); i++) {
		for (unsigned broken = 0; broken < 2; broken++) {
			for (unsigned n = 1;; n += stride) {
				enum status st;

				new_disk();
				disk.check = check_in_between;
				disk.fail_write = n;
				disk.stays_broken = broken;
				st = dump(ways[i]);
				if (disk.writes < n)
					break;
				failed++;
				assert_int_equal(st, E_NOSPACE);
				assert_contains(e.text, "no room");
				assert_contains(e.text, "disk");
				/* a disk that takes nothing any more cannot be told that a dump is incomplete */
				check_remains();
			}
		}
	}
	assert_true(failed > 100 / stride);
}

TEST(full_disk_leaves_whole_pages_whatever_its_size)
{
	static const struct how *const ways[] = { &plain, &zeros, &packed };

	for (size_t i = 0; i < ARRAY_SIZE(ways); i++) {
		size_t last = 0;

		for (size_t blocks = 0;; blocks += (blocks < 50 ? 1 : 5) * stride) {
			size_t readable;

			new_disk();
			disk.blocks_left = blocks;
			if (dump(ways[i]) == OK)
				break;
			readable = check_remains();
			/* those that fail at the very end have a test of their own */
			if (!salvaged)
				continue;
			if (readable + 20 < last)
				fail_msg("%zu blocks hold %zu pages, fewer than before: %zu", blocks, readable, last);
			last = readable;
			/* raw: headers, bitmaps and descriptors take 8 blocks, the last pages are cut */
			if (ways[i] == &plain && blocks > 16)
				assert_in_range(readable, blocks - 16, blocks);
		}
		assert_int_equal(readable_pages(&disk), n_pages);
	}
}

/* Small dumps are in memory to the last: that is where their disk turns out to be full. */
TEST(disk_that_is_full_at_the_very_end_leaves_the_pages_that_were_written)
{
	struct how how = plain;

	new_disk();
	how.data_buffer = (size_t)4 << 20; /* more than all pages */
	disk.blocks_left = 200;
	assert_int_equal(dump(&how), E_NOSPACE);
	assert_false(salvaged);
	assert_in_range(check_remains(), 180, 200);
}

TEST(sync_that_fails_leaves_the_mark)
{
	for (unsigned n = 1; n <= 2; n++) {
		new_disk();
		disk.fail_sync = n;
		assert_int_equal(dump(&packed), E_IO);
		assert_contains(e.text, "sync fails");
		assert_true(marked_incomplete(&disk));
		/* before the mark was touched there is nothing to amend */
		assert_int_equal(disk.amends, n - 1);
	}
}

TEST(close_that_fails_puts_the_mark_back)
{
	new_disk();
	disk.fail_finish = 1;
	assert_int_equal(dump(&packed), E_NOSPACE);
	assert_contains(e.text, "close fails");
	assert_int_equal(disk.amends, 1);
	assert_true(marked_incomplete(&disk));
	assert_int_equal(get_u32(disk.bytes + 424, false), KDUMP_INCOMPLETE | KDUMP_ZLIB);
	assert_int_equal(readable_pages(&disk), n_pages);
}

TEST(mark_that_cannot_be_put_back_is_said)
{
	new_disk();
	disk.fail_finish = 1;
	disk.fail_amend = true;
	assert_int_equal(dump(&packed), E_NOSPACE);
	assert_contains(e.text, "close fails");
	assert_contains(e.text, "amend fails");
}

TEST(clearing_of_the_mark_that_fails_puts_it_back)
{
	unsigned writes;

	new_disk();
	assert_ok(dump(&packed));
	writes = disk.writes;
	new_disk();
	disk.fail_write = writes; /* the header for the second time */
	assert_int_equal(dump(&packed), E_NOSPACE);
	assert_int_equal(disk.amends, 1);
	assert_true(marked_incomplete(&disk));
}

TEST(close_that_fails_is_no_success_of_an_incomplete_dump_either)
{
	new_disk();
	mem.unreadable[7] = 1;
	disk.fail_finish = 1;
	assert_int_equal(dump(&packed), E_NOSPACE);
	assert_true(marked_incomplete(&disk));
}

/* --- real sinks ------------------------------------------------------------------------------------------------------------- */

TEST(sink_of_a_dry_run_counts_what_is_written)
{
	struct dump_about about = { .target = { false, 8, 12, 4096 }, .max_mapnr = PAGES, .threads = threads };
	struct sink *s = NULL;
	AUTO(kdump_writer) *w = NULL;

	assert_ok(sink_null_open(&s, "nowhere", &e));
	assert_ok(kdump_writer_open(&w, s, mem.src, &about, &e));
	assert_ok(kdump_writer_put_bitmap(w, 1, 0, bitmap, 75, &e));
	assert_ok(kdump_writer_put_bitmap(w, 2, 0, bitmap, 75, &e));
	assert_false(kdump_writer_can_read(w));
	assert_ok(kdump_writer_begin_pages(w, n_pages, &e));
	assert_ok(kdump_writer_add(w, 0, 100, &e));
	assert_ok(kdump_writer_add(w, 120, PAGES, &e));
	assert_ok(kdump_writer_finish(w, &e));
	/* the header counts twice */
	assert_int_equal(s->bytes_written, 2 * 464 + 104 + sizeof(notes) + 2 * 75 + n_pages * (24 + 4096));
	kdump_writer_close(w);
	w = NULL;
	sink_close(s);
}

#define WITH_MEMORY(test) cmocka_unit_test_setup_teardown(test, open_memory, close_memory)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_MEMORY(dump_has_all_its_parts_in_their_places),
		WITH_MEMORY(pages_of_zeros_share_one_page_at_the_start_of_the_data),
		WITH_MEMORY(page_of_zeros_is_there_even_if_no_page_needs_it),
		WITH_MEMORY(without_the_level_pages_of_zeros_are_pages_like_others),
		WITH_MEMORY(page_that_does_not_get_smaller_is_raw),
		WITH_MEMORY(size_of_the_buffer_does_not_change_the_dump),
		WITH_MEMORY(device_that_is_not_empty_is_overwritten_where_a_file_would_have_holes),
		WITH_MEMORY(device_with_an_old_dump_never_claims_its_pages),
		WITH_MEMORY(mark_is_cleared_only_after_all_the_rest_is_safe),
		WITH_MEMORY(bitmap_is_read_back_where_the_sink_can),
		WITH_MEMORY(bitmaps_come_in_pieces_and_zero_pieces_are_holes),
		WITH_MEMORY(lost_pages_have_empty_descriptors_and_leave_the_dump_incomplete),
		WITH_MEMORY(pages_known_to_be_lost_are_not_tried),
		WITH_MEMORY(any_write_may_fail_once_or_for_good),
		WITH_MEMORY(full_disk_leaves_whole_pages_whatever_its_size),
		WITH_MEMORY(disk_that_is_full_at_the_very_end_leaves_the_pages_that_were_written),
		WITH_MEMORY(sync_that_fails_leaves_the_mark),
		WITH_MEMORY(close_that_fails_puts_the_mark_back),
		WITH_MEMORY(mark_that_cannot_be_put_back_is_said),
		WITH_MEMORY(clearing_of_the_mark_that_fails_puts_it_back),
		WITH_MEMORY(close_that_fails_is_no_success_of_an_incomplete_dump_either),
		WITH_MEMORY(sink_of_a_dry_run_counts_what_is_written),
	};

	message_set_level(0);
	if (cmocka_run_group_tests_name("kdump_writer", tests, NULL, NULL))
		return 1;
	/* the same writes in the same order: some of them tell what the threads add */
	threads = 3;
	stride = 11;
	return cmocka_run_group_tests_name("kdump_writer with threads", tests, NULL, NULL);
}
