/* SPDX-License-Identifier: GPL-2.0-or-later */
/* File descriptors: whole reads and writes that survive signals and short counts. */
#ifndef BASE_FDIO_H
#define BASE_FDIO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"

/*
 * Reads up to `len` bytes at `pos`; stops early only at the end of the file or at an error.  Returns
 * the number of bytes read; *sys_errno is 0 or the errno that stopped it.
 */
size_t fd_pread(int fd, off_t pos, void *buf, size_t len, int *sys_errno);

/* Writes all of `len` bytes at `pos`; *written (may be NULL) says how many arrived when it fails. */
enum status fd_pwrite_all(int fd, off_t pos, const void *buf, size_t len, size_t *written, struct err *e) MUST_CHECK;

/*
 * Tells the kernel that the file is read back by pieces, each of which is wanted whole and once.  What it would read
 * ahead is memory that cannot be had back before the disk has answered, and with little memory that is too late.
 */
void fd_no_read_ahead(int fd);

/*
 * fsync().  What has nothing to sync, as pipes, terminals, some devices and file systems, says so by an error that is none
 * here; but a regular file whose file system was made read-only meanwhile is not safe: ext4 does so after errors, and then
 * answers EROFS without writing anything.  0, or -1 with errno.
 */
int fd_sync(int fd) MUST_CHECK;

/* Opens /dev/null on each of 0, 1, 2 that is closed, so that no file of ours gets these numbers. */
void fd_fill_standard(void);

/* True if both descriptors are the same file: same inode, same device node, or a loop device and its file. */
bool fd_same_file(int a, int b);

#endif
