#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# headers.sh ROOT COMPILER...: each header compiles alone, the public ones without our macros, also
# as strict C11 and C++17; those for filters as eBPF, as far as there are clang and the headers of
# libbpf.
set -u
cd "$1" || exit 2
shift
bad=0
multiarch=$(gcc -print-multiarch 2> /dev/null)

has_bpf() {
	command -v clang > /dev/null && [ -e /usr/include/bpf/bpf_helpers.h ]
}

# strict HEADER: compiles it as the C and C++ of other programs. The structs of FUSE end in arrays
# of no size, which neither language has.
strict() {
	local pedantic=-Wpedantic
	case $1 in */fuse.h | */filter.h) pedantic='' ;; esac
	echo "#include \"$PWD/$1\"" | "${compiler[@]}" -std=c11 -Wall -Wextra $pedantic -Werror \
		-Iinclude -fsyntax-only -x c - || return
	command -v c++ > /dev/null || { echo "skipped: no C++ compiler for $1"; return 0; }
	echo "#include \"$PWD/$1\"" | c++ -std=c++17 -Wall -Wextra $pedantic -Werror -Iinclude \
		-fsyntax-only -x c++ -
}

compile() { # HEADER
	local flags="-std=gnu11"
	case $1 in
	*.bpf.h)
		has_bpf || { echo "skipped: no clang or libbpf for $1"; return; }
		set -- "$1" clang -target bpf -O2 -Wno-unused-parameter \
			-I"/usr/include/$multiarch" ;;
	include/*)
		strict "$1" || return
		set -- "$1" "${compiler[@]}"
		;;
	*) set -- "$1" "${compiler[@]}" -D_GNU_SOURCE ;;
	esac
	local header=$1
	shift
	echo "#include \"$PWD/$header\"" |
		"$@" $flags -Wall -Wextra -Werror -Iinclude -Isrc -fsyntax-only -x c -
}

compiler=("$@")
while read -r header; do
	compile "$header" || bad=1
done < <(find include src -name '*.h' | sort)
exit $bad
