/* SPDX-License-Identifier: GPL-2.0-or-later */
/* --dump-dmesg: the dumped kernel's own log as a text file. */
#include "command/dump_dmesg.h"

#include <unistd.h>

#include "command/open_input.h"
#include "input/input_file.h"
#include "input/mem_source.h"
#include "kernel/kernel.h"
#include "kernel/printk.h"
#include "output/sink.h"
#include "print_info.h"

static enum status put(void *sink, const char *text, size_t len, struct err *e)
{
	struct sink *s = sink;

	return sink_write(s, s->bytes_written, text, len, e);
}

/* Also what is left of a damaged log has to be safe: the first error counts, but all is done. */
static enum status write_log(struct printk *log, const struct options *opt, struct sink *s, struct err *e)
{
	enum status st = printk_write(log, opt->partial_dmesg, put, s, e);
	struct err later;

	if (st == E_FORMAT)
		err_add(e, "%s", opt->inputs[0]);
	if (s->ops->sync(s, st ? &later : e) && !st)
		st = e->status;
	if (s->ops->finish(s, st ? &later : e) && !st)
		st = e->status;
	return st;
}

enum status command_dump_dmesg(const struct options *opt, struct err *e)
{
	AUTO(mem_source) *src = NULL;
	AUTO(kernel) *k = NULL;
	AUTO(printk) *log = NULL;
	AUTO(sink) *sink = NULL;
	const char *name = opt->flatten ? "STDOUT" : opt->outputs[0];

	if (!opt->flatten && sink_file_check(name, opt->overwrite, e))
		return e->status;
	if (open_input(&src, &k, opt, e))
		return e->status;
	if (printk_open(&log, k, e))
		return err_add(e, "%s", opt->inputs[0]);
	if (opt->flatten ? sink_stream_open(&sink, STDOUT_FILENO, name, src->file->fd, e) :
			   sink_file_open(&sink, name, opt->overwrite, src->file->fd, e))
		return e->status;
	sink->limit = opt->size_limit;
	if (write_log(log, opt, sink, e))
		return e->status;
	message(MSG_COMMON, "\nThe dmesg log is saved to %s.\n", name);
	return OK;
}
