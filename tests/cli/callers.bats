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
