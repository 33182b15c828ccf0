/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Fuzzes the kernel's log: a sound one of each form, on machines of both widths and byte orders, then spoiled.  It is
 * found and written, or refused, in bounded time and space.
 */
#include <stdio.h>
#include <string.h>

#include "base/bytes.h"
#include "kernel/kernel.h"
#include "kernel/printk.h"
#include "tests/fuzz/invented.h"

#define BASE UINT64_C(0xc0000000)
#define BYTES (FRAMES * PAGE_SIZE_MIN)
/* where things are in the sixteen pages */
enum { VARIABLES = 0x100, RB = 0x200, DESCS = 0x1000, INFOS = 0x2000, LOG = 0x4000 };
enum form { TEXT, RECORDS, RING, N_FORMS };
#define COUNT 16u
#define RING_BYTES 512u
#define RECORD_BYTES 1024u

static struct invented machine;
static unsigned long_bytes;
static bool big;

static enum pte_kind no_pte(const struct arch_state *a, uint64_t pte, unsigned level, struct pte *out)
{
	(void)a, (void)pte, (void)level, (void)out;
	return PTE_ABSENT;
}

static void put(unsigned at, unsigned bytes, uint64_t v)
{
	uint8_t *p = machine.frames + at;

	REQUIRE(at + bytes <= BYTES);
	if (bytes == 1)
		*p = (uint8_t)v;
	else if (bytes == 2)
		put_u16(p, (uint16_t)v, big);
	else if (bytes == 4)
		put_u32(p, (uint32_t)v, big);
	else
		put_u64(p, v, big);
}

static void put_long(unsigned at, uint64_t v)
{
	put(at, long_bytes, v);
}

static void say(const char *what, unsigned long long value)
{
	bool symbol = !strncmp(what, "SYMBOL", 6);

	machine.text_len += (size_t)snprintf(machine.text + machine.text_len, sizeof(machine.text) - machine.text_len,
					     symbol ? "%s=%llx\n" : "%s=%lld\n", what, symbol ? value + BASE : value);
	REQUIRE(machine.text_len <= TEXT_MAX);
}

static void make_text(void)
{
	say("SYMBOL(log_buf)", VARIABLES);
	say("SYMBOL(log_buf_len)", VARIABLES + 8);
	say("SYMBOL(log_end)", VARIABLES + 16);
	say("SYMBOL(logged_chars)", VARIABLES + 24);
	put_long(VARIABLES, BASE + LOG);
	put(VARIABLES + 8, 4, RECORD_BYTES);
	put(VARIABLES + 16, 4, RECORD_BYTES + 300);
	put(VARIABLES + 24, 4, 200);
	memset(machine.frames + LOG, 't', RECORD_BYTES);
}

/* Twelve old records, the end, six new ones at the start. */
static void make_records(void)
{
	unsigned at = 0;

	for (unsigned n = 0; n < 18; n++) {
		unsigned text = n * 7 % 30;

		if (n == 6)
			at = 400;
		put(LOG + at, 8, n * UINT64_C(1000000001));
		put(LOG + at + 8, 2, (16 + text + 3) / 4 * 4);
		put(LOG + at + 10, 2, text);
		memset(machine.frames + LOG + at + 16, 'r', text);
		at += (16 + text + 3) / 4 * 4;
		if (n == 5)
			put(VARIABLES + 20, 4, at);
	}
	say("SYMBOL(log_buf)", VARIABLES);
	say("SYMBOL(log_buf_len)", VARIABLES + 8);
	say("SYMBOL(log_first_idx)", VARIABLES + 16);
	say("SYMBOL(log_next_idx)", VARIABLES + 20);
	say("SYMBOL(clear_idx)", VARIABLES + 24);
	say("SIZE(printk_log)", 16);
	say("OFFSET(printk_log.ts_nsec)", 0);
	say("OFFSET(printk_log.len)", 8);
	say("OFFSET(printk_log.text_len)", 10);
	say("OFFSET(printk_log.dict_len)", 12);
	put_long(VARIABLES, BASE + LOG);
	put(VARIABLES + 8, 4, RECORD_BYTES);
	put(VARIABLES + 16, 4, 400);
	put(VARIABLES + 24, 4, 400);
}

