# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# Mounts inside a view: a tmpfs on a directory, a bind mount on a file, a mount in another
# namespace. The kernel silently detaches a mount when the daemon reports its mount point as absent;
# only the removal of the mount point may cause this.

INSIDE_PIDS=()

inside_tree() {
	lower ext4
	mkdir -p "$LOWER"/p/{d,other,deep/er} "$LOWER/shown"
	echo covered | tee "$LOWER"/p/{d,other,deep/er}/s > "$LOWER/p/f"
}

# Makes mounts in this namespace, and one on p/other in a namespace of its own.
cover() {
	mount -t tmpfs none "$VIEW/p/d" || fail "mount on a directory"
	mount -t tmpfs none "$VIEW/p/deep/er" || fail "mount deeper"
	echo bound > "$T/bound"
	mount --bind "$T/bound" "$VIEW/p/f" || fail "bind mount on a file"
	# shellcheck disable=SC2016
	unshare -m --propagation private sh -c 'mount -t tmpfs none "$1" && exec sleep 1000' _ \
		"$VIEW/p/other" 9>&- > /dev/null 2>&1 &
	INSIDE_PIDS+=($!)
	within 5 covered_elsewhere || fail "mount in another namespace"
	# The thread that reads the mount table pauses for 20 ms after each change of it.
	sleep 0.2
}

uncover() {
	umount "$VIEW/${1:-p}/d" "$VIEW/${1:-p}/deep/er" "$VIEW/${1:-p}/f" ||
		fail "a mount has gone"
	kill "${INSIDE_PIDS[-1]}"
	wait "${INSIDE_PIDS[-1]}" 2> /dev/null
	true
}

covered_elsewhere() { grep -q " $VIEW/[^ ]*/other " "/proc/${INSIDE_PIDS[-1]}/mountinfo"; }

kept() { # WHAT [DIR]
	local p=$VIEW/${2:-p}
	[ ! -e "$p/d/s" ] || fail "after $1 the mount on a directory has gone"
	[ ! -e "$p/deep/er/s" ] || fail "after $1 the mount on a directory deeper has gone"
	equal "$(cat "$p/f")" bound "after $1 the file with a bind mount"
	covered_elsewhere || fail "after $1 the mount in another namespace has gone"
}

# Looks up the names as each user that a filter tells apart. The lookups may fail.
look_at_all() {
	for who in 0 1000; do
		as $who find "$VIEW" -maxdepth 4 > /dev/null 2>&1
		as $who stat "$VIEW"/p/{d,f,deep/er,other} "$VIEW"/p > /dev/null 2>&1
	done
	true
}

filter_changes_keep_mounts_inside() { # SPEC...
	need_filters
	inside_tree
	local cache spec
	for cache in auto none; do
		view -o "cache=$cache"
		ls -lR "$VIEW" > /dev/null
		cover
		for spec in "${@/%/,name=x}"; do
			check chain add "$spec"
			kept "cache=$cache, filter add $spec"
			check chain replace x "$spec"
			kept "cache=$cache, filter replace with $spec"
			look_at_all
			check chain remove x
			kept "cache=$cache, filter remove $spec"
			look_at_all
			kept "cache=$cache, all three and a walk"
		done
		uncover
		unview
	done
}

each_filter_changes_keep_mounts_inside() {
	filter_changes_keep_mounts_inside hide,names=nothing hide-for,names=nothing,uid=1000 \
		owner,uid=1000 audit readonly fault,ops=mkdir
}

each_changes_of_a_data_filter_keep_mounts_inside() {
	filter_changes_keep_mounts_inside mask,names=nothing
}
LIMIT[filter_changes_keep_mounts_inside]=120

once_filter_that_hides_a_mount_point_is_refused() {
	real || skip "there are no filters"
	need_filters
	inside_tree
	view
	ls -lR "$VIEW" > /dev/null
	cover
	refused 'hides "d".*/p/d in the view is a mount point' "$PENSTOCK" filter add "$VIEW" \
		hide,names=d
	refused 'hides "p".*is a mount point' "$PENSTOCK" filter add "$VIEW" hide,paths=p
	refused 'hides "f".*/p/f in the view' "$PENSTOCK" filter add "$VIEW" hide,names=f
	refused 'hides "other".*/p/other in the view' "$PENSTOCK" filter add "$VIEW" \
		hide,names=other
	check chain add hide,names=shown
	refused 'hides "er".*/p/deep/er in the view' "$PENSTOCK" filter replace "$VIEW" hide \
		hide,names=er
	look_at_all
	kept "refused filters"
	check test ! -e "$VIEW/shown"
	check test -e "$VIEW/p/d"
	uncover
	check chain replace hide hide,names=er
	check test ! -e "$VIEW/p/deep/er"
	check test -e "$VIEW/shown"
}

