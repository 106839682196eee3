# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# Views in user namespaces and containers. The kernel refuses passthrough, opening by handle and
# fanotify there. The daemon uses a substitute and logs this once.

LIMIT[operations_in_namespace_of_many_users_equal_lower]=240
LIMIT[operations_without_dac_read_search_equal_lower]=120

# The capabilities that Docker and Podman give to a container by default.
CONTAINER=chown,dac_override,fowner,fsetid,kill,setgid,setuid,setpcap,net_bind_service
CONTAINER+=,net_raw,sys_chroot,mknod,audit_write,setfcap

# Runs a command with no more than these capabilities.
with_capabilities() { # NAME,NAME... CMD...
	setpriv --bounding-set="-all,+${1//,/,+}" --inh-caps=-all "${@:2}"
}

# Runs FUNCTION of this file in a new user and mount namespace: of user 1000 alone, who is root
# there, or of the users from 100000 on. Makes a device node /dev/fuse, because other users may not
# be able to open the machine's node.
in_user_namespace() { # one|many FUNCTION
	local owner=1000 enter=(setpriv --reuid 1000 --regid 1000 --clear-groups unshare -U -r -m)
	real || skip "a bind mount needs no device"
	if [ "$1" = many ]; then
		owner=100000
		namespace_of_many
		enter=(nsenter -U -m -S 0 -G 0 -t "$KEEPER")
	fi
	mknod -m 666 "$T/fuse" c 10 229 && mkdir -m 700 "$T/run" || fail "no device node"
	chown -R $owner:$owner "$LOWER" "$TWIN" "$T/run"
	chown $owner:$owner "$T" "$T/results"
	export XDG_RUNTIME_DIR=$T/run FULL
	"${enter[@]}" bash -c '
		mount --make-rprivate / && mount --bind "$T/fuse" /dev/fuse || exit 1
		. "$TESTS/lib.sh"
		. "$TESTS/$FILE.sh"
		LOWER=$1 TWIN=$2
		trap scenario_end EXIT
		"$3"' _ "$LOWER" "$TWIN" "$2" || [ -s "$T/results" ] ||
		fail "status $? in the namespace"
	[ -z "${KEEPER:-}" ] || kill "$KEEPER"
}

# Starts a process in a new user and mount namespace; root outside writes its user mappings.
namespace_of_many() {
	unshare -U -m sleep 1000 9>&- &
	KEEPER=$!
	within 5 eval \
		'[ "$(readlink /proc/$KEEPER/ns/user)" != "$(readlink /proc/self/ns/user)" ]' ||
		fail "no namespace"
	echo 0 100000 65536 > /proc/$KEEPER/uid_map &&
		echo 0 100000 65536 > /proc/$KEEPER/gid_map ||
		fail "the namespace cannot be given its users"
}

# Mounts a view with the defaults; its log must say once that the daemon serves the data.
view_here() { # TRANSPORT [OPTIONS]
	view -r -o "transport=$1${2:+,$2}"
	equal "$(info passthrough)" false passthrough
	equal "$(grep -c 'serves data itself, without passthrough' "${VIEW_LOGS[N_VIEWS - 1]}")" 1 \
		"lines in the log"
}

each_view_works_in_namespace_of_one_user() {
	lower ext4
	in_user_namespace one one_user
}

one_user() {
	view_here "${MODE_OPTS##*transport=}"
	echo text > "$LOWER/below"
	equal "$(cat "$VIEW/below")" text
	check act try create "$VIEW/new"
	check cp /bin/true "$VIEW/program"
	check "$VIEW/program"
	check ln "$VIEW/below" "$VIEW/linked"
	check mkdir -p "$VIEW/a/b/c"
	check mv "$VIEW/program" "$VIEW/a/b/c/moved"
	check cp -a "$VIEW/a" "$VIEW/copy"
	dd if=/dev/urandom of="$VIEW/data" bs=64k count=40 2> /dev/null || fail "cannot write"
	check cmp "$VIEW/data" "$LOWER/data"
	check rm -r "$VIEW/a"
	echo 3 > /proc/sys/vm/drop_caches 2> /dev/null
	same -x
	# Each node has a descriptor here; the open file stays readable after the daemon has closed
	# it.
	exec 7< "$VIEW/data"
	rm "$VIEW/data"
	cmp -n 65536 /proc/self/fd/7 /proc/self/fd/7 || fail "a removed file cannot be read"
	exec 7<&-
	check test -S "$XDG_RUNTIME_DIR/penstock/${VIEW_NUMBERS[0]}.sock"
	unview
	equal "$(ls "$XDG_RUNTIME_DIR/penstock")" "" "left in XDG_RUNTIME_DIR"
}

# Compares all operations of several users with those in a directory beside LOWER.
once_operations_in_namespace_of_many_users_equal_lower() {
	lower ext4
	in_user_namespace many many_users
}

many_users() {
	local group
	MODE=off
	view_here dev cache=none
	for group in names kinds rename attr perm; do PREFIX=$group parity $group; done
	# mknod(2) fails for devices in a user namespace, so the step "kinds" is left out.
	ONLY='[!k]*' PREFIX=dir parity dir
}

