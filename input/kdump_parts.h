/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The inside of the kdump source: where bitmaps and descriptors of its parts are. */
#ifndef INPUT_KDUMP_PARTS_H
#define INPUT_KDUMP_PARTS_H

#include "format/kdump_header.h"
#include "format/page_desc.h"
#include "input/input_file.h"
#include "input/mem_reader.h"
#include "input/mem_source.h"

/* Bitmaps are read in pieces. */
#define PIECE_BYTES 4096u
#define PIECE_SHIFT 15 /* page frames of a piece, as a power of two */
#define PIECE_PAGES (UINT64_C(1) << PIECE_SHIFT)

/* One file of the dump, and the pages that it has descriptors for. */
struct kdump_part {
	const struct input_file *file;
	pfn_t start, end;
	uint64_t first_rank; /* bits in bitmap 2 below `start` */
	uint64_t eraseinfo_at, eraseinfo_len;
	struct kdump_sub_header sub;
};

/* All page frame numbers in here are those of the file: `pfn_base` less than elsewhere. */
struct kdump_impl {
	struct kdump_header header;
	enum kdump_layout layout;
	bool big_endian;
	unsigned shift;
	size_t block_size;
	pfn_t max_mapnr;
	pfn_t pfn_base; /* the page that is number 0 in the file */
	uint64_t bitmap_at[2]; /* equal when there is only one */
	uint64_t desc_at;
	uint64_t zero_at; /* of the shared page of zeros; 0: none was found */
	struct kdump_part *parts; /* rise, do not overlap */
	unsigned n_parts;

	/* bits of bitmap 2 below every 2^rank_shift pages; one entry more than that, for all */
	uint64_t *rank;
	unsigned rank_shift;
	/* pages may be missing that bitmap 2 promises: runs have to look at their descriptors */
	bool look_at_descs;

	/* notes: what the file has at note_at, then one that is made here around a text outside of them */
	uint64_t note_at, note_len;
	uint64_t text_at, text_len;
};

/* Builds the table of ranks; reads all of bitmap 2 but its holes. */
enum status kdump_ranks_build(struct kdump_impl *k, struct err *e) MUST_CHECK;

/*
 * The bits of one piece of bitmap 0 or 1, none at or above max_mapnr.  Returns false when they cannot be read; then
 * all of them are set, so that no page is left out that may be there.
 */
bool kdump_read_piece(const struct kdump_impl *k, unsigned which, uint64_t piece, uint8_t bits[PIECE_BYTES]);

/* Bits in bitmap 2 below `pfn`, which is at most max_mapnr; false when they cannot be read. */
bool kdump_rank(const struct kdump_impl *k, pfn_t pfn, uint64_t *rank);

/* The part that holds `pfn`; NULL: none.  *until is where the answer changes. */
const struct kdump_part *kdump_find_part(const struct kdump_impl *k, pfn_t pfn, pfn_t *until);

/* Does the descriptor lead to the data of a page?  If not, says why in *why. */
bool kdump_desc_usable(const struct kdump_impl *k, const struct kdump_part *p, const struct page_desc *d,
		       const char **why);

/* The first page that the machine had, in the numbers of the file; false: it had none. */
bool kdump_first_present(const struct kdump_impl *k, pfn_t *first);

bool kdump_next_run(const struct mem_source *src, pfn_t from, unsigned page_shift, struct pfn_run *run);
bool kdump_next_present(const struct mem_source *src, pfn_t from, unsigned page_shift, struct pfn_run *run);
void kdump_fill(const struct mem_source *src, enum page_set set, pfn_t start, pfn_t end, uint8_t *bits);

enum status kdump_reader_open(struct mem_reader *r, struct err *e) MUST_CHECK;
void kdump_reader_close(struct mem_reader *r);
enum status kdump_view(struct mem_reader *r, paddr_t at, size_t len, struct span *out, struct err *e) MUST_CHECK;

#endif
