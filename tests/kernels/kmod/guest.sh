# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=sh
#
# Runs in the virtual machine, as root under busybox, in a tmpfs. Prints a line for each step, as
# the mount ring does, and RESULT-OK as the last word if nothing failed.

. /settings
. /lib.sh
. /command.sh
. /serve.sh
. /program.sh
. /each-filter.sh
. /security.sh
. /service.sh

phases=$(sed -n 's/.*phases=\([^ ]*\).*/\1/p' /proc/cmdline | tr , ' ')
mkdir -p /w/view /w/ext4 /w/tmpfs /w/ramfs

# The kernel's log since the last call, without the lines that each mount of ext4 and each load of a
# module from outside the tree write.
log_is_silent() { # NAME [PATTERN]
	lines='loop0: detected capacity|out-of-tree module|module verification failed|taints kernel'
	lines="$lines|random: crng|clocksource|interrupt took|cgroup: |evm: overlay not|sched: |Consider adding"
	lines="$lines|kmemleak: Kernel memory leak detector|EXT4-fs .*mount.* filesystem"
	lines="$lines|penstock: (lower=|something is mounted|the mount of lower=|Unknown parameter"
	lines="$lines|use penstock filter: mount.2. changes no filters)"
	lines="$lines${2:+|$2}"
	dmesg -c | grep -vE "$lines" > /w/lines
	if [ -s /w/lines ]; then
		say_bad "$1.log" "$(head -n 3 /w/lines | tr '\n' ';')"
		sed 's/^/# /' /w/lines | head -n 120
	else
		say_ok "$1.log"
	fi
}

# Prints the leaks that kmemleak finds. It scans twice, because false leaks are gone at the second
# scan.
no_leak() { # NAME
	[ -e /sys/kernel/debug/kmemleak ] || return
	sleep 6
	echo scan > /sys/kernel/debug/kmemleak
	sleep 1
	echo scan > /sys/kernel/debug/kmemleak
	n=$(grep -c '^unreferenced' /sys/kernel/debug/kmemleak)
	if [ "$n" = 0 ]; then say_ok "$1.leaks"; else
		say_bad "$1.leaks" "$n objects"
		sed 's/^/# /' /sys/kernel/debug/kmemleak | head -n 60
	fi
	dmesg | grep -q 'kmemleak: .* new suspected' && dmesg -c > /dev/null
	echo clear > /sys/kernel/debug/kmemleak
}

is_debug() { [ -e /sys/kernel/debug/kmemleak ]; }

view() { # LOWER [OPTIONS]
	if ! mount -i -t penstock -o "lower=$1${2:+,$2}" none /w/view; then
		say_bad "mount.$1" "mount failed"
		return 1
	fi
}

# New directories, because busybox cannot remove trees with paths that are too long.
n_fresh=0
fresh() { # FS
	n_fresh=$((n_fresh + 1))
	mkdir "/w/$1/old$n_fresh"
	mv "/w/$1/lower" "/w/$1/twin" "/w/$1/old$n_fresh"
	mkdir "/w/$1/lower" "/w/$1/twin"
}

