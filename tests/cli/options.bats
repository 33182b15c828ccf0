#!/usr/bin/env -S bats --tap
# SPDX-License-Identifier: GPL-2.0-or-later
# The command line: help, version, checks, refusals.
# a command that fails ends its test, `run` sets stderr, inner shells expand for themselves
# shellcheck disable=SC2154,SC2164,SC2016

load common

PAIR="Commandline parameter is invalid.
Try \`makedumpfile --help' for more information."

setup_file() {
	cd "$BATS_FILE_TMPDIR"
	mkelf vmcore 0x0,0x10000
}

setup() {
	cd "$BATS_TEST_TMPDIR"
	ln -s "$BATS_FILE_TMPDIR/vmcore" vmcore
}

# state letter name argument of every row; "-" where there is none
rows() {
	sed -n 's/^OPTION([a-z_]*,[[:blank:]]*\([^,]*\), \([^,]*\), \([^,]*\), \([A-Z]*\), .*/\4 \1 \2 \3/p' \
		"$ROOT/command/options.def" | tr -d "\"'" | sed 's/\<NULL\>/-/g; s/ 0 / - /'
}

@test "help begins with a blank line and the compressors, on standard output" {
	"$PROGRAM" -h >out 2>err
	[ ! -s err ]
	"$PROGRAM" -v >version
	for name in LZO snappy zstd; do
		printf '%s support:\n' "$name"
		if grep -qix "$name	enabled" version; then echo "  enabled"; else echo "  disabled (...)"; fi
	done >want
	equal "" "$(head -n 1 out)"
	equal "$(cat want)" "$(sed -n '2,7s/disabled (.*/disabled (...)/;2,7p' out)"
	grep -qx 'Usage:' out
	# as Debian's package test looks for it
	grep -A1 -x 'LZO support:' out | tail -n 1 | grep -Eqx '  (enabled|disabled \(.*\))'
}

@test "--help is -h, and beats -v wherever it stands" {
	"$PROGRAM" -h >short
	"$PROGRAM" --help >long
	"$PROGRAM" -v -h >both
	cmp short long
	cmp short both
}

@test "version has its line, the compressors in their order, and a blank line" {
	"$PROGRAM" -v >out 2>err
	[ ! -s err ]
	sed -n 1p out | grep -Eqx 'makedumpfile: version [0-9]+\.[0-9]+\.[0-9]+(\+\+)? \(released on [0-9]{1,2} [A-Z][a-z]{2} [0-9]{4}\)'
	sed -n 2p out | grep -Eqx 'lzo	(enabled|disabled)'
	sed -n 3p out | grep -Eqx 'snappy	(enabled|disabled)'
	sed -n 4p out | grep -Eqx 'zstd	(enabled|disabled)'
	equal 5 "$(wc -l <out)"
	equal "" "$(sed -n 5p out)"
}

@test "help and version are common messages: silent at level 0, exit 0" {
	run -0 "$PROGRAM" -h --message-level 0
	equal "" "$output"
	run -0 "$PROGRAM" --message-level 0 -v
	equal "" "$output"
}

@test "help that cannot be written is a failure" {
	run -1 sh -c '"$1" -h >/dev/full' sh "$PROGRAM"
	run -1 sh -c '"$1" -v >/dev/full' sh "$PROGRAM"
}

@test "bad option on the line fails although help was asked for" {
	run -1 "$PROGRAM" -h -d 99
	contains "$output" "invalid"
	run -1 "$PROGRAM" -v --nothing
}

@test "--check-params is silent about a valid line and opens no file" {
	for line in "vmcore out" "-c -d 31 nowhere nothing" "-l --message-level 31 -D /nowhere/x /nowhere/y" \
		"-f --dry-run --show-stats x y" "-b 3 --cyclic-buffer 5 --work-dir /nowhere --non-mmap x y"; do
		# shellcheck disable=SC2086 # words on purpose
		run -0 --separate-stderr "$PROGRAM" --check-params $line
		equal "" "$output"
		equal "" "$stderr"
	done
	[ ! -e out ]
}

@test "--check-params says what is wrong, without the last line" {
	run -1 --separate-stderr "$PROGRAM" --check-params -d 99 vmcore out
	equal "Dump_level(99) is invalid.
$PAIR" "$output"
	run -1 --separate-stderr "$PROGRAM" --check-params --message-level 77 vmcore out
	equal "Message_level(77) is invalid.
$PAIR" "$output"
	run -1 --separate-stderr "$PROGRAM" --check-params vmcore
	equal "$PAIR" "$output"
	# given behind the bad option it comes too late for that
	run -1 --separate-stderr "$PROGRAM" -d 99 --check-params vmcore out
	contains "$output" "makedumpfile Failed."
}

@test "invalid line is told in two lines, and the last line says Failed" {
	for line in "" "vmcore" "vmcore out more" "-c"; do
		# shellcheck disable=SC2086
		run -1 --separate-stderr --keep-empty-lines "$PROGRAM" $line
		equal "$PAIR

makedumpfile Failed.
" "$output"
		equal "" "$stderr"
	done
}

@test "getopt tells of unknown options, missing and unwanted arguments" {
	run -1 --separate-stderr "$PROGRAM" --nothing vmcore out
	contains "$stderr" "--nothing"
	contains "$output" "$PAIR"
	run -1 --separate-stderr "$PROGRAM" -Q vmcore out
	contains "$stderr" "'Q'"
	run -1 --separate-stderr "$PROGRAM" vmcore out -d
	contains "$stderr" "requires an argument"
	run -1 --separate-stderr "$PROGRAM" --dry-run=1 vmcore out
	contains "$stderr" "doesn't allow an argument"
	run -1 --separate-stderr "$PROGRAM" --sp vmcore out
	contains "$stderr" "ambiguous"
	# there never was a long form of -v
	run -1 --separate-stderr "$PROGRAM" --version
	[ ! -e out ]
}

@test "every option that this build lacks says so, exits 1 and makes no file" {
	n=0
	while read -r state letter name argument; do
		[ "$state" = LATER ] || continue
		n=$((n + 1))
		for option in ${letter#-} ${name#-}; do
			case $option in
			?) option=-$option ;;
			*) option=--$option ;;
			esac
			if [ "$argument" = - ]; then
				run -1 --separate-stderr "$PROGRAM" "$option" vmcore out
			else
				run -1 --separate-stderr "$PROGRAM" "$option" 1 vmcore out
			fi
			contains "$output" "is not available in this build."
			contains "$output" "$([ "$name" = - ] && echo "$option" || echo "--$name")"
			contains "$output" "makedumpfile Failed."
			lacks "$output" "Commandline parameter"
			[ ! -e out ]
		done
	done < <(rows)
	[ "$n" -gt 5 ]
}

# company OPTION: the command line in which it makes sense
company() {
	case $1 in
	-F) echo --dump-dmesg vmcore ;;
	-R) echo out ;;
	-g) echo -x vmlinux ;;
	--split) echo vmcore out1 out2 ;;
	--diskset) echo out ;;
	--mem-usage) echo kcore ;;
	--config) echo -x vmlinux vmcore out ;;
	--partial-dmesg) echo --dump-dmesg vmcore log ;;
	*) echo vmcore out ;;
	esac
}

@test "every option that works is accepted" {
	n=0
	while read -r state letter name argument; do
		[ "$state" = WORKS ] || continue
		n=$((n + 1))
		for option in ${letter#-} ${name#-}; do
			case $option in
			?) option=-$option ;;
			*) option=--$option ;;
			esac
			if [ "$argument" = - ]; then
				set -- "$option"
			else
				set -- "$option" 1
			fi
			# shellcheck disable=SC2046 # several words are meant
			"$PROGRAM" --check-params "$@" $(company "$option") >said
		done
	done < <(rows)
	[ "$n" -gt 10 ]
}

@test "threads may be any number, negative ones are none" {
	"$PROGRAM" --num-threads 0 vmcore out
	"$PROGRAM" -f --num-threads=-1 -D vmcore out >said
	grep -qx "Threads: 1, 192 KiB each" said
	"$PROGRAM" -f --num-threads 3 -D vmcore out >said
	grep -qx "Threads: 3, 192 KiB each" said
	"$PROGRAM" -f --num-threads 2147483647 vmcore out
	run -1 "$PROGRAM" -f --num-threads many vmcore out
	contains "$output" '"many" is not a number of threads'
}

@test "bad numbers are named" {
	for level in 32 -1 x 31x 1,77; do
		run -1 "$PROGRAM" -d "$level" vmcore out
		contains "$output" "Dump_level(${level#1,}) is invalid."
	done
	for level in 32 -1 abc; do
		run -1 "$PROGRAM" --message-level "$level" vmcore out
		contains "$output" "Message_level($level) is invalid."
	done
	run -1 "$PROGRAM" -b 99 vmcore out
	contains "$output" '"99"'
	run -1 "$PROGRAM" --cyclic-buffer x vmcore out
	contains "$output" '"x"'
	run -1 "$PROGRAM" --vtop ffffffff81000000 vmcore out
	contains "$output" '"ffffffff81000000"'
	[ ! -e out ]
}

@test "options may follow the files, in pieces and in bundles" {
	"$PROGRAM" vmcore -cd 1 out --mess 2
	equal 1 "$(header_word out 424)"
	equal 1 "$(header_word out 4104)"
	"$PROGRAM" -fcDd0 vmcore out >said
	equal 1 "$(header_word out 424)"
	equal 0 "$(header_word out 4104)"
	grep -q "^command line:" said
	"$PROGRAM" -f -d 1 --cyclic-buffer=4 --work-dir=. vmcore -- out
}

@test "level 0 fails without a word" {
	run -1 "$PROGRAM" --message-level 0 nowhere out
	equal "" "$output"
	run -1 "$PROGRAM" --message-level 0 -d 99 nowhere out
	equal "" "$output"
}
