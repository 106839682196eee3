# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# The steps of the selftests of the FUSE-BPF proposal. A comment before each case names the
# selftest, and docs/fuse-bpf.md lists the case for each selftest.

pattern() { head -c "$1" /dev/urandom | base64 -w 0 | head -c "$1"; }

# basic_test: without filters and passthrough, each operation sends one request to the daemon.
each_operation_sends_one_request() {
	real || skip "there is no daemon"
	local op
	lower ext4
	echo text > "$LOWER/f"
	view -o cache=none
	for op in LOOKUP OPEN RELEASE; do
		requests $op cat "$VIEW/f"
		equal $N 1 "$op requests of reading a file"
	done
	requests READ cat "$VIEW/f"
	if passing; then equal $N 0 "READ requests"; else check test $N -ge 1; fi
}

# bpf_test_real, bpf_test_set_backing: one filter that sees reads, and one that does not.
each_only_a_filter_that_sees_reads_stops_passthrough() {
	lower ext4
	pattern 100000 > "$LOWER/f"
	filtered_view data-log
	tracing "$T/trace" --all
	check cmp "$VIEW/f" "$LOWER/f"
	# The tracer writes the line after cmp has got its data.
	within 5 grep -q '"op":"read".*"what":"read"' "$T/trace" || fail "no event of a read"
	check test "$(ran runs data-log pre/read)" -ge 1
	chain replace data-log parity-hidden > /dev/null
	no_data_requests cmp "$VIEW/f" "$LOWER/f"
}

# bpf_test_partial: the filter provides one page, the file the others.
each_filter_provides_one_page_and_the_file_the_others() {
	lower ext4
	pattern 12288 > "$LOWER/f"
	filtered_view parity-partial
	says '4096 bbbbbbbbbbbbbbbb' r "$VIEW/f" 'pread 0 4096'
	check cmp <(dd if="$VIEW/f" bs=4096 count=1 status=none) <(head -c 4096 /dev/zero |
		tr '\0' b)
	check cmp <(dd if="$VIEW/f" bs=4096 skip=1 status=none) <(tail -c +4097 "$LOWER/f")
}

# bpf_test_attrs, _dir, _mknod, _link and so on: operations that a filter passes behave as on the
# lower file system. ext4 changes a directory's times when it fails to make a whiteout, which no
# event reports.
each_passing_filter_changes_no_operation() {
	local group variant=()
	passing && variant=(--variant filtered)
	filtered_view -o cache=exclusive pass
	for group in names kinds rename attr xattr dir; do
		PREFIX=$group parity $group --only '!(whiteout)' "${variant[@]}"
	done
	check test "$(ran runs pass)" -ge 1000
	in_kernel || equal "$(stat -f -c %t "$VIEW")" 65735546 "type of the file system"
}
LIMIT[passing_filter_changes_no_operation]=150

# bpf_test_readdir: the filter adds an entry for an absent file and renames another entry.
each_filter_adds_and_renames_entries_of_a_listing() {
	lower ext4
	touch "$LOWER/one" "$LOWER/old" "$LOWER/two"
	filtered_view parity-fake
	equal "$(ls -U "$VIEW" | sort | tr '\n' ' ')" 'fake new one two '
	equal "$(find "$VIEW" -mindepth 1 -maxdepth 1 -printf '%f\n' 2> /dev/null |
		sort | tr '\n' ' ')" \
		'fake new one two '
	answers ENOENT stat "$VIEW/fake"
	answers 0 stat "$VIEW/one"
	answers 0 stat "$VIEW/old"
	equal "$(ran bad parity-fake)" 0 "bad runs"
}

# bpf_test_creat: creates a file that the filter does not apply to, and one that it applies to.
each_creation_fails_only_where_the_filter_applies() {
	need_filters
	lower ext4
	mkdir "$LOWER/in" "$LOWER/out"
	view -o cache=none -F fault,at=in,ops=create,error=EDQUOT
	answers EDQUOT create "$VIEW/in/f"
	answers 0 create "$VIEW/out/f"
	answers EEXIST create "$VIEW/out/f"
	equal "$(ls "$LOWER/in" "$LOWER/out" | tr '\n' ' ' | sed "s|$LOWER||g")" '/in:  /out: f ' \
		"files below"
}

