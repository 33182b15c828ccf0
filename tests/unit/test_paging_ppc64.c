/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ppc64: every form of table in both byte orders, the list of struct pages, and damage to both; ppc of 32 bits. */
#include "world.h"

static struct world w;
static struct err e;

#define PAGES 0x200 /* of 4 KiB */
#define ROOT 0x10000
#define LINEAR UINT64_C(0xc000000000000000)
#define BIT_63 (UINT64_C(1) << 63)
#define G (UINT64_C(1) << 30)

static const char root_fact[] = "SYMBOL(swapper_pg_dir)=c000000000010000\n";

static int close_world(void **state)
{
	(void)state;
	world_close(&w);
	return 0;
}

static void open_world(unsigned page_shift, bool big_endian, uint32_t version, const char *facts)
{
	world_open_machine(&w, &arch_ppc64, page_shift, big_endian, PAGES);
	world_facts(&w, facts);
	w.k.version = version;
}

/* --- tables -------------------------------------------------------------------------------------------------- */

enum kind {
	VIRTUAL,    /* up to 4.5 */
	PHYSICAL,   /* 4.6: all else as before */
	AS_HARDWARE /* since 4.7 */
};

/* The numbers of index bits from the lowest table up, as the kernels' headers have them; 0: there is no such table. */
struct row {
	uint32_t from, to; /* versions */
	unsigned page_shift;
	unsigned bits[4];
	enum kind kind;
	uint64_t present;
	unsigned pfn_shift; /* VIRTUAL */
	uint64_t low[4];    /* of entries that lead to tables: bits that are no address */
	uint64_t high;	    /* of entries of pages: the bits above the address, but for the two highest */
	bool radix;
};

#define V(major, minor) KVERSION(major, minor)
#define HIGH_4_6 UINT64_C(0x3e00000000000000)
#define HIGH_4_11 UINT64_C(0x3fe0000000000000)
#define NO_BITS   \
	{         \
		0 \
	}
#define LOW_BYTE                    \
	{                           \
		0, 0xff, 0xff, 0xff \
	}

/* clang-format off */
static const struct row rows[] = {
	{ V(2, 6), V(3, 9), 16, { 12, 12, 0, 4 }, VIRTUAL, 1, 30, { 0, 0x1ff, 0x1ff, 0x1ff }, 0, false },
	{ V(3, 10), V(3, 10), 16, { 8, 10, 0, 12 }, VIRTUAL, 1, 30, { 0, 0x1ff, 0x1ff, 0x1ff }, 0, false },
	{ V(3, 11), V(4, 4), 16, { 8, 10, 0, 12 }, VIRTUAL, 1, 30, { 0, 0xfff, 0x1ff, 0x1ff }, 0, false },
	{ V(4, 5), V(4, 5), 16, { 8, 10, 0, 12 }, VIRTUAL, 2, 30, { 0, 0xfff, 0x1ff, 0x1ff }, 0, false },
	{ V(4, 6), V(4, 6), 16, { 8, 5, 5, 12 }, PHYSICAL, BIT_63, 0, LOW_BYTE, HIGH_4_6, false },
	{ V(4, 7), V(4, 10), 16, { 8, 5, 5, 12 }, AS_HARDWARE, BIT_63, 0, LOW_BYTE, HIGH_4_6, false },
	{ V(4, 11), V(4, 11), 16, { 8, 5, 5, 12 }, AS_HARDWARE, BIT_63, 0, LOW_BYTE, HIGH_4_11, false },
	{ V(4, 12), V(4, 16), 16, { 8, 10, 7, 8 }, AS_HARDWARE, BIT_63, 0, LOW_BYTE, HIGH_4_11, false },
	{ V(4, 17), V(7, 2), 16, { 8, 10, 10, 8 }, AS_HARDWARE, BIT_63, 0, LOW_BYTE, HIGH_4_11, false },
	{ V(4, 7), V(4, 10), 16, { 5, 9, 9, 13 }, AS_HARDWARE, BIT_63, 0, LOW_BYTE, HIGH_4_6, true },
	{ V(4, 11), V(7, 2), 16, { 5, 9, 9, 13 }, AS_HARDWARE, BIT_63, 0, LOW_BYTE, HIGH_4_11, true },
	{ V(2, 6), V(3, 6), 12, { 9, 7, 7, 9 }, VIRTUAL, 1, 17, NO_BITS, 0, false },
	{ V(3, 7), V(4, 4), 12, { 9, 7, 9, 9 }, VIRTUAL, 1, 17, NO_BITS, 0, false },
	{ V(4, 5), V(4, 5), 12, { 9, 7, 9, 9 }, VIRTUAL, 2, 18, NO_BITS, 0, false },
	{ V(4, 6), V(4, 6), 12, { 9, 7, 9, 9 }, PHYSICAL, BIT_63, 0, NO_BITS, HIGH_4_6, false },
	{ V(4, 7), V(4, 10), 12, { 9, 7, 9, 9 }, AS_HARDWARE, BIT_63, 0, LOW_BYTE, HIGH_4_6, false },
	{ V(4, 11), V(7, 2), 12, { 9, 7, 9, 9 }, AS_HARDWARE, BIT_63, 0, LOW_BYTE, HIGH_4_11, false },
	{ V(4, 7), V(7, 2), 12, { 9, 9, 9, 13 }, AS_HARDWARE, BIT_63, 0, LOW_BYTE, 0, true },
};
/* clang-format on */

