#!/usr/bin/env -S bats --tap
# SPDX-License-Identifier: GPL-2.0-or-later
# The flattened format: -F makes a stream, -R and makedumpfile-R.pl make the file of it that a direct dump would be.
# a command that fails ends its test, `run` sets stderr, inner shells expand for themselves
# shellcheck disable=SC2154,SC2164,SC2016,SC2094,SC2238

load common

setup_file() {
	cd "$BATS_FILE_TMPDIR"
	mkkernel kernel-6.12 kernel
	mkkernel truncated-6.1 truncated
	mkelf vmcore 0x0,0xa00000 --zero-every 3
	"$PROGRAM" --message-level 0 -d 1 vmcore good
	"$PROGRAM" --message-level 0 -F -d 1 vmcore >good.flat
}

setup() {
	cd "$BATS_TEST_TMPDIR"
	F=$BATS_FILE_TMPDIR
}

flatten() {
	python3 "$ROOT/tests/cli/flatten.py" "$@"
}

# both ways to put a stream in order
both() {
	"$PROGRAM" --message-level 4 -f -R "$2" <"$1"
	"$ROOT/makedumpfile-R.pl" "$2.pl" <"$1" >said
	cmp "$2" "$2.pl"
	rm "$2.pl"
}

@test "stream put in order is the direct dump, to its last byte" {
	for how in "-d 0" "-d 1 -c" "-d 31 -l -b 0" "-d 31 -z --cyclic-buffer 1" "-d 17 -p --non-mmap -b 3"; do
		# shellcheck disable=SC2086 # several words are meant
		"$PROGRAM" --message-level 0 -f $how "$F/kernel" want
		# shellcheck disable=SC2086
		"$PROGRAM" --message-level 0 -F $how "$F/kernel" >flat
		both flat got
		cmp want got
		# through pipes
		# shellcheck disable=SC2086
		"$PROGRAM" --message-level 0 -F $how "$F/kernel" | "$PROGRAM" --message-level 0 -f -R got
		cmp want got
	done
}

@test "stream begins with the header that says incomplete and ends with the one that does not" {
	flatten list "$F/good.flat" >list
	equal "0 464" "$(head -n 1 list)"
	equal "4096 104" "$(sed -n 2p list)"
	equal "0 464
end" "$(tail -n 2 list)"
	# 4096 bytes, then the record of the header: its status word has the mark
	[ $(($(header_word "$F/good.flat" $((4096 + 16 + 424))) & 8)) -ne 0 ]
	if is_incomplete "$F/good"; then false; fi
}

@test "data and descriptors are two rising streams of large records, data first" {
	"$PROGRAM" --message-level 0 -F -b 0 -l -d 1 "$F/vmcore" >small.flat
	for flat in "$F/good.flat" small.flat; do
		flatten list "$flat" >list
		python3 - list "$(stat -c %s "$F/good")" <<'PY'
import sys
records = [tuple(map(int, line.split())) for line in open(sys.argv[1]) if line != "end\n"][1:-1]
first = next(i for i, (offset, length) in enumerate(records) if length >= 65536)
base = records[first][0]
data = [r for r in records[first:] if r[0] >= base]
table = [r for r in records[first:] if r[0] < base]
for lane in (data, table):
    assert lane, "a stream is missing"
    assert all(a + b == c for (a, b), (c, d) in zip(lane, lane[1:])), "does not rise without gaps"
    assert all(length >= 65536 for offset, length in lane[:-1]), "small records"
assert records[first] == data[0] and records[-1] == table[-1]
PY
	done
}

@test "with -F standard output has the stream and nothing else" {
	"$PROGRAM" -D --show-stats --message-level 31 -F -d 1 "$F/vmcore" >flat 2>said
	cmp flat "$F/good.flat"
	grep -q '^The dumpfile is saved to STDOUT\.$' said
	grep -q '^makedumpfile Completed\.$' said
	grep -q '^Write bytes' said
}

