# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# Hollow files that are fetched in pieces. Their tags have the word "pieces", see faulty-source.c.

# shellcheck source=hollow.sh
. "$TESTS/hollow.sh"

PIECE=65536

pieces() { # the offsets of the pieces that were fetched
	sed -n "s/^piece \([0-9]*\) .*/\1/p" "$T/calls" | sort -n | tr '\n' ' '
}
part() { # FILE OFFSET LENGTH
	"$TOOLS/io" r "$1" "pread $2 $3" | grep -q "^$3 "
}
right_at() { # FILE OFFSET LENGTH
	cmp <(pattern $(($2 + $3)) | tail -c +$(($2 + 1))) \
		<(dd if="$1" iflag=skip_bytes,count_bytes,fullblock skip="$2" count="$3" bs=64k \
			status=none) || fail "wrong content of $1 at $2"
}

each_reads_fetch_their_pieces() {
	lower ext4
	hollow f 300000 pieces
	source_view piece=$PIECE
	exec 8< "$VIEW/f"
	check stat "$VIEW/f" > /dev/null
	equal "$(pieces)" ""
	right_at "$VIEW/f" 70000 100
	[[ $(pieces) == 65536* ]] || fail "fetched $(pieces)"
	right_at "$VIEW/f" 131000 200
	is_hollow f || fail "the mark is gone"
	equal "$(stat -c '%s %.9Y' "$VIEW/f")" "300000 1000000000.000000005"
	right "$VIEW/f" 300000
	equal "$(pieces)" "0 65536 131072 196608 262144 "
	check within 10 settled f
	equal "$(stat -c '%s %.9Y' "$VIEW/f" "$LOWER/f" | uniq)" "300000 1000000000.000000005"
	equal "$(getfattr -m penstock.filling "$LOWER/f" 2> /dev/null)" ""
	# The file has been open all the time: the view still serves it.
	requests READ right "$VIEW/f" 300000
	check test "$N" -gt 0
	cmp <(pattern 300000) - <&8 || fail "by the first open"
	exec 8<&-
	check within 10 no_more_requests right "$VIEW/f" 300000
	equal "$(calls .)" 5 calls
}

# 64 processes read one piece: one call, and the view serves other pieces and files meanwhile.
each_readers_wait_for_one_piece() {
	local i
	lower ext4
	hollow f 300000 "pieces only=131072 wait=$T/go"
	echo text > "$LOWER/other"
	source_view piece=$PIECE
	for i in {1..64}; do
		"$TOOLS/io" r "$VIEW/f" "pread $((132000 + i * 900)) 1000" > "$T/n$i" &
	done
	check within 10 eval '[[ $(pieces) == *131072* ]]'
	sleep 0.2
	check timeout 10 sh -c "echo more >> '$VIEW/other'; cat '$VIEW/other' > /dev/null"
	timeout 10 cmp -n 60000 "$VIEW/f" <(pattern 60000) || fail "another piece"
	touch "$T/go"
	check within 20 eval '[ "$(cat "$T"/n* | grep -c "^1000 ")" = 64 ]'
	equal "$(calls '^piece 131072')" 1 calls
	right "$VIEW/f" 300000
	equal "$(calls '^piece 131072')" 1 calls
}

# All ways to read and to change a file, compared with an ordinary file.
each_operations_are_those_of_an_ordinary_file() {
	local i n fs
	for fs in ext4 xfs tmpfs; do
		lower $fs
		source_view piece=16384
		for i in 1 2 3; do
			n=$((20000 + RANDOM % 60000))
			hollow f$i $n pieces
			pattern $n > "$TWIN/f$i"
			python3 "$TESTS/tools/pieces.py" "$VIEW/f$i" "$TWIN/f$i" 16384 40 $RANDOM \
				> "$T/said" 2>&1 || fail "$fs: $(tail -n 1 "$T/said")"
		done
		unview
		grep -q ^piece "$T/calls" || fail "nothing was fetched in pieces"
		for i in 1 2 3; do
			is_hollow f$i || check cmp "$LOWER/f$i" "$TWIN/f$i"
		done
	done
}

