#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""scan_ratio.py SCAN PASSES LEAST A B: how fast the struct pages of A are decided about, as a share of the speed for B.

Both run in turns, one thread, struct pages in the page cache and in plain memory.  At least LEAST is asked for.
"""

import statistics
import subprocess
import sys

TURNS = 5
PLACES = ("page cache", "plain memory")


def speeds(scan, vmcore, passes):
    """Place of the struct pages -> millions of page frames a second of CPU time, of one thread."""
    lines = subprocess.run([scan, vmcore, passes, "0", "0"], stdout=subprocess.PIPE, check=True, text=True).stdout.splitlines()
    found = {}
    for line in lines:
        words = line.rsplit(None, 4)
        if words[0] in PLACES and words[1] == "1":
            found[words[0]] = float(words[4])
    return found


def main():
    scan, passes, least, first, second = sys.argv[1:]
    ratios = {place: [] for place in PLACES}
    for _ in range(TURNS):
        a, b = speeds(scan, first, passes), speeds(scan, second, passes)
        for place in PLACES:
            ratios[place].append(a[place] / b[place])
    slow = False
    for place in PLACES:
        middle = statistics.median(ratios[place])
        slow |= middle < float(least)
        print(f"{place:12}  {middle:5.2f}  ({min(ratios[place]):.2f} to {max(ratios[place]):.2f}), at least {least}")
    return slow


sys.exit(main())
