#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Makes the vmcores of `make bench-scan`.

By default 256 GiB of RAM with all of their struct pages, 4 GiB, and little else; or the memory of another machine, which
has the same pages in another word size or byte order.
"""

import os
import random
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "gen"))

from mkvmcore import generate  # noqa: E402  pylint: disable=wrong-import-position

SECTION = 1 << 15                       # pages
OWN = 8                                 # sections that differ; the others have the same struct pages
HEAD = f"""kernel 6.12
directmap 1g
ram 0x0-0x4000000000
boot 0x2000000000-0x2140000000
memmap-copy 1 {OWN}
"""
# one array of struct pages, small enough for the direct map of 32-bit machines
FLAT = """ram 0x0-0x30000000
boot 0x2000000-0x8000000
"""
HASHED = f"""machine ppc64
kernel 6.1
mmu hash
page-size 4K
ram 0-0x48000000
boot 0x1000000-0x20000000
"""
FORMS = {                               # text, first section with pages of its own, how many of these
    "": (HEAD, 1, OWN),
    "ppc64-little": (HASHED + "byte-order little\n", 4, 5),
    "ppc64-big": (HASHED + "byte-order big\n", 4, 5),
    "flat-64": ("kernel 6.12\nmodel flat\n" + FLAT, 1, 5),
    "flat-32": ("machine x86\nkernel 6.12\npae off\nmodel flat\n" + FLAT, 1, 5),
    "flat-32-big": ("machine ppc\nkernel 6.12\nmodel flat\n" + FLAT, 1, 5),
}
# Parts in a hundred of memory in use page by page.
SINGLES = (("anon", 34), ("cache", 24), ("cache-mapped", 8), ("cache-private", 4), ("kernel", 8), ("slab order=0", 10),
           ("pagetable", 4), ("vmalloc", 4), ("free order=0", 2), ("reserved", 2))
RUNS = (1, 1, 1, 2, 2, 3, 4, 6, 8, 12, 16, 32, 64)      # pages of a kind that stand together
BLOCKS = ("free order=10", "free order=9", "thp order=9", "hugetlb order=9")


def singles(rng, first, count):
    kinds = [kind for kind, parts in SINGLES for _ in range(parts)]
    end = first + count
    while first < end:
        pages = min(rng.choice(RUNS), end - first)
        yield f"page {first:#x}+{pages} {rng.choice(kinds)} content=zero"
        first += pages


def mixed(rng, first, share):
    """A section with this share of its pages in large blocks, in pieces of an order-10 block in any order."""
    piece = 1 << 10
    starts = list(range(first, first + SECTION, piece))
    rng.shuffle(starts)
    for number, start in enumerate(starts):
        if number < len(starts) * share:
            yield f"page {start:#x}+{piece} {BLOCKS[number % len(BLOCKS)]} content=zero"
        else:
            yield from singles(rng, start, piece)


MIXES = {"singles": 0, "blocks": 0.75}


def main():
    mix, form, output = sys.argv[1], sys.argv[2] if len(sys.argv) == 4 else "", sys.argv[-1]
    if len(sys.argv) not in (3, 4) or mix not in MIXES or form not in FORMS:
        sys.exit(f"usage: scan_vmcore.py {'|'.join(MIXES)} [{'|'.join(sorted(FORMS)[1:])}] OUTPUT")
    head, first, own = FORMS[form]
    rng = random.Random(1)
    lines = [line for section in range(first, first + own) for line in mixed(rng, section * SECTION, MIXES[mix])]
    generate(head + "\n".join(lines), mix, output)
    file = os.open(output, os.O_RDWR)
    os.fsync(file)                      # it would be written while others measure
    os.close(file)


if __name__ == "__main__":
    main()
