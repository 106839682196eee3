# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# Each operation as root, the owner, a member of the group and another user, on files and in
# directories of each mode and owner (tools/callers): results and resulting files equal those on the
# lower file system. tests/kernels/nfs.sh does this with NFS.

left_in() { (cd "$1" && find . -printf '%p %m %U %G %s %n\n' | sort); }

each_callers_get_the_results_of_lower() {
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
	# A write by root clears the bits of a file that was first opened for reading, because the
	# kernel registered that file without regard to its mode.
	passing && but='/file-read-and-write/root\..*[24]7[57]5 '
	check diff <(left_in "$TWIN/all" | grep -Ev "$but") <(left_in "$LOWER/all" |
		grep -Ev "$but")
}
