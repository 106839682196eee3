# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=sh
#
# names.sh VIEW: runs commands on names in a view, as root, as the owner of the tree and as another
# user. Prints the results and errors, without the path of the view. guest.sh compares the output
# for the kernel module with that for the daemon, and the lower trees.
cd "$1" || exit 2

say() { # CMD...
	echo "$ $*"
	$as "$@" 2>&1 < /dev/null
	echo "= $?"
}

# Runs every operation on one name, which may be a file, a directory or absent.
all() { # NAME
	say stat -c %n:%F:%h:%a "$1"
	say sh -c "set -C; echo new > $1"
	say sh -c "echo new > $1"
	say sh -c "echo more >> $1"
	say cat "$1"
	say mknod "$1" p
	say ln -s plain "$1"
	say readlink "$1"
	say mkdir "$1"
	say ln plain "$1"
	say ln "$1" linked
	say mv plain "$1"
	say mv "$1" plain
	say mv "$1" moved
	say mv moved "$1"
	say touch "$1/inside"
	say rmdir "$1"
	say rm -f "$1"
	say ls -d "$1"
	$as rm -rf linked moved < /dev/null
	$as sh -c "[ -e plain ] || echo text > plain" 2>&1
}

# Creates a file of each type, and prints its attributes.
make_all() { # NAME
	for one in "mknod $1-pipe p" "mknod $1-null c 1 3" "mkdir $1-dir" "ln -s from $1-link" \
		"touch $1-file" "ln plain $1-hard"; do
		# shellcheck disable=SC2086
		say $one
	done
	say sh -c "umask 022; mkdir $1-dir2; touch $1-file2"
	for one in pipe null dir link file hard dir2 file2; do
		say stat -c %n:%F:%a:%u:%g:%h:%t:%T "$1-$one"
	done
	say readlink "$1-link"
	say rm -f "$1-pipe" "$1-null" "$1-link" "$1-file" "$1-hard" "$1-file2"
	say rmdir "$1-dir" "$1-dir2"
	say ls -d "$1-pipe" "$1-null" "$1-dir" "$1-link" "$1-file" "$1-hard" "$1-dir2" "$1-file2"
}

for who in 0 1000 1001; do
	# Not the applet of busybox.
	as="/bin/setpriv --reuid $who --regid $who --clear-groups"
	[ $who = 0 ] && as=
	echo "# as $who"
	names="plain ro-old post- done-old"
	[ $who = 0 ] && names="$names large new ro- gone- gone-old pre- pre-old full-old
		refused-old unseen-old nomem- cell-old"
	for name in $names; do all $name; done
	names="set set-umask free"
	[ $who = 0 ] && names="$names new post pre ro gone unseen cell"
	for name in $names; do make_all $name; done
	say mv plain set-old
	say mv plain set-new
	say mv set-new plain
	say mv ro-old ro-new
	say mv cell-old/a cell-old/fixed-a
	say touch cell-old/fixed-b cell-old/free
	say rm cell-old/fixed-old cell-old/free
	say mv cell-old elsewhere
	say mv cell-old cell-new
	say mv cell-new cell-old
	say ln cell-old/f outside
	say mv cell-old/f outside
	say mv plain cell-old/
	say mv cell-old/plain plain
	say rmdir done-old full-old
	say rm -r full-old/a full-old
	say sh -c 'find . | sort'
	say ls -a
done
