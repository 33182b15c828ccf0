#!/usr/bin/env -S bats --tap
# SPDX-License-Identifier: GPL-2.0-or-later
# --split and --reassemble: parts that are dumps, and the very dump again that would have been made without them.
# a command that fails ends its test, `run` sets stderr, inner shells expand for themselves
# shellcheck disable=SC2154,SC2164,SC2016,SC2046,SC2086

load common

setup_file() {
	cd "$BATS_FILE_TMPDIR"
	mkkernel kernel-6.12 kernel
	mkkernel truncated-6.1 truncated
	mkelf vmcore 0x0,0x1000000 --zero-every 3
	"$PROGRAM" --message-level 0 -d 31 -l kernel good
	"$PROGRAM" --message-level 0 -d 31 -l --split kernel part1 part2 part3
}

setup() {
	cd "$BATS_TEST_TMPDIR"
	F=$BATS_FILE_TMPDIR
}

# descriptions of the parts: START END of each
ranges() {
	for part; do
		readkdump info "$part" | sed -n 's/^sub.start_pfn_64 //p; s/^sub.end_pfn_64 //p' | paste -sd ' '
	done
}

@test "parts put together are the dump, for 2 to 7 parts in any order" {
	for n in 2 3 4 5 6 7; do
		for how in "-d 31 -l" "-d 1 -c --cyclic-buffer 1" "-d 0 -b 0" "-d 17 -z --num-threads 9"; do
			"$PROGRAM" --message-level 0 -f $how "$F/kernel" want
			parts=$(seq -f part%g $n)
			"$PROGRAM" --message-level 0 -f --split $how "$F/kernel" $parts
			"$PROGRAM" --message-level 4 -f --reassemble $(echo "$parts" | sort -r) got 2>err
			cmp want got
			if [ "$n" = 4 ]; then :; elif [ "$how" != "-d 31 -l" ]; then break; fi
		done
	done
}

@test "parts follow each other without gaps and share the pages" {
	"$PROGRAM" --message-level 0 --split -d 0 "$F/vmcore" a b c d
	equal "0 1024
1024 2048
2048 3072
3072 4096" "$(ranges a b c d)"
	"$PROGRAM" --message-level 0 -f --split --splitblock-size 8192 -d 0 "$F/vmcore" a b c d
	equal "0 2048
2048 2048
2048 4096
4096 4096" "$(ranges a b c d)"
	# small blocks are made larger: readers take words of 64 bits
	"$PROGRAM" --message-level 0 -f --split --splitblock-size 4 -d 0 "$F/vmcore" a b c
	equal "0 1408
1408 2752
2752 4096" "$(ranges a b c)"
	run -1 "$PROGRAM" -f --split --splitblock-size 6 -d 0 "$F/vmcore" a b c
	contains "$output" "--splitblock-size: 6 KiB are no multiple of the page size, 4096"
}

@test "every part is a dump with all notes and bitmaps, and data at the same place" {
	for part in part1 part2 part3; do
		readkdump info "$F/$part" | grep -v '^file\|^sub.split\|_pfn' >$part.info
		readkdump info "$F/good" | grep -v '^file\|^sub.split\|_pfn' >good.info
		cmp $part.info good.info
	done
	"$PROGRAM" --split --show-stats -d 31 -l "$F/kernel" a b >said 2>err
	"$PROGRAM" --show-stats -d 31 -l "$F/kernel" c >said1 2>err
	contains "$(cat said)" "The dumpfiles are saved to a, and b."
	# one report for all parts
	equal "$(grep '^Original\|pages  *:' said1)" "$(grep '^Original\|pages  *:' said)"
}

@test "one file that is not split can be put together, too" {
	"$PROGRAM" --message-level 4 --reassemble "$F/good" got 2>err
	cmp "$F/good" got
	cp "$F/good" copy
	run -1 "$PROGRAM" -f --reassemble copy copy
	contains "$output" "copy is one of the parts"
	cmp "$F/good" copy
	ln -s copy link
	run -1 "$PROGRAM" -f --reassemble copy link
	contains "$output" "link is one of the parts"
	cmp "$F/good" copy
}

