# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# Faults of the FUSE-BPF proposal, and changes by filters that it ignored. This view has none of
# these faults; docs/fuse-bpf.md lists them.

# ---- faults ------------------------------------------------------------------------------------

# The verdict of a pre program counts in every operation.
each_verdict_of_pre_program_counts_in_every_operation() {
	lower ext4
	mkdir "$LOWER/d" "$LOWER/e"
	echo text > "$LOWER/f"
	ln -s f "$LOWER/l"
	filtered_view -o cache=none,locks=lower fault,error=EDQUOT,ops=mkdir,names=none
	heard() { # OP WANT CMD...
		local said
		chain replace fault "fault,error=EDQUOT,ops=$1" > /dev/null ||
			fail "no filter for $1"
		said=$("${@:3}" 2>&1)
		[[ $said == *"$2"* ]] || fail "$1: '${*:3}' says '$said', should be $2"
		check test "$(ran errors fault)" -ge 1
	}
	heard lookup EDQUOT act try stat "$VIEW/f"
	heard getattr EDQUOT act try stat "$VIEW"
	heard setattr EDQUOT act try chmod "$VIEW/f" 600
	heard readlink 'quota exceeded' ls "$VIEW/l/"
	heard symlink EDQUOT act try symlink "$VIEW/l2" f
	heard mknod 'quota exceeded' mkfifo "$VIEW/fifo"
	heard mkdir EDQUOT act try mkdir "$VIEW/d2"
	heard unlink EDQUOT act try unlink "$VIEW/f"
	heard rmdir 'quota exceeded' rmdir "$VIEW/d"
	heard rename EDQUOT act try rename "$VIEW/f" "$VIEW/g"
	heard link EDQUOT act try link "$VIEW/f" "$VIEW/g"
	heard open EDQUOT act try read "$VIEW/f"
	heard create EDQUOT act try create "$VIEW/new"
	heard tmpfile EDQUOT "$TOOLS/io" rw+tmpfile "$VIEW" 'write x'
	heard opendir EDQUOT act try read "$VIEW/d"
	heard readdir 'quota exceeded' ls -U "$VIEW/d"
	heard fsync EDQUOT "$TOOLS/io" rw "$VIEW/f" fsync
	heard fsyncdir 'quota exceeded' sync "$VIEW/d"
	heard statfs EDQUOT act try statfs "$VIEW"
	heard setxattr EDQUOT act try setxattr "$VIEW/f"
	heard getxattr EDQUOT "$TOOLS/io" r "$VIEW/f" 'getx user.a'
	heard listxattr EDQUOT "$TOOLS/io" r "$VIEW/f" listx
	heard removexattr EDQUOT "$TOOLS/io" rw "$VIEW/f" 'rmx user.a'
	heard setlk EDQUOT "$TOOLS/io" rw "$VIEW/f" 'lock 0 1'
	heard getlk EDQUOT "$TOOLS/io" rw "$VIEW/f" 'test 0 1'
	heard fallocate EDQUOT "$TOOLS/io" rw "$VIEW/f" 'fallocate 0 10'
	heard lseek EDQUOT "$TOOLS/io" r "$VIEW/f" 'seek data 0'
	heard copy EDQUOT "$TOOLS/io" r "$VIEW/f" "copy $VIEW/e/new 0 4"
	heard ioctl 'quota exceeded' lsattr -d "$VIEW/f"
	# RELEASE cannot fail, and the error of FLUSH becomes that of close(2).
	chain replace fault fault,error=EDQUOT,ops=release:releasedir > /dev/null
	says '4 text|0' rw "$VIEW/f" 'read 4' close
	ls "$VIEW" > /dev/null
	! has_daemon || becomes 0 info handles
	chain remove fault > /dev/null
	same -x
}

# Each operation has a program of its own (FSYNCDIR does not run that of FSYNC), and a program sees
# the nodes of its operation.
each_operation_runs_its_own_program() {
	lower ext4
	mkdir "$LOWER/d"
	echo text > "$LOWER/f"
	filtered_view parity-which
	says 'EDQUOT|EDQUOT' rw "$VIEW/f" fsync datasync
	refused 'no locks available' sync "$VIEW/d"
	answers 0 link "$VIEW/f" "$VIEW/d/g"
	answers 0 rename "$VIEW/f" "$VIEW/d/h"
	chain remove parity-which > /dev/null
	equal "$(ls "$LOWER/d" | tr '\n' ' ')" 'g h '
}

# A post program runs also without a pre program: here those after an open, elsewhere those of
# parity-results. A file is closed when a post program refuses its open.
each_open_refused_afterwards_is_closed() {
	local i
	lower ext4
	mkdir "$LOWER/d"
	echo text > "$LOWER/f"
	filtered_view parity-open,refuse=13
	for i in $(seq 50); do
		answers EACCES read "$VIEW/f"
		answers EACCES write "$VIEW/f"
		answers EACCES read "$VIEW/d"
		answers EACCES create "$VIEW/new$i"
	done
	! has_daemon || becomes 0 info handles
	chain remove parity-open > /dev/null
	! has_daemon || chain add data-log > /dev/null
	# If one of the refused opens were still open, the file could not be opened in another mode.
	answers 0 read "$VIEW/f"
	equal "$(cat "$VIEW/f")" text
}

