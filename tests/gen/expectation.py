# SPDX-License-Identifier: GPL-2.0-or-later
"""What a right filter does with each pfn of a generated dump: computing it, its text form, and dump levels."""

from memory import RangeMap, union

USUAL_PAGE = 4096
LEVEL_ZERO, LEVEL_CACHE, LEVEL_CACHE_ALL, LEVEL_USER, LEVEL_FREE = 1, 2, 4, 8, 16

# A page of a class is left out when the dump level has one of these bits; ALWAYS at any level.
ALWAYS = -1
LEFT_OUT = {
    "keep": 0,
    "free": LEVEL_FREE,
    "cache": LEVEL_CACHE | LEVEL_CACHE_ALL,
    "cache_private": LEVEL_CACHE_ALL,
    "user": LEVEL_USER,
    "hwpoison": ALWAYS,
    "offline": ALWAYS,
    "unaccepted": ALWAYS,
    "nodata": ALWAYS,                   # promised by memsz but not in the file: only in bitmap 1
    "absent": ALWAYS,                   # in no bitmap
}


class Expectation:
    """runs: sorted (start, end, class, all zero) that cover [0, max_mapnr); their numbers are those of bitmaps, of which
    bit 0 is the page frame first_pfn."""

    def __init__(self, max_mapnr, runs, levels=None, broken=False, page_bytes=USUAL_PAGE, first_pfn=0, hidden=False):
        self.page_bytes, self.first_pfn = page_bytes, first_pfn
        self.hidden = hidden            # VMCOREINFO has to be found in memory
        self.max_mapnr, self.runs = max_mapnr, runs
        self.levels = levels            # dump levels that make sense, or None for all
        self.broken = broken            # a damaged file: no particular result is expected

    def bitmap1(self):
        return union((start, end) for start, end, page_class, _ in self.runs if page_class != "absent")

    def bitmap2(self, level):
        return union((start, end) for start, end, page_class, _ in self.runs if not LEFT_OUT[page_class] & level
                     and LEFT_OUT[page_class] != ALWAYS)

    def zero(self, level):
        """Pages of bitmap 2 that hold only zeros."""
        return union((start, end) for start, end, page_class, zero in self.runs
                     if zero and not LEFT_OUT[page_class] & level and LEFT_OUT[page_class] != ALWAYS)

    def write(self, path, title):
        with open(path, "w", encoding="utf-8") as file:
            file.write(f"# expected classes of {title}\nmax_mapnr {self.max_mapnr:#x}\n")
            if self.page_bytes != USUAL_PAGE:
                file.write(f"page_size {self.page_bytes}\n")
            if self.first_pfn:
                file.write(f"first_pfn {self.first_pfn:#x}\n")
            if self.hidden:
                file.write("hidden\n")
            if self.levels is not None:
                file.write(f"levels {' '.join(map(str, self.levels))}\n")
            if self.broken:
                file.write("broken\n")
            for start, end, page_class, zero in self.runs:
                file.write(f"{start:#x} {end:#x} {page_class}{'z' if zero else ''}\n")


def read(path):
    max_mapnr, levels, broken, runs, page_bytes = None, None, False, [], USUAL_PAGE
    first_pfn, hidden = 0, False
    with open(path, encoding="utf-8") as file:
        for number, line in enumerate(file, 1):
            words = line.split()
            if not words or words[0].startswith("#"):
                continue
            if words[0] == "max_mapnr":
                max_mapnr = int(words[1], 16)
            elif words[0] == "page_size":
                page_bytes = int(words[1])
            elif words[0] == "first_pfn":
                first_pfn = int(words[1], 16)
            elif words[0] == "hidden":
                hidden = True
            elif words[0] == "levels":
                levels = [int(word) for word in words[1:]]
            elif words[0] == "broken":
                broken = True
            else:
                page_class = words[2]
                zero = page_class not in LEFT_OUT and page_class.endswith("z")
                if zero:
                    page_class = page_class[:-1]
                if page_class not in LEFT_OUT:
                    raise ValueError(f"{path}:{number}: unknown class '{words[2]}'")
                runs.append((int(words[0], 16), int(words[1], 16), page_class, zero))
    if max_mapnr is None:
        raise ValueError(f"{path}: no max_mapnr line")
    return Expectation(max_mapnr, runs, levels, broken, page_bytes, first_pfn, hidden)


