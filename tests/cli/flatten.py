#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Shows, makes and cuts up flattened streams, independently of the program."""

import argparse
import struct
import sys

START = b"makedumpfile".ljust(16, b"\0") + struct.pack(">qq", 1, 1)
START = START.ljust(4096, b"\0")
END = struct.pack(">qq", -1, -1)


def read_records(path):
    """(offset, bytes) of every record; a last None where the stream has its end."""
    with open(path, "rb") as f:
        if f.read(4096)[:32] != START[:32]:
            sys.exit(f"{path} does not begin as a flattened stream")
        while True:
            head = f.read(16)
            if len(head) < 16:
                return
            offset, length = struct.unpack(">qq", head)
            if head == END:
                yield None
                rest = f.read()
                if rest:
                    sys.exit(f"{path}: {len(rest)} bytes behind the end")
                return
            data = f.read(length)
            if len(data) < length:
                return
            yield offset, data


def write_records(path, records):
    with open(path, "wb") as f:
        f.write(START)
        for record in records:
            f.write(END if record is None else struct.pack(">qq", record[0], len(record[1])) + record[1])


def command_list(options):
    for record in read_records(options.file):
        print("end" if record is None else f"{record[0]} {len(record[1])}")


def command_pieces(options):
    def pieces():
        for record in read_records(options.file):
            if record is None:
                yield None
                continue
            offset, data = record
            for at in range(0, len(data), options.bytes):
                yield offset + at, data[at:at + options.bytes]
    write_records(options.output, pieces())


def command_reverse(options):
    records = [record for record in read_records(options.file) if record]
    # the first and the last record are the header with and without its mark
    write_records(options.output, records[:1] + records[-2:0:-1] + records[-1:] + [None])


def command_table_first(options):
    """Descriptors in front of their data, as other writers have them, which run ahead by one buffer."""
    records = [record for record in read_records(options.file) if record]
    order, data = [], []
    first_data = next(i for i in range(len(records)) if len(records[i][1]) >= 65536)
    for offset, payload in records[:first_data]:
        order.append((offset, payload))
    for offset, payload in records[first_data:-1]:
        if offset < records[first_data][0]:
            order.append((offset, payload))
            order += data
            data = []
        else:
            data.append((offset, payload))
    write_records(options.output, order + data + records[-1:] + [None])


def command_make(options):
    """OFFSET:TEXT, OFFSET:x414243 or OFFSET:*LENGTH (zeros); "end"; "raw:x..." goes out as it is"""
    with open(options.output, "wb") as f:
        f.write(START)
        for item in options.items:
            place, _, text = item.partition(":")
            if place == "end":
                f.write(END)
                continue
            data = bytes.fromhex(text[1:]) if text.startswith("x") else text.encode()
            if place == "raw":
                f.write(data)
            elif text.startswith("*"):
                length = int(text[1:], 0)
                f.write(struct.pack(">qq", int(place, 0), length))
                f.seek(length - 1, 1)
                f.write(b"\0")
            else:
                f.write(struct.pack(">qq", int(place, 0), len(data)) + data)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    commands = parser.add_subparsers(required=True)
    command = commands.add_parser("list")
    command.add_argument("file")
    command.set_defaults(run=command_list)
    for name, run in (("reverse", command_reverse), ("table-first", command_table_first), ("pieces", command_pieces)):
        command = commands.add_parser(name)
        command.add_argument("file")
        command.add_argument("output")
        if name == "pieces":
            command.add_argument("bytes", type=int)
        command.set_defaults(run=run)
    command = commands.add_parser("make")
    command.add_argument("output")
    command.add_argument("items", nargs="*")
    command.set_defaults(run=command_make)
    options = parser.parse_args()
    options.run(options)


main()
