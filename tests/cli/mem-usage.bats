#!/usr/bin/env -S bats --tap
# SPDX-License-Identifier: GPL-2.0-or-later
# --mem-usage: the table, column by column, and nothing beside it.
# shellcheck disable=SC2154,SC2164

load common

setup_file() {
	cd "$BATS_FILE_TMPDIR"
	mkkernel kernel-6.12 kernel
	mkelf plain 0x0,0x100000
}

setup() {
	cd "$BATS_TEST_TMPDIR"
	ln -s "$BATS_FILE_TMPDIR"/{kernel,plain} .
}

# row KEY: the number in the report of the same dump
row() {
	printf '%d\n' "$(sed -n "s/^ *$1 *: //p" report)"
}

@test "table has the layout that its readers know, with the numbers of the report" {
	"$PROGRAM" -d 31 --dry-run --show-stats kernel x >report 2>&1
	local format='%s\t%-16d\t%s\t\t%s\n'
	{
		printf '\nTYPE\t\tPAGES\t\t\tEXCLUDABLE\tDESCRIPTION\n%s\n' "$(printf -- '-%.0s' {1..70})"
		# shellcheck disable=SC2059 # one format for all rows
		{
			printf "$format" $'ZERO\t' "$(row 'Pages filled with zero')" yes 'Pages filled with zero'
			printf "$format" NON_PRI_CACHE "$(row 'Non-private cache pages')" yes 'Cache pages without private flag'
			printf "$format" PRI_CACHE "$(row 'Private cache pages')" yes 'Cache pages with private flag'
			printf "$format" $'USER\t' "$(row 'User process data pages')" yes 'User process pages'
			printf "$format" $'FREE\t' "$(row 'Free pages')" yes 'Free pages'
			printf "$format" KERN_DATA "$(row 'Remaining pages')" no 'Dumpable kernel data '
		}
		printf '\npage size:\t\t%-16d\nTotal pages on system:\t%-16d\n' 4096 "$(row 'Original pages')"
		printf 'Total size on system:\t%-16d Byte\n\n' $(($(row 'Original pages') * 4096))
	} >expected
	"$PROGRAM" --mem-usage kernel >table 2>&1
	diff expected table
}

@test "second file name, -f and a level change nothing" {
	"$PROGRAM" --mem-usage kernel >table
	"$PROGRAM" --mem-usage -f -d 1 kernel whatever >other
	cmp table other
	[ ! -e whatever ]
}

@test "nothing is created, and level 0 says nothing" {
	strace -f -e trace=openat,open,creat,mkdir,unlink -o calls "$PROGRAM" --mem-usage kernel
	run ! grep -E 'O_CREAT|O_WRONLY|O_RDWR' calls
	equal "$("$PROGRAM" --message-level 0 --mem-usage kernel 2>&1)" ""
}

@test "dump that tells nothing of its kernel is an error, with no table" {
	run -1 "$PROGRAM" --mem-usage plain
	contains "$output" "plain doesn't contain vmcoreinfo"
	contains "$output" "makedumpfile Failed."
	lacks "$output" TYPE
}

@test "kernel whose struct pages cannot be found is an error, with no table" {
	mkelf bare 0x0,0x100000 --note 'VMCOREINFO:0:OSRELEASE=6.1.0\nPAGESIZE=4096\n'
	run -1 "$PROGRAM" --mem-usage bare
	contains "$output" "the kernel's struct pages are not found"
	lacks "$output" TYPE
}
