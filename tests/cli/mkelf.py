#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Makes small ELF cores without a kernel in them: sound ones and damaged ones."""

import argparse
import struct

PT_LOAD, PT_NOTE = 1, 4


def number(text):
    return int(text, 0)


def segment(text):
    """ADDRESS,BYTES[,BYTES IN THE FILE]"""
    parts = [number(part) for part in text.split(",")]
    return parts[0], parts[1], parts[2] if len(parts) > 2 else parts[1]


def note(order, name, kind, text):
    def pad(data):
        return data + b"\0" * (-len(data) % 4)
    return struct.pack(order + "III", len(name) + 1, len(text), kind) + pad(name + b"\0") + pad(text)


def pages(text):
    """FIRST,END of page frames"""
    first, end = text.split(",")
    return range(number(first), number(end))


def page(pfn, zero_every, zero):
    """Compresses well and tells its place; every zero_every-th page, and those of a range, are all zero."""
    if zero_every and pfn % zero_every == 0 or pfn in zero:
        return bytes(4096)
    return struct.pack("<Q", pfn + 1) * 512


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("output")
    parser.add_argument("segments", nargs="*", type=segment, help="ADDRESS,BYTES[,BYTES IN THE FILE]")
    parser.add_argument("--machine", type=number, default=62)
    parser.add_argument("--type", type=number, default=4)
    parser.add_argument("--bits", type=int, default=64)
    parser.add_argument("--big", action="store_true")
    parser.add_argument("--phoff", type=number)
    parser.add_argument("--phentsize", type=number)
    parser.add_argument("--phnum", type=number)
    parser.add_argument("--zero-every", type=int, default=0)
    parser.add_argument("--zero", type=pages, default=range(0), metavar="FIRST,END", help="pages of zeros")
    parser.add_argument("--vaddr", type=number, help="what is added to physical addresses; -1: there are no virtual ones")
    parser.add_argument("--sparse", action="store_true", help="leave memory a hole of the file")
    parser.add_argument("--note", action="append", default=[], metavar="NAME:TYPE:TEXT")
    parser.add_argument("--truncate", type=number)
    options = parser.parse_args()
    order = ">" if options.big else "<"
    is64 = options.bits == 64
    notes = b""
    for item in options.note:
        name, kind, text = item.split(":", 2)
        notes += note(order, name.encode(), number(kind), text.encode().decode("unicode_escape").encode("latin-1"))
    ones = (1 << options.bits) - 1

    def vaddr(start):
        if options.vaddr is None:
            return 0
        return ones if options.vaddr == -1 else options.vaddr + start & ones
    headers = []
    at = 0x1000
    if notes:
        headers.append((PT_NOTE, at, 0, len(notes), len(notes)))
        at += (len(notes) + 4095) & ~4095
    for start, memsz, filesz in options.segments:
        headers.append((PT_LOAD, at + start % 4096, start, filesz, memsz))
        at += (start % 4096 + filesz + 4095) & ~4095
    ident = b"\177ELF" + bytes([2 if is64 else 1, 2 if options.big else 1, 1]) + bytes(9)
    phoff = options.phoff if options.phoff is not None else (64 if is64 else 52)
    phentsize = options.phentsize if options.phentsize is not None else (56 if is64 else 32)
    phnum = options.phnum if options.phnum is not None else len(headers)
    if is64:
        ehdr = struct.pack(order + "HHIQQQIHHHHHH", options.type, options.machine, 1, 0, phoff, 0, 0, 64,
                           phentsize, phnum, 0, 0, 0)
    else:
        ehdr = struct.pack(order + "HHIIIIIHHHHHH", options.type, options.machine, 1, 0, phoff, 0, 0, 52,
                           phentsize, phnum, 0, 0, 0)
    with open(options.output, "wb") as out:
        out.write(ident + ehdr)
        for kind, offset, start, filesz, memsz in headers:
            if is64:
                out.write(struct.pack(order + "IIQQQQQQ", kind, 7, offset, vaddr(start), start, filesz, memsz, 0))
            else:
                out.write(struct.pack(order + "IIIIIIII", kind, offset, vaddr(start), start, filesz, memsz, 7, 0))
        if notes:
            out.seek(0x1000)
            out.write(notes)
        for kind, offset, start, filesz, _ in headers:
            if kind != PT_LOAD or options.sparse:
                continue
            out.seek(offset - start % 4096)
            first, last = start // 4096, (start + filesz + 4095) // 4096
            out.write(b"".join(page(pfn, options.zero_every, options.zero) for pfn in range(first, last)))
        out.truncate(at if options.truncate is None else options.truncate)


if __name__ == "__main__":
    main()
