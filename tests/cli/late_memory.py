#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""late_memory.py CORE OUTPUT BYTES: makes the last note so much longer and moves what follows it, without a word about it
in the headers, as QEMU does where the SVE registers of CPUs are not of one size."""

import struct
import sys


def main(core, output, extra):
    with open(core, "rb") as file:
        data = file.read()
    phoff, = struct.unpack_from("<Q", data, 32)
    kind, _, at, _, _, filesz = struct.unpack_from("<IIQQQQ", data, phoff)
    assert kind == 4, "the first program header is for the notes"
    end, last = at + filesz, at
    while at < end:
        name, text, _ = struct.unpack_from("<III", data, at)
        last, at = at, at + 12 + (name + 3 & ~3) + (text + 3 & ~3)
    assert at == end, "the notes fill their range"
    longer = bytearray(data[:end])
    struct.pack_into("<I", longer, last + 4, text + extra)
    with open(output, "wb") as file:
        file.write(longer + b"\x5a" * extra + data[end:])


main(sys.argv[1], sys.argv[2], int(sys.argv[3], 0))
