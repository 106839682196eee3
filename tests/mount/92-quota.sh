# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# quota counts the files and bytes that exist; sizes that a caller passed, or that a file once had,
# do not count.

LIMIT[random_operations_match_the_model]=120
LIMIT[long_random_operations_match_the_model]=1500

# Mounts a BPF file system for the pinned maps, which usage() reads. Filters in the process have no
# pinned maps; BYTES is then the limit for all users together, or empty.
quota_view() { # SPEC
	need_filters
	[ -n "$LOWER" ] || lower ext4
	chmod 777 "$LOWER"
	if [ "$MODE" = process ]; then
		BYTES=
		[[ $1 =~ ^bytes=([^,]*) && $1 != *per=uid* ]] &&
			BYTES=$(numfmt --from=iec "${BASH_REMATCH[1]}")
		filtered_view "quota,$1"
		return
	fi
	mkdir -p "$T/bpf"
	mountpoint -q "$T/bpf" || mount -t bpf bpf "$T/bpf" || skip "no BPF file system here"
	filtered_view "quota,pin=$T/bpf/quota,$1"
}

usage_lines() { "$TOOLS/quota" usage "$T/bpf/quota"; }
usage() { usage_lines | tr '\n' ' '; }

# In the process, a case sees only the room that is left for bytes. dd(1) in room() writes whole
# blocks of 4096 bytes.
counted() { # "UID BYTES FILES nameless N" WHAT
	local bytes=${1#* } left
	if [ "$MODE" = process ]; then
		[ -n "$BYTES" ] || return 0
		left=$(((BYTES - ${bytes%% *}) / 4096 * 4096))
		within 5 eval "[ \"\$(room)\" = $left ]" ||
			fail "$2: there is room for $(room) bytes, should be $left"
		return
	fi
	within 5 eval "[ \"\$(usage)\" = '$1 ' ]" ||
		fail "$2: counted is '$(usage)', should be '$1 '"
}

# Prints how many bytes can be written to a new file before EDQUOT.
room() {
	local n
	n=$(head -c 20000000 /dev/zero | dd of="$VIEW/room" bs=4096 iflag=fullblock 2>&1 |
		awk '/ copied/ { print $1 }')
	rm -f "$VIEW/room"
	echo "$n"
}

# The view ends before it serves requests. Its root is then forgotten, for which quota has a
# program.
once_mount_refused_after_quota_ends_cleanly() {
	need_filters
	lower ext4
	mkdir -p "$T/bpf" "$T/mnt"
	mount -t bpf bpf "$T/bpf" || skip "no BPF file system here"
	refused 'nosuch' timeout 20 "$PENSTOCK" mount --filter "quota,bytes=1M,pin=$T/bpf/quota" \
		--filter "hide,names=x,at=/nosuch" "$LOWER" "$T/mnt"
	refused 'nosuch' timeout 20 "$PENSTOCK" mount --filter "quota,bytes=1M,pin=$T/bpf/quota" \
		--filter nosuch "$LOWER" "$T/mnt"
}

each_file_without_name_counts_until_closed() {
	quota_view bytes=1M,files=10
	python3 -c 'import errno, os, sys
os.chdir(sys.argv[1])
def fill(fd):
    n = 0
    try:
        while True: n += os.write(fd, b"x" * 65536)
    except OSError as e:
        assert e.errno == errno.EDQUOT, e
    return n
unlinked = os.open("u", os.O_CREAT | os.O_RDWR)
os.unlink("u")
assert fill(unlinked) == 1 << 20, "unlinked"
made = os.open(".", os.O_TMPFILE | os.O_RDWR)
assert fill(made) == 0, "made without a name"
# A descriptor of O_PATH holds the file, so the file still counts.
path = os.open("/proc/self/fd/%d" % unlinked, os.O_PATH)
os.close(unlinked)
assert fill(made) == 0, "held by O_PATH"
os.close(path)
import time
for i in range(500):
    if fill(made): break
    time.sleep(0.01)
assert os.fstat(made).st_size == 1 << 20, "closed"
os.link("/proc/self/fd/%d" % made, "named", src_dir_fd=made)' "$VIEW" ||
		fail "a file without a name"
	counted '0 1048576 1 nameless 0' "a file that got a name"
	rm "$VIEW/named"
	counted '0 0 0 nameless 0' "removed"
}

# Files that are created without a name and closed do not count.
each_made_and_closed_files_do_not_count() {
	quota_view files=3
	python3 -c 'import errno, os, sys, time
for i in range(30):
    for wait in range(500):
        try:
            os.close(os.open(sys.argv[1], os.O_TMPFILE | os.O_RDWR))
            break
        except OSError as e:
            assert e.errno == errno.EDQUOT, e
            time.sleep(0.01)
    else: sys.exit("there was no room for file %d" % i)' "$VIEW" || fail "files without a name"
	counted '0 0 0 nameless 0' "closed"
	mkdir "$VIEW/a" "$VIEW/b"
	ln -s x "$VIEW/c"
	refused 'quota' mkfifo "$VIEW/d"
	rmdir "$VIEW/a"
	within 5 mkfifo "$VIEW/d" 2> /dev/null || fail "no room after rmdir"
	counted '0 0 3 nameless 0' "three files"
}

each_sizes_that_overflow_are_refused() {
	lower tmpfs
	quota_view bytes=1M
	: > "$VIEW/f"
	refused 'quota' truncate -s 9223372036854775807 "$VIEW/f"
	refused 'quota' truncate -s 2M "$VIEW/f"
	refused 'quota' fallocate -l 2M "$VIEW/f"
	refused 'quota' fallocate -n -l 2M "$VIEW/f"
	refused 'unsupported|not supported' fallocate -n -l 4K "$VIEW/f"
	equal "$(stat -c %b "$LOWER/f")" 0 "blocks behind the end"
	counted '0 0 1 nameless 0' "what was refused"
	equal "$(room)" 1048576 "room"
}

# Several opens with O_TRUNC at the same time free the bytes of the file once.
each_truncations_at_once_count_once() {
	quota_view bytes=1M
	python3 -c 'import os, sys, threading
path = sys.argv[1] + "/f"
fd = os.open(path, os.O_CREAT | os.O_WRONLY)
barrier = threading.Barrier(5)
def cut():
    for i in range(100):
        barrier.wait()
        os.close(os.open(path, os.O_WRONLY | os.O_TRUNC))
        barrier.wait()
threads = [threading.Thread(target=cut) for i in range(4)]
for t in threads: t.start()
for i in range(100):
    os.pwrite(fd, b"x" * 100000, 0)
    barrier.wait()
    barrier.wait()
for t in threads: t.join()' "$VIEW" || fail "truncating"
	rm "$VIEW/f"
	counted '0 0 0 nameless 0' "removed"
	equal "$(room)" 1048576 "room"
}

# Removing files from before the mount frees at most what was added since.
each_usage_never_falls_below_zero() {
	lower ext4
	head -c 3000000 /dev/zero > "$LOWER/old"
	quota_view bytes=1M,files=5
	rm "$VIEW/old"
	counted '0 0 0 nameless 0' "after an old file was removed"
	equal "$(room)" 1048576 "room"
}

each_owners_have_limits_of_their_own() {
	quota_view bytes=1M,files=2,per=uid
	check as 1000 dd if=/dev/zero of="$VIEW/a" bs=1M count=1 status=none
	refused 'quota' as 1000 dd if=/dev/zero of="$VIEW/b" bs=1 count=1 status=none
	check as 1001 dd if=/dev/zero of="$VIEW/c" bs=1M count=1 status=none
	refused 'quota' chown 1001 "$VIEW/a"
	check truncate -s 0 "$VIEW/c"
	check chown 1001 "$VIEW/a"
	refused 'quota' as 1001 touch "$VIEW/d"
	check as 1000 dd if=/dev/zero of="$VIEW/e" bs=512K count=1 status=none
	[ "$MODE" = process ] ||
		equal "$(usage_lines | sort | tr '\n' ' ')" \
			'1000 524288 2 1001 1048576 2 nameless 0 ' "usage"
}

# Stores into a mapping do not grow the file, so they need no free bytes.
each_shared_mappings_work_and_do_not_grow_files() {
	quota_view bytes=100000
	head -c 50000 /dev/zero > "$VIEW/f"
	python3 -c 'import mmap, os, sys
fd = os.open(sys.argv[1], os.O_RDWR)
try:
    m = mmap.mmap(fd, 50000)
except OSError as e:
    sys.exit(3 if e.errno == 19 else 1)
m[:] = b"x" * 50000
m.flush()' "$VIEW/f"
	case $? in
	0) ;;
	3) skip "this kernel has no shared mappings of files without a page cache" ;;
	*) fail "mapping" ;;
	esac
	equal "$(tr -d x < "$LOWER/f" | wc -c)" 0 "bytes that were not stored"
	counted '0 50000 1 nameless 0' "after stores"
}

