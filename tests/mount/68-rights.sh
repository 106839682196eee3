# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# Some lower file systems check permissions themselves: FUSE (a server that logs the caller), cgroup
# and proc. The daemon sends every operation there as the caller.

USER_ID=65533

# Mounts a view of the recorder's tree and clears the log of the recorder.
recorded_view() { # [OPTIONS]
	mkdir -p "$T/recorder"
	"$TOOLS/recorder" "$T/recorder" "$T/asked" 9>&- &
	RECORDER=$!
	within 5 mountpoint -q "$T/recorder" || fail "the recorder does not start"
	echo "$(($(stat -c %d "$T/recorder") & 0xff))" >> "$T/connections"
	view -o "cache=none${1:+,$1}" "$T/recorder"
	forget_asked
}

forget_asked() { : > "$T/asked"; }

end_recorder() {
	unview
	umount "$T/recorder"
	wait $RECORDER
}

# Runs one operation of each kind. Python, because a shell makes many other calls.
every_operation() { # DIR
	timeout 60 python3 - "$1" <<- 'P'
		import os, sys
		os.chdir(sys.argv[1])
		os.umask(0o22)
		def quiet(call, *args):
		    try:
		        return call(*args)
		    except OSError as error:
		        print(call.__name__, error.strerror)
		fd = os.open("f", os.O_RDWR)
		os.read(fd, 10)
		os.write(fd, b"x")
		os.fsync(fd)
		quiet(os.posix_fallocate, fd, 0, 10)
		quiet(os.lseek, fd, 0, os.SEEK_DATA)
		os.fstat(fd)
		os.close(fd)
		os.close(os.open("g", os.O_RDONLY))
		os.close(os.open("new-created", os.O_CREAT | os.O_WRONLY, 0o644))
		os.mkdir("dir-new")
		os.mkfifo("new-fifo")
		os.symlink("target", "link-new")
		quiet(os.link, "f", "new-name")
		os.unlink("x")
		os.rmdir("dir-x")
		os.rename("y", "z")
		os.readlink("link")
		os.listdir("dir-listed")
		os.statvfs("f")
		os.chmod("new-created", 0o600)
		os.truncate("f", 3)
		os.utime("f")
		quiet(os.setxattr, "f", "user.x", b"1")
		quiet(os.getxattr, "f", "user.x")
		quiet(os.removexattr, "f", "user.x")
		quiet(os.setxattr, "f", "system.nfs4_acl", b"1")
		quiet(os.getxattr, "f", "system.nfs4_acl")
		quiet(os.removexattr, "f", "system.nfs4_acl")
		quiet(os.listxattr, "f")
	P
}

# The kernel opens, reads and writes files that pass through as user nobody (65534), because the
# user has chosen passthrough.
asked_by_others() {
	local may='^$'
	passing && may='^(OPEN|READ|WRITE) 65534 '
	grep -v " $USER_ID " "$T/asked" | grep -Ev "$may" | sort | uniq -c
}

each_every_request_below_carries_the_caller() {
	local op create=CREATE
	# In the kernel, each file system makes a file of another one in two steps.
	! in_kernel || create=MKNOD
	real || skip "a bind mount of FUSE asks as the caller by nature"
	recorded_view
	as $USER_ID "$BASH" -c "$(declare -f every_operation); every_operation '$VIEW'"
	for op in LOOKUP GETATTR SETATTR READLINK SYMLINK MKNOD MKDIR UNLINK RMDIR RENAME LINK \
		OPEN STATFS \
		FSYNC SETXATTR GETXATTR LISTXATTR REMOVEXATTR OPENDIR READDIR $create FALLOCATE; do
		grep -q "^$op $USER_ID $USER_ID\$" "$T/asked" ||
			fail "no $op of the user's has been asked for"
	done
	passing || check grep -q "^WRITE $USER_ID $USER_ID\$" "$T/asked"
	equal "$(asked_by_others)" "" "requests of others"
	end_recorder
}

# A user gets the same refusal through the view as directly from the lower server.
each_what_the_lower_server_refuses_is_refused() {
	local op
	real || skip "a bind mount of FUSE asks as the caller by nature"
	recorded_view
	for op in "read FILE" "write FILE" "truncate FILE 3"; do
		op=${op/FILE/$VIEW/for-1000}
		# shellcheck disable=SC2086
		equal "$(as $USER_ID "$TOOLS/act" try $op)" EACCES "$op"
	done
	equal "$(as $USER_ID "$TOOLS/act" xattr set "$VIEW/for-1000" user.x 1)" EACCES setxattr
	equal "$(as $USER_ID "$TOOLS/act" xattr remove "$VIEW/for-1000" user.x)" EACCES removexattr
	equal "$(as $USER_ID "$TOOLS/act" xattr list "$VIEW/for-1000")" EACCES listxattr
	# The lower server refuses root as well, and permits the user that the name contains.
	equal "$(act try read "$VIEW/for-1000")" EACCES "read by root"
	if ! passing; then
		equal "$(as 1000 "$TOOLS/act" try read "$VIEW/for-1000")" 0 "read by the owner"
	fi
	end_recorder
}

# Starts a process of the user, in $THEIRS.
users_process() {
	# shellcheck disable=SC2016
	as $USER_ID sh -c 'echo $$; exec sleep 100' > "$T/theirs" 9>&- &
	check within 5 eval '[ "$(cat /proc/$(< "$T/theirs")/comm 2> /dev/null)" = sleep ]'
	THEIRS=$(< "$T/theirs")
}

