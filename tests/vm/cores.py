#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Reads ELF cores and vmlinux files of any machine, word size and byte order. cores.py CORE prints its VMCOREINFO."""

import mmap
import os
import re
import struct
import sys

PT_LOAD, PT_NOTE = 1, 4
EM_386, EM_PPC64, EM_S390, EM_ARM, EM_X86_64, EM_AARCH64, EM_RISCV = 3, 21, 22, 40, 62, 183, 243
ALL_ONES = (1 << 64) - 1


class FormatError(Exception):
    """The file is not what it should be."""


class Elf:
    """What class, byte order, machine, and the tables of an ELF file."""

    def __init__(self, path):
        self.path = path
        self.file = open(path, "rb")
        ident = self._pread(0, 20)
        if ident[:4] != b"\x7fELF" or ident[4] not in (1, 2) or ident[5] not in (1, 2):
            raise FormatError("%s is no ELF file" % path)
        self.bits, self.order = 32 * ident[4], "<>"[ident[5] - 1]
        self.machine = self.unpack("H", ident, 18)[0]

    def unpack(self, form, data, at=0):
        return struct.unpack_from(self.order + form, data, at)

    def _pread(self, at, length):
        data = os.pread(self.file.fileno(), length, at)
        while len(data) < length:
            more = os.pread(self.file.fileno(), length - len(data), at + len(data))
            if not more:
                raise FormatError("%s: ends before %#x" % (self.path, at + length))
            data += more
        return data

    def segments(self):
        """type, offset, vaddr, paddr, filesz, memsz of every program header"""
        if self.bits == 64:
            (at,), (size, count) = self.unpack("Q", self._pread(32, 8)), self.unpack("HH", self._pread(54, 4))
            shoff, info = self.unpack("Q", self._pread(40, 8))[0], 44
        else:
            (at,), (size, count) = self.unpack("I", self._pread(28, 4)), self.unpack("HH", self._pread(42, 4))
            shoff, info = self.unpack("I", self._pread(32, 4))[0], 28
        if count == 0xffff:
            count = self.unpack("I", self._pread(shoff + info, 4))[0]
        for n in range(count):
            data = self._pread(at + n * size, size)
            if self.bits == 64:
                kind, _, *rest = self.unpack("IIQQQQQQ", data)
                yield (kind, *rest[:5])
            else:
                yield self.unpack("6I", data)

    def symbol(self, wanted):
        """Value of a symbol of a vmlinux, or None."""
        for kind, at, size, entry, names in self._sections():
            if kind != 2:  # SHT_SYMTAB
                continue
            names_at, names_size = names
            texts = self._pread(names_at, names_size)
            name = texts.find(b"\0" + wanted.encode() + b"\0") + 1
            if not name:
                return None
            table = self._pread(at, size)
            form, value = ("IBBHQQ", 4) if self.bits == 64 else ("IIIBBH", 1)
            for fields in struct.iter_unpack(self.order + form, table[:size - size % entry]):
                if fields[0] == name:
                    return fields[value]
        return None

    def _sections(self):
        if self.bits == 64:
            (at,), (size, count) = self.unpack("Q", self._pread(40, 8)), self.unpack("HH", self._pread(58, 4))
            form = "IIQQQQIIQQ"
        else:
            (at,), (size, count) = self.unpack("I", self._pread(32, 4)), self.unpack("HH", self._pread(46, 4))
            form = "IIIIIIIIII"
        rows = [self.unpack(form, self._pread(at + n * size, size)) for n in range(count)]
        for row in rows:
            yield row[1], row[4], row[5], row[9], rows[row[6]][4:6] if row[6] < count else (0, 0)


class ElfCore(Elf):
    """A core by physical address. The first segment that has an address wins."""

    def __init__(self, path):
        super().__init__(path)
        self.loads, self.notes = [], []
        for kind, offset, vaddr, paddr, filesz, memsz in self.segments():
            if kind == PT_LOAD:
                if self.bits == 32 and paddr == 0xffffffff:
                    paddr = ALL_ONES
                self.loads.append((paddr, vaddr, offset, filesz, memsz))
            elif kind == PT_NOTE:
                self.notes += self._notes(self._pread(offset, filesz))
        self._text = None

    def _notes(self, blob):
        at = 0
        while at + 12 <= len(blob):
            namesz, descsz, kind = self.unpack("III", blob, at)
            desc_at = at + 12 + (namesz + 3) // 4 * 4
            yield blob[at + 12:at + 12 + namesz].rstrip(b"\0"), kind, blob[desc_at:desc_at + descsz]
            at = desc_at + (descsz + 3) // 4 * 4

    def read(self, address, length):
        """Bytes at a physical address; zeros where the file has none."""
        for paddr, _, offset, filesz, _ in self.loads:
            if paddr <= address and address + length <= paddr + filesz:
                return self._pread(offset + address - paddr, length)
        out = bytearray(length)
        for paddr, _, offset, filesz, _ in reversed(self.loads):
            start, end = max(paddr, address), min(paddr + filesz, address + length)
            if start < end and paddr != ALL_ONES:
                out[start - address:end - address] = self._pread(offset + start - paddr, end - start)
        return bytes(out)

    def vmcoreinfo(self):
        """Text of the VMCOREINFO note, or None."""
        for name, _, desc in self.notes:
            if name == b"VMCOREINFO":
                return desc.decode("ascii")
        return None

    def text(self):
        """VMCOREINFO of the kernel: its note, or, without one, what lies in memory where a crash would take it from."""
        if self._text is None:
            self._text = self.vmcoreinfo() or self._text_in_memory()
        return self._text

    def _text_in_memory(self):
        found = {}
        with mmap.mmap(self.file.fileno(), 0, prot=mmap.PROT_READ) as data:
            for match in re.finditer(rb"OSRELEASE=[0-9]", data):
                text = data[match.start():match.start() + 65536].split(b"\0")[0]
                if b"\nPAGESIZE=" in text and b"\nSYMBOL(swapper_pg_dir)=" in text:
                    found[text] = True
        if len(found) != 1:
            raise FormatError("%s: %d texts look like VMCOREINFO" % (self.path, len(found)))
        return found.popitem()[0].decode("ascii")

    def info(self):
        """Lines of VMCOREINFO as a table."""
        return dict(line.split("=", 1) for line in self.text().splitlines() if "=" in line)

    def page_size(self):
        return int(self.info()["PAGESIZE"])

    def first_frame(self):
        """Kdump files number the pages of 32-bit Arm from the first one that there is."""
        if self.machine != EM_ARM:
            return 0
        return min(paddr for paddr, *_ in self.loads) // self.page_size()


def main(path):
    """The VMCOREINFO of a dump without the note."""
    core = ElfCore(path)
    if not core.vmcoreinfo():
        sys.stdout.write(core.text())


if __name__ == "__main__":
    main(sys.argv[1])
