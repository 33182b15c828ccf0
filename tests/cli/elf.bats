#!/usr/bin/env -S bats --tap
# SPDX-License-Identifier: GPL-2.0-or-later
# Dumps in ELF format, -E: which bytes, whatever the segments look like, and what is left when something fails.
# a command that fails ends its test, `run` sets stderr, inner shells expand for themselves
# shellcheck disable=SC2154,SC2164,SC2016

load common

setup_file() {
	cd "$BATS_FILE_TMPDIR"
	mkelf vmcore 0x100000,0x8000,0x8000 0x0,0x400000 --zero-every 3 --note CORE:1:abc
	mkelf small 0x0,0x20000
}

setup() {
	cd "$BATS_TEST_TMPDIR"
	cp --reflink=auto "$BATS_FILE_TMPDIR/vmcore" "$BATS_FILE_TMPDIR/small" .
}

teardown() {
	if mountpoint -q "$BATS_TEST_TMPDIR/disk"; then umount "$BATS_TEST_TMPDIR/disk"; fi
}

checkelf() {
	python3 "$GEN/checkelf.py" "$@"
}

# right VMCORE LEVEL: -E at that level gives what another reader says it must
right() {
	"$PROGRAM" --message-level 4 -f -E -d "$2" "$1" out
	checkelf out - "$2" "$1"
}

# The mark, or nothing at all.
is_marked() {
	[ "$(stat -c %s "$1")" -lt 64 ] || [ $(($(header_word "$1" 48) & 1)) = 1 ]
}

# The report without what may differ: times, what was looked up or written twice.
plain() {
	grep -v '^STEP\|^Cache\|^Write bytes\|saved'
}

# --- what is written --------------------------------------------------------------------------------------------------

@test "segments overlap, begin and end within pages, are empty, lie in one page, or have no data" {
	mkelf odd 0x101234,0x6543 0x100000,0x10000 0x300000,0 0x300800,0x100 0x400000,0x100000,0x2345 \
		0x600c00,0x3000 0x700000,0x900,0 0x108000,0x1000 --zero-every 5
	for level in 0 1; do right odd $level; done
}

@test "bytes behind the end of a segment's data are zeros, not what follows in the file" {
	# both ends lie within pages whose other bytes are in the file, too
	mkelf ends 0x1000,0x1800 0x5400,0x2100,0x1700
	right ends 0
	equal 0 "$(readelf -lW out | awk '$1 == "LOAD" && $2 == "0x000000"' | wc -l)"
}

