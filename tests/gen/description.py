# SPDX-License-Identifier: GPL-2.0-or-later
"""Reads the text that describes a test dump (grammar: README) into a Description."""

import os
import re
from dataclasses import dataclass, field

SUFFIXES = {"K": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40}


class DescriptionError(Exception):
    """A mistake in a description; the text names file and line where they are known."""


def number(text):
    """-0x10, 64M, 1T, 4096; what follows a suffix is an error."""
    match = re.fullmatch(r"(-?)(0[xX][0-9a-fA-F]+|[0-9]+)([KMGT]?)", text)
    if not match:
        raise DescriptionError(f"'{text}' is not a number (decimal or 0x..., with K, M, G or T)")
    value = int(match[2], 0) * SUFFIXES.get(match[3], 1)
    return -value if match[1] else value


def address_range(text):
    match = re.fullmatch(r"([^-]+)-([^-]+)", text)
    if not match:
        raise DescriptionError(f"'{text}' is not a range START-END")
    start, end = number(match[1]), number(match[2])
    if start >= end:
        raise DescriptionError(f"range {text} is empty or backwards")
    return start, end


@dataclass
class Segment:
    """One PT_LOAD: paddr None means "all ones"; vaddr None means "the writer decides"."""
    paddr: int
    memsz: int
    filesz: int
    vaddr: int = None
    content: str = None                 # only for segments without a physical address
    flags: int = 7


@dataclass
class PageLine:
    """`page` or `background` line: kind and parameters; count 0 means one block of the kind."""
    kind: str
    pfn: int = 0
    count: int = 0
    order: int = None
    content: str = None
    times: int = 1
    every: int = 0
    flags: int = 0
    page_class: str = None
    hwpoison: int = None
    options: dict = field(default_factory=dict)     # hvo=, as=, type=
    fields: dict = field(default_factory=dict)      # struct page members: mapping=, tail.flags=, ...
    where: str = ""


@dataclass
class Description:
    name: str = "description"
    machine: str = "x86_64"
    page_bytes: int = None              # None here: what the machine's kernels usually have
    mmu: str = None
    byte_order: str = None
    pae: bool = None
    lpae: bool = None
    va_bits: int = None
    va_actual: int = None               # arm64: what the CPU can do
    pa_bits: int = None
    phys_offset: int = None             # arm64: memstart_addr
    identity_base: int = None           # s390x
    elf_class: int = None
    elf_order: str = None               # of the ELF structures, where it is not the kernel's
    elf_shift: int = 0                  # bytes of notes that no header counts, so that memory begins later
    log: bool = None
    maps: list = field(default_factory=list)            # (virtual address, physical address, size) of more leaves
    kernel: str = "6.1"
    release: str = None
    model: str = None
    roots: str = None                   # static, extreme, extreme-pointer
    memmap: str = None                  # vmemmap or array
    levels: int = None
    ram: list = field(default_factory=list)
    segments_first: list = field(default_factory=list)
    segments_last: list = field(default_factory=list)
    text_segment: bool = None
    image: int = None
    boot: list = field(default_factory=list)
    phys_base: int = None
    kaslr: int = 0
    page_offset: int = None
    vmemmap: int = None
    directmap: str = "2m"
    vmemmap_leaf: str = "2m"
    leaf_pat: bool = False
    sme_bit: int = None
    mem_section_size: int = None
    max_physmem_bits: int = None
    numa: bool = None
    memory_failure: bool = None
    hugetlb: bool = True
    unaccepted: bool = True
    nodes: list = field(default_factory=list)
    cpus: int = 2
    mem_limit: int = None
    sections: dict = field(default_factory=dict)        # number -> list of words
    share: tuple = None                 # (first section, how many are real)
    share_copies: bool = False          # the others have struct pages of their own, with the same contents
    hole_pages: str = "reserved"        # struct pages without RAM: reserved, zero or poison
    background: PageLine = field(default_factory=lambda: PageLine("free", content="zero"))
    page_base: int = 0                  # added to the pfn of the page lines that follow
    pages: list = field(default_factory=list)
    struct: dict = field(default_factory=dict)
    flag_bits: dict = field(default_factory=dict)
    vmcoreinfo: bool = True
    hidden: bool = False                # VMCOREINFO is in memory only
    vmcoreinfo_edits: list = field(default_factory=list)    # ("drop", key), ("set", key, value), ("raw", text)
    notes: str = "merged"               # merged, split, split-first
    extra_notes: list = field(default_factory=list)     # (name, type, size)
    elf: str = "vmcore"                 # vmcore, qemu, qemu-old
    xnum: bool = False
    nonote: bool = False
    ram_split: int = 0
    truncate: int = None
    no_mem_map: bool = False            # the mem_map cannot be found: a right filter keeps everything
    test_levels: list = None
    crashtime: int = 1700000000


