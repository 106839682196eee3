# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# Views of a program that uses libpenstock: tests/library/views.cc, in C++, with several views in
# one process. The commands work on them as on those of `penstock mount`.

PROGRAM=''

# start [ARG...]: starts the program with its standard input at descriptor 8, and waits until it has
# mounted its views.
start() {
	rm -f "$T/input"
	mkfifo "$T/input"
	exec 8<> "$T/input"
	"${AS[@]}" "$VIEWS" "$@" < "$T/input" > "$T/output" 2> "$T/errors" 8>&- 9>&- &
	PROGRAM=$!
	within 20 eval 'gone "$PROGRAM" || grep -qx mounted "$T/output"' || fail "not mounted"
	sed -n 's/^[0-9]* [0-9]* 0:\([0-9]*\) .* - fuse.penstock .*/\1/p' /proc/self/mountinfo \
		>> "$T/connections"
}

# Ends the standard input of the program, which has to end with 0 after its views.
finish() {
	exec 8>&-
	within 20 daemon_done "$PROGRAM" || fail "the program does not end"
	wait "$PROGRAM"
	equal $? 0 "status of the program: $(cat "$T/errors")"
	: > "$T/connections"
}

library() {
	real || skip "about the library"
	VIEWS=$(dirname "$EXAMPLES")/tests/views
	[ -x "$VIEWS" ] || skip "no C++ compiler"
	AS=()
	lower ext4
	mkdir "$LOWER/a" "$LOWER/b" "$T/0" "$T/1"
	echo text > "$LOWER/a/in-a"
	echo text > "$LOWER/b/in-b"
}

penstock() { "${AS[@]}" timeout 20 "$PENSTOCK" "$@"; }

once_commands_work_on_each_view_of_a_program() {
	library
	need_filters
	start "$LOWER/a" "$T/0" "$LOWER/b" "$T/1"
	penstock stat --json "$T/1" > "$T/stat" || fail "no answer to stat"
	equal "$(jq -r '.program + " " + .lower + " " + (.pid | tostring)' "$T/stat")" \
		"views $LOWER/b $PROGRAM" "stat"
	check penstock filter add "$T/1" hide,names=in-b
	check test -e "$T/0/in-a"
	check not test -e "$T/1/in-b"
	equal "$(penstock filter list --json "$T/0" | jq '.filters | length')" 0 "filters of 0"
	equal "$(penstock filter list --json "$T/1" | jq -r '.filters[0].name')" hide "filter of 1"
	check penstock filter replace "$T/1" hide hide,names=none
	check test -e "$T/1/in-b"
	penstock filter stat "$T/1" | grep -q hide || fail "no counters"
	check penstock filter remove "$T/1" hide
	echo 'hide in-b' > "$T/rules"
	check penstock rules load "$T/1" "$T/rules"
	check not test -e "$T/1/in-b"
	# The reader goes away, which must not end the program by SIGPIPE.
	"$PENSTOCK" trace --json --all "$T/0" > "$T/trace" 8>&- 9>&- &
	within 10 eval 'stat -f "$T/0" > /dev/null; grep -qi statfs "$T/trace"' || fail "no trace"
	kill $!
	wait $! 2> /dev/null
	stat -f "$T/0" > /dev/null
	check mountpoint -q "$T/0"
	check penstock umount "$T/0"
	penstock stat "$T/1" > /dev/null || fail "the second view does not answer any more"
	check penstock umount "$T/1"
	finish
	equal "$(grep -c ' ended 0$' "$T/output")" 2 "ended views"
}

# umount returns when the program has freed the view, and does not wait for the program's end: the
# disk of LOWER can be unmounted then.
once_umount_waits_for_the_view_and_not_for_the_program() {
	library
	start "$LOWER/a" "$T/0"
	(exec 7< "$T/0/in-a") # a node with a cached descriptor
	check penstock umount "$T/0"
	check not gone "$PROGRAM"
	check umount "$FS"
	finish
}

once_each_view_has_a_log_of_its_own() {
	library
	start "$LOWER/a" "$T/0" "$LOWER/b" "$T/1"
	check grep -q "^0 info mounted $LOWER/a at $T/0" "$T/output"
	check grep -q "^1 info mounted $LOWER/b at $T/1" "$T/output"
	cat "$T/0/in-a" "$T/1/in-b" > /dev/null
	# Debug lines of requests come from the threads of each view.
	within 10 grep -q '^0 debug .*in-a' "$T/output" || fail "no request of 0"
	within 10 grep -q '^1 debug .*in-b' "$T/output" || fail "no request of 1"
	check not grep -q '^0 .*in-b' "$T/output"
	check not grep -q '^1 .*in-a' "$T/output"
	check penstock umount "$T/0"
	check penstock umount "$T/1"
	finish
	equal "$(cat "$T/errors")" "" "standard error"
	check not grep -qvE '^([01] (warning|info|debug|ended) .*|mounted)$' "$T/output"
}

once_view_without_a_control_socket_works() {
	library
	start control=off "$LOWER/a" "$T/0"
	check test -e "$T/0/in-a"
	check test -z "$(ls /run/penstock 2> /dev/null)"
	refused 'control socket' penstock stat "$T/0"
	check penstock umount "$T/0"
	finish
}

