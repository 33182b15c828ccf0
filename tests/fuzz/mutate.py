#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Spoils small generated dumps, at the extremes of every header field and at random, and watches the program."""

import argparse
import collections
import json
import os
import random
import resource
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "gen"))
import mkvmcore                         # noqa: E402
import readkdump                        # noqa: E402
from elfreader import FormatError       # noqa: E402

SECONDS_MAX = 10
RSS_MAX_KIB = 256 << 10
OUTPUT_BYTES_MAX = 512 << 20            # really written, for inputs of some MiB
OUTPUT_LENGTH_MAX = 8 << 30             # with holes; the process gets this as its limit
PROGRESS_EACH = 1000                    # mutations: ten thousand take from 15 minutes to more than an hour
DESCRIPTORS_MAX = 200000                # looked at in one dump
IMAGE_BASE = 0xffffffff80000000
ALL_ONES = (1 << 64) - 1

KINDS_OLD = """
page 0x1701 anon
page 0x1702 cache
page 0x1703 cache-private
page 0x1704 free order=2
page 0x1708 free order=3
page 0x1710 slab order=1
page 0x1713 kernel content=random
"""
KINDS = KINDS_OLD + """
page 0x1718 hwpoison
page 0x1720 thp order=3
page 0x1728 kernel-compound order=2
"""
SMALL = "ram 0x1000000-0x1800000\n"
# name -> description; all of them hold less than 3 MiB that is not zero
BASES = {
    "6.1": "kernel 6.1\n" + SMALL + KINDS + "page 0x1712 offline\n",
    "6.12-split-notes": "kernel 6.12\nnotes split\n" + SMALL + KINDS + "page 0x1712 offline\n",
    "6.1-xnum-hole": "kernel 6.1\nelf phnum-xnum\n" + SMALL + KINDS
                     + "ram 0x2000800-0x2040400\nram 0x4000000-0x4100000\n",
    "5.10-qemu": "kernel 5.10\nelf qemu\n" + SMALL + KINDS,
    "4.4-empty": "kernel 4.4\n" + SMALL + "ram 0x2000000-0x2800000 filesz=0x1800\n" + KINDS_OLD,
    "2.6.32-lists": "kernel 2.6.32\n" + SMALL + KINDS_OLD,
    "2.6.32-flat": "kernel 2.6.32\nmodel flat\nnuma off\n" + SMALL + KINDS_OLD,
}
STATIC = "kernel 6.1\nmodel sparse-static\nram 0x1000000-0x2000000\n"

# (name, offset, size) of ELF64 records
HEADER = [("EI_CLASS", 4, 1), ("EI_DATA", 5, 1), ("EI_VERSION", 6, 1), ("e_type", 16, 2), ("e_machine", 18, 2),
          ("e_version", 20, 4), ("e_entry", 24, 8), ("e_phoff", 32, 8), ("e_shoff", 40, 8), ("e_flags", 48, 4),
          ("e_ehsize", 52, 2), ("e_phentsize", 54, 2), ("e_phnum", 56, 2), ("e_shentsize", 58, 2), ("e_shnum", 60, 2),
          ("e_shstrndx", 62, 2)]
PHDR = [("p_type", 0, 4), ("p_flags", 4, 4), ("p_offset", 8, 8), ("p_vaddr", 16, 8), ("p_paddr", 24, 8),
        ("p_filesz", 32, 8), ("p_memsz", 40, 8), ("p_align", 48, 8)]
NOTE = [("n_namesz", 0, 4), ("n_descsz", 4, 4), ("n_type", 8, 4)]
SECTION = [("sh_info", 44, 4), ("sh_size", 32, 8)]

NUMBERS = ["0", "1", "-1", "2", "7", "8", "12", "31", "32", "63", "64", "65", "255", "4095", "4096", "65535", "65536",
           "2147483647", "-2147483648", "4294967295", "4294967296", "9223372036854775807", "-9223372036854775808",
           "18446744073709551615", "18446744073709551616", "0x10", "ffffffff81000000", "ffff888000000000", "", "x", "-",
           "1 ", " 1", "1\0", "99999999999999999999999999"]


