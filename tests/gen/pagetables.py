# SPDX-License-Identifier: GPL-2.0-or-later
"""Builds x86_64 page tables with 4 or 5 levels in a PhysicalMemory."""

SHIFT_4K, SHIFT_2M, SHIFT_1G = 12, 21, 30
LEAF_SHIFTS = {"4k": SHIFT_4K, "2m": SHIFT_2M, "1g": SHIFT_1G}

PRESENT, LARGE, NO_EXECUTE = 1 << 0, 1 << 7, 1 << 63
TABLE_BITS = 0x67                       # present, writable, user, accessed, dirty
LEAF_BITS = 0x163 & ~LARGE              # present, writable, accessed, dirty, global
LARGE_PAT = 1 << 12                     # page attribute bit of 2M and 1G leaves, inside what is address in tables
ADDRESS = 0x000ffffffffff000


class PageTables:
    """`allocate` returns the physical address of a new page for a table."""

    def __init__(self, memory, allocate, root, levels, sme_mask=0, pat=False):
        self.memory, self.allocate, self.root = memory, allocate, root
        self.top_shift = 39 if levels == 4 else 48
        self.encryption, self.pat = sme_mask, pat
        self._tables = {}               # (shift of the entries, virtual address >> that many + 9) -> table

    def _entry_address(self, vaddr, leaf_shift):
        table, shift = self.root, self.top_shift
        while shift > leaf_shift:
            where = table + ((vaddr >> shift) & 511) * 8
            key = (shift, (vaddr & 0xffffffffffff if self.top_shift == 39 else vaddr & (1 << 57) - 1) >> shift)
            below = self._tables.get(key)
            if below is None:
                old = self.memory.read_word(where)
                if old & LARGE:
                    raise ValueError(f"{vaddr:#x} is already mapped by a larger page")
                below = self._tables[key] = self.allocate()
                self.memory.write_word(where, below | self.encryption | TABLE_BITS)
            table, shift = below, shift - 9
        return table + ((vaddr >> shift) & 511) * 8

    def map(self, vaddr, paddr, leaf_shift, executable=False):
        """One leaf of 4 KiB, 2 MiB or 1 GiB; both addresses must be multiples of its size."""
        if (vaddr | paddr) & ((1 << leaf_shift) - 1):
            raise ValueError(f"{vaddr:#x} -> {paddr:#x} is not aligned for a leaf of {1 << leaf_shift:#x} bytes")
        entry = paddr | self.encryption | LEAF_BITS
        if leaf_shift > SHIFT_4K:
            entry |= LARGE | (LARGE_PAT if self.pat else 0)
        if not executable:
            entry |= NO_EXECUTE
        self.memory.write_word(self._entry_address(vaddr, leaf_shift), entry)
