#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# embed.sh FILE...: a C header on standard output with the text of each file in a string, called
# embed_NAME, where NAME is the file's with all but letters and digits as underscores.
set -eu
echo '#pragma once'
for file; do
	name=$(basename "$file" | sed 's/[^A-Za-z0-9]/_/g')
	printf 'static const char embed_%s[] =\n' "$name"
	sed -e 's/\\/\\\\/g' -e 's/"/\\"/g' -e 's/	/\\t/g' -e 's/.*/	"&\\n"/' "$file"
	echo '	"";'
done
