#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# run-tests.sh: all rings of tests, in the order of what they need.
#
#	rules   who may include whom
#	unit    parts by themselves, plain and with ASan and UBSan
#	engine  a whole view in one process against a scripted kernel, plain and with both
#	race	the engine ring and some of the unit ring, with TSan
#	filter  each ready-made filter by itself, run by the kernel; needs BPF
#	fuzz    what the kernel and clients could send us, for a few seconds
#	mount   real mounts; needs root
#
# One line for each test, "ok NAME", "not ok NAME: why" or "skip NAME: why"; then what failed and
# what was skipped once more, and the count as the last line. Exit status 1 when anything failed.
# Every step has a time limit: a test that hangs is a test that fails.
#
#	FUZZ_SECONDS	for all fuzzers together (20)
#	RINGS		which rings to run (all)
set -u
cd "$(dirname "$0")/.." || exit 2
rings=${RINGS:-rules unit engine race filter fuzz mount}
fuzz_seconds=${FUZZ_SECONDS:-20}
results=$(mktemp)
trap 'rm -f "$results"' EXIT
export ASAN_OPTIONS=detect_leaks=1:abort_on_error=0:handle_abort=1
export UBSAN_OPTIONS=print_stacktrace=1:halt_on_error=1

wanted() { [[ " $rings " == *" $1 "* ]]; }

# All results pass through here.
note() { # LINE
	printf '%s\n' "$1" | tee -a "$results"
}

# build DIR [MESON-OPTION...]: a build that fails is one failed test, with its output shown.
build() {
	local out
	if ! out=$(timeout 600 tools/build.sh "$@" 2>&1); then
		printf '%s\n' "$out"
		note "not ok build.$1: it does not build"
		return 1
	fi
}

# tests_of DIR RING: lines NAME SECONDS COMMAND... out of meson's list, with the environment that it
# gives them; what was built goes by its name within DIR.
tests_of() {
	meson introspect --tests "$1" | python3 -c '
import json, os, sys
def found(word):
    path = os.path.join(sys.argv[1], word)
    return os.path.abspath(path) if os.path.exists(path) else word
for test in json.load(sys.stdin):
    if any(suite.split(":")[-1] == sys.argv[2] for suite in test["suite"]):
        env = [f"{name}={value}" for name, value in (test["env"] or {}).items()]
        print(test["name"], test["timeout"], *(["env"] + env if env else []),
              *map(found, test["cmd"]))' "$1" "$2"
}

# one NAME SECONDS COMMAND...: runs a test program. One that speaks TAP, as cmocka does, is taken at
# its word, line by line; of others the exit status counts, 77 for skipped. So does one that a
# talkative program dies with.
one() {
	local name=$1 seconds=$2 out status line n=0 failed=0
	shift 2
	out=$(CMOCKA_MESSAGE_OUTPUT=TAP timeout -k 5 "$seconds" "$@" 2>&1 < /dev/null)
	status=$?
	while IFS= read -r line; do
		case $line in
		'ok '[0-9]*'# SKIP'*)
			note "skip $name.${line#*SKIP }: the test says so" ;;
		'ok '[0-9]*' - '*)
			note "ok $name.${line#* - }" ;;
		'not ok '[0-9]*' - '*)
			note "not ok $name.${line#* - }: see below"
			failed=1 ;;
		*) continue ;;
		esac
		n=$((n + 1))
	done <<< "$out"

	if [ $status = 124 ] || [ $status = 137 ]; then
		note "not ok $name: no end after $seconds s"
	elif [ $status = 77 ]; then
		note "skip $name: $(tail -n 1 <<< "$out")"
	elif [ $status != 0 ] && [ $failed = 0 ]; then
		note "not ok $name: exit status $status"
	elif [ $n = 0 ]; then
		note "ok $name"
	fi
	[ $status = 0 ] || [ $status = 77 ] || printf '%s\n' "$out"
}

