#!/usr/bin/env -S bats --tap
# SPDX-License-Identifier: GPL-2.0-or-later
# The file that is read: what is refused, and with which words; what is lost.
# a command that fails ends its test, `run` sets stderr, inner shells expand for themselves
# shellcheck disable=SC2154,SC2164,SC2016

load common

setup_file() {
	cd "$BATS_FILE_TMPDIR"
	mkelf vmcore 0x0,0x100000 --zero-every 3
}

setup() {
	cd "$BATS_TEST_TMPDIR"
	ln -s "$BATS_FILE_TMPDIR/vmcore" vmcore
}

teardown() {
	if [ -f "$BATS_TEST_TMPDIR/loop" ]; then losetup -d "$(cat "$BATS_TEST_TMPDIR/loop")"; fi
}

# refused FILE WORDS [OPTION...]: exit status 1, the words, the file's name, no dump
refused() {
	local file=$1 words=$2
	shift 2
	run -1 timeout 5 "$PROGRAM" "$@" "$file" out
	contains "$output" "$words"
	contains "$output" "$file"
	contains "$output" "makedumpfile Failed."
	[ ! -e out ]
}

@test "file that is missing is named with the system's words" {
	refused nowhere "No such file or directory"
	refused vmcore/x "Not a directory"
}

@test "folders, empty files and text are no dumps" {
	mkdir folder
	refused folder "is a directory"
	: >empty
	refused empty "not a dump of a known format"
	echo hello >text
	refused text "not a dump of a known format"
	refused /dev/zero "not a dump"
	refused /dev/null "not a dump"
}

@test "pipes are refused, and nobody waits for them" {
	run -1 timeout 5 sh -c 'echo | "$1" /dev/stdin out' sh "$PROGRAM"
	contains "$output" "/dev/stdin cannot be read at any offset"
	mkfifo fifo
	refused fifo "cannot be read at any offset"
}

@test "formats that are known but not read are named" {
	printf 'KDUMP   ' >kdump
	truncate -s 8192 kdump
	refused kdump "kdump-compressed"
	printf 'makedumpfile\0\0\0\0\0\0\0\0\0\0\0\1' >flat
	truncate -s 8192 flat
	refused flat "flattened"
	printf 'DISKDUMP' >disk
	truncate -s 8192 disk
	refused disk "diskdump"
	printf 'LibvirtQemudSave' >libvirt
	truncate -s 8192 libvirt
	refused libvirt "libvirt"
	printf 'PAGEDU64' >windows
	truncate -s 8192 windows
	refused windows "Windows"
	lacks "$output" "Commandline parameter"
}

@test "machines that are known to nobody here are named by number and class" {
	mkelf alpha 0x0,0x10000 --machine 36902
	refused alpha "machine 36902 (ELF64, little endian) is not available in this build"
	mkelf parisc 0x0,0x10000 --machine 15 --big
	refused parisc "machine 15 (ELF64, big endian)"
	mkelf sh 0x0,0x10000 --machine 42 --bits 32
	refused sh "machine 42 (ELF32, little endian)"
	mkelf m68k 0x0,0x10000 --machine 4 --bits 32 --big
	refused m68k "machine 4 (ELF32, big endian)"
}

@test "damaged ELF files are refused with what is wrong" {
	mkelf program 0x0,0x10000 --type 2
	refused program "ELF type 2 is not a core file"
	mkelf noload --note CORE:1:regs
	refused noload "PT_LOAD"
	mkelf nophdr
	refused nophdr "no program headers"
	mkelf short 0x0,0x10000 --phentsize 40
	refused short "40 bytes are too short"
	mkelf many 0x0,0x10000 --phnum 60000
	refused many "60000 program headers"
	mkelf far 0x0,0x10000 --phoff 0x7fffffffffffff00
	refused far "program header"
	mkelf cut 0x0,0x10000 --truncate 100
	refused cut "cut"
	mkelf header 0x0,0x10000 --truncate 40
	refused header "header"
	mkelf class 0x0,0x10000
	printf '\x05' | dd of=class bs=1 seek=4 conv=notrunc status=none
	refused class "ELF class 5"
	mkelf order 0x0,0x10000
	printf '\x07' | dd of=order bs=1 seek=5 conv=notrunc status=none
	refused order "ELF byte order 7"
	mkelf xnum 0x0,0x10000 --phnum 0xffff
	refused xnum "xnum"
}

@test "file that claims its bytes many times over is refused" {
	python3 - <<'PY'
import struct
loads = 200
head = b"\177ELF\2\1\1" + bytes(9) + struct.pack("<HHIQQQIHHHHHH", 4, 62, 1, 0, 64, 0, 0, 64, 56, loads, 0, 0, 0)
with open("claims", "wb") as out:
    out.write(head)
    for i in range(loads):
        out.write(struct.pack("<IIQQQQQQ", 1, 7, 0x10000, 0, i << 24, 1 << 24, 1 << 24, 0))
    out.truncate(0x10000 + (1 << 24))
PY
	refused claims "claim"
}

