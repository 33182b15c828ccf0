/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The dumped kernel: its machine, its names, the facts about it, its address map and its struct pages. */
#ifndef KERNEL_KERNEL_H
#define KERNEL_KERNEL_H

#include <stdbool.h>
#include <stdint.h>

#include "arch/arch.h"
#include "base/cleanup.h"
#include "base/err.h"
#include "kernel/facts.h"
#include "kernel/mem_map.h"
#include "kernel/vmcoreinfo.h"
#include "makedumpfile.h"

#define UTS_LEN 390 /* struct new_utsname: six names of 65 bytes */
#define UTS_FIELD_LEN 65

/* What a kernel may say about the bits of its physical addresses: 32-bit machines the least, riscv64 the most. */
#define PHYSMEM_BITS_MIN 32
#define PHYSMEM_BITS_MAX 56

/* major << 24 | minor << 16 | patch, as far as the release says; 0: unknown. */
#define KVERSION(major, minor) ((uint32_t)(major) << 24 | (uint32_t)(minor) << 16)

/* Of "6.1.0-13-cloud": up to three numbers, each ended by any one character; what is missing is 0. */
uint32_t kernel_version(const char *release);

struct kernel {
	const struct mem_source *src; /* borrowed */
	const struct arch_ops *arch;
	struct target target;
	struct arch_state arch_state;
	struct facts facts;
	bool has_vmcoreinfo;	/* facts are told: by the note, by text found in memory, or by a file */
	bool text_was_found;	/* `text` is not in the file's notes, but in the dumped memory */
	struct vmcoreinfo text; /* over text_bytes */
	char *text_bytes;
	uint8_t utsname[UTS_LEN]; /* as in memory; all zero when unreadable */
	char release[UTS_FIELD_LEN];
	uint32_t version;
	int64_t crash_time; /* seconds since 1970, 0: unknown */
	pfn_t max_mapnr;    /* pages are numbered below */
	struct mem_map mem_map;
};

/* Files that tell more of the kernel than the dump does, of which at most one is given; the others are NULL. */
struct kernel_files {
	const char *vmcoreinfo; /* text */
	const char *vmlinux;	/* ELF, with debug information */
	bool force;		/* one of another kernel is a warning, no error */
};

/*
 * Learns all that the dump itself and the files say about the kernel.  What is missing or broken in the dump is said in
 * messages and left out; only a dump of a machine that this build does not know (E_UNSUPPORTED), lack of memory, a
 * file that cannot be read, and one of another kernel (E_MISMATCH) fail.  `src` must outlive the kernel.
 */
enum status kernel_open(struct kernel **k, const struct mem_source *src, const struct kernel_files *files,
			struct err *e) MUST_CHECK;
void kernel_close(struct kernel *k);
DEFINE_AUTO(kernel);

/* Where the names are; F_uts_ns or F_old_utsname must be known. */
vaddr_t kernel_names_address(const struct facts *f);
/* Are these UTS_LEN bytes six names, each of text that ends within its field, with a release among them? */
bool kernel_names_make_sense(const uint8_t *uts);

/* Do the page tables, or ranges that need none, lead to the kernel's names?  Then memory is where the source says. */
bool kernel_is_proven(const struct kernel *k);

/* Can the pages of the dump be of so many bytes, by its machine and by what the file is made of? */
bool kernel_page_size_fits(const struct kernel *k, uint64_t size);

/* Could this be an address of the kernel's data? */
static inline bool kernel_is_address(const struct kernel *k, vaddr_t v)
{
	if (v >> 55 & 1)
		v |= k->arch_state.tag_mask;
	return v >= k->arch_state.kernel_start && v != (k->target.long_bytes == 8 ? UINT64_MAX : UINT32_MAX);
}

/* Prints the translation of one address and the table entries on its way, as --vtop promises. */
enum status kernel_print_translation(const struct kernel *k, vaddr_t vaddr, struct err *e) MUST_CHECK;

#endif
