# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# A file that a filter protects by name or path stays protected, or the operation that would end the
# protection fails. Tests every ready-made filter with every way to move, link, exchange or reopen a
# file (act escape). Each step drops the caches of the lower file system, and the view is mounted
# again.

EVERYBODY=

# A row: the files that the filter SPEC protects, and the errors with which it may refuse a new
# name.
#	FILES|ERRORS|FLAGS|SPEC
# FLAGS: r the text must not be shown, w the file must not be written to, h nor through a descriptor
# that was there before the filter.
MASK_SEC=mask,name=m,at=/sec
ROWS=(
	'.env sec/k sec/d/k|EPERM|rwh|mask,names=.env,paths=/sec'
	'sec/k sec/d/k|EPERM|rwh|mask,at=/sec,how=values'
	'.env sec/k sec/d/k|EPERM|rh|mask,names=.env,paths=/sec,write=allow'
	'.env sec/k sec/d/k|EROFS,EPERM|wh|readonly,names=.env,paths=/sec'
	'sec/k sec/d/k|EROFS,EPERM|wh|readonly,at=/sec'
	'.env sec/k sec/d/k|EROFS,EPERM|wh|readonly-for,uid=1000,names=.env,paths=/sec'
	'.env sec/k sec/d/k|ENOENT,EPERM|rw|hide,names=.env,paths=/sec'
	'.env sec/k sec/d/k|ENOENT,EPERM|rw|hide-for,uid=1000,names=.env,paths=/sec'
	'.env sec/k sec/d/k|EPERM|rh|fault,ops=open,error=EIO,names=.env,paths=/sec'
	'sec/k sec/d/k|EPERM||owner,at=/sec,uid=1000'
	'sec/k sec/d/k|EPERM||audit,at=/sec'
	'sec/k sec/d/k|EPERM||quota,at=/sec,bytes=1G'
	".env sec/k sec/d/k|EPERM,EROFS|rwh|mask,names=.env readonly,paths=/sec $MASK_SEC audit"
)

# Every user may change the tree, so only the filter can refuse an operation.
escape_tree() { # FILES
	local f
	mkdir -p "$LOWER"/{sec/d,out,many}
	: > "$LOWER/.env"
	for f in $1; do
		echo KEY=hunter2 > "$LOWER/$f"
	done
	(cd "$LOWER/many" && touch f{1..200})
	chmod -R a+rwX "$LOWER"
}