# The ways to read of tests/mount/tools/io.c, each of a file of its own.
each_way_to_read_fetches() {
	local way want i=0
	lower ext4
	for i in {0..7}; do hollow f$i 300000 pieces; done
	source_view piece=$PIECE
	i=0
	want=$(pattern 200016 | tail -c 16)
	for way in "pread 200000 16" "preadv 200000 16" "splice 200000 16" "aread 200000 16" \
		"uread 200000 16"; do
		[[ $("$TOOLS/io" r "$VIEW/f$i" "$way") == *"$want"* ]] || fail "$way"
		((++i))
	done
	for way in private shared; do
		[[ $("$TOOLS/io" r "$VIEW/f$i" "peek $way 200000") == *"${want:0:1}"* ]] ||
			fail "$way"
		((++i))
	done
	[[ $("$TOOLS/io" r "$VIEW/f$i" "send 16") == *abcdefghijklmnop* ]] || fail send
	check test "$(calls .)" -ge 8
}

# Whole pieces are written without a fetch, parts of pieces are fetched before.
each_write_fetches_what_it_changes_in_part() {
	lower ext4
	hollow f 300000 pieces
	source_view piece=$PIECE
	check dd if=/dev/zero of="$VIEW/f" bs=$PIECE seek=1 count=1 conv=notrunc status=none
	equal "$(pieces)" ""
	check dd if=/dev/zero of="$VIEW/f" bs=1 seek=140000 count=10 conv=notrunc status=none
	equal "$(pieces)" "131072 "
	check fallocate -p -o $((3 * PIECE)) -l $PIECE "$VIEW/f"
	equal "$(pieces)" "131072 "
	check fallocate -z -o 10 -l 10 "$VIEW/f"
	equal "$(pieces)" "0 131072 "
	echo more >> "$VIEW/f"
	# The bytes of clients are there after a kill.
	kill_view
	source_view piece=$PIECE
	{
		pattern 300000 | head -c 65536
		head -c $PIECE /dev/zero
		pattern 300000 | tail -c +131073 | head -c $PIECE
		head -c $PIECE /dev/zero
		pattern 300000 | tail -c +262145
		echo more
	} > "$T/want"
	printf '%10s' '' | tr ' ' '\0' | dd of="$T/want" bs=1 seek=140000 conv=notrunc status=none
	printf '%10s' '' | tr ' ' '\0' | dd of="$T/want" bs=1 seek=10 conv=notrunc status=none
	check cmp "$T/want" "$VIEW/f"
	equal "$(pieces)" "0 131072 262144 "
	check within 10 settled f
}

each_truncation_needs_no_fetch() {
	lower ext4
	for i in 1 2 3 4; do hollow f$i 300000 pieces; done
	source_view piece=$PIECE
	: > "$VIEW/f1"
	check python3 -c 'import os, sys; os.truncate(sys.argv[1], 0)' "$VIEW/f2"
	check truncate -s 100000 "$VIEW/f3"
	check truncate -s 400000 "$VIEW/f4"
	equal "$(calls .)" 0 calls
	check not is_hollow f1
	check not is_hollow f2
	check truncate -s 200000 "$VIEW/f3"
	kill_view
	source_view piece=$PIECE
	equal "$(stat -c %s "$VIEW"/f[1-4] | tr '\n' ' ')" "0 0 200000 400000 "
	cmp "$VIEW/f3" <(pattern 100000; head -c 100000 /dev/zero) || fail "made shorter"
	cmp "$VIEW/f4" <(pattern 300000; head -c 100000 /dev/zero) || fail "made longer"
	equal "$(calls .)" 7 calls
	for i in 3 4; do check within 10 settled f$i; done
	check within 10 no_more_requests cat "$VIEW/f3" > /dev/null
}

