# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=sh
#
# at.sh VIEW: does a list of things in a view whose filter is attached to the directory a/b, and
# prints the results and errors. guest.sh compares those of the kernel module with those of the
# daemon.
cd "$1" || exit 2

say() { # CMD...
	echo "\$ $*"
	"$@" 2>&1
	echo "= $?"
}

for round in 1 2; do
	say sh -c 'find . | sort'
	say cat x.key a/n.key a/b/in/f a/b/out/f
	say touch a/b/new.key a/new.key
	say mkdir a/b/f a/b/dir
	say mv a/new.key a/b/
	say mv a/new.key a/b/other
	say mv a/b/other a/b/in/
	say mv a/b/in/other a/
	say ln a/n.key a/b/linked
	say ln a/b/linked a/linked
	# The directory of at=, and those above it, stay where they are.
	for dir in a/b a; do
		say mv $dir elsewhere
		say mv $dir many/
		say rmdir $dir
		say mv -T shut $dir
		say rm -r $dir
	done
	say mv a/b/in a/b/inside
	say mv a/b/inside a/b/in
	say mv a/b/in a/inside
	say mv shut a/b/shut
	say rm -f a/b/linked a/linked a/new.key
	echo 2 > /proc/sys/vm/drop_caches
done