@test "parts that lack something or belong to something else are refused" {
	run -1 "$PROGRAM" --reassemble "$F/part1" "$F/part3" got
	contains "$output" "there is no dumpfile for the page frames"
	run -1 "$PROGRAM" --reassemble "$F/part1" "$F/part2" got
	contains "$output" "there is no dumpfile for the page frames"
	run -1 "$PROGRAM" --reassemble "$F/part2" "$F/part3" got
	contains "$output" "there is no dumpfile for the page frames 0 to"
	run -1 "$PROGRAM" --reassemble "$F/part1" "$F/part2" "$F/part2" "$F/part3" got
	contains "$output" "too"
	"$PROGRAM" --message-level 0 --split -d 0 -l "$F/kernel" other1 other2 other3
	run -1 "$PROGRAM" --reassemble other1 "$F/part2" "$F/part3" got
	contains "$output" "no parts of one dump"
	run -1 "$PROGRAM" --reassemble "$F/kernel" "$F/part2" got
	contains "$output" "it is no kdump-compressed dump"
	# one bit of a bitmap
	cp "$F/part2" spoiled
	printf '\x55' | dd of=spoiled bs=1 seek=$((4096 * 3 + 100)) conv=notrunc status=none
	run -1 "$PROGRAM" --reassemble "$F/part1" spoiled "$F/part3" got
	contains "$output" "notes or bitmaps differ"
	[ ! -e got ]
}

@test "mark of one part marks the whole, and missing pages stay missing" {
	cp "$F"/part? .
	# the status word
	printf '\x0a' | dd of=part2 bs=1 seek=424 conv=notrunc status=none
	run -1 --separate-stderr "$PROGRAM" --reassemble part1 part3 part2 got
	contains "$output" "part2 is marked incomplete"
	is_incomplete got
	equal "$(readable_pages "$F/good")" "$(readable_pages got)"
	# cut in its data
	truncate -s -4000 part3
	run -1 --separate-stderr "$PROGRAM" -f --reassemble part1 part2 part3 got
	contains "$stderr" "pages are missing"
	is_incomplete got
	[ "$(readable_pages got)" -lt "$(readable_pages "$F/good")" ]
	readkdump diff got "$F/good" >differences || true
	if grep -q 'bytes differ' differences; then false; fi
	grep -q 'missing in A' differences
	# lost without a mark: found all the same
	cp "$F/part2" part2
	run -1 --separate-stderr "$PROGRAM" -f --reassemble part1 part2 part3 got
	is_incomplete got
}

@test "text about erased data is joined in the order of the pages" {
	cp "$F"/part? .
	python3 - <<'PY'
import struct
for name, text in (("part1", b"erase one size 1\n"), ("part3", b"erase three size 3\n")):
    data = bytearray(open(name, "rb").read())
    struct.pack_into("<QQ", data, 4096 + 64, len(data), len(text))
    open(name, "wb").write(data + text)
PY
	"$PROGRAM" --message-level 4 --reassemble part3 part1 part2 got 2>err
	contains "$(readkdump info got)" "eraseinfo b'erase one size 1\\nerase three size 3\\n'"
	cmp -n "$(($(stat -c %s "$F/good") - 8192))" -i 8192 got "$F/good"
}

@test "pages that the input has not leave all parts marked" {
	run -1 "$PROGRAM" --split "$F/truncated" a b
	is_incomplete a
	is_incomplete b
	run -1 "$PROGRAM" "$F/truncated" want
	run -1 "$PROGRAM" --reassemble a b got
	cmp want got
}

@test "same file for two parts is refused" {
	run -1 "$PROGRAM" --split "$F/vmcore" a ./b b
	[ "$status" = 1 ]
	rm -f a b
	touch a
	ln a b
	run -1 "$PROGRAM" -f --split "$F/vmcore" a b
	contains "$output" "are the same file"
	run -1 "$PROGRAM" --split "$F/vmcore" c c
	contains "$output" "are the same file"
	[ ! -e c ]
}

@test "if one part fails all are marked" {
	# the n-th write of a thread
	for n in 1 2 3 8; do
		run strace -f -o trace -e trace=pwrite64,ftruncate,fsync -e inject=pwrite64:error=EIO:when=$n \
			"$PROGRAM" -f --split -d 1 "$F/vmcore" a b c
		equal 1 "$status"
		for part in a b c; do
			if [ "$(stat -c %s $part)" -ge 464 ]; then
				is_incomplete $part
				readable_pages $part >pages
			fi
		done
	done
	run strace -f -o trace -e trace=fsync -e inject=fsync:error=EIO:when=2 "$PROGRAM" -f --split -d 1 "$F/vmcore" a b c
	equal 1 "$status"
	for part in a b c; do is_incomplete $part; done
}

@test "what the disk did not take of one part is taken back when another one fails" {
	# blocks that a file got for it hold what was on the disk before: an older dump that is complete
	for n in 1 2 3 4 5 6 7 8 9; do
		rm -f a b c
		run strace -f -o trace -e trace=pwrite64,fsync,sync_file_range -e inject=pwrite64:error=EIO:when=$n \
			-e inject=fsync,sync_file_range:error=EIO "$PROGRAM" --split -d 1 "$F/vmcore" a b c
		equal 1 "$status"
		for part in a b c; do
			if [ -e $part ]; then equal 0 "$(stat -c %s $part)"; fi
		done
	done
}

