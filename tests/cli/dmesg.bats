#!/usr/bin/env -S bats --tap
# SPDX-License-Identifier: GPL-2.0-or-later
# --dump-dmesg: logs of every form, the file or stream they go to, what damage does.
# a command that fails ends its test, `run` sets stderr, inner shells expand for themselves
# shellcheck disable=SC2154,SC2164,SC2016

load common

forms=(2.6.32 3.10 4.19 5.4 5.10 5.15 6.19)

mklog() {
	python3 "$ROOT/tests/cli/mklog.py" "$@"
}

setup_file() {
	cd "$BATS_FILE_TMPDIR"
	for form in "${forms[@]}"; do
		mklog "$form" "$form" --messages 30 --clear 20
	done
}

setup() {
	cd "$BATS_TEST_TMPDIR"
	cp --reflink=auto "$BATS_FILE_TMPDIR"/* .
}

# both FILE: the log, and what came after it was cleared, are what the generator says
both() {
	"$PROGRAM" -F --message-level 4 --dump-dmesg "$1" >out
	cmp out "$1.log"
	"$PROGRAM" -F --message-level 4 --dump-dmesg --partial-dmesg "$1" >out
	cmp out "$1.partial"
}

# --- forms -------------------------------------------------------------------------------------------------------

@test "log of every form of kernel is written, and the part that is new" {
	for form in "${forms[@]}"; do
		both "$form"
		[ -s "$form.partial" ]
		if cmp -s "$form.log" "$form.partial"; then false; fi
	done
}

@test "log that went around several times, was never cleared, or just was" {
	for form in "${forms[@]}"; do
		mklog "$form" log --messages 700
		both log
		cmp log.log log.partial
		mklog "$form" log --messages 700 --clear 20
		both log
		cmp log.log log.partial
		mklog "$form" log --messages 700 --clear 690
		both log
		mklog "$form" log --messages 700 --clear 700
		both log
		[ ! -s log.partial ]
	done
}

@test "log of a few messages, of one, of none" {
	for form in "${forms[@]}"; do
		for n in 0 1 3; do
			mklog "$form" log --messages $n --clear 1
			both log
		done
	done
}

@test "log that goes around at any place" {
	for form in 4.19 5.10 6.19; do
		for ((n = 60; n < 100; n += 3)); do
			mklog "$form" log --messages $n --seed $n --clear $((n - 7))
			both log
		done
	done
}

@test "numbers of messages tell that the place of clearing was overwritten" {
	for clear in 3 77 500; do
		mklog 4.19 log --numbers --messages 700 --clear $clear
		both log
		cmp log.log log.partial
	done
}

@test "what cannot be told since when is all written, with a word" {
	LC_ALL=C sed -i 's/SYMBOL(logged_chars)/SYMBOL(logged_chras)/; s/SYMBOL(clear_/SYMBOL(klear_/' "${forms[@]}"
	for form in "${forms[@]}"; do
		run -0 --separate-stderr "$PROGRAM" --dump-dmesg --partial-dmesg "$form" "$form.out"
		contains "$output" "is unknown: all of the log is written."
		cmp "$form.out" "$form.log"
	done
}

# --- where it goes -----------------------------------------------------------------------------------------------

@test "new file is for its owner only, and the last lines name it" {
	(umask 000 && "$PROGRAM" --dump-dmesg 6.19 out >said)
	equal 600 "$(stat -c %a out)"
	cmp out 6.19.log
	equal "$(printf '\nThe dmesg log is saved to out.\n\nmakedumpfile Completed.')" "$(cat said)"
	equal "" "$(head -n 1 said)"
}

@test "file that exists is refused, with -f it is written into" {
	echo precious >out
	chmod 640 out
	run -1 --separate-stderr "$PROGRAM" --dump-dmesg 6.19 out
	contains "$stderr" "out: File exists"
	contains "$output" "makedumpfile Failed."
	run -1 --separate-stderr "$PROGRAM" --dump-dmesg nowhere out
	contains "$stderr" "out: File exists"
	equal precious "$(cat out)"
	inode=$(stat -c %i out)
	"$PROGRAM" -f --dump-dmesg 6.19 out >said
	equal "$inode 640" "$(stat -c '%i %a' out)"
	cmp out 6.19.log
}

@test "the dump itself is no place for its log" {
	cp 6.19 copy
	ln -s copy link
	run -1 "$PROGRAM" -f --dump-dmesg copy copy
	contains "$output" "copy is the dump that is read"
	run -1 "$PROGRAM" -f --dump-dmesg copy link
	run -1 bash -c '"$0" -F --dump-dmesg copy >>copy' "$PROGRAM"
	contains "$output" "STDOUT is the dump that is read"
	cmp copy 6.19
}

@test "nothing is made when there is no log" {
	echo precious >old
	LC_ALL=C sed 's/SYMBOL(prb)/SYMBOL(bpr)/' 6.19 >without
	run -1 --separate-stderr "$PROGRAM" --dump-dmesg without out
	contains "$stderr" "without: where the kernel's log is remains unknown"
	[ ! -e out ]
	run -1 "$PROGRAM" -f --dump-dmesg without old
	equal precious "$(cat old)"
	LC_ALL=C sed 's/SIZE(printk_info)/SIZE(kprint_info)/' 6.19 >without
	run -1 --separate-stderr "$PROGRAM" --dump-dmesg without out
	contains "$stderr" "SIZE(printk_info) is unknown"
	[ ! -e out ]
	mkelf plain 0x0,0x400000
	run -1 --separate-stderr "$PROGRAM" --dump-dmesg plain out
	contains "$stderr" "plain: where the kernel's log is remains unknown"
	[ ! -e out ]
}

@test "-F writes nothing but the log to standard output" {
	"$PROGRAM" -F --dump-dmesg 6.19 >out 2>said
	cmp out 6.19.log
	grep -qx 'The dmesg log is saved to STDOUT.' said
	grep -qx 'makedumpfile Completed.' said
	"$PROGRAM" --message-level 31 --dump-dmesg -F 6.19 2>said | cat >out
	cmp out 6.19.log
	# behind what is there already
	{ echo before; "$PROGRAM" --message-level 0 -F --dump-dmesg 6.19; } >out
	cmp out <(echo before; cat 6.19.log)
	run -1 "$PROGRAM" -F --dump-dmesg 6.19 out2
	contains "$output" "Commandline parameter is invalid."
}

@test "debug messages have VMCOREINFO beside the log, as callers read it" {
	"$PROGRAM" -F --message-level 8 --dump-dmesg 6.19 >out 2>said
	cmp out 6.19.log
	equal 6.19.0-demo "$(awk -F'[ =]+' '$2 == "OSRELEASE" { print $3 }' said)"
	equal 1700000000 "$(awk -F'[ =]+' '$2 == "CRASHTIME" { print $3 }' said)"
	# also when there is no log
	LC_ALL=C sed -i 's/SYMBOL(prb)/SYMBOL(bpr)/' 6.19
	run -1 --separate-stderr "$PROGRAM" -F --message-level 8 --dump-dmesg 6.19
	equal "" "$output"
	contains "$stderr" "  OSRELEASE=6.19.0-demo"
}

@test "no other file is written, not in /tmp either" {
	strace -f -o trace -e trace=%file "$PROGRAM" --dump-dmesg 6.19 out >said
	equal 1 "$(grep -c O_CREAT trace)"
	if grep -q '"/tmp/[^/]*"' trace; then false; fi
}

@test "full disk, limit and closed pipe are failures" {
	run -1 --separate-stderr "$PROGRAM" -f --dump-dmesg 6.19 /dev/full
	contains "$stderr" "No space left on device"
	contains "$output" "makedumpfile Failed."
	run -1 --separate-stderr bash -c '"$0" -F --dump-dmesg 6.19 >/dev/full' "$PROGRAM"
	contains "$stderr" "STDOUT: write of"
	contains "$stderr" "No space left on device"
	run -1 bash -c 'ulimit -f 1; "$0" --dump-dmesg 6.19 out' "$PROGRAM"
	contains "$output" "File too large"
	# nobody reads the pipe
	run -1 python3 -c 'if True:
		import os, subprocess, sys
		read_end, write_end = os.pipe()
		os.close(read_end)
		sys.exit(subprocess.call(sys.argv[1:], stdout=write_end))' "$PROGRAM" -F --dump-dmesg 6.19
	contains "$output" "Broken pipe"
	contains "$output" "makedumpfile Failed."
}

@test "fsync or close that fails is a failure" {
	strace -o trace -e trace=openat,close "$PROGRAM" --dump-dmesg 6.19 out >said
	fd=$(sed -n 's/.*"out", O_RDWR.* = \([0-9]*\)$/\1/p' trace)
	n=$(grep ^close trace | grep -n "^close($fd)" | tail -n 1 | cut -d: -f1)
	for error in EIO ENOSPC EDQUOT EROFS; do
		run strace -o trace -e trace=fsync -e "inject=fsync:error=$error" "$PROGRAM" -f --dump-dmesg 6.19 out
		equal 1 "$status"
		contains "$output" "out: fsync"
		run strace -o trace -e trace=openat,close -e "inject=close:error=$error:when=$n" "$PROGRAM" -f --dump-dmesg 6.19 out
		equal 1 "$status"
		contains "$output" "out: close"
		run strace -o trace -e "inject=fsync:error=$error" bash -c 'exec "$0" -F --dump-dmesg 6.19 >out' "$PROGRAM"
		equal 1 "$status"
		contains "$output" "STDOUT: fsync"
	done
	# the second piece of an interrupted write
	run strace -o trace -e trace=pwrite64 -e inject=pwrite64:error=EINTR:when=1+2 "$PROGRAM" -f --dump-dmesg 6.19 out
	equal 0 "$status"
	cmp out 6.19.log
}

# --- damage ------------------------------------------------------------------------------------------------------

# poke FILE ADDRESS HEX: bytes of the memory that FILE holds
poke() {
	python3 - "$@" <<'PY'
import sys
with open(sys.argv[1], "r+b") as core:
    core.seek(0x3000 + int(sys.argv[2], 0))
    core.write(bytes.fromhex(sys.argv[3]))
PY
}

@test "one bad record costs no other, and the exit status" {
	# record 0 has a text length of 65535
	poke 4.19 0x1000a ffff
	run -1 --separate-stderr "$PROGRAM" --dump-dmesg 4.19 out
	contains "$stderr" "4.19: the kernel's log is damaged"
	contains "$output" "makedumpfile Failed."
	cmp <(tail -n +2 4.19.log) <(tail -n $(($(wc -l <4.19.log) - 1)) out)
	# descriptor 3 belongs to nobody
	poke 6.19 0x10048 ffffffffffffff3f
	run -1 --separate-stderr "$PROGRAM" --dump-dmesg 6.19 out2
	contains "$stderr" "6.19: the kernel's log is damaged in 1 place"
	equal 1 "$(diff 6.19.log out2 | grep -c '^<.*\] \[')"
	if diff 6.19.log out2 | grep '^>'; then false; fi
	equal 600 "$(stat -c %a out2)"
}

@test "cut dump gives what it still has" {
	# the second page of the text ring is behind the end
	truncate -s $((0x3000 + 0x18400)) 6.19
	run -1 --separate-stderr "$PROGRAM" --dump-dmesg 6.19 out
	contains "$stderr" "the kernel's log is damaged"
	[ -s out ]
	if diff 6.19.log out | grep -q '^> *\[.*\] \[.*\] .'; then false; fi
}
