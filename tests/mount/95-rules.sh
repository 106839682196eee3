# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# Views with a file of rules (--rules). tests/unit/test-rules.c and test-rules-git.c compare the
# decisions with those of git, tests/filter/test-rules.c the program with the decisions.

# Makes a tree, and $T/rules from standard input, and mounts a view with them.
ruled_view() { # [OPTION...]
	need_filters
	lower
	mkdir -p "$LOWER"/{src/lib,vendor/x,secret/pub/d,build}
	echo main > "$LOWER/src/main.c"
	echo key > "$LOWER/src/a.key"
	echo test > "$LOWER/src/test.key"
	echo env > "$LOWER/.env"
	echo vendor > "$LOWER/vendor/x/f"
	echo private > "$LOWER/secret/private"
	echo public > "$LOWER/secret/pub/d/p"
	echo data > "$LOWER/data.db"
	chmod 777 "$LOWER" "$LOWER"/{src,vendor,vendor/x,secret,secret/pub}
	chmod 666 "$LOWER"/{src/main.c,vendor/x/f,data.db}
	cat > "$T/rules"
	view -o "rules=$T/rules" "$@"
}

# Prints the paths in the view, sorted.
paths() { (cd "${1:-$VIEW}" && find . -mindepth 1 | sort | tr '\n' ' '); }

load() { "$PENSTOCK" rules load "$VIEW" "$1"; }

# ---- names --------------------------------------------------------------------------------------

