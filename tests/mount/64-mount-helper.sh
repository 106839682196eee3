# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# Views that mount(8) and lines of fstab mount. The helpers appear in /sbin only in the mount
# namespace of the case.

helper_tree() {
	real || skip "about the program's own helper"
	local sbin
	sbin=$(realpath /sbin)
	lower ext4
	echo text > "$LOWER/f"
	mkdir "$T/mnt" "$T/sbin"
	mount -t tmpfs none "$T/sbin"
	mkdir "$T/sbin/upper" "$T/sbin/work"
	ln -s "$(realpath "$PENSTOCK")" "$T/sbin/upper/mount.penstock"
	ln -s "$(realpath "$PENSTOCK")" "$T/sbin/upper/mount.fuse.penstock"
	mount -t overlay -o "lowerdir=$sbin,upperdir=$T/sbin/upper,workdir=$T/sbin/work" none \
		"$sbin" ||
		fail "cannot put the helpers into $sbin"
}

# Checks that the view works, then unmounts it and waits for the end of its process.
mounted_and_gone() {
	equal "$(timeout 5 cat "$T/mnt/f")" text
	grep -q " $T/mnt fuse.penstock " /proc/mounts ||
		fail "the type is $(grep " $T/mnt " /proc/mounts)"
	timeout 10 umount "$T/mnt" || fail "cannot be unmounted"
	within 5 nothing_runs || fail "a daemon is left"
}

nothing_runs() {
	[ "$(ps -e -o comm= | grep -Ec '^(penstock|mount\.)')" = 0 ] &&
		[ -z "$(ls /run/penstock 2> /dev/null)" ]
}

once_mount_8_takes_both_types() {
	local type
	helper_tree
	for type in penstock fuse.penstock; do
		check timeout 20 mount -t $type "$LOWER" "$T/mnt"
		mounted_and_gone
	done
}

once_mount_8_passes_options_on() {
	helper_tree
	check timeout 20 mount -t penstock \
		-o ro,noatime,cache=none,passthrough=off,nofail,_netdev,x-some=thing \
		"$LOWER" "$T/mnt"
	equal "$(info passthrough "$T/mnt")" false
	equal "$(act try create "$T/mnt/new")" EROFS
	grep -q " $T/mnt fuse.penstock ro,.*noatime" /proc/mounts ||
		fail "options: $(grep "$T/mnt" /proc/mounts)"
	mounted_and_gone
	check timeout 20 mount -r -v -t penstock "$LOWER" "$T/mnt"
	equal "$(act try create "$T/mnt/new")" EROFS
	mounted_and_gone
	check timeout 20 mount -n -s -t penstock -o nonsense "$LOWER" "$T/mnt"
	mounted_and_gone
	# With -f mount(8) does not mount.
	check timeout 20 mount -f -t penstock "$LOWER" "$T/mnt"
	check not mountpoint -q "$T/mnt"
}

once_lines_of_fstab_mount_views() {
	helper_tree
	{
		echo "$LOWER $T/mnt penstock" \
			"defaults,noauto,cache=none,x-systemd.requires-mounts-for=/ 0 0"
		echo "$LOWER $T/other fuse.penstock ro,nofail,user,noauto,fsname=other 0 0"
		echo "$T/absent $T/third penstock nofail,auto 0 0"
	} > "$T/fstab"
	mkdir "$T/other" "$T/third"
	mount --bind "$T/fstab" /etc/fstab
	check timeout 20 mount "$T/mnt"
	mounted_and_gone
	check timeout 20 mount "$T/other"
	grep -q "^other $T/other fuse.penstock ro" /proc/mounts ||
		fail "$(grep "$T/other" /proc/mounts)"
	check timeout 10 umount "$T/other"
	check within 5 nothing_runs
	# With nofail an absent LOWER does not stop the other mounts.
	timeout 20 mount -a > /dev/null 2>&1
	check not mountpoint -q "$T/third"
}

