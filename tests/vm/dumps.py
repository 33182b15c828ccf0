# SPDX-License-Identifier: GPL-2.0-or-later
"""The readers of tests/gen, and what the scripts here ask of them."""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), os.pardir, "gen"))

import checkelf  # noqa: E402,F401
from elfreader import ALL_ONES, ElfCore, FormatError  # noqa: E402,F401
from readkdump import KdumpFile, check_pages  # noqa: E402,F401

PAGE = 4096


def as_flags(runs, total):
    """One byte a page frame from runs of (start, end)."""
    flags = bytearray(total)
    for start, end in runs:
        flags[start:end] = b"\1" * (min(end, total) - start)
    return flags


def core_pages(core):
    """One byte a page frame: is any of it in a segment of the vmcore?"""
    runs = [(paddr // PAGE, -(-(paddr + memsz) // PAGE)) for paddr, _, _, _, memsz in core.loads
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


class Page_options:
    """What check_pages of tests/gen wants to know."""

    def __init__(self, incomplete=False):
        self.incomplete = incomplete
