/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The floor of a benchmark: only what no filter can leave out.  Takes a dump that is done already for its list
 * of pages, then packs and writes the same pages again, as fast as plain C with the same libraries can.
 *
 *	floor VMCORE DUMP OUTPUT [check]
 *
 * Prints the seconds of wall clock, user and system time of that loop, the pages, and how many are zero.  The
 * output holds descriptors and data where the dump has them; "check" compares them afterwards.
 */
#include <elf.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <zlib.h>
#ifdef USELZO
#include <lzo/lzo1x.h>
#endif
#ifdef USESNAPPY
#include <snappy-c.h>
#endif
#ifdef USEZSTD
#include <zstd.h>
#endif
#ifdef USELIBDEFLATE
#include <libdeflate.h>
#endif

#define WINDOW ((uint64_t)64 << 20)
#define DATA_BUFFER ((size_t)512 << 10)
#define DESC_BUFFER 4096
#define ALIGN 4096u
#define PAGE_MAX 65536u

struct desc {
	uint64_t offset;
	uint32_t size, flags;
	uint64_t page_flags;
};

struct dump {
	int fd;
	uint32_t codec, page_size;
	bool find_zero;
	uint64_t max_mapnr, n_pages, desc_at;
	uint8_t *bits;
};

struct segment {
	uint64_t paddr, offset, filesz;
};

struct vmcore {
	int fd;
	struct segment *segs;
	size_t n_segs;
};

struct output {
	int fd;
	uint64_t data_at, desc_at;
	size_t used, n_descs;
	uint8_t *buf;
	struct desc descs[DESC_BUFFER];
};

static void *state; /* of the library */
static size_t bound;

__attribute__((noreturn)) static void die(const char *what)
{
	fprintf(stderr, "floor: %s\n", what);
	exit(1);
}

static void *need(size_t len)
{
	void *p = malloc(len);

	if (!p)
		die("no memory");
	return p;
}

static void read_at(int fd, uint64_t pos, void *buf, size_t len)
{
	for (size_t done = 0; done < len;) {
		ssize_t n = pread(fd, (char *)buf + done, len - done, (off_t)(pos + done));

		if (n <= 0)
			die("a file ends too early, or cannot be read");
		done += (size_t)n;
	}
}

static void write_at(int fd, uint64_t pos, const void *buf, size_t len)
{
	for (size_t done = 0; done < len;) {
		ssize_t n = pwrite(fd, (const char *)buf + done, len - done, (off_t)(pos + done));

		if (n <= 0)
			die("cannot write the output");
		done += (size_t)n;
	}
}

/* --- codecs: each gets a copy of the loop below, so that the call is direct ------------------------ */

#ifdef USELIBDEFLATE
static void zlib_open(size_t page)
{
	bound = page;
	state = libdeflate_alloc_compressor(1);
	if (!state)
		die("no memory");
}

static inline size_t zlib_pack(const uint8_t *page, size_t len, uint8_t *out)
{
	return libdeflate_zlib_compress(state, page, len, out, len);
}
#else
static void zlib_open(size_t page)
{
	bound = compressBound((uLong)page);
	state = calloc(1, sizeof(z_stream));
	if (!state || deflateInit((z_stream *)state, Z_BEST_SPEED) != Z_OK)
		die("no memory");
}

static inline size_t zlib_pack(const uint8_t *page, size_t len, uint8_t *out)
{
	z_stream *z = state;

	deflateReset(z);
	z->next_in = (Bytef *)(uintptr_t)page;
	z->avail_in = (uInt)len;
	z->next_out = out;
	z->avail_out = (uInt)bound;
	return deflate(z, Z_FINISH) == Z_STREAM_END ? z->total_out : 0;
}
#endif

#ifdef USELZO
static void lzo_open(size_t page)
{
	bound = page + page / 16 + 64 + 3;
	if (lzo_init() != LZO_E_OK)
		die("lzo does not start");
	state = need(LZO1X_1_MEM_COMPRESS);
}

static inline size_t lzo_pack(const uint8_t *page, size_t len, uint8_t *out)
{
	lzo_uint n = bound;

	return lzo1x_1_compress(page, len, out, &n, state) == LZO_E_OK ? n : 0;
}
#endif

