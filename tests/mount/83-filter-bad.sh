# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# A filter that breaks the rules makes the operation fail with EIO, is counted and is logged once;
# the view continues. tests/engine/22-filter-results.c breaks every rule; these cases break one of
# each kind with eBPF programs.

# Runs COMMAND, which the filter "bad" spoils. The command fails with EIO, the run is counted, and
# the log has one line for each filter. With a WANT of 0 the command succeeds, and only the count
# shows the fault.
spoiled() { # FILTER WHAT PROGRAM WANT COMMAND...
	local filter=$1 what=$2 program=$3 want=$4 lines said
	shift 4
	spoils() { view_log | grep -c "filter $filter: its program $program"; }
	with "$filter" "$filter,what=$what"
	lines=$(spoils)
	said=$("$@" 2>&1 | tail -n 1)
	case $said in
	*"Input/output error") said=EIO ;;
	esac
	if [ "$said" != "$want" ]; then
		fail -n "$what" "'$*' came to '$said', should be '$want'"
	elif [ "$(ran bad "$filter" "$program")" = 0 ]; then
		fail -n "$what" "not counted"
	elif [ "$(spoils)" != \
		$((lines + 1)) ]; then
		fail -n "$what" "not one line in the log"
	elif ! timeout 5 stat -f "$VIEW" > /dev/null; then
		fail -n "$what" "the view has ended"
	else
		ok "$what"
	fi
	# A second run is counted and not logged.
	"$@" > /dev/null 2>&1
	[ "$(spoils)" -le \
		$((lines + 1)) ] ||
		fail -n "$what" "logged twice"
}

each_bad_verdict_becomes_eio() {
	LOG_MAY='filter bad: its program'
	filtered_view bad
	local what
	for what in five serve symlink-slash target-long done-entry; do
		spoiled bad $what pre/symlink EIO act try symlink "$VIEW/link" text
		check test ! -L "$LOWER/link"
	done
	for what in name-done name-five name-held; do
		spoiled bad $what name EIO act try mkdir "$VIEW/dir"
		check test ! -e "$LOWER/dir"
	done
	for what in post-five late-in entry-node; do
		spoiled bad $what post/symlink EIO act try symlink "$VIEW/link-$what" text
	done
	with bad pass
	same
}

each_bad_name_becomes_eio() {
	LOG_MAY='filter bad: its program'
	filtered_view bad
	mkdir "$LOWER/a" "$LOWER/d"
	: > "$LOWER/f"
	: > "$LOWER/g"
	local what
	for what in name-slash name-endless; do
		spoiled bad $what pre/mkdir EIO act try mkdir "$VIEW/new"
	done
	spoiled bad rename-dir pre/rename EIO act try rename "$VIEW/f" "$VIEW/d/f2"
	spoiled bad link-node pre/link EIO act try link "$VIEW/f" "$VIEW/h"
	equal "$(cd "$LOWER" && find . | sort | tr '\n' ' ')" '. ./a ./d ./f ./g ' "what is below"
	spoiled bad link-entry post/link EIO act try link "$VIEW/f" "$VIEW/h2"
	rm -f "$LOWER"/h2
	same
}

each_bad_number_becomes_eio() {
	LOG_MAY='filter bad: its program'
	filtered_view bad
	echo text > "$LOWER/f"
	ln -s target "$LOWER/l"
	mkdir "$LOWER/d"
	touch "$LOWER"/d/{1..5}
	act xattr set "$LOWER/f" user.a value > /dev/null
	local what
	for what in create-fh create-node; do
		spoiled bad $what post/create EIO act try create "$VIEW/new-$what"
	done
	spoiled bad open-fh post/open EIO act try read "$VIEW/f"
	spoiled bad getxattr-size pre/getxattr EIO act xattr get "$VIEW/f" user.a
	spoiled bad readlink-long post/readlink EIO act try readlink "$VIEW/l"
	spoiled bad readdir-fh pre/readdir EIO find "$VIEW/d"
	# The module reads no nodes from a listing.
	for what in listing-long $(has_daemon && echo listing-node); do
		spoiled bad $what post/readdir EIO find "$VIEW/d"
	done
	spoiled bad attr-type post/getattr EIO fstat_of "$VIEW/f"
	with bad pass
	same
	has_daemon || return 0
	within 5 eval '[ "$(info handles)" = 0 ]' || fail "$(info handles) handles are left open"
	# The daemon keeps no node that the kernel does not know.
	alone
	drop_caches
	within 5 eval '[ "$(info nodes)" -le 2 ]' || fail "$(info nodes) nodes are left"
}

fstat_of() {
	exec 7< "$1" && stat -L /proc/self/fd/7
	exec 7<&-
}

# The mount and "filter add" refuse a filter whose options have no effect or contradict each other;
# the view continues with its filters.
once_options_without_effect_are_refused() {
	filtered_view hide,names=never
	mkdir "$T/mnt"
	local spec text
	while IFS='|' read -r spec text; do
		refused "$text" timeout 20 "$PENSTOCK" mount --filter "$spec" "$LOWER" "$T/mnt"
		check not mountpoint -q "$T/mnt"
		refused "$text" timeout 20 "$PENSTOCK" filter check "$spec"
		refused "$text" chain add "$spec,name=new"
		refused "$text" chain replace hide "$spec"
	done <<- 'EOF'
		hide|names=, paths=
		hide,paths=/a/**|all files inside it
		quota,bytes=1,per=usr|uid, tree
		fault,percent=150|up to 100
		owner,uid=no-such-user|no user
	EOF
	equal "$(chain list | grep -c '^hide: ')" 1 "filters of the view"
	check chain add owner,uid=daemon
	equal "$(stat -c %u "$VIEW")" "$(id -u daemon)" "a user by name"
	"$PENSTOCK" filter check 'hide,names=*.key:.env' > "$T/said"
	check grep -q 'names that end with ".key", the name ".env"' "$T/said"
}

each_bad_data_becomes_eio() {
	LOG_MAY='filter bad-data: its program'
	filtered_view bad-data
	echo text > "$LOWER/f"
	local what
	spoiled bad-data read-long post/read EIO cat "$VIEW/f"
	for what in write-fh write-long; do
		spoiled bad-data $what pre/write EIO write_to "$VIEW/f"
	done
	equal "$(cat "$LOWER/f")" text "what is below"
	spoiled bad-data write-more post/write EIO write_to "$VIEW/f"
	with bad-data pass
	echo more >> "$VIEW/f"
	same -x
}

write_to() { printf XXXX | dd of="$1" conv=notrunc status=none; }
