#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""readers_kdumpfile.py DUMP VMCORE [COUNT]: libkdumpfile must read the same pages from a dump as are in the vmcore."""

import random
import sys

import kdumpfile as library

del sys.modules["kdumpfile"]  # tests/gen has a module of the same name

import dumps  # noqa: E402


def opened(path):
    """read(physical address, length) of libkdumpfile; its Python interface has had two forms."""
    if hasattr(library, "Context"):
        context = library.Context()
        context.open(path)
        return lambda at, length: bytes(context.read(library.MACHPHYSADDR, at, length))
    context = library.kdumpfile(file=path)
    return lambda at, length: bytes(context.read(library.KDUMP_MACHPHYSADDR, at, length))


def main():
    dump, core = dumps.KdumpFile(sys.argv[1]), dumps.ElfCore(sys.argv[2])
    size, first = dump.block_size, core.first_frame()  # the library knows nothing of the first page frame of Arm
    count = int(sys.argv[3]) if len(sys.argv) > 3 else 1000
    read = opened(sys.argv[1])
    missing = dump.header["status"] & 8
    have = [start + n for start, items in dump.batches() for n, item in enumerate(items) if item[1] or not missing]
    rng = random.Random(1)
    bad = []
    pfns = rng.sample(have, min(count, len(have)))
    for pfn in pfns:
        try:
            same = read(pfn * size, size) == core.read((pfn + first) * size, size)
        except Exception as problem:  # every error of the library is one too many
            print("page %#x: %s" % (pfn, problem))
            same = False
        if not same:
            bad.append(pfn)
    print("%d pages read, %d bad" % (len(pfns), len(bad)))
    if bad:
        print("bad: pfn " + dumps.ranges(sorted(bad)))
    return 1 if bad or not pfns else 0


if __name__ == "__main__":
    sys.exit(main())
