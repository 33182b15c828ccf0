#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Stops every way out at points spread over its bytes, and looks at what is left.

Each cell: points, files left, files marked, pages read back.  Every run has to fail, every file that looks like a dump
has to be marked, and every page that it claims has to be the page of the whole dump.

full, -L: a disk, or what the program may write, that is so small.  SIGKILL, SIGTERM, EIO: when so many bytes were
written.  closed pipe: who reads the stream, or with -R who writes it, is gone after so many bytes.  fsync, close: each
call for an output fails once.  lost: what is written behind this offset never gets to the disk, and waiting for it fails.
"""

import argparse
import contextlib
import os
import resource
import shutil
import signal
import subprocess
import sys
import tempfile

import dumpcheck

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
# cells with many points
OFTEN_WAYS = ("kdump", "ELF", "flattened", "flattened ELF", "-R ours", "-R foreign", "-R ELF")
OFTEN_FAULTS = ("full", "-L", "SIGKILL", "EIO")
FAULTS = ("full", "-L", "SIGKILL", "SIGTERM", "closed pipe", "EIO", "fsync", "close", "lost")


class Run:
    """One way out: a command, its outputs, and the whole dumps that these are compared with."""

    def __init__(self, name, arguments, outputs, stream_in=None, streams=False):
        self.name, self.arguments, self.outputs, self.stream_in, self.streams = name, arguments, outputs, stream_in, streams


class Table:
    def __init__(self, options):
        self.options = options
        self.folder = tempfile.mkdtemp(prefix="fault-", dir=options.dir)
        self.failures = 0
        self.number = 0
        self.environment = dict(os.environ, LC_ALL="C", ASAN_OPTIONS="verify_asan_link_order=0:detect_leaks=0")

    def path(self, name):
        return os.path.join(self.folder, name)

    def program(self, *arguments, **more):
        return subprocess.run([self.options.program, "--message-level", "4", *arguments], env=self.environment,
                              cwd=self.folder, check=True, **more)

    def prepare(self):
        """The input, and the whole dump of each way."""
        subprocess.run([sys.executable, os.path.join(ROOT, "tests/cli/mkelf.py"), self.path("vmcore"),
                        f"0x0,{self.options.bytes:#x}", "--zero-every", "3"], check=True)
        level = ["-d", "1", "-b", "2"]
        self.program(*level, "vmcore", "whole")
        with open(self.path("ours"), "wb") as f:
            self.program(*level, "-F", "vmcore", stdout=f)
        subprocess.run([sys.executable, os.path.join(ROOT, "tests/cli/flatten.py"), "table-first", self.path("ours"),
                        self.path("foreign")], check=True)
        self.program(*level, "--split", "vmcore", "whole1", "whole2", "whole3")
        whole = dumpcheck.Whole(self.path("whole"))
        parts = {f"out{i}": dumpcheck.Whole(self.path(f"whole{i}")) for i in (1, 2, 3)}
        out, elf = {"out": whole}, {"out": dumpcheck.WholeElf(self.path("vmcore"))}
        with open(self.path("elf"), "wb") as f:
            self.program(*level, "-E", "-F", "vmcore", stdout=f)
        self.ways = [
            Run("kdump", [*level, "vmcore", "out"], out),
            Run("ELF", [*level, "-E", "vmcore", "out"], elf),
            Run("split", [*level, "--split", "vmcore", "out1", "out2", "out3"], parts),
            Run("flattened", [*level, "-F", "vmcore"], out, streams=True),
            Run("flattened ELF", [*level, "-E", "-F", "vmcore"], elf, streams=True),
            Run("reassemble", ["--reassemble", "whole3", "whole1", "whole2", "out"], out),
            Run("-R ours", ["-R", "out"], out, "ours"),
            Run("-R foreign", ["-R", "out"], out, "foreign"),
            Run("-R ELF", ["-R", "out"], elf, "elf"),
        ]
        for text in self.options.stream:
            name, _, stream = text.partition("=")
            stream = os.path.abspath(stream)
            with open(stream, "rb") as f:
                self.program("-R", "whole-" + name, stdin=f)
            self.ways.append(Run("-R " + name, ["-R", "out"], {"out": dumpcheck.Whole(self.path("whole-" + name))}, stream))

    def clean(self, run, where=None):
        for name in [*run.outputs, "stream"]:
            for folder in (self.folder, where):
                if folder and os.path.exists(os.path.join(folder, name)):
                    os.unlink(os.path.join(folder, name))

    def execute(self, run, more=(), fault=None, limit=None, where=None, count=None, pipe_bytes=None,
                input_bytes=None):
        """Runs a way out, with outputs in the folder `where`.  Returns its status."""
        where = where or self.folder
        environment = dict(self.environment)
        if fault or count:
            environment["LD_PRELOAD"] = self.options.shim
        if fault:
            environment["FAULT"] = fault
        if count:
            environment["FAULT_COUNT"] = count
        arguments = [os.path.join(where, a) if a in run.outputs else a for a in run.arguments]
        command = [self.options.program, "--message-level", "0", *more, *arguments]

        def child():
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            if limit is not None:
                resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

        stdin = subprocess.DEVNULL
        if input_bytes is not None:
            stdin = subprocess.PIPE
        elif run.stream_in:
            stdin = open(os.path.join(self.folder, run.stream_in), "rb")
        stdout = subprocess.DEVNULL
        if run.streams and pipe_bytes is None:
            stdout = open(os.path.join(where, "stream"), "wb")
        elif run.streams:
            stdout = subprocess.PIPE
        process = subprocess.Popen(command, env=environment, cwd=self.folder, stdin=stdin, stdout=stdout,
                                   stderr=subprocess.DEVNULL, preexec_fn=child)
        if pipe_bytes is not None:
            with open(self.path("stream"), "wb") as f:
                f.write(process.stdout.read(pipe_bytes))
            process.stdout.close()
        if input_bytes is not None:
            with open(os.path.join(self.folder, run.stream_in), "rb") as f, process.stdin, \
                    contextlib.suppress(BrokenPipeError):
                process.stdin.write(f.read(input_bytes))
        try:
            return process.wait(timeout=120)
        finally:
            process.kill()

    def measure(self, run):
        """Bytes written, calls of fsync and of close; and that it works at all."""
        self.clean(run)
        if self.execute(run, count=self.path("count")):
            raise SystemExit(f"{run.name} fails without a fault")
        with open(self.path("count"), encoding="ascii") as f:
            run.bytes, run.syncs, run.closes = map(int, f.read().split())
        names = ["stream"] if run.streams else run.outputs
        run.room = sum(os.stat(self.path(name)).st_blocks * 512 for name in names)
        run.length = max(os.stat(self.path(name)).st_size for name in names)

    def look(self, run, where=None):
        """(files, marked, pages) of what is left."""
        files = marked = pages = 0
        where = where or self.folder
        if run.streams:
            # what is left is a stream: putting it in order has to fail, and is then looked at
            stream = os.path.join(where, "stream")
            files = 1
            with open(stream, "rb") as f:
                if not subprocess.run([self.options.program, "--message-level", "0", "-f", "-R", "out"], stdin=f,
                                      env=self.environment, cwd=self.folder, check=False).returncode:
                    raise dumpcheck.Wrong("the stream has an end")
            where = self.folder
        for name, whole in run.outputs.items():
            path = os.path.join(where, name)
            if not os.path.exists(path):
                continue
            files += not run.streams
            _, is_marked, readable = whole.check(path)
            marked += is_marked
            pages += readable
        return files, marked, pages

    def small_disk(self, size):
        """A full disk of its own, where that is allowed."""
        folder = self.path("disk")
        os.makedirs(folder, exist_ok=True)
        done = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={max(size, 4096)}", "none", folder],
                              stderr=subprocess.DEVNULL, check=False)
        return folder if not done.returncode else None

    def one(self, run, fault, at):
        """One point of a cell."""
        self.clean(run)
        if fault == "full":
            disk = self.small_disk(at)
            if not disk:
                return self.execute(run, limit=at), self.look(run)
            try:
                return self.execute(run, where=disk), self.look(run, disk)
            finally:
                subprocess.run(["umount", disk], check=True)
        if fault == "-L":
            return self.execute(run, more=["-L", str(at)]), self.look(run)
        if fault == "closed pipe" and run.stream_in:
            return self.execute(run, input_bytes=at), self.look(run)
        if fault == "closed pipe":
            return self.execute(run, pipe_bytes=at), self.look(run)
        kind = {"SIGKILL": "kill", "SIGTERM": "term", "EIO": "eio"}.get(fault, fault)
        return self.execute(run, fault=f"{kind} {at}"), self.look(run)

    def points(self, run, fault):
        often = run.name in OFTEN_WAYS and fault in OFTEN_FAULTS
        n = self.options.points if often else self.options.other
        if fault in ("fsync", "close"):
            return range(1, (run.syncs if fault == "fsync" else run.closes) + 1)
        total = run.bytes if fault in ("SIGKILL", "SIGTERM", "EIO") else run.length
        if fault == "closed pipe" and run.stream_in:
            total = os.stat(os.path.join(self.folder, run.stream_in)).st_size
        if fault == "full":
            # of a disk that is shared by all files, holes not counted, and of blocks
            total = run.room - 8192
        return [max(1, total * (2 * i + 1) // (2 * n)) for i in range(n)]

    def refuses_pipes(self, run):
        """Are pipes in the place of the outputs refused, with nothing written to them?"""
        self.clean(run)
        readers = []
        for name in run.outputs:
            os.mkfifo(self.path(name))
            readers.append(os.open(self.path(name), os.O_RDONLY | os.O_NONBLOCK))
        refused = self.execute(run) and not any(os.read(fd, 1) for fd in readers)
        for fd in readers:
            os.close(fd)
        self.clean(run)
        return refused

    def cell(self, run, fault):
        if fault == "closed pipe" and not run.streams and not run.stream_in:
            if self.refuses_pipes(run):
                return "impossible: its output cannot be a pipe, which is refused"
            self.failures += 1
            return "WRONG: it writes to a pipe"
        points = self.points(run, fault)
        sums = [0, 0, 0]
        for at in points:
            try:
                status, left = self.one(run, fault, at)
                if not status:
                    raise dumpcheck.Wrong("it succeeds")
            except (dumpcheck.Wrong, subprocess.TimeoutExpired) as problem:
                self.failures += 1
                return f"WRONG at {at}: {problem}"
            sums = [a + b for a, b in zip(sums, left)]
        return f"{len(points)} points, {sums[0]} files, {sums[1]} marked, {sums[2]} pages"

    def print_all(self):
        ways = [way for way in self.ways if self.options.way in (None, way.name)]
        faults = [fault for fault in FAULTS if self.options.fault in (None, fault)]
        print(f"1..{len(ways) * len(faults)}")
        for run in ways:
            self.measure(run)
            for fault in faults:
                before = self.failures
                text = self.cell(run, fault)
                self.number += 1
                print(f"{'not ok' if self.failures > before else 'ok'} {self.number} - {run.name:<13} {fault:<12} {text}",
                      flush=True)
        return 1 if self.failures else 0


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--program", default=os.environ.get("PROGRAM", os.path.join(ROOT, "makedumpfile")))
    parser.add_argument("--shim", required=True)
    parser.add_argument("--points", type=int, default=2, help="in the cells that matter most")
    parser.add_argument("--other", type=int, default=2, help="in the others")
    parser.add_argument("--bytes", type=lambda text: int(text, 0), default=0x200000, help="memory of the invented machine")
    parser.add_argument("--dir", help="where to work")
    parser.add_argument("--way", help="this row of the table alone")
    parser.add_argument("--fault", choices=FAULTS, help="this column of it alone")
    parser.add_argument("--stream", action="append", default=[], metavar="NAME=FILE",
                        help="a flattened 64-bit little-endian dump of another program for -R")
    options = parser.parse_args()
    options.shim = os.path.abspath(options.shim)
    table = Table(options)
    try:
        table.prepare()
        return table.print_all()
    finally:
        shutil.rmtree(table.folder, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