# The cgroup of a user accepts only processes of that user: the kernel checks the credentials of the
# open and of the write.
each_a_cgroup_takes_no_process_of_others() {
	local group=pst${T//\//-} pid
	LOWER=/sys/fs/cgroup/freezer
	[ -d $LOWER ] || LOWER=/sys/fs/cgroup
	mkdir "$LOWER/$group" 2> /dev/null || skip "no cgroup can be made here"
	chown -R $USER_ID "$LOWER/$group"
	sleep 100 9>&- &
	pid=$!
	users_process
	view -o cache=none,pseudo=show
	# shellcheck disable=SC2016
	as $USER_ID sh -c 'echo "$1" > "$2"' _ $pid "$VIEW/$group/cgroup.procs"
	echo "$THEIRS" > "$VIEW/$group/cgroup.procs"
	grep -H "$group" /proc/$pid/cgroup "/proc/$THEIRS/cgroup" > "$T/moved"
	kill "$THEIRS" $pid
	unview
	check within 5 rmdir "$LOWER/$group"
	check not grep "^/proc/$pid/" "$T/moved"
	check grep -q "^/proc/$THEIRS/" "$T/moved"
}

# Mounts pseudo file systems inside LOWER; the view shows the directories that they cover.
pseudo_tree() {
	lower ext4
	mkdir "$LOWER"/{proc,sys,data}
	echo under > "$LOWER/proc/under"
	mount -t proc none "$LOWER/proc"
	mount -t sysfs none "$LOWER/sys"
	mount -t tmpfs none "$LOWER/data"
	mkdir "$LOWER/data/proc"
	mount -t proc none "$LOWER/data/proc"
	echo text > "$LOWER/data/f"
}

each_pseudo_file_systems_below_are_hidden() {
	real || skip "a bind mount has no such option"
	pseudo_tree
	view -o cache=none
	equal "$(ls "$VIEW/proc")" under "what lies under proc"
	equal "$(cat "$VIEW/proc/under")" under "what lies under proc"
	equal "$(ls "$VIEW/sys" "$VIEW/data/proc" | wc -w)" 2 \
		"names where sysfs and proc are mounted"
	equal "$(cat "$VIEW/data/f")" text "a file on a tmpfs"
	# Mounts of the caller stay as they were.
	check test -d "$LOWER/data/proc/1"
	unview
	view -o cache=none,xdev=hide
	equal "$(ls "$VIEW/proc")" under "what lies under proc"
	unview
	umount "$LOWER/data/proc" "$LOWER/data" "$LOWER/proc" "$LOWER/sys"
}

once_lower_on_a_pseudo_file_system_is_refused() {
	local type
	real || skip "a bind mount has no such option"
	mkdir "$T/lower" "$T/mnt"
	for type in proc sysfs debugfs tracefs securityfs configfs bpf fusectl; do
		mount -t $type none "$T/lower" 2> /dev/null || continue
		refused "LOWER is on $type.*pseudo=show" "$PENSTOCK" mount "$T/lower" "$T/mnt"
		umount "$T/lower"
	done
	refused "pseudo.*hide, show" "$PENSTOCK" mount -o pseudo=yes "$T/lower" "$T/mnt"
}

# With pseudo=show proc hides from a user through the view what it hides directly, and the daemon's
# own entries are not shown.
each_proc_is_read_as_the_caller() {
	local pid task
	real || skip "the daemon is what this is about"
	sleep 100 9>&- &
	pid=$!
	LOWER=/proc
	view -o cache=none,pseudo=show
	equal "$(cat "$VIEW/sys/kernel/ostype")" Linux ostype
	for file in maps environ stack syscall personality; do
		equal "$(as $USER_ID cat "$VIEW/$pid/$file" 2> /dev/null | wc -c)" \
			"$(as $USER_ID cat "/proc/$pid/$file" 2> /dev/null | wc -c)" \
				"bytes of $file"
	done
	equal "$(as $USER_ID readlink "$VIEW/$pid/exe")" "" "text of exe"
	for task in "/proc/${VIEW_PIDS[0]}/task"/*; do
		equal "$("$TOOLS/act" try read "$VIEW/${task##*/}/maps")" EACCES \
			"maps of the daemon"
	done
	equal "$("$TOOLS/act" try read "$VIEW/self/maps")" EACCES "self"
	users_process
	check test "$(as $USER_ID cat "$VIEW/$THEIRS/maps" | wc -c)" -gt 0
	kill "$THEIRS" $pid
	unview
}

# Attributes in system.* that the kernel does not know are set with the caller's credentials,
# through any number of views.
each_system_attributes_reach_a_view_of_a_view_as_the_caller() {
	local inner
	real || skip "a bind mount has no trace"
	lower ext4
	echo text > "$LOWER/f"
	chmod 666 "$LOWER/f"
	view -o cache=none
	inner=$VIEW
	tracing "$T/trace"
	view -o cache=none "$inner"
	for how in "set $VIEW/f system.nfs4_acl 1" "get $VIEW/f system.nfs4_acl" \
		"remove $VIEW/f system.nfs4_acl" "list $VIEW/f"; do
		# shellcheck disable=SC2086
		as $USER_ID "$TOOLS/act" xattr $how > /dev/null
	done
	as $USER_ID cat "$VIEW/f" > /dev/null
	check within 5 grep -q '"op":"open"' "$T/trace"
	kill "$TRACER"
	for op in setxattr getxattr removexattr listxattr open; do
		check grep "\"op\":\"$op\"" "$T/trace" > /dev/null
		if [ $op != open ] || ! passing; then
			check not grep "\"op\":\"$op\".*\"uid\":0," "$T/trace"
		fi
	done
	unview
	VIEW=$inner
	unview
}
