/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sound dumps of all machines, what is read of them to find the way, and sources that show them spoiled. */
#include "tests/fuzz/machine_base.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/bytes.h"
#include "input/mem_reader.h"
#include "tests/fuzz/fuzz.h"

#define CHOICES_MAX 4096
#define VADDRS_MAX 64
#define LEND_MAX ((size_t)64 << 10)

/* --- choices --------------------------------------------------------------------------------------------- */

/* FNV-1a, folded. */
static uint16_t key_of(const void *data, size_t len)
{
	const uint8_t *at = data;
	uint32_t hash = 0x811c9dc5;

	while (len--)
		hash = (hash ^ *at++) * 0x01000193;
	return (uint16_t)(hash ^ hash >> 16);
}

static void choices_add(struct choices *c, uint64_t value)
{
	uint8_t raw[8];
	size_t at = 0;
	uint16_t key;

	put_u64(raw, value, false);
	key = key_of(raw, sizeof(raw));
	while (at < c->n && c->of[at].key < key)
		at++;
	if ((at < c->n && c->of[at].key == key) || c->n == CHOICES_MAX)
		return;
	if (!c->of) {
		c->of = malloc(CHOICES_MAX * sizeof(*c->of));
		REQUIRE(c->of);
	}
	memmove(c->of + at + 1, c->of + at, (c->n - at) * sizeof(*c->of));
	c->of[at] = (struct choice){ value, key };
	c->n++;
}

uint64_t choices_pick(const struct choices *c, uint16_t key)
{
	for (size_t i = 0; i < c->n; i++)
		if (c->of[i].key >= key)
			return c->of[i].value;
	return c->n ? c->of[0].value : 0;
}

/* --- finding bases --------------------------------------------------------------------------------------- */

static int by_key(const void *a, const void *b)
{
	const struct base *x = a, *y = b;

	return (x->key > y->key) - (x->key < y->key);
}

static int is_visible(const struct dirent *d)
{
	return d->d_name[0] != '.';
}

struct base *bases_find(size_t *n)
{
	char folder[4000];
	ssize_t len = readlink("/proc/self/exe", folder, sizeof(folder) - sizeof("cores"));
	struct dirent **names;
	struct base *bases;
	int found;

	REQUIRE(len > 0);
	folder[len] = '\0';
	strcpy(strrchr(folder, '/') + 1, "cores");
	found = scandir(folder, &names, is_visible, alphasort);
	REQUIRE(found > 0);
	bases = calloc((size_t)found, sizeof(*bases));
	REQUIRE(bases);
	for (int i = 0; i < found; i++) {
		struct base *b = &bases[i];

		snprintf(b->name, sizeof(b->name), "%.60s", names[i]->d_name);
		snprintf(b->path, sizeof(b->path), "%.3990s/%.90s", folder, names[i]->d_name);
		b->key = key_of(b->name, strlen(b->name));
		free(names[i]);
	}
	free(names);
	qsort(bases, (size_t)found, sizeof(*bases), by_key);
	/* one of two with the same key could not be chosen: its name has to be another */
	for (int i = 1; i < found; i++)
		REQUIRE(bases[i].key != bases[i - 1].key);
	*n = (size_t)found;
	return bases;
}

struct base *bases_pick(struct base *bases, size_t n, uint16_t key)
{
	for (size_t i = 0; i < n; i++)
		if (bases[i].key >= key)
			return &bases[i];
	return &bases[0];
}

bool base_is_of(const struct base *b, const char *machine)
{
	size_t len = strlen(machine);

	return !strncmp(b->name, machine, len) && b->name[len] == '-';
}

/* --- the memory of a base -------------------------------------------------------------------------------- */

const struct base_page *base_page(const struct base *b, pfn_t pfn)
{
	for (size_t i = 0; i < b->n_areas; i++)
		if (pfn >= b->areas[i].start && pfn < b->areas[i].end)
			return &b->areas[i].pages[pfn - b->areas[i].start];
	return NULL;
}

static void load_page(const uint8_t *data, struct base_page *page)
{
	static const uint8_t zeros[PAGE_SIZE_MIN];

	if (!memcmp(data, zeros, PAGE_SIZE_MIN))
		return;
	page->data = malloc(PAGE_SIZE_MIN);
	REQUIRE(page->data);
	memcpy(page->data, data, PAGE_SIZE_MIN);
}

