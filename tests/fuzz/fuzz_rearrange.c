/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Fuzzes -R: any bytes as a flattened stream.  The file is what a plain copy of the records is, or not a lie. */
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/bytes.h"
#include "command/rearrange.h"
#include "format/flat_record.h"
#include "format/kdump_header.h"
#include "makedumpfile.h"
#include "tests/fuzz/fuzz.h"

#define FILE_MAX ((size_t)1 << 20)

/*
 * An input is a list of commands, so that streams get past their first record: a byte says what follows.
 *   0 to 15    raw bytes to the stream: so many
 *   16 to 127  a record: a number that picks an offset, 2 bytes more for it, and so many bytes (less 15)
 *   128 up     a record of the header of a dump: byte order and word size by two bits, 8 bytes of numbers
 */
struct made {
	uint8_t *stream;
	size_t len, room;
};

static void append(struct made *m, const void *bytes, size_t len)
{
	if (m->len + len > m->room) {
		m->room = 2 * (m->len + len);
		REQUIRE(m->stream = realloc(m->stream, m->room));
	}
	if (len)
		memcpy(m->stream + m->len, bytes, len);
	m->len += len;
}

static void append_record(struct made *m, uint64_t offset, const void *bytes, size_t len)
{
	uint8_t raw[FLAT_RECORD_LEN];

	flat_record_encode(raw, &(struct flat_record){ offset, len });
	append(m, raw, sizeof(raw));
	append(m, bytes, len);
}

static void append_header(struct made *m, struct bytes *b, unsigned shape)
{
	enum kdump_layout layout = shape & 1 ? KDUMP_64 : KDUMP_32_PADDED;
	uint8_t raw[KDUMP_HEADER_MAX];
	struct kdump_header h = {
		.version = KDUMP_VERSION,
		.status = take_u8(b),
		.block_size = 4096,
		.sub_header_blocks = 1 + take_u8(b) % 4,
		.bitmap_blocks = 2 * (1 + take_u8(b) % 4),
		.max_mapnr = take_u8(b),
	};

	kdump_header_encode(raw, &h, layout, shape & 2);
	append_record(m, 0, raw, kdump_header_len(layout));
}

static void make_stream(struct made *m, struct bytes *b)
{
	static const uint64_t places[] = { 0, 8, 412, 424, 464, 4096, 8192, 16384, 20480, 24576, 24600, 32768, 40960, 65536 };
	uint8_t start[FLAT_HEADER_LEN], end[FLAT_RECORD_LEN];
	uint64_t behind = 0;

	flat_header_encode(start);
	append(m, start, sizeof(start));
	while (b->left) {
		uint8_t what = take_u8(b);
		const uint8_t *some;

		if (what < 16) {
			size_t n = take_some(b, what, &some);

			append(m, some, n);
		} else if (what >= 128) {
			append_header(m, b, what);
		} else {
			uint8_t place = take_u8(b);
			uint64_t at = place & 0x80 ? behind : places[place % ARRAY_SIZE(places)] + take_u16(b) % 8192;
			size_t n = take_some(b, what - 15u, &some);

			if (!n)
				break;
			append_record(m, at, some, n);
			behind = at + n;
		}
	}
	flat_end_encode(end);
	append(m, end, sizeof(end));
}

/* What the file has to be: records one after the other.  Returns its length, or -1 where the stream is broken. */
static ssize_t plain_copy(const struct made *m, uint8_t *file)
{
	size_t at = FLAT_HEADER_LEN;
	uint64_t length = 0;
	struct err e;

	if (m->len < at || flat_header_check(m->stream, at, &e))
		return -1;
	while (m->len - at >= FLAT_RECORD_LEN) {
		struct flat_record r;
		enum flat_kind kind = flat_record_decode(&r, m->stream + at);

		at += FLAT_RECORD_LEN;
		if (kind == FLAT_END)
			return (ssize_t)length;
		if (kind == FLAT_BAD || r.size > m->len - at)
			return -1;
		if (r.offset < FILE_MAX)
			memcpy(file + r.offset, m->stream + at, min_u64(r.size, FILE_MAX - r.offset));
		length = max_u64(length, r.offset + r.size);
		at += r.size;
	}
	return -1;
}

/* Would a reader take it for a dump that is complete? */
static bool claims_complete(const uint8_t *head)
{
	struct kdump_header h;
	enum kdump_layout layout;
	struct err e;
	bool big;

	return kdump_has_magic(head, KDUMP_HEADER_MAX) &&
	       !kdump_header_decode(&h, &layout, &big, head, KDUMP_HEADER_MAX, &e) && !(h.status & KDUMP_INCOMPLETE);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bytes b = { data, size };
	struct made m = { 0 };
	char in_path[FUZZ_PATH_LEN], out_path[FUZZ_PATH_LEN];
	const char *output = out_path;
	struct options opt = { .outputs = &output, .n_outputs = 1, .overwrite = true };
	struct err e = { OK, 0, "" };
	uint8_t *want, *got;
	struct stat st;
	enum status status;
	ssize_t length;
	int in, out;

	if (size && data[0] == 0xff) {
		/* raw: whatever it is */
		append(&m, data + 1, size - 1);
	} else {
		make_stream(&m, &b);
	}
	REQUIRE(want = calloc(2, FILE_MAX));
	got = want + FILE_MAX;
	length = plain_copy(&m, want);
	in = memory_file(m.stream, m.len, in_path);
	out = memory_file("", 0, out_path);
	REQUIRE(lseek(in, 0, SEEK_SET) == 0);
	status = rearrange(in, &opt, &e);
	REQUIRE(!status || (e.status == status && e.text[0]));
	REQUIRE(length >= 0 || status);
	REQUIRE(!fstat(out, &st));
	REQUIRE(pread(out, got, FILE_MAX, 0) >= 0);
	if (!status) {
		REQUIRE(st.st_size == length);
		REQUIRE(!memcmp(got, want, FILE_MAX));
	} else if (length >= 0) {
		REQUIRE(status == E_NOSPACE || status == E_NOMEM);
	} else {
		REQUIRE(!claims_complete(got));
	}
	close(in);
	close(out);
	free(want);
	free(m.stream);
	return 0;
}
