# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# Functions for the tests of sources.

faulty() { "$EXAMPLES/../tests/faulty-source" "$@"; }
source_view() { # [OPTION...]
	program_view "$EXAMPLES/../tests/faulty-source" "$LOWER" {} "$T/calls" "$@"
}
# As source_view, with tests/mount/preload/calls.c, whose files are in $T/system.
watched_source_view() { # [OPTION...]
	mkdir -p "$T/system"
	program_view /usr/bin/env LD_PRELOAD="$TOOLS/calls.so" CALLS="$T/system" \
		"$EXAMPLES/../tests/faulty-source" "$LOWER" {} "$T/calls" "$@"
}
hollow() { # NAME LENGTH WORDS
	faulty make "$LOWER/$(dirname "$1")" "$(basename "$1")" "$2" "$3" ||
		fail "cannot make $1"
}
lazytar_view() { program_view "$EXAMPLES/lazytar" "$@" "$T/a.tar" "$LOWER" {}; }

calls() { # PATTERN: how many calls match
	grep -cE "$1" "$T/calls"
}
kill_view() { # the last one
	local n=$((N_VIEWS - 1))
	kill -9 "${VIEW_PIDS[n]}"
	wait "${VIEW_PIDS[n]}" 2> /dev/null
	unset "VIEW_DIRS[$n]"
	umount -l "$VIEW"
}
pattern() { # LENGTH
	yes abcdefghijklmnopqrstuvw 2> /dev/null | tr -d '\n' | head -c "$1"
}
right() { # FILE LENGTH
	pattern "$2" | cmp - "$1" || fail "wrong content of $1"
}
is_hollow() { # NAME
	getfattr -n trusted.penstock.hollow "$LOWER/$1" > /dev/null 2>&1
}

settled() { # NAME: the file has no mark
	! is_hollow "$1"
}
no_more_requests() { # CMD...: with passthrough, the command reads and writes by no request
	requests READ,WRITE "$@" && { ! passing || [ "$N" = 0 ]; }
}
mark() { # NAME: gives a file the mark that it has until its content is on the disk
	setfattr -n trusted.penstock.hollow -v "" "$LOWER/$1"
}

evict() { # N: N evictions follow, of all files that were fetched
	local n
	n=$(calls ^evict)
	kill -HUP "${VIEW_PIDS[$((N_VIEWS - 1))]}"
	check within 10 eval '[ "$(calls ^evict)" = '$((n + $1))' ]'
	tail -n "$1" "$T/calls" | cut -d' ' -f2 | tr '\n' ' '
}

# Kills the source in the middle of fetches: no byte is ever wrong, and all that was complete stays.
kill_source() { # TIMES [OPTION...]: options of lazytar
	local i n f said pids
	lower ext4
	mkdir "$T/tree"
	for i in {1..40}; do
		mkdir "$T/tree/d$i"
		for f in {1..5}; do pattern $((f * 30000 + i)) > "$T/tree/d$i/f$f"; done
	done
	tar -C "$T/tree" -cf "$T/a.tar" .
	mkdir "$T/v"
	coproc python3 -u "$TESTS/tools/filled.py" "$LOWER" "$T/tree" 2> "$T/why"
	for ((n = 0; n < $1; n++)); do
		# A fresh tree now and then: else all is filled soon.
		[ $((n % 10)) = 0 ] && { rm -rf "$LOWER"; mkdir "$LOWER"; }
		"$EXAMPLES/lazytar" "${@:2}" "$T/a.tar" "$LOWER" "$T/v" > "$T/log" 2>&1 &
		i=$!
		until mountpoint -q "$T/v"; do
			kill -0 $i || fail "not mounted: $(cat "$T/log")"
			sleep 0.002
		done
		pids=()
		for f in 1 2 3 4; do
			(cd "$T/v" && find . -type f | shuf | xargs cat) > /dev/null 2>&1 &
			pids+=($!)
		done
		sleep "0.0$((RANDOM % 90 + 10))"
		kill -9 $i
		wait $i "${pids[@]}" 2> /dev/null
		umount -l "$T/v"
		echo >&"${COPROC[1]}"
		read -r said <&"${COPROC[0]}"
		equal "$said" right "after kill $n: $(cat "$T/why")"
	done
	lazytar_view "${@:2}"
	diff -r "$T/tree" "$VIEW" || fail "the last view differs"
	diff <(cd "$T/tree" && find . -type f -printf '%p %Ts\n' | sort) \
		<(cd "$VIEW" && find . -type f -printf '%p %Ts\n' | sort) || fail "times differ"
	kill "$COPROC_PID"
}
