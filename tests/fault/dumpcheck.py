# SPDX-License-Identifier: GPL-2.0-or-later
"""What is left of a dump that something stopped, against the whole one: is it marked, is every page it claims right?"""

import os
import struct

SIGNATURE = b"KDUMP   "
INCOMPLETE = 8
STATUS_AT = 424                         # of a 64-bit dump
DESCRIPTOR = 24
IMPOSSIBLE = 0xffffffff                 # as a size
PT_LOAD, FLAGS_AT, PAGE = 1, 48, 4096


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


    def check(self, path):
        return check_kdump(path, self)


class WholeElf:
    """A dump in ELF format is compared with the memory that it is about: one segment of the input, from 0 on."""

    def __init__(self, vmcore):
        with open(vmcore, "rb") as f:
            data = f.read()
        _, _, _, offset, filesz, _, _ = next(p for p in program_headers(data) if p[0] == PT_LOAD)
        self.memory = data[offset:offset + filesz]

    def check(self, path):
        """(is there a dump, is it marked, pages that can be read); raises Wrong."""
        with open(path, "rb") as f:
            data = f.read()
        headers = list(program_headers(data))
        if not headers:
            return False, False, 0                  # claims nothing
        if not struct.unpack_from("<I", data, FLAGS_AT)[0] & 1:
            raise Wrong("the mark is missing")
        pages = 0
        for kind, _, paddr, offset, filesz, memsz, _ in headers:
            if kind != PT_LOAD:
                continue
            if offset + filesz > len(data):
                raise Wrong(f"memory at {paddr:#x} is claimed behind the end of the file")
            if paddr + memsz > len(self.memory):
                raise Wrong(f"there was no memory at {paddr:#x}")
            if data[offset:offset + filesz] + bytes(memsz - filesz) != self.memory[paddr:paddr + memsz]:
                raise Wrong(f"memory at {paddr:#x} is not what it was")
            pages += memsz // PAGE
        return True, True, pages


def program_headers(data):
    """(type, flags, paddr, offset, filesz, memsz, vaddr) of a 64-bit little-endian file, as far as there are any."""
    if len(data) < 64 or data[:4] != b"\x7fELF":
        return
    phoff, = struct.unpack_from("<Q", data, 32)
    size, number = struct.unpack_from("<HH", data, 54)
    for at in range(phoff, phoff + size * number, size or 1):
        if at + size > len(data):
            raise Wrong("program headers are cut")
        kind, flags, offset, vaddr, paddr, filesz, memsz, _ = struct.unpack_from("<IIQQQQQQ", data, at)
        yield kind, flags, paddr, offset, filesz, memsz, vaddr


class Wrong(Exception):
    pass


def check_kdump(path, whole):
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
        # one that lies in two blocks of 4 KiB may have an impossible size, which readers refuse
        if not offset and not length or length == IMPOSSIBLE and rank % 512 == 341:
            continue                            # missing
        if offset + length > size:
            raise Wrong(f"page {pfn:#x} is claimed behind the end of the file")
        if pfn not in whole.pages or whole.pages[pfn] != (length, flags, data[offset:offset + length]):
            raise Wrong(f"page {pfn:#x} is not what it was")
        readable += 1
    return True, True, readable
