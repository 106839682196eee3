# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# Filters are added, replaced and removed while the view is in use, and leave nothing behind.

# Prints the BPF programs and maps that the daemon has open.
held_bpf() { find "/proc/${VIEW_PIDS[0]}/fd" -lname 'anon_inode:bpf*' | wc -l; }

names_of_chain() {
	chain list --json 2> /dev/null | tr -d ' \n' | grep -o '"name":"[^"]*"' | cut -d'"' -f4 |
		tr '\n' ' '
}

# ---- coming and going ---------------------------------------------------------------------------

each_mount_options_add_filters() {
	lower ext4
	need_filters
	view -F pass,name=one -o 'filter=tag;name=two;ops=mkdir:rmdir;id=7,cache=none' -F guard
	# Filters of -o come before filters of --filter.
	equal "$(names_of_chain)" 'two one guard ' order
	chain list > "$T/list"
	check grep -q 'lets everything pass' "$T/list"
	check grep -q 'ops=mkdir:rmdir' "$T/list"
	answers 0 mkdir "$VIEW/d"
	equal "$(ran runs two pre/mkdir)" 1 "runs"
	same
}

# A mount with a wrong filter fails.
each_mount_with_bad_filter_is_refused() {
	lower ext4
	need_filters
	mkdir "$T/mnt"
	local spec
	while IFS='|' read -r spec text; do
		refused "$text" "$PENSTOCK" mount --filter pass --filter "$spec" "$LOWER" "$T/mnt"
		check not mountpoint -q "$T/mnt"
	done <<- END
		nothing|no filter 'nothing'
		pas|did you mean 'pass'
		tag,ids=1|ids.*id
		tag,id=many|many
		tag,ops=mkdirs,id|id
		pass,name=pass|
		/nowhere/x.bpf.o|nowhere
		$TESTS/lib.sh|lib.sh
		pass,at=/nowhere|nowhere
		counter,pin=$T|BPF file system
	END
}

each_filters_are_added_replaced_and_removed() {
	lower ext4
	need_filters
	echo text > "$LOWER/f"
	view
	equal "$(names_of_chain)" ''
	check chain add pass
	check chain add guard
	check chain add tag,id=1
	equal "$(names_of_chain)" 'pass guard tag '
	answers EPERM write "$VIEW/f"
	check chain replace guard errors
	equal "$(names_of_chain)" 'pass errors tag ' "a replacement has the place of what was there"
	answers 0 write "$VIEW/f"
	refused 'already.*name=' chain add pass
	check chain add pass,name=more
	refused 'no filter "none".*pass.*errors.*tag.*more' chain remove none
	refused 'no filter "none".*pass' chain replace none pass
	refused 'already' chain replace tag pass
	refused 'no filter' chain add nothing
	equal "$(names_of_chain)" 'pass errors tag more ' "the chain after what failed"
	local name
	for name in tag pass more errors; do check chain remove $name; done
	equal "$(names_of_chain)" ''
	refused 'it has none' chain remove pass
	answers 0 write "$VIEW/f"
	same -x
}

each_failing_add_changes_nothing() {
	lower ext4
	need_filters
	echo text > "$LOWER/f"
	view -F guard -o cache=exclusive
	stat "$VIEW/f" > /dev/null
	local spec before
	before=$(held_bpf)
	for spec in nothing tag,ids=1 guard /nowhere/x.bpf.o pass,at=/nowhere "counter,pin=$T"; do
		check not chain add "$spec" 2> /dev/null
		check not chain replace guard "${spec/guard/nothing}" 2> /dev/null
		equal "$(names_of_chain)" 'guard '
		answers EPERM write "$VIEW/f"
	done
	equal "$(held_bpf)" "$before" "programs and maps that are held"
}

