#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""TAP: spoils kdump-compressed and flattened dumps, at the extremes of every header field and at random, and runs
$PROGRAM on them: it ends in time, with little memory, with status 0 or 1, and what it calls complete can be read."""

import argparse
import os
import random
import resource
import struct
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
GEN = os.path.join(HERE, "..", "gen")
sys.path.insert(0, GEN)
import kdumpfile                        # noqa: E402
import mkvmcore                         # noqa: E402

SECONDS_MAX = 10
RSS_MAX_KIB = 256 << 10
OUTPUT_MAX = 8 << 30
KERNEL = "kernel 6.1\nram 0x1000000-0x1600000\npage 0x1500 anon\npage 0x1501 cache\npage 0x1504 free order=2\n"
WIDTH = {"i": 4, "I": 4, "q": 8, "Q": 8}
# machine, byte order, headers, and how mkkdump.py is told to make them
LAYOUTS = (
    ("x86_64", "little", kdumpfile.MAIN_64, kdumpfile.SUB_64, ()),
    ("s390x", "big", kdumpfile.MAIN_64, kdumpfile.SUB_64, ("--big",)),
    ("i686", "little", kdumpfile.MAIN_32, kdumpfile.SUB_32_PACKED, ("--bits", "32", "--packed")),
    ("armv7l", "little", kdumpfile.MAIN_32, kdumpfile.SUB_32_PADDED, ("--bits", "32")),
    ("ppc", "big", kdumpfile.MAIN_32, kdumpfile.SUB_32_PADDED, ("--bits", "32", "--big")),
)
EXTREMES = (0, 1, -1, 2, 4095, 4096, 1 << 16, (1 << 31) - 1, 1 << 31, 1 << 40, (1 << 63) - 1, 1 << 63)


def run_script(name, *arguments):
    subprocess.run([sys.executable, os.path.join(GEN, name), *arguments], check=True)


def limits():
    resource.setrlimit(resource.RLIMIT_FSIZE, (OUTPUT_MAX, OUTPUT_MAX))


class Runner:
    def __init__(self, folder, sanitized):
        self.folder, self.sanitized, self.problems, self.runs = folder, sanitized, [], 0
        self.input, self.output = os.path.join(folder, "spoiled"), os.path.join(folder, "out")

    def __call__(self, label, data, level):
        with open(self.input, "wb") as file:
            file.write(data)
        if os.path.exists(self.output):
            os.remove(self.output)
        self.runs += 1
        before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
        try:
            done = subprocess.run([os.environ["PROGRAM"], "-f", "-l", "-d", str(level), self.input, self.output],
                                  stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=SECONDS_MAX,
                                  preexec_fn=limits, check=False)
        except subprocess.TimeoutExpired:
            self.problems.append(f"{label}: takes longer than {SECONDS_MAX} s")
            return
        after = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
        if done.returncode not in (0, 1):
            self.problems.append(f"{label}: status {done.returncode}: {done.stdout[-300:]!r}")
        elif not self.sanitized and after > max(before, RSS_MAX_KIB):
            self.problems.append(f"{label}: {after} KiB")
        elif done.returncode == 0:
            self.check(label)

    def check(self, label):
        try:
            dump = kdumpfile.KdumpFile(self.output)
            if dump.header["status"] & 8:
                self.problems.append(f"{label}: success, and marked incomplete")
            for _, descriptors in dump.batches():
                if any(not offset or offset + size > dump.size for offset, size, _ in descriptors):
                    self.problems.append(f"{label}: a page is not where its descriptor says")
                    return
        except kdumpfile.FormatError as problem:
            self.problems.append(f"{label}: {problem}")


def extremes(run, layout, data, step, level):
    """Every field of both headers and of some descriptors."""
    name, order, main_fields, sub_fields, _ = layout
    table = kdumpfile.KdumpFile(os.path.join(run.folder, name)).descriptors_at
    fields = [(name, at, WIDTH[letter]) for name, (at, letter) in main_fields.items()]
    fields += [(name, 4096 + at, WIDTH[letter]) for name, (_, at, letter) in sub_fields.items()]
    for number in (0, 1, 700):
        fields += [(f"{name} of descriptor {number}", table + 24 * number + at, width)
                   for name, at, width in (("offset", 0, 8), ("size", 8, 4), ("flags", 12, 4))]
    jobs = [(name, at, width, value) for name, at, width in fields for value in EXTREMES]
    for name, at, width, value in jobs[::step]:
        spoiled = bytearray(data)
        spoiled[at:at + width] = (value & ((1 << 8 * width) - 1)).to_bytes(width, order)
        run(f"{layout[0]}: {name} = {value:#x}", spoiled, level)


def other_layouts(run, dumps, step):
    """Of each an equal share, and each another one."""
    for number, layout in enumerate(LAYOUTS[1:]):
        extremes(run, layout, dumps[layout[0]], step * (len(LAYOUTS) - 1) + number, 1)


def at_random(run, data, generator, count, name):
    for number in range(count):
        spoiled = bytearray(data)
        for _ in range(generator.choice((1, 2, 5, 50))):
            at = generator.randrange(min(len(spoiled), generator.choice((600, 4300, 40000, len(spoiled)))))
            spoiled[at:at + 8] = generator.choice((generator.randbytes(1), struct.pack("<q", generator.choice((0, -1, 1 << 40))),
                                                   struct.pack(">q", generator.choice((0, 4096, 1 << 50)))))
        if generator.random() < 0.2:
            del spoiled[generator.randrange(len(spoiled)):]
        run(f"{name}, random {number}", spoiled, generator.choice((0, 1, 31)))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--every", type=int, default=7, help="of the extremes run one in so many")
    parser.add_argument("--count", type=int, default=25, help="random mutations of each dump")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--sanitized", action="store_true")
    options = parser.parse_args()
    generator = random.Random(options.seed)
    print("1..4")
    with tempfile.TemporaryDirectory() as folder:
        core, flat = (os.path.join(folder, name) for name in ("core", "flat"))
        mkvmcore.generate(KERNEL, "small", core)
        dumps = {}
        for name, _, _, _, how in LAYOUTS:
            path = os.path.join(folder, name)
            run_script("mkkdump.py", core, "-o", path, "--codec", "mix", "--machine", name, *how)
            with open(path, "rb") as file:
                dumps[name] = file.read()
        data = dumps["x86_64"]
        run_script("flatten.py", os.path.join(folder, "x86_64"), flat, "--order", "streams", "--gaps")
        with open(flat, "rb") as file:
            flattened = file.read()
        for number, (name, job) in enumerate((
                ("extremes of header fields do no harm",
                 lambda run: extremes(run, LAYOUTS[0], data, options.every, 31)),
                ("extremes of header fields in other layouts do no harm",
                 lambda run: other_layouts(run, dumps, options.every)),
                ("spoiled dumps do no harm", lambda run: at_random(run, data, generator, options.count, "kdump")),
                ("spoiled flattened dumps do no harm",
                 lambda run: at_random(run, flattened, generator, options.count, "flattened"))), 1):
            run = Runner(folder, options.sanitized)
            job(run)
            print(f"{'not ok' if run.problems or not run.runs else 'ok'} {number} - {name}")
            for problem in run.problems[:20]:
                print(f"# {problem}")


if __name__ == "__main__":
    main()