# As root of a container with CAP_SYS_ADMIN alone: the kernel passes files through, and the daemon
# cannot open files by handle.
once_operations_without_dac_read_search_equal_lower() {
	local group
	lower ext4
	DAEMON_PREFIX="setpriv --bounding-set=-all,+sys_admin,+${CONTAINER//,/,+}"
	view -o cache=none
	equal "$(info passthrough)" true passthrough
	for group in names kinds rename dir; do PREFIX=$group parity $group; done
}

once_default_container_is_told_what_to_add() {
	real || skip "about the program"
	lower ext4
	mkdir "$T/mnt"
	refused '--cap-add SYS_ADMIN' with_capabilities $CONTAINER "$PENSTOCK" mount \
		"$LOWER" "$T/mnt"
	refused 'unshare -Urm' as 1000 env PATH=/nowhere "$PENSTOCK" mount "$LOWER" "$T/mnt"
}

once_passthrough_on_is_refused_in_a_namespace() {
	lower ext4
	mkdir "$T/mnt"
	in_user_namespace one passthrough_on
}

passthrough_on() {
	refused 'initial user namespace' "$PENSTOCK" mount -o passthrough=on "$LOWER" "$T/mnt"
	check not mountpoint -q "$T/mnt"
}

# The kernel locks the mounts that a user namespace inherits, together and with their flags.
once_locked_mounts_are_refused_with_advice() {
	lower ext4
	mkdir "$LOWER/sub" "$T/mnt"
	mount -t tmpfs none "$LOWER/sub"
	touch "$LOWER/sub/inside"
	in_user_namespace one locked_mounts
	refused 'mount namespace' as 1000 unshare -Ur "$PENSTOCK" mount "$LOWER" "$T/mnt"
}

locked_mounts() {
	refused 'use xdev=cross' "$PENSTOCK" mount -o xdev=hide "$LOWER" "$T/mnt"
	refused 'leave out noatime' "$PENSTOCK" mount -o noatime "$LOWER" "$T/mnt"
	view_here dev
	check test -e "$VIEW/sub/inside"
}

# Without a directory for its control socket the view works, and the log says what is missing.
once_view_works_without_control_socket() {
	lower ext4
	in_user_namespace one no_place
}

no_place() {
	unset XDG_RUNTIME_DIR
	echo text > "$LOWER/f"
	mkdir "$T/mnt"
	"$PENSTOCK" mount "$LOWER" "$T/mnt" 2> "$T/said" || fail "not mounted: $(cat "$T/said")"
	grep -q 'set XDG_RUNTIME_DIR' "$T/said" || fail "it says: $(cat "$T/said")"
	equal "$(cat "$T/mnt/f")" text
	check umount "$T/mnt"
}

# A feature that probe reports as off because of the namespace is off in the mount, too.
once_probe_agrees_with_mount() {
	lower ext4
	echo text > "$LOWER/f"
	in_user_namespace one probe_here
}

probe_here() {
	local row
	"$PENSTOCK" probe "$LOWER" > "$T/probe"
	cat "$T/probe"
	for row in passthrough bpf_filters fanotify lower_handles lower_watch; do
		grep -q "^$row  *off " "$T/probe" || fail "probe says: $(grep "^$row " "$T/probe")"
	done
	for row in passthrough bpf_filters fanotify lower_handles; do
		grep -q "^$row .*namespace" "$T/probe" ||
			fail "probe says: $(grep "^$row " "$T/probe")"
	done
	check grep -q 'filters run in the process' "$T/probe"
	check grep -q '^root can mount views and run commands in them here; ' "$T/probe"
	check grep -qE '^mount_as_user *off .*(user namespace|not installed)' "$T/probe"
	"$PENSTOCK" probe --all > "$T/probe"
	check grep -q '^filters  *on .*in the process' "$T/probe"
	refused 'namespace|BPF|bpf' "$PENSTOCK" mount --filter readonly -o filters=kernel \
		"$LOWER" "$TWIN"
}

# Filters run in the process, where the kernel loads none, and `filter check` says so.
once_filters_work_in_a_namespace() {
	lower ext4
	echo text > "$LOWER/f"
	echo secret > "$LOWER/.env"
	in_user_namespace one filters_here
}

filters_here() {
	view -r -o transport=dev -F hide,names=.env
	equal "$(ls -A "$VIEW")" f "names in the view"
	check not touch "$VIEW/.env"
	equal "$(info filters_in)" process "the place where filters run"
	"$PENSTOCK" stat "$VIEW" > "$T/said"
	check grep -q '^run in  *the process: .*user namespace' "$T/said"
	"$PENSTOCK" filter check hide,names=.env > "$T/said" || fail "cannot check a filter"
	check grep -q 'the kernel  *no: .*user namespace' "$T/said"
	check grep -q 'the process  *yes' "$T/said"
	"$PENSTOCK" filter add "$VIEW" readonly,names=f || fail "cannot add a filter"
	check not chmod 600 "$VIEW/f"
}
