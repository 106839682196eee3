#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# install.sh BUILD: installs what BUILD has, below $DESTDIR if that is set, and says where.
set -u
build=$1
log=$build/meson-logs/install.log

# option NAME: prints an option that BUILD was set up with.
option() {
	meson introspect "$build" --buildoptions |
		sed 's/}, {/\n/g' | sed -n "s/.*\"name\": \"$1\", \"value\": \"\([^\"]*\)\".*/\1/p"
}

prefix=$(option prefix)
if ! meson install -C "$build" --no-rebuild > "$log" 2>&1; then
	sed -n 's/^.*Error: /cannot install: /p' "$log" >&2
	echo "$log has the whole reason." >&2
	[ "$(id -u)" = 0 ] ||
		echo "Without root: make install PREFIX=\$HOME/.local" >&2
	exit 1
fi
helper=$(sed -n 's/.* to \(.*\/mount\.penstock\)$/\1/p' "$log")
echo "${DESTDIR:-}$prefix/bin/penstock is installed; \`make uninstall' removes it"
if [ -n "${DESTDIR:-}" ]; then
	echo "It looks for filters in $prefix/lib/penstock/filters: to try it in $DESTDIR, set" \
		"PENSTOCK_FILTER_PATH=$DESTDIR$prefix/lib/penstock/filters"
elif [ "$helper" != /sbin/mount.penstock ]; then
	echo "For \`mount -t penstock' and fstab, as root: ln -s $prefix/bin/penstock" \
		"/sbin/mount.penstock"
fi
