# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# Other programs change the lower tree while the view has cache=auto: hard links, renames, leases
# and mappings, and the cost of watching. docs/coherence.md names these cases.

# Seconds until a change of the lower tree has to be visible. The limit is generous, because the
# machine may be busy; 41-coherence measures the time.
SOON=3

auto_tree() { # [OPTIONS]
	lower ext4
	mkdir "$LOWER"/{a,b,d}
	echo text > "$LOWER/a/f"
	echo text > "$LOWER/a/g"
	view -o "cache=auto${1:+,$1}"
}

# Mounts the view of auto_tree again in another mode.
view_again() { # MODE
	[ "$1" = auto ] || { unview; view -o "cache=$1"; }
}

has() { # FORMAT VALUE FILE
	[ "$(stat -c "$1" "$3" 2> /dev/null)" = "$2" ]
}

seen() { # FORMAT VALUE FILE
	within $SOON has "$@" || fail "$3 has $1 $(stat -c "$1" "$3"), should have $2"
}

reads() { # TEXT FILE
	[ "$(cat "$2")" = "$1" ]
}

is_same() { "$TOOLS/same" --no-atime "$VIEW" "$LOWER" > "$T/differences" 2>&1; }

settled() {
	within $SOON is_same || { cat "$T/differences"; fail "view and lower stay different"; }
}

# ---- places -------------------------------------------------------------------------------------

# The view has not looked at the other directory, so the daemon does not watch it.
each_change_by_another_hard_link_is_seen() {
	lower ext4
	mkdir "$LOWER"/{a,b}
	echo text > "$LOWER/a/f"
	ln "$LOWER/a/f" "$LOWER/b/h"
	view -o cache=auto
	equal "$(stat -c %h "$VIEW/a/f")" 2
	chmod 600 "$LOWER/b/h" && seen %a 600 "$VIEW/a/f"
	echo more >> "$LOWER/b/h" && seen %s 10 "$VIEW/a/f"
	ln "$LOWER/b/h" "$LOWER/b/i" && seen %h 3 "$VIEW/a/f"
	rm "$LOWER/b/h" "$LOWER/b/i" && seen %h 1 "$VIEW/a/f"
	equal "$(stat -c %a "$VIEW/a/f")" 600
}

# A second name that is made in an unwatched directory of the lower tree causes no event, nor do
# changes through it. The view is right once it has looked up that name.
each_link_made_below_is_right_after_a_look() {
	auto_tree
	stat "$VIEW/a/f" > /dev/null
	ln "$LOWER/a/f" "$LOWER/b/h"
	chmod 611 "$LOWER/b/h"
	stat "$VIEW/b/h" > /dev/null
	seen %h:%a 2:611 "$VIEW/a/f"
	chmod 622 "$LOWER/b/h" && seen %a 622 "$VIEW/a/f"
	echo more >> "$LOWER/b/h" && seen %s 10 "$VIEW/a/f"
}

# open(2) sees all changes before it, in every mode but exclusive.
each_open_sees_changes_without_event() {
	local mode fd
	for mode in auto ttl=60; do
		auto_tree
		view_again $mode
		stat "$VIEW/a/f" > /dev/null
		ln "$LOWER/a/f" "$LOWER/b/h"
		chmod 611 "$LOWER/b/h"
		echo longer than before >> "$LOWER/b/h"
		exec {fd}< "$VIEW/a/f"
		equal "$(stat -L -c %h:%a:%s "/proc/self/fd/$fd")" 2:611:24 "$mode"
		exec {fd}<&-
		unview
	done
}

# Delayed allocation changes st_blocks without an event and without a new ctime; the next open shows
# the new value.
each_open_sees_blocks_after_write_back() { check_blocks_after_write_back ext4 auto ttl=60; }
once_open_sees_blocks_after_write_back_on_other_file_systems() {
	check_blocks_after_write_back xfs auto
	check_blocks_after_write_back btrfs auto
}

