#!/usr/bin/env -S bats --tap
# SPDX-License-Identifier: GPL-2.0-or-later
# The file that is written: how it is made, what stands in its way, what is left when something fails.
# a command that fails ends its test, `run` sets stderr, inner shells expand for themselves
# shellcheck disable=SC2154,SC2164,SC2016

load common

setup_file() {
	cd "$BATS_FILE_TMPDIR"
	mkelf vmcore 0x0,0x400000 --zero-every 3
	mkelf small 0x0,0x20000
}

setup() {
	cd "$BATS_TEST_TMPDIR"
	cp --reflink=auto "$BATS_FILE_TMPDIR/vmcore" "$BATS_FILE_TMPDIR/small" .
	"$PROGRAM" --message-level 0 vmcore good
}

teardown() {
	if [ -f "$BATS_TEST_TMPDIR/loop" ]; then losetup -d "$(cat "$BATS_TEST_TMPDIR/loop")"; fi
	if mountpoint -q "$BATS_TEST_TMPDIR/disk"; then umount "$BATS_TEST_TMPDIR/disk"; fi
}

# A loop device over FILE, where there are any; remembered for teardown.
loop_over() {
	losetup --find --show "$1" >loop 2>/dev/null || { rm loop; return 1; }
	cat loop
}

# --- making it --------------------------------------------------------------------------------------------------------

@test "new file is for its owner only, whatever the umask allows" {
	(umask 000 && "$PROGRAM" vmcore open >said)
	equal 600 "$(stat -c %a open)"
	(umask 277 && "$PROGRAM" vmcore closed >said)
	equal 400 "$(stat -c %a closed)"
}

@test "file that exists is refused before anything is read, and left alone" {
	echo precious >out
	run -1 --separate-stderr "$PROGRAM" vmcore out
	contains "$stderr" "out: File exists"
	run -1 --separate-stderr "$PROGRAM" nowhere out
	contains "$stderr" "out: File exists"
	run -1 --separate-stderr "$PROGRAM" --dry-run vmcore out
	contains "$stderr" "out: File exists"
	equal precious "$(cat out)"
	contains "$output" "makedumpfile Failed."
}

@test "-f writes into the file that is there: same inode, same mode, nothing left of the old" {
	head -c 9000000 /dev/urandom >out
	chmod 640 out
	inode=$(stat -c %i out)
	"$PROGRAM" -f vmcore out >said
	equal "$inode 640" "$(stat -c '%i %a' out)"
	cmp out good
}

@test "-f needs no file" {
	"$PROGRAM" -f vmcore out >said
	cmp out good
}

@test "-f does not touch the old file when the input cannot be used" {
	echo precious >out
	run -1 "$PROGRAM" -f nowhere out
	run -1 "$PROGRAM" -f out out
	mkelf alpha 0x0,0x10000 --machine 36902
	run -1 "$PROGRAM" -f alpha out
	run -1 "$PROGRAM" -f -d 31 vmcore out
	equal precious "$(cat out)"
}

@test "folder is no output, and one that is missing is named" {
	mkdir folder
	run -1 --separate-stderr "$PROGRAM" vmcore folder
	contains "$stderr" "folder: File exists"
	run -1 --separate-stderr "$PROGRAM" -f vmcore folder
	contains "$stderr" "folder: Is a directory"
	run -1 --separate-stderr "$PROGRAM" vmcore missing/out
	contains "$stderr" "missing/out: No such file or directory"
	rmdir folder
}

@test "link to nowhere is refused without -f and followed with it" {
	ln -s target link
	run -1 --separate-stderr "$PROGRAM" vmcore link
	contains "$stderr" "File exists"
	[ ! -e target ]
	"$PROGRAM" -f vmcore link >said
	cmp target good
	[ -L link ]
}

@test "dump is never written over its input, by whatever name" {
	sum=$(sha256sum <vmcore)
	ln vmcore hard
	ln -s vmcore soft
	mkdir sub
	names="vmcore ./sub/../vmcore hard soft /proc/self/cwd/vmcore"
	device=$(loop_over vmcore) && names="$names $device"
	for name in $names; do
		run -1 "$PROGRAM" -f vmcore "$name"
		contains "$output" "$name is the dump that is read"
		equal "$sum" "$(sha256sum <vmcore)"
	done
	if [ -n "$device" ]; then
		run -1 "$PROGRAM" -f "$device" vmcore
		contains "$output" "vmcore is the dump that is read"
		equal "$sum" "$(sha256sum <vmcore)"
	fi
}

@test "what cannot be written at any offset is refused at once" {
	mkfifo fifo
	run -1 timeout 20 "$PROGRAM" -f vmcore fifo
	contains "$output" "fifo cannot be written at any offset"
	[ -p fifo ]
	run -1 bash -c '"$0" -f vmcore /dev/stdout | cat >piped; exit "${PIPESTATUS[0]}"' "$PROGRAM"
	contains "$(cat piped)$output" "/dev/stdout cannot be written at any offset"
}

