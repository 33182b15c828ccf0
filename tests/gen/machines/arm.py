# SPDX-License-Identifier: GPL-2.0-or-later
"""arm of 32 bits: short descriptors in two levels, or LPAE with three."""

from machine import KiB, Machine as Base, MiB
from pagetables import PageTables

PAGE_OFFSET = 0xc0000000
LOW_MEMORY = 760 * MiB
# short descriptors
TABLE, SECTION, LARGE, SMALL = 1, 2, 1, 2
SECTION_BITS = 0x1140c                  # shared, write-back and allocate, for the kernel alone
SUPER_SECTION = 1 << 18
PAGE_BITS = 0x45c                       # the same for small pages
LARGE_BITS = 0x141c                     # and for large ones
HARDWARE = 2048                         # a page has two tables of 256 entries as Linux sees them, then as the MMU does
LINUX_BITS = 0x4df
# LPAE
LONG_TABLE, LONG_PAGE, LONG_BLOCK = 3, 3, 1
LONG_BITS = 0x71c                       # accessed, shared, write-back and allocate
NO_EXECUTE = 1 << 54


class PairTables(PageTables):
    """Two entries of the first level at a time get one page, which has the tables of both, twice."""

    def _entry_address(self, vaddr, leaf_shift):
        if leaf_shift == 20:
            return self.root + (vaddr >> 20) * 4
        return self._page(vaddr) + HARDWARE + (vaddr >> 12 & 0x1ff) * 4

    def _page(self, vaddr):
        pair = vaddr >> 21
        if pair not in self._tables:
            page = self._tables[pair] = self.allocate()
            for half in (0, 1):
                self.memory.write_int(self.root + (2 * pair + half) * 4, page + HARDWARE + half * KiB | TABLE | 0x10)
        return self._tables[pair]

    def map(self, vaddr, paddr, size, executable=False):
        super().map(vaddr, paddr, size, executable)
        if size < MiB:
            for offset in range(0, size, 4 * KiB):
                where = self._page(vaddr) + (vaddr + offset >> 12 & 0x1ff) * 4
                self.memory.write_int(where, paddr + offset | LINUX_BITS)


class Machine(Base):
    name, uts_machine = "arm", "armv7l"
    elf_machine, elf_class = 40, 32
    word = 4
    registers = 18
    section_bits, physmem_bits = 28, 36
    models = ("flat", "sparse-static")
    numa = text_segment = False
    absent_flags = ("uncached", "young", "idle")
    poison = 0
    page_struct_bytes = 36
    image_leaf = None                   # the image is part of the direct map
    image_align = 4 * KiB

    def __init__(self, description, layout):
        super().__init__(description, layout)
        self.lpae = bool(description.lpae)
        self.suffix = "armmp-lpae" if self.lpae else "armmp"
        self.geometry = ((30, 2), (21, 9), (12, 9)) if self.lpae else ((20, 12), (12, 8))
        self.levels = len(self.geometry)
        self.entry_bytes = 8 if self.lpae else 4
        self.linear_leaves = (2 * MiB if self.lpae else MiB, 4 * KiB)
        self.tables_class = PageTables if self.lpae else PairTables
        # the root lies in front of the image, which begins 32 KiB behind the start of RAM
        self.root_bytes = 20 * KiB if self.lpae else 16 * KiB
        self.text = PAGE_OFFSET + 32 * KiB - self.root_bytes

    def image_physical(self, description):
        if description.image is not None:
            self.fail("the image lies where RAM begins")
        self.page_offset = PAGE_OFFSET - self.ram_start
        return self.text - self.page_offset

    @property
    def high_memory(self):
        return self.ram_start + LOW_MEMORY

    @property
    def zone_limits(self):
        return (self.high_memory,)      # Normal below, HighMem above

    def first_pfn(self, kernel):
        return self.ram_start >> 12

    def flat_pfn(self, kernel):
        return self.ram_start >> 12

    def image_parts(self):
        parts = [part for part in super().image_parts() if part[0] not in ("_stext", self.root_symbol)]
        return [(self.root_symbol, self.root_bytes, 4096), ("_stext", 4096, MiB), *parts]

    def leaf_run(self, size):
        if self.lpae:
            return super().leaf_run(size)
        # 16 equal entries are a large page or a supersection
        return {64 * KiB: (12, 16), 16 * MiB: (20, 16)}.get(size) or super().leaf_run(size)

    def table_entry(self, table, shift):
        return table | LONG_TABLE

    def leaf_entry(self, paddr, shift, size, executable):
        if self.lpae:
            entry = paddr | LONG_BITS | (LONG_PAGE if shift == 12 else LONG_BLOCK)
            return entry if executable else entry | NO_EXECUTE
        if size == 16 * MiB:
            paddr -= paddr % size
            return paddr & 0xff000000 | (paddr >> 32 & 15) << 20 | (paddr >> 36 & 15) << 5 | SECTION_BITS \
                | SUPER_SECTION | SECTION
        if size == MiB:
            return paddr | SECTION_BITS | SECTION | (0 if executable else 1 << 4)
        if size == 64 * KiB:
            return paddr - paddr % size | LARGE_BITS | LARGE | (0 if executable else 1 << 15)
        return paddr | PAGE_BITS | SMALL | (0 if executable else 1)

    def facts(self, kernel):
        end = self.direct(min(self.high_memory, kernel.max_pfn << 12))
        return {"NUMBER(VMALLOC_START)": end + 8 * MiB & -8 * MiB}

    def lines(self, kernel):
        return ["CONFIG_ARM_LPAE=y"] if self.lpae else []
