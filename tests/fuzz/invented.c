/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A very small invented machine: its page tables, tables, lists and struct pages, and the edits that spoil them. */
#include "tests/fuzz/invented.h"

#include <stdio.h>
#include <string.h>

#include "base/bytes.h"
#include "format/elf_core.h"
#include "input/mem_reader.h"

/*
 * Physical memory: 0 text, 1 top table, 2 and 3 upper and middle table of the image, 4 upper table of the direct
 * map, 5 to 7 tables of the struct pages, 8 to 11 struct pages, 12 sections and names, 13 nodes, 14 and 15 the
 * fifth level, or user data.  The table in page 7 maps pages 8 to 11 over and over: 32768 struct pages.
 */
enum { TOP = 1, IMAGE_UPPER, IMAGE_MIDDLE, DIRECT_UPPER, MAP_UPPER, MAP_MIDDLE, MAP_LOW, SECTIONS = 12, NODES };
#define IMAGE UINT64_C(0xffffffff80000000)
#define PRESENT 0x63
#define HUGE 0xe3

struct preset {
	const char *release;
	unsigned size, mapping, lru, mapcount, private, head, tail_dtor, tail_order; /* of struct page; 0: no such line */
	unsigned lru_bit, private_bit, slab_bit, swapcache_bit, swapbacked_bit, poison_bit, head_bit;
	uint32_t buddy, offline, hugetlb, slab, unaccepted;
	enum { EXTREME, STATIC, DISCONTIG, FLAT } model;
	bool five_levels;
};

static const struct preset presets[] = {
	{ "6.1.0-28-amd64", 64, 24, 8, 48, 40, 8, 16, 17, 4, 13, 9, 10, 19, 23, 16, 0xffffff7f, 0xfffffeff, 0, 0, 0,
	  EXTREME, false },
	{ "6.12.9-amd64", 64, 24, 8, 48, 40, 8, 0, 0, 5, 14, 0, 10, 17, 20, 6, 0xf0000000, 0xf1000000, 0xf4000000,
	  0xf5000000, 0, EXTREME, false },
	{ "7.1.0-amd64", 64, 24, 8, 48, 40, 8, 0, 0, 5, 14, 0, 10, 17, 21, 6, 0xf0000000, 0xf1000000, 0xf4000000,
	  0xf5000000, 0xf7000000, EXTREME, true },
	{ "4.4.302", 64, 8, 32, 24, 48, 32, 40, 42, 5, 11, 7, 15, 0, 22, 14, 0xffffff80, 0, 0, 0, 0, EXTREME, false },
	{ "3.10.108", 64, 8, 32, 24, 48, 0, 0, 0, 5, 11, 7, 16, 0, 23, 14, 0xffffff80, 0, 0, 0, 0, STATIC, false },
	{ "2.6.32-5-amd64", 56, 24, 40, 0, 0, 0, 0, 0, 5, 11, 0, 16, 0, 0, 0, 0, 0, 0, 0, 0, DISCONTIG, false },
	{ "2.6.32", 56, 24, 40, 0, 0, 0, 0, 0, 5, 11, 0, 16, 0, 0, 0, 0, 0, 0, 0, 0, FLAT, false },
};

static uint8_t *frame(struct invented *m, unsigned n)
{
	return m->frames + (size_t)n * PAGE_SIZE_MIN;
}

static void put(struct invented *m, unsigned n, unsigned at, uint64_t v)
{
	put_u64(frame(m, n) + at, v, false);
}

static void say(struct invented *m, const char *what, uint64_t value)
{
	m->text_len += (size_t)snprintf(m->text + m->text_len, sizeof(m->text) - m->text_len, "%s=%lld\n", what,
					(long long)value);
}

static void say_symbol(struct invented *m, const char *name, unsigned n, unsigned at)
{
	m->text_len += (size_t)snprintf(m->text + m->text_len, sizeof(m->text) - m->text_len, "SYMBOL(%s)=%llx\n", name,
					(unsigned long long)(IMAGE + n * PAGE_SIZE_MIN + at));
}

