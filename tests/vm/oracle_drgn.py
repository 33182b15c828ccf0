#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Judge a filtered dump by the kernel's own data structures, read with drgn from the unfiltered vmcore.

oracle_drgn.py classify VMCORE VMLINUX STATES     (needs drgn) find out what every page was
oracle_drgn.py check STATES VMCORE DUMP [LEVEL]   judge which pages DUMP has left out
"""

import array
import collections
import random
import sys

import dumps
import pagestates
from cores import EM_X86_64
from pagestates import CODE, LRU, POISON, POISON_HEAD, PRIVATE, SWAPCACHE, TAIL

LITTLE = 2  # as drgn.PlatformFlags has it; this file is used without drgn, too
KEPT_LIMIT, KEPT_PAGES = 0.004, 64  # of all pages, but pages of 64 KiB are few, and those on lists no fewer


class Layout:
    """Where struct page keeps what, from the DWARF of this kernel."""

    def __init__(self, prog):
        page = prog.type("struct page")
        self.size = page.size
        self.word = "Q" if prog.type("unsigned long").size == 8 else "I"
        self.order = "little" if prog.platform.flags.value & LITTLE else "big"
        self.release = prog["init_uts_ns"].name.release.string_().decode()
        self.version = tuple(int(x) for x in self.release.split("-")[0].split("+")[0].split(".")[:2])

        def offset(*names):
            for name in names:
                try:
                    return _offset(page, name)
                except LookupError:
                    continue
            raise LookupError(names[0])

        self.flags = offset("flags")
        self.mapping = offset("mapping")
        self.private = offset("private")
        self.type = offset("page_type")
        self.refcount = offset("_refcount")
        self.lru = offset("lru")
        self.head = offset("compound_info", "compound_head")

        flag = dict(prog.type("enum pageflags").enumerators)
        self.bit = {name: 1 << flag["PG_" + name]
                    for name in ("lru", "private", "swapcache", "swapbacked", "reserved", "head")}
        # a flag of its own until 6.10, a page type since
        self.bit["slab"] = 1 << flag["PG_slab"] if "PG_slab" in flag else 0
        self.bit["hwpoison"] = 1 << flag["PG_hwpoison"] if "PG_hwpoison" in flag else 0
        self._types(prog)

        # what a compound page is: first a field of its first tail, since 6.9 a page type
        self.dtor = None
        if self.version < (6, 3):
            self.dtor = offset("compound_dtor")
            self.hugetlb_dtor = dict(prog.type("enum compound_dtor_id").enumerators).get("HUGETLB_PAGE_DTOR")
        elif self.version < (6, 9):
            sys.exit("how kernel %s marks its hugetlb pages is not known here" % self.release)

    def _types(self, prog):
        """self.type_of(word of page_type) -> name or None"""
        try:
            names = dict(prog.type("enum pagetype").enumerators)
        except LookupError:
            names = {}
        if "PGTY_buddy" in names:
            table = {v: n[5:] for n, v in names.items() if n != "PGTY_mapcount_underflow"}
            self.type_of = lambda word: table.get(word >> 24)
            return
        if names:
            sys.exit("the page types of kernel %s are not known here" % self.release)
        # A type is a bit that is clear while the top four are set; the names are macros, of which DWARF knows nothing.
        if self.version < (5, 11):
            bits = {"buddy": 0x80, "offline": 0x100, "table": 0x400, "guard": 0x800}
        else:
            bits = {"buddy": 0x80, "offline": 0x100, "table": 0x200, "guard": 0x400, "hugetlb": 0x800}

        def type_of(word):
            if word & 0xF0000000 != 0xF0000000:
                return None
            for name, bit in bits.items():
                if not word & bit:
                    return name
            return None

        self.type_of = type_of


def _offset(kind, name):
    """Offset of a member, also of one inside of nameless structs and unions."""
    for m in kind.members or ():
        if m.name == name:
            return m.offset
        if m.name is None:
            try:
                return m.offset + _offset(m.type, name)
            except LookupError:
                pass
    raise LookupError(name)


class PageMap:
    """All struct pages as columns of numbers, one column a member."""

    def __init__(self, prog, layout, info):
        self.prog = prog
        self.layout = layout
        self.info = info
        self.page_size = int(info["PAGESIZE"])
        self.columns = {}
        self.present = bytearray()
        self._read()

    def _blocks(self):
        """Ranges of page frames that have struct pages. All of these are one array, whose start, the struct page of
        frame 0 whether it exists or not, is self.base."""
        if "SYMBOL(mem_section)" in self.info:
            yield from self._sections()
            return
        node = self.prog["contig_page_data"]
        first = node.node_start_pfn.value_()
        self.base = node.node_mem_map.value_() - first * self.layout.size
        yield first, first + node.node_spanned_pages.value_()

    def _sections(self):
        section = self.prog.type("struct mem_section")
        per_root = self.page_size // section.size
        roots = self.prog["mem_section"]
        n_roots = roots.type_.length if roots.type_.kind.name == "ARRAY" else None
        page_shift = self.page_size.bit_length() - 1
        shift = int(self.info.get("NUMBER(SECTION_SIZE_BITS)", 27)) - page_shift
        if n_roots is None:
            n_roots = (1 << (int(self.info["NUMBER(MAX_PHYSMEM_BITS)"]) - shift - page_shift)) // per_root
        highest = self.prog["max_pfn"].value_() >> shift
        bases = set()
        for r in range(min(n_roots, highest // per_root + 1)):
            root = roots[r]
            if not root:
                continue
            for s in range(per_root):
                encoded = root[s].section_mem_map.value_()
                # present, and with a map
                if encoded & 3 == 3:
                    bases.add(encoded & ~0x3f)
                    self.base = encoded & ~0x3f
                    first = (r * per_root + s) << shift
                    yield first, first + (1 << shift)
        if len(bases) != 1:
            sys.exit("the struct pages are not one array: %s" % " ".join(map(hex, bases)))

    def _read(self):
        layout, size, word = self.layout, self.layout.size, self.layout.word
        blocks = list(self._blocks())
        total = max(end for _, end in blocks)
        self.first = min(first for first, _ in blocks)
        self.present = bytearray(total)
        words = {"flags": word, "mapping": word, "private": word, "head": word, "lru": word, "type": "I",
                 "refcount": "I"}
        for name, code in words.items():
            self.columns[name] = array.array(code, bytes(array.array(code).itemsize * total))
        step = 512
        for first, end in blocks:
            for pfn in range(first, end, step):
                count = min(step, end - pfn)
                try:
                    block = self.prog.read(self.base + pfn * size, count * size)
                except Exception:  # drgn.FaultError: a part of the section without struct pages
                    continue
                self.present[pfn : pfn + count] = b"\1" * count
                for name, code in words.items():
                    values = array.array(code, block)
                    if layout.order != sys.byteorder:
                        values.byteswap()
                    at = getattr(layout, name) // values.itemsize
                    self.columns[name][pfn : pfn + count] = values[at :: size // values.itemsize]

    def pfn_of(self, address):
        return (address - self.base) // self.layout.size

    def head_of(self, pfn):
        """The page frame whose struct page speaks for this one."""
        info = self.columns["head"][pfn]
        here = self.base + pfn * self.layout.size
        if info & 1:
            if self.base + self.first * self.layout.size <= info < self.base + len(self.present) * self.layout.size:
                return self.pfn_of(info - 1)
            return self.pfn_of(here & (info - 1))  # 7.1 and later: a mask
        # A hugetlb page can have its tails' struct pages mapped onto the first ones (5.14 to 7.0), and then a tail at
        # the start of such a mapping has the looks of the head.
        per_map_page = self.page_size // self.layout.size
        if (self.columns["flags"][pfn] & self.layout.bit["head"] and pfn % per_map_page == 0
                and pfn + 1 < len(self.present)):
            info = self.columns["head"][pfn + 1]
            if info & 1 and self.base <= info < here:
                return self.pfn_of(info - 1)
        return pfn


class FreeLists:
    """Pages on the lists of the page allocator, found by walking these."""

    def __init__(self, prog, pages):
        self.pages = pages
        self.prog = prog
        self.buddy = {}  # first page frame -> order
        self.pcp = {}
        self.broken = []
        kinds = dict(prog.type("enum migratetype").enumerators)
        self.pcp_types = kinds["MIGRATE_PCPTYPES"]
        for node in self._nodes():
            for i in range(node.nr_zones.value_()):
                zone = node.node_zones[i]
                if zone.present_pages:
                    self._zone(zone)

    def _nodes(self):
        try:
            data = self.prog["node_data"]
        except LookupError:
            yield self.prog["contig_page_data"]
            return
        for i in range(data.type_.length):
            if data[i]:
                yield data[i]

    def _zone(self, zone):
        for order in range(zone.free_area.type_.length):
            for head in zone.free_area[order].free_list:
                for pfn in self._list(head):
                    self.buddy[pfn] = order
        for cpu in range(self.prog["nr_cpu_ids"].value_()):
            pcp = self._pcp(zone, cpu)
            for i in range(pcp.lists.type_.length):
                order = i // self.pcp_types
                if self.pages.layout.version < (5, 14):
                    order = 0
                elif order > 3:
                    order = 9  # the lists behind the last small order hold huge pages
                for pfn in self._list(pcp.lists[i]):
                    self.pcp[pfn] = order

    def _pcp(self, zone, cpu):
        offset = self.prog["__per_cpu_offset"][cpu].value_()
        old = hasattr(zone, "pageset")
        pointer = zone.pageset if old else zone.per_cpu_pageset
        import drgn

        at = drgn.Object(self.prog, pointer.type_, value=pointer.value_() + offset)
        return at.pcp if old else at

    def _list(self, head):
        lru = self.pages.layout.lru
        start = head.address_
        at = head.next.value_()
        for _ in range(len(self.pages.present)):
            if at == start:
                return
            pfn, rest = divmod(at - lru - self.pages.base, self.pages.layout.size)
            if rest or not 0 <= pfn < len(self.pages.present) or not self.pages.present[pfn]:
                self.broken.append(start)
                return
            yield pfn
            at = self.pages.columns["lru"][pfn]
        self.broken.append(start)


def classify(prog, layout, pages, lists):
    """The words of pagestates for every page frame."""
    total = len(pages.present)
    flags, mapping = pages.columns["flags"], pages.columns["mapping"]
    types, refs, private = pages.columns["type"], pages.columns["refcount"], pages.columns["private"]
    bit = layout.bit
    words = array.array("H", bytes(2 * total))

    def is_hugetlb(pfn):
        if layout.dtor is not None:
            at = pages.base + (pfn + 1) * layout.size + layout.dtor
            return prog.read(at, 1)[0] == layout.hugetlb_dtor
        return False  # a page type

    def state_of_head(pfn):
        f, m = flags[pfn], mapping[pfn]
        extra = (LRU if f & bit["lru"] else 0) | (PRIVATE if f & bit["private"] else 0)
        if f & bit["slab"]:
            return CODE["slab"]
        kind = layout.type_of(types[pfn])
        if kind:
            return CODE.get(kind, CODE["typed"])
        if f & bit["head"] and is_hugetlb(pfn):
            return CODE["hugetlb"] | extra
        if f & bit["reserved"]:
            return CODE["reserved"]
        swapcache = f & bit["swapcache"] and f & bit["swapbacked"]
        if swapcache:
            extra |= SWAPCACHE
        if m & 1:
            return CODE["anon"] | extra
        if f & bit["lru"] or swapcache:
            return CODE["cache"] | extra
        if m & 2:
            return CODE["movable"]
        if not refs[pfn]:
            return CODE["norefs"]
        # a mapping is a kernel pointer; other users keep numbers and list poison there
        if m and _is_mapping(m) and not f & bit["head"]:
            return CODE["mapping"]
        return CODE["kernel"]

    mappings = {}

    def _is_mapping(m):
        """Does the word point to an address_space of an inode that points back?"""
        if m not in mappings:
            try:
                space = prog.type("struct address_space")
                host = prog.read_word(m + _offset(space, "host"))
                back = prog.read_word(host + _offset(prog.type("struct inode"), "i_mapping"))
                mappings[m] = m & 7 == 0 and back == m
            except Exception:  # drgn.FaultError
                mappings[m] = False
        return mappings[m]

    head_states = {}
    for pfn in range(total):
        if not pages.present[pfn]:
            continue
        head = pages.head_of(pfn)
        if head != pfn:
            word = head_states.get(head)
            if word is None:
                word = head_states[head] = state_of_head(head)
            word |= TAIL
        else:
            word = state_of_head(pfn)
        if flags[pfn] & bit["hwpoison"]:
            word |= POISON
        if word & 0xFF == CODE["hugetlb"] and flags[head] & bit["hwpoison"]:
            # which of its pages is the poisoned one is noted elsewhere; its head stands for all
            word |= POISON_HEAD
        words[pfn] = word

    def block(first, order, state, only):
        for pfn in range(first, min(first + (1 << order), total)):
            if only is None or words[pfn] & 0xFF in only:
                words[pfn] = words[pfn] & (POISON | TAIL) | CODE[state]

    problems = []
    for pfn in [p for p in range(total) if words[p] & 0xFF == CODE["buddy"]]:
        if pfn not in lists.buddy:
            problems.append("page %#x has the type of a free block, but is on no free list" % pfn)
        block(pfn, private[pfn], "buddy", (CODE["norefs"], CODE["buddy"], CODE["kernel"]))
    for pfn, order in lists.buddy.items():
        if words[pfn] & 0xFF != CODE["buddy"]:
            problems.append("page %#x is on a free list, but has not the type of a free block" % pfn)
        elif private[pfn] != order:
            problems.append("page %#x is on a free list of order %d, but says %d" % (pfn, order, private[pfn]))
    for pfn, order in lists.pcp.items():
        block(pfn, order, "pcp", (CODE["norefs"], CODE["kernel"], CODE["mapping"], CODE["anon"]))
    return words, problems


def self_check(prog, layout, pages):
    """The columns against drgn's own view of some pages, so that a wrong offset cannot pass unseen."""
    import drgn

    page = prog.type("struct page")
    rng = random.Random(1)
    for pfn in rng.sample([p for p in range(0, len(pages.present), 7) if pages.present[p]], 400):
        obj = drgn.Object(prog, page, address=pages.base + pfn * layout.size)
        flags = obj.flags
        if hasattr(flags, "f"):
            flags = flags.f
        want = (flags.value_(), obj.mapping.value_(), obj.private.value_(), obj.page_type.value_(),
                obj._refcount.counter.value_() & 0xFFFFFFFF, obj.lru.next.value_())
        got = tuple(pages.columns[c][pfn] for c in ("flags", "mapping", "private", "type", "refcount", "lru"))
        if want != got:
            sys.exit("page %#x: read %r, drgn says %r" % (pfn, got, want))


