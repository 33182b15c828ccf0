# SPDX-License-Identifier: GPL-2.0-or-later
"""Facts about kernels by version: struct page, page flags, page types, compound pages.

Every number here is that of a real kernel of the version (x86_64, usual configuration; for_machine() has
what follows for others) unless a comment says otherwise; offsets inside struct zone and pglist_data are
invented, because every reader has to take them from VMCOREINFO anyway.
"""

from dataclasses import dataclass, field, replace

MAX_NUMNODES = 64

TYPELESS = 0xffffffff                   # _mapcount of a page that is neither mapped nor typed
TAIL_MAPPING = 0x400                    # what prep_compound_page() stores in tails, from where poison begins

# struct page. `count` is _count or _refcount, whichever the version has.
PAGE_2_6 = dict(size=56, flags=0, count=8, mapcount=12, private=16, mapping=24, index=32, lru=40, first_page=16)
PAGE_3 = dict(size=64, flags=0, mapping=8, index=16, mapcount=24, count=28, lru=32, private=48, first_page=48)
PAGE_3_0 = dict(PAGE_2_6)
PAGE_4_4 = dict(PAGE_3, head=32, dtor=40, order=42)
PAGE_4_6 = dict(PAGE_3, head=32, dtor=40, order=44)
PAGE_4_18 = dict(size=64, flags=0, lru=8, mapping=24, index=32, private=40, mapcount=48, count=52,
                 head=8, dtor=16, order=17)
PAGE_6_6 = {name: at for name, at in PAGE_4_18.items() if name not in ("dtor", "order")}


def _flags(text):
    return {name: bit for bit, name in enumerate(text.split())}


FLAGS_2_6_32 = _flags("locked error referenced uptodate dirty lru active slab owner_priv_1 arch_1 reserved private "
                      "private_2 writeback head tail swapcache mappedtodisk reclaim buddy swapbacked unevictable "
                      "mlocked uncached hwpoison")
FLAGS_3 = _flags("locked error referenced uptodate dirty lru active slab owner_priv_1 arch_1 reserved private "
                 "private_2 writeback head tail swapcache mappedtodisk reclaim swapbacked unevictable mlocked "
                 "uncached hwpoison compound_lock")
FLAGS_4_4 = _flags("locked error referenced uptodate dirty lru active slab owner_priv_1 arch_1 reserved private "
                   "private_2 writeback head swapcache mappedtodisk reclaim swapbacked unevictable mlocked uncached "
                   "hwpoison young idle")
FLAGS_4_10 = _flags("locked error referenced uptodate dirty lru active waiters slab owner_priv_1 arch_1 reserved "
                    "private private_2 writeback head mappedtodisk reclaim swapbacked unevictable mlocked uncached "
                    "hwpoison young idle")
FLAGS_4_20 = _flags("locked referenced uptodate dirty lru active workingset waiters error slab owner_priv_1 arch_1 "
                    "reserved private private_2 writeback head mappedtodisk reclaim swapbacked unevictable mlocked "
                    "uncached hwpoison young idle")
FLAGS_6_6 = _flags("locked writeback referenced uptodate dirty lru head waiters active workingset error slab "
                   "owner_priv_1 arch_1 reserved private private_2 mappedtodisk reclaim swapbacked unevictable "
                   "mlocked uncached hwpoison young idle")
FLAGS_6_10 = _flags("locked writeback referenced uptodate dirty lru head waiters active workingset error "
                    "owner_priv_1 arch_1 reserved private private_2 mappedtodisk reclaim swapbacked unevictable "
                    "mlocked uncached hwpoison young idle")
FLAGS_6_12 = _flags("locked writeback referenced uptodate dirty lru head waiters active workingset owner_priv_1 "
                    "owner_2 arch_1 reserved private private_2 reclaim swapbacked unevictable mlocked hwpoison "
                    "young idle")
FLAGS_6_14 = _flags("locked writeback referenced uptodate dirty lru head waiters active workingset owner_priv_1 "
                    "owner_2 arch_1 reserved private private_2 reclaim swapbacked unevictable mlocked dropbehind "
                    "hwpoison young idle")


