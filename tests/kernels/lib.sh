# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=sh
#
# Functions that the scripts in the virtual machine share.

failed=0
say_ok() { echo "ok $1"; }
say_bad() { echo "not ok $1: $2"; failed=1; }
check() { # NAME CMD...
	name=$1
	shift
	if "$@" > /w/said 2>&1; then
		say_ok "$name"
	else
		say_bad "$name" "$* says $(head -c 300 /w/said | tr '\n' ' ')"
	fi
}

version=$(uname -r | cut -d. -f1,2)
major=${version%.*} minor=${version#*.}
at_least() { [ "$major" -gt "$1" ] || { [ "$major" = "$1" ] && [ "$minor" -ge "$2" ]; }; }
at_least 6 9 && passthrough=true || passthrough=false
# FUSE has had STATX since 6.6.
at_least 6 6 && no_btime= || no_btime=--no-btime

mounted() { grep -q " $1 " /proc/mounts; }

wait_for() { # CMD...
	n=0
	until "$@"; do
		n=$((n + 1))
		[ $n -gt 200 ] && return 1
		usleep 50000
	done
}

view() { # LOWER OPTIONS
	mkdir -p /w/view
	penstock mount -f -o "$2" "$1" /w/view > /w/log 2>&1 &
	pid=$!
	if ! wait_for mounted /w/view; then
		say_bad "mount.$2" "$(cat /w/log)"
		return 1
	fi
}

unview() { # NAME
	wait_for umount /w/view
	wait $pid
	status=$?
	[ $status = 0 ] || say_bad "$1" "the daemon ended with $status: $(tail -n 3 /w/log)"
	if grep -Eq 'Sanitizer|runtime error|error:' /w/log; then
		say_bad "$1.log" "$(grep -E 'Sanitizer|runtime error|error:' /w/log | head -n 1)"
	fi
	if ls /run/penstock 2> /dev/null | grep -q .; then say_bad "$1" "a socket is left"; fi
}
