/* SPDX-License-Identifier: GPL-2.0-or-later */
/* -g: what a kernel's ELF file tells, as the text that -i reads. */
#include "command/make_vmcoreinfo.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "arch/arch.h"
#include "base/fdio.h"
#include "kernel/vmlinux.h"
#include "makedumpfile.h"
#include "print_info.h"

/*
 * The lines, in the order in which readers of such files have always got them.  A line is left out when nothing is
 * known, and when the one that it is the older form of was written: `instead` says how many lines before.
 */
static const struct line {
	enum fact_kind kind;
	const char *name;
	unsigned instead;
	const char *as; /* written under this name; NULL: its own */
} lines[] = {
/* clang-format off */
#define SYMBOL(name) { FACT_SYMBOL, name, 0, NULL }
#define SIZE(name) { FACT_SIZE, name, 0, NULL }
#define OFFSET(name) { FACT_OFFSET, name, 0, NULL }
#define LENGTH(name) { FACT_LENGTH, name, 0, NULL }
#define NUMBER(name) { FACT_NUMBER, name, 0, NULL }
	SYMBOL("mem_map"), SYMBOL("vmem_map"), SYMBOL("mem_section"), SYMBOL("pkmap_count"), SYMBOL("pkmap_count_next"),
	SYMBOL("system_utsname"), SYMBOL("init_uts_ns"), SYMBOL("_stext"), SYMBOL("swapper_pg_dir"),
	SYMBOL("init_level4_pgt"), SYMBOL("level4_kernel_pgt"), SYMBOL("init_top_pgt"), SYMBOL("vmlist"),
	SYMBOL("vmap_area_list"), SYMBOL("node_online_map"), SYMBOL("node_states"), SYMBOL("node_data"),
	SYMBOL("pgdat_list"), SYMBOL("contig_page_data"), SYMBOL("prb"), SYMBOL("clear_seq"), SYMBOL("log_buf"),
	SYMBOL("log_buf_len"), SYMBOL("log_end"), SYMBOL("log_first_idx"), SYMBOL("clear_idx"), SYMBOL("log_next_idx"),
	SYMBOL("max_pfn"), SYMBOL("high_memory"), SYMBOL("node_remap_start_vaddr"), SYMBOL("node_remap_end_vaddr"),
	SYMBOL("node_remap_start_pfn"), SYMBOL("vmemmap_list"), SYMBOL("mmu_psize_defs"), SYMBOL("mmu_vmemmap_psize"),
	SYMBOL("cpu_pgd"), SYMBOL("demote_segment_4k"), SYMBOL("cur_cpu_spec"), SYMBOL("free_huge_page"),
	SIZE("page"), SIZE("mem_section"), SIZE("pglist_data"), SIZE("zone"), SIZE("free_area"), SIZE("list_head"),
	SIZE("node_memblk_s"), SIZE("nodemask_t"),
	SIZE("printk_ringbuffer"), { FACT_SIZE, "printk_log", 1, NULL }, { FACT_SIZE, "log", 2, NULL },
	SIZE("prb_desc"), SIZE("printk_info"), SIZE("latched_seq"), SIZE("vmemmap_backing"), SIZE("mmu_psize_def"),
	OFFSET("page.flags"), OFFSET("page._refcount"), { FACT_OFFSET, "page._count", 1, NULL }, OFFSET("page.mapping"),
	OFFSET("page.lru"), OFFSET("page._mapcount"), OFFSET("page.private"), OFFSET("page.compound_dtor"),
	OFFSET("page.compound_order"), OFFSET("page.compound_head"),
	{ FACT_OFFSET, "page.compound_info", 1, "page.compound_head" },
	OFFSET("folio._folio_dtor"), OFFSET("folio._folio_order"),
	OFFSET("mem_section.section_mem_map"), OFFSET("pglist_data.node_zones"), OFFSET("pglist_data.nr_zones"),
	OFFSET("pglist_data.node_mem_map"), OFFSET("pglist_data.node_start_pfn"),
	OFFSET("pglist_data.node_spanned_pages"), OFFSET("pglist_data.pgdat_next"), OFFSET("zone.free_pages"),
	OFFSET("zone.free_area"), OFFSET("zone.vm_stat"), OFFSET("zone.spanned_pages"), OFFSET("free_area.free_list"),
	OFFSET("list_head.next"), OFFSET("list_head.prev"), OFFSET("node_memblk_s.start_paddr"),
	OFFSET("node_memblk_s.size"), OFFSET("node_memblk_s.nid"), OFFSET("vm_struct.addr"),
	OFFSET("vmap_area.va_start"), OFFSET("vmap_area.list"),
	OFFSET("printk_ringbuffer.desc_ring"), OFFSET("printk_ringbuffer.text_data_ring"),
	OFFSET("prb_desc_ring.count_bits"), OFFSET("prb_desc_ring.descs"), OFFSET("prb_desc_ring.infos"),
	OFFSET("prb_desc_ring.head_id"), OFFSET("prb_desc_ring.tail_id"), OFFSET("prb_desc.state_var"),
	OFFSET("prb_desc.text_blk_lpos"), OFFSET("prb_data_blk_lpos.begin"), OFFSET("prb_data_blk_lpos.next"),
	OFFSET("prb_data_ring.size_bits"), OFFSET("prb_data_ring.data"), OFFSET("printk_info.seq"),
	OFFSET("printk_info.ts_nsec"), OFFSET("printk_info.text_len"), OFFSET("printk_info.caller_id"),
	OFFSET("atomic_long_t.counter"), OFFSET("latched_seq.val"),
	OFFSET("printk_log.ts_nsec"), { FACT_OFFSET, "log.ts_nsec", 1, NULL },
	OFFSET("printk_log.len"), { FACT_OFFSET, "log.len", 1, NULL },
	OFFSET("printk_log.text_len"), { FACT_OFFSET, "log.text_len", 1, NULL }, OFFSET("printk_log.caller_id"),
	OFFSET("vmemmap_backing.phys"), OFFSET("vmemmap_backing.virt_addr"), OFFSET("vmemmap_backing.list"),
	OFFSET("mmu_psize_def.shift"), OFFSET("cpu_spec.mmu_features"), OFFSET("uts_namespace.name"),
	LENGTH("node_data"), LENGTH("pgdat_list"), LENGTH("mem_section"), LENGTH("node_memblk"),
	LENGTH("node_remap_start_pfn"), LENGTH("zone.free_area"), LENGTH("free_area.free_list"),
	NUMBER("NR_FREE_PAGES"), NUMBER("N_ONLINE"), NUMBER("PG_lru"), NUMBER("PG_private"), NUMBER("PG_head_mask"),
	NUMBER("PG_swapcache"), NUMBER("PG_swapbacked"), NUMBER("PG_buddy"), NUMBER("PG_slab"), NUMBER("PG_hwpoison"),
	NUMBER("PG_hugetlb"), NUMBER("PAGE_BUDDY_MAPCOUNT_VALUE"), NUMBER("PAGE_OFFLINE_MAPCOUNT_VALUE"),
	NUMBER("PAGE_HUGETLB_MAPCOUNT_VALUE"), NUMBER("PAGE_SLAB_MAPCOUNT_VALUE"),
	NUMBER("PAGE_UNACCEPTED_MAPCOUNT_VALUE"), NUMBER("HUGETLB_PAGE_DTOR"),
#undef SYMBOL
#undef SIZE
#undef OFFSET
#undef LENGTH
#undef NUMBER
	/* clang-format on */
};

