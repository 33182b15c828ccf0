#!/usr/bin/env -S bats --tap
# SPDX-License-Identifier: GPL-2.0-or-later
# What is said during a dump, where, and in which form.
# a command that fails ends its test, `run` sets stderr, inner shells expand for themselves
# shellcheck disable=SC2154,SC2164,SC2016

load common

setup_file() {
	cd "$BATS_FILE_TMPDIR"
	mkkernel kernel-6.12 kernel
	mkelf plain 0x0,0x100000 0x200000,0x80123,0x40000 --zero-every 3
}

setup() {
	cd "$BATS_TEST_TMPDIR"
	ln -s "$BATS_FILE_TMPDIR/kernel" "$BATS_FILE_TMPDIR/plain" "$BATS_FILE_TMPDIR/kernel.expect" .
}

@test "last lines name the dump as it was given" {
	mkdir a
	run -0 --separate-stderr --keep-empty-lines "$PROGRAM" plain ./a/../out
	equal "
The dumpfile is saved to ./a/../out.

makedumpfile Completed.
" "$output"
}

@test "phases are told on standard error, each once complete" {
	run -0 --separate-stderr "$PROGRAM" plain out
	equal 3 "$(grep -c . <<<"$stderr")"
	i=0
	for phase in "Checking for memory holes" "Excluding unnecessary pages" "Copying data"; do
		i=$((i + 1))
		sed -n "${i}p" <<<"$stderr" | grep -Eqx "$(printf '%-50s' "$phase"): \[100\.0 %\] [/|\\-]  .{16}"
	done
	# only the copy has an estimate
	equal 1 "$(grep -c 'eta: ' <<<"$stderr")"
	lacks "$stderr" $'\r'
}

@test "classes of messages come alone when asked for alone" {
	run -0 --separate-stderr "$PROGRAM" --message-level 1 plain out1
	equal "" "$output"
	contains "$stderr" "Copying data"
	run -0 --separate-stderr "$PROGRAM" --message-level 2 plain out2
	contains "$output" "makedumpfile Completed."
	equal "" "$stderr"
	run -1 --separate-stderr "$PROGRAM" --message-level 4 nowhere out4
	equal "" "$output"
	contains "$stderr" "No such file"
	run -0 --separate-stderr "$PROGRAM" --message-level 8 plain out8
	contains "$output" "command line:"
	lacks "$output" "Completed"
	equal "" "$stderr"
	run -0 --separate-stderr "$PROGRAM" --message-level 16 plain out16
	contains "$output" "Original pages"
	lacks "$output" "Completed"
	lacks "$output" "command line"
	equal "" "$stderr"
	run -0 --separate-stderr "$PROGRAM" --message-level 0 plain out0
	equal "" "$output$stderr"
	cmp out0 out16
}

@test "debug messages begin with version and command line" {
	"$PROGRAM" -D plain out >said
	head -n 1 said | grep -Eq '^makedumpfile: version .* \(released on .*\)$'
	grep -E "^command line: .*makedumpfile -D plain out *$" said
	grep -q 'LOAD\[ 0\]' said
	grep -q 'phys_start' said
}

@test "debug messages have every line of VMCOREINFO behind two blanks" {
	"$PROGRAM" --message-level 8 -d 1 kernel out >said
	readkdump info --vmcoreinfo out | grep -E '^ *(OSRELEASE|CRASHTIME|PAGESIZE)=' >lines || true
	# as SUSE's scripts read it
	awk -F'[ =]+' '$2 == "OSRELEASE" { print $3 }' said | grep -qx '6\.12.*'
	grep -qx 'VMCOREINFO   :' said
	sed -n '/^VMCOREINFO   :$/,/^$/p' said | sed '1d;$d' >listed
	[ -s listed ]
	if grep -vq '^  [^ ]' listed; then false; fi
	sed 's/^  //' listed >text
	# the same bytes as in the dump
	python3 - <<'PY'
import struct
dump = open("out", "rb").read()
at, size = struct.unpack_from("<QQ", dump, 4096 + 32)
assert dump[at:at + size].rstrip(b"\0").rstrip(b"\n") == open("text", "rb").read().rstrip(b"\n")
PY
}