@test "devices are written with -f and stay devices" {
	"$PROGRAM" -f vmcore /dev/null >said
	[ -c /dev/null ]
	run -1 --separate-stderr "$PROGRAM" vmcore /dev/null
	contains "$stderr" "/dev/null: File exists"
	# a disk that is not empty reads like the file afterwards
	yes 'old bytes' | head -c 8388608 >disk.img
	if device=$(loop_over disk.img); then
		"$PROGRAM" -f vmcore "$device" >said
		[ -b "$device" ]
		cmp -n "$(stat -c %s good)" "$device" good
	fi
}

# --- around it --------------------------------------------------------------------------------------------------------

@test "closed standard streams do no harm" {
	for closed in '<&-' '>&-' '2>&-' '<&- >&-' '<&- 2>&-' '>&- 2>&-' '<&- >&- 2>&-'; do
		rm -f out
		eval "\"\$PROGRAM\" vmcore out $closed" >said 2>&1
		cmp out good
	done
}

@test "reader of the messages that goes away does not end the dump" {
	{
		rc=0
		"$PROGRAM" -D --show-stats vmcore out || rc=$?
		echo $rc >status
	} 2>err | true
	equal 0 "$(cat status)"
	cmp out good
	rm out
	{
		rc=0
		"$PROGRAM" vmcore out >said || rc=$?
		echo $rc >status
	} 2>&1 | true
	equal 0 "$(cat status)"
	cmp out good
	# nobody reads at all: help is then a failure, not a signal
	run -1 python3 - "$PROGRAM" -h <<'PY'
import os, subprocess, sys
reader, writer = os.pipe()
os.close(reader)
sys.exit(subprocess.run(sys.argv[1:], stdout=writer).returncode)
PY
}

@test "without --work-dir the dump is the only file that is made" {
	strace -f -o trace -e trace=%file "$PROGRAM" small out >said
	equal 1 "$(grep -c 'O_CREAT\|O_TMPFILE\|mkdir(' trace)"
	if grep -E '(open|creat|mkdir|unlink|rename)[a-z0-9]*\(.*"/(var/)?tmp' trace; then false; fi
	equal "" "$(TMPDIR=/nowhere "$PROGRAM" --message-level 4 small again)"
	cmp out again
}

@test "--work-dir leaves nothing behind, and is the only other place" {
	mkdir work
	strace -f -o trace -e trace=%file "$PROGRAM" --work-dir work vmcore out >said
	cmp out good
	equal "" "$(ls -A work)"
	equal 2 "$(grep -c 'O_CREAT\|O_TMPFILE\|mkdir(' trace)"
	if grep -E '(open|creat|mkdir|unlink|rename)[a-z0-9]*\(.*"/(var/)?tmp' trace; then false; fi
	# killed in the middle it leaves nothing either
	run strace -f -o trace -e inject=fsync:signal=KILL "$PROGRAM" --work-dir work vmcore out2
	equal "" "$(ls -A work)"
	run -1 --separate-stderr "$PROGRAM" --work-dir missing vmcore out3
	contains "$stderr" "missing"
	contains "$stderr" "No such file or directory"
	[ ! -e out3 ]
}

# 1 TiB of memory in a cgroup of 6 MiB: what the kernel had read ahead could not be had back in time, and it was killed
@test "nothing is read ahead of what the program reads back" {
	mkdir bits
	strace -f -y -o trace -e trace=fadvise64 "$PROGRAM" --work-dir bits vmcore out >said
	equal 1 "$(grep -c 'fadvise64([0-9]*<.*/out>, 0, 0, POSIX_FADV_RANDOM) = 0' trace)"
	equal 1 "$(grep -c 'fadvise64([0-9]*<.*/bits/.*>.*, 0, 0, POSIX_FADV_RANDOM) = 0' trace)"
}

# --- failures ---------------------------------------------------------------------------------------------------------

@test "full device fails" {
	run -1 --separate-stderr "$PROGRAM" -f vmcore /dev/full
	contains "$stderr" "/dev/full"
	contains "$stderr" "No space left on device"
	contains "$output" "makedumpfile Failed."
	[ -c /dev/full ]
}

# Runs in a file system of its own where that is allowed; else the limit of a file's size is the end of the disk.
small_disk() {
	mkdir -p disk
	mount -t tmpfs -o "size=$1k" none disk 2>/dev/null || return 1
}

@test "full disk leaves a dump that says so and whose pages are whole" {
	for kib in 8 16 40 100 1000 2500; do
		if small_disk $kib; then
			run -1 --separate-stderr "$PROGRAM" vmcore disk/out
			contains "$stderr" "No space left on device"
			cp disk/out out
			umount disk
		else
			run -1 --separate-stderr bash -c "ulimit -f $kib; \"\$0\" -f vmcore out" "$PROGRAM"
			contains "$stderr" "File too large"
		fi
		contains "$output" "makedumpfile Failed."
		is_incomplete out
		pages=$(readable_pages out)
		if [ $kib -ge 1000 ]; then
			# headers, bitmaps and descriptors take 40 KiB; the rest of the disk is pages of 4
			[ "$pages" -gt $((kib / 4 - 30)) ] || differs "about $((kib / 4)) pages" "$pages"
			contains "$output" "This is an incomplete dumpfile, but might analyzable."
		fi
	done
}

