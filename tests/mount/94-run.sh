# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# penstock run: a command in a view of a directory at the directory itself. Its exit status,
# signals, terminal and job control are those of the command alone, and nothing is left afterwards.

run_tree() {
	real || skip "about the program"
	lower ext4
	mkdir -p "$LOWER/src/deep" "$LOWER/.git"
	echo SECRET=hunter2 > "$LOWER/.env"
	echo text > "$LOWER/src/a"
	echo config > "$LOWER/.git/config"
	cd "$LOWER" || fail "no tree"
}

run() { timeout 50 "$PENSTOCK" run "$@"; }

# Fails unless a command ends with the same status in a view and without one.
same_status() { # COMMAND...
	local want got
	"$@" > /dev/null 2>&1
	want=$?
	"$PENSTOCK" run -- "$@" > /dev/null 2>&1
	got=$?
	equal $got $want "status of '$*'"
}

no_process() { ! grep -zqx -- "$1" /proc/[0-9]*/cmdline 2> /dev/null; }

# Nothing of a run is left: no process, no mount, no socket.
nothing_left() {
	within 10 no_process "$PENSTOCK" || fail "a process is left"
	equal "$(own_mounts)" "" "mounts"
	[ ! -e /run/penstock ] || equal "$(ls /run/penstock)" "" "sockets"
}

once_run_shows_the_view_at_the_directory_itself() {
	need_filters
	run_tree
	equal "$(run --hide .env --readonly /.git --mask 'a*' -- sh -c '
		pwd; ls -A; cat .env 2> /dev/null; cat src/a
		echo x 2> /dev/null > .git/config || echo readonly
		echo new > src/new')" "$LOWER
.git
src
xxxx
readonly" output
	equal "$(cat src/new)" new "what the command has written"
	run -o log=debug -- true 2> "$T/said"
	check not grep -q '^penstock: \.: ' "$T/said"
	check grep -q hunter2 .env
	equal "$(run --hide .env --hide '*.key:/src/deep' src -- sh -c 'pwd; cat .env; ls src')" \
		"$LOWER
SECRET=hunter2
a
deep
new" "output for another directory"
	nothing_left
}

once_run_works_in_a_directory_inside_and_outside_of_the_view() {
	run_tree
	equal "$(cd src/deep && run "$LOWER" -- pwd)" "$LOWER/src/deep" "working directory"
	equal "$(cd / && run "$LOWER" -- pwd)" / "working directory"
	need_filters
	cd src/deep || fail "no directory"
	refused 'working directory .*/src/deep' run --hide deep "$LOWER" -- true
}

# The first view forbids mounts, see src/run/system-calls.c.
once_view_in_a_view_is_refused() {
	run_tree
	user_device
	chmod 755 "$T"
	chown -R 1000:1000 "$LOWER"
	refused 'not permitted' as 1000 "$PENSTOCK" run -- "$PENSTOCK" run -- ls
	refused 'not permitted' run -- "$PENSTOCK" run -- ls
	nothing_left
}

once_exit_status_is_that_of_the_command() {
	local number
	run_tree
	for number in 0 1 7 127 255; do same_status sh -c "exit $number"; done
	for number in HUP INT QUIT KILL SEGV TERM USR1 RTMIN; do
		same_status bash -c "kill -$number \$\$"
	done
	run -- "$T/absent" 2> "$T/said"
	equal $? 127 "status for a program that is absent"
	check grep -q "cannot run $T/absent: No such file" "$T/said"
	run -- "$LOWER/src/a" 2> "$T/said"
	equal $? 126 "status for a file that is not executable"
	run "$T/absent" -- true 2> "$T/said"
	equal $? 125 "status for a directory that is absent"
	run 2> "$T/said"
	equal $? 125 "status without a command"
	check grep -q 'command after "--"' "$T/said"
	run / -- true 2> "$T/said"
	equal $? 125 "status for /"
	nothing_left
}

