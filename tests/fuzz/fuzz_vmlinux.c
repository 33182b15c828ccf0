/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Fuzzes the files beside a dump: any bytes as VMLINUX, and as BTF by itself. */
#include <string.h>
#include <unistd.h>

#include "kernel/btf.h"
#include "kernel/kernel_file.h"
#include "kernel/vmlinux.h"
#include "makedumpfile.h"
#include "tests/fuzz/fuzz.h"

/* Bytes of their own, so that reading past them is noticed. */
static void read_btf(const uint8_t *data, size_t size)
{
	struct type_questions *qs = calloc(1, sizeof(*qs));
	uint8_t *copy = malloc(size ? size : 1);
	struct err e = { OK, 0, "" };
	enum status st;

	REQUIRE(qs && copy);
	memcpy(copy, data, size);
	type_questions_add(qs, ASK_SIZE, "page", 4, "");
	type_questions_add(qs, ASK_OFFSET, "page", 4, "flags");
	type_questions_add(qs, ASK_OFFSET, "list_head", 9, "prev");
	type_questions_add(qs, ASK_MEMBER_LENGTH, "zone", 4, "free_area");
	type_questions_add(qs, ASK_ENUMERATOR, "pageflags", 9, "PG_lru");
	type_questions_add(qs, ASK_VARIABLE_LENGTH, "mem_section", 11, "");
	st = btf_answer(copy, size, qs, &e);
	REQUIRE(st == OK || (e.status == st && e.text[0]));
	REQUIRE(type_questions_open(qs) == (st ? 6u : 1u));
	free(copy);
	free(qs);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct fact_name more[] = { { FACT_LENGTH, "node_remap_start_pfn" }, { FACT_SIZE, "nodemask_t" } };
	struct kernel_file file;
	struct vmlinux *v = NULL;
	struct err e = { OK, 0, "" };
	char path[FUZZ_PATH_LEN];
	int fd = memory_file(data, size, path);
	enum status st;

	read_btf(data, size);
	st = kernel_file_read_vmlinux(&file, path, NULL, &e);
	REQUIRE(st == OK ? memchr(file.release, 0, sizeof(file.release)) && memchr(file.build_id, 0, sizeof(file.build_id)) :
			   e.status == st && e.text[0]);
	/* all units */
	if (!vmlinux_open(&v, path, NULL, more, ARRAY_SIZE(more), &e))
		vmlinux_close(v);
	close(fd);
	return 0;
}