def _inverted(**bits):
    """Page types of 4.18 to 6.11: a type is a cleared bit of an otherwise all-ones _mapcount."""
    return {name: ~bit & 0xffffffff for name, bit in bits.items()}


def _top_byte(**numbers):
    """Page types of 6.12 and later: the top byte is the type, the rest belongs to the owner of the page."""
    return {name: number << 24 for name, number in numbers.items()}


TYPES_2_6_39 = dict(buddy=-128 & 0xffffffff)
TYPES_4_18 = _inverted(buddy=0x80, kmemcg=0x200, table=0x400)
TYPES_5_1 = _inverted(buddy=0x80, offline=0x100, kmemcg=0x200, table=0x400, guard=0x800)
TYPES_6_1 = _inverted(buddy=0x80, offline=0x100, table=0x200, guard=0x400)
TYPES_6_9 = _inverted(buddy=0x80, offline=0x100, table=0x200, guard=0x400, hugetlb=0x800)
TYPES_6_10 = _inverted(buddy=0x80, offline=0x100, table=0x200, guard=0x400, hugetlb=0x800, slab=0x1000)
TYPES_6_11 = _inverted(buddy=0x40000000, offline=0x20000000, table=0x10000000, guard=0x08000000,
                       hugetlb=0x04000000, slab=0x02000000, zsmalloc=0x01000000)
TYPES_6_12 = _top_byte(buddy=0xf0, offline=0xf1, table=0xf2, guard=0xf3, hugetlb=0xf4, slab=0xf5, zsmalloc=0xf6)
TYPES_6_16 = dict(TYPES_6_12, **_top_byte(unaccepted=0xf7, large_kmalloc=0xf8))


@dataclass(frozen=True)
class Layout:
    """One kernel version. `compound` says where a compound page keeps its order and destructor:
    lru     order in lru.prev and destructor address in lru.next of the first tail
    u16/u32/u8  numbers at page.dtor and page.order of the first tail
    flags1  order in the low byte of the flags of the first tail
    """
    name: str
    release: str
    version: tuple
    page: dict
    flags: dict
    types: dict
    compound: str
    count_name: str = "_refcount"
    head_name: str = "compound_head"
    migrate_types: int = 6
    section_flags: int = 0x0f           # present, has mem_map, online (4.13), early (5.3)
    page_offset: int = 0xffff888000000000
    vmemmap: int = 0xffffea0000000000
    slab_mapping: int = 0               # what the slab allocator overlays on page.mapping
    dtors: dict = field(default_factory=lambda: dict(compound=1, hugetlb=2, thp=3))

    def flag(self, name):
        """Mask of a page flag; 0 when this kernel has no such flag."""
        if name == "swapcache" and name not in self.flags:
            name = "owner_priv_1"       # since 4.10
        return 1 << self.flags[name] if name in self.flags else 0

    def at_least(self, *version):
        return self.version >= version


def _layout(name, release, page, flags, types, compound, **more):
    version = tuple(int(part) for part in name.split("."))
    return Layout(name, release, version, page, flags, types, compound, **more)


OLD_MAP = dict(page_offset=0xffff880000000000, head_name=None, count_name="_count", section_flags=0x3)