# Makes the daemon close its descriptors, then drops the lower file system's caches, which the
# descriptors pin.
evict() {
	stat "$VIEW"/many/* > /dev/null
	drop_caches
}

# Runs the helper as UID; its output is in $T/escape.out.
escape_run() { # UID FILES
	rm -f "$T/escape.in"
	mkfifo "$T/escape.in"
	: > "$T/escape.out"
	# shellcheck disable=SC2086
	as "$1" "$TOOLS/act" escape "$VIEW" $2 <> "$T/escape.in" > "$T/escape.out" 2>&1 9>&- &
	ESCAPER=$!
	within 10 grep -q held "$T/escape.out" || fail "escape says $(cat "$T/escape.out")"
}

escape_go() { # ERRORS FLAGS WHEN
	local file way said errors=,$1,
	echo > "$T/escape.in"
	within 30 grep -q done "$T/escape.out" || fail "escape does not end"
	wait $ESCAPER
	while read -r file way said; do
		case $way:$said in
		'':* | done:*) ;;
		*-proc:shown | *-proc:written | truncate-proc:0 | read-handle:shown)
			[[ $2 == *h* || $3 == mounted ]] || continue
			[[ $2 == *r* && $said == shown || $2 == *w* && $said != shown ]] &&
				fail "$3: $way of $file is $said"
			;;
		*:shown) [[ $2 != *r* ]] || fail "$3: $file is shown by $way" ;;
		*:written) [[ $2 != *w* ]] || fail "$3: $file was written to by $way" ;;
		read*:* | write*:* | truncate*:*) ;;
		# The file was replaced and has gone. The new file has the filter, and some filters
		# permit this.
		replaced:0) [[ $2 != *w* ]] || fail "$3: $file was replaced" ;;
		link-empty:ENOENT | link-empty:EPERM | *:ENOENT) ;;
		*) [[ $errors == *,$said,* ]] || fail "$3: $way of $file came to $said, not $1" ;;
		esac
	done < "$T/escape.out"
}

# Fails if a protected file has a name that is not protected.
escape_names() { # WHEN
	local ino out
	for ino in $INODES; do
		out=$(find "$LOWER" -inum "$ino" ! -path "$LOWER/sec/*" ! -path "$LOWER/.env")
		[ -z "$out" ] || fail "$1: a protected file is called $out now"
	done
}

# Fails if user 1000 finds the protected text under any name.
escape_shown() { # FLAGS WHEN
	[[ $1 != *r* ]] || check not as 1000 grep -rqs hunter2 "$VIEW"
	[[ $1 != *w* ]] || equal "$(cat "$LOWER"/{.env,sec/k,sec/d/k} | sort -u)" KEY=hunter2 \
		"text below, $2"
}

escape_add() { # SPECS
	local spec
	for spec in $1; do chain add "$spec" > /dev/null || fail "cannot add $spec"; done
}

escapes_of_row() { # ROW WHEN OPTIONS
	local files errors flags specs spec options=() uid
	IFS='|' read -r files errors flags specs <<< "$1"
	for spec in $specs; do options+=("$spec"); done
	for uid in 1000 0; do
		# Root runs only where the filter treats root differently, or in the long form.
		[[ $uid = 1000 || $specs == *-for,* || -n $EVERYBODY ]] || continue
		rm -rf "${LOWER:?}"/*
		escape_tree "$files"
		INODES=$(cd "$LOWER" && stat -c %i $files | tr '\n' ' ')
		# Filters for some callers (-for) do not apply to root.
		[[ $uid = 0 && $specs == *-for,* ]] && flags='' errors=EPERM
		if [ "$2" = mounted ]; then
			filtered_view -o "$3" "${options[@]}"
			escape_run $uid "$files"
		else
			need_filters
			view -o "$3"
			escape_run $uid "$files"
			evict
			escape_add "$specs"
		fi
		evict
		escape_go "$errors" "$flags" "$2"
		evict
		[[ $flags == *h* || $2 == mounted ]] || flags=${flags/w/}
		escape_names "$specs, $2, as $uid"
		escape_shown "$flags" "$specs, $2, as $uid"
		unview
		filtered_view -o "$3" "${options[@]}"
		escape_names "$specs, mounted again, as $uid"
		escape_shown "$flags" "$specs, mounted again, as $uid"
		unview
	done
}

escapes() { # WHEN OPTIONS ROW...
	local row
	DAEMON_PREFIX='prlimit --nofile=160'
	alone
	for row in "${@:3}"; do
		applies "$1" "$row" || continue
		escapes_of_row "$row" "$1" "$2"
	done
}

# The kernel engine takes filters that see data at the mount only, and without at=.
applies() { # WHEN ROW
	has_daemon || [[ $2 != *@(mask|quota)* ]] || [[ $1 = mounted && $2 != *at=* ]]
}

LIMIT[escape_from_a_filter_is_refused]=90
once_escape_from_a_filter_is_refused() {
	lower ext4
	escapes mounted cache=exclusive "${ROWS[@]}"
}

LIMIT[escape_from_a_new_filter_is_refused]=90
once_escape_from_a_new_filter_is_refused() {
	lower ext4
	# The short form tests filters that protect descriptors, one that hides files, and several
	# filters at once; the long form tests all.
	escapes live cache=exclusive "${ROWS[0]}" "${ROWS[1]}" "${ROWS[3]}" "${ROWS[6]}" \
		"${ROWS[12]}"
}

each_escape_from_mask_is_refused() {
	lower ext4
	escapes live cache=none "${ROWS[0]}"
	escapes mounted cache=none "${ROWS[0]}"
}

# Runs all rows on every lower file system with every cache= mode.
LIMIT[escapes_everywhere]=3600
slow_escapes_everywhere() {
	EVERYBODY=1
	local type cache mode
	for type in ext4 tmpfs overlay btrfs xfs; do
		[[ $type != btrfs && $type != xfs ]] || command -v mkfs.$type > /dev/null ||
			continue
		lower $type
		for mode in $MODES; do
			MODE_OPTS=${mode#*=}
			for cache in none ttl=60 auto exclusive; do
				echo "on $type, ${mode%%=*}, cache=$cache"
				escapes mounted cache=$cache "${ROWS[@]}"
				escapes live cache=$cache "${ROWS[@]}"
			done
		done
	done
}

# ---- programs that edit and move
# -------------------------------------------------------------------

# Makes a masked file and another one, at the root and in a git repository.
tools_tree() {
	lower ext4
	mkdir "$LOWER/repo" "$LOWER/sec"
	git init -q "$LOWER/repo" 2> /dev/null
	echo KEY=example > "$LOWER/repo/.env"
	echo one > "$LOWER/repo/f"
	git -C "$LOWER/repo" -c user.name=n -c user.email=n@n add . 2> /dev/null
	git -C "$LOWER/repo" -c user.name=n -c user.email=n@n commit -qm first 2> /dev/null
	echo KEY=hunter2 | tee "$LOWER/.env" "$LOWER/repo/.env" > "$LOWER/sec/k"
	echo plain > "$LOWER/plain"
	chmod -R a+rwX "$LOWER"
	export GIT_CONFIG_COUNT=1 GIT_CONFIG_KEY_0=safe.directory GIT_CONFIG_VALUE_0='*' HOME=$T
}

TOOL_STEPS=(
	'mv mv .env env.bak'
	'mv-dir mv sec sec2'
	'mv-over mv -f plain .env'
	'mv-away mv -f .env stolen sec "$T/away"'
	'cp cp -f plain .env'
	'cp-remove cp --remove-destination plain .env'
	'cp-away cp -r .env sec copied "$T/away"'
	'install install plain .env'
	'ln ln -f plain .env'
	'ln-out ln .env linked'
	'rm rm -rf .env sec'
	'sed sed -i s/KEY/NAME/ .env'
	'sed-backup sed -i.bak s/KEY/NAME/ .env'
	'perl perl -i -pe s/KEY/NAME/ .env'
	'shell sh -c "echo KEY=new > .env; echo more >> .env"'
	'truncate truncate -s 0 .env'
	'dd dd if=plain of=.env conv=notrunc'
	'shred shred -u .env'
	'ed sh -c "printf \"s/KEY/NAME/\nw\nq\n\" | ed -s .env"'
	'vim vim -u NONE -es -c "%s/KEY/NAME/" -c "w!" -c "q!" .env'
	'vim-rename vim -u NONE -es -c "set backupcopy=no backup" \
		-c "%s/KEY/NAME/" -c "w!" -c "q!" .env'
	'emacs emacs -Q --batch .env --eval "(progn (insert \"NAME\") (save-buffer))"'
	'emacs-rename emacs -Q --batch --eval "(setq backup-by-copying nil)" .env \
		--eval "(progn (insert \"N\") (save-buffer))"'
	'rsync rsync -a plain .env'
	'rsync-inplace rsync -a --inplace plain .env'
	'rsync-away rsync -a --remove-source-files .env sec "$T/away"'
	'git-checkout git -C repo checkout -f -- .'
	'git-reset git -C repo reset -q --hard'
	'git-stash git -C repo -c user.name=n -c user.email=n@n stash'
	'git-rm git -C repo rm -qf .env'
	'git-mv git -C repo mv .env env'
	'git-clean git -C repo clean -qfdx'
)

# Runs the tools as root, whom no permission stops, and as a user who owns the files.
masked_tools() { # UID
	local step name command
	tools_tree
	mkdir -m 777 "$T/away"
	chmod 755 "$T"
	[ "$1" = 0 ] || chown -R "$1" "$LOWER"
	filtered_view -o cache=auto 'mask,names=.env,paths=/sec'
	cd "$VIEW" || fail cd
	for step in "${TOOL_STEPS[@]}"; do
		name=${step%% *}
		command=${step#* }
		[ -x "$(command -v "${command%% *}")" ] ||
			{ skip -n "$name" "${command%% *} is not installed"; continue; }
		[ -e plain ] || echo plain > "$LOWER/plain"
		: > stolen 2> /dev/null
		T=$T timeout 20 setpriv --reuid "$1" --clear-groups --inh-caps=-all -- \
			bash -c "$command" < /dev/null > "$T/said" 2>&1
		echo "$name: status $?: $(head -n 2 "$T/said" | tr '\n' ' ')"
		equal "$(cat "$LOWER"/{.env,sec/k,repo/.env} | sort -u)" KEY=hunter2 \
			"what is below after $name"
		equal "$(find "$LOWER" -path "$LOWER/repo/.git" -prune -o -type f -print0 |
			xargs -0 grep -l hunter2 | wc -l)" \
			3 "files with the secret after $name"
		check not grep -rqs hunter2 "$VIEW" "$T/away"
		ok "$name"
	done
	cd "$T" || fail cd
	unview
	FS='' LOWER=''
}

LIMIT[masked_files_survive_tools]=120
once_masked_files_survive_tools() {
	masked_tools 0
}

slow_masked_files_survive_tools_of_users() {
	masked_tools 1000
}

# With write=allow the same tools write, and they store the text that the view shows.
once_masked_files_are_written_where_allowed() {
	lower ext4
	echo KEY=hunter2 | tee "$LOWER/.env" "$LOWER/.env2" > "$LOWER/.env3"
	: > "$LOWER/plain"
	filtered_view 'mask,names=.env*,how=values,write=allow'
	check sed -i s/KEY/NAME/ "$VIEW/.env"
	equal "$(cat "$LOWER/.env")" NAME=xxxxxxx "what sed has written"
	answers 0 rename "$VIEW/.env2" "$VIEW/.env4"
	answers EPERM rename "$VIEW/.env4" "$VIEW/env"
	answers EPERM exchange "$VIEW/.env4" "$VIEW/plain"
	answers 0 unlink "$VIEW/.env4"
	answers 0 truncate "$VIEW/.env3" 0
	refused 'write.*deny.*allow|deny' "$PENSTOCK" filter check mask,write=alow
}

# After a rename in the lower tree the next lookup decides by the new name.
each_name_in_lower_decides_at_the_next_lookup() {
	lower ext4
	echo hunter2 | tee "$LOWER/.env" > "$LOWER/plain"
	filtered_view mask,names=.env
	equal "$(cat "$VIEW/.env" "$VIEW/plain")" $'xxxxxxx\nhunter2'
	mv "$LOWER/.env" "$LOWER/moved"
	mv "$LOWER/plain" "$LOWER/.env"
	equal "$(cat "$VIEW/moved" "$VIEW/.env")" $'hunter2\nxxxxxxx'
	# Another program makes a second name in the lower tree. While the kernel knows a masked
	# name, all names are masked.
	ln "$LOWER/.env" "$LOWER/second"
	exec 7< "$VIEW/.env"
	equal "$(cat "$VIEW/second")" xxxxxxx
	equal "$(cat <&7)" xxxxxxx
	answers EPERM link "$VIEW/second" "$VIEW/third"
	exec 7<&-
}

# In a case-insensitive directory every spelling leads to the file and so to the filter.
each_spellings_of_a_name_are_protected() {
	local folding name
	need_filters
	lower ext4
	echo KEY=hunter2 > "$LOWER/.env"
	filtered_view fold
	folding=$VIEW
	for name in .ENV .Env .env; do
		view -o cache=none -F mask,names=.env "$folding"
		check not grep -q hunter2 "$VIEW/$name"
		answers EPERM write "$VIEW/$name"
		answers EPERM rename "$VIEW/$name" "$VIEW/other"
		answers EPERM link "$VIEW/$name" "$VIEW/other"
		unview
		view -o cache=none -F readonly,names=.env "$folding"
		answers EROFS write "$VIEW/$name"
		answers EROFS truncate "$VIEW/$name" 0
		unview
	done
	equal "$(cat "$LOWER/.env")" KEY=hunter2
}

# ---- random operations
# ------------------------------------------------------------------------------

# Makes hidden and protected names and paths among others, in directories that every user may
# change.
meddle_tree() {
	local d
	mkdir -p "$LOWER"/{d0/d2,d1,r/d3,h/d4,x.ro,many}
	for d in . d0 d1 d0/d2; do
		echo hidden > "$LOWER/$d/a.key"
		echo hidden > "$LOWER/$d/b.key"
		echo protected > "$LOWER/$d/a.ro"
		echo free > "$LOWER/$d/a"
	done
	echo protected | tee "$LOWER"/{r/a,r/d3/b,x.ro/c} > "$LOWER/r/a.ro"
	echo hidden | tee "$LOWER/h/a" > "$LOWER/h/d4/b"
	(cd "$LOWER/many" && touch f{1..200})
	chmod -R a+rwX "$LOWER"
}

inos_of() { # TEXT
	grep -rlx "$1" "$LOWER" | xargs stat -c %i | paste -sd,
}

# Prints name and content of the lower files with these inode numbers. Directories that are not
# protected may move.
files_of() { # INOS
	local args=() ino
	for ino in ${1//,/ }; do args+=(-o -inum "$ino"); done
	find "$LOWER" \( "${args[@]:1}" \) -printf '%P %i %m %U %G %s %T@ %n\n' |
		sed '/^[hr]\//!s,^[^ ]*/,,' | sort
	find "$LOWER" \( "${args[@]:1}" \) -exec cat {} + | sort | uniq -c
}

