# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# The output of "penstock trace" for a view with filters and without.

# Fails unless every line is a JSON object.
trace_parses() {
	command -v python3 > /dev/null || return 0
	python3 -c 'import json, sys
for line in open(sys.argv[1]):
    json.loads(line)' "$1" || fail "$1 has a line that is no JSON"
}

each_trace_all_prints_every_operation() {
	lower ext4
	need_filters
	view -o cache=none
	tracing "$T/trace" --all
	mkdir "$VIEW/d"
	as 1001 "$TOOLS/act" try create "$VIEW/d/f" > /dev/null
	as 0:7 mkdir "$VIEW/d/"$'with "quotes" \\ and \n line'
	act try unlink "$VIEW/d/none" > /dev/null
	act try rename "$VIEW/d" "$VIEW/e" > /dev/null
	check within 5 grep -q '"op":"rename"' "$T/trace"
	kill $TRACER
	trace_parses "$T/trace"
	check grep -q '"op":"mkdir","path":"/d",.*"error":0,"ns":[1-9]' "$T/trace"
	check grep -q '"op":"lookup","path":"/d/none",.*"uid":0,.*"error":' "$T/trace"
	check grep -q '"op":"rename","path":"/d","path2":"/e"' "$T/trace"
	check grep -q '"path":"/d/with \\"quotes\\" \\\\ and \\n line","uid":0,"gid":7' "$T/trace"
	check grep -q '"uid":1001' "$T/trace"
	check not grep -q verdict "$T/trace"
}

# Without filters the trace prints every operation.
each_trace_without_filters_prints_operations() {
	lower ext4
	need_filters
	view -o cache=none
	tracing "$T/trace"
	mkdir "$VIEW/d"
	within 5 grep -q '"op":"mkdir","path":"/d",.*"error":0' "$T/trace" ||
		fail "$(cat "$T/trace")"
	kill $TRACER
	trace_parses "$T/trace"
}

each_trace_prints_verdicts_and_events() {
	lower ext4
	need_filters
	mkdir "$LOWER/free-d"
	: > "$LOWER/f"
	view -o cache=none -F guard -F tag,id=5,ops=statfs:unlink
	tracing "$T/trace"
	answers EPERM write "$VIEW/f"
	rm "$VIEW/f"
	check within 5 grep -q '"op":"unlink".*"ns"' "$T/trace"
	kill $TRACER
	trace_parses "$T/trace"
	check grep -q '"op":"open","path":"/f",.*"error":1,"ns":[0-9]*,"verdict":"guard: EPERM"' \
		"$T/trace"
	check grep -q \
		'"op":"unlink","path":"/f",.*"filter":"tag","what":"before","values":\[5,0\]}' \
		"$T/trace"
	# The same in the human-readable form.
	"$PENSTOCK" trace "$VIEW" > "$T/text" 2>&1 9>&- & TRACER=$!
	within 5 has_spoken "$T/text" || fail "trace says nothing"
	: > "$LOWER/f"
	answers EPERM write "$VIEW/f"
	within 5 grep -q 'open  *EPERM .*/f .*guard: EPERM' "$T/text" ||
		fail "not in the text: $(cat "$T/text")"
	# Events before the operation have no result and no duration.
	rm "$VIEW/f"
	within 5 grep -Eq 'unlink +- .* /f +tag: before 5 0' "$T/text" ||
		fail "not in the text: $(cat "$T/text")"
	check not grep -q '"error".*"what":"before"' "$T/trace"
	check grep -q '"error":0,.*"what":"after"' "$T/trace"
	kill $TRACER
}

# A line says who asked, by program and cgroup, and what for.
each_trace_names_program_and_flags() {
	lower tmpfs
	need_filters
	echo text > "$LOWER/f"
	view -o cache=none -F audit
	tracing "$T/trace" --json
	: > "$VIEW/new"
	sh -c 'echo more >> "$1"' my-shell "$VIEW/f"
	chmod 600 "$VIEW/f"
	"$TOOLS/act" try rename "$VIEW/f" "$VIEW/g" > /dev/null
	check within 5 grep -q '"op":"rename"' "$T/trace"
	kill $TRACER
	check jq -es 'map(select(.op == "create" and .path == "/new" and .event)) | .[0].flags |
		contains(["write", "create"])' < "$T/trace"
	check jq -es 'any(.op == "open" and .comm == "sh" and .path == "/f" and
		.flags == ["write","append"])' < "$T/trace"
	check jq -es 'any(.op == "setattr" and .comm == "chmod" and .event.filter == "audit" and
		(.flags | contains(["mode"])))' < "$T/trace"
	if grep -q '^0::' /proc/self/cgroup; then
		check jq -es --arg cgroup "$(sed -n 's/^0:://p' /proc/self/cgroup)" \
			'all(.comm == null or .cgroup == $cgroup)' < "$T/trace"
	fi
}

