#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""unused_vmemmap.py VMCORE PLAIN SMALL: SMALL was made with -e, PLAIN without. Each page that -e leaves out holds struct
pages only, wherever it is mapped, and all of these describe pages that were left out; no page of which this is true
stays. Prints one line of counts, and what is wrong."""

import sys

from elfreader import ElfCore
from kdumpfile import KdumpFile
from walker import KernelView, WalkError

PAGE, PAGES_PER_SECTION = 4096, 1 << 15
STATUS_VMEMMAP = 0x10


def as_flags(runs, total):
    flags = bytearray(total)
    for start, end in runs:
        flags[start:end] = b"\1" * (min(end, total) - start)
    return flags


def pages_of(vaddr, base, size):
    """The page frames that the struct pages in the page at vaddr describe."""
    return (vaddr - base) // size, -(-(vaddr - base + PAGE) // size)


def judge(plain, small, places):
    """places: page frame -> what its struct pages describe, one (first, end) for each place it is mapped at"""
    total = plain.sub["max_mapnr_64"]
    present, before = as_flags(plain.bitmap(1), total), as_flags(plain.bitmap(2), total)
    after = as_flags(small.bitmap(2), total)
    gone = [pfn for pfn in range(total) if before[pfn] and not after[pfn]]
    wrong = []

    def unused(first, end):
        return end <= total and all(present[first:end]) and not any(after[first:end])

    if not small.header["status"] & STATUS_VMEMMAP or plain.header["status"] & STATUS_VMEMMAP:
        wrong.append("the mark in the header is wrong")
    for pfn in range(total):
        if after[pfn] and not before[pfn]:
            wrong.append(f"{pfn:#x} is there only with -e")
    for pfn in gone:
        if pfn not in places:
            wrong.append(f"{pfn:#x} is no page of the vmemmap")
        elif not all(unused(*place) for place in places[pfn]):
            wrong.append(f"{pfn:#x} describes pages that are there")
    for pfn, where in places.items():
        if pfn < total and after[pfn] and all(unused(*place) for place in where):
            wrong.append(f"{pfn:#x} describes only pages that are left out, and stays")
    shared = {pfn for pfn, where in places.items() if len(where) > 1}
    print(f"vmemmap {len(places)} shared {len(shared)} gone {len(gone)} gone-shared {len(shared & set(gone))}")
    for text in wrong[:20]:
        print(text)
    return not wrong


def main():
    vmcore, plain, small = sys.argv[1:]
    core, plain, small = ElfCore(vmcore), KdumpFile(plain), KdumpFile(small)
    view = KernelView(core)
    size = view.info["SIZE(page)"]
    present = as_flags(plain.bitmap(1), plain.sub["max_mapnr_64"])
    places = {}
    for start, end, mem_map in view.chunks(len(present)):
        start -= start % PAGES_PER_SECTION
        if not any(present[start:end]):
            continue
        base = mem_map - start * size
        for vaddr in range(mem_map, base + end * size, PAGE):
            try:
                frame = view.translate(vaddr)[0] // PAGE
            except WalkError:
                continue
            places.setdefault(frame, []).append(pages_of(vaddr, base, size))
    sys.exit(not judge(plain, small, places))


if __name__ == "__main__":
    main()
