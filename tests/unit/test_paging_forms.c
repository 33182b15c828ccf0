/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Page tables of x86, arm, arm64 and riscv64 in each of their forms, entry by entry, and damage to them. */
#include "world.h"

static struct world w;
static struct err e;

static int close_world(void **state)
{
	(void)state;
	world_close(&w);
	return 0;
}

struct entry {
	paddr_t at;
	uint64_t value;
};

/* len 0: not mapped; else of what the entry by itself maps */
struct expect {
	vaddr_t vaddr;
	paddr_t paddr;
	uint64_t len;
};

struct form {
	const struct arch_ops *arch;
	unsigned page_shift, entry_bytes;
	const char *paging; /* its name */
	const char *facts;
	paddr_t root;
	struct entry entries[12];
	struct expect expect[8];
};

#define K (UINT64_C(1) << 10)
#define M (UINT64_C(1) << 20)
#define G (UINT64_C(1) << 30)

/* clang-format off */
static const struct form forms[] = {
	/* 4 levels: indices of ffff8000 08a01000: 256, 0, 69, 1 */
	{ &arch_arm64, 12, 8, "4 KiB, 48 bits",
	  "NUMBER(VA_BITS)=48\nNUMBER(PHYS_OFFSET)=0x40000000\nNUMBER(kimage_voffset)=0xffff800008000000\n"
	  "SYMBOL(swapper_pg_dir)=ffff800008001000\nSYMBOL(_stext)=ffff800008010000\n", 0x1000,
	  { { 0x1800, 0x2003 }, { 0x2000, 0x3003 }, { 0x3228, 0x4003 }, { 0x4008, 0x68000123456f83 },
	    { 0x3230, 0x0078000080200f11 }, { 0x2008, 0x0078000140000f11 }, { 0x4010, 0x123457f81 } },
	  { { 0xffff800008a01abc, 0x123456abc, 4 * K }, { 0xffff800008c12345, 0x80212345, 2 * M },
	    { 0xffff800055667788, 0x155667788, 1 * G }, { 0xffff800008a02000, 0, 0 } /* no page at the lowest level */,
	    { 0xffff800008a03000, 0, 0 }, { 0x0000800008a01abc, 0, 0 } } },
	/* 39 bits: 3 levels */
	{ &arch_arm64, 12, 8, "4 KiB, 39 bits",
	  "NUMBER(VA_BITS)=39\nNUMBER(PHYS_OFFSET)=0\nNUMBER(kimage_voffset)=0xffffffc008000000\n"
	  "SYMBOL(swapper_pg_dir)=ffffffc008001000\nSYMBOL(_stext)=ffffffc008010000\n", 0x1000,
	  { { 0x1800, 0x2003 }, { 0x2200, 0x3003 }, { 0x3008, 0x77003 } },
	  { { 0xffffffc008001004, 0x77004, 4 * K }, { 0xffffffbfffffffff, 0, 0 } } },
	/* LPA2: 5 levels; bits 51 and 50 of the address are bits 9 and 8 of the entry, 49 and 48 are in their places */
	{ &arch_arm64, 12, 8, "4 KiB, 52 bits",
	  "NUMBER(VA_BITS)=52\nNUMBER(TCR_EL1_T1SZ)=0xc\nNUMBER(PHYS_OFFSET)=0\n"
	  "NUMBER(kimage_voffset)=0xffff800008000000\nSYMBOL(swapper_pg_dir)=ffff800008001000\n"
	  "SYMBOL(_stext)=ffff800008010000\n", 0x1000,
	  { { 0x1078, 0x2003 }, { 0x2800, 0x3003 }, { 0x3000, 0x4003 }, { 0x4200, 0x5003 },
	    { 0x5008, 0x0063234567895703 }, { 0x5010, 0x1000000000007003 } },
	  { { 0xffff800008001010, 0xf234567895010, 4 * K }, { 0xffff800008002010, 0x7010, 4 * K } } },
	/* the same build on a machine without it: 4 levels, and bits 9 and 8 say something else */
	{ &arch_arm64, 12, 8, "4 KiB, 48 bits",
	  "NUMBER(VA_BITS)=52\nNUMBER(TCR_EL1_T1SZ)=0x10\nNUMBER(PHYS_OFFSET)=0\n"
	  "NUMBER(kimage_voffset)=0xffff800008000000\nSYMBOL(swapper_pg_dir)=ffff800008001000\n"
	  "SYMBOL(_stext)=ffff800008010000\n", 0x1000,
	  { { 0x1800, 0x2003 }, { 0x2000, 0x3003 }, { 0x3200, 0x4003 }, { 0x4008, 0x0000234567895703 } },
	  { { 0xffff800008001010, 0x234567895010, 4 * K } } },
	/* 64 KiB pages, built for 52 bits, on a machine with 48: the root has 1024 entries all the same, here number 992 */
	{ &arch_arm64, 16, 8, "64 KiB, 52 bits",
	  "NUMBER(VA_BITS)=52\nNUMBER(TCR_EL1_T1SZ)=0x10\nNUMBER(PHYS_OFFSET)=0xfff1000040000000\n"
	  "NUMBER(kimage_voffset)=0xffff800008000000\nSYMBOL(swapper_pg_dir)=ffff800008010000\n"
	  "SYMBOL(_stext)=ffff800008080000\n", 0x10000,
	  { { 0x11f00, 0x20003 }, { 0x20000, 0x30003 }, { 0x34008, 0x000000000045a003 }, { 0x20008, 0x0000000060005001 } },
	  { { 0xffff800008011234, UINT64_C(0xa000000451234), 64 * K } , { 0xffff800020001234, 0x5000060001234, 512 * M } } },
	{ &arch_arm64, 16, 8, "64 KiB, 42 bits",
	  "NUMBER(VA_BITS)=42\nNUMBER(PHYS_OFFSET)=0\nNUMBER(kimage_voffset)=0xfffffe0008000000\n"
	  "SYMBOL(swapper_pg_dir)=fffffe0008010000\nSYMBOL(_stext)=fffffe0008080000\n", 0x10000,
	  { { 0x18000, 0x20003 }, { 0x24008, 0x450003 }, { 0x18008, 0x60000001 } },
	  { { 0xfffffe0008011234, 0x451234, 64 * K }, { 0xfffffe0020001234, 0x60001234, 512 * M } } },
	{ &arch_arm64, 14, 8, "16 KiB, 47 bits",
	  "NUMBER(VA_BITS)=47\nNUMBER(PHYS_OFFSET)=0\nNUMBER(kimage_voffset)=0xffffc00008000000\n"
	  "SYMBOL(swapper_pg_dir)=ffffc00008004000\nSYMBOL(_stext)=ffffc00008010000\n", 0x4000,
	  { { 0x6000, 0x8003 }, { 0x8020, 0xc003 }, { 0xc008, 0x44003 }, { 0x8028, 0x2000001 } },
	  { { 0xffffc00008004567, 0x44567, 16 * K }, { 0xffffc0000a000001, 0x2000001, 32 * M } } },
	{ &arch_arm64, 14, 8, "16 KiB, 36 bits",
	  "NUMBER(VA_BITS)=36\nNUMBER(PHYS_OFFSET)=0\nNUMBER(kimage_voffset)=0xfffffff808000000\n"
	  "SYMBOL(swapper_pg_dir)=fffffff808004000\nSYMBOL(_stext)=fffffff808010000\n", 0x4000,
	  { { 0x6020, 0x8003 }, { 0x8008, 0x44003 } },
	  { { 0xfffffff808004567, 0x44567, 16 * K } } },
	{ &arch_arm64, 14, 8, "16 KiB, 48 bits",
	  "NUMBER(VA_BITS)=48\nNUMBER(PHYS_OFFSET)=0\nNUMBER(kimage_voffset)=0xffff800008000000\n"
	  "SYMBOL(swapper_pg_dir)=ffff800008004000\nSYMBOL(_stext)=ffff800008010000\n", 0x4000,
	  { { 0x4008, 0x8003 }, { 0x8000, 0xc003 }, { 0xc020, 0x10003 }, { 0x10008, 0x44003 } },
	  { { 0xffff800008004567, 0x44567, 16 * K } } },
	{ &arch_arm64, 14, 8, "16 KiB, 52 bits",
	  "NUMBER(VA_BITS)=52\nNUMBER(TCR_EL1_T1SZ)=0xc\nNUMBER(PHYS_OFFSET)=0\n"
	  "NUMBER(kimage_voffset)=0xffff800008000000\nSYMBOL(swapper_pg_dir)=ffff800008004000\n"
	  "SYMBOL(_stext)=ffff800008010000\n", 0x4000,
	  { { 0x40f8, 0x8003 }, { 0x8000, 0xc003 }, { 0xc020, 0x10003 }, { 0x10008, 0x0003000000044303 } },
	  { { 0xffff800008004567, 0xf000000044567, 16 * K } } },
	/* riscv64: 510 is the third level's index of ffffffff80000000, 511 above it */
	{ &arch_riscv64, 12, 8, "sv39",
	  "NUMBER(VA_BITS)=39\nNUMBER(PAGE_OFFSET)=0xffffffd600000000\nNUMBER(phys_ram_base)=0x80000000\n"
	  "NUMBER(va_kernel_pa_offset)=0xffffffff80000000\nSYMBOL(swapper_pg_dir)=ffffffff80001000\n"
	  "SYMBOL(_stext)=ffffffff80002000\n", 0x1000,
	  { { 0x1ff0, 0x801 }, { 0x2000, 0xc01 }, { 0x3018, 0x48d15cef }, { 0x2010, 0x200000ef }, { 0x2018, 0x200400ef },
	    { 0x3080, 0x80000000200020ef }, { 0x3088, 0x80000000200020ef }, { 0x3090, 0x80000000200010ef } },
	  { { 0xffffffff80003210, 0x123457210, 4 * K }, { 0xffffffff80400010, 0x80000010, 2 * M },
	    { 0xffffffff80600010, 0, 0 } /* a large page out of line */,
	    { 0xffffffff80010123, 0x80000123, 4 * K }, { 0xffffffff80011123, 0x80001123, 4 * K },
	    { 0xffffffff80012123, 0, 0 } /* of 16 pages, but no size that there is */ } },
	{ &arch_riscv64, 12, 8, "sv48",
	  "NUMBER(VA_BITS)=48\nNUMBER(PAGE_OFFSET)=0xffffaf8000000000\nNUMBER(phys_ram_base)=0x80000000\n"
	  "NUMBER(va_kernel_pa_offset)=0xffffffff80000000\nSYMBOL(swapper_pg_dir)=ffffffff80001000\n"
	  "SYMBOL(_stext)=ffffffff80002000\n", 0x1000,
	  { { 0x1ff8, 0x801 }, { 0x2ff0, 0xc01 }, { 0x3000, 0x200000ef }, { 0x2ff8, 0x300000ef } },
	  { { 0xffffffff80000010, 0x80000010, 2 * M }, { 0xffffffffc0000010, 0xc0000010, 1 * G },
	    { 0x0000ffff80000010, 0, 0 } /* sign extension is missing */ } },
	{ &arch_riscv64, 12, 8, "sv57",
	  "NUMBER(VA_BITS)=57\nNUMBER(PAGE_OFFSET)=0xff60000000000000\nNUMBER(phys_ram_base)=0x80000000\n"
	  "NUMBER(va_kernel_pa_offset)=0xffffffff80000000\nSYMBOL(swapper_pg_dir)=ffffffff80001000\n"
	  "SYMBOL(_stext)=ffffffff80002000\n", 0x1000,
	  { { 0x1ff8, 0x801 }, { 0x2ff8, 0xc01 }, { 0x3ff0, 0x1001 }, { 0x4000, 0x200000ef } },
	  { { 0xffffffff80000010, 0x80000010, 2 * M } } },
	/* 6.2 tells the image's address; before it nobody told the mode either: it follows from the tables */
	{ &arch_riscv64, 12, 8, "sv48",
	  "NUMBER(PAGE_OFFSET)=0xffffaf8000000000\nNUMBER(phys_ram_base)=0\n"
	  "SYMBOL(swapper_pg_dir)=ffffffff80001000\nSYMBOL(_stext)=ffffffff80002000\n", 0x1000,
	  { { 0x1ff8, 0x801 }, { 0x2ff0, 0xc01 }, { 0x3000, 0xef } },
	  { { 0xffffffff80000010, 0x10, 2 * M } } },
	/* x86 */
	{ &arch_x86, 12, 8, "PAE",
	  "CONFIG_X86_PAE=y\nSYMBOL(swapper_pg_dir)=c0001000\nSYMBOL(_stext)=c0003000\n", 0x1000,
	  { { 0x1018, 0x2001 }, { 0x2000, 0x3063 }, { 0x3018, 0x8000000000003163 }, { 0x2008, 0x80000008002011e3 },
	    { 0x3020, 0x8000000123456163 }, { 0x1010, 0x2080 } },
	  { { 0xc0003456, 0x3456, 4 * K }, { 0xc0234567, 0x800234567, 2 * M }, { 0xc0004fff, 0x123456fff, 4 * K },
	    { 0xc0005000, 0, 0 }, { 0x80000000, 0, 0 },
	    { 0x1c0003456, 0, 0 } } },
	{ &arch_x86, 12, 4, "no PAE",
	  "SYMBOL(swapper_pg_dir)=c0001000\nSYMBOL(_stext)=c0003000\n", 0x1000,
	  { { 0x1c00, 0x2063 }, { 0x200c, 0x3163 }, { 0x1c04, 0x004011e3 }, { 0x1c08, 0x004061e3 } },
	  { { 0xc0003456, 0x3456, 4 * K }, { 0xc0412345, 0x412345, 4 * M } /* PAT */,
	    { 0xc0812345, 0x300412345, 4 * M } /* 36 bits */, { 0xc0004000, 0, 0 } } },
	/* arm */
	{ &arch_arm, 12, 4, "short descriptors",
	  "SYMBOL(swapper_pg_dir)=c0004000\nSYMBOL(_stext)=c0008000\n", 0x4000,
	  { { 0x7000, 0x0000941e }, { 0x7004, 0x3401 }, { 0x3408, 0x0000a45e }, { 0x3440, 0x00d00001 },
	    { 0x347c, 0x00d00001 }, { 0x7048, 0x051c0002 }, { 0x707c, 0x051400a2 } },
	  { { 0xc0012345, 0x12345, 1 * M }, { 0xc0102abc, 0xaabc, 4 * K }, { 0xc0110abc, 0xd00abc, 4 * K },
	    { 0xc011fabc, 0xd0fabc, 4 * K }, { 0xc0103000, 0, 0 }, { 0xc1234567, UINT64_C(0x105234567), 1 * M },
	    { 0xc1f34567, UINT64_C(0x5105f34567), 1 * M }, { 0xc0200000, 0, 0 } } },
	{ &arch_arm, 12, 8, "LPAE",
	  "CONFIG_ARM_LPAE=y\nSYMBOL(swapper_pg_dir)=c0003000\nSYMBOL(_stext)=c0008000\n", 0x3000,
	  { { 0x3018, 0x4003 }, { 0x4000, 0x00000711 }, { 0x4008, 0x5003 }, { 0x5008, 0x0060000123456743 },
	    { 0x5010, 0x123456741 }, { 0x3010, 0x80000711 } },
	  { { 0xc0012345, 0x12345, 2 * M }, { 0xc0201abc, 0x123456abc, 4 * K }, { 0xc0202000, 0, 0 },
	    { 0x87654321, 0x87654321, 1 * G } } },
};
/* clang-format on */

