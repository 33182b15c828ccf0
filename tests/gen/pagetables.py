# SPDX-License-Identifier: GPL-2.0-or-later
"""Builds page tables in a PhysicalMemory: one way down for all machines, which say how an entry looks."""


class PageTables:
    """`shape` is the machine: geometry, entry_bytes, entry_order, table_entry(), leaf_entry() and so on; `allocate`
    returns the physical address of new memory."""

    def __init__(self, memory, allocate, root, shape):
        self.memory, self.allocate, self.root, self.shape = memory, allocate, root, shape
        top_shift, top_bits = shape.geometry[0]
        self._covered = (1 << top_shift + top_bits) - 1
        self._tables = {}               # (shift of the entries above, index of all levels down to it) -> table
        self._prepare(root, 0)

    def _prepare(self, table, level):
        """Fills a table with entries that lead nowhere."""
        shift, bits = self.shape.geometry[level]
        empty = self.shape.empty_entry(shift)
        if empty:
            self.memory.write(table, self._bytes(empty) * (1 << bits))

    def _bytes(self, entry):
        return entry.to_bytes(self.shape.entry_bytes, self.shape.entry_order)

    def _new_table(self, level):
        size = self.shape.table_bytes(self.shape.geometry[level][1])
        table = self.allocate(size, max(size, self.shape.page_bytes))
        self._prepare(table, level)
        return table

    def _entry_address(self, vaddr, leaf_shift):
        table = self.root
        for level, (shift, bits) in enumerate(self.shape.geometry):
            where = table + (vaddr >> shift & (1 << bits) - 1) * self.shape.entry_bytes
            if shift == leaf_shift:
                return where
            key = (shift, (vaddr & self._covered) >> shift)
            table = self._tables.get(key)
            if table is None:
                if self.memory.read(where, self.shape.entry_bytes) != self._bytes(self.shape.empty_entry(shift)):
                    raise ValueError(f"{vaddr:#x} is already mapped by a larger page")
                table = self._tables[key] = self._new_table(level + 1)
                self.memory.write(where, self._bytes(self.shape.table_entry(table, shift)))
        raise ValueError(f"no level has leaves of {1 << leaf_shift:#x} bytes")

    def map(self, vaddr, paddr, size, executable=False):
        """One leaf; both addresses must be multiples of its size."""
        if (vaddr | paddr) & size - 1:
            raise ValueError(f"{vaddr:#x} -> {paddr:#x} is not aligned for a leaf of {size:#x} bytes")
        shift, count = self.shape.leaf_run(size)
        for number in range(count):
            step = number << shift
            # the entries of a run may all be alike, or have addresses of their own
            entry = self.shape.leaf_entry(paddr + step, shift, size, executable)
            self.memory.write(self._entry_address(vaddr + step, shift), self._bytes(entry))