once_failures_have_the_exit_status_of_mount_8() {
	helper_tree
	local status
	timeout 20 mount -t penstock "$T/absent" "$T/mnt" 2> "$T/said"
	status=$?
	cat "$T/said"
	equal $status 32 "exit code for a missing LOWER"
	check grep -q absent "$T/said"
	timeout 20 mount -t penstock -o passthru=on "$LOWER" "$T/mnt" 2> "$T/said"
	status=$?
	cat "$T/said"
	equal $status 1 "exit code for an unknown option"
	check grep -q passthru "$T/said"
	"$(realpath /sbin)/mount.penstock" "$LOWER" "$T/mnt" -t something.else 2> "$T/said"
	equal $? 1 "exit code for another type"
	check within 5 nothing_runs
}

# Calls the helper with the arguments that mount(8) passes.
once_helper_takes_arguments_of_mount_8() {
	helper_tree
	check timeout 20 mount.penstock "$LOWER" "$T/mnt" -o rw,cache=none
	mounted_and_gone
	check timeout 20 mount.fuse.penstock "$LOWER" "$T/mnt" -sn -o ro -t fuse.penstock
	equal "$(act try create "$T/mnt/new")" EROFS
	mounted_and_gone
	# -N mounts in another mount namespace.
	unshare -m --propagation private sleep 30 &
	local pid=$!
	sleep 0.2
	check timeout 20 mount.penstock "$LOWER" "$T/mnt" -N "$pid"
	check not mountpoint -q "$T/mnt"
	equal "$(nsenter -t $pid -m cat "$T/mnt/f")" text "in the other namespace"
	check nsenter -t $pid -m timeout 10 umount "$T/mnt"
	kill $pid
	wait $pid 2> /dev/null
	within 5 nothing_runs || fail "a daemon is left"
}

once_fusermount3_unmounts_a_view() {
	helper_tree
	command -v fusermount3 > /dev/null || skip "fusermount3 is not installed"
	check timeout 20 mount -t penstock "$LOWER" "$T/mnt"
	check timeout 10 fusermount3 -u "$T/mnt"
	within 5 nothing_runs || fail "a daemon is left"
}

# Prints values for an option as `penstock mount --help=all` writes it: NAME=A|B, NAME=N, NAME.
values_of() { # NAME[=VALUES]
	local name=${1%%=*} values=${1#*=} value
	case $1 in
	filter=*) echo "filter=hide\;names=x.y" ;;
	subtype=*) echo "subtype=penstock" ;;
	rules=*) echo 'hide *.key' > "$T/rules" && echo "rules=$T/rules" ;;
	cache=*) printf 'cache=%s\n' auto none exclusive ttl=5 ;;
	*=SECONDS) echo "$name=7" ;;
	*=N | *=VALUE) echo "$name=16" ;;
	*=BYTES) echo "$name=8192" ;;
	*=NAME | *=FILE) echo "$name=/some" ;;
	*=*) for value in ${values//|/ }; do echo "$name=$value"; done ;;
	*) echo "$name" ;;
	esac
}

# Every option of the program's own table reaches the view in the same form by the command, by
# mount(8) and by fstab. An option with a name that libmount takes for itself would be lost.
once_every_option_reaches_the_view() {
	helper_tree
	local row option want got n=0
	while read -r row; do
		while read -r option; do
			n=$((n + 1))
			want=$("$PENSTOCK" mount --dry-run -v -o "$option" "$LOWER" "$T/mnt") ||
				fail "the command refuses $option"
			got=$(timeout 20 mount -f -v -t penstock -o "$option" "$LOWER" \
				"$T/mnt" 2>&1 | grep -v '^mount:')
			equal "$got" "$want" "$option by mount(8)"
			echo "$LOWER $T/mnt penstock $option 0 0" > "$T/fstab"
			got=$(timeout 20 mount -f -v -T "$T/fstab" "$T/mnt" 2>&1 |
				grep -v '^mount:')
			equal "$got" "$want" "$option by fstab"
		done < <(values_of "$row")
	done < <("$PENSTOCK" mount --help=all |
		sed -n '/^Options,/,/^Options of other/s/^  \([^ ]*\) .*/\1/p')
	check test "$n" -ge 50
	# mount(8) does not print options that are on by default, so the loop checks the most
	# important options one by one.
	for option in noallow_other cache=none locks=lower passthrough=off xattr=off xdev=hide \
		nosuid ro; do
		timeout 20 mount -f -v -t penstock -o "$option" "$LOWER" "$T/mnt" > "$T/said" 2>&1
		grep -qx "$option" "$T/said" || fail "$option is lost by mount(8): $(cat "$T/said")"
	done
}

