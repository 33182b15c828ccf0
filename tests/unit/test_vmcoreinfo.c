/* SPDX-License-Identifier: GPL-2.0-or-later */
/* VMCOREINFO text and the table of facts that it fills. */
#include "unit.h"

#include "kernel/facts.h"
#include "kernel/vmcoreinfo.h"

static struct vmcoreinfo over(const char *text)
{
	return vmcoreinfo_over(text, strlen(text));
}

static void fill(struct facts *f, const char *text)
{
	struct vmcoreinfo v = over(text);
	struct fact_source s = vmcoreinfo_facts(&v);

	facts_fill(f, &s, 1);
}

static bool find(const char *text, const char *key, char *value, size_t room)
{
	struct vmcoreinfo v = over(text);
	const char *s;
	size_t len;

	if (!vmcoreinfo_find(&v, key, &s, &len))
		return false;
	assert_true(len < room);
	memcpy(value, s, len);
	value[len] = '\0';
	return true;
}

TEST(line_is_found_by_its_whole_key_at_the_start_of_a_line)
{
	static const char text[] = "OSRELEASE=6.1.0\nPAGESIZE=4096\nSIZE(page)=64\nXPAGESIZE=1\nEMPTY=\n";
	char value[64];

	assert_true(find(text, "OSRELEASE", value, sizeof(value)));
	assert_string_equal(value, "6.1.0");
	assert_true(find(text, "PAGESIZE", value, sizeof(value)));
	assert_string_equal(value, "4096");
	assert_false(find(text, "EMPTY", value, sizeof(value)));
	assert_false(find(text, "SIZE", value, sizeof(value)));
	assert_false(find(text, "PAGES", value, sizeof(value)));
	assert_false(find(text, "SIZE(pag", value, sizeof(value)));
	assert_false(find(text, "6.1.0", value, sizeof(value)));
	assert_false(find("", "OSRELEASE", value, sizeof(value)));
}

TEST(first_of_equal_lines_counts)
{
	char value[64];

	assert_true(find("A=1\nB=2\nA=3\n", "A", value, sizeof(value)));
	assert_string_equal(value, "1");
	assert_true(find("A=\nA=3\n", "A", value, sizeof(value)));
	assert_string_equal(value, "3");
}

TEST(last_of_equal_decimal_lines_counts)
{
	struct vmcoreinfo v = over("PAGESIZE=4096\nPAGESIZE=8192\nPAGESIZE=x\n");
	uint64_t value;

	assert_true(vmcoreinfo_decimal(&v, "PAGESIZE", &value));
	assert_int_equal(value, 8192);
}

TEST(last_line_needs_no_newline)
{
	char value[64];

	assert_true(find("A=1\nB=22", "B", value, sizeof(value)));
	assert_string_equal(value, "22");
	assert_false(find("B=", "B", value, sizeof(value)));
	assert_false(find("A=1\nB", "B", value, sizeof(value)));
}

TEST(text_ends_at_the_first_nul)
{
	static const char text[] = "A=1\nB=2\0C=3\n";
	struct vmcoreinfo v = vmcoreinfo_over(text, sizeof(text) - 1);
	const char *s;
	size_t len;

	assert_int_equal(v.len, 7);
	assert_true(vmcoreinfo_find(&v, "B", &s, &len));
	assert_int_equal(len, 1);
	assert_false(vmcoreinfo_find(&v, "C", &s, &len));
	v = vmcoreinfo_over("\0\0\0", 3);
	assert_int_equal(v.len, 0);
	v = vmcoreinfo_over(NULL, 0);
	assert_int_equal(v.len, 0);
	assert_false(vmcoreinfo_find(&v, "C", &s, &len));
}

TEST(line_that_lost_its_newline_spoils_only_itself_and_the_one_it_swallowed)
{
	struct facts f = { 0 };

	/* the kernel cuts a line at 79 characters: the next one follows without a newline */
	fill(&f, "SIZE(page)=64\nSYMBOL(mem_section)=ffffffff81OFFSET(page.flags)=0\nOFFSET(page.lru)=8\n");
	assert_int_equal(fact(&f, F_page_size), 64);
	assert_int_equal(fact(&f, F_page_lru), 8);
	assert_false(fact_known(&f, F_mem_section));
	assert_false(fact_known(&f, F_page_flags));
}

TEST(text_without_any_terminator_is_not_read_beyond_its_length)
{
	const char *text = "SIZE(page)=64";
	char *exact = malloc(strlen(text));
	struct facts f = { 0 };
	struct vmcoreinfo v;
	struct fact_source s;

	assert_non_null(exact);
	memcpy(exact, text, strlen(text));
	v = vmcoreinfo_over(exact, strlen(text));
	s = vmcoreinfo_facts(&v);
	facts_fill(&f, &s, 1);
	assert_int_equal(fact(&f, F_page_size), 64);
	free(exact);
}