class Base:
    """A generated dump: what of it is not zero, and where its parts are."""

    def __init__(self, name, directory):
        path = os.path.join(directory, f"base-{name}")
        mkvmcore.generate(BASES.get(name, STATIC), name, path)
        with open(path, "rb") as file:
            self.data = file.read()
        os.remove(path)
        self.name, self.size = name, len(self.data)
        self.runs = self._runs()
        self.fields = self._fields()
        self.places = self._places()

    def _runs(self):
        """(position, bytes) of the pages that are not zero, neighbours together."""
        zero, runs, start = bytes(4096), [], None
        for at in range(0, self.size, 4096):
            if self.data[at:at + 4096] == zero[:min(4096, self.size - at)]:
                if start is not None:
                    runs.append((start, self.data[start:at]))
                start = None
            elif start is None:
                start = at
        if start is not None:
            runs.append((start, self.data[start:]))
        return runs

    def _number(self, at, size):
        return int.from_bytes(self.data[at:at + size], "little")

    def _fields(self):
        """(name, position, size) of every field of headers and notes."""
        fields = list(HEADER)
        phoff, shoff, count = self._number(32, 8), self._number(40, 8), self._number(56, 2)
        if count == 0xffff:
            count = self._number(shoff + 44, 4)
        if shoff:
            fields += [(f"{name} of section 0", shoff + at, size) for name, at, size in SECTION]
        self.segments, self.text = [], None
        for number in range(count):
            base = phoff + 56 * number
            fields += [(f"{name} of header {number}", base + at, size) for name, at, size in PHDR]
            kind, offset = self._number(base, 4), self._number(base + 8, 8)
            if kind == 1:
                self.segments.append((self._number(base + 24, 8), self._number(base + 32, 8), offset))
            elif kind == 4:
                fields += self._notes(offset, offset + self._number(base + 32, 8))
        return fields

    def _notes(self, at, end):
        found = []
        while at + 12 <= end:
            name_size, size = self._number(at, 4), self._number(at + 4, 4)
            found += [(f"{name} of the note at {at:#x}", at + where, width) for name, where, width in NOTE]
            text_at = at + 12 + -(-name_size // 4) * 4
            if self.data[at + 12:at + 12 + name_size] == b"VMCOREINFO\0":
                self.text = (text_at, size)
            at = text_at + -(-size // 4) * 4
        return found

    # ---- where the kernel keeps its things

    def facts(self):
        at, size = self.text
        lines = self.data[at:at + size].decode().splitlines()
        return dict(line.split("=", 1) for line in lines if "=" in line)

    def symbol(self, name):
        return int(self.facts().get(f"SYMBOL({name})", "0"), 16)

    def _file_offset(self, paddr):
        for start, size, offset in self.segments:
            if start <= paddr < start + size:
                return offset + paddr - start
        return None

    def _walk(self, vaddr, tables):
        """Physical address behind a kernel address; notes the tables on the way."""
        table = self.root
        for shift in (39, 30, 21, 12):
            offset = self._file_offset(table)
            if offset is None:
                return None
            tables.add(offset)
            entry = self._number(offset + (vaddr >> shift & 511) * 8, 8)
            if not entry & 1:
                return None
            target = entry & 0xffffffffff000
            if shift == 12 or entry & 0x80:
                return target + (vaddr & (1 << shift) - 1)
            table = target
        return None

    def _at(self, vaddr):
        paddr = self._walk(vaddr, self.tables)
        return None if paddr is None else self._file_offset(paddr)

    def _word_at(self, vaddr):
        offset = self._at(vaddr)
        return 0 if offset is None else self._number(offset, 8)

    def _places(self):
        """Ranges of the file by what is there."""
        facts, self.tables, symbol = self.facts(), set(), self.symbol
        root = symbol("init_top_pgt") or symbol("init_level4_pgt") or symbol("swapper_pg_dir")
        self.root = root - IMAGE_BASE + int(facts.get("NUMBER(phys_base)", "0"))
        places = collections.defaultdict(list)
        node = self._word_at(symbol("node_data")) if symbol("node_data") else symbol("contig_page_data")
        for vaddr, length, what in ((node, 0x2200, "node"), (symbol("node_data"), 512, "node"),
                                    (symbol("mem_map"), 8, "sections"), (symbol("init_uts_ns"), 400, "names")):
            offset = self._at(vaddr) if vaddr else None
            if offset is not None:
                places[what].append((offset, length))
        size = int(facts["SIZE(page)"])
        self.page_size = size
        page = self._word_at(symbol("mem_map")) if symbol("mem_map") \
            else self._struct_page_0(symbol("mem_section"), places)
        for pfn in list(range(0x1000, 0x1040)) + list(range(0x16f0, 0x1740)):
            offset = self._at(page + pfn * size)
            if offset is not None:
                places["structs"].append((offset, size))
        places["tables"] = [(offset, 4096) for offset in sorted(self.tables)]
        if not places["structs"]:
            raise SystemExit(f"base {self.name}: its struct pages are not found")
        return places

    def _struct_page_0(self, table, places):
        # an array of sections, an array of roots, a pointer to such an array
        for address, root in ((table, table), (table, self._word_at(table)),
                              (self._word_at(table), self._word_at(self._word_at(table)))):
            offset = self._at(root)
            if offset is not None and self._number(offset, 8) & 1:
                places["sections"] += [(self._at(address), 64), (offset, 64)]
                return self._number(offset, 8) & ~0xfff & ALL_ONES
        return 0


class Mutation:
    """Edits of a base: bytes to put, and a new length."""

    def __init__(self, base):
        self.base, self.edits, self.length, self.notes, self.end = base, [], base.size, [], b""
        self.text = base.data[base.text[0]:sum(base.text)]

    def put(self, at, data):
        if at < self.base.size:
            self.edits.append((at, bytes(data)))

    def field(self, name, at, size, value):
        self.notes.append(f"{name}={value & (1 << 8 * size) - 1:#x}")
        self.put(at, (value & (1 << 8 * size) - 1).to_bytes(size, "little"))

    def write(self, path):
        with open(path, "wb") as file:
            file.truncate(self.base.size)
            for at, data in self.base.runs:
                os.pwrite(file.fileno(), data, at)
            for at, data in self.edits:
                os.pwrite(file.fileno(), data, at)
            file.truncate(self.length)
            os.pwrite(file.fileno(), self.end, self.length)

    def add_headers(self, headers):
        """Moves the program headers to the end of the file, with more of them."""
        phoff, count = self.base._number(32, 8), self.base._number(56, 2)
        table = self.base.data[phoff:phoff + 56 * count] + b"".join(headers)
        section = bytes(44) + struct.pack("<I", len(table) // 56) + bytes(16)
        self.field("e_shoff", 40, 8, self.length)
        self.field("e_phoff", 32, 8, self.length + 64)
        self.field("e_phnum", 56, 2, min(len(table) // 56, 0xffff))
        self.field("e_shentsize", 58, 2, 64)
        self.end = section + table

    def set_fact(self, key, value):
        """Another number, in front of the text's first line, which gets lost with as much as is needed."""
        at, size = self.base.text
        lines = [line for line in self.text.splitlines() if not line.startswith((f"{key}=".encode(), b"BUILD-ID"))]
        self.text = b"\n".join([f"{key}={value}".encode()] + lines)[:size].ljust(size, b"\n")
        self.put(at, self.text)


def extremes(real, size, file_size):
    top = 1 << 8 * size
    values = [0, 1, top - 1, top >> 1, (top >> 1) - 1, real - 1, real + 1, real * 2, real // 2, real + 4096, top - 8,
              file_size - 1, file_size, file_size + 1, 1 << 40, 1 << 46, (1 << 46) + 4096, (1 << 52) - 4096, 1 << 52,
              (1 << 52) + 1]
    seen = []
    for value in values:
        if value % top == value or value == -1:
            value %= top
            if value != real and value not in seen:
                seen.append(value)
    return seen


def extreme_cases(base):
    for name, at, size in base.fields:
        for value in extremes(base._number(at, size), size, base.size):
            yield name, at, size, value


# ---- inputs that ask for much work

TIB = 1 << 40


def load(paddr, size, offset, filesz=None):
    return struct.pack("<IIQQQQQQ", 1, 7, offset, 0, paddr, size if filesz is None else filesz, size, 0)


def lost_in_pieces(base, count):
    """Memory of a TiB behind the end of the file, in pieces that follow one another in memory only."""
    size, start = TIB // count & -4096, 1 << 32
    return [load(start + size * number, size, (1 << 50) - (number << 29)) for number in range(count)]


def costly_many_pieces(base, m):
    m.add_headers(lost_in_pieces(base, 65000))


def costly_million_pieces(base, m):
    m.add_headers(lost_in_pieces(base, (1 << 20) - 16))


def costly_lost(base, m):
    m.add_headers([load(1 << 32, TIB, 1 << 50)])


def costly_empty(base, m):
    m.add_headers([load(1 << 32, TIB, 0, 0)])


def costly_alternating(base, m):
    """Pages that are there by turns, each a run of its own."""
    m.add_headers([load((1 << 32) + (number << 13), 4096, 4096, number % 2 << 12) for number in range(18000)])


def costly_overlapping(base, m):
    m.add_headers([load((1 << 32) + (number << 8), 1 << 22, 4096 + number % 7) for number in range(18000)])


def costly_notes(base, m):
    m.add_headers([struct.pack("<IIQQQQQQ", 4, 0, 4096, 0, 0, base.size - 4096, 0, 0)] * 65000)


def costly_sections(base, m):
    """Sections of two pages, each with struct pages that may be."""
    start = base.symbol("mem_section")
    word = base.data[base._at(start):][:16]
    word = (int.from_bytes(word[:8], "little") & ~0xfff | 1).to_bytes(8, "little") + bytes(8)
    for number in range(0x800, 0xa00):
        m.put(base._at(start + 16 * number) or base.size, word)
    for key, value in (("NUMBER(SECTION_SIZE_BITS)", 13), ("LENGTH(mem_section)", 1 << 46 - 13)):
        m.set_fact(key, value)
    m.add_headers([load(1 << 32, TIB, 1 << 50)])


def costly_nodes(base, m):
    """The same node 1024 times, with more zones and lists than there are."""
    table = base._at(base.symbol("node_data"))
    node = base.data[table:table + 8]
    m.put(table, node * 1024)
    m.put(base._at(base.symbol("node_online_map")), b"\xff" * 128)
    at = base._at(int.from_bytes(node, "little") + int(base.facts()["OFFSET(pglist_data.nr_zones)"]))
    m.put(at, struct.pack("<I", 16))
    for key, value in (("LENGTH(node_data)", 1024), ("LENGTH(zone.free_area)", 32), ("LENGTH(free_area.free_list)", 16),
                       ("SIZE(nodemask_t)", 128), ("SIZE(zone)", 64)):
        m.set_fact(key, value)
    m.add_headers([load(1 << 32, TIB >> 4, 1 << 50)])


COSTLY = [(function, name) for function in (costly_many_pieces, costly_million_pieces, costly_lost, costly_empty,
                                            costly_alternating, costly_overlapping)
          for name in ("6.1", "2.6.32-flat")] \
    + [(costly_notes, "6.1"), (costly_sections, "static"), (costly_nodes, "2.6.32-lists")]
HEAVY = (costly_million_pieces, costly_nodes)
COSTLY_OPTIONS = [["-d", "1"], ["-d", "31", "-l"], ["-d", "31", "--cyclic-buffer", "1"], ["-d", "31", "--dry-run"]]


def costly_numbers(which):
    every = range(len(COSTLY) * len(COSTLY_OPTIONS))
    if which == "few":
        return [number for number in every if COSTLY[number // len(COSTLY_OPTIONS)][0] not in HEAVY]
    if which in ("all", "none"):
        return every if which == "all" else []
    return [int(number) for number in which.split(",")]


# ---- addresses that cannot be

# start of a range of two pages, in a dump of a kernel with 46 address bits
BEYOND = [(1 << 46) - 4096, 1 << 46, 1 << 47, 1 << 51, (1 << 52) + 4096, 1 << 53, 1 << 63, (1 << 64) - 8192]


# ---- random mutations

def spot(rng, base):
    """A place in the file: headers and kernel structures more often than plain memory."""
    kind = rng.choice(["header", "header", "note", "structs", "tables", "node", "sections", "any"])
    if kind == "header":
        return rng.randrange(min(base.size, 64 + 56 * (len(base.segments) + 2)))
    if kind == "note":
        return base.text[0] - 64 + rng.randrange(base.text[1] + 64)
    if base.places.get(kind):
        at, length = rng.choice(base.places[kind])
        return at + rng.randrange(length)
    at, data = rng.choice(base.runs)
    return at + rng.randrange(len(data))


def mutate_bits(rng, base, m):
    for _ in range(rng.choice([1, 1, 2, 4, 16, 64])):
        at = spot(rng, base)
        m.put(at, [base.data[at] ^ 1 << rng.randrange(8)])


def mutate_runs(rng, base, m):
    for _ in range(rng.choice([1, 1, 2, 4])):
        length = rng.choice([1, 2, 4, 8, 16, 64, 512, 4096])
        fill = rng.choice([b"\0", b"\xff", b"\x80", None])
        m.put(spot(rng, base), fill * length if fill else rng.randbytes(length))


def mutate_truncate(rng, base, m):
    m.length = rng.choice([rng.randrange(base.size), rng.randrange(12 << 10), spot(rng, base),
                           base.size - rng.randrange(1, 9000)])
    if rng.random() < 0.3:
        m.length = base.size + rng.randrange(1 << 20)
    m.notes.append(f"length {m.length}")


def mutate_swap(rng, base, m):
    length = rng.choice([8, 16, 56, 64, 4096])
    a, b = (spot(rng, base) for _ in range(2))
    if length in (8, 4096):
        a, b = a & -8, b & -8
    m.put(a, base.data[b:b + length])
    if rng.random() < 0.7:
        m.put(b, base.data[a:a + length])


def mutate_fields(rng, base, m):
    for _ in range(rng.choice([1, 2, 3, 5])):
        name, at, size = rng.choice(base.fields)
        values = extremes(base._number(at, size), size, base.size)
        m.field(name, at, size, rng.choice(values) if rng.random() < 0.7 else rng.getrandbits(rng.randrange(1, 65)))


def mutate_text(rng, base, m):
    """Other values, lines lost, doubled or broken; the text keeps its length, the rest is blank lines or cut."""
    at, size = base.text
    lines = base.data[at:at + size].decode().splitlines()
    for _ in range(rng.choice([1, 1, 2, 3, 8])):
        number = rng.randrange(len(lines))
        key, sign, value = lines[number].partition("=")
        what = rng.randrange(6)
        if what <= 2 and sign:
            new = rng.choice(NUMBERS)
            if what == 2 and value.lstrip("-").isdigit():
                new = str(int(value) + rng.choice([-8, -4, -1, 1, 2, 4, 8, 64]))
            lines[number] = f"{key}={new}"
            m.notes.append(lines[number])
        elif what == 3 and len(lines) > 1:
            m.notes.append(f"no {lines.pop(number)}")
        elif what == 4:
            lines.insert(rng.randrange(len(lines)), f"{key}={rng.choice(NUMBERS)}")
        else:
            lines[number] = "".join(rng.sample(lines[number], len(lines[number])))
    text = ("\n".join(lines) + "\n").encode("latin-1")[:size].ljust(size, rng.choice([b"\n", b"\0", b"A"]))
    m.put(at, text)


def mutate_structs(rng, base, m):
    for _ in range(rng.choice([1, 2, 8, 40])):
        at, size = rng.choice(base.places["structs"])
        if rng.random() < 0.5:
            word = at + 8 * rng.randrange(size // 8)
            m.put(word, (base._number(word, 8) ^ 1 << rng.randrange(64)).to_bytes(8, "little"))
        else:
            m.put(at + 4 * rng.randrange(size // 4),
                  rng.choice([b"\0" * 4, b"\xff" * 4, rng.randbytes(4), b"\1\0\0\0"]))


def mutate_pointers(rng, base, m):
    """Words of tables, sections and lists: one of another place, or a bad one."""
    kinds = [kind for kind in ("tables", "node", "sections", "structs") if base.places.get(kind)]
    for _ in range(rng.choice([1, 1, 3, 10])):
        words = []
        for _ in range(2):
            at, length = rng.choice(base.places[rng.choice(kinds)])
            used = [where for where in range(at, at + length - 7, 8) if base._number(where, 8)] or [at]
            words.append(rng.choice(used))
        if rng.random() < 0.5:
            m.put(words[0], base.data[words[1]:words[1] + 8])
        else:
            real = base._number(words[0], 8)
            m.put(words[0], (rng.choice([0, ALL_ONES, real ^ 1 << rng.randrange(64), real + 8, real - 64, 1 << 63,
                                         real | 0xffffffffff000]) & ALL_ONES).to_bytes(8, "little"))


RANDOM = [("bits", mutate_bits), ("runs", mutate_runs), ("truncate", mutate_truncate), ("swap", mutate_swap),
          ("fields", mutate_fields), ("text", mutate_text), ("structs", mutate_structs), ("pointers", mutate_pointers)]


# ---- one run of the program

Outcome = collections.namedtuple("Outcome", "status text seconds rss_kib")


def limits():
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (OUTPUT_LENGTH_MAX, OUTPUT_LENGTH_MAX))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def run(command):
    env = dict(os.environ, LC_ALL="C", ASAN_OPTIONS="quarantine_size_mb=16:detect_leaks=1",
               UBSAN_OPTIONS="print_stacktrace=1")
    start = time.monotonic()
    with tempfile.TemporaryFile() as said:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=said, stderr=subprocess.STDOUT, env=env,
                                   preexec_fn=limits)
        watch = threading.Timer(SECONDS_MAX, process.kill)
        watch.start()
        _, wait_status, usage = os.wait4(process.pid, 0)
        watch.cancel()
        process.returncode = os.waitstatus_to_exitcode(wait_status)
        said.seek(0)
        text = said.read(1 << 20).decode("latin-1")
    return Outcome(process.returncode, text, time.monotonic() - start, usage.ru_maxrss)


class Runner:
    """Runs programs from a small process of its own: the kernel adds the size of the process that starts one to the
    memory that the started one is said to have used."""

    def __init__(self):
        commands, outcomes = os.pipe(), os.pipe()
        if os.fork() == 0:
            os.close(commands[1])
            with os.fdopen(commands[0], "rb") as source, os.fdopen(outcomes[1], "wb") as target:
                while line := source.readline():
                    target.write(json.dumps(run(json.loads(line))).encode() + b"\n")
                    target.flush()
            os._exit(0)
        os.close(commands[0])
        os.close(outcomes[1])
        self.commands, self.outcomes = os.fdopen(commands[1], "wb"), os.fdopen(outcomes[0], "rb")

    def run(self, command):
        self.commands.write(json.dumps(command).encode() + b"\n")
        self.commands.flush()
        return Outcome(*json.loads(self.outcomes.readline()))


def problems_of_dump(path, complete):
    """What is wrong with a dump by itself."""
    try:
        dump = readkdump.KdumpFile(path)
    except FormatError as problem:
        return [f"dump: {problem}"] if complete else []
    try:
        return list(dump_problems(dump, complete))
    except FormatError as problem:
        return [f"dump: {problem}"]


def dump_problems(dump, complete):
    status, block = dump.header["status"], dump.block_size
    if bool(status & 8) == complete:
        yield f"dump: status is {status:#x}"
    if not complete:
        return
    if readkdump.difference(dump.bitmap(2), dump.bitmap(1)):
        yield "dump: bitmap 2 is not a part of bitmap 1"
    if any(end > dump.max_mapnr for _, end in dump.bitmap(1)):
        yield "dump: bits beyond max_mapnr"
    for name in ("note", "vmcoreinfo"):
        size, offset = dump.sub[f"size_{name}"], dump.sub[f"offset_{name}"]
        if size and not block < offset <= dump.bitmap1_at - size:
            yield f"dump: {name} at {offset} + {size} is outside the sub header's blocks"
    data_at = dump.descriptors_at + readkdump.DESCRIPTOR * dump.present()
    seen = 0
    for first, descriptors in dump.batches():
        for number, (offset, size, flags) in enumerate(descriptors):
            good = data_at <= offset <= dump.size - size and 0 < size <= block
            if not good or (flags and flags != status & readkdump.COMPRESSION) or (not flags and size != block):
                yield f"dump: pfn {first + number:#x} has descriptor {(offset, size, flags)}"
                return
        seen += len(descriptors)
        if seen > DESCRIPTORS_MAX:
            return


def problems(outcome, output, with_rss, dry):
    found = []
    if outcome.seconds >= SECONDS_MAX:
        found.append(f"took {outcome.seconds:.1f} s")
    if outcome.status not in (0, 1):
        found.append(f"exit status {outcome.status}")
    if "Sanitizer" in outcome.text or "runtime error" in outcome.text:
        found.append("the sanitizer complains")
    if outcome.status == 1 and not any(line.strip() and "Failed" not in line for line in outcome.text.splitlines()):
        found.append("failed without a word")
    if outcome.status == 0 and "saved to" not in outcome.text:
        found.append("succeeded without a word")
    if with_rss and outcome.rss_kib > RSS_MAX_KIB:
        found.append(f"used {outcome.rss_kib >> 10} MiB")
    if os.path.exists(output):
        if os.stat(output).st_blocks * 512 > OUTPUT_BYTES_MAX:
            found.append(f"wrote {os.stat(output).st_blocks >> 11} MiB")
        elif outcome.status in (0, 1) and os.path.getsize(output):
            found += problems_of_dump(output, outcome.status == 0)
    elif outcome.status == 0 and not dry:
        found.append("succeeded without a dump")
    return found


def program_options(rng):
    options = ["-d", rng.choice(["0", "1", "2", "4", "8", "16", "31", "31", "31"])]
    options += rng.choice([["-c"], ["-l"], ["-p"], ["-z"], [], []])
    options += rng.choice([["--cyclic-buffer", "1"], ["--cyclic-buffer", "4"], [], []])
    options += rng.choice([["--non-mmap"], [], []])
    options += rng.choice([["-D"], ["--message-level", "31"], [], []])
    return options


class Tester:
    def __init__(self, options, directory, runner):
        self.options, self.directory, self.runner = options, directory, runner
        self.bases = {}
        self.results = collections.OrderedDict()        # group -> [passed, failures]
        self.slowest, self.largest, self.statuses = (0, ""), (0, ""), collections.Counter()

    def base(self, name):
        if name not in self.bases:
            self.bases[name] = Base(name, self.directory)
        return self.bases[name]

    def try_one(self, group, label, mutation, arguments, more_problems=None):
        path, output = os.path.join(self.directory, "vmcore"), os.path.join(self.directory, "dump")
        mutation.write(path)
        found = []
        programs = [self.options.program] + ([self.options.plain] if self.options.plain else [])
        for program in programs:
            if os.path.exists(output):
                os.remove(output)
            outcome = self.runner.run([program] + arguments + [path, output])
            # with a sanitizer the memory is not the program's own: the plain build answers for it
            plain = program == programs[-1] and (len(programs) == 2 or not self.options.sanitized)
            found += problems(outcome, output, plain, "--dry-run" in arguments)
            found += more_problems(outcome) if more_problems else []
            self.slowest = max(self.slowest, (outcome.seconds, label))
            if plain:
                self.largest = max(self.largest, (outcome.rss_kib, label))
            self.statuses[outcome.status] += 1
        passed_failed = self.results.setdefault(group, [0, []])
        if not found:
            passed_failed[0] += 1
            if self.options.verbose:
                print(f"# {label}: {outcome.status} {outcome.seconds:.2f} s {outcome.rss_kib >> 10} MiB")
            return
        text = f"{label}: {' '.join(arguments)}: {'; '.join(found)} [{', '.join(mutation.notes)[:300]}]"
        passed_failed[1].append(text)
        print("# " + text, flush=True)
        if self.options.verbose:
            print(outcome.text)
        if self.options.keep:
            os.makedirs(self.options.keep, exist_ok=True)
            subprocess.run(["cp", "--sparse=always", path, os.path.join(self.options.keep, label.replace(" ", "-"))],
                           check=True)

    def extreme(self, number, name, case):
        field, at, size, value = case
        mutation = Mutation(self.base(name))
        mutation.field(field, at, size, value)
        rng = random.Random(f"extreme {self.options.seed} {name} {number}")
        self.try_one(f"extremes of {name}", f"extreme {name} {number}", mutation, program_options(rng))

    def beyond(self, number):
        """Three such ranges: one line says that they are cut, the rest is dumped."""
        mutation = Mutation(self.base("6.1"))
        mutation.add_headers([load(BEYOND[number], 8192, 4096)] * 3)
        mutation.notes = [f"memory at {BEYOND[number]:#x}"]
        self.try_one("memory beyond the address bits", f"beyond {number}", mutation, ["-d", "31"], self.is_cut)

    @staticmethod
    def is_cut(outcome):
        lines = [line for line in outcome.text.splitlines() if line.endswith(": cut.")]
        return [] if outcome.status == 0 and len(lines) == 1 else [f"{len(lines)} lines say what is cut"]

    def costly(self, number):
        function, name = COSTLY[number // len(COSTLY_OPTIONS)]
        mutation = Mutation(self.base(name))
        function(mutation.base, mutation)
        mutation.notes = [function.__name__, name]
        self.try_one("costly inputs", f"costly {number}", mutation, COSTLY_OPTIONS[number % len(COSTLY_OPTIONS)])

    def random(self, number):
        rng = random.Random(f"random {self.options.seed} {number}")
        base = self.base(rng.choice(sorted(BASES)))
        mutation = Mutation(base)
        kinds = rng.sample(RANDOM, 1 if rng.random() < 0.8 else 2)
        for kind, function in kinds:
            function(rng, base, mutation)
        mutation.notes.insert(0, f"{'+'.join(kind for kind, _ in kinds)} of {base.name}")
        self.try_one(f"random: {kinds[0][0]}", f"random {self.options.seed} {number}", mutation, program_options(rng))

    def finish(self):
        for number, (group, (passed, failures)) in enumerate(self.results.items(), 1):
            print(f"{'not ok' if failures else 'ok'} {number} - {group}: {passed} good, {len(failures)} bad")
        print(f"1..{len(self.results)}")
        print(f"# slowest {self.slowest[0]:.2f} s ({self.slowest[1]}), most memory {self.largest[0] >> 10} MiB "
              f"({self.largest[1]}), exit statuses {dict(self.statuses)}")
        return 1 if any(failures for _, failures in self.results.values()) else 0


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--program", default=os.environ.get("PROGRAM"), help="the program, perhaps with sanitizers")
    parser.add_argument("--sanitized", action="store_true", help="--program has sanitizers: its memory does not count")
    parser.add_argument("--plain", help="a build without sanitizers, run too: its memory counts")
    parser.add_argument("--seed", default="1", help="of the random numbers: equal seeds give equal mutations")
    parser.add_argument("--count", type=int, default=100, help="random mutations")
    parser.add_argument("--first", type=int, default=0, help="number of the first one")
    parser.add_argument("--extremes", default="all", help="all, none, or a number: every so many header values")
    parser.add_argument("--costly", default="none", help="inputs that ask for much work: all, few, none, or numbers")
    parser.add_argument("--extreme", action="append", default=[], metavar="BASE:N", help="only this header value")
    parser.add_argument("--keep", metavar="DIR", help="keep failing inputs here")
    parser.add_argument("--verbose", action="store_true")
    options = parser.parse_args()
    if not options.program:
        parser.error("--program or $PROGRAM has to name the program")
    runner = Runner()
    directory = tempfile.mkdtemp(dir="/dev/shm" if os.path.isdir("/dev/shm") else None)
    try:
        tester = Tester(options, directory, runner)
        step = {"all": 1, "none": 0}.get(options.extremes)
        step = int(options.extremes) if step is None else step
        for name in BASES if step and not options.extreme else ():
            for number, case in enumerate(extreme_cases(tester.base(name))):
                if number % step == step - 1:
                    tester.extreme(number, name, case)
        for name, _, number in (item.rpartition(":") for item in options.extreme):
            tester.extreme(int(number), name, list(extreme_cases(tester.base(name)))[int(number)])
        for number in range(len(BEYOND)) if step and not options.extreme else ():
            tester.beyond(number)
        for number in costly_numbers(options.costly):
            tester.costly(number)
        for number in range(options.first, options.first + options.count):
            tester.random(number)
            if (number + 1) % PROGRESS_EACH == 0:
                print(f"# {number + 1 - options.first} of {options.count} random mutations tried", flush=True)
        return tester.finish()
    finally:
        shutil.rmtree(directory)


if __name__ == "__main__":
    sys.exit(main())
