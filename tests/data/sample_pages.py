# SPDX-License-Identifier: GPL-2.0-or-later
"""What every page of an ELF vmcore is, told by drgn: an oracle that shares no code with the tool.

For 64-bit little-endian kernels 5.10 to 6.2 (later ones keep slab, free and hugetlb marks elsewhere).
"""

import re
import struct

import drgn
from drgn.helpers.linux.list import list_for_each_entry
from drgn.helpers.linux.mm import (
    PageHead,
    PageHWPoison,
    PageLRU,
    PagePrivate,
    PageSlab,
    PageSwapBacked,
    for_each_valid_pfn_and_page,
    page_to_pfn,
)
from drgn.helpers.linux.mmzone import for_each_online_pgdat

PAGE = 4096

ZERO, CACHE, CACHE_PRIVATE, USER, FREE = 1, 2, 4, 8, 16


def open_dump(vmcore, vmlinux):
    prog = drgn.Program()
    prog.set_core_dump(vmcore)
    prog.load_debug_info([vmlinux])
    return prog


def segments(vmcore):
    """(physical address, file offset, size) of each PT_LOAD; several may hold the same page."""
    with open(vmcore, "rb") as f:
        head = f.read(64)
        (phoff,) = struct.unpack_from("<Q", head, 32)
        entsize, number = struct.unpack_from("<HH", head, 54)
        for i in range(number):
            f.seek(phoff + i * entsize)
            kind, _, offset, _, paddr, filesz, memsz, _ = struct.unpack("<IIQQQQQQ", f.read(56))
            if kind == 1:
                if filesz != memsz or paddr % PAGE or filesz % PAGE:
                    raise ValueError("not a raw dump of whole pages")
                yield paddr, offset, filesz


class Page:
    """A run of pages that shares one fate: a free block, a compound page, or one page."""

    __slots__ = ("anon", "cache", "free", "hugetlb", "hwpoison", "n", "offline", "pfn", "private", "sure")

    def __init__(self, pfn):
        self.pfn = pfn
        self.n = 1
        self.free = self.cache = self.private = self.anon = self.hugetlb = self.hwpoison = self.offline = False
        self.sure = False

    def fate(self, level):
        """The class that level removes it as, or None. Poisoned and offline pages go at any level."""
        if level & FREE and self.free:
            return "free"
        if self.cache and not self.anon:
            if level & CACHE_PRIVATE:
                return "cache_private" if self.private else "cache"
            if level & CACHE and not self.private:
                return "cache"
        if level & USER and (self.anon or self.hugetlb):
            return "user"
        if self.hwpoison:
            return "hwpoison"
        if self.offline:
            return "offline"
        return None


def free_blocks(prog):
    """{first pfn: pages} from the allocator's own lists."""
    blocks = {}
    for node in for_each_online_pgdat(prog):
        for zone in node.node_zones:
            if not zone.spanned_pages:
                continue
            for order, area in enumerate(zone.free_area):
                for head in area.free_list:
                    for page in list_for_each_entry("struct page", head.address_of_(), "lru"):
                        blocks[page_to_pfn(page).value_()] = 1 << order
    return blocks


def page_runs(prog):
    free = free_blocks(prog)
    swapcache = 1 << prog["PG_swapcache"].value_()
    hugetlb = prog["HUGETLB_PAGE_DTOR"].value_()
    text = prog["VMCOREINFO"].string_().decode()
    offline = int(re.search(r"^NUMBER\(PAGE_OFFLINE_MAPCOUNT_VALUE\)=(-?\d+)$", text, re.M).group(1))
    next_pfn = 0
    for pfn, page in for_each_valid_pfn_and_page(prog):
        pfn = pfn if isinstance(pfn, int) else pfn.value_()
        if pfn < next_pfn:
            continue
        run = Page(pfn)
        if pfn in free:
            run.free = run.sure = True
            run.n = free[pfn]
        elif not page.compound_head.value_() & 1:
            mapping = page.mapping.value_()
            slab = bool(PageSlab(page))
            lru = bool(PageLRU(page))
            backed = bool(PageSwapBacked(page))
            used = page._refcount.counter.value_() > 0
            if PageHead(page):
                tail = page[1]
                if tail.compound_order < 12:
                    run.n = 1 << tail.compound_order.value_()
                run.hugetlb = tail.compound_dtor.value_() == hugetlb
            run.anon = bool(mapping & 1) and not slab
            run.cache = lru or bool(page.flags.value_() & swapcache and backed)
            run.private = bool(PagePrivate(page))
            # kernels built without memory failure have no such flag
            try:
                run.hwpoison = bool(PageHWPoison(page))
            except LookupError:
                run.hwpoison = False
            run.offline = not slab and page._mapcount.counter.value_() == offline
            # what only users and files put there, beyond any doubt
            run.sure = not slab and (
                run.hugetlb or (used and run.anon and backed) or (used and lru and mapping != 0 and not mapping & 3)
            )
        next_pfn = pfn + run.n
        yield run