static void open_form(const struct form *f, bool big_endian)
{
	world_open_machine(&w, f->arch, f->page_shift, big_endian, 0x60000 / 4096);
	world_facts(&w, f->facts);
	if (f->arch == &arch_arm)
		w.mem.segments[w.mem.n_segments++] = (struct mem_segment){ 0, 0, 0x60000, 0x60000, 7 };
	for (size_t i = 0; i < ARRAY_SIZE(f->entries) && f->entries[i].at; i++) {
		uint8_t *at = w.mem.bytes + f->entries[i].at;

		if (f->entry_bytes == 8)
			put_u64(at, f->entries[i].value, big_endian);
		else
			put_u32(at, (uint32_t)f->entries[i].value, big_endian);
	}
	world_setup(&w);
	assert_string_equal(w.k.arch_state.paging->name, f->paging);
	assert_int_equal(w.k.arch_state.root, f->root);
}

TEST(each_form_of_tables_leads_where_its_entries_say)
{
	for (size_t i = 0; i < ARRAY_SIZE(forms); i++)
		for (unsigned big = 0; big < 2; big++) {
			const struct form *f = &forms[i];

			if (!(f->arch->orders & (big ? ORDER_BIG : ORDER_LITTLE)))
				continue;
			open_form(f, big);
			for (size_t j = 0; j < ARRAY_SIZE(f->expect) && f->expect[j].vaddr; j++) {
				const struct expect *x = &f->expect[j];
				struct mapping m = { 0 };
				enum status st = paging_walk(w.km, x->vaddr, &m, NULL, NULL, &e);

				if (st != (x->len ? OK : E_MISSING) ||
				    (x->len && (m.len != x->len || x->vaddr - m.vaddr + m.paddr != x->paddr)))
					fail_msg("form %zu (%s), %#" PRIx64 ": status %d (%s), %#" PRIx64 " in %#" PRIx64,
						 i, f->paging, x->vaddr, (int)st, st ? e.text : "",
						 x->vaddr - m.vaddr + m.paddr, m.len);
			}
			world_close(&w);
		}
}

