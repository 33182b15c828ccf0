#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Mutated logs of all forms: --dump-dmesg must end soon, with the exit status 0 or 1, and say why it failed."""

import argparse
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "cli"))

import mklog  # noqa: E402 # pylint: disable=wrong-import-position

SECONDS_MAX = 5
OUTPUT_MAX = 16 << 20
NUMBERS = [0, 1, 2, 3, 7, 8, 63, 64, 255, 256, 4095, 4096, 0x7fff, 0x8000, 0xffff, 0x7fffffff, 0x80000000, 0xffffffff,
           1 << 32, (1 << 62) - 1, 1 << 62, 3 << 62, (1 << 63) - 1, 1 << 63, (1 << 64) - 1, mklog.BASE, mklog.BASE + 0x3000,
           mklog.BASE + 0x10000, mklog.BASE + mklog.MEMORY - 8]
AREAS = [(0x3000, 0x100), (0x3800, 0x60), (0x10000, 0x600), (0x10000, 0x1000), (0x14000, 0x1600), (0x18000, 0x800),
         (0x3000, 0x16000)]
MEMORY_AT = 0x3000      # in the file
TEXT_AT, TEXT_LEN = 0x1018, 0x700


def mutate(rng, core):
    """Spoils the bytes of a core; says how."""
    kind = rng.choice(["bits", "numbers", "numbers", "numbers", "swap", "facts", "cut"])
    for _ in range(rng.choice([1, 1, 1, 2, 4, 12])):
        start, length = rng.choice(AREAS)
        at = MEMORY_AT + start + rng.randrange(length)
        size = rng.choice([2, 4, 8])
        if kind == "bits":
            core[at] ^= 1 << rng.randrange(8)
        elif kind == "numbers":
            at -= at % size
            value = rng.choice(NUMBERS) if rng.random() < 0.7 else rng.getrandbits(rng.randrange(1, 65))
            core[at:at + size] = (value & (1 << 8 * size) - 1).to_bytes(size, "little")
        elif kind == "swap":
            other = at + rng.choice([-24, 24, 8, 88, 0x100])
            core[at:at + 8], core[other:other + 8] = core[other:other + 8], core[at:at + 8]
        elif kind == "facts":
            where = TEXT_AT + rng.randrange(TEXT_LEN)
            core[where] = rng.choice(b"0123456789abcdef-=\n\0")
        elif kind == "cut":
            del core[MEMORY_AT + rng.choice([0x2f00, 0x3010, 0x10000, 0x10800, 0x14200, 0x18300]) & ~0xff:]
            return kind
    return kind


def problems(options, rng, path, output):
    if os.path.exists(output):
        os.remove(output)
    extra = ["--partial-dmesg"] if rng.random() < 0.4 else []
    env = dict(os.environ, ASAN_OPTIONS="detect_leaks=1", UBSAN_OPTIONS="print_stacktrace=1")
    start = time.monotonic()
    try:
        ran = subprocess.run([options.program, "--dump-dmesg", *extra, path, output], capture_output=True, env=env,
                             timeout=SECONDS_MAX, check=False)
    except subprocess.TimeoutExpired:
        return ["did not end"], SECONDS_MAX, None
    seconds = time.monotonic() - start
    said = ran.stdout + ran.stderr
    found = []
    if ran.returncode not in (0, 1):
        found.append(f"exit status {ran.returncode}")
    if b"Sanitizer" in said or b"runtime error" in said:
        found.append("the sanitizer complains")
    if ran.returncode == 0 and not os.path.exists(output):
        found.append("no file")
    if ran.returncode == 1 and b"makedumpfile: " not in ran.stderr:
        found.append("failed without a word")
    if os.path.exists(output) and os.path.getsize(output) > OUTPUT_MAX:
        found.append(f"wrote {os.path.getsize(output)} bytes")
    return found, seconds, ran.returncode


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--program", default=os.environ.get("PROGRAM", "./makedumpfile"))
    parser.add_argument("--count", type=int, default=100)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--seed", default="1")
    options = parser.parse_args()
    directory = tempfile.mkdtemp(dir="/dev/shm" if os.path.isdir("/dev/shm") else None)
    path, output = os.path.join(directory, "vmcore"), os.path.join(directory, "log")
    failed, slowest, statuses = 0, 0, {}
    try:
        bases = []
        for form in mklog.FORMS:
            for messages, clear in (40, 20), (300, 280), (300, 3):
                memory, _ = mklog.make(form, messages, clear, 1)
                mklog.write_core(path, memory, form)
                with open(path, "rb") as core:
                    # the rest of memory is empty
                    bases.append((form, core.read()[:MEMORY_AT + 0x20000]))
        for number in range(options.first, options.first + options.count):
            rng = random.Random(f"{options.seed} {number}")
            form, base = rng.choice(bases)
            core = bytearray(base)
            kind = mutate(rng, core)
            with open(path, "wb") as out:
                out.write(core)
                if kind != "cut":
                    out.truncate(MEMORY_AT + mklog.MEMORY)
            found, seconds, status = problems(options, rng, path, output)
            slowest = max(slowest, seconds)
            statuses[status] = statuses.get(status, 0) + 1
            if found:
                failed += 1
                print(f"# {form} {kind}, --seed {options.seed} --first {number} --count 1: {'; '.join(found)}")
    finally:
        shutil.rmtree(directory)
    print(f"# slowest {slowest:.2f} s, exit statuses {statuses}")
    print(f"{'not ok' if failed else 'ok'} 1 - mutated logs: {options.count - failed} good, {failed} bad\n1..1")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
