#!/usr/bin/env -S bats --tap
# SPDX-License-Identifier: GPL-2.0-or-later
# Dumps that were filtered before: every version and writer, split sets, flattened files, incomplete ones.
# a command that fails ends its test, `run` sets stderr
# shellcheck disable=SC2154,SC2164

load common

setup_file() {
	cd "$BATS_FILE_TMPDIR"
	mkkernel kernel-6.12 core
	"$PROGRAM" --message-level 0 -d 31 core straight
	mkkdump core -o kdump
	# where only headers matter
	mkelf tiny 0x0,0x8000 --note VMCOREINFO:0:OSRELEASE=6.1
}

setup() {
	cd "$BATS_FILE_TMPDIR"
	rm -f out
}

mkkdump() {
	python3 "$GEN/mkkdump.py" "$@"
}

flatten() {
	python3 "$GEN/flatten.py" "$@"
}

# gives EXPECTED ARGUMENT...: filtering gives these bytes
gives() {
	local expected=$1
	shift
	"$PROGRAM" --message-level 4 -f "$@" out
	cmp out "$expected"
}

# debug_value NAME: of the header block in $output
debug_value() {
	sed -n "s/^  $1 *: //p" <<<"$output"
}

@test "filtering in steps gives the bytes of filtering at once" {
	for how in "-d 0" "-c -d 1" "-d 2" "-l -d 8" "-d 27" "-d 31"; do
		# shellcheck disable=SC2086
		"$PROGRAM" --message-level 0 -f $how core first
		gives straight -d 31 first
		gives straight -d $((31 - ${how##* })) first
	done
	gives straight -d 31 --work-dir . --num-threads 3 --cyclic-buffer 1 kdump
	"$PROGRAM" --message-level 4 -d 31 --dry-run kdump nothing
	[ ! -e nothing ]
	"$PROGRAM" --message-level 0 -f -l -d 31 core packed
	gives packed -l -d 31 straight
	gives packed -l -d 0 straight
}

@test "every version with notes, codec and layout of bitmaps gives the bytes of the ELF file" {
	for codec in raw zlib lzo snappy zstd mix; do
		version=$((version % 3 + 4))
		mkkdump core -o k --version $version --codec $codec --level $((version % 2))
		gives straight -d 31 k
	done
	mkkdump core -o k --one-bitmap
	gives straight -d 31 k
	mkkdump core -o k --one-bitmap --level 0
	gives straight -d 31 --non-mmap --cyclic-buffer 1 k
}

@test "version 3 has no notes: its text gets one" {
	mkkdump core -o k --version 3 --nr-cpus 2
	"$PROGRAM" --message-level 4 -d 31 k out
	readkdump check out core.expect 31 core --ignore-notes
	readkdump info out --vmcoreinfo >listing
	contains "$(cat listing)" "note VMCOREINFO type 0x0"
	contains "$(cat listing)" "OSRELEASE="
	contains "$(cat listing)" "nr_cpus 2"
	# and the next run finds it there
	cp out again
	gives again -d 31 again
}

@test "versions 1 and 2 know no kernel: levels 0 and 1 still work" {
	for version in 1 2; do
		mkkdump core -o k --version $version --level 0
		"$PROGRAM" --message-level 4 -f -d 1 k out
		readkdump check out core.expect 1 core --ignore-notes --may-keep-more
		run -1 "$PROGRAM" -f -d 31 k out
		contains "$output" "vmcoreinfo"
	done
}

@test "headers of every version, word size and byte order are understood" {
	for version in 1 2 3 4 5 6; do
		for shape in "--bits 64" "--bits 64 --big" "--bits 32" "--bits 32 --big" "--bits 32 --packed" \
			"--bits 32 --packed --big"; do
			# shellcheck disable=SC2086
			mkkdump tiny -o k --version $version $shape --machine vax --phys-base 0x1234000 --level 31 --timestamp 77
			run -1 "$PROGRAM" -D -d 1 k out
			contains "$output" "a dump of machine 0 (ELF${shape:7:2}, $(case $shape in *big*) echo big ;; *) echo little ;; esac) endian"
			equal "$version" "$(debug_value header_version)"
			equal 4096 "$(debug_value block_size)"
			equal 0x1234000 "$(debug_value phys_base)"
			equal 31 "$(debug_value dump_level)"
			[ $version -lt 2 ] || equal 0x0 "$(debug_value start_pfn)"
			[ $version -lt 6 ] || equal 0x8 "$(debug_value max_mapnr_64)"
			[ $version -lt 4 ] || equal 40 "$(debug_value size_note)"
		done
	done
	mkkdump core -o k
	printf '\7' | dd of=k bs=1 seek=8 conv=notrunc status=none
	run -1 "$PROGRAM" k out
	contains "$output" "version 7"
	[ ! -e out ]
}

@test "a dump that does not name its machine tells it by its registers" {
	for name in "" Unknown; do
		mkelf bare 0x0,0x8000 --note "CORE:1:$(printf '%336s' x)" --note VMCOREINFO:0:OSRELEASE=6.1
		mkkdump bare -o k --machine "$name"
		run "$PROGRAM" -D -f k out
		contains "$output" "machine      : x86_64"
		lacks "$output" "does not name its machine"
		mkkdump bare -o k --machine "$name" --big
		run "$PROGRAM" -D -f k out
		contains "$output" "machine      : s390x"
		lacks "$output" "does not name its machine"
		mkkdump tiny -o k --machine "$name"
		run "$PROGRAM" -f k out
		contains "$output" "The dump does not name its machine: x86_64 is taken."
	done
	mkkdump core -o k --machine Unknown
	gives straight -d 31 k
}

@test "the header block comes first, on standard output" {
	mkkdump core -o k --no-notes --level 17
	run -1 --separate-stderr "$PROGRAM" -D -d 31 k out
	equal 17 "$(debug_value dump_level)"
	[[ $output =~ [[:space:]]*dump_level[[:space:]]*:[[:space:]]*17 ]]
	contains "$stderr$output" "doesn't contain vmcoreinfo"
}

@test "levels add up, and it is said" {
	mkkdump core -o k --level 3
	run "$PROGRAM" -f -d 4 k out
	contains "$output" "dump_level is changed to 7, because k was created by dump_level(3)."
	contains "$(readkdump info out)" "sub.dump_level 7"
	run "$PROGRAM" -f -d 7 k out
	lacks "$output" "dump_level is changed"
}

@test "what only the header knows is kept" {
	mkkdump core -o k --timestamp 1234567890 --nr-cpus 5 --vmemmap --eraseinfo 'erase jiffies size 8
' --phys-base 0x7000000 --no-notes --release 6.1-invented --level 0
	"$PROGRAM" --message-level 4 k out
	readkdump info out >listing
	for line in "tv_sec 1234567890" "nr_cpus 5" "status 0x10" "sub.phys_base 117440512" \
		"eraseinfo b'erase jiffies size 8\\n'" "utsname.release 6.1-invented" "utsname.machine x86_64"; do
		contains "$(cat listing)" "$line"
	done
}

@test "ELF output of a kdump-compressed dump is refused" {
	run -1 "$PROGRAM" -E kdump out
	contains "$output" "-E"
	[ ! -e out ]
}

@test "missing pages stay missing, and so does the mark" {
	mkkdump core -o k --missing 0x10-0x20 --level 0
	run -1 "$PROGRAM" -d 0 k out
	contains "$output" "16 pages cannot be read and are missing in the dump: pfn 0x10"
	is_incomplete out
	readkdump check out core.expect 0 core --incomplete
	# the mark of the input stays, too, where nothing seems to be missing
	mkkdump core -o k --incomplete --level 0
	run -1 "$PROGRAM" -f -d 31 k out
	contains "$output" "the input is incomplete"
	is_incomplete out
	readkdump check out core.expect 31 core --incomplete
}

@test "a dump that was cut anywhere is filtered as far as it goes" {
	"$PROGRAM" --message-level 0 -f -l core whole
	size=$(stat -c %s whole)
	descriptors=$(($(readkdump info whole | sed -n 's/^descriptors_at //p')))
	for at in $((descriptors + 24)) $((descriptors + 5000)) $((size / 2)) $((size * 9 / 10)) $((size - 1)); do
		head -c "$at" whole >short
		run -1 "$PROGRAM" -f short out
		is_incomplete out
		readkdump check out core.expect 0 core --incomplete --may-keep-more
	done
	head -c "$((descriptors - 5000))" whole >short
	rm out
	run -1 "$PROGRAM" short out
	contains "$output" "within its bitmaps"
	[ ! -e out ]
}

@test "split parts are one dump, in any order" {
	mkkdump core -o part --split 0x1000,0x1801,0x2000
	for order in "1 2 3 4" "4 3 2 1" "2 4 1 3"; do
		set --
		for part in $order; do
			set -- "$@" --diskset part."$part"
		done
		gives straight -d 31 "$@"
	done
	# each of them flattened or not
	flatten part.2 flat.2
	flatten part.4 flat.4 --order shuffled
	gives straight -d 31 --diskset flat.4 --diskset part.3 --diskset=flat.2 --diskset part.1
}

@test "pages of parts that are not there are missing" {
	mkkdump core -o part --split 0x1400,0x1800 --level 0
	run -1 "$PROGRAM" --diskset part.3 --diskset part.1 out
	contains "$output" "No part of the dump has pages 0x1400 to 0x1800."
	is_incomplete out
	readkdump check out core.expect 0 core --incomplete --may-keep-more
	run -1 "$PROGRAM" -f part.2 out
	contains "$output" "No part of the dump has pages 0 to 0x1400."
	is_incomplete out
	readkdump check out core.expect 0 core --incomplete --may-keep-more
}

@test "parts that do not belong together are refused" {
	mkkdump core -o part --split 0x1800
	run -1 "$PROGRAM" --diskset part.1 --diskset part.1 out
	contains "$output" "another part"
	mkkdump core -o other --split 0x1800 --drop 0x1700
	run -1 "$PROGRAM" --diskset part.1 --diskset other.2 out
	contains "$output" "not parts of the same dump"
	mkkdump core -o other --split 0x1800 --timestamp 5
	run -1 "$PROGRAM" --diskset part.1 --diskset other.2 out
	contains "$output" "not parts of the same dump"
	run -1 "$PROGRAM" --diskset part.1 --diskset kdump out
	contains "$output" "no part of a split dump"
	run -1 "$PROGRAM" --diskset part.1 --diskset core out
	contains "$output" "no part of a split dump"
	[ ! -e out ]
}

@test "no input is overwritten, whichever part it is" {
	mkkdump core -o part --split 0x1800
	cp part.2 copy
	ln -sf part.2 link
	run -1 "$PROGRAM" -f --diskset part.1 --diskset part.2 link
	contains "$output" "link is a part of the dump that is read"
	cmp part.2 copy
	cp kdump copy
	run -1 "$PROGRAM" -f kdump kdump
	cmp kdump copy
}

@test "flattened files are read as they are, in every order" {
	for how in "kdump --size 4096 --order streams" "kdump --size 3000 --order shuffled" \
		"kdump --size 10000 --order overridden" "kdump --size 5000 --order overlapping" \
		"core --size 65536" "core --size 4096 --gaps --order shuffled" "core --size 30000 --order overridden"; do
		# shellcheck disable=SC2086
		set -- $how
		flatten "$1" flat "${@:2}"
		gives straight -d 31 flat
	done
	gives straight -d 31 --non-mmap flat
	flatten flat twice
	run -1 "$PROGRAM" -f twice out
	contains "$output" "a flattened dump within a flattened one"
}

@test "a flattened file that was cut is incomplete" {
	flatten kdump flat --no-end
	run -1 "$PROGRAM" -d 31 flat out
	contains "$output" "flat is cut: it ends without its end mark."
	is_incomplete out
	readkdump check out core.expect 31 core --incomplete
	size=$(stat -c %s flat)
	head -c $((size * 2 / 3)) flat >short
	run -1 "$PROGRAM" -f -d 0 short out
	is_incomplete out
	readkdump check out core.expect 1 core --incomplete --may-keep-more
}

@test "an ELF file that says of itself that it is incomplete makes an incomplete dump" {
	cp core marked
	printf '\1' | dd of=marked bs=1 seek=48 conv=notrunc status=none
	run -1 "$PROGRAM" -d 31 marked out
	contains "$output" "the input is incomplete"
	is_incomplete out
}

@test "a broken page costs that page" {
	mkkdump core -o k --codec zlib --level 0
	at=$(($(readkdump info k | sed -n 's/^descriptors_at //p')))
	# descriptors: one leads nowhere, one to headers, one is too long, one of no method
	printf '\377\377\377\377\377\377\377\177' | dd of=k bs=1 seek=$at conv=notrunc status=none
	printf '\20\0\0\0\0\0\0\0' | dd of=k bs=1 seek=$((at + 24)) conv=notrunc status=none
	printf '\1\20\0\0' | dd of=k bs=1 seek=$((at + 48 + 8)) conv=notrunc status=none
	printf '\100\0\0\0' | dd of=k bs=1 seek=$((at + 72 + 12)) conv=notrunc status=none
	run -1 "$PROGRAM" k out
	contains "$output" "4 pages cannot be read"
	is_incomplete out
	readkdump check out core.expect 0 core --incomplete
}
