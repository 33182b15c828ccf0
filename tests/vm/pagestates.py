# SPDX-License-Identifier: GPL-2.0-or-later
"""What every page of a crashed kernel was, and what that allows a dump to leave out. No drgn needed."""

import array
import json

# One state a page. The state of a compound page's tail is that of its head.
STATES = (
    "nostruct",  # no struct page describes it
    "buddy",  # in a free block
    "pcp",  # free, but on the list of a processor
    "slab",
    "table",  # page table
    "offline",
    "guard",
    "zsmalloc",
    "unaccepted",
    "large_kmalloc",
    "typed",  # another page type
    "hugetlb",
    "reserved",
    "anon",
    "cache",
    "mapping",  # belongs to a file's mapping, but is on no LRU list (yet, or any more)
    "movable",  # of a driver that can move it
    "norefs",  # nobody holds it, and it is on no list: the rest of a block taken without a compound head
    "kernel",  # held, without type, without mapping, on no LRU list
)
CODE = {name: code for code, name in enumerate(STATES)}

TAIL, POISON, POISON_HEAD, LRU, PRIVATE, SWAPCACHE = (1 << i for i in range(8, 14))
STATE_MASK = 0xFF

LEVEL_ZERO, LEVEL_CACHE, LEVEL_PRIVATE, LEVEL_USER, LEVEL_FREE = 1, 2, 4, 8, 16


class States:
    """An array of 16 bits a page, and where it came from."""

    def __init__(self, words, about):
        self.words = words
        self.about = about

    def save(self, path):
        with open(path, "wb") as f:
            f.write(json.dumps(self.about).encode() + b"\n")
            self.words.tofile(f)

    @classmethod
    def load(cls, path):
        with open(path, "rb") as f:
            about = json.loads(f.readline())
            words = array.array("H")
            words.frombytes(f.read())
        return cls(words, about)

    def word(self, pfn):
        return self.words[pfn] if pfn < len(self.words) else 0

    def describe(self, pfn):
        return describe(self.word(pfn))


def describe(word):
    """The word as people read it, such as "slab tail"."""
    names = [STATES[word & STATE_MASK]]
    for bit, name in ((TAIL, "tail"), (POISON, "poisoned"), (POISON_HEAD, "poisoned-head"), (LRU, "lru"),
                      (PRIVATE, "private"), (SWAPCACHE, "swapcache")):
        if word & bit:
            names.append(name)
    return " ".join(names)


def removable_at(word):
    """Level bits of which any one allows to leave the page out; all ones: always allowed; 0: never."""
    state = STATES[word & STATE_MASK]
    if word & (POISON | POISON_HEAD) or state == "offline":
        return -1
    if state in ("buddy", "unaccepted"):
        return LEVEL_FREE
    if state in ("anon", "hugetlb"):
        return LEVEL_USER
    if state == "cache":
        return LEVEL_PRIVATE if word & PRIVATE else LEVEL_CACHE | LEVEL_PRIVATE
    return 0


def may_leave_out(word, level):
    allowed = removable_at(word)
    return allowed == -1 or bool(allowed & level)


def must_leave_out(word):
    """Reading a poisoned page can stop the machine that makes the dump."""
    return bool(word & (POISON | POISON_HEAD))


# Pages nobody needs that a level of 31 may still keep: why the rules cannot see what they are.
KEPT_ANYWAY = {
    "pcp": "free, but held by a processor's list, where a page looks like one without references",
    "mapping": "file pages that were being added to an LRU list, or removed from one",
}
