#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# performance.sh ROOT: the tables and charts of docs/performance.md are those that bench/run makes
# of docs/performance.json, and bench/kernel/run of docs/performance-kernel.json.
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cp "$1"/docs/performance* "$dir"
"$1/bench/run" --from "$dir/performance.json" --docs "$dir" > /dev/null
"$1/bench/kernel/run" --from "$dir/performance-kernel.json" --docs "$dir" > /dev/null
for page in performance.md performance.svg performance-variants.svg; do
	diff "$1/docs/$page" "$dir/$page" || {
		echo "docs/$page differs: run bench/run or bench/kernel/run --from --docs docs"
		exit 1
	}
done
