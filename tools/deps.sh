#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# deps.sh SET...: installs the packages that the sets need: build, test, bench, dkms, kernels,
# debug-kernel.
#
# On Debian and its kin, as root, the script installs missing packages. Elsewhere it names them and
# ends with status 1. It runs before every build, so it looks for the files themselves, which takes
# no time and also finds those that came from elsewhere.
set -u

# SET  KIND:WHAT  PACKAGE: a program in PATH, a module of pkg-config, a header, clang's runtime.
needs='
build    program:gcc               gcc
build    header:stdio.h            libc6-dev
build    program:meson             meson
build    program:ninja             ninja-build
build    program:pkg-config        pkg-config
build    module:json-c             libjson-c-dev
build    module:libbpf             libbpf-dev
build    program:clang             clang
build    program:scdoc             scdoc
test     module:cmocka             libcmocka-dev
test     program:llvm-symbolizer   llvm
test     runtime:fuzzer            libclang-rt-dev
test     module:libarchive         libarchive-dev
test     program:python3           python3
test     program:jq                jq
test     program:clang-format      clang-format
test     program:codespell         codespell
test     header:libaio.h           libaio-dev
test     module:liburing           liburing-dev
test     program:setfattr          attr
test     program:setfacl           acl
test     program:mkfs.ext4         e2fsprogs
test     program:mkfs.xfs          xfsprogs
test     program:mkfs.btrfs        btrfs-progs
test     program:setquota          quota
test     program:capsh             libcap2-bin
test     program:mount             mount
test     program:unshare           util-linux
test     program:ps                procps
bench    program:python3           python3
bench    program:mkfs.ext4         e2fsprogs
bench    program:git               git
bench    program:bindfs            bindfs
bench    program:mergerfs          mergerfs
bench    program:fuse-overlayfs    fuse-overlayfs
bench    program:fusermount3       fuse3
dkms     program:dkms              dkms
dkms     program:make              make
dkms     program:gcc               gcc
dkms     program:openssl           openssl
kernels  program:qemu-system-x86_64  qemu-system-x86
kernels  program:busybox           busybox-static
kernels  program:depmod            kmod
kernels  program:cpio              cpio
kernels  program:xz                xz-utils
debug-kernel  program:flex         flex
debug-kernel  program:bison        bison
debug-kernel  program:bc           bc
debug-kernel  program:pahole       dwarves
debug-kernel  header:gelf.h        libelf-dev
debug-kernel  header:openssl/ssl.h libssl-dev
'

# The folders of system programs, which the PATH of an ordinary user may leave out.
PATH=$PATH:/usr/sbin:/sbin

has() { # KIND WHAT
	local dir
	case $1 in
	program) command -v "$2" > /dev/null ;;
	module)
		for dir in ${PKG_CONFIG_PATH:-} /usr/lib/pkgconfig /usr/lib/*/pkgconfig \
			/usr/lib64/pkgconfig /usr/share/pkgconfig /usr/local/lib/pkgconfig; do
			[ -e "$dir/$2.pc" ] && return 0
		done
		return 1 ;;
	header) [ -e "/usr/include/$2" ] || [ -e "/usr/local/include/$2" ] ;;
	runtime) compgen -G "/usr/lib*/*/lib/clang/*/lib/*/libclang_rt.$2*.a" > /dev/null ||
		compgen -G "/usr/lib*/clang/*/lib/*/libclang_rt.$2*.a" > /dev/null ;;
	esac
}

missing=() packages=()
while read -r set need package; do
	[ -n "$set" ] && [[ " $* " == *" $set "* ]] || continue
	has "${need%%:*}" "${need#*:}" && continue
	missing+=("$need")
	packages+=("$package")
done <<< "$needs"
[ ${#missing[@]} = 0 ] && exit 0

if ! command -v apt-get > /dev/null; then
	echo "missing: ${missing[*]}" >&2
	echo "Please install them; Debian's packages are called: ${packages[*]}" >&2
	exit 1
fi
if [ "$(id -u)" != 0 ]; then
	echo "missing: ${missing[*]}" >&2
	echo "Please run as root: apt-get install ${packages[*]}" >&2
	exit 1
fi

install() {
	DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends \
		-o Dpkg::Use-Pty=0 "${packages[@]}"
}

echo "installing ${packages[*]}"
log=$(mktemp)
trap 'rm -f "$log"' EXIT
# Package lists that are absent or old are fetched only when they turn out to be.
if ! install > "$log" 2>&1 && ! { apt-get update -q && install; } > "$log" 2>&1; then
	cat "$log" >&2
	exit 1
fi
