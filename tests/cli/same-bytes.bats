#!/usr/bin/env -S bats --tap
# SPDX-License-Identifier: GPL-2.0-or-later
# Options that must not change a byte of the dump, nor a row of its report.
# a command that fails ends its test, `run` sets stderr, inner shells expand for themselves
# shellcheck disable=SC2154,SC2164,SC2016

load common

setup_file() {
	cd "$BATS_FILE_TMPDIR"
	for case in kernel-6.12 overlap-6.1 unaligned-5.10 model-discontig-4.4 kernel-2.6.32; do
		mkkernel $case $case
	done
	xz -dc "$ROOT/tests/data/sample.vmcore.xz" | dd of=sample conv=sparse bs=64K status=none
	# RAM that begins behind the first window of the smallest bitmap
	mkelf above 0x4000000,0x3000000 --sparse
	mkdir work
}

WAYS="--num-threads 2
--num-threads 3
--num-threads 16
--num-threads 5 --non-mmap --cyclic-buffer 1
--num-threads 7 -b 0
--cyclic-buffer 1
--cyclic-buffer 2
--cyclic-buffer 1048576
--work-dir WORK
--work-dir WORK --cyclic-buffer 1
--non-mmap
--non-mmap --cyclic-buffer 1 -b 0
-b 0
-b 1
-b 4
-b 8
-b 20"

# same INPUT OPTION...: all ways to do it give the same dump and the same report
same() {
	local input=$BATS_FILE_TMPDIR/$1
	shift
	cd "$BATS_TEST_TMPDIR"
	# bytes that are written twice, and what was looked up twice, are no part of the dump
	report() { grep -v '^STEP\|^Cache hit\|^Write bytes' "$1"; }
	"$PROGRAM" --message-level 22 --num-threads 0 "$@" "$input" want >said 2>err
	report said >want.report
	while read -r -a way; do
		"$PROGRAM" --message-level 22 "$@" "${way[@]}" "$input" out >said 2>err
		cmp want out || differs "the same dump" "another one with ${way[*]}"
		report said | sed 's/saved to out/saved to want/' >out.report
		diff want.report out.report || differs "the same report" "another one with ${way[*]}"
		rm out
	done <<<"${WAYS//WORK/$BATS_FILE_TMPDIR/work}"
	# what is written nowhere cannot be read back: it is decided once more
	for buffer in 0 1; do
		"$PROGRAM" --message-level 22 "$@" --dry-run --cyclic-buffer $buffer "$input" want2 >said 2>err
		report said | sed 's/saved to want2/saved to want/' >out.report
		diff want.report out.report || differs "the same report" "another one of a dry run, buffer $buffer"
		[ ! -e want2 ]
	done
	equal "" "$(ls -A "$BATS_FILE_TMPDIR/work")"
}

@test "kernel 6.12 at level 31, zlib" {
	same kernel-6.12 -d 31 -c
}

@test "kernel 6.12 at level 0, raw" {
	same kernel-6.12 -d 0
}

@test "kernel 2.6.32, whose free pages are on lists" {
	same kernel-2.6.32 -d 17 -l
}

@test "segments that overlap, snappy" {
	same overlap-6.1 -d 31 -p
}

@test "segments with odd ends, zstd" {
	same unaligned-5.10 -d 15 -z
}

@test "discontiguous memory" {
	same model-discontig-4.4 -d 31 -l
}

@test "RAM that begins behind the first window" {
	same above -d 1
}

@test "sample of a real kernel at level 31" {
	# it is large: one of each kind
	WAYS="--non-mmap --cyclic-buffer 1 -b 0
--work-dir WORK --cyclic-buffer 2 -b 8"
	same sample -d 31 -l
}

@test "streams depend neither on the number of threads nor on how the dump is read" {
	cd "$BATS_TEST_TMPDIR"
	for how in "-l -d 1" "-E -d 31"; do
		# shellcheck disable=SC2086 # a list of options
		"$PROGRAM" --message-level 0 --num-threads 0 --non-mmap -F $how "$BATS_FILE_TMPDIR/sample" >want
		for threads in 0 2 3 5; do
			# shellcheck disable=SC2086 # a list of options
			"$PROGRAM" --message-level 0 --num-threads $threads -F $how "$BATS_FILE_TMPDIR/sample" | cmp - want
		done
	done
}

@test "every buffer order from 0 to 8 writes the same dump" {
	cd "$BATS_TEST_TMPDIR"
	"$PROGRAM" --message-level 0 -d 31 -z "$BATS_FILE_TMPDIR/kernel-6.12" want
	for order in 0 1 2 3 4 5 6 7 8; do
		"$PROGRAM" --message-level 0 -f -d 31 -z -b $order "$BATS_FILE_TMPDIR/kernel-6.12" out
		cmp want out
	done
}

@test "dump with every compressor holds the same pages" {
	cd "$BATS_TEST_TMPDIR"
	"$PROGRAM" --message-level 0 -d 31 "$BATS_FILE_TMPDIR/kernel-6.12" raw
	for codec in c l p z; do
		"$PROGRAM" --message-level 0 -d 31 -$codec "$BATS_FILE_TMPDIR/kernel-6.12" packed-$codec
		readkdump check packed-$codec "$BATS_FILE_TMPDIR/kernel-6.12.expect" 31 "$BATS_FILE_TMPDIR/kernel-6.12"
		[ "$(stat -c %s packed-$codec)" -lt "$(stat -c %s raw)" ]
	done
	readkdump check raw "$BATS_FILE_TMPDIR/kernel-6.12.expect" 31 "$BATS_FILE_TMPDIR/kernel-6.12"
}
