#!/usr/bin/env -S bats --tap
# SPDX-License-Identifier: GPL-2.0-or-later
# -e: pages of struct pages that only describe pages left out go too, and no others.
# shellcheck disable=SC2154,SC2164

load common

setup() {
	cd "$BATS_TEST_TMPDIR"
	mkdir work
}

# judged CASE OPTION...: -e leaves out the right pages; counts of the judge are in $output
judged() {
	[ -e "$1" ] || mkkernel "$1" "$1"
	"$PROGRAM" --message-level 4 -f "${@:2}" "$1" plain
	"$PROGRAM" --message-level 4 -f -e --work-dir work "${@:2}" "$1" small
	run -0 python3 "$GEN/unused_vmemmap.py" "$1" plain small
}

@test "what is left out describes left out pages only, and nothing of that kind stays" {
	for case in kernel-6.1 kernel-6.12 kernel-2.6.32 paging-5-level-7.1 paging-vmemmap-4k-6.1 struct-page-72-6.1 \
		section-hole-6.1 paging-sme-5-level-6.16; do
		echo "$case"
		judged "$case" -d 31
		lacks "$output" "gone 0 "
	done
}

@test "page that several huge pages' struct pages share goes only with all of them" {
	judged hugetlb-vmemmap-6.1 -d 31
	contains "$output" "gone-shared 3"
	judged hugetlb-vmemmap-6.1 -d 23
	contains "$output" "gone-shared 0"
}

@test "holes of more than 64 GiB lead nobody astray" {
	python3 "$GEN/mkvmcore.py" "$GEN/cases-huge/vmemmap-hole-128g-6.1.txt" -o vmemmap-hole-128g-6.1
	judged vmemmap-hole-128g-6.1 -d 31
	contains "$output" "gone-shared 2"
	# 4096 windows, of which those that matter are found by groups
	"$PROGRAM" --message-level 4 -f -e --work-dir work --cyclic-buffer 1 -d 31 vmemmap-hole-128g-6.1 other
	cmp small other
}

@test "result does not depend on windows, and needs no folder where one covers the machine" {
	judged hugetlb-vmemmap-6.1 -d 31
	for kib in 1 2; do
		"$PROGRAM" --message-level 4 -f -e --work-dir work --cyclic-buffer $kib -d 31 hugetlb-vmemmap-6.1 other
		cmp small other
	done
	run -0 "$PROGRAM" -f -e -d 31 hugetlb-vmemmap-6.1 other
	contains "$output" "-e: without --work-dir all decisions are kept in memory."
	cmp small other
	equal "$(find work -type f)" ""
}

@test "without a folder many windows are a warning, and the whole dump" {
	mkkernel kernel-6.1 kernel
	"$PROGRAM" --message-level 4 -d 31 kernel plain
	run -0 "$PROGRAM" -e -d 31 --cyclic-buffer 1 kernel other
	contains "$output" "-e: without --work-dir"
	contains "$output" "unused struct pages stay in the dump"
	cmp plain other
}

@test "kernels without a vmemmap are a warning, and the whole dump" {
	for case in model-flat-5.10 model-sparse-static-6.1 model-discontig-4.4; do
		mkkernel $case $case
		"$PROGRAM" --message-level 4 -f -d 31 $case plain
		run -0 "$PROGRAM" -f -e --work-dir work -d 31 $case other
		contains "$output" "-e: the kernel has no vmemmap: unused struct pages stay in the dump."
		cmp plain other
	done
}

@test "report counts them" {
	judged kernel-6.1 -d 31
	local gone=${output#*gone }
	run -0 "$PROGRAM" -e --work-dir work -d 31 --dry-run --show-stats kernel-6.1 x
	contains "$output" "$(printf '    Unused vmemmap pages    : 0x%016x' "${gone%% *}")"
	contains "$output" "Excluded ${gone%% *} unused vmemmap pages"
	local remaining excluded original
	original=$((0x$(sed -n 's/^Original pages  : 0x//p' <<<"$output")))
	excluded=$((0x$(sed -n 's/^  Excluded pages   : 0x//p' <<<"$output")))
	remaining=$((0x$(sed -n 's/^  Remaining pages  : 0x//p' <<<"$output")))
	equal "$original" $((excluded + remaining))
}