@test "dumps of Xen hosts are refused" {
	mkelf xen 0x0,0x10000 --note "Xen:0x1000001:$(printf 'x%.0s' {1..80})"
	refused xen "Xen"
}

@test "memory without a byte in the file is nothing to dump" {
	mkelf hollow 0x0,0x100000,0
	run -1 "$PROGRAM" hollow out
	contains "$output" "no page is left to dump"
	mkelf nothing 0x0,0,0
	run -1 "$PROGRAM" nothing out2
	contains "$output" "nothing holds no memory"
	[ ! -e out2 ]
}

@test "without VMCOREINFO levels 0 and 1 work and others say what is missing" {
	"$PROGRAM" -d 0 vmcore out0 >said
	"$PROGRAM" -d 1 vmcore out1 >said
	for level in 2 4 8 16 31; do
		refused vmcore "doesn't contain vmcoreinfo" -d $level
		contains "$output" "Commandline parameter is invalid."
	done
	equal 256 "$(readable_pages out0)"
	equal 256 "$(readable_pages out1)"
}

@test "VMCOREINFO full of rubbish still gives a dump of everything" {
	mkelf odd 0x0,0x100000 --note 'VMCOREINFO:0:OSRELEASE=\nPAGESIZE=12\n=\nSIZE(page)=x\n\nNUMBER(phys_base)='
	run -0 "$PROGRAM" -d 31 odd out
	contains "$output" "struct pages cannot be found"
	equal 256 "$(readable_pages out)"
}

@test "file that ends early gives what it has, marked incomplete, exit 1" {
	mkelf short 0x0,0x100000 --truncate 0x41800
	run -1 --separate-stderr "$PROGRAM" -d 1 short out
	contains "$stderr" "192 pages cannot be read and are missing in the dump: pfn 0x40, 0x41, 0x42, 0x43, ..."
	contains "$output" "This is an incomplete dumpfile, but might analyzable."
	contains "$output" "makedumpfile Failed."
	is_incomplete out
	equal 64 "$(readable_pages out)"
	run -1 "$PROGRAM" -d 1 --non-mmap short out2
	cmp out out2
}

@test "disk that cannot read some pages loses just these" {
	# the first reads find out what the file is
	strace -o trace -e trace=pread64 "$PROGRAM" --num-threads 0 --non-mmap -d 0 vmcore whole >said
	reads=$(grep -c ^pread64 trace)
	run -1 --separate-stderr strace -o trace -e trace=pread64 -e "inject=pread64:error=EIO:when=$((reads - 1))+" \
		"$PROGRAM" --num-threads 0 --non-mmap -d 0 vmcore out
	contains "$stderr" "cannot be read and are missing in the dump"
	contains "$stderr" "Input/output error"
	is_incomplete out
	pages=$(readable_pages out)
	[ "$pages" -lt 256 ]
	# a single error costs nothing: the pages are asked for one by one
	run -0 strace -o trace -e trace=pread64 -e "inject=pread64:error=EIO:when=$reads" \
		"$PROGRAM" --num-threads 0 --non-mmap -d 0 vmcore out2
	cmp whole out2
}

@test "block devices are read like files" {
	"$PROGRAM" --message-level 0 vmcore want
	cp "$(readlink -f vmcore)" image
	if losetup --find --show image >loop 2>/dev/null; then
		"$PROGRAM" "$(cat loop)" out >said
	else
		rm loop
		"$PROGRAM" image out >said
	fi
	cmp out want
}

@test "memory that begins later than the headers tell is found if a kernel is there" {
	sed "s,^include ,&$GEN/cases-machines/," "$GEN/cases-machines/arm64-4k-48-6.1.txt" >case.txt
	echo "elf qemu" >>case.txt
	python3 "$GEN/mkvmcore.py" case.txt -o core --expect expect
	python3 "$ROOT/tests/cli/late_memory.py" core late 0x660
	run -0 "$PROGRAM" -l -d 31 late out
	contains "$output" "Memory begins 1632 bytes later in late than its headers tell"
	python3 "$GEN/readkdump.py" check out expect 31 core --ignore-notes
	# the longer note is in the dump as a whole
	[ "$(readkdump info out | awk '$1 == "sub.size_note" { print $2 }')" -ge 1632 ]
	# without the names of a kernel the headers count: pages are what they would be by them
	sed -i 's/testnode/test\x01ode/g' late
	run -0 "$PROGRAM" -c -d 0 late out2
	contains "$output" "Memory may begin 1632 bytes later in late than its headers tell, but no kernel is found there."
}