# The daemon takes a relative file name from the directory of the caller, not from its own.
each_relative_path_is_of_the_caller() {
	lower ext4
	need_filters
	view
	mkdir "$T/own,dir"
	cp "$TOOLS/filters/guard.bpf.o" "$T/own,dir/"
	cd "$T/own,dir" || fail cd
	check chain add ./guard.bpf.o,name=g
	check chain add guard.bpf.o,name=g2
	mkdir 'sub,dir'
	cp guard.bpf.o 'sub,dir/'
	check chain add 'sub\,dir/guard.bpf.o,name=g3'
	equal "$(names_of_chain)" 'g g2 g3 '
	: > "$LOWER/f"
	answers EPERM write "$VIEW/f"
	cd "$T"
}

# ---- what was cached ----------------------------------------------------------------------------

each_change_of_filters_drops_caches() {
	lower ext4
	need_filters
	local i
	mkdir "$LOWER/d"
	echo Text > "$LOWER/d/data"
	echo text > "$LOWER/d/b-real"
	touch "$LOWER"/d/{a,b,x-dropped}
	view -o cache=exclusive
	for i in 1 2 3; do
		# Now the kernel caches entries, absent names, attributes and listings.
		equal "$(cat "$VIEW/d/data")" Text
		equal "$(ls "$VIEW/d" | wc -l)" 5
		equal "$(ls -l "$VIEW/d" | grep -c dropped)" 1
		equal "$(stat -c %u "$VIEW/d/b-real")" 0
		equal "$(stat -c %u "$VIEW/d")" 0
		check chain add owner,uid=1234,name=change
		equal "$(stat -c %u "$VIEW/d/b-real")" 1234 "an owner, in round $i"
		equal "$(stat -c %u "$VIEW/d")" 1234 "a directory's owner, in round $i"
		check chain replace change parity-redact,name=change
		equal "$(ls "$VIEW/d" | wc -l)" 4 "names in a listing, in round $i"
		equal "$(stat -c %u "$VIEW/d/b-real")" 0 "an owner, in round $i"
		check chain replace change hide,names=data:b,name=change
		answers ENOENT read "$VIEW/d/data"
		equal "$(ls "$VIEW/d" | wc -l)" 3 "names in a listing, in round $i"
		check chain remove change
		equal "$(cat "$VIEW/d/data")" Text "a name at the end of round $i"
		equal "$(stat -c %u "$VIEW/d/b-real")" 0
	done
	same -x
}

# The filter lets another name be looked up.
each_change_of_filters_drops_absent_names() {
	lower ext4
	need_filters
	local i
	echo text > "$LOWER/b-real"
	view -o cache=exclusive
	for i in 1 2 3; do
		answers ENOENT stat "$VIEW/a-real"
		check chain add parity-names
		equal "$(cat "$VIEW/a-real")" text "an absent name, in round $i"
		check chain remove parity-names
	done
}

each_change_of_data_filters_drops_pages() {
	lower ext4
	need_filters
	local i
	mkdir "$LOWER/d"
	echo Text > "$LOWER/d/data"
	view -o cache=exclusive
	for i in 1 2 3; do
		equal "$(cat "$VIEW/d/data")" Text
		check chain add data,what=swap,name=change
		equal "$(cat "$VIEW/d/data")" tEXT "data, in round $i"
		check chain replace change data-cached,what=swap,name=change
		equal "$(cat "$VIEW/d/data")" tEXT "data, in round $i"
		check chain replace change data-cached,what=short,name=change
		equal "$(cat "$VIEW/d/data")" Text "data in the page cache, in round $i"
		check chain remove change
		equal "$(cat "$VIEW/d/data")" Text "data at the end of round $i"
	done
	same -x
}

# A new filter changes the data of a file that is open and served: the kernel's pages are dropped.
each_change_of_filters_drops_pages_of_open_files() {
	lower ext4
	need_filters
	echo Text > "$LOWER/data"
	view -o cache=exclusive -F data-cached,name=d,what=swap
	exec 7< "$VIEW/data"
	equal "$(dd bs=4 count=1 status=none <&7)" tEXT
	check chain replace d data-cached,name=d,what=keep
	equal "$(cat "$VIEW/data")" Text "a new open"
	exec 8< /proc/self/fd/7
	equal "$(dd bs=4 count=1 status=none <&8)" Text "an open file's pages"
	exec 7<&- 8<&-
}

