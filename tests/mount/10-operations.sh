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

# pjdfstest has 8,800 tests of its own. PJDFSTEST is the folder of its sources, where it was built.
# The numbers of tests differ, because it leaves out a file in FUSE file systems.
slow_pjdfstest_finds_the_same_as_on_lower() {
	local side
	[ -x "${PJDFSTEST:-}/pjdfstest" ] || skip "PJDFSTEST is no folder with a built pjdfstest"
	lower
	view -o cache=none
	for side in "$TWIN" "$VIEW"; do
		(cd "$side" && prove -rf -j "$(nproc)" "$PJDFSTEST/tests" 2>&1) |
			sed '/^Test Summary/,/^Files=/! { /^Files=/! d }
				s/, Tests=.*//' > "$T/found"
		check grep -q '^Files=[1-9]' "$T/found"
		[ "$side" = "$VIEW" ] || mv "$T/found" "$T/found-below"
	done
	cat "$T/found"
	check diff "$T/found-below" "$T/found"
}
LIMIT[pjdfstest_finds_the_same_as_on_lower]=1200
