# SPDX-License-Identifier: GPL-2.0-or-later
"""Builds the invented kernel step by step: RAM, image, mem_map, page tables, struct pages, contents, nodes."""

import random
import struct
from dataclasses import replace

import facts
import layouts
import memmap
import vmcoreinfo
from description import DescriptionError, PageLine, Segment
from image import KernelImage
from layouts import MAX_ORDERS, PAGE_SHIFT, PAGE_SIZE
from memmap import SECTION_PAGES
from memory import PhysicalMemory, RangeMap, contains, round_down, round_up, union
from nodes import Nodes
from ownership import Ownership
from pagekinds import SINGLE, PageKinds, block_size, is_known
from pagetables import LEAF_SHIFTS, PageTables, SHIFT_2M, SHIFT_4K

MiB = 1 << 20
RESERVED = PageLine("reserved")


class TestKernel:
    """After build(): memory, segments(), vmcoreinfo_text, and for expectations classes, memmap and mem_map_end()."""

    def __init__(self, description):
        self.description = description
        self.memory = PhysicalMemory()
        self.layout = self._layout()
        addresses = {"page_offset": self.layout.page_offset, "vmemmap": self.layout.vmemmap}
        if description.levels == 5:
            addresses = layouts.FIVE_LEVEL
        self.page_offset = addresses["page_offset"] if description.page_offset is None else description.page_offset
        self.vmemmap = addresses["vmemmap"] if description.vmemmap is None else description.vmemmap
        self.sme_mask = 1 << description.sme_bit if description.sme_bit is not None else 0
        self.classes = RangeMap()       # pfn -> class, for every pfn with a struct page
        self._free_blocks = []          # (pfn, order)

    def _layout(self):
        description = self.description
        layout = layouts.LAYOUTS.get(description.kernel)
        if layout is None:
            raise DescriptionError(f"no layout for kernel {description.kernel}; there are: "
                                   + ", ".join(layouts.LAYOUTS))
        page, flags = dict(layout.page), dict(layout.flags)
        for name, value in description.struct.items():
            owner, _, member = name.partition(".")
            if owner != "page" or member not in page:
                raise DescriptionError(f"struct {name}: only page.MEMBER with {', '.join(page)}")
            page[member] = value
        for name, bit in description.flag_bits.items():
            if name not in flags:
                raise DescriptionError(f"flag {name}: kernel {layout.name} has {', '.join(flags)}")
            flags[name] = bit
        return replace(layout, page=page, flags=flags)

    def build(self):
        """The steps in the only order that works: what takes memory comes before struct pages are written."""
        self._ram()
        self._claim_page_lines()
        self.memmap = memmap.make(self)
        self.image = KernelImage(self.description, self.layout, self.memory)
        self.memmap.set_symbols(self.image)
        self.image.write_contents(self.page_offset, self.vmemmap)
        self.owners.claim_image(self.image.paddr, self.image.paddr + self.image.size)
        self.owners.set_areas(self.description.boot or [self._default_boot_area()])
        self.memmap.allocate()
        self._page_tables()
        found = self.memmap.write_sections()
        nodes = Nodes(self)
        self.kinds = PageKinds(self.layout, self.description, self.memmap.page_vaddr, self.high_flags, {
            name: self.image.symbols[f"free_{long}_page"] for name, long in (
                ("compound", "compound"), ("hugetlb", "huge"), ("thp", "transhuge"))})
        self._struct_pages()
        found.update(nodes.write(self._free_blocks))
        found.update(facts.collect(self))
        self._vmcoreinfo(found)
        return self

    # ---- RAM and nodes

    def _ram(self):
        description = self.description
        if not description.ram:
            raise DescriptionError("a description needs at least one 'ram' line")
        self.ram_ranges = union((item.paddr, item.paddr + item.memsz) for item in description.ram)
        self.owners = Ownership(union((item.paddr, item.paddr + item.filesz) for item in description.ram))
        limit = 1 << 62 if description.mem_limit is None else description.mem_limit
        self.managed = [(start, min(end, limit)) for start, end in self.ram_ranges if start < limit]
        if not self.managed:
            raise DescriptionError("mem-limit leaves no RAM")
        self.max_pfn = round_up(self.managed[-1][1], PAGE_SIZE) >> PAGE_SHIFT
        self.node_ranges = [(start >> PAGE_SHIFT, end >> PAGE_SHIFT) for start, end in description.nodes] \
            or [(0, 1 << 50)]
        if len(self.node_ranges) > 1 and (description.model == "flat" or not description.numa):
            raise DescriptionError("several nodes need a sparse or discontig model and 'numa on'")

    def node_of(self, pfn):
        for number, (start, end) in enumerate(self.node_ranges):
            if start <= pfn < end:
                return number
        return 0

    def node_span(self, number):
        """pfns from the first to the last RAM of a node; (0, 0) without RAM."""
        low, high = self.node_ranges[number]
        inside = [(max(low, start >> PAGE_SHIFT), min(high, round_up(end, PAGE_SIZE) >> PAGE_SHIFT))
                  for start, end in self.managed]
        inside = [(start, end) for start, end in inside if start < end]
        return (inside[0][0], inside[-1][1]) if inside else (0, 0)

    def high_flags(self, pfn):
        """Zone, node and (classic sparse memory) section number, which share page.flags with the flags."""
        zone, node = layouts.zone_number(pfn << PAGE_SHIFT), self.node_of(pfn)
        if self.memmap.sparse and not self.memmap.virtual:
            return (pfn // SECTION_PAGES) << 45 | node << 39 | zone << 37
        return node << 58 | zone << 56

    def _alike(self, start, end):
        """Cuts [start, end) into parts with the same high_flags() and in one section."""
        borders = {limit >> PAGE_SHIFT for limit in layouts.ZONE_LIMITS}
        borders.update(edge for pair in self.node_ranges for edge in pair)
        if self.memmap.sparse:
            borders.update(range(round_up(start + 1, SECTION_PAGES), end, SECTION_PAGES))
        edges = [start] + sorted(edge for edge in borders if start < edge < end) + [end]
        return zip(edges, edges[1:])

    def direct(self, paddr):
        return paddr + self.page_offset

    def _default_boot_area(self):
        """From the end of the image to the end of the RAM around it."""
        end = self.image.paddr + self.image.size
        last = max((b for a, b in self.owners.backed if a < end <= b), default=end)
        return end, min(last, self.managed[-1][1])

    # ---- page lines

    def _placements(self, line):
        """(first pfn, pages) of each repetition of a page line."""
        size = block_size(line)
        count = line.count or size
        if count % size:
            raise DescriptionError(f"{line.where}: {count} pages are no multiple of {size}")
        for repetition in range(line.times):
            yield line.pfn + repetition * (line.every or count), count

    def _claim_page_lines(self):
        for line in self.description.pages + [self.description.background]:
            if not is_known(line.kind):
                raise DescriptionError(f"{line.where}: unknown kind of page '{line.kind}'")
        for line in self.description.pages:
            for pfn, count in self._placements(line):
                self.owners.claim(pfn, pfn + count, f"the page line at {line.where}")

    # ---- page tables

    def _page_tables(self):
        description, image = self.description, self.image
        tables = PageTables(self.memory, self.owners.allocate, image.where("init_top_pgt"), description.levels,
                            self.sme_mask, description.leaf_pat)
        for offset in range(0, image.size, 2 * MiB):
            tables.map(image.vaddr + offset, image.paddr + offset, SHIFT_2M, executable=True)
        shift = LEAF_SHIFTS[description.directmap]
        size = 1 << shift
        for start, end in union((round_down(a, size), round_up(b, size)) for a, b in self.managed):
            for paddr in range(start, end, size):
                tables.map(self.direct(paddr), paddr, shift)
        self._map_vmemmap(tables)

    def _map_vmemmap(self, tables):
        given_back = self._given_back_pages()
        split = {vpage >> 9 for vpage in given_back}
        for vaddr, frame in self.memmap.leaves():
            if vaddr >> SHIFT_2M not in split and self.description.vmemmap_leaf == "2m":
                tables.map(vaddr, frame, SHIFT_2M)
                continue
            for offset in range(0, 2 * MiB, PAGE_SIZE):
                page = given_back.get(vaddr + offset >> PAGE_SHIFT, frame + offset)
                tables.map(vaddr + offset, page, SHIFT_4K)

    def _given_back_pages(self):
        """Virtual pages of the vmemmap (numbers) that show the first page of a hugetlb page's struct pages again."""
        result = {}
        for line in self.description.pages:
            if line.options.get("hvo") != "on":
                continue
            if not self.memmap.virtual:
                raise DescriptionError(f"{line.where}: hvo=on needs a vmemmap")
            pages = block_size(line) * self.memmap.page_size // PAGE_SIZE
            for pfn, count in self._placements(line):
                for head in range(pfn, pfn + count, block_size(line)):
                    first = self.memmap.page_vaddr(head)
                    for page in range(1, pages):
                        result[(first >> PAGE_SHIFT) + page] = self.memmap.physical(first)
        return result

    # ---- struct pages and page contents

    def _struct_pages(self):
        self._fill_holes()
        for start, end in self.managed:
            for address in (start, end):        # pages that are only partly RAM: not used by the kernel
                if address % PAGE_SIZE:
                    self._reserve(address >> PAGE_SHIFT, (address >> PAGE_SHIFT) + 1)
        for start, end in self.owners.kernel:
            self._reserve(start, end)
        for line in self.description.pages:
            try:
                for pfn, count in self._placements(line):
                    self._place(line, pfn, count)
            except DescriptionError as problem:
                raise DescriptionError(f"{line.where}: {problem}") from None
        self._fill_background()
        self.memmap.fill_copies()
        for start, end in self.memmap.parts(0, self.memmap.real_end):
            for a, b in list(self.classes.gaps(start, end)):
                self.classes.assign(a, b, "keep")
        if self.description.no_mem_map:
            self.classes = RangeMap()

    def _write_pages(self, pfn, data):
        self.memmap.write(self.memmap.page_vaddr(pfn), data)

    def _reserved_bytes(self, pfn, count):
        return self.kinds.single(RESERVED, pfn)[0] * count

    def _reserve(self, start, end):
        for low, high in self.memmap.parts(start, min(end, self.memmap.real_end)):
            for a, b in self._alike(low, high):
                self._write_pages(a, self._reserved_bytes(a, b - a))
            self.classes.assign(low, high, "keep")

    def _fill_holes(self):
        how = self.description.hole_pages
        for start, end in self.memmap.parts(0, self.memmap.real_end):
            for a, b in self._alike(start, end):
                if how == "poison":
                    self._write_pages(a, b"\xff" * (self.memmap.page_size * (b - a)))
                elif how == "reserved":
                    self._write_pages(a, self._reserved_bytes(a, b - a))

    def _place(self, line, pfn, count):
        self._write_contents(line, pfn, count)
        if not contains(self.memmap.ranges, pfn, pfn + count):
            if line.kind in ("none", "kernel", "zero"):
                return                  # just contents: these pages have no struct page
            raise DescriptionError(f"some of the pages {pfn:#x}..{pfn + count - 1:#x} have no struct page")
        if pfn + count > self.memmap.real_end:
            raise DescriptionError("page lines must lie in front of the sections that repeat others")
        if line.kind in SINGLE:
            for a, b in self._alike(pfn, pfn + count):
                data, page_class = self.kinds.single(line, a)
                self._write_pages(a, data * (b - a))
                self.classes.assign(a, b, line.page_class or page_class)
            return
        for first in range(pfn, pfn + count, block_size(line)):
            self._place_block(line, first)

    def _place_block(self, line, pfn):
        block = self.kinds.block(line, pfn)
        for index, number, data in block.parts:
            if block.shares_head_frame:         # only what fits in the first page exists
                number = max(0, min(number, PAGE_SIZE // self.memmap.page_size - index))
            self._write_pages(pfn + index, data * number)
        for index, number, page_class in block.classes:
            self.classes.assign(pfn + index, pfn + index + number, line.page_class or page_class)
        if block.free_order is not None:
            self._free_blocks.append((pfn, block.free_order))

    def _fill_background(self):
        """Everything in RAM that nothing else uses. Pages that are only partly RAM stay reserved."""
        line = self.description.background
        line = replace(line, content=line.content or "zero")
        for start, end in self.managed:
            first, last = round_up(start, PAGE_SIZE) >> PAGE_SHIFT, end >> PAGE_SHIFT
            for a, b in self.memmap.parts(first, min(last, self.memmap.real_end)):
                for low, high in self.owners.free(a, b):
                    for c, d in self._alike(low, high):
                        self._background_run(line, c, d)

    def _background_run(self, line, start, end):
        if line.kind != "free":
            self._place(line, start, end - start)
            return
        largest = MAX_ORDERS - 1 if line.order is None else line.order
        while start < end:
            order = largest
            while order and (start % (1 << order) or start + (1 << order) > end):
                order -= 1
            self._place(replace(line, order=order), start, 1 << order)
            start += 1 << order

    def _write_contents(self, line, pfn, count):
        content = line.content or ("zero" if line.kind == "zero" else "pattern")
        if content != "zero":
            for page in range(pfn, pfn + count):
                self.memory.write(page << PAGE_SHIFT, page_content(content, page))

    # ---- what the ELF file shows

    def _vmcoreinfo(self, found):
        try:
            self.vmcoreinfo_text = vmcoreinfo.text(found, self.layout.version, self.image.release,
                                                   self.description.vmcoreinfo_edits)
        except KeyError as problem:
            raise DescriptionError(f"vmcoreinfo: {problem.args[0]}") from None

    def segments(self):
        """PT_LOADs in file order, with all addresses filled in."""
        description = self.description
        real_machine = description.elf == "vmcore"
        result = list(description.segments_first)
        if description.text_segment and real_machine:
            result.append(Segment(self.image.paddr, self.image.size, self.image.size, self.image.vaddr))
        for item in description.ram:
            step = description.ram_split * PAGE_SIZE or item.memsz
            for offset in range(0, item.memsz, step):
                size = min(step, item.memsz - offset)
                vaddr = None if item.vaddr is None else item.vaddr + offset
                result.append(Segment(item.paddr + offset, size, max(0, min(size, item.filesz - offset)), vaddr))
        result += description.segments_last
        for segment in result:
            if segment.vaddr is None:           # QEMU does not know the kernel's addresses
                segment.vaddr = self.direct(segment.paddr or 0) if real_machine else segment.paddr
        return result

    def mem_map_end(self):
        """First pfn behind all struct pages, or None when max_mapnr is not limited by them."""
        description = self.description
        if not description.vmcoreinfo or description.no_mem_map or description.model == "flat":
            return None
        return max((end for _, end in self.memmap.ranges), default=None)


def page_content(content, pfn):
    """4096 bytes that differ from page to page (except fill:)."""
    if content == "pattern":
        return struct.pack("<QQ", pfn, (0x5ca1ab1e0ddba11 ^ pfn << 32) & (1 << 64) - 1) * (PAGE_SIZE // 16)
    if content == "random":
        return random.Random(pfn).randbytes(PAGE_SIZE)
    if content == "last-byte":
        return bytes(PAGE_SIZE - 1) + b"\x01"
    return bytes([int(content[5:], 16)]) * PAGE_SIZE
