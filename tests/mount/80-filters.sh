# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# What filters do to operations: the order in which they run, what they change, what they may not, what
# holds for which file. The filters are those of filters/, which say what they do in their first lines.

filtered_view() { # [-o OPTIONS] SPEC...
	local opts=cache=none filters=() spec
	need_filters
	[ "$1" = -o ] && { opts=$2; shift 2; }
	for spec; do filters+=(-F "$spec"); done
	[ -n "$LOWER" ] || lower ext4
	view -o "$opts" "${filters[@]}"
}

# Replaces the one filter there is, so that many variants need one mount only.
with() { # FILTER SPEC
	chain replace "$1" "$2" > /dev/null || fail "cannot have the filter $2"
}

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
	local mode
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

# ---- what filters may not -----------------------------------------------------------------------

# Does a thing that the filter bad spoils: EIO, counted, one line in the log for each filter, and all goes
# on. A WANT of 0 is for things of which only the count tells.
spoiled() { # FILTER WHAT PROGRAM WANT COMMAND...
	local filter=$1 what=$2 program=$3 want=$4 lines said
	shift 4
	with "$filter" "$filter,what=$what"
	lines=$(grep -c "filter $filter: its program $program" "$T/daemon0.log")
	said=$("$@" 2>&1 | tail -n 1)
	case $said in
	*"Input/output error") said=EIO ;;
	esac
	if [ "$said" != "$want" ]; then
		fail -n "$what" "'$*' came to '$said', should be '$want'"
	elif [ "$(ran bad "$filter" "$program")" = 0 ]; then
		fail -n "$what" "not counted"
	elif [ "$(grep -c "filter $filter: its program $program" "$T/daemon0.log")" != $((lines + 1)) ]; then
		fail -n "$what" "not one line in the log"
	elif ! timeout 5 stat -f "$VIEW" > /dev/null; then
		fail -n "$what" "the view has ended"
	else
		ok "$what"
	fi
	# A second time it is counted, and not logged.
	"$@" > /dev/null 2>&1
	[ "$(grep -c "filter $filter: its program $program" "$T/daemon0.log")" -le $((lines + 1)) ] ||
		fail -n "$what" "logged twice"
}

each_bad_verdicts() {
	LOG_MAY='filter bad: its program'
	filtered_view bad
	local what
	for what in five minus-600 minus-512 serve symlink-slash target-nul target-empty target-long done-entry; do
		spoiled bad $what pre/symlink EIO act try symlink "$VIEW/link" text
		check test ! -L "$LOWER/link"
	done
	for what in name-done name-five; do
		spoiled bad $what name EIO act try mkdir "$VIEW/dir"
		check test ! -e "$LOWER/dir"
	done
	for what in post-five post-600 post-serve entry-node entry-zero entry-generation entry-type; do
		spoiled bad $what post/symlink EIO act try symlink "$VIEW/link-$what" text
	done
	with bad pass
	same
}
LIMIT[bad_verdicts]=120

each_bad_names() {
	LOG_MAY='filter bad: its program'
	filtered_view bad
	mkdir "$LOWER/a" "$LOWER/d"
	: > "$LOWER/f"
	: > "$LOWER/g"
	local what
	for what in name-slash name-dots name-dot name-empty; do
		spoiled bad $what pre/mkdir EIO act try mkdir "$VIEW/new"
	done
	# One without an end is cut off where it can be no name any more.
	with bad bad,what=name-endless
	answers ENAMETOOLONG mkdir "$VIEW/new"
	for what in rename-dir rename-slash rename-dots; do
		spoiled bad $what pre/rename EIO act try rename "$VIEW/f" "$VIEW/d/f2"
	done
	spoiled bad link-node pre/link EIO act try link "$VIEW/f" "$VIEW/h"
	equal "$(cd "$LOWER" && find . | sort | tr '\n' ' ')" '. ./a ./d ./f ./g ' "what is below"
	spoiled bad link-entry post/link EIO act try link "$VIEW/f" "$VIEW/h2"
	rm -f "$LOWER"/h2
	same
}

