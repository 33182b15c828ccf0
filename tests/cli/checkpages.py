#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Compares a kdump-compressed dump of level 0 or 1 with the ELF core that it was made of, of any word size and byte
order: checkpages.py DUMP CORE [LAYOUT [FIRST [PAGE_BYTES]]]

LAYOUT is "64 little", "32 big", ... and for 32 bits where the notes begin in the sub header's block: "32 big 96". FIRST is
the page frame that is number 0 in the dump.
"""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "gen"))

from checkelf import Elf  # noqa: E402
from elfreader import parse_notes  # noqa: E402
from kdumpfile import KdumpFile  # noqa: E402

USUAL_PAGE = 4096


def main():
    size = int(sys.argv[5]) if len(sys.argv) > 5 else USUAL_PAGE
    dump, core = KdumpFile(sys.argv[1]), Elf(sys.argv[2], size)
    layout = sys.argv[3].split() if len(sys.argv) > 3 else []
    base = int(sys.argv[4], 0) if len(sys.argv) > 4 else 0
    problems = []
    found = [str(dump.bits), "little" if dump.order == "<" else "big", str(dump.sub["offset_note"] - size)]
    if found[:len(layout)] != layout:
        problems.append(f"layout {found}, wanted {layout}")
    if dump.header["block_size"] != size:
        problems.append(f"pages of {dump.header['block_size']} bytes")
    memory = core.pages()
    if dump.max_mapnr != max(memory) + 1 - base:
        problems.append(f"max_mapnr {dump.max_mapnr:#x}")
    if dump.notes() != parse_notes(bytes(core.notes), core.order):
        problems.append("notes differ")
    if dump.header["nr_cpus"] != 1:
        problems.append(f"{dump.header['nr_cpus']} CPUs")
    present = {pfn for paddr, _, _, _, memsz, _ in core.loads for pfn in range(paddr // size, -(-(paddr + memsz) // size))}
    for number, wanted in (1, present), (2, set(memory)):
        bits = {pfn + base for start, end in dump.bitmap(number) for pfn in range(start, end)}
        if bits != wanted:
            problems.append(f"bitmap {number} has other pages")
    for first, descriptors in dump.batches():
        for number, item in enumerate(descriptors):
            if dump.page(*item) != memory[first + number + base]:
                problems.append(f"page {first + number + base:#x} differs")
    for problem in problems[:10]:
        print(problem)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