each_names_change_while_pieces_are_missing() {
	lower ext4
	for i in 1 2 3; do hollow f$i 300000 pieces; done
	source_view piece=$PIECE
	for i in 1 2 3; do check part "$VIEW/f$i" 70000 10; done
	check mv "$VIEW/f1" "$VIEW/g1"
	check ln "$VIEW/g1" "$VIEW/h1"
	check chmod 4711 "$VIEW/g1"
	check chown 1000:1001 "$VIEW/h1"
	exec 8< "$VIEW/f2"
	check rm "$VIEW/f2"
	cmp <(pattern 300000) - <&8 || fail "a file without a name"
	exec 8<&-
	equal "$(stat -c '%s %.9Y %u:%g %h' "$VIEW/h1")" "300000 1000000000.000000005 1000:1001 2"
	check touch -d 2001-02-03 "$VIEW/f3"
	check chmod 600 "$VIEW/f3"
	for i in h1 f3; do right "$VIEW/$i" 300000; done
	equal "$(date -r "$VIEW/f3" +%F) $(stat -c %a "$VIEW/f3")" "2001-02-03 600"
	equal "$(date -r "$LOWER/f3" +%F)" 2001-02-03
	equal "$(stat -c '%.9Y' "$LOWER/g1")" 1000000000.000000005
	equal "$(calls .)" 15 calls
}

each_errors_are_those_of_the_read() {
	local i error
	lower ext4
	for error in 5 28 110 122; do hollow f$error 300000 "pieces only=131072 error=$error"; done
	source_view piece=$PIECE
	for error in "EIO 5" "ENOSPC 28" "ETIMEDOUT 110" "EDQUOT 122"; do
		# shellcheck disable=SC2086
		set -- $error
		check part "$VIEW/f$2" 70000 10
		says "$1|$1|$1" rw "$VIEW/f$2" "pread 140000 10" "pwrite 140000 x" \
			"preadv 140000 10"
		says "$1" r+direct "$VIEW/f$2" "pread 135168 4096"
		check part "$VIEW/f$2" 280000 10
		is_hollow "f$2" || fail "the mark is gone"
	done
	# Later reads work once the source does, and what the failed call wrote is gone.
	unview
	setfattr -n trusted.penstock.hollow -v pieces "$LOWER/f110"
	source_view piece=$PIECE retry_ms=600000
	right "$VIEW/f110" 300000
	refused 'No space left' cat "$VIEW/f28"
	i=$(calls 'error=28')
	refused 'No space left' cat "$VIEW/f28"
	equal "$(calls 'error=28')" "$i" "calls with retry_ms"
}

each_source_that_changes_the_size_is_refused() {
	lower ext4
	hollow more 100000 "pieces longer"
	hollow less 100000 "pieces shorter"
	source_view piece=$PIECE
	refused 'Input/output' cat "$VIEW/more"
	refused 'Input/output' cat "$VIEW/less"
	equal "$(stat -c '%s %.9Y' "$VIEW/more" "$VIEW/less" | uniq)" \
		"100000 1000000000.000000005"
	LOG_MAY='has changed the size of a file'
}

# The kernel reads ahead without an interrupt, so the view looks for dead clients.
each_killed_readers_cancel_the_call() {
	local a
	lower ext4
	hollow f 300000 "pieces wait=$T/go"
	source_view piece=$PIECE
	cat "$VIEW/f" > /dev/null & a=$!
	check within 10 eval '[ "$(calls .)" = 1 ]'
	kill -9 $a
	check within 10 gone $a
	# The call ends, and the next one begins.
	cat "$VIEW/f" > "$T/out" & a=$!
	check within 10 eval '[ "$(calls "^piece 0")" = 2 ]'
	touch "$T/go"
	wait $a
	right "$T/out" 300000
}

forget_pages() { # FILE: drops the view's cached pages
	python3 -c 'import os, sys
os.posix_fadvise(os.open(sys.argv[1], os.O_RDONLY), 0, 0, os.POSIX_FADV_DONTNEED)' "$1"
}

