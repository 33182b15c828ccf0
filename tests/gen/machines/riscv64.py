# SPDX-License-Identifier: GPL-2.0-or-later
"""riscv64 with 39, 48 and 57 bits of address."""

from machine import GiB, KiB, Machine as Base, MiB
from memory import round_down

PAGE_OFFSETS = {57: 0xff60000000000000, 48: 0xffffaf8000000000, 39: 0xffffffd600000000}
PAGE_OFFSET_39_OLD = 0xffffffd800000000
LINK_ADDRESS = 0xffffffff80000000
PRESENT, READ, WRITE, EXECUTE, GLOBAL, ACCESSED, DIRTY = 1, 2, 4, 8, 0x20, 0x40, 0x80
NAPOT = 1 << 63
NAPOT_64K = 8                           # in the low bits of the page frame number


class Machine(Base):
    name = uts_machine = "riscv64"
    elf_machine = 243
    registers = 32
    section_bits, physmem_bits = 27, 56
    models = ("vmemmap", "sparse-extreme", "flat")
    node_data_exported = False
    zone_limits = (4 * GiB,)            # DMA32 below, Normal above
    image_address = 2 * MiB             # behind the start of RAM, where the firmware is

    def __init__(self, description, layout):
        super().__init__(description, layout)
        self.va = self.chosen(description.va_bits, (57, 48, 39), "va-bits")
        self.levels = {39: 3, 48: 4, 57: 5}[self.va]
        self.geometry = tuple((12 + 9 * level, 9) for level in reversed(range(self.levels)))
        self.linear_leaves = (GiB, 2 * MiB, 4 * KiB) if self.version >= (6, 4) else (2 * MiB, 4 * KiB)
        self.page_start = PAGE_OFFSETS[self.va]
        if self.va == 39 and self.version < (6, 8):
            self.page_start = PAGE_OFFSET_39_OLD
        self.vmalloc_start = self.page_start - ((1 << self.va - 2) >> 1)
        self.vmemmap_start = self.vmalloc_start - (1 << self.va - 12 - 1 + 6)
        self.text = LINK_ADDRESS + description.kaslr

    def image_physical(self, description):
        paddr = super().image_physical(description)
        # until 6.3 the linear map began with the image
        self.ram_base = round_down(self.ram_start, 2 * MiB) if self.version >= (6, 4) else paddr
        self.page_offset = self.page_start - self.ram_base
        self.vmemmap = self.vmemmap_start - (round_down(self.ram_base, 1 << 27) >> 12) * 64
        return paddr

    def flat_pfn(self, kernel):
        return round_down(self.ram_start, 2 * MiB) >> 12

    def table_entry(self, table, shift):
        return table >> 12 << 10 | PRESENT

    def leaf_run(self, size):
        return (12, 16) if size == 64 * KiB else super().leaf_run(size)

    def leaf_entry(self, paddr, shift, size, executable):
        frame, entry = paddr >> 12, PRESENT | READ | WRITE | GLOBAL | ACCESSED | DIRTY
        if size == 64 * KiB:            # svnapot: 16 equal entries
            frame, entry = frame & ~15 | NAPOT_64K, entry | NAPOT
        return frame << 10 | entry | (EXECUTE if executable else 0)

    def facts(self, kernel):
        return {"NUMBER(VMALLOC_START)": self.vmalloc_start}

    def lines(self, kernel):
        if self.version < (6, 2):
            return []
        image, end = kernel.image, (1 << 64) - 1
        values = {
            "PAGE_OFFSET": self.page_start, "VMALLOC_START": self.vmalloc_start, "VMALLOC_END": self.page_start,
            "VMEMMAP_START": self.vmemmap_start, "VMEMMAP_END": self.vmalloc_start,
            "MODULES_VADDR": image.vaddr + image.size - 2 * GiB & end, "MODULES_END": image.vaddr,
            "KERNEL_LINK_ADDR": LINK_ADDRESS}
        if self.version >= (6, 5):
            values["va_kernel_pa_offset"] = image.vaddr - image.paddr & end
        lines = [f"NUMBER(VA_BITS)={self.va}", f"NUMBER(phys_ram_base)={self.ram_base}"]
        return lines + [f"NUMBER({name})=0x{value:x}" for name, value in values.items()]
