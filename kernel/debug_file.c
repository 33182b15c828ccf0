/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The separate file that holds what was stripped from another one. */
#include "kernel/debug_file.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "base/bytes.h"
#include "base/fdio.h"
#include "makedumpfile.h"
#include "print_info.h"

#define CRC_PIECE ((size_t)64 << 10)

uint32_t debug_link_crc(uint32_t crc, const uint8_t *data, size_t len)
{
	/* of all values of half a byte: small, and fast enough for a file that is read once */
	static const uint32_t table[16] = {
		0x00000000, 0x1db71064, 0x3b6e20c8, 0x26d930ac, 0x76dc4190, 0x6b6b51f4, 0x4db26158, 0x5005713c,
		0xedb88320, 0xf00f9344, 0xd6d6a3e8, 0xcb61b38c, 0x9b64c2b0, 0x86d3d2d4, 0xa00ae278, 0xbdbdf21c,
	};

	crc = ~crc;
	for (size_t i = 0; i < len; i++) {
		crc ^= data[i];
		crc = crc >> 4 ^ table[crc & 15];
		crc = crc >> 4 ^ table[crc & 15];
	}
	return ~crc;
}

static bool has_crc(const struct elf_file *f, uint32_t wanted)
{
	AUTO_FREE uint8_t *piece = malloc(CRC_PIECE);
	uint32_t crc = 0;
	int sys_errno;
	off_t at = 0;
	size_t n;

	while (piece && (n = fd_pread(f->fd, at, piece, CRC_PIECE, &sys_errno))) {
		crc = debug_link_crc(crc, piece, n);
		at += (off_t)n;
	}
	return piece && !sys_errno && crc == wanted;
}

/* Opens a candidate and compares what identifies it; `crc` may be NULL: nothing but the build id will do. */
static struct elf_file *try_file(const struct elf_file *f, const char *path, const uint32_t *crc)
{
	AUTO(elf_file) *candidate = NULL;
	struct elf_file *found;
	struct err e;

	if (elf_file_open(&candidate, path, &e))
		return NULL;
	if (f->build_id_len && candidate->build_id_len) {
		if (f->build_id_len != candidate->build_id_len ||
		    memcmp(f->build_id, candidate->build_id, f->build_id_len))
			return NULL;
	} else if (!crc || !has_crc(candidate, *crc)) {
		return NULL;
	}
	message(MSG_DEBUG, "debug file   : %s\n", path);
	found = candidate;
	candidate = NULL;
	return found;
}

static struct elf_file *find_by_build_id(const struct elf_file *f, const char *root)
{
	char path[PATH_MAX], digits[2 * BUILD_ID_MAX + 1];

	if (f->build_id_len < 2)
		return NULL;
	for (size_t i = 0; i < f->build_id_len; i++)
		snprintf(digits + 2 * i, 3, "%02x", f->build_id[i]);
	snprintf(path, sizeof(path), "%s/.build-id/%.2s/%s.debug", root, digits, digits + 2);
	return try_file(f, path, NULL);
}

struct elf_file *debug_file_find(const struct elf_file *f, const char *path, const char *root)
{
	struct elf_file *found = find_by_build_id(f, root);
	const uint8_t *link;
	char folder[PATH_MAX], candidate[3 * PATH_MAX];
	size_t len, name_len;
	const char *slash;
	uint32_t crc;

	/* a name, its NUL, padding to 4, the checksum */
	if (found || !elf_file_section(f, ".gnu_debuglink", &link, &len))
		return found;
	name_len = strnlen((const char *)link, len);
	if (!name_len || name_len >= NAME_MAX || round_up_u64(name_len + 1, 4) + 4 > len || memchr(link, '/', name_len))
		return NULL;
	crc = get_u32(link + round_up_u64(name_len + 1, 4), f->big_endian);
	slash = strrchr(path, '/');
	snprintf(folder, sizeof(folder), "%.*s", slash ? (int)(slash - path) + 1 : 2, slash ? path : "./");
	for (unsigned i = 0; i < 3 && !found; i++) {
		char real[PATH_MAX];

		if (i < 2)
			snprintf(candidate, sizeof(candidate), "%s%s%s", folder, i ? ".debug/" : "",
				 (const char *)link);
		else if (realpath(folder, real))
			snprintf(candidate, sizeof(candidate), "%s%s/%s", root, real, (const char *)link);
		else
			break;
		found = try_file(f, candidate, &crc);
	}
	return found;
}
