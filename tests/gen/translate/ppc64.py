# SPDX-License-Identifier: GPL-2.0-or-later
"""ppc64: the direct map is a rule, a vmemmap is in a list or in the page tables, the rest is in the tables."""

from translate import Translator as Base, WalkError, bits

LINEAR = 0xc000000000000000
MMU_2M = 7                              # page size number that only radix kernels use for struct pages
RADIX_FEATURE = 0x40


class Translator(Base):
    section_bits, physmem_bits = 24, 51
    entry_order = ">"

    def setup(self):
        # the ELF file may have an order of its own
        uts = self.symbol("init_uts_ns") - LINEAR + self.info.get("OFFSET(uts_namespace.name)", 4)
        self.order = "<" if self.core.read(uts + 4 * 65, 7) == b"ppc64le" else ">"
        self.radix = self._is_radix()
        if self.radix:
            self.levels = [(39, 13), (30, 9), (21, 9), (self.page_shift, 21 - self.page_shift)]
        elif self.page_shift == 16:
            self.levels = [(44, 8), (34, 10), (24, 10), (16, 8)]
        else:
            self.levels = [(37, 9), (28, 9), (21, 7), (12, 9)]
        self.vmalloc = LINEAR | 0x3d0000000000 if not self.radix and self.page_shift == 12 else LINEAR | 1 << 51
        self.root = self.symbol("swapper_pg_dir") - LINEAR
        self.pieces = list(self._vmemmap_list())

    def _linear_int(self, address, size):
        return self.physical_int(address - LINEAR, size)

    def _is_radix(self):
        if "NUMBER(RADIX_MMU)" in self.info:
            return bool(self.number("RADIX_MMU"))
        if "SYMBOL(cur_cpu_spec)" in self.info:
            features = self._linear_int(self.symbol("cur_cpu_spec"), 8) + self.info["OFFSET(cpu_spec.mmu_features)"]
            return bool(self._linear_int(features, 4) & RADIX_FEATURE)
        return self._linear_int(self.symbol("mmu_vmemmap_psize"), 4) == MMU_2M

    def _vmemmap_list(self):
        offset = {name: self.info[f"OFFSET(vmemmap_backing.{name})"] for name in ("list", "phys", "virt_addr")}
        number = self._linear_int(self.symbol("mmu_vmemmap_psize"), 4)
        size = 1 << self._linear_int(self.symbol("mmu_psize_defs") + number * self.info["SIZE(mmu_psize_def)"]
                                     + self.info["OFFSET(mmu_psize_def.shift)"], 4)
        entry = self._linear_int(self.symbol("vmemmap_list"), 8)
        while entry:
            yield (self._linear_int(entry + offset["virt_addr"], 8), size,
                   self._linear_int(entry + offset["phys"], 8))
            entry = self._linear_int(entry + offset["list"], 8)

    def decode(self, entry, shift):
        if not entry >> 63:
            return None, 0, 0
        if entry >> 62 & 1:
            return "leaf", bits(entry, 52, self.page_shift) << self.page_shift, 0
        return "table", bits(entry, 52, 8) << 8, 0

    def resolve(self, vaddr):
        if vaddr >> 60 != 0xc:
            raise WalkError(f"{vaddr:#x} is not an address of the kernel")
        if vaddr < self.vmalloc and not self.radix:
            return self.linear(vaddr - LINEAR)
        for start, size, paddr in self.pieces:
            if start <= vaddr < start + size:
                return self.linear(vaddr - start + paddr)
        if vaddr - LINEAR >= 1 << sum(self.levels[0]):
            raise WalkError(f"{vaddr:#x} is behind the page tables")
        return self.walk(self.root, vaddr)
