# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# Each operation by root, the owner, a member of the group and somebody else, on files and in
# directories of each mode and owner (tools/callers): the same answers as below, and the same left
# behind. NFS has it in tests/kernels/nfs.sh.

left_in() { (cd "$1" && find . -printf '%p %m %U %G %s %n\n' | sort); }

each_callers_get_what_they_get_below() {
	local dir but="^$"
	lower ext4
	for dir in "$LOWER" "$TWIN"; do
		mkdir "$dir/all"
		check "$TOOLS/callers" make "$dir/all"
	done
	view
	check "$TOOLS/callers" run "$TWIN/all" > "$T/below"
	check "$TOOLS/callers" run "$VIEW/all" > "$T/viewed"
	check diff "$T/below" "$T/viewed"
	# Root's write takes the bits away from a file that was opened for reading first: it was
	# registered without a look at its mode.
	passing && but='/file-read-and-write/root\..*[24]7[57]5 '
	check diff <(left_in "$TWIN/all" | grep -Ev "$but") <(left_in "$LOWER/all" |
		grep -Ev "$but")
}
