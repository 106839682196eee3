# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# Clients that are killed at any moment, a daemon that dies, unmounts of views in use, and signals.

# View number I (0) has ended by itself, so the end of the case does not unmount it.
ends() { # [STATUS [I]]
	unset "VIEW_DIRS[${2:-0}]"
	daemon_ended "${2:-0}" "${1-0}"
}

end_tree() {
	real || skip "there is no daemon"
	lower ext4
	echo text > "$LOWER/f"
	view "$@"
}

each_killed_clients_leave_nothing_open() {
	local round pids i
	lower ext4
	head -c 5000000 /dev/urandom > "$LOWER/big"
	"$TOOLS/act" many "$LOWER" 500
	view -o cache=none
	for round in $(seq 25); do
		pids=()
		act shuffle "$VIEW" "$round" 1 100000 > /dev/null 2>&1 9>&- & pids+=($!)
		cp "$VIEW/big" "$VIEW/copy$round" 2> /dev/null 9>&- & pids+=($!)
		find "$VIEW" -ls > /dev/null 2>&1 9>&- & pids+=($!)
		sync "$VIEW/big" 9>&- & pids+=($!)
		dd if="$VIEW/big" of=/dev/null bs=4096 iflag=direct status=none 9>&- & pids+=($!)
		sleep "0.0$((RANDOM % 60 + 10))"
		for i in "${pids[@]}"; do
			pkill -KILL -P "$i" 2> /dev/null
			kill -KILL "$i" 2> /dev/null
		done
		for i in "${pids[@]}"; do
			within 5 daemon_done "$i" || fail "a client cannot be killed"
		done
		wait "${pids[@]}" 2> /dev/null
		rm -f "$VIEW/copy$round"
	done
	sleep 0.3
	pkill -KILL act 2> /dev/null
	equal "$(timeout 5 cat "$VIEW/big" | cksum)" "$(cksum < "$LOWER/big")" "the big file"
	same
	has_daemon || return 0
	within 5 nothing_open || fail "$(info handles) handles stay open"
	drop_caches
}

nothing_open() { [ "$(info handles)" = 0 ] && [ "$(info backings)" = 0 ]; }

