#!/usr/bin/env -S bats --tap
# SPDX-License-Identifier: GPL-2.0-or-later
# What tells about the kernel beside the note: the file of -i, the dumped memory.
# a command that fails ends its test, `run` sets stderr, inner shells expand for themselves
# shellcheck disable=SC2154,SC2164,SC2016

load common

# note_text DUMP: the text of its VMCOREINFO note
note_text() {
	"$PROGRAM" -D --dry-run "$1" x | sed -n '/^VMCOREINFO   :/,/^$/s/^  //p'
}

# silence DUMP OUT: the same dump, whose note nobody can find
silence() {
	python3 - "$@" <<-'PY'
		import sys
		data = open(sys.argv[1], "rb").read()
		assert data.count(b"VMCOREINFO\0") == 1
		open(sys.argv[2], "wb").write(data.replace(b"VMCOREINFO\0", b"XMCOREINFO\0"))
	PY
}

# same_pages A B: beside the note and the time, which it tells, two dumps are equal
same_pages() {
	local f
	equal "$(header_word "$1" 440)" "$(header_word "$2" 440)"
	for f in "$@"; do
		tail -c +$((4096 * (2 + $(header_word "$f" 432)) - 4095)) "$f" >"$f.pages"
	done
	cmp "$1.pages" "$2.pages"
}

setup_file() {
	cd "$BATS_FILE_TMPDIR"
	mkkernel kernel-6.1 vmcore
	"$PROGRAM" --message-level 4 -d 31 vmcore expected
	note_text vmcore >text
	silence vmcore silent
	python3 "$GEN/mkvmlinux.py" text -o vmlinux
}

setup() {
	cd "$BATS_TEST_TMPDIR"
	ln -s "$BATS_FILE_TMPDIR"/* .
}

@test "-i beside the note changes no byte" {
	"$PROGRAM" --message-level 4 -d 31 -i text vmcore out
	cmp out expected
}

@test "-i is enough where there is no note" {
	run -1 "$PROGRAM" -d 31 silent out
	contains "$output" "doesn't contain vmcoreinfo"
	[ ! -e out ]
	"$PROGRAM" --message-level 4 -d 31 -i text silent out
	same_pages out expected
}

@test "-i with a text of another release exits 2 and tells both, -f only warns" {
	sed 's/^OSRELEASE=.*/OSRELEASE=6.1.0-other/' text >other
	run -2 "$PROGRAM" -d 31 -i other vmcore out
	contains "$output" "its release is 6.1.0-other, that of the dump is $(sed -n 's/^OSRELEASE=//p' text)"
	contains "$output" "makedumpfile Failed."
	[ ! -e out ]
	run -0 "$PROGRAM" -f -d 31 -i other vmcore out
	contains "$output" "its release is 6.1.0-other"
	cmp out expected
}

@test "-i with a text of another build exits 2 and tells both" {
	sed 's/^BUILD-ID=.*/BUILD-ID=0123abcd/' text >other
	run -2 "$PROGRAM" -d 31 -i other vmcore out
	contains "$output" "its build id is 0123abcd, that of the dump is $(sed -n 's/^BUILD-ID=//p' text)"
	[ ! -e out ]
}

@test "-i with a file that is missing or no VMCOREINFO fails with 1" {
	run -1 "$PROGRAM" -d 31 -i nowhere vmcore out
	contains "$output" "nowhere: No such file or directory"
	run -1 "$PROGRAM" -d 31 -i vmcore vmcore out
	contains "$output" "is no VMCOREINFO text"
	[ ! -e out ]
}

