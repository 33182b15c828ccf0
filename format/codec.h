/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Page compressors as a table; the libraries behind them are known to codec.c alone. */
#ifndef FORMAT_CODEC_H
#define FORMAT_CODEC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/err.h"

struct codec {
	const char *name;	 /* as -v and messages show it */
	const char *title;	 /* as -h shows it: a package test looks for "LZO support:" */
	const char *make_switch; /* what builds it in */
	uint32_t flag;		 /* KDUMP_* bit in header and descriptors */
	bool built_in;
};

/* The codec of a KDUMP_* flag; never NULL for the four known flags.  Not built in: encoder_open() refuses it. */
const struct codec *codec_by_flag(uint32_t flag);

/* A compressor with its own working memory: one per thread. */
struct encoder;

/* Opens an encoder for pages of `page_size` bytes, with all the memory it will need: E_NOMEM.  The caller closes it. */
enum status encoder_open(struct encoder **enc, const struct codec *codec, size_t page_size, struct err *e) MUST_CHECK;
void encoder_close(struct encoder *enc);
DEFINE_AUTO(encoder);

/* About how many bytes of memory an open encoder takes. */
size_t encoder_memory(const struct codec *codec, size_t page_size);

/* Room that encoder_pack() may write to, for any page. */
size_t encoder_bound(const struct encoder *enc);

/*
 * Packs one page from `page` into `out`, which has encoder_bound() bytes.  Returns the packed length, or 0
 * when the page did not get smaller (store it raw then).
 */
size_t encoder_pack(struct encoder *enc, const uint8_t *page, uint8_t *out);

/* A decompressor for all methods, with its own working memory: one per thread. */
struct decoder;

/* Opens a decoder for pages of `page_size` bytes.  The caller closes it. */
enum status decoder_open(struct decoder **dec, size_t page_size, struct err *e) MUST_CHECK;
void decoder_close(struct decoder *dec);
DEFINE_AUTO(decoder);

/*
 * Unpacks `len` bytes, packed by the method of `flags` (one KDUMP_* flag), into `page`, which gets exactly a page and
 * never a byte more.  E_UNREADABLE: they are no packed page; E_UNSUPPORTED: the method is unknown or not built in.
 */
enum status decoder_unpack(struct decoder *dec, uint32_t flags, const uint8_t *packed, size_t len, uint8_t *page,
			   struct err *e) MUST_CHECK;

#endif
