# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# Checks the capabilities of each thread of a view's process, and the sockets that remain after it
# was killed.

# Capabilities by their numbers, as /proc/PID/status has them.
declare -A CAPS=(
	[chown]=0 [dac_override]=1 [dac_read_search]=2 [fowner]=3 [fsetid]=4 [setgid]=6 [setuid]=7
	[linux_immutable]=9 [sys_ptrace]=19 [sys_admin]=21 [sys_resource]=24 [mknod]=27 [lease]=28 \
		[setfcap]=31
	[perfmon]=38 [bpf]=39
)
SERVE='chown dac_override dac_read_search fowner fsetid setgid setuid linux_immutable sys_admin'
SERVE+=' mknod lease setfcap'

# Prints the threads with this name that have more than these capabilities.
has_more_than() { # THREAD-NAME CAPABILITY...
	local task name=$1 allowed=0 has cap
	shift
	for cap; do allowed=$((allowed | 1 << CAPS[$cap])); done
	for task in "/proc/${VIEW_PIDS[0]}/task"/*; do
		[ "$(cat "$task/comm")" = "$name" ] || continue
		has=$((0x$(sed -n 's/^CapPrm:\t//p' "$task/status")))
		[ $((has & ~allowed)) = 0 ] || echo "$name: $(printf %x $((has & ~allowed)))"
	done
}

# Prints the number of threads, except the main one, that have a capability.
threads_with() { # CAPABILITY
	local task n=0
	for task in "/proc/${VIEW_PIDS[0]}/task"/*; do
		[ "${task##*/}" = "${VIEW_PIDS[0]}" ] && continue
		n=$((n + (0x$(sed -n 's/^CapPrm:\t//p' "$task/status") >> CAPS[$1] & 1)))
	done
	echo $n
}

each_threads_have_the_capabilities_they_use() {
	real || skip "a bind mount has no process"
	lower ext4
	echo text > "$LOWER/f"
	view
	cat "$VIEW/f" > /dev/null
	# shellcheck disable=SC2086
	local control='sys_admin sys_resource bpf perfmon dac_override dac_read_search'
	equal "$(has_more_than penstock-ctl $control)" '' control
	equal "$(has_more_than penstock-signal sys_admin dac_read_search)" '' signals
	equal "$(has_more_than penstock-lower sys_admin dac_read_search)" '' "flags of LOWER"
	# Serving threads have no name of their own. Only the main thread has more capabilities than
	# they use.
	local task more=0 serve=0 cap
	for cap in $SERVE bpf perfmon sys_resource sys_ptrace; do
		serve=$((serve | 1 << CAPS[$cap]))
	done
	for task in "/proc/${VIEW_PIDS[0]}/task"/*; do
		[ "${task##*/}" = "${VIEW_PIDS[0]}" ] && continue
		[ $((0x$(sed -n 's/^CapPrm:\t//p' "$task/status") & ~serve)) = 0 ] ||
			more=$((more + 1))
	done
	equal $more 0 "threads with more capabilities"
	# One reads the links of other processes' namespaces.
	equal "$(threads_with sys_ptrace)" 1 "threads with sys_ptrace"
	equal "$(sed -n 's/^NoNewPrivs:\t//p' "/proc/${VIEW_PIDS[0]}/status")" 1 no_new_privs
}

sockets() { find /run/penstock -name '*.sock*' 2> /dev/null | wc -l; }

# Mounts a view and kills its process. Returns when the process has closed its socket.
killed_view() {
	view -o cache=none "$LOWER" "$T/killed"
	kill -KILL "${VIEW_PIDS[N_VIEWS - 1]}"
	check within 5 daemon_done "${VIEW_PIDS[N_VIEWS - 1]}"
	unset "VIEW_DIRS[N_VIEWS - 1]"
}

once_sockets_of_killed_views_are_removed() {
	real || skip "a bind mount has no socket"
	lower ext4
	killed_view
	equal "$(sockets)" 1 "sockets while the dead view is mounted"
	umount "$T/killed"
	# The next mount removes the socket.
	view -o cache=none "$LOWER" "$T/next"
	equal "$(sockets)" 1 "sockets after a mount"
	# A command that asks for the view removes the socket.
	killed_view
	umount -l "$T/killed"
	"$PENSTOCK" stat "$T/next" > /dev/null || fail stat
	equal "$(sockets)" 1 "sockets after stat"
	# An unmount removes the socket.
	killed_view
	timeout 10 "$PENSTOCK" umount "$T/killed"
	equal "$(sockets)" 1 "sockets after umount"
	# Sockets of views that are alive stay, even if their mounts are not visible here.
	unshare -m --propagation private bash -c 'umount "$1" && "$2" stat "$1"' _ "$T/next" \
		"$PENSTOCK" 2> /dev/null
	equal "$(info pid "$T/next")" "${VIEW_PIDS[1]}" "the living one's socket"
	unview "$T/next"
}

# An installed program does not load filters from its own directory; one in a build directory does.
once_filters_beside_an_installed_program_are_not_taken() {
	need_filters
	mkdir -p "$T/bin/filters"
	cp "$PENSTOCK" "$T/bin/penstock"
	cp "$TOOLS/filters/pass.bpf.o" "$T/bin/filters/mine.bpf.o"
	refused "there is no filter 'mine'" env -u PENSTOCK_FILTER_PATH "$T/bin/penstock" filter \
		check mine
	: > "$T/bin/build.ninja"
	check env -u PENSTOCK_FILTER_PATH "$T/bin/penstock" filter check mine > /dev/null
}
