# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# A hidden name is absent in every operation, whatever the kernel had cached, and neither results
# nor times show that the file exists.

HIDE='hide,names=.env:*.key:.git'

# Makes the same tree twice: d has the names that are hidden, e does not.
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

# Runs every operation on NAME in DIR. Prints the expected and the actual result of each.
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

# Fails unless every operation has the expected result, the same with and without the hidden file.
hidden_everywhere() { # WHO
	local name want said d
	for name in .env id.key .git link.key; do
		for d in d e; do
			hidden_answers $d $name > "$T/answers-$d"
			while read -r want call said; do
				[ "$want" = "$said" ] ||
					fail "as $1, $call of a hidden $d/$name: $said, not $want"
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
	# In a directory that the caller may not write to, a create fails with EACCES for hidden and
	# other names alike.
	chmod 755 "$LOWER/d" "$LOWER/e" "$VIEW/d" "$VIEW/e"
	equal "$(as 1001 "$TOOLS/act" try create "$VIEW/d/.env")" EACCES
	equal "$(as 1001 "$TOOLS/act" try create "$VIEW/e/.env")" EACCES
	# The hidden files are created after the mount.
	echo secret > "$LOWER/e/new.key"
	mkdir "$LOWER/e/.git"
	answers ENOENT stat "$VIEW/e/new.key"
	answers ENOENT stat "$VIEW/e/.git"
	check not grep -q -e new.key -e .git <(find "$VIEW/e")
	mkdir -p "$LOWER/d/dir/deep/er"
	: > "$LOWER/d/dir/deep/er/x.key"
	[[ $1 == cache=none ]] && equal "$(ls -A "$VIEW/d/dir/deep/er")" "" "a tree that came later"
	# A directory with hidden names in it cannot be removed.
	check not rm -r "$VIEW/d" 2> /dev/null
	check test -e "$LOWER/d/.env" -a -e "$LOWER/d/.git/config"
	equal "$(ran bad hide)" 0 "bad runs"
}
LIMIT[hidden_name_is_absent_in_every_operation]=90
LIMIT[hidden_name_is_absent_with_ttl]=90
LIMIT[hidden_name_is_absent_with_exclusive]=90

each_hidden_name_is_absent_in_every_operation() { hidden_operations cache=none; }
each_hidden_name_is_absent_with_exclusive() { hidden_operations cache=exclusive; }
each_hidden_name_is_absent_with_ttl() { hidden_operations cache=ttl=60; }

# An operation on a hidden name causes the same lower requests, and the same caching, whether the
# name exists or not; otherwise the time it takes would reveal it. The lower tree is a view, too,
# which counts the requests.
asked_below() { # CALL ARG...
	local ops=LOOKUP,GETATTR,STATX,MKNOD,MKDIR,CREATE,UNLINK,RMDIR,RENAME2,LINK,SYMLINK,OPEN
	local before here
	here=$(counters $ops) before=$(VIEW=$BELOW counters $ops)
	"$TOOLS/act" try "$@" > "$T/said"
	"$TOOLS/act" try "$@" >> "$T/said"
	echo "$(($(counters $ops) - here)) $(($(VIEW=$BELOW counters $ops) - before))" \
		"$(paste -sd' ' "$T/said")"
}