# Every filter option takes its value by mount(8) and fstab as by the command.
once_filters_reach_the_view() {
	need_filters
	helper_tree
	local spec listed
	for spec in "hide;names=*.key:.env" "owner;uid=1000;chown=ignore" \
		"fault;ops=mkdir:fsync*;percent=7;error=ENOSPC" \
		"quota;bytes=10M;per=uid" "mask;names=.env;how=values" \
			"readonly;paths=/etc;name=other"; do
		check timeout 20 mount -t penstock -o "ro,filter=$spec,nodev" "$LOWER" "$T/mnt"
		listed=$("$PENSTOCK" filter list --json "$T/mnt" |
			sed 's/.*"spec":"\([^"]*\)".*/\1/')
		equal "$listed" "${spec//;/,}" "the filter by mount(8)"
		mounted_and_gone
		echo "$LOWER $T/mnt penstock ro,filter=$spec,nodev 0 0" > "$T/fstab"
		check timeout 20 mount -T "$T/fstab" "$T/mnt"
		listed=$("$PENSTOCK" filter list --json "$T/mnt" |
			sed 's/.*"spec":"\([^"]*\)".*/\1/')
		equal "$listed" "${spec//;/,}" "the filter by fstab"
		mounted_and_gone
	done
}

# Options of other FUSE programs: accepted with one line if every view behaves so, else refused with
# the name of our option.
once_options_of_other_programs_are_taken_or_explained() {
	helper_tree
	timeout 20 mount -t penstock -o nonempty,use_ino,big_writes,hard_remove "$LOWER" \
		"$T/mnt" 2> "$T/said"
	equal $? 0 "exit code with words that are true anyway"
	equal "$(wc -l < "$T/said")" 1 "lines about them"
	check grep -q 'nonempty, use_ino, big_writes, hard_remove' "$T/said"
	mounted_and_gone
	refused "cache=exclusive" timeout 20 mount -t penstock -o kernel_cache "$LOWER" "$T/mnt"
	refused "max_write" timeout 20 mount -t penstock -o max_read=4096 "$LOWER" "$T/mnt"
	refused "owner,uid" timeout 20 mount -t penstock -o uid=1000 "$LOWER" "$T/mnt"
	refused "owner,uid=nobody" timeout 20 mount -t penstock -o user=nobody "$LOWER" "$T/mnt"
	refused "idmap" "$PENSTOCK" mount -o X-mount.idmap=b:0:1:2 "$LOWER" "$T/mnt"
}
LIMIT[every_option_reaches_the_view]=120

once_remount_changes_flags_only() {
	helper_tree
	check timeout 20 mount -t penstock -o cache=none,nosuid "$LOWER" "$T/mnt"
	check timeout 20 mount -o remount,ro "$T/mnt"
	equal "$(act try create "$T/mnt/new")" EROFS
	check timeout 20 mount -o remount,rw,noatime "$T/mnt"
	equal "$(act try create "$T/mnt/new")" 0
	grep -q " $T/mnt fuse.penstock rw,nosuid,.*noatime" /proc/mounts ||
		fail "options: $(grep "$T/mnt" /proc/mounts)"
	# A remount through fstab repeats the options of its line; mount(8) names those that cannot
	# change.
	echo "$LOWER $T/mnt penstock cache=none,noexec 0 0" > "$T/fstab"
	mount --bind "$T/fstab" /etc/fstab
	check timeout 20 mount -o remount,ro "$T/mnt"
	grep -q " $T/mnt fuse.penstock ro,.*noexec" /proc/mounts ||
		fail "options: $(grep "$T/mnt" /proc/mounts)"
	refused "no option \"nonsense\"" timeout 20 mount -o remount,nonsense "$T/mnt"
	umount /etc/fstab
	mounted_and_gone
}
