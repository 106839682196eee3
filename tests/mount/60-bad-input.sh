# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# A mount that cannot work fails with a message that names the cause, with an exit code of mount(8),
# and leaves nothing behind.

program() { timeout 20 "$PENSTOCK" "$@"; }

# Fails if a mount, a process or a socket remains.
nothing_left() {
	local left
	left=$(own_mounts)
	[ -z "$left" ] || fail "a mount is left: $left"
	within 3 nothing_runs || fail "a process is left"
	left=$(ls -A /run/penstock 2> /dev/null)
	[ -z "$left" ] || fail "left in /run/penstock: $left"
}

# Runs "penstock mount ARG..." in the foreground and in the background; both have to end with CODE
# and a message that matches TEXT.
refused_with() {
	local code=$1 text=$2 said status form
	shift 2
	for form in -f ''; do
		# shellcheck disable=SC2086
		said=$(program mount $form "$@" 2>&1)
		status=$?
		echo "mount $form $*: $status: $said"
		[[ "|$code|" == *"|$status|"* ]] ||
			fail "mount $form $* ended with $status instead of $code: $said"
		grep -Eqi -- "$text" <<< "$said" || fail "'$said' does not match '$text'"
		nothing_left
	done
}

# A case that runs while the machine has a view at another place does not see that view.
once_inherited_views_are_not_seen() {
	bad
	mkdir "$T/nested" "$T/tools" "$T/view with blank"
	: > "$T/penstock"
	: > "$T/nested/results"
	view
	check program mount "$LOWER" "$T/view with blank"
	timeout 50 unshare -m -p -f --kill-child --mount-proc --propagation private \
		bash "$TESTS/case" "$T/nested" 60-bad-input once mount_upon_lower_leaves_nothing \
		"$MODE=$MODE_OPTS" > "$T/nested/out" 2>&1
	cat "$T/nested/out" "$T/nested/results"
	check program umount "$T/view with blank"
	grep -q '^ok ' "$T/nested/results" || fail "a case is confused by a view elsewhere"
}

bad() {
	real || skip "about the program's own words"
	lower ext4
	mkdir "$T/mnt"
	echo text > "$LOWER/f"
}

once_bad_lower_is_refused() {
	bad
	refused_with 32 "(no such|does not exist).*absent" "$T/absent" "$T/mnt"
	refused_with 32 "not a directory.*/f" "$LOWER/f" "$T/mnt"
	ln -s loop "$T/loop"
	refused_with 32 "loop.*(symbolic|symlink)" "$T/loop" "$T/mnt"
	refused_with 1 "LOWER|empty|missing" "" "$T/mnt"
}

once_bad_mountpoint_is_refused() {
	bad
	refused_with 32 "(no such|does not exist).*absent" "$LOWER" "$T/absent"
	refused_with 32 "not a directory.*/f" "$LOWER" "$LOWER/f"
	refused_with 1 "MOUNTPOINT" "$LOWER"
	refused_with 1 "LOWER"
	refused_with 1 "one argument too many|too many" "$LOWER" "$T/mnt" third
}

# The mount point lies inside LOWER, so the view would contain itself.
once_mountpoint_inside_lower_is_no_endless_tree() {
	bad
	mkdir -p "$LOWER/in/side"
	local said status
	said=$(program mount "$LOWER" "$LOWER/in/side" 2>&1)
	status=$?
	echo "$status $said"
	if [ $status != 0 ]; then
		grep -Eqi 'inside|within|below|itself' <<< "$said" || fail "said '$said'"
		nothing_left
		return 0
	fi
	# With xdev=hide the view does not show itself, so find comes to an end.
	check timeout 10 find "$LOWER/in/side" > /dev/null
	check timeout 10 umount "$LOWER/in/side"
}

once_mount_upon_lower_leaves_nothing() {
	bad
	local said status
	said=$(program mount "$LOWER" "$LOWER" 2>&1)
	status=$?
	echo "$status $said"
	if [ $status = 0 ]; then
		equal "$(timeout 5 cat "$LOWER/f")" text
		check timeout 10 umount "$LOWER"
		check within 5 nothing_runs
	fi
	nothing_left
}

nothing_runs() { [ "$(ps -e -o comm= | grep -c '^penstock')" = 0 ]; }

once_second_mount_on_view_is_refused() {
	bad
	view -o cache=none
	refused_twice "$LOWER" "$VIEW"
	equal "$(cat "$VIEW/f")" text
}

refused_twice() {
	local said status
	said=$(program mount "$1" "$2" 2>&1)
	status=$?
	echo "$status $said"
	[ $status = 32 ] || [ $status = 1 ] || fail "status $status: $said"
	grep -Eqi 'already|view' <<< "$said" || fail "said '$said'"
	equal "$(grep -c " $2 " /proc/self/mountinfo)" 1 "mounts there"
}

# Every size that is allowed works, also sizes that are no power of two.
once_every_allowed_number_works() {
	bad
	local o
	head -c 3000000 /dev/urandom > "$LOWER/big"
	for o in workers=1 workers=64 pool=1 pool=64 max_write=4096 max_write=131072 \
		max_write=1048576 \
		max_write=5000 fds=16 fds=100000; do
		local said
		if ! said=$(program mount -o "$o,passthrough=off" "$LOWER" "$T/mnt" 2>&1); then
			echo "$o refused: $said"
			grep -q "${o%%=*}" <<< "$said" || fail "$o: $said"
			continue
		fi
		check cmp "$T/mnt/big" "$LOWER/big"
		cp "$LOWER/big" "$T/mnt/copy"
		check cmp "$T/mnt/copy" "$LOWER/big"
		check program umount "$T/mnt"
		nothing_left
	done
}