static void load_area(struct mem_reader *r, struct base_area *a)
{
	pfn_t at = a->start;

	while (at < a->end) {
		struct base_page *pages = a->pages + (at - a->start);
		size_t want = (size_t)min_u64((a->end - at) * PAGE_SIZE_MIN, LEND_MAX), n = 0;
		struct span s;
		struct err e;

		/* at least a whole page, as pages begin here */
		if (mem_view(r, at * PAGE_SIZE_MIN, want, &s, &e))
			pages[n++].unreadable = true;
		else
			for (; n < s.len / PAGE_SIZE_MIN; n++)
				load_page(s.data + n * PAGE_SIZE_MIN, &pages[n]);
		at += n;
	}
}

static void load_memory(struct base *b)
{
	unsigned shift = (unsigned)__builtin_ctz(PAGE_SIZE_MIN);
	struct mem_reader *r;
	struct pfn_run run;
	struct err e;

	REQUIRE(!mem_reader_open(&r, b->src, READER_BULK, &e));
	for (pfn_t at = 0; mem_source_next_run(b->src, at, shift, &run); at = run.end) {
		struct base_area *a;

		b->areas = realloc(b->areas, (b->n_areas + 1) * sizeof(*b->areas));
		REQUIRE(b->areas);
		a = &b->areas[b->n_areas++];
		*a = (struct base_area){ run.start, run.end, calloc((size_t)(run.end - run.start), sizeof(*a->pages)) };
		REQUIRE(a->pages);
		load_area(r, a);
	}
	mem_reader_close(r);
}

/* --- what leads somewhere -------------------------------------------------------------------------------- */

static void note_entry(void *data, const char *level, paddr_t entry_at, uint64_t entry)
{
	struct base *b = data;

	(void)level, (void)entry;
	if (base_page(b, entry_at / PAGE_SIZE_MIN))
		choices_add(&b->entries, entry_at);
}

static void note_vaddr(struct base *b, struct kmem *km, vaddr_t vaddr)
{
	struct mapping m;
	struct err e;
	paddr_t at;

	if (b->vaddrs.n >= VADDRS_MAX || kmem_translate(km, vaddr, &at, NULL, &e) || !base_page(b, at / PAGE_SIZE_MIN))
		return;
	choices_add(&b->vaddrs, vaddr);
	/* many machines have no tables for it */
	if (paging_walk(km, vaddr, &m, note_entry, b, &e))
		return;
}

/* Addresses that tables lead to have the bits above those of the tables that the machine wants. */
static void note_mapping(struct base *b, struct kmem *km, vaddr_t vaddr, unsigned shift)
{
	const struct arch_state *a = &kmem_kernel(km)->arch_state;
	const vaddr_t above[] = { 0, UINT64_MAX, a->tables_first, a->kernel_start };

	for (size_t i = 0; i < ARRAY_SIZE(above); i++) {
		struct mapping m;
		struct err e;
		vaddr_t v = vaddr | (shift < 64 ? above[i] >> shift << shift : 0);

		if (b->vaddrs.n >= VADDRS_MAX || paging_walk(km, v, &m, note_entry, b, &e))
			continue;
		choices_add(&b->vaddrs, v);
		break;
	}
}

/* One table of a level, and some of those below it: a mapping of each size, and the tables on the way to it. */
static void note_tables(struct base *b, struct kmem *km, paddr_t table, unsigned level, unsigned shift, vaddr_t vaddr,
			const struct pte *limits)
{
	const struct kernel *k = kmem_kernel(km);
	const struct arch_state *a = &k->arch_state;
	unsigned bits = a->paging->bits[level + 1], below = shift - bits, tables = 0, last = 0,
		 top = a->paging->bits[0];
	uint64_t before = 0;

	for (unsigned i = 0; a->paging->bits[i + 1]; i++)
		top += a->paging->bits[i + 1];
	for (uint64_t i = limits->first; i < UINT64_C(1) << bits && i <= limits->last; i++) {
		struct pte to = { .shift = below, .last = UINT32_MAX };
		vaddr_t v = vaddr | i << below;
		uint8_t raw[8];
		uint64_t pte;
		struct err e;

		if (kmem_read_phys(km, table + i * a->paging->entry_bytes, raw, a->paging->entry_bytes, &e))
			return;
		pte = get_ulong(raw, a->paging->entry_bytes, a->pte_big_endian);
		/* one table may stand for all that are empty */
		if (pte == before)
			continue;
		before = pte;
		switch (k->arch->decode_pte(a, pte, level, &to)) {
		case PTE_TABLE:
			if (level && tables++ < 4)
				note_tables(b, km, to.target, level - 1, below, v, &to);
			break;
		case PTE_LEAF:
			if (to.shift != last)
				note_mapping(b, km, v, top);
			last = to.shift;
			break;
		case PTE_ABSENT:
			break;
		}
	}
}

