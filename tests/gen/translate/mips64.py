# SPDX-License-Identifier: GPL-2.0-or-later
"""mips64: windows for physical memory; the rest is in the page tables, which hold addresses of windows."""

from translate import Translator as Base, WalkError, bits

CKSEG0, CKSEG2 = 0xffffffff80000000, 0xffffffffc0000000


def window(address):
    """Physical address, or None for what is in tables."""
    if CKSEG0 <= address < CKSEG2:
        return address & 0x1fffffff
    return bits(address, 58, 0) if address >> 62 == 2 else None


class Translator(Base):
    section_bits, physmem_bits = 28, 48

    def setup(self):
        self.section_bits = 29 if self.page_shift == 16 else 28
        self.root = window(self.symbol("swapper_pg_dir"))
        step, count = self.page_shift - 3, 1
        table, nothing = self.root, None
        while True:
            entries = [self.core.read(table + at, 8) for at in range(0, 8 << step, 8)]
            usual = int.from_bytes(max(set(entries), key=entries.count), "little" if self.order == "<" else "big")
            place = window(usual)
            if place is None:
                break
            if nothing is None:
                nothing = entries and usual
            table, count = place, count + 1
        self.levels = [(self.page_shift + step * level, step) for level in reversed(range(count))]
        # a root of two pages is used where 4 KiB and 16 KiB pages have three levels
        if count == 3 and self.page_shift < 16:
            self.levels[0] = (self.levels[0][0], step + 1)

    def decode(self, entry, shift):
        frame = entry >> self.page_shift + 2 << self.page_shift
        if shift == self.page_shift:
            return ("leaf" if entry & 1 else None), frame, 0
        place = window(entry)
        if place is not None:
            return "table", place, 0
        return ("leaf" if entry & 0x11 == 0x11 else None), frame, 0

    def resolve(self, vaddr):
        place = window(vaddr)
        if place is not None:
            return self.linear(place)
        top, width = self.levels[0]
        if vaddr >> 62 != 3 or vaddr >= CKSEG0 or bits(vaddr, 61, 0) >> top + width:
            raise WalkError(f"{vaddr:#x} is in no table")
        return self.walk(self.root, vaddr)