once_mount_without_privilege_names_the_capability() {
	bad
	local said status
	chmod 755 "$T"
	mkdir -m 777 "$T/users"
	said=$(as 1000 timeout 20 env PATH=/nowhere "$PENSTOCK" mount "$LOWER" "$T/users" 2>&1)
	status=$?
	echo "$status $said"
	[ $status = 1 ] || [ $status = 32 ] || fail "status $status"
	grep -q CAP_SYS_ADMIN <<< "$said" || fail "the capability is not named: $said"
	nothing_left
}

# Root without CAP_DAC_OVERRIDE and CAP_DAC_READ_SEARCH cannot read LOWER.
once_unreadable_lower_is_refused() {
	bad
	local said status
	mkdir -m 700 "$LOWER/closed"
	chown 1000 "$LOWER/closed"
	said=$(setpriv --bounding-set -dac_override,-dac_read_search --inh-caps=-all timeout 20 \
		"$PENSTOCK" mount "$LOWER/closed" "$T/mnt" 2>&1)
	status=$?
	echo "$status $said"
	[ $status = 1 ] || [ $status = 32 ] || [ $status = 2 ] || fail "status $status"
	grep -Eqi 'closed|CAP_DAC' <<< "$said" || fail "said '$said'"
	nothing_left
}

# A stack of file systems as deep as the kernel allows works, and one level more is refused.
once_too_deep_stack_is_refused() {
	bad
	local i dir=$LOWER status=0 said
	for i in 1 2 3 4 5; do
		mkdir "$T/deep$i"
		said=$(program mount "$dir" "$T/deep$i" 2>&1)
		status=$?
		[ $status = 0 ] || break
		equal "$(timeout 5 cat "$T/deep$i/f")" text
		echo "$(($(stat -c %d "$T/deep$i") & 0xff))" >> "$T/connections"
		dir=$T/deep$i
	done
	echo "level $i: $status $said"
	if [ $status != 0 ]; then
		[ $status = 32 ] || fail "status $status"
		grep -Eqi 'deep|stack' <<< "$said" || fail "said '$said'"
	fi
	for i in 5 4 3 2 1; do
		mountpoint -q "$T/deep$i" 2> /dev/null &&
			check timeout 10 "$PENSTOCK" umount "$T/deep$i"
	done
	check within 5 nothing_runs
	: > "$T/connections"
	nothing_left
}

once_passthrough_option_is_obeyed_and_reported() {
	bad
	# passthrough=on fails without kernel support. This kernel has it, so the mount succeeds
	# with it on.
	view -r -o passthrough=on
	equal "$(info passthrough)" true
	unview
	view -r -o passthrough=off
	equal "$(info passthrough)" false
	check test -n "$(info passthrough_why)"
}

once_missing_dev_fuse_is_reported() {
	bad
	mkdir "$T/dev"
	cp -a /dev/null /dev/zero /dev/urandom "$T/dev"
	mount --bind "$T/dev" /dev
	refused_with '2|32' "/dev/fuse" "$LOWER" "$T/mnt"
}

once_umount_of_no_view_is_refused() {
	bad
	refused "not a mount point" program umount "$T/mnt"
	refused "absent" program umount "$T/absent"
	mount -t tmpfs none "$T/mnt"
	refused "tmpfs" program umount "$T/mnt"
	equal "$(program umount; echo $?)" 1 2> /dev/null
	umount "$T/mnt"
	check program mount "$LOWER" "$T/mnt"
	check program umount "$T/mnt"
	nothing_left
}

once_every_command_prints_help() {
	real || skip "about the program's own words"
	local sub
	equal "$(program --version | head -n 1)" "penstock 0.1.0"
	equal "$(program -V | head -n 1)" "penstock 0.1.0"
	check program --help > "$T/help"
	check grep -q mount "$T/help"
	for sub in mount umount stat probe; do
		check program $sub --help > "$T/help"
		check test -s "$T/help"
	done
	program > "$T/help"
	equal $? 1 "no command"
	check grep -q '^usage' "$T/help"
	equal "$(program nonsense > /dev/null 2>&1; echo $?)" 1 "an unknown command"
	refused 'no option "-x"' program stat -xy "$T"
	refused 'no option "-b"' program trace -ab "$T"
	refused 'no option "--json=3"' program stat --json=3 -x "$T"
}

once_probe_reports_reasons() {
	real || skip "about the program's own words"
	lower ext4
	check program probe --all > "$T/text"
	check grep -qi passthrough "$T/text"
	check program probe --json "$LOWER" > "$T/json"
	check grep -q '"passthrough"' "$T/json"
	check grep -q '"why"' "$T/json"
	refused "absent" program probe "$T/absent"
	nothing_left
}

# A mount in the background returns when the view answers, or prints the reason why it does not.
once_short_form_mounts() {
	bad
	check program "$LOWER" "$T/mnt" -o ro
	equal "$(cat "$T/mnt/f")" text
	equal "$(act try create "$T/mnt/new")" EROFS
	check program umount "$T/mnt"
	check program --ro "$LOWER" "$T/mnt"
	equal "$(act try create "$T/mnt/new")" EROFS
	check program umount "$T/mnt"
	nothing_left
}
