#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""oracle_vmemmap.py VMCORE VMLINUX PLAIN SMALL: as unused_vmemmap.py of tests/gen, but by drgn's page tables."""

import sys

import drgn
from drgn.helpers.linux.mm import follow_phys

from dumps import PAGE, KdumpFile, as_flags
from unused_vmemmap import judge, pages_of

SECTION = 1 << 15


def main():
    vmcore, vmlinux, plain, small = sys.argv[1:]
    plain, small = KdumpFile(plain), KdumpFile(small)
    prog = drgn.Program()
    prog.set_core_dump(vmcore)
    prog.load_debug_info([vmlinux])
    present = as_flags(plain.bitmap(1), plain.sub["max_mapnr_64"])
    size = drgn.sizeof(prog.type("struct page"))
    base = prog["vmemmap_base"].value_()
    places = {}
    for first in range(0, len(present), SECTION):
        if not any(present[first:first + SECTION]):
            continue
        for vaddr in range(base + first * size, base + (first + SECTION) * size, PAGE):
            try:
                frame = follow_phys(prog["init_mm"].address_of_(), vaddr).value_() // PAGE
            except drgn.FaultError:
                continue
            places.setdefault(frame, []).append(pages_of(vaddr, base, size))
    sys.exit(not judge(plain, small, places))


if __name__ == "__main__":
    main()
