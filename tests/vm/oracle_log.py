#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""oracle_log.py [--partial] DUMP VMLINUX LOG: a log that the program wrote has every record that drgn sees, and no other:
its time stamp, who wrote it, its text. --partial: only those since the log was cleared."""

import argparse
import sys

import drgn
from drgn.helpers.linux.printk import get_printk_records


def first_number(prog):
    """The number of the first record after the log was cleared."""
    clear = prog["clear_seq"]
    if clear.type_.kind == drgn.TypeKind.INT:
        return clear.value_()
    if clear.type_.kind == drgn.TypeKind.TYPEDEF:
        return clear.value_()
    return clear.val[clear.latch.seqcount.sequence.value_() & 1].value_()


def wrapped_texts(prog):
    """Text of the record that has its place at the end of the ring but lies at its start, by number.  The kernel puts a
    copy of the record's id in front of it there, which drgn 0.3.0 takes for text when the positions, which begin shortly
    before the highest number that a long holds, overflow at the same place."""
    try:
        ring = prog["prb"]
    except KeyError:
        return {}
    data, descs, infos = ring.text_data_ring, ring.desc_ring.descs, ring.desc_ring.infos
    bits, texts = data.size_bits.value_(), {}
    for i in range(1 << ring.desc_ring.count_bits.value_()):
        begin, after = (descs[i].text_blk_lpos.member_(name).value_() for name in ("begin", "next"))
        inside = after & ((1 << bits) - 1)
        if not begin & 1 and begin >> bits != after >> bits and inside:
            info, id_size = infos[i], prog.type("unsigned long").size
            length = min(info.text_len.value_(), inside - id_size)
            texts[info.seq.value_()] = prog.read(data.data.value_() + id_size, length)
    return texts


def line(record, text_of):
    writer = f"C{record.caller_cpu}" if record.caller_cpu is not None else f"T{record.caller_tid or 0}"
    seconds, rest = divmod(record.timestamp, 10**9)
    prefix = b"[%5d.%06d] [%8s] " % (seconds, rest // 1000, writer.encode())
    text = b""
    for c in text_of.get(record.seq, record.text):
        if c == ord("\n"):
            text += b"\n" + b" " * len(prefix)
        else:
            text += bytes([c]) if 32 <= c < 127 or 9 <= c < 14 else b"\\x%02x" % c
    return prefix + text + b"\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--partial", action="store_true")
    parser.add_argument("dump")
    parser.add_argument("vmlinux")
    parser.add_argument("log")
    options = parser.parse_args()
    prog = drgn.Program()
    prog.set_core_dump(options.dump)
    prog.load_debug_info([options.vmlinux])
    records = get_printk_records(prog)
    if options.partial:
        since = first_number(prog)
        if since <= records[0].seq:
            sys.exit("nobody has cleared the log")
        records = [record for record in records if record.seq >= since]
    texts = wrapped_texts(prog)
    want = [line(record, texts) for record in records]
    with open(options.log, "rb") as log:
        got = log.read()
    if got != b"".join(want):
        for expected in want:
            if not got.startswith(expected):
                print("expected:", expected.decode("latin-1"), "got:", got[:120].decode("latin-1"))
                break
            got = got[len(expected):]
        else:
            print("more than drgn sees:", got[:120].decode("latin-1"))
        return 1
    print(f"{len(want)} records, {len(got)} bytes")
    return 0


if __name__ == "__main__":
    sys.exit(main())
