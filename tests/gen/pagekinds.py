# SPDX-License-Identifier: GPL-2.0-or-later
"""Turns a kind of page ("anon", "slab", ...) into struct page bytes and into what a right filter calls it."""

from dataclasses import dataclass

import vmcoreinfo
from description import DescriptionError, number
from layouts import TAIL_MAPPING, TYPELESS

# Classes of the expectation. What a dump level leaves out is decided by expectation.py.
FREE, CACHE, CACHE_PRIVATE, USER = "free", "cache", "cache_private", "user"
HWPOISON, OFFLINE, UNACCEPTED, KEEP = "hwpoison", "offline", "unaccepted", "keep"

# Plausible kernel pointers; only their low bits matter to a filter.
FILE_MAPPING = 0xffff88800215c1f8
ANON_MAPPING = 0xffff88800261a3c0 | 1
KSM_MAPPING = 0xffff8880026f4d00 | 3
MOVABLE_MAPPING = 0xffffffff81c0a540 | 2
BUFFER_HEAD = 0xffff888002790068
KMEM_CACHE = 0xffff888001042a00
LIST_POISON = 0x100
SWAP_ENTRY = 0x0200000000001234


@dataclass
class Kind:
    """A page of its own. `flags` are names of page flags, `mapcount` a number or the name of a page type."""
    page_class: str = KEEP
    flags: str = ""
    mapping: int = 0
    count: int = 1
    mapcount: object = TYPELESS
    private: int = 0


SINGLE = {
    "none": Kind(count=0),                                      # free on a per-cpu list: no type, no reference
    "free-pcp": Kind(count=0, flags="uptodate"),
    "kernel": Kind(),
    "zero": Kind(),
    "reserved": Kind(flags="reserved"),
    "vmalloc": Kind(private=0x5),
    "anon": Kind(USER, "uptodate dirty lru swapbacked", ANON_MAPPING, 1, 0),
    "anon-isolated": Kind(USER, "uptodate swapbacked", ANON_MAPPING, 2, 0),
    "ksm": Kind(USER, "uptodate dirty lru swapbacked", KSM_MAPPING, 3, 2),
    "waiters": Kind(USER, "uptodate dirty lru swapbacked waiters", ANON_MAPPING, 1, 0),
    "swapcache-anon": Kind(USER, "uptodate lru swapcache swapbacked", ANON_MAPPING, 2, 0, SWAP_ENTRY),
    "swapcache": Kind(CACHE, "uptodate swapcache swapbacked", 0, 2, TYPELESS, SWAP_ENTRY),
    "cache": Kind(CACHE, "referenced uptodate lru", FILE_MAPPING, 2),
    "cache-mapped": Kind(CACHE, "referenced uptodate lru active", FILE_MAPPING, 3, 1),
    "cache-private": Kind(CACHE_PRIVATE, "referenced uptodate lru private", FILE_MAPPING, 3, TYPELESS, BUFFER_HEAD),
    "cache-private-2": Kind(CACHE, "referenced uptodate lru private_2", FILE_MAPPING, 2),
    "cache-isolated": Kind(KEEP, "uptodate private", FILE_MAPPING, 2, TYPELESS, BUFFER_HEAD),
    "pinned": Kind(KEEP, "owner_priv_1"),                       # PG_pinned or PG_checked: the bit of PG_swapcache
    "movable": Kind(KEEP, "private", MOVABLE_MAPPING, 1),
    "pagetable": Kind(KEEP, mapcount="table"),
    "guard": Kind(KEEP, mapcount="guard"),
    "zsmalloc": Kind(KEEP, "private", MOVABLE_MAPPING, 1, "zsmalloc"),
    "offline": Kind(OFFLINE, mapcount="offline"),
    "hwpoison": Kind(HWPOISON, "hwpoison"),
}

# kinds that come in blocks of 1 << order pages, with their usual order
BLOCK_ORDERS = {"free": 0, "slab": 0, "thp": 9, "hugetlb": 9, "hugetlb-anon": 9, "cache-folio": 2,
                "cache-folio-private": 2, "swapcache-folio": 2, "kernel-compound": 2, "large-kmalloc": 3,
                "unaccepted": 10}
