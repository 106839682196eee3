# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# Sources: hollow files are filled when they are first needed. examples/lazytar.c is an ordinary
# source, faulty-source.c one that waits, fails and lies as the tags of the files say.

# shellcheck source=hollow.sh
. "$TESTS/hollow.sh"

# A tree with all kinds of files, in $T/tree and as $T/a.tar.
make_archive() { # FORMAT
	local deep name=dddddddddddddddddddd
	deep=$name/$name/$name/$name/$name/$name/$name/$name
	mkdir -p "$T/tree/$deep" "$T/tree/empty"
	cp -a "$TESTS/tools" "$T/tree/"
	echo deep > "$T/tree/$deep/file"
	: > "$T/tree/nothing"
	touch -d 2001-02-03T04:05:06 "$T/tree/nothing"
	pattern 3000000 > "$T/tree/big"
	ln -s big "$T/tree/link"
	mkfifo -m 640 "$T/tree/pipe"
	mknod "$T/tree/null" c 1 3
	install -m 4755 /bin/true "$T/tree/set-id"
	chown -R 1000:1001 "$T/tree/tools"
	chmod 700 "$T/tree/empty"
	touch -d 1999-01-01 "$T/tree/tools" "$T/tree/big"
	tar -C "$T/tree" --format="$1" -cf "$T/a.tar" .
}

# All but the root, which exists before the archive is read.
list_tree() { # DIR
	(cd "$1" && find . -mindepth 1 -printf '%p %y %m %U:%G %s %T@ %l\n' | grep -v ' d ' &&
		find . -mindepth 1 -type d -printf '%p %m %U:%G %T@\n') | sort
}
same_as_extracted() { # DIR
	diff <(list_tree "$TWIN") <(list_tree "$1") || fail "names or attributes differ"
	(cd "$TWIN" && find . -type f -print0 | xargs -0 sha256sum) > "$T/sums"
	(cd "$1" && sha256sum --quiet -c "$T/sums") || fail "content differs"
	diff <(list_tree "$TWIN") <(list_tree "$1") || fail "attributes differ after reading"
}

each_archive_looks_as_tar_extracts_it() {
	local format
	for format in gnu pax; do
		lower ext4
		rm -rf "$T/tree"
		make_archive $format
		tar -C "$TWIN" -xpf "$T/a.tar"
		lazytar_view
		same_as_extracted "$VIEW"
		unview
		grep -q 'fetched [1-9]' "$T/daemon$((N_VIEWS - 1)).log" ||
			fail "nothing was fetched"
		equal "$(getfattr -R -m 'penstock.(hollow|filling)' "$LOWER" 2> /dev/null)" "" marks
		lazytar_view
		same_as_extracted "$VIEW"
		unview
		grep -q 'listed 0 directories, fetched 0 files' "$T/daemon$((N_VIEWS - 1)).log" ||
			fail "the second run: $(cat "$T/daemon$((N_VIEWS - 1)).log")"
	done
}

