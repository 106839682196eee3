# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# Which files a filter applies to: by name, by directory and by caller.

# ---- which files it holds for -------------------------------------------------------------------

depth() { act xattr get "$VIEW/$1" user.depth; }

each_children_inherit_filters_and_cells() {
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
	# The filter excludes files named "free*" and all files in such directories.
	equal "$(depth free-file)" ENODATA
	equal "$(depth a/free-tree)" ENODATA
	equal "$(depth a/free-tree/in)" ENODATA
	# A new file inherits the filter from its directory.
	: > "$VIEW/a/b/new"
	mkdir "$VIEW/a/b/new-d"
	mkfifo "$VIEW/a/b/new-p"
	: > "$VIEW/a/free-tree/new"
	equal "$(depth a/b/new)$(depth a/b/new-d)" 33 "of what is made"
	equal "$(depth a/free-tree/new)" ENODATA "of what is made where it does not hold"
	: > "$VIEW/a/free-new"
	equal "$(depth a/free-new)" ENODATA "of what is made and taken off"
	# A listing with entries applies the filter to its files.
	mkdir -p "$LOWER/a/late"/{1..5}
	ls -l "$VIEW/a/late" > /dev/null
	equal "$(depth a/late/1)$(depth a/late/5)" 33 "of what was listed"
	equal "$(ran bad depth)" 0 "bad runs"
}

# A hard link in the view gets the filters and cells of its file; the file keeps them under either
# name.
each_hard_links_keep_filters() {
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
	# The new name would end the filter, so the link is refused.
	answers EPERM link "$VIEW/d/f" "$VIEW/free-d/g"
	answers EPERM link "$VIEW/d/f" "$VIEW/d/free-g"
	check test ! -e "$LOWER/free-d/g" -a ! -e "$LOWER/d/free-g"
	answers 0 link "$VIEW/d/f" "$VIEW/d/g"
	equal "$(act xattr get "$VIEW/d/g" user.guarded)" yes
	# The file gains the filter by its new name.
	answers 0 link "$VIEW/free-d/f" "$VIEW/d/h"
	answers EPERM write "$VIEW/d/h"
	answers EPERM write "$VIEW/free-d/f"
	# The link is made in the lower tree, so one name has the filter and the other does not.
	ln "$LOWER/d/f" "$LOWER/free-below"
	stat "$VIEW/d/f" > /dev/null
	answers EPERM write "$VIEW/free-below"
	equal "$(act xattr get "$VIEW/free-below" user.guarded)" yes
}

each_move_that_loses_a_filter_is_refused() {
	lower ext4
	mkdir -p "$LOWER/d/sub" "$LOWER/free-d/sub"
	echo 'in d' > "$LOWER/d/f"
	echo 'in free' > "$LOWER/free-d/f"
	: > "$LOWER/d/g"
	filtered_view guard
	# A rename out of the directory would end the filter, so it is refused.
	answers EPERM rename "$VIEW/d/f" "$VIEW/free-d/f2"
	answers EPERM rename "$VIEW/d/f" "$VIEW/d/free-f"
	answers EPERM exchange "$VIEW/d/f" "$VIEW/free-d/f"
	answers EPERM noreplace "$VIEW/d/f" "$VIEW/free-d/f2"
	answers EPERM rename "$VIEW/d/sub" "$VIEW/free-d/sub2"
	answers EPERM rename "$VIEW/free-d/sub" "$VIEW/d/sub2"
	equal "$(cat "$LOWER/d/f" "$LOWER/free-d/f" | tr '\n' ' ')" 'in d in free '
	# A rename within the directory or into it is allowed.
	answers 0 rename "$VIEW/d/g" "$VIEW/d/sub/g"
	answers EPERM write "$VIEW/d/sub/g"
	answers 0 write "$VIEW/free-d/f"
	answers 0 rename "$VIEW/free-d/f" "$VIEW/d/f3"
	answers EPERM write "$VIEW/d/f3"
	equal "$(act xattr get "$VIEW/d/f3" user.guarded)" yes
	# rename(2) fails with EPERM and not with EXDEV. After EXDEV mv(1) would copy what the
	# filter shows and then remove the file.
	refused 'not permitted' mv "$VIEW/d/f3" "$VIEW/free-d/f4"
	equal "$(cat "$LOWER/d/f3")" 'in free'
	check test ! -e "$LOWER/free-d/f4"
	same -x
}