static uint64_t direct(const struct invented *m, unsigned n, unsigned at)
{
	return (m->five_levels ? UINT64_C(0xff11000000000000) : UINT64_C(0xffff888000000000)) + n * PAGE_SIZE_MIN + at;
}

static uint64_t struct_page(const struct invented *m, const struct preset *p, pfn_t pfn)
{
	return (m->five_levels ? UINT64_C(0xffd4000000000000) : UINT64_C(0xffffea0000000000)) + pfn * p->size;
}

static void make_page_tables(struct invented *m)
{
	unsigned image = TOP, map = TOP, direct_top = TOP;

	if (m->five_levels) {
		put(m, TOP, 511 * 8, 14 << 12 | PRESENT);
		put(m, TOP, 273 * 8, 14 << 12 | PRESENT);
		put(m, TOP, 468 * 8, 15 << 12 | PRESENT);
		image = direct_top = 14;
		map = 15;
	}
	put(m, image, 511 * 8, IMAGE_UPPER << 12 | PRESENT);
	put(m, IMAGE_UPPER, 510 * 8, IMAGE_MIDDLE << 12 | PRESENT);
	put(m, IMAGE_MIDDLE, 0, HUGE);
	put(m, direct_top, m->five_levels ? 0 : 273 * 8, DIRECT_UPPER << 12 | PRESENT);
	put(m, DIRECT_UPPER, 0, HUGE);
	put(m, map, m->five_levels ? 0 : 468 * 8, MAP_UPPER << 12 | PRESENT);
	put(m, MAP_UPPER, 0, MAP_MIDDLE << 12 | PRESENT);
	put(m, MAP_MIDDLE, 0, MAP_LOW << 12 | PRESENT);
	for (unsigned i = 0; i < 512; i++)
		put(m, MAP_LOW, i * 8, (STRUCT_FRAME + i % STRUCT_FRAMES) << 12 | PRESENT);
}

/* Two zones, eleven orders, two types of lists; the lists of old kernels hold the block at page 0x20. */
static void make_node(struct invented *m, const struct preset *p)
{
	const unsigned node = 0x100, zones = node + 64, zone_size = 0x220;

	put(m, NODES, 0, direct(m, NODES, node)); /* node_data[0] */
	put(m, NODES, 0x80, 1);			  /* node_online_map */
	put(m, NODES, node, 2);			  /* nr_zones */
	put(m, NODES, node + 8, 0);		  /* node_start_pfn */
	put(m, NODES, node + 16, 32768);	  /* node_spanned_pages */
	put(m, NODES, node + 24, struct_page(m, p, 0));
	put(m, NODES, 0x90, struct_page(m, p, 0)); /* mem_map */
	for (unsigned z = 0; z < 2; z++) {
		put(m, NODES, zones + z * zone_size, z ? 0 : 32768); /* spanned_pages */
		for (unsigned list = 0; list < 22; list++) {
			unsigned at = zones + z * zone_size + 16 + list / 2 * 40 + list % 2 * 16;

			put(m, NODES, at, direct(m, NODES, at));
			put(m, NODES, at + 8, direct(m, NODES, at));
		}
	}
	if (p->size == 56) {
		unsigned list = zones + 16 + 5 * 40, page = 0x20 * 56 + 40;

		put(m, NODES, list, struct_page(m, p, 0x20) + 40);
		put(m, NODES, list + 8, struct_page(m, p, 0x20) + 40);
		put(m, STRUCT_FRAME, page, direct(m, NODES, list));
		put(m, STRUCT_FRAME, page + 8, direct(m, NODES, list));
	}
	say_symbol(m, "node_data", NODES, 0);
	say(m, "LENGTH(node_data)", 8);
	say_symbol(m, "node_online_map", NODES, 0x80);
	say(m, "SIZE(nodemask_t)", 8);
	say(m, "SIZE(pglist_data)", 0x600);
	say(m, "OFFSET(pglist_data.node_zones)", 64);
	say(m, "OFFSET(pglist_data.nr_zones)", 0);
	say(m, "OFFSET(pglist_data.node_start_pfn)", 8);
	say(m, "OFFSET(pglist_data.node_spanned_pages)", 16);
	if (p->model == DISCONTIG)
		say(m, "OFFSET(pglist_data.node_mem_map)", 24);
	if (p->model == FLAT)
		say_symbol(m, "mem_map", NODES, 0x90);
	say(m, "SIZE(zone)", zone_size);
	say(m, "OFFSET(zone.spanned_pages)", 0);
	say(m, "OFFSET(zone.free_area)", 16);
	say(m, "LENGTH(zone.free_area)", 11);
	say(m, "SIZE(free_area)", 40);
	say(m, "OFFSET(free_area.free_list)", 0);
	say(m, "LENGTH(free_area.free_list)", 2);
	say(m, "SIZE(list_head)", 16);
	say(m, "OFFSET(list_head.next)", 0);
	say(m, "OFFSET(list_head.prev)", 8);
}

