# SPDX-License-Identifier: GPL-2.0-or-later
"""x86 with 32 bits: two levels of page tables, or three with PAE."""

from machine import KiB, Machine as Base, MiB

PAGE_OFFSET = 0xc0000000
PRESENT, TABLE_BITS = 1, 0x67           # present, writable, user, accessed, dirty
LEAF_BITS = 0x163                       # present, writable, accessed, dirty, global
LARGE, LARGE_PAT, NO_EXECUTE = 1 << 7, 1 << 12, 1 << 63


class Machine(Base):
    name, uts_machine = "x86", "i686"
    elf_machine, elf_class = 3, 32
    word = 4
    registers = 17
    models = ("sparse-static", "flat")
    numa = text_segment = False
    absent_flags = ("young", "idle")
    poison = 0
    page_struct_bytes = 40
    image_leaf = None                   # the image is part of the direct map
    page_offset = PAGE_OFFSET
    high_memory = 0x37fe0000
    zone_limits = (16 * MiB, high_memory)       # DMA, Normal, HighMem

    def __init__(self, description, layout):
        self.pae = description.pae is not False
        self.suffix = "686-pae" if self.pae else "686"
        super().__init__(description, layout)
        self.section_bits, self.physmem_bits = (29, 36) if self.pae else (26, 32)
        self.geometry = ((30, 2), (21, 9), (12, 9)) if self.pae else ((22, 10), (12, 10))
        self.levels = len(self.geometry)
        self.entry_bytes = 8 if self.pae else 4
        self.linear_leaves = (2 * MiB if self.pae else 4 * MiB, 4 * KiB)
        self.text = PAGE_OFFSET + (self.image_address if description.image is None else description.image)

    def image_physical(self, description):
        return self.text - PAGE_OFFSET

    def table_bytes(self, bits):
        return 4096

    def table_entry(self, table, shift):
        return table | (PRESENT if shift == 30 else TABLE_BITS)

    def leaf_entry(self, paddr, shift, size, executable):
        entry = paddr | LEAF_BITS
        if shift > 12:
            entry |= LARGE | (LARGE_PAT if self.description.leaf_pat else 0)
        return entry | (NO_EXECUTE if self.pae and not executable else 0)

    def facts(self, kernel):
        return {"NUMBER(VMALLOC_START)": self.direct(min(self.high_memory, kernel.max_pfn << 12)) + 8 * MiB}

    def lines(self, kernel):
        return ["CONFIG_X86_PAE=y"] if self.pae else []
