/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The kernel's log of machines of all widths and byte orders, whole and damaged. */
#include "world.h"

#include "kernel/printk.h"

static struct err e;
static struct world w;

static const struct {
	unsigned long_bytes;
	bool big;
} widths[] = { { 8, false }, { 8, true }, { 4, false }, { 4, true } };

/* --- what comes out -------------------------------------------------------------------------------------- */

static char text[1 << 18];
static size_t text_len;
static unsigned puts_left; /* the callback fails after so many calls */

static enum status take(void *data, const char *part, size_t len, struct err *err)
{
	assert_ptr_equal(data, &w);
	assert_true(len);
	if (!puts_left--)
		return err_set(err, E_NOSPACE, "no room");
	assert_true(text_len + len < sizeof(text));
	memcpy(text + text_len, part, len);
	text_len += len;
	return OK;
}

static enum status write_log(bool since_clear)
{
	struct printk *p;
	enum status st = printk_open(&p, &w.k, &e);

	text_len = 0;
	text[0] = '\0';
	puts_left = 1000;
	if (st)
		return st;
	st = printk_write(p, since_clear, take, &w, &e);
	text[text_len] = '\0';
	printk_close(p);
	return st;
}

static void check_log(const char *want)
{
	assert_ok(write_log(false));
	assert_string_equal(text, want);
}

static void check_damaged(const char *want, const char *why)
{
	assert_int_equal(write_log(false), E_FORMAT);
	assert_contains(e.text, why);
	assert_string_equal(text, want);
}

/* --- variables ------------------------------------------------------------------------------------------- */

#define VARIABLES 0x3000
#define LOG 0x8000

static void add_symbol(const char *name, paddr_t at)
{
	char line[80];

	snprintf(line, sizeof(line), "SYMBOL(%s)=%" PRIx64 "\n", name, world_va(&w, at));
	world_facts(&w, line);
}

static void put16(paddr_t at, unsigned v)
{
	put_u16(w.mem.bytes + at, (uint16_t)v, w.k.target.big_endian);
}

static void put64(paddr_t at, uint64_t v)
{
	put_u64(w.mem.bytes + at, v, w.k.target.big_endian);
}

static void put_bytes(paddr_t at, const char *s)
{
	memcpy(w.mem.bytes + at, s, strlen(s));
}

/* --- text ------------------------------------------------------------------------------------------------ */

static void open_text(unsigned i, uint64_t len, uint64_t end)
{
	world_open(&w, widths[i].long_bytes, widths[i].big, 32);
	w.k.version = KVERSION(2, 6) + 32;
	add_symbol("log_buf", VARIABLES);
	add_symbol("log_buf_len", VARIABLES + 16);
	add_symbol("log_end", VARIABLES + 32);
	add_symbol("logged_chars", VARIABLES + 48);
	world_put_long(&w, VARIABLES, world_va(&w, LOG));
	world_put_u32(&w, VARIABLES + 16, (uint32_t)len);
	world_put_u32(&w, VARIABLES + 32, (uint32_t)end);
	put_bytes(LOG, "ABCDEFGHIJKLMNOP");
}

TEST(text_is_what_was_written_last_byte_by_byte)
{
	for (unsigned i = 0; i < ARRAY_SIZE(widths); i++) {
		open_text(i, 16, 5);
		w.mem.bytes[LOG + 2] = 0x80;
		check_log("AB\200DE");
		world_close(&w);
		open_text(i, 16, 16);
		check_log("ABCDEFGHIJKLMNOP");
		world_put_u32(&w, VARIABLES + 32, 35);
		check_log("DEFGHIJKLMNOPABC");
		world_put_u32(&w, VARIABLES + 32, 0);
		check_log("");
		world_close(&w);
	}
}

TEST(text_since_it_was_cleared)
{
	open_text(1, 16, 35);
	world_put_u32(&w, VARIABLES + 48, 4);
	assert_ok(write_log(true));
	assert_string_equal(text, "PABC");
	world_put_u32(&w, VARIABLES + 48, 0);
	assert_ok(write_log(true));
	assert_string_equal(text, "");
	world_put_u32(&w, VARIABLES + 48, 40);
	assert_ok(write_log(true));
	assert_string_equal(text, "DEFGHIJKLMNOPABC");
	world_close(&w);
}

