#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Checks the generator against an independent reader of its dumps, and a program against the expectations."""

import argparse
import glob
import os
import struct
import subprocess
import sys
import tempfile
import time
import zlib
from types import SimpleNamespace

import checkelf
import expectation
import kdumpfile
import machinetest
import mkvmcore
import readkdump
from codecs_kdump import CodecError
from description import DescriptionError, read_text
from elfreader import ElfCore, FormatError
from kdumpfile import KdumpFile
from walker import Classifier, KernelView, WalkError

HERE = os.path.dirname(os.path.abspath(__file__))
LEVELS = (0, 1, 2, 4, 8, 16, 31)
MACHINE_LEVELS = (0, 1, 31)
WALKED_PAGES = 1 << 19                  # larger dumps are not walked page by page here


def is_walkable(kernel):
    description = kernel.description
    return description.vmcoreinfo and not description.hidden and not description.no_mem_map and description.truncate is None \
        and sum(end - start for start, end in kernel.ram_ranges) >> kernel.page_shift < WALKED_PAGES


def check_expectation_file(expected, problems):
    position = 0
    for start, end, _, _ in expected.runs:
        if start != position or end <= start:
            problems.append(f"expectation: run {start:#x}..{end:#x} does not follow {position:#x}")
        position = end
    if position != expected.max_mapnr:
        problems.append(f"expectation: ends at {position:#x}, not at {expected.max_mapnr:#x}")


def check_zero_pages(core, expected, problems):
    size = expected.page_bytes
    for start, end, page_class, zero in expected.runs:
        if page_class in ("absent", "nodata"):
            continue
        for first in range(start, end, 1024):
            count = min(1024, end - first)
            data = core.read((expected.first_pfn + first) * size, count * size)
            if zero:
                if data.count(0) != len(data):
                    problems.append(f"pfns {first:#x}+{count}: said to be zero, but are not")
                continue
            for page in range(count):
                if data.count(0, page * size, (page + 1) * size) == size:
                    problems.append(f"pfn {first + page:#x}: zero, but not said to be")


