# SPDX-License-Identifier: GPL-2.0-or-later
"""pglist_data, zones and circular free lists."""

import layouts
from layouts import MAX_NUMNODES, ZONES_PER_NODE


class Nodes:
    def __init__(self, kernel):
        self.kernel, self.machine = kernel, kernel.machine
        self.pgdat, self.zone = kernel.pgdat, kernel.zone
        # kernels without NUMA, and flat ones, have a single pglist_data inside the image
        self.single = not kernel.numa or kernel.model == "flat"
        if self.single:
            self.pgdats = [kernel.image.where("contig_page_data")]
        else:
            self.pgdats = [kernel.owners.allocate(self.pgdat["size"]) for _ in kernel.node_ranges]

    def write(self, free_blocks):
        """Returns VMCOREINFO facts."""
        memory, image = self.kernel.memory, self.kernel.image
        zones = {}                      # (node, zone) -> physical address of struct zone
        for number, pgdat in enumerate(self.pgdats):
            if not self.single:
                memory.write_word(image.where("node_data") + self.machine.word * number, self.kernel.direct(pgdat))
            self._write_node(number, pgdat, zones)
        self._write_free_lists(zones, free_blocks)
        memory.write_word(image.where("node_online_map"), (1 << len(self.pgdats)) - 1)
        facts = {}
        if not self.kernel.memmap.sparse:
            facts["OFFSET(pglist_data.node_mem_map)"] = self.pgdat["node_mem_map"]
        if self.single:
            # every kernel without NUMA has both, sparse ones too; the mem_map of those is a null pointer
            facts["SYMBOL(mem_map)"] = image.symbols["mem_map"]
            facts["SYMBOL(contig_page_data)"] = image.symbols["contig_page_data"]
        elif self.machine.node_data_exported:
            facts["SYMBOL(node_data)"] = image.symbols["node_data"]
            facts["LENGTH(node_data)"] = MAX_NUMNODES
        return facts

    def _write_node(self, number, pgdat, zones):
        memory, (start, end) = self.kernel.memory, self.kernel.node_span(number)
        memory.write_word(pgdat + self.pgdat["node_start_pfn"], start)
        memory.write_word(pgdat + self.pgdat["node_spanned_pages"], end - start)
        memory.write_int(pgdat + self.pgdat["node_id"], number)
        if not self.kernel.memmap.sparse:
            memory.write_word(pgdat + self.pgdat["node_mem_map"], self.kernel.memmap.page_vaddr(start))
        limits = (0,) + self.machine.zone_limits + (1 << 62,)
        populated = 0
        for index in range(ZONES_PER_NODE):
            zone = zones[number, index] = pgdat + self.pgdat["node_zones"] + index * self.zone["size"]
            if index + 1 < len(limits):
                low, high = limits[index] >> self.machine.page_shift, limits[index + 1] >> self.machine.page_shift
                spanned = max(0, min(end, high) - max(start, low))
                memory.write_word(zone + self.zone["spanned_pages"], spanned)
                populated = index + 1 if spanned else populated
        memory.write_int(pgdat + self.pgdat["nr_zones"], populated)

    def _write_free_lists(self, zones, free_blocks):
        kernel = self.kernel
        lists, free_pages = {}, {}
        # a real list is in no order of addresses
        for pfn, order in sorted(free_blocks, key=lambda block: (block[0] * 2654435761) & 0xffffffff):
            zone = kernel.node_of(pfn), self.machine.zone_number(pfn << self.machine.page_shift)
            lists.setdefault((*zone, order, (pfn >> order) % 3), []).append(pfn)
            free_pages[zone] = free_pages.get(zone, 0) + (1 << order)
        size, kinds = layouts.free_area_size(kernel.layout, self.machine.word), kernel.layout.migrate_types
        for (node, index), zone in zones.items():
            for order in range(self.machine.max_orders):
                area, blocks = zone + self.zone["free_area"] + order * size, 0
                for kind in range(kinds):
                    pfns = lists.get((node, index, order, kind), [])
                    blocks += len(pfns)
                    self._write_list(area + kind * 2 * self.machine.word, pfns)
                kernel.memory.write_word(area + kinds * 2 * self.machine.word, blocks)
            kernel.memory.write_word(zone + self.zone["vm_stat"], free_pages.get((node, index), 0))

    def _write_list(self, head, pfns):
        """A ring through lru of the first struct page of each block, from and to the list head."""
        kernel = self.kernel
        here = head - kernel.image.paddr + kernel.image.vaddr if self.single else kernel.direct(head)
        lru = kernel.layout.page["lru"]
        ring = [here] + [kernel.memmap.page_vaddr(pfn) + lru for pfn in pfns] + [here]
        kernel.memory.write(head, self.machine.word_bytes(ring[1], ring[-2]))
        for before, link, following in zip(ring, ring[1:-1], ring[2:]):
            kernel.memmap.write(link, self.machine.word_bytes(following, before))