# ---- from a built kernel

def compute(kernel):
    description, page = kernel.description, kernel.page_bytes
    segments = [segment for segment in kernel.segments() if segment.paddr is not None]
    # a PT_LOAD of size 0 has no pages, but counts here
    max_mapnr = max(-(-(segment.paddr + segment.memsz) // page) for segment in segments)
    segments = [segment for segment in segments if segment.memsz]
    touched = union((segment.paddr // page, -(-(segment.paddr + segment.memsz) // page))
                    for segment in segments)
    backed = union((segment.paddr, segment.paddr + segment.filesz) for segment in segments)
    # a page can be filtered when its first byte is in the file, and it has data when any byte is
    start_backed = union((-(-start // page), -(-end // page)) for start, end in backed)
    any_backed = union((start // page, -(-end // page)) for start, end in backed)
    mem_map_end = kernel.mem_map_end()
    if mem_map_end is not None:
        max_mapnr = min(max_mapnr, mem_map_end)
    classes = [] if not description.vmcoreinfo or description.no_mem_map else _classes(kernel)
    nonzero = [(start, end, True) for start, end in _nonzero(kernel.memory, backed, page)]
    layers = [[(start, end, True) for start, end in ranges] for ranges in (touched, start_backed, any_backed)]
    runs = []
    for start, end, (is_touched, is_start, has_data, page_class, is_nonzero) in _sweep(
            layers + [classes, nonzero], max_mapnr):
        if not is_touched:
            value = ("absent", False)
        elif not has_data:
            value = ("nodata", False)
        elif not is_start or page_class is None:
            value = ("keep", not is_nonzero)
        else:
            value = (page_class, not is_nonzero)
        if runs and runs[-1][1] == start and runs[-1][2:] == value:
            runs[-1] = (runs[-1][0], end) + value
        else:
            runs.append((start, end) + value)
    levels = description.test_levels
    if levels is None and not description.vmcoreinfo:
        levels = [0, 1]
    first = kernel.machine.first_pfn(kernel)
    runs = [(max(start, first) - first, end - first, *value) for start, end, *value in runs if end > first]
    return Expectation(max_mapnr - first, runs, levels, description.truncate is not None, page, first,
                       description.hidden)


def _classes(kernel):
    """Runs of classes; sections that repeat the struct pages of others get their classes."""
    runs, pages = list(kernel.classes.runs), kernel.machine.section_pages
    repeats = getattr(kernel.memmap, "repeats", {})
    pattern = {twin: kernel.classes.overlaps(twin * pages, (twin + 1) * pages)
               for twin in set(repeats.values())}
    for number, twin in sorted(repeats.items()):
        move = (number - twin) * pages
        runs += [(start + move, end + move, value) for start, end, value in pattern[twin]]
    return runs


def _nonzero(memory, backed, page):
    """pfn ranges with at least one byte in the file that is not zero."""
    found = RangeMap()
    for start, end in backed:
        for address, data in memory.nonzero_runs(start, end):
            whole = -(-address // page), (address + len(data)) // page
            found.assign(*whole, True)
            for pfn in {address // page, (address + len(data) - 1) // page}:
                if not whole[0] <= pfn < whole[1]:
                    low, high = max(pfn * page, address) - address, (pfn + 1) * page - address
                    part = data[low:high]
                    if part.count(0) != len(part):
                        found.assign(pfn, pfn + 1, True)
    return union((start, end) for start, end, _ in found.runs)


def _sweep(layers, limit):
    """Cuts [0, limit) into the longest runs over which every layer has one value (None: no run there)."""
    borders = {0, limit}
    for layer in layers:
        for start, end, _ in layer:
            borders.add(start)
            borders.add(end)
    borders = sorted(border for border in borders if 0 <= border <= limit)
    positions = [0] * len(layers)
    for start, end in zip(borders, borders[1:]):
        values = []
        for number, layer in enumerate(layers):
            position = positions[number]
            while position < len(layer) and layer[position][1] <= start:
                position += 1
            positions[number] = position
            inside = position < len(layer) and layer[position][0] <= start
            values.append(layer[position][2] if inside else None)
        yield start, end, values
