# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# A program with set-id bits or file capabilities never runs as an owner that only the view shows.

# Makes $LOWER/NAME with the mode, a program of user 1000 that prints the user and group it runs as.
program() { # NAME MODE [OWNER]
	cp "$(command -v id)" "$LOWER/$1"
	chown "${3:-1000:1000}" "$LOWER/$1"
	if [ -n "${3:-}" ]; then chmod "$2" "$LOWER/$1"; else as 1000 chmod "$2" "$LOWER/$1"; fi
}

# Runs Python as user 1000, who may not be able to execute root's python3.
python_as_user() { # CODE ARG...
	python3 -c "import mmap, os, stat, sys
os.setgroups([]); os.setgid(1000); os.setuid(1000)
$1" "${@:2}"
}

# Checks the mode by every call that returns it, and the user as which execve(2) runs the program.
shown() { # NAME WANT [CALLER]
	equal "$(stat -c %a "$VIEW/$1")" "$2" "the mode of $1"
	equal "$(stat -c %a "$VIEW/$1")" "$2" "the mode of $1, asked again"
	equal "$(stat -c %a - < "$VIEW/$1")" "$2" "the mode of the open file $1"
}

runs_as() { # NAME CALLER UID GID
	equal "$(as "$2" "$VIEW/$1" -u)" "$3" "user ID of $1"
	equal "$(as "$2" "$VIEW/$1" -g)" "$4" "group ID of $1"
}

each_program_of_a_user_does_not_run_as_the_owner_shown() {
	lower ext4
	local cache mode
	for mode in 4755 2755 6755; do program p$mode $mode; done
	program real 6755 0:0
	for cache in none exclusive; do
		filtered_view -o cache=$cache owner,uid=0,gid=0
		# A listing with attributes is the first reply.
		check test -z "$(ls -l "$VIEW" | grep '^-..[sS].* p[246]')"
		check test -z "$(ls -l "$VIEW" | grep '^-.....[sS].* p[246]')"
		for mode in 4755 2755 6755; do
			shown p$mode 755
			runs_as p$mode 1001 1001 1001
		done
		# The view shows the real owner and group, so all bits stay.
		shown real 6755
		runs_as real 1001 0 0
		check ln "$VIEW/p4755" "$VIEW/l$cache"
		shown l$cache 755
		runs_as l$cache 1001 1001 1001
		unview
	done
}

# The view shows another owner or another group: the bit of the real one still works.
each_bit_of_the_real_group_stays_with_another_owner() {
	lower ext4
	program p 6755 0:5
	mkdir "$LOWER/dir"
	chgrp 7 "$LOWER/dir"
	chmod 2777 "$LOWER/dir"
	filtered_view owner,uid=1234
	shown p 2755
	runs_as p 1001 1001 5
	unview
	filtered_view owner,gid=1234
	shown p 4755
	runs_as p 1001 0 1001
	# The set-group-ID bit of a directory means inheritance, so it stays.
	shown dir 2777
	: > "$VIEW/dir/f"
	equal "$(stat -c %g "$LOWER/dir/f")" 7 "the group of a file in a set-group-ID directory"
}

each_chmod_neither_clears_nor_sets_hidden_bits() {
	lower ext4
	program root 4755 0:0
	program plain 755 0:0
	filtered_view owner,uid=1000
	shown root 755
	check as 1000 chmod "$(stat -c %a "$VIEW/root")" "$VIEW/root"
	equal "$(stat -c %a "$LOWER/root")" 4755 "the mode below after the shown one was set"
	check as 1000 chmod 700 "$VIEW/root"
	equal "$(stat -c %a "$LOWER/root")" 4700 "the mode below"
	refused 'not permitted' as 1000 chmod u+s "$VIEW/plain"
	refused 'not permitted' as 1000 chmod 4711 "$VIEW/root"
	equal "$(stat -c %a "$LOWER/plain")" 755 "the mode below"
	shown plain 755
	# The group is the real one, so a user with the privilege may set its bit.
	check chmod g+s "$VIEW/plain"
	equal "$(stat -c %a "$LOWER/plain")" 2755 "the mode below"
	# A chown clears all bits, as on other file systems.
	check chown 1001 "$VIEW/root"
	equal "$(stat -c '%a %u' "$LOWER/root")" '700 1001' "mode and owner below"
}