@test "-F to a pipe, a FIFO, a file that has something already" {
	mkfifo fifo
	cat fifo >got &
	"$PROGRAM" --message-level 0 -F -d 1 "$F/vmcore" >fifo
	wait
	cmp got "$F/good.flat"
	echo before >file
	"$PROGRAM" --message-level 0 -F -d 1 "$F/vmcore" >>file
	tail -c +8 file | cmp - "$F/good.flat"
}

@test "-F never writes into its input" {
	cp "$F/vmcore" copy
	run -1 bash -c '"$0" -F copy 1<>copy' "$PROGRAM"
	cmp copy "$F/vmcore"
	# opened only: nothing is read before it is refused
	contains "$output" "standard output is the dump that is read"
}

@test "-F whose reader goes away fails without an end" {
	for bytes in 0 1 4096 5000 300000 3000000; do
		run -0 bash -c 'set -o pipefail; { "$0" -F -d 1 "$1" 2>err; echo $? >status; } | head -c "$2" >cut' "$PROGRAM" \
			"$F/vmcore" $bytes
		equal 1 "$(cat status)"
		grep -q 'STDOUT.*Broken pipe' err
		grep -q 'makedumpfile Failed' err
		if [ $bytes -gt 4096 ]; then
			flatten list cut >list
			if grep -q end list; then false; fi
		fi
	done
}

@test "-F on a full device fails" {
	run -1 --separate-stderr bash -c '"$0" -F "$1" >/dev/full' "$PROGRAM" "$F/vmcore"
	contains "$stderr" "No space left on device"
	contains "$stderr" "makedumpfile Failed."
}

@test "pages that are missing leave the mark, in the stream as in the file" {
	run -1 "$PROGRAM" "$F/truncated" want
	run -1 bash -c '"$0" -F "$1" >flat' "$PROGRAM" "$F/truncated"
	flatten list flat >list
	equal end "$(tail -n 1 list)"
	run -0 bash -c '"$0" -R got <flat' "$PROGRAM"
	contains "$output" "marked incomplete"
	cmp want got
	is_incomplete got
}

# --- -R ---------------------------------------------------------------------------------------------------------------

@test "-R takes a stream in whatever pieces and in every order" {
	for bytes in 7 100 4095 65537; do
		flatten pieces "$F/good.flat" flat $bytes
		"$PROGRAM" --message-level 4 -f -R got <flat
		cmp got "$F/good"
		if [ $bytes != 7 ]; then
			"$ROOT/makedumpfile-R.pl" got.pl <flat >said
			cmp got.pl "$F/good"
		fi
	done
	for way in reverse table-first; do
		flatten $way "$F/good.flat" flat
		both flat got
		cmp got "$F/good"
	done
}

@test "-R says where it put the dump, makes it for its owner, and does not overwrite without -f" {
	run -0 bash -c '"$0" -R got <"$1"' "$PROGRAM" "$F/good.flat"
	contains "$output" "The dumpfile is saved to got."
	contains "$output" "makedumpfile Completed."
	equal 600 "$(stat -c %a got)"
	run -1 bash -c '"$0" -R got <"$1"' "$PROGRAM" "$F/good.flat"
	contains "$output" "got: File exists"
	run -1 bash -c '"$0" -f -R copy <copy' "$PROGRAM"
	cp "$F/good.flat" copy
	run -1 bash -c '"$0" -f -R copy <copy' "$PROGRAM"
	contains "$output" "copy is the dump that is read"
	cmp copy "$F/good.flat"
}

@test "-R leaves holes where the dump is zero" {
	flatten make flat 0:begin 100000000:end end
	both flat got
	equal 100000003 "$(stat -c %s got)"
	[ "$(stat -c %b got)" -lt 100 ]
	# zeros that are written over something are zeros
	flatten make flat "0:$(printf 'y%.0s' {1..9000})" "100:*8000" 20000:x00 end
	both flat got
	python3 - <<'PY'
data = open("got", "rb").read()
want = bytearray(20001)
want[:9000] = b"y" * 9000
want[100:8100] = bytes(8000)
assert data == bytes(want)
PY
}