# f is not in use, g is open, a client has changed h.
each_partly_fetched_file_is_evicted() {
	local i
	lower ext4
	for i in f g h; do hollow $i 3000000 pieces; done
	source_view piece=$PIECE
	for i in f g h; do check part "$VIEW/$i" 1000000 1000000; done
	exec 8< "$VIEW/g"
	echo more >> "$VIEW/h"
	check chmod 600 "$VIEW/f"
	check within 10 eval '[[ " $(evict $(calls ^piece))" == *" 0 "* ]]'
	exec 8<&-
	check test "$(stat -c %b "$LOWER/f")" -lt 100
	for i in g h; do check test "$(stat -c %b "$LOWER/$i")" -gt 1900; done
	equal "$(stat -c '%s %.9Y %a' "$VIEW/f")" "3000000 1000000000.000000005 600"
	# Once more, when it is whole.
	forget_pages "$VIEW/f"
	right "$VIEW/f" 3000000
	check within 10 settled f
	check within 10 eval '[[ " $(evict $(calls ^piece))" == *" 0 "* ]]'
	is_hollow f || fail "not hollow"
	forget_pages "$VIEW/f"
	for i in f g; do right "$VIEW/$i" 3000000; done
	cmp "$VIEW/h" <(pattern 3000000; echo more) || fail "the changed file"
}

# Readers and evictions at the same time: no reader sees a hole.
each_evictions_cross_reads() {
	local i n pids=()
	lower ext4
	for i in 1 2 3; do hollow f$i 100000 pieces; done
	pattern 100000 > "$T/want"
	source_view piece=16384
	for n in 1 2 3 4; do
		python3 -c 'import os, sys
want = open(sys.argv[1], "rb").read()
for i in range(150):
	fd = os.open(sys.argv[2] + "/f%d" % (i % 3 + 1), os.O_RDONLY)
	os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED)
	at = i * 7919 % 90000
	for off, length in (at, 100), (0, 100000):
		got = os.pread(fd, length, off)
		assert got == want[off:off + length], (i, off, len(got))
	os.close(fd)' "$T/want" "$VIEW" || echo "$n" >> "$T/wrong" &
		pids+=($!)
	done
	while kill -HUP "${VIEW_PIDS[0]}" && [ ! -e "$T/done" ]; do sleep 0.01; done & n=$!
	wait "${pids[@]}"
	touch "$T/done"
	wait $n
	check test ! -e "$T/wrong"
	check test "$(calls '^evict 0')" -gt 3
}

# With a guard, a process that opens the lower file gets all of it.
each_guard_waits_for_all_pieces() {
	lower ext4
	for i in f g h; do hollow $i 300000 pieces; done
	source_view piece=$PIECE guard
	check part "$VIEW/f" 70000 10
	echo more >> "$VIEW/g"
	for i in f h; do
		check timeout 20 cat "$LOWER/$i" > "$T/out"
		right "$T/out" 300000
		check within 10 settled $i
		right "$VIEW/$i" 300000
	done
	timeout 20 cmp "$LOWER/g" <(pattern 300000; echo more) || fail "the changed file"
}

# The next view goes on where the map says.
each_pieces_survive_a_kill() {
	local go
	lower ext4
	hollow f 300000 "pieces only=131072 wait=$T/go"
	source_view piece=$PIECE
	check part "$VIEW/f" 10 10
	check part "$VIEW/f" 280000 10
	"$TOOLS/io" r "$VIEW/f" "pread 140000 10" > /dev/null 2>&1 &
	check within 10 eval '[ "$(calls ^piece)" = 3 ]'
	sleep 0.1
	kill_view
	# Another size of pieces applies to files of which nothing is there.
	source_view piece=4096
	touch "$T/go"
	equal "$(stat -c '%s %.9Y' "$VIEW/f")" "300000 1000000000.000000005"
	right "$VIEW/f" 300000
	equal "$(pieces)" "0 65536 131072 131072 196608 262144 "
	equal "$(stat -c '%s %.9Y' "$LOWER/f")" "300000 1000000000.000000005"
}