#ifdef USESNAPPY
static void snappy_open(size_t page)
{
	bound = snappy_max_compressed_length(page);
}

static inline size_t snappy_pack(const uint8_t *page, size_t len, uint8_t *out)
{
	size_t n = bound;

	return snappy_compress((const char *)page, len, (char *)out, &n) == SNAPPY_OK ? n : 0;
}
#endif

#ifdef USEZSTD
static void zstd_open(size_t page)
{
	bound = ZSTD_compressBound(page);
	state = ZSTD_createCCtx();
	if (!state)
		die("no memory");
}

static inline size_t zstd_pack(const uint8_t *page, size_t len, uint8_t *out)
{
	size_t n = ZSTD_compressCCtx(state, out, bound, page, len, 1);

	return ZSTD_isError(n) ? 0 : n;
}
#endif

static void raw_open(size_t page)
{
	bound = page;
}

static inline size_t raw_pack(const uint8_t *page, size_t len, uint8_t *out)
{
	(void)page;
	(void)len;
	(void)out;
	return 0;
}

/* --- the loop --------------------------------------------------------------------------------------- */

/* Measured: faster than longs in a loop, and than SSE2 by hand. */
static inline bool is_zero(const uint8_t *page, size_t len)
{
	uint64_t first;

	memcpy(&first, page, sizeof(first));
	return !first && !memcmp(page, page + sizeof(first), len - sizeof(first));
}

static void flush_descs(struct output *o)
{
	write_at(o->fd, o->desc_at, o->descs, o->n_descs * sizeof(o->descs[0]));
	o->desc_at += o->n_descs * sizeof(o->descs[0]);
	o->n_descs = 0;
}

static void flush_data(struct output *o, bool all)
{
	size_t rest = all ? 0 : (size_t)((o->data_at + o->used) % ALIGN), len = o->used - rest;

	write_at(o->fd, o->data_at, o->buf, len);
	memmove(o->buf, o->buf + len, rest);
	o->data_at += len;
	o->used = rest;
}

/* The file offset of `pfn`, and how many pages of [pfn, end) follow it there. */
static uint64_t locate(const struct vmcore *v, uint64_t pfn, uint64_t end, uint32_t page_size, uint64_t *pages)
{
	uint64_t at = pfn * page_size;

	for (size_t i = 0; i < v->n_segs; i++) {
		const struct segment *s = &v->segs[i];

		if (at < s->paddr || at - s->paddr >= s->filesz)
			continue;
		*pages = (s->filesz - (at - s->paddr)) / page_size;
		if (*pages > end - pfn)
			*pages = end - pfn;
		if (*pages)
			return s->offset + (at - s->paddr);
	}
	die("the dump has pages that do not lie in one piece in the vmcore");
}

static uint64_t next_bit(const uint8_t *bits, uint64_t from, uint64_t end, bool want)
{
	while (from < end && (bits[from / 8] >> (from % 8) & 1) != want) {
		if (!(from % 8) && bits[from / 8] == (want ? 0 : 0xff))
			from += 8;
		else
			from++;
	}
	return from < end ? from : end;
}

typedef size_t pack_fn(const uint8_t *page, size_t len, uint8_t *out);

