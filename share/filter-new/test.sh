#!/bin/sh
# Mounts a tree of its own with the filter @NAME@, and tries it out. As root.
set -eu
penstock=${PENSTOCK:-penstock}
filter=$(dirname "$0")/@NAME@.bpf.o

if [ "$(id -u)" != 0 ]; then
	echo "a filter is loaded by root: sudo make test" >&2
	exit 1
fi

tree=$(mktemp -d)
clean_up() {
	"$penstock" umount "$tree/view" 2> /dev/null || true
	rm -r "$tree"
}
trap clean_up EXIT
trap 'exit 1' INT TERM
mkdir "$tree/lower" "$tree/view"
echo "there before" > "$tree/lower/old.tmp"

n_failed=0
# passes WHAT COMMAND..., fails WHAT COMMAND...: WHAT is said, and whether it came so.
passes() {
	what=$1
	shift
	if "$@" > "$tree/said" 2>&1; then
		echo "ok      $what"
	else
		echo "NOT OK  $what: $(cat "$tree/said")"
		n_failed=$((n_failed + 1))
	fi
}
fails() {
	what=$1
	shift
	if "$@" > "$tree/said" 2>&1; then
		echo "NOT OK  $what: it worked"
		n_failed=$((n_failed + 1))
	else
		echo "ok      $what ($(tail -n 1 "$tree/said"))"
	fi
}

"$penstock" mount --filter "$filter,names=*.tmp:core" "$tree/lower" "$tree/view"
cd "$tree/view"
passes "other names can be made" touch notes.txt
fails "a name that matches a glob cannot" touch new.tmp
fails "nor one that is a directory's" mkdir core
fails "a file cannot be renamed to one" mv notes.txt notes.tmp
passes "a file that was there before is left alone" cat old.tmp
cd /

"$penstock" filter stat "$tree/view"
[ "$n_failed" = 0 ]