# Files without a match of names= and paths= can be moved and linked freely, whatever the kernel had
# cached.
each_files_without_match_move_freely() {
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

# The filter is attached to a directory.
each_attached_filter_applies_from_its_directory_down() {
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
	answers EPERM rename "$VIEW/part/deep/f" "$VIEW/other/g"
	answers EPERM link "$VIEW/part/deep/f" "$VIEW/other/g"
	: > "$VIEW/part/new"
	equal "$(act xattr get "$VIEW/part/new" user.guarded)" yes
	equal "$(act xattr get "$VIEW/part" user.guarded)" yes "what it is attached to"
	equal "$(act xattr get "$VIEW" user.guarded)" ENODATA
	# The directory keeps its place: a rename or a removal of a directory on its path is
	# refused, so that the path leads to it at the next mount, too.
	mkdir "$LOWER/empty"
	answers EPERM rename "$VIEW/part" "$VIEW/moved"
	answers EPERM rename "$VIEW/part/deep" "$VIEW/part/shallow"
	answers EPERM exchange "$VIEW/part" "$VIEW/empty"
	answers EPERM exchange "$VIEW/empty" "$VIEW/part"
	mkdir "$LOWER/part/void"
	chain add depth,name=d2,at=part/void
	answers EPERM rmdir "$VIEW/part/void"
	answers EPERM rename "$VIEW/empty" "$VIEW/part/void"
	answers 0 rename "$VIEW/empty" "$VIEW/other/empty"
	check chain remove d2
	answers 0 rmdir "$VIEW/part/void"
	# Another program renames the directory in the lower tree; the filter stays with the
	# directory.
	mv "$LOWER/part" "$LOWER/moved"
	answers EPERM write "$VIEW/moved/deep/f"
	alone
	drop_caches
	answers EPERM write "$VIEW/moved/deep/f"
	answers 0 write "$VIEW/other/f"
	refused 'nowhere.*(No such file|ENOENT)' chain add guard,name=g2,at=/nowhere
	chain list > "$T/list"
	check grep -q part "$T/list"
	# The filter is attached to one file.
	: > "$VIEW/other/g"
	chain add guard,name=g2,at=/other/f || fail "cannot attach it to a file"
	answers EPERM write "$VIEW/other/f"
	answers 0 write "$VIEW/other/g"
}

# The filter also applies to files that the kernel had cached or open, and to a working directory,
# when the filter was added.
each_attached_filter_applies_to_open_files() {
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
	# The same with a filter that has no program for names.
	chain add attached,at=/part || fail "cannot add it"
	equal "$(act xattr get /proc/self/fd/7 user.attached)" yes "an open file"
	equal "$(act xattr get . user.attached)" yes "the working directory"
	equal "$(act xattr get "$VIEW/other" user.attached)" ENODATA
	exec 7>&-
	cd "$T"
}

# A listing adds no entry to the kernel's cache that a lookup would refuse.
each_listing_adds_no_entry_that_lookup_refuses() {
	lower ext4
	mkdir "$LOWER/d"
	echo text > "$LOWER/d/refused"
	echo text > "$LOWER/d/free"
	local opts
	for opts in cache=none cache=exclusive; do
		filtered_view -o $opts doorman
		answers EACCES read "$VIEW/d/refused"
		ls -l "$VIEW/d" > "$T/listed" 2>&1
		check grep -q refused "$T/listed"
		answers EACCES read "$VIEW/d/refused"
		answers EACCES stat "$VIEW/d/refused"
		find "$VIEW/d" -ls > /dev/null 2>&1
		answers EACCES read "$VIEW/d/refused"
		equal "$(cat "$VIEW/d/free")" text
		unview
	done
}

# ---- by caller ----------------------------------------------------------------------------------

each_filter_tells_callers_apart() {
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
		equal "$(as 1002 "$try" try create "$VIEW/d/secret-new")" EPERM \
			"round $i, 1002 creates"
		equal "$(as 1002 stat -c %u "$VIEW/d/only" 2> /dev/null)" '' "round $i, 1002 looks"
		equal "$(as 1001 stat -c %u "$VIEW/d/only")" 1001 "round $i, owner for 1001"
		equal "$(as 1002 stat -c %u "$VIEW/d")" 1002 "round $i, owner for 1002"
		equal "$(as 1001 stat -c %u "$VIEW/d")" 1001 "round $i, owner for 1001"
		equal "$(as 1002 ls -l "$VIEW/d" 2> /dev/null | grep -c secret)" 0 \
			"round $i, 1002 lists"
		equal "$(as 1001 ls -l "$VIEW/d" | grep -c secret)" 1 "round $i, 1001 lists"
		equal "$(as 1002 ls "$VIEW/d" | grep -c secret)" 0 "round $i, 1002 lists names"
		equal "$(as 1001 ls "$VIEW/d" | grep -c secret)" 1 "round $i, 1001 lists names"
	done
	# A name that did not exist appears for the user who may see it.
	equal "$(as 1001 "$try" try stat "$VIEW/d/later")" ENOENT
	equal "$(as 1002 "$try" try stat "$VIEW/d/later")" ENOENT
	equal "$(as 1001 "$try" try create "$VIEW/d/later")" 0
	equal "$(as 1002 stat -c %u "$VIEW/d/later")" 1002
	equal "$(as 1001 "$try" try create "$VIEW/d/secret2")" 0
	equal "$(as 1002 "$try" try stat "$VIEW/d/secret2")" ENOENT
	equal "$(as 1001 "$try" try stat "$VIEW/d/secret2")" 0
	equal "$(ran bad callers)" 0 "bad runs"
}

# Clients on several CPUs look at the same time.
each_filter_tells_callers_apart_at_the_same_time() {
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

# With idmap the kernel does not tell the daemon who the caller is.
each_filter_by_caller_is_refused_with_idmap() {
	lower ext4
	need_filters
	mkdir "$T/mnt"
	refused 'idmap' "$PENSTOCK" mount -o idmap --filter callers "$LOWER" "$T/mnt"
	check not mountpoint -q "$T/mnt"
	view -o idmap
	refused 'idmap' chain add callers
	check chain add pass
}
