# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# A filter with programs for data sees every access to data. The cases use two filters: data-log
# sends an event for each read and write; data-cipher stores other bytes than the view shows, so a
# byte that bypasses the filter, or that the filter sees at a wrong offset, is wrong.

LIMIT[nothing_bypasses_a_cipher]=240
LIMIT[nothing_bypasses_a_cached_cipher]=240

# Puts data-log's events since the last call into SEEN, "read 0 5|got 0 5|..."; the uid comes first
# unless it is root.
told() {
	local got end
	sleep "$((2 * ${SLOW:-1}))e-1"
	end=$(wc -l < "$T/trace")
	got=$(tail -n +$((TOLD + 1)) "$T/trace" | sed -n \
		's/.*"uid":\([0-9]*\).*"what":"\([a-z]*\)","values":\[\([0-9,]*\)\].*/\1 \2 \3/p' |
		sed 's/^0 //; s/,/ /' | tr '\n' '|')
	TOLD=$end
	SEEN=${got%|}
}

TOLD=0
seen() { # WANT WHAT
	told
	equal "$SEEN" "$1" "what the filter saw of $2"
}

# ---- all is seen --------------------------------------------------------------------------------

log_tree() { # [OPTIONS]
	lower ext4
	printf 0123456789abcdef > "$LOWER/f"
	chmod 666 "$LOWER/f"
	# The other filter makes the first line of the trace, for which tracing() waits.
	filtered_view ${1:+-o "$1"} data-log tag,ops=statfs
	tracing "$T/trace" --all
	told
}

each_filter_sees_every_read_and_write() {
	local f
	log_tree
	f=$VIEW/f
	says '5 34567' r "$f" 'pread 3 5'
	seen 'read 3 5|got 0 5' pread
	says '10 123456789a' r "$f" 'preadv 1 10'
	seen 'read 1 10|got 0 10' preadv
	says '4 0123|4 4567' r "$f" 'read 4' 'read 4'
	seen 'read 0 4|got 0 4|read 4 4|got 0 4' read
	says '6 abcdef|0' r "$f" 'pread 10 100' 'pread 16 1'
	seen 'read 10 100|got 0 6|read 16 1|got 0 0' 'reads at the end'
	says '2' w "$f" 'pwrite 2 XY'
	seen 'write 2 2' pwrite
	says '4' w "$f" 'pwritev 4 ABCD'
	seen 'write 4 4' pwritev
	says '1|1' w "$f" 'write Z' 'write z'
	seen 'write 0 1|write 1 1' write
	says '3 XYA|2' rw "$f" 'aread 2 3' 'awrite 6 QQ'
	seen 'read 2 3|got 0 3|write 6 2' AIO
	says '4 ZzXY|2' rw "$f" 'uread 0 4' 'uwrite 9 __'
	seen 'read 0 4|got 0 4|write 9 2' io_uring
	# splice(2) reads whole pages.
	says '5 XYABQ' r "$f" 'splice 2 5'
	seen 'read 0 4096|got 0 16' 'splice from it'
	says '2' w "$f" 'fill-by-splice 3 pq'
	seen 'write 3 2' 'splice into it'
	says '4 ZzXp' r "$f" 'send 4'
	seen 'read 0 4096|got 0 16' sendfile
	says '3' w+append "$f" 'write end'
	seen 'write 16 3' 'O_APPEND'
	as 1000 "$TOOLS/io" rw "$f" 'pread 0 1' 'pwrite 1 u' > /dev/null
	seen '1000 read 0 1|1000 got 0 1|1000 write 1 1' 'another caller'
	equal "$(cat "$LOWER/f")" 'ZuXpqBQQ8__bcdefend'
}

# The filter sees requests with O_DIRECT in the sizes that the caller passed.
each_filter_sees_direct_io() {
	log_tree
	head -c 16384 /dev/zero > "$LOWER/g"
	says '4096 ................|8192 ................' r+direct "$VIEW/g" 'pread 4096 4096' \
		'pread 0 8192'
	seen 'read 4096 4096|got 0 4096|read 0 8192|got 0 8192' 'O_DIRECT reads'
	says '4096|4096 cccccccccccccccc' rw+direct "$VIEW/g" 'fill 8192 4096 c' 'pread 8192 4096'
	seen 'write 8192 4096|read 8192 4096|got 0 4096' 'O_DIRECT writes'
}

