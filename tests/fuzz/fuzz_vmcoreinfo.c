/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Fuzzes what is made of VMCOREINFO text: facts, and from them the layout by which struct pages are read. */
#include <string.h>

#include "filter/policy.h"
#include "kernel/kernel.h"
#include "kernel/vmcoreinfo.h"
#include "print_info.h"
#include "tests/fuzz/fuzz.h"

#define PAGE_STRUCT_DEFAULT 64
#define PAGE_STRUCT_MAX 512

/* Struct pages at the end of their allocation: a layout that reaches past them is noticed. */
static void read_struct_pages(const struct page_layout *l, const struct policy *p, const uint8_t *text, size_t len)
{
	uint8_t *page = malloc(l->size), *tail = malloc(l->size);
	unsigned traits;

	REQUIRE(page && tail);
	for (unsigned turn = 0; turn < 4; turn++) {
		for (size_t i = 0; i < l->size; i++) {
			page[i] = turn == 0 ? 0 : turn == 1 ? 0xff : len ? text[(i * 7 + turn) % len] : 0;
			tail[i] = turn == 0 ? 0xff : turn == 1 ? 0 : len ? text[(i * 13 + turn) % len] : 1;
		}
		traits = page_traits(l, page, l->long64);
		REQUIRE(p->reason[traits & (N_TRAIT_SETS - 1)] < N_REASONS);
		REQUIRE(!(traits & T_POISON) || traits & (T_BUDDY | T_UNACCEPTED) ||
			p->reason[traits & (N_TRAIT_SETS - 1)] != REASON_KEEP);
		REQUIRE(page_head_info(l, page, tail).order < 64);
		page_buddy_order(l, page);
	}
	free(page);
	free(tail);
}

static void resolve(struct kernel *k, unsigned level, const uint8_t *text, size_t len)
{
	struct page_layout layout;
	struct policy policy;
	unsigned possible;

	k->mem_map.page_struct_size = fact_or(&k->facts, F_page_size, 0);
	if (k->mem_map.page_struct_size < 4 * k->target.long_bytes || k->mem_map.page_struct_size > PAGE_STRUCT_MAX ||
	    k->mem_map.page_struct_size % k->target.long_bytes)
		k->mem_map.page_struct_size = PAGE_STRUCT_DEFAULT;
	possible = page_layout_resolve(&layout, k, level);
	REQUIRE(!(possible & ~level));
	policy_fold(&policy, &layout, possible);
	read_struct_pages(&layout, &policy, text, len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint32_t versions[] = { 0, KVERSION(2, 6), KVERSION(3, 0), KVERSION(4, 4), KVERSION(5, 4),
					     KVERSION(6, 1), KVERSION(6, 12), KVERSION(255, 255) };
	struct bytes b = { data, size };
	unsigned how = take_u8(&b), level = take_u8(&b) & DL_MAX;
	struct kernel *k = calloc(1, sizeof(*k));
	char *text = malloc(b.left ? b.left : 1);
	const char *value;
	char label[64];
	struct fact_source source;
	size_t len;
	uint64_t n;

	REQUIRE(k && text);
	memcpy(text, b.at, b.left);
	k->target = (struct target){ .long_bytes = how & 0x40 ? 4 : 8, .big_endian = how & 0x80, .page_shift = 12,
				     .page_size = 4096 };
	k->version = versions[how % ARRAY_SIZE(versions)];
	k->text = vmcoreinfo_over(text, b.left);
	REQUIRE(k->text.len <= b.left);
	source = vmcoreinfo_facts(&k->text);
	facts_fill(&k->facts, &source, 1);
	for (size_t i = 0; i < N_FACTS; i++) {
		REQUIRE(fact_label(&k->facts, (enum fact_id)i, label, sizeof(label)) == label && strlen(label) > 6);
		REQUIRE(!k->facts.of[i].known || k->facts.of[i].from);
	}
	if (vmcoreinfo_find(&k->text, "OSRELEASE", &value, &len))
		REQUIRE(value >= text && len <= b.left && value + len <= text + b.left);
	if (vmcoreinfo_decimal(&k->text, "PAGESIZE", &n) && vmcoreinfo_decimal(&k->text, "CRASHTIME", &n))
		REQUIRE(k->text.len);
	resolve(k, level, (const uint8_t *)text, b.left);
	free(text);
	free(k);
	return 0;
}
