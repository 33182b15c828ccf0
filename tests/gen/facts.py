# SPDX-License-Identifier: GPL-2.0-or-later
"""The values behind VMCOREINFO lines, for a kernel that is built so far."""

import layouts
from layouts import MAX_NUMNODES, MAX_ORDERS, PAGE_SIZE, PGLIST_DATA, ZONE

KERNEL_IMAGE_SIZE = 1 << 30


def _as_int(value):
    """The kernel prints 32 bit type values as int."""
    return value - (1 << 32) if value >> 31 else value


def collect(kernel):
    facts = {}
    for part in (_general, _addresses, _structures, _page_flags, _page_types):
        facts.update(part(kernel))
    return facts


def _general(kernel):
    return {
        "BUILD-ID": "0123456789abcdef0123456789abcdef01234567",
        "PAGESIZE": PAGE_SIZE,
        "CRASHTIME": kernel.description.crashtime,
        "KERNELOFFSET": kernel.description.kaslr,
    }


def _addresses(kernel):
    description, symbols = kernel.description, kernel.image.symbols
    facts = {f"SYMBOL({name})": symbols[name] for name in (
        "init_uts_ns", "node_online_map", "_stext", "vmlist", "vmap_area_list", "phys_base", "init_top_pgt")}
    facts.update({
        "SYMBOL(swapper_pg_dir)": symbols["init_top_pgt"],
        "SYMBOL(init_level4_pgt)": symbols["init_top_pgt"],
        "SYMBOL(vmemmap)": kernel.vmemmap if kernel.memmap.virtual else None,
        "SYMBOL(free_huge_page)": symbols["free_huge_page"] if description.hugetlb else None,
        "NUMBER(phys_base)": kernel.image.phys_base,
        "NUMBER(pgtable_l5_enabled)": int(description.levels == 5),
        "NUMBER(KERNEL_IMAGE_SIZE)": KERNEL_IMAGE_SIZE,
        "NUMBER(sme_mask)": kernel.sme_mask,
        "NUMBER(VMALLOC_START)": 0xffa0000000000000 if description.levels == 5 else 0xffffc90000000000,
    })
    return facts


def _structures(kernel):
    layout, page = kernel.layout, kernel.layout.page
    facts = {
        "OFFSET(uts_namespace.name)": kernel.image.uts_offset,
        "SIZE(page)": page["size"],
        "SIZE(pglist_data)": PGLIST_DATA["size"],
        "SIZE(zone)": ZONE["size"],
        "SIZE(free_area)": layouts.free_area_size(layout),
        "SIZE(list_head)": 16,
        "SIZE(nodemask_t)": MAX_NUMNODES // 8,
        "OFFSET(page.flags)": page["flags"],
        "OFFSET(page._count)": page["count"],
        "OFFSET(page._refcount)": page["count"],
        "OFFSET(page.mapping)": page["mapping"],
        "OFFSET(page.lru)": page["lru"],
        "OFFSET(page._mapcount)": page["mapcount"],
        "OFFSET(page.private)": page["private"],
        "OFFSET(free_area.free_list)": 0,
        "OFFSET(list_head.next)": 0,
        "OFFSET(list_head.prev)": 8,
        "LENGTH(zone.free_area)": MAX_ORDERS,
        "LENGTH(free_area.free_list)": layout.migrate_types,
        "NUMBER(NR_FREE_PAGES)": 0,
    }
    for member in ("node_zones", "nr_zones", "node_start_pfn", "node_spanned_pages", "node_id"):
        facts[f"OFFSET(pglist_data.{member})"] = PGLIST_DATA[member]
    for member in ("free_area", "vm_stat", "spanned_pages"):
        facts[f"OFFSET(zone.{member})"] = ZONE[member]
    if layout.head_name:
        facts[f"OFFSET(page.{layout.head_name})"] = page["head"]
    if "dtor" in page:
        for member in ("dtor", "order"):
            facts[f"OFFSET(page.compound_{member})"] = page[member]
            # struct folio: the first tail follows the head
            facts[f"OFFSET(folio._folio_{member})"] = page["size"] + page[member]
    return facts


def _page_flags(kernel):
    layout, description = kernel.layout, kernel.description
    return {
        "NUMBER(PG_lru)": layout.flags["lru"],
        "NUMBER(PG_private)": layout.flags["private"],
        "NUMBER(PG_swapcache)": layout.flag("swapcache").bit_length() - 1,
        "NUMBER(PG_swapbacked)": layout.flags["swapbacked"],
        "NUMBER(PG_slab)": layout.flags.get("slab"),
        "NUMBER(PG_head_mask)": layout.flag("head"),
        "NUMBER(PG_hwpoison)": layout.flags["hwpoison"] if description.memory_failure else None,
    }


def _page_types(kernel):
    layout, description = kernel.layout, kernel.description
    shown = {"buddy": True, "slab": True, "hugetlb": True, "unaccepted": description.unaccepted,
             "offline": kernel.kinds.offline_known()}
    facts = {f"NUMBER(PAGE_{name.upper()}_MAPCOUNT_VALUE)": _as_int(layout.types[name])
             for name, is_shown in shown.items() if is_shown and name in layout.types}
    if description.hugetlb:
        facts["NUMBER(HUGETLB_PAGE_DTOR)"] = layout.dtors["hugetlb"]
        facts["NUMBER(PG_hugetlb)"] = 8
    return facts
