# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# What filters do to operations: the order in which they run, and what they change. The filters are those
# of filters/, which say what they do in their first lines.

# ---- order --------------------------------------------------------------------------------------

# What the events so far say: "before1 before2 after2 ..." of the operation.
events() { # OP
	local said
	said=$(grep "\"op\":\"$1\"" "$T/trace" | grep -o '"what":"[a-z]*","values":\[[0-9]*' |
		sed 's/"what":"\([a-z]*\)","values":\[/\1/' | tr '\n' ' ')
	echo "${said% }"
}

events_are() { # OP WANT
	within 5 eval "[ \"\$(events $1)\" = '$2' ]" || fail "events of $1: '$(events "$1")', should be '$2'"
}

each_order() {
	filtered_view tag,name=a,id=1,ops=mkdir:statfs tag,name=b,id=2,ops=mkdir \
		tag,name=c,id=3,ops=mkdir
	tracing "$T/trace"
	check mkdir "$VIEW/d"
	events_are mkdir 'before1 before2 before3 after3 after2 after1'
	check test -d "$LOWER/d"
	kill $TRACER
}

# The first that answers ends it; who was not asked before is not asked after.
each_order_answered() {
	filtered_view tag,name=a,id=1,ops=mkdir:statfs tag,name=b,id=2,ops=mkdir,before=13 \
		tag,name=c,id=3,ops=mkdir
	tracing "$T/trace"
	answers EACCES mkdir "$VIEW/d"
	events_are mkdir 'before1 before2 after1'
	check test ! -e "$LOWER/d"
	# What one makes of it is what the next sees: values[1] is the result so far.
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

each_errors() {
	filtered_view errors
	mkdir "$LOWER/there" "$LOWER/full"
	: > "$LOWER/full/file"
	: > "$LOWER/f"
	answers ENOENT stat "$VIEW/there"
	answers EPERM mkdir "$VIEW/there"
	answers 0 mkdir "$VIEW/new"
	answers ENOMEM stat "$VIEW/missing"
	answers ENOENT stat "$VIEW/other"
	answers ENOMEM read "$VIEW/missing-too"
	equal "$(act xattr get "$VIEW/f" user.made)" "made up"
	equal "$(act xattr get "$VIEW/f" user.early)" "early"
	act xattr set "$LOWER/f" user.made real > /dev/null
	equal "$(act xattr get "$VIEW/f" user.made)" "real"
	equal "$(act xattr get "$VIEW/f" user.none)" ENODATA
	# A success that is none.
	equal "$(act xattr set "$VIEW/f" user.early ignored)" 0
	equal "$(act xattr get "$LOWER/f" user.early)" ENODATA
	check rmdir "$VIEW/full"
	check test -e "$LOWER/full/file" -a -e "$VIEW/full/file"
	equal "$(ran bad errors)" 0 "bad runs"
}

# An operation that was done and is refused then: the caller has the error, and nobody holds anything.
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
	# What was made is there, and like any other.
	check test -e "$LOWER/no-file1" -a -p "$LOWER/no-fifo1" -a -d "$LOWER/no-dir1"
	rm "$LOWER/no-open"
	rmdir "$LOWER/no-open-dir"
	same
	check rm "$VIEW"/no-file* "$VIEW"/no-link* "$VIEW"/no-second* "$VIEW"/no-fifo*
	check rmdir "$VIEW"/no-dir*
	same
	equal "$(ran bad errors)" 0 "bad runs"
}

each_success_refused() {
	filtered_view errors
	refuse_what_is_made
}

# What the kernel had cached before is not what it was.
each_success_refused_exclusive() {
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
	# All of it has happened below, and that is what there is.
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
	within 2 test ! -e "$VIEW/no-moved" -a ! -e "$VIEW/no-dir" || fail "what was removed is seen"
	same
}

# ---- changed arguments --------------------------------------------------------------------------

lower_stat() { stat -c "$1" "$LOWER/$2"; }