# ---- changes that were ignored ------------------------------------------------------------------

# A filter changes the names of every operation that has names.
each_changed_names_take_effect() {
	local i
	lower ext4
	mkdir "$LOWER/sub"
	filtered_view parity-names
	echo text > "$VIEW/a-file" || fail create
	check mkdir "$VIEW/a-dir"
	check mkfifo "$VIEW/a-fifo"
	check ln -s target "$VIEW/a-link"
	check ln "$VIEW/a-file" "$VIEW/sub/a-hard"
	equal "$(cd "$LOWER" && find . | sort | tr '\n' ' ')" \
		'. ./b-dir ./b-fifo ./b-file ./b-link ./sub ./sub/b-hard ' "what was made"
	equal "$(cat "$VIEW/a-file")" text
	equal "$(readlink "$VIEW/a-link")" target
	check mv "$VIEW/a-file" "$VIEW/sub/a-moved"
	equal "$(ls "$LOWER/sub" | tr '\n' ' ')" 'b-hard b-moved '
	# Both names change, in a rename with flags and in one without.
	act try rename "$VIEW/sub/a-moved" "$VIEW/a-back" > /dev/null
	equal "$(cat "$LOWER/b-back")" text
	for i in file back; do echo $i > "$LOWER/b-$i"; done
	check mv -n "$VIEW/a-file" "$VIEW/sub/a-other"
	equal "$(cat "$LOWER/sub/b-other")" file
	check rm "$VIEW/a-back" "$VIEW/a-fifo" "$VIEW/a-link" "$VIEW/sub/a-hard" "$VIEW/sub/a-other"
	check rmdir "$VIEW/a-dir"
	equal "$(cd "$LOWER" && find . | sort | tr '\n' ' ')" '. ./sub ' "what is left"
	equal "$(ran bad parity-names)" 0 "bad runs"
}

values_tree() { # [OPTIONS]
	lower ext4
	echo text > "$LOWER/f"
	filtered_view ${1:+-o "$1"} parity-values
}

each_changed_attributes_take_effect() {
	values_tree cache=ttl=60
	# The filter changes a value, adds an attribute and drops one.
	chmod 755 "$VIEW/f"
	equal "$(stat -c '%a %u' "$LOWER/f")" '644 0'
	chmod 711 "$VIEW/f"
	equal "$(stat -c '%a %u' "$LOWER/f")" '600 1234'
	chgrp 4321 "$VIEW/f"
	equal "$(stat -c %g "$LOWER/f")" 0 "the group that was not set"
	chgrp 5432 "$VIEW/f"
	equal "$(stat -c %g "$LOWER/f")" 0 "the group after an answer of the filter's own"
	touch "$VIEW/f"
	equal "$(stat -c %.9Y "$LOWER/f")" 1000000000.123456789 "time by touch"
	truncate -s 101 "$VIEW/f"
	equal "$(stat -c %s "$LOWER/f") $(stat -c %s "$VIEW/f")" '200 200' sizes
	# The filter changes the results of GETATTR, SETATTR (which the kernel caches for a minute)
	# and LOOKUP.
	touch "$LOWER/g" "$LOWER/shown"
	equal "$(stat -c %u "$VIEW")" 77 "the owner that GETATTR shows"
	chmod 600 "$VIEW/g"
	equal "$(stat -c '%a %g' "$VIEW/g")" '600 78' "what SETATTR shows"
	equal "$(stat -c %g "$VIEW/shown")" 99 "what LOOKUP shows"
	equal "$(stat -c '%u %g' "$LOWER/g")" '1234 0' "what is below"
}

each_changed_creation_takes_effect() {
	values_tree
	(umask 077; : > "$VIEW/new"; mkdir "$VIEW/d"; mkfifo "$VIEW/fifo"; mknod "$VIEW/char" \
		c 10 200)
	equal "$(stat -c '%a %u %g' "$LOWER/new")" '640 1234 2345' "a file"
	equal "$(stat -c '%a %u %g' "$LOWER/d")" '701 1234 2345' "a directory"
	equal "$(stat -c '%a %u %g' "$LOWER/fifo")" '604 1234 2345' "a fifo"
	equal "$(stat -c '%a %t %T' "$LOWER/char")" '604 1 5' "a device"
	says '100604' rw+tmpfile "$VIEW" mode
	# The changed creation has the same owner whoever the caller is.
	mkdir -m 777 "$LOWER/all"
	equal "$(as 1001 "$TOOLS/act" try create "$VIEW/all/f")" 0 "a file by another user"
	equal "$(stat -c '%u %g' "$LOWER/all/f")" '1234 2345' "its owner"
	equal "$(as 1001 "$TOOLS/act" try tmpfile "$VIEW/all")" 0 "a file without a name"
	ln -s from "$VIEW/l"
	equal "$(stat -c '%u %g' "$LOWER/l")" '1234 2345' "a link"
	equal "$(readlink "$LOWER/l")" to "a link's target"
	ln -s grow "$VIEW/grown"
	equal "$(readlink "$LOWER/grown") $(readlink "$VIEW/grown")" \
		'a longer target a longer target'
	ln -s longer "$VIEW/l2"
	equal "$(readlink "$LOWER/l2") $(readlink "$VIEW/l2")" 'longer LINKer' \
		"what is shown of a target"
}