# The same files are absent for each user, before and after the caches were dropped.
each_hidden_names_are_absent_for_everybody() {
	local user shown
	shown='./data.db ./secret ./secret/pub ./secret/pub/d ./secret/pub/d/p ./src ./src/lib '
	shown+='./src/main.c ./src/test.key ./vendor ./vendor/x ./vendor/x/f '
	ruled_view <<- 'END'
		hide *.key .env build/
		allow test.key
		hide /secret
		allow /secret/pub/**
	END
	for user in 0 1000 65534; do
		equal "$(cd "$VIEW" && as $user find . -mindepth 1 | sort | tr '\n' ' ')" \
			"$shown" "paths of user $user"
		answers ENOENT stat "$VIEW/.env"
		answers ENOENT stat "$VIEW/src/a.key"
		answers ENOENT stat "$VIEW/secret/private"
		answers ENOENT stat "$VIEW/build"
		equal "$(as $user cat "$VIEW/secret/pub/d/p")" public
		[ $user != 1000 ] || drop_caches
	done
	same "$LOWER/src/lib" "$VIEW/src/lib"
	same "$LOWER/vendor" "$VIEW/vendor"
}

each_hidden_names_cannot_be_made() {
	ruled_view <<< 'hide *.key build/'
	answers EPERM create "$VIEW/new.key"
	answers EPERM mkdir "$VIEW/d.key"
	answers EPERM symlink "$VIEW/l.key" text
	answers EPERM link "$VIEW/data.db" "$VIEW/h.key"
	answers EPERM rename "$VIEW/data.db" "$VIEW/src/r.key"
	answers EPERM rename "$VIEW/data.db" "$VIEW/src/a.key"
	answers EPERM mkdir "$VIEW/vendor/build"
	answers EPERM rename "$VIEW/vendor" "$VIEW/src/build"
	# Only directories are hidden by "build/".
	answers 0 create "$VIEW/vendor/build"
	equal "$(cat "$LOWER/src/a.key" "$LOWER/data.db")" $'key\ndata'
	check test ! -e "$LOWER/new.key" -a ! -e "$LOWER/d.key" -a ! -e "$LOWER/h.key"
}

# Names that another process makes below are hidden from the beginning.
each_names_made_later_below_are_hidden() {
	ruled_view <<< 'hide *.key'
	answers ENOENT stat "$VIEW/src/late.key"
	touch "$LOWER/src/late.key" "$LOWER/src/late.c"
	mkdir "$LOWER/late"
	touch "$LOWER/late/x.key" "$LOWER/late/x"
	check within 5 test -e "$VIEW/src/late.c"
	answers ENOENT stat "$VIEW/src/late.key"
	equal "$(paths "$VIEW/late")" './x '
}

# The directories on the way to what is allowed show nothing else.
each_allow_list_shows_only_the_way() {
	ruled_view <<- 'END'
		hide *
		allow /secret/pub/d/**
		allow src/*.c
	END
	equal "$(paths)" './secret ./secret/pub ./secret/pub/d ./secret/pub/d/p ./src ./src/main.c '
	answers EPERM create "$VIEW/src/x.h"
	answers EPERM create "$VIEW/secret/x"
	answers 0 create "$VIEW/src/x.c"
	answers EPERM rename "$VIEW/src" "$VIEW/other"
	answers ENOENT stat "$VIEW/vendor/x/f"
	check test -e "$LOWER/src/x.c"
}

# ---- changes ------------------------------------------------------------------------------------

each_readonly_files_cannot_be_changed_by_anybody() {
	local user f
	ruled_view <<- 'END'
		readonly vendor/ *.db
		writable /vendor/x/new*
	END
	f=$VIEW/vendor/x/f
	for user in 0 1000; do
		refused 'read-only' as $user bash -c "echo x > '$f'"
		refused 'read-only' as $user rm "$VIEW/data.db"
		refused 'read-only' as $user touch "$VIEW/vendor/y"
		refused 'read-only' as $user mv "$f" "$VIEW/src/f$user"
	done
	refused 'read-only' chmod 600 "$f"
	refused 'not permitted' ln "$f" "$VIEW/src/second"
	refused 'read-only' mv "$VIEW/vendor" "$VIEW/v"
	refused 'read-only' mv "$VIEW/src/main.c" "$VIEW/data.db"
	as 1000 bash -c "echo new > '$VIEW/vendor/x/new1'"
	equal "$(cat "$LOWER/vendor/x/new1" "$LOWER/vendor/x/f")" $'new\nvendor'
	same
}

each_denied_operations_fail() {
	ruled_view <<- 'END'
		deny(unlink,rename) *.db
		deny(exec) /src/**
		deny(chmod) .env
		deny(rename) !/src/*.db
	END
	refused 'not permitted' rm "$VIEW/data.db"
	refused 'not permitted' mv "$VIEW/data.db" "$VIEW/x"
	refused 'not permitted' mv "$VIEW/src/main.c" "$VIEW/data.db"
	refused 'not permitted' chmod 600 "$VIEW/.env"
	echo more >> "$VIEW/data.db"
	chmod 600 "$VIEW/data.db"
	cp /bin/true "$VIEW/src/run"
	cp /bin/true "$VIEW/run"
	check "$VIEW/run"
	refused 'not permitted' "$VIEW/src/run"
	same
}

# A directory may move only to where the same rules hold for all below it.
each_moves_that_would_change_the_rules_are_refused() {
	ruled_view <<- 'END'
		readonly /src/lib/x
		hide /vendor/x/s
	END
	mkdir -p "$LOWER/vendor/x2"
	refused 'not permitted' mv "$VIEW/src/lib" "$VIEW/lib"
	refused 'not permitted' mv "$VIEW/vendor/x" "$VIEW/x"
	mv "$VIEW/vendor/x2" "$VIEW/build/x2"
	mv "$VIEW/build/x2" "$VIEW/build/x3"
	mv "$VIEW/src/main.c" "$VIEW/vendor/x/main.c"
	same
}

# A second name, to which no rule applies, does not take the rule away.
each_hard_links_keep_their_rules() {
	ruled_view <<< 'readonly *.db'
	refused 'not permitted' ln "$VIEW/data.db" "$VIEW/other"
	ln "$LOWER/data.db" "$LOWER/other"
	stat "$VIEW/data.db" "$VIEW/other" > /dev/null
	refused 'read-only' bash -c "echo x > '$VIEW/other'"
}

# ---- cost ---------------------------------------------------------------------------------------

# Succeeds if no request reaches the daemon while the files are looked up. The kernel may have to
# forget what it knew of files that have just changed.
answered_from_cache() { # FILE...
	local before
	before=$(total)
	stat "$@" > /dev/null
	[ "$(total)" = "$before" ]
}

each_rules_cost_nothing_for_cached_names_and_data() {
	ruled_view -o cache=exclusive <<- 'END'
		hide *.key
		readonly vendor/
	END
	check within 5 answered_from_cache "$VIEW/src/main.c" "$VIEW/vendor/x/f"
	no_data_requests cat "$VIEW/vendor/x/f" "$VIEW/src/main.c"
}

# ---- changes of the rules -----------------------------------------------------------------------

each_rules_load_applies_at_once_or_not_at_all() {
	ruled_view <<< 'hide *.key'
	stat "$VIEW/src/main.c" "$VIEW/data.db" > /dev/null
	answers ENOENT stat "$VIEW/src/a.key"
	printf 'hide *.c\nreadonly *.db\n' > "$T/other"
	load "$T/other"
	answers ENOENT stat "$VIEW/src/main.c"
	answers 0 stat "$VIEW/src/a.key"
	refused 'read-only' rm "$VIEW/data.db"
	# A file with an error leaves the rules alone.
	printf 'hide *.key\nhid *.db\n' > "$T/bad"
	refused "bad:2: there is no verb 'hid': did you mean 'hide'" load "$T/bad"
	refused 'cannot read the rules in .*none' load "$T/none"
	answers ENOENT stat "$VIEW/src/main.c"
	answers 0 stat "$VIEW/src/a.key"
	# The same file with another content.
	echo 'hide *.db' > "$T/other"
	load "$T/other"
	answers ENOENT stat "$VIEW/data.db"
	answers 0 stat "$VIEW/src/main.c"
	equal "$("$PENSTOCK" stat --json "$VIEW" | grep -o '"filters":[^]]*' | grep -o rules)" rules
}

# A view that was mounted without rules can have them later.
once_rules_load_adds_rules() {
	need_filters
	lower
	touch "$LOWER/a.key" "$LOWER/b"
	view
	stat "$VIEW/a.key" "$VIEW/b" > /dev/null
	echo 'hide *.key' > "$T/rules"
	load "$T/rules"
	answers ENOENT stat "$VIEW/a.key"
	answers 0 stat "$VIEW/b"
}

# The kernel would detach what is mounted at a name that becomes hidden.
once_rules_that_hide_a_mount_point_are_refused() {
	ruled_view <<< 'hide *.key'
	mount -t tmpfs none "$VIEW/build"
	echo 'hide build/' > "$T/other"
	refused 'is a mount point' load "$T/other"
	answers ENOENT stat "$VIEW/src/a.key"
	answers 0 stat "$VIEW/build"
	umount "$VIEW/build"
}

# ---- files --------------------------------------------------------------------------------------

once_bad_rules_refuse_the_mount() {
	local status=0
	need_filters
	lower
	mkdir "$T/m"
	printf 'hide *.key\r\n' > "$T/crlf"
	refused 'crlf:1: .* CR LF' "$PENSTOCK" mount --rules "$T/crlf" "$LOWER" "$T/m"
	refused 'cannot read the rules in .*none' \
		"$PENSTOCK" mount --rules "$T/none" "$LOWER" "$T/m"
	echo 'include loop' > "$T/loop"
	refused 'loop:1: .*included by itself' \
		"$PENSTOCK" mount --rules "$T/loop" "$LOWER" "$T/m"
	"$PENSTOCK" mount --rules "$T/crlf" "$LOWER" "$T/m" 2> /dev/null || status=$?
	equal $status 1 "exit status"
	check not mountpoint -q "$T/m"
}

# A path with commas, from another working directory, by a link, and a file that includes others.
# Lines that most likely hide nothing are told at the mount, as `rules check` tells them.
once_likely_mistakes_are_told_at_the_mount() {
	real || skip "about the program"
	need_filters
	lower
	mkdir "$T/mnt"
	printf 'hide .env,*.key\n' > "$T/rules"
	check "$PENSTOCK" mount --dry-run --rules "$T/rules" "$LOWER" "$T/mnt" 2> "$T/said"
	check grep -q "warning: .*rules:1: the line has '.env,\*.key': blanks separate" "$T/said"
	check "$PENSTOCK" run --rules "$T/rules" "$LOWER" -- true 2> "$T/said"
	check grep -q 'warning: .*rules:1: ' "$T/said"
	printf 'hide /a %s/a\n' "$LOWER" > "$T/rules"
	refused "rules:1: .*path of the machine.*write '/a'" \
		"$PENSTOCK" mount --rules "$T/rules" "$LOWER" "$T/mnt"
	equal "$(own_mounts)" "" mounts
}

once_rules_are_found_by_odd_paths() {
	need_filters
	lower
	touch "$LOWER/a.key" "$LOWER/b.pem" "$LOWER/c"
	mkdir "$T/a,b;c d"
	printf 'hide *.key\ninclude sub\\ 1\n' > "$T/real"
	ln -s ../real "$T/a,b;c d/rules"
	echo 'hide *.pem' > "$T/a,b;c d/sub 1"
	mkdir "$T/m"
	(cd "$T/a,b;c d" && "$PENSTOCK" mount --rules rules "$LOWER" "$T/m")
	equal "$(paths "$T/m")" './c '
	umount "$T/m"
}

# ---- content, owners, events --------------------------------------------------------------------

# Only the masked files are served; the data of all others passes through.
each_masked_files_read_as_their_line_says() {
	ruled_view <<- 'END'
		mask(values) .env
		mask /src/**
		unmask *.c
		mask(empty) *.db
	END
	printf 'KEY=secret\n' > "$LOWER/.env"
	equal "$(cat "$VIEW/.env")" 'KEY=xxxxxx'
	equal "$(cat "$VIEW/src/a.key" "$VIEW/src/test.key")" $'xxx\nxxxx'
	equal "$(cat "$VIEW/src/main.c")" main
	equal "$(stat -c %s "$VIEW/data.db")" 0
	equal "$(cat "$VIEW/data.db")" ''
	equal "$(as 1000 cat "$VIEW/src/a.key")" xxx
	no_data_requests cat "$VIEW/src/main.c" "$VIEW/vendor/x/f"
	refused 'not permitted' bash -c "echo x > '$VIEW/.env'"
	refused 'not permitted' rm "$VIEW/src/a.key"
	refused 'not permitted' mv "$VIEW/src/a.key" "$VIEW/a.c"
	echo more >> "$VIEW/src/main.c"
	equal "$(cat "$LOWER/src/main.c")" $'main\nmore'
	echo new > "$VIEW/src/new.txt"
	equal "$(cat "$LOWER/src/new.txt")" new
	drop_caches
	equal "$(cat "$VIEW/src/new.txt")" xxx
}

each_owner_is_that_of_the_line() {
	ruled_view <<- 'END'
		owner 1000:100 /src/**
		owner :7 *.db
		owner 1:1 !/src/*.key
	END
	owners() { (cd "$VIEW" && stat -c '%n %u:%g' "$@" | tr '\n' ' '); }
	equal "$(owners src src/main.c src/a.key data.db vendor/x/f)" \
		'src 0:0 src/main.c 1000:100 src/a.key 0:0 data.db 0:7 vendor/x/f 0:0 '
	touch "$VIEW/src/new"
	equal "$(owners src/new)" 'src/new 1000:100 '
	equal "$(stat -c %u:%g "$LOWER/src/new")" 0:0
	mv "$VIEW/src/new" "$VIEW/new"
	equal "$(owners new)" 'new 0:0 '
	drop_caches
	equal "$(owners src/main.c data.db)" 'src/main.c 1000:100 data.db 0:7 '
}

each_events_are_those_of_the_lines() {
	# The other filter makes the first line of the trace, for which tracing() waits.
	ruled_view -F tag,ops=statfs <<- 'END'
		audit changes /src *.db
		audit all .env
	END
	tracing "$T/trace"
	cat "$VIEW/src/main.c" "$VIEW/.env" > /dev/null
	echo x >> "$VIEW/src/main.c"
	echo x > "$VIEW/vendor/x/f"
	mv "$VIEW/data.db" "$VIEW/other"
	rm "$VIEW/src/a.key"
	check within 5 grep -q '"op":"unlink".*"filter":"rules-audit"' "$T/trace"
	kill $TRACER
	grep '"filter":"rules-audit"' "$T/trace" > "$T/events"
	check grep -q '"op":"open","path":"/src/main.c"' "$T/events"
	check grep -q '"op":"open","path":"/.env"' "$T/events"
	check grep -q '"op":"rename"' "$T/events"
	check not grep -q /vendor "$T/events"
	equal "$(grep -c '"op":"open","path":"/src/main.c"' "$T/events")" 1 "opens for writing"
}

# The filters for content, owners and events come and go with the lines.
each_rules_load_changes_all_filters() {
	ruled_view <<< 'mask .env'
	equal "$(cat "$VIEW/.env")" xxx
	printf 'owner 5:5 .env\nhide data.db\n' > "$T/other"
	load "$T/other"
	equal "$(cat "$VIEW/.env")" env
	equal "$(stat -c %u "$VIEW/.env")" 5
	answers ENOENT stat "$VIEW/data.db"
	echo 'audit changes' > "$T/other"
	load "$T/other"
	equal "$(stat -c %u "$VIEW/.env")" 0
	answers 0 stat "$VIEW/data.db"
	# A line for one filter that is refused leaves all filters alone.
	printf 'mask .env\nowner 0\nhide a**\nmask(x) y\n' > "$T/other"
	refused "other:4: 'x' is none of blank, values, empty" load "$T/other"
	equal "$(cat "$VIEW/.env")" env
}

# While the rules change, nothing is shown that the old and the new ones hide.
once_rules_load_shows_nothing_in_between() {
	ruled_view <<- 'END'
		hide .env
		audit all /src
	END
	printf 'hide .env *.db\nowner 5:5 /src\n' > "$T/other"
	(
		until [ -e "$T/stop" ]; do
			test ! -e "$VIEW/.env" || echo shown
		done
	) > "$T/seen" &
	for _ in 1 2; do
		load "$T/other"
		load "$T/rules"
	done > /dev/null
	touch "$T/stop"
	wait $!
	equal "$(cat "$T/seen")" ''
}

# If one of several filters is refused, none changes.
once_rules_load_of_several_filters_is_all_or_none() {
	ruled_view <<< 'mask .env'
	mount -t tmpfs none "$VIEW/build"
	printf 'owner 5:5\nhide build/\n' > "$T/other"
	refused 'is a mount point' load "$T/other"
	equal "$(cat "$VIEW/.env")" xxx
	equal "$(stat -c %u "$VIEW/.env")" 0
	equal "$("$PENSTOCK" stat --json "$VIEW" | grep -o '"filters":[^]]*')" \
		'"filters":["rules","rules-mask"'
	umount "$VIEW/build"
}

once_command_runs_under_rules() {
	need_filters
	lower
	touch "$LOWER/a.key" "$LOWER/b"
	printf 'hide *.key\nreadonly b\n' > "$T/rules"
	equal "$("$PENSTOCK" run --rules "$T/rules" "$LOWER" -- ls "$LOWER")" b
	refused 'read-only' "$PENSTOCK" run --rules "$T/rules" "$LOWER" -- \
		sh -c "echo x > '$LOWER/b'"
	equal "$(ls "$LOWER" | tr '\n' ' ')" 'a.key b '
}
