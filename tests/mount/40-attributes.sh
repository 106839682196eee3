# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# Attributes come from the lower inode; the option cache= (none, ttl, exclusive) sets how long the
# kernel may cache them.

attribute_tree() { # OPTIONS
	lower ext4
	mkdir "$LOWER/d"
	echo text > "$LOWER/f"
	echo text > "$LOWER/d/g"
	view -o "$1"
}

agree() { # WHAT [OPTION]
	# shellcheck disable=SC2086 # there may be none
	"$TOOLS/same" ${2-} "$VIEW" "$LOWER" > "$T/differences" || {
		cat "$T/differences"
		fail "view and lower differ after $1"
	}
}

# With cache=none the first look shows each change of the lower tree.
each_changes_below_are_seen_at_once() {
	attribute_tree cache=none
	agree "mounting"
	echo more >> "$LOWER/f" && agree "append below"
	truncate -s 3 "$LOWER/f" && agree "truncate below"
	chmod 600 "$LOWER/f" && agree "chmod below"
	chown 5:6 "$LOWER/f" && agree "chown below"
	touch -d 2001-01-01 "$LOWER/f" && agree "utimes below"
	ln "$LOWER/f" "$LOWER/d/h" && agree "link below"
	mv "$LOWER/f" "$LOWER/d/f2" && agree "rename below"
	rm "$LOWER/d/h" && agree "unlink below"
	mkdir "$LOWER/d/e" && agree "mkdir below"
	mv "$LOWER/d" "$LOWER/d2" && agree "renaming a directory below"
	setfattr -n user.a -v value "$LOWER/d2/f2" && agree "setxattr below"
	setfacl -m u:1001:r "$LOWER/d2/f2" && agree "setfacl below"
	echo new > "$LOWER/tmp" && mv "$LOWER/tmp" "$LOWER/d2/f2" && agree "replacing below"
	rm "$LOWER/d2/f2" && mkdir "$LOWER/d2/f2" && agree "a directory in a file's place"
	rmdir "$LOWER/d2/f2" && ln -s x "$LOWER/d2/f2" && agree "a link in a directory's place"
	rm -r "$LOWER/d2" && agree "removing below"
	act model "$LOWER/m" 1 200 && agree "all that the model does"
	act shuffle "$LOWER" 1 2 300 && agree "all that the shuffle does"
}

# A file that is open in the view is changed in the lower tree.
each_changes_below_of_open_file_are_seen() {
	attribute_tree cache=none
	exec 7<> "$VIEW/f"
	echo longer than before > "$LOWER/f"
	equal "$(stat -L -c %s /proc/self/fd/7)" 19 "size by fstat"
	agree "a write below"
	chmod 600 "$LOWER/f"
	equal "$(stat -L -c %a /proc/self/fd/7)" 600 "mode by fstat"
	rm "$LOWER/f"
	equal "$(stat -L -c %h /proc/self/fd/7)" 0 "links by fstat"
	exec 7>&-
	agree "the end"
}

# No event reports a store into a mapping. With cache=none the view shows it at the first look.
each_stores_are_seen_without_cache() {
	attribute_tree cache=none
	head -c 20000 /dev/zero > "$VIEW/m"
	holder map map "$VIEW/m"
	local i
	for i in 0 5000 10000 15000; do
		sleep 0.02
		tell map "s $i x"
		agree "a store"
		tell map m
		agree "msync"
	done
	tell map c
	sleep 0.02
	tell map "s 100 y"
	agree "a store after close"
	tell map m
	agree "msync after close"
	# The lower file is stored to while the view has it mapped.
	holder below map "$LOWER/m"
	sleep 0.02
	tell below "s 200 z"
	tell below m
	agree "a store below"
	release below
	release map
	agree "munmap"
}

# The daemon takes a lease to prove that no process has the file open for writing. When a process
# opens the lower file for writing at this time, the kernel breaks the lease and sends the daemon a
# signal.
each_opens_below_break_leases_without_harm() {
	lower ext4
	: > "$LOWER/f"
	view -o cache=exclusive
	local i pid
	timeout 60 bash -c 'while :; do : >> "$1"; done' _ "$LOWER/f" 9>&- &
	pid=$!
	for ((i = 0; i < 400; i++)); do
		# Opens for reading and writing and writes, after which the kernel asks for the
		# attributes.
		echo x 1<> "$VIEW/f"
		[ -s "$VIEW/f" ] || fail "the view answers no more, at $i"
	done
	kill $pid
	wait $pid 2> /dev/null
	true
}

# Within its timeout the kernel reuses an answer, then it asks again. The long timeout does not end
# while the case runs, however slow the machine is; the short one ends at some time.
each_attributes_are_kept_for_ttl() {
	real || skip "a bind mount has no caches of its own"
	alone
	attribute_tree cache=ttl=3600
	stat "$VIEW/f" > /dev/null
	requests GETATTR,STATX,LOOKUP look_often
	# Opening the control connection also looks at the mount point.
	check test "$N" -le 4
	# Changes through the view are visible at once.
	chmod 640 "$VIEW/f"
	agree "chmod"
	echo more >> "$VIEW/f"
	agree "append"
	truncate -s 2 "$VIEW/f"
	agree "truncate"
	unview
	view -o cache=ttl=1
	stat "$VIEW/f" > /dev/null
	chmod 600 "$LOWER/f"
	within 3 mode_is 600 || fail "the change below is not seen"
}