static void make_sections(struct invented *m, const struct preset *p)
{
	unsigned at = 0x100;

	if (p->model != EXTREME && p->model != STATIC)
		return;
	put(m, SECTIONS, 0, direct(m, SECTIONS, at)); /* the first of two roots */
	put(m, SECTIONS, at, struct_page(m, p, 0) | 0xf);
	say(m, "LENGTH(mem_section)", p->model == STATIC ? 512 : 2);
	say_symbol(m, "mem_section", SECTIONS, p->model == STATIC ? at : 0);
	say(m, "SIZE(mem_section)", 16);
	say(m, "OFFSET(mem_section.section_mem_map)", 0);
	say(m, "NUMBER(SECTION_SIZE_BITS)", 27);
	say(m, "NUMBER(MAX_PHYSMEM_BITS)", 36);
}

static void set_page(struct invented *m, const struct preset *p, pfn_t pfn, uint64_t flags, uint64_t mapping,
		     uint32_t type)
{
	uint8_t *page = frame(m, STRUCT_FRAME) + pfn * p->size;

	put_u64(page, flags, false);
	put_u64(page + p->mapping, mapping, false);
	if (p->mapcount)
		put_u32(page + p->mapcount, type, false);
}

static void make_compound(struct invented *m, const struct preset *p, pfn_t pfn, unsigned order)
{
	uint8_t *first = frame(m, STRUCT_FRAME) + (pfn + 1) * p->size;

	for (pfn_t i = 1; i < UINT64_C(1) << order; i++)
		if (p->head)
			put_u64(frame(m, STRUCT_FRAME) + (pfn + i) * p->size + p->head, struct_page(m, p, pfn) | 1, false);
	if (p->tail_order)
		first[p->tail_order] = (uint8_t)order;
	else if (p->head)
		put_u64(first, order, false);
	else
		put_u64(first + p->lru + 8, order, false);
}

static uint64_t bit(unsigned n)
{
	return n ? UINT64_C(1) << n : 0;
}

/* One page of every kind that is left out, in the 256 struct pages that all the others repeat. */
static void make_struct_pages(struct invented *m, const struct preset *p)
{
	for (pfn_t pfn = 0; pfn < 256; pfn++)
		set_page(m, p, pfn, bit(2), 0, UINT32_MAX);
	set_page(m, p, 0x10, bit(p->lru_bit) | bit(p->swapbacked_bit), direct(m, 14, 1), 0);
	set_page(m, p, 0x11, bit(p->lru_bit), direct(m, 14, 8), UINT32_MAX);
	set_page(m, p, 0x12, bit(p->lru_bit) | bit(p->private_bit), direct(m, 14, 8), UINT32_MAX);
	set_page(m, p, 0x13, bit(p->slab_bit), 3, p->slab ? p->slab | 5 : UINT32_MAX);
	set_page(m, p, 0x14, bit(p->poison_bit), 0, UINT32_MAX);
	set_page(m, p, 0x15, 0, 0, p->offline ? p->offline : UINT32_MAX);
	set_page(m, p, 0x16, bit(p->swapcache_bit) | bit(p->swapbacked_bit), 0, UINT32_MAX);
	set_page(m, p, 0x18, bit(p->head_bit) | bit(p->lru_bit), direct(m, 14, 1), 0);
	make_compound(m, p, 0x18, 3);
	if (p->buddy) {
		set_page(m, p, 0x20, 0, 0, p->buddy);
		put_u64(frame(m, STRUCT_FRAME) + 0x20 * p->size + p->private, 5, false);
		set_page(m, p, 0x9, 0, 0, p->buddy);
	}
	if (p->unaccepted)
		set_page(m, p, 0xa0, 0, 0, p->unaccepted);
	set_page(m, p, 0x80, bit(p->head_bit), 0, p->hugetlb ? p->hugetlb : UINT32_MAX);
	make_compound(m, p, 0x80, 4);
	if (p->tail_dtor)
		frame(m, STRUCT_FRAME)[0x81 * p->size + p->tail_dtor] = 2;
}

