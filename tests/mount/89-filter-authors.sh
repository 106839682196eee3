# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# The templates of `penstock filter new` and the examples of docs/filters.md compile and work
# unchanged.

# Works in an empty directory, so that only the files that the page names exist.
begin() {
	need_filters
	cd "$T" || fail cd
	check "$PENSTOCK" filter new mine > "$T/said"
	cd mine || fail "no directory"
}

# The case has its own copy of the program, so it names the directory of the headers. Warnings count
# as errors.
build() { # [TARGET...]
	make -s CLANG='clang -Werror' INCLUDE="$(realpath "$TESTS/../../include")" "$@"
}

once_new_filter_builds_and_passes_its_test() {
	begin
	check test -x test.sh
	check build
	check build check > "$T/said"
	check grep -q 'pre/rename .*before rename' "$T/said"
	build test > "$T/said" 2>&1 || fail "its test fails: $(cat "$T/said")"
	equal "$(grep -c '^ok ' "$T/said")" 5 "tests of it that pass"
	refused 'cannot be a filter.s name' "$PENSTOCK" filter new ../mine
	cd ..
	refused 'exists and is not changed' "$PENSTOCK" filter new mine
}

# Writes each block of C of the page to a file with the number of the block.
write_blocks() {
	awk '
		/^```c$/ { file = ++n ".bpf.c"; next }
		/^```$/ { file = "" }
		file { print > file }' "$TESTS/../../docs/filters.md"
}

once_examples_of_the_filters_page_work() {
	local i
	begin
	write_blocks
	equal "$(find . -name '[0-9].bpf.c' | wc -l)" 7 "blocks of C in docs/filters.md"
	# The last block is a program that the verifier refuses; the page shows no more of it.
	sed -i '1i #include <penstock/filter.bpf.h>\nPST_FILTER(0, "wrong");' 7.bpf.c
	for i in 1 2 3 4 5 6 7; do check build $i.bpf.o; done
	refused 'call->data_len - 1. = .!.;.*no known bound' "$PENSTOCK" filter check ./7.bpf.o

	lower ext4
	cp /bin/true "$LOWER/true"
	echo hello | tee "$LOWER/a.txt" > "$LOWER/b.c"
	ln -s /usr/share/doc "$LOWER/doc"
	view -F ./1.bpf.o -F ./2.bpf.o,bytes=10M -F ./3.bpf.o,levels=2 -F './4.bpf.o,names=*.txt' \
		-F ./5.bpf.o,from=/usr/,to=/srv/image/usr/ -F ./6.bpf.o
	act try chmod "$VIEW/b.c" 755 > /dev/null
	equal "$(stat -c %a "$VIEW/b.c")" 644
	equal "$(stat -f -c '%b %S' "$VIEW" | awk '{ print $1 * $2 }')" 10485760
	answers 0 mkdir "$VIEW/1"
	answers 0 mkdir "$VIEW/1/2"
	answers EPERM mkdir "$VIEW/1/2/3"
	equal "$(cat "$VIEW/a.txt" "$VIEW/b.c" | tr '\n' ' ')" 'HELLO hello '
	equal "$(readlink "$VIEW/doc")" /srv/image/usr/share/doc
	check "$VIEW/true"
	check cat "$VIEW/true" > /dev/null
	equal "$(counted executed)" 1 "files that were executed"
}

# Prints the sum of the values in a hash map that no filter of another view has.
counted() { # MAP
	command -v bpftool > /dev/null || { echo 1; return; }
	bpftool -j map dump name "$1" | grep -o '"value":[0-9]*' |
		awk -F: '{ n += $2 } END { print n + 0 }'
}

# ---- what objects and files say
# -------------------------------------------------------------------

# Succeeds if a text has no control characters but newlines.
is_plain() { # FILE
	! LC_ALL=C grep -q '[^[:print:][:blank:]]' "$1"
}

# The description in an object, a file name and a value are printed so that they cannot act as
# terminal commands.
once_texts_of_filters_do_not_control_the_terminal() {
	local escape=$'\033]0;title\007\033[2J' file
	begin
	cat > words.bpf.c <<- 'END'
		#include <penstock/filter.bpf.h>
		#define ESCAPE "\033]0;title\007\033[2J\302\233m"
		PST_FILTER(0, "a" ESCAPE "\nb");
		PST_OPTION(char, text[64], "c" ESCAPE "\nd") = "e" ESCAPE "\nf";
		PST_POST(read, call)
		{
		#ifdef WRONG
			call->data[call->data_len] = text[0];
		#endif
			return text[0] ? PST_PASS : -EIO;
		}
	END
	check build words.bpf.o
	"$PENSTOCK" filter check ./words.bpf.o > "$T/said" || fail "cannot check it"
	check grep -qF '/words.bpf.o: a\033]0;title\007\033[2J\302\233m\012b' "$T/said"
	check is_plain "$T/said"
	equal "$(wc -l < "$T/said")" 11 "lines that are said of it"

	# The filter has more options than a report has room for. The report has the first ones, and
	# no bytes beyond its memory are printed.
	{
		printf '#include <penstock/filter.bpf.h>\nPST_FILTER(0, "many");\n'
		printf 'PST_OPTION(__u32, o%d, "one of many");\n' {1..40}
		printf 'PST_PRE(open, call)\n{\n\treturn o1 + o40 ? -EIO : PST_PASS;\n}\n'
	} > many.bpf.c
	check build many.bpf.o
	"$PENSTOCK" filter check ./many.bpf.o > "$T/said" || fail "cannot check it"
	check is_plain "$T/said"
	equal "$(grep -c '  integer  0  *one of many$' "$T/said")" 32 "options that are shown"
	equal "$(wc -l < "$T/said")" 42 "lines that are said of it"

	# A message has one line, whatever names it contains.
	for file in "./none$escape"$'\n.o' "words$escape"$'\nx'; do
		check not "$PENSTOCK" filter check "$file" 2> "$T/said"
		check is_plain "$T/said"
		equal "$(wc -l < "$T/said")" 1 "lines of an error"
	done
	sed -i "s,#ifdef WRONG,#if 1,; s,= text,= /*$escape*/ text," words.bpf.c
	check build words.bpf.o
	check not "$PENSTOCK" filter check ./words.bpf.o 2> "$T/said"
	check grep -q '; call->data.call->data_len. = /.?.0;title??.2J./ text' "$T/said"
	check is_plain "$T/said"

	lower ext4
	file=$LOWER/$escape
	echo text > "$file"
	view
	exec 7< "$VIEW/$escape"
	chain add $'mask,fill=\033,names=*\033*:\\\nx' > "$T/said"
	passing && check grep -qF '/\033]0;title' "$T/said"
	refused 'only root' as 65534 "$PENSTOCK" filter list "$VIEW"
	chain list >> "$T/said"
	exec 7<&-
	check grep -qF 'names=*\033*:\\012x' "$T/said"
	check is_plain "$T/said"
}
