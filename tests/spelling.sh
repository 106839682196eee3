#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# spelling.sh ROOT: codespell finds no misspelled word in the tree but those of .codespellrc.
command -v codespell > /dev/null || { echo "there is no codespell"; exit 77; }
cd "$1" || exit 2
printf 'It rec%s a word.\n' ieves | codespell - > /dev/null &&
	{ echo "spelling.sh is broken: codespell finds nothing"; exit 2; }
codespell
