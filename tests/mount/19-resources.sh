# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# No user and no slow lower operation can use up a resource so that other users' requests are
# blocked. docs/security.md lists the resources.

A=1001 B=1002

# Makes a tree with files of two users, on a file system of its own.
two_users() { # FILES
	lower ext4 64
	mkdir "$LOWER/a" "$LOWER/b"
	local i
	for i in $(seq "$1"); do
		echo "$i" > "$LOWER/a/$i"
		echo "$i" > "$LOWER/b/$i"
		mkdir "$LOWER/a/d$i"
	done
	chown -R $A:$A "$LOWER/a"
	chown -R $B:$B "$LOWER/b"
}

take_leases() { # N: on the first files of user A
	local i files=()
	for i in $(seq "$1"); do files+=("$LOWER/a/$i"); done
	holder leases lease "${files[@]}"
	equal "$SAID" "leases $1"
}

# User B and root look at and read files that are not cached yet, from each CPU.
others_go_on() { # FIRST WHY
	local cpu n=$1
	for cpu in $(seq 0 $(($(nproc) - 1))); do
		n=$((n + 1))
		timeout 30 taskset -c "$cpu" setpriv --reuid $B --regid $B --clear-groups \
			cat "$VIEW/b/$n" > /dev/null || fail "a read on CPU $cpu hangs while $2"
		timeout 30 taskset -c "$cpu" stat "$VIEW/a/$n" > /dev/null ||
			fail "a look on CPU $cpu hangs while $2"
	done
	timeout 30 ls -l "$VIEW/b" > /dev/null || fail "a listing hangs while $2"
	timeout 30 "$PENSTOCK" stat "$VIEW" > /dev/null || fail "the control socket hangs while $2"
}

# User A holds write leases on lower files and opens these files in the view, more often than the
# pool has threads. Each open waits for its lease, up to 45 seconds.
each_leases_of_one_user_do_not_block_others() {
	real || skip "natively each process waits by itself"
	two_users 120
	view -o cache=none
	take_leases 100
	local i pids=()
	for i in $(seq 100); do
		as $A timeout 40 sh -c ": <> '$VIEW/a/$i'" 2> /dev/null &
		pids+=($!)
	done
	check within 10 opens 100
	others_go_on 102 "opens wait for leases"
	# Other users can also open files for writing.
	timeout 5 setpriv --reuid $B --regid $B --clear-groups sh -c "echo x >> '$VIEW/b/1'" ||
		fail "a write hangs while opens wait for leases"
	# A process that waits for a lease can be killed.
	kill -KILL "${pids[@]:0:10}"
	within 5 none_runs "${pids[@]:0:10}" ||
		fail "an open that waits for a lease cannot be killed"
	release leases
	for i in "${pids[@]:10}"; do
		wait "$i" || fail "an open failed once the leases were gone"
	done
}

opens() { [ "$(counter OPEN)" -ge "$1" ]; }

none_runs() { # PID...
	local pid
	for pid; do
		kill -0 "$pid" 2> /dev/null && ! grep -q '^State:.Z' "/proc/$pid/status" && return 1
	done
	return 0
}

# truncate(2), lseek(2) and fcntl(2) locks break leases, too. These requests wait in the pool and
# not in a worker.
each_lease_breaks_block_no_worker() {
	real || skip "natively each process waits by itself"
	two_users 40
	view -o cache=none,locks=lower
	take_leases 20
	local i pids=()
	for i in $(seq 20); do
		as $A env PATH=/usr/bin:/bin timeout 40 python3 \
			-c 'import os, sys; os.truncate(sys.argv[1], 1)' "$VIEW/a/$i" &
		pids+=($!)
	done
	sleep 0.3
	others_go_on 30 "truncate(2) waits for leases"
	release leases
	wait "${pids[@]}"
	for i in $(seq 20); do
		equal "$(stat -c %s "$LOWER/a/$i")" 1 "size of $i"
	done
}

