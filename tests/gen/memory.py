# SPDX-License-Identifier: GPL-2.0-or-later
"""Two containers: values for ranges of numbers, and the bytes of a sparse physical memory."""

from bisect import bisect_left

PAGE_SIZE = 4096
CHUNK = 1 << 16
ZERO_PAGE = bytes(PAGE_SIZE)


class RangeMap:
    """A value for each integer of some ranges; later assignments win."""

    def __init__(self):
        self.runs = []                  # sorted, disjoint (start, end, value)

    def _slice(self, start, end):
        low = bisect_left(self.runs, (start,))
        if low and self.runs[low - 1][1] > start:
            low -= 1
        return low, bisect_left(self.runs, (end,))

    def assign(self, start, end, value):
        if start >= end:
            return
        low, high = self._slice(start, end)
        # a neighbour with the same value becomes part of it
        if low and self.runs[low - 1][1:] == (start, value):
            low -= 1
            start = self.runs[low][0]
        if high < len(self.runs) and self.runs[high][0] == end and self.runs[high][2] == value:
            end = self.runs[high][1]
            high += 1
        new = [(start, end, value)]
        if low < high:
            first, last = self.runs[low], self.runs[high - 1]
            if first[0] < start:
                new.insert(0, (first[0], start, first[2]))
            if last[1] > end:
                new.append((end, last[1], last[2]))
        self.runs[low:high] = new

    def get(self, position, default=None):
        low, high = self._slice(position, position + 1)
        return self.runs[low][2] if low < high else default

    def overlaps(self, start, end):
        """The runs that touch [start, end), clipped to it."""
        low, high = self._slice(start, end)
        return [(max(start, a), min(end, b), value) for a, b, value in self.runs[low:high]]

    def gaps(self, start, end):
        """The parts of [start, end) without a value."""
        position = start
        for a, b, _ in self.overlaps(start, end):
            if position < a:
                yield position, a
            position = b
        if position < end:
            yield position, end


def round_up(value, unit):
    return -(-value // unit) * unit


def round_down(value, unit):
    return value // unit * unit


def union(ranges):
    """Sorted disjoint ranges that cover the same integers."""
    result = []
    for start, end in sorted(ranges):
        if start >= end:
            continue
        if result and start <= result[-1][1]:
            result[-1][1] = max(result[-1][1], end)
        else:
            result.append([start, end])
    return [tuple(item) for item in result]


def contains(ranges, start, end):
    """Is [start, end) inside one of these disjoint ranges?"""
    low = bisect_left(ranges, (start + 1,)) - 1
    return low >= 0 and ranges[low][1] >= end


class PhysicalMemory:
    """Bytes by physical address; what was never written is zero. Words are longs of the machine."""

    def __init__(self, word=8, order="little"):
        self.word, self.order = word, order
        self._chunks = {}

    def write(self, address, data):
        position, length = 0, len(data)
        while position < length:
            number, offset = divmod(address + position, CHUNK)
            step = min(CHUNK - offset, length - position)
            chunk = self._chunks.get(number)
            if chunk is None:
                chunk = self._chunks[number] = bytearray(CHUNK)
            chunk[offset:offset + step] = data[position:position + step]
            position += step

    def write_word(self, address, value):
        self.write(address, (value & (1 << 8 * self.word) - 1).to_bytes(self.word, self.order))

    def write_int(self, address, value):
        self.write(address, (value & 0xffffffff).to_bytes(4, self.order))

    def repeat(self, source, target, length):
        """From now on both are the same memory; all of it in whole chunks."""
        for offset in range(0, length, CHUNK):
            chunk = self._chunks.setdefault((source + offset) // CHUNK, bytearray(CHUNK))
            self._chunks[(target + offset) // CHUNK] = chunk

    def read(self, address, length):
        parts = []
        while length > 0:
            number, offset = divmod(address, CHUNK)
            step = min(CHUNK - offset, length)
            chunk = self._chunks.get(number)
            parts.append(bytes(step) if chunk is None else bytes(chunk[offset:offset + step]))
            address += step
            length -= step
        return b"".join(parts)

    def read_word(self, address):
        return int.from_bytes(self.read(address, self.word), self.order)

    def nonzero_runs(self, start=0, end=1 << 64):
        """Runs (address, bytes) of pages inside [start, end) that hold something; page aligned at inner borders."""
        for number in sorted(self._chunks):
            base, chunk = number * CHUNK, self._chunks[number]
            if base + CHUNK <= start or base >= end:
                continue
            run = None
            for offset in range(0, CHUNK, PAGE_SIZE):
                if base + offset + PAGE_SIZE <= start or base + offset >= end \
                        or chunk[offset:offset + PAGE_SIZE] == ZERO_PAGE:
                    if run is not None:
                        yield self._clip(base, chunk, run, offset, start, end)
                        run = None
                elif run is None:
                    run = offset
            if run is not None:
                yield self._clip(base, chunk, run, CHUNK, start, end)

    @staticmethod
    def _clip(base, chunk, first, last, start, end):
        first, last = max(first, start - base), min(last, end - base)
        return base + first, bytes(chunk[first:last])
