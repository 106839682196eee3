# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=sh disable=SC2154
#
# Rights that nobody may get by a view: guest.sh reads this file.

# No program runs as the owner that comes after its set-ID bits.
set_id() { # FS NAME [UID...]
	name=$1.setid-$2 lower=/w/$1/lower
	shift 2
	cp /bin/setid "$lower/setid"
	if setid "$lower" /w/view $((SECS / 3 + 1)) "$@" > /w/out 2>&1; then
		say_ok "$name"
	else
		say_bad "$name" "$(grep -v ' 0 as others' /w/out | tr '\n' ';')"
	fi
	sed 's/^/# /' /w/out
}

security() { # FS
	export PENSTOCK_FILTER_PATH=/filters
	[ "$1" = ext4 ] || return
	view "/w/$1/lower" || return
	set_id "$1" plain
	check "$1.setid.umount" umount /w/view
	fresh "$1"
	# It shows to users 1000 and 1001 that they own all files.
	if filtered "/w/$1/lower" mirror,users=1000-1001; then
		set_id "$1" by-caller 1000 1001
		check "$1.setid-by-caller.umount" umount /w/view
	fi
	fresh "$1"
	log_is_silent "$1.security"
}