check_blocks_after_write_back() { # TYPE CACHE...
	local type=$1 mode i side
	lower "$type" 300
	for mode in "${@:2}"; do
		view -o "cache=$mode"
		for side in "$VIEW" "$LOWER"; do
			for i in {0..11}; do
				dd if=/dev/zero of="$side/f" bs=4k count=1 seek=$((i * 16)) \
					conv=notrunc \
					status=none
			done
			stat "$VIEW/f" > /dev/null
			sync -f "$LOWER"
			: < "$VIEW/f"
			equal "$(stat -c %b "$VIEW/f")" "$(stat -c %b "$LOWER/f")" \
				"$type, $mode: blocks"
			rm "$VIEW/f"
		done
		unview
	done
}

# After a write of the view the daemon invalidates size and times in the kernel's cache, and only
# these: the next open must still notice a change of any other attribute.
each_open_sees_changes_without_event_after_own_write() {
	local mode fd
	for mode in auto ttl=60; do
		auto_tree
		view_again $mode
		stat "$VIEW/a/f" > /dev/null
		ln "$LOWER/a/f" "$LOWER/b/h"
		: < "$VIEW/a/f"
		stat "$VIEW/a/f" > /dev/null
		echo own >> "$VIEW/a/f"
		: < "$VIEW/a/f"
		stat "$VIEW/a/f" > /dev/null
		echo longer than before >> "$LOWER/b/h"
		exec {fd}< "$VIEW/a/f"
		equal "$(stat -L -c %s "/proc/self/fd/$fd")" 28 "$mode"
		exec {fd}<&-
		echo own >> "$VIEW/a/f"
		: < "$VIEW/a/f"
		chmod 611 "$LOWER/b/h"
		: < "$VIEW/a/f"
		check not as 1001 cat "$VIEW/a/f"
		equal "$(stat -c %a "$VIEW/a/f")" 611 "$mode"
		unview
	done
}

# An ACL can change while the mode stays the same. The change is made through a second name, which
# causes no event in the watched directory, and the name is removed again.
each_open_sees_acl_changed_without_event() {
	local mode
	for mode in auto ttl=60; do
		auto_tree
		setfacl -m u:1001:r,o::- "$LOWER/a/f"
		view_again $mode
		check may_open
		acl_unheard -
		: < "$VIEW/a/f"
		check not may_open
		acl_unheard r
		: < "$VIEW/a/f"
		# The daemon invalidates size and times before the kernel asks for the ACL.
		stat "$VIEW/a/f" > /dev/null
		echo own >> "$VIEW/a/f"
		: < "$VIEW/a/f"
		check may_open
		acl_unheard -
		: < "$VIEW/a/f"
		check not may_open
		unview
	done
}

# A lookup by another name does not make the kernel ask for the ACL again.
each_open_by_another_name_sees_changed_acl() {
	lower ext4
	mkdir "$LOWER"/{a,b}
	echo text > "$LOWER/a/f"
	ln "$LOWER/a/f" "$LOWER/b/h"
	setfacl -m u:1001:r,o::- "$LOWER/a/f"
	view -o cache=ttl=60
	check may_open
	# Waits, so that the two replies cannot cross.
	sleep 0.1
	setfacl -m u:1001:-,m::r "$LOWER/a/f"
	: < "$VIEW/b/h"
	check not may_open
}

# Opens the file as user 1001 and does nothing else, because a stat would make the kernel ask for
# the attributes.
may_open() { as 1001 sh -c ': < "$1"' - "$VIEW/a/f"; }

acl_unheard() { # PERMISSIONS
	ln "$LOWER/a/f" "$LOWER/b/h"
	setfacl -m "u:1001:$1,m::r" "$LOWER/b/h"
	rm "$LOWER/b/h"
}

# A logger opens its file for each line. The kernel does not ask for the attributes each time,
# except when an open arrives before the RELEASE of the one before it.
each_appends_cause_few_attribute_requests() {
	auto_tree
	echo line >> "$VIEW/a/f"
	: < "$VIEW/a/f"
	requests GETATTR,LOOKUP append_lines 100
	[ "$N" -le 50 ] || fail "$N requests for attributes"
	equal "$(stat -c %s "$VIEW/a/f")" "$(stat -c %s "$LOWER/a/f")"
}

append_lines() { # N
	local i
	for ((i = 0; i < $1; i++)); do echo line >> "$VIEW/a/f"; done
}

