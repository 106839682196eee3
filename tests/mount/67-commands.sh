# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# All commands for a mounted view: how a path names the view, exit codes, errors as JSON, and views
# whose process has died.

program() { timeout 20 "$PENSTOCK" "$@"; }

# ends CODE ARG...: the command has to exit with CODE; its output goes to $T/stdout and $T/stderr.
ends() {
	local want=$1 status
	shift
	program "$@" > "$T/stdout" 2> "$T/stderr"
	status=$?
	echo "penstock $*: $status: $(head -c 300 "$T/stderr")"
	[ $status = "$want" ] ||
		fail "'penstock $*' ends with $status, should be $want: $(cat "$T/stderr")"
}

# ---- paths --------------------------------------------------------------------------------------

# Every path that leads to the mount point names the view, also through symbolic links.
once_any_path_names_the_view() {
	real || skip "about the program's own words"
	lower tmpfs
	mkdir -p "$LOWER/sub/deep" "$T/place/dir"
	view -o cache=none "$LOWER" "$T/place/dir"
	ln -s "$T/place/dir" "$T/link"
	ln -s link "$T/link2"
	ln -s place "$T/parent"
	ln -s ../.. "$T/place/up"
	ln -s loop "$T/loop"
	ln -s "$T" "$LOWER/sub/out"
	local path
	for path in "$T/place/dir" "$T/place/dir/" "$T/place/dir//" "$T/place/./dir/." \
		"$T/place/../place/dir" \
		"$T/link" "$T/link/" "$T/link2" "$T/parent/dir" "$T/parent/../parent/dir" \
		"$T/place/up/$(basename "$T")/link2" "$T/place/dir/sub/.." \
		"$T/place/dir/sub/out/link" place/dir ./place/dir/ link \
			../"$(basename "$T")"/link; do
		(cd "$T" && ends 0 stat --json "$path" && ends 0 filter list "$path") || exit 1

	done
	(cd "$T/place/dir" && ends 0 stat . && ends 0 stat ./ && ends 0 stat sub/..) || exit 1
	(cd "$T/place/dir/sub/deep" && ends 0 stat ../.. && ends 0 stat ../../../dir) || exit 1
	(cd "$T" && ends 32 stat place/dir/sub && ends 32 stat loop && ends 32 stat place &&
		ends 32 stat place/dirx) ||
		exit 1
	refused "(loop|symbolic|symlink)" program stat "$T/loop"
	program umount "$T/link2/" || fail "a link is no way to unmount the view"
	unset 'VIEW_DIRS[0]'
	daemon_ended 0 0
	check test -h "$T/link2"
}

# The process is stopped: umount finds and removes the view nevertheless, also by a path with a
# link.
once_stuck_view_is_found_and_unmounted() {
	real || skip "there is no daemon"
	lower tmpfs
	mkdir "$T/inside"
	view
	ln -s "$VIEW" "$T/link"
	kill -STOP "${VIEW_PIDS[0]}"
	drop_machine_caches 2
	(cd "$T" && ends 0 umount -l link) || exit 1
	check not mountpoint -q "$VIEW"
	kill -CONT "${VIEW_PIDS[0]}"
	unset 'VIEW_DIRS[0]'
	daemon_ended 0
}

# ---- exit codes ---------------------------------------------------------------------------------

# umount returns when the process has gone, also if init (here: the script) is slow to reap it.
once_umount_returns_when_the_process_is_reaped() {
	real || skip "about the program"
	lower ext4
	mkdir "$T/mnt"
	unshare -p -f --mount-proc --propagation private python3 - "$PENSTOCK" "$LOWER" \
		"$T/mnt" <<- 'END' ||
		import json, os, subprocess, sys, time
		penstock, lower, mnt = sys.argv[1:]
		subprocess.run([penstock, "mount", lower, mnt], check=True)
		pid = json.loads(subprocess.check_output([penstock, "stat", "--json", mnt]))["pid"]
		umount = os.spawnv(os.P_NOWAIT, penstock, [penstock, "umount", mnt])
		while open(f"/proc/{pid}/stat").read().split(") ")[1][0] != "Z":
		    time.sleep(0.01)
		time.sleep(0.1)
		if os.waitpid(umount, os.WNOHANG) != (0, 0):
		    sys.exit("umount did not wait for the zombie")
		os.waitpid(pid, 0)
		sys.exit(os.waitpid(umount, 0)[1])
	END
		fail "see above"
}