# The filter does not run when no data is transferred.
each_filter_sees_nothing_without_data() {
	log_tree
	stat "$VIEW/f" > /dev/null
	chmod 644 "$VIEW/f"
	mv "$VIEW/f" "$VIEW/g"
	ln "$VIEW/g" "$VIEW/f"
	says '0|3|0|0|0|0' rw "$VIEW/f" 'truncate 12' 'seek set 3' 'fallocate 0 20' fsync \
		datasync close
	says '0|1 v' rw "$VIEW/f" 'setx user.a v' 'getx user.a'
	ls -l "$VIEW" > /dev/null
	echo name > "$VIEW/new"
	seen 'write 0 5' 'all but one'
	rm "$VIEW/f" "$VIEW/g"
	seen '' 'deleting'
}

# A transfer larger than a request arrives in several requests, each with its offset.
each_filter_sees_large_transfers_in_pieces() {
	log_tree cache=none,max_write=65536
	head -c 200000 /dev/urandom > "$LOWER/g"
	"$TOOLS/io" r "$VIEW/g" 'pread 1000 199000' > /dev/null
	seen_sum read 199000 4
	check cmp "$VIEW/g" "$LOWER/g"
	told
	"$TOOLS/io" w+create "$VIEW/h" 'fill 7 150000 x' > /dev/null
	seen_sum write 150000 3
	equal "$(tr -d '\0' < "$LOWER/h" | wc -c)" 150000
}

# The requests follow each other without a gap, and none is larger than a request may be.
seen_sum() { # WHAT BYTES AT-LEAST
	told
	tr '|' '\n' <<< "$SEEN" | awk -v what="$1" -v all="$2" -v least="$3" '
		$1 == what { if (n++ && $2 != next_at) bad = 1; next_at = $2 + $3; sum += $3
			     if ($3 > 65536) bad = 1 }
		END { exit bad || sum != all || n < least }' || fail "pieces of $1: $SEEN"
}

# The filter also sees the reads that the kernel makes for a mapping or for readahead.
each_filter_sees_reads_of_pages() {
	log_tree
	says 3 r "$VIEW/f" 'peek private 3'
	told
	grep -q '^read 0 ' <<< "$SEEN" || fail "a private mapping was read unseen: '$SEEN'"
	says '0|2 01' r "$VIEW/f" 'advise 0 16' 'pread 0 2'
	told
	{ grep -q 'read 0 2' <<< "$SEEN" && grep -q 'got 0 2' <<< "$SEEN"; } ||
		fail "a read after advice went unseen: '$SEEN'"
}

# ---- and changed --------------------------------------------------------------------------------

each_changed_reads_and_writes_take_effect() {
	local f
	lower ext4
	printf 0123456789abcdef > "$LOWER/f"
	filtered_view data-change,read_on=2
	f=$VIEW/f
	says '4 2345|2 ef' r "$f" 'pread 0 4' 'pread 12 4'
	with data-change data-change,read_size=3
	says '3 012|3 567' r "$f" 'pread 0 10' 'pread 5 10'
	equal "$(cat "$f")" 0123456789abcdef "all of it, three at a time"
	with data-change data-change,read_len=5
	says '5 01234' r "$f" 'pread 0 10'
	with data-change data-change,read_error=1
	says 'EPERM|1' rw "$f" 'pread 0 10' 'pwrite 0 x'
	with data-change data-change,hide_error=13
	says 'EACCES|EACCES|EACCES' r "$f" 'pread 0 10' 'splice 0 10' 'aread 0 4'
	with data-change data-change,read_instead=6
	says '6 iiiiii|2 ii' r "$f" 'pread 3 10' 'pread 0 2'
	with data-change data-change,write_on=4
	says 2 w "$f" 'pwrite 0 AB'
	equal "$(cat "$LOWER/f")" x123AB6789abcdef "what was written further on"
	with data-change data-change,write_len=2
	says 2 w "$f" 'pwrite 0 CDEFG'
	equal "$(cat "$LOWER/f")" CD23AB6789abcdef "what was written of it"
	with data-change data-change,upper=1
	says 5 w "$f" 'pwrite 1 small'
	equal "$(cat "$LOWER/f")" CSMALL6789abcdef "what was written of small letters"
	with data-change data-change,write_error=28
	says 'ENOSPC|ENOSPC|1 C' rw "$f" 'pwrite 0 x' 'fill-by-splice 0 x' 'pread 0 1'
	with data-change data-change,write_nowhere=1
	says 3 w "$f" 'pwrite 0 xyz'
	with data-change data-change,lost_error=122
	says EDQUOT w "$f" 'pwrite 0 !'
	with data-change data-change,write_claim=2
	says 2 w "$f" 'pwrite 8 12345'
	equal "$(cat "$LOWER/f")" '!SMALL6712345def' "in the end"
	equal "$(ran bad data-change)" 0 "bad runs"
}

