/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Fuzzes the kdump source: any bytes as one dump or as the parts of one; runs, bitmaps and views agree. */
#include <string.h>
#include <unistd.h>

#include "base/bitmap.h"
#include "base/bytes.h"
#include "input/input_file.h"
#include "input/mem_source.h"
#include "tests/fuzz/fuzz.h"

#define RUNS_MAX 200
#define WINDOW 4096

static volatile uint8_t seen;

static void look(struct mem_reader *const readers[2], const struct mem_source *src, pfn_t pfn, const struct pfn_run *run)
{
	size_t page = (size_t)1 << src->page_shift;
	uint8_t *copies[2] = { malloc(page), malloc(page) };
	enum status st[2];
	struct err e;

	REQUIRE(copies[0] && copies[1]);
	for (size_t i = 0; i < 2; i++) {
		struct span s = { NULL, 0 };

		e = (struct err){ OK, 0, "" };
		st[i] = mem_view(readers[i], pfn << src->page_shift, 3 * page, &s, &e);
		REQUIRE(st[i] == OK || (st[i] == E_UNREADABLE && e.status == st[i] && e.text[0]));
		if (st[i])
			continue;
		REQUIRE(s.len == page);
		for (size_t j = 0; j < s.len; j += 61)
			seen = (uint8_t)(seen + s.data[j]);
		memcpy(copies[i], s.data, page);
		REQUIRE(!mem_view(readers[i], (pfn << src->page_shift) + 4090, 6, &s, &e));
		REQUIRE(s.len == 6 && !memcmp(s.data, copies[i] + 4090, 6));
	}
	REQUIRE(st[0] == st[1] && (st[0] || !memcmp(copies[0], copies[1], page)));
	/* what is not there cannot be read */
	REQUIRE(run->kind == RUN_DATA || st[0]);
	free(copies[0]);
	free(copies[1]);
}

/* Runs of pages against the bitmaps of the first pages. */
static void check_bits(const struct mem_source *src)
{
	static uint8_t present[WINDOW / 8], held[WINDOW / 8], by_runs[WINDOW / 8], by_spans[WINDOW / 8];
	struct pfn_run run;

	mem_source_fill(src, PAGES_PRESENT, 0, WINDOW, src->page_shift, present);
	mem_source_fill(src, PAGES_HELD, 0, WINDOW, src->page_shift, held);
	memset(by_runs, 0, sizeof(by_runs));
	memset(by_spans, 0, sizeof(by_spans));
	for (pfn_t at = 0; mem_source_next_run(src, at, src->page_shift, &run) && run.start < WINDOW; at = run.end) {
		REQUIRE(run.start >= at && run.end > run.start && run.kind != RUN_LATE);
		if (run.kind != RUN_EMPTY)
			bitmap_set_range(by_runs, (size_t)run.start, (size_t)min_u64(run.end, WINDOW));
	}
	for (pfn_t at = 0; mem_source_next_present(src, at, src->page_shift, &run) && run.start < WINDOW; at = run.end)
		bitmap_set_range(by_spans, (size_t)run.start, (size_t)min_u64(run.end, WINDOW));
	REQUIRE(!memcmp(held, by_runs, sizeof(held)));
	REQUIRE(!memcmp(present, by_spans, sizeof(present)));
	for (size_t i = 0; i < sizeof(held); i++)
		REQUIRE(!(held[i] & ~present[i]));
}

static void walk(const struct mem_source *src, const struct mem_source *unmapped)
{
	struct mem_reader *readers[2];
	struct pfn_run run;
	struct err e;
	pfn_t at = 0;
	uint8_t buf[512];

	src->file->mappable = true; /* as a file of procfs would be */
	REQUIRE(!mem_reader_open(&readers[0], src, READER_BULK, &e));
	REQUIRE(!mem_reader_open(&readers[1], unmapped, READER_SMALL, &e));
	for (unsigned n = 0; n < RUNS_MAX && mem_source_next_run(src, at, src->page_shift, &run); n++, at = run.end) {
		REQUIRE(run.start >= at && run.start < run.end && run.end <= src->end >> src->page_shift);
		look(readers, src, run.start, &run);
		look(readers, src, run.end - 1, &run);
		look(readers, src, run.start, &run);
	}
	check_bits(src);
	for (uint64_t pos = 0, n = 0; pos < src->notes_len && n < 64; pos += sizeof(buf), n++)
		if (mem_source_read_notes(src, pos, buf, (size_t)min_u64(sizeof(buf), src->notes_len - pos), &e))
			REQUIRE(e.status && e.text[0]);
	for (uint64_t pos = 0, n = 0; pos < src->eraseinfo_len && n < 64; pos += sizeof(buf), n++)
		if (mem_source_read_eraseinfo(src, pos, buf, (size_t)min_u64(sizeof(buf), src->eraseinfo_len - pos), &e))
			REQUIRE(e.status && e.text[0]);
	REQUIRE(src->vmcoreinfo_len <= src->notes_len && src->vmcoreinfo_at <= src->notes_len - src->vmcoreinfo_len);
	mem_reader_close(readers[1]);
	mem_reader_close(readers[0]);
}

/* The first byte: bit 0, the bytes are the parts of a set, all of the same length. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct mem_source_options how = { .no_mmap = false }, plain = { .no_mmap = true };
	struct mem_source *src = NULL, *unmapped = NULL;
	struct err e = { OK, 0, "" };
	struct bytes b = { data, size };
	unsigned parts = take_u8(&b) & 1 ? 2 : 1;
	size_t each = b.left / parts;
	char path[2][FUZZ_PATH_LEN];
	const char *paths[2] = { path[0], path[1] };
	int fd[2] = { -1, -1 };
	enum status st;

	for (unsigned i = 0; i < parts; i++)
		fd[i] = memory_file(b.at + i * each, each, path[i]);
	st = mem_source_open(&src, paths, parts, &how, &e);
	if (st) {
		REQUIRE(e.status == st && e.text[0]);
	} else {
		if (src->page_shift) {
			REQUIRE(!mem_source_open(&unmapped, paths, parts, &plain, &e));
			walk(src, unmapped);
			mem_source_close(unmapped);
		}
		mem_source_close(src);
	}
	for (unsigned i = 0; i < parts; i++)
		close(fd[i]);
	return 0;
}
