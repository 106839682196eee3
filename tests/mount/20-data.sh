# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# Reads and writes data with every kind of call. In a variant with passthrough, the steps that say
# so fail when a single READ or WRITE request reaches the daemon; without passthrough the results
# are the same.

LIMIT[large]=180

data() { # GROUP [TYPE [MIB]]
	lower "${2:-ext4}" "${3:-512}"
	view -o cache=none
	parity "$1"
}

each_data() { data data; }
each_modes() { data modes; }
each_copy() { data copy; }
each_mmap() { data mmap; }
each_aio() { data aio; }
each_large() { data large ext4 6000; }