each_bad_numbers() {
	LOG_MAY='filter bad: its program'
	filtered_view bad
	echo text > "$LOWER/f"
	ln -s target "$LOWER/l"
	mkdir "$LOWER/d"
	touch "$LOWER"/d/{1..5}
	act xattr set "$LOWER/f" user.a value > /dev/null
	local what handles i
	for what in create-fh create-flags create-node create-backing create-type; do
		spoiled bad $what post/create EIO act try create "$VIEW/new-$what"
	done
	for what in open-fh open-flags open-backing; do
		spoiled bad $what post/open EIO act try read "$VIEW/f"
	done
	spoiled bad done-open pre/open EIO act try read "$VIEW/f"
	spoiled bad fsync-fh pre/fsync EIO sync "$VIEW/f"
	spoiled bad fallocate-fh pre/fallocate EIO fallocate -l 100 "$VIEW/f"
	spoiled bad xattr-long pre/setxattr EIO act xattr set "$VIEW/f" user.b value
	spoiled bad xattr-name pre/setxattr EIO act xattr set "$VIEW/f" user.b value
	spoiled bad getxattr-size pre/getxattr EIO act xattr get "$VIEW/f" user.a
	spoiled bad getxattr-none pre/getxattr EIO act xattr get "$VIEW/f" user.a
	spoiled bad value-long post/getxattr EIO act xattr get "$VIEW/f" user.a
	spoiled bad readlink-nul post/readlink EIO act try readlink "$VIEW/l"
	spoiled bad readlink-long post/readlink EIO act try readlink "$VIEW/l"
	for what in readdir-fh readdir-size; do
		spoiled bad $what pre/readdir EIO find "$VIEW/d"
	done
	for what in listing-long listing-slash listing-none listing-more listing-cut; do
		spoiled bad $what post/readdir EIO find "$VIEW/d"
	done
	spoiled bad listing-node post/readdir EIO find "$VIEW/d"
	spoiled bad attr-type post/getattr EIO fstat_of "$VIEW/f"
	spoiled bad setattr-type post/setattr EIO act try chmod "$VIEW/f" 640
	with bad pass
	within 5 eval '[ "$(info handles)" = 0 ]' || fail "$(info handles) handles are left open"
	# Nothing is held that the kernel does not know of.
	alone
	drop_caches
	within 5 eval '[ "$(info nodes)" -le 2 ]' || fail "$(info nodes) nodes are left"
	same
}
LIMIT[bad_numbers]=120

fstat_of() {
	exec 7< "$1" && stat -L /proc/self/fd/7
	exec 7<&-
}

each_bad_data() {
	LOG_MAY='filter bad-data: its program'
	filtered_view bad-data
	echo text > "$LOWER/f"
	local what
	for what in read-fh read-size; do
		spoiled bad-data $what pre/read EIO cat "$VIEW/f"
	done
	for what in read-long read-verdict; do
		spoiled bad-data $what post/read EIO cat "$VIEW/f"
	done
	for what in write-fh write-long write-verdict; do
		spoiled bad-data $what pre/write EIO write_to "$VIEW/f"
	done
	equal "$(cat "$LOWER/f")" text "what is below"
	spoiled bad-data write-more post/write EIO write_to "$VIEW/f"
	with bad-data pass
	echo more >> "$VIEW/f"
	same -x
}

write_to() { printf XXXX | dd of="$1" conv=notrunc status=none; }

# ---- hidden names -------------------------------------------------------------------------------

HIDE=hide,names=.env:*.key:.git

# The same tree twice; only in d are the names there that are hidden.
hidden_tree() {
	local d
	lower ext4
	for d in d e; do
		mkdir -m 777 "$LOWER/$d"
		echo plain > "$LOWER/$d/plain"
		mkdir -m 777 "$LOWER/$d/dir"
		chmod 666 "$LOWER/$d/plain"
	done
	echo secret > "$LOWER/d/.env"
	echo secret > "$LOWER/d/id.key"
	mkdir "$LOWER/d/.git"
	echo secret > "$LOWER/d/.git/config"
	ln -s plain "$LOWER/d/link.key"
	chmod 666 "$LOWER/d/.env" "$LOWER/d/id.key"
}