# The view itself makes the second name, so the daemon watches both.
each_link_made_in_view_is_watched() {
	auto_tree
	stat "$VIEW/a/f" > /dev/null
	ln "$VIEW/a/f" "$VIEW/b/h"
	equal "$(stat -c %h "$VIEW/a/f")" 2
	chmod 611 "$LOWER/b/h" && seen %a 611 "$VIEW/a/f"
	rm "$LOWER/b/h" && seen %h 1 "$VIEW/a/f"
}

# The greatest possible size, which the kernel invalidates in another way than smaller ones.
each_open_sees_the_greatest_size() {
	lower tmpfs
	mkdir "$LOWER"/{a,b}
	echo text > "$LOWER/a/f"
	view -o cache=ttl=60
	stat "$VIEW/a/f" > /dev/null
	ln "$LOWER/a/f" "$LOWER/b/h"
	truncate -s 9223372036854775807 "$LOWER/b/h"
	# An open shows every change before it. Without an open the kernel may use its cached
	# attributes for a minute.
	: < "$VIEW/a/f"
	equal "$(stat -c %s "$VIEW/a/f")" 9223372036854775807
	truncate -s 4 "$LOWER/b/h"
	: < "$VIEW/a/f"
	equal "$(stat -c %s "$VIEW/a/f")" 4
	unview
	rm "$LOWER/b/h"
	# With cache=exclusive no other program writes, so a process with a mapping must not see old
	# times.
	view -o cache=exclusive
	truncate -s 9223372036854775807 "$VIEW/a/f"
	check store "$VIEW/a/f"
	equal "$(stat -c %y "$VIEW/a/f")" "$(stat -c %y "$LOWER/a/f")"
}

store() { # FILE: a byte, by a mapping; looks at it before
	python3 -c '
import mmap, os, sys, time
os.stat(sys.argv[1])
time.sleep(0.05)
fd = os.open(sys.argv[1], os.O_RDWR)
with mmap.mmap(fd, 4096) as m:
    m[0] = 120
' "$1"
}

each_lower_changes_reach_file_renamed_in_lower() {
	auto_tree
	ls -l "$VIEW/a" > /dev/null
	exec 7< "$VIEW/a/f"
	mv "$LOWER/a/f" "$LOWER/b/f"
	within $SOON test ! -e "$VIEW/a/f" || fail "the old name stays"
	chmod 601 "$LOWER/b/f" && seen %a 601 "$VIEW/b/f"
	equal "$(stat -L -c %a /proc/self/fd/7)" 601 fstat
	exec 7<&-
	mv "$LOWER/b/f" "$LOWER/a/f"
	chmod 602 "$LOWER/a/f" && seen %a 602 "$VIEW/a/f"
	check test ! -e "$VIEW/b/f"
}

each_lower_changes_reach_file_renamed_in_view() {
	auto_tree
	ls -l "$VIEW/a" > /dev/null
	mv "$VIEW/a/f" "$VIEW/b/f"
	stat "$VIEW/b/f" > /dev/null
	chmod 603 "$LOWER/b/f" && seen %a 603 "$VIEW/b/f"
	mv "$LOWER/b/f" "$LOWER/b/k" && seen %a 603 "$VIEW/b/k"
	check test ! -e "$VIEW/b/f"
}

# A rename in the lower tree puts another file in the place of an open file.
each_rename_over_open_file_updates_nlink() {
	auto_tree
	exec 7< "$VIEW/a/f"
	# The kernel caches the attributes of a file that was just looked up for only 20 ms.
	sleep 0.1
	for _ in 1 2; do equal "$(stat -L -c %h /proc/self/fd/7)" 1; done
	mv "$LOWER/a/g" "$LOWER/a/f"
	seen_open() { [ "$(stat -L -c %h /proc/self/fd/7)" = 0 ]; }
	within $SOON seen_open || fail "it has $(stat -L -c %h /proc/self/fd/7) links"
	exec 7<&-
}