def check_walk(core, kernel, expected, problems):
    view = KernelView(core)
    if view.release != view.info["OSRELEASE"]:
        problems.append(f"release {view.release} in memory, {view.info['OSRELEASE']} in VMCOREINFO")
    text = view.info["SYMBOL(_stext)"]
    if view.translate(text)[0] != kernel.image.physical(text):
        problems.append("_stext is not mapped where the image is")
    for start, end in kernel.managed:
        for address in (start, (start + end) // 2 & -view.page, (end - 1) & -view.page):
            if kernel.machine.high_memory is not None and address >= kernel.machine.high_memory:
                continue
            if view.translate(kernel.direct(address))[0] != address & -view.page:
                problems.append(f"direct map of {address:#x} leads elsewhere")
    if view.has_nodes():
        for _ in view.free_lists():
            pass                        # complains about broken links and wrong counters
    if view.machine.first_pfn() != expected.first_pfn:
        problems.append(f"bitmaps begin at {expected.first_pfn:#x}, the second opinion says "
                        f"{view.machine.first_pfn():#x}")
    found = Classifier(view, expected.first_pfn + expected.max_mapnr).run()
    for start, end, page_class, _ in expected.runs:
        if page_class in ("absent", "nodata"):
            continue
        for pfn in range(start, end):
            other = found.get(expected.first_pfn + pfn, "keep")
            if other != page_class:
                problems.append(f"pfn {pfn:#x}: {page_class} expected, struct page says {other}")


def check_generated(case, core_path, expect_path, text=None):
    """Generates one case; returns (kernel, problems)."""
    problems = []
    kernel = mkvmcore.generate(text or read_text(case), case, core_path, expect_path)
    expected = expectation.read(expect_path)
    check_expectation_file(expected, problems)
    if expected.broken:
        return kernel, problems
    core = ElfCore(core_path)
    try:
        if kernel.description.vmcoreinfo and not kernel.description.hidden \
                and core.vmcoreinfo() != kernel.vmcoreinfo_text:
            problems.append("VMCOREINFO in the file differs from what was built")
        if is_walkable(kernel):
            check_zero_pages(core, expected, problems)
            check_walk(core, kernel, expected, problems)
    except (WalkError, FormatError) as problem:
        problems.append(str(problem))
    finally:
        core.close()
    return kernel, problems


def small_kdump(bits, order, packed):
    """A dump of three pages in one of the layouts that a reader has to tell apart: page 1 zero, page 9 zlib, page 10
    raw."""
    main = kdumpfile.MAIN_64 if bits == 64 else kdumpfile.MAIN_32
    sub = kdumpfile.SUB_64 if bits == 64 else kdumpfile.SUB_32_PACKED if packed else kdumpfile.SUB_32_PADDED
    note = struct.pack(order + "III", 11, 8, 0) + b"VMCOREINFO\0\0" + b"A=1\nB=2\n"
    note_at = 4096 + {"64": 104, "32": 80 if packed else 96}[str(bits)]
    values = {"header_version": 6, "tv_sec": 1, "block_size": 4096, "sub_hdr_size": 1, "bitmap_blocks": 2,
              "max_mapnr": 11, "nr_cpus": 0, "status": 1, "dump_level": 1, "offset_note": note_at,
              "size_note": len(note), "offset_vmcoreinfo": note_at + 24, "size_vmcoreinfo": 8, "max_mapnr_64": 11}
    data = bytearray(4 * 4096)
    data[:8] = b"KDUMP   "
    for fields, base in ((main, 0), ({name: place[1:] for name, place in sub.items()}, 4096)):
        for name, (offset, letter) in fields.items():
            struct.pack_into(order + letter, data, base + offset, values.get(name, 0))
    data[note_at:note_at + len(note)] = note
    data[2 * 4096:2 * 4096 + 2] = bytes([0xff, 0x07])
    data[3 * 4096:3 * 4096 + 2] = bytes([0x02, 0x06])
    packed_page = zlib.compress(b"nine" * 1024)
    pages = len(data) + 3 * 24
    for offset, size, flags in ((pages, 4096, 0), (pages + 4096, len(packed_page), 1),
                                (pages + 4096 + len(packed_page), 4096, 0)):
        data += struct.pack(order + "qIIQ", offset, size, flags, 0)
    return bytes(data) + bytes(4096) + packed_page + b"tenX" * 1024


def check_reader(path):
    """The reader of dumps against dumps written by hand."""
    problems = []
    for bits, order, packed in ((64, "<", False), (64, ">", False), (32, "<", False), (32, ">", False),
                                (32, "<", True), (32, ">", True)):
        with open(path, "wb") as file:
            file.write(small_kdump(bits, order, packed))
        dump = KdumpFile(path)
        found = (dump.bits, dump.order, dump.max_mapnr, dump.bitmap(1), dump.bitmap(2), dump.vmcoreinfo(),
                 [page[:4] for _, page in readkdump.pages(dump)])
        wanted = (bits, order, 11, [(0, 11)], [(1, 2), (9, 11)], b"A=1\nB=2\n", [bytes(4), b"nine", b"tenX"])
        if found != wanted:
            problems.append(f"{bits} bit, order {order}, packed {packed}: read {found}")
    return problems


def run_program(options, arguments, core_path, output):
    if os.path.exists(output):
        os.unlink(output)
    command = [options.program, *options.arguments.split(), *arguments, core_path, output]
    return subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace",
                          timeout=300, check=False)


def last_words(output):
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    return " / ".join(lines[-3:]) or "no message"


def check_program(options, core_path, expect_path, output, may_keep_more=False, both=True):
    """Runs the program at each level, with `both` with -l too; returns problems."""
    expected = expectation.read(expect_path)
    problems = []
    for level in expected.levels or options.levels:
        elf = "-E" in options.arguments.split()
        for extra in ([], ["-l"]) if both and not elf and not expected.broken else ([],):
            what = " ".join(extra + [f"-d {level}"])
            result = run_program(options, [*extra, "-d", str(level)], core_path, output)
            if expected.broken:
                if result.returncode < 0:
                    problems.append(f"{what}: killed by signal {-result.returncode}")
                continue
            if result.returncode:
                problems.append(f"{what}: exit status {result.returncode}: {last_words(result.stdout)}")
                continue
            found = []
            settings = SimpleNamespace(incomplete=False, may_keep_more=may_keep_more,
                                       ignore_notes=options.ignore_notes)
            try:
                if elf:
                    checkelf.check(output, expect_path, level, core_path, found.append)
                else:
                    readkdump.check(expect_path, level, core_path, output, settings, found.append)
            except (FormatError, ValueError) as problem:
                found.append(str(problem))
            problems += [f"{what}: {text}" for text in found[:options.limit]]
            if len(found) > options.limit:
                problems.append(f"{what}: ... {len(found) - options.limit} more")
    return problems


