/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Bitmap 2 in an unlinked file. */
#include "output/bitmap_store.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/fdio.h"

struct bitmap_store {
	int fd;
	const char *dir;
};

/* O_TMPFILE never has a name; where the file system lacks it, a random one is taken away at once. */
static int open_unlinked(const char *dir)
{
	char path[4096];
	int fd = open(dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

	if (fd >= 0 || (errno != EOPNOTSUPP && errno != EISDIR && errno != ENOENT))
		return fd;
	if (snprintf(path, sizeof(path), "%s/kdump_bitmapXXXXXX", dir) >= (int)sizeof(path)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	fd = mkostemp(path, O_CLOEXEC);
	if (fd >= 0)
		unlink(path);
	return fd;
}

enum status bitmap_store_open(struct bitmap_store **out, const char *dir, struct err *e)
{
	struct bitmap_store *s = calloc(1, sizeof(*s));

	if (!s)
		return err_nomem(e, sizeof(*s));
	s->dir = dir;
	s->fd = open_unlinked(dir);
	if (s->fd < 0) {
		free(s);
		return err_sys(e, E_IO, "cannot make a file in %s", dir);
	}
	fd_no_read_ahead(s->fd);
	*out = s;
	return OK;
}

void bitmap_store_close(struct bitmap_store *s)
{
	close(s->fd);
	free(s);
}

enum status bitmap_store_put(struct bitmap_store *s, pfn_t first, const uint8_t *bits, size_t bytes, struct err *e)
{
	if (fd_pwrite_all(s->fd, (off_t)(first / 8), bits, bytes, NULL, e))
		return err_add(e, "bitmap in %s", s->dir);
	return OK;
}

enum status bitmap_store_get(struct bitmap_store *s, pfn_t first, uint8_t *bits, size_t bytes, struct err *e)
{
	int sys_errno;
	size_t n = fd_pread(s->fd, (off_t)(first / 8), bits, bytes, &sys_errno);

	if (sys_errno) {
		errno = sys_errno;
		return err_sys(e, E_IO, "bitmap in %s", s->dir);
	}
	memset(bits + n, 0, bytes - n);
	return OK;
}
