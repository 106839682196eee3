# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# Programs that answer operations themselves (struct pst_node_ops): examples/hello adds a file that
# has no lower file, examples/ramfs is a whole file system in memory.

LIMIT[files_in_memory_behave_as_on_ext4]=300

memory() {
	mkdir "$T/empty"
	program_view "$EXAMPLES/ramfs" "$T/empty" {}
}

each_hello_adds_one_file_to_the_lower_tree() {
	lower
	mkdir "$LOWER/dir"
	echo text > "$LOWER/dir/file"
	echo text > "$LOWER/zz"
	program_view "$EXAMPLES/hello" "$LOWER" {}
	local caller
	for caller in 0 1000; do
		drop_caches
		equal "$(as $caller cat "$VIEW/hello")" "Hello, world" "text for $caller"
		equal "$(as $caller stat -c '%a %s %F' "$VIEW/hello")" "444 13 regular file" "stat"
		equal "$(as $caller ls "$VIEW" | tr '\n' ' ')" "dir hello zz " "names"
		equal "$(as $caller ls -l "$VIEW" | grep -c ' hello$')" 1 "ls -l"
	done
	check not as 1000 sh -c "echo x > '$VIEW/hello'"
	check not as 0 sh -c "echo x > '$VIEW/hello'"
	equal "$(ls "$LOWER" | tr '\n' ' ')" "dir zz " "lower names"
	equal "$(cat "$VIEW/dir/file")" text "a lower file"
	# The rest of the tree passes through as ever.
	echo more >> "$VIEW/dir/file"
	equal "$(tail -n 1 "$LOWER/dir/file")" more "a lower file"
	unview
}

# Steps in which ramfs differs from ext4, or from views of lower files:
# GROUP.STEP: reason.
memory_limits() {
	cat <<- END
		rename.whiteout: ramfs makes no whiteouts
		rename.whiteout-as-user: as rename.whiteout
		rename.bad-flags: as rename.whiteout
		attr.chown-by-owner: the kernel sends chown(-1, -1) without a change
		attr.times: ext4 has no nanoseconds before 1970
		attr.truncate: files of ramfs have 4 GiB at most
		attr.statx-alone: ramfs has no birth time
		attr.which-times-move: reads do not change the access time in ramfs
		suid.by-owner: ramfs has no xattrs
		suid.by-member: as attr.chown-by-owner
		suid.by-other: FUSE clears S_ISGID only with S_IXGRP
		suid.by-root: as suid.by-owner
		suid.by-weak-root: as suid.by-other
		suid.capabilities: as suid.by-owner
		suid.capabilities-and-stores: as suid.by-owner
		suid.chown-while-written: as attr.chown-by-owner
		data.holes: files of ramfs have no holes
		data.seek-too-far: the kernel lets a FUSE file seek anywhere
		data.fallocate-moving: fs/fuse/file.c refuses it
		modes.nowait: the kernel's FUSE files do not have FMODE_NOWAIT
		modes.direct: ramfs takes direct writes of any size
		modes.direct-odd-memory: as modes.direct
		aio.io-uring-names: as suid.by-owner
	END
}

each_files_in_memory_behave_as_on_ext4() {
	lower
	memory
	memory_limits > "$T/limits"
	passing() { false; }
	local group real_mode=$MODE
	for group in names kinds rename attr suid perm dir data modes copy mmap aio; do
		TESTS=$T LOWER=$VIEW MODE=memory-$real_mode PREFIX=$group parity "$group" \
			--variant off
	done
	MODE=$real_mode
	unview
}

each_files_in_memory_are_kept_while_they_are_used() {
	memory
	local caller
	chmod 1777 "$VIEW"
	for caller in 0 1000; do
		check as $caller sh -c "cd '$VIEW' && mkdir d$caller && echo text > d$caller/file"
		drop_caches
		equal "$(as $caller cat "$VIEW/d$caller/file")" text "after the caches were dropped"
		equal "$(stat -c %u "$VIEW/d$caller/file")" "$caller" "owner"
		equal "$(as $caller sh -c "exec 7< '$VIEW/d$caller/file'; rm -r '$VIEW/d$caller'
			cat <&7")" text "a removed file that is open"
	done
	drop_caches
	equal "$(ls -A "$VIEW")" "" "names that are left"
	equal "$(ls -A "$T/empty")" "" "names below"
	check act model "$VIEW/model" 11 400
	check act handle save "$VIEW/model" "$T/handle"
	drop_caches
	check act handle open "$VIEW" "$T/handle"
	rm "$VIEW/model"
	drop_caches
	check not act handle open "$VIEW" "$T/handle"
	unview
}

