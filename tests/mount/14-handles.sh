# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# File handles of the view, as an NFS server uses them.

each_handle_opens_its_file() {
	alone
	lower ext4
	mkdir -p "$LOWER/d/e"
	echo content > "$LOWER/d/e/f"
	view -o cache=none
	local f
	for f in . d d/e d/e/f; do
		check act handle save "$VIEW/$f" "$T/handle"
		check act handle open "$VIEW" "$T/handle" > "$T/said"
		equal "$(cut -d' ' -f1 "$T/said")" "$(stat -c %i "$LOWER/$f")" "inode of $f"
	done
	check grep -q content "$T/said"
}

# The kernel and the daemon have both forgotten the node.
each_handle_opens_forgotten_file() {
	alone
	lower ext4
	mkdir -p "$LOWER/d/e"
	echo content > "$LOWER/d/e/f"
	view -o cache=none
	act handle save "$VIEW/d/e/f" "$T/file"
	act handle save "$VIEW/d/e" "$T/dir"
	drop_caches
	if has_daemon; then
		within 5 few_nodes || fail "$(info nodes) nodes after dropping the caches"
	fi
	check act handle open "$VIEW" "$T/file" > "$T/said"
	equal "$(cat "$T/said")" "$(stat -c %i "$LOWER/d/e/f") 100000 content"
	drop_caches
	check act handle open "$VIEW" "$T/dir" > "$T/said"
	equal "$(cut -d' ' -f1 "$T/said")" "$(stat -c %i "$LOWER/d/e")"
}

few_nodes() { [ "$(info nodes)" -le 2 ]; }

each_handle_opens_renamed_file() {
	alone
	lower ext4
	mkdir "$LOWER/d"
	echo content > "$LOWER/f"
	view -o cache=none
	act handle save "$VIEW/f" "$T/handle"
	mv "$VIEW/f" "$VIEW/d/g"
	drop_caches
	check act handle open "$VIEW" "$T/handle" > "$T/said"
	check grep -q content "$T/said"
	# The file is moved in the lower tree, so no request tells the daemon.
	mv "$LOWER/d/g" "$LOWER/h"
	drop_caches
	check act handle open "$VIEW" "$T/handle" > "$T/said"
	check grep -q content "$T/said"
}

each_handle_of_removed_file_is_stale() {
	alone
	lower ext4
	echo content > "$LOWER/f"
	view -o cache=none
	act handle save "$VIEW/f" "$T/handle"
	rm "$VIEW/f"
	drop_caches
	act handle open "$VIEW" "$T/handle" > "$T/said"
	equal "$(cat "$T/said")" ESTALE
	# A new file may have the inode number of the old one; the old handle must not open it.
	echo another > "$VIEW/f"
	drop_caches
	act handle open "$VIEW" "$T/handle" > "$T/said"
	equal "$(cat "$T/said")" ESTALE
}

each_invented_handle_is_refused() {
	lower ext4
	echo content > "$LOWER/f"
	view -o cache=none
	act handle save "$VIEW/f" "$T/handle"
	# Changes each byte of the handle in turn: the open succeeds or fails, and the daemon does
	# not crash.
	local i
	for i in 8 9 10 12 16 20 24; do
		cp "$T/handle" "$T/other"
		printf '\377' | dd of="$T/other" bs=1 seek=$i conv=notrunc status=none
		act handle open "$VIEW" "$T/other" > "$T/said" || check grep -q 'E[A-Z]*' "$T/said"
	done
	equal "$(cat "$VIEW/f")" content
}

# Opens many handles, so that the node table has held other nodes in between.
each_handle_opens_its_file_among_many() {
	alone
	lower ext4
	act many "$LOWER" 2000
	view -o cache=none
	local i file
	for i in 0 500 1999; do
		file=directory-00000$((i / 1000))/file-number-$(printf %08d $i)
		echo "content $i" > "$LOWER/$file"
		act handle save "$VIEW/$file" "$T/handle$i" || fail save
	done
	find "$VIEW" > /dev/null
	drop_caches
	find "$VIEW" -size +100 > /dev/null
	for i in 0 500 1999; do
		check act handle open "$VIEW" "$T/handle$i" > "$T/said"
		check grep -q "content $i\$" "$T/said"
	done
}

# Handles outlive the mount if the key comes from a file. They do not with another key or another
# LOWER.
each_handles_outlive_the_mount_with_a_key() {
	alone
	lower ext4
	mkdir -p "$LOWER/d/e"
	echo content > "$LOWER/d/e/f"
	view -o "cache=none,handles=$T/key"
	act handle save "$VIEW/d/e/f" "$T/file"
	act handle save "$VIEW/d/e" "$T/dir"
	real && equal "$(stat -c %a "$T/key")" 600 "mode of the key"
	mv "$VIEW/d/e" "$VIEW/moved"
	unview
	drop_caches
	view -o "cache=none,handles=$T/key"
	check act handle open "$VIEW" "$T/file" > "$T/said"
	equal "$(cat "$T/said")" "$(stat -c %i "$LOWER/moved/f") 100000 content"
	check act handle open "$VIEW" "$T/dir" > "$T/said"
	equal "$(cut -d' ' -f1 "$T/said")" "$(stat -c %i "$LOWER/moved")"
	unview
	real || return 0
	local options lower
	for options in '' "handles=$T/key2" "handles=$T/key"; do
		[ "$options" = "handles=$T/key" ] && lower=$LOWER/moved || lower=$LOWER
		view -o "cache=none${options:+,$options}" "$lower"
		act handle open "$VIEW" "$T/file" > "$T/said"
		equal "$(cat "$T/said")" ESTALE "with '$options' of $lower"
		unview
	done
}

each_handles_outlive_the_mount_on_other_file_systems() {
	local type
	for type in tmpfs xfs btrfs; do
		lower $type
		echo content > "$LOWER/f"
		view -o "cache=none,handles=$T/key"
		act handle save "$VIEW/f" "$T/handle"
		unview
		view -o "cache=none,handles=$T/key"
		check act handle open "$VIEW" "$T/handle" > "$T/said"
		equal "$(cat "$T/said")" "$(stat -c %i "$LOWER/f") 100000 content" "$type"
		unview
	done
}

# A key file that is malformed or that other users can read is refused, and so is a view whose
# handles cannot outlive the mount.
once_bad_keys_are_refused() {
	real || skip "it is about options of a view"
	lower tmpfs
	mkdir "$T/mnt"
	local key=0123456789abcdef0123456789ABCDEF
	no_view() { refused "$1" "$PENSTOCK" mount -o "$2" "${3:-$LOWER}" "$T/mnt"; }
	echo $key > "$T/open"
	chmod 640 "$T/open"
	no_view "chmod 600" "handles=$T/open"
	(umask 077; echo $key > "$T/others"; echo ${key%?} > "$T/short"; echo "${key}0" > "$T/long"
	 echo "${key%?}g" > "$T/odd"; : > "$T/empty"; mkdir "$T/directory"; ln -s open "$T/link")
	chown 1000 "$T/others"
	no_view "user 1000" "handles=$T/others"
	local f
	for f in short long odd empty; do no_view "32 hexadecimal digits" "handles=$T/$f"; done
	no_view "not a regular file" "handles=$T/directory"
	no_view "symbolic link" "handles=$T/link"
	no_view "cannot create the file for the key" "handles=$T/absent/key"
	no_view "a filter that decides by names" "handles=$T/key,filter=hide;names=x"
	lower overlay
	no_view "ext4, xfs, tmpfs or btrfs" "handles=$T/key"
}
