/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is odd about /proc/kcore, and about copies of it: ranges without physical addresses, or none with any. */
#include "input/kcore.h"

#include "format/elf_core.h"

/*
 * x86_64 with four levels of page tables, the only form before 4.14: the direct map is the lowest part of the kernel's
 * half and begins at a multiple of 1 GiB, also where it is randomized; the huge range for vmalloc comes next.
 */
#define X86_64_DIRECT_MAP_MIN UINT64_C(0xffff880000000000)
#define X86_64_DIRECT_MAP_MAX UINT64_C(0xffffc80000000000)
#define X86_64_DIRECT_MAP_ALIGN (UINT64_C(1) << 30)
#define X86_64_VMALLOC_LEN (UINT64_C(1) << 44)

/* More than one range, and every one at physical address 0: these are no addresses. */
static bool addresses_left_out(const struct mem_segment *segments, size_t n)
{
	size_t ranges = 0;

	for (size_t i = 0; i < n; i++) {
		if (segments[i].paddr)
			return false;
		ranges += segments[i].memsz && segments[i].vaddr;
	}
	return ranges > 1;
}

bool kcore_segments(const struct mem_segment *segments, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (segments[i].paddr == PADDR_NONE)
			return true;
	return addresses_left_out(segments, n);
}

void kcore_place_segments(struct mem_segment *segments, size_t n, unsigned machine)
{
	vaddr_t lowest = UINT64_MAX, end = X86_64_DIRECT_MAP_MAX, base;

	if (!addresses_left_out(segments, n))
		return;
	for (size_t i = 0; i < n; i++)
		if (segments[i].memsz >= X86_64_VMALLOC_LEN && segments[i].vaddr >= X86_64_DIRECT_MAP_MIN)
			end = segments[i].vaddr < end ? segments[i].vaddr : end;
	for (size_t i = 0; i < n; i++)
		if (segments[i].vaddr >= X86_64_DIRECT_MAP_MIN && segments[i].vaddr < lowest)
			lowest = segments[i].vaddr;
	base = lowest & -X86_64_DIRECT_MAP_ALIGN;
	for (size_t i = 0; i < n; i++) {
		struct mem_segment *s = &segments[i];

		s->paddr = machine == ELF_EM_X86_64 && s->vaddr >= base && s->vaddr < end ? s->vaddr - base : PADDR_NONE;
	}
}