TEST(count_of_text_was_a_long_before_2_6_25)
{
	open_text(1, 16, 0);
	w.k.version = KVERSION(2, 6) + 24;
	world_put_long(&w, VARIABLES + 32, 35);
	check_log("DEFGHIJKLMNOPABC");
	world_close(&w);
}

TEST(text_that_cannot_be_right_or_read)
{
	open_text(0, 12, 100);
	check_damaged("ABCDEFGHIJKL", "log_buf_len is 12");
	world_put_u32(&w, VARIABLES + 16, 0);
	assert_int_equal(write_log(false), E_FORMAT);
	world_put_u32(&w, VARIABLES + 16, 0x80000001);
	assert_int_equal(write_log(false), E_FORMAT);
	world_close(&w);
	/* the second page of three is gone */
	open_text(0, 1 << 14, 12000);
	memset(w.mem.bytes + LOG, 'x', 12000);
	w.mem.unreadable[LOG / 4096 + 1] = 1;
	assert_int_equal(write_log(false), E_FORMAT);
	assert_contains(e.text, "damaged in 1 place");
	assert_int_equal(text_len, 12000 - 4096);
	/* nothing is there at all */
	world_put_long(&w, VARIABLES, world_va(&w, 0x100000));
	assert_int_equal(write_log(false), E_FORMAT);
	assert_int_equal(text_len, 0);
	w.mem.unreadable[VARIABLES / 4096] = 1;
	assert_int_equal(write_log(false), E_UNREADABLE);
	world_close(&w);
}

/* --- records --------------------------------------------------------------------------------------------- */

#define RECORDS_LEN 256

static const char record_facts[] = "SIZE(printk_log)=24\nOFFSET(printk_log.ts_nsec)=8\nOFFSET(printk_log.len)=0\n"
				   "OFFSET(printk_log.text_len)=2\nOFFSET(printk_log.dict_len)=4\n";

static void open_records(unsigned i, unsigned first, unsigned next)
{
	world_open(&w, widths[i].long_bytes, widths[i].big, 32);
	world_facts(&w, record_facts);
	add_symbol("log_buf", VARIABLES);
	add_symbol("log_buf_len", VARIABLES + 16);
	add_symbol("log_first_idx", VARIABLES + 20);
	add_symbol("log_next_idx", VARIABLES + 24);
	add_symbol("clear_idx", VARIABLES + 28);
	world_put_long(&w, VARIABLES, world_va(&w, LOG));
	world_put_u32(&w, VARIABLES + 16, RECORDS_LEN);
	world_put_u32(&w, VARIABLES + 20, first);
	world_put_u32(&w, VARIABLES + 24, next);
}

/* Returns the position behind it. */
static unsigned put_record(unsigned at, uint64_t ns, const char *s)
{
	unsigned len = (24 + (unsigned)strlen(s) + 3) / 4 * 4;

	put16(LOG + at, len);
	put16(LOG + at + 2, (unsigned)strlen(s));
	put16(LOG + at + 4, 0);
	put64(LOG + at + 8, ns);
	put_bytes(LOG + at + 24, s);
	return at + len;
}

#define SECOND UINT64_C(1000000000)

TEST(records_become_lines)
{
	for (unsigned i = 0; i < ARRAY_SIZE(widths); i++) {
		unsigned next;

		open_records(i, 0, 0);
		check_log("");
		next = put_record(0, 0, "one");
		next = put_record(next, 12 * SECOND + 345678999, "two\nlines");
		next = put_record(next, 1234567 * SECOND, "tab\t \x01\x7f\xc3\xa4");
		next = put_record(next, UINT64_MAX, "");
		world_put_u32(&w, VARIABLES + 24, next);
		check_log("[    0.000000] one\n"
			  "[   12.345678] two\n"
			  "               lines\n"
			  "[1234567.000000] tab\t \\x01\\x7f\\xc3\\xa4\n"
			  "[18446744073.709551] \n");
		world_close(&w);
	}
}

TEST(records_name_their_caller_where_it_is_known)
{
	open_records(1, 0, 0);
	world_facts(&w, "OFFSET(printk_log.caller_id)=16\n");
	world_put_u32(&w, VARIABLES + 24, put_record(put_record(0, 0, "thread"), 0, "processor\nand more"));
	world_put_u32(&w, LOG + 16, 77);
	world_put_u32(&w, LOG + 32 + 16, 0x80000003);
	check_log("[    0.000000] [     T77] thread\n"
		  "[    0.000000] [      C3] processor\n"
		  "                          and more\n");
	world_close(&w);
}

