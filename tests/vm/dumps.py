# SPDX-License-Identifier: GPL-2.0-or-later
"""The readers of tests/gen, and what the scripts here ask of them."""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), os.pardir, "gen"))

import checkelf  # noqa: E402,F401
import codecs_kdump  # noqa: E402
from cores import ALL_ONES, ElfCore  # noqa: E402,F401
from elfreader import FormatError  # noqa: E402,F401
from readkdump import KdumpFile, check_pages  # noqa: E402,F401

PAGE = 4096


def as_flags(runs, total):
    """One byte a page frame from runs of (start, end)."""
    flags = bytearray(total)
    for start, end in runs:
        flags[start:end] = b"\1" * (min(end, total) - start)
    return flags


def core_pages(core, page=PAGE):
    """One byte a page frame: is any of it in a segment of the vmcore?"""
    runs = [(paddr // page, -(-(paddr + memsz) // page)) for paddr, _, _, _, memsz in core.loads
            if memsz and paddr != ALL_ONES]
    return as_flags(runs, max(end for _, end in runs))


def ranges(pfns, limit=8):
    """Sorted page frames as text, neighbours joined."""
    runs = []
    for pfn in pfns:
        if runs and runs[-1][1] + 1 == pfn:
            runs[-1][1] = pfn
        else:
            runs.append([pfn, pfn])
    text = ["%#x" % a if a == b else "%#x-%#x" % (a, b) for a, b in runs]
    return " ".join(text[:limit]) + (" ... in %d ranges" % len(text) if len(text) > limit else "")


def frames(dump):
    """How many page frames a dump knows. In 32-bit files without VMCOREINFO, the peer's, nobody can tell which of two sub
    headers it is that has the number, too."""
    return dump.header["max_mapnr"] if dump.bits == 32 else dump.max_mapnr


def dump_pages(dump, number, first=0):
    """One byte a page frame of bitmap 1 or 2. FIRST: the page frame that the first bit is for."""
    return as_flags(((start + first, end + first) for start, end in dump.bitmap(number)), frames(dump) + first)


def wrong_pages(dump, core, level, first=0):
    """Page frames whose bytes are not those of the vmcore, and how many pages were zero and compressed. Every page that
    has its bit is looked at, whatever its size is."""
    size = dump.block_size
    zero, wrong, zeros, compressed = bytes(size), [], 0, 0
    shared = (dump.descriptors_at + 24 * dump.present(), size, 0)
    for start, items in dump.batches():
        memory = core.read((start + first) * size, len(items) * size)
        for n, item in enumerate(items):
            want = memory[n * size:(n + 1) * size]
            is_zero = want == zero
            zeros += is_zero
            compressed += bool(item[2])
            try:
                good = dump.page(*item) == want and bool(item[2]) == (item[1] < size)
            except (codecs_kdump.CodecError, FormatError):
                good = False
            if not good or level & 1 and is_zero != (item == shared):
                wrong.append(start + n + first)
    return wrong, zeros, compressed


class Page_options:
    """What check_pages of tests/gen wants to know."""

    def __init__(self, incomplete=False):
        self.incomplete = incomplete
