# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# The server examples/pretend.c decides mode and owner of files whose data passes through. Every
# caller sees the server's values of these fields, and the lower inode's values of all others, at
# the first look.

BELOW='%s %b %Y %y %h %i' # what the lower inode has the authority for

served_view() { program_view "$EXAMPLES/pretend" "$LOWER" {} -o "$@"; }

# After WHAT, compares each field of the lower inode alone, then all together.
agree() { # WHAT PATH
	local field
	for field in $BELOW; do
		equal "$(stat -c "$field" "$VIEW/$2")" "$(stat -c "$field" "$LOWER/$2")" \
			"$1: $field"
	done
	equal "$(stat -c "$BELOW" "$VIEW/$2")" "$(stat -c "$BELOW" "$LOWER/$2")" "$1"
}

owned() { # PATH MODE UID GID [WHERE]
	equal "$(stat -c '%a %u %g' "${5:-$VIEW}/$1")" "$2 $3 $4" "mode and owner of $1"
	equal "$(stat -c '%a' "${5:-$VIEW}/$1")" "$2" "mode alone of $1"
	equal "$(stat -c '%u' "${5:-$VIEW}/$1")" "$3" "owner alone of $1"
}

each_server_decides_mode_and_owner_only() {
	lower ext4
	local cache
	for cache in auto none ttl=1 exclusive; do
		mkdir "$LOWER/$cache"
		echo text > "$LOWER/$cache/f"
		served_view "cache=$cache"
		check chown 1000:1001 "$VIEW/$cache/f"
		check chmod 640 "$VIEW/$cache/f"
		owned "$cache/f" 640 1000 1001
		owned "$cache/f" 644 0 0 "$LOWER"
		agree "chmod" "$cache/f"
		# The owner in the view may write, whoever owns the lower file; other users may not.
		check as 1000 sh -c "echo more >> '$VIEW/$cache/f'"
		agree "append" "$cache/f"
		check not as 1002 cat "$VIEW/$cache/f"
		check as 1002:1001 cat "$VIEW/$cache/f" > /dev/null
		check as 1000 truncate -s 100000 "$VIEW/$cache/f"
		agree "truncate" "$cache/f"
		check as 1000 fallocate -l 300000 "$VIEW/$cache/f"
		agree "fallocate" "$cache/f"
		check as 1000 touch -d 2001-02-03 "$VIEW/$cache/f"
		agree "utimens" "$cache/f"
		owned "$cache/f" 640 1000 1001
		ls -ln "$VIEW/$cache" | grep -q '^-rw-r-----  *1 1000 1001 ' ||
			fail "listing: $(ls -ln "$VIEW/$cache")"
		if passing; then
			holder map map "$VIEW/$cache/f"
			tell map "s 5000 x"
			agree "a store" "$cache/f"
			tell map m
			agree "msync" "$cache/f"
			tell map c
			tell map "s 50 x"
			agree "a store after close" "$cache/f"
			release map
			agree "munmap" "$cache/f"
		fi
		unview
		if passing; then
			check not grep -E '^(READ|WRITE) ' "$T/daemon$((N_VIEWS - 1)).log"
		fi
	done
}

# A change of the lower file is visible in the lower inode's fields and does not change the
# server's.
each_outside_change_keeps_fields_of_the_server() {
	lower ext4
	echo text > "$LOWER/f"
	served_view cache=auto
	check chmod 600 "$VIEW/f"
	owned f 600 0 0
	chmod 666 "$LOWER/f"
	echo more >> "$LOWER/f"
	within 5 eval '[ "$(stat -c %s "$VIEW/f")" = 10 ]' || fail "the size below was not seen"
	owned f 600 0 0
	# The server changes its answer and notifies the kernel.
	kill -HUP "${VIEW_PIDS[0]}"
	within 5 eval '[ "$(stat -c %a "$VIEW/f")" = 666 ]' ||
		fail "what the server has changed was not seen"
	agree "both" f
}

