/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The input of a command line: a dump, and what it and the files beside it tell about its kernel. */
#include "command/open_input.h"

enum status open_input(struct mem_source **src, struct kernel **k, const struct options *opt, struct err *e)
{
	struct mem_source_options how = { .no_mmap = opt->no_mmap };
	struct kernel_files files = {
		.vmcoreinfo = opt->vmcoreinfo,
		.vmlinux = opt->vmlinux,
		.force = opt->overwrite,
	};

	if (mem_source_open(src, opt->inputs, opt->n_inputs, &how, e))
		return e->status;
	if ((*src)->is_xen)
		return err_set(e, E_UNSUPPORTED, "%s is a dump of a Xen host: not available in this build",
			       opt->inputs[0]);
	if (kernel_open(k, *src, &files, e))
		return err_add(e, "%s", opt->inputs[0]);
	if ((*k)->text_was_found)
		return mem_source_add_vmcoreinfo(*src, (*k)->text.text, (*k)->text.len, e);
	return OK;
}