# One filter refuses the read with an error, and the filter before it answers with data.
each_filter_turns_error_into_data() {
	need_filters
	lower ext4
	printf text > "$LOWER/f"
	view -o cache=none -F data-change,name=a,read_mended=3 -F data-change,name=b,hide_error=5
	says '3 mmm' r "$VIEW/f" 'pread 0 10'
}

# One caller's data must not be shown to the next caller: neither by splice nor by a mapping, for
# which the kernel keeps pages.
each_caller_is_not_shown_data_of_another() {
	local how
	need_filters
	lower ext4
	echo SECRETSECRET > "$LOWER/f"
	chmod 644 "$LOWER/f"
	filtered_view data-caller
	exec 7< "$VIEW/f"
	for how in 'pread 0 6' 'splice 0 6' 'send 6' 'peek private 0' 'peek shared 0' 'aread 0 6' \
		'uread 0 6'; do
		# Root either gets the data or an error, because it cannot read this way.
		"$TOOLS/io" r - "$how" <&7 > "$T/said" 2>&1
		grep -q SECRET "$T/said" || check not grep -q '^[pau]read' <<< "$how"
		as 1000 "$TOOLS/io" r - "$how" <&7 > "$T/said" 2>&1
		check not grep -q SECRET "$T/said"
	done
	exec 7<&-
}

# The kernel must not show one caller's link text to another.
each_caller_is_not_shown_link_text_of_another() {
	need_filters
	lower ext4
	ln -s text "$LOWER/link"
	view -F links
	for _ in 1 2; do
		equal "$(as 1000 readlink "$VIEW/link")" text
		equal "$(as 1001 readlink "$VIEW/link")" 1001
	done
	equal "$(ran bad links)" 0 "bad runs"
}

each_filter_of_links_by_caller_is_refused_later() {
	need_filters
	lower ext4
	ln -s text "$LOWER/link"
	view -F pass
	refused 'caches that text for all callers' chain add links
	equal "$(as 1001 readlink "$VIEW/link")" text
}

# A change that the daemon cannot carry out fails with EIO and leaves the file as it was.
each_impossible_changes_fail_with_eio() {
	LOG_MAY='program (pre|post)/(read|write) '
	lower ext4
	printf 0123456789 > "$LOWER/f"
	filtered_view data-change,grow=1
	says 'EIO|EIO|EIO' rw "$VIEW/f" 'pread 0 4' 'pwrite 0 xy' 'awrite 0 xy'
	with data-change data-change,write_claim=9
	says EIO w "$VIEW/f" 'pwrite 8 ab'
	equal "$(cat "$LOWER/f")" 01234567ab
	equal "$(ran bad data-change)" 1 "bad runs"
}

# ---- nothing goes round -------------------------------------------------------------------------

# The comparison does not know about the cipher: its twin is a plain tree, and it takes the view for
# the lower tree.
cipher_parity() { # GROUP...
	local group real_mode=$MODE LIMITS=$TESTS/limits
	passing() { false; }
	# Uses the limits of the variant without passthrough, because a data filter ends
	# passthrough.
	for group; do
		LOWER=$VIEW MODE=filtered-$real_mode PREFIX=$group parity "$group" --variant off
	done
	MODE=$real_mode
}

each_nothing_bypasses_a_cipher() {
	filtered_view data-cipher
	cipher_parity data copy aio
	check test "$(ran runs data-cipher pre/write)" -gt 100
	equal "$(ran bad data-cipher)" 0 "bad runs"
}

each_nothing_bypasses_a_cached_cipher() {
	filtered_view data-cipher-cached
	cipher_parity data modes copy mmap aio
	check test "$(ran runs data-cipher-cached pre/write)" -gt 100
	equal "$(ran bad data-cipher-cached)" 0 "bad runs"
}

