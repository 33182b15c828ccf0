/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Bitmap 2 between the scan, which makes it window by window, and the copy, which needs it again. */
#ifndef OUTPUT_BITMAP_STORE_H
#define OUTPUT_BITMAP_STORE_H

#include "base/cleanup.h"
#include "base/err.h"
#include "makedumpfile.h"

/* An unlinked file in a folder that the user named. */
struct bitmap_store;

enum status bitmap_store_open(struct bitmap_store **s, const char *dir, struct err *e) MUST_CHECK;
void bitmap_store_close(struct bitmap_store *s);
DEFINE_AUTO(bitmap_store);

/* `first` is a multiple of 8; what was never put reads as zero. */
enum status bitmap_store_put(struct bitmap_store *s, pfn_t first, const uint8_t *bits, size_t bytes,
			     struct err *e) MUST_CHECK;
enum status bitmap_store_get(struct bitmap_store *s, pfn_t first, uint8_t *bits, size_t bytes, struct err *e) MUST_CHECK;

#endif
