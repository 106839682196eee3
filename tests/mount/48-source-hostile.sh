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