each_change_attributes() {
	filtered_view change,what=mode
	umask 0
	: > "$LOWER/f"
	check chmod 777 "$VIEW/f"
	equal "$(lower_stat %a f)" 700 "mode by chmod"
	: > "$VIEW/created"
	equal "$(lower_stat %a created)" 600 "mode of a file"
	mkdir "$VIEW/d"
	equal "$(lower_stat %a d)" 700 "mode of a directory"
	mkfifo "$VIEW/p"
	equal "$(lower_stat '%a %F' p)" '600 fifo' "mode of a fifo"
	same
	umask 077
	with change change,name=change,what=umask
	mkdir -m 755 "$VIEW/d2"
	equal "$(stat -c %a "$VIEW/d2")" 755 "mode of a directory without its umask"
	umask 022

	with change change,what=size
	check truncate -s 1000 "$VIEW/f"
	equal "$(lower_stat %s f)" 7 "size by truncate"
	equal "$(stat -c %s "$VIEW/f")" 7 "size seen"
	with change change,what=times
	check touch "$VIEW/f"
	equal "$(lower_stat %.9Y f)" 1000000000.123456789 "time by touch"
	with change change,what=owner
	check chown 5:6 "$VIEW/f"
	equal "$(lower_stat %u:%g f)" 1234:6 "owner by chown"
	with change change,what=nothing
	check chown 7:8 "$VIEW/f"
	equal "$(lower_stat %u:%g f)" 1234:6 "owner by no chown"
	with change change,what=done
	check chown 7:8 "$VIEW/f"
	check chmod 4 "$VIEW/f"
	equal "$(lower_stat %u:%g f)" 1234:6 "owner by a chown that was answered"
	same
	equal "$(ran bad change)" 0 "bad runs"
}

each_change_caller() {
	filtered_view change,what=caller
	: > "$VIEW/f"
	mkdir "$VIEW/d"
	mkfifo "$VIEW/p"
	ln -s x "$VIEW/l"
	local name
	for name in f d p l; do
		equal "$(lower_stat %u:%g $name)" 1234:2345 "owner of $name"
	done
	# Whoever asks.
	mkdir -m 777 "$LOWER/all"
	as 1001 "$TOOLS/act" try create "$VIEW/all/f" > /dev/null
	equal "$(lower_stat %u:%g all/f)" 1234:2345 "owner of a file of user 1001"
	chmod 777 "$LOWER/d"
	equal "$(as 1001 "$TOOLS/act" try tmpfile "$VIEW/d")" 0 "a file without a name"
	same
}

each_change_open() {
	filtered_view change,what=trunc
	echo text > "$LOWER/f"
	cat "$VIEW/f" > /dev/null
	check dd of="$VIEW/f" if=/dev/null status=none
	equal "$(cat "$LOWER/f")" text "what was not truncated"
	equal "$(cat "$VIEW/f")" text "what is seen of it"
	equal "$(stat -c %s "$VIEW/f")" 5 "size"
	printf T | dd of="$VIEW/f" status=none
	equal "$(cat "$LOWER/f")" Text "what was written over"
	same -x
}

# The view has one name, the lower tree another.
each_change_names() {
	filtered_view change,what=name
	echo text > "$LOWER/real"
	equal "$(cat "$VIEW/seen")" text "what the name leads to"
	equal "$(stat -c %i "$VIEW/seen")" "$(stat -c %i "$LOWER/real")" "its number"
	check rm "$VIEW/seen"
	check test ! -e "$LOWER/real"
	echo new > "$VIEW/seen"
	equal "$(cat "$LOWER/real")" new "what was created"
	check test ! -e "$LOWER/seen"
	act try rename "$VIEW/seen" "$VIEW/moved" > /dev/null
	equal "$(cat "$LOWER/moved")" new "what was moved away"
	check test ! -e "$LOWER/real"
	act try rename "$VIEW/moved" "$VIEW/seen" > /dev/null
	equal "$(cat "$LOWER/real")" new "what was moved back"
	check rm "$VIEW/seen"
	echo more > "$VIEW/other"
	check ln "$VIEW/other" "$VIEW/seen"
	equal "$(stat -c %h "$LOWER/real")" 2 "links"
	check rm "$VIEW/seen" "$VIEW/other"
	check mkdir "$VIEW/seen"
	check test -d "$LOWER/real"
	: > "$VIEW/seen/inside"
	check test -e "$LOWER/real/inside"
	check rm "$VIEW/seen/inside"
	check rmdir "$VIEW/seen"
	check test ! -e "$LOWER/real"
	equal "$(ran bad change)" 0 "bad runs"
}

each_change_links() {
	filtered_view change,what=target
	ln -s old "$VIEW/l"
	equal "$(readlink "$LOWER/l")" "a longer target" "target below"
	equal "$(readlink "$VIEW/l")" "a longer target" "target"
	ln -s other "$VIEW/m"
	equal "$(readlink "$LOWER/m")" other "another target"
	with change change,what=readlink
	equal "$(readlink "$VIEW/m")" shown "target that is shown"
	equal "$(readlink "$LOWER/m")" other "target below"
}