static paddr_t next_table;

static void put_entry(const struct row *r, paddr_t at, uint64_t value)
{
	assert_true(at + 8 <= PAGES * 4096);
	put_u64(w.mem.bytes + at, value, r->kind == AS_HARDWARE || w.k.target.big_endian);
}

/* Where the entry of `level` for `v` is, with tables made on the way; they are far enough apart for any of them. */
static paddr_t entry_of(const struct row *r, vaddr_t v, unsigned level)
{
	unsigned shift = r->page_shift + r->bits[0] + r->bits[1] + r->bits[2] + r->bits[3];
	paddr_t table = ROOT;

	for (unsigned l = 3;; l--) {
		paddr_t at;

		if (!r->bits[l])
			continue;
		shift -= r->bits[l];
		at = table + (v >> shift & ((1u << r->bits[l]) - 1)) * 8;
		if (l == level)
			return at;
		table = get_u64(w.mem.bytes + at, r->kind == AS_HARDWARE || w.k.target.big_endian) & 0xff0000;
		if (!table) {
			table = next_table;
			next_table += 0x10000;
			put_entry(r, at,
				  table | r->low[l] |
					  (r->kind == VIRTUAL  ? LINEAR :
					   r->kind == PHYSICAL ? 0 :
								 BIT_63));
		}
	}
}

static uint64_t page_entry(const struct row *r, paddr_t to)
{
	if (r->kind != VIRTUAL)
		return to | BIT_63 | BIT_63 >> 1 | r->high | 0x18e;
	return to >> r->page_shift << r->pfn_shift | (UINT64_C(0x1fffc) & ~r->present) | r->present;
}

static uint64_t level_len(const struct row *r, unsigned level)
{
	unsigned shift = r->page_shift;

	while (level--)
		shift += r->bits[level];
	return UINT64_C(1) << shift;
}

static void open_row(const struct row *r, bool big_endian, uint32_t version)
{
	open_world(r->page_shift, big_endian, version, root_fact);
	next_table = ROOT + 0x10000;
	/* the linear map is in radix tables only: by it they are told apart */
	if (r->radix)
		put_entry(r, entry_of(r, LINEAR, 2), page_entry(r, 0));
}

static void check_leaf(vaddr_t vaddr, paddr_t paddr, uint64_t len)
{
	struct mapping m = { 0 };

	assert_ok(paging_walk(w.km, vaddr, &m, NULL, NULL, &e));
	assert_int_equal(m.len, len);
	assert_int_equal(m.vaddr, vaddr & ~(len - 1));
	assert_int_equal(m.paddr + (vaddr - m.vaddr), paddr);
}

static enum status walk(vaddr_t vaddr)
{
	struct mapping m;

	return paging_walk(w.km, vaddr, &m, NULL, NULL, &e);
}

static vaddr_t vmalloc_of(const struct row *r)
{
	return (r->page_shift == 16 && r->kind == AS_HARDWARE) || r->radix ? UINT64_C(0xc008000000000000) :
									     UINT64_C(0xd000000000000000);
}

