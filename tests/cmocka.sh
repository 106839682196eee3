#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# cmocka.sh PROGRAM...: runs a program of cmocka, and prints its output in TAP as meson reads it:
#
# - cmocka prints "not ok" for a test that skips itself. Here it is "ok", and the reason is the line
#   that the test printed before, without "skipped: " at its beginning;
# - a program that ends with status 77 is skipped as a whole, with its last line as the reason, also
#   when it has printed its plan;
# - other text of the program becomes comments.
CMOCKA_MESSAGE_OUTPUT=TAP
export CMOCKA_MESSAGE_OUTPUT
{ "$@"; echo "status $?"; } | awk '
function print_plan() {
	if (plan != "")
		print plan
	plan = ""
}
/^1\.\.[0-9]+$/ { plan = $0; next }
/^status [0-9]+$/ { status = $2; next }
/^not ok [0-9]+ # SKIP / { $0 = "ok " $3 " - " $6 " # SKIP " why; why = "" }
/^(not )?ok [0-9]+ - / { print_plan(); print; fflush(); next }
/^#/ { print; next }
{ why = $0; sub(/^skipped: /, "", why); print "# " $0 }
END {
	if (status == 77) {
		print "1..0 # SKIP " why
		exit 0
	}
	print_plan()
	exit status
}'
