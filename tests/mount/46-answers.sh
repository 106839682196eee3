# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# The library's functions for programs that answer operations, on a view of tests/mount/answers.c:
# the caches that the kernel drops, lower files that files get later, answers that come later, and
# the program's own event loop. The kernel caches all that the program has said without a limit.

LOG='' SEEN=0

# answers_view [loop]: mounts the view. Lines for the program go to descriptor 7.
answers_view() {
	lower ext4
	mkfifo "$T/lines"
	exec 7<> "$T/lines"
	LOG=$T/daemon$N_VIEWS.log
	program_view "$EXAMPLES/../tests/answers" "$LOWER" {} "$T/lines" "$@"
	line set a "$(printf '%s' text-of-a)"
}

# line WORD...: sends a line, and waits until the program has carried it out.
line() {
	local n
	n=$(grep -cx done "$LOG")
	echo "$*" >&7
	within 10 eval '[ "$(grep -cx done "$LOG")" -gt '"$n"' ]' || fail "no answer to: $*"
}

end_program() {
	unset "VIEW_DIRS[N_VIEWS - 1]"
	echo free >&7
	daemon_ended $((N_VIEWS - 1)) 0
}

end_view() {
	within 5 unmounted "$VIEW" || fail "cannot unmount the view"
	end_program
}

# Succeeds if the program has printed a line after the first SEEN lines.
printed() { tail -n +$((SEEN + 1)) "$LOG" | grep -Eqx "$1"; }

said() { # TEXT
	within 10 printed "$1" || fail "the program has not printed '$1': $(cat "$LOG")"
}

# From now on, said() looks at later lines only.
from_here() { SEEN=$(wc -l < "$LOG"); }

text_is() { equal "$(as "$1" cat "$VIEW/$2")" "$3" "text of $2 for user $1"; }

# Looks at all that the kernel can cache, as a user.
fill_caches() { # USER
	as "$1" cat "$VIEW/a" > /dev/null
	as "$1" stat "$VIEW/a" > /dev/null
	as "$1" ls -l "$VIEW" > /dev/null
	check not as "$1" stat "$VIEW/absent" 2> /dev/null
}

each_kernel_drops_what_the_program_has_changed() {
	local user
	alone
	answers_view
	for user in 0 1000; do
		line set a one
		line data a
		becomes one as $user cat "$VIEW/a"
		fill_caches 0
		fill_caches 1000
		# Data: the old one as long as the program is silent.
		line set a two
		text_is $user a one
		line data a
		becomes two as $user cat "$VIEW/a"
		line set a longer-text
		line data a
		becomes longer-text as $user cat "$VIEW/a"
		equal "$(as $user stat -c %s "$VIEW/a")" 12 "size"
		# Attributes.
		line chmod a 600
		equal "$(as $user stat -c %a "$VIEW/a")" 644 "mode in the cache"
		line attr a
		becomes 600 as $user stat -c %a "$VIEW/a"
		check not as 1000 cat "$VIEW/a"
		line chmod a 644
		line attr a
		becomes 644 as $user stat -c %a "$VIEW/a"
		# A name that did not exist.
		line set absent here-now
		check not as $user stat "$VIEW/absent"
		line name absent
		becomes 9 as $user stat -c %s "$VIEW/absent"
		# A name that leads to another file.
		line move a old
		line set a other-file
		text_is $user a longer-text
		line name a
		becomes other-file as $user cat "$VIEW/a"
		line name old
		becomes longer-text as $user cat "$VIEW/old"
		# Names that are gone, one of them of an open file.
		exec 8< "$VIEW/old"
		line removed old
		within 10 eval '! as '$user' stat "$VIEW/old" 2> /dev/null' || fail "old is there"
		exec 8<&-
		line drop absent
		check as $user stat -c %s "$VIEW/absent" > /dev/null
		line name absent
		within 10 eval '! as '$user' stat "$VIEW/absent" 2> /dev/null' || fail "it is there"
		equal "$(as $user ls "$VIEW" | tr '\n' ' ')" "a " "names"
	done
	end_view
}

# From the next first open on, the kernel reads and writes the lower file.
each_file_with_a_key_gets_a_lower_file() {
	alone
	answers_view
	echo text-of-a > "$LOWER/.a"
	chmod 666 "$LOWER/.a"
	mkdir "$T/elsewhere"
	mount -t tmpfs -o size=1m none "$T/elsewhere"
	echo other > "$T/elsewhere/f"
	text_is 1000 a text-of-a
	line back a "$T/elsewhere/f"
	said "back -18"
	line back a "$LOWER"
	said "back -22"
	# While the program has the file open for a client, the client reads the program's bytes.
	exec 8< "$VIEW/a"
	line back a "$LOWER/.a"
	said "back 0"
	line back a "$LOWER/.a"
	said "back -16"
	echo text-of-A > "$LOWER/.a"
	equal "$(cat <&8)" text-of-a "an open file"
	exec 8<&-
	local user
	for user in 0 1000; do
		echo "below for $user" > "$LOWER/.a"
		becomes "below for $user" as $user cat "$VIEW/a"
		no_data_requests as $user sh -c "echo written by $user > '$VIEW/a'"
		equal "$(cat "$LOWER/.a")" "written by $user" "lower file"
		equal "$(as $user stat -c '%s %a' "$VIEW/a")" "$(stat -c '%s %a' "$LOWER/.a")" \
			"attributes"
	done
	umount "$T/elsewhere"
	# The lower file goes with the node, and can be given again.
	echo TEXT-OF-A > "$LOWER/.a"
	drop_caches
	text_is 1000 a text-of-a
	line back a "$LOWER/.a"
	becomes TEXT-OF-A as 1000 cat "$VIEW/a"
	end_view
}