/* The lines are below 50 bytes each; what does not fit is a mistake here, not in a file. */
#define TEXT_ROOM ((size_t)64 * ARRAY_SIZE(lines))
struct text {
	char bytes[TEXT_ROOM];
	size_t len;
};

static void __attribute__((format(printf, 2, 3))) add(struct text *t, const char *fmt, ...)
{
	va_list args;
	int n;

	va_start(args, fmt);
	n = vsnprintf(t->bytes + t->len, TEXT_ROOM - t->len, fmt, args);
	va_end(args);
	if (n > 0 && (size_t)n < TEXT_ROOM - t->len)
		t->len += (size_t)n;
}

static bool is_known(const struct fact_source *s, enum fact_kind kind, const char *name)
{
	uint64_t value;

	return s->find(s, kind, name, &value);
}

/* A log has one form: of the record buffers only the newest that is there. */
static bool is_replaced(const struct fact_source *s, size_t i)
{
	for (unsigned back = 1; back <= lines[i].instead; back++)
		if (is_known(s, lines[i - back].kind, lines[i - back].name))
			return true;
	return (!strncmp(lines[i].name, "printk_log.", 11) || !strncmp(lines[i].name, "log.", 4)) &&
	       is_known(s, FACT_SIZE, "printk_ringbuffer");
}