each_write_by_the_owner_shown_clears_hidden_bits() {
	lower ext4
	local how file cache
	for cache in none exclusive; do
		filtered_view -o cache=$cache owner,uid=1000
		for how in write append truncate open create mapping; do
			file=$how-$cache
			program "$file" 4755 0:0
			# The change also reaches attributes in the kernel's cache and files that
			# were looked up long ago.
			shown "$file" 755
			case $how in
			write) check as 1000 dd of="$VIEW/$file" bs=1 count=1 conv=notrunc \
				if=/dev/zero status=none ;;
			append) check as 1000 sh -c "echo x >> '$VIEW/$file'" ;;
			truncate) check as 1000 truncate -s 2 "$VIEW/$file" ;;
			open) check as 1000 sh -c ": > '$VIEW/$file'" ;;
			create) check as 1000 cp /dev/null "$VIEW/$file" ;;
			mapping)
				passing || continue
				check python_as_user 'with open(sys.argv[1], "r+b") as f:
					mmap.mmap(f.fileno(), 10)[0] = 65' "$VIEW/$file"
				;;
			esac
			equal "$(stat -c %a "$LOWER/$file")" 755 "the mode below after $how"
		done
		unview
	done
}

# The filter makes new files belong to another user, to whom their creator could not have given a
# program with these bits.
# bindfs takes the bits away, because the kernel asks for that before the chown that is ignored.
each_ignored_or_refused_chown_leaves_the_bits() {
	local spec who
	need_filters
	lower ext4
	program p 6755
	for spec in owner,uid=1000,chown=ignore owner,create_gid=0,chown=ignore \
		changes,chown=ignore,chgrp=ignore changes,chown=deny,chgrp=deny; do
		filtered_view "$spec"
		for who in 0 1000 2000; do
			as $who chown 1000:1000 "$VIEW/p" 2> /dev/null
			as $who chown :1001 "$VIEW/p" 2> /dev/null
			equal "$(stat -c '%a %u %g' "$LOWER/p")" "6755 1000 1000" "$spec, user $who"
			equal "$(stat -c '%a' "$VIEW/p")" 6755 "$spec, user $who, in the view"
		done
		unview
	done
}

each_file_made_for_another_user_has_no_set_id_bits() {
	lower ext4
	chmod 777 "$LOWER"
	filtered_view owner,create_uid=0,create_gid=0
	check python_as_user 'os.umask(0)
os.chdir(sys.argv[1])
os.close(os.open("created", os.O_CREAT | os.O_WRONLY, 0o6755))
os.mknod("made", stat.S_IFREG | 0o6755)
fd = os.open(".", os.O_TMPFILE | os.O_WRONLY, 0o6755)
st = os.fstat(fd)
assert (st.st_mode & 0o7777, st.st_uid) == (0o755, 0), oct(st.st_mode)' "$VIEW"
	local name
	for name in created made; do
		equal "$(stat -c '%a %u %g' "$LOWER/$name")" '755 0 0' "$name below"
	done
	unview
	# The file belongs to its creator and is written to at once: neither view nor lower file has
	# the bits.
	filtered_view owner,uid=0
	check python_as_user 'os.umask(0)
fd = os.open(sys.argv[1] + "/own", os.O_CREAT | os.O_WRONLY, 0o4755)
assert os.fstat(fd).st_mode & 0o7777 == 0o755, oct(os.fstat(fd).st_mode)
assert os.fstat(fd).st_uid == 0' "$VIEW"
	equal "$(stat -c '%a %u' "$LOWER/own")" '4755 1000' "the new file below"
	check as 1000 chmod 755 "$LOWER/own"
}

