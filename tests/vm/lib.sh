# SPDX-License-Identifier: GPL-2.0-or-later
# Shared by the scripts of this folder: the cache, what the host must have, package lists, programs of a peers tree.
# shellcheck shell=bash

# shellcheck disable=SC2034 # for the scripts that read this file
VM_DIR=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
CACHE=${MDF_CACHE:-/var/cache/makedumpfile-tests}

# release of the kernel, Debian suite that has it, processor to boot it on (without la57: four levels of page tables),
# MiB of crash memory to try first: with a shell, modules for virtio and the static program it does not boot with 4 less
KERNEL_TABLE='
5.10	bullseye	max,la57=off	68
6.1	bookworm	max		76
6.12	trixie	max,la57=off	76
7.2	sid	max		88
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

kernel_suite()
{
	awk -v r="$1" '$1 == r { print $2 }' <<<"$KERNEL_TABLE"
}

kernel_cpu()
{
	awk -v r="$1" '$1 == r { print $3 }' <<<"$KERNEL_TABLE"
}

kernel_crash_mib()
{
	awk -v r="$1" '$1 == r { print $4 }' <<<"$KERNEL_TABLE"
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

# suite_apt SUITE COMMAND...: apt on a package list of its own, so that the host's is neither used nor changed.
suite_apt()
{
	local suite=$1 tool=$2 dir=$CACHE/apt/$1

	shift 2
	"$tool" -o Dir::State="$dir/state" -o Dir::State::status="$dir/status" -o Dir::Cache="$dir/cache" \
		-o Dir::Etc::SourceList="$dir/sources.list" -o Dir::Etc::SourceParts=/dev/null \
		-o Dir::Etc::Preferences=/dev/null -o Dir::Etc::PreferencesParts=/dev/null \
		-o Dir::Etc::Trusted="${MDF_KEYRING:-/usr/share/keyrings/debian-archive-keyring.gpg}" \
		-o APT::Architecture=amd64 -o APT::Architectures=amd64 -o APT::Install-Recommends=false \
		-o APT::Sandbox::User=root -o Acquire::Languages=none -o APT::Get::List-Cleanup=false \
		-o DPkg::Post-Invoke::= -o APT::Update::Post-Invoke::= -o APT::Update::Post-Invoke-Success::= "$@"
}

# suite_ready SUITE: its package list is there, and of today, for a suite in motion keeps nothing old
suite_ready()
{
	local suite=$1 dir=$CACHE/apt/$1 url

	[ -z "$(find "$dir/fetched" -mmin -600 2>/dev/null)" ] || return 0
	[ -e "${MDF_KEYRING:-/usr/share/keyrings/debian-archive-keyring.gpg}" ] ||
		die "needs Debian's package debian-archive-keyring"
	mkdir -p "$dir/state/lists/partial" "$dir/cache/archives/partial"
	: >"$dir/status"
	url=$(mirror)
	echo "deb [arch=amd64] $url $suite main" >"$dir/sources.list"
	suite_apt "$suite" apt-get -qq update >&2 || die "cannot fetch the package list of $suite"
	: >"$dir/fetched"
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