TEST(records_of_kernels_before_3_11_have_another_name)
{
	world_open(&w, 8, false, 32);
	world_facts(&w, "SIZE(log)=24\nOFFSET(log.ts_nsec)=8\nOFFSET(log.len)=0\nOFFSET(log.text_len)=2\n");
	add_symbol("log_buf", VARIABLES);
	add_symbol("log_buf_len", VARIABLES + 16);
	add_symbol("log_first_idx", VARIABLES + 20);
	add_symbol("log_next_idx", VARIABLES + 24);
	world_put_long(&w, VARIABLES, world_va(&w, LOG));
	world_put_u32(&w, VARIABLES + 16, RECORDS_LEN);
	world_put_u32(&w, VARIABLES + 24, put_record(0, 0, "old"));
	check_log("[    0.000000] old\n");
	world_close(&w);
}

/* Three old records up to the end of the ring, two new ones at its start. */
static void put_wrapped(unsigned i)
{
	unsigned next;

	open_records(i, 120, 0);
	next = put_record(put_record(put_record(120, SECOND, "old 1"), SECOND, "old 2"), SECOND, "old 3");
	assert_int_equal(next, 120 + 96);
	memset(w.mem.bytes + LOG + next, 0, RECORDS_LEN - next);
	world_put_u32(&w, VARIABLES + 24, put_record(put_record(0, 2 * SECOND, "new 1"), 2 * SECOND, "new 2"));
}

#define OLD "[    1.000000] old 1\n[    1.000000] old 2\n[    1.000000] old 3\n"
#define NEW "[    2.000000] new 1\n[    2.000000] new 2\n"

TEST(records_go_on_at_the_start_of_the_ring)
{
	for (unsigned i = 0; i < ARRAY_SIZE(widths); i++) {
		put_wrapped(i);
		check_log(OLD NEW);
		world_close(&w);
	}
}

static void check_since(unsigned clear, const char *want)
{
	world_put_u32(&w, VARIABLES + 28, clear);
	assert_ok(write_log(true));
	assert_string_equal(text, want);
}

TEST(records_since_they_were_cleared)
{
	put_wrapped(0);
	check_since(120, OLD NEW);
	check_since(152, "[    1.000000] old 2\n[    1.000000] old 3\n" NEW);
	/* where the next record would have gone if there had been room */
	check_since(216, NEW);
	check_since(32, "[    2.000000] new 2\n");
	check_since(64, "");
	/* overwritten, or nobody ever cleared */
	check_since(16, OLD NEW);
	check_since(70, OLD NEW);
	check_since(5000, OLD NEW);
	check_since(0, OLD NEW);
	world_close(&w);
}

TEST(numbers_of_records_tell_whether_clearing_still_means_something)
{
	put_wrapped(0);
	add_symbol("clear_seq", VARIABLES + 40);
	add_symbol("log_first_seq", VARIABLES + 48);
	put64(VARIABLES + 40, 9);
	put64(VARIABLES + 48, 10);
	check_since(32, OLD NEW);
	put64(VARIABLES + 40, 13);
	check_since(32, "[    2.000000] new 2\n");
	put64(VARIABLES + 40, 10);
	check_since(120, OLD NEW);
	world_close(&w);
}

TEST(bad_record_costs_no_other_one)
{
	static const struct {
		unsigned at, value;
		const char *lost;
	} rows[] = {
		{ 152, 0, "" },	     { 152, 4, "" },	  { 152, 31, NULL }, { 152, 64, NULL },
		{ 152, 0xffff, "" }, { 154, 0xffff, "" }, { 154, 60, NULL },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		put_wrapped(0);
		put16(LOG + rows[i].at, rows[i].value);
		assert_int_equal(write_log(false), E_FORMAT);
		assert_contains(e.text, "damaged in 1 place");
		assert_contains(text, "old 1\n");
		assert_contains(text, "old 3\n");
		assert_contains(text, NEW);
		if (!rows[i].lost)
			assert_contains(text, "old 2");
		world_close(&w);
	}
}

