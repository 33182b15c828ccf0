# SPDX-License-Identifier: GPL-2.0-or-later
"""Where struct pages are: sections and their roots, the vmemmap, or arrays in the direct map."""

from description import DescriptionError
from memory import union

ROOTS_OF_MODEL = {"vmemmap": "extreme", "sparse-static": "static", "sparse-extreme": "extreme",
                  "sparse-extreme-pointer": "extreme-pointer"}


class MemMap:
    """Common part: arrays of struct pages in the direct map; `ranges` are the pfns that have one."""

    sparse = virtual = False
    real_end = 1 << 60                  # behind it struct pages are those of other pfns

    def __init__(self, kernel):
        self.kernel, self.machine = kernel, kernel.machine
        self.page_size = kernel.layout.page["size"]
        self.ranges = []
        self._arrays = []               # (first pfn, end, kernel virtual address of the first struct page)

    def set_symbols(self, image):
        """Reserves room in the kernel image."""

    def allocate(self):
        for start, end in self.ranges:
            self._add_array(start, end)

    def _add_array(self, start, end):
        where = self.kernel.owners.allocate((end - start) * self.page_size)
        self._arrays.append((start, end, self.kernel.direct(where)))

    def page_vaddr(self, pfn):
        for start, end, address in self._arrays:
            if start <= pfn < end:
                return address + (pfn - start) * self.page_size
        raise DescriptionError(f"pfn {pfn:#x} has no struct page")

    def write(self, vaddr, data):
        """Stores bytes at an address inside the struct pages."""
        self.kernel.memory.write(self.kernel.machine.physical(vaddr), data)

    def parts(self, start, end):
        """The parts of [start, end) that have struct pages."""
        for a, b in self.ranges:
            if max(start, a) < min(end, b):
                yield max(start, a), min(end, b)

    def fill_copies(self):
        """Gives sections that repeat others their struct pages."""

    def write_sections(self):
        """What leads a reader to the struct pages; returns VMCOREINFO facts."""
        return {}

    def leaves(self):
        """(virtual address, physical address) of each piece of a vmemmap; all have the size the machine says."""
        return []


class FlatMap(MemMap):
    def __init__(self, kernel):
        super().__init__(kernel)
        self.first = self.machine.flat_pfn(kernel)
        self.ranges = [(self.first, kernel.max_pfn)]

    def write_sections(self):
        self.kernel.image.write_word("mem_map", self.page_vaddr(self.first))
        return {}


class NodeMaps(MemMap):
    def __init__(self, kernel):
        super().__init__(kernel)
        self.ranges = [kernel.node_span(number) for number in range(len(kernel.node_ranges))]
        if not all(end > start for start, end in self.ranges):
            raise DescriptionError("each node needs RAM")