# ring RING BUILD SUFFIX: all test programs of a ring in one build.
ring() {
	local name seconds command
	while read -r name seconds command; do
		# shellcheck disable=SC2086 # a command with its arguments
		[ -n "$name" ] && one "$1.$name$3" "$seconds" $command
	done < <(tests_of "$2" "$1")
}

# Data races. TSan's search for deadlocks knows 64 locks held at a time, which the node table holds
# when it grows, and one: it stays off where tables grow.
race() {
	local name seconds command
	build build-tsan -Dtests=enabled -Db_sanitize=thread -Db_lundef=false -Dman=disabled || return
	export TSAN_OPTIONS=second_deadlock_stack=1
	while read -r name seconds command; do
		# shellcheck disable=SC2086 # a command with its arguments
		[ -n "$name" ] && one "engine.$name@race" $((2 * seconds)) $command
	done < <(tests_of build-tsan engine)
	export TSAN_OPTIONS=detect_deadlocks=0
	for name in ctl fdcache handle node-threads passthrough; do
		one "unit.$name@race" 60 "build-tsan/tests/test-$name"
	done
}

fuzz() {
	local name seconds command n log seeds
	command -v clang > /dev/null || { note "skip fuzz: there is no clang"; return; }
	CC=clang build build-fuzz -Dfuzz=true -Dtests=disabled -Dman=disabled -Db_lundef=false || return
	n=$(tests_of build-fuzz fuzz | wc -l)
	log=$(mktemp)
	while read -r name seconds command; do
		seconds=$((fuzz_seconds / n > 1 ? fuzz_seconds / n : 1))
		# What is found stays in the build directory: the next run goes on from there.
		mkdir -p "build-fuzz/corpus/$name"
		seeds=tests/fuzz/corpus/$name
		[ -d "$seeds" ] || seeds=
		# shellcheck disable=SC2086
		if timeout -k 5 $((seconds + 30)) $command -max_total_time=$seconds -timeout=5 \
			-rss_limit_mb=2048 -artifact_prefix=build-fuzz/ \
			"build-fuzz/corpus/$name" $seeds > "$log" 2>&1; then
			note "ok fuzz.$name"
		else
			tail -n 60 "$log"
			note "not ok fuzz.$name: an input breaks it; it is kept in build-fuzz/"
		fi
	done < <(tests_of build-fuzz fuzz)
	rm -f "$log"
}

mounts() {
	local line
	if [ "$(id -u)" != 0 ] || [ ! -c /dev/fuse ]; then
		note "skip mount: needs root and /dev/fuse"
		return
	fi
	# Results are noted, what else there is to say is passed on; its own count is not.
	while IFS= read -r line; do
		case $line in
		'ok '* | 'not ok '* | 'skip '*) note "$line" ;;
		'status '*) [ "$line" = "status 0" ] || [ "$line" = "status 1" ] ||
			note "not ok mount: the ring ended with $line" ;;
		'# '*' passed'*) ;;
		*) printf '%s\n' "$line" ;;
		esac
	done < <(timeout -k 30 2400 tests/mount/run -j $(($(nproc) + 1)) < /dev/null 2>&1; echo "status $?")
}

build build -Dtests=enabled || rings=
if wanted unit || wanted engine || wanted filter; then
	build build-san -Dtests=enabled -Db_sanitize=address,undefined -Db_lundef=false -Dman=disabled ||
		rings=${rings/unit/}
fi

wanted rules && ring rules build ""
for name in unit engine filter; do
	wanted $name || continue
	ring $name build ""
	ring $name build-san "@san"
done
wanted race && race
wanted fuzz && fuzz
wanted mount && mounts

passed=$(grep -c '^ok ' "$results")
failed=$(grep -c '^not ok ' "$results")
skipped=$(grep -c '^skip ' "$results")
if [ "$failed" != 0 ] || [ "$skipped" != 0 ]; then
	echo
	grep '^not ok ' "$results"
	grep '^skip ' "$results"
fi
echo "$passed passed, $failed failed$([ "$skipped" = 0 ] || echo ", $skipped skipped")"
[ "$failed" = 0 ]
