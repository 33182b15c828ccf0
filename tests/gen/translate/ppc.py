# SPDX-License-Identifier: GPL-2.0-or-later
"""ppc of 32 bits: low memory by the program headers, the rest by page tables of physical addresses."""

from translate import Translator as Base, WalkError

PAGE_OFFSET = 0xc0000000


class Translator(Base):
    word, entry_bytes = 4, 4
    section_bits, physmem_bits = 24, 32
    levels = [(22, 10), (12, 10)]

    def setup(self):
        self.root = self.symbol("swapper_pg_dir") - PAGE_OFFSET

    def decode(self, entry, shift):
        if shift == 22:
            return ("table" if entry else None), entry & ~0xfff, 0
        return ("leaf" if entry & 1 else None), entry & ~0xfff, 0

    def resolve(self, vaddr):
        if vaddr >> 32:
            raise WalkError(f"{vaddr:#x} has more than 32 bits")
        try:
            return self.linear(self.segment(vaddr))
        except WalkError:
            return self.walk(self.root, vaddr)