# bpf_test_hidden_entries: LOOKUP fails for a name that stays in listings.
each_listing_does_not_reveal_a_hidden_name() {
	lower ext4
	mkdir "$LOWER/hide" "$LOWER/show"
	filtered_view parity-hidden
	answers ENOENT stat "$VIEW/hide"
	says '0|4|4 text' rw+create "$VIEW/show/f" 'fallocate 0 4096' 'pwrite 0 text' 'pread 0 4'
	equal "$(stat -c %s "$LOWER/show/f")" 4096
	# A listing must not make a file reachable that LOOKUP did not find.
	ls -l "$VIEW" > /dev/null 2>&1
	answers ENOENT stat "$VIEW/hide"
	answers ENOENT read "$VIEW/hide"
	# The ready-made filter hides the name in every operation.
	chain replace parity-hidden hide,names=hide > /dev/null
	answers ENOENT stat "$VIEW/hide"
	answers EPERM mkdir "$VIEW/hide"
	equal "$(ls "$VIEW")" show
}

# bpf_test_largedir: a thousand names, and the exact number of lookups.
each_each_request_runs_a_program_once() {
	local i before
	lower ext4
	filtered_view -o cache=ttl=60 pass
	for i in $(seq 1000); do : > "$VIEW/file$i" || fail "file $i"; done
	equal "$(ran runs pass pre/create)" 1000 "creations"
	equal "$(ran runs pass pre/lookup)" 1000 "lookups of names to be created"
	equal "$(counter CREATE)" 1000 "CREATE requests"
	before=$(ran runs pass pre/readdir)
	requests READDIR,READDIRPLUS eval 'equal "$(ls -U "$VIEW" | wc -l)" 1000'
	equal $(($(ran runs pass pre/readdir) - before)) $N "runs for each part of the listing"
	check test $N -le 60
	equal "$(ran runs pass post/readdir)" "$(ran runs pass pre/readdir)" "parts seen after"
	equal "$(ls "$LOWER" | wc -l)" 1000
}

# bpf_test_redact_readdir: three of six names; and parts of a listing that lose all names.
each_entries_removed_from_a_listing_can_be_looked_up() {
	local i
	lower ext4
	mkdir "$LOWER/six" "$LOWER/many" "$LOWER/none"
	touch "$LOWER/six/f"{1,2,3,4,5,6}
	(cd "$LOWER/many" && seq -f 'x-is-a-long-name-that-fills-the-page-soon-%g' 3000 |
		xargs touch && touch last first)
	touch "$LOWER/none/x"{1,2,3}
	filtered_view parity-redact
	equal "$(ls "$VIEW/six" | tr '\n' ' ')" 'f2 f4 f6 '
	equal "$(ls "$VIEW/many" | tr '\n' ' ')" 'first last '
	equal "$(find "$VIEW/many" -mindepth 1 -printf '%f ' | tr ' ' '\n' | sort | tr '\n' ' ')" \
		'first last '
	equal "$(ls -l "$VIEW/many" | wc -l)" 3 "a long listing"
	equal "$(ls "$VIEW/none")" '' "where all is dropped"
	equal "$(ls -A "$VIEW/none" | wc -l)" 0
	# The entry left the listing, and the file can be looked up.
	answers 0 stat "$VIEW/six/f1"
	check rm -r "$VIEW/six/f1"
	equal "$(ran bad parity-redact)" 0 "bad runs"
	has_daemon || return 0
	# The daemon counts no lookup for dropped entries, so their nodes are freed.
	drop_machine_caches 2
	within 5 eval 'drop_machine_caches 2; [ "$(info nodes)" -le 20 ]' ||
		fail "$(info nodes) nodes are left"
}

