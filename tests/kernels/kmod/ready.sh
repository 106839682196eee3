# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=sh
#
# ready.sh VIEW [USER]: does a list of things as USER, or as root, as user 1000, who owns the tree,
# and as user 1001, and prints the results and errors. guest.sh runs it for each ready-made filter,
# and compares the output for the kernel module with that for the daemon, and the trees below.
cd "$1" || exit 2

tree() { find . -exec stat -c '%n %F %a %u %g %s %h' {} + 2>&1 | sort; }

if [ $# = 1 ]; then
	for who in 0 1000 1001; do
		echo "# as $who"
		/bin/setpriv --reuid $who --regid $who --clear-groups sh "$0" "$1" $who 2>&1
		tree
	done
	exit
fi

say() { # CMD...
	echo "$ $*"
	"$@" 2>&1 < /dev/null
	echo "= $?"
}

# Shows the times of a file whose time touch(1) has set: the last number is 1 if both are equal.
attr() {
	stat -c '%n:%f:%u:%g:%s:%h:%t:%T %Y %Z' "$@" 2>&1 |
		awk '$2 !~ /^[0-9]+$/ { print; next }
			{ print $1, $2 < 1e9 ? $2 " " ($2 == $3) : "now" }'
}

change() { # FILE
	say chmod 4777 "$1"
	attr "$1"
	say chmod 644 "$1"
	say chown -h 1001:1001 "$1"
	attr "$1"
	say chown -h 1000:1000 "$1"
	say touch -d '1990-02-03 04:05:06' "$1"
	attr "$1"
	say data ways "$1"
	say data pair "$1" other
	say cp "$1" copy
	say cat copy
	say sh -c "echo more >> $1; echo new > $1"
	say truncate -s 3 "$1"
	attr "$1"
	say rm -f copy other
}

make() { # DIR
	say sh -c "umask 027; echo text > $1/new; mkdir $1/newdir; mknod $1/pipe p"
	say data limit "$1/newdir"
	say sh -c "umask 027; echo text > $1/newdir/limited"
	attr "$1/newdir/limited"
	say rm -f "$1/newdir/limited"
	say ln -s here "$1/link"
	attr "$1/new" "$1/newdir" "$1/pipe" "$1/link"
	say data new "$1" n
	say data new "$1" n.key
	say rm -f "$1"/*n "$1"/*n.key "$1/new" "$1/pipe" "$1/link"
	say rmdir "$1/newdir"
}

tree
[ "$2" = 0 ] || for f in plain shut/f; do change $f; done
change x.key
make dir
say ls -a . dir shut dir.key
say cat dir.key/f link several2
say mv plain dir/plain
say mv dir/plain plain
say mv dir dir2
say mv dir2 dir
say sh -c 'rm -r gone-*'
