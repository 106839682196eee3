# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# LOWER among mounts: file systems mounted inside it, and LOWER itself unmounted, covered or moved.

with_submounts() { # OPTIONS
	lower ext4
	mkdir -p "$LOWER/a/sub" "$LOWER/b"
	echo covered > "$LOWER/a/sub/f"
	echo plain > "$LOWER/b/f"
	mount -t tmpfs -o mode=755 sub "$LOWER/a/sub"
	echo inside > "$LOWER/a/sub/f"
	mkdir "$LOWER/a/sub/deeper"
	mount -t tmpfs -o mode=755 deeper "$LOWER/a/sub/deeper"
	echo deepest > "$LOWER/a/sub/deeper/f"
	view -o "cache=none,$1"
}

each_cross_shows_mounts_below() {
	with_submounts xdev=cross
	equal "$(cat "$VIEW/a/sub/f")" inside
	equal "$(cat "$VIEW/a/sub/deeper/f")" deepest
	equal "$(cat "$VIEW/b/f")" plain
	# No two files have the same device and inode number. Within a file system inode numbers
	# keep their order.
	equal "$(find "$VIEW" -printf '%D %i\n' | sort | uniq -d | wc -l)" 0 "numbers used twice"
	equal "$(stat -c %i "$VIEW/a")" "$(stat -c %i "$LOWER/a")" "st_ino on LOWER's own device"
	equal $(($(stat -c %i "$VIEW/a/sub") & 0xffffffffffff)) \
		"$(stat -c %i "$LOWER/a/sub")" "st_ino"
	echo more >> "$VIEW/a/sub/f"
	equal "$(wc -l < "$LOWER/a/sub/f")" 2 lines
	mkdir "$VIEW/a/sub/new"
	check test -d "$LOWER/a/sub/new"
	equal "$(act try rename "$VIEW/b/f" "$VIEW/a/sub/g")" EXDEV
	equal "$(act try link "$VIEW/b/f" "$VIEW/a/sub/g")" EXDEV
	equal "$(find "$VIEW" -name f | wc -l)" 3 "files that find sees"
	same
}

# Inode numbers of two file systems may be equal; the view must not take these two inodes for one
# file.
each_equal_numbers_of_two_mounts_are_two_files() {
	lower ext4
	mkdir "$LOWER/one" "$LOWER/two"
	mount -t tmpfs -o mode=755 one "$LOWER/one"
	mount -t tmpfs -o mode=755 two "$LOWER/two"
	local i
	for i in 1 2 3 4 5 6 7 8; do
		echo "one $i" > "$LOWER/one/f$i"
		echo "two $i" > "$LOWER/two/f$i"
	done
	equal "$(stat -c %i "$LOWER/one/f3")" "$(stat -c %i "$LOWER/two/f3")" "the premise"
	view -o cache=none
	for i in 1 2 3 4 5 6 7 8; do
		equal "$(cat "$VIEW/one/f$i")" "one $i"
		equal "$(cat "$VIEW/two/f$i")" "two $i"
	done
	same
}

# LOWER is mounted a second time inside itself.
each_bind_mount_inside_lower_is_shown() {
	lower ext4
	mkdir "$LOWER/d" "$LOWER/again"
	echo text > "$LOWER/d/f"
	mount --bind "$LOWER/d" "$LOWER/again"
	view -o cache=none
	equal "$(cat "$VIEW/again/f")" text
	echo more >> "$VIEW/again/f"
	equal "$(wc -l < "$VIEW/d/f")" 2 lines
	equal "$(act try rename "$VIEW/again/f" "$VIEW/d/g")" EXDEV
	same -x
}

