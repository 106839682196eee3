# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# Many nodes with few descriptors: the memory of a node, and that FORGET frees it.

LIMIT[hundred_thousand_nodes_need_no_descriptors]=150
LIMIT[million_nodes_need_no_descriptors]=1500

resident() { # the daemon's memory in bytes
	awk '/^VmRSS:/ { print $2 * 1024 }' "/proc/${VIEW_PIDS[0]}/status"
}

few_nodes() { [ "$(info nodes)" -le "$1" ]; }

walk() { # N TYPE MIB
	local before after nodes bytes
	real || skip "there is no daemon to weigh"
	alone
	lower "$2" "$3"
	"$TOOLS/act" many "$LOWER" "$1" || fail "cannot make $1 files"
	DAEMON_PREFIX="prlimit --nofile=256:256"
	view -o cache=exclusive
	before=$(resident)
	equal "$(find "$VIEW" -type f -size 0 | wc -l)" "$1" "files that find sees"
	after=$(resident)
	nodes=$(info nodes)
	bytes=$(info node_bytes)
	echo "nodes $nodes, table $bytes bytes, resident $before before and $after after"
	check test "$nodes" -ge $(($1 * 9 / 10))
	check test $((bytes / nodes)) -le 200
	check test $(((after - before) / nodes)) -le 200
	check test "$(ls "/proc/${VIEW_PIDS[0]}/fd" | wc -l)" -le 256
	# The kernel forgets the nodes, so the daemon must free them.
	drop_caches
	within 20 few_nodes 100 || fail "$(info nodes) nodes after dropping the caches"
	within 5 smaller $((before + (after - before) / 4 + 4000000)) ||
		fail "resident $(resident) after forgetting; $before before, $after at the top"
	check test "$(info node_bytes)" -le $((bytes / 4 + 1000000))
	# And all over again.
	equal "$(find "$VIEW" -type f | wc -l)" "$1" "files that find sees again"
}

smaller() { [ "$(resident)" -le "$1" ]; }

once_hundred_thousand_nodes_need_no_descriptors() { walk 100000 tmpfs 1000; }
slow_million_nodes_need_no_descriptors() { walk 1000000 tmpfs 4000; }

# On overlayfs, which gives no file handles, each node needs a descriptor, and there are few. The
# daemon must give up old ones so that lookups go on.
once_nodes_without_handles_are_forgotten() {
	real || skip "there is no daemon"
	alone
	lower overlay
	"$TOOLS/act" many "$LOWER" 3000
	DAEMON_PREFIX="prlimit --nofile=8192:8192"
	view -o cache=exclusive
	equal "$(find "$VIEW" -type f -size 0 | wc -l)" 3000 "files"
	drop_caches
	within 10 few_nodes 100 || fail "$(info nodes) nodes after dropping the caches"
	within 5 few_fds ||
		fail "$(ls "/proc/${VIEW_PIDS[0]}/fd" | wc -l) descriptors after forgetting"
}

few_fds() { [ "$(ls "/proc/${VIEW_PIDS[0]}/fd" | wc -l)" -le 200 ]; }

# With too few descriptors operations may fail with EMFILE; nothing else may happen.
once_too_few_descriptors_fail_only_with_emfile() {
	real || skip "there is no daemon"
	alone
	lower overlay
	"$TOOLS/act" many "$LOWER" 2000
	DAEMON_PREFIX="prlimit --nofile=128:128"
	LOG_MAY='Too many open files|descriptors'
	view -o cache=none
	find "$VIEW" -type f > /dev/null 2> "$T/said"
	sort -u "$T/said" | head -n 3
	check test "$(grep -vc 'Too many open files' "$T/said")" = 0
	drop_caches
	within 10 few_nodes 100 || fail "$(info nodes) nodes stay"
	equal "$(cat "$VIEW/directory-000000/file-number-00000001"; echo $?)" 0 "afterwards"
}

# A client opens more files than the daemon may have descriptors.
once_opens_beyond_the_limit_fail_with_emfile() {
	real || skip "there is no daemon"
	lower ext4
	"$TOOLS/act" many "$LOWER" 1000
	DAEMON_PREFIX="prlimit --nofile=256:256"
	LOG_MAY='Too many open files|descriptors'
	view
	holder opener hold r "$VIEW"/directory-000000/*
	echo "$SAID"
	[[ $SAID == "open "*" 0" || $SAID == *EMFILE || $SAID == *ENFILE ]] || fail "holder: $SAID"
	release opener
	within 5 test_all_open || fail "not all files can be opened afterwards"
	same
}

test_all_open() {
	holder opener hold r "$VIEW"/directory-000000/*[05]
	release opener
	[ "$SAID" = "open 200 0" ]
}