each_changed_xattrs_take_effect() {
	values_tree
	says 0 rw "$VIEW/f" 'setx user.a some'
	says 'user.b .|2 so' r "$LOWER/f" listx 'getx user.b'
	says '2 so' r "$VIEW/f" 'getx user.alias'
	says '0|10 CHANGEDhis' rw "$VIEW/f" 'setx user.c changethis' 'getx user.c'
	says '0|EEXIST' rw "$VIEW/f" 'setx user.once 1' 'setx user.once 2'
	says '0|13 another-value|0' rw "$VIEW/f" 'setx user.d grow' 'getx user.d' 'rmx user.d'
	says '0|0' rw "$LOWER/f" 'setx user.long abcdef' 'setx user.secret x'
	says '3 abc|4 none|user.b user.c user.once user.long .' r "$VIEW/f" 'getx user.long' \
		'getx user.none' listx
	says '1 x' r "$VIEW/f" 'getx user.secret'
	says 0 rw "$VIEW/f" 'rmx user.a'
	says ENODATA r "$LOWER/f" 'getx user.b'
}

each_changed_ranges_take_effect() {
	local i
	values_tree cache=none,locks=lower
	says 0 rw "$VIEW/f" 'fallocate 0 5000'
	equal "$(stat -c '%s' "$LOWER/f") $(stat -c '%s' "$VIEW/f")" '10000 10000' "allocated"
	says 0 rw "$VIEW/f" 'fallocate 0 7000'
	equal "$(stat -c '%s' "$LOWER/f")" 10000 "allocated without a new size"
	head -c 65536 /dev/zero | tr '\0' x > "$LOWER/g"
	says '4096|65535' r "$VIEW/g" 'seek data 0' 'seek hole 0'
	says '100' r "$VIEW/g" "copy $VIEW/h 0 5000"
	equal "$(stat -c %s "$LOWER/h")" 2500 "copied"
	echo abcdefgh > "$LOWER/from"
	says '4' r "$VIEW/from" "copy $VIEW/to 0 8"
	equal "$(cat "$LOWER/to")" cdef "copied from another place"
	# The kernel uses the values of the changed replies.
	equal "$(stat -c %s "$VIEW/h")" 2500
	says 'EDEADLK|0|free|held 1' rw "$VIEW/g" 'lock 7 1' 'lock 100 150' 'test 100 50' \
		'test 200 5'
	equal "$(stat -f -c %f "$VIEW")" 42 "free blocks"
	touch "$LOWER/target"
	answers EEXIST rename "$VIEW/g" "$VIEW/target"
	check eval 'lsattr "$VIEW/g" | grep -q "^....i"'
	for i in $(seq 100); do touch "$LOWER/entry-number-$i"; done
	equal "$(ls "$VIEW" | wc -l)" "$(ls "$LOWER" | wc -l)" "listed in small parts"
	says '4 xxxx|EDQUOT' rw "$VIEW/g" 'pread 0 4' close
	! has_daemon || becomes 0 info handles
	equal "$(ran bad parity-values)" 0 "bad runs"
}

# Changed flags of an open either take effect in the kernel or fail; they are not silently ignored.
each_changed_open_flags_take_effect_or_fail() {
	LOG_MAY='program pre/(open|create) '
	lower ext4
	echo text > "$LOWER/f"
	# O_RDWR becomes O_RDONLY, so the file cannot be written to.
	filtered_view parity-open,drop=2
	"$TOOLS/io" rw "$VIEW/f" 'pwrite 0 LOST' > "$T/said" 2>&1
	equal "$(cat "$LOWER/f")" text "what must not be written"
	check not grep -qx 4 "$T/said"
	# The filter adds O_APPEND, so writes go to the end.
	chain replace parity-open parity-open,add=1024 > /dev/null
	"$TOOLS/io" rw "$VIEW/f" 'pwrite 0 more' > "$T/said" 2>&1
	[ "$(cat "$LOWER/f")" = "$(printf 'text\nmore')" ] || ! grep -qx 4 "$T/said" ||
		fail "O_APPEND was ignored"
	# The filter drops O_TRUNC. The kernel believes the file empty until the daemon invalidates
	# its size.
	echo text > "$LOWER/f"
	chain replace parity-open parity-open,drop=512 > /dev/null
	cat "$VIEW/f" > /dev/null
	# In the kernel engine the VFS truncates after the open, so the module refuses the change.
	check $(in_kernel && echo not) dd of="$VIEW/f" if=/dev/null status=none
	equal "$(cat "$LOWER/f")" text "what was not truncated"
	equal "$(cat "$VIEW/f")" text "what is seen of it"
	equal "$(stat -c %s "$VIEW/f")" 5 "size"
	same -x
}
