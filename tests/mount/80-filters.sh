# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# The order in which filters run, operations that a filter refuses after they were done, and lookups
# by a listing. 88-fuse-bpf-faults tests what filters change, 81-filter-data what they do to data.
# Each filter in filters/ says in its first lines what it does.

# ---- order --------------------------------------------------------------------------------------

# Prints the events of operation OP in the trace so far: "before1 before2 after2 ...".
events() { # OP
	local said
	said=$(grep "\"op\":\"$1\"" "$T/trace" | grep -o '"what":"[a-z]*","values":\[[0-9]*' |
		sed 's/"what":"\([a-z]*\)","values":\[/\1/' | tr '\n' ' ')
	echo "${said% }"
}

events_are() { # OP WANT
	within 5 eval "[ \"\$(events $1)\" = '$2' ]" ||
		fail "events of $1: '$(events "$1")', should be '$2'"
}

# Programs before an operation run in the order of the chain, programs after it in reverse. The
# first filter that answers ends the chain: the filters after it run neither before nor after the
# operation.
each_filter_that_answers_ends_the_chain() {
	filtered_view tag,name=a,id=1,ops=mkdir:statfs tag,name=b,id=2,ops=mkdir,before=13 \
		tag,name=c,id=3,ops=mkdir
	tracing "$T/trace"
	answers EACCES mkdir "$VIEW/d"
	events_are mkdir 'before1 before2 after1'
	check test ! -e "$LOWER/d"
	# Each filter sees the result as the filter before it left it: values[1] is that result.
	kill $TRACER
	chain replace c tag,name=c,id=3,ops=mkdir,after=1 > /dev/null
	chain replace b tag,name=b,id=2,ops=mkdir,after=28 > /dev/null
	tracing "$T/trace"
	answers ENOSPC mkdir "$VIEW/e"
	events_are mkdir 'before1 before2 before3 after3 after2 after1'
	equal "$(grep '"op":"mkdir"' "$T/trace" | grep -o '"what":"after","values":[^]]*' |
		sed 's/.*\[//' | tr '\n' ' ')" '3,0 2,1 1,28 ' "results that programs after saw"
	kill $TRACER
}

# ---- errors -------------------------------------------------------------------------------------

# A filter refuses an operation after it was done: the caller gets the error, and neither kernel nor
# daemon keeps a reference.
refuse_what_is_made() {
	local i handles
	: > "$LOWER/f"
	: > "$LOWER/no-open"
	mkdir "$LOWER/no-open-dir"
	stat "$VIEW/f" "$VIEW/no-open" "$VIEW/no-open-dir" > /dev/null
	handles=$(info handles)
	for i in 1 2 3; do
		answers EDQUOT create "$VIEW/no-file$i"
		answers EDQUOT mkdir "$VIEW/no-dir$i"
		answers EDQUOT symlink "$VIEW/no-link$i" text
		answers EDQUOT link "$VIEW/f" "$VIEW/no-second$i"
		answers EPERM read "$VIEW/no-open"
		answers EPERM write "$VIEW/no-open"
		check not ls "$VIEW/no-open-dir" 2> /dev/null
		check not mkfifo "$VIEW/no-fifo$i" 2> /dev/null
	done
	answers EDQUOT rename "$VIEW/f" "$VIEW/no-more"
	equal "$(info handles)" "$handles" "handles that are open"
	check test "$(ran errors errors post/create)" = 3
	# The files that the refused operations made exist and can be used.
	check test -e "$LOWER/no-file1" -a -p "$LOWER/no-fifo1" -a -d "$LOWER/no-dir1"
	rm "$LOWER/no-open"
	rmdir "$LOWER/no-open-dir"
	same
	check rm "$VIEW"/no-file* "$VIEW"/no-link* "$VIEW"/no-second* "$VIEW"/no-fifo*
	check rmdir "$VIEW"/no-dir*
	same
	equal "$(ran bad errors)" 0 "bad runs"
}

each_operation_refused_after_success_leaves_no_reference() {
	filtered_view errors
	refuse_what_is_made
}

