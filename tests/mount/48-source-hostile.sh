# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# Sources against clients, lower trees and programs that do what nobody expects.

# shellcheck source=tests/mount/47-source.sh
. "$TESTS/47-source.sh"

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