# On a terminal a line has at most its 80 columns: the path is shortened.
once_trace_fits_the_terminal() {
	lower tmpfs
	need_filters
	view -o cache=none -F audit,ops=mkdir,keep=9
	mkdir -p "$VIEW/a-directory/with-a-long-path/and-an-end/last"
	python3 - "$PENSTOCK" "$VIEW" <<- 'END' || fail "see above"
		import fcntl, os, pty, re, struct, subprocess, sys, termios
		outside, terminal = pty.openpty()
		fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
		subprocess.run([sys.argv[1], "trace", "--past", sys.argv[2]], stdout=terminal,
		               check=True)
		os.close(terminal)
		text = b""
		try:
		    while True:
		        text += os.read(outside, 100000)
		except OSError:  # the end, because nobody has the terminal open
		    text = text.decode()
		if "\x1b[36m" not in text:
		    sys.exit("events have no colour")
		lines = re.sub(r"\x1b\[\d*m", "", text).splitlines()
		if max(map(len, lines)) > 80 or not any("/last " in line for line in lines):
		    sys.exit("\n".join(lines))
	END
	"$PENSTOCK" trace --past "$VIEW" > "$T/whole"
	check grep -q '/a-directory/with-a-long-path/and-an-end/last ' "$T/whole"
	check not grep -q $'\033' "$T/whole"
}

# The options of trace choose lines by kind, operation, path and process.
once_trace_prints_what_is_asked_for() {
	lower tmpfs
	need_filters
	mkdir -p "$LOWER/src/deep" "$LOWER/other"
	view -o cache=none -F audit
	local name args
	while read -r name args; do
		# shellcheck disable=SC2086
		"$PENSTOCK" trace --json $args "$VIEW" > "$T/$name" 2>&1 9>&- &
		echo $! >> "$T/pids"
	done <<- 'EOF'
		events --events
		op --op=mk*:unlink
		path --path=/src
		program --process=touch
		all --all
	EOF
	# Each of the five has to listen before the operations that are compared.
	all_listen() {
		stat -f "$VIEW" > /dev/null
		touch "$VIEW/src/x"
		mkdir "$VIEW/other/y"
		rmdir "$VIEW/other/y"
		grep -q statfs "$T/all" && grep -q statfs "$T/events" && grep -q y "$T/op" &&
			grep -q x "$T/program" && grep -q x "$T/path"
	}
	check within 5 all_listen
	touch "$VIEW/src/deep/file" "$VIEW/other/file"
	mkdir "$VIEW/src/dir" "$VIEW/other/dir"
	rm "$VIEW/other/file"
	check within 5 grep -q '"op":"unlink".*"ns"' "$T/all"
	check within 5 grep -q '"op":"unlink"' "$T/op"
	check within 5 grep -q '"path":"/other/file"' "$T/program"
	check within 5 grep -q '"path":"/src/dir"' "$T/path"
	# shellcheck disable=SC2046
	kill $(cat "$T/pids")
	check jq -es 'length > 0 and all(.event)' < "$T/events"
	check jq -es 'length > 0 and all(.op == "mkdir" or .op == "mknod" or .op == "unlink")' \
		< "$T/op"
	check jq -es 'length > 0 and all(.path == "/src" or (.path | startswith("/src/")))' \
		< "$T/path"
	check jq -es 'length > 0 and all(.comm == "touch")' < "$T/program"
}