static void make_ring_facts(void)
{
	unsigned l = long_bytes;

	say("SYMBOL(prb)", VARIABLES);
	say("SYMBOL(clear_seq)", VARIABLES + 16);
	say("OFFSET(printk_ringbuffer.desc_ring)", 0);
	say("OFFSET(printk_ringbuffer.text_data_ring)", 6 * l);
	say("OFFSET(prb_desc_ring.count_bits)", 0);
	say("OFFSET(prb_desc_ring.descs)", l);
	say("OFFSET(prb_desc_ring.infos)", 2 * l);
	say("OFFSET(prb_desc_ring.head_id)", 3 * l);
	say("OFFSET(prb_desc_ring.tail_id)", 4 * l);
	say("SIZE(prb_desc)", 3 * l);
	say("OFFSET(prb_desc.state_var)", 0);
	say("OFFSET(prb_desc.text_blk_lpos)", l);
	say("OFFSET(prb_data_blk_lpos.begin)", 0);
	say("OFFSET(prb_data_blk_lpos.next)", l);
	say("OFFSET(prb_data_ring.size_bits)", 0);
	say("OFFSET(prb_data_ring.data)", l);
	say("SIZE(printk_info)", 32);
	say("OFFSET(printk_info.seq)", 0);
	say("OFFSET(printk_info.ts_nsec)", 8);
	say("OFFSET(printk_info.text_len)", 16);
	say("OFFSET(printk_info.caller_id)", 20);
	say("OFFSET(latched_seq.val)", 8);
}

/* Twenty messages in sixteen slots; the last blocks lie at the start of the ring. */
static void make_ring(void)
{
	uint64_t id_mask = UINT64_MAX >> (64 - 8 * long_bytes) >> 2, lpos = -(uint64_t)RING_BYTES;

	make_ring_facts();
	put_long(VARIABLES, BASE + RB);
	put(VARIABLES + 24, 8, 8);
	put(RB, 4, 4);
	put_long(RB + long_bytes, BASE + DESCS);
	put_long(RB + 2 * long_bytes, BASE + INFOS);
	put_long(RB + 3 * long_bytes, 19);
	put_long(RB + 4 * long_bytes, 6);
	put(RB + 6 * long_bytes, 4, 9);
	put_long(RB + 7 * long_bytes, BASE + LOG);
	for (unsigned id = 0; id < 20; id++) {
		unsigned desc = DESCS + id % COUNT * 3 * long_bytes, info = INFOS + id % COUNT * 32,
			 text = id * 5 % 24 + 1;
		uint64_t size = (text + 2 * long_bytes - 1) / long_bytes * long_bytes, next = lpos + size;
		unsigned start = lpos % RING_BYTES;

		if (lpos / RING_BYTES != next / RING_BYTES) {
			next = next / RING_BYTES * RING_BYTES + size;
			start = 0;
		}
		put_long(desc, (id & id_mask) | (id_mask + 1) * (id < 6 ? 3 : 1 + id % 2));
		put_long(desc + long_bytes, lpos);
		put_long(desc + 2 * long_bytes, next);
		put(info, 8, id);
		put(info + 8, 8, id * UINT64_C(123456789));
		put(info + 16, 2, text);
		put(info + 20, 4, id % 3 ? id : 0x80000000 + id);
		put_long(LOG + start, id);
		memset(machine.frames + LOG + start + long_bytes, 'm', text);
		lpos = next;
	}
}