TEST(text_of_a_record_ends_with_it)
{
	put_wrapped(0);
	put16(LOG + 154, 100);
	assert_int_equal(write_log(false), E_FORMAT);
	assert_string_equal(text, "[    1.000000] old 1\n[    1.000000] old 2\\x00\\x00\\x00\n[    1.000000] old 3\n" NEW);
	world_close(&w);
}

TEST(positions_of_records_that_cannot_be_right)
{
	put_wrapped(0);
	/* the first is told by what lies behind the last */
	world_put_u32(&w, VARIABLES + 20, 5000);
	check_damaged(OLD NEW, "log_first_idx is 0x1388");
	world_put_u32(&w, VARIABLES + 20, 120);
	world_put_u32(&w, VARIABLES + 24, 5000);
	check_damaged(OLD NEW, "log_next_idx is 0x1388");
	world_put_u32(&w, VARIABLES + 20, 0xffffffff);
	check_damaged(NEW OLD, "log_first_idx is 0xffffffff");
	world_close(&w);
}

TEST(records_in_pages_that_are_gone_are_skipped)
{
	unsigned next = 0;

	open_records(0, 0, 0);
	world_put_u32(&w, VARIABLES + 16, 1 << 14);
	for (unsigned n = 0; n < 256; n++)
		next = put_record(next, 0, "sixteen or more.");
	assert_int_equal(next, 10240);
	world_put_u32(&w, VARIABLES + 24, next);
	w.mem.unreadable[LOG / 4096 + 1] = 1;
	assert_int_equal(write_log(false), E_FORMAT);
	/* 102 records before it, 51 behind it, and one whose text is cut */
	assert_int_equal(text_len, (102 + 51) * 32 + 16);
	world_close(&w);
}

TEST(records_never_lead_in_circles_or_out_of_the_ring)
{
	uint64_t seed = 7;

	for (unsigned n = 0; n < 3000; n++) {
		put_wrapped(n % 4);
		for (unsigned k = 0; k < 1 + n % 5; k++)
			put16(LOG + random_below(&seed, RECORDS_LEN), (unsigned)random_below(&seed, n % 2 ? 80 : 65536));
		if (n % 3 == 0)
			world_put_u32(&w, VARIABLES + 20, (uint32_t)random_below(&seed, 300));
		if (n % 7 == 0)
			world_put_u32(&w, VARIABLES + 24, (uint32_t)random_below(&seed, 300));
		world_put_u32(&w, VARIABLES + 28, (uint32_t)random_below(&seed, 300));
		assert_in_set(write_log(n % 2), ((LargestIntegralType[]){ OK, E_FORMAT }), 2);
		/* no byte is shown twice */
		assert_true(text_len < RECORDS_LEN * 4 + 16 * 40);
		world_close(&w);
	}
}

/* --- descriptors and text -------------------------------------------------------------------------------- */

#define RB 0x4000
#define DESCS 0x5000
#define INFOS 0x6000
#define COUNT 16u
#define TEXT_BITS 9 /* five more than bits of COUNT, as in all kernels */
#define TEXT_SIZE (1u << TEXT_BITS)

struct ring {
	uint64_t id, lpos, seq;
	unsigned long_bytes;
	bool fits_exactly; /* since 6.19 a block may end where the ring does */
};
static struct ring ring;

static uint64_t id_mask(void)
{
	return UINT64_MAX >> (64 - 8 * ring.long_bytes) >> 2;
}

static void put_state(uint64_t id, unsigned state)
{
	uint64_t slot = id & (COUNT - 1);

	world_put_long(&w, DESCS + slot * 3 * ring.long_bytes, (id & id_mask()) | (id_mask() + 1) * state);
}

static paddr_t desc_of(uint64_t n)
{
	return DESCS + n % COUNT * 3 * ring.long_bytes;
}

static paddr_t info_of(uint64_t n)
{
	return INFOS + n % COUNT * 32;
}