class SparseMap(MemMap):
    """Sections with one array each."""

    sparse = True

    def __init__(self, kernel):
        super().__init__(kernel)
        description = self.description = kernel.description
        self.roots = description.roots or ROOTS_OF_MODEL[kernel.model]
        self.physmem_bits = description.max_physmem_bits or self.machine.physmem_bits
        self.section_count = 1 << (self.physmem_bits - self.machine.section_bits)
        self.section_pages = self.machine.section_pages
        self.entry_size = description.mem_section_size or 2 * self.machine.word
        self.per_root = self.machine.page_bytes // self.entry_size
        self.root_count = -(-self.section_count // self.per_root)
        size = 1 << self.machine.section_bits
        self.sections = sorted({number for start, end in kernel.managed
                                for number in range(start // size, -(-end // size))})
        if self.sections[-1] >= self.section_count:
            raise DescriptionError(f"RAM does not fit in {self.physmem_bits} bits of physical address")
        unknown = set(description.sections) - set(self.sections)
        if unknown:
            raise DescriptionError(f"section {min(unknown)} has no RAM")
        self.lost_roots = {number // self.per_root for number in self.sections if self._word(number) == "unreadable"}
        self.mapped = [number for number in self.sections if self._word(number) not in ("hole", "stale", "unreadable")
                       and number // self.per_root not in self.lost_roots]
        self.ranges = union((number * self.section_pages, (number + 1) * self.section_pages) for number in self.mapped)
        if description.share and not self.virtual:
            raise DescriptionError("memmap-share and memmap-copy need a vmemmap")

    def _word(self, section):
        words = self.description.sections.get(section, [""])
        if words[0] not in ("", "hole", "stale", "unreadable") and not words[0].startswith("flags="):
            raise DescriptionError(f"section {section}: '{words[0]}' is not hole, stale, unreadable or flags=N")
        return words[0]

    def set_symbols(self, image):
        if self.roots == "static":
            image.add("mem_section_array", self.section_count * self.entry_size, self.machine.page_bytes)
        elif self.roots == "extreme" and not self.kernel.layout.at_least(4, 15):
            image.add("mem_section_array", self.root_count * self.machine.word, self.machine.page_bytes)

    def allocate(self):
        for number in self.mapped:
            self._add_array(number * self.section_pages, (number + 1) * self.section_pages)

    def _encoded_map(self, number):
        """Address that section_mem_map holds: as if the array began at pfn 0."""
        start = number * self.section_pages
        return self.page_vaddr(start) - start * self.page_size & self.machine.mask

    def _entry(self, number):
        word = self._word(number)
        if word == "hole":
            return None
        flags = self.kernel.layout.section_flags
        if word == "stale":             # removed memory: the value stays, the present bit does not
            flags &= ~1
        if word.startswith("flags="):
            flags = int(word[6:], 0)
        encoded = self._encoded_map(number) if number in self.mapped else self.machine.page_offset
        usage = self.kernel.direct(0x3000)
        return self.machine.word_bytes(encoded | flags, usage).ljust(self.entry_size, b"\0")

    def write_sections(self):
        entries = {number: self._entry(number) for number in self.sections}
        entries = {number: data for number, data in entries.items() if data}
        exported = self._write_static(entries) if self.roots == "static" else self._write_roots(entries)
        return {
            "SYMBOL(mem_section)": exported,
            "LENGTH(mem_section)": self.section_count if self.roots == "static" else self.root_count,
            "SIZE(mem_section)": self.entry_size,
            "OFFSET(mem_section.section_mem_map)": 0,
            "NUMBER(SECTION_SIZE_BITS)": self.machine.section_bits,
            "NUMBER(MAX_PHYSMEM_BITS)": self.physmem_bits}

    def _write_static(self, entries):
        where = self.kernel.image.where("mem_section_array")
        for number, data in entries.items():
            self.kernel.memory.write(where + number * len(data), data)
        return self.kernel.image.symbols["mem_section_array"]

    def _write_roots(self, entries):
        kernel, word = self.kernel, self.machine.word
        if "mem_section_array" in kernel.image.symbols:
            array, where = kernel.image.symbols["mem_section_array"], kernel.image.where("mem_section_array")
        else:                           # 4.15 and later: allocated, with a pointer to it
            where = kernel.owners.allocate(self.root_count * word)
            array = kernel.direct(where)
            kernel.image.write_word("mem_section", array)
        for root in sorted({number // self.per_root for number in self.sections}):
            if root in self.lost_roots:
                # a kernel address that nothing maps
                kernel.memory.write_word(where + root * word, self.machine.page_offset + (1 << 45) + 0x5000)
                continue
            block = kernel.owners.allocate()
            kernel.memory.write_word(where + root * word, kernel.direct(block))
            for number, data in entries.items():
                if number // self.per_root == root:
                    kernel.memory.write(block + number % self.per_root * len(data), data)
        return kernel.image.symbols["mem_section"] if self.roots == "extreme-pointer" else array


class VirtualMap(SparseMap):
    """Sections whose struct pages form one virtual array, backed by frames of one size."""

    virtual = True

    def __init__(self, kernel):
        super().__init__(kernel)
        self.frame = self.machine.frame_bytes
        self._frames = {}               # address / size of a frame -> physical address
        self._repeated = {}             # the same for sections that repeat others
        self.repeats = {}               # section -> section whose struct pages it shows
        share = self.description.share
        self._own = self.mapped
        if share:
            first, count = share
            if self.page_size != 64:
                raise DescriptionError("memmap-share and memmap-copy need struct pages of 64 bytes")
            self._own = [number for number in self.mapped if number < first + count]
            if set(range(first, first + count)) - set(self._own):
                raise DescriptionError("memmap-share, memmap-copy: the sections to be repeated need RAM")
            self.repeats = {number: first + (number - first) % count for number in self.mapped
                            if number >= first + count}
        self.real_end = (self._own[-1] + 1) * self.section_pages if self._own else 0

    def allocate(self):
        size = self.section_pages * self.page_size
        for number in self.mapped if self.description.share_copies else self._own:
            start = self.page_vaddr(number * self.section_pages)
            for leaf in range(start // self.frame, (start + size - 1) // self.frame + 1):
                if leaf not in self._frames:
                    self._frames[leaf] = self.kernel.owners.allocate(self.frame, self.frame)
        if self.description.share_copies:
            return
        for number, twin in self.repeats.items():
            self._repeated[self._leaf(number)] = self._frames[self._leaf(twin)]

    def _leaf(self, section):
        return self.page_vaddr(section * self.section_pages) // self.frame

    def fill_copies(self):
        """Nothing may be written to the struct pages of the sections concerned afterwards."""
        for number, twin in self.repeats.items() if self.description.share_copies else ():
            self.kernel.memory.repeat(self._frames[self._leaf(twin)], self._frames[self._leaf(number)], self.frame)

    def page_vaddr(self, pfn):
        return self.machine.vmemmap + pfn * self.page_size & self.machine.mask

    def _encoded_map(self, number):
        return self.machine.vmemmap

    def write(self, vaddr, data):
        position = 0
        while position < len(data):
            leaf, offset = divmod(vaddr + position, self.frame)
            step = min(self.frame - offset, len(data) - position)
            self.kernel.memory.write(self._frames[leaf] + offset, data[position:position + step])
            position += step

    def leaves(self):
        return sorted((leaf * self.frame, frame) for leaf, frame in {**self._frames, **self._repeated}.items())

    def physical(self, vaddr):
        return self._frames[vaddr // self.frame] + vaddr % self.frame


def make(kernel):
    model, memmap = kernel.model, kernel.description.memmap
    if model == "flat":
        return FlatMap(kernel)
    if model == "discontig":
        return NodeMaps(kernel)
    virtual = memmap == "vmemmap" if memmap else model == "vmemmap"
    return VirtualMap(kernel) if virtual else SparseMap(kernel)