TEST(tables_that_point_at_themselves_or_nowhere_end_the_walk)
{
	for (size_t i = 0; i < ARRAY_SIZE(forms); i++) {
		const struct form *f = &forms[i];
		/* a table entry of each machine */
		uint64_t low = f->arch == &arch_arm && f->entry_bytes == 4 ? 1 : f->arch == &arch_riscv64 ? 1 : 3;
		uint64_t places[] = { f->root, UINT64_C(1) << 31 };

		for (size_t p = 0; p < 2; p++) {
			uint64_t entry = (f->arch == &arch_riscv64 ? places[p] >> 2 : places[p]) | low;

			open_form(f, false);
			for (paddr_t at = f->root; at < 0x60000; at += f->entry_bytes)
				if (f->entry_bytes == 8)
					put_u64(w.mem.bytes + at, entry, false);
				else
					put_u32(w.mem.bytes + at, (uint32_t)entry, false);
			kmem_close(w.km); /* with the pages it remembers */
			assert_ok(kmem_open(&w.km, &w.k, &e));
			for (size_t j = 0; j < ARRAY_SIZE(f->expect) && f->expect[j].vaddr; j++) {
				struct mapping m;
				enum status st = paging_walk(w.km, f->expect[j].vaddr, &m, NULL, NULL, &e);

				assert_true(st == OK || st == E_MISSING || st == E_UNREADABLE);
				assert_true(p == 0 || st != OK);
			}
			world_close(&w);
		}
	}
}

