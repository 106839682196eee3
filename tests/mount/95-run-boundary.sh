# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# The view of penstock run is a boundary: no way leads from the command to the tree below the view
# or to the process that serves it. Each case tries one way (tools/attack.py) in the view, where it
# must reach nothing, and then in a mount namespace with the same view, where it must reach
# something.

# Makes the tree, and sets the words that name a file below the view: path, device and inode.
boundary() { # [TYPE]
	real || skip "about the program"
	lower "${1:-ext4}"
	mkdir "$LOWER/sub"
	echo SECRET=hunter2 > "$LOWER/.env"
	chown -R 1000:1000 "$LOWER"
	FILE_BELOW=("$LOWER/.env" $(stat -c '%d %i' "$LOWER/.env"))
	cp "$TESTS/tools/attack.py" "$T/attack.py"
	chmod 755 "$T" "$T/attack.py"
	user_device
	cd "$LOWER" || fail "no tree"
}

# Tries a way in a view of penstock run, as WHO, "root" or "user"; fails if the way reaches
# something.
withstands_as() { # WHO WAY [ARG...]
	local out=$T/$2.$1.out
	as_who "$1" "$PENSTOCK" run "$LOWER" -- python3 "$T/attack.py" "$2" "${FILE_BELOW[@]}" \
		"${@:3}" > "$out" 2>&1
	echo "$2 as $1: $(tail -n 3 "$out")"
	grep -q '^tried [1-9]' "$out" || fail "$2 did not try as $1: $(tail -n 5 "$out")"
	grep -qE '^(reached|did)' "$out" &&
		fail "$2 gets around the view as $1: $(grep -E '^(reached|did)' "$out" | head -n 3)"
	return 0
}

withstands() { # WAY [ARG...]
	withstands_as root "$@"
	withstands_as user "$@"
}

as_who() { # WHO COMMAND...
	if [ "$1" = root ]; then "${@:2}"; else as 1000 "${@:2}"; fi
}