TEST(every_form_of_table_is_walked_in_both_byte_orders)
{
	for (unsigned i = 0; i < 4 * ARRAY_SIZE(rows); i++) {
		const struct row *r = &rows[i / 4];
		vaddr_t v = vmalloc_of(r) + 0x1234567, large = v + level_len(r, 1) * 3;
		uint64_t page = UINT64_C(1) << r->page_shift;

		open_row(r, i & 1, i & 2 ? r->to : r->from);
		put_entry(r, entry_of(r, v, 0), page_entry(r, UINT64_C(0x123456780000)));
		if (r->kind != VIRTUAL)
			put_entry(r, entry_of(r, large, 1), page_entry(r, 0x40000000));
		world_setup(&w);
		assert_int_equal(!strncmp(w.k.arch_state.paging->name, "radix", 5), r->radix);
		check_leaf(v, UINT64_C(0x123456780000) + (v & (page - 1)), page);
		assert_int_equal(walk(v + page), E_MISSING);
		if (r->kind != VIRTUAL)
			check_leaf(large, 0x40000000 + (large & (level_len(r, 1) - 1)), level_len(r, 1));
		world_close(&w);
	}
}

TEST(entry_that_is_absent_at_any_level_is_missing)
{
	for (unsigned i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct row *r = &rows[i];
		vaddr_t v = vmalloc_of(r) + 0x7654321;

		for (unsigned level = 0; level < 4; level++) {
			if (!r->bits[level])
				continue;
			open_row(r, false, r->to);
			put_entry(r, entry_of(r, v, level), level ? 0 : page_entry(r, 0x50000) & ~r->present);
			world_setup(&w);
			assert_int_equal(walk(v), E_MISSING);
			if (level && r->kind == AS_HARDWARE) {
				/* a directory of huge pages has not the highest bit */
				put_entry(r, entry_of(r, v, level), 0x5000002a);
				world_setup(&w);
				assert_int_equal(walk(v), E_MISSING);
			}
			world_close(&w);
		}
	}
}

TEST(tables_outside_the_dump_and_tables_that_point_at_themselves_end)
{
	for (unsigned i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct row *r = &rows[i];
		vaddr_t v = vmalloc_of(r) + 0x7654321;
		uint64_t type = r->kind == VIRTUAL ? LINEAR : BIT_63;

		for (unsigned level = 1; level < 4; level++) {
			if (!r->bits[level])
				continue;
			open_row(r, true, r->from);
			put_entry(r, entry_of(r, v, level), type | 0x7fff0000);
			world_setup(&w);
			assert_int_equal(walk(v), E_UNREADABLE);
			/* higher than any memory */
			put_entry(r, entry_of(r, v, level), type | UINT64_C(0x3fffffffffff0000));
			world_setup(&w);
			assert_int_equal(walk(v), E_MISSING);
			world_close(&w);
		}
		open_row(r, true, r->from);
		for (unsigned n = 0; n < 0x10000; n += 8)
			put_entry(r, ROOT + n, type | ROOT);
		world_setup(&w);
		(void)walk(v);
		(void)walk(LINEAR);
		world_close(&w);
	}
}

TEST(addresses_of_no_region_are_not_mapped)
{
	const struct row *r = &rows[10];
	vaddr_t v = UINT64_C(0xc008000001230000);

	open_row(r, false, r->to);
	put_entry(r, entry_of(r, v, 0), page_entry(r, 0x50000));
	world_setup(&w);
	check_leaf(v, 0x50000, 0x10000);
	/* the tables have no index for these bits */
	assert_int_equal(walk(v & ~LINEAR), E_MISSING);
	assert_int_equal(walk(v | UINT64_C(1) << 55), E_MISSING);
}