static void note_all_tables(struct base *b, struct kmem *km)
{
	const struct arch_state *a = &kmem_kernel(km)->arch_state;
	const struct pte all = { .last = UINT32_MAX };
	unsigned levels = 0, shift = a->paging->bits[0];

	for (; a->paging->bits[levels + 1]; levels++)
		shift += a->paging->bits[levels + 1];
	if (a->has_root && levels)
		note_tables(b, km, a->root, levels - 1, shift, 0, &all);
}

static void note_vaddrs(struct base *b, const struct kernel *k)
{
	struct kmem *km;
	struct err e;

	REQUIRE(!kmem_open(&km, k, &e));
	for (size_t i = 0; i < N_FACTS; i++)
		if (fact_known(&k->facts, (enum fact_id)i) && fact_kind_of((enum fact_id)i) == FACT_SYMBOL)
			note_vaddr(b, km, fact(&k->facts, (enum fact_id)i));
	for (pfn_t at = 0; at < k->max_mapnr;) {
		struct mem_map_chunk c = mem_map_find(&k->mem_map, km, at);

		if (c.kind == CHUNK_MAP)
			note_vaddr(b, km, c.mem_map);
		at = c.end;
	}
	note_all_tables(b, km);
	for (size_t i = 0; i < b->vaddrs.n; i++)
		explore_address(km, b->vaddrs.of[i].value);
	explore_nodes(k, km);
	kmem_close(km);
}

static void take_text(struct base *b, const struct kernel *k)
{
	REQUIRE(k->has_vmcoreinfo && k->text.len <= BASE_TEXT_MAX);
	memcpy(b->text, k->text.text, k->text.len);
	b->text_len = k->text.len;
}

static void load(struct base *b)
{
	const char *path = b->path;
	struct spoiled whole = { .base = b, .seen = &b->pages };
	struct mem_source *src;
	struct kernel *k;
	struct err e = { OK, 0, "" };

	REQUIRE(!mem_source_open(&b->src, &path, 1, &(struct mem_source_options){ .no_mmap = true }, &e));
	load_memory(b);
	b->text_len = (size_t)b->src->vmcoreinfo_len;
	REQUIRE(b->text_len <= BASE_TEXT_MAX);
	if (b->text_len)
		REQUIRE(!mem_source_read_notes(b->src, b->src->vmcoreinfo_at, b->text, b->text_len, &e));
	memcpy(whole.text, b->text, b->text_len);
	whole.text_len = b->text_len;
	/* where the text is found in memory, if it is there */
	src = spoiled_source(&whole, false);
	if (!kernel_open(&k, src, &(struct kernel_files){ .vmlinux = NULL }, &e))
		kernel_close(k);
	mem_source_close(src);
	src = spoiled_source(&whole, true);
	if (kernel_open(&k, src, &(struct kernel_files){ .vmlinux = NULL }, &e)) {
		/* nobody knows the machine yet */
		REQUIRE(e.status == E_UNSUPPORTED && !arch_find(src->machine, src->is64));
	} else {
		if (k->mem_map.model == MEM_MODEL_NONE)
			fprintf(stderr, "%s: %s\n", b->name, k->mem_map.why_none);
		REQUIRE(k->mem_map.model != MEM_MODEL_NONE);
		take_text(b, k);
		b->long_bytes = k->target.long_bytes;
		b->big_endian = k->target.big_endian;
		b->entry_bytes = k->arch_state.paging->entry_bytes;
		b->entry_big_endian = k->arch_state.pte_big_endian;
		note_vaddrs(b, k);
		kernel_close(k);
		REQUIRE(b->pages.n);
	}
	mem_source_close(src);
}

/* --- spoiled ------------------------------------------------------------------------------------------------ */

static struct spoiled_page *find_page(const struct spoiled *s, pfn_t pfn)
{
	for (size_t i = 0; i < s->n_pages; i++)
		if (s->pages[i]->pfn == pfn)
			return s->pages[i];
	return NULL;
}

struct spoiled_page *spoiled_page(struct spoiled *s, pfn_t pfn)
{
	const struct base_page *of = base_page(s->base, pfn);
	struct spoiled_page *page = find_page(s, pfn);

