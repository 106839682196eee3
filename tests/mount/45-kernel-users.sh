# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# Users of a view inside the kernel that hold a name between two steps: overlayfs with its upper and
# work directory in the view. A name must not vanish for them unless a program changes the lower
# tree.

# The view's own operations send no notifications about names: 4 processes create, remove and create
# names again.
each_own_operations_invalidate_no_names() {
	real || skip "there is no daemon"
	lower ext4
	local cache n
	for cache in auto exclusive; do
		view -o "cache=$cache,log=debug"
		act storm 1 "${SEED:-$RANDOM}" "$VIEW" "$VIEW" "$VIEW" "$VIEW" ||
			fail "$cache: what should never be said"
		# Waits twice as long as the watcher may sleep between two batches of events.
		sleep 0.05
		n=$(grep -c 'notify: INVAL_ENTRY\|notify: DELETE' "$T/daemon$((N_VIEWS - 1)).log")
		equal "$n" 0 "names that the kernel was told to forget with cache=$cache"
		unview
		rm -rf "${LOWER:?}"/*
	done
}

overlay_in_view() {
	rm -rf "$VIEW"/{u,w}
	mkdir -p "$VIEW"/{l,u,w,m}
	mount -t overlay o -o "lowerdir=$VIEW/l,upperdir=$VIEW/u,workdir=$VIEW/w" "$VIEW/m" ||
		skip "no overlayfs on a view here"
}

# Takes N, the number of directories.
overlay_stress() { # CACHE N
	local i round copying
	for ((i = 0; i < $2; i++)); do
		mkdir -p "$LOWER/l/dd/d$i"
		echo x > "$LOWER/l/dd/d$i/x"
	done
	view -o "cache=$1"
	for round in 1 2; do
		overlay_in_view
		cp -a "$VIEW/m/dd" "$VIEW/m/copy" 2> "$T/errors" 9>&- &
		copying=$!
		rm -rf "$VIEW/m/dd" 2> "$T/errors2"
		wait $copying
		# A copy of a tree that is being removed may miss files; no other error is allowed.
		check not grep -v 'No such file or directory' "$T/errors"
		check not grep . "$T/errors2"
		for ((i = 0; i < $2 / 2; i++)); do
			echo y > "$VIEW/m/a" && mv "$VIEW/m/a" "$VIEW/m/b" &&
				mv "$VIEW/m/b" "$VIEW/m/a" &&
				ln "$VIEW/m/a" "$VIEW/m/c" && rm "$VIEW/m/a" "$VIEW/m/c" ||
				fail "cache=$1, round $round, step $i"
		done
		check rm -rf "$VIEW/m/copy"
		check umount "$VIEW/m"
	done
	unview
	rm -rf "${LOWER:?}"/*
}

each_overlayfs_on_a_view_gives_no_errors() {
	lower ext4
	local cache
	for cache in auto none ttl=1 exclusive; do
		overlay_stress "$cache" 40
	done
}

slow_overlayfs_on_a_view_for_long() {
	lower ext4
	local cache
	for cache in auto none ttl=1 exclusive; do
		overlay_stress "$cache" 1000
	done
}
LIMIT[overlayfs_on_a_view_gives_no_errors]=120
LIMIT[overlayfs_on_a_view_for_long]=600