TEST(linear_map_of_arm64_takes_the_bits_of_the_build)
{
	paddr_t at;

	open_form(&forms[4], false);
	/* PHYS_OFFSET is "negative" where the machine has fewer bits than the build */
	assert_ok(kmem_translate(w.km, UINT64_C(0xffff000000012345), &at, NULL, &e));
	assert_int_equal(at, 0x40012345);
	world_close(&w);
	/* before the flip the linear map is the upper half, and tags are no part of an address */
	world_open_machine(&w, &arch_arm64, 12, false, 16);
	world_facts(&w, "NUMBER(VA_BITS)=48\nNUMBER(PHYS_OFFSET)=0x40000000\nNUMBER(kimage_voffset)=0xffff000008000000\n"
			"SYMBOL(swapper_pg_dir)=ffff000008001000\nSYMBOL(_stext)=ffff000008010000\n");
	world_setup(&w);
	assert_ok(kmem_translate(w.km, UINT64_C(0xffff800000012345), &at, NULL, &e));
	assert_int_equal(at, 0x40012345);
	assert_ok(kmem_translate(w.km, UINT64_C(0xf3ff800000012345), &at, NULL, &e));
	assert_int_equal(at, 0x40012345);
	assert_true(kernel_is_address(&w.k, UINT64_C(0xffff000008001000)));
	assert_false(kernel_is_address(&w.k, UINT64_C(0xfffeffffffffffff)));
}

