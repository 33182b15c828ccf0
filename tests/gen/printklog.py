# SPDX-License-Identifier: GPL-2.0-or-later
"""The kernel's log buffer: the ring of records that printk() has filled in some versions."""

from memory import round_up

# when in ns, who (a task, or a CPU with the top bit set), what
TEXTS = ((0, 0, "Linux version {release} (generated)"), (1000, 0, "Machine model: {machine}, an invented one"),
         (123456000, 1, "first line\nand its second"), (61000000000, 0x80000003, "a text of a minute later, with\ta tab"),
         (7384002001000, 4711, "Kernel panic - not syncing: sysrq triggered crash"))


class RingLog:
    """Since 5.10: descriptors, their infos, and a ring of text blocks."""

    COUNT_BITS, SIZE_BITS = 5, 12
    INFO_BYTES, DEV_INFO = 88, 64
    COMMITTED, FINALIZED, REUSABLE = 1, 2, 3

    def __init__(self, kernel):
        self.kernel, self.word = kernel, kernel.machine.word
        word = self.word
        self.ring = {"count_bits": 0, "descs": word, "infos": 2 * word, "head_id": 3 * word, "tail_id": 4 * word,
                     "last_finalized_id": 5 * word}
        self.data_at = 6 * word if kernel.layout.at_least(5, 18) else 5 * word
        self.data = {"size_bits": 0, "data": word, "head_lpos": 2 * word, "tail_lpos": 3 * word}
        self.ring_bytes = self.data_at
        self.fail_at = self.data_at + 4 * word
        image = kernel.image
        for name, size in (("prb", word), ("printk_rb_static", self.fail_at + word), ("clear_seq", 3 * 8),
                           ("_printk_rb_static_descs", 3 * word << self.COUNT_BITS),
                           ("_printk_rb_static_infos", self.INFO_BYTES << self.COUNT_BITS),
                           ("__log_buf", 1 << self.SIZE_BITS)):
            image.add(name, size, 64)

    def _id(self, state, number):
        return state << 8 * self.word - 2 | number & (1 << 8 * self.word - 2) - 1

    def write(self, records):
        kernel, image, word = self.kernel, self.kernel.image, self.word
        memory, symbols = kernel.memory, image.symbols
        count, size = 1 << self.COUNT_BITS, 1 << self.SIZE_BITS
        ring = image.where("printk_rb_static")
        image.write_word("prb", symbols["printk_rb_static"])
        first = -count                  # numbers begin near the wrap, as the kernel's do
        last = first + len(records) - 1
        memory.write_int(ring, self.COUNT_BITS)
        for member, value in (("descs", symbols["_printk_rb_static_descs"]),
                              ("infos", symbols["_printk_rb_static_infos"]),
                              ("head_id", self._id(0, last)), ("tail_id", self._id(0, first)),
                              ("last_finalized_id", self._id(0, last))):
            if self.ring[member] < self.ring_bytes:
                memory.write_word(ring + self.ring[member], value)
        position = -size & kernel.machine.mask
        start = position
        for index, (when, who, text) in enumerate(records):
            data, number = text.encode(), first + index
            block = round_up(word + len(data), word)
            if position % size + block > size:
                raise ValueError("the log is too long for its buffer")
            following = position + block & kernel.machine.mask
            slot = number % count
            where = image.where("__log_buf") + position % size
            memory.write_word(where, self._id(0, number))
            memory.write(where + word, data)
            descriptor = image.where("_printk_rb_static_descs") + slot * 3 * word
            memory.write_word(descriptor, self._id(self.FINALIZED, number))
            memory.write_word(descriptor + word, position)
            memory.write_word(descriptor + 2 * word, following)
            info = image.where("_printk_rb_static_infos") + slot * self.INFO_BYTES
            order = kernel.machine.order
            memory.write(info, index.to_bytes(8, order) + when.to_bytes(8, order) + len(data).to_bytes(2, order)
                         + bytes([0, 6 << 5 & 0xff]) + who.to_bytes(4, order))
            position = following
        for index in range(len(records), count):
            descriptor = image.where("_printk_rb_static_descs") + (first + index) % count * 3 * word
            memory.write_word(descriptor, self._id(self.REUSABLE, first + index - count))
        text_ring = ring + self.data_at
        memory.write_int(text_ring, self.SIZE_BITS)
        memory.write_word(text_ring + self.data["data"], symbols["__log_buf"])
        memory.write_word(text_ring + self.data["head_lpos"], position)
        memory.write_word(text_ring + self.data["tail_lpos"], start)

    def facts(self):
        """LOG: the lines of VMCOREINFO, in the kernel's order."""
        word, symbols = self.word, self.kernel.image.symbols
        lines = [f"SYMBOL({name})={symbols[name]:x}" for name in ("prb", "printk_rb_static", "clear_seq")]
        members = dict(self.ring)
        if members["last_finalized_id"] >= self.ring_bytes:
            del members["last_finalized_id"]
        for name, size, offsets in (
                ("printk_ringbuffer", self.fail_at + word, {"desc_ring": 0, "text_data_ring": self.data_at,
                                                            "fail": self.fail_at}),
                ("prb_desc_ring", self.ring_bytes, {key: members[key] for key in (
                    "count_bits", "descs", "infos", "head_id", "tail_id")}),
                ("prb_desc", 3 * word, {"state_var": 0, "text_blk_lpos": word}),
                ("prb_data_blk_lpos", 2 * word, {"begin": 0, "next": word}),
                ("printk_info", self.INFO_BYTES, {"seq": 0, "ts_nsec": 8, "text_len": 16, "caller_id": 20,
                                                  "dev_info": 24}),
                ("dev_printk_info", self.DEV_INFO, {"subsystem": 0, "device": 16}),
                ("prb_data_ring", 4 * word, self.data),
                ("latched_seq", 24 if word == 8 else 20, {"val": 8 if word == 8 else 4})):
            lines.append(f"SIZE({name})={size}")
            lines += [f"OFFSET({name}.{member})={offset}" for member, offset in offsets.items()]
            if name == "prb_data_ring":
                lines += [f"SIZE(atomic_long_t)={word}", "OFFSET(atomic_long_t.counter)=0"]
        return {"LOG": lines}


