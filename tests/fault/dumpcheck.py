# SPDX-License-Identifier: GPL-2.0-or-later
"""What is left of a dump that something stopped, against the whole one: is it marked, is every page it claims right?"""

import os
import struct

SIGNATURE = b"KDUMP   "
INCOMPLETE = 8
STATUS_AT = 424                         # of a 64-bit dump
DESCRIPTOR = 24


class Whole:
    """A dump that is complete: where its parts are, and the data of each page."""

    def __init__(self, path):
        with open(path, "rb") as f:
            self.data = f.read()
        self.block, sub, blocks = struct.unpack_from("<iiI", self.data, 428)
        self.split, self.start, self.end = struct.unpack_from("<i", self.data, self.block + 12)[0], 0, 1 << 60
        if self.split:
            self.start, self.end = struct.unpack_from("<QQ", self.data, self.block + 80)
        self.bitmap_at = self.block * (1 + sub) + blocks // 2 * self.block
        self.table_at = self.block * (1 + sub + blocks)
        self.pages = {}
        for rank, pfn in enumerate(self.pfns(self.data)):
            offset, size, flags = struct.unpack_from("<QII", self.data, self.table_at + rank * DESCRIPTOR)
            self.pages[pfn] = (size, flags, self.data[offset:offset + size])

    def pfns(self, data):
        """Page frames that a table of descriptors of this shape stands for."""
        bits = int.from_bytes(data[self.bitmap_at:self.table_at], "little")
        text = bin(bits)[:1:-1]
        at = text.find("1")
        while at >= 0:
            if self.start <= at < self.end:
                yield at
            at = text.find("1", at + 1)


class Wrong(Exception):
    pass


def check(path, whole):
    """(is there a dump, is it marked, pages that can be read); raises Wrong."""
    size = os.stat(path).st_size
    with open(path, "rb") as f:
        data = f.read()
    head = data[:464].ljust(464, b"\0")
    if head[:8] != SIGNATURE or not struct.unpack_from("<i", head, 428)[0]:
        return False, False, 0                  # claims nothing
    if not struct.unpack_from("<I", head, STATUS_AT)[0] & INCOMPLETE:
        raise Wrong("the mark is missing")
    readable = 0
    for rank, pfn in enumerate(whole.pfns(data)):
        at = whole.table_at + rank * DESCRIPTOR
        raw = data[at:at + DESCRIPTOR]
        offset, length, flags = struct.unpack_from("<QII", raw.ljust(DESCRIPTOR, b"\0"))
        if not offset:
            continue                            # missing
        if offset + length > size:
            raise Wrong(f"page {pfn:#x} is claimed behind the end of the file")
        if pfn not in whole.pages or whole.pages[pfn] != (length, flags, data[offset:offset + length]):
            raise Wrong(f"page {pfn:#x} is not what it was")
        readable += 1
    return True, True, readable