def _switch(text):
    if text not in ("on", "off"):
        raise DescriptionError(f"'{text}' is neither 'on' nor 'off'")
    return text == "on"


def _one_of(*allowed):
    def check(text):
        if text not in allowed:
            raise DescriptionError(f"'{text}' is not one of {', '.join(allowed)}")
        return text
    return check


def _word(text):
    return text


# directives with one value: name -> (attribute, conversion)
SIMPLE = {
    "machine": ("machine", _word),
    "page-size": ("page_bytes", number),
    "mmu": ("mmu", _word),
    "byte-order": ("byte_order", _one_of("big", "little")),
    "pae": ("pae", _switch),
    "lpae": ("lpae", _switch),
    "va-bits": ("va_bits", number),
    "va-actual": ("va_actual", number),
    "pa-bits": ("pa_bits", number),
    "phys-offset": ("phys_offset", number),
    "identity-base": ("identity_base", number),
    "elf-class": ("elf_class", lambda text: int(_one_of("32", "64")(text))),
    "elf-order": ("elf_order", _one_of("big", "little")),
    "elf-shift": ("elf_shift", number),
    "log": ("log", _switch),
    "page-base": ("page_base", number),
    "kernel": ("kernel", _word),
    "release": ("release", _word),
    "model": ("model", _one_of("vmemmap", "sparse-static", "sparse-extreme", "sparse-extreme-pointer", "flat",
                               "discontig")),
    "roots": ("roots", _one_of("static", "extreme", "extreme-pointer")),
    "memmap": ("memmap", _one_of("vmemmap", "array")),
    "levels": ("levels", number),
    "text-segment": ("text_segment", _switch),
    "image": ("image", number),
    "phys_base": ("phys_base", number),
    "kaslr": ("kaslr", number),
    "page_offset": ("page_offset", number),
    "vmemmap": ("vmemmap", number),
    "directmap": ("directmap", _one_of("4k", "2m", "1g")),
    "vmemmap-leaf": ("vmemmap_leaf", _one_of("4k", "2m")),
    "leaf-pat": ("leaf_pat", _switch),
    "sme_mask": ("sme_bit", number),
    "mem_section-size": ("mem_section_size", number),
    "max-physmem-bits": ("max_physmem_bits", number),
    "numa": ("numa", _switch),
    "memory-failure": ("memory_failure", _switch),
    "hugetlb": ("hugetlb", _switch),
    "unaccepted-memory": ("unaccepted", _switch),
    "cpus": ("cpus", number),
    "mem-limit": ("mem_limit", number),
    "hole-pages": ("hole_pages", _one_of("reserved", "zero", "poison")),
    "notes": ("notes", _one_of("merged", "split", "split-first")),
    "ram-split": ("ram_split", number),
    "truncate": ("truncate", number),
    "crashtime": ("crashtime", number),
}


def _assignments(words, where):
    result = {}
    for word in words:
        key, sign, value = word.partition("=")
        if not sign or not value:
            raise DescriptionError(f"{where}: expected KEY=VALUE instead of '{word}'")
        result[key] = value
    return result


def _page_line(kind, words, where):
    line = PageLine(kind, where=where)
    for key, value in _assignments(words, where).items():
        if key in ("order", "times", "every", "flags", "hwpoison"):
            setattr(line, key, number(value))
        elif key == "content":
            if value not in ("zero", "pattern", "random", "last-byte") \
                    and not re.fullmatch(r"fill:[0-9a-fA-F]{2}", value):
                raise DescriptionError(f"unknown content '{value}'")
            line.content = value
        elif key == "class":
            line.page_class = value
        elif key in ("hvo", "as", "type", "owner"):
            line.options[key] = value
        else:
            line.fields[key] = value
    return line


def _segment(words, description, where):
    values = _assignments(words, where)
    unknown = set(values) - {"paddr", "vaddr", "size", "filesz", "content", "at", "flags"}
    if unknown or "size" not in values or "paddr" not in values:
        raise DescriptionError("segment needs paddr= and size=; may have vaddr=, filesz=, content=, at=, flags="
                               + (f"; not {', '.join(sorted(unknown))}=" if unknown else ""))
    paddr, size = number(values["paddr"]), number(values["size"])
    segment = Segment(None if paddr == -1 else paddr, size, number(values.get("filesz", values["size"])),
                      vaddr=number(values["vaddr"]) if "vaddr" in values else None,
                      content=values.get("content"), flags=number(values.get("flags", "7")))
    place = _one_of("first", "last")(values.get("at", "last"))
    (description.segments_first if place == "first" else description.segments_last).append(segment)


