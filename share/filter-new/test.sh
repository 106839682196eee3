#!/bin/sh
# Mounts a tree of its own with the filter @NAME@, and tests the filter. Needs root.
set -eu
penstock=${PENSTOCK:-penstock}
filter=$(dirname "$0")/@NAME@.bpf.o

if [ "$(id -u)" != 0 ]; then
	echo "loading a filter needs root: sudo make test" >&2
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
echo "exists already" > "$tree/lower/old.tmp"

n_failed=0
# passes TEXT COMMAND..., fails TEXT COMMAND...: runs the command, and prints TEXT with the result.
passes() {
	text=$1
	shift
	if "$@" > "$tree/said" 2>&1; then
		echo "ok      $text"
	else
		echo "NOT OK  $text: $(cat "$tree/said")"
		n_failed=$((n_failed + 1))
	fi
}
fails() {
	text=$1
	shift
	if "$@" > "$tree/said" 2>&1; then
		echo "NOT OK  $text: it worked"
		n_failed=$((n_failed + 1))
	else
		echo "ok      $text ($(tail -n 1 "$tree/said"))"
	fi
}

"$penstock" mount --filter "$filter,names=*.tmp:core" "$tree/lower" "$tree/view"
cd "$tree/view"
passes "a file with another name is created" touch notes.txt
fails "a file whose name matches is refused" touch new.tmp
fails "a directory whose name matches is refused" mkdir core
fails "a rename to such a name is refused" mv notes.txt notes.tmp
passes "a file that exists already can be read" cat old.tmp
cd /

"$penstock" filter stat "$tree/view"
[ "$n_failed" = 0 ]