# A user from whom a mount point is hidden looks it up, before and after other users have.
each_lookup_of_a_hidden_mount_point_keeps_the_mount() {
	real || skip "there are no filters"
	need_filters
	inside_tree
	view -F hide-for,names=d:f:er:other,uid=1000
	chmod 777 "$VIEW/p"
	cover
	for i in 1 2 3; do
		for name in d f deep/er other; do
			for op in stat open_rdonly open_creat mkdir unlink rmdir; do
				case $op in
				stat) as 1000 stat "$VIEW/p/$name" ;;
				open_rdonly) as 1000 cat "$VIEW/p/$name" ;;
				open_creat) as 1000 touch "$VIEW/p/$name" ;;
				mkdir) as 1000 mkdir "$VIEW/p/$name" ;;
				unlink) as 1000 rm -f "$VIEW/p/$name" ;;
				rmdir) as 1000 rmdir "$VIEW/p/$name" ;;
				esac > "$T/said" 2>&1
				check not grep -q bound "$T/said"
			done
		done
		as 1000 ls -l "$VIEW/p" > "$T/listed" 2>&1
		check not grep -q ' d$' "$T/listed"
		kept "round $i of another user"
	done
	uncover
}

once_lookup_that_fails_keeps_the_mount() {
	real || skip "there are no filters"
	need_filters
	inside_tree
	view -o cache=none
	cover
	check chain add fault,ops=lookup,names=p,error=EIO
	for i in 1 2 3; do
		check not stat "$VIEW/p/d" 2> /dev/null
		check not cat "$VIEW/p/f" 2> /dev/null
		check not stat "$VIEW/p/deep/er" 2> /dev/null
		check not stat "$VIEW/p/other" 2> /dev/null
	done
	check chain remove fault
	kept "lookups that failed"
	uncover
}

moved_to() { [ ! -e "$VIEW/$1/d/s" ] && [ -d "$VIEW/$1/d" ] && [ ! -e "$VIEW/$2" ]; }

# After the rename, the first look is at the old name, at the new name, or at a listing. In the
# kernel engine a look at the old name detaches the mounts, if it is the first.
once_directory_renamed_below_keeps_mounts() {
	inside_tree
	local cache first looks='new list'
	in_kernel || looks+=' old both'
	for cache in auto none ttl=1; do
		for first in $looks; do
			view -o "cache=$cache"
			cover
			mv "$LOWER/p" "$LOWER/q"
			[ $first != both ] || mkdir "$LOWER/p"
			case $first in
			old) stat "$VIEW/p" > /dev/null 2>&1; sleep 0.1 ;;
			new) within 5 test -e "$VIEW/q" ;;
			both | list)
				ls -l "$VIEW" > /dev/null
				sleep 0.1
				ls -l "$VIEW" > /dev/null
				;;
			esac
			stat "$VIEW/p" > /dev/null 2>&1
			within 5 test -e "$VIEW/q/d" ||
				fail "$cache, $first first: the new name does not appear"
			kept "a rename below, $cache, $first first" q
			if [ $first != both ]; then
				within 5 moved_to q p ||
					fail "$cache, $first first: the old name stays"
			else
				within 5 test -d "$VIEW/p" ||
					fail "$cache: the new directory does not appear"
			fi
			kept "a rename below, $cache, $first first, the old name" q
			uncover q
			unview
			rm -rf "$LOWER/p"
			mv "$LOWER/q" "$LOWER/p"
		done
	done
}
LIMIT[directory_renamed_below_keeps_mounts]=120

once_rename_in_view_keeps_mounts() {
	inside_tree
	view
	cover
	check mv "$VIEW/p" "$VIEW/q"
	kept "a rename in the view" q
	check mv "$VIEW/q" "$VIEW/shown/p"
	kept "a move in the view" shown/p
	sleep 0.1
	look_at_all
	kept "a move in the view and its event" shown/p
	uncover shown/p
}

# Files of the lower tree are created and renamed, next to mount points and onto each other.
once_changes_below_keep_mounts() {
	inside_tree
	view -o cache=auto
	mkdir "$LOWER/p/new"
	mount -t tmpfs none "$VIEW/p/new" || fail "mount on a new directory"
	cover
	for i in 1 2 3 4 5; do
		echo "$i" > "$LOWER/p/g"
		mv "$LOWER/p/g" "$LOWER/p/h"
		chmod 70$i "$LOWER"/p/{d,f,new} "$LOWER/p"
		: > "$LOWER/p/d/g$i"
		look_at_all
		sleep 0.05
	done
	kept "changes below"
	check umount "$VIEW/p/new"
	uncover
}

once_expiry_and_memory_pressure_keep_mounts() {
	inside_tree
	view -o cache=ttl=0.1
	cover
	for i in 1 2 3; do
		sleep 0.15
		drop_caches
		look_at_all
	done
	kept "expiry"
	uncover
}

# On any file system, the kernel detaches a mount when its mount point is removed.
once_removal_of_a_mount_point_takes_the_mount() {
	inside_tree
	view -o cache=none
	mkdir "$LOWER/p/gone"
	mount -t tmpfs none "$VIEW/p/gone" || fail mount
	rmdir "$LOWER/p/gone"
	check not stat "$VIEW/p/gone" 2> /dev/null
	check not grep -q " $VIEW/p/gone " /proc/self/mountinfo
	mkdir "$LOWER/p/gone"
	check test -d "$VIEW/p/gone"
}