# The kernel may drop a cache entry meanwhile and ask again, so the least number of several tries
# counts.
same_asked() { # CALL
	local d call
	: > "$T/tried-d"
	: > "$T/tried-e"
	for _ in {1..10}; do
		for d in d e; do
			call=${1//P/$VIEW/$d/.env}
			call=${call//F/$VIEW/$d/plain}
			stat "$VIEW/$d/plain" > /dev/null
			[ -z "$OTHERS" ] || chmod 644 $OTHERS
			# shellcheck disable=SC2086
			asked_below ${call//N/$VIEW/$d/new} >> "$T/tried-$d"
			sort -n "$T/tried-$d" | head -n 1 > "$T/asked-$d"
		done
		cmp -s "$T/asked-d" "$T/asked-e" && return
	done
	return 1
}

# With OTHERS the daemon has used up its descriptors for other files, so it has none for the files
# of the call.
once_time_does_not_tell_what_is_hidden() {
	local call specs BELOW OTHERS
	need_filters
	alone
	hidden_tree
	mkdir "$LOWER/others"
	touch "$LOWER/others/"{1..40}
	# A lower listing of the directory would find other names.
	rm -r "$LOWER"/{d,e}/dir
	for specs in "$HIDE" "hide-for,uid=0,${HIDE#*,}" "quota,bytes=1G $HIDE audit,at=/e"; do
		view -o cache=none
		BELOW=$VIEW
		# shellcheck disable=SC2086
		filtered_below $specs
		for call in 'stat P' 'unlink P' 'rmdir P' 'create P' 'mkdir P' 'rename P N' \
			'rename F P' 'link F P'; do
			OTHERS=
			[[ $specs != quota* ]] || OTHERS=$(echo "$VIEW"/others/*)
			same_asked "$call" ||
				fail "'$call' with $specs:" \
					"requests $(paste -sd: "$T/asked-d" "$T/asked-e")"
		done
		unview
		unview "$BELOW"
	done
}

filtered_below() { # SPEC...
	local spec options=()
	for spec; do options+=(-F "$spec"); done
	view -o cache=ttl=600,fds=16 "${options[@]}" "$BELOW"
}

# The kernel had cached the names, and processes had files open, when the filter was added.
hidden_later() { # OPTIONS
	hidden_tree
	need_filters
	view -o "$1"
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
	# A path that begins at an open directory does not lead to hidden names either.
	answers ENOENT stat /proc/self/fd/7/.env
	answers ENOENT read /proc/self/fd/7/id.key
	equal "$(ls -A /proc/self/fd/7/ | tr '\n' ' ')" 'dir plain ' \
		"names in a directory that was open"
	# A process whose working directory is hidden stays there and sees no names.
	answers ENOENT stat config
	answers ENOENT stat "$VIEW/d/dir/../.git/config"
	answers ENOENT read /proc/self/fd/8/config
	equal "$(ls -A .)" '' "names in the directory that is hidden"
	answers ENOENT stat ../.env
	answers 0 stat ../plain
	check cd ..
	answers ENOENT stat .git
	# An open file stays readable, because its open was permitted.
	equal "$(cat <&6)" secret "what was open"
	cd "$T"
	exec 6<&- 7<&- 8<&-
	umount "$T/bound"
	# A handle opens only files that the kernel knows; it has forgotten the hidden ones.
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

each_name_known_before_is_hidden() { hidden_later cache=none; }
each_name_known_before_is_hidden_with_exclusive() { hidden_later cache=exclusive; }

# A second name that another program gave a hidden file in the lower tree is not hidden. In the view
# no second name can be made.
each_other_name_of_hidden_file_stays() {
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

# A listing in which nearly all names are hidden still shows all the others.
each_listing_of_mostly_hidden_names_is_whole() {
	lower ext4
	mkdir "$LOWER/d"
	(cd "$LOWER/d" && touch x{1..4000}.key a b c && mkdir .git e)
	filtered_view $HIDE
	equal "$(ls "$VIEW/d" | tr '\n' ' ')" 'a b c e ' names
	equal "$(ls -l "$VIEW/d" | wc -l)" 5 "names with attributes"
	equal "$(find "$VIEW/d" | wc -l)" 5 "names found"
	! has_daemon || equal "$(info handles)" 0 "handles"
}

# With paths=, a directory that contains hidden files cannot be moved, because elsewhere they would
# appear.
each_hidden_path_cannot_be_moved_elsewhere() {
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
	answers EPERM rename "$VIEW/a" "$VIEW/c"
	answers EPERM rename "$VIEW/a" "$VIEW/z/a"
	answers EPERM exchange "$VIEW/a" "$VIEW/q"
	answers EPERM exchange "$VIEW/q" "$VIEW/a"
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

# On other lower file systems, with and without file handles.
each_names_are_hidden_on_other_file_systems() {
	local type
	for type in tmpfs ramfs overlay btrfs; do
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

# The lower file system ignores case, so several spellings name one file.
each_every_spelling_of_hidden_name_is_hidden() {
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

# The lower file system ignores case: here it is a view whose filter folds case.
each_every_spelling_of_hidden_name_is_hidden_in_folding_view() {
	need_filters
	local name folding
	lower ext4
	mkdir "$LOWER/sub"
	echo secret | tee "$LOWER/.env" > "$LOWER/sub/.env"
	: > "$LOWER/plain"
	filtered_view fold
	folding=$VIEW
	test -e "$folding/.ENV" || fail "names are not folded"
	view -o cache=none -F "$HIDE" "$folding"
	for name in .env .ENV .Env sub/.ENV SUB/.env; do
		answers ENOENT stat "$VIEW/$name"
		answers ENOENT read "$VIEW/$name"
		answers ENOENT unlink "$VIEW/$name"
		answers EPERM create "$VIEW/$name"
		answers EPERM mkdir "$VIEW/$name"
	done
	answers 0 stat "$VIEW/PLAIN"
	answers EPERM rename "$VIEW/plain" "$VIEW/.ENV"
	check test -e "$LOWER/.env" -a -e "$LOWER/sub/.env"
}

# The filter hides files by size and not by name; they are absent in the same way.
hidden_by_size() { # OPTIONS
	lower ext4
	mkdir "$LOWER/d"
	head -c 5000 /dev/zero > "$LOWER/d/large"
	echo small > "$LOWER/d/small"
	filtered_view -o "$1" bysize
	equal "$(ls "$VIEW/d")" small "names"
	equal "$(ls -l "$VIEW/d" | grep -c large)" 0 "names with attributes"
	answers ENOENT stat "$VIEW/d/large"
	answers ENOENT read "$VIEW/d/large"
	answers ENOENT unlink "$VIEW/d/large"
	answers ENOENT rename "$VIEW/d/large" "$VIEW/d/other"
	answers EPERM create "$VIEW/d/large"
	answers EPERM mkdir "$VIEW/d/large"
	answers EPERM symlink "$VIEW/d/large" text
	answers EPERM link "$VIEW/d/small" "$VIEW/d/large"
	answers EPERM rename "$VIEW/d/small" "$VIEW/d/large"
	equal "$(stat -c %s "$LOWER/d/large")" 5000 "size below"
	# Small files are not hidden.
	answers EEXIST mkdir "$VIEW/d/small"
	answers 0 create "$VIEW/d/new"
	answers 0 rename "$VIEW/d/new" "$VIEW/d/small"
	answers 0 unlink "$VIEW/d/small"
}

each_file_hidden_by_size_is_absent() { hidden_by_size cache=none; }
each_file_hidden_by_size_is_absent_with_exclusive() { hidden_by_size cache=exclusive; }
