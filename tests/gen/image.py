# SPDX-License-Identifier: GPL-2.0-or-later
"""The kernel image: a few symbols one after the other, utsname, and where all that lies."""

import struct

from description import DescriptionError
from layouts import IMAGE_BASE, MAX_NUMNODES, PAGE_SIZE, PGLIST_DATA, TEXT_LINK_ADDRESS
from memory import round_up

MiB = 1 << 20
WORDS = ("phys_base", "page_offset_base", "vmemmap_base", "node_online_map", "mem_map", "mem_section", "vmlist",
         "vmap_area_list", "free_compound_page", "free_huge_page", "free_transhuge_page")


class KernelImage:
    """vaddr, paddr, size, phys_base and symbols (name -> address)."""

    def __init__(self, description, layout, memory):
        self.memory = memory
        self.vaddr = TEXT_LINK_ADDRESS + description.kaslr
        if description.image is not None and description.phys_base is not None:
            raise DescriptionError("give either image or phys_base, not both")
        if description.image is not None:
            self.phys_base = description.image - (self.vaddr - IMAGE_BASE)
        else:
            self.phys_base = description.phys_base or 0
        self.paddr = self.physical(self.vaddr)
        if self.paddr % (2 * MiB) or self.paddr < 0:
            raise DescriptionError(f"the kernel image would lie at {self.paddr:#x}, not at a multiple of 2 MiB")
        self.release = description.release or layout.release
        self.uts_offset = 0 if layout.at_least(5, 11) else 4
        self._end = self.vaddr
        self.symbols = {}
        self.add("_stext", PAGE_SIZE, PAGE_SIZE)
        self.add("init_top_pgt", PAGE_SIZE, PAGE_SIZE)
        self.add("init_uts_ns", 512, 64)
        self.add("linux_banner", 256, 64)
        for name in WORDS:
            self.add(name, 64, 64)
        self.add("node_data", 8 * MAX_NUMNODES, 64)
        self.add("contig_page_data", PGLIST_DATA["size"], PAGE_SIZE)

    def add(self, name, size, align):
        self.symbols[name] = round_up(self._end, align)
        self._end = self.symbols[name] + size

    @property
    def size(self):
        return round_up(self._end - self.vaddr, 2 * MiB)

    def physical(self, vaddr):
        return vaddr - IMAGE_BASE + self.phys_base

    def where(self, name):
        """Physical address of a symbol."""
        return self.physical(self.symbols[name])

    def write(self, name, data):
        self.memory.write(self.where(name), data)

    def write_contents(self, page_offset, vmemmap):
        uts = b"".join(part.encode().ljust(65, b"\0") for part in (
            "Linux", "testnode", self.release, "#1 SMP PREEMPT_DYNAMIC generated", "x86_64", "(none)"))
        self.write("init_uts_ns", bytes(self.uts_offset) + uts)
        self.write("linux_banner", f"Linux version {self.release} (generated)\n".encode())
        self.write("_stext", b"\x0f\x1f\x44\x00\x00\xc3\x90\x90" * (PAGE_SIZE // 8))
        self.write("phys_base", struct.pack("<q", self.phys_base))
        self.write("page_offset_base", struct.pack("<Q", page_offset))
        self.write("vmemmap_base", struct.pack("<Q", vmemmap))
