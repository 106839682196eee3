# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# Checks the runner itself: a case sees no mount, no control socket and no file that belongs to the
# rest of the machine.

# The case runs tests/mount/run inside a view and with files of its own, which the inner run must
# take for mounts and files of the machine.
once_views_of_the_machine_are_invisible() {
	[[ $TESTS != /tmp/* ]] || skip "the tests are in /tmp, which cases then see as it is"
	lower tmpfs
	echo text > "$LOWER/f"
	view
	: > /tmp/foreign
	[ -n "$(ls /run/penstock)" ] || ! real || fail "the view has no control socket"
	"$TESTS/run" --tap 01-ring.sees_only_its_own_mounts > inner 2>&1
	cat inner
	check grep -qx 'ok 1 - 01-ring.sees_only_its_own_mounts@.*' inner
	check grep -qx '1[.][.]1' inner
	# The inner case has detached the view only in its own namespace, so the view still answers
	# here.
	equal "$(cat "$VIEW/f")" text
}

slow_sees_only_its_own_mounts() {
	check not grep -E ' - fuse(blk)?(\.[^ ]*)? ' /proc/self/mountinfo
	equal "$(find /run/penstock /tmp -mindepth 1 2> /dev/null)" "" \
		"the content of /run/penstock and /tmp"
}
