/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Preloaded: lets writing fail, or the program die, when it has written so many bytes; or a call that ends a file. */
#include <dlfcn.h>
#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/*
 * FAULT is "eio N", "kill N", "term N": at the N-th byte; "fsync N", "close N": the N-th such call; "lost N": what is
 * written behind offset N of a file never gets to the disk, which is told when that is waited for.  FAULT_COUNT names
 * a file that gets the numbers of bytes and calls when the program ends.  What counts is what goes to files that were
 * opened by the program, or are copies of its standard output.
 */
#define BLOCK 4096

static _Atomic long long bytes, syncs, closes;
static _Atomic int is_lost;
static char kind[8];
static long long when = -1;

ssize_t write(int fd, const void *buf, size_t len);
ssize_t pwrite(int fd, const void *buf, size_t len, off_t pos);
ssize_t pwrite64(int fd, const void *buf, size_t len, off64_t pos);
int fsync(int fd);
int sync_file_range(int fd, off64_t pos, off64_t len, unsigned flags);
int close(int fd);

__attribute__((constructor)) static void begin(void)
{
	const char *fault = getenv("FAULT");

	if (fault)
		sscanf(fault, "%7s %lld", kind, &when);
}

__attribute__((destructor)) static void end(void)
{
	const char *path = getenv("FAULT_COUNT");
	FILE *f = path ? fopen(path, "w") : NULL;

	if (f) {
		fprintf(f, "%lld %lld %lld\n", (long long)bytes, (long long)syncs, (long long)closes);
		fclose(f);
	}
}

static int is_output(int fd)
{
	struct stat64 st;
	int saved = errno, flags = fd > 2 ? (int)syscall(SYS_fcntl, fd, 3 /* F_GETFL */) : -1;
	int yes = flags >= 0 && (flags & 3) && !fstat64(fd, &st) && (S_ISREG(st.st_mode) || S_ISFIFO(st.st_mode));

	errno = saved;
	return yes;
}

/* How many of `len` bytes may still be written; -1: none, errno is set. */
static ssize_t allowed(size_t len)
{
	long long before;

	if (when < 0 || (strcmp(kind, "eio") && strcmp(kind, "kill") && strcmp(kind, "term"))) {
		bytes += (long long)len;
		return (ssize_t)len;
	}
	before = atomic_fetch_add(&bytes, (long long)len);
	if (before + (long long)len < when)
		return (ssize_t)len;
	return before < when ? (ssize_t)(when - before) : -1;
}

static void strike(void)
{
	if (!strcmp(kind, "kill"))
		kill(getpid(), SIGKILL);
	if (!strcmp(kind, "term"))
		kill(getpid(), SIGTERM);
	errno = EIO;
}

/* What was allowed is written; then the program dies, or learns of the error with its next call. */
static ssize_t after(ssize_t n, size_t len)
{
	int saved = errno;

	if (n >= 0 && (size_t)n < len && strcmp(kind, "eio"))
		strike();
	errno = saved;
	return n;
}

/* How many of `len` bytes at `pos` get to the disk: whole blocks.  For the rest the file only becomes longer. */
static size_t kept(int fd, size_t len, off64_t pos)
{
	off64_t end = when / BLOCK * BLOCK;
	struct stat64 st;

	if (strcmp(kind, "lost") || pos + (off64_t)len <= end || fstat64(fd, &st) || !S_ISREG(st.st_mode))
		return len;
	is_lost = 1;
	if (st.st_size < pos + (off64_t)len && ftruncate64(fd, pos + (off64_t)len))
		abort();
	return pos < end ? (size_t)(end - pos) : 0;
}

/* Told once, as the kernel does. */
static int tell_lost(void)
{
	int was_lost = is_lost;

	is_lost = 0;
	errno = EIO;
	return was_lost ? -1 : 0;
}

ssize_t write(int fd, const void *buf, size_t len)
{
	if (!strcmp(kind, "lost") && is_output(fd)) {
		off64_t pos = lseek64(fd, 0, SEEK_CUR);

		syscall(SYS_write, fd, buf, kept(fd, len, pos));
		lseek64(fd, pos + (off64_t)len, SEEK_SET);
		bytes += (long long)len;
		return (ssize_t)len;
	}
	ssize_t n = is_output(fd) ? allowed(len) : (ssize_t)len;

	if (n < 0) {
		strike();
		return -1;
	}
	return after(syscall(SYS_write, fd, buf, (size_t)n), len);
}

/* The call itself: how 64-bit numbers are handed to the kernel is for the C library to know. */
static ssize_t real_pwrite(int fd, const void *buf, size_t len, off64_t pos)
{
	static ssize_t (*call)(int, const void *, size_t, off64_t);

	if (!call)
		*(void **)&call = dlsym(RTLD_NEXT, "pwrite64");
	return call(fd, buf, len, pos);
}

/* File systems take whole blocks, or nothing of them. */
ssize_t pwrite64(int fd, const void *buf, size_t len, off64_t pos)
{
	if (!strcmp(kind, "lost") && is_output(fd)) {
		if (real_pwrite(fd, buf, kept(fd, len, pos), pos) < 0)
			return -1;
		bytes += (long long)len;
		return (ssize_t)len;
	}
	ssize_t n = is_output(fd) ? allowed(len) : (ssize_t)len;

	if (n >= 0 && (size_t)n < len)
		n = (pos + n) / BLOCK * BLOCK > pos ? (ssize_t)((pos + n) / BLOCK * BLOCK - pos) : -1;
	if (n < 0) {
		strike();
		return -1;
	}
	return after(real_pwrite(fd, buf, (size_t)n, pos), len);
}

ssize_t pwrite(int fd, const void *buf, size_t len, off_t pos)
{
	return pwrite64(fd, buf, len, pos);
}

int fsync(int fd)
{
	if (is_output(fd) && ++syncs == when && !strcmp(kind, "fsync")) {
		errno = EIO;
		return -1;
	}
	return tell_lost() ? -1 : (int)syscall(SYS_fsync, fd);
}

int sync_file_range(int fd, off64_t pos, off64_t len, unsigned flags)
{
	static int (*call)(int, off64_t, off64_t, unsigned);

	if (!call)
		*(void **)&call = dlsym(RTLD_NEXT, "sync_file_range");
	if (flags & 4 /* SYNC_FILE_RANGE_WAIT_AFTER */ && tell_lost())
		return -1;
	return call(fd, pos, len, flags);
}

int close(int fd)
{
	int fails = is_output(fd) && ++closes == when && !strcmp(kind, "close");
	int result = (int)syscall(SYS_close, fd);

	if (!fails)
		return result;
	errno = EIO;
	return -1;
}
