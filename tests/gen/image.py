# SPDX-License-Identifier: GPL-2.0-or-later
"""The kernel image: a few symbols one after the other, utsname, and where all that lies."""

from description import DescriptionError
from machine import uts_name
from memory import round_up


class KernelImage:
    """vaddr, paddr, size and symbols (name -> address)."""

    def __init__(self, machine, description, layout, memory):
        self.machine, self.memory = machine, memory
        self.vaddr, self.paddr = machine.text, machine.image_physical(description)
        if self.paddr % machine.image_align or self.paddr < 0:
            raise DescriptionError(f"the kernel image would lie at {self.paddr:#x}, not at a multiple of "
                                   f"{machine.image_align >> 20 or machine.image_align / (1 << 20)} MiB")
        self.release = description.release or layout.release
        self.uts_offset = 0 if layout.at_least(5, 11) else 4
        self._end = self.vaddr
        self.symbols = {}
        for name, size, align in machine.image_parts():
            self.add(name, size, align)

    def add(self, name, size, align):
        self.symbols[name] = round_up(self._end, align)
        self._end = self.symbols[name] + size

    @property
    def size(self):
        return round_up(self._end - self.vaddr, self.machine.image_unit or self.machine.image_align)

    def physical(self, vaddr):
        return vaddr - self.vaddr + self.paddr

    def where(self, name):
        """Physical address of a symbol."""
        return self.physical(self.symbols[name])

    def write(self, name, data):
        self.memory.write(self.where(name), data)

    def write_word(self, name, value):
        self.memory.write_word(self.where(name), value)

    def write_contents(self, kernel):
        self.write("init_uts_ns", bytes(self.uts_offset) + uts_name(kernel, self.machine.uts_machine))
        self.write("linux_banner", f"Linux version {self.release} (generated)\n".encode())
        self.write("_stext", b"\x0f\x1f\x44\x00\x00\xc3\x90\x90" * (self.machine.page_bytes // 8))
        self.machine.write_image(kernel)
