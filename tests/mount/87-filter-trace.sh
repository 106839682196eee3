# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# What "penstock trace" tells of a view, with filters and without.

# Every line is an object; shows what was asked for.
trace_parses() {
	command -v python3 > /dev/null || return 0
	python3 -c 'import json, sys
for line in open(sys.argv[1]):
    json.loads(line)' "$1" || fail "$1 has a line that is no JSON"
}

each_trace_all() {
	lower ext4
	need_filters
	view -o cache=none
	tracing "$T/trace" --all
	mkdir "$VIEW/d"
	as 1001 "$TOOLS/act" try create "$VIEW/d/f" > /dev/null
	as 0:7 mkdir "$VIEW/d/"$'with "quotes" \\ and \n line'
	act try unlink "$VIEW/d/none" > /dev/null
	act try rename "$VIEW/d" "$VIEW/e" > /dev/null
	within 5 grep -q '"op":"rename"' "$T/trace"
	kill $TRACER
	trace_parses "$T/trace"
	check grep -q '"op":"mkdir","path":"/d",.*"error":0,"ns":[1-9]' "$T/trace"
	check grep -q '"op":"lookup","path":"/d/none",.*"uid":0,.*"error":' "$T/trace"
	check grep -q '"op":"rename","path":"/d","path2":"/e"' "$T/trace"
	check grep -q '"path":"/d/with \\"quotes\\" \\\\ and \\n line","uid":0,"gid":7' "$T/trace"
	check grep -q '"uid":1001' "$T/trace"
	check not grep -q verdict "$T/trace"
}

# Without filters there is nothing to choose from.
each_trace_no_filter() {
	lower ext4
	need_filters
	view -o cache=none
	tracing "$T/trace"
	mkdir "$VIEW/d"
	within 5 grep -q '"op":"mkdir","path":"/d",.*"error":0' "$T/trace" || fail "$(cat "$T/trace")"
	kill $TRACER
	trace_parses "$T/trace"
}

each_trace_filtered() {
	lower ext4
	need_filters
	mkdir "$LOWER/free-d"
	: > "$LOWER/f"
	view -o cache=none -F guard -F tag,id=5,ops=statfs:unlink
	tracing "$T/trace"
	answers EPERM write "$VIEW/f"
	rm "$VIEW/f"
	within 5 grep -q '"op":"unlink".*"ns"' "$T/trace"
	kill $TRACER
	trace_parses "$T/trace"
	check grep -q '"op":"open","path":"/f",.*"error":1,"ns":[0-9]*,"verdict":"guard: EPERM"' "$T/trace"
	check grep -q '"op":"unlink","path":"/f",.*"event":{"filter":"tag","what":"before","values":\[5,0\]}' "$T/trace"
	# For people.
	"$PENSTOCK" trace "$VIEW" > "$T/text" 2>&1 9>&- & TRACER=$!
	within 5 has_spoken "$T/text" || fail "trace says nothing"
	: > "$LOWER/f"
	answers EPERM write "$VIEW/f"
	within 5 grep -q 'open .*/f .*EPERM .*guard: EPERM' "$T/text" || fail "not in the text: $(cat "$T/text")"
	# Before the operation there is no result: an event then has none.
	rm "$VIEW/f"
	within 5 grep -Eq 'unlink +/f .* -  +-  +tag: before 5 0' "$T/text" || fail "not in the text: $(cat "$T/text")"
	check not grep -q '"error".*"what":"before"' "$T/trace"
	check grep -q '"error":0,.*"what":"after"' "$T/trace"
	kill $TRACER
}

# A reader that stands still slows nobody down; what it missed is counted.
each_trace_stopped() {
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

# Who goes away is forgotten; the view goes on, and ends under those that listen.
each_trace_ends() {
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
