# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# Runs operations and data transfers on other lower file systems. xfs, btrfs and tmpfs have file
# handles. overlayfs and ramfs have no handles that the daemon can open again, so each node keeps a
# descriptor there.

LIMIT[operations_on_xfs_behave_as_on_lower]=180
LIMIT[operations_on_btrfs_behave_as_on_lower]=180
LIMIT[operations_on_tmpfs_behave_as_on_lower]=180
LIMIT[operations_on_overlay_behave_as_on_lower]=180
LIMIT[operations_on_ramfs_behave_as_on_lower]=180
LIMIT[operations_in_a_view_of_a_view_equal_lower]=120
LIMIT[all_operations_in_a_view_of_a_view_equal_lower]=300

all_on() { # TYPE [GROUP...]
	local type=$1 group
	shift
	lower "$type"
	view -o cache=none
	for group; do PREFIX=$group parity "$group" --other-lower --variant "$type"; done
}

once_operations_on_xfs_behave_as_on_lower() {
	all_on xfs names kinds rename attr xattr acl dir flags data modes copy mmap
}
once_operations_on_btrfs_behave_as_on_lower() {
	all_on btrfs names kinds rename attr xattr acl dir data modes copy mmap
}
once_operations_on_tmpfs_behave_as_on_lower() {
	all_on tmpfs names kinds rename attr xattr acl dir data modes copy mmap
}
once_operations_on_overlay_behave_as_on_lower() {
	all_on overlay names kinds rename attr xattr acl dir perm data modes copy mmap
}
once_operations_on_ramfs_behave_as_on_lower() {
	all_on ramfs names kinds rename dir perm data modes mmap
}

# Files of proc and sysfs have size 0 and content nevertheless.
each_proc_files_are_read() {
	LOWER=/proc/sys
	view -o cache=none,pseudo=show "$LOWER"
	equal "$(cat "$VIEW/kernel/ostype")" Linux ostype
	equal "$(cat "$VIEW/kernel/osrelease")" "$(uname -r)" osrelease
	check test "$(ls "$VIEW/vm" | wc -l)" = "$(ls /proc/sys/vm | wc -l)"
	LOG_MAY='.'
}

each_sysfs_files_are_read() {
	LOWER=/sys/kernel
	view -o cache=none,pseudo=show "$LOWER"
	equal "$(cat "$VIEW/mm/transparent_hugepage/enabled")" \
		"$(cat /sys/kernel/mm/transparent_hugepage/enabled)" content
	LOG_MAY='.'
}

# Mounts a view of a view of an ext4; sets $INNER and $VIEW.
view_of_a_view() {
	lower ext4
	view -o cache=none "$FS"
	INNER=$VIEW
	LOWER=$INNER/lower
	view -o cache=none "$LOWER"
}

end_view_of_a_view() {
	unview
	VIEW=$INNER
	unview
}

# Compares operations that pass through two daemons, as root and as users.
parity_of_a_view_of_a_view() { # GROUP...
	local group
	view_of_a_view
	for group; do PREFIX=$group parity "$group" --other-lower; done
	end_view_of_a_view
}

each_operations_in_a_view_of_a_view_equal_lower() {
	parity_of_a_view_of_a_view kinds xattr flags data copy
}
slow_all_operations_in_a_view_of_a_view_equal_lower() {
	parity_of_a_view_of_a_view names rename attr acl dir perm modes suid lock
}

# Applies every operation to a file that O_TMPFILE made. The daemon must not pass O_TMPFILE on when
# it opens that file again.
each_unnamed_file_takes_every_operation() {
	lower ext4
	view -o cache=none
	file_without_a_name "$VIEW"
}

each_unnamed_file_in_a_view_of_a_view_takes_every_operation() {
	view_of_a_view
	file_without_a_name "$VIEW"
	end_view_of_a_view
}

file_without_a_name() { # DIR
	timeout 20 python3 - "$1" <<- 'P' || fail "a file without a name in $1"
		import os, sys
		name = sys.argv[1] + "/name"
		fd = os.open(sys.argv[1], os.O_TMPFILE | os.O_RDWR, 0o600)
		os.write(fd, b"text")
		os.ftruncate(fd, 100)
		os.posix_fallocate(fd, 0, 8192)
		os.fsync(fd)
		os.fchmod(fd, 0o644)
		os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_WILLNEED)
		os.lseek(fd, 0, os.SEEK_DATA)
		os.link("/proc/self/fd/%d" % fd, name, src_dir_fd=fd)
		assert open(name, "rb").read() == b"text" + 8188 * b"\0"
		os.unlink(name)
		os.fsync(fd)
		assert os.pread(fd, 4, 0) == b"text"
		assert os.fstat(fd).st_nlink == 0
	P
}

# The lower file system is a FUSE file system: its own daemon may be slow, and its file handles stop
# working when it forgets the inode.
each_lower_on_bindfs_works() {
	command -v bindfs > /dev/null || skip "bindfs is not installed"
	lower ext4
	mkdir "$T/bindfs"
	bindfs -f -o allow_other "$LOWER" "$T/bindfs" &
	local pid=$!
	within 5 mountpoint -q "$T/bindfs" || fail "bindfs does not start"
	echo "$(($(stat -c %d "$T/bindfs") & 0xff))" >> "$T/connections"
	view -o cache=none "$T/bindfs"
	mkdir "$VIEW/d"
	echo text > "$VIEW/d/f"
	drop_caches
	equal "$(cat "$VIEW/d/f")" text
	echo more >> "$VIEW/d/f"
	equal "$(wc -l < "$LOWER/d/f")" 2 lines
	mv "$VIEW/d" "$VIEW/e"
	rm -r "$VIEW/e"
	check test ! -e "$LOWER/e"
	unview
	umount "$T/bindfs"
	wait $pid
}

# The lower file system can never be written to.
each_squashfs_is_read_only() {
	command -v mksquashfs > /dev/null || skip "mksquashfs is not installed"
	mkdir -p "$T/src/d" "$T/sq"
	echo text > "$T/src/d/f"
	mksquashfs "$T/src" "$T/sq.img" -quiet -no-progress > /dev/null || fail mksquashfs
	mount -o loop "$T/sq.img" "$T/sq" || skip "no squashfs"
	LOWER=$T/sq
	view -o cache=none
	same
	equal "$(act try write "$VIEW/d/f")" EROFS
	equal "$(act try create "$VIEW/new")" EROFS
}
