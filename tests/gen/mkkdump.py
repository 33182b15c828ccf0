#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Makes kdump-compressed files of every version, word size, byte order and writer's habit from an ELF dump."""

import argparse
import os
import struct
import sys

import codecs_kdump
from elfreader import ElfCore, FormatError
from kdumpfile import MAIN_32, MAIN_64, SUB_32_PACKED, SUB_32_PADDED, SUB_64, UTSNAME

USUAL_PAGE, EM_ARM = 4096, 40
NO_ADDRESS = (1 << 64) - 1
IMAGE = 0xffffffff80000000
# bytes of a sub header at versions 1 to 6
SUB_LENGTH = {"64": (16, 32, 48, 64, 80, 104), "padded": (8, 20, 40, 56, 72, 96), "packed": (8, 20, 32, 44, 56, 80)}
METHODS = {"raw": 0, "zlib": 1, "lzo": 2, "snappy": 4, "zstd": 0x20}


def pfns(text):
    """FIRST-END,PFN,..."""
    found = set()
    for part in text.split(",") if text else ():
        first, sign, end = part.partition("-")
        found.update(range(int(first, 0), int(end, 0)) if sign else [int(first, 0)])
    return found


def notes_blob(core, order):
    blob, text_at = b"", None
    for name, kind, desc in core.notes:
        name += b"\0"
        blob += struct.pack(order + "III", len(name), len(desc), kind) + name + bytes(-len(name) % 4)
        if name == b"VMCOREINFO\0":
            text_at = len(blob)
        blob += desc + bytes(-len(desc) % 4)
    return blob, text_at


