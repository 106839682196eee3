#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# build.sh DIR [MESON-OPTION...]: sets DIR up when it is not yet, and builds. Quiet when all is well.
set -eu -o pipefail
dir=$1
shift
cd "$(dirname "$0")/.."
if [ ! -f "$dir/build.ninja" ]; then
	meson setup "$dir" "$@" > "$dir.log" 2>&1 || {
		cat "$dir.log" >&2
		exit 1
	}
	rm -f "$dir.log"
fi
ninja --quiet -C "$dir" | sed '/^ninja: no work to do/d'
