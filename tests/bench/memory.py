#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""How much anonymous memory each thread takes: the largest RssAnon seen, by form of the output, codec and threads."""

import argparse
import os
import re
import shlex
import sys

from bench import BenchError, Runner, print_table, remove

THREADS = (0, 2, 4, 16)                 # for each output: each has its own
RUNS = 2                                # the larger counts: what lasts less than a millisecond is not always seen
BESIDE_KIB = 192                        # that a thread may take beside the state of its codec, with pages of 4 KiB
CODECS = ("", "-c", "-l", "-p", "-z")
FORMS = {"kdump": ("", 1), "--non-mmap": ("--non-mmap", 1), "--split": ("--split", 3), "-E": ("-E", 1)}


class Memory:
    def __init__(self, options):
        self.options = options
        self.runner = Runner(options.outdir)
        self.outputs = [os.path.join(options.outdir, f"memory-{os.getpid()}.{number}") for number in range(3)]

    def command(self, words, threads, n_outputs):
        return [self.options.program, *words, "-d", self.options.level, "--num-threads", str(threads),
                "--message-level", "31", self.options.vmcore, *self.outputs[:n_outputs]]

    def peak(self, words, threads, n_outputs):
        peak = 0
        for _ in range(RUNS):
            peak = max(peak, self.runner.peak_anon(self.command(words, threads, n_outputs)))
            remove(*self.outputs)
        return peak

    def state_kib(self):
        """What the last run said of a thread's memory, less what it may take beside its codec."""
        said = re.findall(r"^Threads: \d+, (\d+) KiB each$", self.runner.said(), re.M)
        if not said:
            raise BenchError("the program does not say how much memory a thread may take")
        return int(said[-1]) - BESIDE_KIB

    def row(self, form, codec):
        words, n_outputs = FORMS[form]
        words = shlex.split(words) + shlex.split(codec)
        counts = [threads * n_outputs for threads in THREADS]
        peaks = [self.peak(words, threads, n_outputs) for threads in counts]
        state = self.state_kib()
        # of the threads that were added: the first one of an output brings what all of them share
        each = [(peaks[i + 1] - peaks[i]) / (counts[i + 1] - counts[i]) for i in (1, 2)]
        beside = max(each) - state
        return [f"{form} {codec}".strip()] + [f"{value:.0f}" for value in peaks + each] + [f"{state}", f"{beside:.0f}"], \
            beside <= BESIDE_KIB

    def run(self):
        rows, good = [], True
        for form in FORMS:
            for codec in CODECS if form != "-E" else ("",):
                row, fits = self.row(form, codec)
                rows.append(row)
                good &= fits
        print_table([("", ["work"]), ("peak KiB, threads for each output", [str(threads) for threads in THREADS]),
                     ("KiB each, to", ["4", "16"]), ("codec's", ["state"]), ("beside", ["it"])], rows)
        if not good:
            print(f"A thread takes more than {BESIDE_KIB} KiB beside the state of its codec.")
        return good


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--program", required=True)
    parser.add_argument("--vmcore", required=True, help="dump to filter, of a machine with pages of 4 KiB")
    parser.add_argument("--outdir", default="/dev/shm", help="where the outputs go")
    parser.add_argument("--level", default="1", help="dump level")
    memory = Memory(parser.parse_args())
    try:
        return 0 if memory.run() else 1
    except (BenchError, OSError) as problem:
        print(f"memory: {problem}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    finally:
        remove(memory.runner.log, *memory.outputs)


if __name__ == "__main__":
    sys.exit(main())
