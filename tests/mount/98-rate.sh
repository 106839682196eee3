# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# The filter rate: reads and writes take at least the time that their bytes need, for all users
# together, and nothing else waits.

# at_least MS CMD...: fails if the command succeeds earlier.
at_least() {
	local begin ms=$1
	shift
	begin=$(date +%s%3N)
	"$@" || fail "'$*' fails"
	[ $(($(date +%s%3N) - begin)) -ge "$ms" ] ||
		fail "'$*' takes $(($(date +%s%3N) - begin)) ms, should be $ms at least"
}

# Two users read a file each, and two write: the time is that of both.
each_reads_and_writes_take_their_time() {
	need_filters
	lower ext4
	head -c 400K /dev/urandom > "$LOWER/a"
	head -c 400K /dev/urandom > "$LOWER/b"
	: > "$LOWER/of-root"
	: > "$LOWER/of-user"
	chown 1000:1000 "$LOWER/of-user"
	filtered_view rate,read=500K,write=500K
	# The last read, of 128 KiB, and the last write do not wait for their own bytes.
	both_read() {
		cmp "$VIEW/a" "$LOWER/a" & as 1001 cmp "$VIEW/b" "$LOWER/b" && wait $!
	}
	at_least 900 both_read
	both_write() {
		dd if="$LOWER/a" of="$VIEW/of-root" bs=100K status=none &
		as 1000 dd if="$LOWER/b" of="$VIEW/of-user" bs=100K status=none && wait $!
	}
	at_least 900 both_write
	check cmp "$LOWER/a" "$LOWER/of-root"
	check cmp "$LOWER/b" "$LOWER/of-user"
	same
}

once_rate_needs_a_limit() {
	need_filters
	lower tmpfs
	mkdir "$T/mnt"
	refused 'read=, write=' "$PENSTOCK" mount --filter rate "$LOWER" "$T/mnt"
	refused 'rate,read=10M,write=1M' \
		"$PENSTOCK" mount --read-rate=10M --write-rate=1M "$LOWER" "$T/mnt"
}