each_program_copies_and_answers_ioctl() {
	answers_view
	line set b xxxxxxxxxx
	cat "$VIEW/b" > /dev/null
	requests READ,WRITE python3 - "$VIEW/a" "$VIEW/b" <<- 'END' || fail "copy_file_range"
		import fcntl, os, sys
		a, b = os.open(sys.argv[1], os.O_RDWR), os.open(sys.argv[2], os.O_RDWR)
		assert os.copy_file_range(a, b, 4, 5, 2) == 4
		number = fcntl.ioctl(a, 0xc0047001, b'\x29\0\0\0')
		assert number == b'\x2a\0\0\0', number
		try:
		    fcntl.ioctl(a, 0xc0047002, b'\x29\0\0\0')
		    sys.exit('an ioctl that does not exist')
		except OSError as error:
		    assert error.errno == 25, error
	END
	equal "$N" 0 "READ and WRITE"
	said "copied 4"
	equal "$(cat "$VIEW/b")" "xxof-axxxx" "text of b"
	end_view
}

# A request that the program keeps holds up nobody else; the program answers it from any thread.
each_answer_comes_later() {
	answers_view "$@"
	line set slow slow-text
	line keep slow
	as 1000 cat "$VIEW/slow" > "$T/read" &
	local reader=$!
	said "kept slow"
	text_is 0 a text-of-a
	text_is 1000 a text-of-a
	line replies 5
	wait $reader
	equal "$(cat "$T/read")" "slow-" "what the reader got"
	# A second answer is logged, and harms nobody.
	LOG_MAY='called pst_reply\(\) for a request that it does not have'
	line again 5
	said ".*$LOG_MAY.*"
	text_is 1000 a text-of-a
	# An error.
	line hold slow
	from_here
	cat "$VIEW/slow" 2> "$T/read" &
	reader=$!
	said "kept slow"
	line reply -5
	wait $reader
	equal $? 1 "status of the reader"
	check grep -q 'Input/output error' "$T/read"
	end_view
}

each_loop_of_the_program_runs_callbacks() {
	each_answer_comes_later loop
	check not grep -q 'wrong thread' "$LOG"
}

# Signals to the program interrupt its poll(2), and no request.
each_loop_of_the_program_takes_signals() {
	answers_view loop
	local i pid=${VIEW_PIDS[N_VIEWS - 1]} readers=()
	for i in 1 2 3 4; do
		as 1000 sh -c "for i in \$(seq 40); do cat '$VIEW/a' || exit 1
			stat '$VIEW/absent' 2> /dev/null && exit 1; done; true" > /dev/null &
		readers+=($!)
	done
	for i in $(seq 20); do
		kill -USR1 "$pid"
		line data a
	done
	for i in "${readers[@]}"; do
		wait "$i" || fail "a reader has failed: $(cat "$LOG")"
	done
	said signal
	kill -TERM "$pid"
	said "unmount 0"
	said "ended 0"
	check not mountpoint -q "$VIEW"
	end_program
}

# A client that is being killed waits until the program, which learns of it, has answered.
each_killed_client_waits_for_the_answer() {
	answers_view "$@"
	line set slow slow-text
	line hold slow
	touch "$T/pid"
	chmod 666 "$T/pid"
	local user
	for user in 0 1000; do
		from_here
		as $user sh -c 'echo $$ > "$0"; exec cat "$1"' "$T/pid" "$VIEW/slow" > /dev/null &
		local shell=$! reader
		said "kept slow"
		reader=$(cat "$T/pid")
		line interrupted
		said "interrupted 0"
		kill -KILL "$reader"
		within 10 eval 'line interrupted; printed "interrupted 1"' ||
			fail "the program does not learn that the client is being killed"
		check kill -0 "$reader"
		text_is 1000 a text-of-a
		line reply -4
		wait $shell
		equal $? 137 "status of the client"
	done
	end_view
}

each_killed_client_of_a_loop_waits_for_the_answer() {
	each_killed_client_waits_for_the_answer loop
}

# The view ends while the program has a request: its answer has no effect, and is no error.
each_answer_may_come_after_the_end_of_the_view() {
	answers_view "$@"
	line set slow slow-text
	line keep slow
	cat "$VIEW/slow" > /dev/null 2> "$T/read" &
	local reader=$! i=$((N_VIEWS - 1))
	said "kept slow"
	echo 1 > "/sys/fs/fuse/connections/${VIEW_NUMBERS[i]}/abort"
	said "ended .*"
	wait $reader
	equal $? 1 "status of the reader"
	line interrupted
	line reply 5
	end_view
}

