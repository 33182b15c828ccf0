# SPDX-License-Identifier: GPL-2.0-or-later
"""Who uses which page of RAM: page lines, the kernel image, and memory that the kernel takes for itself."""

from description import DescriptionError
from memory import RangeMap, contains, round_down, round_up


class Ownership:
    """`areas` (byte ranges) are where allocate() looks for room; `kernel` lists the pfn ranges it gave away."""

    def __init__(self, backed, page_shift):
        self.page_shift, self.page_bytes = page_shift, 1 << page_shift
        self.backed = backed            # byte ranges that are in the file
        self.claimed = RangeMap()       # pfn -> who
        self.kernel = []
        self.areas = []

    def claim(self, start, end, owner):
        for a, b, other in self.claimed.overlaps(start, end):
            raise DescriptionError(f"{owner} and {other} both want pfns {a:#x}..{b - 1:#x}")
        self.claimed.assign(start, end, owner)

    def claim_image(self, start, end):
        if not contains(self.backed, start, end):
            raise DescriptionError(f"the kernel image [{start:#x}, {end:#x}) is not inside RAM (see 'image')")
        self.claim_kernel(start, end, "the kernel image")

    def claim_kernel(self, start, end, owner):
        """Memory that the kernel has at a place that is not for allocate() to choose."""
        self.claim(start >> self.page_shift, end >> self.page_shift, owner)
        self.kernel.append((start >> self.page_shift, end >> self.page_shift))

    def set_areas(self, areas):
        self.areas = [(round_up(start, self.page_bytes), round_down(end, self.page_bytes)) for start, end in areas]
        for start, end in self.areas:
            if not contains(self.backed, start, end):
                raise DescriptionError(f"boot memory [{start:#x}, {end:#x}) is not inside RAM")

    def allocate(self, size=None, align=1):
        """Physical address of fresh memory for the kernel; its pages become reserved pages."""
        size, align = size or self.page_bytes, max(align, self.page_bytes)
        pages = round_up(size, self.page_bytes) >> self.page_shift
        for start, end in self.areas:
            for a, b in self.claimed.gaps(start >> self.page_shift, end >> self.page_shift):
                first = round_up(a << self.page_shift, align) >> self.page_shift
                if first + pages <= b:
                    self.claimed.assign(first, first + pages, "the kernel's own memory")
                    self.kernel.append((first, first + pages))
                    return first << self.page_shift
        raise DescriptionError(f"no room left for {size:#x} bytes of kernel data aligned to {align:#x} "
                               f"(more RAM, or 'boot START-END')")

    def free(self, start, end):
        return list(self.claimed.gaps(start, end))