TEST(radix_is_seen_in_the_tables_and_believed_where_they_cannot_be_read)
{
	const struct row *r = &rows[10];

	/* no linear map: these are hash tables */
	open_world(16, false, V(6, 1), root_fact);
	world_setup(&w);
	assert_string_equal(w.k.arch_state.paging->name, "hash, 64 KiB, 8+10+10+8");
	world_close(&w);
	/* a linear map that leads elsewhere */
	open_row(r, false, V(6, 1));
	put_entry(r, entry_of(r, LINEAR, 2), page_entry(r, G));
	world_setup(&w);
	assert_string_equal(w.k.arch_state.paging->name, "hash, 64 KiB, 8+10+10+8");
	world_close(&w);
	/* the kernel tells */
	for (unsigned told = 0; told < 2; told++) {
		char text[128];

		snprintf(text, sizeof(text), "%sNUMBER(RADIX_MMU)=%u\n", root_fact, told);
		open_world(12, false, V(6, 12), text);
		w.mem.unreadable[ROOT >> 12] = 1;
		world_setup(&w);
		assert_string_equal(w.k.arch_state.paging->name, told ? "radix, 4 KiB" : "hash, 4 KiB, 9+7+9+9");
		assert_int_equal(walk(UINT64_C(0xc008000000000000)), told ? E_MISSING : E_UNREADABLE);
		world_close(&w);
	}
	/* nobody tells the version: it is a new one */
	open_row(r, false, 0);
	world_setup(&w);
	assert_string_equal(w.k.arch_state.paging->name, "radix, 64 KiB");
}

TEST(linear_map_has_what_the_machine_has_and_ends_before_vmalloc)
{
	uint64_t left;
	paddr_t at;

	open_world(16, false, V(6, 12), "NUMBER(VMALLOC_START)=0xc000000000080000\n");
	world_setup(&w);
	assert_false(w.k.arch_state.has_root);
	assert_ok(kmem_translate(w.km, LINEAR + 0x7fff0, &at, &left, &e));
	assert_int_equal(at, 0x7fff0);
	assert_int_equal(left, 0x10);
	assert_int_equal(kmem_translate(w.km, LINEAR + 0x80000, &at, &left, &e), E_MISSING);
	world_close(&w);
	open_world(16, false, V(6, 12), "NUMBER(VMALLOC_START)=0xc008000000000000\nSYMBOL(swapper_pg_dir)=10000\n");
	world_setup(&w);
	assert_false(w.k.arch_state.has_root);
	assert_int_equal(w.k.arch_state.linear[0].end, LINEAR + PAGES * 4096);
	assert_int_equal(w.k.arch_state.linear[0].trust, RANGE_FIXED);
}

/* --- the list ------------------------------------------------------------------------------------------------ */

#define CHUNK 0x10000
#define VMEMMAP UINT64_C(0xf000000000000000)
#define HEAD 0x1000
#define PSIZE 0x1008
#define PSIZE_DEFS 0x2000
#define LIST 0x3000

/* The sizes of the structs are not those of any kernel; numbers of page sizes are ints. */
static const char list_facts[] = "SYMBOL(vmemmap_list)=c000000000001000\nSYMBOL(mmu_vmemmap_psize)=c000000000001008\n"
				 "SYMBOL(mmu_psize_defs)=c000000000002000\nSIZE(mmu_psize_def)=48\n"
				 "OFFSET(mmu_psize_def.shift)=8\nSIZE(vmemmap_backing)=32\n"
				 "OFFSET(vmemmap_backing.list)=0\nOFFSET(vmemmap_backing.phys)=8\n"
				 "OFFSET(vmemmap_backing.virt_addr)=24\n";

static vaddr_t entry_address(unsigned i)
{
	return LINEAR + LIST + 32 * i;
}

static void put_backing(unsigned i, uint64_t chunk, paddr_t at, vaddr_t next)
{
	world_put_long(&w, LIST + 32 * i, next);
	world_put_long(&w, LIST + 32 * i + 8, at);
	world_put_long(&w, LIST + 32 * i + 24, VMEMMAP + chunk * CHUNK);
}

static void open_list(bool big_endian)
{
	open_world(16, big_endian, V(3, 10), list_facts);
	world_put_u32(&w, PSIZE, 3);
	world_put_u32(&w, PSIZE_DEFS + 3 * 48 + 8, 16);
	world_put_long(&w, HEAD, entry_address(0));
}

