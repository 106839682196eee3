# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# By way of mount(8) and fstab. The helpers are put into /sbin in our own mount namespace only.

helper_tree() {
	real || skip "about the program's own helper"
	local sbin
	sbin=$(realpath /sbin)
	lower ext4
	echo text > "$LOWER/f"
	mkdir "$T/mnt" "$T/sbin"
	mount -t tmpfs none "$T/sbin"
	mkdir "$T/sbin/upper" "$T/sbin/work"
	ln -s "$(realpath "$PENSTOCK")" "$T/sbin/upper/mount.penstock"
	ln -s "$(realpath "$PENSTOCK")" "$T/sbin/upper/mount.fuse.penstock"
	mount -t overlay -o "lowerdir=$sbin,upperdir=$T/sbin/upper,workdir=$T/sbin/work" none "$sbin" ||
		fail "cannot put the helpers into $sbin"
}

# It is there and works; then it goes.
mounted_and_gone() {
	equal "$(timeout 5 cat "$T/mnt/f")" text
	grep -q " $T/mnt fuse.penstock " /proc/mounts || fail "the type is $(grep " $T/mnt " /proc/mounts)"
	timeout 10 umount "$T/mnt" || fail "cannot be unmounted"
	within 5 nothing_runs || fail "a daemon is left"
}

nothing_runs() {
	[ "$(ps -e -o comm= | grep -Ec '^(penstock|mount\.)')" = 0 ] && [ -z "$(ls /run/penstock 2> /dev/null)" ]
}

once_type_penstock() {
	helper_tree
	check timeout 20 mount -t penstock "$LOWER" "$T/mnt"
	mounted_and_gone
}

once_type_fuse_penstock() {
	helper_tree
	check timeout 20 mount -t fuse.penstock "$LOWER" "$T/mnt"
	mounted_and_gone
}

once_options() {
	helper_tree
	check timeout 20 mount -t penstock -o ro,noatime,cache=none,passthrough=off,nofail,_netdev,x-some=thing \
		"$LOWER" "$T/mnt"
	equal "$(info passthrough "$T/mnt")" false
	equal "$(act try create "$T/mnt/new")" EROFS
	grep -q " $T/mnt fuse.penstock ro,.*noatime" /proc/mounts || fail "options: $(grep "$T/mnt" /proc/mounts)"
	mounted_and_gone
	check timeout 20 mount -r -v -t penstock "$LOWER" "$T/mnt"
	equal "$(act try create "$T/mnt/new")" EROFS
	mounted_and_gone
	check timeout 20 mount -n -s -t penstock -o nonsense "$LOWER" "$T/mnt"
	mounted_and_gone
	# Fake: nothing happens.
	check timeout 20 mount -f -t penstock "$LOWER" "$T/mnt"
	check not mountpoint -q "$T/mnt"
}

once_fstab() {
	helper_tree
	{
		echo "$LOWER $T/mnt penstock defaults,noauto,cache=none,x-systemd.requires-mounts-for=/ 0 0"
		echo "$LOWER $T/other fuse.penstock ro,nofail,user,noauto,fsname=other 0 0"
		echo "$T/absent $T/third penstock nofail,auto 0 0"
	} > "$T/fstab"
	mkdir "$T/other" "$T/third"
	mount --bind "$T/fstab" /etc/fstab
	check timeout 20 mount "$T/mnt"
	mounted_and_gone
	check timeout 20 mount "$T/other"
	grep -q "^other $T/other fuse.penstock ro" /proc/mounts || fail "$(grep "$T/other" /proc/mounts)"
	check timeout 10 umount "$T/other"
	within 5 nothing_runs
	# nofail: what is absent does not stop the rest.
	timeout 20 mount -a > /dev/null 2>&1
	check not mountpoint -q "$T/third"
}

once_failures() {
	helper_tree
	local status
	timeout 20 mount -t penstock "$T/absent" "$T/mnt" 2> "$T/said"
	status=$?
	cat "$T/said"
	equal $status 32 "exit code for a missing LOWER"
	check grep -q absent "$T/said"
	timeout 20 mount -t penstock -o passthru=on "$LOWER" "$T/mnt" 2> "$T/said"
	status=$?
	cat "$T/said"
	equal $status 1 "exit code for an unknown option"
	check grep -q passthru "$T/said"
	"$(realpath /sbin)/mount.penstock" "$LOWER" "$T/mnt" -t something.else 2> "$T/said"
	equal $? 1 "exit code for another type"
	within 5 nothing_runs
}

# The contract itself: what mount(8) calls.
once_called_directly() {
	helper_tree
	check timeout 20 mount.penstock "$LOWER" "$T/mnt" -o rw,cache=none
	mounted_and_gone
	check timeout 20 mount.fuse.penstock "$LOWER" "$T/mnt" -sn -o ro -t fuse.penstock
	equal "$(act try create "$T/mnt/new")" EROFS
	mounted_and_gone
	# -N: in another mount namespace.
	unshare -m --propagation private sleep 30 &
	local pid=$!
	sleep 0.2
	check timeout 20 mount.penstock "$LOWER" "$T/mnt" -N "$pid"
	check not mountpoint -q "$T/mnt"
	equal "$(nsenter -t $pid -m cat "$T/mnt/f")" text "in the other namespace"
	check nsenter -t $pid -m timeout 10 umount "$T/mnt"
	kill $pid
	wait $pid 2> /dev/null
	within 5 nothing_runs || fail "a daemon is left"
}

once_unmounted_by_users_tools() {
	helper_tree
	command -v fusermount3 > /dev/null || skip "fusermount3 is not installed"
	check timeout 20 mount -t penstock "$LOWER" "$T/mnt"
	check timeout 10 fusermount3 -u "$T/mnt"
	within 5 nothing_runs || fail "a daemon is left"
}
