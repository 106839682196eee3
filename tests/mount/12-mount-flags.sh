# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# The flags of the mount apply to a view as to any other mount, also to data that the kernel passes
# through.

old_times() { # FILE...: both times long ago, so that relatime has a reason
	touch -a -d '2001-01-01' "$@"
	touch -m -d '2001-01-02' "$@"
}

atimes() { stat -c %X "$LOWER/f" "$LOWER/d"; }

read_both() {
	cat "$VIEW/f" > /dev/null
	ls "$VIEW/d" > /dev/null
}

# Prints whether reading through the view moves the access time of a file and of a directory: "yes
# yes", "no no"...
moved() { # OPTIONS
	local before after
	lower ext4
	mount -o remount,strictatime "$FS"
	echo text > "$LOWER/f"
	mkdir "$LOWER/d"
	: > "$LOWER/d/x"
	old_times "$LOWER/f" "$LOWER/d"
	view -o "cache=none${1:+,$1}"
	before=$(atimes)
	read_both
	after=$(atimes)
	[ "$(sed -n 1p <<< "$before")" = "$(sed -n 1p <<< "$after")" ] && printf no || printf yes
	[ "$(sed -n 2p <<< "$before")" = "$(sed -n 2p <<< "$after")" ] && printf ' no' ||
		printf ' yes'
	# Mappings read by another path of the kernel, so the case compares these as well.
	same
}

# Fails unless these options move the access times of file and directory as WANT says.
access_times_move() { # OPTIONS WANT
	moved "$1" > "$T/o"
	equal "$(cat "$T/o")" "$2" "access times that move"
}

each_noatime_moves_no_access_time() { access_times_move noatime "no no"; }
each_nodiratime_moves_access_times_of_files_only() { access_times_move nodiratime "yes no"; }
each_relatime_moves_old_access_times() { access_times_move relatime "yes yes"; }
each_strictatime_moves_access_times() { access_times_move strictatime "yes yes"; }
each_access_times_move_without_a_flag() { access_times_move '' "yes yes"; }

# With relatime the first read after a change moves the access time, and later reads do not.
each_relatime_moves_access_time_once_for_each_change() {
	lower ext4
	mount -o remount,strictatime "$FS"
	echo text > "$LOWER/f"
	old_times "$LOWER/f"
	view -o cache=none,relatime
	cat "$VIEW/f" > /dev/null
	local once
	once=$(stat -c %x "$LOWER/f")
	sleep 0.05
	cat "$VIEW/f" > /dev/null
	equal "$(stat -c %x "$LOWER/f")" "$once" "the access time"
	echo more >> "$VIEW/f"
	sleep 0.05
	cat "$VIEW/f" > /dev/null
	check test "$(stat -c %x "$LOWER/f")" != "$once"
	same
}

# The view keeps noatime of the lower mount when its own options do not set it.
each_noatime_of_lower_applies_in_view() {
	lower ext4
	mount -o remount,noatime "$FS"
	echo text > "$LOWER/f"
	old_times "$LOWER/f"
	view -o cache=none
	local once
	once=$(stat -c %x "$LOWER/f")
	cat "$VIEW/f" > /dev/null
	equal "$(stat -c %x "$LOWER/f")" "$once" "the access time"
}

each_noatime_applies_to_mappings_and_splice() {
	lower ext4
	mount -o remount,strictatime "$FS"
	head -c 100000 /dev/zero > "$LOWER/f"
	old_times "$LOWER/f"
	view -o cache=none,noatime
	local once
	once=$(stat -c %x "$LOWER/f")
	act map "$VIEW/f" < /dev/null > /dev/null
	cp "$VIEW/f" "$T/copy"
	dd if="$VIEW/f" of=/dev/null bs=4096 iflag=direct status=none
	equal "$(stat -c %x "$LOWER/f")" "$once" "the access time"
}

nothing_can_be_changed() {
	local call
	for call in "write $VIEW/f" "create $VIEW/new" "mkdir $VIEW/new" "unlink $VIEW/f" \
		"truncate $VIEW/f 0" "rename $VIEW/f $VIEW/g" "link $VIEW/f $VIEW/g" \
		"symlink $VIEW/g x" "chmod $VIEW/f 600" "setxattr $VIEW/f" "utime $VIEW/f"; do
		# shellcheck disable=SC2086
		answers EROFS $call
	done
}

