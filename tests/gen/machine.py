# SPDX-License-Identifier: GPL-2.0-or-later
"""What the generator asks a machine; each module in machines/ has a class Machine for one."""

import importlib
import struct

from description import DescriptionError
from layouts import MAX_NUMNODES, PGLIST_DATA
from memory import round_down, round_up, union
from pagetables import PageTables

KiB, MiB, GiB = 1 << 10, 1 << 20, 1 << 30
WORDS = ("node_online_map", "mem_map", "mem_section", "vmap_area_list")


class Machine:
    """One kernel of one machine: what its configuration and its version decide. The address map (page_offset, vmemmap,
    text and so on) is set by the subclass; addresses wrap around like the machine's own."""

    name = uts_machine = ""
    suffix = None                       # at the end of the release, instead of "amd64"
    elf_machine, elf_flags = 0, 0
    elf_class = 64                      # of the vmcore; `word` says how long a pointer is
    word, order = 8, "little"
    registers = 0                       # in the prstatus note
    page_shift = 12
    section_bits = physmem_bits = 0
    models = ("vmemmap",)               # those that its kernels have, the usual one first
    numa = node_data_exported = True
    memory_failure = False
    text_segment = True                 # has the vmcore a PT_LOAD of its own for the image?
    absent_flags = ("uncached",)        # page flags that this machine's kernels lack
    poison = 0xdead000000000000         # where poisoned pointers point to
    page_struct_bytes = None            # sizeof(struct page) when it is not that of the layout
    max_orders = 11
    zone_limits = ()
    tables_class = PageTables
    levels = 0
    root_symbol, root_bytes = "swapper_pg_dir", 0
    entry_bytes = 8
    geometry = ()                       # (shift, bits) of each level of the page tables, the root first
    image_address = 16 * MiB            # physical, if the description says nothing else
    image_align = image_leaf = 2 * MiB
    image_unit = None                   # its size is a multiple of this (usually what it is aligned to)
    linear_leaves = (2 * MiB, 4 * KiB)  # of the direct map, the largest first; none: it is in no table
    frame_bytes = 2 * MiB               # a vmemmap is made of contiguous pieces of this size
    vmemmap_leaf = 2 * MiB
    page_offset = vmemmap = text = 0
    high_memory = None                  # physical addresses from here on have no address in the direct map
    log_default = True
    has_physical_base = False           # does `phys_base` of the description make sense?

    def __init__(self, description, layout):
        self.description, self.layout = description, layout
        self.version = layout.version
        self.page_bytes = 1 << self.page_shift

    # ---- derived numbers

    @property
    def mask(self):
        return (1 << 8 * self.word) - 1

    @property
    def section_pages(self):
        return 1 << (self.section_bits - self.page_shift)

    @property
    def entry_order(self):
        return self.order

    def word_bytes(self, *values):
        return b"".join((value & self.mask).to_bytes(self.word, self.order) for value in values)

    def scaled(self, offset):
        """An offset in a structure of longs, written for longs of 8 bytes."""
        return offset * self.word // 8

    def fail(self, text):
        raise DescriptionError(f"machine {self.name}: {text}")

    def chosen(self, value, allowed, what):
        """A value of the description, or the first of the allowed ones."""
        if value is None:
            return allowed[0]
        if value not in allowed:
            self.fail(f"{what} {value:#x} is not one of {', '.join(f'{one:#x}' for one in allowed)}"
                      if isinstance(value, int) else f"{what} {value} is not one of {', '.join(allowed)}")
        return value

    # ---- addresses

    def image_physical(self, description):
        """Physical address of the image."""
        return self.ram_start + self.image_address if description.image is None else description.image

    def direct(self, paddr):
        return paddr + self.page_offset & self.mask

    def physical(self, vaddr):
        """The way back, for addresses that direct() gave."""
        return vaddr - self.page_offset & self.mask

    def segment_vaddr(self, paddr):
        """p_vaddr of RAM in /proc/vmcore."""
        if self.high_memory is not None and paddr >= self.high_memory:
            return -1
        return self.direct(paddr)

    def cuts(self):
        """Physical addresses at which kexec begins another PT_LOAD."""
        return [self.high_memory] if self.high_memory is not None else []

    def first_pfn(self, _kernel):
        """The page frame that is bit 0 of bitmaps."""
        return 0

    def flat_pfn(self, _kernel):
        """The page frame that *mem_map is about."""
        return 0

    def zone_number(self, paddr):
        return sum(paddr >= limit for limit in self.zone_limits)

    def pointer(self, value):
        """Something that looks like a pointer to an object of the kernel and ends in the same bits."""
        return self.direct(self.ram_start + (value & 0xffffff))

    # ---- what is in the image

    def image_parts(self):
        """(name, bytes, alignment) of each symbol, in order of address."""
        page = self.page_bytes
        return [("_stext", page, page), (self.root_symbol, self.root_bytes or page, max(page, self.root_bytes)),
                ("init_uts_ns", 512, 64), ("linux_banner", 256, 64), *((name, 64, 64) for name in WORDS),
                *self.more_parts(), ("node_data", self.word * MAX_NUMNODES, 64),
                ("contig_page_data", self.scaled(PGLIST_DATA["size"]), page)]

    def more_parts(self):
        return []

    def write_image(self, kernel):
        """Contents of symbols that only this machine has."""

    def reserved(self):
        """(start, end, name) of memory that this machine's kernels use at fixed places."""
        return []

    # ---- page tables

    def build_tables(self, kernel, tables):
        """The usual tables: image, direct map, vmemmap and `map` lines."""
        image = kernel.image
        if self.image_leaf:
            for offset in range(0, image.size, self.image_leaf):
                tables.map(image.vaddr + offset, image.paddr + offset, self.image_leaf, executable=True)
        if self.linear_leaves:
            self.map_linear(kernel, tables)
        self.map_vmemmap(kernel, tables)
        for vaddr, paddr, size in self.description.maps:
            tables.map(vaddr, paddr, size)

    def map_linear(self, kernel, tables):
        smallest = self.linear_leaves[-1]
        for start, end in union((round_down(a, smallest), round_up(b, smallest)) for a, b in kernel.managed):
            if self.high_memory is not None:
                end = min(end, self.high_memory)
            while start < end:
                size = next(leaf for leaf in self.linear_leaves
                            if not (start | self.direct(start)) % leaf and start + leaf <= end or leaf == smallest)
                tables.map(self.direct(start), start, size)
                start += size

    def map_vmemmap(self, kernel, tables):
        given_back = kernel.given_back_pages()
        step = self.vmemmap_leaf
        split = {(vpage << self.page_shift) // step for vpage in given_back}
        for vaddr, frame in kernel.memmap.leaves():
            for offset in range(0, self.frame_bytes, step):
                if (vaddr + offset) // step not in split:
                    tables.map(vaddr + offset, frame + offset, step)
                    continue
                for inner in range(offset, offset + step, self.page_bytes):
                    page = given_back.get(vaddr + inner >> self.page_shift, frame + inner)
                    tables.map(vaddr + inner, page, self.page_bytes)

    def table_bytes(self, bits):
        """Memory of a table with so many bits of index."""
        return self.entry_bytes << bits

    def leaf_run(self, size):
        """A leaf of that size is so many entries of a level: (shift of the level, entries)."""
        return size.bit_length() - 1, 1

    def empty_entry(self, _shift):
        """What an unused entry at that shift holds."""
        return 0

    def table_entry(self, table, shift):
        raise NotImplementedError

    def leaf_entry(self, paddr, shift, size, executable):
        raise NotImplementedError

    # ---- VMCOREINFO

    def lines(self, kernel):
        """Lines that only this machine's kernels write, in their order."""
        return []

    def finish(self, kernel):
        """Writes what needs the text of VMCOREINFO."""

    def facts(self, kernel):
        """Values of lines that other machines have too."""
        return {}


def symbol(kernel, name, value=None):
    return f"SYMBOL({name})={kernel.image.symbols[name] if value is None else value:x}"


def uts_name(kernel, name):
    """struct uts_namespace: six strings, behind a reference counter in old kernels."""
    return b"".join(part.encode().ljust(65, b"\0") for part in (
        "Linux", "testnode", kernel.image.release, "#1 SMP PREEMPT_DYNAMIC generated", name, "(none)"))


def note_bytes(order, name, note_type, desc):
    """An ELF note."""
    name = name + b"\0"
    pad = [data + bytes(-len(data) % 4) for data in (name, desc)]
    return struct.pack({"little": "<", "big": ">"}[order] + "III", len(name), len(desc), note_type) + pad[0] + pad[1]


def load(description, layout):
    try:
        module = importlib.import_module("machines." + description.machine)
    except ModuleNotFoundError:
        raise DescriptionError(f"no machine {description.machine}") from None
    return module.Machine(description, layout)