# Thaws the file system however the case ends, because a frozen file system would outlive the case.
freeze() {
	[ -x "$(command -v fsfreeze)" ] || skip "fsfreeze is not installed"
	fsfreeze -f "$FS"
	trap 'frozen_end' EXIT
	(sleep 30; fsfreeze -u "$FS" 2> /dev/null) 9>&- &
	THAWER=$!
}

frozen_end() {
	local status=$?
	fsfreeze -u "$FS" 2> /dev/null
	(exit $status)
	scenario_end
}

thaw() {
	fsfreeze -u "$FS"
	kill $THAWER
}

# While the lower file system is frozen, changes wait. Reads and stat do not, not even those of the
# user whose changes wait.
each_frozen_lower_blocks_changes_only() {
	real || skip "natively each process waits by itself"
	two_users 60
	view -o cache=none
	cat "$VIEW/b/1" > /dev/null
	local i pids=()
	freeze
	for i in $(seq 40); do
		as $A sh -c "chmod 600 '$VIEW/a/$i'; mkdir '$VIEW/a/d$i/new'" &
		pids+=($!)
	done
	sleep 0.5
	others_go_on 42 "the lower file system is frozen"
	timeout 5 setpriv --reuid $A --regid $A --clear-groups cat "$VIEW/a/50" > /dev/null ||
		fail "a read of the user whose changes wait hangs"
	thaw
	wait "${pids[@]}"
	for i in $(seq 40); do
		equal "$(stat -c %a "$LOWER/a/$i")" 600 "mode of $i"
		check test -d "$LOWER/a/d$i/new"
	done
}

# The daemon refuses an object that it cannot read to the end, and answers other requests meanwhile.
once_unreadable_filter_object_blocks_nobody() {
	need_filters
	lower tmpfs
	view -o cache=none
	mkfifo "$T/fifo.bpf.o"
	truncate -s 20M "$T/large.bpf.o"
	refused 'not a regular file' timeout 15 "$PENSTOCK" filter add "$VIEW" "$T/fifo.bpf.o"
	refused 'not a regular file' timeout 15 "$PENSTOCK" filter add "$VIEW" /dev/zero
	refused 'too large' timeout 15 "$PENSTOCK" filter add "$VIEW" "$T/large.bpf.o"
	# The object lies in a view whose daemon is stopped.
	mkdir "$T/dead"
	LOWER=$T/dead view -o cache=none "$T/dead" "$T/deadview"
	: > "$T/dead/x.bpf.o"
	kill -STOP "${VIEW_PIDS[1]}"
	timeout 25 "$PENSTOCK" filter add "$T/view0" "$T/deadview/x.bpf.o" > "$T/said" 2>&1 &
	local add=$!
	sleep 0.3
	VIEW=$T/view0
	timeout 5 "$PENSTOCK" stat "$VIEW" > /dev/null || fail "stat hangs while an object hangs"
	timeout 5 "$PENSTOCK" filter list "$VIEW" > /dev/null ||
		fail "filter list hangs while an object hangs"
	wait $add && fail "an object that cannot be read was added"
	grep -q 'within 10 seconds' "$T/said" || fail "it said: $(cat "$T/said")"
	kill -CONT "${VIEW_PIDS[1]}"
}

