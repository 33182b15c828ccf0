# SPDX-License-Identifier: GPL-2.0-or-later
"""From virtual to physical addresses as the second opinion sees it: a module for each machine. They take all they need
from the ELF file, and share nothing with machines/."""

import importlib
import re

MODULES = {3: "x86", 8: "mips64", 20: "ppc", 21: "ppc64", 22: "s390x", 40: "arm", 43: "sparc64", 50: "ia64",
           62: "x86_64", 183: "arm64", 243: "riscv64", 258: "loongarch64"}
ALL = (1 << 64) - 1


class WalkError(Exception):
    """The dump contradicts itself."""


def parse_vmcoreinfo(text):
    info = {}
    for line in text.splitlines():
        key, _, value = line.partition("=")
        if key.startswith("SYMBOL(") or key == "KERNELOFFSET":
            info.setdefault(key, int(value, 16))
        elif re.match(r"(SIZE|OFFSET|LENGTH|NUMBER)\(|PAGESIZE$|CRASHTIME$", key):
            info.setdefault(key, int(value, 0))
        else:
            info.setdefault(key, value)
    return info


def bits(value, high, low):
    return value >> low & (1 << high - low + 1) - 1


class Translator:
    """translate() is what differs; `levels` are (shift, bits of index) of the tables, the root first."""

    word, entry_bytes, entry_order = 8, 8, None
    section_bits = physmem_bits = 0
    levels = ()
    canonical_bits = None               # bits from here on are copies of the one below

    def __init__(self, core, info):
        self.core, self.info, self.order = core, info, core.order
        self.release = tuple(int(part) for part in re.match(r"(\d+)\.(\d+)", info["OSRELEASE"]).groups())
        self.page_shift = info["PAGESIZE"].bit_length() - 1
        self.ram_start = min(load[0] for load in core.loads if load[4])
        self._leaves = {}
        self.setup()

    def setup(self):
        """Addresses and levels, from VMCOREINFO."""

    def symbol(self, name):
        return self.info[f"SYMBOL({name})"]

    def number(self, name, default=None):
        return self.info.get(f"NUMBER({name})", default)

    def first_pfn(self):
        """Page frame of bit 0 of bitmaps."""
        return 0

    def flat_pfn(self):
        """Page frame of the first struct page of a kernel with a flat mem_map."""
        return 0

    def physical_int(self, address, size):
        return int.from_bytes(self.core.read(address, size), "little" if self.order == "<" else "big")

    def segment(self, vaddr):
        """By the program headers; an address of all ones is none."""
        for paddr, start, _, _, memsz in self.core.loads:
            if start not in (0xffffffff, ALL) and start <= vaddr < start + memsz:
                return vaddr - start + paddr
        raise WalkError(f"no segment has {vaddr:#x}")

    def walk(self, table, vaddr):
        """(physical address of the page, size of its leaf)."""
        order = self.entry_order or self.order
        if self.canonical_bits and vaddr >> self.canonical_bits - 1 not in (0, ALL >> self.canonical_bits - 1):
            raise WalkError(f"{vaddr:#x} is not canonical")
        for shift, width in self.levels:
            where = table + bits(vaddr, shift + width - 1, shift) * self.entry_bytes
            if not self.core.has(where):
                raise WalkError(f"table entry of {vaddr:#x} at {where:#x} is not in the file")
            entry = int.from_bytes(self.core.read(where, self.entry_bytes), "little" if order == "<" else "big")
            kind, address, size = self.decode(entry, shift)
            if kind == "leaf":
                size = size or 1 << shift
                return (address & ~(size - 1)) + (vaddr & size - 1) >> self.page_shift << self.page_shift, size
            if kind != "table":
                raise WalkError(f"{vaddr:#x} is not mapped (entry {entry:#x} at shift {shift})")
            table = address
        raise WalkError(f"{vaddr:#x}: the last level is a table")

    def decode(self, entry, shift):
        """(kind, address, size or 0): kind is "leaf", "table" or None."""
        raise NotImplementedError

    def translate(self, vaddr):
        cached = self._leaves.get(vaddr >> self.page_shift)
        if not cached:
            cached = self._leaves[vaddr >> self.page_shift] = self.resolve(vaddr)
        return cached

    def resolve(self, vaddr):
        raise NotImplementedError

    def linear(self, paddr):
        """The answer for an address that is in no table."""
        return paddr >> self.page_shift << self.page_shift, 0


def find(core, info):
    if core.machine not in MODULES:
        raise WalkError(f"unknown machine {core.machine}")
    return importlib.import_module("translate." + MODULES[core.machine]).Translator(core, info)


__all__ = ["Translator", "WalkError", "bits", "find", "parse_vmcoreinfo"]
