# SPDX-License-Identifier: GPL-2.0-or-later
"""arm64: everything is in the page tables, whose root is in the image."""

from translate import ALL, Translator as Base, WalkError, bits


class Translator(Base):
    def setup(self):
        granule = self.page_shift
        configured = self.number("VA_BITS")
        actual = 64 - self.number("TCR_EL1_T1SZ", 64 - configured)
        used = configured if granule == 16 else actual
        step = granule - 3
        shifts = [shift for shift in range(granule, used, step)]
        self.levels = [(shift, min(step, used - shift)) for shift in reversed(shifts)]
        self.wide = "64K" if granule == 16 else "LPA2" if actual == 52 else None
        self.bits_used = actual
        self.section_bits = 30 if self.release < (5, 12) else 29 if granule == 16 else 27
        self.physmem_bits = 52 if configured == 52 else 48
        self.root = self.symbol("swapper_pg_dir") - self.number("kimage_voffset") & ALL

    def decode(self, entry, shift):
        if not entry & 1:
            return None, 0, 0
        if self.wide == "64K":
            address = bits(entry, 47, 16) << 16 | bits(entry, 15, 12) << 48
        elif self.wide == "LPA2":
            address = bits(entry, 49, self.page_shift) << self.page_shift | bits(entry, 9, 8) << 50
        else:
            address = bits(entry, 47, self.page_shift) << self.page_shift
        if shift == self.page_shift:
            return ("leaf" if entry & 2 else None), address, 0
        return ("table" if entry & 2 else "leaf"), address, 0

    def resolve(self, vaddr):
        # the tables of 64 KiB kernels have room for more than the CPU looks at
        if vaddr >> self.bits_used != ALL >> self.bits_used:
            raise WalkError(f"{vaddr:#x} is not an address of the kernel")
        return self.walk(self.root, vaddr)
