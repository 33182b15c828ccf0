/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Learning about the dumped kernel, step by step, from what the dump says itself. */
#include "kernel/kernel.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/bytes.h"
#include "input/mem_source.h"
#include "kernel/address_map.h"
#include "kernel/find_kernel.h"
#include "kernel/kernel_file.h"
#include "kernel/kmem.h"
#include "kernel/vmlinux.h"
#include "print_info.h"

static enum status read_vmcoreinfo(struct kernel *k, struct err *e)
{
	size_t len = k->src->vmcoreinfo_len;
	struct err unread;

	if (!len)
		return OK;
	k->text_bytes = malloc(len);
	if (!k->text_bytes)
		return err_nomem(e, len);
	if (mem_source_read_notes(k->src, k->src->vmcoreinfo_at, k->text_bytes, len, &unread)) {
		message(MSG_ERROR, "The VMCOREINFO note cannot be read: %s.\n", unread.text);
		return OK;
	}
	k->text = vmcoreinfo_over(k->text_bytes, len);
	k->has_vmcoreinfo = k->text.len > 0;
	return OK;
}

bool kernel_is_proven(const struct kernel *k)
{
	AUTO(kmem) *km = NULL;
	paddr_t at;
	struct err e;

	return k->utsname[0] && !kmem_open(&km, k, &e) &&
	       address_map_is_sure(k, km, kernel_names_address(&k->facts), &at);
}

bool kernel_page_size_fits(const struct kernel *k, uint64_t size)
{
	if (size < PAGE_SIZE_MIN || size > PAGE_SIZE_MAX || size & (size - 1))
		return false;
	return (!k->arch->default_page_shift || size == UINT64_C(1) << k->arch->default_page_shift) &&
	       (!k->src->page_shift || size == UINT64_C(1) << k->src->page_shift);
}

static enum status set_page_size(struct kernel *k, const struct kernel_file *file, struct err *e)
{
	uint64_t size = file->page_size;
	bool told = (k->has_vmcoreinfo && vmcoreinfo_decimal(&k->text, "PAGESIZE", &size)) || size;
	unsigned shift = k->arch->default_page_shift;

	/* a file that is made of pages has them in one size, whatever its text says */
	if (k->src->page_shift) {
		if (shift && k->src->page_shift != shift)
			return err_set(e, E_FORMAT, "pages of %u bytes, %s has %u", 1u << k->src->page_shift,
				       k->arch->name, 1u << shift);
		shift = k->src->page_shift;
		if (told && size != UINT64_C(1) << shift)
			message(MSG_COMMON, "PAGESIZE in VMCOREINFO is %" PRIu64 ", the dump has pages of %u bytes.\n",
				size, 1u << shift);
	} else if (told && kernel_page_size_fits(k, size)) {
		shift = (unsigned)__builtin_ctzll(size);
	} else {
		/* where a machine has several sizes, the smallest is a part of each of them */
		if (!shift)
			shift = (unsigned)__builtin_ctzll(PAGE_SIZE_MIN);
		if (k->has_vmcoreinfo)
			message(MSG_COMMON, "PAGESIZE in VMCOREINFO is %s, %u is taken.\n",
				told ? "impossible" : "missing", 1u << shift);
	}
	k->target.page_shift = shift;
	k->target.page_size = UINT64_C(1) << shift;
	return OK;
}

uint32_t kernel_version(const char *release)
{
	uint32_t part[3] = { 0 };

	for (size_t i = 0; i < 3; i++) {
		while (isdigit((unsigned char)*release))
			part[i] = part[i] * 10 + (uint32_t)(*release++ - '0');
		if (!*release++)
			break;
	}
	return (part[0] & 0xff) << 24 | (part[1] & 0xff) << 16 | (part[2] & 0xffff);
}

bool kernel_names_make_sense(const uint8_t *uts)
{
	for (size_t f = 0; f < UTS_LEN / UTS_FIELD_LEN; f++) {
		const uint8_t *name = uts + f * UTS_FIELD_LEN;
		size_t len = strnlen((const char *)name, UTS_FIELD_LEN);

		if (len == UTS_FIELD_LEN || (f == 2 && !len))
			return false;
		for (size_t i = 0; i < len; i++)
			if (name[i] < 0x20 || name[i] > 0x7e)
				return false;
	}
	return true;
}