each_change_xattrs() {
	filtered_view change,what=xattr
	: > "$LOWER/f"
	equal "$(act xattr set "$VIEW/f" user.seen value)" 0
	equal "$(act xattr list "$LOWER/f")" "user.real " "names below"
	equal "$(act xattr get "$LOWER/f" user.real)" "another value" "value below"
	equal "$(act xattr get "$VIEW/f" user.seen)" "another value" "value"
	equal "$(act xattr remove "$VIEW/f" user.seen)" 0
	equal "$(act xattr list "$LOWER/f")" "" "names below"
	with change change,what=xattr-flags
	equal "$(act xattr set "$VIEW/f" user.once 1)" 0
	equal "$(act xattr set "$VIEW/f" user.once 2)" EEXIST
	equal "$(act xattr get "$LOWER/f" user.once)" 1 "value that was not replaced"
	with change change,what=value
	equal "$(act xattr get "$VIEW/f" user.once)" shown "value that is shown"
	with change change,what=list
	act xattr set "$LOWER/f" user.seen 1 > /dev/null
	act xattr set "$LOWER/f" user.zzz 1 > /dev/null
	equal "$(act xattr list "$VIEW/f" | tr ' ' '\n' | sort | tr '\n' ' ')" ' user.once user.zzz ' \
		"names that are listed"
	equal "$(ran bad change)" 0 "bad runs"
}

each_change_ranges() {
	filtered_view change,what=fallocate
	: > "$LOWER/f"
	check fallocate -l 100000 "$VIEW/f"
	equal "$(lower_stat %s f)" 4096 "size by fallocate"
	with change change,what=fallocate-mode
	check fallocate -l 100000 "$VIEW/f"
	equal "$(lower_stat %s f)" 4096 "size by fallocate that keeps it"
	check test "$(lower_stat %b f)" -ge 190
	with change change,what=lseek
	truncate -s 8192 "$LOWER/holes"
	printf x | dd of="$LOWER/holes" bs=1 seek=8191 conv=notrunc status=none
	equal "$(act try hole "$VIEW/holes" 5000)" "0 0" "the hole, searched from the start"
	with change change,what=lseek-out
	equal "$(act try hole "$VIEW/holes" 0)" "42 0" "the hole that is told"
	with change change,what=copy
	echo 'abcdefgh' > "$LOWER/from"
	equal "$(act try copy "$VIEW/from" "$VIEW/to" 8)" "3 0" "bytes copied"
	equal "$(cat "$LOWER/to")" cde "the copy"
	with change change,what=statfs
	equal "$(stat -f -c %f:%a "$VIEW")" 0:0 "room"
	with change change,what=keep
	: > "$VIEW/dropped"
	rm "$LOWER/holes" "$LOWER/from" "$LOWER/to"
	equal "$(ls "$VIEW")" "$(ls "$LOWER")" "names that were looked through"
	with change change,what=drop
	equal "$(ls -l "$VIEW" | awk '{ print $9 }' | tr '\n' ' ')" ' f ' "names but the one that was dropped"
	check test -e "$VIEW/dropped"
}

# A big listing of which one entry, or all, are dropped: it does not end too early.
each_change_listing() {
	lower ext4
	mkdir "$LOWER/d"
	(cd "$LOWER/d" && touch a{1..3000} && mkdir sub && : > dropped)
	filtered_view change,what=drop
	equal "$(ls "$VIEW/d" | wc -l)" 3001 "names"
	equal "$(ls -l "$VIEW/d" | tail -n +2 | wc -l)" 3001 "names with attributes"
	equal "$(find "$VIEW/d" | wc -l)" 3002 "names found"
	# What was dropped is not held.
	alone
	drop_caches
	within 5 eval '[ "$(info nodes)" -le 2 ]' || fail "$(info nodes) nodes are left"
}

# ---- data ---------------------------------------------------------------------------------------

data_tree() { # SPEC
	lower ext4
	mkdir "$LOWER/data-dir"
	echo 'The Text Of A File' > "$LOWER/data"
	echo 'The Text Of A File' > "$LOWER/data-dir/f"
	echo 'Plain' > "$LOWER/plain"
	filtered_view -o "${2:-cache=none}" "$1"
}

each_data_changed() {
	local spec
	data_tree data,what=swap
	for spec in data data-cached; do
		[ $spec = data ] || with data data-cached,name=data,what=swap
		equal "$(cat "$VIEW/data")" 'tHE tEXT oF a fILE' "what is read"
		equal "$(cat "$VIEW/data-dir/f")" 'tHE tEXT oF a fILE' "what is read in a tree"
		equal "$(dd if="$VIEW/data" bs=1 skip=4 count=4 status=none)" tEXT "a part"
		no_data_requests equal "$(cat "$VIEW/plain")" Plain
		printf NEW | dd of="$VIEW/data" bs=3 seek=1 conv=notrunc status=none
		equal "$(cat "$LOWER/data")" 'Thenewxt Of A File' "what is below"
		echo 'The Text Of A File' > "$LOWER/data"
	done
}