# Only the used files are fetched, and reads after the first open are no requests.
each_build_inside_an_archive_is_right() {
	local i
	command -v "${CC:-cc}" > /dev/null && command -v make > /dev/null || skip "no compiler"
	lower ext4
	mkdir -p "$T/tree/sub" "$T/tree/unused"
	for i in 1 2 3; do
		echo "int f$i(void) { return $i; }" > "$T/tree/sub/f$i.c"
		echo text > "$T/tree/unused/$i"
	done
	echo 'int f1(void); int f2(void); int f3(void);
int main(void) { return f1() + f2() + f3(); }' > "$T/tree/main.c"
	printf 'prog: main.c $(wildcard sub/*.c)\n\t%s -o $@ $^\n' "${CC:-cc}" > "$T/tree/Makefile"
	touch -d 2001-02-03 "$T"/tree/*.c "$T"/tree/sub/*
	tar -C "$T/tree" -cf "$T/a.tar" .
	lazytar_view
	check make -s -C "$VIEW"
	"$VIEW/prog"
	equal $? 6 "status of the program"
	check make -q -C "$VIEW"
	unview
	grep -q 'fetched 5 files' "$T/daemon$((N_VIEWS - 1)).log" ||
		fail "$(cat "$T/daemon$((N_VIEWS - 1)).log")"
}

# A part of this project, unpacked by the view as the compiler reads it.
once_build_of_a_real_tree_has_the_same_bytes_as_in_a_plain_directory() {
	command -v "${CC:-cc}" > /dev/null && command -v make > /dev/null || skip "no compiler"
	lower ext4
	cp -r "$TESTS/../../src" "$TESTS/../../include" "$TWIN"
	cat > "$TWIN/Makefile" <<- 'END'
		CPPFLAGS = -D_GNU_SOURCE -Isrc -Iinclude
		CFLAGS = -std=gnu11
		objects := $(patsubst %.c,%.o,$(sort $(wildcard src/util/*.c src/rules/*.c)))
		library.a: $(objects); $(AR) rcsD $@ $^
	END
	tar -C "$TWIN" -cf "$T/a.tar" .
	lazytar_view
	check make -s -j2 -C "$VIEW" CC="${CC:-cc}"
	check make -s -j2 -C "$TWIN" CC="${CC:-cc}"
	check diff -r "$TWIN/src/util" "$VIEW/src/util"
	check diff -r "$TWIN/src/rules" "$VIEW/src/rules"
	check cmp "$TWIN/library.a" "$VIEW/library.a"
	check make -q -C "$VIEW"
	unview
	# Nothing has looked into other directories.
	check is_hollow src/server
}

# 64 processes open a file, and 64 look into a directory: one call each, and the view serves other
# files meanwhile. As many wait if filters can access requests.
each_readers_wait_for_one_call() { readers_wait 0; }

each_readers_wait_under_filters() {
	need_filters
	readers_wait 1000 hide,names=hidden
}

readers_wait() { # USER [FILTER]
	local i
	lower ext4
	hollow f 100000 "wait=$T/go"
	hollow d dir "wait=$T/go a b/"
	echo text > "$LOWER/other"
	source_view
	[ -z "${2-}" ] || check chain add "$2"
	for i in {1..64}; do
		as "$1" sha256sum "$VIEW/f" > "$T/sum$i" &
		as "$1" stat -c %s "$VIEW/d/a" > "$T/size$i" &
	done
	check within 10 eval '[ "$(calls .)" = 2 ]'
	sleep 0.2
	for i in {1..50}; do
		check timeout 10 sh -c "echo $i >> '$VIEW/other'; cat '$VIEW/other' > /dev/null"
		check timeout 10 mkdir "$VIEW/new$i"
	done
	# The size is that of the whole file, the times are those from before the fill.
	equal "$(timeout 10 stat -c '%s %.9Y' "$VIEW/f")" "100000 1000000000.000000005"
	touch "$T/go"
	check within 20 eval '[ "$(cat "$T"/sum* | wc -l) $(cat "$T"/size* | wc -l)" = "64 64" ]'
	equal "$(cut -d' ' -f1 "$T"/sum* | sort -u)" "$(pattern 100000 | sha256sum | cut -d' ' -f1)"
	equal "$(sort -u "$T"/size*)" 1000
	equal "$(calls '^fetch') $(calls '^list')" "1 1" calls
	right "$LOWER/f" 100000
	within 10 settled f
	no_data_requests cmp "$VIEW/f" "$LOWER/f"
	equal "$(stat -c '%s %.9Y' "$VIEW/f")" "100000 1000000000.000000005"
}

# Removing the mark changes the ctime after the fetch; clients see that.
each_ctime_is_that_of_lower() {
	lower ext4
	hollow f 5000 ""
	source_view
	right "$VIEW/f" 5000
	while ! settled f; do
		stat "$VIEW/f" > /dev/null
		sleep 0.01
	done
	within 10 eval '[ "$(stat -c %.9Z "$VIEW/f")" = "$(stat -c %.9Z "$LOWER/f")" ]'
}

each_names_change_before_there_is_content() {
	lower ext4
	for i in 1 2 3 4; do hollow f$i 5000 ""; done
	hollow d dir "a b/"
	source_view
	check mv "$VIEW/f1" "$VIEW/g1"
	check ln "$VIEW/f2" "$VIEW/g2"
	check chmod 600 "$VIEW/f2"
	check chown 1000:1001 "$VIEW/f2"
	check rm "$VIEW/f3"
	check python3 -c 'import os, sys; os.utime(sys.argv[1], (981158400, 981158400))' "$VIEW/f4"
	check setfattr -n user.x -v y "$VIEW/f4"
	check mv "$VIEW/d" "$VIEW/e"
	check ls -lR "$VIEW" > /dev/null
	equal "$(calls '^fetch')" 0 fetches
	for i in g1 f2 g2 f4; do right "$VIEW/$i" 5000; done
	equal "$(calls '^fetch')" 3 fetches
	equal "$(stat -c '%a %u:%g %h' "$VIEW/g2")" "600 1000:1001 2"
	equal "$(date -r "$VIEW/f4" +%F)" 2001-02-03
	check test ! -e "$LOWER/f3"
	right "$VIEW/e/a" 1000
	right "$VIEW/e/b/c" 1000
	equal "$(calls '^list')" 2 lists
}

# Truncation to nothing needs no content, all other writes do.
each_changes_of_data_fetch_first() {
	lower ext4
	for i in {1..9}; do hollow f$i 5000 ""; done
	source_view
	: > "$VIEW/f1"
	check test ! -s "$VIEW/f1" -a ! -s "$LOWER/f1"
	echo new > "$VIEW/f2"
	equal "$(cat "$VIEW/f2" "$LOWER/f2")" $'new\nnew'
	check python3 -c 'import os, sys; os.truncate(sys.argv[1], 0)' "$VIEW/f3"
	equal "$(stat -c %s "$LOWER/f3")" 0
	equal "$(calls .)" 0 "calls for truncations"
	unview
	source_view
	for i in 1 2 3; do check not is_hollow f$i; done
	equal "$(cat "$VIEW/f2")" new
	check truncate -s 100 "$VIEW/f4"
	right "$VIEW/f4" 100
	echo more >> "$VIEW/f5"
	equal "$(stat -c %s "$LOWER/f5")" 5005
	right <(head -c 5000 "$VIEW/f5") 5000
	check dd of="$VIEW/f6" if=/dev/zero bs=1 count=100 seek=200 conv=notrunc status=none
	cmp <(pattern 5000 | (head -c 200; head -c 100 > /dev/null; head -c 100 /dev/zero; cat)) \
		"$VIEW/f6" || fail "a write into the middle"
	check fallocate -p -o 0 -l 4096 "$VIEW/f7"
	cmp <(head -c 4096 /dev/zero; pattern 5000 | tail -c +4097) "$VIEW/f7" || fail punch
	check cp --reflink=auto "$VIEW/f8" "$VIEW/copy"
	right "$VIEW/copy" 5000
	check truncate -s 6000 "$VIEW/f9"
	right <(head -c 5000 "$VIEW/f9") 5000
	equal "$(calls .)" 6 calls
}

# A truncation that comes during a fetch is after it.
each_truncation_comes_after_a_fetch() {
	local a b
	lower ext4
	hollow f 100000 "wait=$T/go"
	source_view
	cat "$VIEW/f" > /dev/null & a=$!
	check within 10 eval '[ "$(calls .)" = 1 ]'
	sh -c ": > '$VIEW/f'" & b=$!
	sleep 0.1
	touch "$T/go"
	wait $a $b
	check test ! -s "$VIEW/f" -a ! -s "$LOWER/f"
	check not is_hollow f
}

# A change of times during a fetch is after it, and the view never shows the times of the fetch.
each_times_are_those_of_clients() {
	local a b
	lower ext4
	hollow f 100000 "wait=$T/go"
	hollow g 100000 "wait=$T/never"
	source_view
	cat "$VIEW/f" > /dev/null & a=$!
	cat "$VIEW/g" > /dev/null 2>&1 &
	check within 10 eval '[ "$(calls .)" = 2 ]'
	sleep 0.1
	equal "$(stat -c '%.9Y' "$VIEW/f")" 1000000000.000000005 "mtime during the fetch"
	python3 -c 'import os, sys; os.utime(sys.argv[1], (981158400, 981158400))' "$VIEW/f" & b=$!
	sleep 0.1
	touch "$T/go"
	wait $a $b
	equal "$(stat -c %Y "$VIEW/f")" 981158400 "mtime after the fetch"
	# After a kill the file is hollow, has its own times, and keeps new ones.
	kill_view
	check not test "$(stat -c %Y "$LOWER/g")" = 1000000000
	source_view
	equal "$(stat -c '%s %.9Y' "$VIEW/g")" "100000 1000000000.000000005" "after a kill"
	python3 -c 'import os, sys; os.utime(sys.argv[1], (981158400, 981158400))' "$VIEW/g"
	touch "$T/never"
	right "$VIEW/g" 100000
	equal "$(stat -c %Y "$VIEW/g")" 981158400 "mtime after both"
}

# The content may not be on the disk yet, and the file still have its mark. A kill loses nothing; on
# another instance of the file system, as after a power failure, the file is fetched again.
each_complete_file_survives_a_kill() {
	local i
	lower ext4
	for i in {1..5}; do hollow f$i 5000 ""; done
	source_view
	for i in 1 2 3; do right "$VIEW/f$i" 5000; done
	echo more >> "$VIEW/f3"
	check not is_hollow f3
	kill_view
	mark f1
	source_view
	for i in 1 2; do right "$VIEW/f$i" 5000; done
	equal "$(calls ^fetch)" 3 "calls after a kill"
	right "$VIEW/f4" 5000
	for i in 1 2 4; do within 10 settled f$i; done
	right "$VIEW/f5" 5000
	unview
	check not is_hollow f5
}

once_content_that_was_lost_is_fetched_again() {
	real || skip "a bind mount has no source"
	lower ext4
	hollow f 5000 ""
	hollow g 5000 ""
	source_view
	right "$VIEW/f" 5000
	check python3 -c 'import os, sys; os.utime(sys.argv[1], (981158400, 981158400))' "$VIEW/f"
	right "$VIEW/g" 5000
	echo more >> "$VIEW/g"
	kill_view
	mark f
	fallocate -p -o 0 -l 5000 "$LOWER/f"
	touch -d 2001-02-03 "$LOWER/f"
	mkdir "$T/other" "$T/v"
	mount --bind "$LOWER" "$T/other"
	program_view "$EXAMPLES/../tests/faulty-source" "$T/other" {} "$T/calls"
	right "$VIEW/f" 5000
	equal "$(date -r "$VIEW/f" +%F)" 2001-02-03
	equal "$(tail -c 5 "$VIEW/g")" more
	equal "$(calls ^fetch)" 3 calls
}

each_errors_of_the_source_are_those_of_open() {
	lower ext4
	hollow full 5000 "error=28 longer=no"
	hollow late 5000 "error=110"
	hollow quota 5000 "error=122"
	hollow odd 5000 "error=38"
	hollow bad 5000 "error=-7"
	hollow d dir "error=5"
	source_view
	refused 'No space left' cat "$VIEW/full"
	refused 'timed out' cat "$VIEW/late"
	refused 'quota' cat "$VIEW/quota"
	refused 'Input/output' cat "$VIEW/odd"
	refused 'Input/output' cat "$VIEW/bad"
	refused 'Input/output' ls "$VIEW/d"
	refused 'Input/output' stat "$VIEW/d/x"
	refused 'Input/output' rmdir "$VIEW/d"
	equal "$(stat -c '%s %.9Y' "$VIEW/late")" "5000 1000000000.000000005"
	is_hollow late || fail "the mark is gone"
	refused 'timed out' cat "$VIEW/late"
	equal "$(calls error=110)" 2 calls
	# Later opens work once the source does, and what the failed call wrote is gone.
	LOG_MAY='the source.s fetch\(\) returned 7'
	unview
	setfattr -n trusted.penstock.hollow -v "" "$LOWER/late"
	source_view retry_ms=600000
	right "$VIEW/late" 5000
	refused 'No space left' cat "$VIEW/full"
	refused 'No space left' cat "$VIEW/full"
	equal "$(calls error=28)" 2 "calls with retry_ms"
	: > "$VIEW/full"
	check cat "$VIEW/full"
}

each_source_that_changes_the_size_is_refused() {
	lower ext4
	hollow more 5000 longer
	hollow less 5000 shorter
	source_view
	refused 'Input/output' cat "$VIEW/more"
	refused 'Input/output' cat "$VIEW/less"
	for i in more less; do
		equal "$(stat -c '%s %.9Y' "$VIEW/$i")" "5000 1000000000.000000005"
		is_hollow $i || fail "the mark of $i is gone"
	done
	LOG_MAY='has changed the size of a file'
}

# A killed reader does not wait; when nobody waits any more the call is cancelled.
each_killed_readers_cancel_the_call() {
	local a b
	lower ext4
	hollow f 100000 "wait=$T/go"
	source_view
	cat "$VIEW/f" > /dev/null & a=$!
	cat "$VIEW/f" > /dev/null & b=$!
	check within 10 eval '[ "$(calls .)" = 1 ]'
	sleep 0.1
	kill -9 $a
	check within 10 gone $a
	check kill -0 $b
	kill -INT $b # a shell's background job ignores it
	kill -TERM $b
	check within 10 gone $b
	# The call ends, and the next one begins.
	cat "$VIEW/f" > "$T/out" &
	check within 10 eval '[ "$(calls .)" = 2 ]'
	touch "$T/go"
	wait %%
	right "$T/out" 100000
	right "$LOWER/f" 100000
}

each_programs_and_mappings_are_filled() {
	lower ext4
	cp /bin/true "$T/true"
	mkdir "$T/tree"
	cp /bin/true /bin/date "$T/tree/"
	pattern 100000 > "$T/tree/f"
	tar -C "$T/tree" -cf "$T/a.tar" .
	lazytar_view
	check "$VIEW/true"
	check "$VIEW/date" > /dev/null
	check python3 -c 'import mmap, sys
f = open(sys.argv[1], "r+b")
m = mmap.mmap(f.fileno(), 0)
assert m[:] == open(sys.argv[2], "rb").read()
m[0:3] = b"new"
m.flush()' "$VIEW/f" "$T/tree/f"
	equal "$(head -c 3 "$LOWER/f")" new
}

# A regular file appears under its own name, whole: its directory never shows another name.
once_hollow_file_appears_finished() {
	local i n
	lower ext4
	(umask 077; for i in {1..300}; do faulty make "$LOWER" "f$i" 5000 ""; done) & n=$!
	while kill -0 $n 2> /dev/null; do
		ls -f "$LOWER" | grep -q unfinished && fail "an unfinished name"
	done
	equal "$(ls "$LOWER" | wc -l)" 300
	equal "$(stat -c '%a %s %.9Y' "$LOWER/f1")" "644 5000 1000000000.000000005"
	refused 'File exists' faulty make "$LOWER" f1 5000 ""
}

# Files are fetched in the background after their directory was listed, or they were looked up.
each_files_are_fetched_ahead() {
	local i
	lower ext4
	hollow d dir "a b c/"
	for i in f g h; do hollow $i 5000 ""; done
	hollow bad 5000 "error=5"
	source_view when=ahead
	check ls "$VIEW/d" > /dev/null
	within 10 eval '[ "$(calls ^fetch)" = 2 ]'
	check stat "$VIEW/f" > /dev/null
	within 10 eval '[ "$(calls ^fetch)" = 3 ]'
	for i in d/a d/b f; do within 10 settled $i; done
	right "$LOWER/d/a" 1000
	right "$VIEW/d/b" 1000
	right "$VIEW/f" 5000
	equal "$(calls ^fetch) $(calls ^list)" "3 1" calls
	is_hollow g || fail "a file was fetched that nobody has asked for"
	is_hollow d/c || fail "a directory was listed that nobody has asked for"
	# An error in the background is not that of a later open.
	check stat "$VIEW/bad" > /dev/null
	within 10 eval '[ "$(calls ^fetch)" = 4 ]'
	refused 'Input/output' cat "$VIEW/bad"
	check ls "$VIEW" > /dev/null
	for i in g h; do within 10 settled $i; done
}

each_open_joins_a_fetch_ahead() {
	local i a b pids=()
	lower ext4
	for i in {1..20}; do hollow f$i 5000 "wait=$T/go"; done
	hollow g 5000 ""
	source_view when=ahead n_fetches=4
	check ls "$VIEW" > /dev/null
	within 10 eval '[ "$(calls ^fetch)" = 2 ]'
	# Others than the two are fetched at once when they are opened.
	right "$VIEW/g" 5000
	cat "$VIEW/f1" > /dev/null & a=$!
	within 10 eval '[ "$(calls ^fetch)" -ge 3 ]'
	sleep 0.1
	kill $a
	for i in {1..20}; do (right "$VIEW/f$i" 5000) & pids+=($!); done
	sleep 0.1
	check test "$(calls ^fetch)" -le 6
	touch "$T/go"
	for b in "${pids[@]}"; do wait "$b" || fail "a reader"; done
	for i in {1..20}; do within 10 settled f$i; done
	check test "$(calls ^fetch)" -le 23
}

# The end of the view cancels fetches in the background.
once_view_ends_during_a_fetch_ahead() {
	local i
	lower ext4
	for i in {1..20}; do hollow f$i 5000 "wait=$T/never"; done
	source_view when=ahead
	check ls "$VIEW" > /dev/null
	within 10 eval '[ "$(calls ^fetch)" = 8 ]'
	unview
	for i in {1..20}; do is_hollow f$i || fail "the mark of f$i is gone"; done
	equal "$(calls ^fetch)" 8 calls
}

# Processes that open hollow files beside the view wait for the fetch, too.
each_guard_fetches_for_openers_below() {
	local i a
	lower ext4
	for i in f g h i; do hollow $i 5000 ""; done
	hollow slow 5000 "wait=$T/go"
	hollow bad 5000 "error=5"
	hollow d dir "a b/"
	source_view guard
	right "$LOWER/f" 5000
	mkdir "$T/bind"
	mount --bind "$LOWER" "$T/bind"
	right "$T/bind/g" 5000
	check ls "$VIEW/d" > /dev/null
	right "$T/bind/d/a" 1000
	refused 'not permitted' cat "$LOWER/bad"
	refused 'Input/output' cat "$VIEW/bad"
	# Others do not wait for a slow one.
	sha256sum < "$LOWER/slow" > "$T/sum" & a=$!
	within 10 eval '[ "$(calls wait=)" = 1 ]'
	sha256sum < "$VIEW/slow" > "$T/sum2" &
	right "$VIEW/h" 5000
	right "$LOWER/i" 5000
	echo more >> "$LOWER/i"
	check timeout 10 cp "$LOWER/i" "$LOWER/new"
	touch "$T/go"
	wait $a %%
	equal "$(cat "$T/sum" "$T/sum2" | sort -u)" "$(pattern 5000 | sha256sum)"
	equal "$(calls wait=)" 1 calls
	umount "$T/bind"
}

# A hollow directory is listed before an open of it beside the view returns, as a walk does.
each_guard_lists_directories() {
	lower ext4
	hollow d dir "a b/"
	hollow e dir "error=5"
	source_view guard
	equal "$(ls "$LOWER/d")" $'a\nb'
	equal "$(cd "$LOWER" && find d | sort | tr '\n' ' ')" "d d/a d/b d/b/c "
	right "$LOWER/d/b/c" 1000
	equal "$(ls -R "$VIEW/d" | wc -l)" "$(ls -R "$LOWER/d" | wc -l)"
	refused 'not permitted' ls "$LOWER/e"
	equal "$(calls '^list')" 3 calls
}

# The program itself may open files of LOWER's file system, whatever the guard does.
once_guard_holds_its_program_not_up() {
	lower ext4
	hollow f 5000 ""
	echo text > "$FS/text"
	source_view guard opens="$FS/text"
	timeout 20 cat "$LOWER/f" > "$T/out" || fail "the open waits for ever"
	right "$T/out" 5000
}

# A killed process that has waited for the guard is no error.
once_guard_forgets_killed_processes() {
	local a
	lower ext4
	hollow f 5000 "wait=$T/go"
	hollow g 300000 "pieces wait=$T/go"
	source_view guard
	for i in f g; do
		cat "$LOWER/$i" > /dev/null & a=$!
		within 10 eval '[ "$(calls wait=)" -gt 0 ]'
		kill -9 $a
		check within 10 gone $a
		: > "$T/calls"
	done
	touch "$T/go"
	right "$LOWER/f" 5000
	right "$LOWER/g" 300000
	check test ! -s "${VIEW_LOGS[0]}"
}

# Not more processes wait than the program has descriptors for.
once_guard_refuses_too_many_processes() {
	lower ext4
	hollow f 5000 "wait=$T/go"
	echo text > "$LOWER/g"
	source_view guard
	python3 -c 'import sys, threading, os
results = []
def run():
	try:
		os.close(os.open(sys.argv[1], os.O_RDONLY))
		results.append("opened")
	except PermissionError:
		results.append("refused")
threads = [threading.Thread(target=run) for _ in range(1100)]
for thread in threads:
	thread.start()
while len(results) < 76:
	pass
open(sys.argv[2])
open(sys.argv[3], "w")
for thread in threads:
	thread.join()
print(results.count("opened"), results.count("refused"))' "$LOWER/f" "$LOWER/g" "$T/go" > "$T/out"
	equal "$(cat "$T/out")" "1024 76"
}

# The mount is refused where the kernel has no permission events.
once_guard_that_cannot_work_is_refused() {
	lower ext4
	mkdir "$T/v" "$T/system"
	echo 22 > "$T/system/fanotify_mark"
	refused 'guard: the kernel refuses .*Invalid argument.*leave guard out' \
		env LD_PRELOAD="$TOOLS/calls.so" CALLS="$T/system" \
		"$EXAMPLES/../tests/faulty-source" "$LOWER" "$T/v" "$T/calls" guard
	source_view
}

# A process that the kernel lets go on, because the program was killed, sees the mark: it can know
# that the bytes are not there.
once_mark_tells_that_content_is_missing() {
	local a
	lower ext4
	hollow f 5000 "wait=$T/never"
	source_view guard
	python3 -c 'import os, sys
fd = os.open(sys.argv[1], os.O_RDONLY)
print("trusted.penstock.hollow" in os.listxattr(fd), os.read(fd, 1))' "$LOWER/f" > "$T/out" & a=$!
	within 10 eval '[ "$(calls .)" = 1 ]'
	kill_view
	wait $a
	grep -q '^True' "$T/out" || fail "$(cat "$T/out")"
	touch "$T/never"
	source_view guard
	right "$LOWER/f" 5000
	check within 10 settled f
}

# The end of the program, by a kill or not, lets openers go on.
once_guard_that_ends_holds_nobody_up() {
	local a
	lower ext4
	hollow f 5000 "wait=$T/never"
	hollow g 5000 ""
	source_view guard
	cat "$LOWER/f" > /dev/null & a=$!
	within 10 eval '[ "$(calls .)" = 1 ]'
	check kill -0 $a
	kill_view
	within 10 gone $a
	check timeout 10 cat "$LOWER/g" > /dev/null
	is_hollow f || fail "the mark is gone"
	source_view guard
	cat "$LOWER/f" > /dev/null 2>&1 & a=$!
	within 10 eval '[ "$(calls .)" = 2 ]'
	unview
	within 10 gone $a
	source_view guard
	touch "$T/never"
	right "$LOWER/f" 5000
	right "$LOWER/g" 5000
}

# The mark does not exist in the view.
each_mark_is_hidden() {
	lower ext4
	hollow f 5000 ""
	hollow d dir "a"
	source_view
	for i in f d .; do
		refused 'No such attribute' getfattr -n trusted.penstock.hollow "$VIEW/$i"
		refused 'not supported' setfattr -n trusted.penstock.hollow -v x "$VIEW/$i"
		refused 'No such attribute' setfattr -x trusted.penstock.hollow "$VIEW/$i"
		equal "$(getfattr -m - "$VIEW/$i" 2> /dev/null)" ""
	done
	is_hollow f || fail "the mark is gone"
	check setfattr -n trusted.other -v x "$VIEW/f"
	equal "$(getfattr -m - "$VIEW/f" 2> /dev/null | sed -n 2p)" trusted.other
	equal "$(calls .)" 0 calls
}

# The lower file system takes a hollow directory for an empty one.
each_hollow_directories_are_not_empty() {
	lower ext4
	hollow d dir "a"
	hollow e dir "a"
	hollow empty dir ""
	source_view
	mkdir "$VIEW/x"
	refused 'not empty' rmdir "$VIEW/d"
	refused 'not empty|exists' mv -T "$VIEW/x" "$VIEW/e"
	check rmdir "$VIEW/empty"
	check mv -T "$VIEW/x" "$VIEW/y"
	refused 'File exists' mkdir "$VIEW/d/a"
	right "$VIEW/e/a" 1000
}

each_evicted_file_is_fetched_again() {
	lower ext4
	hollow f 3000000 "x"
	source_view
	right "$VIEW/f" 3000000
	check chmod 600 "$VIEW/f"
	check mv "$VIEW/f" "$VIEW/g"
	check ln "$VIEW/g" "$VIEW/h"
	within 10 eval '[ "$(evict 1)" = "0 " ]' || fail "$(tail -n 1 "$T/calls")"
	is_hollow g || fail "not hollow"
	check test "$(stat -c %b "$LOWER/g")" -lt 100
	equal "$(stat -c '%s %.9Y %a %h' "$VIEW/g")" "3000000 1000000000.000000005 600 2"
	right "$VIEW/h" 3000000
	equal "$(calls '^fetch x')" 2 calls
	# As a kill in the middle of an eviction leaves it.
	unview
	source_view
	right "$VIEW/h" 3000000
	equal "$(calls '^fetch x')" 2 calls
}

each_file_in_use_or_changed_is_not_evicted() {
	lower ext4
	for i in f1 f2 f3 f4 f5 f6; do hollow $i 5000 ""; done
	source_view
	for i in f1 f2 f3 f4 f5 f6; do right "$VIEW/$i" 5000; done
	exec 8< "$VIEW/f1" 7< "$LOWER/f2"
	: >> "$VIEW/f3"
	python3 -c 'import os, sys; os.truncate(sys.argv[1], 4000)' "$VIEW/f4"
	echo more >> "$LOWER/f5"
	: > "$VIEW/f6"
	sleep 0.1
	equal "$(evict 6)" "16 16 16 16 16 16 "
	exec 8<&- 7<&-
	right "$VIEW/f1" 5000
	right "$VIEW/f2" 5000
	right "$VIEW/f4" 4000
	equal "$(calls ^fetch)" 6 calls
	within 10 eval '[[ "$(evict 6)" == "0 0 16 16 16 16 " ]]' || fail "$(tail -n 6 "$T/calls")"
}

hollow_files() { # NAME...: prints those that are hollow
	local i
	for i; do is_hollow "$i" && echo -n "$i "; done
	true
}

# Fetched files are evicted at a limit, the one first that was not opened for the longest time.
once_limit_evicts_the_least_recently_opened_file() {
	local i
	lower ext4
	for i in f1 f2 f3 f4 f5 f6 f7; do hollow $i 5000 ""; done
	source_view max_bytes=22000
	for i in f1 f2 f3 f4; do right "$VIEW/$i" 5000; done
	echo more >> "$VIEW/f1"
	exec 8< "$VIEW/f2"
	right "$VIEW/f3" 5000
	right "$VIEW/f5" 5000
	sleep 0.2
	for i in f1 f2 f3 f4 f5; do within 10 settled $i; done
	right "$VIEW/f6" 5000
	# f1 was changed, so it does not count; f2 is open.
	within 10 eval '[ "$(hollow_files f1 f2 f3 f4 f5 f6)" = "f4 " ]'
	right "$VIEW/f4" 5000
	within 10 eval '[ "$(hollow_files f1 f2 f3 f4 f5 f6)" = "f3 " ]'
	exec 8<&-
	equal "$(calls ^fetch)" 7 calls
	right "$VIEW/f7" 5000
	within 10 eval '[ "$(hollow_files f1 f2 f3 f4 f5 f6 f7)" = "f2 f3 " ]'
	equal "$(tail -c 5 "$VIEW/f1")" more
	for i in f2 f3 f4 f5 f6 f7; do right "$VIEW/$i" 5000; done
}

# The order of evictions is that of the opens in earlier views, too.
once_limit_knows_earlier_opens() {
	local i
	lower ext4
	for i in f1 f2 f3 f4 f5; do hollow $i 5000 ""; done
	source_view
	for i in f3 f1 f4 f2; do right "$VIEW/$i" 5000; sleep 0.02; done
	unview
	source_view max_bytes=16000
	cat "$VIEW/f4" > /dev/null
	within 10 eval '[ "$(hollow_files f1 f2 f3 f4)" = "f3 " ]'
	right "$VIEW/f5" 5000
	within 10 eval '[ "$(hollow_files f1 f2 f3 f4 f5)" = "f1 f3 " ]'
	unview
	source_view
	for i in f1 f2 f3 f4 f5; do right "$VIEW/$i" 5000; done
	equal "$(calls ^fetch)" 7 calls
}

# A file on another file system, mounted inside LOWER, may have the same inode number.
once_limit_tells_file_systems_apart() {
	local i outer
	lower ext4
	outer=$LOWER
	lower ext4 32
	mkdir "$outer/mount"
	mount --bind "$LOWER" "$outer/mount"
	for i in {1..20}; do : > "$LOWER/$i"; done
	LOWER=$outer
	for i in f1 f2 f3 f4; do hollow $i 5000 ""; done
	for i in {1..20}; do
		[ "$(stat -c %i "$LOWER/mount/$i")" = "$(stat -c %i "$LOWER/f1")" ] && break
	done
	equal "$(stat -c %i "$LOWER/mount/$i")" "$(stat -c %i "$LOWER/f1")" "inode number"
	source_view max_bytes=16000
	for i in f1 f2 f3 mount/$i f4; do cat "$VIEW/$i" > /dev/null; done
	within 10 eval '[ "$(hollow_files f1 f2 f3 f4)" = "f1 " ]' ||
		fail "evicted $(hollow_files f1 f2 f3 f4)"
	unview
	umount "$LOWER/mount"
}

once_limit_names_a_file_that_it_cannot_evict() {
	local i
	lower ext4
	mkdir "$LOWER/d"
	for i in d/f1 f2 f3 f4; do hollow $i 5000 ""; done
	source_view max_bytes=11000
	right "$VIEW/d/f1" 5000
	within 10 settled d/f1
	chattr +i "$LOWER/d/f1" || skip "no immutable files"
	for i in f2 f3; do right "$VIEW/$i" 5000; done
	check within 10 grep -q "cannot evict 'd/f1' of LOWER" "${VIEW_LOGS[0]}"
	within 10 eval '[ "$(hollow_files d/f1 f2 f3)" = "f2 " ]'
	right "$VIEW/f4" 5000
	within 10 eval '[ "$(hollow_files d/f1 f2 f3 f4)" = "f2 f3 " ]'
	equal "$(grep -c 'cannot evict' "${VIEW_LOGS[0]}")" 1 "messages"
	chattr -i "$LOWER/d/f1"
	LOG_MAY='cannot evict'
}

# The memory of a view does not grow with the number of files that were ever opened.
slow_limit_keeps_no_file_for_ever() {
	local before after
	lower tmpfs
	source_view max_bytes=1000000
	open_files() { # N
		python3 -c 'import os, sys
for i in range(int(sys.argv[2])):
	os.mknod(sys.argv[1])
	os.close(os.open(sys.argv[1], os.O_RDONLY))
	os.unlink(sys.argv[1])' "$VIEW/f" "$1"
	}
	open_files 80000
	before=$(sed -n 's/^RssAnon:\s*\([0-9]*\).*/\1/p' "/proc/${VIEW_PIDS[0]}/status")
	open_files 80000
	after=$(sed -n 's/^RssAnon:\s*\([0-9]*\).*/\1/p' "/proc/${VIEW_PIDS[0]}/status")
	check test $((after - before)) -lt 2000
}

