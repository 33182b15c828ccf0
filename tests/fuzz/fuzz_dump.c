/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Fuzzes the whole way from a core file to a dump: raw bytes, or an invented machine that the input spoils. */
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/bytes.h"
#include "command/dump.h"
#include "format/elf_core.h"
#include "format/kdump_header.h"
#include "print_info.h"
#include "tests/fuzz/invented.h"
#include "tests/fuzz/kdump_check.h"

/* The first byte: bits 0 to 2 the codec or ELF format, then four switches, then whether raw bytes follow. */
enum { CODEC = 7, ELF = 7, SMALL_WINDOWS = 8, NO_MMAP = 16, TO_FILE = 32, TALK = 64, RAW = 128 };

/* A finished dump in ELF format is sound: what is promised is there. */
static void elf_check(int fd, bool incomplete)
{
	uint8_t raw[ELF_HEADER_MAX] = { 0 };
	struct elf_header h;
	struct stat st;
	struct err e;
	uint32_t n;

	REQUIRE(!fstat(fd, &st) && pread(fd, raw, sizeof(raw), 0) > 0);
	REQUIRE(!elf_header_decode(&h, raw, sizeof(raw), &e));
	REQUIRE(h.machine == ELF_EM_RISCV || !(h.flags & ELF_FLAG_INCOMPLETE) == !incomplete);
	n = h.phnum;
	if (n == ELF_PN_XNUM) {
		REQUIRE(pread(fd, raw, elf_shdr_len(&h), (off_t)h.shoff) == (ssize_t)elf_shdr_len(&h));
		n = elf_shdr_info(raw, &h);
	}
	REQUIRE(n && h.phoff == elf_header_len(&h));
	for (uint32_t i = 0; i < n; i++) {
		struct elf_phdr p;

		REQUIRE(pread(fd, raw, elf_phdr_len(&h), (off_t)(h.phoff + i * elf_phdr_len(&h))) ==
			(ssize_t)elf_phdr_len(&h));
		elf_phdr_decode(&p, raw, &h);
		REQUIRE(p.type == (i ? ELF_PT_LOAD : ELF_PT_NOTE) && p.filesz <= p.memsz && p.offset);
		REQUIRE(p.offset <= (uint64_t)st.st_size && p.filesz <= (uint64_t)st.st_size - p.offset);
	}
}

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
		.codec = codecs[(how & CODEC) == ELF ? 0 : (how & CODEC) % ARRAY_SIZE(codecs)],
		.elf = (how & CODEC) == ELF,
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

	/* all that is said on standard output, which leads nowhere */
	message_set_level(how & TALK ? MSG_COMMON | MSG_DEBUG | MSG_REPORT : 0);
	st = command_dump(&opt, &e);
	message_set_level(0);
	REQUIRE(!st || (e.status == st && e.text[0]));
	if (opt.dry_run || (st && st != E_INCOMPLETE))
		return;
	if (opt.elf)
		elf_check(out_fd, st == E_INCOMPLETE);
	else
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