@test "-R --dry-run checks the stream and writes nothing" {
	mkdir empty
	(cd empty && "$PROGRAM" --dry-run -R got <"$F/good.flat" >../said)
	equal "" "$(ls -A empty)"
	head -c 100000 "$F/good.flat" >cut
	run -1 bash -c '"$0" --dry-run -R got <cut' "$PROGRAM"
	[ ! -e got ]
}

@test "cut stream ends at once, with exit 1, the mark, and no page that is not there" {
	flatten table-first "$F/good.flat" foreign.flat
	for flat in "$F/good.flat" foreign.flat; do
		size=$(stat -c %s "$flat")
		for cut in 4112 4200 4576 4577 5000 20000 $((size / 3)) $((size / 2)) $((size - 500)) $((size - 1)); do
			head -c $cut "$flat" >cut.flat
			run -1 --separate-stderr timeout 20 bash -c '"$0" -f -R got <cut.flat' "$PROGRAM"
			contains "$stderr" "is cut off"
			contains "$output" "makedumpfile Failed."
			if [ $cut -ge 4577 ]; then is_incomplete got; fi
			readable_pages got >pages
			run -1 timeout 20 "$ROOT/makedumpfile-R.pl" got <cut.flat
			contains "$output" "Failed."
		done
	done
	# half of the stream is nearly half of the pages
	head -c $((size / 2)) foreign.flat >cut.flat
	run -1 bash -c '"$0" -f -R got <cut.flat' "$PROGRAM"
	[ "$(readable_pages got)" -gt 1000 ]
	readkdump diff got "$F/good" >differences || true
	if grep -q 'bytes differ' differences; then false; fi
}

@test "-R marks the header as soon as it passes, and gives its value back at the end" {
	flatten pieces "$F/good.flat" flat 100
	mkfifo fifo
	"$PROGRAM" -R got <fifo >said &
	exec 7>fifo
	# the last record in front of the end is the header's own value
	head -c -16 flat >&7
	for _ in {1..100}; do
		sleep 0.1
		if [ "$(stat -c %s got 2>/dev/null)" = "$(stat -c %s "$F/good")" ]; then break; fi
	done
	is_incomplete got
	tail -c 16 flat >&7
	exec 7>&-
	wait
	if is_incomplete got; then false; fi
	cmp got "$F/good"
}

@test "-R marks headers of 32 bits, of either byte order, and of ELF files" {
	python3 - <<'PY'
import struct
def main(order, wide):
    at = 408 if wide else 404
    head = bytearray(464 if wide else 452)
    head[:8] = b"KDUMP   "
    struct.pack_into(order + "i", head, 8, 6)
    struct.pack_into(order + "Iiiiiiiiii", head, at + (16 if wide else 8), 1, 4096, 1, 2, 0x10000 if not wide else 100,
                     0, 0, 0, 0, 1)
    return bytes(head)
def elf(order, wide, machine):
    head = bytearray(64 if wide else 52)
    head[:7] = b"\x7fELF" + bytes([2 if wide else 1, 1 if order == "<" else 2, 1])
    struct.pack_into(order + "HH", head, 16, 4, machine)
    struct.pack_into(order + "I", head, 48 if wide else 36, 0x10)
    return bytes(head)
start = (b"makedumpfile".ljust(16, b"\0") + struct.pack(">qq", 1, 1)).ljust(4096, b"\0")
for order in "<>":
    for wide in (0, 1):
        name = f"{'le' if order == '<' else 'be'}{64 if wide else 32}"
        for kind, head in (("kdump", main(order, wide)), ("elf", elf(order, wide, 62)), ("riscv", elf(order, wide, 243))):
            with open(f"{kind}-{name}", "wb") as f:
                f.write(start + struct.pack(">qq", 0, len(head)) + head + struct.pack(">qq", 30000, 4) + b"more")
            open(f"{kind}-{name}.head", "wb").write(head)
PY
	for kind in kdump elf riscv; do
		for shape in le32 be32 le64 be64; do
			run -1 bash -c '"$0" -f -R got <"$1"' "$PROGRAM" $kind-$shape
			python3 - $kind $shape <<'PY'
import struct, sys
kind, shape = sys.argv[1:]
order, wide = "<" if shape[:2] == "le" else ">", shape[2:] == "64"
head = open(f"{kind}-{shape}.head", "rb").read()
got = open("got", "rb").read()[:len(head)]
at = {"kdump": 424 if wide else 412}.get(kind, 48 if wide else 36)
want = bytearray(head)
if kind == "riscv":       # the bit means something else there: no header before the end
    want = bytearray(len(head))
else:
    struct.pack_into(order + "I", want, at, struct.unpack_from(order + "I", head, at)[0] | (8 if kind == "kdump" else 1))
assert got == bytes(want), (kind, shape, got[at:at + 4])
PY
			python3 -c 'import sys; sys.stdout.buffer.write(b"\xff" * 16)' | cat $kind-$shape - >whole
			"$PROGRAM" --message-level 4 -f -R got <whole
			cmp -n "$(stat -c %s $kind-$shape.head)" got $kind-$shape.head
		done
	done
}