/* Adds a message as the kernel does; nothing is freed. */
static void log_message(uint64_t ns, uint32_t caller, const char *s)
{
	unsigned l = ring.long_bytes, size = ((unsigned)strlen(s) + l + l - 1) / l * l;
	uint64_t begin = ring.lpos, next = begin + size, last = next - ring.fits_exactly, slot = ++ring.id & (COUNT - 1);
	uint64_t start = begin % TEXT_SIZE;

	if (begin / TEXT_SIZE != last / TEXT_SIZE) {
		next = last / TEXT_SIZE * TEXT_SIZE + size;
		start = 0;
	}
	if (!*s)
		begin = next = 3;
	else
		ring.lpos = next;
	if (*s) {
		world_put_long(&w, LOG + start, ring.id & id_mask());
		put_bytes(LOG + start + l, s);
	}
	world_put_long(&w, desc_of(slot) + l, begin);
	world_put_long(&w, desc_of(slot) + 2 * l, next);
	put64(info_of(slot), ring.seq++);
	put64(info_of(slot) + 8, ns);
	put16(info_of(slot) + 16, (unsigned)strlen(s));
	world_put_u32(&w, info_of(slot) + 20, caller);
	put_state(ring.id, 2);
}

static void put_head_tail(uint64_t head, uint64_t tail)
{
	world_put_long(&w, RB + 3 * ring.long_bytes, head & id_mask());
	world_put_long(&w, RB + 4 * ring.long_bytes, tail & id_mask());
}

/* A ring as it is after boot, whose ids and positions are about to pass their largest values. */
static void open_ring(unsigned i)
{
	unsigned l = widths[i].long_bytes;
	char facts[800];

	world_open(&w, l, widths[i].big, 32);
	ring = (struct ring){ .id = -(uint64_t)(COUNT + 1), .lpos = -(uint64_t)TEXT_SIZE, .long_bytes = l };
	snprintf(facts, sizeof(facts),
		 "SIZE(printk_ringbuffer)=80\nOFFSET(printk_ringbuffer.desc_ring)=0\n"
		 "OFFSET(printk_ringbuffer.text_data_ring)=%u\nOFFSET(prb_desc_ring.count_bits)=0\n"
		 "OFFSET(prb_desc_ring.descs)=%u\nOFFSET(prb_desc_ring.infos)=%u\nOFFSET(prb_desc_ring.head_id)=%u\n"
		 "OFFSET(prb_desc_ring.tail_id)=%u\nSIZE(prb_desc)=%u\nOFFSET(prb_desc.state_var)=0\n"
		 "OFFSET(prb_desc.text_blk_lpos)=%u\nOFFSET(prb_data_blk_lpos.begin)=0\nOFFSET(prb_data_blk_lpos.next)=%u\n"
		 "OFFSET(prb_data_ring.size_bits)=0\nOFFSET(prb_data_ring.data)=%u\nSIZE(printk_info)=32\n"
		 "OFFSET(printk_info.seq)=0\nOFFSET(printk_info.ts_nsec)=8\nOFFSET(printk_info.text_len)=16\n"
		 "OFFSET(printk_info.caller_id)=20\nOFFSET(atomic_long_t.counter)=0\n",
		 6 * l, l, 2 * l, 3 * l, 4 * l, 3 * l, l, l, l);
	world_facts(&w, facts);
	add_symbol("prb", VARIABLES);
	add_symbol("clear_seq", VARIABLES + 16);
	world_put_long(&w, VARIABLES, world_va(&w, RB));
	world_put_u32(&w, RB, 4);
	world_put_long(&w, RB + l, world_va(&w, DESCS));
	world_put_long(&w, RB + 2 * l, world_va(&w, INFOS));
	world_put_u32(&w, RB + 6 * l, TEXT_BITS);
	world_put_long(&w, RB + 7 * l, world_va(&w, LOG));
	put_state(ring.id, 3);
	put_head_tail(ring.id, ring.id);
}

/* Ten messages, of which the first is none yet when the ring is young. */
static void log_some(unsigned i)
{
	open_ring(i);
	log_message(0, 0, "first");
	log_message(SECOND, 0x80000001, "two\nlines");
	log_message(2 * SECOND, 1234567, "\xe2\x82\xac \x1b");
	log_message(2 * SECOND, 1, "");
	log_message(3 * SECOND, 1, "last");
	put_head_tail(ring.id, ring.id - 5);
}

#define FIRST "[    0.000000] [      T0] first\n"
#define TWO "[    1.000000] [      C1] two\n                          lines\n"
#define EURO "[    2.000000] [T1234567] \\xe2\\x82\\xac \\x1b\n"
#define EMPTY "[    2.000000] [      T1] \n"
#define LAST "[    3.000000] [      T1] last\n"

