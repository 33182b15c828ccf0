#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""mklog.py FORM OUT: a small ELF core with a kernel's log in it, written as that kernel writes its log.

OUT.log is what dmesg would show of it, OUT.partial what came after the log was cleared. FORM is one of
  2.6.32 (text), 3.10 4.19 5.4 (records), 5.10 5.15 6.19 (rings of descriptors and text).
"""

import argparse
import random
import struct

BASE = 0xffff888000000000
MEMORY = 1 << 20
POINTERS, LOG = 0x3000, 0x10000


class Memory:
    def __init__(self):
        self.data = bytearray(MEMORY)
        self.facts = []
        self.at = POINTERS

    def put(self, at, form, *values):
        struct.pack_into("<" + form, self.data, at, *values)

    def variable(self, name, form, *values):
        """A variable of the kernel, with its line in VMCOREINFO."""
        self.at += -self.at % 8
        self.put(self.at, form, *values)
        self.facts.append(f"SYMBOL({name})={BASE + self.at:x}")
        self.at += struct.calcsize("<" + form)

    def offsets(self, struct_name, **offsets):
        self.facts += [f"OFFSET({struct_name}.{name})={value}" for name, value in offsets.items()]

    def size(self, struct_name, size):
        self.facts.append(f"SIZE({struct_name})={size}")


class Message:
    def __init__(self, seq, ns, caller, text):
        self.seq, self.ns, self.caller, self.text = seq, ns, caller, text

    def line(self, with_caller):
        head = "[%5d.%06d] " % (self.ns // 10**9, self.ns % 10**9 // 1000)
        if with_caller:
            head += "[%8s] " % (f"{'TC'[self.caller >> 31]}{self.caller & 0x7fffffff}")
        text = b""
        for c in self.text:
            if c == 10:
                text += b"\n" + b" " * len(head)
            elif 32 <= c < 127 or c in b"\t\v\f\r":
                text += bytes([c])
            else:
                text += b"\\x%02x" % c
        return head.encode() + text + b"\n"


def random_text(rng):
    kind = rng.random()
    if kind < 0.05:
        return b""
    words = [rng.choice([b"cpu", b"usb 1-1:", b"memory", b"ok", b"\tx", b"\xc3\xa4", b"\x1b[1m", b"\0", b"line\nnext"])
             if rng.random() < 0.15 else bytes(rng.choice(b"abcdefghijklmnop=:,") for _ in range(rng.randrange(1, 12)))
             for _ in range(rng.randrange(1, 14))]
    return b" ".join(words)


class TextLog:
    """log_buf is a ring of text, log_end counts all bytes."""

    SIZE = 4096

    def __init__(self, memory, _):
        self.memory, self.end, self.cleared = memory, 0, 0

    def add(self, message):
        head = b"<6>" if self.end % 3 else b""
        for c in head + message.line(False):
            self.memory.data[LOG + self.end % self.SIZE] = c
            self.end += 1

    def clear(self):
        self.cleared = self.end

    def finish(self):
        m = self.memory
        m.variable("log_buf", "Q", BASE + LOG)
        m.variable("log_buf_len", "I", self.SIZE)
        m.variable("log_end", "I", self.end)
        m.variable("logged_chars", "I", self.end - self.cleared)

    def shown(self, first):
        first = max(first, self.end - self.SIZE)
        return bytes(self.memory.data[LOG + i % self.SIZE] for i in range(first, self.end))

    def expected(self):
        return self.shown(0), self.shown(self.cleared)


class RecordLog:
    """Records with a header of 16 bytes (20 with a caller), each aligned to 4; the buffer's end is left empty."""

    SIZE = 4096

    def __init__(self, memory, kernel):
        self.memory, self.kernel = memory, kernel
        self.caller = kernel == "5.4"
        self.header = 20 if self.caller else 16
        self.first = self.next = self.clear_at = self.clear_seq = 0
        self.live = []
        self.numbers = False    # the numbers of messages are known, as from debug information

    def length(self, index):
        return struct.unpack_from("<H", self.memory.data, LOG + index + 8)[0]

    def has_room(self, size):
        if self.next > self.first or not self.live:
            free = max(self.SIZE - self.next, self.first)
        else:
            free = self.first - self.next
        return free >= size + self.header

    def add(self, message):
        dictionary = b"SUBSYSTEM=pci" if message.seq % 5 == 0 else b""
        used = self.header + len(message.text) + len(dictionary)
        size = used + -used % 4
        while self.live and not self.has_room(size):
            length = self.length(self.first)
            self.first = self.first + length if length else self.length(0)
            self.live.pop(0)
        if self.next + size + self.header > self.SIZE:
            self.memory.put(LOG + self.next, f"{self.header}x")
            self.next = 0
        at = LOG + self.next
        self.memory.put(at, "QHHHBB", message.ns, size, len(message.text), len(dictionary), 0, 6 << 5 | 6)
        if self.caller:
            self.memory.put(at + 16, "I", message.caller)
        self.memory.data[at + self.header:at + size] = (message.text + dictionary).ljust(size - self.header, b"\0")
        self.live.append(message)
        self.next += size

    def clear(self):
        self.clear_at, self.clear_seq = self.next, self.live[-1].seq + 1 if self.live else 0

    def finish(self):
        m, name = self.memory, "log" if self.kernel == "3.10" else "printk_log"
        m.variable("log_buf", "Q", BASE + LOG)
        m.variable("log_buf_len", "I", self.SIZE)
        m.variable("log_first_idx", "I", self.first)
        m.variable("clear_idx", "I", self.clear_at)
        m.variable("log_next_idx", "I", self.next)
        m.size(name, self.header)
        m.offsets(name, ts_nsec=0, len=8, text_len=10, dict_len=12)
        if self.caller:
            m.offsets(name, caller_id=16)
        if self.numbers:
            m.variable("clear_seq", "Q", self.clear_seq)
            m.variable("log_first_seq", "Q", self.live[0].seq if self.live else 0)

    def expected(self):
        return tuple(b"".join(m.line(self.caller) for m in self.live if m.seq >= since) for since in (0, self.clear_seq))


