#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Measures our program against another one that takes the same options: in turn, from page cache to tmpfs."""

import argparse
import ctypes
import filecmp
import os
import resource
import shlex
import statistics
import sys
import time
from dataclasses import dataclass, field

WORKS = ("-l -d 31", "-c -d 31", "-z -d 31", "-l -d 1", "-l -d 0")
LOAD_LIMIT = 0.5
NOISE_LIMIT = 0.10                      # CPUs that others may keep busy meanwhile
ANON_RUNS = 3
CACHE_TRIES = 3
PAGE = resource.getpagesize()


class BenchError(Exception):
    """Nothing can be measured; the text says why."""


# ---- the machine

libc = ctypes.CDLL(None, use_errno=True)
libc.mmap.restype = ctypes.c_void_p
libc.mmap.argtypes = (ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.c_int64)
libc.munmap.argtypes = (ctypes.c_void_p, ctypes.c_size_t)
libc.mincore.argtypes = (ctypes.c_void_p, ctypes.c_size_t, ctypes.c_void_p)


def is_tmpfs(path):
    device = os.stat(path).st_dev
    wanted = f"{os.major(device)}:{os.minor(device)}"
    with open("/proc/self/mountinfo", encoding="utf-8", errors="replace") as file:
        mounts = [line.split() for line in file]
    return any(words[2] == wanted and words[words.index("-", 6) + 1] == "tmpfs" for words in mounts)


