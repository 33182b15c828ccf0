/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Fuzzes the whole way from a core file to a dump: raw bytes, or an invented machine that the input spoils. */
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "base/bytes.h"
#include "command/dump.h"
#include "format/kdump_header.h"
#include "print_info.h"
#include "tests/fuzz/invented.h"
#include "tests/fuzz/kdump_check.h"

/* The first byte: bits 0 to 2 the codec, then four switches, then whether raw bytes follow. */
enum { SMALL_WINDOWS = 8, NO_MMAP = 16, TO_FILE = 32, TALK = 64, RAW = 128 };

static void dump(const char *input, const char *output, uint8_t how, unsigned level, int out_fd)
{
	static const uint32_t codecs[] = { 0, KDUMP_ZLIB, KDUMP_LZO, KDUMP_SNAPPY, KDUMP_ZSTD };
	struct options opt = {
		.message_level = MSG_LEVEL_DEFAULT,
		.command = COMMAND_DUMP,
		.inputs = &input,
		.n_inputs = 1,
		.outputs = &output,
		.n_outputs = 1,
		.threads = -1,
		.codec = codecs[(how & 7) % ARRAY_SIZE(codecs)],
		.dump_levels = { level },
		.n_dump_levels = 1,
		/* codecs are counted modulo their number: the rest of the three bits is free */
		.drop_vmemmap = (how & 7) >= ARRAY_SIZE(codecs),
		.overwrite = true,
		.dry_run = !(how & TO_FILE),
		.no_mmap = how & NO_MMAP,
		.block_order = -1,
		.window_bytes = how & SMALL_WINDOWS ? 1024 : 0,
	};
	struct err e = { OK, 0, "" };
	enum status st;

	/* libFuzzer takes this signal for a finding, the program ignores it */
	signal(SIGXFSZ, SIG_IGN);
	/* all that is said on standard output, which leads nowhere */
	message_set_level(how & TALK ? MSG_COMMON | MSG_DEBUG | MSG_REPORT : 0);
	st = command_dump(&opt, &e);
	message_set_level(0);
	REQUIRE(!st || (e.status == st && e.text[0]));
	if (!opt.dry_run && (!st || st == E_INCOMPLETE))
		kdump_check(out_fd, st == E_INCOMPLETE);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct invented machine;
	static bool quiet;
	struct bytes b = { data, size };
	char input[FUZZ_PATH_LEN], output[FUZZ_PATH_LEN];
	uint8_t how = take_u8(&b), *core = NULL;
	unsigned level;
	int in, out;

	if (how & TALK && !quiet)
		REQUIRE(quiet = freopen("/dev/null", "w", stdout));
	if (how & RAW) {
		level = take_u8(&b) & 31;
		in = memory_file(b.at, b.left, input);
	} else {
		size_t len;

		invented_make(&machine, &b);
		level = machine.level;
		core = invented_core(&machine, &len);
		in = memory_file(core, len, input);
		free(core);
	}
	out = memory_file("", 0, output);
	dump(input, output, how, level, out);
	close(out);
	close(in);
	return 0;
}