# Data, for programs that copy files: what is not there; holes: those of what is there.
each_missing_pieces_are_data() {
	lower ext4
	hollow f 300000 pieces
	source_view piece=$PIECE
	check fallocate -p -o $PIECE -l $PIECE "$VIEW/f"
	says "0|65536|131072|300000" r "$VIEW/f" "seek data 0" "seek hole 0" \
		"seek data 70000" "seek hole 140000"
	check cp --sparse=always "$VIEW/f" "$VIEW/copy"
	check cp --reflink=auto "$VIEW/f" "$T/copy"
	cmp "$T/copy" <(pattern 65536; head -c 65536 /dev/zero; pattern 300000 | tail -c +131073)
	check cmp "$T/copy" "$VIEW/copy"
	says "0|65536|131072|300000" r "$VIEW/f" "seek data 0" "seek hole 0" \
		"seek data 70000" "seek hole 140000"
}

# A filter of data is asked about each read, and the pieces are fetched before.
each_filters_of_data_see_fetched_bytes() {
	need_filters
	lower ext4
	hollow f 300000 pieces
	source_view piece=$PIECE
	check chain add rate,read=1G
	right_at "$VIEW/f" 70000 100
	right "$VIEW/f" 300000
	equal "$(pieces)" "0 65536 131072 196608 262144 "
	check chain remove rate
	check within 10 no_more_requests right "$VIEW/f" 300000
}

each_programs_run_in_pieces() {
	lower ext4
	mkdir "$T/tree"
	cp /bin/true /bin/date "$T/tree/"
	tar -C "$T/tree" -cf "$T/a.tar" .
	lazytar_view -p 4096
	check "$VIEW/true"
	check "$VIEW/date" > /dev/null
	check cmp "$T/tree/date" "$VIEW/date"
	check within 10 settled date
}

# A second's pieces are written to the disk together.
once_pieces_do_not_wait_for_the_disk() {
	lower ext4
	hollow f 10000000 pieces
	watched_source_view piece=$PIECE
	right "$VIEW/f" 10000000
	check within 10 settled f
	equal "$(calls ^piece)" 153 pieces
	check test "$(grep -c fdatasync "$T/system/log")" -lt 75
}

# Pieces whose content the disk refuses are fetched again, and no client changes them before.
once_pieces_that_the_disk_refuses_are_fetched_again() {
	lower ext4
	hollow f 300000 pieces
	hollow g 300000 pieces
	watched_source_view piece=$PIECE
	echo 5 > "$T/system/fdatasync"
	right "$VIEW/f" 300000
	check within 10 grep -q 'cannot write the content' "${VIEW_LOGS[0]}"
	says "EIO" rw "$VIEW/g" "pwrite 70000 x"
	rm "$T/system/fdatasync"
	is_hollow f || fail "the mark is gone"
	forget_pages "$VIEW/f"
	right "$VIEW/f" 300000
	equal "$(calls ^piece)" 11 calls
	check within 10 settled f
	says "1" rw "$VIEW/g" "pwrite 70000 x"
	cmp "$VIEW/g" <(pattern 70000; printf x; pattern 300000 | tail -c +70002) ||
		fail "the changed file"
	LOG_MAY='cannot write the content'
}

# The kernel tells of a failure to write once. The client whose write meets it gets the error, and
# other pieces that were fetched just now are fetched again.
once_failed_write_takes_fresh_pieces_back() {
	lower ext4
	hollow f 300000 pieces
	watched_source_view piece=$PIECE
	check part "$VIEW/f" 140000 10
	echo 5 > "$T/system/fdatasync"
	refused 'Input/output' dd if=/dev/zero of="$VIEW/f" bs=$PIECE count=1 conv=notrunc
	rm "$T/system/fdatasync"
	check within 10 no_piece_is_fresh f
	forget_pages "$VIEW/f"
	check part "$VIEW/f" 140000 10
	equal "$(calls '^piece 131072')" 2 calls
	LOG_MAY='cannot write the content'
}