once_run_ends_with_what_the_command_has_left_behind() {
	run_tree
	run -- sh -c 'setsid sleep 12345 & echo begun' > "$T/said"
	equal "$(cat "$T/said")" begun
	check no_process sleep
	nothing_left
}

# Sends a signal to one process of a run: the command's, the supervisor's, or the server's.
killed() { # WHO
	local top server
	"$PENSTOCK" run -- sh -c 'echo $$ > ready; exec sleep 23456' 2> "$T/said" &
	top=$!
	within 10 test -s ready || fail "the command has not started"
	rm ready
	server=$(pgrep -P $top | head -n 1)
	case $1 in
	supervisor) kill -KILL $top ;;
	server) kill -KILL "$server" ;;
	init) kill -KILL "$(pgrep -P $top | tail -n 1)" ;;
	command) pkill -KILL -P "$(pgrep -P $top | tail -n 1)" ;;
	esac
	wait $top 2> /dev/null
	STATUS=$?
	within 10 no_process sleep || fail "the command outlives the $1"
	nothing_left
}

once_all_processes_end_when_one_is_killed() {
	run_tree
	killed supervisor
	killed server
	equal $STATUS 125 "status after the end of the server"
	check grep -q 'process of the view has ended' "$T/said"
	killed init
	equal $STATUS 125 "status after the end of init"
	killed command
	equal $STATUS 137 "status after the end of the command"
}

# A command that counts its signals: each arrives once, whether it was sent to the supervisor, to
# the process group, or by the terminal.
once_signals_reach_the_command_once() {
	run_tree
	python3 - "$PENSTOCK" <<- 'END' || fail "see above"
	import os, signal, subprocess, sys, time
	code = '''
	import signal, sys, time
	signal.signal(signal.SIGTERM, lambda *a: print("TERM", flush=True))
	signal.signal(signal.SIGINT, lambda *a: print("INT", flush=True))
	signal.signal(signal.SIGUSR1, lambda *a: sys.exit(42))
	print("begun", flush=True)
	while True: time.sleep(1)
	'''
	run = subprocess.Popen([sys.argv[1], "run", "--", "python3", "-c", code],
	                       stdout=subprocess.PIPE, text=True, start_new_session=True)
	assert run.stdout.readline() == "begun\n"
	for number, word in ((signal.SIGTERM, "TERM\n"), (signal.SIGINT, "INT\n")):
	    for send in (os.kill, os.killpg):
	        send(run.pid, number)
	        assert run.stdout.readline() == word
	        time.sleep(0.3)
	os.kill(run.pid, signal.SIGUSR1)
	rest = run.stdout.read()
	assert rest == "", f"signals that came twice: {rest}"
	assert run.wait() == 42, run.returncode
	END
}

