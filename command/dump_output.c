/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where a dump goes, and what happens when there is no room: the same for every format. */
#include "command/dump_output.h"

#include <fcntl.h>
#include <unistd.h>

#include "base/fdio.h"
#include "input/input_file.h"
#include "print_info.h"

/* All parts of a split dump are read until the end: none of them may be written to. */
static enum status refuse_inputs(const struct mem_source *src, const char *path, struct err *e)
{
	int fd = src->n_files > 1 ? open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK) : -1;
	bool same = false;

	if (fd < 0)
		return OK;
	for (unsigned i = 0; i < src->n_files; i++)
		same |= fd_same_file(fd, src->files[i]->fd);
	close(fd);
	return same ? err_set(e, E_USAGE, "%s is a part of the dump that is read", path) : OK;
}

enum status dump_output_open(struct sink **s, const char *name, const struct options *opt, const struct mem_source *src,
			     struct err *e)
{
	int input = src->file->fd;
	enum status st;

	if (*s)
		return OK;
	if (opt->dry_run)
		st = sink_null_open(s, name, e);
	else if (opt->flatten)
		st = sink_flat_open(s, STDOUT_FILENO, input, opt->size_limit, e);
	else if (!(st = refuse_inputs(src, name, e)))
		st = sink_file_open(s, name, opt->overwrite, input, e);
	if (!st)
		(*s)->limit = opt->size_limit;
	return st;
}

enum status dump_try_levels(const struct options *opt,
			    enum status (*try_level)(void *data, unsigned level, bool last, struct err *e),
			    enum status (*restart)(void *data, struct err *e), void *data, struct err *e)
{
	for (unsigned i = 0;; i++) {
		bool last = i + 1 == opt->n_dump_levels;
		enum status st = try_level(data, opt->dump_levels[i], last, e);

		if (st != E_NOSPACE || last)
			return st;
		message(MSG_COMMON, "%s.\nRetry with the next dump level (%u).\n", e->text, opt->dump_levels[i + 1]);
		if (restart(data, e))
			return e->status;
	}
}
