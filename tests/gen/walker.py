# SPDX-License-Identifier: GPL-2.0-or-later
"""A second opinion on a generated dump: finds struct pages and classifies pages from the ELF file alone.

Nothing here uses the tables of the generator; what it knows, it reads from the VMCOREINFO note or states itself.
"""

import re
import struct

import translate
from translate import WalkError, parse_vmcoreinfo


class KernelView:
    def __init__(self, core):
        self.core = core
        self.info = parse_vmcoreinfo(core.vmcoreinfo())
        self.machine = translate.find(core, self.info)
        self.page, self.long = 1 << self.machine.page_shift, self.machine.word
        self.letter = self.machine.order + ("Q" if self.long == 8 else "I")
        self.ones = (1 << 8 * self.long) - 1
        self.section_pages = 1 << self.number("SECTION_SIZE_BITS", self.machine.section_bits) - self.machine.page_shift
        self.release = self._release()
        self.version = tuple(int(part) for part in re.match(r"(\d+)\.(\d+)", self.release).groups())

    def _release(self):
        offset = self.info.get("OFFSET(uts_namespace.name)", 4)
        uts = self.read(self.info["SYMBOL(init_uts_ns)"] + offset, 390)
        return uts[130:195].split(b"\0")[0].decode()

    def number(self, key, default=None):
        return self.info.get(f"NUMBER({key})", default)

    def offset(self, key, default=None):
        return self.info.get(f"OFFSET({key})", default)

    # ---- memory

    def translate(self, vaddr):
        """Physical address of the page, and size of the leaf that maps it (0: no table is needed)."""
        return self.machine.translate(vaddr)

    def read(self, vaddr, length):
        parts = []
        while length:
            step = min(length, self.page - vaddr % self.page)
            parts.append(self.core.read(self.translate(vaddr)[0] + vaddr % self.page, step))
            vaddr += step
            length -= step
        return b"".join(parts)

    def word(self, vaddr):
        return struct.unpack(self.letter, self.read(vaddr, self.long))[0]

    # ---- mem_map

    def chunks(self, max_mapnr):
        """(first pfn, end, address of the first struct page)."""
        info = self.info
        if "OFFSET(pglist_data.node_mem_map)" in info and "SYMBOL(node_data)" in info:
            for node in self.nodes():
                start = self.word(node + info["OFFSET(pglist_data.node_start_pfn)"])
                spanned = self.word(node + info["OFFSET(pglist_data.node_spanned_pages)"])
                yield start, start + spanned, self.word(node + info["OFFSET(pglist_data.node_mem_map)"])
        elif "SYMBOL(mem_section)" in info:
            yield from self._sections(max_mapnr)
        else:
            yield self.machine.flat_pfn(), max_mapnr, self.word(info["SYMBOL(mem_map)"])

    def _sections(self, max_mapnr):
        size = self.info["SIZE(mem_section)"]
        bits = self.number("MAX_PHYSMEM_BITS", self.machine.physmem_bits)
        sections = 1 << bits - self.number("SECTION_SIZE_BITS", self.machine.section_bits)
        per_root = self.page // size
        extreme = self.info.get("LENGTH(mem_section)") in (None, -(-sections // per_root))
        count = -(-max_mapnr // self.section_pages)
        symbol = self.info["SYMBOL(mem_section)"]
        for table in (symbol, None):
            if table is None:
                table = self.word(symbol)       # the symbol was that of a pointer
            found = list(self._section_table(table, count, size, per_root if extreme else None))
            if found:
                return found
        raise WalkError("no section has a mem_map")

    def _section_table(self, table, count, size, per_root):
        page_size = self.info["SIZE(page)"]
        roots = {}
        for number in range(count):
            if per_root:
                root = number // per_root
                if root not in roots:
                    roots[root] = self._root(table, root)
                if roots[root] is None:
                    continue
                entry = struct.unpack_from(self.letter, roots[root], number % per_root * size)[0]
            else:
                entry = self.word(table + number * size)
            if entry & 1:
                mem_map = (entry & ~0xfff) + number * self.section_pages * page_size & self.ones
                if not self.is_mapped(mem_map):
                    return
                yield number * self.section_pages, (number + 1) * self.section_pages, mem_map

    def _root(self, table, root):
        pointer = self.word(table + self.long * root)
        return self.read(pointer, self.page) if self.is_mapped(pointer) else None

    def is_mapped(self, address):
        """Is there memory of the file at a virtual address?"""
        try:
            return address != 0 and self.core.has(self.translate(address)[0])
        except WalkError:
            return False

    # ---- nodes and free lists

    def has_nodes(self):
        """Some machines' kernels do not say where their nodes are."""
        return "SYMBOL(node_data)" in self.info or "SYMBOL(contig_page_data)" in self.info

    def nodes(self):
        if "SYMBOL(node_data)" not in self.info:
            return [self.info["SYMBOL(contig_page_data)"]]
        online = self.word(self.info["SYMBOL(node_online_map)"])
        return [self.word(self.info["SYMBOL(node_data)"] + self.long * number) for number in range(64) if online >> number & 1]

    def free_lists(self):
        """(address of a struct page, order) of each free block; checks the links and the zones' counters."""
        info = self.info
        lru, area = info["OFFSET(page.lru)"], info["SIZE(free_area)"]
        for node in self.nodes():
            zones = struct.unpack(self.machine.order + "i", self.read(node + info["OFFSET(pglist_data.nr_zones)"], 4))[0]
            for index in range(zones):
                zone = node + info["OFFSET(pglist_data.node_zones)"] + index * info["SIZE(zone)"]
                if not self.word(zone + info["OFFSET(zone.spanned_pages)"]):
                    continue
                total = 0
                for order in range(info["LENGTH(zone.free_area)"]):
                    for kind in range(info["LENGTH(free_area.free_list)"]):
                        head = zone + info["OFFSET(zone.free_area)"] + order * area + 2 * self.long * kind
                        before, link = head, self.word(head)
                        while link != head:
                            if self.word(link + self.long) != before:
                                raise WalkError(f"free list of order {order} is broken at {link:#x}")
                            yield link - lru, order
                            total += 1 << order
                            before, link = link, self.word(link)
                if total != self.word(zone + info["OFFSET(zone.vm_stat)"] + self.long * self.number("NR_FREE_PAGES")):
                    raise WalkError(f"zone {index}: {total} pages in the lists, vm_stat says otherwise")


class Classifier:
    """Class of each page that starts in the file, by the same names as expectations."""

    def __init__(self, view, max_mapnr):
        self.view, self.max_mapnr = view, max_mapnr
        self.size = view.info["SIZE(page)"]
        self.classes, self.poisoned = {}, []
        number, offset = view.number, view.offset
        self.flags, self.mapping = offset("page.flags"), offset("page.mapping")
        self.mapcount, self.private = offset("page._mapcount"), offset("page.private")
        self.head = offset("page.compound_head", offset("page.compound_info"))
        self.head_mask = number("PG_head_mask", 1 << 14)
        self.slab_type = self._type("SLAB")
        self.slab_flag = 0 if self.slab_type is not None else 1 << number("PG_slab", 7)
        self.hwpoison = 1 << number("PG_hwpoison") if "NUMBER(PG_hwpoison)" in view.info else 0
        self.types = {name: self._type(name) for name in ("BUDDY", "OFFLINE", "HUGETLB", "UNACCEPTED")}
        self.orders = view.info["LENGTH(zone.free_area)"]

    def _type(self, name):
        value = self.view.number(f"PAGE_{name}_MAPCOUNT_VALUE")
        return None if value is None else value & 0xffffffff

    def run(self):
        view = self.view
        chunks = list(view.chunks(self.max_mapnr))
        by_lists = self.types["BUDDY"] is None or self.mapcount is None or self.private is None
        for start, end, mem_map in chunks:
            self._chunk(start, min(end, self.max_mapnr), mem_map)
        if by_lists:
            for page, order in view.free_lists():
                pfn = next(start + (page - mem_map) // self.size for start, end, mem_map in chunks
                           if mem_map <= page < mem_map + (end - start) * self.size)
                self._put(pfn, 1 << order, "free")
        for pfn, count in self.poisoned:
            self._put(pfn, count, "hwpoison")
        return self.classes

    def _put(self, pfn, count, page_class):
        for page in range(pfn, pfn + count):
            self.classes[page] = page_class

    def _chunk(self, start, end, mem_map):
        pfn = start
        while pfn < end:
            if not self.view.core.has(pfn * self.view.page):
                pfn += 1
                continue
            batch = min(end, (pfn // 512 + 1) * 512)
            data = self.view.read(mem_map + (pfn - start) * self.size, (batch - pfn) * self.size)
            self._batch(pfn, batch, data)
            pfn = batch

    def _batch(self, first, end, data):
        for pfn in range(first, end):
            if not self.view.core.has(pfn * self.view.page):
                continue
            at = (pfn - first) * self.size
            flags = self._word(data, at + self.flags)
            if self.hwpoison & flags:
                self.poisoned.append((pfn, 1))
            if pfn in self.classes:
                continue                # inside a block whose head came before
            count, page_class = self._page(data, at, pfn, flags, pfn + 1 < end)
            if page_class:
                self._put(pfn, count, page_class)

    def _word(self, data, at):
        return struct.unpack_from(self.view.letter, data, at)[0]

    def _int(self, data, at):
        return struct.unpack_from(self.view.machine.order + "I", data, at)[0]

    def _page(self, data, at, pfn, flags, has_next):
        if self.head is not None and self._word(data, at + self.head) & 1:
            return 1, None
        count_word = self._int(data, at + self.mapcount) if self.mapcount is not None else 0
        is_slab = count_word == self.slab_type or bool(flags & self.slab_flag)
        mapping = self._word(data, at + self.mapping)
        if count_word == self.types["BUDDY"] and not is_slab and self.private is not None:
            order = self._word(data, at + self.private)
            return (1 << order, "free") if order < self.orders else (1, None)
        if self.types["UNACCEPTED"] is not None and count_word == self.types["UNACCEPTED"]:
            return 1 << (self.orders - 1), "unaccepted"
        order, hugetlb = self._compound(data, at, pfn, flags, count_word) if has_next else (0, False)
        if hugetlb and self.hwpoison & flags:
            self.poisoned.append((pfn, 1 << order))
        anon = mapping & 1 and not is_slab
        if self._is_cache(flags) and not anon:
            private = flags >> self.view.number("PG_private") & 1
            return 1 << order, "cache_private" if private else "cache"
        if anon or hugetlb:
            return 1 << order, "user"
        if self.types["OFFLINE"] is not None and count_word == self.types["OFFLINE"] and not is_slab:
            return 1, "offline"
        return 1, None

    def _is_cache(self, flags):
        number = self.view.number
        if flags >> number("PG_lru") & 1:
            return True
        backed = number("PG_swapbacked")
        if backed is None and number("PG_swapcache") < number("PG_private"):
            backed = number("PG_private") + 6
        return flags >> number("PG_swapcache") & 1 and (backed is None or flags >> backed & 1)

    def _compound(self, data, at, pfn, flags, count_word):
        if not flags & self.head_mask:
            return 0, False
        tail, view = at + self.size, self.view
        tail_flags = self._word(data, tail + self.flags)
        hugetlb = False
        if view.version >= (6, 6):
            order = tail_flags & 0xff
            if self.types["HUGETLB"] is not None:
                hugetlb = count_word == self.types["HUGETLB"]
            elif "NUMBER(PG_hugetlb)" in view.info:
                hugetlb = bool(tail_flags >> view.number("PG_hugetlb") & 1)
        else:
            order, dtor = self._order_and_dtor(data, tail)
            hugetlb = dtor is not None and dtor in (view.number("HUGETLB_PAGE_DTOR"),
                                                    view.info.get("SYMBOL(free_huge_page)"))
        if order >= 64 or pfn % (1 << order):
            order = 0
        return order, hugetlb

    def _order_and_dtor(self, data, tail):
        view = self.view
        places = (view.offset("folio._folio_order"), view.offset("folio._folio_dtor"))
        if places[0] is not None:
            places = [place - self.size for place in places]
        else:
            places = (view.offset("page.compound_order"), view.offset("page.compound_dtor"))
        if places[0] is not None:
            letter = view.machine.order + ("B" if view.version >= (4, 16) else "H")
            return [struct.unpack_from(letter, data, tail + place)[0] for place in places]
        if view.version < (4, 4):
            lru = view.offset("page.lru")
            return self._word(data, tail + lru + 8), self._word(data, tail + lru)
        return 0, None
