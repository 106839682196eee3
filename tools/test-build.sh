#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# test-build.sh DIR SUITE,... MESON-OPTION...: builds the tree in DIR with these options, runs the
# tests of the suites there, and prints their cases in TAP. The output of meson goes to stderr.
set -u
dir=$1 suites=(${2//,/ })
shift 2
cd "$(dirname "$0")/.." || exit 2
export ASAN_OPTIONS=detect_leaks=1:abort_on_error=0:handle_abort=1
export UBSAN_OPTIONS=print_stacktrace=1:halt_on_error=1
if ! timeout 900 tools/build.sh "$dir" "$@" >&2; then
	echo 'not ok 1 - build: it does not build'
	echo '1..1'
	exit 1
fi
rm -f "$dir/meson-logs/testlog.json"
# Instrumented code is slow: each test has three times its usual time.
meson test -C "$dir" --no-rebuild --print-errorlogs -t 3 "${suites[@]/#/--suite=}" >&2
tools/results.py --tap "$dir/meson-logs/testlog.json"