once_job_control_is_that_of_the_shell() {
	run_tree
	# Shells use the terminal that the test makes.
	timeout 50 python3 - "$PENSTOCK" <<- 'END' || fail "see above"
	import os, pty, re, select, sys, time
	penstock = sys.argv[1]
	pid, fd = pty.fork()
	if pid == 0:
	    os.environ["PS1"] = "READY> "
	    os.execvp("bash", ["bash", "--norc", "--noprofile", "-i"])
	out = ""
	def wait_for(pattern):
	    global out
	    end = time.time() + 30
	    while not re.search(pattern, out, re.S):
	        assert time.time() < end, f"no {pattern} in {out!r}"
	        if select.select([fd], [], [], 0.2)[0]:
	            out += os.read(fd, 65536).decode()
	    out = out[re.search(pattern, out, re.S).end():]
	def tell(line):
	    os.write(fd, line.encode())
	wait_for("READY> ")
	# exec, because a shell that waits in vfork(2) for its stopped child cannot stop. Upper case
	# tells the command's lines from those that the terminal echoes.
	tell(f"{penstock} run -- sh -c 'echo be''gun; exec tr a-z A-Z'\n")
	wait_for("begun")
	tell("\x1a")
	wait_for("Stopped.*READY> ")
	tell("jobs\n")
	wait_for("Stopped.*READY> ")
	tell("fg\n")
	tell("continued\n")
	wait_for("CONTINUED")
	tell("\x03")
	wait_for("READY> ")
	tell("echo status=$?\n")
	wait_for("status=130")
	# A shell inside has job control of its own, and gives the terminal back. It leaves no
	# stopped job, with which it would refuse to exit.
	tell(f"{penstock} run -- bash --norc --noprofile -i\n")
	wait_for("READY> ")
	tell("sh -c 'echo be''gun; exec sleep 1000'\n")
	wait_for("begun")
	tell("\x1a")
	wait_for("Stopped.*READY> ")
	tell("kill -KILL %1; fg; exit 3\n")
	wait_for("READY> ")
	tell("echo status=$?; tty > /dev/null && echo terminal=yes\n")
	wait_for("status=3.*terminal=yes")
	# The same in a script, whose next command reads from the terminal.
	wait_for("READY> ")
	inner = f"export PS1=INNER; {penstock} run -- bash --norc -i; read x; echo re\"\"ad=$x"
	tell(f"bash -c '{inner}'\n")
	wait_for("read.*INNER")
	tell("exit\n")
	wait_for("exit")
	time.sleep(1)
	tell("word\n")
	wait_for("read=word")
	# A pipeline in the foreground, of which the command is one part.
	wait_for("READY> ")
	tell(f"{penstock} run -- echo from view | (tr a-z A-Z; tr a-z A-Z < /dev/tty)\n")
	wait_for("FROM VIEW")
	tell("typed\n")
	wait_for("TYPED")
	tell("\x04")
	wait_for("READY> ")
	tell("exit\n")
	END
}

once_pipes_of_the_caller_reach_the_command() {
	run_tree
	equal "$(run -- cat <(echo from a pipe))" "from a pipe" output
	equal "$(echo typed | run -- cat)" typed output
	printf 'a:\n\techo a-made\nb:\n\techo b-made\nall: a b\n' > Makefile
	equal "$(run -- make -s -j2 all | sort)" "$(printf 'a-made\nb-made')" "output of make"
	equal "$(yes | timeout 20 "$PENSTOCK" run -- head -n 1)" y "output of head"
}

once_lists_of_short_options_are_filters() {
	real || skip "about the program"
	lower tmpfs
	mkdir "$T/mnt"
	equal "$("$PENSTOCK" mount --dry-run --hide '.env:*.key' --readonly /.git --hide '/a\,b' \
		"$LOWER" "$T/mnt")" 'filter=hide,names=.env:*.key,paths=/a\,b
filter=readonly,paths=/.git' options
	refused 'name is empty' "$PENSTOCK" mount --dry-run --hide a::b "$LOWER" "$T/mnt"
	refused "has a ','" "$PENSTOCK" mount --dry-run --hide .env,a.key "$LOWER" "$T/mnt"
	refused "write '/\*.key'" \
		"$PENSTOCK" mount --dry-run --hide "$LOWER/*.key" "$LOWER" "$T/mnt"
}