# The kernel must drop what it cached before a refused operation changed the lower tree.
each_operation_refused_after_success_is_seen_with_exclusive() {
	filtered_view -o cache=exclusive errors
	echo text > "$LOWER/f"
	echo text > "$LOWER/g"
	local i name
	for name in no-file no-dir no-link no-fifo no-second no-moved; do
		answers ENOENT stat "$VIEW/$name"
	done
	stat "$VIEW/f" "$VIEW/g" > /dev/null
	ls -l "$VIEW" > /dev/null
	answers EDQUOT create "$VIEW/no-file"
	answers EDQUOT mkdir "$VIEW/no-dir"
	answers EDQUOT symlink "$VIEW/no-link" text
	answers EDQUOT mkfifo "$VIEW/no-fifo"
	answers EDQUOT link "$VIEW/f" "$VIEW/no-second"
	answers EDQUOT rename "$VIEW/g" "$VIEW/no-moved"
	# The lower tree has all changes of the refused operations, and the view shows them.
	for name in no-file no-dir no-link no-fifo no-second no-moved; do
		within 2 test -e "$VIEW/$name" -o -L "$VIEW/$name" || fail "$name is not seen"
	done
	answers ENOENT stat "$VIEW/g"
	same
	chain replace errors tag,name=errors,ops=unlink:setattr:rmdir,after=5 > /dev/null
	stat "$VIEW/no-moved" "$VIEW/no-dir" > /dev/null
	answers EIO unlink "$VIEW/no-moved"
	answers EIO rmdir "$VIEW/no-dir"
	answers EIO chmod "$VIEW/f" 640
	within 2 eval '[ "$(stat -c %a "$VIEW/f")" = 640 ]' || fail "the mode is not seen"
	within 2 test ! -e "$VIEW/no-moved" -a ! -e "$VIEW/no-dir" ||
		fail "what was removed is seen"
	same
}

# ---- what has no program ------------------------------------------------------------------------

each_operation_without_program_runs_nothing() {
	lower ext4
	echo text > "$LOWER/f"
	mkdir "$LOWER/d"
	filtered_view guard
	stat -f "$VIEW" > /dev/null
	ls "$VIEW/d" > /dev/null
	cat "$VIEW/f" > /dev/null
	ln -s x "$VIEW/l"
	readlink "$VIEW/l" > /dev/null
	equal "$(ran runs guard pre/setattr)" 0 "runs for setattr"
	check test "$(ran runs guard pre/open)" -ge 1
	equal "$(chain stat | grep -c guard)" 4 "rows"
	# The kernel passes reads and writes through.
	no_data_requests cat "$VIEW/f"
}

# ---- many names at once --------------------------------------------------------------------------

# One run of a program decides about many names of a listing, with the same result as separate
# lookups.
each_listing_asks_about_many_names_in_one_run() {
	lower ext4
	mkdir "$LOWER/d"
	local i names
	for i in {0..199}; do
		echo "$i" > "$LOWER/d/plain$i"
	done
	for i in {0..9}; do
		echo "$i" > "$LOWER/d/refused$i"
		echo "$i" > "$LOWER/d/hidden$i"
		echo "$i" > "$LOWER/d/other$i"
	done
	filtered_view -o cache=auto doorman
	names=$(ls -l "$VIEW/d" 2> "$T/errors")
	equal "$(grep -c plain <<< "$names")" 200 "plain names"
	equal "$(grep -c hidden <<< "$names")" 0 "hidden names"
	equal "$(grep -c 'refused.*Permission denied' "$T/errors")" 10 "refused names"
	equal "$(ls "$VIEW/d" | grep -c other)" 10 "names of another file"
	equal "$(stat -c %i "$VIEW/d/other3")" "$(stat -c %i "$LOWER/d/plain0")" \
		"inode of another name"
	equal "$(stat -c %i "$VIEW/d/plain7")" "$(stat -c %i "$LOWER/d/plain7")" "inode"
	check not stat "$VIEW/d/hidden3"
	real || return 0
	# A run ends at each name that the program does not simply pass; the rest come by dozens.
	check test "$(ran runs doorman pre/lookup)" -le 120
}