@test "text in the dumped memory takes the place of the note, and is one in the dump" {
	python3 - <<-'PY'
		import struct
		data = bytearray(open("silent", "rb").read())
		phoff, = struct.unpack_from("<Q", data, 32)
		number, = struct.unpack_from("<H", data, 56)
		loads = [struct.unpack_from("<IIQQQQQQ", data, phoff + 56 * i) for i in range(number)]
		offset, size = max((p[2], p[5]) for p in loads if p[0] == 1)
		text = open("text", "rb").read()
		free = data.rindex(bytes(8192), offset, offset + size)
		free += -(free - offset) % 4096
		data[free:free + len(text)] = text
		open("found", "wb").write(data)
	PY
	run -0 "$PROGRAM" -d 31 found out
	contains "$output" "found in the dumped memory"
	# VMCOREINFO of the sub header is the text
	python3 - <<-'PY'
		import struct
		data, text = open("out", "rb").read(), open("text", "rb").read()
		at, size = struct.unpack_from("<QQ", data, 4096 + 32)
		assert data[at:at + size] == text
		notes, length = struct.unpack_from("<QQ", data, 4096 + 48)
		assert data[notes:notes + length].count(b"VMCOREINFO\0") == 1
		assert notes <= at - 24 and data[at - 24:at - 12] == struct.pack("<III", 11, size, 0)
		assert at + size <= notes + length
	PY
}

@test "-x beside the note changes no byte" {
	"$PROGRAM" --message-level 4 -d 31 -x vmlinux vmcore out
	cmp out expected
}

@test "-x is enough where there is no note: DWARF 2 to 5, compressed, BTF alone" {
	for how in "--dwarf 2" "--dwarf 3" "--dwarf 4" "--dwarf 5" "--compress" "--dwarf 0 --btf" "--btf"; do
		# shellcheck disable=SC2086 # words
		python3 "$GEN/mkvmlinux.py" text -o kernel $how
		"$PROGRAM" --message-level 4 -f -d 31 -x kernel silent out
		same_pages out expected
	done
}

@test "-x knows what each kernel keeps where, from the oldest to the newest" {
	for version in 2.6.32 4.4 5.4 6.6 6.10 6.11 7.1; do
		mkkernel "kernel-$version" old
		note_text old >old.text
		python3 "$GEN/mkvmlinux.py" old.text -o kernel
		"$PROGRAM" --message-level 0 -f -d 31 old old.expected
		silence old old.silent
		"$PROGRAM" --message-level 0 -f -d 31 -x kernel old.silent out
		same_pages out old.expected
	done
}

