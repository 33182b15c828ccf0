# SPDX-License-Identifier: GPL-2.0-or-later
"""loongarch64: windows for all of physical memory; the rest is in the page tables, which hold addresses of windows."""

from translate import Translator as Base, WalkError, bits


def window(address):
    return 8 <= address >> 60 < 12


class Translator(Base):
    section_bits, physmem_bits = 29, 48

    def setup(self):
        self.root = bits(self.symbol("swapper_pg_dir"), 47, 0)
        step = self.page_shift - 3
        count = 1 + self._steps_to_nothing()
        self.levels = [(self.page_shift + step * level, step) for level in reversed(range(count))]

    def _steps_to_nothing(self):
        """Unused entries lead to tables of unused entries, one for each level below."""
        table, steps = self.root, 0
        while True:
            data = self.core.read(table, 1 << self.page_shift)
            entries = [data[at:at + 8] for at in range(0, len(data), 8)]
            usual = int.from_bytes(max(set(entries), key=entries.count), "little")
            if not window(usual):
                return steps
            table, steps = bits(usual, 47, 0), steps + 1

    def decode(self, entry, shift):
        if shift == self.page_shift:
            return ("leaf" if entry & 0x80 else None), bits(entry, 47, 12) << 12, 0
        if window(entry):
            return "table", bits(entry, 47, 0), 0
        return ("leaf" if entry & 0x40 and entry & 0x80 else None), bits(entry, 47, 12) << 12, 0

    def resolve(self, vaddr):
        if window(vaddr):
            return self.linear(bits(vaddr, 47, 0))
        if vaddr >> 47 != 0x1ffff:
            raise WalkError(f"{vaddr:#x} is not an address of the kernel")
        top, width = self.levels[0]
        if bits(vaddr, 46, 0) >> min(47, top + width):
            raise WalkError(f"{vaddr:#x} is behind the page tables")
        return self.walk(self.root, vaddr)
