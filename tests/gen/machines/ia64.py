# SPDX-License-Identifier: GPL-2.0-or-later
"""ia64, until 6.6: regions 6 and 7 are physical memory, region 5 has the image, vmalloc and the vmemmap."""

from machine import GiB, KiB, Machine as Base, MiB, symbol

REGION_5, REGION_7 = 0xa000000000000000, 0xe000000000000000
IMAGE = REGION_5 + 4 * GiB
PRESENT, ACCESSED, DIRTY, READ_WRITE_EXECUTE, DEFERRED = 1, 1 << 5, 1 << 6, 3 << 9, 1 << 52
MEMORY_BLOCKS = 256


class Machine(Base):
    name = uts_machine = "ia64"
    elf_machine = 50
    registers = 128
    physmem_bits = 50
    models = ("vmemmap",)
    node_data_exported = False
    absent_flags = ()
    zone_limits = (4 * GiB,)            # DMA32 below, Normal above
    image_address = image_align = 64 * MiB
    image_unit = MiB
    image_leaf, linear_leaves = None, ()
    page_offset = REGION_7
    text = IMAGE
    max_orders = 17
    poison = 0

    def __init__(self, description, layout):
        pages = self.chosen(description.page_bytes, (16 * KiB, 4 * KiB, 8 * KiB, 64 * KiB), "page-size")
        self.page_shift = shift = pages.bit_length() - 1
        super().__init__(description, layout)
        if self.version >= (6, 7):
            self.fail("there are no kernels from 6.7 on")
        self.section_bits = max(30, self.max_orders - 1 + shift)
        self.levels = self.chosen(description.levels, (3, 4), "levels")
        self.geometry = tuple((shift + (shift - 3) * level, shift - 3) for level in reversed(range(self.levels)))
        self.vmemmap = REGION_5 + (1 << 4 * shift - 10)
        self.frame_bytes = self.vmemmap_leaf = pages

    def image_physical(self, description):
        return self.image_address if description.image is None else description.image

    def more_parts(self):
        return [("node_memblk", 24 * MEMORY_BLOCKS, 64)]

    def write_image(self, kernel):
        where = kernel.image.where("node_memblk")
        for number, (start, end) in enumerate(kernel.ram_ranges):
            kernel.memory.write(where + 24 * number, self.word_bytes(start, end - start))

    def table_entry(self, table, shift):
        return table

    def leaf_entry(self, paddr, shift, size, executable):
        if shift != self.page_shift:
            self.fail(f"no leaf has {size:#x} bytes")
        return paddr | PRESENT | ACCESSED | DIRTY | READ_WRITE_EXECUTE | DEFERRED

    def facts(self, kernel):
        return {"NUMBER(VMALLOC_START)": REGION_5 + 8 * GiB}

    def lines(self, kernel):
        return [symbol(kernel, "pgdat_list", kernel.image.symbols["node_data"]), "LENGTH(pgdat_list)=64",
                symbol(kernel, "node_memblk"), f"LENGTH(node_memblk)={MEMORY_BLOCKS}", "SIZE(node_memblk_s)=24",
                "OFFSET(node_memblk_s.start_paddr)=0", "OFFSET(node_memblk_s.size)=8",
                f"CONFIG_PGTABLE_{self.levels}=y"]
