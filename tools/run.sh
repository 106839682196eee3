#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# run.sh PROGRAM LOWER MOUNT OPTIONS: the command of `make run`. Mounts a view of LOWER at MOUNT;
# without LOWER it makes a small tree, mounts a view of it, and shows a write through the view.
set -u
program=$1 lower=$2 mount=$3 options=${4:+-o $4}

if [ ! -c /dev/fuse ]; then
	modprobe fuse 2> /dev/null
	[ -c /dev/fuse ] ||
		{ echo "there is no /dev/fuse: this kernel or container has no FUSE" >&2; exit 1; }
fi

# The lines of `penstock stat` about passthrough and transport.
passthrough() {
	"$program" stat "$1" |
		sed -n 's/^passthrough  */passthrough is /p; s/^transport  */served through /p'
}

if [ -n "$lower" ]; then
	if [ -z "$mount" ]; then
		echo "MOUNT is missing: make run LOWER=$lower MOUNT=dir" >&2
		exit 1
	fi
	# shellcheck disable=SC2086 # options may be absent
	"$program" mount $options "$lower" "$mount" || exit
	echo "$(realpath "$lower") is shown at $(realpath "$mount")"
	passthrough "$mount"
	echo "to unmount: $program umount $mount"
	exit 0
fi
if [ -n "$mount" ]; then
	echo "LOWER is missing: make run LOWER=dir MOUNT=$mount" >&2
	exit 1
fi

demo=$(mktemp -d "${TMPDIR:-/tmp}/penstock-demo.XXXXXX")
chmod 755 "$demo"
mkdir -p "$demo/lower/letters" "$demo/view"
echo "Water under the dam." > "$demo/lower/river.txt"
echo "Dear reader, ..." > "$demo/lower/letters/first.txt"
ln -s letters/first.txt "$demo/lower/latest"

# shellcheck disable=SC2086
if ! "$program" mount $options "$demo/lower" "$demo/view"; then
	rm -rf "$demo"
	exit 1
fi
echo "$demo/lower is shown at $demo/view:"
(cd "$demo/view" && ls -l --time-style=+ . letters | sed 's/^/    /')
echo
echo "A line written above appears below:"
echo "    echo 'Written through the view.' >> $demo/view/river.txt"
echo 'Written through the view.' >> "$demo/view/river.txt"
echo "    cat $demo/lower/river.txt"
sed 's/^/    /' "$demo/lower/river.txt"
echo
passthrough "$demo/view"
echo "to unmount: $program umount $demo/view"
echo "to remove:  rm -r $demo"
