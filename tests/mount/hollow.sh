# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# Functions for the tests of sources.

faulty() { "$EXAMPLES/../tests/faulty-source" "$@"; }
source_view() { # [OPTION...]
	program_view "$EXAMPLES/../tests/faulty-source" "$LOWER" {} "$T/calls" "$@"
}
hollow() { # NAME LENGTH WORDS
	faulty make "$LOWER/$(dirname "$1")" "$(basename "$1")" "$2" "$3" ||
		fail "cannot make $1"
}
lazytar_view() { program_view "$EXAMPLES/lazytar" "$@" "$T/a.tar" "$LOWER" {}; }

calls() { # PATTERN: how many calls match
	grep -cE "$1" "$T/calls"
}
kill_view() {
	kill -9 "${VIEW_PIDS[0]}"
	wait "${VIEW_PIDS[0]}" 2> /dev/null
	unset 'VIEW_DIRS[0]'
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

# Prints "right" for each line of input if all files below without a mark have all their bytes, and
# all such directories their names.
check_filled() { # LOWER TREE
	python3 -u -c '
import os, sys
lower, tree = sys.argv[1:]
def content(path):
	return open(path, "rb").read()
for line in sys.stdin:
	for at, dirs, files in os.walk(lower):
		rel = os.path.relpath(at, lower)
		if "trusted.penstock.hollow" in os.listxattr(at):
			dirs.clear() # nobody has seen the names of a hollow directory
			continue
		want = set(os.listdir(os.path.join(tree, rel)))
		assert set(dirs + files) == want, (rel, want ^ set(dirs + files))
		for f in files:
			p, q = os.path.join(at, f), os.path.join(tree, rel, f)
			assert os.stat(p).st_size == os.stat(q).st_size, p
			marks = os.listxattr(p)
			# A file that was filled has the mark until its content is on the disk.
			if ("trusted.penstock.hollow" not in marks or
			    "trusted.penstock.filled" in marks):
				assert content(p) == content(q), p
	print("right")
' "$1" "$2"
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
	coproc check_filled "$LOWER" "$T/tree" 2> "$T/why"
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
