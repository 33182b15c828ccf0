# SPDX-License-Identifier: GPL-2.0-or-later
"""ia64: two regions are physical memory; of region 5 the image is by the program headers, the rest by page tables."""

from translate import Translator as Base, WalkError, bits


class Translator(Base):
    section_bits, physmem_bits = 30, 50

    def setup(self):
        count = 4 if self.info.get("CONFIG_PGTABLE_4") == "y" else 3
        step = self.page_shift - 3
        self.levels = [(self.page_shift + step * level, step) for level in reversed(range(count))]
        self.section_bits = max(30, self.info["LENGTH(zone.free_area)"] - 1 + self.page_shift)
        self.root = self.segment(self.symbol("swapper_pg_dir"))

    def decode(self, entry, shift):
        if shift == self.page_shift:
            return ("leaf" if entry & 1 else None), bits(entry, 49, 12) << 12, 0
        return ("table" if entry else None), entry, 0

    def resolve(self, vaddr):
        region, offset = vaddr >> 61, bits(vaddr, 60, 0)
        if region in (6, 7):
            return self.linear(offset)
        if region != 5:
            raise WalkError(f"region {region} is not the kernel's")
        try:
            return self.linear(self.segment(vaddr))
        except WalkError:
            if offset >> sum(self.levels[0]):
                raise WalkError(f"{vaddr:#x} is behind the page tables") from None
            return self.walk(self.root, vaddr)
