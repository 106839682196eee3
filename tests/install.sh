#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# install.sh ROOT: files for a prefix of a single user all go into the prefix; the helpers of
# mount(8) for a prefix of the system go where mount(8) looks. Installs nothing: the test reads the
# words of meson and its plan.
set -u
root=$1 bad=0
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

# set_up PREFIX HELPERS: the folder of the helpers of mount(8) has to be HELPERS.
set_up() {
	local again=
	[ ! -d "$dir/b" ] || again=--reconfigure
	meson setup $again "$dir/b" "$root" --prefix="$1" -Dtests=disabled -Dman=disabled \
		-Dfilters=disabled > "$dir/log" 2>&1 || { cat "$dir/log" >&2; exit 1; }
	grep -qx "Message: helpers of mount(8): $2" "$dir/log" ||
		{ echo "prefix $1: $(grep helpers "$dir/log"), not $2"; bad=1; }
}

set_up "$dir/own" "$dir/own/sbin"
# Names in braces are folders in the prefix.
if meson introspect "$dir/b" --install-plan | grep -o '"destination": "[^"]*"' |
	grep -Ev "\"(\{|$dir/own/)"; then
	echo "these files are not in the prefix $dir/own"
	bad=1
fi
set_up /usr/local /sbin
exit $bad