# Checks the table of exit codes of penstock(1) for each command. umount(8) exits with 32 if nothing
# is mounted.
once_exit_codes_are_those_of_the_manual() {
	real || skip "about the program's own words"
	lower tmpfs
	mkdir "$T/dir" "$T/mnt"
	: > "$T/file"
	mount -t tmpfs none "$T/mnt"
	local sub code args
	while read -r code args; do
		# shellcheck disable=SC2086
		ends "$code" $args
	done <<- EOF
		1
		1 nonsense
		1 stat
		1 stat a b
		1 stat --nonsense
		1 umount
		1 umount -x $T/dir
		1 trace
		1 trace --op=opened $T/dir
		32 trace --op=open:get*:forget $T/dir
		1 filter nonsense
		1 filter add $T/dir
		1 probe a b
		1 mount $LOWER
		1 mount -o nonsense $LOWER $T/dir
		1 mount --filter hide $LOWER $T/dir
		32 stat $T/dir
		32 stat $T/file
		32 stat $T/file/x
		32 stat $T/mnt
		32 stat $T/absent
		32 umount $T/dir
		32 umount $T/mnt
		32 umount $T/absent
		32 trace $T/dir
		32 filter list $T/dir
		32 filter stat $T/dir
		32 filter add $T/dir audit
		32 filter remove $T/dir audit
		32 filter replace $T/dir audit audit
		32 filter check $T/absent.o
		32 probe $T/absent
		32 mount $T/absent $T/dir
		0 probe
		0 filter list
		0 help
		0 help filter add
		0 help cache
		0 help hide
		1 help nonsense
		1 help filter nonsense
		0 --version
		0 stat --help
	EOF
	umount "$T/mnt"
	view
	need_filters
	ends 0 stat "$VIEW"
	ends 32 filter remove "$VIEW" none
	ends 32 filter add "$VIEW" hide
	ends 32 mount "$LOWER" "$VIEW"
	(
		ends_as() { as 1000 timeout 20 "$PENSTOCK" "$@" > /dev/null 2>&1; }
		ends_as stat "$VIEW"
		equal $? 1 "exit code of who may not ask"
		ends_as umount "$VIEW"
		equal $? 1 "exit code of who may not unmount"
	) || exit 1
	# A view in use: exit status 32, as umount(8) has it.
	(cd "$VIEW" && ends 32 umount "$VIEW") || exit 1
	ends 0 umount "$VIEW"
	unset 'VIEW_DIRS[0]'
	daemon_ended 0 0
	# probe reports that an ordinary user cannot mount a view.
	as 1000 timeout 20 "$PENSTOCK" probe --json > "$T/stdout" 2> /dev/null
	equal $? 32 "exit code of probe for an ordinary user"
	check jq -e '.works == false and (.error | contains("mount_as_user")) and .features.fuse' \
		< "$T/stdout"
	as 1000 timeout 20 "$PENSTOCK" probe > "$T/stdout"
	check grep -q "^user 1000 can neither mount views here nor run commands" "$T/stdout"
	ends 0 probe --json
	check jq -e '.works == true' < "$T/stdout"
}

# help describes every command, option and installed filter, each by the word that users type.
once_help_knows_each_word() {
	real || skip "about the program's own words"
	local name word
	ends 1
	cp "$T/stdout" "$T/overview"
	check grep -q '^usage: penstock COMMAND' "$T/overview"
	ends 0 help
	check cmp "$T/overview" "$T/stdout"
	for name in mount stat 'filter add' 'filter list'; do
		# shellcheck disable=SC2086
		ends 0 help $name
		check grep -q "^usage: penstock $name " "$T/stdout"
	done
	for word in cache attr_timeout nofail; do
		ends 0 help $word
		check grep -q "^  $word" "$T/stdout"
	done
	refused 'did you mean "cache"' program help cach
	refused 'did you mean "hide"' program help hied
	ends 0 filter list --json
	jq -r '.installed[] | "\(.name) \(.summary)"' < "$T/stdout" > "$T/installed"
	check grep -q '^hide hides' "$T/installed"
	while read -r name _; do
		ends 0 help "$name"
		check grep -q "/$name.bpf.o: " "$T/stdout"
	done < "$T/installed"
	# The words that an option takes are the type.
	ends 0 help changes
	check grep -q '^    chmod  *pass|deny|ignore pass ' "$T/stdout"
	ends 0 help owner
	check grep -q '^    uid  *user ' "$T/stdout"
	# A filter that needs an option is described also without it.
	program filter check hide > "$T/stdout" 2> /dev/null
	check grep -q '^    names .*names and globs' "$T/stdout"
}

