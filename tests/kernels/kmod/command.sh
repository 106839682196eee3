# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=sh disable=SC2154
#
# Tests the commands of penstock on views of the module: /w/tmpfs/lower at /w/view. guest.sh reads
# this file.

type_is() { # TYPE
	grep -q " /w/view $1 " /proc/mounts
}

# Mounts, checks the type of the view and what the program said, and unmounts by the program.
mounts_as() { # NAME TYPE WORDS OPTIONS
	if ! penstock mount -o "$4" /w/tmpfs/lower /w/view > /w/said 2>&1; then
		say_bad "command.$1" "$(head -c 300 /w/said)"
		return
	fi
	if ! type_is "$2"; then
		say_bad "command.$1" "$(grep /w/view /proc/mounts): $(head -c 300 /w/said)"
	elif [ -n "$3" ] && ! grep -q "$3" /w/said; then
		say_bad "command.$1" "it says \"$(head -c 300 /w/said)\""
	elif ! cmp -s /w/view/f /w/tmpfs/lower/f; then
		say_bad "command.$1" "the view does not show the file"
	else
		say_ok "command.$1"
	fi
	check "command.$1.umount" penstock umount /w/view
	mounted /w/view && umount /w/view
}

# Checks that the program mounts nothing, with this exit code and these words.
fails() { # NAME CODE WORDS CMD...
	name=$1 code=$2 words=$3
	shift 3
	"$@" > /w/said 2>&1
	status=$?
	if [ $status = "$code" ] && grep -q "$words" /w/said && ! mounted /w/view; then
		say_ok "command.$name"
	else
		say_bad "command.$name" "exit code $status: $(head -c 300 /w/said)"
		mounted /w/view && umount /w/view
	fi
}

choices() {
	mounts_as kernel penstock "it needs no process" engine=kernel,log=info
	mounts_as auto penstock "kernel engine" engine=auto,log=info
	mounts_as default fuse.penstock "" log=warning
	mounts_as auto-refused-option fuse.penstock "FUSE engine mounts.*xattr=off" \
		engine=auto,xattr=off,log=info
	mounts_as without-effect penstock "option cache has no effect.*option pool has no effect" \
		engine=kernel,cache=exclusive,pool=3
	fails refused-option 32 "option idmap needs the FUSE engine" \
		penstock mount -o engine=kernel,idmap /w/tmpfs/lower /w/view
	fails no-lower 32 absent penstock mount -o engine=kernel /w/absent /w/view
	fails user 1 CAP_SYS_ADMIN \
		/bin/setpriv --reuid 77 --clear-groups penstock mount -o engine=kernel \
		/w/tmpfs/lower /w/view
	fails version 255 "" mount -i -t penstock -o version=0.0,lower=/w/tmpfs/lower none /w/view
	dmesg | grep -q "has version 0.0 of the interface" ||
		say_bad command.version "the module does not compare versions"
	mkdir -p /w/tmpfs/lower/sub
	mount -t tmpfs t /w/tmpfs/lower/sub
	mounts_as auto-submount fuse.penstock "mounted below lower" engine=auto,log=info
	mounts_as xdev-hide penstock "" engine=kernel,xdev=hide
	umount /w/tmpfs/lower/sub
}

flags() {
	ln -s penstock /bin/mount.penstock
	check command.helper mount.penstock /w/tmpfs/lower /w/view \
		-o rw,engine=kernel,nosuid,noatime,fsname=name,locks=lower,xdev=hide
	options="rw,nosuid,noatime,lower=/w/tmpfs/lower,locks=lower,xdev=hide"
	check command.options grep -q "^name /w/view penstock $options " /proc/mounts
	check command.remount penstock mount -o remount,ro /w/view
	check command.remount-refuses sh -c '! touch /w/view/new 2> /dev/null'
	check command.remount-helper mount.penstock name /w/view -o "remount,$options"
	check command.remount-allows touch /w/view/new
	exec 3< /w/view/f
	if penstock umount /w/view > /w/said 2>&1 || ! grep -q "is in use" /w/said; then
		say_bad command.busy "$(head -c 300 /w/said)"
	else
		say_ok command.busy
	fi
	check command.lazy penstock umount -l /w/view
	exec 3<&-
	rm /bin/mount.penstock
}

is_empty() { [ -z "$(ls "$1")" ]; }

n_readers() { # COUNT
	[ "$(ls -l /proc/[0-9]*/fd 2> /dev/null | grep -c '/proc/fs/penstock/.*/trace')" = "$1" ]
}

tracing() { # CMD...
	"$@" > /w/trace 2>&1 &
	pid=$!
	wait_for n_readers 1 || say_bad command.trace "nobody reads"
}

