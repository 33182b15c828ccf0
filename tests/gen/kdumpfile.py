# SPDX-License-Identifier: GPL-2.0-or-later
"""A kdump-compressed file as headers, bitmaps as runs of pfns, descriptors and pages."""

import os
import re
import struct

import codecs_kdump
from elfreader import FormatError, parse_notes

SIGNATURE = b"KDUMP   "
FLATTENED = b"makedumpfile"
UTSNAME = ("sysname", "nodename", "release", "version", "machine", "domainname")
STATUS_BITS = {0x1: "zlib", 0x2: "lzo", 0x4: "snappy", 0x8: "incomplete", 0x10: "excluded-vmemmap", 0x20: "zstd"}
COMPRESSION = 0x1 | 0x2 | 0x4 | 0x20
DESCRIPTOR = 24
BATCH = 256                             # pages looked at together
AHEAD_MAX = BATCH << 16                 # bytes read at once for them

# field -> (offset, struct letter); the two main headers differ by the size of long and its alignment
MAIN_64 = {"header_version": (8, "i"), "tv_sec": (408, "q"), "tv_usec": (416, "q"), "status": (424, "I"),
           "block_size": (428, "i"), "sub_hdr_size": (432, "i"), "bitmap_blocks": (436, "I"), "max_mapnr": (440, "I"),
           "total_ram_blocks": (444, "I"), "device_blocks": (448, "I"), "written_blocks": (452, "I"),
           "current_cpu": (456, "I"), "nr_cpus": (460, "i")}
MAIN_32 = {"header_version": (8, "i"), "tv_sec": (404, "i"), "tv_usec": (408, "i"), "status": (412, "I"),
           "block_size": (416, "i"), "sub_hdr_size": (420, "i"), "bitmap_blocks": (424, "I"), "max_mapnr": (428, "I"),
           "total_ram_blocks": (432, "I"), "device_blocks": (436, "I"), "written_blocks": (440, "I"),
           "current_cpu": (444, "I"), "nr_cpus": (448, "i")}

# field -> (header version that brought it, offset, struct letter)
SUB_64 = {"phys_base": (0, 0, "q"), "dump_level": (1, 8, "i"), "split": (2, 12, "i"), "start_pfn": (2, 16, "Q"),
          "end_pfn": (2, 24, "Q"), "offset_vmcoreinfo": (3, 32, "q"), "size_vmcoreinfo": (3, 40, "Q"),
          "offset_note": (4, 48, "q"), "size_note": (4, 56, "Q"), "offset_eraseinfo": (5, 64, "q"),
          "size_eraseinfo": (5, 72, "Q"), "start_pfn_64": (6, 80, "Q"), "end_pfn_64": (6, 88, "Q"),
          "max_mapnr_64": (6, 96, "Q")}
SUB_32_PADDED = {"phys_base": (0, 0, "i"), "dump_level": (1, 4, "i"), "split": (2, 8, "i"), "start_pfn": (2, 12, "I"),
                 "end_pfn": (2, 16, "I"), "offset_vmcoreinfo": (3, 24, "q"), "size_vmcoreinfo": (3, 32, "I"),
                 "offset_note": (4, 40, "q"), "size_note": (4, 48, "I"), "offset_eraseinfo": (5, 56, "q"),
                 "size_eraseinfo": (5, 64, "I"), "start_pfn_64": (6, 72, "Q"), "end_pfn_64": (6, 80, "Q"),
                 "max_mapnr_64": (6, 88, "Q")}
SUB_32_PACKED = {"phys_base": (0, 0, "i"), "dump_level": (1, 4, "i"), "split": (2, 8, "i"), "start_pfn": (2, 12, "I"),
                 "end_pfn": (2, 16, "I"), "offset_vmcoreinfo": (3, 20, "q"), "size_vmcoreinfo": (3, 28, "I"),
                 "offset_note": (4, 32, "q"), "size_note": (4, 40, "I"), "offset_eraseinfo": (5, 44, "q"),
                 "size_eraseinfo": (5, 52, "I"), "start_pfn_64": (6, 56, "Q"), "end_pfn_64": (6, 64, "Q"),
                 "max_mapnr_64": (6, 72, "Q")}
SHAPES = [(bits, order) for bits in (64, 32) for order in "<>"]


