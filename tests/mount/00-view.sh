# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# One view: its content, its end, and the output of "penstock stat".

each_view_equals_the_lower_tree() {
	lower ext4
	mkdir -p "$LOWER"/a/b/c
	echo text > "$LOWER/a/file"
	ln -s file "$LOWER/a/link"
	ln "$LOWER/a/file" "$LOWER/a/second"
	mkfifo "$LOWER/a/b/fifo"
	mknod "$LOWER/a/b/null" c 1 3
	setfattr -n user.x -v value "$LOWER/a/file"
	head -c 3000000 /dev/urandom > "$LOWER/a/b/big"
	view -o cache=none
	same
	# Compares again, because the kernel now has everything in its caches.
	same
	echo more >> "$VIEW/a/file"
	same
}

each_mount_returns_when_the_view_answers() {
	lower ext4
	echo text > "$LOWER/f"
	view -b
	equal "$(cat "$VIEW/f")" text
	unview
}

# Two views of one tree: a change through one is visible in the other.
each_two_views_of_one_tree_share_changes() {
	lower ext4
	echo text > "$LOWER/f"
	view -o cache=none
	local one=$VIEW
	view -o cache=none
	echo more >> "$one/f"
	equal "$(wc -l < "$VIEW/f")" 2 "lines in the second view"
	unview "$one"
	equal "$(wc -l < "$VIEW/f")" 2 "lines after the first has gone"
}

once_stat_reports_the_mount_and_its_counters() {
	real || skip "there is no daemon to ask"
	lower ext4
	echo text > "$LOWER/f"
	view
	cat "$VIEW/f" > /dev/null
	stat "$VIEW/f" > /dev/null
	local json
	json=$("$PENSTOCK" stat --json "$VIEW") || fail "stat failed"
	[ "${json:0:1}" = "{" ] || fail "no JSON object: $json"
	equal "$(info lower)" "$LOWER" "lower"
	equal "$(info mountpoint)" "$VIEW" "mountpoint"
	equal "$(info passthrough)" true "passthrough"
	equal "$(info connection)" "$(($(stat -c %d "$VIEW") & 0xff))" "connection"
	equal "$(info pid)" "${VIEW_PIDS[0]}" "pid"
	check test "$(counter LOOKUP)" -ge 1
	check test "$(counter OPEN)" = 1
	check within 5 knows_the_file # somebody may have dropped what the kernel had in its cache
	check test "$(info registered)" = 1
	check test "$(info handles)" = 0
	check "$PENSTOCK" stat "$VIEW" > "$T/text"
	check grep -q LOOKUP "$T/text"
	refused "not|no" "$PENSTOCK" stat "$T"
}

knows_the_file() { stat "$VIEW/f" > /dev/null && [ "$(info nodes)" = 2 ]; }

once_mount_table_has_source_type_and_flags() {
	lower ext4
	view -o fsname=the-name,ro,noatime
	real || return 0
	grep -Eq "^the-name $VIEW (fuse[.])?penstock ro,.*noatime" /proc/mounts ||
		fail "/proc/mounts says: $(grep "$VIEW" /proc/mounts)"
	unview
	view
	grep -Eq "^$LOWER $VIEW (fuse[.])?penstock rw," /proc/mounts ||
		fail "/proc/mounts says: $(grep "$VIEW" /proc/mounts)"
}