vaddr_t kernel_names_address(const struct facts *f)
{
	if (fact_known(f, F_old_utsname))
		return fact(f, F_old_utsname);
	/* until 5.11 the names follow a reference count of four bytes, and no offset is exported */
	return fact(f, F_uts_ns) + fact_or(f, F_uts_ns_name, 4);
}

/* Some machines' address maps depend on the version, and names can be read only when there is a map. */
static void take_told_release(struct kernel *k, const struct kernel_file *file)
{
	const char *value;
	size_t len;

	if (vmcoreinfo_find(&k->text, "OSRELEASE", &value, &len))
		snprintf(k->release, sizeof(k->release), "%.*s", (int)(len < 64 ? len : 64), value);
	k->version = kernel_version(k->release[0] ? k->release : file->release);
}

static void read_names(struct kernel *k, struct kmem *km)
{
	const struct facts *f = &k->facts;
	struct err e;
	uint8_t uts[UTS_LEN];

	if (!fact_known(f, F_uts_ns) && !fact_known(f, F_old_utsname)) {
		message(MSG_COMMON, "SYMBOL(init_uts_ns) is unknown: the dump will not name its system.\n");
	} else if (address_map_read_names(k, km, uts, &e)) {
		if (e.status == E_FORMAT)
			message(MSG_COMMON, "The system's name makes no sense: the dump will not name its system.\n");
		else
			message(MSG_COMMON, "The system's name cannot be read: %s.\n", e.text);
	} else {
		memcpy(k->utsname, uts, sizeof(uts));
		memcpy(k->release, uts + 2 * UTS_FIELD_LEN, UTS_FIELD_LEN);
		k->version = kernel_version(k->release);
	}
}

/* What the file says about the byte order is a first guess where the machine has two: QEMU says big for ppc64le. */
static enum status settle_byte_order(struct kernel *k, struct kmem *km, struct err *e)
{
	uint8_t uts[UTS_LEN];
	struct err none;
	bool big, named;

	if (k->arch->orders != (ORDER_LITTLE | ORDER_BIG))
		return OK;
	named = (fact_known(&k->facts, F_uts_ns) || fact_known(&k->facts, F_old_utsname)) &&
		!address_map_read_names(k, km, uts, &none);
	if (!address_map_tells_order(k, km, named ? uts : NULL, &big) || big == k->target.big_endian)
		return OK;
	message(MSG_DEBUG, "The kernel is %s endian, whatever the file says.\n", big ? "big" : "little");
	k->target.big_endian = big;
	return address_map_find(k, km, e);
}

/* --- files beside the dump -------------------------------------------------------------------------- */

/* A file of another kernel would make nonsense of the dump's memory; with -f the user knows better. */
static enum status other_kernel(const struct kernel_file *file, const struct kernel_files *files, const char *what,
				const char *in_file, const char *in_dump, struct err *e)
{
	if (!files->force)
		return err_set(e, E_MISMATCH, "%s is about another kernel: its %s is %s, that of the dump is %s",
			       file->path, what, in_file, in_dump);
	message(MSG_COMMON,
		"%s is about another kernel: its %s is %s, that of the dump is %s. It is used all the same.\n",
		file->path, what, in_file, in_dump);
	return OK;
}

/* The kernel's own words come first: they are about this very run.  The file fills what they leave open. */
static enum status use_file(struct kernel *k, const struct kernel_file *file, const struct kernel_files *files,
			    struct err *e)
{
	char build_id[BUILD_ID_TEXT_MAX];
	uint64_t shift;