# A bind mount shows the same directory twice. A change through one path is visible through the
# other path at once, when the view has looked the file up by both.
each_file_reached_by_two_mounts_is_right_by_both() {
	local mode way
	lower ext4
	mkdir "$LOWER/d" "$LOWER/again"
	echo text > "$LOWER/d/f"
	mount --bind "$LOWER/d" "$LOWER/again"
	for mode in auto ttl=60 exclusive; do
		view -o "cache=$mode"
		for way in d again; do ls -l "$VIEW/$way" "$VIEW/$way/new" > /dev/null 2>&1; done
		sleep 0.3
		chmod 604 "$VIEW/d/f"
		equal "$(stat -c %a "$VIEW/again/f")" 604 "$mode"
		echo more >> "$VIEW/again/f"
		equal "$(stat -c %s "$VIEW/d/f")" "$(stat -c %s "$LOWER/d/f")" "$mode"
		equal "$(cat "$VIEW/d/f")" "$(cat "$LOWER/d/f")" "$mode"
		echo new > "$VIEW/again/new"
		check test -e "$VIEW/d/new"
		equal "$(ls "$VIEW/d")" "f
new"
		rm "$VIEW/d/new"
		check test ! -e "$VIEW/again/new"
		chmod 644 "$LOWER/d/f"
		equal "$(stat -c %a "$VIEW/d/f" "$VIEW/again/f")" "644
644"
		unview
	done
}

each_hide_shows_what_mounts_cover() {
	with_submounts xdev=hide
	equal "$(cat "$VIEW/a/sub/f")" covered
	check test ! -e "$VIEW/a/sub/deeper"
	equal "$(stat -c %d "$VIEW/a/sub")" "$(stat -c %d "$VIEW")" st_dev
	equal "$(find "$VIEW" -name f | wc -l)" 2 "files that find sees"
	echo more >> "$VIEW/a/sub/f"
	umount -R "$LOWER/a/sub"
	equal "$(wc -l < "$LOWER/a/sub/f")" 2 lines
}

# A file is mounted over another file.
each_file_mounted_over_file_is_shown() {
	lower ext4
	echo below > "$LOWER/f"
	mkdir "$T/elsewhere"
	echo above > "$T/elsewhere/f"
	mount --bind "$T/elsewhere/f" "$LOWER/f"
	view -o cache=none
	equal "$(cat "$VIEW/f")" above
}

each_view_outlives_the_mount_of_lower() {
	lower ext4
	mkdir "$LOWER/d"
	echo text > "$LOWER/d/f"
	view -o cache=none
	umount -l "$FS"
	check test ! -e "$LOWER"
	equal "$(cat "$VIEW/d/f")" text
	echo more >> "$VIEW/d/f"
	equal "$(wc -l < "$VIEW/d/f")" 2 lines
	mkdir "$VIEW/e"
	mv "$VIEW/d/f" "$VIEW/e/f"
	drop_caches_of_view
	equal "$(wc -l < "$VIEW/e/f")" 2 lines
}

drop_caches_of_view() { drop_machine_caches 2; }

each_mount_over_lower_does_not_cover_view() {
	lower ext4
	echo text > "$LOWER/f"
	view -o cache=none
	mount -t tmpfs none "$LOWER"
	echo cover > "$LOWER/f"
	equal "$(cat "$VIEW/f")" text
	echo more >> "$VIEW/f"
	umount "$LOWER"
	equal "$(wc -l < "$LOWER/f")" 2 lines
}

# The root of LOWER is moved and removed in the lower file system.
each_view_follows_moved_lower() {
	lower ext4
	echo text > "$LOWER/f"
	view -o cache=none
	mv "$LOWER" "$FS/elsewhere"
	echo more >> "$VIEW/f"
	equal "$(wc -l < "$FS/elsewhere/f")" 2 lines
	mkdir "$LOWER"
	check test -e "$VIEW/f"
}

each_inode_numbers_are_those_below() {
	lower ext4
	mkdir "$LOWER/d"
	: > "$LOWER/d/a"
	: > "$LOWER/b"
	view -o cache=none
	local f
	for f in . d d/a b; do
		equal "$(stat -c %i "$VIEW/$f")" "$(stat -c %i "$LOWER/$f")" "st_ino of $f"
	done
	equal "$(ls -i "$VIEW" | sort)" "$(ls -i "$LOWER" | sort)" "d_ino"
	drop_caches
	equal "$(stat -c %i "$VIEW/d/a")" "$(stat -c %i "$LOWER/d/a")" "st_ino after forgetting"
}
