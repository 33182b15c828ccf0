# SPDX-License-Identifier: GPL-2.0-or-later
"""loongarch64 with two to four levels of page tables, which hold virtual addresses."""

from machine import GiB, KiB, Machine as Base, MiB
from memory import round_down

CACHED = 0x9000000000000000             # a window onto all of physical memory, in no table
MAP_BASE = 0xffff800000000000           # of CPUs with 48 bits of virtual addresses
VALID, DIRTY, CACHE, GLOBAL, HUGE, PRESENT, WRITE, MODIFIED = 1, 2, 0x10, 0x40, 0x40, 0x80, 0x100, 0x200
HUGE_GLOBAL, NO_EXECUTE = 1 << 12, 1 << 62
LEVELS = {16 * KiB: (3, 2), 4 * KiB: (4, 3), 64 * KiB: (2, 3)}
TABLES = ("pte", "pmd", "pud")


class Machine(Base):
    name = uts_machine = "loongarch64"
    elf_machine = 258
    registers = 45
    section_bits, physmem_bits = 29, 48
    node_data_exported = False
    zone_limits = (4 * GiB,)            # DMA32 below, Normal above
    image_leaf, linear_leaves = None, ()
    page_offset = CACHED
    poison = 0

    def __init__(self, description, layout):
        pages = self.chosen(description.page_bytes, tuple(LEVELS), "page-size")
        self.page_shift = shift = pages.bit_length() - 1
        super().__init__(description, layout)
        self.levels = self.chosen(description.levels, LEVELS[pages], "levels")
        bits = shift - 3
        self.geometry = tuple((shift + bits * level, bits) for level in reversed(range(self.levels)))
        # a vmemmap came with 6.2
        self.models = ("vmemmap", "sparse-extreme") if self.version >= (6, 2) else ("sparse-extreme",)
        self.max_orders = {12: 11, 14: 12, 16: 14}[shift]
        self.text = CACHED + (description.image or self.image_address)
        self.modules = MAP_BASE + 32 * MiB + 2 * pages
        block = 1 << shift + bits
        end = MAP_BASE + min(1 << shift + bits * self.levels, 1 << 47) - block
        vmemmap_bytes = 64 << 48 - shift
        if self.version >= (6, 2):
            end -= vmemmap_bytes
        self.vmemmap = round_down(end + block, block)
        self.frame_bytes = self.vmemmap_leaf = block if self.levels > 2 else pages

    def image_physical(self, description):
        return self.text - CACHED

    image_address = 2 * MiB

    def more_parts(self):
        return [(f"invalid_{name}_table", self.page_bytes, self.page_bytes) for name in TABLES[:self.levels - 1]]

    def build_tables(self, kernel, tables):
        # the tables of nothing, each full of entries that lead to the next
        for level, name in enumerate(TABLES[1:self.levels - 1], 1):
            entry = self.word_bytes(self._nothing(kernel, TABLES[level - 1]))
            kernel.image.write(f"invalid_{name}_table", entry * (self.page_bytes // 8))
        super().build_tables(kernel, tables)

    @staticmethod
    def _nothing(kernel, name):
        return kernel.image.symbols[f"invalid_{name}_table"]

    def empty_entry(self, shift):
        level = (shift - self.page_shift) // (self.page_shift - 3)
        return self.empty[level]

    def write_image(self, kernel):
        empty = GLOBAL if self.version >= (6, 12) else 0
        self.empty = [empty] + [self._nothing(kernel, name) for name in TABLES[:self.levels - 1]]

    def table_entry(self, table, shift):
        return CACHED + table

    def leaf_entry(self, paddr, shift, size, executable):
        entry = paddr | VALID | DIRTY | CACHE | PRESENT | WRITE | MODIFIED
        entry |= GLOBAL if shift == self.page_shift else HUGE | HUGE_GLOBAL
        return entry if executable else entry | NO_EXECUTE

    def facts(self, kernel):
        return {"NUMBER(VMALLOC_START)": self.modules + 256 * MiB}
