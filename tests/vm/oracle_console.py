#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""oracle_console.py CONSOLE LOG: every line that the kernel wrote to the console until it crashed is in the log that
the program wrote, in the same order, with its time. Who wrote it is only in the log."""

import re
import sys

LINE = re.compile(r"\[ *(\d+\.\d{6})\] (.*)")
WRITER = re.compile(r"\[ *[TC]\d+\] ")


def console_lines(text):
    """Time and text of the kernel's own lines, without those of the kernel that boots after the crash."""
    last = 0.0
    for line in text.replace("\r", "").split("\n"):
        match = LINE.match(line)
        if match:
            if float(match[1]) < last / 2 and "Linux version" in match[2]:
                return
            last = float(match[1])
            yield match[1], match[2].rstrip()


def log_lines(text):
    """The same of the log, where only the first line of a record has the time."""
    time, indent = None, 0
    for line in text.split("\n"):
        match = LINE.match(line)
        if match:
            time, rest = match[1], match[2]
            writer = WRITER.match(rest)
            indent = len(line) - len(rest) + (writer.end() if writer else 0)
            yield time, (rest[writer.end():] if writer else rest).rstrip()
        elif time:
            yield time, line[indent:].rstrip()


def main(argv):
    if len(argv) != 3:
        print(__doc__, file=sys.stderr)
        return 2
    with open(argv[1], encoding="latin-1", newline="") as console, open(argv[2], encoding="latin-1", newline="") as log:
        wanted, have = list(console_lines(console.read())), list(log_lines(log.read()))
    at, missing, seen = 0, [], set()
    for line in wanted:
        if line in seen:
            continue  # a console that takes over on the same device says the last lines again
        seen.add(line)
        try:
            at = have.index(line, at) + 1
        except ValueError:
            missing.append(line)
    for time, text in missing[:10]:
        print("not in the log, or out of order: [%s] %s" % (time, text))
    print("%d lines of the console, %d of the log, %d missing" % (len(wanted), len(have), len(missing)))
    return 1 if missing or len(wanted) < 50 else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv))
