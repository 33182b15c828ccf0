# SPDX-License-Identifier: GPL-2.0-or-later
"""Who uses which page of RAM: page lines, the kernel image, and memory that the kernel takes for itself."""

from description import DescriptionError
from memory import PAGE_SIZE, RangeMap, contains, round_down, round_up

PAGE_SHIFT = 12


class Ownership:
    """`areas` (byte ranges) are where allocate() looks for room; `kernel` lists the pfn ranges it gave away."""

    def __init__(self, backed):
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
        self.claim(start >> PAGE_SHIFT, end >> PAGE_SHIFT, "the kernel image")
        self.kernel.append((start >> PAGE_SHIFT, end >> PAGE_SHIFT))

    def set_areas(self, areas):
        self.areas = [(round_up(start, PAGE_SIZE), round_down(end, PAGE_SIZE)) for start, end in areas]
        for start, end in self.areas:
            if not contains(self.backed, start, end):
                raise DescriptionError(f"boot memory [{start:#x}, {end:#x}) is not inside RAM")

    def allocate(self, size=PAGE_SIZE, align=PAGE_SIZE):
        """Physical address of fresh memory for the kernel; its pages become reserved pages."""
        pages = round_up(size, PAGE_SIZE) >> PAGE_SHIFT
        for start, end in self.areas:
            for a, b in self.claimed.gaps(start >> PAGE_SHIFT, end >> PAGE_SHIFT):
                first = round_up(a << PAGE_SHIFT, align) >> PAGE_SHIFT
                if first + pages <= b:
                    self.claimed.assign(first, first + pages, "the kernel's own memory")
                    self.kernel.append((first, first + pages))
                    return first << PAGE_SHIFT
        raise DescriptionError(f"no room left for {size:#x} bytes of kernel data aligned to {align:#x} "
                               f"(more RAM, or 'boot START-END')")

    def free(self, start, end):
        return list(self.claimed.gaps(start, end))
