#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""readers_drgn.py [--log] DUMP VMLINUX: what drgn sees in a dump: the tasks with their stacks, and the log."""

import sys

import drgn
from drgn.helpers.linux.pid import for_each_task
from drgn.helpers.linux.printk import get_dmesg


def show_tasks(prog):
    for task in sorted(for_each_task(prog), key=lambda t: t.pid.value_()):
        print("TASK", task.pid.value_(), task.comm.string_().decode(errors="replace"))
        try:
            trace = prog.stack_trace(task)
        except ValueError as problem:  # a task that runs, of whose processor nothing is noted
            print("  ", problem)
            continue
        for frame in trace:
            print("  ", frame.name if frame.name else hex(frame.pc))


def main():
    prog = drgn.Program()
    prog.set_core_dump(sys.argv[-2])
    prog.load_debug_info([sys.argv[-1]])
    if sys.argv[1] != "--log":
        show_tasks(prog)
    sys.stdout.write(get_dmesg(prog).decode(errors="replace"))


if __name__ == "__main__":
    main()