static void add_line(struct text *t, const struct fact_source *s, size_t i)
{
	static const char *const words[] = {
		[FACT_SIZE] = "SIZE",
		[FACT_OFFSET] = "OFFSET",
		[FACT_LENGTH] = "LENGTH",
		[FACT_NUMBER] = "NUMBER",
	};
	const struct line *l = &lines[i];
	uint64_t value;

	if (!s->find(s, l->kind, l->name, &value) || is_replaced(s, i))
		return;
	if (l->kind == FACT_SYMBOL)
		add(t, "SYMBOL(%s)=%" PRIx64 "\n", l->name, value);
	else
		add(t, "%s(%s)=%" PRId64 "\n", words[l->kind], l->as ? l->as : l->name, (int64_t)value);
}

/* A text without these would be of no use to anybody. */
static enum status check_needed(const struct vmlinux *v, const struct fact_source *s, const char *path, struct err *e)
{
	bool sparse = is_known(s, FACT_SYMBOL, "mem_section") && is_known(s, FACT_SIZE, "mem_section") &&
		      is_known(s, FACT_OFFSET, "mem_section.section_mem_map");
	bool nodes = (is_known(s, FACT_SYMBOL, "node_data") || is_known(s, FACT_SYMBOL, "pgdat_list")) &&
		     is_known(s, FACT_OFFSET, "pglist_data.node_mem_map");

	if (!vmlinux_release(v)[0])
		return err_set(e, E_MISSING,
			       "%s: its release cannot be told: init_uts_ns and what is there are not known", path);
	if (!is_known(s, FACT_SIZE, "page") || (!sparse && !nodes && !is_known(s, FACT_SYMBOL, "mem_map")))
		return err_set(e, E_MISSING, "%s: where the kernel keeps its struct pages cannot be told", path);
	return OK;
}

static enum status make_text(struct text *t, const char *path, struct err *e)
{
	AUTO(vmlinux) *v = NULL;
	struct fact_name names[ARRAY_SIZE(lines)];
	const struct arch_ops *arch;
	bool is64, big_endian;
	struct fact_source s;
	uint64_t page_size;
	unsigned machine;

	for (size_t i = 0; i < ARRAY_SIZE(lines); i++)
		names[i] = (struct fact_name){ lines[i].kind, lines[i].name };
	if (vmlinux_open(&v, path, NULL, names, ARRAY_SIZE(names), e))
		return e->status;
	s = vmlinux_facts(v);
	machine = vmlinux_machine(v, &is64, &big_endian);
	arch = arch_find(machine, is64);
	page_size = !arch ? 0 : arch->default_page_shift ? UINT64_C(1) << arch->default_page_shift : vmlinux_page_size(v);
	if (!page_size)
		return err_set(e, E_UNSUPPORTED, "%s: the page size of machine %u is not known in this build", path,
			       machine);
	if (check_needed(v, &s, path, e))
		return e->status;
	add(t, "OSRELEASE=%s\n", vmlinux_release(v));
	if (vmlinux_build_id(v)[0])
		add(t, "BUILD-ID=%s\n", vmlinux_build_id(v));
	add(t, "PAGESIZE=%" PRIu64 "\n", page_size);
	for (size_t i = 0; i < ARRAY_SIZE(lines); i++)
		add_line(t, &s, i);
	return OK;
}

/* Half a text would be taken for a whole one: none is better. */
static enum status write_text(int fd, const char *path, const struct text *t, struct err *e)
{
	size_t done = 0;

	if (ftruncate(fd, 0) && errno != EINVAL)
		return err_sys(e, E_IO, "%s", path);
	while (done < t->len) {
		ssize_t n = write(fd, t->bytes + done, t->len - done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		done += (size_t)n;
	}
	if (done == t->len && !fd_sync(fd))
		return OK;
	err_sys(e, E_IO, "%s", path);
	if (ftruncate(fd, 0))
		return err_add(e, "an unusable part of the text is left");
	return e->status;
}

enum status command_make_vmcoreinfo(const struct options *opt, struct err *e)
{
	const char *path = opt->make_vmcoreinfo;
	struct text t = { .len = 0 };
	enum status st;
	int fd, source;

	if (make_text(&t, opt->vmlinux, e))
		return e->status;
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0666);
	if (fd < 0)
		return err_sys(e, E_IO, "%s", path);
	source = open(opt->vmlinux, O_RDONLY | O_CLOEXEC);
	if (source >= 0 && fd_same_file(fd, source))
		st = err_set(e, E_USAGE, "%s is the file that -x names, too", path);
	else
		st = write_text(fd, path, &t, e);
	if (source >= 0)
		close(source);
	if (close(fd) && !st)
		st = err_sys(e, E_IO, "%s", path);
	if (!st)
		message(MSG_COMMON, "\nThe vmcoreinfo is saved to %s.\n", path);
	return st;
}
