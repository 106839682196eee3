#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# run.sh FUZZER: runs it for FUZZ_SECONDS (5). The inputs that reach new code stay in the build
# folder, so that the next run goes on from there; so does an input that breaks the code.
set -u
folder=$(dirname "$1")/corpus/$(basename "$1")
mkdir -p "$folder"
exec "$1" -max_total_time="${FUZZ_SECONDS:-5}" -timeout=5 -rss_limit_mb=2048 \
	-artifact_prefix="$(dirname "$1")/" "$folder"