# The notification about a removed name waits for the lock of its directory, which a request of the
# view holds. It must invalidate that one name and leave the other link alone, even if the kernel
# takes the name for the file's last one.
each_removed_name_leaves_the_other_link() {
	need_filters
	lower ext4
	mkdir "$LOWER"/{a,b}
	echo text > "$LOWER/a/f"
	ln "$LOWER/a/f" "$LOWER/b/h"
	touch "$LOWER/a/"{1..9} "$LOWER/b/other"
	view -o cache=auto -F "fault,ops=mkdir,delay_us=$((2000000 * ${SLOW:-1}))"
	for _ in 1 2; do
		ls -l "$VIEW/a" "$VIEW/b" > /dev/null
		sleep 0.1
	done
	mkdir "$VIEW/a/dir" 9>&- &
	local pid=$!
	sleep 0.2
	rm "$LOWER/a/f"
	seen %h 1 "$VIEW/b/h"
	# Notifications about other files do not wait for this one, however many names are removed.
	rm "$LOWER/a/"{1..9}
	chmod 604 "$LOWER/b/other"
	seen %a 604 "$VIEW/b/other"
	check kill -0 $pid
	wait $pid
	within $SOON test ! -e "$VIEW/a/f" || fail "the name stays"
	seen %h 1 "$VIEW/b/h"
	sleep 0.1
	equal "$(stat -c %h "$VIEW/b/h")" 1
}

each_replaced_directory_is_seen() {
	auto_tree
	ls -lR "$VIEW" > /dev/null
	mkdir -m 711 "$LOWER/new"
	echo other > "$LOWER/new/f"
	mv "$LOWER/a" "$LOWER/old" && mv "$LOWER/new" "$LOWER/a"
	within $SOON reads other "$VIEW/a/f" || fail "still the old directory"
	seen %a 711 "$VIEW/a"
	rm -r "$LOWER/a" && echo file > "$LOWER/a"
	within $SOON reads file "$VIEW/a" || fail "still a directory"
	settled
}

# Mode, owner, times and extended attributes of a directory change.
each_attributes_of_directories_are_seen() {
	auto_tree
	ls -lR "$VIEW" > /dev/null
	chmod 711 "$LOWER/a" && seen %a 711 "$VIEW/a"
	chown 5:6 "$LOWER/a" && seen %u:%g 5:6 "$VIEW/a"
	touch -d @1000000000 "$LOWER/a" && seen %Y 1000000000 "$VIEW/a"
	chmod 755 "$LOWER" && chmod 715 "$LOWER" && seen %a 715 "$VIEW"
	setfacl -m u:1001:rwx "$LOWER/b" && seen %A 'drwxrwxr-x' "$VIEW/b"
}

# A directory with a mount on it is removed from the lower tree.
each_removal_below_a_mount_is_seen() {
	auto_tree
	ls -lR "$VIEW" > /dev/null
	mount -t tmpfs none "$VIEW/a" || fail "mount in the view"
	echo covered > "$VIEW/a/c"
	rm -r "$LOWER/a"
	echo late > "$LOWER/b/late"
	within $SOON test -e "$VIEW/b/late" || fail "nothing is heard any more"
	umount "$VIEW/a" 2> /dev/null
	within $SOON test ! -e "$VIEW/a" || fail "the directory stays"
	settled
}

each_changes_in_deep_trees_are_seen() {
	local d=deep i
	lower ext4
	for i in $(seq 60); do d=$d/$i; done
	mkdir -p "$LOWER/$d"
	echo text > "$LOWER/$d/f"
	view -o cache=auto
	ls -lR "$VIEW" > /dev/null
	chmod 604 "$LOWER/$d/f" && seen %a 604 "$VIEW/$d/f"
	mv "$LOWER/deep/1/2" "$LOWER/deep/1/two"
	within $SOON test ! -e "$VIEW/deep/1/2" || fail "the old name stays"
	chmod 605 "$LOWER/${d/1\/2/1\/two}/f" && seen %a 605 "$VIEW/${d/1\/2/1\/two}/f"
	settled
}

# ---- data ---------------------------------------------------------------------------------------

