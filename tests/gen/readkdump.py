#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Reads kdump-compressed files independently of the program: shows them, checks them, compares two."""

import argparse
import mmap
import signal
import struct
import sys

import codecs_kdump
import expectation
from elfreader import ElfCore, FormatError
from kdumpfile import COMPRESSION, DESCRIPTOR, STATUS_BITS, KdumpFile


# struct elf_prstatus: signal information, signal, masks, process numbers, times, registers, whether there are more
PPC64_PRSTATUS = "3i 2h 2Q 4i 8q 48Q 2i"


def command_info(options):
    for path in options.files:
        dump = KdumpFile(path)
        print(f"file {path}")
        print(f"layout {dump.bits} bit {'little' if dump.order == '<' else 'big'} endian")
        for name, value in dump.header.items():
            print(f"{name} {value:#x}" if name == "status" else f"{name} {value}")
        bits = [text for bit, text in STATUS_BITS.items() if dump.header["status"] & bit]
        print(f"status_bits {' '.join(bits) or 'none'}")
        for name, value in dump.utsname.items():
            print(f"utsname.{name} {value}")
        for name, value in dump.sub.items():
            print(f"sub.{name} {value}")
        print(f"bitmap1_at {dump.bitmap1_at:#x}\nbitmap2_at {dump.bitmap2_at:#x}")
        print(f"descriptors_at {dump.descriptors_at:#x}\ndata_at {dump.descriptors_at + DESCRIPTOR * dump.present():#x}")
        print(f"pages_bitmap1 {sum(end - start for start, end in dump.bitmap(1))}\npages_bitmap2 {dump.present()}")
        for name, note_type, desc in dump.notes():
            print(f"note {name.decode('latin-1')} type {note_type:#x} size {len(desc)}")
        if dump.sub.get("size_eraseinfo"):
            print("eraseinfo " + repr(dump.pread(dump.sub["offset_eraseinfo"], dump.sub["size_eraseinfo"])))
        if options.vmcoreinfo and dump.vmcoreinfo():
            sys.stdout.write(dump.vmcoreinfo().decode("latin-1"))
    return 0


def command_bitmap(options):
    for start, end in KdumpFile(options.file).bitmap(options.number):
        print(f"{start:#x} {end:#x}")
    return 0


class Report:
    """Collects what is wrong; prints the first few and the number of all."""

    def __init__(self, limit=20):
        self.limit, self.count = limit, 0

    def __call__(self, text):
        self.count += 1
        if self.count <= self.limit:
            print(text)

    def finish(self, good):
        if self.count > self.limit:
            print(f"... {self.count - self.limit} more")
        print(f"{self.count} problems" if self.count else good)
        return 1 if self.count else 0


def difference(left, right):
    """Parts of the runs `left` that are not in the runs `right`."""
    result, position = [], 0
    for start, end in left:
        while position < len(right) and right[position][1] <= start:
            position += 1
        other = position
        while start < end:
            if other == len(right) or right[other][0] >= end:
                result.append((start, end))
                break
            if right[other][0] > start:
                result.append((start, right[other][0]))
            start = max(start, right[other][1])
            other += 1
    return result


def report_runs(report, runs, text, classes=None):
    for number, (start, end) in enumerate(runs):
        names = ""
        if classes and number < 100:    # the rest is only counted
            found = sorted({page_class for a, b, page_class, _ in classes if a < end and start < b})
            names = f" (expected: {', '.join(found)})"
        report(f"pfn {start:#x}" + (f"..{end - 1:#x}" if end > start + 1 else "") + f": {text}{names}")


