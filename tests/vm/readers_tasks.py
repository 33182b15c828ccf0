#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""readers_tasks.py VMCORE DUMP VMLINUX: drgn lists the same tasks from a filtered dump as from the vmcore, on any
machine.

drgn reads the dump with libkdumpfile, but where that cannot find a virtual address: it counts the pages of 32-bit Arm
from 0, knows nothing of an s390x kernel whose image is not where its memory is, and no tables of ppc64 for pages of 4
KiB. There the pages come from the reader of tests/gen."""

import sys

import cores
import dumps
import program
from drgn.helpers.linux.pid import for_each_task


def tasks(prog):
    return sorted((task.pid.value_(), task.comm.string_().decode(errors="replace")) for task in for_each_task(prog))


class Pages:
    """Physical memory of a kdump file. Page frames left out cannot be read."""

    def __init__(self, dump, first):
        self.dump, self.size = dump, dump.block_size
        self.items = {start + n + first: item for start, items in dump.batches() for n, item in enumerate(items)}

    def read(self, address, length):
        out = b""
        while length:
            frame, offset = divmod(address, self.size)
            if frame not in self.items:
                raise program.drgn.FaultError("left out", address)
            data = self.dump.page(*self.items[frame])[offset:offset + length]
            out += data
            address, length = address + len(data), length - len(data)
        return out


def main(argv):
    if len(argv) != 4:
        print(__doc__, file=sys.stderr)
        return 2
    core, dump = cores.ElfCore(argv[1]), dumps.KdumpFile(argv[2])
    wanted = tasks(program.of_memory(core, argv[3]))
    if (dump.vmcoreinfo() or b"").decode("ascii") != core.text():
        print("WRONG: the dump has another VMCOREINFO than the kernel")
        return 1
    if (core.machine == cores.EM_ARM or "KERNELOFFPHYS" in core.info() or
            (core.machine == cores.EM_PPC64 and core.page_size() == 4096)):
        how, prog = "by its pages", program.of_memory(core, argv[3], Pages(dump, core.first_frame()).read)
    else:
        how, prog = "by libkdumpfile", program.of_file(argv[2], core, argv[3])
    got = tasks(prog)
    for pid, comm in sorted(set(wanted) ^ set(got))[:10]:
        print("only in one of both: %d %s" % (pid, comm))
    print("%d tasks %s, %d in the vmcore" % (len(got), how, len(wanted)))
    return 0 if got == wanted and len(got) > 20 else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv))