# Without --all, probe lists the features that are off, after a line that says if views work here.
once_probe_begins_with_the_result() {
	real || skip "about the program's own words"
	ends 0 probe
	check test "$(head -n 1 "$T/stdout")" = "$(program probe --json | jq -r .summary)"
	check not grep -q '^[a-z0-9_]* *on ' "$T/stdout"
	ends 0 probe --all
	check grep -q '^fuse *on ' "$T/stdout"
}

# With --json a command that fails prints one object with the reason and has the same exit status.
once_errors_are_json() {
	real || skip "about the program's own words"
	mkdir "$T/dir"
	local args code odd=$'\xff\n"\033'
	while read -r args; do
		# shellcheck disable=SC2086
		program $args > /dev/null 2>&1
		code=$?
		# shellcheck disable=SC2086
		program $args --json > "$T/stdout" 2> /dev/null
		equal $? $code "exit code of $args --json"
		jq -e --argjson code $code '(.error | length > 0) and .exit == $code' \
			< "$T/stdout" > /dev/null ||
			fail "'$args --json' prints '$(cat "$T/stdout")'"
	done <<- EOF
		stat $T/dir
		stat
		stat --nonsense
		filter list $T/dir
		filter stat $T/dir
		filter add $T/dir audit
		filter remove $T/dir audit
		filter replace $T/dir audit audit
		filter check hide
		filter check no-such-filter
		filter nonsense
		trace $T/dir
		probe $T/absent
	EOF
	for args in stat "filter list" trace probe; do
		# shellcheck disable=SC2086
		program $args --json "$T/$odd" > "$T/stdout" 2> /dev/null
		"$TESTS/json-names.py" check "$T/stdout" || fail "$args prints what is no JSON"
		check jq -e '.error | contains("\\xff\n\"")' < "$T/stdout"
	done
}

# ---- dead views ---------------------------------------------------------------------------------

# After kill -9 each command names the command that removes the view. umount removes it, in use or
# not.
each_killed_view_is_reported_and_removed() {
	real || skip "there is no daemon"
	lower tmpfs
	echo text > "$LOWER/f"
	mkdir "$T/other"
	local how
	for how in idle used; do
		view -o cache=exclusive
		cat "$VIEW/f" > /dev/null
		[ $how = idle ] || exec 7< "$VIEW/f"
		kill -KILL "${VIEW_PIDS[-1]}"
		check within 5 daemon_done "${VIEW_PIDS[-1]}"
		ends 32 stat "$VIEW"
		check grep -q "has died; .penstock umount $VIEW. removes" "$T/stderr"
		ends 32 stat --json "$VIEW"
		check grep -q 'has died' "$T/stdout"
		ends 32 filter list "$VIEW"
		check grep -q 'has died' "$T/stderr"
		ends 32 trace "$VIEW"
		check grep -q 'has died' "$T/stderr"
		ends 32 mount "$LOWER" "$VIEW"
		check grep -q "has died.*penstock umount $VIEW" "$T/stderr"
		ends 32 mount "$VIEW" "$T/other"
		check grep -q "has died.*penstock umount" "$T/stderr"
		ends 0 umount "$VIEW"
		check not mountpoint -q "$VIEW"
		exec 7<&-
		unset 'VIEW_DIRS[-1]'
		# The control socket has gone, too, and the mount point can be used again.
		equal "$(ls /run/penstock 2> /dev/null)" "" "what is left in /run/penstock"
		check program mount "$LOWER" "$VIEW"
		check program umount "$VIEW"
		N_VIEWS=$((N_VIEWS + 1))
	done
}
