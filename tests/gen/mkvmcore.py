#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Makes an ELF vmcore of an invented kernel from a description, and what a right filter does with it."""

import argparse
import os
import sys

import description
import elfwriter
import expectation
from kernel import TestKernel


def generate(text, name, output, expect=None, edits=()):
    """Writes the dump and, when asked, the expectation; returns the built kernel."""
    parsed = description.parse(text, name)
    parsed.vmcoreinfo_edits += edits
    kernel = TestKernel(parsed).build()
    elfwriter.write(output, kernel)
    if expect:
        expectation.compute(kernel).write(expect, os.path.basename(name))
    return kernel


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("description", help="description file (see README), - for standard input")
    parser.add_argument("-o", "--output", required=True, help="ELF file to write")
    parser.add_argument("--expect", help="expectation file to write")
    parser.add_argument("--drop", action="append", default=[], metavar="KEY",
                        help="leave this line, such as 'NUMBER(PG_lru)', out of VMCOREINFO (repeatable)")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="replace a VMCOREINFO line")
    options = parser.parse_args()
    edits = [("drop", key) for key in options.drop]
    for item in options.set:
        key, sign, value = item.rpartition("=")
        if not sign:
            parser.error(f"--set {item}: expected KEY=VALUE")
        edits.append(("set", key, value))
    try:
        if options.description == "-":
            name, text = "standard input", sys.stdin.read()
        else:
            name, text = options.description, description.read_text(options.description)
        generate(text, name, options.output, options.expect, edits)
    except (OSError, description.DescriptionError) as problem:
        print(f"mkvmcore.py: {problem}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
