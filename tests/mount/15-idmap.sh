# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# Runs the same steps on an idmapped mount of the view and on an idmapped mount of the lower file
# system. The files of user 1000 belong to 101000 on the disk.

LIMIT[idmapped_view_equals_idmapped_lower]=180

mapped() {
	mkdir "$T/mapped-$2"
	act idmap "$1" "$T/mapped-$2" 0 0 1000 101000 1000 60000 || fail "no idmapped mount of $1"
}

each_idmapped_view_equals_idmapped_lower() {
	lower ext4
	view -o cache=none,idmap
	mount --bind "$LOWER" "$LOWER"
	mount --bind "$TWIN" "$TWIN"
	mapped "$LOWER" lower
	mapped "$TWIN" twin
	mapped "$VIEW" view
	local view=$VIEW group
	TWIN=$T/mapped-twin
	for group in names kinds rename perm attr acl; do
		# The comparison reads the counters through the mount without idmap.
		timeout 150 "$TOOLS/parity" $(real && echo "--limits $TESTS/limits") \
			--variant idmap $group "$TWIN" "$T/mapped-view" \
				"$T/mapped-lower" > "$T/out-$group" 2>&1
		PREFIX=$group take_results < "$T/out-$group"
	done
	VIEW=$view
	umount "$T/mapped-view"
}

each_idmapped_view_maps_owners_on_disk() {
	lower ext4
	chmod 777 "$LOWER"
	view -o cache=none,idmap
	mapped "$VIEW" view
	as 1000 touch "$T/mapped-view/f"
	as 1000 mkdir "$T/mapped-view/d"
	equal "$(stat -c %u:%g "$LOWER/f")" 101000:101000 "on the disk"
	equal "$(stat -c %u:%g "$VIEW/f")" 101000:101000 "in the view itself"
	equal "$(stat -c %u:%g "$T/mapped-view/f")" 1000:1000 "in the idmapped mount"
	chown 1001:1002 "$T/mapped-view/d"
	equal "$(stat -c %u:%g "$LOWER/d")" 101001:101002 "on the disk after chown"
	umount "$T/mapped-view"
}

# The kernel refuses an idmapped mount of a view without the option idmap.
once_idmapped_mount_without_option_is_refused() {
	real || skip "a bind mount has no such option"
	lower ext4
	view
	mkdir "$T/mapped"
	equal "$(act idmap "$VIEW" "$T/mapped" 0 100000 1000)" EINVAL
}