def check_header(dump, expected, level, core, options, report):
    header, sub = dump.header, dump.sub
    wanted = {"header_version": 6, "block_size": expected.page_bytes, "max_mapnr": min(expected.max_mapnr, 0xffffffff)}
    for name, value in wanted.items():
        if header[name] != value:
            report(f"header: {name} is {header[name]}, expected {value}")
    length = -(-(-(-expected.max_mapnr // 8)) // dump.block_size) * dump.block_size
    if header["bitmap_blocks"] * dump.block_size != 2 * length:
        report(f"header: bitmap_blocks is {header['bitmap_blocks']}, expected {2 * length // dump.block_size}")
    if sub["max_mapnr_64"] != expected.max_mapnr:
        report(f"sub header: max_mapnr_64 is {sub['max_mapnr_64']:#x}, expected {expected.max_mapnr:#x}")
    if sub["dump_level"] != level:
        report(f"sub header: dump_level is {sub['dump_level']}, expected {level}")
    if bin(header["status"] & COMPRESSION).count("1") > 1:
        report(f"header: status {header['status']:#x} names several compression methods")
    if bool(header["status"] & 0x8) and not options.incomplete:
        report("header: the dump is marked incomplete")
    end = dump.block_size * (1 + header["sub_hdr_size"])
    if sub["size_note"] and not dump.block_size < sub["offset_note"] <= end - sub["size_note"]:
        report(f"sub header: notes at {sub['offset_note']} + {sub['size_note']} are outside the sub header's blocks")
    elif not options.ignore_notes:
        cpus = sum(name == b"CORE" and note_type == 1 for name, note_type, _ in core.notes)
        if header["nr_cpus"] != cpus:
            report(f"header: nr_cpus is {header['nr_cpus']}, expected {cpus}")
        notes = [note for note in dump.notes() if not (expected.hidden and note[0] == b"VMCOREINFO")]
        if notes != [turned(note, core.order, dump.order) for note in core.notes]:
            report(f"notes: {len(notes)} in the dump differ from {len(core.notes)} in the vmcore")
        if expected.hidden:
            check_found_text(dump, core, report)
            return
        text = core.vmcoreinfo()
        if (dump.vmcoreinfo() or b"").decode("latin-1") != (text or ""):
            report("sub header: offset_vmcoreinfo and size_vmcoreinfo do not show the vmcore's text")


def turned(note, old, new):
    """A note as a dump of the other byte order has it: registers of ppc64 are turned round, other contents are not."""
    name, note_type, desc = note
    if old == new or name != b"CORE" or note_type != 1 or len(desc) != struct.calcsize(old + PPC64_PRSTATUS):
        return note
    return name, note_type, struct.pack(new + PPC64_PRSTATUS, *struct.unpack(old + PPC64_PRSTATUS, desc))


def check_found_text(dump, core, report):
    """VMCOREINFO that was not in the notes of the vmcore comes from its memory."""
    text = dump.vmcoreinfo()
    if not text or b"\nPAGESIZE=" not in text:
        report("no VMCOREINFO, which is in memory")
        return
    with open(core.path, "rb") as file, mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ) as data:
        if data.find(text) < 0:
            report("VMCOREINFO is not what memory has")


def check_pages(dump, level, core, options, report, first_pfn=0):
    """Every page of bitmap 2 against the vmcore; returns numbers for the summary."""
    data_at = dump.descriptors_at + DESCRIPTOR * dump.present()
    shared = (data_at, dump.block_size, 0) if level & 1 else None
    missing = zeros = compressed = rank = 0
    bs = dump.block_size
    zero_page = bytes(bs)
    if shared and (dump.size > data_at or dump.present()) and not options.incomplete \
            and dump.pread(data_at, bs, short=True) != zero_page:
        report(f"the shared zero page at {data_at:#x} is not all zeros")
    for first, descriptors in dump.batches():
        memory = core.read((first_pfn + first) * bs, len(descriptors) * bs)
        if not shared and dump.holds(descriptors, memory, data_at):
            rank += len(descriptors)
            continue
        dump.read_ahead(descriptors)
        for number, item in enumerate(descriptors):
            offset, size, flags = item
            pfn = first + number
            rank += 1
            # one that lies in two blocks of 4 KiB may have an impossible size, which readers refuse
            cut_off = options.incomplete and rank % 512 == 342 and size == 0xffffffff and not flags
            if cut_off or not offset and not size and not flags:
                missing += 1
                if not options.incomplete:
                    report(f"pfn {pfn:#x}: empty descriptor")
                continue
            wanted = memory[number * bs:(number + 1) * bs]
            is_zero = wanted == zero_page
            if shared and is_zero:
                zeros += 1
                if item != shared:
                    report(f"pfn {pfn:#x}: a page of zeros has its own descriptor {item}")
                continue
            if shared and offset == data_at:
                report(f"pfn {pfn:#x}: has contents but the descriptor of the shared zero page")
                continue
            if offset < data_at or size > bs or size == 0 or offset + size > dump.size:
                report(f"pfn {pfn:#x}: descriptor {item} is outside the data [{data_at:#x}, {dump.size:#x})")
                continue
            if flags & ~COMPRESSION or flags and flags & COMPRESSION != dump.header["status"] & COMPRESSION:
                report(f"pfn {pfn:#x}: flags {flags:#x} do not fit status {dump.header['status']:#x}")
            if not flags and size != bs:
                report(f"pfn {pfn:#x}: an uncompressed page of {size} bytes")
                continue
            if flags and size >= bs:
                report(f"pfn {pfn:#x}: a compressed page of {size} bytes")
            try:
                if dump.page(*item) != wanted:
                    report(f"pfn {pfn:#x}: contents differ from the vmcore")
            except codecs_kdump.CodecError as problem:
                if "cannot load" in str(problem):
                    raise
                report(f"pfn {pfn:#x}: {problem}")
            compressed += bool(flags)
    return missing, zeros, compressed


def check(expect_path, level, core_path, dump_path, options, report):
    expected = expectation.read(expect_path)
    core, dump = ElfCore(core_path), KdumpFile(dump_path)
    check_header(dump, expected, level, core, options, report)
    report_runs(report, difference(expected.bitmap1(), dump.bitmap(1)), "not in bitmap 1", expected.runs)
    report_runs(report, difference(dump.bitmap(1), expected.bitmap1()), "in bitmap 1 but should not", expected.runs)
    report_runs(report, difference(expected.bitmap2(level), dump.bitmap(2)), "left out", expected.runs)
    if not options.may_keep_more:
        report_runs(report, difference(dump.bitmap(2), expected.bitmap2(level)), "kept", expected.runs)
    report_runs(report, difference(dump.bitmap(2), dump.bitmap(1)), "in bitmap 2 but not in bitmap 1")
    missing, zeros, compressed = check_pages(dump, level, core, options, report, expected.first_pfn)
    core.close()
    return f"good: {dump.present()} pages, {zeros} zero, {compressed} compressed, {missing} missing"


def command_check(options):
    report = Report(options.limit)
    return report.finish(check(options.expect, options.level, options.vmcore, options.file, options, report))


def pages(dump):
    """(pfn, contents) of every page; None for a missing one."""
    for first, descriptors in dump.batches():
        for number, item in enumerate(descriptors):
            yield first + number, dump.page(*item) if any(item) else None


def command_diff(options):
    left, right = KdumpFile(options.a), KdumpFile(options.b)
    report = Report(options.limit)
    for part, names in (("header", left.header), ("sub", left.sub)):
        for name in names:
            values = getattr(left, part)[name], getattr(right, part).get(name)
            if values[0] != values[1]:
                report(f"{part} {name}: {values[0]} and {values[1]}")
    if left.utsname != right.utsname:
        report("utsname differs")
    if left.notes() != right.notes():
        report("notes differ")
    for number in (1, 2):
        report_runs(report, difference(left.bitmap(number), right.bitmap(number)), f"bitmap {number} of A only")
        report_runs(report, difference(right.bitmap(number), left.bitmap(number)), f"bitmap {number} of B only")
    first, second = pages(left), pages(right)
    a, b = next(first, None), next(second, None)
    while a and b:
        if a[0] == b[0]:
            if a[1] != b[1]:
                report(f"pfn {a[0]:#x}: {describe_difference(a[1], b[1])}")
            a, b = next(first, None), next(second, None)
        elif a[0] < b[0]:
            a = next(first, None)
        else:
            b = next(second, None)
    return report.finish("no differences")


def describe_difference(a, b):
    if a is None or b is None:
        return "missing in " + ("A" if a is None else "B")
    places = [index for index in range(min(len(a), len(b))) if a[index] != b[index]]
    return f"{len(places)} bytes differ, the first at {places[0]:#x}: {a[places[0]]:02x} and {b[places[0]]:02x}"


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    command = commands.add_parser("info", help="all header fields, notes, status bits")
    command.add_argument("files", nargs="+")
    command.add_argument("--vmcoreinfo", action="store_true", help="also print the VMCOREINFO text")
    command.set_defaults(run=command_info)
    for number in (1, 2):
        command = commands.add_parser(f"bitmap{number}", help=f"pfn ranges [START, END) of bitmap {number}")
        command.add_argument("file")
        command.set_defaults(run=command_bitmap, number=number)
    command = commands.add_parser("check", help="compare a dump with an expectation and the vmcore it was made from")
    command.add_argument("file", help="kdump-compressed file")
    command.add_argument("expect")
    command.add_argument("level", type=int)
    command.add_argument("vmcore")
    add_check_options(command)
    command.set_defaults(run=command_check)
    command = commands.add_parser("diff", help="compare two dumps page by page")
    command.add_argument("a")
    command.add_argument("b")
    command.add_argument("--limit", type=int, default=20, help="print at most so many differences")
    command.set_defaults(run=command_diff)
    options = parser.parse_args()
    try:
        return options.run(options)
    except (OSError, ValueError, FormatError, codecs_kdump.CodecError) as problem:
        print(f"readkdump.py: {problem}", file=sys.stderr)
        return 2


def add_check_options(parser):
    parser.add_argument("--incomplete", action="store_true", help="pages may be missing (empty descriptors)")
    parser.add_argument("--may-keep-more", action="store_true", help="pages that could be left out may be kept")
    parser.add_argument("--ignore-notes", action="store_true", help="do not compare notes and nr_cpus")
    parser.add_argument("--limit", type=int, default=20, help="print at most so many problems")


if __name__ == "__main__":
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)       # `| head` is no error
    sys.exit(main())