# A program had mapped the lower file before the view first looked at it. Its stores are visible at
# the latest when the mapping ends.
each_store_by_older_mapping_is_seen_when_it_ends() {
	local old
	lower ext4
	head -c 8192 /dev/zero > "$LOWER/m"
	touch -d @1000000000 "$LOWER/m"
	holder below map "$LOWER/m"
	tell below c
	view -o cache=auto
	stat "$VIEW/m" > /dev/null
	tell below "s 100 x"
	tell below m
	release below
	within $SOON newer_than 1000000000 "$VIEW/m" || fail "the store is not seen"
	cmp "$VIEW/m" "$LOWER/m" || fail "the content differs"
	settled
}

newer_than() { [ "$(stat -c %Y "$2")" -gt "$1" ]; }

each_append_below_is_seen() {
	auto_tree
	"$TOOLS/coherence" appended 80 "$VIEW/a/f" "$LOWER/a/f" \
		"$(passing && echo on || echo off)" ||
		fail "an append below is not seen"
	cmp "$VIEW/a/f" "$LOWER/a/f"
}

# Without passthrough the kernel must not answer a read from the view's page cache after the lower
# file was written to.
each_changed_content_is_read() {
	auto_tree
	local i
	for i in 1 2 3 4 5 6; do
		within $SOON reads "$(cat "$LOWER/a/f")" "$VIEW/a/f" || fail "old content, $i"
		exec 7< "$VIEW/a/f"
		head -c 2 <&7 > /dev/null
		printf '%d' $i 1<> "$LOWER/a/f"
		within $SOON starts_with "$i" || fail "old pages through an open file, $i"
		exec 7<&-
	done
}

# Reads through a descriptor that stayed open.
starts_with() {
	[ "$(dd iflag=fullblock bs=1 count=1 status=none < /proc/self/fd/7)" = "$1" ]
}

# On a lower file system that cannot be watched, timeouts are short.
each_unwatchable_lower_is_cached_briefly() {
	lower overlay
	echo text > "$LOWER/f"
	view -o cache=auto
	stat "$VIEW/f" > /dev/null
	check test ! -e "$VIEW/new"
	real && equal "$(info watched)" 0 "marks"
	chmod 614 "$LOWER/f" && seen %a 614 "$VIEW/f"
	: > "$LOWER/new"
	within $SOON test -e "$VIEW/new" || fail "a new name is not seen"
	LOG_MAY='believed for'
}

# In a part of the tree that cannot be watched the timeout is a second, not less.
each_unwatchable_part_is_cached_for_a_second() {
	lower ext4
	mkdir "$LOWER/o"
	mkdir "$T/ovl"
	mount -t tmpfs none "$T/ovl"
	mkdir "$T/ovl"/{lower,upper,work}
	mount -t overlay -o "lowerdir=$T/ovl/lower,upperdir=$T/ovl/upper,workdir=$T/ovl/work" none \
		"$LOWER/o"
	echo text > "$LOWER/o/f"
	touch -d yesterday "$LOWER/o/f"
	view -o cache=auto
	requests GETATTR,LOOKUP looks 100 "$VIEW/o/f"
	[ "$N" -le 20 ] || fail "$N requests for 100 looks"
	chmod 614 "$LOWER/o/f" && seen %a 614 "$VIEW/o/f"
	LOG_MAY='believed for'
}

looks() { # N FILE
	python3 -c '
import os, sys
for _ in range(int(sys.argv[1])): os.stat(sys.argv[2])
' "$@"
}

# With opendir=off the kernel keeps every listing. A directory that changed without an event, and
# without a new time of last modification, must not be served from the cache beyond the timeout.
once_unwatchable_listing_is_cached_briefly_with_opendir_off() {
	local time
	lower overlay
	mkdir "$LOWER/d"
	: > "$LOWER/d/old"
	view -o cache=auto,opendir=off
	for _ in 1 2; do equal "$(ls "$VIEW/d")" old "the names"; done
	time=$(stat -c %y "$LOWER/d")
	: > "$LOWER/d/new"
	touch -d "$time" "$LOWER/d"
	within $SOON listed "$VIEW/d" new || fail "a new name is not seen: $(ls "$VIEW/d")"
	LOG_MAY='believed for'
}

listed() { ls "$1" | grep -qx "$2"; }

