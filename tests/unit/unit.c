/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Files without names, numbers that look random, captured output. */
#include "unit.h"

#include <malloc.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

int file_of(const void *bytes, size_t len, char path[32])
{
	int fd = memfd_create("unit", MFD_CLOEXEC);

	assert_true(fd >= 0);
	for (size_t done = 0; done < len;) {
		ssize_t n = pwrite(fd, (const char *)bytes + done, len - done, (off_t)done);

		assert_true(n > 0);
		done += (size_t)n;
	}
	if (path)
		snprintf(path, 32, "/proc/self/fd/%d", fd);
	return fd;
}

size_t memory_in_use(void)
{
	struct mallinfo2 m = mallinfo2();

	return m.uordblks + m.hblkhd;
}

/* splitmix64 */
uint64_t random_next(uint64_t *seed)
{
	uint64_t z = *seed += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

void capture_start(struct capture *c, int fd)
{
	fflush(NULL);
	c->fd = fd;
	c->saved = dup(fd);
	c->file = memfd_create("captured", MFD_CLOEXEC);
	assert_true(c->saved >= 0 && c->file >= 0);
	assert_int_equal(dup2(c->file, fd), fd);
}

char *captured(struct capture *c)
{
	struct stat st;
	char *text;

	fflush(NULL);
	dup2(c->saved, c->fd);
	close(c->saved);
	assert_int_equal(fstat(c->file, &st), 0);
	text = calloc(1, (size_t)st.st_size + 1);
	assert_non_null(text);
	assert_int_equal(pread(c->file, text, (size_t)st.st_size, 0), st.st_size);
	close(c->file);
	return text;
}