# Readers and evictions at the same time: no reader sees a hole.
each_evictions_cross_opens() {
	local i n pids=()
	lower ext4
	for i in 1 2 3; do hollow f$i 100000 ""; done
	pattern 100000 > "$T/want"
	source_view
	for n in 1 2 3 4; do
		for i in {1..100}; do
			cmp "$T/want" "$VIEW/f$((i % 3 + 1))" || echo "$n $i" >> "$T/wrong"
		done &
		pids+=($!)
	done
	while kill -HUP "${VIEW_PIDS[0]}" && [ ! -e "$T/done" ]; do sleep 0.01; done & n=$!
	wait "${pids[@]}"
	touch "$T/done"
	wait $n
	check test ! -e "$T/wrong"
	check test "$(calls ^fetch)" -gt 3
}

once_read_only_view_is_filled() {
	lower ext4
	hollow f 5000 ""
	source_view ro
	right "$VIEW/f" 5000
	refused 'Read-only' touch "$VIEW/f"
	refused 'Read-only' touch "$VIEW/new"
}

once_lower_that_cannot_be_filled_is_refused() {
	real || skip "a bind mount has no source"
	lower ramfs
	mkdir "$T/v"
	refused 'trusted' faulty "$LOWER" "$T/v" "$T/calls"
	lower ext4
	mount -o remount,ro "$FS"
	refused 'read-only' faulty "$LOWER" "$T/v" "$T/calls"
	mount -o remount,rw "$FS"
	refused 'CAP_SYS_ADMIN' unshare -Urm "$EXAMPLES/../tests/faulty-source" "$LOWER" "$T/v" \
		"$T/calls"
	source_view
	refused 'another view' faulty "$LOWER" "$T/v" "$T/calls"
}

