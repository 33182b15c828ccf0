#!/usr/bin/env -S bats --tap
# SPDX-License-Identifier: GPL-2.0-or-later
# Command lines of programs that run this one, as they write them, and what they read of its output.
# shellcheck disable=SC2154,SC2164

load common

setup_file() {
	cd "$BATS_FILE_TMPDIR"
	mkkernel kernel-6.1 kernel
}

setup() {
	cd "$BATS_TEST_TMPDIR"
	ln -s "$BATS_FILE_TMPDIR/kernel" vmcore
}

@test "Fedora: the core collector, one stream for all it says, with and without threads" {
	local collector="$PROGRAM -l --message-level 7 -d 31"
	$collector vmcore vmcore-incomplete >console 2>&1
	contains "$(<console)" "The dumpfile is saved to vmcore-incomplete."
	equal "$(tail -n 1 console)" "makedumpfile Completed."
	mv vmcore-incomplete one
	$collector --num-threads=2 vmcore vmcore-incomplete >console 2>&1
	cmp one vmcore-incomplete
	# a file that is there stays as it is
	# shellcheck disable=SC2086 # several words are meant
	run -1 $collector vmcore vmcore-incomplete
	cmp one vmcore-incomplete
}

@test "Fedora: parameters are checked without a file, and without a word" {
	local good
	for good in '-l --message-level 7 -d 31' '-c' '-l --message-level 0' '-l --message-level 1' '-l --message-level 31' \
		'-l -d 0' '-l -d 1' '-l -d 31' '-l --message-level 7 -d 31 --num-threads=4'; do
		# shellcheck disable=SC2086 # several words are meant
		run -0 "$PROGRAM" --check-params $good nowhere/vmcore nowhere/dumpfile
		equal "$output" ""
	done
	local bad
	for bad in '--message-level 32' '--message-level -1' '-d 32' '-d -1' '-F'; do
		# shellcheck disable=SC2086
		run -1 "$PROGRAM" --check-params -l $bad vmcore dumpfile
	done
}

@test "RHEL: dry runs with options behind the files create nothing" {
	local option
	for option in '-z -d 31' '-c -d 31' '-l -d 31' '-p -d 31' '-l -d 7' '-l -d 9' '-l -d 16' \
		'-l -d 31 --message-level 1' '-l -d 31 --message-level 7'; do
		# shellcheck disable=SC2086
		run -0 "$PROGRAM" vmcore vmcore.dummy --dry-run --show-stats $option
		contains "$output" "Write bytes     : "
		[ ! -e vmcore.dummy ]
	done
}

@test "Oracle: size of a dump by the estimator's line" {
	run -0 "$PROGRAM" --dry-run --show-stats -l --message-level 7 -d 31 vmcore dump.dummy
	contains "$output" "Write bytes     : "
	[ ! -e dump.dummy ]
}

@test "Oracle: oled finds the table by its first line, columns by their names" {
	"$PROGRAM" --mem-usage vmcore >said 2>&1
	run -0 python3 - said <<'PY'
import sys
lines = open(sys.argv[1]).read().strip().splitlines()
head = lines[0].split()
kind, pages = head.index("TYPE"), head.index("PAGES")
rows = {l.split()[kind]: int(l.split()[pages]) for l in lines if len(l.split()) > 2 and l.split()[kind].isupper() and l is not lines[0]}
size = [int(l.split()[-1]) for l in lines if "page size:" in l]
total = [int(l.split()[-1]) for l in lines if "Total pages on system:" in l]
assert size == [4096] and len(total) == 1, (size, total)
assert sorted(rows) == sorted("ZERO NON_PRI_CACHE PRI_CACHE USER FREE KERN_DATA".split()), rows
assert sum(rows.values()) <= total[0], (rows, total)
PY
	run ! grep -iE "fail|error|invalid|can't" said
}

@test "Fedora: a stream to ssh or a raw disk, and back at the next boot" {
	local collector="$PROGRAM -l --message-level 7 -d 31"
	$collector vmcore want >/dev/null 2>&1
	run -0 "$PROGRAM" --check-params -l --message-level 7 -d 31 -F vmcore
	equal "$output" ""
	# the option is put at the end of the words, and the disk goes on behind the dump
	truncate -s 64M raw
	(set -o pipefail && $collector -F vmcore 2>console | dd of=raw bs=512 conv=notrunc status=none)
	contains "$(<console)" "The dumpfile is saved to STDOUT."
	"$PROGRAM" -R vmcore.new <raw >/dev/null 2>&1
	cmp want vmcore.new
	# a disk without a dump is told at once
	truncate -s 1M empty
	run -1 timeout 5 "$PROGRAM" -R other <empty
}

