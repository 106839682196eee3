# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# When the lower file system fails, the caller gets the same error, and no operation is half done.

each_full_disk_fails_with_enospc() {
	lower ext4 32
	echo precious > "$LOWER/f"
	view -o cache=none
	check not dd if=/dev/zero of="$VIEW/big" bs=1M 2> "$T/said"
	check grep -q 'No space left' "$T/said"
	sync -f "$FS"
	same
	# A new name sometimes needs a new block; without one the caller gets ENOSPC.
	local i last=0
	mkdir "$VIEW/d"
	for i in $(seq 20000); do
		last=$(act try symlink \
			"$VIEW/d/a-name-that-is-long-enough-to-fill-a-block-soon-$i" \
			"$(printf '%0200d' 0)")
		[ "$last" = 0 ] || break
	done
	equal "$last" ENOSPC "the last answer"
	same
	rm "$VIEW/big"
	equal "$(cat "$VIEW/f")" precious
	check cp "$VIEW/f" "$VIEW/g"
	same
}

# The device of the lower file system becomes shorter than the file system.
each_device_error_fails_with_eio() {
	alone
	FS=$T/fs0 LOWER=$T/fs0/lower
	LOG_MAY='Input/output error'
	mkdir "$FS"
	truncate -s 64M "$T/fs.img"
	mkfs.ext4 -q -F "$T/fs.img" && mount -o loop "$T/fs.img" "$FS" || fail mkfs
	mkdir "$LOWER"
	head -c 20000000 /dev/urandom > "$LOWER/f"
	sync -f "$FS"
	mount -o remount,ro "$FS"
	view -o cache=none
	drop_machine_caches 3
	truncate -s 9M "$T/fs.img"
	check not cat "$LOWER/f" > /dev/null 2> "$T/below"
	check not cat "$VIEW/f" > /dev/null 2> "$T/said"
	check grep -q 'Input/output error' "$T/said"
	check test -n "$(ls -A "$VIEW")"
}

each_read_only_lower_fails_with_erofs() {
	lower ext4
	echo text > "$LOWER/f"
	view -o cache=none
	echo more >> "$VIEW/f"
	mount -o remount,ro "$FS" || skip "cannot be made read-only while the view is there"
	equal "$(act try create "$VIEW/new")" EROFS
	equal "$(act try write "$VIEW/f")" EROFS
	equal "$(act try chmod "$VIEW/f" 600)" EROFS
	equal "$(wc -l < "$VIEW/f")" 2 lines
	mount -o remount,rw "$FS"
	echo again >> "$VIEW/f"
	same
}

# RLIMIT_FSIZE of the caller applies, although the daemon writes.
each_file_size_limit_of_the_caller_applies() {
	lower ext4
	chmod 777 "$LOWER"
	view
	local status
	( ulimit -f 100; trap '' XFSZ; head -c 1000000 /dev/zero > "$VIEW/f" ) 2> "$T/said"
	status=$?
	check test $status != 0
	equal "$(stat -c %s "$LOWER/f")" 102400 "size"
}
