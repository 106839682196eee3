# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# Every operation, as on a plain directory of the lower file system: results, errors and what is
# left. Nothing is cached (cache=none), so that every attribute must agree after every single call.

LIMIT[suid]=240
LIMIT[acl]=120
LIMIT[perm]=120

operations() { # GROUP [TYPE]
	lower "${2:-ext4}"
	view -o cache=none
	parity "$1"
}

each_names() { operations names; }
each_kinds() { operations kinds; }
each_rename() { operations rename; }
each_attr() { operations attr; }
each_suid() { operations suid; }
each_perm() { operations perm; }
each_xattr() { operations xattr; }
each_acl() { operations acl; }
each_dir() { operations dir; }
each_flags() { operations flags; }
each_lock() { operations lock; }
