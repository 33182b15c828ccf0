# SPDX-License-Identifier: GPL-2.0-or-later
"""ppc of 32 bits (Book3S), big endian; low memory is in block address registers, not in page tables."""

from machine import KiB, Machine as Base, MiB

PAGE_OFFSET = 0xc0000000
PRESENT, HASHED, COHERENT, DIRTY, ACCESSED, EXECUTE, READ_WRITE = 0x1, 0x2, 0x10, 0x80, 0x100, 0x200, 0x400


class Machine(Base):
    name = uts_machine = "ppc"
    suffix = "powerpc"
    elf_machine, elf_class = 20, 32
    word, order = 4, "big"
    registers = 48
    section_bits, physmem_bits = 24, 32
    models = ("flat",)
    numa = text_segment = False
    absent_flags = ("uncached", "young", "idle")
    poison = 0
    image_leaf, linear_leaves = None, ()
    page_offset = PAGE_OFFSET
    high_memory = 0x30000000
    zone_limits = (high_memory,)        # DMA below, HighMem above
    levels, geometry = 2, ((22, 10), (12, 10))
    entry_bytes = 4

    def __init__(self, description, layout):
        super().__init__(description, layout)
        self.text = PAGE_OFFSET + (description.image or 0)

    def image_physical(self, description):
        return self.text - PAGE_OFFSET

    def table_entry(self, table, shift):
        return table

    def leaf_entry(self, paddr, shift, size, executable):
        if size != 4 * KiB:
            self.fail(f"no leaf has {size:#x} bytes")
        entry = paddr | PRESENT | HASHED | COHERENT | DIRTY | ACCESSED | READ_WRITE
        return entry | (EXECUTE if executable else 0)

    def facts(self, kernel):
        end = self.direct(min(self.high_memory, kernel.max_pfn << 12))
        return {"NUMBER(VMALLOC_START)": end + 16 * MiB & -16 * MiB}

    def lines(self, kernel):
        return [*(["NUMBER(RADIX_MMU)=0"] if self.version >= (6, 10) else []), "KERNELOFFSET=0"]