# Checks the layout of a report and that its rows add up; prints "ROW VALUE" lines.
check_report() {
	python3 - "$1" <<'PY'
import re, sys
text = open(sys.argv[1]).read()
report = re.search(r"""
\n
Original\ pages\ \ :\ (?P<original>0x[0-9a-f]{16})\n
\ \ Excluded\ pages\ \ \ :\ (?P<excluded>0x[0-9a-f]{16})\n
\ \ \ \ Pages\ filled\ with\ zero\ \ :\ (?P<zero>0x[0-9a-f]{16})\n
\ \ \ \ Non-private\ cache\ pages\ :\ (?P<cache>0x[0-9a-f]{16})\n
\ \ \ \ Private\ cache\ pages\ \ \ \ \ :\ (?P<private>0x[0-9a-f]{16})\n
\ \ \ \ User\ process\ data\ pages\ :\ (?P<user>0x[0-9a-f]{16})\n
\ \ \ \ Free\ pages\ \ \ \ \ \ \ \ \ \ \ \ \ \ :\ (?P<free>0x[0-9a-f]{16})\n
\ \ \ \ Hwpoison\ pages\ \ \ \ \ \ \ \ \ \ :\ (?P<hwpoison>0x[0-9a-f]{16})\n
\ \ \ \ Offline\ pages\ \ \ \ \ \ \ \ \ \ \ :\ (?P<offline>0x[0-9a-f]{16})\n
(?:\ \ \ \ Pages\ not\ in\ the\ input\ \ :\ (?P<empty>0x[0-9a-f]{16})\n)?
\ \ Remaining\ pages\ \ :\ (?P<remaining>0x[0-9a-f]{16})\n
(?:\ \ \(The\ number\ of\ pages\ is\ reduced\ to\ (?P<percent>\d+)%\.\)\n)?
Memory\ Hole\ \ \ \ \ :\ (?P<hole>0x[0-9a-f]{16})\n
-{50}\n
Total\ pages\ \ \ \ \ :\ (?P<total>0x[0-9a-f]{16})\n
Write\ bytes\ \ \ \ \ :\ (?P<bytes>\d+)\n
\n
Cache\ hit:\ (?P<hit>\d+),\ miss:\ (?P<miss>\d+)(?:,\ hit\ rate:\ (?P<rate>\d+\.\d)%)?\n
\n
""", text, re.X)
assert report, "no report in:\n" + text
row = {k: int(v, 0) for k, v in report.groupdict().items() if v is not None and k != "rate"}
parts = sum(row.get(k, 0) for k in "zero cache private user free hwpoison offline empty".split())
assert row["excluded"] == parts, "excluded pages are not the sum of their rows"
assert row["remaining"] == row["original"] - row["excluded"]
assert row["total"] == row["original"] + row["hole"]
assert row["percent"] == row["remaining"] * 100 // row["original"]
if row["hit"] + row["miss"]:
    assert abs(float(report["rate"]) - 100 * row["hit"] / (row["hit"] + row["miss"])) <= 0.05 + 1e-9
for key, value in row.items():
    print(key, value)
PY
}

@test "report has its layout and its rows add up, at every level" {
	for level in 0 1 2 4 8 16 31; do
		"$PROGRAM" --show-stats -f -d $level kernel out >said
		check_report said >rows
		# zero pages are left, only their bytes are shared
		python3 "$GEN/expect.py" --totals $level kernel.expect >want
		kept=$(awk '$1 == "bitmap2" { print $2 }' want)
		# they are told apart only when asked for
		zero=$((level & 1 ? $(awk '$1 == "zero" { print $2 }' want) : 0))
		equal $((kept - zero)) "$(awk '$1 == "remaining" { print $2 }' rows)"
		equal "$zero" "$(awk '$1 == "zero" { print $2 }' rows)"
		equal "$(awk '$1 == "bitmap1" { print $2 }' want)" "$(awk '$1 == "original" { print $2 }' rows)"
	done
}

@test "report counts what the input never had" {
	"$PROGRAM" --message-level 16 -d 1 plain out >said
	check_report said >rows
	grep -qx "empty 65" rows
	grep -qx "original 385" rows
	grep -qx "hole 256" rows
}

@test "report counts the bytes that were written" {
	"$PROGRAM" --message-level 16 -d 0 plain out >said
	check_report said >rows
	# no holes but around headers and bitmaps: header twice, sub header, bitmaps, descriptors, pages
	equal $((2 * 464 + 104 + 2 * 81 + 320 * (24 + 4096))) "$(awk '$1 == "bytes" { print $2 }' rows)"
}

@test "report says how long each phase took" {
	"$PROGRAM" --show-stats plain out >said
	equal 3 "$(grep -Ecx 'STEP \[.{27}\] : [0-9]+\.[0-9]{6} seconds' said)"
	grep -q 'STEP \[Checking for memory holes  \] : ' said
	grep -q 'STEP \[Excluding unnecessary pages\] : ' said
	grep -q 'STEP \[Copying data               \] : ' said
}

@test "report of a dry run is that of the dump" {
	"$PROGRAM" --message-level 16 -d 31 kernel out | grep -v '^STEP' >real
	"$PROGRAM" --message-level 16 -d 31 --dry-run kernel nothing | grep -v '^STEP' >dry
	diff real dry
	[ ! -e nothing ]
}

@test "translation of an address is shown, then the dump goes on" {
	symbol=$(strings -n 8 kernel | sed -n 's/^SYMBOL(_stext)=//p' | head -n 1)
	run -0 --separate-stderr "$PROGRAM" --vtop "0x$symbol" -d 1 kernel out
	contains "$output" "Translating virtual address $symbol to physical address."
	contains "$output" "VIRTUAL           PHYSICAL"
	grep -Eq '^  PGD : +[0-9a-f]+ => +[0-9a-f]+$' <<<"$output"
	grep -Eq "^$symbol  [0-9a-f]+\$" <<<"$output"
	contains "$output" "makedumpfile Completed."
	run -0 --separate-stderr "$PROGRAM" --vtop 0xdead000000000000 -f -d 1 kernel out
	contains "$output" "dead000000000000  ffffffffffffffff"
	contains "$stderr" "0xdead000000000000"
	contains "$output" "makedumpfile Completed."
}

@test "messages keep their order when both streams end in one file" {
	"$PROGRAM" -d 1 plain out >said 2>&1
	equal "Copying data" "$(grep -E '^(Copying|The dumpfile)' said | head -n 1 | cut -c1-12)"
	equal "makedumpfile Completed." "$(tail -n 1 said)"
}

@test "on a terminal a message never stands in a line of progress" {
	"$BATS_TEST_DIRNAME/terminal.py" "$PROGRAM" -d 1 plain out >said
	python3 - <<'PY'
import sys
with open("said", "rb") as said:
    text = said.read().decode().replace("\r\n", "\n")
if "%]" not in text or "\r" not in text:
    sys.exit("no progress was shown on the terminal")
for line in text.split("\n"):
    if "%]" in line and not line.split("\r")[-1].rstrip().endswith(("s", "/", "|", "\\", "-")):
        sys.exit(f"glued: {line!r}")
PY
	grep -q 'makedumpfile Completed' said
}
