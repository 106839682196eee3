# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# What the FUSE-BPF proposal was tested with; docs/fuse-bpf.md lists which case here is for which there.
# A case that is called as one there does what that one does.

pattern() { head -c "$1" /dev/urandom | base64 -w 0 | head -c "$1"; }

# ---- the selftests ------------------------------------------------------------------------------

# basic: without filters, and without passing through, all comes to the daemon, once.
each_basic() {
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

# bpf_test_real, set_backing: a filter that sees reads, and one that does not.
each_real() {
	lower ext4
	pattern 100000 > "$LOWER/f"
	filtered_view data-log
	tracing "$T/trace" --all
	check cmp "$VIEW/f" "$LOWER/f"
	check grep -q '"op":"read".*"what":"read"' "$T/trace"
	check test "$(ran runs data-log pre/read)" -ge 1
	chain replace data-log parity-hidden > /dev/null
	no_data_requests cmp "$VIEW/f" "$LOWER/f"
}

# bpf_test_partial: one page from the filter, the others from the file.
each_partial() {
	lower ext4
	pattern 12288 > "$LOWER/f"
	filtered_view parity-partial
	says '4096 bbbbbbbbbbbbbbbb' r "$VIEW/f" 'pread 0 4096'
	check cmp <(dd if="$VIEW/f" bs=4096 count=1 status=none) <(head -c 4096 /dev/zero | tr '\0' b)
	check cmp <(dd if="$VIEW/f" bs=4096 skip=1 status=none) <(tail -c +4097 "$LOWER/f")
}

each_attrs() {
	lower ext4
	echo text > "$LOWER/f"
	filtered_view pass
	chmod 0421 "$VIEW/f"
	chown 1234:2345 "$VIEW/f"
	truncate -s 3 "$VIEW/f"
	touch -d '2001-02-03 04:05:06.789Z' "$VIEW/f"
	equal "$(stat -c '%a %u %g %s %.9Y' "$LOWER/f")" '421 1234 2345 3 981173106.789000000'
	same -x
	check test "$(ran runs pass)" -ge 4
}

# bpf_test_readdir: an entry that is not there, and one that is called otherwise.
each_readdir() {
	lower ext4
	touch "$LOWER/one" "$LOWER/old" "$LOWER/two"
	filtered_view parity-fake
	equal "$(ls -U "$VIEW" | sort | tr '\n' ' ')" 'fake new one two '
	equal "$(find "$VIEW" -mindepth 1 -maxdepth 1 -printf '%f\n' 2> /dev/null | sort | tr '\n' ' ')" \
		'fake new one two '
	answers ENOENT stat "$VIEW/fake"
	answers 0 stat "$VIEW/one"
	answers 0 stat "$VIEW/old"
	equal "$(ran bad parity-fake)" 0 "bad runs"
}

# bpf_test_creat: where no filter holds in a view that has some, and where one does.
each_creat() {
	need_filters
	lower ext4
	mkdir "$LOWER/in" "$LOWER/out"
	view -o cache=none -F fault,at=in,ops=create,error=EDQUOT
	answers EDQUOT create "$VIEW/in/f"
	answers 0 create "$VIEW/out/f"
	answers EEXIST create "$VIEW/out/f"
	equal "$(ls "$LOWER/in" "$LOWER/out" | tr '\n' ' ' | sed "s|$LOWER||g")" '/in:  /out: f ' "files below"
}

each_hidden_entries() {
	lower ext4
	mkdir "$LOWER/hide" "$LOWER/show"
	filtered_view parity-hidden
	answers ENOENT stat "$VIEW/hide"
	says '0|4|4 text' rw+create "$VIEW/show/f" 'fallocate 0 4096' 'pwrite 0 text' 'pread 0 4'
	equal "$(stat -c %s "$LOWER/show/f")" 4096
	# A listing does not let the file in where LOOKUP has not found it.
	ls -l "$VIEW" > /dev/null 2>&1
	answers ENOENT stat "$VIEW/hide"
	answers ENOENT read "$VIEW/hide"
	# The ready-made filter hides the name from all there is.
	chain replace parity-hidden hide,names=hide > /dev/null
	answers ENOENT stat "$VIEW/hide"
	answers EPERM mkdir "$VIEW/hide"
	equal "$(ls "$VIEW")" show
}

each_dir() {
	lower ext4
	filtered_view pass
	check mkdir "$VIEW/d"
	check test -d "$LOWER/d"
	answers EEXIST mkdir "$VIEW/d"
	check rmdir "$VIEW/d"
	check test ! -e "$LOWER/d"
}

# bpf_test_file_early_close, _late_close
each_file_closed() {
	lower ext4
	filtered_view pass
	says '4|0' rw+create "$VIEW/early" 'write text' close
	check rm "$VIEW/early"
	check test ! -e "$LOWER/early"
	exec 7<> "$VIEW/late" || fail "open"
	echo text >&7
	check rm "$VIEW/late"
	check test ! -e "$LOWER/late"
	echo more >&7
	equal "$(stat -L -c '%s %h' /proc/self/fd/7)" '10 0' "size and links of what is deleted"
	exec 7<&-
}

each_mknod() {
	lower ext4
	filtered_view pass
	check mkfifo -m 640 "$VIEW/fifo"
	equal "$(stat -c '%F %a' "$LOWER/fifo")" 'fifo 640'
	(echo through > "$VIEW/fifo") &
	equal "$(cat "$VIEW/fifo")" through
	check rm "$VIEW/fifo"
	check test ! -e "$LOWER/fifo"
}

# bpf_test_largedir: a thousand names, and the exact number of times that they were asked for.
each_largedir() {
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

each_link() {
	lower ext4
	echo text > "$LOWER/f"
	filtered_view pass
	check ln "$VIEW/f" "$VIEW/g"
	equal "$(stat -c '%h %i' "$VIEW/g")" "$(stat -c '%h %i' "$LOWER/f")" "links and inode"
	equal "$(stat -c %h "$VIEW/f")" 2 links
	equal "$(cat "$VIEW/g")" text
	same -x
}

each_symlink() {
	lower ext4
	echo text > "$LOWER/f"
	filtered_view pass
	check ln -s f "$VIEW/l"
	equal "$(readlink "$VIEW/l")" f
	equal "$(readlink "$LOWER/l")" f
	equal "$(cat "$VIEW/l")" text
}

each_xattr() {
	lower ext4
	echo text > "$LOWER/f"
	filtered_view pass
	says 'ENODATA|.|0|5 value|user.a .|0|ENODATA|.' rw "$VIEW/f" 'getx user.a' listx \
		'setx user.a value' 'getx user.a' listx 'rmx user.a' 'getx user.a' listx
	says '0' rw "$VIEW/f" 'setx user.a value'
	says '5 value' r "$LOWER/f" 'getx user.a'
}

# bpf_test_redact_readdir: three of six; and parts of a listing of which nothing is left.
each_redact_readdir() {
	local i
	lower ext4
	mkdir "$LOWER/six" "$LOWER/many" "$LOWER/none"
	touch "$LOWER/six/f"{1,2,3,4,5,6}
	(cd "$LOWER/many" && seq -f 'x-is-a-long-name-that-fills-the-page-soon-%g' 3000 | xargs touch && touch last first)
	touch "$LOWER/none/x"{1,2,3}
	filtered_view parity-redact
	equal "$(ls "$VIEW/six" | tr '\n' ' ')" 'f2 f4 f6 '
	equal "$(ls "$VIEW/many" | tr '\n' ' ')" 'first last '
	equal "$(find "$VIEW/many" -mindepth 1 -printf '%f ' | tr ' ' '\n' | sort | tr '\n' ' ')" 'first last '
	equal "$(ls -l "$VIEW/many" | wc -l)" 3 "a long listing"
	equal "$(ls "$VIEW/none")" '' "where all is dropped"
	equal "$(ls -A "$VIEW/none" | wc -l)" 0
	# Dropped, not hidden.
	answers 0 stat "$VIEW/six/f1"
	check rm -r "$VIEW/six/f1"
	equal "$(ran bad parity-redact)" 0 "bad runs"
	# Nothing is counted for entries that the kernel was not told of: their nodes go.
	echo 2 > /proc/sys/vm/drop_caches
	within 5 eval 'echo 2 > /proc/sys/vm/drop_caches; [ "$(info nodes)" -le 20 ]' ||
		fail "$(info nodes) nodes are left"
}

# bpf_test_remove_backing: one directory is shown for another, and there the filter does not hold.
each_remove_backing() {
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

# bpf_test_dir_rename, bpf_test_file_rename
each_rename() {
	lower ext4
	mkdir "$LOWER/d" "$LOWER/e"
	echo text > "$LOWER/d/f"
	filtered_view pass
	check mv "$VIEW/d/f" "$VIEW/d/g"
	check mv "$VIEW/d" "$VIEW/e/d2"
	check mv "$VIEW/e/d2/g" "$VIEW/h"
	equal "$(cat "$LOWER/h")" text
	equal "$(cd "$LOWER" && find . | sort | tr '\n' ' ')" '. ./e ./e/d2 ./h '
	same -x
}

# bpf_test_alter_errcode_bpf: the kernel is told that the name is absent, or it would not ask for more.
each_alter_errcode() {
	lower ext4
	filtered_view parity-results
	mkdir "$LOWER/file1"
	answers EPERM mkdir "$VIEW/file1"
	answers ENOMEM stat "$VIEW/absent-is-no-memory"
	answers 0 mkdir "$VIEW/other"
	# An error that becomes a success.
	check mkdir "$VIEW/full"
	touch "$LOWER/full/f"
	check rmdir "$VIEW/full"
	check test -e "$LOWER/full/f"
	# And the reverse: what was done is done.
	touch "$LOWER/f"
	answers EBUSY unlink "$VIEW/f"
	check test ! -e "$LOWER/f"
}

# bpf_test_lookup_postfilter: it sees what came of it, and decides.
each_lookup_postfilter() {
	LOG_MAY='program post/lookup returned PST_DONE'
	lower ext4
	echo one > "$LOWER/file1"
	echo two > "$LOWER/file2"
	filtered_view parity-results
	answers ENOENT stat "$VIEW/file1"
	answers 0 stat "$VIEW/file2"
	equal "$(cat "$VIEW/file2")" two
	answers ENOENT stat "$VIEW/file3"
	# Nor is it there because a listing with entries has shown it.
	ls -l "$VIEW" > /dev/null 2>&1
	answers ENOENT stat "$VIEW/file1"
	answers ENOENT read "$VIEW/file1"
	answers EIO stat "$VIEW/made-up"
	equal "$(ran bad parity-results)" 1 "answers that are none"
}

# mmap_test, on data that is served.
each_mmap() {
	lower ext4
	echo 'some text' > "$LOWER/f"
	filtered_view data-log
	holder map map "$VIEW/f"
	tell map 's 1 X'
	tell map m
	equal "$(cat "$LOWER/f")" 'sXme text'
	equal "$(cat "$VIEW/f")" 'sXme text'
	release map
}

# readdir_perms_test
each_readdir_perms() {
	lower ext4
	mkdir -m 0111 "$LOWER/d"
	touch "$LOWER/d/f"
	filtered_view pass
	equal "$(as 1000 "$TOOLS/act" try read "$VIEW/d")" EACCES
	equal "$(as 1000 "$TOOLS/act" try stat "$VIEW/d/f")" 0
	check as 0 ls "$VIEW/d"
	check not setpriv --bounding-set -dac_override,-dac_read_search --inh-caps=-all -- \
		setpriv --reuid 1001 --regid 1001 --clear-groups ls "$VIEW/d" 2> /dev/null
}

# bpf_test_statfs
each_statfs() {
	lower ext4
	filtered_view pass
	equal "$(stat -f -c %t "$VIEW")" 65735546 "type of the file system"
	equal "$(stat -f -c '%s %b' "$VIEW")" "$(stat -f -c '%s %b' "$LOWER")" "its size"
}

# bpf_test_lseek, with filters that see data and without.
each_lseek() {
	local spec
	lower ext4 64
	head -c 4096 /dev/zero | tr '\0' x > "$LOWER/f"
	truncate -s 4G "$LOWER/f"
	echo end >> "$LOWER/f"
	for spec in pass data-log; do
		filtered_view $spec
		says '100|100|4294967296|4294967200|0|4096|4294967296|ENXIO|4096|4294967300|EINVAL|3 end' r "$VIEW/f" \
			'seek set 100' 'seek cur 0' 'seek end -4' 'seek cur -96' 'seek data 0' \
			'seek hole 0' 'seek data 8192' 'seek data 5000000000' 'seek hole 4096' \
			'seek hole 4294967296' 'seek end -5000000000' 'pread 4294967296 3'
		unview
	done
}

# bpf_test_readdirplus_not_overriding_backing: what LOOKUP has said of a file holds after a listing.
each_readdirplus() {
	lower ext4
	touch "$LOWER/free" "$LOWER/bound"
	echo text > "$LOWER/f"
	filtered_view -o cache=ttl=60 parity-off
	exec 7< "$VIEW/f"
	answers 0 chmod "$VIEW/free" 640
	answers EPERM chmod "$VIEW/bound" 640
	requests READDIRPLUS ls -l "$VIEW"
	check test "$N" -ge 1
	answers 0 chmod "$VIEW/free" 600
	answers EPERM chmod "$VIEW/bound" 600
	no_data_requests cat <&7
	exec 7<&-
	# Nor does a listing that comes first say less, or more, than LOOKUP would.
	unview
	filtered_view -o cache=ttl=60 parity-off
	ls -l "$VIEW" > /dev/null
	answers 0 chmod "$VIEW/free" 644
	answers EPERM chmod "$VIEW/bound" 644
}

# bpf_test_revalidate_handle_backing_fd: behind the name there is another file now.
each_revalidate() {
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

# flock_test: with those who lock below.
each_flock() {
	lower ext4
	touch "$LOWER/f"
	filtered_view -o cache=none,locks=lower pass
	holder view lock "$VIEW/f" flock ex
	equal "$SAID" held
	equal "$(act lock "$LOWER/f" flock ex < /dev/null)" EAGAIN "below"
	release view
	holder below lock "$LOWER/f" flock ex
	equal "$(act lock "$VIEW/f" flock ex < /dev/null)" EAGAIN "in the view"
	release below
	check test "$(ran runs pass pre/setlk)" -ge 2
}

# bpf_test_create_and_remove_bpf, bpf_test_mkdir_and_remove_bpf. What is looked up anew is judged anew.
each_taken_off() {
	lower ext4
	mkdir "$LOWER/old"
	touch "$LOWER/f" "$LOWER/old/f"
	filtered_view -o cache=ttl=60 parity-off
	answers EPERM chmod "$VIEW/f" 600
	answers EPERM chmod "$VIEW/old" 700
	: > "$VIEW/new"
	answers 0 chmod "$VIEW/new" 600
	check mkdir "$VIEW/newdir"
	# What is made in a directory that is free of it is free, too.
	: > "$VIEW/newdir/f"
	answers 0 chmod "$VIEW/newdir/f" 600
	check mkfifo "$VIEW/fifo"
	answers 0 chmod "$VIEW/fifo" 600
	# What is found has it of its directory.
	answers EPERM chmod "$VIEW/old/f" 600
	touch "$LOWER/newdir/below"
	answers 0 chmod "$VIEW/newdir/below" 600
	# The kernel looks a directory up again after its mode was changed: so this comes last.
	answers 0 chmod "$VIEW/newdir" 700
}

# bpf_test_readahead
each_readahead() {
	local spec
	lower ext4
	pattern 300000 > "$LOWER/f"
	for spec in pass data-log; do
		filtered_view $spec
		says '0|16 '"$(head -c 16 "$LOWER/f")" r "$VIEW/f" 'advise 0 300000' 'pread 0 16'
		check cmp "$VIEW/f" "$LOWER/f"
		unview
	done
}

# splice_test
each_splice() {
	local spec
	lower ext4
	for spec in pass data-log; do
		echo 0123456789 > "$LOWER/f"
		filtered_view $spec
		says '5 23456|4|5 23abc' rw "$VIEW/f" 'splice 2 5' 'fill-by-splice 4 abcd' 'splice 2 5'
		equal "$(cat "$LOWER/f")" 0123abcd89
		unview
	done
}

# bpf_test_follow_mounts
each_follow_mounts() {
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

# copy_file_range_test: between files that a filter sees the data of and others, in all four ways.
each_copy_file_range() {
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
	# Copies are the filter's to see: below they are as it stores them, or as it shows them.
	check cmp "$LOWER/plain/copy-of-served" <(printf %s "$text")
	check not cmp -s "$LOWER/served/copy-of-plain" <(printf %s "$text")
	check cmp "$LOWER/served/copy-of-plain" "$LOWER/served/copy-of-served"
}

# bpf_test_concurrent_create_excl
each_concurrent_create_excl() {
	local i pids=()
	lower ext4
	filtered_view pass
	for i in $(seq 20); do
		"$TOOLS/act" try create "$VIEW/f" > "$T/said$i" 9>&- &
		pids+=($!)
	done
	wait "${pids[@]}"
	equal "$(cat "$T"/said* | sort | uniq -c | tr -s ' \n' ' ')" ' 1 0 19 EEXIST '
}

# bpf_test_stack_depth_limit: a view of a view is one that works.
each_stacked() {
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
