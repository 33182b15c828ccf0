# SPDX-License-Identifier: GPL-2.0-or-later
"""riscv64: everything is in the page tables, whose root is in the image."""

from translate import Translator as Base, bits


class Translator(Base):
    section_bits, physmem_bits = 27, 56

    def setup(self):
        count = {39: 3, 48: 4, 57: 5}[self.number("VA_BITS")]
        self.canonical_bits = self.number("VA_BITS")
        self.levels = [(shift, 9) for shift in range(12 + 9 * (count - 1), 11, -9)]
        # before 6.5 no line tells where the image is: the first PT_LOAD does
        root = self.symbol("swapper_pg_dir")
        offset = self.number("va_kernel_pa_offset")
        self.root = self.segment(root) if offset is None else root - offset

    def flat_pfn(self):
        return self.number("phys_ram_base") >> 12

    def decode(self, entry, shift):
        if not entry & 1:
            return None, 0, 0
        frame = bits(entry, 53, 10)
        if not entry & 0xe:
            return "table", frame << 12, 0
        if entry >> 63 and shift == 12:
            return ("leaf", (frame & ~15) << 12, 1 << 16) if frame & 15 == 8 else (None, 0, 0)
        return "leaf", frame << 12, 0

    def resolve(self, vaddr):
        return self.walk(self.root, vaddr)
