#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""mutants.py STATES VMCORE DUMP WORK: do the judges notice a dump that is wrong in one place?

From a right dump of level 31 without compression others are made that lack one page of each kind that must stay, have
one byte of one page changed, or two descriptors exchanged. Each must be found.
"""

import os
import random
import shutil
import sys

import cores
import dumps
import oracle_drgn
import pagestates


def flip_bit(path, bitmap_at, pfn):
    with open(path, "r+b") as f:
        f.seek(bitmap_at + pfn // 8)
        byte = f.read(1)[0] ^ 1 << pfn % 8
        f.seek(bitmap_at + pfn // 8)
        f.write(bytes([byte]))


def flip_byte(path, at):
    with open(path, "r+b") as f:
        f.seek(at)
        byte = f.read(1)[0] ^ 0x10
        f.seek(at)
        f.write(bytes([byte]))


def exchange(path, at, other, size):
    with open(path, "r+b") as f:
        f.seek(at)
        first = f.read(size)
        f.seek(other)
        second = f.read(size)
        f.seek(other)
        f.write(first)
        f.seek(at)
        f.write(second)


def main():
    states, core = pagestates.States.load(sys.argv[1]), dumps.ElfCore(sys.argv[2])
    original, work = sys.argv[3:5]
    dump = dumps.KdumpFile(original)
    rng = random.Random(1)
    first = core.first_frame()
    kept = [pfn for start, end in dump.bitmap(2) for pfn in range(start, end)]
    kinds = {}
    for pfn in kept:
        kinds.setdefault(states.describe(pfn + first), []).append(pfn)
    path = os.path.join(work, "mutant")
    unseen = []

    def page_oracle():
        return oracle_drgn.judge(states, dumps.KdumpFile(path), core, 31)[2]

    def contents():
        if core.machine != cores.EM_X86_64:
            return dumps.wrong_pages(dumps.KdumpFile(path), core, 31, first)[0]
        problems = []
        dumps.check_pages(dumps.KdumpFile(path), 31, core, dumps.Page_options(), problems.append)
        return problems

    def expect(name, complaints):
        if not complaints:
            unseen.append(name)

    shutil.copy(original, path)
    if page_oracle() or contents():
        print("WRONG: the dump is not right to begin with")
        return 1
    for kind, pfns in sorted(kinds.items()):
        pfn = rng.choice(pfns)
        flip_bit(path, dump.bitmap2_at, pfn)
        expect("page %#x (%s) left out" % (pfn, kind), page_oracle())
        flip_bit(path, dump.bitmap2_at, pfn)
    pfn = rng.choice(kept)
    flip_bit(path, dump.bitmap1_at, pfn)
    expect("page %#x not in bitmap 1" % pfn, page_oracle())
    flip_bit(path, dump.bitmap1_at, pfn)
    stored = [(start + n, item) for start, items in dump.batches() for n, item in enumerate(items)]
    data = [(pfn, item[0]) for pfn, item in stored if item[0] != stored[0][1][0]]
    pfn, at = rng.choice(data)
    flip_byte(path, at + rng.randrange(dump.block_size))
    expect("one byte of page %#x" % pfn, contents())
    shutil.copy(original, path)
    n, other = 0, 0
    while stored[n][1] == stored[other][1]:  # pages of zeros share one
        n, other = rng.randrange(len(kept)), rng.randrange(len(kept))
    exchange(path, dump.descriptors_at + 24 * n, dump.descriptors_at + 24 * other, 24)
    expect("descriptors %d and %d exchanged" % (n, other), contents())
    os.unlink(path)
    for name in unseen:
        print("WRONG: nobody noticed: " + name)
    print("%d mutants" % (len(kinds) + 3))
    return 1 if unseen else 0


if __name__ == "__main__":
    sys.exit(main())
