# SPDX-License-Identifier: GPL-2.0-or-later
"""What selftest.py --machines checks besides pages: addresses worked out by hand, and the text of the log."""

import os
import re
import subprocess

import printklog
from elfreader import ElfCore
from walker import KernelView, WalkError

HERE = os.path.dirname(os.path.abspath(__file__))


def read_addresses(path):
    """(description, list of (virtual address, physical address or None, reason)) of a file in addresses/."""
    name, rows = None, []
    with open(path, encoding="utf-8") as file:
        for number, line in enumerate(file, 1):
            words = line.partition("#")[0].split(None, 2)
            if not words:
                continue
            if words[0] == "description":
                name = words[1]
                continue
            if len(words) != 3:
                raise ValueError(f"{path}:{number}: expected ADDRESS PHYSICAL|unmapped REASON")
            rows.append((int(words[0], 16), None if words[1] == "unmapped" else int(words[1], 16), words[2].strip()))
    if name is None:
        raise ValueError(f"{path}: no description")
    return name, rows


def addresses_of(case):
    """The rows of the table that is about this case; none for most."""
    for entry in sorted(os.listdir(os.path.join(HERE, "addresses"))):
        name, rows = read_addresses(os.path.join(HERE, "addresses", entry))
        if name == os.path.basename(case):
            return rows
    return []


def shown(address):
    return "unmapped" if address is None else f"{address:#x}"


def check_walker(core_path, rows):
    """The second opinion about the addresses."""
    if not rows:
        return []
    core, problems = ElfCore(core_path), []
    view = KernelView(core)
    for vaddr, wanted, reason in rows:
        try:
            found = view.translate(vaddr)[0] + vaddr % view.page
        except WalkError:
            found = None
        if found != wanted:
            problems.append(f"{vaddr:#x} ({reason}): {shown(wanted)} by hand, {shown(found)} by the second opinion")
    core.close()
    return problems


def run(*command):
    return subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace",
                          timeout=60, check=False)


def last_line(output):
    """The last thing a program says but that it failed."""
    lines = [line for line in output.splitlines() if line.strip() and line != "makedumpfile Failed."]
    return lines[-1] if lines else "no message"


def check_vtop(program, core_path, rows):
    """The program's opinion about the addresses."""
    problems = []
    for vaddr, wanted, reason in rows:
        result = run(program, "--dry-run", "--vtop", f"{vaddr:#x}", core_path, "x")
        match = re.search(r"^VIRTUAL +PHYSICAL\n *([0-9a-f]+) +([0-9a-f]+)$", result.stdout, re.MULTILINE)
        if result.returncode or not match or int(match[1], 16) != vaddr:
            # the others would fail in the same way
            return problems + [f"--vtop {vaddr:#x}: exit status {result.returncode}: {last_line(result.stdout)}"]
        found = int(match[2], 16)
        found = None if found == (1 << 64) - 1 else found
        if found != wanted:
            problems.append(f"--vtop {vaddr:#x} ({reason}): {shown(wanted)} by hand, {shown(found)} says the program")
    return problems


def check_dmesg(program, kernel, core_path, output):
    if not kernel.log:
        return []
    if os.path.exists(output):
        os.unlink(output)
    result = run(program, "--dump-dmesg", core_path, output)
    if result.returncode:
        return [f"--dump-dmesg: exit status {result.returncode}: {last_line(result.stdout)}"]
    with open(output, encoding="utf-8", errors="replace") as file:
        found = file.read()
    wanted = printklog.expected(kernel)
    return [] if found == wanted else [f"--dump-dmesg: {found!r}, expected {wanted!r}"]