meddled() { # STEPS OPTIONS
	local hidden readonly before pid
	DAEMON_PREFIX='prlimit --nofile=160'
	alone
	lower ext4
	meddle_tree
	hidden=$(inos_of hidden) readonly=$(inos_of protected)
	before=$(files_of "$hidden,$readonly")
	filtered_view -o "$2" 'hide,names=*.key,paths=/h' 'readonly,names=*.ro,paths=/r'
	as 1000 "$TOOLS/act" meddle "$VIEW" "${SEED:-1}" 2 $(($1 / 2)) "$hidden" \
		"$readonly" > "$T/meddled" 2>&1 9>&- &
	pid=$!
	while kill -0 $pid 2> /dev/null; do
		evict
		sleep 0.2
	done
	wait $pid || fail "$(tail -n 3 "$T/meddled")"
	equal "$(files_of "$hidden,$readonly")" "$before" "what is hidden or protected, below,"
	equal "$(ran bad hide) $(ran bad readonly)" '0 0' "bad runs"
	unview
	filtered_view -o "$2" 'hide,names=*.key,paths=/h' 'readonly,names=*.ro,paths=/r'
	check not grep -rqsx hidden "$VIEW"
	unview
}

once_random_operations_do_not_reach_protected_files() { meddled 20000 cache=exclusive; }

# Runs a million operations in each cache= mode.
LIMIT[million_operations_do_not_reach_protected_files]=3600
slow_million_operations_do_not_reach_protected_files() {
	local cache
	for cache in none auto ttl=60 exclusive; do
		SEED=$((${SEED:-0} + 1))
		meddled 250000 cache=$cache
	done
}
