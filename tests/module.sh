#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# module.sh ROOT: the module of the kernel engine builds without a warning, for each kernel from
# 6.12 on whose headers are installed, or else with the headers that the tests in virtual machines
# have fetched before. Fetches nothing itself.
cd "$1" || exit 2
cache=${PENSTOCK_CACHE:-$HOME/.cache/penstock}/kmod
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

for headers in /lib/modules/*/build; do
	release=$(basename "$(dirname "$headers")")
	[ -e "$headers/Makefile" ] || continue
	[ "$(printf '6.12\n%s\n' "$release" | sort -V | head -n 1)" = 6.12 ] || continue
	built=yes
	make -s kmod BUILD="$dir/$release" KDIR="$headers" > "$dir/log" 2>&1 &&
		[ ! -s "$dir/log" ] || { cat "$dir/log"; echo "not for Linux $release"; exit 1; }
done
[ -z "${built:-}" ] || exit 0

for suite in trixie sid; do
	[ -e "$cache/$suite/release" ] || continue
	SUITES=$suite tests/kernels/kmod/run build
	exit
done
echo "no headers of Linux 6.12 or later; 'make test-kernels' fetches some"
exit 77
