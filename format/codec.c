/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Page compressors as a table; the libraries behind them are known to this file alone. */
#include "format/codec.h"

#ifdef USELIBDEFLATE
#include <libdeflate.h>
#else
#include <zlib.h>
#endif
#ifdef USELZO
#include <lzo/lzo1x.h>
#endif
#ifdef USESNAPPY
#include <snappy-c.h>
#endif
#ifdef USEZSTD
#include <zstd.h>
#endif

#include "format/kdump_header.h"

struct encoder {
	const struct encoder_ops *ops;
	size_t page_size, bound;
	void *state;
};

struct encoder_ops {
	struct codec codec;
	size_t memory, memory_pages; /* of a state: bytes, and pages on top */
	/* Fills enc->state and enc->bound; false when memory is gone. */
	bool (*open)(struct encoder *enc);
	void (*close)(void *state);
	/* Returns the packed length, 0 on any failure; the caller drops what is not smaller than a page. */
	size_t (*pack)(const struct encoder *enc, const uint8_t *page, uint8_t *out);
	/* The way back: the state, NULL when memory is gone, and whether `page` was filled to its end, no further. */
	void *(*unpack_open)(void);
	void (*unpack_close)(void *state);
	bool (*unpack)(void *state, const uint8_t *packed, size_t len, uint8_t *page, size_t page_size);
};

/* Where unpacking keeps nothing between pages: any address says "open". */
static inline void *stateless_open(void)
{
	static const char nothing;

	return (void *)(uintptr_t)&nothing;
}

static inline void stateless_close(void *state)
{
	(void)state;
}

/*
 * zlib streams at the fastest level.  libdeflate writes the same format in about half the time, but packs
 * a page into one call without a stream, so its state is just the compressor.
 */
#ifdef USELIBDEFLATE
#define ZLIB_MEMORY ((size_t)208 << 10)

static bool zlib_open(struct encoder *enc)
{
	enc->bound = enc->page_size;	/* a longer result is of no use, and libdeflate stops there */
	enc->state = libdeflate_alloc_compressor(1);
	return enc->state;
}

static void zlib_close(void *state)
{
	libdeflate_free_compressor(state);
}

static size_t zlib_pack(const struct encoder *enc, const uint8_t *page, uint8_t *out)
{
	return libdeflate_zlib_compress(enc->state, page, enc->page_size, out, enc->bound);
}

static void *zlib_unpack_open(void)
{
	return libdeflate_alloc_decompressor();
}

static void zlib_unpack_close(void *state)
{
	libdeflate_free_decompressor(state);
}

static bool zlib_unpack(void *state, const uint8_t *packed, size_t len, uint8_t *page, size_t page_size)
{
	/* without a place for the length a shorter result is a failure, too */
	return libdeflate_zlib_decompress(state, packed, len, page, page_size, NULL) == LIBDEFLATE_SUCCESS;
}
#else
#define ZLIB_MEMORY ((size_t)272 << 10)

static bool zlib_open(struct encoder *enc)
{
	z_stream *z = calloc(1, sizeof(*z));

	if (!z || deflateInit(z, Z_BEST_SPEED) != Z_OK) {
		free(z);
		return false;
	}
	enc->bound = compressBound((uLong)enc->page_size);
	enc->state = z;
	return true;
}

static void zlib_close(void *state)
{
	deflateEnd(state);
	free(state);
}

static size_t zlib_pack(const struct encoder *enc, const uint8_t *page, uint8_t *out)
{
	z_stream *z = enc->state;

	/* resetting keeps the allocated tables: allocating them for each page would triple the time */
	if (deflateReset(z) != Z_OK)
		return 0;
	z->next_in = (Bytef *)(uintptr_t)page; /* zlib's prototype lacks the const, zlib does not write here */
	z->avail_in = (uInt)enc->page_size;
	z->next_out = out;
	z->avail_out = (uInt)enc->bound;
	return deflate(z, Z_FINISH) == Z_STREAM_END ? z->total_out : 0;
}

static void *zlib_unpack_open(void)
{
	z_stream *z = calloc(1, sizeof(*z));

	if (!z || inflateInit(z) != Z_OK) {
		free(z);
		return NULL;
	}
	return z;
}

static void zlib_unpack_close(void *state)
{
	inflateEnd(state);
	free(state);
}

