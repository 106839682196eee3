# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# Who writes a filter: what `penstock filter new` makes, and what docs/filters.md teaches, both as they
# stand.

# In a directory of its own, so that nothing is found but what the page says.
begin() {
	need_filters
	cd "$T" || fail cd
	check "$PENSTOCK" filter new mine > "$T/said"
	cd mine || fail "no directory"
}

# The program of a case lies elsewhere than its headers. Warnings are mistakes here.
build() { # [TARGET...]
	make -s CLANG='clang -Werror' INCLUDE="$(realpath "$TESTS/../../include")" "$@"
}

once_skeleton() {
	begin
	check test -x test.sh
	check build
	check build check > "$T/said"
	check grep -q 'pre/rename .*before rename' "$T/said"
	build test > "$T/said" 2>&1 || fail "its test fails: $(cat "$T/said")"
	equal "$(grep -c '^ok ' "$T/said")" 5 "tests of it that pass"
	refused 'will not do' "$PENSTOCK" filter new ../mine
	cd ..
	refused 'stays as it is' "$PENSTOCK" filter new mine
}

# The page's blocks of C, each in a file of the number that it has there.
write_blocks() {
	awk '
		/^```c$/ { file = ++n ".bpf.c"; next }
		/^```$/ { file = "" }
		file { print > file }' "$TESTS/../../docs/filters.md"
}

once_taught() {
	local i
	begin
	write_blocks
	equal "$(find . -name '[0-9].bpf.c' | wc -l)" 7 "blocks of C in docs/filters.md"
	# The last is one that the verifier refuses; it has only the program.
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

# The values in a map of hash kind that no filter of another view has, added up.
counted() { # MAP
	command -v bpftool > /dev/null || { echo 1; return; }
	bpftool -j map dump name "$1" | grep -o '"value":[0-9]*' | awk -F: '{ n += $2 } END { print n + 0 }'
}