TEST(list_of_struct_pages_is_sorted_and_joined)
{
	for (unsigned big_endian = 0; big_endian < 2; big_endian++) {
		uint64_t left;
		paddr_t at;

		open_list(big_endian);
		/* as a kernel leaves it: the last one first; chunks 4 and 5 are together in memory, too */
		put_backing(0, 5, 0x60000, entry_address(1));
		put_backing(1, 4, 0x50000, entry_address(2));
		put_backing(2, 0, 0x90000, entry_address(3));
		put_backing(3, 1, 0x80000, 0);
		world_setup(&w);
		assert_int_equal(w.k.arch_state.n_pieces, 3);
		assert_ok(kmem_translate(w.km, VMEMMAP + 0x123, &at, &left, &e));
		assert_int_equal(at, 0x90123);
		assert_int_equal(left, CHUNK - 0x123);
		assert_ok(kmem_translate(w.km, VMEMMAP + CHUNK, &at, &left, &e));
		assert_int_equal(at, 0x80000);
		assert_ok(kmem_translate(w.km, VMEMMAP + 4 * CHUNK + 1, &at, &left, &e));
		assert_int_equal(at, 0x50001);
		assert_int_equal(left, 2 * CHUNK - 1);
		assert_int_equal(kmem_translate(w.km, VMEMMAP + 2 * CHUNK, &at, &left, &e), E_MISSING);
		assert_int_equal(kmem_translate(w.km, VMEMMAP + 6 * CHUNK, &at, &left, &e), E_MISSING);
		world_close(&w);
	}
}

TEST(vtop_tells_where_fixed_addresses_lie_that_no_table_has)
{
	struct capture c;
	char *text;

	open_list(false);
	world_facts(&w, root_fact);
	put_backing(0, 5, 0x60000, 0);
	world_setup(&w);
	capture_start(&c, 1);
	message_set_level(MSG_COMMON);
	assert_ok(kernel_print_translation(&w.k, VMEMMAP + 5 * CHUNK + 0x42, &e));
	assert_ok(kernel_print_translation(&w.k, LINEAR + 0x12340, &e));
	assert_ok(kernel_print_translation(&w.k, VMEMMAP + 7 * CHUNK, &e));
	message_set_level(0);
	text = captured(&c);
	assert_contains(text, "f000000000050042  60042\n");
	assert_contains(text, "c000000000012340  12340\n");
	assert_contains(text, "f000000000070000  ffffffffffffffff\n");
	free(text);
}

TEST(long_list_is_kept_whole)
{
	enum { N = 1000 };

	for (unsigned joined = 0; joined < 2; joined++) {
		open_list(true);
		/* the source has to have that much memory */
		w.mem.src->end = (uint64_t)N * CHUNK;
		for (unsigned i = 0; i < N; i++)
			put_backing(i, joined ? i : 2 * i, (paddr_t)i * CHUNK, i + 1 < N ? entry_address(i + 1) : 0);
		world_setup(&w);
		assert_int_equal(w.k.arch_state.n_pieces, joined ? 1 : N);
		assert_int_equal(w.k.arch_state.pieces[joined ? 0 : N - 1].len, joined ? N * CHUNK : CHUNK);
		world_close(&w);
	}
}

TEST(list_that_never_ends_is_left_when_it_comes_back)
{
	/* to itself, to the head, to one in the middle */
	for (unsigned back = 0; back < 3; back++) {
		open_list(false);
		for (unsigned i = 0; i < 10; i++)
			put_backing(i, i, 0x10000 + i % 3 * 0x1000, entry_address(i + 1));
		put_backing(10, 10, 0x10000, entry_address(back == 0 ? 10 : back == 1 ? 0 : 4));
		world_setup(&w);
		assert_int_equal(w.k.arch_state.n_pieces, 11);
		world_close(&w);
	}
}

TEST(entries_that_lie_cost_only_themselves)
{
	open_list(false);
	put_backing(0, 0, 0x60000, entry_address(1));
	/* no memory, no kernel address, the end of all addresses */
	put_backing(1, 1, UINT64_C(0x7000000000), entry_address(2));
	put_backing(2, 2, 0x50000, entry_address(3));
	world_put_long(&w, LIST + 32 * 2 + 24, 0x70000000);
	put_backing(3, 3, 0x50000, entry_address(4));
	world_put_long(&w, LIST + 32 * 3 + 24, UINT64_C(0xffffffffffff8000));
	/* twice the same, and one that reaches into another */
	put_backing(4, 0, 0x60000, entry_address(5));
	put_backing(5, 1, 0x80000, entry_address(6));
	world_put_long(&w, LIST + 32 * 5 + 24, VMEMMAP + CHUNK / 2);
	/* in the middle of a page, from there and to there */
	put_backing(6, 5, 0x50000, entry_address(7));
	world_put_long(&w, LIST + 32 * 6 + 24, VMEMMAP + 5 * CHUNK + 0x980);
	put_backing(7, 7, 0x50980, entry_address(8));
	/* and then a pointer to nowhere */
	put_backing(8, 9, 0x90000, LINEAR + UINT64_C(0x7000000000));
	world_setup(&w);
	assert_int_equal(w.k.arch_state.n_pieces, 3);
	assert_int_equal(w.k.arch_state.pieces[0].len, CHUNK);
	assert_int_equal(w.k.arch_state.pieces[1].vaddr, VMEMMAP + CHUNK);
	assert_int_equal(w.k.arch_state.pieces[1].paddr, 0x80000 + CHUNK / 2);
	assert_int_equal(w.k.arch_state.pieces[1].len, CHUNK / 2);
	assert_int_equal(w.k.arch_state.pieces[2].vaddr, VMEMMAP + 9 * CHUNK);
}

