#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# deps.sh SET...: sees to it that what the sets need is installed: build, test, bench, kernels.
#
# On Debian and its kin, as root, what is missing is installed; elsewhere it is named, and we stop.
# It runs before every build, so looking must cost nothing: one call of dpkg-query or pkg-config.
set -u

packages_build="meson ninja-build pkg-config gcc libc6-dev make libjson-c-dev scdoc"
packages_test="libcmocka-dev clang llvm libclang-rt-14-dev python3 libaio-dev liburing-dev
	attr acl e2fsprogs xfsprogs btrfs-progs quota libcap2-bin"
packages_bench="bindfs mergerfs fuse-overlayfs fuse3 python3 git e2fsprogs"
packages_kernels="qemu-system-x86 busybox-static kmod cpio xz-utils"