# The same in a directory that the daemon watches.
once_watched_listing_is_right_with_opendir_off() {
	lower ext4
	mkdir "$LOWER/d"
	: > "$LOWER/d/old"
	view -o cache=auto,opendir=off
	for _ in 1 2; do equal "$(ls "$VIEW/d")" old "the names"; done
	: > "$LOWER/d/new"
	within $SOON listed "$VIEW/d" new || fail "a new name is not seen"
	rm "$LOWER/d/old"
	within $SOON gone_from "$VIEW/d" old || fail "an old name is still seen"
	settled
}

gone_from() { ! listed "$1" "$2"; }

# ---- who watches --------------------------------------------------------------------------------

# "penstock probe LOWER", the log and the number of watches have to agree.
way_is() { # LOWER heard|unheard [WHY]
	local probed watched log=$T/daemon$N_VIEWS.log
	probed=$(timeout 20 "$PENSTOCK" probe --all "$1" | grep lower_watch)
	view -o cache=auto,log=info,pseudo=show "$1"
	ls "$VIEW" > /dev/null
	watched=$(info watched)
	if [ "$2" = heard ]; then
		[[ $probed == *'cache=auto watches'* ]] || fail "$1: probe says $probed"
		check grep -q 'cache=auto: watching this file system' "$log"
		check test "$watched" -gt 0
	else
		[[ $probed == *"cannot watch this file system ($3"* ]] ||
			fail "$1: probe says $probed"
		check grep -qF "cannot watch this file system ($3" "$log"
		equal "$watched" 0 "marks on $1"
	fi
	unview
}
once_probe_and_log_say_what_is_watched() {
	real || skip "about the program's own words"
	local type
	for type in ext4 xfs btrfs tmpfs; do
		lower $type
		way_is "$LOWER" heard
	done
	lower overlay
	way_is "$LOWER" unheard overlayfs
	lower ramfs
	way_is "$LOWER" unheard 'its files cannot be opened by file handles'
	way_is /proc/sys unheard proc
	lower ext4
	view -o cache=auto
	local below=$VIEW
	way_is "$below" unheard FUSE
	LOG_MAY='.'
}
LIMIT[probe_and_log_say_what_is_watched]=120

each_inotify_reports_removal_below() {
	auto_tree
	"$TOOLS/coherence" heard "$VIEW/d" "$LOWER/d" || fail "inotify in the view missed it"
}

# ---- in the way ---------------------------------------------------------------------------------

