#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# build.sh DIR [MESON-OPTION...]: sets DIR up with these options, and builds. On a terminal it shows
# the progress of ninja; in a log it leaves only warnings and errors.
set -eu -o pipefail
dir=$1
shift
cd "$(dirname "$0")/.."
# Options are remembered beside the build, so that one that was set up without tests gets them.
options=$dir/penstock-options
if [ ! -f "$dir/build.ninja" ] ||
	{ [ $# != 0 ] && [ "$*" != "$(cat "$options" 2> /dev/null)" ]; }; then
	again=
	[ ! -f "$dir/build.ninja" ] || again=--reconfigure
	[ ! -t 1 ] || echo "setting up $dir/"
	meson setup $again "$dir" "$@" > "$dir.log" 2>&1 || {
		cat "$dir.log" >&2
		exit 1
	}
	rm -f "$dir.log"
	echo "$*" > "$options"
fi
if [ -t 1 ]; then
	ninja -C "$dir"
else
	ninja --quiet -C "$dir" | sed '/^ninja: no work to do/d'
fi