# The commands for a view with filters. Compares each answer with that of the daemon, if it has one.
control() {
	fails data-at 32 "filter mask sees data, and is attached with at=" penstock mount \
		-o engine=kernel --filter mask,names=x,at=/sub /w/tmpfs/lower /w/view
	fails keep 32 "keep= needs the FUSE engine" penstock mount \
		-o engine=kernel --filter audit,keep=10 /w/tmpfs/lower /w/view
	odd="$(printf '/w/tmpfs/o\td\\d')"
	mkdir "$odd"
	for engine in fuse kernel; do
		penstock mount -o engine=$engine --filter hide,names=*.key:.env \
			--filter "hide,name=two,names=a\\,b" "$odd" /w/view > /w/said 2>&1 ||
			say_bad "command.control-$engine" "$(head -c 300 /w/said)"
		ls /w/view /w/view/x.key > /dev/null 2>&1
		penstock stat /w/view > /w/stat
		check "command.stat-engine-$engine" grep -q "^engine *$engine" /w/stat
		grep -E '^/w|^filters' /w/stat > /w/stat-$engine
		penstock filter list /w/view > /w/list-$engine
		penstock filter stat /w/view | awk '{ print $1, $2, NF }' > /w/programs-$engine
		[ $engine = kernel ] || check command.control-umount penstock umount /w/view
	done
	check command.stat-as-the-daemon cmp /w/stat-fuse /w/stat-kernel
	check command.list-as-the-daemon cmp /w/list-fuse /w/list-kernel
	check command.programs-as-the-daemon cmp /w/programs-fuse /w/programs-kernel
	penstock filter stat /w/view > /w/out
	check command.programs-ran grep -q 'hide *name *[1-9]' /w/out
	penstock filter list --json /w/view > /w/out
	check command.json grep -q '"engine":"kernel"' /w/out
	fails_in_view change-user 1 "only root" /bin/setpriv --reuid 77 --clear-groups \
		penstock filter remove /w/view two
	fails_in_view change-absent 32 'has no filter "three"; it has hide, two$' \
		penstock filter remove /w/view three
	fails_in_view change-refused 32 "filter quota,files=3 runs in the second tree only" \
		penstock filter replace /w/view two quota,files=3
	penstock filter list /w/view > /w/list-after
	check command.change-left-all cmp /w/list-kernel /w/list-after
	mount -t bpf bpf /sys/fs/bpf
	check command.pin penstock filter add /w/view counter,pin=/sys/fs/bpf/c
	check command.pin-is-there [ -e /sys/fs/bpf/c/lookups ]
	check command.pin-replace penstock filter replace /w/view counter counter,pin=/sys/fs/bpf/c
	check command.pin-stays [ -e /sys/fs/bpf/c/lookups ]
	check command.pin-remove penstock filter remove /w/view counter
	check command.pin-is-gone [ ! -e /sys/fs/bpf/c ]
	umount /sys/fs/bpf
	/bin/setpriv --reuid 77 --clear-groups penstock stat /w/view > /w/out 2>&1
	check command.only-root grep -q "only root" /w/out
	touch "$odd/f"
	tracing penstock trace /w/view
	ls /w/view/f /w/view/y.key > /dev/null 2>&1
	sleep 0.2
	kill $pid
	wait $pid
	check command.trace grep -q "lookup *ok .* /f" /w/trace
	check command.trace-verdict grep -q "lookup *ENOENT .* /y.key .*hide: ENOENT" /w/trace
	tracing penstock trace --json /w/view
	kill -STOP $pid
	n=0
	while [ $n -lt 3000 ]; do n=$((n + 1)); echo "/w/view/$n.key"; done |
		xargs stat > /dev/null 2>&1
	kill -CONT $pid
	sleep 0.5
	ls /w/view/z.key > /dev/null 2>&1
	check command.trace-lost wait_for grep -q '"lost":[1-9]' /w/trace
	n=0
	file=$(ls /proc/fs/penstock/*/trace)
	while [ $n -lt 15 ]; do n=$((n + 1)); sleep 100 < "$file" & done
	wait_for n_readers 16
	check command.trace-17 sh -c \
		"timeout 5 penstock trace /w/view 2>&1 | grep -q '16 commands trace'"
	check command.umount-ends-traces penstock umount /w/view
	wait $pid
	check command.trace-ends [ $? = 0 ]
	check command.folder-is-gone is_empty /proc/fs/penstock
	killall sleep
	rmdir "$odd" 2> /dev/null || rm -r "$odd"
}

# The same operations in a view of each engine: the traces have the same lines of some operations.
# Times and process IDs are left out.
same_events() { # NAME FILTER OPERATION|... SCRIPT
	members="op|path|uid|error|verdict|filter|what|values"
	for engine in fuse kernel; do
		rm -rf /w/tmpfs/lower/e
		mkdir /w/tmpfs/lower/e
		echo text > /w/tmpfs/lower/e/f
		penstock mount -o engine=$engine --filter "$2" /w/tmpfs/lower /w/view \
			> /w/said 2>&1 ||
			say_bad "command.$1-$engine" "$(head -c 300 /w/said)"
		if [ $engine = kernel ]; then
			tracing penstock trace --json /w/view
		else
			penstock trace --json /w/view > /w/trace 2>&1 &
			pid=$!
			sleep 2
		fi
		(cd /w/view/e && sh -c "$4") < /dev/null > /dev/null 2>&1
		sleep 0.5
		kill $pid
		wait $pid
		check "command.$1-umount-$engine" penstock umount /w/view
		awk -v ops="\"op\":\"($3)\"" '$0 ~ ops {
			said = ""
			while (match($0, member)) {
				said = said " " substr($0, RSTART, RLENGTH)
				$0 = substr($0, RSTART + RLENGTH)
			}
			print said
		}' member="\"($members)\":(\"[^\"]*\"|[0-9]+|\\\\[[0-9,]*])" /w/trace > \
			/w/trace-$engine
	done
	rm -rf /w/tmpfs/lower/e
	echo "# command.$1: $(wc -l < /w/trace-kernel) lines"
	if diff /w/trace-fuse /w/trace-kernel > /w/diff; then
		say_ok "command.$1-as-the-daemon"
	else
		say_bad "command.$1-as-the-daemon" "the traces differ"
		sed 's/^/# /' /w/diff
	fi
}

events() {
	same_events events events 'setattr|open' 'chmod 600 f; chmod 666 f; cat f'
	check command.events-are-there [ "$(grep -c '"events"' /w/trace-kernel)" = 4 ]
	# Listings and attributes depend on what the kernel keeps of a FUSE view.
	things='
		chmod 600 f; echo more >> f; ln f g; mv g h; mkdir d; mv d d2; mv d2 f; rmdir d2
		ln -s f l; rm h l; touch new; truncate -s 3 f; mknod p p; chown 77 p; ls; cat none
		/bin/setpriv --reuid 77 --clear-groups sh -c "cat f; echo x > x; rm f; touch f p"
		rm new p'
	printf '%s\n' 'audit changes' 'audit all f' > /w/rules
	for audit in audit rules-audit,rules=/w/rules; do
		same_events ${audit%,*} $audit \
			'create|mk.*|[a-z]*link|rmdir|rename|open|opendir|setattr' "$things"
		check command.audit-events [ "$(grep -c 'audit"' /w/trace-kernel)" -ge 15 ]
	done
}

runs_of() { # FILTER: of all its programs
	penstock filter stat /w/view |
		awk -v filter="$1" '$1 == filter { n += $3 } END { print +n }'
}

# A filter that only reports events runs while somebody reads them.
unread_events() {
	penstock mount -o engine=kernel --filter audit --filter 'readonly,names=f?' /w/tmpfs/lower \
		/w/view > /w/said 2>&1 || say_bad command.unread "$(head -c 300 /w/said)"
	chmod 600 /w/view/f
	check command.unread-does-not-run [ "$(runs_of audit)" = 0 ]
	check command.other-filter-runs [ "$(runs_of readonly)" -gt 0 ]
	tracing penstock trace --json /w/view
	chmod 644 /w/view/f
	check command.read-runs wait_for grep -q '"op":"setattr".*"filter":"audit"' /w/trace
	check command.read-is-counted [ "$(runs_of audit)" -gt 0 ]
	kill $pid
	wait $pid
	check command.unread-umount penstock umount /w/view
}

shown() { # FORMAT OF STAT
	stat -c "$1" /w/view/f
}

# Programs do not run if their result is known (PST_SHOWS, PST_CHOOSES).
known_results() {
	chown 3:3 /w/tmpfs/lower/f
	chmod 640 /w/tmpfs/lower/f
	echo > /w/tmpfs/lower/x.key
	penstock mount -o engine=kernel --filter 'hide,names=*.key' --filter owner,uid=7 \
		/w/tmpfs/lower /w/view > /w/said 2>&1 ||
		say_bad command.known "$(head -c 300 /w/said)"
	check command.known-owner [ "$(shown '%u %g %a')" = "7 3 640" ]
	before=$(runs_of owner)
	check command.known-owner-again [ "$(shown %u) $(shown %u)" = "7 7" ]
	check command.known-owner-does-not-run [ "$(runs_of owner)" = "$before" ]
	chown 4:5 /w/tmpfs/lower/f
	check command.known-owner-of-other-file [ "$(shown '%u %g')" = "7 5" ]
	check command.known-owner-runs [ "$(runs_of owner)" -gt "$before" ]
	chmod 604 /w/tmpfs/lower/f
	check command.known-mode-of-other-file [ "$(shown %a)" = 604 ]
	check command.known-name-does-not-run [ "$(runs_of hide)" = 0 ]
	check command.known-name-hidden [ ! -e /w/view/x.key ]
	check command.known-name-runs [ "$(runs_of hide)" -gt 0 ]
	before=$(runs_of hide)
	check command.known-listing [ "$(ls /w/view | grep -c key)" = 0 ]
	check command.known-listing-runs [ "$(runs_of hide)" -gt "$before" ]
	penstock filter add /w/view owner,gid=9,name=owner2 > /w/said 2>&1 ||
		say_bad command.known-add "$(head -c 300 /w/said)"
	check command.known-owner-of-other-chain [ "$(shown "%u %g")" = "7 9" ]
	check command.known-umount penstock umount /w/view
	rm /w/tmpfs/lower/x.key
	chown 0:0 /w/tmpfs/lower/f
	chmod 644 /w/tmpfs/lower/f
}

probed() { # ROW STATE WORDS
	penstock probe --all 2> /dev/null | grep -q "^$1 *$2 .*$3"
}

# penstock probe, while no module is loaded.
probes() {
	list=/lib/modules/$(uname -r)/modules.dep
	check command.probe-absent probed kernel_engine off "make kmod-install"
	mkdir -p "${list%/*}/updates" /lib/modules/other
	echo "updates/penstock.ko:" > /lib/modules/other/modules.dep
	check command.probe-other-kernel probed kernel_engine off "for another kernel"
	echo "updates/penstock.ko: kernel/fs/fuse.ko" > "$list"
	check command.probe-installed probed kernel_engine on "installed for this kernel"
	check command.probe-unsigned-allowed probed module_signature on "without a signature"
	rm -r /lib/modules/other "$list"
}

refused_module() { # NAME MODULE WORDS
	cp "$2" "$dir/penstock.ko"
	check "signature.$1-refused" sh -c "! insmod $dir/penstock.ko 2> /dev/null"
	check "signature.$1-probe" probed module_signature off "$3"
	fails "signature.$1" 32 "could not load it; .penstock probe. says why" \
		penstock mount -o engine=kernel /w/tmpfs/lower /w/view
}

# The kernel wants signatures (module.sig_enforce=1), and has no key for this module.
signature() {
	dir=/lib/modules/$(uname -r)/updates
	mkdir -p "$dir" /w/tmpfs/lower
	echo "updates/penstock.ko:" > "${dir%/*}/modules.dep"
	printf '%s\n' '#!/bin/sh' "exec /bin/insmod $dir/penstock.ko" > /w/modprobe
	chmod 755 /w/modprobe
	echo /w/modprobe > /proc/sys/kernel/modprobe
	refused_module unsigned /penstock.ko "has no signature: install openssl"
	refused_module other-key /signed.ko "does not have \"a key of the test\".*mokutil --import"
	check signature.log sh -c "dmesg | grep 'Loading of unsigned module is rejected' &&
		dmesg | grep 'Loading of module with unavailable key is rejected'"
}

# The kernel asks for the module by the name of the file system.
loading() {
	check command.probe-loaded probed kernel_engine on "penstock [0-9.]* is loaded"
	check command.rmmod rmmod penstock
	probes
	mounts_as auto-not-loaded fuse.penstock "module penstock is not loaded" \
		engine=auto,log=info
	fails not-installed 32 "could not load it" \
		penstock mount -o engine=kernel /w/tmpfs/lower /w/view
	printf '%s\n' '#!/bin/sh' 'case "$*" in *fs-penstock) exec /bin/insmod /penstock.ko; esac' \
		> /w/modprobe
	chmod 755 /w/modprobe
	echo /w/modprobe > /proc/sys/kernel/modprobe
	mounts_as loads penstock "" engine=kernel
}

command_phase() {
	export PENSTOCK_FILTER_PATH=/filters
	echo text > /w/tmpfs/lower/f
	choices
	flags
	[ -e /filters/hide.bpf.o ] && control
	[ -e /filters/events.bpf.o ] && events
	if [ -e /filters/audit.bpf.o ]; then
		unread_events
		known_results
	fi
	loading
	fresh tmpfs
	log_is_silent command "penstock: the program that mounts"
}
