# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# The filter fault: torn writes, a disk that gets full, faults that a seed repeats, and the data of
# other files, which passes through.

fault_lower() {
	need_filters
	lower ext4
	head -c 65536 /dev/zero > "$LOWER/a.db"
	head -c 65536 /dev/urandom > "$LOWER/plain"
	chown 1000:1000 "$LOWER/a.db"
	chmod 666 "$LOWER/a.db"
	chmod 777 "$LOWER"
}

# Writes x from the beginning of a file; prints the result of each write, or its error.
writes() { # UID FILE SIZE [TIMES [FLAGS]]
	as "$1" env PATH=/usr/bin:/bin python3 -c 'import errno, mmap, os, sys
path, size, times, flags = sys.argv[1], *(int(arg) for arg in sys.argv[2:])
data = mmap.mmap(-1, size)
data[:] = b"x" * size
fd = os.open(path, os.O_WRONLY | flags)
for i in range(times):
    try:
        print(os.pwrite(fd, data, i * size), end=" ")
    except OSError as e:
        print(errno.errorcode[e.errno], end=" ")' "$2" "$3" "${4:-1}" "${5:-0}"
}

# Prints the number of x in the lower file, and makes it zeros again.
stored() {
	tr -dc x < "$LOWER/a.db" | wc -c
	head -c 65536 /dev/zero | dd of="$LOWER/a.db" conv=notrunc status=none
}

each_torn_write_succeeds_and_stores_a_part() {
	local uid
	fault_lower
	filtered_view 'fault,names=*.db,ops=write,torn=512'
	for uid in 0 1000 2000; do
		equal "$(writes $uid "$VIEW/a.db" 8192)" '8192 ' "the result for $uid"
		equal "$(stored)" 512 "bytes stored for $uid"
	done
	with fault 'fault,names=*.db,ops=write,torn=512,result=short'
	equal "$(writes 1000 "$VIEW/a.db" 8192)" '512 ' 'the result of a short write'
	with fault 'fault,names=*.db,ops=write,torn=512,error=EdQuot'
	stored > /dev/null
	equal "$(writes 1000 "$VIEW/a.db" 8192)" 'EDQUOT ' 'the result of a failed write'
	equal "$(stored)" 512 'bytes stored by a write that failed'
	with fault 'fault,names=*.db,ops=write,torn=0'
	equal "$(writes 1000 "$VIEW/a.db" 8192)" '8192 ' 'the result of a lost write'
	equal "$(stored)" 0 'bytes stored by a lost write'
}

each_torn_write_with_o_direct_stores_whole_blocks() {
	local direct
	fault_lower
	direct=$(python3 -c 'import os; print(os.O_DIRECT)')
	filtered_view 'fault,names=*.db,ops=write,torn=5000'
	equal "$(writes 1000 "$VIEW/a.db" 16384 1 "$direct")" '16384 ' 'the result'
	equal "$(stored)" 4096 'bytes stored'
	with fault 'fault,names=*.db,ops=write,torn=512'
	equal "$(writes 1000 "$VIEW/a.db" 16384 1 "$direct")" '16384 ' 'the result'
	equal "$(stored)" 0 'bytes stored'
	with fault 'fault,names=*.db,ops=write,after_bytes=10000'
	equal "$(writes 1000 "$VIEW/a.db" 4096 4 "$direct")" '4096 4096 ENOSPC ENOSPC ' 'results'
}

# The kernel does not ask again for the rest of a mapping that was written back in part: so a
# mapping is written whole, or not at all.
each_torn_mapping_is_whole_or_lost() {
	local want
	fault_lower
	for want in 512:50000 0:0; do
		filtered_view "fault,names=*.db,ops=write,torn=${want%:*}"
		as 1000 env PATH=/usr/bin:/bin python3 -c 'import mmap, sys
with open(sys.argv[1], "r+b") as f:
    try:
        m = mmap.mmap(f.fileno(), 0)
    except OSError:
        sys.exit(3)
    m[0:50000] = b"x" * 50000
    m.flush()' "$VIEW/a.db"
		[ $? != 3 ] || skip "no shared mappings of served files here"
		unview
		equal "$(stored)" "${want#*:}" "bytes stored with torn=${want%:*}"
	done
}

each_disk_is_full_after_so_many_bytes() {
	fault_lower
	filtered_view 'fault,names=*.db,ops=write:fallocate,after_bytes=10000'
	check as 1000 fallocate -l 65536 "$VIEW/a.db"
	equal "$(writes 1000 "$VIEW/a.db" 4096 5)" '4096 4096 1808 ENOSPC ENOSPC ' 'results'
	equal "$(writes 2000 "$VIEW/a.db" 10)" 'ENOSPC ' 'the result for another user'
	refused 'No space left' as 2000 fallocate -l 70000 "$VIEW/a.db"
	equal "$(stored)" 10000 'bytes stored'
}

# Without read and write in the list, no file is served; with them, only the files that are named.
each_other_files_are_passed_through() {
	fault_lower
	filtered_view fault,ops=fsync:mkdir,error=enospc
	equal "$(chain stat | grep -c 'pre/read \|pre/write ')" 0 'programs for data'
	no_data_requests cat "$VIEW/a.db"
	answers ENOSPC mkdir "$VIEW/d"
	with fault 'fault,names=*.db,ops=*,percent=0.0001,seed=1'
	equal "$(chain stat | grep -c 'pre/read \|pre/write ')" 2 'programs for data'
	no_data_requests cat "$VIEW/plain"
	no_data_requests cp "$LOWER/plain" "$VIEW/created"
	check cmp "$LOWER/plain" "$LOWER/created"
	requests READ as 1000 cat "$VIEW/a.db" > /dev/null
	[ "$N" -ge 1 ] || fail "a.db is passed through"
}