def _ram(words, description, where):
    start, end = address_range(words[0])
    values = _assignments(words[1:], where)
    if set(values) - {"filesz", "vaddr"}:
        raise DescriptionError("ram takes only filesz= and vaddr= after its range")
    filesz = number(values["filesz"]) if "filesz" in values else end - start
    if not 0 <= filesz <= end - start:
        raise DescriptionError(f"filesz {filesz:#x} does not fit in a range of {end - start:#x} bytes")
    vaddr = number(values["vaddr"]) if "vaddr" in values else None
    description.ram.append(Segment(start, end - start, filesz, vaddr))


def _directive(words, description, where):
    name, rest = words[0], words[1:]
    if name in SIMPLE:
        attribute, convert = SIMPLE[name]
        if len(rest) != 1:
            raise DescriptionError(f"{name} takes one value")
        setattr(description, attribute, convert(rest[0]))
    elif name == "ram" and rest:
        _ram(rest, description, where)
    elif name == "segment":
        _segment(rest, description, where)
    elif name == "page" and len(rest) >= 2:
        pfn, _, count = rest[0].partition("+")
        line = _page_line(rest[1], rest[2:], where)
        line.pfn, line.count = description.page_base + number(pfn), number(count) if count else 0
        description.pages.append(line)
    elif name == "background" and rest:
        description.background = _page_line(rest[0], rest[1:], where)
    elif name == "map" and len(rest) == 3:
        description.maps.append(tuple(number(word) for word in rest))
    elif name == "node" and len(rest) == 1:
        description.nodes.append(address_range(rest[0]))
    elif name == "boot" and len(rest) == 1:
        description.boot.append(address_range(rest[0]))
    elif name == "section" and len(rest) >= 2:
        description.sections[number(rest[0])] = rest[1:]
    elif name in ("memmap-share", "memmap-copy") and len(rest) == 2:
        description.share = (number(rest[0]), number(rest[1]))
        description.share_copies = name == "memmap-copy"
    elif name == "no-mem-map" and not rest:
        description.no_mem_map = True
    elif name == "nonote" and not rest:
        description.nonote = True
        description.vmcoreinfo = False
    elif name == "elf" and len(rest) == 1:
        if rest[0] == "phnum-xnum":
            description.xnum = True
        else:
            description.elf = _one_of("vmcore", "qemu", "qemu-old")(rest[0])
    elif name == "struct" and len(rest) == 2:
        description.struct[rest[0]] = number(rest[1])
    elif name == "flag" and len(rest) == 2:
        description.flag_bits[rest[0]] = number(rest[1])
    elif name == "note" and len(rest) == 4 and rest[0] == "extra":
        description.extra_notes.append((rest[1], number(rest[2]), number(rest[3])))
    elif name == "test-levels" and rest:
        description.test_levels = [number(word) for word in rest]
    elif name == "vmcoreinfo" and rest == ["none"]:
        description.vmcoreinfo = False
    elif name == "vmcoreinfo" and rest == ["hidden"]:
        description.hidden = True
    elif name == "vmcoreinfo" and len(rest) == 2 and rest[0] == "drop":
        description.vmcoreinfo_edits.append(("drop", rest[1]))
    elif name == "vmcoreinfo" and len(rest) == 3 and rest[0] == "set":
        description.vmcoreinfo_edits.append(("set", rest[1], rest[2]))
    elif name == "vmcoreinfo" and len(rest) >= 2 and rest[0] == "raw":
        description.vmcoreinfo_edits.append(("raw", " ".join(rest[1:])))
    else:
        raise DescriptionError(f"cannot understand '{' '.join(words)}'")


def parse(text, name="description", into=None):
    """`include FILE` takes FILE from the directory of `name`."""
    description = into or Description(name=name)
    for line_number, line in enumerate(text.splitlines(), 1):
        words = line.partition("#")[0].split()
        if not words:
            continue
        where = f"{os.path.basename(name)}:{line_number}"
        try:
            if words[0] == "include" and len(words) == 2:
                path = os.path.join(os.path.dirname(name), words[1])
                parse(read_text(path), path, into=description)
            else:
                _directive(words, description, where)
        except DescriptionError as problem:
            message = str(problem)
            raise DescriptionError(message if re.match(r"\S+:\d+: ", message) else f"{where}: {message}") from None
    return description


def read_text(path):
    try:
        with open(path, encoding="utf-8") as file:
            return file.read()
    except OSError as problem:
        raise DescriptionError(f"cannot read {path}: {problem.strerror}") from None
