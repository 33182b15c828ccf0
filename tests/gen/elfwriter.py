# SPDX-License-Identifier: GPL-2.0-or-later
"""Writes an ELF core file of either class and byte order: headers, notes and PT_LOADs, as /proc/vmcore or QEMU lay them out."""

import os
import struct

from description import DescriptionError
from machine import note_bytes

PT_LOAD, PT_NOTE = 1, 4
PN_XNUM = 0xffff
NT_PRSTATUS = 1
NT_VMCOREDD = 0x700
NT_ARM_SVE = 0x405
PAGE_SIZE = 4096
SHSTRTAB = b"\0.shstrtab\0"


class Form:
    """How numbers look in a file of some class and byte order."""

    def __init__(self, machine, elf_class, order):
        self.machine, self.is64, self.order_name = machine, elf_class == 64, order
        self.order = "<" if order == "little" else ">"
        self.ehdr, self.phdr, self.shdr = (64, 56, 64) if self.is64 else (52, 32, 40)
        self.ones = (1 << elf_class) - 1

    def header(self, phoff, shoff, phnum, sections, qemu_new):
        ident = b"\x7fELF" + bytes([2 if self.is64 else 1, 1 if self.order == "<" else 2, 1]) + bytes(9)
        return ident + struct.pack(
            self.order + ("HHIQQQIHHHHHH" if self.is64 else "HHIIIIIHHHHHH"), 4, self.machine.elf_machine, 1, 0, phoff,
            shoff, self.machine.elf_flags, 8 if qemu_new else self.ehdr,    # QEMU writes its own mistake here
            self.phdr, phnum, self.shdr if sections else 0, sections, 1 if qemu_new else 0)

    def program_header(self, kind, flags, offset, vaddr, paddr, filesz, memsz, align):
        if self.is64:
            return struct.pack(self.order + "IIQQQQQQ", kind, flags, offset, vaddr, paddr, filesz, memsz, align)
        return struct.pack(self.order + "IIIIIIII", kind, offset, vaddr, paddr, filesz, memsz, flags, align)

    def section(self, name, kind, offset, size, info):
        return struct.pack(self.order + ("IIQQQQIIQQ" if self.is64 else "IIIIIIIIII"),
                           name, kind, 0, 0, offset, size, 0, info, 0, 0)

    def prstatus(self, cpu):
        """The registers of a CPU, all 0, and which process it ran."""
        wide = self.machine.word == 8
        data = bytearray((120 if wide else 76) + self.machine.registers * self.machine.word)
        struct.pack_into(self.order + "i", data, 32 if wide else 24, 100 + cpu)
        return bytes(data)


