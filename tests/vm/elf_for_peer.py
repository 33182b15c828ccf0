#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""elf_for_peer.py IN OUT [big|little]: copy an ELF core that QEMU wrote so that every tool can read it.

QEMU puts section headers before program headers, where tools expect program headers right behind the ELF header; it
marks ppc64 files big endian whatever the guest is; and with SVE its notes are longer than it thinks, so that memory
begins later than the program headers say. In the copy program headers follow the ELF header, there are no sections, and headers have
the byte order given, the guest's.
"""

import os
import struct
import sys

ORDERS = {"little": ("<", 1), "big": (">", 2)}
PT_LOAD, PT_NOTE = 1, 4


class Form:
    """Where the headers of one class have what."""

    def __init__(self, bits):
        word = "I" if bits == 32 else "Q"
        self.head_size, self.segment_size = (52, 32) if bits == 32 else (64, 56)
        # type, machine, version, entry, phoff, shoff, flags, ehsize, phentsize, phnum, shentsize, shnum, shstrndx
        self.head = "HHI" + 3 * word + "I6H"
        self.segment = "8I" if bits == 32 else "IIQQQQQQ"
        self.offset, self.filesz = (1, 4) if bits == 32 else (2, 5)  # of p_type, ...


def chain_end(data, at, order):
    """Where a chain of notes ends, followed as long as there are notes, whatever its header says."""
    while at + 12 <= len(data):
        namesz, descsz, _ = struct.unpack_from(order + "III", data, at)
        name = data[at + 12:at + 12 + namesz]
        if not 2 <= namesz <= 16 or not name.endswith(b"\0") or not name[:-1].isalnum() or descsz > 1 << 20:
            break
        at += 12 + (namesz + 3) // 4 * 4 + (descsz + 3) // 4 * 4
    return at


def swap_notes(data, start, end, order, wanted):
    """The headers of notes in another byte order; what they hold stays."""
    at = start
    while at + 12 <= end:
        namesz, descsz, kind = struct.unpack_from(order + "III", data, at)
        struct.pack_into(wanted + "III", data, at, namesz, descsz, kind)
        at += 12 + (namesz + 3) // 4 * 4 + (descsz + 3) // 4 * 4


def copy(source, target, wanted_name):
    with open(source, "rb") as f:
        ident = f.read(16)
        if ident[:4] != b"\x7fELF" or ident[4] not in (1, 2) or ident[5] not in (1, 2):
            sys.exit("%s is no ELF file" % source)
        form = Form(32 * ident[4])
        order = "<>"[ident[5] - 1]
        wanted, mark = ORDERS[wanted_name] if wanted_name else (order, ident[5])
        head = list(struct.unpack(order + form.head, f.read(form.head_size - 16)))
        phoff, phentsize, phnum = head[4], head[8], head[9]
        if phentsize != form.segment_size or not 0 < phnum < 0xffff:
            sys.exit("%s: %d program headers of %d bytes" % (source, phnum, phentsize))
        f.seek(phoff)
        table = f.read(phentsize * phnum)
        segments = [list(struct.unpack_from(order + form.segment, table, n * phentsize)) for n in range(phnum)]
        first = min(s[form.offset] for s in segments if s[form.filesz])
        if form.head_size + phnum * phentsize > first:
            sys.exit("%s: no room for program headers before %#x" % (source, first))
        start_of_memory = min(s[form.offset] for s in segments if s[0] == PT_LOAD and s[form.filesz])
        f.seek(0)
        front = bytearray(f.read(start_of_memory + (1 << 20)))

    shift = 0
    for s in segments:
        if s[0] == PT_NOTE and s[form.filesz]:
            start, end = s[form.offset], s[form.offset] + s[form.filesz]
            real_end = chain_end(front, start, order)
            if real_end > end == start_of_memory:
                shift, s[form.filesz] = real_end - end, real_end - start
                end = real_end
            if order != wanted:
                swap_notes(front, start, end, order, wanted)
    for s in segments:
        if s[0] == PT_LOAD:
            s[form.offset] += shift
    if shift:
        print("%s: memory begins %#x later" % (source, shift))

    head[4], head[5], head[7], head[10:13] = form.head_size, 0, form.head_size, (0, 0, 0)
    front[5] = mark
    struct.pack_into(wanted + form.head, front, 16, *head)
    at = form.head_size
    for s in segments:
        struct.pack_into(wanted + form.segment, front, at, *s)
        at += form.segment_size
    front[at:first] = bytes(first - at)
    with open(source, "rb") as f, open(target, "wb") as out:
        os.truncate(target, os.fstat(f.fileno()).st_size)
        out.write(front)
        f.seek(len(front))
        while True:
            data = f.read(1 << 20)
            if not data:
                break
            if any(data):
                out.seek(f.tell() - len(data))
                out.write(data)


def main(argv):
    if len(argv) not in (3, 4) or argv[3:] and argv[3] not in ORDERS:
        print(__doc__, file=sys.stderr)
        return 2
    copy(argv[1], argv[2], argv[3] if argv[3:] else None)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv))