# A create in the view holds the lock of the directory, which the notification about a name needs,
# too.
each_changes_on_both_sides_do_not_hang() {
	auto_tree
	local pids=() i
	for i in 1 2; do
		act storm 5 $i "$VIEW" "$LOWER" 9>&- & pids+=($!)
	done
	( until [ -e "$T/stop" ]; do rm -rf "$LOWER/d"/*; sleep 0.05; done ) 9>&- & pids+=($!)
	(
		for i in $(seq 6); do "$TOOLS/coherence" touch 300 "$VIEW/d" 2>&1; done
		: > "$T/stop"
	) 9>&- &
	pids+=($!)
	for i in "${pids[@]}"; do wait "$i" || fail "one of them failed"; done
	settled
}

each_unmount_with_queued_events_ends() {
	auto_tree
	ls -lR "$VIEW" > /dev/null
	"$TOOLS/coherence" touch 4000 "$LOWER/d"
	"$TOOLS/coherence" touch 4000 "$LOWER/b" 9>&- &
	local pid=$!
	unview
	wait $pid
}

# While the lower file system is frozen, cached and known files can be looked at. After the thaw
# nothing is lost.
once_frozen_lower_can_be_looked_at() {
	auto_tree
	ls -lR "$VIEW" > /dev/null
	fsfreeze -f "$FS" 2> /dev/null || skip "it cannot be frozen"
	(chmod 606 "$LOWER/a/f"; : > "$VIEW/d/new") 9>&- &
	local pid=$! fine=1
	timeout 5 stat "$VIEW/a/g" "$VIEW/b" > /dev/null || fine=0
	timeout 5 ls "$VIEW/a" > /dev/null || fine=0
	sleep 0.3
	fsfreeze -u "$FS"
	[ $fine = 1 ] || fail "looking hung while the lower was frozen"
	wait $pid
	seen %a 606 "$VIEW/a/f"
	settled
}

once_full_lower_stays_coherent() {
	lower ext4 32
	view -o cache=auto
	dd if=/dev/zero of="$LOWER/big" bs=64k status=none 2> /dev/null
	stat "$VIEW/big" > /dev/null
	check not dd if=/dev/zero of="$VIEW/more" bs=64k count=400 status=none 2> /dev/null
	settled
	rm "$LOWER/big"
	within $SOON test ! -e "$VIEW/big" || fail "the name stays"
	within $SOON dd if=/dev/zero of="$VIEW/more" bs=64k count=10 status=none 2> /dev/null ||
		fail "what was freed below is not free"
	settled
}

# A stopped client process does not delay notifications to other clients.
each_stopped_client_delays_no_invalidation() {
	auto_tree
	ls -lR "$VIEW" > /dev/null
	local i pid
	for i in 1 2 3; do
		act storm 20 $i "$VIEW" > /dev/null 2>&1 9>&- &
		pid=$!
		sleep 0.1$i
		pkill -STOP -P $pid
		chmod 60$i "$LOWER/a/f" && seen %a 60$i "$VIEW/a/f"
		: > "$LOWER/d/n$i"
		within $SOON test -e "$VIEW/d/n$i" || fail "a new name is not seen"
		pkill -KILL -P $pid
		wait $pid 2> /dev/null
	done
	true
}

# The thread that reads events and the four threads that send notifications have the lowest
# real-time priority, so that they do not wait for other processes that use the CPU. Workers have
# none. Without the privilege to set priorities everything still works.
n_prompt() {
	cut -d')' -f2 "/proc/${VIEW_PIDS[-1]}"/task/*/stat | cut -d' ' -f39,40 | grep -c '^1 1$'
}

once_invalidation_threads_have_real_time_priority() {
	real || skip "there is no daemon"
	chrt -f 1 true 2> /dev/null || skip "real-time priorities are not allowed here"
	auto_tree
	equal "$(n_prompt)" 5 "threads that come first"
	unview
	DAEMON_PREFIX='setpriv --bounding-set -sys_nice --inh-caps=-all'
	view -o cache=auto
	equal "$(n_prompt)" 0 "threads that come first without CAP_SYS_NICE"
	ls -l "$VIEW/a" > /dev/null
	chmod 604 "$LOWER/a/f" && seen %a 604 "$VIEW/a/f"
}

overflowed() { [ "$(info overflows)" -ge 1 ]; }

# Stops the daemon and fills the kernel's event queue with changes in d, so that later events find
# no room.
fill_the_queue() {
	local max
	max=$(cat /proc/sys/fs/fanotify/max_queued_events)
	[ "$max" -le 100000 ] || skip "a queue of $max events does not overflow in this time"
	equal "$(info overflows)" 0 overflows
	# Threads may still read events until the stop has reached all of them.
	kill -STOP "${VIEW_PIDS[0]}"
	N_FILLED=$((max + 2000))
	"$TOOLS/coherence" touch $N_FILLED "$LOWER/d"
	LOG_MAY='more changed below'
}

# More events than the kernel's queue holds: the daemon invalidates everything.
once_queue_overflow_invalidates_everything() {
	real || skip "there is no daemon"
	auto_tree
	ls -lR "$VIEW" > /dev/null
	check test ! -e "$VIEW/b/late"
	fill_the_queue
	chmod 607 "$LOWER/a/f"
	echo longer than before > "$LOWER/a/g"
	mv "$LOWER/a" "$LOWER/aa"
	: > "$LOWER/b/late"
	kill -CONT "${VIEW_PIDS[0]}"
	seen %a 607 "$VIEW/aa/f"
	seen %s 19 "$VIEW/aa/g"
	within $SOON test -e "$VIEW/b/late" || fail "an absent name stays absent"
	check test ! -e "$VIEW/a"
	within 10 overflowed || fail "no overflow is counted"
	equal "$(ls "$VIEW/d" | wc -l)" "$N_FILLED" "names"
}

# The same with a mount inside the view: the daemon looks up names one by one, and no mount is
# detached.
once_queue_overflow_keeps_mounts() {
	real || skip "there is no daemon"
	auto_tree
	mkdir -p "$LOWER/a/deep/er"
	ls -lR "$VIEW" > /dev/null
	check test ! -e "$VIEW/b/late"
	mount -t tmpfs none "$VIEW/a/deep/er" || fail mount
	echo covering > "$VIEW/a/deep/er/it"
	fill_the_queue
	chmod 607 "$LOWER/a/f"
	rm "$LOWER/a/g"
	: > "$LOWER/b/late"
	kill -CONT "${VIEW_PIDS[0]}"
	seen %a 607 "$VIEW/a/f"
	within $SOON test -e "$VIEW/b/late" || fail "an absent name stays absent"
	within $SOON test ! -e "$VIEW/a/g" || fail "a removed name stays"
	within 10 overflowed || fail "no overflow is counted"
	equal "$(cat "$VIEW/a/deep/er/it")" covering "the mount inside the view"
	check umount "$VIEW/a/deep/er"
}

# ---- leases -------------------------------------------------------------------------------------

# The daemon takes a lease for a moment to prove that no process writes; an open waits at most for
# that moment.
each_opens_below_do_not_wait_for_leases() {
	auto_tree
	"$TOOLS/coherence" opens 1000 "$VIEW/a/f" "$LOWER/a/f" > "$T/opens" || fail "open"
	cat "$T/opens"
	local longest
	longest=$(sed -n 's/.*longest \([0-9]*\).*/\1/p' "$T/opens")
	check test "$longest" -le "${COHERENCE_LONGEST:-500}"
	check not grep -q LEASE /proc/locks
}

# ---- all of it ----------------------------------------------------------------------------------

storm() { # MODE SECONDS
	lower ext4
	view -o "cache=$1"
	act storm "$2" "${SEED:-$RANDOM}" "$VIEW" "$VIEW" "$LOWER" "$LOWER" ||
		fail "$1: what should never be said"
	# By then the longest timeout has ended or the event has arrived.
	sleep 1
	is_same || { cat "$T/differences"; fail "$1: the trees differ"; }
	unview
}

each_random_operations_end_with_equal_trees() {
	storm auto 8
	storm none 3
}

# STORM=SECONDS sets how long it runs.
slow_long_random_operations_end_with_equal_trees() {
	storm auto "${STORM:-60}"
	storm none "${STORM:-60}"
}

# ---- costs --------------------------------------------------------------------------------------

ticks() { # PID
	local fields
	read -r -a fields < "/proc/$1/stat"
	echo $((fields[13] + fields[14]))
}

# A build runs elsewhere on the same file system.
slow_build_outside_lower_costs_little() {
	auto_tree
	ls -lR "$VIEW" > /dev/null
	local before after events
	events=$(info events)
	before=$(ticks "${VIEW_PIDS[0]}")
	"$TOOLS/coherence" build 10 "$TWIN"
	after=$(ticks "${VIEW_PIDS[0]}")
	echo "the daemon took $((after - before)) ticks of $(($(getconf CLK_TCK) * 10))," \
		"$(($(info events) - events)) events"
	check test $((after - before)) -le $(($(getconf CLK_TCK) / 5))
}

# Measures how much watching slows the view's own operations: runs watched and unwatched views by
# turns and prints the medians.
slow_cost_of_watching_own_operations() {
	lower ext4
	view -o cache=auto
	local auto=$VIEW events own
	mkdir "$FS/other"
	view -o cache=exclusive "$FS/other"
	"$TOOLS/coherence" times 200 "$auto" "$VIEW" > /dev/null
	events=$(info events "$auto") own=$(info own_events "$auto")
	"$TOOLS/coherence" times "${N_TIMES:-2000}" "$auto" "$VIEW"
	echo "events $(($(info events "$auto") - events))," \
		"of our own $(($(info own_events "$auto") - own))"
}

LIMIT[random_operations_end_with_equal_trees]=120
LIMIT[long_random_operations_end_with_equal_trees]=$((120 + 2 * ${STORM:-60}))
LIMIT[changes_on_both_sides_do_not_hang]=120
LIMIT[queue_overflow_invalidates_everything]=120
LIMIT[queue_overflow_keeps_mounts]=120
LIMIT[cost_of_watching_own_operations]=200
LIMIT[build_outside_lower_costs_little]=60
