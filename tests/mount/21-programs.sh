# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# Programs and shared libraries in the view.

program_tree() {
	lower ext4
	cp "$TOOLS/act" "$LOWER/program"
	cp /bin/sleep "$LOWER/sleep"
	printf '#!/bin/sh\necho from the script\n' > "$LOWER/script"
	chmod 755 "$LOWER/script"
	view "$@"
}

run_program() { [ "$("$VIEW/program" try stat /)" = 0 ]; }

each_program_and_script_execute() {
	program_tree
	no_data_requests run_program
	equal "$("$VIEW/script")" "from the script"
	equal "$(as 1000 "$VIEW/program" try stat /)" 0
	equal "$(as 1000 "$VIEW/script")" "from the script"
	chmod 644 "$VIEW/script"
	equal "$(act try exec "$VIEW/script")" EACCES
}

each_shared_library_loads() {
	local library
	library=$(ldd "$TOOLS/act" | grep -o '/[^ ]*libc\.so[^ ]*' | head -n 1)
	[ -n "$library" ] || skip "no shared C library"
	program_tree
	cp "$(dirname "$library")/libm.so.6" "$LOWER/libtest.so" || skip "no libm"
	no_data_requests load_library
}

load_library() { [ "$(act load "$VIEW/libtest.so")" = loaded ]; }

# A running program cannot be written to, and a program that is open for writing cannot be executed.
each_running_program_cannot_be_written() {
	program_tree
	"$VIEW/sleep" infinity &
	local pid=$!
	becomes "$VIEW/sleep" readlink "/proc/$pid/exe"
	equal "$(act try write "$VIEW/sleep")" ETXTBSY "writing what runs"
	equal "$(act try truncate "$VIEW/sleep" 0)" ETXTBSY "truncating what runs"
	equal "$(act try read "$VIEW/sleep")" 0 "reading what runs"
	kill $pid
	wait $pid 2> /dev/null
	equal "$(act try write "$VIEW/sleep")" 0 "writing what ran"
	holder writer hold w "$VIEW/sleep"
	equal "$(act try exec "$VIEW/sleep")" ETXTBSY "running what is written"
	release writer
	equal "$("$VIEW/sleep" 0; echo $?)" 0 "running what was written"
}

# A program that is replaced while it runs continues; the next execve(2) starts the new one.
each_replaced_program_keeps_running() {
	program_tree -o cache=none
	"$VIEW/sleep" 1 &
	local pid=$!
	cp /bin/true "$VIEW/new"
	mv "$VIEW/new" "$VIEW/sleep"
	equal "$("$VIEW/sleep" nonsense; echo $?)" 0 "the new one"
	wait $pid || fail "the running program was disturbed"
}

# A compiler writes many files, closes them, reads them again and executes the result.
each_compiler_works_in_the_view() {
	command -v cc > /dev/null || skip "no compiler"
	lower ext4
	view
	local i
	for i in 1 2 3 4 5; do
		printf 'int f%d(void) { return %d; }\n' $i $i > "$VIEW/f$i.c"
	done
	printf 'int f1(void), f5(void);\nint main(void) { return f1() + f5() - 6; }\n' \
		> "$VIEW/main.c"
	(cd "$VIEW" && TMPDIR=$VIEW cc -o main ./*.c) || fail "cc"
	check "$VIEW/main"
	same
}