class Ring:
    """Descriptors with rising ids, and blocks of text that begin with the id of theirs."""

    COUNT, SIZE = 64, 2048
    DESCS, INFOS, TEXT = LOG, LOG + 0x4000, LOG + 0x8000
    ID = (1 << 62) - 1

    def __init__(self, memory, kernel):
        self.memory, self.kernel = memory, kernel
        self.head = self.tail = -(self.COUNT + 1) & self.ID
        self.put_state(self.head, 3)
        self.head_lpos = self.tail_lpos = (1 << 64) - self.SIZE
        self.live = []          # message, id, begin, next
        self.cleared = self.next_seq = 0

    def put_state(self, ident, state):
        self.memory.put(self.DESCS + ident % self.COUNT * 24, "Q", state << 62 | ident)

    def free_oldest(self):
        _, ident, _, end = self.live.pop(0)
        self.put_state(ident, 3)
        if not end & 1:
            self.tail_lpos = end

    def next_lpos(self, begin, size):
        last = begin + size - (1 if self.kernel == "6.19" else 0)
        if begin // self.SIZE == last // self.SIZE:
            return begin + size
        return last // self.SIZE * self.SIZE + size

    def add(self, message):
        ident = (self.head + 1) & self.ID
        if ident - self.COUNT & self.ID == self.tail:
            if self.live and self.live[0][1] == self.tail:
                self.free_oldest()
            self.tail = (self.tail + 1) & self.ID
        self.head = ident
        slot = ident % self.COUNT
        size = len(message.text) + 8
        size += -size % 8
        if message.text:
            begin = self.head_lpos
            end = self.next_lpos(begin, size)
            while end - self.SIZE > self.tail_lpos:
                self.free_oldest()
            self.head_lpos = end
            wraps = begin // self.SIZE != (end - 1) // self.SIZE
            at = self.TEXT + (0 if wraps else begin % self.SIZE)
            self.memory.data[at:at + size] = struct.pack("<Q", ident) + message.text.ljust(size - 8, b"\xee")
        else:
            begin = end = 3
        self.memory.put(self.DESCS + slot * 24 + 8, "QQ", begin % 2**64, end % 2**64)
        self.memory.put(self.INFOS + slot * 88, "QQHBBI", message.seq, message.ns, len(message.text), 0, 6, message.caller)
        self.put_state(ident, 1 if message.seq % 7 == 0 else 2)
        self.live.append((message, ident, begin, end))
        self.next_seq = message.seq + 1

    def clear(self):
        self.cleared = self.next_seq

    def finish(self):
        m, ring = self.memory, POINTERS + 0x800
        m.variable("prb", "Q", BASE + ring)
        m.put(ring, "IxxxxQQQQ", 6, BASE + self.DESCS, BASE + self.INFOS, self.head, self.tail)
        m.put(ring + 48, "IxxxxQQQ", 11, BASE + self.TEXT, self.head_lpos % 2**64, self.tail_lpos % 2**64)
        m.size("printk_ringbuffer", 80)
        m.size("prb_desc", 24)
        m.size("printk_info", 88)
        m.size("atomic_long_t", 8)
        m.offsets("printk_ringbuffer", desc_ring=0, text_data_ring=48, fail=72)
        m.offsets("prb_desc_ring", count_bits=0, descs=8, infos=16, head_id=24, tail_id=32)
        m.offsets("prb_desc", state_var=0, text_blk_lpos=8)
        m.offsets("prb_data_blk_lpos", begin=0, next=8)
        m.offsets("prb_data_ring", size_bits=0, data=8, head_lpos=16, tail_lpos=24)
        m.offsets("printk_info", seq=0, ts_nsec=8, text_len=16, caller_id=20)
        m.offsets("atomic_long_t", counter=0)
        if self.kernel == "5.10":
            m.variable("clear_seq", "Q", self.cleared)
        else:
            odd = self.cleared % 2
            m.variable("clear_seq", "IxxxxQQ", 4 + odd, *((999, self.cleared) if odd else (self.cleared, 999)))
            m.size("latched_seq", 24)
            m.offsets("latched_seq", val=8)

    def expected(self):
        return tuple(b"".join(m.line(True) for m, *_ in self.live if m.seq >= since) for since in (0, self.cleared))