TEST(decimal_values_are_decimal_only)
{
	struct vmcoreinfo v = over("PAGESIZE=4096\nCRASHTIME=1727186336\nA=0x1000\nB=-1\nC=\nD=12 \n");
	uint64_t n;

	assert_true(vmcoreinfo_decimal(&v, "PAGESIZE", &n) && n == 4096);
	assert_true(vmcoreinfo_decimal(&v, "CRASHTIME", &n) && n == 1727186336);
	assert_false(vmcoreinfo_decimal(&v, "A", &n));
	assert_false(vmcoreinfo_decimal(&v, "B", &n));
	assert_false(vmcoreinfo_decimal(&v, "C", &n));
	assert_false(vmcoreinfo_decimal(&v, "D", &n));
	assert_false(vmcoreinfo_decimal(&v, "E", &n));
}

TEST(numbers_are_decimal_negative_or_hexadecimal)
{
	static const struct {
		const char *value;
		bool good;
		uint64_t number;
	} rows[] = {
		{ "10", true, 10 },
		{ "0", true, 0 },
		{ "-683671552", true, (uint64_t)-683671552 },
		{ "-1", true, UINT64_MAX },
		{ "-129", true, (uint64_t)-129 },
		{ "1f", true, 0x1f },
		{ "0x10", true, 0x10 },
		{ "0X1F", true, 0x1f },
		{ "0xffffb2e140000000", true, UINT64_C(0xffffb2e140000000) },
		{ "9223372036854775808", true, UINT64_C(1) << 63 },
		{ "18446744073709551615", true, UINT64_MAX },
		{ "", false, 0 },
		{ "-", false, 0 },
		{ "0x", false, 0 },
		{ "12 ", false, 0 },
		{ " 12", false, 0 },
		{ "12kb", false, 0 },
		{ "--1", false, 0 },
		{ "0x1ffffffffffffffff", false, 0 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct facts f = { 0 };
		char text[80];

		snprintf(text, sizeof(text), "NUMBER(phys_base)=%s\n", rows[i].value);
		fill(&f, text);
		if (fact_known(&f, F_phys_base) != rows[i].good)
			fail_msg("%s is %s", rows[i].value, rows[i].good ? "refused" : "taken");
		if (rows[i].good)
			assert_int_equal(fact(&f, F_phys_base), rows[i].number);
	}
}

TEST(symbols_are_hexadecimal_and_neither_0_nor_all_ones)
{
	static const struct {
		const char *value;
		bool good;
		uint64_t number;
	} rows[] = {
		{ "ffffffffa4c1f1c0", true, UINT64_C(0xffffffffa4c1f1c0) },
		{ "10", true, 0x10 },
		{ "0", false, 0 },
		{ "ffffffffffffffff", false, 0 },
		{ "0x10", false, 0 },
		{ "1ffffffffffffffff", false, 0 },
		{ "", false, 0 },
		{ "zz", false, 0 },
		{ "10 ", false, 0 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct facts f = { 0 };
		char text[80];

		snprintf(text, sizeof(text), "SYMBOL(_stext)=%s\n", rows[i].value);
		fill(&f, text);
		assert_int_equal(fact_known(&f, F_stext), rows[i].good);
		if (rows[i].good)
			assert_int_equal(fact(&f, F_stext), rows[i].number);
	}
}

TEST(bad_line_costs_its_fact_only)
{
	struct facts f = { 0 };

	fill(&f, "SIZE(page)=sixty\nOFFSET(page.flags)=0\nNUMBER(PG_lru)\nNUMBER(PG_private)=14\n=\n\nSYMBOL()=1\n");
	assert_false(fact_known(&f, F_page_size));
	assert_false(fact_known(&f, F_PG_lru));
	assert_true(fact_known(&f, F_page_flags));
	assert_int_equal(fact(&f, F_PG_private), 14);
}

TEST(kinds_of_facts_do_not_answer_for_each_other)
{
	struct facts f = { 0 };

	fill(&f, "LENGTH(mem_section)=2048\n");
	assert_true(fact_known(&f, F_mem_section_len));
	assert_false(fact_known(&f, F_mem_section));
	assert_false(fact_known(&f, F_mem_section_size));
	fill(&f, "SYMBOL(mem_section)=ffffffff81000000\nSIZE(mem_section)=16\n");
	assert_int_equal(fact(&f, F_mem_section_len), 2048);
	assert_int_equal(fact(&f, F_mem_section), UINT64_C(0xffffffff81000000));
	assert_int_equal(fact(&f, F_mem_section_size), 16);
}

TEST(earlier_name_of_a_fact_wins_in_the_same_text)
{
	struct facts f = { 0 };
	char label[64];

	fill(&f, "OFFSET(page.compound_info)=16\nOFFSET(page.compound_head)=8\n");
	assert_int_equal(fact(&f, F_page_head), 8);
	assert_string_equal(fact_label(&f, F_page_head, label, sizeof(label)), "OFFSET(page.compound_head)");
	f = (struct facts){ 0 };
	fill(&f, "OFFSET(page.compound_info)=16\n");
	assert_int_equal(fact(&f, F_page_head), 16);
	assert_string_equal(fact_label(&f, F_page_head, label, sizeof(label)), "OFFSET(page.compound_info)");
	f = (struct facts){ 0 };
	assert_string_equal(fact_label(&f, F_page_head, label, sizeof(label)), "OFFSET(page.compound_head)");
}

TEST(earlier_source_wins_and_later_ones_fill_the_gaps)
{
	struct facts f = { 0 };
	struct vmcoreinfo a = over("SIZE(page)=64\nOFFSET(page.compound_info)=16\n");
	struct vmcoreinfo b = over("SIZE(page)=56\nOFFSET(page.compound_head)=8\nOFFSET(page.lru)=8\n");
	struct fact_source s[2] = { vmcoreinfo_facts(&a), vmcoreinfo_facts(&b) };

	s[1].name = "other";
	facts_fill(&f, s, 2);
	assert_int_equal(fact(&f, F_page_size), 64);
	assert_int_equal(fact(&f, F_page_head), 16);
	assert_int_equal(fact(&f, F_page_lru), 8);
	assert_string_equal(f.of[F_page_size].from, "VMCOREINFO");
	assert_string_equal(f.of[F_page_lru].from, "other");
	assert_int_equal(fact_or(&f, F_page_flags, 77), 77);
	assert_int_equal(fact_or(&f, F_page_lru, 77), 8);
}

TEST(debug_messages_show_each_line_behind_two_blanks)
{
	struct vmcoreinfo v = over("OSRELEASE=6.1.0\nCRASHTIME=1727186336\nLAST=1");
	struct capture c;
	char *text;

	capture_start(&c, 1);
	message_set_level(MSG_DEBUG);
	vmcoreinfo_list(&v);
	message_set_level(MSG_COMMON);
	vmcoreinfo_list(&v);
	text = captured(&c);
	assert_string_equal(text, "VMCOREINFO   :\n  OSRELEASE=6.1.0\n  CRASHTIME=1727186336\n  LAST=1\n\n");
	free(text);
}

TEST(debug_messages_list_every_fact_known_or_not)
{
	struct facts f = { 0 };
	struct capture c;
	char *text;

	fill(&f, "SIZE(page)=64\nSYMBOL(init_top_pgt)=ffffffff82000000\nNUMBER(phys_base)=-4096\n");
	capture_start(&c, 1);
	message_set_level(MSG_DEBUG);
	facts_list(&f);
	message_set_level(0);
	text = captured(&c);
	assert_contains(text, "SIZE(page) = 64 (VMCOREINFO)\n");
	assert_contains(text, "SYMBOL(init_top_pgt) = ffffffff82000000 (VMCOREINFO)\n");
	assert_contains(text, "NUMBER(phys_base) = -4096 (VMCOREINFO)\n");
	assert_contains(text, "OFFSET(page.flags) is unknown");
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(line_is_found_by_its_whole_key_at_the_start_of_a_line),
		cmocka_unit_test(first_of_equal_lines_counts),
		cmocka_unit_test(last_of_equal_decimal_lines_counts),
		cmocka_unit_test(last_line_needs_no_newline),
		cmocka_unit_test(text_ends_at_the_first_nul),
		cmocka_unit_test(line_that_lost_its_newline_spoils_only_itself_and_the_one_it_swallowed),
		cmocka_unit_test(text_without_any_terminator_is_not_read_beyond_its_length),
		cmocka_unit_test(decimal_values_are_decimal_only),
		cmocka_unit_test(numbers_are_decimal_negative_or_hexadecimal),
		cmocka_unit_test(symbols_are_hexadecimal_and_neither_0_nor_all_ones),
		cmocka_unit_test(bad_line_costs_its_fact_only),
		cmocka_unit_test(kinds_of_facts_do_not_answer_for_each_other),
		cmocka_unit_test(earlier_name_of_a_fact_wins_in_the_same_text),
		cmocka_unit_test(earlier_source_wins_and_later_ones_fill_the_gaps),
		cmocka_unit_test(debug_messages_show_each_line_behind_two_blanks),
		cmocka_unit_test(debug_messages_list_every_fact_known_or_not),
	};

	return cmocka_run_group_tests_name("vmcoreinfo", tests, NULL, NULL);
}