# Prints which of 40 operations have failed.
pattern() {
	local i
	for i in {1..40}; do
		if mkdir "$VIEW/dir" 2> /dev/null; then
			printf .
			rmdir "$LOWER/dir"
		else
			printf '!'
		fi
	done
}

once_seed_repeats_the_faults() {
	local first seed
	fault_lower
	filtered_view fault,ops=mkdir,percent=40.5,seed=7
	first=$(pattern)
	unview
	filtered_view fault,ops=mkdir,percent=40.5,seed=7
	equal "$(pattern)" "$first" "faults of the same seed"
	unview
	filtered_view fault,ops=mkdir,percent=40.5,seed=8
	check test "$(pattern)" != "$first"
	unview
	# The seed that the mount has chosen repeats them, too.
	filtered_view fault,ops=mkdir,percent=40.5
	first=$(pattern)
	seed=$(sed -n 's/.*warning: filter fault, .*; seed: //p' "${VIEW_LOGS[-1]}")
	unview
	filtered_view "fault,ops=mkdir,percent=40.5,seed=$seed"
	equal "$(pattern)" "$first" "faults of the seed that the log has"
}

once_mount_says_which_faults_will_happen() {
	local said
	fault_lower
	filtered_view -o log=info 'fault,names=a*,ops=fsy*,error=enospc,percent=0.5' hide,names=b
	check grep -q 'warning: filter fault, in all of the view: ' "${VIEW_LOGS[-1]}"
	for said in 'names: names that begin with "a"' 'error: ENOSPC;' 'percent: 0.5;' \
		'ops: fsync, fsyncdir;' 'seed: [0-9]'; do
		check grep -q "filter fault, .*$said" "${VIEW_LOGS[-1]}"
	done
	check grep -q 'filter hide, .*names: the name "b"' "${VIEW_LOGS[-1]}"
	unview
	filtered_view fault,ops=fsync hide,names=b
	check grep -q 'filter fault, in all of the view: ops: fsync$' "${VIEW_LOGS[-1]}"
	check not grep -q 'filter hide, ' "${VIEW_LOGS[-1]}"
}

# The program of the page has the bugs, and its patch mends them.
once_recipes_of_the_testing_page_find_the_bugs() {
	local n said
	need_filters
	command -v patch > /dev/null || skip "no patch(1)"
	cd "$T" || fail cd
	awk '
		/^```c$/ { file = "save.c"; next }
		/^```diff$/ { file = "save.patch"; next }
		/^```$/ { file = "" }
		file { print > file }' "$TESTS/../../docs/testing.md"
	check cc -Wall -Werror -o buggy save.c
	check patch -s save.c save.patch
	check cc -Wall -Werror -o save save.c
	lower ext4
	seq 5000 > "$LOWER/list"
	filtered_view fault,ops=write,after_bytes=8k
	check bash -c 'seq 5000 | ./buggy "$0"' "$VIEW/list"
	equal "$(wc -l < "$LOWER/list")" 1859 "lines that the program has not lost"
	with fault fault,ops=fsync
	check bash -c 'seq 5000 | ./buggy "$0"' "$VIEW/list"
	equal "$(ran runs fault pre/fsync)" 0 "calls of fsync"
	refused 'Input/output error' bash -c 'seq 6000 | ./save "$0"' "$VIEW/list"
	equal "$(wc -l < "$LOWER/list")" 5000 "lines after a failure of fsync"
	for n in {0..11}; do
		with fault "fault,ops=create:write:flush:fsync:rename,after=$n,count=1"
		said=$(seq 6000 | ./save "$VIEW/list" 2>&1; echo " $? $(wc -l < "$LOWER/list")")
		case $n:$said in
		11:*' 0 6000' | ?:*' 1 5000' | 10:*' 1 5000') ;;
		*) fail "after $n operations: $said" ;;
		esac
	done
}

# Clients of one user are delayed for a minute: others, and changes of the filters, do not wait for
# them, and those that are killed end at once.
each_delayed_clients_hold_nobody_up() {
	fault_lower
	echo text > "$LOWER/slow"
	filtered_view -o cache=none 'fault,names=slow,ops=open,delay_us=60000000'
	local i clients=()
	for i in $(seq 60); do
		setpriv --reuid 1000 --clear-groups cat "$VIEW/slow" > /dev/null &
		clients+=($!)
	done
	within 20 eval '[ "$(ran runs fault pre/open)" -ge 60 ]' || fail "the clients do not come"
	for i in 0 1000 1001; do
		check timeout 10 setpriv --reuid "$i" --clear-groups cat "$VIEW/plain" > /dev/null
		check timeout 10 setpriv --reuid "$i" --clear-groups touch "$VIEW/new$i"
		check timeout 10 setpriv --reuid "$i" --clear-groups ls -l "$VIEW" > /dev/null
	done
	check timeout 10 "$PENSTOCK" filter add "$VIEW" hide,names=plain
	check not timeout 10 cat "$VIEW/plain" 2> /dev/null
	kill -KILL "${clients[@]}"
	for i in "${clients[@]}"; do within 10 gone "$i" || fail "a killed client waits"; done
}
