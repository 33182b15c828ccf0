/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The VMCOREINFO text that a kernel leaves about itself: lines of KEY=VALUE. */
#include "kernel/vmcoreinfo.h"

#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "print_info.h"

struct vmcoreinfo vmcoreinfo_over(const char *text, size_t len)
{
	return (struct vmcoreinfo){ text, len ? strnlen(text, len) : 0 };
}

/* Steps to the next line; false after the last. */
static bool next_line(const struct vmcoreinfo *v, size_t *at, const char **line, size_t *len)
{
	const char *nl;

	if (*at >= v->len)
		return false;
	*line = v->text + *at;
	nl = memchr(*line, '\n', v->len - *at);
	*len = nl ? (size_t)(nl - *line) : v->len - *at;
	*at += *len + 1;
	return true;
}

bool vmcoreinfo_find(const struct vmcoreinfo *v, const char *key, const char **value, size_t *len)
{
	size_t at = 0, n, key_len = strlen(key);
	const char *line;

	while (next_line(v, &at, &line, &n)) {
		/* a line without a value says nothing */
		if (n < key_len + 2 || memcmp(line, key, key_len) || line[key_len] != '=')
			continue;
		*value = line + key_len + 1;
		*len = n - key_len - 1;
		return true;
	}
	return false;
}

bool vmcoreinfo_decimal(const struct vmcoreinfo *v, const char *key, uint64_t *value)
{
	size_t at = 0, n, key_len = strlen(key);
	const char *line;
	bool found = false;

	while (next_line(v, &at, &line, &n))
		if (n > key_len && !memcmp(line, key, key_len) && line[key_len] == '=')
			found |= text_to_u64(line + key_len + 1, n - key_len - 1, 10, value);
	return found;
}

/* Numbers are decimal, perhaps negative, or hexadecimal with or without "0x". */
static bool parse_number(const char *s, size_t len, uint64_t *value)
{
	bool negative = len && s[0] == '-';

	if (text_to_u64(s + negative, len - negative, 10, value)) {
		if (negative)
			*value = -*value;
		return true;
	}
	if (len > 2 && s[0] == '0' && (s[1] == 'x' || s[1] == 'X')) {
		s += 2;
		len -= 2;
	}
	return text_to_u64(s, len, 16, value);
}

static bool find_fact(const struct fact_source *source, enum fact_kind kind, const char *name, uint64_t *value)
{
	static const char *const words[] = {
		[FACT_SYMBOL] = "SYMBOL", [FACT_SIZE] = "SIZE",	    [FACT_OFFSET] = "OFFSET",
		[FACT_LENGTH] = "LENGTH", [FACT_NUMBER] = "NUMBER",
	};
	char key[96];
	const char *s;
	size_t len;

	if (kind == FACT_LINE)
		return vmcoreinfo_find(source->data, name, &s, &len) && text_to_u64(s, len, 16, value);
	if (kind == FACT_FLAG) {
		*value = 1;
		return vmcoreinfo_find(source->data, name, &s, &len) && len == 1 && *s == 'y';
	}
	snprintf(key, sizeof(key), "%s(%s)", words[kind], name);
	if (!vmcoreinfo_find(source->data, key, &s, &len))
		return false;
	if (kind == FACT_SYMBOL)
		return text_to_u64(s, len, 16, value) && *value && *value != UINT64_MAX;
	return parse_number(s, len, value);
}

struct fact_source vmcoreinfo_facts(const struct vmcoreinfo *v)
{
	return (struct fact_source){ .name = "VMCOREINFO", .data = (void *)(uintptr_t)v, .find = find_fact };
}

void vmcoreinfo_list(const struct vmcoreinfo *v)
{
	size_t at = 0, len;
	const char *line;

	if (!message_shows(MSG_DEBUG))
		return;
	message(MSG_DEBUG, "VMCOREINFO   :\n");
	while (next_line(v, &at, &line, &len))
		message(MSG_DEBUG, "  %.*s\n", (int)len, line);
	message(MSG_DEBUG, "\n");
}