	kernel_file_build_id(&k->text, build_id);
	if (build_id[0] && file->build_id[0] && strcmp(build_id, file->build_id) &&
	    other_kernel(file, files, "build id", file->build_id, build_id, e))
		return e->status;
	if (k->has_vmcoreinfo && kernel_file_shift(file, &k->facts, &k->text, &shift)) {
		message(MSG_DEBUG, "%s: symbols are moved by %#" PRIx64 "\n", file->path, shift);
	} else {
		struct facts boot = { 0 };

		e->status = OK;
		if (!find_kernel_place(k, file, &shift, &boot, e)) {
			message(MSG_COMMON, "The kernel of %s (%s) is not found in the dump: the file is not used.\n",
				file->path, file->release[0] ? file->release : "release unknown");
			return e->status == E_NOMEM ? E_NOMEM : OK;
		}
		message(MSG_DEBUG, "%s: the kernel is found in memory, symbols are moved by %#" PRIx64 "\n", file->path,
			shift);
		facts_add(&k->facts, &boot);
	}
	kernel_file_add_facts(file, shift, &k->facts);
	k->has_vmcoreinfo = true;
	return OK;
}

static enum status check_release(const struct kernel *k, const struct kernel_file *file,
				 const struct kernel_files *files, struct err *e)
{
	if (!k->release[0] || !file->release[0]) {
		message(MSG_COMMON, "Whether %s is about the kernel of the dump cannot be told.\n", file->path);
		return OK;
	}
	if (!strcmp(k->release, file->release))
		return OK;
	return other_kernel(file, files, "release", file->release, k->release, e);
}

static void apply_limits(struct kernel *k)
{
	struct arch_state *a = &k->arch_state;
	uint64_t end = k->src->end;

	address_map_limits(k);
	/* without any word from the kernel the machine's widest form is the limit, applied to the file already */
	if (k->has_vmcoreinfo && end > UINT64_C(1) << a->physmem_bits) {
		message(MSG_COMMON, "Memory beyond the %u address bits of this kernel: cut.\n", a->physmem_bits);
		end = UINT64_C(1) << a->physmem_bits;
	}
	k->max_mapnr = shift_up(end, k->target.page_shift);
}

static void say_what_is_known(const struct kernel *k)
{
	if (!message_shows(MSG_DEBUG))
		return;
	vmcoreinfo_list(&k->text);
	facts_list(&k->facts);
	message(MSG_DEBUG, "machine      : %s, %s\n", k->arch->name, k->arch_state.paging->name);
	message(MSG_DEBUG, "page_size    : %" PRIu64 "\n", k->target.page_size);
	message(MSG_DEBUG, "phys_base    : %#" PRIx64 "\n", k->arch_state.phys_base);
	message(MSG_DEBUG, "release      : %s\n", k->release);
	message(MSG_DEBUG, "max_mapnr    : %#" PRIx64 "\n", k->max_mapnr);
	message(MSG_DEBUG, "memory model : %s%s%s\n", mem_model_name(k->mem_map.model),
		k->mem_map.model == MEM_MODEL_NONE ? ": " : "", k->mem_map.why_none);
}

/* A dump without the note has the text all the same, somewhere in its memory. */
static enum status find_text(struct kernel *k, struct err *e)
{
	struct target target;
	char *found;
	size_t len;

	e->status = OK;
	if (!find_kernel_text(k, &found, &len, &target, e))
		return e->status == E_NOMEM ? E_NOMEM : OK;
	/* there may be a note without a text */
	free(k->text_bytes);
	k->text_bytes = found;
	k->target = target;
	k->text = vmcoreinfo_over(k->text_bytes, len);
	k->has_vmcoreinfo = k->text_was_found = true;
	message(MSG_COMMON, "There is no VMCOREINFO note; the text for it was found in the dumped memory.\n");
	return OK;
}

static enum status gather_facts(struct kernel *k, struct kernel_file *file, const struct kernel_files *files,
				struct err *e)
{
	struct fact_source source;
	uint64_t seconds;