/* Always inlined with constant `pack` and `find_zero`. */
static inline __attribute__((always_inline)) uint64_t copy(const struct vmcore *v, const struct dump *d,
							    struct output *o, pack_fn *pack, bool find_zero,
							    uint32_t codec)
{
	const size_t page = d->page_size;
	const uint64_t zero_at = o->data_at;
	uint64_t zero = 0, first = 0, end, n, map_at = 0, map_len = 0;
	uint8_t *map = NULL;
	struct stat st;

	fstat(v->fd, &st);
	if (find_zero) {
		memset(o->buf, 0, page);
		o->used = page;
	}
	while ((first = next_bit(d->bits, first, d->max_mapnr, true)) < d->max_mapnr) {
		for (end = next_bit(d->bits, first, d->max_mapnr, false); first < end; first += n) {
			uint64_t pos = locate(v, first, end, d->page_size, &n);
			const uint8_t *p;

			if (pos < map_at || pos + page > map_at + map_len) {
				if (map)
					munmap(map, map_len);
				map_at = pos - pos % ALIGN;
				map_len = (uint64_t)st.st_size - map_at;
				if (map_len > WINDOW)
					map_len = WINDOW;
				map = mmap(NULL, map_len, PROT_READ, MAP_SHARED, v->fd, (off_t)map_at);
				if (map == MAP_FAILED)
					die("cannot map the vmcore");
			}
			if (n > (map_at + map_len - pos) / page)
				n = (map_at + map_len - pos) / page;
			p = map + (pos - map_at);
			for (uint64_t i = 0; i < n; i++, p += page) {
				struct desc *to = &o->descs[o->n_descs];
				size_t len;

				/* the processor does not look over the end of a page by itself */
				for (size_t ahead = 0; ahead < 512; ahead += 64)
					__builtin_prefetch(p + page + ahead);
				if (find_zero && is_zero(p, page)) {
					*to = (struct desc){ zero_at, (uint32_t)page, 0, 0 };
					zero++;
				} else {
					uint32_t flags = codec;

					len = pack(p, page, o->buf + o->used);
					if (!len || len >= page) {
						memcpy(o->buf + o->used, p, page);
						len = page;
						flags = 0;
					}
					*to = (struct desc){ o->data_at + o->used, (uint32_t)len, flags, 0 };
					o->used += len;
					if (o->used >= DATA_BUFFER)
						flush_data(o, false);
				}
				if (++o->n_descs == DESC_BUFFER)
					flush_descs(o);
			}
		}
	}
	flush_data(o, true);
	flush_descs(o);
	if (map)
		munmap(map, map_len);
	return zero;
}

