/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How fast struct pages are read and decided about, without anything else that a dump needs.
 *
 *	scan VMCORE PASSES CACHED PLAIN
 *
 * Opens the dump as the program does and decides about all of its pages at level 31, PASSES times with one thread and
 * with two: reading the struct pages from the file (page cache), and from a copy of them in plain memory.  Prints a line
 * for each with millions of page frames a second, wall clock and CPU; and one for what the machine's memory gives.  All
 * ways must decide the same, and one thread must manage CACHED and PLAIN millions a second.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <time.h>

#include "base/bytes.h"
#include "filter/page_filter.h"
#include "input/input_file.h"
#include "input/mem_reader.h"
#include "kernel/kernel.h"

/* As command/page_plan.c has it. */
#define WINDOW_PAGES ((pfn_t)8 << 20)
#define HUGE_PAGE ((size_t)2 << 20)

static struct err e;

__attribute__((noreturn)) static void die(const char *what)
{
	fprintf(stderr, "scan: %s%s%s\n", what, e.text[0] ? ": " : "", e.text);
	exit(1);
}

/* --- a source that has some physical memory in a buffer, and asks another one for the rest -------------------- */

struct buffered {
	struct mem_source *under;
	paddr_t start;
	size_t len;
	uint8_t *bytes;
};

static bool buffered_next_run(const struct mem_source *src, pfn_t from, unsigned page_shift, struct pfn_run *run)
{
	return mem_source_next_run(((const struct buffered *)src->impl)->under, from, page_shift, run);
}

static bool buffered_segment(const struct mem_source *src, size_t i, struct mem_segment *seg)
{
	return mem_source_segment(((const struct buffered *)src->impl)->under, i, seg);
}

static enum status buffered_read_notes(const struct mem_source *src, uint64_t pos, void *buf, size_t len, struct err *err)
{
	return mem_source_read_notes(((const struct buffered *)src->impl)->under, pos, buf, len, err);
}

static enum status buffered_reader_open(struct mem_reader *r, struct err *err)
{
	const struct buffered *b = r->src->impl;
	struct mem_reader *under;

	if (mem_reader_open(&under, b->under, r->bulk ? READER_STRUCTS : READER_SMALL, err))
		return err->status;
	r->impl = under;
	return OK;
}

static void buffered_reader_close(struct mem_reader *r)
{
	mem_reader_close(r->impl);
}

static enum status buffered_view(struct mem_reader *r, paddr_t at, size_t len, struct span *out, struct err *err)
{
	const struct buffered *b = r->src->impl;

	if (at < b->start || at - b->start >= b->len)
		return mem_view(r->impl, at, len, out, err);
	*out = (struct span){ b->bytes + (at - b->start), (size_t)min_u64(len, b->len - (at - b->start)) };
	return OK;
}

static void buffered_close(struct mem_source *src)
{
	struct buffered *b = src->impl;

	munmap(b->bytes, b->len);
	free(b);
}

static const struct mem_source_ops buffered_ops = {
	.name = "plain memory",
	.close = buffered_close,
	.next_run = buffered_next_run,
	.view = buffered_view,
	.segment = buffered_segment,
	.read_notes = buffered_read_notes,
	.reader_open = buffered_reader_open,
	.reader_close = buffered_reader_close,
};

/* Where in physical memory the struct pages are, as one range. */
static void find_struct_pages(const struct kernel *k, struct kmem *km, paddr_t *start, paddr_t *end)
{
	*start = UINT64_MAX;
	*end = 0;
	for (pfn_t pfn = 0; pfn < k->max_mapnr;) {
		struct mem_map_chunk c = mem_map_find(&k->mem_map, km, pfn);
		vaddr_t at = c.mem_map, to = c.mem_map + (c.end - c.start) * k->mem_map.page_struct_size;
		uint64_t left;
		paddr_t paddr;

		for (; c.kind == CHUNK_MAP && at < to; at += left) {
			if (kmem_translate(km, at, &paddr, &left, &e))
				die("a struct page has no place");
			left = min_u64(left, to - at);
			*start = min_u64(*start, paddr);
			*end = max_u64(*end, paddr + left);
		}
		pfn = c.end;
	}
	if (*start >= *end)
		die("there are no struct pages");
}

static struct mem_source *make_buffered(struct mem_source *under, const struct kernel *k)
{
	struct buffered *b = calloc(1, sizeof(*b));
	AUTO(mem_reader) *r = NULL;
	struct mem_source *src;
	AUTO(kmem) *km = NULL;
	paddr_t end;