static bool zlib_unpack(void *state, const uint8_t *packed, size_t len, uint8_t *page, size_t page_size)
{
	z_stream *z = state;

	if (inflateReset(z) != Z_OK)
		return false;
	z->next_in = (Bytef *)(uintptr_t)packed; /* zlib's prototype lacks the const, zlib does not write here */
	z->avail_in = (uInt)len;
	z->next_out = page;
	z->avail_out = (uInt)page_size;
	return inflate(z, Z_FINISH) == Z_STREAM_END && z->total_out == page_size;
}
#endif

#ifdef USELZO
static bool lzo_open(struct encoder *enc)
{
	if (lzo_init() != LZO_E_OK)
		return false;
	enc->bound = enc->page_size + enc->page_size / 16 + 64 + 3;
	enc->state = malloc(LZO1X_1_MEM_COMPRESS);
	return enc->state;
}

static void lzo_close(void *state)
{
	free(state);
}

static size_t lzo_pack(const struct encoder *enc, const uint8_t *page, uint8_t *out)
{
	lzo_uint len = enc->bound;

	return lzo1x_1_compress(page, enc->page_size, out, &len, enc->state) == LZO_E_OK ? len : 0;
}

static bool lzo_unpack(void *state, const uint8_t *packed, size_t len, uint8_t *page, size_t page_size)
{
	lzo_uint n = page_size;

	(void)state;
	return lzo1x_decompress_safe(packed, len, page, &n, NULL) == LZO_E_OK && n == page_size;
}
#endif

#ifdef USESNAPPY
static bool snappy_open(struct encoder *enc)
{
	enc->bound = snappy_max_compressed_length(enc->page_size);
	return true;
}

static void snappy_close(void *state)
{
	(void)state; /* libsnappy keeps nothing between calls */
}

static size_t snappy_pack(const struct encoder *enc, const uint8_t *page, uint8_t *out)
{
	size_t len = enc->bound;

	return snappy_compress((const char *)page, enc->page_size, (char *)out, &len) == SNAPPY_OK ? len : 0;
}

static bool snappy_unpack(void *state, const uint8_t *packed, size_t len, uint8_t *page, size_t page_size)
{
	const char *from = (const char *)packed;
	size_t n;

	(void)state;
	/* it asks for room for what the packed bytes claim, so that comes first */
	if (snappy_uncompressed_length(from, len, &n) != SNAPPY_OK || n != page_size)
		return false;
	return snappy_uncompress(from, len, (char *)page, &n) == SNAPPY_OK && n == page_size;
}
#endif

#ifdef USEZSTD
static bool zstd_open(struct encoder *enc)
{
	enc->bound = ZSTD_compressBound(enc->page_size);
	enc->state = ZSTD_createCCtx();
	return enc->state;
}

static void zstd_close(void *state)
{
	ZSTD_freeCCtx(state);
}

static size_t zstd_pack(const struct encoder *enc, const uint8_t *page, uint8_t *out)
{
	size_t len = ZSTD_compressCCtx(enc->state, out, enc->bound, page, enc->page_size, 1);

	return ZSTD_isError(len) ? 0 : len;
}

static void *zstd_unpack_open(void)
{
	return ZSTD_createDCtx();
}

static void zstd_unpack_close(void *state)
{
	ZSTD_freeDCtx(state);
}

static bool zstd_unpack(void *state, const uint8_t *packed, size_t len, uint8_t *page, size_t page_size)
{
	/* an error code is larger than any page */
	return ZSTD_decompressDCtx(state, page, page_size, packed, len) == page_size;
}
#endif

/* A codec that the build leaves out keeps its row, so that messages can name it. */
static const struct encoder_ops table[] = {
	{ { "zlib", "zlib", "zlib", KDUMP_ZLIB, true }, ZLIB_MEMORY, 0, zlib_open, zlib_close, zlib_pack,
	  zlib_unpack_open, zlib_unpack_close, zlib_unpack },
#ifdef USELZO
	{ { "lzo", "LZO", "USELZO", KDUMP_LZO, true }, LZO1X_1_MEM_COMPRESS, 0, lzo_open, lzo_close, lzo_pack,
	  stateless_open, stateless_close, lzo_unpack },
#else
	{ { "lzo", "LZO", "USELZO", KDUMP_LZO, false }, 0, 0, NULL, NULL, NULL, NULL, NULL, NULL },
#endif
#ifdef USESNAPPY
	{ { "snappy", "snappy", "USESNAPPY", KDUMP_SNAPPY, true }, (size_t)64 << 10, 0, snappy_open, snappy_close,
	  snappy_pack, stateless_open, stateless_close, snappy_unpack },
#else
	{ { "snappy", "snappy", "USESNAPPY", KDUMP_SNAPPY, false }, 0, 0, NULL, NULL, NULL, NULL, NULL, NULL },
#endif
#ifdef USEZSTD
	{ { "zstd", "zstd", "USEZSTD", KDUMP_ZSTD, true }, (size_t)64 << 10, 4, zstd_open, zstd_close, zstd_pack,
	  zstd_unpack_open, zstd_unpack_close, zstd_unpack },
#else
	{ { "zstd", "zstd", "USEZSTD", KDUMP_ZSTD, false }, 0, 0, NULL, NULL, NULL, NULL, NULL, NULL },
#endif
};