# An ordinary user gets a view in a user namespace, and keeps name and rights.
once_ordinary_user_runs_a_command_in_a_view() {
	run_tree
	refused '/dev/fuse' as 1000 "$PENSTOCK" run -- true
	user_device
	chown -R 1000:1000 "$LOWER"
	chmod 755 "$T"
	as 1000 "$PENSTOCK" run -- sh -c 'id -u; pwd; cat src/a; echo new > src/new; exit 7' \
		> "$T/out" 2> "$T/said"
	equal $? 7 status
	equal "$(cat "$T/out")" "1000
$LOWER
text" output
	equal "$(stat -c '%u %s' src/new)" "1000 4" "new file"
	equal "$(grep -c "$LOWER: the view serves data itself" "$T/said")" 1 "lines about data"
	equal "$(as 1000 "$PENSTOCK" run -- sh -c 'echo x > /etc/passwd; id -u' 2> /dev/null)" 1000
	# The daemon may not read the program, on a mount that is read-only or not.
	cp /bin/true src/program
	chmod 4711 src/program
	equal "$(as 1000 "$PENSTOCK" run -- stat -c %a src/program 2> /dev/null)" 4711 "set-ID bits"
	mount --bind "$LOWER" "$LOWER"
	mount -o remount,bind,ro "$LOWER"
	equal "$(cd "$LOWER" && as 1000 "$PENSTOCK" run -- stat -c %a src/program 2> /dev/null)" \
		4711 "set-ID bits on a read-only mount"
	umount "$LOWER"
	# Without filters in the process, filters are refused, and nothing is shown without them.
	if ! as 1000 "$PENSTOCK" run --hide .env -- ls -A > "$T/out" 2> "$T/said"; then
		equal "$(cat "$T/out")" "" output
		check grep -q namespace "$T/said"
	else
		check not grep -q env "$T/out"
	fi
	nothing_left
}

# Starts a process in a user namespace that has the users of this one, and in which no other user
# namespace can be made. LIMITED is its number.
namespace_without_namespaces() {
	unshare -U -m sleep 1000 9>&- &
	LIMITED=$!
	within 5 eval \
		'[ "$(readlink /proc/$LIMITED/ns/user)" != "$(readlink /proc/self/ns/user)" ]' ||
		fail "no user namespace"
	echo 0 0 100000 > "/proc/$LIMITED/uid_map"
	echo 0 0 100000 > "/proc/$LIMITED/gid_map"
	in_limited sh -c 'echo 0 > /proc/sys/user/max_user_namespaces' || fail "no limit"
}

in_limited() { nsenter -U -m -S 0 -G 0 --wd="$PWD" -t "$LIMITED" "$@"; }

once_run_without_user_namespaces_says_what_is_missing() {
	run_tree
	user_device
	chmod 755 "$T"
	chown -R 1000:1000 "$LOWER"
	local user=(setpriv --reuid 1000 --regid 1000 --clear-groups) limit=max_user_namespaces=
	namespace_without_namespaces
	refused "user.$limit.*penstock mount DIR MOUNTPOINT" in_limited "${user[@]}" "$PENSTOCK" \
		run -- touch begun
	refused "user.$limit" in_limited "$PENSTOCK" run -- touch begun
	check not test -e begun
	in_limited "${user[@]}" "$PENSTOCK" probe > "$T/said"
	check grep -q "^run_as_user *off .*user.$limit" "$T/said"
	check not grep -q mount_as_user "$T/said"
	check grep -q '^user 1000 can mount views here, but not run commands in them; ' "$T/said"
	kill "$LIMITED"
	# The kernel makes no user namespace in a chroot.
	mkdir "$T/root"
	mount --rbind / "$T/root"
	refused 'chroot .*forbids.*Operation not permitted' chroot --userspec=1000:1000 "$T/root" \
		"$PENSTOCK" run "$LOWER" -- touch begun
	check not test -e begun
	umount -l "$T/root"
}

# The rows of probe say what users then find.
once_probe_tries_to_run_a_command() {
	run_tree
	chown -R 1000:1000 "$LOWER"
	chmod 755 "$T"
	mknod -m 600 "$T/closed" c 10 229 && mount --bind "$T/closed" /dev/fuse || fail "no node"
	refused '/dev/fuse' as 1000 "$PENSTOCK" run -- true
	"$PENSTOCK" probe --all > "$T/said" || fail "root: $(cat "$T/said")"
	check grep -q '^root can mount views and run commands in them here; ' "$T/said"
	check grep -q '^run_as_root *on ' "$T/said"
	check grep -q '^run_as_user *off .*/dev/fuse' "$T/said"
	check grep -q '^mount_as_user *off .*chmod 666 /dev/fuse' "$T/said"
	refused '^user 1000 can neither mount .* nor run' as 1000 "$PENSTOCK" probe
	umount /dev/fuse
	user_device
	as 1000 "$PENSTOCK" probe --all . > "$T/said" || fail "user: $(cat "$T/said")"
	check grep -q '^run_as_user *on ' "$T/said"
	check as 1000 "$PENSTOCK" run -- true
	nothing_left
}

