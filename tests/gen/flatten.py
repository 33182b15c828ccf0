#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Writes a file in the flattened format, in the order of several writers or in none."""

import argparse
import random
import struct

HEADER = b"makedumpfile".ljust(16, b"\0") + struct.pack(">qq", 1, 1)


def records(data, options):
    """(offset, bytes) in the order in which they are written."""
    pieces = [(at, data[at:at + options.size]) for at in range(0, len(data), options.size)]
    if options.gaps:
        pieces = [(at, piece) for at, piece in pieces if piece.strip(b"\0")] + [(len(data) - 1, data[-1:])]
    if options.order == "shuffled":
        random.Random(options.seed).shuffle(pieces)
    elif options.order == "streams":        # two streams that take turns
        half = len(pieces) // 2
        first, second = pieces[:half], pieces[half:]
        pieces = [piece for pair in zip(first, second) for piece in pair] + second[half:]
    elif options.order == "overridden":     # what is wrong first is right later
        pieces = [(at, bytes(255 - byte for byte in piece)) for at, piece in pieces] + pieces
    elif options.order == "overlapping":    # every record reaches into those beside it
        pieces = [(max(0, at - 100), data[max(0, at - 100):at + len(piece) + 50]) for at, piece in pieces]
    return pieces


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("input")
    parser.add_argument("output")
    parser.add_argument("--size", type=int, default=65536, help="bytes of a record")
    parser.add_argument("--order", choices=("rising", "streams", "shuffled", "overridden", "overlapping"),
                        default="rising")
    parser.add_argument("--gaps", action="store_true", help="leave records of zeros out")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--no-end", action="store_true")
    parser.add_argument("--truncate", type=int, help="cut the stream to this length")
    options = parser.parse_args()
    with open(options.input, "rb") as file:
        data = file.read()
    stream = [HEADER.ljust(4096, b"\0")]
    for offset, piece in records(data, options):
        stream.append(struct.pack(">qq", offset, len(piece)) + piece)
    if not options.no_end:
        stream.append(struct.pack(">qq", -1, -1))
    with open(options.output, "wb") as file:
        file.write(b"".join(stream)[:options.truncate])


if __name__ == "__main__":
    main()
