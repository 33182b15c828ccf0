# SPDX-License-Identifier: GPL-2.0-or-later
"""s390x: everything is in the page tables; where their root is, absolute 0 tells (os_info)."""

from translate import Translator as Base, WalkError

MAGIC = 0x4f53494e464f535a


class Translator(Base):
    section_bits, physmem_bits = 28, 46

    def setup(self):
        values = self._os_info()
        root = self.symbol("swapper_pg_dir")
        base = values[5] if values else 0
        if base and root >= base:
            root = root - base + values[6]
        # entries of all tables say which table they are in
        first = self.physical_int(root, 8)
        level = first >> 2 & 3
        if not 1 <= level <= 2:
            raise WalkError(f"the root at {root:#x} begins with {first:#x}")
        self.levels = [(42, 11), (31, 11), (20, 11), (12, 8)][2 - level:]
        self.root = root
        self.limit = 1 << self.levels[0][0] + 11

    def _os_info(self):
        where = self.physical_int(0xe18, 8)
        if not where or where % 4096:
            raise WalkError(f"no os_info: absolute e18 has {where:#x}")
        page = self.core.read(where, 4096)
        words = [int.from_bytes(page[at:at + 4], "big") for at in range(12, 4096, 4)]
        total = sum(words)
        while total >> 32:
            total = (total & 0xffffffff) + (total >> 32)
        if int.from_bytes(page[:8], "big") != MAGIC or int.from_bytes(page[8:12], "big") != total:
            raise WalkError("os_info: magic or checksum is wrong")
        return [int.from_bytes(page[at:at + 8], "big") for at in range(32, 32 + 13 * 20, 20)]

    def decode(self, entry, shift):
        if shift == 12:
            return (None if entry & 0xc00 else "leaf"), entry & ~0xfff, 0
        if entry & 0x20 or entry >> 2 & 3 != {42: 2, 31: 1, 20: 0}[shift]:
            return None, 0, 0
        if shift < 42 and entry & 0x400:
            return "leaf", entry, 0
        if shift == 20:
            return "table", entry & ~0x7ff, 0
        return "table", entry & ~0xfff, 0

    def resolve(self, vaddr):
        if vaddr >= self.limit:
            raise WalkError(f"{vaddr:#x} is more than the root is for")
        return self.walk(self.root, vaddr)