TEST(messages_become_lines)
{
	for (unsigned i = 0; i < ARRAY_SIZE(widths); i++) {
		open_ring(i);
		check_log("");
		world_close(&w);
		log_some(i);
		check_log(FIRST TWO EURO EMPTY LAST);
		world_close(&w);
	}
}

TEST(messages_that_are_not_finished_or_freed_are_none)
{
	log_some(0);
	put_state(ring.id, 0);
	put_state(ring.id - 1, 3);
	put_state(ring.id - 2, 1);
	check_log(FIRST TWO EURO);
	/* no room for its text */
	put_state(ring.id, 2);
	world_put_long(&w, desc_of(ring.id) + 8, 1);
	world_put_long(&w, desc_of(ring.id) + 16, 1);
	check_log(FIRST TWO EURO);
	/* the next one is being reserved: the head has moved, the descriptor not yet */
	put_head_tail(ring.id + 1, ring.id - 5);
	put_state(ring.id + 1 - COUNT, 3);
	check_log(FIRST TWO EURO);
	world_close(&w);
}

TEST(messages_since_the_log_was_cleared)
{
	for (unsigned i = 0; i < ARRAY_SIZE(widths); i++) {
		log_some(i);
		put64(VARIABLES + 16, 2);
		assert_ok(write_log(true));
		assert_string_equal(text, EURO EMPTY LAST);
		put64(VARIABLES + 16, 5);
		assert_ok(write_log(true));
		assert_string_equal(text, "");
		/* far ahead of all there is: nothing, and at once */
		put64(VARIABLES + 16, UINT64_MAX);
		assert_ok(write_log(true));
		assert_string_equal(text, "");
		/* two copies, chosen by the lowest bit of a counter of 4 bytes */
		world_facts(&w, "OFFSET(latched_seq.val)=8\n");
		put64(VARIABLES + 24, 4);
		put64(VARIABLES + 32, 1);
		world_put_u32(&w, VARIABLES + 20, 1);
		world_put_u32(&w, VARIABLES + 16, 6);
		assert_ok(write_log(true));
		assert_string_equal(text, LAST);
		world_put_u32(&w, VARIABLES + 20, 0);
		world_put_u32(&w, VARIABLES + 16, 7);
		assert_ok(write_log(true));
		assert_string_equal(text, TWO EURO EMPTY LAST);
		world_close(&w);
	}
}

/* Text of `n` letters as the only message, at `lpos`. */
static void check_block(unsigned i, uint64_t lpos, unsigned n, bool fits_exactly)
{
	char s[TEXT_SIZE] = "", want[TEXT_SIZE + 64];

	open_ring(i);
	ring.lpos = lpos;
	ring.fits_exactly = fits_exactly;
	memset(s, 'x', n);
	memset(w.mem.bytes + LOG, '?', TEXT_SIZE);
	log_message(0, 0, s);
	put_head_tail(ring.id, ring.id);
	snprintf(want, sizeof(want), "[    0.000000] [      T0] %s\n", s);
	check_log(want);
	world_close(&w);
}

TEST(text_lies_before_the_end_of_the_ring_or_at_its_start)
{
	for (unsigned i = 0; i < ARRAY_SIZE(widths); i++)
		for (uint64_t lpos = 0; lpos < TEXT_SIZE; lpos += 8)
			for (unsigned n = 1; n < 100; n += 13)
				for (unsigned exact = 0; exact < 2; exact++) {
					check_block(i, lpos, n, exact);
					/* positions pass their largest value */
					check_block(i, lpos - TEXT_SIZE, n, exact);
				}
}

TEST(words_of_the_ring_that_cannot_be_right_cost_nothing)
{
	static const uint64_t bad[] = { 0, 77, 1u << 20, UINT64_C(0x2fffffffffffffff), 12345678901 };

	for (unsigned i = 0; i < ARRAY_SIZE(widths); i++) {
		log_some(i);
		for (size_t k = 0; k < ARRAY_SIZE(bad); k++) {
			put_head_tail(bad[k], ring.id - 5);
			check_damaged(FIRST TWO EURO EMPTY LAST, "is damaged in");
			put_head_tail(ring.id, bad[k]);
			check_damaged(FIRST TWO EURO EMPTY LAST, "than there are descriptors");
			put_head_tail(bad[k], bad[(k + 1) % ARRAY_SIZE(bad)]);
			check_damaged(FIRST TWO EURO EMPTY LAST, "is damaged in");
		}
		/* in range, but some messages would be lost */
		put_head_tail(ring.id - 2, ring.id - 5);
		check_damaged(FIRST TWO EURO EMPTY LAST, "newest message is not");
		put_head_tail(ring.id, ring.id - 2);
		check_damaged(FIRST TWO EURO EMPTY LAST, "oldest message is not");
		world_close(&w);
	}
}