# bpf_test_remove_backing: a lookup of one directory finds another, to which the filter does not
# apply.
each_lookup_that_leads_elsewhere_leaves_the_filter() {
	local runs
	lower ext4
	mkdir "$LOWER/folder1" "$LOWER/folder2"
	echo one > "$LOWER/folder1/f"
	echo two > "$LOWER/folder2/f"
	echo top > "$LOWER/f"
	filtered_view parity-redirect
	answers EACCES read "$VIEW/f"
	equal "$(cat "$VIEW/folder1/f")" two
	runs=$(ran runs parity-redirect pre/open)
	cat "$VIEW/folder1/f" "$VIEW/folder1/f" > /dev/null
	echo more > "$VIEW/folder1/new"
	equal "$(ran runs parity-redirect pre/open)" "$runs" "runs where it does not hold"
	equal "$(cat "$LOWER/folder2/new")" more
	no_data_requests cat "$VIEW/folder1/f"
}

# bpf_test_alter_errcode_bpf: the filter changes the error of MKDIR. The filter also makes LOOKUP
# report the name as absent, because otherwise the kernel would not send MKDIR.
each_filter_changes_errors_and_successes() {
	lower ext4
	filtered_view parity-results
	mkdir "$LOWER/file1"
	answers EPERM mkdir "$VIEW/file1"
	answers ENOMEM stat "$VIEW/absent-is-no-memory"
	answers 0 mkdir "$VIEW/other"
	# The filter turns an error into a success.
	check mkdir "$VIEW/full"
	touch "$LOWER/full/f"
	check rmdir "$VIEW/full"
	check test -e "$LOWER/full/f"
	# The filter turns a success into an error; the file is removed nevertheless.
	touch "$LOWER/f"
	answers EBUSY unlink "$VIEW/f"
	check test ! -e "$LOWER/f"
}

# bpf_test_lookup_postfilter: the post program sees the result and decides.
each_post_program_decides_the_result_of_a_lookup() {
	LOG_MAY='program post/lookup returned PST_DONE'
	lower ext4
	echo one > "$LOWER/file1"
	echo two > "$LOWER/file2"
	filtered_view parity-results
	answers ENOENT stat "$VIEW/file1"
	answers 0 stat "$VIEW/file2"
	equal "$(cat "$VIEW/file2")" two
	answers ENOENT stat "$VIEW/file3"
	# A listing with entries must not make the file reachable either.
	ls -l "$VIEW" > /dev/null 2>&1
	answers ENOENT stat "$VIEW/file1"
	answers ENOENT read "$VIEW/file1"
	answers EIO stat "$VIEW/made-up"
	equal "$(ran bad parity-results)" 1 "answers that are none"
}

# bpf_test_readdirplus_not_overriding_backing: a listing does not change what LOOKUP returned for a
# file.
each_listing_does_not_change_the_result_of_lookup() {
	lower ext4
	touch "$LOWER/free" "$LOWER/bound"
	echo text > "$LOWER/f"
	filtered_view -o cache=ttl=60 parity-off
	exec 7< "$VIEW/f"
	answers 0 chmod "$VIEW/free" 640
	answers EPERM chmod "$VIEW/bound" 640
	requests READDIRPLUS ls -l "$VIEW"
	! has_daemon || check test "$N" -ge 1
	answers 0 chmod "$VIEW/free" 600
	answers EPERM chmod "$VIEW/bound" 600
	no_data_requests cat <&7
	exec 7<&-
	# A listing before the LOOKUP gives the same result as LOOKUP.
	unview
	filtered_view -o cache=ttl=60 parity-off
	ls -l "$VIEW" > /dev/null
	answers 0 chmod "$VIEW/free" 644
	answers EPERM chmod "$VIEW/bound" 644
}

# bpf_test_revalidate_handle_backing_fd: another file now has the name.
each_replaced_directory_is_looked_up_again() {
	local i text
	lower ext4
	mkdir "$LOWER/d1" "$LOWER/d2"
	echo one > "$LOWER/d1/f"
	echo two > "$LOWER/d2/f"
	mkdir "$LOWER/name"
	echo zero > "$LOWER/name/f"
	filtered_view pass
	equal "$(cat "$VIEW/name/f")" zero
	for i in 1 2; do
		rm -r "$LOWER/name"
		mv "$LOWER/d$i" "$LOWER/name"
		requests LOOKUP eval 'text=$(cat "$VIEW/name/f")'
		equal "$text" "$([ $i = 1 ] && echo one || echo two)"
		check test "$N" -le 4
		no_data_requests cat "$VIEW/name/f"
	done
}