each_ro_refuses_every_change() {
	lower ext4
	echo text > "$LOWER/f"
	mkdir "$LOWER/d"
	view -o ro
	equal "$(cat "$VIEW/f")" text
	nothing_can_be_changed
	equal "$(cat "$LOWER/f")" text
	check test -w "$LOWER/f"
}

# Other programs still write to the lower tree, and the view shows their changes.
each_ro_shows_changes_below() {
	lower ext4
	echo text > "$LOWER/f"
	view -o ro,cache=none
	cat "$VIEW/f" > /dev/null
	echo more >> "$LOWER/f"
	equal "$(wc -l < "$VIEW/f")" 2 lines
}

each_read_only_lower_refuses_every_change() {
	lower ext4
	echo text > "$LOWER/f"
	mount -o remount,ro "$FS"
	view
	nothing_can_be_changed
	equal "$(cat "$VIEW/f")" text
	same
	real || return 0
	unview
	filtered_view pass
	nothing_can_be_changed
}

each_noexec_refuses_execution() {
	lower ext4
	cp /bin/true "$LOWER/true"
	printf '#!/bin/sh\n' > "$LOWER/script"
	chmod 755 "$LOWER/script"
	view -o noexec
	equal "$(act try exec "$VIEW/true")" EACCES
	equal "$(act try exec "$VIEW/script")" EACCES
	equal "$(as 1000 "$TOOLS/act" try exec "$VIEW/true")" EACCES
}

each_nodev_refuses_devices() {
	lower ext4
	mknod -m 666 "$LOWER/null" c 1 3
	view
	equal "$(act try write "$VIEW/null")" 0 "without nodev"
	unview
	view -o nodev "$LOWER" "$T/nodev"
	equal "$(act try write "$VIEW/null")" EACCES "with nodev"
	equal "$(act try read "$VIEW/null")" EACCES "with nodev"
}

each_nosuid_ignores_set_id_bits() {
	lower ext4
	cp "$(command -v id)" "$LOWER/id"
	chown 1005:1006 "$LOWER/id"
	chmod 6755 "$LOWER/id"
	view
	equal "$(as 1000 "$VIEW/id" -u)" 1005 "effective user"
	equal "$(as 1000 "$VIEW/id" -g)" 1006 "effective group"
	unview
	view -o nosuid "$LOWER" "$T/nosuid"
	equal "$(as 1000 "$VIEW/id" -u)" 1000 "effective user with nosuid"
	equal "$(as 1000 "$VIEW/id" -g)" 1000 "effective group with nosuid"
}

each_nosymfollow_follows_no_link() {
	lower ext4
	echo text > "$LOWER/f"
	ln -s f "$LOWER/l"
	view -o nosymfollow
	equal "$(act try read "$VIEW/l")" ELOOP
	equal "$(readlink "$VIEW/l")" f
}

# With noallow_other only root may enter the view.
once_noallow_other_keeps_users_out() {
	real || skip "a bind mount has no such option"
	lower ext4
	echo text > "$LOWER/f"
	view -o noallow_other
	equal "$(cat "$VIEW/f")" text
	check not as 1000 cat "$VIEW/f"
	unview
	view
	check as 1000 cat "$VIEW/f"
}

# Prints "yes" or the name of the error for access(NAME, W_OK), which programs call before they
# begin to write.
writable() { # NAME...
	timeout 10 python3 - "$@" <<- 'P'
		import ctypes, errno, os, sys
		libc = ctypes.CDLL(None, use_errno=True)
		for name in sys.argv[1:]:
		    r = libc.access(name.encode(), os.W_OK)
		    print("yes" if r == 0 else errno.errorcode[ctypes.get_errno()], end=" ")
	P
}

says_writable() { # WANT NAME...
	[ "$(writable "${@:2}")" = "$1" ]
}

readonly_tree() {
	lower ext4
	mkdir "$LOWER/d"
	echo text > "$LOWER/f"
}

each_view_of_a_read_only_lower_is_read_only() {
	real || skip "a bind mount is by nature"
	readonly_tree
	mount -o remount,ro "$FS"
	view -o cache=none
	equal "$(writable "$VIEW" "$VIEW/d" "$VIEW/f")" "EROFS EROFS EROFS " access
	check test "$(findmnt -n -o OPTIONS "$VIEW" | cut -d, -f1)" = ro
	equal "$(act try create "$VIEW/new")" EROFS create
	! has_daemon ||
		equal "$(grep -c 'LOWER is read-only' "${VIEW_LOGS[0]}")" 1 "lines in the log"
	# The view becomes writable as soon as LOWER is.
	mount -o remount,rw "$FS"
	within 5 says_writable "yes yes yes " "$VIEW" "$VIEW/d" "$VIEW/f" ||
		fail "not writable again"
	equal "$(act try create "$VIEW/new")" 0 create
}