FORMS = {"2.6.32": TextLog, "3.10": RecordLog, "4.19": RecordLog, "5.4": RecordLog, "5.10": Ring, "5.15": Ring,
         "6.19": Ring}


def write_core(path, memory, kernel):
    names = ["Linux", "demo", f"{kernel}.0-demo", "#1", "x86_64", "(none)"]
    uts = b"".join(name.encode().ljust(65, b"\0") for name in names)
    memory.data[0x2000:0x2000 + len(uts)] = uts
    text = "\n".join([f"OSRELEASE={kernel}.0-demo", "PAGESIZE=4096", f"SYMBOL(init_uts_ns)={BASE + 0x2000:x}",
                      "OFFSET(uts_namespace.name)=0", *memory.facts, "CRASHTIME=1700000000", ""]).encode()
    note = struct.pack("<III", 11, len(text), 0) + b"VMCOREINFO\0\0" + text + bytes(-len(text) % 4)
    with open(path, "wb") as out:
        out.write(b"\177ELF\2\1\1".ljust(16, b"\0"))
        out.write(struct.pack("<HHIQQQIHHHHHH", 4, 62, 1, 0, 64, 0, 0, 64, 56, 2, 0, 0, 0))
        out.write(struct.pack("<IIQQQQQQ", 4, 0, 0x1000, 0, 0, len(note), len(note), 0))
        out.write(struct.pack("<IIQQQQQQ", 1, 7, 0x3000, BASE, 0, MEMORY, MEMORY, 0))
        out.seek(0x1000)
        out.write(note)
        assert len(note) <= 0x2000
        out.seek(0x3000)
        out.write(memory.data)


def make(kernel, messages, clear, seed, numbers=False):
    """The memory, and the two texts that are expected of it."""
    rng = random.Random(f"{kernel} {seed}")
    memory = Memory()
    log = FORMS[kernel](memory, kernel)
    log.numbers = numbers
    ns = 0
    for seq in range(messages):
        if seq == clear:
            log.clear()
        caller = rng.choice([0, 1, 1234567, 1 << 31, 1 << 31 | 511])
        log.add(Message(seq, ns, caller, random_text(rng)))
        ns += rng.choice([0, 1, 999, 12345678, 5 * 10**9, 10**14 if rng.random() < 0.01 else 77])
    if clear == messages:
        log.clear()
    log.finish()
    return memory, log.expected()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("form", choices=FORMS)
    parser.add_argument("output")
    parser.add_argument("--messages", type=int, default=40)
    parser.add_argument("--clear", type=int, help="clear the log before this message")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--numbers", action="store_true", help="also what only debug information tells (records)")
    options = parser.parse_args()
    memory, expected = make(options.form, options.messages, options.clear, options.seed, options.numbers)
    write_core(options.output, memory, options.form)
    for name, text in zip(("log", "partial"), expected):
        with open(f"{options.output}.{name}", "wb") as out:
            out.write(text)


if __name__ == "__main__":
    main()