once_control_socket_that_cannot_be_made_refuses_the_mount_or_warns() {
	library
	mkdir -p /run/penstock
	mount -t tmpfs -o ro,mode=755 none /run/penstock
	unset XDG_RUNTIME_DIR
	start control=on "$LOWER/a" "$T/0"
	check gone "$PROGRAM"
	check grep -q 'cannot make the control socket /run/penstock/.*: Read-only' "$T/errors"
	check not mountpoint -q "$T/0"
	start "$LOWER/a" "$T/0"
	check grep -q '^0 warning cannot make the control socket' "$T/output"
	check test -e "$T/0/in-a"
	umount /run/penstock
	check umount "$T/0"
	finish
}

once_commands_find_and_remove_views_of_a_killed_program() {
	library
	start "$LOWER/a" "$T/0" "$LOWER/b" "$T/1"
	kill -KILL "$PROGRAM"
	check within 10 daemon_done "$PROGRAM"
	exec 8>&-
	equal "$(ls /run/penstock | wc -l)" 2 "sockets that are left"
	refused 'the process of this view has died' penstock stat "$T/0"
	check penstock umount "$T/0"
	equal "$(ls /run/penstock | wc -l)" 1 "sockets that are left"
	# Without our commands the socket is left until the next view is mounted.
	umount "$T/1"
	start "$LOWER/a" "$T/0"
	equal "$(ls /run/penstock | wc -l)" 1 "sockets of views"
	check penstock umount "$T/0"
	finish
}

once_program_of_an_ordinary_user_is_reached_by_that_user_only() {
	library
	[ -u "$(command -v fusermount3)" ] || skip "fusermount3 is not installed"
	user_device
	chown -R 1000 "$LOWER" "$T/0"
	chmod 755 "$T"
	mkdir -p /run/user
	mkdir -m 700 /run/user/1000
	chown 1000 /run/user/1000
	export XDG_RUNTIME_DIR=/run/user/1000
	AS=(setpriv --reuid 1000 --regid 1000 --clear-groups --inh-caps=-all --)
	start "$LOWER/a" "$T/1"
	check gone "$PROGRAM"
	equal "$(grep -c 'views: .* (fusermount3: ' "$T/errors") of $(wc -l < "$T/errors")" \
		"1 of 1" "errors"
	start "$LOWER/a" "$T/0"
	equal "$(as 1000 cat "$T/0/in-a")" text "text in the view"
	penstock stat "$T/0" > "$T/stat" || fail "no answer to stat"
	check grep -q "^process  *$PROGRAM (views)" "$T/stat"
	equal "$(stat -c '%a %u' /run/user/1000/penstock/*.sock)" "600 1000" "mode of the socket"
	refused 'may use its socket|Permission denied' as 1001 timeout 20 "$PENSTOCK" stat "$T/0"
	# Root finds the socket, too, although its XDG_RUNTIME_DIR is another.
	env -u XDG_RUNTIME_DIR timeout 20 "$PENSTOCK" stat "$T/0" > "$T/stat" ||
		fail "root gets no answer"
	check grep -q "(views)" "$T/stat"
	check penstock umount "$T/0"
	finish
	equal "$(ls /run/user/1000/penstock)" "" "sockets"
}

# A program that ignores SIGCHLD hears nothing of fusermount3, whose failure the library sees.
once_program_that_ignores_the_end_of_children_mounts_by_fusermount3() {
	library
	[ -u "$(command -v fusermount3)" ] || skip "fusermount3 is not installed"
	user_device
	chown -R 1000 "$LOWER" "$T/0"
	chmod 755 "$T"
	export XDG_RUNTIME_DIR=$T
	AS=(setpriv --reuid 1000 --regid 1000 --clear-groups --inh-caps=-all --
		sh -c 'trap "" CHLD; exec "$0" "$@"')
	start control=off "$LOWER/a" "$T/1"
	check gone "$PROGRAM"
	check grep -q 'views: .* (fusermount3: ' "$T/errors"
	start control=off "$LOWER/a" "$T/0"
	equal "$(as 1000 cat "$T/0/in-a")" text "text in the view"
	check umount "$T/0"
	finish
}

# The process that reads filters is the program again, and must not begin its main() again.
once_program_that_loads_the_library_late_has_filters() {
	library
	need_filters
	local dir log=$T/dlopened
	dir=$(dirname "$EXAMPLES")
	"$dir/tests/dlopened" "$dir/src/libpenstock.so.0" "$LOWER/a" "$T/0" hide,names=in-a \
		> "$log" 2>&1 9>&- &
	PROGRAM=$!
	within 20 eval 'gone "$PROGRAM" || grep -qx mounted "$log"' || fail "not mounted"
	equal "$(tr '\n' ' ' < "$log")" "main mounted " "output"
	check not test -e "$T/0/in-a"
	check umount "$T/0"
	within 20 daemon_done "$PROGRAM" || fail "the program does not end"
	wait "$PROGRAM"
	equal $? 0 "status"
}