TEST(arm_counts_from_the_first_page_of_ram)
{
	world_open_machine(&w, &arch_arm, 12, false, 16);
	world_facts(&w, "SYMBOL(swapper_pg_dir)=c0004000\nSYMBOL(_stext)=c0300000\n");
	w.mem.segments[0] = (struct mem_segment){ 0x70000000, 0x70000000, 1, 0x1000000, 7 };
	w.mem.segments[1] = (struct mem_segment){ 0x60000000, 0x60000000, 1, 0x8000000, 7 };
	w.mem.n_segments = 2;
	world_setup(&w);
	assert_int_equal(w.k.arch_state.phys_base, 0x60000000);
	assert_int_equal(w.k.arch_state.pfn_base, 0x60000);
	assert_int_equal(w.k.arch_state.flat_start, 0x60000);
	assert_int_equal(w.k.arch_state.root, 0x60004000);
	/* a kdump file has no segments, but tells */
	w.mem.n_segments = 0;
	w.mem.src->has_phys_base = true;
	w.mem.src->phys_base = 0x80000000;
	world_setup(&w);
	assert_int_equal(w.k.arch_state.pfn_base, 0x80000);
}

TEST(split_of_x86_is_told_by_segments_or_tables)
{
	/* 2 GiB for each: the image at 80003000 */
	world_open_machine(&w, &arch_x86, 12, false, 16);
	world_facts(&w, "SYMBOL(swapper_pg_dir)=80001000\nSYMBOL(_stext)=80003000\n");
	put_u32(w.mem.bytes + 0x1800, 0x2063, false);
	put_u32(w.mem.bytes + 0x200c, 0x3163, false);
	world_setup(&w);
	assert_int_equal(w.k.arch_state.kernel_start, 0x80000000);
	assert_int_equal(w.k.arch_state.root, 0x1000);
	/* without tables the segments */
	put_u32(w.mem.bytes + 0x1800, 0, false);
	w.mem.segments[0] = (struct mem_segment){ 0x38000000, 0xffffffff, 1, 0x1000000, 7 };
	w.mem.segments[1] = (struct mem_segment){ 0x1000, 0x80001000, 1, 0x1000000, 7 };
	w.mem.n_segments = 2;
	world_setup(&w);
	assert_int_equal(w.k.arch_state.kernel_start, 0x80000000);
	/* neither */
	w.mem.n_segments = 0;
	world_setup(&w);
	assert_int_equal(w.k.arch_state.kernel_start, 0xc0000000);
}

