/* SPDX-License-Identifier: GPL-2.0-or-later */
/* BTF made by hand: what it answers, and that nothing in it does harm. */
#include "unit.h"

#include "kernel/btf.h"

static struct err e;
static struct type_questions qs;

/* BTF under construction: types by word, names in one heap. */
static struct made {
	uint8_t types[1 << 20];
	char names[4096];
	size_t types_len, names_len;
	bool big;
	uint32_t n;
} made;

static void word(uint32_t v)
{
	put_u32(made.types + made.types_len, v, made.big);
	made.types_len += 4;
}

static uint32_t name(const char *text)
{
	size_t at = made.names_len;

	if (!text[0])
		return 0;
	strcpy(made.names + at, text);
	made.names_len += strlen(text) + 1;
	return (uint32_t)at;
}

/* A type's three words; its number is returned. */
static uint32_t type(const char *its_name, unsigned kind, bool flag, unsigned vlen, uint32_t size)
{
	word(name(its_name));
	word((uint32_t)flag << 31 | kind << 24 | vlen);
	word(size);
	return ++made.n;
}

static void member(const char *its_name, uint32_t its_type, uint32_t bits)
{
	word(name(its_name));
	word(its_type);
	word(bits);
}

static int start(void **state)
{
	(void)state;
	memset(&made, 0, sizeof(made));
	memset(&qs, 0, sizeof(qs));
	made.names_len = 1;
	return 0;
}

static size_t finish(uint8_t **bytes)
{
	size_t len = 24 + made.types_len + made.names_len;
	uint8_t *b = malloc(len);

	put_u16(b, 0xeb9f, made.big);
	b[2] = 1;
	b[3] = 0;
	put_u32(b + 4, 24, made.big);
	put_u32(b + 8, 0, made.big);
	put_u32(b + 12, (uint32_t)made.types_len, made.big);
	put_u32(b + 16, (uint32_t)made.types_len, made.big);
	put_u32(b + 20, (uint32_t)made.names_len, made.big);
	memcpy(b + 24, made.types, made.types_len);
	memcpy(b + 24 + made.types_len, made.names, made.names_len);
	*bytes = b;
	return len;
}

static enum status answer(void)
{
	uint8_t *bytes;
	size_t len = finish(&bytes);
	enum status st = btf_answer(bytes, len, &qs, &e);

	free(bytes);
	return st;
}

static void ask(enum type_ask how, const char *of, const char *part)
{
	type_questions_add(&qs, how, of, strlen(of), part);
}

#define NONE INT64_MIN
static void check(enum type_ask how, const char *of, const char *part, int64_t expect)
{
	uint64_t value;
	bool known = type_questions_answer(&qs, how, of, strlen(of), part, &value);

	if (known != (expect != NONE) || (known && value != (uint64_t)expect))
		fail_msg("%s.%s: %s%lld, not %lld", of, part, known ? "" : "unknown ", known ? (long long)value : 0,
			 (long long)expect);
}

/* struct page { long flags; union { struct { int lru; int flag:4; }; int free[11]; }; } in every form that BTF has. */
static void make_page(bool kind_flag)
{
	uint32_t num = type("int", 1, false, 0, 4), constant, array, inner, both, alias;

	word(32);
	constant = type("", 10, false, 0, num);
	array = type("", 3, false, 0, 0);
	word(constant);
	word(num);
	word(11);
	inner = type("", 4, kind_flag, 2, 8);
	member("lru", num, 0);
	member("flag", num, kind_flag ? 4u << 24 | 35 : 35);
	both = type("", 5, false, 2, 44);
	member("", inner, 0);
	member("free", array, 0);
	alias = type("both_t", 8, false, 0, both);
	type("page", 4, false, 2, 56);
	member("flags", num, 0);
	member("", alias, 64);
}