# A client of a killed daemon gets ENOTCONN and does not wait.
each_killed_daemon_fails_calls_with_enotconn() {
	end_tree -o cache=none
	exec 7< "$VIEW/f"
	holder writer hold w "$VIEW/f"
	find "$VIEW" > /dev/null &
	kill -KILL "${VIEW_PIDS[0]}"
	within 5 test_not_connected || fail "the view still says $(act try stat "$VIEW/f")"
	local call
	for call in "stat $VIEW/f" "read $VIEW/f" "create $VIEW/new" "mkdir $VIEW/d" \
		"statfs $VIEW" \
		"unlink $VIEW/f"; do
		# shellcheck disable=SC2086
		equal "$(timeout 5 "$TOOLS/act" try $call)" ENOTCONN "$call"
	done
	exec 7<&-
	release writer
	check timeout 5 umount "$VIEW"
	ends ''
	equal "$(cat "$LOWER/f")" text
	# The mount point can be used again.
	rm -f /run/penstock/*
	view -o cache=none "$LOWER" "$VIEW"
	equal "$(cat "$VIEW/f")" text
}

test_not_connected() { [ "$(timeout 5 "$TOOLS/act" try stat "$VIEW/f")" = ENOTCONN ]; }

# Files that pass through can be read and written after the daemon was killed.
each_passed_through_file_outlives_the_daemon() {
	end_tree -o cache=none
	passing || skip "data is served in this variant"
	exec 7<> "$VIEW/f"
	kill -KILL "${VIEW_PIDS[0]}"
	within 5 test_not_connected || fail "still connected"
	local line
	read -r line <&7
	equal "$line" text "read by a dead daemon's client"
	echo more >&7 || fail "cannot be written"
	equal "$(wc -l < "$LOWER/f")" 2 "lines below"
	exec 7>&-
	check timeout 5 umount "$VIEW"
	ends ''
	rm -f /run/penstock/*
}

each_umount_of_a_busy_view_fails() {
	end_tree
	exec 7< "$VIEW/f"
	check not timeout 5 umount "$VIEW" 2> "$T/said"
	check grep -q busy "$T/said"
	refused "in use" timeout 10 "$PENSTOCK" umount "$VIEW"
	equal "$(cat "$VIEW/f")" text
	exec 7<&-
	check timeout 10 "$PENSTOCK" umount "$VIEW"
	ends 0
}

each_lazy_umount_serves_open_files() {
	end_tree
	exec 7< "$VIEW/f"
	check timeout 10 "$PENSTOCK" umount -l "$VIEW"
	check not mountpoint -q "$VIEW"
	equal "$(cat <&7)" text "read after the lazy end"
	check not daemon_done "${VIEW_PIDS[0]}"
	exec 7<&-
	ends 0
}

each_sigterm_and_sigint_end_the_view() {
	local signal
	for signal in TERM INT; do
		end_tree
		kill -$signal "${VIEW_PIDS[N_VIEWS - 1]}"
		ends 0 $((N_VIEWS - 1))
		check not mountpoint -q "$VIEW"
	done
}

# The first SIGTERM asks for an unmount, which a busy view refuses; the second detaches the mount.
each_second_sigterm_unmounts_a_busy_view() {
	LOG_MAY='in use|busy|signal'
	end_tree
	exec 7< "$VIEW/f"
	kill -TERM "${VIEW_PIDS[0]}"
	sleep 0.3
	equal "$(timeout 5 cat "$VIEW/f")" text "after the first signal"
	kill -TERM "${VIEW_PIDS[0]}"
	within 5 not_mounted || fail "still mounted after the second signal"
	exec 7<&-
	ends 0
}

not_mounted() { [ -z "$(mount_device "$VIEW")" ]; }

each_sigterm_ends_a_view_in_the_background() {
	real || skip "there is no daemon"
	lower ext4
	echo text > "$LOWER/f"
	view -b
	kill -TERM "${VIEW_PIDS[0]}"
	ends ''
	check not mountpoint -q "$VIEW"
}

each_sigusr1_logs_statistics_and_sigpipe_is_ignored() {
	end_tree -o log=info
	cat "$VIEW/f" > /dev/null
	kill -USR1 "${VIEW_PIDS[0]}"
	within 3 grep -q OPEN "${VIEW_LOGS[0]}" || fail "no statistics in the log"
	kill -PIPE "${VIEW_PIDS[0]}"
	sleep 0.1
	equal "$(timeout 5 cat "$VIEW/f")" text
}

# The view ends by each way while clients read, write and list: no client hangs, nothing remains.
each_view_ends_under_load() {
	local round i
	real || skip "there is no daemon"
	lower ext4
	"$TOOLS/act" many "$LOWER" 200
	for round in 1 2 3 4 5 6 7 8; do
		view -o cache=none "$LOWER" "$T/load$round"
		for i in 1 2 3; do
			find "$VIEW" -ls > /dev/null 2>&1 9>&- &
			act shuffle "$VIEW" "$i" 1 300 > /dev/null 2>&1 9>&- &
		done
		i=$(view_index "$VIEW")
		case $((round % 4)) in
		0) timeout 10 umount -l "$VIEW" ;;
		1) kill -TERM "${VIEW_PIDS[i]}"; sleep 0.05
			kill -TERM "${VIEW_PIDS[i]}" 2> /dev/null ;;
		2) echo 1 > "/sys/fs/fuse/connections/${VIEW_NUMBERS[i]}/abort"
			umount -l "$VIEW" ;;
		3) kill -KILL "${VIEW_PIDS[i]}"
			within 10 umount "$VIEW" || fail "cannot unmount"
			rm -f /run/penstock/* ;;
		esac
		unset "VIEW_DIRS[i]"
		LOG_MAY='.'
		daemon_ended "$i" ''
		within 10 no_children ||
			{ ps -ef; for p in $(jobs -rp); do cat /proc/$p/stack; done; fail \
			"clients hang"; }
	done
}

no_children() {
	local p
	for p in $(jobs -rp); do
		daemon_done "$p" || return 1
	done
}

# The working directory of a client, a mount inside the view and a mapping each keep the view busy.
each_directory_mapping_and_mount_keep_the_view_busy() {
	end_tree
	( cd "$VIEW" && exec sleep infinity ) &
	local pid=$!
	becomes "$VIEW" readlink "/proc/$pid/cwd"
	check not umount "$VIEW" 2> /dev/null
	kill $pid
	wait $pid 2> /dev/null
	holder map map "$VIEW/f"
	tell map c
	check not umount "$VIEW" 2> /dev/null
	release map
	mkdir "$VIEW/d"
	mount -t tmpfs none "$VIEW/d"
	check not umount "$VIEW" 2> /dev/null
	umount "$VIEW/d"
	unview
}

# LOWER itself is removed while the view is mounted.
each_removed_lower_leaves_an_empty_view() {
	end_tree -o cache=none
	rm -rf "$LOWER"
	equal "$(ls -A "$VIEW")" "" "names in what is gone"
	equal "$(act try create "$VIEW/new")" ENOENT
	equal "$(act try stat "$VIEW/f")" ENOENT
}