# flock_test: excludes processes that lock the lower file.
each_flock_excludes_lockers_of_the_lower_file() {
	lower ext4
	touch "$LOWER/f"
	filtered_view -o cache=none,locks=lower pass
	holder view lock "$VIEW/f" flock ex
	equal "$SAID" held
	equal "$(act lock "$LOWER/f" flock ex < /dev/null)" EAGAIN "below"
	release view
	lock_when_free below "$LOWER/f" flock ex
	equal "$(act lock "$VIEW/f" flock ex < /dev/null)" EAGAIN "in the view"
	release below
	check test "$(ran runs pass pre/setlk)" -ge 2
}

# bpf_test_create_and_remove_bpf, bpf_test_mkdir_and_remove_bpf: the filter excludes the files that
# are created. At the next lookup the filter decides again whether it applies to the file.
each_filter_excludes_new_files_until_they_are_looked_up() {
	lower ext4
	mkdir "$LOWER/old"
	touch "$LOWER/f" "$LOWER/old/f"
	filtered_view -o cache=ttl=60 parity-off
	answers EPERM chmod "$VIEW/f" 600
	answers EPERM chmod "$VIEW/old" 700
	: > "$VIEW/new"
	answers 0 chmod "$VIEW/new" 600
	check mkdir "$VIEW/newdir"
	# A file made in a directory without the filter has no filter, either.
	: > "$VIEW/newdir/f"
	answers 0 chmod "$VIEW/newdir/f" 600
	check mkfifo "$VIEW/fifo"
	answers 0 chmod "$VIEW/fifo" 600
	# A file that is looked up inherits the filter of its directory.
	answers EPERM chmod "$VIEW/old/f" 600
	touch "$LOWER/newdir/below"
	answers 0 chmod "$VIEW/newdir/below" 600
	# After a chmod the kernel looks the directory up again, so this step is the last.
	answers 0 chmod "$VIEW/newdir" 700
}

# bpf_test_follow_mounts: the filter also applies to a file system that is mounted inside LOWER.
each_filter_applies_inside_mounts() {
	lower ext4
	mkdir "$LOWER/mnt" "$T/other"
	mount -t tmpfs none "$T/other"
	echo other > "$T/other/f"
	mount --bind "$T/other" "$LOWER/mnt"
	filtered_view -o cache=none,xdev=cross fault,names=g,ops=open,error=EACCES
	equal "$(cat "$VIEW/mnt/f")" other
	echo text > "$T/other/g"
	answers EACCES read "$VIEW/mnt/g"
	unview
	umount "$LOWER/mnt" "$T/other"
}

# copy_file_range_test: between files with and without a data filter, in all four combinations.
each_copies_between_filtered_and_other_files() {
	local from to text
	need_filters
	lower ext4
	mkdir "$LOWER/served" "$LOWER/plain"
	view -o cache=none -F data-cipher,at=served
	text=$(pattern 50000)
	for from in served plain; do
		printf %s "$text" > "$VIEW/$from/f"
		for to in served plain; do
			says 50000 r "$VIEW/$from/f" "copy $VIEW/$to/copy-of-$from 0 50000"
			check cmp "$VIEW/$to/copy-of-$from" <(printf %s "$text")
		done
	done
	# The filter sees the copies: a copy to plain/ is stored as the view shows it, a copy to
	# served/ as the filter enciphers it.
	check cmp "$LOWER/plain/copy-of-served" <(printf %s "$text")
	check not cmp -s "$LOWER/served/copy-of-plain" <(printf %s "$text")
	check cmp "$LOWER/served/copy-of-plain" "$LOWER/served/copy-of-served"
}

# bpf_test_stack_depth_limit: a view of a view works.
each_view_of_a_view_applies_both_filters() {
	local first
	lower ext4
	pattern 100000 > "$LOWER/f"
	filtered_view data-cipher
	first=$VIEW
	view -o cache=none -F data-cipher "$first"
	check cmp "$VIEW/f" "$LOWER/f"
	check not cmp -s "$first/f" "$LOWER/f"
	echo text > "$VIEW/g"
	equal "$(cat "$LOWER/g")" text "what went through the cipher twice"
	unview "$VIEW"
	VIEW=$first
}