# A write, truncation or chown clears set-id bits of the mode, whether the mode is the server's or
# the lower inode's.
each_write_and_chown_clear_served_set_id_bits() {
	lower ext4
	local how
	served_view cache=exclusive
	for how in write truncate open chown append; do
		echo text > "$VIEW/$how"
		check chown 1000:1000 "$VIEW/$how"
		check chmod 6755 "$VIEW/$how"
		owned "$how" 6755 1000 1000
		# The view does not show these bits of the lower file. A write in the view must
		# clear them nevertheless.
		chmod 6711 "$LOWER/$how"
		case $how in
		write) check as 1000 dd of="$VIEW/write" bs=1 count=1 conv=notrunc if=/dev/zero \
			status=none ;;
		truncate) check as 1000 truncate -s 2 "$VIEW/truncate" ;;
		open) check as 1000 sh -c ": > '$VIEW/open'" ;;
		append) check as 1000 sh -c "echo x >> '$VIEW/append'" ;;
		chown) check chown 1002 "$VIEW/chown" ;;
		esac
		if [ "$how" = chown ]; then
			owned "$how" 755 1002 1000
			continue
		fi
		owned "$how" 755 1000 1000
		owned "$how" 711 0 0 "$LOWER"
		agree "$how" "$how"
	done
	# A write by root keeps the bits, as on other file systems.
	check chmod 6755 "$VIEW/write"
	echo x >> "$VIEW/write"
	owned write 6755 1000 1000
}

# Directories, links and new files. A file whose mode is the server's has no ACL.
each_server_decides_for_directories_links_and_new_files() {
	lower ext4
	mkdir "$LOWER/d"
	ln -s nowhere "$LOWER/l"
	setfacl -m u:1002:r "$LOWER/d" || skip "no ACLs here"
	served_view cache=auto
	check chown 1000:1000 "$VIEW/d"
	check chmod 700 "$VIEW/d"
	check chown -h 1000:1000 "$VIEW/l"
	owned d 700 1000 1000
	owned l 777 1000 1000
	owned l 777 0 0 "$LOWER"
	check not as 1002 ls "$VIEW/d"
	check as 1000 touch "$VIEW/d/new"
	owned d/new 644 1000 1000
	owned d/new 644 1000 1000 "$LOWER"
	agree "new" d/new
	check test -z "$(getfacl -cp "$VIEW/d" | grep 1002)"
	check test -z "$(act xattr list "$VIEW/d")"
	refused 'not supported' setfacl -m u:1002:r "$VIEW/d"
	check as 1000 rm "$VIEW/d/new"
	check as 1000 mkdir "$VIEW/d/sub"
	check as 1000 rmdir "$VIEW/d/sub"
	check rmdir "$VIEW/d"
	check not test -e "$LOWER/d"
}

# The view of a server has a control socket as other views have.
once_commands_work_on_the_view_of_a_server() {
	need_filters
	lower ext4
	echo text > "$LOWER/f"
	echo text > "$LOWER/secret"
	served_view cache=auto
	check chmod 600 "$VIEW/f"
	"$PENSTOCK" stat "$VIEW" > "$T/stat" || fail "no answer to stat"
	check grep -q "^process  *${VIEW_PIDS[0]} (pretend)" "$T/stat"
	tracing "$T/trace" --all
	check chmod 640 "$VIEW/f"
	within 10 grep -qi setattr "$T/trace" || fail "no trace"
	chain add hide,names=secret > /dev/null || fail "no filter"
	check not test -e "$VIEW/secret"
	owned f 640 0 0
	kill "$TRACER"
	# SIGTERM unmounts the view.
	kill -TERM "${VIEW_PIDS[0]}"
	within 10 eval '! grep -qF " $VIEW " /proc/self/mountinfo' || fail "still mounted"
	unset 'VIEW_DIRS[0]'
	daemon_ended 0 0
}
