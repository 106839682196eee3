# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# Views that an ordinary user mounts: fusermount3 mounts them, and the process has the rights of the
# user only.

user_tree() {
	real || skip "about the program"
	[ -u "$(command -v fusermount3)" ] || skip "fusermount3 is not installed"
	lower ext4
	user_device
	mkdir "$LOWER/src" "$T/mnt"
	echo text > "$LOWER/src/a"
	echo root > "$LOWER/of-root"
	chown -R 1000:1000 "$LOWER/src" "$LOWER" "$T/mnt"
	chown 0:0 "$LOWER/of-root"
	chmod 600 "$LOWER/of-root"
	chmod 755 "$T"
	mkdir -m 700 "$T/run"
	chown 1000 "$T/run"
	export XDG_RUNTIME_DIR=$T/run
}

user() { as 1000 timeout 30 "$@"; }
mounted() { grep -q " $T/mnt fuse.penstock " /proc/self/mounts; }

once_ordinary_user_mounts_uses_and_unmounts_a_view() {
	user_tree
	user "$PENSTOCK" mount -o cache=none "$LOWER" "$T/mnt" 2> "$T/said" ||
		fail "not mounted: $(cat "$T/said")"
	equal "$(grep -c 'serves data itself' "$T/said")" 1 "lines about data"
	equal "$(user cat "$T/mnt/src/a")" text
	user bash -c 'cd "$0" && echo new > src/new && mkdir d && mv src/new d && chmod 600 d/new &&
		ln d/new d/link && ln -s new d/sym && truncate -s 100 d/link && touch -d @5 d/new &&
		dd if=/dev/urandom of=data bs=64k count=30 status=none && cp data copy' "$T/mnt" ||
		fail "an operation failed"
	local list='find . -printf "%P %s %m %U %n %T@ %l\n" | sort'
	equal "$(user bash -c "cd $T/mnt && $list")" "$(cd "$LOWER" && bash -c "$list")" tree
	user cmp "$T/mnt/data" "$T/mnt/copy" || fail "data differs"
	cmp "$LOWER/data" "$LOWER/copy" || fail "data differs below"
	refused 'Permission denied' user cat "$T/mnt/of-root"
	refused 'Permission denied' as 1001 ls "$T/mnt"
	user "$PENSTOCK" stat "$T/mnt" > "$T/stat" || fail "no answer to stat"
	check grep -q 'passthrough  off: ' "$T/stat"
	user "$PENSTOCK" umount "$T/mnt" || fail "not unmounted"
	check not mounted
	equal "$(ls "$T/run/penstock")" "" "sockets"
}

# probe says what the user can do, and leaves out what only root has.
once_probe_of_an_ordinary_user_agrees_with_mount() {
	user_tree
	user "$PENSTOCK" probe "$LOWER" > "$T/said" || fail "probe ends with $?"
	check grep -q '^user 1000 can mount views' "$T/said"
	check not grep -q '^cap_' "$T/said"
	user "$PENSTOCK" mount "$LOWER" "$T/mnt" 2> /dev/null || fail "not mounted"
	user "$PENSTOCK" umount "$T/mnt" || fail "not unmounted"
	user "$PENSTOCK" probe --all > "$T/said"
	check grep -q '^cap_sys_admin  *off' "$T/said"
}

once_view_of_an_ordinary_user_ends_by_signal_and_is_removed_when_dead() {
	user_tree
	user "$PENSTOCK" mount "$LOWER" "$T/mnt" 2> /dev/null || fail "not mounted"
	local pid
	pid=$(user "$PENSTOCK" stat "$T/mnt" | sed -n 's/^process *\([0-9]*\).*/\1/p')
	kill -TERM "$pid"
	within 10 not_mounted || fail "SIGTERM does not unmount"
	within 10 gone "$pid" || fail "the process is left"
	user "$PENSTOCK" mount "$LOWER" "$T/mnt" 2> /dev/null || fail "not mounted again"
	pid=$(user "$PENSTOCK" stat "$T/mnt" | sed -n 's/^process *\([0-9]*\).*/\1/p')
	kill -KILL "$pid"
	check within 10 gone "$pid"
	user "$PENSTOCK" umount "$T/mnt" || fail "the dead view stays"
	check not mounted
}

not_mounted() { ! mounted; }

once_mounts_that_need_root_are_refused_and_leave_nothing() {
	user_tree
	mkdir "$T/of-root"
	refused 'xdev=hide needs root' user "$PENSTOCK" mount -o xdev=hide "$LOWER" "$T/mnt"
	refused 'inside LOWER' user "$PENSTOCK" mount "$LOWER" "$LOWER/src"
	refused 'nosymfollow' user "$PENSTOCK" mount -o nosymfollow "$LOWER" "$T/mnt"
	refused 'passthrough=on' user "$PENSTOCK" mount -o passthrough=on "$LOWER" "$T/mnt"
	refused 'has not mounted at .* \(fusermount3: .*\); the' \
		user "$PENSTOCK" mount "$LOWER" "$T/of-root"
	refused 'install fusermount3' user env PATH=/nowhere "$PENSTOCK" mount "$LOWER" "$T/mnt"
	check not mounted
	equal "$(own_mounts)" "" mounts
}
