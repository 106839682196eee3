# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=sh disable=SC2154
#
# The program in front of the module: guest.sh reads this file. Views of /w/tmpfs/lower at /w/view.

type_is() { # TYPE
	grep -q " /w/view $1 " /proc/mounts
}

# Mounts, checks the type of the view and what the program said, and unmounts by the program.
mounts_as() { # NAME TYPE WORDS OPTIONS
	if ! penstock mount -o "$4" /w/tmpfs/lower /w/view > /w/said 2>&1; then
		say_bad "command.$1" "$(head -c 300 /w/said)"
		return
	fi
	if ! type_is "$2"; then
		say_bad "command.$1" "$(grep /w/view /proc/mounts): $(head -c 300 /w/said)"
	elif [ -n "$3" ] && ! grep -q "$3" /w/said; then
		say_bad "command.$1" "it says \"$(head -c 300 /w/said)\""
	elif ! cmp -s /w/view/f /w/tmpfs/lower/f; then
		say_bad "command.$1" "the view does not show the file"
	else
		say_ok "command.$1"
	fi
	check "command.$1.umount" penstock umount /w/view
	mounted /w/view && umount /w/view
}

# Checks that the program mounts nothing, with this exit code and these words.
fails() { # NAME CODE WORDS CMD...
	name=$1 code=$2 words=$3
	shift 3
	"$@" > /w/said 2>&1
	status=$?
	if [ $status = "$code" ] && grep -q "$words" /w/said && ! mounted /w/view; then
		say_ok "command.$name"
	else
		say_bad "command.$name" "exit code $status: $(head -c 300 /w/said)"
		mounted /w/view && umount /w/view
	fi
}

choices() {
	mounts_as kernel penstock "no process stays behind" engine=kernel,log=info
	mounts_as auto penstock "kernel engine" engine=auto,log=info
	mounts_as default fuse.penstock "" log=warning
	mounts_as auto-refused-option fuse.penstock "FUSE engine mounts.*xattr=off" \
		engine=auto,xattr=off,log=info
	mounts_as without-effect penstock "option cache has no effect.*option pool has no effect" \
		engine=kernel,cache=exclusive,pool=3
	fails refused-option 32 "option idmap needs the FUSE engine" \
		penstock mount -o engine=kernel,idmap /w/tmpfs/lower /w/view
	fails no-lower 32 absent penstock mount -o engine=kernel /w/absent /w/view
	fails user 1 CAP_SYS_ADMIN \
		/bin/setpriv --reuid 77 --clear-groups penstock mount -o engine=kernel \
		/w/tmpfs/lower /w/view
	fails version 255 "" mount -i -t penstock -o version=0.0,lower=/w/tmpfs/lower none /w/view
	dmesg | grep -q "has version 0.0 of the interface" ||
		say_bad command.version "the module does not compare versions"
	mkdir -p /w/tmpfs/lower/sub
	mount -t tmpfs t /w/tmpfs/lower/sub
	mounts_as auto-submount fuse.penstock "mounted below lower" engine=auto,log=info
	mounts_as xdev-hide penstock "" engine=kernel,xdev=hide
	umount /w/tmpfs/lower/sub
}

flags() {
	ln -s penstock /bin/mount.penstock
	check command.helper mount.penstock /w/tmpfs/lower /w/view \
		-o rw,engine=kernel,nosuid,noatime,fsname=name,locks=lower,xdev=hide
	options="rw,nosuid,noatime,lower=/w/tmpfs/lower,locks=lower,xdev=hide"
	check command.options grep -q "^name /w/view penstock $options " /proc/mounts
	check command.remount penstock mount -o remount,ro /w/view
	check command.remount-refuses sh -c '! touch /w/view/new 2> /dev/null'
	check command.remount-helper mount.penstock name /w/view -o "remount,$options"
	check command.remount-allows touch /w/view/new
	exec 3< /w/view/f
	if penstock umount /w/view > /w/said 2>&1 || ! grep -q "is in use" /w/said; then
		say_bad command.busy "$(head -c 300 /w/said)"
	else
		say_ok command.busy
	fi
	check command.lazy penstock umount -l /w/view
	exec 3<&-
	rm /bin/mount.penstock
}

# The kernel asks for the module by the name of the file system.
loading() {
	check command.rmmod rmmod penstock
	mounts_as auto-not-loaded fuse.penstock "module penstock is not loaded" \
		engine=auto,log=info
	fails not-installed 32 "could not load it" \
		penstock mount -o engine=kernel /w/tmpfs/lower /w/view
	printf '%s\n' '#!/bin/sh' 'case "$*" in *fs-penstock) exec /bin/insmod /penstock.ko; esac' \
		> /w/modprobe
	chmod 755 /w/modprobe
	echo /w/modprobe > /proc/sys/kernel/modprobe
	mounts_as loads penstock "" engine=kernel
}

command_phase() {
	export PENSTOCK_FILTER_PATH=/filters
	echo text > /w/tmpfs/lower/f
	choices
	flags
	loading
	fresh tmpfs
	log_is_silent command "penstock: the program that mounts"
}