# The kernel cannot stop passing a file through while the file is open.
each_open_file_passes_through_until_closed() {
	lower ext4
	need_filters
	passing || skip "this variant passes nothing through"
	echo Text > "$LOWER/data"
	echo Text > "$LOWER/plain"
	view
	exec 7< "$VIEW/data" 8< "$VIEW/plain"
	equal "$(cat <&7)" Text
	chain add data,what=swap > "$T/said" || fail "cannot add it"
	check grep -qx ' */data' "$T/said"
	check not grep -qx ' */plain' "$T/said"
	check grep -qx ' */data' <(chain list)
	answers EBUSY read "$VIEW/data"
	answers 0 read "$VIEW/plain"
	# The open fails before it changes the file.
	check not eval ': 2> /dev/null > "$VIEW/data"'
	equal "$(cat "$LOWER/data")" Text "what a refused open has left"
	exec 7<&- 8<&-
	within 5 eval 'cat "$VIEW/data" > /dev/null 2>&1' || fail "it is busy for ever"
	equal "$(cat "$VIEW/data")" tEXT
	check not grep -qx ' */data' <(chain list)
	# In the other direction: the daemon goes on serving a served file until it is closed.
	exec 7< "$VIEW/data"
	check chain remove data
	equal "$(cat <&7)" Text "what is open"
	equal "$(cat "$VIEW/data")" Text "what is opened"
	exec 7<&-
	same -x
}

# A new filter does not run for known files without a match: these stay passed through.
each_new_filter_leaves_other_files_passed_through() {
	lower ext4
	need_filters
	echo text > "$LOWER/f"
	mkdir "$LOWER/d"
	view -o cache=exclusive
	exec 7<> "$VIEW/f"
	cat "$VIEW/f" > /dev/null
	check chain add hide,names=*.key:.env
	check chain add mask,names=*.crt
	check chain add data,what=swap
	answers 0 link "$VIEW/f" "$VIEW/g"
	answers 0 rename "$VIEW/f" "$VIEW/d/f"
	no_data_requests eval 'cat "$VIEW/d/f" > /dev/null; echo more >> "$VIEW/g"'
	equal "$(cat "$VIEW/g" | tr '\n' ' ')" 'text more '
	check not grep -q 'was open' <(chain list)
	exec 7>&-
	same -x
}

# ---- under load ---------------------------------------------------------------------------------

# Runs loops that fail when an operation fails unexpectedly.
load() { # NUMBER
	local d=$VIEW/load$1 i=0
	mkdir "$d" || exit 1
	while [ ! -e "$T/stop" ]; do
		i=$((i + 1))
		echo "text $i" > "$d/f" || exit 2
		[ "$(cat "$d/f")" = "text $i" ] || exit 3
		mv "$d/f" "$d/g" || exit 4
		[ -e "$d/g" ] && [ ! -e "$d/f" ] || exit 5
		ln "$d/g" "$d/h" || exit 6
		[ "$(stat -c %h "$d/h")" = 2 ] || exit 7
		mkdir "$d/sub" && echo x > "$d/sub/x" && rm "$d/sub/x" && rmdir "$d/sub" || exit 8
		chmod 600 "$d/g" || exit 9
		[ "$(ls "$d" | tr '\n' ' ')" = 'g h ' ] || exit 10
		rm "$d/h" "$d/g" || exit 11
	done
	echo $i > "$T/rounds$1"
}

# While filters are added, replaced and removed, no other operation fails or is lost, and each
# change applies to the next operation: three loops, random reads and writes, and random operations
# on names by three processes. A view without filters has no BPF memory for requests, so the first
# add moves requests there.
each_changes_of_filters_lose_no_operation() { changes_under_load false; }
each_changes_of_data_filters_lose_no_operation() { changes_under_load true; }

