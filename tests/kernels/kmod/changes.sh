# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=sh
#
# changes.sh VIEW: changes the filters of a view, which is mounted with "hide,names=*.key", between
# operations, and prints the results and errors. guest.sh compares those of the kernel module with
# those of the daemon.
view=$1
cd "$view" || exit 2

say() { # CMD...
	echo "\$ $*" | sed "s|$view|VIEW|g"
	"$@" > /w/said-changes 2>&1
	code=$?
	sed "s|$view|VIEW|g" /w/said-changes
	echo "= $code"
}
change() { say penstock filter "$@"; }
tree() { find . -path ./many -prune -o -path ./long -prune -o -print | sort; }
look() {
	say tree
	say stat -c %n:%F:%h x.key .env plain a/n.key a/b/in a/b/in/f absent absent.key
	say sh -c 'ls -a many | wc -l'
	for name in x.key .env plain a/b/in/f; do
		say cat $name
		say sh -c "echo new >> $name"
	done
	say mkdir absent.key absent.env
	say rmdir absent.key absent.env
	say mv plain plain.key
	say mv plain.key plain
}

look
change add "$view" hide,name=two,paths=/plain:/a/b/in
look
(cd a/b/out && change add "$view" readonly,paths=/a/b/out && say sh -c 'echo new > f; cat ../f f')
say sh -c 'echo new > a/b/out/f'
say rm a/b/out/f
say mv a/b/out a/b/out2
change list "$view"
change remove "$view" hide
look
change replace "$view" two hide,name=three,names=.env
look
# None of these changes anything.
change add "$view" hide,name=readonly,names=x
change remove "$view" two
change replace "$view" two hide,names=x
change replace "$view" three hide,name=readonly,names=x
change add "$view" hide,nmaes=x
change add "$view" absent
look
change replace "$view" three hide,name=three,names=*.key
look
change remove "$view" readonly
say sh -c 'echo newer > a/b/out/f; cat a/b/out/f'
change remove "$view" three
change list "$view"
look
change remove "$view" three
change add "$view" hide,names=f:*.key
look
say mv a/b/out a/b/out2
say ls a/b/out2