static void ask_page(void)
{
	ask(ASK_SIZE, "page", "");
	ask(ASK_OFFSET, "page", "flags");
	ask(ASK_OFFSET, "page", "lru");
	ask(ASK_OFFSET, "page", "flag");
	ask(ASK_OFFSET, "page", "gone");
	ask(ASK_MEMBER_LENGTH, "page", "free");
	ask(ASK_MEMBER_LENGTH, "page", "lru");
	ask(ASK_SIZE, "pages", "");
}

static void check_page(void)
{
	check(ASK_SIZE, "page", "", 56);
	check(ASK_OFFSET, "page", "flags", 0);
	check(ASK_OFFSET, "page", "lru", 8);
	check(ASK_OFFSET, "page", "flag", 12);
	check(ASK_OFFSET, "page", "gone", NONE);
	check(ASK_MEMBER_LENGTH, "page", "free", 11);
	check(ASK_MEMBER_LENGTH, "page", "lru", NONE);
	check(ASK_SIZE, "pages", "", NONE);
	assert_int_equal(type_questions_open(&qs), 0);
}

TEST(members_are_found_in_unnamed_members_in_both_byte_orders)
{
	for (unsigned how = 0; how < 4; how++) {
		start(NULL);
		made.big = how & 1;
		make_page(how & 2);
		ask_page();
		assert_ok(answer());
		check_page();
	}
}

TEST(typedefs_answer_for_the_struct_behind_them)
{
	uint32_t num = type("int", 1, false, 0, 4), inner;

	word(32);
	inner = type("", 4, false, 1, 16);
	member("counter", num, 64);
	type("atomic_long_t", 8, false, 0, type("atomic64_t", 8, false, 0, inner));
	ask(ASK_OFFSET, "atomic_long_t", "counter");
	ask(ASK_SIZE, "atomic_long_t", "");
	assert_ok(answer());
	check(ASK_OFFSET, "atomic_long_t", "counter", 8);
	check(ASK_SIZE, "atomic_long_t", "", 16);
}

TEST(constants_count_only_in_their_enum_and_may_be_negative_or_wide)
{
	type("pagetype", 6, false, 2, 4);
	word(name("PG_slab"));
	word(0x1000);
	word(name("PG_lru"));
	word(77);
	type("pageflags", 6, false, 2, 4);
	word(name("PG_lru"));
	word(5);
	word(name("PG_low"));
	word((uint32_t)-3);
	type("wide", 19, false, 1, 8);
	word(name("WIDE"));
	word(0x89abcdef);
	word(0x01234567);
	ask(ASK_ENUMERATOR, "pageflags", "PG_slab");
	ask(ASK_ENUMERATOR, "pageflags", "PG_lru");
	ask(ASK_ENUMERATOR, "pageflags", "PG_low");
	ask(ASK_ENUMERATOR, "wide", "WIDE");
	assert_ok(answer());
	check(ASK_ENUMERATOR, "pageflags", "PG_slab", NONE);
	check(ASK_ENUMERATOR, "pageflags", "PG_lru", 5);
	check(ASK_ENUMERATOR, "pageflags", "PG_low", -3);
	check(ASK_ENUMERATOR, "wide", "WIDE", 0x0123456789abcdef);
}

TEST(of_types_with_one_name_the_one_that_answers_most_counts)
{
	uint32_t num;

	type("page", 7, false, 0, 0);	/* only declared */
	type("page", 12, false, 0, 0);	/* a function */
	type("page", 4, false, 0, 999); /* of somebody else */
	make_page(false);
	num = 1;
	type("page", 4, false, 1, 888);
	member("flags", num, 640);
	ask_page();
	assert_ok(answer());
	check_page();
}

TEST(variables_stay_open)
{
	make_page(false);
	ask(ASK_VARIABLE_LENGTH, "page", "");
	assert_ok(answer());
	check(ASK_VARIABLE_LENGTH, "page", "", NONE);
	assert_int_equal(type_questions_open(&qs), 1);
}