each_random_io_through_cipher_matches_model() {
	local f
	for f in data-cipher data-cipher-cached; do
		filtered_view -o cache=none,max_write=32768 $f
		check act model "$VIEW/model-$f" 11 400
		check not cmp -s "$VIEW/model-$f" "$LOWER/model-$f"
		unview
	done
}

# No way to read returns the text that is stored in the lower file.
each_stored_text_is_shown_by_no_way_of_reading() {
	local f name
	lower ext4
	echo SECRETSECRETSECRET > "$LOWER/f"
	head -c 8192 /dev/zero | tr '\0' S > "$LOWER/big"
	for f in data-cipher data-cipher-cached; do
		filtered_view $f
		ln "$LOWER/f" "$LOWER/$f"
		for name in f $f; do
			"$TOOLS/io" rw "$VIEW/$name" 'read 10' 'pread 0 10' 'preadv 0 10' \
				'aread 0 10' \
				'uread 0 10' 'send 10' 'splice 0 10' "copy $T/out 0 18" \
					'advise 0 18' \
				'peek private 0' 'peek shared 0' > "$T/read"
			"$TOOLS/io" rw "$VIEW/$name" "copy $VIEW/copied 0 18" >> "$T/read"
			check not grep -q SEC "$T/read"
			check not grep -q '^S$' "$T/read"
			check not grep -qs SEC "$T/out" "$LOWER/copied-$f"
		done
		# A copy inside the view passes the cipher again: the lower file of the copy has
		# enciphered bytes.
		cat "$VIEW/f" > "$T/shown"
		check not grep -q SEC "$T/shown"
		rm -f "$VIEW/copied"
		check cp "$VIEW/f" "$VIEW/copied"
		check cmp "$VIEW/copied" "$T/shown"
		check not grep -q SSSS <("$TOOLS/io" r+direct "$VIEW/big" 'pread 0 4096')
		exec 7< "$VIEW/f"
		check not grep -q SEC /proc/self/fd/7
		exec 7<&-
		act handle save "$VIEW/f" "$T/handle" &&
			act handle open "$VIEW" "$T/handle" > "$T/read"
		check not grep -q SEC "$T/read"
		rm -f "$LOWER/$f" "$LOWER/copied" "$T/out"
		unview
	done
}

# Pages of a mapping are read and written by way of the filter, with and without a page cache.
each_mappings_go_through_the_filter() {
	local f
	for f in data-cipher data-cipher-cached; do
		lower ext4
		filtered_view $f
		says 8 w+create "$VIEW/f" 'write 12345678'
		says '4|4|0|8 12345678' rw "$VIEW/f" 'peek shared 3' 'peek private 3' \
			'poke private 3 x' \
			'pread 0 8'
		says '0|8 123x5678' rw "$VIEW/f" 'poke shared 3 x' 'pread 0 8'
		check not grep -q 5678 "$LOWER/f"
		unview
		# The lower file has the stored byte enciphered.
		filtered_view data-cipher
		equal "$(cat "$VIEW/f")" 123x5678 "after a store by $f"
		unview
	done
}

each_programs_run_through_the_filter() {
	local f
	for f in data-cipher data-cipher-cached; do
		filtered_view $f
		check cp "$TOOLS/act" "$VIEW/program"
		check not "$LOWER/program" try stat / 2> /dev/null
		equal "$("$VIEW/program" try stat /)" 0 "a program below the cipher"
		printf '#!/bin/sh\necho script\n' > "$VIEW/script"
		chmod 755 "$VIEW/script"
		equal "$("$VIEW/script")" script
		equal "$(as 1000 "$VIEW/script")" script
		unview
		rm "$LOWER/program" "$LOWER/script"
	done
}

