/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Fuzzes the way into the memory of every machine: a sound dump with page tables, sections and lists spoiled. */
#include <string.h>

#include "base/bytes.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/machine_base.h"

/* in the choices */
#define WITHOUT_NOTE 1
#define WITHOUT_SEGMENTS 8
#define ADDRESSES_MAX 16
#define HARD_NUMBERS 12

static struct base *bases;
static size_t n_bases;
static const char *only; /* the machine of a run on one of them; NULL: all */

/* What an input makes of a base. */
struct trial {
	struct spoiled spoiled;
	uint8_t choices;
	unsigned level;
	struct {
		bool other_order, other_class, other_machine;
		uint16_t machine;
		bool has_phys_base;
		uint64_t phys_base;
	} header;
	vaddr_t addresses[ADDRESSES_MAX];
	size_t n_addresses;
};

/* --- edits of memory ------------------------------------------------------------------------------------- */

/* A word somewhere in memory: a table entry, or one that is not zero of a page that is read, or any. */
struct word {
	uint8_t *at; /* NULL: there is none */
	paddr_t paddr;
	unsigned bytes;
	bool big_endian;
};

static struct word word_at(struct spoiled *s, paddr_t paddr, unsigned bytes, bool big_endian)
{
	struct spoiled_page *page = spoiled_page(s, paddr / PAGE_SIZE_MIN);
	struct word w = { NULL, paddr & -(paddr_t)bytes, bytes, big_endian };

	if (page)
		w.at = page->data + w.paddr % PAGE_SIZE_MIN;
	return w;
}

/* The n-th word that is not zero, around the end. */
static size_t busy_word(const uint8_t *page, unsigned bytes, size_t n)
{
	size_t busy = 0, at = 0;

	for (size_t i = 0; i < PAGE_SIZE_MIN; i += bytes)
		busy += get_ulong(page + i, bytes, false) != 0;
	if (!busy)
		return 0;
	for (n %= busy;; at += bytes)
		if (get_ulong(page + at, bytes, false) && !n--)
			return at;
}

static struct word take_word(struct spoiled *s, bool entry, struct bytes *b)
{
	const struct base *base = s->base;
	struct spoiled_page *page;
	uint16_t which;
	paddr_t paddr;

	if (entry) {
		paddr = choices_pick(&base->entries, take_u16(b));
		return word_at(s, paddr, base->entry_bytes, base->entry_big_endian);
	}
	paddr = choices_pick(&base->pages, take_u16(b));
	which = take_u16(b);
	page = spoiled_page(s, paddr / PAGE_SIZE_MIN);
	if (page && which >> 15)
		paddr += which % PAGE_SIZE_MIN;
	else if (page)
		paddr += busy_word(page->data, base->long_bytes, which);
	return word_at(s, paddr, base->long_bytes, base->big_endian);
}

static uint64_t get_word(const struct word *w)
{
	return get_ulong(w->at, w->bytes, w->big_endian);
}

static void put_word(const struct word *w, uint64_t v)
{
	if (w->bytes == 4)
		put_u32(w->at, (uint32_t)v, w->big_endian);
	else
		put_u64(w->at, v, w->big_endian);
}

/* An address in the place that addresses have in an entry, whose flags stay; riscv64 has them two bits lower. */
static void put_address(const struct word *w, paddr_t at, bool lower)
{
	uint64_t low = lower ? 0x3ff : 0xfff;

	put_word(w, (get_word(w) & low) | ((lower ? at >> 2 : at) & ~low));
}

