# SPDX-License-Identifier: GPL-2.0-or-later
"""Reads ELF cores of both classes and byte orders by physical address. Knows nothing of the writer: it follows the file's own headers."""

import os
import struct

from memory import RangeMap

PT_LOAD, PT_NOTE = 1, 4
PN_XNUM = 0xffff
ALL_ONES = (1 << 64) - 1


class FormatError(Exception):
    """The file is not what it should be."""


class ElfCore:
    def __init__(self, path):
        self.path = path
        self.descriptor = os.open(path, os.O_RDONLY)
        self.size = os.fstat(self.descriptor).st_size
        header = self._pread(0, 64)
        if header[:4] != b"\x7fELF" or header[4] not in (1, 2) or header[5] not in (1, 2):
            raise FormatError(f"{path}: not an ELF file")
        self.is64, self.order = header[4] == 2, "<" if header[5] == 1 else ">"
        self.machine = struct.unpack_from(self.order + "H", header, 18)[0]
        phoff, shoff = struct.unpack_from(self.order + ("QQ" if self.is64 else "II"), header, 32 if self.is64 else 28)
        phentsize, phnum = struct.unpack_from(self.order + "HH", header, 54 if self.is64 else 42)
        if phnum == PN_XNUM:
            phnum = struct.unpack_from(self.order + "I", self._pread(shoff, 64), 44 if self.is64 else 28)[0]
        table = self._pread(phoff, phentsize * phnum)
        self.loads, self.notes = [], []
        note_places = []
        for number in range(phnum):
            kind, offset, vaddr, paddr, filesz, memsz = self._program_header(table, number * phentsize)
            if kind == PT_LOAD:
                self.loads.append((paddr, vaddr, offset, filesz, memsz))
            elif kind == PT_NOTE:
                note_places.append((offset, filesz))
        shift = self._shift(header, shoff)
        self.loads = [(paddr, vaddr, offset + shift, filesz, memsz)
                      for paddr, vaddr, offset, filesz, memsz in self.loads]
        for offset, filesz in note_places:
            self.notes += parse_notes(self._pread(offset, filesz + shift), self.order)
        self._bytes = RangeMap()        # physical address -> file position minus address; the first segment wins
        for paddr, _, offset, filesz, _ in reversed(self.loads):
            if paddr != ALL_ONES:
                self._bytes.assign(paddr, paddr + filesz, offset - paddr)

    def _shift(self, header, shoff):
        """Files of QEMU end with memory and the names of sections; their headers may say less about where memory is."""
        shentsize, shnum = struct.unpack_from(self.order + "HH", header, 58 if self.is64 else 46)
        if shnum != 2 or not self.loads:
            return 0
        names = struct.unpack_from(self.order + ("Q" if self.is64 else "I"), self._pread(shoff + shentsize, shentsize),
                                   32 if self.is64 else 20)[0]
        start = self.size - names - sum(load[3] for load in self.loads)
        return max(0, start - min(load[2] for load in self.loads))

    def _program_header(self, table, at):
        if self.is64:
            kind, _, offset, vaddr, paddr, filesz, memsz, _ = struct.unpack_from(self.order + "IIQQQQQQ", table, at)
        else:
            kind, offset, vaddr, paddr, filesz, memsz, _, _ = struct.unpack_from(self.order + "IIIIIIII", table, at)
            paddr = ALL_ONES if paddr == 0xffffffff else paddr
        return kind, offset, vaddr, paddr, filesz, memsz

    def _pread(self, position, length):
        data = os.pread(self.descriptor, length, position)
        while len(data) < length:
            more = os.pread(self.descriptor, length - len(data), position + len(data))
            if not more:
                raise FormatError(f"{self.path}: ends at {self.size}, needed are {length} bytes at {position}")
            data += more
        return data

    def read(self, address, length):
        """Bytes at a physical address; zeros where the file has none."""
        result, position = [], address
        for start, end, shift in self._bytes.overlaps(address, address + length):
            if start > position:
                result.append(bytes(start - position))
            result.append(self._pread(start + shift, end - start))
            position = end
        if position < address + length:
            result.append(bytes(address + length - position))
        return result[0] if len(result) == 1 else b"".join(result)

    def has(self, address):
        return self._bytes.get(address) is not None

    def vmcoreinfo(self):
        """Text of the VMCOREINFO note, or None."""
        for name, _, desc in self.notes:
            if name == b"VMCOREINFO":
                return desc.decode("ascii")
        return None

    def close(self):
        os.close(self.descriptor)


def parse_notes(blob, order="<"):
    """List of (name without NUL, type, desc)."""
    notes, position = [], 0
    while position + 12 <= len(blob):
        namesz, descsz, note_type = struct.unpack_from(order + "III", blob, position)
        name_at = position + 12
        desc_at = name_at + (namesz + 3) // 4 * 4
        if desc_at + descsz > len(blob):
            raise FormatError(f"note at {position} of the notes is longer than they are")
        notes.append((blob[name_at:name_at + namesz].rstrip(b"\0"), note_type, blob[desc_at:desc_at + descsz]))
        position = desc_at + (descsz + 3) // 4 * 4
    return notes
