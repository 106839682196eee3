# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# A lock excludes users of the view only (locks=local), or users of the lower file as well
# (locks=lower).

lock_tree() { # OPTIONS
	lower ext4
	echo text > "$LOWER/f"
	view -o "cache=none,$1"
}

each_lower_locks_exclude_users_of_lower() {
	local kind
	lock_tree locks=lower
	for kind in flock posix ofd; do
		holder view lock "$VIEW/f" $kind ex
		equal "$SAID" held "$kind in the view"
		check_excluded $kind "$LOWER/f" "below, while the view has it"
		check_excluded $kind "$VIEW/f" "in the view, while the view has it"
		release view
		lock_when_free below "$LOWER/f" $kind ex
		equal "$SAID" held "$kind below"
		check_excluded $kind "$VIEW/f" "in the view, while it is held below"
		release below
		holder view lock "$VIEW/f" $kind sh
		holder below lock "$LOWER/f" $kind sh
		equal "$SAID" held "shared $kind below and in the view"
		release below
		release view
		lock_when_free view "$VIEW/f" $kind ex
		equal "$SAID" held "$kind after all have gone"
		release view
		ok "$kind"
	done
}

check_excluded() { # KIND FILE WHERE
	equal "$(act lock "$2" "$1" ex < /dev/null)" EAGAIN "$1 $3"
}

each_local_locks_exclude_users_of_view_only() {
	real || skip "a bind mount has lower locks only"
	local kind
	lock_tree locks=local
	for kind in flock posix ofd; do
		holder view lock "$VIEW/f" $kind ex
		equal "$SAID" held "$kind in the view"
		holder below lock "$LOWER/f" $kind ex
		equal "$SAID" held "$kind below at the same time"
		check_excluded $kind "$VIEW/f" "in the view"
		release below
		release view
	done
}

# Runs the same steps as with local locks, among them waiters that are interrupted or killed, and
# locks that close(2) drops.
each_lock_operations_are_right_with_lower_locks() {
	lock_tree locks=lower
	parity lock
}

each_lock_waits_for_holder_below() {
	local kind
	lock_tree locks=lower
	for kind in flock posix ofd; do
		holder below lock "$LOWER/f" $kind ex
		"$TOOLS/act" lock "$VIEW/f" $kind ex wait < /dev/null > "$T/waiter" 2>&1 9>&- &
		local waiter=$!
		sleep 0.2
		check test ! -s "$T/waiter"
		# Other requests do not wait for the processes that wait for the lock.
		equal "$(timeout 5 cat "$VIEW/f")" text
		release below
		within 5 grep -q held "$T/waiter" || fail "$kind: does not get what is free"
		wait $waiter
	done
}

# When the daemon dies, a process that waits for a lock gets an error.
each_waiter_ends_when_daemon_dies() {
	real || skip "there is no daemon"
	lock_tree locks=lower
	holder below lock "$LOWER/f" flock ex
	"$TOOLS/act" lock "$VIEW/f" flock ex wait < /dev/null > "$T/waiter" 2>&1 9>&- &
	local waiter=$!
	sleep 0.1
	kill -KILL "${VIEW_PIDS[0]}"
	within 5 daemon_done $waiter || fail "the waiter hangs"
	release below
	check umount "$VIEW"
	unset "VIEW_DIRS[0]"
	daemon_ended 0
	rm -f /run/penstock/*
}

# Both sides write to one database: with locks=lower each side waits for the other one's locks.
once_sqlite_from_both_sides_loses_nothing() {
	passing || skip "pages of the view's own are not seen by others at once"
	/usr/bin/python3 -c 'import sqlite3' 2> /dev/null || skip "no sqlite3"
	lock_tree locks=lower
	check timeout 50 /usr/bin/python3 - "$VIEW/db" "$LOWER/db" <<-'X'
		import multiprocessing, sqlite3, sys
		paths = sys.argv[1:]
		def work(n):
		    c = sqlite3.connect(paths[n % 2], timeout=60, isolation_level=None)
		    c.execute("pragma synchronous=off")
		    for i in range(120):
		        c.execute("insert into t values (?)", (n * 1000 + i,))
		base = sqlite3.connect(paths[0])
		base.execute("create table t (a integer)")
		base.commit()
		base.close()
		processes = [multiprocessing.Process(target=work, args=(n,)) for n in range(4)]
		for p in processes: p.start()
		for p in processes: p.join()
		assert all(p.exitcode == 0 for p in processes)
		for path in paths:
		    base = sqlite3.connect(path)
		    n = base.execute("select count(distinct a) from t").fetchone()[0]
		    print(n, "of 480 rows in", path)
		    assert n == 480
		    assert base.execute("pragma integrity_check").fetchone()[0] == "ok"
	X
}
