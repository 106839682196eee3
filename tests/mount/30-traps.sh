# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# Mistakes of other FUSE file systems, each with a number of requests or a result that shows it.

# The kernel must not ask for security.capability before every write.
each_writes_do_not_read_capabilities_each_time() {
	real || skip "there is no daemon to ask"
	lower ext4
	chmod 777 "$LOWER"
	view -o cache=ttl=10
	requests GETXATTR act write 1000 100 "$VIEW/f"
	check test "$N" -le 2
	chmod 666 "$VIEW/f"
	requests GETXATTR as 1000 "$TOOLS/act" write 1000 100 "$VIEW/f"
	check test "$N" -le 3
	requests SETATTR as 1000 "$TOOLS/act" write 1000 100 "$VIEW/f"
	check test "$N" -le 2
}

# A user cannot use blocks that the lower file system reserves for root, although a daemon with
# root's user ID writes them.
each_users_cannot_use_reserved_blocks() {
	local native
	FS=$T/fs0 LOWER=$T/fs0/lower
	mkdir "$FS"
	truncate -s 64M "$T/fs.img"
	mkfs.ext4 -q -F -m 30 "$T/fs.img" && mount -o loop "$T/fs.img" "$FS" || fail "mkfs"
	mkdir -m 777 "$LOWER"
	as 1000 dd if=/dev/zero of="$LOWER/f" bs=64k status=none 2> /dev/null
	native=$(stat -c %s "$LOWER/f")
	rm "$LOWER/f"
	sync -f "$FS"
	view
	as 1000 dd if=/dev/zero of="$VIEW/f" bs=64k status=none 2> "$T/said"
	check grep -q 'No space left' "$T/said"
	sync -f "$FS"
	local got
	got=$(stat -c %s "$LOWER/f")
	echo "natively $native, in the view $got"
	check test "$got" -le $((native + 1048576)) -a "$got" -ge $((native - 1048576))
}

each_disk_quota_of_the_caller_applies() {
	command -v setquota > /dev/null || skip "the quota tools are not installed"
	FS=$T/fs0 LOWER=$T/fs0/lower
	mkdir "$FS"
	truncate -s 128M "$T/fs.img"
	mkfs.ext4 -q -F -O quota "$T/fs.img" &&
		mount -o loop,usrquota "$T/fs.img" "$FS" 2> /dev/null ||
		skip "no quota on ext4 here"
	setquota -u 1000 0 4096 0 20 "$FS" 2> /dev/null || skip "no quota on ext4 here"
	mkdir -m 777 "$LOWER"
	as 1000 dd if=/dev/zero of="$LOWER/probe" bs=64k count=100 status=none 2> /dev/null &&
		skip "the kernel does not hold to quotas"
	rm "$LOWER/probe"
	view
	as 1000 dd if=/dev/zero of="$VIEW/f" bs=64k count=200 status=none 2> "$T/said"
	grep -q 'quota exceeded' "$T/said" || fail "instead of EDQUOT: $(cat "$T/said")"
	check test "$(stat -c %s "$LOWER/f")" -le 4300000
	# The quota also limits the number of files.
	local i
	for i in $(seq 30); do as 1000 touch "$VIEW/n$i" 2> /dev/null; done
	check test "$(ls "$LOWER" | wc -l)" -le 20
	# Blocks that another user writes into the file count for its owner: root may write beyond
	# the quota, a user may not.
	chmod 666 "$LOWER/f"
	check not as 1001 dd if=/dev/zero of="$VIEW/f" bs=64k count=200 status=none oflag=append \
		conv=notrunc 2> /dev/null
}

# A file that the kernel cannot pass through, because its stack of file systems is too deep, does
# not stop passthrough of other files.
each_refused_passthrough_affects_no_other_file() {
	lower ext4
	mkdir -p "$LOWER/deep" "$T/o1" "$T/o2"
	mount -t tmpfs none "$T/o1" && mkdir "$T/o1"/{l,u,w,m}
	mount -t tmpfs none "$T/o2" && mkdir "$T/o2"/{u,w}
	mount -t overlay -o "lowerdir=$T/o1/l,upperdir=$T/o1/u,workdir=$T/o1/w" none "$T/o1/m" ||
		fail ovl
	echo one > "$T/o1/m/f"
	mount -t overlay -o "lowerdir=$T/o1/m,upperdir=$T/o2/u,workdir=$T/o2/w" none \
		"$LOWER/deep" ||
		skip "no overlay on overlay"
	echo plain > "$LOWER/f"
	view -o cache=none,xdev=cross
	equal "$(cat "$VIEW/deep/f")" one
	echo more >> "$VIEW/deep/f"
	equal "$(wc -l < "$LOWER/deep/f")" 2 lines
	if passing; then
		check test "$(info refused)" -ge 1
		info_before=$(info registered)
	fi
	no_data_requests append_and_read
	if passing; then
		check test "$(info registered)" -gt "$info_before"
	fi
	same
}

append_and_read() {
	echo more >> "$VIEW/f"
	[ "$(wc -l < "$VIEW/f")" = 2 ]
}

# Files of two lower file systems in one view pass through, each by its own rules.
each_files_of_several_file_systems_pass_through() {
	lower ext4
	mkdir "$LOWER/tmpfs" "$LOWER/xfs"
	mount -t tmpfs none "$LOWER/tmpfs"
	truncate -s 300M "$T/x.img"
	mkfs.xfs -q "$T/x.img" 2> /dev/null && mount -o loop "$T/x.img" "$LOWER/xfs" ||
		skip "no xfs"
	view -o cache=none
	no_data_requests work_on_all
	same
}

work_on_all() {
	local d
	for d in . tmpfs xfs; do
		act write 100 1000 "$VIEW/$d/f" || return 1
		cat "$VIEW/$d/f" > /dev/null
		dd if="$VIEW/$d/f" of="$VIEW/$d/g" bs=4096 oflag=direct status=none \
			conv=fsync 2> /dev/null ||
			cp "$VIEW/$d/f" "$VIEW/$d/g"
	done
}

# Eight processes open one file in all modes at the same time, over and over.
each_racing_opens_in_all_modes_succeed() {
	lower ext4
	head -c 100000 /dev/zero > "$LOWER/f"
	view
	local i
	for i in 1 2 3 4 5 6 7 8; do
		( for _ in $(seq 60); do
			case $((RANDOM % 5)) in
			0) head -c 10 "$VIEW/f" > /dev/null ;;
			1) printf x >> "$VIEW/f" ;;
			2) dd if="$VIEW/f" of=/dev/null bs=4096 count=1 iflag=direct status=none ;;
			3) printf y 1<> "$VIEW/f" ;;
			4) act try read "$VIEW/f" > /dev/null ;;
			esac || { echo "process $i failed" >> "$T/failed"; exit 1; }
		done ) &
		pids[i]=$!
	done
	for i in 1 2 3 4 5 6 7 8; do wait "${pids[i]}"; done
	check test ! -e "$T/failed"
	same
}

# The daemon does not keep all capabilities.
once_daemon_drops_capabilities() {
	real || skip "there is no daemon"
	lower ext4
	view
	local effective
	effective=$(sed -n 's/^CapEff:\t//p' "/proc/${VIEW_PIDS[0]}/status")
	echo "effective capabilities: $effective"
	check test "$effective" != 000001ffffffffff
}