# The sizes that the view shows are those of the lower files, however they changed.
each_sizes_are_those_below() {
	local f
	for f in data-cipher data-cipher-cached; do
		filtered_view $f
		says '10|0|6 abcdef|0|9 abcdef...' rw+create "$VIEW/f" 'write abcdefghij' \
			'truncate 6' \
			'pread 0 20' 'truncate 9' 'pread 0 20'
		equal "$(stat -c %s "$VIEW/f") $(stat -c %s "$LOWER/f")" '9 9' sizes
		: > "$VIEW/f"
		equal "$(stat -c %s "$VIEW/f") $(stat -c %s "$LOWER/f")" '0 0' "sizes after O_TRUNC"
		echo one > "$VIEW/f"
		echo two >> "$VIEW/f"
		truncate -s 4 "$VIEW/f"
		echo three >> "$VIEW/f"
		equal "$(tr '\n' ' ' < "$VIEW/f")" 'one three ' "appended after truncate"
		says '0|0|5' rw "$VIEW/f" 'fallocate 0 100' 'truncate 5' 'seek end 0'
		says '3|3 tmp' rw+tmpfile "$VIEW" 'write tmp' 'pread 0 5'
		unview
		rm "$LOWER/f"
	done
}

# Another program appends to the lower file unnoticed. The next append in the view goes to the real
# end, and the filter sees that offset.
each_append_goes_behind_unseen_growth() {
	local f
	for f in data-cipher data-cipher-cached; do
		filtered_view -o cache=ttl=60 $f
		says 5 w+create "$VIEW/$f" 'write first'
		stat "$VIEW/$f" > /dev/null
		head -c 100 /dev/zero >> "$LOWER/$f"
		says 4 w+append "$VIEW/$f" 'write last'
		equal "$(stat -c %s "$LOWER/$f")" 109 "size below"
		unview
		filtered_view $f
		equal "$(tail -c 4 "$VIEW/$f")" last \
			"$f: what was appended behind what is not known of"
		unview
	done
}

# ---- modes --------------------------------------------------------------------------------------

# The daemon serves only files to which the filter applies.
each_other_files_pass_through() {
	lower ext4
	mkdir "$LOWER/in"
	echo 'some text' > "$LOWER/out"
	need_filters
	view -o cache=none -F data-cipher,at=in
	echo 'some text' > "$VIEW/in/f"
	check not cmp -s "$LOWER/in/f" "$LOWER/out"
	no_data_requests cmp "$VIEW/out" "$LOWER/out"
	no_data_requests eval 'echo more >> "$VIEW/out"'
	requests READ cmp "$VIEW/in/f" <(echo 'some text')
	check test "$N" -ge 1
	# Opens one file of each kind at the same time.
	exec 7< "$VIEW/in/f" 8<> "$VIEW/out"
	no_data_requests eval 'cat <&8 > /dev/null'
	equal "$(cat <&7)" 'some text'
	exec 7<&- 8<&-
	# A filter without programs for data changes nothing for data.
	chain add parity-hidden > /dev/null
	no_data_requests cmp "$VIEW/out" "$LOWER/out"
}

# Several processes have the file open in different modes; each sees at once what another has
# written.
each_openers_see_each_others_writes() {
	local f
	for f in data-cipher data-cipher-cached; do
		filtered_view $f
		head -c 4096 /dev/zero | tr '\0' a > "$VIEW/f"
		holder reader hold r "$VIEW/f"
		holder writer hold w "$VIEW/f"
		says '4096|4096 dddddddddddddddd' rw+direct "$VIEW/f" 'fill 0 4096 d' 'pread 0 4096'
		says '4 dddd|2' rw "$VIEW/f" 'pread 0 4' 'pwrite 1 XY'
		says '4096 dXYddddddddddddd' r+direct "$VIEW/f" 'pread 0 4096'
		says '3|4 dend' rw+append "$VIEW/f" 'write end' 'pread 4095 4'
		says '5 dXYdd' r+sync "$VIEW/f" 'pread 0 5'
		release reader
		release writer
		unview
		rm "$LOWER/f"
	done
}

# A filter that must see each caller ends the page cache that an earlier filter allowed.
each_new_filter_drops_the_page_cache() {
	need_filters
	lower ext4
	echo text > "$LOWER/f"
	view -o cache=none -F data-log,name=first -F data-cipher-cached,name=old
	chain remove first > /dev/null
	cat "$VIEW/f" > "$T/as-cipher"
	holder early hold r "$VIEW/f"
	with old data-log,name=old
	equal "$(cat "$VIEW/f")" text "what is below, without the cipher"
	requests READ cat "$VIEW/f"
	check test "$N" -ge 1
	release early
	with old data-cipher-cached,name=old
	check cmp "$VIEW/f" "$T/as-cipher"
}