OTHER = ("bad-free", "fake-head", "type")

COMPOUND = {
    "thp": Kind(USER, "uptodate dirty lru swapbacked", ANON_MAPPING, 1, 0),
    "hugetlb": Kind(USER, "uptodate", FILE_MAPPING, 1, "hugetlb"),
    "hugetlb-anon": Kind(USER, "uptodate", ANON_MAPPING, 1, "hugetlb"),
    "cache-folio": Kind(CACHE, "referenced uptodate lru", FILE_MAPPING, 5),
    "cache-folio-private": Kind(CACHE_PRIVATE, "referenced uptodate lru private", FILE_MAPPING, 6, TYPELESS,
                                BUFFER_HEAD),
    "swapcache-folio": Kind(CACHE, "uptodate swapcache swapbacked", 0, 5, TYPELESS, SWAP_ENTRY),
    "kernel-compound": Kind(KEEP),
    "large-kmalloc": Kind(KEEP, mapcount="large_kmalloc"),
}


@dataclass
class Block:
    """What one block of pages looks like: runs of equal struct pages and runs of classes, from its first page on."""
    size: int
    parts: list                         # (index, how many, bytes of one struct page)
    classes: list                       # (index, how many, class)
    free_order: int = None              # goes on a free list
    shares_head_frame: bool = False     # hugetlb whose struct pages repeat those of its first page