TEST(list_without_a_size_or_without_entries_is_none)
{
	static const uint32_t sizes[] = { 0, 11, 35, UINT32_MAX };

	for (unsigned i = 0; i <= ARRAY_SIZE(sizes) + 1; i++) {
		open_list(true);
		put_backing(0, 0, 0x60000, 0);
		if (i < ARRAY_SIZE(sizes))
			world_put_u32(&w, PSIZE_DEFS + 3 * 48 + 8, sizes[i]);
		else if (i == ARRAY_SIZE(sizes))
			world_put_u32(&w, PSIZE, UINT32_MAX);
		else
			world_put_long(&w, HEAD, 0);
		world_setup(&w);
		assert_int_equal(w.k.arch_state.n_pieces, 0);
		world_close(&w);
	}
	open_list(true);
	w.k.facts.of[F_psize_def_size].known = false;
	world_setup(&w);
	assert_int_equal(w.k.arch_state.n_pieces, 0);
}

TEST(length_of_mem_section_tells_the_address_bits)
{
	/* 64 KiB pages hold 2048 of them */
	static const struct {
		unsigned length, bits;
	} rows_of[] = { { 512, 44 }, { 2048, 46 }, { 4096, 47 }, { 65536, 51 }, { 777, 46 } };

	for (size_t i = 0; i < ARRAY_SIZE(rows_of); i++) {
		char text[96];

		snprintf(text, sizeof(text), "SIZE(mem_section)=32\nLENGTH(mem_section)=%u\n", rows_of[i].length);
		open_world(16, true, V(4, 4), text);
		world_setup(&w);
		address_map_limits(&w.k);
		assert_int_equal(w.k.arch_state.section_bits, 24);
		assert_int_equal(w.k.arch_state.physmem_bits, rows_of[i].bits);
		world_close(&w);
	}
}

/* --- 32 bits ------------------------------------------------------------------------------------------------- */

static paddr_t translated(vaddr_t vaddr)
{
	paddr_t at = PADDR_NONE;

	return kmem_translate(w.km, vaddr, &at, NULL, &e) ? PADDR_NONE : at;
}

TEST(ppc_has_its_linear_map_where_segments_or_the_text_say)
{
	world_open_machine(&w, &arch_ppc, 12, true, PAGES);
	world_setup(&w);
	assert_int_equal(translated(0xc0012345), 0x12345);
	assert_int_equal(translated(0xc0000000 + PAGES * 4096), PADDR_NONE);
	assert_int_equal(translated(0xbfffffff), PADDR_NONE);
	assert_int_equal(w.k.arch_state.kernel_start, 0xc0000000);
	/* another split */
	world_facts(&w, "SYMBOL(_stext)=80000000\n");
	world_setup(&w);
	assert_int_equal(translated(0x80012345), 0x12345);
	/* QEMU's segments say nothing, those of /proc/vmcore do; memory above the map has no address */
	w.mem.segments[0] = (struct mem_segment){ 0x100000, 0x100000, 0x1000, 0x1000, 7 };
	w.mem.n_segments = 1;
	world_setup(&w);
	assert_int_equal(translated(0x80012345), 0x12345);
	w.mem.segments[1] = (struct mem_segment){ 0x10000, 0xb0000000, 0x80000, 0x80000, 7 };
	w.mem.segments[2] = (struct mem_segment){ 0x90000, 0xffffffff, 0x80000, 0x80000, 7 };
	w.mem.segments[3] = (struct mem_segment){ 0x90000, UINT64_MAX, 0x80000, 0x80000, 7 };
	w.mem.n_segments = 4;
	world_setup(&w);
	assert_int_equal(translated(0xb0002345), 0x12345);
	assert_int_equal(translated(0xb0080000), PADDR_NONE);
	assert_int_equal(translated(0x80012345), PADDR_NONE);
}