def open_core(path, core, vmlinux):
    import drgn

    if core.machine != EM_X86_64:
        import program

        return program.of_memory(core, vmlinux)
    prog = drgn.Program()
    prog.set_core_dump(path)
    try:
        prog.load_debug_info([vmlinux])
    except drgn.MissingDebugInfoError as e:
        sys.exit("drgn: %s" % e)
    return prog


def command_classify(vmcore, vmlinux, out):
    core = dumps.ElfCore(vmcore)
    prog = open_core(vmcore, core, vmlinux)
    layout = Layout(prog)
    pages = PageMap(prog, layout, core.info())
    self_check(prog, layout, pages)
    lists = FreeLists(prog, pages)
    words, problems = classify(prog, layout, pages, lists)
    problems += ["list at %#x cannot be followed" % a for a in lists.broken]
    states = pagestates.States(words, {"release": layout.release, "order": layout.order, "problems": problems})
    states.save(out)
    count = collections.Counter(pagestates.describe(w) for w in words)
    for name, n in sorted(count.items(), key=lambda item: -item[1]):
        print("%8d %s" % (n, name))
    for p in problems[:20]:
        print("note: " + p)


def judge(states, dump, core, level):
    """Lists of page frames: wrongly treated by name, kept without need by name, kept because nobody can tell."""
    wrong, missed, kept_anyway = (collections.defaultdict(list) for _ in range(3))
    in_core = dumps.core_pages(core, dump.block_size)
    first = core.first_frame()
    end = dumps.frames(dump) + first
    total = max(len(in_core), end, len(states.words))
    in_core = in_core.ljust(total, b"\0")
    present, kept = (dumps.dump_pages(dump, n, first).ljust(total, b"\0") for n in (1, 2))
    pages = left_out = 0
    for pfn in range(total):
        word = states.word(pfn)
        if pfn >= end:
            # it may be lowered to what has struct pages
            if in_core[pfn] and word:
                wrong["beyond max_mapnr"].append(pfn)
            continue
        if present[pfn] != in_core[pfn]:
            wrong["in bitmap 1, but not in the vmcore" if present[pfn] else "not in bitmap 1"].append(pfn)
        if not present[pfn]:
            if kept[pfn]:
                wrong["in bitmap 2, but not in bitmap 1"].append(pfn)
            continue
        pages += 1
        if not kept[pfn]:
            left_out += 1
            if not pagestates.may_leave_out(word, level):
                wrong["left out: " + pagestates.describe(word)].append(pfn)
        elif pagestates.must_leave_out(word):
            wrong["kept: " + pagestates.describe(word)].append(pfn)
        elif pagestates.may_leave_out(word, level):
            missed[pagestates.describe(word)].append(pfn)
        elif level == 31 and pagestates.STATES[word & 0xFF] in pagestates.KEPT_ANYWAY:
            kept_anyway[pagestates.STATES[word & 0xFF]].append(pfn)
    return pages, left_out, wrong, missed, kept_anyway


