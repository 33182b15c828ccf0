#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Prints which pfns a right dump of some level has: expect.py LEVEL FILE.expect"""

import argparse
import signal
import sys

import expectation


def main():
    parser = argparse.ArgumentParser(description="Prints, for a dump level, the pfn ranges [START, END) of bitmap 1, "
                                                 "of bitmap 2 and of the zero pages among bitmap 2.")
    parser.add_argument("level", type=int, help="dump level, 0 to 31")
    parser.add_argument("file", help="expectation written by mkvmcore.py")
    parser.add_argument("--totals", action="store_true", help="print only numbers of pages, by class too")
    options = parser.parse_args()
    if not 0 <= options.level <= 31:
        parser.error(f"dump level {options.level} is outside 0..31")
    try:
        expected = expectation.read(options.file)
    except (OSError, ValueError) as problem:
        print(f"expect.py: {problem}", file=sys.stderr)
        return 1
    print(f"max_mapnr {expected.max_mapnr:#x}")
    parts = (("bitmap1", expected.bitmap1()), ("bitmap2", expected.bitmap2(options.level)),
             ("zero", expected.zero(options.level)))
    for name, ranges in parts:
        if options.totals:
            print(f"{name} {sum(end - start for start, end in ranges)}")
        else:
            for start, end in ranges:
                print(f"{name} {start:#x} {end:#x}")
    if options.totals:
        totals = {}
        for start, end, page_class, zero in expected.runs:
            name = page_class + ("z" if zero else "")
            totals[name] = totals.get(name, 0) + end - start
        for name in sorted(totals):
            print(f"class {name} {totals[name]}")
    return 0


if __name__ == "__main__":
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)       # `| head` is no error
    sys.exit(main())