TEST(every_cut_and_every_changed_word_is_an_error_or_an_answer)
{
	uint8_t *bytes, *copy;
	size_t len;

	make_page(true);
	len = finish(&bytes);
	for (size_t cut = 0; cut < len; cut++) {
		copy = malloc(cut ? cut : 1);
		memcpy(copy, bytes, cut);
		memset(&qs, 0, sizeof(qs));
		ask_page();
		assert_int_equal(btf_answer(copy, cut, &qs, &e), E_FORMAT);
		assert_int_equal(type_questions_open(&qs), 8);
		free(copy);
	}
	for (size_t at = 0; at + 4 <= 24 + made.types_len; at += 4) {
		static const uint32_t values[] = { 0, 1, 7, 0xff, 0xffff, 0x1f000000, 0x7fffffff, 0x80000000, UINT32_MAX };

		for (size_t i = 0; i < ARRAY_SIZE(values); i++) {
			copy = malloc(len);
			memcpy(copy, bytes, len);
			put_u32(copy + at, values[i], false);
			memset(&qs, 0, sizeof(qs));
			ask_page();
			assert_int_equal(type_questions_open(&qs), 8);
			if (btf_answer(copy, len, &qs, &e))
				assert_int_equal(e.status, E_FORMAT);
			else
				assert_int_equal(type_questions_open(&qs), 0);
			free(copy);
		}
	}
	free(bytes);
}

TEST(types_that_hold_themselves_end)
{
	/* struct page { struct page; struct page; ... } and a typedef of itself */
	type("page", 4, false, 4, 8);
	for (unsigned i = 0; i < 4; i++)
		member("", 1, 0);
	type("loop", 8, false, 0, 2);
	ask_page();
	ask(ASK_SIZE, "loop", "");
	assert_ok(answer());
	check(ASK_OFFSET, "page", "lru", NONE);
	check(ASK_SIZE, "loop", "", NONE);
}

TEST(unknown_kinds_are_refused)
{
	type("new", 25, false, 0, 0);
	ask_page();
	assert_int_equal(answer(), E_FORMAT);
	assert_contains(e.text, "unknown kind 25");
	assert_int_equal(type_questions_open(&qs), 8);
}

TEST(questions_beyond_the_last_place_have_no_answer)
{
	char of[16], part[64];

	for (unsigned i = 0; i < TYPE_QUESTIONS_MAX + 10; i++) {
		snprintf(of, sizeof(of), "type%u", i);
		ask(ASK_SIZE, of, "");
		ask(ASK_SIZE, of, "");
	}
	assert_int_equal(qs.n, TYPE_QUESTIONS_MAX);
	check(ASK_SIZE, "type409", "", NONE);
	memset(part, 'x', sizeof(part));
	part[63] = '\0';
	start(NULL);
	ask(ASK_OFFSET, "page", part);
	ask(ASK_OFFSET, part, "page");
	assert_int_equal(qs.n, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(members_are_found_in_unnamed_members_in_both_byte_orders, start),
		cmocka_unit_test_setup(typedefs_answer_for_the_struct_behind_them, start),
		cmocka_unit_test_setup(constants_count_only_in_their_enum_and_may_be_negative_or_wide, start),
		cmocka_unit_test_setup(of_types_with_one_name_the_one_that_answers_most_counts, start),
		cmocka_unit_test_setup(variables_stay_open, start),
		cmocka_unit_test_setup(every_cut_and_every_changed_word_is_an_error_or_an_answer, start),
		cmocka_unit_test_setup(types_that_hold_themselves_end, start),
		cmocka_unit_test_setup(unknown_kinds_are_refused, start),
		cmocka_unit_test_setup(questions_beyond_the_last_place_have_no_answer, start),
	};

	message_set_level(0);
	return cmocka_run_group_tests_name("btf", tests, NULL, NULL);
}