each_file_capabilities_do_not_work_with_another_owner() {
	lower ext4
	program p 755 0:0
	setcap cap_net_raw+ep "$LOWER/p" 2> /dev/null || skip "no setcap here"
	filtered_view owner,uid=1000
	check test -z "$(getcap "$VIEW/p")"
	equal "$(act xattr list "$VIEW/p")" '' "attributes listed"
	cp "$(command -v cat)" "$LOWER/c"
	setcap cap_net_raw+ep "$LOWER/c"
	equal "$(as 1001 "$VIEW/c" /proc/self/status | awk '/^CapEff/ { print $2 }')" \
		0000000000000000 "capabilities"
	refused 'not permitted' setcap cap_net_raw+ep "$VIEW/p"
	unview
	filtered_view owner,uid=0
	equal "$(getcap "$VIEW/p" | wc -l)" 1 "capabilities of the real owner"
}

# The daemon hides the bits for any filter that shows another owner, whichever program of it does
# so.
each_filter_that_forgets_the_bits_shows_none() {
	lower ext4
	local in
	program p 6755
	for in in lookup getattr listing done; do
		filtered_view "shows,in=$in"
		equal "$(ls -ln "$VIEW" | awk '/ p$/ { print substr($1, 1, 10) }')" \
			"$(ls -ln "$VIEW" |
				awk '/ p$/ { print $3 == 0 ? "-rwxr-xr-x" : "-rwsr-sr-x" }')" \
			"the mode in a listing, $in"
		equal "$(as 1001 "$VIEW/p" -u | sed 's/^1000$/1001/')" 1001 "user ID, $in"
		if [ "$(stat -c %u "$VIEW/p")" = 0 ]; then
			shown p 755
			runs_as p 1001 1001 1001
		fi
		unview
	done
}

# After the filter is removed, the view shows the real owner and all bits again.
each_filter_that_goes_leaves_nothing_hidden() {
	lower ext4
	program p 755 1000:1000
	filtered_view owner,uid=0
	shown p 755
	refused 'not permitted' chmod u+s "$VIEW/p"
	check chain remove owner
	check as 1000 chmod 4755 "$VIEW/p"
	shown p 4755
	runs_as p 1001 1000 1001
}

# Root takes a set-ID program of a user over, again and again: chown(2) clears the bits. A stat(2)
# of the lower file sees the new owner with the bits from before now and then.
each_owner_that_comes_after_the_bits_is_shown_without_them() {
	lower ext4
	program p 6755 1000:1000
	view -o cache=none
	check python3 - "$LOWER/p" "$VIEW/p" <<-'EOF'
		import os, sys, time
		lower, view = sys.argv[1:]
		end = time.time() + 3
		changer = os.fork()
		while not changer:
		    os.chown(lower, 1000, 1000)
		    os.chmod(lower, 0o6755)
		    os.chown(lower, 0, 0)
		seen = dict.fromkeys([(1000, True), (1000, False), (0, False)], 0)
		while time.time() < end:
		    st = os.stat(view)
		    look = st.st_uid, bool(st.st_mode & 0o6000)
		    seen[look] = seen.get(look, 0) + 1
		os.kill(changer, 9)
		print("looks by user ID and bits:", seen)
		sys.exit((0, True) in seen or not seen[1000, True])
	EOF
}

# Nobody can keep the view from reading the bits: not by a lease, nor does a frozen file system.
each_set_id_bits_of_a_leased_file_are_shown() {
	lower ext4
	program p 4755 1000:1000
	view -o cache=none
	check python3 - "$LOWER/p" "$VIEW/p" <<-'EOF'
		import fcntl, os, signal, sys
		lower, view = sys.argv[1:]
		signal.signal(signal.SIGIO, signal.SIG_IGN)
		fcntl.fcntl(os.open(lower, os.O_RDWR), fcntl.F_SETLEASE, fcntl.F_WRLCK)
		signal.alarm(10)
		sys.exit(os.stat(view).st_mode != 0o104755)
	EOF
	fsfreeze -f "$FS" || return 0
	(sleep 5; fsfreeze -u "$FS") &
	local thaw=$!
	timeout 3 stat -c %a "$VIEW/p" > "$T/mode" || fail "stat(2) waits for a frozen file system"
	equal "$(cat "$T/mode")" 4755 "the mode on a frozen file system"
	wait $thaw
}
