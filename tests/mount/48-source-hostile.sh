# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# Sources against clients, lower trees and programs that do what nobody expects.

# shellcheck source=tests/mount/hollow.sh
. "$TESTS/hollow.sh"

# CAP_NET_RAW, effective, as setcap(8) stores it.
CAPABILITY=0x0100000200200000000000000000000000000000
capability() { getfattr -e hex -n security.capability "$1" 2> /dev/null | sed -n 's/^.*=//p'; }

# A write removes the capabilities of a program, but the fetch is none of the client's writes.
each_fetch_keeps_capabilities() {
	lower ext4
	hollow f 100000 ""
	hollow g 100000 "wait=$T/never"
	source_view
	for i in f g; do check setfattr -n security.capability -v $CAPABILITY "$VIEW/$i"; done
	check chmod 6755 "$VIEW/f"
	right "$VIEW/f" 100000
	equal "$(capability "$VIEW/f")" $CAPABILITY "after the fetch"
	equal "$(stat -c %a "$VIEW/f")" 6755 "mode"
	within 10 eval '[ "$(evict 1)" = "0 " ]' || fail "$(tail -n 1 "$T/calls")"
	equal "$(capability "$VIEW/f")" $CAPABILITY "after the eviction"
	right "$VIEW/f" 100000
	equal "$(capability "$LOWER/f")" $CAPABILITY "after the second fetch"
	cat "$VIEW/g" > /dev/null 2>&1 &
	check within 10 eval '[ "$(calls "^fetch wait")" = 1 ]'
	sleep 0.1
	kill -9 "${VIEW_PIDS[0]}"
	wait "${VIEW_PIDS[0]}" 2> /dev/null
	unset 'VIEW_DIRS[0]'
	umount -l "$VIEW"
	touch "$T/never"
	source_view
	right "$VIEW/g" 100000
	equal "$(capability "$VIEW/g")" $CAPABILITY "after a kill"
}

# A change of one time, or of the owner, after a kill takes nothing else from the interrupted fetch.
each_changes_after_an_interrupted_fetch_are_kept() {
	local i
	lower ext4
	for i in f g h i; do hollow $i 100000 "wait=$T/never"; done
	source_view
	for i in f g h i; do
		check setfattr -n security.capability -v $CAPABILITY "$VIEW/$i"
		cat "$VIEW/$i" > /dev/null 2>&1 &
	done
	within 10 eval '[ "$(calls ^fetch)" = 4 ]' || fail "$(cat "$T/calls")"
	sleep 0.2
	kill -9 "${VIEW_PIDS[0]}"
	wait "${VIEW_PIDS[0]}" 2> /dev/null
	unset 'VIEW_DIRS[0]'
	umount -l "$VIEW"
	source_view
	check touch -h -a -d @981158400 "$VIEW/f"
	check chown 1000:1001 "$VIEW/g"
	check setfattr -n security.capability -v ${CAPABILITY/2000/1000} "$VIEW/h"
	touch "$T/never"
	for i in f g h i; do right "$VIEW/$i" 100000; done
	for i in f g h i; do
		equal "$(stat -c %.9Y "$LOWER/$i")" 1000000000.000000005 "mtime of $i"
	done
	equal "$(capability "$LOWER/f")" $CAPABILITY "of f"
	equal "$(capability "$LOWER/g")" "" "of g, after a change of the owner"
	equal "$(capability "$LOWER/h")" ${CAPABILITY/2000/1000} "of h"
	equal "$(capability "$LOWER/i")" $CAPABILITY "of i"
	equal "$(getfattr -R -m 'penstock.capability' "$LOWER" 2> /dev/null)" "" "records"
}

# Changes of other attributes during a fetch do not uncover its times.
each_times_of_a_fetch_stay_hidden() {
	lower ext4
	hollow f 100000 "wait=$T/never"
	hollow d dir "wait=$T/never a"
	source_view
	cat "$VIEW/f" > /dev/null 2>&1 &
	ls "$VIEW/d" > /dev/null 2>&1 &
	check within 10 eval '[ "$(calls .)" = 2 ]'
	sleep 0.1
	check chmod 700 "$VIEW/f" "$VIEW/d"
	check ln "$VIEW/f" "$VIEW/g"
	sleep 0.1
	check mv "$VIEW/d" "$VIEW/e"
	for i in f e; do
		equal "$(stat -c %.9Y "$VIEW/$i")" 1000000000.000000005 "mtime of $i"
	done
	touch "$T/never"
	right "$VIEW/g" 100000
	right "$VIEW/e/a" 1000
	for i in f e; do
		equal "$(stat -c %.9Y "$VIEW/$i")" 1000000000.000000005 "mtime of $i afterwards"
	done
}

