#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# include-rules.sh [ROOT]: checks that includes point downwards only (docs/architecture.md).
#
# A layer is a folder in src/, and an include names the folder, so each include shows its
# direction. First the check has to find violations in a tree that it makes for this. Exits with 1
# if an include in ROOT breaks a rule.
set -u
root=${1:-$(dirname "$0")/..}

# FOLDER: the headers that its files may include, as patterns of the text between quotes or
# brackets. All headers of libc and the kernel are allowed, except those in `reserved`, and so are
# those of the folder itself.
rules='
util       penstock/penstock.h
wire       util/* filter/* penstock/*
transport  util/* wire/* penstock/penstock.h
node       util/* filter/node.h
fs         util/* node/* penstock/penstock.h penstock/node.h penstock/source.h
source     util/* fs/* penstock/*
rules      util/* penstock/*
option     util/* rules/* penstock/penstock.h
machine    util/* penstock/*
ebpf       util/* filter/* machine/* rules/* penstock/*
kernel     util/* ebpf/* filter/* penstock/*
mount      util/* wire/* fs/* penstock/penstock.h
filter     penstock/*
request    util/* wire/* transport/* fs/* source/* mount/* ebpf/* filter/* penstock/*
server     util/* wire/* transport/* fs/* source/* mount/* ebpf/* filter/* request/* penstock/*
tree       util/* penstock/*
probe      util/* wire/* transport/* fs/* mount/* penstock/*
api        util/* option/* ctl/* wire/* transport/* fs/* mount/* ebpf/* filter/* request/*
api        server/* kernel/* penstock/*
ctl        util/* penstock/*
run        util/* ctl/* penstock/penstock.h
cmd        util/* option/* ctl/* kernel/* rules/* run/* mount/fusermount.h penstock/*
'

# HEADER: the only files that may include it, as patterns of their paths in ROOT.
reserved='
linux/fuse.h     include/penstock/fuse.h
penstock/fuse.h  src/wire/abi.h src/ebpf/* include/penstock/filter.h
bpf/*            src/ebpf/* filters/* include/penstock/*.bpf.h
libelf.h         src/machine/*
gelf.h           src/machine/*
json-c/*         src/ctl/* src/api/* src/run/* src/cmd/* tests/*
unistd.h         !src/wire/*
fcntl.h          !src/wire/*
pthread.h        !src/wire/*
sys/ioctl.h      !src/wire/*
sys/socket.h     !src/wire/*
'

# Files that compile without libc and the headers of the kernel, and the one that stands for these.
freestanding='src/filter/*'
port='src/filter/port.h'

# matches WORD PATTERN...: whether one of the patterns fits.
matches() {
	local word=$1 pattern
	shift
	for pattern; do
		# shellcheck disable=SC2254 # a pattern it shall be
		case $word in $pattern) return 0 ;; esac
	done
	return 1
}

# allowed_here HEADER FILE: the rules of single headers.
allowed_here() {
	local header files
	while read -r header files; do
		[ -n "$header" ] && matches "$1" "$header" || continue
		case $files in
		!*) ! matches "$2" ${files#!} || return 1 ;;
		*) matches "$2" $files || return 1 ;;
		esac
	done <<< "$reserved"
	return 0
}

# allowed_in FOLDER HEADER: the rules of layers, for headers that are ours.
allowed_in() {
	local folder patterns
	while read -r folder patterns; do
		[ "$folder" = "$1" ] && matches "$2" "$1/*" $patterns && return
	done <<< "$rules"
	return 1
}

# check ROOT: prints the violations in the tree, fails when there are any.
check() {
	local bad=0 file line text header folder
	cd "$1" || return 2
	while IFS=: read -r file line text; do
		[[ $text =~ [\<\"]([^\>\"]+) ]] && header=${BASH_REMATCH[1]}
		folder=${file#src/}
		folder=${folder%%/*}
		if ! allowed_here "$header" "$file"; then
			echo "$file:$line: $header must not be included here"
			bad=1
			continue
		fi
		case $file in src/*) ;; *) continue ;; esac
		if matches "$file" $freestanding && ! matches "$file" $port &&
			[[ $text == *\<* ]] && ! matches "$header" 'penstock/*'; then
			echo "$file:$line: $header must not be included here: $port is the place"
			bad=1
			continue
		fi
		case $text in
		*\"*) ;;
		*'<penstock/'*) ;;
		*) continue ;;
		esac
		if ! allowed_in "$folder" "$header" && ! matches "$file" $port; then
			echo "$file:$line: $folder/ must not include $header"
			bad=1
		fi
	done < <(grep -rnE --include='*.[ch]' '^[[:space:]]*#[[:space:]]*include[[:space:]]*[<"]' \
		src include examples filters 2> /dev/null)
	return $bad
}

# plant FILE INCLUDE VERDICT: a tree with this one line must be judged so.
plant() {
	local tree status=good
	tree=$(mktemp -d)
	mkdir -p "$tree/$(dirname "$1")"
	echo "#include $2" > "$tree/$1"
	(check "$tree") > /dev/null || status=bad
	rm -rf "$tree"
	[ "$status" = "$3" ] && return
	echo "include-rules.sh is broken: $1 with $2 was taken for $status"
	exit 2
}

plant src/fs/a.c '"filter/op.h"' bad
plant src/fs/a.c '"transport/dev.h"' bad
plant src/fs/sub/a.c '"filter/op.h"' bad
plant src/transport/a.c '"fs/fs.h"' bad
plant src/util/a.h '"node/node.h"' bad
plant src/node/a.c '<penstock/penstock.h>' bad
plant src/cmd/a.c '"server/server.h"' bad
plant src/ctl/a.c '"server/server.h"' bad
plant src/server/a.c '"ctl/server.h"' bad
plant src/request/a.c '"server/server.h"' bad
plant src/request/a.c '"api/view.h"' bad
plant src/server/a.c '"api/view.h"' bad
plant src/server/a.c '"node/node.h"' bad
plant src/server/a.c '"request/req.h"' good
plant src/filter/a.c '"server/server.h"' bad
plant src/server/a.c '<bpf/libbpf.h>' bad
plant src/transport/a.c '<linux/fuse.h>' bad
plant src/wire/a.c '<unistd.h>' bad
plant src/server/a.c '"unknown.h"' bad
plant include/penstock/a.h '<bpf/libbpf.h>' bad
plant src/filter/a.c '<string.h>' bad
plant src/filter/a.c '"util/log.h"' bad
plant src/filter/a.c '"node/node.h"' bad
plant src/fs/a.c '"node/node.h"' good
plant src/filter/a.c '<penstock/filter.h>' good
plant src/filter/port.h '<string.h>' good
plant include/penstock/a.bpf.h '<bpf/bpf_helpers.h>' good
plant src/server/a.c '"fs/fs.h"' good
plant src/cmd/a.c '<penstock/penstock.h>' good
plant src/ebpf/a.c '<bpf/libbpf.h>' good
plant src/wire/a.c '"filter/op.h"' good
plant src/transport/a.c '<unistd.h>' good

check "$root"