# With keep=N the view keeps the last N events of a filter for readers that come later.
each_kept_events_are_printed_later() {
	lower tmpfs
	need_filters
	view -o cache=none -F audit,ops=mkdir,keep=3
	"$PENSTOCK" trace --past "$VIEW" > "$T/none" || fail "no events are an error"
	mkdir "$VIEW"/a "$VIEW"/b "$VIEW"/c "$VIEW"/d
	"$PENSTOCK" trace --past --json "$VIEW" > "$T/kept" || fail "trace --past fails"
	equal "$(jq -r .path < "$T/kept" | tr '\n' ' ')" "/b /c /d " "the kept events"
	check jq -es 'all(.event.filter == "audit" and .comm == "mkdir")' < "$T/kept"
	check "$PENSTOCK" filter replace "$VIEW" audit audit,ops=mkdir,keep=5
	mkdir "$VIEW/e"
	"$PENSTOCK" trace --past --json --path=/e "$VIEW" > "$T/kept"
	equal "$(jq -r .path < "$T/kept" | tr '\n' ' ')" "/e " "the kept events of a path"
	"$PENSTOCK" trace --past --json "$VIEW" > "$T/kept"
	equal "$(jq -r .path < "$T/kept" | tr '\n' ' ')" "/b /c /d /e " "after more room"
	refused 'from 1 to 65536' "$PENSTOCK" filter add "$VIEW" audit,name=two,keep=0
	refused 'from 1 to 65536' "$PENSTOCK" filter add "$VIEW" audit,name=two,keep=many
}

# The lower file system drops the names of files from memory while the kernel still uses the files.
each_trace_names_files_after_eviction() {
	alone
	lower ext4
	need_filters
	mkdir -p "$LOWER/d/e"
	touch "$LOWER/d/e/f" "$LOWER/d/e/other" "$LOWER/top"
	ln -s nothing "$LOWER/d/link"
	ln "$LOWER/d/e/f" "$LOWER/second"
	view -F audit,ops=setattr,keep=99
	check python3 - "$VIEW" "$LOWER" <<-'EOF'
		import os, sys, time
		view, lower = sys.argv[1:]
		flags = os.O_PATH | os.O_NOFOLLOW
		files = [os.open(view + f, flags) for f in ("/d/e/f", "/top", "/d/link", "/d/e")]
		time.sleep(2.5) # the daemon closes descriptors that it has not used for a second
		os.sync()
		open("/proc/sys/vm/drop_caches", "w").write("2")
		for fd in files:
		    os.utime(f"/proc/self/fd/{fd}", (1, 1))
		# The descriptor that was opened by a name is used again.
		os.utime(f"/proc/self/fd/{files[0]}", (2, 2))
		os.rename(lower + "/top", lower + "/d/moved")
		os.utime(f"/proc/self/fd/{files[1]}", (2, 2))
	EOF
	equal "$("$PENSTOCK" trace --past --json "$VIEW" | jq -r .path | tr '\n' ' ')" \
		"/d/e/f /top /d/link /d/e /d/e/f /d/moved " "paths of events"
}

# A stopped reader delays no operation, and the trace counts the lines that the reader missed.
each_stopped_tracer_delays_nobody() {
	lower ext4
	need_filters
	: > "$LOWER/f"
	view -o cache=none
	tracing "$T/trace" --all
	kill -STOP $TRACER
	check within 20 eval 'for ((i = 0; i < 6000; i++)); do [ -e "$VIEW/f" ] || exit 1; done'
	kill -CONT $TRACER
	within 10 lost_is_told || fail "nothing is said to be lost"
	kill $TRACER
	trace_parses "$T/trace"
	check test "$(grep -o '"lost":[0-9]*' "$T/trace" | head -n 1 | cut -d: -f2)" -ge 100
}

lost_is_told() {
	stat -f "$VIEW" > /dev/null
	grep -q '"lost":' "$T/trace"
}

# The daemon drops a trace client that exits; the view goes on, and can be unmounted while clients
# are connected.
each_tracer_and_view_end_independently() {
	lower ext4
	need_filters
	view
	local i
	for i in 1 2 3; do
		tracing "$T/trace$i" --all
		kill -KILL $TRACER
	done
	for i in 1 2 3; do stat -f "$VIEW" > /dev/null; done
	tracing "$T/trace4" --all
	unview
	within 5 gone $TRACER || fail "trace does not end with its view"
}

# Two parsers accept each line of FILE. With KEY, each name appears in it unchanged.
is_json() { # FILE [KEY]
	"$TESTS/json-names.py" check "$@" || fail "$1 is not as penstock(1) says"
	jq -e . < "$1" > /dev/null || fail "jq does not take $1"
}