@test "broken streams are refused" {
	: >empty
	run -1 bash -c '"$0" -R got <empty' "$PROGRAM"
	contains "$output" "cut off after 0 bytes"
	head -c 8192 /dev/urandom >noise
	run -1 bash -c '"$0" -R got <noise' "$PROGRAM"
	contains "$output" "no flattened dump"
	[ ! -e got ]
	for bad in 0: raw:xfffffffffffffffb000000000000000441414141 raw:xffffffffffffffff0000000000000001 raw:x00000000000000108000000000000000 \
		raw:x7ffffffffffffff00000000000000100; do
		flatten make flat 0:something "$bad" end
		run -1 bash -c '"$0" -f -R got <flat' "$PROGRAM"
		contains "$output" "is broken"
		run -1 "$ROOT/makedumpfile-R.pl" got <flat
		contains "$output" "Failed."
	done
	flatten make flat end
	"$PROGRAM" --message-level 4 -f -R got <flat
	[ ! -s got ]
}

@test "what comes behind the end of the stream is not read" {
	flatten make flat 0:dump end raw:x41424344
	run -0 bash -c '{ "$0" -f -R got >said; cat; } <flat' "$PROGRAM"
	equal ABCD "$output"
	run -0 bash -c '{ "$0" got >said; cat; } <flat' "$ROOT/makedumpfile-R.pl"
	equal ABCD "$output"
}

@test "records may be larger than 2 GiB" {
	flatten make flat 0:begin "1000000:*2200000000" 2200999999:end end
	timeout 100 "$PROGRAM" --message-level 4 -R got <flat
	equal 2201000002 "$(stat -c %s got)"
	equal end "$(tail -c 3 got)"
	[ "$(stat -c %b got)" -lt 100 ]
	rm -f got flat
}

@test "-R to a full disk, or one that fails, leaves the mark and whole pages" {
	for kib in 20 300 4000 6000; do
		run -1 --separate-stderr bash -c "ulimit -f $kib; \"\$0\" -f -R got <\"\$1\"" "$PROGRAM" "$F/good.flat"
		contains "$stderr" "File too large"
		is_incomplete got
		readable_pages got >pages
	done
	for inject in pwrite64:error=EIO:when=9 fsync:error=EIO:when=1 fsync:error=EIO:when=2; do
		run strace -o trace -e trace=pwrite64,fsync -e "inject=$inject" "$PROGRAM" -f -R got <"$F/good.flat"
		equal 1 "$status"
		is_incomplete got
		readable_pages got >pages
	done
}

@test "-R writes devices, where what no record has is zero" {
	yes 'old bytes' | head -c 16777216 >disk.img
	if device=$(losetup --find --show disk.img 2>/dev/null); then
		echo "$device" >loop
		"$PROGRAM" --message-level 4 -f -R "$device" <"$F/good.flat"
		cmp -n "$(stat -c %s "$F/good")" "$device" "$F/good"
	fi
	"$PROGRAM" --message-level 4 -f -R /dev/null <"$F/good.flat"
	[ -c /dev/null ]
}

teardown() {
	if [ -f "$BATS_TEST_TMPDIR/loop" ]; then losetup -d "$(cat "$BATS_TEST_TMPDIR/loop")"; fi
}
