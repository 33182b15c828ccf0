#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Run the program and the peer tool on one vmcore, level by level, and explain every difference page by page.

With the codecs "l" and "-" (none) both files must have the same bytes. Where they do not, each page that only one of
them left out must be a page that the program treated right according to the states of oracle_drgn.py, and everything
else must be the same. With "c", "p" and "z" the bytes depend on the version of a library, so there the program's pages
must decompress to the vmcore's. "E" is ELF output, where pages left out in short runs are written nevertheless; there
the segments and their bytes must be the same, but pages that must never be read are zeros here.
"""

import argparse
import collections
import filecmp
import itertools
import os
import subprocess
import sys
import time

import dumps
import pagestates

ELF_HOLE = 256  # runs of fewer pages are not left out of ELF output
STATUS_OF = {"-": 0, "l": 2, "c": 1, "p": 4, "z": 0x20}


class Failed(Exception):
    """One line, or several, about what is wrong."""


def run(command, vmcore, out, level, codec):
    if os.path.exists(out):
        os.unlink(out)
    options = ["-d", str(level), "--message-level", "4"] + ([] if codec == "-" else ["-" + codec])
    start = time.monotonic()
    done = subprocess.run(command + options + [vmcore, out], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, check=False)
    if done.returncode:
        raise Failed("%s %s: status %d: %s" % (
            command[-1], " ".join(options), done.returncode, done.stdout.decode(errors="replace").strip()))
    return time.monotonic() - start


def check_contents(path, core, level, codec):
    """The pages of one of our dumps against the vmcore."""
    dump = dumps.KdumpFile(path)
    problems = []
    if dump.header["status"] != STATUS_OF[codec]:
        problems.append("status is %#x" % dump.header["status"])
    missing, zeros, compressed = dumps.check_pages(dump, level, core, dumps.Page_options(), problems.append)
    if codec != "-" and not compressed:
        problems.append("no page is compressed")
    if problems:
        raise Failed("\n".join(problems[:20]))
    return "%d pages, %d zero, %d compressed, %d missing" % (dump.present(), zeros, compressed, missing)


def file_pages(core):
    """One byte a page frame: does the file have its bytes?"""
    runs = [(paddr // dumps.PAGE, -(-(paddr + filesz) // dumps.PAGE)) for paddr, _, _, filesz, _ in core.loads
            if filesz and paddr != dumps.ALL_ONES]
    return dumps.as_flags(runs, max(end for _, end in runs))


def never_read(states, pfn):
    """Pages that go at every level: reading them may bring the machine down."""
    return pagestates.may_leave_out(states.word(pfn), 0)


def check_elf(path, core, states, level):
    """ELF output by its own: all memory is described, what is there is true, what is not there need not be."""
    ours = dumps.ElfCore(path)
    problems = []
    described, wanted = dumps.core_pages(ours), dumps.core_pages(core)
    if described != wanted:
        problems.append("the program headers do not describe the same memory")
    if ours.notes != core.notes:
        problems.append("the notes differ")
    have = file_pages(ours)
    lost, different, long_runs, run = [], [], 0, 0
    zero = bytes(dumps.PAGE)
    for pfn in range(len(wanted)):
        if not wanted[pfn]:
            run = 0
            continue
        page = core.read(pfn * dumps.PAGE, dumps.PAGE)
        free = pagestates.may_leave_out(states.word(pfn), level) or level & 1 and page == zero
        if pfn < len(have) and have[pfn]:
            data = ours.read(pfn * dumps.PAGE, dumps.PAGE)
            if data != page and (data != zero or not never_read(states, pfn)):
                different.append(pfn)
            # without any level that looks at pages, a tool may not look for those that can always go
            run = run + 1 if free and (level > 1 or page == zero) else 0
            long_runs += run == ELF_HOLE
        else:
            run = 0
            if not free:
                lost.append(pfn)
    if different:
        problems.append("%d pages differ from the vmcore: pfn %s" % (len(different), dumps.ranges(different)))
    if lost:
        problems.append("%d pages lost: pfn %s" % (len(lost), dumps.ranges(lost)))
    if long_runs:
        problems.append("%d runs of %d and more pages were written for nothing" % (long_runs, ELF_HOLE))
    if problems:
        raise Failed("\n".join(problems))
    return "%d pages, %d written" % (sum(wanted), sum(have))


def stored_pages(dump):
    """pfn, and where its bytes are, in order"""
    for first, items in dump.batches():
        for n, item in enumerate(items):
            yield first + n, item


def compare_stored(ours, peer):
    """Page frames of both dumps whose stored bytes differ."""
    bad = []
    mine, theirs = stored_pages(ours), stored_pages(peer)
    a, b = next(mine, None), next(theirs, None)
    while a and b:
        if a[0] == b[0]:
            (at, size, flags), (other_at, other_size, other_flags) = a[1], b[1]
            if (size, flags) != (other_size, other_flags) or ours.pread(at, size) != peer.pread(other_at, size):
                bad.append(a[0])
            a, b = next(mine, None), next(theirs, None)
        elif a[0] < b[0]:
            a = next(mine, None)
        else:
            b = next(theirs, None)
    return bad


def explain(our_path, peer_path, states, level):
    """Why two dumps differ: text, if it is for the program; Failed if not."""
    ours, peer = dumps.KdumpFile(our_path), dumps.KdumpFile(peer_path)
    wrong, right = [], []
    for part in ("header", "sub", "utsname"):
        a, b = getattr(ours, part), getattr(peer, part)
        for name in sorted(set(a) | set(b)):
            if a.get(name) != b.get(name):
                wrong.append("%s.%s: %s, the peer has %s" % (part, name, a.get(name), b.get(name)))
    if ours.notes() != peer.notes():
        wrong.append("the notes differ")
    if ours.bitmap(1) != peer.bitmap(1):
        wrong.append("bitmap 1 differs")

    total = max(ours.max_mapnr, peer.max_mapnr)
    kept, peer_kept = (dumps.as_flags(d.bitmap(2), total) for d in (ours, peer))
    groups = collections.defaultdict(list)
    for pfn in range(total):
        if kept[pfn] == peer_kept[pfn]:
            continue
        word = states.word(pfn)
        good = pagestates.may_leave_out(word, level) != bool(kept[pfn])
        who = "kept here, left out by the peer" if kept[pfn] else "left out here, kept by the peer"
        groups[good, who, pagestates.describe(word)].append(pfn)
    for (good, who, state), pfns in sorted(groups.items()):
        (right if good else wrong).append("%d pages %s: %s: pfn %s" % (len(pfns), who, state, dumps.ranges(pfns)))
    different = compare_stored(ours, peer)
    if different:
        wrong.append("%d pages are stored differently: pfn %s" % (len(different), dumps.ranges(different)))
    if not groups and not wrong:
        wrong.append("the bytes differ, though headers, bitmaps and pages do not")
    if wrong:
        raise Failed("\n".join(wrong + ["(right) " + r for r in right]))
    return "\n".join(right)


def compare_elf(our_path, peer_path, states):
    """Are program headers and bytes those of the peer? None if headers differ, else a text."""
    ours, peer = dumps.checkelf.Elf(our_path), dumps.checkelf.Elf(peer_path)
    if ours.headers != peer.headers:
        return None
    bad, zeros = [], []
    for (paddr, _, offset, filesz, _, _), other in zip(ours.loads, peer.loads):
        for at in range(0, filesz, 1 << 20):
            size = min(1 << 20, filesz - at)
            mine, theirs = ours.data[offset + at:offset + at + size], peer.data[other[2] + at:other[2] + at + size]
            for page in range(0, size if mine != theirs else 0, dumps.PAGE):
                if mine[page:page + dumps.PAGE] != theirs[page:page + dumps.PAGE]:
                    pfn = (paddr + at + page) // dumps.PAGE
                    is_zero = not any(mine[page:page + dumps.PAGE])
                    (zeros if is_zero and never_read(states, pfn) else bad).append(pfn)
    if bad or ours.notes != peer.notes:
        raise Failed("notes or %d pages differ from the peer's: pfn %s" % (len(bad), dumps.ranges(bad)))
    text = "%d segments and their bytes as the peer's" % len(ours.loads)
    return text + (", but zeros here for what must not be read: pfn %s" % dumps.ranges(zeros) if zeros else "")


def explain_elf(our_path, peer_path, states, level):
    """As above for ELF output, whose pages have been compared with the vmcore already."""
    same = compare_elf(our_path, peer_path, states)
    if same:
        return same
    ours, peer = (file_pages(dumps.ElfCore(path)) for path in (our_path, peer_path))
    total = max(len(ours), len(peer))
    ours, peer = ours.ljust(total, b"\0"), peer.ljust(total, b"\0")
    groups = collections.defaultdict(list)
    for pfn in range(total):
        if ours[pfn] != peer[pfn]:
            who = "written here, left out by the peer" if ours[pfn] else "left out here, written by the peer"
            groups[who, states.describe(pfn)].append(pfn)
    if not groups:
        raise Failed("the bytes differ, though the same pages are written")
    return "\n".join("%d pages %s: %s: pfn %s" % (len(pfns), who, state, dumps.ranges(pfns))
                     for (who, state), pfns in sorted(groups.items()))


def show(ok, name, text):
    for line in text.splitlines():
        print("# " + line)
    print("%s - %s" % ("ok" if ok else "not ok", name), flush=True)
    return ok


def numbers(text):
    """0,2,8-11 as a list"""
    out = []
    for part in text.split(","):
        first, _, last = part.partition("-")
        out += range(int(first), int(last or first) + 1)
    return out


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--program", required=True, help="makedumpfile as it was built")
    parser.add_argument("--tree", required=True, help="unpacked system that has the peer tool")
    parser.add_argument("--states", required=True, help="made by oracle_drgn.py classify")
    parser.add_argument("--work", required=True, help="folder for the dumps made")
    parser.add_argument("--levels", default="0-31")
    parser.add_argument("--codecs", default="l,-")
    parser.add_argument("--label", default="")
    parser.add_argument("vmcore")
    options = parser.parse_args()

    tree = options.tree
    lib = tree + "/usr/lib/x86_64-linux-gnu:" + tree + "/usr/lib"
    peer = [tree + "/lib64/ld-linux-x86-64.so.2", "--library-path", lib, tree + "/usr/bin/makedumpfile"]
    states = pagestates.States.load(options.states)
    core = dumps.ElfCore(options.vmcore)
    ours_path, peer_path = (os.path.join(options.work, n) for n in ("ours.kdump", "peer.kdump"))
    bad = 0
    for codec, level in itertools.product(options.codecs.split(","), numbers(options.levels)):
        name = "%s-d %d%s" % (options.label and options.label + " ", level, "" if codec == "-" else " -" + codec)
        try:
            took = run([options.program], options.vmcore, ours_path, level, codec)
            if codec == "E":
                text = check_elf(ours_path, core, states, level)
            else:
                text = check_contents(ours_path, core, level, codec)
            text += ", %.1f s" % took
            if codec in "-lE":
                took = run(peer, options.vmcore, peer_path, level, codec)
                text += " (peer %.1f s)" % took
                if not filecmp.cmp(ours_path, peer_path, shallow=False):
                    text += "\n" + (explain_elf if codec == "E" else explain)(ours_path, peer_path, states, level)
                else:
                    text += ", same bytes as the peer's"
            show(True, name, text)
        except (Failed, dumps.FormatError, OSError) as problem:
            bad += 1
            show(False, name, str(problem))
    for path in (ours_path, peer_path):
        if os.path.exists(path):
            os.unlink(path)
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