TEST(form_of_tables_of_x86_is_tried_where_nothing_tells_it)
{
	/* a vmlinux file does not say "PAE", on which the size of sections depends */
	world_open_machine(&w, &arch_x86, 12, false, 16);
	world_facts(&w, "SYMBOL(swapper_pg_dir)=c0001000\nSYMBOL(_stext)=c0003000\n");
	put_u64(w.mem.bytes + 0x1018, 0x2001, false);
	put_u64(w.mem.bytes + 0x2000, 0x3063, false);
	put_u64(w.mem.bytes + 0x3018, UINT64_C(0x8000000000003163), false);
	world_setup(&w);
	assert_string_equal(w.k.arch_state.paging->name, "PAE");
	assert_int_equal(w.k.arch_state.section_bits, 29);
	assert_int_equal(w.k.arch_state.physmem_bits, 36);
	/* tables that lead nowhere: what was told */
	put_u64(w.mem.bytes + 0x3018, 0, false);
	world_setup(&w);
	assert_string_equal(w.k.arch_state.paging->name, "no PAE");
	assert_int_equal(w.k.arch_state.section_bits, 26);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_form_of_tables_leads_where_its_entries_say),
		cmocka_unit_test(tables_that_point_at_themselves_or_nowhere_end_the_walk),
		cmocka_unit_test_teardown(linear_map_of_arm64_takes_the_bits_of_the_build, close_world),
		cmocka_unit_test_teardown(arm_counts_from_the_first_page_of_ram, close_world),
		cmocka_unit_test_teardown(split_of_x86_is_told_by_segments_or_tables, close_world),
		cmocka_unit_test_teardown(form_of_tables_of_x86_is_tried_where_nothing_tells_it, close_world),
	};

	message_set_level(0);
	return cmocka_run_group_tests_name("paging forms", tests, NULL, NULL);
}
