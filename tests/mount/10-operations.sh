# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# Runs every operation in the view and on a plain directory of the lower file system and compares
# results, errors and the files that remain. Nothing is cached (cache=none), so attributes have to
# agree after every call. In a variant with passthrough, the steps that say so fail when a single
# READ or WRITE request reaches the daemon.

LIMIT[set_id_bits_behave_as_on_lower]=240
LIMIT[acls_behave_as_on_lower]=120
LIMIT[permissions_behave_as_on_lower]=120
LIMIT[large_files_behave_as_on_lower]=180

operations() { # GROUP [TYPE [MIB]]
	lower "${2:-ext4}" "${3:-512}"
	view -o cache=none
	parity "$1"
}

each_names_behave_as_on_lower() { operations names; }
each_file_types_behave_as_on_lower() { operations kinds; }
each_renames_behave_as_on_lower() { operations rename; }
each_attributes_behave_as_on_lower() { operations attr; }
each_set_id_bits_behave_as_on_lower() { operations suid; }
each_permissions_behave_as_on_lower() { operations perm; }
each_xattrs_behave_as_on_lower() { operations xattr; }
each_acls_behave_as_on_lower() { operations acl; }
each_directories_behave_as_on_lower() { operations dir; }
each_inode_flags_ioctl_behaves_as_on_lower() { operations flags; }
each_locks_behave_as_on_lower() { operations lock; }
each_data_behaves_as_on_lower() { operations data; }
each_open_modes_behave_as_on_lower() { operations modes; }
each_copies_behave_as_on_lower() { operations copy; }
each_mappings_behave_as_on_lower() { operations mmap; }
each_aio_behaves_as_on_lower() { operations aio; }
each_large_files_behave_as_on_lower() { operations large ext4 6000; }
