# SPDX-License-Identifier: GPL-2.0-or-later
"""x86_64: everything is in the page tables."""

from elfreader import ALL_ONES
from translate import Translator as Base

IMAGE = 0xffffffff80000000


class Translator(Base):
    section_bits = 27

    def setup(self):
        five = self.number("pgtable_l5_enabled")
        self.levels = ([(48, 9)] if five else []) + [(39, 9), (30, 9), (21, 9), (12, 9)]
        self.physmem_bits, self.canonical_bits = (52, 57) if five else (46, 48)
        self.address_mask = 0x000ffffffffff000 & ~self.number("sme_mask", 0)
        self.phys_base = self._phys_base()
        self.root = self.info.get("SYMBOL(init_level4_pgt)", self.info.get("SYMBOL(init_top_pgt)")) \
            - IMAGE + self.phys_base

    def _phys_base(self):
        if "NUMBER(phys_base)" in self.info:
            return self.number("phys_base")
        for paddr, vaddr, *_ in self.core.loads:
            if vaddr >= IMAGE and paddr != ALL_ONES:
                return paddr - (vaddr - IMAGE)
        return 0

    def decode(self, entry, shift):
        if not entry & 1:
            return None, 0, 0
        if shift == 12 or (entry & 0x80 and shift in (21, 30)):
            return "leaf", entry & self.address_mask, 0
        return "table", entry & self.address_mask, 0

    def resolve(self, vaddr):
        return self.walk(self.root, vaddr)