is_locked() { ! flock -n "$LOWER" true; }
claims() {
	getfattr -m 'trusted.penstock.source' "$LOWER" 2> /dev/null | grep -c trusted
}

# One view with a source has a LOWER, and no lock of an ordinary user is in the way.
once_one_source_fills_a_lower() {
	local user
	lower ext4
	mkdir "$T/v"
	setpriv --reuid 1000 --regid 1000 --clear-groups flock -F "$LOWER" sleep 1000 & user=$!
	within 10 is_locked
	source_view
	refused 'another view' faulty "$LOWER" "$T/v" "$T/calls"
	mkdir "$T/bind"
	mount --bind "$LOWER" "$T/bind"
	refused 'another view' faulty "$T/bind" "$T/v" "$T/calls"
	equal "$(claims)" 1 claims
	kill_view
	equal "$(claims)" 1 "claims after a kill"
	source_view
	equal "$(claims)" 1 claims
	unview
	equal "$(claims)" 0 "claims afterwards"
	# A copy of LOWER may have the claim, too.
	source_view
	cp -a --preserve=all "$LOWER" "$FS/copy"
	LOWER=$FS/copy
	equal "$(claims)" 1 "claims of the copy"
	source_view
	kill $user
	umount "$T/bind"
}

# Processes of another PID namespace cannot be seen; these are told apart by a lock.
once_one_source_of_all_namespaces_fills_a_lower() {
	local other user
	lower ext4
	mkdir "$T/v" "$T/w"
	unshare -fp --kill-child --mount-proc "$EXAMPLES/../tests/faulty-source" "$LOWER" "$T/v" \
		"$T/calls" > "$T/other" 2>&1 & other=$!
	within 10 eval '[ "$(claims)" = 1 ]' || fail "$(cat "$T/other")"
	refused 'another PID namespace' faulty "$LOWER" "$T/w" "$T/calls"
	kill -9 $other
	wait $other 2> /dev/null
	equal "$(claims)" 1 "claims after a kill"
	within 10 flock -n "$LOWER" true
	flock -F "$LOWER" sleep 1000 & user=$!
	within 10 is_locked
	refused 'setfattr -x trusted.penstock.source' faulty "$LOWER" "$T/w" "$T/calls"
	kill $user
	within 10 flock -n "$LOWER" true
	source_view
	equal "$(claims)" 1 claims
}

# A view ends although a call of its source ignores that it is cancelled.
once_view_ends_with_a_call_that_does_not() {
	local a b
	lower ext4
	hollow f 5000 "deaf=1500"
	hollow g 5000 "wait=$T/never"
	source_view
	cat "$VIEW/f" > /dev/null 2>&1 & a=$!
	cat "$VIEW/g" > /dev/null 2>&1 & b=$!
	check within 10 eval '[ "$(calls .)" = 2 ]'
	refused busy umount "$VIEW"
	umount -l "$VIEW"
	echo 1 > "/sys/fs/fuse/connections/${VIEW_NUMBERS[0]}/abort"
	wait $a $b
	unset 'VIEW_DIRS[0]'
	daemon_ended 0 0
	is_hollow g || fail "the mark is gone"
	source_view
	right "$VIEW/f" 5000
}

once_killed_source_leaves_no_wrong_byte() { kill_source 20; }
LIMIT[killed_500_times]=590
slow_killed_500_times() { kill_source 500; }