# All that can be done to a hidden name, with what it has to come to.
hidden_answers() { # DIR NAME
	local p=$VIEW/$1/$2 plain=$VIEW/$1/plain
	local a
	while read -r a; do
		eval "set -- $a"
		echo "$1 $2 $("${RUN[@]}" "$TOOLS/act" try "${@:2}")"
	done <<- END
		ENOENT stat "$p"
		ENOENT read "$p"
		ENOENT write "$p"
		ENOENT opendir "$p"
		ENOENT access "$p"
		ENOENT chdir "$p"
		ENOENT exec "$p"
		ENOENT readlink "$p"
		ENOENT truncate "$p" 0
		ENOENT chmod "$p" 600
		ENOENT utime "$p"
		ENOENT setxattr "$p"
		ENOENT unlink "$p"
		ENOENT rmdir "$p"
		ENOENT statfs "$p"
		ENOENT rename "$p" "$plain-2"
		ENOENT noreplace "$p" "$plain-2"
		ENOENT exchange "$p" "$plain"
		ENOENT exchange "$plain" "$p"
		ENOENT link "$p" "$plain-2"
		ENOENT stat "$p/config"
		ENOENT create "$p/new"
		EPERM create "$p"
		EPERM open-create "$p"
		EPERM mkdir "$p"
		EPERM mknod "$p"
		EPERM mkfifo "$p"
		EPERM symlink "$p" text
		EPERM link "$plain" "$p"
		EPERM rename "$plain" "$p"
		EPERM noreplace "$plain" "$p"
		EPERM rename "$(dirname "$p")/dir" "$p"
	END
}

# As wanted, and the same whether or not there is something.
hidden_everywhere() { # WHO
	local name want said d
	for name in .env id.key .git link.key; do
		for d in d e; do
			hidden_answers $d $name > "$T/answers-$d"
			while read -r want call said; do
				[ "$want" = "$said" ] ||
					fail "as $1, $call of a hidden $d/$name came to $said, should be $want"
			done < "$T/answers-$d"
		done
		check cmp "$T/answers-d" "$T/answers-e"
		equal "$(wc -l < "$T/answers-d")" 32 "calls that were tried"
	done
}

hidden_operations() { # OPTIONS
	hidden_tree
	local RUN=() before listed
	filtered_view -o "$1" $HIDE
	before=$(cd "$LOWER" && find . -printf '%p %y %s %m\n' | sort)
	hidden_everywhere root
	RUN=(as 1001)
	hidden_everywhere "user 1001"
	equal "$(cd "$LOWER" && find . -printf '%p %y %s %m\n' | sort)" "$before" "what is below"
	for listed in ls 'ls -l' 'ls -lR' find 'ls -U' 'ls -i'; do
		$listed "$VIEW/d" > "$T/listed" 2>&1 || fail "$listed says $(tail -n 1 "$T/listed")"
		check not grep -q -e '\.env' -e '\.key' -e '\.git' "$T/listed"
		check grep -q plain "$T/listed"
	done
	equal "$(find "$VIEW/d" | wc -l)" 3 names
	equal "$(cat "$VIEW/d/plain")" plain "what is not hidden"
	# Where one may not write nothing is said, either.
	chmod 755 "$LOWER/d" "$LOWER/e" "$VIEW/d" "$VIEW/e"
	equal "$(as 1001 "$TOOLS/act" try create "$VIEW/d/.env")" EACCES
	equal "$(as 1001 "$TOOLS/act" try create "$VIEW/e/.env")" EACCES
	# What comes later.
	echo secret > "$LOWER/e/new.key"
	mkdir "$LOWER/e/.git"
	answers ENOENT stat "$VIEW/e/new.key"
	answers ENOENT stat "$VIEW/e/.git"
	check not grep -q -e new.key -e .git <(find "$VIEW/e")
	mkdir -p "$LOWER/d/dir/deep/er"
	: > "$LOWER/d/dir/deep/er/x.key"
	[[ $1 == cache=none ]] && equal "$(ls -A "$VIEW/d/dir/deep/er")" "" "a tree that came later"
	# What holds something hidden does not go away with it.
	check not rm -r "$VIEW/d" 2> /dev/null
	check test -e "$LOWER/d/.env" -a -e "$LOWER/d/.git/config"
	equal "$(ran bad hide)" 0 "bad runs"
}
LIMIT[hidden]=90
LIMIT[hidden_ttl]=90
LIMIT[hidden_exclusive]=90

each_hidden() { hidden_operations cache=none; }
each_hidden_exclusive() { hidden_operations cache=exclusive; }
each_hidden_ttl() { hidden_operations cache=ttl=60; }