changes_under_load() { # DATA: true if filters that see data come and go, too
	local i n pids=() status
	lower ext4
	need_filters
	mkdir "$LOWER/d"
	: > "$LOWER/d/x.key"
	echo Text > "$LOWER/d/data"
	view -o cache=exclusive
	for i in 1 2 3; do load $i 2> "$T/load$i" & pids+=($!); done
	"$TOOLS/act" model "$VIEW/model" 5 2000 > "$T/model" 2>&1 & pids+=($!)
	mkdir "$VIEW/shuffle"
	"$TOOLS/act" shuffle "$VIEW/shuffle" 7 3 1200 > "$T/shuffle" 2>&1 & pids+=($!)
	for ((n = 0; n < 5; n++)); do
		check chain add audit,name=a
		check chain add depth
		check chain add hide,names=*.key
		! $1 || check chain add quota,files=1M,name=q,at=shuffle
		answers ENOENT stat "$VIEW/d/x.key"
		equal "$(ls "$VIEW/d")" data
		check chain replace a tag,name=a
		! $1 || check chain add data,what=swap
		! $1 || equal "$(cat "$VIEW/d/data")" tEXT "data, in round $n"
		check chain replace hide readonly,names=*.never,name=hide
		answers 0 stat "$VIEW/d/x.key"
		check chain remove hide
		check chain remove depth
		! $1 || check chain remove data
		! $1 || check chain remove q
		equal "$(cat "$VIEW/d/data")" Text "data without the filter, in round $n"
		check chain remove a
	done
	: > "$T/stop"
	for i in "${!pids[@]}"; do
		wait "${pids[i]}"
		status=$?
		[ $status = 0 ] ||
			fail "load $((i + 1)) failed at step $status:" \
				"$(tail -n 1 "$T"/load$((i + 1)))" \
				"$(tail -n 1 "$T/model")" "$(tail -n 1 "$T/shuffle")"
	done
	for i in 1 2 3; do check test "$(cat "$T/rounds$i")" -ge 3; done
	same -x
}
LIMIT[changes_of_filters_lose_no_operation]=120
LIMIT[changes_of_data_filters_lose_no_operation]=120

# A new filter also applies to a directory that a request makes while the filter is being added, so
# files can be moved there.
each_files_move_into_directory_made_while_filter_is_added() {
	lower ext4
	need_filters
	mkdir "$LOWER/old" "$LOWER/other"
	: > "$LOWER/old/f"
	: > "$LOWER/old/g"
	local filter pids
	for filter in pass guard,name=other hide,names=*.never; do
		view -o cache=exclusive -F fault,ops=mkdir,delay_us=1500000
		# The directory is known, so no process looks it up while the other one creates a
		# directory in it.
		stat "$VIEW/old" "$VIEW/other" > /dev/null
		pids=()
		act try mkdir "$VIEW/new" > "$T/new" & pids+=($!)
		sleep 1
		act try mkdir "$VIEW/other/later" > "$T/later" & pids+=($!)
		sleep 0.2
		chain add "$filter" > "$T/added" 2>&1 & pids+=($!)
		check within 5 test -d "$LOWER/new"
		sleep 0.1
		answers 0 rename "$VIEW/old/f" "$VIEW/new/f"
		answers 0 link "$VIEW/old/g" "$VIEW/new/g"
		wait "${pids[@]}" || fail "$(cat "$T/added")"
		equal "$(cat "$T/new" "$T/later" | tr '\n' ' ')" '0 0 '
		answers 0 rename "$VIEW/new/f" "$VIEW/old/f"
		unview
		rm -r "$LOWER/new" "$LOWER/other/later"
	done
}

# Repeats this in a view in the background.
each_filters_work_in_background() {
	lower ext4
	need_filters
	: > "$LOWER/f"
	view -b -F guard
	answers EPERM write "$VIEW/f"
	check chain remove guard
	answers 0 write "$VIEW/f"
	unview
	view -b -F guard -F pass
	equal "$(names_of_chain)" 'guard pass '
}

