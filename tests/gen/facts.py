# SPDX-License-Identifier: GPL-2.0-or-later
"""The values behind VMCOREINFO lines, for a kernel that is built so far."""

import layouts
from layouts import MAX_NUMNODES


def _as_int(value):
    """The kernel prints 32 bit type values as int."""
    return value - (1 << 32) if value >> 31 else value


def collect(kernel):
    facts = {}
    for part in (_general, _addresses, _structures, _page_flags, _page_types):
        facts.update(part(kernel))
    facts.update(kernel.machine.facts(kernel))
    facts.update(kernel.log.facts() if kernel.log else {})
    return facts


def _general(kernel):
    return {
        "BUILD-ID": "0123456789abcdef0123456789abcdef01234567",
        "PAGESIZE": kernel.page_bytes,
        "CRASHTIME": kernel.description.crashtime,
    }


def _addresses(kernel):
    symbols = kernel.image.symbols
    facts = {f"SYMBOL({name})": symbols[name] for name in ("init_uts_ns", "node_online_map", "_stext",
                                                           "vmap_area_list")}
    facts.update({
        "SYMBOL(swapper_pg_dir)": symbols[kernel.machine.root_symbol],
        "SYMBOL(vmemmap)": kernel.machine.vmemmap if kernel.memmap.virtual else None,
    })
    return facts


def _structures(kernel):
    layout, page = kernel.layout, kernel.layout.page
    facts = {
        "OFFSET(uts_namespace.name)": kernel.image.uts_offset,
        "SIZE(page)": page["size"],
        "SIZE(pglist_data)": kernel.pgdat["size"],
        "SIZE(zone)": kernel.zone["size"],
        "SIZE(free_area)": layouts.free_area_size(layout, kernel.machine.word),
        "SIZE(list_head)": 2 * kernel.machine.word,
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
        "OFFSET(list_head.prev)": kernel.machine.word,
        "LENGTH(zone.free_area)": kernel.machine.max_orders,
        "LENGTH(free_area.free_list)": layout.migrate_types,
        "NUMBER(NR_FREE_PAGES)": 0,
    }
    for member in ("node_zones", "nr_zones", "node_start_pfn", "node_spanned_pages", "node_id"):
        facts[f"OFFSET(pglist_data.{member})"] = kernel.pgdat[member]
    for member in ("free_area", "vm_stat", "spanned_pages"):
        facts[f"OFFSET(zone.{member})"] = kernel.zone[member]
    if layout.head_name:
        facts[f"OFFSET(page.{layout.head_name})"] = page["head"]
    if "dtor" in page:
        for member in ("dtor", "order"):
            facts[f"OFFSET(page.compound_{member})"] = page[member]
            # struct folio: the first tail follows the head
            facts[f"OFFSET(folio._folio_{member})"] = page["size"] + page[member]
    return facts


def _page_flags(kernel):
    layout = kernel.layout
    return {
        "NUMBER(PG_lru)": layout.flags["lru"],
        "NUMBER(PG_private)": layout.flags["private"],
        "NUMBER(PG_swapcache)": layout.flag("swapcache").bit_length() - 1,
        "NUMBER(PG_swapbacked)": layout.flags["swapbacked"],
        "NUMBER(PG_slab)": layout.flags.get("slab"),
        "NUMBER(PG_head_mask)": layout.flag("head"),
        "NUMBER(PG_hwpoison)": layout.flags.get("hwpoison") if kernel.memory_failure else None,
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
