/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The memory of a crashed machine, whatever file it lies in.  A source is shared and does not change once
 * it is open; each user opens a reader on it, which owns its window or buffer.
 */
#ifndef INPUT_MEM_SOURCE_H
#define INPUT_MEM_SOURCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "makedumpfile.h"

/* Bytes lent by a reader: valid until its next call. */
struct span {
	const uint8_t *data;
	size_t len;
};

/* What the file holds of a page that the machine had. */
enum run_kind {
	RUN_DATA,  /* data, from the first byte of the page on */
	RUN_LATE,  /* data, but a segment starts within the page: its beginning is unknown */
	RUN_EMPTY, /* the segment names the page, the file has nothing of it (p_filesz < p_memsz) */
	RUN_LOST,  /* the data should be there, but the file ends before it */
};

struct pfn_run {
	pfn_t start, end;
	enum run_kind kind;
};

/* One mapped range as the file describes it; virtual addresses may mean nothing (see the kernel layer). */
struct mem_segment {
	paddr_t paddr; /* PADDR_NONE: not RAM */
	vaddr_t vaddr; /* VADDR_NONE: highmem */
	uint64_t filesz, memsz;
	uint32_t flags; /* p_flags */
};

enum page_set {
	PAGES_PRESENT, /* the machine had them */
	PAGES_HELD,    /* of them: all but RUN_EMPTY */
};

struct mem_source;
struct mem_reader;
struct input_file;

struct mem_source_ops {
	const char *name; /* "ELF core", as shown to people */
	bool reads_sets;  /* several files can be one dump */
	/* Pure: looks at the first bytes of the file only. */
	bool (*probe)(const uint8_t *head, size_t len);
	/* Fills src, whose file is set; on failure nothing is left to close. */
	enum status (*open)(struct mem_source *src, struct err *e);
	void (*close)(struct mem_source *src);
	bool (*next_run)(const struct mem_source *src, pfn_t from, unsigned page_shift, struct pfn_run *run);
	enum status (*view)(struct mem_reader *r, paddr_t at, size_t len, struct span *out, struct err *e);
	bool (*segment)(const struct mem_source *src, size_t i, struct mem_segment *seg);
	enum status (*read_notes)(const struct mem_source *src, uint64_t pos, void *buf, size_t len, struct err *e);

	/* The rest may be NULL. */
	enum status (*reader_open)(struct mem_reader *r, struct err *e); /* may fill r->impl */
	void (*reader_close)(struct mem_reader *r);
	/* Sources that have bitmaps: see mem_source_next_present() and mem_source_fill(). */
	bool (*next_present)(const struct mem_source *src, pfn_t from, unsigned page_shift, struct pfn_run *run);
	void (*fill)(const struct mem_source *src, enum page_set set, pfn_t start, pfn_t end, uint8_t *bits);
	enum status (*read_eraseinfo)(const struct mem_source *src, uint64_t pos, void *buf, size_t len,
				      struct err *e);
};

struct mem_source {
	const struct mem_source_ops *ops;
	struct input_file *file; /* the first of files[]; NULL: there is none */
	struct input_file **files; /* owned */
	unsigned n_files;
	void *impl; /* owned by ops */

	/* what the file says of the machine */
	unsigned machine; /* ELF's e_machine */
	uint32_t elf_flags; /* e_flags, 0 where there is none */
	uint8_t elf_osabi;
	bool is64, big_endian;
	bool notes_big_endian;	/* byte order of the headers of its notes */
	unsigned nr_cpus;	/* register notes */
	bool is_xen;		/* carries the Xen hypervisor's crash note */
	bool live;		/* the running machine: what is read twice may differ */
	paddr_t end;		/* end of the highest range of RAM */
	uint64_t notes_len;	/* all notes as one blob: those of the file, then `added_note` */
	uint8_t *added_note;	/* owned; see mem_source_add_note() */
	size_t added_note_len;
	uint64_t vmcoreinfo_at; /* position of the VMCOREINFO text in that blob */
	size_t vmcoreinfo_len;	/* 0: there is none */
	bool take_late;	  /* as the one who opened it wants it */
	uint64_t late_by; /* memory seems to begin so many bytes behind the place that the headers tell; 0: it does not */
	bool has_segments;	/* mem_source_segment() knows virtual addresses */
	bool incomplete;	/* it says, or shows, that pages are missing in it that were to be in it */

	/* what only a dump that was filtered before knows of itself; else 0 */
	unsigned page_shift; /* its pages have this size, whatever else says so */
	unsigned dump_level; /* what was left out of it */
	bool excluded_vmemmap;
	bool has_phys_base;
	uint64_t phys_base;
	int64_t timestamp, timestamp_us;
	uint8_t utsname[390]; /* as in its header: six names of 65 bytes */
	uint64_t eraseinfo_len; /* text about what was erased in it */
};

