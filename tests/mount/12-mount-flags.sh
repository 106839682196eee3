# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# Flags of the mount hold for the view as for any mount, and for data that is passed through, too.

old_times() { # FILE...: both times long ago, so that relatime has a reason
	touch -a -d '2001-01-01' "$@"
	touch -m -d '2001-01-02' "$@"
}

atimes() { stat -c %X "$LOWER/f" "$LOWER/d"; }

read_both() {
	cat "$VIEW/f" > /dev/null
	ls "$VIEW/d" > /dev/null
}

# Does reading through the view move the access time of file and directory: "yes yes", "no no"...
moved() { # OPTIONS
	local before after
	lower ext4
	mount -o remount,strictatime "$FS"
	echo text > "$LOWER/f"
	mkdir "$LOWER/d"
	: > "$LOWER/d/x"
	old_times "$LOWER/f" "$LOWER/d"
	view -o "cache=none${1:+,$1}"
	before=$(atimes)
	read_both
	after=$(atimes)
	[ "$(sed -n 1p <<< "$before")" = "$(sed -n 1p <<< "$after")" ] && printf no || printf yes
	[ "$(sed -n 2p <<< "$before")" = "$(sed -n 2p <<< "$after")" ] && printf ' no' || printf ' yes'
	# With the mapped kind of reading as well.
	same
}

each_noatime() { moved noatime > "$T/o"; equal "$(cat "$T/o")" "no no"; }
each_nodiratime() { moved nodiratime > "$T/o"; equal "$(cat "$T/o")" "yes no"; }
each_relatime() { moved relatime > "$T/o"; equal "$(cat "$T/o")" "yes yes"; }
each_strictatime() { moved strictatime > "$T/o"; equal "$(cat "$T/o")" "yes yes"; }
each_no_flag() { moved '' > "$T/o"; equal "$(cat "$T/o")" "yes yes"; }

# relatime: once, then no more until something is written.
each_relatime_twice() {
	lower ext4
	mount -o remount,strictatime "$FS"
	echo text > "$LOWER/f"
	old_times "$LOWER/f"
	view -o cache=none,relatime
	cat "$VIEW/f" > /dev/null
	local once
	once=$(stat -c %x "$LOWER/f")
	sleep 0.05
	cat "$VIEW/f" > /dev/null
	equal "$(stat -c %x "$LOWER/f")" "$once" "the access time"
	echo more >> "$VIEW/f"
	sleep 0.05
	cat "$VIEW/f" > /dev/null
	check test "$(stat -c %x "$LOWER/f")" != "$once"
	same
}

# What the mount below says holds where the view says nothing.
each_lower_noatime() {
	lower ext4
	mount -o remount,noatime "$FS"
	echo text > "$LOWER/f"
	old_times "$LOWER/f"
	view -o cache=none
	local once
	once=$(stat -c %x "$LOWER/f")
	cat "$VIEW/f" > /dev/null
	equal "$(stat -c %x "$LOWER/f")" "$once" "the access time"
}

each_noatime_mapped_and_spliced() {
	lower ext4
	mount -o remount,strictatime "$FS"
	head -c 100000 /dev/zero > "$LOWER/f"
	old_times "$LOWER/f"
	view -o cache=none,noatime
	local once
	once=$(stat -c %x "$LOWER/f")
	act map "$VIEW/f" < /dev/null > /dev/null
	cp "$VIEW/f" "$T/copy"
	dd if="$VIEW/f" of=/dev/null bs=4096 iflag=direct status=none
	equal "$(stat -c %x "$LOWER/f")" "$once" "the access time"
}

each_ro() {
	lower ext4
	echo text > "$LOWER/f"
	mkdir "$LOWER/d"
	view -o ro
	equal "$(cat "$VIEW/f")" text
	local call
	for call in "write $VIEW/f" "create $VIEW/new" "mkdir $VIEW/new" "unlink $VIEW/f" \
		"truncate $VIEW/f 0" "rename $VIEW/f $VIEW/g" "link $VIEW/f $VIEW/g" \
		"symlink $VIEW/g x" "chmod $VIEW/f 600" "setxattr $VIEW/f" "utime $VIEW/f"; do
		# shellcheck disable=SC2086
		equal "$(act try $call)" EROFS "$call"
	done
	equal "$(cat "$LOWER/f")" text
	check test -w "$LOWER/f"
}

# The tree below stays writable for others, and the view shows it.
each_ro_changes_below() {
	lower ext4
	echo text > "$LOWER/f"
	view -o ro,cache=none
	cat "$VIEW/f" > /dev/null
	echo more >> "$LOWER/f"
	equal "$(wc -l < "$VIEW/f")" 2 lines
}

each_lower_is_ro() {
	lower ext4
	echo text > "$LOWER/f"
	mount -o remount,ro "$FS"
	view
	local call
	for call in "write $VIEW/f" "create $VIEW/new" "mkdir $VIEW/new" "unlink $VIEW/f" \
		"truncate $VIEW/f 0" "rename $VIEW/f $VIEW/g" "link $VIEW/f $VIEW/g" \
		"symlink $VIEW/g x" "chmod $VIEW/f 600" "setxattr $VIEW/f" "utime $VIEW/f"; do
		# shellcheck disable=SC2086
		equal "$(act try $call)" EROFS "$call"
	done
	equal "$(cat "$VIEW/f")" text
	same
}

each_noexec() {
	lower ext4
	cp /bin/true "$LOWER/true"
	printf '#!/bin/sh\n' > "$LOWER/script"
	chmod 755 "$LOWER/script"
	view -o noexec
	equal "$(act try exec "$VIEW/true")" EACCES
	equal "$(act try exec "$VIEW/script")" EACCES
	equal "$(as 1000 "$TOOLS/act" try exec "$VIEW/true")" EACCES
}

each_nodev() {
	lower ext4
	mknod -m 666 "$LOWER/null" c 1 3
	view
	equal "$(act try write "$VIEW/null")" 0 "without nodev"
	unview
	view -o nodev "$LOWER" "$T/nodev"
	equal "$(act try write "$VIEW/null")" EACCES "with nodev"
	equal "$(act try read "$VIEW/null")" EACCES "with nodev"
}

each_suid_programs() {
	lower ext4
	cp "$(command -v id)" "$LOWER/id"
	chown 1005:1006 "$LOWER/id"
	chmod 6755 "$LOWER/id"
	view
	equal "$(as 1000 "$VIEW/id" -u)" 1005 "effective user"
	equal "$(as 1000 "$VIEW/id" -g)" 1006 "effective group"
	unview
	view -o nosuid "$LOWER" "$T/nosuid"
	equal "$(as 1000 "$VIEW/id" -u)" 1000 "effective user with nosuid"
	equal "$(as 1000 "$VIEW/id" -g)" 1000 "effective group with nosuid"
}

each_nosymfollow() {
	lower ext4
	echo text > "$LOWER/f"
	ln -s f "$LOWER/l"
	view -o nosymfollow
	equal "$(act try read "$VIEW/l")" ELOOP
	equal "$(readlink "$VIEW/l")" f
}

# Nobody but root, when so asked.
once_noallow_other() {
	real || skip "a bind mount has no such option"
	lower ext4
	echo text > "$LOWER/f"
	view -o noallow_other
	equal "$(cat "$VIEW/f")" text
	check not as 1000 cat "$VIEW/f"
	unview
	view
	check as 1000 cat "$VIEW/f"
}
