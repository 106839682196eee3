# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=sh
#
# by-caller.sh VIEW: runs the same commands as root, as user 55, who owns the tree, and as user 77,
# in a view that hides *.key and the path /a/b/in from user 77. Prints the results and errors,
# without the path of the view. guest.sh compares the output for the module with that for the
# daemon.
cd "$1" || exit 2

# Reads commands from stdin.
as() { # UID
	echo "user $1"
	# shellcheck disable=SC2016
	/bin/setpriv --reuid "$1" --regid "$1" --clear-groups sh -c '
		while read -r line; do
			echo "\$ $line"
			eval "$line" < /dev/null 2>&1
			echo "= $?"
		done'
}
# Several users do the same, because each of them may be the first to look a name up.
each() { # UID... -- CMD
	list=$*
	for uid in ${list%% -- *}; do echo "${list#* -- }" | as "$uid"; done
}

each 77 0 77 -- 'find . -maxdepth 1 | sort'
each 0 77 55 77 -- 'stat -c %n:%F:%h x.key plain a/b/in a/b/in/f a/b/out absent absent.key'
each 77 0 77 -- cat a/n.key
each 0 77 -- 'ls a a/b a/b/in many | md5sum'
each 77 -- 'find . | sort'
# In directories that all may write to, so that only the filter refuses.
chmod 777 . a a/b
for name in x.key a/n.key fresh.key; do
	for round in 1 2; do
		sed "s|N|$name|g" <<- 'E' | as 77
			echo new > N
			echo new >> N
			mkdir N
			mknod N p
			ln -s plain N
			ln plain N
			ln N linked
			mv plain N
			mv N moved
			touch N
			touch -c N
			chmod 600 N
			cat N
			rmdir N
			readlink N
			rm N
			rm -f N
			truncate -s 5 N
			ls -d N
		E
		# Now with the name in the dcache, if it exists.
		each 0 -- "echo $round; stat -c %n:%F $name"
	done
done
as 77 <<- E
	mv a/b a/b2
	mkdir a/b/in/x
	rmdir a/b
	rm -f -r a/b/out
E
each 0 -- mkdir a/b/in/x
# In a directory that user 77 may not write to.
chmod 755 .
for round in 1 2; do
	as 77 <<- E
		echo $round > x.key
		mkdir x.key
		mv a/n x.key
		rm x.key
		echo > absent.key
		mkdir absent.key
	E
	each 0 -- stat -c %n:%F x.key absent.key
done
# As others create, rename and remove names.
chmod 777 .
touch made
each 77 -- ls made
mv made made.key
each 77 55 -- ls made made.key
each 77 -- touch made
mv made.key made
each 77 -- ls made made.key
ln made linked.key
each 77 55 -- ls made linked.key
each 77 -- 'rm -f made; ls made linked.key'
rm linked.key
each 0 77 -- ls linked.key
each 77 -- 'cd a/b/in'
each 0 77 -- 'find a | sort'
