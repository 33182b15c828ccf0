# SPDX-License-Identifier: GPL-2.0-or-later
"""Which VMCOREINFO lines a kernel of some version writes, and how they look."""

# key, first version that has it (None: all), first version without it (None: still there).
# A row is written when its version fits and the kernel knows a value for it (no mem_section without sections...).
ROWS = (
    ("BUILD-ID", "5.9", None),
    ("PAGESIZE", None, None),
    ("SYMBOL(init_uts_ns)", "2.6.24", None),
    ("OFFSET(uts_namespace.name)", "5.11", None),
    ("SYMBOL(node_online_map)", None, None),
    ("SYMBOL(swapper_pg_dir)", None, None),
    ("SYMBOL(_stext)", None, None),
    ("SYMBOL(vmlist)", None, "3.10"),
    ("SYMBOL(vmap_area_list)", "3.10", "6.9"),
    ("NUMBER(VMALLOC_START)", "6.9", None),
    ("SYMBOL(mem_map)", None, None),
    ("SYMBOL(contig_page_data)", None, None),
    ("SYMBOL(vmemmap)", "6.12", None),
    ("SYMBOL(mem_section)", None, None),
    ("LENGTH(mem_section)", None, None),
    ("SIZE(mem_section)", None, None),
    ("OFFSET(mem_section.section_mem_map)", None, None),
    ("NUMBER(SECTION_SIZE_BITS)", "5.13", None),
    ("NUMBER(MAX_PHYSMEM_BITS)", "5.9", None),
    ("SIZE(page)", None, None),
    ("SIZE(pglist_data)", None, None),
    ("SIZE(zone)", None, None),
    ("SIZE(free_area)", None, None),
    ("SIZE(list_head)", None, None),
    ("SIZE(nodemask_t)", None, None),
    ("OFFSET(page.flags)", None, None),
    ("OFFSET(page._count)", None, "4.7"),
    ("OFFSET(page._refcount)", "4.7", None),
    ("OFFSET(page.mapping)", None, None),
    ("OFFSET(page.lru)", None, None),
    ("OFFSET(page._mapcount)", "3.9", None),
    ("OFFSET(page.private)", "3.9", None),
    ("OFFSET(page.compound_dtor)", "4.4", "6.3"),
    ("OFFSET(page.compound_order)", "4.4", "6.3"),
    ("OFFSET(folio._folio_dtor)", "6.3", "6.6"),
    ("OFFSET(folio._folio_order)", "6.3", "6.6"),
    ("OFFSET(page.compound_head)", "4.4", "7.1"),
    ("OFFSET(page.compound_info)", "7.1", None),
    ("OFFSET(pglist_data.node_zones)", None, None),
    ("OFFSET(pglist_data.nr_zones)", None, None),
    ("OFFSET(pglist_data.node_mem_map)", None, None),
    ("OFFSET(pglist_data.node_start_pfn)", None, None),
    ("OFFSET(pglist_data.node_spanned_pages)", None, None),
    ("OFFSET(pglist_data.node_id)", None, None),
    ("OFFSET(zone.free_area)", None, None),
    ("OFFSET(zone.vm_stat)", None, None),
    ("OFFSET(zone.spanned_pages)", None, None),
    ("OFFSET(free_area.free_list)", None, None),
    ("OFFSET(list_head.next)", None, None),
    ("OFFSET(list_head.prev)", None, None),
    ("LENGTH(zone.free_area)", None, None),
    ("LOG", None, None),                # several lines
    ("LENGTH(free_area.free_list)", None, None),
    ("NUMBER(NR_FREE_PAGES)", None, None),
    ("NUMBER(PG_lru)", None, None),
    ("NUMBER(PG_private)", None, None),
    ("NUMBER(PG_swapcache)", None, None),
    ("NUMBER(PG_swapbacked)", "4.17", None),
    ("NUMBER(PG_slab)", "3.9", "6.10"),
    ("NUMBER(PG_hwpoison)", "3.12", None),
    ("NUMBER(PG_head_mask)", "3.17", None),
    ("NUMBER(PAGE_BUDDY_MAPCOUNT_VALUE)", "3.9", None),
    ("NUMBER(PAGE_SLAB_MAPCOUNT_VALUE)", "6.10", None),
    ("NUMBER(PAGE_HUGETLB_MAPCOUNT_VALUE)", "6.9", None),
    ("NUMBER(PAGE_OFFLINE_MAPCOUNT_VALUE)", "5.1", None),
    ("NUMBER(PAGE_UNACCEPTED_MAPCOUNT_VALUE)", "6.16", None),
    ("SYMBOL(free_huge_page)", "3.17", "4.4"),
    ("NUMBER(HUGETLB_PAGE_DTOR)", "4.4", "6.6"),
    ("NUMBER(PG_hugetlb)", "6.6", "6.9"),
    ("SYMBOL(phys_base)", None, "4.10"),
    ("NUMBER(phys_base)", "4.10", None),
    ("SYMBOL(init_level4_pgt)", None, "4.13"),
    ("SYMBOL(init_top_pgt)", "4.13", None),
    ("NUMBER(pgtable_l5_enabled)", "4.14", None),
    ("SYMBOL(node_data)", None, None),
    ("LENGTH(node_data)", None, None),
    ("KERNELOFFSET", "3.14", None),
    ("NUMBER(KERNEL_IMAGE_SIZE)", "4.10", None),
    ("NUMBER(sme_mask)", "5.0", None),
    ("CRASHTIME", None, None),
)


def version(text):
    return tuple(int(part) for part in text.split("."))


def exported(key, kernel_version):
    """Does a kernel of this version write the key (when it has a value for it)?"""
    for name, since, until in ROWS:
        if name == key:
            return (since is None or kernel_version >= version(since)) \
                and (until is None or kernel_version < version(until))
    raise KeyError(key)


def _signed(value):
    value &= 0xffffffffffffffff
    return value - (1 << 64) if value >> 63 else value


def _line(key, value):
    if isinstance(value, str):
        return f"{key}={value}"
    if key.startswith("SYMBOL(") or key == "KERNELOFFSET":
        return f"{key}={value & 0xffffffffffffffff:x}"
    if key == "NUMBER(VMALLOC_START)":
        return f"{key}=0x{value:x}"
    return f"{key}={_signed(value)}"


def text(facts, kernel_version, release, machine_lines, edits):
    """The note's text: facts by key and lines of the machine, then what the description drops, sets or adds."""
    lines = {"OSRELEASE": f"OSRELEASE={release}"}
    for key, _, _ in ROWS:
        if key == "CRASHTIME":
            lines.update((line.partition("=")[0], line) for line in machine_lines)
        if facts.get(key) is not None and exported(key, kernel_version):
            if key == "LOG":
                lines.update((line.partition("=")[0], line) for line in facts[key])
            else:
                lines[key] = _line(key, facts[key])
    extra = []
    for edit in edits:
        if edit[0] == "drop":
            if edit[1] not in lines:
                raise KeyError(f"this kernel does not write {edit[1]}")
            del lines[edit[1]]
        elif edit[0] == "set":
            lines[edit[1]] = f"{edit[1]}={edit[2]}"
        else:
            extra.append(edit[1])
    return "\n".join(list(lines.values()) + extra) + "\n"