each_answer_to_a_loop_may_come_after_the_end_of_the_view() {
	each_answer_may_come_after_the_end_of_the_view loop
}

# A change of the filters finishes while the program has a request, which began before the change
# and ends as it began. Nothing of its answer stays in the kernel.
each_filters_change_while_the_program_has_a_request() {
	need_filters
	answers_view "$@"
	line set slow slow-text
	line hold slow
	local user reader
	for user in 0 1000; do
		from_here
		as $user cat "$VIEW/slow" > "$T/read" &
		reader=$!
		said "kept slow"
		check chain add hide,names=slow
		check not as 0 stat "$VIEW/slow"
		check not as 1000 cat "$VIEW/slow"
		line reply 0
		wait $reader
		equal "$(cat "$T/read")" slow-text "text for the reader who began before"
		check not as 0 stat "$VIEW/slow"
		check not as 1000 cat "$VIEW/slow"
		equal "$(ls "$VIEW")" a "names"
		check chain remove hide
		from_here
		as $user cat "$VIEW/slow" > "$T/read" &
		reader=$!
		said "kept slow"
		check chain add readonly
		check chain remove readonly
		line reply 0
		wait $reader
		equal "$(cat "$T/read")" slow-text "text for $user"
	done
	check not grep -q 'have not ended' "$LOG"
	end_view
}

# A filter that counts keeps no file locked while the program has the request.
each_quota_locks_no_file_while_the_program_has_a_request() {
	need_filters
	answers_view
	line set slow slow-text
	line hold slow
	check chain add quota,bytes=1G
	sh -c ": > '$VIEW/slow'" 2> /dev/null &
	local writer=$!
	said "kept slow"
	timeout 20 chmod 600 "$VIEW/slow" 2> /dev/null
	check [ $? != 124 ]
	check chain remove quota
	check not grep -q 'have not ended' "$LOG"
	line reply 0
	wait $writer
	end_view
}

# More requests than there is memory that filters can access, all at the same time: no client gets
# an error, and others are served meanwhile.
each_many_clients_wait_for_the_program() {
	need_filters
	answers_view "$@"
	line set slow slow-text
	line hold slow
	check chain add readonly
	local i readers=()
	for i in $(seq 70); do
		as 1000 cat "$VIEW/slow" > "$T/read$i" 2>&1 &
		readers+=($!)
	done
	within 20 eval '[ "$(grep -cx "kept slow" "$LOG")" = 70 ]' ||
		fail "the program has $(grep -cx 'kept slow' "$LOG") of 70 requests"
	for i in 0 1000 1001; do
		text_is $i a text-of-a
		equal "$(as $i ls "$VIEW" | tr '\n' ' ')" "a slow " "names for $i"
		check not as $i touch "$VIEW/new"
	done
	line hold nobody
	line replies 0
	for i in $(seq 70); do
		wait "${readers[i - 1]}"
		equal "$(cat "$T/read$i")" slow-text "text for client $i"
	done
	end_view
}

each_many_clients_wait_for_a_loop() {
	each_many_clients_wait_for_the_program loop
}

# Opens wait for the program while their file gets another name, some of their clients are killed,
# and the filters change. The program ends them in every way: all clients end, and the view goes on.
each_waiting_requests_outlive_names_clients_and_filters() {
	need_filters
	answers_view "$@"
	check chain add readonly
	local i result clients round=0
	for result in 0 -5 -5001; do
		round=$((round + 1))
		line set slow slow-text
		line hold slow
		clients=()
		for i in $(seq 8); do
			setpriv --reuid 1000 --clear-groups cat "$VIEW/slow" > "$T/read$i" 2>&1 &
			clients+=($!)
		done
		within 20 eval '[ "$(grep -cx "kept slow" "$LOG")" = $((8 * round)) ]' ||
			fail "the program does not get 8 opens"
		line move slow "moved$result"
		line name slow
		line set slow "another-file"
		kill -KILL "${clients[@]:0:4}"
		check chain add hide,names=a
		check not as 0 stat "$VIEW/a"
		check chain remove hide
		line hold nobody
		for i in 0 1000; do
			text_is $i a text-of-a
			text_is $i slow another-file
		done
		line replies $result
		for i in "${clients[@]}"; do
			within 20 gone "$i" || fail "a client waits after the answer $result"
		done
		for i in 5 6 7 8; do
			[ $result = 0 ] && equal "$(cat "$T/read$i")" slow-text "text after $result"
		done
		text_is 1000 "moved$result" slow-text
		line removed slow
		line removed "moved$result"
	done
	equal "$(as 1000 ls "$VIEW")" a "names"
	end_view
}

each_waiting_requests_of_a_loop_outlive_names_clients_and_filters() {
	each_waiting_requests_outlive_names_clients_and_filters loop
}