class PageKinds:
    """Struct pages of the kernel that is being built."""

    def __init__(self, kernel):
        layout, symbols = kernel.layout, kernel.image.symbols
        self.layout, self.description, self.machine = layout, kernel.description, kernel.machine
        self.memory_failure, self.max_orders = kernel.memory_failure, kernel.machine.max_orders
        self.page_vaddr, self.high_flags = kernel.memmap.page_vaddr, kernel.high_flags
        # addresses of the compound destructors
        self.symbols = {name: symbols.get(f"free_{long}_page") for name, long in (
            ("compound", "compound"), ("hugetlb", "huge"), ("thp", "transhuge"))}
        page, word = layout.page, kernel.machine.word
        width = {"lru": word, "u16": 2, "u32": 4, "u8": 1, "flags1": 0}[layout.compound]
        self.members = {
            "flags": (page["flags"], word), "mapping": (page["mapping"], word), "private": (page["private"], word),
            "index": (page["index"], word), "mapcount": (page["mapcount"], 4), "count": (page["count"], 4),
            "lru.next": (page["lru"], word), "lru.prev": (page["lru"] + word, word),
            "head": (page.get("head", page.get("first_page")), word),
            "dtor": (page.get("dtor", page["lru"]), width), "order": (page.get("order", page["lru"] + word), width),
        }

    # ---- what the kernel can tell

    def exports(self, key):
        return vmcoreinfo.exported(key, self.layout.version)

    def hwpoison_known(self):
        return self.memory_failure and self.exports("NUMBER(PG_hwpoison)")

    def hugetlb_known(self):
        return any(self.exports(key) for key in (
            "SYMBOL(free_huge_page)", "NUMBER(HUGETLB_PAGE_DTOR)", "NUMBER(PG_hugetlb)",
            "NUMBER(PAGE_HUGETLB_MAPCOUNT_VALUE)"))

    def offline_known(self):
        """Until 6.8 the offline value was written only by kernels with hugetlb pages."""
        return self.exports("NUMBER(PAGE_OFFLINE_MAPCOUNT_VALUE)") \
            and (self.description.hugetlb or self.layout.at_least(6, 9))

    # ---- encoding

    def encode(self, members):
        data = bytearray(self.layout.page["size"])
        for name, value in members.items():
            offset, width = self.members[name]
            data[offset:offset + width] = (value & ((1 << 8 * width) - 1)).to_bytes(width, self.machine.order)
        return bytes(data)

    def mapcount(self, kind, value):
        """Number for a _mapcount; page types that this kernel lacks are no type at all, as it was then."""
        if not isinstance(value, str):
            return value
        if value in ("offline", "guard") and value not in self.layout.types:
            raise DescriptionError(f"kernel {self.layout.name} has no page type for '{kind}'")
        return self.layout.types.get(value, TYPELESS)

    def _flags(self, names, pfn):
        return self.high_flags(pfn) | sum(self.layout.flag(name) for name in names.split())

    def _members(self, name, kind, pfn):
        members = {"flags": self._flags(kind.flags, pfn), "lru.next": self.machine.poison + LIST_POISON,
                   "lru.prev": self.machine.poison + LIST_POISON + 0x22}
        for member in ("mapping", "private"):
            value = getattr(kind, member)
            members[member] = self.machine.pointer(value) if value >> 48 == 0xffff else value
        members["count"] = kind.count
        members["mapcount"] = self.mapcount(name, kind.mapcount)
        if name == "zsmalloc" and "zsmalloc" in self.layout.types:
            members["mapcount"] = (members["mapcount"] & 0xffff0000) | 0x0123      # low bits belong to the owner
        return members

    def _override(self, members, line, tail=False):
        if not tail:
            members["flags"] |= line.flags
        for name, text in line.fields.items():
            if name.startswith("tail.") != tail:
                continue
            name = name.removeprefix("tail.").lstrip("_").replace("refcount", "count")
            if name not in self.members:
                raise DescriptionError(f"unknown parameter or struct page member '{name}' "
                                       f"(members: {', '.join(self.members)})")
            if text.startswith("type:"):
                value = self.layout.types.get(text[5:])
                if value is None:
                    raise DescriptionError(f"kernel {self.layout.name} has no page type '{text[5:]}'")
            else:
                value = number(text)
            members[name] = members.get(name, 0) | value if name == "flags" else value
        return members

    def single(self, line, pfn):
        """Bytes and class of one page of a kind of its own."""
        kind = SINGLE[line.kind]
        if line.kind == "hwpoison" and not self.hwpoison_known():
            raise DescriptionError(f"kernel {self.layout.name} does not tell which pages are poisoned")
        page_class = kind.page_class
        if page_class == OFFLINE and not self.offline_known():
            page_class = KEEP
        return self.encode(self._override(self._members(line.kind, kind, pfn), line)), page_class

    # ---- compound pages

    def _tail(self, pfn, order, head_flag=True):
        layout = self.layout
        members = {"flags": self.high_flags(pfn), "lru.next": 0, "lru.prev": 0, "count": 0, "mapcount": TYPELESS}
        if layout.at_least(4, 5):
            members["mapping"] = self.machine.poison + TAIL_MAPPING
        if layout.head_name == "compound_info":
            members["head"] = (-(layout.page["size"] << order)) | 1
        elif layout.head_name:
            members["head"] = self.page_vaddr(pfn) | 1
        else:
            members["head"] = self.page_vaddr(pfn)
            members["flags"] |= layout.flag("tail")
        return members

    def _counters(self):
        """-1 in the first four bytes, 0 behind them."""
        return int.from_bytes(b"\xff\xff\xff\xff".ljust(self.machine.word, b"\0"), self.machine.order)

    def _first_tail(self, tail, order, dtor):
        """The first tail also says order and destructor of the whole."""
        members = dict(tail)
        style = self.layout.compound
        if style == "flags1":
            members["flags"] |= order & 0xff
            if dtor == "hugetlb" and self.exports("NUMBER(PG_hugetlb)"):
                members["flags"] |= 1 << 8
        else:
            members["order"] = order
            members["dtor"] = self.symbols[dtor] if style == "lru" else self.layout.dtors[dtor]
        return members

    def _compound(self, line, pfn, order, kind, dtor, odd_tail=False):
        head = self._members(line.kind, kind, pfn)
        head["flags"] |= self.layout.flag("head")
        tail = self._tail(pfn, order)
        first = self._first_tail(tail, order, dtor)
        if odd_tail and self.layout.at_least(4, 5):
            # compound_mapcount (-1) or, later, other counters of the whole lie on `mapping` of the first tail
            first["mapping"] = self._counters()
        size = 1 << order
        parts = [(0, 1, self.encode(self._override(head, line)))]
        if size > 1:
            parts.append((1, 1, self.encode(self._override(first, line, tail=True))))
        if size > 2:
            parts.append((2, size - 2, self.encode(self._override(tail, line, tail=True))))
        return parts

    def block(self, line, pfn):
        """The block that a line of any other kind puts at pfn."""
        order = line.order if line.order is not None else BLOCK_ORDERS.get(line.kind, 0)
        if line.kind in BLOCK_ORDERS and not 0 <= order <= 18:
            raise DescriptionError(f"order {order} of '{line.kind}' is outside 0..18")
        if line.kind in BLOCK_ORDERS and pfn % (1 << order):
            raise DescriptionError(f"pfn {pfn:#x} is not a multiple of a block of order {order}")
        size = 1 << order
        if line.kind == "free":
            block = self._free(line, pfn, order)
        elif line.kind == "slab":
            block = Block(size, self._slab(line, pfn, order), [(0, size, KEEP)])
        elif line.kind == "unaccepted":
            block = self._unaccepted(line, pfn, order)
        elif line.kind == "bad-free":
            block = self._bad_free(line, pfn)
        elif line.kind == "fake-head":
            block = self._fake_head(line, pfn)
        elif line.kind == "type":
            block = self._typed(line, pfn)
        elif line.kind.startswith("hugetlb"):
            block = self._hugetlb(line, pfn, order)
        else:
            kind = COMPOUND[line.kind]
            dtor = "thp" if line.kind == "thp" and self.layout.at_least(4, 5) else "compound"
            odd = line.kind in ("kernel-compound", "large-kmalloc")
            if order == 0:
                raise DescriptionError(f"'{line.kind}' needs at least order 1")
            block = Block(size, self._compound(line, pfn, order, kind, dtor, odd), [(0, size, kind.page_class)])
        if line.hwpoison is not None:
            self._poison(block, line)
        return block

    def _poison(self, block, line):
        if not self.hwpoison_known():
            raise DescriptionError(f"kernel {self.layout.name} does not tell which pages are poisoned")
        at = line.hwpoison
        if not 0 <= at < block.size:
            raise DescriptionError(f"hwpoison={at} is outside a block of {block.size} pages")
        parts = []
        for index, count, data in block.parts:
            if index <= at < index + count:
                flags = self.members["flags"][0]
                bad = bytearray(data)
                end, order = flags + self.members["flags"][1], self.machine.order
                value = int.from_bytes(bad[flags:end], order) | self.layout.flag("hwpoison")
                bad[flags:end] = value.to_bytes(end - flags, order)
                parts += [(index, at - index, data), (at, 1, bytes(bad)), (at + 1, index + count - at - 1, data)]
            else:
                parts.append((index, count, data))
        block.parts = [part for part in parts if part[1]]
        if line.kind.startswith("hugetlb") and at == 0 and self.hugetlb_known():
            # the kernel marks the head whichever page of a hugetlb page is bad
            block.classes = [(0, block.size, HWPOISON)]
        else:
            block.classes = block.classes + [(at, 1, HWPOISON)]

    def _free(self, line, pfn, order):
        if order >= self.max_orders:
            raise DescriptionError(f"free blocks have at most order {self.max_orders - 1} (see bad-free)")
        head = self._members("free", Kind(count=0, mapcount="buddy", private=order), pfn)
        head["flags"] |= self.layout.flag("buddy")
        parts = [(0, 1, self.encode(self._override(head, line)))]
        if order:
            rest = self._members("free", Kind(count=0), pfn)
            parts.append((1, (1 << order) - 1, self.encode(self._override(rest, line, tail=True))))
        return Block(1 << order, parts, [(0, 1 << order, FREE)], free_order=order)

    def _bad_free(self, line, pfn):
        if line.order is None or line.order < self.max_orders:
            raise DescriptionError(f"bad-free needs order= of at least {self.max_orders}")
        head = self._members("free", Kind(count=0, mapcount="buddy", private=line.order), pfn)
        head["flags"] |= self.layout.flag("buddy")
        return Block(1, [(0, 1, self.encode(self._override(head, line)))], [(0, 1, KEEP)])

    def _slab(self, line, pfn, order):
        layout = self.layout
        kind = Kind(KEEP, "slab", 0, 1, "slab")
        head = self._members("slab", kind, pfn)
        if layout.at_least(6, 2):
            head["mapping"] = layout.slab_mapping
            head["lru.next"] = self.machine.pointer(KMEM_CACHE)
        elif layout.at_least(4, 18):
            head["mapping"] = self.machine.pointer(KMEM_CACHE)
        if layout.version < (4, 18):
            head["mapcount"] = 0x80200010       # objects in use, objects, frozen
        if order == 0:
            return [(0, 1, self.encode(self._override(head, line)))]
        head["flags"] |= layout.flag("head")
        tail = self._tail(pfn, order)
        if layout.slab_mapping & 1:
            tail["mapping"] = layout.slab_mapping
        first = self._first_tail(tail, order, "compound")
        if layout.at_least(6, 6):
            first["mapping"] = self._counters()         # counters of struct folio, as on any compound page
        parts = [(0, 1, self.encode(self._override(head, line))),
                 (1, 1, self.encode(self._override(first, line, tail=True)))]
        if order > 1:
            parts.append((2, (1 << order) - 2, self.encode(self._override(tail, line, tail=True))))
        return parts

    def _unaccepted(self, line, pfn, order):
        if "unaccepted" not in self.layout.types:
            raise DescriptionError(f"kernel {self.layout.name} has no page type for 'unaccepted'")
        if order != self.max_orders - 1:
            raise DescriptionError(f"unaccepted memory comes in blocks of order {self.max_orders - 1}")
        head = self._members("unaccepted", Kind(count=0, mapcount="unaccepted"), pfn)
        rest = self._members("unaccepted", Kind(count=0), pfn)
        parts = [(0, 1, self.encode(self._override(head, line))),
                 (1, (1 << order) - 1, self.encode(self._override(rest, line, tail=True)))]
        known = UNACCEPTED if self.description.unaccepted else KEEP
        return Block(1 << order, parts, [(0, 1 << order, known)])

    def _hugetlb(self, line, pfn, order):
        if not self.description.hugetlb:
            raise DescriptionError("hugetlb pages in a kernel with 'hugetlb off'")
        kind = COMPOUND[line.kind]
        page_class = USER if self.hugetlb_known() or line.kind == "hugetlb-anon" else KEEP
        block = Block(1 << order, self._compound(line, pfn, order, kind, "hugetlb"), [(0, 1 << order, page_class)])
        if line.options.get("hvo") == "on":
            if not self.layout.at_least(5, 14) or order < 9:
                raise DescriptionError("hvo=on needs a kernel of 5.14 or later and order 9 or more")
            # 6.x keeps one frame of struct pages, the head's; all others are the same frame again
            block.shares_head_frame = True
        return block

    def _fake_head(self, line, pfn):
        """A stale head flag: the order found in the next struct page cannot be true for this pfn."""
        order = line.order if line.order is not None else 9
        if order < 64 and pfn % (1 << order) == 0:
            raise DescriptionError(f"fake-head of order {order} must not lie at a multiple of it ({pfn:#x})")
        like = line.options.get("as", "kernel")
        if like not in SINGLE:
            raise DescriptionError(f"as={like} is not a kind of a single page")
        kind = SINGLE[like]
        head = self._members(like, kind, pfn)
        head["flags"] |= self.layout.flag("head")
        after = self._first_tail(self._members("kernel", SINGLE["kernel"], pfn), order, "compound")
        return Block(2, [(0, 1, self.encode(self._override(head, line))), (1, 1, self.encode(after))],
                     [(0, 1, kind.page_class), (1, 1, KEEP)])

    def _typed(self, line, pfn):
        if "type" not in line.options:
            raise DescriptionError("kind 'type' needs type=NUMBER")
        value = number(line.options["type"])
        if self.layout.at_least(6, 12):
            value = value << 24 | number(line.options.get("owner", "0"))
        members = self._members("type", Kind(mapcount=value), pfn)
        return Block(1, [(0, 1, self.encode(self._override(members, line)))], [(0, 1, KEEP)])


def is_known(kind):
    return kind in SINGLE or kind in BLOCK_ORDERS or kind in OTHER


def block_size(line):
    """Pages of one block of a line."""
    if line.kind in BLOCK_ORDERS:
        return 1 << (line.order if line.order is not None else BLOCK_ORDERS[line.kind])
    return 2 if line.kind == "fake-head" else 1


__all__ = ["Block", "PageKinds", "block_size", "is_known", "SINGLE"]
