# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# Operations that the kernel does not pass on to a FUSE file system, so that a view differs from the
# lower tree.

tried() { # STEP [as UID]
	local python=/usr/bin/python3
	[ -x $python ] || skip "no python3"
	cp "$TESTS/tools/not-as-below.py" "$T"
	check "${@:2}" timeout 30 $python "$T/not-as-below.py" "$1" "$VIEW" "$LOWER"
}

each_clones_are_refused_and_copies_share_blocks() {
	real || skip "below they are not"
	lower btrfs 300
	view
	tried clones
}

once_views_have_no_file_system_id() {
	real || skip "below there is one"
	lower ext4
	view
	tried identity
}

# The kernel's FUSE takes a write for one without readable memory, if the part that can be read has
# no page in the page tables at that moment: because nobody has touched the memory, or because the
# kernel moves the page. Linux 6.12 and later; older kernels always do.
each_served_write_from_half_readable_memory_fails() {
	real || skip "below it writes the readable part"
	! passing || skip "data that is passed through is written as below"
	lower ext4
	view
	tried memory
}

once_sockets_and_pipes_end_at_the_view() {
	real || skip "below they do not"
	lower ext4
	view
	tried across
}

# FITRIM needs the privilege that it needs on the lower file system.
each_trim_needs_the_right_to_it() {
	lower ext4
	chmod 755 "$LOWER"
	view
	tried trim
	tried trim as 1234
}

# chattr(1) and lsattr(1) work; statx(2) does not return their flags. A swap file needs the blocks
# of a disk, so swapon(8) fails.
once_statx_has_no_inode_flags_and_swap_is_refused() {
	real || skip "below there are both"
	lower ext4
	touch "$LOWER/immutable"
	dd if=/dev/zero of="$LOWER/swap" bs=1M count=4 2> /dev/null
	chmod 600 "$LOWER/swap"
	mkswap -q "$LOWER/swap"
	view
	chattr +i "$LOWER/immutable"
	tried attributes
	chattr -i "$LOWER/immutable"
	refused 'Invalid argument' swapon "$VIEW/swap"
}

# The kernel writes with the credentials with which the file was registered, by the first of the
# opens that overlap.
each_set_id_bits_of_an_open_file_go_with_a_write_by_root() {
	real || skip "below they stay"
	passing || skip "served data is written as below"
	lower ext4
	echo text > "$LOWER/f"
	chmod 755 "$LOWER/f"
	view
	exec 7<> "$VIEW/f"
	chmod u+s "$VIEW/f"
	echo text >> "$VIEW/f"
	equal "$(stat -c %a "$LOWER/f")" 755 "mode while the file was open before"
	exec 7<&-
	# The file is registered anew once RELEASE has arrived, soon after close(2).
	within 10 write_keeps_bits "$VIEW/f" || fail "a write by root clears bits for ever"
}

write_keeps_bits() {
	chmod 4755 "$1"
	echo text >> "$1"
	[ "$(stat -c %a "$LOWER/f")" = 4755 ]
}