class KdumpFile:
    """header and sub are dicts of the fields above; positions of bitmaps, descriptors and data follow from them."""

    def __init__(self, path):
        self.path = path
        self._ahead_at, self._ahead = 0, b""
        self._packed, self._page = None, b""
        self.descriptor = -1
        self.descriptor = os.open(path, os.O_RDONLY)
        self.size = os.fstat(self.descriptor).st_size
        block = self.pread(0, 4096, short=True)
        if block.startswith(FLATTENED):
            raise FormatError(f"{path}: flattened; put it in order first (-R)")
        if not block.startswith(SIGNATURE):
            raise FormatError(f"{path}: not a kdump-compressed file")
        for self.bits, self.order in SHAPES:
            fields = MAIN_64 if self.bits == 64 else MAIN_32
            self.header = {name: self._field(block, *where) for name, where in fields.items()}
            if self._plausible():
                break
        else:
            raise FormatError(f"{path}: the main header makes no sense in any byte order or word size")
        self.utsname = {name: block[12 + 65 * number:77 + 65 * number].split(b"\0")[0].decode("latin-1")
                        for number, name in enumerate(UTSNAME)}
        self.block_size = self.header["block_size"]
        self._read_sub_header()
        blocks = self.header["bitmap_blocks"]
        self.bitmap1_at = self.block_size * (1 + self.header["sub_hdr_size"])
        self.bitmap_length = blocks // 2 * self.block_size
        self.bitmap2_at = self.bitmap1_at + self.bitmap_length
        self.descriptors_at = self.bitmap1_at + blocks * self.block_size
        self.max_mapnr = self.sub.get("max_mapnr_64", self.header["max_mapnr"])
        self._runs = {}

    def __del__(self):
        # a deleted dump in memory stays there as long as it is open
        if self.descriptor >= 0:
            os.close(self.descriptor)

    def _field(self, data, offset, letter):
        return struct.unpack_from(self.order + letter, data, offset)[0]

    def _plausible(self):
        header = self.header
        return 1 <= header["header_version"] <= 6 and 4096 <= header["block_size"] <= 262144 \
            and header["block_size"] & (header["block_size"] - 1) == 0 and 0 < header["sub_hdr_size"] < 1 << 20 \
            and header["bitmap_blocks"] * header["block_size"] * 8 >= header["max_mapnr"]

    def _read_sub_header(self):
        data = self.pread(self.block_size, 104)
        fields = SUB_64
        if self.bits == 32:
            offset, size = (self._field(data, *SUB_32_PACKED[name][1:]) for name in
                            ("offset_vmcoreinfo", "size_vmcoreinfo"))
            end = self.block_size * (1 + self.header["sub_hdr_size"])
            packed = (offset == 0 and size == 0) or (self.block_size < offset and offset + size <= end)
            fields = SUB_32_PACKED if packed else SUB_32_PADDED
        self.sub = {name: self._field(data, offset, letter) for name, (since, offset, letter) in fields.items()
                    if self.header["header_version"] >= since}

    def pread(self, position, length, short=False):
        data = os.pread(self.descriptor, length, position)
        if len(data) < length and not short:
            raise FormatError(f"{self.path}: ends at {self.size}, needed are {length} bytes at {position}")
        return data

    def notes(self):
        size = self.sub.get("size_note", 0)
        return parse_notes(self.pread(self.sub["offset_note"], size), self.order) if size else []

    def vmcoreinfo(self):
        size = self.sub.get("size_vmcoreinfo", 0)
        return self.pread(self.sub["offset_vmcoreinfo"], size) if size else None

    def bitmap(self, number):
        """Sorted runs (start, end) of set bits of bitmap 1 or 2, all bits of its blocks."""
        if number not in self._runs:
            where = self.bitmap1_at if number == 1 else self.bitmap2_at
            self._runs[number] = list(self._set_bits(where, self.bitmap_length))
        return self._runs[number]

    def _set_bits(self, where, length):
        """Set bits as runs; skips holes of the file, and bytes 00 and ff many at a time."""
        runs_of_bytes = re.compile(rb"\x00+|\xff+|[^\x00\xff]+")
        start = end = 0
        position = where
        while position < where + length:
            try:
                position = max(position, os.lseek(self.descriptor, position, os.SEEK_DATA))
            except OSError:
                break                   # nothing but a hole up to the end
            if position >= where + length:
                break
            data = self.pread(position, min(1 << 20, where + length - position), short=True)
            if not data:
                break
            for match in runs_of_bytes.finditer(data):
                bit = (position - where + match.start()) * 8
                if data[match.start()] == 0:
                    continue
                for low, high in self._bits_of(match.group()):
                    if bit + low == end:
                        end = bit + high
                    else:
                        if end > start:
                            yield start, end
                        start, end = bit + low, bit + high
            position += len(data)
        if end > start:
            yield start, end

    @staticmethod
    def _bits_of(data):
        if data[0] == 0xff:
            return [(0, 8 * len(data))]
        bits = format(int.from_bytes(data, "little"), "b")[::-1]
        return [match.span() for match in re.finditer("1+", bits)]

    def batches(self):
        """(first pfn, list of (offset, size, flags)) for the pages of bitmap 2, a few hundred at a time."""
        position = self.descriptors_at
        for start, end in self.bitmap(2):
            for first in range(start, end, BATCH):
                count = min(BATCH, end - first)
                data = self.pread(position, count * DESCRIPTOR, short=True).ljust(count * DESCRIPTOR, b"\0")
                position += count * DESCRIPTOR
                yield first, [item[:3] for item in struct.iter_unpack(self.order + "qIIQ", data)]

    def read_ahead(self, descriptors):
        """Reads at once what page() will be asked for, if these pages lie close together."""
        places = [(offset, offset + size) for offset, size, _ in descriptors
                  if offset > 0 and 0 < size <= self.block_size and offset + size <= self.size]
        low, high = min(places, default=(0, 0))[0], max((end for _, end in places), default=0)
        self._ahead_at, self._ahead = low, b""
        if high - low <= AHEAD_MAX:
            self._ahead = self.pread(low, high - low, short=True)

    def holds(self, descriptors, memory, data_at):
        """Are these pages, from data_at on, next to each other, uncompressed and equal to `memory`?  Many in one look."""
        first, size = descriptors[0][0], self.block_size
        return (first >= data_at and all(item == (first + number * size, size, 0) for number, item in enumerate(descriptors))
                and first + len(memory) <= self.size and self.pread(first, len(memory)) == memory)

    def page(self, offset, size, flags):
        at = offset - self._ahead_at
        data = self._ahead[at:at + size] if 0 <= at <= len(self._ahead) - size else self.pread(offset, size)
        method = flags & COMPRESSION
        if not method:
            return data
        # neighbours often are the same, above all zeros
        if (method, data) != self._packed:
            self._page = codecs_kdump.decompress(method, data, self.block_size)
            self._packed = (method, data)
        return self._page

    def present(self):
        return sum(end - start for start, end in self.bitmap(2))
