# SPDX-License-Identifier: GPL-2.0-or-later
"""x86_64 with 4 or 5 levels of page tables."""

import struct

from description import DescriptionError
from layouts import MAX_NUMNODES, PGLIST_DATA
from machine import Machine as Base
from memory import round_down, round_up, union

MiB = 1 << 20
IMAGE_BASE = 0xffffffff80000000
TEXT_LINK_ADDRESS = 0xffffffff81000000
KERNEL_IMAGE_SIZE = 1 << 30
FIVE_LEVEL = dict(page_offset=0xff11000000000000, vmemmap=0xffd4000000000000)
DIRECT_LEAVES = {"4k": 1 << 12, "2m": 1 << 21, "1g": 1 << 30}
WORDS = ("phys_base", "page_offset_base", "vmemmap_base", "node_online_map", "mem_map", "mem_section", "vmlist",
         "vmap_area_list", "free_compound_page", "free_huge_page", "free_transhuge_page")

TABLE_BITS = 0x67                       # present, writable, user, accessed, dirty
LEAF_BITS = 0x163                       # present, writable, accessed, dirty, global
LARGE, NO_EXECUTE = 1 << 7, 1 << 63
LARGE_PAT = 1 << 12                     # page attribute bit of 2M and 1G leaves, inside what is address in tables


class Machine(Base):
    name = uts_machine = "x86_64"
    suffix = "amd64"
    elf_machine = 62
    registers = 27
    section_bits = 27
    models = ("vmemmap", "sparse-static", "sparse-extreme", "sparse-extreme-pointer", "flat", "discontig")
    memory_failure = True
    absent_flags = ()
    zone_limits = (16 << 20, 4 << 30)   # DMA below 16 MiB, DMA32 below 4 GiB, Normal above
    root_symbol = "init_top_pgt"
    log_default = False
    has_physical_base = True

    def __init__(self, description, layout):
        super().__init__(description, layout)
        self.levels = self.chosen(description.levels, (4, 5), "levels")
        self.geometry = tuple((12 + 9 * level, 9) for level in reversed(range(self.levels)))
        self.physmem_bits = 52 if self.levels == 5 else 46
        addresses = FIVE_LEVEL if self.levels == 5 else {"page_offset": layout.page_offset, "vmemmap": layout.vmemmap}
        self.page_offset = addresses["page_offset"] if description.page_offset is None else description.page_offset
        self.vmemmap = addresses["vmemmap"] if description.vmemmap is None else description.vmemmap
        self.text = TEXT_LINK_ADDRESS + description.kaslr
        self.encryption = 1 << description.sme_bit if description.sme_bit is not None else 0
        self.phys_base = 0
        self.vmemmap_leaf = DIRECT_LEAVES[description.vmemmap_leaf]

    def image_physical(self, description):
        if description.image is not None and description.phys_base is not None:
            raise DescriptionError("give either image or phys_base, not both")
        if description.image is not None:
            self.phys_base = description.image - (self.text - IMAGE_BASE)
        else:
            self.phys_base = description.phys_base or 0
        return self.text - IMAGE_BASE + self.phys_base

    def pointer(self, value):
        return value

    def image_parts(self):
        return [("_stext", 4096, 4096), ("init_top_pgt", 4096, 4096), ("init_uts_ns", 512, 64),
                ("linux_banner", 256, 64), *((name, 64, 64) for name in WORDS), ("node_data", 8 * MAX_NUMNODES, 64),
                ("contig_page_data", PGLIST_DATA["size"], 4096)]

    def write_image(self, kernel):
        kernel.image.write("phys_base", struct.pack("<q", self.phys_base))
        kernel.image.write("page_offset_base", struct.pack("<Q", self.page_offset))
        kernel.image.write("vmemmap_base", struct.pack("<Q", self.vmemmap))

    def map_linear(self, kernel, tables):
        size = DIRECT_LEAVES[self.description.directmap]
        for start, end in union((round_down(a, size), round_up(b, size)) for a, b in kernel.managed):
            for paddr in range(start, end, size):
                tables.map(self.direct(paddr), paddr, size)

    def table_entry(self, table, shift):
        return table | self.encryption | TABLE_BITS

    def leaf_entry(self, paddr, shift, size, executable):
        entry = paddr | self.encryption | LEAF_BITS
        if shift > 12:
            entry |= LARGE | (LARGE_PAT if self.description.leaf_pat else 0)
        return entry if executable else entry | NO_EXECUTE

    def facts(self, kernel):
        description, symbols = self.description, kernel.image.symbols
        found = {f"SYMBOL({name})": symbols[name] for name in ("vmlist", "phys_base", "init_top_pgt")}
        found.update({
            "KERNELOFFSET": description.kaslr,
            "SYMBOL(init_level4_pgt)": symbols["init_top_pgt"],
            "SYMBOL(free_huge_page)": symbols["free_huge_page"] if description.hugetlb else None,
            "NUMBER(phys_base)": self.phys_base,
            "NUMBER(pgtable_l5_enabled)": int(self.levels == 5),
            "NUMBER(KERNEL_IMAGE_SIZE)": KERNEL_IMAGE_SIZE,
            "NUMBER(sme_mask)": self.encryption,
            "NUMBER(VMALLOC_START)": 0xffa0000000000000 if self.levels == 5 else 0xffffc90000000000,
        })
        return found
