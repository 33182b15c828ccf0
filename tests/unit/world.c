/* SPDX-License-Identifier: GPL-2.0-or-later */
/* An invented machine in memory. */
#include "world.h"

#include <unistd.h>

#include "input/mem_reader.h"

/* --- memory ----------------------------------------------------------------------------------------------- */

static bool fake_next_run(const struct mem_source *src, pfn_t from, unsigned shift, struct pfn_run *run)
{
	const struct fake_memory *m = src->impl;

	(void)shift;
	for (size_t i = 0; i < m->n_runs; i++) {
		if (m->runs[i].end <= from)
			continue;
		*run = m->runs[i];
		run->start = max_u64(run->start, from);
		return true;
	}
	return false;
}

static bool page_is_there(const struct fake_memory *m, pfn_t pfn)
{
	if (pfn >= m->pages || m->unreadable[pfn])
		return false;
	for (size_t i = 0; i < m->n_runs; i++)
		if (pfn >= m->runs[i].start && pfn < m->runs[i].end)
			return m->runs[i].kind == RUN_DATA || m->runs[i].kind == RUN_LATE;
	return false;
}

static enum status fake_view(struct mem_reader *r, paddr_t at, size_t len, struct span *out, struct err *e)
{
	struct fake_memory *m = r->src->impl;
	size_t lent = 4096 - at % 4096;

	m->views++;
	if (m->view_us)
		usleep(m->view_us);
	if (m->viewing)
		m->viewing(at / 4096);
	for (pfn_t pfn = at / 4096; pfn <= (at + len - 1) / 4096; pfn++) {
		if (pfn < m->pages && m->forbidden[pfn]) {
			m->forbidden_reads++;
			print_error("page %#" PRIx64 " must never be read\n", pfn);
		}
	}
	if (!page_is_there(m, at / 4096))
		return err_set(e, E_UNREADABLE, "no memory at physical address %#" PRIx64, at);
	while (lent < len && page_is_there(m, (at + lent) / 4096) && (!m->view_max || lent < m->view_max))
		lent += 4096;
	*out = (struct span){ m->bytes + at, lent < len ? lent : len };
	return OK;
}

static bool fake_segment(const struct mem_source *src, size_t i, struct mem_segment *seg)
{
	const struct fake_memory *m = src->impl;

	if (i >= m->n_segments)
		return false;
	*seg = m->segments[i];
	return true;
}

static enum status fake_read_notes(const struct mem_source *src, uint64_t pos, void *buf, size_t len, struct err *e)
{
	const struct fake_memory *m = src->impl;

	(void)e;
	memcpy(buf, m->notes + pos, len);
	return OK;
}

static void fake_close(struct mem_source *src)
{
	(void)src; /* fake_memory_close() does it */
}

static const struct mem_source_ops fake_ops = {
	.name = "invented memory",
	.close = fake_close,
	.next_run = fake_next_run,
	.view = fake_view,
	.segment = fake_segment,
	.read_notes = fake_read_notes,
};

void fake_memory_open(struct fake_memory *m, size_t pages)
{
	struct err e;

	memset(m, 0, sizeof(*m));
	m->pages = pages;
	m->bytes = calloc(pages, 4096);
	m->forbidden = calloc(pages, 1);
	m->unreadable = calloc(pages, 1);
	assert_true(m->bytes && m->forbidden && m->unreadable);
	assert_int_equal(mem_source_wrap(&m->src, &fake_ops, m, &e), OK);
	m->src->machine = 62;
	m->src->is64 = true;
	fake_memory_runs(m, &(struct pfn_run){ 0, pages, RUN_DATA }, 1);
}

void fake_memory_close(struct fake_memory *m)
{
	unsigned forbidden_reads = m->forbidden_reads;

	mem_source_close(m->src);
	free(m->bytes);
	free(m->forbidden);
	free(m->unreadable);
	assert_int_equal(forbidden_reads, 0);
}

void fake_memory_runs(struct fake_memory *m, const struct pfn_run *runs, size_t n)
{
	assert_true(n <= WORLD_RUNS_MAX);
	memcpy(m->runs, runs, n * sizeof(*runs));
	m->n_runs = n;
	m->src->end = n ? runs[n - 1].end * 4096 : 0;
}

/* --- machines --------------------------------------------------------------------------------------------- */

static const struct paging no_paging = { "none", 8, { 12 }, { NULL } };

static enum pte_kind no_pte(const struct arch_state *a, uint64_t pte, unsigned level, struct pte *out)
{
	(void)a, (void)pte, (void)level, (void)out;
	return PTE_ABSENT;
}

static void open_kernel(struct world *w, size_t pages)
{
	memset(w, 0, sizeof(*w));
	fake_memory_open(&w->mem, pages);
	w->k.src = w->mem.src;
	w->k.max_mapnr = pages;
	w->k.has_vmcoreinfo = true;
	w->k.target = (struct target){ .page_shift = 12, .page_size = 4096 };
}

