# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=sh
#
# answers.sh VIEW: does a list of things with names that the filter send sends to a program, and
# with others, in a view of examples/ramfs, as root, as the owner of the tree and as another user.
# Prints the results and errors. program.sh compares those of the kernel module with those of the
# daemon, and the trees below.
cd "$1" || exit 2

say() { # CMD...
	echo "$ $*"
	$as "$@" 2>&1 < /dev/null
	echo "= $?"
}
tree() { find . -exec stat -c '%n %F %a %u %g %h' {} + | sort; }

say tree
for who in 0 1000 1001; do
	# Not the applet of busybox.
	as="/bin/setpriv --reuid $who --regid $who --clear-groups"
	[ $who = 0 ] && as=
	echo "# as $who"
	say cat plain a/b/deep
	say cat ram ram-lower a/ram-none
	say sh -c 'echo text > ram-f; cat ram-f a/ram-f; echo more >> ram-f; cat ram-f'
	say stat -c '%n %F %a %u %g %s %h' ram-f a/b/ram-f
	say chmod 640 ram-f
	say chown 1001 ram-f
	say truncate -s 3 ram-f
	say stat -c '%n %F %a %u %g %s %h' ram-f
	say mv ram-f ram-g
	say mv ram-g a/ram-f
	say cat ram-g ram-f a/b/ram-f
	say ln ram-f ram-h
	say ln -s plain ram-l
	say readlink ram-l
	say cat ram-l ram-h
	say mkfifo ram-p
	say sh -c 'set -C; echo no > ram-f'
	say ls -a . a ram-f
	say mkdir ram-dir
	say sh -c 'cd ram-dir && mkdir -p x/y/z && echo in > x/y/z/f && cat x/y/z/f && ls -R .'
	say ls -a ram-dir/x/y/z
	say mv ram-dir/x/y ram-dir/y
	say mv ram-dir/y/z/f ram-f2
	say mv plain ram-dir/plain
	say mv plain ram-x
	say ln plain ram-x
	say ln plain ram-dir/x
	say ln ram-f2 other
	say mv a ram-dir/a
	say mv ram-dir ram-dir2
	say rmdir ram-dir2
	say find ram-dir2
	say mkdir made-d
	say sh -c 'echo in > made-d/f; cat made-d/f; ls -a made-d'
	say sh -c 'echo made > made-f; cat made-f'
	say ln -s made-f made-l
	say cat made-l
	say mkfifo made-p
	say ln made-f made-h
	say ln plain made-h2
	say rm gone-1
	say rmdir gone-dir
	say mv moved-1 moved-2
	say cat gone-1 moved-1
	say rm -rf ram-dir2 ram-f ram-f2 ram-h ram-l ram-p
	say rm -rf made-d made-f made-l made-p made-h
	say ls -a . a
	say sh -c 'echo text > plain2; mv plain2 plain3; cat plain3; rm plain3'
	say mv a a2
	say sh -c 'echo deep > a2/b/ram-deep; cat a2/b/ram-deep ram-deep; rm ram-deep'
	say mv a2 a
	as=
	say tree
done