# A user who opens as many files or directories as possible does not use up the daemon's
# descriptors.
once_one_user_leaves_descriptors_to_others() {
	real || skip "there is no daemon"
	two_users 5
	local what pid n error
	for what in a/1 a; do
		rm -f "$T/opened"
		DAEMON_PREFIX="prlimit --nofile=600"
		view -r -o cache=none,passthrough=off
		setpriv --reuid $A --regid $A --clear-groups env PATH=/usr/bin:/bin \
			python3 - "$VIEW/$what" \
			> "$T/opened" <<-'END' 9>&- &
			import os, sys, time
			n = 0
			try:
			    while True:
			        os.open(sys.argv[1], os.O_RDONLY)
			        n += 1
			except OSError as e:
			    print(n, e.errno, flush=True)
			time.sleep(50)
		END
		pid=$!
		within 10 test -s "$T/opened" || fail "the user finds no end"
		echo "opened: $(cat "$T/opened")"
		read -r n error < "$T/opened"
		[ "$n" -lt 400 ] && [ "$error" = 24 ] || fail "a user opened $n, then error $error"
		check timeout 5 setpriv --reuid $B --regid $B --clear-groups cat "$VIEW/b/1"
		check timeout 5 setpriv --reuid $B --regid $B --clear-groups ls "$VIEW/b"
		check timeout 5 setpriv --reuid $B --regid $B --clear-groups sh \
			-c "echo x > '$VIEW/b/new'"
		check timeout 5 cat "$VIEW/a/2"
		check not as $A cat "$VIEW/a/3" 2> /dev/null
		check timeout 5 "$PENSTOCK" stat "$VIEW"
		kill $pid
		wait $pid 2> /dev/null
		within 5 as $A cat "$VIEW/a/3" || fail "closing gives nothing back"
		unview
	done
}

# A user who queues locks gets ENOLCK at some number. The lock of another user still waits for its
# turn.
each_one_user_leaves_waiting_locks_to_others() {
	passing || skip "locks do not depend on how data goes"
	two_users 1
	echo shared > "$LOWER/shared"
	chmod 666 "$LOWER/shared"
	view -o cache=none,locks=lower
	exec 7< "$VIEW/shared"
	check flock -x 7
	setpriv --reuid $A --regid $A --clear-groups env PATH=/usr/bin:/bin python3 - \
		"$VIEW/shared" \
		> "$T/waiting" 2>&1 <<- 'END' 9>&- &
		import fcntl, sys, threading, time
		threading.stack_size(65536)
		waiting, refused = 0, []
		def wait():
		    try:
		        fcntl.flock(open(sys.argv[1]), fcntl.LOCK_EX)
		    except OSError as e:
		        refused.append(e.errno)
		while not refused and waiting < 1500:
		    threading.Thread(target=wait, daemon=True).start()
		    waiting += 1
		    time.sleep(0.0005)
		time.sleep(0.2)
		print(waiting - len(refused), refused[:1], flush=True)
		time.sleep(60)
	END
	local pid=$! other
	within 30 test -s "$T/waiting" || fail "the user finds no end"
	echo "waiting: $(cat "$T/waiting")"
	grep -q '^[1-9][0-9]* .37.$' "$T/waiting" ||
		fail "the user got $(cat "$T/waiting"), not ENOLCK"
	timeout 30 setpriv --reuid $B --regid $B --clear-groups flock -x "$VIEW/shared" true &
	other=$!
	sleep 0.3
	kill -0 $other 2> /dev/null || fail "the lock of another user does not wait"
	kill $pid
	wait $pid 2> /dev/null
	flock -u 7
	wait $other || fail "the lock of another user is refused"
	exec 7<&-
}

# A process that is stopped and continued while its open waits for a lease gets the file when the
# lease ends, as on the lower file system. The open is for writing, because with passthrough the
# kernel itself waits in opens for reading, and returns EIO.
each_open_of_a_stopped_process_waits_for_the_lease() {
	two_users 1
	view -o cache=none
	take_leases 1
	setpriv --reuid $A --regid $A --clear-groups dd if=/dev/null of="$VIEW/a/1" \
		conv=notrunc,fdatasync \
		> "$T/got" 2>&1 9>&- &
	local pid=$!
	sleep 0.3
	for _ in 1 2 3; do
		kill -STOP $pid
		sleep 0.05
		kill -CONT $pid
		sleep 0.05
	done
	kill -0 $pid 2> /dev/null || fail "the open did not wait: $(cat "$T/got")"
	release leases
	wait $pid || fail "the open failed: $(cat "$T/got")"
	equal "$(cat "$LOWER/a/1")" 1
}
