# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=sh
#
# listings.sh VIEW: lists directories in a view whose filters have programs for READDIR, and prints
# the results and errors. guest.sh compares those of the kernel module with those of the daemon.
cd "$1" || exit 2

say() { # CMD...
	echo "\$ $*"
	"$@" 2>&1
	echo "= $?"
}

for dir in . no-list made small none third late empty-late many onlyhidden; do
	say ls -a $dir
	say sh -c "find $dir | sort"
	# Commands that remove what they list.
	say sh -c "rm -r $dir/n* $dir/a"
	say touch $dir/new
	say rm -r $dir/new
done
say sh -c 'ls -a long | md5sum'
say sh -c 'ls -a long | wc -l'
say rm -r many third none small late
say ls
