#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Judges a dump in ELF format by the vmcore it was made of: checkelf.py DUMP FILE.expect|- LEVEL VMCORE [PAGE_BYTES]
or one that is incomplete, made at a level that leaves out nothing but zeros: checkelf.py DUMP incomplete VMCORE

Goes over each segment of the vmcore page by page and says what the dump has to have of it, then compares. Reads ELF
of both classes and byte orders by itself. With - in place of an expectation all pages that the vmcore has are kept, but
those of zeros where the level says so.
"""

import mmap
import struct
import sys

import expectation

USUAL_PAGE, HOLE = 4096, 256
PT_LOAD, PT_NOTE = 1, 4
INCOMPLETE = 1
BAD = ("hwpoison", "offline", "unaccepted")


class Elf:
    def __init__(self, path, page_bytes=USUAL_PAGE):
        self.page_bytes = page_bytes
        with open(path, "rb") as file:
            self.data = mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ)
        data = self.data
        assert data[:4] == b"\x7fELF", "no ELF file"
        self.is64, self.order = data[4] == 2, "<" if data[5] == 1 else ">"
        if self.is64:
            fields = struct.unpack_from(self.order + "HHIQQQIHHHHHH", data, 16)
        else:
            fields = struct.unpack_from(self.order + "HHIIIIIHHHHHH", data, 16)
        (self.type, self.machine, _, _, self.phoff, self.shoff, self.flags, self.ehsize, self.phentsize, self.phnum,
         self.shentsize, self.shnum, _) = fields
        if self.phnum == 0xffff:
            self.phnum = struct.unpack_from(self.order + "I", data, self.shoff + (44 if self.is64 else 28))[0]
        self.ones = (1 << (64 if self.is64 else 32)) - 1
        self.loads, self.notes, self.kinds = [], b"", []
        self.headers = []  # all but where the bytes are in the file
        for number in range(self.phnum):
            at = self.phoff + number * self.phentsize
            if self.is64:
                kind, flags, offset, vaddr, paddr, filesz, memsz, _ = struct.unpack_from(
                    self.order + "IIQQQQQQ", data, at)
            else:
                kind, offset, vaddr, paddr, filesz, memsz, flags, _ = struct.unpack_from(
                    self.order + "IIIIIIII", data, at)
            self.kinds.append(kind)
            self.headers.append((kind, flags, paddr, vaddr, filesz, memsz))
            if kind == PT_LOAD:
                self.loads.append((paddr, vaddr, offset, filesz, memsz, flags))
            elif kind == PT_NOTE and filesz:
                self.notes += bytes(-len(self.notes) % 4) + data[offset:offset + filesz]

    def pages(self):
        """pfn -> page of memory, for every page of which there are bytes; the first segment counts."""
        result, partial, page_bytes = {}, {}, self.page_bytes
        for paddr, _, offset, filesz, _, _ in self.loads:
            if paddr == self.ones:
                continue
            for pfn in range(paddr // page_bytes, -(-(paddr + filesz) // page_bytes)):
                start, end = max(paddr, pfn * page_bytes), min(paddr + filesz, pfn * page_bytes + page_bytes)
                if pfn in result and pfn not in partial:
                    continue
                if pfn not in result and end - start == page_bytes:
                    result[pfn] = memoryview(self.data)[offset + start - paddr:offset + end - paddr]
                    continue
                page = result.setdefault(pfn, bytearray(page_bytes))
                have = partial.setdefault(pfn, set())
                for byte in range(start, end):
                    if byte % page_bytes not in have:
                        page[byte % page_bytes] = self.data[offset + byte - paddr]
                        have.add(byte % page_bytes)
        return result


def joined(core):
    """Segments as they were before an earlier run cut them."""
    result = []
    for paddr, vaddr, _, filesz, memsz, flags in core.loads:
        last = result[-1] if result else None
        if last and memsz and last[3] - last[2] >= HOLE * core.page_bytes and last[0] + last[3] == paddr \
                and last[1] + last[3] == vaddr and last[4] == flags and last[0] != core.ones:
            last[2], last[3] = last[3] + filesz, last[3] + memsz
        else:
            result.append([paddr, vaddr, filesz, memsz, flags])
    return result


def wanted(core, kept, bad, memory, max_mapnr):
    """(paddr, vaddr, filesz, memsz, flags, bytes) of each PT_LOAD that the dump has to have."""
    result, size = [], core.page_bytes
    for paddr, vaddr, _, memsz, flags in joined(core):
        if paddr == core.ones:
            continue
        fixed = vaddr == core.ones or (vaddr == 0 and paddr)

        def close(start, end, data, paddr=paddr, vaddr=vaddr, flags=flags, fixed=fixed):
            where = vaddr if fixed else vaddr + start - paddr & core.ones
            result.append((start, where, len(data), end - start, flags, bytes(data)))

        start, data, run, run_pages = paddr, bytearray(), bytearray(), 0
        at, end = paddr, paddr + memsz
        while at < end:
            pfn = at // size
            after = min(pfn * size + size, end)
            page = memory.get(pfn, bytes(size))[at % size:(after - 1) % size + 1]
            keep = pfn in kept
            if at % size:
                keep = pfn in memory and pfn not in bad and pfn < max_mapnr
            if not keep:
                run_pages += 1
                if run_pages < HOLE:
                    run += bytes(len(page)) if pfn in bad else page
            else:
                if run_pages >= HOLE:
                    close(start, at, data)
                    start, data = at, bytearray()
                else:
                    data += run
                data += page
                run, run_pages = bytearray(), 0
            at = after
        close(start, end, data)
    return result


def check(dump_path, expect_path, level, core_path, report, page_bytes=USUAL_PAGE):
    expected = None if expect_path == "-" else expectation.read(expect_path)
    size = expected.page_bytes if expected else page_bytes
    dump, core = Elf(dump_path, size), Elf(core_path, size)
    memory = core.pages()
    if not expected:
        kept, bad, max_mapnr = set(memory), set(), 1 << 64
        if level & 1:
            kept = {pfn for pfn in memory if memory[pfn] != bytes(size)}
    else:
        first = expected.first_pfn
        max_mapnr = expected.max_mapnr + first
        kept = {pfn + first for start, end in expected.bitmap2(level) for pfn in range(start, end)}
        if level & 1:
            kept -= {pfn + first for start, end in expected.zero(level) for pfn in range(start, end)}
        bad = {pfn + first for start, end, page_class, _ in expected.runs if page_class in BAD for pfn in range(start, end)}
    sizes = (64, 56) if dump.is64 else (52, 32)
    if (dump.is64, dump.order, dump.type, dump.machine) != (core.is64, core.order, 4, core.machine):
        report("class, byte order, type or machine differ")
    if dump.phoff != sizes[0] or (dump.ehsize, dump.phentsize) != sizes:
        report(f"phoff {dump.phoff}, ehsize {dump.ehsize}, phentsize {dump.phentsize}")
    if dump.phnum < 0xffff and (dump.shoff or dump.shnum or dump.shentsize):
        report("there is a section header")
    if dump.flags != core.flags:
        report(f"e_flags {dump.flags:#x}, of the vmcore {core.flags:#x}")
    if dump.kinds != [PT_NOTE] + [PT_LOAD] * len(dump.loads):
        report("program headers are not one PT_NOTE and PT_LOADs")
    if dump.notes != core.notes:
        report("the notes differ")
    found = dump.loads
    want = wanted(core, kept, bad, memory, max_mapnr)
    if len(found) != len(want):
        report(f"{len(found)} PT_LOADs, wanted are {len(want)}")
    for number, (have, right) in enumerate(zip(found, want)):
        paddr, vaddr, offset, filesz, memsz, flags = have
        if (paddr, vaddr, filesz, memsz, flags) != right[:5]:
            report(f"PT_LOAD {number}: {[hex(n) for n in (paddr, vaddr, filesz, memsz, flags)]}, wanted "
                   f"{[hex(n) for n in right[:5]]}")
        elif not offset or offset + filesz > len(dump.data):
            report(f"PT_LOAD {number}: at {offset:#x}+{filesz:#x} of {len(dump.data):#x}")
        elif dump.data[offset:offset + filesz] != right[5]:
            other = next(n for n in range(filesz) if dump.data[offset + n] != right[5][n])
            report(f"PT_LOAD {number}: byte of {paddr + other:#x} differs")


def incomplete(dump_path, core_path, report):
    """What is there must be true; what is not there must not look like zeros. Returns how many pages are there."""
    dump, core = Elf(dump_path), Elf(core_path)
    memory = core.pages()
    marked = INCOMPLETE & dump.flags if dump.machine != 243 else b"INCOMPLETE\0\0" in dump.notes
    if not marked:
        report("no mark")
    for paddr, _, offset, filesz, memsz, _ in dump.loads:
        if memsz and (not offset or offset + filesz > len(dump.data)):
            report(f"{paddr:#x}: at {offset:#x}+{filesz:#x} of {len(dump.data):#x}")
        for at in range(paddr - paddr % USUAL_PAGE, paddr + memsz, USUAL_PAGE):
            page = memory.get(at // USUAL_PAGE, bytes(USUAL_PAGE))
            start, end, last = max(at, paddr), min(at + USUAL_PAGE, paddr + filesz), min(at + USUAL_PAGE, paddr + memsz)
            data = dump.data[offset + start - paddr:offset + end - paddr] if end > start else b""
            if (data + bytes(last - start - len(data)) != page[start % USUAL_PAGE:start % USUAL_PAGE + last - start]):
                report(f"page {at:#x} is not what it was")
    return sum(-(-filesz // USUAL_PAGE) for _, _, _, filesz, _, _ in dump.loads)


def main():
    problems = []
    if sys.argv[2] == "incomplete":
        print(incomplete(sys.argv[1], sys.argv[3], problems.append))
        for problem in problems[:20]:
            print(problem)
        return 1 if problems else 0
    check(sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4], problems.append, *map(int, sys.argv[5:6]))
    for problem in problems[:20]:
        print(problem)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
