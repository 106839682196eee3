#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# manual.sh PENSTOCK ROOT: penstock(1) has every command and mount option that the program has,
# penstock-filters(7) every operation of PST_OPS and a section for each ready-made filter,
# libpenstock(3) every function of the library, and docs/from-libfuse.md every callback.
set -u
penstock=$1 page=$2/man/penstock.1.scd bad=0

# has NAME PATTERN: whether the page has a line that fits; says so where not.
has() {
	grep -qE "$2" "$page" && return
	echo "$page: \"$1\" is missing"
	bad=1
}

commands=$("$penstock" --help | sed -n 's/^  \([a-z]*\) .*/\1/p')
words=$("$penstock" filter --help | sed -n 's/^  \([a-z]*\) .*/\1/p')
options=$("$penstock" mount --help=all |
	sed -n '/^Options,/,/^Options of/s/^  \([^ =]*\)[= ].*/\1/p')
if [ -z "$commands" ] || [ -z "$words" ] || [ -z "$options" ]; then
	echo "the program's help has another form"
	exit 1
fi
for name in $commands; do has "$name" "^\*penstock $name( |\*)"; done
for name in $words; do has "filter $name" "^\*penstock filter .*$name\*"; done
for name in $options; do has "$name" "\*$name(=|\*)"; done

page=$2/man/penstock-filters.7.scd
operations=$(sed -nE 's/^\tX\(([a-z]+), FUSE_.*/\1/p' "$2/include/penstock/filter.h")
filters=$(sed -nE "s/^\t'([a-z-]+)',\$/\1/p" "$2/filters/meson.build")
if [ -z "$operations" ] || [ -z "$filters" ]; then
	echo "PST_OPS or the list of filters has another form"
	exit 1
fi
for name in $operations; do has "$name" "^$name( |\$)"; done
for name in $filters; do has "$name" "^\*$name\*\$"; done

page=$2/man/libpenstock.3.scd
functions=$(sed 's|/\*.*\*/||; /^ \*/d; /^#/d; /^\t/d; /^static/d' \
	"$2"/include/penstock/{penstock,node,source,tree}.h |
	grep -oE '\bpst_[a-z_]+\(' | tr -d '(')
if [ -z "$functions" ]; then
	echo "the functions of the library's headers have another form"
	exit 1
fi
for name in $functions; do has "$name" "^\*$name\*\("; done

page=$2/docs/from-libfuse.md
callbacks=$(sed -nE 's/^\t[a-z0-9_]+ \(\*([a-z]+)\)\(.*/\1/p' "$2/include/penstock/node.h")
if [ -z "$callbacks" ]; then
	echo "the callbacks of node.h have another form"
	exit 1
fi
for name in $callbacks; do has "$name" "\`$name\`"; done
exit $bad
