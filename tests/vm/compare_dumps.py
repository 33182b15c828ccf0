#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""compare_dumps.py STATES VMCORE OURS PEER LEVEL: the pages of two kdump files of one vmcore, bit by bit and byte by
byte. Where they differ the states of oracle_drgn.py must say that OURS is right. Headers and notes are others where the
vmcore lacks VMCOREINFO, which the program adds."""

import collections
import sys

import dumps
import pagestates
from compare_peer import stored_pages


def compare_stored(ours, peer):
    """Page frames of both dumps whose stored bytes differ, and how many were compared."""
    mine, theirs = dict(stored_pages(ours)), dict(stored_pages(peer))
    both = sorted(set(mine) & set(theirs))
    bad = []
    for frame in both:
        (at, size, flags), (other_at, other_size, other_flags) = mine[frame], theirs[frame]
        if (size, flags) != (other_size, other_flags) or ours.pread(at, size) != peer.pread(other_at, size):
            bad.append(frame)
    return bad, len(both)


def main(argv):
    if len(argv) != 6:
        print(__doc__, file=sys.stderr)
        return 2
    states, core = pagestates.States.load(argv[1]), dumps.ElfCore(argv[2])
    ours, peer, level = dumps.KdumpFile(argv[3]), dumps.KdumpFile(argv[4]), int(argv[5])
    wrong, right = [], []
    for name in ("block_size", "status"):
        if ours.header[name] != peer.header[name]:
            wrong.append("%s is %d, the peer has %d" % (name, ours.header[name], peer.header[name]))
    if (ours.bits, ours.order, ours.utsname["machine"]) != (peer.bits, peer.order, peer.utsname["machine"]):
        wrong.append("another machine: %d bits, %s" % (ours.bits, ours.utsname["machine"]))
    first = core.first_frame()
    total = max(dumps.frames(ours), dumps.frames(peer)) + first
    in_core = dumps.core_pages(core, ours.block_size).ljust(total, b"\0")
    for number in (1, 2):
        mine, theirs = (dumps.dump_pages(d, number, first).ljust(total, b"\0") for d in (ours, peer))
        groups = collections.defaultdict(list)
        for frame in range(total):
            if mine[frame] == theirs[frame]:
                continue
            if number == 1:
                good = mine[frame] == in_core[frame]
            else:
                good = bool(mine[frame]) != pagestates.may_leave_out(states.word(frame), level)
            groups[good, bool(mine[frame]), states.describe(frame)].append(frame)
        for (good, here, state), frames in sorted(groups.items()):
            (right if good else wrong).append("bitmap %d: %d pages only %s: %s: pfn %s" % (
                number, len(frames), "here" if here else "of the peer", state, dumps.ranges(frames)))
    different, both = compare_stored(ours, peer)
    if different:
        wrong.append("%d pages are stored differently: pfn %s" % (len(different), dumps.ranges(different)))
    for text in wrong:
        print("WRONG: " + text)
    for text in right:
        print("right: " + text)
    print("level %d: %d pages here, %d of the peer, %d compared" % (level, ours.present(), peer.present(), both))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv))
