#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# headers.sh ROOT COMPILER...: each header compiles alone, the public ones without our macros.
set -u
cd "$1" || exit 2
shift
bad=0
while read -r header; do
	case $header in
	include/*) flags="-std=gnu11" ;;
	*) flags="-std=gnu11 -D_GNU_SOURCE" ;;
	esac
	# shellcheck disable=SC2086
	echo "#include \"$PWD/$header\"" |
		"$@" $flags -Wall -Wextra -Werror -Iinclude -Isrc -fsyntax-only -x c - || bad=1
done < <(find include src -name '*.h' | sort)
exit $bad
