# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# Large numbers of names in a directory, of processes, of nodes and of CPUs. Long cases are slow_.
# Set MODES to test another transport than the first of MODES.

LIMIT[listing_of_a_million_names_takes_constant_memory]=600
LIMIT[million_forgotten_nodes_leave_the_table]=600
LIMIT[hundred_processes_leave_equal_trees]=120
LIMIT[two_cpus_serve_more_than_one]=120

peak() { # the most memory that the daemon had since fresh_peak, in KiB
	awk '/^VmHWM:/ { print $2 }' "/proc/${VIEW_PIDS[0]}/status"
}

fresh_peak() { echo 5 > "/proc/${VIEW_PIDS[0]}/clear_refs"; }

# ---- names --------------------------------------------------------------------------------------

listing() { # WHAT VERB DIR N [counted]
	local said
	said=$(act listing "${@:2}" 2>&1) || fail "$1: $said"
	echo "$1: $said"
}

removed_meanwhile() { # VIEW LOWER N [counted]
	listing "removed meanwhile" remove "$1" "${@:3}"
	equal "$(ls -f "$1" | wc -l)" "$(ls -f "$2" | wc -l)" "names at the end"
}

# A listing takes the same memory of the daemon for any number of names, because each open directory
# has one buffer.
names() { # N TYPE MIB
	local before
	lower "$2" "$3"
	act listing make "$LOWER" "$1" || fail "cannot make $1 names"
	listing below check "$LOWER" "$1"
	view
	if has_daemon; then
		stat "$VIEW" > /dev/null
		fresh_peak
		before=$(peak)
	fi
	listing cold check "$VIEW" "$1"
	listing warm check "$VIEW" "$1"
	if has_daemon; then
		echo "peak: $before KiB before, $(peak) after"
		[ $(($(peak) - before)) -le 1024 ] ||
			fail "listing took $(($(peak) - before)) KiB"
	fi
	removed_meanwhile "$VIEW" "$LOWER" "$1"
}

each_listing_of_20000_names_takes_constant_memory() { names 20000 ext4 256; }
each_listing_of_20000_names_takes_constant_memory_on_tmpfs() { names 20000 tmpfs 256; }

# With opendir=off each READDIR continues after the last entry of the READDIR before. On ramfs
# offsets are counts, so an offset means another entry once names are removed.
unopened_names() { # TYPE
	local reader places=()
	lower "$1"
	mkdir "$LOWER/a" "$LOWER/b"
	act listing make "$LOWER/a" 5000 && act listing make "$LOWER/b" 5000 ||
		fail "cannot make names"
	view -o cache=exclusive,opendir=off
	[ "$1" = ramfs ] && places=(counted)
	removed_meanwhile "$VIEW/a" "$LOWER/a" 5000 "${places[@]}"
	act listing check "$VIEW/b" 5000 > /dev/null & reader=$!
	listing "two readers" check "$VIEW/b" 5000
	wait $reader || fail "the second reader did not see all names"
	listing warm check "$VIEW/b" 5000
	has_daemon || return 0
	# When a reader stops before the end, the daemon soon closes its handle of the directory.
	: > "$VIEW/b/new"
	rm "$VIEW/b/new"
	act listing begin "$VIEW/b" 5000 || fail "cannot begin to read"
	check test "$(info handles)" -gt 0
	within 5 all_let_go || fail "$(info handles) directories are left"
}

all_let_go() { [ "$(info handles)" = 0 ]; }

once_listing_with_opendir_off_is_whole_on_tmpfs() { unopened_names tmpfs; }
each_listing_with_opendir_off_is_whole_on_ramfs() { unopened_names ramfs; }
slow_listing_of_a_million_names_takes_constant_memory() { names 1000000 tmpfs 4000; }

# ---- processes ----------------------------------------------------------------------------------

# A hundred processes change the same names at once; then view and lower are equal, and no handle or
# backing ID remains: a daemon that leaks handles fails with EMFILE one day.
each_hundred_processes_leave_equal_trees() {
	lower ext4
	view
	timeout 100 "$TOOLS/act" shuffle "$VIEW" 7 100 100 || fail "one of a hundred processes"
	same -x
	has_daemon || return 0
	within 3 nothing_open || fail "$(info handles) handles, $(info backings) backings remain"
}

nothing_open() { [ "$(info handles)" = 0 ] && [ "$(info backings)" = 0 ]; }

# ---- nodes --------------------------------------------------------------------------------------

look_for_ever() { # until the flag has gone
	while [ -e "$T/looking" ]; do find "$VIEW" -type f -size 0 > /dev/null || return; done
}

# Drops the caches again and again while clients look up nodes. A node that is forgotten and found
# at the same moment must be counted right, or it stays in the table forever.
forgotten() { # N TYPE MIB ROUNDS
	local pids=() i nodes
	real || skip "there is no table"
	alone
	lower "$2" "$3"
	act many "$LOWER" "$1" || fail "cannot make $1 files"
	view -o cache=exclusive
	: > "$T/looking"
	for _ in 1 2 3; do look_for_ever 9>&- & pids+=($!); done
	for ((i = 0; i < $4; i++)); do
		sleep 0.5
		nodes=$(info nodes)
		drop_caches
		echo "$nodes nodes, $(info nodes) after"
	done
	rm "$T/looking"
	wait "${pids[@]}" || fail "a walk did not see everything"
	equal "$(find "$VIEW" -type f | wc -l)" "$1" "files afterwards"
	echo "$(counter FORGET) and $(counter BATCH_FORGET) forgets" \
		"of $(counter READDIRPLUS),$(counter LOOKUP)"
	within 30 root_only || fail "$(info nodes) nodes after dropping the caches"
	equal "$(info handles)" 0 "open handles afterwards"
}

# One call of the kernel's shrinkers may leave nodes cached, so the case repeats it.
root_only() {
	drop_caches
	[ "$(info nodes)" -le 1 ]
}

each_forgotten_nodes_leave_the_table() { forgotten 5000 tmpfs 256 6; }
slow_million_forgotten_nodes_leave_the_table() { forgotten 1000000 tmpfs 4000 60; }

# ---- CPUs ---------------------------------------------------------------------------------------

rate_on() { # CPUS FILE: looks per second of one process on each, together
	local cpu files=()
	for cpu in $1; do
		taskset -c "$cpu" "$TOOLS/act" rate "$2" 1 > "$T/rate$cpu" 9>&- &
		files+=($!)
	done
	wait "${files[@]}" || fail "cannot look at $2"
	for cpu in $1; do
		cat "$T/rate$cpu"; rm "$T/rate$cpu"
	done | awk '{ n += $1 } END { print n }'
}

middle() { sort -n | sed -n 3p; }

# Clients on two CPUs get more replies than a client on one; each look is a request. Other processes
# disturb the measurement, so the case compares medians, with a limit that only a lock around
# everything would miss.
slow_two_cpus_serve_more_than_one() {
	local what file one two
	[ "$(nproc)" -ge 2 ] || skip "one CPU"
	alone
	lower ext4
	echo > "$LOWER/a"
	view -o cache=none
	for what in lower view; do
		file=$LOWER/a
		[ $what = lower ] || file=$VIEW/a
		: > "$T/one"
		: > "$T/two"
		for _ in 1 2 3 4 5; do
			rate_on 0 "$file" >> "$T/one"
			rate_on "0 1" "$file" >> "$T/two"
		done
		one=$(middle < "$T/one") two=$(middle < "$T/two")
		echo "$what: one CPU $one/s, two $two/s, ratio $(awk "BEGIN { print $two / $one }")"
	done
	check test $((two * 10)) -ge $((one * 13))
}
