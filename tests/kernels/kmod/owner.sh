# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=sh
#
# owner.sh VIEW: does a list of things as root, as user 1000, whom filters show as the owner, as
# user 1001 and as user 77, and prints the results and errors. guest.sh compares those of the kernel
# module with those of the daemon, and the trees below.
cd "$1" || exit 2

say() { # CMD...
	echo "$ $*"
	$as "$@" 2>&1 < /dev/null
	echo "= $?"
}
attr() { $as stat -c '%n:%F:%a:%u:%g:%h' "$@" 2>&1; }

# All that depends on the owner, the group and the mode of a file.
all() { # FILE
	attr "$1"
	say sh -c "test -r $1 && test -w $1 && test -x $1"
	say sh -c "head -n 1 $1 | tr -cd a-zA-Z"
	say sh -c "echo more >> $1"
	say truncate -s 3 "$1"
	say touch "$1"
	say touch -d '2001-02-03 04:05:06' "$1"
	for mode in 4751 2755 1640; do
		say chmod $mode "$1"
		attr "$1"
	done
	for owner in 1000 :1000 77:77; do
		say chown -h $owner "$1"
		attr "$1"
	done
	say sh -c "./$1 euid"
	say ln "$1" linked
	say mv "$1" moved
	say mv moved "$1"
	say rm -f linked
	attr "$1"
}

# All that depends on the owner and mode of a directory, and on the owner of what is in it.
inside() { # DIR
	say ls "$1"
	say cd "$1"
	say sh -c "umask 022; echo text > $1/new"
	say mkdir "$1/newdir"
	say mknod "$1/pipe" p
	say ln -s here "$1/link"
	say ln plain "$1/hard"
	attr "$1"/*
	for file in root 77 1000; do
		say mv "$1/$file" "$1/moved"
		say mv "$1/moved" "$1/$file"
	done
	say rm -f "$1/new" "$1/pipe" "$1/link" "$1/hard"
	say rmdir "$1/newdir"
	say rm -rf "$1/tree"
	attr "$1" "$1"/*
}

for who in 1001 1000 77 0; do
	as="/bin/setpriv --reuid $who --regid $who --clear-groups"
	[ $who = 0 ] && as=
	echo "# as $who"
	[ $who = 1000 ] && echo 2 > /proc/sys/vm/drop_caches
	for dir in open closed sticky inherits; do inside $dir; done
	[ $who = 77 ] && continue
	for file in plain own program dir; do all $file; done
	say chown -h 1000 link
	attr link
	as='' && chmod 755 dir && chmod 644 plain own
done
as='/bin/setpriv --reuid 1000 --regid 77 --groups 5'
all program
inside inherits
for who in 1000 1001; do
	as="/bin/setpriv --reuid $who --regid $who --clear-groups"
	say sh -c "calls | grep -v free"
done
as=''
say sh -c "calls | grep -v free"
say find . -exec stat -c '%n:%F:%a:%u:%g' {} +