each_view_follows_a_lower_that_becomes_read_only() {
	real || skip "a bind mount is by nature"
	readonly_tree
	view -o cache=none
	equal "$(writable "$VIEW" "$VIEW/f")" "yes yes " access
	mount -o remount,ro "$FS"
	within 5 says_writable "EROFS EROFS " "$VIEW" "$VIEW/f" || fail "access is not refused"
	check test "$(stat -f -c %f "$VIEW")" -ge 0
	mount -o remount,rw "$FS"
	within 5 says_writable "yes yes " "$VIEW" "$VIEW/f" || fail "not writable again"
}

# LOWER is a read-only bind mount of a writable file system.
each_view_follows_a_mount_of_lower_that_becomes_writable() {
	real || skip "a bind mount is by nature"
	readonly_tree
	mount -o remount,bind,ro "$FS"
	view -o cache=none
	equal "$(writable "$VIEW/f")" "EROFS " "access with a read-only mount"
	mount -o remount,bind,rw "$FS"
	within 5 says_writable "yes " "$VIEW/f" || fail "not writable again"
}

# After an I/O error some kernels make the file system read-only.
each_view_follows_a_lower_that_is_read_only_after_an_error() {
	local device
	real || skip "a bind mount is by nature"
	readonly_tree
	view -o cache=none
	device=$(findmnt -n -o SOURCE "$FS")
	mount -o remount,errors=remount-ro "$FS"
	echo 1 2> /dev/null > "/sys/fs/ext4/${device#/dev/}/trigger_fs_error" ||
		skip "ext4 cannot be made to fail"
	"$TOOLS/act" try create "$VIEW/new"
	within 5 says_writable "$(writable "$LOWER/f")" "$VIEW/f" ||
		fail "access is not as below after an error"
}

# A view that the user mounted read-only stays read-only whatever LOWER becomes.
each_ro_stays_when_lower_changes() {
	real || skip "a bind mount is by nature"
	readonly_tree
	view -o cache=none,ro
	mount -o remount,ro "$FS"
	mount -o remount,rw "$FS"
	sleep 0.3
	equal "$(writable "$VIEW/f")" "EROFS " access
	check not grep -q 'LOWER is' "${VIEW_LOGS[0]}"
}

remount() { # OPTIONS
	timeout 20 "$PENSTOCK" mount -o "remount,$1" "$VIEW"
}

each_remount_changes_the_flags_of_the_mount() {
	real || skip "about the program's own remount"
	readonly_tree
	cp /bin/true "$LOWER/true"
	ln -s f "$LOWER/link"
	view -o cache=none
	remount ro || fail "remount,ro"
	equal "$(act try create "$VIEW/new")" EROFS create
	equal "$(writable "$VIEW/f")" "EROFS " access
	remount rw || fail "remount,rw"
	equal "$(act try create "$VIEW/new")" 0 create
	remount noexec,nosymfollow || fail "remount,noexec"
	check not "$VIEW/true" 2> /dev/null
	check not cat "$VIEW/link" 2> /dev/null
	# A remount keeps the flags that it does not name.
	remount exec || fail "remount,exec"
	check "$VIEW/true"
	check not cat "$VIEW/link" 2> /dev/null
	# A remount with ro fails while a process writes.
	exec 7> "$VIEW/open"
	refused "open for writing" remount ro
	exec 7>&-
	equal "$(act try create "$VIEW/new2")" 0 create
	# LOWER is read-only, so the view stays read-only.
	remount ro
	mount -o remount,ro "$FS"
	if has_daemon; then refused "LOWER is read-only" remount rw; else remount rw; fi
	equal "$(act try create "$VIEW/new3")" EROFS create
	mount -o remount,rw "$FS"
	remount rw || fail "remount,rw after LOWER"
	within 5 says_writable "yes " "$VIEW/f" || fail "not writable"
	refused "not the mount point of a view" "$PENSTOCK" mount -o remount,ro "$FS"
	refused "unmount the view and mount it again: cache" eval \
		'remount cache=none,ro 2>&1 | grep . >&2; false'
}