# The view is unmounted while filters change: clients get an error, and nothing remains.
each_unmount_during_changes_of_filters_ends() {
	lower ext4
	need_filters
	view -F pass -F depth
	local pid
	load 1 2> /dev/null & pid=$!
	sleep 0.3
	umount -l "$VIEW" || fail "cannot unmount"
	: > "$T/stop"
	wait $pid
	unset "VIEW_DIRS[0]"
	daemon_ended 0 0
}

# A change of filters waits only for requests that began before it.
each_change_waits_for_earlier_requests_only() {
	lower ext4
	need_filters
	: > "$LOWER/f"
	view -F fault,ops=mkdir,delay_us=1500000
	local pid
	act try mkdir "$VIEW/slow" > "$T/slow" & pid=$!
	within 5 eval '[ "$(counter MKDIR)" = 1 ]' || fail "the request does not arrive"
	timeout 20 stat -f "$VIEW" > /dev/null || fail "nobody is answered"
	check test ! -s "$T/slow" -a ! -e "$LOWER/slow"
	check chain remove fault
	check test -d "$LOWER/slow"
	wait $pid
	equal "$(cat "$T/slow")" 0 "the operation that was slow"
	answers 0 mkdir "$VIEW/fast"
	same
}

# A request may wait for a lock without end, so adding and removing filters does not wait for it.
each_change_waits_for_no_lock() {
	lower ext4
	need_filters
	: > "$LOWER/f"
	view -F pass,name=first
	local pid
	holder first lock "$VIEW/f" posix ex
	timeout 30 "$TOOLS/act" lock "$VIEW/f" posix ex \
		wait > "$T/second" 2>&1 < <(sleep 20) & pid=$!
	sleep 0.3
	check test ! -s "$T/second"
	check chain add pass
	check chain remove pass
	check test ! -s "$T/second"
	release first
	within 5 grep -q held "$T/second" || fail "the lock is not granted"
	kill $pid
	same
}

# ---- what is left behind ------------------------------------------------------------------------

once_unmount_leaves_no_bpf_objects() {
	lower ext4
	need_filters
	command -v bpftool > /dev/null || skip "bpftool is not installed"
	alone
	bpf_ids() {
		bpftool prog show | grep -o '^[0-9]*'
		bpftool map show | grep -o '^[0-9]*:' | sed 's/^/map /'
	}
	bpf_ids | sort > "$T/before"
	view -F pass -F tag,id=1 -F counter
	check chain add hide,names=a:b:c*
	bpf_ids | sort > "$T/during"
	check test "$(comm -13 "$T/before" "$T/during" | wc -l)" -ge 10
	check chain remove tag
	check chain replace counter errors
	unview
	within 5 nothing_of_it || fail "left: $(bpf_ids | sort | comm -12 - "$T/own")"
}

# The BPF objects of the view are gone with it; $T/own may also hold objects that other processes
# loaded meanwhile.
nothing_of_it() {
	comm -13 "$T/before" "$T/during" > "$T/own"
	[ -z "$(bpf_ids | sort | comm -12 - "$T/own")" ]
}

once_removed_filter_frees_its_maps() {
	lower ext4
	need_filters
	command -v bpftool > /dev/null || skip "bpftool is not installed"
	view
	check chain add counter
	local id
	id=$(bpftool map show name lookups | grep -o '^[0-9]*' | tail -n 1)
	check test -n "$id"
	check chain remove counter
	within 5 eval '! bpftool map show id '"$id"' > /dev/null 2>&1' ||
		fail "map $id is still there"
}

