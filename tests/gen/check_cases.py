#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""TAP: makes every invented dump, runs $PROGRAM on it at seven levels, and compares with what the case expects."""

import glob
import multiprocessing
import os
import sys
import tempfile
from types import SimpleNamespace

import selftest
from codecs_kdump import CodecError

HERE = os.path.dirname(os.path.abspath(__file__))
# each level once, and both ways of storing pages, and ELF format; selftest.py runs all combinations
RUNS = (([], (0, 2, 8, 31)), (["-l"], (1, 4, 16)), (["-E"], (31,)))
# selftest.py --machines runs level 0, too
MACHINE_RUNS = (([], (31,)), (["-l"], (1,)))
DROPPED_KEYS = ("kernel-2.6.32", "kernel-6.12", "kernel-7.1")


def work_folder():
    """Every dump is synced before it is called complete: in memory that costs nothing, where there is enough of it."""
    try:
        free = os.statvfs("/dev/shm")
        return "/dev/shm" if free.f_bavail * free.f_frsize >= 1 << 30 and os.access("/dev/shm", os.W_OK) else None
    except OSError:
        return None


WORK = work_folder()


def options(arguments, levels):
    return SimpleNamespace(program=os.environ["PROGRAM"], arguments=" ".join(arguments), levels=levels,
                           ignore_notes=False, limit=5)


def generator_itself(_):
    with tempfile.TemporaryDirectory(dir=WORK) as directory:
        return selftest.check_reader(os.path.join(directory, "dump"))


def one_case(case):
    with tempfile.TemporaryDirectory(dir=WORK) as directory:
        core, expect, output = (os.path.join(directory, name) for name in ("core", "expect", "dump"))
        _, problems = selftest.check_generated(case, core, expect)
        for arguments, levels in RUNS:
            problems += selftest.check_program(options(arguments, levels), core, expect, output,
                                               both=False)
        return problems


def one_machine(case):
    with tempfile.TemporaryDirectory(dir=WORK) as directory:
        core, expect, output = (os.path.join(directory, name) for name in ("core", "expect", "dump"))
        kernel, problems = selftest.check_generated(case, core, expect)
        for arguments, levels in MACHINE_RUNS:
            problems += selftest.check_program(options(arguments, levels), core, expect, output, both=False)
        return problems + selftest.check_machine(os.environ["PROGRAM"], case, kernel, core, output)


def dropped_keys(name):
    with tempfile.TemporaryDirectory(dir=WORK) as directory:
        found = selftest.drop_keys(options([], ()), os.path.join(HERE, "cases", name + ".txt"), directory)
        return [text for text, bad in found if bad]


def guarded(job):
    name, function, argument = job
    try:
        return name, function(argument)
    except CodecError as problem:
        return name, [str(problem)]
    except Exception as problem:    # pylint: disable=broad-except  # a test that breaks has failed
        return name, [f"{type(problem).__name__}: {problem}"]


def main():
    jobs = [("the reader reads dumps of every layout", generator_itself, None)]
    jobs += [(f"{os.path.basename(case)[:-4]}: pages are told apart, at every level", one_case, case)
             for case in sorted(glob.glob(os.path.join(HERE, "cases", "*.txt")))]
    jobs += [(f"{os.path.basename(case)[:-4]}: pages, log and addresses are found", one_machine, case)
             for case in sorted(glob.glob(os.path.join(HERE, "cases-machines", "*.txt")))]
    jobs += [(f"{name}: without any one line of VMCOREINFO no page too many is left out", dropped_keys, name)
             for name in DROPPED_KEYS]
    print(f"1..{len(jobs)}")
    with multiprocessing.Pool(os.cpu_count()) as pool:
        for number, (name, problems) in enumerate(pool.imap(guarded, jobs), 1):
            print(f"{'not ok' if problems else 'ok'} {number} - {name}")
            for problem in problems[:20]:
                print(f"# {problem}")
            sys.stdout.flush()
    return 0


if __name__ == "__main__":
    sys.exit(main())