# ---- pin= ---------------------------------------------------------------------------------------

# Kills the daemon of view NUMBER and unmounts the view.
die() { # NUMBER
	kill -KILL "${VIEW_PIDS[$1]}"
	within 5 eval '! kill -0 ${VIEW_PIDS['"$1"']} 2> /dev/null' ||
		fail "the daemon cannot be killed"
	umount -l "${VIEW_DIRS[$1]}"
	unset "VIEW_DIRS[$1]"
	rm -f /run/penstock/*
}

each_counting_goes_on_from_mount_to_mount() {
	quota_view bytes=1M,files=9
	head -c 300000 /dev/zero > "$VIEW/a"
	unview
	quota_view bytes=1M,files=9
	counted '0 300000 1 nameless 0' "after an unmount"
	rm "$VIEW/a"
	counted '0 0 0 nameless 0' "a file of before was removed"
	head -c 300000 /dev/zero > "$VIEW/a"
	# Unlinked open files, which end with the daemon.
	exec 7> "$VIEW/u"
	rm "$VIEW/u"
	head -c 100000 /dev/zero >&7
	head -c 200000 /dev/zero > "$VIEW/b"
	counted '0 600000 3 nameless 1' "with a file without a name"
	die 1
	exec 7>&-
	quota_view bytes=2M,files=10
	: > "$VIEW/c"
	counted '0 500000 3 nameless 0' "after the daemon was killed"
	equal "$(room)" 1593344 "room under the new limit"
}

each_limit_changes_and_counting_goes_on() {
	quota_view bytes=1M
	head -c 300000 /dev/zero > "$VIEW/a"
	exec 7> "$VIEW/u"
	rm "$VIEW/u"
	head -c 100000 /dev/zero >&7
	check chain replace quota "quota,bytes=500K,pin=$T/bpf/quota"
	counted '0 400000 2 nameless 1' "after the limit was changed"
	exec 7>&-
	counted '0 300000 1 nameless 0' "a file without a name was closed"
	refused quota dd if=/dev/zero of="$VIEW/b" bs=220000 count=1 status=none
	# A replacement that fails leaves the filter and its maps as they are.
	refused 'no option' chain replace quota "quota,nonsense=1,pin=$T/bpf/quota"
	refused 'another filter' chain replace quota "quota,bytes=1M,per=uid,pin=$T/bpf/quota"
	rm "$VIEW/b"
	counted '0 300000 1 nameless 0' "after replacing was refused"
	refused 'already in use' chain add "quota,bytes=1M,name=two,pin=$T/bpf/quota"
	# Removing the filter removes its pinned maps.
	check chain remove quota
	check test ! -e "$T/bpf/quota"
	check chain add "quota,bytes=1M,pin=$T/bpf/quota"
	check test -z "$(usage_lines | grep -v nameless)"
}

once_pin_that_does_not_fit_is_refused() {
	quota_view bytes=1M
	head -c 300000 /dev/zero > "$VIEW/a"
	unview
	mkdir "$T/other"
	refused "pin=.*another filter.*per=tree.*per=uid.*rm -r $T/bpf/quota" \
		"$PENSTOCK" mount --filter "quota,bytes=1M,per=uid,pin=$T/bpf/quota" "$LOWER" \
			"$T/other"
	refused "pin=.*another filter" "$PENSTOCK" mount --filter "counter,pin=$T/bpf/quota" \
		"$LOWER" "$T/other"
	rm "$T/bpf/quota/quota_nameless" "$T/bpf/quota/pst_filter"
	refused 'not left by a filter.*rm -r' \
		"$PENSTOCK" mount --filter "quota,bytes=1M,pin=$T/bpf/quota" "$LOWER" "$T/other"
	rm -r "$T/bpf/quota"
	quota_view bytes=1M
	counted 'nameless 0' "with nothing pinned"
	# A filter that fails to load has pinned no maps.
	refused 'at=nowhere' chain add "quota,bytes=1M,name=two,at=nowhere,pin=$T/bpf/two"
	check test ! -e "$T/bpf/two"
	refused 'already in use' "$PENSTOCK" mount --filter "quota,bytes=1M,pin=$T/bpf/quota" \
		"$LOWER" "$T/other"
}

# Processes do random operations; the usage of the maps equals that of the files. In the process of
# the view, the files stay within the limits, and all room is free in the end.
model() { # SEED PHASES PROCESSES [uid]
	local said maps=$T/bpf/quota
	[ "$MODE" = process ] && maps=none
	said=$("$TOOLS/quota" model "$VIEW" "$maps" "$1" "$3" "$2" 1000000 16 ${4:-}) ||
		fail "seed $1: $said"
	rm -rf "${VIEW:?}"/*
	if [ $maps = none ]; then
		BYTES=1000000 counted '0 0 0 nameless 0' "all is removed"
	else
		within 5 eval '! usage_lines | grep -v " 0 0$" | grep -v "nameless 0"' ||
			fail "all is removed, and counted is '$(usage)'"
	fi
	equal "$(ran bad quota)" 0 "runs that failed"
}

each_random_operations_match_the_model() {
	local seed=$RANDOM
	quota_view bytes=1000000,files=16
	model "$seed" 6 4
	unview
	rm -rf "$T/bpf/quota"
	quota_view bytes=1000000,files=16,per=uid
	model "$seed" 6 4 uid
}

slow_long_random_operations_match_the_model() {
	local type
	for type in ext4 xfs btrfs tmpfs; do
		lower $type 400
		rm -rf "$T/bpf/quota"
		quota_view bytes=1000000,files=16,per=uid
		model "$RANDOM" 200 8 uid
		unview
		rm -r "$T/bpf/quota"
		quota_view bytes=1000000,files=16
		model "$RANDOM" 200 8
		unview
	done
}