/* Edits: numbers anywhere, mostly where they matter; or other bytes for the text. */
static void spoil(struct bytes *b)
{
	static const unsigned areas[] = { VARIABLES, RB, DESCS, INFOS, LOG, 0 };
	static const unsigned sizes[] = { 32, 128, 0x180, 0x200, 0x400, BYTES - 8 };

	while (b->left) {
		uint8_t what = take_u8(b);
		unsigned area = what % ARRAY_SIZE(areas), at = areas[area] + take_u16(b) % sizes[area];

		if (what >= 0xf0) {
			machine.text[take_u16(b) % machine.text_len] = (char)take_u8(b);
			continue;
		}
		at -= at % (1u << what / 6 % 4);
		put(at, 1u << what / 6 % 4, what & 0x80 ? hard_number(take_u8(b)) : take_u8(b));
	}
}

struct taken {
	uint64_t bytes, sum;
	uint8_t fail_after; /* 0: never */
};

static enum status take(void *data, const char *text, size_t len, struct err *e)
{
	struct taken *t = data;

	REQUIRE(len);
	for (size_t i = 0; i < len; i++)
		t->sum += (uint8_t)text[i];
	t->bytes += len;
	if (t->fail_after && !--t->fail_after)
		return err_set(e, E_NOSPACE, "no room");
	return OK;
}

static void write_log(const struct kernel *k, bool since_clear, uint8_t fail_after)
{
	struct taken t = { .fail_after = fail_after };
	struct printk *p;
	struct err e = { OK, 0, "" };
	enum status st = printk_open(&p, k, &e);

	if (st) {
		REQUIRE(st == E_MISSING || st == E_UNREADABLE || st == E_FORMAT);
		REQUIRE(e.status == st && e.text[0]);
		return;
	}
	st = printk_write(p, since_clear, take, &t, &e);
	REQUIRE(st == OK || st == E_FORMAT || (st == E_NOSPACE && fail_after && !t.fail_after));
	REQUIRE(st == OK || (e.status == st && e.text[0]));
	/* every byte is shown once, at most as a new line with its indentation; every line has a prefix of a message */
	REQUIRE(t.bytes <= BYTES * 48 + BYTES / 4 * 64);
	printk_close(p);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static void (*const makers[N_FORMS])(void) = {
		[TEXT] = make_text,
		[RECORDS] = make_records,
		[RING] = make_ring,
	};
	struct arch_ops arch = { .name = "invented", .decode_pte = no_pte, .compound_shift_max = 34 };
	struct bytes b = { data, size };
	struct mem_source *src;
	struct kernel k = { .arch = &arch, .max_mapnr = FRAMES, .version = KVERSION(2, 6) + 32 };
	uint8_t choice = take_u8(&b);
	struct fact_source facts;

	memset(&machine, 0, sizeof(machine));
	long_bytes = choice & 1 ? 4 : 8;
	big = choice & 2;
	if (choice & 4)
		k.version = KVERSION(2, 6) + 24;
	makers[choice / 16 % N_FORMS]();
	machine.areas[0] = (struct area){ 0, FRAMES, RUN_DATA };
	machine.n_areas = 1;
	if (choice & 8) {
		/* one page of the log's is gone */
		unsigned gone = take_u8(&b) % 6;

		machine.areas[0].end = gone;
		machine.areas[1] = (struct area){ gone + 1, FRAMES, RUN_DATA };
		machine.n_areas = 2;
	}
	spoil(&b);
	src = invented_source(&machine);
	k.src = src;
	k.target = (struct target){ .big_endian = big, .long_bytes = long_bytes, .page_shift = 12, .page_size = 4096 };
	k.arch_state = arch_state_unset(big);
	k.arch_state.paging = &(struct paging){ .name = "none", .bits = { 12 } };
	arch_add_linear(&k.arch_state,
			(struct linear_range){ .start = BASE, .end = BASE + BYTES, .trust = RANGE_FIXED });
	k.text = vmcoreinfo_over(machine.text, machine.text_len);
	facts = vmcoreinfo_facts(&k.text);
	facts_fill(&k.facts, &facts, 1);
	write_log(&k, false, 0);
	write_log(&k, true, 0);
	write_log(&k, choice & 1, 1 + choice / 64);
	mem_source_close(src);
	return 0;
}