# --- limits and levels ------------------------------------------------------------------------------------------------

@test "-L is the end of the disk" {
	size=$(stat -c %s "$F/good")
	"$PROGRAM" --message-level 0 -L "$size" -d 31 -l "$F/kernel" got
	cmp "$F/good" got
	for limit in 10 464 5000 70k 100K $((size - 1)); do
		run -1 --separate-stderr "$PROGRAM" -f -L $limit -d 31 -l "$F/kernel" got
		contains "$stderr" "limit"
		contains "$output" "makedumpfile Failed."
		[ "$(stat -c %s got)" -le "$(numfmt --from=iec "${limit^^}")" ]
		if [ "$limit" != 10 ]; then
			is_incomplete got
			readable_pages got >pages
		fi
	done
	[ "$(cat pages)" -gt 100 ]
	run -1 --separate-stderr "$PROGRAM" --dry-run -L 100k -d 31 -l "$F/kernel" none
	contains "$stderr" "limit"
	[ ! -e none ]
	"$PROGRAM" --message-level 0 -F -d 31 -l "$F/kernel" >flat
	run -1 --separate-stderr bash -c '"$0" -R -L 100k -f got <flat' "$PROGRAM"
	contains "$stderr" "limit"
	is_incomplete got
	run -1 --separate-stderr "$PROGRAM" --reassemble -L 100k -f "$F"/part? got
	contains "$stderr" "limit"
	is_incomplete got
	readable_pages got >pages
}

@test "-L of a stream counts all of its bytes" {
	"$PROGRAM" --message-level 0 -F -d 31 -l "$F/kernel" >flat
	size=$(stat -c %s flat)
	"$PROGRAM" --message-level 0 -F -L "$size" -d 31 -l "$F/kernel" >got
	cmp flat got
	for limit in 4000 5000 $((size / 2)) $((size - 1)); do
		run -1 bash -c '"$0" -F -L "$1" -d 31 -l "$2" >got' "$PROGRAM" $limit "$F/kernel"
		equal $limit "$(stat -c %s got)"
		cmp -n $limit flat got
	done
}

@test "next level of the list is used when there is no space, in the same file" {
	echo old >got
	chmod 640 got
	inode=$(stat -c %i got)
	size=$(stat -c %s "$F/good")
	"$PROGRAM" -f -L $((size + 1000)) -d 0,1,31 -l "$F/kernel" got >said 2>err
	cmp "$F/good" got
	contains "$(cat said)" "Retry with the next dump level (1)."
	contains "$(cat said)" "Retry with the next dump level (31)."
	contains "$(cat said)" "makedumpfile Completed."
	equal "$inode 640" "$(stat -c '%i %a' got)"
	# parts, each from its beginning
	for part in a b; do echo old >$part; done
	"$PROGRAM" -f -L $((size - 5000)) -d 0,31 -l --split "$F/kernel" a b >said 2>err
	"$PROGRAM" --message-level 4 -f --reassemble a b got 2>err
	cmp "$F/good" got
	# tried out
	"$PROGRAM" --dry-run -L $((size + 100000)) -d 0,31 -l "$F/kernel" none >said 2>err
	contains "$(cat said)" "Retry with the next dump level (31)."
	# the last level fails, too
	run -1 "$PROGRAM" -f -L 100k -d 0,31 -l "$F/kernel" got
	is_incomplete got
	readable_pages got >pages
	[ "$(readkdump info got | sed -n 's/^sub.dump_level //p')" = 31 ]
}

@test "stream begins anew only in a regular file" {
	"$PROGRAM" --message-level 0 -F -d 31 -l "$F/kernel" >want
	size=$(stat -c %s want)
	echo before >flat
	bash -c '"$0" -F -L "$1" -d 0,31 -l "$2" >>flat 2>err' "$PROGRAM" $((size + 1000)) "$F/kernel"
	tail -c +8 flat | cmp - want
	run -1 bash -c 'set -o pipefail; "$0" -F -L "$1" -d 0,31 -l "$2" 2>err | cat >flat' "$PROGRAM" $((size + 1000)) \
		"$F/kernel"
	contains "$(cat err)" "cannot begin anew"
	contains "$(cat err)" "makedumpfile Failed."
}

@test "device is not removed by a retry" {
	run -1 "$PROGRAM" -f -d 0,31 "$F/kernel" /dev/full
	[ -c /dev/full ]
}

