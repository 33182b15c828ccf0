# SPDX-License-Identifier: GPL-2.0-or-later
"""sparc64: image and direct map by the program headers, the rest by page tables of physical addresses."""

from translate import Translator as Base, WalkError, bits


class Translator(Base):
    section_bits, physmem_bits = 30, 53
    levels = [(43, 10), (33, 10), (23, 10), (13, 10)]

    def setup(self):
        self.root = self.segment(self.symbol("swapper_pg_dir"))

    def decode(self, entry, shift):
        if shift == 13:
            return ("leaf" if entry >> 63 else None), bits(entry, 42, 13) << 13, 0
        if entry >> 63 and entry >> 56 & 1:
            return "leaf", bits(entry, 42, 13) << 13, 0
        return ("table" if entry else None), entry, 0

    def resolve(self, vaddr):
        try:
            return self.linear(self.segment(vaddr))
        except WalkError:
            if vaddr >> 53:
                raise WalkError(f"{vaddr:#x} is in no segment and in no table") from None
            return self.walk(self.root, vaddr)
