#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""pages_check.py VMCORE DUMP LEVEL: every page of a kdump file, of any machine, has the bytes of the vmcore; those of
zeros share one if the level says so."""

import sys

import dumps


def main(argv):
    if len(argv) != 4:
        print(__doc__, file=sys.stderr)
        return 2
    core, dump = dumps.ElfCore(argv[1]), dumps.KdumpFile(argv[2])
    first = core.first_frame()
    if dump.block_size != core.page_size():
        print("WRONG: pages of %d bytes, but the kernel has %d" % (dump.block_size, core.page_size()))
        return 1
    wrong, zeros, compressed = dumps.wrong_pages(dump, core, int(argv[3]), first)
    if wrong:
        print("WRONG %6d pages: pfn %s" % (len(wrong), dumps.ranges(wrong)))
    print("%d pages, %d zero, %d compressed, first frame %#x" % (dump.present(), zeros, compressed, first))
    return 1 if wrong or not dump.present() else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv))