LAYOUTS = {layout.name: layout for layout in (
    _layout("2.6.32", "2.6.32-5-amd64", PAGE_2_6, FLAGS_2_6_32, {}, "lru", migrate_types=5, **OLD_MAP),
    _layout("3.0", "3.0.101", PAGE_3_0, FLAGS_3, TYPES_2_6_39, "lru", migrate_types=5, **OLD_MAP),
    _layout("3.10", "3.10.108", PAGE_3, FLAGS_3, TYPES_2_6_39, "lru", **OLD_MAP),
    _layout("3.18", "3.18.140", PAGE_3, FLAGS_3, TYPES_2_6_39, "lru", **OLD_MAP),
    _layout("4.4", "4.4.302", PAGE_4_4, FLAGS_4_4, TYPES_2_6_39, "u16",
            **dict(OLD_MAP, head_name="compound_head")),
    _layout("4.14", "4.14.12", PAGE_4_6, FLAGS_4_10, TYPES_2_6_39, "u32", section_flags=0x7,
            page_offset=0xffff880000000000),
    _layout("4.19", "4.19.0-27-amd64", PAGE_4_18, FLAGS_4_10, TYPES_4_18, "u8", section_flags=0x7),
    _layout("5.4", "5.4.0-200-generic", PAGE_4_18, FLAGS_4_20, TYPES_5_1, "u8"),
    _layout("5.10", "5.10.0-32-amd64", PAGE_4_18, FLAGS_4_20, TYPES_5_1, "u8"),
    _layout("6.1", "6.1.0-28-amd64", PAGE_4_18, FLAGS_4_20, TYPES_6_1, "u8"),
    _layout("6.3", "6.3.0-1-amd64", PAGE_4_18, FLAGS_4_20, TYPES_6_1, "u8", slab_mapping=0x3),
    _layout("6.6", "6.6.15-amd64", PAGE_6_6, FLAGS_6_6, TYPES_6_1, "flags1", slab_mapping=0x3),
    _layout("6.9", "6.9.12-amd64", PAGE_6_6, FLAGS_6_6, TYPES_6_9, "flags1", slab_mapping=0x3),
    _layout("6.10", "6.10.11-amd64", PAGE_6_6, FLAGS_6_10, TYPES_6_10, "flags1", slab_mapping=0x5),
    _layout("6.11", "6.11.10-amd64", PAGE_6_6, FLAGS_6_10, TYPES_6_11, "flags1", slab_mapping=0x5),
    _layout("6.12", "6.12.9-amd64", PAGE_6_6, FLAGS_6_12, TYPES_6_12, "flags1", slab_mapping=0x5),
    _layout("6.16", "6.16.3-amd64", PAGE_6_6, FLAGS_6_14, TYPES_6_16, "flags1", slab_mapping=0x5),
    # compound_info: tails hold a mask with bit 0 set instead of the head's address
    _layout("7.1", "7.1.0-amd64", PAGE_6_6, FLAGS_6_14, TYPES_6_16, "flags1", slab_mapping=0x5,
            head_name="compound_info"),
)}

# Kept away from round numbers on purpose: a reader that guesses these offsets fails.
ZONES_PER_NODE = 4
ZONE = dict(size=0x740, spanned_pages=0x48, free_area=0x110, vm_stat=0x5c0)
PGLIST_DATA = dict(size=0x2200, node_zones=0x40, nr_zones=0x1e08, node_mem_map=0x1e10, node_start_pfn=0x1e18,
                   node_spanned_pages=0x1e28, node_id=0x1e30)
USUAL_ORDERS = 11                       # LENGTH(zone.free_area) that these have room for


def free_area_size(layout, word):
    return word * (2 * layout.migrate_types + 1)


def node_layout(layout, machine):
    """Offsets in (struct pglist_data, struct zone)."""
    more = max(0, machine.max_orders - USUAL_ORDERS) * free_area_size(layout, 8)
    more += -more % 64
    zone, node = dict(ZONE), dict(PGLIST_DATA)
    for name in ("size", "vm_stat"):
        zone[name] += more
    for name in set(node) - {"node_zones"}:
        node[name] += more * ZONES_PER_NODE
    return [{name: machine.scaled(offset) for name, offset in one.items()} for one in (node, zone)]


def for_machine(layout, machine):
    """The same kernel for another machine: its flags, its struct page, the end of its release."""
    names = [name for name, _ in sorted(layout.flags.items(), key=lambda item: item[1])]
    absent = set(machine.absent_flags) | (set() if machine.memory_failure else {"hwpoison"})
    flags = {name: bit for bit, name in enumerate(name for name in names if name not in absent)}
    page = dict(layout.page)
    if machine.word == 4:
        if layout.compound not in ("u8", "flags1"):
            machine.fail(f"no struct page of kernel {layout.name} is known")
        page = {name: machine.scaled(offset) for name, offset in page.items()}
        page["count"] = page["mapcount"] + 4
        if "order" in page:
            page["order"] = page["dtor"] + 1
    page["size"] = machine.page_struct_bytes or page["size"]
    release = layout.release.replace("amd64", machine.suffix or machine.name)
    return replace(layout, flags=flags, page=page, release=release)