# The remount also decides about access times of the lower files, even if the kernel passes their
# data through.
each_remount_changes_access_times() {
	local before
	real || skip "about the program's own remount"
	readonly_tree
	mount -o remount,strictatime "$FS"
	view -o cache=none,strictatime
	remount noatime || fail "remount,noatime"
	before=$(stat -c %x "$LOWER/f")
	sleep 0.05
	cat "$VIEW/f" > /dev/null
	equal "$(stat -c %x "$LOWER/f")" "$before" "access time with noatime"
	remount strictatime || fail "remount,strictatime"
	cat "$VIEW/f" > /dev/null
	check test "$(stat -c %x "$LOWER/f")" != "$before"
	remount ro || fail "remount,ro"
	before=$(stat -c %x "$LOWER/f")
	sleep 0.05
	cat "$VIEW/f" > /dev/null
	equal "$(stat -c %x "$LOWER/f")" "$before" "access time when read-only"
}

# A mount inside LOWER that is itself read-only stays read-only when the view becomes writable.
each_remount_keeps_read_only_mounts_below() {
	real || skip "about the program's own remount"
	readonly_tree
	mount -t tmpfs none "$LOWER/d"
	mount -o remount,bind,ro "$LOWER/d"
	view -o cache=none
	remount ro || fail "remount,ro"
	refused "mounted read-only" remount rw
	equal "$(act try create "$VIEW/new")" EROFS create
	unview
	umount "$LOWER/d"
}

# Makes ten changes of each kind. Prints the kinds that caused fewer than ten writes to the device.
lost_changes() { # all|names
	timeout 50 python3 - "$VIEW" "$FS" "$(basename "$(findmnt -n -o SOURCE "$FS")")" \
		"$1" <<- 'P'
		import os, sys
		view, fs, device, which = sys.argv[1:]
		def path(n):
		    return "%s/x%d" % (view, n)
		def writes():
		    return int(open("/sys/block/%s/stat" % device).read().split()[4])
		def each(name, change, of_names=False):
		    os.system("sync -f " + fs)
		    before = writes()
		    for i in range(10):
		        change(i)
		    if writes() - before < 10 and (which == "all" or of_names):
		        print(name)
		    if which == "names" and not of_names and writes() - before > 5:
		        print(name, "is flushed")
		each("create", lambda i: os.close(os.open(path(i), os.O_CREAT | os.O_WRONLY)), True)
		fd = os.open(path(0), os.O_WRONLY)
		each("write", lambda i: os.write(fd, b"x" * 100))
		each("fallocate", lambda i: os.posix_fallocate(fd, i * 4096, 4096))
		each("ftruncate", lambda i: os.ftruncate(fd, 100 + i))
		each("chmod", lambda i: os.chmod(path(i), 0o600))
		each("chown", lambda i: os.chown(path(i), 1, 1))
		each("utime", lambda i: os.utime(path(i), (1, i)))
		each("setxattr", lambda i: os.setxattr(path(i), "user.a", b"x"))
		each("removexattr", lambda i: os.removexattr(path(i), "user.a"))
		each("open", lambda i: os.close(os.open(path(i), os.O_WRONLY | os.O_TRUNC)))
		each("mkdir", lambda i: os.mkdir(path(100 + i)), True)
		each("symlink", lambda i: os.symlink("a", path(200 + i)), True)
		each("link", lambda i: os.link(path(i), path(300 + i)), True)
		each("rename", lambda i: os.rename(path(i), path(400 + i)), True)
		each("mkfifo", lambda i: os.mkfifo(path(500 + i)), True)
		each("chown of a fifo", lambda i: os.chown(path(500 + i), 1, 1))
		each("unlink", lambda i: os.unlink(path(400 + i)), True)
		each("rmdir", lambda i: os.rmdir(path(100 + i)), True)
	P
}

each_sync_has_every_change_on_the_disk() {
	local opts=${MODE_OPTS/passthrough=on/passthrough=auto}
	real || skip "a bind mount has no such flag"
	readonly_tree
	view -r -o "cache=none,sync,$opts"
	equal "$(lost_changes all)" "" "changes that are not on the disk"
	equal "$(info passthrough)" false passthrough
	check grep -q " $VIEW fuse.penstock rw,sync," /proc/mounts
	unview
	mkdir "$T/refused"
	if [ "$opts" != "$MODE_OPTS" ]; then
		refused "passthrough=on: sync is set" "$PENSTOCK" mount -o "sync,$MODE_OPTS" \
			"$LOWER" "$T/refused"
	fi
}

each_dirsync_has_names_on_the_disk() {
	real || skip "a bind mount has no such flag"
	readonly_tree
	view -o cache=none,dirsync
	equal "$(lost_changes names)" "" "names that are not on the disk"
}