	if (read_vmcoreinfo(k, e))
		return e->status;
	if (files->vmcoreinfo && kernel_file_read_text(file, files->vmcoreinfo, e))
		return e->status;
	source = vmcoreinfo_facts(&k->text);
	facts_fill(&k->facts, &source, 1);
	if (files->vmlinux && kernel_file_read_vmlinux(file, files->vmlinux, &k->facts, e))
		return e->status;
	if (set_page_size(k, file, e))
		return e->status;
	/* a file tells the kernel, but only memory where it is; where images lie at steps that is found sooner than text */
	if (!k->has_vmcoreinfo && (!file->path || !k->arch->image_align) && find_text(k, e))
		return e->status;
	facts_fill(&k->facts, &source, 1); /* the text may be there only now */
	if (k->has_vmcoreinfo && vmcoreinfo_decimal(&k->text, "CRASHTIME", &seconds))
		k->crash_time = (int64_t)seconds;
	return file->path ? use_file(k, file, files, e) : OK;
}

enum status kernel_open(struct kernel **out, const struct mem_source *src, const struct kernel_files *files,
			struct err *e)
{
	AUTO(kernel) *k = calloc(1, sizeof(*k));
	AUTO(kmem) *km = NULL;
	struct kernel_file file = { .path = NULL };
	pfn_t end;

	if (!k)
		return err_nomem(e, sizeof(*k));
	k->src = src;
	k->arch = arch_find(src->machine, src->is64);
	if (!k->arch)
		return err_set(e, E_UNSUPPORTED,
			       "a dump of machine %u (ELF%u, %s endian) is not available in this build", src->machine,
			       src->is64 ? 64 : 32, src->big_endian ? "big" : "little");
	k->target.big_endian = arch_order(k->arch, src->big_endian);
	k->target.long_bytes = k->arch->long_bytes;
	if (gather_facts(k, &file, files, e))
		return e->status;
	take_told_release(k, &file);
	if (kmem_open(&km, k, e) || address_map_find(k, km, e) || (k->has_vmcoreinfo && settle_byte_order(k, km, e)))
		return e->status;
	apply_limits(k);
	k->mem_map.model = MEM_MODEL_NONE;
	if (k->has_vmcoreinfo) {
		read_names(k, km);
		if ((file.path && check_release(k, &file, files, e)) || mem_map_open(&k->mem_map, km, e))
			return e->status;
		end = k->mem_map.model == MEM_MODEL_NONE ? 0 : mem_map_end(&k->mem_map, km);
		/* a kernel booted with mem= has no struct pages for the rest: it never used that memory */
		if (end && end < k->max_mapnr)
			k->max_mapnr = end;
	}
	say_what_is_known(k);
	*out = k;
	k = NULL;
	return OK;
}

void kernel_close(struct kernel *k)
{
	mem_map_close(&k->mem_map);
	address_map_close(&k->arch_state);
	free(k->text_bytes);
	free(k);
}

static void print_step(void *data, const char *level, paddr_t entry_at, uint64_t entry)
{
	(void)data;
	message(MSG_COMMON, "  %-3s : %16" PRIx64 " => %16" PRIx64 "\n", level, entry_at, entry);
}

enum status kernel_print_translation(const struct kernel *k, vaddr_t vaddr, struct err *e)
{
	AUTO(kmem) *km = NULL;
	struct mapping m;
	paddr_t paddr = PADDR_NONE;
	uint64_t left;
	struct err why = { 0 };

	if (kmem_open(&km, k, e))
		return e->status;
	message(MSG_COMMON, "\nTranslating virtual address %" PRIx64 " to physical address.\n", vaddr);
	if (arch_linear(&k->arch_state, vaddr, RANGE_FIXED, &paddr, &left))
		; /* no table has it */
	else if (!paging_walk(km, vaddr, &m, print_step, NULL, &why))
		paddr = vaddr - m.vaddr + m.paddr;
	/* tables that can be read have the last word, whatever a linear range would say that they should have */
	else if (!kmem_translate_fixed(km, vaddr, &paddr) &&
		 ((k->arch_state.has_root && why.status == E_MISSING) ||
		  kmem_translate(km, vaddr, &paddr, NULL, &why))) {
		message(MSG_ERROR, "%s.\n", why.text);
		paddr = PADDR_NONE;
	}
	message(MSG_COMMON, "VIRTUAL           PHYSICAL\n%16" PRIx64 "  %" PRIx64 "\n\n", vaddr, paddr);
	return OK;
}