# A filter that is added to the mounted view acts on the files of the program, cached or not.
each_filters_act_on_files_of_a_program() {
	need_filters
	memory
	mkdir "$VIEW/dir"
	echo text > "$VIEW/dir/secret"
	echo text > "$VIEW/dir/plain"
	cat "$VIEW/dir/secret" > /dev/null
	local caller
	check "$PENSTOCK" filter add "$VIEW" hide,names=secret
	for caller in 0 1000; do
		check not as $caller cat "$VIEW/dir/secret"
		equal "$(as $caller ls "$VIEW/dir")" plain "names for $caller"
		equal "$(as $caller ls -l "$VIEW/dir" | grep -c text)" 0 "ls -l"
		equal "$(as $caller cat "$VIEW/dir/plain")" text "a file that is not hidden"
	done
	check not sh -c "echo x > '$VIEW/dir/secret'"
	check "$PENSTOCK" filter remove "$VIEW" hide
	equal "$(cat "$VIEW/dir/secret")" text "a file that is not hidden any more"
	check "$PENSTOCK" filter add "$VIEW" readonly
	check not sh -c "echo x > '$VIEW/dir/plain'"
	check not mkdir "$VIEW/new"
	equal "$(cat "$VIEW/dir/plain")" text "a file of a read-only view"
	unview
}

once_programs_take_options_of_mount_and_refuse_others_in_words() {
	lower
	local hello=$EXAMPLES/hello
	[ -x "$hello" ] || skip "examples were not built"
	mkdir "$T/v"
	refused 'did you mean "passthrough"' "$hello" -o passthru=on "$LOWER" "$T/v"
	refused 'files of the program have no lower file to lock' \
		"$hello" "$LOWER" "$T/v" -o locks=lower
	refused 'is a path of the machine' "$hello" -o "hide=$LOWER/zz" "$LOWER" "$T/v"
	refused 'usage: hello \[-o OPTION,...\] LOWER MOUNTPOINT' "$hello" "$LOWER"
	refused 'LOWER does not exist: /nowhere' "$hello" /nowhere "$T/v"
	program_view "$hello" "$LOWER" {} -o ro,fsname=greeting
	check grep -q "^greeting $VIEW fuse.penstock ro," /proc/mounts
	unview
}

# The first SIGTERM unmounts a view that nobody uses, a second one every view.
once_signals_end_the_view_of_a_program() {
	lower
	local i program
	# pst_main() runs the view of the one, a function of the program that of the other.
	for program in hello pretend; do
		program_view "$EXAMPLES/$program" "$LOWER" {}
		i=$((N_VIEWS - 1))
		kill -TERM "${VIEW_PIDS[i]}"
		# mountpoint(1) would use the view for a moment, so that the program finds it busy.
		within 10 eval '! grep -qF " $VIEW " /proc/self/mountinfo' || fail "still mounted"
		unset "VIEW_DIRS[i]"
		daemon_ended $i 0
	done
	program_view "$EXAMPLES/hello" "$LOWER" {}
	i=$((N_VIEWS - 1))
	exec 8< "$VIEW/hello"
	LOG_MAY='the view is in use and stays mounted'
	kill -INT "${VIEW_PIDS[i]}"
	within 10 grep -q "$LOG_MAY" "${VIEW_LOGS[i]}" || fail "no message"
	check mountpoint -q "$VIEW"
	kill -HUP "${VIEW_PIDS[i]}"
	within 10 eval '! mountpoint -q "$VIEW"' || fail "still mounted"
	equal "$(cat <&8)" "Hello, world" "an open file"
	exec 8<&-
	unset "VIEW_DIRS[i]"
	daemon_ended $i 0
}

# A filter sends names to the program: the program has them after a listing with attributes, too,
# where the lower directory has a file of such a name, and renames those that only the program has.
each_filters_send_names_to_a_program() {
	need_filters
	lower ext4
	echo below > "$LOWER/ram-lower"
	echo below > "$LOWER/plain"
	chmod 1777 "$LOWER"
	program_view "$EXAMPLES/ramfs" -o by_filters,filter=send "$LOWER" {}
	local caller
	for caller in 0 1000; do
		drop_caches
		equal "$(as $caller ls -l "$VIEW" 2> /dev/null | grep -c ' plain$')" 1 "ls -l"
		check not as $caller cat "$VIEW/ram-lower" 2> /dev/null
		equal "$(as $caller cat "$VIEW/plain")" below "a name of the lower tree"
		check as $caller sh -c "echo text > '$VIEW/ram-$caller'"
		check as $caller mv "$VIEW/ram-$caller" "$VIEW/ram-new$caller"
		equal "$(as $caller cat "$VIEW/ram-new$caller")" text "after the rename"
		check not as $caller stat "$VIEW/ram-$caller" 2> /dev/null
	done
	equal "$(ls "$LOWER" | tr '\n' ' ')" "plain ram-lower " "lower names"
	equal "$(cat "$LOWER/ram-lower")" below "text below"
	unview
}
