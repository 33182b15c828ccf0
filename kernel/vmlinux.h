/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The kernel's ELF file, with symbols, BTF or DWARF: facts at the addresses it was linked to. */
#ifndef KERNEL_VMLINUX_H
#define KERNEL_VMLINUX_H

#include "base/cleanup.h"
#include "base/err.h"
#include "kernel/facts.h"
#include "kernel/kernel_file.h"

/* A fact by the name that VMCOREINFO gives it. */
struct fact_name {
	enum fact_kind kind;
	const char *name;
};

struct vmlinux;

/*
 * Opens `path` and asks it for all facts that `known` (NULL: nothing) does not have, symbols in any case, and for
 * `more` names.  What the file itself lacks is taken from its separate debug file, which is looked for by build id and
 * by .gnu_debuglink.  E_FORMAT: no ELF file of a kernel, or it has neither symbols nor debug information.
 */
enum status vmlinux_open(struct vmlinux **v, const char *path, const struct facts *known, const struct fact_name *more,
			 size_t n_more, struct err *e) MUST_CHECK;
void vmlinux_close(struct vmlinux *v);
DEFINE_AUTO(vmlinux);

/* The answers, as long as `v` is open.  Numbers that only a running kernel has are unknown. */
struct fact_source vmlinux_facts(const struct vmlinux *v);

const char *vmlinux_release(const struct vmlinux *v);  /* empty: unknown */
const char *vmlinux_build_id(const struct vmlinux *v); /* hexadecimal; empty: unknown */
/* The file's ELF machine, class and byte order. */
unsigned vmlinux_machine(const struct vmlinux *v, bool *is64, bool *big_endian);

/* How large the kernel's pages are, in bytes; 0: the file does not tell. */
uint64_t vmlinux_page_size(const struct vmlinux *v);

/* Fills `f` from `path`, without the facts that `known` has, but with all symbols. */
enum status kernel_file_read_vmlinux(struct kernel_file *f, const char *path, const struct facts *known, struct err *e)
	MUST_CHECK;

#endif