class Writer:
    def __init__(self, options, core):
        self.options, self.core = options, core
        self.page = self._page_size()
        self.order = ">" if options.big else "<"
        self.layout = "64" if options.bits == 64 else "packed" if options.packed else "padded"
        self.main = MAIN_64 if options.bits == 64 else MAIN_32
        self.sub = {"64": SUB_64, "padded": SUB_32_PADDED, "packed": SUB_32_PACKED}[self.layout]
        # bit 0 of bitmaps is the first page of RAM on arm
        ram = [load[0] for load in core.loads if load[4] and load[0] != NO_ADDRESS]
        self.first = min(ram) // self.page if core.machine == EM_ARM else 0
        self.present = self._present()
        last = max(self.present) + 1
        self.max_mapnr = options.max_mapnr or last
        self.dropped = pfns(options.drop)
        self.missing = pfns(options.missing)
        self.kept = [pfn for pfn in self.present if pfn not in self.dropped]

    def _page_size(self):
        for line in (self.core.vmcoreinfo() or "").splitlines():
            if line.startswith("PAGESIZE="):
                return int(line[9:])
        return USUAL_PAGE

    def _present(self):
        found = set()
        for paddr, _, _, _, memsz in self.core.loads:
            if paddr != NO_ADDRESS and memsz:
                found.update(range(paddr // self.page - self.first, -(-(paddr + memsz) // self.page) - self.first))
        return sorted(found)

    def _phys_base(self):
        if self.options.phys_base is not None:
            return self.options.phys_base
        for paddr, vaddr, _, _, _ in self.core.loads:
            if vaddr >= IMAGE:
                return paddr - (vaddr - IMAGE)
        return 0

    def _nr_cpus(self):
        if self.options.nr_cpus is not None:
            return self.options.nr_cpus
        return sum(name == b"CORE" and kind == 1 for name, kind, _ in self.core.notes)

    def _put(self, data, where, value):
        offset, letter = where
        bits = 8 * struct.calcsize(letter)
        value &= (1 << bits) - 1
        if letter.islower() and value >> (bits - 1):
            value -= 1 << bits
        struct.pack_into(self.order + letter, data, offset, value)

    def _bitmap(self, numbers, length):
        bits = bytearray(length)
        for pfn in numbers:
            bits[pfn // 8] |= 1 << pfn % 8
        return bytes(bits)

    def build(self, start=None, end=None):
        """The file as bytes; with start and end a part of a split dump."""
        options, version = self.options, self.options.version
        sub_length = SUB_LENGTH[self.layout][version - 1]
        blob, text_at = (b"", None) if options.no_notes else notes_blob(self.core, self.order)
        text = (self.core.vmcoreinfo() or "").encode("ascii")
        sub = {"phys_base": self._phys_base(), "dump_level": options.level}
        behind = b""
        if version >= 4 and blob:
            behind = blob
            sub.update(offset_note=self.page + sub_length, size_note=len(blob))
            if text_at is not None:
                sub.update(offset_vmcoreinfo=self.page + sub_length + text_at, size_vmcoreinfo=len(text))
        elif version == 3 and text and not options.no_notes:
            behind = text
            sub.update(offset_vmcoreinfo=self.page + sub_length, size_vmcoreinfo=len(text))
        if start is not None:
            sub.update(split=1, start_pfn=start, end_pfn=end, start_pfn_64=start, end_pfn_64=end)
        sub["max_mapnr_64"] = self.max_mapnr
        sub_blocks = -(-(sub_length + len(behind)) // self.page)
        one = -(-self.max_mapnr // (8 * self.page))
        bitmap_blocks = one if options.one_bitmap else 2 * one
        table_at = self.page * (1 + sub_blocks + bitmap_blocks)
        data_at = table_at + 24 * len(self.kept)
        descriptors, data = self._pages(start, end, data_at)
        if options.eraseinfo and version >= 5:
            sub.update(offset_eraseinfo=data_at + len(data), size_eraseinfo=len(options.eraseinfo))
        main = bytearray(self.page)
        main[:8] = b"KDUMP   "
        for number, name in enumerate(UTSNAME):
            value = {"machine": options.machine, "release": options.release}.get(name, "").encode()
            main[12 + 65 * number:12 + 65 * number + len(value)] = value
        status = METHODS[options.codec] if options.codec != "mix" else 1
        status |= 8 * options.incomplete | 0x10 * options.vmemmap
        for name, value in {"header_version": version, "tv_sec": options.timestamp, "status": status,
                            "block_size": self.page, "sub_hdr_size": sub_blocks, "bitmap_blocks": bitmap_blocks,
                            "max_mapnr": min(self.max_mapnr, 0xffffffff), "nr_cpus": self._nr_cpus()}.items():
            self._put(main, self.main[name], value)
        head = bytearray(sub_blocks * self.page)
        head[sub_length:sub_length + len(behind)] = behind
        for name, value in sub.items():
            since, offset, letter = self.sub[name]
            if version >= since:
                self._put(head, (offset, letter), value)
        bitmaps = b"" if options.one_bitmap else self._bitmap(self.present, one * self.page)
        bitmaps += self._bitmap(self.kept, one * self.page)
        result = bytes(main) + bytes(head) + bitmaps + descriptors.ljust(24 * len(self.kept), b"\0") + data
        return result + (options.eraseinfo.encode() if options.eraseinfo and version >= 5 else b"")

    def _pages(self, start, end, data_at):
        descriptors, data = [], []
        at = data_at
        if self.options.level & 1:
            data.append(bytes(self.page))
            at += self.page
        methods = [value for name, value in METHODS.items() if self.options.codec in ("mix", name)]
        for pfn in self.kept:
            if start is not None and not start <= pfn < end:
                continue
            if pfn in self.missing:
                descriptors.append(bytes(24))
                continue
            page = self.core.read((self.first + pfn) * self.page, self.page)
            if self.options.level & 1 and page.count(0) == len(page):
                descriptors.append(struct.pack(self.order + "QIIQ", data_at, self.page, 0, 0))
                continue
            method = methods[pfn % len(methods)]
            packed = codecs_kdump.compress(method, page) if method else page
            if len(packed) >= self.page:
                method, packed = 0, page
            descriptors.append(struct.pack(self.order + "QIIQ", at, len(packed), method, 0))
            data.append(packed)
            at += len(packed)
        return b"".join(descriptors), b"".join(data)


def main():
    def number(text):
        return int(text, 0)
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("core", help="ELF dump to take pages and notes from")
    parser.add_argument("-o", "--output", required=True, help="file; with --split this name and .1, .2, ...")
    parser.add_argument("--version", type=int, default=6)
    parser.add_argument("--bits", type=int, default=64)
    parser.add_argument("--big", action="store_true")
    parser.add_argument("--packed", action="store_true", help="sub header as i386 has it")
    parser.add_argument("--codec", choices=list(METHODS) + ["mix"], default="zlib")
    parser.add_argument("--level", type=number, default=1)
    parser.add_argument("--machine", default="x86_64")
    parser.add_argument("--release", default="")
    parser.add_argument("--timestamp", type=number, default=0)
    parser.add_argument("--phys-base", type=number, help="default: as the segments say")
    parser.add_argument("--max-mapnr", type=number)
    parser.add_argument("--nr-cpus", type=number, help="default: as many as have notes")
    parser.add_argument("--drop", default="", metavar="PFNS", help="left out: no bit in bitmap 2")
    parser.add_argument("--missing", default="", metavar="PFNS", help="their descriptors are empty")
    parser.add_argument("--incomplete", action="store_true")
    parser.add_argument("--vmemmap", action="store_true")
    parser.add_argument("--no-notes", action="store_true")
    parser.add_argument("--one-bitmap", action="store_true")
    parser.add_argument("--eraseinfo", default="")
    parser.add_argument("--split", default="", metavar="PFN,PFN,...", help="cut there")
    options = parser.parse_args()
    try:
        writer = Writer(options, ElfCore(options.core))
        cuts = [number(text) for text in options.split.split(",")] if options.split else []
        if not cuts:
            with open(options.output, "wb") as file:
                file.write(writer.build())
            return 0
        cuts = [0] + cuts + [writer.max_mapnr]
        for part, (start, end) in enumerate(zip(cuts, cuts[1:]), 1):
            with open(f"{options.output}.{part}", "wb") as file:
                file.write(writer.build(start, end))
    except (OSError, FormatError, codecs_kdump.CodecError) as problem:
        print(f"{os.path.basename(sys.argv[0])}: {problem}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
