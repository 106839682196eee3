# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# Counts the requests that the kernel sends for one operation and compares them with the table of
# tools/requests/rows.c. A reply with a wrong timeout causes a request too many or too few.

each_operations_cause_expected_requests() {
	real || skip "there is no daemon that counts"
	lower ext4
	alone
	local cache args=() served=()
	passing || served=(--served)
	for cache in exclusive auto ttl=1 none lean; do
		mkdir "$LOWER/$cache"
		check "$TOOLS/requests" make "$LOWER/$cache"
		if [ $cache = lean ]; then
			view -o cache=exclusive,xattr=off,opendir=off "$LOWER/$cache"
			ls -l "$VIEW/files" > /dev/null # answered once, the kernel asks no more
		else
			view -o "cache=$cache" "$LOWER/$cache"
		fi
		args+=("$cache=$VIEW")
	done
	timeout 50 "$TOOLS/requests" "${served[@]}" "$PENSTOCK" "${args[@]}" > "$T/counted" 2>&1
	echo "status $?" >> "$T/counted"
	take_results < <(grep -v '^status' "$T/counted")
	grep -q '^status [01]$' "$T/counted" ||
		fail "counting ended badly: $(tail -n 2 "$T/counted")"
}