static void say_struct_page(struct invented *m, const struct preset *p)
{
	const struct {
		const char *what;
		uint64_t value;
	} lines[] = {
		{ "SIZE(page)", p->size },
		{ "OFFSET(page.mapping)", p->mapping },
		{ "OFFSET(page.lru)", p->lru },
		{ "OFFSET(page._mapcount)", p->mapcount },
		{ "OFFSET(page.private)", p->private },
		{ p->five_levels ? "OFFSET(page.compound_info)" : "OFFSET(page.compound_head)", p->head },
		{ "OFFSET(page.compound_dtor)", p->tail_dtor },
		{ "OFFSET(page.compound_order)", p->tail_order },
		{ "NUMBER(HUGETLB_PAGE_DTOR)", p->tail_dtor ? 2 : 0 },
		{ "NUMBER(PG_lru)", p->lru_bit },
		{ "NUMBER(PG_private)", p->private_bit },
		{ "NUMBER(PG_slab)", p->slab_bit },
		{ "NUMBER(PG_swapcache)", p->swapcache_bit },
		{ "NUMBER(PG_swapbacked)", p->swapbacked_bit },
		{ "NUMBER(PG_hwpoison)", p->poison_bit },
		{ "NUMBER(PG_head_mask)", bit(p->head_bit) },
		{ "NUMBER(PAGE_BUDDY_MAPCOUNT_VALUE)", (uint64_t)(int32_t)p->buddy },
		{ "NUMBER(PAGE_OFFLINE_MAPCOUNT_VALUE)", p->offline },
		{ "NUMBER(PAGE_HUGETLB_MAPCOUNT_VALUE)", p->hugetlb },
		{ "NUMBER(PAGE_SLAB_MAPCOUNT_VALUE)", p->slab },
		{ "NUMBER(PAGE_UNACCEPTED_MAPCOUNT_VALUE)", p->unaccepted },
	};

	say(m, "OFFSET(page.flags)", 0);
	for (size_t i = 0; i < ARRAY_SIZE(lines); i++)
		if (lines[i].value)
			say(m, lines[i].what, lines[i].value);
}

static void make_names(struct invented *m, const struct preset *p)
{
	static const char *const names[] = { "Linux", "testnode", NULL, "#1 SMP", "x86_64", "(none)" };
	uint8_t *at = frame(m, SECTIONS) + 0x800;

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		const char *name = names[i] ? names[i] : p->release;

		memcpy(at + i * 65, name, strlen(name));
	}
	m->text_len = (size_t)snprintf(m->text, sizeof(m->text), "OSRELEASE=%s\nPAGESIZE=4096\n", p->release);
	say_symbol(m, "init_uts_ns", SECTIONS, 0x800);
	say(m, "OFFSET(uts_namespace.name)", 0);
	say_symbol(m, "_stext", 0, 0x200);
	say_symbol(m, "init_top_pgt", TOP, 0);
	say(m, "NUMBER(phys_base)", 0);
	say(m, "NUMBER(pgtable_l5_enabled)", m->five_levels);
	say(m, "NUMBER(KERNEL_IMAGE_SIZE)", 1 << 30);
	say(m, "CRASHTIME", 1700000000);
}

/* --- edits ------------------------------------------------------------------------------------------- */