def command_check(states_path, vmcore_path, dump_path, level=None):
    states = pagestates.States.load(states_path)
    dump, core = dumps.KdumpFile(dump_path), dumps.ElfCore(vmcore_path)
    level = dump.sub["dump_level"] if level is None else int(level)
    pages, left_out, wrong, missed, kept_anyway = judge(states, dump, core, level)
    print("level %d: %d pages, %d left out" % (level, pages, left_out))
    for name, pfns in sorted(wrong.items()):
        print("WRONG %6d pages %s: pfn %s" % (len(pfns), name, dumps.ranges(pfns)))
    for name, pfns in sorted(missed.items()):
        print("missed %5d pages %s: pfn %s" % (len(pfns), name, dumps.ranges(pfns)))
    for name, pfns in sorted(kept_anyway.items()):
        print("kept   %5d pages %s: %s" % (len(pfns), name, pagestates.KEPT_ANYWAY[name]))
    # Without any of the levels that look at pages a tool may not look at them at all.
    useless = sum(len(p) for n, p in missed.items() if level > 1 or n != "offline")
    useless += sum(len(p) for p in kept_anyway.values())
    if useless > max(KEPT_LIMIT * pages, KEPT_PAGES):
        print("WRONG: %d pages kept that nobody needs, more than %.1f %% and %d" % (
            useless, 100 * KEPT_LIMIT, KEPT_PAGES))
        return 1
    return 1 if wrong else 0


def main(argv):
    if len(argv) == 5 and argv[1] == "classify":
        return command_classify(*argv[2:])
    if len(argv) in (5, 6) and argv[1] == "check":
        return command_check(*argv[2:])
    print(__doc__, file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv))
