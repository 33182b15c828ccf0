#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Copies a generated dump and puts into its pages what memory usually holds: the generator leaves them zero."""

import os
import random
import struct
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "gen"))

import description  # noqa: E402  pylint: disable=wrong-import-position
from elfreader import ALL_ONES, ElfCore  # noqa: E402  pylint: disable=wrong-import-position
from pagekinds import BLOCK_ORDERS  # noqa: E402  pylint: disable=wrong-import-position

PAGE = 4096
PIECE = 1024                            # pages written at once
POOL = 512                              # different pages of each sort; every copy is changed a little
WORDS = ("the of and to in is was for that with as on be at by this which from or had an were not are but have one "
         "page memory kernel struct return static unsigned long error device file system user process network").split()

# Parts in a hundred.  The kernel's follow what dumps of real machines keep at level 31: .38 zero, and of the others
# a quarter shrinks below 1/16, two thirds below 1/4, a tenth not at all.
KERNEL = (("zero", 38), ("sparse", 17), ("objects", 28), ("code", 6), ("text", 4), ("packed", 7))
USERS = (("zero", 10), ("sparse", 12), ("objects", 26), ("code", 16), ("text", 14), ("packed", 22))
FREE = (("zero", 60), ("sparse", 6), ("objects", 10), ("code", 6), ("text", 6), ("packed", 12))
MIX = {"slab": KERNEL, "kernel": KERNEL, "pagetable": KERNEL, "kernel-compound": KERNEL, "vmalloc": KERNEL,
       "free": FREE}                    # all others: USERS


def zero(_):
    return bytes(PAGE)


def pointer(rng):
    return 0xffff888000000000 | rng.getrandbits(27) << 3


def sparse(rng):
    """A few pointers."""
    page = bytearray(PAGE)
    for _ in range(rng.randrange(1, 24)):
        struct.pack_into("<Q", page, rng.randrange(512) * 8, pointer(rng))
    return bytes(page)


def objects(rng):
    """A slab: equal objects that differ in some pointers and counters."""
    size = rng.choice((64, 96, 128, 192, 256, 512, 704, 1024))
    model = bytearray(size)
    for at in range(0, size, 8):
        value = rng.choice((0, 0, pointer(rng), rng.getrandbits(8), rng.getrandbits(32), ALL_ONES))
        struct.pack_into("<Q", model, at, value)
    changing = [at for at in range(0, size, 8) if rng.random() < 0.35]
    page = bytearray()
    while len(page) + size <= PAGE:
        one = bytearray(model)
        for at in changing:
            struct.pack_into("<Q", one, at, rng.choice((0, pointer(rng), rng.getrandbits(12))))
        page += one
    return bytes(page) + bytes(PAGE - len(page))


def code(rng):
    """Short sequences that come again and again, with operands between them."""
    idioms = [rng.randbytes(rng.randrange(1, 6)) for _ in range(48)]
    page = bytearray()
    while len(page) < PAGE:
        page += rng.choice(idioms)
        if rng.random() < 0.4:
            page += struct.pack("<i", rng.randrange(-4000, 4000))[:rng.choice((1, 4))]
    return bytes(page[:PAGE])


def text(rng):
    page = ""
    while len(page) < PAGE:
        page += rng.choice(WORDS) + rng.choice((" ", " ", " ", ", ", ".\n", f" {rng.getrandbits(20)} "))
    return page[:PAGE].encode()


def packed(rng):
    """Compressed or encrypted, sometimes only a part of the page."""
    length = rng.choice((PAGE, PAGE, PAGE, 3000, 2048))
    return rng.randbytes(length) + bytes(PAGE - length)


MAKERS = {"zero": zero, "sparse": sparse, "objects": objects, "code": code, "text": text, "packed": packed}


def filled_runs(parsed):
    """Sorted (first pfn, end, kind) of all page lines."""
    runs = []
    for line in parsed.pages:
        count = line.count or 1 << (line.order or BLOCK_ORDERS.get(line.kind, 0))
        runs += [(first, first + count, line.kind)
                 for first in range(line.pfn, line.pfn + line.every * line.times or line.pfn + 1, line.every or 1)]
    return sorted(runs)


class Pages:
    def __init__(self, seed):
        self.rng = random.Random(seed)
        self.pool = {name: [maker(self.rng) for _ in range(POOL if name != "zero" else 1)]
                     for name, maker in MAKERS.items()}
        # what follows what is drawn once: equal sorts stand next to each other, as they do in memory
        self.names = {}
        for mix in (KERNEL, USERS, FREE):
            self.names[mix] = [name for name, parts in mix for _ in range(parts)]

    def run(self, count, mix):
        result, sort, left = bytearray(), None, 0
        for _ in range(count):
            if not left:
                sort, left = self.rng.choice(self.names[mix]), self.rng.choice((1, 1, 2, 4, 8))
            left -= 1
            at = len(result)
            result += self.rng.choice(self.pool[sort])
            if sort != "zero":
                struct.pack_into("<H", result, at + 8 * self.rng.randrange(512), self.rng.getrandbits(16))
        return result


def main():
    if len(sys.argv) != 4:
        sys.exit("usage: contents.py DESCRIPTION GENERATED OUTPUT")
    text_of = description.read_text(sys.argv[1])
    runs = filled_runs(description.parse(text_of, sys.argv[1]))
    core, pages = ElfCore(sys.argv[2]), Pages(1)
    segments = sorted((offset, paddr, filesz) for paddr, _, offset, filesz, _ in core.loads if paddr != ALL_ONES)
    with open(sys.argv[3], "wb", buffering=0) as out, open(sys.argv[2], "rb", buffering=0) as source:
        while True:                     # everything is written, so that the copy has no holes
            data = source.read(PIECE * PAGE)
            if not data:
                break
            out.write(data)
        for first, end, kind in runs:
            data = pages.run(end - first, MIX.get(kind, USERS))
            for offset, paddr, filesz in segments:
                if paddr <= first * PAGE and end * PAGE <= paddr + filesz:
                    os.pwrite(out.fileno(), data, offset + first * PAGE - paddr)
                    break
            else:
                sys.exit(f"contents.py: pages {first:#x}..{end:#x} do not lie in one segment")


if __name__ == "__main__":
    main()
