/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Numbers in text, parsed strictly: all of the text or nothing. */
#ifndef BASE_TEXT_H
#define BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Digits of `base` (10 or 16) only, at least one; false on anything else or on overflow of 64 bits. */
bool text_to_u64(const char *s, size_t len, unsigned base, uint64_t *out);

/* As C's strtoull with base 0 ("0x" hex, "0" octal, else decimal) over a whole NUL-terminated string. */
bool text_to_u64_any(const char *s, uint64_t *out);

/* A decimal number with an optional sign, within [min, max], over a whole NUL-terminated string. */
bool text_to_int(const char *s, int64_t min, int64_t max, int64_t *out);

#endif
