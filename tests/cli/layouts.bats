#!/usr/bin/env -S bats --tap
# SPDX-License-Identifier: GPL-2.0-or-later
# Dumps of machines of every word size and byte order, of which nothing else is known: levels 0 and 1.
# a command that fails ends its test, `run` sets stderr and output
# shellcheck disable=SC2030,SC2031,SC2154,SC2164

load common

MEMORY="0x0,0x180000 0x800800,0x80000,0x60000 0xa00000,0x40000"
# name, e_machine, class, byte order, bytes of the registers' note, layout, first page that is counted, bytes of a page
MACHINES="
x86_64 62 64 little 336 64/little 0 4096
s390x 22 64 big 336 64/big 0 4096
ppc64 21 64 big 504 64/big 0 4096
i386 3 32 little 144 32/little/80 0 4096
i386-pae 3 64 little 144 32/little/80 0 4096
ppc 20 32 big 268 32/big/96 0 4096
arm 40 32 little 148 32/little/96 0x40000 4096
armbe 40 32 big 148 32/big/96 0x80003 4096
arm64-16k 183 64 little 392 64/little 0 16384
arm64be-64k 183 64 big 392 64/big 0 65536
ia64-8k 50 64 little 1144 64/little 0 8192
"

# core NAME...: a dump of that machine, with its memory where the first page is
core() {
	local shift=$((${7} * ${8})) segment start rest segments=() options=()
	for segment in $MEMORY; do
		start=${segment%%,*} rest=${segment#*,}
		segments+=("$(printf '%#x,%s' $((start + shift)) "$rest")")
	done
	if [ "$4" = big ]; then options=(--big); fi
	if [ "$1" = i386-pae ]; then segments+=("0x180000000,0x10000"); fi
	mkelf "$1" "${segments[@]}" --machine "$2" --bits "$3" "${options[@]}" --zero-every 3 --zero 0x20,0x60 --vaddr -1 \
		--note "CORE:1:$(printf "%$5s" x)" --note "QEMU:0:abc" \
		--note "VMCOREINFO:0:OSRELEASE=6.1\\nPAGESIZE=$8\\n$([ "$1" != i386-pae ] || echo CONFIG_X86_PAE=y)"
}

setup_file() {
	cd "$BATS_FILE_TMPDIR"
	while read -r -a machine; do
		if [ ${#machine[@]} = 0 ]; then continue; fi
		core "${machine[@]}"
		for level in 0 1; do
			"$PROGRAM" --message-level 0 -c -d $level "${machine[0]}" "${machine[0]}.d$level"
		done
	done <<<"$MACHINES"
}

setup() {
	cd "$BATS_TEST_TMPDIR"
	DUMPS=$BATS_FILE_TMPDIR
}

# each COMMAND...: for every machine; its name and the rest of its line are what follows
each() {
	local machine
	while read -r -a machine; do
		if [ ${#machine[@]} = 0 ]; then continue; fi
		echo "${machine[0]}"
		"$@" "${machine[@]}"
	done <<<"$MACHINES"
}

quiet() {
	"$PROGRAM" --message-level 4 -f "$@"
}

# --- what is written --------------------------------------------------------------------------------------------------

right() {
	for level in 0 1; do
		python3 "$ROOT/tests/cli/checkpages.py" "$DUMPS/$1.d$level" "$DUMPS/$1" "${6//\// }" "$7" "$8"
	done
}

@test "a dump has layout, byte order, pages and notes of its machine" {
	each right
}

elf() {
	for level in 0 1; do
		quiet -E -d $level "$DUMPS/$1" out
		python3 "$GEN/checkelf.py" out - $level "$DUMPS/$1" "$8"
		quiet -E -F -d $level "$DUMPS/$1" >stream
		quiet -R again <stream
		cmp out again
	done
	quiet -E -F -d 0 "$DUMPS/$1" >stream
	quiet -c -d 1 stream filtered
	cmp filtered "$DUMPS/$1.d1"
}

@test "-E keeps class, byte order, segments and bytes, plain and flattened" {
	each elf
}

made() {
	# RAM from 0 on: what is numbered in another way on arm is not different there
	for version in 4 5 6; do
		python3 "$GEN/mkkdump.py" plain -o k --version $version --machine "$1" --phys-base 0 "${@:2}"
		quiet -c -d 1 k out.$version
	done
	cmp out.4 out.5
	cmp out.5 out.6
	python3 "$ROOT/tests/cli/checkpages.py" out.6 plain
	python3 "$GEN/mkkdump.py" plain -o part --split 64,512 --machine "$1" --phys-base 0 "${@:2}"
	quiet -c -d 1 --diskset part.3 --diskset part.1 --diskset part.2 again
	cmp again out.6
	quiet --reassemble part.2 part.1 part.3 whole
	quiet -c -d 1 whole again
	cmp again out.6
}

@test "dumps of every layout that another program wrote are filtered, in parts too" {
	mkelf plain 0x0,0x180000 0x300000,0x40000 --zero-every 3 --note "CORE:1:abc" \
		--note "VMCOREINFO:0:OSRELEASE=6.1\\nPAGESIZE=4096\\n"
	made ppc64 --big
	made i686 --bits 32 --packed
	made armv7l --bits 32
	made armv7l --bits 32 --packed
	made armv7b --bits 32 --big
}

# --- one after another ------------------------------------------------------------------------------------------------

again() {
	quiet -c -d 1 "$DUMPS/$1.d0" again
	cmp again "$DUMPS/$1.d1"
	quiet -d 0 "$DUMPS/$1.d0" raw
	quiet -c -d 0 raw packed
	cmp packed "$DUMPS/$1.d0"
}

@test "a dump that is filtered again is the one that filtering at once makes" {
	each again
}

flattened() {
	quiet -F -c -d 1 "$DUMPS/$1" >stream
	quiet -R out <stream
	cmp out "$DUMPS/$1.d1"
	"$ROOT/makedumpfile-R.pl" by-perl <stream
	cmp by-perl "$DUMPS/$1.d1"
	quiet -F -c -d 1 "$DUMPS/$1.d0" >stream
	quiet -c -d 1 stream again
	cmp again "$DUMPS/$1.d1"
}

@test "a flattened dump becomes a file, by -R and by perl, and is filtered again as it is" {
	each flattened
}

parts() {
	for level in 0 1; do
		quiet --split -c -d $level "$DUMPS/$1" a b c
		quiet --reassemble c a b out
		cmp out "$DUMPS/$1.d$level"
		quiet -c -d 1 --diskset b --diskset c --diskset a again
		cmp again "$DUMPS/$1.d1"
	done
	quiet --split --splitblock-size 256 -c -d 1 "$DUMPS/$1.d0" a b
	quiet --reassemble a b out
	cmp out "$DUMPS/$1.d1"
}

@test "--split and --reassemble give the whole dump, and the parts are one input" {
	each parts
}

windows() {
	for window in 1 2; do
		quiet --cyclic-buffer $window -c -d 1 "$DUMPS/$1" out
		cmp out "$DUMPS/$1.d1"
		quiet --cyclic-buffer $window -c -d 1 "$DUMPS/$1.d0" out
		cmp out "$DUMPS/$1.d1"
		quiet --cyclic-buffer $window --work-dir . -c -d 1 "$DUMPS/$1" out
		cmp out "$DUMPS/$1.d1"
	done
}

@test "windows of any size give the same dump" {
	each windows
}

counted() {
	local pages
	pages=$(python3 "$GEN/readkdump.py" info "$DUMPS/$1.d1" | awk '$1 == "sub.max_mapnr_64" { print $2 }')
	for input in "$1" "$1.d0"; do
		run -0 "$PROGRAM" --message-level 16 --dry-run -d 1 "$DUMPS/$input" x
		contains "$output" "Total pages     : $(printf '0x%016x' "$pages")"
	done
}

@test "the report counts pages as the dump does" {
	each counted
}