def check_machine(program, case, kernel, core_path, output):
    """Addresses and log of a case of cases-machines/."""
    rows = machinetest.addresses_of(case)
    problems = machinetest.check_walker(core_path, rows)
    if program:
        problems += machinetest.check_vtop(program, core_path, rows)
        problems += machinetest.check_dmesg(program, kernel, core_path, output)
    return problems


def drop_keys(options, case, directory):
    """
    Leaves out one VMCOREINFO line at a time: the dump must be the same, keep more, or be refused.
    Returns a list of (text, bad).
    """
    core, expect, output = (os.path.join(directory, name) for name in ("core", "expect", "dump"))
    text = read_text(case)
    kernel = mkvmcore.generate(text, case, core, expect)
    keys = [line.partition("=")[0] for line in kernel.vmcoreinfo_text.splitlines()]
    outcomes = []
    for key in keys:
        if key == "OSRELEASE":
            continue
        # the expectation stays that of the complete text
        mkvmcore.generate(text, case, core, None, [("drop", key)])
        result = run_program(options, ["-d", "31"], core, output)
        if result.returncode < 0:
            outcome, bad = f"killed by signal {-result.returncode}", True
        elif result.returncode:
            outcome, bad = f"refused: {last_words(result.stdout)}", False
        else:
            found = []
            settings = SimpleNamespace(incomplete=False, may_keep_more=True, ignore_notes=True)
            readkdump.check(expect, 31, core, output, settings, found.append)
            same = KdumpFile(output).bitmap(2) == expectation.read(expect).bitmap2(31)
            outcome = f"WRONG: {found[0]} ({len(found)} problems)" if found else "same" if same else "keeps more"
            bad = bool(found)
        outcomes.append((f"without {key}: {outcome}", bad))
    return outcomes


def parse_options():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("cases", nargs="*", help="descriptions (default: all in cases/)")
    parser.add_argument("--program", help="program to run on each case: PROGRAM [-l] -d LEVEL VMCORE DUMP")
    parser.add_argument("--arguments", default="", help="more arguments for the program, such as '--cyclic-buffer 1'")
    parser.add_argument("--levels", type=lambda text: [int(word) for word in text.split(",")], default=None,
                        help="dump levels, separated by commas (default: 0,1,2,4,8,16,31; with --machines 0,1,31)")
    parser.add_argument("--huge", action="store_true", help="also the cases in cases-huge/")
    parser.add_argument("--machines", action="store_true",
                        help="instead the cases in cases-machines/, at levels 0, 1 and 31, the log and addresses")
    parser.add_argument("--drop-keys", action="store_true",
                        help="with --program: instead leave out one VMCOREINFO line at a time")
    parser.add_argument("--ignore-notes", action="store_true", help="do not compare notes and nr_cpus")
    parser.add_argument("--directory", help="where to put dumps (default: a temporary directory)")
    parser.add_argument("--limit", type=int, default=5, help="problems printed for one run of the program")
    parser.add_argument("-v", "--verbose", action="store_true", help="print the time each case took")
    return parser.parse_args()


def main():
    options = parse_options()
    folder = "cases-machines" if options.machines else "cases"
    cases = options.cases or sorted(glob.glob(os.path.join(HERE, folder, "*.txt")))
    options.levels = options.levels or (MACHINE_LEVELS if options.machines else LEVELS)
    if options.huge:
        cases += sorted(glob.glob(os.path.join(HERE, "cases-huge", "*.txt")))
    bad = 0
    with tempfile.TemporaryDirectory(dir=options.directory) as directory:
        core, expect, output = (os.path.join(directory, name) for name in ("core", "expect", "dump"))
        for problem in check_reader(output):
            print(f"readkdump: {problem}")
            bad += 1
        for case in cases:
            started = time.monotonic()
            name = os.path.splitext(os.path.basename(case))[0]
            try:
                if options.drop_keys:
                    print(f"{name}:")
                    for text, wrong in drop_keys(options, case, directory):
                        print(f"  {text}")
                        bad += wrong
                    continue
                kernel, problems = check_generated(case, core, expect)
                if options.program:
                    problems += check_program(options, core, expect, output)
                if options.machines:
                    problems += check_machine(options.program, case, kernel, core, output)
            except CodecError as problem:
                print(f"selftest.py: {problem}", file=sys.stderr)
                return 2
            except (DescriptionError, subprocess.TimeoutExpired) as problem:
                problems = [str(problem)]
            for problem in problems:
                print(f"{name}: {problem}")
            bad += bool(problems)
            if options.verbose:
                print(f"{name}: {'bad' if problems else 'good'}, {time.monotonic() - started:.2f} s")
    print(f"{len(cases)} cases, {bad} bad")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