TEST(ppc_walks_tables_that_have_physical_or_virtual_addresses)
{
	/* f1001abc: entry 964 of the root, 1 of its table */
	for (unsigned is_virtual = 0; is_virtual < 2; is_virtual++) {
		world_open_machine(&w, &arch_ppc, 12, true, PAGES);
		world_facts(&w, "SYMBOL(swapper_pg_dir)=c0010000\n");
		put_u32(w.mem.bytes + 0x10000 + 964 * 4, (is_virtual ? 0xc0020000 : 0x20000) | 1, true);
		put_u32(w.mem.bytes + 0x20000 + 1 * 4, 0xd0001593, true);
		put_u32(w.mem.bytes + 0x20000 + 2 * 4, 0xd0002592, true);
		put_u32(w.mem.bytes + 0x10000 + 965 * 4, 0xf0000001, true);
		put_u32(w.mem.bytes + 0x10000 + 966 * 4, 0x7ffff001, true);
		world_setup(&w);
		check_leaf(0xf1001abc, 0xd0001abc, 4096);
		assert_int_equal(walk(0xf1002000), E_MISSING);
		assert_int_equal(walk(0xf1400000), E_MISSING);
		assert_int_equal(walk(0xf1800000), E_UNREADABLE);
		assert_int_equal(walk(0xf1c00000), E_MISSING);
		assert_int_equal(walk(UINT64_C(0x1f1001abc)), E_MISSING);
		world_close(&w);
	}
	/* other pages, another root: no tables */
	world_open_machine(&w, &arch_ppc, 14, true, PAGES);
	world_facts(&w, "SYMBOL(swapper_pg_dir)=c0010000\n");
	world_setup(&w);
	assert_false(w.k.arch_state.has_root);
	world_close(&w);
	world_open_machine(&w, &arch_ppc, 12, true, PAGES);
	world_facts(&w, "SYMBOL(swapper_pg_dir)=f0010000\n");
	world_setup(&w);
	assert_false(w.k.arch_state.has_root);
}

TEST(machines_are_told_by_number_and_class)
{
	assert_ptr_equal(arch_find(21, true), &arch_ppc64);
	assert_null(arch_find(21, false));
	assert_ptr_equal(arch_find(20, false), &arch_ppc);
	assert_ptr_equal(arch_find(20, true), &arch_ppc);
	assert_true(arch_order(&arch_ppc64, true));
	assert_false(arch_order(&arch_ppc64, false));
	assert_true(arch_order(&arch_ppc, false));
}

#define IN_WORLD(test) cmocka_unit_test_teardown(test, close_world)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_form_of_table_is_walked_in_both_byte_orders),
		cmocka_unit_test(entry_that_is_absent_at_any_level_is_missing),
		cmocka_unit_test(tables_outside_the_dump_and_tables_that_point_at_themselves_end),
		IN_WORLD(addresses_of_no_region_are_not_mapped),
		IN_WORLD(radix_is_seen_in_the_tables_and_believed_where_they_cannot_be_read),
		IN_WORLD(linear_map_has_what_the_machine_has_and_ends_before_vmalloc),
		cmocka_unit_test(list_of_struct_pages_is_sorted_and_joined),
		IN_WORLD(vtop_tells_where_fixed_addresses_lie_that_no_table_has),
		cmocka_unit_test(long_list_is_kept_whole),
		cmocka_unit_test(list_that_never_ends_is_left_when_it_comes_back),
		IN_WORLD(entries_that_lie_cost_only_themselves),
		IN_WORLD(list_without_a_size_or_without_entries_is_none),
		cmocka_unit_test(length_of_mem_section_tells_the_address_bits),
		IN_WORLD(ppc_has_its_linear_map_where_segments_or_the_text_say),
		IN_WORLD(ppc_walks_tables_that_have_physical_or_virtual_addresses),
		cmocka_unit_test(machines_are_told_by_number_and_class),
	};

	message_set_level(0);
	return cmocka_run_group_tests_name("paging of ppc64", tests, NULL, NULL);
}
