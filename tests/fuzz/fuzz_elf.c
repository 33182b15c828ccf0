/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Fuzzes the ELF source: any bytes as a core file; its runs, segments, notes and views have to keep their promises. */
#include <string.h>
#include <unistd.h>

#include "base/bytes.h"
#include "input/input_file.h"
#include "input/mem_source.h"
#include "tests/fuzz/fuzz.h"

#define RUNS_MAX 300
#define VIEW_MAX ((size_t)20 << 10)
#define PADDR_END (UINT64_C(1) << 52)

struct both {
	struct mem_reader *mapped, *by_read, *small;
};

static volatile uint8_t seen;

/* One view by each way to read: as long as promised, never longer than asked, the same bytes. */
static void look(const struct both *b, paddr_t at, size_t len)
{
	size_t to_page_end = PAGE_SIZE_MIN - (at & (PAGE_SIZE_MIN - 1)), must = len < to_page_end ? len : to_page_end;
	struct mem_reader *readers[] = { b->mapped, b->by_read, b->small };
	uint8_t first[PAGE_SIZE_MIN], copy[PAGE_SIZE_MIN];
	bool readable = false;

	for (size_t i = 0; i < ARRAY_SIZE(readers); i++) {
		struct span s = { NULL, 0 };
		struct err e = { OK, 0, "" };
		enum status st = mem_view(readers[i], at, len, &s, &e);

		REQUIRE(i == 0 || readable == !st);
		readable = !st;
		if (st) {
			REQUIRE(st == e.status && e.text[0]);
			continue;
		}
		REQUIRE(s.len >= must && s.len <= len);
		REQUIRE(i == 0 || !memcmp(first, s.data, must));
		memcpy(first, s.data, must);
		/* what is lent can be read, up to its last byte */
		for (size_t j = 0; j < s.len; j += 61)
			seen = (uint8_t)(seen + s.data[j]);
		seen = (uint8_t)(seen + s.data[s.len - 1]);
	}
	if (readable) {
		struct err e;

		REQUIRE(!mem_read(b->mapped, at, copy, must, &e));
		REQUIRE(!memcmp(first, copy, must));
	}
}

#define GAPS_MOST (UINT64_C(1) << 30)

static void walk_runs(const struct mem_source *src, const struct both *b, unsigned shift, size_t input_size)
{
	struct pfn_run run, last = { 0, 0, RUN_DATA }, again;
	pfn_t from = 0;
	uint64_t data_pages = 0, size = src->file->size, most = 5 * (size / PAGE_SIZE_MIN + 1) + input_size / 7;

	for (unsigned n = 0; n < RUNS_MAX && mem_source_next_run(src, from, shift, &run); n++) {
		uint64_t page = UINT64_C(1) << shift;
		pfn_t middle = run.start + (run.end - run.start) / 2;

		REQUIRE(run.start >= from && run.start < run.end);
		REQUIRE(run.end <= shift_up(PADDR_END, shift) && run.end <= shift_up(src->end, shift));
		REQUIRE(!n || run.start >= last.end);
		REQUIRE(mem_source_next_run(src, middle, shift, &again));
		REQUIRE(again.start == middle && again.end >= run.end && again.kind == run.kind);
		if (run.kind == RUN_DATA || run.kind == RUN_LATE)
			data_pages += run.end - run.start;
		look(b, run.start << shift, VIEW_MAX);
		look(b, middle << shift, (size_t)page);
		look(b, ((run.end - 1) << shift) + page - 8, 16);
		look(b, (middle << shift) + 4090, 7000);
		last = run;
		from = run.end;
	}
	/*
	 * What counts as data is there, give or take overlaps that are allowed and pages that are only touched.  Of a
	 * flattened file gaps count as well, up to a limit.
	 */
	if (src->file->stored < size)
		most = min_u64(most, (GAPS_MOST + input_size * 1024) / PAGE_SIZE_MIN + input_size / 7);
	REQUIRE(data_pages <= most);
}

static void read_notes(const struct mem_source *src)
{
	uint8_t *buf = malloc(4096);
	struct err e;

	REQUIRE(buf);
	for (uint64_t pos = 0, n = 0; pos < src->notes_len && n < 64; pos += 4096, n++)
		if (mem_source_read_notes(src, pos, buf, (size_t)min_u64(4096, src->notes_len - pos), &e))
			REQUIRE(e.status && e.text[0]);
	REQUIRE(mem_source_read_notes(src, src->notes_len, buf, 1, &e) == E_UNREADABLE);
	free(buf);
	if (!src->vmcoreinfo_len)
		return;
	REQUIRE(src->vmcoreinfo_len <= src->notes_len && src->vmcoreinfo_at <= src->notes_len - src->vmcoreinfo_len);
	buf = malloc(src->vmcoreinfo_len);
	REQUIRE(buf);
	if (mem_source_read_notes(src, src->vmcoreinfo_at, buf, src->vmcoreinfo_len, &e))
		REQUIRE(e.text[0]);
	free(buf);
}

static void walk(const struct mem_source *src, const struct mem_source *unmapped, size_t input_size)
{
	static const unsigned shifts[] = { 12, 13, 16 };
	struct both b = { NULL, NULL, NULL };
	struct mem_segment seg;
	struct err e;
	size_t n = 0;

	src->file->mappable = true; /* as a file of procfs would be */
	REQUIRE(!mem_reader_open(&b.mapped, src, READER_BULK, &e));
	REQUIRE(!mem_reader_open(&b.by_read, unmapped, READER_BULK, &e));
	REQUIRE(!mem_reader_open(&b.small, src, READER_SMALL, &e));
	for (size_t i = 0; i < ARRAY_SIZE(shifts); i++)
		walk_runs(src, &b, shifts[i], input_size);
	for (; n < RUNS_MAX && mem_source_segment(src, n, &seg); n++)
		if (seg.paddr != PADDR_NONE) {
			look(&b, seg.paddr, 100);
			look(&b, seg.paddr - 1, 2);
			look(&b, seg.paddr + seg.filesz - 1, 4096);
			look(&b, seg.paddr + seg.memsz - 1, 2);
		}
	look(&b, 0, 1);
	look(&b, PADDR_END - 1, 4096);
	look(&b, UINT64_MAX - 4095, 4096);
	read_notes(src);
	mem_reader_close(b.small);
	mem_reader_close(b.by_read);
	mem_reader_close(b.mapped);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct mem_source *src = NULL, *unmapped = NULL;
	struct mem_source_options how = { .no_mmap = false }, plain = { .no_mmap = true };
	char path[FUZZ_PATH_LEN];
	struct err e = { OK, 0, "" };
	int fd = memory_file(data, size, path);
	const char *name = path;
	enum status st = mem_source_open(&src, &name, 1, &how, &e);

	if (st) {
		REQUIRE(e.status == st && e.text[0]);
	} else {
		REQUIRE(!mem_source_open(&unmapped, &name, 1, &plain, &e));
		walk(src, unmapped, size);
		mem_source_close(unmapped);
		mem_source_close(src);
	}
	close(fd);
	return 0;
}