# ---- --audit ------------------------------------------------------------------------------------

# Prints the events of FILE in which ACTION is among what was done: PROGRAM PATH, sorted.
audited() { # ACTION FILE
	python3 -c '
import json, sys
for event in sorted((e["comm"], e["path"]) for e in map(json.loads, open(sys.argv[2]))
                    if sys.argv[1] in e["did"]):
    print(*event)' "$1" "$2"
}

once_audit_records_files_by_process() {
	need_filters
	run_tree
	mkdir src/old
	run --hide .env --readonly /.git --audit "$T/a.json" -- sh -c '
		cat src/a > /dev/null; cp src/a src/copy; ln src/a src/link; mv src/copy src/moved
		mkdir src/new; rmdir src/old; rm src/link; cat .env; touch .git/config; : >> src/a
		true' 2> "$T/said"
	equal "$(audited read "$T/a.json")" "cat /src/a
cp /src/a" "files that were read"
	equal "$(audited written "$T/a.json")" "cp /src/copy
sh /src/a" "files that were written"
	equal "$(audited created "$T/a.json")" "cp /src/copy
ln /src/link
mkdir /src/new
mv /src/copy" "names that were made"
	equal "$(audited removed "$T/a.json")" "mv /src/copy
rm /src/link
rmdir /src/old" "names that were removed"
	equal "$(audited refused "$T/a.json" | sort -u)" "cat /.env
touch /.git/config" "files that were refused"
	check grep -qE '^ *[0-9]+ cat +1 +0 +0 +0 +0$' "$T/said"
	check grep -qE '^ *[0-9]+ cp +1 +1 +1 +0 +0$' "$T/said"
	check grep -qE '^ *[0-9]+ mv +0 +0 +1 +1 +0$' "$T/said"
	check grep -q 'refused: /.env' "$T/said"
}

# Threads are of their process, and many processes of their program.
once_audit_summary_has_processes_and_programs() {
	run_tree
	run --audit "$T/a.json" -- python3 -c '
import ctypes, threading
def work(i):
    ctypes.CDLL(None).prctl(15, b"thread")
    open(f"src/t{i}", "w").close()
threads = [threading.Thread(target=work, args=(i,)) for i in range(5)]
for t in threads: t.start()
for t in threads: t.join()' 2> "$T/said"
	check grep -qE '^ *[0-9]+ python3 +0 +5 +5 +0 +0$' "$T/said"
	check not grep -q thread "$T/said" "$T/a.json"
	# The program itself is in the tree.
	printf '#!/bin/sh\ncat src/a\n' > script
	chmod 755 script
	run --audit "$T/a.json" -- ./script > /dev/null 2> "$T/said"
	equal "$(audited read "$T/a.json" | uniq)" "cat /src/a
script /script" "files that were read"
	# Each program has the files of all its processes.
	run --audit "$T/a.json" -- sh -c 'for i in 1 2 3 4 5 6 7 8 9 10 11 12; do
		cat src/a; cp src/a src/c$i; done' > /dev/null 2> "$T/said"
	check grep -qE '^processes program ' "$T/said"
	check grep -qE '^ *12 cat +1 +0 +0 +0 +0$' "$T/said"
	check grep -qE '^ *12 cp +1 +12 +12 +0 +0$' "$T/said"
}

# More events at once than a socket holds: the record has each of them.
once_audit_loses_nothing() {
	run_tree
	run --audit "$T/a.json" -- python3 -c '
import os
for i in range(5000):
    os.close(os.open(f"src/f{i}", os.O_CREAT | os.O_WRONLY))
for i in range(5000):
    os.unlink(f"src/f{i}")' 2> "$T/said"
	equal "$(grep -c '"created"' "$T/a.json") $(grep -c '"removed"' "$T/a.json")" "5000 5000" \
		"events"
	check grep -qE ' 5000 +5000 +0$' "$T/said"
}

