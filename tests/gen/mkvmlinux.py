#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Makes a small vmlinux out of VMCOREINFO text: symbols, and the types that the text tells as DWARF, BTF or both.

Needs gcc and binutils.  Symbols are where the kernel was linked to: KERNELOFFSET is taken off.
"""
import argparse
import os
import re
import struct
import subprocess
import tempfile

ENUMS = {"NR_FREE_PAGES": "zone_stat_item", "N_ONLINE": "node_states", "HUGETLB_PAGE_DTOR": "compound_dtor_id"}
PAGE_TYPES = {"BUDDY": "buddy", "OFFLINE": "offline", "HUGETLB": "hugetlb", "SLAB": "slab", "UNACCEPTED": "unaccepted"}
TYPEDEFS = ("nodemask_t", "atomic_long_t")


def number(text):
    try:
        return int(text)
    except ValueError:
        return int(text, 16)


class Types:
    """Structures as lists of (member, offset, elements, size of an element), enums as lists of constants."""

    def __init__(self, lines, release):
        self.version = tuple(int(n) for n in re.findall(r"\d+", release)[:2])
        self.structs, self.enums, self.sizes = {}, {}, {}
        lengths = {}
        for key, value in lines:
            kind, _, name = key.rstrip(")").partition("(")
            if kind == "SIZE":
                self.sizes[name] = number(value)
                self.structs.setdefault(name, [])
            elif kind == "OFFSET":
                owner, member = name.split(".")
                self.structs.setdefault(owner, []).append((member, number(value)))
            elif kind == "LENGTH" and "." in name:
                lengths[tuple(name.split("."))] = number(value)
            elif kind == "NUMBER":
                self.add_number(name, number(value))
        for owner, members in self.structs.items():
            self.structs[owner] = [(m, at, lengths.get((owner, m), 0)) for m, at in members]

    def add_number(self, name, value):
        known = re.fullmatch(r"PAGE_(\w+)_MAPCOUNT_VALUE", name)
        if name == "PG_head_mask":
            self.enums.setdefault("pageflags", []).append(("PG_head", value.bit_length() - 1))
        elif name.startswith("PG_"):
            self.enums.setdefault("pageflags", []).append((name, value))
        elif name in ENUMS:
            self.enums.setdefault(ENUMS[name], []).append((name, value))
        elif known and self.version >= (6, 12):
            self.enums.setdefault("pagetype", []).append(("PGTY_" + PAGE_TYPES[known[1]], value >> 24 & 0xff))
        elif known and self.version >= (6, 10):
            self.enums.setdefault("pagetype", []).append(("PG_" + PAGE_TYPES[known[1]], ~value & 0xffffffff))
        # older types of pages were macros

    def size(self, owner):
        return self.sizes.get(owner) or max((at + 8 * max(n, 1) for _, at, n in self.structs[owner]), default=8)

    def c_source(self):
        out = []
        for i, (owner, members) in enumerate(self.structs.items()):
            body = [f"\tchar whole[{self.size(owner)}];"]
            for j, (member, at, n) in enumerate(members):
                pad = f"char pad{j}[{at}]; " if at else ""
                kind = f"unsigned long {member}[{n}]" if n else f"char {member}"
                # unnamed in unnamed, as in struct page
                body.append(f"\tunion {{ struct {{ {pad}{kind}; }} __attribute__((packed)); }};")
            text = "union {\n" + "\n".join(body) + "\n};"
            if owner in TYPEDEFS:
                out.append(f"typedef struct {{ {text} }} {owner};\n{owner} use_struct{i};")
            else:
                out.append(f"struct {owner} {{ {text} }};\nstruct {owner} use_struct{i};")
        for i, (name, constants) in enumerate(self.enums.items()):
            body = ", ".join(f"{c} = {v}" for c, v in constants)
            out.append(f"enum {name} {{ {body} }};\nenum {name} use_enum{i};")
        return "\n".join(out) + "\n"

    def btf(self):
        strings, types, count = bytearray(1), bytearray(), 0

        def name(text):
            at = len(strings)
            strings.extend(text.encode() + b"\0")
            return at if text else 0

        def add(text, kind, vlen, size, rest=b""):
            nonlocal count
            types.extend(struct.pack("<III", name(text), kind << 24 | vlen, size) + rest)
            count += 1
            return count

        char = add("char", 1, 0, 1, struct.pack("<I", 8))
        word = add("unsigned long", 1, 0, 8, struct.pack("<I", 64))
        for owner, members in self.structs.items():
            fields = []
            for member, at, n in members:
                kind = add("", 3, 0, 0, struct.pack("<III", word, word, n)) if n else add("", 10, 0, char)
                inner = add("", 4, 1, 8, struct.pack("<III", name(member), kind, at * 8))
                fields.append(struct.pack("<III", 0, add("", 8, 0, inner), 0))
            made = add("" if owner in TYPEDEFS else owner, 4, len(fields), self.size(owner), b"".join(fields))
            if owner in TYPEDEFS:
                add(owner, 8, 0, made)
        for enum, constants in self.enums.items():
            add(enum, 6, len(constants), 4, b"".join(struct.pack("<Ii", name(c), v) for c, v in constants))
        return struct.pack("<HBBIIIII", 0xeb9f, 1, 0, 24, 0, len(types), len(types), len(strings)) + types + strings


def run(*command):
    subprocess.run(command, check=True)


def main():
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("text")
    p.add_argument("-o", "--output", required=True)
    p.add_argument("--dwarf", default="5", help="version, or 0: none")
    p.add_argument("--btf", action="store_true")
    p.add_argument("--compress", action="store_true")
    p.add_argument("--separate", metavar="FILE", help="what --strip would take goes into FILE")
    p.add_argument("--link", action="store_true", help="with --separate: a .gnu_debuglink instead of a build id")
    p.add_argument("--release", help="another one than in the text")
    p.add_argument("--build-id", help="another one than in the text")
    p.add_argument("--drop", action="append", default=[], help="a line that the kernel lacks")
    a = p.parse_args()
    with open(a.text, encoding="ascii") as f:
        lines = [line.rstrip("\n").split("=", 1) for line in f if "=" in line]
    lines = [line for line in lines if line[0] not in a.drop]
    told = dict(lines)
    moved = int(told.get("KERNELOFFSET", "0"), 16)
    symbols = {k[7:-1]: int(v, 16) - moved for k, v in lines if k.startswith("SYMBOL(")}
    uts, offset = symbols.pop("init_uts_ns"), int(told.get("OFFSET(uts_namespace.name)", 4))
    release = a.release or told["OSRELEASE"]
    names = ", ".join(f'"{n}"' for n in ("Linux", "(none)", release, "#1", "x86_64", "(none)"))
    types = Types(lines, release)
    with tempfile.TemporaryDirectory() as folder:
        source, raw = os.path.join(folder, "vmlinux.c"), os.path.join(folder, "btf")
        with open(source, "w", encoding="ascii") as f:
            f.write(types.c_source())
            f.write(f'__attribute__((section(".uts"))) struct {{ char before[{offset}], names[6][65]; }} init_uts_ns =\n'
                    f'\t{{ .names = {{ {names} }} }};\nvoid start(void) {{ }}\n')
        build_id = a.build_id or told.get("BUILD-ID")
        run("gcc", *([f"-gdwarf-{a.dwarf}"] if a.dwarf != "0" else []), *(["-gz"] if a.compress else []), "-O0",
            "-ffreestanding", "-nostdlib", "-static", "-no-pie", "-fno-pie", "-Wl,-e,start",
            f"-Wl,--section-start=.uts={uts:#x}", "-Wl,-Ttext-segment=0x400000", "-mcmodel=large",
            *(f"-Wl,--defsym={n}={v % 2 ** 64:#x}" for n, v in symbols.items()),
            "-Wl,--build-id=" + (f"0x{build_id}" if build_id and not a.link else "none"), source, "-o", a.output)
        if a.btf:
            with open(raw, "wb") as f:
                f.write(types.btf())
            run("objcopy", "--add-section", f".BTF={raw}", a.output)
        if a.separate:
            run("objcopy", "--only-keep-debug", a.output, a.separate)
            run("objcopy", "--strip-all", *([f"--add-gnu-debuglink={a.separate}"] if a.link else []), a.output)


main()
