/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Fuzzes flattened files: any records, against an array into which they were copied one after another. */
#include <string.h>
#include <unistd.h>

#include "base/bytes.h"
#include "format/flat_record.h"
#include "input/input_file.h"
#include "tests/fuzz/fuzz.h"

#define TARGET_MAX ((size_t)256 << 10)

/* Copies what the records say; false when one of them goes beyond what is looked at here. */
static bool apply(const uint8_t *data, size_t size, uint8_t *target, uint64_t *end, bool *whole)
{
	size_t at = FLAT_HEADER_LEN;

	*end = 0;
	*whole = false;
	while (size >= at && size - at >= FLAT_RECORD_LEN) {
		uint64_t offset = get_u64(data + at, true), n = get_u64(data + at + 8, true);

		*whole = offset == UINT64_MAX && n == UINT64_MAX;
		if (!n || offset > INT64_MAX || n > INT64_MAX - offset)
			return true;
		at += FLAT_RECORD_LEN;
		n = min_u64(n, size - at);
		if (offset + n > TARGET_MAX)
			return false;
		memcpy(target + offset, data + at, n);
		if (n)
			*end = max_u64(*end, offset + n);
		at += n;
	}
	return true;
}

static void compare(const struct input_file *f, const uint8_t *target, uint64_t end, struct bytes b)
{
	struct input_window w[2];
	uint8_t copy[5000];
	struct err e;

	REQUIRE(f->size == end);
	input_window_init(&w[0], f, true);
	input_window_init(&w[1], f, false);
	for (unsigned i = 0; i < 64; i++) {
		uint64_t pos = take_u32(&b) % (end + 10);
		size_t must = 1 + take_u16(&b) % sizeof(copy);
		bool fits = pos < end && must <= end - pos;

		REQUIRE(!input_file_read(f, pos, copy, must, &e) == fits);
		REQUIRE(!fits || !memcmp(copy, target + pos, must));
		REQUIRE(input_file_next_data(f, pos) >= min_u64(pos, end));
		for (unsigned j = 0; j < 2; j++) {
			struct window_want want = { pos, must + take_u16(&b), must, 0 };
			struct span s;

			REQUIRE(!input_window_view(&w[j], &want, &s, &e) == fits);
			REQUIRE(!fits || (s.len >= must && s.len <= want.len && s.len <= end - pos));
			REQUIRE(!fits || !memcmp(s.data, target + pos, s.len));
		}
	}
	input_window_fini(&w[1]);
	input_window_fini(&w[0]);
}

/* One index of the usual size, and one that has to keep many records in one entry. */
static void index_tightly(int fd, size_t size, const uint8_t *target, uint64_t end)
{
	struct flat_file *f;
	struct err e = { OK, 0, "" };
	uint8_t copy[4096];

	if (flat_file_open(&f, fd, "flat", size, 4, &e)) {
		REQUIRE(e.status == E_UNSUPPORTED && e.text[0]);
		return;
	}
	REQUIRE(flat_file_size(f) == end);
	for (uint64_t pos = 0; pos < end; pos += sizeof(copy)) {
		size_t n = (size_t)min_u64(sizeof(copy), end - pos);

		REQUIRE(!flat_file_read(f, pos, copy, n, &e));
		REQUIRE(!memcmp(copy, target + pos, n));
	}
	flat_file_close(f);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t *stream = calloc(1, FLAT_HEADER_LEN + size), *target = calloc(1, TARGET_MAX);
	struct input_file *f = NULL;
	char path[FUZZ_PATH_LEN];
	struct err e = { OK, 0, "" };
	uint64_t end;
	bool whole;
	int fd;

	/* the input is the records; the header is always sound */
	REQUIRE(stream && target);
	memcpy(stream, "makedumpfile", 12);
	put_u64(stream + 16, 1, true);
	put_u64(stream + 24, 1, true);
	memcpy(stream + FLAT_HEADER_LEN, data, size);
	fd = memory_file(stream, FLAT_HEADER_LEN + size, path);
	REQUIRE(!input_file_open(&f, path, false, &e));
	if (apply(stream, FLAT_HEADER_LEN + size, target, &end, &whole)) {
		if (input_file_unflatten(f, &e)) {
			REQUIRE(!end && e.text[0]);
		} else {
			REQUIRE(!flat_file_cut(f->flat) == whole);
			f->mappable = true; /* as a file of procfs would be */
			compare(f, target, end, (struct bytes){ data, size });
			index_tightly(fd, FLAT_HEADER_LEN + size, target, end);
		}
	} else if (!input_file_unflatten(f, &e)) {
		uint8_t byte;

		REQUIRE(!input_file_read(f, f->size - 1, &byte, 1, &e));
	}
	input_file_close(f);
	close(fd);
	free(target);
	free(stream);
	return 0;
}