static void add_area(struct invented *m, pfn_t gap, pfn_t pages, enum run_kind kind)
{
	pfn_t start = (m->n_areas ? m->areas[m->n_areas - 1].end : 0) + gap;

	if (m->n_areas < AREAS_MAX && pages)
		m->areas[m->n_areas++] = (struct area){ start, start + pages, kind };
}

/* Start and end of a line and of its value. */
static bool find_line(const struct invented *m, unsigned n, size_t *start, size_t *value, size_t *end)
{
	size_t at = 0, lines = 0;

	for (size_t i = 0; i < m->text_len; i++)
		lines += m->text[i] == '\n';
	if (!lines)
		return false;
	for (n %= lines; n; at++)
		n -= m->text[at] == '\n';
	*start = *value = at;
	while (m->text[at] != '\n' && m->text[at] != '=')
		at++;
	*value = m->text[at] == '=' ? at + 1 : at;
	while (m->text[at] != '\n')
		at++;
	*end = at;
	return true;
}

static void replace(struct invented *m, size_t start, size_t end, const void *with, size_t len)
{
	if (m->text_len - (end - start) + len > TEXT_MAX)
		return;
	memmove(m->text + start + len, m->text + end, m->text_len - end);
	memcpy(m->text + start, with, len);
	m->text_len += len - (end - start);
}

static void edit_text(struct invented *m, unsigned how, struct bytes *b)
{
	size_t start, value, end, len;
	const uint8_t *some;
	char number[32];

	if (!find_line(m, take_u8(b), &start, &value, &end))
		return;
	switch (how % 5) {
	case 0: /* another number */
		len = (size_t)snprintf(number, sizeof(number), how & 8 ? "%llx" : "%lld",
				       (long long)hard_number(take_u8(b)));
		replace(m, value, end, number, len);
		break;
	case 1: /* a bit more or less */
		len = (size_t)snprintf(number, sizeof(number), "%lld",
				       (long long)(strtoull(m->text + value, NULL, 10) + (uint64_t)(int8_t)take_u8(b)));
		replace(m, value, end, number, len);
		break;
	case 2: /* gone */
		replace(m, start, end + 1, "", 0);
		break;
	case 3: /* any bytes */
		len = take_some(b, take_u8(b) % 32, &some);
		replace(m, value, end, some, len);
		break;
	default: /* one more line */
		len = take_some(b, take_u8(b) % 64, &some);
		replace(m, start, start, "\n", 1);
		replace(m, start, start, some, len);
	}
}

/* The members that decide about a page. */
static void edit_struct_page(struct invented *m, const struct preset *p, struct bytes *b)
{
	uint8_t *page = frame(m, STRUCT_FRAME) + (size_t)take_u8(b) * p->size;
	unsigned how = take_u8(b);

	switch (how % 6) {
	case 0:
		put_u64(page, get_u64(page, false) ^ UINT64_C(1) << (take_u8(b) & 63), false);
		break;
	case 1:
		put_u64(page, hard_number(take_u8(b)), false);
		break;
	case 2:
		put_u64(page + p->mapping, take_u16(b), false);
		break;
	case 3: {
		const uint32_t types[] = { p->buddy, p->offline, p->hugetlb, p->slab, p->unaccepted, 0, UINT32_MAX,
					   take_u32(b) };

		put_u32(page + p->mapcount, types[how / 6 % ARRAY_SIZE(types)], false);
		break;
	}
	case 4:
		put_u64(page + p->private, how & 64 ? hard_number(take_u8(b)) : take_u8(b), false);
		break;
	default:
		put_u64(page + (p->head ? p->head : p->lru), hard_number(take_u8(b)), false);
	}
}

