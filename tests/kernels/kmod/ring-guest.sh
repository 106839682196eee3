#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# ring-guest.sh ROOT PATTERNS: the first process of a virtual machine that has the files of the host
# (ring.sh). Runs the mount tests with ENGINE=kernel. Prints their lines, the seconds that each file
# took, and RESULT-OK as the last word if nothing failed and the module can be removed afterwards.
export PATH=/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root ENGINE=kernel SLOW=10
here=$(dirname "$(realpath "$0")")
mount -t tmpfs t /run
mkdir -p /dev/shm /dev/pts
mount -t tmpfs -o mode=1777,size=75% t /dev/shm
mount -t devpts p /dev/pts
ln -sfn /proc/self/fd /dev/fd
# The modules of this kernel.
mkdir -p /usr/lib/modules
mount --bind "$1/usr/lib/modules" /usr/lib/modules
modprobe -a loop xfs btrfs
ip link set lo up
# A limit that a case sets, "timeout SECONDS CMD...", is as many times as long, too.
cat > /usr/local/sbin/timeout <<-'E'
	#!/bin/sh
	case $1 in
	-*) ;;
	*) seconds=$(($1 * SLOW)); shift; set -- $seconds "$@" ;;
	esac
	exec /usr/bin/timeout "$@"
E
chmod +x /usr/local/sbin/timeout
# Keeps the uses of drop_caches out of the kernel's log.
echo 4 > /proc/sys/vm/drop_caches

seconds() { read -r up _ < /proc/uptime; echo "${up%.*}"; }

# Says after the last line of each file how long it took.
timed() {
	local line words file='' start
	start=$(seconds)
	while IFS= read -r line; do
		[[ $line == '# '*' passed, '* ]] && continue
		echo "$line"
		words=${line#not }
		words=${words#* }
		case $line in
		"ok "* | "not ok "* | "skip "*)
			[ "${words%%.*}" = "$file" ] && continue
			[ -z "$file" ] || echo "# $file: $(($(seconds) - start)) s"
			file=${words%%.*} start=$(seconds) ;;
		esac
	done
	echo "# $file: $(($(seconds) - start)) s"
}

# The firmware has left half a line.
echo
set -f
# shellcheck disable=SC2086
"$here/../../mount/run" -j 2 $2 2>&1 | timed
status=${PIPESTATUS[0]}
rmmod penstock || { echo "not ok rmmod: the module is in use"; status=1; }
dmesg | grep -E 'penstock: |BUG|WARNING' | tail -n 40 | sed 's/^/# /'
[ "$status" = 0 ] && echo RESULT-OK
echo o > /proc/sysrq-trigger
sleep 60