@test "holes of 256 pages are cut out, shorter ones are not" {
	python3 - <<'PY'
import struct
runs = [(0, 300), (1, 2), (0, 255), (1, 1), (0, 256), (1, 1), (0, 10)]
pages = sum(n for _, n in runs)
with open("runs", "wb") as out:
    out.write(b"\x7fELF\2\1\1" + bytes(9) + struct.pack("<HHIQQQIHHHHHH", 4, 62, 1, 0, 64, 0, 0, 64, 56, 1, 0, 0, 0))
    out.write(struct.pack("<IIQQQQQQ", 1, 5, 0x1000, 1 << 40, 1 << 20, pages * 4096, pages * 4096, 0))
    out.seek(0x1000)
    for kind, n in runs:
        out.write((b"data" * 1024 if kind else bytes(4096)) * n)
PY
	right runs 1
	equal "0 300,258 514,1 11," "$(readelf -lW out | awk '$1 == "LOAD" { print $5, $6 }' | python3 -c '
import sys
for line in sys.stdin:
    print(*(int(n, 0) // 4096 for n in line.split()), end=",")')"
	right runs 0
}

@test "a segment that was cut is put together again, also where it has no virtual addresses" {
	for vaddr in "--vaddr 0xffff888000000000" "" "--vaddr -1"; do
		# shellcheck disable=SC2086 # two words or none
		mkelf cut 0x100000,0x200000,0x1000 0x300000,0x100000 --zero 0x300,0x30a $vaddr
		"$PROGRAM" --message-level 0 -f -E -d 1 cut out
		equal "0x0000000000100000 0x000000000030a000" "$(readelf -lW out | awk '$1 == "LOAD" { print $4 }' | paste -sd' ')"
	done
}

@test "memory that a 32-bit file has no addresses for makes a 64-bit file, and it is said" {
	for big in "" --big; do
		# 32 bits end behind two pages; of the rest pages are cut out, and what follows has an address of its own
		# shellcheck disable=SC2086 # a word or none
		mkelf high 0xffffe000,0x110000 --bits 32 --machine 40 --zero 0xffffe,0x1000ff --vaddr -1 $big
		run -0 "$PROGRAM" --message-level 2 -f -E -d 1 high out
		contains "$output" "out has memory above 4 GiB: it is written as ELF64."
		equal "0x00000000ffffe000 0x00000001000ff000" "$(readelf -lW out | awk '$1 == "LOAD" { print $4 }' | paste -sd' ')"
		# shellcheck disable=SC2086
		mkelf low 0xffff0000,0x10000 --bits 32 --machine 40 $big
		run -0 "$PROGRAM" --message-level 2 -f -E -d 1 low out
		lacks "$output" "ELF64"
		readelf -hW out | grep -q ELF32
	done
}

@test "70000 segments, the highest first: their number is in section header 0" {
	python3 - <<'PY'
import struct
n = 70000
with open("many", "wb") as out:
    out.write(b"\x7fELF\2\1\1" + bytes(9) +
              struct.pack("<HHIQQQIHHHHHH", 4, 62, 1, 0, 128, 64, 0, 64, 56, 0xffff, 64, 1, 0))
    out.write(struct.pack("<IIQQQQIIQQ", 0, 0, 0, 0, 0, 1, 0, n, 0, 0))
    data = 128 + n * 56
    for i in range(n):
        out.write(struct.pack("<IIQQQQQQ", 1, 7, data + i * 16, 0, (n - i) << 12, 16, 0x1000, 0))
    for i in range(n):
        out.write(struct.pack("<QQ", i, ~i & (1 << 64) - 1))
PY
	right many 0
	cp out first
	# windows of 32 MiB
	"$PROGRAM" --message-level 4 -f -E --cyclic-buffer 1 many out
	cmp first out
	# and as input again
	"$PROGRAM" --message-level 4 -f -E first out
	cmp first out
}

@test "dump does not depend on windows, folders, buffers and mapping" {
	mkkernel kernel-6.12 kernel
	for input in kernel vmcore; do
		for level in 0 31; do
			[ $input-$level != vmcore-31 ] || level=1
			"$PROGRAM" --message-level 20 -f -E -d $level $input want | plain >said
			while read -r -a way; do
				"$PROGRAM" --message-level 20 -f -E -d $level "${way[@]}" $input out |
					plain >other
				cmp want out
				diff said other
			done <<<"--cyclic-buffer 1
--cyclic-buffer 1 --work-dir .
--work-dir .
--non-mmap -b 0
-b 20
--cyclic-buffer 2 --non-mmap -b 3
--num-threads 0
--num-threads 3 --cyclic-buffer 1"
			rm out
			"$PROGRAM" --message-level 20 -E -d $level --dry-run $input out | plain >other
			diff said other
			[ ! -e out ]
		done
	done
}

@test "dump of a dump is the same as going straight" {
	mkkernel kernel-6.12 kernel
	for first in 0 1 17; do
		"$PROGRAM" --message-level 4 -f -E -d $first kernel once
		"$PROGRAM" --message-level 4 -f -E -d 31 once out
		checkelf out kernel.expect 31 kernel
	done
	# one that leaves out nothing is the same to every other way out
	"$PROGRAM" --message-level 4 -f -E -d 0 kernel once
	"$PROGRAM" --message-level 4 -f -l -d 31 kernel want
	"$PROGRAM" --message-level 4 -f -l -d 31 once out
	cmp want out
}

@test "report has the pages of the file" {
	run -0 "$PROGRAM" --message-level 16 -E -d 1 vmcore out
	contains "$output" "  Remaining pages  : 0x00000000000002aa"
	contains "$output" "     in ELF format : 0x0000000000000407"
	contains "$output" "     in ELF format : 0x0000000000000000"
	contains "$output" "Pages filled with zero  : 0x0000000000000156"
	run -0 "$PROGRAM" --message-level 16 -f -d 1 vmcore out
	lacks "$output" "in ELF format"
}

@test "stream is the same file, at any level" {
	for level in 0 1; do
		"$PROGRAM" --message-level 4 -f -E -d $level vmcore want
		"$PROGRAM" --message-level 4 -F -E -d $level vmcore >stream
		"$PROGRAM" --message-level 4 -f -R out <stream
		cmp want out
		perl "$ROOT/makedumpfile-R.pl" out2 <stream
		cmp want out2
	done
	# a stream that is cut is no file that says it is whole
	for n in 5000 9000 100000; do
		head -c $n stream >piece
		run -1 "$PROGRAM" --message-level 4 -f -R out <piece
		is_marked out
	done
}

@test "unused struct pages go from ELF files, too" {
	mkkernel kernel-6.12 kernel
	mkdir -p work
	"$PROGRAM" --message-level 16 -E -e -d 31 kernel want >said
	grep -q "Unused vmemmap pages    : 0x0*[1-9a-f]" said
	"$PROGRAM" --message-level 4 -f -E -e -d 31 --work-dir work --cyclic-buffer 1 kernel out
	cmp want out
}

@test "list of levels begins anew in the same file" {
	size=$("$PROGRAM" --message-level 4 -f -E -d 1 vmcore out && stat -c %s out)
	"$PROGRAM" --message-level 4 -f -E -d 1 vmcore want
	run -0 "$PROGRAM" --message-level 6 -f -E -L "$size" -d 0,1 vmcore out
	contains "$output" "Retry with the next dump level (1)."
	cmp want out
	run -1 "$PROGRAM" -f -E -L 8192 -d 0,1 vmcore out
	is_marked out
}

# --- what is not possible ---------------------------------------------------------------------------------------------

@test "input that is not ELF is refused before anything is made" {
	"$PROGRAM" --message-level 0 vmcore dump
	run -1 --separate-stderr "$PROGRAM" -E dump out
	contains "$output" "'-E' option is disabled, because dump is kdump-compressed"
	contains "$output" "makedumpfile Failed."
	[ ! -e out ]
}

@test "existing file, input and folder are refused as with the other format" {
	echo precious >out
	run -1 --separate-stderr "$PROGRAM" -E vmcore out
	contains "$stderr" "out: File exists"
	equal precious "$(cat out)"
	run -1 --separate-stderr "$PROGRAM" -E -f vmcore vmcore
	contains "$output$stderr" "is the dump that is read"
	"$PROGRAM" --message-level 0 -E -f vmcore out
	checkelf out - 0 vmcore
}

# --- failures ---------------------------------------------------------------------------------------------------------

@test "full disk leaves what is true, and says so" {
	for kib in 4 8 16 40 100 1000 2500; do
		mkdir -p disk
		if mount -t tmpfs -o "size=${kib}k" none disk 2>/dev/null; then
			run -1 --separate-stderr "$PROGRAM" -E vmcore disk/out
			cp disk/out out
			umount disk
		else
			run -1 --separate-stderr bash -c "ulimit -f $kib; \"\$0\" -E -f vmcore out" "$PROGRAM"
		fi
		contains "$output" "makedumpfile Failed."
		is_marked out
		if [ $kib -ge 16 ]; then
			pages=$(checkelf out incomplete vmcore)
			# headers and notes take two pages
			[ "$pages" -ge $((kib / 4 - 3)) ] || differs "about $((kib / 4)) pages" "$pages"
			contains "$output" "This is an incomplete dumpfile, but might analyzable."
		fi
	done
}

@test "every write that fails leaves an incomplete dump" {
	mkelf cut 0x0,0x6000 0x20000,0x300000,0x2000 0x400000,0x3000
	strace -o trace -e trace=pwrite64 "$PROGRAM" -E -b 0 cut out >said
	writes=$(grep -c ^pwrite64 trace)
	for error in ENOSPC EIO; do
		for ((n = 1; n <= writes; n++)); do
			rm -f out
			run strace -o trace -e "inject=pwrite64:error=$error:when=$n" "$PROGRAM" -E -b 0 cut out
			equal 1 "$status"
			contains "$output" "makedumpfile Failed."
			is_marked out
			if [ "$n" -gt 4 ]; then checkelf out incomplete cut; fi
		done
	done
	for inject in fsync:error=EIO:when=1 fsync:error=EIO:when=2 fsync:error=ENOSPC:when=2 fsync:error=EROFS:when=1 \
		fsync:error=EROFS:when=2; do
		rm -f out
		run strace -o trace -e trace=fsync -e "inject=$inject" "$PROGRAM" -E cut out
		equal 1 "$status"
		checkelf out incomplete cut
	done
}

@test "killed at any write the dump says that it is incomplete, and tells no lie" {
	mkelf large 0x0,0x900000
	strace -o trace -e trace=pwrite64 "$PROGRAM" -E large out >said
	writes=$(grep -c ^pwrite64 trace)
	# what is in the headers when the program is killed near the end is most of it; between them writes are alike, and
	# `make fault` stops at all of them
	for ((n = 2; n <= writes; n++)); do
		if [ "$n" -gt 8 ] && [ "$n" -lt $((writes - 8)) ] && [ $((n % 5)) -ne 0 ]; then continue; fi
		rm -f out
		run strace -o trace -e trace=pwrite64 -e "inject=pwrite64:signal=KILL:when=$n" "$PROGRAM" -E large out
		equal 137 "$status"
		if [ "$n" -lt "$writes" ]; then pages=$(checkelf out incomplete large); fi
	done
	[ "$pages" -ge 2048 ] || differs "8 MiB at least" "$pages pages"
}

@test "truncated input: what is missing is in no segment, and the mark stays" {
	mkelf short 0x0,0x100000 0x200000,0x100000 --truncate 0x81800
	run -1 --separate-stderr "$PROGRAM" -E short out
	contains "$stderr" "cannot be read and are missing in the dump"
	equal 128 "$(checkelf out incomplete short)"
	# the mark goes on into what is made of it
	run -1 --separate-stderr "$PROGRAM" -E out again
	equal 128 "$(checkelf again incomplete short)"
	run -1 --separate-stderr "$PROGRAM" -l out dump
	is_incomplete dump
}

@test "input that cannot be read in the middle: the pages around it are there" {
	strace -o trace -e trace=pread64 "$PROGRAM" --non-mmap -E small out >said
	first=$(grep -n '^pread64.*, 65536, ' trace | head -n 1 | cut -d: -f1)
	[ -n "$first" ]
	# the piece, its first page, and that page by itself
	run strace -o trace -e "inject=pread64:error=EIO:when=$first..$((first + 2))" "$PROGRAM" --non-mmap -f -E small out
	equal 1 "$status"
	contains "$output" "1 pages cannot be read"
	equal 31 "$(checkelf out incomplete small)"
}

@test "device: nothing of what was there is taken for a header" {
	head -c 8388608 /dev/zero | tr '\0' '\377' >disk.img
	loop=$(losetup --find --show disk.img 2>/dev/null) || loop=
	if [ -n "$loop" ]; then
		status=0
		"$PROGRAM" --message-level 4 -E -f small "$loop" || status=$?
		losetup -d "$loop"
		equal 0 "$status"
		checkelf disk.img - 0 small
	else
		"$PROGRAM" --message-level 4 -E -f small /dev/null
	fi
}