# Tries a way in a mount namespace; fails if the way reaches nothing, because then the test shows
# nothing.
reaches() { # WAY [ARG...]
	LOWER=$LOWER unshare -m --propagation private bash -c '
		"$PENSTOCK" mount "$LOWER" "$LOWER" || exit 2
		pid=$("$PENSTOCK" stat "$LOWER" | sed -n "s/^process *\\([0-9]*\\).*/\\1/p")
		cd "$LOWER" && python3 "$@"
		kill -KILL "$pid"' _ "$T/attack.py" "$1" "${FILE_BELOW[@]}" \
		"${@:2}" > "$T/$1.open" 2>&1
	grep -qE '^(reached|did)' "$T/$1.open" ||
		fail "$1 reaches nothing without a boundary: $(tail -n 5 "$T/$1.open")"
	rm -f /run/penstock/*.sock
}

# Starts a run whose command waits, as WHO, and sets SERVER to the process of its view.
waiting_run() { # WHO
	local who=(setpriv --reuid 1000 --regid 1000 --clear-groups --inh-caps=-all)
	[ "$1" = user ] || who=()
	"${who[@]}" "$PENSTOCK" run "$LOWER" -- sh -c 'echo > begun; exec sleep 1000' &
	RUN=$!
	within 10 test -e begun || fail "the command has not started"
	rm begun
	SERVER=$(pgrep -P $RUN | head -n 1)
}

end_waiting_run() {
	kill $RUN
	wait $RUN 2> /dev/null
	return 0
}

once_processes_in_proc_lead_nowhere() {
	boundary
	mkdir "$T/proc"
	mount -t proc none "$T/proc"
	withstands proc "$T/proc"
	(cd "$LOWER" && exec sleep 30) &
	reaches proc "$T/proc"
	kill $!
}

once_memory_of_the_view_is_out_of_reach() {
	boundary
	mkdir "$T/proc"
	mount -t proc none "$T/proc"
	local who
	for who in root user; do
		waiting_run $who
		withstands_as $who memory "$T/proc" "$SERVER" $RUN
		[ $who = user ] || reaches memory "$T/proc" "$SERVER" $RUN
		end_waiting_run
	done
}

once_view_cannot_be_unmounted_or_moved() {
	boundary
	withstands unmount
	reaches unmount
}

# The view stays at its directory, but what is above could move to a place that another mount shows.
once_directories_above_the_view_cannot_be_moved() {
	boundary
	mkdir -p "$FS/up/middle" "$FS/other" "$T/shown"
	mv "$LOWER" "$FS/up/middle/"
	LOWER=$FS/up/middle/lower
	chmod -R a+rwX "$FS"
	cd "$LOWER" || fail "no tree"
	FILE_BELOW[0]=$LOWER/.env
	mount --bind "$FS/other" "$T/shown"
	withstands move "$FS/other" "$T/shown"
	reaches move "$FS/other" "$T/shown"
	equal "$(grep -c '^reached' "$T/move.open")" 4 "ways that work without a boundary"
	LOWER=$FS/lower
}

once_mounts_and_unmounts_are_forbidden() {
	boundary
	local who
	cat > "$T/mounts" <<- 'END'
		before=$(cat /proc/self/mountinfo)
		mount -t tmpfs none /mnt && echo did
		mount --bind /tmp /mnt && echo did
		mount --move "$1" /mnt && echo did
		umount -l / && echo did
		[ "$before" = "$(cat /proc/self/mountinfo)" ] && echo same
	END
	for who in root user; do
		as_who $who "$PENSTOCK" run "$LOWER" -- unshare -U -r -m --propagation unchanged \
			sh "$T/mounts" "$LOWER" > "$T/said"
		cat "$T/said"
		equal "$(cat "$T/said")" same "what $who can mount"
	done
}

once_subvolume_of_the_tree_cannot_be_snapshotted() {
	boundary btrfs
	chown 1000:1000 "$FS"
	withstands snapshot "$FS"
	reaches snapshot "$FS"
}

once_inherited_descriptors_are_closed() {
	boundary
	exec 5< "$LOWER" 6< "$LOWER/.env" 7<> "$LOWER/.env"
	withstands inherited
	reaches inherited
	exec 5<&- 6<&- 7<&-
	refused 'standard input is a directory' "$PENSTOCK" run -- true < "$LOWER"
	refused 'standard input is a directory' as 1000 "$PENSTOCK" run -- true < "$LOWER"
}

once_file_handles_open_nothing_below() {
	boundary
	act handle save "$LOWER/.env" "$T/saved" || fail "no handle"
	chmod 644 "$T/saved"
	withstands handle "$T/saved"
	reaches handle "$T/saved"
}

once_signals_do_not_reach_the_view() {
	boundary
	local who
	for who in root user; do
		waiting_run $who
		withstands_as $who signals "$SERVER" $RUN
		# The numbers are right: outside they reach the view, which ends the command.
		check kill -KILL "$SERVER"
		wait $RUN 2> /dev/null
		equal $? 125 "status"
	done
}

once_namespaces_outside_cannot_be_entered() {
	boundary
	mkdir "$T/proc"
	mount -t proc none "$T/proc"
	withstands namespaces "$T/proc"
	reaches namespaces "$T/proc"
}

# A process outside that holds the file below, as its clients on a socket can name it.
once_peer_of_a_socket_is_out_of_reach() {
	boundary
	local who
	for who in root user; do
		as_who $who env PATH=/usr/bin:/bin python3 "$T/attack.py" listen \
			"${FILE_BELOW[@]}" /dev/shm/peer.$$ &
		within 10 test -S /dev/shm/peer.$$ || fail "no socket"
		withstands_as $who peer /dev/shm/peer.$$
		[ $who = user ] || reaches peer /dev/shm/peer.$$
		kill $!
		wait $! 2> /dev/null
		rm /dev/shm/peer.$$
	done
}

once_events_bring_no_descriptors() {
	boundary
	withstands events
	reaches events
}

once_calls_of_32_bits_are_forbidden() {
	boundary
	[ "$(uname -m)" = x86_64 ] || skip "another machine"
	python3 "$T/attack.py" calls "${FILE_BELOW[@]}" > "$T/open" || skip "no 32-bit calls here"
	check not grep -q refused "$T/open"
	"$PENSTOCK" run "$LOWER" -- python3 "$T/attack.py" calls "${FILE_BELOW[@]}" > "$T/said"
	equal "$(tr '\n' ' ' < "$T/said")" "getpid allowed mincore allowed mount refused \
umount2 refused pivot_root refused move_mount refused fsopen refused tried 0 " "calls"
}

once_devices_of_disks_cannot_be_opened() {
	boundary
	mkdir "$T/dev"
	mount -t tmpfs none "$T/dev"
	withstands devices "$T/dev"
	reaches devices "$T/dev"
}

once_settings_of_the_kernel_are_read_only() {
	boundary
	mkdir "$T/proc"
	mount -t proc none "$T/proc"
	withstands settings "$T/proc"
	reaches settings "$T/proc"
}

once_characters_cannot_be_put_into_the_terminal() {
	boundary
	[ "$(cat /proc/sys/dev/tty/legacy_tiocsti 2> /dev/null)" != 0 ] ||
		skip "the kernel forbids TIOCSTI to all"
	script -qec "'$PENSTOCK' run -- python3 $T/attack.py terminal ${FILE_BELOW[*]}" \
		/dev/null < /dev/null > "$T/terminal" 2>&1
	check grep -q '^tried 6' "$T/terminal"
	check not grep -q 'did ioctl' "$T/terminal"
	script -qec "python3 $T/attack.py terminal ${FILE_BELOW[*]}" /dev/null < /dev/null \
		> "$T/terminal.open" 2>&1
	check grep -q 'did ioctl' "$T/terminal.open"
	script -qec "setpriv --reuid 1000 --regid 1000 --clear-groups '$PENSTOCK' run -- python3 \
		$T/attack.py terminal ${FILE_BELOW[*]}" /dev/null < /dev/null > "$T/terminal" 2>&1
	check grep -q '^tried 6' "$T/terminal"
	check not grep -q 'did ioctl' "$T/terminal"
}

once_other_mounts_of_the_tree_show_the_view() {
	boundary
	mkdir "$T"/{whole,part,above} "$LOWER/sub/hidden"
	echo SECRET=hunter2 > "$LOWER/sub/hidden/.env"
	mount --bind "$LOWER" "$T/whole"
	mount --bind "$LOWER/sub" "$T/part"
	mount --bind "$FS" "$T/above"
	local others=("$T/whole/.env" "$T/above/lower/.env")
	withstands paths "${others[@]}"
	reaches paths "${others[@]}"
	equal "$("$PENSTOCK" run "$LOWER" -- sh -c 'echo new > "$0/sub/f" && cat "$1/f"' \
		"$LOWER" "$T/part")" new "file of a part"
	need_filters
	mkdir "$T/secret"
	mount --bind "$LOWER/sub/hidden" "$T/secret"
	check grep -q hunter2 "$T/secret/.env"
	equal "$("$PENSTOCK" run --hide hidden:.env "$LOWER" -- sh -c 'ls -A "$@"' _ "$T/secret" \
		"$T/whole")" "$T/secret:

$T/whole:
sub" "listing of what is hidden"
}

# A file system that is mounted inside the tree, and at other places as a whole and in parts.
once_file_systems_inside_show_the_view_at_their_other_places() {
	boundary
	mkdir "$T"/{disk,part} "$LOWER/in"
	echo > "$T/file"
	mount -t tmpfs -o mode=755 none "$T/disk"
	mkdir "$T/disk/sub"
	echo SECRET=hunter2 > "$T/disk/sub/.env"
	chown -R 1000:1000 "$T/disk"
	mount --bind "$T/disk" "$LOWER/in"
	mount --bind "$T/disk/sub" "$T/part"
	mount --bind "$T/disk/sub/.env" "$T/file"
	FILE_BELOW=("$LOWER/in/sub/.env" $(stat -c '%d %i' "$T/disk/sub/.env"))
	local others=("$T/disk/sub/.env" "$T/part/.env" "$T/file")
	withstands paths "${others[@]}"
	reaches paths "${others[@]}"
	# As before, the mounts are at their places, and in the view.
	equal "$(as 1000 "$PENSTOCK" run "$LOWER" -- sh -c 'echo new > "$0/in/f" && cat "$1/f"' \
		"$LOWER" "$T/disk")" new "file of both places"
	need_filters
	equal "$("$PENSTOCK" run --hide .env "$LOWER" -- sh -c 'cat "$@" 2> /dev/null; ls -A "$0"' \
		"$T/part" "${others[@]}" "$LOWER/in/sub/.env")" "" "what is hidden"
}

# The view cannot cover a directory that contains it.
once_mount_inside_of_a_directory_above_is_refused() {
	boundary
	mkdir "$LOWER/in"
	mount --bind "$FS" "$LOWER/in"
	refused "$LOWER/in shows .* above the view" "$PENSTOCK" run "$LOWER" -- true
	refused "$LOWER/in shows .* above the view" as 1000 "$PENSTOCK" run "$LOWER" -- true
	umount "$LOWER/in"
	# The kernel's own files are the same everywhere, and the view hides them.
	mount -t proc none "$LOWER/in"
	equal "$("$PENSTOCK" run "$LOWER" -- sh -c 'ls in; test -e /proc/self && echo yes')" yes
}

# The command can ask neither its own view nor another one.
once_control_sockets_refuse_the_command() {
	need_filters
	boundary
	mkdir "$T/mnt"
	view -r "$LOWER" "$T/mnt"
	chain add audit || fail "no filter"
	"$PENSTOCK" run "$LOWER" -- sh -c '
		for view; do
			"$PENSTOCK" filter list "$view" && echo did
			"$PENSTOCK" filter remove "$view" audit && echo did
			"$PENSTOCK" filter add "$view" readonly && echo did
		done' _ "$LOWER" "$VIEW" > "$T/said" 2>&1
	cat "$T/said"
	check not grep -q '^did' "$T/said"
	check grep -q 'a view of `penstock run`.* has none' "$T/said"
	check grep -q "not from another user namespace" "$T/said"
	equal "$(chain list --json | grep -c '"name":"audit"')" 1 "filters left"
}
