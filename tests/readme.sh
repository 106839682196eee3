#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# readme.sh ROOT COMPILER...: README's C programs compile as they are shown, without a warning.
set -u
root=$1 n=0 bad=0
shift
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
awk -v dir="$dir" '/^```c$/ { n++; inside = 1; next } /^```/ { inside = 0 }
	inside { print > (dir "/" n ".c") }' "$root/README.md"
for program in "$dir"/*.c; do
	[ -e "$program" ] || break
	n=$((n + 1))
	"$@" -Wall -Wextra -Werror -I"$root/include" -fsyntax-only "$program" || bad=1
done
[ $n != 0 ] || { echo "README shows no program"; exit 1; }
exit $bad