#define COPY(name)                                                                    \
	static uint64_t copy_##name(const struct vmcore *v, const struct dump *d, struct output *o) \
	{                                                                             \
		return d->find_zero ? copy(v, d, o, name##_pack, true, d->codec) :    \
				      copy(v, d, o, name##_pack, false, d->codec);    \
	}
COPY(zlib)
COPY(raw)
#ifdef USELZO
COPY(lzo)
#endif
#ifdef USESNAPPY
COPY(snappy)
#endif
#ifdef USEZSTD
COPY(zstd)
#endif

static const struct codec {
	uint32_t flag;
	void (*open)(size_t page);
	uint64_t (*copy)(const struct vmcore *v, const struct dump *d, struct output *o);
} codecs[] = {
	{ 0, raw_open, copy_raw },
	{ 0x1, zlib_open, copy_zlib },
#ifdef USELZO
	{ 0x2, lzo_open, copy_lzo },
#endif
#ifdef USESNAPPY
	{ 0x4, snappy_open, copy_snappy },
#endif
#ifdef USEZSTD
	{ 0x20, zstd_open, copy_zstd },
#endif
};

/* --- before and after ------------------------------------------------------------------------------- */

static void open_dump(struct dump *d, const char *path)
{
	uint8_t head[464], sub[104];
	uint32_t status, sub_blocks, bitmap_blocks;
	int32_t version, level;
	uint64_t bitmap_len;

	d->fd = open(path, O_RDONLY);
	if (d->fd < 0)
		die("cannot open the dump");
	read_at(d->fd, 0, head, sizeof(head));
	memcpy(&version, head + 8, 4);
	memcpy(&status, head + 424, 4);
	memcpy(&d->page_size, head + 428, 4);
	memcpy(&sub_blocks, head + 432, 4);
	memcpy(&bitmap_blocks, head + 436, 4);
	if (memcmp(head, "KDUMP   ", 8) || version != 6 || d->page_size < 4096 || d->page_size > PAGE_MAX)
		die("the dump is no kdump-compressed dump of a 64-bit machine with this byte order");
	read_at(d->fd, d->page_size, sub, sizeof(sub));
	memcpy(&level, sub + 8, 4);
	memcpy(&d->max_mapnr, sub + 96, 8);
	d->find_zero = level & 1;
	d->codec = status & (0x1 | 0x2 | 0x4 | 0x20);
	bitmap_len = (uint64_t)bitmap_blocks / 2 * d->page_size;
	if (bitmap_len * 8 < d->max_mapnr)
		die("the bitmaps of the dump are too short");
	d->bits = need(bitmap_len);
	d->desc_at = (1 + (uint64_t)sub_blocks + bitmap_blocks) * d->page_size;
	read_at(d->fd, d->desc_at - bitmap_len, d->bits, bitmap_len);
	for (uint64_t i = 0; i < bitmap_len; i++)
		d->n_pages += (unsigned)__builtin_popcount(d->bits[i]);
}

static void open_vmcore(struct vmcore *v, const char *path)
{
	Elf64_Ehdr eh;

	v->fd = open(path, O_RDONLY);
	if (v->fd < 0)
		die("cannot open the vmcore");
	read_at(v->fd, 0, &eh, sizeof(eh));
	if (memcmp(eh.e_ident, ELFMAG, SELFMAG) || eh.e_ident[EI_CLASS] != ELFCLASS64 || eh.e_phnum == PN_XNUM)
		die("the vmcore is no plain ELF file of a 64-bit machine");
	v->segs = need(eh.e_phnum * sizeof(*v->segs));
	for (size_t i = 0; i < eh.e_phnum; i++) {
		Elf64_Phdr ph;

		read_at(v->fd, eh.e_phoff + i * sizeof(ph), &ph, sizeof(ph));
		if (ph.p_type == PT_LOAD && ph.p_paddr != UINT64_MAX)
			v->segs[v->n_segs++] = (struct segment){ ph.p_paddr, ph.p_offset, ph.p_filesz };
	}
}

/* Descriptors and data must be the dump's own, byte for byte. */
static void check(const struct dump *d, const char *output, uint64_t end)
{
	const size_t piece = (size_t)1 << 20;
	uint8_t *a = need(piece), *b = need(piece);
	int fd = open(output, O_RDONLY);
	struct stat st;

	if (fd < 0 || fstat(d->fd, &st) < 0 || (uint64_t)st.st_size != end)
		die("the dump has another length than what this loop writes");
	for (uint64_t pos = d->desc_at; pos < end; pos += piece) {
		size_t n = end - pos < piece ? (size_t)(end - pos) : piece;

		read_at(fd, pos, a, n);
		read_at(d->fd, pos, b, n);
		if (memcmp(a, b, n))
			die("the dump has other descriptors or data than what this loop writes");
	}
	close(fd);
	free(a);
	free(b);
}

static double seconds(const struct timeval *t)
{
	return (double)t->tv_sec + (double)t->tv_usec / 1e6;
}

int main(int argc, char **argv)
{
	struct vmcore v = { 0 };
	struct dump d = { 0 };
	struct output *o = calloc(1, sizeof(*o));
	const struct codec *c = NULL;
	struct timespec from, to;
	struct rusage before, after;
	uint64_t zero;

	if (argc < 4 || argc > 5 || !o)
		die("usage: floor VMCORE DUMP OUTPUT [check]");
	open_dump(&d, argv[2]);
	open_vmcore(&v, argv[1]);
	for (size_t i = 0; i < sizeof(codecs) / sizeof(codecs[0]); i++)
		if (codecs[i].flag == d.codec)
			c = &codecs[i];
	if (!c)
		die("the codec of the dump is not built in");

	getrusage(RUSAGE_SELF, &before);
	clock_gettime(CLOCK_MONOTONIC, &from);
	o->fd = open(argv[3], O_WRONLY | O_CREAT | O_EXCL, 0600);
	if (o->fd < 0)
		die("cannot create the output");
	c->open(d.page_size);
	o->desc_at = d.desc_at;
	o->data_at = d.desc_at + d.n_pages * sizeof(struct desc);
	o->buf = need(DATA_BUFFER + d.page_size + bound);
	zero = c->copy(&v, &d, o);
	close(o->fd);
	clock_gettime(CLOCK_MONOTONIC, &to);
	getrusage(RUSAGE_SELF, &after);

	printf("%.6f %.6f %.6f %llu %llu\n",
	       (double)(to.tv_sec - from.tv_sec) + (double)(to.tv_nsec - from.tv_nsec) / 1e9,
	       seconds(&after.ru_utime) - seconds(&before.ru_utime), seconds(&after.ru_stime) - seconds(&before.ru_stime),
	       (unsigned long long)d.n_pages, (unsigned long long)zero);
	if (argc == 5)
		check(&d, argv[3], o->data_at);
	return 0;
}