struct mem_source_options {
	bool no_mmap;
	bool take_late; /* memory is where it seems to begin (see late_by), not where headers tell */
};

/*
 * Opens the files and finds out what they are; several are the parts of one split dump, in any order.  Errors name
 * the file.  The caller closes the source, after all of its readers; the paths are borrowed as long.
 */
enum status mem_source_open(struct mem_source **src, const char *const *paths, unsigned n_paths,
			    const struct mem_source_options *opt, struct err *e) MUST_CHECK;

/* As mem_source_open() over ops of the caller's own (caches, tests); `impl` belongs to the ops from now on. */
enum status mem_source_wrap(struct mem_source **src, const struct mem_source_ops *ops, void *impl,
			    struct err *e) MUST_CHECK;
void mem_source_close(struct mem_source *src);
DEFINE_AUTO(mem_source);

/*
 * The next run of pages at or after `from` that the machine had, all of one kind.  Returns false after the
 * last one.  Runs rise and do not overlap; one may end although the next is of the same kind.
 */
bool mem_source_next_run(const struct mem_source *src, pfn_t from, unsigned page_shift, struct pfn_run *run);

/*
 * As mem_source_next_run(), where it does not matter what the file has of a page: pages of all kinds but RUN_LATE may
 * come as one run, which is then called RUN_DATA.
 */
bool mem_source_next_present(const struct mem_source *src, pfn_t from, unsigned page_shift, struct pfn_run *run);

/* Sets exactly the bits of the pages of `set` in [start, end); bit 0 is `start`, a multiple of 8. */
void mem_source_fill(const struct mem_source *src, enum page_set set, pfn_t start, pfn_t end, unsigned page_shift,
		     uint8_t *bits);

/* Copies `len` bytes of the text about what was erased, from `pos`. */
enum status mem_source_read_eraseinfo(const struct mem_source *src, uint64_t pos, void *buf, size_t len,
				      struct err *e) MUST_CHECK;

/* The i-th range in the file's own order; false when there is none. */
bool mem_source_segment(const struct mem_source *src, size_t i, struct mem_segment *seg);

/* Copies `len` bytes of the note blob from `pos`; E_UNREADABLE where the file ends before. */
enum status mem_source_read_notes(const struct mem_source *src, uint64_t pos, void *buf, size_t len,
				  struct err *e) MUST_CHECK;

/*
 * Appends a VMCOREINFO note with this text to the blob of a source that has none, as if the file had it: outputs then
 * carry it.  For the one who opened the source, before anybody else uses its notes.
 */
enum status mem_source_add_vmcoreinfo(struct mem_source *src, const char *text, size_t len, struct err *e) MUST_CHECK;

enum mem_reader_use {
	READER_BULK,	/* long runs, in rising order: page data */
	READER_STRUCTS, /* the same of struct pages, of which a few bytes are looked at */
	READER_SMALL,	/* single structures here and there */
};
enum status mem_reader_open(struct mem_reader **r, const struct mem_source *src, enum mem_reader_use use,
			    struct err *e) MUST_CHECK;
void mem_reader_close(struct mem_reader *r);
DEFINE_AUTO(mem_reader);

/*
 * Takes the memory that views need now, not with the first of them: what is missing is known in time, and threads that
 * are about to begin do not take theirs while others do, which has a price (see take_memory() in format/codec.c).
 */
enum status mem_reader_take_memory(struct mem_reader *r, struct err *e) MUST_CHECK;

/* The user is going to read on up to `end`: lets windows be as large as they are useful. */
void mem_reader_expect(struct mem_reader *r, paddr_t end);

/*
 * Lends the bytes at `at`: between 1 and `len` of them, and all that are asked for up to the end of the page
 * of 4 KiB that `at` lies in.  No byte outside [at, at + len) is read from the machine's memory.  Bytes that no
 * segment covers, in a page that some segment touches, are zero.  E_UNREADABLE: the file has no such bytes.
 */
enum status mem_view(struct mem_reader *r, paddr_t at, size_t len, struct span *out, struct err *e) MUST_CHECK;

/*
 * After bytes lent by mem_view() have been used: false if some of them turned out to be unreadable in the
 * meantime (the file shrank under its mapping, or bad memory); what was read is then worth nothing.
 */
bool mem_view_intact(const struct mem_reader *r);

/* Copies `len` bytes at `at`, across pages; E_UNREADABLE when any of them cannot be read. */
enum status mem_read(struct mem_reader *r, paddr_t at, void *buf, size_t len, struct err *e) MUST_CHECK;

#endif
