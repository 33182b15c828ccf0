# SPDX-License-Identifier: GPL-2.0-or-later
"""arm64: pages of 4, 16 and 64 KiB, 39 to 52 bits of address, before and after linear map and image changed places."""

from machine import GiB, KiB, Machine as Base, MiB
from memory import round_down

ALL = (1 << 64) - 1
TEXT_OFFSET = 0x80000                   # until 5.7
VALID, TABLE, PAGE = 1, 3, 3
ACCESSED, SHARED, UXN, PXN, WRITE, DIRTY = 1 << 10, 3 << 8, 1 << 54, 1 << 53, 1 << 51, 1 << 55


class Machine(Base):
    name, uts_machine = "arm64", "aarch64"
    elf_machine = 183
    registers = 34
    models = ("vmemmap", "sparse-extreme", "sparse-extreme-pointer")
    node_data_exported = False
    memory_failure = True
    zone_limits = (4 * GiB,)            # DMA32 below, Normal above
    image_address = 2 * MiB             # behind the start of RAM

    def __init__(self, description, layout):
        pages = self.chosen(description.page_bytes, (4 * KiB, 16 * KiB, 64 * KiB), "page-size")
        self.page_shift = pages.bit_length() - 1
        super().__init__(description, layout)
        shift = self.page_shift
        usual = {12: (48, 39, 52), 14: (47, 36, 48, 52), 16: (48, 42, 52)}[shift]
        self.va = self.chosen(description.va_bits, usual, "va-bits")
        fallback = 47 if shift == 14 and self.va == 52 else min(self.va, 48)
        self.va_min, self.actual = fallback, self.chosen(description.va_actual, (self.va, fallback), "va-actual")
        if self.va == 52 and shift < 16 and self.version < (6, 9):
            self.fail("52 bits with pages below 64 KiB need kernel 6.9")
        self.lpa2 = shift < 16 and self.actual == 52
        self.lpa = shift == 16 and (description.pa_bits or self.va) == 52
        self.physmem_bits = 52 if self.lpa or self.lpa2 else 48
        self.flipped = self.version >= (5, 4)
        self.section_bits = 30 if self.version < (5, 12) else 29 if shift == 16 else 27
        self.max_orders = {12: 11, 14: 12, 16: 14}[shift]
        self._geometry()
        self._address_map(description)
        block = self.geometry[-2][0]
        self.linear_leaves = (1 << block, self.page_bytes)
        self.vmemmap_leaf = self.frame_bytes = 1 << (block if shift == 12 else shift)
        self.image_leaf = 1 << (block if shift == 12 and self.text % (2 * MiB) == 0 else shift)
        self.image_align = 2 * MiB if self.text % (2 * MiB) == 0 else TEXT_OFFSET

    def _geometry(self):
        """64 KiB kernels lay the root out for the bits they were configured for, others fold levels at run time."""
        bits = self.page_shift - 3
        va = self.va if self.page_shift == 16 else self.actual
        self.levels = (va - 4) // bits
        top = bits * self.levels + 3
        self.geometry = ((top, va - top), *((top - bits * level, bits) for level in range(1, self.levels)))

    def _address_map(self, description):
        structs = self.page_shift - 6   # log2 of how many bytes of memory a byte of struct page is about
        if self.flipped:
            self.linear = -(1 << self.va) & ALL
            end = -(1 << self.va_min - 1)
            size = end + (1 << self.va) >> structs
            modules = end + (128 * MiB if self.version < (5, 17) else 0)    # the BPF area lay in front of them
            modules_end = modules + (128 * MiB if self.version < (6, 5) else 2 * GiB)
            if self.version < (5, 11):
                start = -size - 2 * MiB
            elif self.version < (6, 9):
                start = -(1 << self.va - structs)
            else:
                start = -GiB - size
        else:
            self.linear = -(1 << self.va - 1) & ALL
            size = 1 << self.va - 1 - structs
            modules, modules_end = -(1 << self.va), -(1 << self.va) + 128 * MiB
            start = -(1 << self.va - 1) - size
        self.modules, self.modules_end = modules & ALL, modules_end & ALL
        self.vmemmap_start, self.vmemmap_end = start & ALL, start + size & ALL
        self.text = modules_end + description.kaslr + (TEXT_OFFSET if self.version < (5, 8) else 0) & ALL

    def image_physical(self, description):
        """Also settles where the linear map begins, which depends on where RAM is."""
        align = max(30 if self.page_shift == 12 else 30 if self.page_shift == 14 else 29, self.section_bits)
        base = round_down(self.ram_start, 1 << align)
        if self.va == 52 and self.actual != 52:
            base -= (1 << 52) - (1 << self.actual)      # only the upper part of the linear map can be used
        self.memstart = base if description.phys_offset is None else description.phys_offset
        self.page_offset = self.linear - self.memstart
        self.vmemmap = self.vmemmap_start - (self.memstart >> self.page_shift) * self.layout.page["size"] & ALL
        start = self.ram_start + self.image_address if description.image is None else description.image
        return start + self.text % (2 * MiB)

    # ---- entries

    def _address(self, paddr):
        if self.lpa:
            return (paddr | paddr >> 36) & 0xfffffffff000
        if self.lpa2:
            return (paddr | paddr >> 42) & 0x3fffffffff300
        return paddr

    def table_entry(self, table, shift):
        return self._address(table) | TABLE

    def leaf_run(self, size):
        """16 or 32 entries with the contiguous hint are a leaf of their own."""
        shift = size.bit_length() - 1
        if shift in (level for level, _ in self.geometry):
            return shift, 1
        for level, _ in reversed(self.geometry):
            if level < shift < level + self.page_shift - 3:
                return level, size >> level
        self.fail(f"no leaf has {size:#x} bytes")
        return None

    def leaf_entry(self, paddr, shift, size, executable):
        entry = self._address(paddr) | ACCESSED | WRITE | DIRTY | UXN | (PAGE if shift == self.page_shift else VALID)
        entry |= 0 if self.lpa2 else SHARED
        entry |= 1 << 52 if size > 1 << shift else 0
        return entry if executable else entry | PXN

    # ---- VMCOREINFO

    def lines(self, kernel):
        values = {"VA_BITS": str(self.va)}
        if self.version >= (5, 18):
            values.update({name: f"0x{value:x}" for name, value in (
                ("MODULES_VADDR", self.modules), ("MODULES_END", self.modules_end),
                ("VMALLOC_START", self.modules_end), ("VMALLOC_END", self.vmemmap_start - 256 * MiB),
                ("VMEMMAP_START", self.vmemmap_start), ("VMEMMAP_END", self.vmemmap_end))})
        values["kimage_voffset"] = f"0x{kernel.image.vaddr - kernel.image.paddr & ALL:x}"
        values["PHYS_OFFSET"] = f"0x{self.memstart & ALL:x}"
        if self.version >= (5, 9):
            values["TCR_EL1_T1SZ"] = f"0x{64 - self.actual:x}"
        lines = [f"NUMBER({name})={value}" for name, value in values.items()]
        lines.append(f"KERNELOFFSET={self.description.kaslr:x}")
        if self.version >= (5, 10):
            lines.append("NUMBER(KERNELPACMASK)=0x0")
        return lines
