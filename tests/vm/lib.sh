# SPDX-License-Identifier: GPL-2.0-or-later
# Shared by the scripts of this folder: the cache, what the host must have, package lists, programs of a peers tree.
# shellcheck shell=bash

# shellcheck disable=SC2034 # for the scripts that read this file
VM_DIR=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
CACHE=${MDF_CACHE:-/var/cache/makedumpfile-tests}

# Name of the kernel: its release, behind its machine if that is not x86_64; the Debian suite, architecture and flavour
# that it is, where the QEMU comes from that runs it (this machine or a suite, for there are kernels that need a newer
# one), the processor to boot it on (x86_64 without la57: four levels of page tables), MiB of memory, MiB of crash
# memory to try first: with a shell, modules for virtio and the static program it does not boot with 4 less. No crash
# memory: QEMU dumps the guest, because its crash kernel cannot be loaded, or does not start. At last the suite whose
# peer tool of that machine is compared with, under qemu-user: that of sid writes headers on armhf that no reader
# understands, for its time_t has 64 bits, and none knows 16 KiB pages with addresses of 52 bits.
KERNEL_TABLE='
5.10		bullseye	amd64	cloud-amd64	host	max,la57=off	512	68	-
6.1		bookworm	amd64	cloud-amd64	host	max		512	76	-
6.12		trixie		amd64	cloud-amd64	host	max,la57=off	512	76	-
7.2		sid		amd64	cloud-amd64	host	max		512	88	-
arm64-6.1	bookworm	arm64	cloud-arm64	host	cortex-a72	512	-	sid
arm64-7.2	sid		arm64	arm64-16k	sid	max		768	-	-
s390x-6.1	bookworm	s390x	s390x		host	max		512	-	sid
s390x-7.2	sid		s390x	s390x		sid	max		512	-	sid
ppc64el-6.1	bookworm	ppc64el	powerpc64le	host	power9		512	-	sid
ppc64el-4k-7.2	sid		ppc64el	powerpc64le	sid	power9		512	-	sid
ppc64el-7.2	sid		ppc64el	powerpc64le-64k	sid	power9		1024	-	sid
riscv64-7.2	sid		riscv64	riscv64		sid	rv64		768	-	sid
i386-6.1	bookworm	i386	686-pae		host	max		1280	128	sid
armhf-6.1	bookworm	armhf	armmp		host	cortex-a15	512	-	bookworm
'

# Debian's architecture; the machine in the name of its compiler, the package of that, and the library's for it; in the
# name of QEMU for a whole machine, and the package of that; in the name of QEMU for one process; the loader of programs.
MACHINE_TABLE='
amd64	-			gcc				libc6-dev		x86_64	qemu-system-x86		x86_64	ld-linux-x86-64.so.2
i386	i686-linux-gnu		gcc-i686-linux-gnu		libc6-dev-i386-cross	i386	qemu-system-x86		i386	ld-linux.so.2
arm64	aarch64-linux-gnu	gcc-aarch64-linux-gnu		libc6-dev-arm64-cross	aarch64	qemu-system-arm		aarch64	ld-linux-aarch64.so.1
armhf	arm-linux-gnueabihf	gcc-arm-linux-gnueabihf		libc6-dev-armhf-cross	arm	qemu-system-arm		arm	ld-linux-armhf.so.3
s390x	s390x-linux-gnu		gcc-s390x-linux-gnu		libc6-dev-s390x-cross	s390x	qemu-system-misc	s390x	ld64.so.1
ppc64el	powerpc64le-linux-gnu	gcc-powerpc64le-linux-gnu	libc6-dev-ppc64el-cross	ppc64	qemu-system-ppc		ppc64le	ld64.so.2
riscv64	riscv64-linux-gnu	gcc-riscv64-linux-gnu		libc6-dev-riscv64-cross	riscv64	qemu-system-misc	riscv64	ld-linux-riscv64-lp64d.so.1
'