# The record lies in the directory of the view, and the command cannot change it.
once_audit_file_is_read_only_for_the_command() {
	run_tree
	user_device
	chmod 755 "$T"
	chown -R 1000:1000 "$LOWER"
	local who
	for who in 0 1000; do
		as $who "$PENSTOCK" run --audit=src/a.json -- sh -c '
			echo x > src/a.json; rm -f src/a.json; mv src/a.json src/b; : >> src/a
			ls src' > "$T/out" 2> /dev/null
		equal "$(cat "$T/out")" "a
a.json
deep" listing
		check grep -q '"written"' src/a.json
		check grep -q "\"uid\":$who,\"gid\":$who," src/a.json
		check not grep -vq "\"uid\":$who,\"gid\":$who," src/a.json
		rm src/a.json
	done
	refused 'absent/a.json' run --audit absent/a.json -- true
}

# ---- --changes ----------------------------------------------------------------------------------

once_changes_are_listed_by_file() {
	run_tree
	mkdir src/old
	echo text > src/b
	run --changes -- sh -c '
		echo more >> src/a; cat .env > /dev/null; echo 1 > tmp; rm tmp
		sed -i s/text/new/ src/b
		mkdir new; echo 1 > new/1; echo 2 > new/2; mv src/deep src/moved; rmdir src/old
		chmod 600 .git/config; cat .env src/none; true' 2> "$T/said"
	equal "$(grep -v ^cat: "$T/said")" "  created: /new
  changed: /src/a
  changed: /src/b
  changed: /.git/config
    moved: /src/deep -> /src/moved
  removed: /src/old" changes
	run --audit "$T/a.json" -- sh -c 'rm -r new; for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 \
		16 17 18 19 20 21 22; do : > f$i; done' 2> "$T/said"
	check grep -qx '  removed: /new' "$T/said"
	check grep -q ' and 2 more, which --changes lists' "$T/said"
	run --changes -- cat src/a > /dev/null 2> "$T/said"
	equal "$(cat "$T/said")" "nothing was changed" "changes of a reader"
}

# The list agrees with the trees before and after: no file is missing, and none is too much.
once_changes_are_those_of_the_tree() {
	local seed who list
	run_tree
	user_device
	chmod 755 "$T"
	for seed in {1..8}; do
		who=$((seed % 4 ? 0 : 1000)) list=true
		[ $((seed % 2)) = 0 ] || list='ls -lR'
		rm -rf "$T/before" "$LOWER/tree"
		mkdir "$LOWER/tree"
		(cd "$LOWER/tree" && "$TESTS/tools/changes.py" act $((seed + 1000)))
		chown -R $who:$who "$LOWER/tree"
		cp -a "$LOWER/tree" "$T/before"
		# A name that a listing has shown needs no lookup.
		as $who "$PENSTOCK" run --changes "$LOWER/tree" -- sh -c \
			"cd '$LOWER/tree'; $list > /dev/null; '$TESTS/tools/changes.py' act $seed" \
			2> "$T/said"
		sed -i '/^penstock: warning/d' "$T/said"
		"$TESTS/tools/changes.py" check "$T/before" "$LOWER/tree" "$T/said" ||
			fail "seed $seed: $(cat "$T/said")"
	done
}

once_run_takes_rules() {
	need_filters
	run_tree
	printf 'hide .env\nreadonly /.git/\n' > "$T/rules"
	equal "$(run --rules "$T/rules" -- sh -c 'ls -A; echo x 2> /dev/null > .git/config ||
		echo refused')" ".git
src
refused" output
	echo nonsense > "$T/rules"
	refused 'rules:1' run --rules "$T/rules" -- true
}