once_pinned_maps_are_shared() {
	lower ext4
	need_filters
	command -v bpftool > /dev/null || skip "bpftool is not installed"
	mkdir "$T/bpf"
	mount -t bpf none "$T/bpf" || skip "no BPF file system"
	: > "$LOWER/f"
	view -o cache=none -F "counter,pin=$T/bpf/pst"
	check test -e "$T/bpf/pst/lookups"
	local i before
	before=$(pinned_count)
	for i in 1 2 3; do stat "$VIEW/f" > /dev/null; done
	check test "$(pinned_count)" -ge $((before + 3))
	# In the other direction: the filter reads values that other programs write into the map.
	bpftool map update pinned "$T/bpf/pst/lookups" key 1 0 0 0 value 100 0 0 0 0 0 0 0
	before=$(pinned_count)
	stat "$VIEW/f" > /dev/null
	check test "$(pinned_count)" -ge $((before + 100))
	refused 'already in use' chain add "counter,name=two,pin=$T/bpf/pst"
	check test -e "$T/bpf/pst/lookups"
	# A filter that replaces another one takes over its maps; if the replacement fails, the maps
	# stay.
	refused 'no option' chain replace counter "counter,nonsense=1,pin=$T/bpf/pst"
	check test "$(pinned_count)" -ge 3
	before=$(pinned_count)
	check chain replace counter "counter,pin=$T/bpf/pst"
	stat "$VIEW/f" > /dev/null
	check test "$(pinned_count)" -gt "$before"
	check chain add "counter,name=two,pin=$T/bpf/two"
	check test -e "$T/bpf/two/lookups"
	check chain remove two
	check test ! -e "$T/bpf/two"
	unview
	# The next mount uses the pinned maps.
	check test "$(pinned_count)" -gt "$before"
	umount "$T/bpf"
}

pinned_count() {
	bpftool -j map lookup pinned "$T/bpf/pst/lookups" key 0 0 0 0 | grep -o '"value":[^]]*' |
		tr -d '" []' |
		sed 's/value://' | tr ',' ' ' | { read -r a b rest; echo $((a + 256 * b)); }
}

# ---- stat and check -----------------------------------------------------------------------------

each_stat_counts_runs() {
	filters_of_stat
	chain stat --json > "$T/json"
	check grep -q '"programs"' "$T/json"
	equal "$(ran runs guard pre/open)" 2 "runs of pre/open"
	equal "$(ran errors guard pre/open)" 1 "errors of pre/open"
	equal "$(ran answered guard pre/getxattr)" 2 "answers of pre/getxattr"
	equal "$(ran bad guard)" 0
	equal "$(ran runs guard pre/setattr)" 0
}

filters_of_stat() {
	lower ext4
	need_filters
	: > "$LOWER/f"
	view -F guard
	answers EPERM write "$VIEW/f"
	answers 0 read "$VIEW/f"
	# getfattr(1) first asks for the size.
	act xattr get "$VIEW/f" user.guarded > /dev/null
}

once_check_describes_a_filter() {
	need_filters
	"$PENSTOCK" filter check guard > "$T/said" || fail "cannot check a good filter"
	check grep -q 'guards files' "$T/said"
	check grep -q 'pre/setattr' "$T/said"
	check not "$PENSTOCK" filter check nothing 2> /dev/null
	refused 'no filter' "$PENSTOCK" filter check nothing
	printf 'no object' > "$T/x.bpf.o"
	refused 'x.bpf.o' "$PENSTOCK" filter check "$T/x.bpf.o"
}

# A program for a feature that the view lacks never runs, and the log says so.
once_programs_that_cannot_run_are_reported() {
	lower ext4
	need_filters
	: > "$LOWER/f"
	LOG_MAY='will not run'
	view -o xattr=off -F guard
	check grep -q 'filter guard: .* extended attributes will not run' "$T/daemon0.log"
	equal "$(act xattr get "$VIEW/f" user.guarded)" EOPNOTSUPP
	equal "$(ran runs guard pre/getxattr)" 0 "runs"
}