no_piece_is_fresh() { # NAME: its record ends with the bits of the pieces on the disk
	[ "$(getfattr --only-values -n trusted.penstock.filling "$LOWER/$1" | wc -c)" = 49 ]
}

# The last piece reaches the disk in the middle of a write to another piece: the times of the write
# stay, and the file can be finished afterwards.
once_pieces_settle_during_a_write() {
	local a n
	lower ext4
	hollow f 300000 pieces
	watched_source_view piece=$PIECE
	check part "$VIEW/f" 70000 10
	check within 10 no_piece_is_fresh f
	exec 8<> "$VIEW/f"
	echo 0 > "$T/system/syncfs"
	right "$VIEW/f" 300000
	n=$(grep -c fremovexattr "$T/system/log")
	echo 0 > "$T/system/fremovexattr"
	python3 -c 'import os; os.pwrite(8, b"x", 70000)' & a=$!
	check within 10 eval '[ "$(grep -c fremovexattr "$T/system/log")" -gt '"$n"' ]'
	rm "$T/system/syncfs"
	check within 10 no_piece_is_fresh f
	sleep 0.2
	check test "$(stat -c %.9Y "$LOWER/f")" != 1000000000.000000005
	rm "$T/system/fremovexattr"
	wait $a
	exec 8<&-
	check within 10 settled f
	check test "$(stat -c %.9Y "$LOWER/f")" != 1000000000.000000005
	equal "$(stat -c %.9Y "$VIEW/f")" "$(stat -c %.9Y "$LOWER/f")"
	cmp "$VIEW/f" <(pattern 70000; printf x; pattern 300000 | tail -c +70002) ||
		fail "the changed file"
	equal "$(evict 5)" "16 16 16 16 16 "
}

# Cuts the power of the lower file system while clients read and write: what the view has recorded
# as on the disk is there, and so is what clients have written with O_DSYNC.
cut_power() { # FILE-SYSTEM TIMES
	local i n f said writer pids
	for ((n = 0; n < $2; n++)); do
		lower "$1" 32
		rm -rf "$T/tree"
		mkdir "$T/tree"
		for f in 1 2 3 4; do
			hollow f$f 1000000 pieces
			pattern 1000000 > "$T/tree/f$f"
		done
		hollow all 2000000 pieces
		hollow part 2000000 pieces
		sync -f "$LOWER"
		source_view piece=$PIECE
		pids=()
		for f in 1 2 3 4; do
			(sleep 0.$((RANDOM % 9)); cat "$VIEW/f$f") > /dev/null 2>&1 &
			pids+=($!)
		done
		python3 "$TESTS/tools/power.py" write "$VIEW" $PIECE > "$T/written" & writer=$!
		sleep "$((RANDOM % 2)).$((RANDOM % 9 + 1))"
		check python3 "$TESTS/tools/power.py" cut "$FS"
		wait "${pids[@]}" $writer 2> /dev/null
		kill_view
		check umount "$FS"
		check mount -o loop "${FS}.img" "$FS"
		mv "$LOWER/all" "$LOWER/part" "$FS/twin/"
		said=$(echo | python3 "$TESTS/tools/filled.py" "$LOWER" "$T/tree" crashed 2>&1)
		equal "$said" right "records after power failure $n"
		mv "$FS/twin/all" "$FS/twin/part" "$LOWER/"
		source_view piece=$PIECE
		for f in 1 2 3 4; do right "$VIEW/f$f" 1000000; done
		check python3 "$TESTS/tools/power.py" check "$VIEW" $PIECE "$(cat "$T/written")"
		unview
		umount "$FS"
	done
	LOG_MAY='.'
}
once_power_failure_leaves_no_wrong_byte() { cut_power ext4 2; cut_power xfs 1; }
LIMIT[power_fails_50_times]=590
slow_power_fails_50_times() { cut_power ext4 35; cut_power xfs 15; }

once_killed_source_leaves_no_wrong_byte() { kill_source 20 -p 8192; }
LIMIT[killed_500_times]=590
slow_killed_500_times() { kill_source 500 -p 8192; }
