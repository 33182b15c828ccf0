#!/usr/bin/env -S bats --tap
# SPDX-License-Identifier: GPL-2.0-or-later
# --dry-run of every form: no call of the system changes anything but what is said.
# a command that fails ends its test, `run` sets stderr
# shellcheck disable=SC2154,SC2164

load common

CHANGES='?open,?openat,?openat2,?creat,?mknod,?mknodat,?mkdir,?mkdirat,?unlink,?unlinkat,?rmdir,?rename,?renameat,
?renameat2,?link,?linkat,?symlink,?symlinkat,?truncate,?ftruncate,?fallocate,?chmod,?fchmod,?fchmodat,?chown,?fchown,
?write,?pwrite64,?writev,?pwritev,?pwritev2,?sendfile,?copy_file_range,?splice,?fsync,?fdatasync'

setup_file() {
	cd "$BATS_FILE_TMPDIR"
	mkkernel kernel-6.12 core
	"$PROGRAM" --message-level 0 -l -d 1 core kdump
	"$PROGRAM" --message-level 0 -l -d 1 -F core >flat
	"$PROGRAM" --message-level 0 -E -d 1 -F core >flat-elf
	"$PROGRAM" --message-level 0 -l -d 1 --split core part1 part2
	python3 "$ROOT/tests/cli/mklog.py" 6.19 log --messages 3
	"$PROGRAM" -D --dry-run core x | sed -n '/^VMCOREINFO   :/,/^$/s/^  //p' >facts
	echo "not ours" >old
	mkdir work
}

setup() {
	cd "$BATS_FILE_TMPDIR"
	TRACE=$BATS_TEST_TMPDIR/trace
}

# changes COMMAND...: prints the calls by which the program changes files, messages left out, and what QEMU for single
# processes writes into memory for them to read
changes() {
	rm -f "$TRACE".*
	# a file for each thread
	strace -ff -y --seccomp-bpf -o "$TRACE" -e trace="${CHANGES//[[:space:]]/}" "$PROGRAM" "$@" \
		>"$BATS_TEST_TMPDIR/said" 2>"$BATS_TEST_TMPDIR/err" || true
	grep -q 'exited with' "$TRACE".*
	cat "$TRACE".* | grep -vE '^(open|openat|openat2)\(.*(O_RDONLY|O_PATH)[|,)]' |
		grep -vE '^(write\(([12]<|[0-9]+</memfd:)|openat\(AT_FDCWD<[^>]*>, "/dev/null")|^[+-]{3} ' | sed 's/|O_LARGEFILE//' || true
}

# said TEXT: by the last run
said() {
	contains "$(cat "$BATS_TEST_TMPDIR"/{said,err})" "$1"
}

# untouched OPTION...: a dry run that changes nothing, and ends well
untouched() {
	equal "" "$(changes --dry-run "$@")"
	said "makedumpfile Completed"
}

@test "control: runs that write are noticed" {
	cd "$BATS_TEST_TMPDIR"
	F=$BATS_FILE_TMPDIR
	for line in "core out" "-E core out" "--split core out out2" "--reassemble part1 part2 out" \
		"--dump-dmesg log out" "-R out"; do
		read -r -a words <<<"$line"
		for file in core part1 part2 log; do
			words=("${words[@]/#$file/$F/$file}")
		done
		noticed=$(changes "${words[@]}" <"$F/flat")
		contains "$noticed" O_CREAT
		contains "$noticed" pwrite64
		[ -s out ]
		rm out*
	done
	contains "$(changes --work-dir . --dry-run "$F/core" out)" ', ".", O_RDWR|O_CLOEXEC|O_TMPFILE'
}

@test "dry runs of kdump-compressed dumps change nothing" {
	untouched core out
	said "saved to out"
	untouched -l -d 31 -D --show-stats --vtop 0xffffffff82000000 core out
	untouched -z -d 1 --num-threads 3 --cyclic-buffer 1 --non-mmap -b 0 core out
	untouched -e -d 31 -i facts -f core old
	equal "not ours" "$(cat old)"
}

@test "dry runs of other inputs change nothing" {
	untouched -c -d 31 kdump out
	untouched -d 31 flat out
	untouched -d 31 --diskset part2 --diskset part1 out
}

@test "dry runs of ELF files, streams and parts change nothing" {
	untouched -E -d 31 core out
	untouched -E -d 31 --cyclic-buffer 1 --num-threads 2 core out
	untouched -F -d 31 -l core
	[ ! -s "$BATS_TEST_TMPDIR/said" ]
	untouched -E -F -d 31 core
	[ ! -s "$BATS_TEST_TMPDIR/said" ]
	untouched --split -d 31 -l core out1 out2 out3
	untouched --split --splitblock-size 1024 --cyclic-buffer 1 core out1 out2
}

@test "dry runs of -R change nothing" {
	untouched -R out <flat
	untouched -R out <flat-elf
	untouched -f -R old <flat
	equal "not ours" "$(cat old)"
}

@test "a dry run that comes to a limit changes nothing, whatever level is tried next" {
	for form in "core out" "-E core out" "--split core out1 out2"; do
		# shellcheck disable=SC2086
		equal "" "$(changes --dry-run -L 100k -d 0,1,31 $form)"
		said "the limit of 102400 bytes is reached"
		# shellcheck disable=SC2086
		untouched -L 1g -d 0,31 $form
	done
	equal "" "$(head -c 100000 flat | changes --dry-run -R out)"
	said "is cut off"
}

@test "with --work-dir a dry run makes the file without a name that is asked for" {
	for form in "-e core out" "-E --cyclic-buffer 1 core out" "--split core out1 out2"; do
		# shellcheck disable=SC2086
		got=$(changes --dry-run --work-dir work -d 31 $form)
		equal "" "$(grep -vE '^(openat\(AT_FDCWD<[^>]*>, "work", O_RDWR\|O_CLOEXEC\|O_TMPFILE, 0600\)|pwrite64\([4-9]<[^>]*work/#)' <<<"$got")"
		equal "" "$(ls -A work)"
	done
}

@test "commands that know no dry run refuse it before they touch anything" {
	for form in "--reassemble part1 part2 out" "--dump-dmesg core out" "-g out -x core"; do
		# shellcheck disable=SC2086
		equal "" "$(changes --dry-run $form)"
		said "--dry-run cannot be used with ${form%% *}"
	done
	equal "" "$(changes --dry-run --check-params core out)"
	equal "" "$(changes --dry-run --mem-usage core)"
}