parity_groups() { # FS
	view "/w/$1/lower" || return
	all="names kinds rename attr suid perm xattr acl dir flags data modes large copy mmap aio"
	for group in ${GROUPS_ONLY:-$all lock}; do
		pattern=${group#*=}
		[ "$pattern" = "$group" ] && pattern='*'
		group=${group%%=*}
		timeout 600 parity --limits /limits --variant kmod --variant "$1" --other-lower \
			--no-agree --patience 12 --only "$pattern" \
			"$group" "/w/$1/twin" /w/view "/w/$1/lower" > /w/out 2>&1
		status=$?
		sed -n "s/^\(ok\|not ok\|skip\) /\1 $1.$group-/p" /w/out
		grep -q '^not ok' /w/out && failed=1
		sed -n '/^not ok/,/^[osn]/{/^# /p}' /w/out | head -n 20
		[ $status -gt 1 ] && say_bad "$1.$group" "ended with $status: $(tail -n 1 /w/out)"
	done
	check "$1.same" same --no-atime /w/view "/w/$1/lower"
	check "$1.umount" umount /w/view
	fresh "$1"
	log_is_silent "$1.parity"
}

not_mounted() { # OPTIONS
	! mount -i -t penstock -o "$1" none /w/view
}

n_unused_dentries() { cut -f 2 /proc/sys/fs/dentry-state; }

# Names below stay in memory when a task closes the root of a view that shows a whole file system.
opened_root() { # FS
	mkdir "/w/$1/lower/many"
	for i in $(seq 400); do : > "/w/$1/lower/many/$i"; done
	view "/w/$1" || return
	before=$(n_unused_dentries)
	ls /w/view > /w/out
	after=$(n_unused_dentries)
	check "$1.opened-root ($before to $after)" [ $((after + 200)) -gt "$before" ]
	check "$1.opened-root.umount" umount /w/view
}

# Checks that tools/parity does not have.
tools() { # FS
	for options in locks=local locks=lower; do
		view "/w/$1/lower" "$options" || return
		behaviour "/w/$1/lower" /w/view ${options#locks=} > /w/out 2>&1
		status=$?
		sed -n "s/^\(ok\|not ok\|skip\) /\1 $1.$options-/p" /w/out
		grep -q '^not ok' /w/out && failed=1
		[ $status -gt 1 ] &&
			say_bad "$1.$options" "behaviour ended with $status: $(tail -n 1 /w/out)"
		guard "/w/$1/lower" /w/view ${options#locks=} > /w/out 2>&1
		status=$?
		sed -n "s/^\(ok\|not ok\|skip\) /\1 $1.$options-/p" /w/out
		[ $status = 0 ] || failed=1
		[ $status -gt 1 ] &&
			say_bad "$1.$options" "guard ended with $status: $(tail -n 1 /w/out)"
		check "$1.$options.umount" umount /w/view
		fresh "$1"
	done
	[ "$1" != ext4 ] || opened_root "$1"
	view "/w/$1/lower" || return
	check "$1.remount-ro" mount -o remount,ro /w/view
	check "$1.ro-refuses" sh -c '! touch /w/view/x 2> /dev/null'
	check "$1.remount-rw" mount -o remount,rw /w/view
	check "$1.rw-allows" touch /w/view/x
	check "$1.rmmod-refused" sh -c '! rmmod penstock'
	check "$1.options" grep -q "^none /w/view penstock .*lower=/w/$1/lower" /proc/mounts
	check "$1.view-of-view" not_mounted lower=/w/view
	check "$1.no-lower" not_mounted ro
	check "$1.lower-file" not_mounted lower=/w/view/x
	check "$1.proc" not_mounted lower=/proc
	check "$1.unknown-option" not_mounted "lower=/w/$1/lower,nonsense"
	touch /w/view/flags
	mount -o remount,ro /w/view
	check "$1.ro-refuses-ioctl" behaviour ro /w/view/flags
	mount -o remount,rw /w/view
	check "$1.lazy" sh -c "exec 3> /w/view/open; umount -l /w/view; echo text >&3
		[ \"\$(cat /w/$1/lower/open)\" = text ]"
	fresh "$1"
	log_is_silent "$1.tools"
}

# The set-id program in the view runs with that user ID when user 77 starts it.
runs_as() { # UID
	[ "$(/bin/setpriv --reuid 77 --clear-groups /w/view/id euid)" = "$1" ]
}

# The view forbids what the mount of LOWER forbids, although it is mounted without these flags.
restrictions() {
	mkdir -p /w/strict
	mount -t tmpfs -o nosuid,nodev,mode=755 t /w/strict
	cp /bin/behaviour /w/strict/id
	chmod 4755 /w/strict/id
	mknod -m 666 /w/strict/null c 1 3
	view /w/strict || return
	check restrict.mode-is-shown sh -c '[ "$(stat -c %a /w/view/id)" = 4755 ]'
	check restrict.nosuid runs_as 77
	check restrict.nodev sh -c '! cat /w/view/null 2> /dev/null'
	check restrict.umount umount /w/view
	mount -o remount,noexec,suid,dev /w/strict
	view /w/strict || return
	check restrict.noexec sh -c '! /w/view/id euid 2> /dev/null'
	check restrict.dev cat /w/view/null
	check restrict.umount-2 umount /w/view
	mount -o remount,exec /w/strict
	view /w/strict || return
	check restrict.suid runs_as 0
	chmod 755 /w/strict/id
	check restrict.suid-removed-below runs_as 77
	check restrict.umount-3 umount /w/view
	mkdir -p /w/strict/sub/mounted
	mount -t tmpfs t /w/strict/sub/mounted
	touch /w/strict/sub/mounted/f
	check restrict.submounts-refused not_mounted lower=/w/strict
	view /w/strict xdev=hide || return
	check restrict.xdev-hide-directory [ -d /w/view/sub/mounted ]
	check restrict.xdev-hide-file [ ! -e /w/view/sub/mounted/f ]
	check restrict.umount-4 umount /w/view
	check restrict.umount-below umount /w/strict/sub/mounted
	check restrict.umount-lower umount /w/strict
	log_is_silent restrict
}

# Lower file systems that revalidate their dentries, or have another file system below.
stacked() {
	some="names rename attr perm data"
	mkdir -p /w/below /w/fuse /w/over /w/overlay
	mount -t tmpfs -o mode=755 t /w/below
	mount -t tmpfs -o mode=755 t /w/over
	mkdir /w/over/up /w/over/low /w/over/work
	dirs=lowerdir=/w/over/low,upperdir=/w/over/up,workdir=/w/over/work
	if mount -t overlay -o "$dirs" o /w/overlay; then
		mkdir /w/overlay/lower /w/overlay/twin
		GROUPS_ONLY=${GROUPS_ONLY:-$some} parity_groups overlay
		check overlay.umount-lower umount /w/overlay
	else
		echo "skip overlay: it cannot be mounted"
	fi
	if penstock mount -o cache=exclusive /w/below /w/fuse > /w/said 2>&1; then
		mkdir /w/fuse/lower /w/fuse/twin
		GROUPS_ONLY=${GROUPS_ONLY:-$some} parity_groups fuse
		check fuse.umount-lower umount /w/fuse
	else
		echo "skip fuse: $(head -n 1 /w/said)"
	fi
}

# A lower file system that cannot write its data, because its device is in a tmpfs that is full.
writeback_errors() {
	mkdir -p /w/small /w/full
	mount -t tmpfs -o size=12m t /w/small
	truncate -s 64M /w/small/image
	losetup /dev/loop1 /w/small/image
	mke2fs /dev/loop1 > /dev/null
	mount -t ext4 /dev/loop1 /w/full
	view /w/full || return
	check errors.syncfs guard /w/full /w/view syncfs
	check errors.umount umount /w/view
	umount /w/full
	losetup -d /dev/loop1
	sleep 1
	check errors.umount-lower umount /w/small
	log_is_silent errors 'EXT4-fs|I/O error|loop1|lost|failed|timestamps'
}

stress_both() { # FS
	view "/w/$1/lower" || return
	stress "/w/$1/lower" /w/view "$SECS" 6 > /w/out 2>&1
	status=$?
	sed 's/^/# /' /w/out
	[ $status = 0 ] && say_ok "$1.stress" || say_bad "$1.stress" "$(tail -n 1 /w/out)"
	check "$1.stress.remount" mount -o remount,ro /w/view
	echo 3 > /proc/sys/vm/drop_caches
	check "$1.stress.umount" umount /w/view
	fresh "$1"
	log_is_silent "$1.stress"
}

reclaim() { # FS
	view "/w/$1/lower" || return
	check "$1.reclaim" behaviour "/w/$1/lower" /w/view 3000
	sleep 2
	n=$(sed -n 's/^penstock_inode *\([0-9]*\).*/\1/p' /proc/slabinfo)
	# KASAN keeps freed objects for a while, and the slab counts them.
	[ -e /sys/kernel/debug/kmemleak ] || [ "$n" -lt 1500 ] ||
		say_bad "$1.reclaim.inodes" "$n of 3000 inodes are left"
	check "$1.reclaim.umount" umount /w/view
	fresh "$1"
	# The report of the OOM killer is long; run looks for complaints of other kinds.
	dmesg -c | grep -q 'Out of memory: Killed process .*behaviour' ||
		say_bad "$1.reclaim.memory" "the kernel did not run out of memory"
	log_is_silent "$1.reclaim"
}

fail_allocations() { # FS
	if [ ! -e /proc/self/fail-nth ]; then
		echo "skip $1.failures: this kernel cannot let allocations fail"
		return
	fi
	failures "/w/$1/lower" /w/view > /w/out 2>&1
	status=$?
	sed 's/^/# /' /w/out
	[ $status = 0 ] && say_ok "$1.failures" || say_bad "$1.failures" "ended with $status"
	mount | grep -q ' /w/view ' && say_bad "$1.failures" "the view is still mounted"
	fresh "$1"
	if PENSTOCK_FILTER_PATH=/filters filtered "/w/$1/lower" inodes; then
		check "$1.failures.close" failures "/w/$1/lower" /w/view close
		check "$1.failures.close-umount" umount /w/view
	fi
	fresh "$1"
	log_is_silent "$1.failures"
}

# The tree for filters.sh.
make_tree() { # DIR
	mkdir -p "$1/a/b/in" "$1/a/b/out" "$1/shut/deep" "$1/onlyhidden" "$1/many" "$1/long"
	for f in plain x.key .env a/n.key a/b/in/f a/b/out/f shut/f shut/deep/f onlyhidden/y.key; do
		echo "$f" > "$1/$f"
	done
	i=0
	while [ $i -lt 300 ]; do
		: > "$1/many/name$i"
		: > "$1/many/name$i.key"
		i=$((i + 1))
	done
	i=100
	x=$(printf '%0248d' 0)
	while [ $i -lt 200 ]; do
		: > "$1/long/$x$i.key"
		: > "$1/long/$x$i.kay"
		i=$((i + 1))
	done
}

# The debugging kernel takes 40 s to check the programs of hide.
fuse_is_mounted() {
	n=0
	until grep -q ' /w/fuse ' /proc/mounts; do
		n=$((n + 1))
		[ $n -gt 2000 ] && return 1
		usleep 50000
	done
}

filtered() { # LOWER [SPEC]
	if ! mount-view "$1" /w/view ${2:+"$2"} > /w/said 2>&1; then
		say_bad "filters.mount" "$(head -c 300 /w/said)"
		return 1
	fi
}

# Runs SCRIPT in a view of the module, which is mounted, and in a view of the daemon with the same
# filters and an equal tree. Compares the output, and the lower trees.
as_the_daemon() { # FS NAME "SPEC..." SCRIPT
	sh "$4" /w/view > /w/of-module
	# The debugging kernel finds faults of the module; the other kernels compare.
	is_debug && return
	mkdir -p /w/fuse
	filters=
	for spec in $3; do filters="$filters --filter $spec"; done
	# shellcheck disable=SC2086
	penstock mount -f -o locks=lower $filters "/w/$1/twin" /w/fuse > /w/daemon.log 2>&1 &
	daemon=$!
	if ! fuse_is_mounted; then
		say_bad "$1.$2.daemon" "$(tail -n 3 /w/daemon.log)"
		return 1
	fi
	sh "$4" /w/fuse > /w/of-daemon
	umount /w/fuse
	wait $daemon
	same_as_module "$1" "$2"
}

# Compares what the commands have said in views of both engines, and the lower trees.
same_as_module() { # FS NAME
	is_debug && return
	echo "# $1.$2: $(grep -c '^[$]' /w/of-daemon) commands," \
		"$(grep -c '^= 0' /w/of-daemon) without an error"
	if diff -a -U 4 /w/of-daemon /w/of-module > /w/diff; then
		say_ok "$1.$2.as-the-daemon"
	else
		say_bad "$1.$2.as-the-daemon" "$(grep -c '^[-+]' /w/diff) lines differ"
		sed 's/^/# /' /w/diff | head -n 60
	fi
	for t in twin lower; do
		(cd "/w/$1/$t" && find . -exec stat -c '%n:%F:%a:%u:%g' {} + | sort) > "/w/of-$t"
	done
	if diff /w/of-twin /w/of-lower > /w/diff; then
		say_ok "$1.$2.same-tree-below"
	else
		say_bad "$1.$2.same-tree-below" "$(wc -l < /w/diff) lines differ"
		sed 's/^/# /' /w/diff | head -n 40
	fi
}

# The tree for names.sh, which belongs to user 1000.
make_names_tree() { # DIR
	mkdir -p "$1/cell-old/d" "$1/full-old/a" "$1/done-old" "$1/sub"
	for f in plain ro-old gone-old pre-old refused-old unseen-old set-old x.key .env \
		cell-old/a cell-old/f cell-old/fixed-old; do
		echo "$f" > "$1/$f"
	done
	head -c 5000 /dev/zero > "$1/large"
	chown -R 1000:1000 "$1"
}

# A filter takes the umask from new files whose name begins with "free-", also on a file system
# without ACLs, where the VFS applies the umask.
umask_without_acls() {
	filtered /w/ramfs/lower names || return
	(umask 022; touch /w/view/free-f; mkdir /w/view/free-d; mknod /w/view/free-p p)
	modes=$(cd /w/ramfs/lower && stat -c %a free-f free-d free-p | tr '\n' ' ')
	check ramfs.free-umask [ "$modes" = "666 777 666 " ]
	check ramfs.umount umount /w/view
	fresh ramfs
}

# Filters with other programs for names, by the names and by attributes of files, and with programs
# before and after operations on names.
filtered_names() { # FS
	export PENSTOCK_FILTER_PATH=/filters
	for spec in names errors bysize; do
		make_names_tree "/w/$1/lower"
		make_names_tree "/w/$1/twin"
		if filtered "/w/$1/lower" "$spec"; then
			name=${spec%%,*}
			as_the_daemon "$1" "$name" "$spec" /names.sh
			check "$1.$name.umount" umount /w/view
		fi
		fresh "$1"
	done
	umask_without_acls
	log_is_silent "$1.names" 'penstock: filter names: its program .* changed a name'
}

# Checks that a mount is refused, with these words.
refused() { # NAME WORDS SPEC...
	name=$1 words=$2
	shift 2
	if mount-view /w/tmpfs/lower /w/view "$@" > /w/said 2>&1; then
		umount /w/view
		say_bad "filters.refuses-$name" "the view was mounted"
	elif grep -q "$words" /w/said; then
		say_ok "filters.refuses-$name"
	else
		say_bad "filters.refuses-$name" "$(head -c 300 /w/said)"
	fi
}

# A filter that holds for a directory or a file, but not for the directory in which it is found.
attached_shows() { # FS
	make_tree "/w/$1/lower"
	chmod 755 "/w/$1/lower/a/b"
	: > "/w/$1/lower/a/b/two"
	ln "/w/$1/lower/a/b/two" "/w/$1/lower/names"
	filtered "/w/$1/lower" perms,show=o-rwx,at=/a/b || return
	as='/bin/setpriv --reuid 77 --regid 77 --clear-groups'
	for round in 1 2; do
		check "$1.attached-shows" [ "$(stat -c %a /w/view/a/b)" = 750 ]
		check "$1.attached-refuses" sh -c "! $as ls /w/view/a/b 2> /dev/null"
		check "$1.attached-shows-link" [ "$(stat -c %a /w/view/a/b/two)" = 640 ]
		check "$1.attached-shows-other-link" [ "$(stat -c %a /w/view/names)" = 640 ]
	done
	# The mount of busybox uses mount(2).
	check "$1.mount-removes-no-filter" sh -c \
		'! mount -i -o remount,filter_remove=perms none /w/view 2> /dev/null'
	check "$1.attached-stays" [ "$(stat -c %a /w/view/a/b)" = 750 ]
	check "$1.attached-shows.umount" umount /w/view
	fresh "$1"
}

# A filter that is attached to a directory.
attached() { # FS
	spec="hide,names=f:*.key,at=/a/b"
	make_tree "/w/$1/lower"
	make_tree "/w/$1/twin"
	filtered "/w/$1/lower" "$spec" || return
	as_the_daemon "$1" at "$spec" /at.sh
	mv "/w/$1/lower/a/b" "/w/$1/lower/moved"
	check "$1.at.moved-below" [ -d /w/view/moved/in -a ! -e /w/view/moved/in/f ]
	check "$1.at.listing-of-moved" is_empty /w/view/moved/in
	echo 2 > /proc/sys/vm/drop_caches
	check "$1.at.after-reclaim" [ -e /w/view/x.key -a ! -e /w/view/moved/out/f ]
	check "$1.at.umount" umount /w/view
	fresh "$1"
	# It keeps files in its tree although nobody reads its events.
	spec="audit,at=/a/b"
	make_tree "/w/$1/lower"
	make_tree "/w/$1/twin"
	filtered "/w/$1/lower" "$spec" || return
	as_the_daemon "$1" at-unread "$spec" /at.sh
	check "$1.at-unread.umount" umount /w/view
	fresh "$1"
}

# The same list of commands in a view of the module and in one of the daemon.
filters() { # FS
	export PENSTOCK_FILTER_PATH=/filters
	hide="hide,names=*.key:.env,paths=/shut:/a/b/in"
	if [ ! -e /filters/hide.bpf.o ] || [ ! -e /bin/mount-view ]; then
		echo "skip $1.filters: the program or the filters are not built"
		return
	fi
	attached_shows "$1"
	make_tree "/w/$1/lower"
	make_tree "/w/$1/twin"
	filtered "/w/$1/lower" "$hide" || return
	as_the_daemon "$1" filters "$hide" /filters.sh
	check "$1.filters.below" [ -e "/w/$1/lower/x.key" ]
	: > "/w/$1/lower/made-below.key"
	: > "/w/$1/lower/made-below"
	check "$1.filters.made-below" [ -e /w/view/made-below ]
	check "$1.filters.hidden-made-below" [ ! -e /w/view/made-below.key ]
	mv "/w/$1/lower/made-below" "/w/$1/lower/renamed.key"
	check "$1.filters.renamed-below" [ ! -e /w/view/made-below -a ! -e /w/view/renamed.key ]
	echo 2 > /proc/sys/vm/drop_caches
	check "$1.filters.after-reclaim" [ ! -e /w/view/x.key ]
	check "$1.filters.listing" sh -c '! ls -a /w/view | grep "[.]key$"'
	check "$1.filters.stress" stress "/w/$1/lower" /w/view 5 6
	check "$1.filters.umount" umount /w/view
	fresh "$1"
	filters_by_rules "$1"
	attached "$1"
	log_is_silent "$1.filters"
}

# The same list of commands under a file of rules.
filters_by_rules() { # FS
	printf '%s\n' 'hide *.key .env /shut /a/b/in' 'allow n.key /shut/deep/**' \
		'readonly /many' 'deny(unlink,rename) /a/b/**' > /w/rules
	make_tree "/w/$1/lower"
	make_tree "/w/$1/twin"
	filtered "/w/$1/lower" "rules,file=/w/rules" || return
	as_the_daemon "$1" rules "rules,file=/w/rules" /filters.sh
	check "$1.rules.way" [ -e /w/view/shut/deep/f -a ! -e /w/view/shut/f ]
	check "$1.rules.umount" umount /w/view
	fresh "$1"
}

make_files() { # DIR
	for f in plain own; do echo "$f" > "$1/$f"; done
	mkdir "$1/dir"
	ln -s plain "$1/link"
	chown 77:77 "$1/own"
	chmod 755 "$1" "$1/plain" "$1/own"
}

inodes() { # FS
	export PENSTOCK_FILTER_PATH=/filters
	if [ ! -e /filters/inodes.bpf.o ] || [ ! -e /bin/mount-view ]; then
		echo "skip $1.inodes: the program or the filters are not built"
		return
	fi
	make_files "/w/$1/lower"
	make_files "/w/$1/twin"
	export LOCKS=lower
	filtered "/w/$1/lower" inodes || return
	as_the_daemon "$1" inodes inodes /inodes.sh
	check "$1.inodes.umount" umount /w/view
	fresh "$1"
	# The daemon's programs see only what the kernel does not know.
	filtered "/w/$1/lower" inodes,stat || return
	touch /w/view/plain
	mkfifo /w/view/pipe
	mknod /w/view/null c 1 3
	check "$1.inodes.stat" stat /w/view/plain
	check "$1.inodes.stat-refused" sh -c 'stat /w/view/pipe 2>&1 | grep "Disk quota"'
	check "$1.inodes.stat-changed" sh -c '[ "$(stat -c %u /w/view/null)" = 5 ]'
	check "$1.inodes.umount" umount /w/view
	unset LOCKS
	fresh "$1"
	log_is_silent "$1.inodes" "penstock: filter inodes: its program"
}

# The tree for listings.sh, whose directories are short for a filter that counts listings.
make_listings_tree() { # DIR SPEC
	[ "$2" = parity-fake ] || make_tree "$1"
	for d in no-list made small none third late empty-late; do
		mkdir "$1/$d"
		for i in 0 1 2 3 4 $([ "$2" = parity-fake ] || seq 5 24); do
			: > "$1/$d/a-longer-name-$i"
			mkdir "$1/$d/n$i"
		done
	done
}

# Filters with programs before and after READDIR.
listings() { # FS
	export PENSTOCK_FILTER_PATH=/filters
	[ -e /filters/listings.bpf.o ] && [ -e /bin/mount-view ] || return
	for spec in listings parity-fake parity-redact \
		fault,ops=readdir,names=third:many,error=EACCES; do
		name=${spec%%,*}
		# The results do not depend on the lower file system, nor faults on the filter. The
		# offset of the name that parity-fake adds is the end of a directory of ext4; tmpfs
		# lists all names again from there, and the kernel caches that for the daemon.
		case $name in parity-fake) on=ext4 ;; *) on=tmpfs ;; esac
		[ $name = listings ] || { [ "$1" = $on ] && ! is_debug; } || continue
		make_listings_tree "/w/$1/lower" $spec
		make_listings_tree "/w/$1/twin" $spec
		if filtered "/w/$1/lower" "$spec"; then
			as_the_daemon "$1" "$name" "$spec" /listings.sh
			check "$1.$name.umount" umount /w/view
		fi
		fresh "$1"
	done
	log_is_silent "$1.listings"
}

# The tree for owner.sh.
make_owners() { # DIR
	make_files "$1"
	cp /bin/behaviour "$1/program"
	mkdir "$1/open" "$1/closed" "$1/sticky" "$1/inherits"
	for dir in open closed sticky inherits; do
		mkdir -p "$1/$dir/tree/below"
		for file in root 77 1000 1001; do
			echo $file > "$1/$dir/$file"
			[ $file = root ] || chown $file:$file "$1/$dir/$file"
		done
	done
	chown 77:77 "$1/inherits"
	chmod 755 "$1/open"
	chmod 700 "$1/closed"
	chmod 1777 "$1/sticky"
	chmod 2775 "$1/inherits"
	chgrp 5 "$1/program"
	chmod 6755 "$1/program"
	chmod 777 "$1"
}

# Filters that show other attributes than the lower files have.
owners() { # FS
	export PENSTOCK_FILTER_PATH=/filters
	[ -e /filters/owner.bpf.o ] && [ -e /bin/mount-view ] || return
	for spec in owner,uid=1000,create_uid=1001,chown=ignore \
		map,users=0/1000:5/1001:1001/5 mirror,users=1000-1001; do
		make_owners "/w/$1/lower"
		make_owners "/w/$1/twin"
		if LOCKS=lower filtered "/w/$1/lower" "$spec"; then
			as_the_daemon "$1" "$spec" "$spec" /owner.sh
			check "$1.$spec.umount" umount /w/view
		fi
		fresh "$1"
		is_debug && break
	done
	log_is_silent "$1.owners"
}

# Filters that hide from some callers only.
by_caller() { # FS
	export PENSTOCK_FILTER_PATH=/filters
	[ -e /filters/hide-for.bpf.o ] && [ -e /bin/mount-view ] || return
	hide="hide-for,names=*.key,paths=/a/b/in,uid=77"
	for tree in lower twin; do
		make_tree "/w/$1/$tree"
		chown -R 55:55 "/w/$1/$tree"
	done
	filtered "/w/$1/lower" "$hide" || return
	as_the_daemon "$1" by-caller "$hide" /by-caller.sh
	check "$1.by-caller.umount" umount /w/view
	fresh "$1"
	filtered "/w/$1/lower" "$hide" || return
	check "$1.by-caller.stress" stress "/w/$1/lower" /w/view 3 6
	mkdir "/w/$1/lower/looks"
	if callers "/w/$1/lower/looks" /w/view/looks "${SECS:-10}" > /w/out; then
		say_ok "$1.by-caller.each-its-own"
	else
		say_bad "$1.by-caller.each-its-own" \
			"$(grep -v ^task /w/out | head -n 3 | tr '\n' ';')"
	fi
	sed 's/^/# /' /w/out | tail -n 6
	check "$1.by-caller.umount" umount /w/view
	fresh "$1"
	log_is_silent "$1.by-caller"
}

# Filters that change while the view is in use, by the command. The debugging kernel takes too long
# to check hide for the comparison.
changes() { # FS
	export PENSTOCK_FILTER_PATH=/filters
	if [ ! -e /filters/key.bpf.o ] || [ ! -e /bin/penstock ]; then
		echo "skip $1.changes: the program or the filters are not built"
		return
	fi
	view "/w/$1/lower" || return
	stress "/w/$1/lower" /w/view "$SECS" 3 > /w/stress-out 2>&1 &
	pid=$!
	(cd / && exec /bin/changes "/w/$1/lower" /w/view "$SECS") > /w/out 2>&1
	status=$?
	sed -n "s/^\(ok\|not ok\) /\1 $1./p; /^#/p" /w/out
	[ $status = 0 ] || say_bad "$1.changes" "ended with $status: $(head -c 300 /w/said-filter)"
	wait $pid || say_bad "$1.changes.stress" "$(tail -n 3 /w/stress-out | tr '\n' ' ')"
	check "$1.changes.umount" umount /w/view
	fresh "$1"
	if [ ! -e /sys/kernel/debug/kmemleak ]; then
		make_tree "/w/$1/lower"
		make_tree "/w/$1/twin"
		filtered "/w/$1/lower" "hide,names=*.key" || return
		as_the_daemon "$1" changes "hide,names=*.key" /changes.sh
		check "$1.changes.umount" umount /w/view
		fresh "$1"
	fi
	log_is_silent "$1.changes"
}

refusals() {
	export PENSTOCK_FILTER_PATH=/filters
	[ -e /filters/hide.bpf.o ] && [ -e /bin/mount-view ] || return
	refused other-filters "has a program before" "hide,names=x" quota,files=5
	refused at-absent "at=absent is not found in lower= (-\(ENOENT\|2\))" \
		"hide,names=x,at=/absent"
	ln -s / /w/tmpfs/lower/link
	refused at-link "at=link/w is not found in lower= (-\(ELOOP\|40\))" \
		"hide,names=x,at=/link/w"
	check filters.refuses-text not_mounted "lower=/w/tmpfs/lower,filter=x"
	handover /w/tmpfs/lower > /w/out
	status=$?
	grep -E '^(ok|not ok|#) ' /w/out
	[ $status = 0 ] || say_bad filters.handover "ended with $status"
	fresh tmpfs
	log_is_silent refusals
}

if [ "$phases" = signature ]; then
	signature
	[ $failed = 0 ] && echo RESULT-OK
	exit
fi
gunzip /disk.gz
# As systemd sets it.
echo 1 > /proc/sys/fs/protected_hardlinks
# Keeps the uses of drop_caches out of the kernel's log.
echo 4 > /proc/sys/vm/drop_caches
dmesg -c > /dev/null
losetup /dev/loop0 /disk || say_bad loop "no loop device"
mount -t ext4 /dev/loop0 /w/ext4 || say_bad ext4 "cannot be mounted"
mount -t tmpfs -o mode=755 t /w/tmpfs
mount -t ramfs -o mode=755 r /w/ramfs
mkdir -p /w/ramfs/lower /w/ramfs/twin /w/ext4/lower /w/ext4/twin /w/tmpfs/lower /w/tmpfs/twin
check insmod insmod /penstock.ko
[ -e /sys/kernel/debug/kmemleak ] && echo clear > /sys/kernel/debug/kmemleak
for phase in $phases; do
	read -r start _ < /proc/uptime
	for fs in ext4 tmpfs; do
		case $phase in
		parity) parity_groups $fs ;;
		tools) tools $fs ;;
		stress) stress_both $fs ;;
		reclaim) reclaim $fs ;;
		# ext4 reports its own failures in the log.
		failures) [ $fs = ext4 ] || fail_allocations $fs ;;
		filters) filters $fs ;;
		callers) by_caller $fs ;;
		serve) serve $fs ;;
		program) program $fs ;;
		security) security $fs ;;
		races) two_tasks $fs ;;
		mapped) [ $fs = tmpfs ] || mapped $fs ;;
		inodes) inodes $fs ;;
		listings) listings $fs ;;
		owners) [ $fs = tmpfs ] || owners $fs ;;
		ready) [ $fs = ext4 ] || is_debug || ready $fs ;;
		# The verdicts of filters do not depend on the lower file system.
		names) [ $fs = ext4 ] || filtered_names $fs ;;
		changes) changes $fs ;;
		esac
	done
	[ "$phase" = tools ] && { restrictions; writeback_errors; }
	[ "$phase" = stacked ] && stacked
	[ "$phase" = filters ] && refusals
	[ "$phase" = command ] && command_phase
	[ "$phase" = service ] && service
	no_leak "$phase"
	read -r end _ < /proc/uptime
	echo "# $phase: ${start%.*} s to ${end%.*} s"
done
# These unmounts fail if a view still uses the lower file system after its own unmount.
check umount-lower umount /w/ext4
sleep 2
check lower-is-gone sh -c '! ls /sys/fs/ext4 | grep -q loop0'
check tmpfs-is-gone umount /w/tmpfs
check ramfs-is-gone umount /w/ramfs
check rmmod rmmod penstock
if [ -e /proc/lockdep_stats ]; then
	check lockdep-still-on sh -c 'grep -Eq "debug_locks: *1" /proc/lockdep_stats'
fi
log_is_silent end
[ $failed = 0 ] && echo RESULT-OK
