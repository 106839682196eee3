# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=sh
#
# inodes.sh VIEW: runs commands on files in a view with the filter inodes, as root and as another
# user. Prints the results and errors. guest.sh compares the output for the kernel module with that
# for the daemon.
cd "$1" || exit 2

say() { # CMD...
	echo "\$ $*"
	"$@" 2>&1
	echo "= $?"
}
# The same as a user who owns the file "own" only.
user() {
	echo "(user)"
	say /bin/setpriv --reuid 77 --regid 77 --clear-groups "$@"
}
# The time is shown where a filter or the command has set it.
attr() { stat -c '%n %a %u:%g %s %Y' "$@" | sed 's/1[1-9][0-9]*$/now/'; }

for as in say user; do
	for file in plain own dir link; do
		for mode in 644 777 4755 2775 770 660 600 640 606 707; do
			$as chmod $mode $file
			attr $file
		done
		for owner in 5:5 :4321 6:4321 7:4322 :77; do
			$as chown -h $owner $file
			attr $file
		done
		chown 77:77 own
		for size in 0 7 100 1234; do
			$as truncate -s $size $file
			attr $file
		done
		$as sh -c "echo text > $file"
		attr $file
		$as touch $file
		attr $file
		$as touch -d '2001-02-03 04:05:06' $file
		attr $file
		chmod 755 plain own dir
	done
done
say calls
user calls
say find dir plain own link
say cat link
say sh -c './own; echo $?'
