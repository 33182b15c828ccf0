# SPDX-License-Identifier: GPL-2.0-or-later
"""Writes an ELF64 core file: headers, notes and PT_LOADs, as /proc/vmcore or QEMU lay them out."""

import os
import struct

PT_LOAD, PT_NOTE = 1, 4
EM_X86_64 = 62
PN_XNUM = 0xffff
NT_PRSTATUS = 1
PRSTATUS_SIZE = 336
NT_VMCOREDD = 0x700
EHDR_SIZE, PHDR_SIZE, SHDR_SIZE = 64, 56, 64
PAGE_SIZE = 4096
ALL_ONES = (1 << 64) - 1
SHSTRTAB = b"\0.shstrtab\0"


def note(name, note_type, desc):
    name = name.encode() + b"\0"
    pad = [data + bytes(-len(data) % 4) for data in (name, desc)]
    return struct.pack("<III", len(name), len(desc), note_type) + pad[0] + pad[1]


def build_notes(description, vmcoreinfo_text):
    """List of notes in file order: device dumps and other extras, CPUs, VMCOREINFO."""
    notes = []
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
        registers = bytearray(PRSTATUS_SIZE)
        struct.pack_into("<i", registers, 32, 100 + cpu)
        notes.append(note("CORE", NT_PRSTATUS, bytes(registers)))
    if description.vmcoreinfo:
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
    notes = build_notes(description, kernel.vmcoreinfo_text)
    groups = [] if description.nonote else ([notes] if description.notes == "merged" else [[item] for item in notes])
    phdr_count = len(groups) + len(segments)
    xnum = description.xnum or phdr_count >= PN_XNUM
    qemu_new = description.elf == "qemu"
    section_count = 2 if qemu_new else 1 if xnum else 0
    if qemu_new:                        # since QEMU 7.2: section headers first, then program headers
        shoff = EHDR_SIZE
        phoff = shoff + section_count * SHDR_SIZE
        position = phoff + phdr_count * PHDR_SIZE
    else:
        phoff = EHDR_SIZE
        shoff = phoff + phdr_count * PHDR_SIZE if xnum else 0
        position = phoff + phdr_count * PHDR_SIZE + section_count * SHDR_SIZE
    aligned = description.elf == "vmcore"
    if aligned:
        position = _round(position)

    note_places = []
    for group in groups:
        data = b"".join(group)
        note_places.append((position, data))
        position += len(data)
    if aligned:
        position = _round(position)
    offsets, position = _place(segments, position, aligned)

    file = _File(path)
    try:
        headers = [struct.pack("<IIQQQQQQ", PT_NOTE, 0, where, 0, 0, len(data), len(data), 4 if aligned else 0)
                   for where, data in note_places]
        for segment, offset in zip(segments, offsets):
            headers.append(_load_header(description, segment, offset))
        file.write(0, _elf_header(phoff, shoff, section_count, PN_XNUM if xnum else phdr_count, qemu_new))
        file.write(phoff, b"".join(headers))
        if section_count:
            sections = struct.pack("<IIQQQQIIQQ", 0, 0, 0, 0, 0, 0, 0, phdr_count if xnum else 0, 0, 0)
            if qemu_new:
                sections += struct.pack("<IIQQQQIIQQ", 1, 3, 0, 0, position, len(SHSTRTAB), 0, 0, 0, 0)
                file.write(position, SHSTRTAB)
            file.write(shoff, sections)
        for where, data in note_places:
            file.write(where, data)
        for segment, offset in zip(segments, offsets):
            _write_segment(file, kernel.memory, segment, offset)
        if description.truncate is not None:
            file.end = min(file.end, description.truncate)
    finally:
        file.close()


def _elf_header(phoff, shoff, section_count, phnum, qemu_new):
    ident = b"\x7fELF" + bytes([2, 1, 1]) + bytes(9)
    return ident + struct.pack("<HHIQQQIHHHHHH", 4, EM_X86_64, 1, 0, phoff, shoff, 0,
                               8 if qemu_new else EHDR_SIZE,    # QEMU writes its own mistake here
                               PHDR_SIZE, phnum, SHDR_SIZE if section_count else 0, section_count,
                               1 if qemu_new else 0)


def _load_header(description, segment, offset):
    paddr = ALL_ONES if segment.paddr is None else segment.paddr
    if segment.filesz == 0 and description.elf != "vmcore":
        offset = ALL_ONES               # QEMU with a begin/length filter
    flags = segment.flags if description.elf == "vmcore" else 0
    return struct.pack("<IIQQQQQQ", PT_LOAD, flags, offset, segment.vaddr & ALL_ONES, paddr,
                       segment.filesz, segment.memsz, 0)


def _write_segment(file, memory, segment, offset):
    file.reserve(offset + segment.filesz)
    if segment.paddr is None:
        if segment.content and segment.content.startswith("fill:"):
            file.write(offset, bytes([int(segment.content[5:], 16)]) * segment.filesz)
        return
    for address, data in memory.nonzero_runs(segment.paddr, segment.paddr + segment.filesz):
        file.write(offset + address - segment.paddr, data)