TEST(bad_descriptor_costs_its_message)
{
	for (unsigned i = 0; i < ARRAY_SIZE(widths); i++) {
		log_some(i);
		world_put_long(&w, desc_of(ring.id - 3), 0x123456);
		check_damaged(FIRST EURO EMPTY LAST, "the descriptor of message");
		world_close(&w);
	}
}

TEST(positions_of_text_that_cannot_be_right)
{
	unsigned l;

	for (unsigned i = 0; i < ARRAY_SIZE(widths); i++) {
		l = widths[i].long_bytes;
		/* the start still shows where it is */
		log_some(i);
		world_put_long(&w, desc_of(ring.id - 3) + 2 * l, 0x1008);
		check_damaged(FIRST TWO EURO EMPTY LAST, "has its text at");
		/* nothing does */
		world_put_long(&w, desc_of(ring.id - 3) + l, 0x12345);
		check_damaged(FIRST EURO EMPTY LAST, "has its text at");
		world_close(&w);
		/* another message's block */
		log_some(i);
		world_put_long(&w, LOG + 0, 0x777);
		check_damaged(FIRST TWO EURO EMPTY LAST, "not marked as its own");
		world_close(&w);
	}
}

TEST(text_is_never_longer_than_its_block)
{
	log_some(0);
	put16(info_of(ring.id) + 16, 0xffff);
	check_damaged(FIRST TWO EURO EMPTY "[    3.000000] [      T1] last\\x00\\x00\\x00\\x00\n", "more text than room");
	world_close(&w);
}

TEST(rings_in_pages_that_are_gone)
{
	log_some(0);
	w.mem.unreadable[INFOS / 4096] = 1;
	check_damaged("", "no memory");
	w.mem.unreadable[INFOS / 4096] = 0;
	w.mem.unreadable[LOG / 4096] = 1;
	assert_int_equal(write_log(false), E_FORMAT);
	assert_contains(text, "[    3.000000] [      T1] \n");
	w.mem.unreadable[LOG / 4096] = 0;
	w.mem.unreadable[DESCS / 4096] = 1;
	check_damaged("", "no memory");
	w.mem.unreadable[RB / 4096] = 1;
	assert_int_equal(write_log(false), E_UNREADABLE);
	world_close(&w);
}

TEST(impossible_size_of_one_ring_follows_from_the_other)
{
	static const struct {
		paddr_t at;
		uint32_t value;
	} rows[] = { { RB, 0 }, { RB, 28 }, { RB, 64 }, { RB + 48, 3 }, { RB + 48, 32 }, { RB + 48, UINT32_MAX } };

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		log_some(0);
		world_put_u32(&w, rows[i].at, rows[i].value);
		check_damaged(FIRST TWO EURO EMPTY LAST, "2^4 descriptors and 2^9 bytes are guessed");
		/* nothing follows from nothing */
		world_put_u32(&w, RB + (rows[i].at == RB ? 48 : 0), 0);
		assert_int_equal(write_log(false), E_FORMAT);
		assert_contains(e.text, "rings of");
		assert_int_equal(text_len, 0);
		world_close(&w);
	}
}

TEST(largest_ring_of_nothing_ends_at_once)
{
	log_some(0);
	world_put_u32(&w, RB, 27);
	world_put_u32(&w, RB + 48, 31);
	put_head_tail(0, UINT64_C(1) << 61);
	w.mem.views = 0;
	assert_int_equal(write_log(false), E_FORMAT);
	/* a page that is not there costs one look, not one for each descriptor */
	assert_true(w.mem.views < 1000);
	world_close(&w);
}