static void edit_word(struct spoiled *s, unsigned how, bool entry, bool lower, struct bytes *b)
{
	struct word w = take_word(s, entry, b), from;
	uint8_t arg;

	if (!w.at)
		return;
	switch (how) {
	case 0:
		put_word(&w, 0);
		break;
	case 1:
		put_word(&w, UINT64_MAX);
		break;
	case 2:
		put_word(&w, take_u64(b));
		break;
	case 3:
		put_word(&w, get_word(&w) ^ UINT64_C(1) << (take_u8(b) & 63));
		break;
	case 4: /* a word from elsewhere, so that lists form circles */
		from = take_word(s, lower, b);
		if (from.at)
			put_word(&w, get_word(&from));
		break;
	case 5:
		put_address(&w, choices_pick(&s->base->pages, take_u16(b)), lower);
		break;
	case 6:
		put_word(&w, choices_pick(&s->base->vaddrs, take_u16(b)) + take_u8(b));
		break;
	case 7: /* a table that is its own */
		put_address(&w, w.paddr & -(paddr_t)PAGE_SIZE_MIN, lower);
		break;
	case 8:
		put_word(&w, hard_number(take_u8(b)));
		break;
	default:
		arg = take_u8(b);
		put_word(&w, get_word(&w) + ((uint64_t)(int8_t)take_u8(b) << (arg & 63)));
	}
}

static void edit_page(struct spoiled *s, bool lost, struct bytes *b)
{
	struct spoiled_page *to = spoiled_page(s, choices_pick(&s->base->pages, take_u16(b)) / PAGE_SIZE_MIN), *from;

	if (!to)
		return;
	if (lost) {
		to->lost = true;
		return;
	}
	from = spoiled_page(s, choices_pick(&s->base->pages, take_u16(b)) / PAGE_SIZE_MIN);
	if (from)
		memmove(to->data, from->data, sizeof(to->data));
}

/* --- edits of the text and the header ---------------------------------------------------------------------- */

static void replace(struct spoiled *s, size_t start, size_t end, const void *with, size_t len)
{
	if (s->text_len - (end - start) + len > BASE_TEXT_MAX)
		return;
	memmove(s->text + start + len, s->text + end, s->text_len - end);
	memcpy(s->text + start, with, len);
	s->text_len += len - (end - start);
}

/* The line of the text that byte `at` is in. */
static void edit_text(struct spoiled *s, struct bytes *b)
{
	unsigned how = take_u8(b);
	size_t at = take_u16(b), start, value, end, len;
	const uint8_t *some;
	char number[32];

	if (!s->text_len)
		return;
	start = at %= s->text_len;
	while (start && s->text[start - 1] != '\n')
		start--;
	for (end = at; end < s->text_len && s->text[end] != '\n';)
		end++;
	for (value = start; value < end && s->text[value] != '=';)
		value++;
	value += value < end;
	switch (how % 5) {
	case 0: /* another number */
		len = (size_t)snprintf(number, sizeof(number), how & 8 ? "%llx" : "%lld",
				       (long long)hard_number(take_u8(b)));
		replace(s, value, end, number, len);
		break;
	case 1: /* an address that leads somewhere */
		len = (size_t)snprintf(number, sizeof(number), "%llx",
				       (unsigned long long)choices_pick(&s->base->vaddrs, take_u16(b)));
		replace(s, value, end, number, len);
		break;
	case 2: /* gone */
		replace(s, start, end + (end < s->text_len), "", 0);
		break;
	case 3: /* any bytes */
		len = take_some(b, take_u8(b) % 32, &some);
		replace(s, value, end, some, len);
		break;
	default: /* one character */
		s->text[at] = (char)take_u8(b);
	}
}

static void edit_header(struct trial *t, struct bytes *b)
{
	/* 386, mips, ppc, ppc64, s390x, arm, sparc64, ia64, x86_64, arm64, riscv64, loongarch64, and one that is none */
	static const uint16_t machines[] = { 3, 8, 20, 21, 22, 40, 43, 50, 62, 183, 243, 258, 77 };

	switch (take_u8(b) % 4) {
	case 0:
		t->header.other_order = !t->header.other_order;
		break;
	case 1:
		t->header.other_class = !t->header.other_class;
		break;
	case 2:
		t->header.other_machine = true;
		t->header.machine = machines[take_u8(b) % ARRAY_SIZE(machines)];
		break;
	default:
		t->header.has_phys_base = true;
		t->header.phys_base = take_u64(b);
	}
}

static void add_address(struct trial *t, struct bytes *b)
{
	unsigned how = take_u8(b);
	vaddr_t v = how & 1 ? take_u64(b) : choices_pick(&t->spoiled.base->vaddrs, take_u16(b));

	if (t->n_addresses < ADDRESSES_MAX)
		t->addresses[t->n_addresses++] = v + ((vaddr_t)(how >> 1 & 3) << 12 * (how >> 3 & 3));
}

