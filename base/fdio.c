/* SPDX-License-Identifier: GPL-2.0-or-later */
/* File descriptors: whole reads and writes that survive signals and short counts. */
#include "base/fdio.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/loop.h>
#include <stdbool.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

size_t fd_pread(int fd, off_t pos, void *buf, size_t len, int *sys_errno)
{
	size_t done = 0;

	*sys_errno = 0;
	while (done < len) {
		ssize_t n = pread(fd, (char *)buf + done, len - done, pos + (off_t)done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			*sys_errno = errno;
		if (n <= 0)
			break;
		done += (size_t)n;
	}
	return done;
}

enum status fd_pwrite_all(int fd, off_t pos, const void *buf, size_t len, size_t *written, struct err *e)
{
	size_t done = 0;
	enum status st = OK;

	while (done < len) {
		ssize_t n = pwrite(fd, (const char *)buf + done, len - done, pos + (off_t)done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			st = err_sys(e, E_IO, "write of %zu bytes at %lld", len - done,
				     (long long)pos + (long long)done);
			break;
		}
		if (n == 0) { /* no errno: treat a write that makes no progress as a full device */
			st = err_set(e, E_NOSPACE, "write of %zu bytes at %lld: no progress", len - done,
				     (long long)pos + (long long)done);
			break;
		}
		done += (size_t)n;
	}
	if (written)
		*written = done;
	return st;
}

void fd_no_read_ahead(int fd)
{
	(void)posix_fadvise(fd, 0, 0, POSIX_FADV_RANDOM); /* pipes and devices may refuse, and lose nothing */
}

void fd_fill_standard(void)
{
	for (int fd = 0; fd <= 2; fd++)
		if (fcntl(fd, F_GETFD) < 0 && errno == EBADF && open("/dev/null", O_RDWR) < 0)
			return; /* without /dev/null there is nothing better to do */
}

/* What a descriptor finally stores its bytes in: a device number for devices, device and inode for files. */
struct backing {
	bool is_device;
	dev_t dev;
	ino_t ino;
};

static bool backing_of(int fd, struct backing *b)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return false;
	b->is_device = S_ISBLK(st.st_mode) || S_ISCHR(st.st_mode);
	b->dev = b->is_device ? st.st_rdev : st.st_dev;
	b->ino = b->is_device ? 0 : st.st_ino;
	if (S_ISBLK(st.st_mode)) {
		struct loop_info64 info;

		if (ioctl(fd, LOOP_GET_STATUS64, &info) == 0) {
			b->is_device = false;
			b->dev = (dev_t)info.lo_device;
			b->ino = (ino_t)info.lo_inode;
		}
	}
	return true;
}

int fd_sync(int fd)
{
	int error = fsync(fd) < 0 ? errno : 0;
	struct stat st;

	if (error == EINVAL || error == ENOTSUP || error == ENOSYS)
		error = 0;
	if (error == EROFS && !fstat(fd, &st) && !S_ISREG(st.st_mode))
		error = 0;
	errno = error;
	return error ? -1 : 0;
}

bool fd_same_file(int a, int b)
{
	struct backing x, y;

	return backing_of(a, &x) && backing_of(b, &y) && x.is_device == y.is_device && x.dev == y.dev &&
	       x.ino == y.ino;
}