static void edit(struct invented *m, const struct preset *p, struct bytes *b)
{
	unsigned how = take_u8(b);
	/* 16 pages, any byte of them */
	size_t at = how % 8 < 4 ? take_u16(b) : 0, from;
	const uint8_t *some;
	size_t len;

	switch (how % 8) {
	case 0:
		len = take_some(b, how / 8 % 16 + 1, &some);
		if (at + len <= sizeof(m->frames))
			memcpy(m->frames + at, some, len);
		break;
	case 1:
		put_u64(m->frames + (at & ~(size_t)7), hard_number(take_u8(b)), false);
		break;
	case 2: /* a word from elsewhere, so that pointers form circles */
		from = take_u16(b) & ~7u;
		memmove(m->frames + (at & ~(size_t)7), m->frames + from, 8);
		break;
	case 3: /* the address of another place */
		from = take_u16(b);
		put_u64(m->frames + (at & ~(size_t)7), direct(m, 0, 0) + from, false);
		break;
	case 4:
	case 5:
		edit_text(m, how / 8, b);
		break;
	case 6:
		edit_struct_page(m, p, b);
		break;
	default:
		add_area(m, take_u8(b), (pfn_t)1 << take_u8(b) % 14, (enum run_kind)(how / 8 % 4));
	}
}

void invented_make(struct invented *m, struct bytes *b)
{
	const struct preset *p = &presets[take_u8(b) % ARRAY_SIZE(presets)];

	memset(m, 0, sizeof(*m));
	m->level = take_u8(b) & 31;
	m->choices = take_u8(b);
	m->five_levels = p->five_levels;
	make_names(m, p);
	make_page_tables(m);
	make_node(m, p);
	make_sections(m, p);
	say_struct_page(m, p);
	make_struct_pages(m, p);
	m->areas[m->n_areas++] = (struct area){ 0, FRAMES, RUN_DATA };
	while (b->left)
		edit(m, p, b);
	if (m->n_areas == 1) {
		add_area(m, 0, 32, RUN_DATA);
		add_area(m, 0, 500, RUN_LOST);
	}
}

/* --- as a source in memory ----------------------------------------------------------------------------- */

static void leave_alone(struct mem_source *src)
{
	(void)src;
}

static bool next_run(const struct mem_source *src, pfn_t from, unsigned page_shift, struct pfn_run *run)
{
	const struct invented *m = src->impl;

	REQUIRE(page_shift == 12);
	for (size_t i = 0; i < m->n_areas; i++) {
		size_t last = i;

		if (m->areas[i].end <= from)
			continue;
		while (last + 1 < m->n_areas && m->areas[last + 1].start == m->areas[last].end &&
		       m->areas[last + 1].kind == m->areas[i].kind)
			last++;
		*run = (struct pfn_run){ max_u64(from, m->areas[i].start), m->areas[last].end, m->areas[i].kind };
		return true;
	}
	return false;
}

/* Lends a copy of exactly the bytes that may be read, until the next call: more than that is noticed. */
static enum status view(struct mem_reader *r, paddr_t at, size_t len, struct span *out, struct err *e)
{
	const struct invented *m = r->src->impl;
	size_t n = min_u64(len, PAGE_SIZE_MIN - at % PAGE_SIZE_MIN);
	const uint8_t *from = m->frames + (at & (sizeof(m->frames) - 1));
	struct pfn_run run;

	REQUIRE(len);
	free(r->page);
	r->page = NULL;
	if (at >> 52 || !next_run(r->src, at >> 12, 12, &run) || run.start != at >> 12 || run.kind == RUN_LOST)
		return err_set(e, E_UNREADABLE, "no memory at physical address %#llx", (unsigned long long)at);
	/* runs of data are lent whole, others page by page */
	if (run.kind == RUN_DATA)
		n = min_u64(min_u64(len, (run.end << 12) - at), sizeof(m->frames) - (at & (sizeof(m->frames) - 1)));
	require_allowed(&m->allowed, at, n);
	r->page = calloc(1, n);
	REQUIRE(r->page);
	if (run.kind != RUN_EMPTY)
		memcpy(r->page, from, n);
	*out = (struct span){ r->page, n };
	return OK;
}

static bool segment(const struct mem_source *src, size_t i, struct mem_segment *seg)
{
	const struct invented *m = src->impl;

	if (i == 0) {
		*seg = (struct mem_segment){ 0, IMAGE, 1 << 16, 1 << 16, 7 };
		return true;
	}
	if (i > m->n_areas)
		return false;
	*seg = (struct mem_segment){
		.paddr = m->areas[i - 1].start << 12,
		.vaddr = direct(m, 0, 0) + (m->areas[i - 1].start << 12),
		.memsz = (m->areas[i - 1].end - m->areas[i - 1].start) << 12,
	};
	seg->filesz = m->areas[i - 1].kind == RUN_EMPTY ? 0 : seg->memsz;
	return true;
}