class RecordLog:
    """From 3.5 on, before the ring: records one after the other in log_buf."""

    BYTES = 1 << 12

    def __init__(self, kernel):
        self.kernel = kernel
        for name, size in (("log_buf", 8), ("log_buf_len", 4), ("log_first_idx", 4), ("clear_idx", 4),
                           ("log_next_idx", 4), ("__log_buf", self.BYTES)):
            kernel.image.add(name, size, 64 if name == "__log_buf" else 8)

    def write(self, records):
        image, memory, order = self.kernel.image, self.kernel.memory, self.kernel.machine.order
        image.write_word("log_buf", image.symbols["__log_buf"])
        position = 0
        for when, _, text in records:
            data = text.encode()
            length = round_up(16 + len(data), 8)
            record = when.to_bytes(8, order) + length.to_bytes(2, order) + len(data).to_bytes(2, order) + bytes(3)
            memory.write(image.where("__log_buf") + position, record + bytes([6 << 5 & 0xff]) + data)
            position += length
        for name, value in (("log_buf_len", self.BYTES), ("log_next_idx", position)):
            memory.write_int(image.where(name), value)

    def facts(self):
        symbols = self.kernel.image.symbols
        return {"LOG": [f"SYMBOL({name})={symbols[name]:x}" for name in (
            "log_buf", "log_buf_len", "log_first_idx", "clear_idx", "log_next_idx")]
            + ["SIZE(printk_log)=16", "OFFSET(printk_log.ts_nsec)=0", "OFFSET(printk_log.len)=8",
               "OFFSET(printk_log.text_len)=10", "OFFSET(printk_log.dict_len)=12"]}


def make(kernel):
    """Reserves room in the image; None when the description wants no log."""
    wanted = kernel.machine.log_default if kernel.description.log is None else kernel.description.log
    if not wanted:
        return None
    log = RingLog(kernel) if kernel.layout.at_least(5, 10) else RecordLog(kernel)
    log.write(records(kernel))
    return log


def records(kernel):
    names = {"release": kernel.image.release, "machine": kernel.machine.name}
    return [(when, who, text.format(**names)) for when, who, text in TEXTS]


def expected(kernel):
    """What a reader shows of it: time and caller, and further lines of a record under the first."""
    lines = []
    for when, who, text in records(kernel):
        stamp = f"[{when // 10**9:5d}.{when % 10**9 // 1000:06d}] "
        if isinstance(kernel.log, RingLog):
            caller = f"C{who - (1 << 31)}" if who >> 31 else f"T{who}"
            stamp += f"[{caller:>8}] "
        for number, line in enumerate(text.split("\n")):
            lines.append((stamp if number == 0 else " " * len(stamp)) + line)
    return "\n".join(lines) + "\n"
