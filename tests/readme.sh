#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# readme.sh ROOT BUILD COMPILER...: the snippets of README.md do what they show.
#
# Blocks of the kinds
#	c        compile without a warning and mount a view
#	console  are run, and print what they show
#	sh       are run by `make -n`: their targets exist
#	fstab    have options that `penstock mount` accepts
# The last three need root, /dev/fuse and eBPF; ends with 77 where these are missing.
set -u

# split README DIR: writes each block to DIR/NUMBER.KIND.
split() {
	awk -v dir="$2" '
		/^```[a-z]/ { file = sprintf("%s/%02d.%s", dir, ++n, substr($0, 4)); next }
		/^```/ { file = "" }
		file { print > file }' "$1"
}

fail() {
	echo "not ok: $*"
	bad=1
}

# The tree that the blocks show.
make_project() {
	mkdir -p project/src project/.git
	echo 'A project.' > project/README
	printf '#include "util.h"\nint main(void) { return 0; }\n' > project/src/main.c
	: > project/src/util.h
	: > project/.git/config
	echo key > project/src/deploy.key
	printf 'API_KEY=hunter2\nPORT=8080\n' > project/.env
}

# wait_for_trace FILE: waits until the trace of /mnt that goes to FILE shows operations, 10 seconds
# at most. statfs always reaches the daemon, so it makes lines.
wait_for_trace() {
	for _ in {1..100}; do
		stat -f /mnt > /dev/null
		[ ! -s "$1" ] || return 0
		sleep 0.1
	done
	fail "$1 stays empty"
}

# run_console FILE: runs each line behind "$ " in this shell and compares its output with the lines
# that follow it.
run_console() {
	local line command='' expected=''
	while IFS= read -r line; do
		case $line in
		'$ '*)
			compare "$command" "$expected"
			command=${line#'$ '} expected=''
			;;
		*) expected+=$line$'\n' ;;
		esac
	done < "$1"
	compare "$command" "$expected"
}

compare() { # COMMAND EXPECTED
	local trace
	[ -n "$1" ] || return
	eval "$1" > printed 2>&1
	case $1 in
	'penstock trace '*'> '*' &')
		trace=${1##*> }
		wait_for_trace "${trace% &}"
		;;
	esac
	diff <(printf %s "$2") printed || fail "$1"
}

# mount_by PROGRAM: the program of the block shows a view until it is unmounted.
mount_by() {
	local pid
	"$1" project /mnt &
	pid=$!
	for _ in {1..100}; do
		mountpoint -q /mnt && break
		sleep 0.1
	done
	cmp project/README /mnt/README || fail "$1 shows no view"
	penstock stat /mnt > printed || fail "penstock stat does not work on the view of $1"
	umount /mnt
	wait $pid || fail "$1 ends with status $?"
}

# Runs as the first process of namespaces of its own, in an empty directory.
run_blocks() { # ROOT BUILD BLOCKS
	local block words options
	bad=0
	mount -t tmpfs none /run
	PATH=$2:$PATH
	export LC_ALL=C PATH
	export LD_LIBRARY_PATH=$2/src
	make_project
	for block in "$3"/*; do
		case $block in
		*.console) run_console "$block" ;;
		*.c) mount_by "./$(basename "$block" .c)" ;;
		*.sh)
			while read -r words; do
				# shellcheck disable=SC2086 # words they are
				make -n -C "$1" ${words#make } > printed 2>&1 || fail "$words"
			done < <(sed 's/ *#.*//' "$block")
			;;
		*.fstab)
			while read -r _ _ _ options _; do
				penstock mount --dry-run -o "$options" project /mnt > printed ||
					fail "-o $options"
			done < "$block"
			;;
		esac
	done
	return $bad
}

if [ "$1" = --run ]; then
	shift
	run_blocks "$@"
	exit
fi

root=$(realpath "$1") build=$(realpath "$2") bad=0
shift 2
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
mkdir "$dir/blocks" "$dir/work"
split "$root/README.md" "$dir/blocks"
for kind in c console sh fstab; do
	compgen -G "$dir/blocks/*.$kind" > /dev/null || fail "README has no block of the kind $kind"
done
for block in "$dir"/blocks/*.c; do
	program=$dir/work/$(basename "$block" .c)
	"$@" -Wall -Wextra -Werror -I"$root/include" -o "$program" "$block" -L"$build/src" \
		-lpenstock || fail "$block does not compile"
done
[ $bad = 0 ] || exit 1
if [ "$(id -u)" != 0 ] || [ ! -c /dev/fuse ] || [ ! -d "$build/filters" ] ||
	! "$build/penstock" filter check readonly > /dev/null 2>&1; then
	echo "the commands need root, /dev/fuse, and the right to load filters"
	exit 77
fi
cd "$dir/work" || exit
timeout 60 unshare -m -p -f --kill-child --mount-proc --propagation private \
	"$root/tests/readme.sh" --run "$root" "$build" "$dir/blocks"
