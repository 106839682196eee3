# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=sh disable=SC2154
#
# Rights that nobody may get by a view: guest.sh reads this file.

# No program runs as the owner that comes after its set-ID bits.
set_id() { # FS NAME [UID...]
	name=$1.setid-$2 lower=/w/$1/lower
	shift 2
	cp /bin/setid "$lower/setid"
	chown 1000:1000 /w/view/setid
	chmod 6755 /w/view/setid
	chown 1000:1000 /w/view/setid
	chmod 6755 /w/view/setid
	/bin/setpriv --reuid 77 --regid 77 --clear-groups /w/view/setid
	check "$name-first-run" [ $? = 2 ]
	if setid "$lower" /w/view $((SECS / 3 + 1)) "$@" > /w/out 2>&1; then
		say_ok "$name"
	else
		say_bad "$name" "$(grep -v ' 0 as others' /w/out | tr '\n' ';')"
	fi
	sed 's/^/# /' /w/out
}

# Landlock decides by the paths in the view, as for another file system.
landlock() { # FS NAME
	sandbox "/w/$1/lower" /w/view > /w/out 2>&1
	status=$?
	sed -n "s/^\(ok\|not ok\|skip\) /\1 $1.$2-/p" /w/out
	[ $status = 0 ] || say_bad "$1.$2" "ended with $status: $(tail -n 1 /w/out)"
	check "$1.$2.umount" umount /w/view
	fresh "$1"
}

# The blocks that are reserved for root stay so, also where the module acts below with the
# credentials of the task that mounted the view, because a filter shows another owner.
reserved_blocks() {
	mkdir -p /w/blocks /w/reserved
	mount -t tmpfs -o size=20m t /w/blocks
	truncate -s 16M /w/blocks/image
	losetup /dev/loop1 /w/blocks/image
	mke2fs -m 25 /dev/loop1 > /dev/null
	mount -t ext4 /dev/loop1 /w/reserved
	mkdir /w/reserved/lower
	as=/bin/setpriv\ --reuid\ 1000\ --clear-groups
	if filtered /w/reserved/lower owner,uid=1000; then
		check reserved.other-owner $as mkdir /w/view/before
		$as dd if=/dev/zero of=/w/view/fill bs=4k > /w/out 2>&1
		check reserved.full grep -q "No space" /w/out
		# Writing the data back can give some blocks back.
		sync
		n=0
		while [ $n -lt 300 ] && $as mkdir /w/view/u$n 2> /w/out; do n=$((n + 1)); done
		check reserved.user grep -q "No space" /w/out
		check reserved.root mkdir /w/reserved/lower/d2
		check reserved.root-in-view mkdir /w/view/d3
		capable="$as --inh-caps +sys_resource --ambient-caps +sys_resource"
		check reserved.capable-in-view $capable mkdir /w/view/d5
		check reserved.umount umount /w/view
	fi
	umount /w/reserved
	losetup -d /dev/loop1
	sleep 1
	check reserved.umount-lower umount /w/blocks
	log_is_silent reserved 'loop1|timestamps'
}

# Two tasks work on one file: no task gets what another one is shown, nor a name that goes.
race() { # FS WHICH SPEC
	mkdir -p "/w/$1/lower/dir"
	echo text > "/w/$1/lower/dir/f"
	chmod 1777 "/w/$1/lower/dir"
	chmod 640 "/w/$1/lower/dir/f"
	if filtered "/w/$1/lower" ${3:+"$3"}; then
		check "$1.races-$2" /bin/races "$2" /w/view/dir $((SECS / 4 + 1))
		check "$1.races-$2.umount" umount /w/view
	fi
	fresh "$1"
}

# A filter that holds for no file in question, and another view whose filter has the same number.
two_views() { # FS
	mkdir -p /w/view2 "/w/$1/lower/dir"
	echo text > "/w/$1/lower/plain"
	if filtered "/w/$1/lower" fault,ops=copy,error=EACCES,at=/dir; then
		check "$1.two-views" mount-view "/w/$1/twin" /w/view2 hide,names=x
		check "$1.copy-to-other-view" /bin/races copy /w/view/plain /w/view2/copy
		check "$1.copied" cmp -n 4 "/w/$1/lower/plain" "/w/$1/twin/copy"
		umount /w/view2
	fi
	check "$1.two-views.umount" umount /w/view
	fresh "$1"
}

# Without the debugging kernel nobody would notice that a path walk reads freed memory.
ends_while_walked() { # FS
	mkdir -p "/w/$1/lower/d/d/d/d/d/d/d/d"
	n=0
	while [ $n -lt 8 ] && filtered "/w/$1/lower" callers; do
		n=$((n + 1))
		check "$1.races-end-$n" /bin/races end /w/view
	done
	fresh "$1"
}

two_tasks() { # FS
	export PENSTOCK_FILTER_PATH=/filters
	[ "$1" = ext4 ] || return
	race "$1" sticky callers,turned
	race "$1" names owner,uid=1000
	race "$1" handles
	race "$1" umask perms,create=a+rw
	is_debug && ends_while_walked "$1"
	two_views "$1"
	log_is_silent "$1.races"
}

# The owners that an idmapped mount of LOWER shows. The same commands there and in the view have
# the same results.
mapped() { # FS
	mkdir -p "/w/$1/shifted" /w/mapped
	chown 100000:100000 "/w/$1/shifted"
	idmap "/w/$1/shifted" /w/mapped || { say_bad "$1.idmap" "cannot be mounted"; return; }
	mkdir /w/mapped/lower /w/mapped/twin
	GROUPS_ONLY=${GROUPS_ONLY:-names kinds attr suid perm xattr acl} parity_groups mapped
	make_owners /w/mapped/lower
	make_owners /w/mapped/twin
	if view /w/mapped/lower; then
		sh /owner.sh /w/view > /w/of-module
		sh /owner.sh /w/mapped/twin > /w/of-daemon
		same_as_module mapped owners
		check mapped.owner-below [ "$(stat -c %u "/w/$1/shifted/lower/own")" = 100077 ]
		check mapped.owners-umount umount /w/view
	fi
	fresh mapped
	check mapped.umount-lower umount /w/mapped
	log_is_silent mapped
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
	view "/w/$1/lower" && landlock "$1" landlock
	served "/w/$1/lower" data,all && landlock "$1" landlock-served
	log_is_silent "$1.security"
	reserved_blocks
}
