# SPDX-License-Identifier: GPL-2.0-or-later
"""drgn programs for cores of any machine, also where neither drgn nor libkdumpfile knows how it begins."""

import os

import cores
import drgn

WIDE, LITTLE = drgn.PlatformFlags.IS_64_BIT, drgn.PlatformFlags.IS_LITTLE_ENDIAN
NAMES = {
    cores.EM_386: "I386",
    cores.EM_PPC64: "PPC64",
    cores.EM_S390: "S390X",
    cores.EM_ARM: "ARM",
    cores.EM_AARCH64: "AARCH64",
    cores.EM_RISCV: "RISCV64",
}


def kernel_text(core, vmlinux):
    """VMCOREINFO for drgn: how far the kernel moved is not in it on machines that crash has no say on."""
    text, info = core.text(), core.info()
    if "KERNELOFFSET" not in info:
        moved = int(info["SYMBOL(_stext)"], 16) - vmlinux.symbol("_stext")
        text += "KERNELOFFSET=%x\n" % (moved & cores.ALL_ONES)
    return text


class Memory:
    """Physical memory by a function read(address, length), and the virtual ranges that drgn does not find by itself."""

    def __init__(self, core, vmlinux, read):
        self.info, self.order, self.read = core.info(), vmlinux.order, read
        self.first = min(paddr for paddr, *_ in core.loads)
        self.last = max(paddr + memsz for paddr, _, _, _, memsz in core.loads)
        self.machine, self.bits = vmlinux.machine, vmlinux.bits

    def add_to(self, prog, core):
        for paddr, _, _, filesz, _ in core.loads:
            if filesz and paddr != cores.ALL_ONES:
                prog.add_memory_segment(paddr, filesz, lambda address, count, *_: self.read(address, count), True)
        add = getattr(self, "_add_" + NAMES[self.machine].lower(), None)
        if add:
            add(prog)

    def _linear(self, prog, vaddr, paddr, size):
        shift = paddr - vaddr
        prog.add_memory_segment(vaddr, size, lambda address, count, *_: self.read(address + shift, count), False)

    def _add_ppc64(self, prog):
        self._linear(prog, 0xc000 << 48, 0, self.last)

    def _add_arm(self, prog):
        self._linear(prog, 0xc0000000, self.first, min(self.last - self.first, 0x2f800000))

    def _add_i386(self, prog):
        self._linear(prog, 0xc0000000, 0, min(self.last, 0x37ffe000))

    def _add_riscv64(self, prog):
        """No page tables of this machine for drgn: they are walked here."""
        offset = int(self.info["NUMBER(va_kernel_pa_offset)"], 0)
        root = int(self.info["SYMBOL(swapper_pg_dir)"], 16) - offset
        levels = (int(self.info["NUMBER(VA_BITS)"]) - 12) // 9

        def walk(vaddr):
            table = root
            for level in range(levels - 1, -1, -1):
                shift = 12 + 9 * level
                entry = int.from_bytes(self.read(table + (vaddr >> shift & 511) * 8, 8), "little")
                if not entry & 1:
                    raise drgn.FaultError("not mapped", vaddr)
                frame = entry >> 10 & (1 << 44) - 1
                if entry & 0xe:
                    if entry >> 63:
                        frame &= ~15  # svnapot: one of sixteen pages
                        shift = 16
                    return (frame << 12) + (vaddr & (1 << shift) - 1)
                table = frame << 12
            raise drgn.FaultError("a table instead of a page", vaddr)

        def read(address, count, *_):
            out = b""
            while count:
                part = min(count, 4096 - address % 4096)
                out += self.read(walk(address), part)
                address, count = address + part, count - part
            return out

        half = 1 << 63
        prog.add_memory_segment(half, half, read, False)


def of_memory(core, vmlinux_path, read=None):
    """A program for memory that is read here: nothing but drgn's page tables and types is trusted."""
    vmlinux = cores.Elf(vmlinux_path)
    flags = drgn.PlatformFlags(0)
    flags |= WIDE if vmlinux.bits == 64 else drgn.PlatformFlags(0)
    flags |= LITTLE if vmlinux.order == "<" else drgn.PlatformFlags(0)
    prog = drgn.Program(drgn.Platform(getattr(drgn.Architecture, NAMES[vmlinux.machine]), flags))
    prog.set_linux_kernel_custom(kernel_text(core, vmlinux), False)
    Memory(core, vmlinux, read or core.read).add_to(prog, core)
    return debug_info(prog, vmlinux_path)


def of_file(path, core, vmlinux_path):
    """A program for a filtered dump as libkdumpfile reads it."""
    prog = drgn.Program(vmcoreinfo=kernel_text(core, cores.Elf(vmlinux_path)))
    prog.set_core_dump(path)
    return debug_info(prog, vmlinux_path)


def debug_info(prog, vmlinux_path):
    try:
        prog.load_debug_info([os.path.realpath(vmlinux_path)])
    except drgn.MissingDebugInfoError:
        pass  # of modules
    return prog
