#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# format.sh ROOT: clang-format would change no C or C++ file. Each of its versions formats a little
# differently, so only version 14 is run.
version=$(clang-format --version 2> /dev/null | grep -oE '[0-9]+' | head -n 1)
[ "$version" = 14 ] ||
	{ echo "clang-format is ${version:-not installed}, it has to be version 14"; exit 77; }
cd "$1" || exit 2
echo 'int  a;' | clang-format --dry-run -Werror 2> /dev/null &&
	{ echo "format.sh is broken: clang-format finds nothing"; exit 2; }
find src include filters examples tests bench share kmod \
	\( -name '*.[ch]' -o -name '*.cc' \) -print0 |
	xargs -0 -P 2 -n 50 clang-format --dry-run -Werror