look_often() {
	local i
	for i in $(seq 50); do
		[ -f "$VIEW/f" ] || return 1
	done
}

mode_is() { [ "$(stat -c %a "$VIEW/f")" = "$1" ]; }

each_names_are_kept_for_ttl() {
	alone
	attribute_tree cache=ttl=1
	check test -e "$VIEW/f" -a ! -e "$VIEW/new"
	mv "$LOWER/f" "$LOWER/new"
	within 3 test -e "$VIEW/new" || fail "a new name is not seen"
	within 3 test ! -e "$VIEW/f" || fail "an old name stays"
	: > "$VIEW/f2" && check test -e "$VIEW/f2"
	rm "$VIEW/f2" && check test ! -e "$VIEW/f2"
	: > "$VIEW/f2" && check test -e "$VIEW/f2"
}

# With cache=exclusive no other program changes the lower tree, so the kernel asks once.
each_exclusive_asks_once() {
	real || skip "a bind mount has no caches of its own"
	alone
	attribute_tree cache=exclusive
	ls -lR "$VIEW" > /dev/null
	cat "$VIEW/f" > /dev/null
	stat "$VIEW/f" "$VIEW/d/g" > /dev/null
	requests LOOKUP,GETATTR,STATX look_often
	check test "$N" -le 1
}

# ext4 changes a directory's times when it fails to make a whiteout, and no event tells the daemon.
NOT_CACHED='!(whiteout)'

# Runs the whole comparison with caches: the kernel's cached attributes must be right after every
# call, if all calls go through the view.
each_operations_are_right_with_exclusive() {
	local group
	lower ext4
	view -o cache=exclusive
	for group in names kinds rename attr xattr data modes copy; do
		# Readahead moves an access time after the case has looked at it, so the comparison
		# leaves access times out.
		PREFIX=$group parity $group --only "$NOT_CACHED" \
			$([ $group = modes ] && echo --no-atime)
	done
}

# With opendir=off the client lists directories without sending OPENDIR.
once_operations_are_right_with_opendir_off() {
	local group
	lower ext4
	view -o cache=exclusive,opendir=off
	for group in dir names rename flags; do
		PREFIX=$group parity $group --only "$NOT_CACHED"
	done
	check sync "$VIEW"
	has_daemon || return 0
	# A reader that stopped before the end of a listing leaves a handle of the directory in the
	# daemon for about two seconds.
	becomes 0 info handles
}

each_operations_are_right_with_ttl() {
	local group
	lower ext4
	view -o cache=ttl=60
	for group in names kinds rename attr acl; do
		PREFIX=$group parity $group --only "$NOT_CACHED"
	done
}

xattrs_and_modes() { # DIR
	(cd "$1" && getfattr -R -d -m - . 2> /dev/null && find . -name '[a-z]*' -printf '%p %m\n' |
		sort)
}

# With xattr=off the view shows and sets no extended attributes. The lower files keep theirs, a new
# file gets the default ACL of its directory, and a write clears file capabilities, as on the lower
# file system.
each_xattr_off_shows_no_attributes() {
	local dir
	real || skip "a bind mount has them"
	lower ext4
	for dir in "$LOWER" "$TWIN"; do
		mkdir "$dir/d"
		setfacl -d -m u:1001:rwx,g::rx,o::- "$dir/d"
		echo text > "$dir/f"
		setfattr -n user.a -v value "$dir/f"
		setcap cap_net_raw+ep "$dir/f"
	done
	view -o xattr=off
	refused "not supported" setfattr -n user.b -v value "$VIEW/f"
	refused "not supported" setfattr -x user.a "$VIEW/f"
	refused "not supported" getfattr -n user.a "$VIEW/f"
	refused "not supported" setfacl -m u:1001:r "$VIEW/f"
	equal "$(getfattr -d -m - "$VIEW/f")" "" "attributes in the view"
	for dir in "$VIEW" "$TWIN"; do
		(umask 077 && : > "$dir/d/new" && mkdir "$dir/d/sub" && chmod 640 "$dir/d/new")
		echo more >> "$dir/f"
	done
	equal "$(xattrs_and_modes "$LOWER")" "$(xattrs_and_modes "$TWIN")" "what is below"
}

# An ACL on LOWER itself shows that the tree uses ACLs, so the mount is refused.
once_xattr_off_is_refused_beside_acl() {
	real || skip "a bind mount has no options of ours"
	lower ext4
	setfacl -d -m u:1001:rwx "$LOWER"
	mkdir "$T/mnt"
	refused "has an ACL" "$PENSTOCK" mount -o xattr=off "$LOWER" "$T/mnt"
	setfacl -b "$LOWER"
	setfacl -m u:1001:rwx "$LOWER"
	refused "has an ACL" "$PENSTOCK" mount -o xattr=off "$LOWER" "$T/mnt"
	setfacl -b "$LOWER"
	view -o xattr=off
}

# Users of libfuse know attr_timeout= and entry_timeout=.
once_attr_timeout_is_ttl() {
	real || skip "a bind mount has no caches of its own"
	alone
	attribute_tree attr_timeout=0,entry_timeout=5
	stat "$VIEW/f" > /dev/null
	requests GETATTR,STATX,LOOKUP look_often
	check test "$N" -ge 50
}
LIMIT[operations_are_right_with_exclusive]=150
LIMIT[operations_are_right_with_ttl]=150
