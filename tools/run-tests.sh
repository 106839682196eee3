#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# run-tests.sh [quick]: `meson test` in build/, then the cases that failed or were skipped, and the
# count as the last line. Ends with status 1 when a case failed.
#
# "quick" leaves out the sanitizers, the fuzzers and most of the mount ring, and takes a minute.
set -u
cd "$(dirname "$0")/.." || exit 2
logs=build/meson-logs

run() { # LOG [ARG...]: one call of meson, which writes LOG.json
	rm -f "$logs/$1.json"
	meson test -C build --no-rebuild --print-errorlogs --logbase "$1" "${@:2}"
}

tools/build.sh build -Dtests=enabled || { echo '0 passed, 1 failed'; exit 1; }
if [ "${1:-}" = quick ]; then
	run rings --suite rules --suite unit --suite engine --suite filter
	run mount --suite mount --test-args '00-view*@on 10-*.[!l]*@on 10-*.lock*@on 80-filters*@on'
else
	run rings --no-suite mount
	# This ring takes minutes: meson prints each of its cases as it ends.
	run mount --suite mount --verbose
fi
echo
tools/results.py "$logs/rings.json" "$logs/mount.json"
