# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=sh disable=SC2154
#
# Views while they are mounted: other versions of the program, upgrades of the module, filters that
# come and go, the trace of the process of the second tree. guest.sh reads this file.

# Checks that a command on the view fails with these words, and that the view stays as it is.
refuses() { # NAME WORDS CMD...
	name=$1 words=$2
	shift 2
	if "$@" > /w/said 2>&1; then
		say_bad "service.$name" "it has not failed"
	elif ! grep -q "$words" /w/said; then
		say_bad "service.$name" "$(head -c 400 /w/said)"
	elif ! grep -q " /w/view penstock " /proc/mounts || [ ! -e /w/view/f ]; then
		say_bad "service.$name" "the view has changed"
	else
		say_ok "service.$name"
	fi
}

# penstock-other is the program with another version of the interface.
versions() {
	both="version [0-9.]* of the interface.*[0-9]\\.[0-9]"
	kernel_view || return
	refuses version-stat "$both" penstock-other stat /w/view
	refuses version-trace "$both" penstock-other trace /w/view
	refuses version-list "$both" penstock-other filter list /w/view
	refuses version-add "$both" penstock-other filter add /w/view hide,names=x
	mkdir -p /w/view2
	refuses version-mount "$both" \
		penstock-other mount -o engine=kernel /w/tmpfs/lower /w/view2
	check service.version-auto sh -c 'penstock-other mount -o engine=auto,log=info \
		/w/tmpfs/lower /w/view2 2>&1 | grep "FUSE engine mounts.*of the interface"'
	check service.version-auto-mounts grep -q " /w/view2 fuse.penstock " /proc/mounts
	check service.version-auto-umount penstock-other umount /w/view2
	check service.version-umount penstock-other umount /w/view
}

kernel_view() {
	penstock mount -o engine=kernel "$@" /w/tmpfs/lower /w/view > /w/said 2>&1 ||
		{ say_bad service.mount "$(head -c 300 /w/said)"; return 1; }
}

# The module cannot go or be replaced while a view has files, also after umount -l.
upgrade() {
	kernel_view || return
	refuses upgrade-rmmod "in use\|unavailable" rmmod penstock
	refuses upgrade-insmod exists insmod /penstock.ko
	check service.upgrade-goes-on touch /w/view/new
	exec 3< /w/view/f
	umount -l /w/view
	check service.upgrade-open-file sh -c '! rmmod penstock 2> /dev/null && cat <&3'
	exec 3<&-
	check service.upgrade-unloads wait_for rmmod penstock
	check service.upgrade-loads insmod /penstock.ko
	kernel_view || return
	file=$(ls /proc/fs/penstock/*/view)
	exec 3< "$file"
	check service.upgrade-umount penstock umount /w/view
	check service.upgrade-open-facts wait_for rmmod penstock
	exec 3<&-
	check service.upgrade-loads-again insmod /penstock.ko
}

# at= in filters that are added and removed while the view is mounted and its files are in use.
attached_later() {
	lower=/w/tmpfs/lower
	mkdir -p $lower/a/b/deep $lower/c
	touch $lower/a/x.key $lower/a/b/x.key $lower/a/b/deep/x.key $lower/c/x.key
	kernel_view || return
	keys() { (cd /w/view && find . -name '*.key' | sort | tr '\n' ' '); }
	all="./a/b/deep/x.key ./a/b/x.key ./a/x.key ./c/x.key "
	check service.at-before [ "$(keys)" = "$all" ]
	cd /w/view/a/b/deep || return
	check service.at-add penstock filter add /w/view hide,names=*.key,at=/a/b
	check service.at-added [ "$(keys)" = "./a/x.key ./c/x.key " ]
	check service.at-directory-in-use sh -c '[ ! -e x.key ] && ! touch new.key 2> /dev/null'
	check service.at-above touch /w/view/a/new.key
	refuses at-stays "not permitted" mv /w/view/a/b /w/view/moved
	refuses at-absent "at=none is not found" penstock filter add /w/view \
		hide,name=none,names=x,at=/none
	rm /w/view/a/new.key
	check service.at-replace penstock filter replace /w/view hide hide,names=*.key,at=c
	check service.at-replaced [ "$(keys)" = "./a/b/deep/x.key ./a/b/x.key ./a/x.key " ]
	check service.at-back [ -e x.key ]
	check service.at-moves sh -c 'mv /w/view/a/b /w/view/moved && mv /w/view/moved /w/view/a/b'
	mv $lower/c $lower/d
	check service.at-moved-below [ "$(keys)" = "./a/b/deep/x.key ./a/b/x.key ./a/x.key " ]
	mv $lower/d $lower/c
	check service.at-remove penstock filter remove /w/view hide
	check service.at-removed [ "$(keys)" = "$all" ]
	cd /w || return
	check service.at-umount penstock umount /w/view
	rm -r $lower/a $lower/c
}

# No view of the command has a server.
refused_changes() {
	kernel_view --filter mask,names=*.key --filter bad,what=serve > /w/said 2>&1 || return
	check service.change-others penstock filter add /w/view hide,names=x
	refuses serve "Input/output error" ln -s x /w/view/link
	check service.serve-log sh -c 'dmesg | grep "filter bad: its program .* returned PST_SERVE"'
	check service.serve-below [ ! -L /w/tmpfs/lower/link ]
	check service.change-umount penstock umount /w/view
}

# The trace has the operations of the process, too.
trace_of_process() {
	echo secret > /w/tmpfs/lower/x.key
	kernel_view --filter mask,names=*.key || return
	tracing penstock trace --json /w/view
	# The command asks the process after the module.
	check service.trace-process wait_for sh -c 'cat /w/view/x.key /w/view/f > /dev/null
		grep -q "\"op\":\"read\",\"path\":\"/x.key\"" /w/trace'
	check service.trace-module grep -q '"op":"lookup","path":"/f"' /w/trace
	check service.trace-umount penstock umount /w/view
	wait $pid
	check service.trace-ends [ $? = 0 ]
	rm /w/tmpfs/lower/x.key
}

# The command asks both the module and the process of a view that was mounted with filters that see
# data: it counts each run once, and gives another such filter to both.
both_are_asked() {
	echo secret > /w/tmpfs/lower/x.key
	kernel_view --filter mask,names=*.key --filter hide,names=*.gone || return
	cat /w/view/x.key /w/view/f /w/view/x.gone > /dev/null 2>&1
	penstock filter stat /w/view > /w/out
	# Only the module has this one.
	check service.counted-once [ "$(awk '$1 == "hide" { print $3 }' /w/out)" = \
		"$(awk '$1 == "hide" { print $3 }' /proc/fs/penstock/*/programs)" ]
	check service.counted-reads grep -q 'mask *post/read *[1-9]' /w/out
	check service.add-second penstock filter add /w/view mask,name=m2,names=f
	check service.add-second-masks sh -c '! grep text /w/view/f'
	check service.remove-second penstock filter remove /w/view m2
	check service.remove-second-shows grep -q text /w/view/f
	check service.both-umount penstock umount /w/view
	rm /w/tmpfs/lower/x.key
}

service() {
	export PENSTOCK_FILTER_PATH=/filters
	[ -e /filters/mask.bpf.o ] && [ -x /bin/penstock ] || return
	echo text > /w/tmpfs/lower/f
	versions
	upgrade
	attached_later
	refused_changes
	trace_of_process
	both_are_asked
	fresh tmpfs
	log_is_silent service "penstock: (the program that mounts|filter bad|filter none)"
}