def build_notes(description, vmcoreinfo_text, form):
    """List of notes in file order: device dumps and other extras, CPUs, VMCOREINFO."""
    notes = []

    def note(name, note_type, desc):
        return note_bytes(form.order_name, name.encode(), note_type, desc)

    for name, note_type, size in description.extra_notes:
        desc = bytes((index * 7 + 1) & 0xff for index in range(min(size, 256))) * -(-size // 256)
        data = note(name, note_type, desc[:size])
        if note_type == NT_VMCOREDD:
            # device dumps start with a 44 byte name and fill whole pages
            head = b"generated_device_dump".ljust(44, b"\0")
            full = -(-(len(head) + size + 20) // PAGE_SIZE) * PAGE_SIZE - 20
            data = note(name, note_type, (head + desc[:size]).ljust(full, b"\0"))
        notes.append(data)
    for cpu in range(description.cpus):
        notes.append(note("CORE", NT_PRSTATUS, form.prstatus(cpu)))
    if description.elf_shift:           # registers of a CPU with longer vectors than the first
        notes.append(note("LINUX", NT_ARM_SVE, bytes(description.elf_shift - 20)))
    if description.vmcoreinfo and not description.hidden:
        position = 0 if description.notes == "split-first" else len(notes)
        notes.insert(position, note("VMCOREINFO", 0, vmcoreinfo_text.encode()))
    return notes


class _File:
    """A new sparse file: pages of zeros are left out."""

    def __init__(self, path):
        self.descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o644)
        self.end = 0

    def write(self, position, data):
        self.end = max(self.end, position + len(data))
        os.pwrite(self.descriptor, data, position)

    def reserve(self, end):
        self.end = max(self.end, end)

    def close(self):
        os.ftruncate(self.descriptor, self.end)
        os.close(self.descriptor)


def _round(position):
    return -(-position // PAGE_SIZE) * PAGE_SIZE


def _place(segments, position, aligned):
    """File offset of each segment, and the end."""
    offsets = []
    for segment in segments:
        if aligned:
            inside = (segment.paddr or 0) % PAGE_SIZE
            offsets.append(position + inside)
            position = _round(position + inside + segment.filesz)
        else:
            offsets.append(position)
            position += segment.filesz
    return offsets, position


def write(path, kernel):
    """The whole file for a built TestKernel."""
    description, segments = kernel.description, kernel.segments()
    form = Form(kernel.machine, description.elf_class or kernel.machine.elf_class,
                description.elf_order or kernel.machine.order)
    notes = build_notes(description, kernel.vmcoreinfo_text, form)
    groups = [] if description.nonote else ([notes] if description.notes == "merged" else [[item] for item in notes])
    phdr_count = len(groups) + len(segments)
    xnum = description.xnum or phdr_count >= PN_XNUM
    qemu_new = description.elf == "qemu"
    section_count = 2 if qemu_new else 1 if xnum else 0
    if qemu_new:                        # since QEMU 7.2: section headers first, then program headers
        shoff = form.ehdr
        phoff = shoff + section_count * form.shdr
        position = phoff + phdr_count * form.phdr
    else:
        phoff = form.ehdr
        shoff = phoff + phdr_count * form.phdr if xnum else 0
        position = phoff + phdr_count * form.phdr + section_count * form.shdr
    aligned = description.elf == "vmcore"
    if aligned:
        position = _round(position)

    note_places = []
    uncounted = _uncounted(description)
    for group in groups:
        data = b"".join(group)
        note_places.append((position, data, len(data) - uncounted))
        position += len(data) - uncounted
    if aligned:
        position = _round(position)
    offsets, position = _place(segments, position, aligned)

    file = _File(path)
    try:
        headers = [form.program_header(PT_NOTE, 0, where, 0, 0, counted, counted, 4 if aligned else 0)
                   for where, _, counted in note_places]
        for segment, offset in zip(segments, offsets):
            headers.append(_load_header(form, description, segment, offset))
        file.write(0, form.header(phoff, shoff, PN_XNUM if xnum else phdr_count, section_count, qemu_new))
        file.write(phoff, b"".join(headers))
        if section_count:
            sections = form.section(0, 0, 0, 0, phdr_count if xnum else 0)
            if qemu_new:
                sections += form.section(1, 3, position, len(SHSTRTAB), 0)
                file.write(position + uncounted, SHSTRTAB)
            file.write(shoff, sections)
        for where, data, _ in note_places:
            file.write(where, data)
        for segment, offset in zip(segments, offsets):
            _write_segment(file, kernel.memory, segment, offset + uncounted)
        if description.truncate is not None:
            file.end = min(file.end, description.truncate)
    finally:
        file.close()


def _uncounted(description):
    """Bytes of notes that QEMU did not count: it takes those of all CPUs of arm64 for as long as those of the first."""
    shift = description.elf_shift
    if shift and (description.elf == "vmcore" or description.notes != "merged" or shift < 32 or shift % 4):
        raise DescriptionError("elf-shift is of files of QEMU, with all notes in one segment, and a multiple of 4")
    return shift


def _load_header(form, description, segment, offset):
    paddr = form.ones if segment.paddr is None else segment.paddr
    if segment.filesz == 0 and description.elf != "vmcore":
        offset = form.ones              # QEMU with a begin/length filter
    flags = segment.flags if description.elf == "vmcore" else 0
    return form.program_header(PT_LOAD, flags, offset, segment.vaddr & form.ones, paddr, segment.filesz,
                               segment.memsz, 0)


def _write_segment(file, memory, segment, offset):
    file.reserve(offset + segment.filesz)
    if segment.paddr is None:
        if segment.content and segment.content.startswith("fill:"):
            file.write(offset, bytes([int(segment.content[5:], 16)]) * segment.filesz)
        return
    for address, data in memory.nonzero_runs(segment.paddr, segment.paddr + segment.filesz):
        file.write(offset + address - segment.paddr, data)