@test "small dump that meets the full disk at its very end keeps its pages" {
	if small_disk 100; then
		run -1 "$PROGRAM" small disk/out
		cp disk/out out
		umount disk
	else
		run -1 bash -c 'ulimit -f 100; "$0" -f small out' "$PROGRAM"
	fi
	is_incomplete out
	pages=$(readable_pages out)
	[ "$pages" -ge 12 ] || differs "at least 12 pages" "$pages"
}

@test "file that may not grow fails with a message, not with a signal" {
	for blocks in 1 8 40 1000; do
		run -1 --separate-stderr bash -c "ulimit -f $blocks; exec \"\$0\" -f vmcore out" "$PROGRAM"
		contains "$stderr" "File too large"
		contains "$output" "makedumpfile Failed."
		# a header that did not fit cannot say anything
		if [ "$(stat -c %s out)" -ge 464 ]; then
			is_incomplete out
			readable_pages out
		fi
	done
}

@test "every write that fails for lack of room or otherwise leaves an incomplete dump" {
	strace -o trace -e trace=pwrite64,ftruncate,fsync "$PROGRAM" small out >said
	cp out whole
	writes=$(grep -c ^pwrite64 trace)
	[ "$writes" -gt 5 ]
	for error in ENOSPC EDQUOT EIO; do
		for ((n = 1; n <= writes; n++)); do
			rm -f out
			run strace -o trace -e "inject=pwrite64:error=$error:when=$n" "$PROGRAM" small out
			equal 1 "$status"
			contains "$output" "makedumpfile Failed."
			if [ "$(stat -c %s out)" -ge 464 ] && [ "$(header_word out 8)" = 6 ]; then
				is_incomplete out
				readable_pages out
			fi
		done
	done
	contains "$output" "Input/output error"
}

@test "fsync, ftruncate or close that fails is a failure and leaves the mark" {
	"$PROGRAM" -F small >whole 2>said
	for inject in fsync:error=EIO:when=1 fsync:error=EIO:when=2 fsync:error=ENOSPC:when=2 fsync:error=EDQUOT:when=1 \
		fsync:error=EROFS:when=1 fsync:error=EROFS:when=2 \
		/ftruncate:error=ENOSPC:when=2; do
		rm -f out
		run strace -o trace -e trace=fsync,/ftruncate -e "inject=$inject" "$PROGRAM" small out
		equal 1 "$status"
		contains "$output" "makedumpfile Failed."
		is_incomplete out
		readable_pages out
	done
	# a file system that turned read-only keeps nothing, but what is no file has nothing to sync
	run strace -o trace -e trace=fsync -e inject=fsync:error=EROFS bash -c 'exec "$0" -F small >stream' "$PROGRAM"
	equal 1 "$status"
	contains "$output" "STDOUT: fsync"
	for error in EROFS EINVAL; do
		strace -o trace -e trace=fsync -e inject=fsync:error=$error bash -c 'exec "$0" -F small | cat' "$PROGRAM" | cmp - whole
		strace -o trace -e trace=fsync -e inject=fsync:error=$error "$PROGRAM" -f small /dev/null >said
	done
	# the close of the dump: the last one of its descriptor
	strace -o trace -e trace=openat,close "$PROGRAM" -f small out >said
	fd=$(sed -n 's/.*"out", O_RDWR.* = \([0-9]*\)$/\1/p' trace)
	n=$(grep ^close trace | grep -n "^close($fd)" | tail -n 1 | cut -d: -f1)
	for error in EIO ENOSPC; do
		run strace -o trace -e trace=openat,close -e "inject=close:error=$error:when=$n" "$PROGRAM" -f small out
		equal 1 "$status"
		contains "$output" "makedumpfile Failed."
		is_incomplete out
		equal 32 "$(readable_pages out)"
	done
}

@test "killed at any write the dump says that it is incomplete" {
	strace -o trace -e trace=pwrite64 "$PROGRAM" small out >said
	writes=$(grep -c ^pwrite64 trace)
	for ((n = 2; n <= writes; n++)); do
		rm -f out
		# the signal comes when the n-th write is done: all that is before the last one is incomplete
		run strace -o trace -e trace=pwrite64 -e "inject=pwrite64:signal=KILL:when=$n" "$PROGRAM" small out
		[ "$status" -eq 137 ]
		readable_pages out
		if [ "$n" -lt "$writes" ]; then is_incomplete out; fi
	done
	equal 32 "$(readable_pages out)"
}

@test "interrupted writes and reads go on" {
	strace -o trace -e trace=openat,pread64 "$PROGRAM" --non-mmap small want >said
	# those of the loader are not ours
	first=$(grep -E '^pread64|"small"' trace | grep -n '"small"' | cut -d: -f1)
	strace -o trace -e trace=pwrite64,pread64 -e inject=pwrite64:error=EINTR:when=1+2 \
		-e "inject=pread64:error=EINTR:when=$first+2" "$PROGRAM" --non-mmap small out >said
	grep -q 'pread64.*EINTR' trace
	grep -q 'pwrite64.*EINTR' trace
	cmp out want
}
