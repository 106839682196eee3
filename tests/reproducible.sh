#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# reproducible.sh ROOT BUILD: filter objects do not depend on the folders of sources and build.
#
# A copy of the tree at another place is built in a folder at another depth; its objects have to be
# equal to those in BUILD, byte for byte.
set -u
root=$1 build=$2
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
mkdir -p "$dir/a/deeper/place"
(cd "$root" && tar -cf - --exclude=./build --exclude='./build-*' --exclude=./.git .) |
	tar -xf - -C "$dir/a/deeper/place" || exit 1
meson setup "$dir/b" "$dir/a/deeper/place" -Dtests=disabled -Dman=disabled > "$dir/log" 2>&1 &&
	ninja -C "$dir/b" filters/hide.bpf.o filters/mask.bpf.o >> "$dir/log" 2>&1 ||
	{ cat "$dir/log"; exit 1; }
cmp "$build/filters/hide.bpf.o" "$dir/b/filters/hide.bpf.o" &&
	cmp "$build/filters/mask.bpf.o" "$dir/b/filters/mask.bpf.o"
