#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# counting.sh ROOT: tools/results.py loses no case of a test that crashes, hangs or skips itself.
set -u
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

# program ROOT SCRIPT: the output of cmocka.sh for a program, as a string of JSON.
program() {
	"$1/tests/cmocka.sh" bash -c "$2" 2> /dev/null | jq -Rs .
}

test_log() { # NAME RESULT STATUS STDOUT
	printf '{"name": "%s", "result": "%s", "returncode": %s, "duration": 30.2, ' "${@:1:3}"
	printf '"stdout": %s}\n' "$4"
}

fine=$(program "$1" 'echo 1..3; echo ok 1 - a; echo skipped: no b; echo not ok 2 "# SKIP b"
	echo ok 3 - c')
crashed=$(program "$1" 'echo 1..4; echo ok 1 - a; echo ==1==ERROR; kill -9 $$')
failed=$(program "$1" 'echo 1..2; echo not ok 1 - a; echo "# why"; echo "# too"
	echo ok 2 - b; exit 1')
absent=$(program "$1" 'echo 1..2; echo skipped: no eBPF; exit 77')
{
	test_log 'penstock:unit+race / fine' OK 0 "$fine"
	test_log 'penstock:unit / crashed' ERROR 137 "$crashed"
	test_log 'penstock:unit / failed' ERROR 1 "$failed"
	test_log 'penstock:filter / absent' SKIP 0 "$absent"
	test_log 'penstock:unit / hangs' TIMEOUT -15 '""'
	test_log 'penstock:rules / good' OK 0 '"text"'
	test_log 'penstock:rules / bad' FAIL 1 '"text"'
	test_log 'penstock:rules / none' SKIP 77 '"there is no codespell\n"'
	test_log ctl OK 0 '""'
	test_log 'penstock:mount / mount' ERROR 1 \
		'"ok 1 - 00.a@on\nnot ok 2 - 00.b@on: why # 1\nok 3 - 00.c@on # SKIP old\n1..3\n"'
} > "$dir/log"

diff - <(cd "$dir" && "$1/tools/results.py" log missing) << 'X'
not ok unit.crashed: ended with status 137
not ok unit.crashed.3: did not run
not ok unit.crashed.4: did not run
not ok unit.failed.a: why; too
not ok unit.hangs: not done after 30 s
not ok rules.bad: ended with status 1
not ok mount.00.b@on: why # 1
not ok missing: meson has left no log: No such file or directory
skip unit.fine.b: no b
skip filter.absent: no eBPF
skip rules.none: there is no codespell
skip mount.00.c@on: old
7 passed, 8 failed, 4 skipped
X
