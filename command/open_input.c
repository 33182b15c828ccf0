/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The input of a command line: a dump, and what it and the files beside it tell about its kernel. */
#include "command/open_input.h"

#include <inttypes.h>

#include "print_info.h"

static enum status open_source(struct mem_source **src, const struct options *opt, bool take_late, struct err *e)
{
	struct mem_source_options how = { .no_mmap = opt->no_mmap, .take_late = take_late };

	if (mem_source_open(src, opt->inputs, opt->n_inputs, &how, e))
		return e->status;
	if ((*src)->is_xen)
		return err_set(e, E_UNSUPPORTED, "%s is a dump of a Xen host: not available in this build",
			       opt->inputs[0]);
	return OK;
}

static enum status open_kernel(struct kernel **k, const struct mem_source *src, const struct options *opt,
			       struct err *e)
{
	struct kernel_files files = {
		.vmcoreinfo = opt->vmcoreinfo,
		.vmlinux = opt->vmlinux,
		.force = opt->overwrite,
	};

	return kernel_open(k, src, &files, e) ? err_add(e, "%s", opt->inputs[0]) : OK;
}

/* Memory seems to be elsewhere: only a kernel whose page tables lead to its names there is reason enough to believe it. */
static bool memory_is_late(struct mem_source **src, struct kernel **k, const struct options *opt)
{
	struct mem_source *late = NULL;
	uint64_t by = (*src)->late_by;
	struct err e;

	if (!open_source(&late, opt, true, &e) && !open_kernel(k, late, opt, &e) && kernel_is_proven(*k)) {
		message(MSG_COMMON,
			"Memory begins %" PRIu64 " bytes later in %s than its headers tell: its notes are longer.\n", by,
			opt->inputs[0]);
		mem_source_close(*src);
		*src = late;
		return true;
	}
	if (*k)
		kernel_close(*k);
	if (late)
		mem_source_close(late);
	*k = NULL;
	message(MSG_COMMON,
		"Memory may begin %" PRIu64 " bytes later in %s than its headers tell, but no kernel is found there.\n", by,
		opt->inputs[0]);
	return false;
}

enum status open_input(struct mem_source **src, struct kernel **k, const struct options *opt, struct err *e)
{
	if (open_source(src, opt, false, e))
		return e->status;
	if (!((*src)->late_by && memory_is_late(src, k, opt)) && open_kernel(k, *src, opt, e))
		return e->status;
	if ((*k)->text_was_found)
		return mem_source_add_vmcoreinfo(*src, (*k)->text.text, (*k)->text.len, e);
	return OK;
}
