# SPDX-License-Identifier: GPL-2.0-or-later
"""arm of 32 bits: everything is in the page tables, whose root is in the direct map."""

from translate import Translator as Base, WalkError, bits


class Translator(Base):
    word = 4
    section_bits, physmem_bits = 28, 36

    def setup(self):
        self.long = self.info.get("CONFIG_ARM_LPAE") == "y"
        self.levels = [(30, 2), (21, 9), (12, 9)] if self.long else [(20, 12), (12, 8)]
        self.entry_bytes = 8 if self.long else 4
        self.root = self.symbol("swapper_pg_dir") - (self.symbol("_stext") & 0xffc00000) + self.ram_start

    def first_pfn(self):
        return self.ram_start >> 12

    flat_pfn = first_pfn

    def decode(self, entry, shift):
        return self._long(entry, shift) if self.long else self._short(entry, shift)

    @staticmethod
    def _long(entry, shift):
        address = bits(entry, 39, 12) << 12
        if not entry & 1 or shift == 12 and not entry & 2:
            return None, 0, 0
        return ("leaf" if shift == 12 or not entry & 2 else "table"), address, 0

    @staticmethod
    def _short(entry, shift):
        kind = entry & 3
        if shift == 20:
            if kind == 1:
                return "table", entry & ~0x3ff, 0
            if kind == 0:
                return None, 0, 0
            if entry >> 18 & 1:
                return "leaf", bits(entry, 31, 24) << 24 | bits(entry, 23, 20) << 32 | bits(entry, 8, 5) << 36, 1 << 24
            return "leaf", entry & ~0xfffff, 0
        if kind == 0:
            return None, 0, 0
        return ("leaf", entry & ~0xffff, 1 << 16) if kind == 1 else ("leaf", entry & ~0xfff, 0)

    def resolve(self, vaddr):
        if vaddr >> 32:
            raise WalkError(f"{vaddr:#x} has more than 32 bits")
        return self.walk(self.root, vaddr)