die()
{
	echo "${0##*/}: $*" >&2
	exit 1
}

# need TOOL PACKAGE [TOOL PACKAGE ...]: nothing is installed here, the package is only named.
need()
{
	while [ $# -gt 0 ]; do
		PATH=$PATH:/usr/sbin:/sbin command -v "$1" >/dev/null ||
			die "needs $1, which is in Debian's package $2"
		shift 2
	done
}

need_host()
{
	[ "$(uname -m)" = x86_64 ] || die "needs an x86_64 host: the tools compared with are run from amd64 packages"
	need apt-get apt dpkg-deb dpkg xz xz-utils python3 python3 tar tar flock util-linux
}

# field TABLE NAME COLUMN: what the row that begins with NAME says there
field()
{
	awk -v name="$2" -v column="$3" '$1 == name { print $column }' <<<"$1"
}

kernel_row()
{
	awk -v name="$1" '$1 == name' <<<"$KERNEL_TABLE"
}

kernel_suite()
{
	field "$KERNEL_TABLE" "$1" 2
}

kernel_arch()
{
	field "$KERNEL_TABLE" "$1" 3
}

kernel_flavour()
{
	field "$KERNEL_TABLE" "$1" 4
}

kernel_qemu()
{
	field "$KERNEL_TABLE" "$1" 5
}

kernel_memory()
{
	field "$KERNEL_TABLE" "$1" 7
}

kernel_cpu()
{
	field "$KERNEL_TABLE" "$1" 6
}

kernel_crash_mib()
{
	field "$KERNEL_TABLE" "$1" 8
}

kernel_peer()
{
	field "$KERNEL_TABLE" "$1" 9
}

# machine_kernels: names of the kernels that are not for x86_64
machine_kernels()
{
	awk '$3 && $3 != "amd64" { printf "%s%s", sep, $1; sep = " " }' <<<"$KERNEL_TABLE"
}

# need_machine ARCH: QEMU of this machine for it, and its compiler
need_machine()
{
	local cross

	cross=$(field "$MACHINE_TABLE" "$1" 2)
	cross=${cross#-}
	need "qemu-system-$(field "$MACHINE_TABLE" "$1" 5)" "$(field "$MACHINE_TABLE" "$1" 6)" \
		"${cross:+$cross-}gcc" "$(field "$MACHINE_TABLE" "$1" 3)"
}

# The Debian mirror this machine itself uses.
mirror()
{
	local uri

	uri=${MDF_MIRROR:-$(apt-get indextargets --format "\$(COMPONENT) \$(REPO_URI)" 'Created-By: Packages' |
		awk '$1 == "main" && $2 ~ /\/debian\/?$/ { print $2; exit }')}
	[ -n "$uri" ] || die "no Debian mirror among this machine's apt sources: set MDF_MIRROR to one"
	echo "${uri%/}"
}

# suite_apt SUITE[/ARCH] COMMAND...: apt on a package list of its own, so that the host's is neither used nor changed.
suite_apt()
{
	local index=$1 tool=$2 dir=$CACHE/apt/${1/\//-} arch=amd64

	[ "${index%/*}" = "$index" ] || arch=${index#*/}
	shift 2
	"$tool" -o Dir::State="$dir/state" -o Dir::State::status="$dir/status" -o Dir::Cache="$dir/cache" \
		-o Dir::Etc::SourceList="$dir/sources.list" -o Dir::Etc::SourceParts=/dev/null \
		-o Dir::Etc::Preferences=/dev/null -o Dir::Etc::PreferencesParts=/dev/null \
		-o Dir::Etc::Trusted="${MDF_KEYRING:-/usr/share/keyrings/debian-archive-keyring.gpg}" \
		-o APT::Architecture="$arch" -o APT::Architectures="$arch" -o APT::Install-Recommends=false \
		-o APT::Sandbox::User=root -o Acquire::Languages=none -o APT::Get::List-Cleanup=false \
		-o DPkg::Post-Invoke::= -o APT::Update::Post-Invoke::= -o APT::Update::Post-Invoke-Success::= "$@"
}

# suite_ready SUITE[/ARCH]: its package list is there, and of today, for a suite in motion keeps nothing old
suite_ready()
{
	local index=$1 dir=$CACHE/apt/${1/\//-} arch=amd64 url

	[ "${index%/*}" = "$index" ] || arch=${index#*/}
	[ -z "$(find "$dir/fetched" -mmin -600 2>/dev/null)" ] || return 0
	[ -e "${MDF_KEYRING:-/usr/share/keyrings/debian-archive-keyring.gpg}" ] ||
		die "needs Debian's package debian-archive-keyring"
	mkdir -p "$dir/state/lists/partial" "$dir/cache/archives/partial"
	: >"$dir/status"
	url=$(mirror)
	echo "deb [arch=$arch] $url ${index%/*} main" >"$dir/sources.list"
	suite_apt "$index" apt-get -qq update >&2 || die "cannot fetch the package list of $index"
	: >"$dir/fetched"
}

# fetch SUITE[/ARCH] TREE PACKAGE...: packages and all that they depend on, unpacked into a new tree. With no package
# "installed" apt fetches every dependency, and nothing is set up on this machine.
fetch()
{
	local index=$1 tree=$2 archives=$CACHE/apt/${1/\//-}/cache/archives d deb

	shift 2
	suite_apt "$index" apt-get -qq -y -o Debug::NoLocking=1 --download-only install "$@" >&2 ||
		die "cannot fetch $* of $index"
	rm -rf "$tree"
	mkdir -p "$tree"
	for d in bin sbin lib lib64; do
		mkdir -p "$tree/usr/$d"
		ln -s "usr/$d" "$tree/$d"
	done
	for deb in "$archives"/*.deb; do
		unpack "$tree" "$deb"
	done
	rm -f "$archives"/*.deb
	rm -rf "$tree/usr/share/doc" "$tree/usr/share/man" "$tree/usr/share/locale"
}

# unpack TREE DEB [WILDCARD...]: only the files of a package; its maintainer scripts never run.
unpack()
{
	local tree=$1 deb=$2

	shift 2
	if [ $# -gt 0 ]; then
		dpkg-deb --fsys-tarfile "$deb" | tar -x -C "$tree" --keep-directory-symlink --wildcards "$@"
	else
		dpkg-deb --fsys-tarfile "$deb" | tar -x -C "$tree" --keep-directory-symlink
	fi
}

# in_tree TREE PROGRAM ARG...: a program of an unpacked Debian tree with that tree's own libraries. Needs no chroot, so
# no privileges, and paths mean the same inside and outside.
in_tree()
{
	local tree=$1 prog=$2 home=()

	shift 2
	case ${prog##*/} in
	python3*) home=(PYTHONHOME="$tree/usr" PYTHONDONTWRITEBYTECODE=1) ;;
	esac
	env -u PYTHONPATH -u LD_PRELOAD DEBUGINFOD_URLS= TERM=dumb LC_ALL=C.UTF-8 "${home[@]}" \
		"$tree/lib64/ld-linux-x86-64.so.2" --library-path "$tree/usr/lib/x86_64-linux-gnu:$tree/usr/lib" \
		"$tree/usr/$prog" "$@"
}

# foreign ARCH TREE PROGRAM ARG...: as in_tree, for a tree of another machine: its processor is emulated.
foreign()
{
	local arch=$1 tree=$2 prog=$3 loader

	shift 3
	loader=$(field "$MACHINE_TABLE" "$arch" 8)
	loader=$(find "$tree/usr" -name "$loader" | head -n 1)
	LC_ALL=C.UTF-8 "qemu-$(field "$MACHINE_TABLE" "$arch" 7)-static" "$loader" \
		--library-path "$(echo "$tree"/usr/lib/*-linux-gnu*):$tree/usr/lib:$tree/usr/lib64" "$tree/usr/$prog" "$@"
}