def cached_share(path):
    """How much of a file is in page cache: 1.0 is all of it."""
    size = os.path.getsize(path)
    pages = -(-size // PAGE)
    descriptor = os.open(path, os.O_RDONLY)
    try:
        where = libc.mmap(None, size, 1, 1, descriptor, 0)      # PROT_READ, MAP_SHARED
    finally:
        os.close(descriptor)
    if where == ctypes.c_void_p(-1).value:
        raise BenchError(f"{path} cannot be mapped")
    seen = (ctypes.c_ubyte * pages)()
    failed = libc.mincore(where, size, seen)
    libc.munmap(where, size)
    if failed:
        raise BenchError(f"mincore: {os.strerror(ctypes.get_errno())}")
    return sum(byte & 1 for byte in bytes(seen)) / pages


def fill_cache(path):
    for _ in range(CACHE_TRIES):        # others may push some of it out at once
        with open(path, "rb", buffering=0) as file:
            while file.read(4 << 20):
                pass
        share = cached_share(path)
        if share == 1:
            return
    raise BenchError(f"{(1 - share) * os.path.getsize(path) / 1024:.0f} KiB of {path} do not stay in page cache: "
                     "there is not enough memory for it")


def busy_seconds():
    """CPU time of everybody since the machine started, and what a hypervisor took away."""
    with open("/proc/stat", encoding="ascii") as file:
        ticks = [int(word) for word in file.readline().split()[1:]]
    per_second = os.sysconf("SC_CLK_TCK")
    user, nice, system, _, _, irq, softirq, steal = ticks[:8]
    return (user + nice + system + irq + softirq) / per_second, steal / per_second


def own_seconds():
    return sum(usage.ru_utime + usage.ru_stime for usage in (resource.getrusage(resource.RUSAGE_SELF),
                                                             resource.getrusage(resource.RUSAGE_CHILDREN)))


class Noise:
    """What others do with the CPUs from now on, in CPUs."""

    def __init__(self):
        self.start, self.busy, self.own = time.monotonic(), busy_seconds(), own_seconds()

    def now(self):
        wall = time.monotonic() - self.start
        used, stolen = (b - a for a, b in zip(self.busy, busy_seconds()))
        return max(0.0, used - (own_seconds() - self.own)) / wall, stolen / wall


# ---- runs

@dataclass
class Side:
    """One program of a pair, and what its runs took."""
    name: str
    command: list
    wall: list = field(default_factory=list)
    cpu: list = field(default_factory=list)

    def took(self, wall, cpu):
        self.wall.append(wall)
        self.cpu.append(cpu)


class Runner:
    def __init__(self, outdir):
        self.log = os.path.join(outdir, f"bench-{os.getpid()}.log")

    def spawn(self, command):
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
        actions = [(os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
                   (os.POSIX_SPAWN_OPEN, 1, self.log, flags, 0o600), (os.POSIX_SPAWN_DUP2, 1, 2)]
        try:
            return os.posix_spawnp(command[0], command, os.environ, file_actions=actions)
        except OSError as problem:
            raise BenchError(f"{command[0]}: {problem.strerror}") from None

    def said(self):
        with open(self.log, encoding="utf-8", errors="replace") as file:
            return file.read().strip()

    def check(self, command, status):
        if status:
            last = self.said().replace("\r", "\n").splitlines()[-1:] or ["no message"]
            raise BenchError(f"'{shlex.join(command)}' failed with status {os.waitstatus_to_exitcode(status)}: "
                             f"{last[0]}")

    def timed(self, command):
        """Seconds of wall clock and of CPU."""
        start = time.perf_counter()
        pid = self.spawn(command)
        _, status, usage = os.wait4(pid, 0)
        wall = time.perf_counter() - start
        self.check(command, status)
        return wall, usage.ru_utime + usage.ru_stime

    def peak_anon(self, command):
        """Largest RssAnon seen, KiB; looks every millisecond."""
        peak, due = 0, time.monotonic()
        pid = self.spawn(command)
        while True:
            ended, status = os.waitpid(pid, os.WNOHANG)
            if ended:
                self.check(command, status)
                return peak
            try:
                with open(f"/proc/{pid}/status", "rb") as file:
                    found = file.read().partition(b"RssAnon:")[2].split(None, 1)
            except OSError:
                found = []
            if found:                   # a program that is ending has no memory any more
                peak = max(peak, int(found[0]))
            due = max(due + 0.001, time.monotonic())
            time.sleep(max(0.0, due - time.monotonic()))

    def floor(self, command):
        """As timed(), of what the floor program says of its loop."""
        self.timed(command)
        wall, user, system = (float(word) for word in self.said().split()[:3])
        return wall, user + system


def remove(*paths):
    for path in paths:
        try:
            os.unlink(path)
        except FileNotFoundError:
            pass


class Bench:
    def __init__(self, options):
        self.options = options
        self.runner = Runner(options.outdir)
        base = os.path.join(options.outdir, f"bench-{os.getpid()}")
        self.outputs = {"ours": base + ".ours", "peer": base + ".peer", "floor": base + ".floor",
                        "list": base + ".list"}
        self.rows, self.floor_rows, self.notes = [], [], []

    def clean(self):
        remove(self.runner.log, *self.outputs.values())

    def side(self, name, command, work):
        return Side(name, shlex.split(command) + shlex.split(work) + [self.options.vmcore, self.outputs[name]])

    def rehearse(self, sides):
        """One run of each that does not count; keeps our dump for the floor, says what differs."""
        for side in sides:
            self.runner.timed(side.command)
        ours = self.outputs["ours"]
        size = os.path.getsize(ours)
        same = "-"
        if len(sides) > 1:
            same = "yes" if filecmp.cmp(ours, self.outputs["peer"], shallow=False) else \
                f"{size / os.path.getsize(self.outputs['peer']):.3f}"
        if self.options.floor:
            os.rename(ours, self.outputs["list"])
            self.runner.floor(self.floor_command() + ["check"])
        remove(*(path for name, path in self.outputs.items() if name != "list"))
        return size, same

    def floor_command(self):
        return [self.options.floor, self.options.vmcore, self.outputs["list"], self.outputs["floor"]]

    def measure(self, work):
        sides = [self.side("ours", shlex.quote(self.options.program), work)]
        if self.options.peer:
            sides.append(self.side("peer", self.options.peer, work))
        floor = Side("floor", self.floor_command()) if self.options.floor else None
        fill_cache(self.options.vmcore)
        size, same = self.rehearse(sides)
        noise = Noise()
        for number in range(self.options.pairs):
            for side in sides if number % 2 == 0 else reversed(sides):
                side.took(*self.runner.timed(side.command))
                remove(self.outputs[side.name])
            if floor:
                floor.took(*self.runner.floor(floor.command))
                remove(self.outputs["floor"])
        others, stolen = noise.now()
        anon = 0
        for _ in range(ANON_RUNS):
            anon = max(anon, self.runner.peak_anon(sides[0].command))
            remove(self.outputs["ours"])
        remove(self.outputs["list"])
        if cached_share(self.options.vmcore) < 1:
            self.notes.append(f"{work}: pages of the vmcore left the page cache meanwhile: the row does not count")
        if others > NOISE_LIMIT or stolen > NOISE_LIMIT:
            self.notes.append(f"{work}: others kept {others:.2f} CPUs busy, {stolen:.2f} were stolen: "
                              "the row does not count")
        ours = times(sides[0])
        self.rows.append([work] + ours + (times(sides[1]) + ratios(sides[0], sides[1]) if len(sides) > 1 else [])
                         + [f"{anon}", f"{size / 1e6:.1f}", same, f"{others:.2f}"])
        if floor:
            self.floor_rows.append([work] + ours + times(floor) + ratios(sides[0], floor))

    def run(self):
        for work in self.options.works:
            if sys.stderr.isatty():
                print(f"  {work} ...\033[K\r", end="", file=sys.stderr, flush=True)
            self.measure(work)
        if sys.stderr.isatty():
            print("\033[K", end="", file=sys.stderr, flush=True)
        ours = [("", ["work"]), ("ours: wall", ["min", "median"]), ("cpu, s", ["min", "median"])]
        rest = [("peak", ["anon KiB"]), ("dump", ["MB"]), ("same", ["bytes"]), ("others", ["CPUs"])]
        print_table(ours + (against("peer") if self.options.peer else []) + rest, self.rows)
        if self.floor_rows:
            print()
            print_table(ours + against("floor"), self.floor_rows)
        for note in self.notes:
            print(note)


def times(side):
    return [f"{f(values):.3f}" for values in (side.wall, side.cpu) for f in (min, statistics.median)]


def ratios(side, other):
    """Of medians, then the median of the ratios of each pair."""
    result = []
    for a, b in ((side.wall, other.wall), (side.cpu, other.cpu)):
        result += [statistics.median(a) / statistics.median(b), statistics.median(x / y for x, y in zip(a, b))]
    return [f"{ratio:.3f}" for ratio in result]


def against(name):
    return [(f"{name}: wall", ["min", "median"]), ("cpu, s", ["min", "median"]),
            (f"ours/{name}: wall", ["medians", "pairs"]), ("cpu", ["medians", "pairs"])]


def print_table(groups, rows):
    """`groups`: (heading, its columns)."""
    columns = [column for _, names in groups for column in names]
    widths = [max(len(row[i]) for row in [columns] + rows) for i in range(len(columns))]
    heading, at = [], 0
    for text, names in groups:
        last = at + len(names) - 1
        room = sum(widths[at:last + 1]) + 2 * (len(names) - 1)
        widths[last] += max(0, len(text) - room)
        heading.append(text.rjust(max(room, len(text))))
        at = last + 1
    print("  ".join(heading))
    for row in [columns] + rows:
        cells = [cell.rjust(width) if i else cell.ljust(width) for i, (cell, width) in enumerate(zip(row, widths))]
        print("  ".join(cells).rstrip())


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--program", required=True, help="our program")
    parser.add_argument("--peer", default="", help="command to compare with; may be empty with --floor")
    parser.add_argument("--vmcore", required=True, help="dump to filter")
    parser.add_argument("--outdir", default="/dev/shm", help="where the outputs go: a directory on tmpfs")
    parser.add_argument("--pairs", type=int, default=9, help="runs of each program")
    parser.add_argument("--work", default="", help="options to measure, several with ';' between them")
    parser.add_argument("--floor", default="", help="the built floor program")
    parser.add_argument("--force", action="store_true", help="measure on a busy machine too")
    options = parser.parse_args()
    options.works = [work.strip() for work in options.work.split(";") if work.strip()] or list(WORKS)
    return options


def prepare(options):
    """Refuses what would give figures that mean nothing."""
    if not options.peer and not options.floor:
        raise BenchError("PEER= names the makedumpfile to compare with (or FLOOR=1)")
    if options.pairs < 1:
        raise BenchError("PAIRS= is at least 1")
    if not os.path.isdir(options.outdir) or not is_tmpfs(options.outdir):
        raise BenchError(f"{options.outdir} is no directory on tmpfs (OUTDIR=)")
    load = os.getloadavg()[0]
    if load > LOAD_LIMIT:
        if not options.force:
            raise BenchError(f"the load average is {load:.2f}, more than {LOAD_LIMIT}: figures would not count "
                             "(FORCE=1 goes on)")
        print(f"The load average is {load:.2f}: these figures do not count.")
    size = os.path.getsize(options.vmcore)
    room = os.statvfs(options.outdir)
    if room.f_bavail * room.f_frsize < 3 * size:
        raise BenchError(f"{options.outdir} has no room for three files of up to {size >> 20} MiB")
    print(f"{os.path.basename(options.vmcore)}: {size / 1e6:.0f} MB in page cache, outputs on tmpfs; "
          f"{options.pairs} runs of each in turn, {os.cpu_count()} CPUs")


def main():
    options = parse_arguments()
    bench = None
    try:
        prepare(options)
        bench = Bench(options)
        bench.run()
    except (BenchError, OSError) as problem:
        print(f"bench: {problem}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    finally:
        if bench:
            bench.clean()
    return 0


if __name__ == "__main__":
    sys.exit(main())
