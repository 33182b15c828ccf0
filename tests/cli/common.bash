# SPDX-License-Identifier: GPL-2.0-or-later
# What all .bats files share: where things are, invented dumps, questions to a dump that was written.
# shellcheck shell=bash

bats_require_minimum_version 1.5.0
ROOT=$(cd "$BATS_TEST_DIRNAME/../.." && pwd)
PROGRAM=${PROGRAM:-$ROOT/makedumpfile}
GEN=$ROOT/tests/gen
export LC_ALL=C PYTHONDONTWRITEBYTECODE=1

# a leak checker cannot work below strace
strace() {
	LSAN_OPTIONS=detect_leaks=0 command strace "$@"
}

mkelf() {
	python3 "$ROOT/tests/cli/mkelf.py" "$@"
}

# mkkernel CASE FILE: a dump of an invented kernel
mkkernel() {
	python3 "$GEN/mkvmcore.py" "$GEN/cases/$1.txt" -o "$2" --expect "$2.expect"
}

readkdump() {
	python3 "$GEN/readkdump.py" "$@"
}

# header_word FILE OFFSET: a word of 4 bytes
header_word() {
	od -An -tu4 -j"$2" -N4 "$1" | tr -d ' '
}

is_incomplete() {
	[ $(($(header_word "$1" 424) & 8)) -ne 0 ]
}

# Pages with a descriptor that is not empty, whose data lies within the file.
readable_pages() {
	python3 - "$1" <<'PY'
import struct, sys
data = open(sys.argv[1], "rb").read()
whole, data = len(data), data.ljust(1 << 16, b"\0")
if not struct.unpack_from("<i", data, 428)[0]:
    print(0)
    sys.exit()
block, sub, bitmaps = struct.unpack_from("<iiI", data, 428)
pfns = struct.unpack_from("<Q", data, block + 96)[0]
second = block * (1 + sub) + bitmaps * block // 2
at = block * (1 + sub + bitmaps)
readable = 0
for pfn in range(pfns):
    if second + pfn // 8 >= len(data) or not data[second + pfn // 8] >> pfn % 8 & 1:
        continue
    desc = data[at:at + 24].ljust(24, b"\0")
    offset, size = struct.unpack_from("<QI", desc)
    at += 24
    if desc == bytes(24):
        continue
    if not offset or not 0 < size <= block or offset + size > whole:
        sys.exit(f"pfn {pfn:#x}: data at {offset:#x}+{size}, the file has {whole:#x}")
    readable += 1
print(readable)
PY
}

# Prints what was expected and what came, and fails.
differs() {
	printf 'expected:\n%s\ngot:\n%s\n' "$1" "$2"
	return 1
}

equal() {
	[ "$1" = "$2" ] || differs "$1" "$2"
}

contains() {
	case $1 in
	*"$2"*) ;;
	*) differs "... $2 ..." "$1" ;;
	esac
}

lacks() {
	case $1 in
	*"$2"*) differs "nothing of $2" "$1" ;;
	esac
}
