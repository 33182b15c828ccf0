# SPDX-License-Identifier: GPL-2.0-or-later
"""s390x: virtual = physical until 6.9; later an image of its own and an identity mapping that may be elsewhere."""

import struct

from machine import GiB, KiB, Machine as Base, MiB, symbol
from memory import round_down

PAGE_PRESENT, YOUNG, DIRTY, READ, WRITE, NO_EXECUTE, PAGE_INVALID = 0x1, 0x4, 0x8, 0x10, 0x20, 0x100, 0x400
LARGE, LARGE_BITS = 0x400, 0x3003       # read, write, young, dirty of segments and regions
INVALID, FULL_LENGTH = 0x20, 3
REGION_TYPES = {42: 0x8, 31: 0x4, 20: 0x0}
LOWCORE_VMCOREINFO, LOWCORE_OS_INFO = 0xe0c, 0xe18
TEXT_OFFSET = 1 * MiB
IMAGE_BASE = 0x3ffe0000000              # since 6.10
CPUS = 512


def checksum(data):
    """As the instruction CKSM: words with the carry added to the end."""
    total = 0
    for (word,) in struct.iter_unpack(">I", data + bytes(-len(data) % 4)):
        total += word
        total = (total & 0xffffffff) + (total >> 32)
    return total


class Machine(Base):
    name = uts_machine = "s390x"
    elf_machine = 22
    order = "big"
    registers = 27
    section_bits, physmem_bits = 28, 46
    models = ("vmemmap",)
    node_data_exported = False
    zone_limits = (2 * GiB,)            # DMA below, Normal above
    image_address = TEXT_OFFSET
    image_align = image_leaf = frame_bytes = vmemmap_leaf = MiB
    linear_leaves = (2 * GiB, MiB, 4 * KiB)
    root_bytes = 16 * KiB

    def __init__(self, description, layout):
        super().__init__(description, layout)
        self.levels = self.chosen(description.levels, (3, 4), "levels")
        self.geometry = ((42, 11), (31, 11), (20, 11), (12, 8))[4 - self.levels:]
        self.relocated = self.version >= (6, 10)
        self.text_segment = self.relocated
        if not self.relocated and description.identity_base:
            self.fail("the identity mapping begins at 0 until 6.9")
        self.page_offset = description.identity_base or 0
        self.vmemmap = 0x37200000000 if self.levels == 3 else 0x1cffc000000000
        self.text = (IMAGE_BASE + TEXT_OFFSET if self.relocated else self.image_at(description)) + description.kaslr

    def image_at(self, description):
        return TEXT_OFFSET if description.image is None else description.image

    def image_physical(self, description):
        paddr = self.image_at(description)
        return paddr if self.relocated else paddr + description.kaslr

    def more_parts(self):
        return [("lowcore_ptr", 8 * CPUS, 64), ("high_memory", 8, 8), ("os_info", 4096, 4096)]

    def write_image(self, kernel):
        kernel.image.write_word("high_memory", self.direct(kernel.max_pfn << 12))

    def reserved(self):
        return [(0, 0x2000, "the lowcore")]

    # ---- page tables

    def build_tables(self, kernel, tables):
        if not self.relocated:
            self.image_leaf = None      # part of the identity mapping
        self.amode31 = kernel.owners.allocate(3 * 4096)
        super().build_tables(kernel, tables)
        if self.page_offset:
            for paddr in (*range(0, 0x2000, 4096), *range(self.amode31, self.amode31 + 0x3000, 4096)):
                tables.map(paddr, paddr, 4 * KiB)

    def empty_entry(self, shift):
        return PAGE_INVALID if shift == 12 else REGION_TYPES[shift] | INVALID

    def table_entry(self, table, shift):
        return table | REGION_TYPES[shift] | (FULL_LENGTH if shift > 20 else 0)

    def leaf_entry(self, paddr, shift, size, executable):
        if shift == 12:
            entry = paddr | PAGE_PRESENT | YOUNG | DIRTY | READ | WRITE
        else:
            entry = paddr | REGION_TYPES[shift] | LARGE | LARGE_BITS
        return entry if executable else entry | NO_EXECUTE

    # ---- lowcore and os_info

    def finish(self, kernel):
        memory, image, note = kernel.memory, kernel.image, kernel.note_bytes
        entries = [(0, 0, 0)] * 13
        if note:
            memory.write_word(LOWCORE_VMCOREINFO, kernel.note)
            entries[0] = (kernel.note, len(note), checksum(note))
        if self.relocated:
            base, physical = image.vaddr - TEXT_OFFSET, image.paddr - TEXT_OFFSET
            for number, value in ((4, self.page_offset), (5, base), (6, physical), (7, self.vmemmap),
                                  (8, self.amode31), (9, self.amode31 + 0x3000), (10, image.vaddr),
                                  (11, image.vaddr + image.size), (12, image.paddr)):
                entries[number] = (value, 0, 0)
        body = struct.pack(">HHQQ", 1, 1, 0, 0) + b"".join(struct.pack(">QQI", *entry) for entry in entries)
        body = body.ljust(4096 - 12, b"\0")
        image.write("os_info", struct.pack(">QI", 0x4f53494e464f535a, checksum(body)) + body)
        memory.write_word(LOWCORE_OS_INFO, image.where("os_info"))

    # ---- VMCOREINFO

    def facts(self, kernel):
        return {"NUMBER(VMALLOC_START)": self.vmalloc_start(kernel)}

    def vmalloc_start(self, kernel):
        return round_down(self.page_vaddr_end(kernel) + 2 * GiB, 2 * GiB)

    def page_vaddr_end(self, kernel):
        return self.vmemmap + kernel.max_pfn * 64

    def lines(self, kernel):
        lines = [symbol(kernel, "lowcore_ptr"), symbol(kernel, "high_memory"), f"LENGTH(lowcore_ptr)={CPUS}",
                 f"SAMODE31={self.amode31:x}", f"EAMODE31={self.amode31 + 0x3000:x}"]
        if not self.relocated:
            return lines + [f"KERNELOFFSET={self.description.kaslr:x}"]
        base = kernel.image.vaddr - TEXT_OFFSET
        wrong = TEXT_OFFSET if self.version < (6, 11) else 0        # 6.10 counted it twice
        return lines + [f"KERNELOFFSET={base + wrong:x}", f"IDENTITYBASE={self.page_offset:x}",
                        f"KERNELOFFPHYS={kernel.image.paddr - TEXT_OFFSET:x}"]