static enum status read_notes(const struct mem_source *src, uint64_t pos, void *buf, size_t len, struct err *e)
{
	const struct invented *m = src->impl;

	(void)e;
	REQUIRE(pos <= m->text_len && len <= m->text_len - pos);
	memcpy(buf, m->text + pos, len);
	return OK;
}

static const struct mem_source_ops invented_ops = {
	.name = "invented machine",
	.close = leave_alone,
	.next_run = next_run,
	.view = view,
	.segment = segment,
	.read_notes = read_notes,
};

struct mem_source *invented_source(struct invented *m)
{
	struct mem_source *src;
	struct err e;

	REQUIRE(!mem_source_wrap(&src, &invented_ops, m, &e));
	src->machine = ELF_EM_X86_64;
	src->is64 = true;
	src->nr_cpus = 1;
	src->end = m->areas[m->n_areas - 1].end << 12;
	src->notes_len = src->vmcoreinfo_len = m->text_len;
	return src;
}

/* --- as a core file ------------------------------------------------------------------------------------ */

static uint8_t *put_phdr(uint8_t *to, uint32_t type, const struct mem_segment *s, uint64_t offset)
{
	put_u32(to, type, false);
	put_u64(to + 8, offset, false);
	put_u64(to + 16, s->vaddr, false);
	put_u64(to + 24, s->paddr, false);
	put_u64(to + 32, s->filesz, false);
	put_u64(to + 40, s->memsz, false);
	return to + ELF_PHDR_MAX;
}

uint8_t *invented_core(const struct invented *m, size_t *len)
{
	static const uint8_t ident[] = { 0x7f, 'E', 'L', 'F', 2, 1, 1 };
	size_t notes_at = ELF_HEADER_MAX + (m->n_areas + 1) * ELF_PHDR_MAX, data_at;
	size_t notes_len = ELF_NHDR_LEN + 12 + m->text_len;
	struct mem_segment s = { .filesz = notes_len, .memsz = notes_len };
	uint8_t *core, *to;

	data_at = (notes_at + notes_len + PAGE_SIZE_MIN - 1) & ~(size_t)(PAGE_SIZE_MIN - 1);
	*len = data_at + sizeof(m->frames);
	core = calloc(1, *len);
	REQUIRE(core);
	memcpy(core, ident, sizeof(ident));
	put_u16(core + 16, 4, false);
	put_u16(core + 18, ELF_EM_X86_64, false);
	put_u32(core + 20, 1, false);
	put_u64(core + 32, ELF_HEADER_MAX, false);
	put_u16(core + 52, ELF_HEADER_MAX, false);
	put_u16(core + 54, ELF_PHDR_MAX, false);
	put_u16(core + 56, (uint16_t)(m->n_areas + 1), false);
	to = put_phdr(core + ELF_HEADER_MAX, ELF_PT_NOTE, &s, notes_at);
	for (size_t i = 0; i < m->n_areas; i++) {
		const struct area *a = &m->areas[i];

		s = (struct mem_segment){ .paddr = a->start << 12, .vaddr = direct(m, 0, 0) + (a->start << 12),
					  .memsz = (a->end - a->start) << 12 };
		s.filesz = a->kind == RUN_EMPTY ? 0 : s.memsz;
		/* only the first is whole; the others show the same bytes as far as the file goes */
		to = put_phdr(to, ELF_PT_LOAD, &s, a->kind == RUN_LOST ? *len : data_at);
	}
	put_u32(to, 11, false);
	put_u32(to + 4, (uint32_t)m->text_len, false);
	memcpy(to + ELF_NHDR_LEN, "VMCOREINFO", 11);
	memcpy(to + ELF_NHDR_LEN + 12, m->text, m->text_len);
	memcpy(core + data_at, m->frames, sizeof(m->frames));
	return core;
}