TEST(spoiled_rings_end)
{
	uint64_t seed = 3;

	for (unsigned n = 0; n < 3000; n++) {
		log_some(n % 4);
		for (unsigned k = 0; k < 1 + n % 4; k++) {
			static const paddr_t areas[] = { RB, DESCS, INFOS, LOG };
			paddr_t at = areas[random_below(&seed, 4)] + random_below(&seed, 240);

			put64(at, random_next(&seed) >> random_below(&seed, 64));
		}
		/* the size of the ring itself is another test's */
		world_put_u32(&w, RB, 4);
		world_put_u32(&w, RB + 6 * ring.long_bytes, TEXT_BITS);
		assert_in_set(write_log(n % 2), ((LargestIntegralType[]){ OK, E_FORMAT }), 2);
		assert_true(text_len < TEXT_SIZE * 30 + COUNT * 60);
		world_close(&w);
	}
}

/* --- all ------------------------------------------------------------------------------------------------- */

TEST(what_is_unknown_is_named)
{
	world_open(&w, 8, false, 32);
	assert_int_equal(write_log(false), E_MISSING);
	assert_contains(e.text, "log_end");
	add_symbol("log_end", VARIABLES);
	assert_int_equal(write_log(false), E_MISSING);
	assert_contains(e.text, "SYMBOL(log_buf)");
	/* the newest form counts */
	add_symbol("log_first_idx", VARIABLES);
	add_symbol("log_buf", VARIABLES);
	assert_int_equal(write_log(false), E_MISSING);
	assert_contains(e.text, "SYMBOL(log_buf_len)");
	add_symbol("prb", VARIABLES);
	assert_int_equal(write_log(false), E_MISSING);
	assert_contains(e.text, "OFFSET(printk_ringbuffer.desc_ring)");
	world_close(&w);
}

TEST(callback_that_fails_ends_the_log)
{
	struct printk *p;

	for (unsigned i = 0; i < 3; i++) {
		if (i == 0)
			open_text(0, 1 << 16, 1 << 16);
		else if (i == 1)
			put_wrapped(0);
		else
			log_some(0);
		text_len = 0;
		puts_left = 0;
		assert_ok(printk_open(&p, &w.k, &e));
		assert_int_equal(printk_write(p, false, take, &w, &e), E_NOSPACE);
		assert_string_equal(e.text, "no room");
		assert_int_equal(text_len, 0);
		printk_close(p);
		world_close(&w);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(text_is_what_was_written_last_byte_by_byte),
		cmocka_unit_test(text_since_it_was_cleared),
		cmocka_unit_test(count_of_text_was_a_long_before_2_6_25),
		cmocka_unit_test(text_that_cannot_be_right_or_read),
		cmocka_unit_test(records_become_lines),
		cmocka_unit_test(records_name_their_caller_where_it_is_known),
		cmocka_unit_test(records_of_kernels_before_3_11_have_another_name),
		cmocka_unit_test(records_go_on_at_the_start_of_the_ring),
		cmocka_unit_test(records_since_they_were_cleared),
		cmocka_unit_test(numbers_of_records_tell_whether_clearing_still_means_something),
		cmocka_unit_test(bad_record_costs_no_other_one),
		cmocka_unit_test(text_of_a_record_ends_with_it),
		cmocka_unit_test(positions_of_records_that_cannot_be_right),
		cmocka_unit_test(records_in_pages_that_are_gone_are_skipped),
		cmocka_unit_test(records_never_lead_in_circles_or_out_of_the_ring),
		cmocka_unit_test(messages_become_lines),
		cmocka_unit_test(messages_that_are_not_finished_or_freed_are_none),
		cmocka_unit_test(messages_since_the_log_was_cleared),
		cmocka_unit_test(text_lies_before_the_end_of_the_ring_or_at_its_start),
		cmocka_unit_test(words_of_the_ring_that_cannot_be_right_cost_nothing),
		cmocka_unit_test(bad_descriptor_costs_its_message),
		cmocka_unit_test(positions_of_text_that_cannot_be_right),
		cmocka_unit_test(text_is_never_longer_than_its_block),
		cmocka_unit_test(rings_in_pages_that_are_gone),
		cmocka_unit_test(impossible_size_of_one_ring_follows_from_the_other),
		cmocka_unit_test(largest_ring_of_nothing_ends_at_once),
		cmocka_unit_test(spoiled_rings_end),
		cmocka_unit_test(what_is_unknown_is_named),
		cmocka_unit_test(callback_that_fails_ends_the_log),
	};

	message_set_level(0);
	return cmocka_run_group_tests_name("printk", tests, NULL, NULL);
}
