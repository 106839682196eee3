# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# The lower tree is hostile: names, links and directories change places while clients work in the
# view. Nothing outside LOWER may be read or changed through the view.
#
# The links point to $T/outside. The processes that use the view live in a mount namespace where
# that directory is empty: if they follow such a link themselves they find nothing, and only a
# daemon that follows it could return the files of $T/outside.

LIMIT[swapped_names_lead_nowhere_outside]=90

outside_tree() { # [TYPE]
	lower "$@"
	mkdir -p "$T/outside/in" "$LOWER/dir/in" "$LOWER/d2"
	echo SECRET > "$T/outside/file"
	echo SECRET > "$T/outside/in/file"
	mkdir "$T/outside/only-outside"
	echo plain > "$LOWER/dir/file"
	echo plain > "$LOWER/dir/in/file"
	ln -s "$T/outside" "$LOWER/link"
	ln -s "../../outside" "$LOWER/relative"
	ln -s "$T/outside/file" "$LOWER/d2/link"
	echo plain > "$LOWER/d2/file"
	fingerprint > "$T/before"
}

fingerprint() {
	find "$T/outside" -printf '%p %m %U %G %s %T@ %n\n' | sort
	getfattr -R -d -m - "$T/outside" 2> /dev/null
}

in_the_dark() { # CMD...: where nothing lies outside
	unshare -m --propagation private \
		bash -c 'mount -t tmpfs none "$0/outside" && "$@"' "$T" "$@"
}

work() { # SECONDS
	local end=$((SECONDS + $1)) d n=0
	while [ $SECONDS -lt $end ]; do
		for d in dir link relative; do
			cat "$VIEW/$d/file" "$VIEW/$d/in/file" "$VIEW/d2/file"
			ls "$VIEW/$d"
			ls "$VIEW/$d/only-outside" && echo SECRET
			echo changed >> "$VIEW/$d/file"
			: > "$VIEW/$d/new$n"
			mkdir "$VIEW/$d/newdir$n"
			ln -s x "$VIEW/$d/newlink$n"
			ln "$VIEW/d2/file" "$VIEW/$d/linked$n"
			mv "$VIEW/d2/moved" "$VIEW/$d/moved"
			mv "$VIEW/$d/moved" "$VIEW/d2/moved"
			chmod 777 "$VIEW/$d/file" "$VIEW/d2/file"
			chown 5 "$VIEW/$d/file"
			truncate -s 100 "$VIEW/$d/in/file"
			setfattr -n user.x -v y "$VIEW/$d/file"
			rm -f "$VIEW/$d/new$n" "$VIEW/$d/newlink$n" "$VIEW/$d/linked$n"
			rmdir "$VIEW/$d/newdir$n"
		done
		n=$((n + 1))
	done
	return 0
}

swapped() { # OPTIONS [TYPE]
	outside_tree "${@:2}"
	view -o "$1"
	holder one swap "$LOWER" dir link
	holder two swap "$LOWER/d2" file link
	export -f work
	export VIEW
	in_the_dark bash -c 'work 6' > "$T/worked" 2> /dev/null
	release one
	release two
	check test -s "$T/worked"
	# $T/outside is empty for the clients, so SECRET can only have come through the daemon.
	grep -q SECRET "$T/worked" && fail "what lies outside was read through the view"
	fingerprint > "$T/after"
	diff "$T/before" "$T/after" || fail "what lies outside was changed through the view"
}

each_swapped_names_lead_nowhere_outside() { swapped cache=none; }
each_swapped_names_lead_nowhere_outside_with_ttl() { swapped cache=ttl=1; }

# On overlayfs the daemon holds a descriptor for each node or finds the node by its name.
once_swapped_names_lead_nowhere_outside_on_overlay() { swapped cache=none overlay; }

# ".." of the view's root leads to the mount point's parent, and the daemon does not follow a
# directory that was moved out of LOWER.
each_dot_dot_does_not_leave_lower() {
	outside_tree
	view -o cache=none
	equal "$(cat "$VIEW/../outside/file" 2> /dev/null)" SECRET "the client's own way up"
	mkdir "$VIEW/deep"
	cd "$VIEW/deep" || fail cd
	mv "$LOWER/deep" "$FS/deep"
	: > "$FS/above"
	# From a directory that has left LOWER no file outside LOWER can be reached.
	if [ -e ../above ]; then real && fail "the way up leads out of LOWER"; fi
	cd "$T" || fail cd
}

# A fifo takes the place of a file: the open must not hang, and must not act on the daemon.
each_fifo_in_place_of_a_file_does_not_hang() {
	lower ext4
	echo text > "$LOWER/f"
	mkfifo "$LOWER/p"
	mknod "$LOWER/n" c 1 3
	view -o cache=none
	holder one swap "$LOWER" f p
	local end=$((SECONDS + 4))
	while [ $SECONDS -lt $end ]; do
		timeout 2 dd if="$VIEW/f" of=/dev/null iflag=nonblock bs=10 count=1 \
			status=none 2> /dev/null
		timeout 2 stat "$VIEW/f" > /dev/null 2>&1
		timeout 2 act try truncate "$VIEW/f" 3 > /dev/null 2>&1
	done
	release one
	equal "$(timeout 5 cat "$VIEW/n"; echo $?)" 0 "the view still answers"
}

# Listings while names are created, removed and change their type.
each_listing_while_names_change_keeps_the_others() {
	lower ext4
	"$TOOLS/act" many "$LOWER" 300
	view -o cache=none
	holder one swap "$LOWER/directory-000000" file-number-00000001 file-number-00000002
	act shuffle "$LOWER" 5 2 3000 &
	local shuffle=$! i
	for i in $(seq 30); do
		find "$VIEW" -ls > /dev/null 2>&1
		equal "$(find "$VIEW/directory-000000" -type f | wc -l)" 300 "files that stay"
	done
	wait $shuffle
	release one
	same
}