	if (!b || kmem_open(&km, k, &e) || mem_reader_open(&r, under, READER_BULK, &e))
		die("no memory");
	b->under = under;
	find_struct_pages(k, km, &b->start, &end);
	b->len = (size_t)(end - b->start);
	b->bytes = mmap(NULL, b->len + HUGE_PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (b->bytes == MAP_FAILED)
		die("no memory for the struct pages");
	b->bytes += -(uintptr_t)b->bytes & (HUGE_PAGE - 1);
	madvise(b->bytes, b->len, MADV_HUGEPAGE);
	if (mem_read(r, b->start, b->bytes, b->len, &e) || mem_source_wrap(&src, &buffered_ops, b, &e))
		die("the struct pages cannot be read");
	src->machine = under->machine;
	src->is64 = under->is64;
	src->big_endian = under->big_endian;
	src->end = under->end;
	src->notes_len = under->notes_len;
	src->vmcoreinfo_at = under->vmcoreinfo_at;
	src->vmcoreinfo_len = under->vmcoreinfo_len;
	src->has_segments = under->has_segments;
	return src;
}

/* --- measuring ------------------------------------------------------------------------------------------------- */

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static double cpu(void)
{
	struct rusage u;

	getrusage(RUSAGE_SELF, &u);
	return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) + (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

/* FNV-1a over words: what was decided, in one number. */
static uint64_t sum_bits(uint64_t sum, const uint8_t *bits, size_t bytes)
{
	for (size_t i = 0; i + 8 <= bytes; i += 8)
		sum = (sum ^ get_u64(bits + i, false)) * UINT64_C(0x100000001b3);
	return sum;
}

/* Returns millions of page frames a second. */
static double scan(const struct kernel *k, const char *where, unsigned threads, unsigned passes, uint64_t *decided)
{
	struct filter_options opt = { .level = DL_MAX, .threads = threads - 1 };
	double wall_best = 1e9, cpu_best = 1e9, wall_sum = 0;
	uint8_t *bits = malloc(WINDOW_PAGES / 8);
	AUTO(page_filter) *f = NULL;

	if (!bits || page_filter_open(&f, k, &opt, &e))
		die("the filter does not open");
	for (unsigned i = 0; i < passes; i++) {
		double wall = 0, used = 0;
		uint64_t sum = 1;

		page_filter_restart(f);
		for (pfn_t at = 0; at < k->max_mapnr; at += WINDOW_PAGES) {
			pfn_t end = min_u64(at + WINDOW_PAGES, k->max_mapnr);
			double wall_from = now(), used_from = cpu();

			if (page_filter_scan(f, at, end, bits, &e))
				die("scan");
			wall += now() - wall_from;
			used += cpu() - used_from;
			sum = sum_bits(sum, bits, (size_t)(end - at) / 8);
		}
		wall_sum += wall;
		wall_best = wall < wall_best ? wall : wall_best;
		cpu_best = used < cpu_best ? used : cpu_best;
		if (*decided && *decided != sum)
			die("this way decides otherwise");
		*decided = sum;
	}
	printf("%-12s  %7u  %10.1f  %7.1f  %11.1f\n", where, threads, (double)k->max_mapnr / wall_best / 1e6,
	       (double)k->max_mapnr * passes / wall_sum / 1e6, (double)k->max_mapnr / cpu_best / 1e6);
	fflush(stdout);
	free(bits);
	return (double)k->max_mapnr / wall_best / 1e6;
}

/* With one thread and with two; is one fast enough? */
static bool measure(const struct kernel *k, const char *where, unsigned passes, double least, uint64_t *decided)
{
	double one = scan(k, where, 1, passes, decided);

	scan(k, where, 2, passes, decided);
	if (one < least)
		printf("%s: less than %.0f Mpfn/s with one thread\n", where, least);
	return one >= least;
}

/* What the machine can do: one word of each struct page of the copy, and nothing decided. */
static void report_bound(const struct mem_source *memory, uint64_t size, unsigned passes)
{
	const struct buffered *b = memory->impl;
	double best = 1e9;

	for (unsigned i = 0; i < passes; i++) {
		double from = now();
		uint64_t sum = 0;

		for (size_t at = 0; at + sizeof(sum) <= b->len; at += size) {
			__builtin_prefetch((const void *)((uintptr_t)b->bytes + at + 4096));
			sum += get_u64(b->bytes + at, false);
		}
		__asm__ volatile("" : : "r"(sum));
		if (now() - from < best)
			best = now() - from;
	}
	printf("this machine reads one word of each in plain memory at %.1f million a second\n", (double)(b->len / size) / best / 1e6);
}

static void report(const struct kernel *k)
{
	struct filter_options opt = { .level = DL_MAX };
	uint8_t *bits = malloc(WINDOW_PAGES / 8);
	AUTO(page_filter) *f = NULL;
	const struct filter_counts *c;
	uint64_t excluded = 0;

	if (!bits || page_filter_open(&f, k, &opt, &e))
		die("the filter does not open");
	for (pfn_t at = 0; at < k->max_mapnr; at += WINDOW_PAGES)
		if (page_filter_scan(f, at, min_u64(at + WINDOW_PAGES, k->max_mapnr), bits, &e))
			die("scan");
	c = page_filter_counts(f);
	for (size_t i = 0; i < N_REASONS; i++)
		excluded += c->excluded[i];
	printf("%" PRIu64 " page frames, %" PRIu64 " left out at level 31\n", c->present, excluded);
	free(bits);
}

int main(int argc, char **argv)
{
	const struct mem_source_options how = { .no_mmap = false };
	const struct kernel_files none = { NULL, NULL, false };
	AUTO(mem_source) *file = NULL, *memory = NULL;
	AUTO(kernel) *k = NULL, *in_memory = NULL;
	uint64_t decided = 0;
	const char *path;
	unsigned passes;
	bool fast;

	if (argc != 5 || atoi(argv[2]) < 1)
		die("usage: scan VMCORE PASSES CACHED PLAIN");
	path = argv[1];
	passes = (unsigned)atoi(argv[2]);
	if (mem_source_open(&file, &path, 1, &how, &e) || kernel_open(&k, file, &none, &e))
		die("the dump does not open");
	report(k);
	printf("the file is %s\n", file->files[0]->mappable ? "mapped" : "read");
	printf("struct pages  threads  Mpfn/s max     mean  by CPU time\n");
	fast = measure(k, "page cache", passes, atof(argv[3]), &decided);
	memory = make_buffered(file, k);
	if (kernel_open(&in_memory, memory, &none, &e))
		die("the copy in memory does not open");
	fast &= measure(in_memory, "plain memory", passes, atof(argv[4]), &decided);
	report_bound(memory, k->mem_map.page_struct_size, passes);
	return fast ? 0 : 1;
}