void world_open(struct world *w, unsigned long_bytes, bool big_endian, size_t pages)
{
	struct arch_state *a = &w->k.arch_state;
	struct err e;

	open_kernel(w, pages);
	w->arch = (struct arch_ops){ .name = "invented", .compound_shift_max = 34,
				     .long_bytes = long_bytes,
				     .orders = big_endian ? ORDER_BIG : ORDER_LITTLE,
				     .decode_pte = no_pte };
	w->k.arch = &w->arch;
	w->k.target.long_bytes = long_bytes;
	w->k.target.big_endian = big_endian;
	a->paging = &no_paging;
	a->kernel_start = long_bytes == 8 ? LINEAR_64 : LINEAR_32;
	a->section_bits = 27;
	a->physmem_bits = 46;
	arch_add_linear(a, (struct linear_range){ .start = a->kernel_start,
						  .end = a->kernel_start + pages * 4096,
						  .trust = RANGE_FIXED });
	assert_int_equal(kmem_open(&w->km, &w->k, &e), OK);
}

void world_open_machine(struct world *w, const struct arch_ops *arch, unsigned page_shift, bool big_endian, size_t pages)
{
	open_kernel(w, pages);
	w->k.arch = arch;
	w->k.target = (struct target){ .big_endian = big_endian,
				       .long_bytes = arch->long_bytes,
				       .page_shift = page_shift,
				       .page_size = UINT64_C(1) << page_shift };
}

void world_open_x86_64(struct world *w, size_t pages)
{
	world_open_machine(w, &arch_x86_64, 12, false, pages);
}

void world_setup(struct world *w)
{
	struct err e;

	if (w->km)
		kmem_close(w->km);
	assert_int_equal(kmem_open(&w->km, &w->k, &e), OK);
	w->k.arch_state = arch_state_unset(w->k.target.big_endian);
	w->k.arch->setup(&w->k, &w->k.arch_state);
	if (w->k.arch->learn)
		assert_int_equal(w->k.arch->learn(w->km, &w->k.arch_state, &e), OK);
}

void world_close(struct world *w)
{
	if (w->km)
		kmem_close(w->km);
	address_map_close(&w->k.arch_state);
	mem_map_close(&w->k.mem_map);
	fake_memory_close(&w->mem);
}

void world_facts(struct world *w, const char *text)
{
	struct vmcoreinfo v = vmcoreinfo_over(text, strlen(text));
	struct fact_source s = vmcoreinfo_facts(&v);

	facts_fill(&w->k.facts, &s, 1);
}

vaddr_t world_va(const struct world *w, paddr_t at)
{
	return w->k.arch_state.linear[0].start + at;
}

void world_put_long(struct world *w, paddr_t at, uint64_t value)
{
	assert_true(at + 8 <= w->mem.pages * 4096);
	if (w->k.target.long_bytes == 8)
		put_u64(w->mem.bytes + at, value, w->k.target.big_endian);
	else
		put_u32(w->mem.bytes + at, (uint32_t)value, w->k.target.big_endian);
}

void world_put_u32(struct world *w, paddr_t at, uint32_t value)
{
	assert_true(at + 4 <= w->mem.pages * 4096);
	put_u32(w->mem.bytes + at, value, w->k.target.big_endian);
}

/* --- struct pages ----------------------------------------------------------------------------------------- */

const char kernel_6_12[] = "SIZE(page)=64\n"
			   "OFFSET(page.flags)=0\n"
			   "OFFSET(page._refcount)=52\n"
			   "OFFSET(page.mapping)=24\n"
			   "OFFSET(page.lru)=8\n"
			   "OFFSET(page._mapcount)=48\n"
			   "OFFSET(page.private)=40\n"
			   "OFFSET(page.compound_head)=8\n"
			   "OFFSET(list_head.next)=0\n"
			   "OFFSET(list_head.prev)=8\n"
			   "LENGTH(zone.free_area)=11\n"
			   "NUMBER(PG_lru)=5\n"
			   "NUMBER(PG_private)=14\n"
			   "NUMBER(PG_swapcache)=10\n"
			   "NUMBER(PG_swapbacked)=17\n"
			   "NUMBER(PG_hwpoison)=20\n"
			   "NUMBER(PG_head_mask)=64\n"
			   "NUMBER(PAGE_SLAB_MAPCOUNT_VALUE)=-184549376\n"
			   "NUMBER(PAGE_BUDDY_MAPCOUNT_VALUE)=-268435456\n"
			   "NUMBER(PAGE_OFFLINE_MAPCOUNT_VALUE)=-251658240\n"
			   "NUMBER(PAGE_HUGETLB_MAPCOUNT_VALUE)=-201326592\n"
			   "NUMBER(PAGE_UNACCEPTED_MAPCOUNT_VALUE)=-150994944\n";

void world_flat_mem_map(struct world *w)
{
	char line[64];
	struct err e;

	snprintf(line, sizeof(line), "SYMBOL(mem_map)=%" PRIx64 "\n", world_va(w, MEM_MAP_POINTER_AT));
	world_facts(w, line);
	world_put_long(w, MEM_MAP_POINTER_AT, world_va(w, MEM_MAP_AT));
	w->k.version = KVERSION(6, 12);
	assert_int_equal(mem_map_open(&w->k.mem_map, w->km, &e), OK);
	assert_int_equal(w->k.mem_map.model, MEM_MODEL_FLAT);
}

paddr_t world_page(const struct world *w, pfn_t pfn)
{
	return MEM_MAP_AT + pfn * w->k.mem_map.page_struct_size;
}
