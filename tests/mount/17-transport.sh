# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# Requests and replies go through /dev/fuse or io_uring. An io_uring queue belongs to one CPU and
# has few entries, and its setup may fail in many ways.

LIMIT[queue_of_an_offline_cpu_is_served]=120

uring=/sys/module/fuse/parameters/enable_uring

need_uring() {
	real || skip "a bind mount has no transport"
	[ -e $uring ] || skip "this kernel has no FUSE over io_uring"
	[ "$(cat $uring)" = Y ] || skip "FUSE over io_uring is switched off in $uring"
}

# Each spelling of the option chooses the transport that it names.
once_options_choose_the_transport() {
	need_uring
	lower tmpfs
	echo text > "$LOWER/f"
	local row want
	for row in transport=uring:uring io_uring:uring :uring transport=auto:uring \
		transport=dev:dev \
		transport=uring,uring_depth=1:uring io_uring,io_uring_q_depth=32:uring \
		transport=uring,workers=1:uring transport=uring,workers=64:uring \
		transport=uring,max_write=4096,passthrough=off:uring enable_uring:uring; do
		want=${row##*:}
		view -r -o "cache=none${row:+,}${row%:*}"
		equal "$(info transport)" "$want" "transport with '${row%:*}'"
		equal "$(cat "$VIEW/f")" text "${row%:*}"
		head -c 300000 /dev/urandom > "$LOWER/big"
		check cmp "$VIEW/big" "$LOWER/big"
		cp "$LOWER/big" "$VIEW/copy"
		same
		unview
	done
}

# The daemon logs that it cannot use io_uring and serves through /dev/fuse; with transport=uring the
# mount fails instead.
once_view_without_working_uring_uses_dev_fuse() {
	need_uring
	lower tmpfs
	echo text > "$LOWER/f"
	local way log
	for way in setup enable register; do
		DAEMON_PREFIX="env LD_PRELOAD=$TOOLS/no-uring.so NO_URING=$way"
		view -r -o cache=none
		log=$T/daemon$((N_VIEWS - 1)).log
		equal "$(info transport)" dev "$way"
		check grep -q 'warning: .*: serving through /dev/fuse' "$log"
		equal "$(cat "$VIEW/f")" text "$way"
		mkdir "$VIEW/$way" && check as 1001 ls "$VIEW/$way"
		same
		unview
		refused 'transport=uring: ' timeout 20 $DAEMON_PREFIX "$PENSTOCK" mount \
			-o transport=uring "$LOWER" "$T"
		ok "$way"
	done
	# A queue with one entry less than planned is used nevertheless.
	DAEMON_PREFIX="env LD_PRELOAD=$TOOLS/no-uring.so NO_URING=one"
	view -r -o cache=none,transport=uring
	equal "$(info transport)" uring
	equal "$(cat "$VIEW/f")" text "one entry less"
	same
}

# A request may arrive when all entries of its queue are in use, before the daemon has registered
# another entry. The new entry then serves the request, even if the last requests of the queue were
# all for directories.
once_request_before_a_late_entry_is_served() {
	need_uring
	[ "$(nproc)" -gt 1 ] || skip "there is one CPU, so one queue"
	lower ext4
	mkdir "$LOWER"/{1,2}
	: > "$LOWER/f"
	DAEMON_PREFIX="env LD_PRELOAD=$TOOLS/no-uring.so NO_URING=late"
	view -r -o cache=none,transport=uring
	local i looked thaw pids=()
	taskset -cp 1 $BASHPID > /dev/null
	exec 7< "$VIEW/f"
	# The daemon found the view slow at its start, so it sends every request to the pool for a
	# second.
	sleep 1.5
	fsfreeze -f "$FS" || skip "it cannot be frozen"
	(sleep 40; fsfreeze -u "$FS") 7<&- &
	thaw=$!
	for i in 1 2; do
		taskset -c 0 mkdir "$VIEW/$i/new" 7<&- &
		pids+=($!)
	done
	check within 10 all_make 2
	# The slow requests end only after the stat, so a stat that waits for them does not end.
	timeout 30 taskset -c 0 stat "$VIEW" 7<&- > /dev/null
	looked=$?
	kill $thaw && fsfreeze -u "$FS"
	for i in "${pids[@]}"; do wait "$i" || fail "a slow one failed"; done
	[ $looked = 0 ] || fail "a look waited for slow requests that came before it"
	exec 7<&-
}

# Requests that the kernel makes of FUSE_NOTIFY_RETRIEVE have the numbers that the daemon chose. The
# kernel finds a request by its number, so no two threads may choose the same one.
once_retrieves_have_different_numbers() {
	need_uring
	lower tmpfs
	: > "$LOWER/f"
	DAEMON_PREFIX="env LD_PRELOAD=$TOOLS/retrieves.so RETRIEVES=$T/retrieves"
	view -r -o cache=none,locks=lower,transport=uring
	local i n pids=()
	exec 7< "$VIEW/f"
	check flock -x 7
	for i in $(seq 12); do
		timeout 40 taskset -c $((i % $(nproc))) flock -x "$VIEW/f" true &
		pids+=($!)
	done
	check within 10 all_wait 13
	flock -u 7
	for i in "${pids[@]}"; do wait "$i" || fail "one who waited did not get the lock"; done
	exec 7<&-
	n=$(grep -c ' 0$' "$T/retrieves")
	[ "$n" -gt 1 ] || fail "the daemon sent $n notifications"
	equal "$(grep ' 0$' "$T/retrieves" | cut -d ' ' -f 1 | sort | uniq -d)" '' \
		"numbers chosen twice"
}

# Mounts a view, locks $VIEW/f as descriptor 7 and starts N processes on CPU 0 that wait for it.
# Adds their process ids to pids.
start_lock_waiters() { # N
	local i
	lower tmpfs
	: > "$LOWER/f"
	view -o cache=none,locks=lower
	exec 7< "$VIEW/f"
	check flock -x 7
	for i in $(seq "$1"); do
		taskset -c 0 flock -x "$VIEW/f" true &
		pids+=($!)
	done
	check within 10 all_wait "$1"
}

all_wait() { [ "$(counter SETLKW)" -ge "$1" ]; }

# Each waiting lock keeps an entry of the queue. If waiting locks took all entries, the unlock
# request could not arrive: deadlock.
each_waiting_locks_leave_the_queue_usable() {
	local i pids=()
	start_lock_waiters 60
	taskset -c 0 timeout 5 stat "$VIEW" > /dev/null || fail "nobody is served while locks wait"
	taskset -c 0 flock -u 7
	for i in "${pids[@]}"; do wait "$i" || fail "one who waited did not get the lock"; done
	exec 7<&-
}

# 128 locks can wait, also with filters, because their requests lie in ordinary memory. Further ones
# fail with ENOLCK, and the unlock request still arrives.
once_locks_that_find_no_slot_are_refused() {
	need_uring
	need_filters
	lower tmpfs
	: > "$LOWER/f"
	LOG_MAY='one more worker'
	view -r -o cache=none,locks=lower,transport=uring -F guard
	local i r pids=() n_got=0
	exec 7< "$VIEW/f"
	check flock -x 7
	for i in $(seq 160); do
		timeout 40 taskset -c 0 flock -x "$VIEW/f" true 2> /dev/null &
		pids+=($!)
	done
	within 20 all_wait 160 || fail "a request for a lock does not come in"
	taskset -c 0 timeout 5 stat "$VIEW" > /dev/null || fail "nobody is served while locks wait"
	taskset -c 0 flock -u 7
	for i in "${pids[@]}"; do
		wait "$i"
		r=$?
		[ $r != 124 ] || fail "one who waited did not get the lock"
		[ $r != 0 ] || n_got=$((n_got + 1))
	done
	echo "$n_got of 160 got the lock"
	[ $n_got -ge 100 ] || fail "$n_got of 160 got the lock"
	exec 7<&-
}

# Killed waiters of a lock leave the queue, too. The kernel sends their FUSE_INTERRUPT through
# /dev/fuse, even if their requests came through io_uring.
each_killed_lock_waiters_leave_the_queue() {
	local pids=()
	start_lock_waiters 30
	kill -KILL "${pids[@]}"
	wait "${pids[@]}" 2> /dev/null
	exec 7<&-
	check timeout 5 flock -x "$VIEW/f" true
}

microseconds() { # CMD...
	local before=${EPOCHREALTIME/[.,]/}
	"$@" > /dev/null
	echo $((${EPOCHREALTIME/[.,]/} - before))
}

# Calls stat FILE on the CPU of the blocked requests. A stat that waits for them takes at least 700
# ms. A busy machine also delays stat /, which runs next for comparison.
looks_soon() { # FILE WHY
	local took beside
	took=$(microseconds taskset -c 0 stat "$1")
	beside=$(microseconds taskset -c 0 stat /)
	echo "a look while $2: $took us, a look at / beside it: $beside us"
	[ "$took" -lt $((700000 + 10 * beside)) ] || fail "a look took $took us while $2"
}

# More slow operations than the queue has entries do not delay other requests.
each_slow_operations_do_not_block_others() {
	need_filters
	lower tmpfs
	# The kernel locks a directory while it creates a name in it, so each slow request has its
	# own directory.
	mkdir "$LOWER/d" "$LOWER"/d{1..14}
	view -o cache=none -F fault,ops=mkdir,delay_us=1500000
	local i pids=()
	for i in $(seq 14); do
		taskset -c 0 mkdir "$VIEW/d$i/new" &
		pids+=($!)
	done
	check within 10 all_make 14
	for i in 1 2 3 4 5; do looks_soon "$VIEW/d" "other operations are slow"; done
	for i in "${pids[@]}"; do wait "$i" || fail "a slow one failed"; done
	same
}

all_make() { [ "$(counter MKDIR)" -ge "$1" ]; }

# The lower file system is a FUSE file system (a second view) whose mkdir takes 1.5 seconds.
each_slow_fuse_lower_does_not_block_others() {
	need_filters
	local i pids=()
	lower tmpfs
	mkdir -p "$LOWER"/d{1,2,3,4} "$LOWER/e"
	touch "$LOWER"/e/{1,2,3}
	view -r -o cache=none -F fault,ops=mkdir,delay_us=1500000
	view -o cache=none "$VIEW"
	ls -lR "$VIEW" > /dev/null
	for i in 1 2 3 4; do
		taskset -c 0 mkdir "$VIEW/d$i/x" &
		pids+=($!)
	done
	check within 10 all_make 4
	for i in 1 2 3; do looks_soon "$VIEW/e/$i" "those below are slow"; done
	for i in "${pids[@]}"; do wait "$i" || fail "a slow one failed"; done
}

# After one slow request the daemon sends requests of a local file system to the pool for a second,
# too.
each_frozen_lower_does_not_block_others() {
	local i pids
	lower ext4
	mkdir -p "$LOWER"/d{1,2} "$LOWER/e"
	touch "$LOWER/e/1"
	view -o cache=none
	ls -lR "$VIEW" > /dev/null
	for i in 1 2; do
		fsfreeze -f "$FS" || skip "it cannot be frozen"
		(sleep 1; fsfreeze -u "$FS") &
		pids=($!)
		taskset -c 0 mkdir "$VIEW/d$i/x" &
		pids+=($!)
		check within 10 all_make $i
		[ $i = 1 ] || looks_soon "$VIEW/e/1" "what lies below is frozen"
		wait "${pids[@]}"
	done
	check test -d "$LOWER/d2/x"
}

# While CPU 1 is offline, another queue serves its requests.
slow_queue_of_an_offline_cpu_is_served() {
	local cpu=/sys/devices/system/cpu/cpu1/online i
	need_uring
	[ -w $cpu ] || skip "there is no CPU that can be switched off"
	[ "$(cat $cpu)" = 1 ] || skip "CPU 1 is switched off already"
	lower tmpfs
	view -r -o cache=none,transport=uring
	(while echo text > "$VIEW/f" && cat "$VIEW/f"; do :; done) > /dev/null 2>&1 &
	local loader=$!
	for i in 1 2 3; do
		sleep 0.5
		echo 0 > $cpu || skip "CPU 1 cannot be switched off"
		sleep 0.5
		timeout 5 stat "$VIEW" > /dev/null ||
			{ echo 1 > $cpu; fail "no answer without CPU 1"; }
		echo 1 > $cpu
		timeout 5 taskset -c 1 stat "$VIEW" > /dev/null || fail "no answer on CPU 1"
	done
	kill $loader
	# Then the view is mounted while CPU 1 is offline.
	unview
	echo 0 > $cpu
	view -r -o cache=none,transport=uring
	timeout 5 stat "$VIEW" > /dev/null || { echo 1 > $cpu; fail "no answer without CPU 1"; }
	echo 1 > $cpu
	timeout 5 taskset -c 1 stat "$VIEW" > /dev/null || fail "no answer on the new CPU 1"
}
