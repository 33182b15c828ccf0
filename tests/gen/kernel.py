# SPDX-License-Identifier: GPL-2.0-or-later
"""Builds the invented kernel step by step: RAM, image, mem_map, page tables, struct pages, contents, nodes."""

import random
import struct
from dataclasses import replace

import facts
import layouts
import machine
import memmap
import printklog
import vmcoreinfo
from description import DescriptionError, PageLine, Segment
from image import KernelImage
from memory import PhysicalMemory, RangeMap, contains, round_up, union
from nodes import Nodes
from ownership import Ownership
from pagekinds import SINGLE, PageKinds, block_size, is_known

RESERVED = PageLine("reserved")


class TestKernel:
    """After build(): memory, segments(), vmcoreinfo_text, and for expectations classes, memmap and mem_map_end()."""

    def __init__(self, description):
        self.description = description
        layout = self._plain_layout()
        self.machine = machine.load(description, layout)
        self.layout = self._layout(layout)
        self.page_shift, self.page_bytes = self.machine.page_shift, self.machine.page_bytes
        self.memory = PhysicalMemory(self.machine.word, self.machine.order)
        self.pgdat, self.zone = layouts.node_layout(self.layout, self.machine)
        self.model = self.machine.chosen(description.model, self.machine.models, "model")
        self.numa = self.machine.numa if description.numa is None else description.numa
        self.memory_failure = self.machine.memory_failure if description.memory_failure is None \
            else description.memory_failure
        self.classes = RangeMap()       # pfn -> class, for every pfn with a struct page
        self._free_blocks = []          # (pfn, order)
        self.note_bytes = b""

    def _plain_layout(self):
        layout = layouts.LAYOUTS.get(self.description.kernel)
        if layout is None:
            raise DescriptionError(f"no layout for kernel {self.description.kernel}; there are: "
                                   + ", ".join(layouts.LAYOUTS))
        return layout

    def _layout(self, layout):
        description, layout = self.description, layouts.for_machine(layout, self.machine)
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
        self.image = KernelImage(self.machine, self.description, self.layout, self.memory)
        self.memmap.set_symbols(self.image)
        self.log = printklog.make(self)
        self.image.write_contents(self)
        self.owners.claim_image(self.image.paddr, self.image.paddr + self.image.size)
        for start, end, owner in self.machine.reserved():
            self.owners.claim_kernel(start, end, owner)
        self.owners.set_areas(self.description.boot or [self._default_boot_area()])
        self.memmap.allocate()
        self.note = self.owners.allocate() if self._keeps_note() else None
        self._page_tables()
        found = self.memmap.write_sections()
        nodes = Nodes(self)
        self.kinds = PageKinds(self)
        self._struct_pages()
        found.update(nodes.write(self._free_blocks))
        found.update(facts.collect(self))
        self._vmcoreinfo(found)
        self.machine.finish(self)
        return self

    # ---- RAM and nodes

    def _ram(self):
        description = self.description
        if not description.ram:
            raise DescriptionError("a description needs at least one 'ram' line")
        self.ram_ranges = union((item.paddr, item.paddr + item.memsz) for item in description.ram)
        self.owners = Ownership(union((item.paddr, item.paddr + item.filesz) for item in description.ram), self.page_shift)
        self.machine.ram_start = self.ram_ranges[0][0]
        limit = 1 << 62 if description.mem_limit is None else description.mem_limit
        self.managed = [(start, min(end, limit)) for start, end in self.ram_ranges if start < limit]
        if not self.managed:
            raise DescriptionError("mem-limit leaves no RAM")
        self.max_pfn = round_up(self.managed[-1][1], self.page_bytes) >> self.page_shift
        self.node_ranges = [(start >> self.page_shift, end >> self.page_shift) for start, end in description.nodes] \
            or [(0, 1 << 50)]
        if len(self.node_ranges) > 1 and (self.model == "flat" or not self.numa):
            raise DescriptionError("several nodes need a sparse or discontig model and 'numa on'")

    def node_of(self, pfn):
        for number, (start, end) in enumerate(self.node_ranges):
            if start <= pfn < end:
                return number
        return 0

    def node_span(self, number):
        """pfns from the first to the last RAM of a node; (0, 0) without RAM."""
        low, high = self.node_ranges[number]
        inside = [(max(low, start >> self.page_shift), min(high, round_up(end, self.page_bytes) >> self.page_shift))
                  for start, end in self.managed]
        inside = [(start, end) for start, end in inside if start < end]
        return (inside[0][0], inside[-1][1]) if inside else (0, 0)

    def high_flags(self, pfn):
        """Zone, node and (classic sparse memory) section number, which share page.flags with the flags."""
        zone, node = self.machine.zone_number(pfn << self.page_shift), self.node_of(pfn)
        place, result = 8 * self.machine.word, 0
        if self.memmap.sparse and not self.memmap.virtual:
            place -= self.machine.physmem_bits - self.machine.section_bits
            result = pfn // self.machine.section_pages << place
        place -= 6 if self.machine.numa else 0
        return result | node << place | zone << place - 2

    def _alike(self, start, end):
        """Cuts [start, end) into parts with the same high_flags() and in one section."""
        borders = {limit >> self.page_shift for limit in self.machine.zone_limits}
        borders.update(edge for pair in self.node_ranges for edge in pair)
        if self.memmap.sparse:
            step = self.machine.section_pages
            borders.update(range(round_up(start + 1, step), end, step))
        edges = [start] + sorted(edge for edge in borders if start < edge < end) + [end]
        return zip(edges, edges[1:])

    def direct(self, paddr):
        return self.machine.direct(paddr)

    def _default_boot_area(self):
        """From the end of the image to the end of the RAM around it."""
        end = self.image.paddr + self.image.size
        last = max((b for a, b in self.owners.backed if a < end <= b), default=end)
        return end, min(last, self.managed[-1][1], self.machine.high_memory or last)

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
        root = self.image.where(self.machine.root_symbol)
        tables = self.machine.tables_class(self.memory, self.owners.allocate, root, self.machine)
        self.machine.build_tables(self, tables)

    def given_back_pages(self):
        """Virtual pages of the vmemmap (numbers) that show the first page of a hugetlb page's struct pages again."""
        result = {}
        for line in self.description.pages:
            if line.options.get("hvo") != "on":
                continue
            if not self.memmap.virtual:
                raise DescriptionError(f"{line.where}: hvo=on needs a vmemmap")
            pages = block_size(line) * self.memmap.page_size // self.page_bytes
            for pfn, count in self._placements(line):
                for head in range(pfn, pfn + count, block_size(line)):
                    first = self.memmap.page_vaddr(head)
                    for page in range(1, pages):
                        result[(first >> self.page_shift) + page] = self.memmap.physical(first)
        return result

    # ---- struct pages and page contents

    def _struct_pages(self):
        self._fill_holes()
        for start, end in self.managed:
            for address in (start, end):        # pages that are only partly RAM: not used by the kernel
                if address % self.page_bytes:
                    self._reserve(address >> self.page_shift, (address >> self.page_shift) + 1)
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
                number = max(0, min(number, self.page_bytes // self.memmap.page_size - index))
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
            first, last = round_up(start, self.page_bytes) >> self.page_shift, end >> self.page_shift
            for a, b in self.memmap.parts(first, min(last, self.memmap.real_end)):
                for low, high in self.owners.free(a, b):
                    for c, d in self._alike(low, high):
                        self._background_run(line, c, d)

    def _background_run(self, line, start, end):
        if line.kind != "free":
            self._place(line, start, end - start)
            return
        largest = self.machine.max_orders - 1 if line.order is None else line.order
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
                self.memory.write(page << self.page_shift, page_content(content, page, self.page_bytes))

    # ---- what the ELF file shows

    def _keeps_note(self):
        """Does the kernel have the VMCOREINFO note in its memory, as real ones do?"""
        return self.description.hidden or self.machine.log_default

    def _vmcoreinfo(self, found):
        try:
            self.vmcoreinfo_text = vmcoreinfo.text(found, self.layout.version, self.image.release,
                                                   self.machine.lines(self), self.description.vmcoreinfo_edits)
        except KeyError as problem:
            raise DescriptionError(f"vmcoreinfo: {problem.args[0]}") from None
        if self.note and self.description.vmcoreinfo:
            self.note_bytes = machine.note_bytes(self.machine.order, b"VMCOREINFO", 0, self.vmcoreinfo_text.encode())
            if len(self.note_bytes) > 4096:
                raise DescriptionError("VMCOREINFO is longer than a page")
            self.memory.write(self.note, self.note_bytes)

    def segments(self):
        """PT_LOADs in file order, with all addresses filled in."""
        description = self.description
        real_machine = description.elf == "vmcore"
        result = list(description.segments_first)
        text = self.machine.text_segment if description.text_segment is None else description.text_segment
        if text and real_machine:
            result.append(Segment(self.image.paddr, self.image.size, self.image.size, self.image.vaddr))
        for item in description.ram:
            for offset, end in self._pieces(item):
                size = end - offset
                vaddr = None if item.vaddr is None else item.vaddr + offset
                result.append(Segment(item.paddr + offset, size, max(0, min(size, item.filesz - offset)), vaddr))
        result += description.segments_last
        for segment in result:
            if segment.vaddr is None:           # QEMU does not know the kernel's addresses
                segment.vaddr = self.machine.segment_vaddr(segment.paddr or 0) if real_machine else segment.paddr
        return result

    def _pieces(self, item):
        """Offsets at which the PT_LOADs of a ram line begin and end."""
        step = self.description.ram_split * self.page_bytes or item.memsz
        cuts = {cut - item.paddr for cut in self.machine.cuts() if self.description.elf == "vmcore"}
        cuts.update(range(step, item.memsz, step))
        edges = [0] + sorted(cut for cut in cuts if 0 < cut < item.memsz) + [item.memsz]
        return zip(edges, edges[1:]) if item.memsz else ()

    def mem_map_end(self):
        """First pfn behind all struct pages, or None when max_mapnr is not limited by them."""
        description = self.description
        if not description.vmcoreinfo or description.no_mem_map or self.model == "flat":
            return None
        return max((end for _, end in self.memmap.ranges), default=None)


def page_content(content, pfn, size):
    """A page of bytes that differ from page to page (except fill:)."""
    if content == "pattern":
        return struct.pack("<QQ", pfn, (0x5ca1ab1e0ddba11 ^ pfn << 32) & (1 << 64) - 1) * (size // 16)
    if content == "random":
        return random.Random(pfn).randbytes(size)
    if content == "last-byte":
        return bytes(size - 1) + b"\x01"
    return bytes([int(content[5:], 16)]) * size
