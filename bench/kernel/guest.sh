# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=sh
#
# Runs in the virtual machine, as root under busybox. Measures each target on an ext4 of its own and
# prints "figure TARGET NAME NANOSECONDS" for each figure and round; "missing TARGET: REASON" for a
# target that cannot be mounted. The last word is RESULT-OK.

. /settings
export PENSTOCK_FILTER_PATH=/filters
uuid=01234567-89ab-cdef-0123-456789abcdef
hide='hide,names=*.key:*.pem:.env:secret*'

# Nothing is written out during a figure, by the kernel or by the journal.
echo 0 > /proc/sys/vm/dirty_writeback_centisecs
echo 90 > /proc/sys/vm/dirty_ratio
echo 80 > /proc/sys/vm/dirty_background_ratio

mount_target() { # TARGET; uses $lower
	case $1 in
	lower) mount --bind "$lower" "$lower" ;;
	bind) mount --bind "$lower" /w/view ;;
	overlayfs)
		mkdir -p /w/empty /w/disk/work
		mount -t overlay -o "lowerdir=/w/empty,upperdir=$lower,workdir=/w/disk/work" o \
			/w/view ;;
	kernel) mount -i -t penstock -o "lower=$lower" none /w/view ;;
	kernel-one) mount-view "$lower" /w/view 'hide,names=*.key' ;;
	kernel-hide) mount-view "$lower" /w/view "$hide" ;;
	kernel-four)
		mount-view "$lower" /w/view "$hide" 'readonly,names=*.lock' owner,uid=0 audit ;;
	kernel-caller) mount-view "$lower" /w/view 'hide-for,names=*.key:*.pem,uid=1000-1999' ;;
	fuse) penstock mount -o cache=exclusive "$lower" /w/view ;;
	fuse-hide) penstock mount --filter "$hide" -o cache=exclusive "$lower" /w/view ;;
	esac
}

unmount_target() { # TARGET
	if [ "$1" = lower ]; then umount "$lower"; else umount /w/view; fi
}

# Runs a measurement, whose lines begin with the name of a figure.
print_figures() { # TARGET LOOPS...
	target=$1
	shift
	if ! "$@" > /w/out 2> /w/said; then
		echo "not ok $target: $* says $(head -c 300 /w/said)"
		return 1
	fi
	sed "s/^/figure $target /" /w/out
}

jobs() { # TARGET
	cd $at || return
	print_figures "$1" loops time unpack tar xf /tree.tar
	print_figures "$1" loops time tar sh -c "tar cf - tree | cat > /dev/null"
	print_figures "$1" loops time grep sh -c "! LC_ALL=C /bin/grep -r nowhere tree"
	print_figures "$1" loops time find find tree -name nowhere -newer /tree.tar
	print_figures "$1" loops time delete rm -r tree
	cd /w || return
}

measure() { # TARGET
	rm -f /w/image
	truncate -s 400M /w/image
	# The same order of names in all directories.
	mkfs.ext4 -q -F -U "$uuid" -E "hash_seed=$uuid" /w/image > /dev/null
	mount -t ext4 -o loop,noinit_itable,commit=9999 /w/image /w/disk || return
	lower=/w/disk/lower
	mkdir $lower
	at=/w/view
	[ "$1" = lower ] && at=$lower
	if mount_target "$1" > /w/said 2>&1; then
		print_figures "$1" loops all $at
		loops prepare $at
		for _ in 1 2 3 4; do
			unmount_target "$1"
			loops first $lower > /dev/null # so that the lower names are in memory
			mount_target "$1"
			print_figures "$1" loops first $at
		done
		jobs "$1"
		unmount_target "$1"
	else
		echo "missing $1: $(head -n 1 /w/said)"
	fi
	while ! umount -d /w/disk; do sleep 1; done
}

mkdir -p /w/view /w/disk
insmod /penstock.ko
sleep 3 # the kernel measures its clocks
echo # the firmware has left its line open
echo "kernel $(uname -r)"
for target in $TARGETS; do measure "$target"; done
echo RESULT-OK
