#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Judge a filtered dump by what the kernel said about its pages in /proc/kpageflags just before it crashed.

oracle_kpageflags.py FLAGS STATES VMCORE DUMP [LEVEL]

FLAGS is the snapshot, STATES what oracle_drgn.py classify found in the crashed kernel: a page may differ from the
snapshot only if it is really another one by then.
"""

import array
import collections
import sys

import dumps
import pagestates

DIFFERENT_LIMIT, DIFFERENT_PAGES = 0.005, 64  # of all pages, which are few if they have 64 KiB

(LRU, SLAB, BUDDY, ANON, SWAPCACHE, SWAPBACKED, HEAD, TAIL, HUGE, HWPOISON, NOPAGE, OFFLINE, PGTABLE, RESERVED,
 PRIVATE) = (1 << n for n in (5, 7, 10, 12, 13, 14, 15, 16, 17, 19, 20, 23, 26, 32, 35))


def removable_at(flags, head):
    """As in pagestates: level bits of which one suffices, -1 for always. HEAD: the flags of a tail's head."""
    if flags & (HWPOISON | OFFLINE):
        return -1
    if flags & NOPAGE:
        return 0
    if flags & BUDDY:
        return pagestates.LEVEL_FREE
    # Slab before anonymous: what slabs keep in a page can look like the mapping of an anonymous one (6.12).
    if head & (SLAB | PGTABLE | RESERVED):
        return 0
    if head & HUGE or flags & HUGE:
        return pagestates.LEVEL_USER
    if head & ANON:
        return pagestates.LEVEL_USER
    if head & LRU or head & (SWAPCACHE | SWAPBACKED) == SWAPCACHE | SWAPBACKED:
        if head & PRIVATE:
            return pagestates.LEVEL_PRIVATE
        return pagestates.LEVEL_CACHE | pagestates.LEVEL_PRIVATE
    return 0


def main(argv):
    if len(argv) not in (5, 6):
        print(__doc__, file=sys.stderr)
        return 2
    states = pagestates.States.load(argv[2])
    with open(argv[1], "rb") as f:
        flags = array.array("Q")
        flags.frombytes(f.read())
    if states.about["order"] != sys.byteorder:
        flags.byteswap()
    core, dump = dumps.ElfCore(argv[3]), dumps.KdumpFile(argv[4])
    level = int(argv[5]) if len(argv) == 6 else dump.sub["dump_level"]
    first = core.first_frame()
    total = dumps.frames(dump) + first
    if len(flags) < total:
        print("WRONG: the snapshot ends at page %#x" % len(flags))
        return 1
    present, kept = (dumps.dump_pages(dump, n, first) for n in (1, 2))
    in_core = dumps.core_pages(core, dump.block_size).ljust(total, b"\0")

    different, unexplained = collections.defaultdict(list), collections.defaultdict(list)
    pages = left_out = head = 0
    for pfn in range(total):
        word = flags[pfn]
        if word & TAIL and not word & HEAD:
            pass  # of the head seen last
        else:
            head = word
        if not present[pfn] or not in_core[pfn]:
            continue
        pages += 1
        left_out += not kept[pfn]
        allowed = removable_at(word, head)
        gone = allowed == -1 or bool(allowed & level)
        if gone == (not kept[pfn]):
            continue
        now = states.word(pfn)
        name = "%s, by the snapshot %s (flags %#x)" % (
            "kept" if kept[pfn] else "left out", "left out" if gone else "kept", word)
        if allowed == -1 and level <= 1 and not word & HWPOISON:
            continue  # offline pages without any level that looks at pages
        different[name].append(pfn)
        if pagestates.may_leave_out(now, level) == bool(kept[pfn]):
            unexplained[name + " and was " + pagestates.describe(now)].append(pfn)
    n = sum(len(p) for p in different.values())
    print("level %d: %d pages, %d left out, %d differ from the snapshot" % (level, pages, left_out, n))
    for name, pfns in sorted(different.items(), key=lambda item: -len(item[1]))[:6]:
        print("changed %5d pages %s" % (len(pfns), name))
    for name, pfns in sorted(unexplained.items()):
        print("WRONG %7d pages %s: pfn %s" % (len(pfns), name, dumps.ranges(pfns)))
    if n > max(DIFFERENT_LIMIT * pages, DIFFERENT_PAGES):
        print("WRONG: more than %.1f %% and %d pages differ" % (100 * DIFFERENT_LIMIT, DIFFERENT_PAGES))
        return 1
    return 1 if unexplained else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv))
