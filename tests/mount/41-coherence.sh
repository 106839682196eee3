# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# Checks the guarantees of docs/coherence.md for each cache= mode: every operation that changes a
# file or its access time, crossed with every field of statx, the listings and the content. Before
# each operation the case has looked at all of these, so that the client has cached copies that
# could be stale.
#
#	COHERENCE_MEDIAN=MS	the longest median until the view shows a change below (50)
#	COHERENCE_LONGEST=MS	the longest time until it does (500)
#
# On an idle machine the median is below 1 ms; VERBOSE=1 prints the measured one.

# Operations that move an access time without an event: those on symbolic links, and utimensat(2)
# that sets only the access time.
UNHEARD=read_symlink,follow_symlink,set_atime

matrix() { # NAME ACTOR [ARG...]
	local actor=$2 served=()
	passing || served=(--served)
	take_results < <(timeout 280 "$TOOLS/coherence" matrix "${served[@]}" "${@:3}" \
		"$1" "$VIEW" "$LOWER" "$actor" 2>&1)
	[ "$N_RESULTS" -gt 0 ] || fail "the matrix ended badly"
}

tree() { # OPTIONS
	lower ext4 1024
	view -o "$1"
}

soon() { # NAME ACTOR [ARG...]
	matrix "$1" "$2" "${@:3}" --median "${COHERENCE_MEDIAN:-50}" --longest \
		"${COHERENCE_LONGEST:-500}" \
		--but $UNHEARD
}

# A change through the view is visible at the first look in every mode.
each_own_changes_are_right_with_none() { tree cache=none; matrix none "$VIEW" --first; }
each_own_changes_are_right_with_auto() { tree cache=auto; matrix auto "$VIEW" --first; }
each_own_changes_are_right_with_exclusive() {
	tree cache=exclusive
	matrix exclusive "$VIEW" --first
}
each_own_changes_are_right_with_ttl() { tree cache=ttl=60; matrix ttl "$VIEW" --first; }

# The daemon gives a new file a short timeout, because another program may have the lower file
# mapped. Attributes must not be cached while the view has the file mapped.
each_store_to_file_just_found_is_seen() {
	passing || skip "stores into pages of the view come as writes later"
	tree cache=auto
	check "$TOOLS/coherence" found 20 "$VIEW" "$LOWER"
}

# While the daemon takes a lease to prove that no process writes, replies to other looks must not
# count as proven.
each_looks_at_mapped_file_are_right() {
	passing || skip "stores into pages of the view come as writes later"
	tree cache=auto
	echo text > "$LOWER/file"
	check "$TOOLS/coherence" mapped 6 "$VIEW/file" "$LOWER/file"
}

# The daemon's lease must not make an open with O_NONBLOCK fail in the view.
each_own_open_with_nonblock_succeeds() {
	tree cache=auto
	: > "$LOWER/file"
	check "$TOOLS/coherence" nowait 4 "$VIEW/file"
}

# A change of the lower tree is visible at once (none), after its event (auto), or after a second
# (ttl). Cases that take minutes are slow_.
each_outside_changes_are_right_with_none() { tree cache=none; matrix none "$LOWER" --first; }

# Combines every operation with some of the looks. A change without an event would never become
# visible, and a slow watcher would delay half of the looks, so the limit for the longest time can
# be generous.
each_outside_changes_are_seen_with_auto() {
	tree cache=auto
	COHERENCE_LONGEST=3000 soon auto "$LOWER" --part 7
	no_lease_left
}

slow_every_outside_change_is_seen_with_auto() {
	tree cache=auto
	soon auto "$LOWER"
	no_lease_left
}

slow_outside_changes_are_seen_after_ttl() {
	real || skip "a bind mount has no caches of its own"
	tree cache=ttl=1
	matrix ttl "$LOWER" --batch 1200 --longest 1200000 --give-up 400
}

# Each of two views of one tree sees the changes of the other one as external ones.
slow_two_views_see_each_others_changes() {
	local first second
	tree cache=auto
	first=$VIEW
	view -o cache=auto
	second=$VIEW VIEW=$first
	soon auto "$second"
	no_lease_left
}

# Runs the matrix on other lower file systems.
slow_changes_are_seen_on_other_file_systems() {
	local type
	for type in xfs btrfs tmpfs; do
		# shellcheck disable=SC2034
		PREFIX=$type
		lower $type 1024
		view -o cache=auto
		matrix auto-own "$VIEW" --first
		soon auto-below "$LOWER"
		unview
	done
}

# Directories that are opened, then changed, then read. btrfs lists the names of the time of the
# open, and the kernel would cache this listing for every process. The kernel engine lists what the
# lower file system lists, so another one takes the place of btrfs.
each_listing_after_change_shows_it() { listed_on ext4 "$(btrfs_or_not)"; }
btrfs_or_not() { in_kernel && echo ramfs || echo btrfs; }
once_listing_after_change_shows_it_on_other_file_systems() { listed_on xfs tmpfs ramfs overlay; }

listed_on() { # TYPE...
	local type
	real || skip "btrfs itself lists what was there at the open"
	for type; do
		# shellcheck disable=SC2034
		PREFIX=$type
		lower "$type" 300
		view -o cache=auto
		listed
		matrix auto-own "$VIEW" --first --part 7 --only _read
		unview
	done
}

# The same with opendir=off, and with a filter that runs for each name.
once_listing_after_change_shows_it_with_filters_and_opendir_off() {
	real || skip "a bind mount has no other ways"
	lower "$(btrfs_or_not)" 300
	for PREFIX in cache=exclusive,opendir=off cache=auto,opendir=off cache=none; do
		view -o "$PREFIX"
		listed
		unview
	done
	need_filters
	for PREFIX in audit hide,names=zz; do
		view -o cache=auto -F "$PREFIX"
		listed
		unview
	done
}

once_listing_after_change_shows_it_in_a_view_of_a_view() {
	local first
	lower btrfs 300
	view -o cache=auto
	first=$VIEW
	view -o cache=auto "$first"
	listed
	unview
	VIEW=$first
}

listed() {
	take_results < <(timeout 100 "$TOOLS/coherence" listed "${ROUNDS:-30}" "$VIEW" \
		"$LOWER" 2>&1)
	rm -rf "${LOWER:?}"/*
}

no_lease_left() {
	check not grep -q LEASE /proc/locks
}

LIMIT[own_changes_are_right_with_none]=290
LIMIT[own_changes_are_right_with_auto]=120
LIMIT[own_changes_are_right_with_exclusive]=120
LIMIT[own_changes_are_right_with_ttl]=120
LIMIT[outside_changes_are_right_with_none]=290
LIMIT[outside_changes_are_seen_with_auto]=120
LIMIT[every_outside_change_is_seen_with_auto]=290
LIMIT[outside_changes_are_seen_after_ttl]=290
LIMIT[two_views_see_each_others_changes]=290
LIMIT[changes_are_seen_on_other_file_systems]=590
