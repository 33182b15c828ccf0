# SPDX-License-Identifier: GPL-2.0-or-later
"""mips64 of release 2 or later with execute-inhibit, both byte orders; page tables hold virtual addresses."""

from machine import GiB, KiB, Machine as Base, MiB

CKSEG0 = 0xffffffff80000000             # the first 512 MiB, where the image is
XKPHYS = 0x9800000000000000             # all of physical memory, cached
XKSEG = 0xc000000000000000
PRESENT, WRITE, ACCESSED, MODIFIED, HUGE, NO_EXECUTE = 0x1, 0x2, 0x4, 0x8, 0x10, 0x40
GLOBAL, VALID, DIRTY, CACHED = 0x100, 0x200, 0x400, 3 << 11
FRAME_SHIFT = 14                        # of the frame number, for pages of 4 KiB; the number is that of whole pages
# (page size, bits of virtual addresses) -> bits of index, the root first
LEVELS = {(16 * KiB, 48): (12, 11, 11), (16 * KiB, 36): (11, 11), (4 * KiB, 40): (10, 9, 9), (4 * KiB, 48): (9, 9, 9, 9),
          (64 * KiB, 42): (13, 13), (64 * KiB, 48): (13, 13, 13)}
TABLES = ("pte", "pmd", "pud")


class Machine(Base):
    name = uts_machine = "mips64"
    suffix = "loongson-3"
    elf_machine = 8
    registers = 45
    physmem_bits = 48
    models = ("sparse-extreme", "flat")
    node_data_exported = text_segment = False
    zone_limits = (4 * GiB,)            # DMA32 below, Normal above
    image_leaf, linear_leaves = None, ()
    page_offset = XKPHYS
    poison = 0

    def __init__(self, description, layout):
        self.order = description.byte_order or "little"
        pages = self.chosen(description.page_bytes, (16 * KiB, 4 * KiB, 64 * KiB), "page-size")
        self.page_shift = shift = pages.bit_length() - 1
        super().__init__(description, layout)
        va = self.chosen(description.va_bits, tuple(bits for size, bits in LEVELS if size == pages), "va-bits")
        self.section_bits = 29 if pages == 64 * KiB else 28
        self.max_orders = {12: 11, 14: 12, 16: 14}[shift]
        widths = LEVELS[pages, va]
        self.levels = len(widths)
        self.geometry = tuple((shift + (shift - 3) * (self.levels - 1 - level), width)
                              for level, width in enumerate(widths))
        self.root_bytes = 8 << widths[0]
        self.text = CKSEG0 + (2 * MiB if description.image is None else description.image)

    def image_physical(self, description):
        return self.text - CKSEG0

    def more_parts(self):
        return [(f"invalid_{name}_table", self.page_bytes, self.page_bytes) for name in TABLES[:self.levels - 1]]

    def write_image(self, kernel):
        symbols = kernel.image.symbols
        self.empty = [GLOBAL] + [symbols[f"invalid_{name}_table"] for name in TABLES[:self.levels - 1]]
        for level, name in enumerate(TABLES[1:self.levels - 1], 1):
            kernel.image.write(f"invalid_{name}_table", self.word_bytes(self.empty[level]) * (self.page_bytes // 8))

    def empty_entry(self, shift):
        return self.empty[(shift - self.page_shift) // (self.page_shift - 3)]

    def table_entry(self, table, shift):
        return XKPHYS + table

    def leaf_entry(self, paddr, shift, size, executable):
        entry = paddr >> self.page_shift << self.page_shift - 12 + FRAME_SHIFT
        entry |= PRESENT | WRITE | ACCESSED | MODIFIED | GLOBAL | VALID | DIRTY | CACHED
        entry |= HUGE if shift > self.page_shift else 0
        return entry if executable else entry | NO_EXECUTE

    def facts(self, kernel):
        return {"NUMBER(VMALLOC_START)": XKSEG + 2 * self.page_bytes}
