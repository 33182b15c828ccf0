# SPDX-License-Identifier: GPL-2.0-or-later
"""x86 with 32 bits: everything is in the page tables, whose root is in the direct map."""

from translate import Translator as Base, WalkError

PAGE_OFFSET = 0xc0000000


class Translator(Base):
    word = 4

    def setup(self):
        pae = self.info.get("CONFIG_X86_PAE") == "y"
        self.section_bits, self.physmem_bits = (29, 36) if pae else (26, 32)
        self.levels = [(30, 2), (21, 9), (12, 9)] if pae else [(22, 10), (12, 10)]
        self.entry_bytes = 8 if pae else 4
        self.address = 0x000ffffffffff000 if pae else 0xfffff000
        self.root = self.symbol("swapper_pg_dir") - PAGE_OFFSET

    def decode(self, entry, shift):
        if not entry & 1:
            return None, 0, 0
        if shift == 12 or shift in (21, 22) and entry & 0x80:
            return "leaf", entry & self.address, 0
        return "table", entry & self.address, 0

    def resolve(self, vaddr):
        if vaddr >> 32:
            raise WalkError(f"{vaddr:#x} has more than 32 bits")
        return self.walk(self.root, vaddr)