# With opendir=off the kernel keeps listings for all callers and opens directories by itself. A
# filter that needs these requests is refused, both at the mount and later.
once_filters_that_need_requests_are_refused_with_opendir_off() {
	local filter
	lower ext4
	need_filters
	mkdir "$T/mnt"
	for filter in callers parity-open; do
		refused "opendir=off" "$PENSTOCK" mount -o cache=exclusive,opendir=off \
			--filter $filter "$LOWER" "$T/mnt"
	done
	view -o cache=exclusive,opendir=off -F guard
	refused "opendir=off" chain add callers
	refused "opendir=off" chain add parity-open
	equal "$(names_of_chain)" 'guard '
}

# A view without filters prints an empty list and does not become slower by the question.
each_view_without_filters_says_so() {
	lower ext4
	need_filters
	view
	equal "$(chain list)" 'there are no filters'
	equal "$(chain stat)" 'there are no filters'
}

# ---- changes that readers try to outrun ----------------------------------------------------------

# Control groups for readers that are frozen (version 2: a frozen process can be killed there) and
# that get little of the CPU (of either version); empty where this machine has none.
reader_groups() {
	local root
	FREEZER='' CPU=''
	root=$(findmnt -n -o TARGET -t cgroup2 | head -n 1)
	[ -z "$root" ] || FREEZER=$(mktemp -d "$root/penstock.XXXXXX" 2> /dev/null)
	root=$(findmnt -n -o TARGET -t cgroup -O cpu | head -n 1)
	[ -z "$root" ] || CPU=$(mktemp -d "$root/penstock.XXXXXX" 2> /dev/null)
	if [ -n "$CPU" ]; then
		echo 20000 > "$CPU/cpu.cfs_period_us"
		echo 2000 > "$CPU/cpu.cfs_quota_us" || { rmdir "$CPU"; CPU=''; }
	fi
	if [ -z "$CPU" ] && [ -n "$FREEZER" ]; then
		CPU=$(mktemp -d "${FREEZER%/*}/penstock.XXXXXX")
		echo "2000 20000" 2> /dev/null > "$CPU/cpu.max" || { rmdir "$CPU"; CPU=''; }
	fi
	echo "frozen readers: ${FREEZER:-none}, slow readers: ${CPU:-none}"
}

no_reader_groups() {
	[ -z "$FREEZER" ] || within 10 rmdir "$FREEZER"
	[ -z "$CPU" ] || within 10 rmdir "$CPU"
}

outrun() { # SECONDS OPTIONS UID SPEC
	rm -rf "$LOWER/d"
	mkdir "$LOWER/d"
	for i in $(seq 60); do echo "$i" > "$LOWER/d/file$i"; done
	view -o "$2"
	ls -l "$VIEW/d" > /dev/null
	"$TOOLS/coherence" outrun "$1" "$3" "$VIEW/d" file30 "$PENSTOCK" "$VIEW" "$4,name=outrun" \
		"$FREEZER" "$CPU" > "$T/outrun" ||
			{ cat "$T/outrun"; fail "$2, $4: a change was outrun"; }
	tail -n 1 "$T/outrun"
	unview
}

each_change_applies_to_delayed_readers() {
	real || skip "there are no filters"
	lower ext4
	need_filters
	reader_groups
	outrun 1 cache=auto 0 hide,names=file30
	outrun 1 cache=exclusive 1000 hide-for,names=file30,uid=1000
	no_reader_groups
}

# Runs longer, with every cache= mode.
slow_change_applies_to_delayed_readers_for_long() {
	lower ext4
	local options
	reader_groups
	for options in cache=auto cache=exclusive cache=ttl=1 cache=none \
		cache=exclusive,opendir=off; do
		outrun "${OUTRUN:-20}" "$options" 0 hide,names=file30
		[[ $options == *opendir=off ]] ||
			outrun "${OUTRUN:-20}" "$options" 1000 hide-for,names=file30,uid=1000
	done
	no_reader_groups
}
LIMIT[change_applies_to_delayed_readers_for_long]=$((60 + 10 * ${OUTRUN:-20}))