@test "Debian: a stream through a compressor, -F once or twice" {
	"$PROGRAM" -c -d 31 vmcore want >/dev/null 2>&1
	# shellcheck disable=SC2043
	for args in '-F -c -d 31' '-c -d 31 -F' '-F -F -c -d 31'; do
		# shellcheck disable=SC2086
		"$PROGRAM" $args vmcore 2>/dev/null | gzip -1 >dump-incomplete
		gzip -dc dump-incomplete | "$PROGRAM" -f -R out >/dev/null 2>&1
		cmp want out
	done
}

@test "SUSE: streams of all formats into a FIFO, with threads" {
	local format
	for format in -E -c -l -p -z; do
		"$PROGRAM" $format --message-level 0 -d 31 vmcore want
		mkfifo fifo
		cat fifo >stream &
		"$PROGRAM" -F $format --num-threads 2 --message-level 6 -d 31 vmcore >fifo 2>said
		wait
		rm fifo
		"$PROGRAM" -R out <stream >/dev/null 2>&1
		cmp want out
		rm -f out want
	done
}

@test "retrace-server: a stream in a file is told by its first bytes" {
	"$PROGRAM" -c -d 0 --message-level 0 vmcore want
	"$PROGRAM" -F -c -d 0 vmcore >flat 2>/dev/null
	equal "makedumpfile" "$(head -c 12 flat)"
	"$PROGRAM" -R new <flat >/dev/null
	cmp want new
}

@test "RHEL: split with a name for each part, then joined" {
	"$PROGRAM" -d 31 vmcore want >/dev/null 2>&1
	run -0 "$PROGRAM" --split -d 31 vmcore f1 f2 f3
	contains "$output" "The dumpfiles are saved to f1, f2, and f3."
	run -0 "$PROGRAM" --reassemble f1 f2 f3 out
	contains "$output" "The dumpfile is saved to out."
	cmp want out
	run -0 "$PROGRAM" --split --splitblock-size 1024 -d 31 -f vmcore f1 f2 f3
	run -0 "$PROGRAM" -f --reassemble f1 f2 f3 out
	cmp want out
	run -0 "$PROGRAM" -f --splitblock-size 1024 -d 31 vmcore out
	contains "$output" "--splitblock-size means nothing without --split."
}

@test "Google, NixOS and the kernel's manual: plain lines" {
	"$PROGRAM" -c -d 31 vmcore a
	"$PROGRAM" -c -d 31 --num-threads 2 vmcore b
	cmp a b
	"$PROGRAM" -l --message-level 1 -d 31 vmcore c
}

@test "OpenPOWER: every option's run ends with the file's name on standard output" {
	local option
	for option in '-b 8' -f '--cyclic-buffer 1024' '--work-dir .' --non-mmap -D '--num-threads 8' -c -p '-e --work-dir .'; do
		rm -f out
		# shellcheck disable=SC2086
		run -0 --separate-stderr "$PROGRAM" -d 31 vmcore out $option
		contains "$output" "The dumpfile is saved to out."
	done
	run -0 "$PROGRAM" -v
	[[ ${lines[0]} =~ version\ [0-9]+\.[0-9]+\.[0-9]+\ \(released ]]
}

@test "SUSE: lines of VMCOREINFO are debug messages, two blanks and KEY=VALUE" {
	run -0 "$PROGRAM" -D -d 31 --dry-run vmcore x
	equal "$(awk -F '[ =]+' '$2 == "OSRELEASE" { print $3; exit }' <<<"$output")" \
		"$(grep -aoE '^OSRELEASE=.+|OSRELEASE=[0-9A-Za-z.+-]+' vmcore | head -n 1 | cut -d = -f 2)"
	contains "$output" "VMCOREINFO   :"
}

@test "address that the page tables do not map has no physical one" {
	# in the range of the kernel's image, and behind the image
	run -0 --separate-stderr "$PROGRAM" --vtop 0xffffffffbf000000 -d 1 --dry-run vmcore x
	contains "$output" "ffffffffbf000000  ffffffffffffffff"
	contains "$stderr" "0xffffffffbf000000 is not mapped"
}