# A killed client with more groups than fit into a page of /proc/PID/status stops waiting, too.
once_client_with_many_groups_can_be_killed() {
	local a
	lower ext4
	hollow f 5000 "wait=$T/never"
	source_view
	python3 -c 'import os, sys
os.setgroups(range(100000, 102000))
open(sys.argv[1])' "$VIEW/f" & a=$!
	check within 10 eval '[ "$(calls .)" = 1 ]'
	sleep 0.2
	kill -9 $a
	check within 10 gone $a
	touch "$T/never"
}

# Two mounts show a file, so the view has it twice: an eviction by one makes the other look again.
each_eviction_reaches_a_file_by_all_its_mounts() {
	lower ext4
	mkdir "$LOWER/a" "$LOWER/b"
	hollow a/f 5000 ""
	mount --bind "$LOWER/a" "$LOWER/b"
	source_view
	right "$VIEW/a/f" 5000
	right "$VIEW/b/f" 5000
	check python3 -c 'import os, signal, sys, time
view, calls, pid = sys.argv[1:]
fds = [os.open(view + d, os.O_PATH) for d in ("/a/f", "/b/f")]
for d in ("/b/f", "/a/f"):
	open(view + d).read(3)
while "evict 0" not in open(calls).read():
	os.kill(int(pid), signal.SIGHUP)
	time.sleep(0.1)
for d in ("/b/f", "/a/f"):
	assert open(view + d).read(3) == "abc", d
' "$VIEW" "$T/calls" "${VIEW_PIDS[0]}"
	unview
	umount "$LOWER/b"
}

# A program with a source that also answers operations: its files are never hollow.
each_source_leaves_files_of_node_operations_alone() {
	lower ext4
	hollow f 5000 ""
	source_view nodes
	check sh -c "echo text > '$VIEW/made'"
	equal "$(cat "$VIEW/made")" text
	check sh -c "echo more >> '$VIEW/made'"
	equal "$(stat -c %s "$VIEW/made")" 10
	check python3 -c 'import os, sys; os.truncate(sys.argv[1], 4)' "$VIEW/made"
	check python3 -c 'import os, sys; os.utime(sys.argv[1], (1, 1))' "$VIEW/made"
	check python3 -c 'import os, sys; os.truncate(sys.argv[1], 0)' "$VIEW/made"
	right "$VIEW/f" 5000
	equal "$(cat "$VIEW/made")" ""
}

once_program_gets_all_groups_of_a_client() {
	lower ext4
	source_view nodes
	equal "$(python3 -c 'import os, sys
os.setgroups(range(100000, 165536))
print(os.getxattr(sys.argv[1], "user.groups").decode())' "$VIEW/made")" "65536 165535" groups
	equal "$(setpriv --clear-groups getfattr --only-values -n user.groups "$VIEW/made" \
		2> /dev/null)" "0 0" "no groups"
}

# The mark of a fetched file that a killed program has left: the next view of another mount of LOWER
# fetches the file again, but not if somebody has changed it below.
each_change_below_outlives_a_kill() {
	lower ext4
	hollow f 5000 ""
	hollow g 5000 ""
	hollow h 5000 ""
	watched_source_view
	echo 0 > "$T/system/syncfs"
	right "$VIEW/f" 5000
	right "$VIEW/g" 5000
	right "$VIEW/h" 5000
	# By its times, the next view would take the file for one that was changed below.
	check python3 -c 'import os, sys; os.utime(sys.argv[1], (1, 1))' "$VIEW/h"
	check not is_hollow h
	kill_view
	is_hollow f || fail "the mark was removed before"
	echo outside > "$LOWER/f"
	mount --bind "$LOWER" "$LOWER"
	source_view
	equal "$(cat "$VIEW/f")" outside
	check not is_hollow f
	right "$VIEW/g" 5000
	equal "$(calls ^fetch)" 4 calls
	unview
	umount "$LOWER"
}

# A mark with a value that is too long, and one of a directory though the source has no list().
each_marks_that_no_source_can_use_are_logged() {
	lower ext4
	mkdir "$LOWER/d"
	pattern 100 > "$LOWER/f"
	setfattr -n trusted.penstock.hollow -v "$(pattern 1100)" "$LOWER/f"
	setfattr -n trusted.penstock.hollow "$LOWER/d"
	source_view no-list
	refused 'Input/output' cat "$VIEW/f"
	refused 'Input/output' ls "$VIEW/d"
	equal "$(calls .)" 0 calls
	grep -q 'more than 1024 bytes' "${VIEW_LOGS[0]}" || fail "nothing about the mark"
	grep -q 'no list()' "${VIEW_LOGS[0]}" || fail "nothing about list()"
	LOG_MAY='a mark in LOWER|is hollow, and the source has no'
}

# pst_view_free() waits for callbacks.
each_callback_cannot_end_the_view() {
	lower ext4
	hollow f 5000 ""
	source_view nodes
	check not timeout 10 stat "$VIEW/end"
	right "$VIEW/f" 5000
	check sh -c "echo text > '$VIEW/made'"
	grep -q 'a callback has called pst_view_free' "${VIEW_LOGS[0]}" || fail "nothing is logged"
	LOG_MAY='a callback has called pst_view_free'
}