static void edit(struct trial *t, struct bytes *b)
{
	unsigned how = take_u8(b);

	switch (how % 16) {
	case 10:
	case 11:
		edit_page(&t->spoiled, how % 16 == 10, b);
		break;
	case 12:
	case 13:
		edit_text(&t->spoiled, b);
		break;
	case 14:
		edit_header(t, b);
		break;
	case 15:
		add_address(t, b);
		break;
	default:
		edit_word(&t->spoiled, how % 16, how & 16, how & 32, b);
	}
}

static struct mem_source *trial_source(struct trial *t)
{
	struct mem_source *src = spoiled_source(&t->spoiled, !(t->choices & WITHOUT_NOTE));

	if (t->header.other_order)
		src->big_endian = !src->big_endian;
	if (t->header.other_class)
		src->is64 = !src->is64;
	if (t->header.other_machine)
		src->machine = t->header.machine;
	src->has_phys_base = t->header.has_phys_base;
	src->phys_base = t->header.phys_base;
	return src;
}

/* --- what is done with them -------------------------------------------------------------------------------- */

static void explore(struct trial *t, const struct kernel *k)
{
	const struct choices *known = &t->spoiled.base->vaddrs;
	struct kmem *km;
	struct err e;

	REQUIRE(k->max_mapnr <= k->src->end >> k->target.page_shift ||
		k->max_mapnr == (k->src->end >> k->target.page_shift) + 1);
	REQUIRE(!kmem_open(&km, k, &e));
	for (size_t i = 0; i < t->n_addresses; i++)
		explore_address(km, t->addresses[i]);
	for (size_t i = 0; i < known->n; i++)
		explore_address(km, known->of[i].value);
	for (unsigned i = 0; i < HARD_NUMBERS; i++)
		explore_address(km, hard_number((uint8_t)(t->choices + i)));
	explore_chunks(k, km);
	explore_nodes(k, km);
	kmem_close(km);
	REQUIRE(!kernel_print_translation(k, t->addresses[0], &e));
	if (k->max_mapnr)
		explore_filter(k, &(struct filter_trial){
					  .level = t->level,
					  .small = 8u << (t->choices >> 5),
					  .choices = t->choices >> 1,
					  .allowed = &t->spoiled.allowed,
				  });
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct trial t;
	struct bytes b = { data, size };
	struct mem_source *src;
	struct kernel *k;
	struct err e = { OK, 0, "" };
	struct base *base;

	if (!bases) {
		bases = bases_find(&n_bases);
		only = getenv("FUZZ_MACHINE");
	}
	base = bases_pick(bases, n_bases, take_u16(&b));
	if (only && !base_is_of(base, only))
		return -1;
	memset(&t, 0, sizeof(t));
	spoiled_init(&t.spoiled, base);
	t.choices = take_u8(&b);
	t.spoiled.without_segments = t.choices & WITHOUT_SEGMENTS;
	t.level = 31 ^ (take_u8(&b) & 31);
	while (b.left)
		edit(&t, &b);
	src = trial_source(&t);
	if (kernel_open(&k, src, &(struct kernel_files){ .vmlinux = NULL }, &e)) {
		REQUIRE(e.status && e.text[0]);
	} else {
		explore(&t, k);
		kernel_close(k);
	}
	mem_source_close(src);
	spoiled_fini(&t.spoiled);
	return 0;
}

/* libFuzzer's; where there is none nobody calls what needs it. */
size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t size_max) __attribute__((weak));
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t size_max, unsigned seed);

/* Nothing but what libFuzzer does by itself, but inputs of a run on one machine stay with it. */
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t size_max, unsigned seed)
{
	size = LLVMFuzzerMutate(data, size, size_max);
	if (!only || size < 2 || base_is_of(bases_pick(bases, n_bases, get_u16(data, false)), only))
		return size;
	for (size_t i = 0; i < n_bases; i++) {
		const struct base *b = &bases[(seed + i) % n_bases];

		if (!base_is_of(b, only))
			continue;
		put_u16(data, b->key, false);
		break;
	}
	return size;
}