	if (page || !of || s->n_pages == SPOILED_PAGES_MAX)
		return page;
	page = calloc(1, sizeof(*page));
	REQUIRE(page);
	page->pfn = pfn;
	page->lost = of->unreadable;
	if (of->data)
		memcpy(page->data, of->data, sizeof(page->data));
	s->pages[s->n_pages++] = page;
	return page;
}

void spoiled_init(struct spoiled *s, struct base *b)
{
	if (!b->src)
		load(b);
	memset(s, 0, sizeof(*s));
	s->base = b;
	memcpy(s->text, b->text, b->text_len);
	s->text_len = b->text_len;
}

void spoiled_fini(struct spoiled *s)
{
	while (s->n_pages)
		free(s->pages[--s->n_pages]);
}

static void leave_alone(struct mem_source *src)
{
	(void)src;
}

static bool next_run(const struct mem_source *src, pfn_t from, unsigned page_shift, struct pfn_run *run)
{
	const struct spoiled *s = src->impl;

	return mem_source_next_run(s->base->src, from, page_shift, run);
}

/* Copies what is at `at`, up to the end of its page; false: there is nothing. */
static bool copy_bytes(const struct spoiled *s, paddr_t at, uint8_t *to, size_t len)
{
	const struct base_page *page = base_page(s->base, at / PAGE_SIZE_MIN);
	const struct spoiled_page *own = find_page(s, at / PAGE_SIZE_MIN);

	if (!page || (own ? own->lost : page->unreadable))
		return false;
	if (own)
		memcpy(to, own->data + at % PAGE_SIZE_MIN, len);
	else if (page->data)
		memcpy(to, page->data + at % PAGE_SIZE_MIN, len);
	else
		memset(to, 0, len);
	return true;
}

/* Lends a copy of exactly the bytes that may be read, until the next call: more than that is noticed. */
static enum status view(struct mem_reader *r, paddr_t at, size_t len, struct span *out, struct err *e)
{
	const struct spoiled *s = r->src->impl;
	uint8_t *buf;
	size_t have = 0;

	REQUIRE(len);
	len = min_u64(len, LEND_MAX);
	if (s->seen && !r->bulk && base_page(s->base, at / PAGE_SIZE_MIN))
		choices_add(s->seen, at / PAGE_SIZE_MIN * PAGE_SIZE_MIN);
	free(r->page);
	r->page = NULL;
	buf = malloc(len);
	REQUIRE(buf);
	while (have < len) {
		size_t n = min_u64(len - have, PAGE_SIZE_MIN - (at + have) % PAGE_SIZE_MIN);

		if (!copy_bytes(s, at + have, buf + have, n))
			break;
		have += n;
	}
	if (have) {
		require_allowed(&s->allowed, at, have);
		r->page = malloc(have);
		REQUIRE(r->page);
		memcpy(r->page, buf, have);
	}
	free(buf);
	if (!have)
		return err_set(e, E_UNREADABLE, "no memory at physical address %#llx", (unsigned long long)at);
	*out = (struct span){ r->page, have };
	return OK;
}

static bool segment(const struct mem_source *src, size_t i, struct mem_segment *seg)
{
	const struct spoiled *s = src->impl;

	return !s->without_segments && mem_source_segment(s->base->src, i, seg);
}

static enum status read_notes(const struct mem_source *src, uint64_t pos, void *buf, size_t len, struct err *e)
{
	const struct spoiled *s = src->impl;

	(void)e;
	REQUIRE(pos <= s->text_len && len <= s->text_len - pos);
	memcpy(buf, s->text + pos, len);
	return OK;
}

static const struct mem_source_ops spoiled_ops = {
	.name = "spoiled machine",
	.close = leave_alone,
	.next_run = next_run,
	.view = view,
	.segment = segment,
	.read_notes = read_notes,
};

struct mem_source *spoiled_source(struct spoiled *s, bool with_note)
{
	const struct mem_source *of = s->base->src;
	struct mem_source *src;
	struct err e;

	REQUIRE(!mem_source_wrap(&src, &spoiled_ops, s, &e));
	src->machine = of->machine;
	src->elf_flags = of->elf_flags;
	src->is64 = of->is64;
	src->big_endian = src->notes_big_endian = of->big_endian;
	src->nr_cpus = of->nr_cpus;
	src->end = of->end;
	src->has_segments = of->has_segments && !s->without_segments;
	if (with_note)
		src->notes_len = src->vmcoreinfo_len = s->text_len;
	return src;
}