# A name that is not UTF-8 once made a line that no JSON parser accepted, and an audit program
# stopped there.
once_trace_of_any_name_is_json() {
	lower tmpfs
	need_filters
	view -o cache=none -F audit,ops=create
	# On a busy machine the tracer may be too slow for all lines. Then the case makes the names
	# once more.
	for _ in 1 2 3 4 5 6 7 8 9 10; do
		rm -rf "${VIEW:?}"/*
		tracing "$T/trace" --all
		"$TESTS/json-names.py" make "$VIEW"
		"$TESTS/json-names.py" deep "$VIEW"
		: > "$VIEW/last"
		check within 5 grep -q '"path":"/last"' "$T/trace"
		kill $TRACER
		grep -q '"lost"' "$T/trace" || break
	done
	check not grep -q '"lost"' "$T/trace"
	is_json "$T/trace" path
	jq -r 'select(.op == "create") | .path' < "$T/trace" > "$T/paths"
	check grep -qx '/\\xff\\xfe' "$T/paths"
	check grep -qx '/\\x5cx41' "$T/paths"
	# If the kernel cannot give the path, the line has "path_cut" and the last component.
	check test "$(jq -r 'select(.path_cut and (.path | startswith("/ddd")) and
			(.path | endswith("/?/leaf"))).op' < "$T/trace" | grep -c create)" -ge 1
}

once_text_of_any_name_is_harmless() {
	lower tmpfs
	need_filters
	view -o cache=none
	# On a busy machine the tracer may be too slow for all lines. Then the names are made again.
	for _ in 1 2 3 4 5 6 7 8 9 10; do
		rm -rf "${VIEW:?}"/*
		"$PENSTOCK" trace --all "$VIEW" > "$T/trace" 2>&1 9>&- &
		TRACER=$!
		check within 5 has_spoken "$T/trace"
		"$TESTS/json-names.py" make "$VIEW"
		: > "$VIEW/last"
		check within 5 grep -q '/last ' "$T/trace"
		kill $TRACER
		grep -q 'lines are lost' "$T/trace" || break
	done
	"$TESTS/json-names.py" plain "$T/trace" || fail "a terminal would obey a name in the trace"
	check grep -qF '\033]0;title\007' "$T/trace"
	check grep -qF '\xff\xfe' "$T/trace"
}

# The commands print valid JSON for a view whose LOWER, MOUNTPOINT and filters have such names.
once_commands_on_any_name_print_json() {
	local odd what escape=$'\033[2J'
	lower tmpfs
	need_filters
	odd=$LOWER/$'l\xff"\\\n'$escape
	mkdir "$odd" "$T/"$'m\xff\302\2332J'
	VIEW=$T/$'m\xff\302\2332J'
	"$PENSTOCK" mount --filter $'hide,names=a\xff:\\\\x41' "$odd" "$VIEW" ||
		fail "the view is not mounted"
	: > "$odd/"$'a\xff'
	check not test -e "$VIEW/"$'a\xff'
	for what in stat 'filter list' 'filter stat'; do
		# shellcheck disable=SC2086
		"$PENSTOCK" $what --json "$VIEW" > "$T/json" || fail "$what fails"
		is_json "$T/json"
		# shellcheck disable=SC2086
		"$PENSTOCK" $what "$VIEW" > "$T/text" || fail "$what fails"
		"$TESTS/json-names.py" plain "$T/text" ||
			fail "$what prints a command to the terminal"
	done
	"$PENSTOCK" filter list --json "$VIEW" | jq -r '.filters[0].spec' > "$T/spec"
	equal "$(cat "$T/spec")" 'hide,names=a\xff:\\x5cx41' "the spec"
	# The command sends specs to the view's process in the same encoding.
	check "$PENSTOCK" filter replace "$VIEW" hide $'hide,names=b\xff'
	"$PENSTOCK" filter list --json "$VIEW" | jq -r '.filters[0].spec' > "$T/spec"
	equal "$(cat "$T/spec")" 'hide,names=b\xff' "the spec after a change"
	"$PENSTOCK" probe --json "$odd" > "$T/json" && is_json "$T/json"
	"$PENSTOCK" filter check --json $'hide,names=\xff' > "$T/json" && is_json "$T/json"
	for what in stat umount trace 'filter list'; do
		# shellcheck disable=SC2086
		"$PENSTOCK" $what "$odd"$'\xff'$escape 2> "$T/text"
		"$TESTS/json-names.py" plain "$T/text" ||
			fail "an error of $what is a command to the terminal"
	done
	check "$PENSTOCK" umount "$VIEW"
}
