#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# exports.sh LIBRARY HEADER...: the library exports the functions that the headers declare, no more
# and no fewer. An exported function has to stay.
set -u
library=$1
shift
names=$(nm -D --defined-only "$library")
exported=$(awk '$2 == "T" { sub(/@.*/, "", $3); print $3 }' <<< "$names" | sort)
others=$(awk '$2 != "T" && $2 != "A" { print $3 }' <<< "$names")
declared=$(sed 's|/\*.*\*/||; /^ \*/d; /^#/d; /^\t/d; /^static/d' "$@" |
	grep -oE '\bpst_[a-z_]+\(' | tr -d '(' | sort -u)

diff <(echo "$declared") <(echo "$exported") && [ -z "$others" ] && [ -n "$declared" ] && exit 0
echo "< declared, > exported; data that must not be: ${others:-none}"
exit 1
