#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# reproducible.sh ROOT BUILD: filter objects do not depend on the folders of sources and build.
#
# The test builds a copy of the tree at another place, in a folder at another depth. All filter
# objects have to be equal to those in BUILD, byte for byte.
set -u
root=$1 build=$2
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
mkdir -p "$dir/a/deeper/place"
(cd "$root" && tar -cf - --exclude=./build --exclude='./build-*' --exclude=./.git .) |
	tar -xf - -C "$dir/a/deeper/place" || exit 1
meson setup "$dir/b" "$dir/a/deeper/place" -Dtests=disabled -Dman=disabled > "$dir/log" 2>&1 &&
	(cd "$build" && ls filters/*.bpf.o) > "$dir/objects" &&
	xargs ninja -C "$dir/b" < "$dir/objects" >> "$dir/log" 2>&1 || { cat "$dir/log"; exit 1; }
bad=0
while read -r object; do
	cmp "$build/$object" "$dir/b/$object" || bad=1
done < "$dir/objects"
exit $bad