# What the kernel knew, or somebody had open, when the filter came.
hidden_later() { # OPTIONS
	hidden_tree
	need_filters
	view -o "$1"
	local in git
	cat "$VIEW/d/.env" > /dev/null
	ls -lR "$VIEW" > /dev/null
	stat "$VIEW"/d/.* "$VIEW"/d/* > /dev/null
	act try stat "$VIEW/e/.env" > /dev/null
	act handle save "$VIEW/d/.env" "$T/handle" || fail "no handle"
	act handle save "$VIEW/d/plain" "$T/plain"
	exec 6< "$VIEW/d/.env" 7< "$VIEW/d" 8< "$VIEW/d/.git"
	mkdir "$T/bound"
	mount --bind "$VIEW/d" "$T/bound"
	cd "$VIEW/d/.git" || fail cd
	chain add $HIDE || fail "cannot add the filter"
	answers ENOENT stat "$VIEW/d/.env"
	answers ENOENT read "$VIEW/d/id.key"
	answers ENOENT stat "$VIEW/d/.git/config"
	answers ENOENT stat "$T/bound/.env"
	equal "$(ls -A "$T/bound" | tr '\n' ' ')" 'dir plain ' "names by a bind mount"
	answers EPERM create "$T/bound/.env"
	# Directories that are open lead no further than their names.
	answers ENOENT stat /proc/self/fd/7/.env
	answers ENOENT read /proc/self/fd/7/id.key
	equal "$(ls -A /proc/self/fd/7/ | tr '\n' ' ')" 'dir plain ' "names in a directory that was open"
	# Who was inside is inside, and sees nothing there.
	answers ENOENT stat config
	answers ENOENT stat "$VIEW/d/dir/../.git/config"
	answers ENOENT read /proc/self/fd/8/config
	equal "$(ls -A .)" '' "names in the directory that is hidden"
	answers ENOENT stat ../.env
	answers 0 stat ../plain
	check cd ..
	answers ENOENT stat .git
	# Who had it open has it: it was let in.
	equal "$(cat <&6)" secret "what was open"
	cd "$T"
	exec 6<&- 7<&- 8<&-
	umount "$T/bound"
	# By handle there is no way that the kernel does not remember.
	alone
	drop_caches
	equal "$(act handle open "$VIEW" "$T/handle")" ESTALE "by handle"
	equal "$(ls -A "$VIEW/d" | tr '\n' ' ')" 'dir plain ' "names"
	chain remove hide || fail "cannot remove the filter"
	answers 0 stat "$VIEW/d/.env"
	equal "$(cat "$VIEW/d/.git/config")" secret
	equal "$(ls -A "$VIEW/d" | wc -l)" 6 names
	same -x
}

each_hidden_later() { hidden_later cache=none; }
each_hidden_later_exclusive() { hidden_later cache=exclusive; }

# Another name of a hidden file that was made below is a name like others; in the view none can be made.
each_hidden_links() {
	hidden_tree
	ln "$LOWER/d/.env" "$LOWER/d/other"
	filtered_view $HIDE
	equal "$(cat "$VIEW/d/other")" secret "the name that is not hidden"
	answers EPERM link "$VIEW/d/other" "$VIEW/d/more.key"
	answers EPERM rename "$VIEW/d/other" "$VIEW/d/more.key"
	answers ENOENT link "$VIEW/d/.env" "$VIEW/d/more"
	ln -s .env "$VIEW/d/soft"
	answers ENOENT read "$VIEW/d/soft"
	answers EPERM open-create "$VIEW/d/soft"
	check not test -e "$LOWER/d/more.key" -o -e "$LOWER/d/more"
}

# Of a listing nearly all is hidden: what is left is there, whole.
each_hidden_many() {
	lower ext4
	mkdir "$LOWER/d"
	(cd "$LOWER/d" && touch x{1..4000}.key a b c && mkdir .git e)
	filtered_view $HIDE
	equal "$(ls "$VIEW/d" | tr '\n' ' ')" 'a b c e ' names
	equal "$(ls -l "$VIEW/d" | wc -l)" 5 "names with attributes"
	equal "$(find "$VIEW/d" | wc -l)" 5 "names found"
	equal "$(info handles)" 0 "handles"
}

# By path: a tree that would show what is hidden somewhere else is not moved there.
each_hidden_paths() {
	lower ext4
	mkdir -p "$LOWER"/{a/b,a/x,q/b,z}
	echo secret > "$LOWER/a/b/f"
	echo plain > "$LOWER/q/b/f"
	echo plain > "$LOWER/f"
	filtered_view hide,paths=/a/b
	answers ENOENT stat "$VIEW/a/b"
	answers ENOENT read "$VIEW/a/b/f"
	equal "$(ls "$VIEW/a")" x
	equal "$(cat "$VIEW/q/b/f")" plain
	answers EPERM mkdir "$VIEW/a/b"
	answers EPERM rename "$VIEW/z" "$VIEW/a/b"
	answers EPERM link "$VIEW/f" "$VIEW/a/b"
	answers EXDEV rename "$VIEW/a" "$VIEW/c"
	answers EXDEV rename "$VIEW/a" "$VIEW/z/a"
	answers EXDEV exchange "$VIEW/a" "$VIEW/q"
	answers EXDEV exchange "$VIEW/q" "$VIEW/a"
	answers 0 rename "$VIEW/a/x" "$VIEW/z/x"
	answers 0 rename "$VIEW/q" "$VIEW/z/q"
	equal "$(cat "$VIEW/z/q/b/f")" plain
	answers ENOENT stat "$VIEW/z/../a/b"
	check test -e "$LOWER/a/b/f"
	alone
	drop_caches
	answers ENOENT stat "$VIEW/a/b"
	equal "$(ls "$VIEW/a")" ''
}

# On lower file systems of other kinds, with and without file handles.
each_hidden_lowers() {
	local type
	for type in tmpfs ramfs overlay btrfs; do
		PREFIX=$type
		[ $type != btrfs ] || command -v mkfs.btrfs > /dev/null || continue
		lower $type
		mkdir "$LOWER/d" "$LOWER/e"
		echo secret > "$LOWER/d/.env"
		echo plain > "$LOWER/d/plain"
		filtered_view -o cache=exclusive $HIDE
		answers ENOENT stat "$VIEW/d/.env"
		answers EPERM create "$VIEW/d/.env"
		answers EPERM create "$VIEW/e/.env"
		equal "$(ls -A "$VIEW/d")" plain "names on $type"
		answers ENOENT rename "$VIEW/d/.env" "$VIEW/d/x"
		answers EPERM rename "$VIEW/d/plain" "$VIEW/d/.env"
		equal "$(cat "$VIEW/d/plain")" plain "text on $type"
		check chain remove hide
		equal "$(cat "$VIEW/d/.env")" secret "text on $type"
		exec 7< "$VIEW/d/plain"
		cd "$VIEW/d" || fail cd
		check chain add $HIDE
		answers ENOENT stat .env
		answers ENOENT stat "$VIEW/d/.env"
		equal "$(ls -A .)" plain "names on $type"
		equal "$(cat <&7)" plain
		exec 7<&-
		cd "$T"
		unview
	done
}

# Names that the lower file system takes for the same.
each_hidden_folded() {
	need_filters
	FS=$T/fs0 LOWER=$T/fs0/lower
	mkdir "$FS"
	truncate -s 64M "$T/fs.img"
	mkfs.ext4 -q -F -O casefold "$T/fs.img" > /dev/null 2>&1 &&
		mount -o loop "$T/fs.img" "$FS" 2> /dev/null || skip "no ext4 that folds names here"
	mkdir "$LOWER"
	chattr +F "$LOWER" 2> /dev/null || skip "chattr +F does not work here"
	echo secret > "$LOWER/.env"
	: > "$LOWER/plain"
	test -e "$LOWER/.ENV" || fail "names are not folded"
	filtered_view $HIDE
	local name
	for name in .env .ENV .Env; do
		answers ENOENT stat "$VIEW/$name"
		answers ENOENT read "$VIEW/$name"
		answers ENOENT unlink "$VIEW/$name"
		answers EPERM create "$VIEW/$name"
	done
	answers 0 stat "$VIEW/PLAIN"
	check test -e "$LOWER/.env"
}

# ---- which files it holds for -------------------------------------------------------------------

depth() { act xattr get "$VIEW/$1" user.depth; }

each_inherited() {
	lower ext4
	mkdir -p "$LOWER/a/b/c" "$LOWER/a/zero/d" "$LOWER/a/free-tree/in"
	: > "$LOWER/a/b/c/f"
	: > "$LOWER/free-file"
	filtered_view depth
	equal "$(depth .)" 0
	equal "$(depth a)" 1
	equal "$(depth a/b/c/f)" 4
	equal "$(depth a/zero)" 0
	equal "$(depth a/zero/d)" 1
	# Taken off, with all that is below.
	equal "$(depth free-file)" ENODATA
	equal "$(depth a/free-tree)" ENODATA
	equal "$(depth a/free-tree/in)" ENODATA
	# What is made has it from its directory.
	: > "$VIEW/a/b/new"
	mkdir "$VIEW/a/b/new-d"
	mkfifo "$VIEW/a/b/new-p"
	: > "$VIEW/a/free-tree/new"
	equal "$(depth a/b/new)$(depth a/b/new-d)" 33 "of what is made"
	equal "$(depth a/free-tree/new)" ENODATA "of what is made where it does not hold"
	: > "$VIEW/a/free-new"
	equal "$(depth a/free-new)" ENODATA "of what is made and taken off"
	# By a listing that brings the entries along.
	mkdir -p "$LOWER/a/late"/{1..5}
	ls -l "$VIEW/a/late" > /dev/null
	equal "$(depth a/late/1)$(depth a/late/5)" 33 "of what was listed"
	equal "$(ran bad depth)" 0 "bad runs"
}

# A hard link in the view has what its file has; the file keeps what it has by either name.
each_inherited_links() {
	lower ext4
	mkdir "$LOWER/d" "$LOWER/free-d"
	echo text > "$LOWER/d/f"
	echo text > "$LOWER/free-d/f"
	filtered_view guard
	equal "$(act xattr get "$VIEW/d/f" user.guarded)" yes
	equal "$(act xattr get "$VIEW/free-d/f" user.guarded)" ENODATA
	answers EPERM write "$VIEW/d/f"
	answers EPERM chmod "$VIEW/d/f" 600
	answers EPERM truncate "$VIEW/d/f" 0
	answers 0 write "$VIEW/free-d/f"
	# It would be free by the other name: no.
	answers EXDEV link "$VIEW/d/f" "$VIEW/free-d/g"
	answers EXDEV link "$VIEW/d/f" "$VIEW/d/free-g"
	check test ! -e "$LOWER/free-d/g" -a ! -e "$LOWER/d/free-g"
	answers 0 link "$VIEW/d/f" "$VIEW/d/g"
	equal "$(act xattr get "$VIEW/d/g" user.guarded)" yes
	# It gains the filter.
	answers 0 link "$VIEW/free-d/f" "$VIEW/d/h"
	answers EPERM write "$VIEW/d/h"
	answers EPERM write "$VIEW/free-d/f"
	# Made below: reachable by a name that is free and by one that is not.
	ln "$LOWER/d/f" "$LOWER/free-below"
	stat "$VIEW/d/f" > /dev/null
	answers EPERM write "$VIEW/free-below"
	equal "$(act xattr get "$VIEW/free-below" user.guarded)" yes
}

each_moved() {
	lower ext4
	mkdir -p "$LOWER/d/sub" "$LOWER/free-d/sub"
	echo 'in d' > "$LOWER/d/f"
	echo 'in free' > "$LOWER/free-d/f"
	: > "$LOWER/d/g"
	filtered_view guard
	# Out of it: not by rename, which would shake it off.
	answers EXDEV rename "$VIEW/d/f" "$VIEW/free-d/f2"
	answers EXDEV rename "$VIEW/d/f" "$VIEW/d/free-f"
	answers EXDEV exchange "$VIEW/d/f" "$VIEW/free-d/f"
	answers EXDEV noreplace "$VIEW/d/f" "$VIEW/free-d/f2"
	answers EXDEV rename "$VIEW/d/sub" "$VIEW/free-d/sub2"
	answers EXDEV rename "$VIEW/free-d/sub" "$VIEW/d/sub2"
	equal "$(cat "$LOWER/d/f" "$LOWER/free-d/f" | tr '\n' ' ')" 'in d in free '
	# Within, and into it.
	answers 0 rename "$VIEW/d/g" "$VIEW/d/sub/g"
	answers EPERM write "$VIEW/d/sub/g"
	answers 0 write "$VIEW/free-d/f"
	answers 0 rename "$VIEW/free-d/f" "$VIEW/d/f3"
	answers EPERM write "$VIEW/d/f3"
	equal "$(act xattr get "$VIEW/d/f3" user.guarded)" yes
	# mv copies then.
	check mv "$VIEW/d/f3" "$VIEW/free-d/f4" 2> "$T/said"
	equal "$(cat "$LOWER/free-d/f4")" 'in free'
	answers 0 write "$VIEW/free-d/f4"
	check test ! -e "$LOWER/d/f3"
	same -x
}

# Files that a filter with names and paths is not concerned with are moved and linked as ever, whatever was
# known of them.
each_moved_freely() {
	local spec
	for spec in hide readonly fault mask; do
		lower ext4
		mkdir "$LOWER/d" "$LOWER/e"
		echo text > "$LOWER/f"
		echo text > "$LOWER/d/f"
		: > "$LOWER/new"
		filtered_view $spec,names=*.key
		cat "$VIEW/f" "$VIEW/d/f" > /dev/null
		ls -lR "$VIEW" > /dev/null
		answers 0 link "$VIEW/f" "$VIEW/g"
		answers 0 link "$VIEW/f" "$VIEW/d/g"
		answers 0 rename "$VIEW/f" "$VIEW/h"
		answers 0 rename "$VIEW/h" "$VIEW/d/h"
		answers 0 exchange "$VIEW/d/h" "$VIEW/new"
		answers 0 noreplace "$VIEW/d/h" "$VIEW/d/i"
		answers 0 rename "$VIEW/d/f" "$VIEW/d/i"
		answers 0 rename "$VIEW/d" "$VIEW/e/d"
		same -x
		unview
	done
}

# Attached to a part of the tree.
each_attached() {
	lower ext4
	mkdir -p "$LOWER/part/deep" "$LOWER/other"
	echo text > "$LOWER/part/deep/f"
	echo text > "$LOWER/other/f"
	filtered_view guard,at=/part depth,at=part/deep
	answers EPERM write "$VIEW/part/deep/f"
	answers 0 write "$VIEW/other/f"
	equal "$(depth part)" ENODATA
	equal "$(depth part/deep)" 0
	equal "$(depth part/deep/f)" 1
	equal "$(depth other)" ENODATA
	answers EXDEV rename "$VIEW/part/deep/f" "$VIEW/other/g"
	answers EXDEV link "$VIEW/part/deep/f" "$VIEW/other/g"
	: > "$VIEW/part/new"
	equal "$(act xattr get "$VIEW/part/new" user.guarded)" yes
	equal "$(act xattr get "$VIEW/part" user.guarded)" yes "what it is attached to"
	equal "$(act xattr get "$VIEW" user.guarded)" ENODATA
	# It is the directory that it is attached to, not its name.
	answers 0 rename "$VIEW/part" "$VIEW/moved"
	answers EPERM write "$VIEW/moved/deep/f"
	alone
	drop_caches
	answers EPERM write "$VIEW/moved/deep/f"
	answers 0 write "$VIEW/other/f"
	refused 'nowhere.*No such file' chain add guard,name=g2,at=/nowhere
	chain list > "$T/list"
	check grep -q part "$T/list"
	# To one file.
	: > "$VIEW/other/g"
	chain add guard,name=g2,at=/other/f || fail "cannot attach it to a file"
	answers EPERM write "$VIEW/other/f"
	answers 0 write "$VIEW/other/g"
}

# What the kernel knew below, when the filter came: files, open ones, where somebody works.
each_attached_later() {
	lower ext4
	mkdir -p "$LOWER/part/deep" "$LOWER/other"
	echo text > "$LOWER/part/deep/f"
	need_filters
	view -o cache=exclusive
	ls -lR "$VIEW" > /dev/null
	cat "$VIEW/part/deep/f" > /dev/null
	exec 7<> "$VIEW/part/deep/f"
	cd "$VIEW/part/deep" || fail cd
	chain add guard,at=/part || fail "cannot add it"
	equal "$(act xattr get /proc/self/fd/7 user.guarded)" yes "an open file"
	equal "$(act xattr get . user.guarded)" yes "the working directory"
	answers EPERM write f
	answers EPERM chmod "$VIEW/part/deep/f" 600
	equal "$(act xattr get "$VIEW/other" user.guarded)" ENODATA
	chain remove guard
	# Without a program for names, too.
	chain add attached,at=/part || fail "cannot add it"
	equal "$(act xattr get /proc/self/fd/7 user.attached)" yes "an open file"
	equal "$(act xattr get . user.attached)" yes "the working directory"
	equal "$(act xattr get "$VIEW/other" user.attached)" ENODATA
	exec 7>&-
	cd "$T"
}

# A listing plants no entry that a lookup would refuse.
each_listing_plants_nothing() {
	lower ext4
	mkdir "$LOWER/d"
	echo text > "$LOWER/d/no-lookup"
	echo text > "$LOWER/d/free"
	local opts
	for opts in cache=none cache=exclusive; do
		filtered_view -o $opts errors
		answers EACCES read "$VIEW/d/no-lookup"
		ls -l "$VIEW/d" > "$T/listed" 2>&1
		check grep -q no-lookup "$T/listed"
		answers EACCES read "$VIEW/d/no-lookup"
		answers EACCES stat "$VIEW/d/no-lookup"
		find "$VIEW/d" -ls > /dev/null 2>&1
		answers EACCES read "$VIEW/d/no-lookup"
		equal "$(cat "$VIEW/d/free")" text
		unview
	done
}

# ---- by caller ----------------------------------------------------------------------------------

each_callers() {
	lower ext4
	mkdir -m 777 "$LOWER/d"
	echo text > "$LOWER/d/secret"
	echo text > "$LOWER/d/only"
	chmod 644 "$LOWER/d"/*
	filtered_view -o cache=exclusive callers
	local i try=$TOOLS/act
	for i in 1 2 3 4 5 6 7 8; do
		equal "$(as 1001 "$try" try read "$VIEW/d/secret")" 0 "round $i, 1001 reads"
		equal "$(as 1002 "$try" try read "$VIEW/d/secret")" ENOENT "round $i, 1002 reads"
		equal "$(as 1001 "$try" try stat "$VIEW/d/secret")" 0 "round $i, 1001 stats"
		equal "$(as 1002 "$try" try create "$VIEW/d/secret-new")" EPERM "round $i, 1002 creates"
		equal "$(as 1002 stat -c %u "$VIEW/d/only" 2> /dev/null)" '' "round $i, 1002 looks"
		equal "$(as 1001 stat -c %u "$VIEW/d/only")" 1001 "round $i, owner for 1001"
		equal "$(as 1002 stat -c %u "$VIEW/d")" 1002 "round $i, owner for 1002"
		equal "$(as 1001 stat -c %u "$VIEW/d")" 1001 "round $i, owner for 1001"
		equal "$(as 1002 ls -l "$VIEW/d" 2> /dev/null | grep -c secret)" 0 "round $i, 1002 lists"
		equal "$(as 1001 ls -l "$VIEW/d" | grep -c secret)" 1 "round $i, 1001 lists"
		equal "$(as 1002 ls "$VIEW/d" | grep -c secret)" 0 "round $i, 1002 lists names"
		equal "$(as 1001 ls "$VIEW/d" | grep -c secret)" 1 "round $i, 1001 lists names"
	done
	# What was absent comes, for who may see it.
	equal "$(as 1001 "$try" try stat "$VIEW/d/later")" ENOENT
	equal "$(as 1002 "$try" try stat "$VIEW/d/later")" ENOENT
	equal "$(as 1001 "$try" try create "$VIEW/d/later")" 0
	equal "$(as 1002 stat -c %u "$VIEW/d/later")" 1002
	equal "$(as 1001 "$try" try create "$VIEW/d/secret2")" 0
	equal "$(as 1002 "$try" try stat "$VIEW/d/secret2")" ENOENT
	equal "$(as 1001 "$try" try stat "$VIEW/d/secret2")" 0
	equal "$(ran bad callers)" 0 "bad runs"
}

# At the same time, on several processors.
each_callers_at_once() {
	lower ext4
	mkdir -m 777 "$LOWER/d"
	echo text > "$LOWER/d/secret"
	filtered_view -o cache=exclusive callers
	callers_loop 1001 0 & local one=$!
	callers_loop 1002 ENOENT & local two=$!
	wait $one || fail "user 1001 was refused: $(cat "$T/wrong-1001")"
	wait $two || fail "user 1002 saw it: $(cat "$T/wrong-1002")"
}

callers_loop() { # UID WANT
	as "$1" bash -c '
		for ((i = 0; i < 300; i++)); do
			said=$("$1" try stat "$2")
			[ "$said" = "$3" ] || { echo "$i: $said" >&4; exit 1; }
		done' _ "$TOOLS/act" "$VIEW/d/secret" "$2" 4> "$T/wrong-$1"
}

# With idmap the kernel does not say who asks.
each_callers_refuse_idmap() {
	lower ext4
	need_filters
	mkdir "$T/mnt"
	refused 'idmap' "$PENSTOCK" mount -o idmap --filter callers "$LOWER" "$T/mnt"
	check not mountpoint -q "$T/mnt"
	view -o idmap
	refused 'idmap' chain add callers
	check chain add pass
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