#define N_METHODS (sizeof(table) / sizeof(table[0]))

static const struct encoder_ops *ops_by_flag(uint32_t flag)
{
	for (size_t i = 0; i < N_METHODS; i++)
		if (table[i].codec.flag == flag)
			return &table[i];
	return NULL;
}

const struct codec *codec_by_flag(uint32_t flag)
{
	const struct encoder_ops *ops = ops_by_flag(flag);

	return ops ? &ops->codec : NULL;
}

/*
 * Packs a page for nothing, so that the codec has all its memory before the first one that counts.  zstd would take it
 * only then, where nobody can tell that it is missing: pages would stay as they are.  And where two threads take theirs
 * at the same time, that or their readers' buffers, both are slower to the end (measured: 2 to 5 %, with zstd, in more
 * than half of the runs of two threads).
 */
static bool take_memory(struct encoder *enc)
{
	uint8_t *page = calloc(1, enc->page_size + enc->bound);
	bool packed = page && enc->ops->pack(enc, page, page + enc->page_size);

	free(page);
	return packed;
}

enum status encoder_open(struct encoder **out, const struct codec *codec, size_t page_size, struct err *e)
{
	const struct encoder_ops *ops = ops_by_flag(codec->flag);
	struct encoder *enc;

	if (!ops || !ops->codec.built_in)
		return err_set(e, E_UNSUPPORTED, "%s compression is not built in", codec->name);
	enc = calloc(1, sizeof(*enc));
	if (!enc)
		return err_nomem(e, sizeof(*enc));
	enc->ops = ops;
	enc->page_size = page_size;
	if (ops->open(enc)) {
		if (take_memory(enc)) {
			*out = enc;
			return OK;
		}
		ops->close(enc->state);
	}
	free(enc);
	return err_set(e, E_NOMEM, "no working memory for %s compression", codec->name);
}

void encoder_close(struct encoder *enc)
{
	enc->ops->close(enc->state);
	free(enc);
}

size_t encoder_memory(const struct codec *codec, size_t page_size)
{
	const struct encoder_ops *ops = ops_by_flag(codec->flag);

	return ops ? ops->memory + ops->memory_pages * page_size : 0;
}

size_t encoder_bound(const struct encoder *enc)
{
	return enc->bound;
}

size_t encoder_pack(struct encoder *enc, const uint8_t *page, uint8_t *out)
{
	size_t len = enc->ops->pack(enc, page, out);

	return len < enc->page_size ? len : 0;
}

struct decoder {
	size_t page_size;
	void *states[N_METHODS]; /* NULL: not needed yet */
};

enum status decoder_open(struct decoder **out, size_t page_size, struct err *e)
{
	struct decoder *dec = calloc(1, sizeof(*dec));

	if (!dec)
		return err_nomem(e, sizeof(*dec));
	dec->page_size = page_size;
	*out = dec;
	return OK;
}

void decoder_close(struct decoder *dec)
{
	for (size_t i = 0; i < N_METHODS; i++)
		if (dec->states[i])
			table[i].unpack_close(dec->states[i]);
	free(dec);
}

enum status decoder_unpack(struct decoder *dec, uint32_t flags, const uint8_t *packed, size_t len, uint8_t *page,
			   struct err *e)
{
	const struct encoder_ops *ops = ops_by_flag(flags);
	void **state;

	if (!ops)
		return err_set(e, E_UNSUPPORTED, "packed in an unknown way (flags %#x)", flags);
	if (!ops->codec.built_in)
		return err_set(e, E_UNSUPPORTED, "%s compression is not built in (%s=on)", ops->codec.name,
			       ops->codec.make_switch);
	state = &dec->states[ops - table];
	if (!*state)
		*state = ops->unpack_open();
	if (!*state)
		return err_set(e, E_NOMEM, "no working memory to unpack %s", ops->codec.name);
	if (!ops->unpack(*state, packed, len, page, dec->page_size))
		return err_set(e, E_UNREADABLE, "%zu bytes of %s data do not unpack to a page", len, ops->codec.name);
	return OK;
}