@test "-x finds a kernel that was moved, its page tables with five levels too" {
	for levels in 4 5; do
		sed "s/^kernel .*/kernel 6.12\nroots extreme-pointer\nkaslr 0x1a00000\nlevels $levels\nphys_base -4194304/" \
			"$GEN/cases/kernel-6.12.txt" >"$levels.txt"
		cp "$GEN"/cases/*.inc .
		python3 "$GEN/mkvmcore.py" "$levels.txt" -o moved
		note_text moved >moved.text
		contains "$(cat moved.text)" "KERNELOFFSET=1a00000"
		python3 "$GEN/mkvmlinux.py" moved.text -o kernel
		"$PROGRAM" --message-level 4 -f -d 31 moved moved.expected
		"$PROGRAM" --message-level 4 -f -d 31 -x kernel moved out
		cmp out moved.expected
		silence moved moved.silent
		"$PROGRAM" --message-level 4 -f -d 31 -x kernel moved.silent out
		same_pages out moved.expected
		"$PROGRAM" --message-level 4 -f -d 31 -i moved.text moved.silent out
		same_pages out moved.expected
	done
}

@test "-x with another kernel exits 2 and tells both values, -f only warns" {
	python3 "$GEN/mkvmlinux.py" text -o other --build-id 0123abcd
	run -2 "$PROGRAM" -d 31 -x other vmcore out
	contains "$output" "its build id is 0123abcd, that of the dump is $(sed -n 's/^BUILD-ID=//p' text)"
	python3 "$GEN/mkvmlinux.py" text -o other --release 6.1.0-other
	run -2 "$PROGRAM" -d 31 -x other vmcore out
	contains "$output" "its release is 6.1.0-other, that of the dump is $(sed -n 's/^OSRELEASE=//p' text)"
	[ ! -e out ]
	run -0 "$PROGRAM" -f -d 31 -x other vmcore out
	contains "$output" "its release is 6.1.0-other"
	cmp out expected
}

@test "-x takes what was stripped from the debug file that .gnu_debuglink names" {
	python3 "$GEN/mkvmlinux.py" text -o kernel --separate kernel.debug --link
	"$PROGRAM" --message-level 4 -d 31 -x kernel silent out
	same_pages out expected
	mkdir .debug
	mv kernel.debug .debug
	"$PROGRAM" --message-level 4 -f -d 31 -x kernel silent out
	same_pages out expected
	# one that is not what the link was made for
	printf x >>.debug/kernel.debug
	run -1 "$PROGRAM" -f -d 31 -x kernel silent out
	contains "$output" "kernel has no symbols, nor a debug file that has them"
}

@test "-x with a file that is missing, no linked ELF, or without debug information fails with 1, once" {
	run -1 "$PROGRAM" -d 31 -x nowhere vmcore out
	contains "$output" "nowhere: No such file or directory"
	run -1 "$PROGRAM" -d 31 -x text vmcore out
	contains "$output" "text is no ELF file"
	run -1 "$PROGRAM" -d 31 -x vmcore vmcore out
	contains "$output" "no linked ELF file"
	python3 "$GEN/mkvmlinux.py" text -o bare --dwarf 0
	run -1 "$PROGRAM" -d 31 -x bare vmcore out
	contains "$output" "bare has no debug information"
	equal "$(grep -c bare <<<"$output")" 1
	[ ! -e out ]
}

@test "-g writes a text from BTF or DWARF, the same one, and -i lives on it" {
	for how in "--dwarf 4" "--dwarf 0 --btf"; do
		# shellcheck disable=SC2086 # words
		python3 "$GEN/mkvmlinux.py" text -o kernel $how
		run -0 "$PROGRAM" -g made -x kernel
		contains "$output" "The vmcoreinfo is saved to made."
		contains "$output" "makedumpfile Completed."
		[ ! -e made.first ] || cmp made made.first
		cp made made.first
	done
	"$PROGRAM" --message-level 4 -d 31 -i made silent out
	same_pages out expected
	"$PROGRAM" --message-level 4 -f -d 31 -i made vmcore out
	cmp out expected
	equal "$(head -n 3 made)" "$(grep -E '^(OSRELEASE|BUILD-ID|PAGESIZE)=' text)"
	# what it says is what the kernel says
	grep -vE '^LENGTH|^SYMBOL' made | while read -r line; do
		contains "$(cat text)" "$line"
	done
	[ "$(wc -l <made)" -gt 40 ]
}

@test "-g overwrites its file, whose mode is the usual one, but never the file of -x" {
	echo "much longer than nothing, and no text of a kernel" >made
	chmod 640 made
	"$PROGRAM" --message-level 4 -g made -x vmlinux
	equal "$(stat -c %a made)" 640
	lacks "$(cat made)" "longer"
	(umask 027 && "$PROGRAM" --message-level 4 -g fresh -x vmlinux)
	equal "$(stat -c %a fresh)" 640
	cp vmlinux kernel
	ln -s kernel link
	run -1 "$PROGRAM" -g link -x kernel
	contains "$output" "link is the file that -x names"
	cmp kernel vmlinux
	"$PROGRAM" --message-level 4 -g /dev/stdout -x vmlinux | cmp - made
}

@test "-g says what is missing, and leaves nothing behind" {
	for drop in "SYMBOL(mem_section)" "OFFSET(mem_section.section_mem_map)"; do
		python3 "$GEN/mkvmlinux.py" text -o kernel --drop "$drop"
		run -1 "$PROGRAM" -g made -x kernel
		contains "$output" "struct pages cannot be told"
		[ ! -e made ]
	done
	run -1 "$PROGRAM" -g /dev/full -x vmlinux
	contains "$output" "/dev/full: No space left on device"
	run -1 "$PROGRAM" -g nowhere/made -x vmlinux
	contains "$output" "nowhere/made: No such file or directory"
}