# Larger than a slot, with a hole and an odd end.
each_data_large() {
	data_tree data,what=swap
	head -c 3000001 /dev/urandom | base64 -w 0 > "$T/text"
	tr 'a-zA-Z' 'A-Za-z' < "$T/text" > "$T/swapped"
	check cp "$T/text" "$VIEW/data2"
	check cmp "$LOWER/data2" "$T/swapped"
	check cmp "$VIEW/data2" "$T/text"
	check dd if="$VIEW/data2" of="$T/copy" bs=3M status=none
	check cmp "$T/copy" "$T/text"
	truncate -s 10000 "$LOWER/data3"
	echo Tail >> "$LOWER/data3"
	equal "$(tail -c 5 "$VIEW/data3")" tAIL "what follows a hole"
	equal "$(head -c 10000 "$VIEW/data3" | tr -d '\0' | wc -c)" 0 "a hole"
	check cmp "$VIEW/data2" "$T/text"
	with data data-cached,name=data,what=swap
	check cmp "$VIEW/data2" "$T/text"
	check act model "$VIEW/data-model" 3 300
	check act model "$VIEW/data-model2" 4 300
}

each_data_ranges() {
	data_tree data,what=offset
	equal "$(dd if="$VIEW/data" bs=4 count=1 status=none)" "$(tail -c +11 "$LOWER/data" | head -c 4)" \
		"what is read 10 bytes further"
	printf XY | dd of="$VIEW/data" bs=2 conv=notrunc status=none
	equal "$(cat "$LOWER/data")" 'The Text OXYA File' "what is written 10 bytes further"
	with data data,what=half
	equal "$(dd if="$VIEW/plain" bs=4 count=1 status=none)" Plai "what is not concerned"
	equal "$(dd if="$VIEW/data" bs=8 count=1 status=none)" 'The ' "half of it"
	equal "$(dd if="$VIEW/data" bs=8 status=none)" 'The Text OXYA File' "all of it, by halves"
	printf 12345678 | dd of="$VIEW/data" bs=8 conv=notrunc 2> /dev/null
	equal "$(head -c 9 "$LOWER/data")" '12345678 ' "what is written by halves"
	with data data,what=short
	equal "$(dd if="$VIEW/data" bs=100 count=1 status=none)" 12345 "what is shown of it"
	with data data,what=refuse
	refused 'not permitted' cat "$VIEW/data"
	refused 'not permitted' eval 'echo x >> "$VIEW/data"'
	equal "$(cat "$VIEW/plain")" Plain
	with data data,what=done
	equal "$(cat "$VIEW/data")" 'done' "what was answered"
	echo swallowed > "$VIEW/data-new"
	equal "$(cat "$LOWER/data-new")" '' "what was swallowed"
	equal "$(ran bad data)" 0 "bad runs"
}

# Copies pass through the filters.
each_data_copies() {
	data_tree data,what=swap
	check cp --reflink=auto "$VIEW/data" "$VIEW/copy"
	equal "$(cat "$LOWER/copy")" 'tHE tEXT oF a fILE' "a copy to where nothing holds"
	check cp --reflink=auto "$VIEW/plain" "$VIEW/data-copy"
	equal "$(cat "$LOWER/data-copy")" 'pLAIN' "a copy to where the filter holds"
	equal "$(cat "$VIEW/data-copy")" 'Plain' "what is seen of it"
	check not cp --reflink=always "$VIEW/data" "$VIEW/clone" 2> /dev/null
	check test ! -s "$LOWER/clone"
}

# A name that is free of the filter, and one that is not: the file has what held first.
each_data_plain_passes() {
	data_tree data,what=swap
	passing || skip "this variant passes nothing through"
	no_requests READ,WRITE eval 'cat "$VIEW/plain" > /dev/null; echo more >> "$VIEW/plain"'
	equal "$(ran runs data pre/read)" 0 "runs"
	cat "$VIEW/data" > /dev/null
	check test "$(ran runs data pre/read)" -ge 1
	equal "$(ran runs data pre/write)" 0 "runs for writes"
}

# ---- what has no program ------------------------------------------------------------------------

each_no_program_no_run() {
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
	# Reads and writes stay in the kernel.
	no_data_requests cat "$VIEW/f"
}

# ---- many names at once ---------------------------------------------------------------------------

# A listing with entries asks about many names in one run, and comes to the same as looking them up.
each_listed_together() {
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
	equal "$(stat -c %i "$VIEW/d/other3")" "$(stat -c %i "$LOWER/d/plain0")" "inode of another name"
	equal "$(stat -c %i "$VIEW/d/plain7")" "$(stat -c %i "$LOWER/d/plain7")" "inode"
	check not stat "$VIEW/d/hidden3"
	real || return 0
	# Each name that is not simply let pass ends a run; the rest come by dozens.
	check test "$(ran runs doorman pre/lookup)" -le 120
}
