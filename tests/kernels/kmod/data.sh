# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=sh
#
# data.sh VIEW: does a list of things with files whose data a filter sees, and with others, in a
# view, as root, as the owner of the tree and as another user. Prints the results and errors, which
# have no name of the view. guest.sh compares those of the kernel module with those of the daemon,
# and the trees below.
cd "$1" || exit 2

say() { # CMD...
	echo "$ $*"
	$as "$@" 2>&1 < /dev/null
	echo "= $?"
}
tree() { find . -exec stat -c '%n %F %a %u %g %s %h' {} + | sort; }

say tree
for who in 0 1000 1001; do
	# Not the applet of busybox.
	as="/bin/setpriv --reuid $who --regid $who --clear-groups"
	[ $who = 0 ] && as=
	echo "# as $who"
	for f in plain x.key a/n.key shut/f shut/deep/f several also.key dir.key/f link.key absent \
		absent.key; do
		say data ways $f
	done
	say ls -a . a shut
	say data new . new
	say data new . new.key
	say data new a m.key
	say data new shut g
	say rm -f new made-new linked-new new.key made-new.key linked-new.key
	say rm -f a/m.key a/linked-m.key shut/g shut/linked-g
	for pair in "plain other" "plain other.key" "x.key other" "x.key other.key" \
		"a/n.key o.key" "shut/f out" "plain shut/in" "shut/f shut/g" \
		"dir.key dir.kay" "several other" "also other"; do
		# shellcheck disable=SC2086
		say data pair $pair
	done
	say sh -c 'echo more >> x.key; echo more >> plain; echo text > y.key'
	say sh -c 'echo again >> y.key; cat y.key plain; rm -f y.key'
	say mkdir d.key
	say sh -c 'echo text > d.key/f; cat d.key/f; rm d.key/f'
	say rmdir d.key
	say mkfifo p.key
	say rm p.key
	say ln -s plain l.key
	say cat l.key
	say rm l.key
	say mv a a2
	say cat a2/n.key
	say mv a2 a
	say mv shut shut2
	say find . -name '*.key' -type f -exec cat {} +
	as=
	say tree
done
for f in plain x.key several also.key; do say data cut $f; done
say rm -f x.key
