# SPDX-License-Identifier: GPL-2.0-or-later
"""ppc64 of Book3S: hashed or radix page tables, pages of 4 or 64 KiB, both byte orders."""

import struct

from machine import GiB, KiB, Machine as Base, MiB, symbol

PAGE_OFFSET = 0xc000000000000000
PRESENT, PTE = 1 << 63, 1 << 62
ACCESSED, DIRTY, PRIVILEGED, READ_WRITE, EXECUTE = 0x100, 0x80, 0x8, 0x6, 0x1
HASHED = 1 << 55                        # hash: an entry of the hash table exists
RADIX_BITS = {64 * KiB: ((39, 13), (30, 9), (21, 9), (16, 5)), 4 * KiB: ((39, 13), (30, 9), (21, 9), (12, 9))}
HASH_BITS = {64 * KiB: ((44, 8), (34, 10), (24, 10), (16, 8)), 4 * KiB: ((37, 9), (28, 9), (21, 7), (12, 9))}
PAGE_SIZES = {0: 12, 2: 16, 7: 21, 10: 24, 13: 30}      # index of mmu_psize_defs -> shift
PSIZE_2M, PSIZE_16M, PSIZE_COUNT = 7, 10, 16


class Machine(Base):
    name = "ppc64"
    elf_machine = 21
    registers = 48
    section_bits, physmem_bits = 24, 51
    models = ("vmemmap",)
    text_segment = False
    memory_failure = True
    image_address = 0
    image_leaf = None                   # the image is part of the direct map
    page_offset = PAGE_OFFSET
    poison = 0x5deadbeef0000000

    def __init__(self, description, layout):
        self.order = description.byte_order or "little"
        self.suffix = self.uts_machine = "ppc64le" if self.order == "little" else "ppc64"
        pages = self.chosen(description.page_bytes, (64 * KiB, 4 * KiB), "page-size")
        self.page_shift = pages.bit_length() - 1
        super().__init__(description, layout)
        self.radix = self.chosen(description.mmu, ("radix", "hash"), "mmu") == "radix"
        self.geometry = (RADIX_BITS if self.radix else HASH_BITS)[pages]
        self.levels = 4
        self.root_bytes = max(pages, 8 << self.geometry[0][1])
        self.max_orders = 9 if pages == 64 * KiB else 13
        if self.version < (5, 2):
            self.fail("kernels before 5.2 have another address map")
        region = 1 << 49
        self.vmalloc = 0xc008000000000000
        if not self.radix and pages == 4 * KiB:
            region, self.vmalloc = 1 << 40, 0xc0003d0000000000
        self.vmemmap = self.vmalloc + 2 * region
        self.linear_leaves = (GiB, 2 * MiB, pages) if self.radix else ()
        self.psize = PSIZE_2M if self.radix else PSIZE_16M
        self.frame_bytes = self.vmemmap_leaf = 1 << PAGE_SIZES[self.psize]
        self.has_list = not self.radix or self.version < (6, 6)
        self.text = PAGE_OFFSET + (description.image or 0)

    @property
    def entry_order(self):
        return "big"                    # since 4.7, whatever the kernel's own is

    def image_physical(self, description):
        return description.image or 0

    def more_parts(self):
        return [("vmemmap_list", 8, 8), ("mmu_vmemmap_psize", 4, 8),
                ("mmu_psize_defs", PSIZE_COUNT * self.psize_def(), 64),
                ("cur_cpu_spec", 8, 8), ("the_cpu_spec", 256, 64)]

    def psize_def(self):
        """sizeof(struct mmu_psize_def)"""
        return 96 if self.version >= (5, 14) else 88

    def write_image(self, kernel):
        image, memory = kernel.image, kernel.memory
        memory.write_int(image.where("mmu_vmemmap_psize"), self.psize)
        for number, shift in PAGE_SIZES.items():
            memory.write_int(image.where("mmu_psize_defs") + number * self.psize_def(), shift)
        image.write_word("cur_cpu_spec", image.symbols["the_cpu_spec"])
        image.write("the_cpu_spec", struct.pack(("<" if self.order == "little" else ">") + "QQI", 0, 0x18500001f,
                                                0x3c006041 if self.radix else 0x7c006001))

    # ---- page tables

    def map_vmemmap(self, kernel, tables):
        if self.radix:
            super().map_vmemmap(kernel, tables)
        if self.has_list:
            self._write_list(kernel)

    def _write_list(self, kernel):
        """struct vmemmap_backing: the next one, physical and virtual address; the latest comes first."""
        leaves = kernel.memmap.leaves()
        block, head = kernel.owners.allocate(24 * len(leaves)), 0
        for number, (vaddr, frame) in enumerate(leaves):
            kernel.memory.write(block + 24 * number, self.word_bytes(head, frame, vaddr))
            head = self.direct(block + 24 * number)
        kernel.image.write_word("vmemmap_list", head)

    def table_entry(self, table, shift):
        if not self.radix:
            return table | PRESENT
        # the size of the table below, as the hardware wants it
        below = next(bits for at, bits in self.geometry if at < shift)
        return table | PRESENT | below

    def leaf_entry(self, paddr, shift, size, executable):
        entry = paddr | PRESENT | PTE | ACCESSED | DIRTY | PRIVILEGED | READ_WRITE
        entry |= EXECUTE if executable else 0
        return entry if self.radix else entry | HASHED

    # ---- VMCOREINFO

    def facts(self, kernel):
        return {"NUMBER(VMALLOC_START)": self.vmalloc}

    def lines(self, kernel):
        lines = [symbol(kernel, name) for name in ("vmemmap_list", "mmu_vmemmap_psize", "mmu_psize_defs")]
        lines += ["SIZE(vmemmap_backing)=24", "OFFSET(vmemmap_backing.list)=0", "OFFSET(vmemmap_backing.phys)=8",
                  "OFFSET(vmemmap_backing.virt_addr)=16", f"SIZE(mmu_psize_def)={self.psize_def()}",
                  "OFFSET(mmu_psize_def.shift)=0"]
        if self.version >= (6, 7):
            lines += [symbol(kernel, "cur_cpu_spec"), "OFFSET(cpu_spec.cpu_features)=8",
                      "OFFSET(cpu_spec.mmu_features)=16"]
        if self.version >= (6, 10):
            lines.append(f"NUMBER(RADIX_MMU)={int(self.radix)}")
        return lines + [f"KERNELOFFSET={kernel.image.paddr:x}"]
