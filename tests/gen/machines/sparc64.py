# SPDX-License-Identifier: GPL-2.0-or-later
"""sparc64: pages of 8 KiB, four levels; image and direct map are in the TLB's hands, not in page tables."""

from machine import GiB, KiB, Machine as Base, MiB

VALID, HUGE = 1 << 63, 1 << 56
# what else an entry has: modified, accessed, read, write, cacheable, privileged, hardware write, present
SUN4V = 0x3c00000000000000 | 0x400 | 0x100 | 0x40 | 0x10
SUN4U = 0x800 | 0x400 | 0x200 | 0x100 | 0x80 | 0x20 | 0x4 | 0x2
SIZE_4M_SUN4V, SIZE_4M_SUN4U = 0x3, 0x6000000000000000
EXECUTE_SUN4V, EXECUTE_SUN4U = 0x80, 0x1000
VALUES = {"sun4v": (SUN4V, SIZE_4M_SUN4V, EXECUTE_SUN4V), "sun4u": (SUN4U, SIZE_4M_SUN4U, EXECUTE_SUN4U)}
KERNEL_BASE = 0x400000
VA_HOLE = 0x80000000000                 # of CPUs with 44 bits of virtual addresses


class Machine(Base):
    name = uts_machine = "sparc64"
    elf_machine = 43
    order = "big"
    registers = 36
    page_shift = 13
    section_bits, physmem_bits = 30, 53
    models = ("vmemmap",)
    node_data_exported = False
    image_leaf, linear_leaves = None, ()
    image_align = 4 * MiB
    frame_bytes = vmemmap_leaf = 8 * MiB
    page_offset = 0xfffff80000000000
    vmemmap = (VA_HOLE >> 1) + (VA_HOLE >> 2)
    text = KERNEL_BASE
    max_orders = 13
    levels, geometry = 4, ((43, 10), (33, 10), (23, 10), (13, 10))
    poison = 0

    def __init__(self, description, layout):
        super().__init__(description, layout)
        self.bits = VALUES[self.chosen(description.mmu, ("sun4v", "sun4u"), "mmu")]

    def table_entry(self, table, shift):
        return table

    def leaf_entry(self, paddr, shift, size, executable):
        usual, size_bits, execute = self.bits
        entry = paddr | VALID | usual | (execute if executable else 0)
        return entry if size == 8 * KiB else entry | HUGE | size_bits

    def facts(self, kernel):
        return {"NUMBER(VMALLOC_START)": 4 * GiB}
